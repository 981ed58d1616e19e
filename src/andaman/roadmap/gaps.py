"""From indicator to gap to measure: the distance to the target, and the measures that would close a part of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from andaman.assessment.firmness import MADE_UP
from andaman.roadmap.model import Measure, Worth


def is_measured(row: Mapping[str, Any]) -> bool:
    """Has the indicator a value of the real city? One with a simulated or replayed input brings no benefit."""
    if row["value"] is None:
        return False
    origins = {
        row.get("origin"),
        *(one for given in row.get("inputs", ()) for one in given.get("origins", ())),
    }
    return not origins & MADE_UP


def is_contested(row: Mapping[str, Any]) -> bool:
    """Does the value rest on what somebody wrote by hand, or on parts that contradict their total?"""
    return bool(row.get("byHand") or row.get("doubts"))


def remaining_of(rows: Sequence[Mapping[str, Any]], values: Sequence[Worth]) -> dict[str, float]:
    """Indicator → units between today's value and the ideal, for those that are measured and valued."""
    found = {}
    by_id = {row["id"]: row for row in rows}
    for worth in values:
        row = by_id.get(worth.indicator)
        if row is not None and is_measured(row):
            distance = row["value"] - worth.ideal if row["direction"] == "-" else worth.ideal - row["value"]
            found[worth.indicator] = max(0.0, float(distance))
    return found


def gaps(
    rows: Sequence[Mapping[str, Any]],
    measures: Sequence[Measure],
    values: Sequence[Worth],
    chosen: Sequence[str],
) -> list[dict[str, Any]]:
    """Every indicator that has a target, or that a measure answers, with its gap and the measures traced to it.

    ``status``: "open", "met", "noTarget", or "unknown" when data is insufficient or contested, or the range of the value
    holds the target (then the gap is one of data, and the measures that reveal it are listed). ``byHand``: entities behind the value that somebody wrote by hand.
    ``closesPercent``: share of the gap one measure closes alone, likely value.
    """
    ideal = {worth.indicator: worth.ideal for worth in values}
    result = []
    for row in rows:
        answers = [(m, effect) for m in measures for effect in m.effects if effect.indicator == row["id"]]
        reveals = [m for m in measures if row["id"] in m.reveals]
        if row["target"] is None and not answers and not reveals:
            continue
        benchmark = row["benchmark"]
        if row["status"] != "computed":
            status = "unknown"
        elif benchmark is None:
            status = "noTarget"
        elif benchmark["met"] is None:
            status = "unknown"
        else:
            status = "met" if benchmark["met"] else "open"
        gap = float(benchmark["gap"]) if benchmark else None
        remaining = remaining_of([row], values).get(row["id"])
        traced: list[dict[str, Any]] = []
        for m, effect in answers:
            removes = None if remaining is None else remaining * effect.share.likely
            traced.append(
                {
                    "id": m.id,
                    "name": m.name,
                    "agency": m.agency,
                    "share": {
                        "low": effect.share.low,
                        "likely": effect.share.likely,
                        "high": effect.share.high,
                    },
                    "removes": None if removes is None else round(removes, row["digits"] + 1),
                    "closesPercent": round(min(100.0, 100.0 * removes / gap), 1) if removes and gap else None,
                    "chosen": m.id in chosen,
                    "competencies": list(m.competencies),
                }
            )
        traced.sort(key=lambda one: -float(one["share"]["likely"]))
        result.append(
            {
                "id": f"urn:ngsi-ld:Gap:{row['id']}",
                "indicator": row["id"],
                "name": row["name"],
                "unit": row["unit"],
                "direction": row["direction"],
                "value": row["value"],
                "target": row["target"],
                "gap": gap,
                "percentOfTarget": benchmark["percentOfTarget"] if benchmark else None,
                "band": benchmark["band"] if benchmark else None,
                "status": status,
                "ideal": ideal.get(row["id"]),
                "reasons": [*row["reasons"], *row["doubts"]],
                "byHand": row["byHand"],
                "measures": traced,
                "revealedBy": [{"id": m.id, "name": m.name, "chosen": m.id in chosen} for m in reveals],
                "after": _after(row, [e.share for m, e in answers if m.id in chosen], remaining),
            }
        )
    order = {"open": 0, "unknown": 1, "noTarget": 2, "met": 3}
    result.sort(key=lambda one: (order[str(one["status"])], one["percentOfTarget"] or 0.0))
    return result


def _after(row: Mapping[str, Any], shares: Sequence[Any], remaining: float | None) -> dict[str, Any] | None:
    """Value once the chosen measures work, and whether the target is then met; likely, with low and high effects.

    ``met`` is None where today's value is contested.
    """
    if remaining is None or not shares:
        return None
    sign = -1.0 if row["direction"] == "-" else 1.0

    def value(which: str) -> float:
        left = math.prod(1.0 - float(getattr(share, which)) for share in shares)
        return round(float(row["value"]) + sign * remaining * (1.0 - left), int(row["digits"]))

    likely = value("likely")
    met = None
    if row["target"] is not None and not is_contested(row):
        aim = float(row["target"]["value"])
        met = likely <= aim if sign < 0 else likely >= aim
    return {"likely": likely, "low": value("low"), "high": value("high"), "met": met}
