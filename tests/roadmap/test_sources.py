"""Ranges pass on what their source is worth."""

from __future__ import annotations

from andaman.assessment.citation import CHECK_TEXTS, Check
from andaman.roadmap.model import read_triangle, shipped_measures, shipped_values


def test_ranges_tell_how_far_their_source_was_checked() -> None:
    """JSON of a range has the check in words, and reads back as the same range."""
    ranges = [one.mthb_per_unit for one in shipped_values()]
    for measure in shipped_measures():
        ranges += [measure.capex, measure.opex, *(effect.share for effect in measure.effects)]
    sourced = [one for one in ranges if one.source is not None]
    assert len(sourced) > 8
    for one in ranges:
        shown = one.as_json()
        assert (one.check is None) == (one.source is None)
        assert shown["checkText"] == (None if one.check is None else CHECK_TEXTS[one.check])
        assert read_triangle(shown, "range", 0.0, 1e6) == one


def test_an_editor_need_not_know_of_checks() -> None:
    plain = read_triangle({"low": 1, "likely": 2, "high": 3, "source": "a book"}, "range", 0.0, 10.0)
    assert plain.check is Check.UNVERIFIED
