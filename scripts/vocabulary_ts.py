"""The words of the screens that are made from the entity types of the rooms: web/src/generated/vocabulary.ts and codes.ts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from andaman.approvals.model import STATE_WORDS as PROPOSAL_STATES
from andaman.common_attributes import COMMON
from andaman.definitions.versions import STATE_WORDS as VERSION_STATES
from andaman.kernel.words import Words
from andaman.rooms import TYPES
from andaman.units import UNITS
from andaman.vocabulary import Attribute, Code, EntityType, Layer
from vocabulary_files import every_attribute

_HEAD: Final = """\
/** Made from the entity types of the rooms (types.py in src/andaman) by `make generated`. Do not edit. */
import type { Message } from '$lib/i18n.svelte';

"""
_ROWS: Final = """\
export interface TypeRow {
  readonly words: Message;
  /** Its sign on the map: a glyph of map/glyphs.ts. */
  readonly icon?: string;
  /** The layer of the map that shows it. */
  readonly layer?: string;
  /** The search finds it by its name. */
  readonly searched?: true;
  /** The attribute whose code says what kind of thing it is, in place of `words`. */
  readonly kind?: string;
  /** The short line below its name: the first of these that it has, or all of them. Without it: `MEASURES`. */
  readonly brief?: { readonly first: readonly string[] } | { readonly all: readonly string[] };
  /** Other types are special kinds of it; their words are better. */
  readonly general?: true;
}
export interface LayerRow {
  readonly words: Message;
  /** Shown when the address says nothing. */
  readonly on: boolean;
  /** Symbols appear from this zoom on. */
  readonly minZoom?: number;
  /** Its entities move all the time, and there may be very many. */
  readonly moving?: true;
}
export interface AttributeRow {
  readonly words: Message;
  /** UN/CEFACT code, used where the entity itself does not name a unit. */
  readonly unit?: string;
  readonly codes?: Readonly<Record<string, CodeRow>>;
  /** Where the platform lists its codes and their names, if a city can edit them. */
  readonly register?: string;
  /** How its value is written: an amount of seconds or metres in other words, a code as it is, a step of a procedure. */
  readonly shown?: 'duration' | 'distance' | 'code' | 'state';
  /** Of the machinery, or shown elsewhere: not among the values, not among the changes. */
  readonly hidden?: true;
  /** Its value, or each of its values, is the last part of the id of an entity of this type. */
  readonly lastPartOf?: string;
  /** A thing without a place of its own is where this one refers to. */
  readonly place?: true;
}
export interface CodeRow extends Message {
  readonly icon?: string;
}

"""


def vocabulary_ts() -> str:
    """Types, layers (the first is drawn lowest) and attributes, each with its words."""
    layers = {one.layer.id: one.layer for one in TYPES if one.layer}
    drawn = sorted(layers.values(), key=lambda one: one.order)
    parts = [_HEAD, _ROWS]
    parts += _table("types", "TypeRow", ((one.name, _type(one)) for one in TYPES))
    parts += _table("layers", "LayerRow", ((one.id, _layer(one)) for one in drawn))
    parts += _table("attributes", "AttributeRow", ((one.name, _attribute(one)) for one in _attributes()))
    return "".join(parts).rstrip("\n") + "\n"


def codes_ts() -> str:
    """What components and lib need of it: words of states, severities and origins, and the signs of units.

    A refusal names a state by its code (``stateWords``). It never says that a proposal is open, so "open" is an alert's word.
    """
    by_name = {one.name: one for one in _attributes()}
    states: dict[str, Words] = {}
    for one in by_name.values():
        for code in one.codes if one.shown == "state" else ():
            if states.setdefault(code.value, code.words) != code.words:
                raise ValueError(f"Two words for the state {code.value!r}")
    versions = {state.value: words for state, words in VERSION_STATES.items()}
    proposals = {state.value: words for state, words in PROPOSAL_STATES.items()}
    tables = {
        "stateWords": {**versions, **proposals, **states},
        "versionStateWords": versions,
        "proposalStateWords": proposals,
        "severityWords": {code.value: code.words for code in by_name["severity"].codes},
        "originWords": {code.value: code.words for code in by_name["origin"].codes},
        "unitWords": {unit.code: unit.words for unit in UNITS},
    }
    parts = [_HEAD]
    for name, words in tables.items():
        lines = "".join(f"  {_key(key)}: {_ts(one.json())},\n" for key, one in words.items())
        parts.append(
            f"export const {name} = {{\n{lines}}} as const satisfies Readonly<Record<string, Message>>;\n\n"
        )
    return "".join(parts).rstrip("\n") + "\n"


def _attributes() -> list[Attribute]:
    return [*COMMON, *every_attribute()]


def _table(name: str, kind: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterable[str]:
    yield f"export const {name}: Readonly<Record<string, {kind}>> = {{\n"
    for key, row in rows:
        yield f"  {_key(key)}: {_ts(row)},\n"
    yield "};\n\n"


def _type(one: EntityType) -> dict[str, Any]:
    brief = {"first": one.first_of} if one.first_of else {"all": one.all_of} if one.all_of else None
    return _row(
        words=one.words.json(),
        icon=one.icon,
        layer=one.layer.id if one.layer else "",
        searched=one.searched,
        kind=one.kind_attribute,
        brief=brief,
        general=one.general,
    )


def _layer(one: Layer) -> dict[str, Any]:
    return {"words": one.words.json(), "on": one.on, **_row(minZoom=one.min_zoom, moving=one.moving)}


def _attribute(one: Attribute) -> dict[str, Any]:
    return _row(
        words=one.words.json(),
        unit=one.unit.code if one.unit else "",
        codes={code.value: _code(code) for code in one.codes},
        register=one.register,
        shown=one.shown,
        hidden=one.hidden,
        lastPartOf=one.last_part_of,
        place=one.place,
    )


def _code(one: Code) -> dict[str, Any]:
    return {**one.words.json(), **_row(icon=one.icon)}


def _row(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}


def _key(name: str) -> str:
    return name if name.isidentifier() else _text(name)


def _text(value: str) -> str:
    quoted = json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{quoted}'"


def _ts(value: Any) -> str:
    """A value as TypeScript: keys without quotes where they need none."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)}: {_ts(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_ts(one) for one in value) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)
