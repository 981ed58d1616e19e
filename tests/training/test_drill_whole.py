"""A whole drill through the doors: the score rests on rows of the journal, and a false arrival fails it."""

import asyncio

import pytest

from andaman.city.pack import load_pack
from andaman.city.registers import SeedRows
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.positions import unseal
from andaman.kernel.time import format_time
from andaman.training.scenarios import SCENARIOS, scenario_of
from tests.declared import undeclared

from ..support import client, platform, run

PATONG_HILL = scenario_of(SeedRows(load_pack("phuket")).rows(SCENARIOS)["rain-crash-patong-hill"])


async def _wait(get, done, seconds=70.0):
    for _ in range(int(seconds / 0.2)):
        found = await get()
        if done(found):
            return found
        await asyncio.sleep(0.2)
    raise AssertionError("it did not happen in time")


@pytest.mark.slow
def test_a_dispatcher_carries_a_drill_from_the_alert_to_its_score(tmp_path):
    async def work():
        async with platform(tmp_path, pack="phuket") as app, client(app, "dispatcher") as http:
            live = (await http.post("/api/training/drills", json={"scenario": PATONG_HILL.id})).json()[
                "drill"
            ]
            tenant, drill = live["a"]["exerciseTenant"], live["id"].rsplit(":", 1)[1]
            http.headers["NGSILD-Tenant"] = tenant

            async def alerts():
                answer = await http.get(f"/api/state?types=Alert&tenant={tenant}")
                return answer.json()["entities"]

            def crash(found):
                return [
                    a for a in found if a["a"].get("incidentType") == "roadAccident" or "Crash" in str(a["a"])
                ]

            first = (await _wait(alerts, bool))[0]
            answer = await http.post(f"/api/command/alerts/{first['id']}/acknowledge", json={"note": "seen"})
            assert answer.status_code == 200, answer.text
            alert = crash(await _wait(alerts, crash))[0]
            body = {
                "incidentType": "roadAccident",
                "severity": "Severe",
                "location": {"type": "Point", "coordinates": list(PATONG_HILL.place)},
                "refAlert": alert["id"],
            }
            made = await http.post("/api/command/incidents", json=body)
            assert made.status_code == 201, made.text
            incident = made.json()["incident"]["id"]
            page = f"/api/command/incidents/{incident}"
            near = (await http.get(f"{page}/candidates?unitType=ambulance")).json()
            chosen = near[0] if isinstance(near, list) else near["candidates"][0]
            unit = chosen["unit"]["id"] if isinstance(chosen["unit"], dict) else chosen["unit"]
            sent = await http.post(f"{page}/assignments", json={"unit": unit})
            assert sent.status_code in (200, 201), sent.text
            detail = (await http.get(page)).json()
            assignment = detail["assignments"][0]
            assert assignment["a"]["reasonChosen"]["bestEtaSeconds"] > 0
            for step in ("enRoute", "onScene", "clear"):
                moved = await http.post(
                    f"/api/command/assignments/{assignment['id']}/steps",
                    json={"step": step, "farConfirmed": True},
                )
                assert moved.status_code == 200, moved.text
            for step in ("controlled", "closed"):
                now = (await http.get(page)).json()
                if step in now["allowedSteps"]:
                    done = await http.post(f"{page}/steps", json={"step": step, "outcome": "two to hospital"})
                    assert done.status_code == 200, done.text
            scored = (await http.post(f"/api/training/drills/{drill}/finish")).json()["score"]
            points = {c["id"]: (c["points"], c["of"], c["measured"]) for c in scored["criteria"]}
            full = {name for name, (got, of, _) in points.items() if got == of}
            assert {"acknowledge", "open"} <= full, points
            assert [one["id"] for one in scored["critical"]] == [
                "false-arrival"
            ]  # nobody drives there in a second
            assert not scored["passed"]
            start = unseal(app.broker.position_key, "drill", live["a"]["startSeq"])
            assert start is not None
            rows = await app.broker.read_events(start, 20_000, tenant=tenant)
            assert {at for c in scored["criteria"] for at in c["times"]} <= {format_time(e.at) for e in rows}
            city = list(app.broker.iter_entities([], FULL_ACCESS))
            assert not [d for d in city if d["id"] in (incident, assignment["id"])], (
                "the city never saw the drill"
            )
            assert undeclared(app.broker) == undeclared(app.broker, tenant) == set()

    run(work)
