"""A measure or portfolio that was written or deleted past the room does not stop the others."""

from __future__ import annotations

import pytest

from andaman.broker.entity.build import entity, js
from andaman.broker.model import OpKind, WriteOp
from andaman.identity.model import FULL_ACCESS, system_actor
from andaman.roadmap.problems import NoSuchPortfolio
from andaman.roadmap.records import MEASURE
from andaman.roadmap.service import RoadmapService
from andaman.roadmap.views import StoredPortfolio
from tests.support import platform, run


def test_what_cannot_be_read_is_left_out(tmp_path):
    async def work():
        async with platform(tmp_path) as app:
            before = app.get(RoadmapService).measures()
            needed = next(m.requires[0] for m in before if m.requires)
            rows = [None, {}, [], "x", {**before[0].as_json(), "requires": ["none"]}, before[0].as_json()]
            ops = [
                WriteOp(
                    OpKind.CREATE,
                    f"{MEASURE}odd-{number}",
                    entity(
                        f"{MEASURE}odd-{number}",
                        "Measure",
                        **({} if row is None else {"definition": js(row)}),
                    ),
                )
                for number, row in enumerate(rows)
            ]
            ops.append(WriteOp(OpKind.DELETE, MEASURE + needed))
            results = await app.broker.write(ops, system_actor("test"))
            assert all(one.error is None for one in results)
            found = app.get(RoadmapService).measures()
            ids = {m.id for m in found}
            assert needed not in ids
            assert all(set(m.requires) <= ids for m in found)
            assert {m.id for m in before if not m.requires and not m.excludes} - {needed} <= ids
            assert not any(one.startswith("odd-") for one in ids)

    run(work)


PORTFOLIO = "urn:ngsi-ld:Portfolio:"
GOOD = {
    "id": f"{PORTFOLIO}good",
    "name": {"th": "ก", "en": "A"},
    "inputsKey": "k",
    "requestKey": "r",
    "computedAt": "2026-01-01T00:00:00Z",
    "terms": {},
    "totals": {},
    "draws": {"overBudgetShare": 0.1, "common": {"overBudgetShare": 0.3}},
    "notChosen": [],
    "alternative": {},
    "contested": [],
    "chosen": [{"id": "m", "startYear": 2027, "more": 1}],
    "alone": [],
    "solver": {"proved": True},
    "robustness": {"status": "done", "samples": 3, "chosenShare": {"m": 1.0}},
}


def test_a_portfolio_that_cannot_be_read_is_none(tmp_path):
    bad = [None, 7, [], {}, {**GOOD, "chosen": [{"id": "m"}]}, {**GOOD, "robustness": None}, GOOD]
    bad.append({**GOOD, "draws": {"overBudgetShare": 0.1}})  # of an earlier version

    async def work():
        async with platform(tmp_path) as app:
            roadmap = app.get(RoadmapService)
            docs = [entity(GOOD["id"], "Portfolio", result=js(GOOD))]
            docs += [
                entity(f"{PORTFOLIO}odd-{number}", "Portfolio", **({} if row is None else {"result": js(row)}))
                for number, row in enumerate(bad)
            ]  # fmt: skip
            ops = [WriteOp(OpKind.CREATE, doc["id"], doc) for doc in docs]
            assert all(one.error is None for one in await app.broker.write(ops, system_actor("test")))
            listed = {one["id"]: one for one in roadmap.runs.list(FULL_ACCESS)}
            assert listed[GOOD["id"]]["chosen"] == ["m"]
            assert not any("odd" in one for one in listed)
            found = await roadmap.runs.get("good")
            assert found == {**GOOD, "stale": False}
            for number in range(len(bad)):
                with pytest.raises(NoSuchPortfolio):
                    await roadmap.runs.get(f"odd-{number}")

    run(work)


def test_a_view_has_typed_facts_and_the_complete_result():
    found = StoredPortfolio.of_result(GOOD)
    assert found is not None
    assert found.facts.chosen[0].start_year == 2027
    assert found.result is GOOD
