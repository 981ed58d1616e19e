"""Modules that were compiled to machine code when the package was built, and whether they still are what their sources say.

The same sources run interpreted where nothing was compiled. ``scripts/compile.py`` makes the machine code and writes beside the
package what it was made of (docs/decisions/0025).
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final, NamedTuple

RECORD: Final = "_compiled.json"
"""In the package's directory: ``{"suffix": of extension modules, "sources": {path in the package: SHA-256}}``."""


class Compiled(NamedTuple):
    """``stale``: those of ``sources`` whose text differs from the compiled text."""

    sources: tuple[str, ...]
    stale: tuple[str, ...]


def digest(source: Path) -> str:
    """What a source is recorded as; "" where it cannot be read."""
    try:
        return hashlib.sha256(source.read_bytes()).hexdigest()
    except OSError:
        return ""


def state(package: Path, suffix: str) -> Compiled:
    """What of the package at this place is compiled for the interpreter with this suffix of extension modules."""
    try:
        record = json.loads((package / RECORD).read_bytes())
        known: dict[str, str] = record["sources"] if record["suffix"] == suffix else {}
    except (OSError, ValueError, KeyError, TypeError):
        known = {}
    known = {name: of for name, of in known.items() if (package / name).with_suffix(suffix).is_file()}
    changed = [name for name, made_of in known.items() if digest(package / name) != made_of]
    return Compiled(tuple(sorted(known)), tuple(sorted(changed)))


@cache
def of_this_program() -> Compiled:
    """The same of the program that runs, as it was found first."""
    return state(Path(__file__).parents[1], EXTENSION_SUFFIXES[0])


def advice(found: Compiled) -> str:
    """What to do about stale modules."""
    return (
        f"{', '.join(found.stale)} changed after it was compiled, and the old code would run: "
        "`make compiled` compiles it again, `make interpreted` does without"
    )
