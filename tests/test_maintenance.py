"""A backup taken under load is a platform again; damage is found and named."""

import asyncio
import os
import sqlite3
import tarfile

import pytest

from andaman.broker.entity.build import entity, prop, value
from andaman.broker.model import OpKind, WriteOp
from andaman.cli import main
from andaman.identity.model import FULL_ACCESS, Role, system_actor
from andaman.kernel.errors import BadRequestData, Conflict
from andaman.maintenance import backup_all, examine, restore_all
from andaman.rooms import STORES
from andaman.settings import load_settings

from .support import client, platform, run


def test_a_backup_under_load_restores_to_everything_acknowledged_before_it(tmp_path):
    async def work():
        done = 0
        actor = system_actor("test")

        async with platform(tmp_path / "a", min_free_mb=0) as app, client(app, Role.ADMINISTRATOR):

            async def load():
                nonlocal done
                while True:
                    doc = entity("urn:ngsi-ld:Device:1", "Device", counter=prop(done + 1))
                    await app.broker.write([WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc)], actor)
                    done += 1

            task = asyncio.create_task(load())
            await asyncio.sleep(0.3)
            before = done
            await asyncio.to_thread(backup_all, tmp_path / "a", tmp_path / "copy.tar")
            after = done + 1
            task.cancel()
        assert oct(os.stat(tmp_path / "copy.tar").st_mode & 0o777) == "0o600"
        restore_all(tmp_path / "copy.tar", tmp_path / "b")
        async with platform(tmp_path / "b") as copy, client(copy, Role.ADMINISTRATOR) as http:
            counter = value(copy.broker.get("urn:ngsi-ld:Device:1", FULL_ACCESS), "counter")
            assert before <= counter <= after
            assert (await http.get("/auth/me")).json()["principal"]["id"] == "user:test-administrator"

    run(work)


def test_nothing_is_ever_overwritten(tmp_path):
    async def work():
        async with platform(tmp_path / "a"):
            pass

    run(work)
    backup_all(tmp_path / "a", tmp_path / "copy.tar")
    with pytest.raises(Conflict, match="exists"):
        backup_all(tmp_path / "a", tmp_path / "copy.tar")
    with pytest.raises(Conflict, match="holds data already"):
        restore_all(tmp_path / "copy.tar", tmp_path / "a")


def test_an_archive_cannot_write_outside_the_directory(tmp_path):
    evil = tmp_path / "evil.tar"
    manifest = tmp_path / "andaman-backup.json"
    manifest.write_text('{"format": 1, "files": ["../evil.db", "ledger.sqlite3"]}')
    with tarfile.open(evil, "w") as tar:
        tar.add(manifest, arcname="andaman-backup.json")
        tar.add(manifest, arcname="../evil.db")
    with pytest.raises(BadRequestData, match="not a file of the platform"):
        restore_all(evil, tmp_path / "out")
    assert not (tmp_path / "evil.db").exists()


def test_what_is_no_backup_is_refused(tmp_path):
    (tmp_path / "x.tar").write_bytes(b"not a tar at all" * 100)
    with pytest.raises(BadRequestData, match="not a backup"):
        restore_all(tmp_path / "x.tar", tmp_path / "out")


def test_the_doctor_finds_a_row_changed_by_hand_and_a_broken_small_database(tmp_path, capsys):
    async def work():
        async with platform(tmp_path) as app:
            doc = entity("urn:ngsi-ld:Device:1", "Device", counter=prop(1))
            await app.broker.write([WriteOp(OpKind.CREATE, doc["id"], doc)], system_actor("test"))

    run(work)
    settings = load_settings({"data": str(tmp_path), "port": 0}, environ={})
    assert not [f for f in examine(settings, STORES) if f.level == "problem"]
    assert main(["doctor", "--data", str(tmp_path), "--port", "0"]) == 0
    db = sqlite3.connect(tmp_path / "ledger.sqlite3")
    db.execute("UPDATE journal SET actor = 'nobody' WHERE seq = 1")
    db.commit()
    db.close()
    with open(tmp_path / "identity.db", "r+b") as file:
        file.write(b"\0" * 4096)
    found = {f.subject for f in examine(settings, STORES) if f.level == "problem"}
    assert found == {"journal", "identity.db"}
    assert main(["doctor", "--data", str(tmp_path), "--port", "0"]) == 1
    assert "journal" in capsys.readouterr().out
