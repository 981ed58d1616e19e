"""The plan that divides a write among sources (CIM 009 §4.3.6, §5.6.1.4 and its likes). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from andaman.broker.registry.model import Info, Registration

_ORDER: Final = ("exclusive", "redirect", "inclusive")


@dataclass(frozen=True, slots=True)
class Part:
    """The part of one source. ``attrs`` None: the operation as a whole. Not ``supported``: a Conflict."""

    registration: Registration
    attrs: frozenset[str] | None
    supported: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """``rest``: attributes that the broker handles itself; None: everything; ``local``: does it do anything itself?"""

    parts: tuple[Part, ...]
    rest: frozenset[str] | None
    local: bool


def plan_write(
    matches: Sequence[tuple[Registration, Sequence[Info]]], operation: str, attrs: frozenset[str]
) -> Plan:
    """Exclusive sources take their attributes first; redirect sources take theirs from the rest (each of them all of
    it). Inclusive ones get a copy of the remainder, which the broker handles itself. ``attrs`` empty: the entity has
    none, so that only registrations without names cover it.
    """
    parts: list[Part] = []
    left = attrs
    taken = False
    for mode in _ORDER:
        covered_here: set[str] = set()
        for registration, infos in matches:
            if registration.mode != mode:
                continue
            covered = _covered(infos, left)
            if covered is None:
                continue
            supported = operation in registration.operations
            if mode == "inclusive":
                if supported:
                    parts.append(Part(registration, None if covered == attrs else covered, True))
                continue
            parts.append(Part(registration, None if covered == attrs else covered, supported))
            covered_here |= covered
            taken = True
        left -= covered_here
    local = bool(left) or not taken
    return Plan(tuple(parts), None if left == attrs else left, local)


def plan_whole(matches: Sequence[tuple[Registration, Sequence[Info]]], operation: str) -> Plan:
    """Deletion and the like: every source that holds some of the entity is asked, and the broker itself (§5.6.6.4)."""
    parts = [
        Part(one, None, operation in one.operations)
        for mode in _ORDER
        for one, _ in matches
        if one.mode == mode and (one.proxied or operation in one.operations)
    ]
    return Plan(tuple(parts), None, True)


def _covered(infos: Sequence[Info], attrs: frozenset[str]) -> frozenset[str] | None:
    """The attributes that these elements cover; None: nothing of the entity at all."""
    if any(not info.names for info in infos):
        return attrs
    found = attrs & frozenset().union(*(info.names for info in infos))
    return found or None
