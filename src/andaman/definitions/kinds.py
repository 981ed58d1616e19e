"""A kind of definition, such as the roles: its form, its permissions, and the place where the versions in force live."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from andaman.form import Form, Row
from andaman.identity.model import Actor
from andaman.kernel.permissions import Permission
from andaman.kernel.refusals import Refusal
from andaman.kernel.time import Micros
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

    def since(self, key: str) -> Micros | None:
        """When the definition in force was last written; None: the place does not know."""


def _none(document: Document) -> Iterable[tuple[str, str, str]]:
    return ()


def _no_warnings(row: Row) -> Sequence[Refusal]:
    return ()


@dataclass(frozen=True)
class DefinitionKind:
    """``form``: of a row whose ``code`` is the key. ``check`` refuses what the form cannot see. ``review``: who approves a draft
    as the second person; None: others who may change it. ``always_reviewed``: no setting lets one person alone change it.
    ``asks_reason``: unless the city sets it otherwise, a change needs a reason. ``canonical``: the row as the place gives it
    back. ``refers``: (field, kind, key) of references that the form does not declare. ``warnings``: probable mistakes, which a
    person must confirm."""

    name: str
    words: Words
    form: Form[Any]
    place: Place
    read: Permission
    manage: Permission
    review: Permission | None = None
    always_reviewed: bool = False
    asks_reason: bool = False
    check: Callable[[Row], None] | None = None
    canonical: Callable[[Any], Any] = lambda row: row
    refers: Callable[[Document], Iterable[tuple[str, str, str]]] = _none
    warnings: Callable[[Row], Sequence[Refusal]] = _no_warnings

    @property
    def reviewer(self) -> Permission:
        """What the second person needs."""
        return self.review or self.manage

    def content_of(self, key: str, document: Document) -> dict[str, Any]:
        """What somebody writes now, as its place would give it back. Raises RowRefused."""
        return self.form.document(self.canonical(self.form.read({**document, "code": key}, entered=True)))

    def row_of(self, key: str, content: Document) -> Row:
        found: Row = self.form.read({**content, "code": key})
        return found

    def codes_in(self, document: Document) -> Iterator[tuple[str, str, str]]:
        """(field, kind, key) of each definition that this one names."""
        yield from self.form.codes_in(document)
        yield from self.refers(document)

    def title(self, key: str, document: Document | None) -> Words:
        """Its name: the first field in two languages, or its key."""
        for one in self.form.fields:
            halves = one.kind == "part" and {inner.name for inner in one.fields} == {"th", "en"}
            found = (document or {}).get(one.name)
            if not one.many and (one.kind == "words" or halves) and isinstance(found, Mapping):
                texts = [str(found.get(half) or "") for half in ("th", "en")]
                some = next((text for text in texts if text), key)
                return Words(texts[0] or some, texts[1] or some)
        return Words(key, key)
