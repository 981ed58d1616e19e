"""Pure parts of the live stream: what a watch selects, and how a client folds the messages that it receives.

``ClientView`` is the meaning of the protocol: the screens' store does the same in TypeScript, the law test and the
benchmark use this one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from andaman.broker.api import LOCATION, Doc
from andaman.kernel.errors import BadRequestData

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees, WGS 84; in a filter west > east crosses the 180th meridian."""


def parse_bbox(value: Any, field_name: str = "bbox") -> Bounds | None:
    """``None`` or four numbers, as a list or as "w,s,e,n". Raises BadRequestData."""
    if value is None or value == "":
        return None
    parts = value.split(",") if isinstance(value, str) else value
    try:
        if not isinstance(parts, list | tuple) or any(isinstance(part, bool) for part in parts):
            raise ValueError
        w, s, e, n = (float(part) for part in parts)
    except (ValueError, TypeError):
        raise BadRequestData("A bbox is four numbers: west, south, east, north", field=field_name) from None
    if not all(map(math.isfinite, (w, s, e, n))) or not (-90 <= s <= n <= 90) or max(abs(w), abs(e)) > 360:
        raise BadRequestData(
            "A bbox is west, south, east, north in degrees with south ≤ north", field=field_name
        )
    return w, s, e, n


def bounds_of(doc: Doc) -> Bounds | None:
    """The box around the entity's ``location`` (default instance); None where it has none."""
    instances = doc["attrs"].get(LOCATION)
    if not instances:
        return None
    geometry = next((i for i in instances if "datasetId" not in i), instances[0]).get("value")
    if not isinstance(geometry, dict):
        return None
    if geometry.get("type") == "Point":
        coordinates = geometry.get("coordinates")
        if isinstance(coordinates, list) and len(coordinates) >= 2:
            lon, lat = float(coordinates[0]), float(coordinates[1])
            return lon, lat, lon, lat
        return None
    lons: list[float] = []
    lats: list[float] = []
    for lon, lat in _positions(geometry):
        lons.append(lon)
        lats.append(lat)
    return (min(lons), min(lats), max(lons), max(lats)) if lons else None


def _positions(geometry: dict[str, Any]) -> Iterator[tuple[float, float]]:
    for part in geometry.get("geometries", ()):
        yield from _positions(part)
    waiting: list[Any] = [geometry.get("coordinates", [])]
    while waiting:
        item = waiting.pop()
        if len(item) >= 2 and isinstance(item[0], int | float):
            yield float(item[0]), float(item[1])
        else:
            waiting.extend(item)


def intersects(box: Bounds, wanted: Bounds) -> bool:
    """Do the boxes touch?"""
    w, s, e, n = wanted
    if box[3] < s or box[1] > n:
        return False
    if w <= e:
        return box[2] >= w and box[0] <= e
    return box[2] >= w or box[0] <= e


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter of a watch or a state: types by IRI (empty: any), and a box (None: everywhere)."""

    types: frozenset[str]
    bbox: Bounds | None = None
    tenant: str = ""

    def has_type(self, types: Sequence[str]) -> bool:
        return not self.types or not self.types.isdisjoint(types)

    def inside(self, box: Bounds | None) -> bool:
        """Without a place an entity is inside no box."""
        return self.bbox is None or (box is not None and intersects(box, self.bbox))


@dataclass(slots=True)
class ClientView:
    """One watch as the client holds it: fold every message of the watch into it."""

    entities: dict[str, dict[str, Any]] = field(default_factory=dict)
    seq: int = 0  # deltas of this watch so far
    complete: bool = False

    def apply(self, message: dict[str, Any]) -> None:
        """``state`` parts build the view: the ``first`` begins it again and drops leftovers of an earlier watch with
        the same id. ``delta`` changes the view; others do nothing.
        """
        op = message["op"]
        if op == "state":
            if message["first"]:
                self.entities, self.complete = {}, False
            for entity in message["entities"]:
                self.entities[entity["id"]] = entity
            self.complete = bool(message["last"])
        elif op == "delta":
            for entity in message["set"]:
                self.entities[entity["id"]] = entity
            for entity_id in message["gone"]:
                self.entities.pop(entity_id, None)
        if self.complete and "seq" in message:
            self.seq = message["seq"]
