"""The outer shell of HTTP: one table from error to problem, for everything on Starlette; its routes come from the table of doors."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from andaman.identity.doors import ANYONE, BoundDoor, DoorEntry, Tenancy
from andaman.identity.entrance import build_routes
from andaman.kernel.errors import AndamanError, MethodNotAllowed, ResourceNotFound, StorageFull, refusal_of
from andaman.kernel.http import GONE, json_response, problem_response
from andaman.room import Raw

log = logging.getLogger("andaman")


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AndamanError)
    return problem_response(error)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        problem: AndamanError = MethodNotAllowed(f"{request.method} is not allowed here; allowed: {allowed}")
        return problem_response(problem, {"Allow": allowed} if allowed else None)
    if error.status_code == 404:
        return problem_response(ResourceNotFound(f"There is nothing at {request.url.path}"))
    response = problem_response(AndamanError(str(error.detail)))
    response.status_code = error.status_code
    return response


async def _on_bug(request: Request, error: Exception) -> Response:
    """A fault of the platform: the log gets everything, the caller gets no inner details."""
    refusal = refusal_of(error)
    trace = None if isinstance(refusal, StorageFull) else error  # a full disk is nobody's fault here
    log.error("%s at %s %s", refusal.title, request.method, request.url.path, exc_info=trace)
    return problem_response(refusal)


async def _on_gone(request: Request, error: Exception) -> Response:
    """The client went away while it was sending: nobody is left to answer, and nothing went wrong here."""
    return Response(status_code=GONE)


def screens_app(doors: Sequence[BoundDoor]) -> Starlette:
    """Everything that is not hot, on Starlette. Raises TableError for a door that is not in order."""
    return Starlette(
        routes=build_routes(doors),
        exception_handlers={
            AndamanError: _on_error,
            HTTPException: _on_http,
            ClientDisconnect: _on_gone,
            sqlite3.Error: _on_bug,
            Exception: _on_bug,
        },
    )


_HEALTH = DoorEntry("GET", "/api/health", Tenancy.CITY, ANYONE, devices=True)


def health_door(health: Callable[[], dict[str, object]]) -> BoundDoor:
    """``GET /api/health``, for everybody: nothing in it reveals the city's data."""

    async def answer(request: Request) -> Response:
        return json_response(health())

    return _HEALTH.to(answer)


def prefixes_of(doors: Sequence[BoundDoor]) -> list[str]:
    """First parts of the paths that machines use: ``api/``, or ``live`` where nothing follows."""
    paths = [door.entry.path.removeprefix("/") for door in doors]
    return sorted({path.split("/")[0] + "/" * ("/" in path) for path in paths if not path.startswith("{")})


class Dispatch:
    """The first fork of a request: hot doors are raw ASGI, the rest is Starlette."""

    def __init__(self, raw: Sequence[Raw], screens: ASGIApp) -> None:
        self._raw = [(one.prefix, one.app) for one in raw]
        self._screens = screens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            for prefix, app in self._raw:
                if path.startswith(prefix):
                    await app(scope, receive, send)
                    return
        await self._screens(scope, receive, send)
