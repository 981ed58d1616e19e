"""Registers: lists that a city edits, such as its kinds of incident. A room declares one; this module knows no room.

A row is a frozen msgspec struct and is kept as an entity. The struct, with the words of the entity type, also makes the form
of the screens, so that a register needs no screen of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec
from msgspec import inspect

from andaman.common_attributes import COMMON
from andaman.kernel.errors import BadRequestData
from andaman.kernel.ids import is_uri
from andaman.kernel.refusals import FieldMissing, FieldTooLong, NotAChoice, Refusal
from andaman.kernel.words import FieldName, Words
from andaman.vocabulary import Code, EntityType

TEXT_MAX: Final = 4000
_CODE: Final = Words("รหัส", "Code")


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A row of a register. ``code`` tells the rows apart and is the last part of the entity's id."""

    code: str


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of a row that has fields of its own, such as one step of a checklist."""


AnyRow = TypeVar("AnyRow", bound=Row)


def described(th: str, en: str, register: str = "") -> msgspec.Meta:
    """Words of a field that is no attribute by itself, and the register whose codes it holds."""
    return msgspec.Meta(extra={"words": Words(th, en), "register": register})


def refers_to(register: str) -> msgspec.Meta:
    """The field holds codes of that register."""
    return msgspec.Meta(extra={"register": register})


class FieldNotUnderstood(Refusal, BadRequestData):
    """A value of another type than the field has; ``reason`` is in English, for the log."""

    code = "field-not-understood"
    words = Words("ระบบอ่านค่าของ{field}ไม่ได้", "{field} has a value of another type")
    field: FieldName
    reason: str = ""


class CodeNotAllowed(Refusal, BadRequestData):
    """A code is the last part of an id."""

    code = "code-not-allowed"
    words = Words(
        "รหัสใช้ได้เฉพาะตัวอักษรอังกฤษ ตัวเลข จุด ขีดกลาง และขีดล่าง ไม่เกิน 80 ตัว",
        "A code has at most 80 letters, digits, dots, hyphens and underscores",
    )
    field: FieldName = "code"


class RowRefused(Refusal, BadRequestData):
    """A row with one or more wrong fields; ``errors`` of the problem document has one problem for each."""

    code = "row-refused"
    words = Words("ข้อมูลบางช่องไม่ครบถ้วนหรือไม่ถูกต้อง", "Some fields are missing or not valid")

    @classmethod
    def of(cls, errors: list[Refusal]) -> RowRefused:
        refused = cls()
        refused.extra["errors"] = [error.problem() for error in errors]
        return refused


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of the form. ``kind``: text, words (Thai and English), integer, number, flag, choice, code (of ``register``) or
    part (with ``fields``). ``many``: a list of such values, in order."""

    name: str
    words: Words
    kind: str
    required: bool
    many: bool = False
    choices: tuple[Code, ...] = ()
    register: str = ""
    fields: tuple[FormField, ...] = ()

    def json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "words": self.words.json(),
            "kind": self.kind,
            "required": self.required,
            "many": self.many,
            "choices": [{"value": one.value, "words": one.words.json()} for one in self.choices],
            "register": self.register,
            "fields": [one.json() for one in self.fields],
        }


@dataclass(frozen=True)
class Register(Generic[AnyRow]):
    """A list that administrators of the city edit. Each field of ``row`` but ``code`` is an attribute of ``entity_type``."""

    name: str
    words: Words
    entity_type: EntityType
    row: type[AnyRow]
    fields: tuple[FormField, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError where a field has no words."""
        object.__setattr__(self, "fields", _fields(self.row, self.entity_type))

    def id_of(self, code: str) -> str:
        return f"urn:ngsi-ld:{self.entity_type.name}:{code}"

    def code_of(self, entity_id: str) -> str:
        """The code of a row by its entity's id; "" for an entity of another form."""
        prefix = f"urn:ngsi-ld:{self.entity_type.name}:"
        return entity_id[len(prefix) :] if entity_id.startswith(prefix) else ""

    def read(self, raw: Any) -> AnyRow:
        """A row from JSON. Raises RowRefused with an error for each field that is wrong."""
        errors: list[Refusal] = []
        if not isinstance(raw, dict):
            raise RowRefused.of([FieldNotUnderstood(field="code", reason="The row must be a JSON object")])
        given = {name: content for name, content in raw.items() if content not in (None, "", [])}
        types = {one.encode_name: one.type for one in msgspec.structs.fields(self.row)}
        errors += [
            FieldNotUnderstood(field=name, reason="It is not a field of this register")
            for name in given.keys() - types.keys()
        ]
        for one in self.fields:
            if one.name not in given:
                if one.required:
                    errors.append(FieldMissing(field=one.name))
                continue
            try:
                msgspec.convert(given[one.name], types[one.name])
            except msgspec.ValidationError as error:
                errors.append(FieldNotUnderstood(field=one.name, reason=str(error)))
            else:
                errors += _checked(one, given[one.name])
        if errors:
            raise RowRefused.of(errors)
        return msgspec.convert(given, self.row)

    def json(self, row: AnyRow) -> dict[str, Any]:
        """A row as JSON, without empty values; ``read`` takes it back."""
        found: dict[str, Any] = msgspec.to_builtins(row)
        return {name: content for name, content in found.items() if content not in (None, "", [])}

    def form(self) -> dict[str, Any]:
        """What a screen needs to make the form."""
        return {
            "name": self.name,
            "words": self.words.json(),
            "type": self.entity_type.name,
            "fields": [one.json() for one in self.fields],
        }


class Rows(Protocol):
    """Reads registers."""

    def rows(self, register: Register[AnyRow]) -> Mapping[str, AnyRow]:
        """Code → row, in the order in which they were created."""


def _fields(struct: type[Any], owner: EntityType | None) -> tuple[FormField, ...]:
    attributes = {one.name: one for one in (*COMMON, *(owner.attributes if owner else ()))}
    found = []
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    for one in info.fields:
        name, type_, many, extra = one.encode_name, one.type, False, {}
        if isinstance(type_, inspect.Metadata):
            extra, type_ = type_.extra or {}, type_.type
        if isinstance(type_, inspect.VarTupleType):
            many, type_ = True, type_.item_type
        attribute = attributes.get(name)
        words = extra.get("words") or (attribute.words if attribute else _CODE if name == "code" else None)
        if words is None:
            raise ValueError(f"{struct.__name__}.{name} needs words: it is no attribute of its type")
        codes = attribute.codes if attribute and name != "code" else ()
        register = extra.get("register", "")
        inner = _fields(type_.cls, None) if isinstance(type_, inspect.StructType) else ()
        kind = _kind(type_, bool(codes), bool(register))
        found.append(FormField(name, words, kind, one.required, many, codes, register, inner))
    return tuple(found)


def _kind(type_: inspect.Type, chosen: bool, referring: bool) -> str:
    match type_:
        case inspect.StructType():
            return "part"
        case inspect.DataclassType(cls) if cls is Words:
            return "words"
        case inspect.BoolType():
            return "flag"
        case inspect.IntType():
            return "integer"
        case inspect.FloatType():
            return "number"
        case inspect.StrType():
            return "code" if referring else "choice" if chosen else "text"
    raise ValueError(f"No form can be made for {type_}")


def _checked(one: FormField, content: Any) -> list[Refusal]:
    """What the type of a value does not say."""
    if one.name == "code" and one.kind == "text" and not _is_code(str(content)):
        return [CodeNotAllowed(field=one.name)]
    errors: list[Refusal] = []
    for each in content if one.many else [content]:
        if one.kind == "choice" and each not in (allowed := [code.value for code in one.choices]):
            errors.append(NotAChoice(field=one.name, choices=allowed))
        elif one.kind in ("text", "code") and len(each) > TEXT_MAX:
            errors.append(FieldTooLong(field=one.name, limit=TEXT_MAX))
        elif one.kind == "words" and not all(each[half].strip() for half in ("th", "en")):
            errors.append(FieldMissing(field=one.name))
        elif one.kind == "part":
            for inner in one.fields:
                if inner.name in each:
                    errors += _checked(inner, each[inner.name])
    return errors[:1]


def _is_code(text: str) -> bool:
    return (
        0 < len(text) <= 80
        and text.isascii()
        and text.replace("-", "").replace("_", "").replace(".", "").isalnum()
        and is_uri(f"urn:{text}:x")
    )
