"""The alert rules of the city as a kind of definition: the rules' entities are the versions in force."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

from andaman.broker.api import Broker, Doc, iri, value
from andaman.city.registers import written_at
from andaman.command.core.reading import read_form
from andaman.command.permissions import MANAGE_RULES, READ_RULES
from andaman.command.signals.commands import DeleteRule, PutRule
from andaman.command.signals.rules import Rules
from andaman.definitions.kinds import DefinitionKind, Document, SetAside
from andaman.form import Form, Part, Row, described
from andaman.identity.model import FULL_ACCESS, Actor
from andaman.kernel.refusals import Refusal
from andaman.kernel.time import Micros
from andaman.kernel.words import Words

KIND: Final = "alert-rules"
_INCIDENT_TYPES: Final = "incident-types"
"""The register whose rows an alert may propose."""
_PREFIX: Final = "urn:ngsi-ld:AlertRule:"


class RuleName(Part, frozen=True, kw_only=True, omit_defaults=True):
    """At least one of them."""

    th: Annotated[str, described("ภาษาไทย", "Thai")] = ""
    en: Annotated[str, described("ภาษาอังกฤษ", "English")] = ""


class RuleRow(Row, frozen=True, kw_only=True):
    """``definition``: docs/rooms/command.md describes it."""

    name: Annotated[RuleName, described("ชื่อกฎ", "Name of the rule")]
    enabled: Annotated[bool, described("ใช้งาน", "Switched on")] = True
    definition: Annotated[
        dict[str, Any], described("เงื่อนไขและข้อความแจ้งเตือน", "Conditions and texts of the alert")
    ]


class RulesPlace:
    """Rules with ids of other forms, and those that cannot be read, are left out."""

    def __init__(self, broker: Broker, rules: Rules) -> None:
        self._broker, self._rules = broker, rules

    def in_force(self) -> Mapping[str, Document]:
        found: dict[str, Document] = {}
        for doc in self._broker.iter_entities([iri("AlertRule")], FULL_ACCESS):
            key, document = key_of(doc["id"]), document_in(doc)
            if key is not None and document is not None:
                found[key] = document
        return found

    async def put(self, key: str, document: Document, actor: Actor) -> None:
        await self._rules.handle(command_of(key, document), actor, "")

    async def delete(self, key: str, actor: Actor) -> None:
        await self._rules.handle(DeleteRule(rule=rule_id_of(key)), actor, "")

    def kept(self) -> Collection[str]:
        return ()

    def set_aside(self) -> Sequence[SetAside]:
        return ()

    def since(self, key: str) -> Micros | None:
        return written_at(self._broker.find(rule_id_of(key), FULL_ACCESS))


def key_of(rule_id: str) -> str | None:
    """The last part of the id of a rule; None for an id of another form."""
    key = rule_id.removeprefix(_PREFIX)
    return key if rule_id.startswith(_PREFIX) and key.replace("-", "").replace("_", "").isalnum() else None


def rule_id_of(key: str) -> str:
    return _PREFIX + key


def document_in(doc: Doc) -> dict[str, Any] | None:
    """The document of a stored rule; None where it cannot be one."""
    name, definition = value(doc, "name", {}), value(doc, "definition")
    if not isinstance(name, dict) or not isinstance(definition, dict):
        return None
    return {
        "name": {language: text for language, text in name.items() if language in ("th", "en") and text},
        "enabled": value(doc, "enabled", True) is not False,
        "definition": definition,
    }


def document_of(command: PutRule) -> dict[str, Any]:
    """The document that this command puts in force."""
    return {"name": command.name.json(), "enabled": command.enabled, "definition": command.definition}


def command_of(key: str, document: Mapping[str, Any]) -> PutRule:
    """Raises BadRequestData."""
    raw = {"enabled": True, **document}
    return read_form(
        PutRule, {name: raw[name] for name in ("name", "enabled", "definition")}, rule=rule_id_of(key)
    )


def rule_kind(broker: Broker, rules: Rules) -> DefinitionKind:
    form = Form(RuleRow)

    def check(row: Row) -> None:
        assert isinstance(row, RuleRow)
        rules.check(command_of(row.code, form.json(row)))

    def warnings(row: Row) -> Sequence[Refusal]:
        assert isinstance(row, RuleRow)
        return rules.warnings(command_of(row.code, form.json(row)))

    return DefinitionKind(
        KIND,
        Words("กฎการแจ้งเตือน", "Alert rules"),
        form,
        RulesPlace(broker, rules),
        read=READ_RULES,
        manage=MANAGE_RULES,
        asks_reason=True,
        check=check,
        refers=refers,
        warnings=warnings,
    )


def refers(document: Document) -> Iterable[tuple[str, str, str]]:
    """The kind of incident that its alerts propose."""
    code = document["definition"].get("incidentType")
    return [("definition", _INCIDENT_TYPES, code)] if isinstance(code, str) else []
