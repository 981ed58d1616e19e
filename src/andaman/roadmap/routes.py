"""HTTP of the roadmap. Shapes: docs/rooms/roadmap.md."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from andaman.assessment.routes import see
from andaman.identity.model import Role
from andaman.identity.web import require
from andaman.kernel.http import json_response, read_json
from andaman.roadmap.service import RoadmapService

_BODY_MAX = 256 * 1024
_MEASURE = ("/roadmap/measure", "Measure")
_GAP = ("/roadmap/gap", "Gap")
_PORTFOLIO = ("/roadmap/portfolio", "Portfolio")


def routes(roadmap: RoadmapService) -> list[BaseRoute]:
    """Who may read follows the classification of the type; computing and editing need an analyst."""
    door = _Door(roadmap)
    return [
        Route("/api/roadmap/measures", door.measures),
        Route("/api/roadmap/measures/{id}", door.measure, methods=["GET", "PUT", "DELETE"]),
        Route("/api/roadmap/gaps", door.gaps),
        Route("/api/roadmap/portfolio", door.portfolio, methods=["GET", "POST"]),
        Route("/api/roadmap/portfolio/{id:path}", door.one),
        Route("/api/roadmap/portfolios", door.portfolios),
    ]


class _Door:
    def __init__(self, roadmap: RoadmapService) -> None:
        self._roadmap = roadmap

    async def measures(self, request: Request) -> Response:
        return json_response(await self._roadmap.list_measures(see(request, *_MEASURE).access))

    async def measure(self, request: Request) -> Response:
        name = request.path_params["id"]
        if request.method == "GET":
            rows = (await self._roadmap.list_measures(see(request, *_MEASURE).access))["measures"]
            return json_response(self._roadmap.pick(rows, name))
        actor = require(request, Role.ANALYST)
        if request.method == "DELETE":
            await self._roadmap.reset(name, actor)
            return Response(status_code=204)
        return json_response(await self._roadmap.put(name, await read_json(request, _BODY_MAX), actor))

    async def gaps(self, request: Request) -> Response:
        see(request, *_GAP)
        return json_response(await self._roadmap.gaps())

    async def portfolio(self, request: Request) -> Response:
        if request.method == "GET":
            see(request, *_PORTFOLIO)
            return json_response(await self._roadmap.get_portfolio("default"))
        require(request, Role.ANALYST)
        return json_response(await self._roadmap.compute(await read_json(request, _BODY_MAX)), 201)

    async def one(self, request: Request) -> Response:
        see(request, *_PORTFOLIO)
        return json_response(await self._roadmap.get_portfolio(request.path_params["id"]))

    async def portfolios(self, request: Request) -> Response:
        return json_response({"portfolios": self._roadmap.list_portfolios(see(request, *_PORTFOLIO).access)})
