"""Tampering with the journal is found, wherever it is done."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from andaman.broker.entity.build import prop
from andaman.broker.ledger.journal import verify
from andaman.broker.ledger.schema import FILE, connect
from andaman.broker.service import Broker
from tests.broker.ledger.world import SYSTEM, create, delete, put, with_broker


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("chain")

    async def work(broker: Broker) -> None:
        for n in range(10):
            await broker.write([create(n, speed=prop(n)), put(n, speed=prop(n + 1))], SYSTEM)
        await broker.write([delete(3)], SYSTEM)

    with_broker(directory, work)
    return directory


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE journal SET actor='user:nobody' WHERE seq=7", 7),
        ("UPDATE journal SET at=at+1 WHERE seq=1", 1),
        ("UPDATE journal SET changes=replace(changes, '5', '6') WHERE seq=9", 9),
        ("UPDATE journal SET entity_id=entity_id||'x' WHERE seq=21", 21),
        ("UPDATE journal SET tenant='other' WHERE seq=2", 2),
        ("UPDATE journal SET origin='elsewhere' WHERE seq=2", 2),
        ("UPDATE journal SET reason='because' WHERE seq=2", 2),
        ("UPDATE journal SET request='r1' WHERE seq=2", 2),
        ("UPDATE journal SET kind='deleted' WHERE seq=2", 2),
        ("UPDATE journal SET hash=zeroblob(32) WHERE seq=4", 4),
        ("UPDATE journal SET at='soon' WHERE seq=4", 4),
        ("UPDATE shape SET json='[[\"urn:other\"],[]]'", 1),
        ("DELETE FROM shape", 1),
        ("DELETE FROM journal WHERE seq=12", 12),
        ("DELETE FROM journal WHERE seq=21", 21),
        ("DELETE FROM journal WHERE seq>15", 16),
        ("UPDATE journal SET seq=22 WHERE seq=21", 21),
        ("UPDATE journal SET changes=(SELECT changes FROM journal WHERE seq=6) WHERE seq=5", 5),
    ],
)
def test_tampering_is_found(store: Path, tmp_path: Path, statement: str, row: int) -> None:
    """Any change of any column, a missing row, a swapped row: the walk names the first row that does not fit."""
    shutil.copy(store / FILE, tmp_path / FILE)
    assert verify(connect(tmp_path)).ok
    db = sqlite3.connect(tmp_path / FILE)
    db.execute(statement)
    db.commit()
    db.close()
    report = verify(connect(tmp_path))
    assert not report.ok
    assert report.broken_at == row
    assert str(row) in report.problem
