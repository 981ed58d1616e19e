"""A proposal that a second person approves: its content, its digest and its states. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgspec

from andaman.approvals.problems import ProposalChanged, ProposalDecided, SecondPersonNeeded
from andaman.kernel.digests import content_digest
from andaman.kernel.time import DAY, Micros
from andaman.kernel.words import Words

OPEN_FOR: Final[Micros] = 14 * DAY
"""A proposal that nobody decides ends after this time."""


class State(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    """Decided, and the action is not done yet."""
    DONE = "done"
    FAILED = "failed"
    """Approved, and the action was refused; ``note`` says why."""
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


STATE_WORDS: Final = {
    State.OPEN: Words("รอพิจารณา", "Waiting"),
    State.APPROVED: Words("อนุมัติแล้ว อยู่ระหว่างดำเนินการ", "Approved, in progress"),
    State.DONE: Words("อนุมัติแล้ว", "Approved"),
    State.FAILED: Words("อนุมัติแล้ว แต่ดำเนินการไม่สำเร็จ", "Approved, but refused"),
    State.REJECTED: Words("ไม่อนุมัติ", "Rejected"),
    State.WITHDRAWN: Words("ถอนแล้ว", "Withdrawn"),
    State.EXPIRED: Words("พ้นกำหนดพิจารณา", "Expired"),
}


class Person(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The person who acted. ``id``: of the principal. ``people``: accounts that answer for it, itself included.
    ``session``: a digest of the credential, "" for none. ``purpose`` and ``era``: as the session had them, to look up
    the rights again.
    """

    id: str
    name: str = ""
    people: tuple[str, ...] = ()
    session: str = ""
    purpose: str = ""
    era: int = 0


class Proposal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``subject``: the thing it concerns, such as "roles/shiftLead". Times in µs."""

    id: str
    action: str
    subject: str
    content: Any
    digest: str
    author: Person
    at: Micros
    ends_at: Micros
    reason: str = ""
    state: State = State.OPEN
    decided_by: Person | None = None
    decided_at: Micros | None = None
    note: str = ""

    def is_open(self, now: Micros) -> bool:
        return self.state is State.OPEN and now < self.ends_at

    def state_at(self, now: Micros) -> State:
        return State.EXPIRED if self.state is State.OPEN and now >= self.ends_at else self.state


def digest_of(action: str, subject: str, content: Any) -> str:
    """SHA-256 of the proposal, in hexadecimal: equal for equal content, in any order of its members."""
    return content_digest([action, subject, content])


def approved(proposal: Proposal, digest: str, who: Person, now: Micros) -> Proposal:
    """The proposal after ``who`` approved the content with ``digest``. Raises ProposalDecided, ProposalChanged,
    SecondPersonNeeded.
    """
    _check_open(proposal, now)
    if digest != proposal.digest:
        raise ProposalChanged
    if not are_two(proposal.author, who):
        raise SecondPersonNeeded
    return msgspec.structs.replace(proposal, state=State.APPROVED, decided_by=who, decided_at=now)


def rejected(proposal: Proposal, who: Person, note: str, now: Micros) -> Proposal:
    """Raises ProposalDecided."""
    _check_open(proposal, now)
    return msgspec.structs.replace(proposal, state=State.REJECTED, decided_by=who, decided_at=now, note=note)


def withdrawn(proposal: Proposal, who: Person, now: Micros) -> Proposal:
    """Raises ProposalDecided."""
    _check_open(proposal, now)
    return msgspec.structs.replace(proposal, state=State.WITHDRAWN, decided_by=who, decided_at=now)


def finished(proposal: Proposal, note: str = "") -> Proposal:
    """After the action: done, or failed with the reason."""
    return msgspec.structs.replace(proposal, state=State.FAILED if note else State.DONE, note=note)


def are_two(author: Person, other: Person) -> bool:
    """Are they different people in different sessions? The other is a person by themselves, not a token."""
    if not other.id.startswith("user:"):
        return False
    if author.session and author.session == other.session:
        return False
    return not {author.id, *author.people} & {other.id, *other.people}


def _check_open(proposal: Proposal, now: Micros) -> None:
    if not proposal.is_open(now):
        raise ProposalDecided(state=proposal.state_at(now))
