"""The reference evaluator: what a query means, for one entity in stored form. Pure, plain, no index.

The planner must agree with it (property test); where the index cannot decide, it asks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from andaman.broker.entity.hiding import modified_without
from andaman.broker.model import Doc, Instance
from andaman.broker.query.ast import (
    And,
    Boolean,
    Cmp,
    Compare,
    Day,
    DayTime,
    Exists,
    GeoQuery,
    Instant,
    Not,
    Number,
    Or,
    Path,
    Pattern,
    QExpr,
    Range,
    ScopeAnd,
    ScopeExpr,
    ScopeIs,
    ScopeOr,
    Text,
    TypeAnd,
    TypeExpr,
    TypeIs,
    TypeOr,
    Uri,
    Value,
)
from andaman.broker.query.geometry import point_stands, read_geometries, stand_in_relation
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.regex import found_in
from andaman.kernel.time import parse_time

Follow = Callable[[str], tuple[Doc, frozenset[str]] | None]
"""Id → (entity, its hidden attributes) for linked entities, or None when absent or not visible."""

VALUE_MEMBER: Final = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "JsonProperty": "json",
    "VocabProperty": "vocab",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
_OBJECTS: Final = frozenset({"Relationship", "ListRelationship"})
_NOTHING: Final = object()


def matches(
    doc: Doc, query: EntityQuery, hidden: frozenset[str] = frozenset(), follow: Follow | None = None
) -> bool:
    """Does the entity meet every condition of the query? Paging is no condition.

    ``hidden`` attributes count as absent. Whether the entity as a whole may be seen is the caller's question.
    Without ``follow``, paths over Relationships (``rel{…}``) find nothing.
    """
    return (
        (not query.ids or doc["id"] in query.ids)
        and (query.types is None or matches_types(query.types, doc["type"]))
        and (query.scope is None or matches_scope(query.scope, doc.get("scope", ())))
        and (query.id_pattern is None or found_in(query.id_pattern, doc["id"]))
        and (not query.attrs or any(a in doc["attrs"] and a not in hidden for a in query.attrs))
        and (query.q is None or matches_q(query.q, doc, hidden, follow))
        and (query.geo is None or matches_geo(query.geo, doc, hidden))
    )


def matches_types(expr: TypeExpr, types: Sequence[str]) -> bool:
    match expr:
        case TypeIs(iri):
            return iri in types
        case TypeAnd(parts):
            return all(matches_types(part, types) for part in parts)
        case TypeOr(parts):
            return any(matches_types(part, types) for part in parts)


def matches_scope(expr: ScopeExpr, scopes: Sequence[str]) -> bool:
    match expr:
        case ScopeIs(levels, below):
            return any(_scope_is(levels, below, scope) for scope in scopes)
        case ScopeAnd(parts):
            return all(matches_scope(part, scopes) for part in parts)
        case ScopeOr(parts):
            return any(matches_scope(part, scopes) for part in parts)


def _scope_is(levels: tuple[str, ...], below: bool, scope: str) -> bool:
    own = scope.strip("/").split("/")
    if len(own) < len(levels) or (len(own) > len(levels) and not below):
        return False
    return all(want in ("+", have) for want, have in zip(levels, own, strict=False))


def matches_geo(query: GeoQuery, doc: Doc, hidden: frozenset[str] = frozenset()) -> bool:
    """Any instance of the geo property has the relation. An entity without one never matches."""
    if query.geoproperty in hidden:
        return False
    for instance in doc["attrs"].get(query.geoproperty, ()):
        stands = point_stands(query, instance.get("value"))
        if stands is None:
            stands = matches_geo_each(query, [({"attrs": {query.geoproperty: [instance]}}, hidden)])[0]
        if stands:
            return True
    return False


def matches_geo_each(query: GeoQuery, docs: Sequence[tuple[Doc, frozenset[str]]]) -> list[bool]:
    """``matches_geo`` for many (entity, hidden attributes) at once: GEOS and NumPy like it so."""
    result = [False] * len(docs)
    targets = [
        (number, instance.get("value"))
        for number, (doc, hidden) in enumerate(docs)
        if query.geoproperty not in hidden
        for instance in doc["attrs"].get(query.geoproperty, ())
    ]
    geometries = read_geometries([value for _, value in targets])
    readable = np.array([geometry is not None for geometry in geometries], dtype=np.bool_)
    stands = np.zeros(len(targets), dtype=np.bool_)
    if readable.any():
        stands[readable] = stand_in_relation(geometries[readable], query)
    for (number, _), yes in zip(targets, stands.tolist(), strict=True):
        result[number] = result[number] or yes
    return result


def matches_q(
    expr: QExpr, doc: Doc, hidden: frozenset[str] = frozenset(), follow: Follow | None = None
) -> bool:
    match expr:
        case And(parts):
            return all(matches_q(part, doc, hidden, follow) for part in parts)
        case Or(parts):
            return any(matches_q(part, doc, hidden, follow) for part in parts)
        case Not(part):
            return not matches_q(part, doc, hidden, follow)
        case Exists(path):
            return next(_targets(path, doc, hidden, follow), None) is not None
        case Compare(path, op, values):
            return any(_compare(target, op, values) for target in _targets(path, doc, hidden, follow))
        case Pattern(path, regex, negated):
            return any(_pattern(target, regex, negated) for target in _targets(path, doc, hidden, follow))


# -- targets ----------------------------------------------------------------------------------------------------

Target = tuple[str, Any, bool]
"""(kind of attribute or "" for a member, value, True when the value is "any language of these")."""


def _targets(path: Path, doc: Doc, hidden: frozenset[str], follow: Follow | None) -> Iterator[Target]:
    """Every value that the path reaches: one for each instance (§4.9: any of the instances)."""
    if path.links:
        yield from _linked(path, doc, hidden, follow)
        return
    if not path.attr:
        if hidden and path.member == "modifiedAt" and path.member in doc:
            yield "", modified_without(doc, hidden), False
        elif path.member in doc:
            yield "", doc[path.member], False
        return
    if path.attr in hidden:
        return
    for instance in _instances(doc["attrs"].get(path.attr, ()), path.subs):
        if path.member:
            if path.member in instance:
                yield "", instance[path.member], False
            continue
        kind = instance["type"]
        value = instance.get(VALUE_MEMBER.get(kind, "value"))
        if kind == "LanguageProperty":
            yield from _languages(value, path.keys)
        else:
            value = _inside(value, path.keys)
            if value is not _NOTHING:
                yield kind, value, False


def _linked(path: Path, doc: Doc, hidden: frozenset[str], follow: Follow | None) -> Iterator[Target]:
    first, rest = path.links[0], path.links[1:]
    if first.attr in hidden or follow is None:
        return
    onward = Path(path.attr, path.subs, path.member, path.keys, rest)
    for instance in doc["attrs"].get(first.attr, ()):
        if instance["type"] not in _OBJECTS:
            continue
        for object_id in _as_list(_plain(instance.get(VALUE_MEMBER[instance["type"]]))):
            found = follow(object_id) if isinstance(object_id, str) else None
            if found is not None and (not first.types or set(first.types) & set(found[0]["type"])):
                yield from _targets(onward, found[0], found[1], follow)


def _instances(instances: Sequence[Instance], subs: tuple[str, ...]) -> Iterator[Instance]:
    if not subs:
        yield from instances
        return
    for instance in instances:
        yield from _instances(instance.get("attrs", {}).get(subs[0], ()), subs[1:])


def _languages(language_map: Any, keys: tuple[str, ...]) -> Iterator[Target]:
    if not isinstance(language_map, dict):
        language_map = {}
    if not keys or keys == ("*",):
        every = [text for value in language_map.values() for text in _as_list(value)]
        yield "LanguageProperty", every, True
    elif len(keys) == 1 and keys[0] in language_map:
        yield "LanguageProperty", language_map[keys[0]], False


def _inside(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return _NOTHING
        value = value[key]
    return value


def _plain(value: Any) -> Any:
    """JSON-LD value objects (``{"@type": "DateTime", "@value": …}``, ``{"object": …}``) as their plain value."""
    if isinstance(value, dict):
        for member in ("@value", "@id", "object"):
            if member in value:
                return value[member]
    elif isinstance(value, list):
        return [_plain(part) for part in value]
    return value


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# -- comparisons ------------------------------------------------------------------------------------------------


def _compare(target: Target, op: Cmp, values: tuple[Value | Range, ...]) -> bool:
    kind, value, any_language = target
    value = _plain(value)
    if op is Cmp.EQ or op is Cmp.NE:
        elements = [value, *value] if isinstance(value, list) else [value]
        equal = any(_equal(kind, element, want) for element in elements for want in values)
        return equal if op is Cmp.EQ else not equal
    if kind in _OBJECTS:
        return False
    assert not isinstance(values[0], Range)
    return any(_ordered(op, element, values[0]) for element in (value if any_language else [value]))


def _equal(kind: str, value: Any, want: Value | Range) -> bool:
    if isinstance(want, Range):
        if kind in _OBJECTS:
            return False
        return _ordered(Cmp.GE, value, want.low) and _ordered(Cmp.LE, value, want.high)
    if isinstance(want, Text) and kind == "VocabProperty":
        return isinstance(value, str) and value in (want.vocab, want.value)
    sides = _comparable(value, want)
    return sides is not None and sides[0] == sides[1]


def _ordered(op: Cmp, value: Any, want: Value) -> bool:
    sides = _comparable(value, want)
    if sides is None:
        return False
    have, wanted = sides
    match op:
        case Cmp.GT:
            return bool(have > wanted)
        case Cmp.GE:
            return bool(have >= wanted)
        case Cmp.LT:
            return bool(have < wanted)
        case _:
            return bool(have <= wanted)


def _comparable(value: Any, want: Value) -> tuple[Any, Any] | None:
    """Both sides in one type, or None where the types differ (then nothing but ``!=`` holds)."""
    match want:
        case Number(number):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return (value, number) if is_number else None
        case Boolean(truth):
            return (value, truth) if isinstance(value, bool) else None
        case Text(text, _) | Uri(text) | Day(text):
            return (value, text) if isinstance(value, str) else None
        case Instant(at):
            try:
                return (parse_time(value), at) if isinstance(value, str) else None
            except ValueError:
                return None
        case DayTime(micros):
            have = _time_of_day(value)
            return None if have is None else (have, micros)


def _time_of_day(value: Any) -> int | None:
    if not isinstance(value, str):
        return None
    zoned = value if value[-1:] == "Z" or value[8:].find("+") >= 0 or "-" in value else value + "Z"
    try:
        return parse_time("1970-01-02T" + zoned) % 86_400_000_000
    except ValueError:
        return None


def _pattern(target: Target, regex: str, negated: bool) -> bool:
    kind, value, any_language = target
    value = _plain(value)
    texts = value if any_language else [value]
    if kind in _OBJECTS or not texts or not all(isinstance(text, str) for text in texts):
        return False
    found = any(found_in(regex, text) for text in texts)
    return found is not negated
