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
_BLOCK = re.compile(r"```(python|markdown|diff|toml|json)\n# (\S+)\n(.*?)```", re.DOTALL)

ASK = """
import asyncio, json, sys
import httpx
from andaman.app import build
from andaman.identity.doors_page import doors_page
from andaman.identity.roles import shipped_roles
from andaman.settings import load_settings, settings_page

async def main(directory, environ):
    app = build(load_settings({"data": directory, "min_free_mb": 0}, environ=environ))
    await app.start()
    found = {"doors": doors_page(app.doors, app.site.permissions.values(), shipped_roles()), "settings": settings_page(), "prefixes": app.site.prefixes}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app.asgi), base_url="http://x") as http:
        for path in ("/api/air/level?pm25=40", "/api/air/level?pm25=-1", "/air-data/standard", "/air-data/unknown"):
            answer = await http.get(path)
            is_json = "json" in answer.headers["content-type"]
            found[path] = [answer.status_code, answer.json() if is_json else None]
    await app.stop()
    print(json.dumps(found))

asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
"""

ASK_TYPE = """
import json
from andaman.broker.entity.build import iri
from andaman.catalogue.seed import default_datasets
from andaman.identity.policy import default_writes
from andaman.rooms import TYPES

name = iri("EvacuationShelter")
held = [dataset.code for dataset in default_datasets(TYPES) if name in dataset.types]
writers = [rule.permission for rule in default_writes(TYPES, iri) if name in rule.types]
print(json.dumps({"datasets": held, "writers": writers}))
"""


ASK_ROLE = """
import json
from pathlib import Path
from andaman.identity.roles import open_roles
from andaman.rooms import PERMISSIONS

table = open_roles(Path("data"), permissions=PERMISSIONS)
mine = frozenset({"shiftLead"})
print(json.dumps([list(table.names), sorted(table.permissions_of(mine)), sorted(table.sees(mine))]))
"""


ASK_REGISTER = """
import asyncio, json
import httpx
from andaman.app import build
from andaman.definitions.service import Definitions
from andaman.offline import cli_actor
from andaman.settings import load_settings

async def main():
    app = build(load_settings({"data": "data", "min_free_mb": 0}, environ={}))
    await app.start()
    kind = app.get(Definitions).kind("air-advice")
    found = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app.asgi), base_url="http://x") as http:
        found.append((await http.get("/api/air/advice?pm25=60")).json())
        document = {"adviceFrom": 50, "advice": {"th": "อยู่ในอาคาร", "en": "Stay indoors"}}
        await app.get(Definitions).put(kind, "indoors", document, cli_actor())
        found.append((await http.get("/api/air/advice?pm25=60")).json())
    await app.stop()
    print(json.dumps([[one["en"] for one in answer] for answer in found]))

asyncio.run(main())
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


def run_in(copy: Path, *arguments: str) -> str:
    """What Python prints with the sources of the copy."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=copy,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ask(copy: Path, **environ: str) -> dict[str, object]:
    printed = run_in(copy, "-c", ASK, str(copy / f"data{len(environ)}"), json.dumps(environ))
    found: dict[str, object] = json.loads(printed.splitlines()[-1])
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    unwanted = shutil.ignore_patterns("*.so", "_compiled.json", "static", "__pycache__")
    shutil.copytree(ROOT / "src/andaman", tmp_path / "src/andaman", ignore=unwanted)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_a_room_a_door_and_a_setting_are_added_as_the_recipes_say(copy: Path) -> None:
    follow("Add a room", copy)
    follow("Add a door", copy)
    follow("Add a setting", copy)
    found = ask(copy, ANDAMAN_AIR_STANDARD="45")
    assert found["/api/air/level?pm25=40"] == [200, {"pm25": 40.0, "standard": 45.0, "above": False}]
    assert found["/air-data/standard"] == [200, {"standard": 45.0}]
    status, problem = found["/api/air/level?pm25=-1"]  # type: ignore[misc]
    assert (status, problem["field"]) == (400, "pm25")
    assert found["/air-data/unknown"][0] == 404  # type: ignore[index]
    assert "air-data/" in found["prefixes"]  # type: ignore[operator]
    assert "`air_standard`" in str(found["settings"])
    assert "/api/air/level" in str(found["doors"])
    assert "/air-data/standard" in str(found["doors"])


def test_an_entity_type_is_added_in_one_place(copy: Path) -> None:
    """Context, page, screens, dataset and write rule follow, and the laws of the vocabulary hold without another change."""
    for name in ("scripts", "docs", "web/src/generated", "tests/published"):
        shutil.copytree(ROOT / name, copy / name)
    shutil.copy(ROOT / "tests/test_vocabulary.py", copy / "tests")
    follow("Add an entity type", copy)
    run_in(copy, "scripts/make_generated.py")
    context = json.loads((copy / "src/andaman/broker/contexts/data/andaman.jsonld").read_text("utf-8"))
    assert {"EvacuationShelter", "shelterCapacity", "shelterState"} <= context["@context"].keys()
    assert "### `EvacuationShelter`" in (copy / "docs/vocabulary.md").read_text("utf-8")
    screens = (copy / "web/src/generated/vocabulary.ts").read_text("utf-8")
    assert "layer: 'shelters', searched: true" in screens
    assert "shelters: { words: { th: 'ศูนย์พักพิง', en: 'Shelters' }, on: true }" in screens
    found = json.loads(run_in(copy, "-c", ASK_TYPE).splitlines()[-1])
    assert found == {"datasets": ["public-places"], "writers": ["statistic.write"]}
    laws = run_in(copy, "-m", "pytest", "-q", "tests/test_vocabulary.py", "--timeout=60")
    assert " failed" not in laws


def test_a_register_is_added_with_its_first_rows(copy: Path) -> None:
    """The room reads its rows, and what people write is at work at once."""
    for title in ("Add a room", "Add a door", "Add a setting", "Add a register"):
        follow(title, copy)
    found = json.loads(run_in(copy, "-c", ASK_REGISTER).splitlines()[-1])
    assert found == [["Wear a mask outdoors"], ["Wear a mask outdoors", "Stay indoors"]]


def test_a_role_is_a_row(copy: Path) -> None:
    follow("Add a role", copy)
    names, permissions, sees = json.loads(run_in(copy, "-c", ASK_ROLE).splitlines()[-1])
    assert names == ["operator", "dispatcher", "analyst", "programme-office", "administrator", "shiftLead"]
    assert permissions == ["incident.close", "incident.read", "incident.step", "unit.assign"]
    assert sees == ["personal", "security", "unlisted"]


def test_every_recipe_has_its_heading() -> None:
    """Six things are added often; each has a recipe."""
    titles = re.findall(r"^## (Add an? .+)$", PAGE, re.MULTILINE)
    assert {f"Add a {one}" for one in ("room", "door", "setting", "role", "register")} <= set(titles)
    assert "Add an entity type" in titles
