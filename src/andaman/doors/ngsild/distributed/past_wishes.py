"""The wishes of a question about the past that concern sources rather than entities (CIM 009 §4.9, §5.7.4.3). They say
which sources may be asked, and whether entities may be in parts at several of them.
"""

from __future__ import annotations

from typing import NamedTuple

from andaman.broker.query.ast import QExpr
from andaman.broker.query.parse import parse_q
from andaman.doors.ngsild import temporal
from andaman.doors.ngsild.distributed.bodies import replay
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Call, parse_parameters
from andaman.kernel.errors import AndamanError


class Wishes(NamedTuple):
    """``csf``: a filter over sources. ``split``: entities may be split, so that filters wait until they are together."""

    csf: QExpr | None = None
    split: bool = False


async def wishes_of(door: Door, call: Call) -> tuple[Call, Wishes]:
    """The wishes, and the request with its body to be read still. What is wrong with either the handler says."""
    raw = None
    try:
        if call.method == "POST":
            raw = await call.body(door.options.max_body)
            if b'"csf"' not in raw and b'"splitEntities"' not in raw:
                return replay(call, raw), Wishes()
            payload, ld = await replay(call, raw).json(door.options.max_body)
            context = await door.body_context(call, payload, ld)
            given = payload if isinstance(payload, dict) else {}
            split = given.get("splitEntities") is True
        else:
            if b"csf=" not in call.query_string and b"splitEntities=" not in call.query_string:
                return call, Wishes()
            context = await door.link_context(call)
            given = parse_parameters(call.query_string, temporal.QUERYING | temporal.RETRIEVING)
            split = given.get("splitEntities") == "true"
        text = given.get("csf")
        wishes = Wishes(parse_q(text, context.expand_term) if isinstance(text, str) else None, split)
    except AndamanError:
        if call.method == "POST" and raw is None:
            raise
        wishes = Wishes()
    return (call if raw is None else replay(call, raw)), wishes
