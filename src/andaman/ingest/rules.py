"""The mapping file (TOML): which MQTT topics become which entities and attributes. See docs/rooms/ingest.md.

This is its content as read and checked (``mapping``); ``reading`` applies it to messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from andaman.broker.model import Instance
from andaman.ingest.topics import Pattern, covers
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import Micros

ValueType = Literal["number", "integer", "text", "boolean", "json"]
Payload = Literal["json", "number", "text"]


@dataclass(frozen=True, slots=True)
class Pick:
    """A step of a path into a list of objects: the first one whose ``key`` is ``value`` (compared as text)."""

    key: str
    value: str


Step = str | Pick
Path = tuple[Step, ...]
"""Steps into a message: keys of objects, numbers into lists, picks; none for the whole of it."""


class MappingError(BadRequestData):
    """The mapping file is not usable; the message names file, line and the correct form of each fault."""


@dataclass(frozen=True, slots=True)
class ValueRule:
    """How one attribute is read."""

    name: str  # as the file has it
    iri: str
    path: Path
    type: ValueType
    unit: str | None
    missing: tuple[Any, ...]  # what the device writes when it has no value, e.g. −1 or −9.99
    low: float | None
    high: float | None
    required: bool
    as_text: bool = False  # numbers come as text
    decimal: str = "."


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Where the time of observation stands; without a rule it is the time of receipt.

    ``format``: iso, unix, unix-ms, unix-us, or a pattern of strptime. ``zone``: of times that name none.
    """

    path: Path
    format: str
    max_age: Micros
    max_ahead: Micros
    zone: ZoneInfo | None = None
    buddhist: bool = False  # years of the Buddhist era
    as_text: bool = False  # numbers come as text


@dataclass(frozen=True, slots=True)
class PlaceRule:
    """Longitude and latitude in degrees (WGS 84)."""

    lon: Path
    lat: Path
    as_text: bool = False


@dataclass(frozen=True, slots=True)
class TopicRule:
    """One ``[[topic]]``."""

    pattern: Pattern
    entity: str  # template with {name}
    types: tuple[str, ...]  # IRIs
    scope: tuple[str, ...]
    payload: Payload
    encoding: str
    qos: int
    each: Path | None  # a list in the message, each of whose items is a reading
    time: TimeRule | None
    location: PlaceRule | None
    values: tuple[ValueRule, ...]
    static: Mapping[str, Instance]  # by IRI; ``origin`` is always there

    @property
    def filter(self) -> str:
        """As subscribed."""
        return self.pattern.filter


@dataclass(frozen=True, slots=True)
class TopicMap:
    """The whole file."""

    topics: tuple[TopicRule, ...]

    def find(self, topic: str) -> tuple[TopicRule, dict[str, str]] | None:
        """The first rule whose pattern fits, with its names."""
        for rule in self.topics:
            match = rule.pattern.regex.fullmatch(topic)
            if match is not None:
                return rule, match.groupdict()
        return None

    def subscriptions(self) -> dict[str, int]:
        """Filter → quality of service. A filter that another one covers is left out: else some MQTT brokers send what
        fits both of them twice. The wider one then has the higher quality of the two."""
        wanted: dict[str, int] = {}
        for rule in self.topics:
            wider = [
                other
                for other in self.topics
                if other is not rule
                and other.filter == other.pattern.bare
                and covers(other.pattern.bare, rule.pattern.bare)
                and rule.filter == rule.pattern.bare
            ]
            if not wider:
                qos = [one.qos for one in self.topics if one is rule or _within(one, rule)]
                wanted[rule.filter] = max(qos)
        return wanted


def _within(one: TopicRule, rule: TopicRule) -> bool:
    shared = one.filter != one.pattern.bare or rule.filter != rule.pattern.bare
    return not shared and covers(rule.pattern.bare, one.pattern.bare)
