"""A group of subscriptions that an event's values select: by a threshold or value in ``q``, or by a box around
``geoQ``.

What is chosen is never too little: where a value is of an unusual kind, everything that hangs on it is chosen.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from itertools import count
from math import floor
from typing import Any, Final, Generic, NamedTuple, TypeVar

from andaman.broker.model import EventKind, Instance
from andaman.broker.query.ast import And, Cmp, Compare, Number, QExpr, Text, Uri
from andaman.broker.query.geometry import search_box
from andaman.broker.subscriptions.area_cache import AreaCache
from andaman.broker.subscriptions.event_facts import Box, Seen
from andaman.broker.subscriptions.model import Condition

T = TypeVar("T")
_UP: Final = frozenset({Cmp.GT, Cmp.GE})
_DOWN: Final = frozenset({Cmp.LT, Cmp.LE})
_CELL: Final = 0.02
"""Degrees: about two kilometres."""
_CELLS_MOST: Final = 100
_numbers: Final = count(1)
_NOBODY: Final[dict[Any, None]] = {}


class Limit(NamedTuple):
    """A threshold of an attribute, to be passed upwards or downwards."""

    attr: str
    up: bool
    value: int | float

    def may_hold(self, seen: Seen) -> bool:
        """May it hold, as far as the event itself shows?"""
        values = _values(seen.changed(self.attr)) if seen.event.kind is EventKind.UPDATED else None
        if values is None or values.odd:
            return True
        if not values.numbers:
            return False
        return max(values.numbers) >= self.value if self.up else min(values.numbers) <= self.value


class Place(NamedTuple):
    """A place in the index: ``kind`` "", "equal", "above", "below" or "box"."""

    kind: str = ""
    attr: str = ""
    keys: tuple[Any, ...] = ()
    limit: Limit | None = None
    """Of a box: a threshold that must be passed too."""


def place_of(condition: Condition) -> Place:
    """What an event's values must have for this condition to hold."""
    threshold = Place()
    for part in _conjuncts(condition.q):
        if not isinstance(part, Compare):
            continue
        path, values = part.path, part.values
        if not path.attr or path.subs or path.member or path.keys or path.links:
            continue
        plain = {one.value for one in values if isinstance(one, Number | Text | Uri)}
        if part.op is Cmp.EQ and all(isinstance(one, Number | Text | Uri) for one in values):
            return Place("equal", path.attr, tuple(plain))
        if not threshold.kind and isinstance(values[0], Number) and part.op in _UP | _DOWN:
            threshold = Place("above" if part.op in _UP else "below", path.attr, (values[0].value,))
    if condition.geo is not None:
        box = search_box(condition.geo)
        if box is not None and box[0] <= box[2]:
            # Of a city a box leaves less than a threshold does.
            limit = (
                Limit(threshold.attr, threshold.kind == "above", threshold.keys[0])
                if threshold.kind
                else None
            )
            return Place("box", condition.geo.geoproperty, box, limit)
    return threshold


def _conjuncts(q: QExpr | None) -> tuple[QExpr, ...]:
    return () if q is None else q.parts if isinstance(q, And) else (q,)


class _Values(NamedTuple):
    """What an attribute holds; ``odd``: something that is neither a number nor a text."""

    numbers: Sequence[int | float]
    texts: Sequence[str]
    odd: bool


def _values(instances: Sequence[Instance] | None) -> _Values | None:
    if instances is None:
        return None
    if len(instances) == 1 and instances[0]["type"] == "Property":  # what nearly every event has
        value = instances[0].get("value")
        if type(value) is float or type(value) is int:
            return _Values((value,), (), False)
    numbers: list[int | float] = []
    texts: list[str] = []
    odd = False
    for instance in instances:
        value = instance.get("value")
        if instance["type"] != "Property" or isinstance(value, dict | list):
            odd = True
        elif isinstance(value, str):
            texts.append(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers.append(value)
    return _Values(numbers, texts, odd)


class _Ordered(Generic[T]):
    """Items by a threshold."""

    __slots__ = ("_count", "items", "keys")

    def __init__(self) -> None:
        self.keys: list[tuple[int | float, int]] = []
        self.items: dict[tuple[int | float, int], T] = {}
        self._count = 0

    def add(self, threshold: int | float, item: T) -> None:
        self._count += 1
        key = (threshold, self._count)
        insort(self.keys, key)
        self.items[key] = item

    def remove(self, threshold: int | float, item: T) -> None:
        at = bisect_left(self.keys, (threshold, 0))
        while at < len(self.keys) and self.keys[at][0] == threshold:
            if self.items[self.keys[at]] is item:
                del self.items[self.keys.pop(at)]
                return
            at += 1

    def up_to(self, value: int | float) -> Iterator[T]:
        items = self.items
        for key in self.keys[: bisect_right(self.keys, (value, self._count + 1))]:
            yield items[key]

    def down_to(self, value: int | float) -> Iterator[T]:
        items = self.items
        for key in self.keys[bisect_left(self.keys, (value, 0)) :]:
            yield items[key]


class _Boxes(Generic[T]):
    """Items by a box in degrees, in the cells of a grid that it touches; large boxes are listed apart."""

    __slots__ = ("_cells", "_large", "boxes", "limits", "number")

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.boxes: dict[T, Box] = {}
        self.limits: dict[T, Limit] = {}
        self._cells: dict[tuple[int, int], dict[T, Box]] = {}
        self._large: dict[T, Box] = {}

    def add(self, box: Box, limit: Limit | None, item: T) -> None:
        self.boxes[item] = box
        if limit is not None:
            self.limits[item] = limit
        cells = _cells_of(box)
        if cells is None:
            self._large[item] = box
            return
        for cell in cells:
            self._cells.setdefault(cell, {})[item] = box

    def remove(self, item: T) -> None:
        box = self.boxes.pop(item, None)
        if box is None:
            return
        self._large.pop(item, None)
        self.limits.pop(item, None)
        for cell in _cells_of(box) or ():
            there = self._cells[cell]
            del there[item]
            if not there:
                del self._cells[cell]

    def touching(self, box: Box) -> Iterator[T]:
        """Some more than once."""
        cells = _cells_of(box)
        if cells is None:
            groups: list[dict[T, Box]] = [self.boxes]
        else:
            groups = [there for cell in cells if (there := self._cells.get(cell)) is not None]
            if self._large:
                groups.append(self._large)
        w, s, e, n = box
        for group in groups:
            for item, (west, south, east, north) in group.items():
                if west <= e and east >= w and south <= n and north >= s:
                    yield item


def _cells_of(box: Box) -> list[tuple[int, int]] | None:
    """Cells of the grid that a box touches; None where they are too many."""
    west, south, east, north = (floor(edge / _CELL) for edge in box)
    if (east - west + 1) * (north - south + 1) > _CELLS_MOST:
        return None
    return [(x, y) for x in range(west, east + 1) for y in range(south, north + 1)]


class ThresholdIndex(Generic[T]):
    """Subscriptions side by side."""

    __slots__ = ("above", "below", "boxes", "count", "equal", "plain")

    def __init__(self) -> None:
        self.count = 0
        self.plain: dict[T, None] = {}
        self.equal: dict[str, dict[Any, dict[T, None]]] = {}
        self.above: dict[str, _Ordered[T]] = {}
        self.below: dict[str, _Ordered[T]] = {}
        self.boxes: dict[str, _Boxes[T]] = {}

    def __bool__(self) -> bool:
        return self.count > 0

    @property
    def is_plain(self) -> bool:
        """Does no value matter?"""
        return self.count == len(self.plain)

    def add(self, place: Place, item: T) -> None:
        self.count += 1
        kind, attr, keys, _ = place
        if kind == "equal":
            by_value = self.equal.setdefault(attr, {})
            for key in keys:
                by_value.setdefault(key, {})[item] = None
        elif kind in ("above", "below"):
            group = self.above if kind == "above" else self.below
            group.setdefault(attr, _Ordered()).add(keys[0], item)
        elif kind == "box":
            box = (keys[0], keys[1], keys[2], keys[3])
            self.boxes.setdefault(attr, _Boxes()).add(box, place.limit, item)
        else:
            self.plain[item] = None

    def remove(self, place: Place, item: T) -> None:
        self.count -= 1
        kind, attr, keys, _ = place
        if kind == "equal":
            for key in keys:
                self.equal[attr][key].pop(item, None)
                if not self.equal[attr][key]:
                    del self.equal[attr][key]
            if not self.equal[attr]:
                del self.equal[attr]
        elif kind in ("above", "below"):
            group = self.above if kind == "above" else self.below
            group[attr].remove(keys[0], item)
            if not group[attr].keys:
                del group[attr]
        elif kind == "box":
            self.boxes[attr].remove(item)
            if not self.boxes[attr].boxes:
                del self.boxes[attr]
        else:
            self.plain.pop(item, None)

    def choose(self, seen: Seen, found: dict[T, None], standing: AreaCache[T]) -> None:
        """Add to ``found`` whom an entity like this may concern; where it is not known, everybody."""
        if self.plain:
            found.update(self.plain)
            if self.is_plain:
                return
        for attr, by_value in self.equal.items():
            values = _values(seen.instances(attr))
            if values is None or values.odd:
                for items in by_value.values():
                    found.update(items)
            else:
                for value in (*values.numbers, *values.texts):
                    found.update(by_value.get(value, _NOBODY))
        for ordered, up in ((self.above, True), (self.below, False)):
            for attr, by_threshold in ordered.items():
                values = _values(seen.instances(attr))
                if values is None or values.odd:
                    found.update(dict.fromkeys(by_threshold.items.values()))
                elif values.numbers:
                    chosen = by_threshold.up_to if up else by_threshold.down_to
                    found.update(dict.fromkeys(chosen((max if up else min)(values.numbers))))
        for attr, boxes in self.boxes.items():
            known = standing.recall(seen.event.entity_id, boxes.number)
            if known is None:
                around = list(seen.bounds(attr))
                if None in around:
                    found.update(dict.fromkeys(boxes.boxes))
                    continue
                known = standing.learn(
                    seen.event, boxes.number, (item for box in around if box for item in boxes.touching(box))
                )
            for item in known:
                limit = boxes.limits.get(item)
                if limit is None or limit.may_hold(seen):
                    found[item] = None
