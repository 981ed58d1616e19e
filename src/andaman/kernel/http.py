"""Small helpers for HTTP routes: JSON in, JSON out, and problems (RFC 9457)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from andaman.kernel.errors import AndamanError, InvalidRequest, NotSignedIn, TooLarge

MAX_BODY = 10 * 1024 * 1024
STRANGERS_BODY = 64 * 1024
"""Bytes of a body that somebody without an account may send: it is read, and parsed, on the event loop."""
GONE = 499
"""Status of an answer that nobody gets: the client went away. Figures show it as 0."""


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON by orjson (datetimes, dataclasses, NumPy values and typed answers included)."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    body = orjson.dumps(content, default=msgspec.to_builtins, option=options)
    return Response(body, status, headers, "application/json")


class Streamed(StreamingResponse):
    """An answer in parts, in UTF-8, that ends when its client is gone: ``parts`` is closed then, before this returns.

    Starlette's own cancels a task for it, whose exception then keeps every frame, and with them the parts, in a cycle until
    the interpreter looks for those.
    """

    def __init__(self, parts: AsyncGenerator[str, None], headers: dict[str, str], media_type: str) -> None:
        super().__init__(parts, headers=headers, media_type=media_type)
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_gone(receive))
        try:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            async for part in self._parts:
                await send({"type": "http.response.body", "body": part.encode(), "more_body": True})
                if gone.done():
                    return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            await self._parts.aclose()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def problem_response(error: AndamanError, headers: dict[str, str] | None = None) -> Response:
    """The problem document of a typed error, with what belongs to a refusal in its headers."""
    given = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    given |= {**problem_headers(error), **(headers or {})}
    return Response(
        orjson.dumps(error.problem(), default=str), error.status, given, "application/problem+json"
    )


def problem_headers(error: AndamanError) -> dict[str, str]:
    """Headers that belong to a refusal: how to sign in (RFC 9110 §11.6.1), when to come again (§10.2.3)."""
    found: dict[str, str] = {}
    if isinstance(error, NotSignedIn):
        found["WWW-Authenticate"] = "Bearer"
    if error.retry_after:
        found["Retry-After"] = error.retry_after
    return found


async def read_json(request: Request, limit: int = MAX_BODY, *, empty: Any = None) -> Any:
    """The request's JSON body, or ``empty`` (None: that is refused) where there is none. Raises TooLarge beyond
    ``limit`` bytes (or what strangers may send, if that is less), InvalidRequest where it is not JSON."""
    actor = request.scope.get("andaman.actor")
    if actor is not None and actor.principal.id == "public":
        limit = min(limit, STRANGERS_BODY)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes")
    if empty is not None and not body.strip():
        return empty
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not JSON: {error}") from None
