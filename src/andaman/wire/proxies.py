"""Whom a request comes from where proxies stand before the platform: ``X-Forwarded-For``, counted from its end.

Each proxy adds the address of whoever spoke to it. Of N trusted ones the N-th entry from the end was therefore written by the
outermost of them; whatever stands before it was sent by the client and says nothing.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

_READ_MAX: Final = 4096
"""Bytes of the header that are read, from its end."""
_SCHEMES: Final = {
    b"http": ("http", "ws"),
    b"https": ("https", "wss"),
    b"ws": ("http", "ws"),
    b"wss": ("https", "wss"),
}


class Proxied:
    """ASGI middleware. ``count`` proxies are trusted; with ``loopback_only`` a request counts as theirs only where it comes
    from this machine."""

    def __init__(self, app: ASGIApp, count: int, *, loopback_only: bool = False) -> None:
        self._app = app
        self._count = count
        self._loopback_only = loopback_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            self._see_through(scope)
        await self._app(scope, receive, send)

    def _see_through(self, scope: Any) -> None:
        client = scope.get("client")
        if self._loopback_only and not (client and is_loopback(client[0])):
            return
        entries: list[bytes] = []
        proto = b""
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                entries.append(value)
            elif name == b"x-forwarded-proto":
                proto = value
        if proto:
            found = _SCHEMES.get(proto.rpartition(b",")[2].strip().lower())
            if found:
                scope["scheme"] = found[scope["type"] == "websocket"]
        if entries:
            address = client_address(b",".join(entries), self._count)
            if address:
                scope["client"] = (address, 0)


def client_address(forwarded: bytes, proxies: int) -> str:
    """The address that the outermost of ``proxies`` trusted proxies saw; "" where it wrote none that can be read.

    Fewer entries than proxies: the request came in behind some of them, and the first entry is what the outermost that
    saw it wrote.
    """
    if len(forwarded) > _READ_MAX:
        forwarded = forwarded[-_READ_MAX:].partition(b",")[2]
    entries = [entry for part in forwarded.split(b",") if (entry := part.strip())]
    if not entries:
        return ""
    return plain_address(entries[-min(proxies, len(entries))].decode("latin-1"))


def plain_address(text: str) -> str:
    """An IP address as it may stand in such an entry: in brackets, with a port, with a zone, mapped; "" for anything else."""
    text = text.strip('" ')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def is_loopback(address: str) -> bool:
    found = plain_address(address)
    return bool(found) and ipaddress.ip_address(found).is_loopback
