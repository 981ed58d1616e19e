"""The bases of this room's figures: what the pages link to exists, says the same number, and names its sources."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import anyio
import pytest

from andaman.assessment.connectivity import ConnectivityService
from andaman.assessment.figures import Figures
from andaman.assessment.problems import SignInToSee
from andaman.assessment.service import AssessmentService
from andaman.broker.service import Broker
from andaman.city.pack import install, load_pack
from andaman.evidence.model import Basis
from andaman.evidence.problems import NoSuchFigure
from andaman.identity.model import FULL_ACCESS, Actor, Principal, Role, system_actor


class Blind(type(FULL_ACCESS)):  # type: ignore[misc]
    """Sees nothing."""

    def sees(self, types: Any, scopes: Any) -> bool:
        return False


def told(basis: Basis) -> Basis:
    """A basis with all that an auditor asks for."""
    assert basis.period is not None
    assert basis.check is not None
    assert basis.entities or basis.constants
    for words in (basis.title, basis.period, basis.population, basis.formula, basis.note, basis.unit):
        assert words is None or (words.th and words.en)
    return basis


def test_every_figure_has_its_basis(tmp_path: Path) -> None:
    async def work(assessment: AssessmentService, figures: Figures, reader: Actor) -> None:
        for row in (await assessment.indicators())["indicators"]:
            found = await figures.indicator(row["id"], reader)
            assert found.value == row["value"]
            assert found.population is not None
            assert found.formula is not None
            assert not re.search(r"[A-Za-z_]{4,}", found.formula.th.replace("Smart Bus", "")), (
                found.formula.th
            )
            for year, value in row["trend"]["years"]:
                assert (await figures.indicator(f"{row['id']}/{year}", reader)).value == value
            for one in row["inputs"]:
                given = await figures.indicator(f"{row['id']}/{one['name']}", reader)
                assert given.value == one["value"]
                assert given.formula is not None
                assert given.formula != found.formula
                assert isinstance(given.entities, tuple)
                assert row["entity"] not in {entity.id for entity in given.entities}
            for number, peer in enumerate(row["peers"]):
                assert (await figures.indicator(f"{row['id']}/peer/{number}", reader)).value == peer["value"]
        study = await assessment.accessibility("Hospital")
        ring = study["within"][0]
        whole = told(await figures.reach("Hospital/8", reader))
        assert whole.value == ring["sharePercent"]["best"]
        assert isinstance(whole.entities, tuple)
        listed = {one.id for one in whole.entities}
        assert {place["id"] for place in study["places"]} <= listed
        assert "urn:ngsi-ld:KeyPerformanceIndicator:phuket-waste-households" in listed
        # Nothing that the figure rests on is missing: constants, the household table, roads and places.
        codes = {one["code"]: one["value"] for one in study["constants"]}
        wanted = {
            "detour": 1.3,
            "coarse_m": 150,
            "close_m": 30,
            "even_m": 1500,
            "along_m": 750,
            "cell_m": 250,
        }
        assert wanted.items() <= codes.items()
        assert sum(float(str(one.value)) for one in whole.details) > 100_000
        assert [part.key.partition("&")[0] for part in whole.parts] == [
            "type=RoadSegment",
            "type=PointOfInterest,PublicTransportStop",
        ]
        made = {part.kind: part for part in (await figures.indicator("hospital-8", reader)).parts}
        assert made["reach"].key == "Hospital/8"
        assert (await figures.reach("Hospital/8", reader)).value == pytest.approx(
            float(str(made["reach"].value)), abs=0.1
        )
        near = await figures.indicator("bus-500", reader)
        assert {500, 1500, 750, 250} <= {one.value for one in near.constants}
        assert near.details == whole.details
        area = ring["byArea"][0]
        assert (
            told(await figures.reach(f"Hospital/8/{area['id']}", reader)).value
            == area["sharePercent"]["best"]
        )
        for constant in study["constants"]:
            basis = told(await figures.reach(f"Hospital/constant/{constant['code']}", reader))
            assert basis.value == constant["value"]
        run = (await figures._connectivity.run({"bands": ["3500"]}))[0]
        for place, row in run["covered"].items():
            found = told(await figures.coverage(f"3500-default/{place}/threshold", reader))
            assert found.value == row["sharePercent"]["best"]
            found = told(await figures.coverage(f"3500-default/{place}/expected", reader))
            assert found.value == row["expected"]["sharePercent"]["best"]
        for part in ("capacity", "sites", *(f"constant/{one['code']}" for one in run["constants"])):
            told(await figures.coverage(f"3500-default/{part}", reader))
        policy = await figures._connectivity.policy({})
        for case in policy["cases"]:
            for place, measures in case["measures"].items():
                for measure, share in measures.items():
                    if share is None:
                        with pytest.raises(NoSuchFigure):
                            await figures.policy(f"{case['id']}/{place}/{measure}", reader)
                        continue
                    found = told(await figures.policy(f"{case['id']}/{place}/{measure}", reader))
                    assert found.value == share["best"]
            told(await figures.policy(f"{case['id']}/spectrum", reader))
        for row in policy["assumptions"]:
            told(await figures.policy(f"assumption/{row['name']}", reader))
        for resolver, keys in (
            (figures.indicator, ("x", "road-deaths/2000", "road-deaths/peer/9", "road-deaths/x")),
            (figures.reach, ("School", "Hospital/9", "Hospital/8/urn:x:y", "Hospital/constant/x")),
            (figures.coverage, ("3500-default", "3500-default/outdoor/x", "nothing/capacity")),
            (figures.policy, ("x/spectrum", "together/x", "assumption/x")),
        ):
            for key in keys:
                with pytest.raises(NoSuchFigure):
                    await resolver(key, reader)
        stranger = Actor(Principal("user:x", "x", frozenset({Role.PUBLIC})), Blind())
        with pytest.raises(SignInToSee):
            await figures.reach("Hospital", stranger)

    run_on(tmp_path, work)


@pytest.mark.slow
def test_a_critical_link_says_how_its_cost_is_made(tmp_path: Path) -> None:
    async def work(assessment: AssessmentService, figures: Figures, reader: Actor) -> None:
        study = await assessment.criticality()
        for case in study["cases"]:
            rows = study["links"] if case is study["cases"][0] else case["links"]
            for row in rows:
                basis = told(await figures.critical(f"{case['id']}/{row['rank']}", reader))
                assert basis.value == row["personMinutes"]
                made = row["addedPersonMinutes"] + row["lostTrips"] * case["lostMin"]
                assert made == pytest.approx(row["personMinutes"], abs=0.5 * case["lostMin"] + 2)
            whole = told(await figures.critical(f"{case['id']}/sum", reader))
            assert whole.value == case["personMinutes"]
            most = told(await figures.critical(f"{case['id']}/cutOff", reader))
            assert most.value == max(row["cutOff"] for row in rows)
            assert sum(float(str(part.value)) for part in whole.parts) == whole.value
        # Residents by junction add up to those who are cut off; the ends of assumed streets are there.
        for row in study["links"]:
            nodes = [
                one.value
                for one in told(
                    await figures.critical(f"{study['cases'][0]['id']}/{row['rank']}", reader)
                ).details
                if one.name.en.startswith("Residents cut off")
            ]
            assert sum(float(str(one)) for one in nodes) == pytest.approx(
                row["cutOff"], abs=0.5 + 0.05 * len(nodes)
            )
        assert len(study["localStreets"]) > 100
        assert all(len(one) == 4 for one in study["localStreets"])
        parts = (await figures.critical("sum", reader)).parts
        assert sum(float(str(part.value)) for part in parts) == study["personMinutes"]
        with pytest.raises(NoSuchFigure):
            await figures.critical("120-streets-15/21", reader)

    run_on(tmp_path, work)


def run_on(tmp_path: Path, work: Any) -> None:
    async def main() -> None:
        broker = Broker.open(tmp_path)
        await broker.start()
        await install(load_pack("phuket"), broker, system_actor("city"), None)
        assessment = AssessmentService(broker)
        try:
            await work(
                assessment, Figures(assessment, ConnectivityService(assessment)), system_actor("auditor")
            )
        finally:
            await assessment.stop()
            await broker.close()

    anyio.run(main)
