"""The store of contexts: resolve once, keep, answer from memory (CIM 009 §4.4, §5.5.5, §5.13)."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from andaman.broker.contexts.bundled import bundled_document, bundled_urls, core_document
from andaman.broker.contexts.fetch import TIMEOUT_S, fetch_json
from andaman.broker.contexts.mirrors import Mirrors, mirrored
from andaman.broker.contexts.model import CORE_URL, Context
from andaman.broker.contexts.process import build_context
from andaman.kernel.errors import BadRequestData, Conflict, LdContextNotAvailable, ResourceNotFound, TooLarge
from andaman.kernel.ids import sortable_id
from andaman.kernel.time import Clock, Micros, system_clock

Kind = Literal["Hosted", "Cached", "ImplicitlyCreated"]
MAX_CONTEXT_BYTES: Final = 1 << 20
_RESOLVED_MAX: Final = 256
_CACHED_MAX: Final = 1000
_HOSTED_MAX: Final = 1000


@dataclass(slots=True)
class Entry:
    """A context the store keeps: ``id`` is local, ``url`` is where it was fetched from or is served."""

    id: str
    url: str
    kind: Kind
    created: Micros
    document: Any
    tenant: str = ""
    last_usage: Micros = 0
    hits: int = 0


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
    ) -> None:
        self._directory = directory
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
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._by_url: dict[str, str] = {}
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="contexts")
        self.core = build_context(None, self._load, core_document()["@context"], CORE_URL)
        """The context of a request that gives none."""
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            self._read_directory(directory)

    def close(self) -> None:
        """Let go of the threads; a fetch under way is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    # -- resolving ------------------------------------------------------------------------------------------
    def cached(self, source: Any, *, count: bool = True) -> Context | None:
        """The resolved context if it is in memory; never waits. ``source``: URL, object, list or None.

        ``count``: a request uses it, which its entry tells (§5.13.3.5); the platform's own look-ups do not count.
        """
        if source is None:
            return self.core
        key = source if isinstance(source, str) else _key(source)
        found = self._resolved.get(key)
        if found is not None and count:
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
            loop = asyncio.get_running_loop()
            pending = loop.run_in_executor(self._pool, self._build, key, source, not fetch)
            self._pending[mark] = pending
            pending.add_done_callback(lambda done: self._finished(mark, done))
        try:
            return await asyncio.wait_for(asyncio.shield(pending), self._timeout_s * 2)
        except TimeoutError:
            raise LdContextNotAvailable("The @context could not be fetched in time") from None

    def resolve_local(self, source: Any) -> Context:
        """Like ``resolve`` on this thread and without the network: bundled, hosted and kept contexts only."""
        found = self.cached(source, count=False)
        if found is not None:
            return found
        return self._build(source if isinstance(source, str) else _key(source), source, local=True)

    def _finished(self, key: str, done: asyncio.Future[Context]) -> None:
        self._pending.pop(key, None)
        if not done.cancelled():
            done.exception()  # told to whoever waits; nobody may wait any more

    def _build(self, key: str, source: Any, local: bool = False) -> Context:
        simple = source[0] if isinstance(source, list) and len(source) == 1 else source
        link = simple if isinstance(simple, str) else CORE_URL
        load = self._load_local if local else self._load
        built = build_context(simple, load, core_document()["@context"], link, self._timeout_s)
        if isinstance(simple, str) and bundled_document(simple) is core_document():
            built = self.core
        if local and not isinstance(simple, str):
            return built  # made up by somebody who has not signed in: its memory ends with the request
        with self._lock:
            self._resolved[key] = built
            if len(self._resolved) > _RESOLVED_MAX:
                self._resolved.popitem(last=False)
        return built

    def _touch(self, key: str) -> None:
        entry = self._entry_at(key)
        if entry is not None:
            self.used(entry)

    def used(self, entry: Entry) -> None:
        """Count that it was found in the store (§5.13.3.5)."""
        entry.hits += 1
        entry.last_usage = self._clock()

    def _entry_at(self, url: str) -> Entry | None:
        """The entry that was fetched from this URL or is hosted under it."""
        return self._entries.get(self._by_url.get(url) or url.rpartition("/jsonldContexts/")[2])

    def _load_local(self, url: str) -> Any:
        document = bundled_document(url)
        if document is not None:
            return document
        entry = self._entry_at(url)
        if entry is None:
            raise LdContextNotAvailable(f"The @context {url[:200]} is not kept here")
        return entry.document

    def _load(self, url: str) -> Any:
        try:
            document = self._load_local(url)
        except LdContextNotAvailable:
            if url[0] == "/":
                raise  # a path names a context of this platform
            document = self._fetch(url)
        else:
            self._touch(url)
            return document
        if not isinstance(document, dict) or "@context" not in document:
            raise BadRequestData(f"The document at {url[:200]} has no @context")
        self._keep(url, document, "Cached")
        return document

    # -- keeping --------------------------------------------------------------------------------------------
    def _keep(self, url: str, document: Any, kind: Kind, tenant: str = "") -> Entry:
        entry_id = hashlib.sha256(url.encode()).hexdigest()[:32] if url else sortable_id(self._clock())
        entry = Entry(entry_id, url, kind, self._clock(), document, tenant)
        with self._lock:
            cached = [one.id for one in self._entries.values() if one.kind == "Cached"]
            if kind == "Cached" and len(cached) >= _CACHED_MAX:
                self._forget(cached[0])
            self._entries[entry_id] = entry
            if url:
                self._by_url[url] = entry_id
        self._write(entry)
        return entry

    def _path(self, entry_id: str) -> Path | None:
        return None if self._directory is None else self._directory / f"{entry_id}.json"

    def _write(self, entry: Entry) -> None:
        path = self._path(entry.id)
        if path is None:
            return
        content = {
            "id": entry.id,
            "url": entry.url,
            "kind": entry.kind,
            "created": entry.created,
            "document": entry.document,
            "tenant": entry.tenant,
        }
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(orjson.dumps(content))
        os.replace(temporary, path)

    def _read_directory(self, directory: Path) -> None:
        for path in sorted(directory.glob("*.json")):
            try:
                content = orjson.loads(path.read_bytes())
                entry = Entry(**content)
            except (orjson.JSONDecodeError, KeyError, TypeError, OSError):
                continue  # a torn file is a cache miss, and fetched again
            self._entries[entry.id] = entry
            if entry.url:
                self._by_url[entry.url] = entry.id

    def _forget(self, entry_id: str) -> None:
        entry = self._entries.pop(entry_id)
        if entry.url:
            self._by_url.pop(entry.url, None)
        self._resolved.clear()  # what was built from it may be stale
        path = self._path(entry_id)
        if path is not None:
            path.unlink(missing_ok=True)

    # -- hosting (CIM 009 §5.13) ----------------------------------------------------------------------------
    async def host(self, document: Any, kind: Kind = "Hosted", tenant: str = "") -> Entry:
        """Keep a context that a user gives (``{"@context": …}``), after checking that it resolves."""
        if sum(one.kind != "Cached" for one in self._entries.values()) >= _HOSTED_MAX:
            raise Conflict(f"There are {_HOSTED_MAX} hosted contexts already; delete some first")
        _key(document)  # raises TooLarge and what is nested too deeply
        await self.resolve(document["@context"])
        return self._keep("", document, kind, tenant)

    def list_entries(self, tenant: str = "") -> list[Entry]:
        """What is kept, oldest first; bundled contexts first of all. What a tenant hosts, only this tenant sees."""
        carried = [
            Entry(hashlib.sha256(url.encode()).hexdigest()[:32], url, "Cached", 0, None)
            for url in bundled_urls()
        ]
        kept = (one for one in self._entries.values() if one.kind == "Cached" or one.tenant == tenant)
        return carried + sorted(kept, key=lambda one: (one.created, one.id))

    def get_entry(self, name: str, tenant: str = "") -> Entry:
        """By local id, or by URL for what was fetched or is carried. Raises ResourceNotFound."""
        entry = self._entries.get(name) or self._entries.get(self._by_url.get(name, ""))
        if entry is not None and entry.kind != "Cached" and entry.tenant != tenant:
            entry = None
        if entry is None and bundled_document(name) is not None:
            return Entry(name, name, "Cached", 0, bundled_document(name))
        if entry is None:
            entry = next((one for one in self.list_entries(tenant) if name in (one.id, one.url)), None)
        if entry is None:
            raise ResourceNotFound(f"There is no @context {name[:200]!r}")
        if entry.document is None:
            return Entry(entry.id, entry.url, entry.kind, entry.created, bundled_document(entry.url))
        return entry

    async def delete(self, name: str, *, reload: bool = False, tenant: str = "") -> None:
        """Forget a context; ``reload`` fetches a cached one again first and keeps the old one if that fails.

        What the platform carries is always fresh; deleting it raises BadRequestData.
        """
        entry = self.get_entry(name, tenant)
        if entry.id not in self._entries:
            if reload:
                return
            raise BadRequestData("This context is carried by the platform and cannot be deleted")
        if reload:
            loop = asyncio.get_running_loop()
            document = await loop.run_in_executor(self._pool, self._fetch, entry.url)
            with self._lock:
                self._forget(entry.id)
            self._keep(entry.url, document, entry.kind)
            return
        with self._lock:
            self._forget(entry.id)


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
