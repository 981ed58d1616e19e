"""Laws of an MQTT broker that restarts: it is no takeover, and what was lost with its session is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from andaman.ingest import mqtt as mqtt_module
from tests.ingest.fake_mqtt import FakeBroker, fake_broker
from tests.ingest.test_session import platform, until


async def _hang_up(mqtt: FakeBroker) -> None:
    assert mqtt.writer is not None
    mqtt.writer.close()


@pytest.mark.parametrize("sign", ["not available", "no answer", "session gone", "says so"])
def test_a_broker_that_restarts_again_and_again_is_never_left_alone(tmp_path: Path, sign: str) -> None:
    """Whatever tells a restart from a takeover: no pause but the short ones of every feed."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    async def run() -> None:
        async with (
            fake_broker(present=sign != "session gone") as mqtt,
            platform(mqtt.port, tmp_path, sleep=sleep) as city,
        ):
            for _ in range(6):
                await until(lambda: city.status.state in ("running", "failing"))
                seen = len(mqtt.connects)
                if sign == "not available":
                    mqtt.answers = [0x88]
                if sign == "no answer":
                    mqtt.only, mqtt.hang_up = 3, True
                if sign == "says so":
                    mqtt.disconnect(0x8B)
                else:
                    await _hang_up(mqtt)
                await until(lambda seen=seen: len(mqtt.connects) > seen)
                if sign == "no answer":
                    await until(lambda seen=seen: len(mqtt.connects) > seen + 1)
                    mqtt.only, mqtt.hang_up = None, False
        assert max(pauses) <= 60, pauses
        assert "client id" not in city.status.error

    asyncio.run(run())


def test_cuts_without_a_sign_of_a_restart_make_a_short_pause_that_grows(tmp_path: Path) -> None:
    pauses: list[float] = []
    said: list[str] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        said.append(city.status.error)
        await asyncio.sleep(0)

    async def run() -> None:
        nonlocal city
        async with fake_broker(present=True) as mqtt, platform(mqtt.port, tmp_path, sleep=sleep) as city:
            for _ in range(5):
                seen = len(pauses)
                await until(lambda: city.status.state in ("running", "failing"))
                await _hang_up(mqtt)
                await until(lambda seen=seen: len(pauses) > seen)
            assert pauses[:5] == [1, 2, 30, 60, 120]
            assert "cut the connection within seconds of connecting, 3 times in a row" in said[2]
            assert (
                "Perhaps another client, such as a copy of this installation, has the same client id 'test'"
                in said[2]
            )
            assert "Next attempt in 30 s" in said[2]

    city = None  # type: ignore[assignment]
    asyncio.run(run())


def test_a_session_that_was_forgotten_is_told_for_a_while(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_module, "FORGOTTEN_S", 0.5)

    async def run() -> None:
        async with fake_broker() as mqtt:
            async with platform(mqtt.port, tmp_path) as city:
                await until(lambda: city.status.state == "running")
                assert "forgotten" not in city.status.error + caplog.text  # there was none before
            async with platform(mqtt.port, tmp_path, retry_s=0.1) as city:
                await until(lambda: city.status.state == "running" and city.status.error)
                assert "had forgotten our session at" in city.status.error
                assert caplog.text.count("had forgotten our session") == 1
                mqtt.publish(b"t/1", b"1", 1)
                await until(lambda: city.value("urn:x:1") == 1)
                await until(lambda: not city.status.error)
            mqtt.present = True
            async with platform(mqtt.port, tmp_path) as city:
                await until(lambda: city.status.state == "running")
                assert city.status.error == ""
            async with platform(mqtt.port, tmp_path, client_id="other") as city:
                await until(lambda: city.status.state == "running")
                assert city.status.error == ""

    asyncio.run(run())


@pytest.mark.parametrize("quick", [False, True])
def test_a_broker_whose_port_refuses_in_between_has_restarted(tmp_path: Path, quick: bool) -> None:
    """``quick``: it is up again before the next attempt, and has lost the session."""
    pauses: list[float] = []

    async def run() -> None:
        mqtt = FakeBroker()
        server = await asyncio.start_server(mqtt.handle, "127.0.0.1", 0)
        mqtt.port = server.sockets[0].getsockname()[1]
        mqtt.present = not quick

        async def sleep(seconds: float) -> None:
            nonlocal server
            pauses.append(seconds)
            if not server.is_serving() and (quick or len(pauses) % 2 == 0):
                server = await asyncio.start_server(mqtt.handle, "127.0.0.1", mqtt.port)

        async with platform(mqtt.port, tmp_path, sleep=sleep) as city:
            for _ in range(5):
                await until(lambda: city.status.state in ("running", "failing"))
                seen = len(mqtt.connects)
                server.close()
                await _hang_up(mqtt)
                await until(lambda seen=seen: len(mqtt.connects) > seen)
        server.close()
        assert len(pauses) >= (5 if quick else 10)
        assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60][: len(pauses)]  # the short ones of every feed

    asyncio.run(run())
