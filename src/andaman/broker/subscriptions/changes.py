"""The changes of an event, attribute by attribute, and whether they concern a condition (CIM 009 §5.8.6). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from andaman.broker.ledger.rows import META_MEMBERS
from andaman.broker.model import Change, Doc, Event, EventKind, Instance
from andaman.broker.query.evaluate import Follow, matches_geo, matches_q, matches_scope, matches_types
from andaman.broker.query.regex import found_in
from andaman.broker.subscriptions.model import Condition, Selector, Trigger
from andaman.kernel.time import format_time

_SYSTEM: Final = frozenset({"createdAt", "modifiedAt", "attrs"})
_NONE: Final[list[Instance]] = []


def same_value(one: Instance, other: Instance) -> bool:
    """Equal but for the system's times, sub-attributes included: then the attribute did not change."""
    if one is other:
        return True
    if (one.keys() ^ other.keys()) - _SYSTEM:
        return False
    if any(name not in _SYSTEM and value != other[name] for name, value in one.items()):
        return False
    subs, other_subs = one.get("attrs") or {}, other.get("attrs") or {}
    if subs.keys() != other_subs.keys():
        return False
    return all(
        len(subs[name]) == len(other_subs[name]) and all(map(same_value, subs[name], other_subs[name]))
        for name in subs
    )


def kinds_of(change: Change) -> Trigger:
    """Which kinds of change happened to one attribute; each instance (datasetId) counts by itself."""
    before, after = change.before, change.after
    if not before:
        return Trigger.ATTRIBUTE_CREATED if after else Trigger(0)
    if not after:
        return Trigger.ATTRIBUTE_DELETED
    if len(before) == 1 and len(after) == 1 and before[0].get("datasetId") == after[0].get("datasetId"):
        return Trigger(0) if same_value(before[0], after[0]) else Trigger.ATTRIBUTE_UPDATED
    found = Trigger(0)
    old = {one.get("datasetId"): one for one in before}
    for one in after:
        was = old.pop(one.get("datasetId"), None)
        if was is None:
            found |= Trigger.ATTRIBUTE_CREATED
        elif not same_value(was, one):
            found |= Trigger.ATTRIBUTE_UPDATED
    return found | Trigger.ATTRIBUTE_DELETED if old else found


def doc_before_deletion(event: Event) -> Doc:
    """The entity as it was before the event that deleted it."""
    doc: Doc = {"id": event.entity_id, "type": list(event.types), "attrs": {}}
    if event.scopes:
        doc["scope"] = list(event.scopes)
    for change in event.changes:
        if change.attr:
            doc["attrs"][change.attr] = change.before or _NONE
        else:
            for members in change.before or ():
                doc.update(members)
    return doc


class Fact:
    """One event as one set of rights sees it, with what matching and composing need, each worked out once.

    ``doc``: the entity after the event; of a deletion, before it.
    """

    __slots__ = ("_kinds", "doc", "event", "shown")

    def __init__(self, event: Event, doc: Doc) -> None:
        self.event = event
        self.doc = doc
        self.shown: dict[object, bytes] = {}  # representations made so far, by form and context
        self._kinds: dict[str, Trigger] | None = None

    @property
    def kinds(self) -> dict[str, Trigger]:
        """Attribute → kinds of change; attributes that did not change in value are left out."""
        if self._kinds is None:
            self._kinds = {
                change.attr: kind
                for change in self.event.changes
                if change.attr and (kind := kinds_of(change))
            }
        return self._kinds


def is_triggered(condition: Condition, fact: Fact) -> bool:
    """Did a watched kind of change happen to a watched attribute?"""
    triggers, watched, kind = condition.triggers, condition.watched, fact.event.kind
    whole = (
        Trigger.ENTITY_CREATED
        if kind is EventKind.CREATED
        else Trigger.ENTITY_DELETED
        if kind is EventKind.DELETED
        else Trigger(0)
    )
    if triggers & whole and (watched is None or not watched.isdisjoint(fact.doc["attrs"])):
        return True
    kinds = fact.kinds
    if watched is None:
        return any(triggers & one for one in kinds.values())
    return any(triggers & kinds[attr] for attr in watched if attr in kinds)


def selects(selectors: Sequence[Selector], doc: Doc) -> bool:
    """Is the entity one of those selected? Without selectors any is."""
    if not selectors:
        return True
    for one in selectors:
        if one.ids:
            if doc["id"] not in one.ids:
                continue
        elif one.pattern is not None and not found_in(one.pattern, doc["id"]):
            continue
        if one.types is None or matches_types(one.types, doc["type"]):
            return True
    return False


def concerns(condition: Condition, fact: Fact, follow: Follow | None = None) -> bool:
    """Must a subscription with this condition be notified of the event?

    Query, geo and scope conditions are asked of the entity after the event, of a deleted one before it.
    """
    if not is_triggered(condition, fact):
        return False
    return meets(condition, fact.doc, follow)


def meets(condition: Condition, doc: Doc, follow: Follow | None = None) -> bool:
    """Does the entity meet everything but the trigger?"""
    return (
        selects(condition.selectors, doc)
        and (condition.scope is None or matches_scope(condition.scope, doc.get("scope", ())))
        and (condition.q is None or matches_q(condition.q, doc, frozenset(), follow))
        and (condition.geo is None or matches_geo(condition.geo, doc))
    )


def undo(doc: Doc | None, event: Event) -> Doc | None:
    """The state before an event, given the state after it; ``modifiedAt`` stays (the journal does not contain it)."""
    if event.kind is EventKind.CREATED:
        return None
    if event.kind is EventKind.DELETED:
        return doc_before_deletion(event)
    assert doc is not None
    old: Doc = {**doc, "attrs": dict(doc["attrs"])}
    for change in event.changes:
        if not change.attr:
            for name in META_MEMBERS[1:]:
                old.pop(name, None)
            for members in change.before or ():
                old.update(members)
        elif change.before is None:
            old["attrs"].pop(change.attr, None)
        else:
            old["attrs"][change.attr] = change.before
    return old


def as_of(doc: Doc, event: Event) -> Doc:
    """The state with the event's own time of change."""
    return {**doc, "modifiedAt": format_time(event.at)}
