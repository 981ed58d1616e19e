"""Care of secrets: rotation of the key over all stores, where each secret is used, and the doctor's look at them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.broker.credentials import (
    REGISTRATION,
    SNAPSHOT,
    SOURCE_SUBSCRIPTION,
    SUBSCRIPTION,
    Credentials,
    Place,
    references_in,
    resealed,
    sealed_in,
)
from andaman.broker.ledger.doctor import Finding
from andaman.broker.ledger.schema import DirectoryLock
from andaman.broker.registry.store import KIND as REGISTRY
from andaman.broker.snapshots.store import FOLDER
from andaman.broker.snapshots.store import KIND as SNAPSHOTS
from andaman.broker.subscriptions.store import KIND as SUBSCRIPTIONS
from andaman.ingest.room import IngestSettings
from andaman.keeping.room import SecretSettings, open_secrets
from andaman.kernel.errors import AndamanError
from andaman.kernel.secrets import FILE, NAME, PREFIX, Secrets
from andaman.kernel.storage import looking_into
from andaman.kernel.tables import Store, StoreKind
from andaman.room import AnySettings


@dataclass(frozen=True, slots=True)
class Sealing:
    """A column of documents with credentials in them. ``noun``: a row in words."""

    kind: StoreKind
    table: str
    column: str
    place: Place
    noun: str


SEALINGS: Final = (
    Sealing(SUBSCRIPTIONS, "subscription", "content", SUBSCRIPTION, "subscription"),
    Sealing(REGISTRY, "registration", "document", REGISTRATION, "registration"),
    Sealing(
        REGISTRY, "csource_subscription", "document", SOURCE_SUBSCRIPTION, "subscription to registrations"
    ),
    Sealing(SNAPSHOTS, "snapshot", "document", SNAPSHOT, "snapshot"),
)
_IN_URL: Final = re.compile(rf":{PREFIX}({NAME.pattern})@", re.ASCII)


def _stores(directory: Path) -> Iterator[tuple[Path, Sealing]]:
    for sealing in SEALINGS:
        if (directory / sealing.kind.file).is_file():
            yield directory / sealing.kind.file, sealing
    for path in sorted((directory / FOLDER).glob(f"*/{SUBSCRIPTIONS.file}")):
        yield path, SEALINGS[0]


def _documents(directory: Path) -> Iterator[tuple[str, Sealing, dict[str, Any]]]:
    """(id, column, document) of all documents that may have credentials; those that cannot be read are left out."""
    for path, sealing in _stores(directory):
        try:
            with looking_into(path) as db:
                rows = db.execute(f"SELECT id, {sealing.column} FROM {sealing.table}").fetchall()  # noqa: S608
        except sqlite3.Error:
            continue
        for row_id, content in rows:
            try:
                document = orjson.loads(content)
            except (ValueError, TypeError):
                continue
            if isinstance(document, dict):
                yield str(row_id), sealing, document


# -- use ------------------------------------------------------------------------------------------------------------
def uses(settings: AnySettings) -> dict[str, list[str]]:
    """Name of a secret → where it is named, also of secrets that are not set."""
    found: dict[str, list[str]] = {}
    for row_id, sealing, document in _documents(settings.site.directory):
        for name in references_in(document, sealing.place):
            found.setdefault(name, []).append(f"{sealing.noun} {row_id}")
    for name in _IN_URL.findall(settings.of(IngestSettings).mqtt_url):
        found.setdefault(name, []).append("setting mqtt_url")
    return found


# -- rotation -------------------------------------------------------------------------------------------------------
def rotate(settings: AnySettings) -> str:
    """A new key for everything that is sealed; the former one opens nothing any more. No platform may run. A sentence."""
    with _alone(settings.site.directory), closing(_open(settings)) as secrets:
        key = secrets.rotate(
            [partial(_reseal, path, sealing) for path, sealing in _stores(settings.site.directory)]
        )
        return f"{secrets.key_file} holds a new key, {key.id}. Keep a copy of it; backups made before need the former one"


def give_up_key(settings: AnySettings) -> str:
    """Continue with a new key where the former one is lost. No platform may run. A sentence."""
    with _alone(settings.site.directory), closing(_open(settings)) as secrets:
        key = secrets.give_up_key()
        return f"{secrets.key_file} holds a new key, {key.id}. Set every secret again; andaman doctor lists what does not open"


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """The directory is this process's. Raises Unavailable where a platform runs."""
    lock = DirectoryLock(directory)
    try:
        yield
    finally:
        lock.release()


def _open(settings: AnySettings) -> Secrets:
    return open_secrets(settings.site.directory, settings.of(SecretSettings))


def _reseal(path: Path, sealing: Sealing, again: Callable[[str, str], str]) -> None:
    """All rows in one transaction; no text of the former key remains in the file."""
    with closing(Store(path, sealing.kind)) as store:
        with store.transaction() as db:
            rows = db.execute(f"SELECT tenant, id, {sealing.column} FROM {sealing.table}").fetchall()  # noqa: S608
            for tenant, row_id, content in rows:
                try:
                    document = orjson.loads(content)
                except (ValueError, TypeError):
                    continue  # a damaged row, which the doctor names
                if sealed_in(document, sealing.place):
                    changed = orjson.dumps(resealed(document, sealing.place, again))
                    db.execute(
                        f"UPDATE {sealing.table} SET {sealing.column}=? WHERE tenant=? AND id=?",  # noqa: S608
                        (changed, tenant, row_id),
                    )
        store.scrub()


# -- the doctor -----------------------------------------------------------------------------------------------------
def examine_secrets(settings: AnySettings) -> Iterator[Finding]:
    """The key, the secrets, and the sealed texts in documents. Makes nothing where no secret was ever kept."""
    directory = settings.site.directory
    if not (directory / FILE).is_file():
        return
    try:
        secrets = _open(settings)
    except AndamanError:
        return  # the finding for the file says why
    with closing(secrets):
        yield from _examined(settings, secrets)


def _examined(settings: AnySettings, secrets: Secrets) -> Iterator[Finding]:
    trouble, warning = secrets.trouble(), secrets.warning()
    if trouble:
        yield Finding("problem", "secrets", f"{trouble}. The platform starts without it.")
    if warning:
        yield Finding("warning", "secrets", f"{warning}.")
    listed = secrets.list_all()
    closed = [f"the secret {one.name}" for one in listed if not one.opens]
    plain, count = [], len(listed)
    for row_id, sealing, document in _documents(settings.site.directory):
        tokens = sealed_in(document, sealing.place)
        count += len(tokens)
        if not all(secrets.opens(token, sealing.place.store) for token in tokens):
            closed.append(f"{sealing.noun} {row_id}")
        if Credentials(secrets, sealing.place).is_plain(document):
            plain.append(f"{sealing.noun} {row_id}")
    if closed:
        text = f"{_some(closed)} cannot be opened with the present key. Put back the right key, or set them again."
        yield Finding("problem", "secrets", text)
    if plain:
        text = f"{_some(plain)} has credentials in plain text. The next start seals them if it has a key."
        yield Finding("warning", "secrets", text)
    unset = {
        name: where for name, where in uses(settings).items() if name not in {one.name for one in listed}
    }
    for name, where in sorted(unset.items()):
        text = f"The secret {name} is not set, and {_some(where)} needs it: andaman secret set {name}."
        yield Finding("warning", "secrets", text)
    if count and not trouble and not closed:
        yield Finding("ok", "secrets", f"{secrets.key_file} opens all {count} secrets and sealed texts.")


def _some(names: list[str]) -> str:
    return names[0] + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")


def advice_after_restore(settings: AnySettings) -> str:
    """The sentence for a directory that was restored without its key; "" where it needs none."""
    if not (settings.site.directory / FILE).is_file():
        return ""
    with closing(_open(settings)) as secrets:
        if not secrets.trouble():
            return ""
        return (
            f"The backup has no key. Copy the key of the former directory to {secrets.key_file}; without it, what needs a "
            "password or token is refused"
        )
