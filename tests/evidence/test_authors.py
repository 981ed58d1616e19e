"""Laws of changes by hand: they are found whatever the pieces in which the journal is read, they hold until the platform loads
the entity again, and they are shown to those who see all of the entity.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.api import OpKind, WriteOp, Written, entity, iri, prop
from andaman.broker.service import Broker
from andaman.evidence.authors import Authors, ByHand, by_hand
from andaman.identity.model import FULL_ACCESS, Actor, Classification, acting_in, system_actor
from tests.evidence.test_evidence import GAUGE, gauges, get
from tests.support import client, principal, run

ANAN = Actor(principal("user:anan", "Anan", "administrator"), FULL_ACCESS, "10.0.0.7")
BILL = Actor(principal("user:bill", "Bill", "administrator"), FULL_ACCESS, "10.0.0.8")
MODEL = Actor(principal("token:model", "Model", "administrator"), FULL_ACCESS, "10.0.0.9")
CHANGES = (system_actor("city"), ANAN, acting_in("desk", BILL), BILL, system_actor("city"), MODEL)


def written(*actors: str) -> list[Written]:
    """One event each, in this order; a second one of the same actor is its last."""
    found: dict[str, Written] = {}
    for seq, actor in enumerate(actors, 1):
        first = found.setdefault(actor, Written("urn:x", actor, "", seq, seq, seq, seq))
        found[actor] = first._replace(last=seq, last_at=seq)
    return list(found.values())


@pytest.mark.parametrize(
    ("actors", "expected"),
    [
        ((), None),
        (("system:city",), None),
        (("system:city", "user:anan"), ByHand("user:anan", 2, True)),
        (("system:city", "user:anan", "user:bill"), ByHand("user:bill", 3, True)),
        (("system:city", "user:anan", "system:city"), None),
        (("system:city", "user:anan", "system:assessment"), ByHand("user:anan", 2, True)),
        (("system:feed:rain", "user:anan", "system:feed:rain"), ByHand("user:anan", 2, True)),
        (("system:city", "system:cli"), ByHand("system:cli", 2, True)),
        (("user:anan",), ByHand("user:anan", 1, False)),
        (("user:anan", "system:city"), ByHand("user:anan", 1, False)),
        (("device:gauge",), None),
        (("token:model", "token:model"), None),
        (("token:model", "user:anan", "token:model"), ByHand("user:anan", 2, True)),
        (("system:city", "token:model"), ByHand("token:model", 2, True)),
    ],
)
def test_a_change_by_hand_holds_until_the_platform_loads_the_entity_again(
    actors: tuple[str, ...], expected: ByHand | None
) -> None:
    assert by_hand(written(*actors)) == expected


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=3, unique=True))
def test_the_journal_in_any_pieces_gives_the_same_hands(learnt: list[int]) -> None:
    """``learnt``: after which event the memory is asked."""

    async def work() -> None:
        broker = Broker.open(Path(directory))
        await broker.start()
        authors, late = Authors(broker), Authors(broker)
        for number, actor in enumerate(CHANGES):
            doc = entity("urn:x:gauge:1", GAUGE, rain=prop(number))
            await broker.must_write([WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc)], actor)
            if number in learnt:
                await authors.learn([iri(GAUGE)])
        await authors.learn([iri(GAUGE)])
        await late.learn([iri(GAUGE)])
        assert authors.hands == late.hands
        assert authors.of("urn:x:gauge:1") == late.of("urn:x:gauge:1")
        assert authors.hands["urn:x:gauge:1"].actor == "token:model"
        await broker.close()

    with TemporaryDirectory() as directory:
        run(work)


def test_a_basis_marks_what_was_changed_by_hand_and_names_the_writer_to_auditors(tmp_path: Path) -> None:
    async def work() -> None:
        async with gauges(tmp_path) as app, client(app) as public, client(app, "administrator") as boss:
            await app.get(Authors).learn([iri(GAUGE)])
            change = [WriteOp(OpKind.UPDATE, "urn:x:gauge:3", entity("urn:x:gauge:3", GAUGE, rain=prop(99)))]
            await app.broker.must_write(change, ANAN)
            for reader, known in ((public, False), (boss, True)):
                answer = await get(reader, "entities", f"type={GAUGE}&attribute=rain")
                rows = {row["id"]: row["byHand"] for row in answer["entities"]}
                mark = rows.pop("urn:x:gauge:3")
                assert mark["afterLoading"]
                assert mark["by"] == ("user:anan" if known else None)
                assert (mark["at"] is not None) == known
                assert set(rows.values()) == {None}

    run(work)


def test_nobody_learns_of_a_change_of_what_is_hidden_from_them(tmp_path: Path) -> None:
    async def work() -> None:
        secret = Classification.OFFICIAL_SECRET
        async with (
            gauges(tmp_path, keeper=secret) as app,
            client(app) as public,
            client(app, "administrator") as boss,
        ):
            await app.get(Authors).learn([iri(GAUGE)])
            key = f"type={GAUGE}&attribute=rain"
            before = (await get(public, "entities", key))["entities"]
            doc = entity("urn:x:gauge:3", GAUGE, keeper=prop("Bill"))
            await app.broker.must_write([WriteOp(OpKind.UPDATE, doc["id"], doc)], ANAN)
            assert [row["byHand"] for row in before] == [
                row["byHand"] for row in (await get(public, "entities", key))["entities"]
            ]
            found = (await get(boss, "entities", key))["entities"]
            assert [row["id"] for row in found if row["byHand"]] == ["urn:x:gauge:3"]

    run(work)
