"""Scheduled backups: made beside a running platform, bounded in number, and loud when they fail."""

import asyncio
import json
import shutil

import pytest

from andaman.broker.entity.build import entity, prop, value
from andaman.broker.model import OpKind, WriteOp
from andaman.identity.model import FULL_ACCESS, Role, system_actor
from andaman.kernel.errors import Conflict, Unavailable
from andaman.kernel.time import HOUR, MINUTE, system_clock
from andaman.maintenance import backup_into, check_set, examine, restore_from, schedule
from andaman.maintenance.job import wants_base
from andaman.maintenance.schedule import BackupKeeper, BackupSettings, plan_of
from andaman.maintenance.sets import read_set
from andaman.observe.metrics import Metrics
from andaman.rooms import STORES
from andaman.server import listen
from andaman.server import run as serve
from andaman.settings import load_settings

from .support import client, platform, run

ACTOR = system_actor("test")


def settings_of(root, **more):
    chosen = {
        "data": str(root / "data"),
        "backup_dir": str(root / "set"),
        "port": 0,
        "min_free_mb": 0,
        **more,
    }
    return load_settings(chosen, environ={})


def put(number):
    doc = entity("urn:ngsi-ld:Device:1", "Device", counter=prop(number))
    return WriteOp(OpKind.UPSERT_UPDATE, doc["id"], doc)


def told(keeper):
    return {family.name: family.values[0][1] for family in keeper.metrics()}


def doctor(settings, **more):
    return [(f.level, f.text) for f in examine(settings.replace(**more), STORES) if f.subject == "backup"]


def test_backups_are_made_beside_writes_and_give_back_what_was_acknowledged(tmp_path):
    settings = settings_of(tmp_path)

    async def work():
        async with platform(tmp_path / "data") as app, client(app, Role.ADMINISTRATOR):
            keeper = BackupKeeper(plan_of(settings.site, settings.of(BackupSettings)))
            stop, done = asyncio.Event(), 0

            async def write():
                nonlocal done
                while not stop.is_set():
                    await app.broker.write([put(done + 1)], ACTOR)
                    done += 1

            writing = asyncio.create_task(write())
            assert told(keeper)["andaman_backup_last_success_timestamp_seconds"] == 0
            for _ in range(2):
                before = done
                await keeper.back_up()
                assert keeper.trouble == ""
                copy = tmp_path / f"copy-{before}"
                restore_from(tmp_path / "set", copy)
                async with platform(copy) as there:
                    found = there.broker.find("urn:ngsi-ld:Device:1", FULL_ACCESS)
                    assert before <= (0 if found is None else value(found, "counter")) <= done
            stop.set()
            await writing
            assert done > 50, "writers were stopped"
            assert told(keeper)["andaman_backup_trouble"] is False
            made = told(keeper)["andaman_backup_last_success_timestamp_seconds"]
            assert 0 <= system_clock() / 1e6 - made < 300
        kinds = [member.is_base for member in read_set(tmp_path / "set")]
        assert kinds == [True, False]

    run(work)
    ((level, text),) = doctor(settings)
    assert level == "ok"
    assert "copy it to another machine" in text


def test_a_failure_shows_in_the_log_the_metrics_and_the_doctor_and_heals(tmp_path, caplog):
    settings = settings_of(tmp_path)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "holiday.jpg").write_bytes(b"x")

    async def work():
        async with platform(tmp_path / "data") as app:
            await app.broker.write([put(1)], ACTOR)
            keeper = BackupKeeper(plan_of(settings.site, settings.of(BackupSettings)))
            await keeper.back_up()
            assert "holds other things than backups" in keeper.trouble
            assert told(keeper)["andaman_backup_trouble"] is True
            assert "holds other things than backups" in caplog.text
            assert "next try in 15 min" in caplog.text
            assert doctor(settings)[0][0] == "warning"
            (tmp_path / "set" / "holiday.jpg").unlink()
            await keeper.back_up()
            assert keeper.trouble == ""
            assert told(keeper)["andaman_backup_trouble"] is False

    run(work)
    assert doctor(settings)[0][0] == "ok"
    for manifest in (tmp_path / "set").glob("*/manifest.json"):
        content = json.loads(manifest.read_text())
        content["made"] = "2026-01-01T00:00:00Z"
        manifest.write_text(json.dumps(content))
    ((level, text),) = doctor(settings)
    assert level == "problem"
    assert "one is due every 15 minutes" in text
    next((tmp_path / "set").glob("base-*/manifest.json")).write_text("{")
    ((level, text),) = doctor(settings)
    assert level == "problem"
    assert "manifest.json is damaged" in text


def test_the_server_begins_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(schedule, "FIRST_S", 0.1)
    from andaman.app import build

    async def work():
        app = build(settings_of(tmp_path))
        serving = asyncio.create_task(serve(app, listen("127.0.0.1", 0)))
        for _ in range(600):
            if (tmp_path / "set").is_dir() and read_set(tmp_path / "set"):
                break
            await asyncio.sleep(0.1)
        text = (await app.get(Metrics).text()).decode()
        assert "andaman_backup_trouble 0.0" in text
        for task in asyncio.all_tasks():
            if task.get_name() == "http":
                app.site.stopping.set()
                task.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    run(work)
    check_set(tmp_path / "set")


def test_old_bases_go_with_their_journal_and_what_is_kept_gives_back_every_instant(tmp_path):
    at = {}

    async def work():
        async with platform(tmp_path / "data") as app:
            for step in range(6):
                await app.broker.write([put(step)], ACTOR)
                at[step] = (await app.broker.read_events(app.broker.seq - 1))[-1].at
                backup_into(tmp_path / "data", tmp_path / "set", full=step % 2 == 1, keep=2)
                if step == 3:
                    backup_into(tmp_path / "data", tmp_path / "set")  # a quiet hour
                await asyncio.sleep(0.01)

    run(work)
    members = read_set(tmp_path / "set")
    assert sum(member.is_base for member in members) == 2
    check_set(tmp_path / "set")
    for step in (3, 4, 5):
        restore_from(tmp_path / "set", tmp_path / f"r{step}", at[step])

        async def same(step=step):
            async with platform(tmp_path / f"r{step}") as app:
                assert value(app.broker.get("urn:ngsi-ld:Device:1", FULL_ACCESS), "counter") == step

        run(same)


def test_old_bases_stay_where_the_new_one_is_damaged(tmp_path, monkeypatch):
    async def work():
        async with platform(tmp_path / "data") as app:
            await app.broker.write([put(1)], ACTOR)
            backup_into(tmp_path / "data", tmp_path / "set")
            await app.broker.write([put(2)], ACTOR)

    run(work)
    from andaman.maintenance import sets

    def damaged(member, names=None):
        raise Conflict(f"{member.path} is damaged")

    monkeypatch.setattr(sets, "_check", damaged)
    with pytest.raises(Conflict):
        backup_into(tmp_path / "data", tmp_path / "set", full=True, keep=1)
    assert sum(member.is_base for member in read_set(tmp_path / "set")) == 2


def test_a_base_is_made_when_the_newest_is_old_enough(tmp_path):
    assert wants_base(tmp_path / "set", HOUR, system_clock())

    async def work():
        async with platform(tmp_path / "data"):
            backup_into(tmp_path / "data", tmp_path / "set")

    run(work)
    assert not wants_base(tmp_path / "set", HOUR, system_clock())
    assert wants_base(tmp_path / "set", HOUR, system_clock() + HOUR + MINUTE)


def test_a_backup_never_fills_the_disk(tmp_path, monkeypatch):
    async def work():
        async with platform(tmp_path / "data"):
            pass

    run(work)
    backup_into(tmp_path / "data", tmp_path / "set")
    usage = shutil.disk_usage(tmp_path)._replace(free=100 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    for full in (False, True):
        with pytest.raises(Unavailable, match=r"has 100 MB free, a backup needs about 20\d MB. Make room"):
            backup_into(tmp_path / "data", tmp_path / "set", full=full, spare=200 << 20)
    with pytest.raises(Unavailable, match="Make room"):
        backup_into(tmp_path / "data", tmp_path / "new", spare=200 << 20)


def test_a_set_in_the_data_directory_is_refused_at_the_start_and_by_the_doctor(tmp_path):
    settings = settings_of(tmp_path, backup_dir=str(tmp_path / "data" / "set"))
    with pytest.raises(Unavailable, match="Choose a directory elsewhere"):
        plan_of(settings.site, settings.of(BackupSettings))
    assert doctor(settings)[0][0] == "problem"
    empty = settings_of(tmp_path, backup_dir="")
    assert plan_of(empty.site, empty.of(BackupSettings)) is None


def test_a_platform_that_stops_in_the_middle_of_a_backup_leaves_the_set_whole(tmp_path):
    settings = settings_of(tmp_path)

    async def work():
        async with platform(tmp_path / "data") as app:
            docs = [entity(f"urn:ngsi-ld:Device:{n}", "Device", note=prop("x" * 2_000)) for n in range(2_000)]
            await app.broker.write([WriteOp(OpKind.CREATE, doc["id"], doc) for doc in docs], ACTOR)
            keeper = BackupKeeper(plan_of(settings.site, settings.of(BackupSettings)))
            for wait_s in (0.0, 0.3, 0.5, 0.7):
                task = asyncio.create_task(keeper.back_up())
                await asyncio.sleep(wait_s)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                if (tmp_path / "set").is_dir() and read_set(tmp_path / "set"):
                    check_set(tmp_path / "set")
            await keeper.back_up()
            assert keeper.trouble == ""
            assert not list((tmp_path / "set").glob(".part-*"))

    run(work)
    check_set(tmp_path / "set")
