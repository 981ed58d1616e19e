"""Courses, records and drills over a real broker."""

import asyncio
import re
from typing import Any
from urllib.parse import quote

from httpx import AsyncClient

from andaman.app import App
from andaman.broker.entity.build import entity, iri, prop, value
from andaman.broker.model import OpKind, WriteOp
from andaman.city.registers import SeedRows
from andaman.identity.model import FULL_ACCESS, system_actor
from andaman.identity.records import TokenKind
from andaman.kernel.time import SECOND
from andaman.offline import cli_actor
from andaman.training.course import courses_of
from andaman.training.demo import SIGN_INS, simulated_staff
from andaman.training.exercise import scope_of
from andaman.training.service import TrainingService
from tests.declared import undeclared

from ..support import client, platform, run

SHIFT = courses_of(SeedRows())["command-center-shift"]
COURSE = f"/api/training/courses/{SHIFT.id}"
QUIZ = next(s for s in SHIFT.steps if s.kind == "quiz")


def choices(course: dict[str, Any], right: bool = True) -> dict[str, str]:
    """Answers to the questions that a person sees; all right, or all wrong."""
    shown = next(step for step in course["steps"] if step["id"] == QUIZ.id)["questions"]
    texts = {q.id: q.choices[q.right].en for q in QUIZ.questions}
    return {
        q["id"]: next(c["id"] for c in q["choices"] if (c["text"]["en"] == texts[q["id"]]) == right)
        for q in shown
    }


async def read_all(app: App, http: AsyncClient) -> None:
    """Both texts, as if each had been before the eyes long enough."""
    training = app.get(TrainingService)
    clock = training._clock
    for step in SHIFT.steps[:2]:
        begun = await http.post(f"{COURSE}/steps/{step.id}", json={"begin": True})
        assert not begun.json()["result"]["passed"]
        training._clock = lambda: clock() + 3600 * SECOND
        done = await http.post(f"{COURSE}/steps/{step.id}", json={})
        training._clock = clock
        assert done.json()["result"]["passed"], done.text


async def pass_quiz(http: AsyncClient) -> dict[str, Any]:
    course = (await http.get(COURSE)).json()
    answer: dict[str, Any] = (await http.post(f"{COURSE}/steps/{QUIZ.id}", json=choices(course))).json()
    return answer


def test_steps_come_in_order_and_grant_records(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app, "operator") as http:
            course = (await http.get(COURSE)).json()
            early = await http.post(f"{COURSE}/steps/{QUIZ.id}", json=choices(course))
            assert early.status_code == 409
            assert early.json()["code"] == "earlier-step-first"
            assert early.json()["params"]["step"] == SHIFT.steps[0].id
            await read_all(app, http)
            held = {
                value(r, "evidence") for r in app.broker.iter_entities([iri("LearningRecord")], FULL_ACCESS)
            }
            assert held == set(), "who confirms a text has proven nothing"
            right = await pass_quiz(http)
            assert right["result"] == {**right["result"], "passed": True, "score": 100.0}
            course = (await http.get(COURSE)).json()
            again = await http.post(f"{COURSE}/steps/{QUIZ.id}", json=choices(course, right=False))
            assert again.json()["progress"][QUIZ.id]["passed"], "what is passed stays passed"
            records = app.broker.iter_entities([iri("LearningRecord")], FULL_ACCESS)
            assert {value(r, "competency") for r in records} >= {one.competency for one in QUIZ.grants}
            assert undeclared(app.broker) == set()

    run(work)


def test_a_text_is_confirmed_after_the_time_that_reading_takes(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app, "operator") as http:
            step, training = SHIFT.steps[0], app.get(TrainingService)
            page, clock = f"{COURSE}/steps/{step.id}", training._clock
            early = await http.post(page, json={})
            assert (early.status_code, early.json()["code"]) == (409, "reading-not-begun")
            first = (await http.post(page, json={"begin": True})).json()["result"]
            again = (await http.post(page, json={"begin": True})).json()["result"]
            assert first["readyAt"] == again["readyAt"], "who begins again does not wait again"
            refused = (await http.post(page, json={})).json()
            assert refused["code"] == "still-reading"
            assert 0 < refused["params"]["seconds"] <= 30 * step.minutes
            training._clock = lambda: clock() + 30 * step.minutes * SECOND
            done = (await http.post(page, json={})).json()["result"]
            assert (done["passed"], done["score"]) == (True, None)

    run(work)


def test_a_failed_try_gives_no_answer_away_and_a_known_answer_improves_no_score(tmp_path):
    async def work():
        async with (
            platform(tmp_path) as app,
            client(app, "operator") as http,
            client(app, "dispatcher") as other,
        ):
            await read_all(app, http)
            course = (await http.get(COURSE)).json()
            page = f"{COURSE}/steps/{QUIZ.id}"
            wrong = choices(course, right=False)
            failed = await http.post(page, json=wrong)
            assert (failed.json()["result"]["passed"], failed.json()["review"]) == (False, None)
            for word in [one.why.en for one in QUIZ.questions]:
                assert word not in failed.text
            stale = await http.post(page, json=wrong)
            assert stale.json()["code"] == "answer-missing", "the choices of a try hold for this try"
            course = (await http.get(COURSE)).json()
            assert course["tries"][QUIZ.id] == 1
            one_wrong = {**choices(course), "q1": choices(course, right=False)["q1"]}
            passed = (await http.post(page, json=one_wrong)).json()
            assert passed["result"] == {**passed["result"], "passed": True, "score": 80.0, "tries": 2}
            assert {row["why"]["en"] for row in passed["review"]} == {one.why.en for one in QUIZ.questions}
            renewed = await pass_quiz(http)
            assert (renewed["result"]["score"], renewed["result"]["tries"]) == (80.0, 2)
            theirs = (await other.get(COURSE)).json()
            assert not set(choices(theirs).values()) & set(choices(course).values()), (
                "nobody's answers help another"
            )

    run(work)


def test_right_answers_never_leave_before_the_answer(tmp_path):
    """At no door, for no learner; a dispatcher and an analyst are learners too."""
    link = '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'

    async def work():
        async with platform(tmp_path) as app:
            for role in ("operator", "dispatcher", "analyst"):
                async with client(app, role) as http:
                    for path in (
                        COURSE,
                        "/api/training",
                        "/api/state?types=Course",
                        "/ngsi-ld/v1/entities?type=Course",
                        f"/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:Course:{SHIFT.id}",
                        f"/api/history/urn:ngsi-ld:Course:{SHIFT.id}",
                        f"/api/changes/urn:ngsi-ld:Course:{SHIFT.id}",
                        "/api/registers",
                        "/api/registers/courses",
                        f"/api/registers/courses/{SHIFT.id}",
                        "/api/definitions/courses",
                        f"/api/definitions/courses/{SHIFT.id}/versions",
                    ):
                        text = (await http.get(path, headers={"Link": link})).text
                        for word in ('"right"', '"why"', SHIFT.steps[2].questions[0].why.en):
                            assert word not in text, (role, path)

    run(work)


def test_a_trainer_edits_a_course_and_what_was_passed_stays(tmp_path):
    async def work():
        async with (
            platform(tmp_path) as app,
            client(app, "administrator") as http,
            client(app, "operator") as learner,
        ):
            await read_all(app, learner)
            page = "/api/registers/courses/command-center-shift"
            row = (await http.get(page)).json()["row"]
            quiz = row["steps"][2]
            quiz["questions"] = quiz["questions"][:1]
            quiz["questions"][0]["right"] = 1
            for wrong in ({"right": 4}, {"choices": quiz["questions"][0]["choices"][:1]}):
                question = {**quiz["questions"][0], **wrong}
                bad = {**row, "steps": [*row["steps"][:2], {**quiz, "questions": [question]}]}
                refused = await http.put(page, json=bad)
                assert refused.json()["errors"][0]["code"] == "course-step-not-usable"
            assert (await http.put(page, json=row)).status_code == 200
            course = (await learner.get(COURSE)).json()
            assert len(course["steps"][2]["questions"]) == 1
            assert course["progress"][SHIFT.steps[0].id]["passed"]
            wrong = QUIZ.questions[0].choices[0].en
            picked = next(
                c for c in course["steps"][2]["questions"][0]["choices"] if c["text"]["en"] == wrong
            )
            done = await learner.post(f"{COURSE}/steps/{QUIZ.id}", json={"q1": picked["id"]})
            assert done.json()["result"]["passed"], "it is right since the edit"
            assert done.json()["review"][0]["right"] == picked["id"]

    run(work)


def test_a_drill_is_an_isolated_copy_and_is_scored_from_its_record(tmp_path):
    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "dispatcher") as http:
            before = app.broker.seq
            begun = await http.post("/api/training/drills", json={"scenario": "rain-crash-patong-hill"})
            assert begun.status_code == 201, begun.text
            live = begun.json()["drill"]
            tenant, drill_id = live["a"]["exerciseTenant"], live["id"].rsplit(":", 1)[1]
            second = await http.post("/api/training/drills", json={"scenario": "rain-crash-patong-hill"})
            assert second.status_code == 409
            for _ in range(150):
                await asyncio.sleep(0.1)
                state = (await http.get(f"/api/training/drills/{drill_id}")).json()
                if state["drill"]["a"]["injected"]:
                    break
            assert state["drill"]["a"]["injected"][0]["index"] == 0
            done = (await http.post(f"/api/training/drills/{drill_id}/finish")).json()
            assert done["drill"]["a"]["drillStatus"] == "scored"
            assert done["score"]["percent"] == 0.0
            copies = list(app.broker.iter_entities([], FULL_ACCESS, tenant))
            assert len(copies) > 800
            assert all(scope_of(drill_id) in d["scope"] for d in copies)
            events = await app.broker.read_events(before, 20_000, tenant="")
            touched = {e.entity_id for e in events if e.actor == "system:drill"}
            assert touched == {live["id"]}, "the city itself is untouched"

    run(work)


def test_a_running_drill_tells_neither_targets_nor_points_nor_what_comes(tmp_path):
    """At no door, to nobody who could play it. At the end the debriefing says it all."""
    link = '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
    scenario = "rain-and-a-fall"

    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "dispatcher") as http:
            begun = (await http.post("/api/training/drills", json={"scenario": scenario})).json()
            drill_id = begun["drill"]["id"].rsplit(":", 1)[1]
            assert (begun["score"], begun["injects"]) == (None, [])
            for role in ("dispatcher", "operator", "analyst"):
                async with client(app, role) as anyone:
                    for path in (
                        f"/api/training/drills/{drill_id}",
                        "/api/training/drills",
                        "/api/training/scenarios",
                        "/api/state?types=DrillRun,Exercise",
                        "/ngsi-ld/v1/entities?type=DrillRun",
                        "/ngsi-ld/v1/entities?type=Exercise",
                        f"/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:DrillRun:{drill_id}",
                        f"/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:Exercise:{scenario}",
                        f"/api/history/urn:ngsi-ld:DrillRun:{drill_id}",
                        f"/api/history/urn:ngsi-ld:Exercise:{scenario}",
                        f"/api/changes/urn:ngsi-ld:Exercise:{scenario}",
                        "/api/registers/drill-scenarios",
                        f"/api/registers/drill-scenarios/{scenario}",
                        f"/api/definitions/drill-scenarios/{scenario}/versions",
                    ):
                        text = (await anyone.get(path, headers={"Link": link})).text
                        for word in (
                            "Somebody fell",
                            "precipitation24h",
                            "mainPlace",
                            "fullSeconds",
                            "points",
                        ):
                            assert word not in text, (role, path)
            done = (await http.post(f"/api/training/drills/{drill_id}/finish")).json()
            assert done["score"]["criteria"][0]["right"]["en"]
            assert len(done["injects"]) <= 2

    run(work)


def test_a_drill_that_was_given_up_leaves_a_trace(tmp_path):
    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "operator") as http:
            for _ in range(2):
                begun = (await http.post("/api/training/drills", json={"scenario": "rain-and-a-fall"})).json()
                drill_id = begun["drill"]["id"].rsplit(":", 1)[1]
                assert (await http.post(f"/api/training/drills/{drill_id}/abort")).json()["score"] is None
            states = [one["a"]["drillStatus"] for one in (await http.get("/api/training/drills")).json()]
            assert states == ["aborted", "aborted"]
            assert (await http.get(COURSE)).json()["tries"]["drill"] == 2

    run(work)


def test_who_could_never_play_a_drill_starts_none(tmp_path):
    """A token is bound to one tenant, an analyst has no part, and an operator has that of taking calls alone."""

    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "operator") as http:
            body = {"scenario": "rain-and-a-fall"}
            before = len(app.broker.tenants())
            _, secret = await app.identity.add_token(
                TokenKind.API, "drills", cli_actor(), roles=["administrator"]
            )
            async with client(app) as anyone:
                anyone.headers["Authorization"] = f"Bearer {secret}"
                refused = await anyone.post("/api/training/drills", json=body)
                assert (refused.status_code, refused.json()["code"]) == (403, "drill-not-entered")
            other = await http.post("/api/training/drills", json={**body, "role": "dispatching"})
            assert (other.status_code, other.json()["code"]) == (403, "no-part-of-yours")
            assert len(app.broker.tenants()) == before
            roles = (await http.get("/api/training/scenarios")).json()[0]["roles"]
            assert roles == ["call-taking"]
            begun = await http.post("/api/training/drills", json=body)
            assert begun.json()["drill"]["a"]["drillRole"] == "call-taking"

    run(work)


def test_nobody_finishes_anothers_drill(tmp_path):
    async def work():
        async with (
            platform(tmp_path, pack="minicity") as app,
            client(app, "dispatcher") as mine,
            client(app, "operator") as other,
        ):
            begun = (await mine.post("/api/training/drills", json={"scenario": "rain-and-a-fall"})).json()
            drill_id = begun["drill"]["id"].rsplit(":", 1)[1]
            assert (await other.post(f"/api/training/drills/{drill_id}/finish")).status_code == 404
            assert (await other.get("/api/training/drills")).json() == []
            assert (await other.get(f"/api/training/drills/{drill_id}")).status_code == 404

    run(work)


def test_whose_drill_it_is_and_how_it_went_is_personal_at_every_door(tmp_path):
    async def work():
        async with (
            platform(tmp_path, pack="minicity") as app,
            client(app, "dispatcher") as mine,
            client(app, "operator") as other,
        ):
            starts = [
                mine.post("/api/training/drills", json={"scenario": "rain-and-a-fall"}) for _ in range(3)
            ]
            answers = await asyncio.gather(*starts)
            assert sorted(a.status_code for a in answers) == [201, 409, 409], "starts at once are one start"
            drill_id = (
                next(a for a in answers if a.status_code == 201).json()["drill"]["id"].rsplit(":", 1)[1]
            )
            done = (await mine.post(f"/api/training/drills/{drill_id}/finish")).json()
            assert done["drill"]["a"]["person"] == "user:test-dispatcher"
            assert [d["a"]["person"] for d in (await mine.get("/api/training/drills")).json()] == [
                "user:test-dispatcher"
            ]
            link = '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
            for path in (
                "/api/state?types=DrillRun",
                "/ngsi-ld/v1/entities?type=DrillRun",
                f"/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:DrillRun:{drill_id}",
            ):
                answer = await other.get(path, headers={"Link": link})
                assert answer.status_code == 200
                assert "drillStatus" in answer.text
                for name in ("test-dispatcher", '"percent"', '"score"', '"passed"'):
                    assert name not in answer.text
            found = await other.get(
                "/ngsi-ld/v1/entities?type=DrillRun&q=passed==false", headers={"Link": link}
            )
            assert found.json() == []

    run(work)


def test_a_drill_goes_on_after_a_restart(tmp_path):
    async def work():
        async with platform(tmp_path, pack="minicity") as app, client(app, "dispatcher") as http:
            begun = (await http.post("/api/training/drills", json={"scenario": "rain-and-a-fall"})).json()
            drill_id = begun["drill"]["id"].rsplit(":", 1)[1]
        await asyncio.sleep(5)
        async with platform(tmp_path, pack="minicity") as app, client(app, "dispatcher") as http:
            for _ in range(50):
                await asyncio.sleep(0.1)
                state = (await http.get(f"/api/training/drills/{drill_id}")).json()
                if state["drill"]["a"]["injected"]:
                    break
            assert state["drill"]["a"]["drillStatus"] == "running"
            assert state["drill"]["a"]["injected"]

    run(work)


def test_a_certificate_shows_what_is_on_the_paper_to_whoever_has_its_address(tmp_path):
    async def work():
        tmp_path.joinpath(SIGN_INS).write_text('{"test-dispatcher": "x"}', "utf-8")
        async with (
            platform(tmp_path, pack="minicity") as app,
            client(app, "operator") as mine,
            client(app, "dispatcher") as demo,
            client(app) as anyone,
        ):
            page = f"{COURSE}/certificate"
            early = await mine.post(page, json={})
            assert (early.status_code, early.json()["code"]) == (409, "course-not-completed")
            for http in (mine, demo):
                await read_all(app, http)
                if http is mine:
                    wrong = choices((await mine.get(COURSE)).json(), right=False)
                    await mine.post(f"{COURSE}/steps/{QUIZ.id}", json=wrong)
                    for how in ("abort", "finish"):
                        begun = await mine.post("/api/training/drills", json={"scenario": "rain-and-a-fall"})
                        drill = begun.json()["drill"]["id"].rsplit(":", 1)[1]
                        await mine.post(f"/api/training/drills/{drill}/{how}")
                await pass_quiz(http)
                assert (await http.get(COURSE)).json()["certificate"] is None
                # a passed drill, as its room would have scored it
                person = (await http.get("/auth/me")).json()["principal"]["id"]
                run_id = "urn:ngsi-ld:DrillRun:" + person.rsplit("-", 1)[1]
                attrs = {
                    "person": prop(person),
                    "drillStatus": prop("scored"),
                    "drillRole": prop("call-taking"),
                    "percent": prop(80.0),
                    "passed": prop(True),
                }
                doc = entity(run_id, "DrillRun", **attrs)
                await app.broker.must_write([WriteOp(OpKind.CREATE, run_id, doc)], system_actor("test"))
                done = await http.post(f"{COURSE}/steps/drill", json={"drill": run_id.rsplit(":", 1)[1]})
                assert done.json()["result"]["passed"], done.text
            made, again = [(await mine.post(page, json={})).json() for _ in range(2)]
            assert made == again, "one person has one"
            assert (await mine.get(COURSE)).json()["certificate"] == made
            other = (await demo.post(page, json={})).json()
            assert (made["simulated"], other["simulated"]) == (False, True)
            assert int(other["number"][-5:]) == int(made["number"][-5:]) + 1
            seen = (await anyone.get(f"/api/training/certificates/{made['id']}")).json()
            assert seen == made
            assert seen.keys() == {
                "id", "number", "personName", "course", "issuedAt", "validUntil", "percent", "issuer",
                "competencies", "tries", "simulated", "valid",
            }  # fmt: skip
            assert (seen["percent"], seen["valid"]) == (90.0, True)
            assert re.fullmatch(r"รับรอง \d\d-00001", seen["number"]), "another number than an incident's"
            assert seen["issuer"]["en"] == "Municipality of Mini City (invented)"
            levels = {row["name"]["en"]: row["level"] for row in seen["competencies"]}
            assert levels["Acknowledging and triaging alerts"] == 3
            assert "Dispatching and following units" not in levels
            assert [(row["kind"], row["number"]) for row in seen["tries"]] == [("quiz", 2), ("drill", 3)]
            kept = app.broker.get(f"urn:ngsi-ld:Certificate:{made['id']}", FULL_ACCESS)
            older = {**kept, "attrs": {k: v for k, v in kept["attrs"].items() if not k.endswith("certified")}}
            paper = app.get(TrainingService).certificates.json(older)
            assert (paper["issuer"], paper["tries"], paper["number"]) == (None, [], made["number"])
            for wrong in ("x", made["id"][:-1], "test-operator"):
                assert (await anyone.get(f"/api/training/certificates/{wrong}")).status_code == 404
            records = list(app.broker.iter_entities([iri("LearningRecord")], FULL_ACCESS))
            origins = {(value(r, "person"), value(r, "origin")) for r in records}
            assert origins == {("user:test-operator", "measured"), ("user:test-dispatcher", "simulated")}
            competencies = {value(r, "competency") for r in records if value(r, "level") == 3}
            assert "dispatch" not in competencies, "who took calls has not shown that they can send units"

    run(work)


def test_each_figure_of_the_gap_has_its_basis(tmp_path):
    """The value of the table again, by which rule, with the proofs for those who may see them and with no name for others."""

    async def work():
        async with (
            platform(tmp_path) as app,
            client(app, "administrator") as root,
            client(app, "analyst") as other,
        ):
            training = app.get(TrainingService)
            people = {"duty-officer": 4, "dispatcher": 3}
            await training.seed(simulated_staff(training.staff.framework(), people, app.site.clock()))
            overview = (await other.get("/api/training")).json()
            columns = ("level", "missing", "holders", "expiring", "below", "expired", "unknown")
            seen = set()
            for row in overview["gap"]:
                for what in columns:
                    key = quote(f"{row['role']}/{row['competency']}/{what}", safe="")
                    for http in (root, other):
                        found = (await http.get(f"/api/evidence/skill-gap/{key}")).json()
                        assert found["value"] == row[what], key
                        assert found["constants"][0]["value"] == row["level"]
                        if http is root and what not in ("level", "missing"):
                            assert found["total"] == row[what]
                            seen |= {(what, one["type"]) for one in found["entities"]}
                        if http is other:
                            assert "simulated-" not in str(found["entities"])
            assert ("expired", "LearningRecord") in seen
            assert ("unknown", "StaffMember") in seen
            members = (await root.get("/api/evidence/skill-gap/members")).json()
            assert (members["value"], members["total"]) == (7, 7)
            for wrong in ("x", "dispatcher/dispatch", "dispatcher/dispatch/posts", "dispatcher/x/holders"):
                assert (await root.get(f"/api/evidence/skill-gap/{quote(wrong, safe='')}")).status_code == 404
            async with client(app) as public:
                answer = await public.get("/api/evidence/skill-gap/members")
                assert answer.status_code in (401, 403)

    run(work)
