"""Runs the sources of what was compiled: a finder that looks past machine code. For the laws that must hold either way."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType


class FromSource(MetaPathFinder):
    """Finds modules of the package by their ``.py`` only."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None or not fullname.startswith("andaman."):
            return None
        for folder in path:
            source = Path(folder) / f"{fullname.rpartition('.')[2]}.py"
            if source.is_file():
                return spec_from_file_location(fullname, source)
        return None


def install() -> None:
    """Before anything of the package is imported."""
    if any(name.startswith("andaman.broker") for name in sys.modules):
        raise RuntimeError("too late: parts of the package are imported already")
    sys.meta_path.insert(0, FromSource())
