"""Entities of the city with missing, wrong or hostile attributes: a study leaves them out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.assessment.network.roads import graph_of
from andaman.assessment.reach.world import districts, points_of
from andaman.broker.entity.build import entity, geo, prop
from andaman.broker.model import Doc
from tests.command.city import roads
from tests.command.core.test_views import instances, json_values

AREA = entity(
    "urn:ngsi-ld:AdministrativeArea:whole",
    "AdministrativeArea",
    level=prop("tambon"),
    population=prop(10**17),
    location=geo({"type": "Polygon", "coordinates": [[[98, 7], [99, 7], [99, 8], [98, 7]]]}),
)
NAMES = [
    "startNode", "endNode", "length", "location", "oneway", "roadClass", "name", "ref", "level", "population",
    "code",
]  # fmt: skip
docs = st.lists(
    st.dictionaries(
        st.sampled_from(NAMES), instances | json_values.map(lambda one: {"type": "GeoProperty", "value": one})
    ).map(lambda attrs: entity("urn:ngsi-ld:RoadSegment:0", "RoadSegment", **attrs)),
    max_size=3,
)


@settings(max_examples=200, deadline=None)
@given(damaged=docs)
def test_damaged_entities_are_left_out(damaged: list[Doc]) -> None:
    """The others make the same network and the same areas as without them."""
    whole = graph_of(roads())
    assert len(graph_of([*roads(), *damaged]).u) >= len(whole.u)
    assert "urn:ngsi-ld:AdministrativeArea:whole" in {one.id for one in districts([AREA, *damaged])}
    assert points_of(damaged).shape[1] == 2
