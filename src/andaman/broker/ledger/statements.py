"""The rows of a batch as one transaction: of one statement where they are few, else of as few as can be."""

# ruff: noqa: S608 (the parts put into statements are our own column lists and question marks)
from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from andaman.broker.ledger import evolution
from andaman.broker.ledger import single_statement as piece
from andaman.broker.ledger.batch import Batch
from andaman.broker.ledger.rows import COLUMNS, Shapes, Texts

_CHUNKS: Final = (256, 64)  # rows per statement; what is left over, up to 63 rows, goes in one more
_BYTES: Final = 1 << 20  # per statement: SQLite keeps a statement's values in memory, also when it is done
_FEWER: Final = (64, 32, 16, 8, 4, 2, 1)
_ENTITY_INSERT: Final = "INSERT INTO entity (ord, tenant, id, shape, seq, layout, facts, body)"
_ENTITY_UPDATE: Final = (
    "ON CONFLICT (ord) DO UPDATE SET shape=excluded.shape, seq=excluded.seq, layout=excluded.layout, "
    "facts=excluded.facts, body=excluded.body"
)


def write(
    db: sqlite3.Connection,
    batch: Batch,
    shapes: Shapes,
    layouts: Texts,
    known_tenants: set[str],
    first_ord: int,
) -> None:
    """Write the batch and return when it is synced. ``first_ord``: the next entity's order of creation before it.

    Raises sqlite3.Error: nothing of it is in the store then, unless it is the commit itself that failed.
    """
    if not shapes.fresh and not layouts.fresh and piece.fits(batch, known_tenants):
        piece.write(db, batch, first_ord)
        return
    db.execute("BEGIN IMMEDIATE")
    for texts in (shapes, layouts):
        if texts.fresh:
            insert_rows(db, texts.insert, 2, "", texts.fresh)
    fresh_tenants = batch.tenants - known_tenants
    if fresh_tenants:
        rows = [(t, batch.at) for t in sorted(fresh_tenants)]
        insert_rows(db, "INSERT INTO tenant (name, created)", 2, "", rows)
    for start in range(0, len(batch.gone), 500):
        orders = batch.gone[start : start + 500]
        db.execute(f"DELETE FROM entity WHERE ord IN ({','.join('?' * len(orders))})", orders)
    insert_rows(db, "INSERT INTO former (tenant, id, seq, at, shape)", 5, "", batch.former)
    most = _BYTES * len(batch.journal) // batch.size if batch.size > _BYTES else None
    insert_rows(db, _ENTITY_INSERT, 8, _ENTITY_UPDATE, _entity_rows(batch), most)
    if batch.evolution:
        evolutions = [(*key, *at) for key, at in batch.evolution.items()]
        insert_rows(db, evolution.INSERT, 4, evolution.ON_CONFLICT, evolutions)
    insert_rows(db, f"INSERT INTO journal ({COLUMNS})", 12, "", batch.journal, most)
    db.execute(
        "INSERT INTO meta (key, value) VALUES ('head', ?) ON CONFLICT (key) DO UPDATE SET value=excluded.value",
        (batch.head,),
    )
    db.execute("COMMIT")


def _entity_rows(batch: Batch) -> list[tuple[Any, ...]]:
    return [
        (row[0], tenant, entity_id, row[2], seq, row[3], row[4], row[1])
        for (tenant, entity_id), kept in batch.state.items()
        if kept is not None
        for row, seq in (kept,)
    ]


def insert_rows(
    db: sqlite3.Connection,
    head: str,
    columns: int,
    tail: str,
    rows: Sequence[Sequence[Any]],
    most: int | None = None,
) -> None:
    """Insert rows by as few statements as can be, of sizes that the connection has compiled before. ``most``: rows of a statement,
    where they are large.

    Each statement gives up the interpreter's lock once instead of once per row: under load that is what counts,
    because getting it back from a busy event loop can take milliseconds.
    """
    mark = f"({','.join('?' * columns)})"
    start, left = 0, len(rows)
    while left:
        if most is None:
            size = next((size for size in _CHUNKS if left >= size), left)
        else:
            size = next((size for size in _FEWER if left >= size <= most), 1)
        values = [value for row in rows[start : start + size] for value in row]
        db.execute(f"{head} VALUES {','.join([mark] * size)} {tail}", values)
        start += size
        left -= size
