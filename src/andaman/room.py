"""The declaration of a room, made once, and the objects from which it builds its part of the platform. This module
knows no room.

``rooms.py`` lists the rooms, ``app.py`` builds, starts and stops them in that order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from starlette.types import ASGIApp

from andaman.kernel.clock import WatchedClock
from andaman.kernel.errors import Unavailable
from andaman.kernel.metrics import Family, Measured
from andaman.kernel.permissions import Permission
from andaman.kernel.reserve import Reserve
from andaman.kernel.storage import is_open_to_others
from andaman.kernel.tables import StoreKind
from andaman.kernel.time import DAY, Clock
from andaman.register import Register
from andaman.vocabulary import EntityType, by_name

log = logging.getLogger("andaman")
T = TypeVar("T")
Value = TypeVar("Value")
Late = Callable[[], Awaitable[Iterable[Family]]]
"""Figures that must be fetched elsewhere, such as from a file or another process."""
Progress = Callable[[int, int], None]
"""(done, total)."""
MB: Final = 1 << 20


# -- settings ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. The type of ``default`` is the type of the setting."""

    name: str
    default: str | int | float | bool
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


def setting(
    default: Value,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Value:
    """A field of a room's settings class. Its name is the name of the setting everywhere: flag, environment, file."""
    row = {"help": help, "low": low, "high": high, "choices": choices}
    found: Value = field(default=default, metadata=row)
    return found


def settings_of(kind: type[Any]) -> list[Setting]:
    """The settings that a settings class declares."""
    rows: list[Any] = list(fields(kind))
    return [Setting(row.name, row.default, **row.metadata) for row in rows]


class AnySettings(Protocol):
    """The settings of all rooms (``andaman.settings.Settings``)."""

    @property
    def site(self) -> SiteSettings: ...

    def of(self, kind: type[T]) -> T:
        """The settings of one room."""


@dataclass(frozen=True)
class NoSettings:
    """A room without settings."""


@dataclass(frozen=True)
class SiteSettings:
    """Settings that concern more than one room."""

    data: str = setting("data", "Directory of all stored data. One process owns it.")
    host: str = setting("127.0.0.1", "Address to listen on. Loopback unless you say otherwise.")
    port: int = setting(8026, "TCP port to listen on; 0 takes a free one.", 0, 65535)
    no_auth: bool = setting(
        False, "No sign-in, full rights for everybody: for conformance runs, on loopback only."
    )
    broker_only: bool = setting(
        False,
        "Only the broker and its doors: no datasets, courses, measures, rules or indicators of the platform's own.",
    )
    compute_ahead: bool = setting(
        True,
        "Compute indicators, studies and the default plan from the start. "
        "Otherwise the platform computes them once somebody has asked for one.",
    )
    https: bool = setting(
        False,
        "The platform is reached by https, through one proxy on this machine that sets X-Forwarded-For and -Proto: "
        "cookies are marked Secure.",
    )
    public_url: str = setting(
        "", "Address under which people reach the platform, for links; empty: host and port."
    )
    min_free_mb: int = setting(200, "Writes are refused when the disk has less free space than this.", 0, 1e9)
    context_allow_loopback: bool = setting(
        False, "Fetch JSON-LD contexts from loopback and private addresses too."
    )
    clock_ahead_days: float = setting(
        7.0,
        "The platform warns if the machine's clock is this many days ahead of the last commit.",
        0.01,
        36_500,
    )
    log_level: str = setting("info", "How much to log.", choices=("debug", "info", "warning", "error"))
    log_format: str = setting("text", "Form of log lines.", choices=("text", "logfmt", "json"))

    @property
    def directory(self) -> Path:
        return Path(self.data).expanduser()


# -- what rooms share -------------------------------------------------------------------------------------------
class Services:
    """The objects that rooms offer each other: one for each type."""

    def __init__(self) -> None:
        self._by_type: dict[type[Any], Any] = {}

    def add(self, service: T) -> T:
        """Offer ``service`` under its own type, and return it. Raises LookupError where there is one already."""
        kind = type(service)
        if kind in self._by_type:
            raise LookupError(f"Two rooms offer {kind.__name__}")
        self._by_type[kind] = service
        return service

    def get(self, kind: type[T]) -> T:
        """The service of this type. Raises LookupError where no room built so far offers it."""
        found = self.find(kind)
        if found is None:
            raise LookupError(f"No room built so far offers {kind.__name__}; check the order of the rooms")
        return found

    def find(self, kind: type[T]) -> T | None:
        """The service of this type, or None: the room that offers it is not part of this platform."""
        return self._by_type.get(kind)


@dataclass
class Site:
    """One running platform: its data directory, its clock, and what its rooms have in common."""

    settings: SiteSettings
    clock: WatchedClock
    reserve: Reserve
    services: Services = field(default_factory=Services)
    metrics: list[Measured] = field(default_factory=list)
    late_metrics: list[Late] = field(default_factory=list)
    types: tuple[EntityType, ...] = ()
    """What all rooms declare, also those that are left out: their entities may be in the data directory."""
    permissions: dict[str, Permission] = field(default_factory=dict)
    """Name → permission, of all rooms there are, known before the first is built."""
    registers: tuple[Register[Any], ...] = ()
    """What the rooms of this platform declare."""
    stores: tuple[StoreKind, ...] = ()
    """The small stores of all rooms there are, also of those that are left out."""
    prefixes: list[str] = field(default_factory=list)
    """First parts of the paths that machines use (``api/``, ``live``), known once all rooms are built."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    on_install: Progress | None = None
    """Hears how far the installation of a city pack is."""

    @property
    def directory(self) -> Path:
        return self.settings.directory

    @property
    def allow_private(self) -> bool:
        """May the platform send requests to loopback and private addresses?"""
        return self.settings.context_allow_loopback or self.settings.no_auth


def open_site(settings: SiteSettings, clock: Clock) -> Site:
    """The data directory, before any room opens something in it. Raises Unavailable."""
    directory = settings.directory
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Unavailable(f"The data directory {directory} cannot be made: {error.strerror}") from None
    if is_open_to_others(directory):
        log.warning(
            "Other users may look into %s, which holds personal data: chmod 700 %s", directory, directory
        )
    reserve = Reserve(directory, int(settings.min_free_mb * MB))
    reserve.take()
    watched = WatchedClock(clock, int(settings.clock_ahead_days * DAY))
    return Site(settings, watched, reserve, metrics=[watched])


# -- what a room gives ------------------------------------------------------------------------------------------
class Background(Protocol):
    """Work that runs while the platform runs."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Door(Protocol):
    """An entry of the table of doors with its handler (``identity.doors.BoundDoor``)."""

    @property
    def entry(self) -> Any: ...

    @property
    def handler(self) -> Callable[..., Any]: ...


@dataclass(frozen=True)
class Raw:
    """A hot door, answered without Starlette: all requests whose path begins with ``prefix``."""

    prefix: str
    app: ASGIApp
    doors: Sequence[Door]
    """Its operations, for the table of doors."""


@dataclass(frozen=True)
class Built:
    """The parts that a room adds to the platform.

    ``background`` starts in this order, after the rooms before it, and stops in reverse; then ``close`` is called, also
    where nothing was started. ``around`` wraps the whole application: the first room's is the outermost.
    """

    doors: Sequence[Door] = ()
    raw: Sequence[Raw] = ()
    background: Sequence[Background] = ()
    close: Sequence[Callable[[], Awaitable[None] | None]] = ()
    abandon: Sequence[Callable[[], None]] = ()
    """Releases opened resources at once, if a later room cannot be built."""
    metrics: Sequence[Measured] = ()
    late_metrics: Sequence[Late] = ()
    health: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    """Name → a word that everybody may read at /api/health."""
    around: Callable[[ASGIApp], ASGIApp] | None = None


@dataclass(frozen=True)
class Room:
    """A room, an entry of the list of rooms."""

    name: str
    build: Callable[[Site, Any], Built]
    settings: type[Any] = NoSettings
    types: tuple[EntityType, ...] = ()
    """The entity types that it declares."""
    stores: tuple[StoreKind, ...] = ()
    """The small stores that it keeps in the data directory."""
    permissions: Sequence[Permission] = ()
    """What its doors ask."""
    registers: tuple[Register[Any], ...] = ()
    """The lists that a city edits. The type of each is among ``types``."""
    of_broker: bool = False
    """Also part of a platform that is only a broker."""


def types_of(rooms: Iterable[Room]) -> tuple[EntityType, ...]:
    """All entity types, in the order of the rooms. Raises ValueError where two have one name."""
    types = tuple(one for room in rooms for one in room.types)
    by_name(types)
    return types


def stores_of(rooms: Iterable[Room]) -> tuple[StoreKind, ...]:
    """All small stores, in the order of the rooms. Raises ValueError where two have one file."""
    stores = tuple(kind for room in rooms for kind in room.stores)
    if len({kind.file for kind in stores}) < len(stores):
        raise ValueError(f"Two stores have one file: {sorted(kind.file for kind in stores)}")
    return stores


def registers_of(rooms: Iterable[Room]) -> tuple[Register[Any], ...]:
    """All registers, in the order of the rooms. Raises ValueError where two have one name."""
    registers = tuple(one for room in rooms for one in room.registers)
    if len({one.name for one in registers}) < len(registers):
        raise ValueError("Two rooms declare a register of one name")
    return registers


class Task:
    """Background work that is done once the start reaches it, such as an installation."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work

    async def start(self) -> None:
        await self._work()

    async def stop(self) -> None:
        """It has ended."""
