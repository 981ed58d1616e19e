"""Law: a dead, slow or hostile context server slows nobody else and fills no memory, whatever its documents say."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from andaman.broker.contexts import ContextStore, kept, store
from andaman.kernel.errors import AndamanError, BadRequestData, Conflict, LdContextNotAvailable

Serve = Callable[[str, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    """``serve`` gets the path asked for."""

    async def safely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            await serve(head.split(b" ")[1].decode(), reader, writer)
        writer.close()

    running = await asyncio.start_server(safely, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
    finally:
        running.close()


def answer(document: Any, status: str = "200 OK", headers: str = "") -> bytes:
    body = orjson.dumps(document)
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def dead(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing."""
    await reader.read()


async def drips(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte of a header now and then, within every pause a server may make, without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"y")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drips_body(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def one_header(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A single header that never ends, as fast as it goes."""
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"y" * 65_536)
        await writer.drain()


async def trailers(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A whole document, then trailers that never end."""
    writer.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: "')
    while True:
        writer.write(b"y" * 65_536)
        await writer.drain()


async def flood(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
        await writer.drain()


async def noise(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff" * 1000)


@pytest.mark.parametrize("behaviour", [dead, drips, drips_body, one_header, trailers, flood, noise])
def test_a_hostile_server_ends_in_its_time(behaviour: Serve) -> None:
    """§6.3.2: LdContextNotAvailable, and the thread is free again, not only the one who asked."""

    async def run() -> None:
        async with server(behaviour) as url:
            contexts = ContextStore(allow_private=True, timeout_s=0.5)
            start = time.monotonic()
            with pytest.raises(LdContextNotAvailable):
                await asyncio.get_running_loop().run_in_executor(None, contexts._load, f"{url}/x")
            assert time.monotonic() - start < 3
            contexts.close()

    asyncio.run(run())


@pytest.mark.parametrize("behaviour", [dead, drips])
def test_a_server_that_hangs_keeps_nobody_else_waiting(behaviour: Serve, tmp_path: Path) -> None:
    """While a hundred contexts of a dead server are asked for: contexts in the request, hosted ones and those of
    other servers are there at once."""

    async def well(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer({"@context": {"speed": "http://x.org/speed"}}))

    async def run() -> None:
        contexts = ContextStore(tmp_path, allow_private=True, timeout_s=2.0)
        hosted = await contexts.host({"@context": {"speed": "http://h.org/speed"}})
        async with server(behaviour) as bad, server(well) as good:
            stuck = [asyncio.ensure_future(contexts.resolve(f"{bad}/{n}")) for n in range(100)]
            await asyncio.sleep(0.1)
            async with asyncio.timeout(1.5):  # less than one of them may take
                inline = await contexts.resolve({"speed": "http://y.org/speed"})
                here = await contexts.resolve(f"http://this/ngsi-ld/v1/jsonldContexts/{hosted.id}")
                others = [await contexts.resolve(f"{good}/{n}") for n in range(3)]
            assert not any(one.done() and one.exception() is None for one in stuck)
            assert inline.expand_term("speed") == "http://y.org/speed"
            assert here.expand_term("speed") == "http://h.org/speed"
            assert {one.expand_term("speed") for one in others} == {"http://x.org/speed"}
            ended = await asyncio.gather(*stuck, return_exceptions=True)
            assert all(isinstance(one, LdContextNotAvailable) for one in ended)
        contexts.close()

    asyncio.run(run())


def fetched(documents: dict[str, Any], source: Any, **options: Any) -> tuple[AndamanError | None, int]:
    """The error of resolving ``source`` over an Internet of ``documents``, and how many were fetched."""
    asked: list[str] = []

    def fetch(url: str) -> Any:
        asked.append(url)
        return documents.get(url, {"@context": {"n": url}})

    async def run() -> AndamanError | None:
        contexts = ContextStore(fetch=fetch, **options)
        try:
            await contexts.resolve(source)
        except AndamanError as error:
            return error
        finally:
            contexts.close()
        return None

    return asyncio.run(run()), len(asked)


A, B = "http://a.example/a", "http://b.example/b"


@pytest.mark.parametrize(
    ("name", "documents", "source"),
    [
        ("itself", {A: {"@context": A}}, A),
        ("two in a circle", {A: {"@context": [B]}, B: {"@context": {"@import": A}}}, A),
        ("circle by lists", {A: {"@context": [[[B]]]}, B: {"@context": [[A]]}}, A),
        ("import of itself", {A: {"@context": {"@import": A}}}, A),
        ("import of an import", {A: {"@context": {"@import": B}}, B: {"@context": {"@import": A}}}, A),
        ("terms in a circle", {}, {"a": "b:x", "b": "a:y"}),
        ("a term by itself", {}, {"a": {"@id": "a:x"}, "b": {"@id": "x", "@type": "b:c"}}),
        (
            "a long chain of documents",
            {f"http://c.example/{n}": {"@context": f"http://c.example/{n + 1}"} for n in range(99)},
            "http://c.example/0",
        ),
        ("many documents", {}, [f"http://c.example/{n}" for n in range(99)]),
        ("many imports", {}, [{"@import": f"http://c.example/{n}"} for n in range(99)]),
        (
            "a bomb of documents that double",
            {f"http://c.example/{n}": {"@context": [f"http://c.example/{n + 1}"] * 2} for n in range(40)},
            "http://c.example/0",
        ),
        ("a long chain of terms", {}, {f"t{n}": f"t{n + 1}:x" for n in range(999)}),
        (
            "many terms",
            {f"http://c.example/{m}": {"@context": {f"t{n}_{m}": "x:y" for n in range(9_000)}} for m in range(7)},
            [f"http://c.example/{m}" for m in range(7)],
        ),
        ("too deep", {}, [[[[[[[[[[[[[[[[[[[{"a": 1}]]]]]]]]]]]]]]]]]]]),
        ("an import of a file", {}, {"@import": "file:///etc/passwd"}),
        ("a file", {}, "file:///etc/passwd"),
        ("a bare name", {}, ["context.jsonld"]),
    ],
)  # fmt: skip
def test_5_5_7_cycles_and_bombs_are_refused_soon(name: str, documents: dict[str, Any], source: Any) -> None:
    start = time.process_time()
    error, asked = fetched(documents, source)
    assert isinstance(error, BadRequestData), name
    assert asked <= 32
    assert time.process_time() - start < 3


def test_expansion_of_terms_does_not_explode() -> None:
    """A billion laughs: each term twice the one before it. IRIs have a bound, so that memory has."""
    source = {"t0": "http://x.org/", **{f"t{n}": f"t{n - 1}:{'y' * 1000}/" for n in range(1, 60)}}
    error, _ = fetched({}, source)
    assert isinstance(error, BadRequestData)
    assert "2048" in error.detail


def test_a_slow_chain_of_documents_ends_in_the_time_of_one() -> None:
    """Each answers in time, all together would take ten times as long."""

    def slow(url: str) -> Any:
        time.sleep(0.2)
        return {"@context": f"{url}0"}

    async def run() -> None:
        contexts = ContextStore(fetch=slow, timeout_s=0.3)
        start = time.monotonic()
        with pytest.raises(LdContextNotAvailable):
            await asyncio.get_running_loop().run_in_executor(None, contexts._build, A, A, contexts._load)
        assert time.monotonic() - start < 1.5
        contexts.close()

    asyncio.run(run())


def test_redirects_to_addresses_inside_are_refused_at_every_step() -> None:
    """Also where the first one was public or allowed, by any redirect status, and by an alternate link."""
    targets = [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/x",
        "http://[::ffff:169.254.169.254]/x",
        "http://0.0.0.0/x",
        "http://2852039166/",  # 169.254.169.254 as one number
    ]

    async def moves(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status, number = path.strip("/").split("/")
        target = targets[int(number)]
        if status == "200":
            link = f'Content-Type: text/html\r\nLink: <{target}>; rel="alternate"; type="application/ld+json"\r\n'
            writer.write(answer({}, headers=link))
        else:
            writer.write(answer({}, f"{status} Moved", f"Location: {target}\r\n"))

    async def run() -> None:
        async with server(moves) as url:
            contexts = ContextStore(allow_private=True, timeout_s=1.0)
            for status in (301, 302, 303, 307, 308, 200):
                for number, target in enumerate(targets):
                    if "0.0.0.0" in target:
                        continue  # loopback under another name, which this store allows
                    with pytest.raises((BadRequestData, LdContextNotAvailable)):
                        await contexts.resolve(f"{url}/{status}/{number}")
            contexts.close()
            closed = ContextStore(timeout_s=1.0)
            for target in (
                f"{url}/x",
                *targets,
                "http://localhost/x",
                "http://127.1/x",
                "http://0x7f000001/",
            ):
                with pytest.raises(BadRequestData):
                    await closed.resolve(target)
            closed.close()

    asyncio.run(run())


def test_what_is_kept_has_a_budget_of_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetched contexts go, the oldest first, for new ones; what was hosted stays, and one too many is refused."""
    monkeypatch.setattr(kept, "CACHED_BYTES", 100_000)
    monkeypatch.setattr(kept, "HOSTED_BYTES", 45_000)
    filler = {f"t{n}": "http://x.org/" + "y" * 60 for n in range(100)}

    async def run() -> None:
        contexts = ContextStore(tmp_path, fetch=lambda url: {"@context": filler})
        hosted = [await contexts.host({"@context": filler}) for _ in range(5)]
        with pytest.raises(Conflict):
            await contexts.host({"@context": filler})
        for number in range(60):
            await contexts.resolve(f"http://x.example/{number}")
        entries = contexts._kept.entries.values()
        cached = [one for one in entries if one.kind == "Cached"]
        assert sum(len(one.raw or b"") for one in cached) <= 100_000
        assert cached[-1].url == "http://x.example/59"
        assert len(os.listdir(tmp_path)) == len(entries)
        contexts.close()
        again = ContextStore(tmp_path, fetch=lambda url: {"@context": {}})
        assert {one.id for one in hosted} <= {one.id for one in again.list_entries()}
        again.close()

    asyncio.run(run())


def test_resolved_contexts_have_a_budget_and_the_used_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger who makes up contexts drops neither the memory's bound nor the city's own context out of it."""
    monkeypatch.setattr(store, "_RESOLVED_MAX", 8)

    async def run() -> None:
        contexts = ContextStore(fetch=lambda url: {"@context": {"speed": url}})
        mine = await contexts.resolve("http://city.example/c")
        for number in range(50):
            await contexts.resolve({"a": f"http://x.org/{number}"})
            assert contexts.cached("http://city.example/c") is mine
        assert len(contexts._resolved) <= 8
        monkeypatch.setattr(store, "_RESOLVED_WEIGHT", 2_000)
        for number in range(20):
            await contexts.resolve({f"t{n}": f"http://x.org/{number}" for n in range(500)})
        assert sum(one.weight for one in contexts._resolved.values()) <= 2_000
        for number in range(10_000):
            mine.expand_term(f"a{number}")
            mine.expand_term(f"a{'y' * 500}{number}")
        assert len(mine.iris) <= 4_096
        contexts.close()

    asyncio.run(run())


def test_5_13_5_a_reload_that_brings_no_context_keeps_the_old_one() -> None:
    documents: list[Any] = [{"@context": {"a": "http://x.org/1"}}]

    async def run() -> None:
        contexts = ContextStore(fetch=lambda url: documents[-1])
        await contexts.resolve(A)
        for bad in ([1], {"a": 1}, None, "text"):
            documents.append(bad)
            with pytest.raises(BadRequestData):
                await contexts.delete(A, reload=True)
            assert (await contexts.resolve(A)).expand_term("a") == "http://x.org/1"
        documents.append({"@context": {"a": "http://x.org/2"}})
        await contexts.delete(A, reload=True)
        assert (await contexts.resolve(A)).expand_term("a") == "http://x.org/2"
        contexts.close()

    asyncio.run(run())
