"""Indicators as data: definitions are read, inputs are drawn from entities, and a value or a reason comes out.

A definition names its inputs and a formula on them (``expression.py``). An input is one of

* ``{"series": KPI code, "period": "latest" | "latestYear" | "previousYear" | "sameAs:<input>", "reduce": …, "atLeast": n}``
* ``{"entities": [types], "where": [[attr, op, value]…], "reduce": "count" | "sum" | "mean" | …, "attr": …, "atLeast": n}``
* ``{"fresh": [types], "seconds": s}``: share (0–1) of these entities observed within the last ``s`` seconds
* ``{"computed": name}``: a figure of another study of this room (accessibility, coverage)

Every result lists its inputs with the entities they came from, their times and the journal position: its lineage.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Protocol

from andaman.assessment.expression import Node, evaluate, names, parse
from andaman.broker.entity.build import value
from andaman.broker.model import Doc
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import Micros, format_time, parse_time

Text = dict[str, str]
QUALITY: Final = (
    "accurate measurement",
    "survey of inhabitants",
    "higher-level data",
    "assumption-based estimation",
    "personal estimation",
    "unknown, not traceable",
)
"""Steps 1 to 6 of the U4SSC data quality scale."""
BANDS: Final = (33.0, 66.0, 95.0)
"""U4SSC benchmark bands in percent of the target: under 33, 33–66, 66–95, from 95."""
LINEAGE_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Indicator:
    id: str
    name: Text
    domain: str
    code: str | None
    unit: Text
    direction: str  # "+": more is better, "-": less is better, "ctx": context only
    formula: str
    inputs: Mapping[str, Mapping[str, Any]]
    quality: int  # 1..6, step of QUALITY
    digits: int
    method: Text
    target: Mapping[str, Any] | None
    peers: tuple[Mapping[str, Any], ...]
    tree: Node


@dataclass(frozen=True, slots=True)
class Computed:
    """A figure of another study, with its range, where it comes from and when it was made."""

    value: float
    low: float | None = None
    high: float | None = None
    source: str = ""
    at: Micros = 0
    entities: tuple[str, ...] = ()


class Source(Protocol):
    """Where inputs come from: a view of the city at one moment."""

    @property
    def now(self) -> Micros: ...

    @property
    def seq(self) -> int: ...

    def entities(self, types: Sequence[str]) -> Sequence[Doc]:
        """Entities that have one of these (short) types, in a stable order."""

    def series(self, code: str) -> Doc | None:
        """The KeyPerformanceIndicator with this ``kpiCode``."""

    def computed(self, name: str) -> Computed | None: ...


@dataclass(slots=True)
class Input:
    """One input as it was used."""

    name: str
    value: float | None = None
    reason: Text | None = None
    period: str | None = None
    count: int = 0
    source: str = ""
    entities: list[tuple[str, str | None]] = field(default_factory=list)  # id, modifiedAt
    freshest: Micros | None = None
    low: float | None = None
    high: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": self.value,
            "period": self.period,
            "count": self.count,
            "source": self.source,
            "observedAt": None if self.freshest is None else format_time(self.freshest),
            "reason": self.reason,
            "entities": [{"id": i, "modifiedAt": m} for i, m in self.entities[:LINEAGE_SHOWN]],
            "entitiesTotal": len(self.entities),
        }


def read_definitions(rows: Sequence[Mapping[str, Any]]) -> list[Indicator]:
    """Definitions from JSON rows. Raises BadRequestData for a formula that names no input."""
    found = []
    for row in rows:
        tree = parse(row["formula"])
        unknown = names(tree) - set(row["inputs"])
        if unknown:
            raise BadRequestData(
                f"Indicator {row['id']}: the formula uses {sorted(unknown)}, which no input defines"
            )
        found.append(
            Indicator(
                row["id"], row["name"], row["domain"], row.get("code"), row["unit"], row["direction"], row["formula"],
                row["inputs"], row["quality"], row.get("digits", 1), row["method"], row.get("target"),
                tuple(row.get("peers", ())), tree,
            )
        )  # fmt: skip
    return found


@lru_cache(maxsize=1)
def definitions() -> tuple[Indicator, ...]:
    """The indicators that come with the platform (``data/indicators.json``)."""
    raw = (files("andaman.assessment") / "data" / "indicators.json").read_text("utf-8")
    return tuple(read_definitions(json.loads(raw)))


def evaluate_indicator(indicator: Indicator, source: Source) -> dict[str, Any]:
    """The result for screens: ``status`` "computed" with a value, or "insufficientData" with reasons; never a guess."""
    used: dict[str, Input] = {}
    for name, spec in indicator.inputs.items():
        used[name] = _draw(name, spec, source, used)
    reasons = [one.reason for one in used.values() if one.reason is not None]
    amount: float | None = None
    bounds: tuple[float, float] | None = None
    if not reasons:
        given = {name: one.value for name, one in used.items() if one.value is not None}
        try:
            amount = evaluate(indicator.tree, given)
            bounds = _bounds(indicator.tree, used, given)
        except ZeroDivisionError:
            reasons.append({"th": "ตัวหารในสูตรเป็นศูนย์", "en": "A divisor in the formula is zero"})
    times = [one.freshest for one in used.values() if one.freshest is not None]
    freshest = min(times) if times else None
    return {
        "id": indicator.id,
        "name": indicator.name,
        "code": indicator.code,
        "domain": indicator.domain,
        "unit": indicator.unit,
        "direction": indicator.direction,
        "status": "computed" if amount is not None else "insufficientData",
        "value": None if amount is None else round(amount, indicator.digits),
        "low": None if bounds is None else round(bounds[0], indicator.digits),
        "high": None if bounds is None else round(bounds[1], indicator.digits),
        "digits": indicator.digits,
        "reasons": reasons,
        "period": _period(used),
        "freshness": {
            "observedAt": None if freshest is None else format_time(freshest),
            "ageSeconds": None if freshest is None else max(0, (source.now - freshest) // 1_000_000),
        },
        "quality": {"step": indicator.quality, "scale": QUALITY[indicator.quality - 1]},
        "method": indicator.method,
        "formula": indicator.formula,
        "sources": sorted({one.source for one in used.values() if one.source}),
        "inputs": [one.as_json() for one in used.values()],
        "seq": source.seq,
        "computedAt": format_time(source.now),
        "target": indicator.target,
        "peers": list(indicator.peers),
        "benchmark": None if amount is None else benchmark(indicator, amount),
    }


def benchmark(indicator: Indicator, amount: float) -> dict[str, Any] | None:
    """How near the value is to its target: percent (100 is met) and U4SSC band 0 to 3; None without a target."""
    if indicator.target is None or indicator.direction == "ctx":
        return None
    aim = float(indicator.target["value"])
    if indicator.direction == "+":
        percent = 100.0 * amount / aim if aim > 0 else 100.0
        met = amount >= aim
    else:
        percent = 100.0 * aim / amount if amount > 0 else 100.0
        met = amount <= aim
    return {
        "percentOfTarget": round(min(max(percent, 0.0), 100.0), 1),
        "band": sum(percent >= edge for edge in BANDS),
        "met": met,
        "gap": round(abs(aim - amount), indicator.digits + 1) if not met else 0.0,
    }


def _bounds(tree: Node, used: Mapping[str, Input], given: Mapping[str, float]) -> tuple[float, float] | None:
    """Range of the value when inputs have ranges: the extremes over the inputs' ends (few inputs, so all corners)."""
    ranged = [name for name, one in used.items() if one.low is not None and one.high is not None]
    if not ranged or len(ranged) > 6:
        return None
    results = []
    for corner in range(2 ** len(ranged)):
        at = dict(given)
        for bit, name in enumerate(ranged):
            end = used[name].high if corner >> bit & 1 else used[name].low
            at[name] = float(end or 0.0)
        results.append(evaluate(tree, at))
    return min(results), max(results)


def _period(used: Mapping[str, Input]) -> str | None:
    periods = sorted({one.period for one in used.values() if one.period})
    return ", ".join(periods) or None


# -- inputs ------------------------------------------------------------------------------------------------------


def _draw(name: str, spec: Mapping[str, Any], source: Source, before: Mapping[str, Input]) -> Input:
    if "series" in spec:
        return _from_series(name, spec, source, before)
    if "fresh" in spec:
        return _from_freshness(name, spec, source)
    if "computed" in spec:
        found = source.computed(spec["computed"])
        if found is None:
            text = spec.get("missing") or _missing(spec["computed"], "ยังไม่ได้คำนวณ", "has not been computed")
            return Input(name, reason=text)
        used = [(one, None) for one in found.entities]
        return Input(
            name,
            found.value,
            None,
            None,
            1,
            found.source,
            list(used),
            found.at or None,
            found.low,
            found.high,
        )
    return _from_entities(name, spec, source)


def _missing(what: str, th: str, en: str) -> Text:
    return {"th": f"{what}: {th}", "en": f"{what}: {en}"}


REDUCE: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "sum": lambda v: float(sum(v)),
    "mean": lambda v: float(sum(v) / len(v)),
    "min": lambda v: float(min(v)),
    "max": lambda v: float(max(v)),
    "last": lambda v: float(v[-1]),
    "count": lambda v: float(len(v)),
}


def _from_series(name: str, spec: Mapping[str, Any], source: Source, before: Mapping[str, Input]) -> Input:
    code = spec["series"]
    doc = source.series(code)
    if doc is None:
        text = spec.get("missing") or _missing(
            code, "ไม่มีข้อมูลชุดนี้ในแพลตฟอร์ม", "the platform has no such series"
        )
        return Input(name, reason=text)
    series = value(doc, "series") or {}
    points = [(str(p), float(v)) for p, v in series.get("points", []) if v is not None]
    year = _wanted_year(spec, points, before)
    if year is not None:
        points = [point for point in points if point[0].startswith(year)]
    elif spec.get("period", "latest") == "latest":
        points = points[-1:]
    least = int(spec.get("atLeast", 1))
    if len(points) < least:
        return Input(
            name,
            reason={
                "th": f"{code}: มีข้อมูล {len(points)} ช่วงเวลา ต้องมีอย่างน้อย {least}",
                "en": f"{code}: {len(points)} periods are there, at least {least} are needed",
            },
        )
    amount = REDUCE[spec.get("reduce", "last")]([v for _, v in points])
    return Input(
        name, amount, None, year or points[-1][0], len(points), str(value(doc, "source", "")),
        [(doc["id"], doc.get("modifiedAt"))], _period_end(year or points[-1][0]),
    )  # fmt: skip


def _wanted_year(
    spec: Mapping[str, Any], points: Sequence[tuple[str, float]], before: Mapping[str, Input]
) -> str | None:
    """The year an input is bound to, or None; full years only where ``atLeast`` asks for so many points."""
    period = str(spec.get("period", "latest"))
    if period.startswith("sameAs:"):
        other = before.get(period.removeprefix("sameAs:"))
        return other.period[:4] if other is not None and other.period else "none"
    if period not in ("latestYear", "previousYear"):
        return None
    least = int(spec.get("atLeast", 1))
    years = sorted({p[:4] for p, _ in points})
    full = [y for y in years if sum(p.startswith(y) for p, _ in points) >= least]
    if period == "latestYear":
        return full[-1] if full else "none"
    return full[-2] if len(full) > 1 else "none"


def _period_end(period: str) -> Micros | None:
    """End of "2025" or "2025-11" in Bangkok."""
    try:
        year, month = (int(period[:4]), int(period[5:7])) if len(period) >= 7 else (int(period[:4]), 12)
    except ValueError:
        return None
    year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return parse_time(f"{year:04d}-{month:02d}-01T00:00:00+07:00")


def _from_entities(name: str, spec: Mapping[str, Any], source: Source) -> Input:
    types = spec["entities"]
    docs = [doc for doc in source.entities(types) if all(_holds(doc, term) for term in spec.get("where", ()))]
    attr = spec.get("attr")
    values = [1.0] * len(docs)
    if attr is not None:
        pairs = [(doc, value(doc, attr)) for doc in docs]
        pairs = [(doc, v) for doc, v in pairs if isinstance(v, int | float) and not isinstance(v, bool)]
        docs, values = [doc for doc, _ in pairs], [float(v) for _, v in pairs]
    least = int(spec.get("atLeast", 1))
    label = "/".join(types) + (f".{attr}" if attr else "")
    if len(docs) < least:
        return Input(
            name,
            reason={
                "th": f"{label}: มี {len(docs)} รายการ ต้องมีอย่างน้อย {least}",
                "en": f"{label}: {len(docs)} entities are there, at least {least} are needed",
            },
        )
    amount = REDUCE[spec.get("reduce", "count")](values) if values else 0.0
    texts = sorted({str(value(doc, "source")) for doc in docs if value(doc, "source")})
    return Input(
        name, amount, None, spec.get("label"), len(docs), "; ".join(texts[:3]),
        [(doc["id"], doc.get("modifiedAt")) for doc in docs], _latest(docs),
    )  # fmt: skip


def _holds(doc: Doc, term: Sequence[Any]) -> bool:
    attr, op, wanted = term
    found = value(doc, attr)
    if found is None:
        return False
    match op:
        case "=":
            return bool(found == wanted)
        case "in":
            return found in wanted
        case ">=":
            return bool(type(found) is type(wanted) and found >= wanted)
        case "<":
            return bool(type(found) is type(wanted) and found < wanted)
    raise BadRequestData(f"{op!r} is no comparison of an indicator; there are =, in, >=, <")


def _from_freshness(name: str, spec: Mapping[str, Any], source: Source) -> Input:
    docs = source.entities(spec["fresh"])
    if len(docs) < int(spec.get("atLeast", 1)):
        return Input(
            name, reason=_missing("/".join(spec["fresh"]), "ยังไม่มีข้อมูลจากอุปกรณ์", "no live entity is there yet")
        )
    limit = source.now - int(spec["seconds"]) * 1_000_000
    seen = [last_observed(doc) for doc in docs]
    fresh = sum(at is not None and at >= limit for at in seen)
    known = [at for at in seen if at is not None]
    return Input(
        name, fresh / len(docs), None, None, len(docs), "Andaman",
        [(doc["id"], doc.get("modifiedAt")) for doc in docs], max(known, default=None),
    )  # fmt: skip


def last_observed(doc: Doc) -> Micros | None:
    """The latest ``observedAt`` on any attribute of the entity."""
    times = [
        parse_time(instance["observedAt"])
        for instances in doc["attrs"].values()
        for instance in instances
        if "observedAt" in instance
    ]
    return max(times, default=None)


def _latest(docs: Sequence[Doc]) -> Micros | None:
    found = [at for doc in docs if (at := last_observed(doc)) is not None]
    return max(found, default=None)
