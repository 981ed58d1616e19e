"""The basis of a figure as plain data: its meaning, formula, constants, and the entities behind it. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from andaman.broker.api import EntityQuery
from andaman.identity.model import Actor
from andaman.kernel.time import Micros
from andaman.kernel.words import Words

Value = float | int | str | Words | None
"""The value of a figure. A text is a code or a time; the words of a value are ``Words``."""


class Constant(msgspec.Struct, frozen=True, kw_only=True):
    """A number of the formula that is not an entity. ``check``: how far it was checked."""

    name: Words
    value: Value
    unit: Words | None = None
    source: Words
    check: Words | None = None


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """A further fact about the figure."""

    name: Words
    value: Value


class EntityRef(msgspec.Struct, frozen=True, kw_only=True):
    """One entity behind a figure. ``attribute``: the short name of the attribute that counts.

    ``value``, ``time`` (ISO 8601): as the figure used them; None: as they are now.
    """

    id: str
    attribute: str = ""
    value: Any = None
    time: str | None = None
    note: Words | None = None


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Another figure, one of those that this one is made of."""

    title: Words
    kind: str
    key: str
    value: Value = None
    unit: Words | None = None


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """The meaning of a figure, and its origin.

    ``period``, ``population``, ``check``: for when, for whom, and how far it was checked. ``attribute``: the value is
    written like values of this attribute. ``entities``: a list, or a query whose result the door lists in pages; then
    ``attribute`` is also the attribute that the list shows. ``left_out``: entities that would have counted and did not,
    such as those without a value. It must not count entities that the actor may not see.
    """

    title: Words
    value: Value = None
    unit: Words | None = None
    attribute: str = ""
    period: Words | None = None
    population: Words | None = None
    check: Words | None = None
    formula: Words | None = None
    constants: tuple[Constant, ...] = ()
    details: tuple[Detail, ...] = ()
    entities: tuple[EntityRef, ...] | EntityQuery = ()
    parts: tuple[Link, ...] = ()
    note: Words | None = None
    left_out: int = 0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question for a figure. ``at``: a past instant, None for now."""

    key: str
    actor: Actor
    tenant: str
    at: Micros | None


Resolver = Callable[[str, Actor], Awaitable[Basis]]
"""Key and actor → the basis of a figure of the city as it is now. Raises NoSuchFigure for a key that is not known, and the
same problem as the page's own door where the actor may not see the figure."""
WideResolver = Callable[[Asked], Awaitable[Basis]]
"""The same for figures that exercises have too, or that are known of the past."""
