"""Subscriptions on registrations: they notify subscribers of matching context sources (CIM 009 §5.11, §5.3.2).

What a subscriber was told of is kept ("told": registration → its modifiedAt). A change, a new subscription and a restart
all do the same: compare what matches now with what was told, and tell the difference. So nothing is lost by a kill, and
a notification that comes twice says the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from andaman.broker.contexts import Context, ContextStore
from andaman.broker.credentials import SUBSCRIPTION, refuse_references
from andaman.broker.entity.names import check_uri, plain_members
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.registry.model import Document, Registration
from andaman.broker.registry.service import Registry
from andaman.broker.registry.source_subscription import Watch, compiled, notification, stored
from andaman.broker.registry.store import SUBSCRIPTIONS, RegistryStore
from andaman.broker.registry.visibility import is_for
from andaman.broker.subscriptions.delivery import Courier
from andaman.broker.subscriptions.message import Message, Outcome
from andaman.broker.subscriptions.model import Counters, Owner, Subscription
from andaman.broker.subscriptions.parse import expand
from andaman.identity.model import FULL_ACCESS, Access, Actor
from andaman.identity.powers import administers
from andaman.kernel.errors import (
    AlreadyExists,
    AndamanError,
    BadRequestData,
    Conflict,
    Forbidden,
    ResourceNotFound,
)
from andaman.kernel.ids import sortable_id, urn
from andaman.kernel.time import Clock, Micros, format_time, system_clock
from andaman.kernel.work import Every, Timer

log = logging.getLogger(__name__)
MOST: Final = 10_000
_SAVE_S: Final = 0.2
_LD: Final = "application/ld+json"
NEW, UPDATED, GONE = "newlyMatching", "updated", "noLongerMatching"


class SourceSubscriptions:
    """The subscriptions on registrations of all tenants; bound to one event loop."""

    def __init__(
        self,
        registry: Registry,
        contexts: ContextStore,
        client: OutgoingClient,
        *,
        allow_private: bool = False,
        clock: Clock = system_clock,
    ) -> None:
        self._registry, self._contexts, self._clock = registry, contexts, clock
        self._store: RegistryStore = registry.store
        self._courier = Courier(client, allow_private=allow_private)
        self._watches: dict[tuple[str, str], Watch] = {}
        self._changing = asyncio.Lock()
        self._ticking = Every("Periodic notifications of registrations", 0.5, self._tick)
        self._unsaved: set[tuple[str, str]] = set()
        self._saver = Timer(
            "Saving what subscribers to registrations have received", self._save, first_s=None
        )
        self.may_watch: Callable[[Owner, str], bool] = lambda owner, tenant: True
        self.access_of: Callable[[Owner], Access | None] = lambda owner: FULL_ACCESS
        """What may that principal see of registrations, as of now? ``may_watch`` (owner, tenant): any there at all?"""
        registry.on_change(self._on_change)
        registry.on_forgotten(self._forget_tenant)

    # -- life -----------------------------------------------------------------------------------------------
    async def start(self) -> None:
        for tenant, document in await asyncio.to_thread(self._store.load, SUBSCRIPTIONS):
            try:
                watch = self._watches[tenant, document["id"]] = compiled(self._contexts, tenant, document)
                self._stand(watch)
            except AndamanError as error:
                log.error("Subscription %s on registrations cannot be used: %s", document["id"], error.detail)
        await self._ticking.start()
        await self._saver.start()
        for watch in self._watches.values():
            self._notify(watch)

    async def stop(self) -> None:
        await self._ticking.stop()
        await self._saver.stop()
        await self._courier.close()
        for key in self._unsaved & self._watches.keys():
            await asyncio.to_thread(self._store.put, SUBSCRIPTIONS, key[0], stored(self._watches[key]))

    def rights_changed(self) -> None:
        """Call when accounts, tokens or the policy changed. What waits under other rights than now is taken back, and what
        of it may still be seen is told anew."""
        for watch in self._watches.values():
            before = (watch.sub.baseless, watch.key)
            self._stand(watch)
            if (watch.sub.baseless, watch.key) == before:
                continue
            self._take_back(watch)
            if not watch.sub.interval:
                self._notify(watch)

    def _stand(self, watch: Watch) -> None:
        """What its owner may do now."""
        access = self.access_of(watch.sub.owner)
        watch.sub.baseless = not self.may_watch(watch.sub.owner, watch.sub.tenant)
        watch.key = None if access is None else access.key

    def _take_back(self, watch: Watch) -> None:
        self._courier.drop(watch.sub.endpoint, watch.sub.tenant, watch.sub.key)
        if watch.waiting:
            watch.take_back()
            self._unsaved.add((watch.sub.tenant, watch.sub.id))
            self._saver.wake(_SAVE_S)

    def _tick(self) -> None:
        """Periodic notifications (timeInterval)."""
        now = self._clock()
        for watch in list(self._watches.values()):
            if watch.sub.interval and watch.due <= now and _is_active(watch, now):
                watch.due = now + watch.sub.interval
                self._periodic(watch)
        self._courier.tidy()

    async def _save(self) -> None:
        """The state that subscribers have received, some time later: a repeat after a kill does no harm."""
        for key in list(self._unsaved):
            self._unsaved.discard(key)
            if key in self._watches:
                document = stored(self._watches[key])
                try:
                    await asyncio.to_thread(self._store.put, SUBSCRIPTIONS, key[0], document)
                except Exception:
                    self._unsaved.add(key)
                    raise

    # -- operations -----------------------------------------------------------------------------------------
    async def create(
        self, payload: Any, context: Context, source: Any, actor: Actor, tenant: str
    ) -> Subscription:
        """§5.11.2. Raises BadRequestData, AlreadyExists."""
        content = expand(payload, context)
        refuse_references(content, SUBSCRIPTION, actor)
        now = self._clock()
        given = plain_members(payload).get("id")
        sub_id = check_uri(given, "id") if given is not None else urn("Subscription", sortable_id(now))
        document: Document = {
            "id": sub_id,
            "content": content,
            "sources": {"context": source, "q": source},
            "owner": _owner(actor),
            "createdAt": format_time(now),
            "modifiedAt": format_time(now),
            "told": {},
        }
        watch = compiled(self._contexts, tenant, document)
        if watch.sub.expires and watch.sub.expires <= now:
            raise BadRequestData("expiresAt is in the past", field="expiresAt")
        async with self._changing:
            known = self._watches.get((tenant, sub_id))
            if known is not None and not _may_see(known.sub, actor):
                raise Forbidden(f"You may not create subscription {sub_id} here")
            if known is not None:
                raise AlreadyExists(f"Subscription {sub_id} exists already")
            if len(self._watches) >= MOST:
                raise Conflict(f"There are {MOST} subscriptions on registrations; delete some first")
            await asyncio.to_thread(self._store.put, SUBSCRIPTIONS, tenant, document)
            self._stand(watch)
            self._watches[tenant, sub_id] = watch
        if watch.sub.interval:
            watch.due = now + watch.sub.interval
            self._periodic(watch)
        else:
            self._notify(watch)
        return watch.sub

    async def update(
        self, sub_id: str, payload: Any, context: Context, source: Any, actor: Actor, tenant: str
    ) -> None:
        """§5.11.3."""
        watch = self._get(sub_id, actor, tenant)
        fragment = expand(payload, context, fragment=True)
        refuse_references(fragment, SUBSCRIPTION, actor)
        if plain_members(payload).get("type", "Subscription") != "Subscription":
            raise BadRequestData('type must be "Subscription"', field="type")
        if plain_members(payload).get("id", sub_id) != sub_id:
            raise BadRequestData("The id of a subscription never changes", field="id")
        async with self._changing:
            document = stored(self._get(sub_id, actor, tenant))
            merged = {**document["content"], **fragment}
            document["content"] = {name: value for name, value in merged.items() if value is not None}
            if "q" in fragment or "csf" in fragment:
                document["sources"] = {**document["sources"], "q": source}
            document["modifiedAt"] = format_time(self._clock())
            if watch.sub.baseless and actor.principal.id == watch.sub.owner.id:
                document["owner"] = _owner(actor)
            new = compiled(self._contexts, tenant, document)
            new.sub.counters, new.registrations, new.due = watch.sub.counters, watch.registrations, watch.due
            await asyncio.to_thread(self._store.put, SUBSCRIPTIONS, tenant, document)
            self._take_back(watch)
            new.told = dict(watch.told)
            self._stand(new)
            self._watches[tenant, sub_id] = new
        if not new.sub.interval:
            self._notify(new)

    async def delete(self, sub_id: str, actor: Actor, tenant: str) -> None:
        """§5.11.6."""
        async with self._changing:
            await self._remove(self._get(sub_id, actor, tenant))

    async def _remove(self, watch: Watch) -> None:
        key = (watch.sub.tenant, watch.sub.id)
        await asyncio.to_thread(self._store.delete, SUBSCRIPTIONS, *key)
        del self._watches[key]
        self._courier.drop(watch.sub.endpoint, watch.sub.tenant, watch.sub.key)

    async def _forget_tenant(self, tenant: str) -> None:
        async with self._changing:
            for watch in [watch for (owner, _), watch in self._watches.items() if owner == tenant]:
                await self._remove(watch)

    def get(self, sub_id: str, actor: Actor, tenant: str) -> Subscription:
        """§5.11.4. Raises ResourceNotFound, also for those of others."""
        return self._get(sub_id, actor, tenant).sub

    async def get_settled(self, sub_id: str, actor: Actor, tenant: str) -> Subscription:
        """Like ``get``; waits a moment for attempts under way."""
        await self._courier.settled(self._get(sub_id, actor, tenant).sub.endpoint, tenant)
        return self.get(sub_id, actor, tenant)

    def _get(self, sub_id: str, actor: Actor, tenant: str) -> Watch:
        watch = self._watches.get((tenant, sub_id))
        if watch is None or not _may_see(watch.sub, actor):
            raise ResourceNotFound(f"There is no subscription {sub_id} on registrations")
        return watch

    def list_all(self, actor: Actor, tenant: str) -> list[Subscription]:
        """§5.11.5, in the order of creation."""
        return [
            watch.sub
            for (where, _), watch in self._watches.items()
            if where == tenant and _may_see(watch.sub, actor)
        ]

    # -- telling --------------------------------------------------------------------------------------------
    def _on_change(self, tenant: str, before: Registration | None, after: Registration | None) -> None:
        for (where, _), watch in list(self._watches.items()):
            if where == tenant and not watch.sub.interval:
                self._notify(watch, before)

    def _notify(self, watch: Watch, before: Registration | None = None) -> None:
        """Send the differences from the state that was sent before, one notification for each reason (§5.11.7)."""
        if not _is_active(watch, self._clock()):
            return
        access = self.access_of(watch.sub.owner)
        now = {one.id: one for one in self._matching(watch, access)}
        new = [one for name, one in now.items() if name not in watch.told]
        updated = [
            one
            for name, one in now.items()
            if watch.told.get(name, one.document["modifiedAt"]) != one.document["modifiedAt"]
        ]
        gone = [
            found
            for name in watch.told.keys() - now.keys()
            if (found := self._last_known(watch, name, before)) is not None
            and access is not None
            and is_for(found, access)  # what is hidden by now is not even called gone
        ]
        for name in watch.told.keys() - now.keys():
            watch.registrations.pop(name, None)
        told, watch.told = watch.told, {name: one.document["modifiedAt"] for name, one in now.items()}
        watch.registrations.update(now)
        for reason, listed in ((NEW, new), (UPDATED, updated), (GONE, gone)):
            if listed:
                self._send(watch, reason, listed, told)

    def _matching(self, watch: Watch, access: Access | None) -> list[Registration]:
        """The registrations in force that match, and that are of a kind that the owner may see."""
        return [
            one
            for one in self._registry.in_force(watch.sub.tenant)
            if access is not None and is_for(one, access) and watch.matches(one)
        ]

    def _last_known(self, watch: Watch, name: str, before: Registration | None) -> Registration | None:
        """A registration as it was last sent; after a restart only its id is known, if it is gone altogether."""
        if name in watch.registrations:
            return watch.registrations[name]
        if before is not None and before.id == name:
            return before
        found = self._registry.of(watch.sub.tenant)
        return None if found is None else found.all.get(name)

    def _periodic(self, watch: Watch) -> None:
        found = self._matching(watch, self.access_of(watch.sub.owner))
        if found:
            self._send(watch, NEW, found, watch.told)

    def _send(self, watch: Watch, reason: str, listed: list[Registration], before: Mapping[str, str]) -> None:
        sub = watch.sub
        now = self._clock()
        message = Message(
            sub.key,
            sub.id,
            watch.wire.headers,
            watch.wire.body(notification(watch, reason, listed, now)),
            lambda message, outcome: self._report(watch, message, outcome),
            lambda message: self._sending(watch, message),
        )
        if not self._courier.offer(sub.endpoint, sub.tenant, message):
            sub.counters.failed += 1
            sub.counters.last_failure = now
            return
        watch.waiting[id(message)] = [(one, before.get(one.id)) for one in listed]
        self._unsaved.add((sub.tenant, sub.id))
        self._saver.wake(_SAVE_S)

    def _sending(self, watch: Watch, message: Message) -> None:
        counters = watch.sub.counters
        if id(message) not in watch.tried:
            counters.sent += 1
        counters.last_notification = self._clock()

    def _report(self, watch: Watch, message: Message, outcome: Outcome) -> None:
        counters: Counters = watch.sub.counters
        if outcome is Outcome.DELIVERED:
            counters.last_success = self._clock()
        else:
            counters.last_failure = self._clock()
            if id(message) not in watch.tried:
                counters.failed += 1
        if outcome is Outcome.FAILED:
            watch.tried.add(id(message))
        else:
            watch.tried.discard(id(message))
            watch.waiting.pop(id(message), None)


def _owner(actor: Actor) -> list[Any]:
    return [actor.principal.id, actor.principal.purpose, actor.principal.era]


def _is_active(watch: Watch, now: Micros) -> bool:
    return not watch.sub.baseless and watch.sub.status(now) == "active"


def _may_see(sub: Subscription, actor: Actor) -> bool:
    return actor.principal.id == sub.owner.id or administers(actor)
