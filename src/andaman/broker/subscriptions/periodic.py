"""The content of a periodic notification: everything that matches at that time (CIM 009 §5.8.6, timeInterval)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from andaman.broker.entity.linked import Find
from andaman.broker.query.model import EntityQuery
from andaman.broker.service import Broker
from andaman.broker.subscriptions.model import Selector, Subscription
from andaman.broker.subscriptions.notice import entities_json
from andaman.identity.model import Access
from andaman.kernel.errors import NoSuchTenant


async def matching(
    broker: Broker, sub: Subscription, access: Access, find: Find, per_part: int
) -> AsyncIterator[list[bytes]]:
    """The matching entities as JSON, in parts; each entity once, no part empty."""
    told: set[str] = set()
    condition = sub.condition
    for selector in condition.selectors or (Selector(None),):
        offset = 0
        while True:
            query = EntityQuery(
                types=selector.types,
                ids=tuple(sorted(selector.ids)),
                id_pattern=selector.pattern,
                q=condition.q,
                geo=condition.geo,
                scope=condition.scope,
                limit=per_part,
                offset=offset,
            )
            try:
                page = await broker.query_async(query, access, sub.tenant)
            except NoSuchTenant:
                return
            fresh = [doc for doc in page.docs if doc["id"] not in told]
            told.update(str(doc["id"]) for doc in fresh)
            if fresh:
                yield entities_json(sub, fresh, find)
            if len(page.docs) < per_part:
                break
            offset += per_part
