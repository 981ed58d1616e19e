"""A frozen msgspec struct as a form: its fields with words, its checks, its JSON Schema. This module knows no room.

Registers and other definitions of a city declare one struct for each kind of row, and need no screen of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import inspect

from andaman.common_attributes import COMMON
from andaman.kernel.answers import Answer
from andaman.kernel.errors import BadRequestData
from andaman.kernel.ids import is_uri
from andaman.kernel.refusals import FieldMissing, FieldTooLong, NotAChoice, Refusal
from andaman.kernel.words import FieldName, Words
from andaman.vocabulary import Code, EntityType

TEXT_MAX: Final = 4000
_NOTE_MAX: Final = 2000
_LISTED_MAX: Final = 12
"""Choices that a refusal lists."""
_CODE: Final = Words("รหัส", "Code")
_TELEPHONE: Final = re.compile(r"\+?\d(?:[ -]?\d){2,14}(?: (?:ต่อ|ext\.) \d{1,6})?", re.ASCII)
"""At most 15 digits, as of ITU-T E.164, and an extension."""


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A row of a form. ``code`` tells the rows of a register apart and is the last part of the entity's id."""

    code: str


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of a row that has fields of its own, such as one step of a checklist."""


AnyRow = TypeVar("AnyRow", bound=Row)


def described(th: str, en: str, register: str = "", choices: Sequence[Code] = ()) -> msgspec.Meta:
    """Words of a field that is not itself an attribute, and the register whose codes it holds, or its ``choices``."""
    return msgspec.Meta(extra={"words": Words(th, en), "register": register, "choices": choices})


def telephone() -> msgspec.Meta:
    """The field holds a telephone number that somebody can dial."""
    return msgspec.Meta(extra={"kind": "telephone"})


def digits(length: int) -> msgspec.Meta:
    """The field holds a number of a list of numbers, such as that of local authorities: ``length`` digits."""
    return msgspec.Meta(extra={"length": length})


def entity_of(entity_type: str) -> msgspec.Meta:
    """The field holds ids of entities of that type."""
    return msgspec.Meta(extra={"kind": "entity", "entity_type": entity_type})


def refers_to(register: str) -> msgspec.Meta:
    """The field holds codes of that register."""
    return msgspec.Meta(extra={"register": register})


class FieldNotUnderstood(Refusal, BadRequestData):
    """A value of another type than the field has; ``reason`` is in English, for the log."""

    code = "field-not-understood"
    words = Words("ระบบอ่านค่าของ{field}ไม่ได้", "{field} has a value of another type")
    field: FieldName
    reason: str = ""


class NoSuchField(Refusal, BadRequestData):
    code = "no-such-field"
    words = Words("แบบฟอร์มไม่มีช่อง {field}", "The form has no field {field}")
    field: FieldName


class ValueNotAllowed(Refusal, BadRequestData):
    """``value`` is not among the choices, which are too many to list."""

    code = "value-not-allowed"
    words = Words("{field}ไม่มีตัวเลือก {value}", "{field} has no choice {value}")
    field: FieldName
    value: str


class CodeNotAllowed(Refusal, BadRequestData):
    """A code is the last part of an id."""

    code = "code-not-allowed"
    words = Words(
        "รหัสใช้ได้เฉพาะตัวอักษรอังกฤษ ตัวเลข จุด ขีดกลาง และขีดล่าง ไม่เกิน 80 ตัว",
        "A code has at most 80 letters, digits, dots, hyphens and underscores",
    )
    field: FieldName = "code"


class CodeUnknown(Refusal, BadRequestData):
    """A field names a row of another register, or another definition, that is not there."""

    code = "code-unknown"
    words = Words(
        "{field}มีรหัส {value} ซึ่งไม่มีในทะเบียน",
        "{field} has the code {value}, which is in no row of its register",
    )
    field: FieldName
    value: str


class NotATelephoneNumber(Refusal, BadRequestData):
    code = "not-a-telephone-number"
    words = Words(
        "{field}ต้องเป็นหมายเลขที่โทรออกได้ เช่น 191 หรือ 0 7621 2345 ต่อ 12",
        "{field} must be a number that can be dialled, such as 191 or +66 7621 2345 ext. 12",
    )
    field: FieldName


class WrongNumberOfDigits(Refusal, BadRequestData):
    code = "wrong-number-of-digits"
    words = Words("{field}ต้องเป็นตัวเลข {length} หลัก", "{field} must have {length} digits")
    field: FieldName
    length: int


class EntityUnknown(Refusal, BadRequestData):
    """A field names an entity that is not there, or is of another type."""

    code = "entity-unknown"
    words = Words("{field}ระบุ {value} ซึ่งไม่มีในระบบ", "{field} names {value}, which does not exist")
    field: FieldName
    value: str


class RowRefused(Refusal, BadRequestData):
    """A row with one or more wrong fields; ``errors`` of the problem document has one problem for each."""

    code = "row-refused"
    words = Words("ข้อมูลบางช่องไม่ครบถ้วนหรือไม่ถูกต้อง", "Some fields are missing or not valid")
    faults: tuple[Refusal, ...] = ()

    @classmethod
    def of(cls, errors: list[Refusal]) -> RowRefused:
        refused = cls()
        vars(refused)["faults"] = tuple(errors)
        refused.extra["errors"] = [error.problem() for error in errors]
        return refused


FieldKind = Literal[
    "text", "telephone", "words", "integer", "number", "flag", "choice", "code", "entity", "part", "json"
]


class Choice(Answer, frozen=True, kw_only=True):
    value: str
    words: Words


class FormField(Answer, frozen=True, kw_only=True):
    """A field of the form. ``kind``: text, telephone, words (Thai and English), integer, number, flag, choice, code (of
    ``register``), entity (of ``entity_type``), part (with ``fields``) or json (an object of its own form). ``many``: a list of
    such values, in order. ``length``: that many digits; 0: any text."""

    name: str
    words: Words
    kind: FieldKind
    required: bool
    many: bool = False
    choices: tuple[Choice, ...] = ()
    register: str = ""
    entity_type: str = ""
    length: int = 0
    fields: tuple[FormField, ...] = ()


@dataclass(frozen=True)
class Form(Generic[AnyRow]):
    """A struct as a form. ``owner``: the entity type whose attributes the fields are, which gives them words and codes.
    ``choices``: field → codes that are known only when the platform is built. ``retired``: fields of earlier releases, which
    are read over.

    Raises ValueError where a field has no words.
    """

    row: type[AnyRow]
    owner: EntityType | None = None
    choices: Mapping[str, tuple[Code, ...]] = field(default_factory=dict)
    retired: tuple[str, ...] = ()
    fields: tuple[FormField, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        fields = (
            msgspec.structs.replace(one, choices=_choices(self.choices[one.name]), kind="choice")
            if one.name in self.choices
            else one
            for one in _fields(self.row, self.owner)
        )
        object.__setattr__(self, "fields", tuple(fields))

    def read(self, raw: Any, *, entered: bool = False) -> AnyRow:
        """A row from JSON. ``entered``: somebody writes it now, so telephone numbers and digits are checked too; rows of earlier
        releases stay readable. Raises RowRefused with an error for each field that is wrong."""
        errors: list[Refusal] = []
        if not isinstance(raw, dict):
            raise RowRefused.of([FieldNotUnderstood(field="code", reason="The row must be a JSON object")])
        given = {
            name: content
            for name, content in raw.items()
            if content not in (None, "", []) and name not in self.retired
        }
        types = {one.encode_name: one.type for one in msgspec.structs.fields(self.row)}
        errors += [NoSuchField(field=str(name)[:80]) for name in sorted(given.keys() - types.keys(), key=str)]
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
                errors += _checked(one, given[one.name]) or (
                    _misspelt(one, given[one.name]) if entered else []
                )
        if errors:
            raise RowRefused.of(errors)
        return msgspec.convert(given, self.row)

    def json(self, row: AnyRow) -> dict[str, Any]:
        """A row as JSON, without empty values; ``read`` takes it back."""
        found: dict[str, Any] = msgspec.to_builtins(row)
        return {name: content for name, content in found.items() if content not in (None, "", [])}

    def document(self, row: AnyRow) -> dict[str, Any]:
        """``json`` without the code: the content of a definition, whose key the code is."""
        found = self.json(row)
        del found["code"]
        return found

    def schema(self) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of a row."""
        return msgspec.json.schema(self.row)

    def entities_in(self, row: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        """(field, entity type, id) of each entity that a row in JSON names."""
        for one in self.fields:
            if one.kind == "entity":
                yield from ((one.name, one.entity_type, each) for each in _each(one, row.get(one.name)))

    def codes_in(self, row: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        """(field, register, code) of each code of another register that a row in JSON names."""
        for one in self.fields:
            yield from _codes_in(one, row.get(one.name), one.name)


def body_text(body: dict[str, Any], name: str) -> str:
    """A text of a body, "" where it is left out. Raises FieldNotUnderstood and FieldTooLong."""
    found = body.get(name, "")
    if not isinstance(found, str):
        raise FieldNotUnderstood(field=name, reason="It must be a text")
    if len(found) > _NOTE_MAX:
        raise FieldTooLong(field=name, limit=_NOTE_MAX)
    return found.strip()


def _codes_in(one: FormField, content: Any, name: str) -> Iterator[tuple[str, str, str]]:
    each = content if isinstance(content, list | tuple) else [content]
    if one.kind == "code":
        yield from ((name, one.register, code) for code in each if isinstance(code, str))
    elif one.kind == "part":
        for part in each:
            for inner in one.fields if isinstance(part, dict) else ():
                yield from _codes_in(inner, part.get(inner.name), name)


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
            raise ValueError(f"{struct.__name__}.{name} needs words: it is not an attribute of its type")
        given = extra.get("choices") or (attribute.codes if attribute and name != "code" else ())
        codes = _choices(given)
        register = extra.get("register", "")
        inner = _fields(type_.cls, None) if isinstance(type_, inspect.StructType) else ()
        kind = _kind(type_, bool(codes), bool(register))
        found.append(
            FormField(
                name=name,
                words=words,
                kind=extra.get("kind", kind),
                required=one.required,
                many=many,
                choices=codes,
                register=register,
                entity_type=extra.get("entity_type", ""),
                length=extra.get("length", 0),
                fields=inner,
            )
        )
    return tuple(found)


def _choices(codes: Iterable[Code]) -> tuple[Choice, ...]:
    return tuple(Choice(value=one.value, words=one.words) for one in codes)


def _kind(type_: inspect.Type, chosen: bool, referring: bool) -> FieldKind:
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
        case inspect.DictType() | inspect.AnyType():
            return "json"
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
            listed = len(allowed) <= _LISTED_MAX
            errors.append(
                NotAChoice(field=one.name, choices=allowed)
                if listed
                else ValueNotAllowed(field=one.name, value=str(each)[:80])
            )
        elif one.kind in ("text", "telephone", "code", "entity") and len(each) > TEXT_MAX:
            errors.append(FieldTooLong(field=one.name, limit=TEXT_MAX))
        elif one.kind == "words" and not all(each[half].strip() for half in ("th", "en")):
            errors.append(FieldMissing(field=one.name))
        elif one.kind == "part":
            for inner in one.fields:
                if inner.name in each and (inner.required or each[inner.name] not in (None, "", [])):
                    errors += _checked(inner, each[inner.name])
    return errors[:1]


def _misspelt(one: FormField, content: Any) -> list[Refusal]:
    """Texts that are not of the form that their field needs."""
    for each in _each(one, content):
        if one.kind == "telephone" and not _TELEPHONE.fullmatch(each.strip()):
            return [NotATelephoneNumber(field=one.name)]
        if one.length and not (len(each) == one.length and each.isascii() and each.isdecimal()):
            return [WrongNumberOfDigits(field=one.name, length=one.length)]
    return []


def _each(one: FormField, content: Any) -> list[str]:
    found = content if one.many else [content]
    return [each for each in found or () if isinstance(each, str)]


def _is_code(text: str) -> bool:
    return (
        0 < len(text) <= 80
        and text.isascii()
        and text.replace("-", "").replace("_", "").replace(".", "").isalnum()
        and is_uri(f"urn:{text}:x")
    )
