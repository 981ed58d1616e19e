"""The command center over HTTP: roles, shapes, and problems instead of server errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from andaman.city.registers import SeedRows
from andaman.command.incident_types import INCIDENT_TYPES, UNIT_TYPES
from andaman.command.routes import routes
from andaman.command.service import CommandService
from andaman.identity.entrance import build_routes
from andaman.identity.model import FULL_ACCESS, Actor
from andaman.identity.roles import shipped_roles
from andaman.identity.web import ACTOR
from andaman.kernel.errors import AndamanError
from andaman.kernel.http import problem_response
from andaman.kernel.time import format_time
from tests.command.city import STATION, UNITS, HandClock, broker_at, put, report, roads
from tests.command.signals.test_watch import WET, rain
from tests.support import principal

RULE = "/api/command/rules/urn:ngsi-ld:AlertRule:wet"


def problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, AndamanError)
    return problem_response(error)


@asynccontextmanager
async def center(
    directory: Path,
) -> AsyncIterator[tuple[dict[str, httpx.AsyncClient], CommandService, HandClock]]:
    """A running command center and one client a role."""
    clock = HandClock()
    async with broker_at(directory, clock) as broker:
        await put(broker, STATION, *UNITS, *roads())
        service = CommandService(broker, directory / "command", clock)
        await service.start()
        app = Starlette(routes=build_routes(routes(service)), exception_handlers={AndamanError: problem})

        def client(role: str) -> httpx.AsyncClient:
            actor = Actor(principal(f"user:{role}", role.title(), role))

            async def signed_in(scope: Any, receive: Any, send: Any) -> None:
                scope[ACTOR] = actor
                await app(scope, receive, send)

            transport = httpx.ASGITransport(app=signed_in)
            return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

        try:
            yield {role: client(role) for role in shipped_roles().rows}, service, clock
        finally:
            await service.stop()


def test_from_rule_to_closed_incident(tmp_path: Path) -> None:
    """The chain over HTTP, with the shapes of docs/api.md."""

    async def run() -> None:
        async with center(tmp_path) as (by, service, clock):
            made = await by["administrator"].put(
                RULE, json={"name": {"th": "ฝน", "en": "Wet"}, "definition": WET}
            )
            assert made.status_code == 200, made.text
            assert made.json()["error"] is None
            await put(service._broker, rain(1, 120, clock.now))
            await service.watch.caught_up()
            summary = (await by["operator"].get("/api/command/summary")).json()
            assert summary["alerts"] == {"Severe": 1}
            assert summary["units"] == {"available": len(UNITS)}
            (alert,) = [d["id"] for d in service._broker.iter_entities([], by_all()) if ":Alert:" in d["id"]]

            refused = await by["dispatcher"].put(RULE, json={"name": {"en": "x"}, "definition": WET})
            assert refused.status_code == 403
            seen = await by["operator"].post(f"/api/command/alerts/{alert}/acknowledge", json={"note": "ok"})
            assert seen.json()["a"]["acknowledgedBy"] == "Operator"

            opened = await by["operator"].post("/api/command/incidents", json=report(refAlert=alert))
            assert opened.status_code == 201
            incident = opened.json()["incident"]["id"]
            assert opened.headers["location"].endswith(incident)
            assert opened.json()["allowedSteps"] == ["triaged", "cancelled"]
            base = f"/api/command/incidents/{incident}"
            found = (await by["dispatcher"].get(f"{base}/candidates")).json()
            assert {"unit", "etaSeconds", "arrivalSeconds", "distanceM", "route", "reason"} == found[0].keys()
            assert found[0]["route"]["type"] == "LineString"
            full = (await by["dispatcher"].get(f"{base}/candidates?skipped=true&limit=1")).json()
            assert len(full["candidates"]) == 1
            assert full["skipped"]

            unit = found[0]["unit"]["id"]
            assert (await by["operator"].post(f"{base}/assignments", json={"unit": unit})).status_code == 403
            sent = await by["dispatcher"].post(f"{base}/assignments", json={"unit": unit})
            assert sent.status_code == 201
            (assignment,) = sent.json()["assignments"]
            assert assignment["allowedSteps"] == ["enRoute", "onScene", "cancelled"]
            assert assignment["unit"]["id"] == unit
            moment, clock.now = clock.now, clock.now + 60_000_000
            at = f"/api/command/assignments/{assignment['id']}/steps"
            assert (await by["operator"].post(at, json={"step": "cancelled"})).status_code == 403
            assert (await by["operator"].post(at, json={"step": "enRoute"})).status_code == 200
            far = await by["dispatcher"].post(at, json={"step": "onScene"})
            assert (far.status_code, far.json()["code"]) == (409, "unit-far-from-scene")
            assert far.json()["params"]["distance"] > 500
            for step in ("onScene", "clear"):
                body = {"step": step, "farConfirmed": True}
                assert (await by["dispatcher"].post(at, json=body)).status_code == 200
            (kind,) = (
                t
                for t in (await by["operator"].get("/api/command/incident-types")).json()
                if t["code"] == sent.json()["incident"]["a"]["incidentType"]
            )
            checked = await by["operator"].post(f"{base}/notes", json={"item": kind["checklist"][0]})
            assert checked.json()["timeline"][-1]["a"]["params"] == {"item": kind["checklist"][0]}
            for step in ("controlled", "closed"):
                done = await by["dispatcher"].post(f"{base}/steps", json={"step": step, "outcome": "ok"})
                assert done.status_code == 200, done.text
            assert done.json()["incident"]["a"]["incidentStatus"] == "closed"
            past = (await by["operator"].get(base, params={"at": format_time(moment)})).json()
            assert past.keys() == sent.json().keys()
            assert past["timeline"] == sent.json()["timeline"]
            assert past["incident"] == sent.json()["incident"]
            assert [one["a"] for one in past["assignments"]] == [assignment["a"]]
            assert past["allowedSteps"] == past["assignments"][0]["allowedSteps"] == []
            gone = await by["operator"].get(base, params={"at": format_time(moment - 3_600_000_000)})
            assert gone.status_code == 404
            again = await by["dispatcher"].post(f"{base}/steps", json={"step": "closed"})
            assert again.status_code == 409
            assert again.json()["allowed"] == ["triaged"]

            spans = {
                "from": format_time(clock.now - 3_600_000_000),
                "to": format_time(clock.now),
                "buckets": "4",
            }
            line = (await by["analyst"].get("/api/command/timeline", params=spans)).json()
            assert line["buckets"][-1]["alerts"] == {"Severe": 1}
            assert line["buckets"][-1]["incidents"] == {"Severe": 1}
            types = (await by["operator"].get("/api/command/incident-types")).json()
            assert {t["code"] for t in types} == SeedRows().rows(INCIDENT_TYPES).keys()
            assert all(
                set(t["unitTypes"]) <= SeedRows().rows(UNIT_TYPES).keys() and t["checklist"] for t in types
            )

    asyncio.run(run())


def by_all() -> Any:
    from andaman.identity.model import FULL_ACCESS

    return FULL_ACCESS


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/incidents", "{", 400),
        ("POST", "/incidents", "[]", 400),
        ("POST", "/incidents", '{"incidentType":"fire"}', 400),
        ("POST", "/incidents", '{"incidentType":["fire"],"severity":{},"location":3}', 400),
        ("POST", "/incidents", '{"incidentType":"fire","severity":"Minor","location":{"type":"Point"}}', 400),
        (
            "POST",
            "/incidents",
            '{"incidentType":"party","severity":"Minor","location":{"type":"Point","coordinates":[98,8]}}',
            400,
        ),
        ("GET", "/incidents/urn:ngsi-ld:Incident:none", "", 404),
        ("POST", "/incidents/urn:ngsi-ld:Incident:none/steps", '{"step":"closed"}', 404),
        ("POST", "/incidents/urn:ngsi-ld:Incident:none/steps", '{"step":7}', 400),
        ("POST", "/incidents/urn:ngsi-ld:Incident:none/assignments", "{}", 400),
        ("POST", "/incidents/urn:ngsi-ld:Incident:none/notes", '{"text":"\\u0000"}', 400),
        ("POST", "/incidents/urn:ngsi-ld:Incident:none/notes", '{"item":"Lights"}', 400),
        ("POST", "/incidents/urn:ngsi-ld:Incident:none/notes", '{"item":{"th":"ไฟ","en":"Lights"}}', 404),
        ("POST", "/alerts/urn:ngsi-ld:Alert:none/acknowledge", "", 404),
        ("POST", "/alerts/%00/close", "", 404),
        ("GET", "/timeline?from=yesterday", "", 400),
        ("GET", "/timeline?buckets=0", "", 400),
        ("GET", "/timeline?buckets=9999999999999", "", 400),
        ("GET", "/timeline?buckets=" + "9" * 5000, "", 400),
        ("GET", "/timeline?to=0001-01-01T00:00:00Z", "", 400),
        ("GET", "/timeline?to=9999-12-31T23:59:60Z", "", 400),
        ("POST", "/alerts/urn:ngsi-ld:Alert:none/close", '{"reason":"' + "x" * 200_000 + '"}', 413),
        ("GET", "/timeline?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "", 400),
        ("PUT", "/rules/urn:ngsi-ld:AlertRule:x", '{"name":{"en":"x"},"definition":{}}', 400),
        ("PUT", "/rules/urn:ngsi-ld:AlertRule:x", '{"name":5,"definition":{}}', 400),
        ("PUT", "/rules/somewhere", '{"name":{"en":"x"},"definition":{}}', 400),
        ("DELETE", "/rules/urn:ngsi-ld:AlertRule:x", "", 404),
        ("GET", "/incidents/urn:ngsi-ld:Incident:none/candidates?unitType=tank", "", 400),
        ("POST", "/units/urn:ngsi-ld:EmergencyUnit:a1/status", '{"status":"flying"}', 400),
    ],
)
def test_bad_input_is_a_problem(tmp_path: Path, method: str, path: str, body: str, status: int) -> None:
    """Never a server error; always a problem document that says what is wrong."""

    async def run() -> None:
        async with center(tmp_path) as (by, _, _):
            answer = await by["administrator"].request(method, "/api/command" + path, content=body)
            assert answer.status_code == status, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]

    asyncio.run(run())


def test_a_preview_says_what_a_change_of_a_rule_does(tmp_path: Path) -> None:
    """Before it is in force: which entities alert, which open alerts end, what is probably not meant. It writes nothing, and
    the change then does what the preview said."""

    async def run() -> None:
        async with center(tmp_path) as (by, service, clock):
            http = by["administrator"]
            assert (await http.put(RULE, json={"name": {"en": "Wet"}, "definition": WET})).is_success
            for gauge, mm in ((1, 40), (2, 60), (3, 20)):
                await put(service._broker, rain(gauge, mm, clock.now))
            await service.watch.caught_up()

            async def preview(**changed: Any) -> Any:
                body = {"name": {"en": "Wet"}, "definition": {**WET, **changed}}
                answer = await http.post(f"{RULE}/preview", json=body)
                assert answer.status_code == 200, answer.text
                return answer.json()

            texts = await preview(headline={"en": "Other"})
            assert (texts["same"], texts["open"], texts["ends"], texts["begins"]) == (True, 2, 0, 0)
            limit = {"attr": "precipitation24h", "op": ">=", "value": 50}
            end = {**limit, "op": "<"}
            other = await preview(when=limit, clear=end)
            assert (other["open"], other["ends"], other["begins"], other["count"]) == (2, 1, 0, 1)
            assert other["hits"][0]["entity"] == "urn:ngsi-ld:WeatherObserved:2"
            lower = await preview(when={**limit, "value": 10}, clear={**end, "value": 30})
            assert (lower["ends"], lower["begins"]) == (0, 1)
            codes = {one["code"] for one in lower["warnings"]}
            assert codes == {"rule-limits-overlap", "rule-bands-begin-elsewhere"}
            wrong = await preview(when={**limit, "attr": "precipitation24"})
            assert "precipitation24h" in wrong["warnings"][0]["params"]["similar"]
            assert wrong["warnings"][0]["code"] == "rule-name-unused"
            nothing = await preview(select={"type": "WetherObserved"})
            assert nothing["warnings"][0]["params"]["name"] == "WetherObserved"

            body = {"name": {"en": "Wet"}, "definition": {**WET, "when": limit, "clear": end}}
            assert (await http.put(RULE, json=body)).is_success
            await service.watch.caught_up()
            assert service.rules.get(RULE.rpartition("/")[2], FULL_ACCESS, "")["active"] == 1
            assert (await by["operator"].post(f"{RULE}/preview", json=body)).status_code == 403

    asyncio.run(run())


def test_a_tenant_has_a_name(tmp_path: Path) -> None:
    """What NGSI-LD could not address afterwards makes no tenant."""

    async def run() -> None:
        async with center(tmp_path) as (by, service, _):
            body = {"incidentType": "fire", "severity": "Minor"}
            body |= {"location": {"type": "Point", "coordinates": [98.3, 7.9]}}
            for name in ("../x", "a b", "x" * 65, "-a"):
                answer = await by["dispatcher"].post(
                    "/api/command/incidents", json=body, headers={"NGSILD-Tenant": name}
                )
                assert answer.status_code == 400
            assert service._broker.tenants() == [""]

    asyncio.run(run())


def test_the_public_reads_nothing_here(tmp_path: Path) -> None:
    """Incidents and rules are for staff; acknowledging needs a role."""

    async def run() -> None:
        async with center(tmp_path) as (by, _, _):
            for path in ("/incidents/urn:x:y", "/rules"):
                assert (await by["public"].get("/api/command" + path)).status_code == 401
            answer = await by["analyst"].post("/api/command/alerts/urn:ngsi-ld:Alert:x/acknowledge")
            assert answer.status_code == 403

    asyncio.run(run())
