"""From one device message to an entity, or to dead letters with reasons. Pure: no clock, no socket, no disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from andaman.broker.entity import build
from andaman.broker.model import Doc, Instance
from andaman.ingest.deadletter import DeadLetter
from andaman.ingest.mapping import TimeRule, TopicMap, TopicRule, ValueRule
from andaman.kernel.ids import is_uri
from andaman.kernel.time import SECOND, Micros, format_time, parse_time

MAX_BYTES = 256 * 1024
_ABSENT = object()


class Unreadable(Exception):
    """A message or a value that cannot be taken over; ``reason`` is a code of ``DeadLetter``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(slots=True)
class Reading:
    """What became of a message: an entity, or None; and what was not readable in it."""

    doc: Doc | None = None
    letters: list[DeadLetter] = field(default_factory=list)


def read_message(mapping: TopicMap, feed: str, topic: str, payload: bytes, now: Micros) -> Reading:
    """Never raises: whatever a device sends ends as an entity or as a dead letter."""
    reading = Reading()

    def letter(error: Unreadable, attribute: str = "") -> None:
        reading.letters.append(DeadLetter(now, feed, topic, error.reason, error.detail, payload, attribute))

    try:
        rule, names, content = _open(mapping, topic, payload)
        entity_id = _entity_id(rule, names)
        observed = _observed(rule.time, content, now)
    except Unreadable as error:
        letter(error)
        return reading
    attrs: dict[str, Instance] = {}
    for value_rule in rule.values:
        try:
            value = _value(value_rule, content)
        except Unreadable as error:
            letter(error, value_rule.name)
            continue
        if value is not _ABSENT:
            attrs[value_rule.name] = (
                build.js(value) if value_rule.type == "json" else build.prop(value, observed, value_rule.unit)
            )
    if rule.location is not None:
        try:
            attrs["location"] = build.geo({"type": "Point", "coordinates": _place(rule, content)}, observed)
        except Unreadable as error:
            letter(error, "location")
    if attrs:
        fixed = {"origin": build.prop("measured"), **rule.static}
        reading.doc = build.entity(entity_id, rule.types, rule.scope, **fixed, **attrs)
    elif not reading.letters:
        letter(Unreadable("no-value", f"None of {', '.join(v.name for v in rule.values)} is in the message"))
    return reading


def _open(mapping: TopicMap, topic: str, payload: bytes) -> tuple[TopicRule, dict[str, str], Any]:
    found = mapping.find(topic)
    if found is None:
        raise Unreadable("not-mapped", f"No pattern of the mapping fits the topic {topic!r}")
    rule, names = found
    if len(payload) > MAX_BYTES:
        raise Unreadable("too-large", f"{len(payload)} bytes; at most {MAX_BYTES} are read")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("bad-encoding", f"Not UTF-8 at byte {error.start}") from None
    if rule.payload == "text":
        return rule, names, text
    if rule.payload == "number":
        try:
            return rule, names, float(text.strip())
        except ValueError:
            raise Unreadable("wrong-type", f"{text[:80]!r} is not a number") from None
    try:
        return rule, names, orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        reason = "not-finite" if any(word in text for word in ("NaN", "Infinity")) else "bad-json"
        raise Unreadable(reason, f"Not JSON: {error}") from None


def _entity_id(rule: TopicRule, names: dict[str, str]) -> str:
    entity_id = rule.entity
    for name, value in names.items():
        entity_id = entity_id.replace(f"{{{name}}}", value)
    if not is_uri(entity_id):
        raise Unreadable("bad-id", f"{entity_id[:200]!r} is not a URI")
    return entity_id


def _at(content: Any, path: Sequence[str]) -> Any:
    for step in path:
        if isinstance(content, dict) and step in content:
            content = content[step]
        elif isinstance(content, list) and step.isdecimal() and int(step) < len(content):
            content = content[int(step)]
        else:
            return _ABSENT
    return content


def _value(rule: ValueRule, content: Any) -> Any:
    """The plain value, or _ABSENT when the message does not have it and need not. Raises Unreadable."""
    value = _at(content, rule.path if isinstance(content, (dict, list)) else ())
    if value is _ABSENT or value is None:
        if rule.required:
            raise Unreadable("no-value", f"{'.'.join(rule.path)} is not in the message")
        return _ABSENT
    if rule.type == "json":
        return value
    if any(_same(value, absent) for absent in rule.missing):
        raise Unreadable("missing-value", f"{value!r} stands for a missing value")
    if rule.type == "text":
        return value if isinstance(value, str) else _wrong(rule, value)
    if rule.type == "boolean":
        return value if isinstance(value, bool) else _wrong(rule, value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        _wrong(rule, value)
    if not math.isfinite(value):
        raise Unreadable("not-finite", f"{value!r} is not a finite number")
    if rule.type == "integer":
        if value != int(value):
            _wrong(rule, value)
        value = int(value)
    if (rule.low is not None and value < rule.low) or (rule.high is not None and value > rule.high):
        low, high = ("−∞" if rule.low is None else rule.low), ("∞" if rule.high is None else rule.high)
        raise Unreadable("out-of-range", f"{value!r} is not between {low} and {high}")
    return value


def _same(value: Any, absent: Any) -> bool:
    numbers = (int, float)
    if type(value) in numbers and type(absent) in numbers:
        return bool(value == absent)
    return type(value) is type(absent) and bool(value == absent)


def _wrong(rule: ValueRule, value: Any) -> Any:
    raise Unreadable("wrong-type", f"{repr(value)[:80]} is not of the type {rule.type}")


def _place(rule: TopicRule, content: Any) -> list[float]:
    assert rule.location is not None
    found = []
    for path, limit in zip(rule.location, (180.0, 90.0), strict=True):
        value = _at(content, path)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise Unreadable("wrong-type", f"{'.'.join(path)} is not a coordinate")
        if abs(value) > limit or value == 0:
            raise Unreadable("out-of-range", f"{'.'.join(path)} = {value!r} is no place; 0 means no fix")
        found.append(float(value))
    return found


def _observed(rule: TimeRule | None, content: Any, now: Micros) -> Micros:
    if rule is None:
        return now
    value = _at(content, rule.path)
    where = ".".join(rule.path)
    if value is _ABSENT or value is None:
        raise Unreadable("bad-time", f"{where} is not in the message")
    try:
        at = _instant(rule, value)
    except (ValueError, OverflowError) as error:
        raise Unreadable("bad-time", f"{where}: {error}") from None
    if at > now + rule.max_ahead or at < now - rule.max_age:
        try:
            shown = format_time(at)
        except OverflowError:
            shown = repr(value)[:80]
        raise Unreadable("bad-time", f"{where} = {shown} is too far from now")
    return at


def _instant(rule: TimeRule, value: Any) -> Micros:
    if rule.format == "iso":
        if not isinstance(value, str):
            raise ValueError(f"{repr(value)[:80]} is not an ISO 8601 text")
        return parse_time(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{repr(value)[:80]} is not a number")
    return int(value * {"unix": SECOND, "unix-ms": 1000, "unix-us": 1}[rule.format])
