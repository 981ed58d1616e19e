"""Everything that a city defines for itself, with its versions, its authors and its review."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from andaman.approvals.model import Proposal
from andaman.approvals.service import Action, Approvals
from andaman.definitions import versions as rules
from andaman.definitions.kinds import DefinitionKind, Document
from andaman.definitions.problems import (
    InUse,
    NoSuchDefinition,
    NoSuchKind,
    NotDeletable,
    ReviewNeeded,
    StepNotPossible,
    TooManyDrafts,
)
from andaman.definitions.references import check_references, users_of
from andaman.definitions.store import VersionStore
from andaman.definitions.versions import OPEN, State, Version, digest_of
from andaman.identity.credentials import Credential
from andaman.identity.model import Actor
from andaman.kernel.time import Clock
from andaman.kernel.words import Words

_DRAFTS_MAX: Final = 20
T = TypeVar("T")


class Definitions:
    """All kinds of definitions of the platform. Permissions are the caller's business, except those of reviews."""

    def __init__(self, store: VersionStore, approvals: Approvals, clock: Clock) -> None:
        self._store, self._approvals, self._clock = store, approvals, clock
        self._kinds: dict[str, DefinitionKind] = {}
        self._actions: dict[str, Action] = {}
        self._lock = asyncio.Lock()

    def offer(self, kind: DefinitionKind) -> None:
        """Raises LookupError where there is one of this name already."""
        if kind.name in self._kinds:
            raise LookupError(f"Two rooms offer the definitions {kind.name}")
        self._kinds[kind.name] = kind
        if kind.review is not None:
            words = Words(f"ตรวจร่าง: {kind.words.th}", f"Review a draft: {kind.words.en}")
            action = Action(f"review-{kind.name}", words, kind.manage, kind.review, self._reviewed)
            self._approvals.offer(action)
            self._actions[kind.name] = action

    def kinds(self) -> list[DefinitionKind]:
        return list(self._kinds.values())

    def kind(self, name: str) -> DefinitionKind:
        """Raises NoSuchKind."""
        found = self._kinds.get(name)
        if found is None:
            raise NoSuchKind(id=name[:80])
        return found

    async def _blocking(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.to_thread(call, *arguments)

    # -- reading --------------------------------------------------------------------------------------------
    async def open_drafts(self, kind: DefinitionKind) -> dict[str, int]:
        """Key → number of drafts and reviewed versions."""
        return await self._blocking(self._store.open_keys, kind.name)

    async def history(self, kind: DefinitionKind, key: str) -> list[Version]:
        """All versions, in order. Raises NoSuchDefinition."""
        async with self._lock:
            found = await self._versions(kind, key)
        if not found:
            raise NoSuchDefinition(id=key[:80])
        return found

    async def _versions(self, kind: DefinitionKind, key: str) -> list[Version]:
        """As they are, after a look at the version in force. Within the lock."""
        before = await self._blocking(self._store.versions, kind.name, key)
        current = kind.place.in_force().get(key)
        after = rules.reconciled(before, current, kind.review is not None, self._clock())
        return await self._keep(kind, key, before, after)

    async def _keep(
        self, kind: DefinitionKind, key: str, before: Sequence[Version], after: list[Version]
    ) -> list[Version]:
        changed = [one for one in after if one not in before]
        if changed:
            await self._blocking(self._store.put, kind.name, key, changed)
        return after

    # -- drafts ---------------------------------------------------------------------------------------------
    async def draft(
        self, kind: DefinitionKind, key: str, document: Document | None, actor: Actor, reason: str = ""
    ) -> Version:
        """A new version as a draft; None: the definition is to end. Raises RowRefused, NoSuchDefinition, InUse and
        TooManyDrafts; then nothing is written."""
        content = self._checked(kind, key, document)
        async with self._lock:
            versions = await self._versions(kind, key)
            if sum(one.state in OPEN for one in versions) >= _DRAFTS_MAX:
                raise TooManyDrafts(limit=_DRAFTS_MAX)
            version = self._written(kind, key, versions, content, actor, reason)
            await self._keep(kind, key, versions, [*versions, version])
        return version

    def _written(
        self,
        kind: DefinitionKind,
        key: str,
        versions: Sequence[Version],
        content: Document | None,
        actor: Actor,
        reason: str,
    ) -> Version:
        return Version(
            number=rules.next_number(versions),
            state=State.DRAFT,
            document=None if content is None else dict(content),
            digest=digest_of(content),
            base=digest_of(kind.place.in_force().get(key)),
            author=actor.principal.id,
            author_name=actor.principal.name,
            at=self._clock(),
            reason=reason,
        )

    def _checked(self, kind: DefinitionKind, key: str, document: Document | None) -> dict[str, Any] | None:
        """What the place would hold. Raises RowRefused, NoSuchDefinition and InUse."""
        if document is None:
            if key not in kind.place.in_force():
                raise NoSuchDefinition(id=key[:80])
            if key in kind.place.kept():
                raise NotDeletable(id=key)
            if user := next(users_of(self.kinds(), kind.name, key), None):
                raise InUse(id=key, user=user)
            return None
        content = kind.content_of(key, document)
        check_references(kind.form, content, self._codes)
        if kind.check is not None:
            kind.check(kind.form.read({**content, "code": key}))
        return content

    def _codes(self, kind: str) -> frozenset[str]:
        found = self._kinds.get(kind)
        return frozenset(found.place.in_force()) if found is not None else frozenset()

    async def withdraw(self, kind: DefinitionKind, key: str, number: int, actor: Actor) -> Version:
        """Drop a draft or a reviewed version, and the proposal that waits for it. Raises NoSuchVersion and StepNotPossible."""
        async with self._lock:
            versions = await self._versions(kind, key)
            done = rules.withdrawn(rules.find(versions, number))
            await self._keep(kind, key, versions, [done])
        if done.proposal:
            await self._approvals.drop(done.proposal, actor)
        return done

    # -- review ---------------------------------------------------------------------------------------------
    async def propose(
        self,
        kind: DefinitionKind,
        key: str,
        number: int,
        actor: Actor,
        credential: Credential | None = None,
    ) -> Proposal:
        """Ask a second person for the review of a draft. Raises NoSuchVersion and StepNotPossible."""
        action = self._actions.get(kind.name)
        async with self._lock:
            version = rules.find(await self._versions(kind, key), number)
            before = kind.place.in_force().get(key)
        if version.state is not State.DRAFT or action is None:
            raise StepNotPossible(state=version.state)
        content = {
            "kind": kind.name,
            "key": key,
            "number": number,
            "base": version.base,
            "digest": version.digest,
            "document": version.document,
            "before": before,
        }
        # Outside the lock: an approval holds its own while it comes here to note the review.
        made = await self._approvals.propose(
            action, f"{kind.name}/{key}", content, actor, reason=version.reason, credential=credential
        )
        async with self._lock:
            versions = await self._versions(kind, key)
            now = rules.find(versions, number)
            if now.state is State.DRAFT:
                await self._keep(kind, key, versions, [msgspec.structs.replace(now, proposal=made.id)])
        if now.state is State.WITHDRAWN:
            await self._approvals.drop(made.id, actor)
        return made

    async def _reviewed(self, proposal: Proposal, actor: Actor) -> None:
        """A second person has approved a draft."""
        content = proposal.content
        kind, key = self.kind(content["kind"]), content["key"]
        async with self._lock:
            versions = await self._versions(kind, key)
            version = rules.find(versions, content["number"])
            if version.digest != content["digest"] or version.proposal not in ("", proposal.id):
                raise StepNotPossible(state=version.state)
            noted = msgspec.structs.replace(version, proposal=proposal.id)
            done = rules.reviewed(noted, actor.principal.id, actor.principal.name, self._clock())
            await self._keep(kind, key, versions, [done])

    # -- into force -----------------------------------------------------------------------------------------
    async def enforce(self, kind: DefinitionKind, key: str, number: int, actor: Actor) -> Version:
        """Put a version into force. Raises NoSuchVersion, StepNotPossible, ReviewNeeded, DefinitionChanged, RightsEnded (of
        its author or reviewer), and what the kind refuses."""
        async with self._lock:
            versions = await self._versions(kind, key)
            version = rules.find(versions, number)
            current = kind.place.in_force().get(key)
            rules.check_enforceable(version, digest_of(current), kind.review is not None)
            if kind.review is not None:
                await self._approvals.check_still_allowed(version.proposal)
            if version.digest != digest_of(current):
                self._checked(kind, key, version.document)
            return await self._enforce(kind, key, versions, version, actor)

    async def _enforce(
        self, kind: DefinitionKind, key: str, versions: Sequence[Version], version: Version, actor: Actor
    ) -> Version:
        if version.digest != digest_of(kind.place.in_force().get(key)):
            if version.document is None:
                await kind.place.delete(key, actor)
            else:
                await kind.place.put(key, version.document, actor)
        after = rules.enforced(versions, version.number, actor.principal.id, self._clock())
        await self._keep(kind, key, versions, after)
        return rules.find(after, version.number)

    async def put(
        self, kind: DefinitionKind, key: str, document: Document | None, actor: Actor, reason: str = ""
    ) -> Version | None:
        """Write a definition and put it into force at once; None: end it. Returns None where it was in force already. Raises
        ReviewNeeded for a kind that a second person reviews."""
        if kind.review is not None:
            raise ReviewNeeded
        return await self.put_checked(kind, key, self._checked(kind, key, document), actor, reason)

    async def put_checked(
        self, kind: DefinitionKind, key: str, content: Document | None, actor: Actor, reason: str = ""
    ) -> Version | None:
        """``put`` of what the caller has checked, without a second person."""
        async with self._lock:
            versions = await self._versions(kind, key)
            version = self._written(kind, key, versions, content, actor, reason)
            if version.digest == version.base:
                return None
            return await self._enforce(kind, key, [*versions, version], version, actor)
