"""Shared by tests of several rooms: a platform in a temporary directory, spoken to through its own gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from andaman.app import App, build
from andaman.identity.model import Principal
from andaman.identity.roles import shipped_roles
from andaman.offline import cli_actor
from andaman.settings import load_settings

PASSWORD = "correct-horse-battery-9"


@asynccontextmanager
async def platform(directory: Path, **settings: Any) -> AsyncIterator[App]:
    """A started platform on ``directory``; stopped at the end."""
    quiet = {"min_free_mb": 0, "compute_ahead": False}
    app = build(load_settings({"data": str(directory), **quiet, **settings}, environ={}))
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


@asynccontextmanager
async def client(app: App, role: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client; signed in with ``role``, or the public."""
    transport = httpx.ASGITransport(app.asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8026", timeout=30) as http:
        if role is not None:
            username = f"test-{role}"
            if username not in {a.username for a in app.identity.list_users()}:
                await app.identity.add_user(username, PASSWORD, [role], cli_actor())
            answer = await http.post("/auth/login", json={"username": username, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            http.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield http


def principal(id: str, name: str, *roles: str) -> Principal:
    """Somebody with these roles, and the permissions that these have in the table that ships."""
    mine = frozenset(roles)
    return Principal(id, name, mine, permissions=shipped_roles().permissions_of(mine))


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Run an async test body."""
    asyncio.run(work())  # type: ignore[arg-type]
