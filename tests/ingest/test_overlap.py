"""Laws of patterns that overlap: a message is taken once, by the first pattern that fits, whatever the MQTT broker does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.entity import build
from andaman.ingest.mapping import MappingError, parse_mapping
from andaman.ingest.properties import subscription_identifiers
from andaman.ingest.rules import is_shared, overlapping
from andaman.ingest.topics import covers, joined, overlap
from tests.ingest.fake_mqtt import fake_broker
from tests.ingest.test_mqtt import mosquitto, needs_mosquitto, publish  # noqa: F401
from tests.ingest.test_session import Platform, platform, until

PATTERNS = ("pa/{id}/b", "pa/a/{id}", "pa/a/{id}/#", "q/{id}")


async def readings(city: Platform) -> list[Any]:
    """Every value that was written, with its entity."""
    events = await city.broker.read_events(0, 10_000)
    return [
        (event.entity_id, one["value"])
        for event in events
        for change in event.changes
        if change.attr == build.iri("v")
        for one in change.after or ()
    ]


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize(
    ("how", "filters"),
    [
        ({}, ["q/+", "pa/+/b", "pa/a/+/#"]),
        ({"has_identifiers": False}, ["pa/+/+/#", "q/+"]),
        ({"only": 4}, ["pa/+/+/#", "q/+"]),
    ],
)
def test_a_message_that_fits_several_patterns_is_taken_once(
    tmp_path: Path, how: dict[str, Any], filters: list[str], once: bool
) -> None:
    """Over MQTT 5 by the identifiers of subscriptions; where there are none, no two subscriptions overlap."""

    async def run() -> None:
        async with fake_broker(**how) as mqtt, platform(mqtt.port, tmp_path, *PATTERNS) as city:
            await until(lambda: city.status.state == "running")
            assert [name for name, _ in mqtt.subscribed] == filters
            number = 1
            sent = [
                ("pa/a/b", "a"),
                ("pa/x/b", "x"),
                ("pa/a/c", "c"),
                ("pa/a/b/deep", "b"),
                ("q/z", "z"),
                ("pa/x/y", ""),
            ]
            for count, (topic, _) in enumerate(sent * 3):
                number += mqtt.route(topic, b"%d" % count, number, once=once)
            mqtt.publish(b"q/end", b"0", 999)
            await until(lambda: 999 in mqtt.acknowledged)
            expected = [(f"urn:x:{name}", count) for count, (_, name) in enumerate(sent * 3) if name]
            assert await readings(city) == [*expected, ("urn:x:end", 0)]
            assert city.letters.count() == 0  # what nobody asked for is no fault of a device
            assert city.status.error == ""

    asyncio.run(run())


def test_what_the_mqtt_broker_held_of_an_earlier_mapping_is_taken(tmp_path: Path) -> None:
    """Its identifiers are others: nothing is taken for a copy whose first one never comes."""

    async def run() -> None:
        async with fake_broker(present=True) as mqtt:
            async with platform(mqtt.port, tmp_path, "pa/{id}/b", "pa/a/{id}") as city:
                await until(lambda: city.status.state == "running")
            held = mqtt.identifiers["pa/a/+"]
            assert held[:1] == b"\x0b"
            async with platform(mqtt.port, tmp_path, "{id}/a/b", "pa/{id}/b", "pa/a/{id}") as city:
                await until(lambda: city.status.state == "running")
                mqtt.publish(b"pa/a/b", b"1", 1, properties=held)
                mqtt.publish(b"pa/a/b", b"2", 2, properties=mqtt.identifiers["pa/a/+"])
                await until(lambda: sorted(mqtt.acknowledged) == [1, 2])
                assert [value for _, value in await readings(city)] == [1]

    asyncio.run(run())


def test_where_the_first_filter_is_refused_the_other_ones_copy_is_taken(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            fake_broker(codes={"pa/+/b": 0x87}) as mqtt,
            platform(mqtt.port, tmp_path, "pa/{id}/b", "pa/a/{id}") as city,
        ):
            await until(lambda: city.status.error)
            mqtt.route("pa/a/b", b"1", 1)
            await until(lambda: city.value("urn:x:a") == 1)

    asyncio.run(run())


def test_where_the_joined_filter_is_refused_those_of_the_mapping_are_asked_for(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            fake_broker(only=4, codes={"pa/+/+": 0x80}) as mqtt,
            platform(mqtt.port, tmp_path, "pa/{id}/b", "pa/a/{id}") as city,
        ):
            await until(lambda: city.status.state == "running" and city.status.error)
            assert [name for name, _ in mqtt.subscribed] == ["pa/+/+", "pa/+/b", "pa/a/+"]
            assert "fits both pa/+/b and pa/a/+ may come twice" in city.status.error
            mqtt.publish(b"pa/x/b", b"1", 1)
            await until(lambda: city.value("urn:x:x") == 1)

    asyncio.run(run())


def test_a_shared_subscription_beside_a_plain_one_is_no_second_reading(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            fake_broker() as mqtt,
            platform(mqtt.port, tmp_path, "$share/g/{id}/1", "s/{id}") as city,
        ):
            await until(lambda: city.status.state == "running")
            assert mqtt.route("s/1", b"1", 1) == 2
            await until(lambda: sorted(mqtt.acknowledged) == [1, 2])
            assert len(await readings(city)) == 1

    asyncio.run(run())


@needs_mosquitto
@pytest.mark.mqtt
def test_mosquitto_too_brings_each_message_once(mosquitto: int, tmp_path: Path) -> None:  # noqa: F811
    async def run() -> None:
        async with platform(mosquitto, tmp_path, *PATTERNS) as city:
            await until(lambda: city.status.state == "running")
        sent = [(f"pa/a/{last}", b"%d" % number) for number in range(5) for last in ("b", "b/c")]
        await publish(mosquitto, sent)  # they wait at the MQTT broker, with their identifiers
        async with platform(mosquitto, tmp_path, *PATTERNS) as city:
            await until(lambda: city.status.state == "running")
            await publish(mosquitto, [*sent, ("q/end", b"1")])
            await until(lambda: city.value("urn:x:end") == 1)
            found = sorted(value for name, value in await readings(city) if name != "urn:x:end")
            assert found == sorted([0, 1, 2, 3, 4] * 4)
            assert city.letters.count() == 0

    asyncio.run(run())


_FILTER = st.tuples(
    st.lists(st.sampled_from(["a", "b", "", "$x", "+"]), min_size=1, max_size=4), st.booleans()
).map(lambda drawn: "/".join([*drawn[0], "#"] if drawn[1] else drawn[0]) or "a")
_TOPIC = st.lists(st.sampled_from(["a", "b", "", "$x", "c"]), min_size=1, max_size=5).map("/".join)


@given(one=_FILTER, two=_FILTER, topics=st.lists(_TOPIC, min_size=5, max_size=20))
def test_two_filters_overlap_where_a_topic_fits_both(one: str, two: str, topics: list[str]) -> None:
    a, b = one.split("/"), two.split("/")
    size = max(len(a), len(b))
    longest = [[*x, *["z"] * (size - len(x))] if x[-1] == "#" else x for x in (a, b)]
    made = "/".join(
        "z" if x in "+#" and y in "+#" and x + y else (y if x in ("+", "#") else x)
        for x, y in zip(*longest, strict=False)
    )
    for topic in [*topics, made]:
        if covers(one, topic) and covers(two, topic):
            assert overlap(one, two)
    if overlap(one, two):
        both = joined(one, two)
        assert covers(both, one)
        assert covers(both, two)
    assert overlap(one, two) == overlap(two, one)
    if covers(one, two):
        assert overlap(one, two)


@given(patterns=st.lists(_FILTER, min_size=1, max_size=6), topics=st.lists(_TOPIC, max_size=10))
def test_each_topic_is_brought_by_the_filter_that_counts(patterns: list[str], topics: list[str]) -> None:
    try:
        mapping = parse_mapping("".join(
            f'[[topic]]\npattern = "{one}"\nentity = "urn:x:y"\npayload = "number"\n[topic.attributes.v]\n' for one in patterns
        ))  # fmt: skip
    except MappingError:
        return
    apart = mapping.subscriptions(apart=True)
    assert [pair for pair in overlapping(apart) if not any(map(is_shared, pair))] == []
    plain, identifiers = mapping.subscriptions(), mapping.identifiers()
    assert len(set(identifiers.values())) == len(identifiers)
    for topic in topics:
        bringing = [one for one in plain if covers(one, topic)]
        assert sorted(mapping.bringers(topic, plain)) == sorted(bringing)
        if len(bringing) > 1:
            assert identifiers.keys() >= set(bringing)
        if mapping.find(topic):
            assert sum(covers(one, topic) for one in apart) == 1


@given(st.binary(max_size=40))
def test_any_properties_are_read_to_their_end(content: bytes) -> None:
    subscription_identifiers(content)
    before = (
        b"\x26\x00\x01a\x00\x01b\x02\x00\x00\x00\x09\x01\x01\x0b\x01\x23\x00\x05\x03\x00\x01t\x0b\xff\x7f"
    )
    assert subscription_identifiers(before + b"\x7e" + content) == (1, 16383)
