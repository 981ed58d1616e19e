"""Law: whom the index names and the condition accepts is whom a plain look at every subscription finds."""

from __future__ import annotations

from operator import eq, ge, gt, le, lt
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.ledger.events import FreshEvent
from andaman.broker.model import LOCATION, Change, Event, EventKind
from andaman.broker.query.ast import And, Cmp, Compare, Number, Path, TypeAnd, TypeExpr, TypeIs, TypeOr
from andaman.broker.query.parse import parse_geo
from andaman.broker.subscriptions.changes import Fact, concerns, doc_before_deletion
from andaman.broker.subscriptions.event_facts import Seen
from andaman.broker.subscriptions.index import SubscriptionIndex
from andaman.broker.subscriptions.model import Condition, Selector, Trigger

TYPES, ATTRS, IDS = ["A", "B", "C"], ["x", "y", "z"], ["urn:e:1", "urn:e:2", "urn:f:3"]
TENANTS = ["", "t"]

leaf = st.sampled_from(TYPES).map(TypeIs)
two = st.lists(leaf, min_size=2, max_size=2).map(tuple)
types: st.SearchStrategy[TypeExpr | None] = st.one_of(st.none(), leaf, two.map(TypeOr), two.map(TypeAnd))
selectors = st.builds(
    Selector,
    types,
    st.one_of(st.just(frozenset[str]()), st.frozensets(st.sampled_from(IDS), min_size=1)),
    st.sampled_from([None, "^urn:e:", "3$"]),
)
compares = st.builds(
    Compare,
    st.sampled_from([Path("x"), Path("y")]),
    st.sampled_from([Cmp.EQ, Cmp.GT, Cmp.GE, Cmp.LT, Cmp.LE]),
    st.sampled_from([(Number(0.0),), (Number(1.0),), (Number(0.5),)]),
)
queries = st.one_of(
    st.none(), compares, st.lists(compares, min_size=2, max_size=2).map(lambda two: And(tuple(two)))
)
AREA = parse_geo("within", "Polygon", [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]])
conditions = st.builds(
    Condition,
    st.lists(selectors, max_size=2).map(tuple),
    st.one_of(st.none(), st.frozensets(st.sampled_from(ATTRS), min_size=1)),
    st.integers(1, 31).map(Trigger),
    queries,
    st.sampled_from([None, None, AREA]),
)


def instance(value: int, dataset: str | None) -> dict[str, Any]:
    one: dict[str, Any] = {"type": "Property", "value": value, "modifiedAt": "now"}
    return one if dataset is None else {**one, "datasetId": dataset}


values = st.lists(
    st.builds(instance, st.integers(0, 1), st.sampled_from([None, "urn:d:1"])),
    min_size=1,
    max_size=2,
    unique_by=lambda one: one.get("datasetId"),
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from(list(EventKind)[:3]))
    names = tuple(sorted(draw(st.sets(st.sampled_from(TYPES), min_size=1))))
    attrs = draw(st.lists(st.sampled_from(ATTRS), unique=True))
    changes = []
    doc: dict[str, Any] = {"id": draw(st.sampled_from(IDS)), "type": list(names), "attrs": {}}
    for attr in attrs:
        before = None if kind is EventKind.CREATED else draw(st.none() | values)
        after = None if kind is EventKind.DELETED else draw(values)
        if kind is EventKind.DELETED and before is None:
            before = [instance(1, None)]
        changes.append(Change(attr, before, after))
        if after:
            doc["attrs"][attr] = after
    if kind is EventKind.UPDATED and draw(st.booleans()):
        changes.append(Change("w", [instance(1, None)], None))
    if draw(st.booleans()):
        place = {"type": "Point", "coordinates": [draw(st.sampled_from([1.0, 3.0])), 1.0]}
        doc["attrs"][LOCATION] = [{"type": "GeoProperty", "value": place}]
        if kind is EventKind.DELETED:
            changes.append(Change(LOCATION, doc["attrs"][LOCATION], None))
        elif kind is EventKind.CREATED:
            changes.append(Change(LOCATION, None, doc["attrs"][LOCATION]))
    told = None if kind is EventKind.DELETED else doc
    return Event(1, draw(st.sampled_from(TENANTS)), 0, "", kind, doc["id"], names, (), changes, told)


def plain(condition: Condition, event: Event) -> bool:
    """The clause, word by word, for one subscription and one event."""
    doc = event.doc or doc_before_deletion(event)

    def type_holds(expr: TypeExpr | None) -> bool:
        if expr is None:
            return True
        if isinstance(expr, TypeIs):
            return expr.iri in event.types
        held = [type_holds(part) for part in expr.parts]
        return all(held) if isinstance(expr, TypeAnd) else any(held)

    def selected(one: Selector) -> bool:
        if one.ids:
            named = event.entity_id in one.ids
        elif one.pattern == "^urn:e:":
            named = event.entity_id.startswith("urn:e:")
        elif one.pattern == "3$":
            named = event.entity_id.endswith("3")
        else:
            named = True
        return named and type_holds(one.types)

    if condition.selectors and not any(map(selected, condition.selectors)):
        return False

    def holds(expr: Any) -> bool:
        if expr is None:
            return True
        if isinstance(expr, And):
            return all(map(holds, expr.parts))
        test = {"==": eq, ">": gt, ">=": ge, "<": lt, "<=": le}[expr.op]
        return any(test(one["value"], expr.values[0].value) for one in doc["attrs"].get(expr.path.attr, ()))

    if not holds(condition.q):
        return False
    places = doc["attrs"].get(LOCATION, ())
    if condition.geo is not None and not any(one["value"]["coordinates"][0] < 2 for one in places):
        return False

    def watched(attr: str) -> bool:
        return condition.watched is None or attr in condition.watched

    for change in event.changes:
        if not watched(change.attr):
            continue
        before = {one.get("datasetId"): str(one["value"]) for one in change.before or ()}
        after = {one.get("datasetId"): str(one["value"]) for one in change.after or ()}
        if condition.triggers & Trigger.ATTRIBUTE_CREATED and after.keys() - before.keys():
            return True
        if condition.triggers & Trigger.ATTRIBUTE_DELETED and before.keys() - after.keys():
            return True
        common = before.keys() & after.keys()
        if condition.triggers & Trigger.ATTRIBUTE_UPDATED and any(before[d] != after[d] for d in common):
            return True
    whole = {EventKind.CREATED: Trigger.ENTITY_CREATED, EventKind.DELETED: Trigger.ENTITY_DELETED}
    if condition.triggers & whole.get(event.kind, Trigger(0)):
        return condition.watched is None or any(attr in condition.watched for attr in doc["attrs"])
    return False


class Item:
    def __init__(self, tenant: str, condition: Condition) -> None:
        self.tenant, self.condition = tenant, condition


items = st.lists(st.builds(Item, st.sampled_from(TENANTS), conditions), max_size=8)


@settings(max_examples=300, deadline=None)
@given(items, st.lists(events(), min_size=1, max_size=4), st.sets(st.integers(0, 7)))
def test_matched_set_of_the_index_is_that_of_a_plain_matcher(
    known: list[Item], told: list[Event], removed: set[int]
) -> None:
    left = [one for number, one in enumerate(known) if number not in removed]
    for event in told:  # these events are of no one history: each has an index of its own
        index: SubscriptionIndex[Item] = SubscriptionIndex()
        for one in known:
            index.add(one.tenant, one.condition, one)
        for number in removed & set(range(len(known))):
            index.remove(known[number].tenant, known[number].condition, known[number])
        doc = event.doc if event.doc is not None else doc_before_deletion(event)
        candidates = index.candidates(event)
        assert len(set(candidates)) == len(candidates)
        found = {one for one in candidates if concerns(one.condition, Fact(event, doc))}
        assert found == {one for one in left if one.tenant == event.tenant and plain(one.condition, event)}


_PLACES = st.sampled_from([None, (1.0, 1.0), (3.0, 1.0), (60.0, 1.0)])
_STEPS = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(ATTRS), st.integers(0, 1)),
    st.tuples(st.just("move"), _PLACES),
    st.tuples(st.just("types"), st.sets(st.sampled_from(TYPES), min_size=1).map(sorted)),
    st.tuples(st.just("delete")),
    st.tuples(st.just("subscribe"), conditions),
    st.tuples(st.just("unsubscribe"), st.integers(0, 5)),
)


def _after(
    doc: dict[str, Any] | None, step: tuple[Any, ...], entity_id: str
) -> tuple[dict[str, Any] | None, list[Change]]:
    """The entity after a step, and what changed."""
    old = doc or {"id": entity_id, "type": ["A"], "attrs": {}}
    new = {**old, "attrs": dict(old["attrs"])}
    if step[0] == "delete":
        whole = [Change("", [{"type": old["type"]}], None)]
        return None, [
            *whole,
            *(Change(name, gone, None) for name, gone in old["attrs"].items()),
        ] if doc else []
    if step[0] == "types":
        new["type"] = step[1]
        changes = [Change("", [{"type": old["type"]}], [{"type": step[1]}])] if step[1] != old["type"] else []
    else:
        name = step[1] if step[0] == "set" else LOCATION
        after: Any = None
        if step[0] == "set":
            after = [instance(step[2], None)]
        elif step[1] is not None:
            after = [{"type": "GeoProperty", "value": {"type": "Point", "coordinates": list(step[1])}}]
        before = new["attrs"].pop(name, None)
        if after is not None:
            new["attrs"][name] = after
        changes = [Change(name, before, after)] if before != after else []
    if doc is None:
        whole = [Change("", None, [{"type": new["type"]}])]
        changes = [*whole, *(Change(name, None, after) for name, after in new["attrs"].items())]
    return new, changes


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(IDS), _STEPS), max_size=30), st.lists(conditions, max_size=4))
def test_what_is_remembered_of_places_is_what_a_new_index_finds(
    steps: list[tuple[str, tuple[Any, ...]]], first: list[Condition]
) -> None:
    """Over any history of entities that move, change their types, go and come back, and of subscriptions."""
    index: SubscriptionIndex[Item] = SubscriptionIndex()
    known = [Item("", condition) for condition in first]
    for one in known:
        index.add("", one.condition, one)
    docs: dict[str, dict[str, Any]] = {}
    for seq, (entity_id, step) in enumerate(steps, 1):
        if step[0] == "subscribe":
            known.append(Item("", step[1]))
            index.add("", known[-1].condition, known[-1])
            continue
        if step[0] == "unsubscribe":
            if step[1] < len(known):
                gone = known.pop(step[1])
                index.remove("", gone.condition, gone)
            continue
        was = docs.get(entity_id)
        doc, changes = _after(was, step, entity_id)
        if not changes:
            continue
        kind = EventKind.DELETED if doc is None else EventKind.CREATED if was is None else EventKind.UPDATED
        types = tuple((doc or was or {})["type"])
        event = Event(seq, "", 0, "", kind, entity_id, types, (), changes, doc)
        if doc is None:
            del docs[entity_id]
        else:
            docs[entity_id] = doc
        fresh: SubscriptionIndex[Item] = SubscriptionIndex()
        for one in known:
            fresh.add("", one.condition, one)
        assert set(index.candidates(event)) == set(fresh.candidates(event))


_thresholds = st.builds(
    Compare,
    st.sampled_from([Path("x"), Path("y")]),
    st.sampled_from([Cmp.GT, Cmp.GE, Cmp.LT, Cmp.LE]),
    st.sampled_from([(Number(0.0),), (Number(1.0),), (Number(0.5),)]),
)


@settings(max_examples=300, deadline=None)
@given(
    _thresholds,
    st.dictionaries(st.sampled_from(["x", "y", "z"]), values, min_size=1),
    st.sets(st.sampled_from(ATTRS)),
)
def test_a_threshold_beside_a_place_leaves_out_nobody_who_is_concerned(
    threshold: Compare, attrs: dict[str, Any], changed: set[str]
) -> None:
    """Whether the event tells the attribute or only the entity does; and where it tells a miss, nobody is asked."""
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1.0, 1.0]}}
    doc = {"id": "urn:e:1", "type": ["A"], "attrs": {**attrs, LOCATION: [place]}}
    changes = [Change(name, None, doc["attrs"][name]) for name in sorted(changed & attrs.keys())]
    changes = changes or [Change("w", [instance(1, None)], None)]
    event = Event(1, "", 0, "", EventKind.UPDATED, "urn:e:1", ("A",), (), changes, doc)
    condition = Condition((), None, Trigger(31), threshold, AREA)
    index: SubscriptionIndex[int] = SubscriptionIndex()
    index.add("", condition, 7)
    for _ in range(2):  # worked out, and remembered
        named = list(index.candidates(event)) == [7]
        assert named or not plain(condition, event)
        if threshold.path.attr in {change.attr for change in changes}:
            test = {">": gt, ">=": ge, "<": lt, "<=": le}[threshold.op]
            told = [one["value"] for one in doc["attrs"][threshold.path.attr]]
            limit = threshold.values[0].value  # type: ignore[union-attr]
            assert named == any(test(value, limit) or value == limit for value in told)


def test_an_event_that_interests_nobody_meets_no_subscription() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex()
    for number in range(10_000):
        index.add("", Condition((Selector(TypeIs("A"), frozenset({f"urn:e:{number}"})),)), number)
    event = Event(1, "", 0, "", EventKind.CREATED, "urn:e:17", ("B",), (), [], {"id": "urn:e:17"})
    assert list(index.candidates(event)) == []
    event.types = ("A",)
    assert list(index.candidates(event)) == [17]


_NUMBERS = st.one_of(st.integers(-180, 180), st.floats(-90, 90))
_GEOMETRIES = st.one_of(
    st.tuples(_NUMBERS, _NUMBERS).map(lambda xy: {"type": "Point", "coordinates": list(xy)}),
    st.tuples(_NUMBERS, _NUMBERS, _NUMBERS).map(lambda xyz: {"type": "Point", "coordinates": list(xyz)}),
    st.just({"type": "LineString", "coordinates": [[0, 0], [1, 2]]}),
)


@st.composite
def _placed(draw: st.DrawFn, depth: int = 1) -> dict[str, Any]:
    """An instance of a GeoProperty as it may be stored: with data sets, sub-attributes, texts that look like one."""
    one: dict[str, Any] = {"type": "GeoProperty", "value": draw(_GEOMETRIES)}
    if draw(st.booleans()):
        one = {"value": one["value"], "type": "GeoProperty"}
    if draw(st.booleans()):
        one["note"] = '"urn:p":[{"type":"GeoProperty","value":{"type":"Point","coordinates":[1,2]}}]'
    if depth and draw(st.booleans()):
        one["attrs"] = {"urn:p": [draw(_placed(0))]}
    return one


@settings(max_examples=300, deadline=None)
@given(st.lists(_placed(), max_size=2), st.booleans())
def test_points_read_off_bytes_are_those_of_the_entity(instances: list[dict[str, Any]], other: bool) -> None:
    """Never too few: each instance's box is among those that are read, or the entity itself is asked."""
    for number, one in enumerate(instances[1:]):
        one["datasetId"] = f"urn:d:{number}"
    attrs: dict[str, Any] = {"urn:x": [{"type": "Property", "value": 1}]} if other else {}
    if instances:
        attrs["urn:p"] = instances
    doc = {"id": "urn:e:1", "type": ["A"], "attrs": attrs}
    plain = Event(1, "", 0, "", EventKind.UPDATED, "urn:e:1", ("A",), (), [], doc)
    wanted = set(Seen(plain).bounds("urn:p"))
    row = (1, "", 0, "updated", "urn:e:1", 0, "", "", "", "", b"", b"[]")
    fresh = FreshEvent.of(row, EventKind.UPDATED, (("A",), ()), False, orjson.dumps(doc))
    assert wanted <= set(Seen(fresh).bounds("urn:p"))
