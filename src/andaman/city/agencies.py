"""The register of agencies. Accounts, tokens and datasets name an agency by its code."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from andaman.city.registers import Registers
from andaman.city.types import ORGANIZATION
from andaman.definitions.service import Definitions
from andaman.form import Row, RowRefused, digits, entity_of, telephone
from andaman.identity.checks import checked_agency
from andaman.identity.model import Actor, system_actor
from andaman.identity.problems import AgencyCodeInvalid
from andaman.identity.service import Identity
from andaman.kernel.refusals import FieldMissing
from andaman.kernel.words import Words
from andaman.register import Register


class AgencyRow(Row, frozen=True, kw_only=True):
    """``area_served``: for a local authority. ``local_code``: of the Department of Local Administration. Nobody knows the
    ``origin`` of a row but its writer."""

    name: Words
    category: str = ""
    emergency_number: Annotated[str, telephone()] = ""
    telephone: Annotated[str, telephone()] = ""
    local_code: Annotated[str, digits(9)] = ""
    area_served: Annotated[tuple[str, ...], entity_of("AdministrativeArea")] = ()
    origin: str = ""
    source: str = ""


def check_agency(row: AgencyRow) -> None:
    """Raises RowRefused for a code that no account could have."""
    try:
        checked_agency(row.code)
    except AgencyCodeInvalid:
        raise RowRefused.of([AgencyCodeInvalid(agency=row.code, field="code")]) from None


AGENCIES: Final = Register(
    "agencies",
    Words("หน่วยงานและหมายเลขแจ้งเหตุ", "Agencies and emergency lines"),
    ORGANIZATION,
    AgencyRow,
    check=check_agency,
    scope="/agency",
    code_attribute="agencyCode",
    constants={"dataset": "agencies"},
)


class Agencies:
    """The agencies by code and name. ``definitions`` None: a platform that is only a broker keeps no versions."""

    def __init__(self, registers: Registers, definitions: Definitions | None, identity: Identity) -> None:
        self._registers, self._definitions, self._identity = registers, definitions, identity

    def names(self) -> dict[str, Words]:
        """Code → name, in the order of the codes."""
        return {code: row.name for code, row in sorted(self._registers.rows(AGENCIES).items())}

    async def put_name(self, code: str, name: Words, actor: Actor) -> None:
        """Create an agency or give it another name; its other fields stay. Raises AgencyCodeInvalid, RowRefused."""
        if not checked_agency(code):
            raise FieldMissing(field="code")
        row = self._registers.rows(AGENCIES).get(code)
        if row is not None and row.name == name:
            return
        document = {} if row is None else AGENCIES.form.document(row)
        document["name"] = name.json()
        if self._definitions is None:
            await self._registers.put(AGENCIES, code, document, actor)
        else:
            kind, content = (
                self._definitions.kind(AGENCIES.name),
                AGENCIES.form.read({**document, "code": code}),
            )
            if actor.principal.id.startswith("system:"):  # no setting stops the upgrade of a data directory
                await self._definitions.put_checked(kind, code, AGENCIES.form.document(content), actor)
            else:
                await self._definitions.put(kind, code, document, actor)
        await self._identity.audit.add(actor, "agency.put", f"agency:{code}")

    async def users(self, kind: str, key: str) -> list[Words]:
        """Accounts and tokens of an agency."""
        return await asyncio.to_thread(self._identity.users_of_agency, key) if kind == AGENCIES.name else []

    async def take_over(self) -> None:
        """Make rows of the agencies that releases before kept in identity.db. Where a row is there, it has the last word."""
        store = self._identity.store
        for agency in await asyncio.to_thread(store.list_agencies):
            if agency.code not in self._registers.rows(AGENCIES):
                await self.put_name(agency.code, Words(agency.name_th, agency.name_en), system_actor("city"))
            await asyncio.to_thread(store.delete_agency, agency.code)
