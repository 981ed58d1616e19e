"""The broker's public face: what every room may import of it. All else in this package is its own, and changes without notice.

The NGSI-LD door is the broker's own binding to HTTP, and maintenance cares for its files: both know more of it.
"""

from __future__ import annotations

from andaman.broker.contexts.bundled import bundled_document, core_document
from andaman.broker.contexts.model import CORE_URL, Context, is_name
from andaman.broker.contexts.process import build_context
from andaman.broker.entity import build
from andaman.broker.entity.build import (
    VALUE_MEMBER,
    default_instance,
    entity,
    geo,
    iri,
    js,
    lang,
    observed,
    plain,
    prop,
    rel,
    short,
    simplify,
    value,
)
from andaman.broker.entity.check import check_json, check_name, check_stored_value, checked_entity
from andaman.broker.entity.expand import attribute_iri
from andaman.broker.entity.hiding import without
from andaman.broker.entity.names import is_uri
from andaman.broker.follower import Follower
from andaman.broker.ledger.journal import Written
from andaman.broker.ledger.rights import shape_before
from andaman.broker.model import (
    DEFAULT_TENANT,
    LOCATION,
    Change,
    Doc,
    Event,
    EventKind,
    Instance,
    OpKind,
    WriteOp,
)
from andaman.broker.query import ast
from andaman.broker.query.ast import TypeExpr, TypeIs, TypeOr
from andaman.broker.query.city import NEWEST_MOST, CityMeans, NewestValues
from andaman.broker.query.evaluate import matches_q, matches_scope
from andaman.broker.query.model import EntityQuery, Page
from andaman.broker.query.parse import parse_geo, parse_q, parse_scope, parse_types
from andaman.broker.query.period import parse_period
from andaman.broker.service import Broker

__all__ = [
    "CORE_URL",
    "DEFAULT_TENANT",
    "LOCATION",
    "NEWEST_MOST",
    "VALUE_MEMBER",
    "Broker",
    "Change",
    "CityMeans",
    "Context",
    "Doc",
    "EntityQuery",
    "Event",
    "EventKind",
    "Follower",
    "Instance",
    "NewestValues",
    "OpKind",
    "Page",
    "TypeExpr",
    "TypeIs",
    "TypeOr",
    "WriteOp",
    "Written",
    "ast",
    "attribute_iri",
    "build",
    "build_context",
    "bundled_document",
    "check_json",
    "check_name",
    "check_stored_value",
    "checked_entity",
    "core_document",
    "default_instance",
    "entity",
    "geo",
    "iri",
    "is_name",
    "is_uri",
    "js",
    "lang",
    "matches_q",
    "matches_scope",
    "observed",
    "parse_geo",
    "parse_period",
    "parse_q",
    "parse_scope",
    "parse_types",
    "plain",
    "prop",
    "rel",
    "shape_before",
    "short",
    "simplify",
    "value",
    "without",
]
