"""The common base of both kinds of backup: copies of small databases, checksums, and how far a backup reaches."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sqlite3
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from andaman.broker.ledger import maintenance as ledger
from andaman.broker.ledger.schema import FILE, lock_holder
from andaman.broker.ledger.segment import Point, point
from andaman.broker.snapshots.store import FOLDER as SNAPSHOTS
from andaman.broker.subscriptions.store import FILE as SUBSCRIPTIONS
from andaman.identity.roles import FILE as ROLES
from andaman.ingest.client_id import FILE as CLIENT_ID
from andaman.kernel.blobs import FILE as BLOBS
from andaman.kernel.blobs import FOLDER
from andaman.kernel.errors import BadRequestData, ResourceNotFound
from andaman.kernel.storage import copy_database
from andaman.kernel.time import MINUTE, Micros, format_time
from andaman.maintenance.blobs import TAR, copy_blobs, place_blobs

LEDGER: Final = FILE
CONTEXTS: Final = "contexts.tar"
_SNAPSHOT: Final = re.compile(r"snapshot-([0-9a-f]{24})(-subscriptions)?\.db")
"""The content of a snapshot in a backup, and the subscriptions on it."""
_IN_FLIGHT: Final[Micros] = MINUTE
"""A commit has its time when it begins; no commit takes as long, so that all before then are in the copy."""


def small_databases(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("*.db"))


def copy_small(directory: Path, target: Path) -> list[str]:
    """Copies of all files except the ledger that cannot be made again: small databases, the city's roles, JSON-LD
    contexts.

    Take them before the ledger: what they refer to must be in it. Returns the names.
    """
    names = small_databases(directory)
    for name in names:
        if name != BLOBS:
            copy_database(directory / name, target / name)
    for path in sorted((directory / SNAPSHOTS).glob(f"*/{FILE}")):
        name = f"snapshot-{path.parent.name}.db"
        if _SNAPSHOT.fullmatch(name) is not None:  # else it is still being made
            with contextlib.suppress(ResourceNotFound):  # deleted a moment ago
                ledger.backup(path.parent, target / name)
                os.chmod(target / name, 0o600)
                names.append(name)
            told = path.with_name(SUBSCRIPTIONS)
            if told.is_file():
                name = name.replace(".db", "-subscriptions.db")
                copy_database(told, target / name)
                names.append(name)
    if (directory / ROLES).is_file():
        shutil.copyfile(directory / ROLES, target / ROLES)
        os.chmod(target / ROLES, 0o600)
        names.append(ROLES)
    contexts = sorted((directory / "contexts").glob("*.json"))
    if contexts:
        with tarfile.open(target / CONTEXTS, "w") as tar:
            for path in contexts:
                with contextlib.suppress(FileNotFoundError):  # deleted a moment ago
                    tar.add(path, arcname=path.name)
        names.append(CONTEXTS)
    return list(dict.fromkeys([*names, *copy_blobs(directory, target)]))


def place_small(source: Path, names: Sequence[str], directory: Path) -> None:
    """Put such copies into a new data directory. Raises BadRequestData where contexts or large objects are damaged."""
    for name in names:
        if name not in (CONTEXTS, TAR):
            _place(source / name, _place_of(name, directory))
            continue
        try:
            if name == TAR:
                place_blobs(source / name, directory)
                continue
            with tarfile.open(source / name, "r:") as tar:
                (directory / "contexts").mkdir(exist_ok=True)
                for member in tar:
                    content = tar.extractfile(member)
                    if content is None or Path(member.name).name != member.name:
                        raise BadRequestData(f"{source / name} names {member.name!r}, which is not a context")
                    (directory / "contexts" / member.name).write_bytes(content.read())
        except tarfile.TarError as error:
            raise BadRequestData(f"{source / name} is damaged: {error}") from None


def _place_of(name: str, directory: Path) -> Path:
    content = _SNAPSHOT.fullmatch(name)
    if content is None:
        return directory / name
    return directory / SNAPSHOTS / content[1] / (SUBSCRIPTIONS if content[2] else FILE)


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(source, target)
    os.chmod(target, 0o600)
    sync(target)


def remove_small(names: Sequence[str], directory: Path) -> None:
    """Take away what ``place_small`` put there, and the new client id."""
    for name in [*names, CLIENT_ID]:
        (directory / name).unlink(missing_ok=True)
    for folder in ("contexts", SNAPSHOTS, FOLDER):
        shutil.rmtree(directory / folder, ignore_errors=True)


def give_way(directory: Path) -> None:
    """While the platform runs, work with low priority from here on."""
    if lock_holder(directory) not in (None, str(os.getpid())):
        with contextlib.suppress(OSError):
            os.nice(10)


def digest(file: Path) -> str:
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def last_point(file: Path) -> Point:
    """The end of the journal in a copy of the ledger."""
    db = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    try:
        found = point(db)
    finally:
        db.close()
    assert found is not None
    return found


def reaches(end: Micros, made: Micros) -> Micros:
    """The end of what a copy covers: its last row, or, if all was quiet, a minute before it was begun."""
    return max(end, made - _IN_FLIGHT)


def reach(file: Path, made: Micros) -> Micros:
    try:
        return reaches(last_point(file).at, made)
    except sqlite3.Error as error:
        raise BadRequestData(f"The ledger in the backup is damaged: {error}") from None


def begun(db: sqlite3.Connection, at: Micros, source: Path) -> None:
    """Raises BadRequestData if ``at`` is before everything that a backup covers."""
    row = db.execute("SELECT at FROM journal ORDER BY seq LIMIT 1").fetchone()
    if row is None or at < row[0]:
        first = "is empty" if row is None else f"begins at {format_time(row[0])}"
        raise BadRequestData(
            f"At {format_time(at)} nothing had been written yet: the journal in {source} {first}. Choose a later time"
        )


def until(at: Micros, last: Micros, source: Path) -> None:
    """Raises BadRequestData if ``at`` is after everything that a backup covers."""
    if at > last:
        raise BadRequestData(
            f"{source} reaches until {format_time(last)}, not until {format_time(at)}. "
            "Take another backup first if the platform still runs, or choose an earlier time"
        )
