"""Households by local authority: the only count of residents below the district.

The series ``waste-households`` counts the households with waste collection of each local authority. A sub-district names
the authorities that serve it (``localAuthority``), so the series says how a district's residents divide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from andaman.assessment.network.roads import Ints
from andaman.assessment.reach.land import LandGrid
from andaman.assessment.reach.population import Zones
from andaman.broker.api import Doc, value

SERIES: Final = "waste-households"
"""``kpiCode`` of the series."""


def zones_of(grid: LandGrid, areas: Sequence[Doc], series: Sequence[Doc]) -> Zones | None:
    """Zones of the land cells; None where the city has no series that covers its sub-districts.

    Sub-districts that share an authority are one zone. The year is the latest for which every authority of a
    sub-district reports a number above zero: an authority without a report is not an authority without households.
    """
    import shapely
    from shapely.geometry import shape

    docs = [doc for doc in series if value(doc, "kpiCode") == SERIES]
    subs = sorted(
        (doc for doc in areas if _authorities(doc) and _outline(doc) is not None), key=lambda d: str(d["id"])
    )
    if len(docs) != 1 or not subs:
        return None
    wanted = {name for doc in subs for name in _authorities(doc)}
    year, counts = _latest(docs[0], wanted)
    if year is None:
        return None
    groups = _joined([_authorities(doc) for doc in subs])
    cell = np.full(grid.n, -1, dtype=np.int64)
    households = np.zeros(max(groups) + 1)
    authorities = [""] * len(households)
    for group in set(groups):
        names = {
            name for doc, one in zip(subs, groups, strict=True) if one == group for name in _authorities(doc)
        }
        households[group] = sum(counts[name] for name in names)
        authorities[group] = ", ".join(sorted(names))
    for doc, group in zip(subs, groups, strict=True):
        outline = shapely.make_valid(shape(_outline(doc) or {}))
        shapely.prepare(outline)
        cell[(cell < 0) & shapely.contains_xy(outline, grid.lonlat[:, 0], grid.lonlat[:, 1])] = group
    cell = _closed(grid, cell)
    entities = (str(docs[0]["id"]), *(str(doc["id"]) for doc in subs))
    return Zones(cell, households, year, entities, tuple(authorities))


def _closed(grid: LandGrid, cell: Ints) -> Ints:
    """Cells on a border between simplified outlines join the nearest zone of their district."""
    from scipy.spatial import KDTree

    for k in range(len(grid.areas)):
        here = grid.area == k
        known, open_ = np.flatnonzero(here & (cell >= 0)), np.flatnonzero(here & (cell < 0))
        if len(known) and len(open_):
            distance, nearest = KDTree(grid.xy[known]).query(grid.xy[open_])
            close = np.asarray(distance) <= 2.0 * grid.cell_m
            cell[open_[close]] = cell[known[np.asarray(nearest)[close]]]
    return cell


def _authorities(doc: Doc) -> list[str]:
    found = value(doc, "localAuthority")
    names = [found] if isinstance(found, str) else found
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _outline(doc: Doc) -> dict[str, Any] | None:
    found = value(doc, "location")
    return found if isinstance(found, dict) and found.get("type") in ("Polygon", "MultiPolygon") else None


def _latest(doc: Doc, wanted: set[str]) -> tuple[str | None, dict[str, float]]:
    """The latest year for which all of these authorities report households, and their numbers."""
    series = value(doc, "series")
    parts = series.get("parts") if isinstance(series, Mapping) else None
    values = parts.get("values") if isinstance(parts, Mapping) else None
    by_year: dict[str, dict[str, float]] = {}
    for name, points in values.items() if isinstance(values, Mapping) else ():
        for point in points if isinstance(points, list) else ():
            match point:
                case [str(year), int(number) | float(number)] if number > 0 and not isinstance(number, bool):
                    by_year.setdefault(year, {})[str(name)] = float(number)
                case _:
                    continue
    full = sorted(year for year, counts in by_year.items() if wanted <= counts.keys() and year[:4].isdigit())
    return (full[-1][:4], by_year[full[-1]]) if full else (None, {})


def _joined(names: Sequence[Sequence[str]]) -> list[int]:
    """A group number for each sub-district: equal where a chain of shared authorities joins them."""
    group = list(range(len(names)))
    for k, mine in enumerate(names):
        for other in range(k):
            if group[other] != group[k] and not set(mine).isdisjoint(names[other]):
                old, new = group[k], group[other]
                group = [new if one == old else one for one in group]
    order = {one: n for n, one in enumerate(dict.fromkeys(group))}
    return [order[one] for one in group]
