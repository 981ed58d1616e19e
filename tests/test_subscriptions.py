"""Subscriptions behind the platform's own gate: whose they are, and until when."""

from __future__ import annotations

from pathlib import Path

from andaman.identity.model import Role
from andaman.identity.records import TokenKind
from andaman.offline import cli_actor
from tests.broker.subscriptions.world import Receiver, speeds
from tests.support import client, platform, run


def test_a_token_that_is_revoked_hears_no_more(tmp_path: Path) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.open()
        settings = {"broker_only": True, "context_allow_loopback": True}
        async with platform(tmp_path, **settings) as app, client(app) as http:
            me = cli_actor()
            token, secret = await app.identity.add_token(TokenKind.API, "display", me, roles=["analyst"])
            _, root = await app.identity.add_token(TokenKind.API, "root", me, roles=[Role.ADMINISTRATOR])
            mine, roots = {"Authorization": f"Bearer {secret}"}, {"Authorization": f"Bearer {root}"}

            async def subscribe(number: int, headers: dict[str, str]) -> None:
                body = {
                    "id": f"urn:ngsi-ld:Subscription:{number}",
                    "type": "Subscription",
                    "entities": [{"type": "Car"}],
                    "notification": {"endpoint": {"uri": receiver.uri}},
                }
                answer = await http.post("/ngsi-ld/v1/subscriptions", json=body, headers=headers)
                assert answer.status_code == 201, answer.text

            async def drive(speed: int) -> None:
                body = [{"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": speed}]
                answer = await http.post("/ngsi-ld/v1/entityOperations/upsert", json=body, headers=roots)
                assert answer.status_code < 300, answer.text

            answer = await http.post("/ngsi-ld/v1/subscriptions", json={})
            assert answer.status_code == 401
            await subscribe(1, mine)
            await subscribe(2, roots)
            listed = (await http.get("/ngsi-ld/v1/subscriptions", headers=mine)).json()
            assert [one["id"][-1] for one in listed] == ["1"]
            assert len((await http.get("/ngsi-ld/v1/subscriptions", headers=roots)).json()) == 2
            await drive(1)
            await receiver.count(2)
            await app.identity.revoke_token(token.id, me)
            await drive(2)
            await receiver.until(lambda: len(receiver.got) >= 3)
            await drive(3)
            await receiver.until(lambda: len(receiver.got) >= 4)
            told = [(one["subscriptionId"][-1], *speeds([one])) for one in receiver.got]
            assert sorted(told[:2]) == [("1", 1), ("2", 1)]
            assert told[2:] == [("2", 2), ("2", 3)]
        await receiver.close()

    run(work)


def test_a_source_may_tell_from_a_tenant_of_its_own(tmp_path: Path) -> None:
    """CIM 009 §5.8.6, §6.3.14: its tenant's name opens nothing here, and does not keep out what it tells."""

    async def work() -> None:
        receiver, source = Receiver(), Receiver()
        await receiver.open()
        await source.open()
        source.status = 201
        settings = {"broker_only": True, "context_allow_loopback": True}
        async with platform(tmp_path, **settings) as app, client(app) as http:
            _, root = await app.identity.add_token(
                TokenKind.API, "root", cli_actor(), roles=[Role.ADMINISTRATOR]
            )
            roots = {"Authorization": f"Bearer {root}"}
            registration = {
                "type": "ContextSourceRegistration",
                "information": [{"entities": [{"type": "Car"}]}],
                "endpoint": f"http://127.0.0.1:{source.port}",
                "tenant": "harbour",
            }
            answer = await http.post("/ngsi-ld/v1/csourceRegistrations", json=registration, headers=roots)
            assert answer.status_code == 201, answer.text
            body = {
                "type": "Subscription",
                "entities": [{"type": "Car"}],
                "notification": {"endpoint": {"uri": receiver.uri}},
            }
            answer = await http.post("/ngsi-ld/v1/subscriptions", json=body, headers=roots)
            assert answer.status_code == 201, answer.text
            await source.until(lambda: bool(source.requests))
            copy = source.requests[0][2]["id"]
            car = {"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": {"type": "Property", "value": 7}}
            theirs = {"NGSILD-Tenant": "harbour"}
            told = {"type": "Notification", "subscriptionId": copy, "data": [car]}
            answer = await http.post("/ngsi-ld/ex/remote-notify", json=told, headers=theirs)
            assert answer.status_code == 200, answer.text
            assert "NGSILD-Tenant" not in answer.headers
            assert speeds(await receiver.count(1)) == [7]
            assert "ngsild-tenant" not in receiver.headers[0]
            unknown = {**told, "subscriptionId": copy[:-1] + ("0" if copy[-1] != "0" else "1")}
            answer = await http.post("/ngsi-ld/ex/remote-notify", json=unknown, headers=theirs)
            assert answer.status_code == 404
            for path in ("/ngsi-ld/v1/entities?type=Car", "/ngsi-ld/v1/x/ngsi-ld/ex/remote-notify"):
                assert (await http.get(path, headers=theirs)).status_code == 401
        await receiver.close()
        await source.close()

    run(work)
