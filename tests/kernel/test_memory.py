"""Laws of memory that is given back: what ended in a cycle goes, on the loop's thread, when the process has grown."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pytest

from andaman.kernel.memory import collecting_on


class _Held:
    """Something in a cycle; notes the thread that frees it."""

    def __init__(self, freed_in: list[int]) -> None:
        self.itself = self
        weakref.finalize(self, lambda: freed_in.append(threading.get_ident()))


def test_cycles_are_freed_on_the_loops_thread() -> None:
    freed_in: list[int] = []

    async def work() -> None:
        _Held(freed_in)
        await asyncio.to_thread(collecting_on(asyncio.get_running_loop()))
        assert freed_in == [threading.get_ident()]

    gc.disable()
    try:
        asyncio.run(work())
    finally:
        gc.enable()


def test_where_the_loop_has_ended_there_is_nothing_to_do() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(RuntimeError):
        collecting_on(loop)()
