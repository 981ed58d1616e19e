"""The roadmap's service: measures as entities that may be edited, gaps traced, portfolios solved off the loop and kept."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from andaman.assessment.service import AssessmentService
from andaman.broker.api import OpKind, WriteOp, iri
from andaman.identity.model import FULL_ACCESS, Access, Actor, system_actor
from andaman.identity.result_readers import Placed
from andaman.kernel.errors import BadRequestData, NoSuchTenant, Unavailable
from andaman.kernel.time import Clock, format_time, local_date, system_clock
from andaman.kernel.work import Timer
from andaman.roadmap.gaps import gaps, remaining_of
from andaman.roadmap.model import (
    Measure,
    Worth,
    check_requirements,
    read_measure,
    shipped_measures,
    shipped_values,
)
from andaman.roadmap.problem import Problem, problem_of
from andaman.roadmap.problems import (
    MeasureInUse,
    MeasureUnknown,
    NoPlanPossible,
    NoSuchMeasure,
    NoSuchPortfolio,
)
from andaman.roadmap.records import MEASURE, gap_doc, measure_doc, portfolio_doc
from andaman.roadmap.report import portfolio, standalone
from andaman.roadmap.request import Request, read_request
from andaman.roadmap.robust import Tally, add_sample, sampled
from andaman.roadmap.solve import Solution, solve
from andaman.roadmap.views import StoredMeasure, StoredPortfolio

log = logging.getLogger("andaman.roadmap")
_PORTFOLIO: Final = "urn:ngsi-ld:Portfolio:"
_RESULTS: Final[tuple[Placed, ...]] = (
    ((iri("Portfolio"),), ("/roadmap/portfolio",)),
    ((iri("Gap"),), ("/roadmap/gap",)),
)
"""Plans and gaps name measures: they are made of those that their weakest reader may see."""
_SAMPLES_AT_ONCE: Final = 5
_AGAIN_S: Final = 300.0
"""From a default portfolio that could not be computed to the next attempt."""
_KEPT: Final = 30  # portfolios held in memory; all are stored
_VOLATILE: Final = frozenset({"feed-freshness", "response-time", "rain-cover"})
"""Indicators that change by the minute: a plan is not out of date because a bus has parked."""


@dataclass(slots=True)
class _Inputs:
    """The inputs of a portfolio; ``key`` is equal for equal inputs."""

    measures: list[Measure]
    values: tuple[Worth, ...]
    rows: dict[str, dict[str, Any]]
    remaining: dict[str, float]
    key: str


class RoadmapService:
    """Measures, gaps and portfolios of one tenant's city."""

    def __init__(self, assessment: AssessmentService, clock: Clock = system_clock) -> None:
        self.assessment, self.clock = assessment, clock
        self.broker, self.tenant = assessment.broker, assessment.tenant
        self.actor = system_actor("roadmap")
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="roadmap")
        self._results: dict[str, dict[str, Any]] = {}
        self._sampling: dict[str, asyncio.Task[None]] = {}
        self._computing = asyncio.Lock()
        self._left_out: dict[str, str] = {}  # measures that cannot be read, and why
        self._timer = Timer("The default portfolio", self._first, retry_s=_AGAIN_S)
        assessment.on_refresh.append(self.refresh)

    async def start(self) -> None:
        """Put the shipped measures in place and compute the default portfolio in the background."""
        await self.install()
        await self._timer.start()

    async def stop(self) -> None:
        await self._timer.stop()
        for task in self._sampling.values():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _first(self) -> float | None:
        await self.assessment.ready.wait()  # a plan on half the figures would be out of date at once
        try:
            await self.compute({})
        except Unavailable as error:
            log.info("the roadmap waits: %s", error.detail)
            return _AGAIN_S
        return None

    async def refresh(self) -> None:
        """Compute the default portfolio again when it names a measure that its readers may not see, or that is gone."""
        latest = self.find_portfolio("default")
        if latest is None:
            return
        there = {one.id for one in self.measures()}
        if not all(one.id in there for one in (*latest.facts.chosen, *latest.facts.alone)):
            await self.compute({})

    # -- measures ---------------------------------------------------------------------------------------------
    async def install(self) -> None:
        """Write shipped measures that are absent, or that are older and were not edited here."""
        ops = []
        for measure in shipped_measures():
            doc = measure_doc(measure, edited=False)
            found = self.broker.find(doc["id"], FULL_ACCESS, self.tenant)
            old = StoredMeasure.of(found) if found is not None else None
            if old is None or (not old.edited and old.definition != measure.as_json()):
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
        inputs = await self._inputs()
        asked = read_request({}, self._next_year())
        rows = await self._in_thread(lambda: standalone(_problem(inputs, asked), inputs.measures))
        alone = {row["id"]: row for row in rows}
        latest = self.find_portfolio("default")
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

    @staticmethod
    def pick(rows: Sequence[Mapping[str, Any]], measure_id: str) -> Mapping[str, Any]:
        """The row of one measure. Raises NoSuchMeasure."""
        for row in rows:
            if row["id"] == measure_id:
                return row
        raise NoSuchMeasure(id=measure_id)

    async def _inputs(self) -> _Inputs:
        if not any(True for _ in self.broker.iter_entities([iri("Measure")], FULL_ACCESS, self.tenant)):
            await self.install()
        rows = {row["id"]: row for row in (await self.assessment.indicators())["indicators"]}
        measures, values = self.measures(), shipped_values()
        remaining = remaining_of(list(rows.values()), values)
        steady = {name: float(f"{left:.3g}") for name, left in remaining.items() if name not in _VOLATILE}
        content = [[m.as_json() for m in measures], [v.as_json() for v in values], steady]
        key = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
        return _Inputs(measures, values, rows, remaining, key)

    # -- gaps -------------------------------------------------------------------------------------------------
    async def gaps(self) -> dict[str, Any]:
        """Gaps traced to measures, with what the latest default portfolio would make of them; kept as entities."""
        inputs = await self._inputs()
        latest = self.find_portfolio("default")
        chosen = [one.id for one in latest.facts.chosen] if latest else []
        found = gaps(list(inputs.rows.values()), inputs.measures, inputs.values, chosen)
        docs = []
        for row in found:
            doc = gap_doc(row)
            docs.append((doc, hashlib.sha256(orjson.dumps(doc)).hexdigest()[:16]))
        await self.assessment.store_all(docs)
        return {"gaps": found, "portfolio": latest.facts.id if latest else None}

    # -- portfolios -------------------------------------------------------------------------------------------
    def _next_year(self) -> int:
        return local_date(self.clock()).year + 1

    async def compute(self, body: Any) -> dict[str, Any]:
        """The best portfolio for these terms (a few seconds); sampling continues in the background.

        The same request on the same inputs gives the stored result. Raises BadRequestData, and Conflict when no plan
        keeps the rules.
        """
        asked = read_request(body, self._next_year())
        async with self._computing:  # equal requests at one time are solved once
            return await self._compute(asked)

    async def _compute(self, asked: Request) -> dict[str, Any]:
        inputs = await self._inputs()
        ids = {measure.id for measure in inputs.measures}
        unknown = [one for one in (*asked.terms.include, *asked.terms.exclude) if one not in ids]
        if unknown:
            raise MeasureUnknown(id=unknown[0])
        key = hashlib.sha256(orjson.dumps([inputs.key, asdict(asked)])).hexdigest()[:12]
        local = "default" if asked.default else key
        stored = self.find_portfolio(local)
        if stored and stored.facts.inputs_key == key and stored.facts.robustness.status == "done":
            return stored.result
        if local in self._results and self._results[local]["inputsKey"] == key:
            return self._results[local]
        problem = _problem(inputs, asked)
        solution = await self._in_thread(lambda: solve(problem, time_limit_s=asked.time_limit_s))
        if solution is None:
            raise NoPlanPossible
        result = {
            "id": _PORTFOLIO + local,
            "name": asked.name,
            "origin": "computed",
            "inputsKey": key,
            "computedAt": format_time(self.clock()),
            "costQuantile": asked.cost_quantile,
            **portfolio(problem, inputs.measures, inputs.values, inputs.rows, solution, asked.first_year),
            "alone": standalone(problem, inputs.measures),
            "stale": False,
        }
        tally = Tally(problem.ids, asked.samples, asked.seed)
        result["robustness"] = tally.as_json("running" if asked.samples else "none")
        self._results[local] = result
        for old_id in [one for one in self._results if one not in self._sampling and one != "default"][
            :-_KEPT
        ]:
            del self._results[old_id]
        await self._keep(result)
        if asked.samples:
            old = self._sampling.pop(local, None)
            if old is not None:
                old.cancel()
            self._sampling[local] = asyncio.create_task(self._sample(local, inputs, asked, solution, tally))
        return result

    async def _sample(
        self, local: str, inputs: _Inputs, asked: Request, base: Solution, tally: Tally
    ) -> None:
        try:
            problems = sampled(
                inputs.measures, inputs.remaining, inputs.values, asked.terms, asked.samples, asked.seed
            )
            began = asyncio.get_running_loop().time()
            status = "done"
            while tally.done < tally.asked:

                def some() -> None:
                    for problem in (next(problems, None) for _ in range(_SAMPLES_AT_ONCE)):
                        if problem is not None:
                            add_sample(tally, problem, base.plan)

                await self._in_thread(some)
                self._results[local]["robustness"] = tally.as_json("running")
                await asyncio.sleep(0.05)
                if asyncio.get_running_loop().time() - began > asked.sampling_limit_s:
                    status = "timeLimit"
                    break
            finished = {**self._results[local], "robustness": tally.as_json(status)}
            await self._keep(finished)
            self._results[local] = finished  # only now: who reads "done" finds it stored
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("sampling of portfolio %s failed", local)
            self._results[local]["robustness"] = tally.as_json("failed")

    async def _in_thread(self, work: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _keep(self, result: dict[str, Any]) -> None:
        doc = portfolio_doc(result)
        await self.assessment.store(doc, hashlib.sha256(orjson.dumps(result)).hexdigest()[:16])

    def find_portfolio(self, local: str) -> StoredPortfolio | None:
        """A portfolio by its local id, as it is in memory or stored; None when there is none that can be read."""
        if local in self._results:
            return StoredPortfolio.of_result(self._results[local])
        try:
            doc = self.broker.find(_PORTFOLIO + local, FULL_ACCESS, self.tenant)
        except NoSuchTenant:
            return None
        return None if doc is None else StoredPortfolio.of(doc)

    async def get_portfolio(self, local: str, access: Access = FULL_ACCESS) -> dict[str, Any]:
        """A portfolio; ``stale`` says that its inputs changed since. The default one is computed when missing."""
        found = self.find_portfolio(local.removeprefix(_PORTFOLIO))
        if found is not None and self.broker.find(found.facts.id, access, self.tenant) is None:
            raise NoSuchPortfolio(id=local)
        if found is None:
            if local.removeprefix(_PORTFOLIO) == "default":
                return await self.compute({})
            raise NoSuchPortfolio(id=local)
        if found.facts.id.endswith(":default"):
            asked = read_request({}, self._next_year())
            key = hashlib.sha256(orjson.dumps([(await self._inputs()).key, asdict(asked)])).hexdigest()[:12]
            return {**found.result, "stale": key != found.facts.inputs_key}
        return found.result

    def list_portfolios(self, access: Access) -> list[dict[str, Any]]:
        """Every stored portfolio in short, newest first. One that cannot be read is left out."""
        docs = self.broker.iter_entities([iri("Portfolio")], access, self.tenant)
        found = [one.facts for one in map(StoredPortfolio.of, docs) if one is not None]
        return [
            {
                "id": one.id,
                "name": one.name,
                "computedAt": one.computed_at,
                "terms": one.terms,
                "totals": one.totals,
                "chosen": [measure.id for measure in one.chosen],
                "proved": one.solver.proved,
                "samples": one.robustness.samples,
            }
            for one in sorted(found, key=lambda one: one.computed_at, reverse=True)
        ]


def _problem(inputs: _Inputs, asked: Request) -> Problem:
    """With likely effects and values, and costs as asked."""
    q = asked.cost_quantile
    return problem_of(
        inputs.measures,
        inputs.remaining,
        _likely(inputs.values),
        asked.terms,
        None if q is None else [m.capex.at(q) for m in inputs.measures],
        None if q is None else [m.opex.at(q) for m in inputs.measures],
    )


def _likely(values: Sequence[Worth]) -> dict[str, float]:
    return {worth.indicator: worth.mthb_per_unit.likely for worth in values}
