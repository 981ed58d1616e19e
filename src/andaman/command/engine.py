"""The rule engine: journal events in, signals out. Pure and deterministic: the same events give the same signals.

Cost: an event of a type that no rule selects costs one dictionary look-up. Rules that only compare one number with one
threshold ("simple") lie sorted by threshold per (type, attribute), so that an observation finds those it fulfils by
bisection, however many there are; all others lie in a list per (type, attribute) and are evaluated when it changes.

Time: an observation older than the newest one known of its attribute is *late* and changes nothing (counted in
``late``); one that claims to be more than ``AHEAD`` in the future is taken as made on arrival. Deadlines (silence,
durations, expiry) fire at their own instant, whenever ``tick`` is called after it, so signals do not depend on how
often that is.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from andaman.broker.entity.build import default_instance, plain
from andaman.broker.model import Change, Doc, Event, EventKind
from andaman.command.conditions import AreaOf, Known, Sample, is_number
from andaman.command.definition import Rule
from andaman.command.episode import REFRESH, Episode, Signal, SignalKind
from andaman.command.plan import Compiled, Fact, Plan, Watch, build_plan, compile_rule
from andaman.kernel.time import MINUTE, Micros, parse_time

AHEAD: Final = 5 * MINUTE
_NONE: Final[tuple[Signal, ...]] = ()
_UNWATCHED: Final = Plan()
_GONE: Final[Sample] = (0, 0, None)


def event_time(text: str) -> Micros:
    """µs of an ``observedAt``; the C parser of ``datetime`` first, ours for what it does not read."""
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1_000_000)
    except ValueError:
        return parse_time(text)


class RuleEngine:
    """All rules of one tenant and what they know. An entity that changes its types begins anew. Not thread-safe: one task feeds it.

    ``doc_of`` gives an entity's present stored form (for scope and q filters when an event has no ``doc``),
    ``area_of`` the geometry of an area entity.
    """

    def __init__(
        self,
        *,
        doc_of: Callable[[str], Doc | None] = lambda _: None,
        area_of: AreaOf = lambda _: None,
    ) -> None:
        self._doc_of, self._area_of = doc_of, area_of
        self._rules: dict[str, Compiled] = {}
        self._facts: dict[str, Fact] = {}
        self._plans: dict[tuple[str, ...], Plan] = {}
        self._known: dict[str, Known] = {}
        self._heap: list[tuple[Micros, str, str, int]] = []  # deadline, entity, rule, silence number or -1
        self._awake: list[Micros] = [0]
        self._alerts: dict[str, tuple[str, str]] = {}  # alert id → rule, entity; of active episodes
        self.now: Micros = 0
        self.late = 0

    # -- rules ----------------------------------------------------------------------------------------------
    @property
    def rules(self) -> list[Rule]:
        return [c.rule for c in self._rules.values()]

    def active_of(self, rule_id: str) -> int:
        """How many alerts of this rule are active now."""
        return sum(mine == rule_id for mine, _ in self._alerts.values())

    @property
    def types(self) -> frozenset[str]:
        """Types whose events can matter."""
        return frozenset(t for c in self._rules.values() for t in c.rule.types) | {
            f.exists.type for f in self._facts.values()
        }

    def check(self, rule: Rule) -> None:
        """Compile and forget. Raises BadRequestData for an unknown area, a bad q or scope."""
        compile_rule(rule, self._area_of, dict(self._facts), self._awake)

    def set_rule(self, rule: Rule, now: Micros) -> Sequence[Signal]:
        """Add or replace; the alerts of a replaced rule are cleared. An equal rule changes nothing."""
        old = self._rules.get(rule.id)
        if old is not None and old.rule == rule:
            return _NONE
        facts = dict(self._facts)
        compiled = compile_rule(rule, self._area_of, facts, self._awake)
        out = self.remove_rule(rule.id, now) if old is not None else _NONE
        self._facts = facts
        self._rules[rule.id] = compiled
        self._plans.clear()
        return out

    def remove_rule(self, rule_id: str, now: Micros) -> Sequence[Signal]:
        """Forget a rule; its active alerts are cleared."""
        compiled = self._rules.pop(rule_id, None)
        if compiled is None:
            return _NONE
        self.now = now = max(now, self.now)
        out: list[Signal] = []
        for entity_id, known in self._known.items():
            self._withdraw(compiled, known, entity_id, now, "rule changed", out)
            known.timers = {t for t in known.timers if t[0] != rule_id}
        self._plans.clear()
        return out

    def prime(self, docs: Iterable[Doc], now: Micros) -> list[Signal]:
        """Take present entities as the first observations of attributes not known yet, and evaluate rules that have
        not been evaluated on them. Call ``refresh`` first when rules were added."""
        self.now = now = max(now, self.now)
        out: list[Signal] = []
        for doc in docs:
            types, scopes = tuple(doc["type"]), tuple(doc.get("scope", ()))
            seen = self._known.get(doc["id"])
            changes = [Change(a, None, i) for a, i in doc["attrs"].items()]
            if seen is not None:
                changes = [c for c in changes if c.attr not in seen.samples]
            plan = self._plan_of(types)
            if any(c.attr in plan.watches for c in changes):
                kind = EventKind.CREATED
                out += self.observe(Event(0, "", now, "", kind, doc["id"], types, scopes, changes, doc))
            if seen is not None:
                new = [r for r in plan.rules if r.id not in seen.episodes]
                self._refilter(new, seen, doc["id"], doc, scopes)
                for compiled in new:
                    self._evaluate(compiled, seen, doc["id"], now, out)
        return out

    def refresh(self, now: Micros) -> list[Signal]:
        """After rules were added: facts and silence timers over what is known already."""
        self.now = now = max(now, self.now)
        out: list[Signal] = []
        for entity_id, known in self._known.items():
            plan = self._plan_of(known.types)
            self._refact(plan.facts, known, now, out)
            for compiled in plan.rules:
                for number, leaf in enumerate(compiled.silents):
                    if leaf.attr in known.samples and (compiled.id, number) not in known.timers:
                        known.timers.add((compiled.id, number))
                        heapq.heappush(self._heap, (now, entity_id, compiled.id, number))
        return out

    def _plan_of(self, types: tuple[str, ...]) -> Plan:
        plan = self._plans.get(types)
        if plan is None:
            plan = self._plans[types] = build_plan(types, self._rules.values(), self._facts) or _UNWATCHED
        return plan

    # -- events ---------------------------------------------------------------------------------------------
    def observe(self, event: Event) -> Sequence[Signal]:
        """One event of the journal, in order. Deadlines before it fire first."""
        plan = self._plans.get(event.types)
        if plan is None:
            plan = self._plan_of(event.types)
        entity_id = event.entity_id
        known = self._known.get(entity_id)
        if plan is _UNWATCHED and known is None:
            return _NONE
        at = event.at
        if at < self.now:
            at = self.now
        out: list[Signal] = []
        if self._heap and self._heap[0][0] <= at:
            out = self.tick(at)
        self.now = at
        if event.kind is EventKind.DELETED:
            if known is not None:
                self._forget(entity_id, known, at, "entity deleted", out)
            return out
        changes = event.changes
        if known is not None and known.types != event.types:
            self._forget(entity_id, known, at, "entity changed its type", out)
            known = None
        if plan is _UNWATCHED:
            return out
        if known is None:
            known = self._known[entity_id] = Known(event.types)
            if event.kind is not EventKind.CREATED:
                doc = event.doc or self._doc_of(entity_id)
                if doc is not None:
                    changes = [Change(attr, None, instances) for attr, instances in doc["attrs"].items()]
        touched: list[Compiled] = []
        facts: list[Fact] = []
        filtered = False
        watches = plan.watches
        for change in changes:
            watch = watches.get(change.attr)
            if watch is None:
                continue
            if watch.filtered:
                touched += watch.filtered
                filtered = True
            if not watch.samples:
                continue
            sample = self._take(known, entity_id, change, at, watch)
            if sample is None:
                continue
            if watch.thresholds:
                self._simple(watch, change.attr, sample[2], known, entity_id, at, out)
            if watch.general:
                value, episodes = sample[2], known.episodes
                for compiled, gate in watch.general:
                    if (
                        gate is None
                        or sample is _GONE
                        or gate(value)
                        or (compiled.id in episodes and episodes[compiled.id].live)
                    ):
                        touched.append(compiled)
                        filtered |= compiled.filter is not None
            if watch.facts:
                facts += watch.facts
        if len(touched) > 1 and len(changes) > 1:
            touched = list({id(c): c for c in touched}.values())
        if filtered:
            self._refilter(touched, known, entity_id, event.doc, event.scopes)
        if facts:
            self._refact(facts, known, at, out)
        for compiled in touched:
            self._evaluate(compiled, known, entity_id, at, out)
        return out

    def _take(self, known: Known, entity_id: str, change: Change, at: Micros, watch: Watch) -> Sample | None:
        """Store the sample and return it (``_GONE`` when the attribute was removed); None when it is late or nothing
        new."""
        attr, after = change.attr, change.after
        if not after:
            known.samples.pop(attr, None)
            known.windows.pop(attr, None)
            return _GONE
        instance = after[0] if len(after) == 1 else default_instance(after)
        text = instance.get("observedAt")
        when = at if text is None else event_time(text)
        if when > at + AHEAD:
            when = at
        value = instance.get("value")
        if value is None:
            value = plain(instance)
        old = known.samples.get(attr)
        if old is not None:
            if when < old[0]:
                self.late += 1
                return None
            if when == old[0] and text is not None and value == old[2]:
                return None
        sample = known.samples[attr] = (when, at, value)
        if watch.window:
            times, values = known.windows.setdefault(attr, ([], []))
            if times and times[-1] == when:  # a correction
                times.pop()
                values.pop()
            if is_number(value):
                times.append(when)
                values.append(value)
            stale = bisect_left(times, when - watch.window)
            if stale > 32:
                del times[:stale], values[:stale]
        for compiled, number, after_us in watch.silences:
            if (compiled.id, number) not in known.timers:
                known.timers.add((compiled.id, number))
                heapq.heappush(self._heap, (at + after_us, entity_id, compiled.id, number))
        return sample

    def _simple(
        self, watch: Watch, attr: str, value: Any, known: Known, entity_id: str, at: Micros, out: list[Signal]
    ) -> None:
        """Rules of one threshold: those that the value fulfils, and those that are not idle."""
        live = known.live.get(attr)
        if value.__class__ is float or value.__class__ is int:
            up = bisect_left(watch.up_keys, value)
            down = bisect_right(watch.down_keys, value)
            if not up and not live and down == len(watch.down_keys):
                return
            hit = {c.id: c for c in watch.up_rules[:up]}
            for compiled in watch.down_rules[down:]:
                hit[compiled.id] = compiled
        elif not live:
            return
        else:
            hit = {}
        for rule_id in live or ():
            hit[rule_id] = self._rules[rule_id]
        for compiled in hit.values():
            self._evaluate(compiled, known, entity_id, at, out)

    def _refilter(
        self,
        rules: Iterable[Compiled],
        known: Known,
        entity_id: str,
        doc: Doc | None,
        scopes: Sequence[str],
    ) -> None:
        """Does the entity, as it is now, pass the scope and q of these rules?"""
        for compiled in rules:
            if compiled.filter is not None:
                if doc is None:
                    doc = self._doc_of(entity_id)
                known.filters[compiled.id] = doc is not None and compiled.filter(doc, scopes)

    def _refact(self, facts: Iterable[Fact], known: Known, at: Micros, out: list[Signal]) -> None:
        """Facts this entity may have changed; rules that rest on a fact that flipped are evaluated everywhere."""
        flipped: set[str] = set()
        for fact in facts:
            now_true = fact.truth(known, at)
            if now_true == (fact.key in known.facts):
                continue
            was = fact.count > 0
            if now_true:
                known.facts.add(fact.key)
                fact.count += 1
            else:
                known.facts.discard(fact.key)
                fact.count -= 1
            if was != (fact.count > 0):
                flipped.add(fact.key)
        if flipped:
            self._reconsider(flipped, at, out)

    def _reconsider(self, flipped: set[str], at: Micros, out: list[Signal]) -> None:
        for compiled in list(self._rules.values()):
            if flipped.isdisjoint(compiled.facts):
                continue
            wanted = set(compiled.rule.types)
            for entity_id, other in list(self._known.items()):
                if not wanted.isdisjoint(other.types):
                    self._evaluate(compiled, other, entity_id, at, out)

    # -- one rule on one entity -----------------------------------------------------------------------------
    def _evaluate(self, c: Compiled, known: Known, entity_id: str, now: Micros, out: list[Signal]) -> None:
        when = c.when(known, now)
        episode = known.episodes.get(c.id)
        if not when and (episode is None or not episode.live):
            return  # the common case: nothing was so and nothing is
        newest = -1
        samples = known.samples
        for attr in c.attrs:
            sample = samples.get(attr)
            if sample is not None and sample[0] > newest:
                newest = sample[0]
        fits = newest >= 0 and (c.filter is None or known.filters.get(c.id, False))
        holds = when and fits
        if episode is None:
            if not holds:
                return
            episode = known.episodes[c.id] = Episode()
        gone = not holds if c.clear is None or not fits else c.clear(known, now)
        rule = c.rule
        was_pending, was_clearing = episode.pending_event is not None, episode.clearing_event is not None
        kind = episode.advance(rule, entity_id, holds, gone, newest, now)
        if kind is None:
            if episode.pending_event is not None and not was_pending:
                self._push(episode.pending_at + rule.hold, entity_id, rule.id)
            elif episode.clearing_event is not None and not was_clearing:
                self._push(episode.clearing_at + episode.clear_wait(rule), entity_id, rule.id)
            if holds and episode.active:
                kind = self._still(c, episode, known, now)
        if kind is not None:
            self._tell(kind, c, episode, known, entity_id, now, out)
        if c.simple:
            live = known.live.setdefault(c.attrs[0], [])
            if episode.live != (c.id in live):
                (live.append if episode.live else live.remove)(c.id)

    def _still(self, c: Compiled, episode: Episode, known: Known, now: Micros) -> SignalKind | None:
        """Goes on: worse, or a sign of life now and then."""
        episode.last_seen = now
        if c.severity_of(known) > episode.severity_rank:
            return SignalKind.WORSE
        return SignalKind.SEEN if now - episode.reported_at >= REFRESH else None

    def _tell(
        self,
        kind: SignalKind,
        c: Compiled,
        episode: Episode,
        known: Known,
        entity_id: str,
        now: Micros,
        out: list[Signal],
        reason: str = "",
    ) -> None:
        episode.step += 1
        episode.reported_at = now
        if kind is SignalKind.CLEARED:
            self._alerts.pop(episode.alert, None)
            expired = c.rule.expire and now - episode.raised_at >= c.rule.expire
            reason = reason or ("expired" if expired else "condition")
        else:
            self._alerts[episode.alert] = c.id, entity_id
            episode.worsen(c.severity_of(known))
            episode.evidence = c.evidence(known, now)
            if kind in (SignalKind.RAISED, SignalKind.AGAIN) and c.rule.expire:
                self._push(now + c.rule.expire, entity_id, c.id)
        out.append(episode.signal(kind, c.rule, entity_id, now, reason))

    def _push(self, deadline: Micros, entity_id: str, rule_id: str) -> None:
        heapq.heappush(self._heap, (deadline, entity_id, rule_id, -1))

    # -- time -----------------------------------------------------------------------------------------------
    @property
    def deadline(self) -> Micros | None:
        """The next instant at which a tick may say something."""
        return self._heap[0][0] if self._heap else None

    def tick(self, now: Micros) -> list[Signal]:
        """Fire every deadline up to ``now``, each at its own instant."""
        out: list[Signal] = []
        while self._heap and self._heap[0][0] <= now:
            due, entity_id, rule_id, number = heapq.heappop(self._heap)
            known, compiled = self._known.get(entity_id), self._rules.get(rule_id)
            if known is None or compiled is None or set(known.types).isdisjoint(compiled.rule.types):
                continue  # a deadline of what is gone by now
            if number >= 0:
                if (rule_id, number) not in known.timers or number >= len(compiled.silents):
                    continue
                known.timers.discard((rule_id, number))
                leaf = compiled.silents[number]
                sample = known.samples.get(leaf.attr)
                if sample is None:
                    continue
                real = max(sample[1], self._awake[0]) + leaf.after
                if real > due:
                    known.timers.add((rule_id, number))
                    heapq.heappush(self._heap, (real, entity_id, rule_id, number))
                    continue
            self.now = max(self.now, due)
            self._evaluate(compiled, known, entity_id, self.now, out)
        self.now = max(self.now, now)
        return out

    def wake(self, now: Micros) -> None:
        """The platform was down until now: silence before this instant is its own."""
        self._awake[0] = max(self._awake[0], now)

    # -- people and endings ---------------------------------------------------------------------------------
    def closed(self, alert_id: str) -> None:
        """A person closed this alert: its episode is over."""
        found = self._alerts.pop(alert_id, None)
        if found is None:
            return
        rule_id, entity_id = found
        known, compiled = self._known.get(entity_id), self._rules.get(rule_id)
        episode = known.episodes.get(rule_id) if known is not None else None
        if known is None or compiled is None or episode is None or episode.alert != alert_id:
            return
        episode.close(compiled.when(known, self.now))
        if compiled.simple:
            live = known.live.setdefault(compiled.attrs[0], [])
            if not episode.live and rule_id in live:
                live.remove(rule_id)

    def _withdraw(
        self, c: Compiled, known: Known, entity_id: str, now: Micros, reason: str, out: list[Signal]
    ) -> None:
        episode = known.episodes.pop(c.id, None)
        known.filters.pop(c.id, None)
        if c.simple and c.id in known.live.get(c.attrs[0], ()):
            known.live[c.attrs[0]].remove(c.id)
        if episode is not None and episode.active:
            self._tell(SignalKind.CLEARED, c, episode, known, entity_id, now, out, reason)

    def _forget(self, entity_id: str, known: Known, now: Micros, reason: str, out: list[Signal]) -> None:
        for rule_id in list(known.episodes):
            self._withdraw(self._rules[rule_id], known, entity_id, now, reason, out)
        del self._known[entity_id]
        flipped = set()
        for key in known.facts:
            fact = self._facts[key]
            fact.count -= 1
            if not fact.count:
                flipped.add(key)
        if flipped:
            self._reconsider(flipped, now, out)

    # -- what a restart needs -------------------------------------------------------------------------------
    def dump(self) -> dict[str, Any]:
        """The state as JSON-serialisable data (rules themselves are not in it)."""
        return {
            "now": self.now,
            "awake": self._awake[0],
            "late": self.late,
            "heap": [list(row) for row in self._heap],
            "known": {entity_id: known.dump() for entity_id, known in self._known.items()},
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take a dumped state; the same rules must have been set before. What no rule owns any more is dropped."""
        self.now, self._awake[0], self.late = state["now"], state["awake"], state["late"]
        self._heap = [(row[0], row[1], row[2], row[3]) for row in state["heap"]]
        heapq.heapify(self._heap)
        self._known = {i: Known.load(raw, self._rules, self._facts) for i, raw in state["known"].items()}
        self._alerts = {}
        for fact in self._facts.values():
            fact.count = sum(fact.key in known.facts for known in self._known.values())
        for entity_id, known in self._known.items():
            for rule_id, episode in known.episodes.items():
                if episode.active:
                    self._alerts[episode.alert] = rule_id, entity_id
                compiled = self._rules[rule_id]
                if compiled.simple and episode.live:
                    known.live.setdefault(compiled.attrs[0], []).append(rule_id)
