"""The losses of a data directory: small databases that were there and are gone, empty or damaged. Nothing is begun anew
over them without a word: accounts, subscriptions and registered sources would be gone, and nobody would know.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Final

from andaman.broker.ledger import known_stores as notes
from andaman.broker.ledger.schema import FILE as LEDGER
from andaman.broker.registry.store import FILE as REGISTRY
from andaman.broker.snapshots.store import FILE as SNAPSHOTS
from andaman.broker.subscriptions.store import FILE as SUBSCRIPTIONS
from andaman.identity import store as identity
from andaman.ingest.deadletter import FILE as DEADLETTER
from andaman.ingest.offsets import FILE as INGEST
from andaman.kernel.errors import AndamanError, Unavailable
from andaman.kernel.storage import damage, has_row, has_tables
from andaman.maintenance.stores import Stores, noted, precious

log = logging.getLogger("andaman")
IDENTITY: Final = identity.FILE
_CHECKED_BYTES: Final = 64 << 20
"""Larger ones are left to the doctor."""


def known_stores(directory: Path) -> frozenset[str]:
    """Names of small databases that were in use here. What never was is not missed: a start that was killed, or that failed, leaves
    some of them only."""
    known = notes.noted(directory)
    return _inferred(directory) if known is None else known


def _inferred(directory: Path) -> frozenset[str]:
    """The same for a directory of an older release, which noted nothing. A start of these made identity.db, the ledger, registry.db,
    deadletter.db and ingest.db; then it began to work, and made subscriptions.db and snapshots.db. Still older ones knew
    registry.db, subscriptions.db and snapshots.db not at all.
    """
    there = {path.name for path in directory.glob("*.db") if path.exists() and path.stat().st_size}
    known = set[str]()
    if there - {IDENTITY}:
        known.add(IDENTITY)
    if there & {SUBSCRIPTIONS, SNAPSHOTS}:
        known.add(REGISTRY)
    if SNAPSHOTS in there or (REGISTRY in there and _was_used(directory)):
        known |= {REGISTRY, SUBSCRIPTIONS, DEADLETTER, INGEST}
    return frozenset(known)


def _was_used(directory: Path) -> bool:
    """Does something show that a start was completed: records that others than the platform itself wrote?"""
    return any(
        has_row(directory / name, rows)
        for name, rows in (
            (REGISTRY, "registration"),
            (REGISTRY, "csource_subscription"),
            (DEADLETTER, "dead_letter"),
            (INGEST, "memory"),
            (LEDGER, "journal WHERE actor NOT LIKE 'system:%' OR actor LIKE 'system:feed:%'"),
        )
    )


def find_lost(directory: Path, stores: Stores) -> list[str]:
    """Names of small databases that were there and are gone, or empty."""
    known = known_stores(directory)
    return [name for name in precious(stores) if name in known and not has_tables(directory / name)]


def check_whole(directory: Path, stores: Stores, *names: str) -> None:
    """Raises Unavailable, in a sentence that says what to do, where one of them (none named: any) is gone or damaged."""
    lost, held = find_lost(directory, stores), precious(stores)
    for name in names or held:
        path = directory / name
        if name in lost:
            how = "empty" if path.exists() else "missing"
            raise Unavailable(
                f"{path} is {how}, which held {held[name]}. No new file is created over it: stop the platform and put "
                f"{name} of the last backup there. andaman restore makes a directory of a backup. Where there is none, "
                f"andaman begin-anew {name} --data {directory} begins without"
                + (", and andaman user add makes the first account" if name == IDENTITY else "")
            )
        wrong = damage(path, {}, _CHECKED_BYTES)
        if wrong:
            raise Unavailable(
                f"{path} is damaged: {wrong}. It holds {held[name]}. Keep a copy of {directory}, remove {name}, {name}-wal and "
                f"{name}-shm, and put {name} of the last backup there; andaman doctor --data {directory} says more"
            )


def begin_anew(directory: Path, stores: Stores, name: str) -> None:
    """Do without a small database that is lost: the next start makes an empty one. Raises AndamanError."""
    if name not in precious(stores):
        raise AndamanError(f"{name!r} is none of {', '.join(precious(stores))}")
    lost = find_lost(directory, stores)
    if name not in lost:
        raise AndamanError(f"{directory / name} is not lost; nothing was changed")
    left = known_stores(directory) - {name}
    for end in ("", "-wal", "-shm"):
        (directory / f"{name}{end}").unlink(missing_ok=True)
    try:
        notes.note(directory, left)
    except sqlite3.Error as error:
        raise Unavailable(f"The ledger in {directory} cannot be written: {error}") from None


def note_stores(directory: Path, stores: Stores) -> None:
    """Note the stores that exist now, in addition to the known ones. A start calls it when all are made, before anybody
    can be told that something was taken; the command line when it has changed accounts. What cannot be noted now is
    noted by the next.
    """
    there = {name for name in noted(stores) if has_tables(directory / name)}
    try:
        notes.note(directory, known_stores(directory) | there)
    except sqlite3.Error as error:
        log.warning("Which databases there are could not be noted: %s", error)
