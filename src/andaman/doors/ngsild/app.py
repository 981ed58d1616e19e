"""The NGSI-LD door: raw ASGI, from a request's path by its entry in the table of doors to its handler and back (CIM 009 §6)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NamedTuple

from andaman.broker.contexts import ContextStore
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.registry.service import Registry
from andaman.broker.registry.source_subscriptions import SourceSubscriptions
from andaman.broker.service import Broker
from andaman.broker.snapshots.service import Snapshots
from andaman.broker.subscriptions.service import Subscriptions
from andaman.doors.ngsild import (
    consumption,
    entity_maps,
    postquery,
    snapshot_scope,
    temporal,
    temporal_maps,
)
from andaman.doors.ngsild.distributed import evolutions, reads
from andaman.doors.ngsild.distributed.naming import unnamed
from andaman.doors.ngsild.distributed.sources import Sources
from andaman.doors.ngsild.distributed.table import DISTRIBUTED
from andaman.doors.ngsild.door import Door, Handler, NgsiLdOptions
from andaman.doors.ngsild.entries import BUNDLED, TOLD, Resource, resource_of
from andaman.doors.ngsild.http import Answer, Call, Disconnected, Receive, Send, decode, problem_answer
from andaman.identity.doors import ANYONE, DoorEntry, Tenancy
from andaman.identity.entrance import Keeper, admit, keeper_of
from andaman.identity.model import Actor
from andaman.identity.powers import PUBLIC
from andaman.identity.web import ACTOR
from andaman.kernel.errors import (
    AndamanError,
    BadRequestData,
    MethodNotAllowed,
    NotSignedIn,
    ResourceNotFound,
    StorageFull,
    refusal_of,
)
from andaman.kernel.metrics import REQUEST_ID, ROUTE, STATUS
from andaman.kernel.time import Clock, system_clock

log = logging.getLogger("andaman.ngsild")
_NOWHERE: Final = DoorEntry("GET", "/ngsi-ld/", Tenancy.BOTH, ANYONE, narrowed=True, devices=True)
"""Where there is no door: a tenant is looked at before that is said."""
_ROOT: Final = b"/ngsi-ld/v1"
_CONTEXTS: Final = b"/ngsi-ld/contexts"
_REMOTE: Final = b"/ngsi-ld/ex/remote-notify"

_MAPPED: Final[Mapping[Handler, Handler]] = {
    consumption.query_entities: entity_maps.query_entities,
    postquery.post_query: entity_maps.post_query,
    reads.query_entities: entity_maps.query_entities,
    reads.post_query: entity_maps.post_query,
    consumption.retrieve_entity: entity_maps.retrieving(consumption.retrieve_entity),
    reads.retrieve_entity: entity_maps.retrieving(reads.retrieve_entity),
    temporal.retrieve_temporal: temporal_maps.retrieve_temporal,
    temporal.query_temporal: temporal_maps.query_temporal,
    evolutions.retrieve_temporal: evolutions.retrieve_temporal_mapped,
    evolutions.query_temporal: evolutions.query_temporal_mapped,
}
"""Requests that make or use an entity map."""


class NgsiLdApp:
    """ASGI application for every path under ``/ngsi-ld/``. The gate before it sets ``scope["andaman.actor"]``."""

    def __init__(
        self,
        broker: Broker,
        contexts: ContextStore,
        options: NgsiLdOptions | None = None,
        clock: Clock = system_clock,
        registry: Registry | None = None,
        subscriptions: Subscriptions | None = None,
        outgoing: OutgoingClient | None = None,
        watches: SourceSubscriptions | None = None,
        snapshots: Snapshots | None = None,
    ) -> None:
        self._door = Door(broker, contexts, options or NgsiLdOptions(), clock, registry, subscriptions)
        if registry is not None and outgoing is not None:
            self._door.sources = Sources(registry, outgoing, contexts, clock)
        self._door.watches = watches
        self._door.snapshots = snapshots

    def _has_sources(self, tenant: str) -> bool:
        sources = self._door.sources
        return sources is not None and sources.registry.of(tenant) is not None

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        tenant: bytes | None = None
        call: Call | None = None
        turn: Turn | None = None
        sourced = False
        try:
            try:
                call, resource = _call(scope, receive)
                if call.tenant:
                    tenant = call.tenant.encode()
                if resource is None:
                    admit(_NOWHERE, scope, call.actor, call.headers)
                    raise ResourceNotFound("There is no such resource in the NGSI-LD API")
                found = resource.get(call.method)
                if found is None:
                    answer = _other_method(call.method, resource)
                else:
                    # Before the body is read: what strangers send must not cost the loop or wait in the writer's queue.
                    scope[ROUTE] = found.entry.route
                    admit(found.entry, scope, call.actor, call.headers)
                    call.entry = found.entry
                    if call.actor.principal.id == PUBLIC:
                        turn = await _begun(found.entry, scope, call)
                        call.still_admitted()
                    handler: Handler = found.handler
                    scoped = snapshot_scope.HEADER in call.headers
                    sourced = self._has_sources(call.tenant)
                    if sourced and not scoped:
                        handler = DISTRIBUTED.get(handler, handler)
                    if b"entityMap=true" in call.query_string or b"ngsild-entitymap" in call.headers:
                        handler = _MAPPED.get(handler, handler)
                    if scoped:
                        answer = await snapshot_scope.answered(self._door, call, handler)
                    else:
                        answer = await handler(self._door, call)
            except AndamanError as error:
                answer = problem_answer(error)
            except Disconnected:
                return
            except Exception as error:
                refusal = refusal_of(error)
                trace = None if isinstance(refusal, StorageFull) else error
                log.error(
                    "%s at %s %s", refusal.title, scope.get("method"), scope.get("path"), exc_info=trace
                )
                answer = problem_answer(refusal)
            if call is not None and snapshot_scope.HEADER in call.headers:
                answer = snapshot_scope.given_back(call, answer)
            if call is not None and sourced:
                answer = unnamed(self._door, call, answer)
            scope[STATUS] = answer.status
            await answer.send(send, tenant, scope.get(REQUEST_ID))
            if turn is not None:
                turn.keeper.spend(turn.address, len(answer.body))
        finally:
            if turn is not None:
                await turn.place.__aexit__(None, None, None)


class Turn(NamedTuple):
    """The question of an anonymous client under way."""

    keeper: Keeper
    address: str
    place: AbstractAsyncContextManager[None]


async def _begun(entry: DoorEntry, scope: Any, call: Call) -> Turn | None:
    """The turn of an anonymous client's question, with the limit of its body; None if the door asks for none. Raises
    TooManyRequests.
    """
    if entry.public_body_max is not None:
        call.most = entry.public_body_max
    keeper = keeper_of(entry, scope, call.actor)
    if keeper is None:
        return None
    place = keeper.question(call.actor.origin)
    await place.__aenter__()
    return Turn(keeper, call.actor.origin, place)


def _call(scope: Any, receive: Receive) -> tuple[Call, Resource | None]:
    """The request and the resource it goes to. Raises InvalidRequest, BadRequestData or NotSignedIn."""
    actor = scope.get(ACTOR)
    if not isinstance(actor, Actor):
        raise NotSignedIn("This door has no gate before it, so that nobody may pass")
    path: bytes = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
    at = path.find(_ROOT)
    if at < 0 and path.endswith(_REMOTE):
        # A tenant that is named here is the teller's own, and nothing to us.
        plain = [one for one in scope["headers"] if one[0] != b"ngsild-tenant"]
        return Call({**scope, "headers": plain}, [], receive, actor), TOLD
    if at < 0 and path.find(_CONTEXTS) >= 0:
        rest = path[path.find(_CONTEXTS) + len(_CONTEXTS) :]
        segments = [decode(part, "The path") for part in rest.split(b"/")[1:]]
        return Call(scope, segments, receive, actor), BUNDLED if len(segments) == 1 else None
    segments = _segments(path[at + len(_ROOT) :]) if at >= 0 else []
    if segments and not segments[-1]:
        if segments == ["entities", ""] and scope["method"] in ("PUT", "PATCH"):
            raise BadRequestData("The id of the entity is missing", field="entityId")
        segments.pop()
    return Call(scope, segments, receive, actor), resource_of(segments)


def _segments(path: bytes) -> list[str]:
    if b"%" not in path:
        return path.decode("latin-1").split("/")[1:]
    parts = path.split(b"/")[1:]
    return [decode(part, "The path") if b"%" in part else part.decode("latin-1") for part in parts]


def _other_method(method: str, resource: Resource) -> Answer:
    allowed = ", ".join(sorted({*resource, "OPTIONS"}))
    headers = [(b"allow", allowed.encode())]
    if method == "OPTIONS":
        if "PATCH" in resource:
            patch = b"application/json, application/ld+json, application/merge-patch+json"
            headers.append((b"accept-patch", patch))
        return Answer(204, headers=headers)
    answer = problem_answer(MethodNotAllowed(f"{method[:20]} is not allowed here; allowed: {allowed}"))
    answer.headers = headers
    return answer
