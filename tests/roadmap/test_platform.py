"""The roadmap over a real broker with the Phuket pack: measures, gaps, portfolio, edits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette

from andaman.assessment.service import AssessmentService
from andaman.broker.entity.build import iri, value
from andaman.broker.service import Broker
from andaman.city.pack import install, load_pack
from andaman.identity.entrance import build_routes
from andaman.identity.gate import NoAuthGate
from andaman.identity.model import FULL_ACCESS, system_actor
from andaman.kernel.errors import AndamanError
from andaman.kernel.http import problem_response
from andaman.roadmap.routes import routes
from andaman.roadmap.service import RoadmapService
from tests.declared import undeclared


class City:
    def __init__(self, broker: Broker, roadmap: RoadmapService) -> None:
        self.broker, self.roadmap = broker, roadmap

        async def problem(_: Any, error: Exception) -> Any:
            assert isinstance(error, AndamanError)
            return problem_response(error)

        app = Starlette(routes=build_routes(routes(roadmap)), exception_handlers={AndamanError: problem})
        transport = httpx.ASGITransport(NoAuthGate(app))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60)

    async def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = await self.client.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


Run = Callable[[Callable[[City], Coroutine[Any, Any, None]]], None]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    directory: Path = tmp_path_factory.mktemp("city")

    def go(work: Callable[[City], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            broker = Broker.open(directory)
            await broker.start()
            await install(load_pack("phuket"), broker, system_actor("city"), None)
            assessment = AssessmentService(broker)
            roadmap = RoadmapService(assessment)
            await roadmap.install()
            try:
                await work(City(broker, roadmap))
                assert undeclared(broker) == set()
            finally:
                await roadmap.stop()
                await assessment.stop()
                await broker.close()

        anyio.run(main)

    return go


def test_measures_and_gaps(run: Run) -> None:
    """Every gap with a target traces to measures and back; unknown values are gaps of data, not zero."""

    async def work(city: City) -> None:
        body = await city.call("GET", "/api/roadmap/measures")
        measures = {row["id"]: row for row in body["measures"]}
        assert len(measures) == 20
        assert len(list(city.broker.iter_entities([iri("Measure")], FULL_ACCESS))) == 20
        for row in measures.values():
            assert row["name"]["th"]
            assert row["capexMthb"]["low"] <= row["capexMthb"]["likely"] <= row["capexMthb"]["high"]
            assert row["capexMthb"]["basis"]["th"]
        found = (await city.call("GET", "/api/roadmap/gaps"))["gaps"]
        gaps = {row["indicator"]: row for row in found}
        roads = gaps["road-deaths"]
        assert roads["status"] == "open"
        assert roads["gap"] == pytest.approx(roads["value"] - 12, abs=0.1)
        assert {one["id"] for one in roads["measures"]} >= {"speed-cameras", "helmet-cameras"}
        for one in roads["measures"]:
            assert one["removes"] == pytest.approx(roads["value"] * one["share"]["likely"], abs=0.05)
        assert gaps["hospital-beds"]["status"] == "unknown"
        assert gaps["hospital-beds"]["gap"] is None
        assert [one["id"] for one in gaps["hospital-beds"]["revealedBy"]] == ["data-exchange"]

    run(work)


def test_portfolio(run: Run) -> None:
    """The default portfolio is optimal, keeps its rules, is sampled in the background, and is stored."""

    async def work(city: City) -> None:
        asked = {"samples": 3, "seed": 5, "name": "ทดลอง"}
        body = await city.call("POST", "/api/roadmap/portfolio", asked, 201)
        assert body["solver"]["proved"]
        chosen = {one["id"]: one for one in body["chosen"]}
        assert chosen
        for one in chosen.values():
            for first in one["requires"]:
                assert chosen[first]["worksFrom"] <= one["startYear"]
        for year in body["years"]:
            assert year["limitMthb"] is None or year["spendingMthb"] <= year["limitMthb"] + 0.05
        assert body["totals"]["spendingInProgrammeMthb"] <= body["terms"]["totalMthb"] + 0.05
        assert body["totals"]["netPresentValueMthb"] > 0
        local = body["id"].rpartition(":")[2]
        for _ in range(200):
            body = await city.call("GET", f"/api/roadmap/portfolio/{local}")
            if body["robustness"]["status"] == "done":
                break
            await asyncio.sleep(0.1)
        assert body["robustness"]["samples"] == 3
        assert set(body["robustness"]["chosenShare"]) == {
            row["id"] for row in (await city.call("GET", "/api/roadmap/measures"))["measures"]
        }
        stored = city.broker.get(body["id"], FULL_ACCESS)
        assert value(stored, "samples") == 3
        again = await city.call("POST", "/api/roadmap/portfolio", asked, 201)
        assert again["computedAt"] == body["computedAt"]

    async def later(city: City) -> None:
        rows = (await city.call("GET", "/api/roadmap/portfolios"))["portfolios"]
        assert [row["name"]["th"] for row in rows] == ["ทดลอง"]

    run(work)
    run(later)


def test_a_tighter_budget_is_never_better(run: Run) -> None:
    async def work(city: City) -> None:
        values = []
        for total in (0, 100, 300):
            body = await city.call("POST", "/api/roadmap/portfolio", {"totalMthb": total, "samples": 0}, 201)
            values.append(body["totals"]["netPresentValueMthb"])
        assert values == sorted(values)
        assert values[0] == 0
        forced = {"totalMthb": 100, "samples": 0, "include": ["panwa-link"]}
        await city.call("POST", "/api/roadmap/portfolio", forced, 409)

    run(work)


def test_editing(run: Run) -> None:
    """An edit is checked, survives a restart, changes what is computed, and can be taken back."""

    async def work(city: City) -> None:
        row = await city.call("GET", "/api/roadmap/measures/speed-cameras")
        sent = {
            key: row[key]
            for key in row
            if key not in ("entity", "edited", "alone", "startYear", "chosenShare")
        }
        cheap = {**sent, "capexMthb": {"low": 1, "likely": 2, "high": 3}}
        answer = await city.call("PUT", "/api/roadmap/measures/speed-cameras", cheap)
        assert answer["edited"] is True
        assert (await city.call("GET", "/api/roadmap/measures/speed-cameras"))["alone"]["costMthb"] < row[
            "alone"
        ]["costMthb"]
        for wrong, field in (
            ({**sent, "capexMthb": {"low": 3, "likely": 2, "high": 1}}, "capexMthb"),
            ({**sent, "leadYears": 0}, "leadYears"),
            ({**sent, "requires": ["nothing"]}, "requires"),
            (
                {**sent, "effects": [{"indicator": "nothing", "share": {"low": 0, "likely": 0, "high": 0}}]},
                "effects/0/indicator",
            ),
            ([], None),
        ):
            problem = await city.call("PUT", "/api/roadmap/measures/speed-cameras", wrong, 400)
            assert problem.get("field") == field, problem
        circle = await city.call("GET", "/api/roadmap/measures/data-exchange")
        circle = {key: circle[key] for key in sent} | {"requires": ["video-platform"]}
        await city.call("PUT", "/api/roadmap/measures/data-exchange", circle, 400)

    async def later(city: City) -> None:
        row = await city.call("GET", "/api/roadmap/measures/speed-cameras")
        assert row["edited"] is True
        assert row["capexMthb"]["likely"] == 2
        await city.call("DELETE", "/api/roadmap/measures/speed-cameras", status=204)
        row = await city.call("GET", "/api/roadmap/measures/speed-cameras")
        assert row["edited"] is False
        assert row["capexMthb"]["likely"] == 90
        for body in (
            {"totalMthb": -1},
            {"yearlyMthb": [1, 2]},
            {"samples": 1.5},
            {"what": 1},
            {"include": "x"},
            [],
        ):
            await city.call("POST", "/api/roadmap/portfolio", body, 400)
        await city.call("GET", "/api/roadmap/portfolio/nothing", status=404)

    run(work)
    run(later)
