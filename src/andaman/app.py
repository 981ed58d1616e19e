"""The composition root: builds the rooms in their order, starts them, and stops them in reverse."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Collection, Sequence
from typing import TypeVar

from starlette.types import ASGIApp

from andaman import __version__
from andaman.broker.api import Broker
from andaman.http import Dispatch, health_door, prefixes_of, screens_app
from andaman.identity.doors import BoundDoor, checked
from andaman.identity.service import Identity
from andaman.kernel.permissions import by_name
from andaman.kernel.time import Clock, system_clock
from andaman.room import Background, Built, Room, open_site, registers_of, stores_of, types_of
from andaman.rooms import BROKER_ROOMS, PERMISSIONS, ROOMS, STORES, TYPES
from andaman.settings import Settings

log = logging.getLogger("andaman")
T = TypeVar("T")


class App:
    """The platform over one data directory. ``asgi`` answers requests between ``start`` and ``stop``."""

    def __init__(
        self, settings: Settings, clock: Clock = system_clock, rooms: Sequence[Room] | None = None
    ) -> None:
        self.settings = settings
        self.site = site = open_site(settings.site, clock)
        wanted = rooms or (BROKER_ROOMS if settings.site.broker_only else ROOMS)
        site.permissions |= by_name(
            [*PERMISSIONS.values(), *(one for room in wanted for one in room.permissions)]
        )
        self._built: list[tuple[Room, Built]] = []
        self._started: dict[str, list[Background]] = {}
        try:
            site.types = TYPES if rooms is None else types_of(rooms)
            site.stores = STORES if rooms is None else stores_of(rooms)
            site.registers = registers_of(wanted)
            for room in wanted:
                built = room.build(site, settings.of(room.settings))
                self._built.append((room, built))
                site.metrics += built.metrics
                site.late_metrics += built.late_metrics
        except BaseException:
            for _, built in reversed(self._built):
                for let_go in reversed(built.abandon):
                    let_go()
            raise
        every = [built for _, built in self._built]
        raw = [one for built in every for one in built.raw]
        hot = checked(door for one in raw for door in one.doors)
        rest = checked([health_door(self.health), *(door for built in every for door in built.doors)])
        self.doors: list[BoundDoor] = checked([*hot, *rest])
        """The table of doors, as built."""
        site.prefixes += prefixes_of(self.doors)
        self.asgi: ASGIApp = Dispatch(raw, screens_app(rest))
        for built in reversed(every):
            if built.around is not None:
                self.asgi = built.around(self.asgi)

    @property
    def broker(self) -> Broker:
        return self.get(Broker)

    @property
    def identity(self) -> Identity:
        return self.get(Identity)

    def get(self, kind: type[T]) -> T:
        """The service of this type that a room offers. Raises LookupError."""
        return self.site.services.get(kind)

    def health(self) -> dict[str, object]:
        """The content of /api/health for everybody: alive, the version, and a word of each room that has one."""
        words = {name: word() for _, built in self._built for name, word in built.health.items()}
        clock = next((fault.trouble.value for fault in self.site.clock.faults()), "ok")
        status = "stopping" if self.site.stopping.is_set() else "ok"
        return {"status": status, "version": __version__, "clock": clock, **words}

    async def start(self, only: Collection[str] | None = None) -> None:
        """Start the rooms in order (``only``: those of these names). Where one fails, those before it are stopped, and its
        error is raised."""
        for room, built in self._built:
            if only is not None and room.name not in only:
                continue
            started = self._started.setdefault(room.name, [])
            try:
                for part in built.background:
                    await part.start()
                    started.append(part)
            except BaseException:
                log.error("The room %s could not start", room.name)
                await self.stop()
                raise

    async def stop(self) -> None:
        """Stop the rooms in reverse; every acknowledged write is on disk already."""
        self.site.stopping.set()
        for room, built in reversed(self._built):
            endings = [part.stop for part in reversed(self._started.pop(room.name, []))]
            for end in (*endings, *reversed(built.close)):
                try:
                    ended = end()
                    if inspect.isawaitable(ended):
                        await ended
                except Exception:
                    log.exception("The room %s did not stop cleanly", room.name)
        self._built = []


def build(settings: Settings, clock: Clock = system_clock) -> App:
    """The platform, opened but not started. Raises Unavailable when its data cannot be had."""
    return App(settings, clock)
