"""HTTP of the training room."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.broker.api import Doc, simplify
from andaman.form import body_text
from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.model import FULL_ACCESS, Actor
from andaman.identity.web import actor_of
from andaman.kernel.errors import BadRequestData, ResourceNotFound
from andaman.kernel.http import json_response, read_json
from andaman.kernel.permissions import Permission
from andaman.training.drills import parts_of
from andaman.training.permissions import (
    MANAGE_DRILLS,
    MANAGE_STAFF,
    READ_TRAINING,
    REVIEW_DRILLS,
    RUN_DRILLS,
    TAKE_COURSES,
)
from andaman.training.problems import NoSuchDrill
from andaman.training.service import TrainingService
from andaman.training.views import DrillRun

_LIMIT: Final = 64 * 1024


def _entry(method: str, path: str, requires: Permission = READ_TRAINING, *asks: Permission) -> DoorEntry:
    """Of the city: drills are kept there, and have their exercises in tenants of their own. What is changed is in the journal."""
    body_max = _LIMIT if method == "POST" else 0
    return DoorEntry(method, f"/api/training{path}", Tenancy.CITY, requires, asks, body_max=body_max)


_CHECK: Final = DoorEntry("GET", "/api/training/certificates/{id}", Tenancy.CITY, ANYONE, cost=Cost.QUESTION)
"""Anybody who holds the paper has its id."""


def routes(service: TrainingService) -> list[BoundDoor]:
    """Overview, courses and drills; see docs/rooms/training.md for the shapes."""
    door = _Door(service)
    return [
        _entry("GET", "").to(door.overview),
        _entry("POST", "/roles", MANAGE_STAFF).to(door.role),
        _entry("GET", "/courses/{course}").to(door.course),
        _entry("POST", "/courses/{course}/steps/{step}", TAKE_COURSES).to(door.step),
        _entry("POST", "/courses/{course}/certificate", TAKE_COURSES).to(door.certify),
        _CHECK.to(door.certificate),
        _entry("GET", "/scenarios").to(door.scenarios),
        _entry("GET", "/drills", READ_TRAINING, REVIEW_DRILLS).to(door.drills),
        _entry("POST", "/drills", RUN_DRILLS).to(door.begin),
        _entry("GET", "/drills/{drill}", READ_TRAINING, REVIEW_DRILLS).to(door.drill),
        _entry("POST", "/drills/{drill}/{how:str}", RUN_DRILLS, MANAGE_DRILLS).to(door.end),
    ]


class _Door:
    def __init__(self, training: TrainingService) -> None:
        self._training = training

    async def overview(self, request: Request) -> Response:
        return json_response(self._training.overview())

    async def course(self, request: Request) -> Response:
        return json_response(self._training.progress(request.path_params["course"], actor_of(request)))

    async def step(self, request: Request) -> Response:
        actor = actor_of(request)
        answers = await _object(request)
        path = request.path_params
        return json_response(await self._training.take_step(path["course"], path["step"], answers, actor))

    async def certify(self, request: Request) -> Response:
        await _object(request)
        return json_response(await self._training.certify(request.path_params["course"], actor_of(request)))

    async def certificate(self, request: Request) -> Response:
        return json_response(self._training.certificates.get(request.path_params["id"]))

    async def role(self, request: Request) -> Response:
        actor = actor_of(request)
        body = await _object(request)
        person, name = body.get("person"), body.get("role")
        if not isinstance(person, str) or not isinstance(name, str) or not 0 < len(person) <= 100:
            raise BadRequestData("person and role must be text", field="person")
        await self._training.set_role(person, name, actor)
        return Response(status_code=204)

    async def scenarios(self, request: Request) -> Response:
        actor = actor_of(request)
        rows = [
            {
                "id": s.id,
                "title": s.title.json(),
                "briefing": s.briefing.json(),
                "limitSeconds": s.limit_s,
                "roles": [part.role for part in parts_of(s, actor)],
            }
            for s in self._training.drills.list_scenarios()
        ]
        return json_response(rows)

    async def drills(self, request: Request) -> Response:
        actor = actor_of(request)
        own = [d for d in self._training.drills.list_runs(FULL_ACCESS) if _may_read(d, actor)]
        return json_response([_live(d) for d in own])

    async def begin(self, request: Request) -> Response:
        actor = actor_of(request)
        body = await _object(request)
        trainers = body.get("trainers", [])
        if not isinstance(trainers, list) or not all(isinstance(name, str) for name in trainers):
            raise BadRequestData("trainers is a list of user names", field="trainers")
        scenario, role = str(body.get("scenario", "")), body_text(body, "role")
        run = await self._training.drills.begin(scenario, actor, trainers, role)
        return json_response(self._json(run), 201)

    async def drill(self, request: Request) -> Response:
        actor = actor_of(request)
        run = self._training.drills.get_run(request.path_params["drill"], FULL_ACCESS)
        if not _may_read(run, actor):
            raise NoSuchDrill(id=request.path_params["drill"])
        return json_response(self._json(run))

    def _json(self, run: Doc) -> dict[str, Any]:
        """The score only at the end, and of the script the events that were played. The rest is the answers."""
        live = _live(run)
        scenario = self._training.drills.scenario_of(run)
        played = DrillRun.of(run).injected
        script = scenario.injects if scenario else ()
        return {
            "drill": live,
            "score": live["a"].get("score"),
            "injects": [
                {"afterSeconds": inject.after_s, "title": inject.title.json()}
                for index, inject in enumerate(script)
                if index in played
            ],
        }

    async def end(self, request: Request) -> Response:
        actor = actor_of(request)
        name = request.path_params["drill"]
        how = request.path_params["how"]
        if how not in ("finish", "abort"):
            raise ResourceNotFound(f"A drill can be finished or aborted, not {how!r}")
        act = self._training.drills.finish if how == "finish" else self._training.drills.abort
        return json_response(self._json(await act(name, actor)))


def _live(run: Doc) -> dict[str, Any]:
    """Without the script: screens show only its events."""
    live = simplify(run)
    live["a"].pop("drillScript", None)
    return live


def _may_read(run: Doc, actor: Actor) -> bool:
    """A drill's person and result are personal data (hidden from others at every door). They are for the person, the
    trainers of the drill, and those who look after the training.
    """
    drill = DrillRun.of(run)
    mine = actor.principal.id in (drill.person, *drill.trainers)
    return mine or actor.principal.may(REVIEW_DRILLS)


async def _object(request: Request) -> dict[str, Any]:
    body = await read_json(request, _LIMIT)
    if not isinstance(body, dict):
        raise BadRequestData("The body must be a JSON object")
    return body
