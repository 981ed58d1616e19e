"""Two people for one action: one proposes it, another approves exactly that, and it runs once."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from andaman.approvals import model
from andaman.approvals.answers import Fact
from andaman.approvals.model import OPEN_FOR, Person, Proposal, State, digest_of
from andaman.approvals.problems import (
    NoSuchProposal,
    ProposalDecided,
    ProposalOutdated,
    RightsEnded,
    TooManyProposals,
)
from andaman.approvals.store import ProposalStore
from andaman.identity.credentials import Credential
from andaman.identity.model import Actor
from andaman.identity.problems import PermissionMissing
from andaman.identity.records import Outcome
from andaman.identity.service import Identity
from andaman.kernel.errors import AndamanError
from andaman.kernel.ids import sortable_id
from andaman.kernel.permissions import Permission
from andaman.kernel.time import Clock
from andaman.kernel.words import Words

log = logging.getLogger("andaman")
_OPEN_MAX: Final = 1_000
_LISTED_MAX: Final = 500
_SYSTEM: Final = "system:"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look:
    """``outdated``: its subject has changed since the proposal. ``waits``: it was approved, and is not in
    effect yet."""

    outdated: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """What a proposal says, for people. ``title``: what it is about."""

    title: Words | None = None
    facts: tuple[Fact, ...] = ()


def _undescribed(proposal: Proposal) -> Described:
    return Described()


async def _no_look(proposals: Sequence[Proposal]) -> dict[str, Look]:
    return {}


def _always(proposal: Proposal) -> bool:
    return True


@dataclass(frozen=True)
class Action:
    """A kind of action that a second person approves. ``run`` does it, in the name of the approver; it must give the
    same result when it runs twice. A refusal that it raises ends the proposal as failed. ``look``: proposal's id → its
    look today. ``applies``: could an approval still have an effect? ``describe``: its content in words, for those whose
    content is no definition.
    """

    name: str
    words: Words
    propose: Permission
    approve: Permission
    run: Callable[[Proposal, Actor], Awaitable[None]]
    look: Callable[[Sequence[Proposal]], Awaitable[dict[str, Look]]] = _no_look
    applies: Callable[[Proposal], bool] = _always
    describe: Callable[[Proposal], Described] = _undescribed


class Approvals:
    """All proposals of the platform."""

    def __init__(self, store: ProposalStore, identity: Identity, clock: Clock) -> None:
        self._store, self._identity, self._clock = store, identity, clock
        self._actions: dict[str, Action] = {}
        self._lock = asyncio.Lock()

    def offer(self, action: Action) -> None:
        """Raises LookupError where there is one of this name already."""
        if action.name in self._actions:
            raise LookupError(f"Two rooms offer the action {action.name}")
        self._actions[action.name] = action

    def action(self, name: str) -> Action | None:
        return self._actions.get(name)

    async def resume(self) -> None:
        """Run the approved actions that were not done when the platform stopped. One that fails does not stop the
        start.
        """
        for proposal in await self._blocking(self._store.listed, State.APPROVED, _LISTED_MAX):
            if proposal.action in self._actions:
                async with self._lock:
                    with suppress(Exception):  # logged; it stays approved
                        await self._run(proposal)

    async def _blocking(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.to_thread(call, *arguments)

    # -- reading --------------------------------------------------------------------------------------------
    async def get(self, proposal_id: str, actor: Actor) -> Proposal:
        """Raises NoSuchProposal, also for one that the actor has nothing to do with."""
        found = await self._blocking(self._store.find, proposal_id)
        if found is None or not self.shows(found, actor):
            raise NoSuchProposal(id=proposal_id[:80])
        return found

    async def list_visible(self, actor: Actor, state: State | None = None) -> list[Proposal]:
        """Newest first, at most 500: those that the actor may propose, approve, or has proposed."""
        found = await self._blocking(self._store.listed, state, _LISTED_MAX)
        return [one for one in found if self.shows(one, actor)]

    async def look(self, proposals: Sequence[Proposal]) -> dict[str, Look]:
        """Proposal's id → its look today, where its room can say."""
        found: dict[str, Look] = {}
        for name, action in self._actions.items():
            if mine := [one for one in proposals if one.action == name]:
                found |= await action.look(mine)
        return found

    def shows(self, proposal: Proposal, actor: Actor) -> bool:
        """May the actor read it?"""
        action, me = self._actions.get(proposal.action), actor.principal
        if me.id == proposal.author.id:
            return True
        return action is not None and (me.may(action.propose) or me.may(action.approve))

    def may_approve(self, proposal: Proposal, who: Person, actor: Actor) -> bool:
        """Would an approval by this person be taken now?"""
        action = self._actions.get(proposal.action)
        may = action is not None and actor.principal.may(action.approve)
        return may and proposal.is_open(self._clock()) and model.are_two(proposal.author, who)

    def person(self, actor: Actor, credential: Credential | None = None) -> Person:
        """The actor as proposals name them."""
        me = actor.principal
        people: tuple[str, ...] = (me.id,)
        if me.id.partition(":")[0] in ("token", "device"):
            token = self._identity.store.find_token_by_id(me.id.partition(":")[2])
            people = tuple(self._identity.basis.owners_of(token)) if token is not None else people
        session = hashlib.sha256(credential.digest).hexdigest()[:16] if credential is not None else ""
        return Person(id=me.id, name=me.name, people=people, session=session, purpose=me.purpose, era=me.era)

    # -- the steps ------------------------------------------------------------------------------------------
    async def propose(
        self,
        action: Action,
        subject: str,
        content: Any,
        actor: Actor,
        *,
        reason: str = "",
        credential: Credential | None = None,
    ) -> Proposal:
        """On disk when it returns. Raises PermissionTakenAway and TooManyProposals."""
        now = self._clock()
        self._identity.basis.check_may(actor, action.propose, now)
        proposal = Proposal(
            id=sortable_id(now),
            action=action.name,
            subject=subject,
            content=content,
            digest=digest_of(action.name, subject, content),
            author=self.person(actor, credential),
            at=now,
            ends_at=now + OPEN_FOR,
            reason=reason,
        )
        async with self._lock:
            if await self._blocking(self._store.count_open, now) >= _OPEN_MAX:
                raise TooManyProposals(limit=_OPEN_MAX)
            await self._blocking(self._store.put, proposal)
        await self._audit(actor, "propose", proposal)
        return proposal

    async def approve(
        self, proposal_id: str, digest: str, actor: Actor, credential: Credential | None = None
    ) -> Proposal:
        """Approve the content with this digest, and run it. Returns the proposal as done or failed. Raises
        NoSuchProposal, PermissionMissing, ProposalDecided, ProposalChanged, SecondPersonNeeded, RightsEnded and
        ProposalOutdated.
        """
        async with self._lock:
            proposal = await self.get(proposal_id, actor)
            action, who = self._actions.get(proposal.action), self.person(actor, credential)
            try:
                if action is None:
                    raise NoSuchProposal(id=proposal_id[:80])
                if not actor.principal.may(action.approve):
                    raise PermissionMissing(permission=action.approve.name, meaning=action.approve.words)
                decided = model.approved(proposal, digest, who, self._clock())
                self._check_rights(decided)
                if not action.applies(proposal):
                    raise ProposalOutdated
            except AndamanError as error:
                await self._audit(actor, "approve", proposal, error.detail)
                raise
            await self._blocking(self._store.put, decided)
            await self._audit(actor, "approve", decided)
            return await self._run(decided, actor)

    async def reject(
        self, proposal_id: str, note: str, actor: Actor, credential: Credential | None = None
    ) -> Proposal:
        """Raises NoSuchProposal, ProposalDecided and PermissionTakenAway."""
        async with self._lock:
            proposal = await self.get(proposal_id, actor)
            action = self._actions.get(proposal.action)
            if action is not None:
                self._identity.basis.check_may(actor, action.approve, self._clock())
            done = model.rejected(proposal, self.person(actor, credential), note, self._clock())
            await self._blocking(self._store.put, done)
        await self._audit(actor, "reject", done)
        return done

    async def withdraw(self, proposal_id: str, actor: Actor) -> Proposal:
        """Its author takes it back. Raises NoSuchProposal, also for the proposal of somebody else, and ProposalDecided."""
        async with self._lock:
            proposal = await self.get(proposal_id, actor)
            if proposal.author.id != actor.principal.id:
                raise NoSuchProposal(id=proposal_id[:80])
            done = model.withdrawn(proposal, self.person(actor), self._clock())
            await self._blocking(self._store.put, done)
        await self._audit(actor, "withdraw", done)
        return done

    async def drop(self, proposal_id: str, actor: Actor) -> None:
        """End an open proposal whose subject is gone, even another person's. Does nothing for one that is decided."""
        async with self._lock:
            proposal = await self._blocking(self._store.find, proposal_id)
            if proposal is None or not proposal.is_open(self._clock()):
                return
            done = model.withdrawn(proposal, self.person(actor), self._clock())
            await self._blocking(self._store.put, done)
        await self._audit(actor, "withdraw", done)

    # -- running --------------------------------------------------------------------------------------------
    async def check_still_allowed(self, proposal_id: str) -> None:
        """For an effect that comes after the approval: is it approved, and do both still have their permissions? Raises
        NoSuchProposal, ProposalDecided and RightsEnded."""
        proposal = await self._blocking(self._store.find, proposal_id)
        if proposal is None or proposal.action not in self._actions:
            raise NoSuchProposal(id=proposal_id[:80])
        if proposal.state is not State.DONE:
            raise ProposalDecided(state=proposal.state)
        self._check_rights(proposal)

    def _check_rights(self, proposal: Proposal) -> None:
        """Do author and approver have their permissions now? Raises RightsEnded."""
        action = self._actions[proposal.action]
        pairs = [(proposal.author, action.propose)]
        if proposal.decided_by is not None:
            pairs.append((proposal.decided_by, action.approve))
        for person, permission in pairs:
            if not person.id.startswith(_SYSTEM) and not self._may(person, permission):
                raise RightsEnded(name=person.name or person.id)

    def _may(self, person: Person, permission: Permission) -> bool:
        found = self._identity.basis.of(person.id, person.purpose, person.era, self._clock())
        return found is not None and found.principal.may(permission)

    async def _run(self, proposal: Proposal, actor: Actor | None = None) -> Proposal:
        action = self._actions[proposal.action]
        try:
            self._check_rights(proposal)
            await action.run(proposal, actor or self._approver(proposal))
        except AndamanError as error:
            done = model.finished(proposal, error.detail)
        except Exception:  # it stays approved, and the next start tries again
            log.exception("The approved action %s of %s failed", proposal.action, proposal.subject)
            raise
        else:
            done = model.finished(proposal)
        await self._blocking(self._store.put, done)
        return done

    def _approver(self, proposal: Proposal) -> Actor:
        person = proposal.decided_by
        assert person is not None
        found = self._identity.basis.of(person.id, person.purpose, person.era, self._clock())
        if found is None:
            raise RightsEnded(name=person.name or person.id)
        return Actor(found.principal, self._identity.policy.access(found.rights), origin="approval")

    async def _audit(self, actor: Actor, step: str, proposal: Proposal, refused: str = "") -> None:
        detail = f"proposal {proposal.id} {proposal.digest[:16]}" + (f": {refused}" if refused else "")
        outcome = Outcome.REFUSED if refused else Outcome.OK
        await self._identity.audit.add(
            actor, f"approval.{step}", f"{proposal.action}:{proposal.subject}", outcome=outcome, detail=detail
        )
