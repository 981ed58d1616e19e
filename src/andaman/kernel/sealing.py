"""Texts that nobody can read on disk without the key, which is next to the data directory and not inside it.

AES-256-GCM (NIST SP 800-38D) with a random nonce for each text. ``purpose`` says where a text belongs; it is authenticated
with the text, so a sealed text that was moved elsewhere does not open.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from andaman.kernel.errors import Unavailable
from andaman.kernel.storage import obstacle, sync_folder

_WORD: Final = "andaman-key-1"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_HEAD: Final = (
    "# The key of the passwords and tokens that Andaman keeps. Keep a copy in a safe place, and keep it out of the\n"
    "# backups of the data directory. The first key seals and opens; further ones only open.\n"
)


@dataclass(frozen=True, slots=True)
class Key:
    """One key. ``id`` is public: it stands in everything that the key sealed."""

    id: str
    secret: bytes = field(repr=False)


def key_of(secret: bytes) -> Key:
    """The key with these 32 bytes."""
    return Key(hashlib.sha256(b"andaman key id" + secret).hexdigest()[:12], secret)


def new_key() -> Key:
    return key_of(os.urandom(_KEY_BYTES))


def default_place(directory: Path) -> Path:
    """Where the key of a data directory is: ``/x/data.key`` for ``/x/data``."""
    found = directory.resolve()
    return found.with_name(f"{found.name or 'andaman'}.key")


# -- the file -------------------------------------------------------------------------------------------------------
def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys in a file; none where there is no file. Raises Unavailable where it is not a key file."""
    try:
        text = path.read_text("ascii")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Unavailable(f"The key file {path} cannot be read: {said}") from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            secret = base64.b64decode(words[1], validate=True)
        except (ValueError, IndexError):
            secret = b""
        if words[0] != _WORD or len(words) != 2 or len(secret) != _KEY_BYTES:
            raise Unavailable(f"The key file {path} is damaged in line {number}. Put back a copy of it")
        found.append(key_of(secret))
    if not found:
        raise Unavailable(f"The key file {path} holds no key. Put back a copy of it")
    return tuple(found)


def write_keys(path: Path, keys: Sequence[Key]) -> None:
    """Replace the file in one step; it is on disk when this returns, and its owner's alone. Raises Unavailable."""
    lines = [f"{_WORD} {base64.b64encode(key.secret).decode('ascii')}\n" for key in keys]
    part = path.with_name(f".{path.name}.part")  # of one name, so that a kill leaves one at most
    try:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(fd, "w", encoding="ascii") as out:
                out.write(_HEAD + "".join(lines))
                out.flush()
                os.fsync(out.fileno())
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        why = obstacle(path) or error.strerror or str(error)
        raise Unavailable(
            f"The key file {path} cannot be written: {why}. The setting secrets_key names another place"
        ) from None


# -- texts ----------------------------------------------------------------------------------------------------------
def seal(text: str, key: Key, purpose: str) -> str:
    """``<key id>.<base64 of nonce, cipher text and tag>``."""
    from cryptography.hazmat.primitives.ciphers.aead import (
        AESGCM,
    )  # OpenSSL takes memory, and few platforms need it

    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key.secret).encrypt(nonce, text.encode("utf-8", "surrogatepass"), purpose.encode())
    return f"{key.id}.{base64.urlsafe_b64encode(nonce + sealed).decode('ascii')}"


def unseal(token: str, keys: Sequence[Key], purpose: str) -> str:
    """The text. Raises LookupError where none of the keys sealed it, ValueError where it was changed or moved."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key_id, _, content = token.partition(".")
    key = next((one for one in keys if one.id == key_id), None)
    if key is None:
        raise LookupError(key_id)
    try:
        raw = base64.b64decode(content, altchars=b"-_", validate=True)
        opened = AESGCM(key.secret).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode())
        return opened.decode("utf-8", "surrogatepass")
    except (ValueError, InvalidTag):
        raise ValueError("it was changed, or belongs elsewhere") from None
