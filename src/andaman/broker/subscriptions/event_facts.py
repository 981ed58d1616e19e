"""The facts of an event about its entity, as far as the index of subscriptions asks.

Most events concern nobody, and to see that the whole entity need not be read: what changed stands in the event, and where a
point lies can be read off the entity's bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from andaman.broker.model import Doc, Event, EventKind, Instance
from andaman.broker.subscriptions.changes import doc_before_deletion

Box = tuple[float, float, float, float]
"""West, south, east, north."""
_POINT: Final = b'{"type":"GeoProperty","value":{"type":"Point","coordinates":['
_LONGEST: Final = 64
"""Bytes of the two or three numbers of a point, generously."""


class Seen:
    """One event; nothing is worked out before it is asked for."""

    __slots__ = ("_changed", "event")

    def __init__(self, event: Event) -> None:
        self.event = event
        self._changed: dict[str, Sequence[Instance]] | None = None

    def _doc(self) -> Doc | None:
        """The entity after the event, of a deletion before it; None where the event does not have it."""
        event = self.event
        return doc_before_deletion(event) if event.kind is EventKind.DELETED else event.doc

    def instances(self, attr: str) -> Sequence[Instance] | None:
        """The attribute's instances then; None where that is not known."""
        event = self.event
        if event.kind is EventKind.UPDATED:
            found = self.changed(attr)
            if found is not None:
                return found
        doc = self._doc()
        if doc is None:
            return None
        told: Sequence[Instance] = doc["attrs"].get(attr, ())
        return told

    def changed(self, attr: str) -> Sequence[Instance] | None:
        """The attribute's instances now, if the event contains them."""
        changes = self.event.changes
        if len(changes) == 1:
            return changes[0].after or () if changes[0].attr == attr else None
        if self._changed is None:
            self._changed = {change.attr: change.after or () for change in changes}
        return self._changed.get(attr)

    def bounds(self, attr: str) -> Iterator[Box | None]:
        """The box of each instance of a geo property; None if it is unknown."""
        body = self.event.body
        if body is not None and self.event.kind is not EventKind.DELETED:
            points = _points(body, attr)
            if points is not None:
                yield from points
                return
        found = self.instances(attr)
        if found is None:
            yield None
            return
        for instance in found:
            yield _box(instance.get("value"))


def _points(body: bytes, attr: str) -> list[Box] | None:
    """Of an entity's stored bytes: its points under this name, at any level; None if they cannot be read in this quick
    way.

    A quotation mark within a text is escaped, so what is found is a name.
    """
    if '"' in attr or "\\" in attr or not attr.isprintable():
        return None
    name = b'"%b":[' % attr.encode()
    at = body.find(name)
    if at < 0:
        return []
    if b'"datasetId"' in body:
        return None  # there may be more instances than the first
    found: list[Box] = []
    while at >= 0:
        start = at + len(name)
        if not body.startswith(_POINT, start):
            return None
        start += len(_POINT)
        end = body.find(b"]", start, start + _LONGEST)
        if end < 0:
            return None
        try:
            x, y = orjson.loads(b"[" + body[start : end + 1])[:2]
        except (orjson.JSONDecodeError, ValueError):
            return None
        found.append((x, y, x, y))
        at = body.find(name, end)
    return found


def _box(value: Any) -> Box | None:
    coordinates = value.get("coordinates") if isinstance(value, dict) else None
    if not isinstance(coordinates, list):
        return None
    positions: list[Any] = []
    waiting: list[Any] = [coordinates]
    while waiting:
        one = waiting.pop()
        if one and isinstance(one[0], list):
            waiting.extend(one)
        elif len(one) >= 2:
            positions.append(one)
    if not positions:
        return None
    lons, lats = [one[0] for one in positions], [one[1] for one in positions]
    return min(lons), min(lats), max(lons), max(lats)
