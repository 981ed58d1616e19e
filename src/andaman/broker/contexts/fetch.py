"""Fetching a remote @context: once, small, quick, and never from an address inside the house.

The address is checked after DNS resolution and the connection goes to the checked address itself, so that a name
that resolves differently the second time (DNS rebinding) gains nothing. Each redirect is checked again.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import time
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
import orjson

from andaman.kernel.errors import BadRequestData, LdContextNotAvailable

MAX_BYTES: Final = 1 << 20
MAX_REDIRECTS: Final = 5
TIMEOUT_S: Final = 5.0
_ACCEPT: Final = "application/ld+json, application/json;q=0.9"
_ALTERNATE: Final = re.compile(r'<([^>]*)>\s*;[^,]*rel="?alternate"?[^,]*')
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def allowed_address(text: str, allow_private: bool) -> bool:
    """May a context be fetched from this IP address? Public ones always; loopback and private ones by setting.

    Link-local, multicast, unspecified and reserved addresses never are (cloud metadata services live there).
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return allowed_address(str(inner), allow_private)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if address.is_loopback or address.is_private:
        return allow_private
    return address.is_global and not address.is_reserved


def fetch_json(
    url: str, *, allow_private: bool = False, timeout_s: float = TIMEOUT_S, max_bytes: int = MAX_BYTES
) -> Any:
    """GET a JSON document (blocking; for a worker thread).

    Raises LdContextNotAvailable for anything that goes wrong on the way, BadRequestData for an address that is
    refused and for a document that is not JSON (CIM 009 §5.5.6).
    """
    deadline = time.monotonic() + timeout_s
    timeout = httpx.Timeout(timeout_s)
    try:
        with httpx.Client(trust_env=False, timeout=timeout, follow_redirects=False) as client:
            for _ in range(MAX_REDIRECTS + 1):
                found, target = _step(client, url, allow_private, deadline, max_bytes)
                if target is None:
                    return found
                url = target
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        reason = str(error) or type(error).__name__
        raise LdContextNotAvailable(f"The @context {url[:200]} cannot be fetched: {reason}") from None
    raise LdContextNotAvailable(f"The @context {url[:200]} redirects more than {MAX_REDIRECTS} times")


def _step(
    client: httpx.Client, url: str, allow_private: bool, deadline: float, max_bytes: int
) -> tuple[Any, str | None]:
    """One request: (document, None) or (None, where to go on)."""
    request = _request(client, url, allow_private)
    response = client.send(request, stream=True)
    try:
        if response.is_redirect:
            return None, urljoin(url, response.headers.get("location", ""))
        if response.status_code != 200:
            raise LdContextNotAvailable(f"The @context {url[:200]} answers {response.status_code}")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and "json" not in kind and kind not in ("text/plain", "application/octet-stream"):
            alternate = _alternate(response.headers.get("link", ""))
            if alternate is not None and urljoin(url, alternate) != url:
                return None, urljoin(url, alternate)
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > max_bytes:
                raise LdContextNotAvailable(f"The @context {url[:200]} is larger than {max_bytes} bytes")
            if time.monotonic() > deadline:
                raise LdContextNotAvailable(f"The @context {url[:200]} comes too slowly")
    finally:
        response.close()
    try:
        return orjson.loads(body), None
    except orjson.JSONDecodeError:
        raise BadRequestData(f"The @context {url[:200]} is not JSON") from None


def _request(client: httpx.Client, url: str, allow_private: bool) -> httpx.Request:
    """A request to the checked address of the URL's host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise LdContextNotAvailable(f"{url[:200]!r} is not a URL") from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise LdContextNotAvailable(f"{url[:200]!r} is not an http(s) URL")
    address = _resolve(host, port or (443 if parts.scheme == "https" else 80), allow_private)
    target = httpx.URL(url).copy_with(host=address)
    headers = {"host": parts.netloc, "accept": _ACCEPT, "user-agent": "andaman"}
    return client.build_request("GET", target, headers=headers, extensions={"sni_hostname": host})


def _resolve(host: str, port: int, allow_private: bool) -> str:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not allowed_address(address, allow_private):
            raise BadRequestData(
                f"The @context host {host!r} is at a private, loopback or link-local address; contexts are not "
                "fetched from there"
            )
    if not addresses:
        raise OSError(f"{host} has no address")
    return addresses[0]


def _alternate(link: str) -> str | None:
    """Target of a Link header's alternate in JSON-LD (JSON-LD 1.1 §6.1)."""
    for match in _ALTERNATE.finditer(link):
        if "application/ld+json" in match.group(0):
            return match.group(1)
    return None
