"""One attempt to sign in, from the count of failures to the session. Blocking: it hashes and writes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Final

from andaman.identity.checks import plain_username
from andaman.identity.credentials import csrf_of, digest_of
from andaman.identity.passwords import PasswordHasher
from andaman.identity.policy import default_purpose, may_declare
from andaman.identity.records import AuditEntry, Outcome, Session
from andaman.identity.store import IdentityStore
from andaman.identity.throttle import FORGET_AFTER, Failures, keys_of, longest_wait, network_of
from andaman.kernel.errors import BadRequestData, NotSignedIn, TooManyRequests
from andaman.kernel.ids import sortable_id
from andaman.kernel.time import DAY, MINUTE, SECOND, Micros

_KNOWN_FOR: Final = 30 * DAY
_PASSWORD_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class SignIn:
    """``secret`` goes into the cookie and nowhere else."""

    session: Session
    secret: str
    csrf: str
    ended: int = 0  # older sessions that made room


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came in; ``purpose`` "" for the usual one of the account's roles."""

    username: str
    password: str
    address: str
    purpose: str
    at: Micros


def sign_in(
    store: IdentityStore, hasher: PasswordHasher, attempt: Attempt, lifetime: Micros, most: int
) -> SignIn:
    """Open a session of ``lifetime`` µs; of more than ``most`` of an account the oldest end. Raises TooManyRequests while the attempt must wait, NotSignedIn (one and
    the same for an unknown name, a wrong password and a disabled account, in the same time), and BadRequestData for
    a purpose that the account's roles may not declare. Every attempt is in the audit log, those that must wait once
    a minute for an address."""
    now, address = attempt.at, attempt.address
    username = plain_username(attempt.username)
    limits = keys_of(username, address, store.knows_address(username, address, now - _KNOWN_FOR))
    with store.change():  # counted before it is tried, so that parallel guesses do not slip through
        wait = longest_wait(store.failures(list(limits)), limits, now)
        if not wait:
            store.add_failures(list(limits), now, now - FORGET_AFTER)
    found = store.find_account(username)
    # An unknown name is not written down: now and then it is a password, typed into the wrong field.
    who = "public" if found is None else f"user:{username}"
    entry = AuditEntry(0, now, who, "session.sign-in", outcome=Outcome.REFUSED, origin=address)
    if wait:
        # Said once a minute for an address: whoever knocks on and on must not fill the audit.
        said = f"said:{network_of(address)}"
        with store.change():
            if now - store.failures([said]).get(said, Failures()).last_at >= MINUTE:
                store.add_failures([said], now, now - FORGET_AFTER)
                store.add_audit([replace(entry, detail="must wait after failures")])
        seconds = -(-wait // SECOND)
        raise TooManyRequests(f"Too many failed sign-ins; try again in {seconds} s", retryAfter=seconds)
    fits = len(attempt.password) <= _PASSWORD_MAX and hasher.verify(
        found[1] if found else None, attempt.password
    )
    if not fits or found is None or found[0].disabled:
        why = "no such name" if found is None else "the account is disabled" if fits else "wrong password"
        store.add_audit([replace(entry, detail=why)])
        raise NotSignedIn("The user name or the password is not right")
    account, encoded = found
    purpose = attempt.purpose or default_purpose(account.roles)
    if not may_declare(account.roles, purpose):
        store.add_audit([replace(entry, detail=f"purpose {purpose}")])
        raise BadRequestData(f"Your roles do not act for the purpose {purpose!r}", field="purpose")
    if hasher.is_outdated(encoded):
        store.set_password(username, hasher.hash(attempt.password), None)
    secret = secrets.token_urlsafe(32)
    session = Session(sortable_id(now), account, purpose, now, now, now + lifetime, address)
    pair = [key for key in limits if key.startswith("pair:")]
    with store.change():
        store.take_back_failures([key for key in limits if key not in pair], clear=pair)
        ended = store.add_session(digest_of(secret), session, most)
        store.add_audit([replace(entry, outcome=Outcome.OK, target=f"session:{session.id}", detail=purpose)])
    return SignIn(session, secret, csrf_of(secret), ended)
