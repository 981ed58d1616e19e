"""Entity maps: which entities a query found and at which sources (CIM 009 §4.5.25, §5.2.39). In memory, bounded, each
its maker's own; kept over a restart by ``map_store.py``."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from andaman.broker.registry.map_store import MapStore, Row
from andaman.identity.model import Actor
from andaman.identity.powers import administers
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.time import Micros, format_time

LOCAL: Final = "@none"
"""Stands for the broker itself among sources."""
_OF_ONE: Final = 100  # maps of one principal in one tenant
_SAVE_S: Final = 0.2
_IDS: Final = 2_000_000  # entities in all maps together


@dataclass(slots=True, eq=False)
class EntityMap:
    """§5.2.39. ``entries``: entity → where it was found (``@none``: here). ``rights``: key of the rights it was made with,
    which says what may be in it."""

    id: str
    tenant: str
    owner: str
    expires_at: Micros
    rights: str
    entries: dict[str, tuple[str, ...]]

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "EntityMap",
            "expiresAt": format_time(self.expires_at),
            "entityMap": {one: list(sources) for one, sources in self.entries.items()},
            "linkedMaps": {},
        }


class EntityMaps:
    """All maps of the process, oldest first."""

    def __init__(self, store: MapStore | None = None) -> None:
        self._maps: dict[str, EntityMap] = {}
        self._ids = 0
        self._store = store
        self._unsaved: set[str] = set()
        self._saving: asyncio.Task[None] | None = None

    # -- over a restart -------------------------------------------------------------------------------------
    async def start(self, now: Micros) -> None:
        if self._store is None:
            return
        for row in await asyncio.to_thread(self._store.load, now):
            one = EntityMap(*row)
            self._maps.setdefault(one.id, one)
            self._ids += len(one.entries)

    async def stop(self) -> None:
        if self._store is None:
            return
        if self._saving is not None:
            await asyncio.gather(self._saving, return_exceptions=True)
        await self._save()
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def changed(self, one: EntityMap) -> None:
        """To be kept, a moment later."""
        if self._store is None:
            return
        self._unsaved.add(one.id)
        if self._saving is None or self._saving.done():
            self._saving = asyncio.create_task(self._save_soon(), name="entity-maps-save")

    async def _save_soon(self) -> None:
        await asyncio.sleep(_SAVE_S)
        while self._unsaved:
            await self._save()

    async def _save(self) -> None:
        names, self._unsaved = self._unsaved, set()
        if self._store is None or not names:
            return
        rows: list[Row] = [
            (one.id, one.tenant, one.owner, one.expires_at, one.rights, dict(one.entries))
            for name in names
            if (one := self._maps.get(name)) is not None
        ]
        await asyncio.to_thread(self._store.write, rows, [name for name in names if name not in self._maps])

    # -- maps -----------------------------------------------------------------------------------------------

    def add(self, one: EntityMap, now: Micros) -> None:
        for other in [each for each in self._maps.values() if each.expires_at <= now]:
            self._drop(other)
        own = [each for each in self._maps.values() if (each.tenant, each.owner) == (one.tenant, one.owner)]
        for other in own[: max(0, len(own) - _OF_ONE + 1)]:
            self._drop(other)
        self._maps[one.id] = one
        self._ids += len(one.entries)
        self.changed(one)
        while self._ids > _IDS and len(self._maps) > 1:
            self._drop(next(iter(self._maps.values())))

    def find(self, map_id: str, actor: Actor, tenant: str, now: Micros) -> EntityMap | None:
        """A map that is not over and that the caller may see. Makers see their own, as long as their rights are those
        it was made with; administrators see any.
        """
        found = self._maps.get(map_id)
        if found is None or found.tenant != tenant:
            return None
        mine = actor.principal.id == found.owner and actor.access.key == found.rights
        if not mine and not administers(actor):
            return None
        if found.expires_at <= now:
            self._drop(found)
            return None
        return found

    def get(self, map_id: str, actor: Actor, tenant: str, now: Micros) -> EntityMap:
        found = self.find(map_id, actor, tenant, now)
        if found is None:
            raise ResourceNotFound(f"There is no entity map {map_id}")
        return found

    def forget(self, one: EntityMap, entity_ids: list[str]) -> None:
        """Entities that are gone leave the map (§5.5.9.3)."""
        for entity_id in entity_ids:
            if one.entries.pop(entity_id, None) is not None:
                self._ids -= 1
        if entity_ids:
            self.changed(one)

    def remove(self, one: EntityMap) -> None:
        self._drop(one)

    def _drop(self, one: EntityMap) -> None:
        if self._maps.pop(one.id, None) is not None:
            self._ids -= len(one.entries)
            self.changed(one)
