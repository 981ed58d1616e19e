"""Subscriptions over HTTP (CIM 009 §5.8, §6.10, §6.11)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from andaman.broker.contexts import Context
from andaman.broker.entity.names import check_uri
from andaman.broker.exchange.copies import PATH as REMOTE_PATH
from andaman.broker.exchange.copies import RemoteCopies
from andaman.broker.query.model import EntityQuery, Page
from andaman.broker.subscriptions.model import DEFAULT_TRIGGERS, Subscription
from andaman.broker.subscriptions.parse import compacted
from andaman.broker.subscriptions.service import Subscriptions
from andaman.doors.ngsild.consumption import page_headers
from andaman.doors.ngsild.distributed.faults import LoopDetected
from andaman.doors.ngsild.door import BASE, Door
from andaman.doors.ngsild.http import LD_JSON, NO_CONTENT, Answer, Call
from andaman.doors.ngsild.negotiate import choose_media
from andaman.doors.ngsild.params import flag_of, format_of, limit_of, number_of
from andaman.kernel.errors import BadRequestData, ResourceNotFound
from andaman.kernel.http import STRANGERS_BODY
from andaman.kernel.time import Micros, format_time

_CREATE: Final = frozenset({"local"})
_LIST: Final = frozenset({"limit", "offset", "count", "options", "local"})
_ONE: Final = frozenset({"options", "local"})
_MAX_OFFSET: Final = 10_000_000


def service_of(door: Door) -> Subscriptions:
    """The subscriptions of this platform."""
    if door.subscriptions is None:
        raise ResourceNotFound("There are no subscriptions here")
    return door.subscriptions


async def create(door: Door, call: Call) -> Answer:
    """POST /subscriptions."""
    given = call.parameters(_CREATE)
    payload, context, source = await read_subscription(door, call)
    if flag_of(given, "local") and isinstance(payload, dict):
        payload.setdefault("localOnly", True)
    via = _came_by(door, call)
    sub = await service_of(door).create(
        payload, context, source, call.actor, call.tenant, base=base_url(door, call), via=via
    )
    location = f"{BASE}/subscriptions/{quote(sub.id, safe=':@!$&*+,;=-._~')}"
    return Answer(201, headers=[(b"Location", location.encode())])


def _came_by(door: Door, call: Call) -> list[str]:
    """Brokers that this subscription came by; one that comes back to where it began is refused (§4.3.6.4)."""
    if door.sources is None or b"via" not in call.headers:
        return []
    found = door.sources.came_by(call)
    if door.alias(call.tenant) in found:
        raise LoopDetected("This subscription came by here before")
    return sorted(found)


_COPY: Final = re.compile(rb'"subscriptionId"\s*:\s*"([\x20-\x7e]{1,300}?)"')


async def remote_notify(door: Door, call: Call) -> Answer:
    """POST /ngsi-ld/ex/remote-notify: notifications that context sources send for copies of subscriptions. Any source
    that knows the random id of a copy may send them.
    """
    remote = service_of(door).remote
    if not isinstance(remote, RemoteCopies) or not remote.has_copies:
        raise ResourceNotFound("There is no such subscription here")

    def look(body: bytes) -> None:
        """A large body is parsed only where the copy it names, unparsed, is one."""
        if len(body) > STRANGERS_BODY:
            named = _COPY.search(body)
            remote.find(named[1].decode() if named else "")

    payload, ld = await call.json(door.options.max_body, look)
    if isinstance(payload, dict) and isinstance(payload.get("subscriptionId"), str):
        remote.find(payload["subscriptionId"])  # before anything is fetched for a stranger
    context = await door.body_context(call, payload, ld)
    await remote.take(payload, context)
    return Answer(200)


def internal_subscriptions(door: Door, call: Call) -> list[Subscription]:
    """The subscriptions to registrations that stand behind distributed subscriptions (§5.8.1.4)."""
    service = door.subscriptions
    if service is None or not isinstance(service.remote, RemoteCopies):
        return []
    mine = {sub.key for sub in service.list_all(call.actor, call.tenant)}
    return [
        replace(
            sub,
            id=f"urn:ngsi-ld:Subscription:{sub.key}:sources",
            content={
                **{
                    name: sub.content[name]
                    for name in ("entities", "watchedAttributes")
                    if name in sub.content
                },
                "notification": {"endpoint": {"uri": sub.extra.get("base", "") + REMOTE_PATH}},
            },
        )
        for sub in service.remote.internal(call.tenant)
        if sub.key in mine
    ]


async def query(door: Door, call: Call) -> Answer:
    """GET /subscriptions."""
    media = choose_media(call.headers.get(b"accept"), False)
    given = call.parameters(_LIST)
    context = await door.link_context(call)
    options = door.options
    limit = limit_of(given, options.default_limit, options.max_limit)
    offset = number_of(given, "offset", 0, 0, _MAX_OFFSET)
    _, flags = format_of(given)
    count = flag_of(given, "count") or "count" in flags
    if limit == 0 and not count:
        raise BadRequestData("limit=0 makes sense only with count=true", field="limit")
    service = service_of(door)
    found = service.list_all(call.actor, call.tenant)
    page = found[offset : offset + limit]
    asked = EntityQuery(limit=limit, offset=offset, count=count)
    # The paging links of this resource name JSON-LD, whatever was asked for: the suite and other brokers have it so.
    headers = page_headers(call, asked, Page([], len(found)), len(found) > offset + limit, given, LD_JSON)
    now = service.now()
    shown = [shown_subscription(door, call, sub, context, now, "sysAttrs" in flags) for sub in page]
    return door.represented(call, shown, media, context, headers)


async def retrieve(door: Door, call: Call) -> Answer:
    """GET /subscriptions/{id}."""
    media = choose_media(call.headers.get(b"accept"), False)
    sub_id = check_uri(call.segments[1], "subscriptionId")
    given = call.parameters(_ONE)
    context = await door.link_context(call)
    _, flags = format_of(given)
    service = service_of(door)
    sub = await service.get_settled(sub_id, call.actor, call.tenant)
    return door.represented(
        call, shown_subscription(door, call, sub, context, service.now(), "sysAttrs" in flags), media, context
    )


async def update(door: Door, call: Call) -> Answer:
    """PATCH /subscriptions/{id}."""
    sub_id = check_uri(call.segments[1], "subscriptionId")
    call.parameters(_CREATE)
    payload, context, source = await read_subscription(door, call)
    await service_of(door).update(sub_id, payload, context, source, call.actor, call.tenant)
    return NO_CONTENT


async def delete(door: Door, call: Call) -> Answer:
    """DELETE /subscriptions/{id}."""
    sub_id = check_uri(call.segments[1], "subscriptionId")
    call.parameters(_CREATE)
    await service_of(door).delete(sub_id, call.actor, call.tenant)
    return NO_CONTENT


async def read_subscription(door: Door, call: Call) -> tuple[Any, Context, Any]:
    """The body, its context, and a @context value that can be kept: a URL, or None for the core context alone.

    A @context that is more than one URL is hosted as "ImplicitlyCreated" (§5.13.1), so that receivers can fetch it.
    """
    payload, ld = await call.json(door.options.max_body)
    context = await door.body_context(call, payload, ld)
    return payload, *await kept_context(door, call, context)


async def kept_context(door: Door, call: Call, context: Context) -> tuple[Context, Any]:
    """A context that notifications can name by a URL, and that URL (None: the core context)."""
    source = context.source
    if isinstance(source, list) and len(source) == 1:
        source = source[0]
    if source is None or isinstance(source, str):
        return context, source
    document = {"@context": source}
    store, owner = door.contexts, call.actor.principal.id
    entry = next(
        (
            one
            for one in store.list_entries(call.tenant)
            # Everybody's own: who deletes it takes it from no other's subscription.
            if one.kind == "ImplicitlyCreated" and one.creator == owner and one.document == document
        ),
        None,
    )
    if entry is None:
        entry = await store.host(document, "ImplicitlyCreated", call.tenant, owner)
    url = f"{base_url(door, call)}{BASE}/jsonldContexts/{entry.id}"
    return await store.resolve(url), url


def base_url(door: Door, call: Call) -> str:
    """Under which address this request found the platform."""
    host = call.headers.get(b"host", b"localhost").decode("latin-1")
    return door.options.public_url.rstrip("/") or f"http://{host}"


def shown_subscription(
    door: Door, call: Call, sub: Subscription, context: Context, now: Micros, sys_attrs: bool
) -> dict[str, Any]:
    """§5.2.12 with the read-only members."""
    out: dict[str, Any] = {"id": sub.id, "type": "Subscription", **compacted(sub.content, context)}
    out.setdefault("notificationTrigger", list(DEFAULT_TRIGGERS))
    out.setdefault("jsonldContext", sub.context.link)
    counters = sub.counters
    notification = out["notification"]
    if counters:
        notification["status"] = counters.status or "ok"
        notification["timesSent"] = counters.sent
        if counters.failed:
            notification["timesFailed"] = counters.failed
        for name, at in (
            ("lastNotification", counters.last_notification),
            ("lastSuccess", counters.last_success),
            ("lastFailure", counters.last_failure),
        ):
            if at:
                notification[name] = format_time(at)
    out["status"], why = sub.shown_status(now)
    if why:
        out["pausedBecause"] = why
    if sys_attrs:
        out["createdAt"], out["modifiedAt"] = format_time(sub.created), format_time(sub.modified)
    return out
