"""The answers of the doors of approvals. Shapes for people: docs/rooms/definitions.md."""

from __future__ import annotations

from typing import Any

from andaman.approvals.model import Person, State
from andaman.kernel.answers import Answer
from andaman.kernel.words import Words


class PersonNamed(Answer, frozen=True, kw_only=True):
    """``id``: of the principal, such as "user:anan"."""

    id: str
    name: str

    @classmethod
    def of(cls, person: Person) -> PersonNamed:
        return cls(id=person.id, name=person.name)


class Fact(Answer, frozen=True, kw_only=True):
    """One thing that a proposal says, in words. One of the three is not null: a text, a date (ISO 8601), a share (0 to 1)."""

    name: Words
    text: Words | None = None
    date: str | None = None
    share: float | None = None


class ProposalAnswer(Answer, frozen=True, kw_only=True):
    """``content``: the proposed content, as its room keeps it. ``title``, ``facts``: the same for people, where its room describes
    it; null and empty otherwise. ``digest``: an approver sends it back. ``words`` null: no room
    offers the action any more. ``mine``: the caller is its author. ``outdated``: what it would change has changed since.
    ``waits``: it was approved, and is not in effect yet."""

    id: str
    action: str
    words: Words | None
    subject: str
    content: Any
    title: Words | None
    facts: tuple[Fact, ...]
    digest: str
    reason: str
    state: State
    author: PersonNamed
    at: str
    ends_at: str
    decided_by: PersonNamed | None
    decided_at: str | None
    note: str
    may_approve: bool
    mine: bool
    outdated: bool
    waits: bool
