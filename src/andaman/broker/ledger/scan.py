"""The plainest index there is: it keeps ids, and asks the reference evaluator about every entity.

It has the same door as ``broker/query/index.py`` and is the yardstick for it in tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import orjson

from andaman.broker.ledger.rights import visible
from andaman.broker.model import Doc
from andaman.broker.query.evaluate import matches
from andaman.broker.query.model import EntityQuery, Page
from andaman.identity.model import Access

FACTS_VERSION = 0


def index_facts(doc: Doc) -> tuple[str, bytes]:
    """Types and scopes: all that this index keeps."""
    return orjson.dumps([doc["type"], doc.get("scope", ())]).decode(), b""


Load = Callable[[Sequence[str]], list[Doc]]


class ScanIndex:
    """Types and scopes of every entity by tenant and id, in creation order."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, tuple[Sequence[str], Sequence[str]]]] = {}

    def put(self, tenant: str, doc: Doc, before: Doc | None) -> None:
        self._ids.setdefault(tenant, {})[doc["id"]] = (doc["type"], doc.get("scope", ()))

    def remove(self, tenant: str, entity_id: str) -> None:
        self._ids.get(tenant, {}).pop(entity_id, None)

    def bulk_load(self, tenant: str, rows: Iterable[tuple[str, str, bytes]]) -> None:
        kept = self._ids.setdefault(tenant, {})
        for entity_id, layout, _ in rows:
            types, scopes = orjson.loads(layout)
            kept[entity_id] = (types, scopes)

    def ids(self, tenant: str, types: Sequence[str], access: Access) -> list[str]:
        """Visible entities that have one of these types (any when empty)."""
        return [
            entity_id
            for entity_id, (own, scopes) in self._ids.get(tenant, {}).items()
            if (not types or not set(types).isdisjoint(own)) and access.sees(own, scopes)
        ]

    def select(self, tenant: str, query: EntityQuery, access: Access, load: Load) -> Page:
        def follow(entity_id: str) -> tuple[Doc, frozenset[str]] | None:
            docs = [shown for doc in load([entity_id]) if (shown := visible(doc, access)) is not None]
            return (docs[0], frozenset()) if docs else None

        docs = [visible(doc, access) for doc in load(self.ids(tenant, (), access))]
        found = [doc for doc in docs if doc is not None and matches(doc, query, follow=follow)]
        page: list[dict[str, object]] = list(found[query.offset : query.offset + query.limit])
        return Page(page, len(found) if query.count else -1)
