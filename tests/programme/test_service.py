"""The programme over a real broker: evidence found now and in the past, with the rights of whoever asks."""

from urllib.parse import quote

from andaman.kernel.time import format_time

from ..support import client, platform, run


def _checks(report):
    return {c["id"]: c for o in report["objectives"] for d in o["deliverables"] for c in d["checks"]}


def test_progress_rises_with_evidence_and_the_past_stays_as_it_was(tmp_path):
    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "analyst") as http:
            now = (await http.get("/api/programme")).json()
            assert _checks(now)["D1.1c"]["found"] >= 850
            assert _checks(now)["D1.1c"]["met"]
            assert _checks(now)["D3.2b"]["found"] == 0
            long_ago = (await http.get("/api/programme?at=2020-01-01T00:00:00Z")).json()
            assert long_ago["programmeYear"] == 0
            assert _checks(long_ago)["D1.1c"]["found"] == 0
            assert long_ago["progress"] < now["progress"]

    run(work)


def test_a_quarter_tells_its_change_and_refuses_what_is_no_quarter(tmp_path):
    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "analyst") as http:
            page = (await http.get("/api/programme/quarter")).json()
            assert page["quarter"]["running"]
            assert page["quarter"]["change"] == page["progress"]  # everything here is from this quarter
            for query in (
                "year=2026&quarter=5",
                "year=26&quarter=1",
                "year=2026&quarter=x",
                "year=2100&quarter=1",
            ):
                answer = await http.get(f"/api/programme/quarter?{query}")
                assert answer.status_code == 400, query
                assert "quarter" in answer.json()["detail"].lower() or "number" in answer.json()["detail"]

    run(work)


def test_the_public_sees_only_what_its_rights_show(tmp_path):
    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app) as http:
            report = (await http.get("/api/programme")).json()
            assert _checks(report)["D2.2b"]["found"] == 0  # units are not public

    run(work)


def test_a_report_of_a_past_date_uses_the_plan_in_force_at_that_date(tmp_path):
    """Later changes of the plan change no report of the past. Where there was no plan yet, it is today's."""

    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "administrator") as http:
            before = (await http.get("/api/programme")).json()
            then = quote(format_time(app.site.clock()))
            row = (await http.get("/api/registers/programme-deliverables/D1.1")).json()["row"]
            row["checks"][0]["target"] = 10
            added = {**row, "checks": [{**row["checks"][0], "id": "D1.2a"}]}
            for code, one in (("D1.1", row), ("D1.2", added)):
                answer = await http.put(f"/api/registers/programme-deliverables/{code}", json=one)
                assert answer.status_code == 200, answer.text
            now = (await http.get("/api/programme")).json()
            assert (before["progress"], now["progress"]) == (1.0, 0.5)
            assert _checks(now).keys() == {"D1.1a", "D1.2a"}
            past = (await http.get(f"/api/programme?at={then}")).json()
            assert past["objectives"] == before["objectives"]
            page = (await http.get("/api/programme/quarter")).json()
            assert page["quarter"]["change"] == page["progress"] == 0.5
            long_ago = (await http.get("/api/programme?at=2020-01-01T00:00:00Z")).json()
            assert _checks(long_ago).keys() == _checks(now).keys()
            for name in ("programme", "programme-objectives", "programme-deliverables"):
                for one in (await http.get(f"/api/registers/{name}")).json()["rows"]:
                    await http.delete(f"/api/registers/{name}/{one['code']}")
            await http.delete("/api/registers/programme-objectives/O1")
            assert (await http.get("/api/programme")).status_code == 404
            past = (await http.get(f"/api/programme?at={then}")).json()
            assert past["objectives"] == before["objectives"]

    run(work)
