"""Laws of first starts. However a start ends (killed at any instant, a step that fails, a port that is taken, a mistake in a file that it
reads), it leaves nothing that stops the next one, and nothing that was acknowledged is lost. What was in use and is gone is missed all
the same.

``ANDAMAN_KILLS`` sets how many starts are killed, and as many fail (default: a few).
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from andaman.broker.ledger.schema import FILE
from andaman.cli import main
from andaman.kernel.errors import Unavailable
from andaman.maintenance import examine
from andaman.maintenance.losses import find_lost, known_stores
from andaman.maintenance.stores import precious
from andaman.rooms import STORES
from andaman.settings import load_settings

from .killed_start import Starter
from .support import platform, run

COUNT = max(5, int(os.environ.get("ANDAMAN_KILLS", "0")) // 4)


@pytest.fixture(scope="module")
def starter() -> Iterator[Starter]:
    with Starter() as one:
        yield one


def problems(directory: Path) -> list[str]:
    settings = load_settings({"data": str(directory), "port": 0, "min_free_mb": 0}, environ={})
    return [f"{f.subject}: {f.text}" for f in examine(settings, STORES) if f.level == "problem"]


def spread(total: int, count: int) -> list[int]:
    return sorted({1 + (total - 1) * n // max(1, count - 1) for n in range(count)})


@pytest.fixture(scope="module")
def steps(starter: Starter, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Steps of a start and its first writes: all, and those that can fail."""
    found = {}
    for how in ("kill", "fail"):
        answer = starter.order("work", tmp_path_factory.mktemp("steps") / "data", how=how)
        assert answer["status"] == 0
        found[how] = int(answer["told"][-1].split()[1])
    return found


def _comes_up(starter: Starter, data: Path, wanted: list[str], when: str) -> None:
    answer = starter.order("check", data, wanted=wanted)
    assert (answer["status"], answer["told"]) == (0, ["ended well"]), when


@pytest.mark.parametrize("how", ["kill", "fail"])
def test_however_a_first_start_ends_the_next_one_comes_up(
    starter: Starter, steps: dict[str, int], how: str, tmp_path: Path
) -> None:
    for at in spread(steps[how], COUNT):
        data = tmp_path / f"{at}"
        ended = starter.order("work", data, at=at, how=how)
        assert how == "fail" or ended["status"] in (-9, 0)
        _comes_up(starter, data, ended["told"], f"{how} at step {at} of {steps[how]}")
        shutil.rmtree(data)


def test_several_starts_may_end_badly_one_after_another(
    starter: Starter, steps: dict[str, int], tmp_path: Path
) -> None:
    data, wanted = tmp_path / "data", list[str]()
    for number, at in enumerate(spread(steps["kill"], COUNT)):
        wanted += starter.order("work", data, at=at, how="kill", number=number)["told"]
    _comes_up(starter, data, wanted, "after all of them")


MISTAKES = {
    "a port that is taken": [],
    "no mapping file": ["--mqtt-url", "mqtt://127.0.0.1:9", "--mqtt-mapping", "{tmp}/none.toml"],
    "a mistake in the mapping": ["--mqtt-url", "mqtt://127.0.0.1:9", "--mqtt-mapping", "{tmp}/wrong.toml"],
    "no mapping named": ["--mqtt-url", "mqtt://127.0.0.1:9"],
    "a pack that is not there": ["--pack", "nowhere"],
    "mirrors that are not there": ["--context-mirrors", "{tmp}/none.json"],
    "no sign-in towards all": ["--no-auth", "--host", "0.0.0.0"],
}


@pytest.mark.parametrize("way", [[], ["--broker-only"], ["--no-auth"]], ids=lambda way: "".join(way) or "all")
def test_a_mistake_of_the_first_start_is_mended_and_forgotten(
    starter: Starter, way: list[str], tmp_path: Path
) -> None:
    (tmp_path / "wrong.toml").write_text("[[topic]]\npatern = 'a/{d}'\n")
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for mistake, flags in MISTAKES.items():
            if way and mistake not in ("a port that is taken", "no mapping file"):
                continue
            more = [*way, "--port", str(taken.getsockname()[1]), *(one.format(tmp=tmp_path) for one in flags)]
            assert starter.order("serve", data, more=more)["status"] == 1, mistake
            assert find_lost(data, STORES) == [], mistake
            assert problems(data) == [], mistake
    _comes_up(starter, data, [], "mended")


def test_accounts_made_before_the_first_start_are_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert main(["token", "analyst", "--data", str(data)]) == 0
    assert not (data / FILE).exists()

    async def nothing() -> None:
        async with platform(data):
            pass

    run(nothing)
    assert set(precious(STORES)) <= known_stores(data)
    for path in data.glob("identity.db*"):
        path.unlink()
    with pytest.raises(Unavailable, match=r"identity\.db"):
        run(nothing)
    capsys.readouterr()


def _noted_nothing(data: Path) -> None:
    """As the release before left it."""
    db = sqlite3.connect(data / FILE)
    db.execute("DELETE FROM meta WHERE key='stores'")
    db.commit()
    db.close()
    (data / "contexts.db").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def lived(starter: Starter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("lived") / "data"
    assert starter.order("work", data)["status"] == 0
    return data


@pytest.mark.parametrize("name", precious(STORES))
@pytest.mark.parametrize("also", ["", "snapshots.db"])
def test_a_directory_of_the_release_before_misses_what_it_used(
    lived: Path, name: str, also: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(lived, tmp_path / "data"))
    _noted_nothing(data)
    for gone in {name, also} - {""}:
        (data / gone).unlink()
    assert find_lost(data, STORES) == [name]
    if name != "identity.db":  # the command line notes what there is; what is lost is missed all the same
        assert main(["token", "analyst", "--data", str(data)]) == 0
        assert find_lost(data, STORES) == [name]
    assert main(["serve", "--data", str(data), "--port", "0"]) == 1
    assert name in capsys.readouterr().err


@pytest.mark.parametrize("kept", [1, 3, 4])
def test_a_first_start_of_the_release_before_that_failed_is_gone_on_with(
    starter: Starter, kept: int, tmp_path: Path
) -> None:
    """It made its files in this order."""
    data = tmp_path / "data"
    assert starter.order("serve", data, more=["--pack", "nowhere", "--port", "0"])["status"] == 1
    assert starter.order("check", data, wanted=[])["status"] == 0
    order = ["identity.db", "registry.db", "deadletter.db", "ingest.db", "subscriptions.db", "snapshots.db"]
    _noted_nothing(data)
    db = sqlite3.connect(data / FILE)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    for name in order[kept + 1 :]:
        (data / name).unlink()
    assert find_lost(data, STORES) == []
    assert problems(data) == []
    _comes_up(starter, data, [], f"after {order[kept]}")


@pytest.mark.parametrize("name", ["subscriptions.db", "registry.db", "deadletter.db"])
def test_a_ledger_that_is_gone_is_missed_by_what_is_begun_after_it(
    lived: Path, name: str, tmp_path: Path
) -> None:
    """Such as where a restore was killed: it puts the ledger last."""
    data = tmp_path / "data"
    data.mkdir()
    for one in ("identity.db", "registry.db", "subscriptions.db", name):
        shutil.copy(lived / one, data / one)

    async def nothing() -> None:
        async with platform(data):
            pass

    with pytest.raises(Unavailable, match=FILE):
        run(nothing)
    assert not (data / FILE).exists()
    assert any(FILE in one for one in problems(data))
