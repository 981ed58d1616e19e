"""HTTP of the programme: the state at a time, and a quarter's page."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.web import actor_of
from andaman.kernel import query_params
from andaman.kernel.http import json_response
from andaman.programme.service import ProgrammeService

_AT: Final = DoorEntry("GET", "/api/programme", Tenancy.CITY, ANYONE, cost=Cost.QUESTION)
_QUARTER: Final = DoorEntry("GET", "/api/programme/quarter", Tenancy.CITY, ANYONE, cost=Cost.QUESTION)


def routes(service: ProgrammeService) -> list[BoundDoor]:
    """``GET /api/programme?at=`` and ``GET /api/programme/quarter?year=&quarter=``."""

    async def programme(request: Request) -> Response:
        at = query_params.time(request.query_params, "at", None)
        return json_response(await service.at(at, actor_of(request).access))

    async def quarter(request: Request) -> Response:
        asked = request.query_params
        year = query_params.integer(asked, "year", None, 1, 9999)
        number = query_params.integer(asked, "quarter", None, 1, 4)
        return json_response(await service.quarter(year, number, actor_of(request).access))

    return [_AT.to(programme), _QUARTER.to(quarter)]
