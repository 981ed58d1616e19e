"""The present state of an entity decides who may see it, in snapshots too: classification follows.

Rights hang on types and scopes, and a snapshot has those of its moment. Where an entity was classified anew in the city
since, so that a reader may see less of it, its copy takes on the new types and scopes before the reader is answered: it
vanishes for that reader in lists, counts, histories and writes alike, because those ask as ever. It comes back in the same way.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.broker.ledger.schema import FILE, connect
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS, Access, FullAccess, system_actor
from andaman.kernel.positions import Position
from andaman.kernel.storage import looking_into

Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""(types, scopes)."""
_AT_ONCE: Final = 200
_ACTOR: Final = system_actor("classification")
_FIRST: Final = "SELECT json FROM shape WHERE id = (SELECT shape FROM former WHERE tenant = ? AND id = ? ORDER BY seq LIMIT 1)"
# What the city says of the snapshot's entities otherwise than the snapshot does. An entity that is gone is what it last was.
_CITY: Final = (
    "coalesce((SELECT shape FROM city.entity WHERE tenant = ?1 AND id = own.id), "
    "(SELECT shape FROM city.former WHERE tenant = ?1 AND id = own.id ORDER BY seq DESC LIMIT 1), "
    "(SELECT shape FROM city.evolution WHERE tenant = ?1 AND id = own.id AND shape > 0))"
)
_MOVED: Final = (
    "SELECT id, city FROM (SELECT own.id AS id, "  # noqa: S608 - our own text
    "(SELECT json FROM shape WHERE id = own.shape) AS mine, "
    f"(SELECT json FROM city.shape WHERE id = {_CITY}) AS city "
    "FROM (SELECT id, shape FROM entity WHERE tenant = ?1 UNION ALL "
    "SELECT id, shape FROM evolution WHERE tenant = ?1 AND shape > 0) AS own) WHERE city <> mine"
)


class CurrentVisibility:
    """Entities of one open snapshot that are classified otherwise in the city by now. On the loop's thread."""

    def __init__(self, city: Broker, inner: Broker, tenant: str, files: tuple[Path, Path]) -> None:
        """``files``: the directories of the city's ledger and of the snapshot's."""
        self._city, self._inner, self._tenant, self._files = city, inner, tenant, files
        self._moved: dict[str, Shape] = {}
        self._settled: set[str] = set()  # keys of accesses whose view is up to date
        self._position: Position | None = None  # of the city's journal; nothing was looked at yet
        self._busy = asyncio.Lock()

    async def settle(self, access: Access) -> None:
        """Bring the snapshot up to date for this reader, as of all that the city has acknowledged."""
        if type(access) is FullAccess:
            return
        async with self._busy:
            await self._catch_up()
            if access.key in self._settled or not self._moved:
                return
            ops: list[WriteOp] = []
            back: list[str] = []
            for number, (entity_id, shape) in enumerate(list(self._moved.items())):
                op = self._op(entity_id, shape, access, back)
                if op is not None:
                    ops.append(op)
                if number % _AT_ONCE == _AT_ONCE - 1:
                    await asyncio.sleep(0)
            ops += await self._returning(back, access)
            for start in range(0, len(ops), _AT_ONCE):
                await self._inner.must_write(ops[start : start + _AT_ONCE], _ACTOR, self._tenant)
            self._settled.add(access.key)

    async def _catch_up(self) -> None:
        """Take the events since the last time: from memory, or by comparing the two stores."""
        while self._position is None or self._position < self._city.seq:
            events = None if self._position is None else self._city.recent(self._position)
            if events is None:
                position = self._city.seq
                self._moved = await asyncio.to_thread(_moved, *self._files, self._tenant)
                self._settled.clear()
                self._position = position
                continue
            for event in events:
                if (
                    event.moved
                    and event.tenant == self._tenant
                    and self._inner.has(event.entity_id, FULL_ACCESS, self._tenant)
                ):
                    self._moved[event.entity_id] = (event.types, event.scopes)
                    self._settled.clear()
            self._position = events[-1].seq

    def _op(self, entity_id: str, shape: Shape, access: Access, back: list[str]) -> WriteOp | None:
        """The write that hides the parts to hide now. ``back`` takes those that may be shown again, perhaps."""
        doc = self._inner.stored(entity_id, self._tenant)
        if doc is None:  # only its past is here
            if access.sees(*shape):
                return None
            del self._moved[entity_id]
            return WriteOp(OpKind.TEMPORAL_ERASE, entity_id)
        own: Shape = (tuple(doc["type"]), tuple(doc.get("scope", ())))
        if own == shape:
            del self._moved[entity_id]
        elif not access.sees(*own):
            if access.sees(*shape):
                back.append(entity_id)
        elif not access.sees(*shape) or not access.hidden_attrs(*shape) <= access.hidden_attrs(*own):
            return _as(doc, shape)
        return None

    async def _returning(self, back: list[str], access: Access) -> list[WriteOp]:
        """Of those that this reader might see again: parts that were hidden at the snapshot's moment stay hidden."""
        first = await asyncio.to_thread(_originals, self._files[1], self._tenant, back) if back else {}
        ops = []
        for entity_id, shape in first.items():
            doc = self._inner.stored(entity_id, self._tenant)
            if doc is not None and access.sees(*shape) and entity_id in self._moved:
                ops.append(_as(doc, self._moved[entity_id]))
        return ops


def _as(doc: Doc, shape: Shape) -> WriteOp:
    """The entity with other types and scopes."""
    fragment: Doc = {name: doc[name] for name in ("expiresAt", "attrs") if name in doc}
    fragment["type"] = list(shape[0])
    if shape[1]:
        fragment["scope"] = list(shape[1])
    return WriteOp(OpKind.REPLACE, doc["id"], fragment)


def _originals(place: Path, tenant: str, ids: list[str]) -> dict[str, Shape]:
    """The first shapes of those entities of a snapshot that took on another shape since. Blocks."""
    db = connect(place)
    try:
        found = {}
        for entity_id in ids:
            row = db.execute(_FIRST, (tenant, entity_id)).fetchone()
            if row is not None:
                found[entity_id] = _shape(orjson.loads(row[0]))
        return found
    finally:
        db.close()


def _moved(city: Path, place: Path, tenant: str) -> dict[str, Shape]:
    """Blocks: for worker threads."""
    with looking_into(place / FILE) as db:
        db.execute("ATTACH DATABASE ? AS city", (f"{(city / FILE).absolute().as_uri()}?mode=ro",))
        rows: list[tuple[str, str]] = db.execute(_MOVED, (tenant,)).fetchall()
    return {entity_id: _shape(orjson.loads(text)) for entity_id, text in rows}


def _shape(pair: Any) -> Shape:
    types, scopes = pair
    return tuple(types), tuple(scopes)
