"""Identifiers: URNs for entities, and time-ordered random ids that need no counter (they scale out)."""

from __future__ import annotations

import os
import re

from andaman.kernel.time import Micros

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\"{}|\\^`\x00-\x20]+")
_URI_MAX = 2048
_TENANT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,63}", re.ASCII)


def is_uri(text: str) -> bool:
    """True for an absolute URI as NGSI-LD wants ids to be (CIM 009 §4.6.2 forbids < > " ' = ; ( ) in names)."""
    return len(text) <= _URI_MAX and _URI.fullmatch(text) is not None


def is_tenant(text: str) -> bool:
    """True for the name of a tenant: up to 64 letters, digits, "_", "-" and ".", the first no sign."""
    return _TENANT.fullmatch(text) is not None


def sortable_id(now: Micros) -> str:
    """20 characters: 10 of milliseconds, 10 random (50 bits); ids made later sort later."""
    ms = (now // 1000) & ((1 << 50) - 1)
    value = (ms << 50) | (int.from_bytes(os.urandom(7)) & ((1 << 50) - 1))
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(95, -1, -5))


def urn(kind: str, local: str) -> str:
    """An NGSI-LD URN: urn:ngsi-ld:Vehicle:bus-12."""
    return f"urn:ngsi-ld:{kind}:{local}"
