"""Making, naming and finding entity maps (CIM 009 §4.5.25, §6.3.21)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from andaman.broker.query.period import parse_period
from andaman.broker.registry.maps import EntityMap
from andaman.doors.ngsild.door import BASE, Door
from andaman.doors.ngsild.http import Call
from andaman.kernel.errors import BadRequestData
from andaman.kernel.ids import sortable_id, urn
from andaman.kernel.time import DAY, MINUTE, Micros

LIFETIME: Final = 10 * MINUTE
LONGEST: Final = 1 * DAY
_MONTH: Final = 30 * DAY


def lifetime_of(given: Mapping[str, Any]) -> Micros:
    """``entityMapLifetime``, an ISO 8601 duration, within the broker's bounds. Raises BadRequestData."""
    text = given.get("entityMapLifetime")
    if text is None:
        return LIFETIME
    try:
        period = parse_period(str(text))
    except BadRequestData as error:
        raise BadRequestData(f"entityMapLifetime: {error.detail}", field="entityMapLifetime") from None
    asked = period.months * _MONTH + period.days * DAY + period.micros
    return min(LONGEST, asked or LIFETIME)


def keep_map(door: Door, call: Call, entries: dict[str, tuple[str, ...]], lifetime: Micros) -> EntityMap:
    """A new map, the caller's own. ``entries``: entity → where it was found."""
    now = door.clock()
    made = EntityMap(
        urn("EntityMap", sortable_id(now)),
        call.tenant,
        call.actor.principal.id,
        now + lifetime,
        call.actor.access.key,
        entries,
    )
    door.maps.add(made, now)
    return made


def map_header(one: EntityMap) -> tuple[bytes, bytes]:
    return (b"NGSILD-EntityMap", f"{BASE}/entityMaps/{one.id}".encode())


def referenced_map(door: Door, call: Call) -> EntityMap | None:
    """The map that the header NGSILD-EntityMap names, when it is there, not over and the caller's to use."""
    reference = call.headers.get(b"ngsild-entitymap")
    name = reference.decode("latin-1").rstrip("/").rpartition("/")[2] if reference else ""
    return door.maps.find(name, call.actor, call.tenant, door.clock()) if name else None
