"""The skill gap leads to requirements and posts for all who see the page, and to people for those only who may see them."""

from andaman.broker.api import entity, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.evidence.service import Evidence
from andaman.identity.model import system_actor
from tests.support import client, platform, run


def test_the_gap_leads_to_what_is_required_and_names_nobody_to_others(tmp_path):
    async def work():
        async with (
            platform(tmp_path) as app,
            client(app) as public,
            client(app, "operator") as operator,
            client(app, "administrator") as boss,
        ):
            row = (await boss.get("/api/training")).json()["gap"][0]
            doc = entity(
                "urn:ngsi-ld:StaffMember:t1",
                "StaffMember",
                ["/training/record"],
                person=prop("staff:t1"),
                staffRole=prop(row["role"]),
                origin=prop("simulated"),
            )
            await app.broker.must_write([WriteOp(OpKind.CREATE, doc["id"], doc)], system_actor("test"))
            row = (await boss.get("/api/training")).json()["gap"][0]
            for measure in ("level", "missing", "holders", "expiring", "below", "unknown"):
                path = f"/api/evidence/skill-gap/{row['role']}~{row['competency']}~{measure}"
                seen = (await boss.get(path)).json()
                assert seen["value"] == row[measure]
                assert [one["id"] for one in seen["entities"]] == [doc["id"]]
                assert {one["value"] for one in seen["constants"]} >= {row["level"], row["posts"]}
                assert (await public.get(path)).status_code in (401, 403)
                found = (await operator.get(path)).json()
                assert found["value"] == row[measure]
                assert found["total"] == len(found["entities"]) <= 1
            simulated = (await boss.get("/api/evidence/skill-gap/simulated")).json()
            assert (simulated["value"], simulated["total"]) == (1, 1)
            for key in ("none~none~level", f"{row['role']}~{row['competency']}~beauty", row["role"]):
                assert (await boss.get(f"/api/evidence/skill-gap/{key}")).json()["code"] == "no-such-figure"
            assert "skill-gap" in app.get(Evidence).kinds

    run(work)
