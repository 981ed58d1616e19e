"""A drill: its scenario, with scripted injects, and the facts that its journal shows. Pure; ``scoring.py`` scores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from andaman.kernel.time import Micros
from andaman.kernel.words import LanguageMap, Words
from andaman.training.tasks import DEFAULT_PARTS, Part


@dataclass(frozen=True, slots=True)
class Inject:
    """Something that happens ``after_s`` seconds into the drill: attributes written to an entity of the copy."""

    after_s: float
    kind: str  # observation, report
    entity_type: str
    attrs: Mapping[str, Any]
    title: Words


@dataclass(frozen=True, slots=True)
class ScenarioRule:
    """An alert rule that a scenario brings into its exercise, so that its script raises alerts by itself."""

    id: str
    name: LanguageMap
    definition: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """``place``: lon, lat of the main event; ``incident_types`` and ``severities`` that are right, () for any severity."""

    id: str
    title: Words
    briefing: Words
    place: tuple[float, float]
    incident_types: frozenset[str]
    injects: tuple[Inject, ...]
    limit_s: float
    district: str = (
        ""  # English name of the district whose instruments the observations of the script belong to
    )
    rules: tuple[ScenarioRule, ...] = ()
    severities: tuple[str, ...] = ()
    place_within_m: float = 500.0
    parts: tuple[Part, ...] = DEFAULT_PARTS

    def part(self, role: str) -> Part | None:
        return next((one for one in self.parts if one.role == role), None)

    def matches_place(self, name: Any) -> bool:
        """Is an instrument with this name (languageMap) one of the scenario's district?"""
        return not self.district or (isinstance(name, Mapping) and self.district in str(name.get("en", "")))


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing the record shows. ``kind``: inject, alert-raised, alert-acknowledged, incident-opened, incident-corrected,
    item-checked, item-unchecked, handed-over, note, unit-assigned, unit-enRoute, unit-onScene, unit-clear, incident-closed. ``data`` holds
    what the tasks need."""

    kind: str
    at: Micros
    seq: int
    actor: str
    entity: str
    data: Mapping[str, Any]
