"""Parts against the total: a series that says another number than its own parts, or than the entities that it sums up.

Parts by area and by local authority make up the province. Other parts, such as those of a mean, do not add up. The
entities behind a series are named in ``data/parts.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Protocol

from andaman.broker.api import Doc, value
from andaman.kernel.words import LanguageMap

_OF_PLACES: Final = frozenset({"area", "localAuthority"})
_OWN: Final[LanguageMap] = {"th": "ผลรวมของพื้นที่ในชุดข้อมูลเดียวกัน", "en": "the areas of the same series together"}
_TOLERANCE: Final = 0.01
"""A part may be missing, or rounded, up to this share of the total."""


class Entities(Protocol):
    def entities(self, types: Sequence[str]) -> Sequence[Doc]: ...


@lru_cache(maxsize=1)
def sums() -> Mapping[str, Mapping[str, Any]]:
    """Code of a series → the entities that make it up: short type, (attribute, value) they have, and the attribute that is added."""
    raw = (files("andaman.assessment.indicators") / "data" / "parts.json").read_text("utf-8")
    found: Mapping[str, Mapping[str, Any]] = json.loads(raw)
    return found


def points_of(series: Any) -> list[tuple[str, float]]:
    """(period, number) of a series that anybody may have written: everything that is not such a pair is left out."""
    return pairs_of(series.get("points") if isinstance(series, Mapping) else None)


def pairs_of(rows: Any) -> list[tuple[str, float]]:
    """The (period, number) pairs of a list that anybody may have written."""
    return [
        (str(row[0]), float(row[1]))
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, list | tuple)
        and len(row) == 2
        and isinstance(row[0], str | int)
        and isinstance(row[1], int | float)
        and not isinstance(row[1], bool)
    ]


def doubt_about(doc: Doc, used: Mapping[str, float], source: Entities) -> LanguageMap | None:
    """What contradicts a series in the periods that are ``used`` (period → number); None where nothing does."""
    series = value(doc, "series")
    rows = _rows_of(series.get("parts") if isinstance(series, Mapping) else None)
    for period, total in used.items():
        doubt = _doubt(total, [row[period] for row in rows if period in row], _OWN)
        if doubt is not None:
            return doubt
    code = value(doc, "kpiCode")
    rule = sums().get(code) if isinstance(code, str) else None
    if rule is None or not used or max(used) != max((period for period, _ in points_of(series)), default=""):
        return None  # the entities are of today
    attr, wanted = rule["where"]
    found = [
        value(one, rule["attr"]) for one in source.entities((rule["entities"],)) if value(one, attr) == wanted
    ]
    numbers = [float(one) for one in found if isinstance(one, int | float) and not isinstance(one, bool)]
    return _doubt(used[max(used)], numbers, rule["name"])


def _rows_of(parts: Any) -> list[dict[str, float]]:
    """Period → number of each area; nothing for parts that do not make up the province."""
    if not isinstance(parts, Mapping) or str(parts.get("by")) not in _OF_PLACES:
        return []
    values = parts.get("values")
    return [dict(pairs_of(row)) for row in values.values()] if isinstance(values, Mapping) else []


def _doubt(total: float, parts: Iterable[float], name: LanguageMap) -> LanguageMap | None:
    numbers = list(parts)
    together = sum(numbers)
    if not numbers or abs(together - total) <= _TOLERANCE * max(abs(total), abs(together)):
        return None
    return {
        "th": f"ข้อมูลขัดแย้งกัน: ผลรวมเป็น {total:,.0f} แต่{name['th']}เป็น {together:,.0f}",
        "en": f"Contradiction: the total is {total:,.0f}, and {name['en']} are {together:,.0f}",
    }
