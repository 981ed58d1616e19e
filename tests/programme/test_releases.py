"""A release is what the programme office published: never edited, never forged, open to everybody, its evidence to some."""

from urllib.parse import quote

from andaman.broker.api import OpKind, WriteOp, iri
from andaman.identity.model import FULL_ACCESS, system_actor
from andaman.kernel.blobs import Blobs
from andaman.programme.release import BUNDLE, OWNER

from ..support import client, platform, run
from .test_service import dispatcher, draft, incident, written

RELEASES = "/api/programme/releases"
NG = "/ngsi-ld/v1/entities/"
EVIDENCE = "/api/evidence/programme/"


async def _release(http, **body):
    answer = await http.post(RELEASES, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_before_the_first_release_the_public_reads_that_there_is_none(tmp_path):
    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app) as http:
            found = (await http.get("/api/programme")).json()
            assert (found["release"], found["releases"]) == (None, [])
            assert found["plan"]["title"]["th"]
            assert (await http.get("/api/programme/draft")).status_code == 401

    run(work)


def test_a_release_stays_as_it_was_and_a_later_one_supersedes_it(tmp_path):
    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "programme-office") as office:
            first = await _release(office, problems="ไม่มี", nextSteps="เปิดศูนย์", note="")
            assert (first["year"], first["quarter"], first["number"].partition("/")[0]) == (
                first["figures"]["quarter"]["year"], first["figures"]["quarter"]["quarter"], "1",
            )  # fmt: skip
            assert first["releasedBy"] == "test-programme-office"
            assert first["figures"]["achieved"] == 0
            await written(app, dispatcher(), incident("real"))
            assert (await draft(office))["achieved"] == 1
            async with client(app) as public:
                read = (await public.get("/api/programme")).json()
                assert read["release"] == first
                second = await _release(office)
                assert second["number"].startswith("2/")
                read = (await public.get("/api/programme")).json()
                assert read["release"]["figures"]["achieved"] == 1
                assert [one["id"] for one in read["releases"]] == [second["id"], first["id"]]
                for query in (f"release={first['id']}", f"at={first['releasedAt']}"):
                    assert (await public.get(f"/api/programme?{query}")).json()["release"] == first
                other = await public.get("/api/programme?year=2020&quarter=1")
                assert other.json()["release"] is None
                assert (await public.get("/api/programme?release=x")).status_code == 404

    run(work)


def test_a_report_of_a_quarter_that_has_not_ended_is_interim(tmp_path):
    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "programme-office") as office:
            running, ended = await _release(office), await _release(office, year=2026, quarter=1)
            assert (running["interim"], running["asOf"]) == (True, running["figures"]["time"])
            assert (ended["interim"], ended["asOf"]) == (False, ended["figures"]["quarter"]["to"])
            listed = {one["id"]: one for one in (await office.get("/api/programme")).json()["releases"]}
            assert [listed[one["id"]]["interim"] for one in (running, ended)] == [True, False]

    run(work)


def test_only_the_programme_office_releases_and_it_is_audited(tmp_path):
    async def work():
        async with platform(tmp_path, pack="minicity") as app:
            for role, expected in (
                ("analyst", 403),
                (None, 401),
                ("dispatcher", 403),
                ("programme-office", 201),
            ):
                async with client(app, role) as http:
                    assert (await http.post(RELEASES, json={})).status_code == expected, role
            async with client(app, "administrator") as http:
                rows = (await http.get("/api/identity/audit?action=programme.release")).json()
                assert [row["actor"] for row in rows["entries"]] == ["user:test-programme-office"]

    run(work)


def test_nobody_edits_a_release_and_one_that_was_typed_in_is_none(tmp_path):
    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "programme-office") as office:
            made = await _release(office)
            name = f"urn:ngsi-ld:ProgrammeRelease:{made['id']}"
            async with client(app, "administrator") as http:
                change = {iri("achievedShare"): {"type": "Property", "value": 1}}
                answer = await http.patch(NG + name + "/attrs", json=change)
                assert answer.status_code == 207 or answer.status_code == 409, answer.text
            forged = dict(app.broker.get(name, FULL_ACCESS), id="urn:ngsi-ld:ProgrammeRelease:forged")
            figures = forged["attrs"][iri("figures")][0]
            forged["attrs"] = {
                **forged["attrs"], iri("figures"): [{**figures, "json": {**figures["json"], "achieved": 1.0}}],
            }  # fmt: skip
            await app.broker.must_write([WriteOp(OpKind.CREATE, forged["id"], forged)], system_actor("cli"))
            async with client(app) as public:
                read = (await public.get("/api/programme")).json()
                assert [one["id"] for one in read["releases"]] == [made["id"]]
                assert read["release"] == made

    run(work)


def test_evidence_opens_for_those_who_may_see_it(tmp_path):
    """Everybody reads the figure and its formula; its entities are shown to those who may see them, and absent for others."""

    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "programme-office") as office:
            await written(app, dispatcher(), incident("real"))
            made = await _release(office)
            of = made["figures"]["quarter"]
            keys = [
                f"{made['id']}/check/D1.1b/achieved", f"{made['id']}/total/all/achieved",
                f"{made['id']}/objective/O1/installed", f"{made['id']}/deliverable/D1.1/accepted",
                f"{made['id']}/change/all/accepted", f"{made['id']}/change/D1.1/accepted",
            ]  # fmt: skip
            private = f"draft-{of['year']}-{of['quarter']}/check/D1.1b/achieved"
            seen = {}
            for role in ("dispatcher", None):
                async with client(app, role) as http:
                    pages = [await _basis(http, key) for key in keys]
                    assert [page["constants"] != [] for page in pages] == [True] * len(keys)
                    assert pages[0]["value"] == 1
                    seen[role] = [(row["id"], row["note"]["en"]) for row in pages[0]["entities"]]
                    draft_page = await http.get(EVIDENCE + quote(private, safe=""))
                    assert draft_page.status_code == (200 if role else 404)
                    for key in ("x", f"{made['id']}/check/none/achieved", f"{made['id']}/total/all/x"):
                        assert (await http.get(EVIDENCE + quote(key, safe=""))).status_code == 404
            assert seen[None] == []
            ((name, note),) = seen["dispatcher"]
            assert name == "urn:ngsi-ld:Incident:real"
            assert note.startswith("from real operation (digest ")

    run(work)


async def _basis(http, key):
    answer = await http.get(EVIDENCE + quote(key, safe=""))
    assert answer.status_code == 200, (key, answer.text)
    return answer.json()


def test_releases_survive_a_restart_and_evidence_without_one_is_let_go(tmp_path):
    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "programme-office") as office:
            made = await _release(office)
            blobs = app.site.services.get(Blobs)
            orphan = blobs.put([b"{}"], BUNDLE, OWNER)
        async with platform(tmp_path, pack="minicity") as app, client(app) as public:
            assert (await public.get("/api/programme")).json()["release"] == made
            kept = app.site.services.get(Blobs).list_of(OWNER)
            assert [one.digest for one in kept] == [made["inputsDigest"]]
            assert orphan.ref not in [one.ref for one in kept]

    run(work)
