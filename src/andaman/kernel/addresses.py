"""Which network addresses the platform may be sent to by what others write into a request."""

from __future__ import annotations

import ipaddress
from typing import Final

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def allowed_address(text: str, allow_private: bool) -> bool:
    """May a request go to this IP address? To public ones always; to loopback and private ones by setting.

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


def bare_url(url: str) -> str:
    """The URL without the parts that are often a key: name and password, query, fragment. For whoever did not give it."""
    plain = url.partition("#")[0].partition("?")[0]
    scheme, sign, rest = plain.partition("://")
    if not sign:
        return plain
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
