"""Laws of the mapping file: each mistake is told with its line and what is right, all of them in one go."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.ingest.mapping import MappingError, load_mapping, parse_mapping
from andaman.ingest.positions import find_lines
from andaman.ingest.topics import covers, read_pattern

HEAD = '[[topic]]\npattern = "a/{x}"\nentity = "urn:x:{x}"\n'
VALUE = "[topic.attributes.v]\n"
MISTAKES = [
    (HEAD + VALUE + "path = 5", 'line 5: topic 1 (a/{x}).attributes.v.path is a path into the message, such as "data.pm25"'),
    (HEAD + 'time = {path = "t", max_age_days = "a week"}\n' + VALUE, 'line 4: topic 1 (a/{x}).time.max_age_days is a number, not "a week"'),
    (HEAD.replace("{x}", "{1st}") + VALUE, "line 2: topic 1.pattern 'a/{1st}' is not valid: {1st} is not a name"),
    (HEAD + "static = []\n" + VALUE, "line 4: topic 1 (a/{x}).static is a table, not []; write [topic.static]"),
    (HEAD + VALUE + '[topic.static]\nlocation = {lon = "98,3", lat = 7.9}', 'line 6: topic 1 (a/{x}).static.location is not valid: lon is a number of degrees such as 98.39, not "98,3"'),
    (HEAD + VALUE + "[topic.static]\nlocation = {lon = 7.90, lat = 98.30}", "lat = 98.3 is not a latitude (-90 to 90); exchanged? Write {lon = 98.3, lat = 7.9}"),
    (HEAD + VALUE + "[topic.static]\nlocation = {lon = 198.0, lat = 98.30}", "is not a place"),
    (HEAD + VALUE + 'min = "0"', 'line 5: topic 1 (a/{x}).attributes.v.min is a number, not "0"; write min = 0'),
    (HEAD + VALUE + "max = nan", "max is a number, not nan"),
    (HEAD + VALUE + "max = true", "max is a number, not true"),
    (HEAD + VALUE + "min = 2\nmax = 1", "min = 2 is above max = 1; exchange them"),
    (HEAD + VALUE + "minn = 0", "line 5: topic 1 (a/{x}).attributes.v: unknown minn; did you mean min?"),
    (HEAD + VALUE + 'type = "text"\nmin = 0', 'min is for numbers; remove it, or say type = "number"'),
    *((HEAD + VALUE + f"path = {path}", message) for path, message in (
        ('"$.a.b"', 'line 5: topic 1 (a/{x}).attributes.v.path = "$.a.b" is JSONPath; write "a.b", or ["$.a.b"] for a key that is called so'),
        ('"$"', 'is JSONPath; write ""'),
        ("\"$['a'].b[0]\"", 'is JSONPath; write "a.b.0"'),
        ('"@.a"', 'is JSONPath; write "a"'),
        ('"a[0].b"', 'is JSONPath; write "a.0.b"'),
        ("\"a['b c']\"", 'is JSONPath; write "a.b c"'),
        ('"a[*].b"', 'is a search of JSONPath; name one value, and for a list of readings write each = "list"'),
        ('"a.*"', "is a search of JSONPath"),
        ('"$..b"', "is a search of JSONPath"),
        ('"a[?(@.b)]"', "is a search of JSONPath"),
        ('"/a/b/0"', 'is a JSON Pointer; write "a.b.0", or ["/a/b/0"] for a key that is called so'),
        ('"{{ value_json.a }}"', "is a template; write the path alone"),
        ('"' + "a." * 70 + 'b"', "has 71 steps; at most 64 are followed"),
        ("[" + '"a",' * 70 + "]", "has 70 steps; at most 64 are followed"),
    )),
    (HEAD + 'each = "$.list"\n' + VALUE, 'line 4: topic 1 (a/{x}).each = "$.list" is JSONPath; write "list"'),
    (HEAD + 'time = {path = "$.ts"}\n' + VALUE, 'time.path = "$.ts" is JSONPath; write "ts"'),
    (HEAD + 'location = {lon = "$.x", lat = "y"}\n' + VALUE, 'location.lon = "$.x" is JSONPath; write "x"'),
    (HEAD + 'time = {path = "t", format = "unix", calendar = "buddhist"}\n' + VALUE, "counts from 1970: remove calendar"),
    (HEAD + VALUE + '[topic.static]\norigin = "mesured"', 'line 6: topic 1 (a/{x}).static.origin is one of measured, reported, computed, replayed, simulated, not "mesured"; did you mean "measured"?'),
    (HEAD + VALUE + "[topic.static]\norigin = 5", "static.origin is one of measured"),
    (HEAD + VALUE + '[topic.static]\norigin = ["measured"]', "static.origin is one of measured"),
    (HEAD + VALUE + 'type = "int"', "type is one of number, integer, text, boolean, json"),
    (HEAD + VALUE + "unit = 5", 'unit is missing or is not text: 5; write unit = "5"'),
    (HEAD + VALUE + 'unit = ""', "unit is missing or is not text"),
    (HEAD + VALUE + f'unit = "{"x" * 300}"', "unitCode must be a text such as KMH"),
    (HEAD + VALUE + 'type = "json"\nunit = "C"', 'unit does not go with type = "json"'),
    (HEAD + VALUE + 'required = "yes"', 'required is true or false, not "yes"'),
    (HEAD + VALUE + "missing = -1", "missing is a list such as [-1, -9.99], not -1; write missing = [-1]"),
    (HEAD + VALUE + "missing = [{}]", "missing lists numbers, texts, true or false"),
    (HEAD + VALUE + "[topic.static]\nfactor = nan", "line 6: topic 1 (a/{x}).static.factor is not valid: factor: nan is not a number that JSON knows"),
    (HEAD + VALUE + "[topic.static]\nfactor = [1, {a = inf}]", "inf is not a number that JSON knows"),
    (HEAD + VALUE + "[topic.static]\nbig = 99999999999999999999", "has more than 64 bits"),
    (HEAD + VALUE + f'[topic.static]\nbig = "{"x" * 300_000}"', "a constant has at most 256 KB"),
    (HEAD + VALUE + '[topic.static]\nname = {de = "x"}', "a constant is a value, a name"),
    (HEAD + VALUE + '[topic.static]\nname = "urn:ngsi-ld:null"', "urn:ngsi-ld:null"),
    (HEAD + 'scope = ["pier tide"]\n' + VALUE, "line 4: topic 1 (a/{x}).scope would not be taken by the broker: scope must be a text such as /mobility/bus"),
    (HEAD + 'type = "Air Quality"\n' + VALUE, "line 4: topic 1 (a/{x}).type is not valid: 'Air Quality' is not a valid name"),
    (HEAD + "type = []\n" + VALUE, "type is an empty list"),
    (HEAD + "qos = 2\n" + VALUE, "qos is 0 or 1, not 2; write qos = 1"),
    (HEAD + "qos = true\n" + VALUE, "qos is 0 or 1, not true"),
    (HEAD + 'payload = "xml"\n' + VALUE, "payload is one of json, number, text"),
    (HEAD + 'encoding = "klingon"\n' + VALUE, "encoding is one of utf-8"),
    (HEAD + 'payload = "number"\ntime = {path = "t"}\n' + VALUE, "there is no time in the message"),
    (HEAD + 'time = {format = "iso"}\n' + VALUE, 'time.path is missing; write where the time is'),
    (HEAD + 'time = "ts"\n' + VALUE, 'time is a table, not "ts"; write [topic.time]'),
    (HEAD + 'time = {path = "t", format = "Unix"}\n' + VALUE, 'did you mean "unix"?'),
    (HEAD + 'time = {path = "t", zone = "Asia/Bankok"}\n' + VALUE, '"Asia/Bankok" is not a time zone; write a name such as "Asia/Bangkok"'),
    (HEAD + 'time = {path = "t", format = "%d/%m/%Y"}\n' + VALUE, "does not give date and time"),
    (HEAD + 'time = {path = "t", format = "%d/%m/%Y %H:%M"}\n' + VALUE, 'zone is needed with format'),
    (HEAD + 'time = {path = "t", format = "unix", zone = "UTC"}\n' + VALUE, "remove zone"),
    (HEAD + 'location = {lon = "x"}\n' + VALUE, "location.lat is missing; write where it is"),
    (HEAD + 'location = {lon = "x", lat = "y"}\n' + VALUE + "[topic.static]\nlocation = {lon = 98.0, lat = 7.0}", "location is given by [topic.location] too; keep one of the two"),
    (HEAD + 'location = {lon = "x", lat = "y"}\n[topic.attributes.location]\ntype = "json"', "is given by [topic.location] too"),
    (HEAD + '[topic.attributes.location]\ntype = "json"', "must be a GeoProperty"),
    (HEAD + VALUE + "[topic.static]\nv = 1", "attributes.v is a constant under [topic.static] too; keep one of the two"),
    (HEAD + VALUE + "[topic.attributes.origin]", "origin says where values come from and is a constant"),
    (HEAD + VALUE + '[topic.attributes."water level"]', "line 5: topic 1 (a/{x}).attributes.water level is not valid: 'water level' is not a valid name"),
    *((HEAD + VALUE + f'[topic.attributes."{name}"]', f"attributes.{name} is not valid") for name in ("id", "type", "scope", "@context", "createdAt", "modifiedAt", "expiresAt", "observedAt", "datasetId", "unitCode", "1st", "")),
    (HEAD + "[topic.attributes]", "attributes is empty"),
    (HEAD, "there is no [topic.attributes.<name>]"),
    (HEAD.replace("urn:x:{x}", "urn:x:{y}") + VALUE, "entity uses {y}, which the pattern does not name; it names {x}"),
    (HEAD.replace("urn:x:{x}", "no uri") + VALUE, "is not a URI such as urn:ngsi-ld:Device"),
    (HEAD.replace("a/{x}", "a/#/{x}") + VALUE, "# is a topic level at the end only"),
    (HEAD.replace("a/{x}", "a/b+/{x}") + VALUE, "is not a topic level; write text, +, {name}"),
    (HEAD.replace("a/{x}", "{x}/{x}") + VALUE, "the name {x} occurs twice"),
    (HEAD.replace("a/{x}", "$share/{x}") + VALUE, "A shared subscription is written $share/group/pattern"),
    (HEAD.replace("a/{x}", "b" * 65_536 + "/{x}") + VALUE, "1 to 65535 bytes"),
    (HEAD + VALUE + HEAD + VALUE, "line 6: topic 2 (a/{x}) is never reached"),
    (HEAD + VALUE + HEAD.replace("a/{x}", "a/b").replace("{x}", "y") + VALUE, "topic 2 (a/b) is never reached: every topic that fits it also fits topic 1 (a/{x})"),
    (HEAD + VALUE + "[settings]", "unknown settings; known are topic"),
    ("topic = 5", "has no [[topic]] table"),
    ("topic = [1]", "topic 1 is a table, not 1"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_each_mistake_is_told_with_its_place_and_what_is_right(text: str, message: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, "city.toml")
    assert message in caught.value.detail
    assert caught.value.detail.startswith("city.toml, line ")


def test_all_mistakes_are_told_in_one_go_in_the_order_of_their_lines() -> None:
    text = (
        HEAD
        + 'qos = 7\nscope = "a b"\n'
        + VALUE
        + 'path = 5\n[topic.static]\nx = nan\n[[topic]]\npattern = "b"\n'
    )
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, "city.toml")
    lines = [line.split(":")[0] for line in caught.value.detail.splitlines()]
    assert lines == [f"city.toml, line {number}" for number in (4, 7, 9, 10, 10)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe[[topic]]", "line 1: it is not UTF-8"),
        (b"[[topic]\n", "is not TOML"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "is not TOML"),
        (b"x = 1\n" * 1_000_000, "more than 4 MB"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_with_its_name(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "mapping.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(MappingError, match=r"mapping\.toml") as caught:
        load_mapping(path)
    assert message in caught.value.detail


def test_a_file_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + VALUE).replace("\n", "\r\n").encode())
    assert load_mapping(path).subscriptions() == {"a/+": 1}


def test_lines_are_found_in_whatever_form_the_file_is_written() -> None:
    text = (
        '# comment\n[[topic]]\npattern = """a\nb"""\n"quoted key" = 1 # x\nlist = [\n  1,\n  {a = "]"},\n]\n'
        "time = {path = 't', zone = 'x'}\n[topic.attributes.v]\nmin.max = 0\n[[topic]]\npattern = '''\n'''\n"
    )
    lines = find_lines(text)
    assert lines["topic", 0] == 2
    assert lines["topic", 0, "pattern"] == 3
    assert lines["topic", 0, "quoted key"] == 5
    assert lines["topic", 0, "list", 1] == 8
    assert lines["topic", 0, "list", 1, "a"] == 8
    assert lines["topic", 0, "time", "zone"] == 10
    assert lines["topic", 0, "attributes", "v"] == 11
    assert lines["topic", 0, "attributes", "v", "min", "max"] == 12
    assert lines["topic", 1, "pattern"] == 14


_LEVEL = st.sampled_from(["a", "b", "", "$x", "+", "{n}"])
_TOPIC = st.lists(st.sampled_from(["a", "b", "", "$x", "c\n"]), min_size=1, max_size=4).map("/".join)


def _fits(filter_: str, topic: str) -> bool:
    """MQTT 5 §4.7, level by level."""
    ours, theirs = filter_.split("/"), topic.split("/")
    if ours[0] in "+#" and ours[0] and theirs[0][:1] == "$":
        return False
    for index, level in enumerate(ours):
        if level == "#":
            return True
        if index >= len(theirs) or level not in ("+", theirs[index]):
            return False
    return len(ours) == len(theirs)


@given(
    levels=st.lists(_LEVEL, min_size=1, max_size=4), tail=st.sampled_from(["", "/#"]), topic=_TOPIC,
    group=st.sampled_from(["", "$share/g/"]),
)  # fmt: skip
def test_a_pattern_takes_the_topics_that_its_filter_brings(
    levels: list[str], tail: str, topic: str, group: str
) -> None:
    text = "/".join(levels) + tail
    if text.count("{n}") > 1 or not text or (group and not "/".join(levels)):
        return
    pattern = read_pattern(group + text)
    found = pattern.regex.fullmatch(topic)
    expected = _fits(pattern.bare, topic)
    if found is not None and "{n}" in levels:
        assert found["n"] == topic.split("/")[levels.index("{n}")]
    # A name stands for a level that says something; an empty one has no entity.
    empty = "{n}" in levels and expected and not topic.split("/")[levels.index("{n}")]
    assert (found is not None) == (expected and not empty)
    assert pattern.filter == group + pattern.bare


@given(
    one=st.lists(st.sampled_from(["a", "b", "+", "$x"]), min_size=1, max_size=3),
    two=st.lists(st.sampled_from(["a", "b", "+", "$x"]), min_size=1, max_size=3),
    ends=st.tuples(st.booleans(), st.booleans()),
    topics=st.lists(_TOPIC, min_size=5, max_size=20),
)
def test_a_filter_that_covers_another_takes_all_of_its_topics(
    one: list[str], two: list[str], ends: tuple[bool, bool], topics: list[str]
) -> None:
    wide, narrow = (
        "/".join([*levels, "#"] if end else levels) for levels, end in zip((one, two), ends, strict=True)
    )
    if covers(wide, narrow):
        for topic in [*topics, narrow.replace("+", "z").replace("#", "q/r")]:
            assert not _fits(narrow, topic) or _fits(wide, topic)


def test_what_a_wider_filter_brings_is_not_subscribed_again() -> None:
    text = (
        HEAD.replace("a/{x}", "a/b").replace("urn:x:{x}", "urn:x:b") + "qos = 1\n" + VALUE
        + HEAD + "qos = 0\n" + VALUE + HEAD.replace("a/{x}", "$share/g/a/c/{x}") + VALUE
    )  # fmt: skip
    assert parse_mapping(text).subscriptions() == {"a/+": 1, "$share/g/a/c/+": 1}


@pytest.mark.parametrize(
    "path", ['["$.a"]', '["/a"]', '["$"]', '["a[0]"]', '"$type"', '"a/b"', '"sensors[name=x].v"', '"@type"']
)
def test_a_key_may_be_called_anything(path: str) -> None:
    assert parse_mapping(HEAD + VALUE + f"path = {path}").topics
