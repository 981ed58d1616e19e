"""The forms of a body on its way: the broker's own remainder, and a source's part in its own names (CIM
009 §4.3.6.6, §5.6.1.4).
"""

from __future__ import annotations

from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.build import VALUE_MEMBER
from andaman.broker.entity.geometry import looks_like_geometry
from andaman.broker.entity.names import NULL
from andaman.doors.ngsild.http import Call, parse_parameters

_MEMBERS: Final = frozenset(
    {"id", "@id", "type", "@type", "scope", "expiresAt", "@context", "createdAt", "modifiedAt"}
)
_AS_THEY_ARE: Final = frozenset(
    {
        "type",
        "@type",
        "datasetId",
        "observedAt",
        "unitCode",
        "expiresAt",
        "createdAt",
        "modifiedAt",
        "instanceId",
    }
    | {"deletedAt", "entityIdSealed", "entityTypeSealed"}
    | set(VALUE_MEMBER.values())
)
PARAMETERS: Final = frozenset(
    {"local", "type", "options", "format", "observedAt", "lang", "datasetId", "deleteAll"}
)


def replay(call: Call, raw: bytes) -> Call:
    """The same request with this body, ready to be read (again)."""
    length = str(len(raw)).encode()
    other = object.__new__(Call)
    for name in Call.__slots__:
        setattr(other, name, getattr(call, name))
    other.headers = {**call.headers, b"content-length": length}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    other._receive = receive
    return other


def reduced(payload: Any, attrs: frozenset[str], context: Context) -> dict[str, Any]:
    """A payload with these attributes only; members of the entity itself always travel."""
    iris = context.iris
    return {name: value for name, value in payload.items() if name in _MEMBERS or iris[name] in attrs}


def renamed(payload: dict[str, Any], context: Context, other: Context, *, simplified: bool) -> dict[str, Any]:
    """A payload in the names of the source's own context (§4.3.6.6 jsonldContext), in its representation, nulls and
    all. Members whose names the request's context does not know are refused before."""
    shown: dict[str, Any] = {}
    for name, value in payload.items():
        if name == "@context":
            continue
        if name in ("type", "@type"):
            shown[name] = _names(value, context, other)
        elif name in _MEMBERS:
            shown[name] = value
        else:
            shown[other.shorts[context.iris[name]]] = _renamed_value(value, context, other, simplified)
    return shown


def renamed_attribute(value: Any, context: Context, other: Context) -> Any:
    """The fragment of one attribute, likewise."""
    return _renamed_value(value, context, other, False)


def _renamed_value(value: Any, context: Context, other: Context, simplified: bool) -> Any:
    if isinstance(value, list):
        return [
            _renamed_value(one, context, other, simplified) if _is_instance(one) else one for one in value
        ]
    if not isinstance(value, dict) or (simplified and not value.keys() <= {"vocab"}):
        return value
    if looks_like_geometry(value):
        return value
    shown: dict[str, Any] = {}
    for name, one in value.items():
        if name == "vocab":
            shown[name] = _vocabulary(one, context, other)
        elif name == "valueType":
            shown[name] = one if one == "langString" else _vocabulary(one, context, other)
        elif name == "objectType":
            shown[name] = _names(one, context, other)
        elif name in _AS_THEY_ARE:
            shown[name] = one
        else:
            shown[other.shorts[context.iris[name]]] = _renamed_value(one, context, other, False)
    return shown


def _is_instance(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(_AS_THEY_ARE)


def _vocabulary(value: Any, context: Context, other: Context) -> Any:
    if isinstance(value, list):
        return [_vocabulary(one, context, other) for one in value]
    return value if value == NULL else other.vocab_shorts[context.expand_vocab(value)]


def _names(value: Any, context: Context, other: Context) -> Any:
    if isinstance(value, list):
        return [_names(one, context, other) for one in value]
    return value if value == NULL else other.shorts[context.iris[value]]


def passed_on(call: Call) -> list[tuple[str, str]]:
    """Parameters that mean the same at the source."""
    given = parse_parameters(call.query_string, PARAMETERS) if call.query_string else {}
    return [(name, value) for name, value in given.items() if name != "local"]
