"""Law: what is computed for publication is made of what its readers may see. Hidden things of every type that something computes
with, hidden in every way, change no byte of what the public gets, entities and answers alike; and a policy that hides
something takes it out of what was published."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx

from andaman.app import App
from andaman.assessment.connectivity import ConnectivityService
from andaman.assessment.service import AssessmentService
from andaman.broker.entity.build import entity, geo, iri, js, lang, prop, rel
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.catalogue.model import Dataset, to_entity
from andaman.identity.model import FULL_ACCESS, Classification, system_actor
from andaman.kernel.time import SECOND, format_time, parse_time
from andaman.roadmap.model import shipped_measures
from andaman.roadmap.records import MEASURE, measure_doc
from andaman.roadmap.service import RoadmapService
from andaman.room import Built, Room, Site
from andaman.rooms import ROOMS
from andaman.settings import load_settings
from tests.support import run

T0: Final = parse_time("2026-11-20T08:00:00Z")
SECRET_NAME: Final = "SECRET SAFE HOUSE"
COMPUTED: Final = (
    "IndicatorValue", "AccessibilityStudy", "CriticalityStudy", "CoverageRun", "NetworkSite", "Gap", "Portfolio",
)  # fmt: skip
ASKED: Final = (
    "/api/assessment/indicators", "/api/assessment/indicators/response-time", "/api/assessment/accessibility",
    "/api/assessment/accessibility/Hospital", "/api/assessment/accessibility/FireStation", "/api/connectivity/runs",
    "/api/connectivity/policy", "/api/roadmap/measures", "/api/roadmap/gaps", "/api/roadmap/portfolios",
    f"/api/state?types={','.join(COMPUTED)}", *(f"/ngsi-ld/v1/entities?type={kind}&limit=100" for kind in COMPUTED),
)  # fmt: skip


_WHEN: Final = re.compile(r'"(computedAt|ageSeconds)":("[^"]*"|\d+)|"observedAt":"2026-11-20[^"]*"')
"""When it was computed, and how old its inputs are by then: of the clock alone."""


class City:
    def __init__(self, app: App, clock: list[int], public: httpx.AsyncClient) -> None:
        self.app, self.clock, self.public = app, clock, public

    async def write(self, *docs: Doc) -> None:
        self.clock[0] += SECOND
        ops = [WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc) for doc in docs]
        for done in await self.app.broker.write(ops, system_actor("test")):
            assert done.error is None, done.error

    async def hide(self, code: str, level: Classification, types: list[str], scope: str = "") -> None:
        text = {"th": code, "en": code}
        await self.write(
            to_entity(Dataset(code, text, text, "pk-navy", "-", level, frozenset(map(iri, types)), scope))
        )

    async def compute(self) -> None:
        """All of it, now."""
        self.app.get(AssessmentService)._checked = -1e18
        await self.app.get(AssessmentService).refresh(wait_for_criticality=False)
        await self.app.get(ConnectivityService).refresh()
        await self.app.get(RoadmapService).refresh()
        await self.app.get(AssessmentService).refresh(wait_for_criticality=False)
        await self.app.get(RoadmapService).runs.compute({"samples": 0, "totalMthb": 600})
        await self.app.get(RoadmapService).gaps()

    async def answers(self) -> dict[str, tuple[int, str]]:
        found = {}
        for path in ASKED:
            answer = await self.public.get(path)
            found[path] = answer.status_code, _WHEN.sub("", answer.text)
        return found


def still(room: Room) -> Room:
    """The room without its background work: nothing computes by itself, the test says when."""

    def build(site: Site, settings: Any) -> Built:
        return replace(room.build(site, settings), background=())

    return replace(room, build=build)


@asynccontextmanager
async def city(directory: Path) -> AsyncIterator[City]:
    clock = [T0]
    told = {
        "data": str(directory), "min_free_mb": 0, "pack": "phuket", "feeds": False, "public_queries_per_minute": 0,
    }  # fmt: skip
    rooms = [room if room.name in ("broker", "city", "catalogue") else still(room) for room in ROOMS]
    app = App(load_settings(told, environ={}), lambda: clock[0], rooms)
    await app.start()
    try:
        await app.get(RoadmapService).install()
        transport = httpx.ASGITransport(app.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8026") as public:
            yield City(app, clock, public)
    finally:
        await app.get(AssessmentService).stop()
        await app.get(RoadmapService).stop()
        await app.stop()


def hidden(way: str, types: list[str], scopes: list[str]) -> list[Doc]:
    """One of each kind that something computes with, with values that would move every figure."""
    made = 0

    def thing(kinds: list[str], scope: list[str] | None = None, **attrs: Any) -> Doc:
        nonlocal made
        made += 1
        return entity(
            f"urn:hid:{way}:{made}",
            [*kinds, *types],
            [*(scope or []), *scopes],
            **{
                "name": lang(th=SECRET_NAME, en=SECRET_NAME),
                "location": geo({"type": "Point", "coordinates": [98.35, 8.05]}, T0),
                "origin": prop("simulated"),
                "source": prop(SECRET_NAME),
                **attrs,
            },
        )

    line = {"type": "LineString", "coordinates": [[98.30, 7.90], [98.39, 8.09]]}
    box = [[98.30, 7.85], [98.40, 7.85], [98.40, 7.95], [98.30, 7.95], [98.30, 7.85]]
    measure = next(iter(shipped_measures()))
    plan = measure_doc(measure, edited=True)
    plan["id"] = f"{MEASURE}hid-{way}"
    plan["attrs"][iri("definition")] = [js({**measure.as_json(), "id": f"hid-{way}"})]
    plan["type"], plan["scope"] = (
        [*plan["type"], *map(iri, types)],
        [*plan.get("scope", ()), *scopes],
    )
    series = {"points": [["2024", 1_000_000], ["2025", 2_000_000]]}
    known = ["population", "road-deaths", "tourists", "water-supplied", "water-sold"]
    return [
        *(thing(["PointOfInterest", kind]) for kind in ("Hospital", "FireStation", "School", "PoliceStation")),
        thing(["PublicTransportStop"]),
        thing(["PublicTransportRoute"], length=prop(9e6), lengthKm=prop(9e3)),
        thing(["Vehicle"], ["/mobility/bus"], speed=prop(1, T0)),
        thing(["WeatherObserved"], rainfall=prop(1, T0)),
        thing(["SeaLevelObserved"], level=prop(1, T0)),
        thing(["DeviceMeasurement"], level=prop(1, T0)),
        thing(["RoadAccident"], accidentDate=prop("2021-06-01T00:00:00Z"), deaths=prop(99)),
        thing(
            ["RoadSegment"], location=geo(line), length=prop(9e5), startNode=prop(-1), endNode=prop(-2),
            roadClass=prop("primary"), lanes=prop(2),
        ),
        thing(
            ["AdministrativeArea"], level=prop("tambon"), code=prop("TH00"), population=prop(999_999),
            location=geo({"type": "Polygon", "coordinates": [box]}),
        ),
        *(thing(["KeyPerformanceIndicator"], ["/statistics"], kpiCode=prop(code), series=js(series)) for code in known),
        *(
            thing(
                ["Assignment"], assignedAt=prop(format_time(T0)), onSceneAt=prop(format_time(T0 + n * SECOND)),
                refUnit=rel("urn:x"), assignmentStatus=prop("cleared"),
            )
            for n in range(25)
        ),
        thing(["EmergencyUnit"], unitType=prop("ambulance"), unitStatus=prop("available")),
        plan,
    ]  # fmt: skip


def test_what_is_hidden_changes_nothing_that_is_published(tmp_path: Path) -> None:
    async def work() -> None:
        async with city(tmp_path) as c:
            await c.hide("by-type", Classification.OFFICIAL_SECRET, ["HidX"])
            await c.hide("by-scope", Classification.OFFICIAL_SECRET, [], "/closed")
            await c.hide("persons", Classification.PERSONAL, ["Patient"])
            await c.compute()
            before, world = await c.answers(), await c.app.get(AssessmentService).world()
            assert sum(status == 200 for status, _ in before.values()) >= len(ASKED) - 3
            await c.write(*hidden("type", ["HidX"], []))
            await c.write(*hidden("scope", [], ["/closed"]))
            await c.write(*hidden("person", ["Patient"], []))
            # staff's own, which the public does not see: a type in no dataset beside nothing else
            await c.write(
                *(
                    d
                    for d in hidden("staff", [], [])
                    if {iri("Assignment"), iri("DeviceMeasurement")} & {*d["type"]}
                )
            )
            await c.compute()
            assert (await c.app.get(AssessmentService).world()).fingerprint == world.fingerprint
            after = await c.answers()
            for path, said in before.items():
                assert after[path] == said, path
            for kind in COMPUTED:
                for doc in c.app.broker.iter_entities([iri(kind)], FULL_ACCESS):
                    assert "hid:" not in str(doc), doc["id"]
                    assert "hid-" not in str(doc), doc["id"]
                    assert SECRET_NAME not in str(doc), doc["id"]

    run(work)


def test_a_policy_that_hides_takes_it_out_of_what_was_published(tmp_path: Path) -> None:
    async def work() -> None:
        async with city(tmp_path) as c:
            await c.compute()
            plain = (await c.public.get("/api/assessment/accessibility/Hospital")).json()
            late = [d for d in hidden("late", [], []) if iri("Hospital") in d["type"]]
            late[0]["type"].append(iri("LateX"))
            await c.write(*late)
            await c.compute()
            path, study = "/api/assessment/accessibility/Hospital", "urn:ngsi-ld:AccessibilityStudy:hospital"
            assert late[0]["id"] in (await c.public.get(path)).text
            assert late[0]["id"] in str(c.app.broker.get(study, FULL_ACCESS))
            await c.hide("late", Classification.OFFICIAL_SECRET, ["LateX"])
            assert (await c.public.get(path)).json() == plain  # at once
            await c.compute()
            stored = [str(doc) for doc in c.app.broker.iter_entities(list(map(iri, COMPUTED)), FULL_ACCESS)]
            assert not [one for one in stored if late[0]["id"] in one or SECRET_NAME in one]

    run(work)
