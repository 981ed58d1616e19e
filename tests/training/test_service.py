"""Courses, records and drills over a real broker."""

import asyncio

from andaman.broker.entity.build import iri, value
from andaman.identity.model import FULL_ACCESS
from andaman.identity.records import TokenKind
from andaman.offline import cli_actor
from andaman.training.course import SHIFT
from andaman.training.exercise import scope_of
from tests.declared import undeclared

from ..support import client, platform, run

COURSE = f"/api/training/courses/{SHIFT.id}"
QUIZ = next(s for s in SHIFT.steps if s.kind == "quiz")


def test_steps_come_in_order_and_grant_records(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app, "operator") as http:
            early = await http.post(f"{COURSE}/steps/{QUIZ.id}", json={q.id: q.right for q in QUIZ.questions})
            assert early.status_code == 409
            assert early.json()["code"] == "earlier-step-first"
            assert early.json()["params"]["step"] == SHIFT.steps[0].id
            for step in SHIFT.steps[:2]:
                assert (await http.post(f"{COURSE}/steps/{step.id}", json={})).json()["result"]["passed"]
            wrong = await http.post(f"{COURSE}/steps/{QUIZ.id}", json={q.id: 0 for q in QUIZ.questions})
            assert not wrong.json()["result"]["passed"]
            assert wrong.json()["review"][0]["why"]["th"]
            right = await http.post(f"{COURSE}/steps/{QUIZ.id}", json={q.id: q.right for q in QUIZ.questions})
            assert right.json()["result"] == {**right.json()["result"], "passed": True, "score": 100.0}
            again = await http.post(f"{COURSE}/steps/{QUIZ.id}", json={q.id: 0 for q in QUIZ.questions})
            assert again.json()["progress"][QUIZ.id]["passed"], "what is passed stays passed"
            records = app.broker.iter_entities([iri("LearningRecord")], FULL_ACCESS)
            assert {value(r, "competency") for r in records} >= set(QUIZ.grants)
            assert undeclared(app.broker) == set()

    run(work)


def test_right_answers_never_leave_before_the_answer(tmp_path):
    async def work():
        async with platform(tmp_path) as app, client(app, "operator") as http:
            for path in (COURSE, "/api/training"):
                text = (await http.get(path)).text
                assert '"right"' not in text
                assert '"why"' not in text

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
