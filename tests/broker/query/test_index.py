"""The law of the planner: what the index selects is what the reference evaluator selects, for every Access."""

from __future__ import annotations

import threading
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.hiding import without
from andaman.broker.model import LOCATION, Doc
from andaman.broker.query import columns
from andaman.broker.query import index as index_module
from andaman.broker.query.ast import Cmp, Compare, Number, Path, TypeIs
from andaman.broker.query.evaluate import matches
from andaman.broker.query.index import EntityIndex, index_facts, update_facts
from andaman.broker.query.model import EntityQuery, Page
from andaman.broker.query.parse import parse_geo
from andaman.identity.model import FULL_ACCESS, Access
from tests.broker.query.strategies import IDS, docs, queries, rights


def naive(store: dict[str, Doc], query: EntityQuery, access: Access) -> Page:
    """Every entity, one by one, in creation order."""

    def rights_of(doc: Doc) -> tuple[list[str], list[str]]:
        return doc["type"], doc.get("scope", [])

    def follow(entity_id: str) -> tuple[Doc, frozenset[str]] | None:
        doc = store.get(entity_id)
        if doc is None or not access.sees(*rights_of(doc)):
            return None
        return doc, access.hidden_attrs(*rights_of(doc))

    found = []
    for doc in store.values():
        if access.sees(*rights_of(doc)):
            hidden = access.hidden_attrs(*rights_of(doc))
            if matches(doc, query, hidden, follow):
                found.append(without(doc, hidden))
    page = found[query.offset : query.offset + query.limit]
    return Page(page, len(found) if query.count else -1)


steps = st.lists(
    st.one_of(docs().map(lambda d: ("put", d)), st.sampled_from(IDS).map(lambda i: ("remove", i))),
    max_size=25,
)


def replay(index: EntityIndex, store: dict[str, Doc], history: list[tuple[str, Any]]) -> None:
    for step, what in history:
        if step == "put":
            before = store.get(what["id"])
            store[what["id"]] = what
            index.put("", what, before)
        else:
            store.pop(what, None)
            index.remove("", what)


@pytest.fixture(params=["small tables", "grid and compaction", "more attributes than have values"])
def _sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "more attributes than have values":
        monkeypatch.setattr(columns, "VALUED_MOST", 1)
        monkeypatch.setattr(columns, "GEOS_MOST", 0)
    if request.param == "grid and compaction":
        monkeypatch.setattr(columns, "GRID_FROM", 2)
        monkeypatch.setattr(index_module, "_COMPACT_FROM", 1)


@pytest.mark.usefixtures("_sizes")
@settings(max_examples=150, deadline=None)
@given(steps, st.lists(st.tuples(queries, rights), min_size=1, max_size=6))
def test_the_plan_agrees_with_the_reference_evaluator(
    history: list[tuple[str, Any]], asked: list[tuple[EntityQuery, Access]]
) -> None:
    index, store = EntityIndex(), {}
    replay(index, store, history)
    for query, access in [*asked, *((q, FULL_ACCESS) for q, _ in asked)]:
        page = index.select("", query, access, lambda ids: [store[i] for i in ids if i in store])
        wanted = naive(store, query, access)
        assert [d["id"] for d in page.docs] == [d["id"] for d in wanted.docs]
        assert page == wanted


@pytest.mark.usefixtures("_sizes")
@settings(max_examples=100, deadline=None)
@given(st.lists(docs(), max_size=12, unique_by=lambda d: d["id"]), steps, queries, rights, st.integers(0, 9))
def test_bulk_loads_equal_puts(
    first: list[Doc], history: list[tuple[str, Any]], query: EntityQuery, access: Access, cut: int
) -> None:
    index, store = EntityIndex(), {d["id"]: d for d in first}
    assert index.bulk_load("", ((d["id"], *index_facts(d)) for d in first[:cut])) == len(first[:cut])
    assert index.add_new("", ((d["id"], *index_facts(d)) for d in first[cut:])) == len(first[cut:])
    replay(index, store, history)
    page = index.select("", query, access, lambda ids: [store[i] for i in ids if i in store])
    assert page == naive(store, query, access)
    assert index.ids("", (), access) == [d["id"] for d in naive(store, EntityQuery(limit=99), access).docs]


@given(docs(), docs())
def test_facts_can_be_updated_attribute_by_attribute(before: Doc, after: Doc) -> None:
    """Updated facts are the facts of the new document, in whatever order."""
    changed = {*before["attrs"], *after["attrs"]}
    _, fresh = index_facts(after)
    updated = update_facts(index_facts(before)[1], after, sorted(changed))

    def records(facts: bytes) -> list[bytes]:
        return sorted(facts[i : i + 16] for i in range(0, len(facts), 16))

    assert records(updated) == records(fresh)
    assert records(update_facts(fresh, after, changed)) == records(fresh)


@given(docs(), docs())
def test_facts_follow_one_attribute_after_another(before: Doc, after: Doc) -> None:
    """Few changes of many attributes are looked for in the blob, many make it anew: the same records each time."""

    def records(facts: bytes) -> list[bytes]:
        return sorted(facts[i : i + 16] for i in range(0, len(facts), 16))

    filler = {f"x:filler{n}": [{"type": "Property", "value": n / 2}] for n in range(9)}
    attrs = {**filler, **before["attrs"]}
    facts = index_facts({**before, "attrs": attrs})[1]
    for name in [*before["attrs"], *after["attrs"]]:
        attrs = {key: ones for key, ones in attrs.items() if key != name}
        if name in after["attrs"]:
            attrs[name] = after["attrs"][name]
        facts = update_facts(facts, {**before, "attrs": attrs}, [name])
        singly = [index_facts({**before, "attrs": {key: ones}})[1] for key, ones in attrs.items()]
        assert records(facts) == records(b"".join(singly))


def _bus(n: int, speed: float, lon: float = 98.3, lat: float = 7.9) -> Doc:
    return {
        "id": f"urn:x:bus:{n}",
        "type": ["x:Bus"],
        "attrs": {
            "x:speed": [{"type": "Property", "value": speed}],
            LOCATION: [{"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}}],
        },
    }


def test_a_tenant_does_not_see_another_ones_entities() -> None:
    index = EntityIndex()
    index.put("t1", _bus(1, 10.0))
    assert index.select("", EntityQuery(count=True), FULL_ACCESS, lambda ids: []).total == 0
    assert index.select("t2", EntityQuery(count=True), FULL_ACCESS, lambda ids: []).total == 0
    assert index.len_of("t1") == 1
    assert index.tenants() == ["", "t1"]


def test_an_entity_that_changed_after_the_plan_is_judged_as_it_is_now() -> None:
    """The document, loaded after the index was read, has the last word."""
    index = EntityIndex()
    index.put("", _bus(1, 60.0))
    index.put("", _bus(2, 60.0))
    slow = _bus(1, 10.0)
    fast = EntityQuery(q=Compare(Path("x:speed"), Cmp.GT, (Number(50.0),)), count=True)
    page = index.select("", fast, FULL_ACCESS, lambda ids: [slow, _bus(2, 60.0)])
    assert [d["id"] for d in page.docs] == ["urn:x:bus:2"]
    assert page.total == 1


def test_reading_threads_live_with_a_writer() -> None:
    """While entities come, move, change type and go, readers get only documents that match, and never fail."""
    index, store = EntityIndex(), {}
    near = parse_geo("near;maxDistance==3000", "Point", "[98.30, 7.90]")
    query = EntityQuery(types=TypeIs("x:Bus"), geo=near, limit=50, count=True)
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                page = index.select("", query, FULL_ACCESS, lambda ids: [store[i] for i in ids if i in store])
                assert all(matches(doc, query) for doc in page.docs)
                assert len({d["id"] for d in page.docs}) == len(page.docs)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(20_000):
        doc = _bus(n % 700, float(n), 98.30 + (n % 97) / 900, 7.90 - (n % 89) / 900)
        if n % 13 == 0:
            doc["type"] = ["x:Boat"]
        before = store.get(doc["id"])
        store[doc["id"]] = doc
        index.put("", doc, before)
        if n % 5 == 0:
            gone = f"urn:x:bus:{n * 7 % 700}"
            store.pop(gone, None)
            index.remove("", gone)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    loaded = index.select("", query, FULL_ACCESS, lambda ids: [store[i] for i in ids if i in store])
    assert loaded.total == sum(matches(doc, query) for doc in store.values())


def test_names_that_few_entities_have_cost_little_memory() -> None:
    """2,000 new names in a type of 200,000 entities, twice, and the table grows behind them."""
    index = EntityIndex()
    facts = index_facts(_numbered(0, {"x:a": 1}))
    count = 200_000
    index.bulk_load("", ((f"urn:x:{n}", *facts) for n in range(count)))
    process = psutil.Process()
    before = process.memory_info().rss
    for turn in range(2):
        index.put("", _numbered(turn, {f"x:new-{turn}-{n}": n for n in range(2_000)}), None)
    for n in range(count, count * 3 // 2):
        index.put("", _numbered(n, {"x:a": 2}), None)
    assert process.memory_info().rss - before < 500 << 20
    page = index.select(
        "",
        EntityQuery(q=Compare(Path("x:new-1-1999"), Cmp.EQ, (Number(1_999),)), limit=5),
        FULL_ACCESS,
        lambda ids: [
            _numbered(1, {f"x:new-1-{n}": n for n in range(2_000)}) for one in ids if one == "urn:x:1"
        ],
    )
    assert [doc["id"] for doc in page.docs] == ["urn:x:1"]


def _numbered(number: int, values: dict[str, int]) -> Doc:
    attrs = {name: [{"type": "Property", "value": value}] for name, value in values.items()}
    return {"id": f"urn:x:{number}", "type": ["x:A"], "attrs": attrs}
