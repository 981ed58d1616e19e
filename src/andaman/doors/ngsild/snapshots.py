"""Snapshots over HTTP (CIM 009 §5.16, §6.36, §6.37, §6.38)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from andaman.broker.contexts import Context
from andaman.broker.entity.names import check_uri
from andaman.broker.model import Doc
from andaman.broker.query.ast import And, Not, Or, Path, QExpr
from andaman.broker.query.evaluate import matches_q
from andaman.broker.query.model import EntityQuery, Page
from andaman.broker.query.parse import parse_q
from andaman.broker.snapshots.model import MEMBERS, QUERIES, TEMPORAL_QUERIES, Snapshot, checked
from andaman.broker.snapshots.service import Snapshots
from andaman.doors.ngsild.consumption import page_headers
from andaman.doors.ngsild.door import BASE, Door
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.params import flag_of, limit_of, number_of
from andaman.doors.ngsild.snapshot_queries import compiled, expanded, shortened
from andaman.kernel.errors import BadRequestData, NoSuchTenant, ResourceNotFound, TooComplexQuery

_LOCAL: Final = frozenset({"local"})
_PURGE: Final = frozenset({"local", "q"})
_LIST: Final = frozenset({"local", "q", "limit", "offset", "count"})
_MAX_OFFSET: Final = 10_000_000
_TIMES: Final = frozenset({"createdAt", "modifiedAt", "expiresAt"})
"""Members that ``q`` finds on the entity itself; the others stand as attributes."""


def service_of(door: Door) -> Snapshots:
    if door.snapshots is None:
        raise ResourceNotFound("There are no snapshots here")
    return door.snapshots


async def create(door: Door, call: Call) -> Answer:
    """POST /snapshots (§5.16.1)."""
    local = flag_of(call.parameters(_LOCAL), "local")
    service = service_of(door)
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    given = checked(payload, new=True)
    most, number = (
        service.limits.queries,
        sum(len(given.get(name, ())) for name in (QUERIES, TEMPORAL_QUERIES)),
    )
    if number > most:
        raise TooComplexQuery(f"A snapshot has at most {most} queries, not {number}", field=QUERIES)
    gather = compiled(door, call, given, context, local)
    _check_tenant(door, call)
    kept = {
        name: [expanded(one, context) for one in value] if name in (QUERIES, TEMPORAL_QUERIES) else value
        for name, value in given.items()
    }
    return _created(await service.create(kept, gather, call.actor, call.tenant))


async def clone(door: Door, call: Call) -> Answer:
    """POST /snapshots/{id}/clone (§5.16.2). The body may be missing."""
    call.parameters(_LOCAL)
    snapshot_id = check_uri(call.segments[1], "snapshotId")
    given: dict[str, Any] = {}
    if call.headers.get(b"content-length", b"0") != b"0":
        payload, ld = await call.json(door.options.max_body)
        await door.body_context(call, payload, ld)
        given = checked(payload, clone=True)
    return _created(await service_of(door).clone(snapshot_id, given, call.actor, call.tenant))


async def retrieve(door: Door, call: Call) -> Answer:
    """GET /snapshots/{id} (§5.16.3)."""
    media = choose_media(call.headers.get(b"accept"), False)
    call.parameters(_LOCAL)
    snapshot_id = check_uri(call.segments[1], "snapshotId")
    context = await door.link_context(call)
    one = service_of(door).get(snapshot_id, call.actor, call.tenant)
    return door.represented(call, shown(one, context), media, context)


async def query(door: Door, call: Call) -> Answer:
    """GET /snapshots: those that the caller may know of, which the specification leaves out; ``q`` as in a purge."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(_LIST)
    context = await door.link_context(call)
    options = door.options
    limit = limit_of(given, options.default_limit, options.max_limit)
    offset = number_of(given, "offset", 0, 0, _MAX_OFFSET)
    count = flag_of(given, "count")
    if limit == 0 and not count:
        raise BadRequestData("limit=0 makes sense only with count=true", field="limit")
    found = service_of(door).list_all(call.actor, call.tenant)
    if "q" in given:
        condition = condition_of(given["q"])
        found = [one for one in found if matches_q(condition, as_entity(one))]
    page = found[offset : offset + limit]
    asked = EntityQuery(limit=limit, offset=offset, count=count)
    more = len(found) > offset + limit
    headers = page_headers(call, asked, Page([], len(found)), more, given, media)
    return door.represented(call, [shown(one, context) for one in page], media, context, headers)


async def update(door: Door, call: Call) -> Answer:
    """PATCH /snapshots/{id} (§5.16.4); answers the snapshot as it is now."""
    media = choose_media(call.headers.get(b"accept"), False)
    call.parameters(_LOCAL)
    snapshot_id = check_uri(call.segments[1], "snapshotId")
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    given = checked(payload)
    one = await service_of(door).update(snapshot_id, given, call.actor, call.tenant)
    return door.represented(call, shown(one, context), media, context)


async def delete(door: Door, call: Call) -> Answer:
    """DELETE /snapshots/{id} (§5.16.5)."""
    call.parameters(_LOCAL)
    snapshot_id = check_uri(call.segments[1], "snapshotId")
    await service_of(door).delete(snapshot_id, call.actor, call.tenant)
    return NO_CONTENT


async def purge(door: Door, call: Call) -> Answer:
    """DELETE /snapshots?q=… (§5.16.7)."""
    given = call.parameters(_PURGE)
    if "q" not in given:
        raise BadRequestData(
            "Say which snapshots: q over their members, such as snapshotPriority<5", field="q"
        )
    condition = condition_of(given["q"])
    await service_of(door).purge(lambda one: matches_q(condition, as_entity(one)), call.actor, call.tenant)
    return NO_CONTENT


def _check_tenant(door: Door, call: Call) -> None:
    """A snapshot of a tenant that is not there would make it look as if it were; sources may know it."""
    registered = door.registry is not None and door.registry.of(call.tenant) is not None
    if call.tenant and not registered and call.tenant not in door.broker.tenants():
        raise NoSuchTenant(f"There is no tenant {call.tenant!r}; the first write to a tenant makes it")


def _created(one: Snapshot) -> Answer:
    location = f"{BASE}/snapshots/{quote(one.id, safe=':@!$&*+,;=-._~')}"
    return Answer(201, headers=[(b"Location", location.encode())])


def shown(one: Snapshot, context: Context) -> dict[str, Any]:
    """§5.2.41 in the names of the request."""
    out = one.shown()
    for name in (QUERIES, TEMPORAL_QUERIES):
        if name in out:
            out[name] = [shortened(each, context) for each in out[name]]
    return out


# -- q over snapshots (§5.16.7.4) -------------------------------------------------------------------------------


def condition_of(text: str) -> QExpr:
    """Raises BadRequestData where ``q`` names anything but members of a snapshot."""
    found = parse_q(text, str)
    for path in _paths(found):
        if path.links or (path.attr or path.member) not in MEMBERS:
            name = path.links[0].attr if path.links else path.attr or path.member
            raise BadRequestData(
                f"q: a snapshot has no member {name[:80]!r} to ask for; it has {', '.join(sorted(MEMBERS))}",
                field="q",
            )
    return found


def _paths(expr: QExpr) -> Iterator[Path]:
    if isinstance(expr, (And, Or)):
        for part in expr.parts:
            yield from _paths(part)
    elif isinstance(expr, Not):
        yield from _paths(expr.part)
    else:
        yield expr.path


def as_entity(one: Snapshot) -> Doc:
    """A snapshot in the form that ``q`` is evaluated on."""
    members = one.shown()
    attrs = {
        name: [{"type": "Property", "value": value}] for name, value in members.items() if name not in _TIMES
    }
    times: Doc = {name: members[name] for name in _TIMES}
    return {**times, "id": one.id, "type": ["Snapshot"], "attrs": attrs}
