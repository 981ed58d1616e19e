"""What a client may send, and how long it may take: everything has a bound, is refused with its status, and leaves no line of
its own in the log."""

from __future__ import annotations

import asyncio
import logging
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.wire.clients import Patience

from .conftest import connect, lasting, run, serving

HOST = b"Host: a\r\n"
GET = b"GET /x HTTP/1.1\r\n" + HOST
POST = b"POST /x HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
FUZZ = int(os.environ.get("ANDAMAN_FUZZ", "40"))
QUICK = Patience(head_s=0.6, body_s=0.6, unread_s=0.6, rest_s=1, rate=50_000)

REFUSED = {
    "no host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "two hosts": (400, GET + HOST + b"\r\n"),
    "two hosts, the same": (400, b"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\nHost: a\r\n\r\n"),
    "a host with a blank": (400, b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    "a host with a path": (400, b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    "a host with a user": (400, b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    "a host with another's port": (400, b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
    "a host that is not ASCII": (400, b"GET / HTTP/1.1\r\nHost: \xe0\r\n\r\n"),
    "blank before the colon": (400, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    "HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/3": (400, b"GET / HTTP/3.0\r\n" + HOST + b"\r\n"),
    "no version": (400, b"GET /\r\n\r\n"),
    "TLS": (400, bytes.fromhex("1603010200010001fc0303") + bytes(64)),
    "SSH": (400, b"SSH-2.0-OpenSSH_9.2\r\n"),
    "zeros": (400, bytes(1000)),
    "another method": (400, b"FOO / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "CONNECT": (400, b"CONNECT a:80 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no slash": (400, b"GET x HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a path that is not ASCII": (400, b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n"),
    "NUL in the path": (400, b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n"),
    "NUL in a header": (400, GET + b"X: a\0b\r\n\r\n"),
    "a folded header": (400, GET + b"X: a\r\n b\r\n\r\n"),
    "line feeds alone": (400, b"GET / HTTP/1.1\nHost: a\n\n"),
    "a header without a name": (400, GET + b": a\r\n\r\n"),
    "length and chunks": (400, POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunks and length": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
    "two lengths": (400, POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
    "two equal lengths": (400, POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    "a list of lengths": (400, POST + b"Content-Length: 3, 3\r\n\r\nabc"),
    "a signed length": (400, POST + b"Content-Length: +3\r\n\r\nabc"),
    "a length below zero": (400, POST + b"Content-Length: -3\r\n\r\nabc"),
    "a length in hex": (400, POST + b"Content-Length: 0x3\r\n\r\nabc"),
    "no length": (400, POST + b"Content-Length:\r\n\r\nabc"),
    "a length beyond 64 bits": (400, POST + b"Content-Length: 99999999999999999999\r\n\r\nabc"),
    "gzip": (400, POST + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n"),
    "gzip, chunked": (400, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "chunked, identity": (400, POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "chunked twice": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "xchunked": (400, POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "chunked in 1.0": (400, b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a chunk size that is none": (400, CHUNKED + b"zz\r\nab\r\n0\r\n\r\n"),
    "a chunk size below zero": (400, CHUNKED + b"-1\r\nab\r\n0\r\n\r\n"),
    "a chunk size in 0x": (400, CHUNKED + b"0x2\r\nab\r\n0\r\n\r\n"),
    "a chunk size beyond 64 bits": (400, CHUNKED + b"f" * 20 + b"\r\n"),
    "a chunk longer than it says": (400, CHUNKED + b"2\r\nabc\r\n0\r\n\r\n"),
    "an extension without end": (400, CHUNKED + b"2;" + b"a" * 100_000),
    "trailers without end": (400, CHUNKED + b"2\r\nab\r\n0\r\n" + b"a: b\r\n" * 20_000),
    "a chunk size without end": (400, CHUNKED + b"0" * 100_000),
    "chunks of one byte": (400, CHUNKED + b"1\r\na\r\n" * 50_000),
    "a URL without end": (414, b"GET /" + b"a" * 1_000_000),
    "a URL of 70 KB": (414, b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a query of 70 KB": (414, b"GET /?" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a header without end": (431, GET + b"X: " + b"a" * 1_000_000),
    "a name without end": (431, GET + b"X: b\r\n" + b"a" * 1_000_000),
    "blanks without end": (431, GET + b"X:" + b" " * 1_000_000),
    "a header of 66 KB": (431, GET + b"X: " + b"a" * 66_000 + b"\r\n\r\n"),
    "headers of 66 KB": (431, GET + (b"X: " + b"a" * 996 + b"\r\n") * 66 + b"\r\n"),
    "215,000 headers": (431, GET + b"a:b\r\n" * 215_000),
    "129 headers": (431, GET + b"a:b\r\n" * 128 + b"\r\n"),
    "line ends without end": (414, b"\r\n" * 500_000),
    "a handshake with POST": (400, b"POST /x HTTP/1.1\r\n" + HOST + b"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\na"),
    "a handshake without a key": (400, GET + b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"),
    "a handshake's key not ASCII": (400, GET + b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: \xff\r\n\r\n"),
    "a handshake's line of 9 KB": (400, GET + b"Connection: upgrade\r\nUpgrade: websocket\r\nX: " + b"a" * 9000 + b"\r\n\r\n"),
}  # fmt: skip

ANSWERED = {
    "an empty host": (200, b"GET /x HTTP/1.1\r\nHost:\r\n\r\n"),
    "a host in brackets": (200, b"GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
    "1.0 without a host": (200, b"GET /x HTTP/1.0\r\n\r\n"),
    "a whole URL": (200, b"GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
    "60 KB of headers": (200, GET + b"X: " + b"a" * 60_000 + b"\r\n\r\n"),
    "127 headers": (200, GET + b"a:b\r\n" * 126 + b"\r\n"),
    "bytes above ASCII in a header": (200, GET + b"X: \xe0\xb8\xa0\r\n\r\n"),
    "broken percent escapes": (200, b"GET /%zz%ff%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "chunks": (200, CHUNKED + b"2\r\nab\r\n3;e=1\r\nabc\r\n0\r\n\r\n"),
    "upgrade to what is unknown": (200, GET + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
    "an empty line before": (200, b"\r\n" + GET + b"\r\n"),
}


def test_each_malformed_request_has_its_status_and_no_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of each: the answer is a problem, the connection ends; the next client is served."""
    caplog.set_level(logging.DEBUG)

    async def work() -> None:
        async with serving(Patience()) as (server, port):
            for name, (status, data) in (REFUSED | ANSWERED).items():
                raw = await connect(port)
                await raw.send(data)
                await raw.hear(answers=None if name in REFUSED else 1)
                assert raw.statuses() == [status], name
                if name in REFUSED:
                    assert raw.ended, name
                    assert b"nosniff" in raw.said, name
                await raw.close()
            assert not server.clients.unread

    run(work)
    assert "Traceback" not in caplog.text
    told = [r for r in caplog.records if r.levelno >= logging.INFO and r.name != "uvicorn.error"]
    assert not told
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


KINDS = {
    "get": (b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "/a 0"),
    "post": (b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde", "/b 5"),
    "chunks": (CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n", "/x 5"),
    "long": (
        b"POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n" + b"GET / " * 11_666 + b"abcd",
        "/c 70000",
    ),
    "deaf": (b"POST /deaf HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde", "/deaf 0"),
}


def test_however_requests_are_cut_they_are_answered_in_order() -> None:
    """Pipelined or not, in whatever pieces they come; what is broken after them is refused after their answers."""

    async def work(port: int, kinds: list[str], cuts: list[int], broken: bool) -> None:
        requests = [KINDS[kind] for kind in kinds]
        raw = await connect(port)
        data = b"".join(one for one, _ in requests) + (b"GET / HTTP/1.1\r\n\r\n" if broken else b"")
        for cut in cuts:
            await raw.send(data[:cut])
            data = data[cut:]
            await asyncio.sleep(0)
        await raw.send(data)
        await raw.hear(answers=None if broken else len(requests))
        told = [part.partition(b"\r\n\r\n")[2].decode() for part in raw.said.split(b"HTTP/1.1 ")[1:]]
        assert told[: len(requests)] == [answer for _, answer in requests]
        assert raw.statuses() == [200] * len(requests) + [400] * broken
        await raw.close()

    with lasting(Patience()) as (run_one, port):

        @settings(max_examples=FUZZ)
        @given(
            st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=12),
            st.lists(st.integers(1, 9000), max_size=30),
            st.booleans(),
        )
        def holds(kinds: list[str], cuts: list[int], broken: bool) -> None:
            run_one(work(port, kinds, cuts, broken))

        holds()


def test_whatever_comes_the_connection_is_answered_or_ended() -> None:
    """No answer is a server error, and the server goes on."""

    async def work(port: int, parts: list[bytes]) -> None:
        raw = await connect(port)
        for part in parts:
            await raw.send(part)
        if not raw.ended and not raw.writer.is_closing():
            raw.writer.write_eof()
        await raw.hear()
        assert raw.ended
        assert all(status in (100, 101, 200, 400, 408, 414, 431) for status in raw.statuses())
        await raw.close()
        other = await connect(port)
        await other.send(GET + b"\r\n")
        await other.hear(answers=1)
        assert other.statuses() == [200]
        await other.close()

    samples = [data[:3000] for _, data in (REFUSED | ANSWERED).values()]
    with lasting(QUICK) as (run_one, port):

        @settings(max_examples=FUZZ)
        @given(st.lists(st.one_of(st.binary(max_size=200), st.sampled_from(samples)), min_size=1, max_size=4))
        def holds(parts: list[bytes]) -> None:
            run_one(work(port, parts))

        holds()


def test_trailers_are_no_headers() -> None:
    """RFC 9110 §6.5.1: what comes after the body must not become a header of the request."""
    seen: list[bytes] = []

    async def asgi(scope: dict, receive: object, send: object) -> None:  # type: ignore[type-arg]
        await asyncio.sleep(0.1)
        seen.extend(name for name, _ in scope["headers"])
        await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body"})  # type: ignore[operator]

    async def work() -> None:
        async with serving(Patience(), asgi) as (_, port):
            raw = await connect(port)
            await raw.send(CHUNKED + b"1\r\na\r\n0\r\nAuthorization: Bearer x\r\nHost: b\r\n\r\n")
            await raw.hear(answers=1)
            await raw.close()

    run(work)
    assert seen == [b"host", b"transfer-encoding"]


def test_what_does_not_arrive_ends_in_time() -> None:
    """Silence, a slow head, a slow body, a rest: each ends; an upload at the least rate does not."""

    async def work() -> None:
        async with serving(QUICK) as (server, port):

            async def ends(data: bytes, status: list[int]) -> None:
                raw = await connect(port)
                await raw.send(data)
                await raw.hear(8)
                assert raw.ended, data
                assert raw.statuses() == status, data
                await raw.close()

            async def trickles(data: bytes, status: int) -> None:
                """A byte now and then does not help."""
                raw = await connect(port)
                for byte in data:
                    if raw.ended:
                        break
                    await raw.send(bytes([byte]))
                    await raw.hear(0.2)
                assert raw.statuses() == [status]
                await raw.close()

            async def uploads() -> None:
                raw = await connect(port)
                await raw.send(POST + b"Content-Length: 300000\r\n\r\n")
                for _ in range(30):
                    await raw.send(b"a" * 10_000)
                    await asyncio.sleep(0.08)
                await raw.hear(answers=1)
                assert raw.statuses() == [200]
                await raw.close()

            await asyncio.gather(
                ends(b"", []),
                ends(b"GET / HT", [408]),
                ends(GET + b"X: a\r\n", [408]),
                ends(POST + b"Content-Length: 5\r\n\r\na", [408]),
                ends(CHUNKED + b"5\r\na", [408]),
                ends(GET + b"\r\n", [200]),
                ends(GET + b"\r\nGET / HT", [200, 408]),
                trickles(GET + b"X: " + b"a" * 300, 408),
                trickles(POST + b"Content-Length: 300\r\n\r\n" + b"a" * 300, 408),
                uploads(),
            )
            await asyncio.sleep(0.6)
            assert len(server.clients) == 0
            assert server.clients.unread == server.clients.farewells == 0

    run(work)


def test_five_thousand_requests_at_once_wait_unparsed() -> None:
    """A connection's requests are answered in order; no more than a piece's worth of them are made at a time."""

    async def work() -> None:
        most = 0
        async with serving(Patience()) as (server, port):
            raw = await connect(port)
            sending = asyncio.create_task(raw.send(b"GET /x HTTP/1.1\r\nHost:\r\n\r\n" * 5000))
            while raw.said.count(b"HTTP/1.1 200") < 5000 and not raw.ended:
                raw.said += await raw.reader.read(1 << 16)
                for one in server.server_state.connections:
                    most = max(most, len(one.pipeline))  # type: ignore[union-attr]
            await sending
            assert raw.said.count(b"HTTP/1.1 200") == 5000
            await raw.close()
        assert most < 200

    run(work)


def test_a_body_that_is_refused_is_not_taken_for_ever() -> None:
    """The answer comes while the body is still sent; a moderate one may be sent to its end, an endless one not."""

    async def work() -> None:
        async with serving(Patience()) as (_, port):
            raw = await connect(port)
            await raw.send(
                b"POST /deaf HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + b"a" * 3_000_000
            )
            await raw.send(GET + b"\r\n")
            await raw.hear(answers=2)
            assert raw.statuses() == [200, 200]
            await raw.close()
            raw = await connect(port)
            await raw.send(b"POST /deaf HTTP/1.1\r\nHost: a\r\nContent-Length: 300000000000\r\n\r\n")
            for _ in range(100):
                if raw.ended:
                    break
                await raw.send(b"a" * 1_000_000)
            assert raw.ended
            await raw.close()

    run(work)
