"""Numbers of incidents: said by people, one for each incident, in order, never given twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.build import entity, iri, prop, value
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.city.pack import load_pack
from andaman.city.registers import SeedRows
from andaman.command.desk import Desk
from andaman.command.incidents.numbers import matches, spoken
from andaman.command.service import CommandService
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.fiscal import fiscal_year
from andaman.kernel.restored import mark_restored
from andaman.kernel.time import DAY, SECOND, format_time, parse_time
from andaman.maintenance import backup_all, backup_into, restore_all, restore_from
from tests.command.city import (
    START,
    STATION,
    SYSTEM,
    HandClock,
    broker_at,
    open_incident,
    put,
    report,
    status_of,
)

PHUKET = SeedRows(load_pack("phuket"))


def numbers_of(broker: Broker, tenant: str = "") -> dict[str, str]:
    """Incident → its number."""
    found = broker.iter_entities([iri("Incident")], FULL_ACCESS, tenant)
    return {doc["id"]: str(value(doc, "incidentNumber")) for doc in found}


def given_twice(broker: Broker) -> list[str]:
    return [number for number, count in Counter(numbers_of(broker).values()).items() if count > 1]


def test_the_fiscal_year_begins_on_1_october_in_bangkok() -> None:
    """Also in the hours in which it is still September in UTC."""
    assert fiscal_year(parse_time("2026-09-30T16:59:59Z")) == 2569
    assert fiscal_year(parse_time("2026-09-30T17:00:00Z")) == 2570
    assert fiscal_year(parse_time("2027-09-30T23:59:59+07:00")) == 2570


@given(st.integers(2500, 2700), st.integers(1, 10**6), st.sampled_from(["ภก", "", "ฝึก ภก", "PK"]))
def test_a_number_is_found_however_it_is_written(year: int, sequence: int, prefix: str) -> None:
    """With or without letters, spaces, hyphen and leading zeros, and in Thai digits; another number is not meant by it."""
    number = spoken(prefix, year, sequence)
    thai = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
    short = f"{year % 100:02d}-{sequence}"
    for asked in (number, number.replace(" ", ""), number.replace("-", " "), number.lower(), number.translate(thai),
                  number.removeprefix(prefix).strip(), short, short.replace("-", " ")):  # fmt: skip
        assert matches(number, asked)
    assert not matches(number, spoken(prefix, year + 1, sequence))
    assert not matches(number, spoken(prefix, year, sequence + 1))
    assert not matches(number, "")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 120), st.integers(1, 4), st.booleans()), min_size=1, max_size=8))
def test_each_year_counts_from_one_without_gaps(waves: list[tuple[int, int, bool]]) -> None:
    """Law: whatever days pass, however many people open incidents at once and however often the platform starts again, the
    numbers of each fiscal year are 1, 2, 3 … in the order of opening."""

    async def run() -> None:
        clock = HandClock(parse_time("2026-08-01T00:00:00Z"))
        with tempfile.TemporaryDirectory() as folder:
            async with broker_at(Path(folder), clock) as broker:
                desks = [Desk(broker, clock, registers=PHUKET) for _ in range(2)]
                for days, at_once, restart in waves:
                    clock.now += days * DAY
                    await asyncio.gather(*(open_incident(desks[i % 2]) for i in range(at_once)))
                    if restart:
                        desks = [Desk(broker, clock, registers=PHUKET) for _ in range(2)]
                by_year: dict[int, list[tuple[str, str]]] = {}
                for incident, number in numbers_of(broker).items():
                    opened = parse_time(status_of(broker, incident, "openedAt"))
                    by_year.setdefault(fiscal_year(opened), []).append((format_time(opened), number))
                for year, found in by_year.items():
                    ordered = sorted(number for _, number in found)
                    assert ordered == [spoken("ภก", year, i + 1) for i in range(len(found))]
                    assert [number for _, number in sorted(found)] == ordered

    asyncio.run(run())


def test_a_drill_has_its_own_letters_and_its_own_numbers(tmp_path: Path) -> None:
    """Nobody takes an incident of a drill for a real one."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk = Desk(broker, clock, registers=PHUKET)
            await put(broker, STATION, tenant="exercise-1")
            await open_incident(desk)
            await open_incident(desk, tenant="exercise-1")
            assert list(numbers_of(broker).values()) == ["ภก 70-00001"]
            assert list(numbers_of(broker, "exercise-1").values()) == ["ฝึก ภก 70-00001"]

    asyncio.run(run())


def test_incidents_of_an_older_version_are_numbered_in_order_of_time(tmp_path: Path) -> None:
    """At the first start: by the time of opening, within their fiscal years; new ones follow; a second start changes nothing."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            moments = ["2026-11-02T10:00:00Z", "2026-09-01T10:00:00Z", "2026-10-05T10:00:00Z", "broken", 5]
            for i, at in enumerate(moments):
                await put(broker, entity(f"urn:ngsi-ld:Incident:{i}", "Incident", openedAt=prop(at)))
            for _ in range(2):
                service = CommandService(broker, tmp_path / "command", clock, registers=PHUKET)
                await service.start()
                await service.stop()
            found = numbers_of(broker)
            assert [found[f"urn:ngsi-ld:Incident:{i}"] for i in (1, 2, 0)] == [
                "ภก 69-00001", "ภก 70-00001", "ภก 70-00002",
            ]  # fmt: skip
            assert given_twice(broker) == []
            made = await open_incident(service.desk)
            assert status_of(broker, made, "incidentNumber") == "ภก 70-00005"

    asyncio.run(run())


def test_a_number_outlives_its_incident(tmp_path: Path) -> None:
    """An administrator deletes an incident: its number was said, and does not come again."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk = Desk(broker, clock, registers=PHUKET)
            first = await open_incident(desk)
            await broker.must_write([WriteOp(OpKind.DELETE, first)], SYSTEM)
            made = await open_incident(Desk(broker, clock, registers=PHUKET))
            assert status_of(broker, made, "incidentNumber") == "ภก 70-00002"

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["set", "single"])
def test_after_a_restore_no_number_of_the_lost_time_is_given_again(tmp_path: Path, kind: str) -> None:
    """Numbers that were given after the backup are on paper and were said on the radio."""
    data, spare, other = tmp_path / "data", tmp_path / "spare", tmp_path / "other"

    async def opens(directory: Path, count: int) -> list[str]:
        clock = HandClock(START + DAY)
        broker = Broker.open(directory, clock=clock, history=False)
        await broker.start()
        service = CommandService(broker, directory, clock, registers=PHUKET)
        try:
            await service.start()
            made = [await open_incident(service.desk) for _ in range(count)]
            return [str(status_of(broker, one, "incidentNumber")) for one in made]
        finally:
            await service.stop()
            await broker.close()

    before = asyncio.run(opens(data, 3))
    if kind == "set":
        backup_into(data, spare)
    else:
        backup_all(data, spare)
    lost = asyncio.run(opens(data, 4))
    (restore_from if kind == "set" else restore_all)(spare, other)
    after = asyncio.run(opens(other, 2)) + asyncio.run(opens(other, 1))
    assert set(after).isdisjoint({*before, *lost})
    assert after == ["ภก 70-01001", "ภก 70-01002", "ภก 70-01003"]
    mark_restored(other)
    assert asyncio.run(opens(other, 1)) == ["ภก 70-02001"]


OPENS = """
import asyncio, sys
from pathlib import Path
from tests.command.incidents.test_numbers import PHUKET
from tests.command.city import HandClock, broker_at, open_incident, status_of
from andaman.command.desk import Desk

async def run(directory):
    clock = HandClock()
    async with broker_at(directory, clock) as broker:
        desk = Desk(broker, clock, registers=PHUKET)
        while True:
            made = await asyncio.gather(*(open_incident(desk) for _ in range(3)))
            for one in made:
                print(one, status_of(broker, one, "incidentNumber"), flush=True)

asyncio.run(run(Path(sys.argv[1])))
"""


def test_a_kill_neither_loses_nor_doubles_a_number(tmp_path: Path) -> None:
    """Law: after any kill, each number that a person was given belongs to that incident, no number belongs to two, and
    there is no gap."""
    chance = random.Random(7)
    said: dict[str, str] = {}
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", OPENS, str(tmp_path / "data")],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        time.sleep(chance.uniform(0.0, 0.25))
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines(keepends=True)
        process.wait(30)
        said.update(line.strip().split(" ", 1) for line in lines if line.endswith("\n") and " " in line)

    async def look() -> dict[str, str]:
        async with broker_at(tmp_path / "data", HandClock(START + 3600 * SECOND)) as broker:
            await open_incident(Desk(broker, HandClock(START + 3600 * SECOND), registers=PHUKET))
            return numbers_of(broker)

    found = asyncio.run(look())
    assert len(said) >= 4
    assert said.items() <= found.items()
    assert sorted(found.values()) == [spoken("ภก", 2570, i + 1) for i in range(len(found))]


@pytest.mark.parametrize(
    "change",
    [
        {"location": None},
        {"locationUnknown": True},
        {"location": None, "locationUnknown": False},
    ],
)
def test_an_incident_has_a_chosen_place_or_says_that_none_is_known(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    """Neither, or both, is refused; there is no default place."""
    from andaman.command.core.reading import read_form
    from andaman.command.incidents.commands import OpenIncident
    from andaman.command.problems import PlaceNotChosen
    from tests.command.city import DISPATCHER

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            desk = Desk(broker, clock)
            with pytest.raises(PlaceNotChosen) as refused:
                await desk.handle(read_form(OpenIncident, report(**change)), DISPATCHER, "")
            assert refused.value.extra["field"] == "location"
            assert numbers_of(broker) == {}
            unknown = await open_incident(desk, location=None, locationUnknown=True)
            assert status_of(broker, unknown, "placeUnknown") is True
            assert status_of(broker, unknown, "location") is None
            assert (await desk.dispatch.candidates(unknown, FULL_ACCESS, "")).candidates == []

    asyncio.run(run())
