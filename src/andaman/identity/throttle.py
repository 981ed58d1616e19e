"""When a sign-in must wait: pure rules over counts of failures. The store keeps the counts.

What one person does at an address slows down that person, not the others there:

- the pair (account, address) locks early, so that guessing is hopeless; a device on which the account has signed in is counted
  apart, so that whoever guesses beside it does not lock out its user;
- the account locks late, and only for addresses it never signed in from, so that a stranger cannot lock a duty officer out;
- the address locks when *accounts* fail there, each counted once, and only for accounts that never signed in from there;
- names that are no account's lock nothing. When there were many of them, every failure at the address is told as one that must wait
  (so that an answer does not say which names exist), but the right password still opens.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from andaman.kernel.time import HOUR, MINUTE, SECOND, Micros


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures in a row under one key, and when the last one was."""

    count: int = 0
    last_at: Micros = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """From ``allowed`` failures on, each further one doubles the wait, from ``first_us`` up to ``longest_us``."""

    allowed: int
    first_us: Micros
    longest_us: Micros


FORGET_AFTER: Final[Micros] = 24 * HOUR
"""Failures older than this count no more."""
PAIR: Final = Limit(5, 15 * SECOND, 15 * MINUTE)
ADDRESS: Final = Limit(30, 15 * SECOND, 15 * MINUTE)
ACCOUNT: Final = Limit(50, 30 * SECOND, HOUR)
INVENTED: Final = Limit(30, 5 * SECOND, MINUTE)


def network_of(address: str) -> str:
    """The address, or its /64 for IPv6: one household has all of those. IPv4 written as IPv6 is IPv4."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
        return str(parsed.ipv4_mapped)
    return str(parsed)


@dataclass(frozen=True, slots=True)
class Keys:
    """The counters that an attempt meets; "" for those it does not. The name is hashed: a password may have been typed in its
    place."""

    pair: str
    account: str
    address: str
    invented: str

    @property
    def limits(self) -> dict[str, Limit]:
        """Those that may make it wait."""
        rows = ((self.pair, PAIR), (self.account, ACCOUNT), (self.address, ADDRESS))
        return {key: limit for key, limit in rows if key}


def keys_of(username: str, address: str, known_address: bool, device: str = "") -> Keys:
    """``known_address``: the account has signed in from there. ``device``: the mark of a device on which it has signed in, which
    is counted apart from its address: whoever guesses there does not lock its user out."""
    network = network_of(address)
    hashed = hashlib.sha256(username.encode()).hexdigest()[:24]
    known_address = known_address or bool(device)
    return Keys(
        f"pair:{hashed}\x1f{device or network}",
        "" if known_address else f"account:{hashed}",
        "" if known_address else f"address:{network}",
        f"invented:{network}",
    )


def wait_of(failures: Failures, limit: Limit, now: Micros) -> Micros:
    """µs until the next attempt may be made; 0 when it may be made now."""
    if failures.count < limit.allowed or now - failures.last_at > FORGET_AFTER:
        return 0
    doublings = min(failures.count - limit.allowed, 30)
    until = failures.last_at + min(limit.first_us << doublings, limit.longest_us)
    return max(0, until - now)


def longest_wait(counts: Mapping[str, Failures], limits: Mapping[str, Limit], now: Micros) -> Micros:
    """The longest of the waits under all keys."""
    return max((wait_of(counts.get(key, Failures()), limit, now) for key, limit in limits.items()), default=0)
