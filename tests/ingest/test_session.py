"""Laws of the connection to an MQTT broker: what it refuses is told, what it keeps is no news, and no packet stops it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from andaman.broker.entity import build
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.ingest import DeadLetterStore, FeedManager, FeedStatus, MqttAddress, MqttFeed
from andaman.ingest import mqtt as mqtt_module
from andaman.ingest.client_id import FILE, ClientId, open_client_id, renew_client_id
from andaman.ingest.mapping import parse_mapping
from andaman.ingest.model import SourceAway
from andaman.kernel.errors import BadRequestData
from andaman.kernel.secrets import Secrets
from tests.ingest.fake_mqtt import fake_broker, packet

TOPICS = ("t/{id}", "น้ำ/{id}", "$share/g/s/{id}")


def mapping_of(*patterns: str) -> str:
    return "\n".join(
        f'[[topic]]\npattern = "{pattern}"\nentity = "urn:x:{{id}}"\npayload = "number"\n[topic.attributes.v]\n'
        for pattern in patterns
    )


class Platform:
    def __init__(self, broker: Broker, letters: DeadLetterStore, manager: FeedManager) -> None:
        self.broker, self.letters, self.manager = broker, letters, manager

    @property
    def status(self) -> FeedStatus:
        return self.manager.get_status("mqtt")

    def value(self, entity_id: str) -> Any:
        doc = self.broker.find(entity_id, FULL_ACCESS)
        return None if doc is None else build.value(doc, "v")


@asynccontextmanager
async def platform(port: int, directory: Path, *patterns: str, **more: Any) -> AsyncIterator[Platform]:
    broker = Broker.open(directory, history=False)
    await broker.start()
    letters = DeadLetterStore(directory / "deadletter.db")
    address = MqttAddress.parse(f"mqtt://127.0.0.1:{port}")
    client_id = more.pop("client_id", "test")
    retry_s = more.pop("retry_s", 300.0)
    feed = MqttFeed(
        address, parse_mapping(mapping_of(*(patterns or TOPICS))), letters, client_id, retry_s=retry_s
    )
    manager = FeedManager(broker, [feed], directory, **{"steady_s": 0.3, **more})
    await manager.start()
    try:
        yield Platform(broker, letters, manager)
    finally:
        await manager.stop()
        letters.close()
        await broker.close()


async def until(true: Any, seconds: float = 10.0) -> None:
    for _ in range(int(seconds / 0.02)):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come true in time")


@pytest.mark.parametrize("how", ["says", "hangs up", "says and waits"])
def test_a_broker_that_speaks_3_1_1_only_works(tmp_path: Path, how: str) -> None:
    async def run() -> None:
        told = {"hang_up": how == "hangs up", "stays": how == "says and waits"}
        async with fake_broker(only=4, **told) as mqtt, platform(mqtt.port, tmp_path) as city:
            await until(lambda: city.status.state == "running")
            assert [version for version, _ in mqtt.connects] == [5, 4]
            assert [options for _, options in mqtt.subscribed] == [
                1,
                1,
                1,
            ]  # nothing that 3.1.1 does not know
            mqtt.publish(b"t/1", b"1.5", 7)
            mqtt.publish("น้ำ/2".encode(), b"2.5", 8)
            await until(lambda: mqtt.acknowledged == [7, 8])
            assert (city.value("urn:x:1"), city.value("urn:x:2")) == (1.5, 2.5)

    asyncio.run(run())


def test_a_broker_that_speaks_neither_is_told_plainly(tmp_path: Path) -> None:
    async def run() -> None:
        async with fake_broker(only=3, hang_up=True) as mqtt, platform(mqtt.port, tmp_path) as city:
            await until(lambda: city.status.state == "waiting")
            assert "MQTT 5 and MQTT 3.1.1 were tried" in city.status.error

    asyncio.run(run())


@pytest.mark.parametrize(("code", "word"), [(0x86, "password"), (0x87, "not authorized"), (0x85, "mqtt_client_id"), (0x89, "busy"), (0x97, "quota")])  # fmt: skip
def test_a_refused_connection_says_why_and_is_tried_again(tmp_path: Path, code: int, word: str) -> None:
    async def run() -> None:
        async with fake_broker(answers=[code]) as mqtt, platform(mqtt.port, tmp_path) as city:
            await until(lambda: city.status.state == "waiting")
            assert word in city.status.error
            await until(lambda: city.status.state == "running")
            assert city.status.error == ""

    asyncio.run(run())


def test_a_refused_filter_is_told_and_asked_for_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with (
            fake_broker(codes={"t/+": 0x87}) as mqtt,
            platform(mqtt.port, tmp_path, retry_s=0.2) as city,
        ):
            await until(lambda: city.status.error)
            assert city.status.state == "running"  # the other filters bring something
            assert "t/+ (not authorized)" in city.status.error
            assert "t/+ (not authorized)" in caplog.text
            mqtt.codes.clear()
            await until(lambda: not city.status.error)
            assert [name for name, _ in mqtt.subscribed] == ["t/+", "น้ำ/+", "$share/g/s/+", "t/+"]

    asyncio.run(run())


def test_where_every_filter_is_refused_the_feed_does_not_run(tmp_path: Path) -> None:
    async def run() -> None:
        codes = {"t/+": 0x80, "u/+": 0x8F}
        async with (
            fake_broker(codes=codes) as mqtt,
            platform(mqtt.port, tmp_path, "t/{id}", "u/{id}", retry_s=0.3) as city,
        ):
            await until(lambda: city.status.error)
            assert city.status.state == "failing"
            assert "t/+ (refused); u/+ (the filter is not valid there)" in city.status.error
            del codes["u/+"]
            await until(lambda: city.status.state == "running")
            assert "t/+" in city.status.error

    asyncio.run(run())


def test_a_topic_taken_out_of_the_mapping_is_unsubscribed(tmp_path: Path) -> None:
    async def run() -> None:
        async with fake_broker() as mqtt:
            async with platform(mqtt.port, tmp_path) as city:
                await until(lambda: city.status.state == "running")
            mqtt.present = True
            async with platform(mqtt.port, tmp_path, "t/{id}") as city:
                await until(lambda: city.status.state == "running")
                assert sorted(mqtt.unsubscribed) == ["$share/g/s/+", "น้ำ/+"]
            mqtt.unsubscribed.clear()
            async with platform(mqtt.port, tmp_path, "t/{id}") as city:  # and only once
                await until(lambda: city.status.state == "running")
                assert mqtt.unsubscribed == []

    asyncio.run(run())


def test_old_values_are_not_asked_for_again_and_are_no_arrivals(tmp_path: Path) -> None:
    async def run() -> None:
        async with fake_broker() as mqtt, platform(mqtt.port, tmp_path) as city:
            await until(lambda: city.status.state == "running")
            assert {options >> 4 & 3 for _, options in mqtt.subscribed} == {1}  # Retain Handling 1
            mqtt.publish(b"t/1", b"1.85", 1, retain=True)
            await until(lambda: city.value("urn:x:1") == 1.85)
            doc = city.broker.get("urn:x:1", FULL_ACCESS)
            assert build.observed(doc, "v") is None  # nobody knows when
            mqtt.publish(b"t/1", b"2.5", 2)
            await until(lambda: city.value("urn:x:1") == 2.5)
            before, last = city.broker.seq, city.status.last_at
            for number in range(3, 9):
                mqtt.publish(b"t/1", b"1.85", number, retain=True)
            await until(lambda: mqtt.acknowledged == list(range(1, 9)))
            assert (city.broker.seq, city.value("urn:x:1"), city.status.last_at) == (before, 2.5, last)

    asyncio.run(run())


def test_a_session_that_is_taken_over_is_not_fought_for(tmp_path: Path) -> None:
    async def run() -> None:
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            await asyncio.Event().wait()

        async with fake_broker() as mqtt, platform(mqtt.port, tmp_path, sleep=sleep) as city:
            await until(lambda: city.status.state == "running")
            mqtt.disconnect(0x8E)
            await until(lambda: city.status.state == "waiting")
            assert pauses == [300.0]
            for word in ("'test'", "has taken over", "mqtt_client_id", "5 minutes"):
                assert word in city.status.error

    asyncio.run(run())


@pytest.mark.parametrize(("code", "word"), [(0x8B, "shutting down"), (0x95, "too large"), (0x98, "administrator"), (0xFF, "code 255")])  # fmt: skip
def test_what_a_broker_says_at_the_end_is_told(tmp_path: Path, code: int, word: str) -> None:
    async def run() -> None:
        async with fake_broker() as mqtt, platform(mqtt.port, tmp_path) as city:
            await until(lambda: city.status.state == "running")
            mqtt.disconnect(code)
            await until(lambda: city.status.state == "waiting")
            assert word in city.status.error

    asyncio.run(run())


def test_no_packet_stops_the_next(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Topics that are no text, properties from another planet, a packet cut short: each a letter, each acknowledged."""

    async def run() -> None:
        async with fake_broker() as mqtt, platform(mqtt.port, tmp_path) as city:
            await until(lambda: city.status.state == "running")
            mqtt.publish(b"t/\xff", b"1", 1)
            mqtt.publish(b"t/a", b"1", 2, properties=b"\x7e\x01\x02")  # an unknown property
            mqtt.publish(
                b"t/b", b"2", 3, properties=b"\x26\x00\x01\xff\x00\x01\xff"
            )  # no UTF-8 in a user property
            mqtt.publish(b"t/c", b"3", 4, properties=b"\x23\x00\x63")  # a topic alias that nobody allowed
            mqtt.publish(b"", b"3", 5)
            mqtt.publish(b"t/\x00", b"x" * 5, 6)
            mqtt.publish(b"t/" + b"x" * 60_000, b"5", 7)
            mqtt.raw(packet(0x32, b"\x00\x03t/d\x00\x08\x7f"))  # its properties go on beyond its end
            mqtt.raw(packet(0x32, b"\x00"))
            mqtt.publish(b"t/z", b"26", 9)
            await until(lambda: city.value("urn:x:z") == 26)
            await until(lambda: mqtt.acknowledged == list(range(1, 10)))
            assert [city.value(f"urn:x:{one}") for one in "abc"] == [1, 2, 3]
            found = sorted(row["reason"] for row in city.letters.list_newest())
            assert found == ["bad-encoding", "bad-id", "bad-packet", "bad-packet", "not-mapped", "wrong-type"]
            assert city.status.restarts == 0

    asyncio.run(run())
    assert "Traceback" not in caplog.text


def test_each_reading_of_a_burst_has_its_own_time(tmp_path: Path) -> None:
    """1,000 messages of one device without a clock are 1,000 moments."""

    async def run() -> None:
        async with fake_broker() as mqtt, platform(mqtt.port, tmp_path) as city:
            await until(lambda: city.status.state == "running")
            for number in range(1, 1001):
                mqtt.publish(b"t/1", str(number).encode(), number)
            await until(lambda: len(mqtt.acknowledged) == 1000)
            events = await city.broker.read_events(0, 10_000)
            seen = [
                (one["observedAt"], one["value"])
                for event in events
                for change in event.changes
                if change.attr == build.iri("v")
                for one in change.after or ()
            ]
            assert len({at for at, _ in seen}) == 1000
            assert [value for _, value in sorted(seen)] == list(range(1, 1001))
            assert sum(value for _, value in seen) == 500_500

    asyncio.run(run())


@pytest.mark.parametrize("loop", [asyncio, uvloop])
def test_what_waits_here_is_bounded_and_all_of_it_comes(
    loop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_module, "MOST_BYTES", 200_000)

    async def run() -> None:
        async with fake_broker() as mqtt, platform(mqtt.port, tmp_path) as city:
            await until(lambda: city.status.state == "running")
            feed = city.manager._feeds["mqtt"]
            assert isinstance(feed, MqttFeed)
            most = 0
            for number in range(1, 401):
                mqtt.publish(b"t/%d" % number, b" " * 10_000 + b"1", number)
                if number % 20 == 0:
                    await asyncio.sleep(0)
                    most = max(most, feed._bytes)
            while len(mqtt.acknowledged) < 400:
                await asyncio.sleep(0.01)
                most = max(most, feed._bytes)
            assert most < 200_000 + 500_000  # what one read from the socket may bring beyond it
            assert feed._bytes == 0

    loop.run(run())


def test_what_was_held_for_the_former_id_is_taken_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_module, "QUIET_S", 0.2)

    async def run() -> None:
        (tmp_path / "ingest.db").touch()
        client_id = open_client_id(tmp_path)
        assert client_id.former == "andaman"
        async with fake_broker(present=True) as mqtt:
            async with platform(mqtt.port, tmp_path, client_id=client_id) as city:
                await until(lambda: len(mqtt.connects) == 2)
                assert [name for _, name in mqtt.connects] == [client_id.text, "andaman"]
                await until(lambda: mqtt.unsubscribed)
                mqtt.publish(b"t/1", b"3", 77)
                await until(lambda: city.value("urn:x:1") == 3 and 77 in mqtt.acknowledged)
                await until(lambda: not client_id.former)
            again = open_client_id(tmp_path)
            assert (again.text, again.former) == (client_id.text, "")

    asyncio.run(run())


def test_each_installation_has_an_id_of_its_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    first = open_client_id(one)
    assert first.former == ""  # nothing ran here before
    assert open_client_id(one).text == first.text != open_client_id(two).text
    assert first.text.isalnum()
    assert len(first.text) <= 23  # what every MQTT 3.1.1 broker takes
    assert caplog.text == ""
    (two / FILE).write_bytes((one / FILE).read_bytes())  # cp -r
    assert open_client_id(two).text == first.text
    assert "was copied or moved" in caplog.text
    renew_client_id(two)
    assert open_client_id(two).text != first.text
    (two / FILE).write_text("{")
    assert open_client_id(two).text
    assert open_client_id(two, "pier-4").text == "pier-4"
    for bad in ("a b", "น้ำ", "x" * 200, "a\n"):
        with pytest.raises(BadRequestData, match="mqtt_client_id"):
            open_client_id(two, bad)
    assert ClientId("x").former == ""


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "127.0.0.1:1883", "mqtt://h:99999", "mqtt://h:0", "mqtt://h:x", "mqtt://[::1", "mqtt://h/topic"])  # fmt: skip
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadRequestData, match="MQTT address"):
        MqttAddress.parse(url)


def test_the_password_is_opened_for_its_host_only_and_never_shown(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "data")
    secrets.set("bus", "MARK-77", ["10.0.0.5:1883"])
    address = MqttAddress.parse("mqtt://u:secret:bus@10.0.0.5:1883", secrets)
    assert address.open_password() == "MARK-77"
    assert "secret:bus" not in repr(MqttAddress.parse("mqtt://u:MARK-88@h:1", secrets)) + repr(address)
    assert "MARK" not in repr(MqttAddress.parse("mqtt://u:MARK-88@h:1", secrets))
    assert MqttAddress.parse("mqtt://u:MARK-88@h:1", secrets).open_password() == "MARK-88"
    for url, reason in (
        ("mqtt://u:secret:bus@10.0.0.6:1883", "may not be sent to"),
        ("mqtt://u:secret:no@h:1", "is not set"),
    ):
        with pytest.raises(SourceAway, match=reason):
            MqttAddress.parse(url, secrets).open_password()
    secrets.close()
