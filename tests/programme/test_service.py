"""The programme over a real broker: what counts as achieved, and that the figures are the same for everybody."""

from andaman.broker.api import OpKind, WriteOp, entity, geo, iri, prop, rel
from andaman.city.pack import base_demo_accounts
from andaman.demo import _make_accounts
from andaman.identity.model import FULL_ACCESS, Actor, acting_in, system_actor
from andaman.identity.roles import shipped_roles
from andaman.programme.service import ProgrammeService

from ..support import PASSWORD, client, platform, principal, run

ROLES = [name for name in shipped_roles().rows if name != "public"]
DRAFT = "/api/programme/draft"
NG = "/ngsi-ld/v1/entities"


def checks_of(report):
    return {c["id"]: c for o in report["objectives"] for d in o["deliverables"] for c in d["checks"]}


def rows_of(report):
    return {d["id"]: d for o in report["objectives"] for d in o["deliverables"]}


async def draft(http, query=""):
    answer = await http.get(DRAFT + query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def incident(local, **attrs):
    name = f"urn:ngsi-ld:Incident:{local}"
    return entity(
        name, "Incident", scope=("/command/incident",), incidentStatus=prop("closed"), **attrs
    )  # fmt: skip


async def written(app, actor, *docs):
    ops = [WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc) for doc in docs]
    await app.broker.must_write(ops, actor)


def dispatcher(username="anan"):
    """Somebody who took the step in the command center."""
    person = Actor(principal(f"user:{username}", username, "dispatcher"), FULL_ACCESS, "10.0.0.7")
    return acting_in("command", person)


def test_a_fresh_install_has_achieved_nothing(tmp_path):
    """What the pack and the platform bring is installed. Nothing of it is an achievement of the city."""

    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "programme-office") as http:
            now = await draft(http)
            assert now["achieved"] == 0
            assert now["accepted"] == 0
            assert now["installed"] > 0
            roads = checks_of(now)["D1.1c"]
            assert roads["installed"] >= 850
            assert roads["achieved"] is None
            assert roads["leftOut"] == {"shipped": roads["installed"]}
            for row in rows_of(now).values():
                assert row["achieved"] in (0, None)
                assert row["status"] != "done"

    run(work)


def test_an_incident_that_a_dispatcher_closed_counts_and_one_of_a_demonstration_does_not(tmp_path):
    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "programme-office") as http:
            people = base_demo_accounts()
            await _make_accounts(app, people, {one.username: PASSWORD for one in people})
            unit = entity("urn:ngsi-ld:EmergencyUnit:s", "EmergencyUnit", origin=prop("simulated"))
            mission = entity(
                "urn:ngsi-ld:Assignment:m", "Assignment",
                refIncident=rel("urn:ngsi-ld:Incident:served"), origin=prop("simulated"),
            )  # fmt: skip
            alert = entity("urn:ngsi-ld:Alert:r", "Alert", origin=prop("replayed"))
            await written(app, system_actor("city"), unit, mission, alert)
            await written(app, dispatcher("dispatcher"), incident("demo"))
            await written(
                app, dispatcher(), incident("served"), incident("warned", refAlert=rel(alert["id"]))
            )
            before = checks_of(await draft(http))["D1.1b"]
            assert (before["installed"], before["achieved"]) == (3, 0)
            assert before["leftOut"] == {"demo": 1, "simulated": 1, "replayed": 1}
            await written(app, dispatcher(), incident("real"))
            now = await draft(http)
            assert checks_of(now)["D1.1b"]["achieved"] == 1
            assert rows_of(now)["D1.1"]["status"] == "done"

    run(work)


def test_an_administrator_cannot_type_progress_in_and_is_named(tmp_path):
    """Evidence that somebody wrote by hand is listed with its writer, and counts for nothing."""

    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "administrator") as http:
            before = await draft(http)
            place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [98.4, 7.9]}}
            for number in range(12):
                served = {"type": "Relationship", "object": f"urn:ngsi-ld:Incident:typed-{number}"}
                for kind, values, more in (
                    ("Incident", {"incidentStatus": "closed", "disposition": "real"}, {"location": place}),
                    ("Assignment", {"onSceneAt": "2026-11-30T08:00:00Z"}, {iri("refIncident"): served}),
                    ("LearningRecord", {"person": "user:anan"}, {}),
                    ("DrillRun", {"drillStatus": "scored", "passed": True}, {}),
                ):
                    attrs = {
                        iri(name): {"type": "Property", "value": one} for name, one in values.items()
                    } | more
                    made = {"id": f"urn:ngsi-ld:{kind}:typed-{number}", "type": iri(kind), **attrs}
                    assert (await http.post(NG, json=made)).status_code == 201
            after = await draft(http)
            assert after["achieved"] == before["achieved"] == 0
            for check in ("D2.2c", "D3.2b", "D3.2c"):
                found = checks_of(after)[check]
                assert (found["installed"], found["achieved"]) == (12, 0)
                assert found["byHand"] == [{"name": "test-administrator", "count": 12}]
                assert found["leftOut"] == {"handWritten": 12}

    run(work)


def test_a_closed_incident_counts_with_a_place_a_unit_on_scene_and_the_conclusion_that_it_happened(tmp_path):
    """Two minutes of clicking close an incident in which nothing happened; neither installed nor achieved counts it."""

    async def work():
        place = geo({"type": "Point", "coordinates": [98.39, 7.88]})
        whole = {"location": place, "disposition": prop("real")}

        def mission(local, **attrs):
            served = rel(f"urn:ngsi-ld:Incident:{local}")
            return entity(f"urn:ngsi-ld:Assignment:{local}", "Assignment", refIncident=served, **attrs)

        arrived = {"onSceneAt": prop("2026-11-30T08:00:00Z")}
        async with platform(tmp_path, pack="phuket") as app, client(app, "programme-office") as http:
            await written(
                app, dispatcher(),
                incident("bare"),
                incident("nowhere", disposition=prop("real")), mission("nowhere", **arrived),
                incident("false", location=place, disposition=prop("falseReport")), mission("false", **arrived),
                incident("unserved", **whole),
                incident("recalled", **whole), mission("recalled"),
            )  # fmt: skip
            found = checks_of(await draft(http))["D2.2c"]
            assert (found["installed"], found["achieved"], found["leftOut"]) == (0, 0, {})
            await written(app, dispatcher(), incident("real", **whole), mission("real", **arrived))
            found = checks_of(await draft(http))["D2.2c"]
            assert (found["installed"], found["achieved"]) == (1, 1)

    run(work)


def test_a_plan_that_spends_nothing_is_no_computed_plan(tmp_path):
    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "programme-office") as http:
            for local, spent in (("nothing", 0.0), ("some", 40.7)):
                doc = entity(f"urn:ngsi-ld:Portfolio:{local}", "Portfolio", spending=prop(spent))
                before = checks_of(await draft(http))["D1.3b"]["installed"]
                await written(app, system_actor("roadmap"), doc)
                assert checks_of(await draft(http))["D1.3b"]["installed"] - before == (spent > 0)

    run(work)


def test_a_drill_counts_when_it_was_passed_and_not_by_a_simulated_person(tmp_path):
    async def work():
        def drill(local, person, passed):
            return entity(
                f"urn:ngsi-ld:DrillRun:{local}", "DrillRun", person=prop(person), drillStatus=prop("scored"),
                passed=prop(passed), origin=prop("simulated"),
            )  # fmt: skip

        async with platform(tmp_path, pack="phuket") as app, client(app, "programme-office") as http:
            staff = entity(
                "urn:ngsi-ld:StaffMember:7", "StaffMember", person=prop("staff-7"), origin=prop("simulated")
            )
            await written(app, system_actor("training"), staff)
            runs = [drill("failed", "user:anan", False), drill("invented", "staff-7", True)]
            await written(app, system_actor("drill"), *runs)
            found = checks_of(await draft(http))["D3.2b"]
            assert (found["achieved"], found["leftOut"]) == (0, {"demo": 1, "failed": 1})
            await written(app, system_actor("drill"), drill("passed", "user:anan", True))
            assert checks_of(await draft(http))["D3.2b"]["achieved"] == 1

    run(work)


def test_every_role_and_the_public_read_the_same_bytes(tmp_path):
    """The figure never depends on who looks: neither the release, nor the draft of those who may see one."""

    async def work():
        async with platform(tmp_path, pack="phuket") as app:
            await written(app, dispatcher(), incident("real"))
            for released in (False, True):
                if released:
                    async with client(app, "programme-office") as http:
                        made = await http.post("/api/programme/releases", json={"problems": "ไม่มี"})
                        assert made.status_code == 201, made.text
                public, drafts = set(), set()
                for role in (*ROLES, None):
                    async with client(app, role) as http:
                        public.add((await http.get("/api/programme")).content)
                        past = await http.get(f"{DRAFT}?year=2026&quarter=1")
                        if role is None:
                            assert past.status_code == 401
                        else:
                            assert past.status_code == 200, role
                            drafts.add(past.content)
                assert len(public) == 1
                assert len(drafts) == 1

    run(work)


def test_a_quarter_compares_its_ends_by_one_plan_and_refuses_a_quarter_that_is_none(tmp_path):
    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "analyst") as http:
            page = await draft(http)
            assert page["quarter"]["running"]
            # Loading the city is no work of the quarter: the record begins in it, so a change has no base.
            assert page["quarter"]["change"] == {"installed": None, "achieved": None, "accepted": 0}
            assert page["quarter"]["from"] < page["quarter"]["recordedSince"] <= page["time"]
            assert {row["change"]["installed"] for row in rows_of(page).values()} == {None}
            for query in ("year=2026&quarter=5", "year=26&quarter=1", "year=2026&quarter=x", "year=2026"):
                assert (await http.get(f"{DRAFT}?{query}")).status_code == 400, query
            late = await http.get(f"{DRAFT}?year=2100&quarter=1")
            assert late.json()["type"].endswith("quarter-not-begun") or late.status_code == 400

    run(work)


def test_a_draft_of_a_past_quarter_uses_the_plan_in_force_at_its_end(tmp_path):
    """Later changes of the plan change no report of the past. Where there was no plan yet, it is today's."""

    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "administrator") as http:
            service = app.get(ProgrammeService)
            then = app.site.clock()
            before = (await service.plan_at(then)).version
            row = (await http.get("/api/registers/programme-deliverables/D1.1")).json()["row"]
            row["checks"][0]["target"] = 10
            answer = await http.put("/api/registers/programme-deliverables/D1.1", json=row)
            assert answer.status_code == 200, answer.text
            assert (await service.plan_at(then)).version == before
            assert (await draft(http))["plan"]["version"] != before
            assert (await service.plan_at(0)).version == (await service.plan_at(None)).version

    run(work)


def test_a_city_without_a_programme_says_so(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app) as http:
            answer = await http.get("/api/programme")
            assert answer.status_code == 404
            assert answer.json()["code"] == "no-programme"

    run(work)
