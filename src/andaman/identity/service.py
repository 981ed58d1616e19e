"""Identity: every sign-in, session, token and account change. One object, made by the composition root.

``authenticate_*`` are synchronous and cheap (remembered for a few seconds, then one indexed read); everything that
writes or hashes is a coroutine that works in the room's own threads.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from andaman.identity.audit import AuditTrail
from andaman.identity.model import Actor, Principal, Role, system_actor
from andaman.identity.passwords import PasswordCost, PasswordHasher, check_password_rules
from andaman.identity.policy import Policy, Rights, default_purpose
from andaman.identity.records import Account, Agency, AuditEntry, Outcome, Session, Token, TokenKind
from andaman.identity.store import IdentityStore
from andaman.identity.throttle import FORGET_AFTER, keys_of, longest_wait
from andaman.kernel.errors import (
    AlreadyExists,
    BadRequestData,
    NotSignedIn,
    ResourceNotFound,
    TooManyRequests,
)
from andaman.kernel.ids import is_uri, sortable_id
from andaman.kernel.time import DAY, HOUR, MINUTE, SECOND, Clock, Micros, system_clock

_USERNAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_PURPOSE: Final = re.compile(r"[a-z][a-z-]{0,31}")
_AGENCY: Final = re.compile(r"([a-z0-9][a-z0-9-]{0,31})?")
_KNOWN_FOR: Final = 30 * DAY
_WAITING_MAX: Final = 32
PUBLIC_PRINCIPAL: Final = Principal("public", "Public", frozenset({Role.PUBLIC}))
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Of sessions, and of what is remembered between two looks at the database."""

    idle: Micros = HOUR
    absolute: Micros = 12 * HOUR  # one shift
    remember: Micros = 5 * SECOND


class Credential(NamedTuple):
    """Who a secret belongs to: ``digest`` is its SHA-256."""

    kind: str  # "session" or "token"
    digest: bytes


class Known(NamedTuple):
    """A remembered answer."""

    principal: Principal
    rights: Rights
    ends_at: Micros  # when the session or token itself is over
    until: Micros  # when to look again


@dataclass(frozen=True, slots=True)
class SignIn:
    """``secret`` goes into the cookie and nowhere else."""

    session: Session
    secret: str
    csrf: str


def digest_of(secret: str | bytes) -> bytes:
    """What is stored of a secret of 256 random bits; no salt is needed for those."""
    return hashlib.sha256(secret if isinstance(secret, bytes) else secret.encode()).digest()


def csrf_of(secret: str | bytes) -> str:
    """The token that unsafe requests of this session carry: derived from the secret, so that it is bound to it
    and another site, which cannot read the cookie, cannot make it."""
    key = secret if isinstance(secret, bytes) else secret.encode()
    return base64.urlsafe_b64encode(hmac.digest(key, b"andaman csrf", "sha256")[:24]).decode()


class Identity:
    """Accounts, sessions, tokens and their policy in one directory."""

    def __init__(
        self,
        directory: Path,
        policy: Policy | None = None,
        *,
        clock: Clock = system_clock,
        lifetimes: Lifetimes | None = None,
        password_cost: PasswordCost | None = None,
    ) -> None:
        self.store = IdentityStore(directory)
        self.policy = policy or Policy()
        self.clock = clock
        self.lifetimes = lifetimes or Lifetimes()
        self.audit = AuditTrail(self.store, clock)
        self._hasher = PasswordHasher(password_cost)
        self._threads = ThreadPoolExecutor(2, "identity")  # bounds memory and CPU that sign-ins can take
        self._waiting = 0
        self._known: dict[Credential, Known] = {}
        self._touched: dict[Credential, Micros] = {}
        self._listeners: list[Callable[[], None]] = []
        self._loose: set[asyncio.Future[None]] = set()

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        if self._loose:
            await asyncio.gather(*self._loose, return_exceptions=True)
        await self.audit.flush()
        self._threads.shutdown(wait=True)
        self.store.close()

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    # -- who is it ------------------------------------------------------------------------------------------
    def authenticate(self, credential: Credential, now: Micros | None = None) -> Known | None:
        """The principal of a session or token that is in force; None otherwise. Marks it as used."""
        now = self.clock() if now is None else now
        known = self._known.get(credential)
        if known is not None and now < known.until:
            return known
        known = self._look(credential, now)
        if known is None:
            self._known.pop(credential, None)
            return None
        if len(self._known) > 20_000:
            self._known.clear()
        self._known[credential] = known
        return known

    def _look(self, credential: Credential, now: Micros) -> Known | None:
        until = now + self.lifetimes.remember
        if credential.kind == "session":
            session = self.store.find_session(credential.digest)
            if session is None or session.account.disabled:
                return None
            seen_at = max(session.seen_at, self._touched.get(credential, 0))
            if now >= session.expires_at or now >= seen_at + self.lifetimes.idle:
                return None
            principal = session.account.principal(session.purpose)
            rights = Rights(principal.roles, principal.agency, principal.purpose)
            self._touch(credential, seen_at, now, self.store.touch_session, credential.digest)
            return Known(principal, rights, session.expires_at, min(until, session.expires_at))
        token = self.store.find_token(credential.digest)
        if token is None or not token.is_live(now):
            return None
        ends_at = token.expires_at if token.expires_at is not None else now + 1000 * DAY
        last = max(token.last_used_at or 0, self._touched.get(credential, 0))
        self._touch(credential, last, now, self.store.touch_token, token.id)
        return Known(token.principal(), token.rights(), ends_at, min(until, ends_at))

    def _touch(
        self,
        credential: Credential,
        last: Micros,
        now: Micros,
        write: Callable[[Any, Micros], None],
        key: Any,
    ) -> None:
        """Note the use in the background, once a minute."""
        if now < last + MINUTE:
            return
        if len(self._touched) > 20_000:
            self._touched.clear()
        self._touched[credential] = now
        try:
            future = asyncio.get_running_loop().run_in_executor(self._threads, write, key, now)
        except RuntimeError:  # no loop: a command line
            write(key, now)
            return
        self._loose.add(future)
        future.add_done_callback(self._loose.discard)

    def actor(self, known: Known, origin: str = "") -> Actor:
        """The actor of an authenticated principal under the policy in force."""
        return Actor(known.principal, self.policy.access(known.rights), origin)

    def public_actor(self, origin: str = "") -> Actor:
        """The actor of whoever did not sign in."""
        return Actor(PUBLIC_PRINCIPAL, self.policy.access(Rights()), origin)

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` when sessions, tokens, accounts or the policy changed; returns how to end this."""
        self._listeners.append(listener)
        end_policy = self.policy.on_change(listener)

        def end() -> None:
            self._listeners.remove(listener)
            end_policy()

        return end

    def _changed(self) -> None:
        self._known.clear()
        for listener in list(self._listeners):
            listener()

    # -- signing in and out ---------------------------------------------------------------------------------
    async def sign_in(self, username: str, password: str, address: str = "", purpose: str = "") -> SignIn:
        """Open a session. Raises NotSignedIn (the same for an unknown user, a wrong password and a disabled
        account, in the same time) and TooManyRequests after repeated failures."""
        username = username.strip().casefold()[:64]
        if purpose and not _PURPOSE.fullmatch(purpose):
            raise BadRequestData(f"{purpose!r} is not a purpose such as 'operations'", field="purpose")
        if self._waiting >= _WAITING_MAX:
            raise TooManyRequests("Too many people sign in at this moment; try again in a few seconds")
        self._waiting += 1
        try:
            outcome = await self._run(self._sign_in, username, password, address, purpose)
        finally:
            self._waiting -= 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _sign_in(self, username: str, password: str, address: str, purpose: str) -> SignIn | Exception:
        now = self.clock()
        limits = keys_of(username, address, self.store.knows_address(username, address, now - _KNOWN_FOR))
        with self.store.change():  # counted before it is tried, so that parallel guesses do not slip through
            wait = longest_wait(self.store.failures(list(limits)), limits, now)
            if not wait:
                self.store.add_failures(list(limits), now, now - FORGET_AFTER)
        entry = AuditEntry(0, now, f"user:{username}", "session.sign-in", origin=address)
        if wait:
            self.store.add_audit([replace(entry, outcome=Outcome.REFUSED, detail="waiting after failures")])
            seconds = -(-wait // SECOND)
            return TooManyRequests(f"Too many failed sign-ins; try again in {seconds} s", retryAfter=seconds)
        found = self.store.find_account(username)
        encoded = found[1] if found else None
        fits = len(password) <= 1024 and self._hasher.verify(encoded, password)
        if not fits or found is None or found[0].disabled:
            self.store.add_audit(
                [replace(entry, outcome=Outcome.REFUSED, detail="name or password is wrong")]
            )
            return NotSignedIn("The user name or the password is not right")
        account = found[0]
        if self._hasher.is_outdated(found[1]):
            self.store.set_password(username, self._hasher.hash(password), None)
        secret = secrets.token_urlsafe(32)
        session = Session(
            sortable_id(now),
            account,
            purpose or default_purpose(account.roles),
            now,
            now,
            now + self.lifetimes.absolute,
            address,
        )
        pair = [key for key in limits if key.startswith("pair:")]
        with self.store.change():
            self.store.take_back_failures([key for key in limits if key not in pair], clear=pair)
            self.store.add_session(digest_of(secret), session)
            self.store.add_audit([replace(entry, target=f"session:{session.id}", detail=session.purpose)])
        return SignIn(session, secret, csrf_of(secret))

    async def sign_out(self, credential: Credential, actor: Actor) -> None:
        """End the session; nothing happens when it is over already."""
        if await self._run(self.store.end_session, credential.digest):
            await self.audit.add(actor, "session.sign-out")
        self._changed()

    # -- accounts -------------------------------------------------------------------------------------------
    async def add_user(
        self,
        username: str,
        password: str,
        roles: Iterable[Role],
        actor: Actor,
        *,
        name: str = "",
        agency: str = "",
    ) -> Account:
        """Make an account. Raises BadRequestData (name, password rules, roles) and AlreadyExists."""
        username = username.strip().casefold()
        if not _USERNAME.fullmatch(username):
            raise BadRequestData(
                "A user name has 2–64 of a–z, 0–9, dot, dash, underscore and begins with a letter or digit",
                field="username",
            )
        check_password_rules(password, username)
        now = self.clock()
        account = Account(
            username, name.strip()[:200] or username, _staff_roles(roles), _agency(agency), False, now, now
        )
        encoded = await self._run(self._hasher.hash, password)
        await self._run(self.store.add_account, account, encoded)
        await self.audit.add(actor, "account.create", f"user:{username}", detail=_rights_text(account))
        self._changed()
        return account

    async def update_user(
        self,
        username: str,
        actor: Actor,
        *,
        name: str | None = None,
        roles: Iterable[Role] | None = None,
        agency: str | None = None,
        disabled: bool | None = None,
        password: str | None = None,
    ) -> Account:
        """Change an account; a new password, other rights or disabling end its sessions. Raises
        ResourceNotFound, BadRequestData, and Conflict-like BadRequestData for the last administrator."""
        account = self.get_user(username)
        changed = replace(
            account,
            name=account.name if name is None else name.strip()[:200] or username,
            roles=account.roles if roles is None else _staff_roles(roles),
            agency=account.agency if agency is None else _agency(agency),
            disabled=account.disabled if disabled is None else disabled,
        )
        if self._is_last_administrator(account) and (
            changed.disabled or Role.ADMINISTRATOR not in changed.roles
        ):
            raise BadRequestData("This is the last administrator; appoint another one first", field="roles")
        encoded = None
        if password is not None:
            check_password_rules(password, username)
            encoded = await self._run(self._hasher.hash, password)
        await self._run(self._apply_user, changed, encoded)
        what = "account.password" if password is not None else "account.update"
        await self.audit.add(actor, what, f"user:{account.username}", detail=_rights_text(changed))
        self._changed()
        return changed

    def _apply_user(self, account: Account, encoded: str | None) -> None:
        with self.store.change():
            self.store.update_account(account)
            if encoded is not None:
                self.store.set_password(account.username, encoded, self.clock())
            self.store.end_sessions_of(account.username)

    async def change_password(self, credential: Credential, old: str, new: str, actor: Actor) -> None:
        """The session's own user chooses another password; the user's other sessions end."""
        session = await self._run(self.store.find_session, credential.digest)
        if session is None:
            raise NotSignedIn("The session is over; sign in again")
        account = session.account
        limits = keys_of(account.username, actor.origin, True)
        wait = longest_wait(self.store.failures(list(limits)), limits, self.clock())
        if wait:
            raise TooManyRequests(f"Too many failures; try again in {-(-wait // SECOND)} s")
        found = self.store.find_account(account.username)
        if not await self._run(self._hasher.verify, found[1] if found else None, old):
            await self._run(self.store.add_failures, list(limits), self.clock(), self.clock() - FORGET_AFTER)
            await self.audit.add(actor, "account.password", outcome=Outcome.REFUSED)
            raise BadRequestData("The old password is not right", field="old")
        check_password_rules(new, account.username)
        encoded = await self._run(self._hasher.hash, new)
        await self._run(self.store.set_password, account.username, encoded, self.clock())
        await self._run(self.store.end_sessions_of, account.username, credential.digest)
        await self.audit.add(actor, "account.password", f"user:{account.username}")
        self._changed()

    def get_user(self, username: str) -> Account:
        found = self.store.find_account(username.strip().casefold())
        if found is None:
            raise ResourceNotFound(f"There is no account {username!r}")
        return found[0]

    def list_users(self) -> list[Account]:
        return self.store.list_accounts()

    def _is_last_administrator(self, account: Account) -> bool:
        live = [a for a in self.list_users() if Role.ADMINISTRATOR in a.roles and not a.disabled]
        return [a.username for a in live] == [account.username]

    # -- tokens ---------------------------------------------------------------------------------------------
    async def add_token(
        self,
        kind: TokenKind,
        name: str,
        actor: Actor,
        *,
        roles: Iterable[Role] = (),
        agency: str = "",
        purpose: str = "",
        types: Sequence[str] = (),
        scopes: Sequence[str] = (),
        lifetime: Micros | None = None,
    ) -> tuple[Token, str]:
        """Make a token; the second value is its secret, shown this once. ``types`` are IRIs it is narrowed to.

        A device token has no roles: it writes its types and scopes and nothing else. Raises BadRequestData.
        """
        role_set = frozenset(roles)
        if not name.strip():
            raise BadRequestData("A token needs a name that tells what it is for", field="name")
        if kind is TokenKind.DEVICE and (role_set or not types):
            raise BadRequestData(
                "A device token has no roles, and names the types it may write", field="types"
            )
        if kind is TokenKind.API:
            role_set = _staff_roles(role_set) if role_set != {Role.PUBLIC} else role_set
        for value in types:
            if not is_uri(value):
                raise BadRequestData(f"{value!r} is not the IRI of a type", field="types")
        for scope in scopes:
            if not scope.startswith("/"):
                raise BadRequestData(f"{scope!r} is not a scope such as /hazard/rain", field="scopes")
        if purpose and not _PURPOSE.fullmatch(purpose):
            raise BadRequestData(f"{purpose!r} is not a purpose such as 'operations'", field="purpose")
        if lifetime is not None and lifetime <= 0:
            raise BadRequestData("The lifetime of a token must be positive", field="lifetime")
        now = self.clock()
        token = Token(
            sortable_id(now),
            kind,
            name.strip()[:200],
            role_set,
            _agency(agency),
            purpose,
            frozenset(types),
            tuple(sorted(scopes)),
            actor.principal.id,
            now,
            None if lifetime is None else now + lifetime,
        )
        secret = f"andaman_{kind}_{secrets.token_urlsafe(32)}"
        await self._run(self.store.add_token, digest_of(secret), token)
        detail = f"{kind} {' '.join(sorted(role_set))} {' '.join(sorted(types))}".strip()
        await self.audit.add(actor, "token.create", f"token:{token.id}", detail=detail)
        return token, secret

    async def revoke_token(self, token_id: str, actor: Actor) -> None:
        """Raises ResourceNotFound when there is no such token in force."""
        if not await self._run(self.store.revoke_token, token_id, self.clock()):
            raise ResourceNotFound(f"There is no token {token_id!r} in force")
        await self.audit.add(actor, "token.revoke", f"token:{token_id}")
        self._changed()

    def list_tokens(self) -> list[Token]:
        return self.store.list_tokens()

    # -- agencies -------------------------------------------------------------------------------------------
    async def put_agency(self, agency: Agency, actor: Actor | None = None) -> None:
        if not agency.code or not _AGENCY.fullmatch(agency.code):
            raise BadRequestData(f"{agency.code!r} is not an agency code such as 'pk-ddpm'", field="code")
        if agency in self.list_agencies():
            return
        await self._run(self.store.put_agency, agency)
        await self.audit.add(actor or system_actor("identity"), "agency.put", f"agency:{agency.code}")

    def list_agencies(self) -> list[Agency]:
        return self.store.list_agencies()

    async def ensure_user(
        self,
        username: str,
        password: str,
        roles: Iterable[Role],
        actor: Actor,
        *,
        name: str = "",
        agency: str = "",
    ) -> Account:
        """Make the account, or give the one that exists this password and these rights (demo, command line)."""
        try:
            return await self.add_user(username, password, roles, actor, name=name, agency=agency)
        except AlreadyExists:
            return await self.update_user(
                username, actor, name=name, roles=roles, agency=agency, disabled=False, password=password
            )


def _staff_roles(roles: Iterable[Role]) -> frozenset[Role]:
    chosen = frozenset(roles)
    if not chosen or Role.PUBLIC in chosen:
        names = ", ".join(role for role in Role if role is not Role.PUBLIC)
        raise BadRequestData(f"Give at least one role of {names}", field="roles")
    return chosen


def _agency(code: str) -> str:
    if not _AGENCY.fullmatch(code):
        raise BadRequestData(f"{code!r} is not an agency code such as 'pk-ddpm'", field="agency")
    return code


def _rights_text(account: Account) -> str:
    state = " disabled" if account.disabled else ""
    return f"roles {' '.join(sorted(account.roles))}; agency {account.agency or 'none'}{state}"
