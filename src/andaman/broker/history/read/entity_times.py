"""When entities were made, last changed and deleted, for ``sysAttrs`` (CIM 009 §4.8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from andaman.broker.history.read.reader import ENDS, VALUES, Reader
from andaman.broker.history.rows.rows import BORN, DELETED, META, TOUCHED, iso
from andaman.broker.model import Doc
from andaman.broker.query.model import TemporalQuery


class Entity(Protocol):
    """An entity of a page, and the reader that found it."""

    name: str
    members: Doc
    reader: Reader
    who: int


def entity_times(
    page: Sequence[Entity], hidden_of: Callable[[Doc], frozenset[str]]
) -> dict[str, dict[str, str]]:
    """Entity id → createdAt, modifiedAt and, where it is gone, deletedAt.

    ``hidden_of``: attributes of an entity with these types and scopes that count as never written.
    """
    found: dict[str, dict[str, str]] = {}
    hidden = {(one.reader, one.who): hidden_of(one.members) for one in page}
    for reader in dict.fromkeys(one.reader for one in page):
        own = reader.read(
            TemporalQuery(timeproperty="modifiedAt"), [META, BORN, TOUCHED], ops=(*VALUES, *ENDS)
        )
        values = reader.read(TemporalQuery(timeproperty="modifiedAt"), None, ops=(*VALUES, *ENDS), last=1)
        created: dict[int, int] = {}
        modified: dict[int, int] = {}
        deleted: dict[int, int] = {}
        for who, attr, start, end in own.groups():
            at = own.time[start:end]
            name = reader.text(attr)
            secret = hidden.get((reader, who))
            if name == TOUCHED and secret:
                # It does not say which attribute: what was added is told by rows of its own, corrections by theirs.
                seen = {edit.seq for edit in reader.edits.get(who, ()) if edit.told.get("attr") not in secret}
                at = at[[int(seq) in seen for seq in own.seq[start:end].tolist()]]
                if not len(at):
                    continue
            modified[who] = max(modified.get(who, 0), int(at[-1]))
            if name == BORN:
                created[who] = int(at[-1])
            elif name == META:
                created.setdefault(who, int(at[0]))
                if int(own.op[end - 1]) == DELETED:
                    deleted[who] = int(at[-1])
        for who, attr, _, end in values.groups():
            if reader.text(attr) in hidden.get((reader, who), ()):
                continue
            modified[who] = max(modified.get(who, 0), int(values.time[end - 1]))
        for one in page:
            if one.reader is reader:
                times = {"createdAt": created.get(one.who), "modifiedAt": modified.get(one.who)}
                times["deletedAt"] = deleted.get(one.who)
                found[one.name] = {name: iso(at) for name, at in times.items() if at is not None}
    return found
