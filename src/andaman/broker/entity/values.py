"""The value member of each attribute kind: which JSON it may be (CIM 009 §4.5, §4.6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, Protocol

from andaman.broker.contexts.model import Context
from andaman.broker.entity.geometry import check_geometry
from andaman.broker.entity.names import NULL, check_uri, is_stored_time
from andaman.kernel.errors import BadRequestData

MAX_VALUE_DEPTH: Final = 64
_TAG: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")


class NullRules(Protocol):
    """The part of an expansion mode that values depend on."""

    @property
    def nulls(self) -> bool: ...
    @property
    def deep_nulls(self) -> bool: ...


def check_value(kind: str, value: Any, name: str, context: Context, mode: NullRules) -> Any:
    """The value as it is stored (IRIs expanded). Raises BadRequestData naming the attribute."""
    if value is None:
        raise BadRequestData(f"{name}: JSON null is not a value; {NULL!r} in an update deletes", field=name)
    return _CHECKS[kind](value, name, context, mode)


def members_in(value: Any) -> int:
    """How many members the objects in a JSON value have, all together; at any depth."""
    total = 0
    rest: list[Any] = [value]
    while rest:
        one = rest.pop()
        if type(one) is dict:
            total += len(one)
            for each in one.values():
                if type(each) is dict or type(each) is list:
                    rest.append(each)
        elif type(one) is list:
            for each in one:
                if type(each) is dict or type(each) is list:
                    rest.append(each)
    return total


class _Strict:
    nulls = False
    deep_nulls = False


_STRICT: Final = _Strict()


def check_language_map(value: Any, name: str) -> None:
    """A languageMap in stored form: no NGSI-LD Nulls."""
    _texts(value, name, _STRICT)


def check_targets(kind: str, value: Any, name: str) -> None:
    """The targets of a Relationship or ListRelationship, in stored form (plain URIs)."""
    if kind == "ListRelationship":
        if not isinstance(value, list):
            raise BadRequestData(f"{name}.objectList must be a list of URIs", field=f"{name}.objectList")
        for one in value:
            check_uri(one, f"{name}.objectList")
    else:
        _targets(value, name)


def only_unit_and_time(value: dict[str, Any]) -> bool:
    """Has a Property besides type and value nothing but a short unit code and a time, both valid and as stored?"""
    known = 2
    unit = value.get("unitCode")
    if unit is not None:
        if type(unit) is not str or not 0 < len(unit) < len(NULL):
            return False
        known = 3
    seen = value.get("observedAt")
    if seen is not None:
        if type(seen) is not str or not is_stored_time(seen):
            return False
        known += 1
    return known == len(value)


def _property(value: Any, name: str, context: Context, mode: NullRules) -> Any:
    if isinstance(value, (dict, list)):
        _check_json(value, name, mode.deep_nulls, 0)
    elif value == NULL:
        raise BadRequestData(f"{name}: {NULL} is not a value here", field=name)
    return value


def _check_json(value: Any, name: str, nulls: bool, depth: int) -> None:
    """Refuse what cannot be stored and returned: deeper than the limit, or an NGSI-LD Null where none may be. ``nulls``: it
    may stand for a member to be removed, which what is in a list cannot be (RFC 7396: a list is replaced whole)."""
    if depth > MAX_VALUE_DEPTH:
        raise BadRequestData(f"{name}: the value is nested more than {MAX_VALUE_DEPTH} deep", field=name)
    nulls = nulls and isinstance(value, dict)
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, (dict, list)):
            _check_json(one, name, nulls, depth + 1)
        elif one == NULL and not nulls:
            raise BadRequestData(
                f"{name}: {NULL} inside a value is allowed in merges only, and not in lists", field=name
            )


def _geo(value: Any, name: str, context: Context, mode: NullRules) -> Any:
    return check_geometry(value, name)


def _object(value: Any, name: str, context: Context, mode: NullRules) -> Any:
    return _targets(value, name)


def _targets(value: Any, name: str) -> Any:
    if isinstance(value, list):
        if not value:
            raise BadRequestData(f"{name}: object must not be an empty list", field=f"{name}.object")
        return [check_uri(one, f"{name}.object") for one in value]
    return check_uri(value, f"{name}.object")


def _language_map(value: Any, name: str, context: Context, mode: NullRules) -> Any:
    return _texts(value, name, mode)


def _texts(value: Any, name: str, mode: NullRules) -> dict[str, Any]:
    where = f"{name}.languageMap"
    if not isinstance(value, dict) or not value:
        raise BadRequestData(f"{where} must be an object from language tag to text", field=where)
    texts: dict[str, Any] = {}
    for tag, text in value.items():
        if tag != "@none" and (len(tag) > 64 or _TAG.fullmatch(tag) is None):
            raise BadRequestData(
                f"{where}: {tag[:80]!r} is not a language tag (RFC 5646), such as th or zh-Hans", field=where
            )
        if text == NULL:
            if not mode.nulls:
                raise BadRequestData(f"{where}: {NULL} is allowed in updates and merges only", field=where)
            if mode.deep_nulls:
                texts[tag] = None
            continue
        if not isinstance(text, str) and not (
            isinstance(text, list) and text and all(isinstance(one, str) and one != NULL for one in text)
        ):
            raise BadRequestData(f"{where}.{tag} must be a text or a list of texts", field=where)
        texts[tag] = text
    return texts


def _json(value: Any, name: str, context: Context, mode: NullRules) -> Any:
    where = f"{name}.json"
    if not isinstance(value, (dict, list)):
        raise BadRequestData(f"{where} must be a JSON object or a list", field=where)
    _check_json(value, where, mode.deep_nulls, 0)
    return value


def _vocab(value: Any, name: str, context: Context, mode: NullRules) -> Any:
    where = f"{name}.vocab"
    given = value if isinstance(value, list) else [value]
    if not given or not all(isinstance(one, str) and one and one != NULL for one in given):
        raise BadRequestData(f"{where} must be a term or a list of terms", field=where)
    found = [context.expand_vocab(one) for one in given]
    return found if isinstance(value, list) else found[0]


def _value_list(value: Any, name: str, context: Context, mode: NullRules) -> Any:
    where = f"{name}.valueList"
    if not isinstance(value, list):
        raise BadRequestData(f"{where} must be a list", field=where)
    _check_json(value, name, False, 0)
    if any(one is None for one in value):
        raise BadRequestData(f"{where} must not hold null", field=where)
    return value


def _object_list(value: Any, name: str, context: Context, mode: NullRules) -> Any:
    """Stored as plain URIs; both ``"urn:…"`` and ``{"object": "urn:…"}`` are accepted (§4.5.22)."""
    where = f"{name}.objectList"
    if not isinstance(value, list):
        raise BadRequestData(f"{where} must be a list of URIs", field=where)
    return [
        check_uri(
            one["object"] if isinstance(one, dict) and len(one) == 1 and "object" in one else one, where
        )
        for one in value
    ]


_CHECKS: Final[dict[str, Callable[[Any, str, Context, NullRules], Any]]] = {
    "": _property,
    "Property": _property,
    "GeoProperty": _geo,
    "Relationship": _object,
    "LanguageProperty": _language_map,
    "JsonProperty": _json,
    "VocabProperty": _vocab,
    "ListProperty": _value_list,
    "ListRelationship": _object_list,
}
