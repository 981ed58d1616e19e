"""Requests of connectivity that are not what they should be, and entities that others wrote."""

from __future__ import annotations

import pytest

from andaman.assessment.connectivity import _bands, _is_run
from andaman.assessment.indicators.inputs import _period_end, points_of
from andaman.broker.entity.build import entity, js
from andaman.kernel.errors import BadRequestData


@pytest.mark.parametrize("bands", [None, [], [{}], [["700"]], ["x"], "700", 700, [None]])
def test_bands_are_named(bands):
    with pytest.raises(BadRequestData):
        _bands({"bands": bands})


def test_only_runs_are_shown_as_runs():
    """Whatever else has an id, or only the type, is absent rather than an error."""
    result = js({"name": {}, "budget": {}})
    assert _is_run(entity("urn:ngsi-ld:CoverageRun:a", "CoverageRun", result=result))
    assert not _is_run(entity("urn:ngsi-ld:CoverageRun:b", "CoverageRun"))
    assert not _is_run(entity("urn:ngsi-ld:CoverageRun:c", "CoverageRun", result=js({})))
    assert not _is_run(entity("urn:ngsi-ld:Hospital:1", "Hospital", result=result))


@pytest.mark.parametrize(
    "series",
    [
        None,
        5,
        "x",
        [],
        {},
        {"points": 5},
        {"points": ["xy", 1, None, [], ["2025"], ["2025", "7"], ["2025", True]]},
    ],
)
def test_what_is_no_point_of_a_series_is_left_out(series):
    """Analysts write series directly; one that cannot be read must not stop every indicator."""
    assert points_of(series) == []


def test_points_of_a_series():
    assert points_of({"points": [["2024", None], ["2025", 7], ["2025-11", 1.5]]}) == [
        ("2025", 7.0),
        ("2025-11", 1.5),
    ]
    assert _period_end("2025") == _period_end("2025-12")
    assert [_period_end(odd) for odd in ("9999", "2025-13", "0000-00", "x", "")] == [None] * 5
