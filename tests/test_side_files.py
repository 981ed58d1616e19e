"""Files that may be lost may also be damaged: a start sets them aside, says so, and goes on."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from andaman.broker.entity.build import entity, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.identity.model import FULL_ACCESS, Role, system_actor
from andaman.ingest.deadletter import DeadLetter, DeadLetterStore
from andaman.ingest.manager import FeedManager
from andaman.maintenance import examine
from andaman.maintenance.side_files import side_files
from andaman.rooms import STORES
from andaman.settings import load_settings

from .support import client, platform, run

B = "/ngsi-ld/v1"
DATABASES = [side.name for side in side_files(STORES) if side.tables]
FILES = [side.name for side in side_files(STORES) if side.name != "reserve"]  # that is looked at before
CONTEXT = {"@context": {"speed": "https://example.org/speed"}}


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("side") / "data"

    async def work() -> None:
        async with platform(directory) as app, client(app, Role.ADMINISTRATOR) as http:
            doc = entity("urn:ngsi-ld:Device:7", "Device", counter=prop(7))
            await app.broker.write([WriteOp(OpKind.CREATE, doc["id"], doc)], system_actor("test"))
            assert (await http.post(f"{B}/jsonldContexts", json=CONTEXT)).status_code == 201
            app.get(DeadLetterStore).add(
                [DeadLetter(n, "f", f"t{n}", "bad-json", "x" * 50, b"y" * 200) for n in range(200)]
            )
            for number in range(300):
                app.get(FeedManager).offsets.put(f"feed{number}", {"at": number, "more": "z" * 50})
            made = await http.post(
                f"{B}/snapshots", json={"type": "Snapshot", "snapshotDataSelector": [{"type": "*"}]}
            )
            assert made.status_code < 500, made.text

    run(work)
    return directory


@pytest.fixture
def data(used: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(used, tmp_path / "data"))


def noise(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * 100)


def noise_inside(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 100)


def version(path: Path) -> None:
    """A head that says that it may be read, and not be written."""
    with path.open("r+b") as file:
        file.seek(18)
        file.write(b"\x09")


def schema_format(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(44)
        file.write(b"\xff" * 4)


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def text(path: Path) -> None:
    path.write_bytes(b"this was a file " * 1000)


def columns(path: Path) -> None:
    db = sqlite3.connect(path)
    for (name,) in db.execute(
        "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%'"
    ).fetchall():
        db.execute(f"DROP TABLE {name}")
        db.execute(f"CREATE TABLE {name} (other)")
    db.commit()
    db.close()


def directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "inside").write_text("x")


def dangling(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.parent / "nowhere" / "file")


def log_is_a_directory(path: Path) -> None:
    path.with_name(f"{path.name}-wal").mkdir()


def fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


ALL: list[Callable[[Path], None]] = [directory, dangling, fifo]
HARM: list[Callable[[Path], None]] = [
    noise, noise_inside, version, schema_format, half, text, columns, log_is_a_directory,
]  # fmt: skip


def findings(directory: Path, level: str) -> list[str]:
    settings = load_settings({"data": str(directory), "port": 0}, environ={})
    return [f"{f.subject}: {f.text}" for f in examine(settings, STORES) if f.level == level]


def start(directory: Path) -> None:
    async def work() -> None:
        async with platform(directory) as app, client(app, Role.ADMINISTRATOR) as http:
            assert app.broker.find("urn:ngsi-ld:Device:7", FULL_ACCESS)
            listed = await http.get(f"{B}/jsonldContexts?kind=Hosted&details=true")
            assert len(listed.json()) >= 1, listed.text
            app.get(FeedManager).offsets.put("feed", {"a": 1})  # each works
            app.get(FeedManager).offsets.get("feed7")
            app.get(DeadLetterStore).add([DeadLetter(1, "f", "t", "bad-json", "x", b"y")])
            assert (await http.get(f"{B}/snapshots")).status_code < 500
            assert (await http.post(f"{B}/jsonldContexts", json={"@context": {}})).status_code == 201

    run(work)


def harms() -> list[dict[str, Callable[[Path], None]]]:
    """Each harm once; with ANDAMAN_KILLS each harm to each database."""
    turns = range(len(HARM)) if os.environ.get("ANDAMAN_KILLS") else (0, len(DATABASES))
    mixed = [{name: HARM[(at + turn) % len(HARM)] for at, name in enumerate(DATABASES)} for turn in turns]
    return mixed + [dict.fromkeys(FILES, harm) for harm in ALL]


@pytest.mark.parametrize("harm", harms())
def test_what_may_be_lost_may_be_damaged(
    data: Path, harm: dict[str, Callable[[Path], None]], caplog: pytest.LogCaptureFixture
) -> None:
    for name, do in harm.items():
        do(data / name)
    if fifo not in harm.values():
        told = findings(data, "problem")
        for name in DATABASES:  # some harm to the head is none to whoever only reads
            found = any(one.startswith(name) and f"{name}.damaged" in one for one in told)
            assert found or harm[name] in (version, schema_format, log_is_a_directory), (name, told)
    with caplog.at_level(logging.ERROR):
        start(data)
    for name in harm:
        (line,) = [one.message for one in caplog.records if f"{data / name} is damaged" in one.message]
        assert f"set aside as {name}.damaged" in line
        assert os.path.lexists(data / f"{name}.damaged")
    assert "Traceback" not in caplog.text
    warned = findings(data, "warning")
    assert all(any(f"{name}.damaged " in one for one in warned) for name in harm), warned
    assert findings(data, "problem") == []
    caplog.clear()
    directory(data / "ingest.db")
    start(data)  # all else is well from then on; and of a file that is damaged again, the last is kept
    assert caplog.text.count("set aside") == 1
    assert (data / "ingest.db.damaged" / "inside").exists()


def test_what_a_feed_noted_and_cannot_be_read_keeps_it_from_nothing(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    db = sqlite3.connect(data / "ingest.db")
    db.execute("UPDATE memory SET body=x'7b7b'")
    db.commit()
    db.close()

    async def work() -> None:
        async with platform(data) as app:
            assert app.get(FeedManager).offsets.get("feed7") == {}

    run(work)
    assert "begins again" in caplog.text


def test_a_link_to_a_file_elsewhere_stays(data: Path, tmp_path: Path) -> None:
    for name in DATABASES:
        shutil.move(data / name, tmp_path / name)
        (data / name).symlink_to(tmp_path / name)
    start(data)
    assert all((data / name).is_symlink() for name in DATABASES)
    assert not list(data.glob("*.damaged"))


def test_what_cannot_be_moved_is_told_in_a_sentence(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from andaman.kernel.errors import Unavailable
    from andaman.maintenance import side_files

    def refuse(path: Path) -> Path:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(side_files, "set_aside", refuse)
    noise(data / "ingest.db")
    with pytest.raises(Unavailable, match=r"ingest\.db is damaged .* busy.*remove it"):
        start(data)
