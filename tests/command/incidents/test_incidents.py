"""Laws of incidents, on a real broker."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.entity.build import iri, short
from andaman.command.core.attributes import names
from andaman.command.core.reading import read_form
from andaman.command.desk import Desk
from andaman.command.incident_types import INCIDENT_TYPES
from andaman.command.incidents.commands import OpenIncident
from andaman.command.problems import ChecklistOver, NotInChecklist
from andaman.command.types import TYPES
from andaman.common_attributes import COMMON
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import BadRequestData, Conflict, ResourceNotFound
from andaman.kernel.words import Words
from tests.command.city import (
    A1,
    A2,
    P1,
    SECOND_DISPATCHER,
    HandClock,
    add_note,
    assign,
    broker_at,
    check_item,
    move,
    opened,
    report,
    status_of,
    take_step,
)


def test_whole_life_of_an_incident(tmp_path: Path) -> None:
    """From report to close: incident and unit follow the assignment, every step is in the timeline, numbered without
    gaps, and closing waits until the units are clear."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            ranking = await desk.dispatch.candidates(incident, FULL_ACCESS, "")
            assert [c.unit.id for c in ranking.candidates] == [A1, A2, P1]
            assert ranking.candidates[0].route is not None
            assert (
                ranking.candidates[1].reason["bestEtaSeconds"] == ranking.candidates[0].reason["etaSeconds"]
            )
            assert {s["why"] for s in ranking.skipped} == {"otherType"}

            assignment = await assign(desk, incident, A1)
            assert status_of(broker, incident, "incidentStatus") == "dispatched"
            assert status_of(broker, A1, "unitStatus") == "assigned"
            reason = status_of(broker, assignment, "reasonChosen")
            assert {"etaSeconds", "bestEtaSeconds", "unitType", "distanceM"} <= reason.keys()
            with pytest.raises(Conflict, match="still bound") as refused:
                await take_step(desk, incident, "triaged")
            assert refused.value.extra["allowed"] == ["cancelled"]

            await move(desk, assignment, "enRoute")
            await move(desk, assignment, "onScene")
            assert status_of(broker, incident, "incidentStatus") == "onScene"
            await take_step(desk, incident, "controlled")
            with pytest.raises(Conflict, match="still bound"):
                await take_step(desk, incident, "closed", "", "done")
            await move(desk, assignment, "clear")
            assert status_of(broker, A1, "unitStatus") == "available"
            await add_note(desk, incident, "สภาพถนนแห้ง")
            await take_step(desk, incident, "closed", "", "two injured, road open")

            detail = desk.detail(incident, FULL_ACCESS)
            steps = [(e["a"]["entryType"], e["a"].get("step")) for e in detail["timeline"]]
            assert steps == [
                ("created", "new"), ("assignment", "assigned"), ("follows", "dispatched"),
                ("assignment", "enRoute"), ("assignment", "onScene"), ("follows", "onScene"),
                ("step", "controlled"), ("assignment", "clear"), ("note", None), ("step", "closed"),
            ]  # fmt: skip
            assert [e["a"]["number"] for e in detail["timeline"]] == list(range(1, 11))
            assert detail["incident"]["a"]["outcome"] == "two injured, road open"
            assert detail["allowedSteps"] == ["triaged"]
            for kind in TYPES:
                declared = {one.name for one in (*kind.attributes, *COMMON)}
                for doc in broker.iter_entities([iri(kind.name)], FULL_ACCESS):
                    assert {short(name) for name in doc["attrs"]} <= declared

    asyncio.run(run())


def test_entries_are_codes_with_names_in_both_languages(tmp_path: Path) -> None:
    """What happened is a code with parameters; `text` is what a person wrote, or else the sentence in both languages."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            kind = desk.registers.rows(INCIDENT_TYPES)[str(status_of(broker, incident, "incidentType"))]
            await assign(desk, incident, A1)
            await check_item(desk, incident, kind.checklist[0])
            with pytest.raises(NotInChecklist):
                await check_item(desk, incident, Words("อื่น", "Other"))
            await add_note(desk, incident, "ถนนแห้ง")
            await take_step(desk, incident, "cancelled", "แจ้งเท็จ")
            lines = [e["a"] for e in desk.detail(incident, FULL_ACCESS)["timeline"]]
            assert [line.get("code") for line in lines] == [
                "incident-opened", "unit-step", "incident-followed", "item-checked", None, "incident-step", "unit-step",
            ]  # fmt: skip
            unit = names(broker.get(A1, FULL_ACCESS))
            assert lines[1]["params"] == {"unit": unit.json(), "state": "assigned"}
            assert lines[1]["text"] == {"th": f"{unit.th}: สั่งการแล้ว", "en": f"{unit.en}: Assigned"}
            assert lines[3]["params"] == {"item": kind.checklist[0].json()}
            assert (lines[4]["entryType"], lines[4]["text"]) == ("note", "ถนนแห้ง")
            assert (lines[5]["params"], lines[5]["text"]) == ({"state": "cancelled"}, "แจ้งเท็จ")

    asyncio.run(run())


def test_steps_at_once_are_taken_one_after_the_other(tmp_path: Path) -> None:
    """Of two people who take conflicting steps, one is refused for what the other made true; all notes are kept."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            others = [Desk(broker, clock) for _ in range(2)]
            results = await asyncio.gather(
                take_step(others[0], incident, "cancelled"),
                assign(others[1], incident, A1, SECOND_DISPATCHER),
                *(add_note(desk, incident, f"note {i}") for i in range(10)),
                return_exceptions=True,
            )
            refused = [r for r in results[:2] if isinstance(r, Conflict)]
            state = status_of(broker, incident, "incidentStatus")
            if state == "cancelled":  # either after the unit was sent (and called back) or before
                assert status_of(broker, A1, "unitStatus") == "available"
            assert len(refused) == (0 if isinstance(results[1], str) and state == "cancelled" else 1)
            entries = desk.detail(incident, FULL_ACCESS)["timeline"]
            assert sum(e["a"]["entryType"] == "note" for e in entries) == 10
            assert [e["a"]["number"] for e in entries] == list(range(1, len(entries) + 1))

    asyncio.run(run())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"incidentType": None}, "incidentType"),
        ({"severity": "Bad"}, "severity"),
        ({"location": {"type": "Point", "coordinates": [998, 7]}}, "location"),
        ({"location": {"type": "Point", "coordinates": [float("nan"), 7]}}, "location"),
        ({"location": "Patong"}, "location"),
        ({"refAlert": "not an id"}, "refAlert"),
        ({"description": "x" * 5000}, "description"),
        ({"description": 5}, "description"),
        ({"name": {"de": "Unfall"}}, "de"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_reports_name_the_member(change: dict[str, Any], field: str) -> None:
    """A refusal says which member is wrong."""
    with pytest.raises(BadRequestData) as refused:
        read_form(OpenIncident, report() | change)
    assert refused.value.extra["field"] == field


def test_unknown_things_are_not_found(tmp_path: Path) -> None:
    """Also an id of another type: a unit is no incident."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, _ = await opened(broker, clock)
            for wrong in ("urn:ngsi-ld:Incident:none", A1):
                with pytest.raises(ResourceNotFound):
                    await take_step(desk, wrong, "triaged")

    asyncio.run(run())


def test_a_tick_is_taken_back_with_a_trace_and_ends_with_the_incident(tmp_path: Path) -> None:
    """Both are lines of the timeline. After the end nobody ticks; notes are written on."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            item = desk.registers.rows(INCIDENT_TYPES)["roadAccident"].checklist[0]
            await check_item(desk, incident, item)
            await check_item(desk, incident, item, done=False)
            lines = [one["a"] for one in desk.detail(incident, FULL_ACCESS)["timeline"]]
            assert [one["code"] for one in lines[1:]] == ["item-checked", "item-unchecked"]
            await take_step(desk, incident, "triaged")
            await take_step(desk, incident, "closed", outcome="false alarm", disposition="falseReport")
            for done in (True, False):
                with pytest.raises(ChecklistOver):
                    await check_item(desk, incident, item, done=done)
            await add_note(desk, incident, "ผู้แจ้งโทรกลับ")
            assert status_of(broker, incident, "disposition") == "falseReport"
            await take_step(desk, incident, "triaged")
            await check_item(desk, incident, item)

    asyncio.run(run())
