"""The NGSI-LD part of the table of doors: every operation (CIM 009 §6) with its requirement, and the tree of paths made
from it.

Who may see or write which entity, the broker decides for each entity; here stands what needs no look at one.

A *device token* writes: it creates, replaces, merges, appends and updates entities and their attributes, and adds to their
history. It neither reads nor deletes, nor corrects the past: a sensor's stolen token must be no copy of its dataset, and no
eraser. A token *narrowed* to types or scopes reads, and writes entities; of subscriptions and snapshots it has its own
(``powers.administers``). What concerns others than itself, such as context sources and hosted contexts, is closed to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from andaman.doors.ngsild import (
    about,
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
    snapshots,
    subscriptions,
    temporal,
    temporal_maps,
    temporal_provision,
)
from andaman.doors.ngsild.door import Handler
from andaman.identity.doors import (
    ANYONE,
    SIGNED_IN,
    BoundDoor,
    Cost,
    DoorEntry,
    Requirement,
    Tenancy,
    checked,
)
from andaman.identity.permissions import MANAGE_CONTEXTS, MANAGE_SOURCES, READ_SOURCES, WATCH_SOURCES
from andaman.kernel.http import STRANGERS_BODY

Resource = Mapping[str, BoundDoor]
_V1: Final = "/ngsi-ld/v1"
_BOTH: Final = Tenancy.BOTH
_QUESTION: Final = "It changes nothing: a question whose body is too long for a URL."
_POLICY: Final = "Who may write an entity is decided by its types and datasets (docs/rooms/identity.md)."
_OWN: Final = "Everybody has subscriptions and snapshots of their own, with their own rights."
_OWN_MAP: Final = (
    "An entity map belongs to the client that made it, also to an anonymous one; its id cannot be guessed."
)


def _read(
    path: str, handler: Handler, requires: Requirement = ANYONE, cost: Cost = Cost.QUESTION
) -> BoundDoor:
    return DoorEntry("GET", _V1 + path, _BOTH, requires, cost=cost).to(handler)


def _ask(path: str, handler: Handler) -> BoundDoor:
    """A question in a body."""
    entry = DoorEntry(
        "POST",
        _V1 + path,
        _BOTH,
        ANYONE,
        narrowed=True,
        body_max=None,
        public_body_max=STRANGERS_BODY,
        cost=Cost.QUESTION,
        because=_QUESTION,
    )
    return entry.to(handler)


def _write(method: str, path: str, handler: Handler, *, devices: bool = False) -> BoundDoor:
    """A change of entities or their past, which the journal keeps."""
    body_max = 0 if method == "DELETE" else None
    entry = DoorEntry(
        method,
        _V1 + path,
        _BOTH,
        SIGNED_IN,
        narrowed=True,
        devices=devices,
        body_max=body_max,
        because=_POLICY,
    )
    return entry.to(handler)


def _keep(method: str, path: str, handler: Handler, requires: Requirement, *, narrowed: bool) -> BoundDoor:
    """A door for records other than entities: subscriptions, snapshots, registrations, contexts."""
    entry = DoorEntry(
        method,
        _V1 + path,
        _BOTH,
        requires,
        narrowed=narrowed,
        body_max=0 if method in ("GET", "DELETE") else None,
        cost=Cost.QUESTION,
        because=_OWN if requires is SIGNED_IN and method != "GET" else "",
    )
    return entry.to(handler)


def _map(method: str, handler: Handler) -> BoundDoor:
    entry = DoorEntry(
        method,
        f"{_V1}/entityMaps/{{entityMapId}}",
        _BOTH,
        ANYONE,
        narrowed=True,
        body_max=0 if method == "DELETE" else None,
        public_body_max=STRANGERS_BODY,
        cost=Cost.QUESTION,
        because=_OWN_MAP,
    )
    return entry.to(handler)


_ENTITY: Final = "/entities/{entityId}"
_ATTR: Final = "/entities/{entityId}/attrs/{attrId}"
_EVOLUTION: Final = "/temporal/entities/{entityId}"
_INSTANCE: Final = "/temporal/entities/{entityId}/attrs/{attrId}/{instanceId}"
_REGISTRATION: Final = "/csourceRegistrations/{registrationId}"
_WATCH: Final = "/csourceSubscriptions/{subscriptionId}"
_SUBSCRIPTION: Final = "/subscriptions/{subscriptionId}"
_SNAPSHOT: Final = "/snapshots/{snapshotId}"

_ENTITIES: Final = (
    _read("/entities", consumption.query_entities),
    _write("POST", "/entities", provision.create_entity, devices=True),
    _write("DELETE", "/entities", purge.purge_entities),
    _read(_ENTITY, consumption.retrieve_entity, cost=Cost.FREE),
    _write("PUT", _ENTITY, provision.replace_entity, devices=True),
    _write("PATCH", _ENTITY, provision.merge_entity, devices=True),
    _write("DELETE", _ENTITY, provision.delete_entity),
    _write("POST", _ENTITY + "/attrs", provision.append_attributes, devices=True),
    _write("PATCH", _ENTITY + "/attrs", provision.update_attributes, devices=True),
    _write("PATCH", _ATTR, provision.update_attribute, devices=True),
    _write("PUT", _ATTR, provision.replace_attribute, devices=True),
    _write("DELETE", _ATTR, provision.delete_attribute),
    *(
        _write("POST", f"/entityOperations/{name}", handler, devices=name != "delete")
        for name, handler in batch.OPERATIONS.items()
    ),
    _ask("/entityOperations/query", postquery.post_query),
    _read("/types", discovery.list_types),
    _read("/types/{type}", discovery.retrieve_type),
    _read("/attributes", discovery.list_attributes),
    _read("/attributes/{attrId}", discovery.retrieve_attribute),
    _read("/entityMaps", entity_maps.create),
    _read("/entityMaps/{entityMapId}", entity_maps.retrieve),
    _map("PATCH", entity_maps.update),
    _map("DELETE", entity_maps.delete),
)
_TEMPORAL: Final = (
    _read("/temporal/entities", temporal.query_temporal),
    _write("POST", "/temporal/entities", temporal_provision.create_or_append, devices=True),
    _read(_EVOLUTION, temporal.retrieve_temporal),
    _write("DELETE", _EVOLUTION, temporal_provision.delete_evolution),
    _write("POST", _EVOLUTION + "/attrs", temporal_provision.append_attributes, devices=True),
    _write("DELETE", _EVOLUTION + "/attrs/{attrId}", temporal_provision.delete_attribute),
    _write("PATCH", _INSTANCE, temporal_provision.modify_instance),
    _write("DELETE", _INSTANCE, temporal_provision.delete_instance),
    _ask("/temporal/entityOperations/query", temporal.post_temporal_query),
    _read("/temporal/entityMaps", temporal_maps.create),
)
_KEPT: Final = (
    _read("/jsonldContexts", hosting.list_contexts),
    _keep("POST", "/jsonldContexts", hosting.add_context, MANAGE_CONTEXTS, narrowed=False),
    _read("/jsonldContexts/{contextId}", hosting.serve_context),
    _keep("DELETE", "/jsonldContexts/{contextId}", hosting.delete_context, MANAGE_CONTEXTS, narrowed=False),
    _keep("GET", "/csourceRegistrations", registrations.query, READ_SOURCES, narrowed=False),
    _keep("POST", "/csourceRegistrations", registrations.register, MANAGE_SOURCES, narrowed=False),
    _keep("GET", _REGISTRATION, registrations.retrieve, READ_SOURCES, narrowed=False),
    _keep("PATCH", _REGISTRATION, registrations.update, MANAGE_SOURCES, narrowed=False),
    _keep("DELETE", _REGISTRATION, registrations.delete, MANAGE_SOURCES, narrowed=False),
    _keep("GET", "/csourceSubscriptions", csource_subscriptions.query, WATCH_SOURCES, narrowed=False),
    _keep("POST", "/csourceSubscriptions", csource_subscriptions.create, WATCH_SOURCES, narrowed=False),
    _keep("GET", _WATCH, csource_subscriptions.retrieve, WATCH_SOURCES, narrowed=False),
    _keep("PATCH", _WATCH, csource_subscriptions.update, WATCH_SOURCES, narrowed=False),
    _keep("DELETE", _WATCH, csource_subscriptions.delete, WATCH_SOURCES, narrowed=False),
    _keep("GET", "/subscriptions", subscriptions.query, SIGNED_IN, narrowed=True),
    _keep("POST", "/subscriptions", subscriptions.create, SIGNED_IN, narrowed=True),
    _keep("GET", _SUBSCRIPTION, subscriptions.retrieve, SIGNED_IN, narrowed=True),
    _keep("PATCH", _SUBSCRIPTION, subscriptions.update, SIGNED_IN, narrowed=True),
    _keep("DELETE", _SUBSCRIPTION, subscriptions.delete, SIGNED_IN, narrowed=True),
    _keep("GET", "/snapshots", snapshots.query, SIGNED_IN, narrowed=True),
    _keep("POST", "/snapshots", snapshots.create, SIGNED_IN, narrowed=True),
    _keep("DELETE", "/snapshots", snapshots.purge, SIGNED_IN, narrowed=True),
    _keep("GET", _SNAPSHOT, snapshots.retrieve, SIGNED_IN, narrowed=True),
    _keep("PATCH", _SNAPSHOT, snapshots.update, SIGNED_IN, narrowed=True),
    _keep("DELETE", _SNAPSHOT, snapshots.delete, SIGNED_IN, narrowed=True),
    _keep("POST", _SNAPSHOT + "/clone", snapshots.clone, SIGNED_IN, narrowed=True),
)
_OPENAPI: Final = DoorEntry("GET", _V1 + "/openapi.json", Tenancy.NONE, ANYONE, cost=Cost.QUESTION)
_BUNDLED: Final = DoorEntry("GET", "/ngsi-ld/contexts/{name}", Tenancy.NONE, ANYONE, cost=Cost.QUESTION)
_TOLD: Final = DoorEntry(
    "POST",
    "/ngsi-ld/ex/remote-notify",
    # A tenant that is named here is the teller's own. Whom it concerns, and with whose rights, hangs on the id.
    Tenancy.NONE,
    ANYONE,
    narrowed=True,
    body_max=None,
    cost=Cost.QUESTION,
    because="Context sources notify copies of subscriptions; the ids of those are random and only the sources know them.",
)
_ABOUT: Final = (
    _read("/info/sourceIdentity", about.source_identity),
    _OPENAPI.to(about.describe),
    _BUNDLED.to(hosting.serve_bundled),
    _TOLD.to(subscriptions.remote_notify),
)
_ALL: Final = tuple(checked([*_ENTITIES, *_TEMPORAL, *_KEPT, *_ABOUT]))


def ngsild_doors() -> tuple[BoundDoor, ...]:
    """Every operation, in the order of the clauses."""
    return _ALL


class _Node:
    """A place in the tree of paths."""

    __slots__ = ("by_name", "other", "resource")

    def __init__(self) -> None:
        self.by_name: dict[str, _Node] = {}
        self.other: _Node | None = None
        self.resource: dict[str, BoundDoor] | None = None

    def at(self, segments: list[str]) -> _Node:
        """The place at a template's segments, made where it is not there."""
        node = self
        for segment in segments:
            if not segment.startswith("{"):
                node = node.by_name.setdefault(segment, _Node())
                continue
            if node.other is None:
                node.other = _Node()
            node = node.other
        return node

    def add(self, segments: list[str], door: BoundDoor) -> None:
        node = self.at(segments)
        if node.resource is None:
            node.resource = {}
        node.resource[door.entry.method] = door


def _tree() -> _Node:
    root = _Node()
    for door in _ALL:
        path = door.entry.path
        if path.startswith(_V1 + "/"):
            root.add(path.removeprefix(_V1 + "/").split("/"), door)
            if path == _V1 + _INSTANCE and door.entry.method == "DELETE":
                # Without the name of the attribute: it refuses that in words (§5.6.15).
                root.add(["temporal", "entities", "{entityId}", "attrs", ""], door)
                root.add(["temporal", "entities", "{entityId}", "attrs", "", "{instanceId}"], door)
    return root


_ROOT: Final = _tree()
BUNDLED: Final[Resource] = {"GET": next(door for door in _ABOUT if door.entry is _BUNDLED)}
TOLD: Final[Resource] = {"POST": next(door for door in _ABOUT if door.entry is _TOLD)}


_ONE_ENTITY: Final[Resource | None] = _ROOT.at(["entities", "{entityId}"]).resource
_ONE_ATTR: Final[Resource | None] = _ROOT.at(["entities", "{entityId}", "attrs", "{attrId}"]).resource


def resource_of(segments: list[str]) -> Resource | None:
    """The resource at a path behind ``/ngsi-ld/v1``, or None: method → door."""
    if segments and segments[0] == "entities":  # the two hottest paths by hand
        count = len(segments)
        if count == 2:
            return _ONE_ENTITY
        if count == 4 and segments[2] == "attrs":
            return _ONE_ATTR
    node = _ROOT
    for segment in segments:
        below = node.by_name.get(segment) or node.other
        if below is None:
            return None
        node = below
    return node.resource
