"""Rooms that keep for others what does not belong into their own stores: secrets."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from andaman.kernel import secrets
from andaman.kernel.secrets import Secrets
from andaman.room import Built, Room, Site, setting

log = logging.getLogger("andaman")


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


SECRETS = Room("keeping.secrets", build_secrets, SecretSettings, stores=(secrets.KIND,), of_broker=True)
