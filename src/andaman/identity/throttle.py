"""When a sign-in must wait: pure rules over counts of failures. The store keeps the counts.

Three counters per attempt. The pair (account, address) locks early, so that guessing is hopeless; the address
locks when it tries many accounts; the account locks late and only for addresses it never signed in from, so that
a stranger cannot lock a duty officer out of the command center.
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


def network_of(address: str) -> str:
    """The address, or its /64 for IPv6: one household has all of those."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network(f"{parsed}/64", strict=False))


def keys_of(username: str, address: str, known_address: bool) -> dict[str, Limit]:
    """The counters that one attempt meets. The name is hashed: a password may have been typed in its place."""
    address = network_of(address)
    username = hashlib.sha256(username.encode()).hexdigest()[:24]
    keys = {f"pair:{username}\x1f{address}": PAIR, f"address:{address}": ADDRESS}
    if not known_address:
        keys[f"account:{username}"] = ACCOUNT
    return keys


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
