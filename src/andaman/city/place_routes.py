"""HTTP of the search for places. Shapes: docs/rooms/city.md."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.broker.api import Broker
from andaman.city.places import MOST, find_places
from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.web import actor_of
from andaman.kernel import query_params
from andaman.kernel.http import json_response

_FIND: Final = DoorEntry("GET", "/api/places", Tenancy.CITY, ANYONE, cost=Cost.QUESTION)
_TEXT_MAX: Final = 100


def place_routes(broker: Broker) -> list[BoundDoor]:
    async def find(request: Request) -> Response:
        asked = request.query_params
        text = query_params.text(asked, "text", "", _TEXT_MAX)
        limit = query_params.integer(asked, "limit", 10, 1, MOST)
        return json_response(await find_places(broker, text, actor_of(request).access, limit))

    return [_FIND.to(find)]
