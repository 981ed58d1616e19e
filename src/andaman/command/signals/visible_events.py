"""The events that rules may use: each as the weakest reader of alerts sees it.

An alert names its source, its place and its values to everybody who reads alerts, and even that it was raised tells that
something was so. So the rules know nothing that one of those readers may not see: a hidden entity is not there, a hidden
attribute has no value. Should they know it, the city classifies its alerts as strictly as what they watch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from andaman.broker.api import Change, Doc, Event, EventKind
from andaman.command.signals.conditions import Known
from andaman.identity.model import Access
from andaman.kernel.positions import START
from andaman.kernel.time import Micros


class Shown:
    """``readers`` gives the rights of the weakest reader of a tenant's alerts under the policy in force."""

    def __init__(self, readers: Callable[[str], Access]) -> None:
        self._readers = readers
        self._access: dict[str, Access] = {}
        self.stale = False
        """The policy has changed since the rules last looked at what they know."""

    def policy_changed(self) -> None:
        self._access = {}
        self.stale = True

    def access(self, tenant: str) -> Access:
        found = self._access.get(tenant)
        if found is None:
            found = self._access[tenant] = self._readers(tenant)
        return found

    def event(self, event: Event) -> Event:
        """The event as they see it: of an entity that they do not see (any more), that it is gone."""
        access = self.access(event.tenant)
        types, scopes = event.types, event.scopes
        if not access.sees(types, scopes):
            moved = [c for c in event.changes if not c.attr] if event.moved else []
            return Event(
                event.seq,
                event.tenant,
                event.at,
                "",
                EventKind.DELETED,
                event.entity_id,
                types,
                (),
                moved,
                None,
            )
        hidden = access.hidden_attrs(types, scopes)
        if not hidden:
            return event
        changes, doc = [c for c in event.changes if c.attr not in hidden], without(event.doc, hidden)
        return Event(
            event.seq, event.tenant, event.at, "", event.kind, event.entity_id, types, scopes, changes, doc
        )

    def forgetting(
        self, tenant: str, entity_id: str, known: Known, scopes: Sequence[str] | None, now: Micros
    ) -> Event | None:
        """The event by which rules forget what they know of an entity and may know no more; None where there is nothing.
        ``scopes``: of the entity now, None where they do not see it."""
        if scopes is None:
            return Event(START, tenant, now, "", EventKind.DELETED, entity_id, known.types, (), [], None)
        hidden = self.access(tenant).hidden_attrs(known.types, scopes)
        gone = [Change(attr, None, None) for attr in known.samples if attr in hidden]
        if not gone:
            return None
        return Event(
            START, tenant, now, "", EventKind.UPDATED, entity_id, known.types, tuple(scopes), gone, None
        )


def without(doc: Doc | None, hidden: frozenset[str]) -> Doc | None:
    """The entity without these attributes."""
    if doc is None or hidden.isdisjoint(doc["attrs"]):
        return doc
    return {**doc, "attrs": {attr: of for attr, of in doc["attrs"].items() if attr not in hidden}}
