"""The law of order: whatever order and batches observations come in, the latest is the state, all are recorded, and
nobody is told of a late one as if it were new."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.entity import build
from andaman.broker.entity.apply import apply
from andaman.broker.model import Doc, Instance, OpKind, WriteOp
from andaman.ingest.model import Observation
from andaman.ingest.order import plan
from andaman.kernel.time import SECOND, format_time, parse_time

START = parse_time("2026-11-22T00:00:00Z")
ENTITY = "urn:ngsi-ld:Device:1"


class Store:
    """One entity with the real ``apply``; remembers every value that an attribute was given."""

    def __init__(self) -> None:
        self.doc: Doc | None = None
        self.recorded: set[tuple[str, str, Any]] = set()
        self.at = START

    def current(self, entity_id: str) -> Doc | None:
        return self.doc

    def take(self, docs: list[Doc]) -> None:
        for op in plan(docs, self.current):
            for name, instances in op.fragment["attrs"].items():
                for one in instances:
                    self.recorded.add((build.short(name), one.get("observedAt", ""), str(one["value"])))
                    self.note(op, name, one)
            if op.kind is OpKind.TEMPORAL_ADD:  # leaves the present alone
                assert self.doc is not None
                continue
            self.at += 1
            after, _, result = apply(op, self.doc, self.at)
            assert result.error is None
            assert after is not None
            self.doc = after

    def note(self, op: WriteOp, name: str, one: Instance) -> None:
        """No update is older than the state."""
        before = None if self.doc is None else build.observed(self.doc, build.short(name))
        if before is not None and "observedAt" in one and op.kind is not OpKind.TEMPORAL_ADD:
            assert parse_time(one["observedAt"]) >= before


_OBSERVATION = st.tuples(st.sampled_from(["temperature", "value"]), st.integers(0, 30))


@given(batches=st.lists(st.lists(_OBSERVATION, min_size=1, max_size=5), min_size=1, max_size=8))
def test_the_latest_observation_is_the_state_and_every_one_is_recorded(
    batches: list[list[tuple[str, int]]],
) -> None:
    store = Store()
    sent: set[tuple[str, str, Any]] = set()
    latest: dict[str, int] = {}
    for batch in batches:
        docs = []
        for name, offset in batch:
            doc = build.entity(ENTITY, "Device", **{name: build.prop(offset, START + offset * SECOND)})
            sent.add((name, doc["attrs"][build.iri(name)][0]["observedAt"], str(offset)))
            latest[name] = max(latest.get(name, -1), offset)
            docs.append(doc)
        store.take(docs)
    assert store.doc is not None
    for name, offset in latest.items():
        assert build.value(store.doc, name) == offset
        assert build.observed(store.doc, name) == START + offset * SECOND
    assert sent <= store.recorded


def test_a_double_changes_nothing() -> None:
    store = Store()
    doc = build.entity(ENTITY, "Device", value=build.prop(1, START))
    store.take([doc])
    before = store.doc
    store.take([doc, doc])
    assert store.doc is before


def test_constants_are_written_once_and_a_new_type_is_seen() -> None:
    store = Store()
    constant = {"origin": build.prop("measured")}
    store.take([build.entity(ENTITY, "Device", **constant, value=build.prop(1, START))])
    ops = plan(
        [build.entity(ENTITY, "Device", **constant, value=build.prop(2, START + SECOND))], store.current
    )
    assert [sorted(op.fragment["attrs"]) for op in ops] == [[build.iri("value")]]
    other = plan([build.entity(ENTITY, ["Device", "WaterObserved"], **constant)], store.current)
    assert len(other) == 1


@given(
    offsets=st.lists(st.integers(0, 40), min_size=1, max_size=20),
    kind=st.sampled_from(["number", "text", "json", "geo", "relationship", "language"]),
)
def test_late_data_of_every_kind_leaves_the_present_alone(offsets: list[int], kind: str) -> None:
    """The state is of the latest moment, whatever the kind; what is older is told to history, in few writes."""

    def made(offset: int) -> Instance:
        one = {
            "number": lambda: build.prop(offset),
            "text": lambda: build.prop(str(offset)),
            "json": lambda: build.js({"n": offset}),
            "geo": lambda: build.geo({"type": "Point", "coordinates": [float(offset), 1.0]}),
            "relationship": lambda: build.rel(f"urn:x:{offset}"),
            "language": lambda: build.lang(th=str(offset)),
        }[kind]()
        return {**one, "observedAt": format_time(START + offset * SECOND)}

    docs = [build.entity(ENTITY, "Device", thing=made(offset)) for offset in offsets]
    ops = plan(docs, lambda _: None)
    told = [op for op in ops if op.kind is not OpKind.TEMPORAL_ADD]
    late = [op for op in ops if op.kind is OpKind.TEMPORAL_ADD]
    assert len(late) <= 1
    assert told[-1].fragment["attrs"][build.iri("thing")] == [made(max(offsets))]
    rising = [offset for place, offset in enumerate(offsets) if offset > max([-1, *offsets[:place]])]
    assert len(told) == len(rising)
    past = late[0].fragment["attrs"][build.iri("thing")] if late else []
    assert len(told) + len(past) >= len(set(offsets))


def test_what_the_platform_stamped_is_new_though_its_clock_was_set_back() -> None:
    store = Store()
    store.take([build.entity(ENTITY, "Device", value=build.prop(1, START + 3600 * SECOND))])
    later = Observation(build.entity(ENTITY, "Device", value=build.prop(2, START)), received=True)
    (op,) = plan([later], store.current)
    assert op.kind is OpKind.UPSERT_UPDATE


def test_a_retained_value_counts_only_where_there_is_none() -> None:
    store = Store()
    old = Observation(build.entity(ENTITY, "Device", value=build.prop(7)), received=True, retained=True)
    (op,) = plan([old, old], store.current)
    assert "observedAt" not in op.fragment["attrs"][build.iri("value")][0]
    store.take([build.entity(ENTITY, "Device", value=build.prop(1, START))])
    assert plan([old], store.current) == []
