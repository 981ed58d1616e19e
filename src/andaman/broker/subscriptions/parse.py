"""From the stored form of a subscription to what the broker works with, and what must hold between its members (§5.2.12)."""

from __future__ import annotations

from typing import Any

from andaman.broker.contexts.model import Context
from andaman.broker.entity.linked import Join
from andaman.broker.entity.projection import ENTITY_PARTS, parse_projection
from andaman.broker.entity.represent import View
from andaman.broker.model import LOCATION
from andaman.broker.query.parse import parse_geo, parse_q, parse_scope, parse_types
from andaman.broker.subscriptions.endpoint import read_endpoint
from andaman.broker.subscriptions.members import FORMATS, Expand, bad, compacted, decoded, expand
from andaman.broker.subscriptions.model import (
    DEFAULT_TRIGGERS,
    TRIGGERS,
    Condition,
    Content,
    Endpoint,
    Form,
    Selector,
    Trigger,
)
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import SECOND, Micros, parse_time

__all__ = ["compacted", "compile_content", "expand"]


def _same(name: str) -> str:
    return name


def compile_content(
    content: Content, expand_q: Expand, context: Context
) -> tuple[Condition, Form, Endpoint, dict[str, Micros]]:
    """The meaning of a stored subscription; times in µs: throttling, interval, expires. Raises BadRequestData.

    ``expand_q``: for the names in ``q``, which is kept as it was given. ``context`` says how names look in projections
    of linked entities.
    """
    _check_whole(content)
    condition = Condition(
        tuple(_compiled_selector(one) for one in content.get("entities", ())),
        frozenset(content["watchedAttributes"]) if "watchedAttributes" in content else None,
        _flags(content.get("notificationTrigger", DEFAULT_TRIGGERS)),
        parse_q(decoded(content["q"]), expand_q, expand_values=_words(content)) if "q" in content else None,
        _geo(content["geoQ"]) if "geoQ" in content else None,
        parse_scope(content["scopeQ"]) if "scopeQ" in content else None,
    )
    notification = content["notification"]
    endpoint, _ = read_endpoint(notification["endpoint"])
    times = {
        "throttling": round(content.get("throttling", 0) * SECOND),
        "interval": round(content.get("timeInterval", 0) * SECOND),
        "expires": parse_time(content["expiresAt"]) if "expiresAt" in content else 0,
    }
    return condition, _form(content, endpoint, context), endpoint, times


def _words(content: Content) -> frozenset[str]:
    return frozenset(one.strip() for one in content.get("expandValues", "").split(",") if one.strip())


def _check_whole(content: Content) -> None:
    if "notification" not in content:
        raise bad("notification", "is missing")
    if "timeInterval" in content:
        for other in ("watchedAttributes", "throttling"):
            if other in content:
                raise bad(other, "does not go with timeInterval")
    local = content.get("localOnly") is True
    if "entities" not in content and not local:
        if "timeInterval" in content:
            raise bad("entities", "must be there with timeInterval")
        if "watchedAttributes" not in content:
            raise BadRequestData("A subscription needs entities or watchedAttributes", field="entities")
    if not local and any(one["type"] == "*" for one in content.get("entities", ())):
        raise bad("entities.type", '"*" stands for any type with localOnly only')


def _flags(names: list[str]) -> Trigger:
    found = Trigger(0)
    for name in names:
        found |= TRIGGERS[name]
    return found


def _compiled_selector(one: dict[str, Any]) -> Selector:
    ids = one.get("id", ())
    return Selector(
        parse_types(one["type"], _same),
        frozenset([ids] if isinstance(ids, str) else ids),
        one.get("idPattern") if not ids else None,
    )


def _geo(given: dict[str, Any]) -> Any:
    return parse_geo(
        given["georel"], given["geometry"], given["coordinates"], given.get("geoproperty", LOCATION), _same
    )


def _form(content: Content, endpoint: Endpoint, context: Context) -> Form:
    given = content["notification"]
    name = given.get("format", "normalized")
    changes = bool(given.get("showChanges"))
    if changes and FORMATS[name] == "simplified":
        raise bad("notification.showChanges", f"does not go with format {name}")
    mode = given.get("join", "@none")
    if mode == "@none" and "joinLevel" in given:
        raise bad("notification.joinLevel", "goes with join flat or inline")
    level = given.get("joinLevel", 1) if mode != "@none" else 0
    pick = _projection(given, "pick", level, context)
    omit = _projection(given, "omit", level, context)
    if "attributes" in given:
        if pick or omit:
            raise bad("notification.attributes", "does not go with pick or omit")
        pick = parse_projection(",".join(given["attributes"]), "notification.attributes", context)
        if pick.names & ENTITY_PARTS:
            raise bad("notification.attributes", "names attributes only; use pick for id, type and scope")
        pick.names |= ENTITY_PARTS
    hidden = frozenset() if omit is None else frozenset(omit.names - omit.linked.keys())
    if pick is not None and pick.names & hidden:
        raise bad("notification.omit", "names a member that pick names too")
    view = View(
        FORMATS[name],
        bool(given.get("sysAttrs")),
        tuple(one.partition(";")[0].strip() for one in content["lang"].split(","))
        if "lang" in content
        else (),
        None if pick is None else frozenset(pick.names),
        hidden,
        frozenset(content["datasetId"]) if "datasetId" in content else None,
    )
    join = None if mode == "@none" else Join(mode, level, pick, omit, frozenset())
    version = content.get("ngsildConformance")
    parts = None if version is None else tuple(map(int, version.split(".")[:2]))
    return Form(view, endpoint.accept, changes, join, None if parts is None else (parts[0], parts[1]))


def _projection(given: dict[str, Any], name: str, level: int, context: Context) -> Any:
    if name not in given:
        return None
    found = parse_projection(",".join(given[name]), f"notification.{name}", context)
    if found.depth() > level:
        raise bad(
            f"notification.{name}", f"asks for linked entities {found.depth()} deep; join allows {level}"
        )
    return found
