"""One's own sign-ins and tokens: which there are, and how to end one. Whose they are is always asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from andaman.identity.audit import AuditTrail
from andaman.identity.credentials import Credential
from andaman.identity.model import Actor
from andaman.identity.problems import NoSuchSession, NotYourToken
from andaman.identity.records import Session, Token
from andaman.identity.store import IdentityStore
from andaman.identity.tokens import Tokens
from andaman.kernel.time import Clock, Micros


class Sessions:
    """Made by ``Identity``. ``changed`` is called when one was ended."""

    def __init__(
        self,
        store: IdentityStore,
        run: Callable[..., Awaitable[Any]],
        audit: AuditTrail,
        clock: Clock,
        idle: Micros,
        tokens: Tokens,
        changed: Callable[[], None],
    ) -> None:
        self._store, self._run, self._audit = store, run, audit
        self._clock, self._idle, self._tokens, self._changed = clock, idle, tokens, changed

    def of(self, actor: Actor) -> list[Session]:
        """Sessions of the actor's account that are in force, the one used last first."""
        now = self._clock()
        found = self._store.sessions_of(_username(actor))
        live = [one for one in found if now < one.expires_at and now < one.seen_at + self._idle]
        return sorted(live, key=lambda one: one.seen_at, reverse=True)

    def current(self, credential: Credential | None) -> str:
        """The id of the session that a request came with; "" for none."""
        if credential is None or credential.kind != "session":
            return ""
        found = self._store.find_session(credential.digest)
        return "" if found is None else found.id

    def tokens_of(self, actor: Actor) -> list[Token]:
        """Tokens in force that the actor answers for."""
        mine = [one for one in self._tokens.all() if one.owner == actor.principal.id]
        return [one.token for one in self._tokens.listed(mine) if one.standing is not None]

    async def end(self, session_id: str, actor: Actor) -> None:
        """Raises NoSuchSession for one that is over or another's."""
        if not await self._run(self._store.end_session_of, _username(actor), session_id):
            raise NoSuchSession
        self._changed()
        await self._audit.add(actor, "session.end", f"session:{session_id}")

    async def end_others(self, credential: Credential, actor: Actor) -> int:
        """End all of the actor's sessions but this one; returns how many that were."""
        count: int = await self._run(self._store.end_sessions_of, _username(actor), credential.digest)
        if count:
            self._changed()
            await self._audit.add(actor, "session.end", actor.principal.id, detail=f"{count} others")
        return count

    async def revoke_token(self, token_id: str, actor: Actor) -> None:
        """Raises NotYourToken for one that is not in force or another's."""
        mine = {one.id for one in self.tokens_of(actor)}
        if token_id not in mine or not await self._run(self._store.revoke_token, token_id, self._clock()):
            raise NotYourToken
        self._changed()
        await self._audit.add(actor, "token.revoke", f"token:{token_id}")


def _username(actor: Actor) -> str:
    """ "" for an actor without an account: a token, the public."""
    kind, _, name = actor.principal.id.partition(":")
    return name if kind == "user" else ""
