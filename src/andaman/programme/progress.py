"""The three shares: installed, achieved, accepted before the platform. Pure: findings come in, shares come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from andaman.kernel.time import DAY, Micros, parse_time
from andaman.programme.plan import Check, DeliverableRow, Plan
from andaman.programme.provenance import Provenance

_YEAR: Final = 365.2425 * DAY
Status = Literal["done", "accepted", "late", "under-way", "installed", "not-begun"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check at a time. ``installed``: a count, or a percentage for "share", of all that is in place.
    ``achieved``: the same of what arose in real operation; None: operation cannot show it, or it could not be found out.
    ``left_out``: how many entities do not count as achieved, by provenance. ``by_hand``: names of the people who wrote
    evidence by hand, with its number."""

    installed: float | None
    achieved: float | None = None
    left_out: Mapping[Provenance, int] = field(default_factory=dict)
    by_hand: Mapping[str, int] = field(default_factory=dict)


_UNKNOWN: Final = Finding(None)


@dataclass(frozen=True, slots=True)
class Shares:
    """0 to 1 each. ``installed`` and ``achieved``: of the targets of the checks; ``accepted``: of the work, by documents from
    before the platform. They are never added to each other. ``achieved`` None: no check can show it in operation."""

    installed: float
    achieved: float | None
    accepted: float

    def json(self) -> dict[str, float | None]:
        achieved = None if self.achieved is None else _shown(self.achieved)
        return {
            "installed": _shown(self.installed),
            "achieved": achieved,
            "accepted": _shown(self.accepted),
        }


def met_share(target: float, found: float | None) -> float:
    """0 to 1: how much of the target is met. What is unknown proves nothing and counts as 0."""
    if found is None:
        return 0.0
    return 1.0 if target <= 0 else max(0.0, min(1.0, found / target))


def deliverable_shares(
    deliverable: DeliverableRow, findings: Mapping[str, Finding], accepted: float
) -> Shares:
    """Means of the checks: of all for installed, of those that operation can show for achieved."""
    checks = deliverable.checks
    operation = [c for c in checks if c.shows_operation]
    found = {c.id: findings.get(c.id, _UNKNOWN) for c in checks}
    return Shares(
        _mean([met_share(c.target, found[c.id].installed) for c in checks]),
        _mean([met_share(c.target, found[c.id].achieved) for c in operation]) if operation else None,
        min(1.0, accepted),
    )


def together(parts: Sequence[Shares]) -> Shares:
    """The means. A part whose achievement no check can show counts as 0: it is proved by documents alone."""
    return Shares(
        _mean([one.installed for one in parts]),
        _mean([one.achieved or 0.0 for one in parts]),
        _mean([one.accepted for one in parts]),
    )


def status(shares: Shares, due: Micros, now: Micros) -> Status:
    """Done on evidence, or accepted before; otherwise late when due has passed; otherwise how far it is."""
    achieved = shares.achieved or 0.0
    if achieved >= 1.0:
        return "done"
    if shares.accepted >= 1.0:
        return "accepted"
    if now > due:
        return "late"
    if achieved > 0 or shares.accepted > 0:
        return "under-way"
    return "installed" if shares.installed > 0 else "not-begun"


def report(
    plan: Plan, findings: Mapping[str, Finding], accepted: Mapping[str, float], now: Micros
) -> dict[str, Any]:
    """The programme at ``now`` as JSON: objectives, deliverables with checks, milestones with status. ``accepted``: share of
    each deliverable that was accepted before the platform."""
    statuses: dict[str, Status] = {}
    objectives: list[dict[str, Any]] = []
    all_parts: list[Shares] = []
    for objective in plan.objectives:
        rows: list[dict[str, Any]] = []
        parts: list[Shares] = []
        for d in objective.deliverables:
            shares = deliverable_shares(d, findings, accepted.get(d.code, 0.0))
            statuses[d.code] = status(shares, parse_time(d.due), now)
            parts.append(shares)
            rows.append(
                {
                    "id": d.code,
                    "part": d.part.json(),
                    "title": d.name.json(),
                    "due": d.due,
                    "room": d.screen,
                    **shares.json(),
                    "status": statuses[d.code],
                    "checks": [_check_row(c, findings.get(c.id, _UNKNOWN)) for c in d.checks],
                }
            )
        all_parts.append(together(parts))
        objectives.append(
            {
                "id": objective.id,
                "title": objective.title.json(),
                **all_parts[-1].json(),
                "deliverables": rows,
            }
        )
    milestones = [
        {
            "id": m.id,
            "title": m.title.json(),
            "due": m.due,
            "fact": m.fact,
            "deliverable": m.deliverable,
            "status": statuses[m.deliverable] if m.deliverable else _of_date(parse_time(m.due), now),
        }
        for m in plan.milestones
    ]
    return {"objectives": objectives, "milestones": milestones, **together(all_parts).json()}


def _of_date(due: Micros, now: Micros) -> Status:
    return "done" if now >= due else "not-begun"


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], *, recorded: bool
) -> dict[str, dict[str, float | None]]:
    """ "" and the id of each deliverable → change of each share between two reports by the same plan. ``recorded``: the
    platform's record has the earlier instant. Without it, a change of what is installed or achieved has no base: what
    looks like growth is the beginning of the record. Documents have dates of their own, so accepted always has one."""
    earlier = {d["id"]: d for o in before["objectives"] for d in o["deliverables"]}
    found = {"": _change(before, after, recorded)}
    for objective in after["objectives"]:
        for row in objective["deliverables"]:
            found[row["id"]] = _change(earlier[row["id"]], row, recorded)
    return found


def _change(before: Mapping[str, Any], after: Mapping[str, Any], recorded: bool) -> dict[str, float | None]:
    def between(name: str) -> float | None:
        if after[name] is None or before[name] is None or not (recorded or name == "accepted"):
            return None
        return round(float(after[name] - before[name]), 4)

    return {name: between(name) for name in ("installed", "achieved", "accepted")}


def _mean(parts: Sequence[float]) -> float:
    return sum(parts) / len(parts) if parts else 0.0


def _shown(progress: float) -> float:
    """To four places; 1 only if nothing is missing: unfinished work must not read as finished."""
    return min(round(progress, 4), 0.9999) if progress < 1 else 1.0


def _check_row(check: Check, finding: Finding) -> dict[str, Any]:
    return {
        "id": check.id,
        "title": check.title.json(),
        "measure": check.measure,
        "target": int(check.target) if check.target.is_integer() else check.target,
        "showsOperation": check.shows_operation,
        "installed": finding.installed,
        "achieved": finding.achieved,
        "installedMet": met_share(check.target, finding.installed) >= 1.0,
        "achievedMet": check.shows_operation and met_share(check.target, finding.achieved) >= 1.0,
        "types": list(check.types),
        "q": check.query,
        "withQ": check.with_query,
        "leftOut": {kind.value: number for kind, number in finding.left_out.items()},
        "byHand": [{"name": name, "count": number} for name, number in finding.by_hand.items()],
    }


def programme_year(plan: Plan, at: Micros) -> int:
    """1 to the number of years while the agreement is in force; 0 before, one more after."""
    start, end = parse_time(plan.about.signed), parse_time(plan.about.ends)
    years = max(1, round((end - start) / _YEAR))
    if at < start:
        return 0
    if at >= end:
        return years + 1
    return min(years, int((at - start) / _YEAR) + 1)
