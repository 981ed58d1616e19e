"""What the conformance suite wants around it: the platform, its remote @contexts, Mosquitto in place of a container."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MQTT_PORTS = (1883, 18885)
MIRROR_PORT = 18880
START_S = 60.0
CONTEXTS = (
    "https://raw.githubusercontent.com/marek-mraz/ngsi-ld-test-suite/main/resources/jsonld-contexts/",
    "https://forge.etsi.org/rep/cim/ngsi-ld-test-suite/-/raw/develop/resources/jsonld-contexts/",
    "https://easy-global-market.github.io/ngsild-api-data-models/ngsildTestSuite/",
    "https://fiware.github.io/",
)
"""Where the suite's files say their @contexts are: answered from its folder, by an empty one where it has none."""


@contextlib.contextmanager
def mirror(suite: Path) -> Iterator[None]:
    """The suite's remote @contexts from loopback."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            if Path(self.translate_path(self.path)).is_file():
                super().do_GET()
                return
            body = b'{"@context": {}}'
            self.send_response(200)
            self.send_header("content-type", "application/ld+json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def translate_path(self, path: str) -> str:
            name = "ngsi-ld-test-suite-compound.jsonld" if "compound" in path else Path(path).name
            return str(suite / "resources/jsonld-contexts" / name)

    http.server.ThreadingHTTPServer.allow_reuse_address = True
    server = http.server.ThreadingHTTPServer(("127.0.0.1", MIRROR_PORT), functools.partial(Handler))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def server(port: int, data: Path, log: Path | None, alias: str) -> Iterator[None]:
    """``andaman serve --no-auth`` on a scratch directory, ready to answer."""
    mirrors = " ".join(f"{prefix}=http://127.0.0.1:{MIRROR_PORT}/" for prefix in CONTEXTS)
    environ = {**os.environ, **_loopback_settings(), "ANDAMAN_CONTEXT_MIRRORS": mirrors}
    environ["ANDAMAN_SOURCE_ALIAS"] = alias
    command = [str(Path(sys.executable).parent / "andaman"), "serve", "--no-auth"]
    command += ["--data", str(data), "--port", str(port)]
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(log.open("wb")) if log else subprocess.DEVNULL
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=out)
        try:
            _wait_until_ready(port, process)
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            shutil.rmtree(data, ignore_errors=True)


def _loopback_settings() -> dict[str, str]:
    """Every setting that lets requests go out to loopback, and the suite's wish for pages of history."""
    from andaman.settings import TABLE

    wanted: dict[str, Any] = {"broker_only": "true", "temporal_page": 30}
    wanted |= {row.name: "true" for row in TABLE if row.name.endswith("allow_loopback")}
    names = {row.name for row in TABLE}
    return {f"ANDAMAN_{name.upper()}": str(value) for name, value in wanted.items() if name in names}


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with contextlib.suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2).close()
            return
        time.sleep(0.1)
    raise SystemExit(f"conformance: the platform does not start on port {port}; see --logs")


def container_shim(suite: Path, scratch: Path) -> Path:
    """A ``docker`` that understands the suite's two calls and starts or stops Mosquitto; returns its folder."""
    folder = scratch / "bin"
    folder.mkdir()
    passwords = scratch / "passwords"
    source = suite / "resources/mqttUtils/mosquitto/mosquitto_pwd"
    if source.exists():
        shutil.copy(source, passwords)
        passwords.chmod(0o600)
    listeners = "".join(f"listener {port} 127.0.0.1\n" for port in MQTT_PORTS)
    open_door = f"user root\n{listeners}allow_anonymous true\n"
    (scratch / "mosquitto.conf").write_text(open_door)
    with_user = f"user root\n{listeners}allow_anonymous false\npassword_file {passwords}\n"
    (scratch / "mosquitto_with_user.conf").write_text(with_user)
    shim = folder / "docker"
    shim.write_text(
        f"""#!/bin/sh
cd {scratch}
conf=$(echo "$@" | sed -n 's/.*CONF=\\([a-z_.]*\\).*/\\1/p')
if [ -f mosquitto.pid ]; then kill $(cat mosquitto.pid) 2>/dev/null; fi
while [ -f mosquitto.pid ] && kill -0 $(cat mosquitto.pid) 2>/dev/null; do sleep 0.05; done
rm -f mosquitto.pid mosquitto.log
[ -n "$conf" ] || exit 0
PATH="$PATH:/usr/sbin" mosquitto -c "$conf" >mosquitto.log 2>&1 &
echo $! >mosquitto.pid
for _ in $(seq 100); do grep -q running mosquitto.log && exit 0; sleep 0.1; done
"""
    )
    shim.chmod(0o755)
    return folder


def stop_mosquitto(scratch: Path) -> None:
    with contextlib.suppress(OSError, ValueError):
        os.kill(int((scratch / "mosquitto.pid").read_text()), signal.SIGTERM)
