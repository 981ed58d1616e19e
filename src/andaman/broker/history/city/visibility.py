"""The entities whose values count in a question about one attribute of all entities, as of one snapshot and the tail
behind it.

Rights are asked once for each distinct (types, scopes), and once for the few entities of which something was hidden in the
past; nothing here is done for each row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb
import numpy as np
import numpy.typing as npt
import orjson

from andaman.broker.history.read.reader import Tails
from andaman.broker.history.segments.segment import Snapshot
from andaman.broker.history.segments.store import Store
from andaman.broker.history.temporal.selectors import last_form
from andaman.broker.history.temporal.subjects import Subjects
from andaman.broker.model import Doc, Event
from andaman.kernel.time import Micros

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class CityVisibility(Protocol):
    """The rights of the caller."""

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool: ...

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]: ...

    def veiled(self, attr: str) -> Mapping[str, Micros]:
        """Entities with values of the attribute that stay hidden if committed before a moment, and that moment."""


class Everything:
    """The sight of one who may see all."""

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        return True

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        return frozenset()

    def veiled(self, attr: str) -> Mapping[str, Micros]:
        return {}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The entities whose values count."""

    numbers: Ints
    """Entities that the store knows, rising."""
    late: Mapping[str, Sequence[Event]]
    """The events of the attribute behind the snapshot, by entity, in order; corrections too."""
    known: Mapping[str, int]
    """The number of each entity in ``late``, -1 where the store has none."""
    veils: Mapping[str, Micros]
    _counts: Bools
    _until: Ints | None

    def counts(self, entities: Any) -> Bools:
        """Which of these numbers are chosen?"""
        found: Bools = self._counts[np.minimum(entities, len(self._counts) - 1)]
        return found

    @property
    def veiled(self) -> bool:
        """Is anything of an entity with a number hidden?"""
        return self._until is not None

    def until(self, entities: Any) -> Any:
        """The commit time until which values of these (chosen) entities stay hidden, 0 where nothing is."""
        return 0 if self._until is None else self._until[entities]


@dataclass(frozen=True, slots=True)
class CityAttribute:
    """One attribute of the entities with one of ``types`` (none given: all), for one who may see what ``sight`` says."""

    subjects: Subjects
    tenant: str
    attr: str
    types: frozenset[str]
    tails: Tails
    sight: CityVisibility

    def _fits(self, form: str) -> bool:
        members: Doc = orjson.loads(form)
        types, scopes = members["type"], members.get("scope", ())
        return (
            (not self.types or not self.types.isdisjoint(types))
            and self.sight.sees(types, scopes)
            and self.attr not in self.sight.hidden_attrs(types, scopes)
        )

    def at(self, store: Store, snapshot: Snapshot, cursor: duckdb.DuckDBPyConnection) -> Chosen:
        """The entities whose values count, with the events that the snapshot does not have."""
        numbers, seq = self.subjects.as_of(self.tenant, self._fits)
        late: dict[str, list[Event]] = {}
        forms: dict[str, str] = {}
        after, attr = snapshot.last_seq, self.attr
        for name, events in self.tails.items():
            mine = [
                event
                for event in events
                if event.seq > after and (event.told is not None or event.change_of(attr))
            ]
            if mine:
                late[name] = mine
            moved = [event for event in events if event.seq > seq and (event.told is not None or event.moved)]
            if moved and (form := last_form(moved)):
                forms[name] = form
        asked = list(dict.fromkeys((*late, *forms)))
        known = dict(zip(asked, store.names.entities(cursor, self.tenant, asked), strict=True))
        fitting = {form: self._fits(form) for form in set(forms.values())}
        elsewhere = [n for name in forms if (n := known[name]) >= 0]
        if elsewhere:
            again = [n for name, form in forms.items() if (n := known[name]) >= 0 and fitting[form]]
            numbers = np.setdiff1d(numbers, np.array(elsewhere, dtype=np.int64))
            numbers = np.union1d(numbers, np.array(again, dtype=np.int64))
        size = int(numbers[-1]) + 1 if len(numbers) else 0
        counts = np.zeros(size + 1, dtype=np.bool_)  # the last stands for all beyond
        counts[numbers] = True

        def there(name: str) -> bool:
            number = known[name]
            return bool(counts[min(number, size)]) if number >= 0 else fitting.get(forms.get(name, ""), False)

        late = {name: events for name, events in late.items() if there(name)}
        veils = self.sight.veiled(self.attr)
        until = None
        if veils:
            until = np.zeros(size, dtype=np.int64)
            places = store.names.entities(cursor, self.tenant, list(veils))
            for place, moment in zip(places, veils.values(), strict=True):
                if 0 <= place < size:
                    until[place] = moment
        return Chosen(numbers, late, {name: known[name] for name in late}, veils, counts, until)
