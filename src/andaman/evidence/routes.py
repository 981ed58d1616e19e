"""HTTP of evidence. Shapes: docs/rooms/evidence.md."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.evidence.problems import NoSuchFigure
from andaman.evidence.service import PAGE, Evidence
from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.web import actor_of, tenant_of
from andaman.kernel import query_params
from andaman.kernel.http import json_response

_KEY_MAX: Final = 1_000
_LIMIT_MAX: Final = 1_000
_OFFSET_MAX: Final = 1_000_000
_ENTRY: Final = DoorEntry("GET", "/api/evidence/{kind}/{key:path}", Tenancy.BOTH, ANYONE, cost=Cost.QUESTION)


def routes(evidence: Evidence) -> list[BoundDoor]:
    """A page of the entities behind a figure, with its meaning."""

    async def basis(request: Request) -> Response:
        asked = query_params.only(request.query_params.multi_items(), (), {"offset", "limit", "at"})
        kind, key = str(request.path_params["kind"]), str(request.path_params["key"])
        if len(key) > _KEY_MAX or not key.isprintable():
            raise NoSuchFigure
        found = await evidence.ask(
            kind,
            key,
            actor_of(request),
            tenant_of(request),
            at=query_params.time(asked, "at", None),
            offset=query_params.integer(asked, "offset", 0, 0, _OFFSET_MAX),
            limit=query_params.integer(asked, "limit", PAGE, 1, _LIMIT_MAX),
        )
        return json_response(found, headers={"Cache-Control": "no-store"})

    return [_ENTRY.to(basis)]
