"""The assessment's service: gathers entities, runs studies in a worker thread, keeps and stores what they find.

It gathers with the rights of the weakest reader of its results (``identity.readers``), so that what it publishes is made of
what those who read it may see. When the policy changes everything is gathered and written anew.

A study runs once per state of its inputs. Results are held in memory and written as entities (history, provenance,
replay). Nothing here runs on the event loop for longer than it takes to read a few hundred entities.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

from andaman.assessment.firmness import origin_of, split
from andaman.assessment.indicators.evaluation import definitions, evaluate_indicator
from andaman.assessment.indicators.inputs import Computed
from andaman.assessment.indicators.parts import sums
from andaman.assessment.indicators.snapshot import Snapshot
from andaman.assessment.indicators.trend import trend
from andaman.assessment.network import cases, criticality
from andaman.assessment.network.roads import Floats, with_local_streets
from andaman.assessment.problems import NoSuchStudy
from andaman.assessment.reach import access
from andaman.assessment.reach.world import (
    ACCESS_KINDS,
    INPUT_TYPES,
    SERIES_TYPE,
    World,
    build_world,
    fingerprint,
    inputs_of,
    points_of,
    residents_near,
)
from andaman.assessment.records import SCOPE, indicator_doc, response_minutes, study_doc
from andaman.broker.api import DEFAULT_TENANT, Broker, Doc, OpKind, WriteOp, iri
from andaman.evidence.authors import Authors
from andaman.identity.model import Access, system_actor
from andaman.identity.result_readers import Placed, Readers, everything
from andaman.kernel.errors import Unavailable
from andaman.kernel.time import Clock, format_time, system_clock
from andaman.kernel.work import Timer

log = logging.getLogger("andaman.assessment")
T = TypeVar("T")
_KEPT: Final = 40  # finished studies held in memory
_FIRST_S: Final = 2.0  # let the server answer its first requests
_REST_S: Final = 0.001  # between two parts of a long study
_CHECK_S: Final = 60.0  # how often inputs are looked at for changes
_RESULTS: Final[tuple[Placed, ...]] = (
    ((iri("IndicatorValue"), iri("KeyPerformanceIndicator")), (SCOPE + "/indicator",)),
    ((iri("AccessibilityStudy"),), (SCOPE + "/study",)),
    ((iri("CriticalityStudy"),), (SCOPE + "/study",)),
    ((iri("CoverageRun"),), (SCOPE + "/connectivity",)),
    ((iri("NetworkSite"),), (SCOPE + "/connectivity",)),
)
"""The results that are computed from one world: it is gathered for the weakest reader of any of them."""
_SENSORS: Final = ("WeatherObserved",)
_ASSIGNMENT: Final = "Assignment"
_RECORDS: Final = (*_SENSORS, _ASSIGNMENT)
"""Types behind the figures that are drawn from the city's records."""


class AssessmentService:
    """Indicators, accessibility and criticality of one tenant's city."""

    def __init__(
        self,
        broker: Broker,
        clock: Clock = system_clock,
        tenant: str = DEFAULT_TENANT,
        *,
        refresh_s: float = 120.0,
        readers: Readers = everything,
        ahead: bool = True,
        authors: Authors | None = None,
    ) -> None:
        """``ahead``: begin with the platform, and not with the first question. ``authors``: who wrote what, as all rooms
        know it; None: known to this service alone."""
        self.broker, self.clock, self.tenant = broker, clock, tenant
        self.actor = system_actor("assessment")
        self._refresh_s, self._readers = refresh_s, readers
        self._authors = authors or Authors(broker)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="assessment")
        self._long_pool = ThreadPoolExecutor(
            1, thread_name_prefix="assessment-long"
        )  # nobody waits behind it
        self._world: World | None = None
        self._checked = -1e18
        self._lock = asyncio.Lock()
        self._studies: dict[tuple[str, str], asyncio.Task[Any]] = {}
        self._figures: dict[str, Computed] = {}
        self._written: dict[str, str] = {}
        self._indicators: dict[str, Any] | None = None
        self._timer = Timer(
            "The assessment", self._run, first_s=_FIRST_S if ahead else None, retry_s=refresh_s
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._era = 0  # of the policy; what an older one let see is computed anew
        self.on_refresh: list[Callable[[], Any]] = []
        self.ready = asyncio.Event()  # set when every study has run once

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._timer.start()

    async def stop(self) -> None:
        self._stopping.set()
        await self._timer.stop()
        for study in self._studies.values():
            study.cancel()
        for pool in (self._pool, self._long_pool):
            pool.shutdown(wait=False, cancel_futures=True)

    def policy_changed(self) -> None:
        """Others may read the results now, or these may see less: nothing that was gathered before holds."""
        self._era += 1
        self._checked = -1e18
        self._indicators = None
        self._written.clear()
        if self._loop is not None and self._timer.has_begun:
            self._loop.call_soon_threadsafe(self._timer.wake)

    async def _run(self) -> float:
        try:
            await self.refresh(wait_for_criticality=False)
            for hook in self.on_refresh:
                await hook()
            await self.criticality()
            await self.refresh(wait_for_criticality=True)
            self.ready.set()
        except Unavailable as error:
            log.info("assessment waits: %s", error.detail)
        return self._refresh_s

    # -- gathering --------------------------------------------------------------------------------------------
    def readers(self, *results: Placed) -> Access:
        """The rights of the weakest reader of these results, as of now."""
        return self._readers(results, self.tenant)

    async def gather(self, types: Sequence[str]) -> list[Doc]:
        """Entities with one of these short types, as the weakest reader of the results sees them. They are read in
        slices so that others are not kept waiting.
        """
        docs: list[Doc] = []
        access = self.readers(*_RESULTS)
        for doc in self.broker.iter_entities([iri(one) for one in types], access, self.tenant):
            docs.append(doc)
            if len(docs) % 200 == 0:
                await asyncio.sleep(0)
        return docs

    async def in_thread(self, work: Callable[[], T], *, long: bool = False) -> T:
        """Run on this room's worker thread; ``long``: on the other one, that of studies that take most of a minute."""
        pool = self._long_pool if long else self._pool
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    async def world(self) -> World:
        """The city as of the last look at the inputs. Raises Unavailable when no pack is loaded."""
        self._timer.begin(_FIRST_S)  # somebody asks: from now on results are kept up to date
        async with self._lock:
            now, era = asyncio.get_running_loop().time(), self._era
            if self._world is not None and now - self._checked < _CHECK_S:
                return self._world
            docs = inputs_of({kind: await self.gather((kind,)) for kind in (*INPUT_TYPES, SERIES_TYPE)})
            if self._world is None or fingerprint(docs) != self._world.fingerprint:
                kinds = {
                    kind: [doc["id"] for doc in docs["PointOfInterest"] if iri(kind) in doc["type"]]
                    for kind in ACCESS_KINDS
                }
                self._world = await self.in_thread(lambda: build_world(docs, kinds))
                for key in [key for key in self._studies if key[1] != self._world.fingerprint]:
                    del self._studies[key]
            self._checked = now if era == self._era else -1e18
            return self._world

    async def study(self, name: str, work: Callable[[World], T]) -> T:
        """The result of a named study for the present inputs; computed once, shared by all who wait."""
        return (await self._studied(name, work))[0]

    async def _studied(self, name: str, work: Callable[[World], T], *, long: bool = False) -> tuple[T, World]:
        """The result, and the world it is of."""
        world = await self.world()
        key = (name, world.fingerprint)
        task = self._studies.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(self.in_thread(partial(work, world), long=long))
            for old in [one for one, done in self._studies.items() if done.done()][:-_KEPT]:
                del self._studies[old]
            self._studies[key] = task
        result: T = await asyncio.shield(task)
        return result, world

    # -- studies ----------------------------------------------------------------------------------------------
    async def accessibility(self, kind: str) -> dict[str, Any]:
        """Minutes by road from the nearest place of a kind. Raises ResourceNotFound for a kind not studied."""
        if kind not in ACCESS_KINDS:
            raise NoSuchStudy(place=kind, known=", ".join(ACCESS_KINDS))

        def work(world: World) -> dict[str, Any]:
            return access.accessibility(
                world.grid, world.base, world.people, kind, world.places[kind], world.left_out[kind],
                invented=kind in world.invented,
            )  # fmt: skip

        result, world = await self._studied(f"access.{kind}", work)
        kept = {k: v for k, v in result.items() if k != "roads"}
        await self._store_study("AccessibilityStudy", kind.lower(), kept, world)
        return {**result, "entity": f"urn:ngsi-ld:AccessibilityStudy:{kind.lower()}"}

    async def criticality(self) -> dict[str, Any]:
        """The twenty road links whose closure costs most."""
        result, world = await self._studied("criticality", partial(_critical, self._rest), long=True)
        kept = {k: v for k, v in result.items() if k not in ("geojson", "localStreets")}
        await self._store_study("CriticalityStudy", "roads", kept, world)
        return {**result, "entity": "urn:ngsi-ld:CriticalityStudy:roads"}

    def _rest(self) -> None:
        """Called in the long study's thread: others get their turn; a server that stops does not wait for the study."""
        if self._stopping.wait(_REST_S):
            raise CancelledError

    async def _store_study(self, kind: str, local: str, result: Mapping[str, Any], world: World) -> None:
        """Not a result that was overtaken: a world that its readers may no longer see must not come back."""
        if await self.world() is world:
            await self.store(study_doc(kind, local, result, world.fingerprint), world.fingerprint)

    async def store(self, doc: Doc, key: str) -> None:
        """Write a result entity unless this state of it was written already (in this process or before)."""
        await self.store_all([(doc, key)])

    async def store_all(self, docs: Sequence[tuple[Doc, str]]) -> None:
        fresh = [(doc, key) for doc, key in docs if self._written.get(doc["id"]) != key]
        if not fresh:
            return
        ops = [WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc) for doc, _ in fresh]
        await self.broker.must_write(ops, self.actor, self.tenant)
        self._written.update((doc["id"], key) for doc, key in fresh)

    # -- indicators -------------------------------------------------------------------------------------------
    def publish(self, name: str, figure: Computed) -> None:
        """Offer a figure of another study to the indicators, such as "coverage.3500.area"."""
        self._figures[name] = figure

    async def indicators(self) -> dict[str, Any]:
        """All indicators as last computed (computed now if never)."""
        if self._indicators is None:
            return await self.refresh(wait_for_criticality=False)
        return self._indicators

    async def refresh(self, *, wait_for_criticality: bool) -> dict[str, Any]:
        """Recompute every indicator and store what changed."""
        era = self._era
        await self._spatial_figures()
        if wait_for_criticality:
            self._critical_figures(await self.criticality(), (await self.world()).ground())
        wanted: dict[str, list[Doc]] = {}
        for indicator in definitions():
            for spec in indicator.inputs.values():
                for kind in [*spec.get("entities", ()), *spec.get("fresh", ())]:
                    if kind not in wanted:
                        wanted[kind] = await self.gather((kind,))
        for rule in sums().values():
            if rule["entities"] not in wanted:
                wanted[rule["entities"]] = await self.gather((rule["entities"],))
        series = await self.gather(("KeyPerformanceIndicator",))
        await self._authors.learn(iri(one) for one in (*wanted, *INPUT_TYPES, SERIES_TYPE, *_RECORDS))
        hands = frozenset(self._authors.hands)
        snapshot = Snapshot(self.clock(), wanted, series, dict(self._figures), hands)
        results = await self.in_thread(
            lambda: [
                {**evaluate_indicator(one, snapshot), "trend": trend(one, snapshot)} for one in definitions()
            ]
        )
        if era == self._era:  # otherwise it is about to be computed anew
            await self.store_all([indicator_doc(result) for result in results])
        for result in results:
            result["entity"] = f"urn:ngsi-ld:IndicatorValue:{result['id']}"
        computed = sum(result["status"] == "computed" for result in results)
        found = {
            "computedAt": format_time(snapshot.now),
            "counts": {"computed": computed, "insufficientData": len(results) - computed},
            "indicators": results,
        }
        if era == self._era:
            self._indicators = found
        return found

    def _critical_figures(self, result: Mapping[str, Any], ground: tuple[str, ...]) -> None:
        """The two figures of the ranking, with the envelope of all cases."""
        for name in ("cutOff", "personMinutes"):
            values = [float(case[name]) for case in result["cases"]]
            self.publish(
                f"criticality.{name}",
                Computed(
                    values[0],
                    min(values),
                    max(values),
                    "Andaman, CriticalityStudy",
                    self.clock(),
                    (result["entity"],),
                    ground=ground,
                ),
            )

    async def _spatial_figures(self) -> None:
        now = self.clock()
        world = await self.world()
        ground = world.ground()
        for kind in ACCESS_KINDS:
            result = await self.accessibility(kind)
            used = tuple(place.id for place in world.places[kind])
            for row in result["within"]:
                share = row["sharePercent"]
                self.publish(
                    f"access.{kind}.{row['minutes']}",
                    Computed(
                        share["best"],
                        share["low"],
                        share["high"],
                        "OpenStreetMap; กรมการปกครอง; Andaman",
                        now,
                        used,
                        ground=ground,
                    ),
                )
        for name, kinds, reach in (
            ("stops.500", ("PublicTransportStop",), 500.0),
            ("sensors.5000", _SENSORS, 5_000.0),
        ):
            docs, _ = split(await self.gather(kinds))
            if not docs:
                self._figures.pop(name, None)  # what was there is gone, or is no longer for the readers
                continue
            points, ids = points_of(docs), tuple(doc["id"] for doc in docs)
            near = await self.in_thread(partial(residents_near, world, points, reach))
            share = near.share_of(world.people.total)
            origins = tuple(sorted({"computed", *(origin_of(doc) for doc in docs)}))
            self.publish(
                name, Computed(share.best, share.low, share.high, "Andaman", now, ids, origins, ground)
            )
        minutes = response_minutes(await self.gather((_ASSIGNMENT,)))
        self._figures.pop("response.minutes", None)
        if minutes is not None:
            self.publish("response.minutes", minutes)


def _critical(rest: Callable[[], None], world: World) -> dict[str, Any]:
    demand = criticality.Demand()
    streets = with_local_streets(world.base, world.land, demand.local_m, cases.DETOUR)

    def of_nodes(cells: Floats) -> Floats:
        return criticality.node_people(world.base, world.fine, world.cell_node, cells)

    people = of_nodes(world.people.best)
    ways = [
        cases.Way(name, of_nodes(cells))
        for name, cells in zip(world.people.words(), world.people.cells, strict=True)
    ]
    found = cases.study_cases(streets, world.base, people, world.gateway, demand, rest, ways)
    return cases.report(streets, people, found, demand)
