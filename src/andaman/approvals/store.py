"""approvals.db: all proposals. Calls block."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from andaman.approvals.model import Proposal, State
from andaman.kernel.tables import Store, StoreKind

KIND: Final = StoreKind(
    "approvals.db",
    "the approvals",
    (
        "CREATE TABLE proposal (id TEXT PRIMARY KEY, state TEXT NOT NULL, at INTEGER NOT NULL, document BLOB NOT NULL) STRICT, "
        "WITHOUT ROWID; CREATE INDEX proposal_state ON proposal (state, at)",
    ),
    "proposals and decisions are gone; what waits for approval must be proposed again",
)
_KEPT: Final = 10_000
"""Decided proposals; the oldest make room. The audit log keeps who decided what."""


class ProposalStore:
    def __init__(self, directory: Path) -> None:
        self.store = Store(directory / KIND.file, KIND)

    def close(self) -> None:
        self.store.close()

    def find(self, proposal_id: str) -> Proposal | None:
        rows = self.store.rows("SELECT document FROM proposal WHERE id=?", (proposal_id,))
        return _read(rows[0][0]) if rows else None

    def listed(self, state: State | None, limit: int) -> list[Proposal]:
        """Newest first."""
        where, values = ("WHERE state=?", (state.value,)) if state else ("", ())
        sql = f"SELECT document FROM proposal {where} ORDER BY at DESC, id DESC LIMIT ?"  # noqa: S608 - our own words
        return [_read(row[0]) for row in self.store.rows(sql, (*values, limit))]

    def count_open(self, now: int) -> int:
        rows = self.store.rows("SELECT document FROM proposal WHERE state='open'")
        return sum(_read(row[0]).is_open(now) for row in rows)

    def put(self, proposal: Proposal) -> None:
        """On disk when it returns."""
        with self.store.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO proposal VALUES (?, ?, ?, ?)",
                (proposal.id, proposal.state.value, proposal.at, msgspec.json.encode(proposal)),
            )
            db.execute(
                "DELETE FROM proposal WHERE state NOT IN ('open', 'approved') AND id NOT IN "
                "(SELECT id FROM proposal ORDER BY at DESC LIMIT ?)",
                (_KEPT,),
            )


def _read(document: bytes) -> Proposal:
    return msgspec.json.decode(document, type=Proposal)
