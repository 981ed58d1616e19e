"""Moves the journal's tail to history: in batches bounded in rows and bytes, smaller ones if a batch fails because of
its content.

A batch that fails is halved, down to one row; what of that does not go in is set aside (``history/rows/set_aside.py``), and history goes on.
Trouble that has other causes (a full disk) is waited for. A note on disk says which batch is under way: where the process dies of it
again and again, the next one takes less.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from andaman.broker.history import is_its_own_fault
from andaman.broker.ledger.damage import is_damage
from andaman.broker.ledger.journal import Journal, JournalPool
from andaman.broker.ledger.past import HistoryStore
from andaman.broker.model import Event
from andaman.kernel.errors import is_full

log = logging.getLogger("andaman.historian")

BATCH_ROWS: Final = 20_000  # a batch that the history store takes at full speed
BATCH_BYTES: Final = 8 << 20
# While the whole city is asked about, which means to walk through all that is not moved yet:
_SHORT_ROWS: Final = 4_000
_SHORT_S: Final = 2.0
_ASKED_S: Final = 30.0  # so long after such a question
_POLL_S: Final = 0.25
_RETRY_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 300.0
_LESS: Final = 16  # times smaller is a batch after the process has died of one: lives are dearer than tries
_DEATHS: Final = 3  # of the process over one row, after which that is set aside
_INVALID: Final = "invalidated"  # DuckDB can do no more until it is opened again
UNDER_WAY: Final = "under-way"
"""The note's file in history's directory."""


class Feeder:
    """Moves in large batches, or after ``every_s`` when there is little; in smaller ones while questions are asked that look at
    all of the tail."""

    def __init__(
        self, journals: JournalPool, history: HistoryStore, every_s: float, directory: Path | None = None
    ) -> None:
        """``directory``: history's, for the note."""
        self._journals = journals
        self._history = history
        self._every_s = every_s
        self._stop = threading.Event()
        self._lock = threading.Lock()  # history is written by one thread at a time
        self._asked = -_ASKED_S  # when the tail was looked at as a whole
        self._rows = BATCH_ROWS  # of the next batch; fewer after one has failed
        self._careful = 0  # up to this position batches do not grow: a process died of one of them
        self._weighed = (0, 0)  # up to this position the rows behind history have so many bytes
        self._note = _Note(directory / UNDER_WAY if directory is not None else None)
        self._upkeep = _Pause()
        self.trouble = ""  # why history lags
        self.broken: Exception | None = None  # damage that was met
        self._begin()

    def _begin(self) -> None:
        """Did the process before this one die while it took a batch?"""
        died = self._note.read()
        if died is not None and died[0] == self._history.last_seq:
            self._rows = max(1, died[1] // _LESS)
            self._careful = died[0] + died[1]
            self._note.deaths = died[2] + 1 if died[1] == 1 else 1

    def run(self) -> None:
        """Until stopped."""
        moved = time.monotonic()
        pause = _RETRY_S
        while not self._stop.wait(min(_POLL_S, self._every_s)):
            try:
                now = time.monotonic()
                short = now - self._asked < _ASKED_S
                rows = _SHORT_ROWS if short else BATCH_ROWS
                wait_s = min(_SHORT_S, self._every_s) if short else self._every_s
                behind, size = self._behind(rows)
                if behind >= rows or size >= BATCH_BYTES or (behind and now - moved >= wait_s):
                    self.drain()
                    moved = time.monotonic()
                else:
                    self._maintain(now)
                self.trouble = self._upkeep.trouble
                pause = _RETRY_S
            except Exception as error:
                # The journal keeps everything; history catches up when the trouble is over.
                self.trouble = str(error)
                if _INVALID in self.trouble or is_damage(error):
                    raise
                if is_full(error):
                    log.error(
                        "History could not take the journal's tail: the disk is full; will be tried again"
                    )
                else:
                    log.exception("History could not take the journal's tail; will be tried again")
                self._stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)

    def asked(self) -> None:
        """Somebody reads the complete tail; others will."""
        self._asked = time.monotonic()

    def _behind(self, enough: int) -> tuple[int, int]:
        """(Rows, bytes) that history has not taken; bytes are not looked at where the rows are enough for a batch."""
        last = self._history.last_seq
        with self._journals.reader() as journal:
            behind = journal.end() - last
            if behind >= enough:
                return behind, 0
            position, size = self._weighed if self._weighed[0] >= last else (last, 0)
            if behind and position < last + behind:
                position, more = journal.weight(position, enough)
                size += more
            self._weighed = (position, size)
        return behind, size

    def _maintain(self, now: float) -> None:
        """A step of upkeep; one that failed is tried again after a while, which grows."""
        if now < self._upkeep.until:
            return
        try:
            with self._lock:
                self._history.maintain()
        except Exception as error:
            if _INVALID in str(error) or is_damage(error):
                raise
            self._upkeep.failed(now, f"upkeep of history: {error}")
            log.exception("A step of history's upkeep failed; tried again in %.0f s", self._upkeep.pause)
        else:
            self._upkeep.over()

    def drain(self) -> None:
        """Move everything that is in the journal now."""
        while self.broken is None and self._move():
            pass

    def _move(self) -> bool:
        """Move one batch. False: there was nothing."""
        with self._lock, self._journals.reader() as journal:
            after = self._history.last_seq
            batch = _Batch(journal, after, self._rows)
            self._note.write(after, self._rows)
            try:
                if self._note.deaths >= _DEATHS:
                    raise MemoryError(f"the historian ended {_DEATHS} times while it took this row")
                self._history.ingest(batch)
            except Exception as error:
                if isinstance(error, sqlite3.Error) or not is_its_own_fault(error):
                    raise
                self._smaller(journal, after, batch, error)
                return True
            finally:
                self._note.clear()
            if self._history.last_seq >= self._careful:
                self._rows = min(2 * self._rows, BATCH_ROWS)
            self._weighed = (0, 0)
            return batch.count > 0

    def _smaller(self, journal: Journal, after: int, batch: _Batch, error: Exception) -> None:
        """After a batch that failed because of its content: try half of it next. Of a single row, set aside the part
        that does not go in.
        """
        if batch.count > 1 and not self._note.deaths >= _DEATHS:
            self._rows = batch.count // 2
            log.warning(
                "History could not take %d rows behind %d (%s); it tries %d of them",
                batch.count,
                after,
                _said(error),
                self._rows,
            )
            return
        self._note.deaths = 0
        event = _readable(journal, after + 1)
        for row in self._history.ingest_alone(event, error):
            log.error(
                "History set aside attribute %s of entity %s (journal row %d, %d characters), which it could not take: %s. "
                "The journal has it; answers about the past are without it. andaman doctor lists such rows",
                row.attr or "(all)",
                row.entity,
                row.seq,
                row.size,
                row.reason,
            )

    def stop(self) -> None:
        self._stop.set()

    @property
    def over(self) -> bool:
        """Was it stopped?"""
        return self._stop.is_set()

    def break_off(self, error: Exception) -> None:
        """The files are damaged: nothing more is moved to them."""
        self.broken = self.broken or error
        self._stop.set()


class _Batch:
    """The next events of the journal, read one by one; ``count`` of them were taken so far."""

    def __init__(self, journal: Journal, after: int, rows: int) -> None:
        self._journal, self._after, self._rows = journal, after, rows
        self.count = 0

    def __iter__(self) -> Iterator[Event]:
        left = BATCH_BYTES
        with closing(self._journal.stream(self._after, self._rows)) as events:
            while True:
                self.count += 1  # with the one that is being read
                found = next(events, None)
                if found is None:
                    self.count -= 1
                    return
                yield found[0]
                left -= found[1]
                if left <= 0:
                    return


def _readable(journal: Journal, seq: int) -> Event:
    """The event at a position; without its changes if those cannot be read."""
    try:
        event = journal.at(seq)
    except Exception:
        event = journal.at(seq, bare=True)
    assert event is not None
    return event


class _Note:
    """Which batch is under way: position, rows, and how often a process died of this single row."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.deaths = 0

    def read(self) -> tuple[int, int, int] | None:
        if self._path is None:
            return None
        try:
            after, rows, deaths = map(int, self._path.read_text().split())
        except (OSError, ValueError):
            return None
        return after, rows, deaths

    def write(self, after: int, rows: int) -> None:
        if rows > 1:
            self.deaths = 0
        if self._path is not None:
            with suppress(OSError):
                self._path.write_text(f"{after} {rows} {self.deaths}")

    def clear(self) -> None:
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


class _Pause:
    """How long to wait before the next try after a failure."""

    def __init__(self) -> None:
        self.trouble = ""
        self.until = 0.0
        self.pause = 0.0

    def failed(self, now: float, trouble: str) -> None:
        self.trouble = trouble
        self.pause = min(max(_RETRY_S, 2 * self.pause), _LONGEST_PAUSE_S)
        self.until = now + self.pause

    def over(self) -> None:
        self.trouble, self.pause = "", 0.0


def _said(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
