"""Filling the in-memory index at start from the facts stored next to each body, so that no body is parsed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import orjson

from andaman.broker.ledger.rows import Texts
from andaman.broker.ledger.schema import connect
from andaman.broker.model import Doc
from andaman.kernel.portions import portion


class Facts(NamedTuple):
    """The facts that the index keeps of an entity, as rows of the store (broker/query/facts.py)."""

    version: int  # facts of another version must be made anew
    make: Callable[[Doc], tuple[str, bytes]]  # (layout, facts)
    update: Callable[[bytes, Doc, Iterable[str]], bytes]  # facts after these attributes changed


_PAGE: Final = 5_000
_BYTES: Final = 8 << 20


class BulkIndex(Protocol):
    """The part of the index that is needed (broker/query/index.py)."""

    def bulk_load(self, tenant: str, rows: Iterable[tuple[str, str, bytes]]) -> int:
        """Rows are (entity id, layout, facts) in creation order; returns their number."""


def load_index(directory: Path, index: BulkIndex, facts: Facts) -> int:
    """Load every tenant's entities; returns their number. Facts of another version are made anew first."""
    db = connect(directory, write=True)
    try:
        stored = db.execute("SELECT value FROM meta WHERE key='facts'").fetchone()
        if stored is None or stored[0] != facts.version:
            _renew_facts(db, facts)
        layouts = Texts(db, "layout", "text")
        tenants = db.execute("SELECT name FROM tenant ORDER BY name").fetchall()
        return sum(index.bulk_load(tenant, _rows(db, layouts, tenant)) for (tenant,) in tenants)
    finally:
        db.close()


def _rows(db: sqlite3.Connection, layouts: Texts, tenant: str) -> Iterator[tuple[str, str, bytes]]:
    # The city's own tenant is nearly the whole table, in its order; the others (drills) are a few rows each.
    way = "INDEXED BY sqlite_autoindex_entity_1" if tenant else "NOT INDEXED"
    cursor = db.execute(
        f"SELECT id, layout, facts FROM entity {way} WHERE tenant=? ORDER BY ord",  # noqa: S608
        (tenant,),
    )
    text = layouts.text
    while page := cursor.fetchmany(_PAGE):
        for entity_id, layout, facts in page:
            yield entity_id, text(layout), facts


def _renew_facts(db: sqlite3.Connection, facts: Facts) -> None:
    layouts = Texts(db, "layout", "text")
    after = -1
    db.execute("BEGIN IMMEDIATE")
    while page := portion(
        db.execute("SELECT ord, body FROM entity WHERE ord>? ORDER BY ord LIMIT ?", (after, _PAGE)),
        lambda row: len(row[1]),
        _BYTES,
    ):
        after = page[-1][0]
        made = [(facts.make(orjson.loads(body)), order) for order, body in page]
        db.executemany(
            "UPDATE entity SET layout=?, facts=? WHERE ord=?",
            [(layouts.number(layout), blob, order) for (layout, blob), order in made],
        )
    db.executemany(f"{layouts.insert} VALUES (?, ?)", layouts.fresh)
    db.execute(
        "INSERT INTO meta (key, value) VALUES ('facts', ?) ON CONFLICT (key) DO UPDATE SET value=excluded.value",
        (facts.version,),
    )
    db.execute("COMMIT")
