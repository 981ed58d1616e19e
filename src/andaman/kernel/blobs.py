"""Large objects by their SHA-256: streamed in, complete or absent, and removed when nobody needs them.

An object is a file ``blobs/ab/abcdef…``; equal content is one file. Whoever keeps it holds a *reference*, with an owner, a
class, a media type and perhaps an expiry. A reference is written after its file is on disk, and removed before it, so a kill
leaves at most a file without a reference, which ``sweep`` removes. One process writes. Calls block, apart from ``put_stream``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import secrets
import threading
from collections.abc import AsyncIterable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from andaman.kernel.errors import Conflict, ResourceNotFound, StorageFull, TooLarge, Unavailable, is_full
from andaman.kernel.metrics import Family, gauge
from andaman.kernel.storage import set_aside, sync_folder
from andaman.kernel.tables import Store, StoreKind, columns
from andaman.kernel.time import Clock, Micros, system_clock

log = logging.getLogger(__name__)
FILE: Final = "blobs.db"
FOLDER: Final = "blobs"
PART: Final = ".part-"
READ_BYTES: Final = 1 << 20
_SCHEMA: Final = """
CREATE TABLE blob (digest TEXT PRIMARY KEY, size INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE reference (
    ref TEXT PRIMARY KEY, digest TEXT NOT NULL REFERENCES blob, owner TEXT NOT NULL, class TEXT NOT NULL,
    media_type TEXT NOT NULL, at INTEGER NOT NULL, expires INTEGER, backed_up INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX reference_digest ON reference (digest);
CREATE INDEX reference_owner ON reference (owner, digest);
CREATE INDEX reference_expires ON reference (expires) WHERE expires IS NOT NULL;
"""
KIND: Final = StoreKind(
    FILE,
    "the list of large objects",
    (_SCHEMA,),
    "large objects are set aside, and what had one shows its beginning only",
    needs={"blob": columns("digest size"), "reference": columns("ref digest owner class expires backed_up")},
)
_FIELDS: Final = "ref, digest, size, owner, class, media_type, at, expires"
_JOINED: Final = f"SELECT {_FIELDS} FROM reference JOIN blob USING (digest)"  # noqa: S608 - our own names
_UNUSED: Final = (
    "SELECT digest FROM blob WHERE NOT EXISTS (SELECT 1 FROM reference r WHERE r.digest=blob.digest)"
)


@dataclass(frozen=True, slots=True)
class BlobClass:
    """A class of blobs that a room keeps. ``largest``: bytes of one object."""

    name: str
    largest: int
    backed_up: bool = True


@dataclass(frozen=True, slots=True)
class Quotas:
    """Bytes. Equal content counts once: for an owner, and in all."""

    of_owner: int
    in_all: int


@dataclass(frozen=True, slots=True)
class Blob:
    """A reference to an object. ``expires``: None for never."""

    ref: str
    digest: str
    size: int
    owner: str
    kind: str
    media_type: str
    at: Micros
    expires: Micros | None


def place_of(folder: Path, digest: str) -> Path:
    """The file of an object below ``blobs``."""
    return folder / digest[:2] / digest


class Blobs:
    """The objects of one data directory."""

    def __init__(self, directory: Path, quotas: Quotas, clock: Clock = system_clock) -> None:
        self._folder = directory / FOLDER
        self._quotas = quotas
        self._clock = clock
        self._store = Store(directory / FILE, KIND)
        self._lock = threading.Lock()
        """Held from a file's coming to its reference, and from a reference's going to its file's."""
        self._coming: set[str] = set()
        if self._store.was_empty and self._folder.exists():
            kept = set_aside(self._folder)
            log.error(
                "There is no list of the large objects in %s: they are set aside as %s",
                self._folder,
                kept.name,
            )

    def close(self) -> None:
        self._store.close()

    # -- in -----------------------------------------------------------------------------------------------------
    def put(
        self,
        parts: Iterable[bytes],
        kind: BlobClass,
        owner: str,
        *,
        media_type: str = "application/octet-stream",
        expires: Micros | None = None,
    ) -> Blob:
        """Keep an object; on disk when this returns. Raises TooLarge, Conflict where a quota is reached, StorageFull or
        Unavailable; then nothing is kept."""
        with self._incoming(kind) as coming:
            for part in parts:
                coming.write(part)
            return self._keep(coming, kind, owner, media_type, expires)

    async def put_stream(
        self,
        parts: AsyncIterable[bytes],
        kind: BlobClass,
        owner: str,
        *,
        media_type: str = "application/octet-stream",
        expires: Micros | None = None,
    ) -> Blob:
        """``put`` for a body that is still coming, such as an upload; the event loop stays free."""
        with self._incoming(kind) as coming:
            async for part in parts:
                await asyncio.to_thread(coming.write, part)
            return await asyncio.to_thread(self._keep, coming, kind, owner, media_type, expires)

    @contextlib.contextmanager
    def _incoming(self, kind: BlobClass) -> Iterator[_Incoming]:
        name = PART + secrets.token_hex(8)
        self._coming.add(name)
        try:
            with _disk(self._folder):
                self._folder.mkdir(mode=0o700, exist_ok=True)
                coming = _Incoming(self._folder / name, kind)
            try:
                yield coming
            finally:
                coming.close()
        finally:
            self._coming.discard(name)

    def _keep(
        self, coming: _Incoming, kind: BlobClass, owner: str, media_type: str, expires: Micros | None
    ) -> Blob:
        digest, size = coming.finish()
        target, at = place_of(self._folder, digest), self._clock()
        blob = Blob(secrets.token_hex(12), digest, size, owner, kind.name, media_type, at, expires)
        with self._lock, self._store.transaction() as db:
            self._check_quotas(blob)
            with _disk(self._folder):
                if not target.parent.is_dir():
                    target.parent.mkdir(mode=0o700)
                    sync_folder(self._folder)
                os.replace(coming.path, target)  # also over the same content, which may be damaged
                sync_folder(target.parent)
            db.execute("INSERT OR IGNORE INTO blob VALUES (?, ?)", (digest, size))
            db.execute(
                "INSERT INTO reference VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (blob.ref, digest, owner, kind.name, media_type, at, expires, kind.backed_up),
            )
        return blob

    def _check_quotas(self, blob: Blob) -> None:
        rows = self._store.rows(
            "SELECT DISTINCT digest, size FROM reference JOIN blob USING (digest) WHERE owner=?",
            (blob.owner,),
        )
        used = sum(int(size) for digest, size in rows if digest != blob.digest)
        if used + blob.size > self._quotas.of_owner:
            raise Conflict(
                f"{blob.owner} keeps {used} bytes and may keep {self._quotas.of_owner}; {blob.size} more do not fit"
            )
        used = self._store.rows("SELECT coalesce(sum(size), 0) FROM blob WHERE digest<>?", (blob.digest,))[0][
            0
        ]
        if used + blob.size > self._quotas.in_all:
            raise Conflict(
                f"Large objects take {used} of {self._quotas.in_all} bytes; {blob.size} more do not fit"
            )

    # -- out ----------------------------------------------------------------------------------------------------
    def find(self, ref: str) -> Blob | None:
        """None also once it has expired."""
        rows = self._store.rows(f"{_JOINED} WHERE ref=?", (ref,))
        found = Blob(*rows[0]) if rows else None
        return None if found is None or self._is_over(found) else found

    def _is_over(self, blob: Blob) -> bool:
        return blob.expires is not None and blob.expires <= self._clock()

    def list_of(self, owner: str) -> list[Blob]:
        """In the order in which they came."""
        return [Blob(*row) for row in self._store.rows(f"{_JOINED} WHERE owner=? ORDER BY at, ref", (owner,))]

    def open(self, ref: str) -> BinaryIO:
        """The content. Raises ResourceNotFound, Unavailable where its file cannot be read."""
        blob = self.find(ref)
        if blob is None:
            raise ResourceNotFound("There is no such object; it may have expired")
        with _disk(self._folder):
            return place_of(self._folder, blob.digest).open("rb")

    def read(self, ref: str) -> bytes:
        """All of a small object, verified. Raises as ``open`` does, and Unavailable where it is damaged."""
        with self.open(ref) as content:
            body = content.read()
        blob = self.find(ref)
        if blob is not None and hashlib.sha256(body).hexdigest() != blob.digest:
            raise Unavailable(
                f"{place_of(self._folder, blob.digest)} is damaged; andaman doctor says what to do"
            )
        return body

    # -- away ---------------------------------------------------------------------------------------------------
    def release(self, refs: Collection[str]) -> None:
        """Give references back; an object without any is removed. Unknown ones are ignored."""
        if refs:
            with self._lock:
                with self._store.transaction() as db:
                    db.executemany("DELETE FROM reference WHERE ref=?", [(ref,) for ref in refs])
                self._remove_unused()

    def retain(self, kind: BlobClass, refs: Collection[str]) -> None:
        """Release the references of a class that are not among ``refs``, which its room still has."""
        kept = set(refs)
        rows = self._store.rows("SELECT ref FROM reference WHERE class=?", (kind.name,))
        self.release([ref for (ref,) in rows if ref not in kept])

    def sweep(self) -> int:
        """Remove what expired, files without a reference, and references without a file; how many objects and files. Call it
        once no other process can be writing."""
        with self._lock:
            with self._store.transaction() as db:
                db.execute("DELETE FROM reference WHERE expires<=?", (self._clock(),))
                known = {digest for (digest,) in db.execute("SELECT digest FROM blob")}
                lost = [digest for digest in known if not place_of(self._folder, digest).is_file()]
                db.executemany("DELETE FROM reference WHERE digest=?", [(digest,) for digest in lost])
            for digest in lost:
                log.error("%s is gone; its references are removed", place_of(self._folder, digest))
            removed = self._remove_unused()
            for path in list(self._folder.glob("*/*")) + list(self._folder.glob(f"{PART}*")):
                if path.name not in known and path.name not in self._coming:
                    path.unlink(missing_ok=True)
                    removed += 1
        return removed

    def _remove_unused(self) -> int:
        """Remove objects without a reference: first from the list, then their files."""
        with self._store.transaction() as db:
            gone = [digest for (digest,) in db.execute(_UNUSED).fetchall()]
            db.executemany("DELETE FROM blob WHERE digest=?", [(digest,) for digest in gone])
        for digest in gone:
            with contextlib.suppress(OSError):  # the next sweep tries again
                place_of(self._folder, digest).unlink(missing_ok=True)
        return len(gone)

    async def metrics(self) -> Iterable[Family]:
        """How much is kept; reads the list."""
        rows = await asyncio.to_thread(self._store.rows, "SELECT count(*), coalesce(sum(size), 0) FROM blob")
        return (
            gauge("andaman_blobs", "Large objects that are kept.", rows[0][0]),
            gauge("andaman_blob_bytes", "Bytes of the large objects that are kept.", rows[0][1]),
        )


class _Incoming:
    """An object that is still coming, in a file of its own."""

    def __init__(self, path: Path, kind: BlobClass) -> None:
        self.path, self._kind = path, kind
        self._hash = hashlib.sha256()
        self._size = 0
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, part: bytes) -> None:
        """Raises TooLarge before a byte too many is written."""
        self._size += len(part)
        if self._size > self._kind.largest:
            raise TooLarge(f"An object of the class {self._kind.name} has at most {self._kind.largest} bytes")
        self._hash.update(part)
        with _disk(self.path.parent):
            view = memoryview(part)
            while view:
                view = view[os.write(self._fd, view) :]

    def finish(self) -> tuple[str, int]:
        """(digest, size), once all of it is on disk."""
        with _disk(self.path.parent):
            os.fsync(self._fd)
        return self._hash.hexdigest(), self._size

    def close(self) -> None:
        os.close(self._fd)
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Raises StorageFull or Unavailable instead of the system's errors."""
    try:
        yield
    except OSError as error:
        kind = StorageFull if is_full(error) else Unavailable
        raise kind(f"A large object in {folder} cannot be used now: {error.strerror or error}") from error
