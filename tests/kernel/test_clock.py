"""Laws of the watch on the machine's clock: what is wrong is told before anything is stamped with it, and until it is over."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.app import build
from andaman.broker.entity.build import entity, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.identity.model import system_actor
from andaman.kernel.clock import AHEAD, Trouble, WatchedClock, judge, kernel_synchronized
from andaman.kernel.time import DAY, HOUR, MINUTE, SECOND, Micros, parse_time
from andaman.maintenance import examine
from andaman.rooms import STORES
from andaman.settings import load_settings

NOW = parse_time("2026-11-22T07:00:00Z")
YEAR = 365 * DAY


class Machine:
    def __init__(self, now: Micros = NOW, synchronized: bool | None = True) -> None:
        self.now = now
        self.synchronized = synchronized

    def __call__(self) -> Micros:
        return self.now

    def watched(self) -> WatchedClock:
        return WatchedClock(self, synchronized=lambda: self.synchronized)


def words(clock: WatchedClock) -> list[Trouble]:
    return [fault.trouble for fault in clock.faults()]


@given(
    now=st.integers(NOW - YEAR, NOW + YEAR), last=st.integers(NOW - YEAR, NOW + YEAR) | st.just(0), kernel=st.sampled_from([True, False, None])
)  # fmt: skip
def test_a_clock_is_judged_by_the_last_commit_and_the_kernel(
    now: Micros, last: Micros, kernel: bool | None
) -> None:
    expected = set()
    if now < last - SECOND:
        expected.add(Trouble.BEHIND)
    if last and now > last + AHEAD:
        expected.add(Trouble.AHEAD)
    if kernel is False:
        expected.add(Trouble.UNSYNCHRONIZED)
    assert {fault.trouble for fault in judge(now, last, kernel)} == expected


@pytest.mark.parametrize(
    ("last", "kernel", "trouble"),
    [
        (NOW - DAY, True, []),
        (0, None, []),
        (NOW + 10 * MINUTE, True, [Trouble.BEHIND]),
        (NOW - 8 * DAY, True, [Trouble.AHEAD]),
        (NOW - YEAR, False, [Trouble.AHEAD, Trouble.UNSYNCHRONIZED]),
        (NOW, False, [Trouble.UNSYNCHRONIZED]),
    ],
)
def test_a_bad_clock_is_told_before_it_stamps_anything(
    last: Micros, kernel: bool | None, trouble: list[Trouble], caplog: pytest.LogCaptureFixture
) -> None:
    clock = Machine(NOW, kernel).watched()
    assert [fault.trouble for fault in clock.begin(last)] == trouble
    # A clock that nobody keeps right is no error yet: it is the first line of many a trial.
    levels = [logging.WARNING if one is Trouble.UNSYNCHRONIZED else logging.ERROR for one in trouble]
    assert [record.levelno for record in caplog.records] == levels
    assert words(clock) == trouble
    assert len(caplog.records) == len(trouble)  # loudly, but once


def test_a_jump_while_the_platform_runs_is_told_by_the_look_that_sees_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    machine = Machine()
    clock = machine.watched()
    assert clock.begin(NOW - HOUR) == []
    machine.now += YEAR
    assert clock() == NOW + YEAR  # said as it is; and in the log already
    assert "365.0 days after the last commit" in caplog.text
    machine.now = NOW + MINUTE  # set right: now it is behind what was stamped, for a year
    assert clock() == NOW + MINUTE
    assert words(clock) == [Trouble.BEHIND]
    machine.now = NOW + YEAR
    assert words(clock) == []
    assert "no longer behind" in caplog.text


def test_a_city_that_was_off_for_a_month_is_warned_and_goes_on() -> None:
    for kernel, wait in ((True, HOUR), (None, DAY)):
        machine = Machine(NOW, kernel)
        clock = machine.watched()
        clock.begin(NOW - 30 * DAY)
        for _ in range(30):
            assert words(clock) == [Trouble.AHEAD]
            machine.now += wait // 30
        machine.now += MINUTE
        assert words(clock) == []


def test_a_clock_of_the_year_2000_is_told_also_where_nothing_was_committed() -> None:
    clock = Machine(parse_time("2000-01-01T00:00:00Z")).watched()
    assert [fault.trouble for fault in clock.begin(0)] == [Trouble.BEHIND]


def test_the_kernel_is_asked_without_harm() -> None:
    assert kernel_synchronized() in (True, False, None)


def test_log_health_metrics_and_doctor_tell(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = load_settings(
        {"data": str(tmp_path), "min_free_mb": 0, "broker_only": True, "no_auth": True, "port": 0}, environ={}
    )
    machine = Machine()

    async def start(write: bool) -> tuple[str, str]:
        app = build(settings, machine)
        told = caplog.text
        await app.start()
        try:
            if write:
                doc = entity("urn:x:1", "Device", v=prop(machine.now))
                await app.broker.write([WriteOp(OpKind.UPSERT_UPDATE, "urn:x:1", doc)], system_actor("test"))
            transport = httpx.ASGITransport(app.asgi)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8026") as http:
                health = (await http.get("/api/health")).json()
                metrics = (await http.get("/metrics")).text
            assert health["status"] == "ok"  # it is a warning: the city goes on
            for kind in Trouble:
                value = int(health["clock"] == kind.value)
                assert f'andaman_clock_trouble{{kind="{kind.value}"}} {value}' in metrics
            return health["clock"], told
        finally:
            await app.stop()

    assert asyncio.run(start(True)) == ("ok", "")
    machine.now += 30 * DAY
    word, told = asyncio.run(start(True))
    assert word == "ahead"
    assert "30.0 days after the last commit" in told  # before the start, and so before any stamp
    machine.now -= 20 * DAY
    caplog.clear()
    word, told = asyncio.run(start(False))
    assert word == "behind"
    assert "480.0 hours ahead of this machine's clock" in told
    (clock,) = [one for one in examine(settings, STORES) if one.subject == "clock"]
    assert clock.level == "ok" or "last commit" in clock.text
