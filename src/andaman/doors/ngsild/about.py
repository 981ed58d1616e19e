"""The broker's description of itself: its identity among others (CIM 009 §5.15.1), and its OpenAPI document."""

from __future__ import annotations

from andaman import __version__
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call, json_answer
from andaman.doors.ngsild.openapi import openapi
from andaman.kernel.time import format_time


async def source_identity(door: Door, call: Call) -> Answer:
    """GET /info/sourceIdentity (§5.15.1)."""
    call.parameters(frozenset())
    now = door.clock()
    content = {
        "id": f"urn:ngsi-ld:ContextSourceIdentity:{door.alias(call.tenant)}",
        "type": "ContextSourceIdentity",
        "contextSourceAlias": door.alias(call.tenant),
        "contextSourceUptime": f"PT{max(0, now - door.started) // 1_000_000}S",
        "contextSourceTimeAt": format_time(now),
        "contextSourceExtras": {"version": __version__},
    }
    return json_answer(content)


async def describe(door: Door, call: Call) -> Answer:
    """GET /openapi.json."""
    return json_answer(openapi())
