"""The gap between skills required and skills held. Pure: people and records in, gap out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from andaman.kernel.time import DAY, Micros
from andaman.training.framework import Competency, StaffRole

SOON: Final = 90 * DAY


@dataclass(frozen=True, slots=True)
class Record:
    """A proof: ``person`` showed ``competency`` at ``level`` (0–4) at ``at``; ``evidence`` says by what."""

    person: str
    competency: str
    level: int
    at: Micros
    evidence: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """Someone who holds a role, by a staff code."""

    person: str
    role: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class GapRow:
    """One competency of one role. ``holders`` meet the level now; ``expiring`` of them lapse within 90 days;
    ``below`` have valid proof of a lower level; of ``unknown`` nothing is known now: no proof, or one that lapsed.
    ``missing`` = posts − holders, never below 0."""

    role: str
    competency: str
    level: int
    posts: int
    holders: int
    expiring: int
    below: int
    unknown: int
    missing: int


def held_levels(
    records: Iterable[Record], competencies: Mapping[str, Competency], at: Micros
) -> dict[tuple[str, str], tuple[int, Micros]]:
    """(person, competency) → (best level that is valid at ``at``, when that proof lapses). Level 0: proofs lapsed."""
    best: dict[tuple[str, str], tuple[int, Micros]] = {}
    for record in records:
        competency = competencies.get(record.competency)
        if competency is None or record.at > at:
            continue
        until = record.at + competency.valid_days * DAY
        key = (record.person, record.competency)
        candidate = (record.level, until) if until > at else (0, until)
        best[key] = max(best.get(key, (0, 0)), candidate)
    return best


def skill_gap(
    roles: Sequence[StaffRole],
    competencies: Mapping[str, Competency],
    members: Sequence[Member],
    records: Sequence[Record],
    at: Micros,
) -> list[GapRow]:
    """The gap at ``at``, one row for each requirement of each role, in the roles' order."""
    levels = held_levels(records, competencies, at)
    rows = []
    for role in roles:
        people = sorted({m.person for m in members if m.role == role.id})
        for competency, wanted in role.requires.items():
            proofs = [levels.get((person, competency)) for person in people]
            holders = [p for p in proofs if p is not None and p[0] >= wanted]
            unknown = sum(p is None or p[1] <= at for p in proofs)
            rows.append(
                GapRow(
                    role.id,
                    competency,
                    wanted,
                    role.posts,
                    len(holders),
                    sum(until <= at + SOON for _, until in holders),
                    len(people) - len(holders) - unknown,
                    unknown,
                    max(0, role.posts - len(holders)),
                )
            )
    return rows
