"""Work accepted before the platform: entered by one person, approved by another, in a column of its own."""

from andaman.broker.api import OpKind, WriteOp
from andaman.identity.model import system_actor
from andaman.programme import withdrawal
from andaman.programme.acceptance import Acceptance, doc_of
from andaman.programme.withdrawal import Withdrawal

from ..support import client, platform, run
from .test_service import draft, rows_of

PATH = "/api/programme/acceptances"
WITHDRAWALS = "/api/programme/withdrawals"
FORM = {
    "deliverable": "D1.2",
    "share": 0.6,
    "acceptedOn": "2024-03-29",
    "document": "ภก 0017/123",
    "acceptedBy": "คณะกรรมการตรวจรับพัสดุ",
}


async def _decide(http, waiting, how="approve"):
    body = {"digest": waiting["digest"]} if how == "approve" else {"reason": "ผิดฉบับ"}
    return await http.post(f"/api/approvals/{waiting['proposal']}/{how}", json=body)


def test_an_acceptance_counts_once_another_person_approved_it_and_only_in_its_column(tmp_path):
    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "programme-office") as office:
            before = await draft(office)
            answer = await office.post(PATH, json=FORM)
            assert answer.status_code == 201, answer.text
            (waiting,) = answer.json()["waiting"]
            assert (waiting["mine"], waiting["mayApprove"]) == (True, False)
            assert (await _decide(office, waiting)).status_code == 403  # the same person
            assert (await draft(office))["accepted"] == 0
            (proposal,) = (await office.get("/api/approvals")).json()
            facts = {
                one["name"]["en"]: one["text"] or one["date"] or one["share"] for one in proposal["facts"]
            }
            assert facts.pop("Deliverable") == proposal["title"] == rows_of(before)["D1.2"]["title"]
            assert facts == {
                "Accepted before the platform": 0.6, "Accepted on": "2024-03-29",
                "Acceptance document": {"th": FORM["document"], "en": FORM["document"]},
                "Accepted by": {"th": FORM["acceptedBy"], "en": FORM["acceptedBy"]},
            }  # fmt: skip
            async with client(app, "administrator") as other:
                done = await _decide(other, waiting)
                assert done.json()["state"] == "done", done.text
            after = await draft(office)
            row = rows_of(after)["D1.2"]
            assert (row["accepted"], row["achieved"], row["status"]) == (0.6, None, "late")
            assert (row["change"]["accepted"], after["quarter"]["change"]["accepted"]) == (0, 0)
            assert row["acceptances"][0] == {
                **FORM, "id": row["acceptances"][0]["id"],
                "enteredBy": "test-programme-office", "approvedBy": "test-administrator",
            }  # fmt: skip
            assert (after["installed"], after["achieved"]) == (before["installed"], before["achieved"])
            past = await draft(office, "?year=2024&quarter=2")  # January to March 2567
            assert past["quarter"]["change"]["accepted"] > 0
            assert rows_of(past)["D1.2"]["accepted"] == 0.6
            assert rows_of(await draft(office, "?year=2024&quarter=1"))["D1.2"]["accepted"] == 0

    run(work)


def test_no_deliverable_is_accepted_more_than_once_over(tmp_path):
    """Also where several wait at once, and at the moment of the approval."""

    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "programme-office") as office:
            (first,) = (await office.post(PATH, json=FORM)).json()["waiting"]
            refused = await office.post(PATH, json={**FORM, "share": 0.5})
            assert refused.json()["code"] == "accepted-too-much"
            assert refused.json()["params"]["left"] == 40
            rest = await office.post(PATH, json={**FORM, "share": 0.4, "document": "ภก 0017/200"})
            assert rest.status_code == 201
            async with client(app, "administrator") as other:
                for waiting in rest.json()["waiting"]:
                    assert (await _decide(other, waiting)).json()["state"] == "done"
            row = rows_of(await draft(office))["D1.2"]
            assert (row["accepted"], row["status"]) == (1, "accepted")
            assert (await office.get(PATH)).json()["waiting"] == []
            assert first["document"] == FORM["document"]

    run(work)


def test_a_form_that_is_not_in_order_is_refused(tmp_path):
    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "programme-office") as office:
            for change, code in (
                ({"deliverable": "D9"}, "no-such-deliverable"),
                ({"share": 0}, "not-a-part"),
                ({"share": 1.2}, "not-a-part"),
                ({"share": True}, "field-not-understood"),
                ({"share": None}, "field-missing"),
                ({"acceptedOn": "29/03/2567"}, "not-a-date"),
                ({"acceptedOn": "2024-02-30"}, "not-a-date"),
                ({"acceptedOn": "2999-01-01"}, "accepted-too-late"),
                ({"acceptedOn": "2022-09-18"}, "accepted-too-early"),
                ({"document": " "}, "field-missing"),
                ({"acceptedBy": "ก" * 301}, "field-too-long"),
            ):
                answer = await office.post(PATH, json={**FORM, **change})
                assert (answer.json().get("code"), answer.status_code >= 400) == (code, True), change
            early = await office.post(PATH, json={**FORM, "acceptedOn": "2020-01-01"})
            assert early.json()["params"] == {"date": "2022-09-19"}  # the day of the signature in Bangkok
            on_the_day = await office.post(PATH, json={**FORM, "acceptedOn": "2022-09-19"})
            assert on_the_day.status_code == 201
            for body in ([], "x", 3):
                assert (await office.post(PATH, json=body)).status_code == 400
        async with platform(tmp_path, pack="phuket") as app:
            for role, expected in (("analyst", 403), (None, 401)):
                async with client(app, role) as http:
                    assert (await http.post(PATH, json=FORM)).status_code == expected

    run(work)


def test_an_acceptance_that_was_typed_in_or_rejected_counts_nothing(tmp_path):
    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "programme-office") as office:
            content = Acceptance(
                deliverable="D1.2", share=1.0, accepted_on="2024-03-29", document="x", accepted_by="y"
            )
            typed = doc_of("typed", content, "Anan", "Busaba")
            await app.broker.must_write([WriteOp(OpKind.CREATE, typed["id"], typed)], system_actor("cli"))
            (waiting,) = (await office.post(PATH, json=FORM)).json()["waiting"]
            async with client(app, "administrator") as other:
                assert (await _decide(other, waiting, "reject")).status_code == 200
            assert (await draft(office))["accepted"] == 0
            empty = {"counted": [], "waiting": [], "withdrawn": [], "withdrawals": []}
            assert (await office.get(PATH)).json() == empty

    run(work)


async def _accepted(office, other, form=FORM):
    """An acceptance that counts, as the page shows it."""
    (waiting,) = (await office.post(PATH, json=form)).json()["waiting"]
    assert (await _decide(other, waiting)).json()["state"] == "done"
    return (await office.get(PATH)).json()["counted"][-1]


def test_two_people_withdraw_an_acceptance_and_both_entries_stay(tmp_path):
    """It counts until the second person approves; afterwards the right one can be entered. A release keeps its figures."""
    reason = "วันที่ในเอกสารผิด"

    async def work():
        async with (
            platform(tmp_path, pack="phuket") as app,
            client(app, "programme-office") as office,
            client(app, "administrator") as other,
        ):
            one = await _accepted(office, other)
            released = (await office.post("/api/programme/releases", json={})).json()
            ask = {"acceptance": one["id"], "reason": reason}
            answer = await office.post(WITHDRAWALS, json=ask)
            assert answer.status_code == 201, answer.text
            (waiting,) = answer.json()["withdrawals"]
            assert (waiting["reason"], waiting["mine"], waiting["mayApprove"]) == (reason, True, False)
            assert (await office.post(WITHDRAWALS, json=ask)).json()["code"] == "withdrawal-waits"
            assert (await _decide(office, waiting)).status_code == 403  # the same person
            assert rows_of(await draft(office))["D1.2"]["accepted"] == 0.6
            (proposal,) = (await office.get("/api/approvals?state=open")).json()
            assert next(one["text"]["th"] for one in proposal["facts"] if one["text"]) == reason
            assert any(one["share"] == 0.6 for one in proposal["facts"])

            assert (await _decide(other, waiting)).json()["state"] == "done"
            page = (await office.get(PATH)).json()
            assert (page["counted"], page["waiting"], page["withdrawals"]) == ([], [], [])
            (gone,) = page["withdrawn"]
            assert {name: gone[name] for name in one} == one
            assert (gone["reason"], gone["withdrawnBy"]) == (reason, "test-programme-office")
            assert gone["withdrawalApprovedBy"] == "test-administrator"
            now = await draft(office)
            assert (rows_of(now)["D1.2"]["accepted"], now["withdrawn"]) == (0, [gone])
            kept = (await office.get(f"/api/programme?release={released['id']}")).json()["release"]
            assert kept["figures"]["accepted"] == released["figures"]["accepted"] > 0
            assert (await office.post(WITHDRAWALS, json=ask)).json()["code"] == "no-such-acceptance"
            await _accepted(office, other, {**FORM, "share": 0.8})
            assert rows_of(await draft(office))["D1.2"]["accepted"] == 0.8

    run(work)


def test_a_withdrawal_that_was_typed_in_rejected_or_has_no_reason_withdraws_nothing(tmp_path):
    async def work():
        async with (
            platform(tmp_path, pack="phuket") as app,
            client(app, "programme-office") as office,
            client(app, "administrator") as other,
        ):
            one = await _accepted(office, other)
            content = Withdrawal(acceptance=one["id"], reason="x")
            typed = withdrawal.doc_of("typed", content, "Anan", "Busaba")
            await app.broker.must_write([WriteOp(OpKind.CREATE, typed["id"], typed)], system_actor("cli"))
            ask = {"acceptance": one["id"], "reason": "ผิดฉบับ"}
            for change, code in (
                ({"reason": " "}, "field-missing"),
                ({"reason": "ก" * 1001}, "field-too-long"),
                ({"acceptance": ""}, "field-missing"),
                ({"acceptance": "urn:ngsi-ld:ProgrammeAcceptance:9"}, "no-such-acceptance"),
            ):
                assert (await office.post(WITHDRAWALS, json={**ask, **change})).json()["code"] == code
            (waiting,) = (await office.post(WITHDRAWALS, json=ask)).json()["withdrawals"]
            assert (await _decide(other, waiting, "reject")).status_code == 200
            assert (await office.get(PATH)).json()["counted"] == [one]
            async with client(app, "analyst") as http:
                assert (await http.post(WITHDRAWALS, json=ask)).status_code == 403

    run(work)


def test_the_evidence_of_an_accepted_part_is_its_document_and_its_two_people(tmp_path):
    async def work():
        async with (
            platform(tmp_path, pack="phuket") as app,
            client(app, "programme-office") as office,
            client(app, "administrator") as other,
        ):
            one = await _accepted(office, other)
            quarter = (await draft(office))["quarter"]
            key = f"draft-{quarter['year']}-{quarter['quarter']}/deliverable/D1.2/accepted"
            basis = (await other.get(f"/api/evidence/programme/{key}")).json()
            (row,) = basis["entities"]
            assert row["id"] == one["id"]
            for said in (FORM["document"], one["enteredBy"], one["approvedBy"]):
                assert said in row["note"]["th"]

    run(work)
