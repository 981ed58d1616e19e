"""Compile the modules of the hot path to machine code in place, with mypyc: ``compile.py [--remove]``.

The sources stay what is written, read and tested; where nothing is compiled they run as they are, a tenth slower. Nothing is
done where what stands there is up to date. Needs a C compiler and Python's headers (Debian: gcc libc6-dev python3-dev); where
they are missing it says so and leaves the package interpreted, unless ``ANDAMAN_DEMAND_COMPILED=1``.
docs/decisions/0025 says why, and what may be on the list.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
sys.path.insert(0, str(SOURCE))  # a wheel is built where nothing is installed yet

from andaman.kernel.compiled import RECORD, digest, state  # noqa: E402

PACKAGE = SOURCE / "andaman"
GROUP = "andaman_compiled"
# Synchronous code that every write passes, without the event loop, threads or anything outside memory.
MODULES = (
    "broker/entity/apply.py",
    "broker/entity/expand.py",
    "broker/entity/hiding.py",
    "broker/entity/names.py",
    "broker/entity/values.py",
    "broker/indexing.py",
    "broker/ledger/batch.py",
    "broker/ledger/cache.py",
    "broker/ledger/merge.py",
    "broker/ledger/outbox.py",
    "broker/ledger/rows.py",
    "broker/query/evaluate.py",
    "broker/query/facts.py",
    "broker/query/index.py",
    "broker/subscriptions/changes.py",
    "broker/subscriptions/index.py",
    "broker/subscriptions/event_facts.py",
    "broker/subscriptions/threshold_index.py",
    "broker/subscriptions/area_cache.py",
)


class CompileError(Exception):
    """One sentence that says what is missing or went wrong."""


def suffix() -> str:
    return str(sysconfig.get_config_var("EXT_SUFFIX"))


def made() -> list[Path]:
    """The files that compiling left, of whatever interpreter."""
    return sorted([*PACKAGE.rglob("*.so"), *SOURCE.glob(f"{GROUP}__mypyc*.so")])


def remove() -> None:
    (PACKAGE / RECORD).unlink(missing_ok=True)
    for file in made():
        file.unlink()


def up_to_date() -> bool:
    found = state(PACKAGE, suffix())
    shared = SOURCE / f"{GROUP}__mypyc{suffix()}"
    return found.sources == tuple(sorted(MODULES)) and not found.stale and shared.is_file()


def missing() -> str:
    """What this machine lacks, or ""."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if os.environ.get("CC"):
        compiler = os.environ["CC"].split()[0]
    if shutil.which(compiler) is None:
        return f"the C compiler {compiler} (Debian: apt install gcc libc6-dev)"
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").is_file():
        return "Python's headers (Debian: apt install python3-dev)"
    for package in ("mypyc", "setuptools"):
        if importlib.util.find_spec(package) is None:
            return f"the package {package}"
    return ""


def build() -> None:
    """Compile what is not up to date. Raises CompileError; then everything is interpreted."""
    if up_to_date():
        return
    remove()
    lacks = missing()
    if lacks:
        raise CompileError(f"{lacks} is not here")
    _record()  # before: a source that changes meanwhile, or an end in the middle, is found out
    print(f"andaman: compiling {len(MODULES)} modules (half a minute, once)", flush=True)
    with tempfile.TemporaryDirectory(prefix="andaman-compile-") as work:
        log = Path(work) / "log"
        with log.open("wb") as out:
            done = subprocess.run(
                [sys.executable, __file__, "--in", work], cwd=SOURCE, stdout=out, stderr=subprocess.STDOUT
            )
        if done.returncode:
            remove()
            told = log.read_text(errors="replace").strip().splitlines()
            raise CompileError("mypyc failed:\n  " + "\n  ".join(told[-8:]))


def _record() -> None:
    record: dict[str, Any] = {
        "suffix": suffix(),
        "sources": {module: digest(PACKAGE / module) for module in MODULES},
    }
    (PACKAGE / RECORD).write_text(json.dumps(record, indent=1) + "\n")


def _mypyc(work: str) -> None:
    """In a process of its own, in the directory of the sources."""
    from mypyc.build import mypycify
    from setuptools import setup

    paths = [f"andaman/{module}" for module in MODULES]
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", f"{work}/cache"]
    os.environ.setdefault("CFLAGS", "-O2 -g0 -w")
    setup(
        name=GROUP,
        packages=[],
        ext_modules=mypycify([*options, *paths], group_name=GROUP, target_dir=f"{work}/c", opt_level="2"),
        script_args=[
            "-q",
            "build_ext",
            "--inplace",
            "--build-temp",
            f"{work}/o",
            "--build-lib",
            f"{work}/lib",
        ],
    )


def main() -> int:
    if sys.argv[1:2] == ["--in"]:
        _mypyc(sys.argv[2])
        return 0
    if sys.argv[1:] == ["--remove"]:
        remove()
        return 0
    try:
        build()
    except CompileError as error:
        print(f"andaman: not compiled, and about a tenth slower for it: {error}", file=sys.stderr)
        return int(os.environ.get("ANDAMAN_DEMAND_COMPILED") == "1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
