"""Journal rows: their columns, their canonical bytes, their hash chain, and the event that each one is."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import orjson

from andaman.broker.entity.hiding import mark
from andaman.broker.model import Change, Doc, Event, EventKind
from andaman.identity.model import Actor
from andaman.kernel.positions import Position
from andaman.kernel.time import Micros, format_time

GENESIS: Final = bytes(32)
_SPARE: Final = 990  # bytes, up to which orjson's buffer is one of 1 KB
_NONE: Final = b""
_PIECE: Final = 2_000  # bytes; hashlib keeps the interpreter's lock below 2,048
META_MEMBERS: Final = ("type", "scope", "expiresAt")  # what the change of the entity itself (attr "") tells
COLUMNS: Final = "seq, tenant, at, kind, entity_id, shape, actor, origin, reason, request, hash, changes"
Row = tuple[Position, str, int, str, str, int, str, str, str, str, bytes, bytes]
"""One journal row in the order of COLUMNS."""


def changes_size(row: Sequence[Any]) -> int:
    """Bytes of a row's changes: nearly all that it weighs where it weighs much."""
    return len(row[11])


def chain_hash(previous: bytes, row: Sequence[Any], shape_json: str) -> bytes:
    """sha256(previous ‖ JSON list of the row's columns ‖ changes); the shape counts by content, not by number."""
    head = orjson.dumps([*row[:5], shape_json, *row[6:10]])
    return _digest(previous + head, row[11])


def encode_changes(changes: Sequence[Change]) -> bytes:
    return exact(orjson.dumps([(c.attr, c.before, c.after) for c in changes]))


def exact(blob: bytes) -> bytes:
    """The same bytes, for keeping: those that orjson gives hold a buffer that may be five times as long."""
    return blob if len(blob) < _SPARE else _NONE.join((blob, _NONE))


def decode_changes(blob: bytes) -> list[Change]:
    """Changes of a row. A creation is kept as the whole entity, which says the same without being made twice."""
    told = orjson.loads(blob)
    if isinstance(told, dict):
        members = {name: told[name] for name in META_MEMBERS if name in told}
        return [
            Change("", None, [members]),
            *(Change(name, None, after) for name, after in told["attrs"].items()),
        ]
    return [Change(attr, before, after) for attr, before, after in told]


def _digest(head: bytes, blob: bytes) -> bytes:
    """sha256 of both, fed in pieces. Above 2,047 bytes hashlib releases the interpreter; under load the writer would
    then wait for it behind the loop once a row.
    """
    if len(head) + len(blob) < _PIECE:
        return hashlib.sha256(head + blob).digest()
    state = hashlib.sha256(head[:_PIECE])
    for part in (head[_PIECE:], blob):
        for start in range(0, len(part), _PIECE):
            state.update(part[start : start + _PIECE])
    return state.digest()


def make_row(
    previous: bytes,
    seq: int,
    tenant: str,
    at: Micros,
    kind: EventKind,
    entity_id: str,
    shape: tuple[int, str],
    actor: Actor,
    blob: bytes,
) -> Row:
    """The journal row of one event, chained to the row before it. ``shape`` is (number, JSON), ``blob`` changes."""
    who = actor.principal.id
    # Built once and hashed from the same values: the order is COLUMNS without hash and changes.
    head = orjson.dumps(
        [
            seq,
            tenant,
            at,
            kind._value_,
            entity_id,
            shape[1],
            who,
            actor.origin,
            actor.reason,
            actor.request_id,
        ]
    )
    digest = _digest(previous + head, blob)
    return (
        cast("Position", seq),
        tenant,
        at,
        kind._value_,
        entity_id,
        shape[0],
        who,
        actor.origin,
        actor.reason,
        actor.request_id,
        digest,
        blob,
    )


class Texts:
    """Distinct texts, numbered per store, so that rows stay small. Append only; only the writer adds."""

    def __init__(self, db: sqlite3.Connection, table: str, column: str) -> None:
        self.insert = f"INSERT INTO {table} (id, {column})"
        self._texts: dict[int, str] = dict(db.execute(f"SELECT id, {column} FROM {table}"))  # noqa: S608
        self._numbers = {text: number for number, text in self._texts.items()}
        self.fresh: list[tuple[int, str]] = []  # rows that the open transaction must insert

    def number(self, text: str) -> int:
        """The number of this text; a new text joins ``fresh``, to be inserted by this transaction."""
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self._texts) + 1
            self._texts[found] = text
            self.fresh.append((found, text))
        return found

    def text(self, number: int) -> str:
        """KeyError: the store refers to a text that it does not have."""
        return self._texts[number]

    def forget_fresh(self) -> None:
        """Undo the additions of a transaction that was rolled back."""
        for number, text in self.fresh:
            del self._texts[number], self._numbers[text]
        self.fresh.clear()


class Shapes(Texts):
    """Distinct (types, scopes) pairs as JSON texts."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__(db, "shape", "json")
        self._pairs: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._keys: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[int, str]] = {}

    def of(self, types: tuple[str, ...], scopes: tuple[str, ...]) -> tuple[int, str]:
        """The (number, JSON) of this pair."""
        key = (types, scopes)
        found = self._keys.get(key)
        if found is None:
            text = orjson.dumps([types, scopes]).decode()
            found = self._keys[key] = (self.number(text), text)
        return found

    def pair(self, number: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(types, scopes) of a number. KeyError: the store refers to a shape that it does not have."""
        found = self._pairs.get(number)
        if found is None:
            types, scopes = orjson.loads(self.text(number))
            found = self._pairs[number] = (tuple(types), tuple(scopes))
        return found

    def forget_fresh(self) -> None:
        for number, text in self.fresh:
            self._pairs.pop(number, None)
            types, scopes = orjson.loads(text)
            self._keys.pop((tuple(types), tuple(scopes)), None)
        super().forget_fresh()


def event_of(row: Row, shapes: Shapes) -> Event:
    """The event of a row read from disk. ``doc`` is there for creations only (the changes are the whole entity)."""
    types, scopes = shapes.pair(row[5])
    kind, blob = EventKind(row[3]), row[11]
    changes: list[Change] = []
    doc: Doc | None = None
    told = None
    if kind is EventKind.TEMPORAL:
        told = orjson.loads(blob)
    else:
        changes = decode_changes(blob)
        if kind is EventKind.CREATED:
            doc = orjson.loads(blob)
    seq, tenant, at, entity_id, actor, origin, reason, request = row[0], row[1], row[2], row[4], *row[6:10]
    return Event(
        seq, tenant, at, actor, kind, entity_id, types, scopes, changes, doc, origin, reason, told, request
    )


def fold_changes(
    doc: Doc | None, entity_id: str, at: Micros, kind: EventKind, changes: Sequence[Change]
) -> Doc | None:
    """The state after an event, given the state before it: the reference meaning of the journal."""
    if kind is EventKind.TEMPORAL:
        return doc
    if kind is EventKind.DELETED:
        return None
    when = format_time(at)
    if doc is None:
        new: Doc = {"id": entity_id, "type": [], "createdAt": when, "modifiedAt": when, "attrs": {}}
    else:
        new = {**doc, "modifiedAt": when, "attrs": dict(doc["attrs"])}
    for change in changes:
        if change.attr == "":
            for name in META_MEMBERS[1:]:
                new.pop(name, None)
            for members in change.after or ():
                new.update(members)
        elif change.after is None:
            new["attrs"].pop(change.attr, None)
        else:
            new["attrs"][change.attr] = change.after
    if doc is not None:
        mark(doc, new, changes, when)
    return new


def fold(events: Iterator[Event] | Sequence[Event]) -> dict[tuple[str, str], Doc]:
    """State of every (tenant, id) after these events from the journal's beginning."""
    state: dict[tuple[str, str], Doc] = {}
    for event in events:
        key = (event.tenant, event.entity_id)
        doc = fold_changes(state.get(key), event.entity_id, event.at, event.kind, event.changes)
        if doc is None:
            state.pop(key, None)
        else:
            state[key] = doc
    return state
