"""Values too large for a column of the database: it stores their length, and the journal, which keeps them anyway, is
asked.

The database reads and sorts columns in vectors of 2,048 values, which it holds in memory whole: of texts of 250 KB one vector is half a
gigabyte. What one answer may have of texts has a bound as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import duckdb

from andaman.broker.history.rows.rows import Row, rows_of
from andaman.broker.model import Event
from andaman.kernel.errors import TooManyResults

LARGE: Final = 2 << 10
"""Length of a text, above which history keeps the length only."""
ANSWER_CHARS: Final = 16 << 20
"""Texts of one answer; in memory they are there several times on their way out."""
STATE_CHARS: Final = 48 << 20
"""Texts above ``LARGE`` in the state of a city: of each entity one at most."""
_MARK: Final = "@"  # no JSON text begins so
_LEFT_OUT: Final = "body >= '@' AND body < 'A'"
_PLACE_MOST: Final = 32_767  # as the column has it

Journal = Callable[[int], Event | None]
"""The event at a position of the journal."""


class TooMuchText(TooManyResults):
    """The texts of an answer are too large together: ``chars`` at least, of ``most`` that it may have."""

    def __init__(self, chars: int, most: int) -> None:
        super().__init__(
            f"The values asked for are texts of more than {most >> 20} MB together, which no answer has. "
            "Ask for fewer entities or attributes, a shorter time or a smaller limit"
        )
        self.chars, self.most = chars, most

    def __reduce__(self) -> tuple[type[TooManyResults], tuple[str]]:
        return TooManyResults, (self.detail,)  # to another process it is one like any other


class Allowance:
    """The remaining budget of texts for one answer."""

    def __init__(self, most: int = ANSWER_CHARS) -> None:
        self._most = most
        self._spent = 0

    def spend(self, chars: int) -> None:
        """Raises TooMuchText."""
        self._spent += chars
        if self._spent > self._most:
            raise TooMuchText(self._spent, self._most)


class Wanted(NamedTuple):
    """A text as the store has it, and the row that it belongs to. ``seq`` is its journal position, ``place`` -1 if the
    data set alone identifies it.
    """

    seq: int
    attr: str
    dataset: str
    place: int
    body: str


def left_out(row: Row) -> Row:
    """A row with a large text, as the store keeps it where the journal can be asked for the text."""
    return row._replace(body=f"{_MARK}{len(row.body)}")


def chars(body: str) -> int:
    """The length of a text that the store has, or stands for."""
    return int(body[1:]) if body[:1] == _MARK else len(body)


def is_left_out(body: str) -> bool:
    return body[:1] == _MARK


class Texts:
    """The texts that rows stand for. Any thread."""

    def __init__(self, journal: Journal | None) -> None:
        """``journal`` None: nothing was ever left out."""
        self._journal = journal
        self.attrs: frozenset[str] = frozenset()
        """Attributes with texts that were left out …"""
        self.noted: frozenset[str] = frozenset()
        """… as the file has them."""

    def load(self, db: duckdb.DuckDBPyConnection) -> None:
        db.execute("CREATE TABLE IF NOT EXISTS left_out (attr VARCHAR)")
        self.noted = self.attrs = frozenset(
            attr for (attr,) in db.execute("SELECT attr FROM left_out").fetchall()
        )

    def note(self, db: duckdb.DuckDBPyConnection, attrs: Iterable[str]) -> None:
        """Within a transaction: texts of these attributes are left out."""
        for attr in sorted(attrs):
            db.execute("INSERT INTO left_out VALUES (?)", [attr])

    def also(self, attr: str, conditions: tuple[str, ...]) -> tuple[str, ...]:
        """Conditions that rows of an attribute may meet, including those whose text is not here."""
        return (*conditions, _LEFT_OUT) if attr in self.attrs and "true" not in conditions else conditions

    @property
    def leaves_out(self) -> bool:
        return self._journal is not None

    def whole(self, wanted: Sequence[Wanted], allowance: Allowance) -> list[str]:
        """The texts that these stand for, in this order. Raises TooMuchText."""
        allowance.spend(sum(chars(one.body) for one in wanted))
        found = [one.body for one in wanted]
        seq, known = -1, dict[tuple[str, str, int], str]()
        # One event at a time: it may have more than is asked for.
        for number in sorted(range(len(wanted)), key=lambda number: wanted[number].seq):
            one = wanted[number]
            if one.seq != seq:
                seq, known = one.seq, self._texts_at(one.seq)
            # Where the journal has lost it the store is damaged, which `doctor` tells.
            found[number] = known.get((one.attr, one.dataset, one.place), "null")
        return found

    def filled(self, found: Mapping[str, Any], words: Sequence[str], allowance: Allowance) -> list[str]:
        """The column ``body`` with the texts that were left out. ``words``: what the numbers of attributes and data sets mean."""
        bodies: list[str] = found["body"].tolist()
        far = [number for number, body in enumerate(bodies) if body[:1] == _MARK]
        if not far:
            return bodies
        wanted = [
            Wanted(
                int(found["seq"][number]),
                words[found["attr"][number]],
                words[found["dataset"][number]],
                int(found["place"][number]) if "place" in found else -1,
                bodies[number],
            )
            for number in far
        ]
        for number, body in zip(far, self.whole(wanted, allowance), strict=True):
            bodies[number] = body
        return bodies

    def _texts_at(self, seq: int) -> dict[tuple[str, str, int], str]:
        event = self._journal(seq) if self._journal is not None else None
        if event is None:
            return {}
        told: dict[tuple[str, str, int], str] = {}
        for row in rows_of(event):
            if row.body:
                told[row.attr, row.dataset, min(row.place, _PLACE_MOST)] = row.body
                told.setdefault((row.attr, row.dataset, -1), row.body)
        return told
