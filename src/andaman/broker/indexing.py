"""The effect of a committed batch on the index in memory."""

from __future__ import annotations

from typing import Final

import orjson

from andaman.broker.ledger.batch import UNKNOWN, Batch
from andaman.broker.ledger.rows import Texts
from andaman.broker.query.index import EntityIndex

_TOGETHER: Final = 20
"""New entities of a batch, from which on the index takes them as columns."""


def update_index(index: EntityIndex, layouts: Texts, batch: Batch) -> None:
    """Bring the index to the state after the batch, with as little parsing as can be; the loop's thread."""
    for (tenant, entity_id), attrs in batch.patches.items():
        index.patch(tenant, entity_id, attrs)
    new: dict[str, list[tuple[int, str, str, bytes]]] = {}  # creation order, then what the index takes
    for key, (before, after) in batch.docs.items():
        tenant, entity_id = key
        if key in batch.reborn:
            index.remove(tenant, entity_id)
            before = None
        if after is not None:
            if before is not None:
                index.put(tenant, after, None if before is UNKNOWN else before)
            elif (kept := batch.state[key]) is not None:
                row = kept[0]
                new.setdefault(tenant, []).append((row[0], entity_id, layouts.text(row[3]), row[4]))
        elif before is not None:
            index.remove(tenant, entity_id)
    for tenant, rows in new.items():
        rows.sort()
        if len(rows) >= _TOGETHER:
            index.add_new(tenant, [row[1:] for row in rows])
        else:
            for _, entity_id, _, _ in rows:
                kept = batch.state[tenant, entity_id]
                assert kept is not None
                index.put(tenant, orjson.loads(kept[0][1]))
