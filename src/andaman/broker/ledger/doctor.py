"""The doctor's examination of a store: what is wrong, and what to do. Also beside a running broker."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import orjson

from andaman.broker.ledger.boot import Facts
from andaman.broker.ledger.journal import verify
from andaman.broker.ledger.rows import Texts, decode_changes
from andaman.broker.ledger.schema import (
    APPLICATION_ID,
    FILE,
    HISTORY,
    LOCK,
    MIGRATIONS,
    connect,
    lock_holder,
    lost_by,
)
from andaman.kernel.clock import AHEAD, Trouble, judge, kernel_synchronized
from andaman.kernel.storage import obstacle
from andaman.kernel.time import Micros, format_time, system_clock

Level = Literal["ok", "warning", "problem"]
_LOW_DISK: Final = 1 << 30
_NAMED: Final = 10  # rows that history set aside
_WITH_INSTANCES: Final = 3  # the schema from which on meta has the key of instance ids
_NOT_USED: Final = "No process is using the directory."


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination: the thing examined, the finding, and the remedy."""

    level: Level
    subject: str
    text: str


def doctor(
    directory: Path, now: Micros | None = None, facts: Facts | None = None, clock_ahead: Micros = AHEAD
) -> list[Finding]:
    """Examine a data directory, also one in use. Reads everything once: a minute for some ten million rows.

    ``facts``: how the index's rows are made, to compare those that are stored.
    """
    now = system_clock() if now is None else now
    if witness := lost_by(directory):
        text = (
            f"{FILE} is missing or empty, but {witness} shows that there was data; the platform does not start over it. "
            "Keep a copy of the directory and restore the last backup into a new one."
        )
        return [Finding("problem", "store", text)]
    if not (directory / FILE).exists():
        text = f"There is no {FILE} in {directory}. Start the platform to make one, or restore a backup."
        return [Finding("problem", "store", text)]
    findings = [_lock(directory), _disk(directory), *_rights(directory), *_leftovers(directory)]
    try:
        db = connect(directory)
    except sqlite3.Error as error:
        return [
            *findings,
            Finding(
                "problem",
                "store",
                f"{directory / FILE} cannot be opened: {obstacle(directory / FILE) or error}. "
                "Keep a copy of the directory and restore the last backup into a new one.",
            ),
        ]
    try:
        db.execute("BEGIN")  # all that follows is of one instant, whatever the platform commits meanwhile
        if _is_unmade(db):
            text = "A start that did not finish began it, and it holds nothing; the next start makes it."
            return [*findings, Finding("ok", "store", text)]
        wrong = structure(db)
        if wrong:
            text = f"{wrong}. Stop the platform, keep a copy of the directory, restore the last backup."
            return [*findings, Finding("problem", "store", text)]
        findings.append(Finding("ok", "store", "The structure of the store is sound."))
        wrong = chain(db)
        if wrong:
            text = (
                f"{wrong}. Somebody or something other than the platform changed the journal. "
                "Keep a copy as evidence, compare with the last backup, restore that."
            )
            findings.append(Finding("problem", "journal", text))
        else:
            count = db.execute("SELECT count(*) FROM journal").fetchone()[0]
            findings.append(Finding("ok", "journal", f"The hash chain of {count} rows verifies."))
        findings += [state(db), _clock(db, now, clock_ahead), _log(directory)]
        if facts is not None:
            findings.append(_index(db, facts))
        if lock_holder(directory) is None:
            findings += _history(directory, db)
        else:
            text = "History is in use; it is examined when the platform does not run. /metrics says how far it is."
            findings.append(Finding("ok", "history", text))
    except sqlite3.Error as error:
        findings.append(
            Finding("problem", "store", f"Reading the store failed: {error}. Restore the last backup.")
        )
    finally:
        db.close()
    return findings


# -- single examinations ----------------------------------------------------------------------------------------


def _is_unmade(db: sqlite3.Connection) -> bool:
    """Is it a file of SQLite without a table, of no other program?"""
    try:
        owner, version, tables = (
            db.execute(sql).fetchone()[0]
            for sql in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        )
    except sqlite3.DatabaseError:
        return False  # structure tells what is wrong
    return not (owner or version or tables)


def structure(db: sqlite3.Connection) -> str:
    """What is wrong with the file as an SQLite database of ours; "" for nothing."""
    try:
        owner: int = db.execute("PRAGMA application_id").fetchone()[0]
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
        if owner != APPLICATION_ID:
            return "The file is not a store of this platform"
        if version > len(MIGRATIONS):
            return f"The store has schema version {version}, this release knows up to {len(MIGRATIONS)}"
        lines = [line for (line,) in db.execute("PRAGMA integrity_check(5)")]
        if lines != ["ok"]:
            return f"The file is damaged: {in_one_line(lines)}"
        lacking = lacks(db, version)
    except sqlite3.DatabaseError as error:
        return f"The file is damaged: {error}"
    return f"The file is damaged: {', '.join(lacking)}" if lacking else ""


def in_one_line(lines: Iterable[str]) -> str:
    """What SQLite's own checks say, without its heading."""
    parts = [part.strip() for line in lines for part in line.splitlines()]
    return "; ".join(part for part in parts if part and not part.startswith("***"))


def lacks(db: sqlite3.Connection, version: int) -> list[str]:
    """The tables, columns and keys that a store of this schema has and this one lacks."""
    model = sqlite3.connect(":memory:")
    try:
        for script in MIGRATIONS[:version]:
            model.executescript(script)
        found = missing_parts(model, db)
    finally:
        model.close()
    if version and not found:
        needed = ["head"] if db.execute("SELECT 1 FROM journal LIMIT 1").fetchone() else []
        needed += ["instances"] if version >= _WITH_INSTANCES else []
        keys = {key for (key,) in db.execute("SELECT key FROM meta")}
        found = [f"the entry {key!r} of table meta is missing" for key in needed if key not in keys]
    return found


def missing_parts(model: sqlite3.Connection, db: sqlite3.Connection) -> list[str]:
    """Tables and columns of ``model`` that ``db`` lacks, each as a sentence."""
    found = []
    for (table,) in model.execute(
        "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name"
    ).fetchall():
        wanted, there = _columns(model, table), _columns(db, table)
        if not there:
            found.append(f"table {table} is missing")
        elif wanted - there:
            found.append(f"column {sorted(wanted - there)[0]} of table {table} is missing")
    return found


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in db.execute(f"PRAGMA table_info({table})")}


def chain(db: sqlite3.Connection) -> str:
    report = verify(db)
    return "" if report.ok else f"The hash chain breaks at row {report.broken_at}: {report.problem}"


def _lock(directory: Path) -> Finding:
    holder = lock_holder(directory)
    if (directory / LOCK).is_dir():
        text = f"A directory is where the file {directory / LOCK} should be; the platform cannot start. Remove it."
        return Finding("problem", "lock", text)
    if holder is None:
        return Finding("ok", "lock", _NOT_USED)
    return Finding(
        "ok", "lock", f"Process {holder} is using the directory; the findings below are of one moment."
    )


def _disk(directory: Path) -> Finding:
    free = shutil.disk_usage(directory).free
    if free < _LOW_DISK:
        text = f"{free >> 20} MB of disk are free. Make room: writing stops before the disk is full."
        return Finding("warning", "disk", text)
    return Finding("ok", "disk", f"{free / (1 << 30):.1f} GB of disk are free.")


def state(db: sqlite3.Connection) -> Finding:
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
        text = f"The journal has {expected} entities, the store has {count}. {advice}"
        return Finding("problem", "state", text)
    return Finding("ok", "state", f"{count} entities agree with the journal.")


def _agrees(body: bytes, changes: bytes) -> bool:
    try:
        attrs = orjson.loads(body)["attrs"]
        return all(attrs.get(c.attr) == c.after for c in decode_changes(changes) if c.attr)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def _index(db: sqlite3.Connection, facts: Facts) -> Finding:
    """What the index in memory is loaded from must be what each body says; the order of its records is free."""
    version = db.execute("SELECT value FROM meta WHERE key='facts'").fetchone()
    if version is None or version[0] != facts.version:
        return Finding("ok", "index", "The index's rows are made again at the next start.")
    layouts = Texts(db, "layout", "text")
    wrong, first = 0, ""
    for entity_id, layout, stored, body in db.execute("SELECT id, layout, facts, body FROM entity"):
        try:
            text, made = facts.make(orjson.loads(body))
            same = layouts.text(layout) == text and sorted(_records(stored)) == sorted(_records(made))
        except (ValueError, TypeError, KeyError, AttributeError):
            same = False
        if not same:
            wrong, first = wrong + 1, first or entity_id
    if wrong:
        text = (
            f"{wrong} entities are indexed by wrong content, the first is {first}: queries may miss them. "
            "Stop the platform and run: andaman doctor --renew-index; the next start makes the index again from the bodies."
        )
        return Finding("problem", "index", text)
    return Finding("ok", "index", "The index's rows agree with the entities.")


def _records(facts: bytes) -> Iterator[bytes]:
    return (facts[start : start + 16] for start in range(0, len(facts), 16))


def _rights(directory: Path) -> Iterator[Finding]:
    """The directory and its files belong to who runs the platform, and are nobody else's business."""
    me = os.geteuid()
    if directory.stat().st_mode & 0o077:
        yield Finding(
            "warning", "rights", f"Others may look into {directory}. Run: chmod 700 {directory.absolute()}"
        )
    for path in (directory, *sorted(directory.rglob("*"))):
        try:
            owner = path.stat().st_uid
        except OSError as error:
            if not isinstance(error, FileNotFoundError):  # gone a moment ago
                yield Finding(
                    "problem", "rights", f"{path} cannot be examined: {error.strerror}. Check its owner."
                )
                return
            continue
        if not os.access(path, os.R_OK | os.W_OK) or (me and owner != me):
            yield Finding(
                "problem",
                "rights",
                f"{path} belongs to user {owner} and cannot be written by user {me}. Stop the platform; run as root: "
                f"chown -R {me} {directory.absolute()}; start it always as the same user.",
            )
            return
        if owner != me:  # root may do everything, but who starts the platform next may not
            yield Finding(
                "warning",
                "rights",
                f"{path} belongs to user {owner}, you are {me}. Start the platform always as the same user.",
            )
            return


def _leftovers(directory: Path) -> Iterator[Finding]:
    """Remainders of an interrupted backup or restore. A set's own are swept by the next backup into it."""
    for pattern in (".restore-*", ".part-*", ".andaman-backup-*", ".*.part"):
        for path in sorted(directory.glob(pattern)):
            yield Finding(
                "warning",
                "leftover",
                f"{path} is a remainder of an interrupted backup or restore and is of no use. "
                "If none is running now, remove it.",
            )
    damaged = directory / f"{HISTORY}.damaged"
    if damaged.exists():
        yield Finding(
            "warning",
            "leftover",
            f"{damaged} has the damaged files of history, which was made again from the journal. Check the disk, "
            "and remove this when it is of no more use.",
        )


def _clock(db: sqlite3.Connection, now: Micros, ahead: Micros) -> Finding:
    row = db.execute("SELECT at FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    faults = list(judge(now, row[0] if row is not None else 0, kernel_synchronized(), ahead))
    texts = ". ".join(fault.text for fault in faults) or f"The machine's clock says {format_time(now)}"
    # Many machines are kept right by their host, whose kernel calls its clock unsynchronized all the same.
    wrong = any(fault.trouble is not Trouble.UNSYNCHRONIZED for fault in faults)
    return Finding("warning" if wrong else "ok", "clock", f"{texts}.")


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


def _history(directory: Path, db: sqlite3.Connection) -> Iterator[Finding]:
    """History may lag behind the journal, but not be ahead of it, and it must open."""
    if not (directory / HISTORY).exists():
        yield Finding(
            "ok", "history", "There is no history yet; it is made from the journal at the next start."
        )
        return
    from andaman.broker.history import (
        History,
        OtherFormat,
    )  # DuckDB is large, and only this examination needs it

    advice = f"Remove {directory / HISTORY}: it is made again from the journal at the next start."
    try:
        history = History.open(directory / HISTORY)
        last, rows, aside = history.last_seq, history.rows, history.list_set_aside(_NAMED)
        count = history.set_aside
        history.close()
    except OtherFormat as error:  # of another release: nothing to be done
        yield Finding("warning", "history", f"{error}.")
        return
    except Exception as error:
        if "Conflicting lock" in str(error):  # DuckDB's words
            text = "History is still held by a process of the platform that is just ending; look again in a few seconds."
            yield Finding("warning", "history", text)
            return
        yield Finding("problem", "history", f"History cannot be opened: {error}. {advice}")
        return
    damage = _unreadable(directory / HISTORY)
    if damage:
        yield Finding("problem", "history", f"{damage}. {advice}")
        return
    end: int = db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0]
    if last > end:
        yield Finding("problem", "history", f"History reaches row {last}, the journal only {end}. {advice}")
        return
    if count:
        named = "; ".join(
            f"{one.attr or 'all'} of {one.entity} (journal row {one.seq}, {one.size} characters): {one.reason}"
            for one in aside
        )
        yield Finding(
            "warning",
            "history",
            f"{count} rows could not be read into history and were set aside. The journal has them; answers about the past lack them. "
            f"{named}{' …' if count > len(aside) else ''}. Remove {directory / HISTORY} to have all tried again, after an update "
            "or with more memory (history_memory_mb).",
        )
    behind = f"; {end - last} rows of the journal wait for the next start" if end > last else ""
    yield Finding("ok", "history", f"History has {rows} rows up to journal row {last}{behind}.")


def _unreadable(history: Path) -> str:
    """What is wrong with history's files: every value is read once, which checks the checksum of every block."""
    import duckdb

    for file in sorted(history.rglob("*.duckdb")):
        try:
            with duckdb.connect(str(file), read_only=True) as db:
                tables = db.execute(
                    "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary"
                ).fetchall()
                for schema, table in tables:
                    db.execute(f'SELECT max(hash(t)) FROM "{schema}"."{table}" AS t').fetchall()  # noqa: S608
                told = dict(db.execute("SELECT 'seg_' || id, count FROM segment").fetchall())
                for table, count in told.items():
                    there = db.execute(f'SELECT count(*) FROM "{table}"').fetchone()  # noqa: S608
                    if there != (count,):
                        return f"{file} is damaged: {table} has {there[0] if there else 0} rows of {count}"
        except duckdb.Error as error:
            return f"{file} is damaged: {str(error).splitlines()[0]}"
    return ""
