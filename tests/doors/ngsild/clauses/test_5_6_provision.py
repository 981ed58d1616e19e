"""CIM 009 V1.9.1 §5.6.1–5.6.10, §5.6.17–5.6.21: provision of entities, each behaviour and each refusal of its clause."""

from __future__ import annotations

from typing import Any

import pytest

from andaman.broker.model import DEFAULT_VOCAB
from tests.doors.ngsild.clauses.conftest import Tenant
from tests.doors.ngsild.client import error

A = "urn:ngsi-ld:Bus:a"
B = "urn:ngsi-ld:Bus:b"
NONE = "urn:ngsi-ld:Bus:none"
NULL = "urn:ngsi-ld:null"
LD = "application/ld+json"
P = {"type": "Property", "value": 1}
BUS = {"id": A, "type": "Bus", "speed": {**P, "unitCode": "KMH"}, "name": {"type": "Property", "value": "x"}}


def bus(entity_id: str = A, **attrs: Any) -> dict[str, Any]:
    return {"id": entity_id, "type": "Bus", **attrs}


def keys(c: Tenant, entity_id: str = A) -> dict[str, Any]:
    """The entity, simplified, without id and type."""
    found = c.json(f"/entities/{entity_id}?format=simplified")
    return {name: value for name, value in found.items() if name not in ("id", "type")}


def field(got: Any, kind: str) -> Any:
    """The field that a refusal of this kind names."""
    assert error(got) == kind, got.body
    return got.json.get("field")


# What no operation that takes an entity or a fragment accepts (§5.5.4, §4.5, §4.6.2, §4.7, §4.8).
BROKEN_ATTRIBUTES: dict[str, Any] = {
    "a Property without value": {"type": "Property"},
    "a Property of null": {"type": "Property", "value": None},
    "a Relationship without object": {"type": "Relationship"},
    "a Relationship to what is no URI": {"type": "Relationship", "object": "bus"},
    "an unknown type": {"type": "Nonsense", "value": 1},
    "observedAt that is no time": {**P, "observedAt": "yesterday"},
    "observedAt not in UTC": {**P, "observedAt": "2026-01-01T00:00:00+07:00"},
    "datasetId that is no URI": {**P, "datasetId": "x"},
    "unitCode that is no text": {**P, "unitCode": 5},
    "two instances with one datasetId": [{**P, "datasetId": "urn:d:1"}, {**P, "datasetId": "urn:d:1"}],
    "two default instances": [P, P],
    "a GeoProperty that is no geometry": {"type": "GeoProperty", "value": {"type": "Point"}},
    "a GeoProperty outside the world": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [8, 95]}},
    "an open ring": {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]}},
    "a LanguageProperty without map": {"type": "LanguageProperty", "value": "x"},
    "a languageMap with a bad tag": {"type": "LanguageProperty", "languageMap": {"not a tag!": "x"}},
    "a languageMap of numbers": {"type": "LanguageProperty", "languageMap": {"en": 1}},
    "a ListProperty that is no list": {"type": "ListProperty", "valueList": 1},
    "a ListRelationship of texts": {"type": "ListRelationship", "objectList": ["x"]},
    "a VocabProperty of numbers": {"type": "VocabProperty", "vocab": 5},
    "a JsonProperty without json": {"type": "JsonProperty", "value": {}},
    "a broken sub-attribute": {**P, "sub": {"type": "Relationship", "object": "x"}},
    "another kind's member": {"type": "Property", "object": A},
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN_ATTRIBUTES)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/entities"),  # §5.6.1
        ("PUT", f"/entities/{A}"),  # §5.6.18
        ("PATCH", f"/entities/{A}"),  # §5.6.17
        ("POST", f"/entities/{A}/attrs"),  # §5.6.3
        ("PATCH", f"/entities/{A}/attrs"),  # §5.6.2
        ("PATCH", f"/entities/{A}/attrs/speed"),  # §5.6.4
        ("PUT", f"/entities/{A}/attrs/speed"),  # §5.6.19
        ("POST", "/entityOperations/create"),  # §5.6.7
        ("POST", "/entityOperations/upsert"),  # §5.6.8
        ("POST", "/entityOperations/update"),  # §5.6.9
        ("POST", "/entityOperations/merge"),  # §5.6.20
    ],
)
def test_5_5_4_what_is_no_attribute_is_refused_everywhere_and_nothing_is_written(
    c: Tenant, method: str, path: str, name: str
) -> None:
    """§5.5.4, §5.5.6: BadRequestData (a batch tells it of the entity), and the entity is as it was."""
    if path == "/entities" or path.endswith("create"):
        before = None
    else:
        c.made("/entities", BUS)
        before = c.json(f"/entities/{A}?options=sysAttrs")
    bad = BROKEN_ATTRIBUTES[name]
    partial = path.endswith("/speed") and method == "PATCH"
    patch = method == "PATCH" or path.endswith("merge")
    # A partial update or a merge may leave out the value, and null in it is a deletion (§5.5.8, §5.5.12).
    if patch and name in (
        "a Property without value",
        "a Relationship without object",
        "a JsonProperty without json",
    ):
        return
    body: Any = bad if path.endswith("/speed") else {"id": A, "type": "Bus", "speed": bad}
    if partial and isinstance(bad, list):
        return
    got = c(method, path, [body] if "Operations" in path else body)
    if "Operations" in path:
        assert got.status == 207, got.body
        (told,) = got.json["errors"]
        assert told["entityId"] == A
        assert told["error"]["type"].endswith("/BadRequestData")
        assert got.json["success"] == []
    else:
        assert error(got) == "BadRequestData", got.body
    if before is None:
        assert error(c("GET", f"/entities/{A}")) in ("ResourceNotFound", "NonexistentTenant")
    else:
        assert c.json(f"/entities/{A}?options=sysAttrs") == before


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"type": "Bus"}, "id"),
        ({"id": A}, "type"),
        ({"id": "bus", "type": "Bus"}, "id"),
        ({"id": 5, "type": "Bus"}, "id"),
        ({"id": A, "type": []}, "type"),
        ({"id": A, "type": "no type"}, None),
        ({"id": A, "type": 5}, "type"),
        ({"id": A, "type": "Bus", "scope": "a b"}, "scope"),
        ({"id": A, "type": "Bus", "expiresAt": "x"}, "expiresAt"),
        ({"id": A, "type": "Bus", "bad name": 1}, None),
        ({"id": A, "type": "Bus", "1a": 1}, None),
        ({"id": A, "type": "Bus", "a": NULL}, "a"),
    ],
)
def test_5_6_1_4_what_is_no_entity_is_bad_request_data(c: Tenant, body: Any, named: str | None) -> None:
    """§5.6.1.4: not an Entity (§5.2.4): BadRequestData, with the member that is wrong."""
    found = field(c("POST", "/entities", body), "BadRequestData")
    assert named is None or found == named


def test_5_6_1_create_entity(c: Tenant) -> None:
    """§5.6.1, §6.4.3.1: 201 with Location; AlreadyExists; a second type's id too; createdAt and modifiedAt are ours (§4.8)."""
    got = c(
        "POST",
        "/entities",
        {**BUS, "createdAt": "2001-01-01T00:00:00Z", "modifiedAt": "2001-01-01T00:00:00Z"},
    )
    assert (got.status, got.body) == (201, b"")
    assert got.headers["location"] == f"/ngsi-ld/v1/entities/{A}"
    assert error(c("POST", "/entities", bus())) == "AlreadyExists"
    assert error(c("POST", "/entities", {"id": A, "type": "Train"})) == "AlreadyExists"
    shown = c.json(f"/entities/{A}?options=sysAttrs")
    assert shown["createdAt"] == shown["modifiedAt"] == shown["speed"]["createdAt"] > "2002"


def test_5_6_1_entities_of_several_types_and_with_every_kind_of_attribute(c: Tenant) -> None:
    """§4.16, §4.5.2: what was created is what is retrieved, member by member."""
    whole = {
        "id": A,
        "type": ["Bus", "Vehicle"],
        "scope": ["/a/b", "/c"],
        "p": {"type": "Property", "value": {"x": [1, None, "y"]}, "observedAt": "2026-01-01T00:00:00Z", "unitCode": "C62"},
        "r": {"type": "Relationship", "object": B, "objectType": "Bus", "since": {"type": "Property", "value": 2020}},
        "rs": {"type": "Relationship", "object": [A, B]},
        "g": {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[98.3, 7.9], [98.4, 8]]}},
        "l": {"type": "LanguageProperty", "languageMap": {"en": "bus", "th": ["รถ", "คัน"], "@none": "?"}},
        "v": {"type": "VocabProperty", "vocab": ["on", "off"]},
        "j": {"type": "JsonProperty", "json": [{"@id": 5, "type": None}]},
        "lp": {"type": "ListProperty", "valueList": [1, 1, "a", {"b": 2}]},
        "lr": {"type": "ListRelationship", "objectList": [{"object": A}, {"object": B}, {"object": A}]},
        "m": [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:1"}],
    }  # fmt: skip
    c.made("/entities", whole)
    shown = c.json(f"/entities/{A}")
    assert {one: sorted(value) if one == "type" else value for one, value in shown.items()} == whole


def test_5_6_2_update_attributes(c: Tenant) -> None:
    """§5.6.2.4, §5.5.8: given instances replace or are added, those with other datasetIds stay; null deletes; what is not
    there to be deleted is told by its full name (§5.2.18); type and scope are updated."""
    c.made("/entities", {**BUS, "m": [{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}]})
    assert c("PATCH", f"/entities/{A}/attrs", {"speed": {"value": 5}, "fresh": {"value": 1}}).status == 204
    assert c.json(f"/entities/{A}")["speed"] == {"type": "Property", "value": 5}
    assert keys(c)["fresh"] == 1
    assert c("PATCH", f"/entities/{A}/attrs", {"m": {"value": 3, "datasetId": "urn:d:1"}}).status == 204
    assert [one["value"] for one in c.json(f"/entities/{A}")["m"]] == [1, 3]
    assert c("PATCH", f"/entities/{A}/attrs", {"fresh": NULL}).status == 204
    assert "fresh" not in keys(c)
    got = c(
        "PATCH", f"/entities/{A}/attrs", {"fresh": {"type": "Property", "value": NULL}, "speed": {"value": 6}}
    )
    assert got.status == 207
    assert got.json["updated"] == [DEFAULT_VOCAB + "speed"]
    assert [one["attributeName"] for one in got.json["notUpdated"]] == [DEFAULT_VOCAB + "fresh"]
    assert got.json["notUpdated"][0]["reason"]
    got = c("PATCH", f"/entities/{A}/attrs", {"scope": "/z"})
    assert [one["attributeName"] for one in got.json["notUpdated"]] == [
        "scope"
    ]  # there is none to update (§4.18)
    c("POST", f"/entities/{A}/attrs", {"scope": ["/x", "/y"]})
    assert c("PATCH", f"/entities/{A}/attrs", {"scope": "/z"}).status == 204
    assert c.json(f"/entities/{A}")["scope"] == "/z"
    assert c("PATCH", f"/entities/{A}/attrs?type=Bus", {"speed": {"value": 7}}).status == 204
    assert error(c("PATCH", f"/entities/{A}/attrs?type=Train", {"speed": {"value": 7}})) == "ResourceNotFound"
    assert error(c("PATCH", f"/entities/{NONE}/attrs", {"speed": P})) == "ResourceNotFound"
    assert error(c("PATCH", "/entities/bus/attrs", {"speed": P})) == "BadRequestData"


def test_5_6_3_append_attributes(c: Tenant) -> None:
    """§5.6.3.4: overwrites by default, leaves what is there with noOverwrite and tells it; adds types, never takes one."""
    c.made("/entities", BUS)
    assert c("POST", f"/entities/{A}/attrs", {"speed": {"value": 2}, "new": P}).status == 204
    assert keys(c) == {"speed": 2, "name": "x", "new": 1}
    got = c("POST", f"/entities/{A}/attrs?options=noOverwrite", {"speed": {"value": 9}, "newer": P})
    assert (got.status, got.json["updated"]) == (207, [DEFAULT_VOCAB + "newer"])
    assert keys(c)["speed"] == 2
    another = {"speed": {"value": 3, "datasetId": "urn:d:1"}}
    assert c("POST", f"/entities/{A}/attrs?options=noOverwrite", another).status == 204
    assert c("POST", f"/entities/{A}/attrs", {"type": "Vehicle"}).status == 204
    assert set(c.json(f"/entities/{A}")["type"]) == {"Bus", "Vehicle"}
    assert error(c("POST", f"/entities/{NONE}/attrs", {"speed": P})) == "ResourceNotFound"
    assert error(c("POST", f"/entities/{A}/attrs", {"speed": NULL})) == "BadRequestData"
    assert error(c("POST", f"/entities/{A}/attrs", {})) == "BadRequestData"
    assert error(c("POST", f"/entities/{A}/attrs?options=overwrite", {"speed": P})) == "InvalidRequest"


def test_5_6_4_partial_attribute_update(c: Tenant) -> None:
    """§5.6.4.4: members that are not given stay; the type cannot change; datasetId names the instance; null takes it away."""
    c.made("/entities", bus(speed=[{**P, "unitCode": "KMH", "sub": P}, {**P, "datasetId": "urn:d:1"}]))
    path = f"/entities/{A}/attrs/speed"
    assert c("PATCH", path, {"value": 7}).status == 204
    assert c("PATCH", path, {"observedAt": "2026-01-01T00:00:00Z"}).status == 204
    assert c("PATCH", path, {"value": 8, "datasetId": "urn:d:1"}).status == 204
    first, second = c.json(f"/entities/{A}")["speed"]
    assert first == {**P, "value": 7, "unitCode": "KMH", "sub": P, "observedAt": "2026-01-01T00:00:00Z"}
    assert second == {**P, "value": 8, "datasetId": "urn:d:1"}
    assert c("PATCH", path, {"unitCode": NULL, "sub": NULL}).status == 204
    assert c.json(f"/entities/{A}")["speed"][0] == {**P, "value": 7, "observedAt": "2026-01-01T00:00:00Z"}
    assert error(c("PATCH", path, {"type": "Relationship", "object": A})) == "BadRequestData"
    assert error(c("PATCH", path, {"value": 1, "datasetId": "urn:d:2"})) == "ResourceNotFound"
    assert error(c("PATCH", f"/entities/{A}/attrs/none", {"value": 1})) == "ResourceNotFound"
    assert error(c("PATCH", f"/entities/{NONE}/attrs/speed", {"value": 1})) == "ResourceNotFound"
    assert error(c("PATCH", f"/entities/{A}/attrs/no(name", {"value": 1})) == "BadRequestData"
    assert c("PATCH", path, {"value": NULL, "datasetId": "urn:d:1"}).status == 204
    assert c.json(f"/entities/{A}")["speed"]["value"] == 7


def test_5_6_5_delete_attribute(c: Tenant) -> None:
    """§5.6.5.4: the default instance, one by datasetId, or all; ResourceNotFound for what is not there; scope too."""
    c.made(
        "/entities", bus(speed=[P, {**P, "datasetId": "urn:d:1"}, {**P, "datasetId": "urn:d:2"}], scope="/a")
    )
    path = f"/entities/{A}/attrs/speed"
    assert error(c("DELETE", f"{path}?datasetId=urn:d:9")) == "ResourceNotFound"
    assert c("DELETE", f"{path}?datasetId=urn:d:1").status == 204
    assert c("DELETE", path).status == 204
    assert c.json(f"/entities/{A}")["speed"]["datasetId"] == "urn:d:2"
    assert error(c("DELETE", path)) == "ResourceNotFound"
    assert c("DELETE", f"{path}?deleteAll=true").status == 204
    assert error(c("DELETE", f"{path}?deleteAll=true")) == "ResourceNotFound"
    assert c("DELETE", f"/entities/{A}/attrs/scope").status == 204
    assert c.json(f"/entities/{A}") == bus()
    for bad in (
        f"{path}?deleteAll=maybe",
        f"{path}?datasetId=x",
        f"/entities/{A}/attrs/id",
        f"/entities/{A}/attrs/type",
    ):
        assert error(c("DELETE", bad)) == "BadRequestData", bad
    assert error(c("DELETE", f"/entities/{NONE}/attrs/speed")) == "ResourceNotFound"


def test_5_6_6_delete_entity(c: Tenant) -> None:
    """§5.6.6.4: gone with all attributes; its id may be used again; ResourceNotFound, BadRequestData for what is no URI."""
    c.made("/entities", BUS)
    assert error(c("DELETE", f"/entities/{A}?type=Train")) == "ResourceNotFound"
    assert c("DELETE", f"/entities/{A}").status == 204
    for method in ("GET", "DELETE"):
        assert error(c(method, f"/entities/{A}")) == "ResourceNotFound"
    assert error(c("DELETE", "/entities/bus")) == "BadRequestData"
    c.made("/entities", bus(other=P))
    assert keys(c) == {"other": 1}


def test_5_6_7_batch_create(c: Tenant) -> None:
    """§5.6.7.4, §6.14: 201 with all ids, or 207 with what was made and each error of the others."""
    got = c("POST", "/entityOperations/create", [bus(A), bus(B)])
    assert (got.status, got.json) == (201, [A, B])
    got = c("POST", "/entityOperations/create", [bus(A), bus("urn:x:c"), {"id": "urn:x:d"}])
    assert (got.status, got.json["success"]) == (207, ["urn:x:c"])
    told = {one["entityId"]: one["error"] for one in got.json["errors"]}
    assert told[A]["type"].endswith("AlreadyExists")
    assert told["urn:x:d"]["type"].endswith("BadRequestData")
    assert all(one["status"] and one["detail"] and one["title"] for one in told.values())
    for bad in ([], {}, "x", 5):
        assert error(c("POST", "/entityOperations/create", bad)) in ("BadRequestData", "InvalidRequest")


def test_5_6_8_batch_upsert(c: Tenant) -> None:
    """§5.6.8.4, §6.15: replaces by default, updates with the option; 201 tells the new ones only, 204 when none is new."""
    assert c("POST", "/entityOperations/upsert", [bus(A, x=P, y=P)]).json == [A]
    got = c("POST", "/entityOperations/upsert", [bus(A, x={"value": 2}), bus(B, x=P)])
    assert (got.status, got.json) == (201, [B])
    assert keys(c) == {"x": 2}
    got = c("POST", "/entityOperations/upsert?options=update", [bus(A, z=P)])
    assert (got.status, got.body) == (204, b"")
    assert keys(c) == {"x": 2, "z": 1}
    assert c("POST", "/entityOperations/upsert?options=replace", [bus(A)]).status == 204
    assert keys(c) == {}
    got = c("POST", "/entityOperations/upsert", [bus(A, x=P), bus(B, x={"type": "Property"})])
    assert (got.status, got.json["success"]) == (207, [A])
    assert error(c("POST", "/entityOperations/upsert?options=append", [bus(A)])) == "InvalidRequest"


def test_5_6_9_batch_update(c: Tenant) -> None:
    """§5.6.9.4, §6.16: as append of attributes (§5.6.3), entity by entity; unknown ones are told."""
    c("POST", "/entityOperations/create", [bus(A, x=P), bus(B, x=P)])
    assert c("POST", "/entityOperations/update", [bus(A, x={"value": 2}), bus(B, y=P)]).status == 204
    assert (keys(c), keys(c, B)) == ({"x": 2}, {"x": 1, "y": 1})
    got = c("POST", "/entityOperations/update?options=noOverwrite", [bus(A, x={"value": 3}), bus(B, z=P)])
    assert (got.status, got.json["success"], [one["entityId"] for one in got.json["errors"]]) == (
        207,
        [B],
        [A],
    )
    assert keys(c) == {"x": 2}
    got = c("POST", "/entityOperations/update", [bus(NONE, x=P), bus(A, x={"value": 4})])
    assert (got.status, got.json["success"]) == (207, [A])
    assert got.json["errors"][0]["error"]["type"].endswith("ResourceNotFound")


def test_5_6_10_batch_delete(c: Tenant) -> None:
    """§5.6.10.4, §6.17: a list of ids; 204, or 207 with those that are not there."""
    c("POST", "/entityOperations/create", [bus(A), bus(B)])
    got = c("POST", "/entityOperations/delete", [A, NONE, "bus", 5])
    assert (got.status, got.json["success"]) == (207, [A])
    kinds = [one["error"]["type"].rsplit("/", 1)[-1] for one in got.json["errors"]]
    assert sorted(kinds) == ["BadRequestData", "BadRequestData", "ResourceNotFound"]
    assert c("POST", "/entityOperations/delete", [B]).status == 204
    assert c.json("/entities?type=Bus") == []


def test_5_6_17_merge_entity(c: Tenant) -> None:
    """§5.6.17.4, §5.5.12: values, languages and sub-attributes are merged, null deletes at any depth; observedAt and lang
    stand for what the body does not say."""
    name = {"type": "LanguageProperty", "languageMap": {"th": "ก", "en": "a"}}
    address = {"type": "Property", "value": {"city": {"name": "Phuket", "zip": 83000}, "no": 1}}
    c.made(
        "/entities",
        bus(
            name=name,
            address=address,
            speed={**P, "unitCode": "KMH", "sub": P},
            seen={**P, "observedAt": "2025-01-01T00:00:00Z"},
        ),
    )
    body = {
        "address": {"value": {"city": {"zip": NULL, "road": "x"}}},
        "name": {"languageMap": {"en": NULL, "fr": "b"}},
        "speed": {"sub": {"value": 2}},
        "new": P,
    }
    assert c("PATCH", f"/entities/{A}", body).status == 204
    shown = c.json(f"/entities/{A}")
    assert shown["address"]["value"] == {"city": {"name": "Phuket", "road": "x"}, "no": 1}
    assert shown["name"]["languageMap"] == {"th": "ก", "fr": "b"}
    assert shown["speed"] == {**P, "unitCode": "KMH", "sub": {**P, "value": 2}}
    assert c("PATCH", f"/entities/{A}?observedAt=2026-01-01T00:00:00Z", {"seen": {"value": 5}}).status == 204
    assert c.json(f"/entities/{A}")["seen"]["observedAt"] == "2026-01-01T00:00:00Z"
    assert c("PATCH", f"/entities/{A}?format=simplified&lang=th", {"name": "ข", "new": NULL}).status == 204
    shown = c.json(f"/entities/{A}")
    assert shown["name"]["languageMap"] == {"th": "ข", "fr": "b"}
    assert "new" not in shown
    assert error(c("PATCH", f"/entities/{NONE}", {"a": P})) == "ResourceNotFound"
    assert error(c("PATCH", f"/entities/{A}", {})) == "BadRequestData"
    assert error(c("PATCH", f"/entities/{A}?observedAt=x", {"a": P})) == "BadRequestData"
    assert error(c("PATCH", f"/entities/{A}", {"id": B, "a": P})) == "BadRequestData"


def test_5_6_18_replace_entity(c: Tenant) -> None:
    """§5.6.18.4: nothing of before stays but createdAt; the entity must be there and the body be one, with this id."""
    c.made("/entities", BUS)
    created = c.json(f"/entities/{A}?options=sysAttrs")["createdAt"]
    assert c("PUT", f"/entities/{A}", {"id": A, "type": "Train", "x": P}).status == 204
    shown = c.json(f"/entities/{A}?options=sysAttrs")
    assert (shown["type"], "speed" in shown, shown["createdAt"]) == ("Train", False, created)
    assert c("PUT", f"/entities/{A}", {"type": "Bus"}).status == 204
    assert error(c("PUT", f"/entities/{NONE}", bus(NONE))) == "ResourceNotFound"
    assert error(c("PUT", f"/entities/{A}", bus(B))) == "BadRequestData"
    assert field(c("PUT", f"/entities/{A}", {"id": A}), "BadRequestData") == "type"


def test_5_6_19_replace_attribute(c: Tenant) -> None:
    """§5.6.19.4: the instance is replaced whole, also by another kind; others stay; it must be there."""
    c.made("/entities", bus(speed=[{**P, "unitCode": "KMH"}, {**P, "datasetId": "urn:d:1"}]))
    path = f"/entities/{A}/attrs/speed"
    assert c("PUT", path, {"value": 9, "datasetId": "urn:d:1"}).status == 204
    first, second = c.json(f"/entities/{A}")["speed"]
    assert (first["unitCode"], second["value"]) == ("KMH", 9)
    assert c("PUT", path, {"type": "Property", "value": 3}).status == 204
    assert "unitCode" not in str(c.json(f"/entities/{A}")["speed"])
    assert error(c("PUT", f"/entities/{A}/attrs/none", P)) == "ResourceNotFound"
    assert error(c("PUT", f"/entities/{NONE}/attrs/speed", P)) == "ResourceNotFound"
    assert error(c("PUT", path, {})) == "BadRequestData"


def test_5_6_20_batch_merge(c: Tenant) -> None:
    """§5.6.20.4, §6.31: each entity as by §5.6.17; unknown ones are told."""
    c("POST", "/entityOperations/create", [bus(A, x={"value": {"a": 1}}), bus(B, x=P)])
    got = c(
        "POST", "/entityOperations/merge", [bus(A, x={"value": {"b": 2}}), bus(B, x=NULL), bus(NONE, x=P)]
    )
    assert (got.status, got.json["success"]) == (207, [A, B])
    assert got.json["errors"][0]["error"]["type"].endswith("ResourceNotFound")
    assert (keys(c), keys(c, B)) == ({"x": {"a": 1, "b": 2}}, {})
    assert c("POST", "/entityOperations/merge", [bus(A, x=P)]).status == 204


def test_5_6_21_purge(c: Tenant) -> None:
    """§5.6.21.4: what matches is deleted, or with keep and drop only attributes of it; a purge of everything is refused."""
    c(
        "POST",
        "/entityOperations/create",
        [bus(A, x=P, y=P), bus(B, x={"value": 2}), {"id": NONE, "type": "Train", "x": P}],
    )
    assert error(c("DELETE", "/entities")) == "BadRequestData"
    assert error(c("DELETE", "/entities?type=Bus&keep=x&drop=x")) == "BadRequestData"
    assert c("DELETE", "/entities?type=Bus&drop=y").status == 204
    assert keys(c) == {"x": 1}
    assert c("DELETE", "/entities?type=Bus&q=x>1").status == 204
    assert [one["id"] for one in c.json("/entities?type=*")] == [A, NONE]
    assert c("DELETE", "/entities?type=Plane").status == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/entities"),
        ("PUT", f"/entities/{A}"),
        ("PATCH", f"/entities/{A}"),
        ("POST", f"/entities/{A}/attrs"),
        ("PATCH", f"/entities/{A}/attrs"),
        ("PATCH", f"/entities/{A}/attrs/speed"),
        ("PUT", f"/entities/{A}/attrs/speed"),
        *(
            ("POST", f"/entityOperations/{name}")
            for name in ("create", "upsert", "update", "merge", "delete")
        ),
        ("POST", "/entityOperations/query"),
    ],
)
def test_6_3_4_and_6_3_5_bodies(c: Tenant, method: str, path: str) -> None:
    """§6.3.4, §6.3.5, §5.5.2: no JSON is InvalidRequest; an @context where it may not be, and none where it must be, is
    BadRequestData; another media type is 415; no length is 411."""
    assert (
        error(c(method, path, None, content_type="application/json", content_length="0")) == "InvalidRequest"
    )
    raw = {"ngsild_tenant": c.tenant}
    run = c.loop.run_until_complete
    assert error(run(c.client(method, path, raw=b"{,}", **raw))) == "InvalidRequest"
    assert c(method, path, {}, kind="text/plain").status == 415
    assert c(method, path, None, content_type="application/json").status == 411
    if "Operations" not in path:
        own = {**BUS, "@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"}
        assert error(c(method, path, own)) == "BadRequestData"
        assert error(c(method, path, BUS, kind=LD)) == "BadRequestData"


# -- every write checks what it stores (§5.5.4): what can be read can be written back ----------------------------


def _kinds(c: Tenant, name: str) -> dict[str, Any]:
    entity = {
        "id": name,
        "type": "K",
        "owner": {"type": "Relationship", "object": "urn:p:1"},
        "area": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}},
        "label": {"type": "LanguageProperty", "languageMap": {"en": "a"}},
        "parts": {"type": "ListRelationship", "objectList": ["urn:x:3"]},
        "row": {"type": "ListProperty", "valueList": [1]},
        "state": {"type": "VocabProperty", "vocab": "Open"},
        "cfg": {"type": "JsonProperty", "json": {"a": 1, "b": {"x": 1, "y": 2}}},
        "size": {"type": "Property", "value": 5, "accuracy": {"type": "Relationship", "object": "urn:a:1"}},
    }
    c.made("/entities", entity)
    return entity


_UNFIT = [
    ("owner", "not a uri"), ("owner", 5), ("owner", []), ("owner", ["urn:x:1", 5]), ("area", {"foo": 1}), ("area", "x"),
    ("area", {"type": "Point", "coordinates": [200, 100]}), ("label", {"en": 5}), ("label", {"no such tag!!": "x"}),
    ("label", {"no tag": NULL}), ("label", 5), ("parts", ["no uri", 5]), ("parts", "urn:x:1"), ("row", 5),
    ("row", {"a": 1}), ("state", 5), ("state", []), ("cfg", 5), ("cfg", "x"), ("size", [{"a": NULL}]),
]  # fmt: skip


@pytest.mark.parametrize("door", ["options=keyValues", "format=simplified", "batch"])
def test_5_6_17_simplified_values_must_fit_the_attribute(c: Tenant, door: str) -> None:
    stands = _kinds(c, "urn:k:1")
    for name, value in _UNFIT:
        if door == "batch":
            got = c("POST", "/entityOperations/merge?options=keyValues", [{"id": "urn:k:1", name: value}])
            assert got.status == 207, (name, value, got.body)
            assert got.json["success"] == []
            assert got.json["errors"][0]["error"]["status"] == 400
        else:
            got = c("PATCH", f"/entities/urn:k:1?{door}", {name: value})
            assert got.status == 400, (name, value, got.body)
            assert name in got.json["detail"], (name, value, got.body)
    assert c.json("/entities/urn:k:1")["owner"] == stands["owner"]
    good = {
        "owner": "urn:p:2",
        "label": {"th": "ก"},
        "state": "Shut",
        "parts": ["urn:x:4"],
        "row": [2],
        "cfg": {"b": {"x": NULL}},
    }
    assert c("PATCH", "/entities/urn:k:1?format=simplified", good).status == 204
    found = c.json("/entities/urn:k:1")
    assert found["state"] == {"type": "VocabProperty", "vocab": "Shut"}
    assert found["label"]["languageMap"] == {"en": "a", "th": "ก"}
    assert found["cfg"]["json"] == {"a": 1, "b": {"y": 2}}
    assert c("POST", "/entities", {**found, "id": "urn:k:2"}).status == 201


PARTS = {"type": "ListRelationship", "objectList": [{"object": "urn:x:3"}]}
_NEVER = [
    ("owner", {"unitCode": "CMT"}), ("label", {"unitCode": "CMT"}), ("area", {"unitCode": "CMT"}),
    ("state", {"unitCode": "CMT"}), ("parts", {"unitCode": "CMT"}), ("cfg", {"unitCode": "CMT"}),
    ("size", {"objectType": "X"}), ("area", {"objectType": "X"}), ("owner", {"valueType": "X"}),
    ("label", {"valueType": "X"}), ("size", {"accuracy": {"unitCode": "CMT"}}), ("owner", {"value": NULL}),
    ("size", {"accuracy": {"type": "Property", "unitCode": "CMT"}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fragment"), _NEVER)
def test_4_5_3_2_a_fragment_without_its_kind_gives_an_attribute_only_what_its_kind_may_have(
    c: Tenant, name: str, fragment: dict[str, Any]
) -> None:
    stands = _kinds(c, "urn:k:1")
    assert c("PATCH", f"/entities/urn:k:1/attrs/{name}", fragment).status == 400
    assert c("PATCH", "/entities/urn:k:1", {name: fragment}).status == 400
    got = c("POST", "/entityOperations/merge", [{"id": "urn:k:1", name: fragment}])
    assert got.status == 207
    assert got.json["success"] == []
    assert c.json("/entities/urn:k:1")[name] == {**stands, "parts": PARTS}[name]


def test_5_5_12_json_is_merged_at_any_depth(c: Tenant) -> None:
    """RFC 7396 with the NGSI-LD Null; JSON's own null is a value like others in a JsonProperty."""
    _kinds(c, "urn:k:1")
    assert c("PATCH", "/entities/urn:k:1", {"cfg": {"json": {"b": {"y": 3}, "n": None}}}).status == 204
    assert c.json("/entities/urn:k:1")["cfg"]["json"] == {"a": 1, "b": {"x": 1, "y": 3}, "n": None}
    batch = [{"id": "urn:k:1", "cfg": {"type": "JsonProperty", "json": {"b": {"x": NULL}, "c": {"d": NULL}}}}]
    assert c("POST", "/entityOperations/merge", batch).status == 204
    assert c.json("/entities/urn:k:1")["cfg"]["json"] == {"a": 1, "b": {"y": 3}, "n": None, "c": {}}
    sub = {"size": {"meta": {"type": "JsonProperty", "json": {"p": {"q": 1}}}}}
    assert c("PATCH", "/entities/urn:k:1", sub).status == 204
    assert c("PATCH", "/entities/urn:k:1", {"size": {"meta": {"json": {"p": {"r": [2]}}}}}).status == 204
    assert c.json("/entities/urn:k:1")["size"]["meta"]["json"] == {"p": {"q": 1, "r": [2]}}
    assert c("PATCH", "/entities/urn:k:1", {"cfg": {"json": [1]}}).status == 204
    assert c.json("/entities/urn:k:1")["cfg"]["json"] == [1]
    # A partial update replaces the member (§5.5.8).
    assert c("PATCH", "/entities/urn:k:1/attrs/cfg", {"json": {"z": 1}}).status == 204
    assert c.json("/entities/urn:k:1")["cfg"]["json"] == {"z": 1}


def test_5_5_4_the_ngsi_ld_null_is_stored_nowhere(c: Tenant) -> None:
    odd: list[dict[str, Any]] = [
        {"type": "Property", "value": NULL}, {"type": "Property", "value": {"a": [{"b": NULL}]}},
        {"type": "JsonProperty", "json": {"a": {"b": NULL}}}, {"type": "JsonProperty", "json": [NULL]},
        {"type": "LanguageProperty", "languageMap": {"en": ["a", NULL]}}, {"type": "VocabProperty", "vocab": [NULL]},
        {"type": "ListProperty", "valueList": [{"a": NULL}]}, {"type": "ListRelationship", "objectList": [NULL]},
        {"type": "Relationship", "object": [NULL]}, {"type": "Relationship", "object": "urn:a:1", "objectType": NULL},
        {"type": "Property", "value": 1, "unitCode": NULL}, {"type": "Property", "value": 1, "accuracy": NULL},
    ]  # fmt: skip
    for one in odd:
        assert c("POST", "/entities", {"id": "urn:n:1", "type": "N", "a": one}).status == 400, one
    for member in (
        {"type": NULL},
        {"type": ["N", NULL]},
        {"type": "N", "scope": NULL},
        {"type": "N", NULL: 1},
    ):
        assert c("POST", "/entities", {"id": "urn:n:1", **member}).status == 400, member
    c.made("/entities", {"id": "urn:n:1", "type": "N", "a": {"type": "JsonProperty", "json": {"x": 1}}})
    for inside in (
        {"y": [NULL]},
        [NULL],
        {"y": [{"z": NULL}]},
    ):  # a list is replaced whole: nothing in it can be deleted
        assert c("PATCH", "/entities/urn:n:1", {"a": {"json": inside}}).status == 400
    assert c("PATCH", "/entities/urn:n:1/attrs/a", {"json": {"x": NULL}}).status == 400
    assert c.json("/entities/urn:n:1")["a"]["json"] == {"x": 1}


def test_5_6_14_a_correction_is_one_whole_instance(c: Tenant) -> None:
    past = {"type": "Relationship", "object": "urn:p:1", "observedAt": "2020-01-01T00:00:00Z"}
    c.made("/temporal/entities", {"id": "urn:t:1", "type": "K", "owner": [past]})
    path = "/temporal/entities/urn:t:1/attrs/owner/"
    (one,) = c.json("/temporal/entities/urn:t:1")["owner"]
    for body in (
        [{"unitCode": "CMT"}],
        [],
        [5],
        [past, past],
        [{}],
        ["urn:p:2"],
        {"type": "Relationship"},
        [[past]],
    ):
        assert c("PATCH", path + one["instanceId"], {"owner": body}).status == 400, body
    for body in ([{"unitCode": "CMT"}], [1, 2], [[past]]):
        assert c("POST", "/temporal/entities/urn:t:1/attrs", {"owner": body}).status == 400, body
    assert c.json("/temporal/entities/urn:t:1")["owner"] == [one]
    assert c("PATCH", path + one["instanceId"], {"owner": [{**past, "object": "urn:p:9"}]}).status == 204
    assert c.json("/temporal/entities/urn:t:1")["owner"][0]["object"] == "urn:p:9"


def test_4_5_1_a_name_that_stands_for_a_member_is_no_attribute(c: Tenant) -> None:
    """It would be shown as the member, and could not be written back."""
    for name in ("ngsi-ld:observedAt", "https://uri.etsi.org/ngsi-ld/scope", "ngsi-ld:createdAt"):
        assert (
            c(
                "POST", "/entities", {"id": "urn:n:1", "type": "N", name: {"type": "Property", "value": 1}}
            ).status
            == 400
        )
    sub = {
        "type": "Property",
        "value": 1,
        "https://uri.etsi.org/ngsi-ld/unitCode": {"type": "Property", "value": 1},
    }
    assert c("POST", "/entities", {"id": "urn:n:1", "type": "N", "a": sub}).status == 400
    odd = {"id": "urn:n:1", "type": "N", "ngsi-ld:default-context/a-b": {"type": "Property", "value": 1}}
    c.made("/entities", odd)
    assert c("POST", "/entities", {**c.json("/entities/urn:n:1"), "id": "urn:n:2"}).status == 201


def test_5_6_3_what_grows_by_appending_keeps_the_limits_of_a_whole_entity(c: Tenant) -> None:
    c.made("/entities", {"id": "urn:g:1", "type": "G"})
    for part in range(3):
        many = [{"value": n, "datasetId": f"urn:d:{part}:{n}"} for n in range(400)]
        got = c("POST", "/entities/urn:g:1/attrs", {"a": [{"type": "Property", **one} for one in many]})
        assert got.status == (204 if part < 2 else 400), got.body
    for part in range(2):
        got = c("POST", "/entities/urn:g:1/attrs", {"type": [f"T{part}_{n}" for n in range(60)]})
        assert got.status == (204 if part < 1 else 400), got.body
