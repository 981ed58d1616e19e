"""Laws of scenarios: those of every pack fit its city, and no row of the register can hang the clock of a drill."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from andaman.city import pack as packs
from andaman.city.pack import load_pack
from andaman.city.registers import Registers, SeedRows
from andaman.form import RowRefused
from andaman.identity.model import FULL_ACCESS
from andaman.rooms import TYPES
from andaman.training.exercise import main_entity
from andaman.training.scenarios import SCENARIOS, scenario_of
from andaman.training.service import TrainingService
from andaman.vocabulary import by_name
from tests.support import client, platform, run

CITIES = sorted(one.parent.name for one in Path(packs.__file__).parent.glob("*/manifest.json"))
MINI = "rain-and-a-fall"


@pytest.mark.parametrize("city", CITIES)
def test_scenarios_of_a_pack_are_complete(city: str) -> None:
    """Their rows refer to kinds of incident and unit that are there: tests/city/test_registers.py."""
    rows = SeedRows(load_pack(city)).rows(SCENARIOS)
    west, south, east, north = load_pack(city).bbox
    assert rows
    for row in rows.values():
        scenario = scenario_of(row)
        lon, lat = scenario.place
        assert west < lon < east
        assert south < lat < north
        reports = [n for n, one in enumerate(scenario.injects) if one.kind == "report"]
        assert main_entity(scenario, "x").endswith(f"drill-x-{reports[-1]}")
        for inject in scenario.injects:
            declared = by_name(TYPES)[inject.entity_type]
            assert all(declared.attribute(name) for name in inject.attrs), inject
        assert {str(rule.definition["incidentType"]) for rule in scenario.rules} <= {
            row["code"] for row in load_pack(city).register("incident-types")
        }


def _row(**more: Any) -> dict[str, Any]:
    return {**load_pack("minicity").register("drill-scenarios")[0], **more}


def _inject(**more: Any) -> list[dict[str, Any]]:
    first, second = _row()["injects"]
    return [first, {**second, **more}]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"limitSeconds": 1}, "number-out-of-range"),
        ({"mainPlace": {"longitude": 500, "latitude": 0}}, "number-out-of-range"),
        ({"injects": _row()["injects"][:1]}, "scenario-without-report"),
        ({"injects": _inject(kind="unit-status")}, "not-a-choice"),
        ({"injects": _inject(afterSeconds=10_000)}, "inject-not-usable"),
        ({"injects": _inject(attributes={})}, "inject-not-usable"),
        ({"injects": _inject(attributes={"scope": "/x"})}, "inject-not-usable"),
        ({"injects": _inject(attributes={"deaths": None})}, "inject-not-usable"),
        ({"injects": _inject(entityType="road accident")}, "inject-not-usable"),
        ({"alertRules": [{**_row()["alertRules"][0], "definition": {}}]}, "scenario-rule-refused"),
        ({"alertRules": [{**_row()["alertRules"][0], "id": "a b"}]}, "scenario-rule-refused"),
    ],
)
def test_a_row_that_could_not_be_played_is_refused(more: dict[str, Any], code: str) -> None:
    with pytest.raises(RowRefused) as refused:
        SCENARIOS.read(_row(**more))
    assert refused.value.extra["errors"][0]["code"] == code


def test_a_drill_keeps_the_scenario_that_it_began_with(tmp_path: Path) -> None:
    """Its row may be edited or deleted meanwhile. A drill of a release before follows the row of its code."""

    async def work() -> None:
        async with platform(tmp_path, pack="minicity") as app, client(app, "administrator") as http:
            assert [one["id"] for one in (await http.get("/api/training/scenarios")).json()] == [MINI]
            begun = (await http.post("/api/training/drills", json={"scenario": MINI})).json()["drill"]
            page = f"/api/training/drills/{begun['id'].rsplit(':', 1)[1]}"
            row = _row(limitSeconds=100, injects=[{**_row()["injects"][1], "afterSeconds": 1}])
            answer = await http.put(f"/api/registers/drill-scenarios/{MINI}", json=row)
            assert answer.status_code == 200, answer.text
            drills = app.get(TrainingService).drills
            stored = app.broker.get(begun["id"], FULL_ACCESS)
            kept = drills.scenario_of(stored)
            assert kept == scenario_of(SeedRows(load_pack("minicity")).rows(SCENARIOS)[MINI])
            older = {
                **stored,
                "attrs": {k: v for k, v in stored["attrs"].items() if not k.endswith("drillScript")},
            }
            edited = drills.scenario_of(older)
            assert edited is not None
            assert edited.limit_s == 100
            assert (await http.delete(f"/api/registers/drill-scenarios/{MINI}")).status_code == 204
            assert app.get(Registers).rows(SCENARIOS) == {}
            assert drills.scenario_of(older) is None
            for _ in range(100):
                await asyncio.sleep(0.1)
                if (state := (await http.get(page)).json())["drill"]["a"]["injected"]:
                    break
            assert len(state["injects"]) == 2
            assert (await http.post(f"{page}/finish")).json()["score"]["of"] == 100
            answer = await http.post("/api/training/drills", json={"scenario": MINI})
            assert answer.json()["code"] == "no-such-scenario"

    run(work)
