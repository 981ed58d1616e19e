"""The trend of an indicator over the years for which its series have data. Pure.

A year counts as if it were the last that is known. A series that has a single year, such as the registered population,
keeps that year's value in all years; the trend names it, since rates of other years then rest on a wrong divisor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from andaman.assessment.indicators.evaluation import Indicator, evaluate_indicator
from andaman.assessment.indicators.inputs import Computed, Source
from andaman.assessment.indicators.parts import points_of
from andaman.broker.api import Doc, entity, js, value
from andaman.kernel.time import Micros


class _UpTo:
    """A source as it would be at the end of a year: points of later years are not there."""

    def __init__(self, source: Source, year: str) -> None:
        self._source, self._year = source, year

    @property
    def now(self) -> Micros:
        return self._source.now

    def entities(self, types: Sequence[str]) -> Sequence[Doc]:
        return self._source.entities(types)

    def computed(self, name: str) -> Computed | None:
        return self._source.computed(name)

    def is_by_hand(self, entity_id: str) -> bool:
        return self._source.is_by_hand(entity_id)

    def series(self, code: str) -> Doc | None:
        doc = self._source.series(code)
        if doc is None or len(_years(doc)) < 2:
            return doc
        kept = [
            [period, number] for period, number in points_of(value(doc, "series")) if period[:4] <= self._year
        ]
        shorter = entity(doc["id"], "KeyPerformanceIndicator", series=js({"points": kept}))
        return {**doc, "attrs": {**doc["attrs"], **shorter["attrs"]}}


def trend(indicator: Indicator, source: Source) -> dict[str, Any]:
    """``{"years": [[year, value], ...], "held": [names of inputs with a single year]}``; no years without two of them."""
    specs: Mapping[str, Mapping[str, Any]] = indicator.inputs
    if not all("series" in spec for spec in specs.values()):
        return {"years": [], "held": []}
    years: dict[str, set[str]] = {}
    for name, spec in specs.items():
        doc = source.series(spec["series"])
        years[name] = _years(doc) if doc is not None else set()
    moving = [name for name, found in years.items() if len(found) > 1]
    points: list[list[Any]] = []
    for year in sorted(set().union(*(years[name] for name in moving))) if moving else []:
        found = evaluate_indicator(indicator, _UpTo(source, year))
        of_year = all(
            str(one["period"]).startswith(year)
            for one in found["inputs"]
            if one["name"] in moving and specs[one["name"]].get("period") != "previousYear"
        )
        if found["value"] is not None and of_year:
            points.append([year, found["value"]])
    held = [
        specs[name].get("name") or {"th": name, "en": name} for name, one in years.items() if len(one) == 1
    ]
    return {"years": points, "held": held if points else []} if len(points) > 1 else {"years": [], "held": []}


def _years(doc: Doc) -> set[str]:
    return {period[:4] for period, _ in points_of(value(doc, "series"))}
