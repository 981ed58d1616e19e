"""HTTP of the registers. Staff read them; administrators edit them. Shapes: docs/rooms/city.md."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.city.answers import RegisterListed, RegisterPage
from andaman.city.permissions import MANAGE_REGISTERS, READ_REGISTERS
from andaman.city.problems import NoSuchRegister
from andaman.city.registers import Registers
from andaman.definitions.service import Definitions
from andaman.identity.doors import BoundDoor, DoorEntry, Tenancy
from andaman.identity.web import actor_of
from andaman.kernel import query_params
from andaman.kernel.http import json_response, read_json
from andaman.register import Register

_BODY_MAX: Final = 200_000
_LIST: Final = DoorEntry("GET", "/api/registers", Tenancy.CITY, READ_REGISTERS, (MANAGE_REGISTERS,))
_ONE: Final = DoorEntry("GET", "/api/registers/{name}", Tenancy.CITY, READ_REGISTERS, (MANAGE_REGISTERS,))
_ROW: Final = DoorEntry(
    "GET", "/api/registers/{name}/{id}", Tenancy.CITY, READ_REGISTERS, (MANAGE_REGISTERS,)
)
_PUT: Final = DoorEntry(
    "PUT", "/api/registers/{name}/{id}", Tenancy.CITY, MANAGE_REGISTERS, body_max=_BODY_MAX
)
_DELETE: Final = DoorEntry("DELETE", "/api/registers/{name}/{id}", Tenancy.CITY, MANAGE_REGISTERS)


def routes(registers: Registers, definitions: Definitions) -> list[BoundDoor]:
    async def listed(request: Request) -> Response:
        found = [
            RegisterListed(name=one.name, words=one.words, rows=len(registers.listed(one)))
            for one in registers.list_registers()
            if _shown(one, request)
        ]
        return json_response(found)

    def asked(request: Request) -> Register[Any]:
        """Raises NoSuchRegister also for one that the caller may not read."""
        register = registers.get(request.path_params["name"])
        if not _shown(register, request):
            raise NoSuchRegister(id=register.name)
        return register

    async def one(request: Request) -> Response:
        register = asked(request)
        page = RegisterPage(
            name=register.name,
            words=register.words,
            type=register.entity_type.name,
            fields=register.fields,
            rows=registers.listed(register),
        )
        return json_response(page)

    async def row(request: Request) -> Response:
        register = asked(request)
        return json_response(registers.row(register, request.path_params["id"]))

    async def put(request: Request) -> Response:
        register = registers.get(request.path_params["name"])
        content = await read_json(request, _BODY_MAX)
        if not isinstance(content, dict):
            register.read(content)
        code = request.path_params["id"]
        kind, asked = definitions.kind(register.name), request.query_params
        reason, base = query_params.text(asked, "reason").strip(), asked.get("base")
        await definitions.put(kind, code, content, actor_of(request), reason, base=base)
        return json_response(registers.row(register, code))

    async def delete(request: Request) -> Response:
        register = registers.get(request.path_params["name"])
        code = request.path_params["id"]
        if code in registers.rows(register):
            kind, asked = definitions.kind(register.name), request.query_params
            reason, base = query_params.text(asked, "reason").strip(), asked.get("base")
            await definitions.put(kind, code, None, actor_of(request), reason, base=base)
        else:  # a row that cannot be read has no version
            await registers.delete(register, code, actor_of(request))
        return Response(status_code=204)

    return [_LIST.to(listed), _ONE.to(one), _ROW.to(row), _PUT.to(put), _DELETE.to(delete)]


def _shown(register: Register[Any], request: Request) -> bool:
    return not register.confidential or actor_of(request).principal.may(MANAGE_REGISTERS)
