"""Frozen views of stored measures and portfolios, of the room or of anyone else. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import msgspec

from andaman.broker.api import Doc, value
from andaman.roadmap.records import MEASURE


@dataclass(frozen=True, slots=True)
class StoredMeasure:
    id: str  # the last part of the entity's id
    definition: Any  # ``model.read_measure`` reads it
    edited: bool  # somebody changed it here: an upgrade leaves it alone
    origin: str

    @classmethod
    def of(cls, doc: Doc) -> Self:
        return cls(
            doc["id"].removeprefix(MEASURE),
            value(doc, "definition"),
            bool(value(doc, "edited")),
            str(value(doc, "origin", "")),
        )


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Members of an object that the room reads; it may have others."""


class MeasureNamed(_Part, frozen=True, kw_only=True):
    id: str


class ChosenMeasure(MeasureNamed, frozen=True, kw_only=True):
    start_year: int


class Solver(_Part, frozen=True, kw_only=True):
    """``proved``: no plan that is allowed is better."""

    proved: bool


class Robustness(_Part, frozen=True, kw_only=True):
    """``samples``: done so far. ``chosen_share``: measure → share of the samples whose best plan has it, 0 to 1."""

    status: str
    samples: int
    chosen_share: dict[str, float]


class CommonCosts(_Part, frozen=True, kw_only=True):
    over_budget_share: float


class Drawn(_Part, frozen=True, kw_only=True):
    """``common``: all costs move together. Results of earlier versions lack it, and are computed again."""

    over_budget_share: float
    common: CommonCosts


class Facts(_Part, frozen=True, kw_only=True):
    id: str
    name: dict[str, str]
    inputs_key: str  # of measures, values and indicators
    request_key: str  # of these and the request
    computed_at: str
    terms: dict[str, Any]
    totals: dict[str, Any]
    draws: Drawn
    chosen: tuple[ChosenMeasure, ...]
    alone: tuple[MeasureNamed, ...]
    not_chosen: tuple[MeasureNamed, ...]
    solver: Solver
    alternative: dict[str, Any]
    contested: tuple[dict[str, Any], ...]
    robustness: Robustness


@dataclass(frozen=True, slots=True)
class StoredPortfolio:
    facts: Facts
    result: dict[str, Any]
    """Complete, as the room answers it."""

    @classmethod
    def of(cls, doc: Doc) -> Self | None:
        """None where it cannot be read, or says that it is another one."""
        found = cls.of_result(value(doc, "result"))
        return found if found is not None and found.facts.id == doc["id"] else None

    @classmethod
    def of_result(cls, result: Any) -> Self | None:
        """Of the result itself; None where it cannot be read."""
        if not isinstance(result, dict):
            return None
        try:
            return cls(msgspec.convert(result, Facts), result)
        except msgspec.ValidationError:
            return None
