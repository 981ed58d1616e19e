"""Laws of the entity types that the rooms declare, and of what is made from them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.entity.build import GENERIC_TYPES, iri, short
from andaman.catalogue.seed import default_datasets
from andaman.city.pack import load_pack
from andaman.city.registers import SeedRows
from andaman.command.core.states import AlertStatus, AssignmentStatus, IncidentStatus, Severity, UnitStatus
from andaman.command.dispatch.steps import ASSIGNMENT_STEPS, UNIT_STATUS
from andaman.command.incidents.steps import INCIDENT_STEPS
from andaman.command.signals.alerts import ALERT_STEPS
from andaman.command.signals.rule_seed import seed_documents
from andaman.common_attributes import COMMON
from andaman.identity.policy import default_configuring, default_writes
from andaman.kernel.words import Words
from andaman.programme.plan import Plan
from andaman.rooms import ROOMS, TYPES
from andaman.units import UNITS
from andaman.vocabulary import Attribute, EntityType, Namespace, attributes_of, by_name, merged

ATTRIBUTES = [merged(rows) for rows in attributes_of(TYPES).values()]
EACH_TYPE = pytest.mark.parametrize("one", TYPES, ids=lambda one: one.name)
ROOT = Path(__file__).parents[1]


def _thai(text: str) -> bool:
    return any("\u0e00" <= char <= "\u0e7f" for char in text)


def _words(words: Words) -> None:
    assert words.placeholders() == frozenset()  # raises where a text is empty
    assert not _thai(words.en)


def test_each_type_and_each_attribute_means_one_thing() -> None:
    """Types have different names. An attribute of one name has the same words, unit and codes in every type."""
    assert len(by_name(TYPES)) == len(TYPES) > 40
    assert len({one.name for one in ATTRIBUTES}) == len(ATTRIBUTES)
    common = {one.name for one in COMMON}
    assert common.isdisjoint(one.name for one in ATTRIBUTES), (
        "a type lists an attribute that every entity has"
    )
    with pytest.raises(ValueError, match="Two rooms declare"):
        by_name([*TYPES, replace(TYPES[0])])
    with pytest.raises(ValueError, match="differ"):
        merged([ATTRIBUTES[0], replace(ATTRIBUTES[0], words=Words("อื่น", "Other"))])


@EACH_TYPE
def test_a_type_has_words_and_a_dataset(one: EntityType) -> None:
    """What is in no dataset is for staff only. Of configuration alone that is meant."""
    _words(one.words)
    assert _thai(one.words.th)
    assert one.datasets or one.configures
    held = {dataset.code for dataset in default_datasets(TYPES) if iri(one.name) in dataset.types}
    assert held == set(one.datasets)


@pytest.mark.parametrize("one", [*COMMON, *ATTRIBUTES], ids=lambda one: one.name)
def test_an_attribute_and_its_codes_have_words(one: Attribute) -> None:
    _words(one.words)
    assert len({code.value for code in one.codes}) == len(one.codes)
    for code in one.codes:
        _words(code.words)
        assert _thai(code.words.th)
    assert one.unit is None or one.unit in UNITS


@EACH_TYPE
def test_what_a_type_names_is_there(one: EntityType) -> None:
    named = [one.kind_attribute, *one.first_of, *one.all_of, *one.classified]
    assert [name for name in named if name and one.attribute(name) is None] == []
    for attribute in one.attributes:
        assert not attribute.last_part_of or attribute.last_part_of in by_name(TYPES)
    assert not one.searched or one.layer, "the search finds what the map shows"


def test_one_layer_is_the_same_in_every_type() -> None:
    layers = {one.layer for one in TYPES if one.layer}
    assert len({one.id for one in layers}) == len({one.order for one in layers}) == len(layers)
    for layer in layers:
        _words(layer.words)


def test_who_writes_a_type_is_who_it_names() -> None:
    """A permission writes what names it and nothing else; administrators alone write what configures the platform."""
    rules = default_writes(TYPES, iri)
    for one in TYPES:
        asked = {rule.permission for rule in rules if iri(one.name) in rule.types}
        assert asked == ({one.written_by.name} if one.written_by else set())
        assert not (one.configures and one.written_by), one.name
    assert {"KeyPerformanceIndicator", "NetworkSite", "Measure"} <= {t.name for t in TYPES if t.written_by}
    configuring = default_configuring(TYPES, iri)
    assert configuring == {iri(one.name) for one in TYPES if one.configures}
    assert {*map(iri, ["Dataset", "AlertRule", "Organization", "DrillRun", "CityPack"])} <= configuring


def test_names_in_stored_data_keep_their_iris() -> None:
    """A name is in the city context exactly when it is declared so; the others stay in NGSI-LD's default vocabulary."""
    core = json.loads(
        (ROOT / "src/andaman/broker/contexts/data/ngsi-ld-core-context-v1.9.jsonld").read_text("utf-8")
    )["@context"]
    for one in (*COMMON, *ATTRIBUTES, *TYPES):
        expanded = iri(one.name)
        assert short(expanded) == one.name
        if one.name in core:
            continue
        in_default = expanded.startswith("https://uri.etsi.org/ngsi-ld/default-context/")
        assert in_default == (one.namespace is Namespace.DEFAULT), one.name
        if one.namespace is Namespace.OWN:
            assert expanded == f"urn:andaman:ns:{one.name}"


@pytest.mark.parametrize(
    ("kind", "attribute", "states"),
    [
        ("Alert", "alertStatus", ALERT_STEPS),
        ("Incident", "incidentStatus", INCIDENT_STEPS),
        ("Assignment", "assignmentStatus", ASSIGNMENT_STEPS),
        ("EmergencyUnit", "unitStatus", {*UNIT_STATUS.values(), "outOfService"}),
        ("Alert", "alertStatus", AlertStatus),
        ("Incident", "incidentStatus", IncidentStatus),
        ("Assignment", "assignmentStatus", AssignmentStatus),
        ("EmergencyUnit", "unitStatus", UnitStatus),
        ("Alert", "severity", Severity),
    ],
)
def test_every_state_has_words_and_no_others_have(kind: str, attribute: str, states: Collection[str]) -> None:
    declared = by_name(TYPES)[kind].attribute(attribute)
    assert declared is not None
    assert set(declared.values) == set(states)


def test_rules_and_checks_name_declared_types_and_attributes() -> None:
    """A misspelt name in a default rule or in a check of the programme would never match anything."""
    types, attributes = by_name(TYPES), {one.name for one in ATTRIBUTES}
    packs = [load_pack("phuket"), load_pack("minicity")]
    checks = [check for pack in packs for check in Plan.of(SeedRows(pack)).checks]
    conditions = [rule["definition"] for pack in packs for rule in seed_documents(pack).values()]
    assert {kind for check in checks for kind in check.types} <= types.keys()
    named = {
        node["type"] for rule in conditions for node in _nodes(rule) if isinstance(node.get("type"), str)
    }
    assert named
    assert named <= types.keys()
    read = {node["attr"] for rule in conditions for node in _nodes(rule) if "attr" in node}
    asked = {match for check in checks for match in re.findall(r"([A-Za-z]\w*)\s*[=<>!]", check.query)}
    assert read
    assert read | asked <= attributes | {one.name for one in COMMON}


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object within a value."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _nodes(one)


def test_a_published_term_keeps_its_iri() -> None:
    """The first city context, as it was published: whoever stored data by it still finds it. Terms may only be added."""
    published = json.loads((ROOT / "tests/published/city-context.jsonld").read_text("utf-8"))["@context"]
    assert len(published) > 200
    assert {term: iri(term) for term in published} == published


def test_every_room_declares_its_types_in_its_own_folder() -> None:
    for room in ROOMS:
        assert not room.types or (ROOT / "src/andaman" / room.name / "types.py").exists()


def test_generic_types_are_those_that_the_types_name() -> None:
    """A hospital is a point of interest too; names prefer the special type, on the server and on screens."""
    assert {one.name for one in TYPES if one.general} == GENERIC_TYPES
