"""A store that an earlier release really wrote opens, keeps what is in it, and has the present form."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.contexts import book as context_book
from andaman.broker.contexts.book import ContextBook
from andaman.broker.registry import map_store
from andaman.broker.registry import store as registry_store
from andaman.broker.registry.map_store import MapStore
from andaman.broker.registry.store import REGISTRATIONS, SUBSCRIPTIONS, RegistryStore
from andaman.broker.snapshots import store as snapshot_store
from andaman.broker.snapshots.store import SnapshotStore
from andaman.broker.subscriptions import store as subscription_store
from andaman.broker.subscriptions.model import Owner
from andaman.broker.subscriptions.store import SubscriptionStore
from andaman.command.signals.keeping import Keeper, Mark, State
from andaman.identity import store as identity_store
from andaman.identity.store import IdentityStore
from andaman.ingest import deadletter
from andaman.ingest import offsets as offset_store
from andaman.ingest.deadletter import DeadLetterStore
from andaman.ingest.offsets import OffsetStore
from andaman.kernel.tables import Store, StoreKind

HERE = Path(__file__).parent
RELEASES = ("older", "before")
"""From oldest to newest."""


def maps(path: Path, release: str) -> None:
    """Maps of a release that did not keep whose rights they were made with are forgotten."""
    store = MapStore(path)
    listed = [("urn:m:1", "", "user:somchai", 1 << 60, "key", {"urn:e:1": ("@none",)})]
    assert store.load(0) == ([] if release == "older" else listed)
    store.close()


def snapshots(path: Path, release: str) -> None:
    store = SnapshotStore(path)
    (one,), whole = store.load()
    assert (one.id, one.owner, one.position, whole, store.begun_anew) == (
        "urn:snap:1", "user:somchai", 7, True, False,
    )  # fmt: skip
    store.close()


def offsets(path: Path, release: str) -> None:
    store = OffsetStore(path)
    assert store.get("bus") == {"at": 7}
    store.close()


def contexts(path: Path, release: str) -> None:
    store = ContextBook(path)
    assert store.contents() == {"urn:c:1": b'{"@context": {"speed": "https://example.org/speed"}}'}
    store.close()


def letters(path: Path, release: str) -> None:
    store = DeadLetterStore(path)
    (row,) = store.list_newest()
    assert (row["topic"], row["payload"], row["count"], store.counted()) == ("a/b", "{", 1, 1)
    store.close()


def registry(path: Path, release: str) -> None:
    store = RegistryStore(path)
    found = {(tenant, one["endpoint"]) for tenant, one in store.load(REGISTRATIONS)}
    assert found == {("", "http://192.0.2.1"), ("drill", "http://192.0.2.2")}
    assert [one["id"] for _, one in store.load(SUBSCRIPTIONS)] == ["urn:s:1"]
    assert store.received_after("k1", 0, 9) == [(1, "n1", b"{}")]
    assert store.alias() in (HERE / release / f"{path.name}.sql").read_text()
    store.close()


def subscriptions(path: Path, release: str) -> None:
    store = SubscriptionStore(path)
    position, (record,) = store.load()
    assert (position, record.id, record.since) == (7, "urn:s:1", 3)
    assert record.owner == Owner("user:somchai", "duty", 0 if release == "older" else 5)
    store.close()


def identity(path: Path, release: str) -> None:
    store = IdentityStore(path.parent)
    account, password = store.find_account("somchai") or (None, "")
    assert (account and account.name, password, store.verify_audit()) == ("สมชาย", "hash", 1)
    store.close()


CHECKS: dict[str, tuple[StoreKind, Callable[[Path, str], None]]] = {
    map_store.FILE: (map_store.KIND, maps),
    snapshot_store.FILE: (snapshot_store.KIND, snapshots),
    offset_store.FILE: (offset_store.KIND, offsets),
    context_book.FILE: (context_book.KIND, contexts),
    deadletter.FILE: (deadletter.KIND, letters),
    registry_store.FILE: (registry_store.KIND, registry),
    subscription_store.FILE: (subscription_store.KIND, subscriptions),
    identity_store.FILE: (identity_store.KIND, identity),
}


def restored(file: str, release: str, directory: Path) -> Path:
    path = directory / file
    db = sqlite3.connect(path)
    db.executescript((HERE / release / f"{file}.sql").read_text())
    db.close()
    return path


def parts(path: Path) -> dict[str, Any]:
    """Tables with their columns, indexes, triggers."""
    db = sqlite3.connect(path)
    names = db.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    found = {
        f"{kind} {name}": {row[1:3] for row in db.execute(f"PRAGMA table_info({name})")}
        for kind, name in names
    }
    version = db.execute("PRAGMA user_version").fetchone()
    db.close()
    return {**found, "version": version}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("file", CHECKS)
def test_a_store_of_an_earlier_release_goes_forward_whole(file: str, release: str, tmp_path: Path) -> None:
    if not (HERE / release / f"{file}.sql").exists():
        pytest.skip("that release had no such store")
    kind, check = CHECKS[file]
    (tmp_path / "fresh").mkdir()
    Store(tmp_path / "fresh" / file, kind).close()
    path = restored(file, release, tmp_path)
    check(path, release)
    check(path, release)  # and a second time, upgraded
    assert parts(path) == parts(tmp_path / "fresh" / file)


@pytest.mark.parametrize("release", RELEASES)
def test_the_state_of_the_rules_moves_from_its_files_into_the_store(release: str, tmp_path: Path) -> None:
    files = [HERE / release / f"rules-{name}.jsonl" for name in ("state", "marks")]
    for file in files:
        shutil.copy(file, tmp_path)
    marks = [Mark(7, None, 1_795_000_000_000_001), Mark(8, "drill", 1_795_000_000_000_002)]
    for _ in range(2):  # and a second time, upgraded
        keeper = Keeper(tmp_path)
        state = keeper.load()
        assert state == State(7, 1_795_000_000_000_000, [{"tenant": "", "n": n} for n in range(5)])
        assert keeper.load_marks() == marks
        keeper.close()
        assert not [file.name for file in files if (tmp_path / file.name).exists()]


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b'{"version":2,"offset":0,"alive":0,"rows":9}\n{}', b"[]", None]
)
def test_files_of_the_rules_that_cannot_be_read_are_no_state(content: bytes | None, tmp_path: Path) -> None:
    if content is None:
        (tmp_path / "rules-state.jsonl").mkdir()
    else:
        (tmp_path / "rules-state.jsonl").write_bytes(content)
    keeper = Keeper(tmp_path)
    assert (keeper.load(), keeper.load_marks()) == (None, [])
    keeper.close()


def test_every_store_that_was_released_is_checked() -> None:
    assert {path.stem for release in RELEASES for path in (HERE / release).glob("*.sql")} >= set(CHECKS)
