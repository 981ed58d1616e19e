"""HTTP of the command center (docs/api.md). A drill's tenant comes in the header ``NGSILD-Tenant``."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.broker.entity.build import simplify
from andaman.command.core.reading import members, text, uri, words
from andaman.command.incident_types import INCIDENT_TYPES, UNIT_TYPES
from andaman.command.incidents.reading import read_incident
from andaman.command.permissions import (
    ACKNOWLEDGE_ALERT,
    ASSIGN_UNIT,
    CLOSE_ALERT,
    CLOSE_INCIDENT,
    CREATE_INCIDENT,
    MANAGE_RULES,
    NOTE_INCIDENT,
    READ_INCIDENT,
    READ_RULES,
    SET_UNIT_STATUS,
    STEP_ASSIGNMENT,
    STEP_INCIDENT,
)
from andaman.command.service import CommandService
from andaman.identity.doors import (
    ANYONE,
    BoundDoor,
    Cost,
    DoorEntry,
    Requirement,
    Tenancy,
)
from andaman.identity.model import Actor
from andaman.identity.web import actor_of, require, tenant_of
from andaman.kernel import query_params
from andaman.kernel.http import json_response, read_json
from andaman.kernel.permissions import Permission
from andaman.kernel.refusals import FieldMissing
from andaman.kernel.time import EARLIEST, HOUR, system_clock

_BODY_MAX: Final = 200_000
_ENDS: Final = ("closed", "cancelled")
"""Steps that end an incident."""


def _entry(method: str, path: str, requires: Requirement, *asks: Permission) -> DoorEntry:
    """Of the city or a drill. What is done is in the journal, in the name of who did it."""
    body_max = _BODY_MAX if method in ("POST", "PUT") else 0
    return DoorEntry(
        method, f"/api/command{path}", Tenancy.BOTH, requires, asks, body_max=body_max, cost=Cost.QUESTION
    )


async def body_of(request: Request, *allowed: str) -> dict[str, Any]:
    """The JSON object of the body; an empty body is an empty object."""
    return members(await read_json(request, _BODY_MAX, empty={}), allowed)


def routes(service: CommandService) -> list[BoundDoor]:
    """Every route under /api/command."""
    desk = service.desk

    async def summary(request: Request) -> Response:
        return json_response(service.summary(actor_of(request).access, tenant_of(request)))

    async def incident_types(request: Request) -> Response:
        return json_response([one.json() for one in desk.registers.rows(INCIDENT_TYPES).values()])

    async def unit_types(request: Request) -> Response:
        return json_response([one.json() for one in desk.registers.rows(UNIT_TYPES).values()])

    async def acknowledge(request: Request) -> Response:
        actor = actor_of(request)
        body = await body_of(request, "note")
        done = await desk.acknowledge(
            request.path_params["id"], text(body, "note"), actor, tenant_of(request)
        )
        return json_response(done)

    async def close_alert(request: Request) -> Response:
        actor = actor_of(request)
        body = await body_of(request, "reason")
        done = await desk.close_alert(
            request.path_params["id"], text(body, "reason"), actor, tenant_of(request)
        )
        return json_response(done)

    async def open_incident(request: Request) -> Response:
        actor = actor_of(request)
        tenant = tenant_of(request)
        read = read_incident(await read_json(request, _BODY_MAX), desk.registers)
        incident_id = await desk.open_incident(read, actor, tenant)
        headers = {"Location": f"/api/command/incidents/{incident_id}"}
        return json_response(desk.detail(incident_id, actor.access, tenant), 201, headers)

    def detail(request: Request, actor: Actor, incident_id: str) -> Response:
        return json_response(desk.detail(incident_id, actor.access, tenant_of(request)))

    async def incident(request: Request) -> Response:
        actor, incident_id = actor_of(request), request.path_params["id"]
        at = query_params.time(request.query_params, "at", None)
        if at is None:
            return detail(request, actor, incident_id)
        return json_response(await desk.detail_at(incident_id, at, actor.access, tenant_of(request)))

    async def step(request: Request) -> Response:
        actor = actor_of(request)
        body = await body_of(request, "step", "note", "outcome")
        incident_id, wanted = request.path_params["id"], text(body, "step", 40)
        if wanted in _ENDS:
            require(request, CLOSE_INCIDENT)
        await desk.incident_step(
            incident_id,
            wanted,
            text(body, "note"),
            text(body, "outcome"),
            actor,
            tenant_of(request),
        )
        return detail(request, actor, incident_id)

    async def note(request: Request) -> Response:
        actor = actor_of(request)
        body = await body_of(request, "text", "item")
        incident_id = request.path_params["id"]
        if "item" in body:
            await desk.check_item(incident_id, words(body, "item"), actor, tenant_of(request))
        else:
            await desk.note(incident_id, text(body, "text"), actor, tenant_of(request))
        return detail(request, actor, incident_id)

    async def candidates(request: Request) -> Response:
        actor = actor_of(request)
        asked = request.query_params
        unit_type = query_params.choice(asked, "unitType", "", desk.registers.rows(UNIT_TYPES))
        limit = query_params.integer(asked, "limit", 10, 1, 50)
        skipped = query_params.flag(asked, "skipped")
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
        if skipped:
            return json_response({"candidates": rows, "skipped": found.skipped})
        return json_response(rows)

    async def assign(request: Request) -> Response:
        actor = actor_of(request)
        body = await body_of(request, "unit")
        incident_id, unit = request.path_params["id"], uri(body, "unit")
        if not unit:
            raise FieldMissing(field="unit")
        await desk.assign(incident_id, unit, actor, tenant_of(request))
        return json_response(desk.detail(incident_id, actor.access, tenant_of(request)), 201)

    async def assignment_step(request: Request) -> Response:
        actor = actor_of(request)
        body = await body_of(request, "step", "note")
        assignment_id = request.path_params["id"]
        incident_id = await desk.assignment_step(
            assignment_id, text(body, "step", 40), actor, tenant_of(request), text(body, "note")
        )
        return detail(request, actor, incident_id)

    async def unit_status(request: Request) -> Response:
        actor = actor_of(request)
        body = await body_of(request, "status", "note")
        unit_id = request.path_params["id"]
        doc = await desk.unit_status(
            unit_id, text(body, "status", 40), text(body, "note"), actor, tenant_of(request)
        )
        return json_response(simplify(doc))

    async def timeline(request: Request) -> Response:
        asked = request.query_params
        end = query_params.time(asked, "to", system_clock())
        begin = query_params.time(asked, "from", max(EARLIEST, end - 24 * HOUR))
        count = query_params.integer(asked, "buckets", 96, 1, 500)
        return json_response(
            service.timeline(begin, end, count, actor_of(request).access, tenant_of(request))
        )

    async def rules(request: Request) -> Response:
        return json_response(service.list_rules(actor_of(request).access, tenant_of(request)))

    async def rule(request: Request) -> Response:
        rule_id = request.path_params["id"]
        return json_response(service.get_rule(rule_id, actor_of(request).access, tenant_of(request)))

    async def delete_rule(request: Request) -> Response:
        await service.delete_rule(request.path_params["id"], actor_of(request), tenant_of(request))
        return Response(status_code=204)

    async def put_rule(request: Request) -> Response:
        rule_id, content = request.path_params["id"], await read_json(request, _BODY_MAX)
        return json_response(await service.put_rule(rule_id, content, actor_of(request), tenant_of(request)))

    return [
        _entry("GET", "/summary", ANYONE).to(summary),
        _entry("GET", "/incident-types", ANYONE).to(incident_types),
        _entry("GET", "/unit-types", ANYONE).to(unit_types),
        _entry("POST", "/alerts/{id}/acknowledge", ACKNOWLEDGE_ALERT).to(acknowledge),
        _entry("POST", "/alerts/{id}/close", CLOSE_ALERT).to(close_alert),
        _entry("POST", "/incidents", CREATE_INCIDENT).to(open_incident),
        _entry("GET", "/incidents/{id}", READ_INCIDENT).to(incident),
        _entry("POST", "/incidents/{id}/steps", STEP_INCIDENT, CLOSE_INCIDENT).to(step),
        _entry("POST", "/incidents/{id}/notes", NOTE_INCIDENT).to(note),
        _entry("GET", "/incidents/{id}/candidates", READ_INCIDENT).to(candidates),
        _entry("POST", "/incidents/{id}/assignments", ASSIGN_UNIT).to(assign),
        _entry("POST", "/assignments/{id}/steps", STEP_ASSIGNMENT).to(assignment_step),
        _entry("POST", "/units/{id}/status", SET_UNIT_STATUS).to(unit_status),
        _entry("GET", "/timeline", ANYONE).to(timeline),
        _entry("GET", "/rules", READ_RULES).to(rules),
        _entry("GET", "/rules/{id}", READ_RULES).to(rule),
        _entry("PUT", "/rules/{id}", MANAGE_RULES).to(put_rule),
        _entry("DELETE", "/rules/{id}", MANAGE_RULES).to(delete_rule),
    ]
