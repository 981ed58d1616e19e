"""Complete payloads of dead letters: large objects that come and go with their letters; answers show what they showed before."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.ingest.deadletter import FILE, KEPT, KIND, LETTER, MAX_PAYLOAD, DeadLetter, DeadLetterStore
from andaman.kernel.blobs import Blobs, Quotas
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.tables import Store, StoreKind
from tests.support import client, platform, run

WIDE = Quotas(1 << 30, 1 << 30)


def letter(number: int, size: int, topic: str = "t", at: int = 1000) -> DeadLetter:
    return DeadLetter(at, "f", topic, "bad-json", "no", random.Random(number).randbytes(size))


def held(blobs: Blobs) -> set[str]:
    return {blob.ref for blob in blobs.list_of("feed:f")}


def named(store: DeadLetterStore) -> set[str]:
    return {ref for (ref,) in store._store.rows("SELECT object FROM dead_letter WHERE object<>''")}


ROUND = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([0, 10, 4096, 4097, 9000]), st.sampled_from("ab")),
    max_size=30,
)


@settings(deadline=None, max_examples=15)
@given(st.lists(ROUND, max_size=4))
def test_objects_come_and_go_with_their_letters(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[list[tuple[int, int, str]]]
) -> None:
    """Law: with and without objects the list is the same; each letter gives its payload; no object outlives its letter."""
    data = tmp_path_factory.mktemp("letters")
    blobs = Blobs(data, WIDE, lambda: 1000)
    rich = DeadLetterStore(data / FILE, max_rows=12, blobs=blobs)
    plain = DeadLetterStore(data / "plain.db", max_rows=12)
    for some in rounds:
        letters = [letter(number, size, topic) for number, size, topic in some]
        rich.add(letters)
        plain.add(letters)
    shown = rich.list_newest(100)
    assert shown == plain.list_newest(100)
    for row in shown:
        body = rich.payload(row["id"])
        assert len(body) == row["size"]
        assert body[:MAX_PAYLOAD].decode("utf-8", "replace") == row["payload"]
    assert held(blobs) == named(rich)
    rich.add([letter(1, 10, "late", at=1000 + (1 << 60))])  # all others are too old
    assert held(blobs) == set()
    for one in (rich, plain, blobs):
        one.close()


def test_of_many_large_letters_of_a_kind_only_the_newest_are_written(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, WIDE, lambda: 1000)
    store = DeadLetterStore(tmp_path / FILE, blobs=blobs)
    for begin in (0, 100):
        store.add([letter(begin + number, 5000) for number in range(100)])
        assert len(list((tmp_path / "blobs").glob("*/*"))) == KEPT
    store.close()
    blobs.close()


def test_without_room_the_beginning_is_kept(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, Quotas(6000, 6000), lambda: 1000)
    store = DeadLetterStore(tmp_path / FILE, blobs=blobs)
    store.add([letter(1, 5000), letter(2, 5000), letter(3, LETTER.largest + 1)])
    newest = store.list_newest()
    assert [row["size"] for row in newest] == [LETTER.largest + 1, 5000, 5000]
    assert len(store.payload(newest[2]["id"])) == 5000
    for row in newest[:2]:
        with pytest.raises(ResourceNotFound, match="Only the first 4096 of"):
            store.payload(row["id"])
    store.close()
    blobs.close()


def test_a_kill_between_object_and_letter_leaves_no_object(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, WIDE)
    blobs.put([b"x" * 5000], LETTER, "feed:f")
    DeadLetterStore(tmp_path / FILE, blobs=blobs).close()
    assert held(blobs) == set()
    blobs.close()


def test_letters_of_the_release_before_are_read_and_shown_as_they_were(tmp_path: Path) -> None:
    old = StoreKind(FILE, KIND.holds, KIND.migrations[:2], KIND.loss)
    before = Store(tmp_path / FILE, old)
    for size in (10, 9000):
        payload = letter(size, size).payload[:MAX_PAYLOAD]
        before.execute(
            "INSERT INTO dead_letter (at, feed, topic, reason, detail, attribute, payload, size) "
            "VALUES (1000, 'f', 't', 'bad-json', 'no', '', ?, ?)",
            (payload, size),
        )
    before.close()
    blobs = Blobs(tmp_path, WIDE)
    store = DeadLetterStore(tmp_path / FILE, blobs=blobs)
    large, small = store.list_newest()
    assert (large["size"], small["size"]) == (9000, 10)
    assert store.payload(small["id"]) == letter(10, 10).payload
    with pytest.raises(ResourceNotFound, match="Only the first 4096 of 9000 bytes"):
        store.payload(large["id"])
    store.close()
    blobs.close()


def test_staff_get_the_complete_payload_and_others_do_not(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path / "data") as app:
            letters = app.get(DeadLetterStore)
            sent = DeadLetter(app.site.clock(), "f", "t", "bad-json", "no", b"<script>" + b"y" * 9000)
            letters.add([sent])
            (row,) = letters.list_newest()
            path = f"/api/ingest/dead-letters/{row['id']}/payload"
            async with client(app, "operator") as http:
                answer = await http.get(path)
                assert (answer.status_code, answer.content) == (200, sent.payload)
                assert answer.headers["content-type"] == "application/octet-stream"
                assert answer.headers["content-disposition"].startswith("attachment")
                for odd in ("0", "x", "-1", "9" * 30, "%F0%9F%98%80"):
                    assert (await http.get(f"/api/ingest/dead-letters/{odd}/payload")).status_code == 404
            async with client(app) as http:
                assert (await http.get(path)).status_code == 401

    run(work)
