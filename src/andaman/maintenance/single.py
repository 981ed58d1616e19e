"""A backup in one file: a tar of the ledger and every small database as of now."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from andaman import __version__
from andaman.broker.ledger import maintenance as ledger
from andaman.broker.ledger.replay import cut_back
from andaman.identity.roles import FILE as ROLES
from andaman.ingest import renew_client_id
from andaman.kernel.errors import BadRequestData, Conflict, ResourceNotFound, Unavailable
from andaman.kernel.restored import mark_restored
from andaman.kernel.time import Micros, format_time, parse_time, system_clock
from andaman.maintenance.blobs import TAR
from andaman.maintenance.files import (
    CONTEXTS,
    LEDGER,
    begun,
    copy_small,
    place_small,
    reach,
    remove_small,
    until,
)

_MANIFEST: Final = "andaman-backup.json"
_FORMAT: Final = 1


def backup_all(directory: Path, target: Path) -> str:
    """Write one tar of the ledger and every small database; safe while the server runs. Returns a sentence.

    Each database is consistent in itself; the ledger is taken last, so that what the others refer to is in it.
    Raises Conflict when the target exists, ResourceNotFound without a store, Unavailable on a disk error.
    """
    if target.exists():
        raise Conflict(f"{target} exists; choose another name or remove it first")
    if not (directory / LEDGER).is_file():
        raise ResourceNotFound(f"There is no data in {directory} to back up")
    part = target.with_name(f".{target.name}.part")
    made = format_time(system_clock())
    try:
        with tempfile.TemporaryDirectory(dir=target.parent or Path(), prefix=".andaman-backup-") as name:
            folder = Path(name)
            small = copy_small(directory, folder)
            ledger.backup(directory, folder / LEDGER)
            files = [*small, LEDGER]
            manifest = {"format": _FORMAT, "version": __version__, "made": made, "files": files}
            with open(part, "wb") as out:
                os.chmod(part, 0o600)
                with tarfile.open(fileobj=out, mode="w") as tar:
                    text = json.dumps(manifest).encode()
                    info = tarfile.TarInfo(_MANIFEST)
                    info.size = len(text)
                    tar.addfile(info, io.BytesIO(text))
                    for file in files:
                        tar.add(folder / file, arcname=file)
                out.flush()
                os.fsync(out.fileno())
            os.replace(part, target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Unavailable(f"The backup to {target} failed: {error.strerror or error}") from None
    return f"{target}: {target.stat().st_size / 1e6:.1f} MB, {len(files)} files"


def restore_all(file: Path, directory: Path, at: Micros | None = None) -> str:
    """Make an empty or new directory the platform's data as of the backup, or of the instant ``at`` before it.

    Accounts and what else stands in the small databases are as of the backup. Nothing is ever overwritten.
    """
    if not file.is_file():
        raise ResourceNotFound(f"There is no file {file}")
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(directory.glob("*.db")) or (directory / LEDGER).exists():
            raise Conflict(f"{directory} holds data already; restore into an empty directory, then swap them")
        with tempfile.TemporaryDirectory(dir=directory, prefix=".restore-") as name:
            folder = Path(name)
            files, made = _unpack(file, folder)
            if at is not None:
                until(at, reach(folder / LEDGER, made), file)
            small = [name for name in files if name != LEDGER]

            def change(db: sqlite3.Connection) -> None:
                assert at is not None
                begun(db, at, file)
                cut_back(db, at)

            try:
                place_small(folder, small, directory)
                renew_client_id(directory)
                mark_restored(directory)
                end = ledger.restore(folder / LEDGER, directory, None if at is None else change)
            except BaseException:
                remove_small(small, directory)
                raise
    except OSError as error:
        raise Unavailable(f"The restore into {directory} failed: {error.strerror or error}") from None
    when = "the backup" if at is None else format_time(at)
    return f"{directory} is as it was at {when}, up to journal position {end.seq} of {format_time(end.at)}; accounts as of {format_time(made)}"


def _unpack(file: Path, folder: Path) -> tuple[list[str], Micros]:
    """Take out exactly the files that the manifest names (anything else in the archive is ignored); with them, when
    the backup was begun."""
    try:
        with tarfile.open(file, "r:") as tar:
            member = tar.extractfile(_MANIFEST)
            manifest = json.loads(member.read(1 << 20)) if member is not None else None
            if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
                raise BadRequestData(
                    f"{file} is a backup of another format; this version reads format {_FORMAT}"
                )
            names = [str(name) for name in manifest["files"]]
            for name in names:
                if Path(name).name != name or not (
                    name in (LEDGER, CONTEXTS, ROLES, TAR) or name.endswith(".db")
                ):
                    raise BadRequestData(f"{file} names {name!r}, which is not a file of the platform")
                content = tar.extractfile(name)
                if content is None:
                    raise BadRequestData(f"{file} lacks {name}")
                with open(folder / name, "wb") as out:
                    shutil.copyfileobj(content, out)
                os.chmod(folder / name, 0o600)
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise BadRequestData(f"{file} is not a backup made by andaman: {error}") from None
    if LEDGER not in names:
        raise BadRequestData(f"{file} has no {LEDGER}")
    return names, parse_time(str(manifest["made"]))
