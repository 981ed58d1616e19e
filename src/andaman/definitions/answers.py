"""The answers of the doors of definitions. Shapes for people: docs/rooms/definitions.md."""

from __future__ import annotations

from typing import Any, Literal

from andaman.approvals.answers import PersonNamed
from andaman.definitions.control import Control
from andaman.definitions.kinds import DefinitionKind, Document
from andaman.definitions.versions import State, Version
from andaman.form import FormField
from andaman.identity.model import Actor
from andaman.kernel.answers import Answer
from andaman.kernel.time import Micros, format_time
from andaman.kernel.words import Words


class KindHead(Answer, frozen=True, kw_only=True):
    """``may_change`` and ``may_review``: whether the caller may. ``reviewed``: a second person approves each change; without it,
    a change may still be sent for review. ``needs_reason``: of each change."""

    name: str
    words: Words
    reviewed: bool
    needs_reason: bool
    may_change: bool
    may_review: bool


class KindListed(KindHead, frozen=True, kw_only=True):
    """``count``: definitions in force. ``drafts``: open versions of all of them."""

    count: int
    drafts: int


class DefinitionListed(Answer, frozen=True, kw_only=True):
    """``document`` null: it is not in force yet. ``digest``: the ``base`` of a change that begins here. ``errors``: problem
    documents of one that cannot be read, so is not in use. ``changed_at`` and ``changed_by``: of the version in force, where
    people put it into force."""

    key: str
    title: Words
    document: Document | None
    digest: str
    changed_at: str | None
    changed_by: str
    drafts: int
    errors: list[dict[str, Any]]


class DeletedListed(Answer, frozen=True, kw_only=True):
    """``number``: of the newest version with content, which ``document`` is. ``at`` null: somebody deleted it directly."""

    key: str
    title: Words
    document: Document
    number: int
    at: str | None
    by: PersonNamed | None
    reason: str


class KindPage(KindHead, frozen=True, kw_only=True):
    """``kept``: keys that cannot be deleted. ``schema``: JSON Schema of a row. ``deleted``: the last deleted first."""

    fields: tuple[FormField, ...]
    schema: dict[str, Any]
    kept: list[str]
    definitions: list[DefinitionListed]
    deleted: list[DeletedListed]


class VersionAnswer(Answer, frozen=True, kw_only=True):
    """``author`` null: somebody changed it directly, or a city pack did. ``proposal`` "": nobody was asked to review it.
    ``base``: digest of what was in force when it was drafted. ``in_force_at`` null and ``noticed_at`` set: it was in force at that time already, and nobody knows since when.
    ``replaces``: the version that was in force before; 0 for none, or where it was not noted. ``file``: the name of the
    imported file."""

    number: int
    state: State
    document: Document | None
    digest: str
    base: str
    author: PersonNamed | None
    at: str
    reason: str
    file: str
    file_digest: str
    proposal: str
    reviewer: PersonNamed | None
    reviewed_at: str | None
    enforced_by: PersonNamed | None
    in_force_at: str | None
    noticed_at: str | None
    replaces: int
    replaced_at: str | None
    withdrawn_by: PersonNamed | None
    withdrawn_at: str | None
    withdrawal_reason: str


class LatestChange(Answer, frozen=True, kw_only=True):
    """The last step of a version. ``changed_at``: when; a list goes on ``before`` it."""

    kind: str
    kind_words: Words
    key: str
    title: Words
    changed_at: str
    version: VersionAnswer


class ReviewAsked(Answer, frozen=True, kw_only=True):
    """``proposal``: its id. ``digest``: of its content."""

    proposal: str
    digest: str


class ChangeAnswer(Answer, frozen=True, kw_only=True):
    kind: str
    key: str
    step: Literal["create", "replace", "delete", "draft"]


class ImportAnswer(Answer, frozen=True, kw_only=True):
    """``token``: of a preview; an import with it makes exactly these changes. "" after an import."""

    token: str
    changes: list[ChangeAnswer]


def head_of(kind: DefinitionKind, control: Control, actor: Actor) -> KindHead:
    me = actor.principal
    return KindHead(
        name=kind.name,
        words=kind.words,
        reviewed=control.needs_review(kind),
        needs_reason=control.needs_reason(kind),
        may_change=me.may(kind.manage),
        may_review=me.may(kind.reviewer),
    )


def version_of(one: Version) -> VersionAnswer:
    return VersionAnswer(
        number=one.number,
        state=one.state,
        document=one.document,
        digest=one.digest,
        base=one.base,
        author=_person(one.author, one.author_name),
        at=format_time(one.at),
        reason=one.reason,
        file=one.file,
        file_digest=one.file_digest,
        proposal=one.proposal,
        reviewer=_person(one.reviewer, one.reviewer_name),
        reviewed_at=_time(one.reviewed_at),
        enforced_by=_person(one.enforced_by, one.enforced_by_name),
        in_force_at=None if one.noticed else _time(one.in_force_at),
        noticed_at=_time(one.in_force_at) if one.noticed else None,
        replaces=one.replaces,
        withdrawn_by=_person(one.withdrawn_by, one.withdrawn_by_name),
        withdrawn_at=_time(one.withdrawn_at),
        withdrawal_reason=one.withdrawal_reason,
        replaced_at=_time(one.replaced_at),
    )


def _person(principal: str, name: str) -> PersonNamed | None:
    return PersonNamed(id=principal, name=name or principal) if principal else None


def _time(at: Micros | None) -> str | None:
    return format_time(at) if at is not None else None
