"""Rooms that keep for others what does not belong into their own stores: secrets and large objects."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from andaman.kernel import blobs, secrets
from andaman.kernel.blobs import Blobs, Quotas
from andaman.kernel.errors import AndamanError
from andaman.kernel.secrets import Secrets
from andaman.kernel.work import Every
from andaman.room import MB, Background, Built, Room, Site, Task, setting

log = logging.getLogger("andaman")
SWEEP_S = 3600.0


@dataclass(frozen=True)
class SecretSettings:
    secrets_key: str = setting(
        "",
        "File with the key of passwords and tokens that are kept; empty: next to the data directory, with .key at its end.",
    )


def open_secrets(directory: Path, settings: SecretSettings) -> Secrets:
    """Raises Unavailable where secrets.db cannot be opened; a missing or wrong key is not an error yet."""
    return Secrets(directory, Path(settings.secrets_key).expanduser() if settings.secrets_key else None)


def build_secrets(site: Site, settings: SecretSettings) -> Built:
    kept = site.services.add(open_secrets(site.directory, settings))
    if trouble := kept.trouble():
        log.error("%s. What needs one of them is refused until then; everything else works", trouble)
    if warning := kept.warning():
        log.warning("%s", warning)
    return Built(close=[kept.close], abandon=[kept.close])


@dataclass(frozen=True)
class BlobSettings:
    blobs_mb: int = setting(1024, "Room for large objects, such as messages that could not be read.", 1, 1e9)
    blobs_of_owner_mb: int = setting(64, "Room for the large objects of one owner, such as a feed.", 1, 1e9)


def build_blobs(site: Site, settings: BlobSettings) -> Built:
    quotas = Quotas(settings.blobs_of_owner_mb * MB, settings.blobs_mb * MB)
    kept = site.services.add(Blobs(site.directory, quotas, site.clock))

    async def sweep() -> None:
        await asyncio.to_thread(kept.sweep)

    async def first() -> None:
        """The start does not depend on it: the next turn tries again."""
        try:
            await sweep()
        except (AndamanError, OSError) as error:
            log.error("Large objects could not be swept: %s", getattr(error, "detail", error))

    background: list[Background] = [Task(first), Every("The sweep of large objects", SWEEP_S, sweep)]
    return Built(background=background, close=[kept.close], abandon=[kept.close], late_metrics=[kept.metrics])


SECRETS = Room("keeping.secrets", build_secrets, SecretSettings, stores=(secrets.KIND,), of_broker=True)
BLOBS = Room("keeping.blobs", build_blobs, BlobSettings, stores=(blobs.KIND,), of_broker=True)
