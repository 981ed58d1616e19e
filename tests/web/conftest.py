"""A real server on a directory of its own, driven by Debian's Chromium. Nothing in these tests is faked."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright  # noqa: E402

CHROMIUM = os.environ.get("ANDAMAN_CHROMIUM") or "/usr/bin/chromium"
DEMANDED = os.environ.get("ANDAMAN_DEMAND_BROWSER") == "1"
ANDAMAN = [sys.executable, "-c", "import sys; from andaman.cli import main; sys.exit(main())"]
PASSWORD = "kluai-nam-wa-42-tonmai"
ROLES = {
    "programme": "programme-office",
    "admin": "administrator",
    "dispatcher": "dispatcher",
    "operator": "operator",
}
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The map needs WebGL; drawn in software where there is no graphics card.
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
CONTEXT = '</ngsi-ld/contexts/andaman.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Platform:
    """A server process that can be stopped and started again on the same data and port."""

    data: Path
    pack: str = "phuket"
    feeds: bool = False
    ahead: bool = False
    port: int = field(default_factory=_free_port)
    process: subprocess.Popen[bytes] | None = None
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *words: str, text: str | None = None) -> str:
        done = subprocess.run([*ANDAMAN, *words], input=text, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self) -> None:
        log = (self.data.parent / "server.log").open("ab")
        self.process = subprocess.Popen(
            [
                *ANDAMAN, "serve", "--data", str(self.data), "--port", str(self.port),
                "--pack", self.pack, "--feeds" if self.feeds else "--no-feeds", "--no-unit-simulator",
                "--compute-ahead" if self.ahead else "--no-compute-ahead",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail((self.data.parent / "server.log").read_text("utf-8")[-3000:])
            try:
                if httpx.get(f"{self.url}/api/health", timeout=1).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        pytest.fail("the server did not answer within 60 s")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def api(
        self, method: str, path: str, body: Any = None, role: str = "administrator", **headers: str
    ) -> Any:
        """A request with an API token of the role; fails on any error status."""
        if role not in self.tokens:
            self.tokens[role] = self.command("token", role, "--data", str(self.data)).split()[-1]
        answer = httpx.request(
            method,
            self.url + path,
            json=body,
            headers={"Authorization": f"Bearer {self.tokens[role]}", **headers},
            timeout=20,
        )
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:600]}"
        return answer.json() if answer.content else None

    def put_entity(self, entity: dict[str, Any]) -> None:
        """Create or update by NGSI-LD, as a device or a neighbour's system would."""
        self.api("POST", "/ngsi-ld/v1/entityOperations/upsert?options=update", [entity], Link=CONTEXT)


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One server for all browser tests: the Phuket pack, one account per role, no feeds."""
    yield from served(tmp_path_factory.mktemp("platform"))


def served(
    home: Path, pack: str = "phuket", *, feeds: bool = False, ahead: bool = False
) -> Iterator[Platform]:
    """A server with an account per role, stopped at the end. ``ahead``: it computes indicators and plans before a page asks."""
    made = Platform(home / "data", pack, feeds, ahead)
    for user, role in ROLES.items():
        made.command("user", "add", user, "--name", f"{user.title()} Test", "--role", role, "--password-stdin",
                     "--data", str(made.data), text=PASSWORD + "\n")  # fmt: skip
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, for these tests alone: as long as Playwright's loop is there, no other test can run one of its own."""
    if shutil.which(CHROMIUM) is None:
        if DEMANDED:
            pytest.fail(f"browser tests are demanded, but there is no Chromium at {CHROMIUM}")
        pytest.skip("no Chromium: apt install chromium, or set ANDAMAN_CHROMIUM")
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield made
        made.close()


@dataclass
class Screen:
    """One signed-in browser window, with what it complained about."""

    context: BrowserContext
    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.url + path)
        return self.page


@pytest.fixture
def screens(browser: Browser, platform: Platform) -> Iterator[Any]:
    """Opens windows: ``screens(user, lang, theme, size)``. Afterwards no script may have failed in any of them, and
    nothing may have been asked of another origin."""
    opened: list[Screen] = []

    def open_one(
        user: str | None = "dispatcher",
        lang: str = "en",
        theme: str = "dark",
        size: tuple[int, int] = (1440, 900),
    ) -> Screen:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="th-TH" if lang == "th" else "en-GB",
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        context.add_init_script(
            f"localStorage.setItem('andaman.lang','{lang}'); localStorage.setItem('andaman.theme','{theme}')"
        )
        if user is not None:
            answer = context.request.post(
                f"{platform.url}/auth/login", data={"username": user, "password": PASSWORD}
            )
            assert answer.ok, answer.text()
        screen = Screen(context, context.new_page(), platform.url)
        screen.page.on("pageerror", lambda error: screen.complaints.append(str(error)))
        screen.page.on(
            "console",
            lambda m: screen.complaints.append(m.text) if "Content Security Policy" in m.text else None,
        )
        screen.page.on(
            "request",
            lambda r: (
                None if r.url.startswith((platform.url, "data:", "blob:")) else screen.foreign.append(r.url)
            ),
        )
        opened.append(screen)
        return screen

    yield open_one
    for screen in opened:
        complaints, foreign = screen.complaints, screen.foreign
        screen.context.close()
        assert complaints == []
        assert foreign == []
