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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from andaman.assessment.citation import with_check
from andaman.assessment.firmness import at_best
from andaman.assessment.indicators.expression import Node, evaluate, in_words, names, parse
from andaman.assessment.indicators.inputs import Input, Source, draw
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import format_time
from andaman.kernel.words import LanguageMap

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


@dataclass(frozen=True, slots=True)
class Indicator:
    id: str
    name: LanguageMap
    domain: str
    code: str | None
    unit: LanguageMap
    direction: str  # "+": more is better, "-": less is better, "ctx": context only
    formula: str
    inputs: Mapping[str, Mapping[str, Any]]
    quality: int  # 1..6, step of QUALITY at best: that of its inputs may be worse
    digits: int
    method: LanguageMap
    target: Mapping[str, Any] | None
    peers: tuple[Mapping[str, Any], ...]
    tree: Node
    population: LanguageMap | None  # the people that it counts
    note: LanguageMap | None  # what a reader must know next to the value
    form: str  # "change": the value is a change in percent; else "amount"


def read_definitions(rows: Sequence[Mapping[str, Any]]) -> list[Indicator]:
    """Definitions from JSON rows. Raises BadRequestData for a formula that names no input, or an unknown check."""
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
                row["inputs"], row["quality"], row.get("digits", 1), row["method"],
                with_check(row["target"], f"{row['id']}/target") if row.get("target") else None,
                tuple(with_check(peer, f"{row['id']}/peers") for peer in row.get("peers", ())), tree,
                row.get("population"), row.get("note"), row.get("form", "amount"),
            )
        )  # fmt: skip
    return found


@lru_cache(maxsize=1)
def definitions() -> tuple[Indicator, ...]:
    """The indicators that come with the platform (``data/indicators.json``)."""
    raw = (files("andaman.assessment.indicators") / "data" / "indicators.json").read_text("utf-8")
    return tuple(read_definitions(json.loads(raw)))


def evaluate_indicator(indicator: Indicator, source: Source) -> dict[str, Any]:
    """The result for screens: ``status`` "computed" with a value, or "insufficientData" with reasons; never a guess."""
    used: dict[str, Input] = {}
    for name, spec in indicator.inputs.items():
        used[name] = draw(name, spec, source, used)
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
    hands = sum(one.by_hand for one in used.values())
    doubts = [one.doubt for one in used.values() if one.doubt is not None]
    step = at_best(
        indicator.quality,
        [one.origins for one in used.values() if one.reason is None],
        by_hand=hands > 0,
    )
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
        "owner": _owner(indicator, used),
        "freshness": {
            "observedAt": None if freshest is None else format_time(freshest),
            "ageSeconds": None if freshest is None else max(0, (source.now - freshest) // 1_000_000),
        },
        "quality": {"step": step, "scale": QUALITY[step - 1]},
        "byHand": hands,
        "doubts": doubts,
        "method": indicator.method,
        "formula": indicator.formula,
        "formulaText": {lang: in_words(indicator.tree, _labels(indicator, lang)) for lang in ("th", "en")},
        "population": indicator.population,
        "note": indicator.note,
        "form": indicator.form,
        "origin": "computed",
        "sources": sorted({one.source for one in used.values() if one.source}),
        "inputs": [
            {**one.as_json(), "label": indicator.inputs[name].get("name")} for name, one in used.items()
        ],
        "computedAt": format_time(source.now),
        "target": indicator.target,
        "peers": list(indicator.peers),
        "benchmark": None
        if amount is None
        else benchmark(indicator, amount, bounds, contested=hands > 0 or bool(doubts)),
    }


def _labels(indicator: Indicator, lang: str) -> dict[str, str]:
    return {name: spec["name"][lang] for name, spec in indicator.inputs.items() if "name" in spec}


def _owner(indicator: Indicator, used: Mapping[str, Input]) -> str | None:
    """The office that publishes the first series of the indicator; None where no office does."""
    for name, spec in indicator.inputs.items():
        if "series" in spec and used[name].source:
            return used[name].source
    return None


def benchmark(
    indicator: Indicator,
    amount: float,
    bounds: tuple[float, float] | None = None,
    *,
    contested: bool = False,
) -> dict[str, Any] | None:
    """How near the value is to its target: percent (100 is met) and U4SSC band 0 to 3; None without a target.

    ``met`` is None where nobody can be sure: one end of its range reaches the target and the other does not, or the value
    reaches it and is ``contested`` (somebody wrote an input by hand, or its parts contradict it).

    ``gapPercent``: the value above (+) or below (-) the target, in percent of it. For an indicator of which less is
    better it is the distance to a limit, which a share of the target would hide.
    """
    if indicator.target is None or indicator.direction == "ctx":
        return None
    aim = float(indicator.target["value"])
    low, high = bounds or (amount, amount)
    if indicator.direction == "+":
        percent = 100.0 * amount / aim if aim > 0 else 100.0
        met, split = amount >= aim, low < aim <= high
    else:
        percent = 100.0 * aim / amount if amount > 0 else 100.0
        met, split = amount <= aim, low <= aim < high
    return {
        "percentOfTarget": round(min(max(percent, 0.0), 100.0), 1),
        "band": sum(percent >= edge for edge in BANDS),
        "met": None if split or (met and contested) else met,
        "gap": round(abs(aim - amount), indicator.digits + 1) if not met else 0.0,
        "gapPercent": None if aim == 0 else round(100.0 * (amount - aim) / abs(aim), 1),
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
