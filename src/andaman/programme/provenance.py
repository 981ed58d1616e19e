"""Where a piece of evidence came from, and so whether it shows an achievement. Pure.

Only a record that arose in real operation counts as achieved. The origin of the entity, everybody who wrote it, and the
entities that it refers to decide; the wish of a person never does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from andaman.broker.api import Written
from andaman.evidence.authors import FEED, SYSTEM, is_by_hand
from andaman.kernel.words import Words

MADE_UP: Final = frozenset({"replayed", "simulated"})
"""Origins of what did not happen here and now, as for indicators."""
_OBSERVED: Final = frozenset({"measured", "reported"})
_SIMULATOR: Final = "system:simulator"
_FOR_PEOPLE: Final = frozenset(
    {("system:training", "LearningRecord"), ("system:training", "Enrolment"), ("system:drill", "DrillRun")}
)
"""What the platform writes because a person did it."""
_RULES: Final = "system:rules"
DRILL: Final = "DrillRun"


class Provenance(StrEnum):
    OPERATION = "operation"
    """It arose in real operation: it counts."""
    SHIPPED = "shipped"
    REPLAYED = "replayed"
    SIMULATED = "simulated"
    COMPUTED = "computed"
    """Computed from data that did not arise in operation."""
    DEMO = "demo"
    """By or about an account of the demonstration, or a simulated person."""
    FAILED = "failed"
    """A drill that was not passed."""
    HAND_WRITTEN = "handWritten"
    """Somebody wrote the record itself, and no procedure of the platform made it."""
    UNKNOWN = "unknown"
    """The journal does not say who wrote it."""


WORDS: Final = {
    Provenance.OPERATION: Words("เกิดจากการใช้งานจริง", "from real operation"),
    Provenance.SHIPPED: Words("ติดตั้งมากับระบบ", "shipped with the platform"),
    Provenance.REPLAYED: Words("ข้อมูลย้อนหลัง", "replayed"),
    Provenance.SIMULATED: Words("ข้อมูลจำลอง", "simulated"),
    Provenance.COMPUTED: Words("คำนวณจากข้อมูลที่ไม่ได้เกิดจากการใช้งานจริง", "computed from other data"),
    Provenance.DEMO: Words("บัญชีสาธิตหรือบุคคลสมมติ", "demonstration accounts or simulated people"),
    Provenance.FAILED: Words("การฝึกที่ไม่ผ่าน", "drills not passed"),
    Provenance.HAND_WRITTEN: Words("บันทึกด้วยมือ", "written by hand"),
    Provenance.UNKNOWN: Words("ไม่ทราบผู้บันทึก", "author unknown"),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Known facts about an entity. ``written``: its authors, the first one first. ``persons``: principals that it names.
    ``linked``: origins of the entities that it refers to or that belong to it. ``inputs``: of a computed result, where each
    of its inputs came from. ``passed``: of a drill."""

    types: tuple[str, ...]
    origin: str
    written: Sequence[Written]
    persons: Sequence[str] = ()
    linked: Sequence[str] = ()
    inputs: Sequence[Provenance] = ()
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """``authors``: principals who wrote it by hand."""

    kind: Provenance
    authors: tuple[str, ...] = ()


def judged(facts: Facts, made_up_people: frozenset[str]) -> Judgement:
    """Whether the entity is evidence from real operation, and if not, why. The first reason that applies is given."""
    if made := _made_up(facts):
        return Judgement(made)
    if not facts.written:
        return Judgement(Provenance.UNKNOWN)
    if authors := tuple(dict.fromkeys(one.actor for one in facts.written if is_by_hand(one))):
        return Judgement(Provenance.HAND_WRITTEN, authors)
    if not made_up_people.isdisjoint([*facts.persons, *(one.actor for one in facts.written)]):
        return Judgement(Provenance.DEMO)
    if DRILL in facts.types and not facts.passed:
        return Judgement(Provenance.FAILED)
    return Judgement(_by_author(facts))


def _made_up(facts: Facts) -> Provenance | None:
    """Drills take place in a simulated city by their nature; everything else of that origin is make-believe."""
    origins = facts.linked if DRILL in facts.types else (facts.origin, *facts.linked)
    if "simulated" in origins or any(one.actor == _SIMULATOR for one in facts.written):
        return Provenance.SIMULATED
    return Provenance.REPLAYED if "replayed" in origins else None


def _by_author(facts: Facts) -> Provenance:
    """By who made the entity first. Shipped entries stay shipped, also after somebody edits them."""
    author = facts.written[0].actor
    if not author.startswith(SYSTEM):
        return Provenance.OPERATION  # a step of a room, or a device
    if any((author, kind) in _FOR_PEOPLE for kind in facts.types):
        return Provenance.OPERATION
    if author == _RULES or author.startswith(FEED):
        return Provenance.OPERATION if facts.origin in _OBSERVED else Provenance.COMPUTED
    if facts.origin == "computed":
        firm = bool(facts.inputs) and all(one is Provenance.OPERATION for one in facts.inputs)
        return Provenance.OPERATION if firm else Provenance.COMPUTED
    return Provenance.SHIPPED


def counted(kinds: Iterable[Provenance]) -> dict[Provenance, int]:
    """How many of each, in the order of ``Provenance``."""
    found = dict.fromkeys(Provenance, 0)
    for kind in kinds:
        found[kind] += 1
    return {kind: number for kind, number in found.items() if number}
