"""Payloads of registrations: checked and expanded to stored documents, merged by PATCH, shown again (§5.2.8–5.2.11,
§5.2.34, §5.9.2.4, §5.9.3.4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from andaman.broker.contexts import Context
from andaman.broker.entity.geometry import check_geometry
from andaman.broker.entity.names import NULL, check_scopes, check_time, check_uri, plain_members
from andaman.broker.query.regex import check_regex
from andaman.broker.registry.model import DURATION, OWNER, Document
from andaman.broker.registry.operations import AUXILIARY, DEFAULT, GROUPS, OPERATIONS
from andaman.kernel.errors import BadRequestData, TooLarge
from andaman.kernel.ids import is_tenant
from andaman.kernel.time import Micros, parse_time

TYPE: Final = "ContextSourceRegistration"
MAX_INFORMATION: Final = 1000
MAX_NAMES: Final = 1000
_READ_ONLY: Final = frozenset(
    {"status", "timesSent", "timesFailed", "lastSuccess", "lastFailure", "createdAt", "modifiedAt"}
)
_MODES: Final = ("inclusive", "exclusive", "redirect", "auxiliary")
_MIME: Final = ("application/json", "application/ld+json")
_ALIAS: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z\[\]:]{1,255}")
_HEADER: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")


def document_of(payload: Any, context: Context, now: Micros, new_id: Callable[[], str]) -> Document:
    """The stored document of a new registration. Raises BadRequestData."""
    if not isinstance(payload, dict):
        raise BadRequestData("A registration must be a JSON object")
    document = _members(payload, context, now)
    for name in ("type", "information", "endpoint"):
        if document.get(name) is None:
            raise BadRequestData(f"A registration needs {name!r}", field=name)
    document = {name: value for name, value in document.items() if value is not None}
    document.setdefault("id", new_id())
    check_whole(document)
    return document


def patched(document: Document, payload: Any, context: Context, now: Micros) -> Document:
    """The document after a partial update (§5.5.8): given members replace, NGSI-LD Null (or null) removes."""
    if not isinstance(payload, dict) or not payload.keys() - {"@context"}:
        raise BadRequestData("The fragment must be a JSON object that holds something")
    changes = _members(payload, context, now)
    if changes.get("id", document["id"]) != document["id"]:
        raise BadRequestData("The id in the body differs from the one in the path", field="id")
    merged = {**document, **changes}
    if "properties" in changes:
        properties = {**document.get("properties", {}), **changes["properties"]}
        merged["properties"] = {name: value for name, value in properties.items() if value is not None}
    for name in ("id", "type", "information", "endpoint"):
        if merged.get(name) is None:
            raise BadRequestData(f"{name!r} cannot be removed", field=name)
    merged = {name: value for name, value in merged.items() if value is not None and value != {}}
    check_whole(merged)
    return merged


def _members(payload: Mapping[str, Any], context: Context, now: Micros) -> Document:
    """Each member checked by itself and expanded; None where it is to be removed."""
    found: Document = {}
    properties: dict[str, Any] = {}
    for name, value in plain_members(dict(payload)).items():
        if name in _READ_ONLY or name == "@context":
            continue
        gone = value is None or value == NULL
        check = _CHECKS.get(name)
        if name == "information":
            found[name] = None if gone else _information(value, context)
        elif name == "expiresAt":
            found[name] = None if gone else _expiry(value, now)
        elif check is not None:
            found[name] = None if gone else check(value, name)
        elif name[:1] == "@":
            raise BadRequestData(f"{name!r} is not a possible member of a registration", field=name)
        else:
            properties[context.expand_term(name)] = None if gone else value
    if properties:
        found["properties"] = properties
    return found


def check_whole(document: Document) -> None:
    """What members must be together: modes with their restrictions (§4.3.6.3, §5.9.2.4)."""
    mode = document.get("mode", "inclusive")
    if mode == "auxiliary" and not set(document.get("operations", ("retrieveOps",))) <= AUXILIARY:
        raise BadRequestData(
            f"An auxiliary registration may offer only {', '.join(sorted(AUXILIARY))}", field="operations"
        )
    if mode == "exclusive":
        for info in document["information"]:
            entities = info.get("entities", ())
            if not entities or any("id" not in one for one in entities):
                raise BadRequestData(
                    "An exclusive registration names entities by id; patterns and types alone are not enough",
                    field="information.entities",
                )
            if not info.get("propertyNames") and not info.get("relationshipNames"):
                raise BadRequestData(
                    "An exclusive registration names attributes (propertyNames, relationshipNames)",
                    field="information",
                )
    if document["type"] != TYPE:
        raise BadRequestData(f"The type must be {TYPE!r}", field="type")


# -- single members ----------------------------------------------------------------------------------------------


def _information(value: Any, context: Context) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise BadRequestData("information must be a list that is not empty", field="information")
    if len(value) > MAX_INFORMATION:
        raise TooLarge(f"information has more than {MAX_INFORMATION} elements")
    return [_registration_info(one, context) for one in value]


def _registration_info(one: Any, context: Context) -> dict[str, Any]:
    allowed = {"entities", "propertyNames", "relationshipNames"}
    if not isinstance(one, dict) or not one or not one.keys() <= allowed:
        raise BadRequestData(
            f"An element of information has at least one of {', '.join(sorted(allowed))}", field="information"
        )
    found: dict[str, Any] = {}
    if "entities" in one:
        entities = one["entities"]
        if not isinstance(entities, list) or not entities or len(entities) > MAX_NAMES:
            raise BadRequestData("entities must be a list that is not empty", field="information.entities")
        found["entities"] = [_entity_info(each, context) for each in entities]
    for name in ("propertyNames", "relationshipNames"):
        if name in one:
            names = one[name]
            if (
                not isinstance(names, list)
                or not names
                or len(names) > MAX_NAMES
                or not all(isinstance(each, str) for each in names)
            ):
                raise BadRequestData(f"{name} must be a list of names", field=f"information.{name}")
            found[name] = [context.expand_term(each) for each in names]
    return found


def _entity_info(one: Any, context: Context) -> dict[str, Any]:
    field = "information.entities"
    if not isinstance(one, dict):
        raise BadRequestData("An element of entities must be an object", field=field)
    one = plain_members(one, field)
    if not one.keys() <= {"id", "idPattern", "type"} or not one:
        raise BadRequestData("An element of entities has type and perhaps id or idPattern", field=field)
    found: dict[str, Any] = {}
    if "id" in one:
        found["id"] = check_uri(one["id"], f"{field}.id")
    if "idPattern" in one:
        pattern = one["idPattern"]
        problem = check_regex(pattern) if isinstance(pattern, str) else "it must be a text"
        if problem:
            raise BadRequestData(
                f"idPattern is not a regular expression: {problem}", field=f"{field}.idPattern"
            )
        found["idPattern"] = pattern
    types = one.get("type", [])
    listed = types if isinstance(types, list) else [types]
    if ("type" in one and not listed) or not all(isinstance(each, str) and each for each in listed):
        raise BadRequestData("type must be a type name or a list of type names", field=f"{field}.type")
    found["type"] = [context.expand_type(each) for each in listed]
    if not found["type"] and "id" not in found and "idPattern" not in found:
        raise BadRequestData("An element of entities needs a type, an id or an idPattern", field=field)
    return found


def _expiry(value: Any, now: Micros) -> str:
    text = check_time(value, "expiresAt")
    if parse_time(text) <= now:
        raise BadRequestData("expiresAt is in the past", field="expiresAt")
    return text


def _type(value: Any, where: str) -> str:
    if value != TYPE:
        raise BadRequestData(f"The type must be {TYPE!r}", field=where)
    return TYPE


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value or len(value) > 4096:
        raise BadRequestData(f"{where} must be a text of 1 to 4096 characters", field=where)
    return value


def _endpoint(value: Any, where: str) -> str:
    text = check_uri(value, where)
    try:
        parts = urlsplit(text)
        found = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        found = False
    if not found or parts.username is not None or parts.query or parts.fragment:
        raise BadRequestData(
            f"{where} must be an http(s) URL without credentials, query and fragment", field=where
        )
    return text


def _mode(value: Any, where: str) -> str:
    if not isinstance(value, str) or value not in _MODES:
        raise BadRequestData(f"mode must be one of {', '.join(_MODES)}", field=where)
    return str(value)


def _operations(value: Any, where: str) -> list[str]:
    listed = value if isinstance(value, list) else []
    if not listed or any(not isinstance(one, str) or one not in OPERATIONS | GROUPS.keys() for one in listed):
        raise BadRequestData(
            "operations must be a list of operation or group names (CIM 009 §4.20)", field=where
        )
    return list(dict.fromkeys(listed))


def _tenant(value: Any, where: str) -> str:
    if not isinstance(value, str) or not is_tenant(value):
        raise BadRequestData("tenant must be the name of a tenant", field=where)
    return value


def _alias(value: Any, where: str) -> str:
    if not isinstance(value, str) or _ALIAS.fullmatch(value) is None:
        raise BadRequestData(
            "contextSourceAlias must be a pseudonym without blanks (RFC 9110 §7.6.3)", field=where
        )
    return value


def _datasets(value: Any, where: str) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise BadRequestData("datasetId must not be an empty list", field=where)
    return [one if one == "@none" else check_uri(one, where) for one in listed]


def _interval(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not value.keys() <= {"startAt", "endAt"} or "startAt" not in value:
        raise BadRequestData(f"{where} has startAt and perhaps endAt", field=where)
    found = {name: check_time(value[name], f"{where}.{name}") for name in value}
    if "endAt" in found and parse_time(found["endAt"]) < parse_time(found["startAt"]):
        raise BadRequestData(f"{where}: endAt is before startAt", field=where)
    return found


def _duration(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > 64 or DURATION.fullmatch(value) is None:
        raise BadRequestData(f"{where} must be an ISO 8601 duration such as PT5M", field=where)
    return value


def _management(value: Any, where: str) -> dict[str, Any]:
    allowed = {"localOnly", "cacheDuration", "timeout", "cooldown"}
    if not isinstance(value, dict) or not value.keys() <= allowed:
        raise BadRequestData(f"management may have {', '.join(sorted(allowed))}", field=where)
    for name in ("timeout", "cooldown"):
        number = value.get(name, 1)
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= 86_400_000:
            raise BadRequestData(
                f"management.{name} must be milliseconds, more than 0", field=f"{where}.{name}"
            )
    if "cacheDuration" in value:
        _duration(value["cacheDuration"], f"{where}.cacheDuration")
    if not isinstance(value.get("localOnly", True), bool):
        raise BadRequestData("management.localOnly must be true or false", field=f"{where}.localOnly")
    return value


def _source_info(value: Any, where: str) -> list[dict[str, str]]:
    if not isinstance(value, list) or not value or len(value) > 100:
        raise BadRequestData("contextSourceInfo must be a list of key and value pairs", field=where)
    for one in value:
        if not isinstance(one, dict) or one.keys() != {"key", "value"}:
            raise BadRequestData("An element of contextSourceInfo has key and value", field=where)
        key, given = one["key"], one["value"]
        if not isinstance(key, str) or _HEADER.fullmatch(key) is None:
            raise BadRequestData("A key in contextSourceInfo must be the name of a header", field=where)
        if not isinstance(given, str) or len(given) > 8192 or any(char in given for char in "\r\n\0"):
            raise BadRequestData("A value in contextSourceInfo must be a text on one line", field=where)
        if key in ("accept", "contentType") and given not in _MIME:
            raise BadRequestData(f"contextSourceInfo: {key} must be {' or '.join(_MIME)}", field=where)
        if key == "jsonldContext":
            check_uri(given, where)
        if key == "ngsildConformance" and re.fullmatch(r"\d+\.\d+", given, re.ASCII) is None:
            raise BadRequestData("contextSourceInfo: ngsildConformance must be like 1.5", field=where)
    return value


def _geometry(value: Any, where: str) -> Any:
    if isinstance(value, dict) and value.get("type") == "GeoProperty":
        value = value.get("value")
    return check_geometry(value, where)


def _scope(value: Any, where: str) -> list[str]:
    return check_scopes(value)


_CHECKS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "id": check_uri,
    "type": _type,
    "endpoint": _endpoint,
    "mode": _mode,
    "operations": _operations,
    "tenant": _tenant,
    "contextSourceAlias": _alias,
    "datasetId": _datasets,
    "observationInterval": _interval,
    "managementInterval": _interval,
    "refreshRate": _duration,
    "management": _management,
    "contextSourceInfo": _source_info,
    "location": _geometry,
    "observationSpace": _geometry,
    "operationSpace": _geometry,
    "scope": _scope,
    "registrationName": _text,
    "description": _text,
}


# -- showing -----------------------------------------------------------------------------------------------------


def shown(
    document: Document,
    context: Context,
    status: Mapping[str, Any] = {},
    *,
    sys_attrs: bool = False,
    only: frozenset[int] | None = None,
) -> dict[str, Any]:
    """A registration as clients see it: names compacted, mode and operations explicit. ``only``: these elements of
    ``information`` (§5.10.2.5)."""
    shorts = context.shorts
    out: dict[str, Any] = {}
    for name, value in document.items():
        if name == "information":
            out[name] = [
                _shown_info(one, shorts) for number, one in enumerate(value) if only is None or number in only
            ]
        elif name == "properties":
            out.update((shorts[iri], given) for iri, given in value.items())
        elif name == "scope":
            out[name] = value[0] if len(value) == 1 else value
        elif name != OWNER and (name not in ("createdAt", "modifiedAt") or sys_attrs):
            out[name] = value
    out.setdefault("mode", "inclusive")
    out.setdefault("operations", ["retrieveOps"] if out["mode"] == "auxiliary" else list(DEFAULT))
    out.update(status)
    return out


def _shown_info(one: dict[str, Any], shorts: Mapping[str, str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if "entities" in one:
        out["entities"] = [_shown_entity(each, shorts) for each in one["entities"]]
    for name in ("propertyNames", "relationshipNames"):
        if name in one:
            out[name] = [shorts[each] for each in one[name]]
    return out


def _shown_entity(one: dict[str, Any], shorts: Mapping[str, str]) -> dict[str, Any]:
    out = {name: value for name, value in one.items() if name != "type"}
    types = [shorts[each] for each in one["type"]]
    if types:
        out["type"] = types[0] if len(types) == 1 else types
    return out
