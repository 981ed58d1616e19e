"""Laws of the rules that a pack brings: they run in its city, and follow it until somebody edits or deletes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.entity.build import iri, value
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.city import pack as packs
from andaman.city.pack import load_pack
from andaman.command.signals.definition import read_rule
from andaman.command.signals.rule_definitions import rule_id_of
from andaman.command.signals.rule_seed import _OLDER, follow_pack, seed_documents
from andaman.command.signals.rules import rule_doc
from andaman.identity.model import FULL_ACCESS
from tests.command.city import SYSTEM, HandClock, broker_at, put

CITIES = sorted(one.parent.name for one in Path(packs.__file__).parent.glob("*/manifest.json"))


def _areas(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (
            text for key, text in node.items() if key in ("inside", "outside") and isinstance(text, str)
        )
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _areas(one)


@pytest.mark.parametrize("city", CITIES)
def test_rules_of_a_pack_fit_its_city(city: str) -> None:
    """They can be read, and name kinds of incident and areas of this city."""
    pack = load_pack(city)
    kinds = {row["code"] for row in pack.register("incident-types")}
    places = {doc["id"] for doc in pack.iter_docs()}
    found = seed_documents(pack)
    assert found
    for code, one in found.items():
        rule = read_rule(rule_id_of(code), one["definition"], one["name"])
        assert set(one["name"]) == set(rule.headline) == {"th", "en"}
        assert one["definition"].get("incidentType") in {None, *kinds}, code
        assert set(_areas(one["definition"])) <= places, code


@pytest.mark.parametrize("city", CITIES)
def test_no_rule_says_that_what_it_does_not_measure_has_happened(city: str) -> None:
    """Rain is not a flood, and a bus that stands is not an accident: only a report of an accident is the incident itself."""
    for code, one in seed_documents(load_pack(city)).items():
        rule = read_rule(rule_id_of(code), one["definition"], one["name"])
        reported = all(kind.endswith("Accident") for kind in rule.types)
        assert not rule.incident_type or reported or rule.certainty != "Observed", code


def rules(broker: Broker) -> dict[str, Any]:
    docs = broker.iter_entities([iri("AlertRule")], FULL_ACCESS)
    return {doc["id"].rsplit(":", 1)[1]: value(doc, "enabled") for doc in docs}


_OLDER_TEXTS = {
    "landslide-watch": (
        "headline",
        "Very heavy rain goes on, slopes may fail ({precipitation24h} mm) – {name}",
    ),
    "fatal-accident": (
        "instruction",
        "Send ambulance and police; tell the hospital and the Department of Highways",
    ),
}
"""Rule → a text that has been reworded since."""


def as_before(*, enabled: bool = True) -> dict[str, Any]:
    """The rules as releases before installed them in every city."""
    documents = seed_documents(load_pack("phuket"))
    for code, (member, text) in _OLDER_TEXTS.items():
        documents[code]["definition"][member]["en"] = text
    for code in ("heavy-rain-24h", "rain-burst", "strong-wind", "bus-standing"):
        del documents[code]["definition"]["certainty"]
    return {
        code: rule_doc(rule_id_of(code), one["name"], one["definition"], enabled)
        for code, one in documents.items()
        if code in _OLDER
    }


@pytest.mark.parametrize("city", CITIES)
def test_rules_of_an_older_release_are_upgraded(tmp_path: Path, city: str) -> None:
    """A rule equal to an older default is nobody's: it follows the pack, or goes. Edited and deleted ones stay so."""

    async def work() -> None:
        wanted = seed_documents(load_pack(city)).keys()
        async with broker_at(tmp_path, HandClock()) as broker:
            docs = as_before()
            assert docs.keys() == _OLDER.keys()
            docs["strong-wind"] = as_before(enabled=False)["strong-wind"]
            del docs["rain-burst"]
            own = rule_doc(rule_id_of("own"), {"en": "Own"}, {"select": {}}, True)
            await put(broker, *docs.values(), own)
            for _ in range(2):
                await follow_pack(broker, load_pack(city))
                found = rules(broker)
                assert found.keys() == (wanted - {"rain-burst"}) | {"strong-wind", "own"}
                assert found["strong-wind"] is False

    asyncio.run(work())


def test_an_edited_rule_stays_and_a_deleted_one_stays_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        pack = load_pack("minicity")
        async with broker_at(tmp_path, HandClock()) as broker:
            await follow_pack(broker, pack)
            first = seed_documents(pack)
            edited = first["unit-outside"]
            await put(
                broker, rule_doc(rule_id_of("unit-outside"), edited["name"], edited["definition"], False)
            )
            await broker.write([WriteOp(OpKind.DELETE, rule_id_of("fountain-rain"))], SYSTEM)
            newer = [{**row, "enabled": True, "name": {"en": "New"}} for row in pack.register("alert-rules")]
            monkeypatch.setattr(pack, "register", lambda name: [*newer, {**newer[0], "code": "added"}])
            await follow_pack(broker, pack)
            assert rules(broker) == {"unit-outside": False, "somebody-fell": True, "added": True}
            followed = broker.get(rule_id_of("somebody-fell"), FULL_ACCESS)
            assert value(followed, "name") == {"en": "New"}

    asyncio.run(work())
