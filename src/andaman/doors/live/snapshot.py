"""Reading a state in slices, so that neither the loop nor memory is held up by a big one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from time import perf_counter
from typing import Final, cast

from andaman.broker.api import Broker, Doc, EntityQuery, TypeExpr, TypeIs, TypeOr
from andaman.doors.live.hub import live_text
from andaman.doors.live.view import Filter, bounds_of
from andaman.identity.model import Access
from andaman.kernel.time import Micros

SLICE: Final = 200
_PIECE_S: Final = 0.003
_PIECE_BYTES: Final = 128 * 1024
"""A slice ends earlier when it has taken so long or has become so large."""
_AT_MAX: Final = 1_000_000


async def iter_state(
    broker: Broker,
    wanted: Filter,
    access: Access,
    at: Micros | None = None,
    turn: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> AsyncGenerator[dict[str, str], None]:
    """Slices of entity id → live form as JSON text: the present, or the state as it was known at ``at``. Each is made in a
    ``turn``, and sent outside of it.

    Of the present, each entity is as it was at some moment since the call; the events since then make up the
    difference.
    """
    docs: Iterable[Doc]
    if at is None:
        docs = broker.iter_entities(sorted(wanted.types), access, wanted.tenant)
    else:
        query = EntityQuery(types=_type_expression(wanted), limit=_AT_MAX)
        docs = cast("list[Doc]", (await broker.query_at(at, query, access, wanted.tenant)).docs)
    rest = iter(docs)
    more = True
    while more:
        async with turn():
            piece, more = _next_part(rest, wanted)
            await asyncio.sleep(0)  # whoever else waits for the loop comes before the next piece
        if piece:
            yield piece


def _next_part(rest: Iterator[Doc], wanted: Filter) -> tuple[dict[str, str], bool]:
    """The next slice, and whether there may be more."""
    until = perf_counter() + _PIECE_S
    made: dict[str, str] = {}
    size = 0
    for number, doc in enumerate(rest, 1):
        if wanted.bbox is None or wanted.inside(bounds_of(doc)):
            text = made[doc["id"]] = live_text(doc)
            size += len(text)
        if number >= SLICE or size >= _PIECE_BYTES or perf_counter() >= until:
            return made, True
    return made, False


def _type_expression(wanted: Filter) -> TypeExpr | None:
    parts = tuple(TypeIs(iri) for iri in sorted(wanted.types))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else TypeOr(parts)
