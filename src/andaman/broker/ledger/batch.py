"""One transaction of the writer: its requests, its writes, and the work of the loop with it afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from andaman.broker.ledger.cache import Key, Stored
from andaman.broker.ledger.rows import Row
from andaman.broker.model import Doc, Event, Instance, WriteOp, WriteResult
from andaman.identity.model import Actor
from andaman.kernel.time import Micros

CREATED: Final[Doc] = {}
"""Stands for a new entity in ``Batch.docs``: its row says all, and the parsed one is let go while it is warm."""
UNKNOWN: Final[Doc] = {}
"""Stands for the entity before the batch in ``Batch.docs``, if only ``Batch.patches`` has seen it so far."""


@dataclass(slots=True, eq=False)
class Request:
    """One call of ``Broker.write``, waiting for the writer."""

    ops: list[WriteOp]
    actor: Actor
    tenant: str
    atomic: bool
    size: int  # estimated bytes, for the bound of the queue
    future: asyncio.Future[list[WriteResult]]
    results: list[WriteResult] = field(default_factory=list)
    """Of its first operations, where a commit was full before it came to an end."""
    durable: int = 0  # how many of them are committed


@dataclass(slots=True, eq=False)
class Batch:
    """The writes of one transaction, and the work of the loop's thread with them once they are durable."""

    at: Micros
    seq: int  # before: the last position of the journal; grows with each event
    head: bytes  # hash of the journal's last row
    next_ord: int
    answers: list[tuple[Request, list[WriteResult]]] = field(default_factory=list)
    journal: list[Row] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    state: dict[Key, tuple[Stored, int] | None] = field(default_factory=dict)  # row and seq; None: deleted
    docs: dict[Key, tuple[Doc | None, Doc | None]] = field(
        default_factory=dict
    )  # before and after the batch (or CREATED)
    patches: dict[Key, dict[str, list[Instance] | None]] = field(default_factory=dict)
    """Attributes of entities that are not in ``docs``, as the batch left them (None: gone)."""
    gone: list[int] = field(default_factory=list)  # creation orders of rows to delete
    former: list[tuple[str, str, int, Micros, int]] = field(
        default_factory=list
    )  # shapes that ended: table rows
    reborn: set[Key] = field(default_factory=set)  # deleted and created again within the batch: last in order
    tenants: set[str] = field(default_factory=set)
    evolution: dict[Key, tuple[int, int]] = field(default_factory=dict)  # (position, shape): table rows
    size: int = 0
    """Bytes that it holds in memory, about: journal rows, bodies, and objects parsed for the index."""
    applied: bool = False  # set by the loop's thread when cache and indexes have it
