"""HTTP of the assessment and of connectivity. Shapes: docs/rooms/assessment.md and docs/rooms/connectivity.md."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from andaman.assessment.connectivity import ConnectivityService
from andaman.assessment.permissions import COMPUTE_COVERAGE, REFRESH_INDICATORS
from andaman.assessment.problems import NoSuchIndicator
from andaman.assessment.reach.world import ACCESS_KINDS
from andaman.assessment.reading import ACCESS, CRITICAL, INDICATOR, RUN, SITE, may_see
from andaman.assessment.service import AssessmentService
from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Requirement, Tenancy
from andaman.identity.model import Actor
from andaman.identity.web import actor_of, require
from andaman.kernel.http import json_response, read_json

_BODY_MAX = 1024 * 1024


def _entry(
    method: str, path: str, requires: Requirement = ANYONE, *, body_max: int = 0, audited: str = ""
) -> DoorEntry:
    return DoorEntry(
        method, path, Tenancy.CITY, requires, body_max=body_max, cost=Cost.QUESTION, audited=audited
    )


def routes(assessment: AssessmentService, connectivity: ConnectivityService) -> list[BoundDoor]:
    """Who may read follows the classification of the result's entity type; runs and refreshing need a permission."""
    door = _Door(assessment, connectivity)
    return [
        _entry("GET", "/api/assessment/indicators").to(door.indicators),
        _entry("GET", "/api/assessment/indicators/{id}").to(door.indicator),
        _entry("POST", "/api/assessment/refresh", REFRESH_INDICATORS, audited="assessment.refresh").to(
            door.refresh
        ),
        _entry("GET", "/api/assessment/accessibility").to(door.access_list),
        _entry("GET", "/api/assessment/accessibility/{kind}").to(door.access),
        _entry("GET", "/api/assessment/criticality").to(door.criticality),
        _entry("GET", "/api/connectivity/sites").to(door.sites),
        _entry("GET", "/api/connectivity/runs").to(door.runs),
        _entry(
            "POST", "/api/connectivity/runs", COMPUTE_COVERAGE, body_max=_BODY_MAX, audited="connectivity.run"
        ).to(door.compute),
        _entry("GET", "/api/connectivity/runs/{id:path}").to(door.run),
        _entry("GET", "/api/connectivity/policy").to(door.policy),
    ]


def see(request: Request, scope: str, *kinds: str) -> Actor:
    """The actor, who may see entities of these short types in this scope. Raises SignInToSee or NotAmongYourRights."""
    return may_see(actor_of(request), scope, *kinds)


class _Door:
    def __init__(self, assessment: AssessmentService, connectivity: ConnectivityService) -> None:
        self._assessment, self._connectivity = assessment, connectivity

    async def indicators(self, request: Request) -> Response:
        actor = see(request, *INDICATOR)
        found = await self._assessment.indicators()
        rows = [self._lineage(row, actor) for row in found["indicators"]]
        return json_response({**found, "indicators": rows})

    def _lineage(self, row: dict[str, Any], actor: Actor) -> dict[str, Any]:
        """The row; of the entities behind it only those that this actor may see (there may be more in number)."""
        find, tenant = self._assessment.broker.find, self._assessment.tenant
        inputs = [
            {
                **one,
                "entities": [e for e in one["entities"] if find(e["id"], actor.access, tenant) is not None],
            }
            for one in row["inputs"]
        ]
        return {**row, "inputs": inputs}

    async def indicator(self, request: Request) -> Response:
        actor = see(request, *INDICATOR)
        wanted = request.path_params["id"]
        for row in (await self._assessment.indicators())["indicators"]:
            if row["id"] == wanted:
                return json_response(self._lineage(row, actor))
        raise NoSuchIndicator(id=wanted)

    async def refresh(self, request: Request) -> Response:
        actor = actor_of(request)
        found = await self._assessment.refresh(wait_for_criticality=True)
        rows = [self._lineage(row, actor) for row in found["indicators"]]
        return json_response({**found, "indicators": rows})

    async def access_list(self, request: Request) -> Response:
        see(request, *ACCESS)
        found = []
        for kind in ACCESS_KINDS:
            result = await self._assessment.accessibility(kind)
            found.append({k: v for k, v in result.items() if k not in ("grid", "roads", "places")})
        return json_response({"kinds": found})

    async def access(self, request: Request) -> Response:
        see(request, *ACCESS)
        return json_response(await self._assessment.accessibility(request.path_params["kind"]))

    async def criticality(self, request: Request) -> Response:
        see(request, *CRITICAL)
        return json_response(await self._assessment.criticality())

    async def sites(self, request: Request) -> Response:
        see(request, *SITE)
        sites = await self._connectivity.sites()
        return json_response({"origin": "simulated", "sites": [site.as_json() for site in sites]})

    async def runs(self, request: Request) -> Response:
        return json_response({"runs": self._connectivity.list_runs(actor_of(request).access)})

    async def compute(self, request: Request) -> Response:
        runs = await self._connectivity.run(await read_json(request, _BODY_MAX))
        return json_response({"runs": runs}, 201)

    async def run(self, request: Request) -> Response:
        return json_response(self._connectivity.get(request.path_params["id"], actor_of(request).access))

    async def policy(self, request: Request) -> Response:
        see(request, *RUN)
        if request.query_params:
            require(request)  # own assumptions cost a run: for those who are signed in
        return json_response(await self._connectivity.policy(dict(request.query_params)))
