"""Reads the mapping file, and finds all of its faults in one go: each with file, line and the correct form."""

from __future__ import annotations

import tomllib
from pathlib import Path as File
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

from andaman.broker.api import LOCATION, Instance, build, checked_entity, is_uri
from andaman.ingest.checking import attribute_name, type_name
from andaman.ingest.constants import read_constant
from andaman.ingest.payload import CODECS
from andaman.ingest.rules import (
    MappingError,
    Path,
    Payload,
    PlaceRule,
    TimeRule,
    TopicMap,
    TopicRule,
    ValueRule,
    ValueType,
)
from andaman.ingest.tables import Faults, Table
from andaman.ingest.times import TIME_FORMATS, check_pattern, read_zone
from andaman.ingest.topics import BadPattern, Pattern, covers, read_pattern
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import DAY, SECOND, parse_time

__all__ = ["MappingError", "fill_template", "load_mapping", "parse_mapping"]
MAX_FILE: Final = 4 << 20
ORIGINS: Final = ("measured", "reported", "computed", "replayed", "simulated")
"""Words for where values come from (docs/vocabulary.md)."""
_TOPIC: Final = (
    "pattern", "entity", "type", "scope", "payload", "encoding", "qos", "each", "time", "location", "attributes", "static",
)  # fmt: skip
_VALUE: Final = ("path", "type", "unit", "missing", "min", "max", "required", "number", "decimal")
_TIME: Final = ("path", "format", "zone", "calendar", "number", "max_age_days", "max_ahead_s")
_SAMPLES: Final[dict[str, Any]] = {"number": 1.5, "integer": 1, "text": "text", "boolean": True}
_ORIGIN: Final = build.iri("origin")


def load_mapping(path: File) -> TopicMap:
    """Raises MappingError with every fault."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MappingError(f"The mapping file {path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE:
        raise MappingError(f"The mapping file {path} has more than {MAX_FILE >> 20} MB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MappingError(f"{path}, line {line}: it is not UTF-8; save the file as UTF-8") from None
    return parse_mapping(text, str(path))


def parse_mapping(text: str, name: str = "The mapping file") -> TopicMap:
    """Raises MappingError with every fault; ``name`` is how messages call the file."""
    try:
        data = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"{name} is not TOML: {error}") from None
    except RecursionError:
        raise MappingError(f"{name} is not TOML that can be read: it is nested too deep") from None
    faults = Faults(name, text)
    file = Table(data, (), "the file", faults)
    file.only(("topic",))
    tables = data.get("topic")
    if not isinstance(tables, list) or not tables:
        faults.add(("topic",), f"{name} has no [[topic]] table; each pattern of topics has one")
        raise faults.error()
    rules = [
        _topic(Table(table, ("topic", number), f"topic {number + 1}", faults))
        for number, table in enumerate(tables)
    ]
    read = [(number, rule) for number, rule in enumerate(rules) if rule is not None]
    for index, (number, rule) in enumerate(read):
        for earlier, other in read[:index]:
            if covers(other.pattern.bare, rule.pattern.bare):
                faults.add(
                    ("topic", number, "pattern"),
                    f"topic {number + 1} ({rule.pattern.text}) is never reached: every topic that fits it also fits topic "
                    f"{earlier + 1} ({other.pattern.text}). The first that fits counts; put the narrower one first",
                )
                break
    if faults.found:
        raise faults.error()
    return TopicMap(tuple(rule for _, rule in read))


def _topic(table: Table) -> TopicRule | None:
    """One rule, or None where a fault was noted."""
    if not table.is_table():
        return None
    faults = table.faults
    before = len(faults.found)
    pattern = _pattern(table)
    if pattern is not None:
        table = table.named(f"{table.where} ({pattern.text})")
    table.only(_TOPIC)
    entity = _entity(table, pattern)
    payload = table.choice("payload", get_args(Payload), "json")
    place = _place(table)
    static = _static(table)
    values = _values(table, payload, place, static)
    rule_time = _time(table, payload)
    each = table.path("each", None)
    if each is not None and payload != "json":
        table.fault(
            "each",
            f'goes with payload = "json" only; remove it, or say payload = "json" instead of {payload!r}',
        )
    if place is not None and payload != "json":
        table.fault("location", f'goes with payload = "json" only, not with {payload!r}')
    types = table.texts("type", ["Device"])
    scope = table.texts("scope", [])
    for name in types:
        table.check("type", type_name, name)
    encoding = table.choice("encoding", tuple(CODECS), "utf-8")
    qos = table.whole("qos", 1, 0, 1)
    if len(faults.found) > before or pattern is None:
        return None
    rule = TopicRule(
        pattern, entity, tuple(sorted({type_name(name) for name in types})), tuple(_scopes(scope)), payload, encoding, qos,
        each, rule_time, place, tuple(values), static,
    )  # fmt: skip
    _check_sample(table, rule)
    return rule if len(faults.found) == before else None


def _pattern(table: Table) -> Pattern | None:
    text = table.text("pattern")
    if text is None:
        return None
    try:
        return read_pattern(text)
    except BadPattern as error:
        table.fault("pattern", f"{text[:200]!r} is not valid: {error}")
        return None


def _entity(table: Table, pattern: Pattern | None) -> str:
    entity = table.text("entity")
    if entity is None or pattern is None:
        return ""
    unknown = sorted(set(template_names(entity)) - pattern.names)
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in sorted(pattern.names)) or "none"
        shown = ", ".join(f"{{{name}}}" for name in unknown)
        table.fault("entity", f"uses {shown}, which the pattern does not name; it names {known}")
        return ""
    if not is_uri(fill_template(entity, dict.fromkeys(pattern.names, "x1"))):
        table.fault("entity", f"{entity[:200]!r} is not a URI such as urn:ngsi-ld:Device:{{id}}")
    return entity


def template_names(entity: str) -> list[str]:
    """The names in braces of a template of entity ids."""
    return [part.split("}")[0] for part in entity.split("{")[1:] if "}" in part]


def fill_template(entity: str, names: dict[str, str]) -> str:
    """The id with each {name} replaced once: what a topic says is never read as a name."""
    parts = entity.split("{")
    made = [parts[0]]
    for part in parts[1:]:
        name, brace, rest = part.partition("}")
        made.append(names[name] + rest if brace and name in names else "{" + part)
    return "".join(made)


def _values(
    table: Table, payload: str, place: PlaceRule | None, static: dict[str, Instance]
) -> list[ValueRule]:
    rules = table.sub("attributes")
    if rules is None or not rules.is_table():
        if rules is None and place is None:
            table.fault(
                "attributes", "is missing: there is no [topic.attributes.<name>], so nothing would be read"
            )
        return []
    found: list[ValueRule] = []
    seen: dict[str, str] = {}
    for name in rules.names():
        one = rules.sub(name)
        iri = rules.check(name, attribute_name, name)
        if one is None or not one.is_table() or iri is None:
            continue
        if iri == LOCATION and place is not None:
            rules.fault(name, "is given by [topic.location] too; keep one of the two")
        elif iri == _ORIGIN:
            rules.fault(name, "says where values come from and is a constant: write it under [topic.static]")
        elif iri in static:
            rules.fault(name, "is a constant under [topic.static] too; keep one of the two")
        elif iri in seen:
            rules.fault(name, f"is the same attribute as {seen[iri]!r}; keep one of the two")
        seen[iri] = name
        rule = _value(one, name, iri, payload)
        if rule is not None:
            found.append(rule)
    if not rules.names() and place is None:
        table.fault("attributes", "is empty: write a [topic.attributes.<name>]")
    return found


def _value(table: Table, name: str, iri: str, payload: str) -> ValueRule | None:
    before = len(table.faults.found)
    table.only(_VALUE)
    kind = table.choice("type", get_args(ValueType), "text" if payload == "text" else "number")
    numeric = kind in ("number", "integer")
    for key in ("min", "max", "number", "decimal"):
        if table.has(key) and not numeric:
            table.fault(key, f'is for numbers; remove it, or say type = "number" instead of {kind!r}')
    if table.has("unit") and kind == "json":
        table.fault("unit", 'does not go with type = "json"; remove it')
    if payload == "number" and not numeric:
        table.fault("type", f'is number or integer where payload = "number", not {kind!r}')
    path = table.path("path", (name,) if payload == "json" else ())
    if path and payload != "json":
        table.fault("path", f'leads into JSON; with payload = "{payload}" write path = "" or leave it out')
    low, high = table.number("min", None), table.number("max", None)
    if low is not None and high is not None and low > high:
        table.fault("min", f"= {low:g} is above max = {high:g}; exchange them")
    missing = table.list("missing")
    for one in missing:
        if not isinstance(one, (str, int, float)):
            table.fault("missing", f"lists numbers, texts, true or false, such as [-1, -9.99], not {one!r}")
    unit = table.text("unit", None)
    required = table.boolean("required", False)
    as_text = table.choice("number", ("json", "text"), "json") == "text"
    decimal = table.choice("decimal", (".", ","), ".")
    if table.has("decimal") and not as_text and payload == "json":
        table.fault("decimal", 'is for numbers in texts; add number = "text"')
    if len(table.faults.found) > before:
        return None
    return ValueRule(name, iri, path or (), kind, unit, tuple(missing), low, high, required, as_text, decimal)


def _time(table: Table, payload: str) -> TimeRule | None:
    rule = table.sub("time")
    if rule is None or not rule.is_table():
        return None
    before = len(rule.faults.found)
    rule.only(_TIME)
    path = rule.path("path", None)
    if path is None and not rule.has("path"):
        rule.fault("path", 'is missing; write where the time is, such as path = "ts"')
    if path and payload != "json":
        rule.fault(
            "path",
            f'leads into JSON; with payload = "{payload}" there is no time in the message, remove time',
        )
    form = rule.text("format", "iso") or "iso"
    is_pattern = "%" in form
    if is_pattern:
        rule.check("format", check_pattern, form)
    elif form not in TIME_FORMATS:
        rule.choice("format", (*TIME_FORMATS, "a pattern such as %d/%m/%Y %H:%M:%S"), "iso")
    zone_name = rule.text("zone", None)
    zone: ZoneInfo | None = None
    if zone_name is not None:
        zone = rule.check("zone", read_zone, zone_name)
        if form.startswith("unix"):
            rule.fault(
                "zone", f'is for times that name none; format = "{form}" counts from 1970 in UTC: remove zone'
            )
    elif is_pattern and "%z" not in form:
        rule.fault(
            "zone", f'is needed with format = "{form}", which names no zone; write zone = "Asia/Bangkok"'
        )
    as_text = rule.choice("number", ("json", "text"), "json") == "text"
    if as_text and not form.startswith("unix"):
        rule.fault("number", 'is for format = "unix", "unix-ms" or "unix-us"; remove it')
    buddhist = rule.choice("calendar", ("gregorian", "buddhist"), "gregorian") == "buddhist"
    if buddhist and form.startswith("unix"):
        rule.fault(
            "calendar", f'is for times with a year; format = "{form}" counts from 1970: remove calendar'
        )
    age = rule.number("max_age_days", 7.0, 0.0, 36_500.0)
    ahead = rule.number("max_ahead_s", 300.0, 0.0, 86_400.0 * 366)
    if len(rule.faults.found) > before or path is None or age is None or ahead is None:
        return None
    return TimeRule(path, form, int(age * DAY), int(ahead * SECOND), zone, buddhist, as_text)


def _place(table: Table) -> PlaceRule | None:
    rule = table.sub("location")
    if rule is None or not rule.is_table():
        return None
    rule.only(("lon", "lat", "number"))
    paths: list[Path] = []
    for key in ("lon", "lat"):
        path = rule.path(key, None)
        if path is None and not rule.has(key):
            rule.fault(key, f'is missing; write where it is, such as {key} = "pos.{key}"')
        elif path is not None:
            paths.append(path)
    as_text = rule.choice("number", ("json", "text"), "json") == "text"
    return PlaceRule(paths[0], paths[1], as_text) if len(paths) == 2 else None


def _static(table: Table) -> dict[str, Instance]:
    found = {_ORIGIN: build.prop("measured")}
    rules = table.sub("static")
    if rules is None or not rules.is_table():
        return found
    seen: dict[str, str] = {}
    for name in rules.names():
        iri = rules.check(name, attribute_name, name)
        if iri is None:
            continue
        if iri == LOCATION and table.has("location"):
            rules.fault(name, "is given by [topic.location] too; keep one of the two")
        elif iri in seen:
            rules.fault(name, f"is the same attribute as {seen[iri]!r}; keep one of the two")
        seen[iri] = name
        value = rules.raw(name)
        if iri == _ORIGIN and value not in ORIGINS:
            rules.choice(name, ORIGINS, "measured")
        made = rules.check(name, read_constant, name, value)
        if made is not None:
            found[iri] = made
    return found


def _scopes(scope: list[str]) -> list[str]:
    return sorted({one if one[:1] == "/" else f"/{one}" for one in scope})


def _check_sample(table: Table, rule: TopicRule) -> None:
    """An entity as the rule would make it, through the checks of every door."""
    names = dict.fromkeys(rule.pattern.names, "x1")
    at = parse_time("2026-11-22T07:00:00Z")
    attrs: dict[str, list[Instance]] = {iri: [one] for iri, one in rule.static.items()}
    for value in rule.values:
        one = build.js({"a": 1}) if value.type == "json" else build.prop(_SAMPLES[value.type], at, value.unit)
        attrs[value.iri] = [one]
    if rule.location is not None:
        attrs[LOCATION] = [build.geo({"type": "Point", "coordinates": [98.39, 7.88]}, at)]
    parts: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        (("entity",), {"id": fill_template(rule.entity, names), "attrs": {}}),
        (("scope",), {"scope": list(rule.scope), "attrs": {}} if rule.scope else {"attrs": {}}),
        *((("attributes", v.name), {"attrs": {v.iri: attrs[v.iri]}}) for v in rule.values),
        *((("static", build.short(iri)), {"attrs": {iri: attrs[iri]}}) for iri in rule.static),
        ((), {"attrs": attrs}),
    ]
    before = len(table.faults.found)
    for path, part in parts:
        doc = {"id": "urn:x:y", "type": list(rule.types), **part}
        try:
            checked_entity(doc)
        except BadRequestData as error:
            if path or len(table.faults.found) == before:
                table.fault_at(path, f"would not be taken by the broker: {error.detail}")
