"""Registers: lists that a city edits, such as its kinds of incident. A room declares one; this module knows no room.

A row is kept as an entity. Its form follows from its struct, with the words of the entity type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol

from andaman.form import AnyRow, Form, FormField
from andaman.kernel.words import Words
from andaman.vocabulary import EntityType


@dataclass(frozen=True)
class Register(Generic[AnyRow]):
    """A list that administrators of the city edit. Each field of ``row`` but ``code`` is an attribute of ``entity_type``.

    ``check`` refuses with RowRefused what the form cannot see. The entity of a row is in ``scope``, has its code in the
    attribute ``code_attribute`` too, and has the texts ``constants``. ``retired``: fields of earlier releases, which rows may
    still have. ``rewritten_before``: releases that kept no marker wrote its rows at each start, so nobody can have edited them.
    ``asks_reason``: unless the city sets it otherwise, a change needs a reason. Raises ValueError where a field has no words.
    """

    name: str
    words: Words
    entity_type: EntityType
    row: type[AnyRow]
    check: Callable[[AnyRow], None] | None = None
    scope: str = "/registers"
    code_attribute: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    rewritten_before: bool = False
    retired: tuple[str, ...] = ()
    asks_reason: bool = False
    form: Form[AnyRow] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "form", Form(self.row, self.entity_type, retired=self.retired))

    @property
    def fields(self) -> tuple[FormField, ...]:
        return self.form.fields

    @property
    def confidential(self) -> bool:
        """Its rows hold attributes that not everybody may see, who may see the other registers: only its editors read it."""
        return any(one.name in self.entity_type.classified for one in self.fields)

    def id_of(self, code: str) -> str:
        return f"urn:ngsi-ld:{self.entity_type.name}:{code}"

    def code_of(self, entity_id: str) -> str:
        """The code of a row by its entity's id; "" for an entity of another form."""
        prefix = f"urn:ngsi-ld:{self.entity_type.name}:"
        return entity_id[len(prefix) :] if entity_id.startswith(prefix) else ""

    def read(self, raw: Any) -> AnyRow:
        """A row from JSON. Raises RowRefused with an error for each field that is wrong."""
        row = self.form.read(raw)
        if self.check is not None:
            self.check(row)
        return row

    def json(self, row: AnyRow) -> dict[str, Any]:
        """A row as JSON, without empty values; ``read`` takes it back."""
        return self.form.json(row)


class Rows(Protocol):
    """Reads registers."""

    def rows(self, register: Register[AnyRow]) -> Mapping[str, AnyRow]:
        """Code → row, in the order in which they were created."""
