"""The engine says what the plain meaning of the rules says, for random rules and random streams."""

from __future__ import annotations

import functools
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.build import iri
from andaman.broker.model import LOCATION, Change, Event, EventKind
from andaman.command.signals.definition import Rule, read_rule
from andaman.command.signals.engine import RuleEngine
from andaman.command.signals.episode import Signal, SignalKind
from andaman.command.signals.trial import overlap_of, trial
from andaman.kernel.time import MINUTE, SECOND, Micros, format_time
from tests.command.signals.reference import Reference

START: Micros = 1_800_000_000 * SECOND
SQUARE = {"type": "Polygon", "coordinates": [[[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5], [0.5, 0.5]]]}
NUMBERS = st.integers(0, 6)
SECONDS = st.integers(1, 40).map(lambda s: f"PT{s}S")


@functools.cache
def leaves(inner: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    attr = st.sampled_from(["x", "y"])
    number_op = st.sampled_from([">", ">=", "<", "<=", "==", "!="])
    plain = st.builds(lambda a, o, v: {"attr": a, "op": o, "value": v}, attr, number_op, NUMBERS)
    two = st.tuples(NUMBERS, NUMBERS).map(sorted)
    between = st.builds(
        lambda a, o, v: {"attr": a, "op": o, "value": v}, attr, st.sampled_from(["between", "outside"]), two
    )
    text = st.builds(
        lambda o, v: {"attr": "y", "op": o, "value": v},
        st.sampled_from(["==", "!="]),
        st.sampled_from(["a", True]),
    )
    rate = st.builds(
        lambda a, o, v, d: {"attr": a, "op": o, "value": v, "per": d},
        attr,
        number_op,
        st.integers(-3, 3),
        SECONDS,
    )
    area = st.sampled_from([{"inside": SQUARE}, {"outside": SQUARE}])
    basic = [plain, plain, plain, between, text, rate, area]
    if not inner:
        basic.append(st.builds(lambda a, d: {"attr": a, "silent": d}, attr, SECONDS))
        exists = st.builds(
            lambda t, w: {"exists": {"type": t, "where": w}}, st.sampled_from(["A", "B"]), conditions(True)
        )
        basic.append(st.builds(lambda p, e: {"all": [p, e]}, plain, exists))
    return st.one_of(basic)


@functools.cache
def conditions(inner: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        leaves(inner),
        lambda c: st.one_of(
            st.lists(c, min_size=1, max_size=3).map(lambda p: {"all": p}),
            st.lists(c, min_size=1, max_size=3).map(lambda p: {"any": p}),
            c.map(lambda p: {"not": p}),
        ),
        max_leaves=4,
    )


CONDITION = conditions()
TYPES = st.sampled_from(["A", "B", ["A", "B"]])
BANDS = {"attr": "x", "bands": [[1, "Minor"], [3, "Moderate"], [5, "Severe"]]}


@st.composite
def rules(draw: st.DrawFn) -> list[Rule]:
    out = []
    for i in range(draw(st.integers(1, 6))):
        raw: dict[str, Any] = {
            "select": {"type": draw(TYPES)},
            "when": draw(CONDITION),
            "severity": draw(st.sampled_from(["Minor", "Severe", BANDS])),
            "damping": draw(SECONDS),
        }
        for key in ("for", "clearFor", "expire", "maxAge"):
            if draw(st.integers(0, 2)) == 0:
                raw[key] = draw(SECONDS)
        if draw(st.integers(0, 2)) == 0:
            raw["clear"] = draw(CONDITION)
        if draw(st.integers(0, 4)) == 0:
            raw["select"]["scope"] = "/s"
        if draw(st.integers(0, 4)) == 0:
            raw["select"]["q"] = "y>2"
        out.append(read_rule(f"urn:rule:{i}", raw))
    return out


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Events with gaps, late and future observations, repeated ones, removed attributes, deletions, new types."""
    at, docs, out = START, {}, []
    for seq in range(1, draw(st.integers(1, 40)) + 1):
        at += draw(st.sampled_from([0, 0, 1, 2, 5, 15, 60])) * SECOND
        entity_id = draw(st.sampled_from(["urn:e:1", "urn:e:2", "urn:e:3"]))
        doc = docs.get(entity_id)
        if doc is not None and draw(st.integers(0, 14)) == 0:
            del docs[entity_id]
            event = Event(
                seq, "", at, "t", EventKind.DELETED, entity_id, tuple(map(iri, doc["type"])), (), [], None
            )
            out.append(event)
            continue
        old_types = doc["type"] if doc else None
        old_scope = doc["scope"] if doc else None
        types, scope = old_types, old_scope
        if doc is None or draw(st.integers(0, 9)) == 0:
            types = draw(st.sampled_from([["A"], ["B"], ["A", "B"], ["C"]]))
            scope = draw(st.sampled_from([[], ["/s"], ["/t"]]))
        changes = []
        attrs = dict(doc["attrs"]) if doc else {}
        for name in draw(st.lists(st.sampled_from(["x", "y", "loc"]), min_size=1, max_size=3, unique=True)):
            key = LOCATION if name == "loc" else iri(name)
            before = attrs.get(key)
            if before and draw(st.integers(0, 9)) == 0:
                del attrs[key]
                changes.append(Change(key, before, None))
                continue
            if name == "loc":
                point = [draw(st.integers(0, 3)), draw(st.integers(0, 3))]
                instance: dict[str, Any] = {
                    "type": "GeoProperty",
                    "value": {"type": "Point", "coordinates": point},
                }
            else:
                value = draw(st.one_of(NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["a", True])))
                instance = {"type": "Property", "value": value}
            shift = draw(st.sampled_from([None, 0, 0, 0, -1, -5, -30, 100, 1000]))
            if shift is not None:
                instance["observedAt"] = format_time(at + shift * SECOND)
            attrs[key] = [instance]
            changes.append(Change(key, before, [instance]))
        if types != old_types or scope != old_scope:
            changes.append(Change("", None, [{"type": types}]))
        full = [iri(t) for t in types]
        doc = docs[entity_id] = {"id": entity_id, "type": types, "scope": scope, "attrs": attrs}
        kind = EventKind.UPDATED if old_types else EventKind.CREATED
        out.append(Event(seq, "", at, "t", kind, entity_id, tuple(full), tuple(scope), changes, dict(doc)))
    return out


def said(signals: list[Signal]) -> list[tuple[Any, ...]]:
    return sorted(
        (s.at, s.kind.value, s.alert_id, s.severity, s.occurrences)
        for s in signals
        if s.kind is not SignalKind.SEEN
    )


def engine_of(defs: list[Rule]) -> RuleEngine:
    engine = RuleEngine()
    for rule in defs:
        engine.set_rule(rule, START)
    return engine


@given(rules(), streams())
@settings(max_examples=250, deadline=None)
def test_engine_says_what_the_reference_says(defs: list[Rule], events: list[Event]) -> None:
    """Compiled, indexed and timed = every rule on every entity at every second, whatever arrives in whatever order."""
    engine, reference = engine_of(defs), Reference(defs)
    reference.now = START
    signals: list[Signal] = []
    for event in events:
        signals += engine.observe(event)
        reference.happen(event)
    end = events[-1].at + 200 * SECOND
    signals += engine.tick(end)
    reference.run_to(end)
    assert said(signals) == sorted(reference.out)


@given(rules(), streams(), st.data())
@settings(max_examples=150, deadline=None)
def test_restart_anywhere_changes_nothing(defs: list[Rule], events: list[Event], data: st.DataObject) -> None:
    """Saved at any event, loaded into a new engine, and continued: the same signals with the same steps. Ticking at
    other moments makes no difference either."""
    whole = engine_of(defs)
    expected: list[Signal] = []
    for event in events:
        expected += whole.observe(event)
    end = events[-1].at + 200 * SECOND
    expected += whole.tick(end)

    cut = data.draw(st.integers(0, len(events)))
    engine = engine_of(defs)
    got: list[Signal] = []
    for i, event in enumerate(events):
        if i == cut:
            state = orjson.loads(orjson.dumps(list(engine.dump())))
            engine = engine_of(defs)
            engine.load(state)
        got += engine.observe(event)
        later = events[i + 1].at if i + 1 < len(events) else end
        got += engine.tick(data.draw(st.integers(event.at, later - 1)) if later > event.at else event.at - 1)
    got += engine.tick(end)

    def key(s: Signal) -> tuple[Any, ...]:
        return (s.at, s.alert_id, s.step, s.kind.value, s.severity, s.occurrences, s.onset, s.reason)

    assert sorted(map(key, got)) == sorted(map(key, expected))


def observation(
    seq: int, seconds: float, value: Any, observed: float | None = None, kind: str = "A"
) -> Event:
    instance = {"type": "Property", "value": value}
    if observed is not None:
        instance["observedAt"] = format_time(START + int(observed * SECOND))
    at = START + int(seconds * SECOND)
    change = Change(iri("x"), None, [instance])
    return Event(seq, "", at, "t", EventKind.UPDATED, "urn:e:1", (iri(kind),), (), [change], None)


def one(**definition: Any) -> RuleEngine:
    base = {"select": {"type": "A"}, "severity": "Minor", "when": {"attr": "x", "op": ">", "value": 3}}
    return engine_of([read_rule("urn:rule:1", base | definition)])


def kinds(signals: Any) -> list[str]:
    return [s.kind.value for s in signals]


def test_late_observation_raises_nothing() -> None:
    """What was true an hour ago and is over is no alert now."""
    engine = one()
    assert not engine.observe(observation(1, 3600, 1, observed=3600))
    assert not engine.observe(observation(2, 3601, 9, observed=10))
    assert engine.late == 1


def test_clock_ahead_does_not_lock_a_sensor_out() -> None:
    """One observation dated next year must not make all later ones late."""
    engine = one()
    engine.observe(observation(1, 0, 1, observed=365 * 86_400))
    assert kinds(engine.observe(observation(2, 1, 9, observed=1))) == ["raised"]


def test_flapping_is_damped() -> None:
    """A value that crosses the line every second makes one alert, not fifty, and in the end it is cleared."""
    engine = one(damping="PT1M")
    signals: list[Signal] = []
    for i in range(100):
        signals += engine.observe(observation(i + 1, i, 9 if i % 2 == 0 else 0))
    signals += engine.tick(START + 10 * MINUTE)
    assert len({s.alert_id for s in signals}) == 1
    assert len(signals) <= 8
    assert signals[-1].kind is SignalKind.CLEARED


def test_hysteresis() -> None:
    """Between the two lines nothing happens, in either direction."""
    engine = one(clear={"attr": "x", "op": "<", "value": 2})
    assert kinds(engine.observe(observation(1, 1, 4))) == ["raised"]
    assert kinds(engine.observe(observation(2, 2, 2.5))) == []
    assert kinds(engine.observe(observation(3, 3, 1))) == ["cleared"]
    assert kinds(engine.observe(observation(4, 4, 2.5))) == []


def test_closed_by_a_person_stays_closed_until_it_is_new() -> None:
    """Closing while the condition holds is respected; when it comes back after being gone it is a new alert."""
    engine = one()
    first = engine.observe(observation(1, 1, 9))[0]
    engine.closed(first.alert_id)
    assert kinds(engine.observe(observation(2, 2, 8))) == []
    assert kinds(engine.observe(observation(3, 3, 1))) == []
    again = engine.observe(observation(4, 4, 9))[0]
    assert again.kind is SignalKind.RAISED
    assert again.alert_id != first.alert_id


def test_silence_after_the_platform_was_down_is_not_the_sensors() -> None:
    """After ``wake`` the sensor gets its full time again."""
    engine = one(when={"attr": "x", "silent": "PT10M"})
    engine.observe(observation(1, 0, 1))
    engine.wake(START + 60 * MINUTE)
    assert engine.tick(START + 69 * MINUTE) == []
    assert kinds(engine.tick(START + 71 * MINUTE)) == ["raised"]


def test_changed_rule_clears_what_it_raised() -> None:
    """Nobody waits for ever for an alert whose rule is gone; an equal rule changes nothing."""
    engine = one()
    engine.observe(observation(1, 1, 9))
    rule = engine.rules[0]
    assert not engine.set_rule(rule, START + 2 * SECOND)
    signals = engine.remove_rule(rule.id, START + 2 * SECOND)
    assert kinds(signals) == ["cleared"]
    assert signals[0].reason == "rule changed"


SIMPLE = st.recursive(
    st.builds(
        lambda a, o, v: {"attr": a, "op": o, "value": v},
        st.sampled_from(["x", "y"]),
        st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
        NUMBERS,
    ),
    lambda c: st.one_of(
        st.lists(c, min_size=1, max_size=2).map(lambda p: {"all": p}), c.map(lambda p: {"not": p})
    ),
    max_leaves=3,
)
READINGS = st.lists(
    st.tuples(st.sampled_from(["urn:e:1", "urn:e:2"]), st.sampled_from(["x", "y"]), NUMBERS, st.integers(1, 30)),
    max_size=25,
)  # fmt: skip


@st.composite
def simple_rule(draw: st.DrawFn) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "select": {"type": "A"},
        "when": draw(SIMPLE),
        "severity": draw(st.sampled_from(["Minor", "Severe", BANDS])),
        "damping": draw(SECONDS),
    }
    for key in ("for", "clearFor", "expire"):
        if draw(st.integers(0, 2)) == 0:
            raw[key] = draw(SECONDS)
    if draw(st.booleans()):
        raw["clear"] = draw(SIMPLE)
    return raw


class Town:
    """Entities of type A, with an engine that hears of each reading."""

    def __init__(self, rule: Rule) -> None:
        self.engine = engine_of([rule])
        self.docs: dict[str, Any] = {}
        self.at, self.said = START, list[Signal]()

    def read(self, entity_id: str, attr: str, value: Any, seconds: int) -> None:
        self.at += seconds * SECOND
        doc = self.docs.setdefault(entity_id, {"id": entity_id, "type": [iri("A")], "attrs": {}})
        instance = {"type": "Property", "value": value, "observedAt": format_time(self.at)}
        change = Change(iri(attr), doc["attrs"].get(iri(attr)), [instance])
        kind = EventKind.UPDATED if doc["attrs"] else EventKind.CREATED
        doc["attrs"] = {**doc["attrs"], iri(attr): [instance]}
        event = Event(1, "", self.at, "t", kind, entity_id, (iri("A"),), (), [change], dict(doc))
        self.said += self.engine.observe(event)

    def change(self, rule: Rule) -> list[Signal]:
        """As the platform does it."""
        out = [*self.engine.tick(self.at), *self.engine.set_rule(rule, self.at)]
        out += self.engine.refresh(self.at)
        out += self.engine.prime(list(self.docs.values()), self.at)
        return out + self.engine.settle_changed(self.at)


@given(simple_rule(), READINGS, READINGS)
@settings(max_examples=150, deadline=None)
def test_other_texts_change_no_alert(raw: dict[str, Any], before: list[Any], after: list[Any]) -> None:
    """A rule whose texts change says, of every alert, what it says without the change."""
    rule = read_rule("urn:rule:1", raw)
    other = read_rule(
        "urn:rule:1", raw | {"headline": {"en": "other"}, "incidentType": "flood"}, {"en": "new"}
    )
    plain, changed = Town(rule), Town(rule)
    for one in before:
        plain.read(*one)
        changed.read(*one)
    plain.said += plain.engine.tick(plain.at)
    changed.said += changed.change(other)
    for one in after:
        plain.read(*one)
        changed.read(*one)
    assert said(plain.said) == said(changed.said)


@given(simple_rule(), simple_rule(), READINGS, READINGS)
@settings(max_examples=300, deadline=None)
def test_an_alert_that_still_holds_survives_a_change_of_its_rule(
    raw: dict[str, Any], other: dict[str, Any], before: list[Any], after: list[Any]
) -> None:
    """With its id and its beginning. The trial, which looks at present values only, says before which alerts stay."""
    town, new = Town(read_rule("urn:rule:1", raw)), read_rule("urn:rule:1", other)
    for one in before:
        town.read(*one)
    town.said += town.engine.tick(town.at)
    held = town.engine.alerts_of("urn:rule:1")
    same = town.engine.rules[0].condition == new.condition
    foreseen = trial(new, town.docs.values(), held, lambda _: None, town.at)
    signals = town.change(new)
    stay = town.engine.alerts_of("urn:rule:1")
    last = {s.entity_id: s.kind for s in signals}  # one that has expired may begin again at once
    ended = {one for one, kind in last.items() if kind is SignalKind.CLEARED}
    raised = {s.entity_id for s in signals if s.kind is SignalKind.RAISED}
    assert not raised & set(held)
    assert set(held) - ended == set(held) & set(stay)
    if not same and not new.expire:
        kept = {one for one in held if one in foreseen.stays}
        assert set(held) & set(stay) >= kept
        assert all(s.reason == "rule changed" for s in signals if s.kind is SignalKind.CLEARED)
        assert ended == set(foreseen.ends)
        assert {one.entity_id for one in foreseen.hits} == raised | {
            one.entity_id for one in town.engine.holding("urn:rule:1") if one.entity_id in held or new.hold
        }
    steps: dict[str, int] = {}
    for one in after:
        town.read(*one)
    for signal in [*town.said]:
        assert signal.step > steps.get(signal.alert_id, 0) or signal.kind is SignalKind.SEEN
        steps[signal.alert_id] = signal.step


def test_prime_sees_what_is_there_already() -> None:
    """A new rule is true at once where the city is already so."""
    engine = one()
    doc = {"id": "urn:e:7", "type": [iri("A")], "attrs": {iri("x"): [{"type": "Property", "value": 9}]}}
    assert kinds(engine.prime([doc], START)) == ["raised"]
    assert kinds(engine.prime([doc], START)) == []
    silent = {"select": {"type": "A"}, "severity": "Minor", "when": {"attr": "x", "silent": "PT1M"}}
    engine.set_rule(read_rule("urn:rule:2", silent), START)
    engine.refresh(START)
    engine.prime([doc], START)
    assert kinds(engine.tick(START + 2 * MINUTE)) == ["raised"]


@pytest.mark.parametrize("kind", ["B", "C"])
def test_types_nobody_watches_are_not_even_remembered(kind: str) -> None:
    """The cost of an unwatched update is one look-up: nothing of it is kept."""
    engine = one()
    assert not engine.observe(observation(1, 1, 9, kind=kind))
    assert not any("id" in row for row in engine.dump())


@given(
    st.sampled_from([">", ">=", "<", "<="]),
    st.sampled_from([">", ">=", "<", "<="]),
    st.integers(0, 6),
    st.integers(0, 6),
)
def test_limits_that_contradict_each_other_are_found(op: str, clear: str, limit: int, end: int) -> None:
    """Exactly where a value fulfils both conditions."""
    raw = {
        "select": {"type": "A"},
        "severity": "Minor",
        "when": {"attr": "x", "op": op, "value": limit},
        "clear": {"attr": "x", "op": clear, "value": end},
    }
    tests = {
        ">": lambda v, b: v > b,
        ">=": lambda v, b: v >= b,
        "<": lambda v, b: v < b,
        "<=": lambda v, b: v <= b,
    }
    both = [v / 2 for v in range(-4, 20) if tests[op](v / 2, limit) and tests[clear](v / 2, end)]
    assert (overlap_of(read_rule("urn:rule:1", raw)) is not None) == bool(both)
