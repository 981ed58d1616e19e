from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from andaman.identity.model import system_actor
from andaman.identity.passwords import PasswordCost
from andaman.identity.service import Identity
from andaman.kernel.time import Micros, parse_time

CHEAP = PasswordCost(1, 8, 1)
ROOT = system_actor("test")
GOOD = "แมวสามตัว on a blue boat"


class FakeClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now: Micros = parse_time("2026-11-22T00:00:00Z")

    def __call__(self) -> Micros:
        return self.now


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def identity(tmp_path: Path, clock: FakeClock) -> Iterator[Identity]:
    made = Identity(tmp_path, clock=clock, password_cost=CHEAP)
    yield made
    made.store.close()
