"""Numbers are compared exactly (CIM 009 §4.9): in q, in the index, among subscriptions, and where history is summed up."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.broker.history.rows.aggregate import aggregate
from andaman.broker.model import Doc
from andaman.broker.query.evaluate import matches_q
from andaman.broker.query.index import EntityIndex
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.parse import parse_q
from andaman.broker.subscriptions.model import Condition, Trigger
from andaman.broker.subscriptions.threshold_index import ThresholdIndex, place_of
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import BadRequestData

EDGES = [0, 1, -1, 2**53, 2**63, 2**64 - 1, -(2**63), 2**52, 10**18, 12112223334445556667]
INTEGERS = st.sampled_from(EDGES).flatmap(lambda edge: st.integers(edge - 3, edge + 3)) | st.integers()
STORED = st.one_of(
    INTEGERS.filter(lambda n: -(2**63) <= n < 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    INTEGERS.map(float),
    st.sampled_from([-0.0, 9007199254740992.0, 1.8446744073709552e19, 5e-324, 1.7e308]),
)
LITERALS = st.one_of(
    INTEGERS.map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["-0", "-0.0", "1e400", "-1e400", "9007199254740993.0", "1E2", "1e-400", "9" * 400]),
)
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def entity(number: int, value: Any) -> Doc:
    return {"id": f"urn:x:{number}", "type": ["T"], "attrs": {"eui": [{"type": "Property", "value": value}]}}


def meant(literal: str) -> int | float | None:
    """What a JSON number means; None: it is beyond all doubles, and refused unless it is an integer that can be told."""
    if literal.lstrip("-").isdigit() and len(literal) <= 400:
        return int(literal)
    value = float(literal)
    return None if value in (float("inf"), float("-inf")) else value


@settings(deadline=None, max_examples=300)
@given(st.lists(STORED, min_size=1, max_size=8), LITERALS, st.sampled_from(list(OPERATORS)), LITERALS)
def test_a_number_in_q_is_compared_as_python_compares_it(
    stored: list[Any], literal: str, op: str, other: str
) -> None:
    docs = [entity(number, value) for number, value in enumerate(orjson.loads(orjson.dumps(stored)))]
    index = EntityIndex()
    for doc in docs:
        index.put("", doc)
    by_id = {doc["id"]: doc for doc in docs}

    def found(text: str) -> list[str]:
        q = parse_q(text, str)
        page = index.select(
            "", EntityQuery(q=q, limit=100), FULL_ACCESS, lambda ids: [by_id[one] for one in ids]
        )
        by_hand = [doc["id"] for doc in docs if matches_q(q, doc)]
        assert [doc["id"] for doc in page.docs] == by_hand
        return by_hand

    want, high = meant(literal), meant(other)
    if want is None:
        with pytest.raises(BadRequestData):
            parse_q(f"eui{op}{literal}", str)
        return
    test = OPERATORS[op]
    values = {doc["id"]: doc["attrs"]["eui"][0]["value"] for doc in docs}
    assert found(f"eui{op}{literal}") == [name for name, value in values.items() if test(value, want)]
    if op in ("==", "!=") and high is not None:
        inside = [name for name, value in values.items() if (want <= value <= high) is (op == "==")]
        assert found(f"eui{op}{literal}..{other}") == inside


@settings(deadline=None, max_examples=200)
@given(st.lists(STORED, min_size=1, max_size=10))
def test_sums_and_extremes_of_the_past_are_exact(values: list[Any]) -> None:
    found = aggregate(
        ["min", "max", "sum", "distinctCount"],
        np.arange(len(values), dtype=np.int64),
        values,
        np.array([0, len(values)], dtype=np.int64),
        None,
    )
    if any(isinstance(one, int) and abs(one) > 2**53 for one in values):
        assert found["min"][0][0] == min(values)
        assert found["max"][0][0] == max(values)
        if all(isinstance(one, int) for one in values):
            assert found["sum"][0][0] == sum(values)
            assert found["distinctCount"][0][0] == len(set(values))


@settings(deadline=None, max_examples=200)
@given(INTEGERS, st.sampled_from(["==", ">", ">=", "<", "<="]), INTEGERS)
def test_whom_a_threshold_concerns_is_never_missed(threshold: int, op: str, value: int) -> None:
    condition = Condition((), None, Trigger(0), parse_q(f"eui{op}{threshold}", str), None, None)
    place = place_of(condition)
    shelf: ThresholdIndex[str] = ThresholdIndex()
    shelf.add(place, "it")
    chosen: dict[str, None] = {}
    if place.kind == "equal":
        chosen = shelf.equal["eui"].get(value, {})
    elif place.kind == "above":
        chosen = dict.fromkeys(shelf.above["eui"].up_to(value))
    else:
        chosen = dict.fromkeys(shelf.below["eui"].down_to(value))
    if OPERATORS[op](value, threshold):
        assert chosen == {"it": None}
