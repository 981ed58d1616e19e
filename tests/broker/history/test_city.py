"""Laws of questions about one attribute of all entities: the answer is a plain fold over what the asker may see."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.history import History
from andaman.broker.history.city import daily_sums as city_once
from andaman.broker.history.city import means as city
from andaman.broker.history.city import newest as latest
from andaman.broker.history.city.daily_sums import Census
from andaman.broker.history.city.visibility import Everything as FullSight
from andaman.broker.history.rows.rows import iso
from andaman.broker.history.segments import upkeep
from andaman.broker.history.segments.segment import Segment
from andaman.broker.model import Doc, Event, EventKind
from andaman.broker.query.city import CityMeans, NewestValues
from andaman.broker.query.period import parse_period
from andaman.kernel.errors import BadRequestData, TooManyResults
from andaman.kernel.time import HOUR, SECOND, parse_time
from tests.broker.history.test_evolutions import ATTRS, NAMES, START, World, opened, tails, worlds
from tests.broker.history.test_history import event

TWO = parse_period("PT2S")
Row = tuple[int, int, int, float, float, float]


@dataclass
class Visibility:
    """Rights that hide a type, attributes of it, and what was told before a moment."""

    hidden_type: str = ""
    hidden_of: dict[str, frozenset[str]] = field(default_factory=dict)
    veils: dict[str, int] = field(default_factory=dict)

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        return self.hidden_type not in types

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        return frozenset().union(*(self.hidden_of.get(one, frozenset()) for one in types))

    def veiled(self, attr: str) -> Mapping[str, int]:
        return self.veils


@st.composite
def sights(draw: st.DrawFn) -> Visibility:
    rng = draw(st.randoms(use_true_random=False))
    if rng.random() < 0.3:
        return Visibility()
    return Visibility(
        rng.choice(["", "", "x:A"]),
        {rng.choice(["x:A", "x:B"]): frozenset(rng.sample(ATTRS, 1))} if rng.random() < 0.3 else {},
        {name: START + rng.randrange(8) * SECOND for name in rng.sample(NAMES, rng.randrange(3))},
    )


def counted(world: World, attr: str, types: Sequence[str], sight: Visibility) -> list[str]:
    """Entities that count, by the plain meaning of rights."""
    return [
        name
        for name in world.order
        if (kinds := world.kinds.get(name)) is not None
        and (not types or not set(types).isdisjoint(kinds))
        and sight.sees(kinds, ())
        and attr not in sight.hidden_attrs(kinds, ())
    ]


def folded_newest(
    world: World, attr: str, types: Sequence[str], sight: Visibility
) -> dict[str, tuple[Any, int | None]]:
    found: dict[str, tuple[Any, int | None]] = {}
    for name in counted(world, attr, types, sight):
        best: tuple[int, str] | None = None
        for one in world.state.get(name, {"attrs": {}})["attrs"].get(attr, ()):
            learned = parse_time(one["modifiedAt"])
            observed = parse_time(one["observedAt"]) if "observedAt" in one else None
            rank = (learned if observed is None else observed, one.get("datasetId", ""))
            if learned >= sight.veils.get(name, 0) and (best is None or rank > best):
                best, found[name] = rank, (one["value"], observed)
    return found


def folded_means(
    world: World, attr: str, types: Sequence[str], sight: Visibility, start: int, end: int, width: int
) -> list[Row]:
    buckets: dict[int, list[float]] = {}
    for name in counted(world, attr, types, sight):
        last: dict[tuple[str, int], Any] = {}
        for one in sorted(world.known.get(name, ()), key=lambda one: (one.seq, one.place)):
            if one.attr == attr and one.observed is not None and not one.end and start <= one.observed < end:
                last[one.dataset, one.observed] = one
        for one in last.values():
            value = one.one["value"]
            if isinstance(value, int | float) and one.at >= sight.veils.get(name, 0):
                buckets.setdefault((one.observed - start) // width, []).append(float(value))
    return [
        (
            start + n * width,
            min(start + (n + 1) * width, end),
            len(part),
            sum(part) / len(part),
            min(part),
            max(part),
        )
        for n, part in sorted(buckets.items())
    ]


def pairs(found: NewestValues) -> dict[str, tuple[Any, int | None]]:
    assert len(set(found.ids)) == len(found.ids)
    return dict(zip(found.ids, zip(found.values, found.times, strict=True), strict=True))


def rows(found: CityMeans) -> list[Row]:
    columns = (found.starts, found.ends, found.counts, found.means, found.least, found.greatest)
    return [tuple(row) for row in zip(*(column.tolist() for column in columns), strict=True)]  # type: ignore[misc]


def same(found: list[Row], wanted: list[Row]) -> None:
    assert [row[:3] for row in found] == [row[:3] for row in wanted], (found, wanted)
    np.testing.assert_allclose([row[3:] for row in found], [row[3:] for row in wanted], rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    worlds(),
    st.lists(st.tuples(sights(), st.sampled_from(ATTRS), st.sampled_from([(), ("x:A",), ("x:A", "x:B")])), min_size=4, max_size=4),
    st.integers(0, 16),
    st.one_of(st.none(), st.integers(0, 4)),
    st.sampled_from([1, 2, 1 << 40]),
    st.tuples(st.sampled_from([0.0, 0.6, 2.0]), st.booleans()),
)  # fmt: skip
def test_a_city_is_a_plain_fold_over_what_may_be_seen(
    world: World,
    asked: list[tuple[Visibility, str, tuple[str, ...]]],
    cut: int,
    steps: int | None,
    stretch: int,
    way: tuple[float, bool],
) -> None:
    """For random writes of both APIs, corrections and rights, wherever the tail begins and however much is sorted."""
    cut = min(cut, len(world.events))
    late = tails(world.events[cut:])
    start, end = START + SECOND, START + 5 * SECOND
    with pytest.MonkeyPatch.context() as patch, opened(world.events, cut, steps) as history:
        patch.setattr(city, "_STRETCH_ROWS", stretch)
        patch.setattr(city, "_BY_HAND", 2)
        patch.setattr(city, "_MOST", way[0])
        if not way[1]:
            patch.setattr(Census, "plain", lambda known, _: np.zeros(len(known.n), dtype=np.bool_))
        for sight, attr, types in asked:
            found = history.newest_values("", attr, types, tails=late, sight=sight)
            wanted = folded_newest(world, attr, types, sight)
            assert pairs(found) == wanted
            assert found.ids == [name for name in world.order if name in wanted]
            means = history.city_means("", attr, types, start, end, TWO, tails=late, sight=sight)
            same(rows(means), folded_means(world, attr, types, sight, start, end, 2 * SECOND))


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(-9, 9)), min_size=12, max_size=40),
    st.sampled_from([True, True, False]),
    st.sampled_from([40, 40, 30, 12]),
    st.sampled_from([0, 0, 3]),
    st.sampled_from(["some", "whole", "apart"]),
    st.tuples(st.integers(-3, 2), st.integers(5, 40)),
    st.sampled_from([0, 2, 16]),
)
def test_what_the_database_adds_up_is_what_a_look_at_each_row_adds_up(
    told: list[tuple[int, int, int]],
    again: bool,
    cut: int,
    steps: int,
    sorted_: str,
    asked: tuple[int, int],
    ranges: int,
) -> None:
    """In whatever order values come and however they are sorted; an observation that is told again, in the same segment, in
    another or behind all of them, counts as it was told last."""
    if not again:
        told = list({(entity, second): (entity, second, value) for entity, second, value in told}.values())
    state: dict[str, Doc] = {}
    events: list[Event] = []
    last: dict[tuple[int, int], int] = {}
    for n, (entity, second, value) in enumerate(told):
        name, at = f"urn:{entity}", (100 + n) * SECOND
        doc = docs(name, reading(value, at, observed=second * SECOND))
        if entity == 3:
            doc["type"] = ["x:B"]
        else:
            last[entity, second] = value
        events.append(event(n + 1, START + at, "", state.get(name), doc))
        state[name] = doc
    start, end = (START + edge * SECOND + 500_000 for edge in asked)
    by_slot: dict[int, list[int]] = {}
    for (_, second), value in last.items():
        if start <= START + second * SECOND < end:
            by_slot.setdefault((START + second * SECOND - start) // (2 * SECOND), []).append(value)
    wanted = [
        (
            start + slot * 2 * SECOND,
            min(end, start + (slot + 1) * 2 * SECOND),
            len(values),
            sum(values) / len(values),
            min(values),
            max(values),
        )
        for slot, values in sorted(by_slot.items())
    ]
    late = tails(events[min(cut, len(events)) :])
    short: list[int] = []
    add = city_once.add

    def watched(*args: Any) -> None:
        short.append(int(args[5].sum()))
        add(*args)

    with pytest.MonkeyPatch.context() as patch, opened(events, min(cut, len(events)), steps) as history:
        if sorted_ == "apart":
            patch.setattr(upkeep, "FAN_IN", 1_000)
        if sorted_ != "some":
            for segment in history._store.snapshot.segments:
                if segment.level < 0:
                    history._store.close_open(segment)
            while history.maintain():
                pass
        patch.setattr(city_once, "_RANGES", ranges)
        patch.setattr(city_once, "add", watched)

        def answer() -> list[Row]:
            return rows(
                history.city_means("", "x:p", ("x:A",), start, end, TWO, tails=late, sight=FullSight())
            )

        same(answer(), wanted)
        if (
            sorted_ == "whole"
            and len(history._store.snapshot.segments) == 1
            and not again
            and not late
            and wanted
        ):
            assert short
        patch.setattr(Segment, "once", lambda *_: False)
        short.clear()
        same(answer(), wanted)
        assert not short


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6), st.booleans()), min_size=1, max_size=12),
    st.integers(0, 1 << 16),
)
def test_what_no_other_touches_touches_no_other(told: list[tuple[int, int, bool]], seed: int) -> None:
    """A cell is added up by itself only if no row of its entity elsewhere lies within it, and the other way round."""
    rng = random.Random(seed)
    cells = sorted((place, (low := rng.randrange(20)), low + length - 1) for place, length, _ in told)
    places = sorted({place for place, *_ in cells})
    place = np.array([places.index(one[0]) for one in cells], dtype=np.int64)
    low, high = (np.array([one[n] for one in cells], dtype=np.int64) for n in (1, 2))
    found = city_once._apart(place, low, high).tolist()
    assert found == [
        all(
            other[0] != one[0] or other[2] < one[1] or other[1] > one[2]
            for m, other in enumerate(cells)
            if m != n
        )
        for n, one in enumerate(cells)
    ]


def test_rows_that_are_not_sorted_yet_keep_none_from_being_added_up(tmp_path: Path) -> None:
    """Today: each entity has its newest rows in a segment that is not sorted, and one of them was told again."""
    history = History.open(tmp_path)
    state: dict[str, Doc] = {}
    events: list[Event] = []
    for n in range(41):
        name, second = f"urn:{n % 4}", min(n // 4, 9)
        doc = docs(name, reading(n, n * SECOND, observed=second * SECOND))
        events.append(event(n + 1, START + n * SECOND, "", state.get(name), doc))
        state[name] = doc
    short: list[int] = []
    add = city_once.add

    def watched(*args: Any) -> None:
        short.append(int(args[4].n[args[5]].sum()))
        add(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(city_once, "add", watched)
        history.ingest(events[:24])
        history._store.close_open(history._store.snapshot.segments[-1])
        while history.maintain():
            pass
        history.ingest(events[24:38])
        late = tails(events[38:])
        found = history.city_means(
            "", "x:p", (), START, START + 10 * SECOND, TWO, tails=late, sight=FullSight()
        )
    assert short == [24]
    assert [row[2] for row in rows(found)] == [8] * 5
    assert rows(found)[-1][5] == 40.0
    history.close()


@settings(max_examples=40, deadline=None)
@given(worlds(), st.lists(st.integers(0, 16), min_size=2, max_size=6), sights(), st.integers(0, 3))
def test_what_is_kept_between_questions_is_what_a_new_look_finds(
    world: World, cuts: list[int], sight: Visibility, steps: int
) -> None:
    """While history takes more and sorts it, each answer about the newest values is the fold over all that was told."""
    with pytest.MonkeyPatch.context() as patch, opened(world.events, 0) as history:
        patch.setattr("andaman.broker.history.segments.store.OPEN_ROWS", 5)
        patch.setattr("andaman.broker.history.segments.upkeep.FAN_IN", 2)
        for cut in sorted(cuts):
            history.ingest(world.events[:cut])
            for _ in range(steps):
                history.maintain()
            late = tails(world.events[cut:])
            for attr in ATTRS[:2]:
                for who in (sight, Visibility()):
                    found = history.newest_values("", attr, (), tails=late, sight=who)
                    assert pairs(found) == folded_newest(world, attr, (), who)


def test_what_retention_dropped_is_not_kept_either(tmp_path: Path) -> None:
    """After rows were dropped the answer is that of a history that was opened anew."""
    history = History.open(tmp_path)
    state: dict[str, Doc] = {}
    events: list[Event] = []
    for n in range(30):
        name, at = f"urn:{'abc'[n % 3]}", n * 60 * SECOND
        doc = docs(name, reading(n, at, observed=at))
        events.append(event(n + 1, START + at, "", state.get(name), doc))
        state[name] = doc
    new = event(40, START + 5 * HOUR, "", None, docs("urn:n", reading(9, 5 * HOUR, observed=5 * HOUR)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("andaman.broker.history.segments.store.OPEN_ROWS", 4)
        history.ingest(events)
        history.ingest([new])
        while history.maintain():
            pass
        before = pairs(history.newest_values("", "x:p", (), tails={}, sight=FullSight()))
        thinned = history._store.snapshot.thinned
        history.condense("", START + 2 * HOUR)
        while history.maintain():
            pass
        assert history._store.snapshot.thinned > thinned
        after = pairs(history.newest_values("", "x:p", (), tails={}, sight=FullSight()))
    history.close()
    again = History.open(tmp_path)
    assert pairs(again.newest_values("", "x:p", (), tails={}, sight=FullSight())) == after
    assert after.keys() <= before.keys()
    again.close()


@settings(max_examples=30, deadline=None)
@given(worlds(), st.integers(0, 16), st.integers(1, 3))
def test_pages_of_newest_values_are_parts_of_all(world: World, cut: int, size: int) -> None:
    """Whether an entity lies in the store or in the tail only, the pages put together are the whole, in its order."""
    late = tails(world.events[cut:])
    with opened(world.events, min(cut, len(world.events)), None) as history:
        whole = history.newest_values("", "x:p", tails=late, sight=FullSight())
        parts = [
            history.newest_values("", "x:p", tails=late, sight=FullSight(), limit=size, offset=offset)
            for offset in range(0, 4, size)
        ]
        assert [name for part in parts for name in part.ids] == whole.ids
        assert [value for part in parts for value in part.values] == whole.values


def docs(name: str, *instances: dict[str, Any], scope: Sequence[str] = ()) -> Doc:
    doc: Doc = {"id": name, "type": ["x:A"], "attrs": {"x:p": list(instances)} if instances else {}}
    if scope:
        doc["scope"] = list(scope)
    return {**doc, "createdAt": iso(START), "modifiedAt": iso(START)}


def reading(value: Any, told: int, dataset: str = "", observed: int | None = None) -> dict[str, Any]:
    one = {"type": "Property", "value": value, "createdAt": iso(START), "modifiedAt": iso(START + told)}
    if dataset:
        one["datasetId"] = dataset
    return one if observed is None else {**one, "observedAt": iso(START + observed, 0)}


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_an_instance_that_only_moved_is_as_old_as_it_says(tmp_path: Path, cut: int) -> None:
    """What hides a value hides it also after another data set went and it took its place."""
    first, second = reading(1, 0), reading(2, 0, "urn:d:1")
    before = docs("urn:a", first, second)
    events = [
        event(1, START, "", None, before),
        event(2, START + 5 * SECOND, "", before, docs("urn:a", second)),
        event(3, START + 6 * SECOND, "", None, docs("urn:b", reading(7, 6 * SECOND))),
    ]
    history = History.open(tmp_path)
    history.ingest(events[:cut])
    late = tails(events[cut:])
    for until, wanted in ((0, {"urn:a": (2, None), "urn:b": (7, None)}), (SECOND, {"urn:b": (7, None)})):
        sight = Visibility(veils={"urn:a": START + until})
        assert pairs(history.newest_values("", "x:p", tails=late, sight=sight)) == wanted
    history.close()


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_type_that_changes_is_hidden_from_the_moment_on(tmp_path: Path, cut: int) -> None:
    """Also when the change is in the tail only; the tenant beside it is never looked at."""
    before = docs("urn:a", reading(1, 0, observed=0))
    after = {**docs("urn:a", reading(2, SECOND, observed=SECOND)), "type": ["x:Secret"]}
    events = [
        event(1, START, "", None, before),
        event(2, START + SECOND, "", before, after),
        event(3, START + SECOND, "t", None, docs("urn:a", reading(9, SECOND, observed=SECOND))),
    ]
    history = History.open(tmp_path)
    history.ingest(events[:cut])
    late = tails([one for one in events[cut:] if not one.tenant])
    none = Visibility("x:Secret")
    assert pairs(history.newest_values("", "x:p", tails=late, sight=none)) == {}
    assert rows(history.city_means("", "x:p", (), START, START + HOUR, TWO, tails=late, sight=none)) == []
    full = history.newest_values("", "x:p", ("x:Secret",), tails=late, sight=FullSight())
    assert pairs(full) == {"urn:a": (2, START + SECOND)}
    history.close()


def test_instances_with_more_than_texts_beside_their_value_count_too(tmp_path: Path) -> None:
    """As single rows, told again in the tail, and as a rollup."""
    more = {"accuracy": [{"type": "Property", "value": 1}]}
    one = {**reading(4, 0, observed=60), **more}
    place = {
        **reading({"type": "Point", "coordinates": [98.5, 8.0]}, 0, observed=61),
        "type": "GeoProperty",
        **more,
    }
    first = docs("urn:a", one)
    events = [event(1, START, "", None, first), event(2, START, "", None, docs("urn:b", place))]
    again = event(3, START + HOUR, "", first, docs("urn:a", {**reading(6, HOUR, observed=60), **more}))
    history = History.open(tmp_path)
    history.ingest(events)
    hour = parse_period("PT1H")

    def asked(late: Sequence[Event]) -> list[Row]:
        found = history.city_means(
            "", "x:p", (), START, START + HOUR, hour, tails=tails(late), sight=FullSight()
        )
        return rows(found)

    assert asked([]) == [(START, START + HOUR, 1, 4.0, 4.0, 4.0)]
    assert asked([again]) == [(START, START + HOUR, 1, 6.0, 6.0, 6.0)]
    history.close()


@pytest.mark.parametrize("dropped", [False, True])
def test_dropped_hours_of_what_was_hidden_or_erased_count_no_more(tmp_path: Path, dropped: bool) -> None:
    """A rollup does not say what was told when; nor does it outlive the erasure of what it was made of. What cannot be
    seen does not refuse a question either."""
    rng = random.Random(4)
    state: dict[str, Doc] = {}
    events: list[Event] = []
    for n in range(90):
        name = f"urn:{'abc'[n % 3]}"
        doc = docs(name, reading(rng.randrange(50), n * 60 * SECOND, observed=n * 60 * SECOND))
        events.append(event(n + 1, START + n * 60 * SECOND, "", state.get(name), doc))
        state[name] = doc
    at = START + 3 * HOUR
    erased = Event(91, "", at, "x", EventKind.TEMPORAL, "urn:c", ("x:A",), (), [], None, told={"do": "erase"})
    history = History.open(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("andaman.broker.history.segments.store.OPEN_ROWS", 10)
        history.ingest(events)
        history.ingest([event(100 + n, START, "", None, docs(f"urn:{n}")) for n in range(20)])
        while history.maintain():
            pass
    if dropped:
        history.condense("", START + HOUR)
        while history.maintain():
            pass
        assert history._store.db.execute("SELECT count(*) FROM rollup").fetchall() != [(0,)]
    history.ingest([Event(**{**{f: getattr(erased, f) for f in erased.__dataclass_fields__}, "seq": 200})])
    hour = parse_period("PT1H")

    def counts(sight: Any, start: int = START) -> list[int]:
        found = history.city_means("", "x:p", (), start, START + HOUR, hour, tails={}, sight=sight)
        return found.counts.tolist()

    assert counts(FullSight()) == [40]  # of 60, without those of c
    assert counts(Visibility(veils={"urn:a": START + 10 * HOUR})) == [20]
    nothing = Visibility(veils={f"urn:{one}": START + 10 * HOUR for one in "ab"})
    assert counts(nothing, START + 1) == []
    if dropped:
        with pytest.raises(BadRequestData, match="only hourly aggregates are kept"):
            counts(FullSight(), START + 1)
    history.close()


def test_more_than_one_answer_holds_is_refused_without_counting_what_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is on what the asker sees, and the refusal names that number only."""
    events = [event(n + 1, START, "", None, docs(f"urn:{n}", reading(n, 0, observed=0))) for n in range(4)]
    hidden = {**docs("urn:x", reading(9, 0, observed=0)), "type": ["x:Secret"]}
    events.append(event(5, START, "", None, hidden))
    history = History.open(tmp_path)
    history.ingest(events)
    monkeypatch.setattr(latest, "NEWEST_MOST", 4)
    monkeypatch.setattr(city, "_ROWS_MOST", 4)
    sight = Visibility("x:Secret")
    assert len(history.newest_values("", "x:p", tails={}, sight=sight).ids) == 4
    assert rows(history.city_means("", "x:p", (), START, START + 1, TWO, tails={}, sight=sight))[0][2] == 4
    with pytest.raises(TooManyResults, match="5 entities"):
        history.newest_values("", "x:p", tails={}, sight=FullSight())
    assert len(history.newest_values("", "x:p", tails={}, sight=FullSight(), limit=5).ids) == 5
    with pytest.raises(TooManyResults, match="5 observations"):
        history.city_means("", "x:p", (), START, START + 1, TWO, tails={}, sight=FullSight())
    history.close()
