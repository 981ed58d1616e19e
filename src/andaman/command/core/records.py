"""Reads command entities, and writes all of a decision or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from andaman.broker.api import Broker, Doc, EntityQuery, WriteOp, ast, iri
from andaman.command.core.entities import scopes_of
from andaman.command.core.views import V, readable
from andaman.command.problems import KINDS, NoSuchRecord
from andaman.identity.model import Access, Actor, acting_in
from andaman.identity.result_readers import Readers, everything
from andaman.kernel.errors import AlreadyExists, AndamanError, Conflict
from andaman.kernel.refusals import ChangedMeanwhile
from andaman.kernel.time import Clock, Micros

_TRIES: Final = 50
_PAGE: Final = 1000
_PAST_MAX: Final = 10_000  # entities linked to one incident in a look at the past


class Records:
    """Command entities of a broker."""

    def __init__(self, broker: Broker, clock: Clock, readers: Readers = everything) -> None:
        self._broker = broker
        self._clock = clock
        self._readers = readers
        self.lock = asyncio.Lock()
        """People and rules change alerts and free units one after the other."""

    def readers(self, kind: str, tenant: str) -> Access:
        """The rights of the weakest reader of what this room writes of a type: Alert, Assignment, Incident."""
        path = f"/command/{kind.lower()}"
        return self._readers([([iri(kind)], scopes_of(path, tenant))], tenant)

    @property
    def key(self) -> bytes:
        """The store's secret, for ids that nobody can guess."""
        return self._broker.position_key

    def get(self, kind: type[V], entity_id: str, access: Access, tenant: str) -> V:
        """Raises NoSuchRecord also for an entity of another type, and Unreadable for a damaged one."""
        return kind.of(self.doc(kind.kind, entity_id, access, tenant))

    def find(self, kind: type[V], entity_id: str, access: Access, tenant: str) -> V | None:
        """None where ``get`` raises."""
        doc = self._broker.find(entity_id, access, tenant)
        found = [] if doc is None or iri(kind.kind) not in doc["type"] else [doc]
        return next(readable(kind, found), None)

    def every(self, kind: type[V], access: Access, tenant: str) -> Iterator[V]:
        return readable(kind, self._broker.iter_entities([iri(kind.kind)], access, tenant))

    def linked(self, kind: type[V], relation: str, target: str, access: Access, tenant: str) -> list[V]:
        """All readable entities of a type whose relationship points at ``target``."""
        return list(readable(kind, self.linked_docs(kind.kind, relation, target, access, tenant)))

    def doc(self, kind: str, entity_id: str, access: Access, tenant: str) -> Doc:
        """Raises NoSuchRecord also for an entity of another type."""
        doc = self._broker.find(entity_id, access, tenant)
        if doc is None or iri(kind) not in doc["type"]:
            raise NoSuchRecord(record=KINDS[kind], id=entity_id)
        return doc

    def linked_docs(self, kind: str, relation: str, target: str, access: Access, tenant: str) -> list[Doc]:
        """All entities of a type whose relationship points at ``target``."""
        return self._matching(kind, relation, (ast.Uri(target),), access, tenant)

    def where(self, kind: str, attr: str, values: tuple[str, ...], access: Access, tenant: str) -> list[Doc]:
        """All entities of a type whose attribute has one of these texts; an unknown tenant has none."""
        if tenant not in self._broker.tenants():
            return []
        texts = tuple(ast.Text(one, iri(one)) for one in values)
        return self._matching(kind, attr, texts, access, tenant)

    def _matching(
        self, kind: str, attr: str, values: tuple[ast.Value, ...], access: Access, tenant: str
    ) -> list[Doc]:
        q = ast.Compare(ast.Path(attr=iri(attr)), ast.Cmp.EQ, values)
        docs: list[Doc] = []
        while True:
            query = EntityQuery(types=ast.TypeIs(iri(kind)), q=q, limit=_PAGE, offset=len(docs))
            page = self._broker.query(query, access, tenant).docs
            docs += page
            if len(page) < _PAGE:
                return docs

    async def all_docs(self, kind: str, access: Access, tenant: str) -> list[Doc]:
        """All entities of a type, also damaged ones; an unknown tenant has none."""
        if tenant not in self._broker.tenants():
            return []
        docs: list[Doc] = []
        while True:
            query = EntityQuery(types=ast.TypeIs(iri(kind)), limit=_PAGE, offset=len(docs))
            page = (await self._broker.query_async(query, access, tenant)).docs
            docs += page
            if len(page) < _PAGE:
                return docs

    async def linked_at(
        self, at: Micros, kind: str, relation: str, target: str, access: Access, tenant: str
    ) -> list[Doc]:
        """The same as it was known at ``at``."""
        q = ast.Compare(ast.Path(attr=iri(relation)), ast.Cmp.EQ, (ast.Uri(target),))
        query = EntityQuery(types=ast.TypeIs(iri(kind)), q=q, limit=_PAST_MAX)
        return (await self._broker.query_at(at, query, access, tenant)).docs

    async def commit(
        self,
        decide: Callable[[Micros], Sequence[WriteOp]],
        actor: Actor,
        tenant: str,
    ) -> Sequence[WriteOp]:
        """Decide on the present state and write all of it or nothing. Where somebody else wrote first, decide again:
        then the step is either still legal or refused for what is true by then. Returns what was written.

        It is written in the person's name with the room's own right, so that nobody can write around the rules.
        """
        own = acting_in("command", actor)
        for _ in range(_TRIES):
            ops = decide(self._clock())
            results = await self._broker.write(ops, own, tenant, atomic=True)
            errors = [r.error for r in results if r.error is not None]
            if not errors:
                return ops
            if not any(isinstance(e, AlreadyExists) for e in errors):
                raise first_of(errors)
        raise ChangedMeanwhile


def first_of(errors: Sequence[AndamanError]) -> AndamanError:
    """The cause, not the "because another operation failed" of its neighbours."""
    return next((e for e in errors if not isinstance(e, Conflict)), errors[0])
