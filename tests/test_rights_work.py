"""A right never outlives its basis: what goes on in somebody's name, through the platform's own doors and command line."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from andaman.app import App
from andaman.broker.snapshots.service import Snapshots
from andaman.broker.subscriptions.service import Subscriptions
from andaman.doors.live.hub import Hub
from andaman.identity.model import Classification, Role
from andaman.identity.policy import DatasetRule, Policy
from andaman.identity.records import TokenKind
from andaman.offline import cli_actor
from tests.broker.subscriptions.world import Receiver

from .support import PASSWORD, client, platform, run

B = "/ngsi-ld/v1"
CAR = "https://uri.etsi.org/ngsi-ld/default-context/Car"
SETTINGS: dict[str, Any] = {"broker_only": True, "context_allow_loopback": True}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def boss(app: App, name: str = "boss", roles: tuple[Role, ...] = (Role.ADMINISTRATOR,)) -> None:
    await app.identity.add_user(name, PASSWORD, roles, cli_actor())


async def signed_in(http: httpx.AsyncClient, name: str, password: str = PASSWORD) -> dict[str, str]:
    """Headers of a session: cookie and CSRF."""
    answer = await http.post("/auth/login", json={"username": name, "password": password})
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"].partition(";")[0]
    http.cookies.clear()
    return {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf"]}


def subscription(uri: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": uri}},
        **members,
    }


def car(speed: int) -> dict[str, Any]:
    return {"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": speed}


async def drive(app: App, http: httpx.AsyncClient, root: dict[str, str], speed: int) -> None:
    answer = await http.post(f"{B}/entityOperations/upsert", json=[car(speed)], headers=root)
    assert answer.status_code < 300, answer.text


def test_the_review_s_attack_an_administrator_who_was_dismissed_lets_himself_back_in(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app, Role.ADMINISTRATOR) as root, client(app) as http:
            await boss(app, "boss3")
            mine = await signed_in(http, "boss3")
            body = {"kind": "api", "name": "mine", "roles": ["administrator"]}
            made = await http.post("/api/identity/tokens", json=body, headers=mine)
            secret, token = made.json()["secret"], made.json()["token"]
            assert token["owner"] == "user:boss3"
            days = (_time(token["expiresAt"]) - _time(token["createdAt"])) / 86_400
            assert round(days) == 90
            forever = await http.post(
                "/api/identity/tokens", json={**body, "lifetimeDays": None}, headers=mine
            )
            assert forever.json()["token"]["expiresAt"] is None
            for days in (0, 3651, -1, "x", True):
                refused = await http.post(
                    "/api/identity/tokens", json={**body, "lifetimeDays": days}, headers=mine
                )
                assert refused.status_code == 400
            listed = (await root.get("/api/identity/users/boss3")).json()["tokens"]
            assert {one["id"] for one in listed} == {token["id"], forever.json()["token"]["id"]}
            change = {"roles": ["operator"], "disabled": True}
            answer = (await root.patch("/api/identity/users/boss3", json=change)).json()
            assert {one["id"] for one in answer["endedTokens"]} == {one["id"] for one in listed}
            for _ in range(2):
                assert (await http.get("/api/identity/users", headers=bearer(secret))).status_code == 401
            back = {"disabled": False, "roles": ["administrator"]}
            again = await http.patch("/api/identity/users/boss3", json=back, headers=bearer(secret))
            assert again.status_code == 401
            states = {one["id"]: one for one in (await root.get("/api/identity/tokens")).json()}
            assert states[token["id"]]["inForce"] is False
            assert "disabled" in states[token["id"]]["why"]
            taken = await root.post(f"/api/identity/tokens/{token['id']}/own")
            assert taken.json()["owner"] == "user:test-administrator"
            assert (await http.get("/api/identity/users", headers=bearer(secret))).status_code == 200
            rotated = await root.post(f"/api/identity/tokens/{token['id']}/rotate", json={"graceSeconds": 60})
            new = rotated.json()["secret"]
            for one in (secret, new):
                assert (await http.get("/api/identity/users", headers=bearer(one))).status_code == 200
            metrics = (await root.get("/metrics")).text
            assert 'andaman_tokens_expiring{within="7d"} 0.0' in metrics
            assert "andaman_tokens_fallen 1.0" in metrics

    run(work)


def _time(text: str) -> float:
    from andaman.kernel.time import parse_time

    return parse_time(text) / 1_000_000


def test_subscriptions_fall_silent_and_come_back_when_their_owner_says_so(tmp_path: Path) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.open()
        async with platform(tmp_path, **SETTINGS) as app, client(app) as http:
            _, secret = await app.identity.add_token(
                TokenKind.API, "root", cli_actor(), roles=[Role.ADMINISTRATOR]
            )
            root = bearer(secret)
            await boss(app, "other")
            await boss(app)
            mine = await signed_in(http, "boss")
            made = await http.post(f"{B}/subscriptions", json=subscription(receiver.uri), headers=mine)
            place = made.headers["location"]
            await drive(app, http, root, 1)
            await receiver.count(1)
            await app.identity.update_user("boss", cli_actor(), password=PASSWORD + "!")
            await drive(app, http, root, 2)
            shown = (await http.get(place, headers=root)).json()
            assert shown["status"] == "paused"
            assert "user:boss" in shown["pausedBecause"]
            mine = await signed_in(http, "boss", PASSWORD + "!")
            assert (await http.get(place, headers=mine)).json()["status"] == "paused"
            changed = await http.patch(place, json={"description": "go on"}, headers=mine)
            assert changed.status_code == 204, changed.text
            shown = (await http.get(place, headers=mine)).json()
            assert shown["status"] == "active"
            assert "pausedBecause" not in shown
            await drive(app, http, root, 3)
            await receiver.count(2)
            await app.identity.update_user("boss", cli_actor(), disabled=True)
            await drive(app, http, root, 4)
            await app.identity.update_user("boss", cli_actor(), disabled=False)
            await drive(app, http, root, 5)
            await receiver.count(3)
            assert [one["data"][0]["speed"]["value"] for one in receiver.got] == [1, 3, 5]
        async with platform(tmp_path, **SETTINGS) as app, client(app) as http:  # and over a restart
            await drive(app, http, root, 6)
            await receiver.count(4)
        await receiver.close()

    run(work)


def test_an_attempt_under_way_is_broken_off(tmp_path: Path) -> None:
    """A receiver that does not answer holds a notification for ten seconds; the next attempt would be with rights of then."""

    async def work() -> None:
        receiver = Receiver()
        await receiver.open()
        receiver.status = 0
        async with platform(tmp_path, **SETTINGS) as app, client(app) as http:
            token, secret = await app.identity.add_token(
                TokenKind.API, "root", cli_actor(), roles=[Role.ADMINISTRATOR]
            )
            await http.post(f"{B}/subscriptions", json=subscription(receiver.uri), headers=bearer(secret))
            await drive(app, http, bearer(secret), 1)
            await receiver.until(lambda: receiver.attempts == 1)
            assert app.get(Subscriptions).engine.waiting() == 1
            await app.identity.revoke_token(token.id, cli_actor())
            assert app.get(Subscriptions).engine.waiting() == 0
            receiver.status = 200
            await asyncio.sleep(0.3)
            assert receiver.got == []
        await receiver.close()

    run(work)


def test_a_registration_is_asked_as_long_as_whoever_made_it_may_register(tmp_path: Path) -> None:
    async def work() -> None:
        source = Receiver()
        await source.open()
        async with platform(tmp_path, **SETTINGS) as app, client(app) as http:
            await boss(app, "other")
            await boss(app)
            mine, others = await signed_in(http, "boss"), await signed_in(http, "other")
            body = {
                "type": "ContextSourceRegistration",
                "information": [{"entities": [{"type": "Car"}]}],
                "endpoint": f"http://127.0.0.1:{source.port}",
            }
            made = await http.post(f"{B}/csourceRegistrations", json=body, headers=mine)
            assert made.status_code == 201, made.text
            place = made.headers["location"]

            async def asked() -> bool:
                before = source.attempts
                await http.get(f"{B}/entities?type=Car", headers=others)
                return source.attempts > before

            assert await asked()
            assert "_owner" not in (await http.get(place, headers=others)).text
            await app.identity.update_user("boss", cli_actor(), roles=["operator"])
            assert not await asked()
            shown = (await http.get(place, headers=others)).json()
            assert "user:boss" in shown["pausedBecause"]
            listed = await http.get(f"{B}/csourceRegistrations?type=Car", headers=others)
            assert [one["id"] for one in listed.json()] == [shown["id"]]
            changed = await http.patch(place, json={"description": "mine now"}, headers=others)
            assert changed.status_code == 204
            assert await asked()
            await app.identity.update_user("other", cli_actor(), password=PASSWORD + "!")
            others = await signed_in(http, "other", PASSWORD + "!")
            assert not await asked()
        async with platform(tmp_path, **SETTINGS) as app, client(app) as http:
            others = await signed_in(http, "other", PASSWORD + "!")
            before = source.attempts
            await http.get(f"{B}/entities?type=Car", headers=others)
            assert source.attempts == before
        await source.close()

    run(work)


def test_copies_of_a_subscription_elsewhere_come_and_go_with_the_rights_of_its_owner(tmp_path: Path) -> None:
    async def work() -> None:
        source = Receiver()
        await source.open()
        source.status = 201
        async with platform(tmp_path, **SETTINGS) as app, client(app) as http:
            await boss(app, "other")
            await boss(app)
            mine, others = await signed_in(http, "boss"), await signed_in(http, "other")
            body = {
                "type": "ContextSourceRegistration",
                "information": [{"entities": [{"type": "Car"}]}],
                "operations": ["createSubscription", "updateSubscription", "deleteSubscription"],
                "endpoint": f"http://127.0.0.1:{source.port}",
            }
            made = await http.post(f"{B}/csourceRegistrations", json=body, headers=others)
            assert made.status_code == 201, made.text
            made = await http.post(
                f"{B}/subscriptions", json=subscription("http://127.0.0.1:9/"), headers=mine
            )
            assert made.status_code == 201, made.text
            await source.until(lambda: [m for m, _, _ in source.requests] == ["POST"])
            await app.identity.update_user("boss", cli_actor(), disabled=True)
            await source.until(lambda: [m for m, _, _ in source.requests] == ["POST", "DELETE"])
            await app.identity.update_user("boss", cli_actor(), disabled=False)
            await source.until(lambda: [m for m, _, _ in source.requests] == ["POST", "DELETE", "POST"])
        await source.close()

    run(work)


def test_a_live_socket_is_told_nothing_more_once_its_rights_are_others(tmp_path: Path) -> None:
    from andaman.doors.live.connection import RIGHTS_CHANGED, Connection, Goodbye, Pace

    async def work() -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async with platform(tmp_path, broker_only=True) as app:
            actor = app.identity.public_actor()
            connection = Connection(app.get(Hub), actor, lambda: actor, None, send, Pace())
            await connection._put("before")
            connection.leave(Goodbye(RIGHTS_CHANGED, "x"))
            await connection._put("after")
            assert [one["text"] for one in sent] == ["before"]
            connection._leave.exception()

    run(work)


def test_subscriptions_on_registrations_end_with_the_role(tmp_path: Path) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.open()
        async with platform(tmp_path, **SETTINGS) as app, client(app) as http:
            _, secret = await app.identity.add_token(
                TokenKind.API, "root", cli_actor(), roles=[Role.ADMINISTRATOR]
            )
            root = bearer(secret)
            await boss(app, "staff", ("operator",))
            mine = await signed_in(http, "staff")
            made = await http.post(f"{B}/csourceSubscriptions", json=subscription(receiver.uri), headers=mine)
            assert made.status_code == 201, made.text
            registration = {
                "type": "ContextSourceRegistration",
                "information": [{"entities": [{"type": "Car"}]}],
                "endpoint": "http://127.0.0.1:9",
            }
            await http.post(f"{B}/csourceRegistrations", json=registration, headers=root)
            await receiver.count(1)
            await app.identity.update_user("staff", cli_actor(), disabled=True)
            await http.post(f"{B}/csourceRegistrations", json=registration, headers=root)
            shown = (await http.get(made.headers["location"], headers=root)).json()
            assert shown["status"] == "paused"
            await asyncio.sleep(0.2)
            assert len(receiver.got) == 1
        await receiver.close()

    run(work)


def test_what_waits_of_registrations_is_told_by_the_rights_of_then(tmp_path: Path) -> None:
    """Who may see fewer kinds now, and still some registrations, hears nothing of those kinds: not what waits, not that they
    are gone. What may be seen again is told again."""

    async def work() -> None:
        receiver = Receiver()
        await receiver.open()
        receiver.status = 503
        cars = DatasetRule("cars", frozenset({CAR}), classification=Classification.OFFICIAL_SECRET)
        async with platform(tmp_path, **SETTINGS) as app, client(app, Role.ADMINISTRATOR) as root:
            await boss(app)
            async with client(app) as http:
                mine = await signed_in(http, "boss")
                made = await http.post(
                    f"{B}/csourceSubscriptions", json=subscription(receiver.uri), headers=mine
                )
                assert made.status_code == 201, made.text
            app.get(Policy).replace([*app.get(Policy).table.datasets, cars])
            registration = {
                "type": "ContextSourceRegistration",
                "information": [{"entities": [{"type": "Car"}]}],
                "endpoint": "http://127.0.0.1:9",
            }
            await root.post(f"{B}/csourceRegistrations", json=registration)
            await receiver.until(lambda: receiver.attempts > 0)
            await app.identity.update_user("boss", cli_actor(), roles=["operator"])
            receiver.status = 200
            await asyncio.sleep(0.8)
            assert receiver.got == []
            everything = app.get(Policy).table.datasets
            app.get(Policy).replace([one for one in everything if one is not cars])
            told = await receiver.count(1)
            assert told[0]["triggerReason"] == "newlyMatching"
            app.get(Policy).replace(everything)
            await asyncio.sleep(0.3)
            assert len(receiver.got) == 1
        await receiver.close()

    run(work)


def test_who_fails_to_hear_of_other_rights_keeps_nobody_else_from_it(tmp_path: Path) -> None:
    """And it hears of them again with the next look."""

    async def work() -> None:
        async with platform(tmp_path, **SETTINGS) as app:
            await boss(app, "staff", ("operator",))
            heard: list[str] = []

            def fails() -> None:
                heard.append("fails")
                if heard.count("fails") == 1:
                    raise OSError("no room")

            app.identity.on_change(fails)
            app.identity.on_change(lambda: heard.append("another"))
            with pytest.raises(OSError, match="no room"):
                await app.identity.update_user("staff", cli_actor(), disabled=True)
            assert heard == ["fails", "another"]
            await asyncio.sleep(0.6)
            assert heard == ["fails", "another"] * 2
            heard.clear()
            with pytest.raises(OSError, match="no room"):
                app.get(Policy).replace([])
            assert heard == ["fails", "another"]

    run(work)


def test_an_entity_map_is_there_for_the_rights_it_was_made_with(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path, **SETTINGS) as app, client(app) as http:
            _, secret = await app.identity.add_token(
                TokenKind.API, "root", cli_actor(), roles=[Role.ADMINISTRATOR]
            )
            await boss(app, "staff", ("analyst",))
            mine = await signed_in(http, "staff")
            await drive(app, http, bearer(secret), 1)
            made = await http.get(f"{B}/entities?type=Car&entityMap=true", headers=mine)
            place = made.headers["NGSILD-EntityMap"]
            assert (await http.get(place, headers=mine)).status_code == 200
            await app.identity.update_user("staff", cli_actor(), roles=["operator"])
            mine = await signed_in(http, "staff")
            assert (await http.get(place, headers=mine)).status_code == 404
            assert (await http.get(place, headers=bearer(secret))).status_code == 200  # an administrator

    run(work)


def test_a_snapshot_in_the_making_fails_when_its_maker_s_rights_change(tmp_path: Path) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.open()
        async with platform(tmp_path, **SETTINGS) as app, client(app) as http:
            _, secret = await app.identity.add_token(
                TokenKind.API, "root", cli_actor(), roles=[Role.ADMINISTRATOR]
            )
            root = bearer(secret)
            await boss(app, "other")
            await boss(app)
            mine = await signed_in(http, "boss")
            slots = app.get(Snapshots)._slots
            for _ in range(app.get(Snapshots).limits.at_once):
                await slots.acquire()
            body = {
                "type": "Snapshot",
                "snapshotQueries": [{"type": "Query", "entities": [{"type": "Car"}]}],
                "endpoint": receiver.uri,
            }
            made = await http.post(f"{B}/snapshots", json=body, headers=mine)
            assert made.status_code == 201, made.text
            await app.identity.update_user("boss", cli_actor(), disabled=True)
            slots.release()
            for _ in range(100):
                shown = (await http.get(made.headers["location"], headers=root)).json()
                if shown["snapshotStatus"] != "preparing":
                    break
                await asyncio.sleep(0.02)
            assert shown["snapshotStatus"] == "failure"
            await asyncio.sleep(0.2)
            assert receiver.attempts == 0  # nor is its maker told
        await receiver.close()

    run(work)


def andaman(*words: str, data: Path, given: str = "") -> str:
    command = [sys.executable, "-c", "import sys; from andaman.cli import main; sys.exit(main())", *words]
    done = subprocess.run([*command, "--data", str(data)], input=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_line_beside_a_running_platform(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path, **SETTINGS) as app, client(app) as http:

            async def cli(*words: str, given: str = "") -> str:
                return await asyncio.to_thread(andaman, *words, data=tmp_path, given=given)

            async def status(secret: str) -> int:
                return (await http.get("/auth/sessions", headers=bearer(secret))).status_code

            async def until(secret: str, wanted: int) -> None:
                async with asyncio.timeout(5):
                    while await status(secret) != wanted:  # noqa: ASYNC110 - over HTTP there is nothing to wait for
                        await asyncio.sleep(0.05)

            secret = (await cli("token", "analyst", "--name", "report")).strip()
            assert await status(secret) == 200
            (line,) = (await cli("token", "list")).splitlines()[1:]
            cells = line.split("\t")
            assert cells[1:8] == ["api", "report", "in force", "analyst", "-", "the city", "system:cli"]
            new = (await cli("token", "rotate", cells[0])).strip()
            assert await status(new) == 200
            await until(secret, 401)
            await cli("token", "revoke", cells[0])
            await until(new, 401)
            assert len((await cli("token", "list")).splitlines()) == 1
            assert "it was revoked" in await cli("token", "list", "--all")

            await boss(app, "other")
            await boss(app)
            mine = await signed_in(http, "boss")
            made = await http.post(
                "/api/identity/tokens", json={"name": "x", "roles": ["analyst"]}, headers=mine
            )
            token, secret = made.json()["token"]["id"], made.json()["secret"]
            assert token in await cli("token", "list", "--owner", "boss")
            said = await cli("user", "disable", "boss")
            assert f"ended: api token {token} (x)" in said
            await until(secret, 401)
            assert "system:cli answers" in await cli("token", "own", token)
            await until(secret, 200)

    run(work)
