"""The response time that is computed from the command center's record."""

from __future__ import annotations

from typing import Any

import pytest

from andaman.assessment.records import LEAST_ASSIGNMENTS, response_minutes
from andaman.broker.entity.build import entity, prop
from andaman.broker.model import Doc
from andaman.kernel.time import SECOND, format_time

T0 = 1_800_000_000 * SECOND


def sent(n: int, **at: int | None) -> Doc:
    """``at``: seconds after the sending, by attribute; other numbers as they are."""
    attrs: dict[str, Any] = {
        name: prop(format_time(T0 + seconds * SECOND) if name.endswith("At") else seconds)
        for name, seconds in at.items()
        if seconds is not None
    }
    return entity(
        f"urn:ngsi-ld:Assignment:{n}",
        "Assignment",
        origin=prop("reported"),
        assignedAt=prop(format_time(T0)),
        **attrs,
    )


def test_the_arrival_is_the_position_and_no_report_that_it_disputes() -> None:
    """A report that comes ten minutes after the arrival makes no unit slow; one from afar makes none fast."""
    late = [
        sent(n, positionAtSceneAt=300, onSceneAt=900, onSceneDistanceM=20) for n in range(LEAST_ASSIGNMENTS)
    ]
    disputed = [sent(100 + n, onSceneAt=1, onSceneDistanceM=5000) for n in range(50)]
    found = response_minutes([*late, *disputed])
    assert found is not None
    assert found.value == pytest.approx(5)
    assert response_minutes(disputed) is None
    plain = response_minutes([sent(n, onSceneAt=600) for n in range(LEAST_ASSIGNMENTS)])
    assert plain is not None
    assert plain.value == pytest.approx(10)
