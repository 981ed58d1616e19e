"""The hot index next to the writer: which entities match, without opening documents (README.md in this room).

Concurrency: ``put``, ``remove``, ``bulk_load`` on the event loop thread only; everything else from any thread.
"""

from __future__ import annotations

import gc
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

from andaman.broker.model import Doc, Instance
from andaman.broker.query.bulk import load_chunk
from andaman.broker.query.columns import DEAD, Table
from andaman.broker.query.evaluate import matches_scope, matches_types
from andaman.broker.query.facts import (
    FACTS_VERSION,
    NUMBER,
    OTHER,
    attr_code,
    box_of,
    fact_of,
    index_facts,
    read_shape,
    shape_text,
    update_facts,
)
from andaman.broker.query.model import EntityQuery, Page
from andaman.broker.query.select import Candidates, Load, candidates, collect
from andaman.broker.query.survey import TypeSurvey, survey
from andaman.identity.model import Access

__all__ = ["FACTS_VERSION", "EntityIndex", "index_facts", "update_facts"]

_SHIFT: Final = 40
_ROW: Final = (1 << _SHIFT) - 1
_VIEWS_MAX: Final = 256
_CHUNK: Final = 50_000
_COMPACT_FROM: Final = 4_096

Shape = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(slots=True)
class View:
    """The view of one ``Access``: for each shape a group number (0: nothing), for each group the hidden attributes."""

    group: npt.NDArray[np.int32]
    hidden: list[frozenset[str]]


@dataclass(slots=True)
class Tenant:
    where: dict[str, int] = field(default_factory=dict)  # id → table number and row
    tables: list[Table] = field(default_factory=list)
    by_types: dict[tuple[str, ...], Table] = field(default_factory=dict)
    shapes: list[Shape] = field(default_factory=lambda: [((), ())])  # 0 is DEAD
    shape_ids: dict[str, int] = field(default_factory=dict)  # by shape text
    views: dict[str, View] = field(default_factory=dict)
    order: int = 0

    def shape(self, text: str) -> int:
        number = self.shape_ids.get(text)
        if number is None:
            shape = read_shape(text)
            number = len(self.shapes)
            self.shapes.append(shape)
            self.table(shape[0]).shapes.add(number)
            self.shape_ids[text] = number
        return number

    def table(self, types: tuple[str, ...]) -> Table:
        table = self.by_types.get(types)
        if table is None:
            table = Table(len(self.tables), types)
            self.tables.append(table)
            self.by_types[types] = table
        return table

    def view(self, access: Access) -> View:
        """Computed once per shape and access key; new shapes are added when first needed."""
        shapes = self.shapes
        count = len(shapes)
        view = self.views.get(access.key)
        done = 0 if view is None else len(view.group)
        if view is not None and done == count:
            return view
        group = np.zeros(count, dtype=np.int32)
        hidden: list[frozenset[str]] = [frozenset()]
        if view is not None:
            group[:done] = view.group
            hidden = list(view.hidden)
        groups = {attrs: number for number, attrs in enumerate(hidden) if number}
        for number in range(max(done, 1), count):
            types, scopes = shapes[number]
            if access.sees(types, scopes):
                attrs = frozenset(access.hidden_attrs(types, scopes))
                if attrs not in groups:
                    groups[attrs] = len(hidden)
                    hidden.append(attrs)
                group[number] = groups[attrs]
        view = View(group, hidden)
        if len(self.views) >= _VIEWS_MAX:
            self.views = {}
        self.views[access.key] = view
        return view


class EntityIndex:
    """All tenants' entities. Holds facts, never documents; ``load`` brings those."""

    def __init__(self) -> None:
        self._tenants: dict[str, Tenant] = {"": Tenant()}

    # -- writing (event loop thread) --------------------------------------------------------------------------
    def put(self, tenant: str, doc: Doc, before: Doc | None = None) -> None:
        """The entity is now ``doc``. ``before``: as it was in the index, so that only differences are touched."""
        owner = self._tenants.get(tenant) or self._tenants.setdefault(tenant, Tenant())
        entity_id = doc["id"]
        shape = owner.shape(shape_text(doc))
        table = owner.by_types[owner.shapes[shape][0]]
        code = owner.where.get(entity_id)
        attrs = doc["attrs"]
        if code is not None and code >> _SHIFT == table.number:
            row = code & _ROW
            if before is None:
                for known in table.columns:
                    table.clear(row, known)
                old: Doc = {}
            else:
                old = before["attrs"]
                for attr in old:
                    if attr not in attrs:
                        table.clear(row, attr_code(attr))
            for attr, instances in attrs.items():
                was = old.get(attr)
                if was is not instances and was != instances:
                    _set(table, row, attr, instances)
            if table.shape[row] != shape:
                table.shape[row] = shape
            return
        if code is None:
            order = owner.order
            owner.order += 1
        else:  # its types changed: the same entity in another table, keeping its place in the order
            former = owner.tables[code >> _SHIFT]
            order = int(former.order[code & _ROW])
        row = table.append(entity_id, order, shape)
        for attr, instances in attrs.items():
            _set(table, row, attr, instances)
        table.publish()
        owner.where[entity_id] = table.number << _SHIFT | row
        if code is not None:
            self._bury(owner, code)

    def patch(self, tenant: str, entity_id: str, attrs: Mapping[str, Sequence[Instance] | None]) -> None:
        """These attributes of an entity have changed (None: gone), its types and scopes have not."""
        owner = self._tenants[tenant]
        code = owner.where[entity_id]
        table, row = owner.tables[code >> _SHIFT], code & _ROW
        for attr, instances in attrs.items():
            if instances is None:
                table.clear(row, attr_code(attr))
            else:
                _set(table, row, attr, instances)

    def remove(self, tenant: str, entity_id: str) -> None:
        """The entity is gone. Unknown ids are ignored."""
        owner = self._tenants.get(tenant)
        code = owner.where.pop(entity_id, None) if owner is not None else None
        if owner is not None and code is not None:
            self._bury(owner, code)

    def _bury(self, owner: Tenant, code: int) -> None:
        table = owner.tables[code >> _SHIFT]
        table.kill(code & _ROW)
        if table.dead > _COMPACT_FROM and table.dead * 2 > table.n:
            new = table.compacted()
            owner.where.update(
                {entity_id: new.number << _SHIFT | row for row, entity_id in enumerate(new.ids)}
            )
            owner.tables[new.number] = new
            owner.by_types[new.types] = new

    def bulk_load(self, tenant: str, rows: Iterable[tuple[str, str, bytes]]) -> int:
        """Many new entities at once, in order of creation: (id, shape text, facts) as ``index_facts`` made them.

        Returns how many. About 1 µs per entity and 0.1 µs per attribute.
        """
        iterator = iter(rows)
        total = 0
        paused = gc.isenabled()
        gc.disable()
        try:
            while chunk := list(islice(iterator, _CHUNK)):
                total += self._load(tenant, chunk, running=False)
            for table in self._tenants[tenant].tables if total else ():
                table.settle()
        finally:
            if paused:
                gc.enable()
        return total

    def add_new(self, tenant: str, rows: Iterable[tuple[str, str, bytes]]) -> int:
        """Like ``bulk_load``, while the index is in use: the entities that a commit has created, in its order.

        None of the ids may be in the index. Pays from some ten entities; about 2 µs each.
        """
        chunk = list(rows)
        return self._load(tenant, chunk, running=True) if chunk else 0

    def _load(self, tenant: str, chunk: list[tuple[str, str, bytes]], *, running: bool) -> int:
        owner = self._tenants.get(tenant) or self._tenants.setdefault(tenant, Tenant())
        ids, texts, facts = zip(*chunk, strict=True)
        shapes = np.fromiter(map(owner.shape, texts), dtype=np.int32, count=len(ids))
        used = np.unique(shapes)
        number_of = np.zeros(int(used[-1]) + 1, dtype=np.int64)
        for shape in used.tolist():
            number_of[shape] = owner.by_types[owner.shapes[shape][0]].number
        numbers, places = load_chunk(
            owner.tables, number_of, ids, shapes, facts, owner.order, running=running
        )
        owner.where.update(zip(ids, (numbers << _SHIFT | places).tolist(), strict=True))
        owner.order += len(ids)
        return len(ids)

    # -- reading (any thread) ---------------------------------------------------------------------------------
    def select(self, tenant: str, query: EntityQuery, access: Access, load: Load) -> Page:
        """The page of entities that match and that ``access`` may see, without the parts it hides, in creation order.

        ``load(ids)`` gives the documents as committed (those gone meanwhile left out). Each returned document is
        verified on itself; ``total`` counts as of the call.
        """
        owner = self._tenants.get(tenant)
        if owner is None:
            return Page([], 0 if query.count else -1)
        return collect(self._candidates(owner, query, access), query, access, load)

    def _candidates(self, owner: Tenant, query: EntityQuery, access: Access) -> Iterator[Candidates]:
        if query.ids:
            found = sorted((place, i) for i in set(query.ids) if (place := self._order(owner, i)) is not None)
            names = [i for _, i in found]
            return iter(
                [Candidates(np.zeros(len(names), dtype=np.bool_), np.arange(len(names)), None, [names])]
            )
        return candidates(self._parts(owner, query, access), query, owner.order)

    def _parts(
        self, owner: Tenant, query: EntityQuery, access: Access
    ) -> list[tuple[Table, int, npt.NDArray[np.int32], list[frozenset[str]]]]:
        """(table, its rows now, group per shape, hidden attributes per group) of tables that can hold matches."""
        tables = [(table, table.n) for table in list(owner.tables)]
        view = owner.view(access)
        group = view.group
        shapes = owner.shapes
        parts = []
        for table, n in tables:
            if not n or (query.types is not None and not matches_types(query.types, table.types)):
                continue
            own = [s for s in list(table.shapes) if s < len(group) and group[s]]
            if query.scope is not None:
                own = [s for s in own if matches_scope(query.scope, shapes[s][1])]
            if own:
                allowed = np.zeros(len(group) + 1, dtype=np.int32)  # one more: shapes newer than this view
                allowed[own] = group[own]
                parts.append((table, n, allowed, view.hidden))
        return parts

    def _order(self, owner: Tenant, entity_id: str) -> int | None:
        place = self._place(owner, entity_id)
        return None if place is None else int(place[0].order[place[1]])

    def _place(self, owner: Tenant, entity_id: str) -> tuple[Table, int] | None:
        for _ in range(100):  # a compaction under way may show an old place with a new table
            code = owner.where.get(entity_id)
            if code is None:
                return None
            table, row = owner.tables[code >> _SHIFT], code & _ROW
            ids = table.ids
            if row < len(ids) and ids[row] == entity_id:
                return table, row
        return None

    def ids(self, tenant: str, types: Iterable[str], access: Access) -> list[str]:
        """Ids of every visible entity that has one of these types (all when empty), in creation order."""
        owner = self._tenants.get(tenant)
        if owner is None:
            return []
        wanted = set(types)
        found: list[tuple[npt.NDArray[np.int64], list[str]]] = []
        for table, n, allowed, _ in self._parts(owner, EntityQuery(), access):
            if not wanted or wanted.intersection(table.types):
                rows = np.flatnonzero(np.take(allowed, table.shape[:n], mode="clip"))
                names = table.ids
                found.append((table.order[rows], [names[row] for row in rows.tolist()]))
        order = np.argsort(np.concatenate([o for o, _ in found]) if found else np.zeros(0), kind="stable")
        every = [name for _, names in found for name in names]
        return [every[i] for i in order.tolist() if every[i]]

    def sees(self, tenant: str, entity_id: str, access: Access) -> bool:
        """The entity exists and ``access`` may know so."""
        owner = self._tenants.get(tenant)
        place = self._place(owner, entity_id) if owner is not None else None
        if owner is None or place is None:
            return False
        shape = int(place[0].shape[place[1]])
        group = owner.view(access).group
        return shape != DEAD and shape < len(group) and bool(group[shape])

    def agree(self, one: Access, other: Access) -> bool:
        """Do both enter the same tenants, and see the same of everything that is there now?"""
        for name, owner in list(self._tenants.items()):
            if one.enters(name) != other.enters(name):
                return False
            if one.enters(name):
                mine, theirs = owner.view(one), owner.view(other)
                pairs = set(zip(mine.group.tolist(), theirs.group.tolist(), strict=False))
                if any(bool(a) != bool(b) or mine.hidden[a] != theirs.hidden[b] for a, b in pairs):
                    return False
        return True

    def drop_tenant(self, tenant: str) -> None:
        """Let go of what a tenant without entities still holds."""
        self._tenants.pop(tenant, None)

    def tenants(self) -> list[str]:
        return sorted(self._tenants)

    def len_of(self, tenant: str = "") -> int:
        """How many entities the tenant has."""
        owner = self._tenants.get(tenant)
        return 0 if owner is None else len(owner.where)

    def types(self, tenant: str, access: Access) -> dict[tuple[str, ...], int]:
        """Combinations of types that ``access`` sees, with the number of entities."""
        owner = self._tenants.get(tenant)
        counts: dict[tuple[str, ...], int] = {}
        for table, n, allowed, _ in self._parts(owner, EntityQuery(), access) if owner is not None else ():
            seen = int(np.count_nonzero(np.take(allowed, table.shape[:n], mode="clip")))
            if seen:
                counts[table.types] = seen
        return counts

    def survey(
        self,
        tenant: str,
        access: Access,
        load: Load,
        kinds_of: Container[str] | None = (),
        types: Sequence[str] = (),
    ) -> list[TypeSurvey]:
        """What ``access`` sees, by combination of types: entities and attributes counted (survey.py)."""
        owner = self._tenants.get(tenant)
        parts = self._parts(owner, EntityQuery(), access) if owner is not None else []
        if types:
            parts = [part for part in parts if not set(types).isdisjoint(part[0].types)]
        return survey(parts, load, kinds_of)

    def memory(self) -> int:
        """Bytes of arrays and id lists, without the id strings and the id map."""
        return sum(table.memory() for owner in self._tenants.values() for table in owner.tables)


def _set(table: Table, row: int, attr: str, instances: Sequence[Instance]) -> None:
    code = attr_code(attr)
    column = table.columns.get(code) or table.column(code)
    fact = fact_of(instances)
    if fact[0] == NUMBER and len(column.num):
        column.num[row] = fact[1]
        column.state[row] = NUMBER
    else:
        column.set(row, fact)
    if fact[0] == OTHER and instances[0]["type"] == "GeoProperty":
        geo = table.geo(code)
        if geo is not None:
            geo.set(row, box_of(instances))
    elif code in table.geos:
        table.geos[code].clear(row)
