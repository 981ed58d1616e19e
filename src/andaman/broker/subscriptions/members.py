"""The members of a subscription one by one: checked, names expanded to IRIs, and shortened again (CIM 009 §5.2.12 – §5.2.15).

Unknown and read-only members are left out, as the clause wants.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote

from andaman.broker.contexts.model import Context
from andaman.broker.entity.names import NULL, check_time, check_uri, plain_members
from andaman.broker.entity.projection import ENTITY_PARTS, MAX_LEVEL, SYSTEM_PARTS
from andaman.broker.entity.represent import Format
from andaman.broker.query.parse import parse_geo, parse_q, parse_scope, parse_types
from andaman.broker.query.regex import check_regex
from andaman.broker.subscriptions.endpoint import read_endpoint
from andaman.broker.subscriptions.model import TRIGGERS, Content
from andaman.kernel.errors import BadRequestData

Expand = Callable[[str], str]
FORMATS: Final[dict[str, Format]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
_MAX_LIST: Final = 1000
_MAX_TEXT: Final = 10_000
_TYPE_NAME: Final = re.compile(r"[^;,|() \t]+")
_MEMBER_NAME: Final = re.compile(r"[^,|{}]+")
_CONFORMANCE: Final = re.compile(r"\d{1,3}\.\d{1,3}(?:\.\d{1,3})?")
_LANG: Final = re.compile(r"[A-Za-z0-9*,;=. \-]{1,200}")
_PLAIN: Final = ENTITY_PARTS | SYSTEM_PARTS
_LONGEST_S: Final = 10 * 366 * 86_400.0


def bad(field: str, text: str) -> BadRequestData:
    return BadRequestData(f"{field} {text}", field=field)


def expand(payload: Any, context: Context, *, fragment: bool = False) -> Content:
    """The members of a subscription, checked one by one, names as IRIs. In a ``fragment`` None means: remove it."""
    if not isinstance(payload, dict):
        raise BadRequestData("A subscription must be a JSON object")
    payload = plain_members(payload)
    kind = payload.get("type")
    if kind != "Subscription" and not (fragment and kind is None):
        raise bad("type", 'must be "Subscription"')
    out: Content = {}
    for name, read in _MEMBERS.items():
        if name not in payload:
            continue
        value = payload[name]
        if value is None or value == NULL:
            if not fragment or name == "notification":
                raise bad(name, "cannot be null")
            out[name] = None
        else:
            out[name] = read(name, value, context.expand_term)
    return out


def _text(name: str, value: Any, expand: Expand) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise bad(name, f"must be a text of at most {_MAX_TEXT} characters")
    return value


def _flag(name: str, value: Any, expand: Expand) -> bool:
    if not isinstance(value, bool):
        raise bad(name, "must be true or false")
    return value


def _seconds(name: str, value: Any, expand: Expand) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST_S:
        raise bad(name, "must be a number of seconds greater than 0")
    return value


def _when(name: str, value: Any, expand: Expand) -> str:
    return check_time(value, name)


def _q(name: str, value: Any, expand: Expand) -> str:
    try:
        parse_q(decoded(_text(name, value, expand)), expand)
    except BadRequestData as error:
        raise BadRequestData(f"{name}: {error.detail}", **{**error.extra, "field": name}) from None
    return str(value)


def decoded(q: str) -> str:
    """Clients write queries in subscriptions as in URLs, percent-encoded, or plainly; both are understood."""
    return unquote(q) if "%" in q else q


def _scope_q(name: str, value: Any, expand: Expand) -> str:
    parse_scope(_text(name, value, expand))
    return str(value)


def _lang(name: str, value: Any, expand: Expand) -> str:
    if not isinstance(value, str) or _LANG.fullmatch(value) is None:
        raise bad(name, "must be a language tag such as th or en")
    return value


def _conformance(name: str, value: Any, expand: Expand) -> str:
    if not isinstance(value, str) or _CONFORMANCE.fullmatch(value) is None:
        raise bad(name, "must be a version such as 1.6")
    return value


def _object(name: str, value: Any, expand: Expand) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad(name, "must be an object")
    return value


def strings(name: str, value: Any) -> list[str]:
    """A list of texts with at least one."""
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_LIST:
        raise bad(name, f"must be a list of 1 to {_MAX_LIST} texts")
    if not all(isinstance(one, str) and one for one in value):
        raise bad(name, "must hold texts only")
    return value


def _attributes(name: str, value: Any, expand: Expand) -> list[str]:
    return [expand(one) for one in strings(name, value)]


def _triggers(name: str, value: Any, expand: Expand) -> list[str]:
    found = strings(name, value)
    for one in found:
        if one not in TRIGGERS:
            raise bad(name, f"does not know {one[:80]!r}; there are {', '.join(TRIGGERS)}")
    return list(dict.fromkeys(found))


def _datasets(name: str, value: Any, expand: Expand) -> list[str]:
    listed = [value] if isinstance(value, str) else strings(name, value)
    return [one if one == "@none" else check_uri(one, name) for one in listed]


def _entities(name: str, value: Any, expand: Expand) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_LIST:
        raise bad(name, f"must be a list of 1 to {_MAX_LIST} entity selectors")
    return [_selector(one, expand) for one in value]


def _selector(one: Any, expand: Expand) -> dict[str, Any]:
    one = plain_members(one, "entities") if isinstance(one, dict) else one
    if not isinstance(one, dict) or not isinstance(one.get("type"), str):
        raise bad("entities", "must hold objects with a type and perhaps id or idPattern")
    text = one["type"].strip()
    parse_types(text, expand)
    out: dict[str, Any] = {"type": text if text == "*" else _TYPE_NAME.sub(lambda m: expand(m[0]), text)}
    ids = one.get("id")
    if ids is not None:
        listed = [ids] if isinstance(ids, str) else strings("entities.id", ids)
        checked = [check_uri(each, "entities.id") for each in listed]
        out["id"] = checked[0] if isinstance(ids, str) else checked
    pattern = one.get("idPattern")
    if pattern is not None:
        problem = check_regex(_text("entities.idPattern", pattern, expand))
        if problem:
            raise bad("entities.idPattern", f"is not a regular expression: {problem}")
        out["idPattern"] = pattern
    return out


def _geo_q(name: str, value: Any, expand: Expand) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad(name, "must be an object with georel, geometry and coordinates")
    out: dict[str, Any] = {}
    for member in ("georel", "geometry", "geoproperty"):
        given = value.get(member)
        if given is None and member == "geoproperty":
            continue
        if not isinstance(given, str):
            raise bad(f"{name}.{member}", "must be a text")
        out[member] = given
    coordinates = value.get("coordinates")
    if not isinstance(coordinates, str | list):
        raise bad(f"{name}.coordinates", "must be a list")
    out["coordinates"] = coordinates
    if "geoproperty" in out:
        out["geoproperty"] = expand(out["geoproperty"])
    parse_geo(out["georel"], out["geometry"], coordinates)
    return out


def _notification(name: str, value: Any, expand: Expand) -> dict[str, Any]:
    """§5.2.14. What the system adds to it (status, counters) is left out."""
    if not isinstance(value, dict):
        raise bad(name, "must be an object with an endpoint")
    out: dict[str, Any] = {}
    if "endpoint" not in value:
        raise bad("notification.endpoint", "is missing")
    out["endpoint"] = read_endpoint(value["endpoint"])[1]
    readers: dict[str, Callable[[str, Any, Expand], Any]] = {
        "attributes": _attributes,
        "pick": _members,
        "omit": _members,
        "format": _format,
        "join": _join,
        "joinLevel": _level,
        "showChanges": _flag,
        "sysAttrs": _flag,
    }
    for member, read in readers.items():
        if member in value:
            if value[member] is None or value[member] == NULL:
                raise bad(f"notification.{member}", "cannot be null")
            out[member] = read(f"notification.{member}", value[member], expand)
    return out


def _members(name: str, value: Any, expand: Expand) -> list[str]:
    def one(match: re.Match[str]) -> str:
        text = match[0].strip()
        return text if text in _PLAIN else expand(text)

    return [_MEMBER_NAME.sub(one, text) for text in strings(name, value)]


def _format(name: str, value: Any, expand: Expand) -> str:
    if not isinstance(value, str) or value not in FORMATS:
        raise bad(name, f"must be one of {', '.join(FORMATS)}")
    return str(value)


def _join(name: str, value: Any, expand: Expand) -> str:
    if value not in ("flat", "inline", "@none"):
        raise bad(name, "must be flat, inline or @none")
    return str(value)


def _level(name: str, value: Any, expand: Expand) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_LEVEL:
        raise bad(name, f"must be a whole number from 1 to {MAX_LEVEL}")
    return value


def _context_url(name: str, value: Any, expand: Expand) -> str:
    return check_uri(value, name)


_MEMBERS: Final[dict[str, Callable[[str, Any, Expand], Any]]] = {
    "subscriptionName": _text,
    "description": _text,
    "entities": _entities,
    "watchedAttributes": _attributes,
    "notificationTrigger": _triggers,
    "timeInterval": _seconds,
    "q": _q,
    "geoQ": _geo_q,
    "scopeQ": _scope_q,
    "csf": _q,
    "datasetId": _datasets,
    "lang": _lang,
    "expandValues": _text,
    "jsonKeys": _text,
    "temporalQ": _object,
    "isActive": _flag,
    "expiresAt": _when,
    "throttling": _seconds,
    "localOnly": _flag,
    "splitEntities": _flag,
    "ngsildConformance": _conformance,
    "jsonldContext": _context_url,
    "notification": _notification,
}


def compacted(content: Content, context: Context) -> Content:
    """A stored subscription with names as the asker's @context shortens them."""
    shorts = context.shorts
    out = dict(content)
    if "entities" in out:
        out["entities"] = [
            {**one, "type": _TYPE_NAME.sub(lambda m: m[0] if m[0] == "*" else shorts[m[0]], one["type"])}
            for one in out["entities"]
        ]
    if "watchedAttributes" in out:
        out["watchedAttributes"] = [shorts[one] for one in out["watchedAttributes"]]
    if "geoQ" in out and "geoproperty" in out["geoQ"]:
        out["geoQ"] = {**out["geoQ"], "geoproperty": shorts[out["geoQ"]["geoproperty"]]}
    notification = dict(out["notification"])
    for member in ("attributes", "pick", "omit"):
        if member in notification:
            notification[member] = [
                _MEMBER_NAME.sub(lambda m: m[0] if m[0] in _PLAIN else shorts[m[0]], one)
                for one in notification[member]
            ]
    out["notification"] = notification
    return out
