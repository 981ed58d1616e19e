"""Laws of the timetable engine and of the Smart Bus feed: buses keep to their line, their times and their hours."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.entity import build
from andaman.city.pack import load_pack
from andaman.ingest.smartbus import SmartBusFeed, lines_of
from andaman.ingest.timetable import Block, Line, blocks, distance_m, locate_now, motion, read_trip
from andaman.kernel.time import HOUR, MINUTE, SECOND, parse_time
from tests.ingest.test_feeds import START, FakeLink, FakeTime

DAY_S = 86_400


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    route = build.iri("PublicTransportRoute")
    return lines_of(doc for doc in load_pack("phuket").iter_docs("smartbus") if route in doc["type"])


@pytest.fixture(scope="module")
def day(lines: list[Line]) -> list[Block]:
    return blocks(lines)


def test_a_bus_leaves_a_timed_stop_at_its_published_time(lines: list[Line]) -> None:
    pack = load_pack("phuket")
    published = {
        doc["id"]: build.value(doc, "timetable")
        for doc in pack.iter_docs("smartbus")
        if "PublicTransportRoute" in doc["id"]
    }
    for line in lines:
        table = published[line.id]
        for trip in line.trips:
            row = table["trips"][trip.number - 1]
            for minute, stop_m, index in zip(row, line.stop_m, range(len(row)), strict=True):
                if minute is not None and minute * 60 < trip.ends_s:
                    at = motion(trip, minute * 60.0)
                    assert at is not None
                    assert at.at_m == pytest.approx(stop_m, abs=1.0), (line.id, trip.number, index)


def test_between_stops_a_bus_only_goes_forward_at_a_believable_speed(lines: list[Line]) -> None:
    for line in lines:
        for trip in line.trips[::4]:
            last_m = -1.0
            for second in range(int(trip.starts_s), int(trip.ends_s) + 1, 5):
                at = motion(trip, float(second))
                assert at is not None
                assert at.at_m >= last_m - 1e-6
                assert 0.0 <= at.speed_ms * 3.6 <= 90.0, (line.id, trip.number, second)
                last_m = at.at_m


def test_no_vehicle_moves_outside_of_service_hours(day: list[Block]) -> None:
    first = min(trip.starts_s for block in day for _, trip in block.runs)
    last = max(trip.ends_s for block in day for _, trip in block.runs) - DAY_S
    assert 0 < last < first
    for block in day:
        places = [locate_now(block, float(s)) for s in range(int(last) + 60, int(first) - 60, 300)]
        assert {place.status for place in places} == {"outOfService"}
        assert {place.speed_kmh for place in places} == {0.0}
        assert len({place.point for place in places}) == 1


def test_a_vehicle_is_in_one_place_and_every_trip_has_one_vehicle(
    lines: list[Line], day: list[Block]
) -> None:
    runs = [(line.id, trip.number) for block in day for line, trip in block.runs]
    assert sorted(runs) == sorted((line.id, trip.number) for line in lines for trip in line.trips)
    for block in day:
        for (line_a, a), (line_b, b) in pairwise(block.runs):
            assert a.ends_s < b.starts_s
            assert distance_m(line_a.point(a.stop_m[-1])[0], line_b.point(b.stop_m[0])[0]) <= 400


def test_service_past_midnight_goes_on(day: list[Block]) -> None:
    assert any(
        locate_now(block, 30 * 60.0).status == "onRoute" for block in day
    )  # 00:30, the 23:30 from the airport


@given(data=st.data(), stops=st.integers(2, 12))
def test_any_timetable_gives_rising_times(data: st.DataObject, stops: int) -> None:
    gaps = data.draw(st.lists(st.floats(0, 5000), min_size=stops - 1, max_size=stops - 1))
    stop_m = [0.0]
    for gap in gaps:
        stop_m.append(stop_m[-1] + gap)
    times = sorted(data.draw(st.lists(st.integers(0, 1500), min_size=stops, max_size=stops, unique=True)))
    keep = data.draw(st.lists(st.booleans(), min_size=stops, max_size=stops))
    row = [time if kept else None for time, kept in zip(times, keep, strict=True)]
    trip = read_trip(1, row, stop_m)
    if trip is None:
        assert not any(keep)
        return
    assert list(trip.leaves_s) == sorted(set(trip.leaves_s))
    assert trip.leaves_s[0] == times[keep.index(True)] * 60
    for second in (trip.starts_s, (trip.starts_s + trip.ends_s) / 2, trip.ends_s):
        at = motion(trip, second)
        assert at is not None
        assert stop_m[0] <= at.at_m <= stop_m[-1] + 1e-6
    assert motion(trip, trip.ends_s + 1) is None


def test_only_changes_are_written_and_all_is_marked_as_simulated(lines: list[Line]) -> None:
    feed = SmartBusFeed(lines)
    noon = parse_time("2026-11-22T05:00:00Z")
    first = feed.docs(noon, noon)
    assert len(first) == feed.vehicles
    for doc in first:
        assert build.value(doc, "origin") == "simulated"
        assert "license" not in str(doc)
    assert feed.docs(noon, noon) == []
    later = feed.docs(noon + 2 * SECOND, noon + 2 * SECOND)
    assert 0 < len(later) < feed.vehicles
    for doc in later:
        assert build.iri("name") not in doc["attrs"]
        assert build.value(doc, "location") is not None or doc["attrs"]
        assert build.value(doc, "replayOf") is None


def test_at_another_speed_the_shown_time_is_told(lines: list[Line]) -> None:
    feed = SmartBusFeed(lines, speed=60.0)
    now, shown = parse_time("2026-11-22T05:00:00Z"), parse_time("2026-11-22T09:00:00Z")
    for doc in feed.docs(now, shown):
        assert build.value(doc, "replayOf") == "2026-11-22T09:00:00.000000Z"
        assert build.observed(doc, "location") == now


def test_at_another_speed_the_shown_time_goes_on_over_a_restart(lines: list[Line]) -> None:
    memory: dict[str, Any] = {}
    last = START
    time = FakeTime(START + 10 * MINUTE)
    for _ in range(2):
        link = FakeLink(time, memory)

        async def run(link: FakeLink = link) -> None:
            with suppress(asyncio.CancelledError):
                await SmartBusFeed(lines, speed=30.0).run(link)

        asyncio.run(run())
        shown = [build.value(doc, "replayOf") for _, doc in link.written]
        assert shown == sorted(shown)
        assert parse_time(shown[0]) >= last
        last = memory["line_time"]
        time.now, time.end = time.now + HOUR, time.now + HOUR + 5 * MINUTE
    assert parse_time(shown[-1]) - START == pytest.approx(15 * MINUTE * 30, abs=30 * MINUTE)
