"""The registry's one door: register, change, forget, find matches, and notify listeners of changes.

Registrations live in memory, indexed by type and by exact id; the store behind is written before an answer. In a
tenant without registrations ``of`` is one dictionary look-up and gives None.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.credentials import REGISTRATION, refuse_references
from andaman.broker.query.ast import TypeExpr, TypeIs, TypeOr
from andaman.broker.query.model import EntityQuery
from andaman.broker.registry import document as documents
from andaman.broker.registry.map_store import FILE as MAPS
from andaman.broker.registry.map_store import MapStore
from andaman.broker.registry.maps import EntityMaps
from andaman.broker.registry.match import Spec, conflicts, infos_of
from andaman.broker.registry.model import OWNER, Document, Info, Registration, registration_of
from andaman.broker.registry.store import REGISTRATIONS, RegistryStore
from andaman.broker.service import Broker
from andaman.broker.subscriptions.model import Owner
from andaman.identity.model import FULL_ACCESS, Actor
from andaman.kernel.errors import (
    AlreadyExists,
    AndamanError,
    Conflict,
    NoSuchTenant,
    ResourceNotFound,
    TooLarge,
)
from andaman.kernel.ids import sortable_id, urn
from andaman.kernel.secrets import Secrets
from andaman.kernel.time import HOUR, SECOND, Clock, Micros, format_time, system_clock
from andaman.kernel.work import Timer

log = logging.getLogger(__name__)
MAX_REGISTRATIONS: Final = 20_000
"""The most registrations of one tenant."""
MayRegister = Callable[[Owner, str], bool]
"""(owner, tenant): may that principal register sources there, as of now?"""
Listener = Callable[[str, Registration | None, Registration | None], None]
"""(tenant, before, after); None: it was not there, or is gone."""


@dataclass(slots=True)
class Health:
    """How asking a source went; in memory only, since it says nothing after a restart."""

    sent: int = 0
    failed: int = 0
    last_success: Micros = 0
    last_failure: Micros = 0
    ok: bool = True
    quiet_until: float = 0.0  # monotonic seconds; before, the source is not asked (cooldown)

    def shown(self) -> dict[str, Any]:
        if not self.sent:
            return {}
        found: dict[str, Any] = {
            "status": "ok" if self.ok else "failed",
            "timesSent": self.sent,
            "timesFailed": self.failed,
        }
        if self.last_success:
            found["lastSuccess"] = format_time(self.last_success)
        if self.last_failure:
            found["lastFailure"] = format_time(self.last_failure)
        return found


@dataclass(slots=True)
class TenantRegistry:
    """The registrations of one tenant, in the order of their creation."""

    all: dict[str, Registration] = field(default_factory=dict)
    by_type: dict[str, dict[str, Registration]] = field(default_factory=dict)
    untyped: dict[str, Registration] = field(default_factory=dict)
    health: dict[str, Health] = field(default_factory=dict)
    next_expiry: Micros | None = None
    paused: set[str] = field(default_factory=set)
    """Registrations whose principal may not make them now: they are kept, and not asked."""

    def add(self, one: Registration) -> None:
        self.all[one.id] = one
        self.health.setdefault(one.id, Health())
        for bucket in self._buckets(one):
            bucket[one.id] = one
        if one.expires_at is not None:
            self.next_expiry = min(one.expires_at, self.next_expiry or one.expires_at)

    def remove(self, registration_id: str) -> Registration | None:
        one = self.all.pop(registration_id, None)
        self.paused.discard(registration_id)
        if one is not None:
            for bucket in self._buckets(one):
                bucket.pop(one.id, None)
            for name in [name for name, bucket in self.by_type.items() if not bucket]:
                del self.by_type[name]
        return one

    def _buckets(self, one: Registration) -> list[dict[str, Registration]]:
        types: set[str] = set()
        for info in one.information:
            if not info.entities or any(not each.types for each in info.entities):
                return [self.untyped]
            for each in info.entities:
                types |= each.types
        return [self.by_type.setdefault(name, {}) for name in sorted(types)]

    def candidates(self, spec: Spec) -> Iterable[Registration]:
        """All that may match, by their types, in the order of creation."""
        types = spec.exact_types or _types_of(spec.types)
        if not types:
            return self.all.values()
        found: dict[str, Registration] = dict(self.untyped)
        for name in types:
            found.update(self.by_type.get(name, {}))
        if len(found) < 2:
            return found.values()
        return [one for name, one in self.all.items() if name in found]

    def matching(self, spec: Spec, *, every: bool = False) -> list[tuple[Registration, list[Info]]]:
        """Registrations that match, each with what of it matches (§5.12). ``every``: also those that are paused."""
        found: Iterable[Registration] = self.candidates(spec)
        if self.paused and not every:
            found = [one for one in found if one.id not in self.paused]
        return [(one, list(infos)) for one, infos in infos_of(found, spec)]


def _types_of(expr: TypeExpr | None) -> frozenset[str]:
    if expr is None:
        return frozenset()
    if isinstance(expr, TypeIs):
        return frozenset({expr.iri})
    parts = [_types_of(part) for part in expr.parts]
    if isinstance(expr, TypeOr) and not all(parts):
        return frozenset()
    return frozenset().union(*parts)


def _answers(actor: Actor | None) -> Document:
    if actor is None:
        return {}
    me = actor.principal
    return {OWNER: [me.id, me.purpose, me.era]}


def why_paused(one: Registration) -> str:
    owner = "nobody" if one.owner is None else one.owner.id
    return f"{owner} may not register context sources now, or has another password than when this was done"


_TOKEN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class Registry:
    """Registrations of all tenants in one data directory; bound to one event loop."""

    def __init__(
        self,
        store: RegistryStore,
        broker: Broker,
        clock: Clock = system_clock,
        map_store: MapStore | None = None,
    ) -> None:
        self._store = store
        self._broker = broker
        self._clock = clock
        self._tenants: dict[str, TenantRegistry] = {}
        self._listeners: list[Listener] = []
        self._on_forgotten: list[Callable[[str], Awaitable[None]]] = []
        self._busy = asyncio.Lock()
        self._sweep = Timer("The sweep of registrations", self._expire_in_time)
        self.maps = EntityMaps(map_store)
        self.alias = store.alias()
        self.may_register: MayRegister = lambda owner, tenant: True
        broker.on_forgotten(self._forget_tenant)
        for tenant, document in store.load(REGISTRATIONS):
            self._tenants.setdefault(tenant, TenantRegistry()).add(registration_of(document))

    @classmethod
    def open(
        cls,
        directory: Path,
        broker: Broker,
        clock: Clock = system_clock,
        *,
        alias: str = "",
        secrets: Secrets | None = None,
    ) -> Registry:
        """Open or create ``registry.db``. ``alias``: this broker's name among others (§5.15.1, Via), instead of the
        one that was made up for the data directory. Raises AndamanError where it is no HTTP token."""
        if alias and _TOKEN.fullmatch(alias) is None:
            raise AndamanError(f"source_alias {alias[:80]!r} must be of letters, digits and - . _ only")
        maps = MapStore(directory / MAPS)
        opened = cls(RegistryStore(directory / "registry.db", secrets), broker, clock, maps)
        opened.alias = alias or opened.alias
        return opened

    @property
    def store(self) -> RegistryStore:
        return self._store

    # -- background: what expired is gone (§5.2.9) ----------------------------------------------------------
    async def start(self) -> None:
        await self.maps.start(self._clock())
        self.rights_changed()
        await self._sweep.start()

    async def stop(self) -> None:
        await self._sweep.stop()
        await self.maps.stop()

    def close(self) -> None:
        self.maps.close()
        self._store.close()

    async def _expire_in_time(self) -> float | None:
        for tenant in list(self._tenants):
            self.of(tenant)
        times = [one.next_expiry for one in self._tenants.values() if one.next_expiry is not None]
        return None if not times else min(max(0.05, (min(times) - self._clock()) / SECOND), HOUR / SECOND)

    def _expire(self, tenant: str, found: TenantRegistry, now: Micros) -> None:
        over = [one for one in found.all.values() if one.expires_at is not None and one.expires_at <= now]
        found.next_expiry = min(
            (
                one.expires_at
                for one in found.all.values()
                if one.expires_at is not None and one.expires_at > now
            ),
            default=None,
        )
        for one in over:
            self._store.delete(REGISTRATIONS, tenant, one.id)
            self._drop(tenant, found, one.id)

    def _drop(self, tenant: str, found: TenantRegistry, registration_id: str) -> None:
        gone = found.remove(registration_id)
        found.health.pop(registration_id, None)
        if not found.all:
            self._tenants.pop(tenant, None)
        if gone is not None:
            self._notify(tenant, gone, None)

    # -- reading ---------------------------------------------------------------------------------------------
    def of(self, tenant: str) -> TenantRegistry | None:
        """The registrations of a tenant; None if there are none. The question every request asks."""
        found = self._tenants.get(tenant)
        if found is None:
            return None
        if found.next_expiry is not None and found.next_expiry <= (now := self._clock()):
            self._expire(tenant, found, now)
            if not found.all:
                return None
        return found

    def get(self, registration_id: str, tenant: str) -> Registration:
        """Raises ResourceNotFound."""
        found = self.of(tenant)
        if found is None or registration_id not in found.all:
            raise ResourceNotFound(f"There is no context source registration {registration_id}")
        return found.all[registration_id]

    def health(self, registration_id: str, tenant: str) -> Health:
        found = self._tenants.get(tenant)
        return Health() if found is None else found.health.get(registration_id, Health())

    def list_all(self, tenant: str) -> list[Registration]:
        found = self.of(tenant)
        return [] if found is None else list(found.all.values())

    def in_force(self, tenant: str) -> list[Registration]:
        """All but those that are paused."""
        found = self.of(tenant)
        return [] if found is None else [one for one in found.all.values() if one.id not in found.paused]

    def is_paused(self, one: Registration, tenant: str) -> bool:
        found = self._tenants.get(tenant)
        return found is not None and one.id in found.paused

    # -- rights ----------------------------------------------------------------------------------------------
    def rights_changed(self) -> None:
        """Call when accounts, tokens or the policy changed. A registration whose principal may not make it now is not
        asked. That ends when they may again, or when somebody who may changes it.
        """
        known: dict[tuple[Owner, str], bool] = {}
        for tenant, found in list(self._tenants.items()):
            for one in list(found.all.values()):
                if one.owner is None:
                    continue
                key = (one.owner, tenant)
                if key not in known:
                    known[key] = self.may_register(one.owner, tenant)
                if known[key] == (one.id in found.paused):
                    self._pause(tenant, found, one, not known[key])

    def _pause(self, tenant: str, found: TenantRegistry, one: Registration, paused: bool) -> None:
        if paused:
            found.paused.add(one.id)
            log.warning("Context source registration %s is paused: %s", one.id, why_paused(one))
            self._notify(tenant, one, None)
        else:
            found.paused.discard(one.id)
            self._notify(tenant, None, one)

    def _is_in_force(self, tenant: str, found: TenantRegistry, one: Registration) -> bool:
        """Of one that was made or changed this moment: whose rights were withdrawn meanwhile has nothing asked."""
        if one.owner is None or self.may_register(one.owner, tenant):
            return True
        found.paused.add(one.id)
        log.warning("Context source registration %s is paused: %s", one.id, why_paused(one))
        return False

    # -- writing ---------------------------------------------------------------------------------------------
    async def register(
        self, payload: Any, context: Context, tenant: str, actor: Actor | None = None
    ) -> Registration:
        """§5.9.2. ``actor`` answers for it (None: the platform). Raises BadRequestData, AlreadyExists or Conflict."""
        now = self._clock()
        document = documents.document_of(
            payload, context, now, lambda: urn("ContextSourceRegistration", sortable_id(now))
        )
        if actor is not None:
            refuse_references(document, REGISTRATION, actor)
        document["createdAt"] = document["modifiedAt"] = format_time(now)
        document |= _answers(actor)
        async with self._busy:
            there = self.of(tenant)
            if there is not None and document["id"] in there.all:
                raise AlreadyExists(f"There is a context source registration {document['id']} already")
            if there is not None and len(there.all) >= MAX_REGISTRATIONS:
                raise TooLarge(f"There are {MAX_REGISTRATIONS} registrations already; delete some first")
            one = registration_of(document)
            await self._check_conflicts(one, tenant)
            await asyncio.to_thread(self._store.put, REGISTRATIONS, tenant, document)
            there = self._tenants.setdefault(tenant, TenantRegistry())
            there.add(one)
            in_force = self._is_in_force(tenant, there, one)
        self._notify(tenant, None, one if in_force else None)
        return one

    async def update(
        self, registration_id: str, payload: Any, context: Context, tenant: str, actor: Actor | None = None
    ) -> Registration:
        """§5.9.3. Who changes it answers for it from then on. Raises ResourceNotFound, BadRequestData or Conflict."""
        async with self._busy:
            old = self.get(registration_id, tenant)
            now = self._clock()
            document = documents.patched(old.document, payload, context, now)
            if actor is not None:
                refuse_references(document, REGISTRATION, actor, old.document)
            document["modifiedAt"] = format_time(now)
            document |= _answers(actor)
            one = registration_of(document)
            await self._check_conflicts(one, tenant)
            await asyncio.to_thread(self._store.put, REGISTRATIONS, tenant, document)
            there = self._tenants.setdefault(tenant, TenantRegistry())
            was_in_force = registration_id not in there.paused
            order = list(there.all)
            there.remove(registration_id)
            there.add(one)
            there.all = {name: there.all[name] for name in order if name in there.all} | there.all
            in_force = self._is_in_force(tenant, there, one)
        self._notify(tenant, old if was_in_force else None, one if in_force else None)
        return one

    async def delete(self, registration_id: str, tenant: str) -> None:
        """§5.9.4. Raises ResourceNotFound."""
        async with self._busy:
            self.get(registration_id, tenant)
            await asyncio.to_thread(self._store.delete, REGISTRATIONS, tenant, registration_id)
            self._drop(tenant, self._tenants[tenant], registration_id)

    async def _forget_tenant(self, tenant: str) -> None:
        for one in self.list_all(tenant):
            with contextlib.suppress(ResourceNotFound):  # deleted a moment ago
                await self.delete(one.id, tenant)
        for forget in self._on_forgotten:
            await forget(tenant)

    def on_forgotten(self, listener: Callable[[str], Awaitable[None]]) -> None:
        """Like ``Broker.on_forgotten``, after the registrations are gone."""
        self._on_forgotten.append(listener)

    async def _check_conflicts(self, one: Registration, tenant: str) -> None:
        if not one.proxied:
            return
        for other in self.list_all(tenant):
            if other.id != one.id and conflicts(one, other):
                raise Conflict(
                    f"{other.id} is {other.mode} and covers some of the same entities and attributes; an exclusive "
                    "registration may not share them"
                )
        for info in one.information:
            for each in info.entities or (None,):
                types = each.types if each is not None else frozenset[str]()
                parts = tuple(TypeIs(name) for name in sorted(types))
                query = EntityQuery(
                    types=None if not parts else parts[0] if len(parts) == 1 else TypeOr(parts),
                    ids=(each.id,) if each is not None and each.id is not None else (),
                    id_pattern=each.id_pattern if each is not None else None,
                    attrs=tuple(sorted(info.names)),
                    limit=1,
                )
                try:
                    page = await self._broker.query_async(query, FULL_ACCESS, tenant)
                except NoSuchTenant:
                    return
                if page.docs:
                    raise Conflict(
                        f"The broker itself holds data that a registration of mode {one.mode} would cover; delete it "
                        "first"
                    )

    # -- listeners -------------------------------------------------------------------------------------------
    def on_change(self, listener: Listener) -> None:
        """Call ``listener`` after each change, also when a registration expires."""
        self._listeners.append(listener)

    def _notify(self, tenant: str, before: Registration | None, after: Registration | None) -> None:
        self._sweep.wake()
        if before is None and after is None:  # it was paused, and is
            return
        for listener in self._listeners:
            listener(tenant, before, after)
