"""A right never outlives its basis: tokens, and what they stand on."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from andaman.identity.credentials import Credential, digest_of
from andaman.identity.model import Actor, Classification, Principal, Role
from andaman.identity.policy import DatasetRule
from andaman.identity.records import Account, TokenKind
from andaman.identity.roles import shipped_roles
from andaman.identity.schema import MIGRATIONS
from andaman.identity.service import Identity
from andaman.identity.tokens import LONGEST, SOON, figures
from andaman.kernel.errors import BadRequestData, Conflict, ResourceNotFound
from andaman.kernel.time import DAY, SECOND

from .conftest import GOOD, ROOT, FakeClock

pytestmark = pytest.mark.anyio
PERSON = "urn:t:Person"


def roles_now(identity: Identity, secret: str) -> set[str] | None:
    known = identity.authenticate(Credential("token", digest_of(secret)))
    return None if known is None else {str(role) for role in known.principal.roles}


async def boss(
    identity: Identity, name: str = "boss", roles: tuple[Role, ...] = (Role.ADMINISTRATOR,)
) -> Account:
    return await identity.add_user(name, GOOD, roles, ROOT)


def acting(account: Account, purpose: str = "") -> Actor:
    return Actor(account.principal(purpose, shipped_roles()))


async def test_a_token_ends_with_who_made_it(identity: Identity) -> None:
    await boss(identity, "other")
    made = acting(await boss(identity))
    _, secret = await identity.add_token(TokenKind.API, "mine", made, roles=[Role.ADMINISTRATOR])
    assert roles_now(identity, secret) == {"administrator"}
    await identity.update_user("boss", ROOT, roles=["operator"])
    assert roles_now(identity, secret) == {"operator"}
    await identity.update_user("boss", ROOT, disabled=True)
    assert roles_now(identity, secret) is None
    await identity.update_user("boss", ROOT, disabled=False, roles=[Role.ADMINISTRATOR])
    assert roles_now(identity, secret) == {"administrator"}
    await identity.update_user("boss", ROOT, password=GOOD + " 2")
    assert roles_now(identity, secret) is None


async def test_a_role_that_its_maker_has_not_is_none_of_its_own(identity: Identity) -> None:
    await boss(identity, "other")
    made = acting(await boss(identity))
    token, secret = await identity.add_token(TokenKind.API, "mine", made, roles=["analyst"])
    await identity.update_user("boss", ROOT, roles=["operator"])
    assert roles_now(identity, secret) is None
    (listed,) = identity.tokens.listed([token])
    assert listed.why == "who answers for it has none of its roles"


async def test_a_chain_of_tokens_counts_whole(identity: Identity, clock: FakeClock) -> None:
    await boss(identity, "other")
    actor = acting(await boss(identity))
    secrets, ids = [], []
    for number in range(4):
        token, secret = await identity.add_token(
            TokenKind.API, f"t{number}", actor, roles=[Role.ADMINISTRATOR], lifetime=(number + 5) * DAY
        )
        secrets.append(secret)
        ids.append(token.id)
        actor = Actor(Principal(token.principal_id, token.name, token.roles))
    assert [roles_now(identity, one) for one in secrets] == [{"administrator"}] * 4
    await identity.update_user("boss", ROOT, roles=["dispatcher"])
    assert [roles_now(identity, one) for one in secrets] == [{"dispatcher"}] * 4
    await identity.revoke_token(ids[1], ROOT)
    assert [roles_now(identity, one) for one in secrets] == [{"dispatcher"}, None, None, None]
    clock.now += 6 * DAY  # the first has expired, and what stands on it with it
    assert roles_now(identity, secrets[0]) is None
    actor = acting(identity.get_user("other"))
    for _ in range(10):
        try:
            token, _ = await identity.add_token(TokenKind.API, "more", actor, roles=[Role.ADMINISTRATOR])
        except Conflict:
            break
        actor = Actor(Principal(token.principal_id, token.name, token.roles))
    else:
        pytest.fail("a chain without end")


async def test_a_purpose_is_declared_only_as_long_as_its_maker_may(identity: Identity) -> None:
    rule = DatasetRule("p", frozenset({PERSON}), "", Classification.PERSONAL, "", {}, "medical-research")
    identity.policy.replace([rule])
    await boss(identity, "other")
    made = acting(await boss(identity))
    _, secret = await identity.add_token(
        TokenKind.API, "study", made, roles=["operator"], purpose="medical-research"
    )
    credential = Credential("token", digest_of(secret))

    def sees() -> bool:
        known = identity.authenticate(credential)
        return known is not None and identity.actor(known).access.sees([PERSON], [])

    assert sees()
    await identity.update_user("boss", ROOT, roles=["operator"])
    known = identity.authenticate(credential)
    assert known is not None
    assert known.principal.purpose == ""
    assert not sees()


async def test_a_device_writes_what_its_maker_may(identity: Identity) -> None:
    await boss(identity, "other")
    made = acting(await boss(identity))
    _, secret = await identity.add_token(TokenKind.DEVICE, "gauge", made, types=["urn:t:Rain"])

    def writes() -> bool:
        known = identity.authenticate(Credential("token", digest_of(secret)))
        return known is not None and identity.actor(known).access.may_write(["urn:t:Rain"], [], ["urn:t:a"])

    assert writes()
    await identity.update_user("boss", ROOT, roles=["operator"])
    assert not writes()


async def test_whoever_takes_a_token_over_keeps_a_citys_sensors_alive(identity: Identity) -> None:
    await boss(identity, "other")
    made = acting(await boss(identity))
    token, secret = await identity.add_token(TokenKind.DEVICE, "gauge", made, types=["urn:t:Rain"])
    assert [one.token.id for one in identity.tokens.depending_on("user:boss")] == [token.id]
    before = identity.tokens.depending_on("user:boss")
    await identity.update_user("boss", ROOT, disabled=True)
    assert [one.id for one in identity.tokens.fallen(before).ended] == [token.id]
    assert roles_now(identity, secret) is None
    await identity.tokens.take_over(token.id, acting(identity.get_user("other")))
    assert roles_now(identity, secret) == set()
    await identity.update_user("other", ROOT, password=GOOD + " 2")
    assert roles_now(identity, secret) is None
    await identity.tokens.take_over(token.id, ROOT)
    assert roles_now(identity, secret) == set()
    await identity.revoke_token(token.id, ROOT)
    with pytest.raises(ResourceNotFound):
        await identity.tokens.take_over(token.id, ROOT)


async def test_another_secret(identity: Identity, clock: FakeClock) -> None:
    token, old = await identity.add_token(TokenKind.API, "feed", ROOT, roles=["analyst"], lifetime=10 * DAY)
    clock.now += 8 * DAY
    renewed, new = await identity.tokens.rotate(token.id, ROOT, grace=60 * SECOND)
    assert (renewed.id, renewed.expires_at) == (token.id, clock.now + 10 * DAY)
    assert roles_now(identity, old) == roles_now(identity, new) == {"analyst"}
    clock.now += 61 * SECOND
    assert roles_now(identity, old) is None
    assert roles_now(identity, new) == {"analyst"}
    _, newest = await identity.tokens.rotate(token.id, ROOT)
    assert [roles_now(identity, one) for one in (old, new, newest)] == [None, None, {"analyst"}]
    clock.now += 11 * DAY
    assert roles_now(identity, newest) is None
    with pytest.raises(ResourceNotFound):
        await identity.tokens.rotate(token.id, ROOT)


async def test_a_new_secret_stands_on_who_gets_it(identity: Identity) -> None:
    """Otherwise an administrator who is about to leave takes along a token of the command line."""
    await boss(identity, "other")
    made = acting(await boss(identity))
    theirs, _ = await identity.add_token(TokenKind.API, "cli", ROOT, roles=[Role.ADMINISTRATOR])
    _, secret = await identity.tokens.rotate(theirs.id, made)
    await identity.update_user("boss", ROOT, disabled=True)
    assert roles_now(identity, secret) is None
    # Nor does a token get the secret of one that it stands on, or answer for itself.
    first, _ = await identity.add_token(
        TokenKind.API, "a", acting(identity.get_user("other")), roles=[Role.ADMINISTRATOR]
    )
    by_first = Actor(Principal(first.principal_id, "a", first.roles))
    second, _ = await identity.add_token(TokenKind.API, "b", by_first, roles=[Role.ADMINISTRATOR])
    by_second = Actor(Principal(second.principal_id, "b", second.roles))
    with pytest.raises(Conflict):
        await identity.tokens.rotate(first.id, by_second)
    for wish in (
        identity.tokens.take_over(first.id, by_second),
        identity.tokens.take_over(first.id, by_first),
    ):
        with pytest.raises(Conflict):
            await wish
    _, again = await identity.tokens.rotate(first.id, by_first)  # its own
    assert roles_now(identity, again) == {"administrator"}


async def test_lifetimes_have_bounds(identity: Identity, clock: FakeClock) -> None:
    for lifetime in (0, -1, LONGEST + 1):
        with pytest.raises(BadRequestData):
            await identity.add_token(TokenKind.API, "x", ROOT, roles=["analyst"], lifetime=lifetime)
    soon, _ = await identity.add_token(TokenKind.API, "x", ROOT, roles=["analyst"], lifetime=SOON)
    await identity.add_token(TokenKind.API, "y", ROOT, roles=["analyst"], lifetime=SOON + DAY)
    await identity.add_token(TokenKind.API, "z", ROOT, roles=["analyst"])
    assert figures(identity.store, clock.now) == (1, 0, 0)
    assert soon.expires_at is not None
    clock.now = soon.expires_at + SECOND
    assert figures(identity.store, clock.now) == (1, 1, 0)


async def test_what_another_process_takes_away_is_seen_by_a_look(identity: Identity, tmp_path: Path) -> None:
    heard: list[int] = []
    _, secret = await identity.add_token(TokenKind.API, "x", ROOT, roles=["analyst"])
    assert roles_now(identity, secret) == {"analyst"}
    identity.on_change(lambda: heard.append(1))
    identity.look()
    assert heard == []
    beside = Identity(tmp_path, clock=identity.clock)
    (token,) = beside.list_tokens()
    await beside.audit.add(ROOT, "token.list")
    identity.look()
    assert heard == []  # nothing that concerns rights
    await beside.revoke_token(token.id, ROOT)
    identity.look()
    assert heard == [1]
    assert roles_now(identity, secret) is None
    await beside.close()


async def test_a_token_whose_time_is_over_is_told(identity: Identity, clock: FakeClock) -> None:
    heard: list[int] = []
    await identity.add_token(TokenKind.API, "x", ROOT, roles=["analyst"], lifetime=DAY)
    identity.on_change(lambda: heard.append(1))
    identity._changed()
    clock.now += DAY - 1
    identity.look()
    assert heard == [1]
    clock.now += 1
    identity.look()
    assert heard == [1, 1]
    identity.look()
    assert heard == [1, 1]


async def test_parallel_guesses_of_the_old_password_are_counted_before_they_are_tried(
    identity: Identity,
) -> None:
    await boss(identity)
    done = await identity.sign_in("boss", GOOD, "10.0.0.1")
    credential = Credential("session", digest_of(done.secret))
    actor = Actor(done.session.account.principal("", identity.roles), origin="10.0.0.1")
    verified: list[str] = []
    verify = identity._hasher.verify

    def noted(encoded: str | None, password: str) -> bool:
        verified.append(password)
        return verify(encoded, password)

    identity._hasher.verify = noted  # type: ignore[method-assign]
    guesses = (identity.change_password(credential, f"guess {n}", GOOD + " 3", actor) for n in range(30))
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert len(verified) == 5
    assert all(isinstance(one, Exception) for one in answers)


def test_a_directory_of_the_release_before_is_upgraded(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "identity.db")
    for number, script in enumerate(MIGRATIONS[:3], 1):
        db.executescript(f"{script} PRAGMA user_version = {number};")
    account = "INSERT INTO account (username, name, roles, agency, password, created_at, password_at) VALUES "
    db.execute(account + """('boss', 'Boss', '["administrator"]', '', 'x', 1, 7)""")
    token = (
        "INSERT INTO token (id, hash, kind, name, roles, agency, purpose, types, scopes, created_by, created_at) "
        """VALUES (?, ?, 'api', 'n', '["analyst"]', '', '', '[]', '[]', ?, 5)"""
    )
    for name, maker in (
        ("a", "user:boss"),
        ("b", "system:cli"),
        ("c", ""),
        ("d", "user:gone"),
        ("e", "token:a"),
    ):
        db.execute(token, (name, digest_of(name), maker))
    db.commit()
    db.close()
    identity = Identity(tmp_path)
    try:
        now = {name: roles_now(identity, name) for name in "abcde"}
        assert now == {"a": {"analyst"}, "b": {"analyst"}, "c": {"analyst"}, "d": None, "e": {"analyst"}}
        assert {one.id: one.owner for one in identity.list_tokens()}["c"] == "system:cli"
    finally:
        asyncio.run(identity.close())
