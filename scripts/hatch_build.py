"""Hatch build hook: puts the built screens into the wheel. Does nothing when they are up to date.

``ANDAMAN_SKIP_UI=1`` leaves the screens out (the server then answers with a page that says so).
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ScreensHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatch before it collects files. A source distribution carries sources, not built files."""
        if self.target_name != "wheel" or os.environ.get("ANDAMAN_SKIP_UI") == "1":
            return
        script = Path(self.root) / "scripts" / "build_ui.py"
        spec = importlib.util.spec_from_file_location("andaman_build_ui", script)
        if spec is None or spec.loader is None:
            raise SystemExit(f"screens: {script} cannot be loaded")
        build_ui = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(build_ui)
        try:
            build_ui.build()
        except build_ui.BuildError as error:
            raise SystemExit(f"screens: {error}") from None
