"""``andaman demo``: a city (Phuket unless another pack is named), live, with a sign-in for each role. What is simulated says so in the data and on screen."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from andaman.app import App, build
from andaman.city.pack import DemoAccount, base_demo_accounts, base_demo_staff
from andaman.city.room import City
from andaman.kernel.errors import Unavailable
from andaman.offline import cli_actor
from andaman.server import listen, run_blocking
from andaman.settings import Settings
from andaman.training.demo import SIGN_INS, simulated_staff
from andaman.training.service import TrainingService

DEFAULTS: Final = {
    "data": ".demo",
    "pack": "phuket",
    "feeds": True,
    "feed_speed": 60.0,
    "unit_simulator": True,
    "log_level": "warning",
}
_WORDS: Final = [
    "banyan",
    "cashew",
    "coral",
    "dolphin",
    "egret",
    "fern",
    "ginger",
    "heron",
    "ibis",
    "jasmine",
    "kapok",
    "lantern",
    "lotus",
    "mango",
    "monsoon",
    "orchid",
    "palm",
    "pearl",
    "pepper",
    "pier",
    "reef",
    "rubber",
    "sail",
    "sand",
    "shell",
    "squid",
    "starfish",
    "temple",
    "tide",
    "turtle",
]


def run_demo(settings: Settings, given: set[str]) -> int:
    """Build, install, serve; ``given`` names the settings that the command line set itself."""
    began = time.monotonic()
    settings = settings.replace(**{name: value for name, value in DEFAULTS.items() if name not in given})
    logging.getLogger().setLevel(settings.site.log_level.upper())
    sock = listen(settings.site.host, settings.site.port)
    _say(f"Opening the data in {settings.site.directory} …")
    app = build(settings)
    pack = app.get(City).pack
    people = pack.demo_accounts if pack else base_demo_accounts()
    accounts = _sign_ins(settings.site.directory, people)

    async def ready() -> None:
        await _make_accounts(app, people, accounts)
        app.get(TrainingService).certificates.simulated = frozenset(f"user:{one.username}" for one in people)
        training, staff = app.get(TrainingService), pack.demo_staff if pack else base_demo_staff()
        await training.seed(simulated_staff(training.staff.framework(), staff, app.site.clock()))
        host, port = sock.getsockname()[:2]
        _print_card(f"http://{host}:{port}/", people, accounts, time.monotonic() - began)

    shown = 0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        share = 100 * done // max(1, total)
        if share >= shown + 20 or done == total:
            shown = share
            _say(f"Loading the city pack: {done} of {total} entities")

    app.site.on_install = progress
    run_blocking(app, sock, ready)
    _say("Stopped; the data stays. `make demo` continues with it.")
    return 0


def _sign_ins(directory: Path, people: Sequence[DemoAccount]) -> dict[str, str]:
    """User name → password of the demo accounts: made once at random, kept readable for the owner only. An account that a
    later pack adds gets its own; the others keep theirs."""
    file = directory / SIGN_INS
    try:
        kept = json.loads(file.read_text("utf-8"))
        known = {str(k): str(v) for k, v in kept.items()} if isinstance(kept, dict) else {}
    except (OSError, ValueError):
        known = {}
    if known.keys() >= {one.username for one in people}:
        return known
    fresh = known | {
        one.username: "-".join(
            [*(secrets.choice(_WORDS) for _ in range(3)), str(secrets.randbelow(900) + 100)]
        )
        for one in people
        if one.username not in known
    }
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(fresh, out)
    except OSError as error:
        raise Unavailable(f"{file} cannot be written: {error.strerror}") from None
    return fresh


async def _make_accounts(app: App, people: Sequence[DemoAccount], accounts: dict[str, str]) -> None:
    known = {account.username for account in app.identity.list_users()}
    await asyncio.gather(
        *(
            app.identity.add_user(
                one.username,
                accounts[one.username],
                [one.role],
                cli_actor(),
                name=one.name,
                agency=one.agency,
            )
            for one in people
            if one.username not in known
        )
    )
    await app.identity.mark_demo_accounts((one.username for one in people), cli_actor())


def _print_card(url: str, people: Sequence[DemoAccount], accounts: dict[str, str], seconds: float) -> None:
    lines = [
        "",
        f"  Andaman is ready after {seconds:.1f} s:  {url}",
        "",
        "  role             user name     password",
    ]
    for one in people:
        lines.append(f"  {one.role:<16} {one.username:<13} {accounts[one.username]}")
    lines += [
        "",
        "  Vehicles follow the real timetable, weather and accidents are real records replayed, units are simulated;",
        "  the screens mark each. Ctrl-C stops everything.",
        "",
    ]
    print("\n".join(lines), flush=True)


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
