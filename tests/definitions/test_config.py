"""The law of the file: export → everything is lost → import → the platform behaves as before."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from andaman.app import App
from andaman.city.registers import Registers
from andaman.cli import main
from andaman.command.service import CommandService
from andaman.definitions.config import exported, imported, planned
from andaman.definitions.problems import ConfigNotUnderstood, InUse
from andaman.definitions.service import Definitions
from andaman.offline import cli_actor
from tests.support import client, platform, run

ACTOR = cli_actor()


async def behaviour(app: App) -> dict[str, Any]:
    """What the definitions do, as their rooms see it once they have seen all changes."""
    await app.get(CommandService).watch.caught_up()
    registers = app.get(Registers)
    rules = app.get(CommandService).watch.engine("")
    roles = app.identity.roles
    return {
        "rows": {one.name: dict(registers.rows(one)) for one in registers.list_registers()},
        "rules": {rule.id: rule for rule in rules.rules},
        "roles": {row.name: row for row in roles.rows.values()},
    }


RULE = {
    "name": {"en": "Hot"},
    "definition": {
        "select": {"type": "WeatherObserved"},
        "when": {"attr": "temperature", "op": ">", "value": 40},
        "severity": "Minor",
        "headline": {"en": "Hot"},
    },
}


async def shuffle(app: App, rng: random.Random) -> None:
    """Changes of all kinds: rows copied under other keys, replaced and deleted."""
    definitions = app.get(Definitions)
    for key in ("hot", "hotter"):
        await definitions.put(
            definitions.kind("alert-rules"), key, {**RULE, "enabled": rng.random() < 0.7}, ACTOR, "why"
        )
    control = definitions.kind("change-control")
    for key in rng.sample(sorted(control.place.in_force()), 3):
        await definitions.put_checked(
            control, key, {"review": rng.random() < 0.5, "reason": rng.random() < 0.5}, ACTOR
        )
    for kind in definitions.kinds():
        if kind is control:
            continue
        in_force = dict(kind.place.in_force())
        for key in rng.sample(sorted(in_force), min(3, len(in_force))):
            name = f"copy{rng.randrange(100)}"
            document = in_force[key]
            if kind.name == "incident-types" and rng.random() < 0.5:
                document = {**document, "severity": "Minor"}
            await definitions.put_checked(kind, name, document, ACTOR)
            if key not in kind.place.kept() and rng.random() < 0.5:
                with contextlib.suppress(InUse):
                    content = await definitions._checked(kind, key, None)
                    await definitions.put_checked(kind, key, content, ACTOR)


@pytest.mark.parametrize("seed", range(3))
def test_export_wipe_import_behaves_the_same(tmp_path: Path, seed: int) -> None:
    async def work() -> None:
        async with platform(tmp_path / "old", pack="minicity") as app:
            await shuffle(app, random.Random(seed))
            assert all(kind.place.in_force() for kind in app.get(Definitions).kinds())
            before, file = await behaviour(app), orjson.dumps(exported(app.get(Definitions)))
        async with platform(tmp_path / "new", pack="minicity") as app:
            await shuffle(app, random.Random(seed + 100))
            definitions = app.get(Definitions)
            content = orjson.loads(file)
            would = await planned(definitions, content, delete=True)
            assert await imported(definitions, content, ACTOR, delete=True) == would
            assert await planned(definitions, content, delete=True) == []
            assert orjson.dumps(exported(definitions)) == file
            assert await behaviour(app) == before
        async with platform(tmp_path / "new", pack="minicity") as app:
            assert await behaviour(app) == before

    run(work)


def test_a_file_with_a_fault_changes_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app:
            definitions = app.get(Definitions)
            good = exported(definitions)
            faults: list[tuple[Any, str]] = [
                ([], "/"),
                ({"format": 2, "definitions": {}}, "format"),
                ({**good, "definitions": {"songs": {}}}, "definitions/songs"),
                ({**good, "definitions": {"unit-types": []}}, "definitions/unit-types"),
            ]
            incidents = good["definitions"]["incident-types"]
            wrong = {**incidents, "fire": {**incidents["fire"], "unitTypes": ["dragon"]}}
            faults.append(
                (
                    {**good, "definitions": {"incident-types": wrong}},
                    "definitions/incident-types/fire/unitTypes",
                )
            )
            wrong = {**incidents, "a b": incidents["fire"]}
            faults.append(
                ({**good, "definitions": {"incident-types": wrong}}, "definitions/incident-types/a b/code")
            )
            for content, place in faults:
                with pytest.raises(ConfigNotUnderstood) as refused:
                    await imported(definitions, content, ACTOR)
                assert refused.value.params["place"] == place
            with pytest.raises(InUse):  # kinds of incident need them still
                await imported(definitions, {**good, "definitions": {"unit-types": {}}}, ACTOR, delete=True)
            assert exported(definitions) == good

    run(work)


def test_over_http_roles_become_drafts(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app, "administrator") as http:
            file = (await http.get("/api/config")).json()
            file["definitions"]["roles"]["operator"]["permissions"].remove("drill.run")
            file["definitions"]["incident-types"]["fire"]["severity"] = "Minor"
            would = (await http.post("/api/config?try=true", json=file)).json()
            assert [one["step"] for one in would["changes"]] == ["draft", "replace"]
            apply = f"/api/config?token={would['token']}&file=mine.json"
            assert (await http.post(apply, json=file)).json()["code"] == "field-missing"
            done = (await http.post(f"{apply}&reason=why", json=file)).json()["changes"]
            assert {(one["kind"], one["step"]) for one in done} == {
                ("roles", "draft"),
                ("incident-types", "replace"),
            }
            assert "drill.run" in app.identity.roles.rows["operator"].permissions
        async with platform(tmp_path) as app, client(app, "analyst") as http:
            assert (await http.get("/api/config")).status_code == 403

    run(work)


def test_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, file = ["--data", str(tmp_path / "data")], tmp_path / "config.json"
    assert main(["config", "export", str(file), *data]) == 1
    assert "There is no data" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
    file.write_text('{"format": 1, "definitions": {}}')
    assert main(["config", "import", str(file), *data]) == 0
    assert main(["config", "export", str(file), *data]) == 0
    content = orjson.loads(file.read_bytes())
    content["definitions"]["incident-types"]["fire"]["severity"] = "Minor"
    file.write_bytes(orjson.dumps(content))
    assert main(["config", "import", "--try", str(file), *data]) == 0
    assert "replace incident-types/fire" in capsys.readouterr().out
    assert main(["config", "import", str(file), *data]) == 0
    capsys.readouterr()
    assert main(["config", "import", str(file), *data]) == 0
    assert "0 changed" in capsys.readouterr().err
    assert main(["config", "export", "--data", str(tmp_path / "data")]) == 0
    assert '"Minor"' in capsys.readouterr().out
    file.write_text("{")
    assert main(["config", "import", str(file), *data]) == 1
    assert "is not JSON" in capsys.readouterr().err
