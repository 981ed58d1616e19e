"""Laws of accounts, sessions, tokens and lock-outs."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.identity.credentials import Credential, digest_of
from andaman.identity.model import Role
from andaman.identity.passwords import check_password_rules
from andaman.identity.recognition import Lifetimes
from andaman.identity.records import Outcome, TokenKind
from andaman.identity.service import Identity
from andaman.identity.throttle import ACCOUNT, ADDRESS, INVENTED, PAIR, Failures, keys_of, network_of, wait_of
from andaman.kernel.errors import (
    AlreadyExists,
    BadRequestData,
    NotSignedIn,
    ResourceNotFound,
    TooManyRequests,
    Unavailable,
)
from andaman.kernel.time import DAY, HOUR, MINUTE, SECOND
from tests.identity.conftest import CHEAP, GOOD, ROOT, FakeClock

pytestmark = pytest.mark.anyio


async def _user(identity: Identity, name: str = "somchai", role: str = "operator") -> None:
    await identity.add_user(name, GOOD, [role], ROOT, name="สมชาย", agency="pk-ddpm")


def _session(secret: str) -> Credential:
    return Credential("session", digest_of(secret))


def _token(secret: str) -> Credential:
    return Credential("token", digest_of(secret))


async def test_a_session_lives_from_sign_in_to_sign_out(identity: Identity) -> None:
    await _user(identity)
    done = await identity.sign_in(" Somchai ", GOOD, "10.0.0.1")
    known = identity.authenticate(_session(done.secret))
    assert known is not None
    assert known.principal.id == "user:somchai"
    assert known.principal.purpose == "operations"
    assert identity.authenticate(_token(done.secret)) is None
    await identity.sign_out(_session(done.secret), identity.actor(known))
    assert identity.authenticate(_session(done.secret)) is None


async def test_nothing_stored_opens_a_door(identity: Identity) -> None:
    await _user(identity)
    done = await identity.sign_in("somchai", GOOD)
    _, secret = await identity.add_token(TokenKind.API, "bench", ROOT, roles=["analyst"])
    identity.store._store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stored = identity.store.path.read_bytes()
    for text in (done.secret, secret, GOOD, done.csrf):
        assert text.encode() not in stored


async def test_idle_and_absolute_expiry(tmp_path: Path, clock: FakeClock) -> None:
    identity = Identity(
        tmp_path, clock=clock, password_cost=CHEAP, lifetimes=Lifetimes(HOUR, 12 * HOUR, 5 * SECOND)
    )
    await _user(identity)
    idle = await identity.sign_in("somchai", GOOD)
    clock.now += HOUR
    assert identity.authenticate(_session(idle.secret)) is None
    busy = await identity.sign_in("somchai", GOOD)
    for _ in range(23):
        clock.now += HOUR // 2
        assert identity.authenticate(_session(busy.secret)) is not None
    clock.now += HOUR // 2
    assert identity.authenticate(_session(busy.secret)) is None
    await identity.close()


async def test_use_is_remembered_across_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    identity = Identity(tmp_path, clock=clock, password_cost=CHEAP)
    await _user(identity)
    done = await identity.sign_in("somchai", GOOD)
    clock.now += 50 * MINUTE
    assert identity.authenticate(_session(done.secret)) is not None
    await identity.close()
    again = Identity(tmp_path, clock=clock, password_cost=CHEAP)
    clock.now += 50 * MINUTE
    assert again.authenticate(_session(done.secret)) is not None
    await again.close()


async def test_unknown_user_wrong_password_and_disabled_account_answer_alike(identity: Identity) -> None:
    await _user(identity)
    await _user(identity, "gone")
    await identity.update_user("gone", ROOT, disabled=True)
    answers = []
    for name, password in [("nobody", GOOD), ("somchai", "wrong"), ("gone", GOOD), ("somchai", "x" * 5000)]:
        with pytest.raises(NotSignedIn) as caught:
            await identity.sign_in(name, password, "10.0.0.9")
        answers.append(caught.value.problem())
    assert all(answer == answers[0] for answer in answers)


async def test_guessing_is_stopped_also_when_it_comes_all_at_once(
    identity: Identity, clock: FakeClock
) -> None:
    await _user(identity)
    results = await asyncio.gather(
        *(identity.sign_in("somchai", f"guess {n}", "10.9.9.9") for n in range(20)), return_exceptions=True
    )
    assert sum(isinstance(r, NotSignedIn) for r in results) == PAIR.allowed
    assert sum(isinstance(r, TooManyRequests) for r in results) == 20 - PAIR.allowed
    with pytest.raises(TooManyRequests):
        await identity.sign_in("somchai", GOOD, "10.9.9.9")
    assert (await identity.sign_in("somchai", GOOD, "10.0.0.1")).secret  # another address is not locked out
    clock.now += PAIR.longest_us
    assert (await identity.sign_in("somchai", GOOD, "10.9.9.9")).secret
    assert (await identity.sign_in("somchai", GOOD, "10.9.9.9")).secret


async def test_a_stranger_cannot_lock_a_duty_officer_out(identity: Identity, clock: FakeClock) -> None:
    await _user(identity)
    await identity.sign_in("somchai", GOOD, "10.0.0.1")
    for n in range(ACCOUNT.allowed):
        with pytest.raises(NotSignedIn):
            await identity.sign_in("somchai", "guess", f"10.1.0.{n}")
    with pytest.raises(TooManyRequests):
        await identity.sign_in("somchai", GOOD, "10.2.0.1")
    assert (await identity.sign_in("somchai", GOOD, "10.0.0.1")).secret


@given(st.integers(0, 200), st.integers(0, 2 * DAY))
def test_waits_grow_with_failures_and_end(count: int, later: int) -> None:
    for limit in (PAIR, ADDRESS, ACCOUNT):
        now = wait_of(Failures(count, 0), limit, later)
        assert 0 <= now <= limit.longest_us
        assert wait_of(Failures(count + 1, 0), limit, later) >= now
        assert wait_of(Failures(count, 0), limit, later + limit.longest_us + 1) == 0
        assert count >= limit.allowed or now == 0


def test_one_ipv6_household_is_one_address() -> None:
    assert keys_of("a", "2001:db8::1", True) == keys_of("a", "2001:db8::ffff:2", True)
    assert keys_of("a", "10.0.0.1", True) != keys_of("a", "10.0.0.2", True)
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1") != network_of("::ffff:10.0.0.2")
    assert network_of("fe80::1%eth0") == network_of("fe80::2")


async def _fails(identity: Identity, name: str, password: str, address: str) -> Exception:
    with pytest.raises((NotSignedIn, TooManyRequests)) as caught:
        await identity.sign_in(name, password, address)
    return caught.value


async def test_who_guesses_waits_and_the_others_at_the_address_do_not(
    identity: Identity, clock: FakeClock
) -> None:
    """Whatever is guessed at one address, in order or all at once: whoever has the right password signs in, known there or not,
    unless it is that very account that is guessed, or thirty accounts are; and then a device it knows, and those who were there before."""
    for name in ("somchai", "newcomer", *(f"user{n}" for n in range(ADDRESS.allowed))):
        await _user(identity, name)
    was = await identity.sign_in("somchai", GOOD, "10.0.0.1")
    told = [await _fails(identity, f"nobody{n}", "guess", "10.0.0.1") for n in range(100)]
    assert all(isinstance(error, NotSignedIn) for error in told[: INVENTED.allowed])
    assert all(isinstance(error, TooManyRequests) for error in told[INVENTED.allowed :])
    assert all(0 < int(error.retry_after) <= 60 for error in told[INVENTED.allowed :])  # type: ignore[attr-defined]
    # What exists is told like what does not.
    exists = await _fails(identity, "user1", "guess", "10.0.0.1")
    assert isinstance(exists, TooManyRequests)
    assert (await identity.sign_in("somchai", GOOD, "10.0.0.1")).secret
    assert (await identity.sign_in("newcomer", GOOD, "10.0.0.1")).secret
    # The account itself is guessed beside its user.
    for _ in range(10):
        await _fails(identity, "somchai", "guess", "10.0.0.1")
    assert isinstance(await _fails(identity, "somchai", GOOD, "10.0.0.1"), TooManyRequests)
    assert (await identity.sign_in("somchai", GOOD, "10.0.0.1", device=was.device)).secret
    assert isinstance(await _fails(identity, "somchai", GOOD, "10.0.0.1"), TooManyRequests)
    # Many accounts are tried, each once.
    await _user(identity, "late")
    for n in range(ADDRESS.allowed):
        await _fails(identity, f"user{n}", "guess", "10.0.0.1")
    assert isinstance(await _fails(identity, "late", GOOD, "10.0.0.1"), TooManyRequests)
    assert (await identity.sign_in("newcomer", GOOD, "10.0.0.1")).secret
    assert (await identity.sign_in("late", GOOD, "10.0.0.2")).secret
    clock.now += ADDRESS.longest_us
    assert (await identity.sign_in("late", GOOD, "10.0.0.1")).secret


async def test_a_device_helps_its_own_account_only(identity: Identity) -> None:
    await _user(identity, "somchai")
    await _user(identity, "other")
    done = await identity.sign_in("somchai", GOOD, "10.0.0.1")
    for _ in range(PAIR.allowed + 3):
        with pytest.raises((NotSignedIn, TooManyRequests)):
            await identity.sign_in("other", "guess", "10.0.0.1", device=done.device)
    with pytest.raises(TooManyRequests):
        await identity.sign_in("other", GOOD, "10.0.0.1", device=done.device)
    for _ in range(PAIR.allowed):  # a stolen mark is no better than an address
        with pytest.raises(NotSignedIn):
            await identity.sign_in("somchai", "guess", "10.0.0.1", device=done.device)
    with pytest.raises(TooManyRequests):
        await identity.sign_in("somchai", GOOD, "10.0.0.1", device=done.device)
    assert (await identity.sign_in("somchai", GOOD, "10.0.0.1")).secret
    assert (await identity.sign_in("other", GOOD, "10.0.0.2", device=done.device)).device == done.device
    assert (await identity.sign_in("other", GOOD, "10.0.0.2", device="made up")).device != "made up"


async def test_guessers_in_masses_do_not_keep_a_known_person_waiting(identity: Identity) -> None:
    """A hundred guesses at once: so many stand in line, the rest is told to come again, and the person beside them is served."""
    await _user(identity)
    await identity.sign_in("somchai", GOOD, "10.0.0.1")
    guesses = [asyncio.create_task(identity.sign_in(f"n{n}", "guess", "10.0.0.1")) for n in range(100)]
    await asyncio.sleep(0)
    assert (await identity.sign_in("somchai", GOOD, "10.0.0.1")).secret
    results = await asyncio.gather(*guesses, return_exceptions=True)
    assert {type(result).title for result in results} == {NotSignedIn.title, TooManyRequests.title}  # type: ignore[attr-defined]
    assert all(result.retry_after for result in results if isinstance(result, TooManyRequests))


async def test_what_invented_names_leave_behind_is_bounded(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("andaman.identity.sign_in._FAILURES_MAX", 100)
    for n in range(200):
        await _fails(identity, f"nobody{n}", "guess", "10.0.0.1")
    assert identity.store.count_failures() <= 110
    assert len(identity.store.list_audit(limit=1000)) <= INVENTED.allowed + 5


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "aaaaaaaaaaaaaaaa",
        "somchai-password",
        "phuket123456",
        "ababababababab",
        "x" * 300,
        "Password1234",
    ],
)
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(BadRequestData):
        check_password_rules(password, "somchai")


async def test_rights_that_change_end_sessions_and_tokens_at_once(identity: Identity) -> None:
    await _user(identity)
    await _user(identity, "admin1", Role.ADMINISTRATOR)
    calls: list[int] = []
    identity.on_change(lambda: calls.append(1))
    for change in (
        {"roles": ["analyst"]},
        {"disabled": True},
        {"disabled": False, "password": GOOD + "!"},
    ):
        done = await identity.sign_in("somchai", GOOD)
        assert identity.authenticate(_session(done.secret)) is not None
        await identity.update_user("somchai", ROOT, **change)  # type: ignore[arg-type]
        assert identity.authenticate(_session(done.secret)) is None
        if change.get("disabled"):
            await identity.update_user("somchai", ROOT, disabled=False)
    with pytest.raises(NotSignedIn):
        await identity.sign_in("somchai", GOOD)
    assert len(calls) == 4
    with pytest.raises(BadRequestData, match="last administrator"):
        await identity.update_user("admin1", ROOT, disabled=True)


async def test_tokens_are_shown_once_expire_and_are_revoked(identity: Identity, clock: FakeClock) -> None:
    token, secret = await identity.add_token(TokenKind.API, "bench", ROOT, roles=["analyst"], lifetime=DAY)
    known = identity.authenticate(_token(secret))
    assert known is not None
    assert known.principal.id == f"token:{token.id}"
    clock.now += DAY
    assert identity.authenticate(_token(secret)) is None
    device, secret = await identity.add_token(
        TokenKind.DEVICE, "gauge", ROOT, types=["urn:t:Rain"], scopes=["/hazard"]
    )
    known = identity.authenticate(_token(secret))
    assert known is not None
    access = identity.actor(known).access
    assert access.may_write(["urn:t:Rain"], ["/hazard/rain"], ["urn:a:mm"])
    assert not access.may_write(["urn:t:Other"], ["/hazard/rain"], ["urn:a:mm"])
    await identity.revoke_token(device.id, ROOT)
    assert identity.authenticate(_token(secret)) is None
    with pytest.raises(ResourceNotFound):
        await identity.revoke_token(device.id, ROOT)


async def test_another_process_revokes_within_seconds(
    identity: Identity, tmp_path: Path, clock: FakeClock
) -> None:
    token, secret = await identity.add_token(TokenKind.API, "bench", ROOT, roles=["analyst"])
    assert identity.authenticate(_token(secret)) is not None
    other = Identity(tmp_path, clock=clock, password_cost=CHEAP)
    await other.revoke_token(token.id, ROOT)
    await other.close()
    clock.now += identity.lifetimes.remember
    assert identity.authenticate(_token(secret)) is None


async def test_tokens_that_mean_nothing_are_refused(identity: Identity) -> None:
    for kind, given_ in [
        (TokenKind.DEVICE, {"roles": ["analyst"], "types": ["urn:t:a"]}),
        (TokenKind.DEVICE, {}),
        (TokenKind.API, {}),
        (TokenKind.API, {"roles": ["analyst"], "types": ["not an iri"]}),
        (TokenKind.API, {"roles": ["analyst"], "scopes": ["nowhere"]}),
        (TokenKind.API, {"roles": ["analyst"], "agency": "No Such"}),
    ]:
        with pytest.raises(BadRequestData):
            await identity.add_token(kind, "t", ROOT, **given_)  # type: ignore[arg-type]


async def test_own_password_ends_the_other_sessions(identity: Identity) -> None:
    await _user(identity)
    here, there = await identity.sign_in("somchai", GOOD), await identity.sign_in("somchai", GOOD)
    with pytest.raises(BadRequestData):
        await identity.change_password(_session(here.secret), "wrong", GOOD + " and more", ROOT)
    await identity.change_password(_session(here.secret), GOOD, GOOD + " and more", ROOT)
    assert identity.authenticate(_session(here.secret)) is not None
    assert identity.authenticate(_session(there.secret)) is None


async def test_every_act_is_in_the_audit_and_tampering_shows(identity: Identity) -> None:
    await _user(identity)
    with pytest.raises(AlreadyExists):
        await _user(identity)
    with pytest.raises(NotSignedIn):
        await identity.sign_in("somchai", "wrong", "10.0.0.7")
    await identity.sign_in("somchai", GOOD, "10.0.0.7")
    entries = identity.store.list_audit()
    assert [(e.action, e.outcome) for e in reversed(entries)] == [
        ("account.create", Outcome.OK),
        ("session.sign-in", Outcome.REFUSED),
        ("session.sign-in", Outcome.OK),
    ]
    assert entries[0].origin == "10.0.0.7"
    assert identity.store.verify_audit() == 3
    with pytest.raises(sqlite3.IntegrityError):
        identity.store._store._db.execute("DELETE FROM audit")
    identity.store._store._db.execute("DROP TRIGGER audit_no_update")
    identity.store._store._db.execute("UPDATE audit SET actor = 'user:innocent' WHERE seq = 2")
    with pytest.raises(Unavailable, match="entry 2"):
        identity.store.verify_audit()


async def test_what_was_typed_as_an_unknown_name_is_kept_nowhere(identity: Identity) -> None:
    """It may have been a password."""
    with pytest.raises(NotSignedIn):
        await identity.sign_in("MyRealPassword1", "x", "10.0.0.7")
    identity.store._store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"myrealpassword1" not in identity.store.path.read_bytes().lower()
    assert identity.store.list_audit()[0].actor == "public"


async def test_purposes_are_declared_only_by_those_who_act_for_them(identity: Identity) -> None:
    await _user(identity)
    await _user(identity, "malee", "analyst")
    for name, purpose, allowed in [
        ("somchai", "operations", True),
        ("somchai", "training", False),
        ("somchai", "investigation", False),
        ("malee", "", True),
        ("malee", "investigation", True),
        ("malee", "operations", False),
    ]:
        if allowed:
            done = await identity.sign_in(name, GOOD, "10.0.0.1", purpose)
            assert done.session.purpose == purpose
        else:
            with pytest.raises(BadRequestData):
                await identity.sign_in(name, GOOD, "10.0.0.1", purpose)


async def test_ensure_user_can_be_repeated(identity: Identity) -> None:
    for password in (GOOD, GOOD + " two"):
        await identity.ensure_user("demo", password, ["dispatcher"], ROOT, name="Demo")
        assert (await identity.sign_in("demo", password)).session.account.name == "Demo"
