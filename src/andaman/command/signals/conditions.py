"""Conditions compiled to closures over the known facts of one entity."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Mapping
from typing import Any, Final

import orjson

from andaman.broker.api import Doc
from andaman.command.signals.definition import (
    All,
    Any_,
    Compare,
    Condition,
    Exists,
    InArea,
    Not,
    Rate,
    Silent,
    iter_leaves,
)
from andaman.command.signals.episode import Episode
from andaman.command.signals.problems import RuleAreaUnknown
from andaman.kernel.geometry import Area, centre_of
from andaman.kernel.time import Micros, format_time

Sample = tuple[Micros, Micros, Any]
"""Event time, arrival, value."""


class Known:
    """The engine's knowledge of one entity: newest samples, windows for rates, episodes of rules."""

    __slots__ = ("doc", "episodes", "facts", "filters", "live", "samples", "timers", "types", "windows")

    def __init__(self, types: tuple[str, ...]) -> None:
        self.types = types
        self.samples: dict[str, Sample] = {}
        self.windows: dict[str, tuple[list[Micros], list[float]]] = {}
        self.episodes: dict[str, Episode] = {}  # by rule id
        self.live: dict[str, list[str]] = {}  # attribute → ids of simple rules that are not idle
        self.filters: dict[str, bool] = {}  # rule id → scope and q are fulfilled
        self.timers: set[tuple[str, int]] = set()  # (rule id, number of silence) under way
        self.facts: set[str] = set()  # keys of facts this entity fulfils
        self.doc: Doc | None = None  # what filters look at, in stored form; None: no rule here has a filter

    def set_live(self, attr: str, rule_id: str, live: bool) -> None:
        """Whether a simple rule over this attribute must be looked at with each value of it."""
        rules = self.live.get(attr, [])
        if live and rule_id not in rules:
            self.live[attr] = [*rules, rule_id]
        elif not live and rule_id in rules:
            rules.remove(rule_id)
            if not rules:
                del self.live[attr]

    def dump(self) -> dict[str, Any]:
        return {
            "types": self.types,
            "samples": self.samples,
            "windows": self.windows,
            "episodes": {rule_id: episode.dump() for rule_id, episode in self.episodes.items()},
            "filters": self.filters,
            "timers": sorted(self.timers),
            "facts": sorted(self.facts),
            "doc": self.doc,
        }

    @classmethod
    def load(cls, raw: dict[str, Any], rules: Container[str], facts: Container[str]) -> Known:
        known = cls(tuple(raw["types"]))
        known.samples = {attr: (s[0], s[1], s[2]) for attr, s in raw["samples"].items()}
        known.windows = {attr: (list(w[0]), list(w[1])) for attr, w in raw["windows"].items()}
        known.episodes = {i: Episode.load(e) for i, e in raw["episodes"].items() if i in rules}
        known.filters = {i: ok for i, ok in raw["filters"].items() if i in rules}
        known.timers = {(i, n) for i, n in raw["timers"] if i in rules}
        known.facts = {key for key in raw["facts"] if key in facts}
        known.doc = raw["doc"]
        return known


Truth = Callable[[Known, Micros], bool]
AreaOf = Callable[[str], Mapping[str, Any] | None]
"""Geometry of an area entity by id."""


def is_number(value: Any) -> bool:
    return value.__class__ is float or value.__class__ is int


def number_test(op: str, value: float, upper: float) -> Callable[[Any], bool]:
    """The comparison of a number with fixed bounds; anything but a number fails it. The four orderings are spelt out:
    they run at each observation."""
    match op:
        case ">":
            return lambda v: (v.__class__ is float or v.__class__ is int) and v > value
        case ">=":
            return lambda v: (v.__class__ is float or v.__class__ is int) and v >= value
        case "<":
            return lambda v: (v.__class__ is float or v.__class__ is int) and v < value
        case "<=":
            return lambda v: (v.__class__ is float or v.__class__ is int) and v <= value
        case "==":
            return lambda v: is_number(v) and v == value
        case "!=":
            return lambda v: is_number(v) and v != value
        case "between":
            return lambda v: is_number(v) and value <= v <= upper
        case _:
            return lambda v: is_number(v) and not value <= v <= upper


def _compare(c: Compare) -> Truth:
    attr = c.attr
    if isinstance(c.value, float | int) and not isinstance(c.value, bool):
        test = number_test(c.op, c.value, c.upper)
        if c.op == "!=":
            wanted = c.value
            test = lambda v: not is_number(v) or v != wanted  # noqa: E731
    else:
        scalar, positive = c.value, c.op == "=="
        test = lambda v: (v.__class__ is scalar.__class__ and v == scalar) is positive  # noqa: E731

    def truth(known: Known, now: Micros) -> bool:
        sample = known.samples.get(attr)
        return sample is not None and test(sample[2])

    return truth


def change_within(known: Known, attr: str, per: Micros) -> float | None:
    """Newest number minus the oldest of the window that ends with it; None without two observations in it."""
    window = known.windows.get(attr)
    if window is None or not window[0]:
        return None
    times, values = window
    first = bisect_left(times, times[-1] - per)
    return values[-1] - values[first] if first < len(times) - 1 else None


def _rate(c: Rate) -> Truth:
    test, attr, per = number_test(c.op, c.value, c.upper), c.attr, c.per

    def truth(known: Known, now: Micros) -> bool:  # ``change_within``, spelt out: it runs at each observation
        window = known.windows.get(attr)
        if window is None:
            return False
        times, values = window
        if len(times) < 2:
            return False
        first = bisect_left(times, times[-1] - per)
        return first < len(times) - 1 and test(values[-1] - values[first])

    return truth


def _in_area(c: InArea, area_of: AreaOf) -> Truth:
    shapes = [Area(orjson.loads(c.shape))] if c.shape else []
    for name in c.areas:
        geometry = area_of(name)
        if geometry is None:
            raise RuleAreaUnknown(value=name[:120])
        try:
            shapes.append(Area(geometry))
        except ValueError as error:
            raise RuleAreaUnknown(value=name[:120]) from error
    attr, inside = c.attr, c.inside

    def truth(known: Known, now: Micros) -> bool:
        sample = known.samples.get(attr)
        if sample is None or not isinstance(sample[2], dict):
            return False
        try:
            lon, lat = centre_of(sample[2])
        except (KeyError, TypeError, ValueError, IndexError):
            return False
        return any(shape.contains(lon, lat) for shape in shapes) is inside

    return truth


def compile_condition(
    condition: Condition,
    area_of: AreaOf,
    fact_of: Callable[[Exists], Callable[[], bool]],
    awake: list[Micros],
) -> Truth:
    """The condition as a closure. ``fact_of`` gives the present truth of an exists condition; ``awake[0]`` is when
    the platform last came up: silence before that is the platform's, not the sensor's."""
    match condition:
        case Compare():
            return _compare(condition)
        case Rate():
            return _rate(condition)
        case InArea():
            return _in_area(condition, area_of)
        case Silent(attr, after):

            def silent(known: Known, now: Micros) -> bool:
                sample = known.samples.get(attr)
                return sample is not None and now - max(sample[1], awake[0]) >= after

            return silent
        case Exists():
            fact = fact_of(condition)
            return lambda known, now: fact()
        case Not(part):
            inner = compile_condition(part, area_of, fact_of, awake)
            return lambda known, now: not inner(known, now)
        case All(parts) | Any_(parts):
            tests = [compile_condition(part, area_of, fact_of, awake) for part in parts]
            if isinstance(condition, All):
                return lambda known, now: all(test(known, now) for test in tests)
            return lambda known, now: any(test(known, now) for test in tests)


def evidence_of(condition: Condition, known: Known, now: Micros) -> tuple[dict[str, Any], ...]:
    """What an alert shows as its ground: for each leaf the value, the bound and when it was observed. What must
    *not* be so is no ground and is left out."""
    rows = []
    for leaf in iter_leaves(condition, negated=False):
        if isinstance(leaf, Exists):
            rows.append({"exists": leaf.type})
            continue
        sample = known.samples.get(leaf.attr)
        if sample is None:
            continue
        row: dict[str, Any] = {"attribute": leaf.attr, "observedAt": format_time(sample[0])}
        match leaf:
            case Compare(_, op, value, upper):
                row |= {"value": sample[2], "op": op, "threshold": [value, upper] if op in _TWO else value}
            case Rate(attr, per, op, value, upper):
                change = change_within(known, attr, per)
                row |= {"value": change, "op": op, "threshold": [value, upper] if op in _TWO else value}
                row["perSeconds"] = per / 1e6
            case Silent(_, after):
                row |= {
                    "value": sample[2],
                    "silentSeconds": (now - sample[1]) / 1e6,
                    "threshold": after / 1e6,
                }
            case InArea(_, inside, areas, _):
                row |= {"value": sample[2], "op": "inside" if inside else "outside", "threshold": list(areas)}
        rows.append(row)
    return tuple(rows)


_TWO: Final = ("between", "outside")
