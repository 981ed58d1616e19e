"""Notifications over MQTT (CIM 009 §7.2), with a real broker."""

from __future__ import annotations

import asyncio
import random
import socket
from pathlib import Path
from typing import Any

import orjson
import pytest
from gmqtt import Client
from gmqtt.mqtt.constants import MQTTv50

from tests.broker.subscriptions.test_kill import live_and_die
from tests.broker.subscriptions.world import Receiver, World, speeds, world
from tests.ingest.test_mqtt import needs_mosquitto, start_mosquitto


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Listener:
    """Hears one topic."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    async def open(self, port: int) -> Listener:
        self.client = Client(f"listener-{port}")
        ready = asyncio.Event()
        self.client.on_message = self._take
        self.client.on_subscribe = lambda *_: ready.set()
        await self.client.connect("127.0.0.1", port, version=MQTTv50)
        self.client.subscribe("city/cars", qos=2)
        await ready.wait()
        return self

    async def _take(self, client: Any, topic: str, payload: bytes, qos: int, properties: Any) -> int:
        self.got.append({**orjson.loads(payload), "qos": qos})
        self._news.set()
        return 0

    async def count(self, number: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(20):
            while len(self.got) < number:
                self._news.clear()
                await self._news.wait()
        return self.got


@needs_mosquitto
@pytest.mark.parametrize(("version", "qos"), [("mqtt5.0", 0), ("mqtt5.0", 2), ("mqtt3.1.1", 1)])
def test_7_2_payload_and_quality_of_service(tmp_path: Path, version: str, qos: int) -> None:
    async def talk(w: World, port: int) -> None:
        listener = await Listener().open(port)
        info = [{"key": "MQTT-Version", "value": version}, {"key": "MQTT-QoS", "value": str(qos)}]
        await w.subscribe(
            uri=f"mqtt://127.0.0.1:{port}/city/cars",
            notification={
                "endpoint": {"notifierInfo": info, "receiverInfo": [{"key": "for", "value": "control room"}]}
            },
        )
        for n in range(5):
            await w.put(1, speed=n)
        got = await listener.count(5)
        assert speeds(one["body"] for one in got) == [0, 1, 2, 3, 4]
        metadata = got[0]["metadata"]
        assert metadata["Content-Type"] == "application/json"
        assert metadata["for"] == "control room"
        assert "json-ld#context" in metadata["Link"]
        assert got[0]["body"]["type"] == "Notification"
        assert {one["qos"] for one in got} == {qos}
        await listener.client.disconnect()

    run(tmp_path, talk)


@needs_mosquitto
def test_a_broker_that_is_away_gets_all_when_it_is_back(tmp_path: Path) -> None:
    async def talk(w: World, port: int) -> None:
        other = free_port()
        info = [{"key": "MQTT-QoS", "value": "1"}]
        await w.subscribe(
            uri=f"mqtt://127.0.0.1:{other}/city/cars", notification={"endpoint": {"notifierInfo": info}}
        )
        await w.put(1, speed=1)
        await w.put(1, speed=2)
        (run,) = w.subs.runs()
        async with asyncio.timeout(10):
            while not run.sub.counters.failed:  # noqa: ASYNC110 - nothing arrives that could wake us
                await asyncio.sleep(0.01)
        folder = tmp_path / "late"
        folder.mkdir()
        process = start_mosquitto(folder, other)
        try:
            listener = await Listener().open(other)
            assert speeds(one["body"] for one in await listener.count(2)) == [1, 2]
            await listener.client.disconnect()
        finally:
            process.kill()
            process.wait()

    run(tmp_path, talk)


@needs_mosquitto
def test_no_kill_loses_a_notification_by_mqtt(tmp_path: Path) -> None:
    """SIGKILL at any instant, again and again: each change is told at least once, each car's in order, a repeat with the id it
    had (QoS 1)."""
    port, folder = free_port(), tmp_path / "broker"
    folder.mkdir()
    process = start_mosquitto(folder, port)
    uri = f"mqtt://127.0.0.1:{port}/city/cars"

    async def work() -> None:
        listener = await Listener().open(port)
        chance, number = random.Random(3), 1
        for _ in range(4):
            number = await live_and_die(tmp_path / "data", Receiver(), number, chance.uniform(0.05, 0.5), uri)
            number += 1  # the write under way may or may not be there
        w = World(tmp_path / "data")
        await w.open()
        try:
            wanted: dict[str, list[int]] = {}
            for event in await w.broker.read_events(0, 100_000):
                change = next(change for change in event.changes if change.attr)
                assert change.after is not None
                wanted.setdefault(event.entity_id, []).append(change.after[0]["value"])
            seen: dict[str, dict[int, str]] = {}
            async with asyncio.timeout(60):
                while {name: len(told) for name, told in seen.items()} != {
                    k: len(v) for k, v in wanted.items()
                }:
                    await listener.count(len(listener.got) or 1)
                    seen = {}
                    for one in listener.got:
                        (car,) = one["body"]["data"]
                        told = seen.setdefault(car["id"], {}).setdefault(
                            car["speed"]["value"], one["body"]["id"]
                        )
                        assert told == one["body"]["id"]
                    await asyncio.sleep(0.02)
            assert {name: list(told) for name, told in seen.items()} == wanted
        finally:
            await w.close()
            await listener.client.disconnect()

    try:
        asyncio.run(work())
    finally:
        process.kill()
        process.wait()


def run(tmp_path: Path, talk: Any) -> None:
    port = free_port()
    folder = tmp_path / "broker"
    folder.mkdir()
    process = start_mosquitto(folder, port)

    async def work() -> None:
        async with world(tmp_path / "data") as w:
            await talk(w, port)

    try:
        asyncio.run(work())
    finally:
        process.kill()
        process.wait()
