"""Law: whenever a process is killed, a store has every change that was acknowledged, and a position only with all that belongs to it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from andaman.kernel.tables import POSITIONS, Store, StoreKind, keyed_table

KIND = StoreKind("notes.db", "the notes", (keyed_table("note") + POSITIONS,), "there are no notes")


def write(path: Path) -> None:
    """Two rows and a position for each step, said on standard output once it is on disk."""
    store = Store(path, KIND)
    notes, step = store.table("note"), store.position("test") or 0
    while True:
        step += 1
        with store.transaction():
            notes.put("", f"a{step}", step)
            store.keep_position("test", step)
            notes.put("", f"b{step}", step)
        print(step, flush=True)


def test_a_kill_leaves_rows_and_position_together(tmp_path: Path) -> None:
    path, dice = tmp_path / "notes.db", random.Random(7)
    acknowledged = 0
    for _ in range(int(os.environ.get("ANDAMAN_KILLS", "5"))):
        writer = subprocess.Popen(
            [sys.executable, "-P", "-c", "import sys; from pathlib import Path; from tests.kernel.test_tables_kill "
             "import write; write(Path(sys.argv[1]))", str(path)],
            stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )  # fmt: skip
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(dice.random() / 10)
        writer.send_signal(signal.SIGKILL)
        said = [int(line) for line in writer.stdout if line.endswith("\n")]
        writer.wait()
        acknowledged = max([acknowledged, *said])
        store = Store(path, KIND)
        position = store.position("test") or 0
        names = {row.key for row in store.table("note").list_all()}
        assert position >= acknowledged
        assert names == {f"{letter}{step}" for letter in "ab" for step in range(1, position + 1)}
        store.close()
    assert acknowledged > 0
