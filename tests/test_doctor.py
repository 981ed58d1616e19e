"""Damage put in on purpose: the doctor finds each kind, names it, and says what to do."""

import asyncio
import contextlib
import os
import shutil
import sqlite3

import pytest

from andaman.broker.entity.build import entity, iri, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.parse import parse_q
from andaman.cli import main
from andaman.identity.model import FULL_ACCESS, system_actor
from andaman.kernel.errors import Unavailable
from andaman.kernel.time import HOUR, system_clock
from andaman.maintenance import examine
from andaman.offline import cli_actor
from andaman.rooms import STORES
from andaman.server import listen
from andaman.settings import load_settings

from .support import PASSWORD, platform, run

ACTOR = system_actor("test")


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    directory = tmp_path_factory.mktemp("doctor") / "data"

    async def work():
        async with platform(directory) as app:
            await app.identity.add_user("somchai", PASSWORD, ["operator"], cli_actor())
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
    found = examine(load_settings({"data": str(data), "port": 0, **settings}, environ={}), STORES)
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


def test_a_mapping_file_with_mistakes(data):
    path = data / "city.toml"
    path.write_text('[[topic]]\npattern = "a/{x}"\nentity = "urn:x:{x}"\n[topic.attributes.v]\nmin = "0"\n')
    assert "line 5" in findings(data, mqtt_mapping=str(path))["mapping"]
    path.write_text(path.read_text().replace('"0"', "0"))
    assert "1 patterns" in findings(data, "ok", mqtt_mapping=str(path))["mapping"]


def test_a_port_in_use(data):
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        assert f"port {port}" in findings(data, "warning", port=port)["port"]


def test_a_backup_and_a_restore_that_were_interrupted(data):
    (data / ".restore-abc").mkdir()
    (data / ".part-xyz").mkdir()
    assert "an interrupted backup or restore" in findings(data, "warning")["leftover"]


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


# -- the small databases ----------------------------------------------------------------------------------------------
SMALL = ["identity.db", "subscriptions.db", "registry.db", "snapshots.db", "deadletter.db", "ingest.db"]


def flip(file, share, count):
    content = bytearray(file.read_bytes())
    start = int(len(content) * share)
    for at in range(start, start + count):
        content[at] ^= 0xFF
    file.write_bytes(content)


def cut(file, share):
    with open(file, "r+b") as out:
        out.truncate(int(file.stat().st_size * share))


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(
    "harm",
    [
        lambda file: flip(file, 0, 16),
        lambda file: flip(file, 0.5, 4096),
        lambda file: cut(file, 0.5),
        lambda file: file.write_text("no database at all" * 500),
        lambda file: (file.unlink(), file.mkdir()),
    ],
    ids=["header flipped", "page flipped", "cut", "another file", "a directory"],
)
def test_each_small_database_damaged_is_found_and_told_how_to_mend(data, name, harm, capsys):
    harm(data / name)
    found = findings(data)
    assert set(found) == {name}
    assert "last backup" in found[name]
    assert f"{name}-wal" in found[name]
    assert "\n" not in found[name]
    # And a start says it in one line, or goes on; never a stack trace.
    assert main(["token", "analyst", "--data", str(data)]) in (0, 1)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", SMALL)
def test_an_empty_small_database_is_not_sound(data, name):
    cut(data / name, 0)
    level = "problem" if name in SMALL[:3] else "warning"
    assert "is empty" in findings(data, level)[name]


@pytest.mark.parametrize("name", SMALL)
def test_a_small_database_that_is_gone_is_missed(data, name):
    (data / name).unlink()
    level = "problem" if name in SMALL[:3] else "warning"
    assert "is missing" in findings(data, level)[name]


def test_a_directory_that_only_took_a_pack_misses_no_subscriptions(data):
    for name in SMALL[1:]:
        (data / name).unlink()
    (data / "snapshots").rmdir()
    execute(data, "DELETE FROM meta WHERE key='stores'")  # which a platform that starts notes
    assert findings(data) == {}
    assert findings(data, "warning") == {}


@pytest.mark.parametrize(
    ("file", "statements", "subject", "words"),
    [
        ("identity.db", ["DROP TABLE token"], "identity.db", "table token is missing"),
        ("identity.db", ["ALTER TABLE token DROP COLUMN tenant"], "identity.db", "column tenant of table token"),
        ("identity.db", ["UPDATE account SET roles='[\"king\"]'"], "identity.db", "account 'somchai'"),
        ("subscriptions.db", ["DROP TABLE subscription"], "subscriptions.db", "table subscription is missing"),
        ("registry.db", ["DROP TABLE registration"], "registry.db", "table registration is missing"),
        (
            "registry.db",
            ["INSERT INTO registration (tenant, id, document) VALUES ('', 'urn:x:1', x'00ff')"],
            "registry.db",
            "registration urn:x:1",
        ),
        ("ingest.db", ["INSERT INTO memory VALUES ('bus', x'00')"], "ingest.db", "feed 'bus'"),
        ("ledger.sqlite3", ["DROP TABLE evolution"], "store", "table evolution is missing"),
        ("ledger.sqlite3", ["DROP TABLE journal"], "store", "table journal is missing"),
        ("ledger.sqlite3", ["DELETE FROM meta WHERE key='head'"], "store", "entry 'head' of table meta"),
        ("ledger.sqlite3", ["DELETE FROM meta WHERE key='instances'"], "store", "entry 'instances'"),
        (
            "identity.db",
            ["DROP TRIGGER audit_no_delete", "DELETE FROM audit WHERE seq=(SELECT max(seq) FROM audit)"],
            "audit",
            "missing at the end",
        ),
        (
            "identity.db",
            ["DROP TRIGGER audit_no_delete", "DELETE FROM audit"],
            "audit",
            "Entries from 1 on are missing",
        ),
    ],
)  # fmt: skip
def test_tables_rows_and_entries_that_are_gone_or_make_no_sense(data, file, statements, subject, words):
    execute(data, *statements, file=file)
    assert words in findings(data)[subject]


def test_subscriptions_that_read_further_than_the_journal_tell_of_its_lost_end(data):
    execute(data, "INSERT OR REPLACE INTO meta VALUES ('position', 999999)", file="subscriptions.db")
    assert "rows are missing at the journal's end" in findings(data, "warning")["subscriptions.db"]


@pytest.mark.parametrize(
    "harm", [lambda file: file.unlink(), lambda file: cut(file, 0)], ids=["gone", "empty"]
)
def test_a_ledger_that_is_gone_is_never_begun_anew_over_its_history(data, harm, capsys):
    harm(data / "ledger.sqlite3")
    assert "restore the last backup" in findings(data)["store"]
    history = (data / "history" / "history.duckdb").read_bytes()
    assert main(["serve", "--data", str(data), "--port", "0"]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("andaman:")]
    assert "restore the last backup" in line
    assert (data / "history" / "history.duckdb").read_bytes() == history


@pytest.mark.parametrize("name", ["ledger.sqlite3", "identity.db", "registry.db", "lock"])
def test_a_start_on_what_cannot_be_opened_is_one_line_with_the_file_and_what_to_do(data, name, capsys):
    (data / name).unlink()
    (data / name).mkdir()
    assert main(["serve", "--data", str(data), "--port", "0"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert line.startswith("andaman:")
    assert name in line
    assert "a directory is where the file" in line
    assert "andaman doctor" in line


def test_rows_that_cannot_be_read_keep_nothing_else_from_its_work(data, caplog):
    execute(
        data,
        "INSERT INTO registration (tenant, id, document) VALUES ('', 'urn:x:1', x'00ff')",
        file="registry.db",
    )
    execute(
        data,
        "INSERT INTO subscription (tenant, id, key, content, sources, owner, purpose, created, modified, since)"
        " VALUES ('', 'urn:s:1', 'k', x'00ff', x'7b7d', 'user:somchai', '', 1, 1, 0)",
        file="subscriptions.db",
    )
    assert "subscription urn:s:1" in findings(data)["subscriptions.db"]

    async def work():
        async with platform(data) as app:
            assert app.broker.find("urn:ngsi-ld:Device:1", FULL_ACCESS)

    run(work)
    assert "urn:x:1 cannot be read" in caplog.text
    assert "urn:s:1 cannot be read" in caplog.text


def test_rows_of_history_that_are_gone(data):
    import duckdb

    with duckdb.connect(str(data / "history" / "history.duckdb")) as db:
        ((table,),) = db.execute("SELECT 'seg_' || id FROM segment").fetchall()
        db.execute(f"DELETE FROM {table} WHERE rowid % 2 = 0")
    assert "rows of" in findings(data)["history"]
    assert "made again from the journal" in findings(data)["history"]


def test_history_cut_in_two_is_set_aside_and_made_again(data):
    cut(data / "history" / "history.duckdb", 0.5)
    assert "history" in findings(data)

    async def work():
        async with platform(data) as app:
            for _ in range(200):
                with contextlib.suppress(Unavailable):
                    if (await app.broker.history_status())[0] == app.broker.seq:
                        break
                await asyncio.sleep(0.05)
            page = await app.broker.query_at(
                system_clock(), EntityQuery(ids=("urn:ngsi-ld:Device:1",)), FULL_ACCESS
            )
            assert [doc["id"] for doc in page.docs] == ["urn:ngsi-ld:Device:1"]

    run(work)
    assert (data / "history.damaged").exists()
    assert findings(data) == {}


def test_the_doctor_changes_nothing(data):
    def content():
        return {
            path: path.read_bytes()
            for path in data.rglob("*")
            if path.is_file() and "history" not in path.parts and not path.name.endswith(("-wal", "-shm"))
        }

    before = content()
    findings(data)
    assert content() == before


def test_beside_a_busy_platform_the_doctor_raises_no_false_alarm(data):
    """Everything moves while it looks: journal, state, audit, positions of subscriptions."""

    async def work():
        async with platform(data) as app:
            over = False

            async def write(number):
                step = 0
                while not over:
                    step += 1
                    doc = entity(f"urn:ngsi-ld:Device:{number}", "Device", note=prop(f"b{step}"))
                    await app.broker.write([WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc)], ACTOR)
                    await app.identity.audit.add(cli_actor(), "test.step", detail=str(step))

            writers = [asyncio.create_task(write(number)) for number in range(8)]
            before = app.broker.seq
            try:
                for _ in range(5):
                    assert await asyncio.to_thread(findings, data) == {}
                    assert await asyncio.to_thread(findings, data, "warning") == {}
                assert app.broker.seq > before + 20
            finally:
                over = True
                await asyncio.gather(*writers)

    run(work)


def test_a_file_and_a_directory_in_each_others_place(data, capsys):
    (data / "lock").unlink()
    (data / "lock").mkdir()
    shutil.rmtree(data / "contexts")
    (data / "contexts").write_text("x")
    found = findings(data)
    assert "Remove it" in found["lock"]
    assert "Remove it" in found["contexts"]
    (data / "lock").rmdir()
    assert main(["serve", "--data", str(data), "--port", "0"]) == 1
    assert "contexts cannot be opened" in capsys.readouterr().err
