"""A rule tried on the present, before it is in force: where would it alert now, and which of its open alerts would stay? Pure.

It looks at present values only. What changes over time (``per``) or is missing (``silent``) needs a history that it does not
have; ``needs_history`` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from andaman.broker.api import LOCATION, Doc
from andaman.command.core.states import SEVERITIES
from andaman.command.signals.conditions import AreaOf
from andaman.command.signals.definition import (
    Compare,
    Condition,
    Exists,
    Rate,
    Rule,
    Silent,
    attributes,
    iter_leaves,
)
from andaman.command.signals.engine import RuleEngine
from andaman.kernel.time import Micros

_RISING: Final = (">", ">=")


@dataclass(frozen=True, slots=True)
class Hit:
    """An entity on which the condition holds now. ``waits``: first it must hold for the rule's time."""

    entity_id: str
    severity: str
    evidence: tuple[dict[str, Any], ...]
    waits: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """``looked``: entities of the selected types that were looked at; ``whole`` False: there are more. ``stays``, ``ends``:
    entities with an open alert of the rule now."""

    hits: tuple[Hit, ...]
    stays: tuple[str, ...]
    ends: tuple[str, ...]
    looked: int
    whole: bool
    needs_history: bool
    unused_types: tuple[str, ...]
    unused_attributes: tuple[str, ...]


def trial(
    rule: Rule,
    docs: Iterable[Doc],
    held: Sequence[str],
    area_of: AreaOf,
    now: Micros,
    whole: bool = True,
) -> Trial:
    """``docs``: entities of the types that the rule names, all of them if ``whole``. ``held``: entities with an open alert of
    this rule. Raises BadRequestData for an unknown area, a bad q or scope."""
    engine = RuleEngine(area_of=area_of)
    engine.set_rule(rule, now)
    found = list({doc["id"]: doc for doc in docs}.values())
    engine.prime(found, now)
    engine.settle(now)
    holding = engine.holding(rule.id)
    leaves = [leaf for part in _conditions(rule) for leaf in iter_leaves(part)]
    return Trial(
        tuple(Hit(one.entity_id, SEVERITIES[one.severity], one.evidence, bool(rule.hold)) for one in holding),
        tuple(one for one in held if engine.stays(rule.id, one)),
        tuple(one for one in held if not engine.stays(rule.id, one)),
        sum(not set(rule.types).isdisjoint(doc["type"]) for doc in found),
        whole,
        any(isinstance(leaf, Rate | Silent) for leaf in _with_inner(leaves)),
        tuple(sorted(types_of(rule) - {kind for doc in found for kind in doc["type"]})) if whole else (),
        _unused(rule, found) if whole else (),
    )


def types_of(rule: Rule) -> set[str]:
    """The types whose entities the rule looks at."""
    leaves = (leaf for part in _conditions(rule) for leaf in iter_leaves(part))
    return set(rule.types) | {leaf.type for leaf in leaves if isinstance(leaf, Exists)}


def _conditions(rule: Rule) -> list[Condition]:
    return [rule.when] if rule.clear is None else [rule.when, rule.clear]


def _with_inner(leaves: Iterable[Condition]) -> Iterable[Condition]:
    for leaf in leaves:
        yield leaf
        if isinstance(leaf, Exists):
            yield from iter_leaves(leaf.where)


def _unused(rule: Rule, docs: Sequence[Doc]) -> tuple[str, ...]:
    """Attributes that the rule looks at and that no entity of its types has. Of a type without entities, nothing is said."""
    wanted: dict[str, set[str]] = {kind: set() for kind in rule.types}
    for part in _conditions(rule):
        for kind in rule.types:
            wanted[kind].update(attributes(part))
        for leaf in iter_leaves(part):
            if isinstance(leaf, Exists):
                wanted.setdefault(leaf.type, set()).update(attributes(leaf.where))
    if rule.bands is not None:
        for kind in rule.types:
            wanted[kind].add(rule.bands.attr)
    present: set[str] = set()
    used: set[str] = set()
    for doc in docs:
        for kind in wanted.keys() & set(doc["type"]):
            present.add(kind)
            used.update(wanted[kind] & doc["attrs"].keys())
    asked = {attr for kind in present for attr in wanted[kind]} - {LOCATION}
    return tuple(sorted(asked - used))


# -- sense ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Overlap:
    """Values of ``attr`` from ``low`` to ``high`` raise an alert and end it."""

    attr: str
    low: float
    high: float


def overlap_of(rule: Rule) -> Overlap | None:
    """Where both conditions are one ordering of one attribute, and some value fulfils both."""
    when, clear = rule.when, rule.clear
    if not isinstance(when, Compare) or not isinstance(clear, Compare) or when.attr != clear.attr:
        return None
    if not isinstance(when.value, float) or not isinstance(clear.value, float):
        return None
    if {when.op, clear.op} - {">", ">=", "<", "<="}:
        return None
    up, down = (when, clear) if when.op in _RISING else (clear, when)
    if (
        up.op not in _RISING or down.op in _RISING
    ):  # both in one direction: they overlap beyond the further limit
        bound = max if when.op in _RISING else min
        edge = bound(float(when.value), float(clear.value))
        return Overlap(when.attr, edge, edge)
    low, high = float(up.value), float(down.value)
    meet = low < high or (low == high and up.op == ">=" and down.op == "<=")
    return Overlap(when.attr, low, high) if meet else None


def first_band_of(rule: Rule) -> tuple[float, float] | None:
    """(first bound of the severities, limit of the alert), where they should be equal and are not."""
    when, bands = rule.when, rule.bands
    if bands is None or not isinstance(when, Compare) or when.attr != bands.attr:
        return None
    if when.op not in (">", ">=", "<", "<=") or not isinstance(when.value, float):
        return None
    first = bands.bands[0][0]
    return (first, when.value) if first != when.value else None
