"""Keeping contexts: fetched once, limits, private addresses, restart, hosting."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from andaman.broker.contexts import CORE_URL, ContextStore
from andaman.broker.contexts.fetch import fetch_json
from andaman.broker.entity.build import iri
from andaman.kernel.addresses import allowed_address
from andaman.kernel.errors import BadRequestData, LdContextNotAvailable, ResourceNotFound

TERM = {"@context": {"speed": "http://ex.org/speed"}}


class Handler(BaseHTTPRequestHandler):
    hits = 0

    def do_GET(self) -> None:
        Handler.hits += 1
        body, status, headers = orjson.dumps(TERM), 200, {"Content-Type": "application/ld+json"}
        if self.path == "/huge":
            body = b'{"@context": {"a": "' + b"x" * 2_000_000 + b'"}}'
        elif self.path == "/text":
            body = b"no json"
        elif self.path == "/list":
            body = b"[1]"
        elif self.path == "/metadata":
            status, headers = 302, {"Location": "http://169.254.169.254/latest/meta-data"}
        elif self.path == "/loop":
            status, headers = 302, {"Location": "/loop"}
        elif self.path == "/self":
            body = orjson.dumps({"@context": [f"http://127.0.0.1:{self.server.server_address[1]}/self"]})
        elif self.path == "/html":
            body = b"<html>"
            headers = {
                "Content-Type": "text/html",
                "Link": '</ok>; rel="alternate"; type="application/ld+json"',
            }
        elif self.path == "/gone":
            status = 404
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def base() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.hits = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_remote_context_is_fetched_once_and_survives_restart(base: str, tmp_path: Path) -> None:
    async def run() -> None:
        store = ContextStore(tmp_path, allow_private=True)
        found = await asyncio.gather(*(store.resolve(f"{base}/ok") for _ in range(20)))
        assert {one.expand_term("speed") for one in found} == {"http://ex.org/speed"}
        again = await store.resolve([f"{base}/ok", {"x": "http://x.org/x"}])
        assert again.expand_term("x") == "http://x.org/x"
        assert Handler.hits == 1
        store.close()
        later = ContextStore(tmp_path)
        assert later.resolve_local(f"{base}/ok").expand_term("speed") == "http://ex.org/speed"
        later.close()

    asyncio.run(run())


def test_a_list_of_one_address_is_that_address(base: str) -> None:
    async def run() -> None:
        for order in ([f"{base}/ok", [f"{base}/ok"]], [[f"{base}/ok"], f"{base}/ok"]):
            store = ContextStore(allow_private=True)
            members = [(await store.resolve(source)).member for source in order]
            assert members[0] == members[1]
            store.close()

    asyncio.run(run())


def test_a_mirror_may_be_local_and_the_context_keeps_its_public_address(base: str) -> None:
    async def run() -> None:
        store = ContextStore(mirrors=[("https://contexts.example/", f"{base}/")])
        found = await store.resolve("https://contexts.example/ok")
        assert found.expand_term("speed") == "http://ex.org/speed"
        assert store.get_entry("https://contexts.example/ok").kind == "Cached"
        with pytest.raises(BadRequestData):  # the mirror opens no way to other local addresses
            await store.resolve(f"{base}/ok")
        store.close()

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/huge", "/loop", "/gone"])
def test_what_cannot_be_had_is_context_not_available(base: str, path: str) -> None:
    store = ContextStore(allow_private=True)
    with pytest.raises(LdContextNotAvailable):
        asyncio.run(store.resolve(base + path))
    store.close()


@pytest.mark.parametrize("path", ["/text", "/list"])
def test_5_5_6_what_is_had_but_is_no_context_is_bad_request_data(base: str, path: str) -> None:
    store = ContextStore(allow_private=True)
    with pytest.raises(BadRequestData):
        asyncio.run(store.resolve(base + path))
    store.close()


def test_the_answers_context_names_the_core_only_where_the_given_one_lacks_it() -> None:
    core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"
    store = ContextStore()
    assert store.resolve_local([{"a": "http://x.org/a"}]).member == [{"a": "http://x.org/a"}, CORE_URL]
    assert store.resolve_local([{"a": "http://x.org/a"}, core]).member == [{"a": "http://x.org/a"}, core]
    store.close()


def test_alternate_link_is_followed_and_cycles_are_refused(base: str) -> None:
    store = ContextStore(allow_private=True)
    assert asyncio.run(store.resolve(base + "/html")).expand_term("speed") == "http://ex.org/speed"
    with pytest.raises(BadRequestData):
        asyncio.run(store.resolve(base + "/self"))
    store.close()


def test_loopback_is_refused_unless_allowed_and_redirects_are_checked(base: str) -> None:
    with pytest.raises(BadRequestData):
        fetch_json(base + "/ok")
    with pytest.raises(BadRequestData):
        fetch_json(base + "/metadata", allow_private=True)
    assert fetch_json(base + "/ok", allow_private=True) == TERM


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("8.8.8.8", True, True),
        ("127.0.0.1", False, True),
        ("10.1.2.3", False, True),
        ("192.168.0.1", False, True),
        ("169.254.169.254", False, False),
        ("0.0.0.0", False, False),
        ("224.0.0.1", False, False),
        ("::1", False, True),
        ("fe80::1", False, False),
        ("::ffff:127.0.0.1", False, True),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("100.64.0.1", False, False),
        ("2001:4860:4860::8888", True, True),
    ],
)
def test_addresses(address: str, public: bool, private: bool) -> None:
    assert allowed_address(address, False) is public
    assert allowed_address(address, True) is private


def test_a_silent_server_costs_only_the_time_limit() -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    store = ContextStore(allow_private=True, timeout_s=0.3)
    with pytest.raises(LdContextNotAvailable):
        asyncio.run(store.resolve(f"http://127.0.0.1:{silent.getsockname()[1]}/x"))
    store.close()
    silent.close()


def test_5_13_hosting_listing_and_deleting(tmp_path: Path) -> None:
    async def run() -> None:
        store = ContextStore(tmp_path)
        entry = await store.host(TERM)
        assert store.get_entry(entry.id).document == TERM
        url = f"http://any.host/ngsi-ld/v1/jsonldContexts/{entry.id}"
        assert (await store.resolve(url)).expand_term("speed") == "http://ex.org/speed"
        assert entry.id in [one.id for one in store.list_entries()]
        assert entry.id not in [one.id for one in store.list_entries("other tenant")]
        with pytest.raises(ResourceNotFound):
            store.get_entry(entry.id, "other tenant")
        await store.delete(entry.id)
        with pytest.raises(ResourceNotFound):
            store.get_entry(entry.id)
        with pytest.raises(BadRequestData):
            await store.host({"@context": {"a": 5}})
        store.close()

    asyncio.run(run())


def test_bundled_contexts_need_no_network() -> None:
    def fail(url: str) -> Any:
        raise AssertionError(url)

    store = ContextStore(fetch=fail)
    for url in (
        "https://raw.githubusercontent.com/smart-data-models/dataModel.Transportation/master/context.jsonld",
        "https://smart-data-models.github.io/dataModel.Transportation/context.jsonld",
    ):
        name = asyncio.run(store.resolve(url)).expand_term("Vehicle")
        assert name == "https://smartdatamodels.org/dataModel.Transportation/Vehicle"
    for version in ("", "-v1.3", "-v1.8"):
        url = f"https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context{version}.jsonld"
        assert asyncio.run(store.resolve(url)) is store.core
    for url in ("/ngsi-ld/contexts/andaman.jsonld", "https://city.example/ngsi-ld/contexts/andaman.jsonld"):
        assert asyncio.run(store.resolve(url)).expand_term("speed") == iri("speed")
    with pytest.raises(AssertionError):
        asyncio.run(store.resolve("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-non-existing.jsonld"))
    store.close()
