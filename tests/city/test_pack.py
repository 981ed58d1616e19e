"""Laws of the Phuket pack: complete, connected, honest about what it is, and installed without needless writes."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from shapely.geometry import shape

from andaman.broker.entity import build
from andaman.broker.entity.apply import apply
from andaman.broker.model import Doc, WriteOp, WriteResult
from andaman.catalogue.seed import default_datasets
from andaman.city.pack import Pack, difference, install, load_pack, period_end
from andaman.identity.model import Access, Actor, system_actor
from andaman.kernel.errors import ResourceNotFound, Unavailable
from andaman.kernel.time import parse_time
from andaman.rooms import TYPES


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack("phuket")


@pytest.fixture(scope="module")
def docs(pack: Pack) -> dict[str, Doc]:
    return {doc["id"]: doc for doc in pack.iter_docs()}


def of(docs: dict[str, Doc], kind: str) -> list[Doc]:
    return [doc for doc in docs.values() if build.iri(kind) in doc["type"]]


class MemoryBroker:
    """The broker's contract on a dict, with the real ``apply``; counts writes."""

    def __init__(self) -> None:
        self.docs: dict[str, Doc] = {}
        self.ops = 0

    def find(self, entity_id: str, access: Access, tenant: str = "") -> Doc | None:
        return self.docs.get(entity_id)

    async def write(self, ops: list[WriteOp], actor: Actor, tenant: str = "") -> list[WriteResult]:
        results = []
        for op in ops:
            self.ops += 1
            after, _, result = apply(op, self.docs.get(op.entity_id), 1_800_000_000_000_000 + self.ops)
            if after is not None:
                self.docs[op.entity_id] = after
            else:
                self.docs.pop(op.entity_id, None)
            results.append(result)
        return results

    async def must_write(self, ops: list[WriteOp], actor: Actor, tenant: str = "") -> list[WriteResult]:
        results = await self.write(ops, actor, tenant)
        for result in results:
            if result.error is not None:
                raise result.error
        return results


def test_counts_are_those_of_the_sources(docs: dict[str, Doc]) -> None:
    counts = Counter(kind for doc in docs.values() for kind in doc["type"])
    assert {kind: counts[build.iri(kind)] for kind in ("AdministrativeArea", "RoadSegment", "PublicTransportStop")} == {
        "AdministrativeArea": 21, "RoadSegment": 855, "PublicTransportStop": 115,
    }  # fmt: skip
    accidents = of(docs, "RoadAccident")
    assert len(accidents) == 444
    assert sum(build.value(doc, "deaths") for doc in accidents) == 37
    assert sum(build.value(doc, "injured") for doc in accidents) == 245
    levels = Counter(build.value(doc, "level") for doc in of(docs, "AdministrativeArea"))
    assert levels == {"province": 1, "amphoe": 3, "tambon": 17}


def test_every_entity_says_how_it_came_to_be_and_lies_in_phuket(pack: Pack, docs: dict[str, Doc]) -> None:
    datasets = {dataset.code for dataset in default_datasets(TYPES)}
    west, south, east, north = pack.bbox
    for doc in docs.values():
        assert build.value(doc, "origin") in {"measured", "reported", "computed", "simulated"}, doc["id"]
        assert build.value(doc, "source"), doc["id"]
        assert build.value(doc, "dataset") in datasets, doc["id"]
        where = build.value(doc, "location")
        if where is not None:
            geometry = shape(where)
            assert geometry.is_valid, doc["id"]
            assert not geometry.is_empty, doc["id"]
            x0, y0, x1, y1 = geometry.bounds
            assert west <= x0 <= x1 <= east, doc["id"]
            assert south <= y0 <= y1 <= north, doc["id"]


def test_relationships_lead_to_entities_of_the_pack(docs: dict[str, Doc]) -> None:
    for doc in docs.values():
        for instances in doc["attrs"].values():
            for instance in instances:
                if instance["type"] == "Relationship":
                    target = instance["object"]
                    assert set([target] if isinstance(target, str) else target) <= docs.keys(), doc["id"]


def test_areas_nest_and_districts_add_up(docs: dict[str, Doc]) -> None:
    areas = {doc["id"].rsplit(":", 1)[1]: doc for doc in of(docs, "AdministrativeArea")}
    outline = {code: shape(build.value(doc, "location")) for code, doc in areas.items()}
    for code, geometry in outline.items():
        if len(code) == 8:
            assert geometry.difference(outline[code[:6]]).area < 1e-7
    tambon = [geometry for code, geometry in outline.items() if len(code) == 8]
    assert sum(g.area for g in tambon) == pytest.approx(outline["TH83"].area, rel=1e-4)  # no overlap, no gap
    population = {
        code: build.value(areas[code], "population") for code in ("TH83", "TH8301", "TH8302", "TH8303")
    }
    assert population.pop("TH83") == sum(population.values()) == 410211
    assert build.value(areas["TH830202"], "name") == {"en": "Patong", "th": "ป่าตอง"}


def test_the_road_graph_hangs_together(docs: dict[str, Doc]) -> None:
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for doc in of(docs, "RoadSegment"):
        parent[root(build.value(doc, "startNode"))] = root(build.value(doc, "endNode"))
        assert build.value(doc, "length") > 0
    sizes = Counter(root(node) for node in list(parent))
    assert sum(sizes.values()) == 740
    assert max(sizes.values()) == 736


def test_stops_lie_in_order_and_trips_run_forward(docs: dict[str, Doc]) -> None:
    for doc in of(docs, "PublicTransportRoute"):
        table = build.value(doc, "timetable")
        assert len(table["stops"]) == len(table["distanceM"])
        assert table["distanceM"] == sorted(table["distanceM"])
        for trip in table["trips"]:
            timed = [(m, d) for m, d in zip(trip, table["distanceM"], strict=True) if m is not None]
            assert len(timed) >= 1
            for (m0, d0), (m1, d1) in pairwise(timed):
                assert m1 > m0
                assert (d1 - d0) / 1000 / ((m1 - m0) / 60) <= 80, doc["id"]


def test_buddhist_years_and_commas_are_gone(docs: dict[str, Doc]) -> None:
    for doc in of(docs, "KeyPerformanceIndicator"):
        series = build.value(doc, "series")
        for points in [series["points"], *series.get("parts", {}).get("values", {}).values()]:
            for period, value in points:
                assert re.fullmatch(r"20[0-2]\d(-[01]\d)?", period), doc["id"]
                assert isinstance(value, (int, float))
                assert not isinstance(value, bool)
        assert build.value(doc, "kpiValue") == series["points"][-1][1]
    deaths = build.value(docs["urn:ngsi-ld:KeyPerformanceIndicator:phuket-road-deaths-monthly"], "series")[
        "points"
    ]
    yearly = dict(
        build.value(docs["urn:ngsi-ld:KeyPerformanceIndicator:phuket-road-deaths-yearly"], "series")["points"]
    )
    for year, total in yearly.items():
        assert sum(value for period, value in deaths if period.startswith(year)) == total


def test_units_are_marked_as_simulated_and_stand_at_their_station(docs: dict[str, Doc]) -> None:
    units = of(docs, "EmergencyUnit")
    assert len(units) == 40
    for unit in units:
        assert build.value(unit, "origin") == "simulated"
        assert build.value(unit, "location") == build.value(
            docs[build.value(unit, "homeStation")], "location"
        )


def test_no_line_drawn_by_hand_and_no_model_score_is_carried(pack: Pack) -> None:
    ids = " ".join(doc["id"] for doc in pack.iter_docs())
    for word in ("orange", "ferry", "flood-zone", "livability", "blackspot", "flight-"):
        assert word not in ids


def test_files_are_what_the_manifest_says_and_small(pack: Pack) -> None:
    for part in pack.manifest["parts"]:
        assert part["licence"]
        assert part["authority"]
        for file in part["files"]:
            assert file["bytes"] < 1_500_000
            assert hashlib.sha256(pack._text(file["path"]).encode()).hexdigest() == file["sha256"]


async def _install(pack: Pack, broker: Any) -> Any:
    seen: list[tuple[int, int]] = []
    report = await install(pack, broker, system_actor("city"), lambda done, total: seen.append((done, total)))
    assert seen[-1] == (pack.entity_count, pack.entity_count)
    return report


def test_installing_twice_writes_once(pack: Pack) -> None:
    async def run() -> None:
        broker = MemoryBroker()
        first = await _install(pack, broker)
        assert (first.created, first.updated, first.unchanged) == (pack.entity_count, 0, 0)
        written = broker.ops
        second = await _install(pack, broker)
        assert (second.created, second.updated, broker.ops) == (0, 0, written)

        # A new edition of the pack: only what differs is written; a unit on duty keeps its state.
        marker = broker.docs["urn:ngsi-ld:CityPack:phuket"]
        marker["attrs"][build.iri("digest")][0]["value"] = "older"
        unit = broker.docs["urn:ngsi-ld:EmergencyUnit:ambulance-01"]
        unit["attrs"][build.iri("unitStatus")][0]["value"] = "onScene"
        hospital = broker.docs["urn:ngsi-ld:PointOfInterest:osm-way-232078198"]
        hospital["attrs"][build.iri("category")][0]["value"] = "something else"
        series = broker.docs["urn:ngsi-ld:KeyPerformanceIndicator:phuket-road-deaths-yearly"]
        series["attrs"][build.iri("kpiValue")][0].update(value=88, observedAt="2023-12-31T17:00:00Z")
        old = build.entity("urn:ngsi-ld:PointOfInterest:closed", "School", category=build.prop("school"))
        broker.docs[old["id"]] = old
        broker.docs["urn:ngsi-ld:PointOfInterest:ours"] = {**old, "id": "urn:ngsi-ld:PointOfInterest:ours"}
        marker["attrs"][build.iri("contents")][0]["json"] = [old["id"]]
        third = await _install(pack, broker)
        assert (third.created, third.updated, third.removed) == (0, 2, 1)
        assert (
            broker.ops == written + 5
        )  # the hospital, two new years of the series, the closed school, the marker
        assert old["id"] not in broker.docs
        assert "urn:ngsi-ld:PointOfInterest:ours" in broker.docs  # what the pack never had is not touched
        assert build.value(broker.docs["urn:ngsi-ld:EmergencyUnit:ambulance-01"], "unitStatus") == "onScene"

    asyncio.run(run())


def test_an_installation_that_was_cut_off_goes_on(pack: Pack) -> None:
    class Broken(MemoryBroker):
        async def write(self, ops: list[WriteOp], actor: Actor, tenant: str = "") -> list[WriteResult]:
            if self.ops > 1000:
                raise Unavailable("the disk is full")
            return await super().write(ops, actor, tenant)

    async def run() -> None:
        broken = Broken()
        with pytest.raises(Unavailable):
            await _install(pack, broken)
        whole, again = MemoryBroker(), MemoryBroker()
        again.docs = dict(broken.docs)
        await _install(pack, again)
        await _install(pack, whole)
        assert again.docs.keys() == whole.docs.keys()
        for entity_id, doc in whole.docs.items():
            assert difference(again.docs[entity_id], doc) is None or _bare_equal(
                again.docs[entity_id], doc
            ), entity_id

    asyncio.run(run())


def _bare_equal(a: Doc, b: Doc) -> bool:
    return build.simplify(a)["a"] == build.simplify(b)["a"]


def test_difference_sees_only_real_change(docs: dict[str, Doc]) -> None:
    doc = next(iter(docs.values()))
    assert difference(doc, doc) is None


def test_an_unknown_pack_or_table_is_named(pack: Pack) -> None:
    with pytest.raises(ResourceNotFound, match="phuket"):
        load_pack("atlantis")
    with pytest.raises(ResourceNotFound, match="no table 'gold'"):
        pack.table("gold")


def test_a_period_ends_when_it_is_over_in_bangkok() -> None:
    assert parse_time(period_end("2024-12")) == parse_time("2024-12-31T17:00:00Z")
    assert parse_time(period_end("2023")) == parse_time("2023-12-31T17:00:00Z")
