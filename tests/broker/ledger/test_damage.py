"""Damage to history's files is noticed where they are used, set aside, and answered from what the journal makes of them again.

``ANDAMAN_FLIPS`` sets at how many places bytes are flipped (default 8).
"""

from __future__ import annotations

import logging
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.entity.build import prop
from andaman.broker.history.segments import store
from andaman.broker.ledger.damage import Condition
from andaman.broker.ledger.doctor import doctor
from andaman.broker.ledger.historian import Historian
from andaman.broker.query.model import TemporalQuery
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import Unavailable
from tests.broker.ledger.world import SPEED, SYSTEM, put, urn, with_broker

FLIPS = int(os.environ.get("ANDAMAN_FLIPS", "8"))
ENTITIES = 12
_FILE = f"history/{store.FILE}"


class _Wire:
    """One question to a historian, and its answer."""

    def __init__(self, *question: Any) -> None:
        self._questions: list[Any] = [question]
        self.answer: tuple[Any, ...] = ()

    def recv(self) -> Any:
        if not self._questions:
            raise EOFError
        return self._questions.pop()

    def send(self, answer: tuple[Any, ...]) -> None:
        if answer[0] == "rights":
            self._questions.append((True, frozenset()))
        else:
            self.answer = answer


def _life(directory: Path) -> tuple[list[Any], bool]:
    """One life of the historian: what it answers, and whether it met damage and would end."""
    one = Historian(directory, 64, 10.0)
    answers: list[Any] = []
    try:
        one._feeder.drain()
        for n in range(ENTITIES):
            asked = (urn(n), [SPEED], TemporalQuery(), "")
            wire = _Wire("temporal", FULL_ACCESS.key, asked)
            one._serve(wire)  # type: ignore[arg-type]
            answers.append(wire.answer)
            if one._feeder.broken is not None:
                break
    except Exception as error:  # as ``run`` does
        one._feeder.break_off(error)
    broken = one._feeder.broken
    if broken is not None:
        one._condition.mark(broken)
    one._history.close()
    return answers, broken is not None


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a history of sorted and unsorted rows, numbers and texts."""
    directory = tmp_path_factory.mktemp("sound") / "data"

    async def work(broker: Broker) -> None:
        for n in range(150):
            value = n / 7 if n % 2 else f"text {n} " * 40
            await broker.write([put(k, speed=prop(value)) for k in range(ENTITIES)], SYSTEM)

    with_broker(directory, work)
    before, store.OPEN_ROWS = store.OPEN_ROWS, 1_000  # type: ignore[misc]
    try:
        one = Historian(directory, 64, 10.0)
        one._feeder.drain()
        while one._history.maintain():
            pass
        one._history.close()
    finally:
        store.OPEN_ROWS = before  # type: ignore[misc]
    return directory


@pytest.fixture
def data(sound: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound, tmp_path / "data")


def _heals(data: Path) -> bool:
    """It answers right, at the latest in the life after one that met damage; was something set aside?"""
    wanted, broken = _life(data)
    if broken:
        error = wanted[-1][1] if wanted else None
        assert error is None or isinstance(error, Unavailable), "who asked is told to ask again"
        wanted, broken = _life(data)
        assert not broken
    assert [answer[0] for answer in wanted] == ["doc"] * ENTITIES
    assert all(answer[1].count(b'"value"') == 150 for answer in wanted)
    return (data / "history.damaged").exists()


def test_flipped_bytes_anywhere(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    """4 KB at many places of the file: right answers in every case. What the engine uses is noticed, by the doctor too."""
    caplog.set_level(logging.CRITICAL)
    file = data / _FILE
    content = file.read_bytes()
    rnd = random.Random(7)
    noticed = 0
    for _ in range(FLIPS):
        place = rnd.randrange(len(content) - 4096)
        harmed = bytearray(content)
        harmed[place : place + 4096] = bytes(one ^ 0x5A for one in harmed[place : place + 4096])
        shutil.rmtree(data / "history.damaged", ignore_errors=True)
        shutil.rmtree(data / "history")
        (data / "history").mkdir()
        file.write_bytes(harmed)
        told = any(one.subject == "history" and one.level == "problem" for one in doctor(data))
        aside = _heals(data)
        assert told >= aside, "what is noticed in use, the doctor finds too"
        noticed += aside
    assert noticed > FLIPS // 5


def _gone(data: Path) -> None:
    (data / _FILE).unlink()


def _all_gone(data: Path) -> None:
    shutil.rmtree(data / "history")


def _empty(data: Path) -> None:
    (data / _FILE).write_bytes(b"")


def _zeros(data: Path) -> None:
    (data / _FILE).write_bytes(bytes(len((data / _FILE).read_bytes())))


def _cut(data: Path) -> None:
    os.truncate(data / _FILE, 20_000)


def _a_directory(data: Path) -> None:
    _gone(data)
    (data / _FILE).mkdir()


def _a_file(data: Path) -> None:
    _all_gone(data)
    (data / "history").write_text("no directory")


def _a_log_of_another(data: Path) -> None:
    (data / f"{_FILE}.wal").write_bytes(os.urandom(5_000))


def _no_table(name: str) -> Callable[[Path], None]:
    def harm(data: Path) -> None:
        import duckdb

        with duckdb.connect(str(data / _FILE)) as db:
            db.execute(f"DROP TABLE {name}")

    return harm


def _no_position(data: Path) -> None:
    import duckdb

    with duckdb.connect(str(data / _FILE)) as db:
        db.execute("DELETE FROM progress")


HARMS: list[tuple[Callable[[Path], None], bool]] = [
    (_gone, False),
    (_all_gone, False),
    (_empty, True),
    (_zeros, True),
    (_cut, True),
    (_a_directory, True),
    (_a_file, True),
    (_a_log_of_another, False),
    (_no_table("word"), True),
    (_no_table("entity"), True),
    (_no_table("segment"), True),
    (_no_table("progress"), True),
    (_no_position, True),
]


@pytest.mark.parametrize(("harm", "aside"), HARMS)
def test_files_that_are_gone_or_harmed(data: Path, harm: Callable[[Path], None], aside: bool) -> None:
    """The next start makes history again; what was there and of no use is kept aside, and the doctor names it."""
    harm(data)
    assert _heals(data) == aside
    named = [one for one in doctor(data) if one.subject == "leftover"]
    assert bool(named) == aside
    assert not any(one.level == "problem" for one in doctor(data))


def test_a_process_that_dies_while_it_opens_the_files(data: Path) -> None:
    """Twice, and the files are set aside: they may be what it dies of."""
    for death in range(3):
        condition = Condition(data / "history")
        condition.begin()
        assert (data / "history.damaged").exists() == (death == 2)
    assert _heals(data)


def test_trouble_of_the_machine_is_not_damage(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No room, no rights, too many files: nothing is set aside, the historian says so and is started again later."""
    import duckdb

    for said in (
        "No space left on device",
        "Permission denied",
        "Too many open files",
        "Out of Memory Error",
    ):

        def fails(*_: Any, said: str = said, **__: Any) -> None:
            raise duckdb.IOException(f"IO Error: {said}")

        monkeypatch.setattr(store.duckdb, "connect", fails)
        with pytest.raises(Unavailable, match="cannot be opened"):
            Historian(data, 64, 10.0)
    monkeypatch.undo()
    assert not _heals(data)
