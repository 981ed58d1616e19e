"""Results as entities, and the emergency record read back as a figure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from andaman.assessment.firmness import MADE_UP, origin_of
from andaman.assessment.indicators.inputs import Computed
from andaman.broker.api import Doc, entity, js, lang, prop, value
from andaman.kernel.time import Micros, parse_time

SCOPE: Final = "/assessment"
LEAST_ASSIGNMENTS: Final = 20
DISPUTED_M: Final = 500.0
"""Farther from the place, a unit's position disputes the report that it has arrived."""


def indicator_doc(result: Mapping[str, Any]) -> tuple[Doc, str]:
    """An ``IndicatorValue`` of one result, and a key that changes when the finding does (not with its mere time).

    ``kpiValue`` is absent where data is insufficient: nothing stands in for what is not known.
    """
    at = result["freshness"]["observedAt"]
    attrs: dict[str, Any] = {
        "name": lang(**result["name"]),
        "indicatorStatus": prop(result["status"]),
        "indicatorCode": prop(result["code"] or result["id"]),
        "formula": prop(result["formula"]),
        "unit": prop(result["unit"]["en"]),
        "method": lang(**result["method"]),
        "qualityStep": prop(result["quality"]["step"]),
        "inputs": js({"inputs": result["inputs"]}),
        "origin": prop(result["origin"]),
        "source": prop("Andaman; " + "; ".join(result["sources"])),
        "dataset": prop("assessment"),
    }
    if result["value"] is not None:
        attrs["kpiValue"] = prop(result["value"], None if at is None else parse_time(at))
        attrs["calculationPeriod"] = js({"period": result["period"]})
        if result["low"] is not None:
            attrs["range"] = js({"low": result["low"], "high": result["high"]})
    else:
        attrs["reasons"] = js(result["reasons"])
    if result["target"] is not None:
        attrs["target"] = js({"target": result["target"], "benchmark": result["benchmark"]})
    finding = {
        k: result[k]
        for k in (
            "value",
            "low",
            "high",
            "status",
            "period",
            "reasons",
            "target",
            "formula",
            "byHand",
            "doubts",
        )
    }
    named = [[e["id"] for e in one["entities"]] for one in result["inputs"]]  # one that is hidden now goes
    key = hashlib.sha256(orjson.dumps([finding, named])).hexdigest()[:16]
    doc = entity(
        f"urn:ngsi-ld:IndicatorValue:{result['id']}", ["IndicatorValue", "KeyPerformanceIndicator"],
        [SCOPE + "/indicator"], **attrs,
    )  # fmt: skip
    return doc, key


STUDY_NAMES: Final = {
    "hospital": {"th": "การเข้าถึงโรงพยาบาลทางถนน", "en": "Access to hospitals by road"},
    "firestation": {"th": "การเข้าถึงของรถดับเพลิงทางถนน", "en": "Reach of fire stations by road"},
    "roads": {"th": "ช่วงถนนสำคัญ", "en": "Critical road links"},
}


def study_doc(kind: str, local: str, result: Mapping[str, Any], inputs: str) -> Doc:
    """A study's result as one entity; ``inputs`` is the fingerprint of the inputs of its computation."""
    return entity(
        f"urn:ngsi-ld:{kind}:{local}",
        kind,
        [SCOPE + "/study"],
        name=lang(**STUDY_NAMES[local]),
        result=js(dict(result)),
        inputsFingerprint=prop(inputs),
        origin=prop("computed"),
        source=prop("Andaman; OpenStreetMap contributors (ODbL); กรมการปกครอง"),
        dataset=prop("assessment"),
    )


def response_minutes(assignments: Sequence[Doc]) -> Computed | None:
    """Mean minutes from assignment to arrival in the command center's record; None below LEAST_ASSIGNMENTS.

    The arrival is when the unit's position reached the place; without one, the report. A report that the position disputes
    has no time of arrival. Exercises run in tenants of their own, and simulated units do not count.
    """
    spans: list[tuple[str, float, Micros]] = []
    firm = [doc for doc in assignments if origin_of(doc) not in MADE_UP]  # the command center's own have none
    for doc in firm:
        start, end = _time(doc, "assignedAt"), _arrival(doc)
        if start is not None and end is not None and end >= start:
            spans.append((doc["id"], (end - start) / 60e6, end))
    if len(spans) < LEAST_ASSIGNMENTS:
        return None
    mean = sum(span for _, span, _ in spans) / len(spans)
    ids = tuple(one for one, *_ in spans)
    origins = tuple(sorted({str(value(doc, "origin", "reported")) for doc in firm if doc["id"] in set(ids)}))
    return Computed(mean, None, None, "Andaman, Assignment", max(at for *_, at in spans), ids, origins)


def _arrival(doc: Doc) -> Micros | None:
    reached, reported = _time(doc, "positionAtSceneAt"), _time(doc, "onSceneAt")
    away = value(doc, "onSceneDistanceM")
    if reported is None or (isinstance(away, int | float) and away > DISPUTED_M):
        return None
    return reported if reached is None else min(reached, reported)


def _time(doc: Doc, attr: str) -> Micros | None:
    text = value(doc, attr)
    if not isinstance(text, str):
        return None
    try:
        return parse_time(text)
    except ValueError:
        return None
