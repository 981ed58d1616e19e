"""Which entities there ever were, and what each was last: the candidates of a temporal query, in order of first appearance.

For each entity number, in memory: its tenant, the word of its newest types and scopes, and whether it ever had scopes.
Numbers are given in the order of the journal and never change, so pages stay as they are while others write.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from andaman.broker.history.rows.rows import ADDED, META, SCOPE, SET, Row
from andaman.broker.history.segments.store import Store

Ints = npt.NDArray[np.int64]
_NONE: Final = -1


class Subjects:
    """Filled at the first question, kept up by the loading thread, read by any."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._tenant: npt.NDArray[np.int32] = np.empty(0, dtype=np.int32)
        self._form: npt.NDArray[np.int32] = np.empty(0, dtype=np.int32)
        self._scoped: set[int] = set()
        self._seq = 0  # the last event that is known here
        self._loaded = False

    def _load(self) -> None:
        def ask(snapshot: Any, cursor: Any) -> None:
            owners = cursor.execute("SELECT id, tenant FROM entity").fetchnumpy()
            size = int(owners["id"].max()) + 1 if len(owners["id"]) else 0
            self._grow(size)
            self._tenant[owners["id"]] = owners["tenant"]
            meta = self._store.names.word(META)
            union = snapshot.union("entity, form, seq", f"attr = {meta} AND op IN ({SET}, {ADDED})")
            newest = cursor.execute(
                f"SELECT entity, arg_max(form, seq) AS form FROM ({union}) GROUP BY entity"  # noqa: S608
            ).fetchnumpy()
            self._form[newest["entity"]] = newest["form"]
            scope = self._store.names.word(SCOPE)
            if scope >= 0:
                told = cursor.execute(snapshot.union("DISTINCT entity", f"attr = {scope}")).fetchall()
                self._scoped.update(number for (number,) in told)
            self._seq = snapshot.last_seq

        self._store.read(ask)
        self._loaded = True

    def _grow(self, size: int) -> None:
        have = len(self._form)
        if size <= have:
            return
        more = np.full(max(size, have * 3 // 2, 1024) - have, _NONE, dtype=np.int32)
        self._tenant, self._form = np.concatenate([self._tenant, more]), np.concatenate([self._form, more])

    def take(self, rows: Sequence[tuple[str, Row]], last_seq: int) -> None:
        """Rows of types and scopes of entities (each with its tenant), ingested a moment ago up to ``last_seq``; by the
        loading thread.
        """
        with self._lock:
            if not self._loaded:
                return
            self._seq = last_seq
            names = self._store.names
            found: list[tuple[str, str, str]] = []
            scoped: list[tuple[str, str]] = []
            for tenant, row in rows:
                if row.attr == SCOPE:
                    scoped.append((tenant, row.entity))
                elif row.op in (SET, ADDED):
                    found.append((tenant, row.entity, row.form))
            if scoped:
                owners = [names.word(tenant) for tenant, _ in scoped]
                self._scoped.update(names.entity_numbers(owners, [name for _, name in scoped]))
            if not found:
                return
            numbers = names.entity_numbers(
                [names.word(tenant) for tenant, _, _ in found], [name for _, name, _ in found]
            )
            self._grow(max(numbers) + 1)
            for number, (tenant, _, form) in zip(numbers, found, strict=True):
                self._tenant[number], self._form[number] = names.word(tenant), names.word(form)

    def numbers(self, tenant: str, fits: Callable[[str], bool]) -> Ints:
        """Numbers of the tenant's entities whose types and scopes fit, rising. ``fits`` is asked once for each such text."""
        return self.as_of(tenant, fits)[0]

    def as_of(self, tenant: str, fits: Callable[[str], bool]) -> tuple[Ints, int]:
        """``numbers``, and the journal position at which they hold."""
        with self._lock:
            if not self._loaded:
                self._load()
            owner, form, seq = self._tenant.copy(), self._form.copy(), self._seq
        texts = self._store.names.texts
        mine = np.flatnonzero((owner == self._store.names.word(tenant)) & (form != _NONE))
        forms = form[mine]
        good = [number for number in np.unique(forms).tolist() if fits(texts[number])]
        found: Ints = mine[np.isin(forms, good)].astype(np.int64)
        return found, seq

    def scoped(self, number: int) -> bool:
        """Did this entity ever have scopes?"""
        with self._lock:
            if not self._loaded:
                self._load()
            return number in self._scoped

    def form(self, number: int) -> str:
        """Types and scopes of an entity as the text of its META row, "" where they are not known."""
        with self._lock:
            if not self._loaded:
                self._load()
            word = int(self._form[number]) if 0 <= number < len(self._form) else _NONE
        return self._store.names.texts[word] if word != _NONE else ""
