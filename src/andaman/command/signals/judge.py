"""The engine's memory and judgement: one rule on one entity, facts that rules share, and deadlines. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Any, Final

from andaman.command.signals.conditions import Known
from andaman.command.signals.episode import REFRESH, Episode, Signal, SignalKind
from andaman.command.signals.plan import Compiled, Fact
from andaman.kernel.time import Micros

_ROW: Final = 100  # deadlines in a row of the dump


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
