"""Reads bodies of requests into commands: every refusal names the member that is wrong and says what would be right.

A command is a frozen ``Form``. Its fields are the members of the body, in camelCase, except those that the route
gives (an id in the path).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, inspect

from andaman.kernel.errors import BadRequestData
from andaman.kernel.refusals import FieldMissing, FieldTooLong, NotAChoice
from andaman.kernel.words import Words

_NO_CONTROL: Final = r"^[^\x00-\x08\x0b-\x1f]*\Z"
_URI: Final = r"^[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\"{}|\\^`\x00-\x20]+\Z"
Line = Annotated[str, Meta(max_length=200, pattern=_NO_CONTROL)]
Title = Annotated[str, Meta(max_length=300, pattern=_NO_CONTROL)]
Address = Annotated[str, Meta(max_length=500, pattern=_NO_CONTROL)]
Text = Annotated[str, Meta(max_length=4000, pattern=_NO_CONTROL)]
EntityId = Annotated[str, Meta(max_length=2048, pattern=_URI, description="the id of an entity")]


Flag = Annotated[bool, Meta(description="true or false")]


class Form(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A body, or an object within it, whose members are known."""


class Titles(Form, frozen=True, kw_only=True):
    """A short text in one language or both."""

    th: Title = ""
    en: Title = ""

    def json(self) -> dict[str, str]:
        return {language: text for language, text in (("th", self.th), ("en", self.en)) if text}


class Addresses(Form, frozen=True, kw_only=True):
    th: Address = ""
    en: Address = ""

    def json(self) -> dict[str, str]:
        return {language: text for language, text in (("th", self.th), ("en", self.en)) if text}


class BothLanguages(Form, frozen=True, kw_only=True):
    th: Text
    en: Text

    def words(self) -> Words:
        return Words(self.th, self.en)


class Point(msgspec.Struct, frozen=True):
    """A position on Earth, longitude first, WGS 84."""

    type: Literal["Point"]
    coordinates: Annotated[list[int | float], Meta(min_length=2, max_length=3)]

    def __post_init__(self) -> None:
        lon, lat, *height = self.coordinates
        if not abs(lon) <= 180 or not abs(lat) <= 90 or not all(map(math.isfinite, height)):
            raise ValueError("The position is not on Earth")

    def json(self) -> dict[str, Any]:
        return {"type": "Point", "coordinates": list(self.coordinates)}


Position = Annotated[
    Point, Meta(description='a GeoJSON Point such as {"type": "Point", "coordinates": [98.39, 7.88]}')
]
F = TypeVar("F", bound=Form)


def members(raw: Any, allowed: Sequence[str], needed: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON object itself, after a look at its members."""
    if not isinstance(raw, dict):
        raise BadRequestData("The body must be a JSON object")
    for key in raw:
        if key not in allowed:
            raise BadRequestData(f"{key} is not known here; allowed are {', '.join(allowed)}", field=key)
    for key in needed:
        if raw.get(key) in (None, ""):
            raise FieldMissing(field=key)
    return raw


def read_form(kind: type[F], raw: Any, **given: str) -> F:
    """The command in a body; ``given`` are the fields that the route knows. Raises BadRequestData for any other body."""
    fields = [one for one in _fields(kind) if one.name not in given]
    needed = [one.encode_name for one in fields if one.required]
    body = members(raw, [one.encode_name for one in fields], needed)
    values: dict[str, Any] = dict(given)
    for field in fields:
        found = body.get(field.encode_name)
        found = found.strip() if isinstance(found, str) else found
        if found not in (None, ""):
            values[field.name] = _value(field.encode_name, field.type, found)
        elif field.required:
            raise FieldMissing(field=field.encode_name)
    return kind(**values)


@lru_cache(maxsize=256)
def _fields(kind: type[Form]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _value(name: str, hint: Any, raw: Any) -> Any:
    options = _options(hint)
    if isinstance(raw, dict):
        for kind in options:
            if isinstance(kind, inspect.StructType) and issubclass(kind.cls, Form):
                return read_form(kind.cls, raw)
    try:
        return msgspec.convert(raw, hint)
    except msgspec.ValidationError:
        raise _refusal(name, options, raw) from None


@lru_cache(maxsize=256)
def _options(hint: Any) -> tuple[inspect.Type, ...]:
    """The members of a union, or the type alone."""
    found = inspect.type_info(hint)
    return found.types if isinstance(found, inspect.UnionType) else (found,)


def _refusal(name: str, options: Sequence[inspect.Type], raw: Any) -> BadRequestData:
    for kind in options:
        if isinstance(kind, inspect.EnumType) and issubclass(kind.cls, StrEnum):
            return NotAChoice(field=name, choices=[one.value for one in kind.cls])
        if isinstance(kind, inspect.Metadata):
            schema: Mapping[str, Any] = kind.extra_json_schema or {}
            if "description" in schema:
                return BadRequestData(f"{name} must be {schema['description']}", field=name)
        if isinstance(kind, inspect.StrType) and isinstance(raw, str) and kind.max_length is not None:
            return FieldTooLong(field=name, limit=kind.max_length)
    return BadRequestData(f"{name} must be a text", field=name)
