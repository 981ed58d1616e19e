"""The NGSI-LD door: raw ASGI, from a request's path to its handler and back (CIM 009 §6)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from andaman import __version__
from andaman.broker.contexts import ContextStore
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.registry.service import Registry
from andaman.broker.registry.watch import SourceSubscriptions
from andaman.broker.service import Broker
from andaman.broker.snapshots.service import Snapshots
from andaman.broker.subscriptions.service import Subscriptions
from andaman.doors.ngsild import (
    batch,
    consumption,
    csource_subscriptions,
    discovery,
    entity_maps,
    hosting,
    postquery,
    provision,
    purge,
    registrations,
    snapshot_scope,
    snapshots,
    subscriptions,
    temporal,
    temporal_maps,
    temporal_provision,
)
from andaman.doors.ngsild.distributed import evolutions, reads
from andaman.doors.ngsild.distributed.sources import Sources
from andaman.doors.ngsild.distributed.table import DISTRIBUTED
from andaman.doors.ngsild.door import Door, NgsiLdOptions
from andaman.doors.ngsild.http import (
    Answer,
    Call,
    Disconnected,
    Receive,
    Send,
    decode,
    json_answer,
    problem_answer,
)
from andaman.doors.ngsild.openapi import openapi
from andaman.identity.model import Actor
from andaman.kernel.errors import (
    AndamanError,
    BadRequestData,
    MethodNotAllowed,
    NotSignedIn,
    ResourceNotFound,
    StorageFull,
    told,
)
from andaman.kernel.metrics import REQUEST_ID, STATUS
from andaman.kernel.time import Clock, format_time, system_clock

log = logging.getLogger("andaman.ngsild")
Handler = Callable[[Door, Call], Awaitable[Answer]]
Resource = Mapping[str, Handler]

_ROOT: Final = b"/ngsi-ld/v1"
_CONTEXTS: Final = b"/ngsi-ld/contexts"
_REMOTE: Final = b"/ngsi-ld/ex/remote-notify"
PUBLIC: Final = "public"
"""Id of whoever did not sign in, as the gate sets it."""

_ENTITIES: Final[Resource] = {
    "GET": consumption.query_entities,
    "POST": provision.create_entity,
    "DELETE": purge.purge_entities,
}
_ENTITY: Final[Resource] = {
    "GET": consumption.retrieve_entity,
    "PUT": provision.replace_entity,
    "PATCH": provision.merge_entity,
    "DELETE": provision.delete_entity,
}
_ATTRS: Final[Resource] = {"POST": provision.append_attributes, "PATCH": provision.update_attributes}
_ATTR: Final[Resource] = {
    "PATCH": provision.update_attribute,
    "PUT": provision.replace_attribute,
    "DELETE": provision.delete_attribute,
}
_BATCH: Final[Mapping[str, Resource]] = {
    **{name: {"POST": handler} for name, handler in batch.OPERATIONS.items()},
    "query": {"POST": postquery.post_query},
}
_EVOLUTIONS: Final[Resource] = {
    "GET": temporal.query_temporal,
    "POST": temporal_provision.create_or_append,
}
_EVOLUTION: Final[Resource] = {
    "GET": temporal.retrieve_temporal,
    "DELETE": temporal_provision.delete_evolution,
}
_EVOLUTION_ATTRS: Final[Resource] = {"POST": temporal_provision.append_attributes}
_EVOLUTION_ATTR: Final[Resource] = {"DELETE": temporal_provision.delete_attribute}
_INSTANCE: Final[Resource] = {
    "PATCH": temporal_provision.modify_instance,
    "DELETE": temporal_provision.delete_instance,
}
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
_WRITES: Final = frozenset(
    handler
    for resource in (
        *(_ENTITIES, _ENTITY, _ATTRS, _ATTR, *_BATCH.values()),
        *(_EVOLUTIONS, _EVOLUTION, _EVOLUTION_ATTRS, _EVOLUTION_ATTR, _INSTANCE),
    )
    for method, handler in resource.items()
    if method != "GET"
) - {postquery.post_query}


async def _identity(door: Door, call: Call) -> Answer:
    """GET /info/sourceIdentity (§5.15.1)."""
    call.parameters(frozenset())
    now = door.clock()
    content = {
        "id": f"urn:ngsi-ld:ContextSourceIdentity:{door.alias(call.tenant)}",
        "type": "ContextSourceIdentity",
        "contextSourceAlias": door.alias(call.tenant),
        "contextSourceUptime": f"PT{max(0, now - door.started) // 1_000_000}S",
        "contextSourceTimeAt": format_time(now),
        "contextSourceExtras": {"version": __version__},
    }
    return json_answer(content)


async def _openapi(door: Door, call: Call) -> Answer:
    return json_answer(openapi())


_SINGLE: Final[Mapping[str, Resource]] = {
    "types": {"GET": discovery.list_types},
    "attributes": {"GET": discovery.list_attributes},
    "jsonldContexts": {"GET": hosting.list_contexts, "POST": hosting.add_context},
    "csourceRegistrations": {"GET": registrations.query, "POST": registrations.register},
    "entityMaps": {"GET": entity_maps.create},
    "csourceSubscriptions": {"GET": csource_subscriptions.query, "POST": csource_subscriptions.create},
    "subscriptions": {"GET": subscriptions.query, "POST": subscriptions.create},
    "snapshots": {"GET": snapshots.query, "POST": snapshots.create, "DELETE": snapshots.purge},
    "openapi.json": {"GET": _openapi},
}
_NAMED: Final[Mapping[str, Resource]] = {
    "types": {"GET": discovery.retrieve_type},
    "attributes": {"GET": discovery.retrieve_attribute},
    "jsonldContexts": {"GET": hosting.serve_context, "DELETE": hosting.delete_context},
    "csourceRegistrations": {
        "GET": registrations.retrieve,
        "PATCH": registrations.update,
        "DELETE": registrations.delete,
    },
    "entityMaps": {
        "GET": entity_maps.retrieve,
        "PATCH": entity_maps.update,
        "DELETE": entity_maps.delete,
    },
    "csourceSubscriptions": {
        "GET": csource_subscriptions.retrieve,
        "PATCH": csource_subscriptions.update,
        "DELETE": csource_subscriptions.delete,
    },
    "snapshots": {"GET": snapshots.retrieve, "PATCH": snapshots.update, "DELETE": snapshots.delete},
    "subscriptions": {
        "GET": subscriptions.retrieve,
        "PATCH": subscriptions.update,
        "DELETE": subscriptions.delete,
    },
}


def _evolution(segments: list[str], count: int) -> Resource | None:
    """Resources below ``temporal/entities``."""
    if count <= 3:
        return _EVOLUTIONS if count == 2 else _EVOLUTION
    if segments[3] != "attrs" or count > 6:
        return None
    if count > 4 and not segments[4]:
        return {"DELETE": temporal_provision.delete_instance}  # refuses the empty name
    return (_EVOLUTION_ATTRS, _EVOLUTION_ATTR, _INSTANCE)[count - 4]


def resource_of(segments: list[str]) -> Resource | None:
    """The resource at a path behind ``/ngsi-ld/v1``, or None."""
    count = len(segments)
    head = segments[0] if segments else ""
    if head == "entities":
        if count == 2:
            return _ENTITY
        if count == 1:
            return _ENTITIES
        if segments[2] == "attrs":
            return _ATTRS if count == 3 else _ATTR if count == 4 else None
        return None
    if head == "entityOperations":
        return _BATCH.get(segments[1]) if count == 2 else None
    if head == "temporal" and segments[1:2] != ["entityMaps"]:
        if segments[1:2] == ["entities"]:
            return _evolution(segments, count)
        if segments[1:] == ["entityOperations", "query"]:
            return {"POST": temporal.post_temporal_query}
        return None
    if count == 3 and head == "snapshots" and segments[2] == "clone":
        return {"POST": snapshots.clone}
    if segments == ["temporal", "entityMaps"]:
        return {"GET": temporal_maps.create}
    if count == 2 and head == "info" and segments[1] == "sourceIdentity":
        return {"GET": _identity}
    return _SINGLE.get(head) if count == 1 else _NAMED.get(head) if count == 2 else None


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

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        tenant: bytes | None = None
        call: Call | None = None
        try:
            call, resource = _call(scope, receive)
            if call.tenant:
                tenant = call.tenant.encode()
            if resource is None:
                raise ResourceNotFound("There is no such resource in the NGSI-LD API")
            handler = resource.get(call.method)
            if handler is None:
                answer = _other_method(call.method, resource)
            elif handler in _WRITES and call.actor.principal.id == PUBLIC:
                # Before the body is read: what strangers send must not cost the loop or wait in the writer's queue.
                raise NotSignedIn("Sign in to change entities")
            else:
                sources, scoped = self._door.sources, snapshot_scope.HEADER in call.headers
                if not scoped and sources is not None and sources.registry.of(call.tenant) is not None:
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
            refusal = told(error)
            trace = None if isinstance(refusal, StorageFull) else error
            log.error("%s at %s %s", refusal.title, scope.get("method"), scope.get("path"), exc_info=trace)
            answer = problem_answer(refusal)
        if call is not None and snapshot_scope.HEADER in call.headers:
            answer = snapshot_scope.given_back(call, answer)
        scope[STATUS] = answer.status
        await answer.send(send, tenant, scope.get(REQUEST_ID))


def _call(scope: Any, receive: Receive) -> tuple[Call, Resource | None]:
    """The request and the resource it goes to. Raises InvalidRequest, BadRequestData or NotSignedIn."""
    actor = scope.get("andaman.actor")
    if not isinstance(actor, Actor):
        raise NotSignedIn("This door has no gate before it, so that nobody may pass")
    path: bytes = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
    at = path.find(_ROOT)
    if at < 0 and path.endswith(_REMOTE):
        # A tenant that is named here is the teller's own, and nothing to us.
        plain = [one for one in scope["headers"] if one[0] != b"ngsild-tenant"]
        return Call({**scope, "headers": plain}, [], receive, actor), {"POST": subscriptions.remote_notify}
    if at < 0 and path.find(_CONTEXTS) >= 0:
        rest = path[path.find(_CONTEXTS) + len(_CONTEXTS) :]
        segments = [decode(part, "The path") for part in rest.split(b"/")[1:]]
        return Call(scope, segments, receive, actor), (
            {"GET": hosting.serve_bundled} if len(segments) == 1 else None
        )
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
