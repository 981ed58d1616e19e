"""Measures, gaps and portfolios as entities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from andaman.broker.api import Doc, entity, js, lang, prop
from andaman.roadmap.model import Measure

SCOPE: Final = "/roadmap"
MEASURE: Final = "urn:ngsi-ld:Measure:"
ORIGIN: Final = "proposed"
"""Of a measure: its costs and effects are a proposal, also where a range has a source."""
GAP: Final = "urn:ngsi-ld:Gap:"


def measure_doc(measure: Measure, *, edited: bool) -> Doc:
    """A ``Measure`` entity: readable attributes, and the complete definition as JSON."""
    attrs: dict[str, Any] = {
        "name": lang(**measure.name),
        "description": lang(**measure.description),
        "agency": prop(measure.agency),
        "domain": prop(measure.domain),
        "leadYears": prop(measure.lead_years),
        "capexMthb": prop(measure.capex.likely),
        "opexMthb": prop(measure.opex.likely),
        "definition": js(measure.as_json()),
        "edited": prop(edited),
        "origin": prop(ORIGIN),
        "source": prop(
            f"{'City' if edited else 'Andaman'}: own proposal; costs and effects with basis in the definition"
        ),
        "dataset": prop("roadmap"),
    }
    if measure.competencies:
        attrs["competencies"] = prop(list(measure.competencies))
    if measure.effects:
        attrs["indicators"] = prop([effect.indicator for effect in measure.effects])
    return entity(MEASURE + measure.id, "Measure", [SCOPE + "/measure"], **attrs)


def gap_doc(row: Mapping[str, Any]) -> Doc:
    """A ``Gap`` entity of one row of ``gaps.gaps``."""
    return entity(
        row["id"],
        "Gap",
        [SCOPE + "/gap"],
        name=lang(**row["name"]),
        indicator=prop(row["indicator"]),
        gapStatus=prop(row["status"]),
        gap=js({k: row[k] for k in ("value", "target", "gap", "percentOfTarget", "after")}),
        measures=prop([one["id"] for one in row["measures"]]),
        origin=prop("computed"),
        source=prop("Andaman"),
        dataset=prop("roadmap"),
    )


def portfolio_doc(result: Mapping[str, Any]) -> Doc:
    """A ``Portfolio`` entity: the figures that lists need, and the complete result as JSON."""
    totals = result["totals"]
    return entity(
        result["id"],
        "Portfolio",
        [SCOPE + "/portfolio"],
        name=lang(**result["name"]),
        result=js(dict(result)),
        spending=prop(totals["spendingInProgrammeMthb"]),
        netPresentValue=prop(totals["netPresentValueMthb"]),
        overBudgetShare=prop(result["draws"]["overBudgetShare"]),
        overBudgetShareCommonCosts=prop(result["draws"]["common"]["overBudgetShare"]),
        proved=prop(result["solver"]["proved"]),
        samples=prop(result["robustness"]["samples"]),
        origin=prop("computed"),
        source=prop("Andaman"),
        dataset=prop("roadmap"),
    )
