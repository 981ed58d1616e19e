"""Finds the evidence of each check, now or as of any past second, with the platform's own access. So a figure never depends
on who asks.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from andaman.broker.api import (
    Broker,
    Doc,
    EntityQuery,
    TypeExpr,
    TypeIs,
    TypeOr,
    ast,
    iri,
    parse_q,
    short,
    value,
)
from andaman.evidence.authors import Authors
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.answers import Answer
from andaman.kernel.digests import content_digest
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.time import Micros
from andaman.programme.plan import Check, Plan
from andaman.programme.progress import Finding
from andaman.programme.provenance import DRILL, Facts, Judgement, Provenance, counted, judged

MOST: Final = 5_000
"""Entities of one check that are judged and listed. Further ones are in place, and do not count as achieved."""
_PAUSE: Final = 200
_PERSONS: Final = ("person",)
_STAFF: Final = "StaffMember"
_DEPENDENTS: Final = {"Incident": ("Assignment", "refIncident")}
"""Type → (type, relationship): entities that belong to one. An incident that simulated units served is make-believe."""
_INDICATOR: Final = "IndicatorValue"
_INPUTS_MOST: Final = 500


class Input(Answer, frozen=True, kw_only=True):
    """An entity that a check found. ``types`` (short names) and ``scopes`` say who may see it; ``digest`` is that of its
    content then. ``authors``: names of those who wrote it by hand."""

    id: str
    types: tuple[str, ...]
    scopes: tuple[str, ...]
    digest: str
    provenance: Provenance
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Check id → finding, and the entities behind it."""

    findings: Mapping[str, Finding] = field(default_factory=dict)
    inputs: Mapping[str, tuple[Input, ...]] = field(default_factory=dict)


class Finder:
    def __init__(
        self,
        broker: Broker,
        authors: Authors,
        name_of: Callable[[str], str],
        demo_people: Callable[[], Awaitable[frozenset[str]]],
    ) -> None:
        """``name_of``: a principal's name. ``demo_people``: principals of the demonstration, whose acts prove nothing."""
        self._broker, self._authors = broker, authors
        self._name_of, self._demo_people = name_of, demo_people

    async def find(self, plan: Plan, at: Micros | None) -> Found:
        """What every check of the plan finds now (``None``) or found at a past instant."""
        wanted = {name for check in plan.checks for name in check.types}
        wanted |= {_DEPENDENTS[name][0] for name in wanted if name in _DEPENDENTS}
        await self._authors.learn(map(iri, wanted))
        people = await self._demo_people() | self._simulated_people()
        world = _World(self._broker, self._authors, people, at)
        found = await asyncio.gather(*(self._check(check, world) for check in plan.checks))
        ids = [check.id for check in plan.checks]
        return Found(
            dict(zip(ids, (one for one, _ in found), strict=True)),
            dict(zip(ids, (inputs for _, inputs in found), strict=True)),
        )

    def _simulated_people(self) -> frozenset[str]:
        staff = self._broker.iter_entities([iri(_STAFF)], FULL_ACCESS)
        return frozenset(str(value(doc, "person")) for doc in staff if value(doc, "origin") == "simulated")

    async def _check(self, check: Check, world: _World) -> tuple[Finding, tuple[Input, ...]]:
        if check.measure == "distinct-types":
            return await self._distinct(check, world)
        docs, total = await world.matching(check.types, check.query)
        if check.with_query:
            docs = await self._supported(check, world, docs)
            total = len(docs)
        judgements: list[Judgement] = []
        inputs: list[Input] = []
        for number, doc in enumerate(docs):
            if number % _PAUSE == 0:
                await asyncio.sleep(0)  # others have the event loop too
            judgements.append(await world.judge(doc))
            inputs.append(self._input(doc, judgements[-1]))
        installed: float | None = float(total)
        achieved: float | None = float(_operational(judgements)) if check.shows_operation else None
        if check.measure == "share":
            installed, achieved = await self._shares(check, world, total, _operational(judgements))
        return self._finding(installed, achieved, judgements), tuple(inputs)

    async def _supported(self, check: Check, world: _World, docs: Sequence[Doc]) -> list[Doc]:
        """Those to which an entity belongs that satisfies the second condition of the check."""
        supported: set[str] = set()
        for kind, relation in (_DEPENDENTS[name] for name in check.types if name in _DEPENDENTS):
            found, _ = await world.matching((kind,), check.with_query)
            supported |= {target for one in found for target in _targets_of(one, relation)}
        return [doc for doc in docs if str(doc["id"]) in supported]

    async def _shares(
        self, check: Check, world: _World, installed: int, achieved: int
    ) -> tuple[float | None, float | None]:
        """Percentages: of all entities of the types, and of those from real operation."""
        docs, total = await world.matching(check.types, "")
        operational = _operational([await world.judge(doc) for doc in docs])
        return (
            100.0 * installed / total if total else None,
            100.0 * achieved / operational if operational else None,
        )

    async def _distinct(self, check: Check, world: _World) -> tuple[Finding, tuple[Input, ...]]:
        """Types that have an entity, and those that have one from real operation; one entity proves its type."""
        inputs: list[Input] = []
        judgements: list[Judgement] = []
        installed = achieved = 0
        for name in check.types:
            docs, _ = await world.matching((name,), "")
            best: tuple[Doc, Judgement] | None = None
            for doc in docs:
                one = await world.judge(doc)
                if best is None or one.kind is Provenance.OPERATION:
                    best = doc, one
                if one.kind is Provenance.OPERATION:
                    break
            if best is not None:
                installed += 1
                achieved += best[1].kind is Provenance.OPERATION
                judgements.append(best[1])
                inputs.append(self._input(*best))
        return self._finding(float(installed), float(achieved), judgements), tuple(inputs)

    def _finding(
        self, installed: float | None, achieved: float | None, judgements: Sequence[Judgement]
    ) -> Finding:
        kinds = counted(one.kind for one in judgements if one.kind is not Provenance.OPERATION)
        hands = Counter(self._named(author) for one in judgements for author in one.authors)
        return Finding(installed, achieved, kinds, dict(sorted(hands.items())))

    def _input(self, doc: Doc, judgement: Judgement) -> Input:
        return Input(
            id=str(doc["id"]),
            types=tuple(doc["type"]),
            scopes=tuple(doc.get("scope", ())),
            digest=content_digest(doc),
            provenance=judgement.kind,
            authors=tuple(self._named(one) for one in judgement.authors),
        )

    def _named(self, principal: str) -> str:
        return self._name_of(principal) or principal


@dataclass
class _World:
    """The entities as they were at one instant, with their authors. ``at`` None: now."""

    broker: Broker
    authors: Authors
    people: frozenset[str]
    at: Micros | None
    _origins: dict[str, str] = field(default_factory=dict)

    async def matching(self, types: Sequence[str], q: str) -> tuple[list[Doc], int]:
        """At most ``MOST`` entities, and the number of all."""
        return await self._query(types, parse_q(q, iri) if q else None)

    async def _query(self, types: Sequence[str], q: ast.QExpr | None) -> tuple[list[Doc], int]:
        names = tuple(TypeIs(iri(one)) for one in types)
        wanted: TypeExpr = names[0] if len(names) == 1 else TypeOr(names)
        query = EntityQuery(types=wanted, q=q, limit=MOST, count=True)
        if self.at is None:
            page = await self.broker.query_async(query, FULL_ACCESS)
        else:
            page = await self.broker.query_at(self.at, query, FULL_ACCESS)
        return cast("list[Doc]", page.docs), page.total

    async def find(self, entity_id: str) -> Doc | None:
        if self.at is None:
            return self.broker.find(entity_id, FULL_ACCESS)
        try:
            return await self.broker.get_at(self.at, entity_id, FULL_ACCESS)
        except ResourceNotFound:
            return None

    async def judge(self, doc: Doc) -> Judgement:
        facts = await self._facts(doc)
        if iri(_INDICATOR) not in doc["type"]:
            return judged(facts, self.people)
        inputs = await self._inputs(doc)
        return judged(
            Facts(facts.types, facts.origin, facts.written, facts.persons, facts.linked, inputs), self.people
        )

    async def _facts(self, doc: Doc) -> Facts:
        types = tuple(short(one) for one in doc["type"])
        persons = [value(doc, name) for name in _PERSONS]
        return Facts(
            types,
            _text(value(doc, "origin")),
            self.authors.of(str(doc["id"]), self.at),
            [one for one in persons if isinstance(one, str)],
            [await self._origin(target) for target in _targets(doc)] + await self._dependents(doc, types),
            passed=DRILL in types and value(doc, "drillStatus") == "scored" and value(doc, "passed") is True,
        )

    async def _origin(self, entity_id: str) -> str:
        if entity_id not in self._origins:
            doc = await self.find(entity_id)
            self._origins[entity_id] = "" if doc is None else _text(value(doc, "origin"))
        return self._origins[entity_id]

    async def _dependents(self, doc: Doc, types: Iterable[str]) -> list[str]:
        origins: list[str] = []
        for kind, relation in (_DEPENDENTS[name] for name in types if name in _DEPENDENTS):
            mine = ast.Compare(ast.Path(attr=iri(relation)), ast.Cmp.EQ, (ast.Uri(str(doc["id"])),))
            docs, _ = await self._query((kind,), mine)
            origins += [_text(value(one, "origin")) for one in docs]
        return origins

    async def _inputs(self, doc: Doc) -> list[Provenance]:
        """Where the inputs of a computed indicator came from, up to the first that did not arise in operation."""
        found: list[Provenance] = []
        for entity_id in _named_inputs(value(doc, "inputs"))[:_INPUTS_MOST]:
            one = await self.find(entity_id)
            if one is None:
                return [*found, Provenance.UNKNOWN]
            if not self.authors.know(one["type"]):
                await self.authors.learn(one["type"])
            found.append(judged(await self._facts(one), self.people).kind)
            if found[-1] is not Provenance.OPERATION:
                break
        return found


def _operational(judgements: Iterable[Judgement]) -> int:
    return sum(one.kind is Provenance.OPERATION for one in judgements)


def _targets(doc: Doc) -> list[str]:
    """Ids that the entity refers to."""
    return list(dict.fromkeys(one for instances in doc["attrs"].values() for one in _objects(instances)))


def _targets_of(doc: Doc, relation: str) -> list[str]:
    """Ids that the entity refers to by this relationship."""
    return _objects(doc["attrs"].get(iri(relation), ()))


def _objects(instances: Iterable[Mapping[str, Any]]) -> list[str]:
    found: list[str] = []
    for one in instances:
        target: Any = one.get("object") if one.get("type") == "Relationship" else None
        found += [target] if isinstance(target, str) else target if isinstance(target, list) else []
    return [str(one) for one in found]


def _named_inputs(content: Any) -> list[str]:
    """Ids of the entities that an indicator lists as its inputs; nothing for a list of another form."""
    found = []
    rows = content.get("inputs") if isinstance(content, dict) else None
    for row in rows if isinstance(rows, list) else []:
        entities = row.get("entities") if isinstance(row, dict) else None
        for one in entities if isinstance(entities, list) else []:
            if isinstance(one, dict) and isinstance(one.get("id"), str):
                found.append(one["id"])
    return found


def _text(content: Any) -> str:
    return content if isinstance(content, str) else ""
