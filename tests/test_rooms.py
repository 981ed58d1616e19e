"""Laws of the list of rooms: each stands alone, starts after those before it, and takes everything with it when it is left out."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from andaman.app import App, build
from andaman.http import prefixes_of
from andaman.kernel.errors import Unavailable
from andaman.room import Background, Built, NoSettings, Room, Services, Site
from andaman.rooms import BROKER_ROOMS, ROOMS
from andaman.settings import Settings, load_settings
from tests.support import client, platform, run

ROOT = Path(__file__).parents[1]


def test_each_room_has_one_name_and_a_page_that_says_what_it_must_never_do() -> None:
    assert len({room.name for room in ROOMS}) == len(ROOMS)
    for room in ROOMS:
        folder = ROOT / "src/andaman" / room.name.split(".")[0]
        assert "ever" in (folder / "README.md").read_text("utf-8"), room.name


def test_a_platform_that_is_only_a_broker_answers_for_no_other_room(tmp_path: Path) -> None:
    """Neither a route nor a background part of a room that is left out is there."""

    async def work() -> None:
        async with platform(tmp_path, broker_only=True, no_auth=True) as app, client(app) as http:
            absent = [room.name for room in ROOMS if room not in BROKER_ROOMS]
            assert {"command", "assessment", "roadmap", "training", "programme"} <= set(absent)
            for name in ("command", "assessment", "roadmap", "training", "programme"):
                assert not [d for d in app.doors if d.entry.path.startswith(f"/api/{name}")]
            for path in ("/api/command/summary", "/api/training", "/api/roadmap/measures", "/api/programme"):
                assert (await http.get(path)).status_code == 404, path
            assert (await http.get("/api/health")).status_code == 200
            assert (await http.get("/ngsi-ld/v1/types")).status_code == 200

    run(work)


def test_unknown_paths_below_a_machines_prefix_are_never_the_page(tmp_path: Path) -> None:
    """The page's router, the limits and the table of doors know the same prefixes: all come from the doors."""

    async def work() -> None:
        async with platform(tmp_path) as app, client(app) as http:
            assert app.site.prefixes == prefixes_of(app.doors)
            assert {"api/", "auth/", "ngsi-ld/", "tiles/", "live", "metrics"} <= set(app.site.prefixes)
            for prefix in app.site.prefixes:
                answer = await http.get(f"/{prefix}{'' if prefix.endswith('/') else '/'}nothing-here")
                assert "html" not in answer.headers["content-type"], prefix

    run(work)


def test_every_folder_of_modules_is_a_package() -> None:
    """The import contracts do not look into a folder without ``__init__.py``."""
    folders = {path.parent for path in (ROOT / "src/andaman").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


# -- the composer -----------------------------------------------------------------------------------------------------


class Part:
    def __init__(self, name: str, log: list[str], fails: str = "") -> None:
        self.name, self.log, self.fails = name, log, fails

    async def start(self) -> None:
        if self.fails == "start":
            raise RuntimeError(f"{self.name} does not start")
        self.log.append(f"+{self.name}")

    async def stop(self) -> None:
        self.log.append(f"-{self.name}")
        if self.fails == "stop":
            raise RuntimeError(f"{self.name} does not stop")


def room_of(name: str, log: list[str], fails: str = "") -> Room:
    def build(site: Site, settings: NoSettings) -> Built:
        parts: list[Background] = [Part(f"{name}1", log), Part(f"{name}2", log, fails)]
        return Built(background=parts, close=[lambda: log.append(f"x{name}")])

    return Room(name, build)


def chosen(directory: Path) -> Settings:
    return load_settings({"data": str(directory), "min_free_mb": 0}, environ={})


@pytest.mark.parametrize("fails", ["", "start", "stop"])
def test_rooms_start_in_order_and_stop_in_reverse_whatever_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fails: str
) -> None:
    log: list[str] = []
    rooms = [room_of("a", log), room_of("b", log, fails), room_of("c", log)]

    async def work() -> None:
        app = App(chosen(tmp_path), rooms=rooms)
        if fails == "start":
            with pytest.raises(RuntimeError, match="b2 does not start"):
                await app.start()
        else:
            await app.start()
        await app.stop()

    with caplog.at_level(logging.ERROR):
        asyncio.run(work())
    if fails == "start":
        assert log == ["+a1", "+a2", "+b1", "xc", "-b1", "xb", "-a2", "-a1", "xa"]
    else:
        assert log == [
            "+a1",
            "+a2",
            "+b1",
            "+b2",
            "+c1",
            "+c2",
            "-c2",
            "-c1",
            "xc",
            "-b2",
            "-b1",
            "xb",
            "-a2",
            "-a1",
            "xa",
        ]
    assert ("room b" in caplog.text) == bool(fails)


def test_a_room_that_comes_too_early_is_named(tmp_path: Path) -> None:
    (command,) = [room for room in ROOMS if room.name == "command"]
    with pytest.raises(LookupError, match="No room built so far offers Broker"):
        App(chosen(tmp_path), rooms=[command])


def test_a_service_is_offered_once() -> None:
    services = Services()
    services.add([1])
    with pytest.raises(LookupError, match="Two rooms offer list"):
        services.add([2])
    assert services.find(dict) is None


def test_a_room_that_cannot_be_built_leaves_nothing_open(tmp_path: Path) -> None:
    def fail(site: Site, settings: Any) -> Built:
        raise Unavailable("No room for this room")

    rooms = [*ROOMS[:-1], replace(ROOMS[-1], build=fail)]
    with pytest.raises(Unavailable, match="No room for this room"):
        App(chosen(tmp_path), rooms=rooms)
    build(chosen(tmp_path))  # the directory is free again
