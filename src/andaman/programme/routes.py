"""HTTP of the programme: the state at a time, and a quarter's page."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.web import actor_of
from andaman.kernel.errors import BadRequestData
from andaman.kernel.http import json_response
from andaman.kernel.time import parse_time
from andaman.programme.service import ProgrammeService

_AT: Final = DoorEntry("GET", "/api/programme", Tenancy.CITY, ANYONE, cost=Cost.QUESTION)
_QUARTER: Final = DoorEntry("GET", "/api/programme/quarter", Tenancy.CITY, ANYONE, cost=Cost.QUESTION)


def routes(service: ProgrammeService) -> list[BoundDoor]:
    """``GET /api/programme?at=`` and ``GET /api/programme/quarter?year=&quarter=``."""

    async def programme(request: Request) -> Response:
        text = request.query_params.get("at")
        try:
            at = parse_time(text) if text else None
        except ValueError as error:
            raise BadRequestData(str(error), field="at") from None
        return json_response(await service.at(at, actor_of(request).access))

    async def quarter(request: Request) -> Response:
        return json_response(
            await service.quarter(
                _number(request, "year"), _number(request, "quarter"), actor_of(request).access
            )
        )

    return [_AT.to(programme), _QUARTER.to(quarter)]


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise BadRequestData(f"{name}={text[:20]!r} must be a whole number", field=name)
    return int(text)
