"""Subscriptions on registrations: who wants to hear of which context sources (CIM 009 §5.11, §5.3.2).

What a subscriber was told of is kept ("told": registration → its modifiedAt). A change, a new subscription and a restart
all do the same: compare what matches now with what was told, and tell the difference. So nothing is lost by a kill, and
a notification that comes twice says the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from andaman.broker.contexts import Context, ContextStore
from andaman.broker.entity.names import check_uri
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.query.evaluate import matches_q, matches_scope
from andaman.broker.query.model import TemporalQuery
from andaman.broker.query.parse import parse_q
from andaman.broker.registry.document import shown
from andaman.broker.registry.match import Spec, matches_info, matches_place, matches_time, source_doc
from andaman.broker.registry.model import Document, Registration
from andaman.broker.registry.service import Registry
from andaman.broker.registry.store import SUBSCRIPTIONS, RegistryStore
from andaman.broker.subscriptions.delivery import Courier, Message, Outcome
from andaman.broker.subscriptions.model import Counters, Owner, Subscription
from andaman.broker.subscriptions.parse import compile_content, expand
from andaman.broker.subscriptions.wire import Wire
from andaman.identity.model import Actor, Role
from andaman.kernel.errors import AlreadyExists, AndamanError, BadRequestData, Conflict, ResourceNotFound
from andaman.kernel.ids import sortable_id, urn
from andaman.kernel.time import Clock, format_time, parse_time, system_clock

log = logging.getLogger(__name__)
MOST: Final = 10_000
_LD: Final = "application/ld+json"
NEW, UPDATED, GONE = "newlyMatching", "updated", "noLongerMatching"


@dataclass(slots=True, eq=False)
class Watch:
    """One subscription at work."""

    sub: Subscription
    specs: tuple[Spec, ...]
    time: TemporalQuery | None
    csf: Any
    wire: Wire
    told: dict[str, str]
    registrations: dict[str, Registration] = field(default_factory=dict)  # as they were when they were told
    due: int = 0  # of the next periodic notification
    tried: set[int] = field(default_factory=set)

    def matches(self, one: Registration) -> bool:
        condition = self.sub.condition
        return (
            matches_time(one, self.time)
            and any(matches_info(info, spec) for info in one.information for spec in self.specs)
            and (condition.geo is None or matches_place(one, condition.geo))
            and (condition.scope is None or matches_scope(condition.scope, one.scopes))
            and (self.csf is None or matches_q(self.csf, source_doc(one)))
        )

    def relevant(self, one: Registration) -> frozenset[int]:
        return frozenset(
            number
            for number, info in enumerate(one.information)
            if any(matches_info(info, spec) for spec in self.specs)
        )


class SourceSubscriptions:
    """Of all tenants; bound to one event loop."""

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
        self._ticking: asyncio.Task[None] | None = None
        self._unsaved: set[tuple[str, str]] = set()
        self._saving = asyncio.Event()
        self._saver: asyncio.Task[None] | None = None
        registry.on_change(self._on_change)

    # -- life -----------------------------------------------------------------------------------------------
    async def start(self) -> None:
        for tenant, document in await asyncio.to_thread(self._store.load, SUBSCRIPTIONS):
            try:
                self._watches[tenant, document["id"]] = self._compile(tenant, document)
            except AndamanError as error:
                log.error("Subscription %s on registrations cannot be used: %s", document["id"], error.detail)
        self._ticking = asyncio.create_task(self._tick())
        self._saver = asyncio.create_task(self._save())
        for watch in self._watches.values():
            self._tell(watch)

    async def stop(self) -> None:
        for task in (self._ticking, self._saver):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._courier.close()
        for key in self._unsaved & self._watches.keys():
            await asyncio.to_thread(
                self._store.put, SUBSCRIPTIONS, key[0], self._document(self._watches[key])
            )

    async def _tick(self) -> None:
        """Periodic notifications (timeInterval)."""
        while True:
            await asyncio.sleep(0.5)
            now = self._clock()
            for watch in list(self._watches.values()):
                if watch.sub.interval and watch.due <= now and watch.sub.status(now) == "active":
                    watch.due = now + watch.sub.interval
                    self._periodic(watch)
            self._courier.tidy()

    async def _save(self) -> None:
        """What was told, some time after it was: a repeat after a kill does no harm."""
        while True:
            await self._saving.wait()
            self._saving.clear()
            await asyncio.sleep(0.2)
            for key in list(self._unsaved):
                self._unsaved.discard(key)
                if key in self._watches:
                    document = self._document(self._watches[key])
                    await asyncio.to_thread(self._store.put, SUBSCRIPTIONS, key[0], document)

    # -- operations -----------------------------------------------------------------------------------------
    async def create(
        self, payload: Any, context: Context, source: Any, actor: Actor, tenant: str
    ) -> Subscription:
        """§5.11.2. Raises BadRequestData, AlreadyExists."""
        content = expand(payload, context)
        now = self._clock()
        given = payload.get("id")
        sub_id = check_uri(given, "id") if given is not None else urn("Subscription", sortable_id(now))
        document: Document = {
            "id": sub_id,
            "content": content,
            "sources": {"context": source, "q": source},
            "owner": [actor.principal.id, actor.principal.purpose],
            "createdAt": format_time(now),
            "modifiedAt": format_time(now),
            "told": {},
        }
        watch = self._compile(tenant, document)
        if watch.sub.expires and watch.sub.expires <= now:
            raise BadRequestData("expiresAt is in the past", field="expiresAt")
        async with self._changing:
            if (tenant, sub_id) in self._watches:
                raise AlreadyExists(f"Subscription {sub_id} exists already")
            if len(self._watches) >= MOST:
                raise Conflict(f"There are {MOST} subscriptions on registrations; delete some first")
            await asyncio.to_thread(self._store.put, SUBSCRIPTIONS, tenant, document)
            self._watches[tenant, sub_id] = watch
        if watch.sub.interval:
            watch.due = now + watch.sub.interval
            self._periodic(watch)
        else:
            self._tell(watch)
        return watch.sub

    async def update(
        self, sub_id: str, payload: Any, context: Context, source: Any, actor: Actor, tenant: str
    ) -> None:
        """§5.11.3."""
        watch = self._get(sub_id, actor, tenant)
        fragment = expand(payload, context, fragment=True)
        if payload.get("type", "Subscription") != "Subscription":
            raise BadRequestData('type must be "Subscription"', field="type")
        if payload.get("id", sub_id) != sub_id:
            raise BadRequestData("The id of a subscription never changes", field="id")
        async with self._changing:
            document = self._document(self._get(sub_id, actor, tenant))
            merged = {**document["content"], **fragment}
            document["content"] = {name: value for name, value in merged.items() if value is not None}
            if "q" in fragment or "csf" in fragment:
                document["sources"] = {**document["sources"], "q": source}
            document["modifiedAt"] = format_time(self._clock())
            new = self._compile(tenant, document)
            new.sub.counters, new.registrations, new.due = watch.sub.counters, watch.registrations, watch.due
            await asyncio.to_thread(self._store.put, SUBSCRIPTIONS, tenant, document)
            self._courier.drop(watch.sub.endpoint, tenant, watch.sub.key)
            self._watches[tenant, sub_id] = new
        if not new.sub.interval:
            self._tell(new)

    async def delete(self, sub_id: str, actor: Actor, tenant: str) -> None:
        """§5.11.6."""
        async with self._changing:
            watch = self._get(sub_id, actor, tenant)
            await asyncio.to_thread(self._store.delete, SUBSCRIPTIONS, tenant, sub_id)
            del self._watches[tenant, sub_id]
            self._courier.drop(watch.sub.endpoint, tenant, watch.sub.key)

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

    def _compile(self, tenant: str, document: Document) -> Watch:
        content = document["content"]
        context = self._local(document["sources"].get("context"))
        names = self._local(document["sources"].get("q"))
        condition, form, endpoint, times = compile_content(content, names.expand_term, context)
        sub = Subscription(
            tenant,
            document["id"],
            f"{tenant} {document['id']}",
            content,
            document["sources"],
            Owner(*document["owner"]),
            parse_time(document["createdAt"]),
            parse_time(document["modifiedAt"]),
            condition,
            form,
            endpoint,
            context,
            throttling=times["throttling"],
            interval=times["interval"],
            expires=times["expires"],
            active=content.get("isActive", True),
            counters=Counters(),
        )
        attrs = _attributes(content)
        specs = tuple(
            Spec(one.types, tuple(sorted(one.ids)), one.pattern, attrs) for one in condition.selectors
        ) or (Spec(attrs=attrs),)
        csf = parse_q(content["csf"], names.expand_term) if "csf" in content else None
        time = _temporal(content["temporalQ"]) if "temporalQ" in content else None
        return Watch(sub, specs, time, csf, Wire(sub), dict(document.get("told", {})))

    def _local(self, source: Any) -> Context:
        try:
            return self._contexts.resolve_local(source)
        except AndamanError as error:
            log.warning("The @context %s is not kept any more: %s", str(source)[:200], error.detail)
            return self._contexts.core

    def _document(self, watch: Watch) -> Document:
        sub = watch.sub
        return {
            "id": sub.id,
            "content": sub.content,
            "sources": sub.sources,
            "owner": [sub.owner.id, sub.owner.purpose],
            "createdAt": format_time(sub.created),
            "modifiedAt": format_time(sub.modified),
            "told": watch.told,
        }

    # -- telling --------------------------------------------------------------------------------------------
    def _on_change(self, tenant: str, before: Registration | None, after: Registration | None) -> None:
        for (where, _), watch in list(self._watches.items()):
            if where == tenant and not watch.sub.interval:
                self._tell(watch, before)

    def _tell(self, watch: Watch, before: Registration | None = None) -> None:
        """Send what is different from what was told, one notification for each reason (§5.11.7)."""
        if watch.sub.status(self._clock()) != "active":
            return
        now = {one.id: one for one in self._registry.list_all(watch.sub.tenant) if watch.matches(one)}
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
        ]
        for name in watch.told.keys() - now.keys():
            watch.registrations.pop(name, None)
        watch.told = {name: one.document["modifiedAt"] for name, one in now.items()}
        watch.registrations.update(now)
        for reason, listed in ((NEW, new), (UPDATED, updated), (GONE, gone)):
            if listed:
                self._send(watch, reason, listed)

    def _last_known(self, watch: Watch, name: str, before: Registration | None) -> Registration | None:
        """A registration as it was told; after a restart only its id is known, if it is gone altogether."""
        if name in watch.registrations:
            return watch.registrations[name]
        if before is not None and before.id == name:
            return before
        found = self._registry.of(watch.sub.tenant)
        return None if found is None else found.all.get(name)

    def _periodic(self, watch: Watch) -> None:
        found = [one for one in self._registry.list_all(watch.sub.tenant) if watch.matches(one)]
        if found:
            self._send(watch, NEW, found)

    def _send(self, watch: Watch, reason: str, listed: list[Registration]) -> None:
        sub = watch.sub
        now = self._clock()
        content: dict[str, Any] = {
            "id": urn("ContextSourceNotification", sortable_id(now)),
            "type": "ContextSourceNotification",
            "subscriptionId": sub.id,
            "notifiedAt": format_time(now),
            "triggerReason": reason,
            "data": [_shown(watch, one) for one in listed],
        }
        if sub.form.media == _LD:
            content["@context"] = sub.context.member
        message = Message(
            sub.key,
            sub.id,
            watch.wire.headers,
            watch.wire.body(orjson.dumps(content)),
            lambda message, outcome: self._report(watch, message, outcome),
            lambda message: self._sending(watch, message),
        )
        if not self._courier.offer(sub.endpoint, sub.tenant, message):
            sub.counters.failed += 1
            sub.counters.last_failure = now
            return
        self._unsaved.add((sub.tenant, sub.id))
        self._saving.set()

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


def _shown(watch: Watch, one: Registration) -> dict[str, Any]:
    """A registration reduced to what concerns the subscriber; never what is to be sent along to the source."""
    relevant = watch.relevant(one)
    content = shown(one.document, watch.sub.context, only=relevant or None)
    content.pop("contextSourceInfo", None)
    for info in content["information"]:
        for entity in info.get("entities", ()):
            if isinstance(entity.get("type"), str):
                entity["type"] = [entity["type"]]
    return content


def _attributes(content: Mapping[str, Any]) -> frozenset[str]:
    """§5.12: watched and notified attributes together, if the latter are named."""
    watched = frozenset(content.get("watchedAttributes", ()))
    notified = frozenset(content["notification"].get("attributes", ()))
    return watched | notified


def _temporal(given: Mapping[str, Any]) -> TemporalQuery:
    relation, name = given.get("timerel"), given.get("timeproperty", "observedAt")
    if relation not in ("before", "after", "between"):
        raise BadRequestData("temporalQ.timerel must be before, after or between", field="temporalQ.timerel")
    if name not in ("observedAt", "createdAt", "modifiedAt", "deletedAt"):
        raise BadRequestData("temporalQ.timeproperty is not known", field="temporalQ.timeproperty")
    times = []
    for member in ("timeAt", *(("endTimeAt",) if relation == "between" else ())):
        try:
            times.append(parse_time(str(given.get(member))))
        except ValueError as error:
            raise BadRequestData(str(error), field=f"temporalQ.{member}") from None
    return TemporalQuery(timerel=relation, time_at=times[0], end_time_at=times[-1], timeproperty=name)


def _may_see(sub: Subscription, actor: Actor) -> bool:
    return actor.principal.id == sub.owner.id or Role.ADMINISTRATOR in actor.principal.roles
