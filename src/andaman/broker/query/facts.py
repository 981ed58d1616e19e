"""The index's knowledge of an attribute: one small fact, in memory and as a blob that start-up reads without JSON.

A fact decides comparisons exactly or says "look at the document" (``OTHER``). Texts are kept as 64-bit hashes: a
page is always verified on documents, so a collision (chance below 1e-7 for a million distinct texts) can only
shift a count. Blob: records of 16 bytes, attribute code with the kind in its low four bits, then a float64 or the
hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from math import inf, isfinite, nan
from struct import Struct
from typing import Any, Final

import numpy as np
import shapely

from andaman.broker.model import Doc, Instance
from andaman.broker.query.geometry import read_geometry

FACTS_VERSION: Final = 1
"""Changes whenever ``index_facts`` would give other bytes for the same entity: stored facts must then be remade."""

ABSENT, NUMBER, BOOLEAN, TEXT, OBJECT, OTHER = range(6)
"""States of an attribute of one entity; for NUMBER … OBJECT there is exactly one instance."""
WEST, SOUTH, EAST, NORTH = 8, 9, 10, 11
"""Kinds of the records of a GeoProperty; a point has WEST and SOUTH only."""

RECORD: Final = np.dtype([("code", "<u8"), ("bits", "<i8")])
_NUMBER_RECORD = Struct("<Qd")
_BITS_RECORD = Struct("<Qq")
_POINT_RECORDS = Struct("<QdQd")
_DIGEST = Struct(">q")
_EXACT = 1 << 53
_CACHE_MAX: Final = 200_000
_NAMES_MAX: Final = 32 << 20
"""Characters of remembered names: queries of anonymous clients name what they like."""

Fact = tuple[int, float | int]
Box = tuple[float, ...]
"""(x, y) of a point, or (west, south, east, north) of any other geometry."""

_codes: dict[str, int] = {}
_remembered = 0
_names: dict[int, str] = {}
_hashes: dict[str, int] = {}


def attr_code(iri: str) -> int:
    """60 bits of hash with room for the kind; the same in every process."""
    global _remembered
    code = _codes.get(iri)
    if code is None:
        _remembered += len(iri)
        if len(_codes) > _CACHE_MAX or _remembered > _NAMES_MAX:
            _codes.clear()
            _names.clear()
            _remembered = len(iri)
        code = int.from_bytes(blake2b(iri.encode(), digest_size=8).digest()) & ~15
        _codes[iri] = code
        _names[code] = iri
    return code


def attr_of(code: int) -> str | None:
    """The attribute behind a code, if this process has met it."""
    return _names.get(code)


def text_hash(text: str) -> int:
    """Signed 64-bit hash, the same in every process."""
    bits: int | None = _hashes.get(text)
    if bits is None:
        if len(_hashes) > _CACHE_MAX:
            _hashes.clear()
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        bits = _DIGEST.unpack(digest)[0]
        if len(text) <= 64:
            _hashes[text] = bits
    return bits


def fact_of(instances: Sequence[Instance]) -> Fact:
    """State and number (NUMBER, BOOLEAN) or hash (TEXT, OBJECT) of an attribute."""
    if len(instances) == 1:
        instance = instances[0]
        kind = instance["type"]
        if kind == "Property":
            value = instance.get("value")
            if type(value) is float and -inf < value < inf:  # the most frequent first
                return NUMBER, value
            if type(value) is str:
                return TEXT, text_hash(value)
            if isinstance(value, bool):
                return BOOLEAN, float(value)
            if isinstance(value, float):
                return (NUMBER, value) if isfinite(value) else (OTHER, 0.0)
            if isinstance(value, int):
                return (NUMBER, float(value)) if -_EXACT < value < _EXACT else (OTHER, 0.0)
            if isinstance(value, str):
                return TEXT, text_hash(value)
        elif kind == "Relationship":
            target = instance.get("object")
            if isinstance(target, str):
                return OBJECT, text_hash(target)
    return OTHER, 0.0


def box_of(instances: Sequence[Instance]) -> Box | None:
    """The box of a GeoProperty with one readable instance; None: look at the document."""
    if len(instances) != 1:
        return None
    value = instances[0].get("value")
    if isinstance(value, dict) and value.get("type") == "Point":
        coordinates: Any = value.get("coordinates")
        if isinstance(coordinates, list) and 2 <= len(coordinates) <= 3:
            x, y = coordinates[0], coordinates[1]
            if type(x) in (float, int) and type(y) in (float, int) and abs(x) <= 180 and abs(y) <= 90:
                return float(x), float(y)
        return None
    geometry = read_geometry(value)
    if geometry is None:
        return None
    box = tuple(shapely.bounds(geometry).tolist())
    return box if all(isfinite(v) for v in box) else None


def _records(attr: str, instances: Sequence[Instance]) -> bytes:
    code = attr_code(attr)
    state, value = fact_of(instances)
    if state in (NUMBER, BOOLEAN):
        return _NUMBER_RECORD.pack(code | state, value)
    record = _BITS_RECORD.pack(code | state, int(value))
    if instances[0]["type"] != "GeoProperty":
        return record
    box = box_of(instances) or (nan,)
    if len(box) == 2:
        return record + _POINT_RECORDS.pack(code | WEST, box[0], code | SOUTH, box[1])
    return record + b"".join(
        _NUMBER_RECORD.pack(code | kind, edge)
        for kind, edge in zip((WEST, SOUTH, EAST, NORTH), box, strict=False)
    )


def index_facts(doc: Doc) -> tuple[str, bytes]:
    """(shape text, facts blob) of an entity, to be stored with it for a fast start."""
    return shape_text(doc), _all_records(doc["attrs"])


def _all_records(attrs: dict[str, list[Instance]]) -> bytes:
    """``_records`` of every attribute; plain numbers and texts without its calls."""
    found = []
    pack_number, pack_bits = _NUMBER_RECORD.pack, _BITS_RECORD.pack
    for attr, instances in attrs.items():
        instance = instances[0]
        if len(instances) == 1 and instance["type"] == "Property":
            value = instance.get("value")
            if type(value) is float:
                if -inf < value < inf:
                    found.append(pack_number((_codes.get(attr) or attr_code(attr)) | NUMBER, value))
                    continue
            elif type(value) is str:
                bits = _hashes.get(value)
                if bits is None:
                    bits = text_hash(value)
                found.append(pack_bits((_codes.get(attr) or attr_code(attr)) | TEXT, bits))
                continue
        found.append(_records(attr, instances))
    return b"".join(found)


def update_facts(facts: bytes, doc: Doc, changed: Iterable[str]) -> bytes:
    """The facts of ``doc``, given those of the entity before the attributes ``changed`` did; about 1 µs each.

    The records may stand in another order than ``index_facts`` gives, which nobody minds.
    """
    names = list(changed)
    attrs = doc["attrs"]
    if 2 * len(names) > len(attrs) + 2:  # a replacement: all anew is quicker than finding each
        return _all_records(attrs)
    for attr in names:
        instances = attrs.get(attr)
        fresh = b"" if instances is None else _records(attr, instances)
        code = attr_code(attr)
        start, end = _find(facts, code)
        facts = facts[:start] + fresh + facts[end:]
    return facts


def _find(facts: bytes, code: int) -> tuple[int, int]:
    """The beginning and end of an attribute's records; (length, length) when there are none."""
    upper, low = (code >> 8).to_bytes(7, "little"), code & 0xF0
    at = facts.find(upper)
    while at >= 0:
        if at % 16 == 1 and facts[at - 1] & 0xF0 == low:
            start = at - 1
            end = start + 16
            while facts[end + 1 : end + 8] == upper and facts[end] & 0xF0 == low:
                end += 16
            return start, end
        at = facts.find(upper, at + 1)
    return len(facts), len(facts)


def shape_text(doc: Doc) -> str:
    """Types and scopes as one text: entities with equal texts are visible to the same people."""
    return "\x1f".join(doc["type"]) + "\x1e" + "\x1f".join(doc.get("scope", ()))


def read_shape(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The (types, scopes) of a shape text."""
    types, _, scopes = text.partition("\x1e")
    return tuple(types.split("\x1f")), tuple(scopes.split("\x1f")) if scopes else ()
