"""Passwords: the rules a new one must meet, and argon2id hashing. Blocking; call off the event loop."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from andaman.identity.problems import PasswordTooCommon, PasswordTooLong, PasswordTooShort, PasswordTooUniform

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256
_DIFFERENT: Final = 6  # characters
_COMMON: Final = (
    "password",
    "passw0rd",
    "qwerty",
    "letmein",
    "welcome",
    "iloveyou",
    "admin",
    "phuket",
    "andaman",
    "thailand",
    "รหัสผ่าน",
    "ภูเก็ต",
    "123456",
    "abcdef",
)


def normalise_password(password: str) -> str:
    """NFKC, so that the same keys give the same password on every keyboard (NIST SP 800-63B §3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def check_password_rules(password: str, username: str = "") -> None:
    """Raise BadRequestData unless the password may be chosen.

    12–256 characters, at least 6 different ones, not built on the user's name or on a common word: what
    remains without them must itself be long enough to guess at (NIST SP 800-63B §3.1.1.2; no composition rules).
    """
    text = normalise_password(password)
    if len(text) < MIN_LENGTH:
        raise PasswordTooShort(least=MIN_LENGTH)
    if len(text) > MAX_LENGTH:
        raise PasswordTooLong(most=MAX_LENGTH)
    if len(set(text)) < _DIFFERENT:
        raise PasswordTooUniform(least=_DIFFERENT)
    rest = text.casefold()
    for word in (username.casefold(), *_COMMON):
        if len(word) >= 3:
            rest = rest.replace(word, "")
    if len(rest) < MIN_LENGTH // 2:
        raise PasswordTooCommon


@dataclass(frozen=True, slots=True)
class PasswordCost:
    """argon2id cost. The default takes some 40 ms and 32 MiB; tests pass a cheap one."""

    time: int = 3
    memory_kib: int = 32 * 1024
    lanes: int = 1


class PasswordHasher:
    """Hash and verify; an unknown user costs the same time as a known one."""

    def __init__(self, cost: PasswordCost | None = None) -> None:
        cost = cost or PasswordCost()
        self._argon2 = argon2.PasswordHasher(cost.time, cost.memory_kib, cost.lanes)
        self._nobody = self._argon2.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """The encoded argon2id hash, salt and cost included."""
        return self._argon2.hash(normalise_password(password))

    def verify(self, encoded: str | None, password: str) -> bool:
        """True when the password fits. ``None`` (no such user) does the same work and is always False."""
        try:
            fits = self._argon2.verify(encoded or self._nobody, normalise_password(password))
        except (VerificationError, InvalidHashError):
            return False
        return fits and encoded is not None

    def is_outdated(self, encoded: str) -> bool:
        """True if the hash was made at another cost and should be made again at the next sign-in."""
        return self._argon2.check_needs_rehash(encoded)
