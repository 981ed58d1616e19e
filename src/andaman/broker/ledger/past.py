"""The past: questions to the history store, completed by the journal's tail that it does not have yet.

Without a history store the journal itself answers, by replay from its beginning: slow, simple, and the yardstick
that tests hold the fast way against. Everything here blocks; it runs in worker threads or in the historian's process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from andaman.broker.ledger.journal import TAIL_BYTES, JournalPool, Shape, TailTooLarge
from andaman.broker.ledger.rights import visible
from andaman.broker.ledger.tail import Tail
from andaman.broker.ledger.visibility import PastVisibility
from andaman.broker.model import Doc, Event
from andaman.broker.query.ast import TypeExpr, TypeIs
from andaman.broker.query.city import CityMeans, NewestValues
from andaman.broker.query.evaluate import matches
from andaman.broker.query.model import EntityQuery, EvolutionQuery, Page, Target, TemporalQuery
from andaman.broker.query.period import Period
from andaman.identity.model import Access
from andaman.kernel.errors import OperationNotSupported, ResourceNotFound
from andaman.kernel.time import Micros, format_time

if TYPE_CHECKING:  # the server's process has no need of what history is made of
    from andaman.broker.history import CityVisibility, SetAside, Visibility
    from andaman.broker.history.read.reader import Tails
    from andaman.broker.history.state.members import Choose, Member

T = TypeVar("T")
_TAIL_MOST: Final = 30_000  # events that are kept in memory for questions; more of them go to history first


class HistoryStore(Protocol):
    """The part of broker/history that is needed. Every method blocks; questions may come from any thread, the rest from
    one.
    """

    @property
    def last_seq(self) -> int:
        """The last journal position that is durably in history."""

    def ingest(self, events: Iterable[Event]) -> None:
        """Take events in order, one by one; those already there are ignored. Durable on return."""

    def ingest_alone(self, event: Event, error: Exception) -> Sequence[SetAside]:
        """Take what goes in of an event that failed alone; the rest is set aside, and returned."""

    def maintain(self) -> bool:
        """One bounded step of upkeep; True while there is more to do."""

    def state_at(
        self,
        tenant: str,
        at: Micros,
        *,
        entity_ids: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        tail: Sequence[Event] = (),
        choose: Choose | None = None,
    ) -> list[Doc]:
        """Entities as known at ``at``, in no order. ``choose``: which of those that existed."""

    def temporal(
        self,
        tenant: str,
        entity_id: str,
        attrs: Sequence[str],
        query: TemporalQuery,
        *,
        tail: Sequence[Event] = (),
        hidden: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:
        """See ``Broker.temporal``."""

    def evolutions(
        self, tenant: str, query: EvolutionQuery, *, tails: Tails, sight: Visibility
    ) -> dict[str, Any]:
        """See ``Broker.evolutions``."""

    def resolve(
        self, tenant: str, entity_id: str, attr: str, instance: str | None, *, tails: Tails
    ) -> list[Target]:
        """See ``Broker.resolve``."""

    def newest_values(
        self,
        tenant: str,
        attr: str,
        types: Sequence[str] = (),
        *,
        tails: Tails,
        sight: CityVisibility,
        limit: int | None = None,
        offset: int = 0,
    ) -> NewestValues:
        """See ``Broker.newest_values``."""

    def city_means(
        self,
        tenant: str,
        attr: str,
        types: Sequence[str],
        start: Micros,
        end: Micros,
        period: Period,
        zone: str = "UTC",
        *,
        tails: Tails,
        sight: CityVisibility,
    ) -> CityMeans:
        """See ``Broker.city_means``."""


class Past:
    """State and values as they were."""

    def __init__(
        self,
        journals: JournalPool,
        history: HistoryStore | None,
        drain: Callable[[], None] = lambda: None,
        asked: Callable[[], None] = lambda: None,
    ) -> None:
        """``drain`` moves the tail to history; called when it is too long to be searched. ``asked`` is called at each question
        that looks at all of the tail."""
        self._journals = journals
        self._history = history
        self._drain = drain
        self._asked = asked
        self._recent = Tail()

    def query_at(self, at: Micros, query: EntityQuery, access: Access, tenant: str) -> Page:
        """Run the query on the state as of ``at``; pages are ordered by creation time and id."""
        if self._history is not None and not (query.attrs or query.q is not None or query.geo is not None):
            return self._members_at(self._history, at, query, access, tenant)
        docs = self._docs_at(at, tenant, query.ids or None, _leaf_types(query.types))
        by_id = {doc["id"]: doc for doc in docs}

        def follow(entity_id: str) -> tuple[Doc, frozenset[str]] | None:
            found = by_id.get(entity_id)
            if found is None:
                linked = self._docs_at(at, tenant, [entity_id], None)
                found = linked[0] if linked else None
            shown = None if found is None else visible(found, access)
            return None if shown is None else (shown, frozenset())

        found = []
        for doc in docs:
            shown = visible(doc, access)
            if shown is not None and matches(shown, query, follow=follow):
                found.append(shown)
        found.sort(key=lambda doc: (doc["createdAt"], doc["id"]))
        page: list[dict[str, object]] = list(found[query.offset : query.offset + query.limit])
        return Page(page, len(found) if query.count else -1)

    def _members_at(
        self, history: HistoryStore, at: Micros, query: EntityQuery, access: Access, tenant: str
    ) -> Page:
        """The page of a query that types, scopes and ids decide: nothing but the page is assembled."""
        total = 0

        def choose(there: Sequence[Member]) -> list[str]:
            nonlocal total
            found = [
                (one.born, one.id)
                for one in there
                if access.sees(one.members["type"], one.members.get("scope", ()))
                and matches({**one.members, "id": one.id, "attrs": {}}, query)
            ]
            found.sort()
            total = len(found)
            return [name for _, name in found[query.offset : query.offset + query.limit]]

        ids = query.ids or None
        tail = self._with_room(lambda: self._tail(history.last_seq, tenant, at, ids))
        docs = history.state_at(tenant, at, entity_ids=ids, tail=tail, choose=choose)
        page: list[dict[str, object]] = [shown for doc in docs if (shown := visible(doc, access)) is not None]
        page.sort(key=lambda doc: (doc["createdAt"], doc["id"]))
        return Page(page, total if query.count else -1)

    def get_at(self, at: Micros, entity_id: str, access: Access, tenant: str) -> Doc:
        """One entity as of ``at``. Raises ResourceNotFound when it was not there or may not be seen."""
        docs = self._docs_at(at, tenant, [entity_id], None)
        shown = visible(docs[0], access) if docs else None
        if shown is None:
            raise ResourceNotFound(f"There was no entity {entity_id} at that time")
        return shown

    def temporal(
        self, entity_id: str, attrs: Sequence[str], query: TemporalQuery, access: Access, tenant: str
    ) -> dict[str, list[dict[str, Any]]]:
        """See ``Broker.temporal``. Rights: those on the entity as it is now, or as it last was.

        What was committed while its types and scopes hid it (or an attribute) from this principal stays hidden.
        Aggregates cannot leave values out: what was hidden once has none for this principal.
        """
        history = self._history
        if history is None:
            raise OperationNotSupported("This broker was opened without a history store")
        with self._journals.reader() as journal:
            tail = self._with_room(lambda: journal.of_entity(tenant, entity_id, history.last_seq))
            shapes = journal.shapes_of(tenant, entity_id)
        absent = ResourceNotFound(f"There is no history of an entity {entity_id}")
        if not shapes or not access.sees(*shapes[0][1]):
            raise absent
        hidden = access.hidden_attrs(*shapes[0][1])
        veil = _Veil(shapes[1:], access)
        if query.aggr_methods:
            if veil.everything:
                raise absent
            hidden |= veil.attrs.keys()
        found = history.temporal(tenant, entity_id, attrs, query, tail=tail, hidden=hidden)
        return found if query.aggr_methods else veil.over(found)

    def evolutions(self, query: EvolutionQuery, access: Access, tenant: str) -> dict[str, Any]:
        """See ``Broker.evolutions``."""
        ids = [one for selector in query.selectors for one in selector.ids]
        every = not all(selector.ids for selector in query.selectors)
        history, tails = self._with_tail(tenant, None if every else ids)
        sight = PastVisibility(self._journals, tenant, access)
        return history.evolutions(tenant, query, tails=tails, sight=sight)

    def resolve(
        self, entity_id: str, attr: str, instance: str | None, access: Access, tenant: str
    ) -> list[Target]:
        """See ``Broker.resolve``."""
        history, tails = self._with_tail(tenant, [entity_id])
        with self._journals.reader() as journal:
            shapes = journal.shapes_of(tenant, entity_id)
        if not shapes or not access.sees(*shapes[0][1]) or attr in access.hidden_attrs(*shapes[0][1]):
            return []
        return history.resolve(tenant, entity_id, attr, instance, tails=tails)

    def newest_values(
        self, attr: str, types: Sequence[str], limit: int | None, offset: int, access: Access, tenant: str
    ) -> NewestValues:
        """See ``Broker.newest_values``."""
        history, tails = self._with_tail(tenant, None)
        sight = PastVisibility(self._journals, tenant, access)
        return history.newest_values(
            tenant, attr, types, tails=tails, sight=sight, limit=limit, offset=offset
        )

    def city_means(
        self,
        attr: str,
        types: Sequence[str],
        start: Micros,
        end: Micros,
        period: Period,
        zone: str,
        access: Access,
        tenant: str,
    ) -> CityMeans:
        """See ``Broker.city_means``."""
        history, tails = self._with_tail(tenant, None)
        sight = PastVisibility(self._journals, tenant, access)
        return history.city_means(tenant, attr, types, start, end, period, zone, tails=tails, sight=sight)

    def _with_tail(self, tenant: str, ids: Sequence[str] | None) -> tuple[HistoryStore, Tails]:
        """History, and the events of these entities (None: of all) that it does not have."""
        history = self._history
        if history is None:
            raise OperationNotSupported("This broker was opened without a history store")
        if ids is None:
            self._asked()
        with self._journals.reader() as journal:

            def tails() -> Tails:
                if journal.end() - history.last_seq > _TAIL_MOST:
                    if ids is not None:
                        return journal.of_entities(tenant, list(dict.fromkeys(ids)), history.last_seq)
                    self._drain()
                return self._recent.of(journal, history.last_seq, tenant, ids)

            return history, self._with_room(tails)

    def _with_room(self, ask: Callable[[], T]) -> T:
        """What ``ask`` reads of the tail; where that is too large for memory it moves to history first."""
        try:
            return ask()
        except TailTooLarge:
            self._drain()
            return ask()

    def _docs_at(
        self, at: Micros, tenant: str, ids: Sequence[str] | None, types: Sequence[str] | None
    ) -> list[Doc]:
        history = self._history
        if history is None:
            with self._journals.reader() as journal:
                state = journal.state_at(at, tenant)
            wanted = None if ids is None else set(ids)
            return [doc for (_, one), doc in state.items() if wanted is None or one in wanted]
        # First the position, then the tail behind it: what moves over meanwhile comes twice, which history ignores.
        tail = self._with_room(lambda: self._tail(history.last_seq, tenant, at, ids))
        return history.state_at(tenant, at, entity_ids=ids, types=types, tail=tail)

    def _tail(self, after: int, tenant: str, at: Micros, ids: Sequence[str] | None) -> list[Event]:
        with self._journals.reader() as journal:
            if ids is not None and len(ids) == 1:
                return journal.of_entity(tenant, ids[0], after)
            tail: list[Event] = []
            left = TAIL_BYTES
            with closing(journal.stream(after, -1, tenant)) as events:
                for event, size in events:
                    if event.at > at:
                        break
                    left -= size
                    if left < 0:
                        raise TailTooLarge
                    tail.append(event)
            return tail


class _Veil:
    """Until when a principal was not to see an entity, or an attribute of it, because of what the entity was then.

    Times are ISO 8601 texts; "" for never.
    """

    def __init__(self, former: Sequence[tuple[Micros | None, Shape]], access: Access) -> None:
        self.everything = ""
        self.attrs: dict[str, str] = {}
        for at, shape in former:
            until = format_time(at or 0)
            if not access.sees(*shape):
                self.everything = max(self.everything, until)
            for attr in access.hidden_attrs(*shape):
                self.attrs[attr] = max(self.attrs.get(attr, ""), until)

    def over(self, found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
        """Without the instances that were committed behind the veil."""
        if not self.everything and self.attrs.keys().isdisjoint(found):
            return found
        shown = {}
        for attr, instances in found.items():
            until = max(self.everything, self.attrs.get(attr, ""))
            kept = [one for one in instances if one.get("modifiedAt", one.get("deletedAt", "")) >= until]
            if kept:
                shown[attr] = kept
        return shown


def _leaf_types(expr: TypeExpr | None) -> list[str] | None:
    """Every type named in an expression: an entity that matches has at least one of them (there is no "not")."""
    if expr is None:
        return None
    if isinstance(expr, TypeIs):
        return [expr.iri]
    return sorted({iri for part in expr.parts for iri in _leaf_types(part) or ()})
