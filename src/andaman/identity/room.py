"""The room of accounts and rights: it opens them, and puts the gate before everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from andaman.identity.gate import Gate, NoAuthGate
from andaman.identity.limits import Limits
from andaman.identity.owners import Owners
from andaman.identity.permissions import PERMISSIONS
from andaman.identity.policy import Policy, PolicyTable
from andaman.identity.recognition import Lifetimes
from andaman.identity.result_readers import Readership
from andaman.identity.roles import open_roles
from andaman.identity.service import Identity
from andaman.identity.store import KIND
from andaman.kernel.errors import Unavailable
from andaman.kernel.permissions import Permission
from andaman.kernel.time import HOUR, MINUTE, Clock, system_clock
from andaman.room import Built, Room, Site, setting

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class IdentitySettings:
    session_hours: int = setting(12, "A sign-in ends after this many hours.", 1, 720)
    session_idle_minutes: int = setting(
        60, "A sign-in that is not used ends after this many minutes.", 5, 43_200
    )
    sessions_max: int = setting(
        10, "Sign-ins of one person at the same time; a further one ends the oldest.", 1, 100
    )
    public_queries_per_minute: int = setting(
        600,
        "Questions that one address may ask without sign-in. A large answer counts as several (64 KB each), a watch as one; "
        "pages, files, tiles and single entities are free. "
        "0: no limit. Behind a proxy set trusted_proxies or https, or all visitors are one address.",
        0,
        1_000_000,
    )
    public_sockets_per_address: int = setting(
        30, "Live screens of one address without sign-in; 0: no limit.", 0, 100_000
    )
    roles_file: str = setting(
        "",
        "File with the city's own roles (TOML), which are added to those that ship; empty: roles.toml in the data directory, "
        "if it exists.",
    )


def open_identity(
    directory: Path,
    settings: IdentitySettings,
    permissions: Mapping[str, Permission],
    policy: Policy | None = None,
    clock: Clock = system_clock,
) -> Identity:
    """Accounts and tokens of a data directory; also while a server runs on it (for the command line). ``policy`` None: one
    of the roles in force alone. Raises Unavailable for a roles file that is not in order."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if policy is None:
        policy = Policy(PolicyTable(roles=open_roles(directory, settings.roles_file, permissions)))
    lifetimes = Lifetimes(
        idle=settings.session_idle_minutes * MINUTE,
        absolute=settings.session_hours * HOUR,
        sessions_max=settings.sessions_max,
    )
    return Identity(directory, policy, clock=clock, lifetimes=lifetimes)


def build(site: Site, settings: IdentitySettings) -> Built:
    if site.settings.no_auth and site.settings.host not in _LOOPBACK:
        raise Unavailable("--no-auth listens on loopback only; leave out --host or sign-in stays on")
    roles = open_roles(site.directory, settings.roles_file, site.permissions)
    policy = site.services.add(Policy(PolicyTable(roles=roles)))
    identity = site.services.add(
        open_identity(site.directory, settings, site.permissions, policy, site.clock)
    )
    site.services.add(Owners(identity, site.settings.no_auth))
    site.services.add(Readership(None if site.settings.no_auth else policy))
    identity.store.make_room = site.reserve.give_up
    origins = [site.settings.public_url.rstrip("/")] if site.settings.public_url else []
    limits = Limits(settings.public_queries_per_minute, settings.public_sockets_per_address)

    def gate(app: ASGIApp) -> ASGIApp:
        if site.settings.no_auth:
            return NoAuthGate(app, roles)
        return Gate(app, identity, allowed_origins=origins, limits=limits)

    return Built(
        around=gate,
        close=[identity.close],
        abandon=[identity.store.close],
        metrics=[] if site.settings.no_auth else [limits],
        late_metrics=[identity.tokens.metrics],
    )


ROOM = Room("identity", build, IdentitySettings, permissions=PERMISSIONS, stores=(KIND,), of_broker=True)
