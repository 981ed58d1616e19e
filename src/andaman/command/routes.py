"""HTTP of the command center (docs/api.md). A drill's tenant comes in the header ``NGSILD-Tenant``."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.broker.api import simplify
from andaman.command.answers import CandidateAnswer, IncidentPage, Ranking
from andaman.command.core.reading import F, read_form
from andaman.command.core.states import AssignmentStatus
from andaman.command.core.views import Alert, Unit
from andaman.command.desk import Command
from andaman.command.dispatch.commands import AssignUnit, SetUnitStatus, TakeAssignmentStep
from andaman.command.dispatch.ranking import TURNOUT_S
from andaman.command.incident_types import INCIDENT_TYPES, UNIT_TYPES
from andaman.command.incidents import archive
from andaman.command.incidents.commands import (
    AddNote,
    CheckItem,
    CorrectIncident,
    HandOver,
    OpenIncident,
    SeeHandover,
    TakeIncidentStep,
)
from andaman.command.permissions import (
    ACKNOWLEDGE_ALERT,
    ASSIGN_UNIT,
    CLOSE_ALERT,
    CLOSE_INCIDENT,
    CORRECT_INCIDENT,
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
from andaman.command.signals.commands import Acknowledge, CloseAlert, DeleteRule, PutRule
from andaman.command.signals.rule_definitions import KIND, document_of, key_of
from andaman.definitions.service import Definitions
from andaman.identity.doors import (
    ANYONE,
    BoundDoor,
    Cost,
    DoorEntry,
    Requirement,
    Tenancy,
)
from andaman.identity.model import FULL_ACCESS
from andaman.identity.web import actor_of, require, tenant_of
from andaman.kernel import query_params
from andaman.kernel.http import json_response, read_json
from andaman.kernel.permissions import Permission
from andaman.kernel.time import EARLIEST, HOUR, format_time, system_clock

_BODY_MAX: Final = 200_000
_TEXT_MAX: Final = 200


def _entry(method: str, path: str, requires: Requirement, *asks: Permission) -> DoorEntry:
    """Of the city or a drill. What is done is in the journal, in the name of who did it."""
    body_max = _BODY_MAX if method in ("POST", "PUT") else 0
    return DoorEntry(
        method, f"/api/command{path}", Tenancy.BOTH, requires, asks, body_max=body_max, cost=Cost.QUESTION
    )


def routes(service: CommandService, definitions: Definitions | None = None) -> list[BoundDoor]:
    """Every route under /api/command. Without ``definitions``, rules have no versions."""
    door = _Door(service, definitions)
    return [
        _entry("GET", "/summary", ANYONE).to(door.summary),
        _entry("GET", "/incident-types", ANYONE).to(door.incident_types),
        _entry("GET", "/unit-types", ANYONE).to(door.unit_types),
        _entry("POST", "/alerts/{id}/acknowledge", ACKNOWLEDGE_ALERT).to(door.acknowledge),
        _entry("POST", "/alerts/{id}/close", CLOSE_ALERT).to(door.close_alert),
        _entry("GET", "/incidents", READ_INCIDENT).to(door.incidents),
        _entry("POST", "/incidents", CREATE_INCIDENT).to(door.open_incident),
        _entry("GET", "/incidents/{id}", READ_INCIDENT).to(door.incident),
        _entry("POST", "/incidents/{id}/steps", STEP_INCIDENT, CLOSE_INCIDENT).to(door.step),
        _entry("POST", "/incidents/{id}/notes", NOTE_INCIDENT).to(door.note),
        _entry("POST", "/incidents/{id}/corrections", CORRECT_INCIDENT).to(door.correct),
        _entry("POST", "/incidents/{id}/handover", NOTE_INCIDENT).to(door.hand_over),
        _entry("POST", "/incidents/{id}/handover/seen", ASSIGN_UNIT).to(door.see_handover),
        _entry("GET", "/incidents/{id}/candidates", READ_INCIDENT).to(door.candidates),
        _entry("POST", "/incidents/{id}/assignments", ASSIGN_UNIT).to(door.assign),
        _entry("POST", "/assignments/{id}/steps", STEP_ASSIGNMENT, ASSIGN_UNIT).to(door.assignment_step),
        _entry("POST", "/units/{id}/status", SET_UNIT_STATUS).to(door.unit_status),
        _entry("GET", "/timeline", ANYONE).to(door.timeline),
        _entry("GET", "/rules", READ_RULES).to(door.rules),
        _entry("GET", "/rules/{id}", READ_RULES).to(door.rule),
        _entry("PUT", "/rules/{id}", MANAGE_RULES).to(door.put_rule),
        _entry("DELETE", "/rules/{id}", MANAGE_RULES).to(door.delete_rule),
        _entry("POST", "/rules/{id}/preview", MANAGE_RULES).to(door.preview_rule),
    ]


class _Door:
    def __init__(self, service: CommandService, definitions: Definitions | None) -> None:
        self._service, self._desk, self._rules = service, service.desk, service.rules
        self._definitions = definitions

    # -- commands -------------------------------------------------------------------------------------------
    async def acknowledge(self, request: Request) -> Response:
        command = await _read(request, Acknowledge, alert=_id(request))
        return self._entity(request, Alert.kind, await self._handle(request, command))

    async def close_alert(self, request: Request) -> Response:
        command = await _read(request, CloseAlert, alert=_id(request))
        return self._entity(request, Alert.kind, await self._handle(request, command))

    async def open_incident(self, request: Request) -> Response:
        incident_id = await self._handle(request, await _read(request, OpenIncident))
        headers = {"Location": f"/api/command/incidents/{incident_id}"}
        return self._detail(request, incident_id, 201, headers)

    async def step(self, request: Request) -> Response:
        command = await _read(request, TakeIncidentStep, incident=_id(request))
        if command.step.ended:
            require(request, CLOSE_INCIDENT)
        return self._detail(request, await self._handle(request, command))

    async def correct(self, request: Request) -> Response:
        command = await _read(request, CorrectIncident, incident=_id(request))
        return self._detail(request, await self._handle(request, command))

    async def note(self, request: Request) -> Response:
        """A note, or an item of the checklist that was done."""
        body, incident_id = await _body(request), _id(request)
        if isinstance(body, dict) and "item" in body:
            item = read_form(CheckItem, {k: v for k, v in body.items() if k != "text"}, incident=incident_id)
            return self._detail(request, await self._handle(request, item))
        note = read_form(AddNote, body, incident=incident_id)
        return self._detail(request, await self._handle(request, note))

    async def hand_over(self, request: Request) -> Response:
        command = await _read(request, HandOver, incident=_id(request))
        return self._detail(request, await self._handle(request, command))

    async def see_handover(self, request: Request) -> Response:
        command = await _read(request, SeeHandover, incident=_id(request))
        return self._detail(request, await self._handle(request, command))

    async def assign(self, request: Request) -> Response:
        command = await _read(request, AssignUnit, incident=_id(request))
        await self._handle(request, command)
        return self._detail(request, command.incident, 201)

    async def assignment_step(self, request: Request) -> Response:
        command = await _read(request, TakeAssignmentStep, assignment=_id(request))
        if command.step is AssignmentStatus.CANCELLED:
            require(request, ASSIGN_UNIT)  # a unit is recalled by those who send units
        return self._detail(request, await self._handle(request, command))

    async def unit_status(self, request: Request) -> Response:
        command = await _read(request, SetUnitStatus, unit=_id(request))
        return self._entity(request, Unit.kind, await self._handle(request, command))

    async def _handle(self, request: Request, command: Command) -> str:
        return await self._desk.handle(command, actor_of(request), tenant_of(request))

    def _detail(
        self, request: Request, incident_id: str, status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        found = self._desk.detail(incident_id, actor_of(request).access, tenant_of(request))
        return json_response(found, status, headers)

    def _entity(self, request: Request, kind: str, entity_id: str) -> Response:
        access, tenant = actor_of(request).access, tenant_of(request)
        return json_response(simplify(self._desk.records.doc(kind, entity_id, access, tenant)))

    # -- questions ------------------------------------------------------------------------------------------
    async def summary(self, request: Request) -> Response:
        return json_response(self._service.summary(actor_of(request).access, tenant_of(request)))

    async def incident_types(self, request: Request) -> Response:
        return json_response(list(self._desk.registers.rows(INCIDENT_TYPES).values()))

    async def unit_types(self, request: Request) -> Response:
        return json_response([one.answer() for one in self._desk.registers.rows(UNIT_TYPES).values()])

    async def incidents(self, request: Request) -> Response:
        asked, access, tenant = request.query_params, actor_of(request).access, tenant_of(request)
        kinds = self._desk.registers.rows(INCIDENT_TYPES)
        wanted = archive.Wanted(
            text=query_params.text(asked, "text", "", _TEXT_MAX),
            state=query_params.choice(asked, "state", "", archive.STATES),
            kind=query_params.choice(asked, "kind", "", kinds),
            begin=query_params.time(asked, "from", None),
            end=query_params.time(asked, "to", None),
        )
        form = query_params.choice(asked, "format", "json", ("json", "csv"))
        offset = query_params.integer(asked, "offset", 0, 0, 10_000_000)
        limit = query_params.integer(asked, "limit", 50, 1, 500)
        found = await self._service.incidents(wanted, access, tenant)
        if form == "csv":
            language = query_params.choice(asked, "lang", "th", ("th", "en"))
            names = {code: kind.name for code, kind in kinds.items()}
            headers = {"Content-Disposition": 'attachment; filename="incidents.csv"'}
            table = await asyncio.to_thread(archive.table, found, names, language)
            return Response(table, media_type="text/csv", headers=headers)
        rows = [simplify(doc) for doc in found[offset : offset + limit]]
        return json_response(IncidentPage(total=len(found), incidents=rows))

    async def incident(self, request: Request) -> Response:
        at = query_params.time(request.query_params, "at", None)
        if at is None:
            return self._detail(request, _id(request))
        access, tenant = actor_of(request).access, tenant_of(request)
        return json_response(await self._desk.detail_at(_id(request), at, access, tenant))

    async def candidates(self, request: Request) -> Response:
        asked, access = request.query_params, actor_of(request).access
        unit_type = query_params.choice(asked, "unitType", "", self._desk.registers.rows(UNIT_TYPES))
        limit = query_params.integer(asked, "limit", 10, 1, 50)
        skipped = query_params.flag(asked, "skipped")
        found = await self._desk.dispatch.candidates(
            _id(request), access, tenant_of(request), unit_type, limit
        )
        rows = [
            CandidateAnswer(
                unit=simplify(c.unit.doc),
                eta_seconds=round(c.eta_s, 1),
                arrival_seconds=round(TURNOUT_S + c.eta_s, 1),
                distance_m=round(c.distance_m, 1),
                route=c.route,
                reason=c.reason,
            )
            for c in found.candidates
        ]
        rows += [
            CandidateAnswer(
                unit=simplify(unit.doc),
                eta_seconds=None,
                arrival_seconds=None,
                distance_m=None,
                route=None,
                reason={"method": "none", "unitType": unit.type},
            )
            for unit in found.unranked
        ]
        return json_response(Ranking(candidates=rows, skipped=found.skipped) if skipped else rows)

    async def timeline(self, request: Request) -> Response:
        asked = request.query_params
        end = query_params.time(asked, "to", system_clock())
        begin = query_params.time(asked, "from", max(EARLIEST, end - 24 * HOUR))
        count = query_params.integer(asked, "buckets", 96, 1, 500)
        access, tenant = actor_of(request).access, tenant_of(request)
        since = await self._service.recorded_since()
        found = self._service.timeline(begin, end, count, access, tenant)
        return json_response({**found, "recordedSince": format_time(since) if since is not None else None})

    # -- rules ----------------------------------------------------------------------------------------------
    async def rules(self, request: Request) -> Response:
        return json_response(self._rules.all(actor_of(request).access, tenant_of(request)))

    async def rule(self, request: Request) -> Response:
        return json_response(self._rules.get(_id(request), actor_of(request).access, tenant_of(request)))

    async def put_rule(self, request: Request) -> Response:
        command = read_form(PutRule, await read_json(request, _BODY_MAX), rule=_id(request))
        actor, tenant, key = actor_of(request), tenant_of(request), key_of(command.rule)
        if self._definitions is None or tenant or key is None:  # a drill's rules have no versions
            await self._rules.handle(command, actor, tenant)
        else:
            kind, asked = self._definitions.kind(KIND), request.query_params
            reason, base = query_params.text(asked, "reason").strip(), asked.get("base")
            await self._definitions.put(kind, key, document_of(command), actor, reason, base=base)
        return json_response(self._rules.get(command.rule, FULL_ACCESS, tenant))

    async def preview_rule(self, request: Request) -> Response:
        command = read_form(PutRule, await read_json(request, _BODY_MAX), rule=_id(request))
        return json_response(self._rules.preview(command, actor_of(request).access, tenant_of(request)))

    async def delete_rule(self, request: Request) -> Response:
        command, actor, tenant = DeleteRule(rule=_id(request)), actor_of(request), tenant_of(request)
        key = key_of(command.rule)
        kind = self._definitions.kind(KIND) if self._definitions is not None and not tenant else None
        if self._definitions is None or kind is None or key is None or key not in kind.place.in_force():
            await self._rules.handle(command, actor, tenant)
        else:
            asked = request.query_params
            reason, base = query_params.text(asked, "reason").strip(), asked.get("base")
            await self._definitions.put(kind, key, None, actor, reason, base=base)
        return Response(status_code=204)


async def _body(request: Request) -> Any:
    """The JSON of the body; an empty body is an empty object."""
    return await read_json(request, _BODY_MAX, empty={})


async def _read(request: Request, kind: type[F], **given: str) -> F:
    return read_form(kind, await _body(request), **given)


def _id(request: Request) -> str:
    found: str = request.path_params["id"]
    return found
