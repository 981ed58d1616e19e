"""The doctor's check of the small stores: structure, form, and every row."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from andaman.broker.ledger.doctor import Finding, in_one_line, missing_parts
from andaman.broker.ledger.schema import HISTORY
from andaman.broker.snapshots.store import FILE as SNAPSHOTS
from andaman.broker.snapshots.store import FOLDER
from andaman.broker.subscriptions.store import FILE as SUBSCRIPTIONS
from andaman.identity.roles import RoleTable
from andaman.identity.rows import verify_audit
from andaman.identity.store import FILE as IDENTITY
from andaman.identity.store import IdentityStore
from andaman.identity.tokens import figures
from andaman.kernel.errors import AndamanError
from andaman.kernel.storage import looking_into, obstacle
from andaman.kernel.tables import Store, StoreKind
from andaman.kernel.time import system_clock
from andaman.maintenance.losses import known_stores
from andaman.maintenance.stores import Stores

_TAKE: Final = "Stop the platform, keep a copy of the directory, remove {0}, {0}-wal and {0}-shm, and put {0} of the last backup there"


def _advice(kind: StoreKind) -> str:
    take = f"Stop the platform and remove {kind.file}"
    if kind.backed_up:
        take = _TAKE.format(kind.file)
    if kind.precious:
        return f"{take}."
    return f"{take}; or start: it is set aside as {kind.file}.damaged, and {kind.loss}."


def examine_small(
    directory: Path, stores: Stores, journal_end: Callable[[], int], roles: RoleTable | None = None
) -> list[Finding]:
    """A finding for each small database, for the audit, and for roles that are not in ``roles``. ``journal_end`` now; 0 where it
    is not known."""
    findings: list[Finding] = []
    files = {kind.file for kind in stores}
    there = {path.name for path in directory.glob("*.db")}
    there |= {name for name in files if os.path.lexists(directory / name)}
    known = known_stores(directory)
    for kind in stores:
        missed = kind.file in known or (kind.file == SNAPSHOTS and _holds_snapshots(directory))
        if kind.file in there:
            findings += _look(directory, kind, missed or not kind.backed_up, journal_end)
            if kind.file == IDENTITY and roles is not None:
                findings += _unknown_roles(directory / IDENTITY, roles)
        elif missed:
            text = f"{kind.file} is missing: {kind.loss}. Stop the platform and put that of the last backup there."
            findings.append(Finding("problem" if kind.precious else "warning", kind.file, text))
    for name in sorted(there - files):
        findings.append(_sound(directory / name))
    for path in sorted(directory.glob("*.damaged")):
        if path.name != f"{HISTORY}.damaged":
            text = (
                f"{path} was found damaged at a start and set aside; the platform continues without it. Check the disk; take "
                f"{path.stem} from the last backup if you need its content, and remove this file afterwards."
            )
            findings.append(Finding("warning", "leftover", text))
    return findings


def _unknown_roles(path: Path, roles: RoleTable) -> Iterator[Finding]:
    """Accounts with a role that nobody knows any more: it opens nothing."""
    try:
        with looking_into(path) as db:
            rows = db.execute("SELECT username, roles FROM account ORDER BY username").fetchall()
        for username, text in rows:
            unknown = sorted(set(json.loads(text)) - roles.rows.keys())
            if unknown:
                yield Finding(
                    "problem",
                    IDENTITY,
                    f"account {username!r} has the role {unknown[0]!r}, which is not in the table of roles; it allows nothing. "
                    "Give the account another role, or add a row for this one to roles.toml.",
                )
    except (sqlite3.Error, ValueError):  # the other findings say what is wrong with the file
        return


def _holds_snapshots(directory: Path) -> bool:
    folder = directory / FOLDER
    return folder.is_dir() and any(folder.iterdir())


def _look(directory: Path, kind: StoreKind, used: bool, journal_end: Callable[[], int]) -> Iterator[Finding]:
    path = directory / kind.file
    finding = _sound(path, _advice(kind))
    if finding.level != "ok":
        yield finding
        return
    try:
        with looking_into(path) as db:
            yield from _inside(directory, db, kind, used, finding, journal_end)
    except sqlite3.Error as error:
        yield Finding("problem", kind.file, f"{error}. {_advice(kind)}")


def _inside(
    directory: Path,
    db: sqlite3.Connection,
    kind: StoreKind,
    used: bool,
    sound: Finding,
    journal_end: Callable[[], int],
) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as name:
        Store(Path(name) / kind.file, kind).close()
        with looking_into(Path(name) / kind.file) as model:
            missing = missing_parts(model, db)
    older = int(db.execute("PRAGMA user_version").fetchone()[0]) < kind.version
    if missing and not used:
        yield Finding("ok", kind.file, "A start that did not finish began it; the next start continues.")
        return
    if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
        text = f"The file is empty: {kind.loss}. {_advice(kind)}"
        yield Finding("problem" if kind.precious else "warning", kind.file, text)
        return
    if missing and not older:
        yield Finding("problem", kind.file, f"{', '.join(missing)}. {_advice(kind)}")
        return
    bad = list(kind.unreadable(db))
    if bad:
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        text = f"{bad[0]}{more} cannot be read and does not work. {_advice(kind)}"
        yield Finding("problem", kind.file, text)
    else:
        yield sound
    if kind.file == IDENTITY:
        yield _audit(db)
        if not older:
            yield from _tokens(directory)
    if kind.file == SUBSCRIPTIONS:
        yield from _ahead(db, journal_end)


def _sound(path: Path, advice: str = "Stop the platform and restore the last backup.") -> Finding:
    try:
        with looking_into(path) as db:
            found = in_one_line(line for (line,) in db.execute("PRAGMA quick_check(3)"))
    except sqlite3.Error as error:
        found = obstacle(path) or str(error)
    if found == "ok":
        return Finding("ok", path.name, "The structure is sound.")
    return Finding("problem", path.name, f"The file is damaged: {found}. {advice}")


def _audit(db: sqlite3.Connection) -> Finding:
    try:
        count = verify_audit(db)
    except (AndamanError, sqlite3.Error) as error:
        text = getattr(error, "detail", str(error))
        return Finding(
            "problem", "audit", f"{text}. Keep a copy as evidence and compare with the last backup."
        )
    return Finding("ok", "audit", f"The hash chain of {count} audit entries verifies.")


def _tokens(directory: Path) -> Iterator[Finding]:
    """Tokens that are over soon, or ended with the account or token that answered for them."""
    store = IdentityStore(directory)
    try:
        soon, _, fallen = figures(store, system_clock())
    finally:
        store.close()
    if soon:
        text = f"{soon} tokens in force are over within a week: andaman token list --data {directory} says which."
        yield Finding("warning", "tokens", text)
    if fallen:
        text = (
            f"{fallen} tokens ended with the account or token that answered for them: andaman token list --all --data {directory} "
            "says which and why. After andaman token own ID the command line answers for one."
        )
        yield Finding("warning", "tokens", text)


def _ahead(db: sqlite3.Connection, journal_end: Callable[[], int]) -> Iterator[Finding]:
    """Subscriptions read the journal; they cannot have read rows that never existed."""
    row = db.execute("SELECT value FROM meta WHERE key='position'").fetchone()
    end = journal_end()  # afterwards: both move on while the platform runs
    if row is not None and 0 < end < row[0]:
        text = (
            f"Subscriptions have read up to journal row {row[0]}, the journal ends at {end}. If this directory was not "
            "restored to an earlier time, rows are missing at the journal's end. Perhaps the write-ahead log "
            "(ledger.sqlite3-wal) was removed or damaged: compare with the last backup."
        )
        yield Finding("warning", SUBSCRIPTIONS, text)
