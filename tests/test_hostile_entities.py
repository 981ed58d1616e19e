"""Law: no entity of the platform's own types stops a start, a page or any background work, whatever its attributes are."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from andaman.app import App
from andaman.broker.api import Broker, iri
from andaman.broker.entity.build import entity
from andaman.broker.model import Doc, Instance, OpKind, WriteOp
from andaman.doors.ngsild.room import ROOM as NGSI_LD
from andaman.identity.model import FULL_ACCESS, system_actor
from andaman.vocabulary import Attribute, EntityType
from tests.support import client, platform, run

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, -1e308, 10**17, 0.5, "", " ", "x", "open", "running", "scored", "2026-11-30T00:00:00Z",
    "9999-12-31T23:59:59Z", "not a time", "urn:ngsi-ld:Incident:none", "\u202e", "ก" * 3000, [], {}, [None], [[]], [1, "a", {}],
    {"th": None}, {"th": 1, "en": []}, {"@value": 1}, {"type": "Point", "coordinates": [98.3, 7.9]}, {"a": {"b": {"c": [{}]}}},
)  # fmt: skip
SHAPES: tuple[Any, ...] = (
    {"type": "Point", "coordinates": [98.3, 7.9]},
    {"type": "Point", "coordinates": []},
    {"type": "Point", "coordinates": ["a", None]},
    {"type": "Point", "coordinates": [1e308, -1e308]},
    {"type": "LineString", "coordinates": [[98, 7]]},
    {"type": "Polygon", "coordinates": [[[98, 7], [98, 7], [98, 7], [98, 7]]]},
    {"type": "Polygon", "coordinates": [[]]},
    {"type": "GeometryCollection", "geometries": []},
    {"type": "Circle"},
    "POINT (98 7)",
    7,
)
COPIES = 4


def instance(attribute: Attribute | None, rng: random.Random) -> Instance:
    """Of the declared kind with a wrong value, of another kind, or of the right codes: a damaged entity may be half right."""
    kind = attribute.kind if attribute is not None else "Property"
    if rng.random() < 0.2:
        kind = rng.choice(["Property", "GeoProperty", "Relationship", "LanguageProperty", "JsonProperty"])
    chosen = rng.choice(VALUES)
    if attribute is not None and attribute.codes and rng.random() < 0.5:
        chosen = rng.choice(attribute.codes).value
    match kind:
        case "GeoProperty":
            return {"type": kind, "value": rng.choice(SHAPES)}
        case "Relationship":
            return {"type": kind, "object": rng.choice(["urn:ngsi-ld:None:1", "", 7, None])}
        case "LanguageProperty":
            return {
                "type": kind,
                "languageMap": rng.choice([{"th": "ก", "en": "a"}, {}, {"th": 7}, None, "x"]),
            }
        case "JsonProperty":
            return {"type": kind, "json": chosen}
    return {"type": "Property", "value": chosen}


def hostile(kind: EntityType, rng: random.Random, there: list[str]) -> Iterator[Doc]:
    """Entities of a type: one without attributes, others with some or all of them damaged. Ids are those that rooms expect,
    those of entities that are ``there``, and others."""
    yield entity(f"urn:ngsi-ld:{kind.name}:empty", kind.name)
    yield entity(f"urn:other:{kind.name}", kind.name)
    names = [one.name for one in kind.attributes] + ["name", "location", "origin", "description", "source"]
    for number in range(COPIES):
        chosen = names if number == 0 else [name for name in names if rng.random() < 0.6]
        attrs = {name: instance(kind.attribute(name), rng) for name in chosen}
        scope = rng.choice([[], ["/x"], ["/registers"], ["/exercise/x"], ["/command/rule"]])
        yield entity(f"urn:ngsi-ld:{kind.name}:hostile-{number}", kind.name, scope, **attrs)
    for entity_id in rng.sample(there, min(COPIES, len(there))):
        attrs = {name: instance(kind.attribute(name), rng) for name in names if rng.random() < 0.5}
        yield entity(entity_id, kind.name, [], **attrs)


async def write_all(app: App, rng: random.Random) -> int:
    """Half of them replace what is there, the others are merged into it."""
    broker = app.get(Broker)
    ops = []
    for kind in app.site.types:
        there = [doc["id"] for doc in broker.iter_entities([iri(kind.name)], FULL_ACCESS)]
        for doc in hostile(kind, rng, there):
            step = rng.choice([OpKind.UPSERT_REPLACE, OpKind.UPSERT_UPDATE])
            ops.append(WriteOp(step, doc["id"], doc))
    written = 0
    for start in range(0, len(ops), 50):
        results = await broker.write(ops[start : start + 50], system_actor("test"))
        written += sum(result.error is None for result in results)
    return written


async def ask_everything(app: App, http: httpx.AsyncClient) -> list[str]:
    """What failed: every page that reads: with no id, and with the id of each kind of entity in its place."""
    hot = {
        id(door) for room, built in app._built if room is NGSI_LD for one in built.raw for door in one.doors
    }
    found: list[str] = []
    ids = ["urn:ngsi-ld:Incident:hostile-0", "hostile-0", "empty"]
    for door in app.doors:
        entry = door.entry
        if entry.method != "GET" or entry.socket or id(door) in hot or entry.path.startswith("/tiles"):
            continue
        for one in ids if "{" in entry.path else [""]:
            path = "/".join(one if part.startswith("{") else part for part in entry.path.split("/"))
            try:
                answer = await http.get(path)
            except Exception as error:
                found.append(f"{path}: {error!r}")
            else:
                if answer.status_code >= 500 and answer.status_code != 503:
                    found.append(f"{path}: {answer.text}")
    for kind in app.site.types:
        answer = await http.get(f"/ngsi-ld/v1/entities?type={kind.name}&limit=100")
        if answer.status_code != 200:
            found.append(f"{kind.name}: {answer.text}")
    return found


def faults(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Log records with a trace: something ran into an entity that it did not expect."""
    return [
        f"{record.name}: {record.getMessage()}: {record.exc_info[1]!r}"
        for record in caplog.records
        if record.exc_info and record.exc_info[1] is not None
    ]


@pytest.mark.parametrize("seed", range(int(os.environ.get("ANDAMAN_HOSTILE_ENTITIES", "2"))))
def test_hostile_entities_stop_nothing(tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        rng = random.Random(seed)
        failed: list[str] = []
        with caplog.at_level(logging.INFO):
            async with platform(tmp_path, pack="minicity") as app, client(app, "administrator") as http:
                scenarios = (await http.get("/api/training/scenarios")).json()
                for one in scenarios[:1]:  # a drill that runs, and is damaged while it does
                    await http.post("/api/training/drills", json={"scenario": one["id"]})
                assert await write_all(app, rng) > 100
                await asyncio.sleep(2)
                failed += await ask_everything(app, http)
                assert (await http.post("/api/training/drills", json={"scenario": "none"})).status_code < 500
            async with platform(tmp_path, pack="minicity") as app, client(app, "dispatcher") as http:
                await asyncio.sleep(2)
                failed += await ask_everything(app, http)
                assert (await http.get("/api/health")).json()["status"] == "ok"
            found = "\n".join(sorted({*failed, *faults(caplog)}))
            assert not found, found

    run(work)
