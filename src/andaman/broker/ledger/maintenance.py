"""Care of a data directory from outside the broker: backup, restore, and the doctor's examination.

``backup`` and ``doctor`` also work while a broker runs on the directory.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import orjson

from andaman.broker.ledger.journal import verify
from andaman.broker.ledger.rows import decode_changes
from andaman.broker.ledger.schema import (
    APPLICATION_ID,
    FILE,
    HISTORY,
    MIGRATIONS,
    DirectoryLock,
    connect,
    lock_holder,
    prepare,
)
from andaman.broker.ledger.segment import START, Point, point
from andaman.kernel.errors import Conflict, ResourceNotFound, Unavailable
from andaman.kernel.time import HOUR, MINUTE, Micros, format_time, system_clock

Level = Literal["ok", "warning", "problem"]
_PAGES_A_STEP: Final = 4_096
_LOW_DISK: Final = 1 << 30
_NOT_USED: Final = "No process is using the directory."


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination: what was looked at, and what was found and is to be done."""

    level: Level
    subject: str
    text: str


def backup(directory: Path, target: Path, progress: Callable[[int, int], None] | None = None) -> int:
    """Copy the store, consistent at one instant, into one file; returns its bytes. Writers need not stop.

    History is not in it: it is made again from the journal, which is. ``progress`` gets (pages done, pages in all).
    Raises ResourceNotFound without a store, Conflict when the target exists, Unavailable on a disk error.
    """
    if not (directory / FILE).exists():
        raise ResourceNotFound(f"There is no store in {directory}")
    if target.exists():
        raise Conflict(f"{target} exists; choose another name or remove it first")
    part = target.with_name(f".{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        source, copy = connect(directory), sqlite3.connect(part)
        try:
            # A read transaction pins one instant, so that a busy writer cannot make the copy start over.
            source.execute("BEGIN")
            source.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
            source.backup(
                copy,
                pages=_PAGES_A_STEP,
                progress=lambda _, left, total: progress(total - left, total) if progress else None,
                sleep=0.001,
            )
            copy.execute("PRAGMA journal_mode=DELETE")
        finally:
            copy.close()
            source.close()
        _sync(part)
        os.replace(part, target)
        _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise Unavailable(f"The backup to {target} failed: {error}") from error
    return target.stat().st_size


def restore(file: Path, directory: Path, change: Callable[[sqlite3.Connection], None] | None = None) -> Point:
    """Make ``directory`` a store as it was at the backup; returns the end of its journal.

    ``change`` takes the store on to another instant before it counts. The result is checked (structure and hash
    chain), and refused whole where it is not sound. The directory must hold no store yet: nothing is ever
    overwritten. History is rebuilt from the journal at the next start.
    """
    if not file.is_file():
        raise ResourceNotFound(f"There is no file {file}")
    lock = DirectoryLock(directory)
    try:
        if (directory / FILE).exists() or (directory / HISTORY).exists():
            raise Conflict(
                f"{directory} holds a store already; restore into an empty directory, then swap them"
            )
        with tempfile.TemporaryDirectory(dir=directory, prefix=".restore-") as name:
            part = Path(name) / FILE
            shutil.copyfile(file, part)
            problem = _problem(part) if change is not None else ""
            if not problem and change is not None:
                db = prepare(Path(name))
                try:
                    change(db)
                    db.execute("PRAGMA journal_mode=DELETE")
                finally:
                    db.close()
            db = sqlite3.connect(part)
            try:
                problem = problem or _structure(db) or _chain(db) or _of_state(db)
                end = START if problem else point(db) or START
                if not problem:
                    db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.Error as error:
                problem = str(error)
            finally:
                db.close()
            if problem:
                raise Conflict(f"{file} is not a sound backup: {problem}")
            _sync(part)
            os.replace(part, directory / FILE)
        _sync(directory)
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"The restore into {directory} failed: {error}") from error
    finally:
        lock.release()
    return end


def doctor(directory: Path, now: Micros | None = None) -> list[Finding]:
    """Examine a data directory, also one in use. Reads everything once: a minute for some ten million rows."""
    now = system_clock() if now is None else now
    if not (directory / FILE).exists():
        return [
            Finding(
                "problem",
                "store",
                f"There is no {FILE} in {directory}. Start the platform to make one, or restore a backup.",
            )
        ]
    findings = [_lock(directory), _disk(directory)]
    try:
        db = connect(directory)
    except sqlite3.Error as error:
        return [
            *findings,
            Finding("problem", "store", f"The store cannot be opened: {error}. Restore the last backup."),
        ]
    try:
        structure = _structure(db)
        if structure:
            text = f"{structure}. Stop the platform, keep a copy of the directory, restore the last backup."
            return [*findings, Finding("problem", "store", text)]
        findings.append(Finding("ok", "store", "The structure of the store is sound."))
        chain = _chain(db)
        if chain:
            text = (
                f"{chain}. Somebody or something other than the platform changed the journal. "
                "Keep a copy as evidence, compare with the last backup, restore that."
            )
            findings.append(Finding("problem", "journal", text))
        else:
            count = db.execute("SELECT count(*) FROM journal").fetchone()[0]
            findings.append(Finding("ok", "journal", f"The hash chain of {count} rows verifies."))
        findings += [_state(db), _clock(db, now), _log(directory)]
        if findings[0].text == _NOT_USED:
            findings.append(_history(directory, db))
    except sqlite3.Error as error:
        findings.append(
            Finding("problem", "store", f"Reading the store failed: {error}. Restore the last backup.")
        )
    finally:
        db.close()
    return findings


# -- single examinations ----------------------------------------------------------------------------------------


def _structure(db: sqlite3.Connection) -> str:
    """What is wrong with the file as an SQLite database of ours; "" for nothing."""
    try:
        owner: int = db.execute("PRAGMA application_id").fetchone()[0]
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
        if owner != APPLICATION_ID:
            return "The file is not a store of this platform"
        if version > len(MIGRATIONS):
            return f"The store has schema version {version}, this release knows up to {len(MIGRATIONS)}"
        lines = [line for (line,) in db.execute("PRAGMA integrity_check(5)")]
    except sqlite3.DatabaseError as error:
        return f"The file is damaged: {error}"
    return "" if lines == ["ok"] else f"The file is damaged: {'; '.join(lines)}"


def _problem(file: Path) -> str:
    db = sqlite3.connect(file)
    try:
        return _structure(db)
    finally:
        db.close()


def _of_state(db: sqlite3.Connection) -> str:
    found = _state(db)
    return "" if found.level == "ok" else found.text


def _chain(db: sqlite3.Connection) -> str:
    report = verify(db)
    return "" if report.ok else f"The hash chain breaks at row {report.broken_at}: {report.problem}"


def _lock(directory: Path) -> Finding:
    holder = lock_holder(directory)
    if holder is None:
        return Finding("ok", "lock", _NOT_USED)
    return Finding(
        "ok", "lock", f"Process {holder} is using the directory; what follows is a moment of a moving store."
    )


def _disk(directory: Path) -> Finding:
    free = shutil.disk_usage(directory).free
    if free < _LOW_DISK:
        text = f"{free >> 20} MB of disk are free. Make room: writing stops before the disk is full."
        return Finding("warning", "disk", text)
    return Finding("ok", "disk", f"{free / (1 << 30):.1f} GB of disk are free.")


def _state(db: sqlite3.Connection) -> Finding:
    """Each entity must agree with the last journal row about it, and none may be missing or left over."""
    advice = "Keep a copy of the directory and restore the last backup."
    rows = db.execute(
        "SELECT e.tenant, e.id, e.seq, e.shape, e.body, j.entity_id, j.tenant, j.shape, j.kind, j.changes "
        "FROM entity AS e LEFT JOIN journal AS j ON j.seq=e.seq"
    )
    count = 0
    for tenant, entity_id, seq, shape, body, *told in rows:
        count += 1
        same = told[:3] == [entity_id, tenant, shape] and told[3] != "deleted"
        if not (same and _agrees(body, told[4])):
            text = f"Entity {entity_id} (tenant {tenant!r}) does not agree with journal row {seq}. {advice}"
            return Finding("problem", "state", text)
    expected = db.execute(
        "SELECT coalesce(sum((kind='created') - (kind='deleted')), 0) FROM journal"
    ).fetchone()[0]
    if expected != count:
        text = f"The journal tells of {expected} entities, the store has {count}. {advice}"
        return Finding("problem", "state", text)
    return Finding("ok", "state", f"{count} entities agree with the journal.")


def _agrees(body: bytes, changes: bytes) -> bool:
    try:
        attrs = orjson.loads(body)["attrs"]
        return all(attrs.get(c.attr) == c.after for c in decode_changes(changes) if c.attr)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def _clock(db: sqlite3.Connection, now: Micros) -> Finding:
    row = db.execute("SELECT at FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    if row is not None and row[0] > now + MINUTE:
        ahead = (row[0] - now) / HOUR
        text = (
            f"The journal's last commit is at {format_time(row[0])}, {ahead:.1f} hours ahead of this machine's clock. "
            "Set the clock (NTP); until it catches up, commit times only tick on by microseconds."
        )
        return Finding("warning", "clock", text)
    if now < 1_700_000_000_000_000:
        return Finding("warning", "clock", f"The machine's clock says {format_time(now)}. Set it (NTP).")
    return Finding("ok", "clock", f"The machine's clock says {format_time(now)}.")


def _log(directory: Path) -> Finding:
    try:
        size = (directory / f"{FILE}-wal").stat().st_size
    except OSError:
        size = 0
    if size > 1 << 30:
        text = (
            f"The write-ahead log has {size >> 20} MB. Some reader holds an old state; restart the platform."
        )
        return Finding("warning", "log", text)
    return Finding("ok", "log", f"The write-ahead log has {size >> 20} MB.")


def _history(directory: Path, db: sqlite3.Connection) -> Finding:
    """History may lag behind the journal, but not be ahead of it, and it must open."""
    if not (directory / HISTORY).exists():
        return Finding(
            "ok", "history", "There is no history yet; it is made from the journal at the next start."
        )
    from andaman.broker.history import History  # DuckDB is large, and only this examination needs it

    advice = f"Remove {directory / HISTORY}: it is made again from the journal at the next start."
    try:
        history = History.open(directory / HISTORY)
        last, rows = history.last_seq, history.rows
        history.close()
    except Exception as error:
        return Finding("problem", "history", f"History cannot be opened: {error}. {advice}")
    end: int = db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0]
    if last > end:
        return Finding("problem", "history", f"History reaches row {last}, the journal only {end}. {advice}")
    behind = f"; {end - last} rows of the journal wait for the next start" if end > last else ""
    return Finding("ok", "history", f"History has {rows} rows up to journal row {last}{behind}.")


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
