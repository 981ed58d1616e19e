"""Rules compiled, and laid out per combination of entity types so that an event finds its rules at once."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from andaman.broker.api import Doc, ast, iri, matches_q, matches_scope, parse_q, parse_scope
from andaman.command.core.states import SEVERITIES
from andaman.command.signals.conditions import (
    AreaOf,
    Known,
    Truth,
    compile_condition,
    evidence_of,
    number_test,
)
from andaman.command.signals.definition import (
    ORDERINGS,
    All,
    Compare,
    Condition,
    Exists,
    Rate,
    Rule,
    Silent,
    attributes,
    iter_leaves,
)
from andaman.kernel.time import Micros

Filter = Callable[[Doc, Sequence[str]], bool]
Gate = Callable[[Any], bool]
"""False: with this new value of the attribute the condition cannot be true, independent of the rest."""


@dataclass(slots=True)
class Fact:
    """An exists condition that rules share: how many entities fulfil it now."""

    key: str
    exists: Exists
    truth: Truth
    count: int = 0


@dataclass(slots=True)
class Compiled:
    """One rule, ready to run. ``attrs``: what its conditions look at on the entity itself."""

    id: str
    rule: Rule
    attrs: tuple[str, ...]
    when: Truth
    clear: Truth | None
    filter: Filter | None
    filter_attrs: frozenset[str]
    simple: bool
    silents: tuple[Silent, ...]
    facts: tuple[str, ...]

    def severity_of(self, known: Known) -> int:
        """Rank of the severity the present value calls for."""
        bands = self.rule.bands
        if bands is None:
            return SEVERITIES.index(self.rule.severity)
        sample = known.samples.get(bands.attr)
        return SEVERITIES.index(bands.severity(None if sample is None else sample[2]))

    def evidence(self, known: Known, now: Micros) -> tuple[dict[str, Any], ...]:
        return evidence_of(self.rule.when, known, now)


@dataclass(slots=True)
class Watch:
    """The rules that depend on one attribute of one combination of types. ``*_keys`` rise; an up rule is true for
    values above its key, a down rule for values below its key.
    """

    up_keys: list[float] = field(default_factory=list)
    up_rules: list[Compiled] = field(default_factory=list)
    down_keys: list[float] = field(default_factory=list)
    down_rules: list[Compiled] = field(default_factory=list)
    general: list[tuple[Compiled, Gate | None]] = field(default_factory=list)
    filtered: list[Compiled] = field(default_factory=list)  # its filter may depend on this attribute
    facts: list[Fact] = field(default_factory=list)
    silences: list[tuple[tuple[str, int], Micros]] = field(default_factory=list)  # (rule id, number), after
    window: Micros = 0  # how far back rates look
    samples: bool = False  # the value itself is looked at
    thresholds: bool = False  # there are up or down rules
    calm_from: float = -math.inf  # a number between these fulfils none of them
    calm_to: float = math.inf


@dataclass(slots=True)
class Plan:
    watches: dict[str, Watch] = field(default_factory=dict)
    rules: list[Compiled] = field(default_factory=list)
    filtered: list[Compiled] = field(default_factory=list)  # those of them that have a filter
    facts: list[Fact] = field(default_factory=list)


def fact_key(exists: Exists) -> str:
    return hashlib.blake2b(repr(exists).encode(), digest_size=9).hexdigest()


def compile_rule(rule: Rule, area_of: AreaOf, facts: dict[str, Fact], awake: list[Micros]) -> Compiled:
    """Compile; facts the rule rests on are found in, or added to, ``facts``. Raises BadRequestData."""
    used: list[str] = []

    def fact_of(exists: Exists) -> Callable[[], bool]:
        key = fact_key(exists)
        if key not in facts:
            inner = compile_condition(exists.where, area_of, fact_of, awake)
            looked_at = attributes(exists.where)

            def truth(known: Known, now: Micros) -> bool:
                return any(attr in known.samples for attr in looked_at) and inner(known, now)

            facts[key] = Fact(key, exists, truth)
        used.append(key)
        fact = facts[key]
        return lambda: fact.count > 0

    conditions = [rule.when] if rule.clear is None else [rule.when, rule.clear]
    attrs = {attr for condition in conditions for attr in attributes(condition)}
    if rule.bands is not None:
        attrs.add(rule.bands.attr)
    when = compile_condition(rule.when, area_of, fact_of, awake)
    clear = None if rule.clear is None else compile_condition(rule.clear, area_of, fact_of, awake)
    filter_, filter_attrs = _filter(rule)
    leaves = [leaf for condition in conditions for leaf in iter_leaves(condition)]
    simple = (
        filter_ is None
        and len(attrs) == 1
        and isinstance(rule.when, Compare)
        and rule.when.op in ORDERINGS
        and (rule.clear is None or isinstance(rule.clear, Compare))
    )
    return Compiled(
        rule.id,
        rule,
        tuple(sorted(attrs)),
        when,
        clear,
        filter_,
        filter_attrs,
        simple,
        tuple(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, Silent))),
        tuple(sorted(set(used))),
    )


def _filter(rule: Rule) -> tuple[Filter | None, frozenset[str]]:
    if not rule.scope and not rule.q:
        return None, frozenset()
    scope = parse_scope(rule.scope) if rule.scope else None
    q = parse_q(rule.q, iri) if rule.q else None

    def fits(doc: Doc, scopes: Sequence[str]) -> bool:
        return (scope is None or matches_scope(scope, scopes)) and (q is None or matches_q(q, doc))

    # "" is the change of type and scope; members of the entity (modifiedAt) change with every attribute
    return fits, frozenset({""} | (set() if q is None else _q_attrs(q)))


def _q_attrs(q: ast.QExpr) -> set[str]:
    match q:
        case ast.And(parts) | ast.Or(parts):
            return {attr for part in parts for attr in _q_attrs(part)}
        case ast.Not(part):
            return _q_attrs(part)
        case _:
            path = q.path
            return {path.links[0].attr if path.links else path.attr}


def _rates(condition: Condition) -> list[Rate]:
    return [leaf for leaf in iter_leaves(condition) if isinstance(leaf, Rate)]


def gate_of(condition: Condition, attr: str) -> Gate | None:
    """What a new value of the attribute must fulfil for the condition to be true; None where nothing can be said."""
    match condition:
        case Compare(own, op, value, upper) if own == attr and isinstance(value, float) and op != "!=":
            return number_test(op, value, upper)
        case Silent(own, _) if own == attr:
            return lambda value: False  # something was just heard
        case All(parts):
            gates = [gate for part in parts if (gate := gate_of(part, attr)) is not None]
            if len(gates) < 2:
                return gates[0] if gates else None
            return lambda value: all(gate(value) for gate in gates)
        case _:
            return None


def build_plan(types: tuple[str, ...], rules: Iterable[Compiled], facts: Mapping[str, Fact]) -> Plan | None:
    """The plan of entities with exactly these types; None when nothing concerns them."""
    wanted = set(types)
    plan = Plan(rules=[c for c in rules if not wanted.isdisjoint(c.rule.types)])
    plan.filtered = [c for c in plan.rules if c.filter is not None]
    plan.facts = [f for f in facts.values() if f.exists.type in wanted]
    if not plan.rules and not plan.facts:
        return None
    watches: dict[str, Watch] = {}

    def watch(attr: str, samples: bool = True) -> Watch:
        found = watches.setdefault(attr, Watch())
        found.samples |= samples
        return found

    ups: dict[str, list[tuple[float, Compiled]]] = {}
    downs: dict[str, list[tuple[float, Compiled]]] = {}
    for c in plan.rules:
        rates = _rates(c.rule.when) + ([] if c.rule.clear is None else _rates(c.rule.clear))
        for rate in rates:
            watch(rate.attr).window = max(watch(rate.attr).window, rate.per)
        for attr in c.filter_attrs:
            watch(attr, False).filtered.append(c)
        for number, leaf in enumerate(c.silents):
            watch(leaf.attr).silences.append(((c.id, number), leaf.after))
        if c.simple and isinstance(c.rule.when, Compare) and isinstance(c.rule.when.value, float):
            bound, op = c.rule.when.value, c.rule.when.op
            watch(c.attrs[0])
            if op in (">", ">="):
                key = bound if op == ">" else math.nextafter(bound, -math.inf)
                ups.setdefault(c.attrs[0], []).append((key, c))
            else:
                key = bound if op == "<" else math.nextafter(bound, math.inf)
                downs.setdefault(c.attrs[0], []).append((key, c))
            continue
        for attr in c.attrs:
            watch(attr).general.append((c, gate_of(c.rule.when, attr)))
    for fact in plan.facts:
        for attr in attributes(fact.exists.where):
            watch(attr).facts.append(fact)
        for rate in _rates(fact.exists.where):
            watch(rate.attr).window = max(watch(rate.attr).window, rate.per)
    for attr, pairs in ups.items():
        pairs.sort(key=lambda pair: pair[0])
        watches[attr].up_keys, watches[attr].up_rules = [k for k, _ in pairs], [c for _, c in pairs]
    for attr, pairs in downs.items():
        pairs.sort(key=lambda pair: pair[0])
        watches[attr].down_keys, watches[attr].down_rules = [k for k, _ in pairs], [c for _, c in pairs]
    for one in watches.values():
        one.thresholds = bool(one.up_keys or one.down_keys)
        one.calm_from = one.down_keys[-1] if one.down_keys else -math.inf
        one.calm_to = one.up_keys[0] if one.up_keys else math.inf
    plan.watches = watches
    return plan
