"""The doctor: everything that it examines in a data directory, and the remedy for each finding."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from andaman.broker.ledger import doctor as ledger
from andaman.broker.ledger.boot import Facts
from andaman.broker.ledger.doctor import Finding
from andaman.broker.ledger.schema import FILE, lock_holder
from andaman.broker.query.facts import FACTS_VERSION, index_facts, update_facts
from andaman.identity.roles import open_roles
from andaman.identity.room import IdentitySettings
from andaman.ingest import load_mapping
from andaman.ingest.room import IngestSettings
from andaman.kernel.errors import AndamanError, Unavailable
from andaman.kernel.storage import is_read_only
from andaman.kernel.time import DAY
from andaman.maintenance.blobs import examine_blobs
from andaman.maintenance.files import last_point
from andaman.maintenance.schedule import examine_backups
from andaman.maintenance.secrets import examine_secrets
from andaman.maintenance.small import examine_small
from andaman.maintenance.stores import Stores
from andaman.room import AnySettings


def examine(settings: AnySettings, stores: Stores) -> list[Finding]:
    """Everything the doctor looks at: the ledger's own findings, the small databases, the port. Changes nothing."""
    directory = settings.site.directory
    if is_read_only(directory):
        text = (
            f"{directory} is on a file system that is mounted read-only: the platform cannot start there, and nothing else "
            "was examined. The system mounts a disk read-only after an error: read its log (dmesg), copy the "
            "directory to a sound disk, and examine it there."
        )
        return [Finding("problem", "rights", text)]
    findings = ledger.doctor(
        directory,
        facts=Facts(FACTS_VERSION, index_facts, update_facts),
        clock_ahead=int(settings.site.clock_ahead_days * DAY),
    )
    if (directory / FILE).exists() or any(directory.glob("*.db")):
        roles = None
        try:
            roles = open_roles(directory, settings.of(IdentitySettings).roles_file)
        except Unavailable as error:
            findings.append(
                Finding("problem", "roles", f"{error.detail}. The platform does not start with it.")
            )
        findings += examine_small(directory, stores, lambda: _journal_end(directory), roles)
        if (contexts := directory / "contexts").exists() and not contexts.is_dir():
            text = (
                f"A file is where the directory {contexts} should be; the platform cannot start. Remove it."
            )
            findings.append(Finding("problem", "contexts", text))
    findings += [
        *examine_secrets(settings),
        *examine_blobs(directory),
        *examine_backups(settings),
        *_mapping(settings),
    ]
    return [*findings, _port(settings.site.host, settings.site.port, lock_holder(directory))]


def _mapping(settings: AnySettings) -> Iterator[Finding]:
    """The mapping file of devices, as the next start will read it."""
    file = settings.of(IngestSettings).mqtt_mapping
    if file:
        try:
            topics = load_mapping(Path(file)).topics
            yield Finding("ok", "mapping", f"{file} maps {len(topics)} patterns of topics.")
        except AndamanError as error:
            yield Finding("problem", "mapping", f"{error.detail}. The platform does not start with it.")


def _journal_end(directory: Path) -> int:
    with contextlib.suppress(sqlite3.Error):
        return last_point(directory / FILE).seq
    return 0


def _port(host: str, port: int, holder: str | None) -> Finding:
    if port == 0:
        return Finding("ok", "port", "A free port is taken at start.")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        if probe.connect_ex((host, port)) == 0:
            if holder is not None:
                return Finding(
                    "ok",
                    "port",
                    f"{host} port {port} is in use, as it should be while process {holder} runs.",
                )
            text = f"Another program listens on {host} port {port}. Stop it, or choose another port (--port)."
            return Finding("warning", "port", text)
    return Finding("ok", "port", f"{host} port {port} is free.")
