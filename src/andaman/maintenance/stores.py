"""The small stores of a data directory, as their rooms declare them. The start, the doctor and the backup read this list."""

from __future__ import annotations

from typing import Final

from andaman.approvals.room import ROOM as APPROVALS
from andaman.broker.room import EXCHANGE
from andaman.command.room import ROOM as COMMAND
from andaman.definitions.room import ROOM as DEFINITIONS
from andaman.identity.room import ROOM as IDENTITY
from andaman.ingest.room import ROOM as INGEST
from andaman.keeping.room import SECRETS
from andaman.kernel.tables import StoreKind

ROOMS_WITH_STORES: Final = (IDENTITY, APPROVALS, DEFINITIONS, SECRETS, EXCHANGE, COMMAND, INGEST)
STORES: Final[tuple[StoreKind, ...]] = tuple(kind for room in ROOMS_WITH_STORES for kind in room.stores)
PRECIOUS: Final = {kind.file: kind.holds for kind in STORES if kind.precious}
"""A start refuses to go on without them."""
NOTED: Final = tuple(kind.file for kind in STORES if kind.backed_up)
"""Those that are missed once they were there."""
