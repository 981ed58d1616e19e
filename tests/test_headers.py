"""Every answer says that it is what it says it is, and who may keep it; every "later" says when."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from andaman.doors.ngsild.http import problem_answer
from andaman.identity.model import Role
from andaman.kernel.errors import AndamanError, StorageFull, TooManyRequests, Unavailable
from andaman.kernel.http import problem_response
from andaman.kernel.metrics import STATUS

from .support import client, platform, run

PATHS = (
    "/",
    "/index.html",
    "/nowhere",
    "/api/nothing",
    "/api/health",
    "/api/state",
    "/api/identity/users",
    "/api/catalogue/datasets",
    "/api/history/latest?type=Device&attr=x",
    "/auth/me",
    "/auth/sessions",
    "/auth/login",
    "/metrics",
    "/tiles/base/1/1/1.mvt",
    "/live",
    "/ngsi-ld/v1/entities?type=Device",
    "/ngsi-ld/v1/entities",
    "/ngsi-ld/v1/entities/urn:x:1",
    "/ngsi-ld/v1/types",
    "/ngsi-ld/v1/nothing",
    "/ngsi-ld/v1/subscriptions",
    "/ngsi-ld/v1/jsonldContexts",
    "/ngsi-ld/v1/temporal/entities?type=Device",
    "/ngsi-ld/v1/info/sourceIdentity",
    "/ngsi-ld/openapi.json",
    "/ngsi-ld",
)


def one(answer: httpx.Response, name: str) -> str:
    values = answer.headers.get_list(name)
    assert len(values) == 1, (answer.request.url, answer.status_code, name, values)
    return values[0]


def test_every_answer_has_nosniff_and_says_who_may_keep_it(tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            client(app) as stranger,
            client(app, Role.ADMINISTRATOR) as staff,
        ):
            for http in (stranger, staff):
                for path in PATHS:
                    for method in ("GET", "POST", "HEAD", "OPTIONS", "DELETE", "TRACE"):
                        answer = await http.request(method, path)
                        assert one(answer, "x-content-type-options") == "nosniff"
                        kept = one(answer, "cache-control")
                        if path.startswith(("/api/", "/auth/", "/metrics", "/ngsi-ld/v1/")):
                            assert kept == "no-store", (method, path)
                        assert answer.status_code < 500

    run(work)


def test_files_of_the_screens_and_tiles_may_be_kept(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app) as http:
            assert one(await http.get("/ngsi-ld/contexts/urn:x"), "cache-control") == "no-store"
            kept = one(await http.get("/tiles/base/1/1/1.mvt"), "cache-control")
            assert kept == "private, no-cache"
            page = await http.get("/")
            if page.status_code == 200:
                assert one(page, "cache-control") == "no-cache"

    run(work)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (TooManyRequests("x"), "5"),
        (TooManyRequests("x", retryAfter=7), "7"),
        (Unavailable("x"), "5"),
        (StorageFull("x"), "60"),
        (AndamanError("x"), None),
    ],
)
def test_what_passes_by_itself_says_when_to_come_again(error: AndamanError, again: str | None) -> None:
    """At both kinds of doors, from one table."""
    assert problem_response(error).headers.get("retry-after") == again
    found = dict(problem_answer(error).headers)
    assert found.get(b"retry-after") == (again.encode() if again else None)


def test_a_client_that_goes_away_in_its_body_is_nobodys_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At any point of the body, at any door: not a line in the log, and status 0 in the figures."""
    caplog.set_level(logging.INFO)
    doors = (
        ("POST", "/auth/login"),
        ("POST", "/auth/password"),
        ("PATCH", "/api/identity/users/x"),
        ("POST", "/ngsi-ld/v1/entities"),
        ("POST", "/ngsi-ld/v1/entityOperations/query"),
    )

    async def goes_away(app: Any, headers: list[Any], method: str, path: str, parts: list[bytes]) -> Any:
        told = [{"type": "http.request", "body": part, "more_body": True} for part in parts]

        async def receive() -> Any:
            return told.pop(0) if told else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            return

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "http_version": "1.1",
            "headers": [*headers, (b"content-type", b"application/json"), (b"content-length", b"100")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8026),
        }
        await app.asgi(scope, receive, send)
        return scope.get(STATUS, 0)

    async def work() -> None:
        async with platform(tmp_path) as app, client(app, Role.ADMINISTRATOR) as http:
            caplog.clear()
            raw = http.build_request("POST", "/").headers.raw
            headers = [(name.lower(), value) for name, value in raw if name.lower() != b"content-length"]
            for method, path in doors:
                for parts in ([], [b"{"], [b"{", b'"a"']):
                    assert await goes_away(app, headers, method, path, parts) == 0, path
        assert "Traceback" not in caplog.text
        assert not [row for row in caplog.records if row.levelno >= logging.WARNING]

    run(work)


def test_a_body_that_is_no_json_is_told_so(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app) as http:
            for body in (b"{", b"\xff", b"[" * 5000, orjson.dumps([1])):
                answer = await http.post(
                    "/auth/login", content=body, headers={"content-type": "application/json"}
                )
                assert answer.status_code == 400

    run(work)
