"""The hub: one task follows the journal and sends each group of equal watches its changes every 100 ms.

Watches with the same filter and the same rights form a group and share the work and the text; the cost grows with
groups, not with sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import orjson

from andaman.broker.api import (
    LOCATION,
    Broker,
    Doc,
    Event,
    EventKind,
    Follower,
    shape_before,
    simplify,
    without,
)
from andaman.doors.live.view import Bounds, Filter, bounds_of
from andaman.doors.live.window import Pending, Window
from andaman.identity.model import FULL_ACCESS, Access
from andaman.kernel.metrics import Family, gauge
from andaman.kernel.time import Clock, format_time, system_clock
from andaman.kernel.work import Timer

WINDOW_S: Final = 0.1
Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""Types and scopes, on which visibility depends."""
_NO_BOX: Final = (np.nan, np.nan, np.nan, np.nan)


@dataclass(slots=True)
class Dirty:
    """An entity that changed in this window: its last state, every shape it had, and the attributes that changed."""

    doc: Doc | None
    known: bool  # False: the journal did not say; ask the broker
    shapes: set[Shape]
    attrs: set[str] | None  # None: the entity itself came, went, or changed its types or scopes


class Watch:
    """One watch of one socket. ``wake`` is called when there is something to send."""

    __slots__ = ("group", "hold_until", "id_json", "pending", "ready", "told", "wake")

    def __init__(self, id_json: str, group: Group, wake: Callable[[], None]) -> None:
        self.id_json = id_json
        self.group = group
        self.wake = wake
        self.pending = Pending()
        self.ready = False  # the snapshot was sent and overtaken
        self.hold_until: int | None = None
        self.told = 0  # deltas so far: the only position that a client gets

    def take(self) -> str:
        """The next delta message, of all that waits."""
        self.told += 1
        return self.pending.take(self.id_json, self.told)


@dataclass(slots=True, eq=False)
class Group:
    """Watches with equal filter and rights. ``members``: ids that some of them hold."""

    filter: Filter
    access: Access
    watches: set[Watch] = field(default_factory=set)
    members: set[str] = field(default_factory=set)


GroupKey = tuple[Filter, str]


@dataclass(slots=True)
class _Selection:
    """The changes that one (tenant, types, rights) saw, before any box is applied."""

    set: dict[str, str]
    boxes: list[Bounds | None]
    left: list[str]
    _keys: list[str] | None = None
    _array: np.ndarray[tuple[int, int], np.dtype[np.float64]] | None = None

    def array(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        if self._array is None:
            self._array = np.array([box or _NO_BOX for box in self.boxes], dtype=np.float64).reshape(-1, 4)
        return self._array

    def inside(self, wanted: Bounds) -> dict[str, str]:
        """Those of ``set`` whose box touches the wanted one."""
        if self._keys is None:
            self._keys = list(self.set)
        w, s, e, n = wanted
        west, south, east, north = self.array().T
        crossing = (east >= w) & (west <= e) if w <= e else (east >= w) | (west <= e)
        keys, texts = self._keys, self.set
        chosen = (keys[i] for i in np.flatnonzero(crossing & (north >= s) & (south <= n)).tolist())
        return {key: texts[key] for key in chosen}


class Hub:
    """Start it once per process; sockets join with ``watch`` and leave with ``unwatch``."""

    def __init__(self, broker: Broker, *, clock: Clock = system_clock, window_s: float = WINDOW_S) -> None:
        self.broker = broker
        self.clock = clock
        self.window_s = window_s
        self.seq = 0  # everything up to here was handed to the watches
        self._received = 0
        self._groups: dict[GroupKey, Group] = {}
        self._dirty: dict[str, dict[str, Dirty]] = {}
        self._holding: set[Watch] = set()
        self._flushed_s = 0.0  # when, on the loop's clock
        # If one of them fails, a window may be lost: every screen connects again, which gives it a fresh state.
        self._follower = Follower("The live hub", broker, self._take, on_failure=self._close_all)
        self._flusher = Timer(
            "The live hub", self._flush_window, first_s=None, retry_s=1.0, on_failure=self._close_all
        )
        self.on_stop: list[Callable[[], None]] = []

    async def start(self) -> None:
        self.seq = self._received = self.broker.seq
        self._follower.begin(self.seq)
        await self._follower.start()
        await self._flusher.start()

    def _close_all(self) -> None:
        for close in list(self.on_stop):
            close()

    async def stop(self) -> None:
        """End the tasks and close every socket."""
        self._close_all()
        await self._follower.stop()
        await self._flusher.stop()

    @property
    def is_running(self) -> bool:
        return self._follower.is_running and self._flusher.is_running

    @property
    def watch_count(self) -> int:
        return sum(len(group.watches) for group in self._groups.values())

    def metrics(self) -> Iterable[Family]:
        yield gauge("andaman_live_watches", "What screens watch by /live.", self.watch_count)
        yield gauge(
            "andaman_live_groups", "Groups of equal watches, which share the work.", len(self._groups)
        )

    # -- watches --------------------------------------------------------------------------------------------
    def watch(self, id_json: str, wanted: Filter, access: Access, wake: Callable[[], None]) -> Watch:
        """Join: from now on every change counts. Read the snapshot after this, then call ``snapshot_done``."""
        key = (wanted, access.key)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(wanted, access)
        watch = Watch(id_json, group, wake)
        group.watches.add(watch)
        return watch

    def snapshot_done(self, watch: Watch) -> None:
        """The snapshot was read. Deltas flow once the hub has seen all that the snapshot may have seen, so that no
        entity steps back in time."""
        seen = self.broker.seq
        if self.seq >= seen and not self._dirty:
            watch.ready = True
            watch.wake()
        else:
            watch.hold_until = seen
            self._holding.add(watch)

    def unwatch(self, watch: Watch) -> None:
        group = watch.group
        group.watches.discard(watch)
        self._holding.discard(watch)
        if not group.watches:
            self._groups.pop((group.filter, group.access.key), None)

    def shift(self, watch: Watch, access: Access) -> None:
        """Go on under other rights that see the same of everything that there is."""
        old = watch.group
        if access.key == old.access.key:
            return
        holding = watch in self._holding
        self.unwatch(watch)
        if holding:
            self._holding.add(watch)
        group = self._groups.get((old.filter, access.key))
        if group is None:
            group = self._groups[old.filter, access.key] = Group(old.filter, access)
        group.members |= old.members
        group.watches.add(watch)
        watch.group = group

    # -- events ---------------------------------------------------------------------------------------------
    def _take(self, events: Sequence[Event]) -> None:
        if self._groups:
            for event in events:
                self._note(event)
        self._received = events[-1].seq
        if self._dirty or self._holding:
            now_s = asyncio.get_running_loop().time()
            self._flusher.wake(max(0.0, self._flushed_s + self.window_s - now_s))
        else:
            self.seq = self._received

    def _note(self, event: Event) -> None:
        waiting = self._dirty.setdefault(event.tenant, {})
        dirty = waiting.get(event.entity_id)
        if dirty is None:
            dirty = waiting[event.entity_id] = Dirty(None, False, set(), set())
        dirty.doc = event.doc
        dirty.known = event.doc is not None or event.kind is EventKind.DELETED
        dirty.shapes.add((event.types, event.scopes))
        if event.kind is EventKind.UPDATED:
            dirty.shapes.add(shape_before(event))
        if dirty.attrs is not None:
            if event.kind is EventKind.UPDATED and not event.moved:
                dirty.attrs.update(change.attr for change in event.changes)
            else:
                dirty.attrs = None

    async def _flush_window(self) -> None:
        self._flushed_s = asyncio.get_running_loop().time()
        self.flush()

    def flush(self) -> None:
        """Hand the window's changes to all groups."""
        dirty, self._dirty = self._dirty, {}
        self.seq = self._received
        time = format_time(self.clock())
        for tenant, entities in dirty.items():
            for entity_id, entry in entities.items():
                if not entry.known:
                    entry.doc = self.broker.find(entity_id, FULL_ACCESS, tenant)
            self._flush_tenant(tenant, entities, time)
        for watch in [w for w in self._holding if w.hold_until is not None and self.seq >= w.hold_until]:
            self._holding.discard(watch)
            watch.ready = True
            watch.wake()

    def _flush_tenant(self, tenant: str, entities: dict[str, Dirty], time: str) -> None:
        texts: dict[tuple[str, frozenset[str]], str] = {}
        boxes: dict[str, Bounds | None] = {}
        selections: dict[tuple[frozenset[str], str], _Selection] = {}
        for group in list(self._groups.values()):
            if group.filter.tenant != tenant:
                continue
            key = (group.filter.types, group.access.key)
            selection = selections.get(key)
            if selection is None:
                selection = selections[key] = _select(group, entities, texts, boxes)
            window = _window_of(group, selection, time)
            if window is None:
                continue
            for watch in group.watches:
                if watch.ready:
                    if window.set or window.gone:
                        watch.pending.add(window)
                        watch.wake()
                else:
                    watch.pending.add(window, everything=True)


def _select(
    group: Group,
    entities: dict[str, Dirty],
    texts: dict[tuple[str, frozenset[str]], str],
    boxes: dict[str, Bounds | None],
) -> _Selection:
    """Visible changes of the wanted types, and what stopped being so."""
    access, has_type = group.access, group.filter.has_type
    chosen: dict[str, str] = {}
    chosen_boxes: list[Bounds | None] = []
    left: list[str] = []
    for entity_id, entry in entities.items():
        doc = entry.doc
        if doc is not None:
            types, scopes = doc["type"], doc.get("scope", ())
            if has_type(types) and access.sees(types, scopes):
                hidden = access.hidden_attrs(types, scopes)
                if hidden and entry.attrs is not None and entry.attrs <= hidden:
                    continue  # for this principal nothing happened
                text = texts.get((entity_id, hidden))
                if text is None:
                    text = texts[entity_id, hidden] = live_text(doc, hidden)
                    if entity_id not in boxes:
                        boxes[entity_id] = bounds_of(doc)
                chosen[entity_id] = text
                box = boxes[entity_id]
                if LOCATION in hidden:
                    box = None
                chosen_boxes.append(box)
                continue
        if any(has_type(types) and access.sees(types, scopes) for types, scopes in entry.shapes):
            left.append(entity_id)
    return _Selection(chosen, chosen_boxes, left)


def _window_of(group: Group, selection: _Selection, time: str) -> Window | None:
    """The group's window: its box applied, its members kept up to date; None when nothing concerns it."""
    chosen, left, members = selection.set, selection.left, group.members
    gone = [entity_id for entity_id in left if entity_id in members]
    if group.filter.bbox is not None and selection.set:
        chosen = selection.inside(group.filter.bbox)
        gone += (selection.set.keys() & members) - chosen.keys()
        if any(not watch.ready for watch in group.watches):
            left = left + [entity_id for entity_id in selection.set if entity_id not in chosen]
    if not chosen and not gone and not left:
        return None
    members.difference_update(gone)
    members.update(chosen)
    return Window(time, chosen, gone, left)


def live_text(doc: Doc, hidden: frozenset[str] = frozenset()) -> str:
    """The live form (docs/api.md) as JSON text, without hidden attributes."""
    return orjson.dumps(simplify(without(doc, hidden))).decode()
