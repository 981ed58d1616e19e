"""Pieces of the journal as files: what a backup adds to its base. Gzipped lines of JSON, one row a line, in order.

A line is the row in the order of COLUMNS, with the shape as its text, the hash in hexadecimal, and the changes as a
text: complete and readable without this platform.
"""

from __future__ import annotations

import gzip
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.broker.ledger.rows import COLUMNS, GENESIS, Shapes
from andaman.broker.ledger.schema import FILE, connect
from andaman.kernel.errors import Conflict, ResourceNotFound
from andaman.kernel.time import Micros

Line = list[Any]
"""A journal row whose shape is its text and whose hash and changes are bytes."""


@dataclass(frozen=True, slots=True)
class Point:
    """A position of a journal: the row, its hash, its commit time."""

    seq: int
    head: bytes
    at: Micros


START: Final = Point(0, GENESIS, 0)


def point(db: sqlite3.Connection, seq: int | None = None) -> Point | None:
    """The position ``seq``, or the last one; None when the journal has no such row."""
    if seq == 0:
        return START
    where, values = ("", ()) if seq is None else ("WHERE seq=?", (seq,))
    row = db.execute(
        f"SELECT seq, hash, at FROM journal {where} ORDER BY seq DESC LIMIT 1",  # noqa: S608
        values,
    ).fetchone()
    return Point(*row) if row is not None else START if seq is None else None


def write_segment(directory: Path, after: Point, target: Path) -> Point:
    """Write every row behind ``after`` to a file, as of one instant; the platform may run. Returns the last position,
    which is ``after`` itself if there are no new rows.

    Raises Conflict when this journal does not go on from ``after``: it is another one, or was restored to a time before.
    """
    if not (directory / FILE).is_file():
        raise ResourceNotFound(f"There is no store in {directory}")
    db = connect(directory)
    try:
        db.execute("BEGIN")
        if point(db, after.seq) != after:
            raise Conflict(
                f"The journal in {directory} does not continue from row {after.seq} of the backup: it is another "
                "journal, or was restored to an earlier time. Begin a new set in another directory, and keep the old one"
            )
        end = after
        shapes = Shapes(db)
        with gzip.open(target, "wb", compresslevel=1) as out:
            for row in db.execute(
                f"SELECT {COLUMNS} FROM journal WHERE seq>? ORDER BY seq",  # noqa: S608
                (after.seq,),
            ):
                line = [*row[:5], shapes.text(row[5]), *row[6:10], row[10].hex(), row[11].decode()]
                out.write(orjson.dumps(line) + b"\n")
                end = Point(row[0], row[10], row[2])
        return end
    finally:
        db.close()


def read_segment(file: Path) -> Iterator[Line]:
    """The rows of a segment. Raises Conflict where the file is damaged."""
    try:
        with gzip.open(file, "rb") as lines:
            for text in lines:
                line: Line = orjson.loads(text)
                line[10], line[11] = bytes.fromhex(line[10]), line[11].encode()
                yield line
    except (OSError, EOFError, ValueError, TypeError, IndexError, zlib.error) as error:
        raise Conflict(f"{file} is damaged: {error}") from None
