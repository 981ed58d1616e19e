"""The live law: *stale state + events = fresh state*, for every principal, box and type, through random writes,
connects, disconnects, slow readers and restarts of the server."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from andaman.broker.entity.build import iri
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.doors.live.hub import Hub
from andaman.doors.live.snapshot import iter_state
from andaman.doors.live.view import Filter
from andaman.identity.model import FULL_ACCESS, Access, system_actor
from tests.doors.live.conftest import ADMIN, OPERATOR, PUBLIC, Client, actor, thing

pytestmark = pytest.mark.anyio
ROOT = system_actor("test")
KINDS = ["Vehicle", "EmergencyUnit", "Alert"]
BOXES: list[list[float] | None] = [
    None,
    [98.0, 7.0, 98.5, 9.0],
    [98.4, 7.0, 99.0, 9.0],
    [179.0, -1.0, -179.0, 20.0],
]
SCOPES: list[list[str]] = [[], ["/bus"], ["/hush"], ["/bus", "/hush/deep"]]


def _op(rng: random.Random) -> WriteOp:
    entity_id = f"urn:ngsi-ld:Thing:{rng.randrange(25)}"
    doc = thing(
        entity_id,
        rng.choice(KINDS),
        rng.choice([None, round(rng.uniform(98, 99), 3), 179.9]),
        rng.randrange(100),
        rng.choice(SCOPES),
    )
    roll = rng.random()
    if roll < 0.2:
        return WriteOp(OpKind.DELETE, entity_id)
    if roll < 0.6:
        return WriteOp(OpKind.UPSERT_REPLACE, entity_id, doc)
    if roll < 0.8:
        return WriteOp(OpKind.UPSERT_UPDATE, entity_id, doc)
    attrs = {iri("speed"): doc["attrs"][iri("speed")]}
    return WriteOp(OpKind.UPDATE, entity_id, {"attrs": attrs})


async def _fresh(broker: Broker, wanted: Filter, access: Access) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async for part in iter_state(broker, wanted, access):
        found.update({key: orjson.loads(text) for key, text in part.items()})
    return found


class _Screen:
    """A client with random watches, and what it asked for."""

    def __init__(self, hub: Hub, rng: random.Random) -> None:
        self.access = rng.choice([PUBLIC, OPERATOR, ADMIN])
        self.client = Client(hub, actor(self.access))
        self.wanted: dict[str, Filter] = {}
        if rng.random() < 0.3:
            self.client.delay = lambda: rng.random() * 0.05
        for n in range(rng.randrange(1, 4)):
            self.watch(f"w{n}", rng)

    def watch(self, name: str, rng: random.Random) -> None:
        types = rng.sample(KINDS, rng.randrange(4))
        box = rng.choice(BOXES)
        self.wanted[name] = Filter(
            frozenset(map(iri, types)), (box[0], box[1], box[2], box[3]) if box else None
        )
        self.client.say(op="watch", id=name, types=types, bbox=box, at=None)

    async def check(self, broker: Broker) -> None:
        await self.client.caught_up(broker.seq)
        for name, wanted in self.wanted.items():
            assert self.client.views[name].entities == await _fresh(broker, wanted, self.access), wanted


@pytest.mark.parametrize("seed", range(6))
async def test_stale_state_and_events_make_fresh_state(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for _restart in range(2):
        broker = Broker.open(tmp_path)
        await broker.start()
        hub = Hub(broker, window_s=0.02)
        await hub.start()
        screens: list[_Screen] = [_Screen(hub, rng)]
        for _ in range(30):
            roll = rng.random()
            await broker.write([_op(rng) for _ in range(rng.randrange(1, 12))], ROOT)
            if roll < 0.3:
                screens.append(_Screen(hub, rng))
            elif roll < 0.4 and len(screens) > 1:
                await screens.pop(rng.randrange(len(screens))).client.leave()
            elif roll < 0.5:
                rng.choice(screens).watch("w0", rng)  # asks anew, perhaps for something else
            elif roll < 0.6:
                screen = rng.choice(screens)
                name = rng.choice(list(screen.wanted))
                del screen.wanted[name]
                screen.client.say(op="unwatch", id=name)
                if not screen.wanted:
                    screen.watch("w9", rng)
            elif roll < 0.8:
                await asyncio.sleep(rng.random() * 0.03)
        for screen in screens:
            await screen.check(broker)
        for screen in screens[: len(screens) // 2]:
            await screen.client.leave()
        await hub.stop()  # the others learn that they are to come again
        for screen in screens[len(screens) // 2 :]:
            await screen.client.task
            assert screen.client.closed is not None
            assert screen.client.closed["code"] == 1012
        assert hub.watch_count == 0
        await broker.close()


async def test_many_entities_changed_while_the_snapshot_is_read(tmp_path: Path) -> None:
    broker = Broker.open(tmp_path)
    await broker.start()
    ids = [f"urn:ngsi-ld:Vehicle:{n}" for n in range(2500)]
    await broker.write([WriteOp(OpKind.CREATE, i, thing(i, "Vehicle", 98.3, 1, [])) for i in ids], ROOT)
    hub = Hub(broker, window_s=0.01)
    await hub.start()
    client = Client(hub, actor(PUBLIC))
    client.delay = lambda: 0.02
    client.say(op="watch", id="w", types=["Vehicle"])
    rng = random.Random(1)
    for round_ in range(20):
        chosen = rng.sample(ids, 100)
        ops = [WriteOp(OpKind.DELETE, i) for i in chosen[:30]]
        ops += [WriteOp(OpKind.UPSERT_REPLACE, i, thing(i, "Vehicle", 98.3, round_, [])) for i in chosen[30:]]
        await broker.write(ops, ROOT)
        await asyncio.sleep(0.005)
    await client.caught_up(broker.seq)
    assert client.views["w"].entities == await _fresh(broker, Filter(frozenset({iri("Vehicle")})), PUBLIC)
    await client.leave()
    await hub.stop()
    await broker.close()


async def test_nothing_of_hidden_entities_is_said_not_even_their_ids(tmp_path: Path) -> None:
    """A lesser principal's stream names only what it may know, also when hidden things change and go."""
    broker = Broker.open(tmp_path)
    await broker.start()
    hub = Hub(broker, window_s=0.01)
    await hub.start()
    client = Client(hub, actor(PUBLIC))
    raw: list[str] = []
    fold = client._take

    async def take(message: dict[str, Any]) -> None:
        raw.append(str(message))
        await fold(message)

    client.connection._send = take
    client.say(op="watch", id="w", types=[])
    secret = "urn:ngsi-ld:Vehicle:secret"
    for _ in range(10):
        for n in range(5):
            unit = f"urn:ngsi-ld:EmergencyUnit:{n}"
            await broker.write(
                [
                    WriteOp(OpKind.UPSERT_REPLACE, secret, thing(secret, "Vehicle", 98, n, ["/hush"])),
                    WriteOp(OpKind.UPSERT_REPLACE, unit, thing(unit, "EmergencyUnit", 98, n, [])),
                    WriteOp(OpKind.UPSERT_REPLACE, "urn:x:bus", thing("urn:x:bus", "Vehicle", 98, n, [])),
                ],
                ROOT,
            )
        await broker.write([WriteOp(OpKind.DELETE, secret), WriteOp(OpKind.DELETE, unit)], ROOT)
        await asyncio.sleep(0.012)
    await client.caught_up(broker.seq)
    text = "".join(raw)
    assert "urn:x:bus" in text
    assert "secret" not in text
    assert "EmergencyUnit" not in text
    await client.leave()
    await hub.stop()
    await broker.close()


async def test_hidden_attributes_and_places_look_absent(tmp_path: Path) -> None:
    broker = Broker.open(tmp_path)
    await broker.start()
    hub = Hub(broker, window_s=0.01)
    await hub.start()
    unit = "urn:ngsi-ld:EmergencyUnit:1"
    client = Client(hub, actor(OPERATOR))
    client.say(op="watch", id="all", types=["EmergencyUnit"])
    client.say(op="watch", id="here", types=["EmergencyUnit"], bbox=[98, 7, 99, 9])
    await client.until(lambda: all(v.complete for v in client.views.values()))
    await broker.write([WriteOp(OpKind.CREATE, unit, thing(unit, "EmergencyUnit", 98.4, 5, []))], ROOT)
    await client.caught_up(broker.seq)
    assert client.views["all"].entities[unit]["a"] == {"speed": 5}
    assert client.views["here"].entities == {}
    assert broker.get(unit, FULL_ACCESS)["attrs"].keys() > {iri("crew")}
    await client.leave()
    await hub.stop()
    await broker.close()
