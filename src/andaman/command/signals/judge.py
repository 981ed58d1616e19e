"""The engine's memory and judgement: one rule on one entity, facts that rules share, and deadlines. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from andaman.command.signals.conditions import Known
from andaman.command.signals.definition import Rule
from andaman.command.signals.episode import REFRESH, Episode, Signal, SignalKind
from andaman.command.signals.plan import Compiled, Fact
from andaman.kernel.time import Micros

_ROW: Final = 100  # deadlines in a row of the dump


@dataclass(frozen=True, slots=True)
class Holding:
    """``severity``: its rank."""

    entity_id: str
    severity: int
    evidence: tuple[dict[str, Any], ...]


class Judge:
    """Memory of one tenant's entities. The engine brings the observations and the rules."""

    def __init__(self, key: bytes = b"") -> None:
        """``key``: that ids of alerts are made with, of this store."""
        self._key = key
        self._rules: dict[str, Compiled] = {}
        self._facts: dict[str, Fact] = {}
        self._known: dict[str, Known] = {}
        self._heap: list[tuple[Micros, str, str, int]] = []  # deadline, entity, rule, silence number or -1
        self._awake: list[Micros] = [0]
        self._alerts: dict[str, tuple[str, str]] = {}  # alert id → rule, entity; of active episodes
        self._changed: dict[str, bool] = {}  # rule to look at again → its condition is another one
        self.now: Micros = 0
        self.fired = 0
        """Deadlines that were judged so far. One that only found itself too early does not count: it changed nothing."""

    def known(self) -> list[tuple[str, Known]]:
        """Every entity that it remembers, with its known facts."""
        return list(self._known.items())

    # -- facts ----------------------------------------------------------------------------------------------
    def _refact(self, facts: Iterable[Fact], known: Known, at: Micros) -> set[str]:
        """Facts this entity may have changed; returns those that flipped, for ``_reconsider``."""
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
        return flipped

    def _reconsider(self, flipped: set[str], at: Micros, out: list[Signal]) -> None:
        """Rules that rest on a fact that flipped are evaluated everywhere."""
        if not flipped:
            return
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
        newest = _newest(c, known)
        fits = newest >= 0 and (c.filter is None or known.filters.get(c.id, False))
        holds = when and fits
        if episode is None:
            if not holds:
                return
            episode = known.episodes[c.id] = Episode()
        gone = not holds if c.clear is None or not fits else c.clear(known, now)
        rule = c.rule
        was_pending, was_clearing = episode.pending_event is not None, episode.clearing_event is not None
        kind = episode.advance(rule, entity_id, holds, gone, newest, now, self._key)
        if kind is None:
            if episode.pending_event is not None and not was_pending:
                self._push(episode.pending_at + rule.hold, entity_id, rule.id)
            elif episode.clearing_event is not None and not was_clearing:
                self._push(episode.clearing_at + episode.clear_wait(rule), entity_id, rule.id)
            if holds and episode.active:
                kind = self._still(c, episode, known, now)
        if kind is not None:
            self._signal(kind, c, episode, known, entity_id, now, out)
        if c.simple:
            known.set_live(c.attrs[0], c.id, episode.live)

    def _still(self, c: Compiled, episode: Episode, known: Known, now: Micros) -> SignalKind | None:
        """The episode continues: worse, or a sign of life now and then."""
        episode.last_seen = now
        if c.severity_of(known) > episode.severity_rank:
            return SignalKind.WORSE
        return SignalKind.SEEN if now - episode.reported_at >= REFRESH else None

    def _signal(
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
            usual = "rule changed" if self._changed.get(c.id) else "condition"
            reason = reason or ("expired" if expired else usual)
        else:
            self._alerts[episode.alert] = c.id, entity_id
            episode.worsen(c.severity_of(known))
            episode.evidence = c.evidence(known, now)
            if kind in (SignalKind.RAISED, SignalKind.AGAIN) and c.rule.expire:
                self._push(now + c.rule.expire, entity_id, c.id)
        out.append(episode.signal(kind, c.rule, entity_id, now, reason))

    def _push(self, deadline: Micros, entity_id: str, rule_id: str) -> None:
        heapq.heappush(self._heap, (deadline, entity_id, rule_id, -1))

    # -- a changed rule -------------------------------------------------------------------------------------
    def _replace(self, old: Compiled, c: Compiled, now: Micros, out: list[Signal]) -> None:
        """Carry the episodes of a rule over to its new form. Its alerts stay until ``settle_changed`` has looked."""
        same = old.rule.condition == c.rule.condition
        for entity_id, known in self._known.items():
            if old.silents != c.silents:
                known.timers = {timer for timer in known.timers if timer[0] != c.id}
            if old.simple:
                known.set_live(old.attrs[0], c.id, False)
            if not same:
                known.filters.pop(c.id, None)
            episode = known.episodes.get(c.id)
            if episode is None:
                continue
            if set(known.types).isdisjoint(c.rule.types):
                self._withdraw(c, known, entity_id, now, "rule changed", out)
                continue
            if not same and not episode.active:
                del known.episodes[c.id]  # what waits, or was closed, belongs to the old condition
                continue
            if not same:
                episode.clearing_event = None
            self._arm(c.rule, episode, entity_id)
            if c.simple:
                known.set_live(c.attrs[0], c.id, episode.live)
        self._changed[c.id] = self._changed.get(c.id, False) or not same

    def _arm(self, rule: Rule, episode: Episode, entity_id: str) -> None:
        """The deadlines of an episode by the times of its rule."""
        if episode.active and rule.expire:
            self._push(episode.raised_at + rule.expire, entity_id, rule.id)
        if episode.pending_event is not None:
            self._push(episode.pending_at + rule.hold, entity_id, rule.id)
        if episode.clearing_event is not None:
            self._push(episode.clearing_at + episode.clear_wait(rule), entity_id, rule.id)

    def stays(self, rule_id: str, entity_id: str) -> bool:
        """Would an alert of this rule on this entity stay now? It ends where the condition for its end is fulfilled."""
        c, known = self._rules.get(rule_id), self._known.get(entity_id)
        if c is None or known is None or set(known.types).isdisjoint(c.rule.types):
            return False
        if _newest(c, known) < 0 or not (c.filter is None or known.filters.get(c.id, False)):
            return False
        return c.when(known, self.now) or (c.clear is not None and not c.clear(known, self.now))

    def holding(self, rule_id: str) -> list[Holding]:
        """The entities on which the condition of a rule holds now, without regard to its times."""
        c = self._rules[rule_id]
        found = []
        for entity_id, known in self._known.items():
            fits = not set(known.types).isdisjoint(c.rule.types) and _newest(c, known) >= 0
            if fits and (c.filter is None or known.filters.get(c.id, False)) and c.when(known, self.now):
                evidence = c.evidence(known, self.now)
                found.append(Holding(entity_id, c.severity_of(known), evidence))
        return found

    # -- time -----------------------------------------------------------------------------------------------
    @property
    def deadline(self) -> Micros | None:
        """The next instant at which a tick may say something."""
        return self._heap[0][0] if self._heap else None

    def tick(self, now: Micros) -> list[Signal]:
        """Fire every deadline up to ``now``, each at its own instant. Where none fires nothing changes, ``now`` neither."""
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
            self.fired += 1
            self.now = max(self.now, due)
            self._evaluate(compiled, known, entity_id, self.now, out)
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
            known.set_live(compiled.attrs[0], rule_id, episode.live)

    def _withdraw(
        self, c: Compiled, known: Known, entity_id: str, now: Micros, reason: str, out: list[Signal]
    ) -> None:
        episode = known.episodes.pop(c.id, None)
        known.filters.pop(c.id, None)
        if c.simple:
            known.set_live(c.attrs[0], c.id, False)
        if episode is not None and episode.active:
            self._signal(SignalKind.CLEARED, c, episode, known, entity_id, now, out, reason)

    def _forget(self, entity_id: str, known: Known, now: Micros, reason: str, out: list[Signal]) -> set[str]:
        """Drop the entity; returns the facts that flipped, for ``_reconsider``."""
        for rule_id in list(known.episodes):
            self._withdraw(self._rules[rule_id], known, entity_id, now, reason, out)
        del self._known[entity_id]
        flipped = set()
        for key in known.facts:
            fact = self._facts[key]
            fact.count -= 1
            if not fact.count:
                flipped.add(key)
        return flipped

    # -- what a restart needs -------------------------------------------------------------------------------
    def dump(self) -> Iterator[dict[str, Any]]:
        """The state as small JSON-serialisable rows (rules themselves are not in it)."""
        yield {"now": self.now, "awake": self._awake[0]}
        for start in range(0, len(self._heap), _ROW):
            yield {"heap": self._heap[start : start + _ROW]}
        for entity_id, known in self._known.items():
            yield {"id": entity_id, "known": known.dump()}

    def load(self, rows: Iterable[dict[str, Any]]) -> None:
        """Take a dumped state; the same rules must have been set before. What no rule owns any more is dropped."""
        self._heap, self._known, self._alerts = [], {}, {}
        for row in rows:
            if "id" in row:
                self._known[row["id"]] = Known.load(row["known"], self._rules, self._facts)
            elif "heap" in row:
                self._heap += [(due, entity, rule, number) for due, entity, rule, number in row["heap"]]
            else:
                self.now, self._awake[0] = row["now"], row["awake"]
        heapq.heapify(self._heap)
        for fact in self._facts.values():
            fact.count = sum(fact.key in known.facts for known in self._known.values())
        for entity_id, known in self._known.items():
            for rule_id, episode in known.episodes.items():
                if episode.active:
                    self._alerts[episode.alert] = rule_id, entity_id
                compiled = self._rules[rule_id]
                if compiled.simple:
                    known.set_live(compiled.attrs[0], rule_id, episode.live)


def _newest(c: Compiled, known: Known) -> Micros:
    """The event time of the newest sample that the rule looks at; -1 where there is none."""
    newest = -1
    samples = known.samples
    for attr in c.attrs:
        sample = samples.get(attr)
        if sample is not None and sample[0] > newest:
            newest = sample[0]
    return newest
