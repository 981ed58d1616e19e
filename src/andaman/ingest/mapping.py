"""The mapping file (TOML): which MQTT topics become which entities and attributes. See docs/rooms/ingest.md."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from andaman.broker.entity import build
from andaman.broker.model import Instance
from andaman.kernel.errors import BadRequestData
from andaman.kernel.ids import is_uri
from andaman.kernel.time import DAY, MINUTE, Micros

ValueType = Literal["number", "integer", "text", "boolean", "json"]
TimeFormat = Literal["iso", "unix", "unix-ms", "unix-us"]
_TYPES: Final = ("number", "integer", "text", "boolean", "json")
_TIMES: Final = ("iso", "unix", "unix-ms", "unix-us")
_LEVEL: Final = re.compile(r"\{(\w+)\}|\+|#|[^+#{}]*")
_FIELDS: Final = {
    "topic": {
        "pattern",
        "entity",
        "type",
        "scope",
        "payload",
        "time",
        "location",
        "attributes",
        "static",
        "qos",
    },
    "attribute": {"path", "type", "unit", "missing", "min", "max", "required"},
    "time": {"path", "format", "max_age_days", "max_ahead_s"},
    "location": {"lon", "lat"},
}


class MappingError(BadRequestData):
    """The mapping file is not usable; the message names the place in it."""


@dataclass(frozen=True, slots=True)
class ValueRule:
    """How one attribute is read. ``path`` is dotted ("data.pm25"); "" is the whole payload."""

    name: str
    path: tuple[str, ...]
    type: ValueType
    unit: str | None
    missing: tuple[Any, ...]  # what the device writes when it has no value, e.g. −1 or −9.99
    low: float | None
    high: float | None
    required: bool


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Where the time of observation stands; without a rule it is the time of receipt."""

    path: tuple[str, ...]
    format: TimeFormat
    max_age: Micros
    max_ahead: Micros


@dataclass(frozen=True, slots=True)
class TopicRule:
    """One ``[[topic]]``. ``regex`` has a named group for each ``{name}`` of the pattern."""

    pattern: str
    filter: str  # as subscribed
    regex: re.Pattern[str]
    entity: str  # template with {name}
    types: tuple[str, ...]
    scope: tuple[str, ...]
    payload: Literal["json", "number", "text"]
    qos: int
    time: TimeRule | None
    location: tuple[tuple[str, ...], tuple[str, ...]] | None
    values: tuple[ValueRule, ...]
    static: Mapping[str, Instance]


@dataclass(frozen=True, slots=True)
class TopicMap:
    """The whole file."""

    topics: tuple[TopicRule, ...]

    def find(self, topic: str) -> tuple[TopicRule, dict[str, str]] | None:
        """The first rule whose pattern fits, with its names."""
        for rule in self.topics:
            match = rule.regex.fullmatch(topic)
            if match is not None:
                return rule, match.groupdict()
        return None


def load_mapping(path: Path) -> TopicMap:
    """Raises MappingError with the place of the fault."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise MappingError(f"The mapping file {path} cannot be read: {error.strerror}") from None
    return parse_mapping(text)


def parse_mapping(text: str) -> TopicMap:
    """Raises MappingError with the place of the fault."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"The mapping file is not TOML: {error}") from None
    tables = data.get("topic")
    if not isinstance(tables, list) or not tables:
        raise MappingError("The mapping file has no [[topic]] table")
    return TopicMap(tuple(_topic(table, f"topic {number}") for number, table in enumerate(tables, 1)))


def _topic(table: Any, where: str) -> TopicRule:
    _known(table, "topic", where)
    pattern = _text(table, "pattern", where)
    where = f"{where} ({pattern})"
    topic_filter, regex, names = _pattern(pattern, where)
    entity = _text(table, "entity", where)
    unknown = set(re.findall(r"\{(\w+)\}", entity)) - names
    if unknown:
        raise MappingError(
            f"{where}: entity uses {{{', '.join(sorted(unknown))}}}, which the pattern does not name"
        )
    if not is_uri(re.sub(r"\{\w+\}", "x", entity)):
        raise MappingError(f"{where}: entity {entity!r} is not a URI such as urn:ngsi-ld:Device:{{id}}")
    payload = table.get("payload", "json")
    if payload not in ("json", "number", "text"):
        raise MappingError(f"{where}: payload is json, number or text, not {payload!r}")
    attributes = table.get("attributes", {})
    if not isinstance(attributes, dict) or not attributes:
        raise MappingError(f"{where}: there is no [topic.attributes.<name>]")
    qos = table.get("qos", 1)
    if qos not in (0, 1):
        raise MappingError(f"{where}: qos is 0 or 1, not {qos!r}")
    location = table.get("location")
    if location is not None:
        _known(location, "location", f"{where}.location")
    return TopicRule(
        pattern=pattern, filter=topic_filter, regex=regex, entity=entity, types=_texts(table, "type", where, ("Device",)),
        scope=_texts(table, "scope", where, ()), payload=payload, qos=qos, time=_time(table.get("time"), where),
        location=None if location is None else (
            _path(_text(location, "lon", f"{where}.location")), _path(_text(location, "lat", f"{where}.location"))
        ),
        values=tuple(_value(name, rule, f"{where}.attributes.{name}") for name, rule in attributes.items()),
        static={name: _static(value, f"{where}.static.{name}") for name, value in table.get("static", {}).items()},
    )  # fmt: skip


def _pattern(pattern: str, where: str) -> tuple[str, re.Pattern[str], set[str]]:
    levels, parts, names = pattern.split("/"), [], set()
    subscribed = []
    for index, level in enumerate(levels):
        match = _LEVEL.fullmatch(level)
        if match is None or (level == "#" and index != len(levels) - 1):
            raise MappingError(
                f"{where}: {level!r} is no topic level; write text, +, {{name}}, or # at the end"
            )
        if match[1]:
            if match[1] in names:
                raise MappingError(f"{where}: the name {{{match[1]}}} stands twice")
            names.add(match[1])
        parts.append(f"(?P<{match[1]}>[^/]+)" if match[1] else "[^/]*" if level == "+" else
                     ".*" if level == "#" else re.escape(level))  # fmt: skip
        subscribed.append("+" if match[1] else level)
    return "/".join(subscribed), re.compile("/".join(parts)), names


def _value(name: str, rule: Any, where: str) -> ValueRule:
    _known(rule, "attribute", where)
    kind = rule.get("type", "number")
    if kind not in _TYPES:
        raise MappingError(f"{where}.type is one of {', '.join(_TYPES)}, not {kind!r}")
    missing = rule.get("missing", [])
    if not isinstance(missing, list):
        raise MappingError(f"{where}.missing is a list such as [-1, -9.99]")
    return ValueRule(
        name=name, path=_path(rule.get("path", name)), type=kind, unit=rule.get("unit"), missing=tuple(missing),
        low=rule.get("min"), high=rule.get("max"), required=bool(rule.get("required", False)),
    )  # fmt: skip


def _time(rule: Any, where: str) -> TimeRule | None:
    if rule is None:
        return None
    where = f"{where}.time"
    _known(rule, "time", where)
    form = rule.get("format", "iso")
    if form not in _TIMES:
        raise MappingError(f"{where}.format is one of {', '.join(_TIMES)}, not {form!r}")
    return TimeRule(
        _path(_text(rule, "path", where)), form,
        int(float(rule.get("max_age_days", 7)) * DAY), int(float(rule.get("max_ahead_s", 300)) * MINUTE / 60),
    )  # fmt: skip


def _static(value: Any, where: str) -> Instance:
    if isinstance(value, dict):
        if set(value) <= {"th", "en"} and all(isinstance(text, str) for text in value.values()):
            return build.lang(**value)
        if set(value) == {"lon", "lat"}:
            return build.geo({"type": "Point", "coordinates": [float(value["lon"]), float(value["lat"])]})
        raise MappingError(f"{where} is a value, a name {{th, en}}, or a place {{lon, lat}}")
    return build.prop(value)


def _known(table: Any, kind: str, where: str) -> None:
    if not isinstance(table, dict):
        raise MappingError(f"{where} is a table")
    unknown = sorted(set(table) - _FIELDS[kind])
    if unknown:
        raise MappingError(
            f"{where}: unknown {', '.join(unknown)}; known are {', '.join(sorted(_FIELDS[kind]))}"
        )


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise MappingError(f"{where}: {key} is missing or is not text")
    return value


def _texts(table: Mapping[str, Any], key: str, where: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = table.get(key, list(default))
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
        raise MappingError(f"{where}: {key} is text or a list of texts")
    return tuple(items)


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split(".")) if text else ()
