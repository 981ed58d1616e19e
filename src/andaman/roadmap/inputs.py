"""What a portfolio is computed from. It is kept with the portfolio, so that it can be computed again, and compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from andaman.kernel.words import LanguageMap
from andaman.roadmap.gaps import is_contested, is_measured, remaining_of
from andaman.roadmap.model import Effect, Measure, Triangle, Worth

_VOLATILE: Final = frozenset({"feed-freshness", "response-time", "rain-cover"})
"""Indicators that change by the minute: a plan is not out of date because a bus has parked."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """``rows``: indicator results by id. ``key`` is equal for equal inputs. ``contested``: indicators that count here, and that
    rest on what somebody wrote by hand, or whose parts contradict their total."""

    measures: tuple[Measure, ...]
    values: tuple[Worth, ...]
    rows: dict[str, dict[str, Any]]
    remaining: dict[str, float]
    key: str
    contested: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, measures: Sequence[Measure], values: Sequence[Worth], rows: Sequence[dict[str, Any]]
    ) -> Inputs:
        remaining = remaining_of(rows, values)
        steady = {name: float(f"{left:.3g}") for name, left in remaining.items() if name not in _VOLATILE}
        by_id = {row["id"]: row for row in rows}
        contested = tuple(name for name in remaining if is_contested(by_id[name]))
        doubtful = [name for name in contested if name in steady]
        content = [[m.as_json() for m in measures], [v.as_json() for v in values], steady, doubtful]
        key = hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
        return cls(tuple(measures), tuple(values), by_id, remaining, key, contested)

    def name_of(self, indicator: str) -> LanguageMap:
        """In words; the id itself where no such indicator was computed."""
        row = self.rows.get(indicator)
        name: LanguageMap = row["name"] if row else {"th": indicator, "en": indicator}
        return name

    def unmeasured(self, measure: Measure) -> list[str]:
        """Indicators that the measure affects or reveals and that have no value, so that it brings no benefit there."""
        names = [effect.indicator for effect in measure.effects if effect.indicator not in self.remaining]
        for name in measure.reveals:
            row = self.rows.get(name)
            if name not in names and (row is None or not is_measured(row)):
                names.append(name)
        return names

    def as_json(self) -> dict[str, Any]:
        """Numbers only: ``measures`` as the solver has them, ``remaining`` units by indicator, ``values`` in full."""
        return {
            "remaining": self.remaining,
            "measures": [_numbers(measure) for measure in self.measures],
            "values": [
                {"indicator": v.indicator, "ideal": v.ideal, "mthbPerUnit": _ends(v.mthb_per_unit)}
                for v in self.values
            ],
        }


def _ends(one: Triangle) -> list[float]:
    return [one.low, one.likely, one.high]


def _numbers(measure: Measure) -> dict[str, Any]:
    return {
        "id": measure.id,
        "leadYears": measure.lead_years,
        "capexMthb": _ends(measure.capex),
        "opexMthb": _ends(measure.opex),
        "effects": {effect.indicator: _ends(effect.share) for effect in measure.effects},
        "requires": list(measure.requires),
        "excludes": list(measure.excludes),
    }


def read_numbers(given: Mapping[str, Any]) -> tuple[tuple[Measure, ...], tuple[Worth, ...], dict[str, float]]:
    """Measures (without names), values and what remains, from ``Inputs.as_json``. Raises KeyError, TypeError or ValueError."""

    def triangle(ends: Sequence[float]) -> Triangle:
        low, likely, high = map(float, ends)
        return Triangle(low, likely, high)

    nameless: dict[str, str] = {}
    measures = tuple(
        Measure(
            str(row["id"]), nameless, nameless, "", "", int(row["leadYears"]),
            triangle(row["capexMthb"]), triangle(row["opexMthb"]),
            tuple(Effect(name, triangle(ends)) for name, ends in row["effects"].items()),
            tuple(row["requires"]), tuple(row["excludes"]),
        )
        for row in given["measures"]
    )  # fmt: skip
    values = tuple(
        Worth(str(row["indicator"]), float(row["ideal"]), triangle(row["mthbPerUnit"]))
        for row in given["values"]
    )
    return measures, values, {name: float(left) for name, left in given["remaining"].items()}


def source_counts(measures: Sequence[Measure], values: Sequence[Worth]) -> dict[str, dict[str, int]]:
    """How many ranges of each kind there are, and how many have a source other than the platform itself."""
    kinds = {
        "capex": [m.capex for m in measures],
        "opex": [m.opex for m in measures],
        "effects": [e.share for m in measures for e in m.effects],
        "values": [v.mthb_per_unit for v in values],
    }
    found = {
        kind: {"total": len(ranges), "withSource": sum(one.has_outside_source for one in ranges)}
        for kind, ranges in kinds.items()
    }
    found["costsAndEffects"] = {
        name: sum(found[kind][name] for kind in ("capex", "opex", "effects"))
        for name in ("total", "withSource")
    }
    return found
