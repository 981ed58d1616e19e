"""Damage put in on purpose: the doctor finds each kind, names it, and says what to do."""

import os
import shutil
import sqlite3

import pytest

from andaman.app import cli_actor
from andaman.broker.entity.build import entity, iri, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.parse import parse_q
from andaman.cli import main
from andaman.identity.model import FULL_ACCESS, Role, system_actor
from andaman.kernel.time import HOUR, system_clock
from andaman.maintenance import examine
from andaman.server import listen
from andaman.settings import load_settings

from .support import PASSWORD, platform, run

ACTOR = system_actor("test")


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    directory = tmp_path_factory.mktemp("doctor") / "data"

    async def work():
        async with platform(directory) as app:
            await app.identity.add_user("somchai", PASSWORD, [Role.OPERATOR], cli_actor())
            for step in range(3):
                docs = [
                    entity(f"urn:ngsi-ld:Device:{n}", "Device", note=prop(f"n{step}-{n}")) for n in range(300)
                ]
                await app.broker.write([WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc) for doc in docs], ACTOR)

    run(work)
    return directory


@pytest.fixture
def data(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "data")
    return tmp_path / "data"


def findings(data, level="problem", **settings):
    found = examine(load_settings({"data": str(data), "port": 0, **settings}, environ={}))
    return {f.subject: f.text for f in found if f.level == level}


def execute(data, *statements, file="ledger.sqlite3"):
    db = sqlite3.connect(data / file)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def test_a_sound_directory_has_nothing(data):
    assert findings(data) == {}
    assert findings(data, "warning") == {}


def test_bytes_flipped_on_disk_in_the_payload_of_the_journal(data):
    file = data / "ledger.sqlite3"
    content = bytearray(file.read_bytes())
    at = content.find(b"n1-150")  # overwritten later: it stands in the journal only
    assert at > 0
    content[at + 4] ^= 1
    file.write_bytes(content)
    found = findings(data)
    assert set(found) == {"journal"}
    assert "was changed after it was written" in found["journal"]
    assert "last backup" in found["journal"]


@pytest.mark.parametrize(
    ("statements", "subject", "words"),
    [
        (["DELETE FROM journal WHERE seq=100"], "journal", "row 100 is missing"),
        (
            ["DELETE FROM journal WHERE seq>=(SELECT max(seq) FROM journal)"],
            "journal",
            "missing at the journal's end",
        ),
        (["UPDATE journal SET hash=zeroblob(32) WHERE seq=200"], "journal", "row 200 was changed"),
        (["UPDATE journal SET at=at-3600000000 WHERE seq=700"], "journal", "row 700 is older"),
        (["UPDATE journal SET shape=99999 WHERE seq=50"], "journal", "shape 99999, which is missing"),
        (["DELETE FROM entity WHERE ord=5"], "state", "entities"),
        (["UPDATE entity SET body=replace(body, 'n2-7', 'n2-8') WHERE id LIKE '%:7'"], "state", "Device:7"),
        (["UPDATE entity SET facts=x'' WHERE id='urn:ngsi-ld:Device:9'"], "index", "Device:9"),
        (["UPDATE entity SET layout=layout+1000 WHERE ord<4"], "index", "--renew-index"),
        (["PRAGMA user_version=99"], "store", "schema version 99"),
    ],
)
def test_harm_to_the_ledger(data, statements, subject, words):
    execute(data, *statements)
    found = findings(data)
    assert subject in found
    assert words in found[subject]
    assert main(["doctor", "--data", str(data), "--port", "0"]) == 1


def test_an_index_out_of_step_is_healed_as_the_doctor_says(data):
    execute(data, "UPDATE entity SET facts=x'' WHERE id='urn:ngsi-ld:Device:9'")
    assert main(["doctor", "--renew-index", "--data", str(data), "--port", "0"]) == 0
    query = EntityQuery(q=parse_q('note=="n2-9"', iri))

    async def work():
        async with platform(data) as app:
            found = app.broker.query(query, FULL_ACCESS).docs
            assert [doc["id"] for doc in found] == ["urn:ngsi-ld:Device:9"]

    run(work)
    assert findings(data) == {}


def test_a_damaged_history_file(data):
    (file,) = (data / "history").rglob("*.duckdb")
    content = bytearray(file.read_bytes())
    for at in range(len(content) // 4, len(content), 4096):
        content[at] ^= 0xFF
    file.write_bytes(content)
    found = findings(data)
    assert set(found) == {"history"}
    assert "it is made again from the journal" in found["history"]


def test_wrong_owners_and_a_directory_open_to_others(data):
    os.chmod(data, 0o755)
    assert "chmod 700" in findings(data, "warning")["rights"]
    os.chmod(data, 0o700)
    if os.geteuid() == 0:
        os.chown(data / "identity.db", 12345, 12345)
        assert "belongs to user 12345" in findings(data, "warning")["rights"]


def test_a_clock_behind_the_journal(data, sound):
    later = system_clock() + 5 * HOUR

    async def work():
        async with platform(data) as app:
            app.broker._ledger.writer._clock = lambda: later
            doc = entity("urn:ngsi-ld:Device:x", "Device", note=prop("x"))
            await app.broker.write([WriteOp(OpKind.CREATE, doc["id"], doc)], ACTOR)

    run(work)
    assert "5.0 hours ahead of this machine's clock" in findings(data, "warning")["clock"]


def test_a_port_in_use(data):
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        assert f"port {port}" in findings(data, "warning", port=port)["port"]


def test_a_backup_and_a_restore_that_were_interrupted(data):
    (data / ".restore-abc").mkdir()
    (data / ".part-xyz").mkdir()
    assert "was interrupted" in findings(data, "warning")["leftover"]


def test_small_databases_damaged_or_gone(data):
    with open(data / "deadletter.db", "r+b") as file:
        file.write(b"\0" * 4096)
    (data / "identity.db").unlink()
    found = findings(data)
    assert set(found) == {"deadletter.db", "identity.db"}
    assert "last backup" in found["deadletter.db"]
    assert "no accounts" in found["identity.db"]


def test_the_audit_changed_by_hand(data):
    execute(
        data,
        "DROP TRIGGER audit_no_update",
        "UPDATE audit SET actor='nobody' WHERE seq=1",
        file="identity.db",
    )
    assert "Keep a copy as evidence" in findings(data)["audit"]


def test_a_disk_nearly_full(data, monkeypatch):
    usage = shutil.disk_usage(data)._replace(free=100 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert "100 MB of disk are free" in findings(data, "warning")["disk"]


def test_no_data_at_all(tmp_path):
    assert "restore a backup" in findings(tmp_path)["store"]
