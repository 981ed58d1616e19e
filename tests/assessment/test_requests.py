"""Requests of connectivity that are not what they should be, and entities that others wrote."""

from __future__ import annotations

import pytest

from andaman.assessment.connectivity import _bands, _is_run
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
