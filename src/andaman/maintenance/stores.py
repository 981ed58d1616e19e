"""The small stores of a data directory, as their rooms declare them. The start, the doctor and the backup read this list."""

from __future__ import annotations

from typing import Final

from andaman.broker.contexts import book as contexts
from andaman.broker.registry import map_store
from andaman.broker.registry import store as registry
from andaman.broker.snapshots import store as snapshots
from andaman.broker.subscriptions import store as subscriptions
from andaman.command import keeping
from andaman.identity import store as identity
from andaman.ingest import deadletter, offsets
from andaman.kernel.tables import StoreKind

STORES: Final[tuple[StoreKind, ...]] = (
    identity.KIND,
    subscriptions.KIND,
    registry.KIND,
    snapshots.KIND,
    contexts.KIND,
    deadletter.KIND,
    offsets.KIND,
    map_store.KIND,
    keeping.KIND,
)
PRECIOUS: Final = {kind.file: kind.holds for kind in STORES if kind.precious}
"""A start refuses to go on without them."""
NOTED: Final = tuple(kind.file for kind in STORES if kind.backed_up)
"""Those that are missed once they were there."""
