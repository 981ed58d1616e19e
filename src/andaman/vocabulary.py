"""The declarations of a room about its entity types: words, attributes, codes, and where a type belongs. This module
knows no room.

`make generated` writes the city context, docs/vocabulary.md and the words of the screens from these declarations. The catalogue's
seed and the policy read them when the platform starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal

from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

Kind = Literal["Property", "GeoProperty", "Relationship", "LanguageProperty", "JsonProperty", "ListProperty"]


class Namespace(Enum):
    """The origin of the IRI of a short name."""

    MODELS = "models"
    """NGSI-LD's core context, else a smart data model, else ``urn:andaman:ns:``. The choice for new names."""
    OWN = "own"
    """``urn:andaman:ns:``, because a smart data model uses the name for something else."""
    DEFAULT = "default"
    """NGSI-LD's default vocabulary: older data has this IRI, so that the name cannot join the city context any more."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measurement by its UN/CEFACT code, and its sign."""

    code: str
    words: Words


@dataclass(frozen=True, slots=True)
class Code:
    """One value of an attribute that is a code. ``icon`` is the name of a glyph on the map."""

    value: str
    words: Words
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a type. Where several types have one of this name, its words and unit are the same in all."""

    name: str
    words: Words
    kind: Kind = "Property"
    unit: Unit | None = None
    """Used where the entity itself does not name one."""
    codes: tuple[Code, ...] = ()
    register: str = ""
    """Path of the API that lists the codes, where a city can edit them."""
    note: str = ""
    """A remark for the vocabulary page, in English."""
    namespace: Namespace = Namespace.MODELS
    shown: Literal["", "duration", "distance", "code", "state"] = ""
    """How a screen writes the value, where it is not a plain number or text: seconds as a duration, metres as a distance.
    A ``state`` is a step of a procedure; one code has the same words in all of them."""
    hidden: bool = False
    """Screens show it elsewhere or not at all."""
    last_part_of: str = ""
    """Each value is the last part of the id of an entity of this type."""
    place: bool = False
    """An entity without a location is where this one refers to."""

    @property
    def values(self) -> tuple[str, ...]:
        """Its codes."""
        return tuple(code.value for code in self.codes)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of the map. Layers are drawn by rising ``order``; ``moving`` ones are watched within the viewport only."""

    id: str
    words: Words
    order: int
    on: bool = True
    """Shown when the address of the screen says nothing."""
    min_zoom: float | None = None
    moving: bool = False


@dataclass(frozen=True, slots=True)
class EntityType:
    """A type of entities, as one room declares it.

    Every entity also has the attributes of ``andaman.common_attributes.COMMON``; they need not be listed.
    """

    name: str
    words: Words
    attributes: tuple[Attribute, ...]
    datasets: tuple[str, ...]
    """Codes of the datasets of the catalogue's seed that hold it."""
    ids: str = ""
    """The form of its ids, for the vocabulary page."""
    note: str = ""
    namespace: Namespace = Namespace.MODELS
    written_by: Permission | None = None
    """It lets people write entities of the type directly. None: rooms, feeds, devices and administrators write it."""
    configures: bool = False
    """The platform reads it as its configuration: administrators of the city alone may write it."""
    classified: Mapping[str, str] = field(default_factory=dict)
    """Attribute → its own, stricter classification in the type's datasets: ``personal``, ``security``."""
    layer: Layer | None = None
    icon: str = ""
    """Name of a glyph on the map."""
    searched: bool = False
    """The search finds it by its name."""
    general: bool = False
    """Other types are special kinds of it; a screen prefers their words."""
    kind_attribute: str = ""
    """The attribute whose code says what kind of thing it is, in place of ``words``."""
    first_of: tuple[str, ...] = ()
    """The line below its name: the first of these attributes that it has."""
    all_of: tuple[str, ...] = ()
    """The line below its name: all of these attributes."""

    def attribute(self, name: str) -> Attribute | None:
        return next((one for one in self.attributes if one.name == name), None)


def attributes_of(types: Iterable[EntityType]) -> dict[str, list[Attribute]]:
    """Attribute name → its declarations in these types, without repetitions, in their order."""
    found: dict[str, list[Attribute]] = {}
    for kind in types:
        for one in kind.attributes:
            rows = found.setdefault(one.name, [])
            if one not in rows:
                rows.append(one)
    return found


def merged(rows: Iterable[Attribute]) -> Attribute:
    """One declaration for all: the first, with the codes of every other. Raises ValueError where they contradict each other."""
    first, *others = rows
    codes = {code.value: code for code in first.codes}
    for one in others:
        for code in one.codes:
            if codes.setdefault(code.value, code) != code:
                raise ValueError(f"Two words for {code.value!r} of the attribute {one.name!r}")
        if _meaning(one) != _meaning(first):
            raise ValueError(f"Two declarations of the attribute {one.name!r} differ")
    return replace(first, codes=tuple(codes.values()))


def _meaning(one: Attribute) -> tuple[Any, ...]:
    """The facts that must be equal in all declarations of an attribute of this name."""
    return (
        one.words,
        one.unit,
        one.namespace,
        one.register,
        one.shown,
        one.hidden,
        one.last_part_of,
        one.place,
    )


def by_name(types: Iterable[EntityType]) -> dict[str, EntityType]:
    """Name → type. Raises ValueError where two have one name."""
    found: dict[str, EntityType] = {}
    for one in types:
        if found.setdefault(one.name, one) is not one:
            raise ValueError(f"Two rooms declare the type {one.name!r}")
    return found
