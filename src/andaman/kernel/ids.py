"""Identifiers: URNs for entities, and ids that nobody guesses: random ones, and such as follow from what they stand for.

Whoever may create entities learns whether an id is taken (decision 0004), so that an id of what is hidden must not be guessed.
"""

from __future__ import annotations

import os
import re
from hashlib import blake2b
from typing import Final

from andaman.kernel.time import Micros

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\"{}|\\^`\x00-\x20]+")
_URI_MAX = 2048
_TIME_BITS: Final = 50
_RANDOM_BITS: Final = 100
_TENANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,63}", re.ASCII)


def is_uri(text: str) -> bool:
    """True for an absolute URI as NGSI-LD wants ids to be (CIM 009 §4.6.2 forbids < > " ' = ; ( ) in names)."""
    return len(text) <= _URI_MAX and _URI.fullmatch(text) is not None


def is_tenant(text: str) -> bool:
    """True for the name of a tenant: up to 64 letters, digits, "_", "-" and ".", the first no sign."""
    return _TENANT.fullmatch(text) is not None


def sortable_id(now: Micros) -> str:
    """30 characters: 10 of milliseconds, 20 random (100 bits); ids made later sort later."""
    ms = (now // 1000) & ((1 << _TIME_BITS) - 1)
    random = int.from_bytes(os.urandom(13)) >> 4  # 104 bits, of which 100
    return _written(ms, _TIME_BITS) + _written(random, _RANDOM_BITS)


def keyed_id(key: bytes, *parts: str) -> str:
    """20 characters (100 bits): the same for the same parts, and not to be found without the key. ``key``: up to 64 bytes, secret
    and kept with the data; empty where nothing is to be kept from anybody, as in tests."""
    text = "\0".join(parts).encode()
    digest = blake2b(text, key=key[:64], digest_size=13, person=b"ids").digest()
    return _written(int.from_bytes(digest) >> 4, _RANDOM_BITS)


def _written(value: int, bits: int) -> str:
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(bits - 5, -1, -5))


def urn(kind: str, local: str) -> str:
    """An NGSI-LD URN: urn:ngsi-ld:Vehicle:bus-12."""
    return f"urn:ngsi-ld:{kind}:{local}"
