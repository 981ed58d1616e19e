"""The meaning of rules, written as plainly as possible: every rule, every entity, every second, no index, no timer.

The engine must say the same (tests/command/test_engine.py). Times are whole seconds here; µs in the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import shapely

from andaman.broker.entity.build import iri
from andaman.broker.model import Change, Event, EventKind
from andaman.broker.query.evaluate import matches_q
from andaman.broker.query.parse import parse_q
from andaman.command.core.states import SEVERITIES
from andaman.command.signals.definition import (
    All,
    Any_,
    Compare,
    Exists,
    InArea,
    Not,
    Rate,
    Rule,
    Silent,
    attributes,
    iter_leaves,
)  # fmt: skip
from andaman.command.signals.episode import FLAPPING, alert_id
from andaman.kernel.time import MINUTE, SECOND, parse_time


@dataclass
class Life:
    """One rule on one entity."""

    true_since: tuple[int, int] | None = None  # event time, arrival
    gone_since: tuple[int, int] | None = None
    active: bool = False
    wait_for_false: bool = False
    raised_at: int = 0
    cleared_at: int | None = None
    began: int = 0
    occurrences: int = 0
    severity: int = 0


@dataclass
class Entity:
    types: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    doc: Any = None
    seen: dict[str, list[tuple[int, int, Any]]] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)


class Reference:
    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules
        self.entities: dict[str, Entity] = {}
        self.out: list[tuple[Any, ...]] = []
        self.now = 0

    # -- truth --------------------------------------------------------------------------------------------
    def numbers(self, entity: Entity, attr: str) -> list[tuple[int, float]]:
        return [(t, v) for t, _, v in entity.seen.get(attr, []) if type(v) in (int, float)]

    def compare(self, op: str, v: Any, value: Any, upper: float) -> bool:
        if isinstance(value, str | bool):
            same = type(v) is type(value) and v == value
            return same if op == "==" else not same
        number = type(v) in (int, float)
        if op == "!=":
            return not number or v != value
        if not number:
            return False
        return {
            ">": v > value, ">=": v >= value, "<": v < value, "<=": v <= value, "==": v == value,
            "between": value <= v <= upper, "outside": v < value or v > upper,
        }[op]  # fmt: skip

    def true(self, c: Any, e: Entity) -> bool:
        match c:
            case All(parts):
                return all(self.true(p, e) for p in parts)
            case Any_(parts):
                return any(self.true(p, e) for p in parts)
            case Not(part):
                return not self.true(part, e)
            case Exists(kind, where):
                attrs = attributes(where)
                return any(
                    kind in o.types and any(o.seen.get(a) for a in attrs) and self.true(where, o)
                    for o in self.entities.values()
                )
            case Compare(attr, op, value, upper):
                return bool(e.seen.get(attr)) and self.compare(op, e.seen[attr][-1][2], value, upper)
            case Rate(attr, per, op, value, upper):
                rows = self.numbers(e, attr)
                if not rows:
                    return False
                window = [v for t, v in rows if t >= rows[-1][0] - per]
                if len(window) < 2:
                    return False
                change = window[-1] - window[0]
                if op == "!=":
                    return change != value
                return self.compare(op, change, value, upper)
            case Silent(attr, after):
                return bool(e.seen.get(attr)) and self.now - e.seen[attr][-1][1] >= after
            case InArea(attr, inside, _, shape):
                if not e.seen.get(attr) or not isinstance(e.seen[attr][-1][2], dict):
                    return False
                point = shapely.Point(e.seen[attr][-1][2]["coordinates"])
                return bool(shapely.geometry.shape(orjson.loads(shape)).contains(point)) is inside
        raise AssertionError(c)

    # -- one look at everything ---------------------------------------------------------------------------
    def look(self) -> None:
        for entity_id, e in self.entities.items():
            for rule in self.rules:
                if set(rule.types) & set(e.types):
                    self.judge(rule, entity_id, e)

    def judge(self, rule: Rule, entity_id: str, e: Entity) -> None:
        conditions = [rule.when] + ([rule.clear] if rule.clear else [])
        attrs = {x.attr for c in conditions for x in iter_leaves(c) if not isinstance(x, Exists)}
        if rule.bands:
            attrs.add(rule.bands.attr)
        times = [e.seen[a][-1][0] for a in attrs if e.seen.get(a)]
        fits = bool(times)
        if rule.scope:
            fits = fits and rule.scope in e.scopes
        if rule.q:
            fits = fits and e.doc is not None and matches_q(parse_q(rule.q, iri), e.doc)
        newest = max(times, default=0)
        holds = fits and self.true(rule.when, e)
        gone = not holds and (not fits or rule.clear is None or self.true(rule.clear, e))
        life = e.lives.setdefault(rule.id, Life())
        if life.wait_for_false:
            life.wait_for_false = holds
            return
        if not life.active:
            if not holds:
                life.true_since = None
                return
            if life.true_since is None and rule.max_age and self.now - newest > rule.max_age:
                return
            life.true_since = life.true_since or (newest, self.now)
            since, known = life.true_since
            if newest - since < rule.hold and self.now - known < rule.hold:
                return
            again = life.cleared_at is not None and self.now - life.cleared_at <= rule.damping
            if not again:
                life.began, life.occurrences, life.severity = known, 0, 0
            life.occurrences += 1
            life.active, life.raised_at, life.true_since, life.cleared_at = True, self.now, None, None
            life.severity = max(life.severity, self.severity(rule, e))
            self.say("again" if again else "raised", rule, entity_id, life)
            return
        if rule.expire and self.now - life.raised_at >= rule.expire:
            life.wait_for_false = holds
            self.over(rule, entity_id, life)
        elif gone:
            life.gone_since = life.gone_since or (newest, self.now)
            wait = rule.clear_hold
            if life.occurrences >= FLAPPING:
                wait = max(wait, rule.damping)
            if newest - life.gone_since[0] >= wait or self.now - life.gone_since[1] >= wait:
                self.over(rule, entity_id, life)
        else:
            life.gone_since = None
            if holds and self.severity(rule, e) > life.severity:
                life.severity = self.severity(rule, e)
                self.say("worse", rule, entity_id, life)

    def severity(self, rule: Rule, e: Entity) -> int:
        if rule.bands is None:
            return SEVERITIES.index(rule.severity)
        rows = e.seen.get(rule.bands.attr)
        return SEVERITIES.index(rule.bands.severity(rows[-1][2] if rows else None))

    def over(self, rule: Rule, entity_id: str, life: Life) -> None:
        life.active, life.gone_since, life.cleared_at = False, None, self.now
        self.say("cleared", rule, entity_id, life)

    def say(self, kind: str, rule: Rule, entity_id: str, life: Life) -> None:
        name = alert_id(rule.id, entity_id, life.began)
        self.out.append((self.now, kind, name, SEVERITIES[life.severity], life.occurrences))

    # -- what happens -------------------------------------------------------------------------------------
    def run_to(self, now: int) -> None:
        while self.now + SECOND <= now:
            self.now += SECOND
            self.look()

    def gone(self, entity_id: str) -> None:
        e = self.entities.pop(entity_id, None)
        for rule in self.rules if e is not None else ():
            life = e.lives.get(rule.id)
            if life and life.active:
                self.over(rule, entity_id, life)

    def happen(self, event: Event) -> None:
        self.run_to(event.at)
        if event.kind is EventKind.DELETED:
            self.gone(event.entity_id)
            self.look()
            return
        e = self.entities.setdefault(event.entity_id, Entity(event.types))
        changes = event.changes
        if e.types != event.types:  # begins anew
            self.gone(event.entity_id)
            e = self.entities[event.entity_id] = Entity(event.types)
            changes = [Change(attr, None, found) for attr, found in event.doc["attrs"].items()]
        e.scopes, e.doc = event.scopes, event.doc
        for change in changes:
            if not change.attr:
                continue
            if not change.after:
                e.seen.pop(change.attr, None)
                continue
            instance = change.after[0]
            stated = instance.get("observedAt")
            at = event.at if stated is None else parse_time(stated)
            if at > event.at + 5 * MINUTE:
                at = event.at
            rows = e.seen.setdefault(change.attr, [])
            value = instance["value"]
            if rows and (at < rows[-1][0] or (at == rows[-1][0] and stated and value == rows[-1][2])):
                continue
            if rows and at == rows[-1][0]:
                rows.pop()
            rows.append((at, event.at, value))
        self.look()
