"""Entities of the command center that somebody wrote through NGSI-LD: with missing, wrong or hostile attributes."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.build import entity, geo, iri, js, lang, prop, rel, short
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.command.core.states import AlertStatus, AssignmentStatus, IncidentStatus, UnitStatus
from andaman.command.core.views import Alert, Assignment, Incident, TimelineEntry, Unit, View
from andaman.command.desk import Desk
from andaman.command.dispatch.commands import AssignUnit, Service, SetUnitStatus, TakeAssignmentStep
from andaman.command.dispatch.roads import iter_segments
from andaman.command.dispatch.simulator import UnitSimulator
from andaman.command.incidents.commands import AddNote, TakeIncidentStep
from andaman.command.problems import NoSuchRecord, Unreadable
from andaman.command.service import CommandService
from andaman.command.signals.commands import Acknowledge, CloseAlert
from andaman.command.types import TYPES
from andaman.common_attributes import COMMON as COMMON_ATTRIBUTES
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import AndamanError
from andaman.kernel.network import RoadNetwork
from tests.command.city import (
    DISPATCHER,
    STATION,
    SYSTEM,
    UNITS,
    HandClock,
    assign,
    broker_at,
    open_incident,
    point,
    put,
    roads,
)
from tests.command.signals.test_watch import WET, rain, with_rules

VIEWS: tuple[type[View], ...] = (Alert, Assignment, Incident, TimelineEntry, Unit)
RULE = "urn:ngsi-ld:AlertRule:wet"
STATES = [
    state.value for kind in (AlertStatus, AssignmentStatus, IncidentStatus, UnitStatus) for state in kind
]
IDS = ["urn:ngsi-ld:Incident:0", "urn:ngsi-ld:EmergencyUnit:0", "urn:ngsi-ld:WeatherObserved:1", RULE]
DECLARED = {one.name: [attribute.name for attribute in one.attributes] for one in TYPES}
COMMON = ["name", "location", "origin", "agency"]

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([*STATES, *IDS, "simulated", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
instances = st.one_of(
    json_values.map(prop),
    json_values.map(js),
    st.sampled_from(IDS).map(rel),
    st.lists(st.sampled_from(IDS), min_size=1, max_size=2).map(rel),
    st.dictionaries(st.sampled_from(["th", "en", "de"]), st.text(max_size=4)).map(
        lambda texts: lang(**texts)
    ),
    st.sampled_from(
        [
            geo(point(1, 1)),
            geo({"type": "LineString", "coordinates": [[98.3, 7.9], [98.4, 7.9]]}),
            geo({"type": "Point", "coordinates": []}),
            geo({"type": "Polygon"}),
        ]
    ),
    st.just({"type": "ListProperty", "valueList": [1, "x"]}),
)


@st.composite
def documents(draw: st.DrawFn, kind: str) -> Doc:
    names = draw(st.sets(st.sampled_from([*DECLARED[kind], *COMMON]), max_size=12))
    attrs = {name: draw(instances) for name in names}
    for name, states in (
        ("alertStatus", AlertStatus), ("incidentStatus", IncidentStatus),
        ("assignmentStatus", AssignmentStatus), ("unitStatus", UnitStatus),
    ):  # fmt: skip
        if name in DECLARED[kind] and draw(st.booleans()):
            attrs[name] = prop(draw(st.sampled_from(list(states))).value)
    for name, target in (
        ("refIncident", IDS[0]),
        ("refUnit", IDS[1]),
        ("rule", RULE),
        ("alertSource", IDS[2]),
    ):
        if name in DECLARED[kind] and draw(st.booleans()):
            attrs[name] = rel(target)
    return entity(f"urn:ngsi-ld:{kind}:{draw(st.integers(0, 2))}", kind, **attrs)


@pytest.mark.parametrize("kind", VIEWS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_view_is_made_or_the_entity_is_unreadable(kind: type[View], data: st.DataObject) -> None:
    """Nothing else is raised, whatever the entity holds."""
    doc = data.draw(documents(kind.kind))
    with contextlib.suppress(Unreadable):
        assert kind.of(doc) == kind.of(doc)


class Asked(dict[str, Any]):
    """Attributes that note which of them were read."""

    def __init__(self, attrs: dict[str, Any]) -> None:
        super().__init__(attrs)
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return super().get(key, default)


@pytest.mark.parametrize("kind", VIEWS)
def test_a_view_reads_declared_attributes_only(kind: type[View]) -> None:
    """A wrong name of an attribute would read as missing for ever."""
    states = {
        "alertStatus": "open",
        "incidentStatus": "new",
        "assignmentStatus": "clear",
        "unitStatus": "available",
    }
    targets = {"refIncident": rel(IDS[0]), "refUnit": rel(IDS[1])}
    attrs = {name: prop(state) for name, state in states.items()} | targets
    doc = entity(f"urn:ngsi-ld:{kind.kind}:0", kind.kind, **attrs)
    doc["attrs"] = asked = Asked(doc["attrs"])
    kind.of(doc)
    declared = {*DECLARED[kind.kind], *(one.name for one in COMMON_ATTRIBUTES)}
    assert {short(name) for name in asked.names} <= declared


segments = st.dictionaries(
    st.sampled_from(["startNode", "endNode", "length", "location", "oneway", "roadClass"]), instances
).map(lambda attrs: entity("urn:ngsi-ld:RoadSegment:0", "RoadSegment", **attrs))


@settings(max_examples=150, deadline=None)
@given(docs=st.lists(segments, max_size=3))
def test_a_damaged_road_is_no_part_of_the_network(docs: list[Doc]) -> None:
    network = RoadNetwork(list(iter_segments([*roads(), *docs])))
    assert len(network) >= len(RoadNetwork(list(iter_segments(roads()))))


@settings(max_examples=15, deadline=None)
@given(
    docs=st.lists(
        st.sampled_from([*(one.kind for one in VIEWS), "AlertRule"]).flatmap(documents),
        min_size=1,
        max_size=12,
    )
)
def test_the_platform_works_on_with_hostile_entities(docs: list[Doc]) -> None:
    """Rules start and write, units drive, pages answer, and steps are taken or refused."""

    async def run(directory: Path) -> None:
        clock = HandClock()
        async with broker_at(directory, clock) as broker:
            await put(broker, STATION, *UNITS, *roads())
            await with_rules(broker, wet=WET)
            await broker.write([WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc) for doc in docs], SYSTEM)
            service = CommandService(broker, directory / "rules", clock)
            await service.start()
            try:
                await put(broker, rain(1, 120, clock.now))
                await service.watch.caught_up()
                for number in range(2, 5):
                    await put(broker, rain(number, 120, clock.now))
                await service.watch.caught_up()
                new = {
                    doc["id"]
                    for doc in broker.iter_entities([iri("Alert")], FULL_ACCESS)
                    if doc["id"] not in {one["id"] for one in docs}
                }
                assert len(new) >= 3
                service.summary(FULL_ACCESS)
                service.rules.all(FULL_ACCESS, "")
                service.timeline(clock.now - 10**9, clock.now, 4, FULL_ACCESS)
                await UnitSimulator(
                    broker, service.desk.records, service.desk.dispatch, clock, auto=True
                ).round("")
                await steps(service.desk)
            finally:
                await service.stop()

    async def steps(desk: Desk) -> None:
        own = await open_incident(desk)
        await desk.dispatch.candidates(own, FULL_ACCESS, "")
        await assign(desk, own, UNITS[0]["id"])
        desk.detail(own, FULL_ACCESS)
        for number in range(3):
            alert, incident, assignment, unit = (
                f"urn:ngsi-ld:{kind}:{number}"
                for kind in ("Alert", "Incident", "Assignment", "EmergencyUnit")
            )
            with contextlib.suppress(NoSuchRecord):
                desk.detail(incident, FULL_ACCESS)
            with contextlib.suppress(AndamanError):
                await desk.dispatch.candidates(incident, FULL_ACCESS, "")
            for command in (
                Acknowledge(alert=alert),
                CloseAlert(alert=alert),
                AssignUnit(incident=incident, unit=UNITS[2]["id"]),
                AssignUnit(incident=own, unit=unit),
                AddNote(incident=incident, text="x"),
                TakeIncidentStep(incident=incident, step=IncidentStatus.CANCELLED),
                TakeAssignmentStep(assignment=assignment, step=AssignmentStatus.CANCELLED),
                SetUnitStatus(unit=unit, status=Service.OUT_OF_SERVICE),
            ):
                with contextlib.suppress(AndamanError):
                    await desk.handle(command, DISPATCHER, "")

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))
