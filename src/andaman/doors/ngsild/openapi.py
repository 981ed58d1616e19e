"""The description of the door as OpenAPI 3.1, served at ``/ngsi-ld/v1/openapi.json`` and used by the tests."""

from __future__ import annotations

import functools
from typing import Any, Final

from andaman import __version__
from andaman.doors.ngsild.openapi_schemas import components

_ENTITY_ID: Final = {
    "name": "entityId",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uri", "minLength": 1},
    "example": "urn:ngsi-ld:Vehicle:1",
}
_PROBLEM: Final = {
    "description": "A problem document (RFC 9457)",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_TEXT: Final = {"type": "string", "minLength": 1}
_GEOMETRY: Final = {
    "type": "string",
    "enum": ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"],
}
_SCHEMAS: Final[dict[str, Any]] = {
    "at": {"type": "string", "format": "date-time", "description": "State as it was known at this time"},
    "limit": {"type": "integer", "minimum": 0, "maximum": 1000},
    "offset": {"type": "integer", "minimum": 0, "maximum": 10_000_000},
    "count": {"type": "boolean"},
    "local": {"type": "boolean"},
    "join": {"type": "string", "enum": ["inline", "flat", "@none"]},
    "joinLevel": {"type": "integer", "minimum": 1, "maximum": 10},
    "details": {"type": "boolean"},
    "deleteAll": {"type": "boolean"},
    "reload": {"type": "boolean"},
    "lastN": {"type": "integer", "minimum": 1},
    "observedAt": {"type": "string", "format": "date-time"},
    "timeAt": {"type": "string", "format": "date-time"},
    "endTimeAt": {"type": "string", "format": "date-time"},
    "timerel": {"type": "string", "enum": ["before", "after", "between"]},
    "timeproperty": {"type": "string", "enum": ["observedAt", "createdAt", "modifiedAt", "deletedAt"]},
    "format": {"type": "string", "enum": ["normalized", "concise", "simplified", "keyValues"]},
    "kind": {"type": "string", "enum": ["Hosted", "Cached", "ImplicitlyCreated"]},
    "geometry": _GEOMETRY,
    "orderGeometry": _GEOMETRY,
    "splitEntities": {"type": "boolean"},
    "entityMap": {"type": "boolean"},
}
_EXAMPLES: Final = {
    "type": "Vehicle",
    "id": "urn:ngsi-ld:Vehicle:1,urn:ngsi-ld:Vehicle:2",
    "idPattern": "^urn:ngsi-ld:Vehicle:",
    "q": 'speed>=20|brandName=="Mercedes"',
    "scopeQ": "/Phuket/#",
    "georel": "near;maxDistance==2000",
    "geometry": "Point",
    "coordinates": "[98.39,7.88]",
    "attrs": "speed,brandName",
    "pick": "id,type,speed",
    "omit": "brandName",
    "lang": "th,en;q=0.5",
    "orderBy": "speed;desc,id",
    "orderFrom": "[98.39,7.88]",
    "timerel": "between",
    "timeAt": "2026-01-01T00:00:00Z",
    "endTimeAt": "2027-01-01T00:00:00Z",
    "aggrMethods": "avg,max",
    "aggrPeriodDuration": "PT1H",
    "entityMapLifetime": "PT10M",
    "csf": 'sourceType=="sensor"',
}
_SHOW: Final = "attrs pick omit options format lang datasetId local jsonKeys"
_FORM: Final = "options format lang local"
_VIEW: Final = f"{_SHOW} join joinLevel containedBy geometryProperty"
_SORT: Final = "orderBy collation orderFrom orderGeometry"
_MATCH: Final = "id type idPattern attrs q georel geometry coordinates geoproperty scopeQ csf expandValues"
_FIND: Final = "id type idPattern q georel geometry coordinates geoproperty scopeQ limit offset count csf expandValues splitEntities"
_MAP: Final = "entityMap entityMapLifetime"
_TIME: Final = "timerel timeAt endTimeAt timeproperty lastN aggrMethods aggrPeriodDuration"


def _parameters(names: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "schema": _SCHEMAS.get(name, _TEXT),
            **({"example": _EXAMPLES[name]} if name in _EXAMPLES else {}),
        }
        for name in names.split()
    ]


def _operation(
    summary: str,
    clause: str,
    parameters: str = "",
    body: str | None = None,
    success: tuple[int, ...] = (204,),
    path: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "description": f"CIM 009 V1.9.1 §{clause}",
        "parameters": [*(path or []), *_parameters(parameters)],
        "responses": {
            **{str(status): {"description": "Success"} for status in success},
            **dict.fromkeys(("400", "401", "403", "404", "409", "422", "503", "504"), _PROBLEM),
            "406": _PROBLEM,
            "411": {"description": "Content-Length is required"},
            "413": _PROBLEM,
            "415": _PROBLEM,
        },
    }
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


@functools.cache
def openapi() -> dict[str, Any]:
    """The complete description."""
    attr = {"name": "attrId", "in": "path", "required": True, "schema": _TEXT, "example": "speed"}
    one, attr_path = [_ENTITY_ID], [_ENTITY_ID, attr]
    map_path = [_name("entityMapId")]
    instance_path = [*attr_path, _name("instanceId")]
    op = _operation
    paths: dict[str, Any] = {
        "/entities": {
            "get": op("Query entities", "5.7.2", f"{_FIND} {_VIEW} {_SORT} {_MAP} at", success=(200,)),
            "post": op("Create an entity", "5.6.1", "local", "Entity", (201,)),
            "delete": op(
                "Purge entities, or some of their attributes",
                "5.6.21",
                f"{_MATCH} local keep drop",
                success=(204, 207),
            ),
        },
        "/entities/{entityId}": {
            "get": op("Retrieve an entity", "5.7.1", f"{_VIEW} type entityMap at", success=(200,), path=one),
            "put": op("Replace an entity", "5.6.18", "type options format local", "Entity", path=one),
            "patch": op("Merge an entity", "5.6.17", f"type observedAt {_FORM}", "Fragment", path=one),
            "delete": op("Delete an entity", "5.6.6", "type local", path=one),
        },
        "/entities/{entityId}/attrs": {
            "post": op("Append attributes", "5.6.3", "type options local", "Fragment", (204, 207), one),
            "patch": op("Update attributes", "5.6.2", "type local", "Fragment", (204, 207), one),
        },
        "/entities/{entityId}/attrs/{attrId}": {
            "patch": op("Update an attribute in part", "5.6.4", "type local", "Attribute", path=attr_path),
            "put": op("Replace an attribute", "5.6.19", "type local", "Attribute", path=attr_path),
            "delete": op("Delete an attribute", "5.6.5", "type datasetId deleteAll local", path=attr_path),
        },
        "/entityOperations/create": {"post": op("Create a batch", "5.6.7", "local", "Entities", (201, 207))},
        "/entityOperations/upsert": {
            "post": op("Create or replace a batch", "5.6.8", "options local", "Entities", (201, 204, 207))
        },
        "/entityOperations/update": {
            "post": op("Update a batch", "5.6.9", "options local", "Entities", (204, 207))
        },
        "/entityOperations/merge": {
            "post": op("Merge a batch", "5.6.20", f"observedAt {_FORM}", "Entities", (204, 207))
        },
        "/entityOperations/delete": {"post": op("Delete a batch", "5.6.10", "local", "Ids", (204, 207))},
        "/entityOperations/query": {
            "post": op("Query entities", "5.7.2", f"limit offset count {_FORM} {_MAP} at", "Query", (200,))
        },
        "/temporal/entities": {
            "get": op(
                "Query histories",
                "5.7.4",
                f"{_FIND} {_SHOW} {_TIME} {_MAP} orderBy collation",
                success=(200, 206),
            ),
            "post": op("Create a history, or add to it", "5.6.11", "local", "Evolution", (201, 204)),
        },
        "/temporal/entities/{entityId}": {
            "get": op(
                "Retrieve a history", "5.7.3", f"{_SHOW} {_TIME} {_MAP} type", success=(200, 206), path=one
            ),
            "delete": op("Delete a history", "5.6.16", "type local", path=one),
        },
        "/temporal/entities/{entityId}/attrs": {
            "post": op("Add instances", "5.6.12", "type local", "EvolutionFragment", path=one)
        },
        "/temporal/entities/{entityId}/attrs/{attrId}": {
            "delete": op(
                "Delete an attribute's history", "5.6.13", "type datasetId deleteAll local", path=attr_path
            )
        },
        "/temporal/entities/{entityId}/attrs/{attrId}/{instanceId}": {
            "patch": op("Change one instance", "5.6.14", "type local", "Fragment", path=instance_path),
            "delete": op("Delete one instance", "5.6.15", "type local", path=instance_path),
        },
        "/temporal/entityOperations/query": {
            "post": op(
                "Query histories",
                "5.7.4",
                f"limit offset count aggrMethods aggrPeriodDuration {_FORM} {_MAP}",
                "Query",
                (200, 206),
            )
        },
        "/types": {"get": op("Types of entities", "5.7.5", "details local count", success=(200,))},
        "/types/{type}": {"get": op("One type", "5.7.7", "local", success=(200,), path=[_name("type")])},
        "/attributes": {"get": op("Attributes", "5.7.8", "details local count", success=(200,))},
        "/attributes/{attribute}": {
            "get": op("One attribute", "5.7.10", "local", success=(200,), path=[_name("attribute")])
        },
        "/jsonldContexts": {
            "get": op("Contexts", "5.13.3", "details kind", success=(200,)),
            "post": op("Host a context", "5.13.2", "", "ContextDocument", (201,)),
        },
        "/jsonldContexts/{contextId}": {
            "get": op("Serve a context", "5.13.4", "details", success=(200,), path=[_name("contextId")]),
            "delete": op("Delete a context", "5.13.5", "reload", path=[_name("contextId")]),
        },
        **_managed("subscriptions", "Subscription", "5.8", "subscriptionId"),
        **_managed("csourceSubscriptions", "Subscription", "5.11", "subscriptionId"),
        **_registrations(),
        "/entityMaps": {
            "get": op(
                "Make an entity map of a query",
                "5.14.4",
                f"{_FIND} {_VIEW} {_SORT} {_MAP} at",
                success=(201,),
            )
        },
        "/temporal/entityMaps": {
            "get": op(
                "Make an entity map of histories",
                "5.14.5",
                f"{_FIND} {_VIEW} {_SORT} {_TIME} {_MAP} at",
                success=(201,),
            )
        },
        "/entityMaps/{entityMapId}": {
            "get": op("Retrieve an entity map", "5.14.1", success=(200,), path=map_path),
            "patch": op("Prolong an entity map", "5.14.2", "", "EntityMapFragment", path=map_path),
            "delete": op("Delete an entity map", "5.14.3", path=map_path),
        },
        **_snapshots(),
        "/info/sourceIdentity": {"get": op("Who this source is", "5.15.1", success=(200,))},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Andaman NGSI-LD", "version": __version__, "description": "ETSI GS CIM 009 V1.9.1"},
        "servers": [{"url": "/ngsi-ld/v1"}],
        "paths": paths,
        "components": {"schemas": components()},
    }


def _snapshots() -> dict[str, Any]:
    op, path = _operation, [_name("snapshotId")]
    return {
        "/snapshots": {
            "get": op("List snapshots", "5.16 (ours)", "q limit offset count local", success=(200,)),
            "post": op("Create a snapshot", "5.16.1", "local", "Snapshot", (201,)),
            "delete": op("Purge snapshots", "5.16.7", "q local"),
        },
        "/snapshots/{snapshotId}": {
            "get": op("Retrieve the status of a snapshot", "5.16.3", "local", success=(200,), path=path),
            "patch": op("Update a snapshot", "5.16.4", "local", "SnapshotFragment", (200,), path),
            "delete": op("Delete a snapshot", "5.16.5", "local", path=path),
        },
        "/snapshots/{snapshotId}/clone": {
            "post": op("Clone a snapshot", "5.16.2", "local", "SnapshotFragment", (201,), path)
        },
    }


def _name(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}


def _managed(resource: str, schema: str, clause: str, name: str) -> dict[str, Any]:
    """Create, list, retrieve, update and delete of subscriptions."""
    path = [_name(name)]
    create, update, retrieve, query, delete = (
        range(1, 6) if clause == "5.8" else range(2, 7)
    )  # §5.11 begins with an introduction
    local, forms = ("local", "local options") if clause == "5.8" else ("", "options")
    return {
        f"/{resource}": {
            "get": _operation(
                "List subscriptions", f"{clause}.{query}", f"limit offset count {forms}", success=(200,)
            ),
            "post": _operation("Subscribe", f"{clause}.{create}", local, schema, (201,)),
        },
        f"/{resource}/{{{name}}}": {
            "get": _operation(
                "Retrieve a subscription", f"{clause}.{retrieve}", forms, success=(200,), path=path
            ),
            "patch": _operation(
                "Update a subscription", f"{clause}.{update}", local, "SubscriptionFragment", path=path
            ),
            "delete": _operation("Unsubscribe", f"{clause}.{delete}", local, path=path),
        },
    }


def _registrations() -> dict[str, Any]:
    path = [_name("registrationId")]
    find = "id type idPattern attrs q georel geometry coordinates geoproperty scopeQ limit offset count csf"
    find += " timerel timeAt endTimeAt timeproperty datasetId geometryProperty lang local options"
    return {
        "/csourceRegistrations": {
            "get": _operation("Discover context sources", "5.10.2", find, success=(200,)),
            "post": _operation("Register a context source", "5.9.2", "", "Registration", (201,)),
        },
        "/csourceRegistrations/{registrationId}": {
            "get": _operation("Retrieve a registration", "5.10.1", "options", success=(200,), path=path),
            "patch": _operation("Update a registration", "5.9.3", "", "RegistrationFragment", path=path),
            "delete": _operation("Delete a registration", "5.9.4", path=path),
        },
    }
