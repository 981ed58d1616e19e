"""From observations to writes: only changes are written, and late values go to history alone. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson

from andaman.broker.api import Doc, Instance, OpKind, WriteOp
from andaman.ingest.model import Observation
from andaman.kernel.time import Micros, parse_time

_SYSTEM: Final = ("createdAt", "modifiedAt")
_LATE_MOST: Final = 500
"""Instances of one attribute in one write to the past."""
Planned = tuple[WriteOp, list[int]]
"""A write, and the places of the observations that it contains."""


def plan(observations: Iterable[Doc | Observation], current: Callable[[str], Doc | None]) -> list[WriteOp]:
    """The writes of ``plan_each`` alone."""
    return [op for op, _ in plan_each(observations, current)]


def plan_each(
    observations: Iterable[Doc | Observation], current: Callable[[str], Doc | None]
) -> list[Planned]:
    """Writes for observations in the order in which they came; ``current`` gives an entity as it is now.

    An attribute equal to what is held (value, unit, time of observation) is left out, so that a repeated message and
    constants such as ``name`` make no event. One whose observation is older than what is held is added to the entity's
    history (CIM 009 §5.6.12) and leaves the present alone: nobody is told of it as if it were new. Of two with the same
    time of observation the later arrival is the state. Without a time of observation, and where the platform itself
    stamped it (``Observation.received``), the later arrival is the newer one.
    """
    held: dict[str, _Projected] = {}
    planned: list[Planned] = []
    late: dict[str, _Late] = {}
    for place, given in enumerate(observations):
        seen = given if isinstance(given, Observation) else Observation(given)
        doc = seen.doc
        entity_id = doc["id"]
        known = held.get(entity_id)
        if known is None:
            known = held[entity_id] = _Projected(current(entity_id))
        attrs: dict[str, list[Instance]] = {}
        for name, ones in doc["attrs"].items():
            before = known.attrs.get(name)
            if before == ones or (
                before is not None and (seen.retained or all(one in before for one in ones))
            ):
                continue
            at = _time(ones, ones)
            if not seen.received and 0 < at < _time(before, ones):
                past = late.get(entity_id)
                if past is None:
                    past = late[entity_id] = _Late(entity_id)
                if past.add(name, ones, place):
                    planned.append(past.planned)
                if past.is_full:
                    del late[entity_id]
            else:
                attrs[name] = ones
        if not attrs and known.exists and known.types.issuperset(doc["type"]):
            continue
        known.exists = True
        known.types.update(doc["type"])
        for name, ones in attrs.items():
            datasets = {one.get("datasetId") for one in ones}
            others = [one for one in known.attrs.get(name, ()) if one.get("datasetId") not in datasets]
            known.attrs[name] = [*others, *ones]
        planned.append((WriteOp(OpKind.UPSERT_UPDATE, entity_id, {**doc, "attrs": attrs}), [place]))
    return planned


class _Projected:
    """An entity as it will be once the writes planned so far are done."""

    def __init__(self, found: Doc | None) -> None:
        self.exists = found is not None
        self.types: set[str] = set() if found is None else set(found["type"])
        self.attrs: dict[str, list[Instance]] = (
            {} if found is None else {name: _bare(ones) for name, ones in found["attrs"].items()}
        )


class _Late:
    """One write to the past of one entity: late observations of one batch, each once."""

    def __init__(self, entity_id: str) -> None:
        self._attrs: dict[str, list[Instance]] = {}
        self._places: list[int] = []
        self._told: set[bytes] = set()
        self.planned: Planned = (
            WriteOp(OpKind.TEMPORAL_ADD, entity_id, {"attrs": self._attrs}),
            self._places,
        )
        self.is_full = False

    def add(self, name: str, ones: list[Instance], place: int) -> bool:
        """True where this is the first of the write."""
        first = not self._attrs
        known = self._attrs.setdefault(name, [])
        for one in ones:
            text = orjson.dumps([name, one], option=orjson.OPT_SORT_KEYS)
            if text not in self._told:
                self._told.add(text)
                known.append(one)
        if not self._places or self._places[-1] != place:
            self._places.append(place)
        self.is_full = len(known) >= _LATE_MOST
        return first


def _time(ones: list[Instance] | None, given: list[Instance]) -> Micros:
    """When the instance of the same dataset as the given one was observed; before everything if that is unknown."""
    wanted = given[0].get("datasetId") if given else None
    for one in ones or ():
        if one.get("datasetId") == wanted:
            at: Any = one.get("observedAt")
            return parse_time(at) if at else 0
    return 0


def _bare(ones: list[Instance]) -> list[Instance]:
    """Instances without system times, as a connector makes them."""
    return [{key: value for key, value in one.items() if key not in _SYSTEM} for one in ones]
