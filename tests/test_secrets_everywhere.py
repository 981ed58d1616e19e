"""Law: no credential that anybody gave to the platform is in a file of it, a backup, an export, a log line or somebody else's
answer; and requests carry it where they should."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from andaman.app import App
from andaman.broker.credentials import REGISTRATION, refuse_references
from andaman.broker.subscriptions.model import Counters, Owner
from andaman.broker.subscriptions.store import KIND as SUBSCRIPTIONS
from andaman.broker.subscriptions.store import Record, SubscriptionStore
from andaman.cli import main
from andaman.identity.model import Actor, Role
from andaman.kernel.errors import BadRequestData, Forbidden
from andaman.kernel.logs import Structured
from andaman.kernel.secrets import Secrets
from andaman.maintenance import backup_all, backup_into, restore_from

from .broker.subscriptions.world import Receiver
from .support import client, platform, principal, run

B = "/ngsi-ld/v1"
MARK = "MARK-a41f77"
SOON = {"entities": [{"type": "Lamp"}], "type": "Subscription"}


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    await found.open()
    try:
        yield found
    finally:
        await found.close()


@asynccontextmanager
async def started(data: Path) -> AsyncIterator[tuple[App, httpx.AsyncClient]]:
    async with platform(data, context_allow_loopback=True) as app, client(app, Role.ADMINISTRATOR) as http:
        yield app, http


def subscription(uri: str, *pairs: tuple[str, str], **members: Any) -> dict[str, Any]:
    info = [{"key": key, "value": value} for key, value in pairs]
    return {**SOON, **members, "notification": {"endpoint": {"uri": uri, "receiverInfo": info}}}


async def made(http: httpx.AsyncClient, path: str, body: Any) -> str:
    answer = await http.post(f"{B}/{path}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


async def lamp(http: httpx.AsyncClient, power: int) -> None:
    body = {"id": "urn:ngsi-ld:Lamp:1", "type": "Lamp", "power": {"type": "Property", "value": power}}
    answer = await http.post(f"{B}/entityOperations/upsert", json=[body])
    assert answer.status_code in (201, 204), answer.text


def files_with(text: str, *folders: Path) -> list[str]:
    paths: Iterable[Path] = (path for folder in folders for path in folder.rglob("*"))
    return [str(path) for path in paths if path.is_file() and text.encode() in path.read_bytes()]


def test_no_credential_is_in_a_file_a_backup_a_log_or_an_export(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, copies = tmp_path / "data", tmp_path / "copies"
    copies.mkdir()

    async def work() -> None:
        async with receiver() as far, started(data) as (app, http):
            app.get(Secrets).set("partner", f"{MARK}-named", ["127.0.0.1"])
            ours = await made(
                http, "subscriptions", subscription(far.uri, ("Authorization", f"Bearer {MARK}-1"))
            )
            named = await made(
                http, "subscriptions", subscription(far.uri, ("X-Key", "Bearer secret:partner"))
            )
            over_mqtt = await made(
                http, "subscriptions", subscription(f"mqtt://u:{MARK}-2@127.0.0.1:1/t", ("X", f"{MARK}-3"))
            )
            source = {
                "type": "ContextSourceRegistration",
                "endpoint": far.uri.removesuffix("/notify"),
                "information": [{"entities": [{"type": "Far"}]}],
                "contextSourceInfo": [
                    {"key": "X-Auth", "value": f"{MARK}-4"},
                    {"key": "X-Key", "value": "secret:partner"},
                ],
            }
            registered = await made(http, "csourceRegistrations", source)
            watching = await made(
                http,
                "csourceSubscriptions",
                subscription(far.uri, ("X-Watch", f"{MARK}-5"), entities=[{"type": "Near"}]),
            )
            snapshot = await made(
                http, "snapshots",
                {"type": "Snapshot", "snapshotQueries": [{"entities": [{"type": "Lamp"}], "type": "Query"}],
                 "endpoint": far.uri, "receiverInfo": [{"key": "X-Snap", "value": f"{MARK}-6"}]},
            )  # fmt: skip
            refused = await http.post(
                f"{B}/subscriptions", json=subscription(f"http://u:{MARK}-7@127.0.0.1/", ("A", f"{MARK}-8"))
            )
            assert refused.status_code == 400
            assert MARK not in refused.text
            await lamp(http, 1)
            await http.get(f"{B}/entities?type=Far")
            await far.until(lambda: any("x-snap" in head for head in far.headers) and len(far.headers) >= 3)
            sent = [
                head.get(name, "") for head in far.headers for name in ("authorization", "x-key", "x-snap")
            ]
            assert {f"Bearer {MARK}-1", f"Bearer {MARK}-named", f"{MARK}-6"} <= set(sent)
            for path, expected in (
                (ours, f"Bearer {MARK}-1"), (named, "secret:partner"), (over_mqtt, f"u:{MARK}-2@"), (registered, f"{MARK}-4"),
                (watching, f"{MARK}-5"), (snapshot, f"{MARK}-6"),
            ):  # fmt: skip
                answer = await http.get(path)
                assert expected in answer.text  # whoever made it reads it back as it was given
                assert f"{MARK}-named" not in answer.text
                async with client(app, "analyst") as other:
                    assert MARK not in (await other.get(path)).text
            backup_into(data, copies / "set")
            backup_all(data, copies / "all.tar")
            assert files_with(MARK, data, copies) == []
            assert MARK not in (await http.get("/metrics")).text + (await http.get("/api/health")).text

    with caplog.at_level(logging.DEBUG):
        run(work)
    form = Structured("text")
    assert MARK not in "".join(form.format(record) for record in caplog.records)
    assert files_with(MARK, data, copies) == []
    export = tmp_path / "export.json"
    assert main(["config", "export", str(export), "--data", str(data)]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["doctor", "--data", str(data)]) in (0, 1)
    assert MARK not in export.read_text()


def test_credentials_of_the_release_before_are_sealed_by_the_first_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    uri = "http://127.0.0.1:9/notify"
    content = {
        "entities": [{"type": "https://uri.etsi.org/ngsi-ld/default-context/Lamp"}],
        "notification": {
            "endpoint": {
                "uri": uri,
                "receiverInfo": [{"key": "Authorization", "value": f"Bearer {MARK}-old"}],
            }
        },
    }

    async def work() -> None:
        async with started(data) as (app, _):
            owner = next(user for user in app.identity.list_users() if user.username.startswith("test-"))
        store = SubscriptionStore(
            data / SUBSCRIPTIONS.file
        )  # without secrets: as the release before wrote it
        sources = {"context": None, "q": None}
        record = Record(
            "",
            "urn:s:1",
            "k1",
            content,
            sources,
            Owner(f"user:{owner.username}"),
            1,
            1,
            0,
            None,
            {},
            Counters(),
        )
        assert store.add(record)
        store.close()
        assert files_with(f"{MARK}-old", data) != []
        async with started(data) as (_, http):
            shown = (await http.get(f"{B}/subscriptions/urn:s:1")).json()
            assert shown["notification"]["endpoint"] == content["notification"]["endpoint"]
        assert files_with(f"{MARK}-old", data) == []

    run(work)


def test_without_the_key_only_what_needs_it_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A restored backup has no key: it starts, says so, and delivers all else. With the key it goes on."""
    data, copies = tmp_path / "data", tmp_path / "copies"
    restored = tmp_path / "again" / "data"
    restored.parent.mkdir()

    async def prepare(far: Receiver) -> str:
        async with started(data) as (_, http):
            path = await made(
                http,
                "subscriptions",
                subscription(far.uri, ("Authorization", f"Bearer {MARK}"), id="urn:s:1"),
            )
            await made(http, "subscriptions", subscription(far.uri + "/open", id="urn:s:2"))
            backup_into(data, copies)
            return path

    async def work() -> None:
        async with receiver() as far:
            path = await prepare(far)
            restore_from(copies, restored)
            async with started(restored) as (_, http):
                assert "data.key is missing" in caplog.text
                await lamp(http, 1)
                await far.count(1)
                assert [head.get("authorization") for head in far.headers] == [None]
                shown = await http.get(path)
                assert MARK not in shown.text
                assert shown.json()["notification"]["endpoint"]["receiverInfo"][0]["value"] == "secret:?"
                async with asyncio.timeout(10):
                    while not (await http.get(path)).json()["notification"].get("timesFailed"):  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                refused = await http.post(
                    f"{B}/subscriptions", json=subscription(far.uri, ("Authorization", "Bearer x"))
                )
                assert refused.status_code == 503
                assert "is missing" in refused.json()["detail"]
                lost = {"notification": (await http.get(path)).json()["notification"]}
                answer = await http.patch(path, json=lost)  # what was read, written back, would lose the text
                assert answer.status_code == 400, answer.text
                assert "stands for a credential that does not open" in answer.json()["detail"]
                changed = await http.patch(path, json={"description": "changed while it was locked"})
                assert changed.status_code == 204, changed.text
            (restored.parent / "data.key").write_bytes((tmp_path / "data.key").read_bytes())
            async with started(restored) as (_, http):
                await far.until(
                    lambda: any(head.get("authorization") == f"Bearer {MARK}" for head in far.headers)
                )
                assert MARK in (await http.get(path)).text

    run(work)


@pytest.mark.parametrize("where", ["subscriptions", "csourceSubscriptions", "snapshots"])
def test_only_administrators_name_a_secret(tmp_path: Path, where: str) -> None:
    body: dict[str, Any] = subscription("http://127.0.0.1:9/", ("A", "secret:partner"))
    if where == "snapshots":
        query = [{"entities": [{"type": "Lamp"}], "type": "Query"}]
        body = {"type": "Snapshot", "snapshotQueries": query, "endpoint": "http://127.0.0.1:9/"}
        body["receiverInfo"] = [{"key": "A", "value": "secret:partner"}]

    async def work() -> None:
        async with started(tmp_path / "data") as (app, http), client(app, "analyst") as other:
            refused = await other.post(f"{B}/{where}", json=body)
            assert refused.status_code == 403, refused.text
            assert (await http.post(f"{B}/{where}", json=body)).status_code == 201

    run(work)


def test_a_request_cannot_name_a_secret(tmp_path: Path) -> None:
    """Headers that a client sends along to a source are passed on as they are."""

    async def work() -> None:
        async with receiver() as far, started(tmp_path / "data") as (app, http):
            app.get(Secrets).set("partner", MARK, ["127.0.0.1"])
            source = {
                "type": "ContextSourceRegistration",
                "endpoint": far.uri.removesuffix("/notify"),
                "information": [{"entities": [{"type": "Far"}]}],
                "contextSourceInfo": [{"key": "X-Key", "value": "urn:ngsi-ld:request"}],
            }
            await made(http, "csourceRegistrations", source)
            await http.get(
                f"{B}/entities?type=Far", headers={"X-Key": "secret:partner", "Via": "1.1 secret:partner"}
            )
            assert any(head.get("x-key") == "secret:partner" for head in far.headers)
            assert MARK not in orjson.dumps(far.headers).decode()

    run(work)


def test_a_registration_keeps_the_secret_that_it_names_whoever_changes_it() -> None:
    """Law: a change of anything else leaves the reference; naming a secret is for administrators."""

    def info(value: str) -> dict[str, Any]:
        return {"contextSourceInfo": [{"key": "X-Key", "value": value}]}

    taken = refused = 0
    named, other = ({"endpoint": "http://h", **info(value)} for value in ("secret:partner", "secret:other"))
    analyst, admin = (Actor(principal(f"user:{role}", role, role)) for role in ("analyst", "administrator"))
    for actor, document, before in (
        (analyst, named, None), (analyst, other, named), (analyst, named, named), (admin, named, None), (admin, other, named),
    ):  # fmt: skip
        try:
            refuse_references(document, REGISTRATION, actor, before)
            taken += 1
        except Forbidden:
            refused += 1
    assert (taken, refused) == (3, 2)
    with pytest.raises(BadRequestData, match="does not open"):
        refuse_references({"endpoint": "http://h", **info("secret:?")}, REGISTRATION, admin, named)
