"""Laws of the advice: the needed kind comes first, then the travel time; boats go only where water is."""

from __future__ import annotations

import asyncio
import gzip
import json
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.entity.build import entity, geo, value
from andaman.city.pack import load_pack
from andaman.city.registers import SeedRows
from andaman.command.core.views import Unit
from andaman.command.desk import Desk
from andaman.command.dispatch.ranking import needed_kinds, rank
from andaman.command.dispatch.roads import iter_segments
from andaman.command.dispatch.shore import SHORE_M, Shore
from andaman.command.incident_types import INCIDENT_TYPES
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.network import RoadNetwork
from tests.command.city import (
    STATION,
    UNITS,
    HandClock,
    assign,
    broker_at,
    open_incident,
    point,
    put,
    roads,
    unit,
)

ROWS = SeedRows(load_pack("phuket"))
NETWORK = RoadNetwork(list(iter_segments(roads())))
ISLAND = Shore([{"type": "LineString", "coordinates": [[98, 7], [99, 7], [99, 9], [98, 9], [98, 7]]}])
KINDS = ("ambulance", "fireEngine", "policePatrol", "ddpmTeam", "towTruck", "rescueBoat")
COAST = files("andaman.city") / "phuket" / "entities" / "coastline.jsonl.gz"
PHUKET = Shore([json.loads(gzip.decompress(COAST.read_bytes()))["location"]["value"]])
fleets = st.lists(
    st.tuples(st.sampled_from(KINDS), st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=12
).map(lambda rows: [Unit.of(unit(f"u{n}", *row)) for n, row in enumerate(rows)])


@given(fleets, st.sampled_from(sorted(ROWS.rows(INCIDENT_TYPES))), st.integers(1, 12))
def test_the_needed_kind_comes_first_and_then_the_time(fleet, kind, limit):
    needed = needed_kinds(ROWS, kind)
    place = tuple(point(0.6, 0)["coordinates"])
    found = rank(NETWORK, place, kind, fleet, ROWS, shore=ISLAND, limit=limit).candidates
    order = [(needed.index(one.unit.type), one.eta_s) for one in found]
    assert order == sorted(order)
    assert len(found) <= limit
    possible = {one.type for one in fleet if one.type in needed and one.type != "rescueBoat"}
    assert {one.unit.type for one in found} == possible or len(found) == limit
    assert [one.reason["advised"] for one in found] == [one.unit.type == found[0].unit.type for one in found]
    for one in found:
        best = min(other.eta_s for other in found if other.unit.type == one.unit.type)
        assert one.reason["bestEtaSeconds"] == round(best, 1)


@given(fleets)
def test_for_a_fire_the_first_is_a_fire_engine_if_one_is_free(fleet):
    place = tuple(point(0, 0)["coordinates"])
    found = rank(NETWORK, place, "fire", fleet, ROWS, shore=ISLAND).candidates
    if any(one.type == "fireEngine" for one in fleet):
        assert found[0].unit.type == "fireEngine"


def test_every_kind_of_incident_asks_for_help_that_fits(tmp_path: Path) -> None:
    """Somebody is injured: an ambulance. It burns: fire engines. These are the rows that ship."""
    first = {code: needed_kinds(ROWS, code)[:1] for code in ROWS.rows(INCIDENT_TYPES)}
    assert first["roadAccident"] == first["medical"] == ("ambulance",)
    assert first["fire"] == first["hazardousMaterial"] == ("fireEngine",)
    assert first["flood"] == ("ddpmTeam",)
    assert first["drowning"] == ("rescueBoat",)


@pytest.mark.parametrize(
    ("lon", "lat", "by_water"),
    [
        (98.345, 7.865, False),  # Chalong, inland
        (98.315, 7.901, False),  # Patong Hill
        (98.390, 7.880, False),  # Phuket town
        (98.2945, 7.893, True),  # the beach of Patong
        (98.280, 7.895, True),  # Patong Bay
        (98.500, 8.000, True),  # Phang Nga Bay
    ],
)
def test_boats_go_where_water_is(lon: float, lat: float, by_water: bool) -> None:
    assert PHUKET.reaches((lon, lat)) is by_water
    boat = Unit.of(unit("b", "rescueBoat", 0, 0))
    found = rank(NETWORK, (lon, lat), "flood", [boat], ROWS, shore=PHUKET)
    assert [one.unit.id for one in found.candidates] == ([boat.id] if by_water else [])
    assert [one["why"] for one in found.skipped] == ([] if by_water else ["notByWater"])


def test_without_a_coastline_no_boat_goes_anywhere() -> None:
    assert not Shore().reaches((98.0, 7.0))
    assert not Shore([{"type": "Point", "coordinates": [98.0, 7.0]}]).reaches((98.0, 7.0))


@given(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_the_way_to_the_shore_is_the_shortest(x: float, y: float) -> None:
    """Checked against points of the line, one every 11 m."""
    shore = Shore([{"type": "LineString", "coordinates": [[0, 0], [0.01, 0]]}])
    near = min(((x - 0.0001 * n) ** 2 + y**2) ** 0.5 for n in range(101)) * 111_195  # metres in a degree
    assert abs(shore.distance_m((x, y)) - near) < 12
    assert shore.reaches((x, y)) is (shore.distance_m((x, y)) <= SHORE_M)


def test_the_assignment_keeps_whether_the_advice_was_followed(tmp_path: Path) -> None:
    """Ambulances are advised for an accident. When none is free, the next kind is."""

    async def run() -> None:
        async with broker_at(tmp_path, HandClock()) as broker:
            desk = Desk(broker, HandClock())
            await put(broker, STATION, *UNITS, *roads())
            incident = await open_incident(desk)
            said = []
            for name in ("p1", "f1", "a2", "a1"):
                made = await assign(desk, incident, f"urn:ngsi-ld:EmergencyUnit:{name}")
                said.append(value(broker.get(made, FULL_ACCESS), "reasonChosen"))
            assert [one["advised"] for one in said] == [False, False, True, True]
            assert [one["typeRank"] for one in said] == [2, None, 1, 1]
            assert said[2]["etaSeconds"] > said[2]["bestEtaSeconds"] == said[3]["etaSeconds"]
            await put(broker, unit("p2", "policePatrol", 1, 1))
            made = await assign(desk, incident, "urn:ngsi-ld:EmergencyUnit:p2")
            assert value(broker.get(made, FULL_ACCESS), "reasonChosen")["advised"] is True

    asyncio.run(run())


def test_a_new_coastline_counts_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with broker_at(tmp_path, HandClock()) as broker:
            desk = Desk(broker, HandClock())
            await put(broker, STATION, *UNITS, *roads())
            incident = await open_incident(desk, incidentType="flood")

            async def boats() -> int:
                found = await desk.dispatch.candidates(incident, FULL_ACCESS, "", "rescueBoat")
                return len(found.candidates)

            assert await boats() == 0
            line = [point(0, 0)["coordinates"], point(3, 0)["coordinates"]]
            coast = geo({"type": "LineString", "coordinates": line})
            await put(broker, entity("urn:ngsi-ld:Coastline:x", "Coastline", location=coast))
            desk.dispatch.ways_changed()
            assert await boats() == 1

    asyncio.run(run())
