"""HTTP of the command center (docs/api.md). Roles: operators acknowledge, report and note; dispatchers assign, take
steps and close; administrators change rules. A drill's tenant comes in the header ``NGSILD-Tenant``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from andaman.broker.entity.build import simplify
from andaman.command.incident_types import INCIDENT_TYPES, UNIT_TYPES
from andaman.command.reading import members, read_incident, text, uri
from andaman.command.service import CommandService
from andaman.identity.model import Actor, Role
from andaman.identity.web import actor_of, require
from andaman.kernel.errors import BadRequestData, InvalidRequest
from andaman.kernel.http import json_response, read_json
from andaman.kernel.ids import is_tenant
from andaman.kernel.time import EARLIEST, HOUR, Micros, parse_time, system_clock

Handler = Callable[[Request], Awaitable[Response]]
_BODY_MAX = 200_000


def tenant_of(request: Request) -> str:
    """The tenant asked for; "" for the city. Raises BadRequestData where it is no name of a tenant."""
    tenant = request.headers.get("NGSILD-Tenant", "")
    if tenant and not is_tenant(tenant):
        raise BadRequestData(
            "NGSILD-Tenant must be up to 64 letters, digits, '_', '-' and '.'", field="NGSILD-Tenant"
        )
    return tenant


async def body_of(request: Request, *allowed: str) -> dict[str, Any]:
    """The JSON object of the body; an empty body is an empty object."""
    return members(await read_json(request, _BODY_MAX, empty={}), allowed)


def _time(request: Request, name: str) -> Micros | None:
    found = request.query_params.get(name)
    if found is None:
        return None
    try:
        return parse_time(found.replace(" ", "+"))
    except ValueError as error:
        raise InvalidRequest(str(error), field=name) from None


def _number(request: Request, name: str, default: int, low: int, high: int) -> int:
    found = request.query_params.get(name)
    if found is None:
        return default
    if not found.isascii() or not found.isdigit() or len(found) > 9 or not low <= int(found) <= high:
        raise InvalidRequest(f"{name} is a whole number from {low} to {high}", field=name)
    return int(found)


def routes(service: CommandService) -> list[BaseRoute]:
    """Every route under /api/command."""
    desk = service.desk

    def staff(request: Request) -> Actor:
        return require(request, Role.OPERATOR, Role.DISPATCHER, Role.ANALYST)

    async def summary(request: Request) -> Response:
        return json_response(service.summary(actor_of(request).access, tenant_of(request)))

    async def incident_types(request: Request) -> Response:
        return json_response([one.json() for one in INCIDENT_TYPES.values()])

    async def unit_types(request: Request) -> Response:
        found = [{"code": c, "name": {"th": th, "en": en}} for c, (th, en) in UNIT_TYPES.items()]
        return json_response(found)

    async def acknowledge(request: Request) -> Response:
        actor = require(request, Role.OPERATOR, Role.DISPATCHER)
        body = await body_of(request, "note")
        done = await desk.acknowledge(
            request.path_params["id"], text(body, "note"), actor, tenant_of(request)
        )
        return json_response(done)

    async def close_alert(request: Request) -> Response:
        actor = require(request, Role.OPERATOR, Role.DISPATCHER)
        body = await body_of(request, "reason")
        done = await desk.close_alert(
            request.path_params["id"], text(body, "reason"), actor, tenant_of(request)
        )
        return json_response(done)

    async def open_incident(request: Request) -> Response:
        actor = require(request, Role.OPERATOR, Role.DISPATCHER)
        tenant = tenant_of(request)
        read = read_incident(await read_json(request, _BODY_MAX))
        incident_id = await desk.open_incident(read, actor, tenant)
        headers = {"Location": f"/api/command/incidents/{incident_id}"}
        return json_response(desk.detail(incident_id, actor.access, tenant), 201, headers)

    def detail(request: Request, actor: Actor, incident_id: str) -> Response:
        return json_response(desk.detail(incident_id, actor.access, tenant_of(request)))

    async def incident(request: Request) -> Response:
        actor, incident_id = staff(request), request.path_params["id"]
        at = _time(request, "at")
        if at is None:
            return detail(request, actor, incident_id)
        return json_response(await desk.detail_at(incident_id, at, actor.access, tenant_of(request)))

    async def step(request: Request) -> Response:
        actor = require(request, Role.DISPATCHER)
        body = await body_of(request, "step", "note", "outcome")
        incident_id = request.path_params["id"]
        await desk.incident_step(
            incident_id,
            text(body, "step", 40),
            text(body, "note"),
            text(body, "outcome"),
            actor,
            tenant_of(request),
        )
        return detail(request, actor, incident_id)

    async def note(request: Request) -> Response:
        actor = require(request, Role.OPERATOR, Role.DISPATCHER)
        body = await body_of(request, "text")
        incident_id = request.path_params["id"]
        await desk.note(incident_id, text(body, "text"), actor, tenant_of(request))
        return detail(request, actor, incident_id)

    async def candidates(request: Request) -> Response:
        actor = staff(request)
        unit_type = request.query_params.get("unitType", "")
        if unit_type and unit_type not in UNIT_TYPES:
            raise BadRequestData(f"unitType is one of {', '.join(UNIT_TYPES)}", field="unitType")
        limit = _number(request, "limit", 10, 1, 50)
        found = await desk.candidates(
            request.path_params["id"], actor.access, tenant_of(request), unit_type, limit
        )
        rows = [
            {
                "unit": simplify(c.unit),
                "etaSeconds": round(c.eta_s, 1),
                "distanceM": round(c.distance_m, 1),
                "route": c.route,
                "reason": c.reason,
            }
            for c in found.candidates
        ]
        if request.query_params.get("skipped") == "true":
            return json_response({"candidates": rows, "skipped": found.skipped})
        return json_response(rows)

    async def assign(request: Request) -> Response:
        actor = require(request, Role.DISPATCHER)
        body = await body_of(request, "unit")
        incident_id, unit = request.path_params["id"], uri(body, "unit")
        if not unit:
            raise BadRequestData("unit is missing", field="unit")
        await desk.assign(incident_id, unit, actor, tenant_of(request))
        return json_response(desk.detail(incident_id, actor.access, tenant_of(request)), 201)

    async def assignment_step(request: Request) -> Response:
        actor = require(request, Role.DISPATCHER, Role.OPERATOR)
        body = await body_of(request, "step", "note")
        assignment_id = request.path_params["id"]
        incident_id = await desk.assignment_step(
            assignment_id, text(body, "step", 40), actor, tenant_of(request), text(body, "note")
        )
        return detail(request, actor, incident_id)

    async def unit_status(request: Request) -> Response:
        actor = require(request, Role.DISPATCHER)
        body = await body_of(request, "status", "note")
        unit_id = request.path_params["id"]
        doc = await desk.unit_status(
            unit_id, text(body, "status", 40), text(body, "note"), actor, tenant_of(request)
        )
        return json_response(simplify(doc))

    async def timeline(request: Request) -> Response:
        end = _time(request, "to") or system_clock()
        begin = _time(request, "from") or max(EARLIEST, end - 24 * HOUR)
        count = _number(request, "buckets", 96, 1, 500)
        return json_response(
            service.timeline(begin, end, count, actor_of(request).access, tenant_of(request))
        )

    async def rules(request: Request) -> Response:
        return json_response(service.list_rules(staff(request).access, tenant_of(request)))

    async def rule(request: Request) -> Response:
        rule_id = request.path_params["id"]
        tenant = tenant_of(request)
        if request.method == "GET":
            return json_response(service.get_rule(rule_id, staff(request).access, tenant))
        actor = require(request, Role.ADMINISTRATOR)
        if request.method == "DELETE":
            await service.delete_rule(rule_id, actor, tenant)
            return Response(status_code=204)
        return json_response(
            await service.put_rule(rule_id, await read_json(request, _BODY_MAX), actor, tenant)
        )

    def at(path: str, handler: Handler, *methods: str) -> Route:
        return Route(f"/api/command{path}", handler, methods=list(methods))

    return [
        at("/summary", summary, "GET"),
        at("/incident-types", incident_types, "GET"),
        at("/unit-types", unit_types, "GET"),
        at("/alerts/{id}/acknowledge", acknowledge, "POST"),
        at("/alerts/{id}/close", close_alert, "POST"),
        at("/incidents", open_incident, "POST"),
        at("/incidents/{id}", incident, "GET"),
        at("/incidents/{id}/steps", step, "POST"),
        at("/incidents/{id}/notes", note, "POST"),
        at("/incidents/{id}/candidates", candidates, "GET"),
        at("/incidents/{id}/assignments", assign, "POST"),
        at("/assignments/{id}/steps", assignment_step, "POST"),
        at("/units/{id}/status", unit_status, "POST"),
        at("/timeline", timeline, "GET"),
        at("/rules", rules, "GET"),
        at("/rules/{id}", rule, "GET", "PUT", "DELETE"),
    ]
