"""The forms of bodies: the schemas of the OpenAPI description."""

from __future__ import annotations

from typing import Any, Final

_URI: Final = {"type": "string", "format": "uri"}
_TIME: Final = {"type": "string", "format": "date-time"}
_TEXTS: Final = {"type": "array", "items": {"type": "string"}, "minItems": 1}


def components() -> dict[str, Any]:
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
        **_subscriptions(),
        **_evolutions(reference),
        **_snapshots(),
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail", "code"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "code": {"type": "string"},
                "params": {"type": "object"},
            },
        },
    }


def _subscriptions() -> dict[str, Any]:
    """Subscriptions (§5.2.12), registrations (§5.2.9) and what they are made of."""
    selectors = {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {"id": _URI, "idPattern": {"type": "string"}, "type": {"type": "string"}},
        },
    }
    geo = {
        "type": "object",
        "required": ["georel", "geometry", "coordinates"],
        "properties": {
            "georel": {"type": "string", "examples": ["near;maxDistance==2000", "within"]},
            "geometry": {"type": "string"},
            "coordinates": {"type": "array"},
            "geoproperty": {"type": "string"},
        },
    }
    notification = {
        "type": "object",
        "required": ["endpoint"],
        "properties": {
            "attributes": _TEXTS,
            "pick": _TEXTS,
            "omit": _TEXTS,
            "format": {"enum": ["normalized", "concise", "simplified", "keyValues"]},
            "sysAttrs": {"type": "boolean"},
            "showChanges": {"type": "boolean"},
            "join": {"enum": ["inline", "flat", "@none"]},
            "joinLevel": {"type": "integer", "minimum": 1},
            "endpoint": {
                "type": "object",
                "required": ["uri"],
                "properties": {
                    "uri": {"type": "string", "format": "uri", "examples": ["http://127.0.0.1:9/notify"]},
                    "accept": {"enum": ["application/json", "application/ld+json", "application/geo+json"]},
                    "timeout": {"type": "integer", "minimum": 1},
                    "cooldown": {"type": "integer", "minimum": 1},
                    "receiverInfo": {"type": "array", "items": {"type": "object"}},
                    "notifierInfo": {"type": "array", "items": {"type": "object"}},
                },
            },
        },
    }
    subscription = {
        "id": _URI,
        "type": {"const": "Subscription"},
        "subscriptionName": {"type": "string"},
        "description": {"type": "string"},
        "entities": selectors,
        "watchedAttributes": _TEXTS,
        "notificationTrigger": _TEXTS,
        "timeInterval": {"type": "number", "exclusiveMinimum": 0},
        "q": {"type": "string"},
        "geoQ": geo,
        "csf": {"type": "string"},
        "scopeQ": {"type": "string"},
        "isActive": {"type": "boolean"},
        "expiresAt": _TIME,
        "throttling": {"type": "number", "exclusiveMinimum": 0},
        "lang": {"type": "string"},
        "temporalQ": {"type": "object"},
        "notification": notification,
    }
    registration = {
        "id": _URI,
        "type": {"const": "ContextSourceRegistration"},
        "registrationName": {"type": "string"},
        "information": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"entities": selectors, "propertyNames": _TEXTS, "relationshipNames": _TEXTS},
            },
        },
        "tenant": {"type": "string"},
        "expiresAt": _TIME,
        "endpoint": {"type": "string", "format": "uri", "examples": ["http://127.0.0.1:9"]},
        "mode": {"enum": ["inclusive", "exclusive", "redirect", "auxiliary"]},
        "operations": _TEXTS,
        "scope": {"type": ["string", "array"], "items": {"type": "string"}},
        "location": {"type": "object"},
        "management": {"type": "object"},
    }
    return {
        "Subscription": {
            "type": "object",
            "required": ["type", "notification"],
            "properties": subscription,
        },
        "SubscriptionFragment": {"type": "object", "properties": subscription, "minProperties": 1},
        "Registration": {
            "type": "object",
            "required": ["type", "information", "endpoint"],
            "properties": registration,
        },
        "RegistrationFragment": {"type": "object", "properties": registration, "minProperties": 1},
    }


def _snapshots() -> dict[str, Any]:
    """Snapshots (§5.2.41)."""
    queries = {"type": "array", "items": {"$ref": "#/components/schemas/Query"}, "minItems": 1}
    changeable: dict[str, Any] = {
        "type": {"const": "Snapshot"},
        "snapshotLifetime": {"type": "string", "examples": ["PT1H"]},
        "snapshotPriority": {"type": "integer", "minimum": 1, "maximum": 10},
        "endpoint": {"type": "string", "format": "uri", "examples": ["http://127.0.0.1:9"]},
        "receiverInfo": {"type": "array", "items": {"type": "object"}},
    }
    given = {"id": _URI, "snapshotQueries": queries, "snapshotTemporalQueries": queries}
    return {
        "Snapshot": {"type": "object", "required": ["type"], "properties": {**given, **changeable}},
        "SnapshotFragment": {"type": "object", "properties": changeable, "minProperties": 1},
    }


def _evolutions(attribute: dict[str, Any]) -> dict[str, Any]:
    """The Temporal Evolution of an entity (§5.2.20): every attribute a list of its instances."""
    instances = {"type": "array", "items": attribute, "minItems": 1}
    return {
        "Evolution": {
            "type": "object",
            "required": ["id", "type"],
            "properties": {
                "id": _URI,
                "type": {"type": ["string", "array"], "items": {"type": "string"}},
                "scope": {"type": ["string", "array"], "items": {"type": "string"}},
            },
            "additionalProperties": instances,
        },
        "EntityMapFragment": {"type": "object", "properties": {"expiresAt": _TIME}, "minProperties": 1},
        "EvolutionFragment": {"type": "object", "additionalProperties": instances},
    }
