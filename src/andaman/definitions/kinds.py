"""A kind of definition, such as the roles: its form, its permissions, and the place where the versions in force live."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from andaman.form import Form, Row
from andaman.identity.model import Actor
from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

Document = Mapping[str, Any]
"""A definition as JSON, without its key."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """``errors``: problem documents, one for each wrong field."""

    key: str
    document: Document
    errors: list[dict[str, Any]]


class Place(Protocol):
    """The place where the definitions in force live, and take effect. The room of the kind has it."""

    def in_force(self) -> Mapping[str, Document]:
        """Key → document, as the form's ``json`` gives it, without ``code``. What cannot be read is left out."""

    async def put(self, key: str, document: Document, actor: Actor) -> None:
        """Put into force; on disk and in effect when it returns. Raises refusals of the kind; then nothing has changed."""

    async def delete(self, key: str, actor: Actor) -> None:
        """End a definition. Raises refusals of the kind."""

    def kept(self) -> Collection[str]:
        """Keys that cannot be deleted, because they ship with the platform."""

    def set_aside(self) -> Sequence[SetAside]:
        """Stored definitions that cannot be read, for people to correct. A place that only logs them has none."""


@dataclass(frozen=True)
class DefinitionKind:
    """``form``: of a row whose ``code`` is the key. ``check`` refuses what the form cannot see. ``review``: who approves a draft;
    None: it goes into force without a second person. ``canonical``: the row as the place gives it back."""

    name: str
    words: Words
    form: Form[Any]
    place: Place
    read: Permission
    manage: Permission
    review: Permission | None = None
    check: Callable[[Row], None] | None = None
    canonical: Callable[[Any], Any] = lambda row: row

    def content_of(self, key: str, document: Document) -> dict[str, Any]:
        """The document as its place would give it back. Raises RowRefused."""
        return self.form.document(self.canonical(self.form.read({**document, "code": key})))
