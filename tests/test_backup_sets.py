"""A backup set gives back any instant that it reaches, and refuses with a reason whatever is not sound."""

import asyncio
import json
import random
import shutil

import pytest

from andaman.broker.entity.build import entity, prop, value
from andaman.broker.ledger.journal import Journal
from andaman.broker.ledger.schema import connect
from andaman.broker.model import OpKind, WriteOp
from andaman.cli import main
from andaman.identity.model import FULL_ACCESS, Role, system_actor
from andaman.ingest import open_client_id
from andaman.kernel.errors import BadRequestData, Conflict
from andaman.kernel.time import HOUR, format_time, system_clock
from andaman.maintenance import backup_all, backup_into, check_set, restore_all, restore_from

from .support import client, platform, run

ACTOR = system_actor("test")


def put(number, step):
    doc = entity(f"urn:ngsi-ld:Device:{number}", "Device", counter=prop(step))
    return WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc)


def docs_of(broker):
    return {("", doc["id"]): doc for doc in broker.iter_entities([], FULL_ACCESS)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(live directory, its set): a base, three segments and another base, all taken under load."""
    root = tmp_path_factory.mktemp("sets")

    async def work():
        async with platform(root / "live") as app, client(app, Role.ADMINISTRATOR):
            stop = asyncio.Event()

            async def load(lane):
                step = 0
                while not stop.is_set():
                    step += 1
                    await app.broker.write([put(lane * 20 + step % 20, step)], ACTOR)

            tasks = [asyncio.create_task(load(lane)) for lane in range(4)]
            for part in range(5):
                goal = app.broker.seq + 200
                async for events in app.broker.follow(app.broker.seq):
                    if events[-1].seq >= goal:
                        break
                await asyncio.to_thread(backup_into, root / "live", root / "set", full=part == 3)
            stop.set()
            await asyncio.gather(*tasks)

    run(work)
    return root / "live", root / "set"


def test_every_instant_that_the_set_reaches_comes_back_exactly(made, tmp_path):
    live, source = made
    check_set(source)
    names = sorted(path.name.partition("-")[0] for path in source.iterdir() if path.is_dir())
    assert names == ["base", "base", "journal", "journal", "journal", "journal"]
    db = connect(live)
    journal = Journal(db)
    ends = [
        json.loads((p / "manifest.json").read_text())["end"]["at"] for p in source.iterdir() if p.is_dir()
    ]
    first = journal.slice(0, 1)[0].at
    rng = random.Random(3)
    times = [first, max(ends), *(rng.randrange(first, max(ends)) for _ in range(4))]
    for n, at in enumerate(times):
        restore_from(source, tmp_path / f"r{n}", at)

        async def same(n=n, at=at):
            async with platform(tmp_path / f"r{n}") as copy:
                told = {key: doc for key, doc in docs_of(copy.broker).items() if "Device" in key[1]}
                past = journal.state_at(at, "")
                assert told == {key: doc for key, doc in past.items() if "Device" in key[1]}

        run(same)
    db.close()


def test_the_newest_state_and_the_accounts_come_back(made, tmp_path):
    _, source = made
    said = restore_from(source, tmp_path / "r")
    assert "the end of the set" in said

    async def work():
        async with platform(tmp_path / "r") as app, client(app, Role.ADMINISTRATOR) as http:
            assert (await http.get("/auth/me")).json()["principal"]["id"] == "user:test-administrator"
            before = app.broker.seq
            await app.broker.write([put("new", 1)], ACTOR)
            assert app.broker.seq == before + 1

    run(work)


def test_a_time_before_the_journal_begins_is_refused_instead_of_an_empty_city(made, tmp_path):
    first = Journal(connect(made[0])).slice(0, 1)[0].at
    with pytest.raises(BadRequestData, match=r"nothing had been written yet.*begins at 20"):
        restore_from(made[1], tmp_path / "r", first - 1)
    assert not list((tmp_path / "r").glob("*.db"))
    assert not (tmp_path / "r" / "ledger.sqlite3").exists()


def test_a_time_behind_the_set_is_refused_with_how_far_it_reaches(made, tmp_path):
    with pytest.raises(BadRequestData, match=r"reaches until 20.*Take another backup first"):
        restore_from(made[1], tmp_path / "r", system_clock() + HOUR)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("kind", ["base", "journal"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "manifest"])
def test_a_damaged_member_is_refused_by_name_and_nothing_is_made(made, tmp_path, kind, harm):
    shutil.copytree(made[1], tmp_path / "set")
    path = sorted((tmp_path / "set").glob(f"{kind}-*"))[-1]
    file = path / ("ledger.sqlite3" if kind == "base" else "journal.gz")
    content = bytearray(file.read_bytes())
    if harm == "flip":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif harm == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif harm == "remove":
        file.unlink()
    else:
        (path / "manifest.json").write_text("{")
    words = "manifest.json is damaged" if harm == "manifest" else f"{file.name} is (damaged|missing)"
    for ask in (lambda: check_set(tmp_path / "set"), lambda: restore_from(tmp_path / "set", tmp_path / "r")):
        with pytest.raises((Conflict, BadRequestData), match=words):
            ask()
    assert not (tmp_path / "r" / "ledger.sqlite3").exists()


def test_a_set_belongs_to_one_journal_and_a_directory_of_other_things_is_left_alone(made, tmp_path):
    shutil.copytree(made[1], tmp_path / "set")

    async def work():
        async with platform(tmp_path / "other") as app:
            await app.broker.write([put(n, 1) for n in range(5)], ACTOR)

    run(work)
    before = sorted((tmp_path / "set").rglob("*"))
    with pytest.raises(Conflict, match="does not continue from row"):
        backup_into(tmp_path / "other", tmp_path / "set")
    assert sorted((tmp_path / "set").rglob("*")) == before
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    with pytest.raises(Conflict, match="holds other things"):
        backup_into(tmp_path / "other", tmp_path / "home")


def test_what_an_interrupted_backup_left_is_swept_and_never_read(made, tmp_path):
    live, source = made
    shutil.copytree(source, tmp_path / "set")
    (tmp_path / "set" / ".part-x").mkdir()
    (tmp_path / "set" / ".part-x" / "journal.gz").write_bytes(b"half")
    check_set(tmp_path / "set")
    backup_into(live, tmp_path / "set")
    assert not (tmp_path / "set" / ".part-x").exists()
    check_set(tmp_path / "set")


def test_the_command_line_backs_up_checks_and_restores_to_a_time(tmp_path, capsys):
    async def write(step):
        async with platform(tmp_path / "a") as app:
            await app.broker.write([put(1, step)], ACTOR)

    run(lambda: write(1))
    data = ["--data", str(tmp_path / "a")]
    assert main(["backup", str(tmp_path / "set"), *data]) == 0
    noon = system_clock()
    run(lambda: write(2))
    assert main(["backup", str(tmp_path / "set"), *data]) == 0
    assert main(["backup", str(tmp_path / "set"), *data]) == 0  # with nothing new
    assert main(["backup", str(tmp_path / "set"), "--check", *data]) == 0
    assert "are sound" in capsys.readouterr().out
    assert main(["backup", str(tmp_path / "all.tar"), *data]) == 0
    for n, source in enumerate(("set", "all.tar")):
        into = ["--data", str(tmp_path / f"b{n}")]
        assert main(["restore", str(tmp_path / source), "--at", format_time(noon), *into]) == 0

        async def as_at_noon(n=n):
            async with platform(tmp_path / f"b{n}") as app:
                assert value(app.broker.get("urn:ngsi-ld:Device:1", FULL_ACCESS), "counter") == 1

        run(as_at_noon)
    assert main(["restore", str(tmp_path / "set"), "--at", "yesterday", "--data", str(tmp_path / "c")]) == 1
    assert "--at yesterday" in capsys.readouterr().err


def test_contexts_hosted_by_the_platform_are_in_the_backup(tmp_path):
    (tmp_path / "a").mkdir()

    async def host():
        async with platform(tmp_path / "a") as app, client(app, Role.ADMINISTRATOR) as http:
            answer = await http.post(
                "/ngsi-ld/v1/jsonldContexts",
                json={"@context": {"shoe": "https://example.org/shoe"}},
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code == 201, answer.text
            return answer.headers["location"]

    places = []

    async def work():
        places.append(await host())

    run(work)
    backup_into(tmp_path / "a", tmp_path / "set")
    restore_from(tmp_path / "set", tmp_path / "b")

    async def there():
        async with platform(tmp_path / "b") as app, client(app, Role.ADMINISTRATOR) as http:
            answer = await http.get(places[0][places[0].index("/ngsi-ld") :])
            assert answer.json()["@context"]["shoe"] == "https://example.org/shoe"

    run(there)


def test_a_restored_copy_has_an_mqtt_client_id_of_its_own(made, tmp_path):
    """So it takes no messages of the platform that it was restored from; from a set and from one file alike."""
    live, source = made
    mine = open_client_id(live).text
    backup_all(live, tmp_path / "one.tar")
    restore_all(tmp_path / "one.tar", tmp_path / "file")
    restore_from(source, tmp_path / "set")
    restored = [open_client_id(tmp_path / name) for name in ("file", "set")]
    assert len({mine, *(one.text for one in restored)}) == 3
    assert [one.former for one in restored] == ["", ""]  # and it takes over no session
