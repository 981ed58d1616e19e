"""Reading the city as of one commit: all queries of a snapshot see the same state, while writing continues.

A read transaction of SQLite holds still what is on disk. The index in memory, which is a little ahead or behind, only says
where to look: what the journal tells between the two is looked at as well. Blocks; for worker threads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from andaman.broker.entity.expiry import read_living
from andaman.broker.ledger.rights import visible
from andaman.broker.ledger.schema import connect
from andaman.broker.model import Doc
from andaman.broker.query.ast import TypeExpr, TypeIs
from andaman.identity.model import Access
from andaman.kernel.time import Micros

_IDS: Final = 200
_LINKED: Final = 10_000  # linked entities that are kept while queries go along Relationships
_BREATH_S: Final = 0.001  # after each page: the loop comes first


class Moment:
    """The entities of a tenant as of the last commit before it was made, as one principal may see them."""

    def __init__(self, directory: Path, tenant: str, access: Access, now: Micros) -> None:
        self._tenant, self._access = tenant, access
        self._db = connect(directory)
        self._db.execute("BEGIN")
        row = self._db.execute("SELECT seq, at FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
        self.seq: int = row[0] if row is not None else 0
        self.at: Micros = max(now, row[1] if row is not None else 0)
        """Before this, nothing else is known; what expires later is there."""
        self._linked: dict[str, Doc | None] = {}

    def close(self) -> None:
        self._db.close()

    def docs(self, known: Sequence[str], after: int) -> Iterator[Doc]:
        """Those of ``known`` that are there, then others that were changed behind position ``after``, in this order."""
        for start in range(0, len(known), _IDS):
            yield from self._page(known[start : start + _IDS])
            time.sleep(_BREATH_S)
        there = set(known)
        changed = self._db.execute(
            "SELECT entity_id FROM journal WHERE seq>? AND tenant=? ORDER BY seq", (after, self._tenant)
        )
        fresh = [one for (one,) in dict.fromkeys(changed) if one not in there]
        for start in range(0, len(fresh), _IDS):
            yield from self._page(fresh[start : start + _IDS])

    def find(self, entity_id: str) -> Doc | None:
        """One entity, for those who look at linked ones again and again."""
        if entity_id not in self._linked:
            if len(self._linked) >= _LINKED:
                self._linked.clear()
            self._linked[entity_id] = next(self._page([entity_id]), None)
        return self._linked[entity_id]

    def follow(self, entity_id: str) -> tuple[Doc, frozenset[str]] | None:
        found = self.find(entity_id)
        return None if found is None else (found, frozenset())

    def _page(self, ids: Sequence[str]) -> Iterator[Doc]:
        marks = ",".join("?" * len(ids))
        rows: list[tuple[int, bytes]] = self._db.execute(
            f"SELECT ord, body FROM entity WHERE tenant=? AND id IN ({marks})",  # noqa: S608
            (self._tenant, *ids),
        ).fetchall()
        for _, body in sorted(rows):
            doc = read_living(body, lambda: self.at)
            shown = None if doc is None else visible(doc, self._access)
            if shown is not None:
                yield shown


def leaf_types(expressions: Sequence[TypeExpr | None]) -> tuple[str, ...] | None:
    """Types such that an entity has at least one of them if it meets one of these expressions; None: any type will do."""
    found: set[str] = set()
    for expr in expressions:
        if expr is None:
            return None
        if isinstance(expr, TypeIs):
            found.add(expr.iri)
            continue
        inner = leaf_types(expr.parts)
        if inner is None:
            return None
        found.update(inner)
    return tuple(sorted(found))
