"""Laws over random histories: state + events = fresh state; state as of T = replay of the journal to T."""

from __future__ import annotations

import asyncio
import copy
import tempfile
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker import indexing
from andaman.broker.entity.build import iri, prop
from andaman.broker.ledger.journal import Journal, verify
from andaman.broker.ledger.rights import see_event, visible
from andaman.broker.ledger.rows import fold, fold_changes
from andaman.broker.ledger.schema import connect
from andaman.broker.model import Doc, EventKind, OpKind, WriteOp
from andaman.broker.query.ast import TypeIs
from andaman.broker.query.evaluate import matches
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.parse import parse_q, parse_scope
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS, Access
from tests.broker.ledger.world import SYSTEM, Rights, urn, with_broker

NAMES = ["speed", "bearing", "secretNote"]
TYPES = ["Vehicle", "Device", "Secret"]
SCOPES: list[list[str]] = [[], ["/open"], ["/closed"], ["/open", "/closed"]]
SOMEBODY = Rights(
    "somebody", frozenset({iri("Secret")}), frozenset({"/closed"}), frozenset({iri("secretNote")})
)

attrs = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3), max_size=3)


@st.composite
def operations(draw: st.DrawFn) -> WriteOp:
    kind = draw(st.sampled_from(list(OpKind)))
    entity_id = urn(draw(st.integers(0, 3)))
    named = {iri(name): [prop(number)] for name, number in draw(attrs).items()}
    if kind in (OpKind.PARTIAL_ATTR, OpKind.REPLACE_ATTR, OpKind.DELETE_ATTR):
        attr = iri(draw(st.sampled_from(NAMES)))
        return WriteOp(kind, entity_id, {"attrs": {attr: [prop(draw(st.integers(0, 3)))]}}, attr=attr)
    fragment: Doc = {"attrs": named}
    whole = kind in (OpKind.CREATE, OpKind.REPLACE, OpKind.UPSERT_REPLACE, OpKind.UPSERT_UPDATE)
    if whole or draw(st.booleans()):
        fragment["type"] = sorted({iri(draw(st.sampled_from(TYPES)))})
    if draw(st.booleans()):
        scopes = draw(st.sampled_from(SCOPES))
        if scopes:
            fragment["scope"] = sorted(scopes)
    return WriteOp(kind, entity_id, fragment)


requests = st.lists(
    st.tuples(
        st.lists(operations(), min_size=1, max_size=4), st.booleans(), st.sampled_from(["", "", "drill"])
    ),
    min_size=1,
    max_size=12,
)


def _state(broker: Broker, access: Access) -> dict[tuple[str, str], Doc]:
    """The fresh state, by asking for every entity."""
    return {
        (tenant, doc["id"]): copy.deepcopy(doc)
        for tenant in broker.tenants()
        for doc in broker.iter_entities([], access, tenant)
    }


QUERIES = [
    EntityQuery(limit=100, count=True),
    EntityQuery(limit=100, q=parse_q("speed>1", iri)),
    EntityQuery(limit=100, q=parse_q("bearing==0|speed<=1;!secretNote", iri)),
    EntityQuery(limit=100, types=TypeIs(iri("Device")), scope=parse_scope("/open")),
    EntityQuery(limit=100, attrs=(iri("bearing"),)),
]


def _check_queries(broker: Broker, state: dict[tuple[str, str], Doc]) -> None:
    """Queries through the index find what the reference evaluator finds, in creation order."""
    for tenant in broker.tenants():
        docs = [doc for (one, _), doc in state.items() if one == tenant]
        for query in QUERIES:
            page = broker.query(query, FULL_ACCESS, tenant)
            found = {doc["id"]: doc for doc in page.docs}
            assert found == {doc["id"]: doc for doc in docs if matches(doc, query)}
            created = [doc["createdAt"] for doc in page.docs]
            assert created == sorted(created)  # type: ignore[type-var]
            assert page.total == (len(docs) if query.count else -1)


@settings(max_examples=40, deadline=None)
@given(requests, st.sampled_from([1, 1000]))
def test_state_and_events_and_journal_tell_the_same(
    history: list[tuple[list[WriteOp], bool, str]], add_together: int
) -> None:
    """A follower that folds events holds the fresh state after every request; so does a replay of the journal
    to that time, and so does each event's own doc. The store says the same after a restart."""

    async def work(broker: Broker) -> dict[tuple[str, str], Doc]:
        live: dict[tuple[str, str], Doc] = {}
        by_doc: dict[tuple[str, str], Doc] = {}
        moments: list[tuple[int, dict[tuple[str, str], Doc]]] = []
        ended = asyncio.Event()

        async def follower() -> None:
            async for events in broker.follow(0):
                for event in events:
                    key = (event.tenant, event.entity_id)
                    after = fold_changes(live.get(key), event.entity_id, event.at, event.kind, event.changes)
                    for state, doc in ((live, after), (by_doc, event.doc)):
                        if doc is None:
                            state.pop(key, None)
                        else:
                            state[key] = doc
            ended.set()

        task = asyncio.ensure_future(follower())
        for ops, atomic, tenant in history:
            results = await broker.write(ops, SYSTEM, tenant, atomic=atomic)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            fresh = _state(broker, FULL_ACCESS)
            assert live == fresh
            assert by_doc == fresh
            _check_queries(broker, fresh)
            if any(result.changed for result in results):
                last = (await broker.read_events(broker.seq - 1))[0]
                moments.append((last.at, fresh))
        for at, then in moments:
            for tenant in broker.tenants():
                page = await broker.query_at(at, EntityQuery(limit=100, count=True), FULL_ACCESS, tenant)
                assert {doc["id"]: doc for doc in page.docs} == {
                    entity_id: doc for (one, entity_id), doc in then.items() if one == tenant
                }
        await broker._ledger.drain()
        broker._ledger.ring.close()
        await ended.wait()
        await task
        return _state(broker, FULL_ACCESS)

    async def reopened(broker: Broker) -> dict[tuple[str, str], Doc]:
        state = _state(broker, FULL_ACCESS)
        _check_queries(broker, state)
        return state

    with tempfile.TemporaryDirectory() as name, patch.object(indexing, "_TOGETHER", add_together):
        directory = Path(name)
        before = with_broker(directory, work)
        assert with_broker(directory, reopened) == before
        db = connect(directory)
        assert fold(Journal(db).slice(0, 10_000)) == before
        assert verify(db).ok
        db.close()


@settings(max_examples=40, deadline=None)
@given(requests)
def test_state_and_events_hold_for_every_principal(history: list[tuple[list[WriteOp], bool, str]]) -> None:
    """What a principal may know of events leads to what that principal may know of the state, also when changes
    of type or scope move entities out of sight and back; nothing hidden is in any event on the way."""

    async def work(broker: Broker) -> None:
        live: dict[tuple[str, str], Doc] = {}

        async def follower() -> None:
            async for events in broker.follow(0):
                for event in events:
                    seen = see_event(event, SOMEBODY)
                    if seen is None:
                        continue
                    assert SOMEBODY.sees(seen.types, seen.scopes)
                    assert all(change.attr not in SOMEBODY.hidden for change in seen.changes)
                    key = (seen.tenant, seen.entity_id)
                    if seen.kind is EventKind.DELETED:
                        live.pop(key)
                        assert seen.doc is None
                    else:
                        assert (key in live) == (seen.kind is EventKind.UPDATED)
                        assert seen.doc is not None
                        live[key] = seen.doc

        task = asyncio.ensure_future(follower())
        for ops, atomic, tenant in history:
            await broker.write(ops, SYSTEM, tenant, atomic=atomic)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            fresh = _state(broker, SOMEBODY)
            # An update of hidden attributes alone is no event for this principal, and moves no time.
            assert live == fresh
        task.cancel()

    with tempfile.TemporaryDirectory() as name:
        with_broker(Path(name), work)


@settings(max_examples=30, deadline=None)
@given(st.lists(operations(), min_size=1, max_size=25))
def test_rights_make_hidden_things_absent_for_writers(ops: list[WriteOp]) -> None:
    """A principal with few rights changes nothing it may not see, and no answer tells hidden from absent,
    other than that an id cannot be used."""
    from tests.broker.ledger.world import actor

    async def work(broker: Broker) -> None:
        hidden_ids = [urn(0), urn(1)]
        secret = [
            WriteOp(OpKind.CREATE, urn(0), {"type": [iri("Secret")], "attrs": {iri("speed"): [prop(1)]}}),
            WriteOp(
                OpKind.CREATE,
                urn(1),
                {"type": [iri("Vehicle")], "scope": ["/closed"], "attrs": {iri("speed"): [prop(1)]}},
            ),
        ]
        await broker.write(secret, SYSTEM)
        before = {one: broker.get(one, FULL_ACCESS) for one in hidden_ids}
        for op in ops:
            result = (await broker.write([op], actor(SOMEBODY)))[0]
            if op.entity_id in hidden_ids:
                creating = op.kind in (
                    *(OpKind.CREATE, OpKind.UPSERT_REPLACE, OpKind.UPSERT_UPDATE),
                    OpKind.TEMPORAL_UPSERT,
                )
                assert result.error is not None
                assert result.error.status == (403 if creating else 404)
        assert {one: broker.get(one, FULL_ACCESS) for one in hidden_ids} == before
        for doc in broker.iter_entities([], FULL_ACCESS):
            if doc["id"] not in hidden_ids:
                assert visible(doc, SOMEBODY) == doc

    with tempfile.TemporaryDirectory() as name:
        with_broker(Path(name), work)
