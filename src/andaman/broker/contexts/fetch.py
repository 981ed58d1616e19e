"""Fetching a remote @context: once, small, quick, and never from an address inside the house.

The way out is that of all requests to others (``broker/outgoing.py``): the address is checked after DNS resolution, the
connection goes to the checked address itself, and one time limit covers everything, headers that come drop by drop too.
Redirects are followed here, each of them checked again.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any, Final
from urllib.parse import urljoin

import orjson

from andaman.broker.outgoing import OutgoingClient, Unreachable
from andaman.kernel.addresses import bare_url
from andaman.kernel.errors import BadRequestData, LdContextNotAvailable

MAX_BYTES: Final = 1 << 20
MAX_REDIRECTS: Final = 5
TIMEOUT_S: Final = 5.0
_HEADERS: Final = ((b"accept", b"application/ld+json, application/json;q=0.9"), (b"connection", b"close"))
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_ALTERNATE: Final = re.compile(r'<([^>]*)>\s*;[^,]*rel="?alternate"?[^,]*')


def fetch_json(
    url: str, *, allow_private: bool = False, timeout_s: float = TIMEOUT_S, max_bytes: int = MAX_BYTES
) -> Any:
    """GET a JSON document (blocking; for a worker thread).

    Raises LdContextNotAvailable for anything that goes wrong on the way, BadRequestData for an address that is
    refused and for a document that is not JSON (CIM 009 §5.5.6).
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_fetch(url, allow_private, time.monotonic() + timeout_s, max_bytes))
    finally:
        loop.close()


async def _fetch(url: str, allow_private: bool, deadline: float, max_bytes: int) -> Any:
    client = OutgoingClient(allow_private=allow_private)
    try:
        for _ in range(MAX_REDIRECTS + 1):
            left = max(0.001, deadline - time.monotonic())
            reply = await client.request("GET", url, headers=_HEADERS, timeout_s=left, max_bytes=max_bytes)
            if reply.status in _MOVED:
                url = urljoin(url, reply.headers.get(b"location", b"").decode("latin-1"))
                continue
            if reply.status != 200:
                raise LdContextNotAvailable(f"The @context {bare_url(url)[:200]} answers {reply.status}")
            kind = reply.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
            if kind and b"json" not in kind and kind not in (b"text/plain", b"application/octet-stream"):
                alternate = _alternate(reply.headers.get(b"link", b"").decode("latin-1"))
                if alternate is not None and urljoin(url, alternate) != url:
                    url = urljoin(url, alternate)
                    continue
            return _parsed(url, reply.body)
    except Unreachable as error:
        if error.refused:
            raise BadRequestData(
                f"The host of the @context {bare_url(url)[:200]} is at a private, loopback or link-local address; contexts are "
                "not fetched from there"
            ) from None
        raise LdContextNotAvailable(
            f"The @context {bare_url(url)[:200]} cannot be fetched: {error.reason}"
        ) from None
    except ValueError:
        raise LdContextNotAvailable(
            f"The @context {bare_url(url)[:200]} leads to something that is not a URL"
        ) from None
    finally:
        client.close()
    raise LdContextNotAvailable(
        f"The @context {bare_url(url)[:200]} redirects more than {MAX_REDIRECTS} times"
    )


def _parsed(url: str, body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequestData(f"The @context {bare_url(url)[:200]} is not JSON") from None


def _alternate(link: str) -> str | None:
    """Target of a Link header's alternate in JSON-LD (JSON-LD 1.1 §6.1)."""
    for match in _ALTERNATE.finditer(link[:16_384]):
        if "application/ld+json" in match.group(0):
            return match.group(1)
    return None
