"""The service of evidence: asks the room whose figure it is, and fills in what the caller may see of the entities behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from andaman.broker.api import DEFAULT_TENANT, Broker, Doc, EntityQuery
from andaman.catalogue.model import Dataset
from andaman.catalogue.service import Catalogue
from andaman.evidence.answers import EvidenceAnswer, EvidenceEntity, EvidenceHand, FigurePart, FigureValue
from andaman.evidence.authors import Authors
from andaman.evidence.kinds import counted, entity_at, one_value
from andaman.evidence.model import Asked, Basis, EntityRef, Resolver, WideResolver
from andaman.evidence.problems import FigureNotOfThePast, FigureTookTooLong, NoSuchFigure
from andaman.evidence.rows import row_of
from andaman.evidence.vocabulary import Vocabulary
from andaman.identity.model import Access, Actor
from andaman.identity.permissions import READ_AUDIT
from andaman.kernel.time import Micros, format_time
from andaman.vocabulary import EntityType

ENTITIES: Final = "entities"
ATTRIBUTE: Final = "attribute"
PAGE: Final = 100
_BUDGET_S: Final = 10.0
_LISTED_MAX: Final = 20_000
"""Entities of one list that the door looks at; those behind them are not listed."""


class Evidence:
    """``register`` a resolver for each kind of figure while the rooms are built."""

    def __init__(
        self,
        broker: Broker,
        catalogue: Catalogue,
        types: Iterable[EntityType],
        authors: Authors,
        name_of: Callable[[str], str],
        *,
        budget_s: float = _BUDGET_S,
    ) -> None:
        """``name_of``: a principal's name."""
        self._broker, self._catalogue, self._budget_s = broker, catalogue, budget_s
        self._authors, self._name_of = authors, name_of
        self.vocabulary = Vocabulary(tuple(types))
        self._resolvers: dict[str, WideResolver] = {ENTITIES: self._counted, ATTRIBUTE: self._one_value}

    def register(self, kind: str, resolver: Resolver) -> None:
        """``resolver`` answers for figures of this kind. Raises LookupError where the kind is taken."""

        async def resolve(asked: Asked) -> Basis:
            if asked.tenant != DEFAULT_TENANT:
                raise NoSuchFigure
            if asked.at is not None:
                raise FigureNotOfThePast
            return await resolver(asked.key, asked.actor)

        self.register_wide(kind, resolve)

    def register_wide(self, kind: str, resolver: WideResolver) -> None:
        """For figures that exercises have too. Raises LookupError where the kind is taken."""
        if kind in self._resolvers:
            raise LookupError(f"Two rooms answer for figures of kind {kind}")
        self._resolvers[kind] = resolver

    @property
    def kinds(self) -> list[str]:
        return sorted(self._resolvers)

    async def ask(
        self,
        kind: str,
        key: str,
        actor: Actor,
        tenant: str = DEFAULT_TENANT,
        *,
        at: Micros | None = None,
        offset: int = 0,
        limit: int = PAGE,
    ) -> EvidenceAnswer:
        """The basis of a figure, with a page of the entities behind it. Raises NoSuchFigure, FigureQueryUnclear,
        FigureNotOfThePast, FigureTookTooLong, and what the resolver raises."""
        resolver = self._resolvers.get(kind)
        if resolver is None:
            raise NoSuchFigure
        try:
            async with asyncio.timeout(self._budget_s):
                basis = await resolver(Asked(key=key, actor=actor, tenant=tenant, at=at))
                total, rows = await self._rows(basis, actor, tenant, at, offset, limit)
        except TimeoutError:
            raise FigureTookTooLong from None
        if kind == ENTITIES:
            basis = msgspec.structs.replace(basis, value=total)
        return EvidenceAnswer(
            kind=kind,
            key=key,
            title=basis.title,
            value=basis.value,
            unit=basis.unit,
            attribute=basis.attribute,
            period=basis.period,
            population=basis.population,
            check=basis.check,
            formula=basis.formula,
            constants=[
                FigureValue(name=one.name, value=one.value, unit=one.unit, source=one.source, check=one.check)
                for one in basis.constants
            ],
            details=[FigureValue(name=one.name, value=one.value) for one in basis.details],
            parts=[
                FigurePart(title=one.title, kind=one.kind, key=one.key, value=one.value, unit=one.unit)
                for one in basis.parts
            ],
            note=basis.note,
            left_out=basis.left_out,
            at=None if at is None else format_time(at),
            total=total,
            offset=offset,
            limit=limit,
            entities=rows,
        )

    async def _counted(self, asked: Asked) -> Basis:
        return counted(asked.key, self.vocabulary)

    async def _one_value(self, asked: Asked) -> Basis:
        access = asked.actor.access
        return await one_value(asked.key, self.vocabulary, self._broker, access, asked.tenant, asked.at)

    async def _rows(
        self, basis: Basis, actor: Actor, tenant: str, at: Micros | None, offset: int, limit: int
    ) -> tuple[int, list[EvidenceEntity]]:
        """How many entities this actor sees, and a page of them."""
        access = actor.access
        found: list[tuple[EntityRef, Doc]] = []
        if isinstance(basis.entities, EntityQuery):
            total, docs = await self._queried(basis.entities, access, tenant, at, offset, limit)
            found = [(EntityRef(id=doc["id"], attribute=basis.attribute), doc) for doc in docs]
        else:
            refs = basis.entities[:_LISTED_MAX]
            if at is None:  # in the past there are single values only
                refs = tuple(one for one in refs if self._broker.has(one.id, access, tenant))
            total = len(refs)
            for ref in refs[offset : offset + limit]:
                doc = await entity_at(self._broker, ref.id, access, tenant, at)
                if doc is not None:
                    found.append((ref, doc))
        datasets = self._datasets(access, tenant) if found else []
        if tenant == DEFAULT_TENANT and at is None and found:
            await self._authors.learn()
            hands = {doc["id"]: self._hand(doc, actor) for _, doc in found}
        else:
            hands = {}
        return total, [row_of(ref, doc, access, datasets, hands.get(doc["id"])) for ref, doc in found]

    def _hand(self, doc: Doc, actor: Actor) -> EvidenceHand | None:
        """Everybody who sees all of the entity learns that it was changed by hand. Who may read the audit log learns by whom
        and when.
        """
        hand = self._authors.hands.get(doc["id"])
        if hand is None or actor.access.hidden_attrs(doc["type"], doc.get("scope", ())):
            return None
        known = actor.principal.may(READ_AUDIT)
        return EvidenceHand(
            after_loading=hand.after_loading,
            at=format_time(hand.at) if known else None,
            by=(self._name_of(hand.actor) or hand.actor) if known else None,
        )

    async def _queried(
        self, query: EntityQuery, access: Access, tenant: str, at: Micros | None, offset: int, limit: int
    ) -> tuple[int, Sequence[Doc]]:
        asked = replace(query, offset=offset, limit=limit, count=True)
        if at is None:
            page = await self._broker.query_async(asked, access, tenant)
        else:
            page = await self._broker.query_at(at, asked, access, tenant)
        return page.total, page.docs

    def _datasets(self, access: Access, tenant: str) -> list[Dataset]:
        """The catalogue holds the city's datasets; another tenant, such as an exercise, has none."""
        return self._catalogue.list_datasets(access) if tenant == DEFAULT_TENANT else []
