"""Laws of the training framework as registers: every city's is complete, edits are at work at once, upgrades lose nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from andaman.broker.entity.build import entity, js, lang, prop, value
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.city import pack as packs
from andaman.city.pack import base_demo_staff, load_pack
from andaman.city.registers import SeedRows
from andaman.form import RowRefused
from andaman.identity.model import FULL_ACCESS, system_actor
from andaman.training.course import courses_of
from andaman.training.demo import simulated_staff
from andaman.training.framework import COMPETENCIES, STAFF_ROLES, Framework
from tests.support import client, platform, run

CITIES = ["", *sorted(one.parent.name for one in Path(packs.__file__).parent.glob("*/manifest.json"))]
"""The empty name: a city without a pack."""


@pytest.mark.parametrize("city", CITIES)
def test_the_framework_of_every_city_is_complete(city: str) -> None:
    """Courses prove competencies that it has, and the demo's staff have roles that it has."""
    pack = load_pack(city) if city else None
    framework = Framework.of(SeedRows(pack))
    courses = courses_of(SeedRows(pack)).values()
    proven = {one.competency for course in courses for step in course.steps for one in step.grants}
    assert proven <= framework.competencies.keys()
    staff = pack.demo_staff if pack else base_demo_staff()
    roles = {role.id for role in framework.roles}
    assert staff.keys() <= roles
    docs = simulated_staff(framework, staff, 1_800_000_000_000_000)
    assert sum(value(doc, "staffRole") is not None for doc in docs) == sum(staff.values())
    assert {value(doc, "origin") for doc in docs} == {"simulated"}


def test_an_edited_requirement_is_at_work_at_once(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app, "administrator") as http:
            new = {"name": {"th": "ดับเพลิง", "en": "Fire safety"}, "area": "operations", "validDays": 30}
            assert (await http.put("/api/registers/competencies/fire-safety", json=new)).status_code == 200
            role = (await http.get("/api/registers/staff-roles/planner")).json()["row"]
            role["requires"] = [{"competency": "fire-safety", "level": 2}]
            assert (await http.put("/api/registers/staff-roles/planner", json=role)).status_code == 200
            page = (await http.get("/api/training")).json()
            gap = [row for row in page["gap"] if row["role"] == "planner"]
            assert [(row["competency"], row["level"]) for row in gap] == [("fire-safety", 2)]
            planner = next(one for one in page["roles"] if one["id"] == "planner")
            assert planner["requires"] == {"fire-safety": 2}
            refused = await http.delete("/api/registers/competencies/fire-safety?reason=why")
            assert refused.json()["code"] == "definition-in-use"
            for wrong in ({"competency": "fire-safety", "level": 5}, {"competency": "none", "level": 1}):
                answer = await http.put(
                    "/api/registers/staff-roles/planner", json={**role, "requires": [wrong]}
                )
                assert [one["field"] for one in answer.json()["errors"]] == ["requires"]
            body = {"person": "staff:1", "role": "nobody"}
            assert (await http.post("/api/training/roles", json=body)).json()["code"] == "no-such-staff-role"

    run(work)


def test_a_role_names_a_competency_once() -> None:
    row: dict[str, Any] = {"code": "x", "name": {"th": "ก", "en": "A"}, "basis": {"th": "ก", "en": "A"}}
    twice = {
        **row,
        "posts": 1,
        "requires": [{"competency": "a", "level": 1}, {"competency": "a", "level": 2}],
    }
    with pytest.raises(RowRefused) as refused:
        STAFF_ROLES.read(twice)
    assert refused.value.extra["errors"][0]["code"] == "competency-twice"
    with pytest.raises(RowRefused):
        COMPETENCIES.read({"code": "x", "name": row["name"], "area": "a", "validDays": 0})


def _as_before() -> list[Doc]:
    """As releases before wrote them at each start: the needs of a role were an object."""
    return [
        entity(
            "urn:ngsi-ld:StaffRole:planner",
            "StaffRole",
            ["/training/framework"],
            name=lang(th="เก่า", en="Old"),
            posts=prop(9),
            basis=lang(th="เก่า", en="Old"),
            requires=js({"data-quality": 1}),
        ),
        entity("urn:ngsi-ld:StaffRole:own", "StaffRole", name=lang(th="เรา", en="Ours"), posts=prop(1)),
    ]


def test_the_framework_of_a_release_before_becomes_rows(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path, broker_only=True) as app:
            ops = [WriteOp(OpKind.CREATE, doc["id"], doc) for doc in _as_before()]
            await app.broker.must_write(ops, system_actor("test"))
        for _ in range(2):
            async with platform(tmp_path) as app, client(app, "administrator") as http:
                planner = (await http.get("/api/registers/staff-roles/planner")).json()
                assert planner["errors"] == []
                assert STAFF_ROLES.read(planner["row"]) == SeedRows().rows(STAFF_ROLES)["planner"]
                stored = app.broker.get("urn:ngsi-ld:StaffRole:planner", FULL_ACCESS)
                assert stored["scope"] == ["/training/framework"]
                own = (await http.get("/api/registers/staff-roles/own")).json()
                assert [one["field"] for one in own["errors"]] == ["basis"]

    run(work)
