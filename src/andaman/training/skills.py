"""The gap between skills required and skills held. Pure: people and records in, gap out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from andaman.kernel.time import DAY, Micros
from andaman.training.framework import Competency, StaffRole

SOON: Final = 90 * DAY


@dataclass(frozen=True, slots=True)
class Record:
    """A proof: ``person`` showed ``competency`` at ``level`` (0–4) at ``at``; ``evidence`` says by what. ``id``: of its entity."""

    person: str
    competency: str
    level: int
    at: Micros
    evidence: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """Someone who holds a role, by a staff code. ``id``: of the entity that says so."""

    person: str
    role: str
    simulated: bool = False
    id: str = ""


class State(StrEnum):
    """Of one person and one requirement. HOLDER: a valid proof of the level or above. BELOW: valid proof of a lower level only.
    EXPIRED: no valid proof, but a lapsed one of the level or above. UNKNOWN: neither."""

    HOLDER = "holders"
    BELOW = "below"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Proof:
    record: Record
    until: Micros


@dataclass(frozen=True, slots=True)
class Standing:
    """``proof``: the one that decides; None where there is none. ``expiring``: a holder, but for less than ``SOON``."""

    person: str
    state: State
    proof: Proof | None
    expiring: bool = False


@dataclass(frozen=True, slots=True)
class GapRow:
    """One competency of one role, people by their state. ``expiring`` of the holders lapse within 90 days;
    ``missing`` = posts − holders, never below 0."""

    role: str
    competency: str
    level: int
    posts: int
    holders: int
    expiring: int
    below: int
    expired: int
    unknown: int
    missing: int


def proofs_of(
    records: Iterable[Record], competencies: Mapping[str, Competency], at: Micros
) -> dict[tuple[str, str], list[Proof]]:
    """(person, competency) → the proofs up to ``at``, lapsed ones too."""
    found: dict[tuple[str, str], list[Proof]] = {}
    for record in records:
        competency = competencies.get(record.competency)
        if competency is not None and record.at <= at:
            proof = Proof(record, record.at + competency.valid_days * DAY)
            found.setdefault((record.person, record.competency), []).append(proof)
    return found


def standing(person: str, wanted: int, proofs: Sequence[Proof], at: Micros) -> Standing:
    """``proofs``: of the person and the competency."""

    def best(of: Iterable[Proof]) -> Proof | None:
        return max(of, key=lambda one: (one.record.level, one.until), default=None)

    valid = best(one for one in proofs if one.until > at)
    lapsed = best(one for one in proofs if one.until <= at)
    if valid is not None:
        if valid.record.level < wanted:
            return Standing(person, State.BELOW, valid)
        return Standing(person, State.HOLDER, valid, valid.until <= at + SOON)
    if lapsed is not None and lapsed.record.level >= wanted:
        return Standing(person, State.EXPIRED, lapsed)
    return Standing(person, State.UNKNOWN, lapsed)


def standings(
    role: str,
    competency: str,
    wanted: int,
    members: Sequence[Member],
    proofs: Mapping[tuple[str, str], Sequence[Proof]],
    at: Micros,
) -> list[Standing]:
    """Of everybody who holds the role."""
    people = sorted({m.person for m in members if m.role == role})
    return [standing(person, wanted, proofs.get((person, competency), ()), at) for person in people]


def skill_gap(
    roles: Sequence[StaffRole],
    competencies: Mapping[str, Competency],
    members: Sequence[Member],
    records: Sequence[Record],
    at: Micros,
) -> list[GapRow]:
    """The gap at ``at``, one row for each requirement of each role, in the roles' order."""
    proofs = proofs_of(records, competencies, at)
    rows = []
    for role in roles:
        for competency, wanted in role.requires.items():
            people = standings(role.id, competency, wanted, members, proofs, at)
            count = {state: sum(one.state is state for one in people) for state in State}
            rows.append(
                GapRow(
                    role.id,
                    competency,
                    wanted,
                    role.posts,
                    count[State.HOLDER],
                    sum(one.expiring for one in people),
                    count[State.BELOW],
                    count[State.EXPIRED],
                    count[State.UNKNOWN],
                    max(0, role.posts - count[State.HOLDER]),
                )
            )
    return rows
