"""The attributes that exist, with their kinds and numbers of entities, read from the index's columns (CIM 009
§5.7.5-10).

No entity is opened for the counts. The index knows attributes by the hash of their name: a name that this process has
not met is learnt from one entity that has it. Kinds that the index does not tell apart (lists, languages, several
instances) are looked up in at most ``SAMPLE`` entities of each type and attribute.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from andaman.broker.query.columns import AREA, POINT, Column, Table
from andaman.broker.query.facts import ABSENT, OBJECT, OTHER, attr_code, attr_of
from andaman.broker.query.select import Load, Part

SAMPLE: Final = 200
_TRIES: Final = 8


@dataclass(slots=True)
class AttrSurvey:
    """One attribute of the entities of one combination of types. ``kinds`` is empty where it was not asked for."""

    count: int
    kinds: set[str] = field(default_factory=set)


@dataclass(slots=True)
class TypeSurvey:
    """The visible entities with exactly these types. ``attrs`` by IRI."""

    types: tuple[str, ...]
    count: int
    attrs: dict[str, AttrSurvey] = field(default_factory=dict)


def survey(parts: list[Part], load: Load, kinds_of: Container[str] | None) -> list[TypeSurvey]:
    """Count. ``kinds_of``: the attributes whose kinds are wanted (None: of all)."""
    found = []
    for part in parts:
        table, n, allowed, _ = part
        group = np.take(allowed, table.shape[:n], mode="clip")
        count = int(np.count_nonzero(group))
        if count:
            found.append(TypeSurvey(table.types, count, _attrs(part, group, load, kinds_of)))
    return found


def _attrs(
    part: Part, group: npt.NDArray[np.int32], load: Load, kinds_of: Container[str] | None
) -> dict[str, AttrSurvey]:
    table, n, _, hidden = part
    found: dict[str, AttrSurvey] = {}
    for code, column in list(table.columns.items()):
        state = column.state[:n]
        there = (state != ABSENT) & (group > 0)
        rows = np.flatnonzero(there)
        name = (attr_of(code) or _learnt(code, table, rows, load)) if len(rows) else None
        if name is None:
            continue
        blind = [number for number, attrs in enumerate(hidden) if name in attrs]
        if blind:
            rows = rows[~np.isin(group[rows], blind)]
        if len(rows):
            found[name] = AttrSurvey(len(rows))
            if kinds_of is None or name in kinds_of:
                found[name].kinds = _kinds(name, code, column, table, rows, load)
    return found


def _learnt(code: int, table: Table, rows: npt.NDArray[np.int64], load: Load) -> str | None:
    """The name behind a code, from the first entities that have it; looking at them teaches their other names too."""
    for row in rows[:_TRIES].tolist():
        for doc in load([table.ids[row]]):
            for name in doc["attrs"]:
                attr_code(name)
        name = attr_of(code)
        if name is not None:
            return name
    return None  # all of them changed meanwhile


def _kinds(
    name: str, code: int, column: Column, table: Table, rows: npt.NDArray[np.int64], load: Load
) -> set[str]:
    state = column.state[rows]
    found = set()
    if np.any(state < OBJECT):
        found.add("Property")
    if np.any(state == OBJECT):
        found.add("Relationship")
    rest = rows[state >= OTHER]
    geo = table.geos.get(code)
    if geo is not None and len(rest):
        placed = np.isin(geo.state[rest], (POINT, AREA))
        if np.any(placed):
            found.add("GeoProperty")
        rest = rest[~placed]
    if len(rest):
        some = rest[np.linspace(0, len(rest) - 1, min(SAMPLE, len(rest))).astype(np.int64)]
        for doc in load([one for row in some.tolist() if (one := table.ids[row])]):
            found.update(instance["type"] for instance in doc["attrs"].get(name, ()))
    return found
