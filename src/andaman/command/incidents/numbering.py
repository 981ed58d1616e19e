"""Gives each incident the next number of its fiscal year, in the incident's own commit.

Each number is an entity, ``IncidentNumber``, whose id follows from year and number. Of two who take the same number at once
the second cannot create it, decides again and takes the next. The entity outlives its incident, so a number never returns.
A restored ledger does not know the numbers that were given after its backup. So the first start after a restore leaves the
rest of the present thousand out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from andaman.broker.api import Broker, Doc, Instance, OpKind, WriteOp, entity, iri, prop, rel
from andaman.command.core import attributes
from andaman.command.core.entities import change_op, exercise_of, scopes_of
from andaman.command.core.records import Records
from andaman.command.core.views import Incident, IncidentNumber
from andaman.command.incident_types import number_prefix
from andaman.command.incidents.numbers import spoken
from andaman.identity.model import FULL_ACCESS, system_actor
from andaman.kernel.errors import AndamanError
from andaman.kernel.fiscal import fiscal_year
from andaman.kernel.ids import keyed_id, urn
from andaman.kernel.time import Micros, parse_time
from andaman.register import Rows

log = logging.getLogger(__name__)
LEFT_OUT: Final = 1000
"""Numbers are left out up to the next multiple of this after a restore."""
_CHUNK: Final = 200
"""Incidents of an older version that are numbered in one commit."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number to be given: what people say, and the write that takes it."""

    text: str
    year: int
    sequence: int
    op: WriteOp


class Numbering:
    def __init__(self, broker: Broker, records: Records, registers: Rows) -> None:
        self._broker, self._records, self._registers = broker, records, registers
        self._last: dict[tuple[str, int], int] = {}

    def next(self, incident_id: str, at: Micros, tenant: str, *, after: int = 0) -> Number:
        """The next number of the year of ``at``, later than ``after``. It is taken when its ``op`` is written."""
        year = fiscal_year(at)
        sequence = max(self._last_of(year, tenant), after) + 1
        taken = self._op(year, sequence, tenant, refIncident=rel(incident_id, Incident.kind))
        return Number(spoken(number_prefix(self._registers, tenant), year, sequence), year, sequence, taken)

    def given(self, number: Number, tenant: str) -> None:
        """The number was written."""
        self._last[tenant, number.year] = number.sequence

    def look_again(self) -> None:
        """Somebody else took a number."""
        self._last.clear()

    def _last_of(self, year: int, tenant: str) -> int:
        known = self._last.get((tenant, year))
        if known is not None and (known == 0 or self._taken(year, known, tenant)):
            return known
        found = (
            one.sequence
            for one in self._records.every(IncidentNumber, FULL_ACCESS, tenant)
            if one.fiscal_year == year
        )
        last = self._last[tenant, year] = max(found, default=0)
        return last

    def _taken(self, year: int, sequence: int, tenant: str) -> bool:
        """False too where the tenant was made again since."""
        return self._broker.find(self._id(year, sequence), FULL_ACCESS, tenant) is not None

    def _id(self, year: int, sequence: int) -> str:
        return urn(
            IncidentNumber.kind, keyed_id(self._records.key, IncidentNumber.kind, str(year), str(sequence))
        )

    def _op(self, year: int, sequence: int, tenant: str, **attrs: Instance) -> WriteOp:
        number_id = self._id(year, sequence)
        doc = entity(
            number_id,
            IncidentNumber.kind,
            scopes_of("/command/incident", tenant),
            fiscalYear=prop(year),
            sequence=prop(sequence),
            **attrs,
            **exercise_of(tenant),
        )
        return WriteOp(OpKind.CREATE, number_id, doc)

    # -- at the start of the platform -----------------------------------------------------------------------
    async def catch_up(self, restored: str, now: Micros) -> None:
        """Number the incidents of older versions, in order of time; leave numbers out after a restore. ``restored``: the mark
        of the restore that made this directory; "" for none. May be cut off and called again."""
        for tenant in self._broker.tenants():
            try:
                await self._number_older(tenant)
                if restored:
                    await self._leave_out(restored, now, tenant)
            except AndamanError as error:  # a full disk, say: the platform starts all the same
                log.error(
                    "Incidents of tenant %r wait for a number until the next start: %s", tenant, error.detail
                )

    async def _number_older(self, tenant: str) -> None:
        older = sorted(self._without_number(tenant))
        for begin in range(0, len(older), _CHUNK):
            ops: list[WriteOp] = []
            last: dict[int, int] = {}
            for at, incident_id in older[begin : begin + _CHUNK]:
                number = self.next(incident_id, at, tenant, after=last.get(fiscal_year(at), 0))
                last[number.year] = number.sequence
                ops += [number.op, change_op(incident_id, Incident.kind, incidentNumber=prop(number.text))]
            await self._write(ops, tenant)
            for year, sequence in last.items():
                self._last[tenant, year] = sequence
        if older:
            log.info("%d incidents of an older version have a number now (tenant %r)", len(older), tenant)

    def _without_number(self, tenant: str) -> Iterator[tuple[Micros, str]]:
        for doc in self._broker.iter_entities([iri(Incident.kind)], FULL_ACCESS, tenant):
            if not attributes.text(doc, "incidentNumber"):
                yield _opened(doc), doc["id"]

    async def _leave_out(self, restored: str, now: Micros, tenant: str) -> None:
        """Once for each restore."""
        marker = urn(IncidentNumber.kind, f"restored-{restored}")
        if self._broker.find(marker, FULL_ACCESS, tenant) is not None:
            return
        year = fiscal_year(now)
        last = self._last_of(year, tenant)
        if last == 0 and tenant:
            return  # a drill without incidents
        end = (last // LEFT_OUT + 1) * LEFT_OUT
        doc = entity(
            marker,
            IncidentNumber.kind,
            scopes_of("/command/incident", tenant),
            fiscalYear=prop(year),
            sequence=prop(end),
            **exercise_of(tenant),
        )
        await self._write([self._op(year, end, tenant), WriteOp(OpKind.CREATE, marker, doc)], tenant)
        self._last[tenant, year] = end
        log.warning(
            "This data was restored: incident numbers %d to %d of the fiscal year %d are left out, because they may have been given",
            last + 1, end, year,
        )  # fmt: skip

    async def _write(self, ops: list[WriteOp], tenant: str) -> None:
        await self._broker.must_write(ops, system_actor("command"), tenant, atomic=True)


def _opened(doc: Doc) -> Micros:
    found = attributes.time(doc, "openedAt")
    if found is not None:
        return found
    made = doc.get("createdAt")
    return parse_time(made) if isinstance(made, str) else 0
