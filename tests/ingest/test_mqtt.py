"""Laws of the MQTT connector against a real Mosquitto: nothing acknowledged before it is on disk, nothing lost by a kill."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import uvloop
from gmqtt import Client

from andaman.broker.entity import build
from andaman.broker.query.model import TemporalQuery
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.ingest import DeadLetterStore, FeedManager, MqttAddress, MqttFeed
from andaman.ingest.mapping import parse_mapping
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import SECOND, format_time, system_clock
from tests.ingest.test_reading import MAPPING

ODD = """
[[topic]]
pattern = "tele/{id}/ENERGY"
entity = "urn:ngsi-ld:Device:{id}"
[topic.attributes.impulses]
type = "integer"
[topic.attributes.extra]
type = "json"
[topic.attributes.types]

[[topic]]
pattern = "$share/city/gate/{id}"
entity = "urn:ngsi-ld:Device:gate-{id}"
payload = "number"
[topic.attributes.count]
"""
MOSQUITTO = shutil.which("mosquitto") or (
    "/usr/sbin/mosquitto" if Path("/usr/sbin/mosquitto").exists() else None
)
ROOT = Path(__file__).resolve().parents[2]
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None and os.environ.get("ANDAMAN_DEMAND_MQTT") != "1",
    reason="mosquitto is not installed (apt install mosquitto)",
)
pytestmark = [pytest.mark.mqtt]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start_mosquitto(directory: Path, port: int) -> subprocess.Popen[bytes]:
    assert MOSQUITTO is not None, "MQTT tests are demanded, but mosquitto is not installed"
    config = directory / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {directory}/\n"
        "autosave_interval 1\nmax_queued_messages 0\nuser root\n"
    )
    assert MOSQUITTO is not None
    process = subprocess.Popen(
        [MOSQUITTO, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return process
        except OSError:
            time.sleep(0.02)
    process.kill()
    raise AssertionError("mosquitto did not start")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    directory = tmp_path / "mosquitto"
    directory.mkdir()
    process = start_mosquitto(directory, port)
    yield port
    process.terminate()
    process.wait(5)


async def publish(port: int, messages: list[tuple[str, bytes]], qos: int = 1) -> None:
    client = Client(f"publisher-{os.urandom(4).hex()}")
    await client.connect("127.0.0.1", port)
    for topic, payload in messages:
        while True:
            try:
                client.publish(topic, payload, qos=qos)
                break
            except OverflowError:  # the server's window of unacknowledged messages is full
                await asyncio.sleep(0.01)
    for _ in range(100):
        if client._persistent_storage.is_empty:
            break
        await asyncio.sleep(0.01)
    await client.disconnect()


@asynccontextmanager
async def platform(port: int, directory: Path) -> AsyncIterator[tuple[Broker, DeadLetterStore, FeedManager]]:
    broker = Broker.open(directory)
    await broker.start()
    letters = DeadLetterStore(directory / "deadletter.db")
    feed = MqttFeed(
        MqttAddress.parse(f"mqtt://127.0.0.1:{port}"), parse_mapping(MAPPING + ODD), letters, "andaman-test"
    )
    manager = FeedManager(broker, [feed], directory, letters=letters, steady_s=1.0)
    await manager.start()
    try:
        await until(lambda: manager.get_status("mqtt").state.value == "running")
        await asyncio.sleep(0.1)  # the subscription is on its way
        yield broker, letters, manager
    finally:
        await manager.stop()
        letters.close()
        await broker.close()


async def until(true: Any, seconds: float = 15.0) -> None:
    for _ in range(int(seconds / 0.02)):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come true in time")


def air(at: int, pm25: Any) -> bytes:
    return orjson.dumps({"ts": format_time(at), "pos": {"lon": 98.39, "lat": 7.88}, "data": {"pm25": pm25}})


@needs_mosquitto
def test_messages_become_entities_and_garbage_becomes_dead_letters(mosquitto: int, tmp_path: Path) -> None:
    async def run() -> None:
        async with platform(mosquitto, tmp_path / "data") as (broker, letters, manager):
            now = system_clock()
            good = [(f"phuket/air/a{i}", air(now, 10 + i)) for i in range(40)]
            bad = [("phuket/air/a0", b"{not json"), ("phuket/level/g/x", b"nan"), ("phuket/air/a0", air(now, -9.99)),
                   ("phuket/sensor/s", b"\xff"), ("phuket/sensor/s", b"[1]")]  # fmt: skip
            await publish(mosquitto, good + bad)
            await until(
                lambda: (
                    letters.count() == 4 and broker.find("urn:ngsi-ld:AirQualityObserved:a39", FULL_ACCESS)
                )
            )
            values = [
                build.value(broker.get(f"urn:ngsi-ld:AirQualityObserved:a{i}", FULL_ACCESS), "pm25")
                for i in range(40)
            ]
            assert values == [10.0 + i for i in range(40)]
            found = sorted((row["reason"], row["attribute"]) for row in letters.list_newest())
            assert found == [
                ("bad-encoding", ""), ("bad-json", ""), ("bad-time", ""), ("not-finite", "waterLevel")
            ]  # fmt: skip
            assert manager.get_status("mqtt").error == ""

    asyncio.run(run())


@needs_mosquitto
def test_doubles_and_disorder_leave_the_latest_state_and_a_whole_history(
    mosquitto: int, tmp_path: Path
) -> None:
    async def run() -> None:
        async with platform(mosquitto, tmp_path / "data") as (broker, _, _manager):
            now = system_clock()
            times = [now - i * 10 * SECOND for i in (9, 3, 7, 3, 0, 5, 0, 1)]
            for at in times:  # some alone, some together: the law holds for any batches
                await publish(mosquitto, [("phuket/air/a1", air(at, float((now - at) // (10 * SECOND))))])
            await publish(mosquitto, [("phuket/air/last", air(now, 1.0))])
            await until(lambda: broker.find("urn:ngsi-ld:AirQualityObserved:last", FULL_ACCESS))
            doc = broker.get("urn:ngsi-ld:AirQualityObserved:a1", FULL_ACCESS)
            assert build.value(doc, "pm25") == 0.0  # the latest observation is the state
            history = await broker.temporal(doc["id"], [build.iri("pm25")], TemporalQuery(), FULL_ACCESS)
            assert {row["value"] for row in history[build.iri("pm25")]} == {9.0, 3.0, 7.0, 0.0, 5.0, 1.0}

    asyncio.run(run())


@needs_mosquitto
def test_odd_messages_stop_no_device_and_each_is_acknowledged(mosquitto: int, tmp_path: Path) -> None:
    """What once stopped all devices for ever; after a restart of the platform none of it comes again."""
    odd = [b'{"impulses": 18446744073709551616}', b'{"impulses": 1e20}', b'{"extra": %s}' % (b"[" * 300 + b"]" * 300),
           b'{"extra": %s}' % (b"[" * 2000 + b"]" * 2000), b"\x00\xff", b'{"impulses": NaN, "types": 7}', b"[" * 100_000]  # fmt: skip

    async def run() -> None:
        async with platform(mosquitto, tmp_path / "data") as (broker, letters, manager):
            await publish(mosquitto, [("tele/m/ENERGY", payload) for payload in odd])
            await publish(mosquitto, [("tele/z/ENERGY", b'{"impulses": 5}')])
            await until(lambda: broker.find("urn:ngsi-ld:Device:z", FULL_ACCESS))
            await until(lambda: letters.count() == len(odd))
            assert build.value(broker.get("urn:ngsi-ld:Device:m", FULL_ACCESS), "types") == 7
            assert (manager.get_status("mqtt").state, manager.get_status("mqtt").restarts) == ("running", 0)
        async with platform(mosquitto, tmp_path / "data") as (_, letters, _manager):
            await asyncio.sleep(0.3)
            assert letters.counted() == len(odd)

    asyncio.run(run())


@needs_mosquitto
def test_a_burst_of_a_device_without_a_clock_is_whole_in_history(mosquitto: int, tmp_path: Path) -> None:
    async def run() -> None:
        async with platform(mosquitto, tmp_path / "data") as (broker, _, _manager):
            await publish(mosquitto, [("gate/1", str(number).encode()) for number in range(1, 201)])
            name = "urn:ngsi-ld:Device:gate-1"
            count = build.iri("count")
            await until(lambda: broker.has(name, FULL_ACCESS) and broker.seq >= 200)
            query = TemporalQuery(aggr_methods=("totalCount", "sum"))
            found = await broker.temporal(name, [count], query, FULL_ACCESS)
            assert [found[count][method][0][0] for method in ("totalCount", "sum")] == [200, 20_100]

    asyncio.run(run())


@needs_mosquitto
def test_two_with_one_client_id_do_not_fight(mosquitto: int, tmp_path: Path) -> None:
    """This Mosquitto hangs up without a word when a session is taken over; after a moment one of the two waits, and says why.
    On uvloop, as in production."""

    async def run() -> None:
        async with platform(mosquitto, tmp_path / "one") as (_, _l, one):
            two_broker = Broker.open(tmp_path / "two", history=False)
            await two_broker.start()
            letters = DeadLetterStore(tmp_path / "two" / "deadletter.db")
            address = MqttAddress.parse(f"mqtt://127.0.0.1:{mosquitto}")
            two = FeedManager(
                two_broker,
                [MqttFeed(address, parse_mapping(MAPPING), letters, "andaman-test")],
                tmp_path / "two",
            )
            await two.start()
            both = [manager.status()[0] for manager in (one, two)]
            await until(lambda: any("same client id" in status.error for status in both), 20)
            before = [status.restarts for status in both]
            await asyncio.sleep(3)
            assert [status.restarts for status in both] == before
            assert sum(before) <= 8
            (loser,) = [status for status in both if "same client id" in status.error]
            assert loser.state.value == "waiting"
            assert "mqtt_client_id" in loser.error
            await two.stop()
            letters.close()
            await two_broker.close()

    uvloop.run(run())


@needs_mosquitto
def test_a_retained_value_is_no_news_after_a_restart(mosquitto: int, tmp_path: Path) -> None:
    async def run() -> None:
        client = Client("retainer")
        await client.connect("127.0.0.1", mosquitto)
        client.publish("phuket/level/g9/m", b"1.85", qos=1, retain=True)
        await asyncio.sleep(0.2)
        await client.disconnect()
        seen = []
        for _ in range(3):
            async with platform(mosquitto, tmp_path / "data") as (broker, _, _manager):
                await until(lambda broker=broker: broker.has("urn:ngsi-ld:WaterObserved:g9", FULL_ACCESS))
                await asyncio.sleep(0.2)
                seen.append(broker.seq)
        assert seen == [1, 1, 1]

    asyncio.run(run())


def _spawn(port: int, directory: Path, mode: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ingest.consumer", str(port), str(directory), mode],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    while (line := process.stdout.readline().strip()) != "ready":
        assert line or process.poll() is None, "the consumer ended"
    return process


@needs_mosquitto
def test_a_kill_between_receipt_and_commit_loses_nothing(mosquitto: int, tmp_path: Path) -> None:
    """SIGKILL while messages are received and not yet committed: the next start gets and keeps every one of them."""
    directory = tmp_path / "data"
    now = system_clock()
    first = [(f"phuket/air/k{i}", air(now, i)) for i in range(50)]
    second = [(f"phuket/air/k{i}", air(now, i)) for i in range(50, 300)] + [("phuket/air/bad", b"{")]
    victim = _spawn(mosquitto, directory, "hang")
    try:
        asyncio.run(publish(mosquitto, first[:1]))
        time.sleep(0.3)
        asyncio.run(publish(mosquitto, first[1:] + second))
        assert victim.stdout is not None
        while "hanging" not in victim.stdout.readline():
            pass
        time.sleep(0.3)  # messages are in its hands now
    finally:
        victim.send_signal(signal.SIGKILL)
        victim.wait(10)
    heir = _spawn(mosquitto, directory, "run")
    try:
        assert heir.stdout is not None
        deadline = time.monotonic() + 20
        entities = 0
        while entities < 300 and time.monotonic() < deadline:
            line = heir.stdout.readline().split()
            if len(line) == 2:
                entities = int(line[0])
        assert entities == 300
        time.sleep(0.3)
    finally:
        heir.send_signal(signal.SIGKILL)
        heir.wait(10)
    letters = DeadLetterStore(directory / "deadletter.db")
    assert [row["reason"] for row in letters.list_newest()] == ["bad-json"]
    letters.close()


@needs_mosquitto
def test_a_lost_connection_is_made_again_and_nothing_is_missed(tmp_path: Path) -> None:
    async def run() -> None:
        port = free_port()
        directory = tmp_path / "mosquitto"
        directory.mkdir()
        server = start_mosquitto(directory, port)
        try:
            async with platform(port, tmp_path / "data") as (broker, _, manager):
                await publish(port, [("phuket/level/g1/m", b"1.5")])
                await until(lambda: broker.find("urn:ngsi-ld:WaterObserved:g1", FULL_ACCESS))
                server.terminate()
                await asyncio.to_thread(server.wait, 5)
                await until(lambda: manager.get_status("mqtt").state.value == "waiting")
                assert "lost" in manager.get_status("mqtt").error
                server = start_mosquitto(directory, port)
                await publish(port, [("phuket/level/g1/m", b"2.5")])
                await until(lambda: manager.get_status("mqtt").state.value == "running", 20)
                await until(
                    lambda: (
                        build.value(broker.get("urn:ngsi-ld:WaterObserved:g1", FULL_ACCESS), "waterLevel")
                        == 2.5
                    )
                )
                assert manager.get_status("mqtt").restarts >= 1
        finally:
            server.kill()
            server.wait(5)

    asyncio.run(run())


def test_no_server_is_told_plainly(tmp_path: Path) -> None:
    async def run() -> None:
        port = free_port()
        broker = Broker.open(tmp_path)
        await broker.start()
        letters = DeadLetterStore(tmp_path / "deadletter.db")
        feed = MqttFeed(MqttAddress.parse(f"mqtt://127.0.0.1:{port}"), parse_mapping(MAPPING), letters)
        manager = FeedManager(broker, [feed], tmp_path)
        await manager.start()
        await until(lambda: manager.get_status("mqtt").state.value == "waiting")
        assert f"127.0.0.1:{port}" in manager.get_status("mqtt").error
        await manager.stop()
        letters.close()
        await broker.close()

    asyncio.run(run())


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "127.0.0.1:1883"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadRequestData, match="MQTT address"):
        MqttAddress.parse(url)
