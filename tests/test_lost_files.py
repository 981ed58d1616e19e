"""A start on a directory that lost something, or has something damaged, is refused in a sentence, or it is made again; never
begun anew without a word."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from andaman.broker.entity.build import entity, prop
from andaman.broker.ledger.schema import FILE
from andaman.broker.model import OpKind, WriteOp
from andaman.cli import main
from andaman.identity.model import FULL_ACCESS, Role, system_actor
from andaman.kernel.errors import Unavailable
from andaman.maintenance import backup_into, examine, restore_from
from andaman.rooms import STORES
from andaman.settings import load_settings

from .support import client, platform, run

B = "/ngsi-ld/v1"
CONTEXT = {"@context": {"speed": "https://example.org/speed"}}
PRECIOUS = ("identity.db", "subscriptions.db", "registry.db")


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that was used: entities, an account, a subscription with a context of its own."""
    directory = tmp_path_factory.mktemp("used") / "data"

    async def work() -> None:
        async with platform(directory) as app, client(app, Role.ADMINISTRATOR) as http:
            docs = [
                entity(f"urn:ngsi-ld:Device:{n}", "Device", counter=prop(n), note=prop(f"{n} " * 200))
                for n in range(300)
            ]
            await app.broker.write(
                [WriteOp(OpKind.CREATE, doc["id"], doc) for doc in docs], system_actor("test")
            )
            made = await http.post(f"{B}/jsonldContexts", json=CONTEXT)
            assert made.status_code == 201, made.text

    run(work)
    return directory


@pytest.fixture
def data(used: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(used, tmp_path / "data"))


def start(directory: Path) -> None:
    async def work() -> None:
        async with platform(directory) as app:
            assert app.broker.find("urn:ngsi-ld:Device:7", FULL_ACCESS)

    run(work)


def problems(directory: Path) -> list[str]:
    settings = load_settings({"data": str(directory), "port": 0}, environ={})
    return [f"{f.subject}: {f.text}" for f in examine(settings, STORES) if f.level == "problem"]


def remove(path: Path) -> None:
    for one in path.parent.glob(f"{path.name}*"):
        one.unlink()


def empty(path: Path) -> None:
    remove(path)
    path.touch()


def without_tables(path: Path) -> None:
    remove(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.close()


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3000)


@pytest.mark.parametrize(
    ("name", "lose"),
    [(name, lose) for name in PRECIOUS for lose in (remove, damage)]
    + [("identity.db", empty), ("identity.db", without_tables)],
)
def test_a_start_without_what_was_there_is_refused(
    data: Path, name: str, lose: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    lose(data / name)
    with pytest.raises(Unavailable, match=name) as refused:
        start(data)
    assert "backup" in refused.value.detail
    assert main(["serve", "--data", str(data), "--port", "0"]) == 1
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("andaman:")]
    assert name in line
    assert "Traceback" not in line
    assert any(one.startswith(name) for one in problems(data))
    if name == "identity.db":  # nor does the command line begin a new one
        words = ["token", "analyst", "--data", str(data)]
        assert main(words) == 1
        assert name in capsys.readouterr().err


def test_one_may_say_that_it_begins_anew(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["begin-anew", "identity.db", "--data", str(data)]) == 1  # it is there
    assert main(["begin-anew", "ledger.sqlite3", "--data", str(data)]) == 1
    remove(data / "identity.db")
    assert main(["begin-anew", "identity.db", "--data", str(data)]) == 0
    start(data)
    assert problems(data) == []
    remove(data / "identity.db")  # and it is missed from then on again
    with pytest.raises(Unavailable):
        start(data)
    capsys.readouterr()


def test_a_directory_of_an_older_release_knows_what_it_had(data: Path) -> None:
    def forget() -> None:
        db = sqlite3.connect(data / FILE)
        db.execute("DELETE FROM meta WHERE key='stores'")
        db.commit()
        db.close()

    forget()
    (data / "contexts.db").unlink()  # that release had none
    start(data)
    forget()
    remove(data / "identity.db")
    with pytest.raises(Unavailable, match=r"identity\.db"):
        start(data)


def test_a_directory_that_was_only_loaded_is_begun(tmp_path: Path) -> None:
    """``andaman load`` makes the ledger alone."""

    async def work() -> None:
        async with platform(tmp_path / "data"):
            pass

    run(work)
    for path in (tmp_path / "data").glob("*.db*"):
        path.unlink()
    db = sqlite3.connect(tmp_path / "data" / FILE)
    db.execute("DELETE FROM meta WHERE key='stores'")
    db.commit()
    db.close()
    run(work)


def test_a_backup_brings_all_of_it_back(data: Path, tmp_path: Path) -> None:
    backup_into(data, tmp_path / "set")
    restore_from(tmp_path / "set", tmp_path / "new")
    start(tmp_path / "new")
    assert problems(tmp_path / "new") == []


# -- the ledger ---------------------------------------------------------------------------------------------------


def flip(data: Path, sql: str) -> None:
    db = sqlite3.connect(data / FILE, isolation_level=None)
    db.execute(sql)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE journal SET actor='nobody' WHERE seq=17", "row 17 was changed"),
        ("UPDATE journal SET changes=x'00' WHERE seq=300", "row 300 was changed"),
        ("DELETE FROM journal WHERE seq=20", "row 20 is missing"),
        ("DELETE FROM journal WHERE seq=(SELECT max(seq) FROM journal)", "are missing at the journal's end"),
        (
            "UPDATE entity SET body=CAST(replace(CAST(body AS TEXT), '7 7', '8 8') AS BLOB) WHERE id LIKE '%:7'",
            "agree",
        ),
        ("DELETE FROM entity WHERE id LIKE '%:9'", "entities"),
        ("DELETE FROM meta WHERE key='head'", "head"),
    ],
)
def test_a_changed_row_is_found_before_a_start(data: Path, sql: str, said: str) -> None:
    flip(data, sql)
    before = (data / FILE).read_bytes()
    with pytest.raises(Unavailable, match="is damaged") as refused:
        start(data)
    assert said in refused.value.detail
    assert "restore" in refused.value.detail
    assert (data / FILE).read_bytes() == before  # kept as evidence
    assert problems(data)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_a_damaged_page_is_found_before_a_start(data: Path, part: float) -> None:
    flip(data, "SELECT 1")
    size = (data / FILE).stat().st_size
    with (data / FILE).open("r+b") as file:
        file.seek(int(size * part) // 8192 * 8192)
        file.write(b"\x5a" * 8192)
    with pytest.raises(Unavailable, match="is damaged"):
        start(data)


def test_who_has_no_backup_may_start_all_the_same(data: Path) -> None:
    flip(data, "UPDATE journal SET actor='nobody' WHERE seq=17")

    async def work() -> None:
        async with platform(data, start_damaged=True) as app:
            assert app.broker.find("urn:ngsi-ld:Device:7", FULL_ACCESS)

    run(work)


def test_of_a_large_ledger_the_end_is_looked_at(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from andaman.broker.ledger import startup_checks as sound

    monkeypatch.setattr(sound, "WHOLE_BYTES", 1)
    monkeypatch.setattr(sound, "TAIL", 50)
    start(data)
    flip(data, "UPDATE journal SET actor='nobody' WHERE seq=(SELECT max(seq) - 10 FROM journal)")
    with pytest.raises(Unavailable, match="was changed"):
        start(data)


def test_behind_the_start_the_structure_of_a_large_one_is_read(
    data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from andaman.broker.ledger import startup_checks as sound

    monkeypatch.setattr(sound, "WHOLE_BYTES", 1)
    check = sound.SlowCheck(data, wait_s=0.0)

    async def work() -> None:
        await check.start()
        assert check._task is not None
        await check._task
        await check.stop()

    run(work)
    assert check.wrong == ""
    flip(data, "SELECT 1")
    with (data / FILE).open("r+b") as file:
        file.seek(int((data / FILE).stat().st_size * 0.5) // 8192 * 8192)
        file.write(b"\x5a" * 8192)
    with caplog.at_level(logging.ERROR):
        run(work)
    assert check.wrong
    assert "is damaged" in caplog.text


# -- hosted contexts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["gone", "all gone", "cut", "garbage", "changed"])
def test_a_hosted_context_is_made_again(data: Path, how: str, caplog: pytest.LogCaptureFixture) -> None:
    (path,) = (one for one in (data / "contexts").glob("*.json") if b"example.org/speed" in one.read_bytes())
    if how == "gone":
        path.unlink()
    elif how == "all gone":
        shutil.rmtree(data / "contexts")
    elif how == "changed":
        path.write_bytes(path.read_bytes().replace(b"example.org/speed", b"example.org/spied"))
    else:
        path.write_bytes(path.read_bytes()[:20] if how == "cut" else b"\x00" * 300)

    async def work() -> None:
        async with platform(data) as app, client(app, Role.ADMINISTRATOR) as http:
            answer = await http.get(f"{B}/jsonldContexts/{path.stem}")
            assert answer.status_code == 200, answer.text
            assert answer.json() == CONTEXT
            assert (await http.delete(f"{B}/jsonldContexts/{path.stem}")).status_code == 204

    with caplog.at_level(logging.ERROR):
        run(work)
    assert "made again" in caplog.text
    caplog.clear()

    async def afterwards() -> None:
        async with platform(data) as app, client(app, Role.ADMINISTRATOR) as http:
            assert (
                await http.get(f"{B}/jsonldContexts/{path.stem}")
            ).status_code == 404  # deleted is deleted

    run(afterwards)
    assert "made again" not in caplog.text
