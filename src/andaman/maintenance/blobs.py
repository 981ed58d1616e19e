"""Large objects in backups, and the doctor's look at them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from andaman.broker.ledger.doctor import Finding
from andaman.kernel.blobs import FILE, FOLDER, place_of
from andaman.kernel.errors import BadRequestData, Unavailable
from andaman.kernel.storage import copy_database, looking_into

TAR: Final = "blobs.tar"
_PORTION: Final = 1 << 20


def copy_blobs(directory: Path, target: Path) -> list[str]:
    """The list of objects, and one tar of those that belong into a backup. Take it after the stores that have references.
    Returns the names. Raises Unavailable."""
    if not (directory / FILE).is_file():
        return []
    copy_database(directory / FILE, target / FILE)
    try:
        with looking_into(target / FILE, write=True) as db:
            db.execute("DELETE FROM reference WHERE NOT backed_up")
            wanted = [
                digest for (digest,) in db.execute("SELECT DISTINCT digest FROM reference ORDER BY digest")
            ]
            copied = set(_pack(directory / FOLDER, wanted, target / TAR))
            for digest in wanted:
                if digest not in copied:  # removed a moment ago
                    db.execute("DELETE FROM reference WHERE digest=?", (digest,))
            db.execute("DELETE FROM blob WHERE digest NOT IN (SELECT digest FROM reference)")
    except sqlite3.Error as error:
        raise Unavailable(f"{FILE} cannot be copied: {error}") from None
    return [FILE, TAR] if copied else [FILE]


def _pack(folder: Path, wanted: list[str], tar: Path) -> Iterator[str]:
    """Writes no file where there is nothing to write. Yields what is in it."""
    if not wanted:
        return
    with tarfile.open(tar, "w") as out:
        for digest in wanted:
            with contextlib.suppress(FileNotFoundError):
                out.add(place_of(folder, digest), arcname=digest)
                yield digest


def place_blobs(tar: Path, directory: Path) -> None:
    """Put the objects into a new data directory, each verified. Raises BadRequestData where one is damaged."""
    folder = directory / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    with tarfile.open(tar, "r:") as content:
        for member in content:
            source = content.extractfile(member)
            if source is None or Path(member.name).name != member.name:
                raise BadRequestData(f"{tar} names {member.name!r}, which is not a large object")
            target = place_of(folder, member.name)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            digest = hashlib.sha256()
            with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                while part := source.read(_PORTION):
                    digest.update(part)
                    out.write(part)
                out.flush()
                os.fsync(out.fileno())
            if digest.hexdigest() != member.name:
                raise BadRequestData(f"{tar} is damaged: the object {member.name} has another content")


def examine_blobs(directory: Path) -> Iterator[Finding]:
    """Reads every object and compares it with its digest."""
    if not (directory / FILE).is_file():
        return
    try:
        with looking_into(directory / FILE) as db:
            known = dict(db.execute("SELECT digest, size FROM blob").fetchall())
    except sqlite3.Error:
        return  # the finding for the file says why
    folder, bad, missing = directory / FOLDER, [], []
    for digest in known:
        try:
            with place_of(folder, digest).open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != digest:
                    bad.append(digest)
        except FileNotFoundError:
            if _is_listed(directory, digest):
                missing.append(digest)
        except OSError:
            bad.append(digest)
    for digests, what in ((bad, "is damaged: its content has another SHA-256"), (missing, "is missing")):
        if digests:
            more = f" (and {len(digests) - 1} more)" if len(digests) > 1 else ""
            text = (
                f"{place_of(folder, digests[0])}{more} {what}. Take it from blobs.tar of a backup, or remove the file: the next "
                "start gives up what refers to it."
            )
            yield Finding("problem", FOLDER, text)
    if known and not bad and not missing:
        size = sum(known.values()) / 1e6
        yield Finding(
            "ok", FOLDER, f"All {len(known)} large objects have the content that they should ({size:.1f} MB)."
        )


def _is_listed(directory: Path, digest: str) -> bool:
    """Still: a running platform may have removed it a moment ago."""
    with contextlib.suppress(sqlite3.Error), looking_into(directory / FILE) as db:
        return db.execute("SELECT 1 FROM blob WHERE digest=?", (digest,)).fetchone() is not None
    return False
