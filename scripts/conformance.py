"""Run the public NGSI-LD test suite (Robot Framework) from a folder given to it against a fresh platform.

``make conformance SUITE=/path/to/ngsi-ld-test-suite`` or, for a part of it, for example
``python scripts/conformance.py --suite DIR --only ContextInformation/Subscription --only 046_01``.

Starts everything that the suite wants, on loopback and scratch directories: the platform without sign-in (five of
them for the interoperability cases), a web server for the suite's remote @contexts, Mosquitto in place of its
container. Each test has a time limit; a hung run is killed, counted as failed and gone on with. Where the
system lets us, all of it happens in a network namespace of its own, so that the suite's fixed ports (8085-8087,
1883, …) are free and several runs may go on at once. Nothing of the suite is copied.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from conformance_world import MQTT_PORTS, container_shim, mirror, server, stop_mosquitto

SCRIPTS = Path(__file__).resolve().parent
MARK = "ANDAMAN_CONFORMANCE_ISOLATED"
TP, IOP = "TP/NGSI-LD", "IOP_TP/NGSI-LD/Interoperability"
IOP_BROKERS = 5
ALIAS = "antares"
"""One interoperability case reads the brokers' names in Via; these are the names it knows."""
HANG_S = 60.0
"""Beyond a test's limit: for what runs before and after it (set-ups, parsing)."""
CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"

Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything started is stopped
    options = _options(argv)
    suite = options.suite.resolve()
    if not (suite / TP).is_dir():
        print(f"conformance: {suite} has no {TP}; give the folder of the NGSI-LD test suite", file=sys.stderr)
        return 2
    if options.jobs > 1:
        return _in_parts(suite, options)
    if options.isolate and MARK not in os.environ:
        again = _in_own_network(sys.argv)
        if again is not None:
            return again
        print("conformance: no network namespace here; the suite's fixed ports must be free", file=sys.stderr)
    rows: list[Row] = []
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="andaman-conformance-")))
        shims = container_shim(suite, scratch)
        stack.callback(stop_mosquitto, scratch)
        for part, count in ((TP, 1), (IOP, IOP_BROKERS)):
            files = _chosen(suite, part, options)
            if not files:
                continue
            with contextlib.ExitStack() as brokers:
                brokers.enter_context(mirror(suite))
                ports = [options.port + at for at in range(count)]
                for number, port in enumerate(ports, 1):
                    log = options.logs / f"server-{port}.log" if options.logs else None
                    brokers.enter_context(server(port, scratch / f"{count}-{port}", log, f"{ALIAS}{number}"))
                rows += _run(suite, part, files, ports, shims, scratch, options)
    report = _report(suite, rows)
    _write(options.out, report)
    if options.table == "all":
        print(_markdown(report))
    return 0 if report["passed"] == report["cases"] else 1


def _shares(files: list[Path], jobs: int) -> list[list[Path]]:
    """Whole folders to each run, the slow ones first: some cases want the files before them in the same process."""
    folders: dict[Path, list[Path]] = {}
    for file in files:
        folders.setdefault(file.parent, []).append(file)

    def seconds(folder: Path) -> float:
        slow = "Notification" in folder.name or "Subscription" in folder.name
        return len(folders[folder]) * (6.0 if slow else 3.0 if "Interoperability" in folder.parts else 1.0)

    shares: list[list[Path]] = [[] for _ in range(jobs)]
    load = [0.0] * jobs
    for folder in sorted(folders, key=seconds, reverse=True):
        least = load.index(min(load))
        shares[least] += folders[folder]
        load[least] += seconds(folder)
    return [sorted(share) for share in shares if share]


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the NGSI-LD conformance suite from a folder.")
    parser.add_argument("--suite", type=Path, required=True, help="folder of the suite's work tree")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATH",
        help="part of a path below TP/NGSI-LD or IOP_TP/…/Interoperability, e.g. ContextInformation/Provision, "
        "046_01 or IOP_CNF_02; repeatable; default: everything",
    )
    parser.add_argument("--test", action="append", default=[], help="name or pattern of a test; repeatable")
    parser.add_argument("--part", choices=("TP", "IOP", "all"), default="all")
    parser.add_argument("--port", type=int, default=9090, help="first port (two cases want 9090)")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds a test may take")
    parser.add_argument("--out", type=Path, help="write PATH.json and PATH.md")
    parser.add_argument(
        "--logs", type=Path, help="keep Robot's log.html and the servers' logs in this folder"
    )
    parser.add_argument("--jobs", type=int, default=1, help="runs beside each other (tests mostly wait)")
    parser.add_argument("--files", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--table", choices=("all", "none"), default="all", help=argparse.SUPPRESS)
    parser.add_argument("--quiet", action="store_true", help="no line per failing test while it runs")
    parser.add_argument("--no-isolate", dest="isolate", action="store_false", help="stay in this network")
    default = os.environ.get("ROBOT_PYTHON", "")
    parser.add_argument(
        "--robot-python",
        default=default,
        help="Python with the suite's requirements (environment: ROBOT_PYTHON; default: SUITE-venv beside it)",
    )
    options = parser.parse_args(argv)
    if not options.robot_python:
        beside = Path(f"{options.suite.resolve()}-venv/bin/python")
        options.robot_python = str(beside if beside.exists() else sys.executable)
    if options.logs:
        options.logs = options.logs.resolve()
        options.logs.mkdir(parents=True, exist_ok=True)
    return options


def _in_own_network(argv: Sequence[str]) -> int | None:
    """Run this script again in a new network namespace with loopback only; None where that is not possible."""
    for flags in ("-n", "-rn"):
        command = ["unshare", flags, "sh", "-c", 'ip link set lo up && exec "$0" "$@"']
        with contextlib.suppress(OSError):
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return _waited([_started([*command, sys.executable, *argv], {MARK: "1"})])[0]
    return None


def _started(command: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env={**os.environ, **environ})


def _waited(processes: list[subprocess.Popen[bytes]]) -> list[int]:
    """Exit statuses; whatever ends this process ends those first."""
    try:
        return [process.wait() for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
                process.wait()


def _in_parts(suite: Path, options: argparse.Namespace) -> int:
    """Share the files out among several runs, each in a network of its own, and put their rows together."""
    files = [file for part in (TP, IOP) for file in _chosen(suite, part, options)]
    shares = _shares(files, options.jobs)
    with tempfile.TemporaryDirectory(prefix="andaman-conformance-parts-") as folder:
        outs = [Path(folder) / str(number) for number in range(len(shares))]
        processes = []
        for number, out in enumerate(outs):
            Path(f"{out}.files").write_text("\n".join(map(str, shares[number])))
            command = [sys.executable, __file__, "--suite", str(suite), "--files", f"{out}.files"]
            command += ["--out", str(out), "--limit", str(options.limit), "--port", str(options.port)]
            command += ["--robot-python", options.robot_python, "--table", "none"]
            command += ["--quiet"] if options.quiet else []
            command += [word for name in options.test for word in ("--test", name)]
            command += ["--logs", str(options.logs / str(number))] if options.logs else []
            processes.append(_started(command, {}))
        _waited(processes)
        rows = []
        for out in outs:
            if not Path(f"{out}.json").exists():
                raise SystemExit("conformance: a part of the run ended without a result; see above")
            rows += json.loads(Path(f"{out}.json").read_text())["rows"]
    report = _report(suite, rows)
    _write(options.out, report)
    print(_markdown(report))
    return 0 if report["passed"] == report["cases"] else 1


def _chosen(suite: Path, part: str, options: argparse.Namespace) -> list[Path]:
    if options.part != "all" and not part.startswith(f"{options.part}"):
        return []
    if options.files:
        listed = [Path(line) for line in options.files.read_text().splitlines()]
        return [file for file in listed if file.is_relative_to(suite / part)]
    files = sorted((suite / part).rglob("*.robot"))
    found = [file for file in files if file.name != "__init__.robot"]
    if not options.only:
        return found
    below = {file: file.relative_to(suite / part).as_posix() for file in found}
    return [file for file in found if any(f"/{one.strip('/')}" in f"/{below[file]}" for one in options.only)]


# -- running ------------------------------------------------------------------------------------------------
def _run(
    suite: Path,
    part: str,
    files: list[Path],
    ports: list[int],
    shims: Path,
    scratch: Path,
    options: argparse.Namespace,
) -> list[Row]:
    """All tests of the files, each with its outcome; a run that hangs is killed and the rest gone on with."""
    rows: list[Row] = []
    left = [str(file) for file in files]
    while left:
        events = scratch / "events.jsonl"
        events.write_text("")
        command = _robot(part, left, ports, events, options)
        environ = {**os.environ, "PATH": f"{shims}:{os.environ['PATH']}"}
        with (scratch / "robot.log").open("wb") as out:
            process = subprocess.Popen(
                command, cwd=suite, env=environ, stdout=out, stderr=out, start_new_session=True
            )
            done, current = _follow(process, events, options)
        rows += done
        if current is None:
            if not done:
                print((scratch / "robot.log").read_text("utf-8", "replace")[-3000:], file=sys.stderr)
            break
        hung = [name for name in current["tests"] if (current["file"], name) not in _names(done)]
        for name in hung:
            message = "The run hung here and was killed"
            rows.append({"file": current["file"], "test": name, "status": "FAIL", "message": message})
        left = left[left.index(current["file"]) + 1 :]
    for row in rows:
        row["part"] = part.partition("/")[0]
        row["file"] = Path(row["file"]).relative_to(suite / part).as_posix()
        parent = Path(row["file"]).parent.parts[: 2 if part == TP else 1]
        row["group"] = "/".join(parent)
    return rows


def _names(rows: list[Row]) -> set[tuple[str, str]]:
    return {(row["file"], row["test"]) for row in rows}


def _robot(
    part: str, files: list[str], ports: list[int], events: Path, options: argparse.Namespace
) -> list[str]:
    url = f"http://127.0.0.1:{ports[0]}/ngsi-ld/v1"
    variables = {
        "url": url,
        "temporal_api_url": url,
        "notification_server_host": "127.0.0.1",
        "context_source_host": "127.0.0.1",
        "context_server_host": "127.0.0.1",
        "mqtt_broker_host": "127.0.0.1",
        "mqtt_broker_non_default_port": str(MQTT_PORTS[1]),
        "core_context": CORE,
    }
    for at, port in enumerate(ports, 1):
        variables[f"b{at}_url"] = f"http://127.0.0.1:{port}/ngsi-ld/v1"
    listener = f"{SCRIPTS / 'conformance_listener.py'};{events};{options.limit}"
    command = [options.robot_python, "-m", "robot", "--listener", listener, "--console", "none"]
    if options.logs:
        command += ["--outputdir", str(options.logs)]
    else:
        command += ["--output", "NONE", "--log", "NONE", "--report", "NONE"]
    for name, value in variables.items():
        command += ["--variable", f"{name}:{value}"]
    for name in options.test:
        command += ["--test", name]
    return [*command, *files]


def _follow(
    process: subprocess.Popen[bytes], events: Path, options: argparse.Namespace
) -> tuple[list[Row], Row | None]:
    """Read the listener's lines until the end; the file that was under way if it was killed or died."""
    rows: list[Row] = []
    current: Row | None = None
    seen = time.monotonic()
    with events.open() as lines:
        while True:
            ended = process.poll() is not None
            text = lines.readline()
            if text:
                seen = time.monotonic()
                event = json.loads(text)
                if event["event"] == "file":
                    current = event
                elif event["event"] == "end":
                    rows.append(event)
                    if event["status"] == "FAIL" and not options.quiet:
                        print(f"FAIL {event['test']}: {_line(event['message'])[:300]}", flush=True)
                continue
            if ended:
                whole = process.returncode is not None and 0 <= process.returncode <= 250
                return rows, None if whole else current
            if time.monotonic() - seen > options.limit + HANG_S:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return rows, current
            time.sleep(0.1)


# -- telling ------------------------------------------------------------------------------------------------
def _report(suite: Path, rows: list[Row]) -> Row:
    commit = subprocess.run(
        ["git", "-C", str(suite), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    groups: dict[str, list[int]] = {}
    for row in rows:
        count = groups.setdefault(f"{row['part']} {row['group']}".strip(), [0, 0])
        count[0] += row["status"] == "PASS"
        count[1] += 1
    rows = sorted(rows, key=lambda row: (row["part"] != "TP", row["file"], row["test"]))
    failing = [row for row in rows if row["status"] != "PASS"]
    passed = len(rows) - len(failing)
    return {
        "suite_commit": commit,
        "passed": passed,
        "cases": len(rows),
        "groups": groups,
        "failing": failing,
        "rows": rows,
        "slowest": sorted(((r.get("seconds", 0), r["test"]) for r in rows), reverse=True)[:10],
    }


def _markdown(report: Row) -> str:
    lines = ["| group | passed | cases |", "|---|---|---|"]
    lines += [f"| {name} | {good} | {all_} |" for name, (good, all_) in sorted(report["groups"].items())]
    lines += [f"| **all** | **{report['passed']}** | **{report['cases']}** |", ""]
    for row in report["failing"]:
        lines.append(f"- {row['file']} · {row['test']}: {_line(row['message'])[:400]}")
    return "\n".join(lines)


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _write(out: Path | None, report: Row) -> None:
    if out is not None:
        Path(f"{out}.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
        Path(f"{out}.md").write_text(_markdown(report) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
