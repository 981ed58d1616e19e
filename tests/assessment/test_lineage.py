"""An indicator names the entities behind it to those only who may see them."""

from __future__ import annotations

from andaman.assessment.service import AssessmentService
from andaman.broker.entity.build import entity, iri, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.identity.model import FULL_ACCESS, system_actor
from tests.support import client, platform, run


def test_lineage_is_what_one_may_see(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app) as public, client(app, "analyst") as analyst:
            docs = [
                entity("urn:ngsi-ld:Assignment:a1", "Assignment", origin=prop("reported")),
                entity("urn:ngsi-ld:Hospital:h1", "Hospital", origin=prop("reported")),
            ]
            await app.broker.write(
                [WriteOp(OpKind.CREATE, doc["id"], doc) for doc in docs], system_actor("test")
            )
            lineage = [{"id": doc["id"], "modifiedAt": None} for doc in docs]
            row = {"id": "x", "inputs": [{"name": "n", "entities": lineage, "entitiesTotal": 2}]}
            app.get(AssessmentService)._indicators = {"indicators": [row]}
            for path in ("/api/assessment/indicators", "/api/assessment/indicators/x"):
                for http, seen in ((public, docs[1:]), (analyst, docs)):
                    found = (await http.get(path)).json()
                    (shown,) = found.get("indicators", [found])
                    assert [one["id"] for one in shown["inputs"][0]["entities"]] == [d["id"] for d in seen]
            assert row["inputs"][0]["entities"] == lineage, "what is kept is whole"
            access = app.identity.public_actor().access
            hidden = access.hidden_attrs(
                sorted(map(iri, ("IndicatorValue", "KeyPerformanceIndicator"))), ["/assessment/indicator"]
            )
            assert iri("inputs") in hidden
            assert iri("inputs") not in FULL_ACCESS.hidden_attrs([], [])

    run(work)
