"""The programme's figures: drafts are computed, the programme office releases them, and everybody reads the release."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final

import msgspec

from andaman.approvals.service import Approvals
from andaman.broker.api import Broker, OpKind, WriteOp, iri
from andaman.city.registers import Registers
from andaman.identity.model import FULL_ACCESS, Actor, acting_in
from andaman.kernel.blobs import Blobs
from andaman.kernel.errors import AndamanError, BadRequestData
from andaman.kernel.fiscal import quarter_bounds, quarter_of
from andaman.kernel.ids import sortable_id
from andaman.kernel.time import MINUTE, Clock, Micros, format_time, local_date, parse_time
from andaman.programme import acceptance, release
from andaman.programme.accepted import AcceptedWork, Entries, refuse_edit
from andaman.programme.findings import Finder, Found
from andaman.programme.plan import REGISTERS, Plan
from andaman.programme.problems import (
    NoProgramme,
    NoSuchRelease,
    QuarterNotBegun,
)
from andaman.programme.progress import changes, programme_year, report
from andaman.programme.release import BUNDLE, OWNER, Bundle, ReleaseShown, Texts
from andaman.programme.types import ACCEPTANCE, RELEASE

log = logging.getLogger("andaman")
_RELEASE: Final = iri(RELEASE.name)
_ACCEPTANCE: Final = iri(ACCEPTANCE.name)
_KNOWN_MAX: Final = 200
_DRAFTS_MAX: Final = 20


class ProgrammeService:
    """Drafts and releases. No figure depends on who asks: all are computed with the platform's own access."""

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        registers: Registers,
        finder: Finder,
        approvals: Approvals,
        blobs: Blobs,
    ) -> None:
        self._broker, self._registers, self._finder = broker, registers, finder
        self._blobs, self._clock = blobs, clock
        self._releasing = asyncio.Lock()
        self._bundles: dict[str, Bundle | None] = {}
        self._drafts: dict[tuple[int, int], tuple[Micros, Bundle]] = {}
        self.accepted = AcceptedWork(broker, clock, approvals, self.plan_now)
        broker.demand(_RELEASE, refuse_edit)

    async def start(self) -> None:
        """Let go of evidence whose release was never written."""
        digests = {one.inputs_digest for one in self._stored_releases()}
        mine = await asyncio.to_thread(self._blobs.list_of, OWNER)
        kept = [one.ref for one in mine if one.digest in digests]
        await asyncio.to_thread(self._blobs.retain, BUNDLE, kept)

    async def stop(self) -> None:
        """Nothing is at work."""

    # -- the plan -------------------------------------------------------------------------------------------
    def plan_now(self) -> Plan:
        """Raises NoProgramme."""
        return Plan.of(self._registers)

    async def plan_at(self, at: Micros | None) -> Plan:
        """The plan in force at that time. Where the city had none yet, it is the plan of today."""
        if at is not None and at < self._clock():
            with suppress(NoProgramme):
                return Plan.of(await self._registers.at(at, REGISTERS))
        return Plan.of(self._registers)

    # -- drafts ---------------------------------------------------------------------------------------------
    async def draft(self, year: int | None, quarter: int | None) -> Bundle:
        """One quarter of the fiscal year: the state at its end (or now, while it runs), and the change since its start. Both by
        the plan in force at the end, so that like is compared with like. Raises NoProgramme, QuarterNotBegun, BadRequestData.
        """
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
        plan, entered = await self.plan_at(until), await self.accepted.entries()
        before, _ = await self._report(plan, start, entered)
        after, found = await self._report(plan, until, entered)
        began = await self._broker.recorded_since()
        recorded = began is not None and began <= start
        change = changes(before, after, recorded=recorded)
        for objective in after["objectives"]:
            for row in objective["deliverables"]:
                row["change"] = change[row["id"]]
        due = [m["id"] for m in after["milestones"] if start <= parse_time(m["due"]) < end]
        after["quarter"] = {
            "year": year,
            "quarter": quarter,
            "from": format_time(start),
            "to": format_time(end),
            "running": end > now,
            "change": change[""],
            "recordedSince": None if recorded or began is None else format_time(began),
            "due": due,
        }
        bundle = Bundle(figures=after, inputs=dict(found.inputs))
        if len(self._drafts) >= _DRAFTS_MAX:
            self._drafts.clear()
        self._drafts[year, quarter] = now, bundle
        return bundle

    async def _report(self, plan: Plan, at: Micros | None, entered: Entries) -> tuple[dict[str, Any], Found]:
        """The figures now (``None``) or as of a past instant, as JSON."""
        moment = self._clock() if at is None else at
        found = await self._finder.find(plan, at)
        accepted = acceptance.accepted_until(entered.counted, moment)
        figures = report(plan, found.findings, accepted, moment)
        day = local_date(moment).date().isoformat()
        for objective in figures["objectives"]:
            for row in objective["deliverables"]:
                mine = [
                    one for one in entered.counted if one.deliverable == row["id"] and one.accepted_on <= day
                ]
                row["acceptances"] = [msgspec.to_builtins(one) for one in mine]
        return {
            "time": format_time(moment),
            "plan": plan_json(plan),
            "programmeYear": programme_year(plan, moment),
            **figures,
            "withdrawn": [msgspec.to_builtins(one) for one in entered.withdrawn if one.accepted_on <= day],
        }, found

    # -- releases -------------------------------------------------------------------------------------------
    async def release(
        self, year: int | None, quarter: int | None, texts: Texts, actor: Actor
    ) -> ReleaseShown:
        """Publish the figures of a quarter as they are computed now. Raises what ``draft`` raises."""
        async with self._releasing:
            bundle = await self.draft(year, quarter)
            figures, now = bundle.figures, self._clock()
            of = figures["quarter"]
            body = release.bundle_bytes(figures, bundle.inputs)
            kept = await asyncio.to_thread(
                self._blobs.put, [body], BUNDLE, OWNER, media_type="application/json"
            )
            earlier = [one.number for one in self._stored_releases() if one.year == of["year"]]
            number = 1 + max((int(one.partition("/")[0]) for one in earlier), default=0)
            made = ReleaseShown(
                id=sortable_id(now),
                number=f"{number}/{of['year']}",
                year=of["year"],
                quarter=of["quarter"],
                as_of=figures["time"],
                released_at=format_time(now),
                released_by=actor.principal.name,
                interim=of["running"],
                figures=figures,
                inputs_digest=kept.digest,
                note=texts.note,
                problems=texts.problems,
                next_steps=texts.next_steps,
            )
            doc = release.doc_of(made)
            await self._broker.must_write(
                [WriteOp(OpKind.CREATE, doc["id"], doc)], acting_in("programme", actor)
            )
        return made

    async def releases(self) -> list[ReleaseShown]:
        """The newest first. One whose evidence is not here, or says something else, is no release and is left out."""
        found = [one for one in self._stored_releases() if await self._bundle(one) is not None]
        return sorted(found, key=lambda one: (one.released_at, one.id), reverse=True)

    async def find_release(self, release_id: str) -> ReleaseShown:
        """Raises NoSuchRelease."""
        for one in await self.releases():
            if one.id == release_id:
                return one
        raise NoSuchRelease(id=release_id[:80])

    def _stored_releases(self) -> list[ReleaseShown]:
        docs = self._broker.iter_entities([_RELEASE], FULL_ACCESS)
        return [one for one in map(release.shown, docs) if one is not None]

    async def _bundle(self, one: ReleaseShown) -> Bundle | None:
        """The evidence of a release; None where there is none, or its figures differ."""
        digest = one.inputs_digest
        if digest not in self._bundles:
            try:
                found = await asyncio.to_thread(self._read, digest)
            except AndamanError as error:
                log.warning("The evidence of the release %s cannot be read: %s", one.id, error.detail)
                return None
            if len(self._bundles) >= _KNOWN_MAX:
                self._bundles.clear()
            self._bundles[digest] = found
        bundle = self._bundles[digest]
        return bundle if bundle is not None and bundle.figures == one.figures else None

    def _read(self, digest: str) -> Bundle | None:
        for blob in self._blobs.list_of(OWNER):
            if blob.digest == digest:
                return release.bundle_of(self._blobs.read(blob.ref))
        return None

    # -- evidence -------------------------------------------------------------------------------------------
    async def bundle_of(self, release_id: str) -> Bundle:
        """The figures of a release with their evidence. Raises NoSuchRelease."""
        found = await self._bundle(await self.find_release(release_id))
        if found is None:
            raise NoSuchRelease(id=release_id[:80])
        return found

    async def recent_draft(self, year: int, quarter: int) -> Bundle:
        """A draft that is at most a minute old, so that a page and the basis of its numbers agree. Raises what ``draft``
        raises."""
        kept = self._drafts.get((year, quarter))
        if kept is None or self._clock() - kept[0] > MINUTE:
            await self.draft(year, quarter)
            kept = self._drafts[year, quarter]
        return kept[1]


def plan_json(plan: Plan) -> dict[str, Any]:
    """What a report says of its plan. Figures of equal versions can be compared."""
    about = plan.about
    return {
        "version": plan.version,
        "title": about.name.json(),
        "source": about.announcement.json(),
        "basis": about.plan_basis.json(),
        "signed": about.signed,
        "ends": about.ends,
        "letterhead": [line.json() for line in about.letterhead],
        "signOff": [duty.json() for duty in about.sign_off],
    }
