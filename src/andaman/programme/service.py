"""Finds the evidence: turns each check into broker queries, now or as of any past second."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from andaman.broker.api import Broker, Doc, EntityQuery, Page, TypeExpr, TypeIs, TypeOr, iri, parse_q
from andaman.city.registers import Registers
from andaman.identity.model import Access
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import Clock, Micros, format_time, parse_time
from andaman.programme.plan import REGISTERS, Check, Plan
from andaman.programme.problems import NoProgramme, QuarterNotBegun
from andaman.programme.progress import Evidence, programme_year, quarter_bounds, quarter_of, report

SAMPLE = 3


class ProgrammeService:
    """Reads only: the programme's state is the platform's evidence, so it cannot be set by hand."""

    def __init__(self, broker: Broker, clock: Clock, registers: Registers) -> None:
        self._broker, self._registers = broker, registers
        self._clock = clock

    async def at(self, at: Micros | None, access: Access) -> dict[str, Any]:
        """The programme now (``None``) or as it was known at a past instant, by the plan in force then. Raises NoProgramme."""
        return await self._report(await self._plan(at), at, access)

    async def _plan(self, at: Micros | None) -> Plan:
        """The plan in force at that time. Where the city had none yet, it is the plan of today."""
        if at is not None and at < self._clock():
            with suppress(NoProgramme):
                return Plan.of(await self._registers.at(at, REGISTERS))
        return Plan.of(self._registers)

    async def _report(self, plan: Plan, at: Micros | None, access: Access) -> dict[str, Any]:
        now = self._clock()
        moment = now if at is None else min(at, now)
        evidence = await self._evidence(plan, None if at is None or at >= now else at, access)
        return {
            "title": plan.about.name.json(),
            "source": plan.about.announcement.json(),
            "basis": plan.about.plan_basis.json(),
            "signed": plan.about.signed,
            "ends": plan.about.ends,
            "time": format_time(moment),
            "programmeYear": programme_year(plan, moment),
            **report(plan, evidence, moment),
        }

    async def quarter(self, year: int | None, quarter: int | None, access: Access) -> dict[str, Any]:
        """One quarter of the fiscal year: the state at its end (or now, while it runs), and the change since its start. Both by the plan in
        force at the end, so that they can be compared."""
        now = self._clock()
        if year is None or quarter is None:
            year, quarter = quarter_of(now)
        try:
            start, end = quarter_bounds(year, quarter)
        except ValueError as error:
            raise BadRequestData(
                f"{error}; year is the fiscal year in four digits (CE), quarter is 1 to 4"
            ) from None
        if start > now:
            raise QuarterNotBegun(quarter=quarter, year=year)
        until = None if end > now else end
        plan = await self._plan(until)
        before = await self._report(plan, start, access)
        after = await self._report(plan, until, access)
        earlier = {d["id"]: d["progress"] for o in before["objectives"] for d in o["deliverables"]}
        for objective in after["objectives"]:
            for deliverable in objective["deliverables"]:
                deliverable["change"] = round(deliverable["progress"] - earlier[deliverable["id"]], 4)
        due = [m for m in after["milestones"] if start <= parse_time(m["due"]) < end]
        return {
            **after,
            "quarter": {
                "year": year,
                "quarter": quarter,
                "from": format_time(start),
                "to": format_time(end),
                "running": end > now,
                "change": round(after["progress"] - before["progress"], 4),
                "due": [m["id"] for m in due],
            },
        }

    async def _evidence(self, plan: Plan, at: Micros | None, access: Access) -> dict[str, Evidence]:
        checks = plan.checks
        found = await asyncio.gather(*(self._check(check, at, access) for check in checks))
        return {check.id: evidence for check, evidence in zip(checks, found, strict=True)}

    async def _check(self, check: Check, at: Micros | None, access: Access) -> Evidence:
        if check.measure == "distinct-types":
            pages = [await self._count((t,), "", at, access) for t in check.types]
            present = [page for page in pages if page.total > 0]
            return Evidence(len(present), _ids(doc for page in present for doc in page.docs[:1]))
        page = await self._count(check.types, check.query, at, access)
        if check.measure == "count":
            return Evidence(page.total, _ids(page.docs))
        everything = await self._count(check.types, "", at, access)
        if everything.total == 0:
            return Evidence(None)
        return Evidence(100.0 * page.total / everything.total, _ids(page.docs))

    async def _count(self, types: tuple[str, ...], q: str, at: Micros | None, access: Access) -> Page:
        names = tuple(TypeIs(iri(t)) for t in types)
        wanted: TypeExpr = names[0] if len(names) == 1 else TypeOr(names)
        query = EntityQuery(types=wanted, q=parse_q(q, iri) if q else None, limit=SAMPLE, count=True)
        if at is None:
            return await self._broker.query_async(query, access)
        return await self._broker.query_at(at, query, access)


def _ids(docs: Iterable[Doc]) -> tuple[str, ...]:
    return tuple(str(doc["id"]) for doc in docs)[:SAMPLE]
