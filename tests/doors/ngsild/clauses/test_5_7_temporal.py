"""CIM 009 V1.9.1 §5.6.11–5.6.16, §5.7.3, §5.7.4, §4.5.6–4.5.8, §4.5.19, §4.11: the Temporal Evolution of entities."""

from __future__ import annotations

from typing import Any

import pytest

from tests.doors.ngsild.clauses.conftest import Tenant
from tests.doors.ngsild.client import error

A = "urn:ngsi-ld:Bus:a"
B = "urn:ngsi-ld:Bus:b"
BASE = "/temporal/entities"
EVER = "timerel=after&timeAt=2000-01-01T00:00:00Z"


def at(minute: int) -> str:
    return f"2026-03-01T10:{minute:02d}:00Z"


def reading(value: Any, minute: int, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, "observedAt": at(minute), **more}


def evolution(entity_id: str = A, **attrs: Any) -> dict[str, Any]:
    return {"id": entity_id, "type": "Bus", **attrs}


@pytest.fixture(scope="module")
def past(_door: Any) -> Tenant:
    """Two buses: speeds 0 to 9 at minutes 0 to 9, and another two values; an entity with deletions."""
    c = Tenant(*_door)
    series = [reading(n, n) for n in range(10)]
    c.made(
        BASE,
        evolution(A, speed=series, name=[reading("x", 3), reading("y", 6, datasetId="urn:d:1")], scope="/a"),
    )
    c.made(BASE, evolution(B, speed=[reading(50, 4), reading(60, 8)]))
    return c


def speeds(c: Tenant, query: str, path: str = f"{BASE}/{A}") -> list[Any]:
    return [one["value"] for one in c.json(f"{path}?attrs=speed&{query}").get("speed", [])]


def test_5_6_11_create_or_update_temporal_evolution(c: Tenant) -> None:
    """§5.6.11.4, §6.18.3.1: 201 with Location when it is new, else instances are added: 204; a body that is none is
    BadRequestData."""
    body = evolution(speed=[reading(1, 1), reading(2, 2)])
    assert c.made(BASE, body) == f"{BASE}/{A}"
    assert c("POST", BASE, evolution(speed=[reading(3, 3)], fuel=[reading(9, 1)])).status == 204
    shown = c.json(f"{BASE}/{A}")
    assert [one["value"] for one in shown["speed"]] == [1, 2, 3]
    assert [one["value"] for one in shown["fuel"]] == [9]
    for bad in (
        {"type": "Bus"},
        {"id": A},
        {**body, "id": "bus"},
        evolution(speed=[]),
        evolution(speed=[{"type": "Property"}]),
    ):
        assert error(c("POST", BASE, bad)) == "BadRequestData", bad


def test_5_6_12_add_attributes(c: Tenant) -> None:
    """§5.6.12.4: instances are added; ResourceNotFound where there is no evolution."""
    c.made(BASE, evolution(speed=[reading(1, 1)]))
    path = f"{BASE}/{A}/attrs"
    assert c("POST", path, {"speed": [reading(2, 2)], "fuel": reading(5, 5)}).status == 204
    assert speeds(c, EVER) == [1, 2]
    assert error(c("POST", f"{BASE}/{B}/attrs", {"speed": [reading(2, 2)]})) == "ResourceNotFound"
    assert error(c("POST", f"{BASE}/bus/attrs", {"speed": [reading(2, 2)]})) == "BadRequestData"
    assert error(c("POST", path, {})) == "BadRequestData"


def test_5_6_13_delete_attribute(c: Tenant) -> None:
    """§5.6.13.4: the default instances, those of one datasetId, or all."""
    other = {"datasetId": "urn:d:1"}
    c.made(BASE, evolution(speed=[reading(1, 1), reading(2, 2, **other), reading(3, 3, datasetId="urn:d:2")]))
    path = f"{BASE}/{A}/attrs/speed"
    assert c("DELETE", f"{path}?datasetId=urn:d:1").status == 204
    assert speeds(c, EVER) == [1, 3]
    assert c("DELETE", path).status == 204
    assert speeds(c, EVER) == [3]
    assert error(c("DELETE", path)) == "ResourceNotFound"
    assert c("DELETE", f"{path}?deleteAll=true").status == 204
    for bad, kind in (
        (f"{path}?deleteAll=true", "ResourceNotFound"),
        (f"{BASE}/{A}/attrs/none", "ResourceNotFound"),
        (f"{BASE}/{B}/attrs/speed", "ResourceNotFound"),
        (f"{BASE}/bus/attrs/speed", "BadRequestData"),
        (f"{BASE}/{A}/attrs/no(name", "BadRequestData"),
        (f"{path}?datasetId=x", "BadRequestData"),
    ):
        assert error(c("DELETE", bad)) == kind, bad


def test_5_6_14_modify_instance_and_5_6_15_delete_instance(c: Tenant) -> None:
    """§5.6.14.4, §5.6.15.4: one instance by its instanceId, which stays; what is not there or is no URI is told apart."""
    c.made(BASE, evolution(speed=[reading(1, 1), reading(2, 2)]))
    ones = c.json(f"{BASE}/{A}?options=sysAttrs")["speed"]
    path = f"{BASE}/{A}/attrs/speed/{ones[0]['instanceId']}"
    assert c("PATCH", path, {"speed": [reading(10, 1)]}).status == 204
    now = c.json(f"{BASE}/{A}?options=sysAttrs")["speed"]
    assert [one["value"] for one in now] == [10, 2]
    assert now[0]["instanceId"] == ones[0]["instanceId"]
    assert now[0]["modifiedAt"] > ones[0]["modifiedAt"]
    assert error(c("PATCH", path, {"speed": [{"type": "Property"}]})) == "BadRequestData"
    assert c("DELETE", path).status == 204
    assert speeds(c, EVER) == [2]
    for method, body in (("DELETE", None), ("PATCH", {"speed": [reading(1, 1)]})):
        assert error(c(method, path, body)) == "ResourceNotFound"
        assert error(c(method, f"{BASE}/{A}/attrs/speed/nonsense", body)) == "BadRequestData"
        other = None if body is None else {"none": [reading(1, 1)]}
        assert error(c(method, f"{BASE}/{A}/attrs/none/{ones[1]['instanceId']}", other)) == "ResourceNotFound"
        assert error(c(method, f"{BASE}/{B}/attrs/speed/{ones[1]['instanceId']}", body)) == "ResourceNotFound"


def test_5_6_16_delete_temporal_evolution(c: Tenant) -> None:
    """§5.6.16.4: the whole past; ResourceNotFound, BadRequestData."""
    c.made(BASE, evolution(speed=[reading(1, 1)]))
    assert c("DELETE", f"{BASE}/{A}").status == 204
    assert error(c("GET", f"{BASE}/{A}")) == "ResourceNotFound"
    assert error(c("DELETE", f"{BASE}/{A}")) == "ResourceNotFound"
    assert error(c("DELETE", f"{BASE}/bus")) == "BadRequestData"


def test_5_7_3_retrieve_temporal_evolution(past: Tenant) -> None:
    """§5.7.3.4: every instance of each attribute; ResourceNotFound where there is nothing of what is asked for."""
    shown = past.json(f"{BASE}/{A}")
    assert (shown["id"], shown["type"]) == (A, "Bus")
    assert shown["speed"][0].keys() >= {"type", "value", "observedAt", "instanceId"}
    assert "createdAt" not in shown["speed"][0]
    assert past.json(f"{BASE}/{A}?options=sysAttrs")["speed"][0].keys() >= {"createdAt", "modifiedAt"}
    assert past.json(f"{BASE}/{A}?pick=id,name").keys() == {"id", "name"}
    assert "speed" not in past.json(f"{BASE}/{A}?omit=speed")
    assert [one["value"] for one in past.json(f"{BASE}/{A}?attrs=name&datasetId=urn:d:1")["name"]] == ["y"]
    assert error(past("GET", f"{BASE}/{A}?attrs=none")) == "ResourceNotFound"
    assert past.json(f"{BASE}/{A}?pick=id,type,scope").keys() == {"id", "type", "scope"}
    assert error(past("GET", f"{BASE}/urn:x:none")) == "ResourceNotFound"
    assert error(past("GET", f"{BASE}/bus")) == "BadRequestData"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (f"timerel=before&timeAt={at(3)}", [0, 1, 2]),
        (f"timerel=after&timeAt={at(7)}", [7, 8, 9]),
        (f"timerel=between&timeAt={at(3)}&endTimeAt={at(5)}", [3, 4]),
        (f"timerel=between&timeAt={at(3)}&endTimeAt={at(5)}&timeproperty=observedAt", [3, 4]),
        (f"{EVER}&timeproperty=createdAt", list(range(10))),
        (f"{EVER}&timeproperty=modifiedAt", list(range(10))),
        (f"timerel=before&timeAt={at(9)}&timeproperty=modifiedAt", []),
        (f"{EVER}&lastN=2", [9, 8]),
        (f"timerel=before&timeAt={at(5)}&lastN=3", [4, 3, 2]),
    ],
)
def test_4_11_temporal_queries(past: Tenant, query: str, wanted: list[int]) -> None:
    """§4.11, §6.19.3.1: before, after, between: from the first instant on, up to but without the last, over each time property; the last N."""
    got = past("GET", f"{BASE}/{A}?attrs=speed&{query}")
    assert got.status == 200, got.body
    assert sorted(one["value"] for one in got.json.get("speed", [])) == sorted(wanted)
    found = past("GET", f"{BASE}?type=Bus&id={A}&attrs=speed&{query}").json
    shown = [one["value"] for entity in found for one in entity.get("speed", [])]
    assert sorted(shown) == sorted(wanted)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ("timerel=during&timeAt=2026-01-01T00:00:00Z", "timerel"),
        ("timerel=before", "timeAt"),
        ("timerel=before&timeAt=yesterday", "timeAt"),
        ("timerel=before&timeAt=2026-01-01", "timeAt"),
        ("timerel=between&timeAt=2026-01-01T00:00:00Z", "endTimeAt"),
        ("timerel=between&timeAt=2026-01-01T00:00:00Z&endTimeAt=x", "endTimeAt"),
        ("timeAt=2026-01-01T00:00:00Z", "timerel"),
        (f"{EVER}&timeproperty=unitCode", "timeproperty"),
        (f"{EVER}&lastN=0", "lastN"),
        (f"{EVER}&lastN=-1", "lastN"),
        (f"{EVER}&lastN=x", "lastN"),
        (f"{EVER}&options=aggregatedValues", "aggrMethods"),
        (f"{EVER}&options=aggregatedValues&aggrMethods=median", "aggrMethods"),
        (f"{EVER}&options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=1h", "aggrPeriodDuration"),
        (f"{EVER}&options=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=P", "aggrPeriodDuration"),
    ],
)
def test_4_11_what_is_no_temporal_query_is_bad_request_data(
    past: Tenant, bad: str, field: str | None
) -> None:
    """§4.11, §5.7.3.4, §5.7.4.4: BadRequestData, with the parameter that is wrong or missing, for one and for many."""
    for path in (f"{BASE}/{A}?{bad}", f"{BASE}?type=Bus&{bad}"):
        got = past("GET", path)
        assert error(got) in ("BadRequestData", "InvalidRequest"), path
        assert field is None or got.json["field"] == field, (path, got.json)


def test_5_7_4_query_temporal_evolutions(past: Tenant) -> None:
    """§5.7.4.4: selected by type, id, pattern, attribute, q, geo and scope on the interval; a temporal query is needed."""

    def found(query: str) -> list[str]:
        return [one["id"] for one in past.json(f"{BASE}?{query}")]

    assert found(f"type=Bus&{EVER}") == [A, B]
    assert found(f"type=Bus&id={B}&{EVER}") == [B]
    assert found(f"type=Bus&idPattern=a$&{EVER}") == [A]
    assert found(f"attrs=name&{EVER}") == [A]
    assert found(f"type=Bus&q=speed>40&{EVER}") == [B]
    assert found(f"type=Bus&q=speed>55&timerel=before&timeAt={at(6)}") == []
    assert found(f"type=Bus&scopeQ=/a&{EVER}") == [A]
    assert found(f"type=Train&{EVER}") == []
    assert found(f"type=Bus&limit=1&offset=1&{EVER}") == [B]
    counted = past("GET", f"{BASE}?type=Bus&limit=1&count=true&{EVER}")
    assert counted.headers["ngsild-results-count"] == "2"
    assert 'rel="next"' in counted.headers["link"]
    for bad in (f"{EVER}", f"id={A}&{EVER}", "type=Bus", f"type=Bus&limit=0&{EVER}", f"type=((&{EVER}"):
        assert error(past("GET", f"{BASE}?{bad}")) == "BadRequestData", bad


def test_6_24_temporal_query_by_post(past: Tenant) -> None:
    """§6.24, §5.2.23, §5.2.21, §5.2.44: the same by a Query with temporalQ and aggregation; none without temporalQ."""
    query = {
        "type": "Query",
        "entities": [{"type": "Bus", "id": A}],
        "attrs": ["speed"],
        "temporalQ": {"timerel": "between", "timeAt": at(2), "endTimeAt": at(5)},
    }
    path = "/temporal/entityOperations/query"
    (one,) = past("POST", path, query).json
    assert sorted(each["value"] for each in one["speed"]) == [2, 3, 4]
    last = {**query, "temporalQ": {**query["temporalQ"], "lastN": 1}}  # type: ignore[dict-item]
    (one,) = past("POST", path, last).json
    assert [each["value"] for each in one["speed"]] == [4]
    assert past("POST", f"{path}?count=true", query).headers["ngsild-results-count"] == "1"
    (one,) = past("POST", f"{path}?options=temporalValues", query).json
    assert one["speed"]["values"][0] == [2, at(2)]
    for bad in (
        {name: value for name, value in query.items() if name != "temporalQ"},
        {**query, "temporalQ": {}},
        {**query, "temporalQ": {"timerel": "before"}},
        {**query, "temporalQ": []},
        {**query, "temporalQ": {"timerel": "between", "timeAt": at(2), "endTimeAt": at(5), "nonsense": 1}},
    ):
        assert error(past("POST", path, bad)) == "BadRequestData", bad


def test_4_5_8_simplified_temporal_representation(past: Tenant) -> None:
    """§4.5.8, §6.3.12: pairs of value and time, one list an attribute; the same by format and options."""
    window = f"timerel=between&timeAt={at(2)}&endTimeAt={at(4)}"
    for form in ("options=temporalValues", "format=temporalValues"):
        shown = past.json(f"{BASE}/{A}?attrs=speed&{window}&{form}")
        assert shown["speed"] == {"type": "Property", "values": [[2, at(2)], [3, at(3)]]}


AGGREGATES = {
    "totalCount": [5, 5],
    "distinctCount": [5, 5],
    "sum": [10, 35],
    "avg": [2, 7],
    "min": [0, 5],
    "max": [4, 9],
    "stddev": [2**0.5, 2**0.5],
    "sumsq": [30, 255],
}


def test_4_5_19_deletions_have_no_aggregates(past: Tenant) -> None:
    """§4.5.19: there is nothing to aggregate in deletions: without attrs nothing comes, with attrs it is said."""
    one = "urn:ngsi-ld:Vehicle:losing"
    past.made("/entities", {"id": one, "type": "Losing", "lost": {"type": "Property", "value": 1}})
    assert past("DELETE", f"/entities/{one}/attrs/lost").status == 204
    path = f"{BASE}/{one}?timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=deletedAt&options=aggregatedValues"
    assert "lost" not in past.json(f"{path}&aggrMethods=totalCount,max")
    assert past("GET", f"{path}&attrs=lost&aggrMethods=totalCount").status == 400


@pytest.mark.parametrize("method", AGGREGATES)
def test_4_5_19_aggregates(past: Tenant, method: str) -> None:
    """§4.5.19.1: each method over periods from the query's begin, and over everything for a period of 0."""
    window = f"timerel=between&timeAt={at(0)}&endTimeAt={at(10)}"
    path = f"{BASE}/{A}?attrs=speed&{window}&options=aggregatedValues&aggrMethods={method}"
    rows = past.json(f"{path}&aggrPeriodDuration=PT5M")["speed"][method]
    assert [row[0] for row in rows] == pytest.approx(AGGREGATES[method])
    assert [row[1:] for row in rows] == [[at(0), at(5)], [at(5), at(10)]]
    for whole in ("", "&aggrPeriodDuration=PT0S"):
        (row,) = past.json(path + whole)["speed"][method]
        assert row[1:] == [at(0), at(10)]
    both = past.json(f"{path},max&aggrPeriodDuration=PT5M")["speed"]
    assert both.keys() >= {method, "max"}


def test_4_5_7_deletions(c: Tenant) -> None:
    """§4.5.7, §4.8: what was deleted is told with deletedAt and urn:ngsi-ld:null, and found by timeproperty=deletedAt."""
    c.made(
        "/entities",
        {
            "id": A,
            "type": "Bus",
            "x": {"type": "Property", "value": 1},
            "y": {"type": "Property", "value": 2},
        },
    )
    c("DELETE", f"/entities/{A}/attrs/x")
    last = c.json(f"{BASE}/{A}?options=sysAttrs")["x"][-1]
    assert last["value"] == "urn:ngsi-ld:null"
    assert last["deletedAt"]
    assert c.json(f"{BASE}/{A}?timeproperty=deletedAt").keys() >= {"x"}
    c("DELETE", f"/entities/{A}")
    assert c.json(f"{BASE}/{A}?options=sysAttrs")["deletedAt"]
    (found,) = c.json(f"{BASE}?type=Bus&{EVER}&timeproperty=deletedAt")
    assert found["id"] == A


def test_6_3_10_a_long_past_comes_in_pages_of_instances(c: Tenant) -> None:
    """§6.3.10: 206 with Content-Range over time; the next question begins where the page ends."""
    many = [
        {"type": "Property", "value": n, "observedAt": f"2026-03-01T{n // 60:02d}:{n % 60:02d}:00Z"}
        for n in range(1200)
    ]
    c.made(BASE, evolution(speed=many))
    got = c("GET", f"{BASE}/{A}?attrs=speed&{EVER}")
    assert got.status == 206
    headers = {name.lower(): value for name, value in got.headers.items()}
    unit, _, span = headers["content-range"].partition(" ")
    start, _, end = span.rpartition("/")[0].partition("Z-")
    assert (unit, f"{start}Z") == ("date-time", "2000-01-01T00:00:00Z")
    seen = [one["value"] for one in got.json["speed"]]
    assert seen == list(range(len(seen)))
    rest = c.json(f"{BASE}/{A}?attrs=speed&timerel=after&timeAt={end}")["speed"]
    assert [one["value"] for one in rest] == list(range(len(seen) - 1, 1200))  # the last one again
