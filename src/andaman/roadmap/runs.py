"""Portfolios as runs: computed in the roadmap's process, kept as entities, finished in the background, resumed after a restart.

A run has three parts. The two plans take seconds and are in the answer. Then follow the reasons of the measures that are not
in, and the draws solved one by one. Each part is stored when it is complete; progress in between is in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any, Final

import orjson

from andaman.assessment.service import AssessmentService
from andaman.broker.api import iri, value
from andaman.identity.model import FULL_ACCESS, Access
from andaman.kernel.errors import BadRequestData, NoSuchTenant, Unavailable
from andaman.kernel.fiscal import fiscal_year
from andaman.kernel.time import BUDDHIST_ERA, Clock, format_time
from andaman.kernel.work import end
from andaman.roadmap.inputs import Inputs, read_numbers
from andaman.roadmap.jobs import Plans, Task, best_plans, samples, why_not
from andaman.roadmap.model import Measure
from andaman.roadmap.problems import MeasureUnknown, NoPlanPossible, NoSuchPortfolio
from andaman.roadmap.reasons import not_chosen, pending
from andaman.roadmap.records import portfolio_doc
from andaman.roadmap.report import portfolio
from andaman.roadmap.request import Request, read_request
from andaman.roadmap.robust import Tally
from andaman.roadmap.views import StoredPortfolio
from andaman.roadmap.worker import Worker

log = logging.getLogger("andaman.roadmap")
PORTFOLIO: Final = "urn:ngsi-ld:Portfolio:"
_AT_ONCE: Final = 4
"""Runs that are finished in turns; further ones wait."""
_SAMPLES: Final = 2
"""Draws solved in one job: others wait for the process no longer than that."""
_KEPT: Final = 30  # results held in memory; all are stored


class Runs:
    """The portfolios of one tenant's city."""

    def __init__(
        self,
        assessment: AssessmentService,
        worker: Worker,
        clock: Clock,
        inputs: Callable[[], Awaitable[Inputs]],
    ) -> None:
        self.assessment, self.worker, self.clock = assessment, worker, clock
        self.broker, self.tenant = assessment.broker, assessment.tenant
        self._inputs = inputs
        self._results: dict[str, dict[str, Any]] = {}
        self._finishing: dict[str, asyncio.Task[None]] = {}
        self._computing = asyncio.Lock()
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def stop(self) -> None:
        if self._finishing:
            await end(*self._finishing.values())

    def first_year(self) -> int:
        """The next fiscal year to begin, by the common era of its end."""
        return fiscal_year(self.clock()) - BUDDHIST_ERA + 1

    # -- computing --------------------------------------------------------------------------------------------
    async def compute(self, body: Any, local: str | None = None) -> dict[str, Any]:
        """The plans for these terms (some seconds); the rest follows in the background.

        The same request on the same inputs gives the stored result. Raises BadRequestData, and Conflict when no plan
        keeps the rules. ``local``: the id to store it under, in place of one made from the request.
        """
        asked = read_request(body, self.first_year())
        async with self._computing:  # equal requests at one time are solved once
            return await self._compute(asked, local)

    async def _compute(self, asked: Request, local: str | None) -> dict[str, Any]:
        inputs = await self._inputs()
        ids = {measure.id for measure in inputs.measures}
        unknown = [one for one in (*asked.terms.include, *asked.terms.exclude) if one not in ids]
        if unknown:
            raise MeasureUnknown(id=unknown[0])
        key = hashlib.sha256(orjson.dumps([inputs.key, asdict(asked)])).hexdigest()[:12]
        local = local or ("default" if asked.default else key)
        stored = self.find(local)
        if stored and stored.facts.request_key == key and self._is_in_hand(local, stored):
            return stored.result
        task = Task(
            inputs.measures, inputs.values, inputs.remaining, asked.terms, asked.seed, asked.time_limit_s
        )
        plans: Plans | None = await self.worker.run(best_plans, task)
        if plans is None:
            raise NoPlanPossible
        result = {
            "id": PORTFOLIO + local,
            "name": asked.name,
            "origin": "computed",
            "inputsKey": inputs.key,
            "requestKey": key,
            "computedAt": format_time(self.clock()),
            **await self.worker.run(portfolio, task, inputs, plans, asked.first_year),
            "notChosen": [pending(inputs, m) for m, start in enumerate(plans.recommended.plan) if start < 0],
            "inputs": inputs.as_json(),
            "samplingLimitS": asked.sampling_limit_s,
        }
        tally = Tally(tuple(m.id for m in inputs.measures), _PLANS, asked.samples, asked.seed + 2)
        result["robustness"] = tally.as_json("running" if asked.samples else "none")
        await self._cancel(local)
        self._results[local] = result
        self._forget_old()
        await self._keep(result)
        if asked.samples:
            self._begin(local, inputs, task, plans, tally, asked.sampling_limit_s)
        return result

    def _is_in_hand(self, local: str, stored: StoredPortfolio) -> bool:
        """Is it complete, or being completed? A restart may have interrupted it."""
        status = stored.facts.robustness.status
        return local in self._finishing if status == "running" else status != "failed"

    def _begin(
        self, local: str, inputs: Inputs, task: Task, plans: Plans, tally: Tally, limit_s: float
    ) -> None:
        self._finishing[local] = asyncio.create_task(
            self._finish(local, inputs, task, plans, tally, limit_s), name=f"portfolio {local}"
        )

    async def _cancel(self, local: str) -> None:
        task = self._finishing.pop(local, None)
        if task is not None:
            await end(task)

    def _forget_old(self) -> None:
        done = [one for one in self._results if one not in self._finishing and one != "default"]
        for local in done[:-_KEPT]:
            del self._results[local]

    async def _finish(
        self, local: str, inputs: Inputs, task: Task, plans: Plans, tally: Tally, limit_s: float
    ) -> None:
        """Reasons and draws. Each step replaces the result, so that a reader never sees half of one."""
        try:
            async with self._turns:
                loop = asyncio.get_running_loop()
                began, status = loop.time(), "done"
                out = [m for m, start in enumerate(plans.recommended.plan) if start < 0]
                for m in out:
                    why = await self.worker.run(why_not, task, plans.recommended, plans.share, m)
                    row = not_chosen(task, inputs, m, why)
                    rows = [
                        row if one["id"] == row["id"] else one for one in self._results[local]["notChosen"]
                    ]
                    self._results[local] = {**self._results[local], "notChosen": rows}
                    await asyncio.sleep(0)
                both = (plans.recommended.plan, plans.nominal.plan)
                while tally.done < tally.asked:
                    count = min(_SAMPLES, tally.asked - tally.done)
                    tally.samples += await self.worker.run(samples, task, both, tally.done, count)
                    self._results[local] = {**self._results[local], "robustness": tally.as_json("running")}
                    await asyncio.sleep(0.05)
                    if loop.time() - began > limit_s:
                        status = "timeLimit"
                        break
            finished = {**self._results[local], "robustness": tally.as_json(status)}
            await self._keep(finished)
            self._results[local] = finished  # only now: who reads "done" finds it stored
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("portfolio %s was not finished", local)
            failed = {**self._results[local], "robustness": tally.as_json("failed")}
            self._results[local] = failed
            with contextlib.suppress(Exception):
                await self._keep(failed)
        finally:
            if self._finishing.get(local) is asyncio.current_task():
                del self._finishing[local]

    async def _keep(self, result: dict[str, Any]) -> None:
        await self.assessment.store(
            portfolio_doc(result), hashlib.sha256(orjson.dumps(result)).hexdigest()[:16]
        )

    # -- after a restart --------------------------------------------------------------------------------------
    async def resume(self) -> None:
        """Finish the runs that a restart interrupted, and compute those of an earlier version again under their ids."""
        rows = await self._inputs()
        for doc in list(self.broker.iter_entities([iri("Portfolio")], FULL_ACCESS, self.tenant)):
            local = str(doc["id"]).removeprefix(PORTFOLIO)
            if local == "default" or local in self._finishing:
                continue
            found = StoredPortfolio.of(doc)
            try:
                if found is None:
                    if old := _request_of(value(doc, "result")):
                        await self.compute(old, local)
                elif found.facts.robustness.status == "running":
                    await self._resume(local, found.result, rows)
            except Exception:
                log.exception("portfolio %s cannot be computed again", local)

    async def _resume(self, local: str, result: dict[str, Any], now: Inputs) -> None:
        """With the numbers that it was computed from; names of measures and indicators are those of today."""
        measures, values, remaining = read_numbers(result["inputs"])
        named = {one.id: one for one in now.measures}
        if any(one.id not in named for one in measures):
            await self.compute(_request_of(result), local)
            return
        inputs = Inputs(
            tuple(_renamed(one, named[one.id]) for one in measures),
            values,
            now.rows,
            remaining,
            result["inputsKey"],
        )
        asked = read_request(_request_of(result), self.first_year())
        task = Task(measures, values, remaining, asked.terms, result["robustness"]["seed"] - 2)
        plans: Plans | None = await self.worker.run(best_plans, task)
        if plans is None:
            return
        self._results[local] = result
        tally = Tally(
            tuple(one.id for one in measures),
            _PLANS,
            result["robustness"]["asked"],
            result["robustness"]["seed"],
        )
        self._begin(local, inputs, task, plans, tally, float(result["samplingLimitS"]))

    # -- reading ----------------------------------------------------------------------------------------------
    def find(self, local: str) -> StoredPortfolio | None:
        """A portfolio by its local id, as it is in memory or stored; None when there is none that can be read."""
        if local in self._results:
            return StoredPortfolio.of_result(self._results[local])
        try:
            doc = self.broker.find(PORTFOLIO + local, FULL_ACCESS, self.tenant)
        except NoSuchTenant:
            return None
        return None if doc is None else StoredPortfolio.of(doc)

    async def get(self, local: str, access: Access = FULL_ACCESS) -> dict[str, Any]:
        """A portfolio; ``stale`` says that its inputs changed since. The default one is computed when missing."""
        local = local.removeprefix(PORTFOLIO)
        found = self.find(local)
        if found is not None and self.broker.find(found.facts.id, access, self.tenant) is None:
            raise NoSuchPortfolio(id=local)
        if found is None:
            if local != "default":
                raise NoSuchPortfolio(id=local)
            found = StoredPortfolio.of_result(await self.compute({}))
            assert found is not None
        return {**found.result, "stale": await self.is_stale(local, found)}

    async def is_stale(self, local: str, found: StoredPortfolio) -> bool:
        """Were the inputs different when it was computed? The default one also has the next fiscal year first."""
        try:
            inputs = await self._inputs()
        except Unavailable:  # nothing can be computed now: there is nothing newer
            return False
        if local == "default" and found.facts.terms.get("firstYear") != self.first_year():
            return True
        return inputs.key != found.facts.inputs_key

    def list(self, access: Access) -> list[dict[str, Any]]:
        """Every stored portfolio in short, newest first. One that cannot be read is left out."""
        docs = self.broker.iter_entities([iri("Portfolio")], access, self.tenant)
        found = [self.find(str(doc["id"]).removeprefix(PORTFOLIO)) or StoredPortfolio.of(doc) for doc in docs]
        runs = [one for one in found if one is not None]
        runs.sort(key=lambda one: one.facts.computed_at, reverse=True)
        return [_in_short(one) for one in runs]


def _in_short(one: StoredPortfolio) -> dict[str, Any]:
    facts = one.facts
    return {
        "id": facts.id,
        "name": facts.name,
        "computedAt": facts.computed_at,
        "inputsKey": facts.inputs_key,
        "terms": facts.terms,
        "totals": facts.totals,
        "draws": one.result["draws"],
        "chosen": [measure.id for measure in facts.chosen],
        "proved": facts.solver.proved,
        "status": facts.robustness.status,
        "samples": facts.robustness.samples,
    }


_PLANS: Final = ("recommended", "nominal")


def _renamed(numbers: Measure, named: Measure) -> Measure:
    return replace(numbers, name=named.name, reveals=named.reveals)


def _request_of(result: Any) -> dict[str, Any] | None:
    """The request that gave a stored result, also one of an earlier version; None where its terms cannot be read."""
    try:
        terms = result["terms"]
        body = {
            "name": str(result["name"]["th"]),
            "totalMthb": terms["totalMthb"],
            "yearlyMthb": terms["yearlyMthb"],
            "discountRate": terms["discountRate"],
            "horizonYears": terms["horizonYears"],
            "include": terms["include"],
            "exclude": terms["exclude"],
        }
        if "withinBudgetShare" in terms:
            body |= {"withinBudgetShare": terms["withinBudgetShare"], "firstYear": terms["firstYear"]}
        read_request(body, 2000)
    except (KeyError, TypeError, BadRequestData):
        return None
    return body
