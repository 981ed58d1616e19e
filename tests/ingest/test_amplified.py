"""Laws of what one message is multiplied to: bounded, and no other writer is refused because of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from andaman.broker.entity import build
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.identity.model import system_actor
from andaman.ingest import DeadLetterStore, FeedManager, MqttAddress, MqttFeed
from andaman.ingest import mqtt as mqtt_module
from andaman.ingest.link import MOST_WAITING, MOST_WAITING_BYTES
from andaman.ingest.mapping import parse_mapping
from andaman.ingest.model import Observation
from andaman.ingest.reading import MOST_MADE, read_message
from andaman.kernel.time import parse_time
from tests.ingest.fake_mqtt import fake_broker
from tests.ingest.test_isolation import _link
from tests.ingest.test_session import until

NOW = parse_time("2026-11-22T07:00:00Z")
MAPPING = (
    '[[topic]]\npattern = "t/{id}"\nentity = "urn:x:{id}"\neach = "r"\n'
    '[topic.attributes.v]\n[topic.attributes.blob]\ntype = "text"\n[topic.attributes.j]\ntype = "json"\n'
    '[topic.attributes.k]\ntype = "json"\npath = "j"\n'
)


def _payload(items: int, **beside: Any) -> bytes:
    return orjson.dumps({**beside, "r": [{"v": number} for number in range(items)]})


@pytest.mark.parametrize(
    ("payload", "taken"),
    [
        (_payload(1000), 1000),
        (_payload(1000, blob="b" * 200_000), 0),
        (_payload(1000, blob="ก" * 3_000), 0),
        (_payload(40, blob="b" * 200_000), 40),
        (_payload(50, blob="b" * 200_000), 0),
        (_payload(1000, j={"a": ["x" * 10] * 400}), 0),
        (_payload(1000, j=[[]] * 3_000), 0),
        (orjson.dumps({"r": [{"v": n, "blob": "b" * 200} for n in range(1000)]}), 1000),
    ],
)
def test_what_one_message_becomes_is_bounded(payload: bytes, taken: int) -> None:
    reading = read_message(parse_mapping(MAPPING), "mqtt", "t/1", payload, NOW)
    assert len(reading.docs) == taken
    made = sum(len(orjson.dumps(doc["attrs"][name])) for doc in reading.docs for name in doc["attrs"])
    assert made < MOST_MADE * 2
    if not taken:
        assert [letter.reason for letter in reading.letters] == ["too-large"]
        assert "8 MB" in reading.letters[0].detail


def test_one_value_under_many_names_is_bounded_too() -> None:
    attributes = "".join(f'[topic.attributes.a{n}]\ntype = "text"\npath = "b"\n' for n in range(60))
    mapping = parse_mapping(f'[[topic]]\npattern = "t/{{id}}"\nentity = "urn:x:{{id}}"\n{attributes}')
    reading = read_message(mapping, "mqtt", "t/1", orjson.dumps({"b": "b" * 200_000}), NOW)
    assert [letter.reason for letter in reading.letters] == ["too-large"]
    assert read_message(mapping, "mqtt", "t/1", orjson.dumps({"b": "b" * 100_000}), NOW).docs


@pytest.mark.parametrize(("count", "size"), [(2000, 0), (30, 1 << 20), (3, 7 << 20)])
def test_a_feed_has_a_slice_of_its_batch_waiting_only(count: int, size: int) -> None:
    slices: list[int] = []

    class Slow:
        def find(self, *_: Any) -> None:
            return None

        async def write(self, ops: Sequence[WriteOp], *_: Any) -> list[Any]:
            slices.append(len(ops))
            return [_Done() for _ in ops]

    async def run() -> None:
        docs: list[Doc] = [build.entity(f"urn:x:{n}", "Device", v=build.prop(n)) for n in range(count)]
        written = await _link(Slow()).take([Observation(doc, size=size) for doc in docs])
        assert (written.changed, written.refused) == (count, {})

    asyncio.run(run())
    assert sum(slices) == count
    assert max(slices) <= MOST_WAITING
    assert all(one == 1 or one * size <= MOST_WAITING_BYTES for one in slices)


class _Done:
    error, changed, created = None, True, False


def test_another_writer_is_never_refused_because_of_a_device(tmp_path: Any, monkeypatch: Any) -> None:
    """A queue of 1,500 operations, and messages that become 5,000 readings: every write of another client is taken."""
    monkeypatch.setattr(mqtt_module, "MOST_TOGETHER", 5_000)

    async def run() -> None:
        broker = Broker.open(tmp_path, history=False, max_waiting_ops=1_500)
        await broker.start()
        letters = DeadLetterStore(tmp_path / "deadletter.db")
        async with fake_broker() as mqtt:
            address = MqttAddress.parse(f"mqtt://127.0.0.1:{mqtt.port}")
            feed = MqttFeed(address, parse_mapping(MAPPING), letters, "test")
            manager = FeedManager(broker, [feed], tmp_path)
            await manager.start()
            await until(lambda: mqtt.subscribed and manager.get_status("mqtt").state == "running")
            for number in range(1, 6):
                mqtt.publish(b"t/%d" % number, _payload(1000, blob="b" * 1000), number)
            writes = 0
            while len(mqtt.acknowledged) < 5:
                doc = build.entity("urn:x:other", "Device", v=build.prop(writes))
                one = WriteOp(OpKind.UPSERT_UPDATE, "urn:x:other", doc)
                (result,) = await broker.write([one], system_actor("test"))
                assert result.error is None
                writes += 1
            assert writes
            assert manager.get_status("mqtt").restarts == 0
            await manager.stop()
        letters.close()
        await broker.close()

    asyncio.run(run())
