"""Passwords, keys and tokens for others: by name, sealed, each for certain hosts only.

Documents name one as ``secret:NAME``. The text is opened when a request is sent, and is never shown, logged or exported.
The same key seals credentials that stand in documents of other stores (``seal``, ``unseal``). Without the right key
everything else works; what needs a text is refused with the reason. Any thread, several processes.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from andaman.kernel.errors import BadRequestData, ResourceNotFound, Unavailable
from andaman.kernel.sealing import Key, default_place, new_key, read_keys, seal, unseal, write_keys
from andaman.kernel.storage import is_open_to_others
from andaman.kernel.tables import Store, StoreKind
from andaman.kernel.time import Clock, Micros, system_clock

log = logging.getLogger("andaman")
FILE: Final = "secrets.db"
PREFIX: Final = "secret:"
LOCKED: Final = f"{PREFIX}?"
"""The text that a document shows for a secret that cannot be opened now."""
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_REFERENCE: Final = re.compile(rf"(?:^|(?<= )){PREFIX}(\?|{NAME.pattern})\Z", re.ASCII)
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", re.ASCII)
_LONGEST: Final = 8000
_FRESH_S: Final = 1.0
"""A change by another process counts after this time at the latest."""
_SCHEMA: Final = """
CREATE TABLE secret (name TEXT PRIMARY KEY, sealed TEXT NOT NULL, hosts TEXT NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
KIND: Final = StoreKind(
    FILE,
    "the secrets",
    (_SCHEMA,),
    "passwords and tokens that were kept by name must be set again",
)
Reseal = Callable[[Callable[[str, str], str]], None]
"""Seals everything in a store again; is given a function from (token, purpose) to the new token."""


class SecretRefused(Unavailable):
    """A secret cannot be used: it is not set, is for other hosts, or does not open."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One secret without its text. ``hosts``: names or addresses, some with a port."""

    name: str
    hosts: tuple[str, ...]
    at: Micros
    opens: bool
    """Does the present key open it?"""


def reference_in(text: str) -> str | None:
    """The name in ``secret:NAME`` or ``Bearer secret:NAME``; None where the text names no secret."""
    if PREFIX not in text:
        return None
    found = _REFERENCE.search(text)
    return None if found is None else found[1]


class Secrets:
    """The secrets of one data directory. ``key_file``: where the key lies, if not next to the directory."""

    def __init__(self, directory: Path, key_file: Path | None = None, clock: Clock = system_clock) -> None:
        self.key_file = key_file or default_place(directory)
        self._store = Store(directory / FILE, KIND)
        self._clock = clock
        self._keys: tuple[Key, ...] | None = None
        self._fresh: dict[str, tuple[float, str, tuple[str, ...]]] = {}

    def close(self) -> None:
        self._store.close()

    # -- the key ------------------------------------------------------------------------------------------------
    def trouble(self) -> str:
        """The trouble with the key, as a sentence with its remedy; "" where it is in order or not needed yet."""
        known = self._fact("key")
        try:
            keys = read_keys(self.key_file)
        except Unavailable as error:
            return error.detail
        if not known or any(key.id == known for key in keys):
            return ""
        what = f"has none with the id {known}" if keys else "is missing"
        return (
            f"The key file {self.key_file} {what}, which sealed the passwords and tokens kept here. Put back a copy of it, "
            "or set the secrets again after andaman secret rotate --lost"
        )

    def warning(self) -> str:
        """What should be mended and hinders nothing; "" for nothing."""
        if self.key_file.is_file() and is_open_to_others(self.key_file):
            return f"Other users may read the key file {self.key_file}: chmod 600 {self.key_file}"
        if self.is_rotating():
            return "A rotation of the key did not come to its end: run andaman secret rotate again"
        return ""

    def is_rotating(self) -> bool:
        """Was a rotation begun that did not come to its end?"""
        known = self._fact("key")
        try:
            keys = read_keys(self.key_file)
        except Unavailable:
            return False
        return bool(known) and known in {key.id for key in keys[1:]}

    def seal(self, text: str, purpose: str) -> str:
        """Makes the key at the first call. Raises Unavailable where there is no right key, or no place for one."""
        return seal(text, self._sealing_key(), purpose)

    def unseal(self, token: str, purpose: str) -> str:
        """Raises SecretRefused, with the reason."""
        for again in (False, True):
            try:
                return unseal(token, self._opening_keys(again=again), purpose)
            except LookupError:
                continue  # perhaps somebody put the key back meanwhile
            except ValueError as error:
                raise SecretRefused(f"A sealed text does not open: {error}") from None
        why = self.trouble() or f"The key file {self.key_file} does not have the key that sealed it"
        raise SecretRefused(f"A sealed text does not open. {why}")

    def opens(self, token: str, purpose: str) -> bool:
        try:
            self.unseal(token, purpose)
        except SecretRefused:
            return False
        return True

    def _opening_keys(self, *, again: bool = False) -> tuple[Key, ...]:
        if self._keys is None or again:
            try:
                self._keys = read_keys(self.key_file)
            except Unavailable as error:
                raise SecretRefused(error.detail) from None
        return self._keys

    def _sealing_key(self) -> Key:
        if self._keys and self._fact("key") == self._keys[0].id:
            return self._keys[0]
        with self._store.transaction():  # excludes other processes, which may be at the same point
            keys, known = read_keys(self.key_file), self._fact("key")
            if not keys and not known:
                keys = (new_key(),)
                write_keys(self.key_file, keys)
            elif known and all(key.id != known for key in keys):
                raise Unavailable(self.trouble())
            if not known:
                self._note("key", keys[0].id)
        self._keys = keys
        return keys[0]

    def _fact(self, name: str) -> str:
        rows = self._store.rows("SELECT value FROM fact WHERE name=?", (name,))
        return str(rows[0][0]) if rows else ""

    def _note(self, name: str, value: str) -> None:
        self._store.execute(
            "INSERT INTO fact VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value=excluded.value",
            (name, value),
        )

    def rotate(self, others: Sequence[Reseal] = ()) -> Key:
        """Make a new key, seal everything with it again, and give up the former ones. ``others``: the other stores.

        After a kill at any moment everything opens, and another call goes on. A text that no key opens stays as it is.
        No platform may run meanwhile. Raises Unavailable where there is no right key to begin with.
        """
        known = self._fact("key")
        keys = read_keys(self.key_file)
        if not known or all(key.id != known for key in keys):
            raise Unavailable(
                self.trouble() or "There is no key yet; it is made when the first secret is set"
            )
        if keys[0].id == known:
            keys = (new_key(), *keys)
            write_keys(self.key_file, keys)
        self._keys = keys
        current = keys[0]

        def again(token: str, purpose: str) -> str:
            if token.partition(".")[0] == current.id:
                return token
            try:
                return seal(unseal(token, keys, purpose), current, purpose)
            except (LookupError, ValueError):
                return token

        for reseal in others:
            reseal(again)
        with self._store.transaction() as db:
            for name, token in db.execute("SELECT name, sealed FROM secret").fetchall():
                db.execute("UPDATE secret SET sealed=? WHERE name=?", (again(token, _purpose(name)), name))
            self._note("key", current.id)
        self._store.scrub()
        write_keys(self.key_file, keys[:1])
        self._keys = keys[:1]
        return current

    def give_up_key(self) -> Key:
        """The key is lost: continue with a new one. What the former one sealed stays closed until it is set again."""
        with self._store.transaction():
            try:
                keys = read_keys(self.key_file)
            except Unavailable:
                keys = ()  # damaged, so it opens nothing
            keys = (new_key(), *keys)
            write_keys(self.key_file, keys)
            self._note("key", keys[0].id)
        self._keys = keys
        return keys[0]

    # -- by name ------------------------------------------------------------------------------------------------
    def set(self, name: str, text: str, hosts: Iterable[str]) -> None:
        """Keep a secret, or replace it; on disk when this returns. ``hosts``: where it may be sent, such as
        ``example.org`` or ``10.0.0.5:1883``. Raises BadRequestData or Unavailable."""
        if NAME.fullmatch(name) is None:
            raise BadRequestData("The name of a secret has up to 64 letters, digits and . _ -", field="name")
        if not text or len(text) > _LONGEST or not text.isprintable():
            raise BadRequestData(
                f"A secret is one line of 1 to {_LONGEST} printable characters", field="secret"
            )
        places = sorted({host.strip().lower() for host in hosts})
        for place in places:
            if _HOST.fullmatch(place) is None:
                raise BadRequestData(
                    f"{place!r} is not a host such as example.org or 10.0.0.5:1883", field="host"
                )
        if not places:
            raise BadRequestData("A secret needs at least one host that it may be sent to", field="host")
        with self._store.transaction() as db:  # no rotation comes between
            db.execute(
                "INSERT INTO secret VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET sealed=excluded.sealed, "
                "hosts=excluded.hosts, at=excluded.at",
                (name, self.seal(text, _purpose(name)), " ".join(places), self._clock()),
            )
        self._fresh.pop(name, None)

    def delete(self, name: str) -> None:
        """Raises ResourceNotFound."""
        if not self._store.execute("DELETE FROM secret WHERE name=?", (name,)):
            raise ResourceNotFound(f"There is no secret {name}")
        self._store.scrub()
        self._fresh.pop(name, None)

    def list_all(self) -> list[Listed]:
        """By name. No text is among it."""
        rows = self._store.rows("SELECT name, sealed, hosts, at FROM secret ORDER BY name")
        return [
            Listed(name, tuple(hosts.split()), at, self.opens(sealed, _purpose(name)))
            for name, sealed, hosts, at in rows
        ]

    def reveal(self, name: str, host: str, port: int) -> str:
        """The text, to be sent to this host now. Raises SecretRefused, with the reason."""
        if name == LOCKED.removeprefix(PREFIX):
            why = self.trouble() or "It is read again at the next start"
            raise SecretRefused(f"A credential of this document could not be opened. {why}")
        known = self._fresh.get(name)
        if known is None or known[0] < time.monotonic():
            rows = self._store.rows("SELECT sealed, hosts FROM secret WHERE name=?", (name,))
            if not rows:
                self._fresh.pop(name, None)
                raise SecretRefused(f"The secret {name} is not set: andaman secret set {name}")
            text = self.unseal(rows[0][0], _purpose(name))
            known = self._fresh[name] = (time.monotonic() + _FRESH_S, text, tuple(rows[0][1].split()))
        host = f"[{host}]" if ":" in host else host
        if not {host.lower(), f"{host.lower()}:{port}"} & set(known[2]):
            raise SecretRefused(
                f"The secret {name} may not be sent to {host}:{port}, only to {', '.join(known[2])}"
            )
        return known[1]

    def filled(self, text: str, host: str, port: int) -> str:
        """A text with the secret in the place of its reference, if it has one. Raises SecretRefused."""
        name = reference_in(text)
        if name is None:
            return text
        return text[: text.rindex(PREFIX)] + self.reveal(name, host, port)


def _purpose(name: str) -> str:
    return f"secret {name}"
