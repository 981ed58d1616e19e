"""Payloads for earlier versions of the specification (CIM 009 §4.3.6.8)."""

from __future__ import annotations

import pytest

from andaman.broker.entity.compat import amended, preferred
from tests.doors.ngsild.client import BUS, Client, at_the_door, vehicle

LANGUAGES = {"type": "LanguageProperty", "languageMap": {"en": "bus"}}
JSON = {"type": "JsonProperty", "json": {"type": "VocabProperty", "vocab": 1}}
VOCAB = {"type": "VocabProperty", "vocab": "red", "observedAt": "2026-11-22T07:32:00Z"}
LIST = {"type": "ListRelationship", "objectList": [{"object": "urn:a:1"}, {"object": "urn:a:2"}]}


def as_property(value: object, **more: object) -> dict[str, object]:
    return {"type": "Property", "value": value, **more}


def test_each_kind_falls_back_as_the_table_says() -> None:
    entity = {
        "id": BUS,
        "type": ["A", "B"],
        "scope": "/x",
        "expiresAt": "2030-01-01T00:00:00Z",
        "name": LANGUAGES,
        "state": JSON,
        "color": VOCAB,
        "owners": LIST,
        "speed": [{"type": "Property", "value": 1, "datasetId": "urn:d:1"}, as_property(2, note=VOCAB)],
    }
    at_1_8 = amended(entity, (1, 8))
    assert at_1_8 == {name: value for name, value in entity.items() if name != "expiresAt"}
    at_1_5 = amended(entity, (1, 5))
    assert at_1_5["name"] == LANGUAGES
    assert at_1_5["state"] == as_property(JSON["json"])  # what is inside a value stays
    assert at_1_5["color"] == as_property("red", observedAt="2026-11-22T07:32:00Z")
    assert at_1_5["owners"] == {"type": "Relationship", "object": ["urn:a:1", "urn:a:2"]}
    assert at_1_5["speed"][1]["note"]["type"] == "Property"
    at_1_0 = amended(entity, (1, 0))
    assert at_1_0["type"] == "A"
    assert "scope" not in at_1_0
    assert at_1_0["name"] == as_property({"en": "bus"})
    assert at_1_0["speed"] == as_property(2, note=as_property("red"))


def test_concise_attributes_tell_their_kind_by_their_member() -> None:
    assert amended({"id": BUS, "type": "A", "color": {"vocab": "red"}}, (1, 7))["color"] == {"value": "red"}


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (b"ngsi-ld=1.5", (1, 5)),
        (b'respond-async, ngsi-ld="1.3"; x=1', (1, 3)),
        (b"NGSI-LD = 1.9", (1, 9)),
        (b"ngsi-ld=one", None),
        (b"body=json", None),
        (b"xngsi-ld=1.5", None),
    ],
)
def test_the_preference_is_read_as_rfc_7240_writes_it(header: bytes, version: tuple[int, int] | None) -> None:
    assert preferred(header) == version


@at_the_door
async def test_the_answer_says_which_version_it_has(c: Client) -> None:
    await c("POST", "/entities", vehicle(color=VOCAB))
    for path in (f"/entities/{BUS}", "/entities?type=Vehicle"):
        got = await c("GET", path, Prefer="ngsi-ld=1.5")
        assert (got.status, got.headers["preference-applied"]) == (203, "ngsi-ld=1.5")
        got = await c("GET", path, Prefer="ngsi-ld=1.9")
        assert (got.status, got.headers["preference-applied"]) == (200, "ngsi-ld=1.9")
        assert b"VocabProperty" in got.body
    got = await c("GET", "/types", Prefer="ngsi-ld=1.5")
    assert (got.status, got.headers["preference-applied"]) == (200, "ngsi-ld=1.5")
