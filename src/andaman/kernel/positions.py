"""Positions of the journal as outsiders get them: texts that reveal neither a number nor the distance between two of
them.

A position counts every commit, so the number itself tells when, and how often, something was written that its reader must
not see. A sealed one is the same text for the same position, purpose and key for as long as the store lives.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import blake2b
from typing import Final, NewType

Position = NewType("Position", int)
"""A place in the journal. Rooms compare positions, keep them and hand them back to the broker, which alone computes with
them: another store may count in another way."""
START: Final = Position(0)
"""Before the first event."""
_HALF: Final = 8  # bytes
_TEXT: Final = 22  # characters: 16 bytes in base64 without padding


def seal(key: bytes, purpose: str, position: Position) -> str:
    """The text of a position; 22 letters, digits, "-" and "_". ``purpose``: what it is of, such as tenant and entity."""
    plain = position.to_bytes(_HALF, "big")
    mark = _mark(key, purpose, plain)
    return urlsafe_b64encode(mark + _mixed(key, mark, plain)).rstrip(b"=").decode()


def unseal(key: bytes, purpose: str, text: str) -> Position | None:
    """The position of a text that ``seal`` made with the same key and purpose; None for any other text."""
    if len(text) != _TEXT or not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text + "==")
    except (Error, ValueError):
        return None
    mark, plain = raw[:_HALF], _mixed(key, raw[:_HALF], raw[_HALF:])
    if mark != _mark(key, purpose, plain):
        return None
    position = Position(int.from_bytes(plain, "big"))
    return position if seal(key, purpose, position) == text else None


def stirred(key: bytes, text: str) -> str:
    """24 hexadecimal digits that stand for a text and cannot be traced back to it."""
    return blake2b(text.encode(), key=key[:64], digest_size=12, person=b"stirred").hexdigest()


def _mark(key: bytes, purpose: str, plain: bytes) -> bytes:
    return blake2b(plain + purpose.encode(), key=key[:64], digest_size=_HALF, person=b"position").digest()


def _mixed(key: bytes, mark: bytes, text: bytes) -> bytes:
    pad = blake2b(mark, key=key[:64], digest_size=_HALF, person=b"positionpad").digest()
    return bytes(a ^ b for a, b in zip(text, pad, strict=True))
