"""A disk that fills up: reading goes on, writing is refused clearly, nothing is harmed, writing resumes by itself."""

import errno
import logging
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from andaman.broker.entity.build import entity, prop
from andaman.broker.ledger import writer
from andaman.broker.model import OpKind, WriteOp
from andaman.identity.model import FULL_ACCESS, Role, system_actor
from andaman.kernel.errors import StorageFull
from andaman.kernel.logs import FORMATS, Structured
from andaman.kernel.reserve import Reserve

from .support import client, platform, run

ROOT = Path(__file__).parents[1]
NAMESPACE = ["unshare", "-m", "--propagation", "private"]
if os.geteuid():
    NAMESPACE.insert(1, "-Ur")


def may_mount() -> bool:
    try:
        return not subprocess.run(
            [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True
        ).returncode
    except OSError:
        return False


@pytest.mark.skipif(not may_mount(), reason="no right to mount a small disk")
def test_a_disk_that_is_really_full(tmp_path):
    done = subprocess.run(
        [*NAMESPACE, sys.executable, "-m", "tests.disk_full", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-5000:]
    assert "ok:" in done.stdout
    assert "Traceback" not in done.stderr  # of the historian, too


def test_nearly_full_is_refused_before_it_is_full_and_resumes_by_itself(tmp_path, monkeypatch):
    class Stat:
        f_frsize = 1 << 20
        f_bavail = 10_000

    monkeypatch.setattr(os, "statvfs", lambda path: Stat)
    monkeypatch.setattr(writer, "_SPACE_CHECK_S", 0.0)

    async def work():
        async with platform(tmp_path, min_free_mb=200) as app, client(app, Role.ADMINISTRATOR) as http:

            def op(number):
                doc = entity(f"urn:ngsi-ld:Device:{number}", "Device", counter=prop(number))
                return [WriteOp(OpKind.CREATE, doc["id"], doc)]

            await app.broker.write(op(1), system_actor("test"))
            Stat.f_bavail = 150
            with pytest.raises(StorageFull, match="150 MB left; writes need 200 MB"):
                await app.broker.write(op(2), system_actor("test"))
            answer = await http.delete("/ngsi-ld/v1/entities/urn:ngsi-ld:Device:1")
            assert answer.status_code == 507
            assert answer.json()["type"].endswith("storage-full")
            assert "writing resumes by itself" in answer.json()["detail"]
            assert (await http.get("/ngsi-ld/v1/entities/urn:ngsi-ld:Device:1")).status_code == 200
            Stat.f_bavail = 250
            await app.broker.write(op(2), system_actor("test"))
            assert app.broker.get("urn:ngsi-ld:Device:2", FULL_ACCESS)

    run(work)


@pytest.mark.parametrize("form", FORMATS)
def test_whoever_meets_a_full_disk_logs_one_line(form):
    """Whichever part logs it, and whatever the error was made of."""

    def sqlite() -> Exception:
        db = sqlite3.connect(":memory:")
        db.execute("PRAGMA max_page_count=3")
        with pytest.raises(sqlite3.OperationalError) as met:
            db.execute("CREATE TABLE t AS SELECT zeroblob(100000)")
        return met.value

    def chained(error: Exception) -> Exception:
        try:
            try:
                raise error
            except Exception as first:
                raise RuntimeError("the tail") from first
        except RuntimeError as second:
            return second

    full = [
        sqlite(),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        duckdb.IOException("IO Error: Could not write file: No space left on device"),
        duckdb.TransactionException("TransactionContext Error: Failed to commit: No space left on device"),
        StorageFull("x"),
    ]
    others = [
        OSError(errno.EIO, "Input/output error"),
        ValueError("No space left"),
        RuntimeError("disk full"),
    ]
    for error in [*full, *map(chained, full), *others]:
        expected = error not in others
        try:
            raise error
        except Exception as met:
            record = logging.LogRecord(
                "x", logging.ERROR, "x", 1, "It failed", (), (type(met), met, met.__traceback__)
            )
        line = Structured(form).format(record)
        assert ("the disk is full" in line) == expected, line
        assert ("Traceback" not in line) == expected, line
        assert "\n" not in line or not expected


def test_the_reserve_comes_back(tmp_path, monkeypatch):
    free = [1 << 30]
    monkeypatch.setattr(Reserve, "_free", lambda self: free[0])
    told = []
    reserve = Reserve(tmp_path, 0)
    reserve.on_change(told.append)
    reserve.take()
    assert (tmp_path / "reserve").exists()
    free[0] = 0
    for _ in range(3):
        reserve.give_up()
    assert not (tmp_path / "reserve").exists()
    reserve._renew_now()
    assert told == [12 << 20]
    free[0] = 1 << 30
    reserve._renew_now()
    assert (tmp_path / "reserve").exists()
    assert told == [12 << 20, 0]
