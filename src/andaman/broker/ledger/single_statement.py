"""A small commit as one SQL statement: the rows of a batch go through a view whose triggers write state and journal.

A transaction of several statements needs the interpreter's lock between any two of them, and the writer's thread gets it
back from a busy event loop only when that runs out of work. One statement is a transaction by itself: the lock is
let go once, and sorting rows into pages, checksums and the fsync all happen beside the loop.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from andaman.broker.ledger.batch import Batch
from andaman.broker.ledger.rows import COLUMNS

ROWS: Final = 128
"""Journal rows that one statement takes at most."""
_BYTES: Final = 1 << 20
"""The most that such a batch holds: SQLite keeps the values of a statement in memory, several times."""
_STEP: Final = 8  # sizes are padded to its multiples, so that few statements are compiled
_JOURNAL: Final = COLUMNS.split(", ")
# The head is told by the last row, state by the last row of its entity; elsewhere these columns are NULL.
_OTHERS: Final = ("born", "ord", "layout", "facts", "body", "head")
_WIDTH: Final = len(_JOURNAL) + len(_OTHERS)
_VIEW: Final = f"""
CREATE TEMP VIEW piece AS SELECT {", ".join(f"NULL AS {name}" for name in (*_JOURNAL, *_OTHERS))};
CREATE TEMP TRIGGER piece_journal INSTEAD OF INSERT ON piece WHEN NEW.seq IS NOT NULL BEGIN
    INSERT INTO journal ({COLUMNS}) VALUES ({", ".join(f"NEW.{name}" for name in _JOURNAL)});
    UPDATE entity SET shape=NEW.shape, seq=NEW.seq, layout=NEW.layout, facts=NEW.facts, body=NEW.body
        WHERE ord=NEW.ord AND NEW.born=0;
END;
CREATE TEMP TRIGGER piece_born INSTEAD OF INSERT ON piece WHEN NEW.born=1 BEGIN
    INSERT INTO entity (ord, tenant, id, shape, seq, layout, facts, body)
        VALUES (NEW.ord, NEW.tenant, NEW.entity_id, NEW.shape, NEW.seq, NEW.layout, NEW.facts, NEW.body);
END;
CREATE TEMP TRIGGER piece_head INSTEAD OF INSERT ON piece WHEN NEW.head=1 BEGIN
    INSERT INTO meta (key, value) VALUES ('head', NEW.hash) ON CONFLICT (key) DO UPDATE SET value=excluded.value;
END;
"""  # noqa: S608 (our own column names)
_NOTHING: Final[tuple[Any, ...]] = (None,) * len(_OTHERS)
_ROW: Final = f"({','.join('?' * _WIDTH)})"
_statements: dict[int, str] = {}


def ready(db: sqlite3.Connection) -> None:
    """Make the view on a connection that is to write pieces; it lives as long as the connection."""
    db.executescript(_VIEW)


def fits(batch: Batch, known_tenants: set[str]) -> bool:
    """Does the batch only create and change entities, few of them, of tenants that exist? (New shapes and layouts,
    which it may need, are the caller's to look at.)"""
    return (
        0 < len(batch.journal) <= ROWS
        and batch.size <= _BYTES
        and not batch.gone
        and not batch.former
        and not batch.evolution
        and batch.tenants <= known_tenants
    )


def write(db: sqlite3.Connection, batch: Batch, first_ord: int) -> None:
    """Write the batch and return when it is synced. ``first_ord``: the next entity's order of creation before it.

    Raises sqlite3.Error: nothing of it is in the store then, unless the error is one of the commit itself.
    """
    state = {kept[1]: kept[0] for kept in batch.state.values() if kept is not None}
    values: list[Any] = []
    for row in batch.journal:
        values += row
        kept = state.get(row[0])
        if kept is None:
            values += _NOTHING
        else:
            values += (kept[0] >= first_ord, kept[0], kept[3], kept[4], kept[1], None)
    values[-1] = True
    count = len(batch.journal)
    size = count if count <= 4 else -(-count // _STEP) * _STEP
    values += (None,) * (_WIDTH * (size - count))
    text = _statements.get(size)
    if text is None:
        text = _statements[size] = f"INSERT INTO temp.piece VALUES {','.join([_ROW] * size)}"  # noqa: S608
    db.execute(text, values)
