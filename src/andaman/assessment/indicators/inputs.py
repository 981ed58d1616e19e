"""Inputs of indicators: how a number is drawn from series, entities, freshness or another study, with its lineage.

Too little data gives an input without a value but with a reason; nothing stands in for what is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from andaman.assessment.firmness import MADE_UP, origin_of, split
from andaman.assessment.indicators.parts import doubt_about, points_of
from andaman.broker.api import Doc, value
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import Micros, format_time, local_date, parse_time
from andaman.kernel.words import LanguageMap

LINEAGE_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Computed:
    """A figure of another study, with its range, where it comes from and when it was made."""

    value: float
    low: float | None = None
    high: float | None = None
    source: str = ""
    at: Micros = 0
    entities: tuple[str, ...] = ()
    origins: tuple[str, ...] = ("computed",)
    ground: tuple[str, ...] = ()  # further entities that it rests on, such as roads; too many to list


class Source(Protocol):
    """The source of inputs: a view of the city at one moment."""

    @property
    def now(self) -> Micros: ...

    def entities(self, types: Sequence[str]) -> Sequence[Doc]:
        """Entities that have one of these (short) types, in a stable order."""

    def series(self, code: str) -> Doc | None:
        """The KeyPerformanceIndicator with this ``kpiCode``."""

    def computed(self, name: str) -> Computed | None: ...

    def is_by_hand(self, entity_id: str) -> bool:
        """Did somebody write this entity by hand, and has nothing replaced that since?"""


@dataclass(slots=True)
class Input:
    """One input as it was used."""

    name: str
    value: float | None = None
    reason: LanguageMap | None = None
    period: str | None = None
    count: int = 0
    source: str = ""
    entities: list[tuple[str, str | None]] = field(default_factory=list)  # id, modifiedAt
    freshest: Micros | None = None
    low: float | None = None
    high: float | None = None
    origins: tuple[str, ...] = ()  # of the entities: reported, measured, computed
    left_out: int = 0  # replayed and simulated entities and those without an origin, which do not count
    by_hand: int = 0  # of the entities that it rests on, those that somebody wrote by hand
    doubt: LanguageMap | None = None  # what contradicts the value

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": self.value,
            "period": self.period,
            "count": self.count,
            "source": self.source,
            "origins": list(self.origins),
            "leftOut": self.left_out,
            "byHand": self.by_hand,
            "doubt": self.doubt,
            "observedAt": None if self.freshest is None else format_time(self.freshest),
            "reason": self.reason,
            "entities": [{"id": i, "modifiedAt": m} for i, m in self.entities[:LINEAGE_SHOWN]],
            "entitiesTotal": len(self.entities),
        }


def draw(name: str, spec: Mapping[str, Any], source: Source, before: Mapping[str, Input]) -> Input:
    """The input; of its entities those that were written by hand come first."""
    found = _drawn(name, spec, source, before)
    found.entities.sort(key=lambda row: not source.is_by_hand(row[0]))  # stable
    ground = source.computed(spec["computed"]) if "computed" in spec else None
    every = dict.fromkeys([*(one for one, _ in found.entities), *(ground.ground if ground else ())])
    found.by_hand = sum(source.is_by_hand(one) for one in every)
    return found


def _drawn(name: str, spec: Mapping[str, Any], source: Source, before: Mapping[str, Input]) -> Input:
    if "series" in spec:
        return _from_series(name, spec, source, before)
    if "fresh" in spec:
        return _from_freshness(name, spec, source)
    if "computed" in spec:
        found = source.computed(spec["computed"])
        if found is None:
            text = spec.get("missing") or _lacking(name, spec, "ยังไม่ได้คำนวณ", "has not been computed")
            return Input(name, reason=text)
        if not MADE_UP.isdisjoint(found.origins):
            return Input(name, reason=_MADE_UP_FIGURE, left_out=len(found.entities))
        used = [(one, None) for one in found.entities]
        return Input(
            name,
            found.value,
            None,
            _day(found.at or source.now),
            1,
            found.source,
            list(used),
            found.at or None,
            found.low,
            found.high,
            found.origins,
        )
    return _from_entities(name, spec, source)


def _lacking(name: str, spec: Mapping[str, Any], th: str, en: str) -> LanguageMap:
    """What is wrong with the input, after its name in words. Codes and names of types are for no reader."""
    said = spec.get("name", {"th": name, "en": name})
    return {"th": f"{said['th']}: {th}", "en": f"{said['en']}: {en}"}


def _made_up(name: str, spec: Mapping[str, Any], count: int) -> LanguageMap:
    return _lacking(
        name, spec,
        f"มีเฉพาะข้อมูลย้อนหลัง ข้อมูลจำลอง หรือข้อมูลที่ไม่ระบุที่มา {count} รายการ ซึ่งไม่นำมาคำนวณ",
        f"the {count} entities are replayed, simulated or without an origin and do not count",
    )  # fmt: skip


def _nobody_heard(name: str, spec: Mapping[str, Any], count: int) -> LanguageMap:
    return _lacking(
        name, spec,
        f"มีเฉพาะข้อมูลย้อนหลัง ข้อมูลจำลอง ค่าที่ระบบคำนวณเอง หรือข้อมูลที่ไม่ระบุที่มา {count} รายการ ซึ่งไม่นับเป็นแหล่งข้อมูลเรียลไทม์",
        f"the {count} entities are replayed, simulated, computed by the platform or without an origin, not live",
    )  # fmt: skip


_MADE_UP_FIGURE: Final[LanguageMap] = {
    "th": "ผลการศึกษานี้คำนวณจากข้อมูลจำลองหรือข้อมูลย้อนหลัง จึงไม่นำมาใช้เป็นตัวชี้วัด",
    "en": "The study rests on simulated or replayed data, so it is not used as an indicator",
}


REDUCE: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "sum": lambda v: float(sum(v)),
    "mean": lambda v: float(sum(v) / len(v)),
    "min": lambda v: float(min(v)),
    "max": lambda v: float(max(v)),
    "last": lambda v: float(v[-1]),
    "count": lambda v: float(len(v)),
}


def _from_series(name: str, spec: Mapping[str, Any], source: Source, before: Mapping[str, Input]) -> Input:
    doc = source.series(spec["series"])
    if doc is None:
        text = spec.get("missing") or _lacking(
            name, spec, "ไม่มีข้อมูลชุดนี้ในแพลตฟอร์ม", "the platform has no such series"
        )
        return Input(name, reason=text)
    if origin_of(doc) in MADE_UP:
        return Input(name, reason=_made_up(name, spec, 1), left_out=1)
    points = points_of(value(doc, "series"))
    year = _wanted_year(spec, points, before)
    if year is not None:
        points = [point for point in points if point[0].startswith(year)]
    elif spec.get("period", "latest") == "latest":
        points = points[-1:]
    least = int(spec.get("atLeast", 1))
    if len(points) < least:
        return Input(
            name,
            reason=_lacking(
                name, spec,
                f"มีข้อมูล {len(points)} ช่วงเวลา ต้องมีอย่างน้อย {least}",
                f"{len(points)} periods are there, at least {least} are needed",
            ),
        )  # fmt: skip
    amount = REDUCE[spec.get("reduce", "last")]([v for _, v in points])
    return Input(
        name, amount, None, year or points[-1][0], len(points), str(value(doc, "source", "")),
        [(doc["id"], doc.get("modifiedAt"))], _period_end(year or points[-1][0]),
        origins=_origins([doc]), doubt=doubt_about(doc, dict(points), source),
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


def _day(at: Micros) -> str:
    """The period of a state: the day of its data in Bangkok, such as "2026-11-30"."""
    return local_date(at).date().isoformat()


def _period_end(period: str) -> Micros | None:
    """End of "2025" or "2025-11" in Bangkok."""
    try:
        year, month = (int(period[:4]), int(period[5:7])) if len(period) >= 7 else (int(period[:4]), 12)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        return parse_time(f"{year:04d}-{month:02d}-01T00:00:00+07:00")
    except ValueError:
        return None


def _from_entities(name: str, spec: Mapping[str, Any], source: Source) -> Input:
    types = spec["entities"]
    docs, left_out = split(
        doc for doc in source.entities(types) if all(_holds(doc, term) for term in spec.get("where", ()))
    )
    attr = spec.get("attr")
    values = [1.0] * len(docs)
    if attr is not None:
        pairs = [(doc, value(doc, attr)) for doc in docs]
        pairs = [(doc, v) for doc, v in pairs if isinstance(v, int | float) and not isinstance(v, bool)]
        docs, values = [doc for doc, _ in pairs], [float(v) for _, v in pairs]
    least = int(spec.get("atLeast", 1))
    if len(docs) < least and left_out:
        return Input(name, reason=_made_up(name, spec, left_out), left_out=left_out)
    if len(docs) < least:
        return Input(
            name,
            reason=_lacking(
                name, spec,
                f"มี {len(docs)} รายการ ต้องมีอย่างน้อย {least}",
                f"{len(docs)} entities are there, at least {least} are needed",
            ),
        )  # fmt: skip
    amount = REDUCE[spec.get("reduce", "count")](values) if values else 0.0
    texts = sorted({str(value(doc, "source")) for doc in docs if value(doc, "source")})
    return Input(
        name, amount, None, spec.get("label") or _day(source.now), len(docs), "; ".join(texts[:3]),
        [(doc["id"], doc.get("modifiedAt")) for doc in docs], _latest(docs),
        origins=_origins(docs), left_out=left_out,
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
    raise BadRequestData(f"{op!r} is not a comparison of an indicator; the comparisons are =, in, >=, <")


def _from_freshness(name: str, spec: Mapping[str, Any], source: Source) -> Input:
    firm, left_out = split(source.entities(spec["fresh"]))
    # A prediction that the platform computes itself is always fresh, and nobody was heard from.
    docs = [doc for doc in firm if origin_of(doc) != "computed"]
    left_out += len(firm) - len(docs)
    if len(docs) < int(spec.get("atLeast", 1)) and left_out:
        return Input(name, reason=_nobody_heard(name, spec, left_out), left_out=left_out)
    if len(docs) < int(spec.get("atLeast", 1)):
        return Input(name, reason=_lacking(name, spec, "ยังไม่มีข้อมูลจากอุปกรณ์", "no live entity is there yet"))
    limit = source.now - int(spec["seconds"]) * 1_000_000
    seen = [last_observed(doc) for doc in docs]
    fresh = sum(at is not None and at >= limit for at in seen)
    known = [at for at in seen if at is not None]
    return Input(
        name, fresh / len(docs), None, _day(source.now), len(docs), "Andaman",
        [(doc["id"], doc.get("modifiedAt")) for doc in docs], max(known, default=None),
        origins=_origins(docs), left_out=left_out,
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


def _origins(docs: Sequence[Doc]) -> tuple[str, ...]:
    return tuple(sorted({str(origin) for doc in docs if (origin := value(doc, "origin")) is not None}))


def _latest(docs: Sequence[Doc]) -> Micros | None:
    found = [at for doc in docs if (at := last_observed(doc)) is not None]
    return max(found, default=None)
