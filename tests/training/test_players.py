"""What a drill is worth to whom: in the right order with plausible times it is passed, by clicking it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from andaman.command.core.states import AssignmentStatus
from tests.training.players import Player, player

Script = Callable[[Player], Awaitable[None]]
STEPS = (AssignmentStatus.EN_ROUTE, AssignmentStatus.ON_SCENE, AssignmentStatus.CLEAR)


def play(directory: Path, role: str, script: Script) -> dict[str, Any]:
    async def run() -> dict[str, Any]:
        async with player(directory, role) as one:
            await script(one)
            return await one.finish()

    return asyncio.run(run())


def points(score: dict[str, Any]) -> dict[str, float]:
    return {line["id"]: line["points"] for line in score["criteria"]}


def failures(score: dict[str, Any]) -> list[str]:
    return [one["id"] for one in score["critical"]]


async def dispatch_well(one: Player, first: int = 0) -> None:
    """The advice is followed, and every step is recorded when it happens."""
    alert = await one.report()
    one.wait(20)
    await one.acknowledge(alert)
    one.wait(30)
    incident = await one.open(refAlert=alert)
    one.wait(15)
    chosen = (await one.advice(incident))[first]
    sent = await one.send(incident, chosen.unit.id)
    one.wait(60)
    await one.step(sent, AssignmentStatus.EN_ROUTE)
    one.wait(chosen.eta_s)
    await one.step(sent, AssignmentStatus.ON_SCENE)
    one.wait(300)
    await one.step(sent, AssignmentStatus.CLEAR)
    await one.close(incident)


async def take_the_call_well(one: Player) -> None:
    alert = await one.report()
    one.wait(20)
    await one.acknowledge(alert)
    one.wait(20)
    incident = await one.open(refAlert=alert)
    one.wait(40)
    await one.check(incident)
    one.wait(20)
    await one.hand_over(incident)
    one.wait(20)
    await one.note(incident)


async def click_everything(one: Player) -> None:
    """Every button as soon as it is there, 0.1 s apart."""
    alert = await one.report()
    await one.acknowledge(alert)
    incident = await one.open(refAlert=alert)
    await one.check(incident)
    await one.hand_over(incident)
    await one.note(incident)
    for unit in [candidate.unit.id for candidate in await one.advice(incident)]:
        sent = await one.send(incident, unit)
        for step in STEPS:
            one.wait(0.1)
            await one.step(sent, step)
    await one.close(incident)


async def click_as_operator(one: Player) -> None:
    alert = await one.report()
    await one.acknowledge(alert)
    incident = await one.open(refAlert=alert)
    for press in (one.check, one.hand_over, one.note):
        one.wait(0.1)
        await press(incident)


async def click_and_leave(one: Player) -> None:
    """Everything but the steps that take time."""
    alert = await one.report()
    await one.acknowledge(alert)
    incident = await one.open(refAlert=alert)
    for candidate in await one.advice(incident):
        await one.send(incident, candidate.unit.id)


@pytest.mark.parametrize(
    ("role", "script"), [("dispatcher", dispatch_well), ("operator", take_the_call_well)]
)
def test_the_right_order_with_plausible_times_passes(tmp_path: Path, role: str, script: Script) -> None:
    score = play(tmp_path, role, script)
    assert score["critical"] == []
    assert (score["percent"], score["passed"]) == (100.0, True), points(score)


@pytest.mark.parametrize(
    ("role", "script", "failed"),
    [
        ("dispatcher", click_everything, ["false-arrival"]),
        ("dispatcher", click_and_leave, ["never-arrived"]),
        ("operator", click_as_operator, ["hand-over-not-counted"]),
    ],
)
def test_clicking_everything_at_once_scores_under_50(
    tmp_path: Path, role: str, script: Script, failed: list[str]
) -> None:
    score = play(tmp_path, role, script)
    assert score["percent"] < 50, points(score)
    assert not score["passed"]
    assert failures(score) == failed


def test_what_was_clicked_is_in_the_debriefing_with_the_rule_that_refused_it(tmp_path: Path) -> None:
    score = play(tmp_path, "operator", click_as_operator)
    for line in score["criteria"]:
        if line["id"] in ("verify", "hand-over", "log"):
            assert line["measured"] is not None
            assert "เร็วเกินกว่าจะตรวจสอบ" in line["note"]["th"]
            assert line["times"]


def test_waiting_and_ticking_what_nobody_did_has_no_points_for_checking(tmp_path: Path) -> None:
    async def script(one: Player) -> None:
        incident = await one.open(refAlert=await one.report())
        one.wait(11)
        for item in range(5):
            await one.check(incident, item)

    async def and_takes_them_back(one: Player) -> None:
        incident = await one.open(refAlert=await one.report())
        one.wait(11)
        for item in range(5):
            await one.check(incident, item)
        one.wait(5)
        for item in range(1, 5):
            await one.check(incident, item, done=False)

    score = play(tmp_path / "a", "operator", script)
    line = next(one for one in score["criteria"] if one["id"] == "verify")
    assert line["points"] == 0
    assert "ทั้งที่ยังไม่มีผู้ทำ" in line["note"]["th"]
    assert points(play(tmp_path / "b", "operator", and_takes_them_back))["verify"] == 15


def test_the_second_on_the_list_of_advice_passes_too(tmp_path: Path) -> None:
    """It takes 2.6 times as long here: no points for the choice, and no failure."""
    score = play(tmp_path, "dispatcher", lambda one: dispatch_well(one, 1))
    assert score["passed"]
    assert points(score)["choice"] < 20


def test_a_police_car_alone_fails_and_an_ambulance_makes_up_for_it(tmp_path: Path) -> None:
    def script(also: bool) -> Script:
        async def run(one: Player) -> None:
            alert = await one.report()
            incident = await one.open(refAlert=alert)
            ranked = await one.advice(incident)
            police = next(c for c in ranked if c.unit.type == "policePatrol")
            for chosen in [police, ranked[0]] if also else [police]:
                sent = await one.send(incident, chosen.unit.id)
                one.wait(chosen.eta_s)
                await one.step(sent, AssignmentStatus.ON_SCENE)
                await one.step(sent, AssignmentStatus.CLEAR)
            await one.close(incident)

        return run

    alone = play(tmp_path / "a", "dispatcher", script(also=False))
    assert failures(alone) == ["wrong-unit"]
    assert alone["percent"] < 50
    line = next(one for one in alone["criteria"] if one["id"] == "choice")
    assert line["measured"] == {"th": "รถสายตรวจ", "en": "Police patrol"}, "in words, not a code"
    both = play(tmp_path / "b", "dispatcher", script(also=True))
    assert both["critical"] == []
    assert points(both)["choice"] == 20


def test_the_debriefing_says_what_would_have_been_right(tmp_path: Path) -> None:
    """Opened as something else and far away: the debriefing says what would have been right."""

    async def script(one: Player) -> None:
        alert = await one.report()
        await one.acknowledge(alert)
        far = {"type": "Point", "coordinates": [98.40, 7.90]}
        await one.open(severity="Minor", location=far)

    score = play(tmp_path, "operator", script)
    lines = {line["id"]: line for line in score["criteria"]}
    assert (lines["place"]["points"], lines["severity"]["points"]) == (0, 0)
    assert lines["place"]["measured"] > 9000
    assert lines["severity"]["measured"]["th"] == "เล็กน้อย"
    assert "รุนแรง" in lines["severity"]["right"]["th"]
    assert all(line["right"]["th"] and line["why"]["en"] for line in score["criteria"])
