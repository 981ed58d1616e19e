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
from andaman.broker.entity.build import entity, iri, js, prop, value
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.city.pack import install, load_pack
from andaman.evidence.problems import NoSuchFigure
from andaman.identity.entrance import build_routes
from andaman.identity.gate import NoAuthGate
from andaman.identity.model import FULL_ACCESS, Actor, Principal, system_actor
from andaman.kernel.errors import AndamanError
from andaman.kernel.http import problem_response
from andaman.roadmap.figures import Figures
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
        stored = list(city.broker.iter_entities([iri("Measure")], FULL_ACCESS))
        assert len(stored) == 20
        assert {value(one, "origin") for one in stored} == {"proposed"}
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


async def finished(city: City, local: str) -> Any:
    """The run, once everything of it is computed and stored."""
    for _ in range(600):
        body = await city.call("GET", f"/api/roadmap/portfolio/{local}")
        if body["robustness"]["status"] != "running":
            return body
        await asyncio.sleep(0.2)
    raise AssertionError(body["robustness"])


async def lead_to_their_basis(city: City, body: Any) -> None:
    """Each figure of the page has a value, a formula or a sourced constant, and entities that exist."""
    figures, actor = Figures(city.roadmap), system_actor("test")
    run, chosen, out = body["id"].rpartition(":")[2], body["chosen"][0]["id"], body["notChosen"][0]["id"]
    year, indicator = body["years"][0]["year"], body["effects"][0]["indicator"]
    whole = [
        "netPresentValue", "expectedNetPresentValue", "overBudgetShare", "overBudgetShareCommon", "lossShare",
        "spendingInProgramme", "spendingInProgrammeCommon", "costs", "benefits", "benefitCostRatio", "measureCount", "regret",
    ]  # fmt: skip
    keys = [f"{run}~{plan}~{what}" for plan in ("recommended", "nominal") for what in whole]
    keys += [f"{run}~recommended~{what}~{chosen}" for what in ("start", "works", "spent", "adds", "chosen")]
    keys += [f"{run}~recommended~{what}~{year}" for what in ("spending", "overBudgetShare")]
    keys += [
        f"{run}~recommended~{what}~{indicator}" for what in ("before", "after", "target", "benefitShare")
    ]
    keys += [
        f"{run}~recommended~lifeShare",
        f"{run}~recommended~why~{out}",
        f"{run}~recommended~breakEven~joint-dispatch",
    ]
    asked = [figures.portfolio(key, actor) for key in keys]
    asked += [figures.measure(f"{chosen}~{what}", actor) for what in ("capex", "opex", "alone")]
    asked += [figures.measure("speed-cameras~road-deaths", actor), figures.unit_value("road-deaths", actor)]
    asked += [figures.sources(kind, actor) for kind in body["sources"]]
    asked += [
        figures.gap(f"road-deaths~{what}", actor) for what in ("value", "target", "closes~speed-cameras")
    ]
    for one in asked:
        basis = await one
        assert basis.value is not None, basis.title
        assert isinstance(basis.entities, tuple)
        assert basis.entities
        assert all(city.broker.find(entity.id, FULL_ACCESS) for entity in basis.entities), basis.title
        assert basis.formula or basis.constants or basis.unit, basis.title
    await name_what_they_are_made_of(figures, body)
    for key in (f"{run}~recommended~nothing", f"{run}~other~netPresentValue", run):
        with pytest.raises(NoSuchFigure):
            await figures.portfolio(key, actor)
    (life,) = [
        one for one in (await figures.unit_value("road-deaths", actor)).constants if "life" in one.name.en
    ]
    assert life.value == 10.0
    without = await figures.sources("costsAndEffects", actor)
    assert without.value == len(without.parts) == 58


async def name_what_they_are_made_of(figures: Figures, body: Any) -> None:
    """The period is that of the sum. A sum of costs names capital and running cost of each measure, and nothing else."""
    run, first = body["id"].rpartition(":")[2], body["terms"]["firstYear"]

    async def basis(what: str) -> Any:
        return await figures.portfolio(f"{run}~recommended~{what}", system_actor("test"))

    for what in (
        "spendingInProgramme",
        "spendingInProgrammeCommon",
        "overBudgetShare",
        "overBudgetShareCommon",
    ):
        found = await basis(what)
        assert found.period.en == f"fiscal years {first} to {first + 4}"
        assert sorted(part.key for part in found.parts) == sorted(
            f"{one['id']}~{cost}" for one in body["chosen"] for cost in ("capex", "opex")
        )
    apart, together = [
        (await basis(f"overBudgetShare{one}")).constants[-1].source.en for one in ("", "Common")
    ]
    assert "independent" in apart
    assert "together" not in apart
    assert "high or low together" in together
    assert (await basis(f"spending~{first}")).period.en == f"fiscal year {first}"
    worth = await basis("netPresentValue")
    assert worth.period.en == f"fiscal years {first} to {first + 9}"
    assert {part.kind for part in worth.parts} == {"measure", "unit-value"}
    effects = {f"{one['id']}~{name}" for one in body["chosen"] for name in one["indicators"]}
    benefits = {part.key for part in (await basis("benefits")).parts if part.kind == "measure"}
    assert benefits <= effects
    assert benefits < {part.key for part in worth.parts}


NO_MATTER = [
    "ambulance-posts", "demand-minibuses", "fire-satellites", "night-lighting", "panwa-link", "public-masts",
    "rain-slope-network", "slope-4029", "water-districts",
]  # fmt: skip
"""Not in the plan anyway: whoever asks for it spares the computation why."""
ASKED = {"samples": 3, "seed": 5, "name": "ทดลอง", "exclude": NO_MATTER}


def test_portfolio(run: Run) -> None:
    """A run keeps its rules, stays within its budget, is finished in the background, and is stored with both plans."""

    async def work(city: City) -> None:
        body = await city.call("POST", "/api/roadmap/portfolio", ASKED, 201)
        assert {row["code"] for row in body["notChosen"]} == {"pending"}
        chosen = {one["id"]: one for one in body["chosen"]}
        assert chosen
        for one in chosen.values():
            for first in one["requires"]:
                assert chosen[first]["worksFrom"] <= one["startYear"]
        assert body["draws"]["count"] == 10_000
        assert body["draws"]["overBudgetShare"] <= 0.2
        assert body["alternative"]["draws"]["overBudgetShare"] > 0.5
        shock = body["draws"]["common"]
        assert shock["overBudgetShare"] > body["draws"]["overBudgetShare"]
        assert shock["spendingInProgramme"]["p95"] > body["draws"]["spendingInProgramme"]["p95"]
        assert "independently" in body["criterion"]["en"]
        for plan in (body, body["alternative"]):
            drawn = plan["draws"]["netPresentValue"]
            assert drawn["p5"] < plan["totals"]["netPresentValueMthb"] < drawn["p95"]
            assert drawn["mean"] == pytest.approx(plan["totals"]["netPresentValueMthb"], rel=0.03)
        assert body["solver"]["gapMthb"] is None or body["solver"]["gapMthb"] >= 0
        lives = [row for row in body["values"] if row["lifeMthb"] is not None]
        assert [round(row["lifeMthb"]["likely"]) for row in lives] == [10, 10]
        assert sum(row["benefitShare"] or 0 for row in body["values"]) == pytest.approx(1, abs=0.01)
        assert body["sources"]["costsAndEffects"] == {"total": 64, "withSource": 6}
        deaths = next(row for row in body["effects"] if row["indicator"] == "road-deaths")
        assert (deaths["target"], deaths["targetYear"]) == (12, 2027)

        body = await finished(city, body["id"].rpartition(":")[2])
        assert body["robustness"]["status"] == "done"
        assert body["robustness"]["samples"] == 3
        assert set(body["robustness"]["chosenShare"]) == {
            row["id"] for row in (await city.call("GET", "/api/roadmap/measures"))["measures"]
        }
        assert set(body["robustness"]["regret"]) == {"recommended", "nominal"}
        why = {row["id"]: row for row in body["notChosen"]}
        assert set(why) | set(chosen) == set(body["robustness"]["chosenShare"])
        assert why["kathu-patong-expressway"]["code"] == "tooDear"
        assert {why[one]["code"] for one in NO_MATTER} == {"excluded"}
        assert all(row["text"]["th"] and row["text"]["en"] for row in why.values())
        dispatch = why["joint-dispatch"]
        assert [row["id"] for row in body["unmeasured"]["joint-dispatch"]] == ["response-time"]
        assert dispatch["breakEvenMthb"] > 0
        (value_then,) = dispatch["breakEven"]
        assert value_then["indicator"] == "response-time"
        # the benefit that this value would bring: minutes x share x baht of a minute
        brought = value_then["value"] * value_then["share"] * value_then["unitMthb"]
        assert brought == pytest.approx(dispatch["breakEvenMthb"], rel=0.05)
        stored = city.broker.get(body["id"], FULL_ACCESS)
        assert value(stored, "samples") == 3
        assert value(stored, "overBudgetShare") == body["draws"]["overBudgetShare"]
        assert value(stored, "overBudgetShareCommonCosts") == body["draws"]["common"]["overBudgetShare"]
        await lead_to_their_basis(city, body)
        again = await city.call("POST", "/api/roadmap/portfolio", ASKED, 201)
        assert again["computedAt"] == body["computedAt"]

    async def later(city: City) -> None:
        rows = (await city.call("GET", "/api/roadmap/portfolios"))["portfolios"]
        assert [row["name"]["th"] for row in rows] == ["ทดลอง"]
        assert rows[0]["status"] == "done"
        body = await city.call("GET", f"/api/roadmap/portfolio/{rows[0]['id'].rpartition(':')[2]}")
        assert body["robustness"]["samples"] == 3
        assert body["stale"] is False

    run(work)
    run(later)


def test_a_run_that_a_restart_interrupted_is_finished(run: Run) -> None:
    """With the numbers of its own time: the same plan."""
    first: dict[str, Any] = {}

    async def work(city: City) -> None:
        first.update(
            await city.call("POST", "/api/roadmap/portfolio", {**ASKED, "totalMthb": 400, "samples": 4}, 201)
        )
        assert first["robustness"]["status"] == "running"

    async def later(city: City) -> None:
        local = first["id"].rpartition(":")[2]
        await city.roadmap.runs.resume()
        body = await finished(city, local)
        assert body["robustness"]["status"] == "done"
        assert body["robustness"]["samples"] == 4
        assert [one["id"] for one in body["chosen"]] == [one["id"] for one in first["chosen"]]
        assert {row["code"] for row in body["notChosen"]} & {"pending"} == set()

    run(work)
    run(later)


def test_a_run_of_an_earlier_version_is_computed_again(run: Run) -> None:
    """Under its id and name: old addresses stay valid."""
    old_id = "urn:ngsi-ld:Portfolio:0123456789ab"

    async def work(city: City) -> None:
        terms = {
            "firstYear": 2027, "totalMthb": 200, "yearlyMthb": [80] * 5, "discountRate": 0.05, "horizonYears": 10,
            "include": [], "exclude": NO_MATTER,
        }  # fmt: skip
        old = {
            "id": old_id,
            "name": {"th": "เดิม", "en": "เดิม"},
            "terms": terms,
            "chosen": [],
            "inputsKey": "x",
        }
        doc = entity(old_id, "Portfolio", ["/roadmap/portfolio"], result=js(old))
        await city.broker.must_write([WriteOp(OpKind.CREATE, old_id, doc)], system_actor("roadmap"))
        await city.call("GET", "/api/roadmap/portfolio/0123456789ab", status=404)
        await city.roadmap.runs.resume()
        body = await city.call("GET", "/api/roadmap/portfolio/0123456789ab")
        assert body["name"]["th"] == "เดิม"
        assert body["terms"]["totalMthb"] == 200
        assert body["draws"]["overBudgetShare"] <= 0.2

    run(work)


def test_a_refusal_names_the_field(run: Run) -> None:
    async def work(city: City) -> None:
        for body, field in (
            ({"totalMthb": -5}, "totalMthb"),
            ({"yearlyMthb": ["x"] * 5}, "yearlyMthb"),
            ({"withinBudgetShare": 0.2}, "withinBudgetShare"),
        ):
            problem = await city.call("POST", "/api/roadmap/portfolio", body, 400)
            assert problem["code"] == "number-out-of-range"
            assert problem["params"]["field"] == field

    run(work)


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

        await said_to_be_reported(city)

    async def said_to_be_reported(city: City) -> None:
        """By an earlier version."""
        names = [f"urn:ngsi-ld:Measure:{one}" for one in ("speed-cameras", "night-lighting")]
        ops = [WriteOp(OpKind.APPEND, one, {"id": one, "origin": prop("reported")}) for one in names]
        await city.broker.must_write(ops, system_actor("roadmap"))

    async def later(city: City) -> None:
        row = await city.call("GET", "/api/roadmap/measures/speed-cameras")
        assert row["edited"] is True
        stored = city.broker.iter_entities([iri("Measure")], FULL_ACCESS)
        assert {value(one, "origin") for one in stored} == {"proposed"}
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


def test_a_plan_names_the_indicators_that_somebody_changed_by_hand(run: Run) -> None:
    """Also where the value stayed as it was: an older plan is then out of date."""
    series = "urn:ngsi-ld:KeyPerformanceIndicator:phuket-population"
    boss = Actor(Principal("user:boss", "Boss", frozenset()), FULL_ACCESS, "10.0.0.7")
    asked = {"samples": 0, "exclude": NO_MATTER}

    async def work(city: City) -> None:
        stored = value(city.broker.get(series, FULL_ACCESS), "series")
        doc = entity(series, "KeyPerformanceIndicator", series=js(stored))

        async def written(by: Actor) -> None:
            await city.broker.must_write([WriteOp(OpKind.UPDATE, series, doc)], by)
            await city.roadmap.assessment.refresh(wait_for_criticality=False)

        before = await city.call("POST", "/api/roadmap/portfolio", asked, 201)
        assert before["contested"] == []
        await written(boss)
        local = before["id"].rpartition(":")[2]
        assert (await city.call("GET", f"/api/roadmap/portfolio/{local}"))["stale"] is True
        after = await city.call("POST", "/api/roadmap/portfolio", asked, 201)
        assert after["totals"] == before["totals"]
        assert "road-deaths" in {one["id"] for one in after["contested"]}
        figures = Figures(city.roadmap)
        for body, said in ((before, False), (after, True)):
            key = f"{body['id'].rpartition(':')[2]}~recommended~netPresentValue"
            basis = await figures.portfolio(key, system_actor("test"))
            assert ("changed by hand" in basis.check.en) is said
            assert ("แก้ไขด้วยมือ" in basis.check.th) is said
        await written(system_actor("city"))

    run(work)
