"""What the rules keep on disk: their state, and marks of what happened between two rows of the journal.

A replay of the journal from the last state must meet the same things in the same order. The journal tells of every entity;
it does not tell when a deadline fired on the clock alone, nor that the platform was down. Those are *marks*: small,
fsynced before anything that follows from them is written, gone with the next state. All writing is done by one thread
of its own, in order; the loop only collects.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from andaman.command.definition import read_rule
from andaman.command.episode import Signal, SignalKind
from andaman.kernel.time import Micros

VERSION: Final = 2
_TURN_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class Mark:
    """After the journal row ``seq``: deadlines of a tenant fired up to ``at``, or (``tenant`` None) the platform came up
    at ``at`` after it was down."""

    seq: int
    tenant: str | None
    at: Micros


@dataclass(slots=True)
class State:
    """What was read back. ``rows`` as the watch wrote them."""

    offset: int
    alive: Micros
    rows: list[dict[str, Any]]


class Keeper:
    """Two files in a directory: ``rules-state.jsonl``, replaced whole, and ``rules-marks.jsonl``, appended to."""

    def __init__(self, directory: Path) -> None:
        self._state, self._marks = directory / "rules-state.jsonl", directory / "rules-marks.jsonl"
        self._new = self._state.with_suffix(".new")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rules-state")

    def close(self) -> None:
        """Finish what was given to write."""
        self._thread.shutdown()

    # -- reading --------------------------------------------------------------------------------------------
    def load(self) -> State | None:
        """None when there is no state; raises ValueError when it is damaged or of another version."""
        try:
            lines = self._state.read_bytes().splitlines()
        except FileNotFoundError:
            return None
        try:
            head, *rows = [orjson.loads(line) for line in lines]
            if head["version"] != VERSION or head["rows"] != len(rows):
                raise ValueError("It is of another version or not whole")
            return State(head["offset"], head["alive"], rows)
        except (KeyError, TypeError) as error:
            raise ValueError(f"It is not a state of the rules: {error!r}") from None

    def load_marks(self) -> list[Mark]:
        """In order; raises ValueError when the file is damaged. A last line that is not whole was never acted upon and is
        cut off, so that the next one begins anew."""
        try:
            found = self._marks.read_bytes()
        except FileNotFoundError:
            return []
        whole = found[: found.rfind(b"\n") + 1]
        if len(whole) < len(found):
            os.truncate(self._marks, len(whole))
        try:
            return [Mark(*orjson.loads(line)) for line in whole.splitlines()]
        except TypeError as error:
            raise ValueError(f"It is not a mark of the rules: {error!r}") from None

    # -- writing --------------------------------------------------------------------------------------------
    async def append(self, marks: Sequence[Mark]) -> None:
        """Returns when the marks are on disk."""
        lines = b"".join(orjson.dumps([m.seq, m.tenant, m.at]) + b"\n" for m in marks)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._append, lines)

    async def replace(self, offset: int, alive: Micros, rows: int, blocks: Sequence[bytes]) -> None:
        """Returns when the state is on disk in place of the last one; marks up to here are part of it. ``blocks`` hold
        ``rows`` lines together."""
        head = orjson.dumps({"version": VERSION, "offset": offset, "alive": alive, "rows": rows})
        await asyncio.get_running_loop().run_in_executor(self._thread, self._replace, head, blocks)

    def _append(self, lines: bytes) -> None:
        self._marks.parent.mkdir(parents=True, exist_ok=True)
        with self._marks.open("ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def _replace(self, head: bytes, blocks: Iterable[bytes]) -> None:
        self._write_new(head, blocks)
        self._put_in_place()
        self._drop_marks()

    def _write_new(self, head: bytes, blocks: Iterable[bytes]) -> None:
        self._new.parent.mkdir(parents=True, exist_ok=True)
        with self._new.open("wb") as file:
            file.write(head)
            for block in blocks:
                file.write(b"\n" + block)
            file.flush()
            os.fsync(file.fileno())

    def _put_in_place(self) -> None:
        self._new.replace(self._state)

    def _drop_marks(self) -> None:
        self._marks.unlink(missing_ok=True)


async def collect(rows: Iterable[dict[str, Any]]) -> tuple[int, list[bytes]]:
    """(Number of rows, their lines in blocks); after each ``_TURN_S`` the loop serves others."""
    blocks: list[bytes] = []
    count = 0
    lines: list[bytes] = []
    until = time.perf_counter() + _TURN_S
    for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is what is wanted
        lines.append(orjson.dumps(row))
        if time.perf_counter() > until:
            blocks.append(b"\n".join(lines))
            lines = []
            await asyncio.sleep(0)
            until = time.perf_counter() + _TURN_S
    if lines:
        blocks.append(b"\n".join(lines))
    return count, blocks


def dump_signal(tenant: str, signal: Signal) -> dict[str, Any]:
    """A signal that is still to be written, with its rule: that may be gone by the time it is read back."""
    rule = signal.rule
    members = [getattr(signal, name) for name in _MEMBERS]
    return {"tenant": tenant, "signal": members, "rule": dump_rule(rule.id, rule.source, rule.name)}


def load_signal(row: dict[str, Any]) -> Signal:
    members = dict(zip(_MEMBERS, row["signal"], strict=True))
    members |= {"kind": SignalKind(members["kind"]), "evidence": tuple(members["evidence"])}
    return Signal(rule=read_rule(*row["rule"]), **members)


def dump_rule(rule_id: str, source: Any, name: Any) -> list[Any]:
    """The arguments of ``read_rule``."""
    return [rule_id, source, name]


_MEMBERS: Final = (
    "kind", "alert_id", "step", "entity_id", "at", "onset", "last_seen", "severity", "occurrences", "evidence", "reason",
)  # fmt: skip
