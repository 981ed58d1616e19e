"""A backup set: a directory of base copies and of pieces of the journal between them, from which any instant can be
had again. Every member is a directory of its own with a manifest of checksums, and appears whole or not at all.

    base-000000001200/                 manifest.json, ledger.sqlite3, identity.db, …
    journal-000000001200-000000003400/ manifest.json, journal.gz, identity.db, …
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from andaman import __version__
from andaman.broker.ledger import maintenance as ledger
from andaman.broker.ledger.replay import cut_back, roll_forward
from andaman.broker.ledger.schema import DirectoryLock
from andaman.broker.ledger.segment import Line, Point, read_segment, write_segment
from andaman.ingest import renew_client_id
from andaman.kernel.blobs import FOLDER as BLOBS
from andaman.kernel.errors import BadRequestData, Conflict, ResourceNotFound, Unavailable
from andaman.kernel.restored import mark_restored
from andaman.kernel.time import Micros, format_time, parse_time, system_clock
from andaman.maintenance.files import (
    LEDGER,
    begun,
    copy_small,
    digest,
    last_point,
    place_small,
    reaches,
    remove_small,
    sync,
    until,
)

MANIFEST: Final = "manifest.json"
JOURNAL: Final = "journal.gz"
PART: Final = ".part-"
_FORMAT: Final = 2
_NAME: Final = re.compile(r"(base|journal)-\d{12}(-\d{12})?")


@dataclass(frozen=True, slots=True)
class Member:
    """One part of a set: ``start`` (journal only) and ``end`` of the changes it holds, and the files with their
    digests.
    """

    path: Path
    is_base: bool
    made: Micros
    start: Point
    end: Point
    files: dict[str, str]

    @property
    def reach(self) -> Micros:
        return reaches(self.end.at, self.made)


# -- making ---------------------------------------------------------------------------------------------------------
def backup_into(directory: Path, target: Path, *, full: bool = False, keep: int = 0, spare: int = 0) -> str:
    """Add to the set in ``target``: a base copy when there is none or on wish (``full``), else the journal since the
    last member. Safe beside a running platform. Returns a sentence.

    ``keep``: after a new base, remove older ones beyond so many, with the journal before the oldest kept (0: remove
    nothing). ``spare``: bytes that the target's disk must have left.

    Raises Conflict where the set belongs to another journal or two backups go into it at once, Unavailable on a disk
    error; then the set is as it was.
    """
    if not (directory / LEDGER).is_file():
        raise ResourceNotFound(f"There is no data in {directory} to back up")
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = DirectoryLock(target)
    except OSError as error:
        raise Unavailable(f"{target} cannot be used: {error.strerror or error}") from None
    try:
        for left in target.glob(f"{PART}*"):  # of a backup that was interrupted
            shutil.rmtree(left)
        members = read_set(target) if any(target.iterdir()) else []
        if not members and set(os.listdir(target)) - {"lock"}:
            raise Conflict(f"{target} holds other things than backups; choose an empty or new directory")
        said = []
        if members:
            if shutil.disk_usage(target).free < spare:
                raise Unavailable(_room(target, spare))
            last = max(members, key=lambda member: member.end.seq)
            said.append(_add_journal(directory, target, last.end))
        if full or not members:
            _has_room(directory, target, spare)
            said.append(_add_base(directory, target))
        if keep:
            said += _drop_old(target, keep)
        return "; ".join(said)
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"The backup into {target} failed: {error}") from None
    finally:
        lock.release()


def _has_room(directory: Path, target: Path, spare: int) -> None:
    """Before a base is begun: it would fill the disk, and where that is the data's own, stop all writing."""
    files = [directory / name for name in (LEDGER, f"{LEDGER}-wal")] + list((directory / BLOBS).glob("*/*"))
    needed = spare + sum(file.stat().st_size for file in files if file.exists())
    if shutil.disk_usage(target).free < needed:
        raise Unavailable(_room(target, needed))


def _room(target: Path, needed: int) -> str:
    free = shutil.disk_usage(target).free
    return (
        f"The disk of {target} has {free >> 20} MB free, a backup needs about {(needed >> 20) + 1} MB. "
        "Make room, or remove the oldest base with the journals up to the next"
    )


def _drop_old(target: Path, keep: int) -> list[str]:
    """Remove everything before the ``keep`` newest bases, once the newest was read and is sound."""
    members = read_set(target)
    bases = [member for member in members if member.is_base]
    if len(bases) <= keep:
        return []
    _check(bases[-1])
    first = bases[-keep]
    # A piece of a quiet hour ends where the base does, but was made after it.
    old = [m for m in members if m.end.seq <= first.end.seq and m.made < first.made]
    for member in old:
        doomed = (
            target / f"{PART}{member.path.name}"
        )  # gone at once; swept by the next backup if this one is killed
        os.rename(member.path, doomed)
        shutil.rmtree(doomed)
    sync(target)
    return [f"{len(old)} older members removed"]


def _add_base(directory: Path, target: Path) -> str:
    with tempfile.TemporaryDirectory(dir=target, prefix=PART) as name:
        folder, made = Path(name), system_clock()
        copy_small(directory, folder)
        ledger.backup(directory, folder / LEDGER)
        end = last_point(folder / LEDGER)
        path = target / f"base-{end.seq:012}"
        if path.exists():
            return f"{path.name} is there already"
        _finish(folder, path, {"kind": "base", "made": format_time(made), "end": _point_json(end)})
    size = (path / LEDGER).stat().st_size
    return f"{path}: {size / 1e6:.1f} MB, all up to journal position {end.seq}"


def _add_journal(directory: Path, target: Path, after: Point) -> str:
    with tempfile.TemporaryDirectory(dir=target, prefix=PART) as name:
        folder, made = Path(name), system_clock()
        copy_small(directory, folder)
        end = write_segment(directory, after, folder / JOURNAL)
        path = target / f"journal-{after.seq:012}-{end.seq:012}"
        if end == after and path.exists():
            shutil.rmtree(path)  # nothing new but the time
        told = {
            "kind": "journal",
            "made": format_time(made),
            "start": _point_json(after),
            "end": _point_json(end),
        }
        _finish(folder, path, told)
    return f"{path}: {end.seq - after.seq} journal rows up to position {end.seq}"


def _finish(folder: Path, path: Path, told: dict[str, Any]) -> None:
    """Add the manifest, bring all to disk, and give the member its name."""
    for file in folder.iterdir():
        os.chmod(file, 0o600)
        sync(file)
    files = {file.name: digest(file) for file in sorted(folder.iterdir())}
    text = json.dumps({"format": _FORMAT, "version": __version__, **told, "files": files}, indent=1)
    (folder / MANIFEST).write_text(text, "utf-8")
    sync(folder / MANIFEST)
    sync(folder)
    # The temporary directory's own end must find a directory to remove.
    whole = folder / "whole"
    whole.mkdir()
    for name in [*files, MANIFEST]:
        os.rename(folder / name, whole / name)
    os.rename(whole, path)
    sync(path)
    sync(path.parent)


def _point_json(end: Point) -> dict[str, Any]:
    return {"seq": end.seq, "hash": end.head.hex(), "at": end.at}


# -- reading --------------------------------------------------------------------------------------------------------
def read_set(source: Path) -> list[Member]:
    """The members of a set in the order of their ends. Raises BadRequestData where it is none or a manifest is broken."""
    members = [_member(path) for path in sorted(source.iterdir()) if _NAME.fullmatch(path.name)]
    return sorted(members, key=lambda member: (member.end.seq, not member.is_base, member.made))


def _member(path: Path) -> Member:
    try:
        told = json.loads((path / MANIFEST).read_text("utf-8"))
        if told["format"] != _FORMAT:
            raise BadRequestData(
                f"{path} is a backup of format {told['format']}; this version reads {_FORMAT}"
            )
        is_base = told["kind"] == "base"
        end = _point(told["end"])
        files = {str(name): str(value) for name, value in told["files"].items()}
        if (LEDGER if is_base else JOURNAL) not in files or any(Path(name).name != name for name in files):
            raise ValueError("it does not name the files of a backup")
        start = end if is_base else _point(told["start"])
        return Member(path, is_base, parse_time(told["made"]), start, end, files)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadRequestData(
            f"{path / MANIFEST} is damaged ({error}). Take this member from another copy of the set, or remove it; "
            "the changes that it holds are then missing"
        ) from None


def _point(told: dict[str, Any]) -> Point:
    return Point(int(told["seq"]), bytes.fromhex(told["hash"]), int(told["at"]))


def _check(member: Member, names: list[str] | None = None) -> None:
    """Raises Conflict if a file is missing or has changed."""
    for name in names if names is not None else member.files:
        file = member.path / name
        if not file.is_file():
            raise Conflict(f"{file} is missing")
        if digest(file) != member.files[name]:
            raise Conflict(
                f"{file} is damaged: its content differs from the file that was written (SHA-256). "
                "Take it from another copy of the set, or restore to a time that another base covers"
            )


def check_set(source: Path) -> str:
    """Look at every file of a set. Raises Conflict or BadRequestData at the first that is not sound."""
    members = _members(source)
    for member in members:
        _check(member)
    for base in (member for member in members if member.is_base):
        list(_after(members, base.end))
    first, last = members[0], members[-1]
    return (
        f"{source}: {len(members)} members are sound; they hold everything until {format_time(last.reach)} "
        f"(journal position {last.end.seq}). The oldest base is of {format_time(first.made)}"
    )


def _members(source: Path) -> list[Member]:
    if not source.is_dir():
        raise ResourceNotFound(f"There is no directory {source}")
    members = read_set(source)
    if not any(member.is_base for member in members):
        raise BadRequestData(f"{source} has no base copy; it is not a backup set, or its base was removed")
    return members


def _after(members: list[Member], end: Point) -> Iterator[Member]:
    """The journal members that go on from ``end``, in order, as far as there is no gap.

    Raises Conflict where one belongs to another journal.
    """
    for member in members:
        if member.is_base or member.end.seq < end.seq or (member.end.seq == end.seq and member.start != end):
            continue
        if member.start.seq > end.seq:
            return
        if member.start.seq == end.seq and member.start.head != end.head:
            raise Conflict(f"{member.path} does not go on from journal row {end.seq} of the set")
        yield member
        end = member.end


# -- restoring ------------------------------------------------------------------------------------------------------
def restore_from(source: Path, directory: Path, at: Micros | None = None) -> str:
    """Make an empty or new directory the platform's data as of the instant ``at``, or of the set's end.

    What was committed at ``at`` itself is in. Accounts and what else stands in the small databases are as in the last
    member that was made until then. Checksums are verified first, the hash chain and the state afterwards.
    """
    members = _members(source)
    base, added = _plan(source, members, at)
    holder = max((m for m in members if at is None or m.made <= at), key=lambda m: m.made, default=members[0])
    _check(base, [LEDGER])
    for member in added:
        _check(member, [JOURNAL])
    small = [name for name in holder.files if name not in (LEDGER, JOURNAL)]
    _check(holder, small)

    def change(db: sqlite3.Connection) -> None:
        if added:
            roll_forward(db, _lines(added), at)
        if at is not None:
            begun(db, at, source)
            if base.end.at > at:
                cut_back(db, at)

    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(directory.glob("*.db")) or (directory / LEDGER).exists():
            raise Conflict(f"{directory} holds data already; restore into an empty directory, then swap them")
        # The ledger comes last: without it a directory is no platform's, and nothing can start on a half.
        try:
            place_small(holder.path, small, directory)
            renew_client_id(directory)
            mark_restored(directory)
            end = ledger.restore(base.path / LEDGER, directory, change if added or at is not None else None)
        except BaseException:
            remove_small(small, directory)
            raise
    except OSError as error:
        raise Unavailable(f"The restore into {directory} failed: {error.strerror or error}") from None
    when = "the end of the set" if at is None else format_time(at)
    return (
        f"{directory} is as it was at {when}, up to journal position {end.seq} of {format_time(end.at)}; "
        f"accounts as of {format_time(holder.made)}"
    )


def _plan(source: Path, members: list[Member], at: Micros | None) -> tuple[Member, list[Member]]:
    """The base to begin with, and the journal members to add to it."""
    bases = [member for member in members if member.is_base]
    if at is None:
        last = bases[-1]
        return last, [member for member in _after(members, last.end) if member.end.seq > last.end.seq]
    until(at, max(member.reach for member in members), source)
    for base in reversed(bases):
        if base.end.at > at:
            continue
        if base.reach >= at:
            return base, []
        added = []
        for member in _after(members, base.end):
            added.append(member)
            if member.reach >= at:
                return base, added
    later = next((base for base in bases if base.end.at > at), None)
    if later is None:
        raise Conflict(f"{source} lacks the journal between its last base and {format_time(at)}")
    return later, []


def _lines(members: list[Member]) -> Iterator[Line]:
    for member in members:
        yield from read_segment(member.path / JOURNAL)
