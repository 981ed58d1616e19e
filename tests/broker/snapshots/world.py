"""A broker with snapshots and no door before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from andaman.broker.entity.represent import PLAIN, View
from andaman.broker.ledger.rows import fold
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.query.model import EntityQuery
from andaman.broker.service import Broker
from andaman.broker.snapshots.content import Content, Found, Local
from andaman.broker.snapshots.model import PREPARING, QUERIES, Limits, Snapshot, checked
from andaman.broker.snapshots.service import Snapshots
from andaman.identity.model import FULL_ACCESS, Access, Actor, Principal, system_actor

ME = system_actor("test")
EVERYTHING = EntityQuery(limit=1000)


def somebody(name: str, access: Access = FULL_ACCESS, *roles: str) -> Actor:
    return Actor(Principal(f"user:{name}", name, frozenset(roles)), access)


class World:
    def __init__(self, broker: Broker, snapshots: Snapshots) -> None:
        self.broker, self.snapshots = broker, snapshots

    async def put(self, *docs: Doc, tenant: str = "") -> None:
        ops = [
            WriteOp(
                OpKind.UPSERT_REPLACE,
                doc["id"],
                {name: doc[name] for name in ("type", "scope", "expiresAt", "attrs") if name in doc},
            )
            for doc in docs
        ]
        for result in await self.broker.write(ops, ME, tenant):
            assert result.error is None, result.error

    async def drop(self, *ids: str, tenant: str = "") -> None:
        await self.broker.write([WriteOp(OpKind.DELETE, one) for one in ids], ME, tenant)

    async def begin(
        self,
        *queries: EntityQuery,
        actor: Actor = ME,
        tenant: str = "",
        view: View = PLAIN,
        links: int = 0,
        content: Content | None = None,
        **members: Any,
    ) -> Snapshot:
        asked = content or Content([Found(Local((query,), view, links)) for query in queries])

        async def gather() -> Content:
            return asked

        listed = [{"type": "Query"} for _ in asked.entities or [0]]
        given = checked({"type": "Snapshot", QUERIES: listed, **members}, new=True)
        return await self.snapshots.create(given, gather, actor, tenant)

    async def made(self, one: Snapshot) -> Snapshot:
        async with asyncio.timeout(20):
            while one.status == PREPARING:  # noqa: ASYNC110 - it is told in no other way
                await asyncio.sleep(0.005)
        return one

    async def take(self, *queries: EntityQuery, **members: Any) -> Snapshot:
        return await self.made(await self.begin(*queries, **members))

    async def content(
        self, one: Snapshot, query: EntityQuery = EVERYTHING, reader: Actor = ME, tenant: str = ""
    ) -> list[Doc]:
        async with self.snapshots.using(one.id, reader, tenant) as (_, opened):
            return list(opened.broker.query(query, reader.access, tenant).docs)

    async def state_at(self, position: int, tenant: str = "") -> list[Doc]:
        """Entities after this journal position, in the order of creation: the oracle."""
        events = [one for one in await self.broker.read_events(0, 1_000_000) if one.seq <= position]
        return [doc for (where, _), doc in fold(events).items() if where == tenant]


@asynccontextmanager
async def world(directory: Path, limits: Limits | None = None, **options: Any) -> AsyncIterator[World]:
    broker = Broker.open(directory, history=False, min_free_bytes=0, **options)
    await broker.start()
    client = OutgoingClient(allow_private=True)
    snapshots = Snapshots(broker, directory, client, allow_private=True, limits=limits)
    await snapshots.start()
    try:
        yield World(broker, snapshots)
    finally:
        await snapshots.stop()
        client.close()
        await broker.close()


def thing(number: int, **attrs: Any) -> Doc:
    return {
        "id": f"urn:x:{number}",
        "type": ["x:A"],
        "attrs": {f"x:{name}": [{"type": "Property", "value": value}] for name, value in attrs.items()},
    }


def ids(docs: Sequence[Doc]) -> list[str]:
    return [str(doc["id"]) for doc in docs]
