"""The doctor's look at the small databases beside the ledger: whole, of the right form, every row readable."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from andaman.broker.contexts.book import FILE as CONTEXTS
from andaman.broker.contexts.book import ContextBook
from andaman.broker.ledger.doctor import Finding, in_one_line, missing_parts
from andaman.broker.ledger.schema import HISTORY
from andaman.broker.registry.model import registration_of
from andaman.broker.registry.store import RegistryStore
from andaman.broker.snapshots.model import of_document
from andaman.broker.snapshots.store import FILE as SNAPSHOTS
from andaman.broker.snapshots.store import FOLDER, SnapshotStore
from andaman.broker.subscriptions.store import FILE as SUBSCRIPTIONS
from andaman.broker.subscriptions.store import SubscriptionStore
from andaman.identity.rows import account_of, verify_audit
from andaman.identity.store import ACCOUNT, IdentityStore
from andaman.identity.tokens import figures
from andaman.ingest.deadletter import DeadLetterStore
from andaman.ingest.offsets import OffsetStore
from andaman.kernel.errors import AndamanError
from andaman.kernel.storage import obstacle
from andaman.kernel.time import system_clock
from andaman.maintenance.losses import DEADLETTER, IDENTITY, INGEST, REGISTRY, known_stores

_TAKE: Final = "Stop the platform, keep a copy of the directory, remove {0}, {0}-wal and {0}-shm, and put {0} of the last backup there"
Rows = Callable[[sqlite3.Connection], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A database: how a new one is made, what is lost without it, and a look at its rows, which tells those that cannot
    be read."""

    name: str
    make: Callable[
        [Path],
        IdentityStore
        | SubscriptionStore
        | RegistryStore
        | SnapshotStore
        | ContextBook
        | DeadLetterStore
        | OffsetStore,
    ]
    loss: str
    rows: Rows
    precious: bool = True

    @property
    def advice(self) -> str:
        take = _TAKE.format(self.name)
        return (
            f"{take}."
            if self.precious
            else f"{take}; or start: it is set aside as {self.name}.damaged, and {self.loss}."
        )


def _accounts(db: sqlite3.Connection) -> Iterator[str]:
    older = "era" not in {row[1] for row in db.execute("PRAGMA table_info(account)")}
    columns = ACCOUNT.replace("era", "0") if older else ACCOUNT
    for row in db.execute(f"SELECT {columns} FROM account"):  # noqa: S608
        try:
            account_of(row)
        except (ValueError, TypeError) as error:
            yield f"account {row[0]!r}: {error}"


def _subscriptions(db: sqlite3.Connection) -> Iterator[str]:
    for entity_id, *parts in db.execute("SELECT id, content, sources, extra FROM subscription"):
        try:
            if not all(isinstance(orjson.loads(part), dict) for part in parts):
                yield f"subscription {entity_id}: it is no object"
        except (ValueError, TypeError) as error:
            yield f"subscription {entity_id}: {error}"


def _registrations(db: sqlite3.Connection) -> Iterator[str]:
    for document_id, document in db.execute("SELECT id, document FROM registration"):
        try:
            registration_of(orjson.loads(document))
        except (ValueError, TypeError, KeyError, AttributeError, AndamanError) as error:
            yield f"registration {document_id}: {error}"


def _snapshots(db: sqlite3.Connection) -> Iterator[str]:
    for snapshot_id, document in db.execute("SELECT id, document FROM snapshot"):
        try:
            of_document("", orjson.loads(document))
        except (ValueError, TypeError) as error:
            yield f"snapshot {snapshot_id}: {error}"


def _memories(db: sqlite3.Connection) -> Iterator[str]:
    for feed, body in db.execute("SELECT feed, body FROM memory"):
        try:
            dict(orjson.loads(body))
        except (ValueError, TypeError) as error:
            yield f"feed {feed!r}: {error}"


def _contexts(db: sqlite3.Connection) -> Iterator[str]:
    for name, content in db.execute("SELECT id, content FROM context"):
        try:
            dict(orjson.loads(content))
        except (ValueError, TypeError) as error:
            yield f"context {name}: {error}"


KINDS: Final = (
    Kind(IDENTITY, IdentityStore, "there are no accounts, tokens and no audit", _accounts),
    Kind(
        SUBSCRIPTIONS,
        lambda d: SubscriptionStore(d / SUBSCRIPTIONS),
        "there are no subscriptions",
        _subscriptions,
    ),
    Kind(REGISTRY, lambda d: RegistryStore(d / REGISTRY), "there are no registered sources", _registrations),
    Kind(
        SNAPSHOTS,
        lambda d: SnapshotStore(d / SNAPSHOTS),
        "there are no snapshots",
        _snapshots,
        precious=False,
    ),
    Kind(
        CONTEXTS,
        lambda d: ContextBook(d / CONTEXTS),
        "the next start makes the second copies of hosted contexts again, of those in contexts/",
        _contexts,
        precious=False,
    ),
    Kind(
        DEADLETTER,
        lambda d: DeadLetterStore(d / DEADLETTER),
        "messages that could not be read are forgotten",
        lambda _: iter(()),
        precious=False,
    ),
    Kind(INGEST, lambda d: OffsetStore(d / INGEST), "feeds begin anew", _memories, precious=False),
)


def examine_small(directory: Path, journal_end: Callable[[], int]) -> list[Finding]:
    """A finding for each small database, and for the audit. ``journal_end`` now; 0 where it is not known."""
    findings: list[Finding] = []
    there = {path.name for path in directory.glob("*.db")}
    known = known_stores(directory)
    for kind in KINDS:
        missed = kind.name in known or (kind.name == SNAPSHOTS and _holds_snapshots(directory))
        if kind.name in there:
            findings += _look(directory, kind, missed, journal_end)
        elif missed:
            text = f"{kind.name} is missing: {kind.loss}. Stop the platform and put that of the last backup there."
            findings.append(Finding("problem" if kind.precious else "warning", kind.name, text))
    for name in sorted(there - {kind.name for kind in KINDS}):
        findings.append(_sound(directory / name))
    for path in sorted(directory.glob("*.damaged")):
        if path.name != f"{HISTORY}.damaged":
            text = (
                f"{path} was found damaged at a start and set aside; the platform goes on without it. See to the disk; take "
                f"{path.stem} of the last backup if its content is wanted, and remove this when it is of no more use."
            )
            findings.append(Finding("warning", "leftover", text))
    return findings


def _holds_snapshots(directory: Path) -> bool:
    folder = directory / FOLDER
    return folder.is_dir() and any(folder.iterdir())


def _look(directory: Path, kind: Kind, used: bool, journal_end: Callable[[], int]) -> Iterator[Finding]:
    path = directory / kind.name
    finding = _sound(path, kind.advice)
    if finding.level != "ok":
        yield finding
        return
    try:
        db = _open(path)
        try:
            with tempfile.TemporaryDirectory() as name:
                kind.make(Path(name)).close()
                model = sqlite3.connect(Path(name) / kind.name)
                try:
                    missing = missing_parts(model, db)
                    older = _version(db) < _version(model)
                finally:
                    model.close()
            if missing and not used:
                yield Finding(
                    "ok", kind.name, "It was begun by a start that did not come to its end; the next goes on."
                )
                return
            if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
                text = f"The file is empty: {kind.loss}. {kind.advice}"
                yield Finding("problem" if kind.precious else "warning", kind.name, text)
                return
            if missing and not older:
                yield Finding("problem", kind.name, f"{', '.join(missing)}. {kind.advice}")
                return
            bad = list(kind.rows(db))
            if bad:
                more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
                text = f"{bad[0]}{more} cannot be read and does not work. {kind.advice}"
                yield Finding("problem", kind.name, text)
            else:
                yield finding
            if kind.name == IDENTITY:
                yield _audit(db)
                if not older:
                    yield from _tokens(directory)
            if kind.name == SUBSCRIPTIONS:
                yield from _ahead(db, journal_end)
        finally:
            db.close()
    except sqlite3.Error as error:
        yield Finding("problem", kind.name, f"{error}. {kind.advice}")


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10.0)


def _version(db: sqlite3.Connection) -> int:
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    return found


def _sound(path: Path, advice: str = "Stop the platform and restore the last backup.") -> Finding:
    try:
        db = _open(path)
        try:
            found = in_one_line(line for (line,) in db.execute("PRAGMA quick_check(3)"))
        finally:
            db.close()
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
    """Tokens that are over soon, or ended with whoever answered for them."""
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
            f"{fallen} tokens ended with whoever answered for them: andaman token list --all --data {directory} says which "
            "and why; andaman token own ID has the command line answer for one that is needed."
        )
        yield Finding("warning", "tokens", text)


def _ahead(db: sqlite3.Connection, journal_end: Callable[[], int]) -> Iterator[Finding]:
    """Subscriptions read the journal; they cannot have read what was never there."""
    row = db.execute("SELECT value FROM meta WHERE key='position'").fetchone()
    end = journal_end()  # afterwards: both move on while the platform runs
    if row is not None and 0 < end < row[0]:
        text = (
            f"Subscriptions were told of journal row {row[0]}, the journal ends at {end}. If this directory was not "
            "restored to an earlier time, rows are missing at the journal's end, such as by a write-ahead log "
            "(ledger.sqlite3-wal) that was removed or damaged: compare with the last backup."
        )
        yield Finding("warning", SUBSCRIPTIONS, text)
