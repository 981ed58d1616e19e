"""The catalogue: datasets as entities, the gate's rules made from them, and their quality.

Whatever writes a ``Dataset`` entity (a screen, the NGSI-LD API, the seed) changes the policy: this service sees every commit
before anybody else does, and puts the new rules in force.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from andaman.broker.api import Broker, Doc, Event, OpKind, WriteOp, value
from andaman.catalogue.model import (
    DATASET,
    OPEN_SCOPE,
    RESTRICTED_SCOPE,
    Dataset,
    check_entry,
    from_entity,
    parse_duration,
    to_entity,
)
from andaman.catalogue.problems import NoSuchDataset
from andaman.catalogue.quality import Tally
from andaman.identity.model import FULL_ACCESS, Access, Classification, system_actor
from andaman.identity.policy import DatasetRule, Policy, scope_within
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.time import MINUTE, Clock, Micros, system_clock
from andaman.kernel.words import Words

log = logging.getLogger(__name__)
_REMEMBER: Final[Micros] = MINUTE
_SLICE: Final = 200
_COUNT_MAX: Final = 20_000
_LOOKS: Final = 10  # into the past of an entry that cannot be read, some twenty changes each
_OWN_RULES: Final = (
    # No agency owns the catalogue: only administrators write it, since it decides who sees what.
    DatasetRule("catalogue", frozenset({DATASET}), OPEN_SCOPE, Classification.PUBLIC),
    DatasetRule(
        "catalogue-restricted", frozenset({DATASET}), RESTRICTED_SCOPE, Classification.OFFICIAL_SECRET
    ),
)


class Catalogue:
    """Start it before the first request is served; until then the policy shows the public nothing."""

    def __init__(
        self, broker: Broker, policy: Policy, *, seed: Iterable[Dataset] = (), clock: Clock = system_clock
    ) -> None:
        self._broker, self._policy, self._clock = broker, policy, clock
        self._seed = list(seed)
        self._ids: set[str] = set()
        self._sound: dict[str, Dataset] = {}
        """Id → the last readable version of the entry; while the entry is damaged, it is in force together with the
        parts that can be read.
        """
        self._started = False
        self._quality: dict[tuple[str, str], tuple[Micros, dict[str, Any] | None]] = {}
        broker.demand(DATASET, check_entry)

    async def start(self) -> None:
        """Write the datasets of the seed that never were there, put the rules in force, follow changes. One that was deleted
        stays so: a start changes no rule."""
        missing = [d for d in self._seed if self._broker.find(d.id, FULL_ACCESS) is None]
        missing = [d for d in missing if not self._broker.has_existed(d.id)]
        if missing:
            ops = [WriteOp(OpKind.CREATE, d.id, to_entity(d)) for d in missing]
            await self._broker.must_write(ops, system_actor("catalogue"))
        await self._recall()
        self.reload()
        if not self._started:
            self._broker.before_telling(self._see)
        self._started = True

    async def _recall(self) -> None:
        """Of entries that cannot be read as they are, find what they said when they last could be."""
        for doc in list(self._broker.iter_entities([DATASET], FULL_ACCESS)):
            entry, before = doc["id"], None
            if not from_entity(doc).faults or entry in self._sound:
                continue
            for _ in range(_LOOKS):
                found = await self._broker.trail(entry, FULL_ACCESS, before=before)
                for event in found.events:
                    with suppress(ResourceNotFound):
                        then = await self._broker.get_at(event.at, entry, FULL_ACCESS)
                        dataset = from_entity(then)
                        if DATASET in then["type"] and not dataset.faults and dataset.rules():
                            self._sound[entry] = dataset
                            break
                before = found.rest
                if before is None or entry in self._sound:
                    break

    async def stop(self) -> None:
        """Nothing is at work; the rules stay in force until the broker is closed."""

    def reload(self) -> bool:
        """Build the rules again from the entities; True if they changed."""
        docs = list(self._broker.iter_entities([DATASET], FULL_ACCESS))
        self._ids = {doc["id"] for doc in docs}
        datasets = {doc["id"]: from_entity(doc) for doc in docs}
        rules: list[DatasetRule] = []
        sound: dict[str, Dataset] = {}
        for entry, dataset in datasets.items():
            rules += dataset.rules()
            if not dataset.faults:
                sound[entry] = dataset
            elif entry in self._sound:
                sound[entry] = self._sound[entry]
                rules += sound[entry].rules()
        self._sound = sound
        changed = self._policy.replace([*_OWN_RULES, *rules])
        if changed:
            self._quality.clear()
            log.info("policy: %d datasets in force", len(datasets))
            for entry, dataset in datasets.items():
                for fault in dataset.faults:
                    log.warning("%s cannot be read and is taken the strictest way: %s", entry, fault)
        return changed

    def _see(self, events: Sequence[Event]) -> None:
        """New rules are in force before anybody receives the change that made them."""
        ids = self._ids
        for event in events:
            # What was a dataset until now is among the ids, whatever its types are by now.
            if (event.entity_id in ids or DATASET in event.types) and event.tenant == "":
                try:
                    self.reload()
                except Exception:  # the rules in force stay; the next change tries again
                    log.exception("the policy could not be made again after a change of %s", event.entity_id)
                return

    # -- reading --------------------------------------------------------------------------------------------
    def list_datasets(self, access: Access) -> list[Dataset]:
        """Those whose entry the principal may see, by code."""
        return sorted(map(from_entity, self._broker.iter_entities([DATASET], access)), key=lambda d: d.code)

    def all_datasets(self) -> list[Dataset]:
        """Every entry, for the platform's own use."""
        return self.list_datasets(FULL_ACCESS)

    async def users_of(self, kind: str, key: str) -> list[Words]:
        """The datasets that an agency publishes: what uses its definition."""
        mine = [one for one in self.all_datasets() if kind == "agencies" and one.publisher == key]
        each = [(one.title.get("th", one.code), one.title.get("en", one.code)) for one in mine]
        return [Words(f"ชุดข้อมูล {th}", f"the dataset {en}") for th, en in each]

    def ids_within(self, dataset: Dataset) -> list[str]:
        """Ids of the entities that are in a dataset now."""
        docs = self._broker.iter_entities(sorted(dataset.types), FULL_ACCESS)
        return [doc["id"] for doc in docs if _within(doc, dataset)]

    def get_dataset(self, code: str, access: Access) -> Dataset:
        """Raises NoSuchDataset, also for an entry that is not to be seen."""
        for dataset in self.list_datasets(access):
            if dataset.code == code:
                return dataset
        raise NoSuchDataset(id=code)

    def may_read(self, dataset: Dataset, access: Access) -> bool:
        """May the principal see records that are in this dataset alone?"""
        scopes = [dataset.scope] if dataset.scope else []
        if dataset.types:
            return any(access.sees([one], scopes) for one in dataset.types)
        return access.sees([], scopes)

    async def quality(self, dataset: Dataset, access: Access) -> dict[str, Any] | None:
        """Measures over the records that this principal sees, at most a minute old; None when it may read none.

        Beyond 20,000 records the first 20,000 are counted; ``records`` then is None in the report.
        """
        if not self.may_read(dataset, access):
            return None
        now = self._clock()
        key = (dataset.code, access.key)
        known = self._quality.get(key)
        if known is not None and now - known[0] < _REMEMBER:
            return known[1]
        tally = Tally(dataset.required, parse_duration(dataset.frequency), now)
        records = (
            doc for doc in self._broker.iter_entities(sorted(dataset.types), access) if _within(doc, dataset)
        )
        while tally.records < _COUNT_MAX and (chunk := list(islice(records, _SLICE))):
            for doc in chunk:
                origin = value(doc, "origin")
                tally.add(doc, origin if isinstance(origin, str) else "unknown")
            await asyncio.sleep(0)
        report = tally.report()
        if tally.records >= _COUNT_MAX:
            report["records"] = None
        if len(self._quality) > 1_000:
            self._quality.clear()
        self._quality[key] = (now, report)
        return report


def _within(doc: Doc, dataset: Dataset) -> bool:
    return not dataset.scope or any(scope_within(scope, dataset.scope) for scope in doc.get("scope", ()))
