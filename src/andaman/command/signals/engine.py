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
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from andaman.broker.api import Change, Doc, Event, EventKind, default_instance, plain
from andaman.command.signals.conditions import AreaOf, Known, Sample, is_number
from andaman.command.signals.definition import Rule
from andaman.command.signals.episode import Episode, Signal
from andaman.command.signals.judge import Judge
from andaman.command.signals.plan import Compiled, Fact, Plan, Watch, build_plan, compile_rule
from andaman.kernel.positions import START
from andaman.kernel.time import MINUTE, Micros, parse_time

AHEAD: Final = 5 * MINUTE
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NONE: Final[tuple[Signal, ...]] = ()
_UNWATCHED: Final = Plan()
_GONE: Final[Sample] = (0, 0, None)
_NO_FACTS: Final[set[str]] = set()


def event_time(text: str) -> Micros:
    """µs of an ``observedAt``; the C parser of ``datetime`` first, ours for other forms and for times without a zone."""
    try:
        since = datetime.fromisoformat(text) - _EPOCH
    except (ValueError, TypeError):
        return parse_time(text)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


class RuleEngine(Judge):
    """All rules of one tenant and what they know. An entity that changes its types begins anew. Not thread-safe: one task feeds it.

    ``area_of`` gives the geometry of an area entity. Events of the journal may come without ``doc``, except where
    ``wants_doc`` says otherwise.
    """

    def __init__(self, *, area_of: AreaOf = lambda _: None, key: bytes = b"") -> None:
        super().__init__(key)
        self._area_of = area_of
        self._plans: dict[tuple[str, ...], Plan] = {}
        self.late = 0

    # -- rules ----------------------------------------------------------------------------------------------
    @property
    def rules(self) -> list[Rule]:
        return [c.rule for c in self._rules.values()]

    def active_of(self, rule_id: str) -> int:
        """How many alerts of this rule are active now."""
        return len(self.alerts_of(rule_id))

    def alerts_of(self, rule_id: str) -> list[str]:
        """The entities on which this rule has an active alert."""
        return [entity_id for mine, entity_id in self._alerts.values() if mine == rule_id]

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
        """Add or replace. Alerts of a replaced rule stay; after ``refresh`` and ``prime``, ``settle_changed`` ends those that its
        new condition ends. Where only texts differ, nothing else changes."""
        old = self._rules.get(rule.id)
        if old is not None and old.rule == rule:
            return _NONE
        facts = dict(self._facts)
        compiled = compile_rule(rule, self._area_of, facts, self._awake)
        out: list[Signal] = []
        self._facts = facts
        self._rules[rule.id] = compiled
        self._plans.clear()
        if old is not None and old.rule.judgement != rule.judgement:
            self.now = max(now, self.now)
            self._replace(old, compiled, self.now, out)
        return out

    def judges_like(self, rule: Rule) -> bool:
        """Is the rule at work already, or does it differ from the one at work in its texts only?"""
        found = self._rules.get(rule.id)
        return found is not None and found.rule.judgement == rule.judgement

    def settle_changed(self, now: Micros) -> list[Signal]:
        """Do the alerts of changed rules stay? Those that stay keep their beginning and all that people did with them."""
        out: list[Signal] = []
        self.now = max(now, self.now)
        for rule_id, entity_id in list(self._alerts.values()):
            if rule_id not in self._changed:
                continue
            compiled, known = self._rules[rule_id], self._known[entity_id]
            self._refilter([compiled], known)
            if self._changed[rule_id] and not self.stays(rule_id, entity_id):
                self._withdraw(compiled, known, entity_id, self.now, "rule changed", out)
            else:
                self._evaluate(compiled, known, entity_id, self.now, out)
        self._changed.clear()
        return out

    def remove_rule(self, rule_id: str, now: Micros) -> Sequence[Signal]:
        """Forget a rule; its active alerts are cleared."""
        compiled = self._rules.pop(rule_id, None)
        self._changed.pop(rule_id, None)
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
        out = self.tick(now)
        self.now = now = max(now, self.now)
        for doc in docs:
            entity_id, types, scopes = doc["id"], tuple(doc["type"]), tuple(doc.get("scope", ()))
            plan = self._plan_of(types)
            if plan is _UNWATCHED:
                continue
            seen = self._known.get(entity_id)
            if seen is not None and seen.types != types:
                seen = None
            changes = [Change(a, None, i) for a, i in doc["attrs"].items()]
            if seen is not None:
                if plan.filtered:
                    seen.doc = _filter_doc(entity_id, types, scopes)
                    for change in changes:
                        if change.attr in plan.watches and plan.watches[change.attr].filtered:
                            _note(seen.doc, change, scopes)
                changes = [c for c in changes if c.attr not in seen.samples]
            if seen is None or any(c.attr in plan.watches for c in changes):
                kind = EventKind.CREATED
                out += self.observe(Event(START, "", now, "", kind, entity_id, types, scopes, changes, doc))
            if seen is not None:
                new = [r for r in plan.rules if r.id not in seen.episodes]
                self._refilter(new, seen)
                for compiled in new:
                    self._evaluate(compiled, seen, entity_id, now, out)
        return out

    def adopt(self, rule_id: str, entity_id: str, types: tuple[str, ...], episode: Episode) -> None:
        """Take over an active alert of an earlier life whose state is lost. To be followed by ``prime`` with the entity,
        and ``settle``."""
        known = self._known.get(entity_id)
        if known is None:
            known = self._known[entity_id] = Known(types)
        known.episodes[rule_id] = episode
        self._alerts[episode.alert] = rule_id, entity_id
        compiled = self._rules[rule_id]
        if compiled.simple:
            known.set_live(compiled.attrs[0], rule_id, True)
        if compiled.rule.expire:
            self._push(episode.raised_at + compiled.rule.expire, entity_id, rule_id)

    def settle(self, now: Micros) -> list[Signal]:
        """Is what was adopted still so?"""
        out: list[Signal] = []
        for rule_id, entity_id in list(self._alerts.values()):
            known = self._known[entity_id]
            self._refilter([self._rules[rule_id]], known)
            self._evaluate(self._rules[rule_id], known, entity_id, max(now, self.now), out)
        return out

    def refresh(self, now: Micros) -> list[Signal]:
        """After rules were added: facts and silence timers over everything known already."""
        out = self.tick(now)
        self.now = now = max(now, self.now)
        for entity_id, known in self._known.items():
            plan = self._plan_of(known.types)
            self._reconsider(self._refact(plan.facts, known, now), now, out)
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
    def wants_doc(self, event: Event) -> bool:
        """The event says too little: an entity is new to the rules but not new itself (its types changed), and ``doc``
        is missing. The caller adds the entity as it was then.
        """
        known = self._known.get(event.entity_id)
        if (known is not None and known.types == event.types) or event.kind is not EventKind.UPDATED:
            return False
        return self._plan_of(event.types) is not _UNWATCHED and event.doc is None

    def observe(self, event: Event) -> Sequence[Signal]:
        """One event of the journal, in order. Deadlines before it fire first."""
        plan = self._plans.get(event.types)
        if plan is None:
            plan = self._plan_of(event.types)
        if plan is _UNWATCHED and not event.moved:  # otherwise its types may have been others
            return _NONE
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
                self._reconsider(self._forget(entity_id, known, at, "entity deleted", out), at, out)
            return out
        changes = event.changes
        flipped: set[str] = _NO_FACTS
        if known is not None and known.types != event.types:
            flipped = self._forget(entity_id, known, at, "entity changed its type", out)
            known = None
        if plan is _UNWATCHED:
            self._reconsider(flipped, at, out)
            return out
        if known is None:
            known = self._known[entity_id] = Known(event.types)
            if event.kind is not EventKind.CREATED and event.doc is not None:
                changes = [Change(attr, None, instances) for attr, instances in event.doc["attrs"].items()]
            touched = plan.filtered[:]
            filtered = bool(touched)
        else:
            touched, filtered = [], False
        if plan.filtered and known.doc is None:
            known.doc = _filter_doc(entity_id, event.types, event.scopes)
        facts: list[Fact] = []
        watches, episodes = plan.watches, known.episodes
        for change in changes:
            watch = watches.get(change.attr)
            if watch is None:
                continue
            if watch.filtered and known.doc is not None:
                _note(known.doc, change, event.scopes)
                touched += watch.filtered
                filtered = True
            if not watch.samples:
                continue
            sample = self._take(known, entity_id, change, at, watch)
            if sample is None:
                continue
            value = sample[2]
            if watch.thresholds and (
                (episodes and known.live)
                or value.__class__ is not float
                or not watch.calm_from <= value <= watch.calm_to
            ):
                self._simple(watch, change.attr, value, known, entity_id, at, out)
            if watch.general:
                for compiled, gate in watch.general:
                    if (
                        gate is None
                        or sample is _GONE
                        or gate(value)
                        or (episodes and compiled.id in episodes)
                    ):
                        touched.append(compiled)
                        filtered |= compiled.filter is not None
            if watch.facts:
                facts += watch.facts
        if len(touched) > 1 and (filtered or len(changes) > 1):
            touched = list({id(c): c for c in touched}.values())
        if filtered:
            self._refilter(touched, known)
        if facts:
            flipped = flipped ^ self._refact(facts, known, at)  # gone and back in one event is no change
        if flipped:
            self._reconsider(flipped, at, out)
        for compiled in touched:
            if compiled.when(known, at) or compiled.id in episodes:
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
            window = known.windows.get(attr)
            if window is None:
                window = known.windows[attr] = ([], [])
            times, values = window
            if times and times[-1] == when:  # a correction
                times.pop()
                values.pop()
            if is_number(value):
                times.append(when)
                values.append(value)
            if len(times) > 64:
                stale = bisect_left(times, when - watch.window)
                if stale > 32:
                    del times[:stale], values[:stale]
        for timer, after_us in watch.silences:
            if timer not in known.timers:
                known.timers.add(timer)
                heapq.heappush(self._heap, (at + after_us, entity_id, *timer))
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

    def _refilter(self, rules: Iterable[Compiled], known: Known) -> None:
        """Does the entity, as it is now, pass the scope and q of these rules?"""
        doc = known.doc
        for compiled in rules:
            if compiled.filter is not None:
                known.filters[compiled.id] = doc is not None and compiled.filter(doc, doc["scope"])


def _filter_doc(entity_id: str, types: Sequence[str], scopes: Sequence[str]) -> Doc:
    return {"id": entity_id, "type": list(types), "scope": list(scopes), "attrs": {}}


def _note(doc: Doc, change: Change, scopes: Sequence[str]) -> None:
    """Carry a change over to what filters look at."""
    if not change.attr:
        doc["scope"] = list(scopes)
    elif change.after:
        doc["attrs"][change.attr] = change.after
    else:
        doc["attrs"].pop(change.attr, None)
