"""The roadmap's service: measures as entities that may be edited, and gaps traced to them. Portfolios: ``runs.py``."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from andaman.assessment.service import AssessmentService
from andaman.broker.api import OpKind, WriteOp, iri, prop
from andaman.identity.model import FULL_ACCESS, Access, Actor, system_actor
from andaman.identity.result_readers import Placed
from andaman.kernel.errors import BadRequestData, Unavailable
from andaman.kernel.time import Clock, system_clock
from andaman.kernel.work import Timer
from andaman.roadmap.gaps import gaps
from andaman.roadmap.inputs import Inputs
from andaman.roadmap.jobs import Task
from andaman.roadmap.model import Measure, check_requirements, read_measure, shipped_measures, shipped_values
from andaman.roadmap.problems import MeasureInUse, NoSuchMeasure
from andaman.roadmap.records import MEASURE, ORIGIN, gap_doc, measure_doc
from andaman.roadmap.report import standalone
from andaman.roadmap.request import read_request
from andaman.roadmap.runs import Runs
from andaman.roadmap.views import StoredMeasure, StoredPortfolio
from andaman.roadmap.worker import Worker

log = logging.getLogger("andaman.roadmap")
_RESULTS: Final[tuple[Placed, ...]] = (
    ((iri("Portfolio"),), ("/roadmap/portfolio",)),
    ((iri("Gap"),), ("/roadmap/gap",)),
)
"""Plans and gaps name measures: they are made of those that their weakest reader may see."""
_AGAIN_S: Final = 300.0
"""From a default portfolio that could not be computed to the next attempt."""


class RoadmapService:
    """Measures, gaps and portfolios of one tenant's city."""

    def __init__(
        self, assessment: AssessmentService, clock: Clock = system_clock, *, ahead: bool = True
    ) -> None:
        """``ahead``: compute the default plan with the platform, and not with the first question."""
        self.assessment, self.clock = assessment, clock
        self.broker, self.tenant = assessment.broker, assessment.tenant
        self.actor = system_actor("roadmap")
        self.worker = Worker()
        self.runs = Runs(assessment, self.worker, clock, self.inputs)
        self._left_out: dict[str, str] = {}  # measures that cannot be read, and why
        self._timer = Timer(
            "The default portfolio", self._first, first_s=0.0 if ahead else None, retry_s=_AGAIN_S
        )
        assessment.on_refresh.append(self.refresh)

    async def start(self) -> None:
        """Put the shipped measures in place, and have the default portfolio computed in the background."""
        await self.install()
        await self._timer.start()

    async def stop(self) -> None:
        await self._timer.stop()
        await self.runs.stop()
        await self.worker.stop()

    async def _first(self) -> float | None:
        await self.assessment.ready.wait()  # a plan on half the figures would be out of date at once
        try:
            await self.runs.compute({})
            await self.runs.resume()
        except Unavailable as error:
            log.info("the roadmap waits: %s", error.detail)
            return _AGAIN_S
        return None

    async def refresh(self) -> None:
        """Compute the default portfolio again when it names a measure that is gone or hidden from its readers.

        When its inputs changed, it is computed soon.
        """
        latest = self.runs.find("default")
        if latest is None:
            return
        there = {one.id for one in self.measures()}
        if not all(one.id in there for one in (*latest.facts.chosen, *latest.facts.alone)):
            await self.runs.compute({})
        elif self.assessment.ready.is_set() and await self.runs.is_stale("default", latest):
            self._timer.wake()

    # -- measures ---------------------------------------------------------------------------------------------
    async def install(self) -> None:
        """Write shipped measures that are absent, or that are older and were not edited here. Every measure is a
        proposal, also one that was edited under an earlier version."""
        ops = [
            WriteOp(OpKind.APPEND, MEASURE + one.id, {"id": MEASURE + one.id, "origin": prop(ORIGIN)})
            for one in self._stored(FULL_ACCESS)
            if one.edited and one.origin != ORIGIN
        ]
        for measure in shipped_measures():
            doc = measure_doc(measure, edited=False)
            found = self.broker.find(doc["id"], FULL_ACCESS, self.tenant)
            old = StoredMeasure.of(found) if found is not None else None
            same = old is not None and (old.definition, old.origin) == (measure.as_json(), ORIGIN)
            if old is None or not (old.edited or same):
                ops.append(WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc))
        if ops:
            await self.broker.must_write(ops, self.actor, self.tenant)

    def measures(self, access: Access | None = None) -> list[Measure]:
        """The measures that ``access`` shows (None: the weakest reader of plans), in order of their id. One that cannot be read, or needs such a one, is left out: whoever
        wrote or deleted it past this room must not stop every plan."""
        access = self.assessment.readers(*_RESULTS) if access is None else access
        rows = {one.id: one.definition for one in self._stored(access)}
        indicators = [one.indicator for one in shipped_values()]
        while True:
            found: list[Measure] = []
            wrong: dict[str, str] = {}
            for measure_id, row in rows.items():
                try:
                    found.append(read_measure(row, indicators, list(rows)))
                    if found[-1].id != measure_id:
                        found.pop()
                        wrong[measure_id] = "its definition has another id"
                except BadRequestData as error:
                    wrong[measure_id] = error.detail
            if not wrong:
                return sorted(found, key=lambda one: one.id)
            for measure_id, why in wrong.items():
                if self._left_out.get(measure_id) != why:  # told once
                    self._left_out[measure_id] = why
                    log.warning("measure %s is left out: %s", measure_id, why)
                del rows[measure_id]

    def _ids(self, access: Access) -> tuple[list[str], list[str]]:
        return [one.id for one in self._stored(access)], [one.indicator for one in shipped_values()]

    def _stored(self, access: Access) -> Iterator[StoredMeasure]:
        docs = self.broker.iter_entities([iri("Measure")], access, self.tenant)
        return map(StoredMeasure.of, docs)

    async def put(self, measure_id: str, row: Any, actor: Actor) -> dict[str, Any]:
        """Replace or add a measure. Raises BadRequestData naming the member, Conflict when others still need it."""
        ids, indicators = self._ids(actor.access)
        if isinstance(row, Mapping):
            row = {**row, "id": measure_id}
        measure = read_measure(row, indicators, [*ids, measure_id])
        check_requirements([measure, *(one for one in self.measures(actor.access) if one.id != measure_id)])
        doc = measure_doc(measure, edited=True)
        await self.broker.must_write([WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc)], actor, self.tenant)
        return {**measure.as_json(), "entity": doc["id"], "edited": True}

    async def reset(self, measure_id: str, actor: Actor) -> None:
        """Back to the shipped definition; a measure of one's own is removed unless another requires it."""
        shipped = {one.id: one for one in shipped_measures()}
        if measure_id in shipped:
            doc = measure_doc(shipped[measure_id], edited=False)
            op = WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc)
        else:
            users = [
                one.id for one in self.measures(actor.access) if measure_id in (*one.requires, *one.excludes)
            ]
            if users:
                raise MeasureInUse(users=", ".join(users), id=measure_id)
            op = WriteOp(OpKind.DELETE, MEASURE + measure_id)
        await self.broker.must_write([op], actor, self.tenant)

    async def list_measures(self, access: Access) -> dict[str, Any]:
        """Measures with their stand-alone figures and whether the latest default portfolio holds them."""
        inputs = await self.inputs()
        latest = self.runs.find("default")
        alone = await self._alone(inputs, latest)
        start = {one.id: one.start_year for one in latest.facts.chosen} if latest else {}
        robustness = latest.facts.robustness if latest else None
        shares = robustness.chosen_share if robustness and robustness.samples else {}
        edited = {one.id: one.edited for one in self._stored(access)}
        return {
            "measures": [
                {
                    **measure.as_json(),
                    "entity": MEASURE + measure.id,
                    "edited": edited.get(measure.id, False),
                    "alone": alone[measure.id],
                    "startYear": start.get(measure.id),
                    "chosenShare": shares.get(measure.id),
                }
                for measure in inputs.measures
                if measure.id in edited
            ],
            "values": [one.as_json() for one in inputs.values],
        }

    async def _alone(self, inputs: Inputs, latest: StoredPortfolio | None) -> dict[str, Any]:
        """Each measure on its own, of the latest default portfolio where it has the same inputs."""
        if latest is not None and latest.facts.inputs_key == inputs.key:
            rows = latest.result["alone"]
        else:
            asked = read_request({}, self.runs.first_year())
            task = Task(inputs.measures, inputs.values, inputs.remaining, asked.terms, asked.seed)
            rows = await self.worker.run(standalone, task)
        return {row["id"]: row for row in rows}

    @staticmethod
    def pick(rows: Sequence[Mapping[str, Any]], measure_id: str) -> Mapping[str, Any]:
        """The row of one measure. Raises NoSuchMeasure."""
        for row in rows:
            if row["id"] == measure_id:
                return row
        raise NoSuchMeasure(id=measure_id)

    async def inputs(self) -> Inputs:
        """What plans are made of now: measures, values, and the indicators as last computed. The first question of all has
        the default plan computed, and what a restart interrupted."""
        self._timer.begin()
        if not any(True for _ in self.broker.iter_entities([iri("Measure")], FULL_ACCESS, self.tenant)):
            await self.install()
        return Inputs.of(
            self.measures(), shipped_values(), (await self.assessment.indicators())["indicators"]
        )

    # -- gaps -------------------------------------------------------------------------------------------------
    async def gaps(self) -> dict[str, Any]:
        """Gaps traced to measures, with what the latest default portfolio would make of them; kept as entities."""
        inputs = await self.inputs()
        latest = self.runs.find("default")
        chosen = [one.id for one in latest.facts.chosen] if latest else []
        found = gaps(list(inputs.rows.values()), inputs.measures, inputs.values, chosen)
        docs = []
        for row in found:
            doc = gap_doc(row)
            docs.append((doc, hashlib.sha256(orjson.dumps(doc)).hexdigest()[:16]))
        await self.assessment.store_all(docs)
        return {"gaps": found, "portfolio": latest.facts.id if latest else None}
