"""Contexts kept over restarts and within a budget: fetched ones may be forgotten, hosted ones may not."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from andaman.broker.contexts.book import ContextBook
from andaman.broker.contexts.bundled import bundled_document
from andaman.kernel.errors import Conflict
from andaman.kernel.storage import opening, sync_folder
from andaman.kernel.time import Micros

log = logging.getLogger(__name__)
Kind = Literal["Hosted", "Cached", "ImplicitlyCreated"]
CACHED_MAX: Final = 1000
HOSTED_MAX: Final = 1000
CACHED_BYTES: Final = 64 << 20
HOSTED_BYTES: Final = 64 << 20


@dataclass(slots=True)
class Entry:
    """A context the store keeps: ``id`` is local, ``url`` is where it was fetched from or is served."""

    id: str
    url: str
    kind: Kind
    created: Micros
    raw: bytes | None
    """As JSON; None for what the platform carries. Parsed it would take ten times the memory."""
    tenant: str = ""
    creator: str = ""
    """The principal it belongs to; "" for fetched contexts and for those kept by older versions: these belong to
    administrators.
    """
    last_usage: Micros = 0
    hits: int = 0

    @property
    def carried(self) -> bool:
        """Does it come with the platform?"""
        return self.raw is None

    @property
    def document(self) -> Any:
        return bundled_document(self.url) if self.raw is None else orjson.loads(self.raw)


class Kept:
    """The entries, one file each. ``directory`` None: memory only. ``book``: second copies of what is hosted. Safe from any
    thread."""

    def __init__(self, directory: Path | None, book: ContextBook | None = None) -> None:
        self._directory, self._book = directory, book
        self.lock = threading.Lock()
        self.entries: dict[str, Entry] = {}
        self._by_url: dict[str, str] = {}
        if directory is not None:
            with opening(directory, folder=True):
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._read(directory)

    def at(self, url: str) -> Entry | None:
        """The entry that was fetched from this URL or is hosted under it."""
        return self.entries.get(self._by_url.get(url) or url.rpartition("/jsonldContexts/")[2])

    def named(self, name: str) -> Entry | None:
        """By local id, or by the URL it was fetched from."""
        return self.entries.get(name) or self.entries.get(self._by_url.get(name, ""))

    def check_room(self, size: int) -> None:
        """Raises Conflict where a hosted context of so many bytes has no room: none may be dropped for it."""
        hosted = [len(one.raw or b"") for one in self.entries.values() if one.kind != "Cached"]
        if len(hosted) >= HOSTED_MAX or sum(hosted) + size > HOSTED_BYTES:
            raise Conflict(
                f"There are {len(hosted)} hosted contexts of {sum(hosted)} bytes already (at most {HOSTED_MAX} of "
                f"{HOSTED_BYTES}); delete some first"
            )

    def keep(self, entry: Entry) -> bool:
        """Remember it, on disk before any answer; returns whether others were forgotten for it."""
        forgotten = False
        with self.lock:
            if entry.kind == "Cached":
                forgotten = self._make_room(len(entry.raw or b""), but=entry.id)
            self.entries[entry.id] = entry
            if entry.url:
                self._by_url[entry.url] = entry.id
        self._write(entry)
        return forgotten

    def _make_room(self, size: int, but: str) -> bool:
        cached = [one for one in self.entries.values() if one.kind == "Cached" and one.id != but]
        total = sum(len(one.raw or b"") for one in cached)
        drop = 0
        while drop < len(cached) and (
            len(cached) - drop >= CACHED_MAX or total + size > CACHED_BYTES
        ):  # the oldest first
            total -= len(cached[drop].raw or b"")
            self._forget(cached[drop].id)
            drop += 1
        return drop > 0

    def forget(self, entry_id: str) -> None:
        with self.lock:
            self._forget(entry_id)

    def _forget(self, entry_id: str) -> None:
        entry = self.entries.pop(entry_id)
        if entry.url:
            self._by_url.pop(entry.url, None)
        path = self._path(entry_id)
        if path is not None:
            if self._book is not None and entry.kind != "Cached":
                self._book.remove(entry_id)
            path.unlink(missing_ok=True)

    # -- disk -----------------------------------------------------------------------------------------------
    def _path(self, entry_id: str) -> Path | None:
        return None if self._directory is None else self._directory / f"{entry_id}.json"

    def _write(self, entry: Entry) -> None:
        path = self._path(entry.id)
        if path is None:
            return
        content = {
            "id": entry.id,
            "url": entry.url,
            "kind": entry.kind,
            "created": entry.created,
            "document": orjson.Fragment(entry.raw or b"null"),
            "tenant": entry.tenant,
            "creator": entry.creator,
        }
        body = orjson.dumps(content)
        temporary = path.with_name(f"{path.stem}.{threading.get_ident()}.tmp")
        with temporary.open("wb") as file:
            file.write(body)
            if (
                entry.kind != "Cached"
            ):  # what was fetched can be fetched again; what was given, and taken, cannot
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if entry.kind != "Cached":
            sync_folder(path.parent)
            if self._book is not None:
                self._book.put(entry.id, body)

    def _read(self, directory: Path) -> None:
        for left_over in directory.glob("*.tmp"):
            left_over.unlink(missing_ok=True)
        copies = {} if self._book is None else self._book.contents()
        for path in sorted(directory.glob("*.json")):
            try:
                body = path.read_bytes()
                entry = _entry(body)
            except (*_UNREADABLE, OSError):
                if path.stem not in copies:
                    log.error("The @context %s cannot be read; if it was hosted, take it from a backup", path)
                continue  # what was fetched is fetched again
            if entry.kind != "Cached" and self._book is not None and copies.get(entry.id) != body:
                if entry.id in copies:  # it was changed by nobody: a file is damaged and still reads as one
                    continue
                self._book.put(entry.id, body)
            self._know(entry)
        for name in copies.keys() - self.entries.keys():
            try:
                entry = _entry(copies[name])
            except _UNREADABLE:
                log.error("The second copy of the @context %s cannot be read; take it from a backup", name)
                continue
            self._write(entry)
            self._know(entry)
            log.error("The @context %s was missing or damaged; it was made again of its second copy", name)

    def _know(self, entry: Entry) -> None:
        self.entries[entry.id] = entry
        if entry.url:
            self._by_url[entry.url] = entry.id


_UNREADABLE: Final = (orjson.JSONDecodeError, KeyError, TypeError, AttributeError)


def _entry(body: bytes) -> Entry:
    content = orjson.loads(body)
    raw = orjson.dumps(content.pop("document"))
    return Entry(**content, raw=raw)


def id_of(url: str) -> str:
    """The local id of the context that was fetched from a URL."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]
