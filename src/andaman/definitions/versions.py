"""Versions of one definition: draft → reviewed → in force → replaced. Pure.

A version is never changed in its content. The content in force is what its place says; where somebody changed it there, a
version is added that says so (``reconciled``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from andaman.definitions.problems import DefinitionChanged, NoSuchVersion, ReviewNeeded, StepNotPossible
from andaman.kernel.digests import content_digest
from andaman.kernel.time import Micros, format_time
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
_SOMEBODY: Final = Words("มีผู้", "Somebody")
OPEN: Final = (State.DRAFT, State.REVIEWED)


class Version(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``document`` None: the definition ends with this version. ``base``: digest of what was in force when it was drafted.
    ``author`` and the like: ids of principals; "" for a change that was not made here. ``proposal``: the approval's id.
    ``replaces``: number of the version that was in force before; 0 for none, or where it was not noted. ``file``: name of the
    imported file that it comes from, ``file_digest`` its SHA-256.
    """

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
    enforced_by_name: str = ""
    replaces: int = 0
    file: str = ""
    file_digest: str = ""
    withdrawn_by: str = ""
    withdrawn_by_name: str = ""
    withdrawn_at: Micros | None = None
    withdrawal_reason: str = ""
    in_force_at: Micros | None = None
    replaced_at: Micros | None = None

    @property
    def noticed(self) -> bool:
        """It was in force when the platform looked. When it came into force, and by whom, is not known."""
        return self.in_force_at is not None and not self.enforced_by

    @property
    def changed_at(self) -> Micros:
        """The last step that somebody took with it."""
        steps = (self.at, self.reviewed_at, self.in_force_at, self.withdrawn_at)
        return max(step for step in steps if step is not None)


@dataclass(frozen=True, slots=True)
class By:
    """Who takes a step: id and name of a principal."""

    id: str = ""
    name: str = ""


NOBODY: Final = By()


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


def changed_by(versions: Sequence[Version]) -> DefinitionChanged:
    """The refusal that names the last change of the version in force."""
    standing = standing_of(versions)
    name = standing.enforced_by_name or standing.enforced_by if standing is not None else ""
    at = standing.changed_at if standing is not None else 0
    refused = DefinitionChanged(name=Words(name, name) if name else _SOMEBODY, at=format_time(at))
    refused.extra["current"] = standing.document if standing is not None else None
    refused.extra["digest"] = standing.digest if standing is not None else GONE
    refused.extra["number"] = standing.number if standing is not None else 0
    return refused


def standing_of(versions: Sequence[Version]) -> Version | None:
    """The one in force."""
    return next((one for one in versions if one.state is State.IN_FORCE), None)


def check_enforceable(version: Version, current: str, review: bool, versions: Sequence[Version] = ()) -> None:
    """``current``: digest of the version in force. A draft that waits for its review waits, even where none is needed. Raises
    StepNotPossible, ReviewNeeded and DefinitionChanged."""
    if version.state not in OPEN:
        raise StepNotPossible(state=version.state)
    if (review or version.proposal) and version.state is not State.REVIEWED:
        raise ReviewNeeded
    if current not in (version.base, version.digest):
        raise changed_by(versions)


def enforced(versions: Sequence[Version], number: int, by: By, now: Micros) -> list[Version]:
    """All versions after this one has come into force."""
    standing = standing_of(versions)
    replaces = standing.number if standing is not None and standing.number != number else 0
    found = []
    for one in versions:
        if one.number == number:
            one = msgspec.structs.replace(
                one,
                state=State.IN_FORCE,
                enforced_by=by.id,
                enforced_by_name=by.name,
                in_force_at=now,
                replaces=replaces,
            )
        elif one.state is State.IN_FORCE:
            one = msgspec.structs.replace(one, state=State.REPLACED, replaced_at=now)
        found.append(one)
    return found


def withdrawn(version: Version, by: By = NOBODY, reason: str = "", now: Micros = 0) -> Version:
    """Raises StepNotPossible."""
    if version.state not in OPEN:
        raise StepNotPossible(state=version.state)
    return msgspec.structs.replace(
        version,
        state=State.WITHDRAWN,
        withdrawn_by=by.id,
        withdrawn_by_name=by.name,
        withdrawn_at=now,
        withdrawal_reason=reason,
    )


def reconciled(
    versions: Sequence[Version], current: Mapping[str, Any] | None, review: bool, now: Micros
) -> list[Version]:
    """The versions, reconciled with the content in force, also when it was put there from elsewhere.

    A version that might have gone into force and has the content in force did: the platform stopped before it noted that.
    Any other content was changed elsewhere, and becomes a version without an author. ``now``: the time of that change if it
    is known, otherwise of this look.
    """
    digest = digest_of(current)
    standing = standing_of(versions)
    if (standing.digest if standing is not None else GONE) == digest:
        return list(versions)
    base = standing.digest if standing is not None else GONE
    for one in reversed(versions):
        ready = one.state is State.REVIEWED or (one.state is State.DRAFT and not review)
        if ready and one.digest == digest and one.base == base:
            return enforced(versions, one.number, NOBODY, now)
    added = Version(
        number=next_number(versions),
        state=State.DRAFT,
        document=None if current is None else dict(current),
        digest=digest,
        base=base,
        at=now,
    )
    return enforced([*versions, added], added.number, NOBODY, now)
