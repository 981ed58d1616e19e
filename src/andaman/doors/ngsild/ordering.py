"""``orderBy``: the order of the entities of a query (CIM 009 §4.23), sorted here over at most 10,000 matches."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import shapely

from andaman.broker.contexts import Context
from andaman.broker.entity.build import VALUE_MEMBER, default_instance
from andaman.broker.entity.geometry import GEOMETRY_TYPES, check_geometry
from andaman.broker.model import Doc, Instance
from andaman.broker.query.geometry import distances_m, read_geometries
from andaman.kernel.errors import BadRequestData

MAX_ORDERED: Final = 10_000
_MAX_TERMS: Final = 10
_TERM: Final = re.compile(r"([^;\[\]]+)(?:\[([^\[\];]+)\])?(?:;(asc|desc|dist-asc|dist-desc))?")
_ENTITY: Final = frozenset({"id", "type", "scope", "createdAt", "modifiedAt"})
_MEMBERS: Final = frozenset({"createdAt", "modifiedAt", "observedAt", "unitCode", "datasetId"})
_BCP47: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_ROOT_LIKE: Final = frozenset(["und", "en", "de", "fr", "it", "nl", "pt", "id", "ms", "th"])
_THAI_LEADING: Final = re.compile("([\u0e40-\u0e44])([\u0e01-\u0e2e])")


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One criterion. ``attr`` "": a member of the entity; ``distance``: by metres from the reference geometry."""

    attr: str
    path: tuple[str, ...]  # the entity's member, or sub-attribute IRIs and perhaps a member of the instance
    keys: tuple[str, ...]
    descending: bool
    distance: bool


@dataclass(frozen=True, slots=True)
class Order:
    terms: tuple[OrderTerm, ...]
    collate: Callable[[str], Any]
    origin: Any = None  # reference geometry for distances


def order_of(given: Mapping[str, Any], context: Context) -> Order | None:
    """``orderBy`` with ``collation``, ``orderFrom`` and ``orderGeometry``. Raises BadRequestData."""
    text = given.get("orderBy")
    collate = _collation(given.get("collation"))
    origin = _origin(given)
    if text is None:
        return None
    listed = text.split(",") if isinstance(text, str) else text
    if (
        not isinstance(listed, list)
        or not 0 < len(listed) <= _MAX_TERMS
        or not all(isinstance(one, str) for one in listed)
    ):
        raise BadRequestData(f"orderBy names one to {_MAX_TERMS} members", field="orderBy")
    terms = tuple(_term(one, context) for one in listed)
    if origin is None and any(term.distance for term in terms):
        raise BadRequestData("Order by distance needs coordinates (orderFrom)", field="orderFrom")
    return Order(terms, collate, origin)


def _term(text: str, context: Context) -> OrderTerm:
    match = _TERM.fullmatch(text.strip())
    if match is None:
        raise BadRequestData(
            f"orderBy: {text[:80]!r} is not like name, name;desc or address[city]", field="orderBy"
        )
    names = match[1].split(".")
    direction = match[3] or "asc"
    keys = tuple(match[2].split(".")) if match[2] else ()
    distance = direction.startswith("dist-")
    if len(names) == 1 and names[0] in _ENTITY:
        if keys or distance:
            raise BadRequestData(f"orderBy: {names[0]} has nothing inside", field="orderBy")
        return OrderTerm("", (names[0],), (), direction == "desc", False)
    path = [context.expand_term(name) for name in names[1:-1]]
    if len(names) > 1:
        path.append(names[-1] if names[-1] in _MEMBERS else context.expand_term(names[-1]))
    return OrderTerm(context.expand_term(names[0]), tuple(path), keys, direction.endswith("desc"), distance)


def _origin(given: Mapping[str, Any]) -> Any:
    coordinates, kind = given.get("orderFrom"), given.get("orderGeometry", "Point")
    if not isinstance(kind, str) or kind not in GEOMETRY_TYPES:
        raise BadRequestData("The reference geometry's type is not known", field="orderGeometry")
    if coordinates is None:
        return None
    if isinstance(coordinates, str):
        try:
            coordinates = orjson.loads(coordinates)
        except orjson.JSONDecodeError:
            raise BadRequestData("orderFrom must be a JSON array", field="orderFrom") from None
    checked = check_geometry({"type": kind, "coordinates": coordinates}, "orderFrom")
    return read_geometries([checked])[0]


def _collation(tag: Any) -> Callable[[str], Any]:
    """Without a tag by code point; with one like the Unicode root collation. Others are refused, not guessed."""
    if tag is None:
        return _as_is
    if (
        not isinstance(tag, str)
        or _BCP47.fullmatch(tag) is None
        or tag.split("-")[0].lower() not in _ROOT_LIKE
    ):
        raise BadRequestData(
            f"collation must be one of {', '.join(sorted(_ROOT_LIKE))} (with extensions)", field="collation"
        )
    return _root_key


def _as_is(text: str) -> Any:
    return text


def _root_key(text: str) -> Any:
    """Letters first, then accents, then case; Thai vowels that are written before a consonant sort after it."""
    swapped = _THAI_LEADING.sub(r"\2\1", text)
    spread = unicodedata.normalize("NFD", swapped)
    letters = "".join(char for char in spread if unicodedata.category(char) != "Mn")
    return (letters.casefold(), spread.casefold(), spread.swapcase())


def sort_docs(docs: list[Doc], order: Order) -> list[Doc]:
    """Sorted again; ties keep their place. What has no value stands last, whichever the direction."""
    for term in reversed(order.terms):
        keys = (
            _distances(docs, term, order.origin)
            if term.distance
            else [_key(doc, term, order) for doc in docs]
        )
        there = [(key, doc) for key, doc in zip(keys, docs, strict=True) if key is not None]
        absent = [doc for key, doc in zip(keys, docs, strict=True) if key is None]
        there.sort(key=_first, reverse=term.descending)
        docs = [doc for _, doc in there] + absent
    return docs


def _first(pair: tuple[Any, Doc]) -> Any:
    return pair[0]


def _key(doc: Doc, term: OrderTerm, order: Order) -> Any:
    """Numbers before texts before the rest (§4.23.2); None where there is nothing."""
    value = _value(doc, term)
    if value is None:
        return None
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, (int, float)):
        return (0, value)
    if isinstance(value, str):
        return (1, order.collate(value))
    return (3, orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def _value(doc: Doc, term: OrderTerm) -> Any:
    if not term.attr:
        value = doc.get(term.path[0])
        return value[0] if isinstance(value, list) and value else value
    instance: Instance | None = _default(doc["attrs"].get(term.attr))
    for name in term.path:
        if instance is None:
            return None
        if name in _MEMBERS:
            return instance.get(name)
        instance = _default((instance.get("attrs") or {}).get(name))
    if instance is None:
        return None
    value = instance.get(VALUE_MEMBER[instance["type"]])
    for key in term.keys:
        value = value.get(key) if isinstance(value, dict) else None
    if not term.keys and instance["type"] == "LanguageProperty" and isinstance(value, dict):
        value = value.get("@none", next(iter(value.values()), None))
    return value


def _default(instances: Any) -> Instance | None:
    return default_instance(instances) if instances else None


def _distances(docs: list[Doc], term: OrderTerm, origin: Any) -> list[float | None]:
    values = []
    for doc in docs:
        instance = _default(doc["attrs"].get(term.attr))
        values.append(
            instance["value"] if instance is not None and instance["type"] == "GeoProperty" else None
        )
    geometries = read_geometries(values)
    known = np.array([isinstance(one, shapely.Geometry) for one in geometries], dtype=bool)
    found: list[float | None] = [None] * len(docs)
    if known.any():
        metres = distances_m(geometries[known], origin)
        for at, distance in zip(np.flatnonzero(known).tolist(), metres.tolist(), strict=True):
            found[at] = distance
    return found
