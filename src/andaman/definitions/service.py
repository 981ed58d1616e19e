"""Everything that a city defines for itself, with its versions, its authors and its review."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec

from andaman.approvals.model import Proposal
from andaman.approvals.service import Action, Approvals, Look
from andaman.definitions import versions as rules
from andaman.definitions.control import Control
from andaman.definitions.kinds import DefinitionKind, Document
from andaman.definitions.problems import (
    CodeTaken,
    InUse,
    NoSuchDefinition,
    NoSuchKind,
    NotDeletable,
    ReviewNeeded,
    StepNotPossible,
    TooManyDrafts,
    WarningsToConfirm,
)
from andaman.definitions.references import check_references, said_by, users_of
from andaman.definitions.store import VersionStore
from andaman.definitions.versions import GONE, OPEN, By, State, Version, digest_of
from andaman.identity.credentials import Credential
from andaman.identity.model import Actor
from andaman.kernel.refusals import FieldMissing
from andaman.kernel.time import Clock, Micros
from andaman.kernel.words import Words

_DRAFTS_MAX: Final = 20
T = TypeVar("T")
UsersOf = Callable[[str, str], Awaitable[Iterable[Words]]]
"""(kind, key) → what uses this definition outside the definitions, such as accounts."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A definition that was deleted. ``last``: the newest version with content. ``by``: the version that ended it; None where
    it was deleted directly."""

    key: str
    last: Version
    by: Version | None


@dataclass(frozen=True, slots=True)
class Source:
    """The file that an import reads: its name, and the SHA-256 of its content."""

    file: str = ""
    digest: str = ""


WRITTEN: Final = Source()
"""Not from a file."""


class Definitions:
    """All kinds of definitions of the platform. Permissions are the caller's business, except those of reviews."""

    def __init__(self, store: VersionStore, approvals: Approvals, clock: Clock) -> None:
        self._store, self._approvals, self._clock = store, approvals, clock
        self._kinds: dict[str, DefinitionKind] = {}
        self._actions: dict[str, Action] = {}
        self._lock = asyncio.Lock()
        self._users: list[UsersOf] = []
        self.control = Control(store, self.kinds)
        self.city = ""
        """A word for the city, in the name of an exported file."""

    def add_users(self, users: UsersOf) -> None:
        """A room names what uses definitions, so that nobody deletes them."""
        self._users.append(users)

    def offer(self, kind: DefinitionKind) -> None:
        """Raises LookupError where there is one of this name already."""
        if kind.name in self._kinds:
            raise LookupError(f"Two rooms offer the definitions {kind.name}")
        self._kinds[kind.name] = kind
        words = Words(f"ขอแก้ไข: {kind.words.th}", f"Change: {kind.words.en}")
        action = Action(
            f"review-{kind.name}",
            words,
            kind.manage,
            kind.reviewer,
            self._reviewed,
            self._look,
            self._applies,
        )
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

    async def standing(self, kind: DefinitionKind) -> dict[str, Version]:
        """Key → the version in force when somebody last looked at its versions."""
        return await self._blocking(self._store.standing, kind.name)

    async def deleted(self, kind: DefinitionKind) -> list[Deleted]:
        """The last deleted first."""
        in_force = kind.place.in_force()
        aside = {one.key for one in kind.place.set_aside()}
        found = []
        for key, standing in (await self.standing(kind)).items():
            if key in in_force or key in aside:
                continue
            gone = standing.document is None
            last = await self._blocking(self._store.last_of, kind.name, key) if gone else standing
            if last is not None:
                found.append(Deleted(key, last, standing if gone else None))
        return sorted(found, key=lambda one: one.by.changed_at if one.by else 0, reverse=True)

    async def latest(
        self, kinds: Sequence[DefinitionKind], before: Micros | None, limit: int
    ) -> list[tuple[str, str, Version]]:
        """(kind, key, version), the last changed first."""
        names = [kind.name for kind in kinds]
        return await self._blocking(self._store.latest, names, before, limit)

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
        now = self._clock()
        since = min(kind.place.since(key) or now, now) if current is not None else now
        after = rules.reconciled(before, current, self.control.needs_review(kind), since)
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
        self,
        kind: DefinitionKind,
        key: str,
        document: Document | None,
        actor: Actor,
        reason: str = "",
        *,
        base: str | None = None,
        confirmed: bool = True,
        source: Source = WRITTEN,
    ) -> Version:
        """A new version as a draft; None: the definition is to end. ``base``: digest of the content that it was made from, GONE
        for a new definition; None: of the content in force. ``confirmed``: the author knows of all warnings. Raises RowRefused,
        NoSuchDefinition, InUse, FieldMissing for a reason, CodeTaken, DefinitionChanged, WarningsToConfirm and TooManyDrafts;
        then nothing is written."""
        self._check_reason(kind, document, reason)
        content = await self._checked(kind, key, document)
        if content is not None and not confirmed:
            self._check_warnings(kind, key, content)
        async with self._lock:
            versions = await self._versions(kind, key)
            self._check_base(kind, key, versions, base)
            if sum(one.state in OPEN for one in versions) >= _DRAFTS_MAX:
                raise TooManyDrafts(limit=_DRAFTS_MAX)
            version = self._written(kind, key, versions, content, actor, reason, source)
            await self._keep(kind, key, versions, [*versions, version])
        return version

    def _check_reason(self, kind: DefinitionKind, document: Document | None, reason: str) -> None:
        """A deletion always needs one."""
        if not reason and (document is None or self.control.needs_reason(kind)):
            raise FieldMissing(field="reason")

    def _check_warnings(self, kind: DefinitionKind, key: str, content: Document) -> None:
        found = kind.warnings(kind.row_of(key, content))
        if found:
            refused = WarningsToConfirm()
            refused.extra["warnings"] = [one.problem() for one in found]
            raise refused

    def _check_base(
        self, kind: DefinitionKind, key: str, versions: Sequence[Version], base: str | None
    ) -> None:
        """Raises CodeTaken and DefinitionChanged."""
        there = self._there(kind, key)
        if base is None or base == digest_of(there):
            return
        if base == GONE:
            raise CodeTaken(id=key, name=kind.title(key, there))
        raise rules.changed_by(versions)

    def _there(self, kind: DefinitionKind, key: str) -> Document | None:
        """The document in force, or the one that cannot be read."""
        found = kind.place.in_force().get(key)
        return found or next((one.document for one in kind.place.set_aside() if one.key == key), None)

    def digest_there(self, kind: DefinitionKind, key: str) -> str:
        """The base of a change that begins now."""
        return digest_of(self._there(kind, key))

    def _written(
        self,
        kind: DefinitionKind,
        key: str,
        versions: Sequence[Version],
        content: Document | None,
        actor: Actor,
        reason: str,
        source: Source,
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
            file=source.file,
            file_digest=source.digest,
        )

    async def _checked(
        self, kind: DefinitionKind, key: str, document: Document | None
    ) -> dict[str, Any] | None:
        """What the place would hold. Raises RowRefused, NoSuchDefinition and InUse."""
        if document is None:
            await self.check_deletable(kind, key)
            return None
        content = kind.content_of(key, document)
        check_references(kind.codes_in(content), self._codes)
        if kind.check is not None:
            kind.check(kind.row_of(key, content))
        return content

    async def check_deletable(self, kind: DefinitionKind, key: str) -> None:
        """Raises NoSuchDefinition, NotDeletable, and InUse with the names of all users."""
        there = kind.place.in_force().get(key)
        if there is None:
            raise NoSuchDefinition(id=key[:80])
        if key in kind.place.kept():
            raise NotDeletable(id=key)
        users = [self.said(*each) for each in users_of(self.kinds(), kind.name, key)]
        users += await self.users_outside(kind.name, key)
        if users:
            raise InUse(name=kind.title(key, there), users=users)

    def said(self, kind: DefinitionKind, key: str) -> Words:
        """A definition in force and its kind in words."""
        return said_by(kind, kind.title(key, kind.place.in_force().get(key)))

    async def users_outside(self, kind: str, key: str) -> list[Words]:
        """What uses it outside the definitions."""
        return [one for users in self._users for one in await users(kind, key)]

    def _codes(self, kind: str) -> frozenset[str]:
        found = self._kinds.get(kind)
        return frozenset(found.place.in_force()) if found is not None else frozenset()

    async def withdraw(
        self, kind: DefinitionKind, key: str, number: int, actor: Actor, reason: str = ""
    ) -> Version:
        """Drop a draft or a reviewed version, and the proposal that waits for it. Raises NoSuchVersion, StepNotPossible, and
        FieldMissing where somebody else's draft is dropped without a reason."""
        async with self._lock:
            versions = await self._versions(kind, key)
            found = rules.find(versions, number)
            if not reason and found.author not in ("", actor.principal.id):
                raise FieldMissing(field="reason")
            done = rules.withdrawn(found, _by(actor), reason, self._clock())
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
        if digest_of(before) not in (version.base, version.digest):
            raise rules.changed_by(await self.history(kind, key))
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

    async def _look(self, proposals: Sequence[Proposal]) -> dict[str, Look]:
        """Can a draft that waits still come into force, and which approved ones have not?"""
        waiting = await self._blocking(self._store.reviewed)
        found = {}
        for one in proposals:
            content = one.content
            version = (content["kind"], content["key"], content["number"])
            found[one.id] = Look(not self._applies(one), version in waiting)
        return found

    def _applies(self, proposal: Proposal) -> bool:
        """Is the definition still as it was when the draft was made?"""
        content = proposal.content
        kind = self._kinds.get(content["kind"])
        now = digest_of(kind.place.in_force().get(content["key"])) if kind is not None else GONE
        return now in (content["base"], content["digest"])

    # -- into force -----------------------------------------------------------------------------------------
    async def enforce(self, kind: DefinitionKind, key: str, number: int, actor: Actor) -> Version:
        """Put a version into force. Raises NoSuchVersion, StepNotPossible, ReviewNeeded, DefinitionChanged, RightsEnded (of
        its author or reviewer), and what the kind refuses."""
        async with self._lock:
            versions = await self._versions(kind, key)
            version = rules.find(versions, number)
            current = kind.place.in_force().get(key)
            rules.check_enforceable(version, digest_of(current), self.control.needs_review(kind), versions)
            if version.state is State.REVIEWED:
                await self._approvals.check_still_allowed(version.proposal)
            if version.digest != digest_of(current):
                await self._checked(kind, key, version.document)
            return await self._enforce(kind, key, versions, version, actor)

    async def _enforce(
        self, kind: DefinitionKind, key: str, versions: Sequence[Version], version: Version, actor: Actor
    ) -> Version:
        if version.digest != digest_of(kind.place.in_force().get(key)):
            if version.document is None:
                await kind.place.delete(key, actor)
            else:
                await kind.place.put(key, version.document, actor)
        after = rules.enforced(versions, version.number, _by(actor), self._clock())
        await self._keep(kind, key, versions, after)
        return rules.find(after, version.number)

    async def put(
        self,
        kind: DefinitionKind,
        key: str,
        document: Document | None,
        actor: Actor,
        reason: str = "",
        *,
        base: str | None = None,
    ) -> Version | None:
        """Write a definition and put it into force at once; None: end it. ``base`` as of ``draft``. Returns None where it was in
        force already. Raises as ``draft`` does, and ReviewNeeded for a kind that a second person reviews."""
        if self.control.needs_review(kind):
            raise ReviewNeeded
        self._check_reason(kind, document, reason)
        return await self.put_checked(
            kind, key, await self._checked(kind, key, document), actor, reason, base=base
        )

    async def put_checked(
        self,
        kind: DefinitionKind,
        key: str,
        content: Document | None,
        actor: Actor,
        reason: str = "",
        *,
        base: str | None = None,
        source: Source = WRITTEN,
    ) -> Version | None:
        """``put`` of what the caller has checked, without a second person."""
        async with self._lock:
            versions = await self._versions(kind, key)
            self._check_base(kind, key, versions, base)
            version = self._written(kind, key, versions, content, actor, reason, source)
            if version.digest == version.base:
                return None
            return await self._enforce(kind, key, [*versions, version], version, actor)


def _by(actor: Actor) -> By:
    return By(actor.principal.id, actor.principal.name)
