"""Laws of reading device messages: never an exception, never a wrong value, always a reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.entity import build
from andaman.ingest import reading as reading_module
from andaman.ingest.mapping import MappingError, parse_mapping
from andaman.ingest.reading import Reading, read_message
from andaman.kernel.time import MINUTE, format_time, parse_time

MAPPING = """
[[topic]]
pattern = "phuket/air/{station}"
entity = "urn:ngsi-ld:AirQualityObserved:{station}"
type = ["AirQualityObserved"]
scope = ["/environment/air"]
time = {path = "ts", format = "iso"}
location = {lon = "pos.lon", lat = "pos.lat"}
[topic.attributes.pm25]
path = "data.pm25"
unit = "GQ"
missing = [-1, -9.99]
min = 0
max = 1000
[topic.attributes.temperature]
path = "data.t"
missing = [-9.99]
[topic.attributes.battery]
path = "data.battery"
type = "integer"
[topic.static]
name = {th = "สถานีตรวจวัดอากาศ", en = "Air station"}

[[topic]]
pattern = "phuket/level/{gauge}/+"
entity = "urn:ngsi-ld:WaterObserved:{gauge}"
type = "WaterObserved"
payload = "number"
[topic.attributes.waterLevel]
path = ""
min = -5
max = 20

[[topic]]
pattern = "phuket/sensor/{id}"
entity = "urn:ngsi-ld:Device:{id}"
time = {path = "t", format = "unix-ms", max_age_days = 1, max_ahead_s = 60}
[topic.attributes.value]
required = true
"""
MAP = parse_mapping(MAPPING)
NOW = parse_time("2026-11-22T07:00:00Z")


def read(topic: str, payload: Any) -> Reading:
    return read_message(
        MAP, "mqtt", topic, payload if isinstance(payload, bytes) else orjson.dumps(payload), NOW
    )


def reasons(reading: Reading) -> list[tuple[str, str]]:
    return [(letter.reason, letter.attribute) for letter in reading.letters]


def test_a_good_message_becomes_an_entity_with_its_time_place_and_unit() -> None:
    reading = read(
        "phuket/air/a1",
        {
            "ts": "2026-11-22T13:59:30+07:00",
            "pos": {"lon": 98.39, "lat": 7.88},
            "data": {"pm25": 12.5, "t": 31, "battery": 80.0},
        },
    )
    assert reading.letters == []
    assert reading.doc is not None
    live = build.simplify(reading.doc)
    assert live["id"] == "urn:ngsi-ld:AirQualityObserved:a1"
    assert live["a"]["pm25"] == 12.5
    assert live["a"]["battery"] == 80
    assert isinstance(live["a"]["battery"], int)
    assert live["a"]["location"] == {"type": "Point", "coordinates": [98.39, 7.88]}
    assert live["a"]["origin"] == "measured"
    assert live["a"]["name"]["en"] == "Air station"
    assert live["t"]["pm25"] == format_time(parse_time("2026-11-22T06:59:30Z"))
    assert reading.doc["attrs"][build.iri("pm25")][0]["unitCode"] == "GQ"


def test_what_a_device_writes_for_no_value_is_no_value() -> None:
    base = {"ts": "2026-11-22T07:00:00Z", "pos": {"lon": 98.39, "lat": 7.88}}
    for missing in (-1, -1.0, -9.99):
        reading = read("phuket/air/a1", {**base, "data": {"pm25": missing, "t": 30.0}})
        assert reasons(reading) == []  # and no dead letter: there was nothing to read
        assert reading.doc is not None
        assert build.value(reading.doc, "pm25") is None
        assert build.value(reading.doc, "temperature") == 30.0  # the rest of the message is taken


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("phuket/air/a1", b"{", "bad-json"),
        ("phuket/air/a1", b"", "bad-json"),
        ("phuket/air/a1", b'{"ts": NaN}', "not-finite"),
        ("phuket/air/a1", b"\xff\xfe", "bad-encoding"),
        ("phuket/air/a1", b'{"ts": "yesterday", "data": {"pm25": 5}}', "bad-time"),
        ("phuket/air/a1", b'{"ts": "2569-11-22T07:00:00Z", "data": {"pm25": 5}}', "bad-time"),
        ("phuket/air/a1", b'{"data": {"pm25": 5}}', "bad-time"),
        ("phuket/air/a b", b'{"ts": "2026-11-22T07:00:00Z"}', "bad-id"),
        ("phuket/nothing", b"1", "not-mapped"),
        ("phuket/level/g1/cm", b"nan", "not-finite"),
        ("phuket/level/g1/cm", b"inf", "not-finite"),
        ("phuket/level/g1/cm", b"21", "out-of-range"),
        ("phuket/level/g1/cm", b"high", "wrong-type"),
        ("phuket/sensor/s1", b'{"t": 0, "value": 1}', "bad-time"),
        ("phuket/sensor/s1", b'{"t": 1e300, "value": 1}', "bad-time"),
        ("phuket/sensor/s1", b'{"t": true, "value": 1}', "bad-time"),
        ("phuket/sensor/s1", b'{"t": 1795330800000}', "no-value"),
        ("phuket/sensor/s1", b"[]", "bad-time"),
        ("phuket/sensor/s1", b'"' + b"x" * 300_000 + b'"', "too-large"),
    ],
)
def test_every_fault_has_its_reason(topic: str, payload: bytes, reason: str) -> None:
    reading = read(topic, payload)
    assert reading.doc is None
    assert [letter.reason for letter in reading.letters] == [reason]
    assert reading.letters[0].payload == payload


@pytest.mark.parametrize("value", ["5", True, [5], {"v": 5}])
def test_a_value_of_another_type_is_refused_not_converted(value: Any) -> None:
    reading = read(
        "phuket/air/a1",
        {"ts": "2026-11-22T07:00:00Z", "pos": {"lon": 98.0, "lat": 7.0}, "data": {"pm25": value}},
    )
    assert ("wrong-type", "pm25") in reasons(reading)


def test_a_place_without_a_fix_is_no_place() -> None:
    reading = read(
        "phuket/air/a1", {"ts": "2026-11-22T07:00:00Z", "pos": {"lon": 0, "lat": 0}, "data": {"pm25": 5}}
    )
    assert reasons(reading) == []
    assert reading.doc is not None
    assert "location" not in build.simplify(reading.doc)["a"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["ts", "pos", "data", "pm25", "t", "value"]), inner)
    ),
    max_leaves=12,
)
_TOPICS = st.sampled_from(["phuket/air/a1", "phuket/level/g/x", "phuket/sensor/s", "other"]) | st.text(
    max_size=30
)


@given(topic=_TOPICS, payload=st.binary(max_size=200) | _JSON.map(lambda value: repr(value).encode()))
def test_any_bytes_end_as_an_entity_or_a_dead_letter(topic: str, payload: bytes) -> None:
    reading = read(topic, payload)
    assert reading.doc is not None or reading.letters


@given(content=_JSON)
def test_any_json_ends_as_an_entity_or_a_dead_letter(content: Any) -> None:
    try:
        payload = orjson.dumps(content)
    except TypeError:  # integers beyond 64 bits
        return
    for topic in ("phuket/air/a1", "phuket/level/g/x", "phuket/sensor/s"):
        reading = read(topic, payload)
        assert reading.doc is not None or reading.letters


@given(offset=st.integers(-20 * 24 * 60, 20 * 24 * 60))
def test_a_time_is_taken_only_near_to_now(offset: int) -> None:
    at = NOW + offset * MINUTE
    reading = read("phuket/sensor/s1", {"t": at // 1000, "value": 1})
    assert (reading.doc is not None) == (-24 * 60 <= offset <= 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "not TOML"),
        ("a = 1", r"no \[\[topic\]\]"),
        ('[[topic]]\npattern = "a/#/b"\nentity = "urn:x:y"', "a topic level at the end only"),
        ('[[topic]]\npattern = "a/{b}"\nentity = "urn:x:{c}"', "does not name"),
        ('[[topic]]\npattern = "a/{b}"\nentity = "no uri"', "not a URI"),
        ('[[topic]]\npattern = "a"\nentity = "urn:x:y"', r"\[topic.attributes"),
        ('[[topic]]\npattern = "a"\nentity = "urn:x:y"\nnoise = 1', "unknown noise"),
        (
            '[[topic]]\npattern = "a"\nentity = "urn:x:y"\n[topic.attributes.v]\ntype = "int"',
            "is one of number",
        ),
        ('[[topic]]\npattern = "a"\nentity = "urn:x:y"\n[topic.attributes.v]\nmissing = -1', "is a list"),
        (
            '[[topic]]\npattern = "a"\nentity = "urn:x:y"\ntime = {path = "t", format = "odd"}\n[topic.attributes.v]',
            "format is one",
        ),
    ],
)
def test_a_faulty_mapping_file_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(MappingError, match=message):
        parse_mapping(text)


def test_patterns_are_subscribed_as_mqtt_filters() -> None:
    assert [rule.filter for rule in MAP.topics] == ["phuket/air/+", "phuket/level/+/+", "phuket/sensor/+"]


def test_the_mapping_in_the_manual_is_good() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/rooms/ingest.md").read_text("utf-8")
    mapping = parse_mapping(page.split("```toml\n")[1].split("```")[0])
    payload = b'{"ts": "2026-11-22T06:59:00Z", "pos": {"lon": 98.39, "lat": 7.88}, "data": {"pm25": 9}}'
    reading = read_message(mapping, "mqtt", "phuket/air/kathu", payload, NOW)
    assert reading.doc is not None
    assert build.simplify(reading.doc)["a"]["pm25"] == 9
    for reason in set(
        re.findall(r'Unreadable\(\s*"([a-z-]+)"', (Path(reading_module.__file__)).read_text("utf-8"))
    ):
        assert f"`{reason}`" in page, reason
