"""The life of one rule on one entity: when does a true condition become an alert, and when is it over?

Pure. Fed with the truth of the conditions at rising moments ``now``; answers with signals. Two clocks (Time, in
DESIGN): a condition has *held* for a duration when observations say so (their event times span it) or when nothing
to the contrary has arrived for so long (arrival times span it).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from andaman.command.core.states import SEVERITIES
from andaman.command.signals.definition import Rule
from andaman.kernel.ids import keyed_id, urn
from andaman.kernel.time import MINUTE, Micros

REFRESH: Final = MINUTE
"""A continuing alert shows it (``lastSeen``) at most once in this time."""
FLAPPING: Final = 3
"""From so many occurrences on, a condition must be gone for the full damping time before it counts as cleared."""


class SignalKind(StrEnum):
    RAISED = "raised"  # a new episode: a new alert
    AGAIN = "again"  # back within the damping time: the same alert, one more occurrence
    WORSE = "worse"  # the severity rose
    SEEN = "seen"  # still so
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Signal:
    """One step of one alert. ``step`` counts the alert's signals from 1, the same in every replay of the journal."""

    kind: SignalKind
    alert_id: str
    step: int
    rule: Rule
    entity_id: str
    at: Micros  # when we knew
    onset: Micros  # when it became true in the world
    last_seen: Micros
    severity: str
    occurrences: int
    evidence: tuple[dict[str, Any], ...] = ()
    reason: str = ""  # CLEARED: "condition", "expired", "entity deleted", "rule changed"


def alert_id(rule_id: str, entity_id: str, began: Micros, key: bytes = b"") -> str:
    """The same for the same rule, entity and episode, so that a repeated run cannot raise an alert twice. ``key``: of this store,
    so that nobody asks by such an id whether there is an alert that is hidden."""
    return urn("Alert", f"{keyed_id(key, 'Alert', rule_id, entity_id)}-{began}")


@dataclass(slots=True)
class Episode:
    """State of one rule on one entity. Idle and without memory when every member has its default."""

    pending_event: Micros | None = None  # the condition holds since (event time) …
    pending_at: Micros = 0  # … and we know since (arrival)
    active: bool = False
    latched: bool = (
        False  # over by expiry or by a person while the condition still held: wait until it is gone
    )
    clearing_event: Micros | None = None
    clearing_at: Micros = 0
    # the last alert, kept for damping
    alert: str = ""
    step: int = 0
    onset: Micros = 0
    raised_at: Micros = 0
    cleared_at: Micros | None = None  # None also when a person closed it: no damping then
    occurrences: int = 0
    severity: str = "Unknown"
    last_seen: Micros = 0
    reported_at: Micros = 0
    evidence: tuple[dict[str, Any], ...] = ()

    @property
    def severity_rank(self) -> int:
        return SEVERITIES.index(self.severity)

    def worsen(self, rank: int) -> None:
        """Severity rises within an alert and never falls."""
        self.severity = SEVERITIES[max(rank, self.severity_rank)]

    def signal(self, kind: SignalKind, rule: Rule, entity_id: str, at: Micros, reason: str) -> Signal:
        return Signal(
            kind,
            self.alert,
            self.step,
            rule,
            entity_id,
            at,
            self.onset,
            self.last_seen,
            self.severity,
            self.occurrences,
            self.evidence,
            reason,
        )

    def dump(self) -> dict[str, Any]:
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) != f.default}

    @classmethod
    def load(cls, raw: dict[str, Any]) -> Episode:
        return cls(**{**raw, "evidence": tuple(raw.get("evidence", ()))})

    @property
    def live(self) -> bool:
        """Must be evaluated at each observation, even where the condition is false."""
        return self.active or self.latched or self.pending_event is not None

    def advance(
        self,
        rule: Rule,
        entity_id: str,
        holds: bool,
        gone: bool,
        evidence_at: Micros,
        now: Micros,
        key: bytes = b"",
    ) -> SignalKind | None:
        """One evaluation. ``holds``: the condition is true; ``gone``: the clear condition is (``holds`` wins). ``key``: that ids
        of alerts are made with.

        Returns what the caller must tell; the caller then fills in severity and evidence.
        """
        if self.latched:
            if not holds:
                self.latched = False
            return None
        if not self.active:
            if holds:
                return self._rise(rule, entity_id, evidence_at, now, key)
            self.pending_event = None
            return None
        if rule.expire and now - self.raised_at >= rule.expire:
            self.latched = holds
            return self._end(now)
        if gone and not holds:
            if self.clearing_event is None:
                self.clearing_event, self.clearing_at = evidence_at, now
            wait = self.clear_wait(rule)
            if evidence_at - self.clearing_event >= wait or now - self.clearing_at >= wait:
                return self._end(now)
            return None
        self.clearing_event = None
        return None

    def clear_wait(self, rule: Rule) -> Micros:
        return max(rule.clear_hold, rule.damping) if self.occurrences >= FLAPPING else rule.clear_hold

    def _rise(
        self, rule: Rule, entity_id: str, evidence_at: Micros, now: Micros, key: bytes
    ) -> SignalKind | None:
        if self.pending_event is None:
            if rule.max_age and now - evidence_at > rule.max_age:
                return None  # too old to begin with
            self.pending_event, self.pending_at = evidence_at, now
        if evidence_at - self.pending_event < rule.hold and now - self.pending_at < rule.hold:
            return None
        again = self.cleared_at is not None and now - self.cleared_at <= rule.damping
        if not again:
            self.alert = alert_id(rule.id, entity_id, self.pending_at, key)
            self.step, self.occurrences, self.severity = 0, 0, SEVERITIES[0]
            self.onset = self.pending_event
        self.active, self.cleared_at, self.pending_event = True, None, None
        self.raised_at = now
        self.occurrences += 1
        self.last_seen = self.reported_at = now
        return SignalKind.AGAIN if again else SignalKind.RAISED

    def _end(self, now: Micros) -> SignalKind:
        self.active, self.clearing_event, self.cleared_at = False, None, now
        return SignalKind.CLEARED

    def close(self, holds: bool) -> None:
        """A person closed the alert: the episode is over, and nothing is damped or reopened."""
        self.active, self.clearing_event, self.cleared_at = False, None, None
        self.latched = holds
        self.pending_event = None
