"""Acceptances and their withdrawals: each is proposed by one person and approved by another, and all of it stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from andaman.approvals.model import Proposal, State
from andaman.approvals.service import Action, Approvals, Described
from andaman.broker.api import Broker, Doc, OpKind, WriteOp, iri
from andaman.identity.credentials import Credential
from andaman.identity.model import FULL_ACCESS, Actor, acting_in, system_actor
from andaman.kernel.errors import AndamanError
from andaman.kernel.time import Clock, parse_time
from andaman.kernel.words import Words
from andaman.programme import acceptance, withdrawal
from andaman.programme.acceptance import Acceptance, AcceptanceShown
from andaman.programme.permissions import APPROVE_ACCEPTANCE, ENTER_ACCEPTANCE
from andaman.programme.plan import Plan
from andaman.programme.problems import (
    NeverEdited,
    NoProgramme,
    NoSuchAcceptance,
    NoSuchDeliverable,
    WithdrawalWaits,
)
from andaman.programme.types import ACCEPTANCE, WITHDRAWAL
from andaman.programme.withdrawal import Withdrawal, WithdrawnShown

_ACCEPTANCE: Final = iri(ACCEPTANCE.name)
_WITHDRAWAL: Final = iri(WITHDRAWAL.name)
_APPROVED: Final = (State.DONE, State.APPROVED)


@dataclass(frozen=True, slots=True)
class Entries:
    """In the order of their documents. ``withdrawn``: those that counted once, each with its reason."""

    counted: Sequence[AcceptanceShown]
    withdrawn: Sequence[WithdrawnShown]


class AcceptedWork:
    """What the programme office entered from documents."""

    def __init__(
        self, broker: Broker, clock: Clock, approvals: Approvals, plan_now: Callable[[], Plan]
    ) -> None:
        self._broker, self._clock, self._approvals, self._plan_now = broker, clock, approvals, plan_now
        self._entering = Action(
            "programme-acceptance",
            Words("บันทึกผลการตรวจรับก่อนใช้แพลตฟอร์ม", "Enter work accepted before the platform"),
            ENTER_ACCEPTANCE,
            APPROVE_ACCEPTANCE,
            self._entered,
            describe=self._described,
        )
        self._withdrawing = Action(
            "programme-acceptance-withdrawal",
            Words("ถอนผลการตรวจรับที่อนุมัติแล้ว", "Withdraw an approved acceptance"),
            ENTER_ACCEPTANCE,
            APPROVE_ACCEPTANCE,
            self._withdrawn,
            describe=self._described_withdrawal,
        )
        for action in (self._entering, self._withdrawing):
            approvals.offer(action)
        for kind in (_ACCEPTANCE, _WITHDRAWAL):
            broker.demand(kind, refuse_edit)

    # -- what counts ----------------------------------------------------------------------------------------
    async def entries(self) -> Entries:
        """Those that a second person approved, apart from those whose withdrawal a second person approved."""
        found = [one for doc in self._docs(_ACCEPTANCE) if (one := acceptance.shown(doc)) is not None]
        approved = sorted(
            [one for one in found if await self._is_approved(one)],
            key=lambda one: (one.accepted_on, one.id),
        )
        taken = await self._withdrawals()
        return Entries(
            [one for one in approved if one.id not in taken],
            [withdrawal.shown(one, taken[one.id]) for one in approved if one.id in taken],
        )

    def _docs(self, kind: str) -> list[Doc]:
        return list(self._broker.iter_entities([kind], FULL_ACCESS))

    async def _is_approved(self, one: AcceptanceShown) -> bool:
        """Is there a proposal with this content that a second person approved?"""
        proposal = await self._proposal(acceptance.local_id(one.id), self._entering)
        return proposal is not None and acceptance.shown(self._doc(proposal)) == one

    async def _withdrawals(self) -> dict[str, Proposal]:
        """Id of the acceptance → the approved proposal that withdrew it. An entity that somebody typed in withdraws nothing."""
        found: dict[str, Proposal] = {}
        for doc in self._docs(_WITHDRAWAL):
            proposal = await self._proposal(withdrawal.local_id(doc["id"]), self._withdrawing)
            if proposal is not None:
                found.setdefault(_withdrawal(proposal).acceptance, proposal)
        return found

    async def _proposal(self, proposal_id: str, action: Action) -> Proposal | None:
        """An approved proposal of this action; None where there is none."""
        try:
            found = await self._approvals.get(proposal_id, system_actor("programme"))
        except AndamanError:
            return None
        return found if found.action == action.name and found.state in _APPROVED else None

    # -- proposals ------------------------------------------------------------------------------------------
    async def enter(self, body: Any, actor: Actor, credential: Credential | None) -> Proposal:
        """Propose an acceptance. Raises what ``acceptance_of`` raises, NoSuchDeliverable and AcceptedTooMuch."""
        began = await self._broker.recorded_since()
        signed = parse_time(self._plan_now().about.signed)
        wanted = acceptance.acceptance_of(body, signed, self._clock() if began is None else began)
        self._check(wanted, (await self.entries()).counted, await self.waiting(actor))
        return await self._approvals.propose(
            self._entering,
            f"programme/{wanted.deliverable}",
            msgspec.to_builtins(wanted),
            actor,
            credential=credential,
        )

    async def withdraw(self, body: Any, actor: Actor, credential: Credential | None) -> Proposal:
        """Propose to withdraw an acceptance that counts. Raises what ``withdrawal_of`` raises, NoSuchAcceptance and
        WithdrawalWaits."""
        wanted = withdrawal.withdrawal_of(body)
        one = await self._counted(wanted.acceptance)
        if any(_withdrawal(other).acceptance == one.id for other in await self.waiting_withdrawals(actor)):
            raise WithdrawalWaits
        return await self._approvals.propose(
            self._withdrawing,
            f"programme/{one.deliverable}",
            msgspec.to_builtins(wanted),
            actor,
            credential=credential,
        )

    async def waiting(self, actor: Actor) -> list[Proposal]:
        """Acceptances that wait for a second person, as far as the actor may read them."""
        return await self._open(self._entering, actor)

    async def waiting_withdrawals(self, actor: Actor) -> list[Proposal]:
        """Withdrawals that wait for a second person, as far as the actor may read them."""
        return await self._open(self._withdrawing, actor)

    async def _open(self, action: Action, actor: Actor) -> list[Proposal]:
        every, now = await self._approvals.list_visible(actor, State.OPEN), self._clock()
        return [one for one in every if one.action == action.name and one.is_open(now)]

    def may_approve(self, proposal: Proposal, actor: Actor, credential: Credential | None) -> bool:
        return self._approvals.may_approve(proposal, self._approvals.person(actor, credential), actor)

    async def _counted(self, entity_id: str) -> AcceptanceShown:
        for one in (await self.entries()).counted:
            if one.id == entity_id:
                return one
        raise NoSuchAcceptance(id=entity_id[:80])

    def _check(
        self, wanted: Acceptance, counted: Sequence[AcceptanceShown], waiting: Sequence[Proposal]
    ) -> None:
        if wanted.deliverable not in self._plan_now().deliverables:
            raise NoSuchDeliverable(id=wanted.deliverable[:80])
        others = [one.content() for one in counted]
        others += [msgspec.convert(one.content, Acceptance) for one in waiting]
        acceptance.check_room(wanted, others)

    # -- approved -------------------------------------------------------------------------------------------
    async def _entered(self, proposal: Proposal, actor: Actor) -> None:
        """A second person has approved an entry. Running twice writes the same entity once."""
        doc = self._doc(proposal)
        if self._broker.find(doc["id"], FULL_ACCESS) is not None:
            return
        self._check(msgspec.convert(proposal.content, Acceptance), (await self.entries()).counted, [])
        await self._broker.must_write([WriteOp(OpKind.CREATE, doc["id"], doc)], acting_in("programme", actor))

    async def _withdrawn(self, proposal: Proposal, actor: Actor) -> None:
        """A second person has approved a withdrawal. Running twice writes the same entity once."""
        doc = withdrawal.doc_of(proposal.id, _withdrawal(proposal), *_people(proposal))
        if self._broker.find(doc["id"], FULL_ACCESS) is not None:
            return
        await self._counted(_withdrawal(proposal).acceptance)
        await self._broker.must_write([WriteOp(OpKind.CREATE, doc["id"], doc)], acting_in("programme", actor))

    # -- in words -------------------------------------------------------------------------------------------
    def _described(self, proposal: Proposal) -> Described:
        """In words, with the names of the deliverable and of the attributes that it would have."""
        content = msgspec.convert(proposal.content, Acceptance)
        title = self._title(content.deliverable)
        return Described(title, acceptance.facts_of(content, title))

    def _described_withdrawal(self, proposal: Proposal) -> Described:
        """The reason, and what would no longer count."""
        content = _withdrawal(proposal)
        doc = self._broker.find(content.acceptance, FULL_ACCESS)
        one = None if doc is None else acceptance.shown(doc)
        if one is None:
            return Described(facts=withdrawal.facts_of(content))
        title = self._title(one.deliverable)
        return Described(title, withdrawal.facts_of(content) + acceptance.facts_of(one.content(), title))

    def _title(self, deliverable: str) -> Words:
        with suppress(NoProgramme):
            row = self._plan_now().deliverables.get(deliverable)
            if row is not None:
                return row.name
        return Words(deliverable, deliverable)

    def _doc(self, proposal: Proposal) -> Doc:
        content = msgspec.convert(proposal.content, Acceptance)
        return acceptance.doc_of(proposal.id, content, *_people(proposal))


def _withdrawal(proposal: Proposal) -> Withdrawal:
    return msgspec.convert(proposal.content, Withdrawal)


def _people(proposal: Proposal) -> tuple[str, str]:
    """Names of the author and of the person who decided."""
    decided = proposal.decided_by
    return (
        proposal.author.name or proposal.author.id,
        "" if decided is None else decided.name or decided.id,
    )


def refuse_edit(before: Doc | None, after: Doc) -> None:
    if before is not None:
        raise NeverEdited
