"""The doctor: everything that is looked at in a data directory, and what to do about what is found."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path

from andaman.broker.ledger import doctor as ledger
from andaman.broker.ledger.boot import Facts
from andaman.broker.ledger.doctor import Finding
from andaman.broker.query.facts import FACTS_VERSION, index_facts, update_facts
from andaman.identity.store import IdentityStore
from andaman.kernel.errors import Unavailable
from andaman.settings import Settings


def examine(settings: Settings) -> list[Finding]:
    """Everything the doctor looks at: the ledger's own findings, the small databases, the port."""
    directory = settings.data_dir
    findings = ledger.doctor(directory, facts=Facts(FACTS_VERSION, index_facts, update_facts))
    if (directory / "ledger.sqlite3").exists() and not (directory / "identity.db").exists():
        text = "identity.db is missing: there are no accounts and no audit. Take it from the last backup."
        findings.append(Finding("problem", "identity.db", text))
    sound = {path.name: _sound(path) for path in sorted(directory.glob("*.db"))}
    findings += sound.values()
    if "identity.db" in sound and sound["identity.db"].level == "ok":
        findings.append(_audit(directory))
    return [*findings, _port(settings.host, settings.port)]


def _sound(path: Path) -> Finding:
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            db.close()
    except sqlite3.Error as error:
        found = str(error)
    if found == "ok":
        return Finding("ok", path.name, "The structure is sound.")
    return Finding("problem", path.name, f"{found}. Stop the platform and restore the last backup.")


def _audit(directory: Path) -> Finding:
    try:
        store = IdentityStore(directory)
        try:
            count = store.verify_audit()
        finally:
            store.close()
    except (Unavailable, sqlite3.Error) as error:
        text = getattr(error, "detail", str(error))
        return Finding(
            "problem", "audit", f"{text}. Keep a copy as evidence and compare with the last backup."
        )
    return Finding("ok", "audit", f"The hash chain of {count} audit entries verifies.")


def _port(host: str, port: int) -> Finding:
    if port == 0:
        return Finding("ok", "port", "A free port is taken at start.")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        if probe.connect_ex((host, port)) == 0:
            return Finding(
                "warning",
                "port",
                f"Something listens on {host} port {port}: the platform or another program.",
            )
    return Finding("ok", "port", f"{host} port {port} is free.")
