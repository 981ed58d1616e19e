"""Data of every schema that was ever released goes forward to this one, whole; data of a newer one is refused."""

import hashlib
import shutil
import sqlite3

import pytest

from andaman.broker.entity.build import entity, prop, value
from andaman.broker.ledger import schema
from andaman.broker.ledger.schema import APPLICATION_ID, FILE, MIGRATIONS
from andaman.broker.model import OpKind, WriteOp
from andaman.cli import main
from andaman.identity import store as identity_store
from andaman.identity.model import FULL_ACCESS, Role, system_actor
from andaman.identity.store import IdentityStore
from andaman.kernel.errors import Unavailable
from andaman.maintenance import backup_into, examine, restore_from
from andaman.rooms import STORES
from andaman.settings import load_settings

from .support import PASSWORD, client, platform, run

ACTOR = system_actor("test")
RELEASED = {  # SHA-256 of steps that stand in the world: they are never edited, only added to
    "ledger": ["341efeed7b7d43c9", "a3d613d81e909e45", "e8ed0c42fc65efe7"],
    "identity": [
        "01484eeb2fad6beb",
        "55724d0c4cd259ef",
        "c849f57a1b881b28",
        "ef5c0c6d093f0c6f",
        "344d8cc3a2658a2a",
    ],
}
SHARED = ("tenant", "shape", "layout", "entity", "journal")


def digest(text):
    return hashlib.sha256("".join(text.split()).encode()).hexdigest()[:16]


def test_released_steps_are_never_edited():
    assert [digest(text) for text in MIGRATIONS[: len(RELEASED["ledger"])]] == RELEASED["ledger"]
    own = identity_store._MIGRATIONS
    assert [digest(text) for text in own[: len(RELEASED["identity"])]] == RELEASED["identity"]


@pytest.fixture(scope="module")
def present(tmp_path_factory):
    """A directory of today with everything that old ones had: changes, deletions, two tenants."""
    directory = tmp_path_factory.mktemp("present") / "data"

    async def work():
        async with platform(directory) as app, client(app, Role.ADMINISTRATOR):
            for step in range(3):
                docs = [entity(f"urn:ngsi-ld:Device:{n}", "Device", counter=prop(step)) for n in range(20)]
                ops = [WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc) for doc in docs]
                await app.broker.write(ops, ACTOR)
                await app.broker.write(ops[:3], ACTOR, "drill")
            await app.broker.write([WriteOp(OpKind.DELETE, "urn:ngsi-ld:Device:7")], ACTOR)

    run(work)
    return directory


def old(present, directory, version, accounts_version=1):
    """The same data as a release with these schemas kept it."""
    directory.mkdir()
    db = sqlite3.connect(directory / FILE, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    for script in MIGRATIONS[:version]:
        db.executescript(script)
    db.execute(f"PRAGMA application_id={APPLICATION_ID}")
    db.execute(f"PRAGMA user_version={version}")
    db.execute("ATTACH ? AS now", (str(present / FILE),))
    for table in SHARED:
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        db.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(names)} FROM now.{table}")
    db.execute("INSERT OR REPLACE INTO meta SELECT key, value FROM now.meta WHERE key IN ('head', 'facts')")
    if version == 1:  # had the last shape of each deleted entity only
        db.execute("INSERT OR REPLACE INTO gone SELECT tenant, id, shape FROM now.former ORDER BY seq")
    else:
        db.execute("INSERT INTO former SELECT * FROM now.former")
    db.close()
    accounts = sqlite3.connect(directory / "identity.db", isolation_level=None)
    for script in identity_store._MIGRATIONS[:accounts_version]:
        accounts.executescript(script)
    accounts.execute(f"PRAGMA user_version={accounts_version}")
    accounts.execute("ATTACH ? AS now", (str(present / "identity.db"),))
    for (table,) in accounts.execute("SELECT name FROM main.sqlite_master WHERE type='table'").fetchall():
        names = ", ".join(row[1] for row in accounts.execute(f"PRAGMA main.table_info({table})"))
        accounts.execute(f"INSERT OR REPLACE INTO main.{table} ({names}) SELECT {names} FROM now.{table}")
    accounts.close()


async def check(directory):
    async with platform(directory) as app, client(app) as http:
        for tenant in ("", "drill"):
            found = {
                doc["id"]: value(doc, "counter")
                for doc in app.broker.iter_entities([], FULL_ACCESS, tenant)
                if ":Device:" in doc["id"]
            }
            assert set(found.values()) == {2}
            assert len(found) == (3 if tenant else 19)
        # Rights on the past of what is gone hang on what it was.
        with app.broker._ledger.journals.reader() as journal:
            assert journal.shapes_of("", "urn:ngsi-ld:Device:7")
        body = {"username": "test-administrator", "password": PASSWORD}
        assert (await http.post("/auth/login", json=body)).status_code == 200
        doc = entity("urn:ngsi-ld:Device:new", "Device", counter=prop(2))
        if app.broker.find(doc["id"], FULL_ACCESS) is None:
            (result,) = await app.broker.write([WriteOp(OpKind.CREATE, doc["id"], doc)], ACTOR)
            assert result.created
            await app.broker.write([WriteOp(OpKind.DELETE, doc["id"])], ACTOR)


def problems(directory):
    settings = load_settings({"data": str(directory), "port": 0}, environ={})
    return [f for f in examine(settings, STORES) if f.level == "problem"]


def test_every_schema_is_known_to_this_test():
    assert len(MIGRATIONS) == len(RELEASED["ledger"])
    assert len(identity_store._MIGRATIONS) == len(RELEASED["identity"])


@pytest.mark.parametrize("accounts_version", range(1, len(identity_store._MIGRATIONS) + 1))
@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_data_of_each_schema_goes_forward_whole(present, tmp_path, version, accounts_version):
    old(present, tmp_path / "old", version, accounts_version)
    assert problems(tmp_path / "old") == []  # also before it goes forward
    audited = IdentityStore(tmp_path / "old").verify_audit()
    before = sqlite3.connect(tmp_path / "old" / FILE)
    chain = before.execute("SELECT seq, hash FROM journal").fetchall()
    before.close()
    run(lambda: check(tmp_path / "old"))
    after = sqlite3.connect(tmp_path / "old" / FILE)
    assert after.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert after.execute("SELECT seq, hash FROM journal").fetchall()[: len(chain)] == chain
    after.close()
    assert problems(tmp_path / "old") == []
    # Nobody's last deed can be taken off the end of the audit, also not one of before the upgrade.
    db = sqlite3.connect(tmp_path / "old" / "identity.db")
    db.execute("DROP TRIGGER audit_no_delete")
    db.execute("DELETE FROM audit WHERE seq>=?", (audited,))
    db.commit()
    db.close()
    assert [f.subject for f in problems(tmp_path / "old")] == ["audit"]


def test_a_backup_of_an_old_schema_is_restored_and_goes_forward(present, tmp_path):
    old(present, tmp_path / "old", 1)
    backup_into(tmp_path / "old", tmp_path / "set")
    restore_from(tmp_path / "set", tmp_path / "new")
    run(lambda: check(tmp_path / "new"))
    assert problems(tmp_path / "new") == []


def test_a_step_that_fails_leaves_the_old_data_as_it_was(present, tmp_path, monkeypatch):
    old(present, tmp_path / "old", 1)
    broken = (*MIGRATIONS[:1], MIGRATIONS[1] + "; INSERT INTO nowhere VALUES (1);")
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    with pytest.raises(Unavailable, match="cannot be opened"):
        schema.prepare(tmp_path / "old")
    db = sqlite3.connect(tmp_path / "old" / FILE)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM gone").fetchone() == (1,)
    db.close()
    monkeypatch.undo()
    run(lambda: check(tmp_path / "old"))


@pytest.mark.parametrize("file", [FILE, "identity.db"])
def test_data_of_a_newer_release_is_refused_in_one_clear_line_and_left_alone(present, tmp_path, capsys, file):
    shutil.copytree(present, tmp_path / "data")
    db = sqlite3.connect(tmp_path / "data" / file)
    db.execute("PRAGMA user_version=99")
    db.commit()
    db.close()
    assert main(["serve", "--data", str(tmp_path / "data"), "--port", "0"]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("andaman:")]
    assert "99" in line
    assert "release" in line
    db = sqlite3.connect(tmp_path / "data" / file)
    assert db.execute("PRAGMA user_version").fetchone() == (99,)
    db.close()
