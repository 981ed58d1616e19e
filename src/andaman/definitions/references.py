"""References between definitions: a field of one names the key of another. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from andaman.definitions.kinds import DefinitionKind
from andaman.form import CodeUnknown, RowRefused
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import Words

Codes = Callable[[str], Collection[str]]
"""The keys in force of a kind by its name."""
Reference = tuple[str, str, str]
"""(field, kind, key)."""


def check_references(found: Iterable[Reference], codes: Codes) -> None:
    """Raises RowRefused where a field names a definition that is not there."""
    errors: list[Refusal] = [
        CodeUnknown(field=field, value=code) for field, kind, code in found if code not in codes(kind)
    ]
    if errors:
        raise RowRefused.of(errors)


def users_of(kinds: Iterable[DefinitionKind], name: str, key: str) -> Iterator[tuple[DefinitionKind, str]]:
    """Each definition in force that names this one, other than itself: its kind and its key."""
    for kind in kinds:
        for other, document in kind.place.in_force().items():
            if (kind.name, other) != (name, key) and any(
                used == name and code == key for _, used, code in kind.codes_in(document)
            ):
                yield kind, other


def said_by(kind: DefinitionKind, title: Words) -> Words:
    """A definition and its kind in words."""
    return Words(f"{title.th} ({kind.words.th})", f"{title.en} ({kind.words.en})")
