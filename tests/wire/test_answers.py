"""Answers that take the short way are the same bytes as uvicorn's own, and no header can end early."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from andaman.wire import Cycle

NAMES = st.sampled_from([b"content-type", b"location", b"link", b"x-request-id", b"connection"])
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map(
    str.encode
) | st.sampled_from([b"close", b"a\r\nset-cookie: b", b"application/json", b"\n"])


class Transport:
    def __init__(self) -> None:
        self.data = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.data += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Flow:
    write_paused = False


def answer(kind: type[RequestResponseCycle], messages: list[dict[str, Any]], method: str, keep: bool) -> Any:
    """(bytes, closed, complete, told) after sending, or the error's text."""

    async def run() -> Any:
        transport, told = Transport(), []
        cycle = kind(
            scope={"method": method},  # type: ignore[typeddict-item]
            transport=transport,  # type: ignore[arg-type]
            flow=Flow(),  # type: ignore[arg-type]
            logger=None,  # type: ignore[arg-type]
            access_logger=None,  # type: ignore[arg-type]
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep,
            on_response=lambda: told.append(True),
        )
        try:
            for message in messages:
                await cycle.send(message)  # type: ignore[arg-type]
        except RuntimeError as error:
            return str(error)
        return transport.data, transport.closed, cycle.response_complete, told

    return asyncio.run(run())


@given(
    st.sampled_from([200, 201, 204, 207, 304, 404]),
    st.lists(st.tuples(NAMES, VALUES), max_size=4),
    st.lists(st.binary(max_size=20), min_size=1, max_size=3),
    st.sampled_from(["own", "none", "wrong"]),
    st.sampled_from(["GET", "PATCH", "HEAD"]),
    st.booleans(),
)
def test_the_short_way_is_uvicorns_own(
    status: int, headers: list[Any], pieces: list[bytes], length: str, method: str, keep: bool
) -> None:
    size = len(b"".join(pieces)) + (length == "wrong")
    told = [] if length == "none" else [(b"content-length", b"%d" % size)]
    messages: list[dict[str, Any]] = [
        {"type": "http.response.start", "status": status, "headers": headers + told}
    ]
    for number, piece in enumerate(pieces, 1):
        messages.append({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})
    assert answer(Cycle, messages, method, keep) == answer(RequestResponseCycle, messages, method, keep)


def test_a_header_with_a_line_break_is_refused() -> None:
    start = {
        "type": "http.response.start",
        "status": 204,
        "headers": [(b"location", b"/a\r\nset-cookie: b=c")],
    }
    assert (
        answer(Cycle, [start, {"type": "http.response.body"}], "PATCH", True) == "Invalid HTTP header value."
    )


@pytest.mark.parametrize("first", [500, 204])
def test_what_fails_before_its_body_can_still_become_an_error(first: int) -> None:
    start = {"type": "http.response.start", "status": first, "headers": []}
    problem = [
        {"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"2")]},
        {"type": "http.response.body", "body": b"no"},
    ]
    assert answer(Cycle, [start, *problem], "GET", True)[0].startswith(b"HTTP/1.1 500 ")
