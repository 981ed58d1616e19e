"""Many questions about the past keep nothing else waiting."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from andaman.broker import questions
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import Unavailable


def test_the_past_has_threads_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow questions fill their own threads and a bounded queue; work in other threads goes on."""
    monkeypatch.setattr(questions, "_PAST_WAITING", 40)
    go_on = threading.Event()

    def slow(*_: Any) -> dict[str, Any]:
        go_on.wait(20)
        return {}

    async def work() -> None:
        broker = Broker.open(tmp_path, history=False)
        await broker.start()
        monkeypatch.setattr(broker._past, "get_at", slow)
        try:
            asked = [asyncio.create_task(broker.get_at(0, "urn:ngsi-ld:A:1", FULL_ACCESS)) for _ in range(40)]
            await asyncio.sleep(0)
            assert await asyncio.wait_for(asyncio.to_thread(lambda: 7), 5) == 7
            with pytest.raises(Unavailable):
                await broker.get_at(0, "urn:ngsi-ld:A:1", FULL_ACCESS)
            asked.pop().cancel()
            await asyncio.sleep(0)
            go_on.set()
            assert await asyncio.gather(*asked) == [{}] * 39
            assert await broker.get_at(0, "urn:ngsi-ld:A:1", FULL_ACCESS) == {}
        finally:
            go_on.set()
            await broker.close()

    asyncio.run(work())
