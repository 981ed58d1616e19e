"""Laws of the door that serves the screens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from andaman.doors import web
from andaman.identity.credentials import PUBLIC_PRINCIPAL
from andaman.identity.entrance import build_routes
from andaman.identity.model import Actor
from andaman.identity.web import ACTOR


def pages(directory: Path) -> TestClient:
    """A stranger's browser before the pages of a directory."""
    screens = Starlette(
        routes=build_routes(web.routes(directory, ["api/", "auth/", "live", "ngsi-ld/", "tiles/"]))
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await screens({**scope, ACTOR: Actor(PUBLIC_PRINCIPAL)}, receive, send)

    return TestClient(app)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>here</title>", encoding="utf-8")
    (tmp_path / "assets" / "app-1a2b.js").write_text("export {}", encoding="utf-8")
    (tmp_path / ".sources.json").write_text("{}", encoding="utf-8")
    return pages(tmp_path)


@pytest.mark.parametrize("path", ["/", "/assessment", "/training/course/shift", "/?sel=urn:x"])
def test_any_page_path_is_the_app_and_is_revalidated(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "here" in answer.text
    assert answer.headers["cache-control"] == "no-cache"


def test_hashed_assets_are_kept_for_ever_with_their_type(client: TestClient) -> None:
    answer = client.get("/assets/app-1a2b.js")
    assert answer.headers["cache-control"] == web.FOREVER
    assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["/api/nothing", "/ngsi-ld/v2/x", "/tiles/no", "/assets/gone.js", "/auth/x"])
def test_machine_paths_are_never_the_app(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_known_etag_is_not_sent_again(client: TestClient) -> None:
    etag = client.get("/").headers["etag"]
    assert client.get("/", headers={"If-None-Match": etag}).status_code == 304


def test_hidden_files_and_paths_outside_are_not_served(client: TestClient) -> None:
    assert "{}" not in client.get("/.sources.json").text
    assert "root:" not in client.get("/../../../../etc/passwd").text


def test_policy_allows_nothing_from_elsewhere_and_nothing_inline(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "default-src 'none'" in policy


def test_without_built_screens_the_answer_says_what_to_do(tmp_path: Path) -> None:
    answer = pages(tmp_path / "none").get("/")
    assert answer.status_code == 503
    assert "build_ui.py" in answer.text


def test_an_upgrade_shows_at_once(client: TestClient, tmp_path: Path) -> None:
    client.get("/")
    index = tmp_path / "index.html"
    index.write_text("<!doctype html><title>newer</title>", encoding="utf-8")
    import os

    os.utime(index, ns=(1, 10**18))
    assert "newer" in client.get("/").text
