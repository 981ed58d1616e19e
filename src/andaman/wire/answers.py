"""Answers of the connection itself, where a request came no further: problem documents (RFC 9457) as bytes."""

from __future__ import annotations

from typing import Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from andaman.kernel.errors import AndamanError

_HEAD: Final = (
    b"content-type: application/problem+json\r\nx-content-type-options: nosniff\r\ncache-control: no-store\r\n"
    b"connection: close\r\n"
)


def refusal(error: AndamanError) -> bytes:
    """The complete answer, after which the connection ends."""
    body = orjson.dumps(error.problem())
    again = f"retry-after: {error.retry_after}\r\n".encode() if error.retry_after else b""
    return b"".join(
        (STATUS_LINE[error.status], _HEAD, again, b"content-length: %d\r\n\r\n" % len(body), body)
    )
