"""Extends subscriptions to context sources by reduced copies of them (CIM 009 §5.8.1.4); ``forwarding.py`` forwards the
notifications of the copies.

For each registration that matches a subscription and takes subscriptions, a copy of it is made there, reduced to what the
registration offers, with this platform as the receiver. What copies there are is kept with the subscription, before a source
is asked, so that a kill leaves none unknown. Ids of copies are random: who knows one may tell what is subscribed to.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

import orjson

from andaman.broker.contexts import CORE_URL, Context
from andaman.broker.exchange.forwarding import Forwarder
from andaman.broker.outgoing import Header, OutgoingClient, Unreachable, header_value
from andaman.broker.query.evaluate import matches_q
from andaman.broker.query.parse import parse_q
from andaman.broker.registry.match import Spec, source_doc
from andaman.broker.registry.model import Info, Registration
from andaman.broker.registry.service import Registry
from andaman.broker.service import Broker
from andaman.broker.subscriptions.model import Selector, Subscription
from andaman.broker.subscriptions.notice import link_header
from andaman.broker.subscriptions.parse import compacted
from andaman.broker.subscriptions.run import Run
from andaman.broker.subscriptions.service import Subscriptions
from andaman.kernel.errors import AndamanError, BadRequestData, ResourceNotFound
from andaman.kernel.work import Timer

log = logging.getLogger(__name__)
PATH: Final = "/ngsi-ld/ex/remote-notify"
_RETRY_S: Final = 5.0
_TIMEOUT_S: Final = 5.0
_AT_ONCE: Final = 16  # subscriptions whose copies are looked at
_QUIET_MAX: Final = 10_000
_COPIES_MAX: Final = 100  # of one subscription
_LEFT_OUT: Final = ("jsonldContext", "csf", "throttling", "subscriptionName", "description", "localOnly")
_NOT_SENT: Final = frozenset(
    {"accept", "contenttype", "content-type", "jsonldcontext", "link", "host", "via"}
)


class RemoteCopies:
    """Keeps the copies at the sources as they should be. ``start`` after subscriptions and registry."""

    def __init__(
        self, subs: Subscriptions, registry: Registry, broker: Broker, client: OutgoingClient
    ) -> None:
        self._subs, self._registry, self._broker, self._client = subs, registry, broker, client
        self._due: dict[str, None] = {}  # keys of subscriptions to look at
        self._gone: list[dict[str, Any]] = []  # copies to delete
        self._timer = Timer("Copies of subscriptions at other sources", self._work)
        self._told_on = Forwarder(subs, registry, broker, client, self._headers)
        self._quiet: dict[str, float] = {}  # endpoint → until when (monotonic) it is not asked
        self._owner: dict[str, str] = {}  # id of a copy → key of its subscription
        registry.on_change(self._registration_changed)
        subs.remote = self

    async def start(self) -> None:
        for run in self._subs.runs():
            self._know(run.sub)
            self._due[run.sub.key] = None
        await self._told_on.start()
        await self._timer.start()

    async def stop(self) -> None:
        await self._timer.stop()
        await self._told_on.stop()

    # -- what changed -----------------------------------------------------------------------------------------
    def _registration_changed(self, tenant: str, before: object, after: object) -> None:
        for run in self._subs.runs():
            if run.sub.tenant == tenant and run.sub.content.get("localOnly") is not True:
                self._due[run.sub.key] = None
        self._timer.wake()

    def changed(self, sub: Subscription) -> None:
        """A subscription came or changed."""
        self._told_on.changed(sub)
        if sub.content.get("localOnly") is True and not sub.extra.get("copies"):
            return
        if not sub.extra.get("copies") and self._registry.of(sub.tenant) is None:
            return
        self._due[sub.key] = None
        self._timer.wake()

    def deleted(self, sub: Subscription) -> None:
        """A subscription is gone; its copies go too."""
        for copy in sub.extra.get("copies", {}).values():
            self._owner.pop(copy["id"], None)
            self._gone.append({**copy, "tries": 3})
        self._told_on.forget(sub)
        self._timer.wake()

    def internal(self, tenant: str) -> Iterable[Subscription]:
        """Subscriptions that have copies: each stands for a subscription to registrations of its own (§5.8.1.4)."""
        return (
            run.sub for run in self._subs.runs() if run.sub.tenant == tenant and run.sub.extra.get("copies")
        )

    # -- the copies -------------------------------------------------------------------------------------------
    async def _work(self) -> float | None:
        again: list[str] = []
        while self._due:
            some = list(self._due)[:_AT_ONCE]
            for key in some:
                del self._due[key]
            await asyncio.sleep(0)  # a registration may concern thousands of subscriptions
            done = await asyncio.gather(*(self._try(key) for key in some))
            again += [key for key, well in zip(some, done, strict=True) if not well]
        gone, self._gone = self._gone, []
        for copy in gone:
            if not await self._delete(copy) and copy["tries"] > 1:
                self._gone.append({**copy, "tries": copy["tries"] - 1})
        if not again and not self._gone:
            return None
        await asyncio.sleep(_RETRY_S)
        self._due.update(dict.fromkeys(again))
        return 0.0

    async def _try(self, key: str) -> bool:
        """False: to be tried again."""
        try:
            return await self._reconcile(key)
        except AndamanError as error:
            log.warning("Copies of a subscription cannot be kept now: %s", error.detail)
            return False
        except Exception:
            log.exception("Copies of a subscription cannot be kept")
            return True

    def _know(self, sub: Subscription) -> None:
        for copy in sub.extra.get("copies", {}).values():
            self._owner[copy["id"]] = sub.key

    def _wanted(self, sub: Subscription) -> dict[str, tuple[Registration, dict[str, Any]]]:
        """Registration id → what its source should have."""
        found = self._registry.of(sub.tenant)
        if found is None or sub.baseless or sub.content.get("localOnly") is True:
            return {}
        infos: dict[str, tuple[Registration, list[Info]]] = {}
        attrs = sub.condition.watched or frozenset()
        for selector in sub.condition.selectors or (Selector(None),):
            spec = Spec(selector.types, tuple(selector.ids), selector.pattern, attrs)
            for registration, matching in found.matching(spec):
                if "createSubscription" in registration.operations:
                    infos.setdefault(registration.id, (registration, []))[1].extend(matching)
        came_by = frozenset(sub.extra.get("via", ()))
        csf = None
        if "csf" in sub.content:  # which sources may be asked at all (§5.2.12)
            csf = parse_q(sub.content["csf"], self._subs.names_in(sub, "csf").expand_term)
        infos = {
            number: one for number, one in infos.items() if csf is None or matches_q(csf, source_doc(one[0]))
        }
        return {
            number: (registration, reduced(sub, matching, registration.local_only))
            for number, (registration, matching) in list(infos.items())[:_COPIES_MAX]
            if not registration.alias or registration.alias not in came_by
        }

    async def _reconcile(self, key: str) -> bool:
        """False: something did not work and should be tried again."""
        run = self._subs.find_run(key)
        if run is None:
            return True
        sub = run.sub
        wanted = self._wanted(sub)
        copies: dict[str, Any] = dict(sub.extra.get("copies", {}))
        surplus = [copies.pop(number) for number in list(copies) if number not in wanted]
        for number, (registration, _) in wanted.items():
            if number not in copies:
                copies[number] = {
                    "id": f"urn:ngsi-ld:Subscription:distsub:{secrets.token_hex(16)}",
                    "endpoint": registration.endpoint,
                    "tenant": registration.tenant,
                    "state": "",
                }
        if copies != sub.extra.get("copies", {}):
            await self._subs.set_extra(sub, {**sub.extra, "copies": copies})
            self._know(sub)
        done = True
        for copy in surplus:
            self._owner.pop(copy["id"], None)
            self._gone.append({**copy, "tries": 3})
        for number, (registration, body) in wanted.items():
            copy = copies[number]
            state = hashlib.sha256(orjson.dumps(body)).hexdigest()[:16]
            if copy["state"] == state:
                continue
            if await self._put(sub, registration, copy, body):
                copy["state"] = state
                if self._subs.find_run(key) is run:
                    await self._subs.set_extra(run.sub, {**run.sub.extra, "copies": copies})
            else:
                done = False
        return done

    async def _put(
        self, sub: Subscription, registration: Registration, copy: dict[str, Any], body: dict[str, Any]
    ) -> bool:
        headers = self._headers(sub, registration)
        if copy["state"]:
            path = f"/subscriptions/{quote(copy['id'], safe=':')}"
            status = await self._send("PATCH", copy, path, headers, body, registration)
            if status != 404:
                return 200 <= status < 300
        status = await self._send(
            "POST", copy, "/subscriptions", headers, {"id": copy["id"], **body}, registration
        )
        return 200 <= status < 300 or status == 409

    async def _delete(self, copy: dict[str, Any]) -> bool:
        tenant = copy.get("tenant")
        headers: list[Header] = [(b"ngsild-tenant", tenant.encode())] if tenant else []
        path = f"/subscriptions/{quote(copy['id'], safe=':')}"
        status = await self._send("DELETE", copy, path, headers, None)
        return 200 <= status < 300 or status == 404

    async def _send(
        self,
        method: str,
        copy: dict[str, Any],
        path: str,
        headers: list[Header],
        body: Any,
        registration: Registration | None = None,
    ) -> int:
        """The status, 0 when nobody answers. One that did not is left alone for a while (§5.2.34 cooldown), so that it
        does not hold up the copies at others."""
        endpoint = copy["endpoint"]
        if self._quiet.get(endpoint, 0.0) > time.monotonic():
            return 0
        timeout_s = cooldown_s = 0.0
        if registration is not None:
            timeout_s, cooldown_s = registration.timeout_s or 0.0, registration.cooldown_s
        content = b"" if body is None else orjson.dumps(body)
        try:
            reply = await self._client.request(
                method,
                f"{endpoint}/ngsi-ld/v1{path}",
                headers=headers,
                body=content,
                timeout_s=min(timeout_s or _TIMEOUT_S, 30.0),
                max_bytes=1 << 16,
            )
        except Unreachable as error:
            log.info("A context source does not take a subscription: %s", error.reason)
            if len(self._quiet) >= _QUIET_MAX:
                self._quiet.clear()
            self._quiet[endpoint] = time.monotonic() + max(cooldown_s, _RETRY_S - 0.5)
            return 0
        self._quiet.pop(endpoint, None)
        return reply.status

    def _headers(self, sub: Subscription, registration: Registration) -> list[Header]:
        headers: list[Header] = [(b"content-type", b"application/json")]
        if sub.context.link != CORE_URL:
            headers.append((b"link", link_header(sub.context.link).encode("latin-1", "replace")))
        if registration.tenant:
            headers.append((b"ngsild-tenant", registration.tenant.encode()))
        alias = self._registry.alias + (f"-{sub.tenant}" if sub.tenant else "")
        hops = [f"1.1 {hop}" for hop in (*sub.extra.get("via", ()), alias)]
        headers.append((b"via", ", ".join(hops).encode("latin-1", "replace")))
        headers += [
            (key.encode(), header_value(text, "utf-8"))
            for key, text in registration.source_info
            if key.lower() not in _NOT_SENT and not text.startswith("urn:ngsi-ld:request")
        ]
        return headers

    # -- what sources tell ------------------------------------------------------------------------------------
    @property
    def has_copies(self) -> bool:
        return bool(self._owner)

    def find(self, copy_id: str) -> Run:
        """The subscription that a copy belongs to. Raises ResourceNotFound."""
        run = self._subs.find_run(self._owner.get(copy_id, ""))
        if run is None:
            raise ResourceNotFound("There is no such subscription here")
        return run

    async def take(self, payload: Any, context: Context) -> None:
        """A notification of a source, kept when this returns, and forwarded as one of the local subscription."""
        if not isinstance(payload, dict) or not isinstance(payload.get("subscriptionId"), str):
            raise BadRequestData("A notification has a subscriptionId", field="subscriptionId")
        await self._told_on.take(self.find(payload["subscriptionId"]), payload, context)


def reduced(sub: Subscription, infos: list[Info], local_only: bool = False) -> dict[str, Any]:
    """A copy for one source: only the parts that its registration offers, plain normalized entities, notified to this
    platform. ``local_only``: of what the source holds itself (§5.2.34).
    """
    content = {
        name: value for name, value in compacted(sub.content, sub.context).items() if name not in _LEFT_OUT
    }
    shorts = sub.context.shorts
    names = (
        frozenset[str]().union(*(info.names for info in infos))
        if all(i.names for i in infos)
        else frozenset()
    )
    notification: dict[str, Any] = {
        "endpoint": {"uri": sub.extra.get("base", "") + PATH, "accept": "application/json"}
    }
    wanted = set(sub.condition.watched or ())
    if names:
        watched = names & wanted if wanted else names
        if not sub.interval:
            content["watchedAttributes"] = sorted(shorts[one] for one in watched)
        notification["attributes"] = sorted(shorts[one] for one in names)
    ids = sorted({one.id for info in infos for one in info.entities if one.id is not None})
    if ids and all(one.id is not None for info in infos for one in info.entities) and "entities" in content:
        content["entities"] = [
            {"type": one["type"], "id": one.get("id", ids if len(ids) > 1 else ids[0])}
            for one in content["entities"]
        ]
    if sub.content.get("splitEntities") is True:
        # The parts of an entity may lie elsewhere: conditions on it hold only when it is whole.
        for name in ("q", "geoQ", "scopeQ"):
            content.pop(name, None)
    if local_only:
        content["localOnly"] = True
    return {**content, "type": "Subscription", "notification": notification}
