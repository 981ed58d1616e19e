"""The rules as people edit them."""

from __future__ import annotations

from typing import Any

from andaman.broker.entity.build import entity, iri, js, lang, prop, simplify
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.command.core.reading import members
from andaman.command.core.records import Records
from andaman.command.signals.defaults import DEFAULT_RULES
from andaman.command.signals.watch import RuleWatch
from andaman.identity.model import FULL_ACCESS, Access, Actor, system_actor
from andaman.kernel.errors import BadRequestData
from andaman.kernel.ids import is_uri
from andaman.kernel.words import LanguageMap


class Rules:
    """``watch`` runs them."""

    def __init__(self, broker: Broker, records: Records, watch: RuleWatch) -> None:
        self._broker, self._records, self._watch = broker, records, watch

    async def install_defaults(self) -> None:
        """Once, in a city that has no rules yet; afterwards rules belong to its people."""
        for _ in self._broker.iter_entities([iri("AlertRule")], FULL_ACCESS):
            return
        ops = []
        for code, (name, definition) in DEFAULT_RULES.items():
            doc = rule_doc(f"urn:ngsi-ld:AlertRule:{code}", name, definition, True)
            ops.append(WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc))
        await self._broker.must_write(ops, system_actor("command"))

    def all(self, access: Access, tenant: str) -> list[dict[str, Any]]:
        """Rules in live form; ``error`` says why one does not run, ``active`` how many alerts it holds open."""
        out = []
        for doc in self._broker.iter_entities([iri("AlertRule")], access, tenant):
            out.append(self._rule_live(doc, tenant))
        return out

    def get(self, rule_id: str, access: Access, tenant: str) -> dict[str, Any]:
        return self._rule_live(self._records.doc("AlertRule", rule_id, access, tenant), tenant)

    def _rule_live(self, doc: Doc, tenant: str) -> dict[str, Any]:
        return simplify(doc) | {
            "error": self._watch.errors.get((tenant, doc["id"])),
            "active": self._watch.engine(tenant).active_of(doc["id"]),
        }

    async def put(self, rule_id: str, raw: Any, actor: Actor, tenant: str) -> dict[str, Any]:
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
        self._watch.engine(tenant).check(self._watch.read(doc))
        old = self._broker.find(rule_id, FULL_ACCESS, tenant)
        if old is not None and iri("AlertRule") not in old["type"]:
            raise BadRequestData(f"{rule_id} is not a rule", field="id")
        write = Actor(actor.principal, FULL_ACCESS, actor.origin, actor.reason, actor.request_id)
        await self._broker.must_write([WriteOp(OpKind.UPSERT_REPLACE, rule_id, doc)], write, tenant)
        return self.get(rule_id, FULL_ACCESS, tenant)

    async def delete(self, rule_id: str, actor: Actor, tenant: str) -> None:
        self._records.doc("AlertRule", rule_id, actor.access, tenant)
        write = Actor(actor.principal, FULL_ACCESS, actor.origin, actor.reason, actor.request_id)
        await self._broker.must_write([WriteOp(OpKind.DELETE, rule_id)], write, tenant)


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
