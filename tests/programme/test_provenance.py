"""Only what arose in real operation is an achievement; whoever wrote it by hand is named."""

from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.api import Written
from andaman.evidence.authors import is_by_hand
from andaman.programme.provenance import Facts, Provenance, judged

ROOM = "room:command 10.0.0.7"
actors = st.sampled_from(
    [
        "user:anan",
        "user:demo",
        "token:ab12",
        "device:gauge-7",
        "system:city",
        "system:cli",
        "system:assessment",
        "system:feed:rain",
        "system:simulator",
        "system:training",
        "system:drill",
        "system:rules",
    ]
)
origins = st.sampled_from(["", "measured", "reported", "computed", "simulated", "replayed"])
authors = st.lists(
    st.builds(
        lambda actor, origin, seq: Written("urn:x", actor, origin, seq, seq, seq, seq),
        actors,
        st.sampled_from(["", "10.0.0.7", "cli", ROOM]),
        st.integers(1, 9),
    ),
    max_size=4,
)
facts = st.builds(
    Facts,
    st.sampled_from([("Incident",), ("DrillRun",), ("LearningRecord",), ("RoadSegment",), ("Alert",)]),
    origins,
    authors,
    st.lists(st.sampled_from(["user:anan", "user:demo", "staff-3"]), max_size=1),
    st.lists(origins, max_size=2),
    st.just(()),
    st.booleans(),
)
PEOPLE = frozenset({"user:demo", "staff-3"})


@given(facts)
def test_nothing_counts_that_was_shipped_made_up_failed_written_by_hand_or_done_by_demo_people(one):
    if judged(one, PEOPLE).kind is not Provenance.OPERATION:
        return
    assert one.written
    assert not any(map(is_by_hand, one.written))
    assert {"simulated", "replayed"}.isdisjoint(one.linked)
    assert PEOPLE.isdisjoint([*one.persons, *(w.actor for w in one.written)])
    assert "DrillRun" in one.types or one.origin not in ("simulated", "replayed")
    assert "DrillRun" not in one.types or one.passed
    assert not any(w.actor in ("system:city", "system:cli", "system:assessment") for w in one.written[:1])


@given(facts, st.sampled_from(["user:anan", "token:ab12", "system:cli"]))
def test_one_write_by_hand_keeps_the_entity_from_counting(one, actor):
    hand = Written("urn:x", actor, "10.0.0.7", 10, 10, 10, 10)
    more = Facts(one.types, one.origin, [*one.written, hand], one.persons, one.linked, (), one.passed)
    found = judged(more, PEOPLE)
    assert found.kind is not Provenance.OPERATION
    if found.kind is Provenance.HAND_WRITTEN:
        assert actor in found.authors


def _by(actor, origin="", **more):
    written = [Written("urn:x", actor, origin, 1, 1, 1, 1)]
    return judged(Facts(written=written, **{"types": ("Incident",), "origin": "", **more}), PEOPLE).kind


def test_what_counts():
    assert _by("user:anan", ROOM) is Provenance.OPERATION
    assert _by("device:gauge-7", "10.0.0.7") is Provenance.OPERATION
    weather = Facts(
        ("WeatherObserved",), "measured", [Written("urn:x", "system:feed:rain", "feed:rain", 1, 1, 1, 1)]
    )
    assert judged(weather, PEOPLE).kind is Provenance.OPERATION
    assert _by("system:drill", types=("DrillRun",), passed=True) is Provenance.OPERATION
    assert _by("system:drill", types=("DrillRun",)) is Provenance.FAILED
    assert _by("system:drill", types=("DrillRun",), passed=True, persons=["user:demo"]) is Provenance.DEMO
    assert _by("user:demo", ROOM) is Provenance.DEMO
    assert _by("user:anan", ROOM, linked=["simulated"]) is Provenance.SIMULATED
    assert _by("system:city") is Provenance.SHIPPED


def test_a_computed_result_is_as_good_as_all_of_its_inputs():
    written = [Written("urn:x", "system:assessment", "", 1, 1, 1, 1)]
    for inputs, expected in (
        ([Provenance.OPERATION], Provenance.OPERATION),
        ([Provenance.OPERATION, Provenance.SHIPPED], Provenance.COMPUTED),
        ([], Provenance.COMPUTED),
    ):
        one = Facts(("IndicatorValue",), "computed", written, inputs=inputs)
        assert judged(one, PEOPLE).kind is expected
