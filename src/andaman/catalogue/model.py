"""A dataset of the catalogue as plain data, and its form as an entity (type ``Dataset``, DCAT-AP terms)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from andaman.broker.api import Doc, entity, iri, js, lang, prop, short, value
from andaman.catalogue.problems import PurposeMissing, SelectorEmptied
from andaman.catalogue.reading import CLASS_NAMES, read_policy
from andaman.identity.model import Classification
from andaman.identity.policy import OPERATIONS, DatasetRule
from andaman.kernel.errors import BadRequestData
from andaman.kernel.ids import urn
from andaman.kernel.time import DAY, HOUR, MINUTE, SECOND, Micros

DATASET: Final = iri("Dataset")
OPEN_SCOPE: Final = "/catalogue/open"
RESTRICTED_SCOPE: Final = "/catalogue/restricted"
"""Entries of official secrets: even that the dataset exists is one."""

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
    """The catalogue's knowledge of one dataset. Names of types and attributes are IRIs.

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
    faults: tuple[str, ...] = ()
    """The parts of its policy that cannot be read, in sentences; see ``reading``."""

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

    def rules(self) -> list[DatasetRule]:
        """The same for an entry that anybody may have written. If a part of it cannot be read,
        there are also rules that are stricter for somebody than the class that it is read as. It then belongs to staff
        at most, and to no agency's pen.
        """
        rule = self.rule()
        if rule is None:
            return []
        if not self.faults:
            return [rule]
        # An official secret and personal data are open to different people: what may be either is open to those alone who
        # may see both.
        level, personal = rule.classification, Classification.PERSONAL
        level = personal if level is Classification.OFFICIAL_SECRET else level
        return [
            rule,
            replace(rule, classification=Classification.SECURITY, agency="", attributes={}),
            replace(rule, classification=level, attributes=dict.fromkeys(self.hidden, personal)),
        ]


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
    unknown classification is an official secret, an unknown attribute class too (``reading``). Then nothing is forgotten
    either: it has no retention."""
    told = read_policy(doc)
    required = value(doc, "requiredAttributes")
    frequency = _text(doc, "accrualPeriodicity")
    return Dataset(
        _text(doc, "datasetCode") or doc["id"].rsplit(":", 1)[-1],
        _texts(doc, "title"),
        _texts(doc, "description"),
        told.publisher,
        _text(doc, "license"),
        told.classification,
        told.types,
        told.scope,
        "" if frequency == "irregular" else frequency,
        _text(doc, "contactPoint"),
        told.hidden,
        tuple(iri(name) for name in required if isinstance(name, str)) if isinstance(required, list) else (),
        told.purpose,
        None if told.faults else read_retention(value(doc, "retention")),
        tuple(told.faults.values()),
    )


def check_entry(before: Doc | None, after: Doc) -> None:
    """Refuse a change that makes an entry unreadable, or that takes its selector from an entry that keeps something closed.

    What was wrong before may stay so, since who mends an entry may do it step by step. Raises BadRequestData.
    """
    now = read_policy(after)
    old = before["attrs"] if before is not None and DATASET in before["type"] else {}
    was = read_policy({"attrs": old}) if old else None
    for name, fault in now.faults.items():
        if was is None or name not in was.faults or old.get(iri(name)) != after["attrs"].get(iri(name)):
            raise BadRequestData(fault, field=name)
    if was is None:
        return
    closed = was.classification is not Classification.PUBLIC or was.hidden
    if closed and (was.types or was.scope) and not (now.types or now.scope):
        raise SelectorEmptied
    if was.purpose != now.purpose and iri("purpose") not in after["attrs"]:
        raise PurposeMissing(example=OPERATIONS)


def _text(doc: Doc, name: str) -> str:
    found = value(doc, name)
    return found if isinstance(found, str) else ""


def _texts(doc: Doc, name: str) -> dict[str, str]:
    found = value(doc, name)
    if isinstance(found, str):
        return {"th": found, "en": found}
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}
