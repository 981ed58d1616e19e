"""The declarative rule: its plain form, and the reader that turns JSON into it or says exactly what is wrong.

The JSON is described, with examples, in docs/rooms/command.md. Names of types and attributes are short names of the
city context; the plain form carries IRIs. Durations are ISO 8601 without months and years (``PT10M``, ``P1DT6H``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from andaman.broker.api import LOCATION, iri
from andaman.command.core.states import SEVERITIES
from andaman.command.signals import problems
from andaman.command.types import CATEGORY, CERTAINTY, URGENCY
from andaman.kernel.geometry import Area
from andaman.kernel.time import DAY, HOUR, MINUTE, SECOND, Micros

URGENCIES: Final = URGENCY.values
CERTAINTIES: Final = CERTAINTY.values
CATEGORIES: Final = CATEGORY.values
ORDERINGS: Final = (">", ">=", "<", "<=")
OPERATORS: Final = (*ORDERINGS, "==", "!=", "between", "outside")
MAX_CONDITIONS: Final = 50
MAX_DEPTH: Final = 8
TEXT_MAX: Final = 500

Scalar = float | str | bool


@dataclass(frozen=True, slots=True)
class Compare:
    """The newest value compared. ``between`` and ``outside`` have two bounds, which themselves count as between."""

    attr: str
    op: str
    value: Scalar
    upper: float = 0.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Newest value minus the oldest within the last ``per`` (event time), compared. Nothing is extrapolated."""

    attr: str
    per: Micros
    op: str
    value: float
    upper: float = 0.0


@dataclass(frozen=True, slots=True)
class Silent:
    """No new observation has arrived for ``after``; counts from the first observation on."""

    attr: str
    after: Micros


@dataclass(frozen=True, slots=True)
class InArea:
    """The newest position is inside one of the areas (``inside``), or it is in none of them."""

    attr: str
    inside: bool
    areas: tuple[str, ...] = ()  # ids of entities with an area as location
    shape: str = ""  # or: a GeoJSON geometry, as canonical JSON


@dataclass(frozen=True, slots=True)
class Exists:
    """Some entity of the type, anywhere in the tenant, fulfils the inner condition now."""

    type: str
    where: Condition


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any_:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Condition


Condition = Compare | Rate | Silent | InArea | Exists | All | Any_ | Not


@dataclass(frozen=True, slots=True)
class Bands:
    """Severity by value: the last band whose bound the value has reached (``rising``: from below)."""

    attr: str
    bands: tuple[tuple[float, str], ...]
    rising: bool = True

    def severity(self, value: Any) -> str:
        if value.__class__ is not float and value.__class__ is not int:
            return self.bands[0][1]
        found = self.bands[0][1]
        for bound, name in self.bands:
            if (value >= bound) if self.rising else (value <= bound):
                found = name
        return found


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as the engine needs it. ``clear`` None: the condition is gone when ``when`` no longer holds."""

    id: str
    types: tuple[str, ...]
    when: Condition
    scope: str = ""
    q: str = ""
    hold: Micros = 0  # "for"
    clear: Condition | None = None
    clear_hold: Micros = 0  # "clearFor"
    damping: Micros = 5 * MINUTE
    expire: Micros = 0  # 0: never
    max_age: Micros = 0  # older observations begin no alert; 0: any age
    severity: str = "Unknown"
    bands: Bands | None = None
    category: str = "Other"
    urgency: str = "Unknown"
    certainty: str = "Observed"
    headline: Mapping[str, str] = field(default_factory=dict)
    instruction: Mapping[str, str] = field(default_factory=dict)
    incident_type: str = ""
    name: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)  # the definition as it was read

    @property
    def condition(self) -> tuple[object, ...]:
        """Everything that decides whether an alert holds. Equal for rules that hold on the same entities."""
        return self.types, self.when, self.scope, self.q, self.clear

    @property
    def judgement(self) -> tuple[object, ...]:
        """Everything that the engine looks at; the rest are texts."""
        return (
            self.condition,
            (self.hold, self.clear_hold, self.damping, self.expire, self.max_age),
            (self.severity, self.bands),
        )


def iter_leaves(
    condition: Condition, negated: bool = True
) -> Iterator[Compare | Rate | Silent | InArea | Exists]:
    """Every leaf of a condition, in the order written; without those under a Not unless ``negated``."""
    match condition:
        case All(parts) | Any_(parts):
            for part in parts:
                yield from iter_leaves(part, negated)
        case Not(part):
            if negated:
                yield from iter_leaves(part)
        case _:
            yield condition


def attributes(condition: Condition) -> tuple[str, ...]:
    """Attributes of the entity itself that the condition looks at, sorted."""
    return tuple(sorted({leaf.attr for leaf in iter_leaves(condition) if not isinstance(leaf, Exists)}))


_DURATION = re.compile(
    r"P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7}(?:\.\d{1,6})?)S)?)?",
    re.ASCII,
)


def parse_duration(text: Any, field_: str) -> Micros:
    """µs of an ISO 8601 duration of weeks, days, hours, minutes and seconds; more than zero, at most 366 days."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        raise problems.RuleDurationWrong(field=field_, value=str(text)[:80])
    weeks, days, hours, minutes, seconds = match.groups()
    total = (int(weeks or 0) * 7 + int(days or 0)) * DAY + int(hours or 0) * HOUR + int(minutes or 0) * MINUTE
    total += round(float(seconds or 0) * SECOND)
    if not 0 < total <= 366 * DAY:
        raise problems.RuleDurationWrong(field=field_, value=str(text)[:80])
    return total


class _Reader:
    """Reads one definition; every refusal names the member by its JSON pointer."""

    def __init__(self) -> None:
        self.count = 0

    def members(
        self, raw: Any, where: str, allowed: Sequence[str], needed: Sequence[str] = ()
    ) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise problems.RulePartNotAnObject(field=where or "/")
        for name in raw:
            if name not in allowed:
                raise problems.RulePartUnknown(field=f"{where}/{name[:80]}", choices=allowed)
        for name in needed:
            if name not in raw:
                raise problems.RulePartMissing(field=f"{where}/{name}")
        return raw

    def text(self, raw: Any, where: str) -> str:
        if not isinstance(raw, str) or not raw.strip() or len(raw) > TEXT_MAX:
            raise problems.RuleTextWrong(field=where, limit=TEXT_MAX)
        return raw

    def name(self, raw: Any, where: str) -> str:
        text = self.text(raw, where)
        if re.search(r"[\s<>\"'=;()]", text):
            raise problems.RuleNameWrong(field=where, value=text[:80])
        return iri(text)

    def number(self, raw: Any, where: str) -> float:
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
            raise problems.RuleNumberWrong(field=where)
        number = float(raw)
        return number if number == raw else raw  # an integer that a double does not hold stays one

    def choice(self, raw: Any, where: str, allowed: Sequence[str]) -> str:
        if raw not in allowed:
            raise problems.RuleChoiceWrong(field=where, value=str(raw)[:80], choices=allowed)
        return str(raw)

    def languages(self, raw: Any, where: str) -> dict[str, str]:
        if isinstance(raw, str):
            return {"en": self.text(raw, where)}
        return {k: self.text(v, f"{where}/{k}") for k, v in self.members(raw, where, ("th", "en")).items()}

    def condition(self, raw: Any, where: str, depth: int = 0, inner: bool = False) -> Condition:
        self.count += 1
        if self.count > MAX_CONDITIONS or depth > MAX_DEPTH:
            raise problems.RuleTooLarge(field=where, conditions=MAX_CONDITIONS, depth=MAX_DEPTH)
        if not isinstance(raw, dict):
            raise problems.RulePartNotAnObject(field=where)
        for key in ("all", "any"):
            if key in raw:
                self.members(raw, where, (key,))
                parts = raw[key]
                if not isinstance(parts, list) or not parts:
                    raise problems.RuleListEmpty(field=f"{where}/{key}")
                read = tuple(
                    self.condition(p, f"{where}/{key}/{i}", depth + 1, inner) for i, p in enumerate(parts)
                )
                return All(read) if key == "all" else Any_(read)
        if "not" in raw:
            self.members(raw, where, ("not",))
            return Not(self.condition(raw["not"], f"{where}/not", depth + 1, inner))
        if "exists" in raw:
            if inner:
                raise problems.RuleExistsNested(field=where)
            self.members(raw, where, ("exists",))
            body = self.members(raw["exists"], f"{where}/exists", ("type", "where"), ("type", "where"))
            inside = self.condition(body["where"], f"{where}/exists/where", depth + 1, True)
            return Exists(self.name(body["type"], f"{where}/exists/type"), inside)
        for key in ("inside", "outside"):
            if key in raw and "op" not in raw:
                return self._area(raw, where, key)
        if "silent" in raw:
            if inner:
                raise problems.RuleSilenceNested(field=where)
            self.members(raw, where, ("attr", "silent"), ("attr",))
            after = parse_duration(raw["silent"], f"{where}/silent")
            return Silent(self.name(raw["attr"], f"{where}/attr"), after)
        return self._compare(raw, where)

    def _compare(self, raw: dict[str, Any], where: str) -> Condition:
        self.members(raw, where, ("attr", "op", "value", "per"), ("attr", "op", "value"))
        attr = self.name(raw["attr"], f"{where}/attr")
        op = self.choice(raw["op"], f"{where}/op", OPERATORS)
        value, at = raw["value"], f"{where}/value"
        upper = number = 0.0
        found: Scalar
        if op in ("between", "outside"):
            if not isinstance(value, list) or len(value) != 2:
                raise problems.RuleBoundsWrong(field=at)
            found, upper = self.number(value[0], f"{at}/0"), self.number(value[1], f"{at}/1")
            number = found
            if found > upper:
                raise problems.RuleBoundsWrong(field=at)
        elif op in ("==", "!=") and isinstance(value, str | bool) and "per" not in raw:
            found = self.text(value, at) if isinstance(value, str) else value
        else:
            found = number = self.number(value, at)
        if "per" in raw:
            return Rate(attr, parse_duration(raw["per"], f"{where}/per"), op, number, upper)
        return Compare(attr, op, found, upper)

    def _area(self, raw: dict[str, Any], where: str, key: str) -> Condition:
        self.members(raw, where, ("attr", key))
        attr = self.name(raw["attr"], f"{where}/attr") if "attr" in raw else LOCATION
        place, at = raw[key], f"{where}/{key}"
        if isinstance(place, str):
            place = [place]
        if isinstance(place, list) and place and all(isinstance(p, str) for p in place):
            return InArea(attr, key == "inside", tuple(place))
        if isinstance(place, dict):
            try:
                Area(place)
            except ValueError as error:
                raise problems.RuleAreaWrong(field=at) from error
            shape = {"type": place["type"], "coordinates": place["coordinates"]}
            return InArea(
                attr, key == "inside", (), orjson.dumps(shape, option=orjson.OPT_SORT_KEYS).decode()
            )
        raise problems.RuleAreaWrong(field=at)

    def bands(self, raw: Any, where: str) -> Bands:
        body = self.members(raw, where, ("attr", "bands", "direction"), ("attr", "bands"))
        rising = self.choice(body.get("direction", "up"), f"{where}/direction", ("up", "down")) == "up"
        pairs = body["bands"]
        if not isinstance(pairs, list) or not pairs:
            raise problems.RuleListEmpty(field=f"{where}/bands")
        read = []
        for i, pair in enumerate(pairs):
            at = f"{where}/bands/{i}"
            if not isinstance(pair, list) or len(pair) != 2:
                raise problems.RuleBandWrong(field=at)
            read.append((self.number(pair[0], f"{at}/0"), self.choice(pair[1], f"{at}/1", SEVERITIES)))
        bounds = [bound for bound, _ in read]
        if bounds != sorted(set(bounds), reverse=not rising):
            raise (problems.RuleBandsRise if rising else problems.RuleBandsFall)(field=f"{where}/bands")
        return Bands(self.name(body["attr"], f"{where}/attr"), tuple(read), rising)


_MEMBERS: Final = (
    "select", "when", "for", "clear", "clearFor", "damping", "expire", "maxAge", "severity", "category", "urgency",
    "certainty", "headline", "instruction", "incidentType", "basis",
)  # fmt: skip


def read_rule(rule_id: str, definition: Any, name: Mapping[str, str] | None = None) -> Rule:
    """The rule of a definition. Raises RuleRefused."""
    r = _Reader()
    raw = r.members(definition, "", _MEMBERS, ("select", "when", "severity"))
    select = r.members(raw["select"], "/select", ("type", "scope", "q"), ("type",))
    types = select["type"] if isinstance(select["type"], list) else [select["type"]]
    if not types:
        raise problems.RuleListEmpty(field="/select/type")
    when = r.condition(raw["when"], "/when")
    if not attributes(when):
        raise problems.RuleLooksAway(field="/when")
    clear = r.condition(raw["clear"], "/clear") if "clear" in raw else None
    bands, severity = None, "Unknown"
    if isinstance(raw["severity"], dict):
        bands = r.bands(raw["severity"], "/severity")
    else:
        severity = r.choice(raw["severity"], "/severity", SEVERITIES)

    if "basis" in raw:
        r.languages(raw["basis"], "/basis")

    def duration(key: str, default: Micros) -> Micros:
        return parse_duration(raw[key], f"/{key}") if key in raw else default

    return Rule(
        id=rule_id,
        types=tuple(sorted({r.name(t, "/select/type") for t in types})),
        when=when,
        scope=r.text(select["scope"], "/select/scope") if "scope" in select else "",
        q=r.text(select["q"], "/select/q") if "q" in select else "",
        hold=duration("for", 0),
        clear=clear,
        clear_hold=duration("clearFor", 0),
        damping=duration("damping", 5 * MINUTE),
        expire=duration("expire", 0),
        max_age=duration("maxAge", 0),
        severity=severity,
        bands=bands,
        category=r.choice(raw.get("category", "Other"), "/category", CATEGORIES),
        urgency=r.choice(raw.get("urgency", "Unknown"), "/urgency", URGENCIES),
        certainty=r.choice(raw.get("certainty", "Observed"), "/certainty", CERTAINTIES),
        headline=r.languages(raw.get("headline", {}), "/headline"),
        instruction=r.languages(raw.get("instruction", {}), "/instruction"),
        incident_type=r.text(raw["incidentType"], "/incidentType") if "incidentType" in raw else "",
        name=dict(name or {}),
        source=raw,
    )
