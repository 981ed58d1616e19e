"""The law of order: whatever order and batches observations come in, the latest is the state and all are recorded."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.entity import build
from andaman.broker.entity.apply import apply
from andaman.broker.model import Doc
from andaman.ingest.order import plan
from andaman.kernel.time import SECOND, parse_time

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
            self.at += 1
            after, _, result = apply(op, self.doc, self.at)
            assert result.error is None
            assert after is not None
            self.doc = after
            for name, instances in op.fragment["attrs"].items():
                self.recorded.add(
                    (build.short(name), instances[0].get("observedAt", ""), str(instances[0]["value"]))
                )


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
