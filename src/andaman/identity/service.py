"""Identity: every sign-in, session, token and account change. One object, made by the composition root.

``authenticate_*`` are synchronous and cheap (remembered for a few seconds, then one indexed read); everything that
writes or hashes is a coroutine that works in the room's own threads.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from andaman.identity.audit import AuditTrail
from andaman.identity.checks import (
    check_token,
    checked_agency,
    checked_purpose,
    checked_roles,
    checked_username,
    plain_username,
)
from andaman.identity.credentials import PUBLIC_PRINCIPAL, Credential, Known, digest_of
from andaman.identity.model import Actor, Role, system_actor
from andaman.identity.passwords import PasswordCost, PasswordHasher, check_password_rules
from andaman.identity.policy import Policy, Rights
from andaman.identity.recognition import Lifetimes, Recognition
from andaman.identity.records import Account, Agency, Outcome, Token, TokenKind
from andaman.identity.sessions import Sessions
from andaman.identity.sign_in import Attempt, SignIn, sign_in
from andaman.identity.store import IdentityStore
from andaman.identity.tenants import Tenants, checked_tenants
from andaman.identity.throttle import FORGET_AFTER, keys_of, longest_wait
from andaman.kernel.errors import (
    AlreadyExists,
    BadRequestData,
    NotSignedIn,
    ResourceNotFound,
    TooManyRequests,
)
from andaman.kernel.ids import sortable_id
from andaman.kernel.time import SECOND, Clock, Micros, system_clock

_WAITING_MAX: Final = 32
T = TypeVar("T")


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
        self.tenants = Tenants(self.store, self._run, self.audit, self._changed)
        self.sessions = Sessions(self.store, self._run, self.audit, clock, self.lifetimes.idle, self._changed)
        self._hasher = PasswordHasher(password_cost)
        self._threads = ThreadPoolExecutor(2, "identity")  # bounds memory and CPU that sign-ins can take
        self._waiting = 0
        self._recognition = Recognition(self.store, self.tenants, self._threads, self.lifetimes)
        self._listeners: list[Callable[[], None]] = []

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        await self._recognition.settle()
        await self.audit.flush()
        self._threads.shutdown(wait=True)
        self.store.close()

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    # -- who is it ------------------------------------------------------------------------------------------
    def authenticate(self, credential: Credential, now: Micros | None = None) -> Known | None:
        """The principal of a session or token that is in force; None otherwise. Marks it as used."""
        return self._recognition.known(credential, self.clock() if now is None else now)

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
        self._recognition.forget()
        for listener in list(self._listeners):
            listener()

    # -- signing in and out ---------------------------------------------------------------------------------
    async def sign_in(self, username: str, password: str, address: str = "", purpose: str = "") -> SignIn:
        """Open a session. Raises NotSignedIn (the same for an unknown user, a wrong password and a disabled
        account, in the same time) and TooManyRequests after repeated failures."""
        attempt = Attempt(username, password, address, checked_purpose(purpose), self.clock())
        if self._waiting >= _WAITING_MAX:
            raise TooManyRequests("Too many people sign in at this moment; try again in a few seconds")
        self._waiting += 1
        try:
            lives = self.lifetimes
            done = await self._run(
                sign_in, self.store, self._hasher, attempt, lives.absolute, lives.sessions_max
            )
        finally:
            self._waiting -= 1
        if done.ended:
            self._changed()
        return done

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
        username = checked_username(username)
        check_password_rules(password, username)
        now = self.clock()
        account = Account(
            username,
            name.strip()[:200] or username,
            checked_roles(roles),
            checked_agency(agency),
            False,
            now,
            now,
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
        wanted: dict[str, Any] = {}
        if name is not None:
            wanted["name"] = name.strip()[:200] or account.username
        if roles is not None:
            wanted["roles"] = checked_roles(roles)
        if agency is not None:
            wanted["agency"] = checked_agency(agency)
        if disabled is not None:
            wanted["disabled"] = disabled
        encoded = None
        if password is not None:
            check_password_rules(password, account.username)
            encoded = await self._run(self._hasher.hash, password)
        changed: Account = await self._run(self._apply_user, account.username, wanted, encoded)
        what = "account.password" if password is not None else "account.update"
        await self.audit.add(actor, what, f"user:{account.username}", detail=_rights_text(changed))
        self._changed()
        return changed

    def _apply_user(self, username: str, wanted: dict[str, Any], encoded: str | None) -> Account:
        """On what the account is by now: of two changes at once neither undoes the other, nor do two administrators
        end each other."""
        with self.store.change():
            account = self.get_user(username)
            changed = replace(account, **wanted)
            if self._is_last_administrator(account) and (
                changed.disabled or Role.ADMINISTRATOR not in changed.roles
            ):
                raise BadRequestData(
                    "This is the last administrator; appoint another one first", field="roles"
                )
            self.store.update_account(changed)
            if encoded is not None:
                self.store.set_password(username, encoded, self.clock())
            self.store.end_sessions_of(username)
        return changed

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
        found = self.store.find_account(plain_username(username))
        if found is None:
            raise ResourceNotFound(f"There is no account {username!r}")
        return found[0]

    def list_users(self) -> list[Account]:
        return self.store.list_accounts()

    def name_of(self, principal_id: str) -> str:
        """The name people know a principal by; "" for parts of the platform and for who is no longer there."""
        kind, _, rest = principal_id.partition(":")
        if kind == "user":
            found = self.store.find_account(rest)
            return found[0].name if found else ""
        if kind in ("token", "device"):
            return next((token.name for token in self.list_tokens() if token.id == rest), "")
        return ""

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
        tenant: str = "",
    ) -> tuple[Token, str]:
        """Make a token; the second value is its secret, shown this once. ``types`` are IRIs it is narrowed to.

        A device token has no roles: it writes its types and scopes and nothing else. Raises BadRequestData.
        """
        role_set = frozenset(roles)
        if kind is TokenKind.API and role_set != {Role.PUBLIC}:
            role_set = checked_roles(role_set)
        check_token(kind, name, role_set, types, scopes)
        if tenant:
            checked_tenants([tenant])
        if lifetime is not None and lifetime <= 0:
            raise BadRequestData("The lifetime of a token must be positive", field="lifetime")
        now = self.clock()
        token = Token(
            sortable_id(now),
            kind,
            name.strip()[:200],
            role_set,
            checked_agency(agency),
            checked_purpose(purpose),
            frozenset(types),
            tuple(sorted(scopes)),
            actor.principal.id,
            now,
            None if lifetime is None else now + lifetime,
            tenant=tenant,
        )
        secret = f"andaman_{kind}_{secrets.token_urlsafe(32)}"
        await self._run(self.store.add_token, digest_of(secret), token)
        detail = f"{kind} {' '.join(sorted(role_set))} {' '.join(sorted(types))} {tenant}".strip()
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
        if not checked_agency(agency.code):
            raise BadRequestData("An agency has a code such as 'pk-ddpm'", field="code")
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


def _rights_text(account: Account) -> str:
    state = " disabled" if account.disabled else ""
    return f"roles {' '.join(sorted(account.roles))}; agency {account.agency or 'none'}{state}"
