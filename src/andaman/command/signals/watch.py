"""Rules at work: follows the journal, feeds the engines, writes alerts. Loses none and doubles none over a kill.

Three things make that so. What the engines say follows from the last state, the journal and the marks alone
(``keeping.py``): after a kill the same events are met again and give the same signals, with the same alert ids and
numbers, so what was written stands. A state carries the signals that were not written yet. And where the engines look at
more than the journal (a new rule looks at what is there already), the state is kept before anything is written.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

from andaman.broker.api import LOCATION, Broker, Doc, Event, EventKind, Follower, WriteOp, iri, value
from andaman.command.core.records import Records
from andaman.command.core.views import Alert
from andaman.command.problems import Unreadable
from andaman.command.signals.adoption import adopt
from andaman.command.signals.alerts import signal_op
from andaman.command.signals.conditions import AreaOf
from andaman.command.signals.definition import Rule, read_rule
from andaman.command.signals.engine import RuleEngine
from andaman.command.signals.episode import Signal, SignalKind
from andaman.command.signals.keeping import Keeper, Mark, collect, dump_rule, dump_signal, load_signal
from andaman.command.signals.visible_events import Shown
from andaman.identity.model import FULL_ACCESS, system_actor
from andaman.kernel.errors import AlreadyExists, AndamanError, ResourceNotFound, Unavailable
from andaman.kernel.positions import START, Position
from andaman.kernel.time import MINUTE, SECOND, Clock, Micros
from andaman.kernel.work import Every

log = logging.getLogger(__name__)

GRACE: Final = SECOND
"""Deadlines are looked at this much late, so that an event that was committed just before one is seen first."""
DOWN: Final = 2 * MINUTE
"""Without any sign of life for so long the platform was down, and silence before is not the sensors' fault."""
_SLICE: Final = 1_000
_TICK_S: Final = 0.5
_SAVE_EVERY_S: Final = 30.0
_RULE: Final = iri("AlertRule")
_ALERT: Final = iri("Alert")
_STATUS: Final = iri("alertStatus")
_WAYS: Final = frozenset(map(iri, ("RoadSegment", "Coastline")))


class RuleWatch:
    """One engine a tenant. ``start`` after the broker, ``stop`` before it closes."""

    def __init__(
        self,
        broker: Broker,
        records: Records,
        clock: Clock,
        directory: Path,
        ways_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """``ways_changed`` is called after each change of a RoadSegment or Coastline."""
        self._broker, self._records, self._clock = broker, records, clock
        self._ways_changed = ways_changed
        self.shown = Shown(lambda tenant: records.readers("Alert", tenant))
        self._keeper = Keeper(directory)
        self._actor = system_actor("rules")
        self._engines: dict[str, RuleEngine] = {}
        self._seen = START  # the engines have seen the journal up to here …
        self._offset = START  # … and what they said up to here is written
        self._unwritten: list[tuple[str, Signal]] = []
        self._marks: deque[Mark] = deque()  # of an earlier life, still to be met again
        self._new_marks: list[Mark] = []  # to be on disk before the next alert is written
        self._fresh: dict[str, set[str]] = {}  # tenant → types whose entities a changed rule must look at
        self._rules_at: Micros = 0
        self._whole = False  # engines and unwritten signals stand after ``_seen``: they may be kept
        self._saved: Position | None = None
        self._alive: Micros = 0  # when we last knew that the platform is up
        self._lock = asyncio.Lock()  # the engines are fed by one task at a time
        self._saved_at_s, self._save_every_s = 0.0, _SAVE_EVERY_S  # monotonic
        self._follower = Follower("The rules", broker, self._take_all)
        self._ticking = Every("The clock of the rules", _TICK_S, self._tick)
        self.errors: dict[tuple[str, str], str] = {}
        """(tenant, rule id) → why the rule does not run."""

    # -- life -----------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Load the last state, or begin with the present; then follow."""
        async with self._lock:
            await (self._wake() if self._load() else self._begin())
            try:
                await self._write()
            except (Unavailable, OSError) as error:
                log.warning("Alerts cannot be written yet: %s", error)
        self._saved_at_s = time.monotonic()
        self._follower.begin(self._seen)
        await self._follower.start()
        await self._ticking.start()

    async def stop(self) -> None:
        await self._follower.stop()
        await self._ticking.stop()
        async with self._lock:
            try:
                await self._save(anyway=True)
            except (Unavailable, OSError):
                log.exception("The state of the rules could not be saved; the last saved state remains")
        self._keeper.close()

    async def caught_up(self, seq: Position | None = None) -> None:
        """Wait until the rules have seen everything up to ``seq`` (the present end of the journal)."""
        goal = self._broker.seq if seq is None else seq
        while self._offset < goal:  # noqa: ASYNC110 - the journal's end is the broker's, it has no event to wait on
            await asyncio.sleep(0.005)

    def engine(self, tenant: str) -> RuleEngine:
        found = self._engines.get(tenant)
        if found is None:
            found = RuleEngine(area_of=self.area_of(tenant), key=self._broker.position_key)
            self._engines[tenant] = found
        return found

    def area_of(self, tenant: str) -> AreaOf:
        """Gives the geometry of an area entity by its id."""

        def find(entity_id: str) -> dict[str, Any] | None:
            doc = self._broker.find(entity_id, FULL_ACCESS, tenant)
            place = doc["attrs"].get(LOCATION) if doc is not None else None
            found = place[0].get("value") if place else None
            return found if isinstance(found, dict) else None

        return find

    def read(self, doc: Doc) -> Rule:
        """The rule of an AlertRule entity. Raises BadRequestData."""
        name = value(doc, "name")
        return read_rule(doc["id"], value(doc, "definition"), name if isinstance(name, dict) else None)

    # -- following ------------------------------------------------------------------------------------------
    async def _take_all(self, batch: Sequence[Event]) -> None:
        """A batch that failed comes again completely: events that were already seen are passed over."""
        for start in range(0, len(batch), _SLICE):
            async with self._lock:
                await self._take(batch[start : start + _SLICE])
            await asyncio.sleep(0)

    async def _take(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.seq <= self._seen:
                continue
            if self._fresh and _RULE not in event.types:
                await self._rules_changed()
            engine, seen = self._engines.get(event.tenant), event
            if engine is not None:
                seen = self.shown.event(event)
                if engine.wants_doc(seen):
                    seen = self.shown.event(await self._with_doc(seen))
            self._feed(event, engine, seen)
        if self._fresh:
            await self._rules_changed()
        await self._write()

    def _feed(self, event: Event, engine: RuleEngine | None, seen: Event) -> None:
        """``seen``: the event as all who read alerts see it."""
        self._replay_marks(event.seq)
        self._seen = event.seq
        self._alive = max(self._alive, event.at)
        if event.kind is EventKind.TEMPORAL:
            return  # a correction of the past raises no alert now
        if _RULE in event.types:
            self._rule_event(event)
            if engine is None:
                engine, seen = self.engine(event.tenant), self.shown.event(event)
        elif _ALERT in event.types and engine is not None:
            self._alert_event(event, engine)
        elif not _WAYS.isdisjoint(event.types):
            self._ways_changed()
        if engine is not None:
            self._say(event.tenant, engine.observe(seen))

    def _say(self, tenant: str, signals: Sequence[Signal]) -> None:
        if signals:
            self._unwritten += [(tenant, signal) for signal in signals]

    async def _with_doc(self, event: Event) -> Event:
        with suppress(ResourceNotFound):  # gone within the same commit
            doc = await self._broker.get_at(event.at, event.entity_id, FULL_ACCESS, event.tenant)
            return replace(event, doc=doc)
        return event

    def _rule_event(self, event: Event) -> None:
        """A rule came, changed or went."""
        doc = None
        if event.kind is not EventKind.DELETED:
            doc = event.doc or self._broker.find(event.entity_id, FULL_ACCESS, event.tenant)
        types = self._set_rule(event.tenant, event.entity_id, doc, event.at)
        self._fresh.setdefault(event.tenant, set()).update(types)
        self._rules_at = event.at

    def _set_rule(self, tenant: str, rule_id: str, doc: Doc | None, now: Micros) -> Iterable[str]:
        """Returns the types whose present entities must be looked at."""
        engine = self.engine(tenant)
        signals = engine.tick(now)
        types: Iterable[str] = ()
        self.errors.pop((tenant, rule_id), None)
        if doc is None or value(doc, "enabled", True) is not True:
            signals += engine.remove_rule(rule_id, now)
        else:
            try:
                rule = self.read(doc)
                alike = engine.judges_like(rule)
                signals += engine.set_rule(rule, now)
                types = () if alike else engine.types
            except AndamanError as error:
                self.errors[tenant, rule_id] = error.detail
                log.warning("Rule %s does not run: %s", rule_id, error.detail)
                signals += engine.remove_rule(rule_id, now)
        self._say(tenant, signals)
        return types

    def _alert_event(self, event: Event, engine: RuleEngine) -> None:
        for change in event.changes:
            if change.attr == _STATUS and change.after and change.after[0].get("value") == "closed":
                self._say(event.tenant, engine.tick(event.at))
                engine.closed(event.entity_id)

    async def _rules_changed(self) -> None:
        """Let changed rules look at the present entities, and keep the state: a replay would find another present."""
        self._whole = False
        for tenant, types in self._fresh.items():
            if types:
                await self._prime(tenant, types, self._rules_at)
        self._whole = True
        await self._save()
        self._fresh = {}

    async def _policy_changed(self, now: Micros) -> None:
        """Let the rules forget newly hidden entities, and look at newly shown ones."""
        self._whole, self._rules_at = False, now
        for tenant, engine in self._engines.items():
            access = self.shown.access(tenant)
            for number, (entity_id, known) in enumerate(engine.known()):
                doc = self._broker.find(entity_id, access, tenant)
                scopes = None if doc is None else doc.get("scope", ())
                forget = self.shown.forgetting(tenant, entity_id, known, scopes, now)
                if forget is not None:
                    self._say(tenant, engine.observe(forget))
                if number % 500 == 499:
                    await asyncio.sleep(0)
            self._fresh.setdefault(tenant, set()).update(engine.types)

    async def _prime(self, tenant: str, types: Iterable[str], now: Micros) -> None:
        engine = self.engine(tenant)
        out = engine.refresh(now)
        docs = iter(self._broker.iter_entities(sorted(set(types)), self.shown.access(tenant), tenant))
        while part := list(islice(docs, 200)):
            out += engine.prime(part, now)
            await asyncio.sleep(0)
        self._say(tenant, out + engine.settle_changed(now))

    # -- time -----------------------------------------------------------------------------------------------
    async def _tick(self) -> None:
        async with self._lock:
            await self._round()
            began = time.monotonic()
            if began - self._saved_at_s > self._save_every_s:
                await self._save()
                self._saved_at_s = time.monotonic()
                # never more than one percent of the time for saving
                self._save_every_s = max(_SAVE_EVERY_S, 100 * (self._saved_at_s - began))

    async def _round(self) -> None:
        """Fire deadlines by the clock, once everything in the journal is seen. Needs the lock."""
        now = self._clock()
        if self._seen < self._broker.seq:
            return
        if self.shown.stale:
            self.shown.stale = False
            await self._policy_changed(now)
        if self._fresh:  # also where it failed before
            await self._rules_changed()
        self._replay_marks()
        self._alive = max(self._alive, now)
        for tenant, engine in self._engines.items():
            fired = engine.fired
            self._say(tenant, engine.tick(now - GRACE))
            if engine.fired != fired:
                self._new_marks.append(Mark(self._seen, tenant, now - GRACE))
        await self._write()

    async def _wake(self) -> None:
        """Was the platform down before this start? Then that is marked behind what happened before."""
        now, seq = self._clock(), self._broker.seq
        last = await self._broker.read_events(self._broker.back(seq, 1), 1)
        signs = [self._alive, *(mark.at for mark in self._marks), *(event.at for event in last)]
        if now - max(signs) > DOWN:
            mark = Mark(seq, None, now)
            self._marks.append(mark)
            self._new_marks.append(mark)

    def _replay_marks(self, before: Position | None = None) -> None:
        """Repeat what an earlier process did between two rows of the journal: before a row, or (None) up to the last one
        that was seen."""
        while self._marks:
            at = self._marks[0].seq
            if at > self._seen if before is None else at >= before:
                return
            mark = self._marks.popleft()
            self._alive = max(self._alive, mark.at)
            if mark.tenant is None:
                for engine in self._engines.values():
                    engine.wake(mark.at)
            else:
                signals = self.engine(mark.tenant).tick(mark.at)
                self._say(mark.tenant, signals)

    # -- writing alerts -------------------------------------------------------------------------------------
    async def _write(self) -> None:
        """Write what the engines said, in order. Raises where the broker cannot take it now; the next call goes on."""
        if self._new_marks:
            await self._keeper.append(self._new_marks)
            self._new_marks.clear()
        if self._unwritten:
            async with self._records.lock:
                while self._unwritten:
                    await self._write_some()
        self._offset = self._seen

    async def _write_some(self) -> None:
        ops, count = self._next_ops()
        for tenant in dict.fromkeys(t for t, _ in ops):
            mine = [op for t, op in ops if t == tenant]
            for result in await self._broker.write(mine, self._actor, tenant):
                if isinstance(result.error, Unavailable):
                    raise result.error
                if isinstance(result.error, AlreadyExists):
                    count = 0  # written by an earlier life that ended just now: look again
                elif result.error is not None:
                    log.error("Alert %s was not written: %s", result.entity_id, result.error.detail)
        del self._unwritten[:count]

    def _next_ops(self) -> tuple[list[tuple[str, WriteOp]], int]:
        """Operations of the first signals, up to the second one of any alert: it depends on what the first makes."""
        ops: list[tuple[str, WriteOp]] = []
        seen: set[tuple[str, str]] = set()
        for count, (tenant, signal) in enumerate(self._unwritten):
            if (tenant, signal.alert_id) in seen or len(ops) == _SLICE:
                return ops, count
            seen.add((tenant, signal.alert_id))
            op = self._op(tenant, signal)
            if op is not None:
                ops.append((tenant, op))
        return ops, len(self._unwritten)

    def _op(self, tenant: str, signal: Signal) -> WriteOp | None:
        """The write of a signal, made from the source as all readers of alerts see it now. A source that was hidden after the
        signal gets no alert; one that was deleted does, since a replay after a kill makes the same signals."""
        stored = self._broker.find(signal.alert_id, FULL_ACCESS, tenant)
        try:
            alert = None if stored is None else Alert.of(stored)
        except Unreadable as error:  # somebody wrote over it: the rules leave it, and go on
            log.error("A signal is dropped: %s", error.detail)
            return None
        whole = self._broker.find(signal.entity_id, FULL_ACCESS, tenant)
        if whole is None or signal.kind is SignalKind.CLEARED:
            return signal_op(signal, whole, alert, tenant)
        access = self.shown.access(tenant)
        source = self._broker.find(signal.entity_id, access, tenant)
        named = {str(row["attribute"]) for row in signal.evidence if "attribute" in row}
        hidden = access.hidden_attrs(whole["type"], whole.get("scope", ()))
        return (
            signal_op(signal, source, alert, tenant)
            if source is not None and named.isdisjoint(hidden)
            else None
        )

    # -- what is kept ---------------------------------------------------------------------------------------
    async def _save(self, anyway: bool = False) -> None:
        """Needs the lock. Collects the state a little at a time; another thread puts it on disk."""
        if not self._whole or (self._saved == self._seen and not anyway):
            return
        count, blocks = await collect(self._rows())
        await self._keeper.replace(self._seen, self._alive, count, blocks)
        self._saved = self._seen
        self._new_marks.clear()  # they are part of the state

    def _rows(self) -> Iterable[dict[str, Any]]:
        for tenant, engine in list(self._engines.items()):
            for rule in engine.rules:
                yield {"tenant": tenant, "rule": dump_rule(rule.id, rule.source, rule.name)}
            for row in engine.dump():
                yield {"tenant": tenant, **row}
        for tenant, signal in self._unwritten:
            yield dump_signal(tenant, signal)

    def _load(self) -> bool:
        """False when there is no state that fits this journal: a copy restored from an older backup, say."""
        try:
            state = self._keeper.load()
            if state is None or state.offset > self._broker.seq:
                return False
            of_tenant: dict[str, list[dict[str, Any]]] = {}
            for row in state.rows:
                tenant = row.pop("tenant")
                if "signal" in row:
                    self._unwritten.append((tenant, load_signal(row)))
                elif "rule" in row:
                    self.engine(tenant).set_rule(read_rule(*row["rule"]), 0)
                else:
                    of_tenant.setdefault(tenant, []).append(row)
            for tenant, rows in of_tenant.items():
                self.engine(tenant).load(rows)
            marks = self._keeper.load_marks()
        except (KeyError, TypeError, ValueError, AndamanError) as error:
            log.warning("The state of the rules cannot be used, they begin with the present: %s", error)
            self._engines.clear()
            self._unwritten.clear()
            return False
        self._marks.extend(m for m in marks if state.offset <= m.seq <= self._broker.seq)
        self._seen = self._offset = state.offset
        self._alive, self._whole = state.alive, True
        self._saved = state.offset
        return True

    async def _begin(self) -> None:
        """No state: take rules, city and open alerts as they are now, keep that, and go on from here."""
        self._engines.clear()
        offset, now = self._broker.seq, self._clock()
        self._alive = now
        for tenant in self._broker.tenants():
            types: set[str] = set()
            for doc in list(self._broker.iter_entities([_RULE], FULL_ACCESS, tenant)):
                types.update(self._set_rule(tenant, doc["id"], doc, now))
            await adopt(self._broker, self.engine(tenant), self._actor, now, tenant)
            if types:
                await self._prime(tenant, types, now)
                self._say(tenant, self.engine(tenant).settle(now))
        self._seen, self._whole = offset, True
        await self._save()
