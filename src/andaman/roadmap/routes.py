"""HTTP of the roadmap. Shapes: docs/rooms/roadmap.md."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from andaman.assessment.routes import see
from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Requirement, Tenancy
from andaman.identity.web import actor_of
from andaman.kernel.http import json_response, read_json
from andaman.roadmap.permissions import COMPUTE_PORTFOLIO, MANAGE_MEASURES
from andaman.roadmap.service import RoadmapService

_BODY_MAX = 256 * 1024
_MEASURE = ("/roadmap/measure", "Measure")
_GAP = ("/roadmap/gap", "Gap")
_PORTFOLIO = ("/roadmap/portfolio", "Portfolio")


def _entry(
    method: str, path: str, requires: Requirement = ANYONE, *, body_max: int = 0, audited: str = ""
) -> DoorEntry:
    return DoorEntry(
        method,
        f"/api/roadmap{path}",
        Tenancy.CITY,
        requires,
        body_max=body_max,
        cost=Cost.QUESTION,
        audited=audited,
    )


def routes(roadmap: RoadmapService) -> list[BoundDoor]:
    """Who may read follows the classification of the type; computing and editing need a permission."""
    door = _Door(roadmap)
    return [
        _entry("GET", "/measures").to(door.measures),
        _entry("GET", "/measures/{id}").to(door.measure),
        _entry("PUT", "/measures/{id}", MANAGE_MEASURES, body_max=_BODY_MAX).to(door.put_measure),
        _entry("DELETE", "/measures/{id}", MANAGE_MEASURES).to(door.reset_measure),
        _entry("GET", "/gaps").to(door.gaps),
        _entry("GET", "/portfolio").to(door.portfolio),
        _entry("POST", "/portfolio", COMPUTE_PORTFOLIO, body_max=_BODY_MAX, audited="portfolio.compute").to(
            door.compute
        ),
        _entry("GET", "/portfolio/{id:path}").to(door.one),
        _entry("GET", "/portfolios").to(door.portfolios),
    ]


class _Door:
    def __init__(self, roadmap: RoadmapService) -> None:
        self._roadmap = roadmap

    async def measures(self, request: Request) -> Response:
        return json_response(await self._roadmap.list_measures(see(request, *_MEASURE).access))

    async def measure(self, request: Request) -> Response:
        rows = (await self._roadmap.list_measures(see(request, *_MEASURE).access))["measures"]
        return json_response(self._roadmap.pick(rows, request.path_params["id"]))

    async def put_measure(self, request: Request) -> Response:
        name, content = request.path_params["id"], await read_json(request, _BODY_MAX)
        return json_response(await self._roadmap.put(name, content, actor_of(request)))

    async def reset_measure(self, request: Request) -> Response:
        await self._roadmap.reset(request.path_params["id"], actor_of(request))
        return Response(status_code=204)

    async def gaps(self, request: Request) -> Response:
        see(request, *_GAP)
        return json_response(await self._roadmap.gaps())

    async def portfolio(self, request: Request) -> Response:
        access = see(request, *_PORTFOLIO).access
        return json_response(await self._roadmap.runs.get("default", access))

    async def compute(self, request: Request) -> Response:
        return json_response(await self._roadmap.runs.compute(await read_json(request, _BODY_MAX)), 201)

    async def one(self, request: Request) -> Response:
        access = see(request, *_PORTFOLIO).access
        return json_response(await self._roadmap.runs.get(request.path_params["id"], access))

    async def portfolios(self, request: Request) -> Response:
        return json_response({"portfolios": self._roadmap.runs.list(see(request, *_PORTFOLIO).access)})
