"""Laws of histories at several brokers (CIM 009 §4.5.19, §5.7.3.4, §5.7.4.4): they look like one broker's."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from andaman.doors.ngsild.distributed import evolutions, whole_series
from andaman.identity.model import Actor, Classification, Principal, Role
from andaman.identity.policy import DatasetRule, Policy, PolicyTable, default_writes
from andaman.rooms import TYPES
from tests.doors.ngsild.client import Client, at_the_door, error
from tests.doors.ngsild.test_distributed import SPEED, TYPE, brokers, register, two

PAST = "/temporal/entities"
OPERATIONS = ["retrieveTemporal", "queryTemporal"]
METHODS = "totalCount,distinctCount,sum,avg,min,max,stddev,sumsq"
WINDOW = "timerel=between&timeAt=2026-05-01T00:00:00Z&endTimeAt=2026-05-03T00:00:00Z"


def seen(value: Any, minute: int, **more: Any) -> dict[str, Any]:
    day, rest = divmod(minute, 1440)
    at = f"2026-05-{1 + day:02d}T{rest // 60:02d}:{rest % 60:02d}:00Z"
    return {"type": "Property", "value": value, "observedAt": at, **more}


def evolution(number: int, **attrs: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Bus:{number}", "type": "Bus", **attrs}


def three_with_small_pages(test: Callable[..., Awaitable[None]]) -> Callable[[Path], None]:
    return brokers(3, test, max_instances=7)


@three_with_small_pages
async def test_aggregates_over_two_brokers_are_those_of_one_that_holds_everything(
    clients: list[Client], urls: list[str]
) -> None:
    """§4.5.19: of the merged series, also where a source tells it in many pages, and where both tell the same instant."""
    here, there, whole = clients
    await register(here, urls[1], operations=OPERATIONS)
    chance = random.Random(7)
    for number in range(1, 7):
        kinds: list[Callable[[], Any]] = [
            lambda: chance.randint(-50, 50),
            lambda: chance.choice(["a", "b", "c"]),
            lambda: chance.random(),
        ]
        value = kinds[number % 3]
        minutes = chance.sample(range(3000), chance.randint(2, 40))
        series = [seen(value(), minute) for minute in minutes]
        parts = [[one for one in series if chance.random() < 0.6], []]
        parts[1] = [one for one in series if one not in parts[0] or chance.random() < 0.2]
        for client, part in zip((here, there, whole), (*parts, series), strict=True):
            if part:
                assert (await client("POST", PAST, evolution(number, speed=part))).status == 201
    for period in ("", "&aggrPeriodDuration=PT6H", "&aggrPeriodDuration=P1D"):
        asked = f"{WINDOW}&options=aggregatedValues&aggrMethods={METHODS}{period}"
        got = (await here("GET", f"{PAST}?type=Bus&{asked}")).json
        wanted = (await whole("GET", f"{PAST}?type=Bus&{asked}")).json
        assert [one["id"] for one in wanted]
        for one in wanted:
            (mine,) = [each for each in got if each["id"] == one["id"]]
            assert _near(mine) == _near(one)
            retrieved = await here("GET", f"{PAST}/{one['id']}?{asked}")
            assert _near(retrieved.json) == _near(one)
        assert len(got) == len(wanted)


@three_with_small_pages
async def test_pages_of_instances_lead_through_the_history_of_all(
    clients: list[Client], urls: list[str]
) -> None:
    """§6.3.10: where a source tells a part, so does the answer, and says how far it goes."""
    here, there, _ = clients
    await register(here, urls[1], operations=OPERATIONS)
    chance = random.Random(5)
    told: set[tuple[str, int]] = set()
    for client, count in ((here, 12), (there, 40)):
        minutes = chance.sample(range(3000), count)
        told |= {(seen(0, minute)["observedAt"], minute) for minute in minutes}
        await client("POST", PAST, evolution(1, speed=[seen(minute, minute) for minute in minutes]))
    for path in (f"{PAST}/urn:ngsi-ld:Bus:1?", f"{PAST}?type=Bus&"):
        for backwards in (False, True):
            found: set[tuple[str, int]] = set()
            at, pages = ("2027-01-01T00:00:00Z" if backwards else "2020-01-01T00:00:00Z"), 0
            relation = "before" if backwards else "after"
            more = "&lastN=1000" if backwards else ""
            while True:
                got = await here("GET", f"{path}timerel={relation}&timeAt={at}{more}")
                (one,) = got.json if "type=" in path else [got.json]
                speeds = one["speed"] if isinstance(one["speed"], list) else [one["speed"]]
                found |= {(each["observedAt"], each["value"]) for each in speeds}
                pages += 1
                assert pages < 30
                if got.status == 200:
                    break
                assert got.status == 206
                end = got.headers["Content-Range"].partition("/")[0][-20:]
                if backwards:
                    assert end < at
                else:
                    assert end > at
                at = end
            assert pages > 4
            assert found == told


def _near(content: dict[str, Any]) -> dict[str, Any]:
    """Sums of the same numbers in another order differ in their last digits."""
    attr = content.get("speed", {})
    rounded = {
        method: [[round(value, 6) if isinstance(value, float) else value, *rest] for value, *rest in rows]
        for method, rows in attr.items()
        if isinstance(rows, list)
    }
    return {**content, "speed": {**attr, **rounded}}


@two
async def test_aggregates_of_more_than_can_be_put_together_are_refused(
    clients: list[Client], urls: list[str]
) -> None:
    here, there = clients
    await register(here, urls[1], operations=OPERATIONS)
    await here("POST", PAST, evolution(1, speed=[seen(1, minute) for minute in range(20)]))
    await there("POST", PAST, evolution(1, speed=[seen(1, minute) for minute in range(20, 40)]))
    asked = f"{PAST}?type=Bus&{WINDOW}&options=aggregatedValues&aggrMethods=sum"
    assert (await here("GET", asked)).json[0]["speed"]["sum"][0][0] == 40
    for most in (10, 30):  # too many here already, too many together
        with pytest.MonkeyPatch.context() as patch:
            for module in (whole_series, evolutions):
                patch.setattr(module, "INSTANCES", most)
            refused = await here("GET", asked)
            assert error(refused) == "TooComplexQuery"
            alone = await here("GET", f"{asked}&local=true")
            assert alone.json[0]["speed"]["sum"][0][0] == 20


@two
async def test_scope_queries_find_histories_at_another_broker(clients: list[Client], urls: list[str]) -> None:
    """§4.19, §5.7.4.4."""
    here, there = clients
    await register(here, urls[1], operations=OPERATIONS)
    await there("POST", PAST, evolution(1, scope="/Madrid", speed=[seen(1, 1)]))
    await there("POST", PAST, evolution(2, scope="/Paris", speed=[seen(2, 1)]))
    got = await here("GET", f"{PAST}?type=Bus&{WINDOW}&scopeQ=/Madrid")
    assert [one["id"] for one in got.json] == ["urn:ngsi-ld:Bus:1"]
    assert got.json[0]["scope"][0]["value"] == "/Madrid"


@at_the_door
async def test_plain_scopes_of_a_new_evolution_are_valid_from_its_first_instance(c: Client) -> None:
    """§4.18, §5.6.11: told with the past, they are of that past; of an evolution that is known, from now on."""
    await c("POST", PAST, evolution(1, scope="/old", speed=[seen(2, 2), seen(1, 1)]))
    found = await c("GET", f"{PAST}?type=Bus&{WINDOW}&scopeQ=/old")
    assert [one["value"] for one in found.json[0]["speed"]] == [1, 2]
    assert found.json[0]["scope"][0]["observedAt"] == seen(1, 1)["observedAt"]
    assert (await c("POST", PAST, evolution(1, scope="/new", speed=[seen(3, 3)]))).status == 204
    assert (await c("GET", f"{PAST}?type=Bus&{WINDOW}&scopeQ=/new")).json == []
    found = await c("GET", f"{PAST}?type=Bus&{WINDOW}&scopeQ=/old")
    assert [one["value"] for one in found.json[0]["speed"]] == [1, 2, 3]


@three_with_small_pages
async def test_filters_for_those_who_may_not_see_everything_are_applied_here(
    clients: list[Client], urls: list[str]
) -> None:
    """To what they see, in all instances of the interval; a filter on what is hidden finds nothing and tells nothing."""
    here, there, _ = clients
    await register(here, urls[1], operations=OPERATIONS)
    await here("POST", PAST, evolution(1, colour=[seen("red", 1)]))
    colours = [seen("red" if minute == 30 else "blue", minute) for minute in range(31)]
    await there("POST", PAST, evolution(2, colour=colours, speed=[seen(77, 1)], weight=[seen(3, 2)]))
    await there("POST", PAST, evolution(3, colour=[seen("green", 1)], speed=[seen(78, 1)]))
    rules = [DatasetRule("open", frozenset({TYPE}), classification=Classification.PUBLIC,
                         attributes={SPEED: Classification.SECURITY})]  # fmt: skip
    policy = Policy(PolicyTable(rules, default_writes(TYPES, lambda name: name)))
    public = Principal("public", "public", frozenset({Role.PUBLIC}))
    here.actor = Actor(public, policy.access_of(public))

    async def asked(query: str) -> list[Any]:
        got = await here("GET", f"{PAST}?type=Bus&{WINDOW}&{query}")
        assert got.status in (200, 206), got.body
        assert b"speed" not in got.body
        assert "NGSILD-Warning" not in got.headers
        return got.json

    red = await asked("q=colour==%22red%22")
    assert sorted(one["id"][-1] for one in red) == ["1", "2"]
    assert {"colour", "weight"} < next(one for one in red if one["id"].endswith("2")).keys()
    assert [one["id"][-1] for one in await asked("q=colour==%22green%22")] == ["3"]
    assert await asked("q=speed>70") == []
    assert await asked("q=colour==%22green%22&scopeQ=/elsewhere") == []
    assert sorted(one["id"][-1] for one in await asked("q=!speed;colour")) == ["1", "2", "3"]
    (only,) = await asked("q=weight==3&pick=id,colour&lastN=2")
    assert only.keys() == {"id", "colour"}
    assert len(only["colour"]) == 2
    (counted,) = await asked("q=weight==3&options=aggregatedValues&aggrMethods=totalCount&pick=id,colour")
    assert counted["colour"]["totalCount"][0][0] == 31


@two
async def test_filters_wait_until_split_entities_are_together(clients: list[Client], urls: list[str]) -> None:
    """§5.7.4.4, S5 to S7."""
    here, there = clients
    await register(here, urls[1], operations=OPERATIONS)
    await here("POST", PAST, evolution(1, speed=[seen(9, 1), seen(1, 2)], scope="/a"))
    await there("POST", PAST, evolution(1, colour=[seen("red", 1)]))
    await here("POST", PAST, evolution(2, speed=[seen(9, 1)]))
    await there("POST", PAST, evolution(2, colour=[seen("blue", 1)], speed=[seen(4, 5)]))
    filters = "q=speed>5;colour==%22red%22"
    path = f"{PAST}?type=Bus&{WINDOW}"
    assert (await here("GET", f"{path}&{filters}")).json == []
    (one,) = (await here("GET", f"{path}&{filters}&splitEntities=true")).json
    assert one["id"].endswith("1")
    assert {"speed", "colour", "scope"} < one.keys()
    (one,) = (await here("GET", f"{path}&{filters}&splitEntities=true&pick=id,speed&lastN=1")).json
    assert one.keys() == {"id", "speed"}
    for scope, wanted in (("/a", ["1"]), ("/b", [])):
        got = await here("GET", f"{path}&scopeQ={scope}&q=colour&splitEntities=true")
        assert [each["id"][-1] for each in got.json] == wanted
    query = {
        "type": "Query",
        "entities": [{"type": "Bus"}],
        "q": 'speed>3;colour=="blue"',
        "temporalQ": {"timerel": "after", "timeAt": "2026-05-01T00:00:00Z"},
        "aggrParams": {"aggrMethods": ["sum"]},
        "splitEntities": True,
    }
    got = await here("POST", "/temporal/entityOperations/query", query)
    (one,) = got.json
    assert one["speed"]["sum"][0][0] == 13
