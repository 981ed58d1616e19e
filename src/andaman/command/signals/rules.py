"""The rules as people edit them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, assert_never

from andaman.broker.api import Broker, Doc, OpKind, WriteOp, entity, iri, js, lang, prop, simplify
from andaman.command.answers import RulePreview
from andaman.command.core.records import Records
from andaman.command.signals.commands import DeleteRule, PutRule, RuleCommand
from andaman.command.signals.definition import Rule
from andaman.command.signals.preview import Previews
from andaman.command.signals.watch import RuleWatch
from andaman.identity.model import FULL_ACCESS, Access, Actor
from andaman.kernel.errors import BadRequestData
from andaman.kernel.ids import is_uri
from andaman.kernel.refusals import FieldMissing, Refusal
from andaman.kernel.time import Clock
from andaman.kernel.words import LanguageMap


class Rules:
    """``watch`` runs them."""

    def __init__(self, broker: Broker, records: Records, watch: RuleWatch, clock: Clock) -> None:
        self._broker, self._records, self._watch = broker, records, watch
        self._previews = Previews(broker, watch, clock)

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

    async def handle(self, command: RuleCommand, actor: Actor, tenant: str) -> str:
        """Returns the id of the rule. Raises BadRequestData with the JSON pointer of what is wrong, NoSuchRecord; then
        nothing is written."""
        match command:
            case PutRule():
                op = self._put(command, tenant)
            case DeleteRule():
                self._records.doc("AlertRule", command.rule, actor.access, tenant)
                op = WriteOp(OpKind.DELETE, command.rule)
            case _:
                assert_never(command)
        await self._broker.must_write([op], replace(actor, access=FULL_ACCESS), tenant)
        return command.rule

    def check(self, command: PutRule) -> None:
        """Could this rule of the city be put in force? Raises as ``handle`` does."""
        self._put(command, "")

    def preview(self, command: PutRule, access: Access, tenant: str) -> RulePreview:
        """Raises as ``handle`` does; nothing is written."""
        return self._previews.preview(self._rule(command), command.enabled, access, tenant)

    def warnings(self, command: PutRule) -> list[Refusal]:
        """Probable mistakes in a rule of the city."""
        return self._previews.warnings(self._rule(command))

    def _rule(self, command: PutRule) -> Rule:
        name = command.name.json()
        rule = self._watch.read(rule_doc(command.rule, name, command.definition, command.enabled))
        self._watch.engine("").check(rule)
        return rule

    def _put(self, command: PutRule, tenant: str) -> WriteOp:
        if not is_uri(command.rule) or ":AlertRule:" not in command.rule:
            raise BadRequestData("The id of a rule is like urn:ngsi-ld:AlertRule:heavy-rain", field="id")
        name = command.name.json()
        if not name:
            raise FieldMissing(field="name")
        doc = rule_doc(command.rule, name, command.definition, command.enabled)
        self._watch.engine(tenant).check(self._watch.read(doc))
        old = self._broker.find(command.rule, FULL_ACCESS, tenant)
        if old is not None and iri("AlertRule") not in old["type"]:
            raise BadRequestData(f"{command.rule} is not a rule", field="id")
        return WriteOp(OpKind.UPSERT_REPLACE, command.rule, doc)


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
