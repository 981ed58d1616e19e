"""Rooms of care: what a start looks at before and after anything is opened, and backups by the clock."""

from __future__ import annotations

import asyncio

from andaman.maintenance.losses import check_whole, note_stores
from andaman.maintenance.schedule import BackupKeeper, BackupSettings, plan_of
from andaman.maintenance.side_files import set_aside_damaged
from andaman.room import Background, Built, NoSettings, Room, Site, Task


def build_first(site: Site, settings: NoSettings) -> Built:
    check_whole(site.directory, site.stores)
    return Built()


def build_side_files(site: Site, settings: NoSettings) -> Built:
    """Once the ledger is open, the directory belongs to this process alone."""
    set_aside_damaged(site.directory, site.stores)
    note_stores(
        site.directory, site.stores
    )  # accounts that were made before the first start are missed from now on
    return Built()


def build_backups(site: Site, settings: BackupSettings) -> Built:
    async def note() -> None:
        await asyncio.to_thread(note_stores, site.directory, site.stores)

    plan = plan_of(site.settings, settings)
    background: list[Background] = [Task(note)]
    if plan is None:
        return Built(background=background)
    keeper = BackupKeeper(plan)
    return Built(background=[*background, keeper], metrics=[keeper])


FIRST = Room("maintenance.losses", build_first, of_broker=True)
SIDE_FILES = Room("maintenance.side-files", build_side_files, of_broker=True)
BACKUPS = Room("maintenance.backups", build_backups, BackupSettings, of_broker=True)
