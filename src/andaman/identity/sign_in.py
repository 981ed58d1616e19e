"""One attempt to sign in, from the count of failures to the session. Blocking: it hashes and writes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Final

from andaman.identity.checks import plain_username
from andaman.identity.credentials import csrf_of, digest_of
from andaman.identity.passwords import PasswordHasher
from andaman.identity.problems import PurposeNotAllowed, SignInsThrottled, WrongCredentials
from andaman.identity.records import AuditEntry, Outcome, Session
from andaman.identity.roles import RoleTable
from andaman.identity.store import IdentityStore
from andaman.identity.throttle import (
    FORGET_AFTER,
    INVENTED,
    Failures,
    Keys,
    keys_of,
    longest_wait,
    network_of,
    wait_of,
)
from andaman.kernel.ids import sortable_id
from andaman.kernel.time import DAY, MINUTE, SECOND, Micros

KNOWN_FOR: Final = 30 * DAY
_PASSWORD_MAX: Final = 1024
_FAILURES_MAX: Final = 20_000
"""Counters that are kept; beyond them, invented names have none of their own."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """``secret`` goes into the cookie and nowhere else."""

    session: Session
    secret: str
    csrf: str
    ended: int = 0  # older sessions that made room
    device: str = ""  # what the device should keep, to be known again at the next sign-in


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came in; ``purpose`` "" for the usual one of the account's roles."""

    username: str
    password: str
    address: str
    purpose: str
    at: Micros
    device: str = ""  # what the device kept


def sign_in(
    store: IdentityStore,
    hasher: PasswordHasher,
    attempt: Attempt,
    lifetime: Micros,
    most: int,
    roles: RoleTable,
) -> SignIn:
    """Open a session of ``lifetime`` µs; of more than ``most`` of an account the oldest end. Raises TooManyRequests while the attempt must wait, NotSignedIn (one and
    the same for an unknown name, a wrong password and a disabled account, in the same time), and BadRequestData for
    a purpose that the account's roles may not declare. Every attempt is in the audit log, those that must wait, or whose
    names are invented in masses, once a minute for an address."""
    now, address = attempt.at, attempt.address
    username = plain_username(attempt.username)
    since = now - KNOWN_FOR
    mark = device_mark(attempt.device)
    known_device = bool(mark) and store.knows_address(username, mark, since)
    keys = keys_of(
        username, address, store.knows_address(username, address, since), mark if known_device else ""
    )
    found = store.find_account(username)
    wait, masked, counted = _count(store, keys, found is not None, now)
    # An unknown name is not written down: now and then it is a password, typed into the wrong field.
    who = "public" if found is None else f"user:{username}"
    entry = AuditEntry(0, now, who, "session.sign-in", outcome=Outcome.REFUSED, origin=address)
    if wait and not masked:
        _say_once(store, replace(entry, detail="must wait after failures"))
        raise _must_wait(wait)
    fits = len(attempt.password) <= _PASSWORD_MAX and hasher.verify(
        found[1] if found else None, attempt.password
    )
    if wait:  # tried all the same, for nothing but the time it takes: it must not tell locked accounts from invented names
        _say_once(store, replace(entry, detail="must wait after failures"))
        raise _must_wait(max(wait, masked))
    if not fits or found is None or found[0].disabled:
        why = "no such name" if found is None else "the account is disabled" if fits else "wrong password"
        if masked:
            _say_once(store, replace(entry, detail=why))
            raise _must_wait(masked)
        store.add_audit([replace(entry, detail=why)])
        raise WrongCredentials
    account, encoded = found
    purpose = attempt.purpose or roles.default_purpose(account.roles)
    if not roles.may_declare(account.roles, purpose):
        store.add_audit([replace(entry, detail=f"purpose {purpose}")])
        raise PurposeNotAllowed(purpose=purpose)
    if hasher.is_outdated(encoded):
        store.set_password(username, hasher.hash(attempt.password), None)
    secret = secrets.token_urlsafe(32)
    session = Session(sortable_id(now), account, purpose, now, now, now + lifetime, address)
    with store.change():
        store.take_back_failures([key for key in counted if key != keys.pair], clear=[keys.pair])
        ended = store.add_session(digest_of(secret), session, most)
        # A device of several people keeps its mark; one that it made up itself is no mark.
        device = attempt.device if mark and store.knows_mark(mark) else secrets.token_urlsafe(32)
        store.note_address(username, device_mark(device), now, since)
        store.add_audit([replace(entry, outcome=Outcome.OK, target=f"session:{session.id}", detail=purpose)])
    return SignIn(session, secret, csrf_of(secret), ended, device)


def device_mark(device: str) -> str:
    """How a device is noted among the addresses from which an account signed in; "" for none."""
    return f"device:{digest_of(device.encode()).hex()}" if device else ""


def _count(
    store: IdentityStore, keys: Keys, is_account: bool, now: Micros
) -> tuple[Micros, Micros, list[str]]:
    """Count the attempt before it is tried, so that parallel guesses do not slip through. Returns how long it must
    wait, the wait that failures of this address report, and the counters it was added to.
    """
    limits = keys.limits
    with store.change():
        counts = store.failures([*limits, keys.invented])
        wait = longest_wait(counts, limits, now)
        masked = wait_of(counts.get(keys.invented, Failures()), INVENTED, now)
        if wait:
            return wait, masked, []
        counted = [keys.pair, keys.account] if keys.account else [keys.pair]
        if keys.pair not in counts:  # each name counts once for its address
            counted += [keys.address] * bool(keys.address and is_account) + [keys.invented] * (not is_account)
        if not is_account and masked and store.count_failures() >= _FAILURES_MAX:
            counted = [keys.invented]
        store.add_failures(counted, now, now - FORGET_AFTER)
    return 0, masked, counted


def _say_once(store: IdentityStore, entry: AuditEntry) -> None:
    """Once a minute for an address: repeated attempts must not fill the audit."""
    said = f"said:{network_of(entry.origin)}"
    with store.change():
        if entry.at - store.failures([said]).get(said, Failures()).last_at >= MINUTE:
            store.add_failures([said], entry.at, entry.at - FORGET_AFTER)
            store.add_audit([entry])


def _must_wait(wait: Micros) -> SignInsThrottled:
    return SignInsThrottled(retryAfter=-(-wait // SECOND))
