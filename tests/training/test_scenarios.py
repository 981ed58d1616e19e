"""Laws of scenarios: those of every pack fit its city, and no row of the register can hang the clock of a drill."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.entity.build import entity, js, lang, prop, value
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.city import pack as packs
from andaman.city.pack import load_pack
from andaman.city.registers import Registers, SeedRows
from andaman.city.seeding import digest_of_content
from andaman.form import RowRefused
from andaman.identity.model import FULL_ACCESS, system_actor
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


def _part(tasks: list[tuple[str, float]], **more: Any) -> list[dict[str, Any]]:
    seconds = {"fullSeconds": 60, "noneSeconds": 120} | more
    rows = [{"kind": kind, "points": points, **seconds} for kind, points in tasks]
    return [{"role": "dispatching", "tasks": rows}]


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
        ({"placeWithinMetres": 0}, "number-out-of-range"),
        ({"roleTasks": _part([("open", 99)])}, "part-not-usable"),
        ({"roleTasks": _part([("open", 50), ("open", 50)])}, "part-not-usable"),
        ({"roleTasks": _part([("log", 100)])}, "part-not-usable"),
        ({"roleTasks": _part([("open", 100)], fullSeconds=9, noneSeconds=9)}, "part-not-usable"),
        ({"roleTasks": _part([("open", 100)]) * 2}, "part-not-usable"),
        ({"roleTasks": _part([("open", 100)], items=[{"th": "ก", "en": "a"}])}, "part-not-usable"),
    ],
)
def test_a_row_that_could_not_be_played_is_refused(more: dict[str, Any], code: str) -> None:
    with pytest.raises(RowRefused) as refused:
        SCENARIOS.read(_row(**more))
    assert refused.value.extra["errors"][0]["code"] == code


def test_a_scenario_of_a_release_before_follows_the_pack_unless_somebody_edited_it(tmp_path: Path) -> None:
    """Its row named kinds of unit, which the rule of the advice has replaced. An edited one stays, and can be read."""

    def older(code: str, **more: Any) -> dict[str, Any]:
        return {**_row(code=code), "unitTypes": ["ambulance"], **more}

    def doc(row: dict[str, Any]) -> Doc:
        attrs = {
            name: lang(**content)
            if name in ("name", "briefing")
            else js(content)
            if isinstance(content, (dict, list))
            else prop(content)
            for name, content in row.items()
            if name != "code"
        }
        attrs["incidentTypes"], attrs["unitTypes"] = prop(row["incidentTypes"]), prop(row["unitTypes"])
        return entity(f"urn:ngsi-ld:Exercise:{row['code']}", "Exercise", ["/registers"], **attrs)

    async def work() -> None:
        rows = [older(MINI, limitSeconds=600), older("own", limitSeconds=700)]
        marker = {MINI: digest_of_content({**rows[0], "injects": _as_read(rows[0])}), "own": "edited"}
        seed = entity(
            "urn:ngsi-ld:RegisterSeed:drill-scenarios",
            "RegisterSeed",
            ["/registers"],
            pack=prop("minicity"),
            digests=js(marker),
        )
        async with platform(tmp_path, broker_only=True) as app:
            ops = [WriteOp(OpKind.CREATE, one["id"], one) for one in (*map(doc, rows), seed)]
            await app.broker.must_write(ops, system_actor("test"))
        for _ in range(2):
            async with platform(tmp_path, pack="minicity") as app:
                found = app.get(Registers).rows(SCENARIOS)
                assert found[MINI].limit_seconds == _row()["limitSeconds"], "nobody edited it"
                assert found["own"].limit_seconds == 700
                stored = app.broker.get(f"urn:ngsi-ld:Exercise:{MINI}", FULL_ACCESS)
                assert value(stored, "unitTypes") is None

    run(work)


def _as_read(row: dict[str, Any]) -> Any:
    """Seconds are numbers with a fraction when a row has been read."""
    return SCENARIOS.json(SCENARIOS.read(row))["injects"]


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
            assert (await http.delete(f"/api/registers/drill-scenarios/{MINI}?reason=why")).status_code == 204
            assert app.get(Registers).rows(SCENARIOS) == {}
            assert drills.scenario_of(older) is None
            for _ in range(100):
                await asyncio.sleep(0.1)
                if (state := (await http.get(page)).json())["drill"]["a"]["injected"]:
                    break
            assert len(state["injects"]) == len(state["drill"]["a"]["injected"]), "what comes is not told"
            assert (await http.post(f"{page}/finish")).json()["score"]["of"] == 100
            answer = await http.post("/api/training/drills", json={"scenario": MINI})
            assert answer.json()["code"] == "no-such-scenario"

    run(work)
