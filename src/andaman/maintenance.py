"""Backup, restore and examination of a whole data directory: the ledger, and the small databases beside it."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import sqlite3
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from andaman import __version__
from andaman.broker.ledger import maintenance as ledger
from andaman.broker.ledger.maintenance import Finding
from andaman.identity.store import IdentityStore
from andaman.kernel.errors import BadRequestData, Conflict, ResourceNotFound, Unavailable
from andaman.kernel.time import format_time, system_clock
from andaman.settings import Settings

LEDGER: Final = "ledger.sqlite3"
_MANIFEST: Final = "andaman-backup.json"
_FORMAT: Final = 1
_LARGEST: Final = 1 << 44


def backup_all(directory: Path, target: Path) -> str:
    """Write one tar of the ledger and every small database; safe beside a running server. Returns a sentence.

    Each database is consistent in itself; the ledger is taken last, so that what the others refer to is in it.
    Raises Conflict when the target exists, ResourceNotFound without a store, Unavailable on a disk error.
    """
    if target.exists():
        raise Conflict(f"{target} exists; choose another name or remove it first")
    if not (directory / LEDGER).is_file():
        raise ResourceNotFound(f"There is no data in {directory} to back up")
    part = target.with_name(f".{target.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent or Path(), prefix=".andaman-backup-") as name:
            folder = Path(name)
            small = sorted(path.name for path in directory.glob("*.db"))
            for file in small:
                _copy_database(directory / file, folder / file)
            ledger.backup(directory, folder / LEDGER)
            files = [*small, LEDGER]
            made = format_time(system_clock())
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
    return f"{target}: {target.stat().st_size / 1e6:.1f} MB, {len(small) + 1} databases"


def _copy_database(source: Path, target: Path) -> None:
    try:
        read, write = sqlite3.connect(source), sqlite3.connect(target)
        try:
            read.backup(write)
            write.execute("PRAGMA journal_mode=DELETE")
        finally:
            read.close()
            write.close()
    except sqlite3.Error as error:
        raise Unavailable(f"{source.name} cannot be copied: {error}") from None


def restore_all(file: Path, directory: Path) -> str:
    """Make an empty or new directory the platform's data as of the backup. Nothing is ever overwritten."""
    if not file.is_file():
        raise ResourceNotFound(f"There is no file {file}")
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(directory.glob("*.db")) or (directory / LEDGER).exists():
            raise Conflict(f"{directory} holds data already; restore into an empty directory, then swap them")
        with tempfile.TemporaryDirectory(dir=directory, prefix=".restore-") as name:
            folder = Path(name)
            files = _unpack(file, folder)
            seq = ledger.restore(folder / LEDGER, directory)
            for small in files:
                if small != LEDGER:
                    os.replace(folder / small, directory / small)
    except OSError as error:
        raise Unavailable(f"The restore into {directory} failed: {error.strerror or error}") from None
    return f"{directory} is as it was at the backup, up to journal position {seq}"


def _unpack(file: Path, folder: Path) -> list[str]:
    """Take out exactly the files that the manifest names; anything else in the archive is ignored."""
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
                if Path(name).name != name or not (name == LEDGER or name.endswith(".db")):
                    raise BadRequestData(f"{file} names {name!r}, which is no database of the platform")
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
    return names


def examine(settings: Settings) -> list[Finding]:
    """Everything the doctor looks at: the ledger's own findings, the small databases, the port."""
    directory = settings.data_dir
    findings = ledger.doctor(directory)
    sound = {path.name: _sound(path) for path in sorted(directory.glob("*.db"))}
    findings += sound.values()
    if "identity.db" in sound and sound["identity.db"].level == "ok":
        findings.append(_audit(directory))
    return [*findings, _port(settings.host, settings.port)]


def _sound(path: Path) -> Finding:
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            db.close()
    except sqlite3.Error as error:
        found = str(error)
    if found == "ok":
        return Finding("ok", path.name, "The structure is sound.")
    return Finding("problem", path.name, f"{found}. Stop the platform and restore the last backup.")


def _audit(directory: Path) -> Finding:
    try:
        store = IdentityStore(directory)
        try:
            count = store.verify_audit()
        finally:
            store.close()
    except (Unavailable, sqlite3.Error) as error:
        text = getattr(error, "detail", str(error))
        return Finding(
            "problem", "audit", f"{text}. Keep a copy as evidence and compare with the last backup."
        )
    return Finding("ok", "audit", f"The hash chain of {count} audit entries verifies.")


def _port(host: str, port: int) -> Finding:
    if port == 0:
        return Finding("ok", "port", "A free port is taken at start.")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        if probe.connect_ex((host, port)) == 0:
            return Finding(
                "warning",
                "port",
                f"Something listens on {host} port {port}: the platform or another program.",
            )
    return Finding("ok", "port", f"{host} port {port} is free.")
