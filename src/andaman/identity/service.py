"""Identity: every sign-in, session, token and account change. One object, made by the composition root.

``authenticate_*`` are synchronous and cheap (remembered for a few seconds, then one indexed read); everything that
writes or hashes is a coroutine that works in the room's own threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from andaman.identity.audit import AuditTrail
from andaman.identity.basis import Basis
from andaman.identity.checks import (
    checked_agency,
    checked_purpose,
    checked_roles,
    checked_username,
    plain_username,
)
from andaman.identity.credentials import PUBLIC_PRINCIPAL, Credential, Known
from andaman.identity.model import Actor, Role
from andaman.identity.own_roles import OwnRoles
from andaman.identity.passwords import PasswordCost, PasswordHasher, check_password_rules
from andaman.identity.permissions import MANAGE_ACCOUNTS
from andaman.identity.policy import Policy, Rights, notify_all
from andaman.identity.problems import (
    AddressSignInsBusy,
    FailuresThrottled,
    LastAdministrator,
    NoSuchAccount,
    OldPasswordWrong,
    SessionOver,
    SignInsBusy,
)
from andaman.identity.recognition import Lifetimes, Recognition
from andaman.identity.records import Account, Outcome, Token
from andaman.identity.sessions import Sessions
from andaman.identity.sign_in import KNOWN_FOR, Attempt, SignIn, device_mark, sign_in
from andaman.identity.store import IdentityStore
from andaman.identity.tenants import Tenants
from andaman.identity.throttle import FORGET_AFTER, Limit, keys_of, longest_wait, network_of
from andaman.identity.tokens import Tokens
from andaman.kernel.errors import (
    AlreadyExists,
)
from andaman.kernel.permissions import Permission
from andaman.kernel.time import SECOND, Clock, Micros, system_clock
from andaman.kernel.turns import Turns
from andaman.kernel.words import Words

_HASHING: Final = 2
"""Threads of this room; each hash takes tens of milliseconds and MB."""
_WAITING_MAX: Final = 512
_LINE_OF_ADDRESS: Final = 32
_LINE_OF_PERSON: Final = 6
"""Sign-ins that wait for a thread: in all, of one address, and of one person who is known there."""
_DEMO_ACCOUNT: Final = "account.demo"
_DEMO_MAX: Final = 10_000
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
        self.roles = roles = self.policy.table.roles
        self.clock = clock
        self.lifetimes = lifetimes or Lifetimes()
        self.audit = AuditTrail(self.store, clock)
        self.tenants = Tenants(self.store, self._run, self.audit, self._changed)
        self.basis = Basis(self.store, roles)
        self.tokens = Tokens(self.store, self._run, self.audit, clock, self.basis, self._changed, roles)
        self.add_token, self.revoke_token = self.tokens.add, self.tokens.revoke
        self.sessions = Sessions(
            self.store, self._run, self.audit, clock, self.lifetimes.idle, self.tokens, self._changed
        )
        self._hasher = PasswordHasher(password_cost)
        self.own_roles = OwnRoles(self.store, roles, self.audit, self._allowed, self._run, self._changed)
        self._threads = ThreadPoolExecutor(
            _HASHING, "identity"
        )  # bounds memory and CPU that sign-ins can take
        self._waiting = 0
        self._hashing = Turns(_HASHING)
        self._recognition = Recognition(self.store, self.basis, self._threads, self.lifetimes, roles)
        self._seen_changes, self._next_end = self.store.changes(), self.store.next_end(clock())
        self._listeners: list[Callable[[], None]] = []
        self.policy.roles_changed()

    async def close(self) -> None:
        """Finish the work that was begun and close the file."""
        await self._recognition.settle()
        await self.audit.flush()
        self._threads.shutdown(wait=True)
        self.store.close()

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def users_of_role(self, role: str) -> list[Words]:
        """Accounts and tokens that have it. Blocks."""
        return self._named(lambda one: role in one.roles)

    def users_of_agency(self, agency: str) -> list[Words]:
        """Accounts and tokens that belong to it. Blocks."""
        return self._named(lambda one: one.agency == agency)

    def _named(self, wanted: Callable[[Account | Token], bool]) -> list[Words]:
        names = [one.name or one.username for one in self.store.list_accounts() if wanted(one)]
        found = [Words(f"บัญชี {name}", f"the account {name}") for name in names]
        tokens = [
            one.name or one.id for one in self.store.list_tokens() if one.revoked_at is None and wanted(one)
        ]
        return found + [Words(f"โทเค็น {name}", f"the token {name}") for name in tokens]

    # -- who is it ------------------------------------------------------------------------------------------
    def authenticate(self, credential: Credential, now: Micros | None = None) -> Known | None:
        """The principal of a session or token that is in force; None otherwise. Marks it as used."""
        return self._recognition.known(credential, self.clock() if now is None else now)

    def actor(self, known: Known, origin: str = "") -> Actor:
        """The actor of an authenticated principal under the policy in force."""
        return Actor(known.principal, self.policy.access(known.rights), origin)

    def public_actor(self, origin: str = "") -> Actor:
        """The actor of requests without sign-in."""
        return Actor(PUBLIC_PRINCIPAL, self.policy.access(Rights()), origin)

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` when sessions, tokens, accounts or the policy changed; returns how to end this."""
        self._listeners.append(listener)
        end_policy = self.policy.on_change(listener)

        def end() -> None:
            self._listeners.remove(listener)
            end_policy()

        return end

    def look(self) -> None:
        """See what another process changed (the command line), and which tokens are over by now. Call it often: it costs
        microseconds."""
        if self.store.changes() != self._seen_changes or self.clock() >= self._next_end:
            self._changed()

    def _changed(self) -> None:
        """Notify all parts that act in somebody's name. Where that fails, the next look tells it again."""
        seen, self._seen_changes = self.store.changes(), -1
        next_end = self.store.next_end(self.clock())
        self._recognition.forget()
        if self.own_roles.refresh():
            self.policy.roles_changed()
        notify_all(self._listeners)
        self._seen_changes, self._next_end = seen, next_end

    # -- signing in and out ---------------------------------------------------------------------------------
    async def sign_in(
        self, username: str, password: str, address: str = "", purpose: str = "", device: str = ""
    ) -> SignIn:
        """Open a session; ``device``: what an earlier one gave the device to keep. Raises NotSignedIn (the same for an unknown user, a wrong password and a disabled
        account, in the same time) and TooManyRequests after repeated failures."""
        attempt = Attempt(username, password, address, checked_purpose(purpose), self.clock(), device)
        network, name = network_of(address), plain_username(username)
        # Whoever signed in from there before does not stand in line behind whoever guesses there.
        since, mark = attempt.at - KNOWN_FOR, device_mark(device)
        known = self.store.knows_address(name, address, since) or bool(
            mark and self.store.knows_address(name, mark, since)
        )
        whose = f"{mark or network} {name}" if known else network
        if self._hashing.waiting(whose) >= (_LINE_OF_PERSON if known else _LINE_OF_ADDRESS):
            raise AddressSignInsBusy
        if self._waiting >= _WAITING_MAX:
            raise SignInsBusy
        self._waiting += 1
        try:
            async with self._hashing.turn(whose):
                lives = self.lifetimes
                done = await self._run(
                    sign_in, self.store, self._hasher, attempt, lives.absolute, lives.sessions_max, self.roles
                )
        finally:
            self._waiting -= 1
        if done.ended:
            self._changed()
        return done

    async def sign_out(self, credential: Credential, actor: Actor) -> None:
        """End the session; nothing happens when it is over already."""
        ended = await self._run(self.store.end_session, credential.digest)
        self._changed()
        if ended:
            await self.audit.add(actor, "session.sign-out")

    # -- accounts -------------------------------------------------------------------------------------------
    async def add_user(
        self,
        username: str,
        password: str,
        roles: Iterable[str],
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
            checked_roles(roles, self.roles),
            checked_agency(agency),
            created_at=now,
            password_at=now,
            era=now,
        )
        encoded = await self._run(self._hasher.hash, password)
        await self._run(self._allowed, actor, MANAGE_ACCOUNTS, self.store.add_account, account, encoded)
        await self.audit.add(actor, "account.create", f"user:{username}", detail=_rights_text(account))
        self._changed()
        return account

    async def update_user(
        self,
        username: str,
        actor: Actor,
        *,
        name: str | None = None,
        roles: Iterable[str] | None = None,
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
            wanted["roles"] = checked_roles(roles, self.roles)
        if agency is not None:
            wanted["agency"] = checked_agency(agency)
        if disabled is not None:
            wanted["disabled"] = disabled
        encoded = None
        if password is not None:
            check_password_rules(password, account.username)
            encoded = await self._run(self._hasher.hash, password)
        changed: Account = await self._run(self._apply_user, account.username, wanted, encoded, actor)
        self._changed()
        what = "account.password" if password is not None else "account.update"
        await self.audit.add(actor, what, f"user:{account.username}", detail=_rights_text(changed))
        return changed

    def _allowed(self, actor: Actor, permission: Permission, change: Callable[..., T], *arguments: Any) -> T:
        """One change by an actor that has the permission at that moment: since an earlier check, the request may have
        waited for a hash.
        """
        with self.store.change():
            self.basis.check_may(actor, permission, self.clock())
            return change(*arguments)

    def _apply_user(
        self, username: str, wanted: dict[str, Any], encoded: str | None, actor: Actor
    ) -> Account:
        """On what the account is by now: of two changes at once neither undoes the other, nor do two administrators
        end each other."""
        with self.store.change():
            self.basis.check_may(actor, MANAGE_ACCOUNTS, self.clock())
            account = self.get_user(username)
            changed = replace(account, **wanted)
            if self._is_last_administrator(account) and (
                changed.disabled or Role.ADMINISTRATOR not in changed.roles
            ):
                raise LastAdministrator
            self.store.update_account(changed)
            if encoded is not None:
                self.store.set_password(username, encoded, self.clock())
            self.store.end_sessions_of(username)
        return self.get_user(username)

    async def change_password(self, credential: Credential, old: str, new: str, actor: Actor) -> None:
        """The session's own user chooses another password; the user's other sessions end."""
        session = await self._run(self.store.find_session, credential.digest)
        if session is None:
            raise SessionOver
        account = session.account
        check_password_rules(new, account.username)
        keys = keys_of(account.username, actor.origin, True)
        limits = keys.limits
        await self._run(self._count_try, limits)
        found = self.store.find_account(account.username)
        if not await self._run(self._hasher.verify, found[1] if found else None, old):
            await self.audit.add(actor, "account.password", outcome=Outcome.REFUSED)
            raise OldPasswordWrong
        await self._run(self.store.take_back_failures, [], [keys.pair])
        encoded = await self._run(self._hasher.hash, new)
        await self._run(self.store.set_password, account.username, encoded, self.clock())
        await self._run(self.store.end_sessions_of, account.username, credential.digest)
        self._changed()
        await self.audit.add(actor, "account.password", f"user:{account.username}")

    def _count_try(self, limits: dict[str, Limit]) -> None:
        """Count an attempt before it is made, so that parallel guesses do not slip through. Raises TooManyRequests."""
        now = self.clock()
        with self.store.change():
            wait = longest_wait(self.store.failures(list(limits)), limits, now)
            if not wait:
                self.store.add_failures(list(limits), now, now - FORGET_AFTER)
                return
        raise FailuresThrottled(retryAfter=-(-wait // SECOND))

    def get_user(self, username: str) -> Account:
        found = self.store.find_account(plain_username(username))
        if found is None:
            raise NoSuchAccount(username=username)
        return found[0]

    def list_users(self) -> list[Account]:
        return self.store.list_accounts()

    def list_tokens(self) -> list[Token]:
        return self.tokens.all()

    def name_of(self, principal_id: str) -> str:
        """The name people know a principal by; "" for parts of the platform and for who is no longer there."""
        kind, _, rest = principal_id.partition(":")
        if kind == "user":
            found = self.store.find_account(rest)
            return found[0].name if found else ""
        if kind in ("token", "device"):
            token = self.store.find_token_by_id(rest)
            return token.name if token is not None else ""
        return ""

    async def mark_demo_accounts(self, usernames: Iterable[str], actor: Actor) -> None:
        """Mark accounts as those of a demonstration: their acts show nothing of the city's work. The mark stays."""
        known = await self.demo_accounts()
        for username in usernames:
            if f"user:{username}" not in known:
                await self.audit.add(actor, _DEMO_ACCOUNT, f"user:{username}")

    async def demo_accounts(self) -> frozenset[str]:
        """Principals of the accounts that were marked as those of a demonstration."""
        rows = await self._run(partial(self.store.list_audit, action=_DEMO_ACCOUNT, limit=_DEMO_MAX))
        return frozenset(row.target for row in rows)

    def _is_last_administrator(self, account: Account) -> bool:
        live = [a for a in self.list_users() if Role.ADMINISTRATOR in a.roles and not a.disabled]
        return [a.username for a in live] == [account.username]

    async def ensure_user(
        self,
        username: str,
        password: str,
        roles: Iterable[str],
        actor: Actor,
        *,
        name: str = "",
        agency: str = "",
    ) -> Account:
        """Make the account, or give the one that exists this password and these rights (demo, command line)."""
        try:
            return await self.add_user(username, password, roles, actor, name=name, agency=agency)
        except AlreadyExists:
            found = self.store.find_account(plain_username(username))
            given: str | None = password
            if found is not None and await self._run(self._hasher.verify, found[1], password):
                given = None  # it is that one already: what was made with it stays
            return await self.update_user(
                username, actor, name=name, roles=roles, agency=agency, disabled=False, password=given
            )


def _rights_text(account: Account) -> str:
    state = " disabled" if account.disabled else ""
    return f"roles {' '.join(sorted(account.roles))}; agency {account.agency or 'none'}{state}"
