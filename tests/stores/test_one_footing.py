"""No module opens SQLite on its own, and every small store is known to start, doctor and backup by its one declaration."""

from __future__ import annotations

import re
from pathlib import Path

import andaman
from andaman.kernel.tables import Store
from andaman.maintenance.files import copy_small
from andaman.maintenance.losses import find_lost, note_stores
from andaman.maintenance.side_files import side_files
from andaman.maintenance.small import examine_small
from andaman.maintenance.stores import noted, precious
from andaman.rooms import STORES

SOURCES = Path(andaman.__file__).parent
MAY_OPEN = ("kernel/tables.py", "kernel/storage.py", "broker/ledger/", "maintenance/")


def test_no_module_opens_sqlite_on_its_own() -> None:
    opens = re.compile(r"sqlite3\s*\.\s*connect|sqlite3\s+import\s+.*\bconnect\b|sqlite3\s*\.\s*Connection\(")
    found = [
        name
        for path in SOURCES.rglob("*.py")
        if opens.search(path.read_text())
        and not (name := path.relative_to(SOURCES).as_posix()).startswith(MAY_OPEN)
    ]
    assert found == []


def test_every_store_that_is_declared_belongs_to_a_room() -> None:
    declares = [
        path
        for path in SOURCES.rglob("*.py")
        if re.search(r"^KIND: Final = StoreKind\(", path.read_text(), re.M)
    ]
    assert len(declares) == len(STORES)


def test_each_store_is_set_aside_or_missed_and_all_that_is_kept_is_in_a_backup(tmp_path: Path) -> None:
    data, target = tmp_path / "data", tmp_path / "backup"
    target.mkdir()
    for kind in STORES:
        Store(data / kind.file, kind).close()
    assert {side.name for side in side_files(STORES)} >= {kind.file for kind in STORES if not kind.precious}
    assert set(copy_small(data, target)) == set(noted(STORES))
    assert {one.subject for one in examine_small(data, STORES, lambda: 0)} >= {kind.file for kind in STORES}
    assert all(one.level == "ok" for one in examine_small(data, STORES, lambda: 0))
    note_stores(data, STORES)  # nothing without a ledger
    assert find_lost(data, STORES) == []
    assert set(precious(STORES)) <= set(noted(STORES))
