"""The rights of a principal to see and change, applied to docs, events and writes.

An entity that the actor may not see behaves as if it were not there: reads and changes answer ResourceNotFound.
Only creating over its id cannot pretend so; it answers Forbidden, with the same words that a policy refusal has,
whether or not the id is taken. See docs/decisions/0004-rights-in-the-writer.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from andaman.broker.entity.hiding import MARKS, mark, modified_without, without
from andaman.broker.ledger.rows import META_MEMBERS
from andaman.broker.model import Change, Doc, Event, EventKind, OpKind, WriteOp
from andaman.identity.model import Access, FullAccess
from andaman.kernel.errors import Forbidden, NoSuchEntity

_CREATING: Final = frozenset({OpKind.CREATE, OpKind.UPSERT_REPLACE, OpKind.UPSERT_UPDATE})
REPLACING: Final = frozenset({OpKind.REPLACE, OpKind.UPSERT_REPLACE})
_MEMO_LIMIT: Final = 20_000


def visible(doc: Doc, access: Access) -> Doc | None:
    """The doc without hidden attributes, or None when the entity is to look absent. Never changes ``doc``."""
    if type(access) is FullAccess:
        return doc
    types, scopes = doc["type"], doc.get("scope", ())
    if not access.sees(types, scopes):
        return None
    return without(doc, access.hidden_attrs(types, scopes))


def see_event(event: Event, access: Access) -> Event | None:
    """The event as this principal may know it, or None.

    When a change of type or scope takes the entity out of sight it looks like a deletion, and when it brings
    the entity into sight like a creation, so that *state + events = fresh state* holds for every principal.
    """
    if type(access) is FullAccess:
        return event
    sees_after = access.sees(event.types, event.scopes)
    moved = event.kind is EventKind.UPDATED and event.moved
    if moved:
        types, scopes = shape_before(event)
        sees_before = access.sees(types, scopes)
        if sees_before and not sees_after:
            hidden = access.hidden_attrs(types, scopes)
            gone = [Change(c.attr, c.before, None) for c in event.changes if c.attr not in hidden and c.attr]
            return replace(event, kind=EventKind.DELETED, types=types, scopes=scopes, changes=gone, doc=None)
        if sees_after and not sees_before:
            doc = visible(event.doc, access) if event.doc is not None else None
            hidden = access.hidden_attrs(event.types, event.scopes)
            if doc is not None:
                shown = [Change(name, None, instances) for name, instances in doc["attrs"].items()]
            else:
                shown = [Change(c.attr, None, c.after) for c in event.changes if c.attr not in hidden]
            return replace(event, kind=EventKind.CREATED, changes=shown, doc=doc)
    if not sees_after:
        return None
    hidden = access.hidden_attrs(event.types, event.scopes)
    if not hidden:
        return event
    changes = [change for change in event.changes if change.attr not in hidden]
    if not changes and event.kind is EventKind.UPDATED:
        return None
    if event.kind is EventKind.DELETED:
        return replace(event, changes=_as_last_seen(event, changes, hidden), doc=None)
    doc = visible(event.doc, access) if event.doc is not None else None
    return replace(event, changes=changes, doc=doc)


def _as_last_seen(event: Event, changes: list[Change], hidden: frozenset[str]) -> list[Change]:
    """The changes of a deletion, with the entity's last ``modifiedAt`` as this principal knew it."""
    last: Doc = {"attrs": {change.attr: change.before or [] for change in changes if change.attr}}
    for change in event.changes:
        if not change.attr:
            for members in change.before or ():
                last.update(members)
    if "modifiedAt" not in last:
        return changes
    members = {name: value for name, value in last.items() if name not in ("attrs", MARKS)}
    members["modifiedAt"] = modified_without(last, hidden)
    return [Change("", [members], None) if not change.attr else change for change in changes]


def shape_before(event: Event) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(types, scopes) before an event; those after it where it changed neither."""
    # A creation has nothing before it, and reading its changes means to parse the whole entity.
    for change in event.changes if event.moved and event.kind is not EventKind.CREATED else ():
        if change.attr == "" and change.before:
            members: Doc = {}
            for member in change.before:
                members.update(member)
            return tuple(members.get("type") or ()), tuple(members.get("scope") or ())
    return event.types, event.scopes


class WriteGate:
    """The writer's check of rights, with a memo: the answer depends on the arguments and ``access.key`` only."""

    def __init__(self) -> None:
        self._memo: dict[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]], bool] = {}

    def before(self, op: WriteOp, doc: Doc | None, access: Access) -> Doc | None:
        """Check what can be known before merging; the state that this actor may know of, to merge with.

        Refusals here do not depend on anything that the actor may not see.
        """
        asked = [*op.fragment.get("attrs", ())]
        if op.attr:
            asked.append(op.attr)
        if doc is not None:
            types, scopes = doc["type"], doc.get("scope", ())
            if access.sees(types, scopes):
                if not self.may(access, types, scopes, asked):
                    raise Forbidden(f"You may not change {_names(asked)} of entity {op.entity_id}")
                return doc
        if op.kind in _CREATING:
            types, scopes = op.fragment.get("type", ()), op.fragment.get("scope", ())
            if doc is not None or not self.may(access, types, scopes, asked):
                raise Forbidden(f"You may not create entity {op.entity_id} here")
            return None
        if doc is not None:
            raise NoSuchEntity(f"There is no entity {op.entity_id}")
        return None

    def after(
        self,
        op: WriteOp,
        before: tuple[Sequence[str], Sequence[str]] | None,
        after: Doc | None,
        changes: Sequence[Change],
        access: Access,
    ) -> None:
        """Check the merged result: every attribute that really changed, on (types, scopes) of both sides."""
        touched = [change.attr for change in changes if change.attr]
        verb = "create" if before is None else "delete" if after is None else "change"
        now = (after["type"], after.get("scope", ())) if after is not None else None
        refused = False
        for side in (before, now):
            if side is not None and not self.may(access, side[0], side[1], touched):
                refused = True
        if before is not None and before != now:
            # Whether something hidden is there must not show, so what could be there decides: it must not go unseen with
            # a deletion, nor come into the open by other types or scopes.
            secret = access.hidden_attrs(*before)
            if secret and (now is None or not secret <= access.hidden_attrs(*now)):
                refused = True
        if refused:
            raise Forbidden(f"You may not {verb} entity {op.entity_id} in this way")

    def keep(
        self, op: WriteOp, before: Doc, after: Doc, changes: list[Change], access: Access, at: str
    ) -> tuple[Doc, list[Change]]:
        """A replacement is one of what the actor sees: attributes hidden from them stay as they were."""
        hidden = access.hidden_attrs(before["type"], before.get("scope", ()))
        kept = {name: value for name, value in before["attrs"].items() if name in hidden}
        if not kept:
            return after, changes
        made = {**after, "attrs": {**after["attrs"], **kept}}
        left = [change for change in changes if change.attr not in kept]
        if not left:  # to replace nothing by nothing is a change of the entity itself
            members: list[Doc] = [{name: before[name] for name in META_MEMBERS if name in before}]
            left = [Change("", members, members)]
        mark(before, made, left, at)
        return made, left

    def may(self, access: Access, types: Sequence[str], scopes: Sequence[str], attrs: Sequence[str]) -> bool:
        key = (access.key, tuple(types), tuple(scopes), tuple(attrs))
        known = self._memo.get(key)
        if known is None:
            if len(self._memo) >= _MEMO_LIMIT:
                self._memo.clear()
            known = self._memo[key] = access.may_write(types, scopes, attrs)
        return known


def _names(attrs: Sequence[str]) -> str:
    return ", ".join(attrs[:5]) or "anything"
