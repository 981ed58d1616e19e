"""The command center as one part: rules at work, the desk, and (in a demo) units that drive."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path

from andaman.broker.api import DEFAULT_TENANT, Broker, Doc, iri, value
from andaman.city.pack import Pack
from andaman.command.answers import Summary
from andaman.command.core import attributes
from andaman.command.core.states import AlertStatus, IncidentStatus, UnitStatus
from andaman.command.core.views import Alert, Incident, Unit
from andaman.command.desk import Desk
from andaman.command.dispatch.arrivals import Arrivals
from andaman.command.dispatch.simulator import UnitSimulator
from andaman.command.incidents.archive import Wanted, select
from andaman.command.incidents.over_time import Buckets, count_over_time
from andaman.command.problems import Unreadable
from andaman.command.signals.rule_seed import follow_pack
from andaman.command.signals.rules import Rules
from andaman.command.signals.watch import RuleWatch
from andaman.identity.model import Access
from andaman.identity.result_readers import Readers, everything
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.restored import restored_mark
from andaman.kernel.time import Clock, Micros, system_clock
from andaman.register import Rows


class CommandService:
    """``directory`` keeps the state of the rules. ``simulate`` lets units of simulated origin drive; ``auto`` lets them
    also report on scene and clear by themselves (drills only). ``pack``: whose rules untouched ones follow.
    """

    def __init__(
        self,
        broker: Broker,
        directory: Path,
        clock: Clock = system_clock,
        *,
        simulate: bool = False,
        auto: bool = False,
        pack: Pack | None = None,
        readers: Readers = everything,
        registers: Rows | None = None,
    ) -> None:
        self._broker, self._clock = broker, clock
        self._pack, self._directory = pack, directory
        self.desk = Desk(broker, clock, readers, registers)
        records, dispatch = self.desk.records, self.desk.dispatch
        self.watch = RuleWatch(broker, records, clock, directory, dispatch.ways_changed)
        self.rules = Rules(broker, records, self.watch, clock)
        self.arrivals = Arrivals(broker, records, clock)
        self.simulator = UnitSimulator(broker, records, dispatch, clock, auto=auto) if simulate else None

    async def start(self) -> None:
        """After the broker, and after the city pack where there is one."""
        if self._pack is not None:
            await follow_pack(self._broker, self._pack)
        await self.desk.numbering.catch_up(restored_mark(self._directory), self._clock())
        await self.watch.start()
        await self.arrivals.start()
        if self.simulator is not None:
            await self.simulator.start()

    async def stop(self) -> None:
        if self.simulator is not None:
            await self.simulator.stop()
        await self.arrivals.stop()
        await self.watch.stop()

    def policy_changed(self) -> None:
        """The policy has changed: collect again what the room knows for other readers."""
        self.desk.dispatch.ways_changed()
        self.watch.shown.policy_changed()

    # -- overview -------------------------------------------------------------------------------------------
    def summary(self, access: Access, tenant: str = DEFAULT_TENANT) -> Summary:
        """Counts of alerts that need somebody (open and acknowledged) by severity, and of open ones by severity. Counts
        of incidents and units by status; ``unknown`` if the status is damaged.
        """
        alerts: dict[str, int] = {}
        unseen: dict[str, int] = {}
        # few are open, many are over: those are not read
        standing = tuple(one.value for one in AlertStatus if one.standing)
        for doc in self.desk.records.where(Alert.kind, "alertStatus", standing, access, tenant):
            severity = attributes.severity(doc).value
            alerts[severity] = alerts.get(severity, 0) + 1
            if value(doc, "alertStatus") == AlertStatus.OPEN:
                unseen[severity] = unseen.get(severity, 0) + 1
        return Summary(
            alerts=alerts,
            unacknowledged=unseen,
            incidents=self._count(Incident.kind, "incidentStatus", IncidentStatus, access, tenant),
            units=self._count(Unit.kind, "unitStatus", UnitStatus, access, tenant),
        )

    def _count(
        self, kind: str, attribute: str, states: type[StrEnum], access: Access, tenant: str
    ) -> dict[str, int]:
        found: dict[str, int] = {}
        for doc in self._broker.iter_entities([iri(kind)], access, tenant):
            try:
                status = attributes.state(doc, kind, attribute, states).value
            except Unreadable:
                status = "unknown"
            found[status] = found.get(status, 0) + 1
        return found

    async def incidents(self, wanted: Wanted, access: Access, tenant: str = DEFAULT_TENANT) -> list[Doc]:
        """All incidents that match, open or ended, the newest first. Read in threads, so that the loop stays free."""
        docs = await self.desk.records.all_docs(Incident.kind, access, tenant)
        return await asyncio.to_thread(select, docs, wanted)

    async def recorded_since(self) -> Micros | None:
        """When the record begins. Nothing is known of the time before."""
        return await self._broker.recorded_since()

    def timeline(
        self, begin: Micros, end: Micros, buckets: int, access: Access, tenant: str = DEFAULT_TENANT
    ) -> Buckets:
        """Alerts and incidents by severity over time."""
        if tenant not in self._broker.tenants():
            raise ResourceNotFound(f"There is no tenant {tenant}")
        docs = self._broker.iter_entities([iri("Alert"), iri("Incident")], access, tenant)
        return count_over_time(docs, begin, end, buckets, self._clock())
