"""Small stores: private, migrated from every earlier version, all or nothing, and clear about what they cannot do."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.kernel.errors import Conflict, StorageFull, Unavailable
from andaman.kernel.tables import POSITIONS, Change, Store, StoreKind, keyed_table

STEPS = (
    "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT; INSERT INTO note VALUES (1, 'a;b');",
    lambda db: db.execute("ALTER TABLE note ADD COLUMN length INTEGER NOT NULL DEFAULT 0"),
    "UPDATE note SET length=length(text);"
    "CREATE TRIGGER note_stays BEFORE DELETE ON note BEGIN SELECT RAISE(ABORT, 'it stays'); END;" + POSITIONS,
    keyed_table("thing"),
)
KIND = StoreKind("notes.db", "the notes", STEPS, "there are no notes")


def kind(version: int) -> StoreKind:
    return StoreKind("notes.db", "the notes", STEPS[:version], "there are no notes")


def schema(path: Path) -> list[tuple[str, ...]]:
    db = sqlite3.connect(path)
    try:
        return sorted(db.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master"))
    finally:
        db.close()


@pytest.mark.parametrize("version", range(len(STEPS) + 1))
def test_every_earlier_version_goes_forward_to_the_same(tmp_path: Path, version: int) -> None:
    Store(tmp_path / "fresh.db", KIND).close()
    if version:
        Store(tmp_path / "old.db", kind(version)).close()
    store = Store(tmp_path / "old.db", KIND)
    assert store.rows("SELECT text, length FROM note") == [("a;b", 3)]
    store.close()
    assert schema(tmp_path / "old.db") == schema(tmp_path / "fresh.db")


def test_a_newer_version_is_refused_in_one_sentence_and_stays_as_it_is(tmp_path: Path) -> None:
    Store(tmp_path / "notes.db", KIND).close()
    before = schema(tmp_path / "notes.db")
    with pytest.raises(
        Unavailable, match=r"has version 4; this release knows up to 2\. Use the newer release"
    ):
        Store(tmp_path / "notes.db", kind(2))
    assert schema(tmp_path / "notes.db") == before


def test_a_migration_that_fails_leaves_the_version_before(tmp_path: Path) -> None:
    Store(tmp_path / "notes.db", kind(1)).close()
    before = schema(tmp_path / "notes.db")
    broken = StoreKind("notes.db", "the notes", (*STEPS[:2], "CREATE TABLE note (id INTEGER);"), "none")
    with pytest.raises(Unavailable, match="already exists"):
        Store(tmp_path / "notes.db", broken)
    assert schema(tmp_path / "notes.db") == before
    Store(tmp_path / "notes.db", KIND).close()


def test_two_that_open_at_once_migrate_once(tmp_path: Path) -> None:
    Store(tmp_path / "notes.db", kind(1)).close()
    start, failed = threading.Barrier(6), []

    def work() -> None:
        start.wait()
        try:
            Store(tmp_path / "notes.db", KIND).close()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_files_and_folder_are_the_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = Store(tmp_path / "new" / "notes.db", KIND)
        store.execute("INSERT INTO note (text) VALUES ('x')")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
        assert modes == dict.fromkeys(("notes.db", "notes.db-wal", "notes.db-shm"), 0o600)
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
        store.close()
    finally:
        os.umask(before)


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.db").mkdir()
    with pytest.raises(Unavailable, match=r"notes\.db cannot be opened: a directory is where"):
        Store(tmp_path / "notes.db", KIND)
    (tmp_path / "text.db").write_text("no database at all" * 500)
    with pytest.raises(Unavailable, match=r"text\.db cannot be opened: file is not a database"):
        Store(tmp_path / "text.db", KIND)


def test_a_transaction_is_written_whole_or_not_at_all_with_its_position(tmp_path: Path) -> None:
    store = Store(tmp_path / "notes.db", KIND)
    things, told = store.table("thing"), list[Change]()
    things.on_change(told.append)
    with store.transaction():
        things.put("", "a", 1)
        store.keep_position("rules", 7)
        assert told == []  # nothing before it is on disk
    assert (told, store.position("rules")) == ([Change("", "a", None, 1, 1)], 7)

    def breaks_off() -> None:
        with store.transaction():
            things.put("", "b", 2)
            with store.transaction():  # joins the outer one
                store.keep_position("rules", 8)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        breaks_off()
    assert (things.find("", "b"), store.position("rules"), len(told)) == (None, 7, 1)
    with pytest.raises(sqlite3.IntegrityError):  # the caller's, not the file's
        store.execute("INSERT INTO note (text) VALUES ('a;b')")
    store.close()
    store = Store(tmp_path / "notes.db", KIND)
    assert (store.position("rules"), store.position("search")) == (7, None)
    store.close()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "delete"]),
            st.sampled_from(["", "drill"]),
            st.sampled_from(["a", "b"]),
            st.integers(0, 99),
            st.one_of(st.none(), st.integers(0, 3)),
        ),
        max_size=25,
    )
)
def test_a_table_is_a_dictionary_with_revisions(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str, int, int | None]]
) -> None:
    """State is that of a dict; a change under another revision is refused; the changes told, one after another, make the
    same state."""
    store = Store(tmp_path_factory.mktemp("t") / "notes.db", KIND)
    things, rows, told = store.table("thing"), dict[tuple[str, str], tuple[int, int]](), list[Change]()
    things.on_change(told.append)
    for what, tenant, key, document, revision in steps:
        known = rows.get((tenant, key), (None, 0))[1]
        if revision is not None and revision != known:
            put, delete = partial(things.put, document=document), things.delete
            with pytest.raises(Conflict, match=f"it has revision {known}, not {revision}"):
                (put if what == "put" else delete)(tenant, key, revision=revision)
        elif what == "put":
            assert things.put(tenant, key, document, revision=revision) == known + 1
            rows[tenant, key] = (document, known + 1)
        else:
            assert things.delete(tenant, key, revision=revision) is bool(known)
            rows.pop((tenant, key), None)
    assert {(r.tenant, r.key): (r.document, r.revision) for r in things.list_all()} == rows
    assert {r.key for r in things.list_all("drill")} == {key for tenant, key in rows if tenant == "drill"}
    assert things.count() == len(rows)
    folded: dict[tuple[str, str], object] = {}
    for one in told:
        assert folded.pop((one.tenant, one.key), None) == one.before
        if one.after is not None:
            folded[one.tenant, one.key] = one.after
    assert folded == {key: document for key, (document, _) in rows.items()}
    store.close()


def test_a_row_that_cannot_be_read_keeps_nothing_else_from_its_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path / "notes.db", KIND)
    things = store.table("thing")
    things.put("", "good", {"a": 1})
    store.execute("INSERT INTO thing VALUES ('', 'bad', x'00ff', 1)")
    assert [row.key for row in things.list_all()] == ["good"]
    assert things.find("", "bad") is None
    assert "thing bad cannot be read and is left out" in caplog.text
    assert things.put("", "bad", {"b": 2}) == 2
    store.close()


def test_a_full_disk_is_said_as_such_and_nothing_is_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "notes.db", KIND)
    things, asked = store.table("thing"), list[int]()
    store.make_room = lambda: asked.append(1)
    store.rows("PRAGMA max_page_count=12")

    def fill() -> None:
        for number in range(1000):
            things.put("", str(number), "x" * 1000)

    def exchange() -> None:
        with store.transaction():
            things.delete("", "0")
            things.put("", "large", "x" * 100_000)

    with pytest.raises(StorageFull, match=r"The notes cannot be written now .*nothing was written"):
        fill()
    assert asked == [1]
    there = things.count()
    assert 0 < there < 1000
    with pytest.raises(StorageFull):
        exchange()
    assert things.count() == there
    store.close()


def test_a_reader_waits_for_no_writer_and_writes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "notes.db", KIND)
    reader = store.reader()
    with store.transaction() as db:
        db.execute("INSERT INTO note (text) VALUES ('new')")
        assert reader.execute("SELECT count(*) FROM note").fetchone() == (1,)
    assert reader.execute("SELECT count(*) FROM note").fetchone() == (2,)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("INSERT INTO note (text) VALUES ('mine')")
    store.close()
