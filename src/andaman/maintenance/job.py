"""One scheduled backup, as a process of its own: it takes nothing from the interpreter that serves requests.

python -m andaman.maintenance.job DATA SET FULL_EVERY_HOURS KEEP SPARE_BYTES
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from andaman.kernel.errors import AndamanError
from andaman.kernel.time import HOUR, Micros, system_clock
from andaman.maintenance.sets import backup_into, read_set


def wants_base(target: Path, every: Micros, now: Micros) -> bool:
    """Is the set's newest base older than ``every``, or is there none?"""
    bases = [member.made for member in read_set(target) if member.is_base] if target.is_dir() else []
    return not bases or now - max(bases) >= every


def main(arguments: list[str]) -> int:
    directory, target, full_every_hours, keep, spare = arguments
    os.nice(10)
    try:
        full = wants_base(Path(target), int(float(full_every_hours) * HOUR), system_clock())
        print(backup_into(Path(directory), Path(target), full=full, keep=int(keep), spare=int(spare)))
    except AndamanError as error:
        print(error.detail, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
