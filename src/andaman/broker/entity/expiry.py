"""Expired parts are gone: entities, attribute instances and sub-attributes with ``expiresAt`` (CIM 009 §4.22).

Pure: the reader leaves out what has expired by then, and the writer removes it when the sweep asks (``OpKind.EXPIRE``).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Final

import orjson

from andaman.broker.model import Doc, Instance
from andaman.kernel.time import Clock, Micros, parse_time

MARK: Final = b'"expiresAt":'
"""A stored body without this has nothing that expires: the quick test of every read."""


@functools.lru_cache(maxsize=4096)
def instant(text: str) -> Micros:
    """``parse_time`` of stored times, which repeat."""
    return parse_time(text)


def _over(thing: dict[str, Any], now: Micros) -> bool:
    at = thing.get("expiresAt")
    return at is not None and instant(at) <= now


def has_expired(doc: Doc, now: Micros) -> bool:
    """The entity itself has expired."""
    return _over(doc, now)


def next_expiry(doc: Doc) -> Micros | None:
    """When something of the entity expires next (perhaps long ago), or None."""
    times = [instant(doc["expiresAt"])] if "expiresAt" in doc else []
    times += _times(doc["attrs"])
    return min(times, default=None)


def _times(attrs: dict[str, list[Instance]]) -> Iterator[Micros]:
    for instances in attrs.values():
        for one in instances:
            if "expiresAt" in one:
                yield instant(one["expiresAt"])
            if "attrs" in one:
                yield from _times(one["attrs"])


def living_attrs(attrs: dict[str, list[Instance]], now: Micros) -> dict[str, list[Instance]]:
    """The attributes without expired parts; ``attrs`` itself when nothing has expired. What stays is shared."""
    kept: dict[str, list[Instance]] = {}
    for iri, instances in attrs.items():
        left = [living for one in instances if (living := _living_instance(one, now)) is not None]
        same = len(left) == len(instances) and all(a is b for a, b in zip(left, instances, strict=True))
        if left:
            kept[iri] = instances if same else left
    same = len(kept) == len(attrs) and all(kept[iri] is instances for iri, instances in attrs.items())
    return attrs if same else kept


def _living_instance(instance: Instance, now: Micros) -> Instance | None:
    if _over(instance, now):
        return None
    subs = instance.get("attrs")
    if not subs:
        return instance
    left = living_attrs(subs, now)
    if left is subs:
        return instance
    made = {**instance, "attrs": left}
    if not left:
        del made["attrs"]
    return made


def living(doc: Doc, now: Micros) -> Doc | None:
    """The entity as it may be shown at ``now``: None when it has expired, ``doc`` itself when nothing has."""
    if has_expired(doc, now):
        return None
    attrs = living_attrs(doc["attrs"], now)
    return doc if attrs is doc["attrs"] else {**doc, "attrs": attrs}


def read_living(body: bytes, clock: Clock) -> Doc | None:
    """A stored body as it may be shown now."""
    doc: Doc = orjson.loads(body)
    return doc if MARK not in body else living(doc, clock())
