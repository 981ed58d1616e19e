"""Laws of temporal queries: what is answered is what a plain list of instances says, wherever the tail begins."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.history import History, Veil
from andaman.broker.history.read import series_ends as ends
from andaman.broker.history.rows.aggregate import shortest
from andaman.broker.history.rows.instance_ids import instance_id, read_instance_id
from andaman.broker.history.rows.rows import iso
from andaman.broker.history.segments import recent, store, upkeep
from andaman.broker.model import Doc, Event, EventKind, Instance
from andaman.broker.query.evaluate import matches
from andaman.broker.query.model import EntityQuery, EvolutionQuery, TemporalQuery
from andaman.broker.query.parse import parse_q, parse_types
from andaman.kernel.time import SECOND, parse_time
from tests.broker.history.test_history import event

START = parse_time("2026-11-22T00:00:00Z")
KEY = b"k" * 32
NAMES = ["urn:x:c", "urn:x:a", "urn:x:b"]
ATTRS = ["x:p", "x:q"]
SETS = ["", "urn:d:1"]
QS = [
    "p>2",
    "p==1|q>3",
    'p=="u"',
    "p;q",
    "!q",
    "p!=1",
    "p==1..3;q<5",
    "p~=u",
    "q==2;p==2",
    '!p|q=="v"',
]
KINDS = ["x:A", "x:B"]


class Everything:
    """Full rights."""

    def enters(self, tenant: str) -> bool:
        return True

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        return True

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        return frozenset()

    def veiled(self, attr: str) -> Mapping[str, int]:
        return {}

    def veils(self, names: Sequence[str]) -> Mapping[str, Veil]:
        return {}


@dataclass
class Known:
    """One instance, as a plain record. ``at``: commit, ``observed``: observedAt or None."""

    attr: str
    dataset: str
    seq: int
    place: int
    at: int
    observed: int | None
    created: int
    one: Instance
    end: bool = False


@dataclass
class World:
    """The reference: per entity its types, and the instances that stand, in the order told."""

    events: list[Event] = field(default_factory=list)
    state: dict[str, Doc] = field(default_factory=dict)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    known: dict[str, list[Known]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)


def instance(rng: random.Random, at: int, dataset: str, created: int | None = None) -> Instance:
    value: Any = rng.choice([rng.randrange(6), rng.randrange(6), rng.choice(["u", "v"]), [1, 2]])
    one: Instance = {"type": "Property", "value": value}
    if dataset:
        one["datasetId"] = dataset
    if rng.random() < 0.1:
        one["accuracy"] = [{"type": "Property", "value": 1}]
    if rng.random() < 0.8:
        one["observedAt"] = iso(START + rng.randrange(6) * SECOND, 0)
    return {**one, "createdAt": iso(at if created is None else created), "modifiedAt": iso(at)}


def record(one: Instance, attr: str, seq: int, place: int, at: int) -> Known:
    observed = parse_time(one["observedAt"]) if "observedAt" in one else None
    return Known(attr, one.get("datasetId", ""), seq, place, at, observed, parse_time(one["createdAt"]), one)


def core(world: World, rng: random.Random, name: str, at: int) -> None:
    """Current state changes: made, updated or deleted."""
    seq = len(world.events) + 1
    before = world.state.get(name)
    after: Doc | None = None
    if before is None or rng.random() < 0.75:
        attrs: dict[str, list[Instance]] = dict(before["attrs"]) if before else {}
        for attr in rng.sample(ATTRS, rng.randrange(len(ATTRS) + 1)):
            old = {one.get("datasetId", ""): one for one in attrs.get(attr, ())}
            made = []
            for dataset in SETS:
                if rng.random() < 0.5:
                    was = old.get(dataset)
                    created = parse_time(was["createdAt"]) if was else None
                    made.append(instance(rng, at, dataset, created))
            if made:
                attrs[attr] = made
            else:
                attrs.pop(attr, None)
        kinds = before["type"] if before else [rng.choice(KINDS)]
        born = before["createdAt"] if before else iso(at)
        after = {"id": name, "type": kinds, "attrs": attrs, "createdAt": born, "modifiedAt": iso(at)}
    world.events.append(event(seq, at, "", before, after))
    known = world.known.setdefault(name, [])
    for attr in ATTRS:
        old_ones = {
            one.get("datasetId", ""): n
            for n, one in enumerate(before["attrs"].get(attr, ()) if before else ())
        }
        new_ones = after["attrs"].get(attr, []) if after else []
        for place, one in enumerate(new_ones):
            if not before or one not in before["attrs"].get(attr, ()):
                known.append(record(one, attr, seq, place, at))
        for dataset, place in old_ones.items():
            if dataset not in {one.get("datasetId", "") for one in new_ones}:
                known.append(Known(attr, dataset, seq, place, at, None, at, {}, end=True))
    if after is None:
        del world.state[name]
    else:
        world.state[name] = after
        world.kinds[name] = after["type"]


def told(world: World, rng: random.Random, name: str, at: int) -> None:
    """A write of the temporal API."""
    seq = len(world.events) + 1
    known = world.known.setdefault(name, [])
    ways = ["add", "add"]
    if name in world.kinds:
        ways += ["erase", "erase-attr", "erase-all-of-attr"]
        if any(not one.end for one in known):
            ways += ["replace", "erase-one"]
    way = rng.choice(ways)
    attr, dataset = rng.choice(ATTRS), rng.choice(SETS)
    payload: dict[str, Any]
    if way == "add":
        payload = {"do": "add", "attrs": {}}
        for one_attr in rng.sample(ATTRS, rng.randrange(1, len(ATTRS) + 1)):
            ones = [instance(rng, at, rng.choice(SETS)) for _ in range(rng.randrange(1, 5))]
            payload["attrs"][one_attr] = ones
            known += [record(one, one_attr, seq, place, at) for place, one in enumerate(ones)]
        if name not in world.kinds:
            payload["type"] = world.kinds[name] = [rng.choice(KINDS)]
    elif way in ("replace", "erase-one"):
        target = rng.choice([one for one in known if not one.end])
        payload = {"attr": target.attr, "dataset": target.dataset, "at": [target.seq, target.place]}
        if way == "erase-one":
            payload["do"] = "erase"
            known.remove(target)
        else:
            made = instance(rng, at, target.dataset, target.created)
            payload |= {"do": "replace", "instance": made}
            known[known.index(target)] = record(made, target.attr, target.seq, target.place, at)
    else:
        payload = {"do": "erase"}
        if way != "erase":
            payload["attr"] = attr
            if way == "erase-attr":
                payload["dataset"] = dataset
        known[:] = [
            one
            for one in known
            if way != "erase" and (one.attr != attr or (way == "erase-attr" and one.dataset != dataset))
        ]
    kinds = tuple(world.kinds[name])
    world.events.append(
        Event(seq, "", at, "test", EventKind.TEMPORAL, name, kinds, (), [], None, told=payload)
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    rng = draw(st.randoms(use_true_random=False))
    world = World()
    at = START
    for _ in range(draw(st.integers(1, 16))):
        at += rng.choice([1, 1_000, SECOND])
        name = rng.choice(NAMES)
        if name not in world.order:
            world.order.append(name)
        (core if rng.random() < 0.5 else told)(world, rng, name, at)
    return world


# -- the reference ----------------------------------------------------------------------------------------------


def series(world: World, name: str, attr: str, query: TemporalQuery) -> list[tuple[int, Known]]:
    """(time, instance) of one attribute in the interval, in order: the plain meaning of §4.11 and §5.7.3."""
    found: list[tuple[int, Known]] = []
    for one in world.known.get(name, ()):
        if one.attr != attr or one.end != (query.timeproperty == "deletedAt"):
            continue
        if query.timeproperty == "observedAt":
            if one.observed is None and query.timerel is not None:
                continue
            time = one.at if one.observed is None else one.observed
        else:
            time = one.created if query.timeproperty == "createdAt" else one.at
        inside = {
            None: True,
            "before": time < query.time_at,
            "after": time >= query.time_at,
            "between": query.time_at <= time < query.end_time_at,
        }[query.timerel]
        if inside:
            found.append((time, one))
    if query.timeproperty == "observedAt":  # the last word on a moment
        last = {
            (one.dataset, one.observed): (one.seq, one.place)
            for _, one in sorted(found, key=lambda f: (f[1].seq, f[1].place))
        }
        found = [
            (time, one)
            for time, one in found
            if one.observed is None or last[one.dataset, one.observed] == (one.seq, one.place)
        ]
    return sorted(found, key=lambda pair: (pair[0], pair[1].seq, pair[1].dataset, pair[1].place))


def shown(one: Known) -> dict[str, Any]:
    if not one.end:
        return {**one.one, "instanceId": instance_id(KEY, one.attr, one.seq, one.place)}
    made = {"type": "Property", "value": "urn:ngsi-ld:null", "deletedAt": iso(one.at)}
    if one.dataset:
        made["datasetId"] = one.dataset
    return {**made, "instanceId": instance_id(KEY, one.attr, one.seq, one.place, True)}


def reference(world: World, query: EvolutionQuery) -> list[dict[str, Any]]:
    """Every entity that matches, whole (no paging)."""
    (selector,) = query.selectors
    temporal = query.temporal
    answer = []
    for name in world.order:
        kinds = world.kinds[name]
        if selector.types is not None and "x:A" not in kinds:
            continue
        attrs = {attr: found for attr in ATTRS if (found := series(world, name, attr, temporal))}
        if query.shown is not None and selector.q is None:
            attrs = {attr: found for attr, found in attrs.items() if attr in query.shown}
        if not attrs:
            continue
        if selector.q is not None:  # the values in the interval, held against the reference evaluator
            doc = {
                "id": name,
                "type": kinds,
                "attrs": {a: [one.one for _, one in f] for a, f in attrs.items()},
            }
            if not matches(doc, EntityQuery(q=selector.q)):
                continue
        kept = {}
        for attr, found in attrs.items():
            if query.shown is not None and attr not in query.shown:
                continue
            if query.datasets is not None:
                found = [pair for pair in found if (pair[1].dataset or "@none") in query.datasets]
            if temporal.last_n is not None:
                found = found[-temporal.last_n :][::-1]
            if found:
                kept[attr] = [shown(one) for _, one in found]
        if kept or query.datasets is None:
            answer.append({"id": name, "type": kinds, "attrs": kept})
    return answer


@contextmanager
def opened(events: Sequence[Event], cut: int, steps: int | None = None) -> Iterator[History]:
    """A history that has the first ``cut`` events, taken in two batches.

    ``steps``: in several, with tiny segments, so many steps of sorting behind each, and opened again half way: rows lie
    in memory, in the file or in both.
    """
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        history = History.open(Path(directory), memory_mb=64, key=KEY)
        if steps is not None:
            for module, name, value in (
                (store, "OPEN_ROWS", 5),
                (upkeep, "FAN_IN", 2),
                (ends, "_SLACK", 1),
                (ends, "_LARGE", 8),
            ):
                patch.setattr(module, name, value)
            for module in (store, recent):
                patch.setattr(module, "KEPT_ROWS", 12)
            for end in range(2, cut, 2):
                history.ingest(events[:end])
                for _ in range(steps):
                    history.maintain()
                if end == cut // 4 * 2:
                    history.close()
                    history = History.open(Path(directory), memory_mb=64, key=KEY)
        else:
            history.ingest(events[: cut // 2])
        history.ingest(events[:cut])
        yield history
        history.close()


def tails(events: Sequence[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for one in events:
        found.setdefault(one.entity_id, []).append(one)
    return found


@st.composite
def queries(draw: st.DrawFn) -> EvolutionQuery:
    rng = draw(st.randoms(use_true_random=False))
    prop = rng.choice(["observedAt", "observedAt", "observedAt", "modifiedAt", "createdAt", "deletedAt"])
    low = START + rng.randrange(5) * SECOND
    temporal = TemporalQuery(
        rng.choice([None, "before", "after", "between"]),  # type: ignore[arg-type]
        low,
        low + rng.choice([1, 2 * SECOND]),
        timeproperty=prop,  # type: ignore[arg-type]
        last_n=rng.choice([None, None, 1, 2]),
        limit_instances=10_000,
    )
    asks = rng.random() < 0.4 and prop != "deletedAt"
    q = parse_q(rng.choice(QS), lambda name: f"x:{name}") if asks else None
    types = parse_types("A", lambda name: f"x:{name}") if rng.random() < 0.3 else None
    return EvolutionQuery(
        temporal,
        (EntityQuery(types=types, q=q),),
        shown=rng.choice([None, None, frozenset({"x:p"})]),
        datasets=rng.choice([None, None, frozenset({"@none"}), frozenset({"urn:d:1"})]),
        limit=100,
        count=rng.random() < 0.5,
    )


@settings(max_examples=40, deadline=None)
@given(
    worlds(),
    st.lists(queries(), min_size=8, max_size=8),
    st.integers(0, 16),
    st.one_of(st.none(), st.integers(0, 4)),
)
def test_answers_are_those_of_a_plain_list_of_instances(
    world: World, asked: list[EvolutionQuery], cut: int, steps: int | None
) -> None:
    """For random writes of both APIs, random queries, wherever the journal's tail begins and whatever is sorted."""
    cut = min(cut, len(world.events))
    with opened(world.events, cut, steps) as history:
        for query in asked:
            got = history.evolutions("", query, tails=tails(world.events[cut:]), sight=Everything())
            wanted = reference(world, query)
            assert got["entities"] == wanted
            assert got["total"] == (len(wanted) if query.count else -1)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 3), st.integers(0, 4), st.integers(0, 40))
def test_the_last_ones_are_found_wherever_they_lie(
    rng: random.Random, last: int, steps: int, cut: int
) -> None:
    """Observations come late, out of order and twice: the newest may lie in the file, in memory or in the journal's tail."""
    world = World()
    for n in range(40):
        name, at = rng.choice(NAMES), START + (n + 1) * SECOND
        if name not in world.order:
            world.order.append(name)
        before = world.state.get(name)
        late = rng.choice([0, 0, 0, 30]) * SECOND
        seen = world.known[name][-1].observed if name in world.known and rng.random() < 0.6 else at - late
        assert seen is not None
        one = {"type": "Property", "value": n, "observedAt": iso(seen, 0), "createdAt": iso(START)}
        attrs = {"x:p": [{**one, "modifiedAt": iso(at)}]}
        after = {"id": name, "type": ["x:A"], "attrs": attrs, "createdAt": iso(START), "modifiedAt": iso(at)}
        world.events.append(event(n + 1, at, "", before, after))
        world.state[name], world.kinds[name] = after, ["x:A"]
        world.known.setdefault(name, []).append(record(attrs["x:p"][0], "x:p", n + 1, 0, at))
    with opened(world.events, cut, steps) as history:
        for prop in ("observedAt", "modifiedAt"):
            temporal = TemporalQuery(last_n=last, timeproperty=prop, limit_instances=10_000)
            query = EvolutionQuery(temporal, (EntityQuery(),), shown=frozenset({"x:p"}), limit=100)
            got = history.evolutions("", query, tails=tails(world.events[cut:]), sight=Everything())
            assert got["entities"] == reference(world, query)


def test_of_what_was_told_at_once_the_last_place_counts() -> None:
    """Also where the file's newest rows are cut in the middle of it."""
    world = World(order=[NAMES[0]], kinds={NAMES[0]: ["x:A"]})
    ones = [
        {
            "type": "Property",
            "value": n,
            "observedAt": iso(START, 0),
            "createdAt": iso(START),
            "modifiedAt": iso(START),
        }
        for n in range(9)
    ]
    payload = {"do": "add", "type": ["x:A"], "attrs": {"x:p": ones}}
    told = Event(1, "", START, "test", EventKind.TEMPORAL, NAMES[0], ("x:A",), (), [], None, told=payload)
    world.events.append(told)
    world.known[NAMES[0]] = [record(one, "x:p", 1, place, START) for place, one in enumerate(ones)]
    query = EvolutionQuery(TemporalQuery(last_n=1), (EntityQuery(),), shown=frozenset({"x:p"}), limit=100)
    with opened(world.events, 1, 0) as history:
        while history.maintain():
            pass
        history._store.snapshot = replace(history._store.snapshot, runs={})
        got = history.evolutions("", query, tails={}, sight=Everything())
        assert got["entities"] == reference(world, query)


@settings(max_examples=20, deadline=None)
@given(worlds(), queries(), st.integers(1, 3), st.integers(0, 16))
def test_pages_of_entities_make_up_the_whole(
    world: World, query: EvolutionQuery, size: int, cut: int
) -> None:
    cut = min(cut, len(world.events))
    late = tails(world.events[cut:])
    with opened(world.events, cut) as history:
        pages: list[Any] = []
        while True:
            part = EvolutionQuery(
                query.temporal,
                query.selectors,
                query.shown,
                datasets=query.datasets,
                limit=size,
                offset=len(pages),
            )
            got = history.evolutions("", part, tails=late, sight=Everything())
            pages += got["entities"]
            if not got["more"]:
                break
    assert pages == reference(world, query)


@settings(max_examples=20, deadline=None)
@given(worlds(), st.integers(1, 4), st.booleans(), st.integers(0, 16))
def test_pages_of_instances_make_up_the_whole(world: World, most: int, backwards: bool, cut: int) -> None:
    """Following Content-Range from page to page loses no instance and repeats none (§6.3.10)."""
    cut = min(cut, len(world.events))
    late = tails(world.events[cut:])
    low, high = START - SECOND, START + 100 * SECOND
    last_n = 1_000 if backwards else None
    whole = TemporalQuery("between", low, high, last_n=last_n, limit_instances=10_000)
    every = (EntityQuery(),)
    collected: dict[tuple[str, str], list[Any]] = {}
    with opened(world.events, cut) as history:
        wanted = history.evolutions(
            "", EvolutionQuery(whole, every, limit=100), tails=late, sight=Everything()
        )
        while True:
            part = TemporalQuery("between", low, high, last_n=last_n, limit_instances=most)
            got = history.evolutions(
                "", EvolutionQuery(part, every, limit=100), tails=late, sight=Everything()
            )
            for entity in got["entities"]:
                for attr, ones in entity["attrs"].items():
                    collected.setdefault((entity["id"], attr), []).extend(ones)
            if "range" not in got:
                break
            start, end = (parse_time(one) for one in got["range"])
            assert start == (high if backwards else low)
            if backwards:
                high = end
            else:
                low = end + 1
    flat = {
        (entity["id"], attr): ones for entity in wanted["entities"] for attr, ones in entity["attrs"].items()
    }
    assert collected == flat


@settings(max_examples=20, deadline=None)
@given(worlds(), st.sampled_from([0, 1, 2]), st.integers(0, 16))
def test_aggregates_of_many_entities_are_those_of_each_series(world: World, period_s: int, cut: int) -> None:
    cut = min(cut, len(world.events))
    low, high = START, START + 5 * SECOND
    methods = ("totalCount", "distinctCount", "max")
    temporal = TemporalQuery("between", low, high, aggr_methods=methods, aggr_period=f"PT{period_s}S")
    query = EvolutionQuery(temporal, (EntityQuery(),), limit=100)
    with opened(world.events, cut) as history:
        got = history.evolutions("", query, tails=tails(world.events[cut:]), sight=Everything())
    found = {(one["id"], attr): rows for one in got["entities"] for attr, rows in one["attrs"].items()}
    for name in world.order:
        for attr in ATTRS:
            ones = series(world, name, attr, temporal)
            rows = found.pop((name, attr), None)
            assert (rows is None) == (not ones)
            if rows is None:
                continue
            step = period_s * SECOND or high - low
            buckets: dict[int, list[Any]] = {}
            for time, one in ones:
                buckets.setdefault((time - low) // step, []).append(one.one["value"])
            wanted = [
                [len(part), shortest(low + n * step), shortest(min(low + (n + 1) * step, high))]
                for n, part in sorted(buckets.items())
            ]
            assert rows["totalCount"] == wanted
            assert [row[0] for row in rows["distinctCount"]] == [
                len({repr(value) for value in part}) for _, part in sorted(buckets.items())
            ]
            values = [one.one["value"] for _, one in ones]
            if all(isinstance(value, int) for value in values):
                assert [row[0] for row in rows["max"]] == [max(part) for _, part in sorted(buckets.items())]
    assert not found


@given(
    st.binary(min_size=1, max_size=64),
    st.text(max_size=20),
    st.integers(1, 1 << 44),
    st.integers(0, 65_535),
    st.booleans(),
)
def test_ids_of_instances_can_be_read_back(
    key: bytes, attr: str, seq: int, place: int, deletion: bool
) -> None:
    uri = instance_id(key, attr, seq, place, deletion)
    assert read_instance_id(key, attr, uri) == (seq, place, deletion)
    assert read_instance_id(key, attr, uri.upper()) is None
