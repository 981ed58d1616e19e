"""Law: the operations screen says within 15 seconds that its line is dead, also when nobody closed it; and it says nothing of a
time that nobody recorded."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.conftest import PASSWORD, Platform

pytestmark = pytest.mark.browser
SLOW = 20_000
DEAD_WITHIN = 15_000


class StallingProxy:
    """Passes bytes on, both ways, until it is ``stalled``: then it keeps all connections open and passes nothing."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.stalled = threading.Event()
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError):
                client, _ = self._listener.accept()
                self._open.append(client)
                if self.stalled.is_set():
                    continue  # taken, and never answered
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open.append(server)
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(65_536):
                while self.stalled.is_set() and not self._stop.is_set():
                    time.sleep(0.05)
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._stop.set()
        for one in self._open:
            with suppress(OSError):
                one.close()


@pytest.fixture
def proxy(platform: Platform) -> Iterator[StallingProxy]:
    made = StallingProxy(platform.port)
    yield made
    made.close()


@pytest.mark.parametrize("lang", ["en", "th"])
def test_a_stalled_line_is_shown(browser: Any, proxy: StallingProxy, lang: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(f"localStorage.setItem('andaman.lang','{lang}')")
    url = f"http://127.0.0.1:{proxy.port}"
    try:
        login = {"username": "dispatcher", "password": PASSWORD}
        assert context.request.post(f"{url}/auth/login", data=login).ok
        page = context.new_page()
        page.goto(url)
        live = {"en": "Live", "th": "ปัจจุบัน"}[lang]
        expect(page.locator(".state")).to_have_text(live, timeout=SLOW)
        time.sleep(6)  # a beat has come
        proxy.stalled.set()
        began = time.monotonic()
        lost = {"en": "Connection lost", "th": "ขาดการเชื่อมต่อ"}[lang]
        expect(page.locator(".state")).to_contain_text(lost, timeout=DEAD_WITHIN)
        assert time.monotonic() - began < DEAD_WITHIN / 1000
        expect(page.locator(".banner.lost")).to_be_visible()
        quiet = {"en": "The rules are active", "th": "ระบบกำลังเฝ้าระวัง"}[lang]
        expect(page.get_by_text(quiet)).to_have_count(0)
        time.sleep(14)  # a second line, which is taken and never answered, is no life either
        expect(page.locator(".state")).to_contain_text(lost)
        proxy.stalled.clear()
        expect(page.locator(".state")).to_have_text(live, timeout=2 * SLOW)
    finally:
        context.close()


def test_nothing_is_said_of_a_time_without_a_record(screens: Any) -> None:
    page = screens("dispatcher").open("/?at=2020-01-01T00:00:00Z")
    expect(page.get_by_text("No record of this time")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("The rules are active")).to_have_count(0)
