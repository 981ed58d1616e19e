"""Query parameters: what is right is read, and every refusal names the parameter and says what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.kernel import query_params as q
from andaman.kernel.errors import BadRequestData

READERS: dict[str, Callable[[dict[str, str]], Any]] = {
    "integer": lambda asked: q.integer(asked, "a", None, -1, 50),
    "number": lambda asked: q.number(asked, "a", None, 0.5, 2.0),
    "time": lambda asked: q.time(asked, "a", None),
    "choice": lambda asked: q.choice(asked, "a", None, ("north", "south")),
    "flag": lambda asked: q.flag(asked, "a"),
    "text": lambda asked: q.text(asked, "a", most=3),
}


@given(st.sampled_from(sorted(READERS)), st.text())
def test_any_text_is_read_or_refused_by_name(reader: str, text: str) -> None:
    problem = None
    try:
        READERS[reader]({"a": text})
    except BadRequestData as error:
        problem = error.problem()
    assert problem is None or (problem["field"] == "a" and problem["detail"].startswith("a must be "))


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        ("integer", "050", 50),
        ("integer", "-1", -1),
        ("number", "1e0", 1.0),
        ("time", "1970-01-01T00:00:01Z", 1_000_000),
        ("time", "1970-01-01T07:00:01 07:00", 1_000_000),  # a plus that came as a space
        ("time", "", None),
        ("choice", "south", "south"),
        ("choice", "", None),
        ("flag", "true", True),
        ("flag", "false", False),
        ("text", "ปปป", "ปปป"),
    ],
)
def test_what_is_right_is_read(reader: str, text: str, value: Any) -> None:
    assert READERS[reader]({"a": text}) == value


@pytest.mark.parametrize(
    ("reader", "text", "detail"),
    [
        ("integer", "51", "a must be a whole number from -1 to 50"),
        ("integer", "-2", "a must be a whole number from -1 to 50"),
        ("integer", "5\n", "a must be a whole number from -1 to 50"),
        ("integer", "٣", "a must be a whole number from -1 to 50"),
        ("integer", "9" * 5000, "a must be a whole number from -1 to 50"),
        ("number", "nan", "a must be a number from 0.5 to 2"),
        ("number", "inf", "a must be a number from 0.5 to 2"),
        ("choice", "up", "a must be one of north, south"),
        ("flag", "yes", "a must be one of true, false"),
        (
            "time",
            "2026-01-01T00:00:00",
            "a must be a date and time with its zone, such as 2026-11-22T07:32:00Z",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_what_would_be_right(reader: str, text: str, detail: str) -> None:
    with pytest.raises(BadRequestData) as caught:
        READERS[reader]({"a": text})
    assert (caught.value.detail, caught.value.status) == (detail, 400)


def test_what_is_not_given_has_its_default() -> None:
    assert q.integer({}, "a", 7, 1, 9) == 7
    assert q.number({}, "a", None, 1, 9) is None
    assert q.time({}, "a", 5) == 5
    assert q.choice({}, "a", "", ("x",)) == ""
    assert q.flag({}, "a", default=True) is True
    assert q.text({}, "a") == ""


def test_a_strict_door_takes_each_known_parameter_once() -> None:
    assert q.only([("type", "Bus"), ("limit", "")], {"type"}, {"limit"}) == {"type": "Bus", "limit": ""}
    for pairs, field in (
        ([("type", "Bus"), ("typ", "x")], "typ"),
        ([("type", "Bus"), ("type", "Car")], "type"),
        ([("limit", "1")], "type"),
        ([("type", "")], "type"),
    ):
        with pytest.raises(BadRequestData) as caught:
            q.only(pairs, {"type"}, {"limit"})
        assert caught.value.extra["field"] == field
