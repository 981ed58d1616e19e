"""The one door to subscriptions: create, read, change, delete; start and stop the work (CIM 009 §5.8)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, Protocol

from andaman.broker.contexts import Context, ContextStore
from andaman.broker.credentials import SUBSCRIPTION, refuse_references
from andaman.broker.entity.names import check_uri, plain_members
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.service import Broker
from andaman.broker.subscriptions.delivery import Courier, Limits
from andaman.broker.subscriptions.engine import Engine
from andaman.broker.subscriptions.model import Content, Owner, Subscription
from andaman.broker.subscriptions.parse import compile_content, expand
from andaman.broker.subscriptions.run import Owners, Run
from andaman.broker.subscriptions.store import FILE, Record, SubscriptionStore
from andaman.identity.model import Actor
from andaman.identity.powers import administers
from andaman.kernel.errors import (
    AlreadyExists,
    AndamanError,
    BadRequestData,
    Conflict,
    Forbidden,
    ResourceNotFound,
)
from andaman.kernel.ids import sortable_id
from andaman.kernel.metrics import Family, counter, gauge
from andaman.kernel.positions import Position
from andaman.kernel.secrets import Secrets
from andaman.kernel.time import Clock, Micros, system_clock
from andaman.kernel.work import Every

log = logging.getLogger(__name__)
SAVE_S: Final = 0.5
MOST: Final = 100_000


class Remote(Protocol):
    """The keeper of copies of subscriptions at context sources (exchange/copies.py)."""

    def changed(self, sub: Subscription) -> None: ...

    def deleted(self, sub: Subscription) -> None: ...


class Subscriptions:
    """One per process, over one file in the data directory."""

    def __init__(
        self,
        broker: Broker,
        contexts: ContextStore,
        directory: Path,
        owners: Owners,
        client: OutgoingClient,
        *,
        allow_private: bool = False,
        clock: Clock = system_clock,
        limits: Limits | None = None,
        marks: Mapping[str, str] | None = None,
        secrets: Secrets | None = None,
    ) -> None:
        """``marks``: kept with each subscription, such as the snapshot that all of them are on."""
        self._broker, self._contexts, self._clock = broker, contexts, clock
        self._directory = directory
        self._client = client
        self._allow_private = allow_private
        self._limits = limits
        self._owners = owners
        self._store: SubscriptionStore | None = None
        self._engine: Engine | None = None
        self._courier: Courier | None = None
        self._by_id: dict[tuple[str, str], Run] = {}
        self._saver = Every("Keeping the positions of subscriptions", SAVE_S, self._saving)
        self._changing = asyncio.Lock()
        self._saved = -1
        self.remote: Remote | None = None
        self._marks = dict(marks or {})
        self._secrets = secrets
        broker.on_forgotten(self._forget_tenant)

    # -- life -----------------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Read the kept subscriptions and continue from their positions."""
        store = await asyncio.to_thread(SubscriptionStore, self._directory / FILE, self._secrets)
        kept, records = await asyncio.to_thread(store.load)
        seq = self._broker.seq
        position = None if kept is None else Position(kept)
        if position is None or position > seq:  # a new file, or one of another store
            position = seq
            await asyncio.to_thread(store.save, position, [])
        courier = Courier(self._client, allow_private=self._allow_private, limits=self._limits)
        engine = Engine(self._broker, courier, self._owners, self._clock)
        self._store, self._engine, self._courier = store, engine, courier
        engine.position = position
        engine.granted = self._granted
        for record in records:
            own = record.position
            sub = self._compiled(record)
            if sub is not None:
                run = Run(sub, min(record.since, seq), None if own is None else min(own, seq), record.due)
                engine.add(run)
                self._by_id[sub.tenant, sub.id] = run
        await engine.start(position)
        await self._saver.start()

    async def stop(self) -> None:
        """Stop sending; undelivered notifications are sent after the next start."""
        if self._engine is None or self._courier is None or self._store is None:
            return
        await self._saver.stop()
        await self._engine.stop()
        await self._courier.close()
        await self._save()
        await asyncio.to_thread(self._store.close)
        self._engine = None

    def rights_changed(self) -> None:
        """Call when accounts, tokens or the policy changed."""
        if self._engine is not None:
            self._engine.rights_changed()

    def _granted(self, sub: Subscription) -> None:
        """Its owner has rights again, or none: so have the copies elsewhere."""
        if self.remote is not None:
            self.remote.changed(sub)

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise Conflict("Subscriptions are not at work: the platform is starting or stopping")
        return self._engine

    async def _saving(self) -> None:
        async with self._changing:
            await self._save()

    async def _save(self) -> None:
        position, progress = self.engine.progress()
        if not progress and position == self._saved:
            return
        assert self._store is not None
        try:
            await asyncio.to_thread(self._store.save, position, progress)
        except BaseException:
            for key, *_ in progress:
                run = self.engine.runs.get(key)
                if run is not None:
                    run.changed = True
            raise
        self._saved = position

    def _compiled(self, record: Record) -> Subscription | None:
        try:
            return self._compile(record)
        except AndamanError as error:
            log.error("Subscription %s cannot be used: %s", record.id, error.detail)
            return None

    def _compile(self, record: Record) -> Subscription:
        context = self._local(record.sources.get("context"))
        expand_q = self._local(record.sources.get("q")).expand_term
        condition, form, endpoint, times = compile_content(record.content, expand_q, context)
        return Subscription(
            record.tenant,
            record.id,
            record.key,
            record.content,
            record.sources,
            record.owner,
            record.created,
            record.modified,
            condition,
            form,
            endpoint,
            context,
            **times,
            active=record.content.get("isActive", True),
            counters=record.counters,
            extra=record.extra,
        )

    def _local(self, source: Any) -> Context:
        try:
            return self._contexts.resolve_local(source)
        except AndamanError as error:
            log.warning("The @context %s is not kept any more: %s", str(source)[:200], error.detail)
            return self._contexts.core

    # -- operations -----------------------------------------------------------------------------------------
    async def create(
        self,
        payload: Any,
        context: Context,
        source: Any,
        actor: Actor,
        tenant: str,
        *,
        base: str = "",
        via: Sequence[str] = (),
    ) -> Subscription:
        """§5.8.1. ``source``: the @context value that ``context`` was made of, one that can be kept (a URL).
        ``base``: under which address other brokers reach this one; ``via``: brokers that the request came by.
        Raises BadRequestData, LdContextNotAvailable, AlreadyExists."""
        engine, store = self.engine, self._store
        content = expand(payload, context)
        refuse_references(content, SUBSCRIPTION, actor)
        now = self._clock()
        given = plain_members(payload).get("id")
        sub_id = (
            check_uri(given, "id") if given is not None else f"urn:ngsi-ld:Subscription:{sortable_id(now)}"
        )
        if len(self._by_id) >= MOST:
            raise Conflict(f"There are {MOST} subscriptions; no more can be made here")
        record = Record(
            tenant,
            sub_id,
            token_hex(8),
            content,
            {"context": await self._source(content, source), "q": source},
            Owner(actor.principal.id, actor.principal.purpose, actor.principal.era),
            now,
            now,
            self._broker.seq,
            extra={"base": base, "via": list(via), **self._marks},
        )
        sub = self._compile(record)
        if sub.expires and sub.expires <= now:
            raise BadRequestData("expiresAt is in the past", field="expiresAt")
        if sub.interval:
            record.due = now + sub.interval
        assert store is not None
        async with self._changing:
            known = self._by_id.get((tenant, sub_id))
            if known is not None and not _may_see(known.sub, actor):
                # All that shows of others' subscriptions is that an id is taken, in the words of a refused write.
                raise Forbidden(f"You may not create subscription {sub_id} here")
            if known is not None or not await asyncio.to_thread(store.add, record):
                raise AlreadyExists(f"Subscription {sub_id} exists already")
            run = Run(sub, record.since, None, record.due)
            engine.add(run)
            self._by_id[tenant, sub_id] = run
        if self.remote is not None:
            self.remote.changed(sub)
        return sub

    async def _source(self, content: Content, source: Any) -> Any:
        """The @context to send with: the one named by jsonldContext, else the request's."""
        url = content.get("jsonldContext")
        if url is None:
            return source
        await self._contexts.resolve(url, count=False)
        return url

    async def update(
        self, sub_id: str, payload: Any, context: Context, source: Any, actor: Actor, tenant: str
    ) -> None:
        """§5.8.2: members of the fragment replace those of the subscription; null takes them away."""
        store = self._store
        run = self._get(sub_id, actor, tenant)
        fragment = expand(payload, context, fragment=True)
        refuse_references(fragment, SUBSCRIPTION, actor)
        if plain_members(payload).get("id", sub_id) != sub_id:
            raise BadRequestData("The id of a subscription never changes", field="id")
        async with self._changing:
            old = run.sub
            if self._by_id.get((tenant, sub_id)) is not run:
                raise ResourceNotFound(f"There is no subscription {sub_id}")
            merged = {**old.content, **fragment}
            content = {name: value for name, value in merged.items() if value is not None}
            sources = dict(old.sources)
            for name in ("q", "csf"):
                if name in fragment:
                    sources[name] = source
            if fragment.get("jsonldContext"):
                sources["context"] = await self._source(content, source)
            now = self._clock()
            record = Record(
                tenant,
                sub_id,
                old.key,
                content,
                sources,
                self._renewed(old.owner, actor),
                old.created,
                now,
                run.since,
                extra=old.extra,
            )
            sub = self._compile(record)
            if "expiresAt" in fragment and sub.expires and sub.expires <= now:
                raise BadRequestData("expiresAt is in the past", field="expiresAt")
            sub.counters = old.counters
            was = (run.since, run.settled, run.due)
            if sub.status(now) == "active" and old.status(now) != "active":
                record.since = self._broker.seq
            record.position, record.due = (
                was[1],
                run.due if sub.interval == old.interval else now + sub.interval,
            )
            assert store is not None
            await asyncio.to_thread(store.change, record)
            self.engine.exchange(run, sub)
        if self.remote is not None:
            self.remote.changed(sub)

    def _renewed(self, owner: Owner, actor: Actor) -> Owner:
        """An owner who comes back, with another password or purpose, says by a change that it is to go on."""
        me = actor.principal
        if me.id != owner.id or self._owners.access_of(owner) is not None:
            return owner
        return Owner(me.id, me.purpose, me.era)

    async def delete(self, sub_id: str, actor: Actor, tenant: str) -> None:
        """§5.8.5."""
        await self._remove(self._get(sub_id, actor, tenant))

    async def _remove(self, run: Run) -> None:
        store, key = self._store, (run.sub.tenant, run.sub.id)
        assert store is not None
        async with self._changing:
            if self._by_id.get(key) is not run:
                raise ResourceNotFound(f"There is no subscription {run.sub.id}")
            await asyncio.to_thread(store.remove, run.sub.key)
            del self._by_id[key]
            self.engine.remove(run)
        if self.remote is not None:
            self.remote.deleted(run.sub)

    async def _forget_tenant(self, tenant: str) -> None:
        for run in [run for (owner, _), run in self._by_id.items() if owner == tenant]:
            with contextlib.suppress(ResourceNotFound):  # deleted a moment ago
                await self._remove(run)

    def context_of(self, source: Any) -> Context:
        """A kept @context; the core context where it is not kept any more."""
        return self._local(source)

    def names_in(self, sub: Subscription, member: str) -> Context:
        """The @context that the names in a member of it (q, csf) are in."""
        return self._local(sub.sources.get(member, sub.sources.get("q")))

    def runs(self) -> list[Run]:
        """All of them."""
        return list(self._by_id.values())

    def find_run(self, key: str) -> Run | None:
        """By the key that is never used again."""
        return None if self._engine is None else self._engine.runs.get(key)

    async def set_extra(self, sub: Subscription, extra: dict[str, Any]) -> None:
        """Keep further data with the subscription."""
        assert self._store is not None
        sub.extra = extra
        await asyncio.to_thread(self._store.set_extra, sub.key, extra)

    def get(self, sub_id: str, actor: Actor, tenant: str) -> Subscription:
        """§5.8.3. Raises ResourceNotFound, also for subscriptions of others."""
        return self._get(sub_id, actor, tenant).sub

    async def get_settled(self, sub_id: str, actor: Actor, tenant: str) -> Subscription:
        """Like ``get``; waits a moment for attempts under way, so that a receiver that has just answered finds its
        answer counted."""
        run = self._get(sub_id, actor, tenant)
        if run.flying and self._courier is not None:
            await self._courier.settled(run.sub.endpoint, tenant)
        return self.get(sub_id, actor, tenant)

    def _get(self, sub_id: str, actor: Actor, tenant: str) -> Run:
        run = self._by_id.get((tenant, sub_id))
        if run is None or not _may_see(run.sub, actor):
            raise ResourceNotFound(f"There is no subscription {sub_id}")
        return run

    def list_all(self, actor: Actor, tenant: str) -> list[Subscription]:
        """§5.8.4: those that this actor may see, in the order of creation."""
        return [
            run.sub for (where, _), run in self._by_id.items() if where == tenant and _may_see(run.sub, actor)
        ]

    def now(self) -> Micros:
        """The clock that says whether a subscription is over."""
        return self._clock()

    def metrics(self) -> Iterable[Family]:
        """Figures for operators."""
        engine = self._engine
        if engine is None:
            return
        yield gauge("andaman_subscriptions", "Subscriptions kept.", len(self._by_id))
        yield gauge(
            "andaman_subscriptions_lagging", "Subscriptions whose receiver has no room.", engine.lagging
        )
        yield gauge("andaman_notifications_waiting", "Notifications not yet taken.", engine.waiting())
        yield gauge(
            "andaman_subscriptions_lag_events",
            "Events not yet looked at.",
            self._broker.seq - engine.position,
        )
        yield counter("andaman_notifications_delivered", "Notifications taken.", engine.delivered)
        yield counter("andaman_notifications_failed", "Attempts that failed.", engine.failed)


def _may_see(sub: Subscription, actor: Actor) -> bool:
    """Endpoints may hold secrets: their owner and administrators only."""
    return actor.principal.id == sub.owner.id or administers(actor)
