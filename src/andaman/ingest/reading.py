"""From one device message to entities, or to dead letters with reasons. Pure: no clock, no socket, no disk."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import orjson

from andaman.broker.api import LOCATION, Doc, Instance, build, check_stored_value, is_uri
from andaman.ingest.deadletter import DeadLetter
from andaman.ingest.mapping import fill_template
from andaman.ingest.numbers import read_number
from andaman.ingest.payload import MAX_BYTES, Unreadable, open_payload
from andaman.ingest.rules import Path, Pick, PlaceRule, TopicMap, TopicRule, ValueRule
from andaman.ingest.times import read_instant
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import Micros, format_time

__all__ = ["MAX_BYTES", "MOST_ITEMS", "Reading", "Unreadable", "read_message"]
MOST_ITEMS: Final = 1000
"""Readings in one message."""
MOST_MADE: Final = 8 << 20
"""Bytes that one message becomes: members outside a list count with each of its readings."""
_GROWN: Final = 4
"""A value has at most so many bytes for each that it came as (UTF-8 for TIS-620, 100000.0 for 1e5)."""
_BESIDE: Final = 100
"""Bytes of an attribute in addition to its value, about."""
_SMALLEST: Final = -(1 << 63)
_LARGEST: Final = (1 << 64) - 1
_EXACT: Final = 1 << 53
_SOUND: Final[dict[str, tuple[type | tuple[type, ...], str]]] = {
    "text": (str, "Property"),
    "json": ((dict, list), "JsonProperty"),
}
"""Types whose values need the broker's own checks; the checks here are enough for all others."""


class _Absent:
    """Nothing there."""


_ABSENT: Final = _Absent()


@dataclass(slots=True)
class Reading:
    """The result of reading a message. ``received``: its entities have the time of receipt, or (``retained``) none.

    ``ignored`` says why there is neither an entity nor a letter: "missing" (the message says that it has no value),
    "retained" (an old value kept by the MQTT broker, too old to be taken).
    """

    docs: list[Doc] = field(default_factory=list)
    made: int = 0  # bytes of docs, at most about
    letters: list[DeadLetter] = field(default_factory=list)
    received: bool = False
    retained: bool = False
    ignored: str = ""

    @property
    def doc(self) -> Doc | None:
        """The first entity."""
        return self.docs[0] if self.docs else None


def read_message(
    mapping: TopicMap, feed: str, topic: str, payload: bytes, now: Micros, retained: bool = False
) -> Reading:
    """Never raises: any payload of a device ends as entities, as dead letters, or as ``ignored``.

    ``now`` is the time of receipt; the further readings of a list have the microseconds behind it. ``retained``: the MQTT
    broker had kept the message; when it was sent is not known.
    """
    reading = Reading()
    pattern = ""
    try:
        found = mapping.find(topic)
        if found is None:
            raise Unreadable("not-mapped", f"No pattern of the mapping fits the topic {topic[:200]!r}")
        rule, names = found
        pattern = rule.pattern.text
        reading.received = rule.time is None
        reading.retained = retained and rule.time is None
        content = open_payload(rule, payload)
        entity_id = _entity_id(rule, names)
        items = _items(rule, content)
        message = _Message(rule, entity_id, content, now, retained, len(items) * len(payload))
        for index, item in enumerate(items):
            message.read(item, now + index)
        reading.docs, reading.made = message.docs, message.made
        faults = message.faults
        reading.ignored = "" if message.docs or faults else message.silent if items else "missing"
        if not message.docs and not faults and not reading.ignored:
            names_of = [value.name for value in rule.values] + (["location"] if rule.location else [])
            raise Unreadable("no-value", f"None of {', '.join(names_of)[:300]} is in the message")
    except Unreadable as error:
        faults = [("", error)]
    except Exception as error:  # whatever a device sends: the next message must be read
        reading.docs = []
        reading.made = 0
        faults = [("", Unreadable("refused", f"{type(error).__name__}: {error}"))]
    reading.letters = [
        DeadLetter(now, feed, topic, one.reason, one.detail, payload, attribute, pattern)
        for attribute, one in faults
    ]
    return reading


class _Message:
    """One message while it is read."""

    def __init__(
        self, rule: TopicRule, entity_id: str, content: Any, now: Micros, retained: bool, most: int
    ) -> None:
        """``most``: bytes of one attribute over all readings, if each were the complete message."""
        self.docs: list[Doc] = []
        self.faults: list[tuple[str, Unreadable]] = []
        self.silent = ""
        self._rule = rule
        self._id = entity_id
        self._content = content
        self._now = now
        self._retained = retained
        self._is_counted = most * _GROWN * max(1, len(rule.values)) > MOST_MADE
        self.made = 0 if self._is_counted else most
        self._sizes: dict[int, int] = {}  # by id, as below: the message holds each value while it is read
        self._sound: set[int] = set()

    def _count(self, value: Any) -> None:
        """Raises Unreadable where the message becomes more than is taken."""
        size = _BESIDE
        if isinstance(value, (str, dict, list)):
            known = self._sizes.get(id(value))
            if known is None:
                known = self._sizes[id(value)] = len(orjson.dumps(value))
            size += known
        self.made += size
        if self.made > MOST_MADE:
            raise Unreadable(
                "too-large",
                f"The message would become more than {MOST_MADE >> 20} MB: its members outside the list are written with each "
                "of its readings; send those in a message of their own",
            )

    def read(self, item: Any, at: Micros) -> None:
        """One reading of it; ``at`` is its time where it has none of its own."""
        rule = self._rule
        try:
            observed = self._observed(item, at)
        except Unreadable as error:
            if self._retained and error.reason == "too-old":
                self.silent = "retained"
                return
            reason = "bad-time" if error.reason == "too-old" else error.reason
            self.faults.append(("", Unreadable(reason, error.detail)))
            return
        attrs: dict[str, list[Instance]] = {}
        for value_rule in rule.values:
            try:
                value = self._value(value_rule, item)
            except Unreadable as error:
                self.faults.append((value_rule.name, error))
                continue
            if not isinstance(value, _Absent):
                if self._is_counted:
                    self._count(value)
                attrs[value_rule.iri] = [_instance(value_rule, value, observed)]
        if rule.location is not None:
            try:
                place = self._place(rule.location, item)
            except Unreadable as error:
                self.faults.append(("location", error))
            else:
                if place is not None:
                    attrs[LOCATION] = [build.geo({"type": "Point", "coordinates": place}, observed)]
        if attrs:
            self.docs.append(self._doc(attrs))

    def _doc(self, attrs: dict[str, list[Instance]]) -> Doc:
        rule = self._rule
        constants = {iri: [one] for iri, one in rule.static.items()}
        doc: Doc = {"id": self._id, "type": list(rule.types), "attrs": constants | attrs}
        if rule.scope:
            doc["scope"] = list(rule.scope)
        return doc

    def _at(self, item: Any, path: Path) -> Any:
        """The value at ``path`` of the item, or else of the complete message (a common time, for example)."""
        found = _follow(item, path if isinstance(item, (dict, list)) else ())
        if isinstance(found, _Absent) and self._rule.each is not None and path:
            return _follow(self._content, path)
        return found

    def _timed(self, item: Any, path: Path) -> Any:
        """The same for a time, which a message that is a number only does not have."""
        found = _follow(item, path)
        return (
            _follow(self._content, path)
            if isinstance(found, _Absent) and self._rule.each is not None
            else found
        )

    def _value(self, rule: ValueRule, item: Any) -> Any:
        """The plain value, or _ABSENT when the message does not have it and need not. Raises Unreadable."""
        value = self._at(item, rule.path)
        if isinstance(value, _Absent) or value is None:
            if rule.required:
                raise Unreadable("no-value", f"{shown(rule.path) or 'the value'} is not in the message")
            self.silent = self.silent or ("" if isinstance(value, _Absent) else "missing")
            return _ABSENT
        if any(_same(value, absent) for absent in rule.missing):
            if rule.required:
                raise Unreadable("missing-value", f"{value!r} stands for a missing value")
            self.silent = self.silent or "missing"
            return _ABSENT
        if rule.type in _SOUND:
            expected, kind = _SOUND[rule.type]
            if not isinstance(value, expected):
                _wrong(rule, value)
            if id(value) not in self._sound:  # what stands beside a list is checked once
                try:
                    check_stored_value(kind, value, rule.name)
                except BadRequestData as error:
                    raise Unreadable("refused", error.detail) from None
                self._sound.add(id(value))
            return value
        if rule.type == "boolean":
            if not isinstance(value, bool):
                _wrong(rule, value)
            return value
        return _number(rule, value)

    def _place(self, rule: PlaceRule, item: Any) -> list[float] | None:
        """Longitude and latitude, None where there is no fix. Raises Unreadable."""
        values = [self._at(item, path) for path in (rule.lon, rule.lat)]
        absent = [isinstance(value, _Absent) or value is None for value in values]
        if all(absent):
            if not all(isinstance(value, _Absent) for value in values):
                self.silent = self.silent or "missing"
            return None
        found = []
        for path, value, missed in zip((rule.lon, rule.lat), values, absent, strict=True):
            if missed:
                raise Unreadable(
                    "wrong-type", f"{shown(path)} is not in the message, the other coordinate is"
                )
            try:
                number = read_number(value, rule.as_text)
            except ValueError:
                raise Unreadable(
                    "wrong-type", f"{shown(path)} = {_excerpt(value)} is not a coordinate"
                ) from None
            if isinstance(number, float) and not math.isfinite(number):
                raise Unreadable("not-finite", f"{shown(path)} = {number!r} is not a finite number")
            found.append(number)
        lon, lat = found
        if lon == 0 and lat == 0:
            self.silent = self.silent or "missing"
            return None  # what a receiver without a fix says; 0 in one of the two is a place
        if abs(lon) > 180 or abs(lat) > 90:
            hint = "; exchanged in the mapping?" if abs(lon) <= 90 and abs(lat) <= 180 else ""
            raise Unreadable(
                "out-of-range", f"lon = {str(lon)[:40]}, lat = {str(lat)[:40]} is not a place{hint}"
            )
        return [float(lon), float(lat)]

    def _observed(self, item: Any, at: Micros) -> Micros | None:
        """When it was observed; None for an old value whose time is not known."""
        rule = self._rule.time
        if rule is None:
            return None if self._retained else at
        value, where = self._timed(item, rule.path), shown(rule.path)
        if isinstance(value, _Absent) or value is None:
            raise Unreadable("bad-time", f"{where} is not in the message")
        try:
            found = read_instant(rule, value)
        except OverflowError as error:
            raise Unreadable("not-finite", f"{where}: {error}") from None
        except ValueError as error:
            raise Unreadable("bad-time", f"{where}: {error}") from None
        if found > self._now + rule.max_ahead or found < self._now - rule.max_age:
            reason = "too-old" if found < self._now else "bad-time"
            raise Unreadable(
                reason, f"{where} = {format_time(found)} is too far from now, {format_time(self._now)}"
            )
        return found


def _instance(rule: ValueRule, value: Any, observed: Micros | None) -> Instance:
    if rule.type != "json":
        return build.prop(value, observed, rule.unit)
    made = build.js(value)
    if observed is not None:
        made["observedAt"] = format_time(observed)
    return made


def _items(rule: TopicRule, content: Any) -> list[Any]:
    if rule.each is None:
        return [content]
    items = _follow(content, rule.each)
    if not isinstance(items, list):
        where = shown(rule.each) or "the message"
        raise Unreadable("wrong-type", f"{where} is not a list of readings")
    if len(items) > MOST_ITEMS:
        raise Unreadable("too-large", f"{len(items)} readings in one message; at most {MOST_ITEMS} are read")
    return items


def _entity_id(rule: TopicRule, names: dict[str, str]) -> str:
    entity_id = fill_template(rule.entity, names)
    if not is_uri(entity_id):
        raise Unreadable("bad-id", f"{entity_id[:200]!r} is not a URI of at most 2048 characters")
    return entity_id


def _follow(content: Any, path: Path) -> Any:
    for step in path:
        if isinstance(step, Pick):
            found = _picked(content, step)
            if found is None:
                return _ABSENT
            content = found
        elif isinstance(content, dict) and step in content:
            content = content[step]
        elif (
            isinstance(content, list)
            and step.isascii()
            and step.isdecimal()
            and len(step) < 10
            and int(step) < len(content)
        ):
            content = content[int(step)]
        else:
            return _ABSENT
    return content


def _picked(content: Any, step: Pick) -> dict[str, Any] | None:
    for one in content if isinstance(content, list) else ():
        if isinstance(one, dict) and step.key in one and str(one[step.key]) == step.value:
            return one
    return None


def shown(path: Path) -> str:
    """A path as the mapping file has it."""
    text = ""
    for step in path:
        text += f"[{step.key}={step.value}]" if isinstance(step, Pick) else f".{step}" if text else step
    return text


def _number(rule: ValueRule, value: Any) -> int | float:
    try:
        number = read_number(value, rule.as_text, rule.decimal)
    except ValueError:
        _wrong(rule, value)
    if isinstance(number, float):
        if not math.isfinite(number):
            raise Unreadable("not-finite", f"{str(value)[:80]} is not a finite number")
        if rule.type == "integer":
            if number != int(number):
                _wrong(rule, value)
            if abs(number) > _EXACT:
                raise Unreadable(
                    "out-of-range", f"{number!r} is beyond the whole numbers that can be kept exactly"
                )
            number = int(number)
    elif not _SMALLEST <= number <= _LARGEST:
        if rule.type == "integer":
            raise Unreadable("out-of-range", f"{str(number)[:40]} is beyond 64 bits")
        try:
            number = float(number)
        except OverflowError:
            raise Unreadable("not-finite", f"{str(value)[:40]}… is too large for a number") from None
    if (rule.low is not None and number < rule.low) or (rule.high is not None and number > rule.high):
        low, high = ("−∞" if rule.low is None else rule.low), ("∞" if rule.high is None else rule.high)
        raise Unreadable("out-of-range", f"{str(number)[:40]} is not between {low} and {high}")
    return number


def _same(value: Any, absent: Any) -> bool:
    numbers = (int, float)
    if type(value) in numbers and type(absent) in numbers:
        return bool(value == absent)
    return type(value) is type(absent) and bool(value == absent)


def _wrong(rule: ValueRule, value: Any) -> NoReturn:
    raise Unreadable("wrong-type", f"{_excerpt(value)} is not of the type {rule.type}")


def _excerpt(value: Any) -> str:
    """A value in a message for people; never all of a value that may be long or deep."""
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else repr(value)[:80]
