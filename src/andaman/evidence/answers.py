"""The answer of the door of evidence. Shapes for people: docs/rooms/evidence.md."""

from __future__ import annotations

from typing import Any

from andaman.kernel.answers import Answer
from andaman.kernel.words import Words


class FigureValue(Answer, frozen=True, kw_only=True):
    """A named value, of a constant or a detail."""

    name: Words
    value: float | int | str | Words | None
    unit: Words | None = None
    source: Words | None = None
    check: Words | None = None


class FigurePart(Answer, frozen=True, kw_only=True):
    title: Words
    kind: str
    key: str
    value: float | int | str | Words | None
    unit: Words | None


class EvidenceDataset(Answer, frozen=True, kw_only=True):
    code: str
    title: dict[str, str]


class EvidenceHand(Answer, frozen=True, kw_only=True):
    """The last change by hand. ``after_loading``: the platform had loaded or made the entity before. ``at``, ``by``: when,
    and the name of the writer; null for callers who may not read the audit log."""

    after_loading: bool
    at: str | None
    by: str | None


class EvidenceEntity(Answer, frozen=True, kw_only=True):
    """An entity that the caller may see. ``value``: as the figure used it. ``unit``: UN/CEFACT code. ``time``: when the
    value was true. ``by_hand``: somebody wrote it outside every procedure of the platform; null where nobody did, or where
    the platform does not follow who writes entities of the type."""

    id: str
    type: str
    types: list[str]
    name: Any
    attribute: str
    value: Any
    unit: str
    time: str | None
    modified_at: str | None
    origin: str
    dataset: EvidenceDataset | None
    source: str
    licence: str
    note: Words | None
    by_hand: EvidenceHand | None


class EvidenceAnswer(Answer, frozen=True, kw_only=True):
    """``total``: the entities that the caller may see; ``entities``: a page of them, from ``offset``. ``at``: a past
    instant, null for now."""

    kind: str
    key: str
    title: Words
    value: float | int | str | Words | None
    unit: Words | None
    attribute: str
    period: Words | None
    population: Words | None
    check: Words | None
    formula: Words | None
    constants: list[FigureValue]
    details: list[FigureValue]
    parts: list[FigurePart]
    note: Words | None
    left_out: int
    at: str | None
    total: int
    offset: int
    limit: int
    entities: list[EvidenceEntity]
