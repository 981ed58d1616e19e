"""Background work: runs in time, goes on after a failure, and ends when it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

from andaman.kernel.errors import Unavailable
from andaman.kernel.work import Every, Timer, end


async def _until(done, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_a_slow_turn_moves_no_later_turn() -> None:
    async def run() -> list[float]:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        turns: list[float] = []

        async def work() -> None:
            turns.append(loop.time() - begun)
            await asyncio.sleep(0.25 if len(turns) == 1 else 0.0)

        every = Every("test", 0.1, work)
        await every.start()
        await _until(lambda: len(turns) == 4)
        await every.stop()
        return turns

    turns = asyncio.run(run())
    # The first lasts from 0.1 to 0.35: those at 0.2 and 0.3 are left out, the next is at 0.4.
    assert [round(turn, 1) for turn in turns] == [0.1, 0.4, 0.5, 0.6]


def test_work_goes_on_after_a_failure_and_says_why_it_failed(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> tuple[str, str]:
        errors: list[Exception] = [Unavailable("The disk is full"), Unavailable("The disk is full")]
        told: list[str] = []
        turns = 0

        def work() -> None:
            nonlocal turns
            turns += 1
            if errors:
                raise errors.pop()

        every = Every("counting", 0.02, work, on_failure=lambda: told.append(every.last_error))
        await every.start()
        await _until(lambda: turns >= 4)
        during, after = told[-1], every.last_error
        await every.stop()
        assert len(told) == 2
        return during, after

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(run()) == ("The disk is full", "")
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # said once while it stays the same
    assert "counting failed; it is tried again in 0.0 s: The disk is full" in caplog.text


def test_an_error_nobody_expected_is_logged_with_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        turns = 0

        async def work() -> None:
            nonlocal turns
            turns += 1
            if turns == 1:
                raise KeyError("bus")

        timer = Timer("buses", work, retry_s=0.01)
        await timer.start()
        await _until(lambda: turns == 2)
        await timer.stop()

    asyncio.run(run())
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.exc_info is not None
    assert "KeyError: 'bus'" in record.getMessage()


def test_stop_ends_what_is_under_way() -> None:
    async def run() -> None:
        begun, ended = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()

        every = Every("long", 0.01, work)
        await every.start()
        await begun.wait()
        await every.stop()
        assert ended.is_set()
        assert not every.is_running
        await every.stop()  # nothing to do

    asyncio.run(run())


def test_a_timer_runs_when_its_work_asked_for_it_or_when_it_is_woken() -> None:
    async def run() -> None:
        turns = 0
        pauses: list[float | None] = [0.02, None, None, None]

        async def work() -> float | None:
            nonlocal turns
            turns += 1
            return pauses.pop(0)

        timer = Timer("test", work)
        timer.wake()  # before the start: nothing but the first turn
        await timer.start()
        await _until(lambda: turns == 2)
        await asyncio.sleep(0.05)
        assert turns == 2  # it asked for nothing more
        timer.wake(0.1)
        timer.wake(0.03)
        timer.wake(0.2)
        await _until(lambda: turns == 3)
        await asyncio.sleep(0.25)
        assert turns == 3  # of several wakes, the earliest counts
        timer.wake()
        await _until(lambda: turns == 4)
        await timer.stop()

    asyncio.run(run())


def test_a_wake_during_a_turn_is_followed_by_another_turn() -> None:
    async def run() -> None:
        turns = 0

        async def work() -> None:
            nonlocal turns
            turns += 1
            if turns == 1:
                timer.wake()
                await asyncio.sleep(0.02)

        timer = Timer("test", work, first_s=None)
        await timer.start()
        await asyncio.sleep(0.03)
        assert turns == 0
        timer.wake()
        await _until(lambda: turns == 2)
        await timer.stop()

    asyncio.run(run())


def test_a_timer_begins_when_it_is_first_asked_for_and_once() -> None:
    async def scenario() -> None:
        turns = 0

        async def work() -> None:
            nonlocal turns
            turns += 1

        timer = Timer("test", work, first_s=None)
        await timer.start()
        await asyncio.sleep(0.05)
        assert (turns, timer.has_begun) == (0, False)
        timer.begin(0.02)
        timer.begin()  # it is due already
        assert turns == 0
        await _until(lambda: turns == 1)
        timer.begin()
        await asyncio.sleep(0.05)
        assert turns == 1
        timer.wake()
        await _until(lambda: turns == 2)
        await timer.stop()

    asyncio.run(scenario())


def test_work_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    async def deaf(times: int) -> None:
        for _ in range(times):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        await asyncio.sleep(60)

    async def work() -> None:
        tasks = [asyncio.create_task(deaf(times)) for times in (0, 1, 2)]
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await end(*tasks)
        assert all(task.cancelled() for task in tasks)

    asyncio.run(work())
