"""Whom a session or token belongs to now: remembered for a few seconds, then one indexed read. On every request's way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from andaman.identity.basis import Basis
from andaman.identity.credentials import Credential, Known
from andaman.identity.roles import RoleTable
from andaman.identity.store import IdentityStore
from andaman.kernel.time import HOUR, MINUTE, SECOND, Micros

_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Lifetimes of sessions, and of facts remembered between two looks at the database."""

    idle: Micros = HOUR
    absolute: Micros = 12 * HOUR  # one shift
    remember: Micros = 5 * SECOND
    sessions_max: int = 10  # of one person at the same time


class Recognition:
    """The memory of ``Identity.authenticate``; ``forget`` when sessions, tokens, accounts or the policy changed."""

    def __init__(
        self,
        store: IdentityStore,
        basis: Basis,
        threads: ThreadPoolExecutor,
        lifetimes: Lifetimes,
        roles: RoleTable,
    ) -> None:
        self.store, self.basis, self.lifetimes = store, basis, lifetimes
        self._roles = roles
        self._threads = threads
        self._known: dict[Credential, Known] = {}
        self._touched: dict[Credential, Micros] = {}
        self._loose: set[asyncio.Future[None]] = set()

    def forget(self) -> None:
        self._known.clear()

    async def settle(self) -> None:
        """Wait for the notes that are being written in the background."""
        if self._loose:
            await asyncio.gather(*self._loose, return_exceptions=True)

    def known(self, credential: Credential, now: Micros) -> Known | None:
        """The principal of a credential that is in force; None otherwise. Marks it as used."""
        known = self._known.get(credential)
        if known is not None and now < known.until:
            return known
        known = self._look(credential, now)
        if known is None:
            self._known.pop(credential, None)
            return None
        if len(self._known) > _MOST:
            self._known.clear()
        self._known[credential] = known
        return known

    def _look(self, credential: Credential, now: Micros) -> Known | None:
        until = now + self.lifetimes.remember
        if credential.kind == "session":
            session = self.store.find_session(credential.digest)
            if session is None or not self._roles.may_declare(session.account.roles, session.purpose):
                return None
            seen_at = max(session.seen_at, self._touched.get(credential, 0))
            if now >= session.expires_at or now >= seen_at + self.lifetimes.idle:
                return None
            account = session.account
            standing = self.basis.of_account(account, session.purpose, account.era)
            if standing is None:
                return None
            self._touch(credential, seen_at, now, self.store.touch_session, credential.digest)
            return Known(*standing[:2], session.expires_at, min(until, session.expires_at))
        found = self.store.find_token(credential.digest, now)
        if found is None:
            return None
        token, over_at = found
        standing = self.basis.of_token(token, now)
        if standing is None:
            return None
        ends_at = standing.ends_at if over_at is None else min(standing.ends_at, over_at)
        last = max(token.last_used_at or 0, self._touched.get(credential, 0))
        self._touch(credential, last, now, self.store.touch_token, token.id)
        return Known(*standing[:2], ends_at, min(until, ends_at))

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
        if len(self._touched) > _MOST:
            self._touched.clear()
        self._touched[credential] = now
        try:
            future = asyncio.get_running_loop().run_in_executor(self._threads, write, key, now)
        except RuntimeError:  # no loop: a command line
            write(key, now)
            return
        self._loose.add(future)
        future.add_done_callback(self._loose.discard)
