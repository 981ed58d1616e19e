"""The rules on disk: their state, and marks of events between two rows of the journal.

A replay of the journal from the last state must meet the same things in the same order. The journal tells of every entity;
it does not tell when a deadline fired on the clock alone, nor that the platform was down. Those are *marks*: small,
fsynced before anything that follows from them is written, gone with the next state. State, position in the journal and
marks change in one transaction. All writing is done by one thread of its own, in order; the loop only collects.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.command.signals.definition import read_rule
from andaman.command.signals.episode import Signal, SignalKind
from andaman.kernel.positions import Position
from andaman.kernel.tables import POSITIONS, Store, StoreKind, columns
from andaman.kernel.time import Micros

log = logging.getLogger(__name__)
FILE: Final = "rules.sqlite3"
FOLLOWER: Final = "rules"
VERSION: Final = 2
"""Of the rows within, which the rules read."""
KIND: Final = StoreKind(
    FILE,
    "the state of the rules",
    (
        "CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL, alive INTEGER NOT NULL, "
        "rows INTEGER NOT NULL) STRICT;"
        "CREATE TABLE block (number INTEGER PRIMARY KEY, lines BLOB NOT NULL) STRICT;"
        "CREATE TABLE mark (number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, tenant TEXT, at INTEGER NOT NULL) STRICT;"
        + POSITIONS,
    ),
    "the rules begin with the present",
    backed_up=False,
    needs={
        "state": columns("version alive rows"),
        "block": columns("lines"),
        "mark": columns("seq tenant at"),
    },
)
_TURN_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class Mark:
    """After the journal row ``seq``, deadlines of a tenant fired up to ``at``. ``tenant`` None: the platform started at
    ``at`` after it was down."""

    seq: Position
    tenant: str | None
    at: Micros


@dataclass(slots=True)
class State:
    """The state as it was read. ``rows`` are as the watch wrote them."""

    offset: Position
    alive: Micros
    rows: list[dict[str, Any]]


class Keeper:
    """One store in a directory. A new state replaces the old one and its marks."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rules-state")
        self._opened: Store | None = None

    @property
    def _store(self) -> Store:
        if self._opened is None:
            self._opened = Store(self._directory / FILE, KIND)
            take_over(self._directory, self._opened)
        return self._opened

    def close(self) -> None:
        """Finish all writes, and close the store."""
        self._thread.shutdown()
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    # -- reading --------------------------------------------------------------------------------------------
    def load(self) -> State | None:
        """None when there is no state. Raises ValueError when it is damaged or of another version, Unavailable."""
        heads = self._store.rows("SELECT version, alive, rows FROM state")
        if not heads:
            return None
        (version, alive, count), offset = heads[0], self._store.position(FOLLOWER)
        blocks = self._store.rows("SELECT lines FROM block ORDER BY number")
        rows = [orjson.loads(line) for (lines,) in blocks for line in lines.splitlines()]
        if version != VERSION or count != len(rows) or offset is None:
            raise ValueError("It has another version, or rows are missing")
        return State(offset, alive, rows)

    def load_marks(self) -> list[Mark]:
        """In order. Raises Unavailable."""
        return [Mark(*row) for row in self._store.rows("SELECT seq, tenant, at FROM mark ORDER BY number")]

    # -- writing --------------------------------------------------------------------------------------------
    async def append(self, marks: Sequence[Mark]) -> None:
        """Returns when the marks are on disk."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._append, list(marks))

    async def replace(self, offset: Position, alive: Micros, rows: int, blocks: Sequence[bytes]) -> None:
        """Returns when the state is on disk in place of the last one; marks up to here are part of it. ``blocks`` hold
        ``rows`` lines together."""
        await asyncio.get_running_loop().run_in_executor(
            self._thread, self._replace, offset, alive, rows, blocks
        )

    def _append(self, marks: Sequence[Mark]) -> None:
        with self._store.transaction() as db:
            rows = [(mark.seq, mark.tenant, mark.at) for mark in marks]
            db.executemany("INSERT INTO mark (seq, tenant, at) VALUES (?, ?, ?)", rows)

    def _replace(self, offset: Position, alive: Micros, rows: int, blocks: Sequence[bytes]) -> None:
        put_state(self._store, offset, alive, rows, blocks)


def put_state(store: Store, offset: Position, alive: Micros, rows: int, blocks: Sequence[bytes]) -> None:
    """State and position in one transaction, and the marks gone."""
    with store.transaction() as db:
        for table in ("block", "mark"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608
        db.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?)", (VERSION, alive, rows))
        db.executemany("INSERT INTO block (lines) VALUES (?)", [(block,) for block in blocks])
        store.keep_position(FOLLOWER, offset)


# -- the files of the release before --------------------------------------------------------------------------
def take_over(directory: Path, store: Store) -> None:
    """Move the two files of an earlier release into the store. If they make no sense, the rules begin with the present.
    May raise OSError."""
    state, marks = directory / "rules-state.jsonl", directory / "rules-marks.jsonl"
    if state.is_file() and not store.rows("SELECT 1 FROM state"):
        head, *lines = state.read_bytes().splitlines() or [b""]
        try:
            found = orjson.loads(head)
            if found["version"] == VERSION and found["rows"] == len(lines):
                kept = _marks_of(marks)
                with store.transaction() as db:
                    put_state(store, found["offset"], found["alive"], len(lines), [b"\n".join(lines)])
                    db.executemany("INSERT INTO mark (seq, tenant, at) VALUES (?, ?, ?)", kept)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("The state of the rules of the release before cannot be used: %s", error)
    for path in (state, marks, state.with_suffix(".new")):
        if path.is_file():
            path.unlink()


def _marks_of(path: Path) -> list[tuple[int, str | None, Micros]]:
    """In order. Nobody acted upon an incomplete last line."""
    if not path.is_file():
        return []
    found = path.read_bytes()
    return [tuple(orjson.loads(line)) for line in found[: found.rfind(b"\n") + 1].splitlines()]


async def collect(rows: Iterable[dict[str, Any]]) -> tuple[int, list[bytes]]:
    """(Number of rows, their lines in blocks); after each ``_TURN_S`` the loop serves others."""
    blocks: list[bytes] = []
    count = 0
    lines: list[bytes] = []
    until = time.perf_counter() + _TURN_S
    for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is what is wanted
        lines.append(orjson.dumps(row))
        if time.perf_counter() > until:
            blocks.append(b"\n".join(lines))
            lines = []
            await asyncio.sleep(0)
            until = time.perf_counter() + _TURN_S
    if lines:
        blocks.append(b"\n".join(lines))
    return count, blocks


def dump_signal(tenant: str, signal: Signal) -> dict[str, Any]:
    """A signal that is still to be written, with its rule: that may be gone by the time it is read back."""
    rule = signal.rule
    members = [getattr(signal, name) for name in _MEMBERS]
    return {"tenant": tenant, "signal": members, "rule": dump_rule(rule.id, rule.source, rule.name)}


def load_signal(row: dict[str, Any]) -> Signal:
    members = dict(zip(_MEMBERS, row["signal"], strict=True))
    members |= {"kind": SignalKind(members["kind"]), "evidence": tuple(members["evidence"])}
    return Signal(rule=read_rule(*row["rule"]), **members)


def dump_rule(rule_id: str, source: Any, name: Any) -> list[Any]:
    """The arguments of ``read_rule``."""
    return [rule_id, source, name]


_MEMBERS: Final = (
    "kind", "alert_id", "step", "entity_id", "at", "onset", "last_seen", "severity", "occurrences", "evidence", "reason",
)  # fmt: skip
