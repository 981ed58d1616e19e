"""A dataset of the catalogue as plain data, and its form as an entity (type ``Dataset``, DCAT-AP terms)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from andaman.broker.entity.build import entity, iri, js, lang, prop, short, value
from andaman.broker.model import Doc
from andaman.identity.model import Classification
from andaman.identity.policy import OPERATIONS, DatasetRule
from andaman.kernel.ids import urn
from andaman.kernel.time import DAY, HOUR, MINUTE, SECOND, Micros

DATASET: Final = iri("Dataset")
OPEN_SCOPE: Final = "/catalogue/open"
RESTRICTED_SCOPE: Final = "/catalogue/restricted"
"""Entries of official secrets: even that the dataset exists is one."""

CLASS_NAMES: Final[Mapping[Classification, str]] = {
    Classification.PUBLIC: "public",
    Classification.PERSONAL: "personal",
    Classification.SECURITY: "security",
    Classification.OFFICIAL_SECRET: "officialSecret",
}
_CLASSES: Final = {name: level for level, name in CLASS_NAMES.items()}
_DURATION: Final = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_UNITS: Final = (365 * DAY, 30 * DAY, DAY, HOUR, MINUTE, SECOND)


SHORTEST_RETENTION: Final[Micros] = DAY
"""A shorter one is read as none: a slip of the pen must not delete the city's record."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Raw values are kept for ``raw`` µs (``text``: as an ISO 8601 duration), hourly rollups for ever or not at all."""

    raw: Micros
    text: str
    rollups: bool = True


@dataclass(frozen=True, slots=True)
class Dataset:
    """What the catalogue knows of one dataset. Names of types and attributes are IRIs.

    ``frequency``: ISO 8601 duration between updates ("PT1M", "P1Y"), or "" where it has none.
    ``hidden``: attributes with a classification of their own; ``required``: attributes every record should have.
    """

    code: str
    title: Mapping[str, str]
    description: Mapping[str, str]
    publisher: str
    licence: str
    classification: Classification
    types: frozenset[str] = frozenset()
    scope: str = ""
    frequency: str = ""
    contact: str = ""
    hidden: Mapping[str, Classification] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    purpose: str = OPERATIONS
    retention: Retention | None = None  # None: for ever

    @property
    def id(self) -> str:
        return urn("Dataset", self.code)

    def rule(self) -> DatasetRule | None:
        """Its rule for the gate; None when it selects nothing in particular, which must never open anything."""
        if not self.types and not self.scope:
            return None
        return DatasetRule(
            self.code, self.types, self.scope, self.classification, self.publisher, self.hidden, self.purpose
        )


def parse_duration(text: str) -> Micros | None:
    """µs of an ISO 8601 duration (a month as 30, a year as 365 days); None when it is none or is zero."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    return sum(int(n or 0) * unit for n, unit in zip(match.groups(), _UNITS, strict=True)) or None


def read_retention(told: Any) -> Retention | None:
    """``{"raw": "P90D", "rollups": "hourly" | "none"}``; None, which keeps everything, for anything else."""
    if not isinstance(told, dict) or not isinstance(told.get("raw"), str):
        return None
    raw = parse_duration(told["raw"])
    rollups = told.get("rollups", "hourly")
    if raw is None or raw < SHORTEST_RETENTION or rollups not in ("hourly", "none"):
        return None
    return Retention(raw, told["raw"], rollups == "hourly")


def to_entity(dataset: Dataset) -> Doc:
    """Its stored form."""
    restricted = dataset.classification is Classification.OFFICIAL_SECRET
    rule = dataset.retention
    kept = (
        {}
        if rule is None
        else {"retention": js({"raw": rule.text, "rollups": "hourly" if rule.rollups else "none"})}
    )
    return entity(
        dataset.id,
        "Dataset",
        [RESTRICTED_SCOPE if restricted else OPEN_SCOPE],
        datasetCode=prop(dataset.code),
        title=lang(**dataset.title),
        name=lang(**dataset.title),
        description=lang(**dataset.description),
        publisher=prop(dataset.publisher),
        license=prop(dataset.licence),
        classification=prop(CLASS_NAMES[dataset.classification]),
        selector=js({"types": sorted(map(short, dataset.types)), "scope": dataset.scope}),
        accrualPeriodicity=prop(dataset.frequency or "irregular"),
        contactPoint=prop(dataset.contact),
        hiddenAttributes=js({short(attr): CLASS_NAMES[level] for attr, level in dataset.hidden.items()}),
        requiredAttributes=js([short(attr) for attr in dataset.required]),
        purpose=prop(dataset.purpose),
        **kept,
    )


def from_entity(doc: Doc) -> Dataset:
    """Read a ``Dataset`` entity that anybody may have written. What is missing or wrong is read the strict way: an
    unknown classification is an official secret, an unknown attribute class too."""
    selector = value(doc, "selector")
    selector = selector if isinstance(selector, dict) else {}
    types = selector.get("types")
    hidden = value(doc, "hiddenAttributes")
    required = value(doc, "requiredAttributes")
    frequency = _text(doc, "accrualPeriodicity")
    return Dataset(
        _text(doc, "datasetCode") or doc["id"].rsplit(":", 1)[-1],
        _texts(doc, "title"),
        _texts(doc, "description"),
        _text(doc, "publisher"),
        _text(doc, "license"),
        _classification(value(doc, "classification")),
        frozenset(iri(name) for name in types if isinstance(name, str))
        if isinstance(types, list)
        else frozenset(),
        selector["scope"] if isinstance(selector.get("scope"), str) else "",
        "" if frequency == "irregular" else frequency,
        _text(doc, "contactPoint"),
        {iri(name): _classification(level) for name, level in hidden.items()}
        if isinstance(hidden, dict)
        else {},
        tuple(iri(name) for name in required if isinstance(name, str)) if isinstance(required, list) else (),
        _text(doc, "purpose") or OPERATIONS,
        read_retention(value(doc, "retention")),
    )


def _classification(name: Any) -> Classification:
    return (
        _CLASSES.get(name, Classification.OFFICIAL_SECRET)
        if isinstance(name, str)
        else Classification.OFFICIAL_SECRET
    )


def _text(doc: Doc, name: str) -> str:
    found = value(doc, name)
    return found if isinstance(found, str) else ""


def _texts(doc: Doc, name: str) -> dict[str, str]:
    found = value(doc, name)
    if isinstance(found, str):
        return {"th": found, "en": found}
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}
