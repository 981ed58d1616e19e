"""From an event to the subscriptions that it may concern: by tenant, type, id and attribute, then by value (threshold_index.py).

An event that interests nobody costs two look-ups, however many subscriptions there are. The index may name too many
(the condition is asked afterwards), never too few: a property test compares it with asking everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Generic, TypeVar

from andaman.broker.model import Event
from andaman.broker.query.ast import TypeAnd, TypeExpr, TypeIs, TypeOr
from andaman.broker.subscriptions.area_cache import AreaCache
from andaman.broker.subscriptions.event_facts import Seen
from andaman.broker.subscriptions.model import Condition, Selector
from andaman.broker.subscriptions.threshold_index import ThresholdIndex, place_of

T = TypeVar("T")
_ANY: Final = ""


class _Bucket(Generic[T]):
    """Subscriptions to one type: by entity id, else by watched attribute, else all the others."""

    __slots__ = ("attrs", "ids", "rest")

    def __init__(self) -> None:
        self.ids: dict[str, ThresholdIndex[T]] = {}
        self.attrs: dict[str, ThresholdIndex[T]] = {}
        self.rest: ThresholdIndex[T] = ThresholdIndex()

    def __bool__(self) -> bool:
        return bool(self.ids or self.attrs or self.rest)

    def shelf(self, kind: str, name: str) -> ThresholdIndex[T]:
        if kind == "rest":
            return self.rest
        shelves = self.ids if kind == "ids" else self.attrs
        found = shelves.get(name)
        if found is None:
            found = shelves[name] = ThresholdIndex()
        return found


def type_keys(expr: TypeExpr | None) -> frozenset[str]:
    """Types such that a matching entity has at least one of them; "" stands for any."""
    match expr:
        case None:
            return frozenset({_ANY})
        case TypeIs(iri):
            return frozenset({iri})
        case TypeOr(parts):
            return frozenset[str]().union(*map(type_keys, parts))
        case TypeAnd(parts):
            return min(map(type_keys, parts), key=len)


class _Tenant(Generic[T]):
    """Subscriptions of a tenant by type, and where its entities stand."""

    __slots__ = ("standing", "types")

    def __init__(self) -> None:
        self.types: dict[str, _Bucket[T]] = {}
        self.standing: AreaCache[T] = AreaCache()


class SubscriptionIndex(Generic[T]):
    """``T``: anything hashable by identity that stands for a subscription."""

    def __init__(self) -> None:
        self._tenants: dict[str, _Tenant[T]] = {}

    def add(self, tenant: str, condition: Condition, item: T) -> None:
        owner = self._tenants.get(tenant)
        if owner is None:
            owner = self._tenants[tenant] = _Tenant()
        types = owner.types
        place = place_of(condition)
        if place.kind == "box":
            owner.standing.watch(place.attr)
        for key, kind, name in _places(condition):
            bucket = types.get(key)
            if bucket is None:
                bucket = types[key] = _Bucket()
            bucket.shelf(kind, name).add(place, item)

    def remove(self, tenant: str, condition: Condition, item: T) -> None:
        """``item`` must have been added with the same tenant and condition."""
        owner = self._tenants[tenant]
        types = owner.types
        place = place_of(condition)
        if place.kind == "box":
            owner.standing.unwatch(place.attr)
        for key, kind, name in _places(condition):
            bucket = types[key]
            shelf = bucket.shelf(kind, name)
            shelf.remove(place, item)
            if not shelf and kind != "rest":
                del (bucket.ids if kind == "ids" else bucket.attrs)[name]
            if not bucket:
                del types[key]
        if not types:
            del self._tenants[tenant]

    def candidates(self, event: Event) -> Sequence[T]:
        """Each at most once. Must be asked for every event of a tenant in the order of the journal."""
        owner = self._tenants.get(event.tenant)
        if owner is None:
            return ()
        types, standing = owner.types, owner.standing
        standing.hear(event)
        shelves: list[ThresholdIndex[T]] = []
        for key in event.types:
            bucket = types.get(key)
            if bucket is not None:
                _collect(bucket, event, shelves)
        bucket = types.get(_ANY)
        if bucket is not None:
            _collect(bucket, event, shelves)
        if not shelves:
            return ()
        found: dict[T, None] = {}
        seen = Seen(event)
        for shelf in shelves:
            shelf.choose(seen, found, standing)
        return list(found)


def _collect(bucket: _Bucket[T], event: Event, shelves: list[ThresholdIndex[T]]) -> None:
    if bucket.ids:
        shelf = bucket.ids.get(event.entity_id)
        if shelf is not None:
            shelves.append(shelf)
    if bucket.attrs:
        for change in event.changes:
            shelf = bucket.attrs.get(change.attr)
            if shelf is not None:
                shelves.append(shelf)
    if bucket.rest:
        shelves.append(bucket.rest)


def _places(condition: Condition) -> Iterator[tuple[str, str, str]]:
    """(type key, shelf, name on it) of a condition, each once."""
    places: dict[tuple[str, str, str], None] = {}
    for selector in condition.selectors or (Selector(None),):
        for key in type_keys(selector.types):
            if selector.ids:
                places.update(((key, "ids", entity_id), None) for entity_id in selector.ids)
            elif condition.watched is not None:
                places.update(((key, "attrs", attr), None) for attr in condition.watched)
            else:
                places[key, "rest", ""] = None
    yield from places
