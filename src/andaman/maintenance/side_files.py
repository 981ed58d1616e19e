"""Files of a data directory that it can do without. One that is damaged, or that is no file, is set aside by a start, which goes on
as if it had been lost: it is kept as ``NAME.damaged``, the log has a line, and the doctor names it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from andaman.kernel.errors import Unavailable
from andaman.kernel.storage import damage, set_aside
from andaman.maintenance.stores import Stores

log = logging.getLogger("andaman")
_CHECKED_BYTES: Final = 256 << 20
"""The structure of larger ones is left to the doctor."""


@dataclass(frozen=True, slots=True)
class SideFile:
    """``without``: what follows from its loss. ``tables``: of a database, with the columns that they must have where they are."""

    name: str
    without: str
    tables: Mapping[str, frozenset[str]] = field(default_factory=dict)


_OTHERS: Final = (
    SideFile("mqtt-client.json", "a new MQTT client id is made up"),
    SideFile("reserve", "it is made again when there is room"),
)


def side_files(stores: Stores) -> tuple[SideFile, ...]:
    """All of them: the stores that are not precious, and a few others."""
    return (
        *(SideFile(kind.file, kind.loss, kind.needs) for kind in stores if not kind.precious),
        *_OTHERS,
    )


def set_aside_damaged(directory: Path, stores: Stores) -> None:
    """Call it when the directory is this process's alone, and nothing but the ledger is open. Raises Unavailable, in a sentence, where a
    damaged file cannot be moved."""
    for side in side_files(stores):
        path = directory / side.name
        wrong = _not_a_file(path) or (damage(path, side.tables, _CHECKED_BYTES) if side.tables else "")
        if not wrong:
            continue
        try:
            kept = set_aside(path)
        except OSError as error:
            raise Unavailable(
                f"{path} is damaged ({wrong}) and cannot be moved out of the way: {error.strerror or error}. It may be lost: "
                f"remove it, or move it elsewhere; then {side.without}"
            ) from None
        log.error(
            "%s is damaged (%s): it is set aside as %s, and the platform continues without it: %s",
            path, wrong, kept.name, side.without,
        )  # fmt: skip


def _not_a_file(path: Path) -> str:
    """A directory, a link that leads nowhere or the like, in its place or next to it, where SQLite keeps its log."""
    for end in ("", "-wal", "-shm"):
        one = path.with_name(path.name + end)
        if not os.path.lexists(one) or one.is_file():
            continue
        if one.is_dir():
            return f"a directory is where the file {one.name} should be"
        if one.is_symlink():
            return f"{one.name} is a link to {os.readlink(one)}, which is not a file"
        return f"{one.name} is not a file"
    return ""
