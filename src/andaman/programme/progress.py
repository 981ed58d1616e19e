"""Progress computed from evidence. Pure: counts come in, progress and findings come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from andaman.kernel.time import BANGKOK, DAY, Micros, local_date, parse_time
from andaman.programme.plan import Check, DeliverableRow, Plan

_YEAR: Final = 365.2425 * DAY
Status = Literal["done", "on-plan", "late", "not-begun"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The result of a check at a time: a count, or a percentage for "share"; None: could not be found out."""

    found: float | None
    sample: tuple[str, ...] = ()  # ids of a few entities that prove it
    reached_at: Micros | None = None  # when the target was first met, where that can be told


def check_progress(check: Check, evidence: Evidence) -> float:
    """0 to 1: how much of the target is met. Unknown evidence proves nothing and counts as 0."""
    if evidence.found is None:
        return 0.0
    return 1.0 if check.target <= 0 else max(0.0, min(1.0, evidence.found / check.target))


def deliverable_progress(deliverable: DeliverableRow, evidence: Mapping[str, Evidence]) -> float:
    """Mean of the checks' progress, 0 to 1."""
    parts = [check_progress(c, evidence.get(c.id, Evidence(None))) for c in deliverable.checks]
    return sum(parts) / len(parts)


def status(progress: float, due: Micros, now: Micros) -> Status:
    """Done at full progress; late when due has passed without it; otherwise begun or not."""
    if progress >= 1.0:
        return "done"
    if now > due:
        return "late"
    return "on-plan" if progress > 0 else "not-begun"


def report(plan: Plan, evidence: Mapping[str, Evidence], now: Micros) -> dict[str, Any]:
    """The complete programme at ``now`` as JSON: objectives, deliverables with checks, milestones with status."""
    by_deliverable: dict[str, dict[str, Any]] = {}
    objectives: list[dict[str, Any]] = []
    for objective in plan.objectives:
        rows: list[dict[str, Any]] = []
        for d in objective.deliverables:
            progress = deliverable_progress(d, evidence)
            row = {
                "id": d.code,
                "part": d.part.json(),
                "title": d.name.json(),
                "due": d.due,
                "room": d.screen,
                "progress": _shown(progress),
                "status": status(progress, parse_time(d.due), now),
                "checks": [_check_row(c, evidence.get(c.id, Evidence(None))) for c in d.checks],
            }
            rows.append(row)
            by_deliverable[d.code] = row
        objectives.append(
            {
                "id": objective.id,
                "title": objective.title.json(),
                "progress": _mean([r["progress"] for r in rows]),
                "deliverables": rows,
            }
        )
    milestones = []
    for m in plan.milestones:
        due = parse_time(m.due)
        progress = by_deliverable[m.deliverable]["progress"] if m.deliverable else float(now >= due)
        milestones.append(
            {
                "id": m.id,
                "title": m.title.json(),
                "due": m.due,
                "fact": m.fact,
                "deliverable": m.deliverable,
                "status": ("done" if now >= due else "on-plan")
                if m.fact
                else by_deliverable[m.deliverable]["status"],
                "progress": progress,
            }
        )
    return {
        "objectives": objectives,
        "milestones": milestones,
        "progress": _mean([o["progress"] for o in objectives]),
    }


def _mean(parts: list[float]) -> float:
    return _shown(sum(parts) / len(parts))


def _shown(progress: float) -> float:
    """To four places; 1 only if nothing is missing: unfinished work must not read as finished."""
    return min(round(progress, 4), 0.9999) if progress < 1 else 1.0


def _check_row(check: Check, evidence: Evidence) -> dict[str, Any]:
    return {
        "id": check.id,
        "title": check.title.json(),
        "measure": check.measure,
        "target": int(check.target) if check.target.is_integer() else check.target,
        "found": evidence.found,
        "met": check_progress(check, evidence) >= 1.0,
        "types": list(check.types),
        "q": check.query,
        "sample": list(evidence.sample),
    }


def quarter_bounds(year: int, quarter: int) -> tuple[Micros, Micros]:
    """First instant and first instant after a quarter of the Thai fiscal year, in Bangkok.

    ``year``: common era, of the year in which the fiscal year ends: quarter 1 of 2027 (ปีงบประมาณ พ.ศ. 2570) is October to
    December 2026. Raises ValueError.
    """
    if not 1 <= quarter <= 4 or not 2000 <= year <= 2200:
        raise ValueError(f"there is no quarter {quarter} of the fiscal year {year}")
    first = _quarter_start(year, quarter)
    after = _quarter_start(year, quarter + 1) if quarter < 4 else _quarter_start(year + 1, 1)
    return first, after


def _quarter_start(year: int, quarter: int) -> Micros:
    start = (
        datetime(year - 1, 10, 1, tzinfo=BANGKOK)
        if quarter == 1
        else datetime(year, 3 * quarter - 5, 1, tzinfo=BANGKOK)
    )
    return int(start.timestamp()) * 1_000_000


def quarter_of(at: Micros) -> tuple[int, int]:
    """Fiscal year (common era) and quarter of an instant in Bangkok."""
    local = local_date(at)
    return local.year + (local.month >= 10), (local.month + 2) // 3 % 4 + 1


def programme_year(plan: Plan, at: Micros) -> int:
    """1 to the number of years while the agreement is in force; 0 before, one more after."""
    start, end = parse_time(plan.about.signed), parse_time(plan.about.ends)
    years = max(1, round((end - start) / _YEAR))
    if at < start:
        return 0
    if at >= end:
        return years + 1
    return min(years, int((at - start) / _YEAR) + 1)
