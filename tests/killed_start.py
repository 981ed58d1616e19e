"""Starts of the platform that are killed, or in which something fails, at a step that is counted: opening a file in the data directory,
making a directory, renaming, connecting to a database, each statement of SQL. Used by test_first_start.py.

``python -m tests.killed_start`` reads one order a line (JSON) and forks a process for each: what is imported once serves all.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from andaman.cli import main
from andaman.identity.model import Role
from andaman.maintenance import examine
from andaman.rooms import STORES
from andaman.settings import load_settings

from .support import client, platform, run

B: Final = "/ngsi-ld/v1"
_connect = sqlite3.connect
_EVENTS: Final = {"open", "os.mkdir", "os.rename", "os.remove", "os.chmod", "sqlite3.connect"}


class Starter:
    """The process that forks."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.killed_start"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def order(self, what: str, data: Path, **more: Any) -> dict[str, Any]:
        """``status``: how the process ended (below 0: the signal); ``told``: what it said until then, line by line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        log = data.parent / f"{data.name}.told"
        log.unlink(missing_ok=True)
        self._process.stdin.write(
            json.dumps({"what": what, "data": str(data), "log": str(log), **more}) + "\n"
        )
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        return {"status": status, "told": log.read_text().splitlines() if log.exists() else []}


def _work(data: Path, tell: Callable[[str], None], number: int) -> None:
    """A start, and what a first day brings; told is what was acknowledged."""

    async def work() -> None:
        async with platform(data) as app:
            tell("started")
            async with client(app, Role.ADMINISTRATOR) as http:
                tell("account test-administrator")
                for kind, path, body in (
                    ("entities", "entities", {"type": "Lamp", "power": {"type": "Property", "value": 1}}),
                    (
                        "subscriptions",
                        "subscriptions",
                        {
                            "type": "Subscription",
                            "entities": [{"type": "Shed"}],
                            "notification": {"endpoint": {"uri": "http://203.0.113.5/x"}},
                        },
                    ),
                    (
                        "registrations",
                        "csourceRegistrations",
                        {
                            "type": "ContextSourceRegistration",
                            "information": [{"entities": [{"type": "Shed"}]}],
                            "endpoint": "http://203.0.113.5/",
                        },
                    ),
                ):
                    answer = await http.post(f"{B}/{path}", json={"id": f"urn:{kind}:{number}", **body})
                    if answer.status_code == 201:
                        tell(f"{path}/urn:{kind}:{number}")
                answer = await http.post(
                    f"{B}/jsonldContexts", json={"@context": {"a": f"https://x.example/{number}"}}
                )
                if answer.status_code == 201:
                    tell("jsonldContexts/" + answer.headers["location"].rsplit("/", 1)[1])

    run(work)


def _check(data: Path, tell: Callable[[str], None], wanted: list[str]) -> None:
    """Told is what is wrong."""
    settings = load_settings({"data": str(data), "port": 0, "min_free_mb": 0}, environ={})
    for finding in examine(settings, STORES):
        young = finding.subject == "store" and "Start the platform to make one" in finding.text
        if finding.level == "problem" and not young:
            tell(f"doctor: {finding.subject}: {finding.text}")

    async def work() -> None:
        async with platform(data) as app:
            for account in (one.split()[1] for one in wanted if one.startswith("account ")):
                if account not in {one.username for one in app.identity.list_users()}:
                    tell(f"{account} is lost")
            async with client(app, Role.ADMINISTRATOR) as http:
                for path in (one for one in wanted if "/" in one):
                    answer = await http.get(f"{B}/{path}")
                    if answer.status_code != 200:
                        tell(f"{path} is lost: {answer.text}")

    run(work)
    tell("ended well")


class _Steps:
    """Counts, and ends the process or fails the step at one of them."""

    def __init__(self, data: str, at: int, how: str) -> None:
        self._data, self._at, self._how = data, at, how
        self._lock = threading.Lock()
        self.count = 0
        sys.addaudithook(self._heard)
        if how != "fail":  # an error in a statement is SQLite's to tell; a kill may come before any
            sqlite3.connect = self._connected  # type: ignore[assignment]

    def _connected(self, *args: Any, **more: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = _connect(*args, **more)
        if self._data in str(args[0]):
            made.set_trace_callback(lambda _: self._step())
        return made

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if event in _EVENTS and any(self._data in one for one in map(str, args[:2])):
            self._step()

    def _step(self) -> None:
        with self._lock:
            self.count += 1
            now = self.count == self._at
        if now and self._how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if now and self._how == "fail":
            raise OSError(errno.EIO, os.strerror(errno.EIO), self._data)


def _child(order: dict[str, Any]) -> int:
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(line: str) -> None:
        os.write(log, f"{line}\n".encode())

    data = Path(order["data"])
    match order["what"]:
        case "serve":
            return main(["serve", "--data", str(data), *order["more"]])
        case "check":
            _check(data, tell, order["wanted"])
        case _:
            steps = _Steps(str(data), order.get("at", 0), order.get("how", ""))
            _work(data, tell, order.get("number", 0))
            tell(f"steps {steps.count}")
    return 0


def _serve() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            sys.excepthook = _told
            try:
                status = _child(json.loads(line))
            except BaseException as error:
                _told(type(error), error, error.__traceback__)
                status = 70
            os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _told(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    print(f"{kind.__name__}: {getattr(error, 'detail', error)}", file=sys.stderr)


if __name__ == "__main__":
    _serve()
