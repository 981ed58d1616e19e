"""A write through context sources tells what was done, and where it was not (CIM 009 §5.2.16–5.2.18, §5.6.2.4, §5.6.4.4,
§5.6.17.4): "no existing Entity … held locally, and no matching registrations apply" is what ResourceNotFound needs."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.doors.ngsild.client import Client, open_whole_client
from tests.doors.ngsild.source import source
from tests.doors.ngsild.test_distributed import ALL, bus, register, two

BUS = "urn:ngsi-ld:Bus:1"
SPEED = "https://uri.etsi.org/ngsi-ld/default-context/speed"
COLOUR = "https://uri.etsi.org/ngsi-ld/default-context/colour"
ODD_ID = "urn:ngsi-ld:ContextSourceRegistration:1"


def consistent(got: Any) -> None:
    """No id or attribute both well and not, unless the error names the source (or says that it is this broker)."""
    if got.status != 207:
        return
    body = got.json
    for one in body.get("errors", ()):
        assert (
            one["entityId"] not in body["success"]
            or "registrationId" in one
            or "itself" in one["error"]["detail"]
        )
    for one in body.get("notUpdated", ()):
        assert (
            one["attributeName"] not in body["updated"]
            or "registrationId" in one
            or "itself" in one["reason"]
        )


WRITES: list[tuple[str, str, Any]] = [
    ("PATCH", f"/entities/{BUS}", {"speed": {"type": "Property", "value": 7}}),
    ("PATCH", f"/entities/{BUS}?options=keyValues", {"speed": 7}),
    ("PATCH", f"/entities/{BUS}/attrs", {"speed": {"type": "Property", "value": 7}}),
    ("POST", f"/entities/{BUS}/attrs", {"speed": {"type": "Property", "value": 7}}),
    ("PATCH", f"/entities/{BUS}/attrs/speed", {"value": 7}),
    ("PUT", f"/entities/{BUS}/attrs/speed", {"type": "Property", "value": 7}),
    ("PUT", f"/entities/{BUS}", bus(1, speed=7)),
    ("POST", "/entityOperations/update", [bus(1, speed=7)]),
    ("POST", "/entityOperations/upsert", [bus(1, speed=7)]),
    ("POST", "/entityOperations/merge", [bus(1, speed=7)]),
    ("POST", "/entityOperations/merge?options=keyValues", [{"id": BUS, "speed": 7}]),
]
REMOVES: list[tuple[str, str, Any]] = [
    ("DELETE", f"/entities/{BUS}/attrs/speed", None),
    ("DELETE", f"/entities/{BUS}", None),
    ("POST", "/entityOperations/delete", [BUS]),
]


@two
async def test_what_a_source_did_is_no_error_where_the_broker_holds_nothing(
    clients: list[Client], urls: list[str]
) -> None:
    here, there = clients
    for number, mode in enumerate(("inclusive", "redirect", "exclusive")):
        information: Any = {"entities": [{"type": "Bus"}]}
        if mode == "exclusive":
            information = {"entities": [{"type": "Bus", "id": BUS}], "propertyNames": ["speed"]}
        for way in (ALL, [one for one in ALL if not one.endswith("Batch")]):
            await register(here, urls[1], operations=way, mode=mode, information=[information])
            for method, path, body in [*WRITES, *REMOVES]:
                await there("DELETE", f"/entities/{BUS}")
                await there("POST", "/entities", bus(1, speed=1))
                got = await here(method, path, body)
                consistent(got)
                told = (mode, method, path, got.status, got.body)
                shown = await there("GET", f"/entities/{BUS}")
                if body is None or "delete" in path:
                    assert shown.status == 404 or "speed" not in shown.json, told
                else:
                    assert shown.json["speed"]["value"] == 7, told
                if method == "PATCH" and path.endswith("/attrs") and got.status == 207:
                    assert got.json == {"updated": [SPEED], "notUpdated": []}, told
                elif method == "DELETE" and path == f"/entities/{BUS}" and got.status == 207:
                    assert got.json["success"] == [BUS], told  # D002_02_02_inc of the conformance suite
                elif "upsert" in path:
                    assert got.status in (201, 204), told
                    await here("DELETE", f"/entities/{BUS}?local=true")
                else:
                    assert got.status == 204, told
            assert (await here("DELETE", f"/csourceRegistrations/{ODD_ID}")).status == 204
        assert number < 3


@two
async def test_what_no_source_has_is_told_of_as_not_written(clients: list[Client], urls: list[str]) -> None:
    here, there = clients
    await there("POST", "/entities", bus(1, speed=1))
    await register(
        here,
        urls[1],
        operations=ALL,
        information=[{"entities": [{"type": "Bus"}], "propertyNames": ["speed"]}],
    )
    both = bus(1, speed=7, colour="red")
    got = await here("PATCH", f"/entities/{BUS}/attrs", {key: both[key] for key in ("speed", "colour")})
    assert got.status == 207
    assert got.json["updated"] == [SPEED]
    assert [one["attributeName"] for one in got.json["notUpdated"]] == [COLOUR]
    got = await here("POST", "/entityOperations/merge", [both])
    assert got.status == 207
    assert [one["entityId"] for one in got.json["errors"]] == [BUS]
    assert got.json["success"] == []
    got = await here("POST", "/entityOperations/delete", [BUS, "urn:ngsi-ld:Bus:none"])
    assert got.status == 207
    assert got.json["success"] == [BUS]
    (one,) = got.json["errors"]  # with the source's own reason
    assert (one["entityId"], one["error"]["status"]) == ("urn:ngsi-ld:Bus:none", 404)
    await there("POST", "/entities", bus(1, speed=1))
    got = await here("PATCH", f"/entities/{BUS}", {"speed": both["speed"], "colour": both["colour"]})
    assert got.status == 207
    consistent(got)


def test_several_sources_some_of_which_fail(tmp_path: Path) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            here = await stack.enter_async_context(open_whole_client(tmp_path))
            answers: dict[str, tuple[int, Any]] = {"a": (204, b""), "b": (204, b"")}
            for name in answers:
                one = await stack.enter_async_context(source(lambda method, path, name=name: answers[name]))
                await register(here, one.url, name, operations=ALL)
            problem = {"type": "x", "title": "y", "detail": "no"}
            refused = (400, problem)
            for method, path, body in [*WRITES, *REMOVES]:
                batch = "entityOperations" in path
                for a, b in (
                    ((204, b""), (204, b"")),
                    ((204, b""), refused),
                    (refused, refused),
                    ((404, problem), (204, b"")),
                    ((207, {"success": [BUS], "errors": []}), (204, b"")),
                    ((207, {"success": [], "errors": [{"entityId": BUS, "error": problem}]}), (204, b"")),
                    ((207, {"success": [], "errors": []}), (204, b"")),
                    ((207, [5]), (204, b"")),
                    (
                        (
                            207,
                            {
                                "updated": [5, "speed"],
                                "notUpdated": [5, {"attributeName": "speed", "reason": "z"}],
                            },
                        ),
                        (204, b""),
                    ),
                ):
                    answers["a"], answers["b"] = a, b
                    got = await here(method, path, body)
                    await here("DELETE", f"/entities/{BUS}?local=true")
                    told = (method, path, a, b, got.status, got.body)
                    assert got.status < 500, told
                    consistent(got)
                    failing = [name for name, answer in (("a", a), ("b", b)) if answer[0] >= 400]
                    if failing and got.status == 207:
                        kind = "errors" if "errors" in got.json else "notUpdated"
                        named = {one.get("registrationId", "")[-1:] for one in got.json[kind]}
                        assert set(failing) <= named, told
                    if len(failing) == 1 and not batch:
                        assert got.status == 207, told
                        assert got.json.get("success", got.json.get("updated")), told

    asyncio.run(run())


@two
async def test_a_purge_tells_what_was_purged_where(clients: list[Client], urls: list[str]) -> None:
    here, there = clients
    await here("POST", "/entities", bus(1, speed=1))
    await there("POST", "/entities", bus(2, speed=1))
    await register(here, urls[1], operations=["purgeEntity", "retrieveOps"])
    await register(here, "http://127.0.0.1:9", "2", operations=["purgeEntity"])
    got = await here("DELETE", "/entities?type=Bus")
    assert got.status == 207
    assert BUS in got.json["success"]
    assert [one["registrationId"][-1] for one in got.json["errors"]] == ["2"]
    assert (await there("GET", "/entities?type=Bus")).json == []


@two
async def test_a_source_gets_fragments_in_the_names_of_its_own_context(
    clients: list[Client], urls: list[str]
) -> None:
    """§4.3.6.6: nulls, fragments without a kind and simplified values too."""
    here, there = clients
    context = {"velocity": SPEED, "state": "https://example.org/state", "Shut": "https://example.org/Shut"}
    link = "http://127.0.0.1:9/own.jsonld"
    for one in clients:
        one.contexts._fetch = lambda url: {"@context": context}  # type: ignore[method-assign,assignment]
    await there("POST", "/entities", bus(1, speed=1))
    await register(here, urls[1], operations=ALL, contextSourceInfo=[{"key": "jsonldContext", "value": link}])
    for path, body in (
        (f"/entities/{BUS}", {"speed": {"unitCode": "KMH", "accuracy": {"type": "Property", "value": 1}}}),
        (f"/entities/{BUS}/attrs/speed", {"unitCode": "MPH"}),
        (f"/entities/{BUS}?options=keyValues", {"speed": 9}),
        (f"/entities/{BUS}", {"speed": {"unitCode": "urn:ngsi-ld:null"}}),
    ):
        got = await here("PATCH", path, body)
        assert got.status == 204, (path, got.body)
    shown = (await there("GET", f"/entities/{BUS}")).json
    assert shown["speed"]["value"] == 9
    assert "unitCode" not in shown["speed"]
    got = await here(
        "POST", "/entityOperations/merge?options=keyValues", [{"id": BUS, "speed": "urn:ngsi-ld:null"}]
    )
    assert got.status == 204, got.body
    assert "speed" not in (await there("GET", f"/entities/{BUS}")).json
