"""Laws of approvals: nothing runs that one person alone wanted, each approval runs once, and a stop in between loses nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.approvals.model import Person, Proposal, State, are_two, digest_of
from andaman.approvals.service import Action, Approvals
from andaman.approvals.store import ProposalStore
from andaman.identity.model import FULL_ACCESS, Actor
from andaman.identity.passwords import PasswordCost
from andaman.identity.permissions import MANAGE_ROLES, REVIEW_ROLES
from andaman.identity.records import Token, TokenKind
from andaman.identity.service import Identity
from andaman.kernel.errors import AndamanError
from andaman.kernel.words import Words
from andaman.offline import cli_actor
from tests.support import PASSWORD, run

NAMES = ("anan", "busaba", "chai")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["propose", "approve", "approve", "reject", "withdraw", "disable", "later"]),
        st.integers(0, 4),
        st.integers(0, 5),
    ),
    max_size=30,
)


class World:
    """Three administrators, a token of the first, an operator; one action that counts its runs."""

    def __init__(self, directory: Path) -> None:
        self.now = 1_000_000_000_000_000
        self.directory = directory
        self.identity = Identity(directory, clock=lambda: self.now, password_cost=PasswordCost(1, 8, 1))
        self.ran: list[tuple[Proposal, str]] = []
        self.fails: Exception | None = None
        self.store = ProposalStore(directory)
        self.approvals = self.over()

    def over(self) -> Approvals:
        """Approvals as a start opens them."""
        made = Approvals(self.store, self.identity, lambda: self.now)
        made.offer(Action("test", Words("ทดสอบ", "Test"), MANAGE_ROLES, REVIEW_ROLES, self._run))
        return made

    async def _run(self, proposal: Proposal, actor: Actor) -> None:
        if self.fails is not None:
            raise self.fails
        self.ran.append((proposal, actor.principal.id))

    async def begin(self) -> None:
        for name in NAMES:
            await self.identity.add_user(name, PASSWORD, ["administrator"], cli_actor())
        await self.identity.add_user("dao", PASSWORD, ["operator"], cli_actor())
        made: tuple[Token, str] = await self.identity.add_token(
            TokenKind.API, "robot", self.actor("anan"), roles=["administrator"]
        )
        self.token = made[0]

    def actor(self, name: str) -> Actor:
        account = self.identity.get_user(name)
        return Actor(account.principal("", self.identity.roles), FULL_ACCESS)

    def anyone(self, number: int) -> Actor:
        if number == 4:
            found = self.identity.basis.of_token(self.token, self.now)
            return Actor(found.principal if found else self.actor("dao").principal, FULL_ACCESS)
        return self.actor((*NAMES, "dao")[number])

    async def close(self) -> None:
        self.store.close()
        await self.identity.close()


async def in_world(work: Callable[[World], Awaitable[None]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        world = World(Path(place))
        try:
            await world.begin()
            await work(world)
        finally:
            await world.close()


@settings(max_examples=15, deadline=None)
@given(STEPS)
def test_any_sequence_of_steps(taken: list[tuple[str, int, int]]) -> None:
    async def work(world: World) -> None:
        made: list[Proposal] = []
        disabled: set[str] = set()
        for step, who, which in taken:
            actor = world.anyone(who)
            chosen = made[which % len(made)] if made else None
            try:
                if step == "propose":
                    action = world.approvals.action("test")
                    assert action is not None
                    made.append(await world.approvals.propose(action, "x", {"n": len(made)}, actor))
                elif step == "later":
                    world.now += 5 * 86_400_000_000
                elif step == "disable" and who in (0, 1) and len(disabled) < 2:
                    await world.identity.update_user(NAMES[who], cli_actor(), disabled=True)
                    disabled.add(f"user:{NAMES[who]}")
                elif step == "approve" and chosen:
                    before = len(world.ran)
                    done = await world.approvals.approve(chosen.id, chosen.digest, actor)
                    assert len(world.ran) == before + 1
                    assert done.state is State.DONE
                elif step == "reject" and chosen:
                    await world.approvals.reject(chosen.id, "no", actor)
                elif step == "withdraw" and chosen:
                    await world.approvals.withdraw(chosen.id, actor)
            except AndamanError:
                pass
            assert len({proposal.id for proposal, _ in world.ran}) == len(world.ran)
        for proposal, approver in world.ran:
            assert approver in {f"user:{name}" for name in NAMES}
            assert approver not in {proposal.author.id, *proposal.author.people}
            assert proposal.digest == digest_of("test", "x", proposal.content)
            stored = world.store.find(proposal.id)
            assert stored is not None
            assert stored.state is State.DONE

    run(lambda: in_world(work))


def test_what_was_approved_runs_at_the_next_start(tmp_path: Path) -> None:
    """The platform stops after the decision and before the action; the rights count that people have then."""

    async def work(world: World) -> None:
        action = world.approvals.action("test")
        assert action is not None
        kept, lost = [
            await world.approvals.propose(action, name, {}, world.actor(name)) for name in ("anan", "chai")
        ]
        world.fails = RuntimeError("stopped")
        for one in (kept, lost):
            with pytest.raises(RuntimeError):
                await world.approvals.approve(one.id, one.digest, world.actor("busaba"))
        await world.identity.update_user("chai", cli_actor(), roles=["operator"])
        world.fails = None
        again = world.over()
        await again.resume()
        await again.resume()
        assert [(one.id, who) for one, who in world.ran] == [(kept.id, "user:busaba")]
        states = {one.id: one.state for one in world.store.listed(None, 10)}
        assert states == {kept.id: State.DONE, lost.id: State.FAILED}

    run(lambda: in_world(work))


people = st.builds(
    Person,
    id=st.sampled_from(["user:a", "user:b", "token:t", "system:cli"]),
    people=st.lists(st.sampled_from(["user:a", "user:b", "token:t"]), max_size=2).map(tuple),
    session=st.sampled_from(["", "s", "t"]),
)


@given(people, people)
def test_two_people_share_nothing(author: Person, other: Person) -> None:
    if are_two(author, other):
        assert other.id.startswith("user:")
        assert author.id != other.id
        assert other.id not in author.people
        assert not author.session or author.session != other.session


def test_equal_content_has_one_digest() -> None:
    first: dict[str, Any] = {"a": 1, "b": [1, {"x": None, "y": "ก"}]}
    assert digest_of("t", "s", first) == digest_of("t", "s", {"b": [1, {"y": "ก", "x": None}], "a": 1})
    assert digest_of("t", "s", first) != digest_of("t", "s", {**first, "a": 1.5})
    assert digest_of("t", "s", first) != digest_of("t", "u", first)
