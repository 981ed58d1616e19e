"""Subscriptions on context source registrations over HTTP (CIM 009 §5.11, §6.12, §6.13)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from andaman.broker.contexts import Context
from andaman.broker.entity.names import check_uri
from andaman.broker.registry.source_subscriptions import SourceSubscriptions
from andaman.broker.subscriptions.model import Subscription
from andaman.doors.ngsild.door import BASE, Door
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.params import flag_of, format_of, limit_of, number_of
from andaman.doors.ngsild.registrations import list_headers
from andaman.doors.ngsild.subscriptions import internal_subscriptions, read_subscription, shown_subscription
from andaman.kernel.errors import BadRequestData, OperationNotSupported
from andaman.kernel.time import Micros

_LIST: Final = frozenset({"limit", "offset", "count", "options"})
_ONE: Final = frozenset({"options"})
_NONE: Final[frozenset[str]] = frozenset()
_MAX_OFFSET: Final = 1_000_000


def service_of(door: Door) -> SourceSubscriptions:
    if door.watches is None:
        raise OperationNotSupported("This platform keeps no context source registrations")
    return door.watches


async def create(door: Door, call: Call) -> Answer:
    """POST /csourceSubscriptions."""
    call.parameters(_NONE)
    payload, context, source = await read_subscription(door, call)
    sub = await service_of(door).create(payload, context, source, call.actor, call.tenant)
    location = f"{BASE}/csourceSubscriptions/{quote(sub.id, safe=':')}"
    return Answer(201, headers=[(b"Location", location.encode())])


async def query(door: Door, call: Call) -> Answer:
    """GET /csourceSubscriptions."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(_LIST)
    context = await door.link_context(call)
    limit = limit_of(given, door.options.default_limit, door.options.max_limit)
    offset = number_of(given, "offset", 0, 0, _MAX_OFFSET)
    flags = format_of(given)[1]
    counts = flag_of(given, "count") or "count" in flags
    if limit == 0 and not counts:
        raise BadRequestData("limit=0 makes sense only with count=true", field="limit")
    found = [*service_of(door).list_all(call.actor, call.tenant), *internal_subscriptions(door, call)]
    now = door.clock()
    content = [
        _shown(door, call, sub, context, now, "sysAttrs" in flags) for sub in found[offset : offset + limit]
    ]
    headers = list_headers(call, given, limit, offset, len(found), counts)
    return door.represented(call, content, media, context, headers)


async def retrieve(door: Door, call: Call) -> Answer:
    """GET /csourceSubscriptions/{id}."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(_ONE)
    sub_id = check_uri(call.segments[1], "subscriptionId")
    context = await door.link_context(call)
    sub = await service_of(door).get_settled(sub_id, call.actor, call.tenant)
    sys_attrs = "sysAttrs" in format_of(given)[1]
    content = _shown(door, call, sub, context, door.clock(), sys_attrs)
    return door.represented(call, content, media, context)


def _shown(
    door: Door, call: Call, sub: Subscription, context: Context, now: Micros, sys_attrs: bool
) -> dict[str, Any]:
    """Without the defaults of subscriptions to entities, which mean nothing here."""
    content = shown_subscription(door, call, sub, context, now, sys_attrs)
    for name in ("notificationTrigger", "jsonldContext"):
        if name not in sub.content:
            content.pop(name, None)
    return content


async def update(door: Door, call: Call) -> Answer:
    """PATCH /csourceSubscriptions/{id}."""
    call.parameters(_NONE)
    sub_id = check_uri(call.segments[1], "subscriptionId")
    payload, context, source = await read_subscription(door, call)
    await service_of(door).update(sub_id, payload, context, source, call.actor, call.tenant)
    return NO_CONTENT


async def delete(door: Door, call: Call) -> Answer:
    """DELETE /csourceSubscriptions/{id}."""
    call.parameters(_NONE)
    sub_id = check_uri(call.segments[1], "subscriptionId")
    await service_of(door).delete(sub_id, call.actor, call.tenant)
    return NO_CONTENT
