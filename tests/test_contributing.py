"""The recipes of CONTRIBUTING.md work: each is followed in a copy of the sources, and the copy then has what it promises."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
_BLOCK = re.compile(r"```(python|markdown|diff)\n# (\S+)\n(.*?)```", re.DOTALL)

ASK = """
import asyncio, json, sys
import httpx
from andaman.app import build
from andaman.identity.doors_page import doors_page
from andaman.settings import load_settings, settings_page

async def main(directory, environ):
    app = build(load_settings({"data": directory, "min_free_mb": 0}, environ=environ))
    await app.start()
    found = {"doors": doors_page(app.doors), "settings": settings_page(), "prefixes": app.site.prefixes}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app.asgi), base_url="http://x") as http:
        for path in ("/api/air/level?pm25=40", "/api/air/level?pm25=-1", "/air/standard", "/air/unknown"):
            answer = await http.get(path)
            is_json = "json" in answer.headers["content-type"]
            found[path] = [answer.status_code, answer.json() if is_json else None]
    await app.stop()
    print(json.dumps(found))

asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
"""


def recipe(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def follow(title: str, copy: Path) -> None:
    """Write the recipe's files, and apply its changes: each says what it replaces, which must be there once."""
    steps = _BLOCK.findall(recipe(title))
    assert steps, title
    for kind, name, body in steps:
        file = copy / name
        if kind != "diff":
            file.parent.mkdir(exist_ok=True)
            file.write_text(body, "utf-8")
            continue
        lines = body.splitlines()
        before = "\n".join(line[1:] for line in lines if line[:1] in "- ")
        after = "\n".join(line[1:] for line in lines if line[:1] in "+ ")
        text = file.read_text("utf-8")
        assert text.count(before) == 1, f"{title}: {name} does not have once: {before}"
        file.write_text(text.replace(before, after), "utf-8")


def ask(copy: Path, **environ: str) -> dict[str, object]:
    directory = copy / f"data{len(environ)}"
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(directory), json.dumps(environ)],
        env={**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    unwanted = shutil.ignore_patterns("*.so", "_compiled.json", "static", "__pycache__", "phuket")
    shutil.copytree(ROOT / "src/andaman", tmp_path / "src/andaman", ignore=unwanted)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_a_room_a_door_and_a_setting_are_added_as_the_recipes_say(copy: Path) -> None:
    follow("Add a room", copy)
    follow("Add a door", copy)
    follow("Add a setting", copy)
    found = ask(copy, ANDAMAN_AIR_STANDARD="45")
    assert found["/api/air/level?pm25=40"] == [200, {"pm25": 40.0, "standard": 45.0, "above": False}]
    assert found["/air/standard"] == [200, {"standard": 45.0}]
    status, problem = found["/api/air/level?pm25=-1"]  # type: ignore[misc]
    assert (status, problem["field"]) == (400, "pm25")
    assert found["/air/unknown"][0] == 404  # type: ignore[index]
    assert "air/" in found["prefixes"]  # type: ignore[operator]
    assert "`air_standard`" in str(found["settings"])
    assert "/api/air/level" in str(found["doors"])
    assert "/air/standard" in str(found["doors"])


def test_every_recipe_has_its_heading() -> None:
    """Five things are added often; a recipe that is not written says so."""
    titles = re.findall(r"^## (Add an? .+)$", PAGE, re.MULTILINE)
    assert {f"Add a {one}" for one in ("room", "door", "setting", "register")} <= set(titles)
    assert "Add an entity type" in titles
