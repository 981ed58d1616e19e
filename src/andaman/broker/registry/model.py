"""A context source registration as plain frozen data, made from its stored document. All names are IRIs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from andaman.broker.model import NGSILD
from andaman.broker.registry.operations import DEFAULT, expand
from andaman.broker.subscriptions.model import Owner
from andaman.kernel.time import Micros, parse_time

Document = dict[str, Any]
"""Members as in §5.2.9 with names in ``information`` expanded; ``properties``: the source's own ones, IRI → value as
given; ``createdAt``, ``modifiedAt``."""
Mode = Literal["inclusive", "exclusive", "redirect", "auxiliary"]
OWNER: Final = "_owner"
"""Member of a document that no client sees: [principal, purpose, era] of who answers for it."""
_LOCAL_ONLY: Final = NGSILD + "localOnly"
PROXIED: Final = frozenset({"exclusive", "redirect"})
"""Modes in which the broker itself holds nothing of the registered data (§4.3.6.3)."""


@dataclass(frozen=True, slots=True)
class EntityInfo:
    """Which entities (§5.2.8): of one of these types and, where given, with this id or one that fits the pattern."""

    types: frozenset[str]
    id: str | None = None
    id_pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Info:
    """The offered data (§5.2.10). No ``entities``: of any entity. No ``names``: all attributes."""

    entities: tuple[EntityInfo, ...] = ()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Interval:
    start: Micros
    end: Micros | None  # None: open


@dataclass(frozen=True, slots=True)
class Registration:
    """One context source, ready for matching and asking."""

    id: str
    endpoint: str  # without the trailing slash and without /ngsi-ld/v1
    mode: Mode
    operations: frozenset[str]
    information: tuple[Info, ...]
    tenant: str  # tenant to name there; "" for none
    alias: str
    datasets: frozenset[str]
    expires_at: Micros | None
    source_info: tuple[tuple[str, str], ...]
    timeout_s: float | None
    cooldown_s: float
    cache_s: float
    local_only: bool
    observed: Interval | None
    managed: Interval | None
    scopes: tuple[str, ...]
    document: Document = field(compare=False, repr=False, default_factory=dict)

    @property
    def owner(self) -> Owner | None:
        """The principal that registered it, or changed it last; None if that is not known (an older release), or was
        the platform.
        """
        told = self.document.get(OWNER)
        return None if told is None else Owner(*told)

    @property
    def proxied(self) -> bool:
        return self.mode in PROXIED

    @property
    def temporal(self) -> bool:
        """Is it for temporal representations (only)? §5.2.9: the latest state needs a registration of its own."""
        return self.observed is not None or self.managed is not None


def registration_of(document: Document) -> Registration:
    """Of a checked document."""
    management = document.get("management", {})
    scope = document.get("scope", ())
    return Registration(
        id=document["id"],
        endpoint=document["endpoint"].rstrip("/").removesuffix("/ngsi-ld/v1").rstrip("/"),
        mode=cast("Mode", document.get("mode", "inclusive")),
        operations=expand(document.get("operations", _default(document))),
        information=tuple(_info(one) for one in document["information"]),
        tenant=document.get("tenant", ""),
        alias=document.get("contextSourceAlias", ""),
        datasets=frozenset(document.get("datasetId", ())),
        expires_at=_instant(document.get("expiresAt")),
        source_info=tuple((one["key"], one["value"]) for one in document.get("contextSourceInfo", ())),
        timeout_s=_seconds(management.get("timeout")),
        cooldown_s=_seconds(management.get("cooldown")) or 0.0,
        cache_s=duration_s(management["cacheDuration"]) if "cacheDuration" in management else 0.0,
        # Some write localOnly beside management rather than in it; what is meant is the same.
        local_only=management.get("localOnly", document.get("properties", {}).get(_LOCAL_ONLY)) is True,
        observed=_interval(document.get("observationInterval")),
        managed=_interval(document.get("managementInterval")),
        scopes=tuple(scope),
        document=document,
    )


def _default(document: Document) -> tuple[str, ...]:
    """Operations where none are named; an auxiliary source can offer reading only (§4.3.6.2)."""
    return ("retrieveOps",) if document.get("mode") == "auxiliary" else DEFAULT


def _info(one: dict[str, Any]) -> Info:
    return Info(
        tuple(
            EntityInfo(frozenset(each["type"]), each.get("id"), each.get("idPattern"))
            for each in one.get("entities", ())
        ),
        frozenset([*one.get("propertyNames", ()), *one.get("relationshipNames", ())]),
    )


def _instant(text: str | None) -> Micros | None:
    return None if text is None else parse_time(text)


DURATION: Final = re.compile(
    r"P(?!$)(?:(\d+(?:\.\d+)?)Y)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
"""ISO 8601 durations, whose parts may have fractions."""
_UNITS_S: Final = (365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3600, 60, 1)


def duration_s(text: str) -> float:
    """Seconds of a duration that was checked; months of 30 days."""
    found = DURATION.fullmatch(text)
    assert found is not None
    return sum(float(part or 0) * unit for part, unit in zip(found.groups(), _UNITS_S, strict=True))


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _interval(value: dict[str, str] | None) -> Interval | None:
    if value is None:
        return None
    return Interval(parse_time(value["startAt"]), _instant(value.get("endAt")))
