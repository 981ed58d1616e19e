"""Corrections: what was recorded stays readable, what is true now is used from then on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from andaman.command.core.reading import read_form
from andaman.command.desk import Desk
from andaman.command.incidents.commands import CorrectIncident, OpenIncident
from andaman.command.problems import CorrectedMeanwhile, NothingToCorrect, PlaceNotChosen
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import BadRequestData
from tests.command.city import (
    A1,
    A2,
    DISPATCHER,
    HandClock,
    add_note,
    assign,
    broker_at,
    open_incident,
    opened,
    point,
    report,
    status_of,
)


async def correct(desk: Desk, incident: str, **change: Any) -> str:
    body = {"reason": "ผู้แจ้งโทรกลับ", **change}
    return await desk.handle(read_form(CorrectIncident, body, incident=incident), DISPATCHER, "")


def test_the_timeline_keeps_old_and_new_values_with_the_reason(tmp_path: Path) -> None:
    """One numbered entry for each value that differs; what is equal is no correction."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock, name="รถชน")
            await correct(
                desk, incident, severity="Minor", incidentType="fire", name={"th": "ไฟไหม้", "en": "Fire"},
                location=point(3, 3), address="หน้าตลาด",
            )  # fmt: skip
            found = desk.detail(incident, FULL_ACCESS)
            lines = [one["a"] for one in found["timeline"]][1:]
            assert [one["params"]["field"] for one in lines] == [
                "name", "incidentType", "severity", "address", "location",
            ]  # fmt: skip
            assert [one["number"] for one in lines] == [2, 3, 4, 5, 6]
            assert {one["code"] for one in lines} == {"incident-corrected"}
            assert {one["text"] for one in lines} == {"ผู้แจ้งโทรกลับ"}
            assert lines[0]["params"]["old"] == {"th": "รถชน", "en": "รถชน"}
            assert lines[0]["params"]["new"] == {"th": "ไฟไหม้", "en": "Fire"}
            assert lines[2]["params"]["old"]["en"] == "Severe"
            assert lines[4]["params"]["old"]["en"] == "7.90000, 98.30600"
            now = found["incident"]["a"]
            assert now["name"] == {"th": "ไฟไหม้", "en": "Fire"}
            assert (now["incidentType"], now["severity"], now["priority"]) == ("fire", "Minor", 4)
            with pytest.raises(NothingToCorrect):
                await correct(desk, incident, severity="Minor", location=point(3, 3))
            with pytest.raises(BadRequestData) as refused:
                await correct(desk, incident, severity="Severe", reason="")
            assert refused.value.extra["field"] == "reason"

    asyncio.run(run())


def test_units_are_advised_for_the_corrected_place_and_kind(tmp_path: Path) -> None:
    """Also the drive of a unit on its way is another one, and what was promised stays."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            sent = await assign(desk, incident, A1)
            promised, drive = status_of(broker, sent, "promisedAt"), status_of(broker, sent, "etaSeconds")
            await correct(desk, incident, location=point(3, 3))
            nearest = (await desk.dispatch.candidates(incident, FULL_ACCESS, "", "ambulance")).candidates
            assert nearest[0].unit.id == A2
            assert nearest[0].eta_s < 60
            assert status_of(broker, sent, "etaSeconds") > 3 * drive
            assert status_of(broker, sent, "promisedAt") == promised
            await correct(desk, incident, incidentType="fire")
            types = {
                c.unit.type for c in (await desk.dispatch.candidates(incident, FULL_ACCESS, "")).candidates
            }
            assert "fireEngine" in types

    asyncio.run(run())


def test_a_place_becomes_unknown_and_known_again(tmp_path: Path) -> None:
    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            await correct(desk, incident, locationUnknown=True)
            assert status_of(broker, incident, "location") is None
            assert status_of(broker, incident, "placeUnknown") is True
            await correct(desk, incident, location=point(1, 1))
            assert status_of(broker, incident, "placeUnknown") is False
            assert status_of(broker, incident, "location") == point(1, 1)
            with pytest.raises(PlaceNotChosen):
                await correct(desk, incident, location=point(2, 2), locationUnknown=True)

    asyncio.run(run())


def test_a_correction_and_a_step_at_once_are_both_numbered(tmp_path: Path) -> None:
    """Two people at once: nothing is lost, no number is doubled, and the later correction names what it found."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock)
            others = [Desk(broker, clock) for _ in range(3)]
            await asyncio.gather(
                correct(others[0], incident, severity="Minor"),
                correct(others[1], incident, severity="Extreme"),
                assign(others[2], incident, A1),
                *(add_note(desk, incident, f"note {i}") for i in range(5)),
            )
            lines = [one["a"] for one in desk.detail(incident, FULL_ACCESS)["timeline"]]
            assert [one["number"] for one in lines] == list(range(1, len(lines) + 1))
            changes = [one["params"] for one in lines if one.get("code") == "incident-corrected"]
            assert len(changes) == 2
            assert changes[0]["old"]["en"] == "Severe"
            assert changes[1]["old"] == changes[0]["new"]
            assert status_of(broker, incident, "severity") == changes[1]["new"]["en"]

    asyncio.run(run())


def test_a_correction_does_not_overwrite_what_its_author_did_not_see(tmp_path: Path) -> None:
    """It is refused with both values and who made the other. What nobody else changed, and what is made of the new value, is
    taken."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk, incident = await opened(broker, clock, name="น้ำท่วม", address="ถลาง")
            seen = {
                "incidentType": "roadAccident", "severity": "Severe", "name": {"th": "น้ำท่วม"},
                "address": "ถลาง", "location": point(0.6, 0),
            }  # fmt: skip
            await correct(desk, incident, name="น้ำท่วมหน้าตลาด", base=seen)
            with pytest.raises(CorrectedMeanwhile) as refused:
                await correct(desk, incident, name="น้ำป่า", severity="Minor", base=seen)
            told = refused.value.params
            assert (told["field"], told["person"]) == ("name", "Nok")
            assert (told["now"].th, told["asked"].th) == ("น้ำท่วมหน้าตลาด", "น้ำป่า")
            assert status_of(broker, incident, "severity") == "Severe", "all or nothing"

            await correct(
                desk,
                incident,
                severity="Minor",
                address="ตลาด",
                location=point(3, 3),
                incidentType="fire",
                base=seen,
            )
            for stale in (
                {"severity": "Extreme"},
                {"address": "a"},
                {"location": point(1, 1)},
                {"incidentType": "flood"},
            ):
                with pytest.raises(CorrectedMeanwhile):
                    await correct(desk, incident, **stale, base=seen)
            await correct(desk, incident, name="น้ำป่า", base={**seen, "name": {"th": "น้ำท่วมหน้าตลาด"}})
            assert status_of(broker, incident, "name") == {"th": "น้ำป่า"}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("รถชน 402", {"th": "รถชน 402"}),
        ("Crash on 402", {"en": "Crash on 402"}),
        ({"th": "รถชน", "en": "Crash"}, {"th": "รถชน", "en": "Crash"}),
    ],
)
def test_a_title_is_in_the_languages_in_which_somebody_wrote_it(
    tmp_path: Path, name: Any, kept: dict[str, str]
) -> None:
    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk = Desk(broker, clock)
            made = await open_incident(desk, name=name)
            assert status_of(broker, made, "name") == kept
            plain = await desk.handle(read_form(OpenIncident, report()), DISPATCHER, "")
            assert status_of(broker, plain, "name").keys() == {"th", "en"}

    asyncio.run(run())
