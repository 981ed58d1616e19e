"""Law: a dead, slow or hostile source slows nobody else, fills no memory and breaks no answer (CIM 009 §4.3.6, §6.3.17)."""

from __future__ import annotations

import asyncio
import gzip
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from andaman.broker import name_resolution as resolving
from tests.doors.ngsild.client import Client, at_the_whole_door
from tests.doors.ngsild.source import source
from tests.doors.ngsild.test_distributed import ALL, bus, register

Serve = Callable[[asyncio.StreamWriter], Awaitable[None]]
OPERATIONS = [*ALL, "queryTemporal", "retrieveTemporal"]
TIMEOUT_MS = 800
PAST = "timerel=after&timeAt=2020-01-01T00:00:00Z&timeproperty=modifiedAt"
READS = (
    "/entities?type=Bus",
    "/entities/urn:ngsi-ld:Bus:1",
    f"/temporal/entities?type=Bus&{PAST}",
    f"/temporal/entities?type=Bus&{PAST}&options=aggregatedValues&aggrMethods=totalCount",
    "/types",
    "/types/Bus",
    "/attributes?details=true",
    "/entityMaps?type=Bus",
)
OK = b"HTTP/1.1 200 OK\r\n"


async def hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"content-length: 1000\r\n\r\n[")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def for_ever(writer: asyncio.StreamWriter, head: bytes, part: bytes) -> None:
    writer.write(head)
    while True:
        writer.write(part)
        await writer.drain()


async def chunks(writer: asyncio.StreamWriter) -> None:
    await for_ever(writer, OK + b"transfer-encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65_536 + b"\r\n")


async def tiny_chunks(writer: asyncio.StreamWriter) -> None:
    await for_ever(
        writer, OK + b"transfer-encoding: chunked\r\n\r\n", b"1;x=%s\r\n \r\n" % (b"y" * 1000) * 64
    )


async def trailers(writer: asyncio.StreamWriter) -> None:
    await for_ever(writer, OK + b"transfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n", b"x-a: b\r\n" * 1000)


async def endless_header(writer: asyncio.StreamWriter) -> None:
    await for_ever(writer, OK + b"x-long: ", b"y" * 65_536)


async def headers(writer: asyncio.StreamWriter) -> None:
    await for_ever(writer, OK, b"x-a: b\r\n" * 1000)


async def hints(writer: asyncio.StreamWriter) -> None:
    await for_ever(writer, b"", b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n" * 100)


def saying(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> Serve:
    async def say(writer: asyncio.StreamWriter) -> None:
        head = b"".join(line + b"\r\n" for line in (b"HTTP/1.1 " + status, *lines))
        writer.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return say


DEEP = b"[" * 500_000
NESTED = (
    b'{"id":"urn:ngsi-ld:Bus:1","type":"Bus","speed":{"type":"Property","value":'
    + b"[" * 900
    + b"]" * 900
    + b"}}"
)
SUBS = (
    b'{"id":"urn:ngsi-ld:Bus:1","type":"Bus","a":'
    + b'{"type":"Property","value":1,"b":' * 450
    + b"1"
    + b"}" * 451
)
MANY = orjson.dumps([bus(number, speed=number) for number in range(60_000)])
WIDE = orjson.dumps(bus(1, **{f"a{number}": number for number in range(60_000)}))
LONG = orjson.dumps(
    [
        {
            **bus(1),
            "speed": [
                {"type": "Property", "value": n, "observedAt": "2026-01-01T00:00:00Z"} for n in range(9_000)
            ],
        }
    ]
    * 10
)
ODD: list[Any] = [
    None, True, 7, "x", [[]], {}, {"id": 5}, [None], [{"id": "x", "type": "Bus"}], {"id": "urn:a:b", "type": {"a": 1}},
    [{"id": "urn:ngsi-ld:Bus:5", "type": "Bus", "speed": [[[]]]}], {"typeList": {"a": 1}}, {"entityMap": 4},
    [{"id": "urn:ngsi-ld:Bus:5", "type": "Bus", "createdAt": 5, "speed": {"type": "Property", "value": 1, "createdAt": {}}}],
    [{"id": "urn:ngsi-ld:Bus:5", "type": ["Bus"], "scope": 5}], [{"id": "urn:ngsi-ld:Bus:5", "type": "Bus", "\u0000": 1}],
    [{"id": "urn:ngsi-ld:Bus:5", "type": "Bus", "location": {"type": "GeoProperty", "value": {"type": "Point"}}}],
]  # fmt: skip
HOSTILE: dict[str, Serve] = {
    "hangs": hang,
    "drips": drip,
    "chunks without end": chunks,
    "chunks of one byte": tiny_chunks,
    "trailers without end": trailers,
    "a header without end": endless_header,
    "headers without end": headers,
    "hints without end": hints,
    "a zipped bomb": saying(gzip.compress(b"[" + b" " * (200 << 20) + b"]"), b"content-encoding: gzip"),
    "a redirect": saying(b"", b"location: http://127.0.0.1:1/", status=b"302 Found"),
    "deep": saying(DEEP),
    "nested": saying(NESTED),
    "nested in a list": saying(b"[" + NESTED + b"]"),
    "sub-attributes in sub-attributes": saying(b"[" + SUBS + b"]"),
    "more than was asked for": saying(MANY),
    "very many attributes": saying(b"[" + WIDE + b"]"),
    "long series": saying(LONG),
    "no HTTP": saying(b"x", status=b"\x00\x01"),
    **{f"odd {number}": saying(orjson.dumps(one)) for number, one in enumerate(ODD)},
}


@asynccontextmanager
async def behaving(serve: Serve) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("name", HOSTILE)
def test_answers_come_in_time_with_what_others_know(name: str, tmp_path: Any) -> None:
    @at_the_whole_door
    async def work(c: Client) -> None:
        await c("POST", "/entities", bus(1, speed=1))
        async with source((200, [bus(2, speed=2)])) as well, behaving(HOSTILE[name]) as bad:
            await register(c, well.url, "well", operations=ALL)
            await register(c, bad, "bad", operations=OPERATIONS, management={"timeout": TIMEOUT_MS})
            before = rss_mb()
            for path in READS:
                began = time.monotonic()
                got = await c("GET", path)
                assert time.monotonic() - began < 8, path
                assert got.status in (200, 201), (path, got.body[:300])
                if path == "/entities?type=Bus":
                    assert {"urn:ngsi-ld:Bus:1", "urn:ngsi-ld:Bus:2"} <= {one["id"] for one in got.json}
            for method, path, body in (
                ("POST", "/entities", bus(3)),
                ("PATCH", "/entities/urn:ngsi-ld:Bus:3/attrs", {"speed": {"type": "Property", "value": 1}}),
                ("POST", "/entityOperations/upsert", [bus(4)]),
                ("DELETE", "/entities/urn:ngsi-ld:Bus:3", None),
            ):
                began = time.monotonic()
                got = await c(method, path, body)
                assert time.monotonic() - began < 8, path
                assert got.status < 500 or got.status in (502, 503, 504), (path, got.body[:300])
            assert rss_mb() - before < 150

    work(tmp_path)


@at_the_whole_door
async def test_who_asks_for_something_else_does_not_wait(c: Client) -> None:
    """Questions for other types, to other sources and by others go on while many wait for a source that hangs."""
    car = {**bus(1), "id": "urn:ngsi-ld:Car:1", "type": "Car"}
    tram = {**bus(1), "id": "urn:ngsi-ld:Tram:1", "type": "Tram"}
    await c("POST", "/entities", car)
    async with source((200, [tram])) as well, behaving(hang) as bad:
        await register(c, bad, "bad", management={"timeout": 4000})
        await register(c, well.url, "well", information=[{"entities": [{"type": "Tram"}]}])
        stuck = [asyncio.create_task(c("GET", f"/entities?type=Bus&q=a=={n}")) for n in range(300)]
        await asyncio.sleep(0.3)
        times = []
        for _ in range(40):
            for path, wanted in (("/entities?type=Car", car), ("/entities?type=Tram", tram)):
                began = time.monotonic()
                got = await c("GET", path)
                times.append(time.monotonic() - began)
                assert got.json == [wanted]
                assert "NGSILD-Warning" not in got.headers
        assert sorted(times)[len(times) // 2] < 0.2
        assert max(times) < 2.5
        assert not any(task.done() for task in stuck)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)


@pytest.mark.parametrize(
    "name", ["more than was asked for", "very many attributes", "long series", "deep", "nested"]
)
def test_large_answers_do_not_keep_the_loop(name: str, tmp_path: Any) -> None:
    @at_the_whole_door
    async def work(c: Client) -> None:
        async with behaving(HOSTILE[name]) as bad:
            await register(c, bad, "bad", operations=OPERATIONS)
            longest, ended = 0.0, False

            async def watch() -> None:
                nonlocal longest
                while not ended:
                    began = time.monotonic()
                    await asyncio.sleep(0.001)
                    longest = max(longest, time.monotonic() - began)

            watching = asyncio.create_task(watch())
            for path in (
                "/entities?type=Bus&attrs=nothing",
                f"/temporal/entities?type=Bus&attrs=nothing&{PAST}",
            ):
                await c("GET", path)
            ended = True
            await watching
            assert longest < 2.0  # seconds of a machine that may be busy with other things

    work(tmp_path)


@at_the_whole_door
async def test_contexts_that_a_source_names_cost_a_moment_at_most(c: Client) -> None:
    """Each entity names another @context, at a server that hangs."""
    async with behaving(hang) as slow:
        many = [{**bus(number), "@context": f"{slow}/{number}.jsonld"} for number in range(20)]
        async with source((200, [*many, bus(99)])) as one:
            await register(c, one.url, contextSourceInfo=[{"key": "accept", "value": "application/ld+json"}])
            began = time.monotonic()
            got = await c("GET", "/entities?type=Bus")
            assert time.monotonic() - began < 9
            assert [each["id"] for each in got.json] == ["urn:ngsi-ld:Bus:99"]
            assert got.headers["NGSILD-Warning"].startswith("111 ")


@at_the_whole_door
async def test_a_name_server_that_hangs_holds_up_no_other(c: Client) -> None:
    """Many questions to one name ask for it once, and not in the threads that everybody works in."""
    asked: list[str] = []
    real = resolving._resolved

    def slow(host: str, port: int) -> list[str]:
        asked.append(host)
        if host.endswith(".invalid"):
            time.sleep(1.5)
        return real(host, port)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolving, "_resolved", slow)
        async with source((200, [{**bus(1), "id": "urn:ngsi-ld:Tram:1", "type": "Tram"}])) as well:
            await register(c, "http://nowhere.invalid", "bad")
            local = well.url.replace("127.0.0.1", "localhost")
            await register(c, local, "well", information=[{"entities": [{"type": "Tram"}]}])
            stuck = [asyncio.create_task(c("GET", f"/entities?type=Bus&q=a=={n}")) for n in range(40)]
            await asyncio.sleep(0.1)
            began = time.monotonic()
            assert len((await c("GET", "/entities?type=Tram")).json) == 1
            await asyncio.to_thread(lambda: None)
            assert time.monotonic() - began < 1.2
            for got in await asyncio.gather(*stuck):
                assert got.headers["NGSILD-Warning"].startswith("199 ")
            assert asked.count("nowhere.invalid") <= 6
