"""The store of contexts: resolve once, keep, answer from memory (CIM 009 §4.4, §5.5.5, §5.13)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from andaman.broker.contexts.book import ContextBook
from andaman.broker.contexts.bundled import bundled_document, bundled_urls, core_document
from andaman.broker.contexts.fetch import TIMEOUT_S, fetch_json
from andaman.broker.contexts.kept import Entry, Kept, Kind, id_of
from andaman.broker.contexts.mirrors import Mirrors, mirrored
from andaman.broker.contexts.model import CORE_URL, Context
from andaman.broker.contexts.process import build_context
from andaman.kernel.addresses import bare_url
from andaman.kernel.errors import BadRequestData, LdContextNotAvailable, ResourceNotFound, TooLarge
from andaman.kernel.ids import sortable_id
from andaman.kernel.time import Clock, system_clock

MAX_CONTEXT_BYTES: Final = 1 << 20
_RESOLVED_MAX: Final = 128
_RESOLVED_WEIGHT: Final = 500_000
"""Names that all resolved contexts together may know, but for the one that was used last."""
_FETCHERS: Final = 16
_PER_HOST: Final = 4
"""Fetches from one host at a time: a server that hangs holds a part of the threads, never all."""
_WAITING: Final = 64


class _NotKept(Exception):
    """Building needs what only the network has."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class _Host:
    """The fetches that wait for one server."""

    def __init__(self) -> None:
        self.slots = asyncio.Semaphore(_PER_HOST)
        self.waiting = 0


class ContextStore:
    """Resolves @context values. One instance a process; its look-ups are safe from any thread.

    ``directory`` keeps fetched and hosted contexts over restarts (None: memory only). ``allow_private`` lets
    contexts be fetched from loopback and private addresses; a mirror may be there in any case, for the operator
    named it. ``fetch`` replaces the network in tests.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        allow_private: bool = False,
        mirrors: Mirrors = (),
        timeout_s: float = TIMEOUT_S,
        clock: Clock = system_clock,
        fetch: Callable[[str], Any] | None = None,
        book: ContextBook | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._clock = clock

        def fetch_it(url: str) -> Any:
            target = mirrored(url, mirrors)
            return fetch_json(
                target or url, allow_private=allow_private or target is not None, timeout_s=timeout_s
            )

        self._fetch = fetch or fetch_it
        self._resolved: OrderedDict[str, Context] = OrderedDict()
        self._pending: dict[str, asyncio.Future[Context]] = {}
        self._hosts: dict[str, _Host] = {}
        # Two kinds of threads: what needs no network never waits behind what does.
        self._builders = ThreadPoolExecutor(2, thread_name_prefix="contexts")
        self._fetchers = ThreadPoolExecutor(_FETCHERS, thread_name_prefix="contexts-fetch")
        self.core = build_context(None, self._load, core_document()["@context"], CORE_URL)
        """The context of a request that gives none."""
        self._book = book
        self._kept = Kept(directory, book)

    def close(self) -> None:
        """Let go of the threads; a fetch under way is not waited for."""
        for pending in list(self._pending.values()):
            with contextlib.suppress(RuntimeError):  # its loop is closed already
                pending.cancel()
        for pool in (self._builders, self._fetchers):
            pool.shutdown(wait=False, cancel_futures=True)
        if self._book is not None:
            self._book.close()

    # -- resolving ------------------------------------------------------------------------------------------
    def cached(self, source: Any, *, count: bool = True) -> Context | None:
        """The resolved context if it is in memory; never waits. ``source``: URL, object, list or None.

        ``count``: a request uses it, which its entry tells (§5.13.3.5); the platform's own look-ups do not count.
        """
        if source is None:
            return self.core
        key = source if isinstance(source, str) else _key(source)
        found = self._resolved.get(key)
        if found is not None:
            try:  # noqa: SIM105 - on the way of every request
                self._resolved.move_to_end(key)
            except KeyError:
                pass  # another thread has just dropped it
            if count:
                self._touch(key)
        return found

    async def resolve(self, source: Any, *, fetch: bool = True, count: bool = True) -> Context:
        """The resolved context. Raises BadRequestData (not valid) or LdContextNotAvailable (cannot be had).

        ``fetch`` False: only what is carried, hosted or kept already, no request goes out.
        """
        found = self.cached(source, count=count)
        if found is not None:
            return found
        key = source if isinstance(source, str) else _key(source)
        mark = f"{fetch} {key}"
        pending = self._pending.get(mark)
        if pending is None:
            pending = asyncio.ensure_future(self._made(key, source, fetch))
            self._pending[mark] = pending
            pending.add_done_callback(lambda done: self._finished(mark, done))
        try:
            return await asyncio.wait_for(asyncio.shield(pending), self._timeout_s * 2)
        except TimeoutError:
            raise LdContextNotAvailable("The @context could not be fetched in time") from None

    async def _made(self, key: str, source: Any, fetch: bool) -> Context:
        """Built from the kept documents if they are enough, else with the network, if its host has room."""
        loop = asyncio.get_running_loop()
        if not fetch:
            return await loop.run_in_executor(self._builders, self._build_local, key, source)
        try:
            return await loop.run_in_executor(self._builders, self._build_kept, key, source)
        except _NotKept as error:
            name = _host_of(error.url)
        host = self._hosts.setdefault(name, _Host())
        if host.waiting >= _WAITING + _PER_HOST:
            raise LdContextNotAvailable(f"{name[:200]} has {_WAITING} contexts waiting to be fetched already")
        host.waiting += 1
        try:
            async with asyncio.timeout(self._timeout_s * 2):
                await host.slots.acquire()
            try:
                return await loop.run_in_executor(self._fetchers, self._build, key, source, self._load)
            finally:
                host.slots.release()
        except TimeoutError:
            raise LdContextNotAvailable("The @context could not be fetched in time") from None
        finally:
            host.waiting -= 1
            if not host.waiting:
                self._hosts.pop(name, None)

    def resolve_local(self, source: Any) -> Context:
        """Like ``resolve`` on this thread and without the network: bundled, hosted and kept contexts only."""
        found = self.cached(source, count=False)
        if found is not None:
            return found
        return self._build_local(source if isinstance(source, str) else _key(source), source)

    def _finished(self, key: str, done: asyncio.Future[Context]) -> None:
        self._pending.pop(key, None)
        if not done.cancelled():
            done.exception()  # told to whoever waits; nobody may wait any more

    def _build_local(self, key: str, source: Any) -> Context:
        # Made up by somebody who has not signed in: its memory ends with the request.
        keep = isinstance(source, str) or (
            isinstance(source, list) and len(source) == 1 and isinstance(source[0], str)
        )
        return self._build(key, source, self._load_local, keep=keep)

    def _build_kept(self, key: str, source: Any) -> Context:
        """Raises _NotKept with the document that has to be fetched first."""
        used: list[str] = []

        def load(url: str) -> Any:
            try:
                document = self._load_local(url)
            except LdContextNotAvailable:
                if url[0] == "/":
                    raise  # a path names a context of this platform
                raise _NotKept(url) from None
            used.append(url)
            return document

        built = self._build(key, source, load)
        for url in used:
            self._touch(url)
        return built

    def _build(self, key: str, source: Any, load: Callable[[str], Any], *, keep: bool = True) -> Context:
        simple = source[0] if isinstance(source, list) and len(source) == 1 else source
        link = simple if isinstance(simple, str) else CORE_URL
        built = build_context(simple, load, core_document()["@context"], link, self._timeout_s)
        if isinstance(simple, str) and bundled_document(simple) is core_document():
            built = self.core
        if keep:
            with self._kept.lock:
                self._remember(key, built)
        return built

    def _remember(self, key: str, built: Context) -> None:
        resolved = self._resolved
        resolved[key] = built
        weight = sum(one.weight for one in resolved.values())
        while len(resolved) > _RESOLVED_MAX or (weight > _RESOLVED_WEIGHT and len(resolved) > 1):
            weight -= resolved.popitem(last=False)[1].weight

    def _touch(self, key: str) -> None:
        entry = self._kept.at(key)
        if entry is not None:
            self.used(entry)

    def used(self, entry: Entry) -> None:
        """Count that it was found in the store (§5.13.3.5)."""
        entry.hits += 1
        entry.last_usage = self._clock()

    def _load_local(self, url: str) -> Any:
        document = bundled_document(url)
        if document is not None:
            return document
        entry = self._kept.at(url)
        if entry is None:
            raise LdContextNotAvailable(f"The @context {bare_url(url)[:200]} is not kept here")
        return entry.document

    def _load(self, url: str) -> Any:
        try:
            document = self._load_local(url)
        except LdContextNotAvailable:
            if url[0] == "/":
                raise  # a path names a context of this platform
            return self._fetched(url)
        self._touch(url)
        return document

    def _fetched(self, url: str) -> Any:
        """From the network, and kept from now on."""
        document = self._fetch(url)
        if not isinstance(document, dict) or "@context" not in document:
            raise BadRequestData(f"The document at {bare_url(url)[:200]} has no @context")
        entry = Entry(id_of(url), url, "Cached", self._clock(), orjson.dumps(document))
        if self._kept.keep(entry):
            self._stale()
        return document

    def _stale(self) -> None:
        """Contexts built from a document that is forgotten now must be built again."""
        with self._kept.lock:
            self._resolved.clear()

    # -- hosting (CIM 009 §5.13) ----------------------------------------------------------------------------
    async def host(self, document: Any, kind: Kind = "Hosted", tenant: str = "", creator: str = "") -> Entry:
        """Keep a context that a user gives (``{"@context": …}``), after checking that it resolves. ``creator``: the
        principal it belongs to."""
        _key(document)  # raises TooLarge and what is nested too deeply
        raw = orjson.dumps(document)
        self._kept.check_room(len(raw))
        await self.resolve(document["@context"])
        self._kept.check_room(len(raw))
        entry = Entry(sortable_id(self._clock()), "", kind, self._clock(), raw, tenant, creator)
        await asyncio.to_thread(self._kept.keep, entry)
        return entry

    def list_entries(self, tenant: str = "") -> list[Entry]:
        """The kept contexts, oldest first; bundled contexts first of all. What a tenant hosts, only this tenant sees."""
        carried = [Entry(id_of(url), url, "Cached", 0, None) for url in bundled_urls()]
        kept = (one for one in self._kept.entries.values() if one.kind == "Cached" or one.tenant == tenant)
        return carried + sorted(kept, key=lambda one: (one.created, one.id))

    def get_entry(self, name: str, tenant: str = "") -> Entry:
        """By local id, or by URL for a fetched or bundled context. Raises ResourceNotFound."""
        entry = self._kept.named(name)
        if entry is not None and entry.kind != "Cached" and entry.tenant != tenant:
            entry = None
        if entry is None and bundled_document(name) is not None:
            return Entry(name, name, "Cached", 0, None)
        if entry is None:
            entry = next((one for one in self.list_entries(tenant) if name in (one.id, one.url)), None)
        if entry is None:
            raise ResourceNotFound(f"There is no @context {name[:200]!r}")
        return entry

    async def delete(self, name: str, *, reload: bool = False, tenant: str = "") -> None:
        """Forget a context; ``reload`` fetches a cached one again first and keeps the old one if that fails.

        What the platform carries is always fresh; deleting it raises BadRequestData.
        """
        entry = self.get_entry(name, tenant)
        if entry.id not in self._kept.entries:
            if reload:
                return
            raise BadRequestData("This context is carried by the platform and cannot be deleted")
        if reload:
            await asyncio.get_running_loop().run_in_executor(self._fetchers, self._fetched, entry.url)
        else:
            await asyncio.to_thread(self._kept.forget, entry.id)
        self._stale()


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _key(source: Any) -> str:
    if isinstance(source, list) and len(source) == 1 and isinstance(source[0], str):
        return source[0]
    try:
        text = orjson.dumps(source)
    except TypeError:
        raise BadRequestData("The @context is nested too deeply", field="@context") from None
    if len(text) > MAX_CONTEXT_BYTES:
        raise TooLarge(f"The @context is larger than {MAX_CONTEXT_BYTES} bytes")
    return text.decode()
