"""The answers of the doors of the registers. Shapes for people: docs/rooms/city.md."""

from __future__ import annotations

from typing import Any

from andaman.form import FormField
from andaman.kernel.answers import Answer
from andaman.kernel.words import Words


class AgencyAnswer(Answer, frozen=True, kw_only=True):
    code: str
    name: Words


class PlaceFound(Answer, frozen=True, kw_only=True):
    """``kind``: the most special type of entity. ``exact``: the point is the place itself; otherwise the middle of an area, or of a
    part of a street. ``ref``: number of a road."""

    id: str
    name: Words
    kind: str
    level: str
    ref: str
    lon: float
    lat: float
    exact: bool


class RegisterListed(Answer, frozen=True, kw_only=True):
    """``rows``: how many."""

    name: str
    words: Words
    rows: int


class RowAnswer(Answer, frozen=True, kw_only=True):
    """``errors``: one problem document for each wrong field; such a row is not in use."""

    code: str
    row: dict[str, Any]
    errors: list[dict[str, Any]]


class RegisterPage(Answer, frozen=True, kw_only=True):
    """``type``: the entity type of the rows."""

    name: str
    words: Words
    type: str
    fields: tuple[FormField, ...]
    rows: list[RowAnswer]
