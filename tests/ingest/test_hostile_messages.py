"""Laws of what devices send: every message is accounted for, a bad value spoils nothing beside it, and what becomes an
entity passes the checks of the NGSI-LD door: what can be read can be written back."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.entity import build
from andaman.broker.entity.check import checked_entity
from andaman.broker.entity.expand import expand_entity
from andaman.broker.entity.represent import represent
from andaman.broker.model import Doc
from andaman.identity.model import system_actor
from andaman.ingest.checking import core_context
from andaman.ingest.mapping import MappingError, parse_mapping
from andaman.ingest.order import plan
from andaman.ingest.payload import CODECS
from andaman.ingest.reading import Reading, read_message
from andaman.ingest.rules import TopicMap
from andaman.kernel.time import format_time, parse_time
from tests.support import client, platform

NOW = parse_time("2026-11-22T07:00:00Z")
EXAMPLES = int(os.environ.get("ANDAMAN_FUZZ", "300"))


def one(attributes: str, head: str = "") -> TopicMap:
    return parse_mapping(f'[[topic]]\npattern = "t/{{id}}"\nentity = "urn:x:{{id}}"\n{head}\n{attributes}')


def read(mapping: TopicMap, payload: Any, topic: str = "t/1") -> Reading:
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return read_message(mapping, "mqtt", topic, body, NOW)


def values(reading: Reading) -> dict[str, Any]:
    assert reading.doc is not None
    shown: dict[str, Any] = build.simplify(reading.doc)["a"]
    return {name: value for name, value in shown.items() if name != "origin"}


def reasons(reading: Reading) -> list[tuple[str, str]]:
    return [(letter.reason, letter.attribute) for letter in reading.letters]


def can_be_written_back(doc: Doc) -> None:
    """Shown as NGSI-LD, sent as JSON, and read by the NGSI-LD door, it is the same entity."""
    assert checked_entity(doc) is doc
    stored = orjson.loads(orjson.dumps(doc))
    shown = orjson.loads(orjson.dumps(represent(stored, core_context())))
    assert expand_entity(shown, core_context()) == stored


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 70), 1 << 70) | st.floats() | st.text(max_size=20)
    | st.sampled_from(["urn:ngsi-ld:null", "NaN", "5.87E-39", "31,5", "2026-11-22T07:00:00Z", "\ud800", 0, -1, 1e300]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "lon", "lat", "ts", "list", "urn:ngsi-ld:null", "@type"]), inner)
    ),
    max_leaves=12,
)  # fmt: skip
_RULES = st.fixed_dictionaries(
    {},
    optional={
        "path": st.sampled_from(['"a"', '"b.a"', '"list.0.b"', '""', '"list[a=1].b"', '["a", "b"]']),
        "type": st.sampled_from(['"number"', '"integer"', '"text"', '"boolean"', '"json"']),
        "unit": st.sampled_from(['"CEL"', '"°"']),
        "missing": st.sampled_from(["[-1]", '["NaN", false]']),
        "min": st.sampled_from(["0", "-1e9"]),
        "required": st.sampled_from(["true", "false"]),
        "number": st.just('"text"'),
        "decimal": st.just('","'),
    },
)
_NAMES = st.sampled_from(
    ["temperature", "value", "types", "entity_id", "json", "object", "names_th", "urn:x:y", "น้ำ"]
)


@st.composite
def _mappings(draw: st.DrawFn) -> TopicMap | None:
    lines = ["[[topic]]", 'pattern = "t/{id}"', 'entity = "urn:x:{id}"']
    lines += draw(st.lists(st.sampled_from([
        'payload = "number"', 'payload = "text"', 'each = "list"', 'each = ""', 'location = {lon = "lon", lat = "lat"}',
        'time = {path = "ts"}', 'time = {path = "ts", zone = "Asia/Bangkok"}', 'time = {path = "ts", format = "unix"}',
        'encoding = "tis-620"', 'scope = "/a/b"', 'type = ["Device", "WaterObserved"]',
    ]), max_size=4, unique_by=lambda line: line.split()[0]))  # fmt: skip
    for name in draw(st.lists(_NAMES, max_size=4, unique=True)):
        lines.append(f'[topic.attributes."{name}"]')
        lines += [f"{key} = {value}" for key, value in draw(_RULES).items()]
    try:
        return parse_mapping("\n".join(lines))
    except MappingError:
        return None


def _bytes_of(content: Any) -> bytes:
    try:
        return orjson.dumps(content)
    except (TypeError, ValueError):
        return repr(content).encode("utf-8", "replace")


@settings(max_examples=EXAMPLES)
@given(
    mapping=_mappings(),
    payloads=st.lists(st.binary(max_size=60) | _JSON.map(_bytes_of) | _JSON.map(repr).map(lambda text: text.encode("utf-8", "replace")), min_size=1, max_size=5),
    topic=st.sampled_from(["t/1", "t/a b", "t/\x00", "t/{id}", "t/urn:ngsi-ld:null", "t/é", "t/" + "x" * 3000, "other"]),
)  # fmt: skip
def test_every_message_is_accounted_for_and_what_is_taken_can_be_written_back(
    mapping: TopicMap | None, payloads: list[bytes], topic: str
) -> None:
    if mapping is None:
        return
    for payload in payloads:
        for retained in (False, True):
            reading = read_message(mapping, "mqtt", topic, payload, NOW, retained)
            assert reading.docs or reading.letters or reading.ignored
            for doc in reading.docs:
                can_be_written_back(doc)


@pytest.mark.parametrize(
    ("rule", "value", "reason"),
    [
        ('type = "integer"', "18446744073709551616", "out-of-range"),
        ('type = "integer"', "1e20", "out-of-range"),
        ('type = "integer"', "-9223372036854775809", "out-of-range"),
        ('type = "integer"', "1.5", "wrong-type"),
        ('type = "json"', "[" * 300 + "]" * 300, "refused"),
        ('type = "json"', "[" * 100 + "]" * 100, "refused"),
        ('type = "json"', '{"a": [NaN]}', "refused"),
        ('type = "json"', "5", "wrong-type"),
        ('type = "text"', '"urn:ngsi-ld:null"', "refused"),
        ('type = "json"', '{"a": "urn:ngsi-ld:null"}', "refused"),
        ("", "1e400", "not-finite"),
        ("", "-1e999999999999", "not-finite"),
        ("", "9" * 5000, "not-finite"),
        ('type = "integer"', "9" * 5000, "not-finite"),
        ('type = "text"', r'"\ud83d"', "refused"),
        ('type = "text"', r'"\udc00\ud83d"', "refused"),
        ('type = "json"', r'{"a": ["\ud83d"]}', "refused"),
        ('type = "json"', r'{"\ud83d": 1}', "refused"),
        ('type = "json"', '{"a": 1e999}', "refused"),
        ('type = "json"', "[" * 1100 + "]" * 1100, "refused"),
        ('type = "json"', '{"a":' * 20_000 + "1" + "}" * 20_000, "refused"),
        ("", "[" * 100_000 + "]" * 100_000, "wrong-type"),
        ('number = "text"', '"1e99999"', "not-finite"),
        ("", "NaN", "not-finite"),
        ("", "nan", "not-finite"),
        ("", "-Infinity", "not-finite"),
        ("", "-inf", "not-finite"),
        ("", '"5.87E-39"', "wrong-type"),
        ('number = "text"', '"nan"', "not-finite"),
        ('number = "text"', '"1e999"', "not-finite"),
        ('number = "text"', f'"{"9" * 399}"', "not-finite"),
        ('number = "text"', '"0x10"', "wrong-type"),
        ("", "true", "wrong-type"),
    ],
)
def test_a_bad_value_spoils_nothing_beside_it(rule: str, value: str, reason: str) -> None:
    """Whatever one value is, the sound one of the same message is taken, and the entity can be written back."""
    mapping = one(f"[topic.attributes.odd]\n{rule}\n[topic.attributes.pm10]\n")
    reading = read(mapping, f'{{"odd": {value}, "pm10": 12.5}}'.encode())
    assert reasons(reading) == [(reason, "odd")]
    assert values(reading)["pm10"] == 12.5
    assert reading.doc is not None
    can_be_written_back(reading.doc)


def test_absent_values_make_no_letter() -> None:
    mapping = one(
        "[topic.attributes.speed]\nmissing = [-1]\n[topic.attributes.battery]\n",
        'location = {lon = "lon", lat = "lat"}',
    )
    for content in ({"speed": 4}, {"speed": 4, "lon": None, "lat": None}, {"speed": 4, "battery": None},
                    {"speed": 4, "lon": 0, "lat": 0}, {"speed": 4, "lon": 0.0, "lat": -0.0}):  # fmt: skip
        reading = read(mapping, content)
        assert (reasons(reading), values(reading)) == ([], {"speed": 4})
    for silent in ({"speed": None}, {"speed": -1}, {"lon": None, "lat": None}, {"lon": 0, "lat": 0}):
        reading = read(mapping, silent)
        assert (reading.docs, reading.letters, reading.ignored) == ([], [], "missing")
    assert reasons(read(mapping, {"speed": 4, "lon": 98.0})) == [("wrong-type", "location")]
    assert reasons(read(mapping, {"lon": 7.9, "lat": 98.3})) == [("out-of-range", "location")]
    assert "exchanged" in read(mapping, {"lon": 7.9, "lat": 98.3}).letters[0].detail
    for lon, lat in ((0, 7.9), (98.3, 0)):  # the equator and the meridian of Greenwich are places
        assert values(read(mapping, {"lon": lon, "lat": lat}))["location"]["coordinates"] == [lon, lat]
    assert reasons(read(mapping, {"other": 1})) == [
        ("no-value", "")
    ]  # the mapping does not fit: that is a fault


def test_numbers_in_texts_are_read_where_the_mapping_says_so() -> None:
    mapping = one(
        '[topic.attributes.power]\nnumber = "text"\n[topic.attributes.level]\nnumber = "text"\ndecimal = ","\n'
        '[topic.attributes.pulses]\ntype = "integer"\nnumber = "text"\n',
        'location = {lon = "x", lat = "y", number = "text"}',
    )
    content = {"power": "5.87E-39", "level": "-31,5", "pulses": " 9007199254740993 ", "x": "98.3", "y": "7.9"}
    assert values(read(mapping, content)) == {
        "power": 5.87e-39, "level": -31.5, "pulses": 9007199254740993,
        "location": {"type": "Point", "coordinates": [98.3, 7.9]},
    }  # fmt: skip
    assert values(read(mapping, {"power": 5})) == {"power": 5}


@pytest.mark.parametrize(
    ("rule", "text", "utc"),
    [
        ('zone = "Asia/Bangkok"', "2026-11-22T14:00:00", "2026-11-22T07:00:00Z"),  # Tasmota
        ('zone = "Asia/Bangkok"', "2026-11-22 14:00:00", "2026-11-22T07:00:00Z"),
        ('zone = "Asia/Bangkok"', "2026-11-22T06:30:00Z", "2026-11-22T06:30:00Z"),
        ('zone = "Asia/Bangkok"', "2026-11-22T06:30:00.123456789+00:00", "2026-11-22T06:30:00.123456Z"),
        ('zone = "Asia/Bangkok", calendar = "buddhist"', "2569-11-22T14:00:00", "2026-11-22T07:00:00Z"),
        ('format = "%d/%m/%Y %H:%M:%S", zone = "Asia/Bangkok"', "22/11/2026 13:59:30", "2026-11-22T06:59:30Z"),
        ('format = "%d/%m/%Y %H:%M", zone = "Asia/Bangkok", calendar = "buddhist"', "22/11/2569 14:00", "2026-11-22T07:00:00Z"),
        ('format = "%Y%m%d%H%M%S%z"', "20261122070000+0000", "2026-11-22T07:00:00Z"),
        ('format = "unix"', 1795330800, "2026-11-22T07:00:00Z"),
        ('format = "unix-us"', 1795330800123457, "2026-11-22T07:00:00.123457Z"),
        ('format = "unix-ms", number = "text"', "1795330800123", "2026-11-22T07:00:00.123Z"),
        ('format = "unix-ms"', "1795330800123", ""),
        ('zone = "Asia/Bangkok"', "14:00", ""),
        ('zone = "Asia/Bangkok"', "yesterday", ""),
        ('zone = "Asia/Bangkok"', "0001-01-01T00:00:00", ""),
        ('zone = "Asia/Bangkok"', "๒๕๖๙-11-22T14:00:00", ""),
        ("", "2026-11-22T14:00:00", ""),
        ('format = "unix"', 1795330800000, ""),  # milliseconds for seconds
    ],
)  # fmt: skip
def test_times_are_read_as_the_mapping_says(rule: str, text: Any, utc: str) -> None:
    joined = f", {rule}" if rule else ""
    reading = read(one("[topic.attributes.v]\n", f'time = {{path = "ts"{joined}}}'), {"ts": text, "v": 1})
    if not utc:
        assert reasons(reading) == [("bad-time", "")]
    else:
        assert reading.doc is not None, reading.letters
        assert build.observed(reading.doc, "v") == parse_time(utc)


def test_a_local_time_that_stands_twice_is_the_first_of_the_two() -> None:
    mapping = one("[topic.attributes.v]\n", 'time = {path = "ts", zone = "Europe/Berlin", max_age_days = 60}')
    reading = read(mapping, {"ts": "2026-10-25T02:30:00", "v": 1})
    assert reading.doc is not None
    assert build.observed(reading.doc, "v") == parse_time("2026-10-25T00:30:00Z")


def test_a_list_of_readings_has_a_time_each() -> None:
    mapping = one(
        '[topic.attributes.pm25]\npath = "v"\n[topic.attributes.battery]\n',
        'each = "readings"\ntime = {path = "ts"}',
    )
    times = ["2026-11-22T06:58:00Z", "2026-11-22T06:59:00Z"]
    content = {
        "battery": 80,
        "readings": [{"ts": ts, "v": n} for n, ts in enumerate(times)] + [{"ts": "x", "v": 9}],
    }
    reading = read(mapping, content)
    assert [build.observed(doc, "pm25") for doc in reading.docs] == [parse_time(ts) for ts in times]
    assert [build.value(doc, "battery") for doc in reading.docs] == [80, 80]  # what they have in common
    assert reasons(reading) == [("bad-time", "")]
    clockless = read(one("[topic.attributes.v]\n", 'each = ""'), [{"v": 1}, {"v": 2}, {"v": 3}])
    assert [build.observed(doc, "v") for doc in clockless.docs] == [NOW, NOW + 1, NOW + 2]
    assert reasons(read(one("[topic.attributes.v]\n", 'each = "a"'), {"a": 5})) == [("wrong-type", "")]
    assert read(one("[topic.attributes.v]\n", 'each = ""'), []).ignored == "missing"
    assert reasons(read(one("[topic.attributes.v]\n", 'each = ""'), [{"v": 1}] * 1001)) == [("too-large", "")]


def test_a_list_of_measures_is_read_by_the_name_of_each() -> None:
    mapping = one(
        '[topic.attributes.pm25]\npath = "sensors[name=pm25].value"\n[topic.attributes.co2]\npath = "sensors[id=7].value"'
    )
    content = {
        "sensors": [{"name": "pm10", "value": 1}, {"name": "pm25", "value": 2}, {"id": 7, "value": 3}, 5]
    }
    assert values(read(mapping, content)) == {"pm25": 2, "co2": 3}
    assert reasons(read(mapping, {"sensors": [{"name": "x"}]})) == [("no-value", "")]


@pytest.mark.parametrize(
    ("head", "payload", "expected"),
    [
        ("", b'\xef\xbb\xbf{"v": "a"}', "a"),
        ("", '{"v": "น้ำ"}'.encode("utf-16"), "น้ำ"),
        ('encoding = "tis-620"', '{"v": "น้ำท่วม"}'.encode("tis-620"), "น้ำท่วม"),
        ('encoding = "latin-1"', b'{"v": "caf\xe9"}', "café"),
        ('encoding = "windows-874"', '{"v": "น้ำ€“"}'.encode("cp874"), "น้ำ€“"),
        ('encoding = "utf-16"', '{"v": "น้ำ"}'.encode("utf-16-le"), "น้ำ"),
        ('encoding = "utf-16"', '{"v": "น้ำ"}'.encode("utf-16-be"), "น้ำ"),
        ('encoding = "utf-16-be"', '{"v": "น้ำ"}'.encode("utf-16-be"), "น้ำ"),
        ("", b'{"v": "a"}\0', "a"),  # the end of a text in C
        ("", b'{"v": "a"}\0\r\n', "a"),
        ("", '{"v": "น้ำท่วม"}'.encode("tis-620"), None),
    ],
)
def test_encodings_of_the_field_are_read_or_named(head: str, payload: bytes, expected: str | None) -> None:
    reading = read(one('[topic.attributes.v]\ntype = "text"', head), payload)
    if expected is None:
        assert reasons(reading) == [("bad-encoding", "")]
        assert "tis-620" in reading.letters[0].detail
    else:
        assert values(reading) == {"v": expected}


@pytest.mark.parametrize("encoding", CODECS)
@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("payload", ["text", "json"])
def test_a_byte_order_mark_counts_more_than_any_encoding(encoding: str, mark: str, payload: str) -> None:
    text = "น้ำ €“" if payload == "text" else '{"v": "น้ำ €“"}'
    body = f"{'' if mark in ('utf-8-sig', 'utf-16', 'utf-32') else chr(0xFEFF)}{text}".encode(mark)
    mapping = one('[topic.attributes.v]\ntype = "text"', f'encoding = "{encoding}"\npayload = "{payload}"')
    assert values(read(mapping, body)) == {"v": "น้ำ €“"}


@pytest.mark.parametrize("encoding", CODECS)
def test_every_encoding_of_the_manual_is_read(encoding: str) -> None:
    text = "café" if encoding == "latin-1" else "น้ำท่วม 12"
    for payload, written in (("text", text), ("json", f'{{"v": "{text}"}}')):
        mapping = one(
            '[topic.attributes.v]\ntype = "text"', f'encoding = "{encoding}"\npayload = "{payload}"'
        )
        assert values(read(mapping, written.encode(CODECS[encoding]))) == {"v": text}
    number = one("[topic.attributes.v]", f'encoding = "{encoding}"\npayload = "number"')
    assert values(read(number, "12.5".encode(CODECS[encoding]))) == {"v": 12.5}


_GRAMMATICAL = st.recursive(
    st.sampled_from(["1e400", "-1e999", "1E-999", "-0", "9" * 30, "9" * 4400, "0." + "1" * 500, "1e99999999999", "null", "true", '""',
                     r'"\ud800"', r'"\udfff\ud800"', r'"\u0000"', '"NaN"', r'"[\"{"', "[" * 1500 + "]" * 1500, '{"a":' * 1500 + "1" + "}" * 1500]),
    lambda inner: st.lists(inner, max_size=3).map(lambda some: f"[{', '.join(some)}]")
    | st.lists(st.tuples(st.sampled_from(['"a"', r'"\ud800"', '""', r'"\\"']), inner), max_size=3)
    .map(lambda some: "{" + ",".join(f"{key} : {value}" for key, value in some) + "}"),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=max(100, EXAMPLES // 3), deadline=None)
@given(
    odd=_GRAMMATICAL,
    kind=st.sampled_from(["number", "integer", "text", "boolean", "json"]),
    before=st.booleans(),
)
def test_whatever_is_json_by_its_grammar_spoils_nothing_beside_it(odd: str, kind: str, before: bool) -> None:
    """Each value ends as itself or as a letter of its own; the sound ones beside it are what they are without it."""
    mapping = one(
        f'[topic.attributes.odd]\ntype = "{kind}"\n[topic.attributes.sound]\n[topic.attributes.large]\ntype = "json"\n'
    )
    sound = '"sound": 12.5, "large": {"k": 1180591620717411303424}'
    content = f'{{"odd": {odd}, {sound}}}' if before else f'{{{sound}, "odd": {odd}}}'
    reading = read(mapping, content.encode())
    assert {letter.attribute for letter in reading.letters} <= {"odd"}
    assert reading.doc is not None
    shown = values(reading)
    alone = values(read(mapping, f"{{{sound}}}".encode()))
    assert {name: shown[name] for name in ("sound", "large")} == alone
    can_be_written_back(reading.doc)


def test_json_that_never_ends_is_read_in_time() -> None:
    mapping = one("[topic.attributes.v]\n")
    for body in (
        b'"' + b'\\"' * 130_000,
        b"[" * 262_000,
        b'{"v": ' + b"nan " * 60_000,
        b"]" * 262_000,
        b'"\\' * 87_000,
    ):
        began = monotonic()
        assert reasons(read(mapping, body)) == [("bad-json", "")]
        assert monotonic() - began < 2


def test_an_empty_text_is_no_value() -> None:
    """What every subscriber gets where a retained value is cleared."""
    mapping = one('[topic.attributes.v]\ntype = "text"', 'payload = "text"')
    for body in (b"", b"\0"):
        reading = read(mapping, body)
        assert (reading.docs, reading.letters, reading.ignored) == ([], [], "missing")
    assert values(read(mapping, b"open\0")) == {"v": "open"}
    needed = one('[topic.attributes.v]\ntype = "text"\nrequired = true', 'payload = "text"')
    assert reasons(read(needed, b"")) == [("no-value", "v")]


@pytest.mark.parametrize("kind", ["number", "integer", "text", "boolean", "json"])
def test_every_kind_of_value_has_the_time_of_its_message(kind: str) -> None:
    sample = {"number": 1.5, "integer": 1, "text": "a", "boolean": True, "json": {"a": 1}}[kind]
    mapping = one(
        f'[topic.attributes.v]\ntype = "{kind}"', 'time = {path = "ts"}\nlocation = {lon = "x", lat = "y"}'
    )
    reading = read(mapping, {"ts": "2026-11-22T06:00:00Z", "v": sample, "x": 98.0, "y": 7.0})
    assert reading.doc is not None
    shown = build.simplify(reading.doc)["t"]
    assert shown["v"] == shown["location"] == format_time(parse_time("2026-11-22T06:00:00Z"))


def test_what_a_topic_says_is_never_read_as_a_name() -> None:
    mapping = parse_mapping(
        '[[topic]]\npattern = "{a}/{b}"\nentity = "urn:x:{a}:{b}"\n[topic.attributes.v]\n'
    )
    reading = read(mapping, {"v": 1}, "x/y")
    assert reading.doc is not None
    assert reading.doc["id"] == "urn:x:x:y"
    assert reasons(read(mapping, {"v": 1}, "{b}/y")) == [("bad-id", "")]


def test_old_values_kept_by_the_mqtt_broker_have_no_time_and_make_no_letter() -> None:
    plain = read_message(one("[topic.attributes.v]\n"), "mqtt", "t/1", b'{"v": 1}', NOW, retained=True)
    assert plain.retained
    assert plain.doc is not None
    assert build.observed(plain.doc, "v") is None
    timed = one("[topic.attributes.v]\n", 'time = {path = "ts", max_age_days = 1}')
    old = read_message(timed, "mqtt", "t/1", b'{"v": 1, "ts": "2026-11-01T00:00:00Z"}', NOW, retained=True)
    assert (old.docs, old.letters, old.ignored) == ([], [], "retained")
    new = read_message(timed, "mqtt", "t/1", b'{"v": 1, "ts": "2026-11-22T06:00:00Z"}', NOW, retained=True)
    assert not new.retained
    assert new.doc is not None


def test_what_a_device_wrote_is_read_and_written_back_over_ngsi_ld(tmp_path: Path) -> None:
    """Through the doors themselves: GET in one tenant, POST in another, and both are equal."""
    mapping = parse_mapping(
        '[[topic]]\npattern = "t/{id}"\nentity = "urn:x:{id}"\nscope = "pier/east"\ntype = ["Device", "https://x.org/T"]\n'
        'time = {path = "ts"}\nlocation = {lon = "x", lat = "y"}\n'
        '[topic.attributes.value]\nunit = "CEL"\n[topic.attributes.types]\ntype = "integer"\n'
        '[topic.attributes."น้ำ"]\ntype = "text"\n[topic.attributes.json]\ntype = "json"\n'
        '[topic.attributes."https://x.org/a"]\ntype = "boolean"\n'
        '[topic.static]\nname = {th = "ก", en = "a"}\nsince = 2026-11-22T07:00:00Z\nlist = [1, "a", 2.5]\n'
    )  # fmt: skip
    ids = ["1", "a'b", "น้ำ", "a(b)+c", "x" * 1000]
    content = {"ts": "2026-11-22T06:00:00Z", "x": 98.0, "y": 7, "value": 1e-300, "types": (1 << 64) - 1, "น้ำ": "ท่วม\x00\n",
               "json": {"a": [None, {"b": []}], "": 1}, "https://x.org/a": True}  # fmt: skip

    async def run() -> None:
        async with platform(tmp_path, no_auth=True, broker_only=True) as app, client(app) as http:
            for name in ids:
                reading = read(mapping, content, f"t/{name}")
                assert reading.letters == []
                await app.broker.write(plan(reading.docs, lambda _: None), system_actor("test"))
                url = f"/ngsi-ld/v1/entities/{quote(f'urn:x:{name}', safe='')}"
                found = await http.get(url)
                assert found.status_code == 200, found.text
                other = {"NGSILD-Tenant": "copy"}
                made = await http.post("/ngsi-ld/v1/entities", json=found.json(), headers=other)
                assert made.status_code == 201, made.text
                again = await http.get(url, headers=other)
                assert again.json() == found.json()

    asyncio.run(run())
