"""``GET /tiles/base/{z}/{x}/{y}.mvt`` and ``GET /api/city``.

Tiles are made from what the asker may see: features are kept per set of rights (``Access.key``) and thrown away when an
entity of their types changes. Nothing that an Access hides is in a tile.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response

from andaman.broker.api import DEFAULT_TENANT, Broker, Doc, Event, EventKind, Follower, build
from andaman.doors.tiles.base import LAYERS, TYPES, features
from andaman.doors.tiles.tileset import MAX_ZOOM, TileSet
from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.model import Access
from andaman.identity.web import actor_of
from andaman.kernel.errors import InvalidRequest, ResourceNotFound
from andaman.kernel.http import json_response

log = logging.getLogger(__name__)
MEDIA_TYPE: Final = "application/vnd.mapbox-vector-tile"
CACHE_BYTES: Final = 24 * 1024 * 1024
SETS_MAX: Final = 6
SLICE: Final = 100
_TILE: Final = DoorEntry("GET", "/tiles/{layer}/{z}/{x}/{y}.mvt", Tenancy.CITY, ANYONE)
_ABOUT: Final = DoorEntry("GET", "/api/city", Tenancy.CITY, ANYONE, cost=Cost.QUESTION)


class CityFacts(Protocol):
    """The facts that a city pack gives a map (``andaman.city.pack.Pack``)."""

    manifest: dict[str, Any]

    @property
    def attribution(self) -> list[str]: ...

    def geometry(self, name: str) -> list[dict[str, Any]]: ...


class TileDoor:
    """Start after the broker, stop before it."""

    def __init__(self, broker: Broker, city: CityFacts | None = None, cache_bytes: int = CACHE_BYTES) -> None:
        self._broker = broker
        self._city = city
        self._types = frozenset(build.iri(name) for name in TYPES)
        self._version = 0
        self._sets: OrderedDict[str, tuple[int, TileSet]] = OrderedDict()
        self._making: dict[str, asyncio.Lock] = {}
        self._tiles: OrderedDict[tuple[str, int, int, int, int], bytes] = OrderedDict()
        self._bytes = 0
        self._cache_bytes = cache_bytes
        self._follower = Follower("The tiles", broker, self._note)

    async def start(self) -> None:
        """Watch for changes of what the tiles show."""
        await self._follower.start()

    async def stop(self) -> None:
        await self._follower.stop()

    def routes(self) -> list[BoundDoor]:
        return [_TILE.to(self._tile), _ABOUT.to(self._about)]

    def _note(self, batch: Sequence[Event]) -> None:
        if any(
            event.tenant == DEFAULT_TENANT and not self._types.isdisjoint(_all_types(event))
            for event in batch
        ):
            self._version += 1
            self._sets.clear()
            self._tiles.clear()
            self._bytes = 0

    async def tile(self, access: Access, z: int, x: int, y: int) -> bytes:
        """One tile of the base map as this Access may see it; empty bytes for an empty tile."""
        if not (0 <= z <= MAX_ZOOM and 0 <= x < 1 << z and 0 <= y < 1 << z):
            raise InvalidRequest(f"There is no tile {z}/{x}/{y}; z is 0 to {MAX_ZOOM}, x and y are below 2^z")
        version, key = self._version, (access.key, self._version, z, x, y)
        found = self._tiles.get(key)
        if found is not None:
            self._tiles.move_to_end(key)
            return found
        tileset = await self._tileset(access)
        made = await asyncio.to_thread(tileset.tile, z, x, y)
        if version == self._version and key not in self._tiles:
            self._tiles[key] = made
            self._bytes += len(made) + 200
            while self._bytes > self._cache_bytes:
                _, old = self._tiles.popitem(last=False)
                self._bytes -= len(old) + 200
        return made

    async def _tileset(self, access: Access) -> TileSet:
        """The features for these rights, made once and kept until something changes."""
        async with self._making.setdefault(access.key, asyncio.Lock()):
            kept = self._sets.get(access.key)
            if kept is not None and kept[0] == self._version:
                self._sets.move_to_end(access.key)
                return kept[1]
            version = self._version
            docs: list[Doc] = []
            for number, doc in enumerate(self._broker.iter_entities(self._types, access)):
                docs.append(doc)
                if number % SLICE == SLICE - 1:
                    await asyncio.sleep(0)
            made = await asyncio.to_thread(self._make, docs)
            if version == self._version:
                self._sets[access.key] = (version, made)
                while len(self._sets) > SETS_MAX:
                    gone, _ = self._sets.popitem(last=False)
                    self._making.pop(gone, None)
            return made

    def _make(self, docs: list[Doc]) -> TileSet:
        waterways: list[dict[str, Any]] = []
        if self._city is not None:
            try:
                waterways = self._city.geometry("waterways")
            except ResourceNotFound:
                log.info("the city pack has no waterways")
        return TileSet(features(docs, waterways), LAYERS)

    async def _tile(self, request: Request) -> Response:
        path = request.path_params
        if path["layer"] != "base":
            raise ResourceNotFound(f"There are no tiles {path['layer'][:40]!r}; there are: base")
        z, x, y = (_whole(path[name], name) for name in ("z", "x", "y"))
        content = await self.tile(actor_of(request).access, z, x, y)
        tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
        # Rights may change: the browser asks again each time, and gets 304 for what it has.
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Cookie, Authorization"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        if not content:
            return Response(status_code=204, headers=headers)
        return Response(content, headers=headers, media_type=MEDIA_TYPE)

    async def _about(self, request: Request) -> Response:
        if self._city is None:
            raise ResourceNotFound("No city pack is loaded; start with --pack NAME")
        manifest = self._city.manifest
        facts = {name: manifest[name] for name in ("id", "name", "code", "centre", "bbox", "view", "zone")}
        sources = [
            {
                key: part[key]
                for key in ("id", "title", "authority", "licence", "date", "attribution", "notes")
            }
            for part in manifest["parts"]
        ]
        return json_response({**facts, "attribution": self._city.attribution, "sources": sources})


def routes(broker: Broker, city: CityFacts | None = None) -> list[BoundDoor]:
    """Routes of a door that is not started: right as long as the map's entities do not change."""
    return TileDoor(broker, city).routes()


def _all_types(event: Event) -> set[str]:
    """Types after the event, and those before it where they changed."""
    found = set(event.types)
    for change in event.changes if event.kind is not EventKind.CREATED and event.moved else ():
        if change.attr == "" and change.before:
            found.update(change.before[0].get("type", ()))
    return found


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise InvalidRequest(f"{name} of a tile is a whole number, not {text[:40]!r}", field=name)
    return int(text)
