"""A feed's count leads to the entities that it changed, as far as the reader may see the change."""

from __future__ import annotations

from pathlib import Path

from andaman.broker.entity.build import entity, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.evidence.service import Evidence
from andaman.identity.model import system_actor
from andaman.ingest.manager import FeedManager
from andaman.ingest.model import FeedStatus
from tests.support import client, platform, run


def test_a_feed_leads_to_what_it_wrote(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app) as public, client(app, "administrator") as boss:
            status = FeedStatus("rain", {"th": "ฝน", "en": "Rain"}, "replayed", 60.0)
            status.count = 3
            app.get(FeedManager)._status["rain"] = status
            for number, author in enumerate(("feed:rain", "feed:rain", "feed:tide")):
                doc = entity(f"urn:x:{number}", "WeatherObserved" if number else "Secret", rain=prop(number))
                await app.broker.must_write([WriteOp(OpKind.CREATE, doc["id"], doc)], system_actor(author))
            path = "/api/evidence/feed/rain"
            seen = (await boss.get(path)).json()
            assert (seen["value"], seen["constants"][0]["value"]) == (3, 60.0)
            assert [row["id"] for row in seen["entities"]] == ["urn:x:1", "urn:x:0"]
            found = (await public.get(path)).json()
            assert [row["id"] for row in found["entities"]] == ["urn:x:1"], "in no dataset: for staff"
            assert (await public.get("/api/evidence/feed/none")).json()["code"] == "no-such-figure"
            assert "feed" in app.get(Evidence).kinds

    run(work)
