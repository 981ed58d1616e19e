"""Laws of the pure engines on small made-up cities: roads, residents, access, criticality, coverage, indicators."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.assessment.firmness import at_best, step_of
from andaman.assessment.indicators.evaluation import (
    benchmark,
    definitions,
    evaluate_indicator,
    read_definitions,
)
from andaman.assessment.indicators.inputs import Computed
from andaman.assessment.indicators.snapshot import Snapshot
from andaman.assessment.network.criticality import Demand, Loss, Study, stretches, twins
from andaman.assessment.network.roads import RoadGraph, graph_of, subdivided
from andaman.assessment.radio.coverage import cover, cover_range, summary
from andaman.assessment.radio.link_budget import BANDS, Budget
from andaman.assessment.radio.propagation import Scenario
from andaman.assessment.radio.sites import Site, candidates
from andaman.assessment.reach.access import Place, minutes_to_cells
from andaman.assessment.reach.land import Area, LandGrid, expand, land_grid
from andaman.assessment.reach.population import People, spread
from andaman.assessment.reach.world import districts
from andaman.broker.entity.build import entity, geo, js, prop
from andaman.broker.model import Doc
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import parse_time

NOW = parse_time("2026-11-22T00:00:00Z")


def road(number: int, start: int, end: int, line: list[list[float]], **more: Any) -> Doc:
    return entity(
        f"urn:ngsi-ld:RoadSegment:t-{number}", "RoadSegment",
        startNode=prop(start), endNode=prop(end), roadClass=prop("primary"),
        location=geo({"type": "LineString", "coordinates": line}), **more,
    )  # fmt: skip


def point(k: int) -> list[float]:
    """Twelve nodes on a 4 x 3 lattice of about 1.1 km."""
    return [98.30 + 0.01 * (k % 4), 7.90 + 0.01 * (k // 4)]


def lattice(edges: list[tuple[int, int]]) -> RoadGraph:
    return graph_of([road(n, a, b, [point(a), point(b)]) for n, (a, b) in enumerate(edges)])


ALL = [(k, k + 1) for k in range(12) if k % 4 < 3] + [(k, k + 4) for k in range(8)]
AREAS = [
    Area("a", "1", "amphoe", {"th": "ก", "en": "A"},
         {"type": "Polygon", "coordinates": [[[98.29, 7.89], [98.315, 7.89], [98.315, 7.93], [98.29, 7.93], [98.29, 7.89]]]}, 900.0),
    Area("b", "2", "amphoe", {"th": "ข", "en": "B"},
         {"type": "Polygon", "coordinates": [[[98.315, 7.89], [98.34, 7.89], [98.34, 7.93], [98.315, 7.93], [98.315, 7.89]]]}, 100.0),
]  # fmt: skip


@pytest.fixture(scope="module")
def city() -> tuple[LandGrid, RoadGraph, People]:
    grid = land_grid(AREAS)
    fine = subdivided(lattice(ALL))
    places = grid.plane.xy(np.array([98.30, 98.33]), np.array([7.90, 7.92]))
    return grid, fine, spread(grid, fine, places)


def test_every_way_of_spreading_keeps_each_district(city: tuple[LandGrid, RoadGraph, People]) -> None:
    grid, _, people = city
    for method in people.cells:
        assert method.min() >= 0
        assert method[grid.area == 0].sum() == pytest.approx(900)
        assert method[grid.area == 1].sum() == pytest.approx(100)
    half = people.count(grid.xy[:, 0] < 0)
    assert half.low <= half.best <= half.high


def test_compact_grid_is_lossless(city: tuple[LandGrid, RoadGraph, People]) -> None:
    grid, _, _ = city
    level = np.arange(grid.n) % 4
    image = expand(grid.compact(level, list("abcd")))
    assert (image[grid.row, grid.column] == level + 1).all()
    assert (image > 0).sum() == grid.n


def test_more_places_never_take_longer(city: tuple[LandGrid, RoadGraph, People]) -> None:
    grid, fine, _ = city
    one = [Place("p", None, 98.30, 7.90)]
    two = [*one, Place("q", None, 98.33, 7.92)]
    near, nearer = minutes_to_cells(grid, fine, one), minutes_to_cells(grid, fine, two)
    assert (nearer.cell <= near.cell + 1e-9).all()
    assert np.bincount(nearer.owner, minlength=2).sum() == grid.n
    assert np.isinf(minutes_to_cells(grid, fine, [Place("r", None, 98.5, 7.9)]).cell).all()
    assert np.isinf(minutes_to_cells(grid, fine, []).cell).all()


def test_subdivision_keeps_lengths_and_times() -> None:
    base = lattice(ALL)
    fine = subdivided(base, 100.0)
    assert fine.length_m.sum() == pytest.approx(base.length_m.sum())
    assert fine.seconds.sum() == pytest.approx(base.seconds.sum())
    assert fine.length_m.max() <= 101
    assert (fine.xy[: base.n] == base.xy).all()


def whole(study: Study, edges: tuple[int, ...]) -> Loss:
    """The price of a closure by recomputing everything: what ``close`` must agree with."""
    from scipy.sparse.csgraph import connected_components, dijkstra

    matrix = study.graph.matrix(edges)
    after = dijkstra(matrix, directed=False) / 60.0
    before = study.minutes
    gone = np.isinf(after) & np.isfinite(before)
    both = np.isfinite(after) & np.isfinite(before)
    extra = np.subtract(after, before, out=np.zeros_like(after), where=both)
    _, label = connected_components(matrix, directed=False)
    mass = np.bincount(label, weights=study.people)
    main = label == mass.argmax()
    to_before = before[study.gateway].min(axis=0)
    to_after = after[study.gateway].min(axis=0)
    lost_gate = np.isinf(to_after) & np.isfinite(to_before)
    both = np.isfinite(to_after) & np.isfinite(to_before)
    more_gate = np.subtract(to_after, to_before, out=np.zeros_like(to_after), where=both)
    return Loss(
        edges,
        float((study.trips * extra).sum() + study.to_gateway @ more_gate),
        float((study.trips * gone).sum() + study.to_gateway[lost_gate].sum()),
        float(study.people[~main].sum()),
        bool(not np.isfinite(to_after[main]).any()),
    )


@given(st.sets(st.sampled_from(ALL), min_size=4), st.data())
@settings(max_examples=60, deadline=None)
def test_closing_by_parts_equals_closing_by_recomputing_all(
    edges: set[tuple[int, int]], data: st.DataObject
) -> None:
    graph = lattice(sorted(edges))
    people = np.array([data.draw(st.integers(0, 50)) for _ in range(graph.n)], dtype=np.float64)
    if people[graph.giant()].sum() == 0:
        people[np.flatnonzero(graph.giant())[0]] = 10.0
    study = Study(graph, people, np.array([int(np.flatnonzero(graph.giant())[0])]), Demand(gateway_share=0.1))
    closed = tuple(sorted(data.draw(st.sets(st.integers(0, len(graph.u) - 1), min_size=1, max_size=3))))
    got, expected = study.close(closed), whole(study, closed)
    assert got.added_person_min == pytest.approx(expected.added_person_min, abs=1e-6)
    assert got.lost_trips == pytest.approx(expected.lost_trips, abs=1e-6)
    for lost_min in (0.0, 60.0, 240.0):
        assert study.bound(closed).score(lost_min) >= got.score(lost_min) - 1e-6
    if got.lost_trips > 0 or got.added_person_min > 0:
        assert got.gateway_cut == expected.gateway_cut


def test_trips_are_one_for_each_resident() -> None:
    graph = lattice(ALL)
    people = np.arange(1.0, graph.n + 1)
    study = Study(graph, people, np.array([0]), Demand(gateway_share=0.25))
    assert study.trips.sum() + study.to_gateway.sum() == pytest.approx(people.sum())


def test_carriageways_side_by_side_close_together_and_rows_are_one_stretch() -> None:
    """Two lines 20 m apart between the same junctions are twins; a chain without junctions is one stretch."""
    graph = graph_of(
        [
            road(0, 0, 1, [[98.30, 7.90], [98.31, 7.90]]),
            road(1, 0, 1, [[98.30, 7.90], [98.3001, 7.9002], [98.3099, 7.9002], [98.31, 7.90]]),
            road(2, 1, 2, [[98.31, 7.90], [98.32, 7.90]]),
            road(3, 2, 3, [[98.32, 7.90], [98.33, 7.90]]),
        ]
    )
    assert twins(graph, 40.0)[0] == [0, 1]
    assert twins(graph, 40.0)[2] == [2]
    stretch = stretches(graph)
    assert stretch[2] == stretch[3]


@pytest.mark.parametrize("band", ["700", "3500", "6000"])
def test_more_sites_and_thinner_walls_never_cover_less(
    band: str, city: tuple[LandGrid, RoadGraph, People]
) -> None:
    grid, _, people = city
    sites = [Site(f"s{k}", "", 98.30 + 0.01 * k, 7.90, Scenario.UMA, 25.0, "planned") for k in range(3)]
    one, three = (cover(grid, part, BANDS[band], Budget()) for part in (sites[:1], sites))
    assert (three.probability >= one.probability - 1e-12).all()
    assert (np.diff(three.probability, axis=0) <= 1e-12).all()
    report = summary(grid, people, sites, cover_range(grid, sites, BANDS[band], Budget()), Budget())
    out, low, high = (
        report["covered"][name]["people"]["best"]
        for name in ("outdoor", "indoor-low-loss", "indoor-high-loss")
    )
    assert people.total >= out >= low >= high >= 0
    share = report["capacity"]["meanBitsPerHz"]
    assert 0 < share <= 7.4


def test_candidates_are_apart_and_repeat(city: tuple[LandGrid, RoadGraph, People]) -> None:
    grid, fine, people = city
    points = fine.plane.lonlat(fine.xy)
    sites = candidates(grid, people, points, 5, apart_m=800.0)
    assert sites == candidates(grid, people, points, 5, apart_m=800.0)
    xy = grid.plane.xy(np.array([s.lon for s in sites]), np.array([s.lat for s in sites]))
    gaps = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    assert gaps[~np.eye(len(xy), dtype=bool)].min() >= 800.0
    assert all(site.origin == "simulated" for site in sites)


def kpi(code: str, points: list[list[Any]]) -> Doc:
    return entity(
        f"urn:ngsi-ld:KeyPerformanceIndicator:{code}", "KeyPerformanceIndicator",
        kpiCode=prop(code), series=js({"step": "P1M", "points": points}), source=prop("test"), origin=prop("reported"),
    )  # fmt: skip


def indicator(formula: str, **inputs: Any) -> Any:
    text = {"th": "ก", "en": "a"}
    return read_definitions(
        [{"id": "x", "name": text, "domain": "", "unit": text, "direction": "-", "formula": formula, "inputs": inputs,
          "quality": 3, "method": text, "target": {"value": 10}}]
    )[0]  # fmt: skip


def test_a_year_counts_only_when_it_is_full() -> None:
    """Eleven months are no year: the year before is used; with none full, there is no value but a reason."""
    one = indicator("d", d={"series": "s", "period": "latestYear", "reduce": "sum", "atLeast": 12})
    months = [[f"2024-{m:02d}", 1] for m in range(1, 13)] + [[f"2025-{m:02d}", 5] for m in range(1, 12)]
    result = evaluate_indicator(one, Snapshot(NOW, {}, [kpi("s", months)], {}))
    assert (result["value"], result["period"]) == (12.0, "2024")
    assert result["freshness"]["observedAt"] == "2024-12-31T17:00:00.000000Z"
    result = evaluate_indicator(one, Snapshot(NOW, {}, [kpi("s", months[:11])], {}))
    assert result["status"] == "insufficientData"
    assert result["value"] is None
    assert "12" in result["reasons"][0]["en"]
    assert evaluate_indicator(one, Snapshot(NOW, {}, [], {}))["value"] is None


def test_a_divisor_of_zero_is_a_reason() -> None:
    one = indicator("1 / d", d={"series": "s", "period": "latest"})
    result = evaluate_indicator(one, Snapshot(NOW, {}, [kpi("s", [["2025", 0]])], {}))
    assert result["value"] is None
    assert "zero" in result["reasons"][0]["en"]


def test_ranges_pass_through_formulas_and_targets_are_graded() -> None:
    one = indicator("100 - share", share={"computed": "c"})
    result = evaluate_indicator(one, Snapshot(NOW, {}, [], {"c": Computed(80.0, 70.0, 85.0, "s", NOW)}))
    assert (result["low"], result["value"], result["high"]) == (15.0, 20.0, 30.0)
    assert result["benchmark"] == {
        "percentOfTarget": 50.0,
        "band": 1,
        "met": False,
        "gap": 10.0,
        "gapPercent": 100.0,
    }


def test_freshness_counts_what_was_observed_lately() -> None:
    docs = [
        entity(f"urn:x:{k}", "Vehicle", speed=prop(1, NOW - age * 1_000_000), origin=prop("measured"))
        for k, age in enumerate((10, 3599, 3601))
    ]
    one = indicator("f", f={"fresh": ["Vehicle"], "seconds": 3600})
    result = evaluate_indicator(one, Snapshot(NOW, {"Vehicle": docs}, [], {}))
    assert result["value"] == pytest.approx(2 / 3, abs=0.05)


def test_a_formula_without_its_input_is_refused() -> None:
    with pytest.raises(BadRequestData, match="no input defines"):
        indicator("a / b", a={"series": "s"})


def vehicles(*origins: str) -> list[Doc]:
    return [
        entity(f"urn:x:{k}", "Vehicle", speed=prop(k, NOW), **({"origin": prop(origin)} if origin else {}))
        for k, origin in enumerate(origins)
    ]


@given(
    st.lists(st.sampled_from(["measured", "reported", "computed", "replayed", "simulated", ""]), max_size=8)
)
def test_entities_that_are_replayed_simulated_or_without_an_origin_change_no_figure(
    origins: list[str],
) -> None:
    """Counts, sums and freshness are those of the others; the input says how many were left out."""
    firm = [origin for origin in origins if origin not in ("replayed", "simulated", "")]
    for spec in (
        {"entities": ["Vehicle"], "reduce": "count"},
        {"entities": ["Vehicle"], "attr": "speed", "reduce": "count"},
        {"fresh": ["Vehicle"], "seconds": 60},
    ):
        counted = [origin for origin in firm if "fresh" not in spec or origin != "computed"]
        one = indicator("n", n=spec)
        result = evaluate_indicator(one, Snapshot(NOW, {"Vehicle": vehicles(*origins)}, [], {}))
        alone = evaluate_indicator(one, Snapshot(NOW, {"Vehicle": vehicles(*counted)}, [], {}))
        assert result["value"] == alone["value"]
        assert result["quality"] == alone["quality"]
        assert result["inputs"][0]["leftOut"] == len(origins) - len(counted)
        assert result["origin"] == "computed"


@pytest.mark.parametrize("origin", ["", "replayed", "reported"])
def test_a_reason_names_the_input_in_words(origin: str) -> None:
    """No name of a type and no code: where nothing is there, where all is replayed, where too little is reported."""
    specs = [spec for one in definitions() for spec in one.inputs.values()]
    types = {kind for spec in specs for kind in (*spec.get("entities", ()), *spec.get("fresh", ()))}
    codes = {spec["series"] for spec in specs if "series" in spec}
    made = {kind: [entity(f"urn:x:{kind}", kind, origin=prop(origin))] for kind in types if origin}
    series = [kpi(code, [["2019", 1]]) for code in codes if origin]
    for doc in series:
        doc["attrs"].update(made["Vehicle"][0]["attrs"])
    source = Snapshot(NOW, made, series, {})
    reasons = [reason for one in definitions() for reason in evaluate_indicator(one, source)["reasons"]]
    assert len(reasons) > 10
    for reason in reasons:
        assert not re.search("[A-Za-z]", re.sub(r"PM2\.5|Smart Bus", "", reason["th"])), reason
        assert not [name for name in types if name in reason["en"]], reason


def test_a_figure_that_rests_on_simulation_is_no_indicator() -> None:
    one = indicator("c", c={"computed": "c"})
    figure = Computed(50.0, source="s", at=NOW, entities=("urn:x:1",), origins=("computed", "simulated"))
    result = evaluate_indicator(one, Snapshot(NOW, {}, [], {"c": figure}))
    assert result["status"] == "insufficientData"
    assert "simulated" in result["reasons"][0]["en"]
    replayed = kpi("s", [["2025", 1]])
    replayed["attrs"].update(entity("urn:x:y", "X", origin=prop("replayed"))["attrs"])
    found = evaluate_indicator(indicator("d", d={"series": "s"}), Snapshot(NOW, {}, [replayed], {}))
    assert found["value"] is None


@given(
    st.integers(1, 6),
    st.lists(st.lists(st.sampled_from(["measured", "reported", "computed", "x"])), max_size=4),
)
def test_quality_is_never_better_than_the_worst_input(definition: int, inputs: list[list[str]]) -> None:
    step = at_best(definition, inputs)
    assert step == max([definition, *(step_of(origins) for origins in inputs)])
    assert all(step >= step_of([origin]) for origins in inputs for origin in origins)
    assert all(step == 6 for origins in inputs if not origins)


@given(st.integers(0, 3), st.booleans())
def test_a_value_with_an_input_written_by_hand_is_a_personal_estimation_that_meets_no_target(
    hands: int, ground: bool
) -> None:
    """Of listed entities and of the roads below them alike; without hands the same value meets its target."""
    docs = vehicles("measured", "measured", "measured")
    written = {doc["id"] for doc in docs[:hands]}
    one = indicator("n + 0 * c", n={"entities": ["Vehicle"]}, c={"computed": "c"})
    figure = Computed(1.0, at=NOW, entities=("urn:x:9",), ground=("urn:r:1",))
    by_hand = written | ({"urn:r:1"} if ground else set())
    result = evaluate_indicator(one, Snapshot(NOW, {"Vehicle": docs}, [], {"c": figure}, by_hand))
    assert result["byHand"] == hands + ground
    assert result["benchmark"]["met"] is (None if by_hand else True)
    assert result["quality"]["step"] == (5 if by_hand else 4)
    assert {row["id"] for row in result["inputs"][0]["entities"][:hands]} == written
    over = indicator("n + 20", n={"entities": ["Vehicle"]})
    missed = evaluate_indicator(over, Snapshot(NOW, {"Vehicle": docs}, [], {}, by_hand))
    assert missed["benchmark"]["met"] is False


@given(
    st.sampled_from([one for one in definitions() if one.target is not None and one.direction in "+-"]),
    st.tuples(*[st.floats(0, 3)] * 3).map(sorted),
)
def test_a_verdict_is_given_only_where_the_complete_range_is_on_one_side(one: Any, ends: list[float]) -> None:
    """A value beyond the target is undecided too while the range holds the target."""
    assert one.target is not None
    aim = float(one.target["value"])
    low, amount, high = (aim * end for end in ends)
    found = benchmark(one, amount, (low, high))
    assert found is not None
    reached = {end >= aim if one.direction == "+" else end <= aim for end in (low, high)}
    assert found["met"] is (reached.pop() if len(reached) == 1 else None)


@given(st.integers(1, 1_000), st.lists(st.integers(1, 1_000), min_size=1, max_size=4), st.booleans())
def test_a_total_that_its_parts_contradict_says_so_and_meets_no_target(
    total: int, parts: list[int], of_entities: bool
) -> None:
    """The parts are those of the series itself, or the entities of which it is the sum."""
    doc, areas = kpi("population", [["2025", total]]), []
    if of_entities:
        areas = [
            entity(f"urn:a:{k}", "AdministrativeArea", level=prop("amphoe"), population=prop(part))
            for k, part in enumerate(parts)
        ]
    else:
        values = {f"TH{k}": [["2025", part]] for k, part in enumerate(parts)}
        content = {"points": [["2025", total]], "parts": {"by": "area", "values": values}}
        doc["attrs"].update(entity("urn:x:y", "X", series=js(content))["attrs"])
    one = indicator("0 * people", people={"series": "population"})
    result = evaluate_indicator(one, Snapshot(NOW, {"AdministrativeArea": areas}, [doc], {}))
    agree = abs(sum(parts) - total) <= 0.01 * max(total, sum(parts))
    assert len(result["doubts"]) == (0 if agree else 1)
    assert result["benchmark"]["met"] is (True if agree else None)
    if not agree:
        assert f"{total:,}" in result["doubts"][0]["en"]
        assert f"{sum(parts):,}" in result["doubts"][0]["th"]


def test_the_finest_level_that_knows_nearly_everybody_is_used() -> None:
    """Tambon figures count once they hold nearly all residents; one stray tambon does not replace the districts."""

    def area(code: str, level: str, people: float | None) -> Doc:
        attrs = {"population": prop(people)} if people is not None else {}
        return entity(
            f"urn:a:{code}", "AdministrativeArea", code=prop(code), level=prop(level), location=geo(AREAS[0].outline), **attrs
        )  # fmt: skip

    districts_only = [area("1", "amphoe", 600), area("2", "amphoe", 400), area("0", "province", 1000)]
    assert [one.code for one in districts(districts_only)] == ["1", "2"]
    assert [one.code for one in districts([*districts_only, area("11", "tambon", 100)])] == ["1", "2"]
    full = [area("11", "tambon", 600), area("21", "tambon", 395), area("12", "tambon", None)]
    assert [one.code for one in districts([*districts_only, *full])] == ["11", "21"]
    assert districts([area("1", "amphoe", None)]) == []
