"""Subscriptions behind the platform's own gate: whose they are, and until when."""

from __future__ import annotations

from pathlib import Path

from andaman.app import cli_actor
from andaman.identity.model import Role
from andaman.identity.records import TokenKind
from tests.broker.subscriptions.world import Receiver, speeds
from tests.support import client, platform, run


def test_a_token_that_is_revoked_hears_no_more(tmp_path: Path) -> None:
    async def work() -> None:
        receiver = Receiver()
        await receiver.open()
        settings = {"broker_only": True, "context_allow_loopback": True}
        async with platform(tmp_path, **settings) as app, client(app) as http:
            me = cli_actor()
            token, secret = await app.identity.add_token(TokenKind.API, "display", me, roles=[Role.ANALYST])
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
