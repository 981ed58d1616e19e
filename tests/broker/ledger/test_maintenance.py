"""Backup under load, restore, and a doctor who finds damage that was put in on purpose."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from andaman.broker.entity.build import prop
from andaman.broker.ledger.doctor import Finding, doctor
from andaman.broker.ledger.journal import Journal, verify
from andaman.broker.ledger.maintenance import backup, restore
from andaman.broker.ledger.rows import fold
from andaman.broker.ledger.schema import FILE, connect
from andaman.broker.model import Doc
from andaman.broker.query.model import EntityQuery
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import Conflict, ResourceNotFound
from andaman.kernel.time import HOUR, system_clock
from tests.broker.ledger.world import SYSTEM, Ticks, create, delete, put, with_broker


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sound")

    async def work(broker: Broker) -> None:
        await broker.write([create(n, speed=prop(n)) for n in range(200)], SYSTEM)
        await broker.write([put(n, speed=prop(-n)) for n in range(0, 200, 3)] + [delete(7)], SYSTEM)

    with_broker(directory, work)
    return directory


def _problems(directory: Path) -> list[Finding]:
    return [finding for finding in doctor(directory) if finding.level == "problem"]


def test_backup_under_load_is_one_instant(tmp_path: Path) -> None:
    """A backup made while writers run is a sound store: its state is the replay of its journal."""

    async def work(broker: Broker) -> int:
        await broker.write([create(n, speed=prop(0), note=prop("x" * 500)) for n in range(2000)], SYSTEM)
        stop = asyncio.Event()

        async def writer(lane: int) -> None:
            step = 0
            while not stop.is_set():
                step += 1
                await broker.write([put(lane * 100 + step % 100, speed=prop(step))], SYSTEM)

        tasks = [asyncio.ensure_future(writer(lane)) for lane in range(10)]
        await asyncio.sleep(0.05)
        first = broker.seq
        await asyncio.to_thread(backup, tmp_path / "live", tmp_path / "one.backup")
        stop.set()
        await asyncio.gather(*tasks)
        assert broker.seq > first
        return first

    first = with_broker(tmp_path / "live", work)
    end = restore(tmp_path / "one.backup", tmp_path / "restored").seq
    assert end >= first
    db = connect(tmp_path / "restored")
    assert verify(db).ok
    state = fold(Journal(db).slice(0, 1_000_000))
    db.close()

    async def same(broker: Broker) -> None:
        docs: dict[tuple[str, str], Doc] = {("", d["id"]): d for d in broker.iter_entities([], FULL_ACCESS)}
        assert docs == state
        assert (await broker.write([create("new")], SYSTEM))[0].seq == end + 1

    with_broker(tmp_path / "restored", same)


def test_backup_and_restore_overwrite_nothing(store: Path, tmp_path: Path) -> None:
    """An existing target, a directory in use or with a store, or an unsound file is refused with the reason."""
    backup(store, tmp_path / "b")
    with pytest.raises(Conflict, match="exists"):
        backup(store, tmp_path / "b")
    with pytest.raises(ResourceNotFound):
        backup(tmp_path, tmp_path / "c")
    with pytest.raises(Conflict, match="holds a store already"):
        restore(tmp_path / "b", store)
    damaged = bytearray((tmp_path / "b").read_bytes())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 4096] = bytes(4096)
    (tmp_path / "damaged").write_bytes(damaged)
    for bad in ("damaged", "text"):
        (tmp_path / "text").write_text("not a database" * 100)
        with pytest.raises(Conflict, match="not a sound backup"):
            restore(tmp_path / bad, tmp_path / "new")
        assert not (tmp_path / "new" / FILE).exists()


def test_a_sound_store_has_no_problems(store: Path) -> None:
    findings = doctor(store)
    assert [f.level for f in findings if f.level == "problem"] == []
    assert {f.subject for f in findings} >= {"lock", "disk", "store", "journal", "state", "clock", "log"}


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        ("UPDATE journal SET actor='nobody' WHERE seq=5", "journal"),
        ("DELETE FROM entity WHERE ord=9", "state"),
        ("UPDATE entity SET seq=3 WHERE ord=9", "state"),
        ("UPDATE entity SET body=replace(body, '-3', '-4') WHERE ord=4", "state"),
        ("UPDATE entity SET body=x'00' WHERE ord=4", "state"),
        ("PRAGMA application_id=1", "store"),
    ],
)
def test_the_doctor_finds_damage(store: Path, tmp_path: Path, statement: str, subject: str) -> None:
    """Damage to the journal, the state or the file is found, named, and comes with what to do."""
    shutil.copy(store / FILE, tmp_path / FILE)
    db = sqlite3.connect(tmp_path / FILE)
    db.execute(statement)
    db.commit()
    db.close()
    problems = _problems(tmp_path)
    assert [p.subject for p in problems] == [subject]
    assert problems[0].text.endswith((".", "that."))


def test_the_doctor_finds_torn_files(store: Path, tmp_path: Path) -> None:
    """Overwritten pages, a cut file and a missing file are problems, not exceptions."""
    whole = (store / FILE).read_bytes()
    for damaged in (whole[:8192] + bytes(8192) + whole[16384:], whole[: len(whole) // 2], b"x" * 5000):
        (tmp_path / FILE).write_bytes(damaged)
        assert _problems(tmp_path)
    (tmp_path / FILE).unlink()
    assert _problems(tmp_path)


def test_the_doctor_sees_a_clock_that_ran_ahead(tmp_path: Path) -> None:
    """A journal from the future is a warning that says by how much."""

    async def work(broker: Broker) -> None:
        await broker.write([create(1)], SYSTEM)

    with_broker(tmp_path, work, clock=Ticks(system_clock() + 5 * HOUR))
    warning = next(f for f in doctor(tmp_path) if f.subject == "clock")
    assert warning.level == "warning"
    assert "5.0 hours" in warning.text


def test_history_of_another_store_is_found_and_made_again(store: Path, tmp_path: Path) -> None:
    """History that is ahead of the journal is a problem to the doctor; the next start makes it again by itself."""

    async def long(broker: Broker) -> None:
        await broker.write([create(n, speed=prop(n)) for n in range(500)], SYSTEM)

    with_broker(tmp_path, long, history=True)
    assert any(f.subject == "history" and f.level == "ok" for f in doctor(tmp_path))
    for part in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
        (tmp_path / part).unlink(missing_ok=True)
    shutil.copy(store / FILE, tmp_path / FILE)
    assert [p.subject for p in _problems(tmp_path)] == ["history"]

    async def asked(broker: Broker) -> int:
        page = await broker.query_at(1 << 60, EntityQuery(limit=1000), FULL_ACCESS)
        assert len(page.docs) == 199
        return (await broker.history_status())[0]

    with_broker(tmp_path, asked, history=True)
    assert _problems(tmp_path) == []


def test_the_doctor_examines_a_running_broker(tmp_path: Path) -> None:
    """Examination beside a running broker finds nothing wrong and names its owner."""

    async def work(broker: Broker) -> list[Finding]:
        await broker.write([create(1)], SYSTEM)
        return await asyncio.to_thread(doctor, tmp_path)

    findings = with_broker(tmp_path, work)
    assert [f for f in findings if f.level == "problem"] == []
    assert "is using" in next(f.text for f in findings if f.subject == "lock")
