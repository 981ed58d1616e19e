"""Measures and values as plain data: what may be built, its cost and effects, and the value of the effects.

Money is in million baht (MTHB). An effect is the *share of what remains* that a measure removes: 0.1 on road deaths
takes away a tenth of the deaths left by the other measures; 0.3 on a coverage closes three tenths of what is missing.
So two measures of 0.2 and 0.1 together remove 1 - 0.8 x 0.9 = 0.28, never more than all: nothing is counted twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from andaman.assessment.citation import Check, check_json, read_check
from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import NotAWholeNumber, NumberOutOfRange
from andaman.kernel.words import LanguageMap

MAX_LEAD: Final = 10
_MOST_MTHB: Final = 1e6


@dataclass(frozen=True, slots=True)
class Triangle:
    """A range with its most likely value; drawn from a triangular distribution."""

    low: float
    likely: float
    high: float
    basis: LanguageMap | None = None
    source: str | None = None
    check: Check | None = None  # how far the source was checked; None without one

    def as_json(self) -> dict[str, Any]:
        return {
            "low": self.low, "likely": self.likely, "high": self.high, "basis": self.basis, "source": self.source,
            **check_json(self.check),
        }  # fmt: skip

    @property
    def mean(self) -> float:
        """Of the triangular distribution."""
        return (self.low + self.likely + self.high) / 3.0

    @property
    def has_outside_source(self) -> bool:
        """A source other than the platform itself."""
        return self.source is not None and self.check is not Check.OWN

    def per(self, units: float) -> dict[str, float]:
        """The range divided by ``units``, as JSON."""
        return {"low": self.low / units, "likely": self.likely / units, "high": self.high / units}


@dataclass(frozen=True, slots=True)
class Effect:
    indicator: str
    share: Triangle


@dataclass(frozen=True, slots=True)
class Measure:
    id: str
    name: LanguageMap
    description: LanguageMap
    domain: str
    agency: str
    lead_years: int  # years from the start until it works; capital is spent evenly over them
    capex: Triangle
    opex: Triangle  # per year of working
    effects: tuple[Effect, ...]
    requires: tuple[str, ...] = ()  # must work before this one starts
    excludes: tuple[str, ...] = ()
    competencies: tuple[str, ...] = ()
    reveals: tuple[str, ...] = ()  # indicators that become measurable

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "domain": self.domain,
            "agency": self.agency,
            "leadYears": self.lead_years,
            "capexMthb": self.capex.as_json(),
            "opexMthb": self.opex.as_json(),
            "effects": [{"indicator": e.indicator, "share": e.share.as_json()} for e in self.effects],
            "requires": list(self.requires),
            "excludes": list(self.excludes),
            "competencies": list(self.competencies),
            "reveals": list(self.reveals),
        }


@dataclass(frozen=True, slots=True)
class Worth:
    """The worth of one unit of an indicator a year, and the value at which nothing remains to be done."""

    indicator: str
    ideal: float
    mthb_per_unit: Triangle
    lives_per_unit: float | None = None
    """Deaths a year that one unit stands for; None where the worth is not that of lives."""

    def as_json(self) -> dict[str, Any]:
        """``lifeMthb``: the value of a statistical life that the worth implies, in MTHB."""
        lives = self.lives_per_unit
        return {
            "indicator": self.indicator,
            "ideal": self.ideal,
            "mthbPerUnit": self.mthb_per_unit.as_json(),
            "livesPerUnit": lives,
            "lifeMthb": None if lives is None else self.mthb_per_unit.per(lives),
        }


def _number(given: Any, where: str, low: float, high: float) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not low <= given <= high:
        raise NumberOutOfRange(field=where, low=low, high=high)
    return float(given)


def _text(given: Any, where: str) -> LanguageMap:
    if (
        not isinstance(given, Mapping)
        or set(given) != {"th", "en"}
        or not all(isinstance(one, str) and 0 < len(one) <= 2000 for one in given.values())
    ):
        raise BadRequestData(f'{where} must be {{"th": "…", "en": "…"}} with texts in both', field=where)
    return dict(given)


def read_triangle(given: Any, where: str, low: float, high: float) -> Triangle:
    """A range from JSON. Raises BadRequestData unless low ≤ likely ≤ high within the bounds."""
    if not isinstance(given, Mapping):
        raise BadRequestData(f'{where} must be {{"low": …, "likely": …, "high": …}}', field=where)
    ends = [_number(given.get(name), f"{where}/{name}", low, high) for name in ("low", "likely", "high")]
    if ends != sorted(ends):
        raise BadRequestData(f"{where} must rise from low over likely to high", field=where)
    basis, source = given.get("basis"), given.get("source")
    if source is not None and not (isinstance(source, str) and len(source) <= 500):
        raise BadRequestData(f"{where}/source must be a text", field=f"{where}/source")
    check = read_check(given.get("check"), source, f"{where}/check")
    return Triangle(
        ends[0], ends[1], ends[2], None if basis is None else _text(basis, f"{where}/basis"), source, check
    )


def _names(given: Any, where: str) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(one, str) and 0 < len(one) <= 80 for one in given):
        raise BadRequestData(f"{where} must be a list of ids", field=where)
    return tuple(dict.fromkeys(given))


def read_measure(row: Any, indicators: Sequence[str], measures: Sequence[str]) -> Measure:
    """A measure from JSON. Raises BadRequestData naming the member that is wrong.

    ``indicators`` and ``measures``: the ids that exist, so that nothing points nowhere.
    """
    if not isinstance(row, Mapping):
        raise BadRequestData("A measure is an object; GET /api/roadmap/measures shows the form")
    name = row.get("id")
    if not isinstance(name, str) or not name or len(name) > 80:
        raise BadRequestData("id must be a text", field="id")
    lead = row.get("leadYears")
    if isinstance(lead, bool) or not isinstance(lead, int) or not 1 <= lead <= MAX_LEAD:
        raise NotAWholeNumber(field="leadYears", low=1, high=MAX_LEAD)
    effects = row.get("effects")
    if not isinstance(effects, list):
        raise BadRequestData("effects must be a list of {indicator, share}", field="effects")
    read = []
    for k, effect in enumerate(effects):
        where = f"effects/{k}"
        if not isinstance(effect, Mapping) or effect.get("indicator") not in indicators:
            raise BadRequestData(f"{where}/indicator must be an indicator's id", field=f"{where}/indicator")
        read.append(
            Effect(effect["indicator"], read_triangle(effect.get("share"), f"{where}/share", 0.0, 0.95))
        )
    if len({effect.indicator for effect in read}) < len(read):
        raise BadRequestData("effects must name each indicator once", field="effects")
    links = {
        key: _names(row.get(key, []), key) for key in ("requires", "excludes", "competencies", "reveals")
    }
    for key in ("requires", "excludes"):
        for other in links[key]:
            if other not in measures or other == name:
                raise BadRequestData(f"{key} names {other!r}, which is not another measure", field=key)
    return Measure(
        name,
        _text(row.get("name"), "name"),
        _text(row.get("description"), "description"),
        str(row.get("domain", "")),
        str(row.get("agency", "")),
        lead,
        read_triangle(row.get("capexMthb"), "capexMthb", 0.0, _MOST_MTHB),
        read_triangle(row.get("opexMthb"), "opexMthb", 0.0, _MOST_MTHB),
        tuple(read),
        links["requires"],
        links["excludes"],
        links["competencies"],
        links["reveals"],
    )


def check_requirements(measures: Sequence[Measure]) -> None:
    """Raise BadRequestData when prerequisites run in a circle."""
    needs = {measure.id: set(measure.requires) for measure in measures}
    done: set[str] = set()
    while needs:
        ready = [name for name, wanted in needs.items() if wanted <= done]
        if not ready:
            raise BadRequestData(f"requires runs in a circle: {', '.join(sorted(needs))}", field="requires")
        for name in ready:
            done.add(name)
            del needs[name]


def _data(name: str) -> Any:
    return json.loads((files("andaman.roadmap") / "data" / name).read_text("utf-8"))


@lru_cache(maxsize=1)
def shipped_measures() -> tuple[Measure, ...]:
    """The measures that come with the platform (``data/measures.json``)."""
    rows = _data("measures.json")
    ids = [row["id"] for row in rows]
    worth = [one.indicator for one in shipped_values()]
    measures = tuple(read_measure(row, worth, ids) for row in rows)
    check_requirements(measures)
    return measures


@lru_cache(maxsize=1)
def shipped_values() -> tuple[Worth, ...]:
    """What indicators are worth (``data/values.json``)."""
    rows = _data("values.json")
    return tuple(
        Worth(
            row["indicator"],
            float(row["ideal"]),
            read_triangle(
                {**row["mthbPerUnit"], **{name: row.get(name) for name in ("basis", "source", "check")}},
                "mthbPerUnit", 0.0, _MOST_MTHB,
            ),
            row.get("livesPerUnit"),
        )
        for row in rows
    )  # fmt: skip
