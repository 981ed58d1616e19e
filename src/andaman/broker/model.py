"""The broker's plain data: stored entity form, write operations, results and events.

Stored form of an entity ("doc"), JSON-serialisable, all names expanded to IRIs, members of NGSI-LD kept short::

    {"id": "urn:ngsi-ld:Vehicle:12", "type": ["https://…/Vehicle"], "scope": ["/mobility/bus"],
     "createdAt": "2026-11-22T07:32:00.000000Z", "modifiedAt": "…",
     "attrs": {"https://smartdatamodels.org/speed": [
         {"type": "Property", "value": 31.5, "unitCode": "KMH", "observedAt": "2026-11-22T07:31:58Z",
          "createdAt": "…", "modifiedAt": "…",
          "attrs": {"https://…/accuracy": [{"type": "Property", "value": 0.9, …}]}}]}}

* ``scope`` is absent when there is none; ``type`` and ``scope`` are sorted lists without doubles.
* ``touched`` (entity/hiding.py) is there after removals and changes of type, scope or expiry: what changed later than
  its instances say. Nobody outside is shown it.
* Each attribute maps to a non-empty list of instances; at most one has no ``datasetId`` (the default instance).
* An instance has ``type`` and its kind's value member: ``value`` (Property, GeoProperty), ``object``
  (Relationship, with optional ``objectType``), ``languageMap``, ``json``, ``vocab`` (expanded IRI or list of them),
  ``valueList``, ``objectList``; optional ``observedAt``, ``unitCode``, ``datasetId``, ``expiresAt``; sub-attributes
  under ``attrs`` in the same form; system times ``createdAt`` and ``modifiedAt``.
* The three geo members are attributes too: IRIs ``LOCATION``, ``OBSERVATION_SPACE``, ``OPERATION_SPACE``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from andaman.kernel.errors import AndamanError
from andaman.kernel.positions import Position
from andaman.kernel.time import Micros

Doc = dict[str, Any]
"""An entity in stored form, see the module's text."""
Instance = dict[str, Any]
"""One attribute instance in stored form."""

NGSILD: Final = "https://uri.etsi.org/ngsi-ld/"
DEFAULT_VOCAB: Final = "https://uri.etsi.org/ngsi-ld/default-context/"
LOCATION: Final = NGSILD + "location"
OBSERVATION_SPACE: Final = NGSILD + "observationSpace"
OPERATION_SPACE: Final = NGSILD + "operationSpace"
DEFAULT_TENANT: Final = ""


class OpKind(StrEnum):
    """Operations of CIM 009 §5.6 as the ledger knows them."""

    CREATE = "create"  # 5.6.1; AlreadyExists if present
    REPLACE = "replace"  # 5.6.18 PUT entity; ResourceNotFound if absent
    UPSERT_REPLACE = "upsert-replace"  # 5.6.8, default mode
    UPSERT_UPDATE = "upsert-update"  # 5.6.8, options=update: absent → create, present → append with overwrite
    APPEND = "append"  # 5.6.3 POST attrs; overwrite unless no_overwrite
    UPDATE = "update"  # 5.6.2 PATCH attrs: replaces attributes, adds those that are missing
    MERGE = "merge"  # 5.6.17 PATCH entity, also batch merge
    PARTIAL_ATTR = "partial-attr"  # 5.6.4 PATCH attrs/{attr}
    REPLACE_ATTR = "replace-attr"  # 5.6.19 PUT attrs/{attr}
    DELETE_ATTR = "delete-attr"  # 5.6.5
    DELETE = "delete"  # 5.6.6
    EXPIRE = "expire"  # 4.22; removes what has expired, nothing otherwise
    TEMPORAL_UPSERT = "temporal-upsert"  # 5.6.11 POST temporal/entities: the evolution is made, or added to
    TEMPORAL_ADD = "temporal-add"  # 5.6.12
    TEMPORAL_REPLACE = "temporal-replace"  # 5.6.14: one instance, named by ``instance``
    TEMPORAL_END = "temporal-end"  # 5.6.5 where only the evolution is known: the deletion becomes part of it
    TEMPORAL_ERASE = "temporal-erase"  # 5.6.13, 5.6.15, 5.6.16: instance, attribute or all of the evolution


TEMPORAL_OPS: Final = frozenset(
    {OpKind.TEMPORAL_UPSERT, OpKind.TEMPORAL_ADD, OpKind.TEMPORAL_REPLACE}
    | {OpKind.TEMPORAL_END, OpKind.TEMPORAL_ERASE}
)
"""Operations on the Temporal Evolution of an entity: they are journal events, but never change current state."""


@dataclass(slots=True)
class WriteOp:
    """One operation on one entity. ``fragment`` is a doc (or a part of one) already expanded and validated:
    ``{"type": […]?, "scope": […]?, "attrs": {…}}``; in MERGE an attribute or member may be ``None`` (urn:ngsi-ld:null).
    """

    kind: OpKind
    entity_id: str
    fragment: Doc = field(default_factory=dict)
    attr: str = ""  # expanded IRI, for the three *_ATTR kinds
    dataset_id: str | None = None  # None: the default instance
    delete_all: bool = False  # DELETE_ATTR: every instance
    no_overwrite: bool = False  # APPEND
    observed_at: str | None = None  # MERGE with ?observedAt
    lang: str | None = None  # MERGE with ?lang
    expect_types: tuple[str, ...] = ()  # ?type selector of §6.5.3.1: absent → ResourceNotFound
    instance: tuple[int, int] | None = (
        None  # TEMPORAL_*: (journal position, place) of one instance of ``attr``
    )


@dataclass(slots=True)
class WriteResult:
    """The result of one operation. ``error`` set means: nothing of this operation was written."""

    op: OpKind
    entity_id: str
    created: bool = False
    changed: bool = False  # False when the operation left the entity as it was
    updated: list[str] = field(default_factory=list)  # expanded attribute IRIs
    not_updated: list[tuple[str, str]] = field(default_factory=list)  # (IRI, reason)
    seq: int = 0  # journal position of the event; 0 when nothing changed
    error: AndamanError | None = None


@dataclass(slots=True)
class Change:
    """Before and after of one attribute; ``None`` means absent. ``attr`` "" stands for type and scope."""

    attr: str
    before: list[Instance] | None
    after: list[Instance] | None


class EventKind(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    TEMPORAL = (
        "temporal"  # a write to the Temporal Evolution; current state stands, ``told`` says what was written
    )


@dataclass(slots=True)
class Event:
    """One row of the journal: an entity's change, already durable."""

    seq: Position  # position in this store's journal, rising, without gaps
    tenant: str
    at: Micros  # when we learned it (commit time); never falls within a store
    actor: str  # principal id
    kind: EventKind
    entity_id: str
    types: tuple[str, ...]
    scopes: tuple[str, ...]
    changes: list[Change]
    doc: Doc | None  # whole entity after the event; None when deleted. Read only.
    origin: str = ""  # where the change came from: remote address, "feed:smartbus", "cli"
    reason: str = ""  # why, where it was said
    told: dict[str, Any] | None = None  # TEMPORAL: see broker/ledger/evolution.py
    request: str = ""  # id of the request that it came by, where that is known

    @property
    def body(self) -> bytes | None:
        """The entity after the event as it is stored, where that is at hand."""
        return None

    @property
    def moved(self) -> bool:
        """The entity itself (type, scope, expiry) changed, came or went, not only attributes of it."""
        return self.change_of("") is not None

    def change_of(self, attr: str) -> Change | None:
        """The change of this attribute ("": of the entity itself), if there is one. By hand: a generator costs as much as all
        else where it is asked of thousands of events."""
        for change in self.changes:
            if change.attr == attr:
                return change
        return None
