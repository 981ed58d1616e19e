"""State as of T: the last row of every instance that was known at T, assembled to complete entities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb
import numpy as np
import orjson
import shapely

from andaman.broker.entity.hiding import put_marks
from andaman.broker.history.rows.large_texts import STATE_CHARS, Allowance
from andaman.broker.history.rows.rows import (
    BORN,
    DELETED,
    META,
    MOVED,
    SET,
    TOUCHED,
    Form,
    Row,
    iso,
    iso_each,
    join,
    made_of,
    read_form,
    rows_of,
)
from andaman.broker.history.rows.rowset import distinct
from andaman.broker.history.segments.segment import Snapshot, T
from andaman.broker.history.segments.store import Store
from andaman.broker.history.state.members import Choose, among, members_at
from andaman.broker.model import LOCATION, Doc, Event, Instance
from andaman.broker.query.geometry import read_geometry
from andaman.kernel.time import Micros

Box = tuple[float, float, float, float]
_AT_ONCE: Final = 50_000
"""Entities whose last rows are found at once: bounds the memory that the database needs."""
_KEY: Final = ("entity", "attr", "dataset")
_WHAT: Final = ("op", "place", "t", "lag", "seq", "created", "form", "num", "num2", "body")
_COLUMNS: Final = (
    f"{', '.join(_KEY)}, op, place, {T} AS t, lag, seq, created, form, num, num2, coalesce(body, '') AS body"
)


@dataclass(slots=True)
class _Entity:
    """One entity while it is assembled. ``meta`` None: it does not exist (any more)."""

    meta: dict[str, Any] | None = None
    born: Micros = 0
    modified: Micros = 0
    meta_at: Micros = 0
    last: dict[str, Micros] = field(default_factory=dict)
    """Attribute → the last time of a change that its instances do not show, such as a removal."""
    attrs: dict[str, dict[str, tuple[int, Instance]]] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        if row.op > MOVED:
            return  # of the past only, never of a state
        at = row.t + row.lag
        self.modified = max(self.modified, at)
        if row.attr == META:
            self.meta = orjson.loads(row.form) if row.op != DELETED else None
            self.meta_at = at
        elif row.attr == BORN:
            self.born = at
        elif row.attr == TOUCHED:
            return
        elif row.op == DELETED:
            self.gone(row.attr, row.dataset, at)
        else:
            form = read_form(row.form)
            instance = join(form, row.dataset, row.t, row.lag, row.created, row.num, row.num2, row.body)
            self.put(row.attr, row.dataset, row.place, at, instance, row.op == SET and form.modified)

    def gone(self, attr: str, dataset: str, at: Micros) -> None:
        """The instance was removed."""
        self.last[attr] = max(self.last.get(attr, 0), at)
        self.attrs.get(attr, {}).pop(dataset, None)

    def put(self, attr: str, dataset: str, place: int, at: Micros, instance: Instance, says: bool) -> None:
        """The instance as it is since ``at``. ``says``: its modifiedAt is just that."""
        if not says:
            self.last[attr] = max(self.last.get(attr, 0), at)
        own = self.attrs.get(attr)
        if own is None:
            own = self.attrs[attr] = {}
        own[dataset] = (place, instance)

    def doc(self, name: str) -> Doc:
        assert self.meta is not None
        attrs = {}
        for attr, instances in sorted(self.attrs.items()):  # not as the rows happen to lie
            if len(instances) == 1:
                attrs[attr] = [next(iter(instances.values()))[1]]
            elif instances:
                attrs[attr] = [one for _, one in sorted(instances.values(), key=lambda pair: pair[0])]
        made: Doc = {
            "id": name,
            **self.meta,
            "createdAt": iso(self.born),
            "modifiedAt": iso(self.modified),
            "attrs": attrs,
        }
        put_marks(made, self._marks(attrs))
        return made

    def _marks(self, attrs: Mapping[str, Sequence[Instance]]) -> dict[str, str]:
        """Changes later than the instances of the attributes say (entity/hiding.py)."""
        marks = {"": iso(self.meta_at)} if self.meta_at > self.born else {}
        for attr, at in self.last.items():
            if at > self.born:
                when = iso(at)
                if not any(one.get("modifiedAt", "") >= when for one in attrs.get(attr, ())):
                    marks[attr] = when
        return marks


def state_at(
    store: Store,
    tenant: str,
    at: Micros,
    entity_ids: Sequence[str] | None,
    types: Sequence[str] | None,
    bbox: Box | None,
    tail: Sequence[Event],
    choose: Choose | None = None,
) -> list[Doc]:
    """Stored forms of all entities that were known at ``at``; see ``History.state_at``."""
    asked = None if entity_ids is None else set(entity_ids)
    kinds = None if types is None else set(types)

    def ask(snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> list[Doc]:
        wanted = asked
        later = [
            event
            for event in sorted(tail, key=lambda event: event.seq)
            if event.seq > snapshot.last_seq
            and event.tenant == tenant
            and event.at <= at
            and (wanted is None or event.entity_id in wanted)
        ]
        if choose is not None:
            there = members_at(store, cursor, snapshot, tenant, at, wanted, later)
            wanted = set(choose(there))
            later = [event for event in later if event.entity_id in wanted]
        touched = {event.entity_id for event in later}
        found = _from_store(store, cursor, snapshot, tenant, at, wanted, kinds, touched)
        for event in later:
            entity = found.setdefault(event.entity_id, _Entity())
            for row in rows_of(event):
                entity.take(row)
        return [
            entity.doc(name)
            for name, entity in found.items()
            if entity.meta is not None
            and (kinds is None or not kinds.isdisjoint(entity.meta["type"]))
            and (bbox is None or _touches(entity, bbox))
        ]

    return store.read(ask)


def _from_store(
    store: Store,
    cursor: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    tenant: str,
    at: Micros,
    wanted: set[str] | None,
    kinds: set[str] | None,
    touched: Iterable[str],
) -> dict[str, _Entity]:
    """Entities from the segments: those wanted that exist and have one of the types, or that the tail touches."""
    where = f"tenant = {store.names.word(tenant)}"
    if wanted is not None:
        numbers = [n for n in store.names.entities(cursor, tenant, list(wanted)) if n >= 0]
        if not numbers:
            return {}
        where += f" AND {among(cursor, numbers)}"
    meta = snapshot.known("entity, seq, op, form", f"{where} AND attr = {store.names.word(META)}", at)
    shapes = cursor.execute(
        f"SELECT entity, arg_max(op, seq) AS op, arg_max(form, seq) AS form FROM ({meta}) GROUP BY entity"  # noqa: S608
    ).fetchnumpy()
    texts = store.names.texts
    fits: dict[int, bool] = {}
    for form in set(shapes["form"].tolist()):
        fits[form] = (
            kinds is None or not texts[form] or not kinds.isdisjoint(orjson.loads(texts[form])["type"])
        )
    again = {n for n in store.names.entities(cursor, tenant, list(touched)) if n >= 0}
    alive = [
        entity
        for entity, op, form in zip(
            shapes["entity"].tolist(), shapes["op"].tolist(), shapes["form"].tolist(), strict=True
        )
        if (op != DELETED and fits[form]) or entity in again
    ]
    if not alive:
        return {}
    names = store.names.names_of(cursor, tenant, alive if len(alive) <= 1_000 else None)
    if wanted is None and len(alive) < len(shapes["entity"]):
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE alive AS SELECT unnest(?::INTEGER[]) AS entity", (alive,)
        )
        where += " AND entity IN (SELECT entity FROM alive)"
    entities: dict[int, _Entity] = {}
    allowance = Allowance(STATE_CHARS)
    alive.sort()
    for start in range(0, len(alive), _AT_ONCE):
        part = alive[start : start + _AT_ONCE]
        span = f"{where} AND entity BETWEEN {part[0]} AND {part[-1]}"
        for rows in _last_rows(cursor, snapshot.known_parts(span, at)):
            _assemble(rows, store, set(part), entities, allowance)
    return {names[number]: entity for number, entity in entities.items()}


def _last_rows(
    cursor: duckdb.DuckDBPyConnection, parts: Sequence[tuple[str, str]]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The last row of each instance, table by table.

    First which rows, then the rows by their place: holding whole rows while looking would need many times the memory, and
    looking for them by their keys many times the time.
    """
    if not parts:
        return
    keys = ", ".join(_KEY)
    each = " UNION ALL ".join(
        f"SELECT {keys}, max(seq) AS seq, arg_max(rowid, seq) AS place, {number} AS part "  # noqa: S608
        f"FROM {table} WHERE {where} GROUP BY {keys}"
        for number, (table, where) in enumerate(parts)
    )
    found = cursor.execute(
        f"SELECT arg_max(place, seq) AS place, arg_max(part, seq) AS part FROM ({each}) GROUP BY {keys}"  # noqa: S608
    ).fetchnumpy()
    for number, (table, _) in enumerate(parts):
        places = found["place"][found["part"] == number]
        if len(places):
            cursor.execute(
                "CREATE OR REPLACE TEMP TABLE places AS SELECT unnest(?::BIGINT[]) AS place",
                (places.tolist(),),
            )
            yield cursor.execute(
                f"SELECT {_COLUMNS} FROM {table} WHERE rowid IN (SELECT place FROM places)"  # noqa: S608
            )


def _assemble(
    last: duckdb.DuckDBPyConnection,
    store: Store,
    alive: set[int],
    entities: dict[int, _Entity],
    allowance: Allowance,
) -> None:
    found, texts = last.fetchnumpy(), store.names.texts
    forms = {
        number: read_form(text) for number in distinct(found["form"]) if (text := texts[number])[:1] == "["
    }
    at = found["t"] + found["lag"]
    columns = [found[name].tolist() for name in (_KEY + _WHAT)[:-1]]
    columns.append(store.large.filled(found, texts, allowance))
    for (
        entity,
        attr,
        dataset,
        op,
        place,
        t,
        lag,
        seq,
        created,
        form,
        num,
        num2,
        body,
        observed,
        since,
        changed,
    ) in zip(*columns, *_times(found, at, forms), strict=True):
        if entity not in alive:
            continue
        one = entities.get(entity)
        if one is None:
            one = entities[entity] = _Entity()
        name, told = texts[attr], forms.get(form)
        if told is None or op > MOVED:  # of the entity itself, or the end of something
            one.take(
                Row("", name, texts[dataset], op, place, t, lag, seq, created, texts[form], num, num2, body)
            )
            continue
        instance = made_of(told, texts[dataset], observed, since, changed, num, num2, body)
        one.modified = max(one.modified, t + lag)
        one.put(name, texts[dataset], place, t + lag, instance, op == SET and told.modified)


def _times(found: dict[str, Any], at: Any, forms: Mapping[int, Form]) -> list[list[str]]:
    """observedAt, createdAt and modifiedAt of each row as its form has them, all of a form at once."""
    texts = [[""] * len(at) for _ in range(3)]
    for number, form in forms.items():
        mine = np.flatnonzero(found["form"] == number)
        for made, moments, digits in (
            (texts[0], found["t"], form.observed),
            (texts[1], found["created"], 6 if form.created else -1),
            (texts[2], at, 6 if form.modified else -1),
        ):
            if digits >= 0:
                for place, text in zip(mine.tolist(), iso_each(moments[mine], digits), strict=True):
                    made[place] = text
    return texts


def _touches(entity: _Entity, box: Box) -> bool:
    """A location of the entity meets the box."""
    for _, instance in entity.attrs.get(LOCATION, {}).values():
        geometry = read_geometry(instance.get("value"))
        if geometry is not None and bool(shapely.intersects(geometry, shapely.box(*box))):
            return True
    return False
