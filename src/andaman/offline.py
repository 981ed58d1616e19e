"""Tools for commands on a data directory without a running platform, or while one runs on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from andaman.app import App
from andaman.broker.api import Broker
from andaman.broker.room import STORE
from andaman.city.pack import install, load_pack
from andaman.city.room import ROOM as CITY
from andaman.definitions.service import Definitions
from andaman.identity.model import Actor, Principal, Role
from andaman.identity.room import IdentitySettings
from andaman.identity.room import open_identity as open_accounts
from andaman.identity.service import Identity
from andaman.kernel.errors import ResourceNotFound
from andaman.maintenance.losses import IDENTITY, check_whole, note_stores
from andaman.maintenance.room import FIRST, SIDE_FILES
from andaman.room import Progress
from andaman.rooms import PERMISSIONS, STORES
from andaman.settings import Settings

T = TypeVar("T")


def cli_actor() -> Actor:
    """The actor of the command line: anyone who can write the data directory administers it."""
    return Actor(Principal("system:cli", "command line", frozenset({Role.ADMINISTRATOR})), origin="cli")


def open_identity(settings: Settings) -> Identity:
    """Accounts and tokens of the data directory. Raises Unavailable where they are lost or damaged."""
    directory = settings.site.directory
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    check_whole(directory, STORES, IDENTITY)
    return open_accounts(directory, settings.of(IdentitySettings), PERMISSIONS)


async def on_definitions(
    settings: Settings, work: Callable[[Definitions], Awaitable[T]], *, create: bool = False
) -> T:
    """Do something with the definitions of a data directory that no server is using. No feed, rule or drill runs.
    ``create``: make a data directory where there is none; otherwise raises ResourceNotFound."""
    if not create and not (settings.site.directory / IDENTITY).exists():
        raise ResourceNotFound(f"There is no data in {settings.site.directory}")
    app = App(settings)
    try:
        await app.start(only={FIRST.name, STORE.name, SIDE_FILES.name, CITY.name})
        return await work(app.get(Definitions))
    finally:
        await app.stop()


async def load_pack_offline(settings: Settings, name: str, progress: Progress) -> int:
    """Install a pack into a data directory that no server is using; returns how many entities were written."""
    pack = load_pack(name)
    broker = Broker.open(settings.site.directory, history=False)
    note_stores(settings.site.directory, STORES)
    await broker.start()
    try:
        report = await install(pack, broker, cli_actor(), progress)
    finally:
        await broker.close()
    return report.created + report.updated
