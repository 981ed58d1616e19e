"""HTTP of the feeds: their state for every screen, dead letters for staff."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.web import actor_of
from andaman.ingest.deadletter import DeadLetterStore
from andaman.ingest.manager import FeedManager
from andaman.ingest.model import FeedStatus
from andaman.ingest.permissions import CONTROL_FEEDS, INSPECT_FEEDS, READ_LETTERS
from andaman.kernel import query_params
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.http import json_response
from andaman.kernel.time import format_time

MAX_PAGE: Final = 1000
_FEEDS: Final = DoorEntry(
    "GET", "/api/ingest/feeds", Tenancy.CITY, ANYONE, (INSPECT_FEEDS,), cost=Cost.QUESTION
)
_COMMAND: Final = DoorEntry(
    "POST", "/api/ingest/feeds/{feed}/{action}", Tenancy.CITY, CONTROL_FEEDS, audited="feed.command"
)
_LETTERS: Final = DoorEntry("GET", "/api/ingest/dead-letters", Tenancy.CITY, READ_LETTERS)
_PAYLOAD: Final = DoorEntry("GET", "/api/ingest/dead-letters/{letter}/payload", Tenancy.CITY, READ_LETTERS)


def routes(manager: FeedManager, letters: DeadLetterStore) -> list[BoundDoor]:
    """Feeds, their commands and what could not be read."""

    async def feeds(request: Request) -> Response:
        staff = actor_of(request).principal.may(INSPECT_FEEDS)
        return json_response([_row(status, staff) for status in manager.status()])

    async def command(request: Request) -> Response:
        feed_id, action = request.path_params["feed"], request.path_params["action"]
        if action == "start":
            manager.start_feed(feed_id)
        elif action == "stop":
            await manager.stop_feed(feed_id)
        else:
            raise ResourceNotFound(f"A feed has the actions start and stop, not {action!r}")
        return json_response(_row(manager.get_status(feed_id), True))

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

    return [_FEEDS.to(feeds), _COMMAND.to(command), _LETTERS.to(dead_letters), _PAYLOAD.to(payload)]


def _row(status: FeedStatus, staff: bool) -> dict[str, Any]:
    """A feed as screens get it; what went wrong in detail is for staff."""
    return {
        "id": status.id,
        "name": status.name,
        "origin": status.origin,
        "state": status.state.value,
        "lastAt": None if status.last_at is None else format_time(status.last_at),
        "count": status.count,
        "speed": status.speed,
        "restarts": status.restarts,
        "refused": status.refused,
        "ignored": status.ignored,
        "failingSince": None if status.failing_since is None else format_time(status.failing_since),
        "error": status.error if staff else ("failed" if status.error else ""),
    }
