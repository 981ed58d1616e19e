"""Definitions through the doors: drafts, a second person, roles that take effect at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from andaman.app import App
from andaman.offline import cli_actor
from tests.support import PASSWORD, client, platform, run

ROLE = {
    "words": {"th": "หัวหน้ากะ", "en": "Shift lead"},
    "permissions": ["incident.read", "alert.close"],
    "sees": ["security"],
}


@asynccontextmanager
async def signed_in(app: App, name: str, role: str) -> AsyncIterator[httpx.AsyncClient]:
    """A person of this name, with a session."""
    await app.identity.ensure_user(name, PASSWORD, [role], cli_actor(), name=name.title())
    transport = httpx.ASGITransport(app=app.asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://andaman") as http:
        answer = await http.post("/auth/login", json={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        http.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield http


async def draft(http: httpx.AsyncClient, path: str, document: Any, status: int = 201) -> dict[str, Any]:
    kind, _, key = path.partition("/")
    listed = (await http.get(f"/api/definitions/{kind}")).json()["definitions"]
    base = next((one["digest"] for one in listed if one["key"] == key), "")
    answer = await http.post(
        f"/api/definitions/{path}/versions", json={"document": document, "reason": "why", "base": base}
    )
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def step(
    http: httpx.AsyncClient, path: str, number: int, what: str, status: int = 200
) -> dict[str, Any]:
    answer = await http.post(f"/api/definitions/{path}/versions/{number}/{what}")
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_role_needs_two_people_and_takes_effect_at_once(tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            signed_in(app, "anan", "administrator") as anan,
            signed_in(app, "busaba", "administrator") as busaba,
            signed_in(app, "chai", "operator") as chai,
        ):
            one = await draft(anan, "roles/shiftLead", ROLE)
            assert (await step(anan, "roles/shiftLead", 1, "enforce", 409))["code"] == "review-needed"
            proposal = await step(anan, "roles/shiftLead", 1, "propose")
            url = f"/api/approvals/{proposal['proposal']}"
            right = {"digest": proposal["digest"]}

            assert (await anan.post(f"{url}/approve", json=right)).json()["code"] == "second-person-needed"
            assert (await chai.post(f"{url}/approve", json=right)).status_code in (403, 404)
            assert (await busaba.post(f"{url}/approve", json={"digest": "0"})).json()[
                "code"
            ] == "proposal-changed"
            shown = (await busaba.get(url)).json()
            assert shown["mayApprove"]
            assert shown["content"]["document"] == one["document"]
            assert (await busaba.post(f"{url}/approve", json=right)).json()["state"] == "done"
            assert (await busaba.post(f"{url}/approve", json=right)).json()["code"] == "proposal-decided"

            done = await step(anan, "roles/shiftLead", 1, "enforce")
            assert (done["state"], done["author"]["id"], done["reviewer"]["id"]) == (
                "inForce",
                "user:anan",
                "user:busaba",
            )
            await app.identity.update_user("chai", cli_actor(), roles=["shiftLead"])
            async with signed_in(app, "chai", "shiftLead") as again:
                assert (await again.get("/auth/me")).json()["principal"]["permissions"] == [
                    "alert.close",
                    "incident.read",
                ]
                # other permissions for the role reach whoever has it, without a new sign-in
                await draft(anan, "roles/shiftLead", {**ROLE, "permissions": ["rule.read"]})
                two = await step(anan, "roles/shiftLead", 2, "propose")
                approved = await busaba.post(
                    f"/api/approvals/{two['proposal']}/approve", json={"digest": two["digest"]}
                )
                assert approved.json()["state"] == "done"
                assert (await again.get("/api/command/rules")).status_code == 403
                await step(busaba, "roles/shiftLead", 2, "enforce")
                assert (await again.get("/api/command/rules")).status_code == 200
            refused = await draft(anan, "roles/shiftLead", None, 409)
            assert refused["code"] == "definition-in-use"
            assert [one["en"] for one in refused["params"]["users"]] == ["the account Chai"]
        async with platform(tmp_path) as app, client(app, "administrator") as http:
            listed = (await http.get("/api/definitions/roles/shiftLead/versions")).json()
            assert [(one["number"], one["state"], one["replaces"]) for one in listed] == [
                (2, "inForce", 1), (1, "replaced", 0),
            ]  # fmt: skip
            assert [one["enforcedBy"]["id"] for one in listed] == ["user:busaba", "user:anan"]
            assert "shiftLead" in app.identity.roles.names

    run(work)


def test_a_right_that_ended_stops_what_was_approved(tmp_path: Path) -> None:
    """Author or reviewer lose their role between the approval and the day on which it comes into force."""

    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            signed_in(app, "anan", "administrator") as anan,
            signed_in(app, "busaba", "administrator") as busaba,
            client(app, "administrator") as http,
        ):
            await draft(anan, "roles/shiftLead", ROLE)
            proposal = await step(anan, "roles/shiftLead", 1, "propose")
            answer = await busaba.post(
                f"/api/approvals/{proposal['proposal']}/approve", json={"digest": proposal["digest"]}
            )
            assert answer.json()["state"] == "done"
            await app.identity.update_user("busaba", cli_actor(), roles=["operator"])
            assert (await step(http, "roles/shiftLead", 1, "enforce", 403))["code"] == "rights-ended"
            assert "shiftLead" not in app.identity.roles.names

            await draft(anan, "roles/other", ROLE)
            proposal = await step(anan, "roles/other", 1, "propose")
            await app.identity.update_user("anan", cli_actor(), disabled=True)
            answer = await http.post(
                f"/api/approvals/{proposal['proposal']}/approve", json={"digest": proposal["digest"]}
            )
            assert answer.json()["code"] == "rights-ended"

    run(work)


def test_a_draft_that_is_withdrawn_waits_for_nobody(tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            signed_in(app, "anan", "administrator") as anan,
            signed_in(app, "busaba", "administrator") as busaba,
        ):
            await draft(anan, "roles/shiftLead", ROLE)
            proposal = await step(anan, "roles/shiftLead", 1, "propose")
            assert (await step(busaba, "roles/shiftLead", 1, "withdraw", 400))["field"] == "reason"
            url = "/api/definitions/roles/shiftLead/versions/1/withdraw"
            done = (await busaba.post(url, json={"reason": "not needed"})).json()
            assert (done["withdrawnBy"]["id"], done["withdrawalReason"]) == ("user:busaba", "not needed")
            assert (await anan.get("/api/approvals?state=open")).json() == []
            body = {"digest": proposal["digest"]}
            answer = await busaba.post(f"/api/approvals/{proposal['proposal']}/approve", json=body)
            assert answer.json()["code"] == "proposal-decided"

    run(work)


def test_proposing_and_approving_at_once_never_wait_for_each_other(tmp_path: Path) -> None:
    """Each of the two has a lock of its own, and one of them calls the other."""

    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            signed_in(app, "anan", "administrator") as anan,
            signed_in(app, "busaba", "administrator") as busaba,
        ):
            keys = [f"roles/role{n}" for n in range(6)]
            waiting = []
            for key in keys:
                await draft(anan, key, ROLE)
                waiting.append(await step(anan, key, 1, "propose"))

            async def approve(one: dict[str, Any]) -> str:
                url = f"/api/approvals/{one['proposal']}/approve"
                answer = await busaba.post(url, json={"digest": one["digest"]})
                return str(answer.json()["state"])

            async def another(key: str) -> None:
                await draft(anan, key, {**ROLE, "purpose": "operations"})
                await step(anan, key, 2, "propose")

            both = asyncio.gather(*map(approve, waiting), *map(another, keys))
            done = await asyncio.wait_for(both, 30)
            assert done[:6] == ["done"] * 6

    run(work)


def test_a_token_is_not_a_second_person(tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            signed_in(app, "anan", "administrator") as anan,
            signed_in(app, "busaba", "administrator") as busaba,
        ):
            made = await anan.post("/api/identity/tokens", json={"name": "robot", "roles": ["administrator"]})
            assert made.status_code == 201, made.text
            transport = httpx.ASGITransport(app=app.asgi)
            headers = {"Authorization": f"Bearer {made.json()['secret']}"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://andaman", headers=headers
            ) as robot:
                await draft(robot, "roles/shiftLead", ROLE)
                mine = await step(robot, "roles/shiftLead", 1, "propose")
                body = {"digest": mine["digest"]}
                answer = await anan.post(f"/api/approvals/{mine['proposal']}/approve", json=body)
                assert answer.json()["code"] == "second-person-needed"  # the token stands on Anan
                await draft(busaba, "roles/other", ROLE)
                hers = await step(busaba, "roles/other", 1, "propose")
                body = {"digest": hers["digest"]}
                answer = await robot.post(f"/api/approvals/{hers['proposal']}/approve", json=body)
                assert answer.json()["code"] == "second-person-needed"
                answer = await anan.post(f"/api/approvals/{hers['proposal']}/approve", json=body)
                assert answer.json()["state"] == "done"

    run(work)


def test_what_others_refer_to_stays(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app, "administrator") as http:
            answer = await http.delete("/api/registers/unit-types/fireEngine?reason=old")
            assert answer.status_code == 409
            assert answer.json()["code"] == "definition-in-use"
            users = {one["en"] for one in answer.json()["params"]["users"]}
            assert "Fire (Kinds of incident and checklists)" in users
            assert len(users) > 1

    run(work)


def test_registers_and_rules_have_versions_with_their_authors(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, signed_in(app, "anan", "administrator") as anan:
            row = (await anan.get("/api/registers/incident-types/fire")).json()["row"]
            mine = {**row, "name": {"th": "ไฟไหม้", "en": "Our fire"}}
            url = "/api/registers/incident-types/fire"
            assert (await anan.put(url, json=mine)).json()["field"] == "reason"
            assert (await anan.put(f"{url}?reason=our+name", json=mine)).status_code == 200
            listed = (await anan.get("/api/definitions/incident-types/fire/versions")).json()
            assert [(one["state"], (one["author"] or {}).get("id")) for one in listed] == [
                ("inForce", "user:anan"), ("replaced", None),
            ]  # fmt: skip
            await draft(anan, "incident-types/fire", listed[1]["document"])
            await step(anan, "incident-types/fire", 3, "enforce")
            assert (await anan.get("/api/registers/incident-types/fire")).json()["row"] == row

            rule = {
                "name": {"en": "Hot"},
                "definition": {
                    "select": {"type": "WeatherObserved"},
                    "when": {"attr": "temperature", "op": ">", "value": 40},
                    "severity": "Minor",
                    "headline": {"en": "Hot"},
                },
            }
            url = "/api/command/rules/urn:ngsi-ld:AlertRule:hot"
            answer = await anan.put(f"{url}?reason=heat", json=rule)
            assert answer.status_code == 200, answer.text
            found = (await anan.get("/api/definitions/alert-rules")).json()
            assert {one["key"] for one in found["definitions"]} >= {"hot"}
            wrong = {
                **rule,
                "definition": {**rule["definition"], "when": {"attr": "t", "op": "~", "value": 1}},
            }
            refused = await anan.post(
                "/api/definitions/alert-rules/hot/versions",
                json={"document": wrong, "reason": "x", "base": ""},
            )
            assert refused.status_code == 400
            assert (await anan.delete(f"{url}?reason=over")).status_code == 204
            states = [
                one["state"] for one in (await anan.get("/api/definitions/alert-rules/hot/versions")).json()
            ]
            assert states == ["inForce", "replaced"]

    run(work)


def test_each_kind_says_its_form_and_its_schema(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app, "administrator") as http:
            kinds = (await http.get("/api/definitions")).json()
            assert {one["name"] for one in kinds} >= {"roles", "alert-rules", "incident-types", "unit-types"}
            for kind in kinds:
                found = (await http.get(f"/api/definitions/{kind['name']}")).json()
                assert found["fields"]
                assert "$defs" in found["schema"] or "properties" in found["schema"]
        async with platform(tmp_path) as app, client(app, "operator") as http:
            names = {one["name"] for one in (await http.get("/api/definitions")).json()}
            assert "incident-types" in names
            assert "roles" not in names
            assert (await http.get("/api/definitions/roles")).status_code == 403
            refused = await http.post("/api/definitions/unit-types/x/versions", json={"document": {}})
            assert refused.status_code == 403

    run(work)
