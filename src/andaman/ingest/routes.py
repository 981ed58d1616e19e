"""HTTP of the feeds: their state for every screen, dead letters for staff."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.identity.audit import AuditTrail
from andaman.identity.bodies import Body
from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.web import actor_of
from andaman.ingest.deadletter import DeadLetterStore
from andaman.ingest.manager import FeedManager
from andaman.ingest.model import FeedOrder, FeedStatus
from andaman.ingest.permissions import CONTROL_FEEDS, INSPECT_FEEDS, READ_LETTERS
from andaman.kernel import query_params
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.http import json_response, read_json
from andaman.kernel.refusals import FieldMissing, FieldTooLong
from andaman.kernel.time import Micros, format_time

MAX_PAGE: Final = 1000
REASON_MAX: Final = 500
"""Characters of a reason."""
_BODY_MAX: Final = 4096
_FEEDS: Final = DoorEntry(
    "GET", "/api/ingest/feeds", Tenancy.CITY, ANYONE, (INSPECT_FEEDS,), cost=Cost.QUESTION
)
_COMMAND: Final = DoorEntry(
    "POST", "/api/ingest/feeds/{feed}/{action}", Tenancy.CITY, CONTROL_FEEDS, body_max=_BODY_MAX
)
_ORDERS: Final = DoorEntry(
    "GET", "/api/ingest/feeds/{feed}/orders", Tenancy.CITY, INSPECT_FEEDS, cost=Cost.QUESTION
)
_LETTERS: Final = DoorEntry("GET", "/api/ingest/dead-letters", Tenancy.CITY, READ_LETTERS)
_PAYLOAD: Final = DoorEntry("GET", "/api/ingest/dead-letters/{letter}/payload", Tenancy.CITY, READ_LETTERS)


def routes(manager: FeedManager, letters: DeadLetterStore, audit: AuditTrail) -> list[BoundDoor]:
    """Feeds, their commands and what could not be read."""

    def row(status: FeedStatus, staff: bool, now: Micros) -> dict[str, Any]:
        recorded = manager.recorded_at(status.id)
        return {**_row(status, staff, now), "recordedAt": None if recorded is None else format_time(recorded)}

    async def feeds(request: Request) -> Response:
        staff = actor_of(request).principal.may(INSPECT_FEEDS)
        now = manager.clock()
        return json_response([row(status, staff, now) for status in manager.status()])

    async def command(request: Request) -> Response:
        feed_id, action = request.path_params["feed"], request.path_params["action"]
        if action not in ("start", "stop"):
            raise ResourceNotFound(f"A feed has the actions start and stop, not {action!r}")
        manager.get_status(feed_id)  # before the body: what is not there has no reason
        reason = _reason(Body(await read_json(request, _BODY_MAX)))
        actor = actor_of(request)
        await (manager.start_feed if action == "start" else manager.stop_feed)(feed_id, actor, reason)
        await audit.add(actor, f"feed.{action}", f"feed:{feed_id}", detail=reason)
        return json_response(row(manager.get_status(feed_id), True, manager.clock()))

    async def orders(request: Request) -> Response:
        feed_id = request.path_params["feed"]
        manager.get_status(feed_id)
        limit = query_params.integer(request.query_params, "limit", 20, 1, 200)
        found = await asyncio.to_thread(manager.offsets.orders, feed_id, limit)
        return json_response([_order(order) for order in found])

    async def dead_letters(request: Request) -> Response:
        asked = request.query_params
        limit = query_params.integer(asked, "limit", 100, 1, MAX_PAGE)
        before = query_params.integer(asked, "before", None, 1, 1 << 62)
        rows = letters.list_newest(limit, before, query_params.text(asked, "feed"))
        return json_response({"total": letters.count(), "counted": letters.counted(), "rows": rows})

    async def payload(request: Request) -> Response:
        text = request.path_params["letter"]
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise ResourceNotFound(f"There is no dead letter {text[:40]}")
        body = await asyncio.to_thread(letters.payload, int(text))
        headers = {
            "Content-Disposition": f'attachment; filename="letter-{text}"',
            "Cache-Control": "no-store",
        }
        return Response(body, headers=headers, media_type="application/octet-stream")

    return [
        _FEEDS.to(feeds),
        _COMMAND.to(command),
        _ORDERS.to(orders),
        _LETTERS.to(dead_letters),
        _PAYLOAD.to(payload),
    ]


def _reason(body: Body) -> str:
    """Raises FieldMissing and FieldTooLong."""
    reason = body.text("reason").strip()
    if not reason:
        raise FieldMissing(field="reason")
    if len(reason) > REASON_MAX or any(character < " " for character in reason):
        raise FieldTooLong(field="reason", limit=REASON_MAX)
    return reason


def _order(order: FeedOrder) -> dict[str, Any]:
    return {"action": order.action, "at": format_time(order.at), "by": order.name, "reason": order.reason}


def _row(status: FeedStatus, staff: bool, now: Micros) -> dict[str, Any]:
    """A feed as screens get it; what went wrong in detail, and who ordered what and why, is for staff."""
    late = status.late_since(now)
    return {
        "id": status.id,
        "name": status.name,
        "origin": status.origin,
        "state": status.state.value,
        "since": None if status.since is None else format_time(status.since),
        "lateSince": None if late is None else format_time(late),
        "expectedSeconds": status.expected_s,
        "lastAt": None if status.last_at is None else format_time(status.last_at),
        "count": status.count,
        "speed": status.speed,
        "restarts": status.restarts,
        "refused": status.refused,
        "ignored": status.ignored,
        "failingSince": None if status.failing_since is None else format_time(status.failing_since),
        "error": status.error if staff else ("failed" if status.error else ""),
        "order": _order(status.order) if staff and status.order is not None else None,
    }
