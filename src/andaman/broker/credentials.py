"""Credentials in the documents of subscriptions, registrations and snapshots: sealed on disk, plain in memory.

A value is sealed where it may open something elsewhere: values of ``receiverInfo``, ``notifierInfo`` and
``contextSourceInfo`` apart from those that are known to be harmless, and an address with a password in it. References
(``secret:NAME``) are not secret and stay as they are. The documents are read back as they were given.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from andaman.identity.model import Actor
from andaman.identity.powers import administers
from andaman.kernel.errors import BadRequestData, Forbidden, Unavailable
from andaman.kernel.secrets import LOCKED, PREFIX, Secrets, reference_in
from andaman.kernel.tables import Row, Store, Table

log = logging.getLogger(__name__)
Document = dict[str, Any]
_LISTS: Final = ("receiverInfo", "notifierInfo", "contextSourceInfo")
_HARMLESS: Final = frozenset(
    {
        "accept", "accept-language", "content-type", "contenttype", "jsonldcontext", "link", "mqtt-qos", "mqtt-version",
        "ngsild-tenant", "ngsildconformance", "prefer", "user-agent", "via",
    }
)  # fmt: skip
"""Keys, in small letters, whose values open nothing."""
_FROM_REQUEST: Final = "urn:ngsi-ld:request"
_PASSWORD: Final = re.compile(r"(?<=://)([^/?#@:]*):([^/?#]*)@")
_SEALED: Final = frozenset({"sealed", "shown"})
_LOCKED_NAME: Final = LOCKED.removeprefix(PREFIX)


class Locked(str):
    """A text that the present key does not open, as it is shown. ``stored`` goes back to disk unchanged."""

    stored: dict[str, str]


def _locked(stored: dict[str, str]) -> Locked:
    text = Locked(stored["shown"])
    text.stored = stored
    return text


@dataclass(frozen=True, slots=True)
class Place:
    """The places of credentials in a kind of document. ``path``: to the object that has them; ``address``: its member
    with the address; ``store``: what they are sealed for.
    """

    store: str
    path: tuple[str, ...]
    address: str


SUBSCRIPTION: Final = Place("subscription", ("notification", "endpoint"), "uri")
SOURCE_SUBSCRIPTION: Final = Place("csource-subscription", ("content", "notification", "endpoint"), "uri")
REGISTRATION: Final = Place("registration", (), "endpoint")
SNAPSHOT: Final = Place("snapshot", ("told",), "endpoint")


def _is_secret(key: str, text: str) -> bool:
    harmless = key.lower() in _HARMLESS or text.startswith(_FROM_REQUEST) or reference_in(text) is not None
    return bool(text) and not harmless


def _wants_sealing(key: str, value: Any, shown: str | None) -> bool:
    return isinstance(value, str) and (shown is not None or _is_secret(key, value))


def _shown_address(text: str) -> str | None:
    """The address without its password; None where it has none that is secret."""
    found = _PASSWORD.search(text)
    if found is None or not found[2] or reference_in(found[2]) is not None:
        return None
    return f"{text[: found.start(2)]}{LOCKED}{text[found.end(2) :]}"


def _mapped(document: Document, place: Place, each: Callable[[str, Any, str | None], Any]) -> Document:
    """A copy with each candidate replaced. ``each``: (key, value, shown address or None) → value."""
    if place.path:
        head, *rest = place.path
        inner = document.get(head)
        if not isinstance(inner, dict):
            return document
        return {**document, head: _mapped(inner, Place(place.store, tuple(rest), place.address), each)}
    out = dict(document)
    for name in _LISTS:
        if isinstance(out.get(name), list):
            out[name] = [
                {**pair, "value": each(str(pair.get("key", "")), pair.get("value"), None)}
                if isinstance(pair, dict)
                else pair
                for pair in out[name]
            ]
    address = out.get(place.address)
    if isinstance(address, str) and not isinstance(address, Locked):
        shown = _shown_address(address)
        if shown is not None:
            out[place.address] = each("", address, shown)
    elif address is not None:
        out[place.address] = each("", address, "")
    return out


class Credentials:
    """The credentials in the documents of one store. Without ``secrets`` they stay as they are."""

    def __init__(self, secrets: Secrets | None, place: Place) -> None:
        self._secrets, self._place = secrets, place

    def sealed(self, document: Document) -> Document:
        """As it goes to disk. Raises Unavailable where nothing can be sealed now and something must be."""
        secrets = self._secrets
        if secrets is None:
            return document

        def each(key: str, value: Any, shown: str | None) -> Any:
            if isinstance(value, Locked):
                return value.stored
            if not _wants_sealing(key, value, shown):
                return value
            return {"sealed": secrets.seal(value, self._place.store), "shown": shown or LOCKED}

        return _mapped(document, self._place, each)

    def opened(self, document: Document) -> Document:
        """As it was given. A text that does not open is ``Locked``."""
        secrets = self._secrets

        def each(key: str, value: Any, shown: str | None) -> Any:
            if not isinstance(value, dict) or value.keys() != _SEALED:
                return value
            if secrets is None:
                return _locked(value)
            try:
                return secrets.unseal(value["sealed"], self._place.store)
            except Unavailable:
                return _locked(value)

        return _mapped(document, self._place, each)

    def is_plain(self, document: Document) -> bool:
        """Does a document from disk have a credential that is not sealed, as an earlier release wrote it?"""
        if self._secrets is None:
            return False
        found = False

        def each(key: str, value: Any, shown: str | None) -> Any:
            nonlocal found
            found = found or _wants_sealing(key, value, shown)
            return value

        _mapped(document, self._place, each)
        return found

    # -- stores -------------------------------------------------------------------------------------------------
    def rows_of(self, store: Store, table: Table) -> list[Row]:
        """All rows of a table with documents as they were given. Seals first what an earlier release wrote in plain text."""
        rows = table.list_all()
        plain = [row for row in rows if self.is_plain(row.document)]

        def work() -> None:
            for row in plain:
                table.put(row.tenant, row.key, self.sealed(row.document))

        if plain:
            seal_earlier(store, work)
        return [replace(row, document=self.opened(row.document)) for row in rows]


def seal_earlier(store: Store, work: Callable[[], None]) -> None:
    """Seal plain text, in one transaction, and leave no trace of it in the file. Where there is no key, it stays."""
    try:
        with store.transaction():
            work()
        store.scrub()
    except Unavailable as error:
        log.error(
            "%s has credentials in plain text, which cannot be sealed now: %s", store.path, error.detail
        )


def resealed(document: Document, place: Place, again: Callable[[str, str], str]) -> Document:
    """A document from disk with everything sealed once more by ``again`` (token, purpose)."""

    def each(key: str, value: Any, shown: str | None) -> Any:
        if isinstance(value, dict) and value.keys() == _SEALED:
            return {**value, "sealed": again(value["sealed"], place.store)}
        return value

    return _mapped(document, place, each)


def sealed_in(document: Document, place: Place) -> list[str]:
    """The sealed texts in a document from disk."""
    found: list[str] = []

    def each(key: str, value: Any, shown: str | None) -> Any:
        if isinstance(value, dict) and value.keys() == _SEALED:
            found.append(value["sealed"])
        return value

    _mapped(document, place, each)
    return found


# -- references -----------------------------------------------------------------------------------------------------
def references_in(document: Document, place: Place) -> set[str]:
    """Names of the secrets that a document names, as given or from disk."""
    found: set[str | None] = set()

    def each(key: str, value: Any, shown: str | None) -> Any:
        if isinstance(value, str) and not isinstance(value, Locked):
            found.add(reference_in(value))
        return value

    _mapped(document, place, each)
    found.add(_reference_in_address(document, place))
    return {name for name in found if name is not None}


def _reference_in_address(document: Document, place: Place) -> str | None:
    for head in place.path:
        inner = document.get(head)
        if not isinstance(inner, dict):
            return None
        document = inner
    address = document.get(place.address)
    found = (
        _PASSWORD.search(address) if isinstance(address, str) and not isinstance(address, Locked) else None
    )
    return None if found is None else reference_in(found[2])


def refuse_references(document: Document, place: Place, actor: Actor, before: Document | None = None) -> None:
    """Raises Forbidden where somebody who is not an administrator names a secret that ``before`` did not name.

    Raises BadRequestData where a client wrote back the sign for a text that does not open: the text would be lost."""
    names = references_in(document, place)
    if _LOCKED_NAME in names:
        raise BadRequestData(
            f"{LOCKED} stands for a credential that does not open now; leave it out, or write another value"
        )
    if before is not None:
        names -= references_in(before, place)
    if names and not administers(actor):
        raise Forbidden(f"Only administrators may name a secret ({PREFIX}NAME) here; write another value")
