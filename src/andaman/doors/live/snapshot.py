"""Reading a state in slices, so that neither the loop nor memory is held up by a big one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import Final, cast

from andaman.broker.model import Doc
from andaman.broker.query.ast import TypeExpr, TypeIs, TypeOr
from andaman.broker.query.model import EntityQuery
from andaman.broker.service import Broker
from andaman.doors.live.hub import live_text
from andaman.doors.live.view import Filter, bounds_of
from andaman.identity.model import Access
from andaman.kernel.time import Micros

SLICE: Final = 200
_AT_MAX: Final = 1_000_000


async def iter_state(
    broker: Broker, wanted: Filter, access: Access, at: Micros | None = None
) -> AsyncIterator[dict[str, str]]:
    """Slices of entity id → live form as JSON text: the present, or the state as it was known at ``at``.

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
    while chunk := list(islice(rest, SLICE)):
        yield {
            doc["id"]: live_text(doc) for doc in chunk if wanted.bbox is None or wanted.inside(bounds_of(doc))
        }
        await asyncio.sleep(0)


def _type_expression(wanted: Filter) -> TypeExpr | None:
    parts = tuple(TypeIs(iri) for iri in sorted(wanted.types))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else TypeOr(parts)
