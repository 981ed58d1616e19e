"""One gate: for every way of reading, what a lesser principal is told equals what anyone would be told by a platform
in which the hidden things had never been written."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from andaman.broker.contexts import ContextStore
from andaman.broker.entity.build import entity, geo, iri, prop, rel
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.query.ast import TypeIs, TypeOr
from andaman.broker.query.model import EntityQuery, EvolutionQuery, TemporalQuery
from andaman.broker.query.parse import parse_geo
from andaman.broker.query.parse_q import parse_q
from andaman.broker.service import Broker
from andaman.doors.live.hub import Hub
from andaman.doors.live.routes import LiveDoor
from andaman.doors.ngsild.app import NgsiLdApp
from andaman.doors.past import routes as past_routes
from andaman.doors.tiles.door import TileDoor
from andaman.identity.entrance import build_routes
from andaman.identity.model import FULL_ACCESS, Access, Actor, Classification, Principal, system_actor
from andaman.identity.policy import DatasetRule, PolicyAccess, PolicyTable, Rights
from andaman.kernel.errors import AndamanError, ResourceNotFound
from andaman.kernel.http import problem_response
from tests.identity.conftest import FakeClock

pytestmark = pytest.mark.anyio
ROOT = system_actor("test")
KINDS = ["Vehicle", "Incident", "EmergencyUnit", "Unclassified"]
SCOPES: list[list[str]] = [[], ["/bus"], ["/hush/deep"], ["/bus", "/hush"]]
ALL_TIME = "timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=modifiedAt"
ATTRS = ["speed", "reporterPhone", "refUnit", "location", "crew"]
TABLE = PolicyTable(
    [
        DatasetRule(
            "bus",
            frozenset({iri("Vehicle")}),
            "",
            Classification.PUBLIC,
            "",
            {iri("crew"): Classification.SECURITY},
        ),
        DatasetRule("hush", frozenset(), "/hush", Classification.OFFICIAL_SECRET),
        DatasetRule(
            "incident",
            frozenset({iri("Incident")}),
            "",
            Classification.SECURITY,
            "",
            {iri("reporterPhone"): Classification.PERSONAL},
        ),
        DatasetRule(
            "unit",
            frozenset({iri("EmergencyUnit")}),
            "",
            Classification.SECURITY,
            "",
            {iri("location"): Classification.OFFICIAL_SECRET},
        ),
    ]
)
PRINCIPALS = {
    "public": PolicyAccess(TABLE, Rights()),
    "analyst": PolicyAccess(TABLE, Rights(frozenset({"analyst"}))),
    "operator": PolicyAccess(TABLE, Rights(frozenset({"operator"}), "", "operations")),
}


class _Twin:
    """Two platforms over one history: ``whole``, and ``bare`` in which what ``access`` hides was never written."""

    def __init__(
        self, whole: Broker, bare: Broker, access: Access, clock: FakeClock, rng: random.Random
    ) -> None:
        self.whole, self.bare, self.access, self.clock, self.rng = whole, bare, access, clock, rng
        self.shapes: dict[str, tuple[list[str], list[str]]] = {}
        self.times: list[int] = []

    def thing(self, entity_id: str) -> Doc:
        rng = self.rng
        kinds, scopes = self.shapes.setdefault(
            entity_id, (sorted(rng.sample(KINDS, rng.choice([1, 1, 2]))), rng.choice(SCOPES))
        )
        attrs: dict[str, Any] = {
            "speed": prop(rng.randrange(5), self.clock.now),
            "reporterPhone": prop(f"08{rng.randrange(5)}"),
            "refUnit": rel(f"urn:ngsi-ld:Thing:{rng.randrange(20)}"),
            "location": geo({"type": "Point", "coordinates": [98 + rng.random(), 8.0]}),
            "crew": prop(rng.randrange(3)),
        }
        return entity(
            entity_id, kinds, scopes, **{name: attrs[name] for name in rng.sample(ATTRS, rng.randrange(1, 6))}
        )

    async def step(self) -> None:
        rng, self.clock.now = self.rng, self.clock.now + 1_000_000
        entity_id = f"urn:ngsi-ld:Thing:{rng.randrange(20)}"
        doc = self.thing(entity_id)
        kind = rng.choice([OpKind.UPSERT_UPDATE, OpKind.UPSERT_UPDATE, OpKind.UPDATE, OpKind.DELETE])
        fragment = (
            {} if kind is OpKind.DELETE else doc if kind is OpKind.UPSERT_UPDATE else {"attrs": doc["attrs"]}
        )
        await self.whole.write([WriteOp(kind, entity_id, fragment)], ROOT)
        types, scopes = doc["type"], doc.get("scope", ())
        hidden = self.access.hidden_attrs(types, scopes)
        if self.access.sees(types, scopes):
            if "attrs" in fragment:
                fragment = {**fragment, "attrs": {k: v for k, v in doc["attrs"].items() if k not in hidden}}
            if kind is not OpKind.UPDATE or fragment["attrs"]:
                await self.bare.write([WriteOp(kind, entity_id, fragment)], ROOT)
        self.times.append(self.clock.now)


@asynccontextmanager
async def _twin(path: Path, name: str, seed: int) -> AsyncIterator[_Twin]:
    clock = FakeClock()
    whole, bare = Broker.open(path / "whole", clock=clock), Broker.open(path / "bare", clock=clock)
    await whole.start()
    await bare.start()
    twin = _Twin(whole, bare, PRINCIPALS[name], clock, random.Random(seed))
    for _ in range(120):
        await twin.step()
    yield twin
    await whole.close()
    await bare.close()


def _queries(rng: random.Random) -> list[EntityQuery]:
    texts = [
        "speed>2",
        'reporterPhone=="081"',
        "!reporterPhone",
        "crew==1|speed==3",
        "!crew;speed<=4",
        'refUnit=="urn:ngsi-ld:Thing:3"',
        "!location",
    ]
    geos = [
        parse_geo("near;maxDistance==40000", "Point", [98.5, 8.0]),
        parse_geo("within", "Polygon", [[[98, 7], [98.6, 7], [98.6, 9], [98, 9], [98, 7]]]),
        parse_geo("disjoint", "Point", [98.5, 8.0]),
    ]
    found = []
    for _ in range(40):
        types = [TypeIs(iri(kind)) for kind in rng.sample(KINDS, rng.randrange(1, 5))]
        found.append(
            EntityQuery(
                types=types[0] if len(types) == 1 else TypeOr(tuple(types)),
                q=parse_q(rng.choice(texts), iri) if rng.random() < 0.6 else None,
                geo=rng.choice(geos) if rng.random() < 0.4 else None,
                attrs=(iri(rng.choice(ATTRS)),) if rng.random() < 0.3 else (),
                id_pattern=".*[02468]$" if rng.random() < 0.2 else None,
                limit=rng.choice([2, 50]),
                offset=rng.choice([0, 0, 3]),
                count=True,
            )
        )
    return found


@pytest.mark.parametrize("name", PRINCIPALS)
async def test_reads_of_the_broker(tmp_path: Path, name: str) -> None:
    async with _twin(tmp_path, name, 1) as twin:
        whole, bare, access, rng = twin.whole, twin.bare, twin.access, twin.rng
        assert whole.types(access) == bare.types(FULL_ACCESS)
        listed = [list(b.iter_entities([], a)) for b, a in ((whole, access), (bare, FULL_ACCESS))]
        assert listed[0] == listed[1]
        for query in _queries(rng):
            mine, theirs = whole.query(query, access), bare.query(query, FULL_ACCESS)
            assert mine.total == theirs.total, query
            assert mine.docs == theirs.docs, query
        for at in rng.sample(twin.times, 5):
            for query in _queries(rng)[:8]:
                then, bare_then = (
                    await whole.query_at(at, query, access),
                    await bare.query_at(at, query, FULL_ACCESS),
                )
                assert then.total == bare_then.total, (at, query)
                assert then.docs == bare_then.docs, (at, query)
        for n in range(20):
            entity_id = f"urn:ngsi-ld:Thing:{n}"
            found, expected = whole.find(entity_id, access), bare.find(entity_id, FULL_ACCESS)
            assert found == expected
            for query in (
                TemporalQuery(),
                TemporalQuery(last_n=2),
                TemporalQuery(aggr_methods=("avg", "totalCount")),
            ):
                answers = []
                for broker, rights in ((whole, access), (bare, FULL_ACCESS)):
                    try:
                        answers.append(await broker.temporal(entity_id, [], query, rights))
                    except ResourceNotFound:
                        answers.append({"no such entity": []})
                assert answers[0] == answers[1], (entity_id, query)
        for selector in _queries(rng):
            for temporal in (
                TemporalQuery("after", 0, timeproperty="modifiedAt"),
                TemporalQuery(last_n=2, timeproperty="modifiedAt"),
                TemporalQuery(timeproperty="modifiedAt", aggr_methods=("totalCount",)),
                TemporalQuery(timeproperty="deletedAt"),
            ):
                asked = EvolutionQuery(temporal, (selector,), limit=100, count=True)
                evolutions = [
                    await broker.evolutions(asked, rights)
                    for broker, rights in ((whole, access), (bare, FULL_ACCESS))
                ]
                assert _scrub(evolutions[0]) == _scrub(evolutions[1]), asked


@pytest.mark.parametrize("name", PRINCIPALS)
async def test_reads_over_http(tmp_path: Path, name: str) -> None:
    async with _twin(tmp_path, name, 2) as twin:
        clients, hubs = [], []
        for broker, access in ((twin.whole, twin.access), (twin.bare, FULL_ACCESS)):
            hub = Hub(broker, clock=twin.clock)
            await hub.start()
            hubs.append(hub)
            clients.append(_client(broker, hub, access))
        for path in _paths(twin.rng):
            mine, theirs = [await client.get(path) for client in clients]
            assert mine.status_code == theirs.status_code, path
            assert mine.status_code < 500, mine.text
            counts = [answer.headers.get("ngsild-results-count") for answer in (mine, theirs)]
            assert counts[0] == counts[1], path
            assert _links(mine) == _links(theirs), path
            assert _body(mine) == _body(theirs), path
        for method, path, body in _requests(twin.rng):
            mine, theirs = [await client.request(method, path, json=body) for client in clients]
            assert mine.status_code == theirs.status_code, (method, path, body, mine.text, theirs.text)
            assert mine.status_code < 500, mine.text
            counts = [answer.headers.get("ngsild-results-count") for answer in (mine, theirs)]
            assert counts[0] == counts[1], (method, path, body)
            assert _links(mine) == _links(theirs), (method, path, body)
            assert _body(mine) == _body(theirs), (method, path, body)
        for hub in hubs:
            await hub.stop()


async def test_map_tiles(tmp_path: Path) -> None:
    """Roads that are hidden, and attributes that are, leave no trace in a tile."""
    rng, road = random.Random(3), iri("RoadSegment")
    table = PolicyTable(
        [
            DatasetRule(
                "roads",
                frozenset({road}),
                "",
                Classification.PUBLIC,
                "",
                {iri("ref"): Classification.SECURITY},
            ),
            DatasetRule("base", frozenset(), "/hush", Classification.OFFICIAL_SECRET),
        ]
    )
    public = PolicyAccess(table, Rights())
    brokers = [Broker.open(tmp_path / name) for name in ("whole", "bare")]
    for broker in brokers:
        await broker.start()
    for n in range(40):
        lon, lat = 98.2 + rng.random() / 4, 7.8 + rng.random() / 4
        line = geo({"type": "LineString", "coordinates": [[lon, lat], [lon + 0.02, lat + 0.01]]})
        attrs = {"location": line, "roadClass": prop("primary"), "ref": prop(str(rng.randrange(4000)))}
        entity_id, scope = f"urn:ngsi-ld:RoadSegment:{n}", rng.choice([[], [], ["/hush"]])
        doc = entity(entity_id, "RoadSegment", scope, **attrs)
        await brokers[0].write([WriteOp(OpKind.CREATE, entity_id, doc)], ROOT)
        if not scope:
            del doc["attrs"][iri("ref")]
            await brokers[1].write([WriteOp(OpKind.CREATE, entity_id, doc)], ROOT)
    mine, theirs = TileDoor(brokers[0]), TileDoor(brokers[1])
    everything = await mine.tile(FULL_ACCESS, 9, 395, 244)
    for z, x, y in ((9, 395, 244), (10, 791, 489), (11, 1582, 979), (11, 1583, 978)):
        assert await mine.tile(public, z, x, y) == await theirs.tile(FULL_ACCESS, z, x, y)
    assert everything != await mine.tile(public, 9, 395, 244) != b""
    for broker in brokers:
        await broker.close()


def _paths(rng: random.Random) -> list[str]:
    things = [f"urn:ngsi-ld:Thing:{n}" for n in range(20)]
    kinds = [iri(kind) for kind in KINDS]
    paths = [f"/ngsi-ld/v1/entities/{thing}" for thing in things]
    paths += [f"/ngsi-ld/v1/entities/{thing}?attrs={iri('crew')}" for thing in things[:8]]
    paths += [f"/ngsi-ld/v1/temporal/entities/{thing}" for thing in things[:8]]
    paths += [f"/api/changes?id={thing}" for thing in things]
    paths += [f"/api/changes?id={thing}&limit=2&at=2026-11-22T00:01:00Z" for thing in things[:8]]
    span = "from=2026-11-21T00:00:00Z&to=2026-11-23T00:00:00Z"
    for attr in ATTRS:
        every = ",".join(KINDS)
        paths += [f"/api/history/latest?type={one}&attr={attr}" for one in (every, *KINDS)]
        paths += [f"/api/history/means?type={one}&attr={attr}&{span}&period=PT7S" for one in (every, *KINDS)]
        paths += [f"/api/history/latest?type={every}&attr={attr}&limit=3&offset=2"]
    paths += ["/ngsi-ld/v1/types", "/ngsi-ld/v1/attributes", "/ngsi-ld/v1/types?details=true"]
    for kind, short in zip(kinds, KINDS, strict=True):
        paths += [
            f"/ngsi-ld/v1/entities?type={kind}&count=true&limit=3",
            f"/ngsi-ld/v1/entities?type={kind}&options=keyValues&limit=100",
            f"/ngsi-ld/v1/entities?type={kind}&attrs={iri('reporterPhone')}&count=true",
            f"/ngsi-ld/v1/temporal/entities?type={kind}&timerel=after&timeAt=2020-01-01T00:00:00Z",
            f"/ngsi-ld/v1/types/{kind}",
            f"/api/state?types={short}",
            f"/api/state?types={short}&bbox=98,7,98.5,9",
            f"/api/state?types={short}&at=2026-11-22T00:01:00Z",
        ]
        # The order of a page, a filter, a projection, a join and a page's link tell of values too.
        attr, other = rng.choice(ATTRS), rng.choice(ATTRS)
        every = f"/ngsi-ld/v1/entities?type={short}&limit=100"
        paths += [
            f"{every}&orderBy={attr}" if attr != "location" else every,
            f"{every}&orderBy=crew;desc,speed",
            f"{every}&orderBy=location;dist-asc&orderFrom=[98.5,8.0]",
            f"{every}&join=inline&joinLevel=2",
            f"{every}&join=flat&joinLevel=3",
            f"{every}&join=flat&joinLevel=2&q=refUnit{{reporterPhone}}",
            f"{every}&join=flat&joinLevel=2&q=refUnit{{crew}}>=1&count=true",
            f"{every}&q={attr}|!{other}&count=true",
            f"{every}&pick=id,{attr},{other}",
            f"{every}&omit={attr}",
            f"{every}&scopeQ=/%23",
            f"{every}&scopeQ=/bus&count=true",
            f"{every}&idPattern=[13579]$&count=true",
            f"{every}&format=simplified&options=sysAttrs&pick={attr},createdAt",
            f"{every}&georel=near;maxDistance==30000&geometry=Point&coordinates=[98.4,8.0]&count=true",
            f"/ngsi-ld/v1/entities?type={kind}&limit=2&offset=2&count=true",
            f"/ngsi-ld/v1/entities?type={kind}&limit=0&count=true",
            f"/ngsi-ld/v1/temporal/entities?type={kind}&options=temporalValues&{ALL_TIME}&lastN=2",
            f"/ngsi-ld/v1/temporal/entities?type={kind}&options=aggregatedValues&aggrMethods=totalCount,max&{ALL_TIME}",
            f"/ngsi-ld/v1/temporal/entities?type={kind}&q={attr}>1&{ALL_TIME}&count=true&limit=2",
            f"/ngsi-ld/v1/temporal/entities?type={kind}&attrs={attr}&{ALL_TIME}",
        ]
    paths += [f"/ngsi-ld/v1/entities/{thing}?join=inline&joinLevel=3" for thing in things]
    paths += [f"/ngsi-ld/v1/entities/{thing}?at=2026-11-22T00:01:00Z" for thing in things[:8]]
    paths += [f"/ngsi-ld/v1/attributes/{iri(attr)}" for attr in ATTRS]
    paths += ["/ngsi-ld/v1/attributes?details=true", "/ngsi-ld/v1/types?count=true"]
    paths += [f"/ngsi-ld/v1/entities?q={attr}&count=true&limit=3" for attr in ATTRS]
    paths += [f"/ngsi-ld/v1/entities?attrs={iri(attr)}&count=true&limit=3" for attr in ATTRS]
    rng.shuffle(paths)
    return paths


def _requests(rng: random.Random) -> list[tuple[str, str, Any]]:
    """Questions with a body, and refusals: what is not there and what is hidden are refused in the same words."""
    asked: list[tuple[str, str, Any]] = []
    kinds = [{"type": iri(kind)} for kind in KINDS]
    temporal = {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z", "timeproperty": "modifiedAt"}
    for _ in range(10):
        query: dict[str, Any] = {"type": "Query", "entities": rng.sample(kinds, rng.randrange(1, 4))}
        if rng.random() < 0.5:
            query["q"] = f"{rng.choice(ATTRS)}|{rng.choice(ATTRS)}>1"
        if rng.random() < 0.3:
            query["ordering"] = {"orderBy": [rng.choice(ATTRS[:3])]}
        if rng.random() < 0.3:
            query["attrs"] = [rng.choice(ATTRS)]
        asked.append(("POST", "/ngsi-ld/v1/entityOperations/query?count=true&limit=5", query))
        past = {key: value for key, value in query.items() if key != "ordering"} | {"temporalQ": temporal}
        asked.append(("POST", "/ngsi-ld/v1/temporal/entityOperations/query?count=true&limit=5", past))
    return asked


def _links(answer: httpx.Response) -> Any:
    """What headers say of pages."""
    names = ("link", "content-range", "ngsild-warning", "ngsild-entitymap", "location")
    return [answer.headers.get(name) for name in names]


def _client(broker: Broker, hub: Hub, access: Access) -> httpx.AsyncClient:
    screens = Starlette(
        routes=build_routes([*LiveDoor(hub).routes(), *past_routes.routes(broker)]),
        exception_handlers={AndamanError: lambda request, error: problem_response(error)},  # type: ignore[arg-type]
    )
    door = NgsiLdApp(broker, ContextStore(None))
    actor = Actor(Principal("user:x", "x", frozenset({"operator"})), access)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["andaman.actor"] = actor
        await (door if scope["path"].startswith("/ngsi-ld/") else screens)(scope, receive, send)

    link = '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://x", headers={"Link": link}
    )


def _body(answer: httpx.Response) -> Any:
    """The answer without what differs between any two platforms: journal positions, what is made from them (the ids of
    instances), and the id of a description."""
    try:
        return _scrub(answer.json())
    except ValueError:
        return answer.text


def _scrub(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _scrub(one)
            for key, one in value.items()
            if key not in ("position", "time", "instanceId")
            and not (key == "id" and str(one).startswith("urn:ngsi-ld:EntityTypeList"))
        }
    return [_scrub(one) for one in value] if isinstance(value, list) else value
