"""Versions of one definition: draft → reviewed → in force → replaced. Pure.

A version is never changed in its content. The content in force is what its place says; where somebody changed it there, a
version is added that says so (``reconciled``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from andaman.definitions.problems import DefinitionChanged, NoSuchVersion, ReviewNeeded, StepNotPossible
from andaman.kernel.digests import content_digest
from andaman.kernel.time import Micros
from andaman.kernel.words import Words

GONE: Final = ""
"""The digest of a definition that is not there."""


class State(StrEnum):
    DRAFT = "draft"
    REVIEWED = "reviewed"
    """Another person has approved it."""
    IN_FORCE = "inForce"
    REPLACED = "replaced"
    """It was in force."""
    WITHDRAWN = "withdrawn"


STATE_WORDS: Final = {
    State.DRAFT: Words("ร่าง", "Draft"),
    State.REVIEWED: Words("อนุมัติแล้ว รอประกาศใช้", "Approved, not in force yet"),
    State.IN_FORCE: Words("มีผลใช้บังคับ", "In force"),
    State.REPLACED: Words("ถูกแทนที่แล้ว", "Replaced"),
    State.WITHDRAWN: Words("ถอนแล้ว", "Withdrawn"),
}
OPEN: Final = (State.DRAFT, State.REVIEWED)


class Version(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``document`` None: the definition ends with this version. ``base``: digest of what was in force when it was drafted.
    ``author`` and the like: ids of principals; "" for a change that was not made here. ``proposal``: the approval's id."""

    number: int
    state: State
    document: dict[str, Any] | None
    digest: str
    base: str = GONE
    author: str = ""
    author_name: str = ""
    at: Micros = 0
    reason: str = ""
    proposal: str = ""
    reviewer: str = ""
    reviewer_name: str = ""
    reviewed_at: Micros | None = None
    enforced_by: str = ""
    in_force_at: Micros | None = None
    replaced_at: Micros | None = None


def digest_of(document: Mapping[str, Any] | None) -> str:
    """SHA-256 in hexadecimal; ``GONE`` for None. Equal for equal content, whatever the order of its members."""
    return GONE if document is None else content_digest(document)


def find(versions: Sequence[Version], number: int) -> Version:
    """Raises NoSuchVersion."""
    for one in versions:
        if one.number == number:
            return one
    raise NoSuchVersion(number=number)


def next_number(versions: Sequence[Version]) -> int:
    return max((one.number for one in versions), default=0) + 1


def reviewed(version: Version, reviewer: str, name: str, now: Micros) -> Version:
    """Raises StepNotPossible for a version that is not a draft. Doing it twice is doing it once."""
    if version.state is State.REVIEWED and version.reviewer == reviewer:
        return version
    if version.state is not State.DRAFT:
        raise StepNotPossible(state=version.state)
    return msgspec.structs.replace(
        version, state=State.REVIEWED, reviewer=reviewer, reviewer_name=name, reviewed_at=now
    )


def check_enforceable(version: Version, current: str, review: bool) -> None:
    """``current``: digest of the version in force. Raises StepNotPossible, ReviewNeeded and DefinitionChanged."""
    if version.state not in OPEN:
        raise StepNotPossible(state=version.state)
    if review and version.state is not State.REVIEWED:
        raise ReviewNeeded
    if current not in (version.base, version.digest):
        raise DefinitionChanged


def enforced(versions: Sequence[Version], number: int, by: str, now: Micros) -> list[Version]:
    """All versions after this one has come into force."""
    found = []
    for one in versions:
        if one.number == number:
            one = msgspec.structs.replace(one, state=State.IN_FORCE, enforced_by=by, in_force_at=now)
        elif one.state is State.IN_FORCE:
            one = msgspec.structs.replace(one, state=State.REPLACED, replaced_at=now)
        found.append(one)
    return found


def withdrawn(version: Version) -> Version:
    """Raises StepNotPossible."""
    if version.state not in OPEN:
        raise StepNotPossible(state=version.state)
    return msgspec.structs.replace(version, state=State.WITHDRAWN)


def reconciled(
    versions: Sequence[Version], current: Mapping[str, Any] | None, review: bool, now: Micros
) -> list[Version]:
    """The versions, reconciled with the content in force, also when it was put there from elsewhere.

    A version that might have gone into force and has the content in force did: the platform stopped before it noted that.
    Any other content was changed elsewhere, and becomes a version without an author.
    """
    digest = digest_of(current)
    standing = next((one for one in versions if one.state is State.IN_FORCE), None)
    if (standing.digest if standing is not None else GONE) == digest:
        return list(versions)
    base = standing.digest if standing is not None else GONE
    for one in reversed(versions):
        ready = one.state is State.REVIEWED or (one.state is State.DRAFT and not review)
        if ready and one.digest == digest and one.base == base:
            return enforced(versions, one.number, "", now)
    added = Version(
        number=next_number(versions),
        state=State.DRAFT,
        document=None if current is None else dict(current),
        digest=digest,
        base=base,
        at=now,
    )
    return enforced([*versions, added], added.number, "", now)
