"""HTTP of the agencies by code and name; their other fields are in the register. Shapes: docs/rooms/identity.md."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.city.agencies import Agencies
from andaman.city.answers import AgencyAnswer
from andaman.identity.bodies import Body
from andaman.identity.doors import BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.permissions import MANAGE_AGENCIES, READ_AGENCIES
from andaman.identity.web import actor_of
from andaman.kernel.http import json_response, read_json
from andaman.kernel.words import Words

_PATH: Final = "/api/identity/agencies"
_BODY_MAX: Final = 65_536
_LIST: Final = DoorEntry("GET", _PATH, Tenancy.CITY, READ_AGENCIES, narrowed=True, cost=Cost.QUESTION)
_PUT: Final = DoorEntry("POST", _PATH, Tenancy.CITY, MANAGE_AGENCIES, body_max=_BODY_MAX, cost=Cost.QUESTION)


def agency_routes(agencies: Agencies) -> list[BoundDoor]:
    async def listed(_: Request) -> Response:
        return json_response([AgencyAnswer(code=code, name=name) for code, name in agencies.names().items()])

    async def put(request: Request) -> Response:
        body = Body(await read_json(request, _BODY_MAX))
        texts = Body(body.members.get("name"))
        code, name = body.text("code"), Words(texts.text("th"), texts.text("en"))
        await agencies.put_name(code, name, actor_of(request))
        return json_response(AgencyAnswer(code=code, name=name), 201)

    return [_LIST.to(listed), _PUT.to(put)]
