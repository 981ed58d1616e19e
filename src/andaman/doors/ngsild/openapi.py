"""The description of the door as OpenAPI 3.1, served at ``/ngsi-ld/v1/openapi.json`` and used by the tests."""

from __future__ import annotations

import functools
from typing import Any, Final

from andaman import __version__

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
    "geometry": {
        "type": "string",
        "enum": ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"],
    },
}
_SHOW: Final = "attrs pick omit options format lang datasetId local"
_VIEW: Final = f"{_SHOW} join joinLevel containedBy"
_SORT: Final = "orderBy collation orderFrom"
_FIND: Final = "id type idPattern q georel geometry coordinates geoproperty scopeQ limit offset count"
_TIME: Final = "timerel timeAt endTimeAt timeproperty lastN aggrMethods aggrPeriodDuration"


def _parameters(names: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": False, "schema": _SCHEMAS.get(name, _TEXT)}
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
    """The whole description."""
    attr = {"name": "attrId", "in": "path", "required": True, "schema": _TEXT, "example": "speed"}
    one, attr_path = [_ENTITY_ID], [_ENTITY_ID, attr]
    op = _operation
    paths: dict[str, Any] = {
        "/entities": {
            "get": op("Query entities", "5.7.2", f"{_FIND} {_VIEW} {_SORT} at", success=(200,)),
            "post": op("Create an entity", "5.6.1", "local", "Entity", (201,)),
        },
        "/entities/{entityId}": {
            "get": op("Retrieve an entity", "5.7.1", f"{_VIEW} type at", success=(200,), path=one),
            "put": op("Replace an entity", "5.6.18", "type", "Entity", path=one),
            "patch": op("Merge an entity", "5.6.17", "type observedAt lang", "Fragment", path=one),
            "delete": op("Delete an entity", "5.6.6", "type", path=one),
        },
        "/entities/{entityId}/attrs": {
            "post": op("Append attributes", "5.6.3", "type options", "Fragment", (204, 207), one),
            "patch": op("Update attributes", "5.6.2", "type", "Fragment", (204, 207), one),
        },
        "/entities/{entityId}/attrs/{attrId}": {
            "patch": op("Update an attribute in part", "5.6.4", "type", "Attribute", path=attr_path),
            "put": op("Replace an attribute", "5.6.19", "type", "Attribute", path=attr_path),
            "delete": op("Delete an attribute", "5.6.5", "type datasetId deleteAll", path=attr_path),
        },
        "/entityOperations/create": {"post": op("Create a batch", "5.6.7", "", "Entities", (201, 207))},
        "/entityOperations/upsert": {
            "post": op("Create or replace a batch", "5.6.8", "options", "Entities", (201, 204, 207))
        },
        "/entityOperations/update": {
            "post": op("Update a batch", "5.6.9", "options", "Entities", (204, 207))
        },
        "/entityOperations/merge": {"post": op("Merge a batch", "5.6.20", "", "Entities", (204, 207))},
        "/entityOperations/delete": {"post": op("Delete a batch", "5.6.10", "", "Ids", (204, 207))},
        "/entityOperations/query": {
            "post": op("Query entities", "5.7.2", "limit offset count at", "Query", (200,))
        },
        "/temporal/entities": {
            "get": op("Query histories", "5.7.4", f"{_FIND} {_SHOW} {_TIME}", success=(200, 206))
        },
        "/temporal/entities/{entityId}": {
            "get": op("Retrieve a history", "5.7.3", f"{_SHOW} {_TIME}", success=(200, 206), path=one)
        },
        "/temporal/entityOperations/query": {
            "post": op("Query histories", "5.7.4", "limit offset count", "Query", (200, 206))
        },
        "/types": {"get": op("Types of entities", "5.7.5", "details local", success=(200,))},
        "/types/{type}": {"get": op("One type", "5.7.7", "local", success=(200,), path=[_name("type")])},
        "/attributes": {"get": op("Attributes", "5.7.8", "details local", success=(200,))},
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
        "/info/sourceIdentity": {"get": op("Who this source is", "5.15.1", success=(200,))},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Andaman NGSI-LD", "version": __version__, "description": "ETSI GS CIM 009 V1.9.1"},
        "servers": [{"url": "/ngsi-ld/v1"}],
        "paths": paths,
        "components": {"schemas": _components()},
    }


def _name(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}


def _components() -> dict[str, Any]:
    attribute: dict[str, Any] = {
        "anyOf": [
            {"type": ["string", "number", "boolean"]},
            {
                "type": "object",
                "properties": {
                    "type": {
                        "enum": [
                            "Property",
                            "GeoProperty",
                            "Relationship",
                            "LanguageProperty",
                            "JsonProperty",
                            "VocabProperty",
                            "ListProperty",
                            "ListRelationship",
                        ]
                    },
                    "observedAt": {"type": "string", "format": "date-time"},
                    "unitCode": {"type": "string"},
                    "datasetId": {"type": "string", "format": "uri"},
                },
            },
            {"type": "array"},
        ]
    }
    reference = {"$ref": "#/components/schemas/Attribute"}
    entity = {
        "type": "object",
        "required": ["id", "type"],
        "properties": {
            "id": {"type": "string", "format": "uri"},
            "type": {"type": ["string", "array"], "items": {"type": "string"}},
            "scope": {"type": ["string", "array"], "items": {"type": "string"}},
        },
        "additionalProperties": reference,
    }
    return {
        "Attribute": attribute,
        "Entity": entity,
        "Fragment": {"type": "object", "additionalProperties": reference},
        "Entities": {"type": "array", "items": {"$ref": "#/components/schemas/Entity"}, "minItems": 1},
        "Ids": {"type": "array", "items": {"type": "string", "format": "uri"}, "minItems": 1},
        "Query": {
            "type": "object",
            "required": ["type"],
            "properties": {
                "type": {"const": "Query"},
                "entities": {"type": "array", "items": {"type": "object"}},
                "attrs": {"type": "array", "items": {"type": "string"}},
                "q": {"type": "string"},
                "scopeQ": {"type": "string"},
                "geoQ": {"type": "object"},
                "temporalQ": {"type": "object"},
            },
            "additionalProperties": False,
        },
        "ContextDocument": {"type": "object", "required": ["@context"]},
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
            },
        },
    }
