"""Runs drills: makes the isolated copy, plays the injects on time (also after a restart), scores from the journal."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

from andaman.broker.api import (
    Broker,
    Doc,
    Event,
    OpKind,
    WriteOp,
    entity,
    iri,
    js,
    lang,
    observed,
    prop,
    value,
)
from andaman.command.incident_types import INCIDENT_TYPES, UNIT_TYPES
from andaman.command.types import SEVERITY
from andaman.form import RowRefused
from andaman.identity.model import FULL_ACCESS, Access, Actor, system_actor
from andaman.identity.tenants import Tenants
from andaman.kernel.errors import AndamanError, BadRequestData, ResourceNotFound
from andaman.kernel.ids import sortable_id, urn
from andaman.kernel.positions import START, Position, seal, unseal
from andaman.kernel.time import DAY, SECOND, Clock, Micros, format_time
from andaman.kernel.words import Words
from andaman.kernel.work import Timer
from andaman.register import Rows
from andaman.training.debrief import Score
from andaman.training.drill import Scenario
from andaman.training.exercise import (
    COPIED_TYPES,
    copy_of,
    inject_doc,
    main_entity,
    rules_of,
    tenant_of,
)
from andaman.training.permissions import MANAGE_DRILLS
from andaman.training.problems import (
    DrillEnded,
    DrillNotEntered,
    DrillRunning,
    NoPartOfYours,
    NoSuchDrill,
    NoSuchScenario,
    TooManyDrills,
)
from andaman.training.record import DRILL_ACTOR, facts_of
from andaman.training.scenarios import SCENARIOS, ScenarioRow, scenario_of
from andaman.training.scoring import Names, score
from andaman.training.tasks import ROLES, Part
from andaman.training.views import DrillRun

SCOPE: Final = ("/training/drill",)
MAX_RUNNING: Final = 5
MAX_KEPT: Final = 10
"""Drills of one person whose copies of the city are kept; older ones go before a new one begins."""
_BATCH: Final = 500
_LOOK_S: Final = 3600.0
"""At least so often it is looked for drills whose time is over: the clock may have been set."""
_START: Final = "drill"
_TOKEN: Final = "token:"  # noqa: S105


class Drills:
    """Starts, plays, finishes and lists drills. One task watches the clock for all that are running."""

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        registers: Rows,
        tenants: Tenants | None = None,
        keep: Micros = 30 * DAY,
    ) -> None:
        """``tenants``: the book of who may enter a drill's tenant. ``keep``: µs after its end that a drill's copy of the
        city is kept; its score and record stay."""
        self._broker = broker
        self._clock = clock
        self._registers = registers
        self._tenants, self._keep = tenants, keep
        self._actor = system_actor("drill")
        self._timer = Timer("The clock of the drills", self._due)
        self._begin = asyncio.Lock()  # of several starts at once, each sees the ones before
        assert self._actor.principal.id == DRILL_ACTOR

    async def start(self) -> None:
        for run in map(DrillRun.of, self.list_runs(FULL_ACCESS)):
            if run.removed:
                # Of a release that kept the name, or of a directory that was restored from the journal.
                if run.tenant in self._broker.tenants():
                    await self._broker.forget_tenant(run.tenant)
            else:
                # somebody of a restored copy may be no longer there
                with contextlib.suppress(BadRequestData):
                    await self._admit(run.tenant, [run.person, *run.trainers])
        await self._timer.start()

    async def stop(self) -> None:
        await self._timer.stop()

    # -- for people -----------------------------------------------------------------------------------------
    async def begin(
        self, scenario_id: str, actor: Actor, trainers: Sequence[str] = (), role: str = ""
    ) -> Doc:
        """Copy what the actor sees of the city into a new exercise tenant and start the clock. The tenant is open to the actor,
        the trainee, to ``trainers`` (user names) and to administrators. Without ``role`` the trainee plays the first part that
        their rights cover. Raises NoSuchScenario, NoPartOfYours, DrillNotEntered, DrillRunning, TooManyDrills, BadRequestData."""
        row = self._registers.rows(SCENARIOS).get(scenario_id)
        if row is None:
            raise NoSuchScenario(id=scenario_id)
        if actor.principal.id.startswith(_TOKEN):
            raise DrillNotEntered
        part = _part_of(scenario_of(row), actor, role)
        async with self._begin:
            return await self._begun(row, part, actor, [f"user:{name}" for name in trainers])

    async def _begun(self, row: ScenarioRow, part: Part, actor: Actor, trainers: list[str]) -> Doc:
        scenario = scenario_of(row)
        running = [d for d in self.list_runs(FULL_ACCESS) if value(d, "drillStatus") == "running"]
        if any(value(d, "person") == actor.principal.id for d in running):
            raise DrillRunning
        if len(running) >= MAX_RUNNING:
            raise TooManyDrills(count=MAX_RUNNING)
        await self._make_room(actor.principal.id)
        now = self._clock()
        drill_id = sortable_id(now)
        await self._admit(tenant_of(drill_id), [actor.principal.id, *trainers])
        copies = [
            copy_of(doc, drill_id)
            for doc in self._broker.iter_entities([iri(t) for t in COPIED_TYPES], actor.access)
            if not any(s.startswith("/exercise/") for s in doc.get("scope", ()))
        ]
        copies += rules_of(scenario, drill_id)
        await self._write(copies, tenant_of(drill_id))
        after = self._broker.seq
        started = self._clock()
        run = entity(
            urn("DrillRun", drill_id),
            "DrillRun",
            scope=SCOPE,
            name=lang(**scenario.title.json()),
            scenario=prop(scenario.id),
            drillScript=js(SCENARIOS.json(row)),
            drillRole=prop(part.role),
            person=prop(actor.principal.id),
            personName=prop(actor.principal.name),
            drillStatus=prop("running"),
            exerciseTenant=prop(tenant_of(drill_id)),
            trainers=js(trainers),
            startedAt=prop(format_time(started)),
            startSeq=prop(seal(self._broker.position_key, _START, after)),
            injected=js([]),
            origin=prop("simulated"),
        )
        await self._write([run], "")
        self._timer.wake()
        return self._broker.get(run["id"], FULL_ACCESS)

    async def _make_room(self, person: str) -> None:
        """Of a person's drills that are over only so many copies of the city are kept."""
        ended = [
            run
            for run in self.list_runs(FULL_ACCESS)
            if value(run, "person") == person
            and value(run, "drillStatus") != "running"
            and value(run, "tenantRemovedAt") is None
        ]
        for run in ended[MAX_KEPT - 1 :]:
            await self._remove(run)

    async def finish(self, drill_id: str, actor: Actor) -> Doc:
        """Stop the clock and score the drill from its tenant's journal. Raises DrillEnded when it is not running."""
        run = self._own(drill_id, actor)
        if value(run, "drillStatus") != "running":
            raise DrillEnded(state=str(value(run, "drillStatus")))
        result = await self.score(run)
        percent = result.percent
        update = entity(
            run["id"],
            "DrillRun",
            drillStatus=prop("scored"),
            finishedAt=prop(format_time(self._clock())),
            score=js(result.json()),
            percent=prop(percent),
            passed=prop(result.passed),
        )
        update.pop("type")
        await self._one(WriteOp(OpKind.APPEND, run["id"], update))
        return self._broker.get(run["id"], FULL_ACCESS)

    async def abort(self, drill_id: str, actor: Actor) -> Doc:
        """Give up a running drill: no score, the record stays."""
        run = self._own(drill_id, actor)
        if value(run, "drillStatus") != "running":
            raise DrillEnded(state=str(value(run, "drillStatus")))
        await self._status(run, "aborted")
        return self._broker.get(run["id"], FULL_ACCESS)

    def get_run(self, drill_id: str, access: Access) -> Doc:
        run = self._broker.find(urn("DrillRun", drill_id), access)
        if run is None or iri("DrillRun") not in run["type"]:  # the id alone anybody may give
            raise NoSuchDrill(id=drill_id)
        return run

    def list_runs(self, access: Access) -> list[Doc]:
        """All drills that the access shows, newest first."""
        return list(self._broker.iter_entities([iri("DrillRun")], access))[::-1]

    def list_scenarios(self) -> list[Scenario]:
        return [scenario_of(row) for row in self._registers.rows(SCENARIOS).values()]

    def scenario_of(self, run: Doc) -> Scenario | None:
        """As it was when the drill began, also if its row has changed; None if it is lost. Earlier releases kept its code only."""
        script = value(run, "drillScript")
        if script is None:
            row = self._registers.rows(SCENARIOS).get(DrillRun.of(run).scenario)
            return None if row is None else scenario_of(row)
        try:
            return scenario_of(SCENARIOS.read(script))
        except RowRefused:
            return None

    async def score(self, run: Doc) -> Score:
        """The score as the record is now; the same record always gives the same score."""
        drill = DrillRun.of(run)
        scenario = self.scenario_of(run)
        if scenario is None or drill.started_at is None:
            raise AndamanError(f"{run['id']} has lost its scenario or the time of its start")
        events: list[Event] = []
        after = self._start_of(run)
        while batch := await self._broker.read_events(after, 5000, tenant=drill.tenant):
            events += batch
            after = batch[-1].seq
        facts = facts_of(events, main_entity(scenario, drill.local))
        part = scenario.part(drill.role) or scenario.parts[0]
        return score(scenario, part, self._names(scenario), facts, drill.started_at, drill.person)

    def _names(self, scenario: Scenario) -> Names:
        kinds = self._registers.rows(INCIDENT_TYPES)
        right = [kinds[one] for one in sorted(scenario.incident_types) if one in kinds]
        return Names(
            {code: row.name for code, row in self._registers.rows(UNIT_TYPES).items()},
            {code.value: code.words for code in SEVERITY.codes},
            right[0].unit_types if right else (),
            tuple(item for kind in right for item in kind.checklist),
        )

    def _start_of(self, run: Doc) -> Position:
        """The journal's position before the drill; older versions kept it as a number."""
        kept = value(run, "startSeq")
        if isinstance(kept, str):
            kept = unseal(self._broker.position_key, _START, kept)
        if not isinstance(kept, int) or not START <= kept <= self._broker.seq:
            raise AndamanError(f"{run['id']} has lost the position of its start")
        return Position(kept)

    # -- the clock ------------------------------------------------------------------------------------------
    async def _due(self) -> float | None:
        """Play the due events of every running drill; seconds until the next one, None when none is running."""
        nearest: float | None = None
        for run in self.list_runs(FULL_ACCESS):
            wait = await self._look(run, DrillRun.of(run))
            if wait is not None:
                nearest = wait if nearest is None else min(nearest, wait)
        return nearest

    async def _look(self, run: Doc, drill: DrillRun) -> float | None:
        """Play the due events of one drill, or end it; seconds until the next look. A damaged one is aborted."""
        if drill.status != "running":
            return await self._expire(run, drill)
        scenario = self.scenario_of(run)
        if scenario is None or drill.started_at is None or self._lost_start(run):
            await self._status(run, "aborted")
            return None
        return await self._advance(run, drill, scenario, drill.started_at)

    def _lost_start(self, run: Doc) -> bool:
        try:
            self._start_of(run)
        except AndamanError:
            return True
        return False

    async def _expire(self, run: Doc, drill: DrillRun) -> float | None:
        """Remove the drill's copy of the city when its time is over; seconds until then, None when it is gone."""
        if drill.removed:
            return None
        left = ((drill.finished_at or 0) + self._keep - self._clock()) / SECOND
        if left > 0:
            return min(left, _LOOK_S)
        await self._remove(run)
        return None

    async def _remove(self, run: Doc) -> None:
        """Delete every entity of the drill's tenant by ordinary deletes, rules first so that nothing stirs meanwhile. The
        journal keeps what happened, and with it the score can be traced; the record of the drill is in the city's tenant.
        The name of the tenant goes too, with the subscriptions and registrations that were made in it.
        After a kill in the middle the rest is deleted at the next look."""
        tenant = DrillRun.of(run).tenant
        for types in ([iri("AlertRule")], []) if tenant in self._broker.tenants() else ():
            ids = [doc["id"] for doc in self._broker.iter_entities(types, FULL_ACCESS, tenant)]
            for begin in range(0, len(ids), _BATCH):
                ops = [WriteOp(OpKind.DELETE, entity_id) for entity_id in ids[begin : begin + _BATCH]]
                for result in await self._broker.write(ops, self._actor, tenant):
                    if result.error is not None and not isinstance(result.error, ResourceNotFound):
                        raise result.error
        if self._tenants is not None:
            await self._tenants.close(tenant, self._actor)
        await self._broker.forget_tenant(tenant)
        update = entity(run["id"], "DrillRun", tenantRemovedAt=prop(format_time(self._clock())))
        update.pop("type")
        await self._one(WriteOp(OpKind.APPEND, run["id"], update))

    async def _admit(self, tenant: str, people: list[str]) -> None:
        if self._tenants is not None:
            await self._tenants.admit(tenant, people, self._actor)

    async def _advance(self, run: Doc, drill: DrillRun, scenario: Scenario, started: Micros) -> float | None:
        elapsed = (self._clock() - started) / SECOND
        if elapsed > scenario.limit_s:
            await self.finish(drill.local, self._actor)
            return None
        done = set(drill.injected)
        kept = value(run, "injected")
        log_rows = [row for row in kept if isinstance(row, dict)] if isinstance(kept, list) else []
        wait = scenario.limit_s - elapsed
        for index, inject in enumerate(scenario.injects):
            if index in done:
                continue
            if inject.after_s > elapsed:
                wait = min(wait, inject.after_s - elapsed)
                continue
            await self._inject(drill, scenario, index)
            done.add(index)
            log_rows.append({"index": index, "at": format_time(self._clock())})
            update = entity(run["id"], "DrillRun", injected=js(log_rows))
            update.pop("type")
            await self._one(WriteOp(OpKind.APPEND, run["id"], update))
        return max(0.05, wait)

    async def _inject(self, drill: DrillRun, scenario: Scenario, index: int) -> None:
        """Writing an inject twice (a kill between it and its mark) changes nothing but its time: same ids."""
        existing = self._observers(scenario, index, drill.tenant)
        doc = inject_doc(scenario, index, drill.local, self._clock(), existing)
        await self._write([doc], drill.tenant)

    def _observers(self, scenario: Scenario, index: int, tenant: str) -> list[Doc]:
        """Entities of the inject's type, the one that reported last first."""
        kind = scenario.injects[index].entity_type
        attr = next(iter(scenario.injects[index].attrs))
        found = [
            d
            for d in self._broker.iter_entities([iri(kind)], FULL_ACCESS, tenant)
            if value(d, attr) is not None and scenario.matches_place(value(d, "name"))
        ]
        return sorted(found, key=lambda d: observed(d, attr) or 0, reverse=True)

    # -- writing --------------------------------------------------------------------------------------------
    def _own(self, drill_id: str, actor: Actor) -> Doc:
        run = self.get_run(drill_id, FULL_ACCESS)
        if value(run, "person") != actor.principal.id and not actor.principal.may(MANAGE_DRILLS):
            raise NoSuchDrill(id=drill_id)
        return run

    async def _status(self, run: Doc, word: str) -> None:
        update = entity(
            run["id"], "DrillRun", drillStatus=prop(word), finishedAt=prop(format_time(self._clock()))
        )
        update.pop("type")
        await self._one(WriteOp(OpKind.APPEND, run["id"], update))

    async def _one(self, op: WriteOp) -> None:
        await self._broker.must_write([op], self._actor)

    async def _write(self, docs: list[Doc], tenant: str) -> None:
        for begin in range(0, len(docs), _BATCH):
            ops = [WriteOp(OpKind.UPSERT_UPDATE, d["id"], d) for d in docs[begin : begin + _BATCH]]
            await self._broker.must_write(ops, self._actor, tenant)


def parts_of(scenario: Scenario, actor: Actor) -> list[Part]:
    """The parts that the actor has every right for, the one with more rights first."""
    order = [code.value for code in ROLES]
    mine = [one for one in scenario.parts if all(actor.principal.may(need) for need in one.needs)]
    return sorted(mine, key=lambda one: order.index(one.role))


def _part_of(scenario: Scenario, actor: Actor, role: str) -> Part:
    """Raises NoPartOfYours."""
    mine = parts_of(scenario, actor)
    found = next((one for one in mine if role in ("", one.role)), None)
    if found is None:
        wanted = role or scenario.parts[0].role
        raise NoPartOfYours(role={one.value: one.words for one in ROLES}.get(wanted, Words(wanted, wanted)))
    return found
