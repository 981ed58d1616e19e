"""Tokens that are bound do what they are bound to and nothing beside it: narrowed ones, devices'; and hosted contexts belong to
their creators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from andaman.app import App
from andaman.broker.contexts import ContextStore
from andaman.broker.entity.build import iri
from andaman.broker.subscriptions.model import Owner
from andaman.identity.model import Role
from andaman.identity.owners import rights_now
from andaman.identity.records import TokenKind
from andaman.offline import cli_actor

from .support import client, platform, run

NG = "/ngsi-ld/v1"
VEHICLE, HOSPITAL = iri("Vehicle"), iri("Hospital")


@asynccontextmanager
async def bearer(
    app: App, kind: TokenKind = TokenKind.API, tenant: str = "", **rights: Any
) -> AsyncIterator[httpx.AsyncClient]:
    _, secret = await app.identity.add_token(kind, "test", cli_actor(), tenant=tenant, **rights)
    async with client(app) as http:
        http.headers["Authorization"] = f"Bearer {secret}"
        if tenant:
            http.headers["NGSILD-Tenant"] = tenant
        yield http


def subscription(kind: str = VEHICLE) -> dict[str, Any]:
    return {
        "type": "Subscription",
        "entities": [{"type": kind}],
        "notification": {
            "endpoint": {
                "uri": "http://127.0.0.1:9/told",
                "receiverInfo": [{"key": "Authorization", "value": "Bearer secret"}],
            }
        },
    }


def registration() -> dict[str, Any]:
    return {
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": HOSPITAL}]}],
        "endpoint": "http://127.0.0.1:9",
        "contextSourceInfo": [{"key": "Authorization", "value": "Bearer secret"}],
    }


def test_a_narrowed_token_has_nothing_of_what_belongs_to_others(tmp_path: Path) -> None:
    """security.md M3: sources, others' subscriptions, maps and snapshots, contexts, rooms."""

    async def work() -> None:
        async with (
            platform(tmp_path, context_allow_loopback=True) as app,
            bearer(app, roles=[Role.ADMINISTRATOR]) as root,
            bearer(app, roles=[Role.ADMINISTRATOR], types=[VEHICLE]) as narrow,
        ):
            await root.post(f"{NG}/entities", json={"id": "urn:x:1", "type": VEHICLE})
            made = {
                "subscriptions": subscription(HOSPITAL),
                "csourceRegistrations": registration(),
                "csourceSubscriptions": subscription(HOSPITAL),
                "snapshots": {"type": "Snapshot", "snapshotQueries": [{"type": "Query", "entities": [{"type": VEHICLE}]}]},
                "jsonldContexts": {"@context": {"a": "http://x.org/a"}},
            }  # fmt: skip
            changed = {
                "snapshots": {"snapshotPriority": 9},
                "entityMaps": {},
                "csourceRegistrations": {"type": "ContextSourceRegistration"},
            }
            places = {}
            for name, body in made.items():
                answer = await root.post(f"{NG}/{name}", json=body)
                assert answer.status_code == 201, answer.text
                places[name] = answer.headers["location"]
            mapped = await root.get(f"{NG}/entityMaps?type={VEHICLE}")
            places["entityMaps"] = f"{NG}/entityMaps/{mapped.json()['id']}"
            for name, place in places.items():
                before = (await root.get(place)).json()
                for method, body in (
                    ("GET", None),
                    ("PATCH", changed.get(name, {"type": "Subscription"})),
                    ("DELETE", None),
                ):
                    if name == "jsonldContexts" and method != "DELETE":
                        continue
                    answer = await narrow.request(method, place, json=body)
                    assert answer.status_code in (403, 404), (name, method, answer.text)
                    assert "secret" not in answer.text
                kept = (await root.get(place)).json()
                kept.pop("lastAccess", None), before.pop("lastAccess", None)
                assert kept.keys() == before.keys(), name
            for name in ("subscriptions", "snapshots"):
                assert (await narrow.get(f"{NG}/{name}?count=true")).json() == []
            assert (await narrow.delete(f"{NG}/snapshots?q=snapshotPriority>=0")).status_code == 204
            assert (await root.get(places["snapshots"])).status_code == 200
            for name in ("csourceRegistrations", "csourceSubscriptions", "jsonldContexts"):
                assert (await narrow.post(f"{NG}/{name}", json=made[name])).status_code == 403
            for path, body in (
                ("/api/training/roles", {"person": "user:x", "role": "y"}),
                ("/api/assessment/refresh", {}),
                ("/api/identity/users", {"username": "x"}),
                ("/api/identity/tokens", {"name": "x", "roles": ["administrator"]}),
            ):
                assert (await narrow.post(path, json=body)).status_code == 403, path
            for path in ("/api/identity/users", "/api/identity/tokens", "/api/identity/audit"):
                assert (await narrow.get(path)).status_code == 403, path
            # What it is for, it does; and its own it keeps.
            entity = {"id": "urn:x:2", "type": VEHICLE}
            assert (await narrow.post(f"{NG}/entities", json=entity)).status_code == 201
            other = await narrow.post(f"{NG}/entities", json={**entity, "id": "urn:x:3", "type": HOSPITAL})
            assert other.status_code == 403
            own = await narrow.post(f"{NG}/subscriptions", json=subscription())
            assert own.status_code == 201
            assert len((await narrow.get(f"{NG}/subscriptions")).json()) == 1
            assert (await narrow.delete(own.headers["location"])).status_code == 204
            assert (await narrow.get("/metrics")).status_code == 200

    run(work)


def test_a_device_writes_its_data_and_reads_and_deletes_nothing(tmp_path: Path) -> None:
    """security.md M6."""

    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            client(app, Role.ADMINISTRATOR) as root,
            bearer(app, TokenKind.DEVICE, types=[VEHICLE]) as device,
        ):
            secret = {"type": "Property", "value": "what nobody is told"}
            there = {
                "id": "urn:x:1",
                "type": VEHICLE,
                "note": secret,
                "speed": {"type": "Property", "value": 1},
            }
            assert (await root.post(f"{NG}/entities", json=there)).status_code == 201
            await root.post(
                f"{NG}/entities", json={"id": "urn:x:h", "type": "urn:x:Unclassified", "note": secret}
            )
            speed = {"type": "Property", "value": 2}
            mine = {"id": "urn:x:2", "type": VEHICLE, "speed": speed}
            temporal = {**mine, "speed": [{**speed, "observedAt": "2026-01-01T00:00:00Z"}]}
            writes = [
                ("POST", "entities", mine, 201),
                ("POST", "entities", there, 409),
                ("PUT", "entities/urn:x:2", mine, 204),
                ("PATCH", "entities/urn:x:1", {"speed": speed}, 204),
                ("POST", "entities/urn:x:1/attrs", {"height": speed}, 204),
                ("POST", "entities/urn:x:1/attrs?options=noOverwrite", {"note": speed}, 207),
                ("PATCH", "entities/urn:x:1/attrs", {"speed": speed}, 204),
                ("PATCH", "entities/urn:x:1/attrs/speed", {"value": 3}, 204),
                ("PUT", "entities/urn:x:1/attrs/speed", speed, 204),
                ("POST", "entityOperations/create", [{**mine, "id": "urn:x:3"}], 201),
                ("POST", "entityOperations/upsert?options=update", [{"id": "urn:x:1", "type": VEHICLE, "speed": speed}], 204),
                ("POST", "entityOperations/update", [{"id": "urn:x:1", "speed": speed}], 204),
                ("POST", "entityOperations/merge", [{"id": "urn:x:1", "speed": speed}], 204),
                ("POST", "temporal/entities", temporal, 204),
                ("POST", "temporal/entities/urn:x:2/attrs", {"speed": temporal["speed"]}, 204),
            ]  # fmt: skip
            for method, path, body, status in writes:
                answer = await device.request(method, f"{NG}/{path}", json=body)
                assert answer.status_code in (status, 204), (method, path, answer.text)
                assert "what nobody" not in answer.text
            for method, path, body in (
                ("PATCH", "entities/urn:x:h", {"speed": speed}),
                ("PATCH", "entities/urn:x:gone", {"speed": speed}),
            ):
                hidden = await device.request(method, f"{NG}/{path}", json=body)
                assert hidden.status_code == 404, hidden.text
            position = app.broker.seq
            query = {"type": "Query", "entities": [{"type": VEHICLE}]}
            for method, path, body in [
                ("GET", f"entities?type={VEHICLE}&count=true", None),
                ("GET", "entities/urn:x:2", None),
                ("GET", f"entities?type={VEHICLE}&limit=0&count=true", None),
                ("GET", f"entityMaps?type={VEHICLE}", None),
                ("POST", "entityOperations/query", query),
                ("GET", f"temporal/entities?type={VEHICLE}&timerel=after&timeAt=2020-01-01T00:00:00Z", None),
                ("GET", "temporal/entities/urn:x:2", None),
                ("POST", "temporal/entityOperations/query", query),
                ("GET", "types", None),
                ("GET", "attributes", None),
                ("POST", "subscriptions", subscription()),
                ("POST", "snapshots", {"type": "Snapshot", "snapshotQueries": [query]}),
                ("POST", "jsonldContexts", {"@context": {}}),
                ("DELETE", "entities/urn:x:2", None),
                ("DELETE", f"entities?type={VEHICLE}", None),
                ("DELETE", "entities/urn:x:2/attrs/speed", None),
                ("POST", "entityOperations/delete", ["urn:x:2"]),
                ("DELETE", "temporal/entities/urn:x:2", None),
                ("DELETE", "temporal/entities/urn:x:2/attrs/speed", None),
            ]:
                answer = await device.request(method, f"{NG}/{path}", json=body)
                assert answer.status_code == 403, (method, path, answer.text)
                assert answer.json()["detail"].startswith("A device token writes"), answer.text
                scoped = {"NGSILD-Snapshot": "urn:x:s", "NGSILD-EntityMap": "urn:x:m"}
                assert (
                    await device.request(method, f"{NG}/{path}", json=body, headers=scoped)
                ).status_code == 403
            for path in (
                "/api/state", f"/api/history/latest?type={VEHICLE}&attr=speed", "/api/changes?id=urn:x:2", "/metrics",
                "/api/command/summary", "/api/catalogue/datasets", "/tiles/base/1/0/0.mvt", "/api/identity/tokens",
            ):  # fmt: skip
                assert (await device.get(path)).status_code == 403, path
            assert app.broker.seq == position
            assert (await root.get(f"{NG}/entities/urn:x:1")).json()["note"]["value"] == "what nobody is told"

    run(work)


def test_a_device_of_an_older_version_is_told_nothing_by_the_subscription_it_made(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app:
            token, _ = await app.identity.add_token(TokenKind.DEVICE, "old", cli_actor(), types=[VEHICLE])
            assert rights_now(app.identity, Owner(f"device:{token.id}", "", 0)) is None
            api, _ = await app.identity.add_token(TokenKind.API, "api", cli_actor(), roles=["operator"])
            assert rights_now(app.identity, Owner(f"token:{api.id}", "", 0)) is not None

    run(work)


# -- contexts ---------------------------------------------------------------------------------------------------------


def test_hosted_contexts_belong_to_their_creators(tmp_path: Path) -> None:
    """security.md M4."""

    async def work() -> None:
        async with platform(tmp_path) as app:
            operator, dispatcher = ["operator"], ["dispatcher"]
            admin = [Role.ADMINISTRATOR]
            async with (
                bearer(app, roles=operator) as maker,
                bearer(app, roles=operator) as other,
                bearer(app, roles=dispatcher, types=[VEHICLE]) as narrow,
                bearer(app, roles=admin, types=[VEHICLE]) as narrow_admin,
                bearer(app, roles=admin, tenant="t2") as elsewhere,
                bearer(app, TokenKind.DEVICE, types=[VEHICLE]) as device,
                bearer(app, roles=admin) as root,
            ):

                async def host() -> str:
                    made = await maker.post(
                        f"{NG}/jsonldContexts", json={"@context": {"a": "http://x.org/a"}}
                    )
                    assert made.status_code == 201, made.text
                    place: str = made.headers["location"]
                    return place

                place = await host()
                public = client(app)
                async with public as stranger:
                    assert (await stranger.delete(place)).status_code == 401
                for http in (other, narrow, narrow_admin, elsewhere, device):
                    assert (await http.delete(place)).status_code in (403, 404)
                    assert (await http.delete(f"{place}?reload=true")).status_code in (400, 403, 404)
                assert (await maker.get(place)).status_code == 200
                assert (await maker.delete(place)).status_code == 204
                place = await host()
                assert (await root.delete(place)).status_code == 204

    run(work)


def test_an_implicit_context_belongs_to_the_subscriber_alone(tmp_path: Path) -> None:
    """Two subscribers with the same @context have one each: who deletes theirs breaks no other's."""

    async def work() -> None:
        async with (
            platform(tmp_path, context_allow_loopback=True) as app,
            bearer(app, roles=["operator"]) as one,
            bearer(app, roles=["operator"]) as two,
        ):
            body = {**subscription(), "@context": [{"speed": "http://x.org/speed"}, {"b": "http://x.org/b"}]}
            for http in (one, one, two):
                answer = await http.post(
                    f"{NG}/subscriptions",
                    content=orjson.dumps(body),
                    headers={"Content-Type": "application/ld+json"},
                )
                assert answer.status_code == 201, answer.text
            kept = [
                entry for entry in app.get(ContextStore).list_entries() if entry.kind == "ImplicitlyCreated"
            ]
            assert len(kept) == len({entry.creator for entry in kept}) == 2
            for entry in kept:
                place = f"{NG}/jsonldContexts/{entry.id}"
                answers = {(await http.delete(place)).status_code for http in (one, two)}
                assert 204 in answers
                assert answers & {403, 404}

    run(work)


def test_the_creator_of_a_context_outlives_a_restart_and_older_ones_are_the_administrators(
    tmp_path: Path,
) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app, "operator") as http:
            place = (
                await http.post(f"{NG}/jsonldContexts", json={"@context": {"a": "http://x.org/a"}})
            ).headers["location"]
            older = (
                await http.post(f"{NG}/jsonldContexts", json={"@context": {"b": "http://x.org/b"}})
            ).headers["location"]
        name = older.rpartition("/")[2]
        file = tmp_path / "contexts" / f"{name}.json"
        content = orjson.loads(file.read_bytes())
        del content["creator"]  # as the version before wrote it
        file.write_bytes(orjson.dumps(content))
        for book in tmp_path.rglob("contexts.db*"):  # noqa: ASYNC240 - which that version did not have
            book.unlink()
        async with (
            platform(tmp_path) as app,
            client(app, "operator") as http,
            client(app, Role.ADMINISTRATOR) as root,
        ):
            assert (await http.delete(older)).status_code in (403, 404)
            assert (await http.delete(place)).status_code == 204
            assert (await root.delete(older)).status_code == 204

    run(work)


@pytest.mark.parametrize("role", ["operator", "dispatcher", "analyst"])
def test_what_was_fetched_is_the_citys(tmp_path: Path, role: str) -> None:
    async def work() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            body = b'{"@context":{"a":"http://x.org/a"}}'
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/ld+json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            writer.write(head % len(body) + body)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/c.jsonld"
        async with server, platform(tmp_path, context_allow_loopback=True) as app, client(app, role) as http:
            link = {"Link": f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"'}
            assert (await http.get(f"{NG}/types", headers=link)).status_code == 200
            (entry,) = [one for one in app.get(ContextStore).list_entries() if one.url == url]
            for query in ("", "?reload=true"):
                assert (await http.delete(f"{NG}/jsonldContexts/{entry.id}{query}")).status_code in (
                    400,
                    403,
                    404,
                )
            async with bearer(app, roles=[Role.ADMINISTRATOR], tenant="t2") as elsewhere:
                assert (await elsewhere.delete(f"{NG}/jsonldContexts/{entry.id}")).status_code in (403, 404)
            async with bearer(app, roles=[Role.ADMINISTRATOR]) as root:
                assert (await root.delete(f"{NG}/jsonldContexts/{entry.id}?reload=true")).status_code == 204
                assert (await root.delete(f"{NG}/jsonldContexts/{entry.id}")).status_code == 204

    run(work)
