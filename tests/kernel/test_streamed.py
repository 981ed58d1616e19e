"""Law: an answer in parts ends when its client is gone, and leaves nothing that only a search for cycles would free."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from andaman.kernel.http import Streamed


class _Part(str):
    """A part whose end can be seen."""


@given(st.integers(0, 6), st.integers(0, 8))
def test_it_ends_with_its_client(count: int, leaves_after: int) -> None:
    """``count`` parts for a client that goes away when it has had so many: all come, or the generator is closed behind the next."""
    sent: list[bytes] = []
    left: list[weakref.ref[_Part]] = []
    closed = False

    async def parts() -> AsyncGenerator[str, None]:
        nonlocal closed
        try:
            for number in range(count):
                part = _Part(f"{number};")
                left.append(weakref.ref(part))
                yield part
        finally:
            closed = True

    async def work() -> None:
        away = asyncio.Event()
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await away.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body" and message["body"]:
                sent.append(message["body"])
            if len(sent) >= leaves_after:
                away.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        await Streamed(parts(), {}, "text/plain")({"type": "http"}, receive, send)

    gc.disable()
    try:
        asyncio.run(work())
        assert closed
        assert sent == [b"%d;" % number for number in range(min(count, max(1, leaves_after)))]
        assert not any(one() for one in left)
    finally:
        gc.enable()
