"""The client id of this installation: made up once, kept with the data, and in no backup.

So a restored copy has one of its own, and does not take the messages of the platform that it was restored from.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from andaman.kernel.errors import BadRequestData, Unavailable

log = logging.getLogger(__name__)
FILE: Final = "mqtt-client.json"
FORMER: Final = "andaman"
"""What every installation called itself up to version 0.1; its session may hold messages."""
_LONGEST: Final = 128


@dataclass(slots=True)
class ClientId:
    """``former``: an id whose session at the MQTT broker is to be emptied and ended; "" for none."""

    text: str
    former: str = ""
    path: Path | None = field(default=None, repr=False)

    def forget_former(self) -> None:
        self.former = ""
        if self.path is not None:
            _write(self.path, self.text, "")


def check_client_id(text: str) -> str:
    """Raises BadRequestData where MQTT brokers may not take it (MQTT 5 §3.1.3.1)."""
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > _LONGEST:
        raise BadRequestData(
            f"mqtt_client_id = {text[:80]!r} is not valid: write 1 to {_LONGEST} letters, digits and signs without blanks"
        )
    return text


def open_client_id(directory: Path, wanted: str = "") -> ClientId:
    """``wanted``, or else the id that is kept with the data; made up where there is none.

    A directory of a version that called every installation "andaman" is told by its older files: what the MQTT broker holds
    for that id is then taken once. Raises BadRequestData.
    """
    if wanted:
        return ClientId(check_client_id(wanted))
    path = directory / FILE
    try:
        if path.exists():
            kept = json.loads(path.read_text("utf-8"))
            text, former = str(kept["id"]), str(kept.get("former", ""))
            if check_client_id(text):
                if kept.get("file") not in (None, _mark(path)):
                    log.warning(
                        "mqtt: %s was copied or moved. If the original platform still runs, the two share one client id "
                        "and take each other's messages: remove %s from the copy, or set mqtt_client_id",
                        directory, path,
                    )  # fmt: skip
                return ClientId(text, former, path)
    except (OSError, ValueError, KeyError, TypeError, BadRequestData) as error:
        log.warning("mqtt: %s cannot be read (%s); a new client id is made up", path, error)
    made = ClientId(f"andaman{os.urandom(8).hex()}", FORMER if _is_older(directory) else "", path)
    try:
        _write(path, made.text, made.former)
    except Unavailable as error:  # a full disk, say: the platform starts all the same, to be read
        log.warning("mqtt: %s; the next start makes up another client id", error.detail)
    return made


def renew_client_id(directory: Path) -> None:
    """For a directory that was restored: an id that nobody else has, and no session to take over."""
    _write(directory / FILE, f"andaman{os.urandom(8).hex()}", "")


def _is_older(directory: Path) -> bool:
    """Did a version run here that kept no id? Ask before feeds are made: they leave their memory here."""
    return (directory / "ingest.db").exists()


def _write(path: Path, text: str, former: str) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(json.dumps({"id": text, "former": former}), "utf-8")
        os.chmod(part, 0o600)
        told = {"id": text, "former": former, "file": _mark(part)}
        with open(part, "w", encoding="utf-8") as out:
            out.write(json.dumps(told))
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror or error}") from None


def _mark(path: Path) -> str:
    """Which file it is: a copy is another one."""
    return f"{socket.gethostname()}:{path.stat().st_ino}"
