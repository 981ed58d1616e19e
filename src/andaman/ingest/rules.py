"""The mapping file (TOML): which MQTT topics become which entities and attributes. See docs/rooms/ingest.md.

This is its content as read and checked (``mapping``); ``reading`` applies it to messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, Literal
from zlib import crc32
from zoneinfo import ZoneInfo

from andaman.broker.api import Instance
from andaman.ingest.topics import Pattern, covers, joined, overlap
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import Micros

_MOST_IDENTIFIER: Final = 268_435_455
ValueType = Literal["number", "integer", "text", "boolean", "json"]
Payload = Literal["json", "number", "text"]


@dataclass(frozen=True, slots=True)
class Pick:
    """A step of a path into a list of objects: the first one whose ``key`` is ``value`` (compared as text)."""

    key: str
    value: str


Step = str | Pick
Path = tuple[Step, ...]
"""Steps into a message: keys of objects, numbers into lists, picks; none for the complete message."""


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
    """The place of the time of observation; without a rule it is the time of receipt.

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
    """The complete file."""

    topics: tuple[TopicRule, ...]

    def find(self, topic: str) -> tuple[TopicRule, dict[str, str]] | None:
        """The first rule whose pattern fits, with its names."""
        for rule in self.topics:
            match = rule.pattern.regex.fullmatch(topic)
            if match is not None:
                return rule, match.groupdict()
        return None

    def subscriptions(self, *, apart: bool = False) -> dict[str, int]:
        """Filter → quality of service. A filter that another one covers is left out: else some MQTT brokers send what
        fits both of them twice. The wider one then has the higher quality of the two.

        ``apart``: no two of them overlap (but shared ones). Those that would become one that covers them, which brings
        topics too that no pattern fits."""
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
        return _apart(wanted) if apart else wanted

    def identifiers(self) -> dict[str, int]:
        """Filter → subscription identifier (MQTT 5 §3.8.2.1.2), of the filters that overlap another one.

        They change with the filters: what the MQTT broker still holds of an earlier mapping has none of them."""
        pairs = overlapping(self.subscriptions())
        filters = sorted({one for pair in pairs for one in pair})
        found: dict[str, int] = {}
        for one in filters:
            number = crc32("\n".join([one, *filters]).encode()) % _MOST_IDENTIFIER + 1
            while number in found.values():
                number = number % _MOST_IDENTIFIER + 1
            found[one] = number
        return found

    def bringers(self, topic: str, filters: Iterable[str]) -> list[str]:
        """Those of ``filters`` (as ``subscriptions`` gives them) that bring a topic: first that of the pattern that counts."""
        rules = [rule for rule in self.topics if covers(rule.pattern.bare, topic)]
        found = self.find(topic)
        if found is not None:
            rules.sort(key=lambda rule: rule is not found[0])
        subscribed = set(filters)
        return [rule.filter for rule in rules if rule.filter in subscribed]


def _apart(wanted: dict[str, int]) -> dict[str, int]:
    """The same topics and more, by filters that do not overlap; shared ones stay."""
    found: dict[str, int] = {}
    for one, qos in wanted.items():
        while not is_shared(one):
            other = next((x for x in found if not is_shared(x) and overlap(x, one)), None)
            if other is None:
                break
            one, qos = joined(other, one), max(qos, found.pop(other))
        found[one] = qos
    return found


def is_shared(filter_: str) -> bool:
    return filter_.startswith("$share/")


def overlapping(filters: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs that have topics in common."""
    bare = [(one, one.split("/", 2)[2] if is_shared(one) else one) for one in filters]
    return [(a, b) for (a, x), (b, y) in combinations(bare, 2) if overlap(x, y)]


def _within(one: TopicRule, rule: TopicRule) -> bool:
    shared = one.filter != one.pattern.bare or rule.filter != rule.pattern.bare
    return not shared and covers(rule.pattern.bare, one.pattern.bare)
