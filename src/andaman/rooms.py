"""The rooms of the platform, in the order in which they are built and started. They stop in reverse.

The first wraps all others: every request passes the log of requests, then the gate. The screens come last of the doors, since
they answer every path that no other room has.
"""

from __future__ import annotations

from typing import Final

from andaman.approvals.room import RESUME
from andaman.approvals.room import ROOM as APPROVALS
from andaman.assessment.room import ROOM as ASSESSMENT
from andaman.broker.room import EXCHANGE, STORE
from andaman.catalogue.room import ROOM as CATALOGUE
from andaman.city.room import ROOM as CITY
from andaman.command.room import ROOM as COMMAND
from andaman.definitions.room import ROOM as DEFINITIONS
from andaman.doors.accounts import ROOM as ACCOUNTS
from andaman.doors.live.room import ROOM as LIVE
from andaman.doors.ngsild.room import ROOM as NGSI_LD
from andaman.doors.past.room import ROOM as PAST
from andaman.doors.tiles.room import ROOM as TILES
from andaman.doors.web import ROOM as WEB
from andaman.evidence.room import ROOM as EVIDENCE
from andaman.identity.room import ROOM as IDENTITY
from andaman.ingest.room import ROOM as INGEST
from andaman.keeping.room import BLOBS, SECRETS
from andaman.kernel.permissions import by_name
from andaman.maintenance.room import BACKUPS, FIRST, SIDE_FILES
from andaman.observe.room import ROOM as OBSERVE
from andaman.programme.room import ROOM as PROGRAMME
from andaman.roadmap.room import ROOM as ROADMAP
from andaman.room import Room, stores_of, types_of
from andaman.training.room import ROOM as TRAINING

ROOMS: Final[tuple[Room, ...]] = (
    OBSERVE,
    FIRST,
    IDENTITY,
    STORE,
    SIDE_FILES,
    SECRETS,
    BLOBS,
    APPROVALS,
    DEFINITIONS,
    CITY,
    CATALOGUE,
    EVIDENCE,
    ACCOUNTS,
    EXCHANGE,
    NGSI_LD,
    LIVE,
    PAST,
    TILES,
    COMMAND,
    INGEST,
    ASSESSMENT,
    ROADMAP,
    TRAINING,
    PROGRAMME,
    RESUME,
    WEB,
    BACKUPS,
)
TYPES: Final = types_of(ROOMS)
STORES: Final = stores_of(ROOMS)
BROKER_ROOMS: Final = tuple(room for room in ROOMS if room.of_broker)
"""A platform that is only a broker."""
PERMISSIONS: Final = by_name(one for room in ROOMS for one in room.permissions)
"""Name → permission. Of all rooms: a roles file is in order, whichever of them are part of a platform."""
