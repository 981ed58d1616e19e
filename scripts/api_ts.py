"""web/src/generated/api.ts: types of the HTTP API, made from the structs that the routes really read and build.

Answers are subclasses of ``kernel.answers.Answer``, bodies of commands those of ``command.core.reading.Form``, and rows of
definitions those of ``form.Row`` and ``form.Part``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect

from andaman.command.core.reading import Form
from andaman.form import Part, Row
from andaman.kernel.answers import Answer
from andaman.kernel.errors import ProblemDocument
from andaman.kernel.words import Words

_HEAD: Final = """\
/**
 * Made by `make generated` from answers (kernel/answers.py), bodies of commands (command/core/reading.py), rows of definitions
 * (form.py) and the problem document (kernel/errors.py) in src/andaman. Do not edit. The path gives the id that a command names;
 * its body leaves it out.
 */
import type { Message } from '$lib/i18n.svelte';
import type { LiveEntity } from '$lib/live';
"""
_BASES: Final = (Answer, Form, Row, Part)
_PLAIN: Final[Mapping[type[inspect.Type], str]] = {
    inspect.StrType: "string",
    inspect.BoolType: "boolean",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.NoneType: "null",
    inspect.AnyType: "unknown",
}


def api_ts() -> str:
    """One interface for each struct, by name. Expects that every module is imported. Raises LookupError for two of one name and
    TypeError for a member that JSON has no type for."""
    found: dict[str, str] = {}
    for struct in sorted({one for base in _BASES for one in _below(base)}, key=lambda one: one.__name__):
        if struct.__name__ in found:
            raise LookupError(f"Two structs have the name {struct.__name__}")
        info = inspect.type_info(struct)
        assert isinstance(info, inspect.StructType)
        found[struct.__name__] = _interface(
            struct.__name__, info.fields, all_there=issubclass(struct, Answer)
        )
    document = inspect.type_info(ProblemDocument)
    assert isinstance(document, inspect.TypedDictType)
    found["ProblemDocument"] = _interface("ProblemDocument", document.fields, all_there=False)
    return _HEAD + "".join(text for _, text in sorted(found.items()))


def _below(base: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for one in base.__subclasses__():
        if one.__module__.startswith("andaman."):
            yield one
        yield from _below(one)


def _interface(name: str, fields: tuple[inspect.Field, ...], all_there: bool) -> str:
    """``all_there``: a member with a default value is there all the same, as in an answer."""
    lines = [f"\nexport interface {name} {{\n"]
    for field in fields:
        mark = "" if all_there or field.required else "?"
        lines.append(f"  readonly {field.encode_name}{mark}: {_type(field.type)};\n")
    return "".join([*lines, "}\n"])


def _type(type_: inspect.Type) -> str:
    match type_:
        case inspect.Metadata():
            return (type_.extra or {}).get("screens") or _type(type_.type)
        case inspect.StructType() if issubclass(type_.cls, _BASES):
            return type_.cls.__name__
        case inspect.StructType():
            return f"{{ {'; '.join(_member(one) for one in type_.fields)} }}"
        case inspect.DataclassType() if type_.cls is Words:
            return "Message"
        case inspect.EnumType():
            return _literals(one.value for one in type_.cls)
        case inspect.LiteralType():
            return _literals(type_.values)
        case inspect.UnionType():
            return " | ".join(dict.fromkeys(_type(one) for one in type_.types))
        case inspect.ListType() | inspect.VarTupleType():
            item = _type(type_.item_type)
            return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"
        case inspect.DictType():
            return f"Readonly<Record<string, {_type(type_.value_type)}>>"
    if type(type_) in _PLAIN:
        return _PLAIN[type(type_)]
    raise TypeError(f"There is no type of TypeScript for {type_}")


def _member(field: inspect.Field) -> str:
    return f"readonly {field.encode_name}{'' if field.required else '?'}: {_type(field.type)}"


def _literals(values: Any) -> str:
    return " | ".join(f"'{one}'" if isinstance(one, str) else json.dumps(one) for one in values)
