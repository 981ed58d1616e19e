"""Forwards notifications of context sources as notifications of the local subscription (CIM 009 §5.8.6): at least once.

A notification is kept (``inbox.py``) before its source hears "taken", and goes when its receiver took it. One worker for
each subscription that something waits for reads it in order, composes by the owner's rights of that moment, and gives it to
the courier; a repeat after a kill carries the same id.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import orjson

from andaman.broker.contexts import Context
from andaman.broker.entity.expand import expand_entity
from andaman.broker.entity.names import NULL, check_uri, plain_members
from andaman.broker.exchange.inbox import Inbox, Received
from andaman.broker.ledger.rights import visible
from andaman.broker.model import Doc
from andaman.broker.outgoing import Header, OutgoingClient, Unreachable
from andaman.broker.registry.match import Spec
from andaman.broker.registry.model import Registration
from andaman.broker.registry.service import Registry
from andaman.broker.service import Broker
from andaman.broker.subscriptions.changes import meets
from andaman.broker.subscriptions.message import Message, Outcome
from andaman.broker.subscriptions.model import Subscription
from andaman.broker.subscriptions.notice import dumped, envelope, notification_id, present
from andaman.broker.subscriptions.run import Run
from andaman.broker.subscriptions.service import Subscriptions
from andaman.kernel.errors import AndamanError, BadRequestData

log = logging.getLogger(__name__)
_TIMEOUT_S: Final = 5.0
_SOURCES: Final = 100  # that are asked for their part of an entity
_ENTITIES: Final = 10_000
_READ: Final = 16  # kept notifications that a worker has in memory
_ROOM_S: Final = 0.1
_AGAIN_S: Final = 1.0


class Forwarder:
    """Forwards notifications for all subscriptions with copies elsewhere; bound to one event loop."""

    def __init__(
        self,
        subs: Subscriptions,
        registry: Registry,
        broker: Broker,
        client: OutgoingClient,
        headers: Callable[[Subscription, Registration], list[Header]],
    ) -> None:
        self._subs, self._registry, self._broker, self._client = subs, registry, broker, client
        self._headers = headers
        self._inbox = Inbox(registry.store)
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._news: set[str] = set()  # subscriptions to look at again
        self._at: dict[str, int] = {}  # subscription → number of the last one that the courier has

    async def start(self) -> None:
        for key in await self._inbox.open():
            if self._subs.find_run(key) is None:
                self._inbox.drop_all(key)
            else:
                self._wake(key)
        self._subs.engine.withdrawn = self._withdrawn

    async def stop(self) -> None:
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await self._inbox.close()

    async def take(self, run: Run, payload: dict[str, Any], context: Context) -> None:
        """Kept when it returns. Raises BadRequestData, Unavailable."""
        data = payload.get("data")
        if not isinstance(data, list) or len(data) > _ENTITIES:
            raise BadRequestData("The data of a notification is a list of entities", field="data")
        for entity in data:
            if not isinstance(entity, dict) or not ("id" in entity or "@id" in entity):
                raise BadRequestData("The data of a notification is a list of entities", field="data")
        data = [plain_members(entity, "data") for entity in data]
        if run.access is None or run.sub.status(self._subs.now()) != "active":
            return  # nothing is told of it (§5.8.6)
        number = hashlib.sha256(orjson.dumps(payload)).hexdigest()[:24]
        kept = {"copy": payload["subscriptionId"], "data": data, "context": context.source}
        await self._inbox.put(run.sub.key, f"r{number}", orjson.dumps(kept))
        self._wake(run.sub.key)

    def changed(self, sub: Subscription) -> None:
        """A subscription that is paused now sends nothing of the waiting notifications, also not later (§5.8.6)."""
        if sub.baseless or sub.status(self._subs.now()) != "active":
            self.forget(sub)

    def forget(self, sub: Subscription) -> None:
        """Send nothing of the waiting notifications."""
        self._at.pop(sub.key, None)
        self._inbox.drop_all(sub.key)

    def _withdrawn(self, run: Run) -> None:
        """The courier has nothing of it any more: the kept notifications are offered again, from the first."""
        if self._at.pop(run.sub.key, None) is not None:
            self._wake(run.sub.key)

    # -- telling on -----------------------------------------------------------------------------------------
    def _wake(self, key: str) -> None:
        self._news.add(key)
        worker = self._workers.get(key)
        if worker is None or worker.done():
            self._workers[key] = asyncio.create_task(self._work(key), name="told-on")

    async def _work(self, key: str) -> None:
        """Give the kept notifications to the courier, then end."""
        while key in self._news:
            self._news.discard(key)
            try:
                await self._hand_over_all(key)
            except Exception:
                log.exception(
                    "Notifications of context sources cannot be forwarded now; they will be tried again"
                )
                self._news.add(key)
                await asyncio.sleep(_AGAIN_S)
        del self._workers[key]

    async def _hand_over_all(self, key: str) -> None:
        while rows := await self._inbox.after(key, self._at.get(key, 0), _READ):
            for row in rows:
                run = self._subs.find_run(key)
                if run is None:
                    self._inbox.drop_all(key)
                elif not await self._hand_over(run, row):
                    break
        if not self._inbox.waiting(key):
            self._at.pop(key, None)

    async def _hand_over(self, run: Run, row: Received) -> bool:
        """False: what the courier had was taken back meanwhile, so that all begins from the first again."""
        key = run.sub.key
        before = self._at.get(key, 0)
        generation = run.generation
        told = await self._composed(run, row)
        while self._at.get(key, 0) == before and self._subs.find_run(key) is run:
            if run.generation != generation:  # what was composed under other rights than now is not told
                generation = run.generation
                told = await self._composed(run, row)
                continue
            if self._offer(run, row, told):
                self._at[key] = row.number
                return True
            await asyncio.sleep(_ROOM_S)
        return False

    def _offer(self, run: Run, row: Received, told: list[bytes]) -> bool:
        """False: the courier has no room now."""
        sub, now = run.sub, self._subs.now()
        if not told or run.access is None or sub.status(now) != "active":
            self._inbox.drop(row.number)  # notifications of what is paused or over are not sent (§5.8.6)
            return True

        def report(message: Message, outcome: Outcome) -> None:
            run.report(message, outcome)
            if outcome is not Outcome.FAILED:
                self._inbox.drop(row.number)

        body = run.wire.body(envelope(sub, notification_id(sub.key, row.id), now, told))
        message = Message(sub.key, sub.key, run.wire.headers, body, report, run.sending)
        return self._subs.engine.hand_over(run, message)

    async def _composed(self, run: Run, row: Received) -> list[bytes]:
        """Entities as the subscriber wants to see them; empty: nothing to send."""
        told: list[bytes] = []
        try:
            kept = orjson.loads(row.body)
            context = self._subs.context_of(kept["context"])
            for entity in kept["data"]:
                others = await self._elsewhere(entity, kept["copy"], run)
                shown = self._shown(entity, context, run, others)
                if shown is not None:
                    told.append(shown)
        except AndamanError as error:
            log.info("A source's notification for %s cannot be forwarded: %s", run.sub.id, error.detail)
            return []
        except Exception:
            log.exception("A source's notification for %s cannot be forwarded", run.sub.id)
            return []
        return told

    async def _elsewhere(self, entity: dict[str, Any], copy_id: str, run: Run) -> list[Doc]:
        """The same entity at the other sources, where entities may be split."""
        sub = run.sub
        found = self._registry.of(sub.tenant)
        if sub.content.get("splitEntities") is not True or found is None or "deletedAt" in entity:
            return []
        entity_id = check_uri(entity["id"], "id")
        teller = next((n for n, copy in sub.extra.get("copies", {}).items() if copy["id"] == copy_id), "")
        docs: list[Doc] = []
        for registration, _ in found.matching(Spec(ids=(entity_id,)))[:_SOURCES]:
            if registration.id == teller or "retrieveEntity" not in registration.operations:
                continue
            url = f"{registration.endpoint}/ngsi-ld/v1/entities/{quote(entity_id, safe=':')}"
            url += "?local=true" if registration.local_only else ""
            timeout_s = min(registration.timeout_s or _TIMEOUT_S, 30.0)
            headers = [(b"accept", b"application/json"), *self._headers(sub, registration)[1:]]
            try:
                reply = await self._client.request(
                    "GET", url, headers=headers, timeout_s=timeout_s, max_bytes=1 << 20
                )
                if reply.status == 200:
                    docs.append({"id": entity_id, **expand_entity(orjson.loads(reply.body), sub.context)})
            except (Unreachable, orjson.JSONDecodeError, AndamanError) as error:
                log.info("A source does not return its part of %s: %s", entity_id, error)
        return docs

    def _shown(self, entity: dict[str, Any], context: Context, run: Run, others: list[Doc]) -> bytes | None:
        """An entity of a source's notification, as the subscriber wants to see it; None: not to be sent."""
        sub, access = run.sub, run.access
        if access is None:
            return None
        signs = {  # of deletion: told on as they came
            name: value
            for name, value in entity.items()
            if name == "deletedAt" or NULL.encode() in orjson.dumps(value)
        }
        plain = {name: value for name, value in entity.items() if name not in signs and name != "@context"}
        seen = visible({"id": entity["id"], **expand_entity(plain, context)}, access)
        if seen is None:
            return None
        if sub.content.get("splitEntities") is True and "deletedAt" not in signs:
            seen = self._merged(seen, run, others)
            if not meets(sub.condition, seen, run.follow):
                return None
        form, names = sub.form, sub.context.shorts
        hidden = access.hidden_attrs(seen["type"], seen.get("scope", ()))
        shown = present(form, sub.context, [seen], run.find)
        for name, value in signs.items():
            iri = name if name == "deletedAt" else context.expand_term(name)
            if iri not in hidden:
                simple = isinstance(value, dict) and form.view.format == "simplified"
                shown[0][name if name == "deletedAt" else names[iri]] = NULL if simple else value
        return dumped(shown, seen, form, sub.context)

    def _merged(self, doc: Doc, run: Run, others: list[Doc]) -> Doc:
        """The entity with the facts known here and elsewhere; the source's own values go first."""
        access = run.access
        assert access is not None
        parts = [
            self._broker.find(doc["id"], access, run.sub.tenant),
            *(visible(one, access) for one in others),
        ]
        merged = doc
        for part in parts:
            if part is not None:
                types = sorted({*part["type"], *merged["type"]})
                merged = {**part, **merged, "type": types, "attrs": {**part["attrs"], **merged["attrs"]}}
        return merged
