"""The assessment over a real broker with the Phuket pack: figures, entities, routes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette

from andaman.assessment.connectivity import ConnectivityService
from andaman.assessment.figures import Figures
from andaman.assessment.reach.land import expand
from andaman.assessment.routes import routes
from andaman.assessment.service import AssessmentService
from andaman.broker.api import OpKind, WriteOp
from andaman.broker.entity.build import entity, iri, js, value
from andaman.broker.service import Broker
from andaman.city.pack import install, load_pack
from andaman.identity.entrance import build_routes
from andaman.identity.gate import NoAuthGate
from andaman.identity.model import FULL_ACCESS, Actor, Principal, system_actor
from andaman.kernel.errors import AndamanError
from andaman.kernel.http import problem_response
from andaman.roadmap.gaps import gaps
from tests.declared import undeclared


class City:
    """A broker with the pack, the services on it, and a client."""

    def __init__(
        self, broker: Broker, assessment: AssessmentService, connectivity: ConnectivityService
    ) -> None:
        self.broker, self.assessment, self.connectivity = broker, assessment, connectivity

        async def problem(_: Any, error: Exception) -> Any:
            assert isinstance(error, AndamanError)
            return problem_response(error)

        app = Starlette(
            routes=build_routes(routes(assessment, connectivity)), exception_handlers={AndamanError: problem}
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(NoAuthGate(app)), base_url="http://localhost"
        )

    async def get(self, path: str, status: int = 200) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()


Run = Callable[[Callable[[City], Coroutine[Any, Any, None]]], None]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a coroutine on the city; the data directory (and what was computed into it) is kept between tests."""
    directory: Path = tmp_path_factory.mktemp("city")

    def go(work: Callable[[City], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            broker = Broker.open(directory)
            await broker.start()
            await install(load_pack("phuket"), broker, system_actor("city"), None)
            assessment = AssessmentService(broker)
            try:
                await work(City(broker, assessment, ConnectivityService(assessment)))
                assert undeclared(broker) == set()
            finally:
                await assessment.stop()
                await broker.close()

        anyio.run(main)

    return go


def test_indicators(run: Run) -> None:
    """A dozen and more have a value, the others a reason; each names its entities; all are stored as entities."""

    async def work(city: City) -> None:
        body = await city.get("/api/assessment/indicators")
        rows = {row["id"]: row for row in body["indicators"]}
        assert body["counts"]["computed"] >= 16
        for row in rows.values():
            assert row["name"]["th"]
            assert row["name"]["en"]
            if row["status"] == "computed":
                assert row["value"] is not None
                assert all(one["entitiesTotal"] > 0 for one in row["inputs"]), row
            else:
                assert row["value"] is None
                assert row["reasons"]
                assert all(reason["th"] and reason["en"] for reason in row["reasons"])
        # 91 dead in 2025 among 410,211 residents; 39.1 of water supplied, 25.5 sold
        assert rows["road-deaths"]["value"] == pytest.approx(91 / 410_211 * 1e5, abs=0.05)
        assert rows["road-deaths"]["period"] == "2025"
        assert rows["water-loss"]["value"] == pytest.approx(100 * (1 - 25_451_539 / 39_115_244), abs=0.05)
        for row in rows.values():
            assert row["population"]["th"] != row["population"]["en"]
            assert row["period"] or row["status"] == "insufficientData", row["id"]
            assert all(one["label"]["th"] for one in row["inputs"])
            if row["target"] and row["target"]["kind"] == "declared":
                assert row["target"]["text"]["th"].startswith("ค่าเป้าหมายเบื้องต้น (รอจังหวัดเห็นชอบ)")
        assert rows["road-deaths"]["benchmark"]["gapPercent"] == pytest.approx(
            100 * (22.184 - 12) / 12, abs=0.2
        )
        assert rows["road-deaths"]["formulaText"]["th"] == "ผู้เสียชีวิต ÷ ประชากรตามทะเบียน × 100,000"
        assert rows["road-injuries"]["note"]["th"]
        assert rows["road-deaths"]["owner"] == "ตำรวจภูธรจังหวัดภูเก็ต"
        assert rows["hospital-beds"]["status"] == "insufficientData"
        assert rows["hospital-15"]["low"] <= rows["hospital-15"]["value"] <= rows["hospital-15"]["high"]
        stored = list(city.broker.iter_entities([iri("IndicatorValue")], FULL_ACCESS))
        assert len(stored) == len(rows)
        by_id = {doc["id"].rpartition(":")[2]: doc for doc in stored}
        assert value(by_id["road-deaths"], "kpiValue") == rows["road-deaths"]["value"]
        assert value(by_id["hospital-beds"], "kpiValue") is None
        assert (await city.get("/api/assessment/indicators/road-deaths"))["id"] == "road-deaths"
        await city.get("/api/assessment/indicators/nothing", 404)

    run(work)


def test_the_trend_counts_each_year_as_if_it_were_the_last(run: Run) -> None:
    """Water: each year from its own pair. Road deaths: one year of residents is held for all, and said."""

    async def work(city: City) -> None:
        rows = {row["id"]: row for row in (await city.get("/api/assessment/indicators"))["indicators"]}
        water = rows["water-loss"]["trend"]
        docs = {
            value(doc, "kpiCode"): dict(value(doc, "series")["points"])
            for doc in city.broker.iter_entities([iri("KeyPerformanceIndicator")], FULL_ACCESS)
            if value(doc, "kpiCode") in ("water-supplied", "water-sold", "road-deaths-yearly")
        }
        supplied, sold = docs["water-supplied"], docs["water-sold"]
        assert [year for year, _ in water["years"]] == sorted(supplied)
        assert water["held"] == []
        for year, lost in water["years"]:
            assert lost == pytest.approx(100 * (1 - sold[year] / supplied[year]), abs=0.06)
        deaths = rows["road-deaths"]["trend"]
        assert [one["en"] for one in deaths["held"]] == ["registered residents"]
        for year, rate in deaths["years"]:
            assert rate == pytest.approx(docs["road-deaths-yearly"][year] / 410_211 * 1e5, abs=0.06)
        assert rows["hospital-8"]["trend"] == {"years": [], "held": []}
        assert len(rows["road-deaths-change"]["trend"]["years"]) == len(deaths["years"]) - 1

    run(work)


def test_a_series_that_somebody_doubled_by_hand_meets_no_target_and_names_the_contradiction(
    tmp_path: Path,
) -> None:
    """Before, every shipped series agrees with its parts, and nothing was written by hand."""

    async def work() -> None:
        broker = Broker.open(tmp_path)
        await broker.start()
        await install(load_pack("phuket"), broker, system_actor("city"), None)
        assessment = AssessmentService(broker)
        before = {row["id"]: row for row in (await assessment.indicators())["indicators"]}
        assert all((row["byHand"], row["doubts"]) == (0, []) for row in before.values())
        series = entity(
            "urn:ngsi-ld:KeyPerformanceIndicator:phuket-population",
            "KeyPerformanceIndicator",
            series=js({"points": [["2025", 820_422]]}),
        )
        boss = Actor(Principal("user:boss", "Boss", frozenset()), FULL_ACCESS, "10.0.0.7")
        await broker.must_write([WriteOp(OpKind.UPDATE, series["id"], series)], boss)
        after = {
            row["id"]: row for row in (await assessment.refresh(wait_for_criticality=False))["indicators"]
        }
        deaths = after["road-deaths"]
        assert deaths["value"] == pytest.approx(91 / 820_422 * 1e5, abs=0.05)
        assert deaths["benchmark"]["met"] is None
        assert deaths["byHand"] == 1
        assert "820,422" in deaths["doubts"][0]["en"]
        assert "410,211" in deaths["doubts"][0]["en"]
        basis = await Figures(assessment, ConnectivityService(assessment)).indicator(
            "road-deaths", system_actor("auditor")
        )
        assert "820,422" in str([detail.value for detail in basis.details])
        stored = value(broker.find(deaths["entity"], FULL_ACCESS) or {"attrs": {}}, "target")
        assert stored["benchmark"]["met"] is None
        assert after["water-loss"]["byHand"] == 0
        traced = {row["indicator"]: row for row in gaps(list(after.values()), [], [], [])}
        assert (traced["road-deaths"]["status"], traced["road-deaths"]["byHand"]) == ("unknown", 1)
        await assessment.stop()
        await broker.close()

    anyio.run(work)


def test_unchanged_findings_are_not_written_again(run: Run) -> None:
    async def work(city: City) -> None:
        await city.assessment.refresh(wait_for_criticality=False)
        seq = city.broker.seq
        await city.assessment.refresh(wait_for_criticality=False)
        assert city.broker.seq == seq

    run(work)


def test_accessibility(run: Run) -> None:
    async def work(city: City) -> None:
        kinds = (await city.get("/api/assessment/accessibility"))["kinds"]
        assert [kind["kind"] for kind in kinds] == ["Hospital", "FireStation"]
        whole = await city.get("/api/assessment/accessibility/Hospital")
        near, far = whole["within"]
        assert 0 < near["people"]["best"] < far["people"]["best"] <= whole["residents"] == 410_211
        counted = [place for place in whole["places"] if place["counts"]]
        assert {place["name"]["en"] for place in whole["places"] if not place["counts"]} == {
            "Phuket Provincial Hospital"
        }
        assert all((place["reason"] is None) == place["counts"] for place in whole["places"])
        assert "1,3" in next(
            place["reason"]["en"] for place in whole["places"] if place["reason"]
        )  # 1.3 km off the graph
        assert sum(place["nearestForResidents"] for place in counted) == pytest.approx(410_211, abs=10)
        for row in (near, far):
            shares = [one["sharePercent"] for one in row["variants"]]
            assert len(shares) == 6 * 2 * 3
            assert (min(shares), max(shares)) == (row["sharePercent"]["low"], row["sharePercent"]["high"])
            for part in row["contributions"]:
                assert (
                    min(shares) <= part["low"] <= row["sharePercent"]["best"] <= part["high"] <= max(shares)
                )
            assert row["people"]["low"] <= row["people"]["best"] <= row["people"]["high"]
            assert sum(a["people"]["best"] for a in row["byArea"]) == pytest.approx(
                row["people"]["best"], abs=3
            )
        image = expand(whole["grid"])
        assert image.size == whole["grid"]["rows"] * whole["grid"]["columns"]
        assert image.max() <= len(whole["grid"]["levels"])
        assert len(whole["roads"]["features"]) == 855
        await city.get("/api/assessment/accessibility/School", 404)

    run(work)


def test_a_coverage_run_does_not_wait_behind_a_long_study(run: Run) -> None:
    async def work(city: City) -> None:
        await city.assessment.world()
        free = threading.Event()
        long = asyncio.create_task(city.assessment.in_thread(free.wait, long=True))
        try:
            with anyio.fail_after(30):
                await city.connectivity.run({"bands": ["700"]})
            assert not long.done()
        finally:
            free.set()
            await long

    run(work)


def test_a_server_that_stops_does_not_wait_for_a_long_study(run: Run) -> None:
    async def work(city: City) -> None:
        await city.assessment.world()
        study = asyncio.create_task(city.assessment.criticality())
        await asyncio.sleep(0.5)
        await city.assessment.stop()
        with anyio.fail_after(30):
            with pytest.raises((asyncio.CancelledError, concurrent.futures.CancelledError)):
                await study
            city.assessment._long_pool.shutdown(wait=True)

    run(work)


def test_runs(run: Run) -> None:
    """Default runs of three bands; the same inputs give the same run; bad input is named; runs outlive a restart."""

    async def work(city: City) -> None:
        made = (await city.client.post("/api/connectivity/runs", json={})).json()["runs"]
        assert [one["band"] for one in made] == ["700", "3500", "6000"]
        outdoor = [one["covered"]["outdoor"]["people"]["best"] for one in made]
        assert 410_211 >= outdoor[0] >= outdoor[1] >= outdoor[2] > 0
        own = {"bands": ["3500"], "sites": [{"lon": 98.39, "lat": 7.88}], "name": "หนึ่งสถานี"}
        first = (await city.client.post("/api/connectivity/runs", json=own)).json()["runs"][0]
        seq = city.broker.seq
        again = (await city.client.post("/api/connectivity/runs", json=own)).json()["runs"][0]
        assert again["id"] == first["id"]
        assert city.broker.seq == seq
        bad = await city.client.post("/api/connectivity/runs", json={"sites": [{"lon": 98.39}]})
        assert bad.status_code == 400
        assert bad.json()["field"] == "sites/0/lat"
        for body in ({"bands": ["9"]}, {"siteCount": 0}, {"budget": {"load": 7}}, [], {"bandwidthMhz": "x"}):
            assert (await city.client.post("/api/connectivity/runs", json=body)).status_code == 400, body

    async def later(city: City) -> None:
        runs = (await city.get("/api/connectivity/runs"))["runs"]
        assert len(runs) == 4
        assert [one["isDefault"] for one in runs] == [True, True, True, False]
        assert "grid" not in runs[0]
        whole = await city.get(f"/api/connectivity/runs/{runs[0]['id']}")
        assert expand(whole["grid"]).max() >= 2
        assert len(whole["sites"]) == whole["siteCount"] == 120

    run(work)
    run(later)


def test_policy(run: Run) -> None:
    """Every case has both measures at every place; the verdict follows from them; hills only take away."""

    async def work(city: City) -> None:
        body = await city.get("/api/connectivity/policy")
        cases = {case["id"]: case for case in body["cases"]}
        assert list(cases) == ["lower-today", "lower-licence-exempt", "upper-imt", "together"]
        for case in cases.values():
            assert set(case["measures"]) == {"outdoor", "indoor-low-loss", "indoor-high-loss"}
            for measures in case["measures"].values():
                assert set(measures) == {"expected", "threshold"}
                by_homes = case["id"] != "upper-imt"
                assert (measures["threshold"] is None) == by_homes
                for share in filter(None, measures.values()):
                    assert 0 <= share["low"] <= share["best"] <= share["high"] <= 100
                    extra = [row["sharePercent"] for row in share["byExtraLoss"]]
                    assert extra == sorted(extra, reverse=True)
                    assert share["best"] == extra[0]
                if not by_homes:
                    assert measures["threshold"]["best"] <= measures["expected"]["best"] / 0.9 + 0.1
        for place in cases["together"]["measures"]:
            best = [case["measures"][place]["expected"]["best"] for case in cases.values()]
            assert best[3] >= max(best[:3])
        wifi = cases["lower-licence-exempt"]["measures"]["indoor-low-loss"]
        assert wifi["expected"]["best"] == pytest.approx(60.0, abs=0.1)
        assert body["origin"] == "simulated", "the sites are"
        assert {row["place"]: row["leader"] for row in body["verdicts"]} == dict.fromkeys(
            ("outdoor", "indoor-low-loss", "indoor-high-loss")
        )
        assert all(one["text"]["th"] and one["text"]["en"] for one in body["assumptions"])
        more = await city.get("/api/connectivity/policy?fixedLineShare=0.9")
        share = more["cases"][1]["measures"]["indoor-low-loss"]["expected"]
        assert share["best"] == pytest.approx(90.0, abs=0.1)
        await city.get("/api/connectivity/policy?fixedLineShare=2", 400)

    run(work)


@pytest.mark.slow
def test_criticality(run: Run) -> None:
    """Twenty links, dearest first; the only road to the mainland is among them and its closure says so."""

    async def work(city: City) -> None:
        body = await city.get("/api/assessment/criticality")
        links = body["links"]
        assert len(links) == 20
        costs = [link["personMinutes"] for link in links]
        assert costs == sorted(costs, reverse=True)
        assert any(link["cutFromMainland"] for link in links)
        rows = {
            row["id"]: row for row in (await city.assessment.refresh(wait_for_criticality=True))["indicators"]
        }
        assert body["personMinutes"] == sum(costs)
        assert rows["link-risk"]["value"] == pytest.approx(sum(costs) / 1e6, abs=0.05)
        assert rows["link-risk"]["unit"]["en"] == "million " + body["unit"]["en"]
        assert rows["link-risk"]["low"] <= rows["link-risk"]["value"] <= rows["link-risk"]["high"]
        assert rows["critical-links"]["value"] == max(link["cutOff"] for link in links)
        tried = {(case["lostMin"], case["localStreets"]) for case in body["cases"]}
        assert tried == {(price, streets) for price in (60, 120, 240) for streets in (True, False)}
        for link in links:
            within = [rank["rank"] is not None for rank in link["ranks"]]
            assert len(within) == len(body["cases"]) == 8 + 6
            first = {rank["rank"] for rank in link["ranks"]}
            assert link["unstable"] == ((any(within) and not all(within)) or (1 in first and first != {1}))
            assert link["rankLow"] <= link["rank"] <= (link["rankHigh"] or 99)
        assert {link["rank"] for link in links if link["ranks"][0]["rank"]} == set(range(1, 11))
        spreads = [case for case in body["cases"] if case["spread"]]
        assert len({case["spread"]["en"] for case in spreads}) == 6
        # What people do not know most about, where residents live, is in the interval; the best value is at neither end.
        for row, name in (("critical-links", "cutOff"), ("link-risk", "personMinutes")):
            every = [case[name] for case in body["cases"]]
            scale = 1e6 if row == "link-risk" else 1
            assert rows[row]["low"] == pytest.approx(min(every) / scale, abs=0.05)
            assert rows[row]["high"] == pytest.approx(max(every) / scale, abs=0.05)
            assert min(every) < every[0] < max(every)
        assert rows["link-risk"]["benchmark"]["met"] in (None, False)
        assert all(link["cutOff"] <= body["residents"] for link in links)
        assert len(body["geojson"]["features"]) == 20

    run(work)
