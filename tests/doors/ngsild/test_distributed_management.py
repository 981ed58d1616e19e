"""Laws of what a registration says of how its source is to be asked (CIM 009 §5.2.34), and of context source filters (§4.9)."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from andaman.identity.model import Actor, Classification, Principal, Role
from andaman.identity.policy import DatasetRule, Policy, PolicyTable, default_writes
from andaman.rooms import TYPES
from tests.doors.ngsild.client import Client, at_the_whole_door
from tests.doors.ngsild.source import source
from tests.doors.ngsild.test_distributed import ALL, SPEED, TYPE, bus, register

ID = "/csourceRegistrations/urn:ngsi-ld:ContextSourceRegistration:1"
PAST = "timerel=after&timeAt=2020-01-01T00:00:00Z"


@at_the_whole_door
async def test_cache_duration_is_the_least_time_between_two_questions(c: Client) -> None:
    async with source((200, [bus(1, speed=1)])) as one:
        await register(c, one.url, management={"cacheDuration": "PT0.4S"}, operations=ALL)
        for _ in range(3):
            assert (await c("GET", "/entities?type=Bus")).json == [bus(1, speed=1)]
        assert len(one.heads) == 1
        await c("GET", "/entities?type=Bus&q=speed>0")  # another question
        assert len(one.heads) == 2
        await asyncio.sleep(0.45)
        await asyncio.gather(*(c("GET", "/entities?type=Bus") for _ in range(20)))
        assert len(one.heads) == 3  # who asks at the same time shares one answer
        await c(
            "DELETE", "/entities/urn:ngsi-ld:Bus:1"
        )  # what was read through here before is not known any more
        asked = len(one.heads)
        assert (await c("GET", "/entities?type=Bus")).json == [bus(1, speed=1)]
        assert len(one.heads) == asked + 1


@at_the_whole_door
async def test_without_cache_duration_and_after_failures_nothing_is_kept(c: Client) -> None:
    async with source((200, [bus(1)])) as one:
        await register(c, one.url)
        for _ in range(3):
            await c("GET", "/entities?type=Bus")
        assert len(one.heads) == 3
        assert (await c("PATCH", ID, {"management": {"cacheDuration": "P1D"}})).status == 204
        one.answer = lambda method, path: (500, {})
        for _ in range(2):
            assert (await c("GET", "/entities?type=Bus")).headers["NGSILD-Warning"].startswith("299 ")
        one.answer = lambda method, path: (404, {})
        for _ in range(2):
            assert (await c("GET", "/entities/urn:ngsi-ld:Bus:1")).status == 404
        assert len(one.heads) == 7


@at_the_whole_door
async def test_a_kept_answer_shows_nobody_more_than_a_fresh_one(c: Client) -> None:
    rules = [DatasetRule("open", frozenset({TYPE}), classification=Classification.PUBLIC,
                         attributes={SPEED: Classification.SECURITY})]  # fmt: skip
    policy = Policy(PolicyTable(rules, default_writes(TYPES, lambda name: name)))
    public = Principal("public", "public", frozenset({Role.PUBLIC}))
    path = "/entities/urn:ngsi-ld:Bus:1"
    async with source((200, bus(1, speed=77, colour="red"))) as one:
        await register(c, one.url, management={"cacheDuration": "PT1M"})
        assert (await c("GET", path)).json == bus(1, speed=77, colour="red")
        c.actor = Actor(public, policy.access_of(public))
        assert (await c("GET", path)).json == bus(1, colour="red")
        assert len(one.heads) == 1


@at_the_whole_door
async def test_a_source_may_take_its_time_out_and_no_longer(c: Client) -> None:
    async def late(method: str, path: str) -> Any:
        await asyncio.sleep(8)
        return 200, [bus(9)]

    await c("POST", "/entities", bus(1))
    async with source(late) as one:
        await register(c, one.url, management={"timeout": 200})
        for path in (
            "/entities?type=Bus",
            f"/temporal/entities?type=Bus&{PAST}&timeproperty=modifiedAt",
            "/types",
        ):
            if path.startswith("/temporal"):
                body = {"operations": ["federationOps", "queryTemporal"]}
                assert (await c("PATCH", ID, body)).status == 204
            began = time.monotonic()
            got = await c("GET", path)
            assert time.monotonic() - began < 4
            assert got.status == 200
            assert got.headers["NGSILD-Warning"].startswith("199 ")


@at_the_whole_door
async def test_after_a_failure_a_source_is_left_alone_until_its_cooldown_is_over(c: Client) -> None:
    async with source((503, {})) as one:
        await register(c, one.url, management={"cooldown": 300}, operations=ALL)
        for _ in range(4):
            got = await c("GET", "/entities?type=Bus")
            assert got.headers["NGSILD-Warning"][:4] in ("299 ", "199 ")
        assert len(one.heads) == 1
        refused = await c("POST", "/entities", bus(1))
        assert [each["error"]["status"] for each in refused.json["errors"]] == [504]
        await asyncio.sleep(0.35)
        one.answer = lambda method, path: (409, {"title": "there already"})
        for number in (2, 3):  # what only refuses a request is well: no cooldown
            refused = await c("POST", "/entities", bus(number))
            assert [each["error"]["status"] for each in refused.json["errors"]] == [409]
        assert len(one.heads) == 3


@at_the_whole_door
async def test_local_only_asks_a_source_for_what_it_holds_itself(c: Client) -> None:
    """§4.3.6.4: every question carries local=true."""
    async with source((200, [])) as one:
        operations = [*ALL, "queryTemporal", "retrieveTemporal"]
        await register(c, one.url, management={"localOnly": True}, operations=operations)
        await c("GET", "/entities?type=Bus")
        await c("GET", "/entities/urn:ngsi-ld:Bus:1")
        await c("POST", "/entities", bus(1))
        await c("PATCH", "/entities/urn:ngsi-ld:Bus:1/attrs", {"speed": {"type": "Property", "value": 1}})
        await c("GET", f"/temporal/entities?type=Bus&{PAST}")
        await c("GET", "/types")
        await c("GET", "/attributes/speed")
        assert len(one.lines) >= 7
        assert all("local=true" in line for line in one.lines), one.lines


@at_the_whole_door
async def test_a_context_source_filter_decides_who_is_asked(c: Client) -> None:
    """§4.9, §5.7.2.4, §5.7.4.4: also for the past, and in bodies with an @context of their own."""
    async with source((200, [bus(1)])) as near, source((200, [bus(2)])) as far:
        operations = ["federationOps", "queryTemporal"]
        await register(
            c, near.url, "1", sourceType={"type": "Property", "value": "near"}, operations=operations
        )
        await register(c, far.url, "2", sourceType="far", operations=operations)
        query = {"type": "Query", "entities": [{"type": "Bus"}]}
        past = {**query, "temporalQ": {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}}
        context = {"@context": {"kind": "https://uri.etsi.org/ngsi-ld/default-context/sourceType"}}
        ld = "application/ld+json"
        for name, csf in (("near", near), ("far", far)):
            text = f'sourceType=="{name}"'
            asked = len(near.heads), len(far.heads)
            await c("GET", f"/entities?type=Bus&csf={text}")
            await c("POST", "/entityOperations/query", {**query, "csf": text})
            await c("GET", f"/temporal/entities?type=Bus&{PAST}&csf={text}")
            await c("POST", "/temporal/entityOperations/query", {**past, "csf": text})
            await c(
                "POST", "/temporal/entityOperations/query", {**past, **context, "csf": f'kind=="{name}"'}, ld
            )
            await c("GET", f"/entityMaps?type=Bus&csf={text}")
            await c("GET", f"/temporal/entityMaps?type=Bus&{PAST}&csf={text}")
            new = len(near.heads) - asked[0], len(far.heads) - asked[1]
            assert new == ((7, 0) if csf is near else (0, 7))
        for path in ("/entities?type=Bus", f"/temporal/entities?type=Bus&{PAST}"):
            assert (await c("GET", f"{path}&csf=((")).status == 400
        assert (await c("POST", "/temporal/entityOperations/query", {**past, "csf": "(("})).status == 400
