"""Laws of types and attributes over several brokers (CIM 009 §5.7.5–5.7.11)."""

from __future__ import annotations

from typing import Any

from andaman.identity.model import Actor, Classification, Principal, Role
from andaman.identity.policy import DatasetRule, Policy, PolicyTable, default_writes
from andaman.rooms import TYPES
from tests.doors.ngsild.client import Client, error
from tests.doors.ngsild.source import source
from tests.doors.ngsild.test_distributed import SPEED, TYPE, brokers, bus, register, two

ANY = [{"entities": [{"idPattern": ".*", "type": ["Bus", "Car"]}]}]
PATHS = (
    "/types",
    "/types?details=true",
    "/types/Bus",
    "/types/Car",
    "/attributes",
    "/attributes?details=true",
    "/attributes/speed",
    "/attributes/colour",
)


def car(number: int, **attrs: Any) -> dict[str, Any]:
    return {**bus(number, **attrs), "id": f"urn:ngsi-ld:Car:{number}", "type": "Car"}


@(lambda test: brokers(3, test))
async def test_what_two_brokers_hold_looks_like_one(clients: list[Client], urls: list[str]) -> None:
    here, there, whole = clients
    rel = {"next": {"type": "Relationship", "object": "urn:ngsi-ld:Bus:1"}}
    for client, docs in (
        (here, [bus(1, speed=1), bus(2)]),
        (there, [bus(3, colour="red", speed=3), car(4, speed=4)]),
    ):
        for doc in docs:
            both = {**doc, **rel} if doc["id"][-1] in "14" else doc
            assert (await client("POST", "/entities", both)).status == 201
            assert (await whole("POST", "/entities", both)).status == 201
    await register(here, urls[1], information=ANY)
    await register(here, urls[1], "again", information=[{"entities": [{"type": "Bus"}]}])  # counts once
    for path in PATHS:
        assert (await here("GET", path)).json == (await whole("GET", path)).json, path
        local = "&local=true" if "?" in path else "?local=true"
        alone = await here("GET", path + local)
        if path.endswith(("Car", "colour")):
            assert error(alone) == "ResourceNotFound"
        else:
            assert "Car" not in alone.body.decode()
    assert (await here("GET", "/types/Tram")).status == 404


@two
async def test_only_what_is_registered_and_only_with_the_operation(
    clients: list[Client], urls: list[str]
) -> None:
    here, there = clients
    await there("POST", "/entities", bus(1, speed=1, colour="red"))
    await there("POST", "/entities", car(1, weight=1))
    info = [{"entities": [{"type": "Bus"}], "propertyNames": ["speed"]}]
    await register(here, urls[1], information=info)
    assert (await here("GET", "/types")).json["typeList"] == ["Bus"]
    assert (await here("GET", "/attributes")).json["attributeList"] == ["speed"]
    (detail,) = (await here("GET", "/types?details=true")).json
    assert detail["attributeNames"] == ["speed"]
    assert [one["attributeName"] for one in (await here("GET", "/types/Bus")).json["attributeDetails"]] == [
        "speed"
    ]
    for path in ("/types/Car", "/attributes/colour", "/attributes/weight"):
        assert (await here("GET", path)).status == 404
    await here("DELETE", "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1")
    await register(here, urls[1], operations=["retrieveOps", "retrieveEntityTypes"])
    assert (await here("GET", "/types")).json["typeList"] == ["Bus"]
    assert (await here("GET", "/types?details=true")).json == []


@two
async def test_loops_end_and_failures_are_told(clients: list[Client], urls: list[str]) -> None:
    """§4.3.6.4, §6.3.17."""
    here, there = clients
    await here("POST", "/entities", bus(1, speed=1))
    await there("POST", "/entities", car(1, speed=1))
    await register(here, urls[1], information=ANY)
    await register(there, urls[0], information=ANY)
    for client in clients:
        assert (await client("GET", "/types")).json["typeList"] == ["Bus", "Car"]
    await register(here, "http://127.0.0.1:1", "gone", information=ANY)
    got = await here("GET", "/attributes")
    assert (got.status, got.json["attributeList"]) == (200, ["speed"])
    assert got.headers["NGSILD-Warning"].startswith("199 ")


@two
async def test_answers_that_are_none_are_left_out(clients: list[Client], urls: list[str]) -> None:
    here, _ = clients
    await here("POST", "/entities", bus(1, speed=1))
    bad: list[Any] = [
        [], {}, 5, "x", None, b"{", [[]], {"typeList": "Bus"}, {"typeList": [1]}, {"typeList": ["Bus"] * 20_000},
        {"typeName": 7}, [{"typeName": "Car", "attributeNames": {"a": 1}}], {"attributeList": [["x"]]},
        {"typeName": "Bus", "entityCount": -5, "attributeDetails": [{"attributeName": "speed", "attributeTypes": [3]}]},
        {"attributeName": "speed", "attributeCount": 1e300, "attributeTypes": ["Odd"], "typeNames": ["Bus", "<"]},
        b"[" * 100_000,
    ]  # fmt: skip
    plain = {path: (await here("GET", path)).body for path in PATHS}
    for payload in bad:
        async with source((200, payload)) as one:
            await register(here, one.url, information=ANY)
            for path in PATHS:
                got = await here("GET", path)
                assert got.status in (200, 404), (payload, path)
                assert got.body == plain[path], (payload, path)
            assert len(one.heads) == len(PATHS)
            assert all(b"\r\nVia: 1.1 " in head for head in one.heads)
        await here("DELETE", "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1")


@two
async def test_nobody_learns_of_types_and_attributes_that_are_hidden_here(
    clients: list[Client], urls: list[str]
) -> None:
    here, there = clients
    await there("POST", "/entities", bus(1, speed=77, colour="red"))
    await there("POST", "/entities", car(1, weight=1))
    await register(here, urls[1], information=ANY)
    rules = [DatasetRule("open", frozenset({TYPE}), classification=Classification.PUBLIC,
                         attributes={SPEED: Classification.SECURITY})]  # fmt: skip
    policy = Policy(PolicyTable(rules, default_writes(TYPES, lambda name: name)))
    public = Principal("public", "public", frozenset({Role.PUBLIC}))
    here.actor = Actor(public, policy.access_of(public))
    assert (await here("GET", "/types")).json["typeList"] == ["Bus"]
    assert (await here("GET", "/attributes")).json["attributeList"] == ["colour"]
    for path in PATHS:
        got = await here("GET", path)
        assert b"speed" not in got.body.replace(b"'speed'", b"")
        assert b"weight" not in got.body
        assert got.status == (404 if path.endswith(("Car", "/speed")) else 200), path
    info = (await here("GET", "/types/Bus")).json
    assert info["entityCount"] == 0  # sources' counts are not for those who may not see everything
    assert [one["attributeName"] for one in info["attributeDetails"]] == ["colour"]
