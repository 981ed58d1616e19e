"""Context source registrations: register, change, delete, retrieve, discover (CIM 009 §5.9, §5.10, §6.8, §6.9).

They send others' questions and data elsewhere: administrators decide about them, staff may read them (``entries``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from andaman.broker.contexts import Context
from andaman.broker.entity.names import check_uri
from andaman.broker.query.ast import GeoQuery, QExpr, ScopeExpr
from andaman.broker.query.evaluate import matches_q, matches_scope
from andaman.broker.query.model import TemporalQuery
from andaman.broker.query.parse import parse_geo, parse_q, parse_scope, parse_types
from andaman.broker.registry.document import shown
from andaman.broker.registry.match import (
    Spec,
    matches_place,
    matches_time,
    names_in,
    source_doc,
)
from andaman.broker.registry.model import Registration
from andaman.broker.registry.service import Registry, why_paused
from andaman.broker.registry.visibility import is_for, shown_of
from andaman.doors.ngsild.door import BASE, Door
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call, Headers
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.params import (
    attr_names,
    flag_of,
    format_of,
    limit_of,
    number_of,
    pattern_of,
)
from andaman.doors.ngsild.temporal_params import temporal_query_of
from andaman.identity.powers import administers
from andaman.kernel.errors import BadRequestData, OperationNotSupported, ResourceNotFound

_GEO: Final = frozenset({"georel", "geometry", "coordinates", "geoproperty"})
_TIME: Final = frozenset({"timerel", "timeAt", "endTimeAt", "timeproperty"})
_QUERY: Final = (
    frozenset(
        {"id", "type", "idPattern", "attrs", "q", "csf", "scopeQ", "limit", "offset", "count", "options"}
    )
    | {"lang", "geometryProperty", "datasetId", "local"}
    | _GEO
    | _TIME
)
_RETRIEVE: Final = frozenset({"options"})
_NONE: Final[frozenset[str]] = frozenset()
_MAX_OFFSET: Final = 1_000_000
_PLAIN: Final = ":/*.,;|!$()@'~-_="  # needs no escape inside a parameter


def registry_of(door: Door) -> Registry:
    if door.registry is None:
        raise OperationNotSupported("This platform keeps no context source registrations")
    return door.registry


async def register(door: Door, call: Call) -> Answer:
    """POST /csourceRegistrations."""
    call.parameters(_NONE)
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    one = await registry_of(door).register(payload, context, call.tenant, call.actor)
    path = f"{BASE}/csourceRegistrations/{quote(one.id, safe=':')}"
    return Answer(201, headers=[(b"Location", path.encode())])


async def update(door: Door, call: Call) -> Answer:
    """PATCH /csourceRegistrations/{id}."""
    call.parameters(_NONE)
    registration_id = check_uri(call.segments[1], "registrationId")
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    await registry_of(door).update(registration_id, payload, context, call.tenant, call.actor)
    return NO_CONTENT


async def delete(door: Door, call: Call) -> Answer:
    """DELETE /csourceRegistrations/{id}."""
    call.parameters(_NONE)
    registration_id = check_uri(call.segments[1], "registrationId")
    await registry_of(door).delete(registration_id, call.tenant)
    return NO_CONTENT


async def retrieve(door: Door, call: Call) -> Answer:
    """GET /csourceRegistrations/{id}."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(_RETRIEVE)
    registration_id = check_uri(call.segments[1], "registrationId")
    context = await door.link_context(call)
    one = registry_of(door).get(registration_id, call.tenant)
    if not is_for(one, call.actor.access):
        raise ResourceNotFound(f"There is no context source registration {registration_id}")
    sys_attrs = "sysAttrs" in format_of(given)[1]
    return door.represented(call, _shown(door, call, one, context, sys_attrs), media, context)


def _shown(
    door: Door,
    call: Call,
    one: Registration,
    context: Context,
    sys_attrs: bool,
) -> dict[str, Any]:
    """A registration; the headers sent along to the source may be secret, and only administrators see them."""
    status = registry_of(door).health(one.id, call.tenant).shown()
    content = shown(one.document, context, status, sys_attrs=sys_attrs)
    if not administers(call.actor):
        content.pop("contextSourceInfo", None)
    if registry_of(door).is_paused(one, call.tenant):
        content |= {"status": "failed", "pausedBecause": why_paused(one)}
    return content


@dataclass(frozen=True, slots=True)
class Discovery:
    """A client's question about sources (§5.10.2.3)."""

    spec: Spec
    geo: GeoQuery | None = None
    time: TemporalQuery | None = None
    csf: QExpr | None = None
    scope: ScopeExpr | None = None


def discovery_of(given: Mapping[str, Any], context: Context) -> Discovery:
    """Of parameters; empty ones count as not given. Raises BadRequestData, also when it is too wide."""
    given = {name: value for name, value in given.items() if value != ""}
    ids = given.get("id")
    pattern = given.get("idPattern")
    q = parse_q(given["q"], context.expand_term) if "q" in given else None
    geo = _geo(given, context)
    time = temporal_query_of(given, False, 1) if _TIME & given.keys() else None
    names = attr_names(given["attrs"], context) if "attrs" in given else _NONE
    if q is not None:
        names |= names_in(q)
    if geo is not None:
        names |= {geo.geoproperty}
    wide = not (given.keys() & {"type", "id", "idPattern"} or names)
    if wide:
        raise BadRequestData(
            "The query is too wide: give at least one of type, attrs, georel, or a q that names an attribute"
        )
    spec = Spec(
        types=parse_types(given["type"], context.expand_term) if "type" in given else None,
        ids=tuple(check_uri(one, "id") for one in ids.split(",")) if ids is not None else (),
        id_pattern=pattern_of(pattern, "idPattern") if pattern is not None and ids is None else None,
        attrs=names,
        datasets=frozenset(given["datasetId"].split(",")) if "datasetId" in given else _NONE,
    )
    return Discovery(
        spec,
        geo,
        time,
        parse_q(given["csf"], context.expand_term) if "csf" in given else None,
        parse_scope(given["scopeQ"]) if "scopeQ" in given else None,
    )


def _geo(given: Mapping[str, Any], context: Context) -> GeoQuery | None:
    if not (_GEO - {"geoproperty"}) & given.keys():
        return None
    missing = [name for name in ("georel", "geometry", "coordinates") if name not in given]
    if missing:
        raise BadRequestData(f"A geo query needs {', '.join(missing)} too", field=missing[0])
    return parse_geo(
        str(given["georel"]),
        str(given["geometry"]),
        given["coordinates"],
        given.get("geoproperty"),
        context.expand_term,
    )


def fits(one: Registration, wanted: Discovery) -> bool:
    """The conditions besides entities and attributes: area, time, the source's own properties, scope."""
    return (
        matches_time(one, wanted.time)
        and (wanted.geo is None or matches_place(one, wanted.geo))
        and (wanted.csf is None or matches_q(wanted.csf, source_doc(one)))
        and (wanted.scope is None or matches_scope(wanted.scope, one.scopes))
    )


async def query(door: Door, call: Call) -> Answer:
    """GET /csourceRegistrations."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(_QUERY)
    context = await door.link_context(call)
    wanted = discovery_of(given, context)
    limit = limit_of(given, door.options.default_limit, door.options.max_limit)
    offset = number_of(given, "offset", 0, 0, _MAX_OFFSET)
    flags = format_of(given)[1]
    counts = flag_of(given, "count") or "count" in flags
    if limit == 0 and not counts:
        raise BadRequestData("limit=0 makes sense only with count=true", field="limit")
    there = registry_of(door).of(call.tenant)
    found = (
        []
        if there is None
        else [
            one
            for one, infos in there.matching(wanted.spec, every=True)
            if shown_of(infos, call.actor.access) and fits(one, wanted)
        ]
    )
    content = [
        _shown(door, call, one, context, "sysAttrs" in flags) for one in found[offset : offset + limit]
    ]
    headers = list_headers(call, given, limit, offset, len(found), counts)
    return door.represented(call, content, media, context, headers)


def list_headers(
    call: Call, given: Mapping[str, str], limit: int, offset: int, total: int, counts: bool
) -> Headers:
    """NGSILD-Results-Count and the paging links of a list of registrations or of subscriptions on them (§6.3.10)."""
    headers: Headers = [(b"ngsild-results-count", str(total).encode())] if counts else []
    path = f"{BASE}/{call.segments[0]}"
    pages = [("next", offset + limit)] if limit and offset + limit < total else []
    if limit and offset:
        pages.append(("prev", max(0, offset - limit)))
    for relation, start in pages:
        changed = {**given, "limit": str(limit), "offset": str(start)}
        query = "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in changed.items())
        link = f'<{path}?{query}>;rel="{relation}";type="application/ld+json"'
        headers.append((b"link", link.encode("latin-1")))
    return headers
