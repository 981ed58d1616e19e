"""From an event to the subscriptions that it may concern, by tenant, type, id and attribute.

An event that interests nobody costs two look-ups, however many subscriptions there are. The index may name too many
(the condition is asked afterwards), never too few: a property test compares it with asking everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Generic, TypeVar

from andaman.broker.model import Event
from andaman.broker.query.ast import TypeAnd, TypeExpr, TypeIs, TypeOr
from andaman.broker.subscriptions.model import Condition, Selector

T = TypeVar("T")
_ANY: Final = ""
_NOBODY: Final[list[object]] = []


class _Bucket(Generic[T]):
    """Subscriptions to one type: by entity id, else by watched attribute, else all the others."""

    __slots__ = ("attrs", "ids", "rest")

    def __init__(self) -> None:
        self.ids: dict[str, dict[T, None]] = {}
        self.attrs: dict[str, dict[T, None]] = {}
        self.rest: dict[T, None] = {}

    def __bool__(self) -> bool:
        return bool(self.ids or self.attrs or self.rest)


def type_keys(expr: TypeExpr | None) -> frozenset[str]:
    """Types of which a matching entity has at least one; "" stands for any."""
    match expr:
        case None:
            return frozenset({_ANY})
        case TypeIs(iri):
            return frozenset({iri})
        case TypeOr(parts):
            return frozenset[str]().union(*map(type_keys, parts))
        case TypeAnd(parts):
            return min(map(type_keys, parts), key=len)


class SubscriptionIndex(Generic[T]):
    """``T``: anything hashable by identity that stands for a subscription."""

    def __init__(self) -> None:
        self._tenants: dict[str, dict[str, _Bucket[T]]] = {}

    def add(self, tenant: str, condition: Condition, item: T) -> None:
        types = self._tenants.setdefault(tenant, {})
        for key, kind, name in _places(condition):
            bucket = types.get(key)
            if bucket is None:
                bucket = types[key] = _Bucket()
            _shelf(bucket, kind, name)[item] = None

    def remove(self, tenant: str, condition: Condition, item: T) -> None:
        types = self._tenants.get(tenant, {})
        for key, kind, name in _places(condition):
            bucket = types.get(key)
            if bucket is None:
                continue
            shelf = _shelf(bucket, kind, name)
            shelf.pop(item, None)
            if not shelf and kind != "rest":
                del (bucket.ids if kind == "ids" else bucket.attrs)[name]
            if not bucket:
                del types[key]
        if not types:
            self._tenants.pop(tenant, None)

    def candidates(self, event: Event) -> Sequence[T]:
        """Each at most once, in the order in which they were added to their shelves."""
        types = self._tenants.get(event.tenant)
        if types is None:
            return _NOBODY  # type: ignore[return-value]
        shelves: list[dict[T, None]] = []
        for key in event.types:
            bucket = types.get(key)
            if bucket is not None:
                _collect(bucket, event, shelves)
        bucket = types.get(_ANY)
        if bucket is not None:
            _collect(bucket, event, shelves)
        if not shelves:
            return _NOBODY  # type: ignore[return-value]
        if len(shelves) == 1:
            return list(shelves[0])
        found: dict[T, None] = {}
        for shelf in shelves:
            found.update(shelf)
        return list(found)


def _collect(bucket: _Bucket[T], event: Event, shelves: list[dict[T, None]]) -> None:
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
    """(type key, shelf, name on it) of a condition."""
    for selector in condition.selectors or (Selector(None),):
        for key in type_keys(selector.types):
            if selector.ids:
                for entity_id in selector.ids:
                    yield key, "ids", entity_id
            elif condition.watched is not None:
                for attr in condition.watched:
                    yield key, "attrs", attr
            else:
                yield key, "rest", ""


def _shelf(bucket: _Bucket[T], kind: str, name: str) -> dict[T, None]:
    if kind == "ids":
        return bucket.ids.setdefault(name, {})
    return bucket.attrs.setdefault(name, {}) if kind == "attrs" else bucket.rest
