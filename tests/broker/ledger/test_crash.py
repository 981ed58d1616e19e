"""Kill -9 at any instant loses nothing that was acknowledged, and leaves nothing half done.

``ANDAMAN_KILLS`` sets how often (default 240). A kill ends the process, not the machine: what this proves is the
order "on disk, then yes"; that each commit is synced to the device is test_commits_are_synced's part.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from andaman.broker.entity.build import iri
from andaman.broker.ledger.journal import Journal, verify
from andaman.broker.ledger.rows import fold
from andaman.broker.ledger.schema import connect
from andaman.broker.model import Event, EventKind
from andaman.broker.query.model import EntityQuery, EvolutionQuery, TemporalQuery
from andaman.broker.service import Broker
from andaman.identity.model import FULL_ACCESS
from tests.broker.ledger.world import with_broker

KILLS = int(os.environ.get("ANDAMAN_KILLS", "240"))
COUNT = iri("count")


class Nursery:
    """The process that forks victims, and the reading end of what they say."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.broker.ledger.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )

    def life(self, directory: Path, seed: int, history: bool, seconds: float) -> list[tuple[int, str, int]]:
        """Let one child live for so long after it opened the store (or kill it while it opens), and return its
        acknowledgements: (seq, entity, number; -1 for a deletion)."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{directory} {seed} {int(history)}\n".encode())
        self.process.stdin.flush()
        out = self.process.stdout
        word, pid = out.readline().split()
        assert word == b"pid"
        if seconds >= 0:
            assert out.readline() == b"open\n"
            time.sleep(seconds)
        else:
            time.sleep(-seconds)
        os.kill(int(pid), signal.SIGKILL)
        acks = []
        while (line := out.readline()) != b"end\n":
            assert line, "the nursery died"
            for ack in line.decode().strip().split(";"):
                if ack != "open":
                    _, seq, name, number = ack.split()
                    acks.append((int(seq), name, int(number)))
        return acks

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    one = Nursery()
    yield one
    one.close()


def _told(event: Event) -> tuple[str, int]:
    """(entity, number) of an event, as the child tells it."""
    name = event.entity_id.removeprefix("urn:ngsi-ld:Thing:")
    if event.kind is EventKind.DELETED or (event.told is not None and event.told["do"] == "erase"):
        return name, -1
    if event.told is not None:
        return name, event.told["attrs"][COUNT][0]["value"]
    after = next(change.after for change in event.changes if change.attr == COUNT)
    assert after is not None
    return name, after[0]["value"]


def _check(directory: Path, acks: list[tuple[int, str, int]], after: int) -> int:
    """Every acknowledgement is in the journal at its place; pairs are whole; state = replay. New end of journal."""
    db = connect(directory, write=True)
    if db.execute("PRAGMA user_version").fetchone() == (0,):  # killed before the store was made
        assert not acks
        return 0
    journal = {event.seq: event for event in Journal(db).slice(after, 1_000_000)}
    for seq, name, number in acks:
        assert _told(journal[seq]) == (name, number)
    numbers = [_told(event) for event in journal.values()]
    made = [one for one in numbers if one[1] >= 0]
    assert len(made) == len(set(made)), "an operation was applied twice"
    for side, other in (("a", "b"), ("b", "a")):
        mine = {(n[:-1], v) for n, v in made if n.startswith("pair") and n.endswith(side)}
        theirs = {(n[:-1], v) for n, v in made if n.startswith("pair") and n.endswith(other)}
        assert mine == theirs, "half of an atomic request was written"
    last: dict[str, Event] = {event.entity_id: event for event in journal.values()}
    for entity_id, event in last.items():
        row = db.execute("SELECT seq, body FROM entity WHERE tenant='' AND id=?", (entity_id,)).fetchone()
        if event.kind in (EventKind.DELETED, EventKind.TEMPORAL):
            assert row is None
        else:
            assert row[0] == event.seq
            assert orjson.loads(row[1])["attrs"][COUNT][0]["value"] == _told(event)[1]
    end: int = db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0]
    db.close()
    return end


@pytest.mark.slow
def test_history_catches_up_after_kills_without_doubles(tmp_path: Path, nursery: Nursery) -> None:
    """Killed while the tail moves over, again and again: in the end history has each value of the journal once."""
    rnd = random.Random(2565)
    end = 0
    for kill in range(max(3, KILLS // 40)):
        acks = nursery.life(tmp_path, kill + 1, True, rnd.uniform(0.3, 1.3))
        end = _check(tmp_path, acks, end)
    db = connect(tmp_path)
    events = Journal(db).slice(0, 10_000_000)
    db.close()
    wanted = TemporalQuery(limit_instances=1_000_000, timeproperty="modifiedAt")

    erased = {tuple(event.told["at"]) for event in events if event.told and event.told["do"] == "erase"}

    async def series(broker: Broker) -> list[Any]:
        names = [*map(str, range(30)), "pair0a", "pair0b", "past0", "past1", "past2"]
        answers = []
        for name in names:
            told = [
                n
                for event in events
                if _told(event)[0] == name and (n := _told(event)[1]) >= 0 and (event.seq, 0) not in erased
            ]
            if told:
                entity_id = f"urn:ngsi-ld:Thing:{name}"
                found = await broker.temporal(entity_id, [COUNT], wanted, FULL_ACCESS)
                assert [instance["value"] for instance in found[COUNT]] == told
                one = EvolutionQuery(wanted, (EntityQuery(ids=(entity_id,)),))
                answers.append(await broker.evolutions(one, FULL_ACCESS))
        return answers

    before = with_broker(tmp_path, series, history=True)
    shutil.rmtree(tmp_path / "history")
    assert with_broker(tmp_path, series, history=True) == before, "made again, history tells something else"


@pytest.mark.slow
def test_kill_at_any_instant(tmp_path: Path, nursery: Nursery) -> None:
    """Hundreds of kills at random points under load, all on the same few stores, so that damage would add up."""
    rnd = random.Random(20260922)
    acknowledged = 0
    directory, end = tmp_path / "0", 0
    for kill in range(KILLS):
        if kill % 60 == 0:
            directory, end = tmp_path / str(kill), 0
        seconds = rnd.choice([-rnd.uniform(0.002, 0.02), rnd.uniform(0, 0.01), rnd.uniform(0, 0.08)])
        acks = nursery.life(directory, kill + 1, False, seconds)
        acknowledged += len(acks)
        if directory.exists() and (directory / "ledger.sqlite3").exists():
            end = _check(directory, acks, end)
        if kill % 20 == 19:
            db = connect(directory)
            report = verify(db)
            assert report.ok, report.problem
            assert report.rows == end
            state = fold(Journal(db).slice(0, 1_000_000))
            stored = {
                (tenant, entity_id): orjson.loads(body)
                for tenant, entity_id, body in db.execute("SELECT tenant, id, body FROM entity")
            }
            assert stored == state
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            db.close()
    assert acknowledged > 5 * KILLS, "too little was written to prove anything"
    with_broker(directory, _alive)


async def _alive(broker: object) -> None:
    return None
