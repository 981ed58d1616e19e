"""References between definitions: a field of one names the key of another. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from andaman.definitions.kinds import DefinitionKind
from andaman.form import CodeUnknown, Form, RowRefused
from andaman.kernel.refusals import Refusal

Codes = Callable[[str], Collection[str]]
"""The keys in force of a kind by its name."""


def check_references(form: Form[Any], document: Mapping[str, Any], codes: Codes) -> None:
    """Raises RowRefused where a field names a definition that is not there."""
    errors: list[Refusal] = [
        CodeUnknown(field=field, value=code)
        for field, kind, code in form.codes_in(document)
        if code not in codes(kind)
    ]
    if errors:
        raise RowRefused.of(errors)


def users_of(kinds: Iterable[DefinitionKind], name: str, key: str) -> Iterator[str]:
    """``kind/key`` of each definition in force that names this one, other than itself."""
    for kind in kinds:
        for other, document in kind.place.in_force().items():
            if (kind.name, other) != (name, key) and any(
                used == name and code == key for _, used, code in kind.form.codes_in(document)
            ):
                yield f"{kind.name}/{other}"
