"""Behind N proxies the client is whom the outermost of them saw, whatever the client itself wrote."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.wire.proxies import Proxied, client_address, plain_address

ADDRESSES = st.ip_addresses().map(str)
FORGED = st.lists(st.one_of(ADDRESSES, st.text(st.characters(max_codepoint=255), max_size=30)), max_size=5)


def written(address: str, form: int) -> str:
    """As proxies write an address."""
    if ":" in address:
        return [address, f"[{address}]", f"[{address}]:443", f'"[{address}]:1"'][form]
    return [address, f"{address}:443", f"::ffff:{address}", f" {address} "][form]


@given(FORGED, st.lists(ADDRESSES, min_size=1, max_size=5), st.integers(0, 3))
def test_the_entry_of_the_outermost_trusted_proxy_counts(
    forged: list[str], real: list[str], form: int
) -> None:
    header = ",".join([*forged, *(written(one, form) for one in real)]).encode("latin-1")
    found = client_address(header, len(real))
    wanted = ipaddress.ip_address(real[0])
    mapped = getattr(wanted, "ipv4_mapped", None)
    assert ipaddress.ip_address(found) == (mapped or wanted)


@given(st.binary(max_size=300), st.integers(1, 4))
def test_whatever_stands_there_gives_an_address_or_nothing(header: bytes, proxies: int) -> None:
    found = client_address(header, proxies)
    assert not found or ipaddress.ip_address(found)


def test_a_header_of_megabytes_is_read_from_its_end() -> None:
    assert client_address(b"1.1.1.1, " * 100_000 + b"192.0.2.7", 1) == "192.0.2.7"
    assert client_address(b"192.0.2.7", 3) == "192.0.2.7"
    assert client_address(b"a, 192.0.2.8, 10.0.0.1", 2) == "192.0.2.8"
    assert client_address(b" , ,", 2) == ""


@pytest.mark.parametrize(
    "text", ["", "unknown", "_hidden", "1.2.3", "1.2.3.4.5", "[::1", "::1%25lo:", "a" * 999]
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert plain_address(text) in ("", "::1")


def seen(headers: list[tuple[bytes, bytes]], peer: str, **options: Any) -> tuple[str, str]:
    found: list[tuple[str, str]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append((scope["client"][0], scope["scheme"]))

    scope = {"type": "http", "client": (peer, 5), "scheme": "http", "headers": headers}
    asyncio.run(Proxied(app, **options)(scope, None, None))  # type: ignore[arg-type]
    return found[0]


def test_with_https_alone_only_a_proxy_on_this_machine_is_believed() -> None:
    told = [(b"x-forwarded-for", b"6.6.6.6, 192.0.2.1"), (b"x-forwarded-proto", b"http, https")]
    assert seen(told, "127.0.0.1", count=1, loopback_only=True) == ("192.0.2.1", "https")
    assert seen(told, "10.0.0.9", count=1, loopback_only=True) == ("10.0.0.9", "http")
    assert seen(told, "10.0.0.9", count=1) == ("192.0.2.1", "https")
    assert seen(told, "10.0.0.9", count=2) == ("6.6.6.6", "https")
    assert seen([], "10.0.0.9", count=1) == ("10.0.0.9", "http")
    two = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"192.0.2.1")]
    assert seen(two, "10.0.0.9", count=1) == ("192.0.2.1", "http")
