"""Count, mean and extremes of one attribute over all entities, by period.

Entities are taken in stretches of their numbers, so that the memory which the database needs is bounded. What the tail tells
is laid over them: an observation counts once, as it was told last, wherever it lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt

from andaman.broker.history.city import daily_sums as city_once
from andaman.broker.history.city.periods import Columns, Span, Sums, TailObservations
from andaman.broker.history.city.visibility import Chosen, CityAttribute
from andaman.broker.history.read.reader import Reader
from andaman.broker.history.rows import rollups
from andaman.broker.history.rows.aggregate import Period, edges, shortest
from andaman.broker.history.rows.columns import picked, repeated
from andaman.broker.history.rows.corrections import edit_of
from andaman.broker.history.rows.rollups import Rollups
from andaman.broker.history.rows.rows import ADDED, NUMERIC, SET, Form, plain, read_form
from andaman.broker.history.rows.rowset import distinct
from andaman.broker.history.segments.segment import Snapshot, T
from andaman.broker.history.segments.store import Store
from andaman.broker.query.city import CityMeans
from andaman.broker.query.model import TemporalQuery
from andaman.kernel.errors import TooManyResults
from andaman.kernel.time import HOUR, Micros

Bools = npt.NDArray[np.bool_]
_STRETCH_ROWS: Final = 600_000
_ROWS_MOST: Final = 20_000_000
"""Observations that one question adds up: some seconds' work."""
_BY_HAND: Final = 500
"""Corrected entities that are read at once."""
_MOST: Final = 0.6
"""Share of the rows that count, from which on they are all fetched, and the others are left out then."""


def across(
    store: Store, whose: CityAttribute, start: Micros, end: Micros, period: Period, zone: str
) -> CityMeans:
    """All numeric observations of the attribute (true is 1) in each period that has some.

    An observation told again for the same entity, data set and moment counts once, as it was told last. Hours whose rows
    were dropped count by their rollups, but for entities of which something was hidden once: rollups do not say what was told
    when. Raises BadRequestData, TooComplexQuery, TooManyResults.
    """
    span = Span(edges(period, start, end - 1, zone, align=False), start, end)

    def ask(snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> Sums:
        sums = Sums.of(len(span.bounds))
        chosen = whose.at(store, snapshot, cursor)
        names = store.names
        of = f"attr = {names.word(whose.attr)} AND tenant = {names.word(whose.tenant)}"
        where = f"{of} AND op IN ({SET}, {ADDED})"
        known = city_once.census(cursor, snapshot, where, names.word(whose.attr), span)
        there, counts = known.entities, known.counts
        mine = chosen.counts(there)
        _check_rows(int(counts[mine].sum()), span)
        edited = np.array(sorted(store.edits.numbers()), dtype=np.int64)
        edited = edited[chosen.counts(edited)]
        by_hand = {name for name, events in chosen.late.items() if any(edit_of(one) for one in events)}
        by_hand.update(names.names_of(cursor, whose.tenant, edited.tolist()).values() if len(edited) else ())
        hands = sorted(by_hand)
        corrected = np.array(
            sorted(n for n in names.entities(cursor, whose.tenant, hands) if n >= 0), dtype=np.int64
        )
        told = TailObservations(whose, chosen, by_hand, span, store.told)
        told.add_to(sums)
        simple = mine & ~np.isin(there, corrected)
        cells = simple[known.place]
        settled = cells & known.sole & known.plain(lambda form: _counted(names.texts, form))
        settled &= ~told.within(there[known.place], known.low, known.high)
        if chosen.veiled:
            hidden = np.zeros(len(there), dtype=np.bool_)
            hidden[mine] = chosen.until(there[mine]) > 0
            settled &= ~hidden[known.place]
        if span.width is not None and settled.any():
            city_once.add(cursor, snapshot, where, span, known, settled, sums)
            cells &= ~settled
        if cells.any():
            many = _Many(store, cursor, snapshot, where, span, chosen, told, sums, known, cells)
            rows = known.per_entity(cells)
            for low, high in _stretches(there[rows > 0], rows[rows > 0], many.at_once):
                many.add(low, high)
        for first in range(0, len(hands), _BY_HAND):
            part = hands[first : first + _BY_HAND]
            reader = Reader(store, cursor, snapshot, whose.tenant, part, whose.tails)
            _add_corrected(reader, whose.attr, chosen, span, sums)
        _add_rolled(store, whose.attr, cursor, chosen, span, sums)
        return sums

    sums = store.read(ask)
    filled = np.flatnonzero(sums.count)
    bounds = np.minimum(span.bounds, end)
    count = sums.count[filled]
    return CityMeans(
        span.bounds[filled],
        bounds[filled + 1],
        count,
        sums.total[filled] / count,
        sums.least[filled],
        sums.greatest[filled],
    )


# -- the store --------------------------------------------------------------------------------------------------------
class _Many:
    """Rows of entities without corrections."""

    def __init__(
        self,
        store: Store,
        cursor: duckdb.DuckDBPyConnection,
        snapshot: Snapshot,
        where: str,
        span: Span,
        chosen: Chosen,
        told: TailObservations,
        sums: Sums,
        known: city_once.Census,
        cells: Bools,
    ) -> None:
        """``cells``: of the census, whose rows are added."""
        like = known.alike(cells)
        self._texts = store.names.texts
        self._cursor = cursor
        self._snapshot = snapshot
        self._where = where
        self._span = span
        self._chosen = chosen
        self._told = told
        self._sums = sums
        self._some: Bools | None = None
        self._forms: dict[int, Form] = {}
        if like is not None and self._form(like[1]).value not in NUMERIC:
            like = None
        self._like = like
        # What all have need not be carried over, which is most of the work.
        self._columns = "entity, t, num" if like else "entity, dataset, t, form, num, num2"
        self._columns += ", lag" * chosen.veiled
        self.at_once = _STRETCH_ROWS * (1 if like is None else 2)
        self._choose(known, cells)

    def _choose(self, known: city_once.Census, cells: Bools) -> None:
        there = known.entities
        rows = known.per_entity(cells)
        all_of_them = bool((rows[rows > 0] == known.counts[rows > 0]).all())
        if all_of_them and int(rows.sum()) >= _MOST * int(known.counts.sum()):
            # The database leaves out what is much, a look at each row what is little.
            if not cells.all():
                self._some = np.zeros(int(there[-1]) + 1, dtype=np.bool_)
                self._some[there[rows > 0]] = True
            cells = np.ones(len(cells), dtype=np.bool_)
        self._parts = known.parts(self._cursor, cells, "chosen")

    def add(self, low: int, high: int) -> None:
        """Add the rows of entities in this range of numbers, each observation as it was last recorded."""
        found = self._mine(self._cursor.execute(self._rows(self._columns, low, high)).fetchnumpy())
        if self._like is not None:
            size = len(found["t"])
            for name, number in zip(("dataset", "form"), self._like, strict=True):
                found[name] = repeated(number, size, np.int32)
        found = self._of(found, lambda form: form.observed >= 0)
        if not len(found["t"]):
            return
        if not self._once(found, low, high):
            found = self._mine(self._last_recorded(low, high))
        if len(again := self._told.replaced(found, low, high, self._texts)):
            stands = np.ones(len(found["t"]), dtype=np.bool_)
            stands[again] = False
            found = _pick(found, stands)
        found = self._of(found, lambda form: form.value in NUMERIC or form.value == "r")
        raw = [form for form in distinct(found["form"]) if self._form(form).value == "r"]
        if raw:
            number = ~np.isnan(_floats(found["num"])) & np.isnan(_floats(found["num2"]))
            found = _pick(found, ~np.isin(found["form"], raw) | number)
        if self._chosen.veiled and len(found["t"]):
            found = _pick(found, found["t"] + found["lag"] >= self._chosen.until(found["entity"]))
        t, num = found["t"], np.ma.getdata(found["num"])
        self._sums.add(self._span.slots(t), 1, num, num, num)

    def _of(self, found: Columns, fits: Any) -> Columns:
        """The rows of forms that fit."""
        forms = distinct(found["form"])
        good = [form for form in forms if fits(self._form(form))]
        return found if len(good) == len(forms) else _pick(found, np.isin(found["form"], good))

    def _mine(self, found: Columns) -> Columns:
        return found if self._some is None else _pick(found, self._some[found["entity"]])

    def _form(self, number: int) -> Form:
        known = self._forms.get(number)
        if known is None:
            known = self._forms[number] = read_form(self._texts[number])
        return known

    def _rows(self, columns: str, low: int, high: int, more: str = "") -> str:
        return city_once.rows_of(
            self._snapshot,
            columns.replace(" t,", f" {T} AS t,"),
            f"{self._where} AND entity BETWEEN {low} AND {high}{more}",
            self._span,
            self._parts,
        )

    def _once(self, found: Columns, low: int, high: int) -> bool:
        """Is there surely no observation that was recorded twice?"""
        span = self._span.end - self._span.start
        sets = np.array(sorted(distinct(found["dataset"])), dtype=np.int64)
        if (high - low + 1) * len(sets) * span >= 1 << 62:
            return False
        series = found["entity"].astype(np.int64) - low
        if len(sets) > 1:
            series = series * len(sets) + np.searchsorted(sets, found["dataset"])
        # They lie in rising and falling stretches, which a stable sort finds.
        keys = np.sort(series * span + (found["t"] - self._span.start), kind="stable")
        return bool((keys[1:] != keys[:-1]).all())

    def _last_recorded(self, low: int, high: int) -> Columns:
        seen = [number for number, form in self._forms.items() if form.observed >= 0]
        rows = self._rows(
            "entity, dataset, t, seq, place, form, num, num2, lag",
            low,
            high,
            f" AND form IN ({','.join(map(str, seen))})",
        )
        last = ", ".join(
            f"arg_max({what}, seq * 65536 + place) AS {name}"
            for name, what in (
                ("form", "form"),
                ("num", "coalesce(num, 'NaN'::DOUBLE)"),  # of rows without, arg_max would take another
                ("num2", "coalesce(num2, 'NaN'::DOUBLE)"),
                ("lag", "lag"),
            )
        )
        return self._cursor.execute(
            f"SELECT entity, dataset, t, {last} FROM ({rows}) GROUP BY entity, dataset, t"  # noqa: S608
        ).fetchnumpy()


def _counted(texts: Sequence[str], number: int) -> bool:
    """Are rows of this form observations with a number each?"""
    form = read_form(texts[number])
    return form.observed >= 0 and form.value in NUMERIC


def _floats(column: Any) -> Any:
    return np.ma.filled(column, np.nan)


def _pick(found: Columns, keep: Any) -> Columns:
    count = int(np.count_nonzero(keep))
    return {name: picked(column, keep, count) for name, column in found.items()}


def _add_corrected(reader: Reader, attr: str, chosen: Chosen, span: Span, sums: Sums) -> None:
    """Rows of the few entities with values that the temporal API took back."""
    rows = reader.read(TemporalQuery("between", span.start, span.end), [attr])
    until = np.array([chosen.veils.get(name, 0) for name in reader.names], dtype=np.int64)
    forms = {number: read_form(reader.text(number)) for number in distinct(rows.form)}
    whole = [number for number, form in forms.items() if form.value == "r"]
    keep = np.isin(rows.form, [number for number, form in forms.items() if form.value in NUMERIC])
    raw = np.flatnonzero(np.isin(rows.form, whole))  # of the others no text is needed, however large
    for at, body in zip(raw.tolist(), reader.bodies(rows.pick(raw)), strict=True):
        value = plain(forms[int(rows.form[at])], 0.0, 0.0, body)
        keep[at] = isinstance(value, int | float) and abs(value) < 1 << 53
    keep &= rows.t + rows.lag >= until[rows.who]
    rows = rows.pick(keep)
    sums.add(span.slots(rows.time), 1, rows.num, rows.num, rows.num)


def _add_rolled(
    store: Store, attr: str, cursor: duckdb.DuckDBPyConnection, chosen: Chosen, span: Span, sums: Sums
) -> None:
    """Hours whose rows were dropped, in stretches short enough to bound memory."""
    where = f"attr = {store.names.word(attr)}"
    first, behind = span.start // HOUR, -(-span.end // HOUR)
    ((count, low, high),) = cursor.execute(
        f"SELECT count(*), min(hour), max(hour) FROM rollup WHERE {where} "  # noqa: S608
        f"AND hour >= {first} AND hour < {behind}"
    ).fetchall()
    if not count:
        return
    step = max(1, (high + 1 - low) * _STRETCH_ROWS // count)
    total = 0
    for hour in range(low, high + 1, step):
        rolled = rollups.fetch(cursor, where, hour * HOUR, min(hour + step, high + 1) * HOUR)
        rolled = _usable(store, attr, chosen, rolled)
        total += len(rolled)
        _check_rows(total, span)
        if len(rolled):
            own = rollups.checked(rolled, span.start, span.end, True).columns
            slots = rollups.slots_of(rolled, span.bounds)
            sums.add(slots, own["numbers"], own["total"], own["least"], own["greatest"])


def _check_rows(count: int, span: Span) -> None:
    if count > _ROWS_MOST:
        raise TooManyResults(
            f"From {shortest(span.start)} to {shortest(span.end)} there are {count} observations or more; at most "
            f"{_ROWS_MOST} are added up at once. Ask for a shorter time, or for fewer types",
            field="endTimeAt",
        )


def _usable(store: Store, attr: str, chosen: Chosen, rolled: Rollups) -> Rollups:
    """Rollups of numbers of the chosen entities. Entities with something hidden once, and values erased since, are left out."""
    own = rolled.columns
    keep = chosen.counts(own["entity"]) & (own["numbers"] > 0)
    rolled = rolled.pick(keep)
    if chosen.veiled:
        rolled = rolled.pick(chosen.until(rolled.columns["entity"]) == 0)
    own = rolled.columns
    keep = np.ones(len(rolled), dtype=np.bool_)
    for number in np.intersect1d(own["entity"], store.edits.numbers()).tolist():
        for seq, told in store.edits.of(number):
            if told["do"] == "erase" and "at" not in told and told.get("attr", attr) == attr:
                gone = (own["entity"] == number) & (own["seq"] < seq)
                if "dataset" in told:
                    gone &= own["dataset"] == store.names.word(told["dataset"])
                keep &= ~gone
    return rolled if keep.all() else rolled.pick(keep)


def _stretches(entities: Sequence[int] | Any, counts: Any, most: int) -> Iterator[tuple[int, int]]:
    """(first, last) numbers of entities that have about as many rows as fit."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(entities):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield int(entities[start]), int(entities[stop - 1])
        start = stop
