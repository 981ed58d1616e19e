"""Hatch build hook: puts the built screens into the wheel, and machine code where it is asked for.

``ANDAMAN_SKIP_UI=1`` leaves the screens out (the server then answers with a page that says so). ``ANDAMAN_COMPILED=1`` makes a
wheel for this kind of machine and interpreter, with the hot path compiled (scripts/compile.py); else it fits any.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Hook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatch before it collects files. A source distribution carries sources, not built files."""
        if self.target_name != "wheel":
            return
        if os.environ.get("ANDAMAN_SKIP_UI") != "1":
            build_ui = self._script("build_ui")
            try:
                build_ui.build()
            except build_ui.BuildError as error:
                raise SystemExit(f"screens: {error}") from None
        if version != "editable" and os.environ.get("ANDAMAN_COMPILED") == "1":
            compile_ = self._script("compile")
            try:
                compile_.build()
            except compile_.CompileError as error:
                raise SystemExit(f"machine code: {error}") from None
            for file in [*compile_.made(), compile_.PACKAGE / compile_.RECORD]:
                build_data["force_include"][str(file)] = file.relative_to(compile_.SOURCE).as_posix()
            build_data["pure_python"] = False
            build_data["infer_tag"] = True

    def _script(self, name: str) -> ModuleType:
        script = Path(self.root) / "scripts" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"andaman_{name}", script)
        if spec is None or spec.loader is None:
            raise SystemExit(f"{script} cannot be loaded")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
