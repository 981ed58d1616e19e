"""Laws of snapshots (CIM 009 §5.16): what one shows is the answer at its moment, and stays so."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity.represent import View
from andaman.broker.ledger.rights import visible
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.query.ast import TypeIs
from andaman.broker.query.evaluate import matches
from andaman.broker.query.model import EntityQuery
from andaman.broker.snapshots.consistent_read import Moment
from andaman.broker.snapshots.content import Content, Found, Local, projected, united
from andaman.broker.snapshots.model import Limits, Snapshot
from andaman.identity.model import FULL_ACCESS, Actor, Role
from andaman.kernel.errors import AlreadyExists, Conflict, ResourceNotFound, Unavailable
from tests.broker.query.strategies import Rights, docs, queries, rights
from tests.broker.snapshots.world import EVERYTHING, ME, World, ids, somebody, thing, world

CAR = EntityQuery(types=TypeIs("x:A"), limit=1000)


def in_world(
    limits: Limits | None = None,
) -> Callable[[Callable[[World], Awaitable[None]]], Callable[[Path], None]]:
    def outer(test: Callable[[World], Awaitable[None]]) -> Callable[[Path], None]:
        def wrapper(tmp_path: Path) -> None:
            async def run() -> None:
                async with world(tmp_path, limits) as w:
                    await test(w)

            asyncio.run(run())

        wrapper.__name__, wrapper.__doc__ = test.__name__, test.__doc__
        return wrapper

    return outer


def answer(state: list[Doc], asked: list[EntityQuery], access: Any, view: View) -> dict[str, Doc]:
    """The oracle: every query by itself over all entities, put together."""
    shown = {doc["id"]: seen for doc in state if (seen := visible(doc, access)) is not None}

    def follow(name: str) -> tuple[Doc, frozenset[str]] | None:
        return (shown[name], frozenset()) if name in shown else None

    found: dict[str, Doc] = {}
    for name, doc in shown.items():
        for query in asked:
            if matches(doc, query, follow=follow) and (part := projected(doc, view)) is not None:
                found[name] = united(found[name], part) if name in found else part
    return found


@settings(max_examples=25, deadline=None)
@given(
    st.lists(docs(), max_size=10, unique_by=lambda doc: doc["id"]),
    st.lists(docs(), max_size=6),
    st.lists(queries, min_size=1, max_size=3),
    rights,
    rights,
    st.sampled_from([View(), View(pick=frozenset({"id", "type", "x:a"})), View(omit=frozenset({"x:b"}))]),
)
def test_a_snapshot_is_the_answer_at_its_moment(
    first: list[Doc], later: list[Doc], asked: list[EntityQuery], maker: Rights, reader: Rights, view: View
) -> None:
    """Whatever is written while it is made and after; and a reader sees of it what the reader's rights leave."""

    async def run(directory: Path) -> None:
        async with world(directory) as w:
            await w.put(*first)
            one = await w.begin(*asked, actor=somebody("maker", maker), view=view)
            writing = asyncio.create_task(w.put(*later)) if later else None
            await w.made(one)
            if writing is not None:
                await writing
            await w.drop(*(doc["id"] for doc in first[::2]))
            expected = answer(await w.state_at(one.position), asked, maker, view)
            assert one.status == (
                "success"
                if all(d["resultStatus"] == "success" for d in one.details["snapshotQueriesDetails"])
                else "partial"
                if expected
                else "empty"
            )
            shown = await w.content(one)
            assert {doc["id"]: doc for doc in shown} == expected
            order = [doc["id"] for doc in await w.state_at(one.position)]
            assert ids(shown) == [name for name in order if name in expected]
            other = somebody("other", reader, Role.ADMINISTRATOR)
            seen = {str(doc["id"]): doc for doc in await w.content(one, reader=other)}
            last = {event.entity_id: event for event in await w.broker.read_events(0)}
            for name, doc in expected.items():
                before, now = (doc["type"], doc.get("scope", ())), (last[name].types, last[name].scopes)
                if name in seen:  # nothing is shown that may not be seen now, or might not be seen then
                    assert reader.sees(*now)
                    assert not reader.hidden_attrs(*now) & seen[name]["attrs"].keys()
                if reader.sees(*before) and reader.hidden_attrs(*now) <= reader.hidden_attrs(*before):
                    assert seen.get(name) == (visible(doc, reader) if reader.sees(*now) else None)
                if not reader.sees(*before):
                    assert name not in seen
            assert seen.keys() <= expected.keys()

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(run(Path(directory)))


@in_world()
async def test_all_queries_see_one_commit(w: World) -> None:
    """Entities that always change together are never caught apart, however far apart they are read."""
    many = range(700)
    await w.put(*(thing(number, a=0) for number in many))
    stop = False

    async def write() -> None:
        step = 0
        while not stop:
            step += 1
            things = [thing(number, a=step) for number in many[::233]]
            ops = [
                WriteOp(OpKind.UPSERT_REPLACE, one["id"], {"type": one["type"], "attrs": one["attrs"]})
                for one in things
            ]
            await w.broker.write(ops, ME, atomic=True)

    writing = asyncio.create_task(write())
    for _ in range(10):
        one = await w.take(CAR, EntityQuery(ids=("urn:x:0", "urn:x:699"), limit=9))
        docs = {doc["id"]: doc for doc in await w.content(one)}
        assert len(docs) == len(many)
        values = {docs[f"urn:x:{number}"]["attrs"]["x:a"][0]["value"] for number in many[::233]}
        assert len(values) == 1
        await w.snapshots.delete(one.id, ME, "")
    stop = True
    await writing


@in_world()
async def test_a_moment_knows_what_the_index_did_not_know_yet(w: World) -> None:
    """What was committed after the index was asked, and before the moment, is looked at; what comes later is not."""
    await w.put(thing(1, a=1), thing(2, a=1))
    known, after = w.broker.ids((), FULL_ACCESS), w.broker.seq
    await w.put(thing(3, a=1), thing(2, a=2))
    await w.drop("urn:x:1")
    moment = await asyncio.to_thread(Moment, w.broker._ledger.directory, "", FULL_ACCESS, 0)
    await w.put(thing(4, a=1), thing(2, a=3))
    found = {doc["id"]: doc["attrs"]["x:a"][0]["value"] for doc in moment.docs(known, after)}
    moment.close()
    assert found == {"urn:x:2": 2, "urn:x:3": 1}


@in_world()
async def test_writing_in_a_snapshot_changes_nothing_else(w: World) -> None:
    """Neither what is true now nor a clone; and the clone has what was changed before it was made (§5.16.2)."""
    await w.put(thing(1, a=1))
    one = await w.take(CAR)
    async with w.snapshots.using(one.id, ME, "") as (_, opened):
        (result,) = await opened.broker.write(
            [WriteOp(OpKind.CREATE, "urn:x:7", {"type": ["x:A"], "attrs": {}})], ME
        )
        assert result.created
    clone = await w.made(await w.snapshots.clone(one.id, {}, ME, ""))
    async with w.snapshots.using(one.id, ME, "") as (_, opened):
        await opened.broker.write([WriteOp(OpKind.DELETE, "urn:x:1")], ME)
    assert ids(await w.content(one)) == ["urn:x:7"]
    assert ids(await w.content(clone)) == ["urn:x:1", "urn:x:7"]
    assert ids(list(w.broker.query(EVERYTHING, FULL_ACCESS).docs)) == ["urn:x:1"]
    await w.snapshots.delete(one.id, ME, "")
    assert ids(await w.content(clone)) == ["urn:x:1", "urn:x:7"]


@in_world()
async def test_others_do_not_know_of_a_snapshot(w: World) -> None:
    """Absent in reads, lists, changes and purges alike; administrators know all of their tenant."""
    owner, other, chief = somebody("a"), somebody("b"), somebody("c", FULL_ACCESS, Role.ADMINISTRATOR)
    one = await w.take(CAR, actor=owner)
    for actor, tenant in ((other, ""), (owner, "elsewhere"), (chief, "elsewhere")):
        assert w.snapshots.list_all(actor, tenant) == []
        assert await w.snapshots.purge(lambda _: True, actor, tenant) == 0
        with pytest.raises(ResourceNotFound):
            await w.snapshots.update(one.id, {"snapshotPriority": 1}, actor, tenant)
        with pytest.raises(ResourceNotFound):
            await w.snapshots.delete(one.id, actor, tenant)
        with pytest.raises(ResourceNotFound):
            await w.snapshots.clone(one.id, {}, actor, tenant)
        with pytest.raises(ResourceNotFound):
            await w.content(one, reader=actor, tenant=tenant)
    assert w.snapshots.list_all(owner, "") == w.snapshots.list_all(chief, "") == [one]


@in_world()
async def test_snapshots_leave_no_trace_in_the_city(w: World) -> None:
    """No tenant, no event, no entity more than before."""
    await w.put(thing(1, a=1))
    seq, tenants = w.broker.seq, w.broker.tenants()
    one = await w.take(CAR)
    async with w.snapshots.using(one.id, ME, "") as (_, opened):
        await opened.broker.write([WriteOp(OpKind.DELETE, "urn:x:1")], ME)
    assert (w.broker.seq, w.broker.tenants()) == (seq, tenants)


@in_world(Limits(of_one=2, entities=3, at_once=1))
async def test_bounds_are_kept_and_told(w: World) -> None:
    """Too many entities fail the snapshot with the bound in its details; too many snapshots are refused, unless the
    maker's own of lower priority can go (§5.5.15)."""
    await w.put(*(thing(number, a=1) for number in range(4)))
    big = await w.take(CAR)
    assert big.status == "failure"
    problem = big.details["snapshotQueriesDetails"][0]["problemDetails"]
    assert problem["type"].endswith("TooManyResults")
    assert problem["limit"] == 3
    with pytest.raises(Conflict):
        await w.content(big)
    assert not list(w.snapshots.pool.folder.iterdir())
    small = EntityQuery(ids=("urn:x:1",))
    kept = await w.take(small)
    with pytest.raises(Conflict, match="You have 2 snapshots"):
        await w.begin(small)
    # other people's do not count, and are not touched
    other = somebody("other")
    theirs = await w.take(small, actor=other, snapshotPriority=1)
    important = await w.take(small, snapshotPriority=6)
    left = {one.id for one in w.snapshots.list_all(ME, "")}
    assert theirs.id in left
    assert important.id in left
    assert len(left & {big.id, kept.id}) == 1


@in_world()
async def test_time_stands_still(w: World) -> None:
    """What expires after the moment stays in the snapshot; the snapshot itself is over at its time."""
    soon = thing(1, a=1) | {"expiresAt": "2999-01-01T00:00:00Z"}
    await w.put(soon)
    one = await w.take(CAR, snapshotLifetime="PT1H")
    assert len(await w.content(one)) == 1
    assert one.expires - one.created == 3_600_000_000
    one.expires = one.created
    with pytest.raises(ResourceNotFound):
        await w.content(one)
    assert w.snapshots.list_all(ME, "") == []
    again = await w.take(CAR, id=one.id)  # its id is free again
    with pytest.raises(AlreadyExists):
        await w.begin(CAR, id=again.id)


@in_world()
async def test_what_others_told_is_kept_together_with_ones_own(w: World) -> None:
    """Each entity once, its attributes united; what did not come is said."""
    await w.put(thing(1, a=1, b=2), thing(2, a=1))
    told = thing(1, c=3) | {"createdAt": "2026-01-01T00:00:00Z", "modifiedAt": "2026-01-01T00:00:00Z"}
    far = thing(9, a=9) | {"createdAt": "2026-01-01T00:00:00Z", "modifiedAt": "2026-01-01T00:00:00Z"}
    content = Content(
        [
            Found(Local((CAR,), View(pick=frozenset({"id", "type", "x:a"})))),
            Found(None, [told, far], Unavailable("A source is silent"), whole=False),
            Found(trouble=Unavailable("Another too")),
        ]
    )
    one = await w.take(content=content)
    assert one.status == "partial"
    details = one.details["snapshotQueriesDetails"]
    assert [each["resultStatus"] for each in details] == ["success", "success", "failure"]
    assert details[1]["problemDetails"]["detail"] == "A source is silent"
    found = {doc["id"]: set(doc["attrs"]) for doc in await w.content(one)}
    assert found == {"urn:x:1": {"x:a", "x:c"}, "urn:x:2": {"x:a"}, "urn:x:9": {"x:a"}}


@in_world()
async def test_linked_entities_come_along(w: World) -> None:
    """As far as joinLevel says, and each once."""
    chain = [thing(number, a=number) for number in range(4)]
    for number in range(3):
        chain[number]["attrs"]["x:next"] = [{"type": "Relationship", "object": f"urn:x:{number + 1}"}]
    await w.put(*chain)
    one = await w.take(EntityQuery(ids=("urn:x:0",)), links=2)
    assert sorted(ids(await w.content(one))) == ["urn:x:0", "urn:x:1", "urn:x:2"]


@in_world()
async def test_a_tenant_has_its_own(w: World) -> None:
    await w.put(thing(1, a=1), tenant="harbour")
    one = await w.take(CAR, tenant="harbour")
    assert ids(await w.content(one, tenant="harbour")) == ["urn:x:1"]
    other = await w.take(CAR, id=one.id)
    assert other.status == "empty"
    assert await w.content(other) == []
    empty = await w.take(replace(CAR, types=TypeIs("x:none")), tenant="harbour")
    assert await w.content(empty, tenant="harbour") == []


def test_more_snapshots_than_stay_open(tmp_path: Path) -> None:
    """Stores are closed and opened again behind the scenes; what is in use stays open."""

    async def run() -> None:
        async with world(tmp_path) as w:
            await w.put(thing(1, a=1))
            made = [await w.take(CAR) for _ in range(11)]
            async with w.snapshots.using(made[0].id, ME, "") as (_, opened):
                for one in made * 2:
                    assert ids(await w.content(one)) == ["urn:x:1"]
                    assert w.snapshots.pool.opened <= 8
                await opened.broker.write([WriteOp(OpKind.DELETE, "urn:x:1")], ME)
            assert await w.content(made[0]) == []
        async with world(tmp_path) as w:  # and the whole is there again after a restart
            assert await w.content(made[0]) == []
            assert ids(await w.content(made[5])) == ["urn:x:1"]

    asyncio.run(run())


def test_a_lost_list_takes_no_content_along(tmp_path: Path) -> None:
    """Where the file that lists the snapshots is gone, their content stays for whoever brings it back, start after start."""

    async def make() -> Snapshot:
        async with world(tmp_path) as w:
            await w.put(thing(1, a=1))
            return await w.take(CAR)

    async def start_without() -> None:
        async with world(tmp_path) as w:
            assert not w.snapshots.list_all(ME, "")

    async def start_again() -> None:
        async with world(tmp_path) as w:
            assert ids(await w.content(one)) == ["urn:x:1"]

    one = asyncio.run(make())
    for path in list(tmp_path.glob("snapshots.db*")):
        path.rename(tmp_path / f"aside-{path.name}")
    for _ in range(2):
        asyncio.run(start_without())
    (kept,) = (tmp_path / "snapshots").iterdir()
    kept.rename(kept.with_name(one.key))
    for path in list(tmp_path.glob("snapshots.db*")):
        path.unlink()
    for path in list(tmp_path.glob("aside-*")):
        path.rename(tmp_path / path.name.removeprefix("aside-"))
    asyncio.run(start_again())


@in_world()
async def test_a_forgotten_tenant_takes_its_snapshots_along(w: World) -> None:
    await w.put(thing(1, a=1), tenant="drill")
    one, other = await w.take(CAR, tenant="drill"), await w.take(CAR)
    await w.drop("urn:x:1", tenant="drill")
    assert await w.broker.forget_tenant("drill")
    assert w.snapshots.list_all(ME, "drill") == []
    with pytest.raises(ResourceNotFound):
        await w.content(one, tenant="drill")
    assert w.snapshots.list_all(ME, "") == [other]


SECRET = Rights("secret", frozenset(), frozenset({"/secret"}), frozenset())


async def seen(w: World, one: Snapshot, reader: Actor) -> tuple[list[str], int, list[str]]:
    """(ids, count, types) that a reader is told, by ways of their own."""
    async with w.snapshots.using(one.id, reader, "") as (_, opened):
        page = opened.broker.query(EntityQuery(limit=0, count=True), reader.access)
        found = opened.broker.query(EVERYTHING, reader.access).docs
        kinds = sorted(name for names in opened.broker.types(reader.access) for name in names)
        for doc in found:
            assert opened.broker.find(str(doc["id"]), reader.access) == doc
        return ids(found), page.total, kinds


@in_world()
async def test_what_was_classified_anew_is_seen_by_the_rights_of_now(w: World) -> None:
    """While the snapshot is open and while it is closed; for whom it changes nothing nothing changes; and back again."""
    me = somebody("me", SECRET)
    chief = somebody("chief", Rights("none", frozenset(), frozenset(), frozenset()), Role.ADMINISTRATOR)
    secret = {"scope": ["/secret"]}
    await w.put(thing(1, a=1), thing(2, a=1), thing(3, a=1), thing(4, a=1))
    one = await w.take(CAR, actor=me)
    before = await w.content(one, reader=chief)
    assert await seen(w, one, me) == (["urn:x:1", "urn:x:2", "urn:x:3", "urn:x:4"], 4, ["x:A"])
    await w.put(thing(1, a=7) | secret)  # open
    await w.put(thing(4, a=7) | {"scope": ["/elsewhere"]})
    assert await w.content(one, reader=chief) == before
    assert await seen(w, one, me) == (["urn:x:2", "urn:x:3", "urn:x:4"], 3, ["x:A"])
    async with w.snapshots.using(one.id, me, "") as (_, opened):
        (result,) = await opened.broker.write([WriteOp(OpKind.DELETE, "urn:x:1")], me)
        assert isinstance(result.error, ResourceNotFound)
    kept = {doc["id"]: doc for doc in await w.content(one, reader=chief)}
    assert kept["urn:x:1"]["attrs"]["x:a"][0]["value"] == 1
    assert kept["urn:x:4"] == before[3]
    for key in list(w.snapshots.pool._open):
        w.snapshots.pool._close(key)
    await w.put(thing(2, a=7) | secret)  # closed
    await w.drop("urn:x:2")
    assert (await seen(w, one, me))[0] == ["urn:x:3", "urn:x:4"]
    await w.put(thing(1, a=8))
    assert (await seen(w, one, me))[0] == ["urn:x:1", "urn:x:3", "urn:x:4"]
    clone = await w.made(await w.snapshots.clone(one.id, {}, me, ""))
    await w.put(thing(3, a=9) | secret)
    assert (await seen(w, clone, me))[0] == ["urn:x:1", "urn:x:4"]


@pytest.mark.timeout(30)
@in_world()
async def test_a_store_is_opened_again_in_the_very_moment_in_which_it_has_closed(w: World) -> None:
    """Between the end of closing and anybody's hearing of it."""

    async def at_once() -> None:
        return

    await w.put(thing(1, a=1))
    one = await w.take(CAR)
    assert ids(await w.content(one)) == ["urn:x:1"]
    opened = w.snapshots.pool._open[one.key].result()
    await opened.broker.close()
    opened.broker = SimpleNamespace(close=at_once)  # type: ignore[assignment]
    w.snapshots.pool._close(one.key)
    await asyncio.sleep(0)
    assert ids(await w.content(one)) == ["urn:x:1"]


def test_a_full_disk_fails_the_snapshot_and_says_so(tmp_path: Path) -> None:
    """The room that writing in the city needs is left alone."""

    async def run() -> None:
        async with world(tmp_path) as w:
            await w.put(thing(1, a=1))
            good = await w.take(CAR)
            w.snapshots._workshop = replace(w.snapshots._workshop, min_free_bytes=1 << 60)
            w.snapshots.pool._min_free_bytes = 1 << 60
            for one in (await w.take(CAR), await w.made(await w.snapshots.clone(good.id, {}, ME, ""))):
                assert one.status == "failure"
                problem = one.details["snapshotQueriesDetails"][0]["problemDetails"]
                assert problem["status"] == 507
            assert [path.name for path in w.snapshots.pool.folder.iterdir()] == [good.key]

    asyncio.run(run())
