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


class ProposalAnswer(Answer, frozen=True, kw_only=True):
    """``content``: the proposed content, as its room describes it. ``digest``: an approver sends it back. ``words`` null: no room
    offers the action any more. ``mine``: the caller is its author. ``outdated``: what it would change has changed since.
    ``waits``: it was approved, and is not in effect yet."""

    id: str
    action: str
    words: Words | None
    subject: str
    content: Any
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
