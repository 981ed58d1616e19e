"""Secrets of 256 random bits, the digests that are stored, and the finding about a secret that a client sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final, NamedTuple

from andaman.identity.model import Principal, Role
from andaman.identity.policy import Rights
from andaman.kernel.time import Micros

PUBLIC_PRINCIPAL: Final = Principal("public", "Public", frozenset({Role.PUBLIC}))


class Credential(NamedTuple):
    """The owner of a secret: ``digest`` is its SHA-256."""

    kind: str  # "session" or "token"
    digest: bytes


class Known(NamedTuple):
    """A remembered answer."""

    principal: Principal
    rights: Rights
    ends_at: Micros  # when the session or token itself is over
    until: Micros  # when to look again


def digest_of(secret: str | bytes) -> bytes:
    """The stored form of a secret of 256 random bits; no salt is needed for those."""
    return hashlib.sha256(secret if isinstance(secret, bytes) else secret.encode()).digest()


def csrf_of(secret: str | bytes) -> str:
    """The token that unsafe requests of this session carry. It is derived from the secret and so bound to it. Another
    site cannot make it, because it cannot read the cookie.
    """
    key = secret if isinstance(secret, bytes) else secret.encode()
    return base64.urlsafe_b64encode(hmac.digest(key, b"andaman csrf", "sha256")[:24]).decode()
