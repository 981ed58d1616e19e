"""The answers of the doors of definitions. Shapes for people: docs/rooms/definitions.md."""

from __future__ import annotations

from typing import Any, Literal

from andaman.approvals.answers import PersonNamed
from andaman.definitions.kinds import DefinitionKind, Document
from andaman.definitions.versions import State, Version
from andaman.form import FormField
from andaman.identity.model import Actor
from andaman.kernel.answers import Answer
from andaman.kernel.time import Micros, format_time
from andaman.kernel.words import Words


class KindHead(Answer, frozen=True, kw_only=True):
    """``may_change`` and ``may_review``: whether the caller may. ``reviewed``: a second person approves each change."""

    name: str
    words: Words
    reviewed: bool
    may_change: bool
    may_review: bool


class KindListed(KindHead, frozen=True, kw_only=True):
    """``count``: definitions in force. ``drafts``: open versions of all of them."""

    count: int
    drafts: int


class DefinitionListed(Answer, frozen=True, kw_only=True):
    """``document`` null: it is not in force yet. ``errors``: problem documents of one that cannot be read, so is not in use."""

    key: str
    document: Document | None
    drafts: int
    errors: list[dict[str, Any]]


class KindPage(KindHead, frozen=True, kw_only=True):
    """``kept``: keys that cannot be deleted. ``schema``: JSON Schema of a row."""

    fields: tuple[FormField, ...]
    schema: dict[str, Any]
    kept: list[str]
    definitions: list[DefinitionListed]


class VersionAnswer(Answer, frozen=True, kw_only=True):
    """``author`` null: somebody changed it directly, or a city pack did. ``proposal`` "": nobody was asked to review it."""

    number: int
    state: State
    document: Document | None
    digest: str
    author: PersonNamed | None
    at: str
    reason: str
    proposal: str
    reviewer: PersonNamed | None
    reviewed_at: str | None
    in_force_at: str | None
    replaced_at: str | None


class ReviewAsked(Answer, frozen=True, kw_only=True):
    """``proposal``: its id. ``digest``: of its content."""

    proposal: str
    digest: str


class ChangeAnswer(Answer, frozen=True, kw_only=True):
    kind: str
    key: str
    step: Literal["create", "replace", "delete", "draft"]


class ImportAnswer(Answer, frozen=True, kw_only=True):
    changes: list[ChangeAnswer]


def head_of(kind: DefinitionKind, actor: Actor) -> KindHead:
    me = actor.principal
    return KindHead(
        name=kind.name,
        words=kind.words,
        reviewed=kind.review is not None,
        may_change=me.may(kind.manage),
        may_review=kind.review is not None and me.may(kind.review),
    )


def version_of(one: Version) -> VersionAnswer:
    return VersionAnswer(
        number=one.number,
        state=one.state,
        document=one.document,
        digest=one.digest,
        author=_person(one.author, one.author_name),
        at=format_time(one.at),
        reason=one.reason,
        proposal=one.proposal,
        reviewer=_person(one.reviewer, one.reviewer_name),
        reviewed_at=_time(one.reviewed_at),
        in_force_at=_time(one.in_force_at),
        replaced_at=_time(one.replaced_at),
    )


def _person(principal: str, name: str) -> PersonNamed | None:
    return PersonNamed(id=principal, name=name or principal) if principal else None


def _time(at: Micros | None) -> str | None:
    return format_time(at) if at is not None else None
