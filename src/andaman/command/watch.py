"""Rules at work: follows the journal, feeds the engines, writes alerts. Loses none and doubles none over a kill.

Order is what makes that so: the signals of a slice of the journal are written and durable before the slice counts as
done, and the state on disk is always the state after a slice that is done. After a kill the engine starts from the last
state and meets the same events again; alert ids and signal numbers are then the same, so what was written stands.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.broker.entity.build import iri, value
from andaman.broker.model import LOCATION, Doc, Event, EventKind, WriteOp
from andaman.broker.service import Broker
from andaman.command.alerts import signal_op
from andaman.command.definition import Rule, read_rule
from andaman.command.desk import Desk
from andaman.command.engine import RuleEngine
from andaman.command.episode import Signal
from andaman.identity.model import FULL_ACCESS, system_actor
from andaman.kernel.errors import AlreadyExists, AndamanError, Unavailable
from andaman.kernel.time import MINUTE, SECOND, Clock, Micros

log = logging.getLogger(__name__)

GRACE: Final = SECOND
"""Deadlines are looked at this much late, so that an event that was committed just before one is seen first."""
DOWN: Final = 2 * MINUTE
"""Without any sign of life for so long the platform was down, and silence before is not the sensors' fault."""
_SLICE: Final = 1_000
_RULE: Final = iri("AlertRule")
_ALERT: Final = iri("Alert")
_STATUS: Final = iri("alertStatus")
_SEGMENT: Final = iri("RoadSegment")


class RuleWatch:
    """One engine a tenant. ``start`` after the broker, ``stop`` before it closes."""

    def __init__(self, broker: Broker, desk: Desk, clock: Clock, directory: Path) -> None:
        self._broker, self._desk, self._clock = broker, desk, clock
        self._path = directory / "rules-state.json"
        self._actor = system_actor("rules")
        self._engines: dict[str, RuleEngine] = {}
        self._seen = 0  # the engines have seen the journal up to here …
        self._offset = 0  # … and what they said up to here is written
        self._unwritten: list[tuple[str, Signal]] = []
        self._saved = -1
        self._started_at: Micros = 0
        self._start_seq = 0
        self._last_at: Micros | None = (
            None  # last sign of life before this start, until we have caught up with it
        )
        self._save_every_s = 30.0
        self._lock = asyncio.Lock()  # the engines are fed by one task at a time
        self._tasks: list[asyncio.Task[None]] = []
        self.errors: dict[tuple[str, str], str] = {}
        """(tenant, rule id) → why the rule does not run."""

    # -- life -----------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Load the last state, or begin with the present; then follow."""
        self._started_at, self._start_seq = self._clock(), self._broker.seq
        if not self._load():
            await self._begin()
            self._save()
        self._tasks = [
            asyncio.create_task(self._follow(), name="rules-follow"),
            asyncio.create_task(self._tick(), name="rules-tick"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        async with self._lock:
            self._save()

    async def caught_up(self, seq: int | None = None) -> None:
        """Wait until the rules have seen everything up to ``seq`` (the present end of the journal)."""
        goal = self._broker.seq if seq is None else seq
        while self._offset < goal:  # noqa: ASYNC110 - the journal's end is the broker's, it has no event to wait on
            await asyncio.sleep(0.005)

    def engine(self, tenant: str) -> RuleEngine:
        found = self._engines.get(tenant)
        if found is None:

            def doc_of(entity_id: str) -> Doc | None:
                return self._broker.find(entity_id, FULL_ACCESS, tenant)

            def area_of(entity_id: str) -> dict[str, Any] | None:
                doc = doc_of(entity_id)
                place = doc["attrs"].get(LOCATION) if doc is not None else None
                return place[0]["value"] if place else None

            found = self._engines[tenant] = RuleEngine(doc_of=doc_of, area_of=area_of)
        return found

    def read(self, doc: Doc) -> Rule:
        """The rule of an AlertRule entity. Raises BadRequestData."""
        name = value(doc, "name")
        return read_rule(doc["id"], value(doc, "definition"), name if isinstance(name, dict) else None)

    # -- following ------------------------------------------------------------------------------------------
    async def _follow(self) -> None:
        while True:
            try:
                async for batch in self._broker.follow(self._seen):
                    for start in range(0, len(batch), _SLICE):
                        async with self._lock:
                            await self._take(batch[start : start + _SLICE])
                        await asyncio.sleep(0)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("Following the journal failed at %d; trying again", self._seen)
                await asyncio.sleep(1)

    async def _take(self, events: Sequence[Event]) -> None:
        signals: list[tuple[str, Signal]] = []
        fresh: dict[str, set[str]] = {}
        for event in events:
            if event.seq <= self._seen:
                continue
            self._seen = event.seq
            if self._last_at is not None:
                if event.seq > self._start_seq:
                    self._wake()
                else:
                    self._last_at = max(self._last_at, event.at)
            if _RULE in event.types:
                fresh.setdefault(event.tenant, set()).update(self._rule_event(event, signals))
            elif _ALERT in event.types:
                self._alert_event(event)
            elif _SEGMENT in event.types:
                self._desk.roads_changed()
            engine = self._engines.get(event.tenant)
            if engine is not None:
                signals += [(event.tenant, s) for s in engine.observe(event)]
        for tenant, types in fresh.items():
            if types:
                signals += await self._prime(tenant, types, events[-1].at)
        await self._write(signals)

    def _rule_event(self, event: Event, signals: list[tuple[str, Signal]]) -> Iterable[str]:
        """A rule came, changed or went; returns the types of which present entities must be looked at."""
        tenant, rule_id = event.tenant, event.entity_id
        doc = None
        if event.kind is not EventKind.DELETED:
            doc = event.doc or self._broker.find(rule_id, FULL_ACCESS, tenant)
        engine = self.engine(tenant)
        self.errors.pop((tenant, rule_id), None)
        if doc is None or value(doc, "enabled", True) is not True:
            signals += [(tenant, s) for s in engine.remove_rule(rule_id, event.at)]
            return ()
        try:
            rule = self.read(doc)
            before = len(engine.rules)
            cleared = engine.set_rule(rule, event.at)
        except AndamanError as error:
            self.errors[tenant, rule_id] = error.detail
            log.warning("Rule %s does not run: %s", rule_id, error.detail)
            signals += [(tenant, s) for s in engine.remove_rule(rule_id, event.at)]
            return ()
        signals += [(tenant, s) for s in cleared]
        return engine.types if cleared or len(engine.rules) != before else rule.types

    def _alert_event(self, event: Event) -> None:
        engine = self._engines.get(event.tenant)
        if engine is None:
            return
        for change in event.changes:
            if change.attr == _STATUS and change.after and change.after[0].get("value") == "closed":
                engine.closed(event.entity_id)

    async def _prime(self, tenant: str, types: Iterable[str], now: Micros) -> list[tuple[str, Signal]]:
        """Let new rules look at what is there already."""
        engine = self.engine(tenant)
        out = engine.refresh(now)
        part: list[Doc] = []
        for doc in self._broker.iter_entities(sorted(set(types)), FULL_ACCESS, tenant):
            part.append(doc)
            if len(part) == 200:
                out += engine.prime(part, now)
                part = []
                await asyncio.sleep(0)
        out += engine.prime(part, now)
        return [(tenant, s) for s in out]

    async def _tick(self) -> None:
        saved_at = time.monotonic()
        while True:
            await asyncio.sleep(0.5)
            try:
                now = self._clock() - GRACE
                async with self._lock:
                    if self._seen < self._broker.seq:
                        continue
                    self._wake()
                    signals = [(t, s) for t, e in self._engines.items() for s in e.tick(now)]
                    await self._write(signals)
                    if time.monotonic() - saved_at > self._save_every_s:
                        began = time.monotonic()
                        self._save()
                        saved_at = time.monotonic()
                        # never more than one percent of the time for saving
                        self._save_every_s = max(30.0, 100 * (saved_at - began))
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("A round of deadlines failed; trying again")

    # -- writing alerts -------------------------------------------------------------------------------------
    async def _write(self, signals: Sequence[tuple[str, Signal]]) -> None:
        """Write what the engines said, in order. Where the broker cannot take it now it raises; nothing is dropped,
        and the next call begins with what is left."""
        self._unwritten += signals
        async with self._desk.lock:
            while self._unwritten:
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
        self._offset = self._seen

    def _next_ops(self) -> tuple[list[tuple[str, WriteOp]], int]:
        """Operations of the first signals, up to the second one of any alert: it depends on what the first makes."""
        ops: list[tuple[str, WriteOp]] = []
        seen: set[tuple[str, str]] = set()
        for count, (tenant, signal) in enumerate(self._unwritten):
            if (tenant, signal.alert_id) in seen or len(ops) == _SLICE:
                return ops, count
            seen.add((tenant, signal.alert_id))
            source = self._broker.find(signal.entity_id, FULL_ACCESS, tenant)
            alert = self._broker.find(signal.alert_id, FULL_ACCESS, tenant)
            op = signal_op(signal, source, alert, tenant)
            if op is not None:
                ops.append((tenant, op))
        return ops, len(self._unwritten)

    # -- what is kept ---------------------------------------------------------------------------------------
    def _save(self) -> None:
        if self._saved == self._offset:
            return
        state = {
            "version": 1,
            "offset": self._offset,
            "tenants": {tenant: engine.dump() for tenant, engine in self._engines.items()},
            "rules": {
                tenant: [{"id": r.id, "definition": r.source, "name": r.name} for r in engine.rules]
                for tenant, engine in self._engines.items()
            },
        }
        temporary = self._path.with_suffix(".new")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(orjson.dumps(state))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        self._saved = self._offset

    def _load(self) -> bool:
        """False when there is no state that fits this journal: a copy restored from an older backup, say."""
        try:
            state = orjson.loads(self._path.read_bytes())
            if state["version"] != 1 or state["offset"] > self._broker.seq:
                return False
            for tenant, rules in state["rules"].items():
                engine = self.engine(tenant)
                for raw in rules:
                    engine.set_rule(read_rule(raw["id"], raw["definition"], raw["name"]), 0)
                engine.load(state["tenants"][tenant])
        except FileNotFoundError:
            return False
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AndamanError):
            log.exception(
                "The state of the rules in %s cannot be read; beginning with the present", self._path
            )
            self._engines.clear()
            return False
        self._seen = self._offset = self._saved = state["offset"]
        self._last_at = max((e.now for e in self._engines.values()), default=0)
        return True

    def _wake(self) -> None:
        """Caught up with what happened before the start: was the platform down in between?"""
        if self._last_at is not None and self._started_at - self._last_at > DOWN:
            for engine in self._engines.values():
                engine.wake(self._started_at)
        self._last_at = None

    async def _begin(self) -> None:
        """No state: take rules and city as they are now, and go on from here."""
        self._engines.clear()
        offset, now = self._broker.seq, self._clock()
        signals: list[tuple[str, Signal]] = []
        for tenant in self._broker.tenants():
            types: set[str] = set()
            for doc in self._broker.iter_entities([_RULE], FULL_ACCESS, tenant):
                event = Event(0, tenant, now, "", EventKind.UPDATED, doc["id"], (_RULE,), (), [], doc)
                types.update(self._rule_event(event, signals))
            if types:
                signals += await self._prime(tenant, types, now)
        self._seen = offset
        await self._write(signals)
