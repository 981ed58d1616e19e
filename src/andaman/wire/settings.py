"""Settings of the HTTP server: how long it waits for a client, and how much it takes from one."""

from __future__ import annotations

from dataclasses import dataclass

from andaman.room import setting


@dataclass(frozen=True)
class ServerSettings:
    trusted_proxies: int = setting(
        0,
        "Number of proxies in front of the platform: the client is that entry of X-Forwarded-For, counted from its "
        "end. Only they may reach the port. 0: none, or the one of https.",
        0,
        10,
    )
    max_head_kb: int = setting(64, "Largest request line and headers of one request.", 8, 1024)
    head_seconds: float = setting(20.0, "Time for a request's headers to arrive.", 0.5, 3600)
    body_seconds: float = setting(
        60.0, "Time for a request's body to arrive, and a second more for every 2 KB of it.", 0.5, 3600
    )
    unread_seconds: float = setting(
        30.0,
        "Time for a client to read its answer, and a second more for every 2 KB of it.",
        0.5,
        3600,
    )
    connections_max: int = setting(
        0,
        "Connections in all; 0: 8192, or three quarters of the files that the system allows, if that is less.",
        0,
        100_000,
    )
    connections_per_address: int = setting(
        512,
        "Connections of one address, with or without sign-in; idle ones make room. Not counted behind a proxy. 0: no limit.",
        0,
        100_000,
    )
