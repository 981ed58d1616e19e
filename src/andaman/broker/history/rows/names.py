"""Dictionary numbers: repeating texts ("words": attributes, data sets, tenants, forms) and entities.

Words are few and all in memory; entities may be millions and are looked up in their table, the latest ones in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import duckdb
import numpy as np

from andaman.broker.query.facts import text_hash

_CACHE: Final = 200_000
_AT_ONCE: Final = 500


class Names:
    """Numbers are given by the loading thread inside its transaction; any thread looks them up."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db
        words = db.execute("SELECT id, text FROM word ORDER BY id").fetchall()
        self.texts: list[str] = [text for _, text in words]
        self._numbers: dict[str, int] = {text: number for number, text in words}
        ((last,),) = db.execute("SELECT coalesce(max(id), -1) FROM entity").fetchall()
        self._next_entity: int = last + 1
        self._entities: dict[tuple[int, str], int] = {}  # of the loading thread; may hold uncommitted ones
        self._fresh: dict[tuple[int, str], int] = {}  # of the open transaction
        self._asked: dict[tuple[int, str], int] = {}  # of the readers
        self._named: dict[int, str] = {}  # the other way round

    # -- looking up (any thread) ------------------------------------------------------------------------------
    def word(self, text: str) -> int:
        """The number of a text, -1 where no row has it."""
        return self._numbers.get(text, -1)

    def entity(self, cursor: duckdb.DuckDBPyConnection, tenant: str, name: str) -> int:
        """The number of an entity, -1 where no row has it."""
        return self.entities(cursor, tenant, (name,))[0]

    def entities(self, cursor: duckdb.DuckDBPyConnection, tenant: str, names: Sequence[str]) -> list[int]:
        """The number of each of these entities, -1 where no row has it; one statement for all that are not in memory."""
        owner = self.word(tenant)
        asked = self._asked
        missing = {name for name in names if (owner, name) not in asked}
        if missing:
            if len(asked) + len(missing) > _CACHE:
                asked = self._asked = {}
                missing = set(names)
            for start in range(0, len(missing), _AT_ONCE):
                part = list(missing)[start : start + _AT_ONCE]
                # Hashes as a list of constants, which the scan itself compares; the names then settle it.
                hashes = ",".join(str(text_hash(name)) for name in part)
                for number, name in cursor.execute(
                    f"SELECT id, name FROM entity WHERE hash IN ({hashes}) AND tenant={owner}"  # noqa: S608
                ).fetchall():
                    if name in missing:
                        asked[owner, name] = number  # once committed, a number never changes
        return [asked.get((owner, name), -1) for name in names]

    def names_of(
        self, cursor: duckdb.DuckDBPyConnection, tenant: str, numbers: Sequence[int] | None = None
    ) -> dict[int, str]:
        """Names of the tenant's entities, or of some of them."""
        if numbers is None:
            rows = cursor.execute("SELECT id, name FROM entity WHERE tenant=?", (self.word(tenant),))
        else:
            known = self._named
            missing = [number for number in numbers if number not in known]
            if not missing:
                return {number: known[number] for number in numbers}
            rows = cursor.execute(
                "SELECT id, name FROM entity WHERE id IN (SELECT unnest(?::INTEGER[]))", (missing,)
            )
        found = rows.fetchnumpy()
        names = dict(zip(found["id"].tolist(), found["name"].tolist(), strict=True))
        if numbers is None:
            return names
        names.update((number, known[number]) for number in numbers if number in known)
        if len(known) + len(names) <= _CACHE:
            known.update(names)
        else:
            self._named = names if len(names) <= _CACHE else {}
        return names

    # -- giving numbers (the loading thread) ------------------------------------------------------------------
    def mark(self) -> tuple[int, int]:
        """The beginning of a transaction, for ``save`` or ``undo``."""
        return len(self.texts), self._next_entity

    def save(self, mark: tuple[int, int]) -> None:
        """Write the words that came since (entities are written at once)."""
        write(
            self._db,
            "word",
            {"id": ints(range(mark[0], len(self.texts))), "text": texts(self.texts[mark[0] :])},
        )

    def settle(self) -> None:
        """The transaction is durable: readers know its entities without asking, for those are asked about next."""
        if len(self._asked) + len(self._fresh) <= _CACHE:
            self._asked.update(self._fresh)
        self._fresh = {}

    def undo(self, mark: tuple[int, int]) -> None:
        """Forget what a transaction that was rolled back had numbered."""
        self._fresh = {}
        for text in self.texts[mark[0] :]:
            del self._numbers[text]
        del self.texts[mark[0] :]
        self._next_entity = mark[1]
        self._entities.clear()

    def number(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            number = len(self.texts)
            self.texts.append(text)
            self._numbers[text] = number
        return number

    def entity_numbers(self, tenants: Sequence[int], names: Sequence[str]) -> list[int]:
        keys = list(zip(tenants, names, strict=True))
        missing = list({key for key in keys if key not in self._entities})
        if missing:
            if len(self._entities) + len(missing) > _CACHE:
                self._entities = {}
                missing = list(set(keys))
            self._db.register(
                "asked",
                {
                    "tenant": ints([tenant for tenant, _ in missing]),
                    "hash": np.array([text_hash(name) for _, name in missing], dtype=np.int64),
                    "name": texts([name for _, name in missing]),
                },
            )
            for number, tenant, name in self._db.execute(
                "SELECT e.id, e.tenant, e.name FROM entity e JOIN asked a "
                "ON e.hash=a.hash AND e.tenant=a.tenant AND e.name=a.name"
            ).fetchall():
                self._entities[tenant, name] = number
            self._db.unregister("asked")
            new = [key for key in dict.fromkeys(keys) if key not in self._entities]
            numbers = range(self._next_entity, self._next_entity + len(new))
            self._entities.update(zip(new, numbers, strict=True))
            self._next_entity += len(new)
            write(
                self._db,
                "entity",
                {
                    "id": ints(numbers),
                    "tenant": ints([tenant for tenant, _ in new]),
                    "hash": np.array([text_hash(name) for _, name in new], dtype=np.int64),
                    "name": texts([name for _, name in new]),
                },
            )
            self._fresh.update((key, self._entities[key]) for key in missing)
        return [self._entities[key] for key in keys]


def write(db: duckdb.DuckDBPyConnection, table: str, data: dict[str, Any]) -> None:
    """Append columns to a table, in its order."""
    if len(next(iter(data.values()))):
        db.register("batch", data)
        db.execute(f"INSERT INTO {table} SELECT * FROM batch")  # noqa: S608
        db.unregister("batch")


def ints(values: Any) -> Any:
    return np.fromiter(values, dtype=np.int32, count=len(values))


def texts(values: Sequence[str | None]) -> Any:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made
