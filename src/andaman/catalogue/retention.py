"""How long raw values are kept: each dataset's own rule, put in force once a day, and written into the audit.

What is dropped are rows of history that are older than the rule says; hourly rollups stay where it says so, and so does
the last value of everything, hence the present. What no dataset has a rule for stays for ever. Where two datasets
hold the same type, the longer time counts: a rule can never delete what another dataset still keeps.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from andaman.catalogue.model import Dataset, Retention
from andaman.identity.model import Actor, system_actor
from andaman.kernel.time import DAY, Clock, Micros, format_time, system_clock
from andaman.kernel.work import Timer

log = logging.getLogger(__name__)
_FIRST_S: Final = 120.0
_EVERY_S: Final = 3_600.0
_LOOK_S: Final = 5.0
IdsWithin = Callable[[Dataset], Iterable[str]]
_ACTOR: Final = system_actor("retention")


@dataclass(frozen=True, slots=True)
class Order:
    """The data to drop for one dataset: everything of ``types`` or ``ids`` before the instant ``before``."""

    dataset: str  # id of its entry
    before: Micros
    types: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    rollups: bool = True


class Condense(Protocol):
    """The part of the broker that retention needs."""

    def __call__(
        self, tenant: str, before: Micros, *, types: Sequence[str], ids: Sequence[str], rollups: bool
    ) -> Awaitable[None]: ...


class Audit(Protocol):
    def __call__(self, actor: Actor, action: str, target: str, *, detail: str) -> Awaitable[None]: ...


class Entries(Protocol):
    """The part of the catalogue that retention needs."""

    def all_datasets(self) -> list[Dataset]: ...

    def ids_within(self, dataset: Dataset) -> list[str]: ...


def orders(datasets: Iterable[Dataset], now: Micros, ids_within: IdsWithin = lambda _: []) -> list[Order]:
    """The orders of every rule at ``now``, counted in full days, so that the same day gives the same orders.

    Where scopes decide, the entities that are in the dataset now are named one by one (``ids_within``), without those
    that another dataset keeps longer.
    """
    datasets = list(datasets)
    kept, rollups = _by_type(datasets)
    found = []
    for dataset in datasets:
        rule = dataset.retention
        if rule is None:
            continue
        longer = [other for other in datasets if _outlasts(other, rule)]
        if dataset.scope or any(not other.types and other.scope for other in longer):
            ids = set(ids_within(dataset))
            for other in longer:
                if ids and (not other.types or not dataset.types or other.types & dataset.types):
                    ids -= set(ids_within(other))
            if ids:
                before = _day(now - rule.raw)
                found.append(Order(dataset.id, before, ids=tuple(sorted(ids)), rollups=rule.rollups))
            continue
        groups: dict[tuple[Micros, bool], list[str]] = {}
        for one in sorted(dataset.types):
            raw = kept[one]
            if raw is not None:
                groups.setdefault((raw, rollups[one]), []).append(one)
        for (raw, keep), types in groups.items():
            found.append(Order(dataset.id, _day(now - raw), types=tuple(types), rollups=keep))
    return found


def _by_type(datasets: Sequence[Dataset]) -> tuple[dict[str, Micros | None], dict[str, bool]]:
    """By type: the longest time of all datasets that hold it (None: for ever), and whether one wants rollups."""
    kept: dict[str, Micros | None] = {}
    rollups: dict[str, bool] = {}
    for dataset in datasets:
        rule = dataset.retention
        for one in dataset.types:
            known = kept.get(one, 0)
            kept[one] = None if rule is None or known is None else max(known, rule.raw)
            rollups[one] = rollups.get(one, False) or rule is None or rule.rollups
    return kept, rollups


def _outlasts(other: Dataset, rule: Retention) -> bool:
    return other.retention is None or other.retention.raw > rule.raw


def _day(at: Micros) -> Micros:
    return at - at % DAY


class RetentionKeeper:
    """Puts the rules in force: after the start, and when a day has begun. Its orders are bounded steps of the
    historian; nothing waits for them."""

    def __init__(
        self,
        catalogue: Entries,
        condense: Condense,
        audit: Audit,
        clock: Clock = system_clock,
        *,
        progress: Callable[[], Awaitable[tuple[int, int]]] | None = None,
    ) -> None:
        """``progress`` returns how many orders are not done yet; asking also makes the broker forget old answers."""
        self._progress = progress
        self._catalogue, self._condense, self._audit, self._clock = catalogue, condense, audit, clock
        self._done: set[Order] = set()
        self._timer = Timer("Retention", self._run, first_s=_FIRST_S, retry_s=_EVERY_S)

    async def start(self) -> None:
        await self._timer.start()

    async def stop(self) -> None:
        await self._timer.stop()

    async def _run(self) -> float:
        if await self.look() and self._progress is not None:
            while (await self._progress())[0]:  # noqa: ASYNC110 (another process does the work)
                await asyncio.sleep(_LOOK_S)
        return _EVERY_S

    async def look(self) -> list[Order]:
        """Give every order that was not given since the start; returns those given now."""
        wanted = orders(self._catalogue.all_datasets(), self._clock(), self._catalogue.ids_within)
        given = []
        for order in wanted:
            if order in self._done:
                continue
            await self._condense("", order.before, types=order.types, ids=order.ids, rollups=order.rollups)
            what = "hourly rollups stay" if order.rollups else "no rollups stay"
            which = f"{len(order.ids)} entities" if order.ids else f"{len(order.types)} types"
            detail = f"raw history of {which} before {format_time(order.before)} is dropped; {what}"
            await self._audit(_ACTOR, "retention.condense", order.dataset, detail=detail)
            log.info("%s: %s", order.dataset, detail)
            given.append(order)
        self._done = set(wanted)
        return given
