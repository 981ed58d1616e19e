"""Large objects in backups, restores and the doctor's report."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from andaman.app import App
from andaman.ingest.deadletter import DeadLetter, DeadLetterStore
from andaman.kernel.blobs import BlobClass, Blobs, Quotas
from andaman.kernel.errors import BadRequestData
from andaman.maintenance import backup_all, backup_into, check_set, examine, restore_all, restore_from
from andaman.maintenance.blobs import copy_blobs, place_blobs
from andaman.rooms import STORES
from andaman.settings import load_settings

from .support import platform, run

SCRATCH = BlobClass("scratch", 1 << 20, backed_up=False)
KEPT = BlobClass("kept", 1 << 20)


def files(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (data / "blobs").glob("*/*")}


async def filled(app: App) -> None:
    letter = DeadLetter(app.site.clock(), "f", "t", "bad-json", "no", b"z" * 9000)
    app.get(DeadLetterStore).add([letter])
    blobs = app.get(Blobs)
    for kind in (SCRATCH, KEPT):
        blobs.put([b"both"], kind, "me")
        blobs.put([kind.name.encode()], kind, "me")


def findings(data: Path) -> list[tuple[str, str]]:
    found = examine(load_settings({"data": str(data), "port": 0}, environ={}), STORES)
    return [(one.level, one.text) for one in found if one.subject == "blobs"]


@pytest.mark.parametrize("form", ["set", "tar"])
def test_a_backup_has_what_is_referenced_and_a_restore_verifies_it(tmp_path: Path, form: str) -> None:
    data, target, again = tmp_path / "data", tmp_path / f"copy.{form}", tmp_path / "again"

    async def work() -> None:
        async with platform(data) as app:
            await filled(app)
            (backup_all if form == "tar" else backup_into)(data, target)

    run(work)
    assert len(files(data)) == 4
    if form == "set":
        check_set(target)
    (restore_all if form == "tar" else restore_from)(target, again)
    assert set(files(again).values()) == {
        b"both",
        b"kept",
        b"z" * 9000,
    }  # a class that opted out is not there

    async def restored() -> None:
        async with platform(again) as app:
            letters = app.get(DeadLetterStore)
            assert letters.payload(letters.list_newest()[0]["id"]) == b"z" * 9000
            kept = app.get(Blobs).list_of("me")
            assert {one.kind for one in kept} == {"kept"}
            assert {app.get(Blobs).read(one.ref) for one in kept} == {b"both", b"kept"}

    run(restored)
    assert [level for level, _ in findings(again)] == ["ok"]


def test_a_restore_of_a_damaged_object_is_refused(tmp_path: Path) -> None:
    data, target, again = tmp_path / "data", tmp_path / "copy.tar", tmp_path / "again"

    async def work() -> None:
        async with platform(data) as app:
            await filled(app)

    run(work)
    for path in (data / "blobs").glob("*/*"):
        path.write_bytes(b"x" * path.stat().st_size)
    backup_all(data, target)
    with pytest.raises(BadRequestData, match="has another content"):
        restore_all(target, again)
    assert not (again / "blobs").exists()
    assert not (again / "identity.db").exists()
    with tarfile.open(target) as tar:
        assert "blobs.tar" in tar.getnames()


def test_a_backup_beside_changes_refers_to_nothing_that_it_lacks(tmp_path: Path) -> None:
    """An object that goes while the backup runs is in neither of its parts."""
    blobs = Blobs(tmp_path / "data", Quotas(1 << 30, 1 << 30))
    gone, kept = (blobs.put([body], KEPT, "me") for body in (b"gone", b"kept"))
    (tmp_path / "data" / "blobs" / gone.digest[:2] / gone.digest).unlink()
    (tmp_path / "copy").mkdir()
    assert copy_blobs(tmp_path / "data", tmp_path / "copy") == ["blobs.db", "blobs.tar"]
    again = tmp_path / "again"
    again.mkdir()
    shutil.copy(tmp_path / "copy" / "blobs.db", again)
    place_blobs(tmp_path / "copy" / "blobs.tar", again)
    restored = Blobs(again, Quotas(1 << 30, 1 << 30))
    assert [one.ref for one in restored.list_of("me")] == [kept.ref]
    restored.close()
    blobs.close()


def test_the_doctor_reads_every_object(tmp_path: Path) -> None:
    data = tmp_path / "data"

    async def work() -> None:
        async with platform(data) as app:
            await filled(app)

    run(work)
    assert findings(data) == [("ok", "All 4 large objects have the content that they should (0.0 MB).")]
    first, second, *_ = sorted((data / "blobs").glob("*/*"))
    first.write_bytes(b"other")
    second.unlink()
    damaged, missing = findings(data)
    assert damaged[0] == missing[0] == "problem"
    assert f"{first} is damaged" in damaged[1]
    assert f"{second} is missing" in missing[1]
