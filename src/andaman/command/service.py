"""The command center as one part: rules at work, the desk, and (in a demo) units that drive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from andaman.broker.entity.build import entity, iri, js, lang, prop, simplify, value
from andaman.broker.model import DEFAULT_TENANT, Doc, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.command.core.reading import members
from andaman.command.desk import Desk
from andaman.command.incidents.over_time import Buckets, count_over_time
from andaman.command.signals.defaults import DEFAULT_RULES
from andaman.command.signals.watch import RuleWatch
from andaman.command.simulator import UnitSimulator
from andaman.identity.model import FULL_ACCESS, Access, Actor, system_actor
from andaman.identity.result_readers import Readers, everything
from andaman.kernel.errors import BadRequestData, ResourceNotFound
from andaman.kernel.ids import is_uri
from andaman.kernel.time import Clock, Micros, system_clock
from andaman.kernel.words import LanguageMap
from andaman.register import Rows


class CommandService:
    """``directory`` keeps the state of the rules; ``simulate`` lets units of simulated origin drive; ``auto`` lets them
    also report on scene and clear by themselves (drills only)."""

    def __init__(
        self,
        broker: Broker,
        directory: Path,
        clock: Clock = system_clock,
        *,
        simulate: bool = False,
        auto: bool = False,
        default_rules: bool = True,
        readers: Readers = everything,
        registers: Rows | None = None,
    ) -> None:
        self._broker, self._clock = broker, clock
        self._default_rules = default_rules
        self.desk = Desk(broker, clock, readers, registers)
        self.watch = RuleWatch(broker, self.desk, clock, directory, self.desk.roads_changed)
        self.simulator = UnitSimulator(broker, self.desk, clock, auto=auto) if simulate else None

    async def start(self) -> None:
        """After the broker, and after the city pack where there is one."""
        if self._default_rules:
            await self._install_defaults()
        await self.watch.start()
        if self.simulator is not None:
            await self.simulator.start()

    async def stop(self) -> None:
        if self.simulator is not None:
            await self.simulator.stop()
        await self.watch.stop()

    def policy_changed(self) -> None:
        """Who may see what has changed: what the room knows for others is gathered anew."""
        self.desk.roads_changed()
        self.watch.shown.policy_changed()

    async def _install_defaults(self) -> None:
        """Once, in a city that has no rules yet; afterwards rules belong to its people."""
        for _ in self._broker.iter_entities([iri("AlertRule")], FULL_ACCESS):
            return
        ops = []
        for code, (name, definition) in DEFAULT_RULES.items():
            doc = rule_doc(f"urn:ngsi-ld:AlertRule:{code}", name, definition, True)
            ops.append(WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc))
        await self._broker.must_write(ops, system_actor("command"))

    # -- rules ----------------------------------------------------------------------------------------------
    def list_rules(self, access: Access, tenant: str) -> list[dict[str, Any]]:
        """Rules in live form; ``error`` says why one does not run, ``active`` how many alerts it holds open."""
        out = []
        for doc in self._broker.iter_entities([iri("AlertRule")], access, tenant):
            out.append(self._rule_live(doc, tenant))
        return out

    def get_rule(self, rule_id: str, access: Access, tenant: str) -> dict[str, Any]:
        return self._rule_live(self.desk.get(rule_id, "AlertRule", access, tenant), tenant)

    def _rule_live(self, doc: Doc, tenant: str) -> dict[str, Any]:
        return simplify(doc) | {
            "error": self.watch.errors.get((tenant, doc["id"])),
            "active": self.watch.engine(tenant).active_of(doc["id"]),
        }

    async def put_rule(self, rule_id: str, raw: Any, actor: Actor, tenant: str) -> dict[str, Any]:
        """Make or replace a rule from ``{name: {th, en}, enabled?, definition}``. Raises BadRequestData with the
        JSON pointer of what is wrong; then nothing is written."""
        if not is_uri(rule_id) or ":AlertRule:" not in rule_id:
            raise BadRequestData("The id of a rule is like urn:ngsi-ld:AlertRule:heavy-rain", field="id")
        body = members(raw, ("name", "enabled", "definition"), ("name", "definition"))
        name = members(body["name"], ("th", "en"))
        if not name or not all(isinstance(text, str) and 0 < len(text) <= 300 for text in name.values()):
            raise BadRequestData("name has th and en, each a text of 1 to 300 characters", field="name")
        enabled = body.get("enabled", True)
        if not isinstance(enabled, bool):
            raise BadRequestData("enabled is true or false", field="enabled")
        doc = rule_doc(rule_id, name, body["definition"], enabled)
        self.watch.engine(tenant).check(self.watch.read(doc))
        old = self._broker.find(rule_id, FULL_ACCESS, tenant)
        if old is not None and iri("AlertRule") not in old["type"]:
            raise BadRequestData(f"{rule_id} is not a rule", field="id")
        write = Actor(actor.principal, FULL_ACCESS, actor.origin, actor.reason, actor.request_id)
        await self._broker.must_write([WriteOp(OpKind.UPSERT_REPLACE, rule_id, doc)], write, tenant)
        return self.get_rule(rule_id, FULL_ACCESS, tenant)

    async def delete_rule(self, rule_id: str, actor: Actor, tenant: str) -> None:
        self.desk.get(rule_id, "AlertRule", actor.access, tenant)
        write = Actor(actor.principal, FULL_ACCESS, actor.origin, actor.reason, actor.request_id)
        await self._broker.must_write([WriteOp(OpKind.DELETE, rule_id)], write, tenant)

    # -- overview -------------------------------------------------------------------------------------------
    def summary(self, access: Access, tenant: str = DEFAULT_TENANT) -> dict[str, Any]:
        """Counts of alerts that need somebody (open and acknowledged) by severity, open ones by severity too, of
        incidents and units by status."""
        alerts: dict[str, int] = {}
        unseen: dict[str, int] = {}
        # few are open, many are over: those are not read
        for doc in self.desk.where("Alert", "alertStatus", ("open", "acknowledged"), access, tenant):
            status, severity = value(doc, "alertStatus"), str(value(doc, "severity", "Unknown"))
            alerts[severity] = alerts.get(severity, 0) + 1
            if status == "open":
                unseen[severity] = unseen.get(severity, 0) + 1
        return {
            "alerts": alerts,
            "unacknowledged": unseen,
            "incidents": self._count("Incident", "incidentStatus", access, tenant),
            "units": self._count("EmergencyUnit", "unitStatus", access, tenant),
        }

    def _count(self, kind: str, attr: str, access: Access, tenant: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for doc in self._broker.iter_entities([iri(kind)], access, tenant):
            status = str(value(doc, attr, "unknown"))
            found[status] = found.get(status, 0) + 1
        return found

    def timeline(
        self, begin: Micros, end: Micros, buckets: int, access: Access, tenant: str = DEFAULT_TENANT
    ) -> Buckets:
        """Alerts and incidents by severity over time."""
        if tenant not in self._broker.tenants():
            raise ResourceNotFound(f"There is no tenant {tenant}")
        docs = self._broker.iter_entities([iri("Alert"), iri("Incident")], access, tenant)
        return count_over_time(docs, begin, end, buckets, self._clock())


def rule_doc(rule_id: str, name: LanguageMap, definition: Any, enabled: bool) -> Doc:
    """The AlertRule entity."""
    return entity(
        rule_id,
        "AlertRule",
        ["/command/rule"],
        name=lang(**name),
        enabled=prop(enabled),
        definition=js(definition),
    )
