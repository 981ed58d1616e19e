"""Entities with those they are linked to: ``join=inline`` and ``join=flat`` (CIM 009 §4.5.23)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from andaman.broker.contexts.model import Context
from andaman.broker.entity.projection import Projection
from andaman.broker.entity.represent import View, represent, represent_attribute
from andaman.broker.model import Doc, Instance
from andaman.kernel.errors import TooManyResults

Find = Callable[[str], Awaitable[Doc | None]]
"""Id → entity as the asker may see it, or None."""

MAX_LINKED = 1000
MAX_SHOWN = 10_000
"""How often linked entities may be shown: inline, each appears at every link to it, which multiplies by level."""
_SLICE = 200


@dataclass(frozen=True, slots=True)
class Join:
    """How to follow Relationships. ``known``: entities that the client has already (containedBy)."""

    mode: Literal["inline", "flat"]
    level: int
    pick: Projection | None
    omit: Projection | None
    known: frozenset[str]


class Linker:
    """Follows the links of one request; what the caller may not see is as if it were not there."""

    def __init__(self, find: Find, context: Context, view: View, join: Join) -> None:
        self._ask, self._context = find, context
        self._view, self._join = view, join
        self._cache: dict[str, Doc | None] = {}
        self._shown = 0

    async def entities(self, docs: list[Doc]) -> list[dict[str, Any]]:
        """The entities, with the linked ones inside them (inline) or behind them (flat)."""
        join = self._join
        if join.mode == "inline":
            chain = join.known
            return [
                await self._inline(doc, join.pick, join.omit, join.level, chain | {doc["id"]}) for doc in docs
            ]
        shown = [represent(doc, self._context, self._projected(join.pick, join.omit)) for doc in docs]
        seen = {doc["id"] for doc in docs} | join.known
        front = [(doc, join.pick, join.omit) for doc in docs]
        for _ in range(join.level):
            following: list[tuple[Doc, Projection | None, Projection | None]] = []
            for doc, pick, omit in front:
                for iri, target in self._links(doc, pick, omit):
                    linked = await self._find(target) if target not in seen else None
                    if linked is None:
                        continue
                    seen |= {target}
                    inner = (_inner(pick, iri), _inner(omit, iri))
                    following.append((linked, *inner))
                    shown.append(represent(linked, self._context, self._projected(*inner)))
            front = following
        return [one for one in shown if one]

    def _projected(self, pick: Projection | None, omit: Projection | None) -> View:
        hidden = frozenset() if omit is None else frozenset(omit.names - omit.linked.keys())
        return replace(self._view, pick=None if pick is None else frozenset(pick.names), omit=hidden)

    def _links(self, doc: Doc, pick: Projection | None, omit: Projection | None) -> list[tuple[str, str]]:
        """(attribute, target) of every Relationship that is shown."""
        return [
            (iri, target)
            for iri, instances in doc["attrs"].items()
            if self._is_shown(iri, pick, omit)
            for instance in instances
            for target in _targets(instance)
        ]

    @staticmethod
    def _is_shown(iri: str, pick: Projection | None, omit: Projection | None) -> bool:
        picked = pick is None or iri in pick.names
        return picked and (omit is None or iri not in omit.names or iri in omit.linked)

    async def _find(self, entity_id: str) -> Doc | None:
        if entity_id in self._cache:
            return self._cache[entity_id]
        if len(self._cache) >= MAX_LINKED:
            raise TooManyResults(
                f"More than {MAX_LINKED} linked entities; ask for fewer or a lower joinLevel"
            )
        found = await self._ask(entity_id)
        self._cache[entity_id] = found
        return found

    async def _inline(
        self, doc: Doc, pick: Projection | None, omit: Projection | None, level: int, chain: frozenset[str]
    ) -> dict[str, Any]:
        view = self._projected(pick, omit)
        self._shown += 1
        if self._shown > MAX_SHOWN:
            raise TooManyResults(
                f"More than {MAX_SHOWN} entities inside each other; ask for fewer, a lower joinLevel or join=flat"
            )
        if self._shown % _SLICE == 0:
            await asyncio.sleep(0)
        out = represent(doc, self._context, view)
        if level == 0:
            return out
        for iri, instances in doc["attrs"].items():
            name = self._context.shorts[iri]
            kept = [
                one
                for one in instances
                if view.datasets is None or one.get("datasetId", "@none") in view.datasets
            ]
            if name not in out or not any(_targets(one) for one in kept):
                continue
            shown = [
                await self._with_linked(iri, one, view, _inner(pick, iri), _inner(omit, iri), level, chain)
                for one in kept
            ]
            if len(shown) == 1:
                out[name] = shown[0]
            elif view.format == "simplified":
                keys = [one.get("datasetId", "@none") for one in kept]
                out[name] = {"dataset": dict(zip(keys, shown, strict=True))}
            else:
                out[name] = shown
        return out

    async def _with_linked(
        self,
        iri: str,
        instance: Instance,
        view: View,
        pick: Projection | None,
        omit: Projection | None,
        level: int,
        chain: frozenset[str],
    ) -> Any:
        """One instance with the entities it points to under ``entity`` (or ``entityList``)."""
        shown = represent_attribute(iri, [instance], self._context, view)
        found = [
            await self._inline(linked, pick, omit, level - 1, chain | {target})
            for target in _targets(instance)
            if target not in chain and (linked := await self._find(target)) is not None
        ]
        if not found:
            return shown
        single = isinstance(instance.get("object"), str)
        if view.format == "simplified":
            return found[0] if single else found
        member = "entityList" if instance["type"] == "ListRelationship" else "entity"
        return {**shown, member: found[0] if single else found}


def _inner(projection: Projection | None, iri: str) -> Projection | None:
    return None if projection is None else projection.linked.get(iri)


def _targets(instance: Instance) -> list[str]:
    """Ids that a Relationship or ListRelationship points to."""
    kind = instance["type"]
    if kind == "Relationship":
        value = instance.get("object")
        return [value] if isinstance(value, str) else list(value or ())
    return list(instance.get("objectList") or ()) if kind == "ListRelationship" else []
