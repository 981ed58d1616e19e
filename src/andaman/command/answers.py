"""The answers of the command center's doors that are not entities. Shapes for people: docs/api.md."""

from __future__ import annotations

from typing import Any

from andaman.kernel.answers import Answer, Geometry, LiveEntity
from andaman.kernel.words import Words


class Summary(Answer, frozen=True, kw_only=True):
    """Counts. ``alerts``: those that need somebody, by severity; ``unacknowledged``: the open ones of them. ``incidents`` and
    ``units``: by status, ``unknown`` for a damaged one."""

    alerts: dict[str, int]
    unacknowledged: dict[str, int]
    incidents: dict[str, int]
    units: dict[str, int]


class UnitTypeAnswer(Answer, frozen=True, kw_only=True):
    """``icon``: a glyph of the map. ``travels``: "road" or "water"."""

    code: str
    name: Words
    icon: str
    travels: str


class CandidateAnswer(Answer, frozen=True, kw_only=True):
    """``reason``: figures that explain the rank. ``arrival_seconds``: from being sent to arriving, with a minute to turn out.
    Times and distance are null while nobody knows the place; then the units have no rank."""

    unit: LiveEntity
    eta_seconds: float | None
    arrival_seconds: float | None
    distance_m: float | None
    route: Geometry | None
    reason: dict[str, Any]


class IncidentPage(Answer, frozen=True, kw_only=True):
    """``total``: all that match; ``incidents``: those asked for, the newest first."""

    total: int
    incidents: list[LiveEntity]


class Ranking(Answer, frozen=True, kw_only=True):
    """``skipped``: the other units, each with the reason."""

    candidates: list[CandidateAnswer]
    skipped: list[dict[str, Any]]


class PreviewHit(Answer, frozen=True, kw_only=True):
    """``values``: the ground, as an alert has it in ``data``. ``waits``: the condition must hold for the rule's time first."""

    entity: str
    name: Words | None
    severity: str
    values: list[dict[str, Any]]
    waits: bool


class RulePreview(Answer, frozen=True, kw_only=True):
    """A rule tried on the present. ``count``: entities on which the condition holds; ``hits``: the first 50 of them that the
    caller may read. ``looked``: entities that were looked at; ``whole`` false: there are more. ``open``: alerts of the rule
    that are open now; ``ends`` of them end and ``begins`` others begin. ``same``: only texts differ from the rule in force.
    ``needs_history``: some condition is about change or silence, which a look at the present cannot judge. ``warnings``:
    problem documents of what is probably not meant."""

    count: int
    hits: list[PreviewHit]
    looked: int
    whole: bool
    open: int
    ends: int
    begins: int
    same: bool
    needs_history: bool
    warnings: list[dict[str, Any]]
