"""The parameters of linked-entity retrieval (CIM 009 §4.5.23); the following itself is in broker/entity/linked.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from andaman.broker.contexts import Context
from andaman.broker.entity.linked import Find, Join, Linker
from andaman.broker.entity.names import check_uri
from andaman.broker.entity.projection import MAX_LEVEL, parse_projection
from andaman.broker.model import Doc
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Call
from andaman.kernel.errors import BadRequestData, ResourceNotFound
from andaman.kernel.time import Micros

__all__ = ["Join", "Linker", "finder", "join_of"]


def finder(door: Door, call: Call, at: Micros | None) -> Find:
    """Entities as the caller may see them, now or as of a time."""
    broker, access, tenant = door.broker, call.actor.access, call.tenant

    async def find(entity_id: str) -> Doc | None:
        if at is None:
            return broker.find(entity_id, access, tenant)
        try:
            return await broker.get_at(at, entity_id, access, tenant)
        except ResourceNotFound:
            return None

    return find


def join_of(given: Mapping[str, Any], context: Context) -> Join | None:
    """The join of a request, or None. Raises BadRequestData, also where members of linked entities lack one."""
    mode = given.get("join", "@none")
    if mode not in ("inline", "flat", "@none"):
        raise BadRequestData("join must be inline, flat or @none", field="join")
    text = str(given.get("joinLevel", "1"))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= MAX_LEVEL):
        raise BadRequestData(f"joinLevel must be a whole number from 1 to {MAX_LEVEL}", field="joinLevel")
    pick = parse_projection(given["pick"], "pick", context) if "pick" in given else None
    omit = parse_projection(given["omit"], "omit", context) if "omit" in given else None
    level = int(text) if mode != "@none" else 0
    for name, projection in (("pick", pick), ("omit", omit)):
        if projection is not None and projection.depth() > level:
            raise BadRequestData(
                f"{name} asks for members of linked entities {projection.depth()} deep; join and joinLevel "
                f"allow {level}",
                field=name,
            )
    if mode == "@none":
        if "joinLevel" in given or "containedBy" in given:
            raise BadRequestData("joinLevel and containedBy go with join", field="join")
        return None
    known = str(given.get("containedBy", ""))
    ids = frozenset(check_uri(one, "containedBy") for one in known.split(",") if one)
    return Join(mode, level, pick, omit, ids)
