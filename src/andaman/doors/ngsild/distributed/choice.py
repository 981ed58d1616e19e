"""Chooses the sources to ask: registrations that match, without brokers that the request has passed. The caller must
have the right to write through them (CIM 009 §4.3.6.4, §5.5.9, §6.3.17).
"""

from __future__ import annotations

from andaman.broker.contexts import Context
from andaman.broker.registry.match import Spec
from andaman.broker.registry.model import Info, Registration
from andaman.doors.ngsild import provision
from andaman.doors.ngsild.distributed.faults import LoopDetected
from andaman.doors.ngsild.distributed.naming import Matches, offered
from andaman.doors.ngsild.distributed.plan import Part
from andaman.doors.ngsild.distributed.sources import Outcome, Sources
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Call
from andaman.kernel.errors import Forbidden


def sources_of(door: Door) -> Sources:
    assert door.sources is not None
    return door.sources


# -- for reading -------------------------------------------------------------------------------------------------


def chosen(door: Door, call: Call, spec: Spec, *operations: str) -> list[tuple[Registration, list[Info]]]:
    """Registrations that match and offer one of the operations; none where the request came by here before."""
    there = None if door.sources is None else door.sources.registry.of(call.tenant)
    if there is None:
        return []
    found = [
        (one, infos)
        for one, infos in there.matching(spec)
        if not one.temporal and any(name in one.operations for name in operations)
    ]
    return unvisited(door, call, offered(found, call.actor.access))


def unvisited(
    door: Door, call: Call, found: list[tuple[Registration, list[Info]]]
) -> list[tuple[Registration, list[Info]]]:
    """Without those whose brokers the request has passed; none at all where it passed this one (§4.3.6.4)."""
    if not found or b"via" not in call.headers:
        return found
    passed = sources_of(door).came_by(call)
    if door.alias(call.tenant) in passed:
        return []
    return [(one, infos) for one, infos in found if one.alias not in passed or not one.alias]


def looped(door: Door, call: Call, spec: Spec, *operations: str) -> list[Outcome]:
    """The outcomes for a request that came by here before: its matching sources lead in a circle (§6.3.17)."""
    if b"via" not in call.headers or door.sources is None:
        return []
    there = door.sources.registry.of(call.tenant)
    if there is None or door.alias(call.tenant) not in door.sources.came_by(call):
        return []
    return [
        Outcome(
            one, 0, error=LoopDetected(f"{one.id} leads back to where the request came from"), warning=199
        )
        for one, _ in offered(there.matching(spec), call.actor.access)
        if not one.temporal and any(name in one.operations for name in operations)
    ]


# -- for writing -------------------------------------------------------------------------------------------------


def write_matches(door: Door, call: Call, spec: Spec) -> tuple[Matches, bool]:
    """Registrations that match a write, and whether the request came by here before."""
    there = sources_of(door).registry.of(call.tenant)
    if there is None:
        return [], False
    found = [
        (one, infos)
        for one, infos in offered(there.matching(spec), call.actor.access)
        if one.mode != "auxiliary" and not one.temporal
    ]
    if not found or b"via" not in call.headers:
        return found, False
    passed = sources_of(door).came_by(call)
    if door.alias(call.tenant) in passed:
        return found, True
    return [(one, infos) for one, infos in found if not one.alias or one.alias not in passed], False


def without_loop(matches: Matches, looped: bool) -> Matches:
    """For a request that came by here before. Sources that share the data are not asked again. Raises LoopDetected if
    the data is held elsewhere only (§6.3.17).
    """
    if not looped:
        return matches
    if any(one.proxied for one, _ in matches):
        raise LoopDetected(
            "The request has been here before; its data is registered at a source that leads back here"
        )
    return []


def known_types(
    door: Door, call: Call, entity_id: str, given: dict[str, str], context: Context
) -> frozenset[str]:
    """The entity's types as far as the broker knows them: those asked for, else those it holds."""
    if "type" in given:
        return frozenset(provision.expected_types(given, context))
    doc = door.broker.find(entity_id, call.actor.access, call.tenant)
    return frozenset() if doc is None else frozenset(doc["type"])


def check_right(call: Call, part: Part, types: frozenset[str], attrs: frozenset[str]) -> None:
    """Writing through a registration needs the rights that writing here needs."""
    names = types or frozenset(
        name for info in part.registration.information for one in info.entities for name in one.types
    )
    if not call.actor.access.may_write(sorted(names), (), sorted(attrs)):
        raise Forbidden(f"You may not write this through {part.registration.id}")
