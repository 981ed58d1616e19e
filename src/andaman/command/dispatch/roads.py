"""The road network of a tenant, made from its RoadSegment entities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from andaman.broker.entity.build import iri, value
from andaman.broker.model import DEFAULT_TENANT, LOCATION, Doc
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS, Access
from andaman.kernel.network import RoadNetwork, Segment


def iter_segments(docs: Iterable[Doc]) -> Iterator[Segment]:
    """Segments of entities that have both node numbers, a length and a line; others are not part of the graph."""
    for doc in docs:
        start, end, length = value(doc, "startNode"), value(doc, "endNode"), value(doc, "length")
        place = doc["attrs"].get(LOCATION)
        line = place[0]["value"] if place else {}
        if not isinstance(start, int) or not isinstance(end, int) or not length or float(length) <= 0:
            continue
        if line.get("type") != "LineString" or len(line["coordinates"]) < 2:
            continue
        oneway = value(doc, "oneway", 0)
        way = int(oneway) if isinstance(oneway, int | bool) and int(oneway) in (-1, 0, 1) else 0
        road_class = str(value(doc, "roadClass", ""))
        yield Segment(doc["id"], start, end, float(length), road_class, line["coordinates"], way)


def network_of(broker: Broker, tenant: str = DEFAULT_TENANT, access: Access = FULL_ACCESS) -> RoadNetwork:
    """The network; empty where the tenant has no roads. ``segment_ids`` are the entities' ids."""
    return RoadNetwork(iter_segments(broker.iter_entities([iri("RoadSegment")], access, tenant)))
