"""HTTP of the training room."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from andaman.broker.entity.build import simplify
from andaman.broker.model import Doc
from andaman.identity.model import FULL_ACCESS, Actor, Role
from andaman.identity.web import require
from andaman.kernel.errors import BadRequestData, ResourceNotFound
from andaman.kernel.http import json_response, read_json
from andaman.training.drill import SCENARIOS
from andaman.training.drills import no_drill, score_json
from andaman.training.service import TrainingService

STAFF = (Role.OPERATOR, Role.DISPATCHER, Role.ANALYST, Role.ADMINISTRATOR)
LEARNERS = (Role.OPERATOR, Role.DISPATCHER, Role.ADMINISTRATOR)
_LIMIT = 64 * 1024


def routes(service: TrainingService) -> list[BaseRoute]:
    """Overview, courses and drills; see docs/rooms/training.md for the shapes."""

    async def overview(request: Request) -> Response:
        return json_response(service.overview(require(request, *STAFF).access))

    async def course(request: Request) -> Response:
        return json_response(service.progress(request.path_params["course"], require(request, *STAFF)))

    async def step(request: Request) -> Response:
        actor = require(request, *STAFF)
        answers = await _object(request)
        path = request.path_params
        return json_response(await service.take_step(path["course"], path["step"], answers, actor))

    async def role(request: Request) -> Response:
        actor = require(request, Role.ADMINISTRATOR)
        body = await _object(request)
        person, name = body.get("person"), body.get("role")
        if not isinstance(person, str) or not isinstance(name, str) or not 0 < len(person) <= 100:
            raise BadRequestData("person and role must be text", field="person")
        await service.set_role(person, name, actor)
        return Response(status_code=204)

    async def scenarios(request: Request) -> Response:
        require(request, *STAFF)
        rows = [
            {"id": s.id, "title": s.title, "briefing": s.briefing, "limitSeconds": s.limit_s}
            for s in SCENARIOS.values()
        ]
        return json_response(rows)

    async def drills(request: Request) -> Response:
        if request.method == "POST":
            actor = require(request, *LEARNERS)
            body = await _object(request)
            trainers = body.get("trainers", [])
            if not isinstance(trainers, list) or not all(isinstance(name, str) for name in trainers):
                raise BadRequestData("trainers is a list of user names", field="trainers")
            run = await service.drills.begin(str(body.get("scenario", "")), actor, trainers)
            return json_response(await drill_json(run, actor), 201)
        actor = require(request, *STAFF)
        own = [d for d in service.drills.list_runs(FULL_ACCESS) if _may_read(d, actor)]
        return json_response([simplify(d) for d in own])

    async def drill(request: Request) -> Response:
        actor = require(request, *STAFF)
        run = service.drills.get_run(request.path_params["drill"], FULL_ACCESS)
        if not _may_read(run, actor):
            raise no_drill(request.path_params["drill"])
        return json_response(await drill_json(run, actor))

    async def drill_json(run: Doc, actor: Actor) -> dict[str, Any]:
        scenario = SCENARIOS.get(simplify(run)["a"].get("scenario", ""))
        live = simplify(run)
        score = live["a"].get("score")
        if score is None and scenario is not None and live["a"].get("drillStatus") == "running":
            score = score_json(await service.drills.score(run))
        return {
            "drill": live,
            "score": score,
            "injects": [{"afterSeconds": i.after_s, "title": i.title} for i in scenario.injects]
            if scenario
            else [],
        }

    async def end(request: Request) -> Response:
        actor = require(request, *LEARNERS)
        name = request.path_params["drill"]
        how = request.path_params["how"]
        if how not in ("finish", "abort"):
            raise ResourceNotFound(f"A drill can be finished or aborted, not {how!r}")
        act = service.drills.finish if how == "finish" else service.drills.abort
        return json_response(await drill_json(await act(name, actor), actor))

    return [
        Route("/api/training", overview),
        Route("/api/training/roles", role, methods=["POST"]),
        Route("/api/training/courses/{course}", course),
        Route("/api/training/courses/{course}/steps/{step}", step, methods=["POST"]),
        Route("/api/training/scenarios", scenarios),
        Route("/api/training/drills", drills, methods=["GET", "POST"]),
        Route("/api/training/drills/{drill}", drill),
        Route("/api/training/drills/{drill}/{how:str}", end, methods=["POST"]),
    ]


def _may_read(run: Doc, actor: Actor) -> bool:
    """Whose drill it is and how it went are personal data (hidden from others at every door): the person's own, its
    trainers', and for those who look after the training."""
    a = simplify(run)["a"]
    mine = actor.principal.id in (a.get("person"), *a.get("trainers", []))
    return mine or bool(actor.principal.roles & {Role.ADMINISTRATOR, Role.ANALYST})


async def _object(request: Request) -> dict[str, Any]:
    body = await read_json(request, _LIMIT)
    if not isinstance(body, dict):
        raise BadRequestData("The body must be a JSON object")
    return body
