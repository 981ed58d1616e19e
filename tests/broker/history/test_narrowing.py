"""Laws of narrowing temporal queries: who is left out by a look at columns is left out by the conditions themselves."""

from __future__ import annotations

import os
import pathlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.history import History
from andaman.broker.history.read import row_texts as bodies
from andaman.broker.history.rows.rows import iso, split
from andaman.broker.history.temporal import candidates, narrowing
from andaman.broker.history.temporal.narrowing import Narrowing
from andaman.broker.history.temporal.terms import of_geo, of_term
from andaman.broker.model import Instance
from andaman.broker.query.ast import (
    And,
    Boolean,
    Cmp,
    Compare,
    Day,
    DayTime,
    Exists,
    GeoQuery,
    GeoRel,
    Instant,
    Not,
    Number,
    Or,
    Path,
    Pattern,
    QExpr,
    Range,
    Text,
    Uri,
    Value,
)
from andaman.broker.query.evaluate import matches_geo, matches_q
from andaman.broker.query.model import EntityQuery, EvolutionQuery, TemporalQuery
from andaman.broker.query.parse import parse_q, parse_scope
from andaman.kernel.time import HOUR, SECOND, parse_time
from tests.broker.history import test_evolutions as plain
from tests.broker.history.test_evolutions import NAMES, START, World, opened, tails
from tests.broker.history.test_history import event

MANY = int(os.environ.get("ANDAMAN_FUZZ", "0")) // 100
"""More examples by hand: ANDAMAN_FUZZ=20000 makes 200 of each."""

NUMBERS: list[float] = [0, 1, 2, -1, 2.5, 0.1 + 0.2, 1e-5, 1e22, float(1 << 53), 98.3, -1e300]
TEXTS = [
    "", "a", "ab", "a b", "b", "u", 'q"t', "back\\slash", "new\nline", "ก", "กข", "é", "\x01", "a\x7f", "true", "5",
    "urn:x:1", "x:u", "2026-11-22", "2026-11-22T07:32:00Z", "2026-11-22T07:32:00.5Z", "2026-11-22T14:32:00+07:00",
    "2026-11-22T07:31:60Z", "2026-11-22t07:32:00z", "07:32:00", "07:32:00+07:00", "value", "type", "[", "{", "!x",
]  # fmt: skip
INSTANTS = [
    parse_time(text) for text in ("2026-11-22T07:32:00Z", "2026-11-22T07:32:00.5Z", "1999-01-01T00:00:00Z")
]
REGEXES = [
    "^a",
    "b$",
    "a|u",
    "^a b$",
    "[^a]",
    "\\\\",
    '"',
    "ก",
    "^$",
    ".",
    "^.{1,2}$",
    "n.l",
    "\\d+",
    "(?i)A",
]
KEYS = ["a", "b", "th", "type", "coordinates", "value"]
SUBS = ["x:s", "x:t"]
BOXES = [((98.3, 7.8), 60_000.0), ((0.0, 0.0), 1000.0), ((179.99, 0.0), 5_000.0), ((98.3, 7.8), 1.0)]


# -- instances ----------------------------------------------------------------------------------------------------------
def text_of(rng: random.Random) -> str:
    return rng.choice(TEXTS)


def number_of(rng: random.Random) -> Any:
    return rng.choice([*NUMBERS, *map(int, NUMBERS[:4]), (1 << 53) + 1, (1 << 63) + 1, True, False])


def value_of(rng: random.Random, depth: int = 0) -> Any:
    """A JSON value; objects have the keys that paths ask for."""
    ways = ["number", "number", "text", "text", "null"]
    if depth < 3:
        ways += ["list", "object", "typed"]
    match rng.choice(ways):
        case "number":
            return number_of(rng)
        case "text":
            return text_of(rng)
        case "list":
            return [value_of(rng, depth + 1) for _ in range(rng.randrange(3))]
        case "object":
            return {key: value_of(rng, depth + 1) for key in rng.sample(KEYS, rng.randrange(1, 4))}
        case "typed":
            return {"@type": "DateTime", "@value": value_of(rng, 3)}
        case _:
            return None


def place_of(rng: random.Random) -> Any:
    x, y = rng.choice([(98.3, 7.8), (98.31, 7.8), (0.0, 0.0), (179.995, 0.0), (-179.995, 0.0)])
    match rng.choice(["point", "point", "whole", "high", "line", "area", "odd"]):
        case "point":
            return {"type": "Point", "coordinates": [x, y]}
        case "whole":
            return {"type": "Point", "coordinates": [int(x), int(y)]}
        case "high":
            return {"type": "Point", "coordinates": [x, y, 3.0]}
        case "line":
            return {"type": "LineString", "coordinates": [[x - 1, y], [x + 0.5, y]]}
        case "area":
            ring = [[x - 1, y - 1], [x + 0.5, y - 1], [x + 0.5, y + 1], [x - 1, y + 1], [x - 1, y - 1]]
            return {"type": "Polygon", "coordinates": [ring]}
        case _:
            return rng.choice([{"type": "Point"}, {"type": "Point", "coordinates": []}])


def told_of(rng: random.Random, depth: int = 0) -> Instance:
    """What an instance says, without its times."""
    made: Instance
    match rng.choice(
        ["Property"] * 4 + ["Geo", "Relationship", "Language", "Json", "Vocab", "List", "Objects", "none"]
    ):
        case "Property":
            made = {"type": "Property", "value": value_of(rng)}
        case "Geo":
            made = {"type": "GeoProperty", "value": place_of(rng)}
        case "Relationship":
            made = {
                "type": "Relationship",
                "object": rng.choice(["urn:x:1", ["urn:x:1", "urn:x:2"], "urn:x:2"]),
            }
        case "Language":
            made = {
                "type": "LanguageProperty",
                "languageMap": {
                    key: rng.choice([text_of(rng), [text_of(rng)]]) for key in rng.sample(["th", "a"], 1)
                },
            }
        case "Json":
            made = {"type": "JsonProperty", "json": value_of(rng)}
        case "Vocab":
            made = {"type": "VocabProperty", "vocab": rng.choice(["x:u", "u", ["x:u", "x:b"]])}
        case "List":
            made = {"type": "ListProperty", "valueList": [value_of(rng, 2) for _ in range(2)]}
        case "Objects":
            made = {"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}]}
        case _:
            made = {"type": "Property"}
    if rng.random() < 0.2:
        made["unitCode"] = "KMH"
    if depth < 2 and rng.random() < 0.25:
        made["attrs"] = {rng.choice(SUBS): [told_of(rng, depth + 1)]}
    return made


def timed(rng: random.Random, at: int, dataset: str, created: int | None = None) -> Instance:
    """As ``instance`` of the plain worlds, of every kind."""
    one = told_of(rng)
    if dataset:
        one["datasetId"] = dataset
    if rng.random() < 0.8:
        one["observedAt"] = iso(START + rng.randrange(6) * SECOND, 0)
    return {**one, "createdAt": iso(at if created is None else created), "modifiedAt": iso(at)}


# -- conditions ---------------------------------------------------------------------------------------------------------
def wanted_of(rng: random.Random) -> Value:
    ways: list[Value] = [
        Number(float(rng.choice(NUMBERS))),
        Number(float(rng.choice(NUMBERS))),
        Text(text := text_of(rng), "x:" + text),
        Text(text, text),
        Boolean(rng.random() < 0.5),
        Instant(rng.choice(INSTANTS)),
        Day("2026-11-22"),
        DayTime(parse_time("1970-01-01T07:32:00Z")),
        Uri("urn:x:1"),
    ]
    return rng.choice(ways)


def range_of(rng: random.Random) -> Range:
    low = wanted_of(rng)
    while isinstance(low, Boolean | Uri):
        low = wanted_of(rng)
    high = wanted_of(rng)
    while type(high) is not type(low):
        high = wanted_of(rng)
    return Range(low, high)


def path_of(rng: random.Random, attr: str) -> Path:
    way = rng.random()
    if way < 0.55:
        return Path(attr)
    if way < 0.8:
        return Path(
            attr, keys=rng.choice([tuple(rng.sample(KEYS, rng.randrange(1, 3))), ("*",), ("a",), ("th",)])
        )
    if way < 0.9:
        keys = (rng.choice(KEYS),) if rng.random() < 0.3 else ()
        return Path(attr, subs=tuple(rng.sample(SUBS, rng.randrange(1, 3))), keys=keys)
    return Path(attr, member=rng.choice(["unitCode", "observedAt", "datasetId"]))


def term_of(rng: random.Random, attr: str) -> Exists | Compare | Pattern:
    path = path_of(rng, attr)
    match rng.choice(["exists", "order", "order", "equal", "equal", "unequal", "pattern"]):
        case "exists":
            return Exists(path)
        case "order":
            return Compare(path, rng.choice([Cmp.GT, Cmp.GE, Cmp.LT, Cmp.LE]), (wanted_of(rng),))
        case "pattern":
            return Pattern(path, rng.choice(REGEXES), rng.random() < 0.4)
        case way:
            values = tuple(
                rng.choice([wanted_of, wanted_of, range_of])(rng) for _ in range(rng.randrange(1, 3))
            )
            return Compare(path, Cmp.EQ if way == "equal" else Cmp.NE, values)


def q_of(rng: random.Random, depth: int = 0) -> QExpr:
    if depth < 2 and rng.random() < 0.4:
        parts = tuple(q_of(rng, depth + 1) for _ in range(2))
        return And(parts) if rng.random() < 0.5 else Or(parts)
    attr = rng.choice(["x:p", "x:q", "x:p", "x:none"])
    return Not(Exists(path_of(rng, attr))) if rng.random() < 0.2 else term_of(rng, attr)


def geo_of(rng: random.Random) -> GeoQuery:
    (x, y), metres = rng.choice(BOXES)
    rel = rng.choice(
        [GeoRel.NEAR, GeoRel.NEAR, GeoRel.WITHIN, GeoRel.INTERSECTS, GeoRel.DISJOINT, GeoRel.EQUALS]
    )
    if rel is not GeoRel.NEAR:
        ring = (
            (x - 0.01, y - 0.01),
            (x + 0.01, y - 0.01),
            (x + 0.01, y + 0.01),
            (x - 0.01, y + 0.01),
            (x - 0.01, y - 0.01),
        )
        return GeoQuery(rel, "Polygon", (ring,), "x:p")
    if rng.random() < 0.3:
        return GeoQuery(rel, "Point", (x, y), "x:p", min_distance_m=metres)
    return GeoQuery(rel, "Point", (x, y), "x:p", max_distance_m=metres)


def readable(regex: str) -> bool:
    return regex != "n.l"  # as if the database could not read this one


@settings(max_examples=max(12, MANY), deadline=None, report_multiple_bugs=False)
@given(st.integers(0, 1 << 32))
def test_a_row_that_meets_a_term_meets_its_conditions(seed: int) -> None:
    """For every kind of instance, value, path and operator: what the columns leave out, the reference evaluator leaves out."""
    rng = random.Random(seed)
    ones = [timed(rng, START + SECOND, "") for _ in range(300)]
    rows = [split(one, START + SECOND) for one in ones]
    with duckdb.connect() as db:
        table = {
            "n": np.arange(len(rows)),
            "num": np.array([row[3] for row in rows]),
            "num2": np.array([row[4] for row in rows]),
            "body": np.array([row[5] or None for row in rows], dtype=object),
        }
        db.register("seen", table)
        db.execute("CREATE TABLE told AS SELECT * FROM seen")
        # Of large texts the length only is there, which is no JSON.
        db.execute("INSERT INTO told VALUES (900, NULL, NULL, '@9000')")
        # No number is NULL or NaN.
        db.execute(
            "INSERT INTO told SELECT n + 1000, coalesce(num, 'NaN'::DOUBLE), coalesce(num2, 'NaN'::DOUBLE), body FROM told"
        )

        def among(conditions: tuple[str, ...]) -> set[int]:
            sql = " UNION ALL ".join(f"SELECT n FROM told WHERE {one}" for one in conditions)
            return {n for (n,) in db.execute(sql).fetchall()}

        for _ in range(40):
            term = term_of(rng, "x:p")
            meets = {
                n
                for n, one in enumerate(ones)
                if matches_q(term, {"id": "", "type": [], "attrs": {"x:p": [one]}})
            }
            found = among(of_term(term, readable))
            assert meets <= found, (term, [ones[n] for n in meets - found])
            assert found == {n % 1000 for n in found} | {n % 1000 + 1000 for n in found}
        for _ in range(5):
            geo = geo_of(rng)
            stands = {
                n for n, one in enumerate(ones) if matches_geo(geo, {"id": "", "attrs": {"x:p": [one]}})
            }
            assert stands <= among(of_geo(geo))


@pytest.mark.parametrize(
    ("q", "left_out"),
    [
        ("p>5", [5, True, "9", -9.5]),
        ("p==5", [4, "5", False]),
        ("p!=5", [5, 5.0]),
        ('p=="a"', ["b", 5, ["b"], {"x": "b"}]),
        ('p!="a"', ["a"]),
        ('p=="a","b"', ["c", 1]),
        ("p==1..3", [0.5, 4, "2"]),
        ('p>="b"', ["a", 9]),
        ('p<="b"', ["c", 1]),
        ("p>=2026-11-22T07:32:00Z", ["2026-11-22T07:31:59Z", 5]),
        ("p<2026-11-22T07:32:00Z", ["2026-11-22T07:32:01.5Z"]),
        ("p~=^a", ["ba", 5]),
        ("p!~=^a", ["ab", 5]),
        ("p[a]>5", [{"a": 4}, {"b": 6}, 6, {"a": 5}]),
        ('p>"b"', ["b", "a"]),
        ("p[a.b]==5", [{"a": {"b": 4}}, {"a": 5}]),
        ("p[a]", [{"b": 1}, "a", 5]),
        ("p.s", [5, "s"]),
    ],
)
def test_what_surely_does_not_meet_a_term_is_left_out(q: str, left_out: list[Any]) -> None:
    """Narrowing would be right, and of no use, if it left nobody out."""
    term = parse_q(q, lambda name: f"x:{name}")
    assert isinstance(term, Exists | Compare | Pattern)
    with duckdb.connect() as db:
        db.execute("CREATE TABLE told (num DOUBLE, num2 DOUBLE, body VARCHAR)")
        for value in left_out:
            *_, num, num2, body = split({"type": "Property", "value": value}, START)
            db.execute("INSERT INTO told VALUES (?, ?, ?)", (num, num2, body or None))
        for one in of_term(term, lambda _: True):
            assert db.execute(f"SELECT num, body FROM told WHERE {one}").fetchall() == []


# -- whole questions ----------------------------------------------------------------------------------------------------
@dataclass
class Hides:
    """From when on an entity, and attributes of it, may be seen."""

    everything: int
    attrs: Mapping[str, int]

    def until(self, attr: str | None) -> int:
        return self.everything if attr is None else self.attrs.get(attr, 0)


@dataclass
class Rights:
    """Rights that hide attributes of a type, and what was told of entities before a moment."""

    hidden_of: dict[str, frozenset[str]] = field(default_factory=dict)
    hides: dict[str, Hides] = field(default_factory=dict)

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        return True

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        return frozenset().union(*(self.hidden_of.get(one, frozenset()) for one in types))

    def veiled(self, attr: str) -> Mapping[str, int]:
        return {name: max(one.everything, one.until(attr)) for name, one in self.hides.items()}

    def veils(self, names: Sequence[str]) -> Mapping[str, Hides]:
        return {name: self.hides[name] for name in names if name in self.hides}


def rights_of(rng: random.Random) -> Rights:
    if rng.random() < 0.5:
        return Rights()
    return Rights(
        {"x:A": frozenset(["x:p"])} if rng.random() < 0.4 else {},
        {
            name: Hides(START + rng.randrange(3) * SECOND, {"x:p": START + rng.randrange(9) * SECOND})
            for name in rng.sample(NAMES, rng.randrange(3))
        },
    )


def query_of(rng: random.Random) -> EvolutionQuery:
    prop = rng.choice(["observedAt", "observedAt", "observedAt", "modifiedAt", "createdAt", "deletedAt"])
    low = START + rng.randrange(5) * SECOND
    sums = rng.random() < 0.2 and prop == "observedAt"
    temporal = TemporalQuery(
        rng.choice([None, "before", "after", "between"]),
        low,
        low + rng.choice([1, 2 * SECOND]),
        timeproperty=prop,  # type: ignore[arg-type]
        last_n=rng.choice([None, None, 1]),
        aggr_methods=("totalCount",) if sums else (),
        limit_instances=10_000,
    )
    selectors = tuple(
        EntityQuery(
            q=q_of(rng) if rng.random() < 0.9 else None,
            geo=geo_of(rng) if rng.random() < 0.15 else None,
            attrs=rng.choice([(), (), ("x:q",)]),
        )
        for _ in range(rng.choice([1, 1, 2]))
    )
    return EvolutionQuery(
        temporal,
        selectors,
        shown=rng.choice([None, frozenset({"x:p"})]),
        datasets=rng.choice([None, None, frozenset({"@none"})]),
        by_id=rng.choice([0, 0, 1, -1]),
        limit=rng.choice([1, 100]),
        offset=rng.choice([0, 0, 1]),
        count=rng.random() < 0.5,
    )


def world_of(rng: random.Random) -> World:
    world = World()
    at = START
    for _ in range(rng.randrange(1, 16)):
        at += rng.choice([1, 1_000, SECOND])
        name = rng.choice(NAMES)
        if name not in world.order:
            world.order.append(name)
        (plain.core if rng.random() < 0.5 else plain.told)(world, rng, name, at)
    return world


@settings(max_examples=max(25, MANY), deadline=None, report_multiple_bugs=False)
@given(
    st.integers(0, 1 << 32),
    st.integers(0, 16),
    st.one_of(st.none(), st.integers(0, 4)),
    st.integers(0, 4),
)
def test_answers_are_those_of_a_look_at_everyone(
    seed: int, cut: int, steps: int | None, thinned: int
) -> None:
    """For every kind of value and condition, writes and corrections of both APIs, rights now and then, wherever the journal's tail
    begins, whatever is sorted, and also where rows were dropped."""
    rng = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "instance", timed)
        world = world_of(rng)
        cut = min(cut, len(world.events))
        patch.setattr(narrowing, "_FEW", 0)
        patch.setattr(candidates, "_LOOKED_FIRST", 1)
        patch.setattr(bodies, "LISTED", rng.choice([0, 200]))
        with opened(world.events, cut, steps) as history:
            if thinned == 0 and cut:
                history.condense("", START + 2 * HOUR)
                while history.maintain():
                    pass
            late = tails(world.events[cut:])
            for _ in range(12):
                query, sight = query_of(rng), rights_of(rng)

                def answer(query: EvolutionQuery = query, sight: Rights = sight) -> Any:
                    try:
                        return history.evolutions("", query, tails=late, sight=sight)
                    except Exception as error:
                        return type(error), str(error)

                found = answer()
                with pytest.MonkeyPatch.context() as every:
                    every.setattr(Narrowing, "_of_query", lambda self: None)
                    assert answer() == found, query


@pytest.mark.parametrize("pattern", [None, "[05]$", "none", "."])
@pytest.mark.parametrize("scope", [None, "/city/#", "/city/1", "/none"])
@pytest.mark.parametrize("cut", [0, 20, 30])
def test_ids_and_scopes_choose_as_a_plain_list_does(
    pattern: str | None, scope: str | None, cut: int, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pages and counted, with windows of a few entities, wherever the journal's tail begins."""
    monkeypatch.setattr(candidates, "_FIRST", 2)
    monkeypatch.setattr(candidates, "_MOST", 4)
    monkeypatch.setattr(candidates, "_LOOKED_FIRST", 3)
    events = []
    for n in range(30):
        at = START + n * SECOND
        one = {
            "type": "Property",
            "value": n % 4,
            "observedAt": iso(at, 0),
            "createdAt": iso(at),
            "modifiedAt": iso(at),
        }
        doc = {
            "id": f"urn:{n}",
            "type": ["x:A"],
            "attrs": {"x:p": [one]},
            "createdAt": iso(at),
            "modifiedAt": iso(at),
        }
        if n % 2:
            doc["scope"] = [f"/city/{n % 3}"]
        events.append(event(n + 1, at, "", None, doc))
    wanted = [
        f"urn:{n}"
        for n in range(30)
        if (pattern is None or re.search(pattern, f"urn:{n}"))
        and (scope is None or (n % 2 and scope in ("/city/#", f"/city/{n % 3}")))
        and n % 4 >= 2
    ]
    selector = EntityQuery(
        q=parse_q("p>1", lambda name: f"x:{name}"),
        id_pattern=pattern,
        scope=None if scope is None else parse_scope(scope),
    )
    history = History.open(tmp_path)
    history.ingest(events[:cut])
    found: list[str] = []
    while True:
        query = EvolutionQuery(
            TemporalQuery("after", START), (selector,), limit=3, offset=len(found), count=len(found) % 2 == 0
        )
        got = history.evolutions("", query, tails=tails(events[cut:]), sight=Rights())
        found += [one["id"] for one in got["entities"]]
        assert got["total"] == (len(wanted) if query.count else -1)
        if not got["more"]:
            break
    assert found == wanted
    history.close()
