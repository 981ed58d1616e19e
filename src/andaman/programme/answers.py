"""The answers of the doors of the programme. Shapes for people: docs/rooms/programme.md."""

from __future__ import annotations

from typing import Any

from andaman.approvals.answers import PersonNamed
from andaman.kernel.answers import Answer
from andaman.programme.acceptance import AcceptanceShown
from andaman.programme.release import ReleaseHead, ReleaseShown
from andaman.programme.withdrawal import WithdrawnShown


class ProgrammeAnswer(Answer, frozen=True, kw_only=True):
    """The same for everybody. ``plan``: of today. ``release`` null: nothing was released yet, or not for that quarter."""

    plan: dict[str, Any]
    release: ReleaseShown | None
    releases: list[ReleaseHead]


class AcceptanceWaiting(Answer, frozen=True, kw_only=True):
    """An acceptance that waits for a second person. ``proposal`` and ``digest``: what an approver sends back."""

    proposal: str
    digest: str
    deliverable: str
    share: float
    accepted_on: str
    document: str
    accepted_by: str
    entered_by: PersonNamed
    at: str
    may_approve: bool
    mine: bool


class WithdrawalWaiting(Answer, frozen=True, kw_only=True):
    """A withdrawal that waits for a second person. ``acceptance``: id of the one that would no longer count."""

    proposal: str
    digest: str
    acceptance: str
    reason: str
    entered_by: PersonNamed
    at: str
    may_approve: bool
    mine: bool


class Acceptances(Answer, frozen=True, kw_only=True):
    """``withdrawn``: those that counted once."""

    counted: list[AcceptanceShown]
    waiting: list[AcceptanceWaiting]
    withdrawn: list[WithdrawnShown]
    withdrawals: list[WithdrawalWaiting]
