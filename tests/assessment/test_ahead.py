"""Where nothing is computed ahead, the first question has everything computed."""

from __future__ import annotations

import asyncio

from andaman.assessment import service
from andaman.assessment.service import AssessmentService
from andaman.broker.api import iri
from andaman.identity.model import FULL_ACCESS
from andaman.roadmap.service import RoadmapService
from tests.support import client, platform, run

RESULTS = [iri(one) for one in ("IndicatorValue", "AccessibilityStudy", "CriticalityStudy", "Portfolio")]


def test_nothing_is_computed_before_somebody_asks(tmp_path, monkeypatch):
    monkeypatch.setattr(service, "_FIRST_S", 0.05)

    async def work():
        async with platform(tmp_path, pack="minicity", compute_ahead=False) as app:
            assessment, roadmap = app.get(AssessmentService), app.get(RoadmapService)
            assessment.policy_changed()  # nobody's results
            await asyncio.sleep(1)
            assert list(app.broker.iter_entities(RESULTS, FULL_ACCESS)) == []
            assert assessment._world is None
            assert roadmap.worker._process is None
            async with client(app, "administrator") as http:
                assert (await http.get("/api/roadmap/portfolios")).json() == {"portfolios": []}
                answer = await http.get("/api/assessment/indicators")
                assert answer.status_code == 200, answer.text
            await asyncio.wait_for(assessment.ready.wait(), 60)
            kept = {kind for one in app.broker.iter_entities(RESULTS, FULL_ACCESS) for kind in one["type"]}
            assert kept.intersection(RESULTS) == set(RESULTS[:3])
            assert roadmap.worker._process is None

    run(work)
