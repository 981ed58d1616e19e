"""The one door to snapshots: make, clone, read, change, delete, purge, and hand out their content (CIM 009 §5.16)."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from andaman.broker.credentials import SNAPSHOT, refuse_references
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.service import Broker
from andaman.broker.snapshots.admission import check_usable, lifetime, makes_way, may_see, new_snapshot
from andaman.broker.snapshots.content import Content, detail_of, status_of
from andaman.broker.snapshots.making import Workshop
from andaman.broker.snapshots.model import (
    DETAILS,
    FAILURE,
    PREPARING,
    QUERIES,
    TEMPORAL_DETAILS,
    TEMPORAL_QUERIES,
    USABLE,
    Limits,
    Snapshot,
)
from andaman.broker.snapshots.notice import notify
from andaman.broker.snapshots.store import FILE, SnapshotStore
from andaman.broker.snapshots.store_pool import Opened, StorePool, Subscribe
from andaman.broker.snapshots.visibility import CurrentVisibility
from andaman.broker.subscriptions.delivery import Courier
from andaman.broker.subscriptions.model import Owner
from andaman.broker.subscriptions.run import Owners
from andaman.identity.model import FULL_ACCESS, Access, Actor, FullAccess
from andaman.kernel.errors import (
    AlreadyExists,
    AndamanError,
    Conflict,
    Forbidden,
    ResourceNotFound,
    Unavailable,
    refusal_of,
)
from andaman.kernel.metrics import Family, counter, gauge
from andaman.kernel.secrets import Secrets
from andaman.kernel.time import Clock, system_clock
from andaman.kernel.work import Every

log = logging.getLogger(__name__)
Gather = Callable[[], Awaitable[Content]]
"""Asks other sources, and says what the broker is to answer by itself."""
_TICK_S: Final = 5.0
_STOPPED: Final = "The platform stopped while the snapshot was being made; make it again"
_LOST: Final = "The content of the snapshot is not on this disk (a backup without it was restored?)"


class Snapshots:
    """One per process, over one data directory. Belongs to the loop's thread."""

    def __init__(
        self,
        broker: Broker,
        directory: Path,
        client: OutgoingClient,
        *,
        allow_private: bool = False,
        clock: Clock = system_clock,
        limits: Limits | None = None,
        min_free_bytes: int = 0,
        subscribe: Subscribe | None = None,
        owners: Owners | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        self._owners = owners
        self._secrets = secrets
        self._waiting: dict[str, list[str]] = {}  # key → notifications given to the courier lately
        self._broker, self._directory, self._clock = broker, directory, clock
        self.limits = limits or Limits()
        self._client, self._allow_private = client, allow_private
        self._workshop = Workshop(broker, directory, self.limits, clock, min_free_bytes)
        self.pool = StorePool(directory, clock, min_free_bytes, subscribe)
        self._store: SnapshotStore | None = None
        self._courier: Courier | None = None
        self._all: dict[tuple[str, str], Snapshot] = {}
        self._unsaved: set[tuple[str, str]] = set()
        self._making: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._stops: dict[str, threading.Event] = {}
        self._slots = asyncio.Semaphore(self.limits.at_once)
        self._changing = asyncio.Lock()
        self._ticking = Every("Tidying up snapshots", _TICK_S, self._tick)
        self.made = self.failed = 0
        broker.on_forgotten(self._forget_tenant)

    # -- life -----------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Read the kept snapshots. What was being made when the platform stopped has failed; unknown stores are removed."""
        store = self._store = await asyncio.to_thread(SnapshotStore, self._directory / FILE, self._secrets)
        self._courier = Courier(self._client, allow_private=self._allow_private)
        every, complete = await asyncio.to_thread(store.load)
        for one in every:
            self._all[one.tenant, one.id] = one
            lost = one.status in USABLE and not self.pool.place(one.key).is_dir()
            if one.status == PREPARING or lost:
                await self._end(one, FAILURE, Unavailable(_LOST if lost else _STOPPED))
        known = {one.key for one in self._all.values() if one.status in USABLE}
        await asyncio.to_thread(self.pool.sweep, known, complete and not store.begun_anew)
        await self._ticking.start()
        await self._wake()

    async def _wake(self) -> None:
        """Resume notifications of changes in snapshots that have subscriptions."""
        for one in list(self._all.values()):
            if one.status in USABLE and await asyncio.to_thread(self.pool.has_subscriptions, one.key):
                try:
                    async with self.pool.using(one.key, one.moment) as opened:
                        await self.pool.subscriptions(opened, one.key, one.id, False)
                except AndamanError as error:
                    log.error("Subscriptions on snapshot %s are not at work: %s", one.id, error.detail)

    async def stop(self) -> None:
        """Stop making; close all."""
        if self._store is None:
            return
        await self._ticking.stop()
        for event in self._stops.values():
            event.set()
        tasks = [*self._making.values(), *self._leaving]
        for task in self._making.values():
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._save()
        await self.pool.close()
        if self._courier is not None:
            await self._courier.close()
        await asyncio.to_thread(self._store.close)
        self._store = None

    async def _tick(self) -> None:
        self.pool.tidy()
        if self._courier is not None:
            self._courier.tidy()
        await self._expire()
        await self._save()

    async def _expire(self) -> None:
        now = self._clock()
        async with self._changing:
            for one in [each for each in self._all.values() if each.expires <= now]:
                await self._remove(one)

    async def _save(self) -> None:
        """When snapshots were last used: kept a while after, since a kill loses nothing but that."""
        async with self._changing:
            for key in list(self._unsaved):
                self._unsaved.discard(key)
                one = self._all.get(key)
                if one is not None:
                    await self._change(one)

    # -- making ---------------------------------------------------------------------------------------------
    async def create(self, given: dict[str, Any], gather: Gather, actor: Actor, tenant: str) -> Snapshot:
        """§5.16.1: known and "preparing" when it returns; made behind it. ``given``: checked members (``model.checked``).
        Raises AlreadyExists, Conflict where there are too many."""
        one = new_snapshot(given, actor.principal, tenant, self._clock(), self.limits)
        one.queries = {name: given[name] for name in (QUERIES, TEMPORAL_QUERIES) if name in given}
        await self._add(one, actor)
        self._work(one, lambda: self._make(one, gather, actor))
        return one

    async def clone(self, snapshot_id: str, given: dict[str, Any], actor: Actor, tenant: str) -> Snapshot:
        """§5.16.2: as it is now, with the changes made in it. Raises also ResourceNotFound, and Conflict where it is
        not ready.
        """
        origin = self.get(snapshot_id, actor, tenant)
        check_usable(origin)
        one = new_snapshot(given, actor.principal, tenant, self._clock(), self.limits)
        one.queries, one.moment, one.position = origin.queries, origin.moment, origin.position
        one.details = origin.details
        await self._add(one, actor)
        self._work(one, lambda: self._copy(one, origin))
        return one

    async def _add(self, one: Snapshot, actor: Actor) -> None:
        refuse_references({"told": one.told}, SNAPSHOT, actor)
        async with self._changing:
            known = self._all.get((one.tenant, one.id))
            if known is not None and known.expires <= self._clock():
                await self._remove(known)
            elif known is not None:
                if not may_see(known, actor):  # in the words of a refused write
                    raise Forbidden(f"You may not create snapshot {one.id} here")
                raise AlreadyExists(f"There is a snapshot {one.id} already")
            while (least := makes_way(one, self._all.values(), self.limits)) is not None:
                await self._remove(least)
            await asyncio.to_thread(self._kept.put, one.tenant, one.document())
            self._all[one.tenant, one.id] = one

    @property
    def _kept(self) -> SnapshotStore:
        if self._store is None:
            raise Unavailable(
                "The platform is starting or stopping; nothing was changed. Try again in a moment"
            )
        return self._store

    def _work(self, one: Snapshot, work: Callable[[], Awaitable[None]]) -> None:
        self._stops[one.key] = threading.Event()

        async def run() -> None:
            try:
                async with self._slots:
                    await work()
            except Exception as error:
                if not isinstance(error, AndamanError):
                    log.exception("Snapshot %s could not be made", one.id)
                await self._fail(one, error if isinstance(error, AndamanError) else refusal_of(error))
            finally:
                self._making.pop(one.key, None)
                self._stops.pop(one.key, None)

        self._making[one.key] = asyncio.create_task(run(), name="snapshot")

    async def _make(self, one: Snapshot, gather: Gather, actor: Actor) -> None:
        self._check_rights(one, actor)
        content = await gather()
        stop = self._stops[one.key]
        await self._workshop.make(one, self.pool.place(one.key), content, actor, stop.is_set)
        self._check_rights(one, actor)
        details = {
            name: [detail_of(found).shown() for found in listed]
            for name, listed in ((DETAILS, content.entities), (TEMPORAL_DETAILS, content.evolutions))
            if listed
        }
        await self._end(one, status_of(content), details=details)

    def _check_rights(self, one: Snapshot, actor: Actor) -> None:
        """A snapshot that was requested under other rights than now is not made. Raises Conflict."""
        if self._owners is not None:
            access = self._access_of(one)
            if access is None or access.key != actor.access.key:
                raise Conflict("Your rights changed while the snapshot was being made; make it again")

    def _access_of(self, one: Snapshot) -> Access | None:
        """The maker's rights of now in the snapshot's tenant."""
        if self._owners is None:
            return FULL_ACCESS
        access = self._owners.access_of(Owner(one.owner, one.purpose, one.era))
        return access if access is not None and access.enters(one.tenant) else None

    async def _copy(self, one: Snapshot, origin: Snapshot) -> None:
        await self.pool.copy(origin.key, one.key)
        await self._end(one, origin.status)

    async def _end(
        self, one: Snapshot, status: str, problem: AndamanError | None = None, **found: Any
    ) -> None:
        """Its making has come to an end: on disk first, then everybody may know. ``found``: further members."""
        if problem is not None:
            detail = {"resultStatus": FAILURE, "problemDetails": problem.problem()}
            found["details"] = {
                name: [detail] * len(one.queries[queries])
                for name, queries in ((DETAILS, QUERIES), (TEMPORAL_DETAILS, TEMPORAL_QUERIES))
                if queries in one.queries
            }
        size = await asyncio.to_thread(self.pool.bytes_of, one.key) if status in USABLE else 0
        async with self._changing:
            if self._all.get((one.tenant, one.id)) is one:
                await self._change(one, status=status, modified=self._clock(), bytes=size, **found)
            else:  # deleted meanwhile
                await self.pool.remove(one.key)
                return
        if status in USABLE:
            self.made += 1
        else:
            self.failed += 1
        self._notify(one)

    async def _fail(self, one: Snapshot, problem: AndamanError) -> None:
        try:
            await self._end(one, FAILURE, problem)
        except (AndamanError, sqlite3.Error, OSError) as error:
            # Not even that can be kept: the next start finds it half-made, and says the same.
            log.error("That snapshot %s failed cannot be kept: %s", one.id, error)
            one.status = FAILURE

    async def _change(self, one: Snapshot, **members: Any) -> None:
        """Members of a snapshot: on disk first. Call it with ``_changing`` held."""
        await asyncio.to_thread(self._kept.put, one.tenant, {**one.document(), **members})
        for name, value in members.items():
            setattr(one, name, value)

    # -- reading --------------------------------------------------------------------------------------------
    def find(self, snapshot_id: str, actor: Actor, tenant: str) -> Snapshot | None:
        """One that is not over and that this actor may know of: the maker's own, or any for administrators."""
        one = self._all.get((tenant, snapshot_id))
        if one is None or one.expires <= self._clock() or not may_see(one, actor):
            return None
        return one

    def get(self, snapshot_id: str, actor: Actor, tenant: str) -> Snapshot:
        """§5.16.3. Raises ResourceNotFound, also for snapshots of others."""
        one = self.find(snapshot_id, actor, tenant)
        if one is None:
            raise ResourceNotFound(f"There is no snapshot {snapshot_id}")
        return one

    def list_all(self, actor: Actor, tenant: str) -> list[Snapshot]:
        """The snapshots that this actor may know of, in the order of creation."""
        now = self._clock()
        found = [
            one
            for (where, _), one in self._all.items()
            if where == tenant and one.expires > now and may_see(one, actor)
        ]
        return sorted(found, key=lambda one: (one.created, one.id))

    @asynccontextmanager
    async def using(
        self, snapshot_id: str, actor: Actor, tenant: str
    ) -> AsyncIterator[tuple[Snapshot, Opened]]:
        """The content of a snapshot as a broker (§5.5.15). Raises ResourceNotFound, and Conflict where it is not ready."""
        one = self.get(snapshot_id, actor, tenant)
        check_usable(one)
        one.used = self._clock()
        self._unsaved.add((tenant, one.id))
        async with self.pool.using(one.key, one.moment) as opened:
            await self._settle(one, opened, actor.access)
            yield one, opened

    async def _settle(self, one: Snapshot, opened: Opened, access: Access) -> None:
        """Access to entities that were classified again since then follows their present classification."""
        if type(access) is FullAccess:
            return
        if opened.visibility is None:
            files = (self._directory, self.pool.place(one.key))
            opened.visibility = CurrentVisibility(self._broker, opened.broker, one.tenant, files)
        await opened.visibility.settle(access)

    # -- changing -------------------------------------------------------------------------------------------
    async def update(self, snapshot_id: str, given: dict[str, Any], actor: Actor, tenant: str) -> Snapshot:
        """§5.16.4: members of the fragment replace those of the snapshot; null takes them away."""
        refuse_references({"told": given}, SNAPSHOT, actor)
        async with self._changing:
            one = self.get(snapshot_id, actor, tenant)
            merged = {**one.told, **given}
            told = {name: value for name, value in merged.items() if value is not None}
            now = self._clock()
            expires = now + lifetime(told, self.limits) if "snapshotLifetime" in given else one.expires
            await self._change(one, told=told, modified=now, expires=expires)
        self._notify(one)
        return one

    async def delete(self, snapshot_id: str, actor: Actor, tenant: str) -> None:
        """§5.16.5. Raises ResourceNotFound."""
        one = self.get(snapshot_id, actor, tenant)
        async with self._changing:
            await self._remove(one)

    async def purge(self, fits: Callable[[Snapshot], bool], actor: Actor, tenant: str) -> int:
        """§5.16.7: delete those that fit, among those that this actor may know of; how many they were."""
        gone = [one for one in self.list_all(actor, tenant) if fits(one)]
        async with self._changing:
            for one in gone:
                await self._remove(one)
        return len(gone)

    async def _forget_tenant(self, tenant: str) -> None:
        async with self._changing:
            for one in [each for each in self._all.values() if each.tenant == tenant]:
                await self._remove(one)

    def rights_changed(self) -> None:
        """Call when accounts, tokens or the policy changed. What is still to be told for a maker without rights is dropped."""
        self.pool.rights_changed()
        if self._courier is None:
            return
        for one in self._all.values():
            endpoint = one.endpoint if self._waiting.get(one.key) else None
            if endpoint is not None and self._access_of(one) is None:
                for message in self._waiting.pop(one.key):
                    self._courier.drop(endpoint, one.tenant, message)

    async def _remove(self, one: Snapshot) -> None:
        """First it is forgotten, durably; then its content goes, when the last request for it has ended."""
        key = (one.tenant, one.id)
        if self._all.get(key) is not one:
            return
        del self._all[key]
        self._unsaved.discard(key)
        await asyncio.to_thread(self._kept.delete, one.tenant, one.id)
        stop = self._stops.get(one.key)
        if stop is not None:
            stop.set()
        leaving = asyncio.create_task(self._leave(one))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        one.expires = min(one.expires, self._clock() - 1)
        self._notify(one)

    async def _leave(self, one: Snapshot) -> None:
        making = self._making.get(one.key)
        if making is not None:
            await asyncio.gather(making, return_exceptions=True)
        await self.pool.remove(one.key)

    def _notify(self, one: Snapshot) -> None:
        if self._courier is None or self._access_of(one) is None:
            return
        waiting = notify(self._courier, one, self._clock)
        if waiting:
            if len(self._waiting) > 2 * self.limits.in_all:
                self._waiting.clear()
            self._waiting[one.key] = [*self._waiting.get(one.key, [])[-20:], waiting]

    # -- figures --------------------------------------------------------------------------------------------
    def metrics(self) -> Iterable[Family]:
        """Figures for operators."""
        every = list(self._all.values())
        yield gauge("andaman_snapshots", "Snapshots kept.", len(every))
        yield gauge(
            "andaman_snapshots_preparing",
            "Snapshots being made.",
            sum(one.status == PREPARING for one in every),
        )
        yield gauge("andaman_snapshots_open", "Snapshots whose store is open.", self.pool.opened)
        yield gauge(
            "andaman_snapshots_bytes", "Their size when they were made.", sum(one.bytes for one in every)
        )
        yield counter("andaman_snapshots_made", "Snapshots made.", self.made)
        yield counter("andaman_snapshots_failed", "Snapshots that could not be made.", self.failed)
