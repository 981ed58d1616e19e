"""Instants and their ISO 8601 form."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.entity.names import check_time
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import EARLIEST, LATEST, format_time, parse_time

ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=ZONES))
def test_what_is_read_can_be_written(at):
    """Every text is an instant that can be written again, or is refused; also at the ends of the calendar."""
    text = at.isoformat()
    try:
        found = parse_time(text)
    except ValueError:
        assert at.year in (1, 9999)
        return
    assert parse_time(format_time(found)) == found


def test_the_ends_of_the_calendar():
    assert parse_time("0001-01-01T00:00:00Z") == EARLIEST
    assert parse_time("9999-12-31T23:59:59.999999Z") == LATEST
    for text in ("0001-01-01T00:00:00+00:01", "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-00:01"):
        with pytest.raises(ValueError):
            parse_time(text)


@pytest.mark.parametrize("text", ["0000-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "2025-02-29T00:00:00Z"])
def test_entities_hold_only_times_that_can_be_read(text):
    """A time that no room can read would stop every reader of the entity."""
    with pytest.raises(BadRequestData):
        check_time(text, "observedAt")
