"""Questions about single entities over time that come at the same moment, asked together.

Who asks while the same question about others is under way is answered by the next one: a statement for sixty entities costs
little more than for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from andaman.broker.query.model import EntityQuery, EvolutionQuery
from andaman.identity.model import Access
from andaman.kernel.errors import TooManyResults

Answer = dict[str, Any]
Ask = Callable[[EvolutionQuery, Access, str], Awaitable[Answer]]
_MOST: Final = 64  # entities in one question
_LANES: Final = 2  # questions of one kind under way: while one is read, the answers of the other are made


class _Group:
    """Questions that differ in the entity only."""

    __slots__ = ("tasks", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[str, asyncio.Future[Answer]]] = []
        self.tasks: set[asyncio.Task[None]] = set()


class QueryBatcher:
    """``ask`` answers about many entities; the loop's thread only."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._groups: dict[Any, _Group] = {}

    async def one(self, query: EvolutionQuery, access: Access, tenant: str) -> Answer:
        """The answer to a query with one selector for one id, as if it were asked alone."""
        (selector,) = query.selectors
        same = replace(query, selectors=(replace(selector, ids=()),), each=True)
        key = (tenant, access.key, same)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group()
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        group.waiting.append((selector.ids[0], future))
        if len(group.tasks) < _LANES:
            self._start(key, group, same, selector, access)
        return await future

    def _start(
        self, key: Any, group: _Group, same: EvolutionQuery, selector: EntityQuery, access: Access
    ) -> None:
        """A task of its own: that one of those who ask goes away must not leave the others waiting."""

        def done(ended: asyncio.Task[None]) -> None:
            group.tasks.discard(ended)
            if group.waiting and not ended.cancelled():  # came between the task's last look and now
                self._start(key, group, same, selector, access)
            elif not group.tasks:
                if self._groups.get(key) is group:
                    del self._groups[key]
                for _, future in group.waiting:  # the platform stops
                    future.cancel()

        task = asyncio.create_task(self._serve(group, same, selector, access, key[0]))
        group.tasks.add(task)
        task.add_done_callback(done)

    async def _serve(
        self, group: _Group, same: EvolutionQuery, selector: EntityQuery, access: Access, tenant: str
    ) -> None:
        while group.waiting:
            part, group.waiting = group.waiting[:_MOST], group.waiting[_MOST:]
            ids = tuple(dict.fromkeys(entity_id for entity_id, _ in part))
            query = replace(same, selectors=(replace(selector, ids=ids),), limit=len(ids))
            try:
                answer = await self._ask(query, access, tenant)
            except TooManyResults as error:
                if len(ids) == 1:
                    _fail(part, error)
                    continue
                for entity_id in ids:  # one of them is too large, or all together
                    await self._alone(entity_id, part, query, access, tenant)
            except Exception as error:
                _fail(part, error)
            else:
                _resolve(part, answer)

    async def _alone(
        self,
        entity_id: str,
        part: list[tuple[str, asyncio.Future[Answer]]],
        query: EvolutionQuery,
        access: Access,
        tenant: str,
    ) -> None:
        own = [one for one in part if one[0] == entity_id]
        selector = replace(query.selectors[0], ids=(entity_id,))
        try:
            answer = await self._ask(replace(query, selectors=(selector,), limit=1), access, tenant)
        except Exception as error:
            _fail(own, error)
        else:
            _resolve(own, answer)


def _resolve(part: list[tuple[str, asyncio.Future[Answer]]], answer: Answer) -> None:
    found = {entity["id"]: entity for entity in answer["entities"]}
    for entity_id, future in part:
        if future.done():
            continue
        own = found.get(entity_id)
        one: Answer = {"entities": [] if own is None else [own], "total": -1, "more": False}
        if own is not None and "range" in own:
            one["range"] = own["range"]
        future.set_result(one)


def _fail(part: list[tuple[str, asyncio.Future[Answer]]], error: Exception) -> None:
    for _, future in part:
        if not future.done():
            future.set_exception(error)
