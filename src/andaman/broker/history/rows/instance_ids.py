"""Ids of attribute instances over time (CIM 009 §4.5.7, ``instanceId``): the same for ever, made from what the journal says.

An instance is named by the position that told it, its place among the instances of its attribute there, and whether it is a
deletion. The number is stirred with a key of the store, so that ids do not count what other tenants write.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

PREFIX: Final = "urn:ngsi-ld:Instance:"
_MASK: Final = (1 << 64) - 1
_PLACE_BITS: Final = 16


class Identity(NamedTuple):
    """The meaning of an instance id, within one attribute of one entity."""

    seq: int
    place: int
    deletion: bool


@lru_cache(maxsize=4_096)
def _keys(key: bytes, attr: str) -> tuple[int, ...]:
    """Two odd multipliers, their inverses and two masks."""
    digest = blake2b(attr.encode(), key=key[:64], digest_size=32).digest()
    one, two, first, second = (int.from_bytes(digest[i : i + 8], "big") for i in range(0, 32, 8))
    one, two = one | 1, two | 1
    return one, two, pow(one, -1, 1 << 64), pow(two, -1, 1 << 64), first, second


def instance_id(key: bytes, attr: str, seq: int, place: int, deletion: bool = False) -> str:
    """The URI of an instance."""
    one, two, _, _, first, second = _keys(key, attr)
    x = (seq << (_PLACE_BITS + 1)) | (place << 1) | deletion
    x = ((x ^ first) * one) & _MASK
    x ^= x >> 32
    x = (x * two) & _MASK
    x ^= x >> 32
    x = ((x ^ second) * one) & _MASK
    return f"{PREFIX}{x:016x}"


def read_instance_id(key: bytes, attr: str, uri: str) -> Identity | None:
    """The arguments of ``instance_id`` for this id; None if no such id was ever made."""
    digits = uri.removeprefix(PREFIX)
    if len(digits) != 16 or len(uri) != len(PREFIX) + 16 or not set(digits) <= set("0123456789abcdef"):
        return None
    one_, two_ = _keys(key, attr)[2:4]
    first, second = _keys(key, attr)[4:]
    x = ((int(digits, 16) * one_) & _MASK) ^ second
    x ^= x >> 32
    x = (x * two_) & _MASK
    x ^= x >> 32
    x = ((x * one_) & _MASK) ^ first
    return Identity(x >> (_PLACE_BITS + 1), (x >> 1) & ((1 << _PLACE_BITS) - 1), bool(x & 1))
