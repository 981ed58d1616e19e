"""What the platform keeps is its owner's alone, from the first byte on."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from andaman.identity.model import Role
from andaman.maintenance import backup_all, backup_into

from .support import client, platform, run


class Watcher(threading.Thread):
    """Looks at a directory as often as it can; what others could have read, it notes."""

    def __init__(self, *places: Path) -> None:
        super().__init__(daemon=True)
        self.places, self.over, self.seen = places, False, set[str]()

    def run(self) -> None:
        while not self.over:
            for place in self.places:
                for folder, _, names in os.walk(place):
                    for name in names:
                        self._look(Path(folder) / name)

    def _look(self, path: Path) -> None:
        try:
            mode = path.stat().st_mode
        except OSError:
            return
        sqlite = path.suffix == ".db" or ".sqlite3" in path.name or ".db-" in path.name
        if sqlite and stat.S_ISREG(mode) and mode & 0o077:
            self.seen.add(f"{path.name} {oct(mode & 0o777)}")


@pytest.fixture
def careless() -> Any:
    """A process whose files everybody may read and write unless it takes care."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("careless")
def test_every_database_is_the_owners_alone_from_its_first_byte(tmp_path: Path) -> None:
    data, copies = tmp_path / "data", tmp_path / "copies"
    copies.mkdir(mode=0o777)
    watcher = Watcher(data, copies)
    watcher.start()

    async def work() -> None:
        async with platform(data) as app, client(app, Role.ADMINISTRATOR) as http:
            body = {
                "type": "Snapshot",
                "snapshotQueries": [{"type": "Query", "entities": [{"type": "Device"}]}],
            }
            assert (await http.post("/ngsi-ld/v1/snapshots", json=body)).status_code == 201
            await asyncio.sleep(0.3)
            await asyncio.to_thread(backup_into, data, copies / "set")
            await asyncio.to_thread(backup_all, data, copies / "all.tar")

    run(work)
    watcher.over = True
    watcher.join()
    assert watcher.seen == set()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for folder in data.iterdir():
        if folder.is_dir():
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder


def test_what_an_older_release_left_open_is_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = tmp_path / "data"

    async def once() -> None:
        async with platform(data):
            pass

    run(once)
    for path in data.glob("*.db*"):
        path.chmod(0o644)
    (data / "ledger.sqlite3").chmod(0o666)
    data.chmod(0o755)
    with caplog.at_level(logging.WARNING, "andaman"):
        run(once)
    assert f"chmod 700 {data}" in caplog.text
    for path in [*data.glob("*.db*"), *data.glob("ledger.sqlite3*")]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
