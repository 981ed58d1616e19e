"""Backups by the clock: the running platform adds to a backup set, in a process of its own (job.py)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from andaman.broker.ledger.doctor import Finding
from andaman.kernel.errors import AndamanError, Unavailable
from andaman.kernel.metrics import Family, gauge
from andaman.kernel.time import MINUTE, SECOND, Clock, Micros, format_time, system_clock
from andaman.kernel.work import Timer
from andaman.maintenance.sets import read_set
from andaman.room import MB, AnySettings, SiteSettings, setting

log = logging.getLogger("andaman.backup")
FIRST_S: Final = 30.0
"""Writes that clients could not make while the platform was down come after its start. They are backed up soon, but not
in the rush of the start.
"""
_LATE: Final = 3
"""So many intervals without a backup are a problem."""


@dataclass(frozen=True)
class BackupSettings:
    backup_dir: str = setting(
        "",
        "Directory of the backup set that the running platform extends; outside the data directory, empty for none.",
    )
    backup_every_minutes: int = setting(15, "Time between two backups: what a lost disk costs.", 1, 10_080)
    backup_full_every_hours: int = setting(
        168, "Time between two complete copies (bases) in the backup set.", 1, 8_760
    )
    backup_keep: int = setting(
        4,
        "Bases kept in the backup set, with the journal since the oldest of them; older ones are removed. 0: all.",
        0,
        10_000,
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """The schedule in the settings. ``every``: between two backups; ``full_every_hours``: between two bases; ``keep``:
    bases kept with the journal behind them (0: all); ``spare``: bytes of the target's disk that a backup leaves free.
    """

    directory: Path
    target: Path
    every: Micros
    full_every_hours: float
    keep: int
    spare: int


def plan_of(site: SiteSettings, settings: BackupSettings) -> Plan | None:
    """None where no backups are wanted. Raises Unavailable for a set within the data directory."""
    if not settings.backup_dir:
        return None
    directory, target = site.directory, Path(settings.backup_dir).expanduser()
    if target.resolve().is_relative_to(directory.resolve()):
        raise Unavailable(
            f"backup_dir {target} is in the data directory {directory}: what harms the one would harm the other. "
            "Choose a directory elsewhere, best on another disk"
        )
    return Plan(
        directory,
        target,
        int(settings.backup_every_minutes * MINUTE),
        float(settings.backup_full_every_hours),
        int(settings.backup_keep),
        int(site.min_free_mb * MB),
    )


class BackupKeeper:
    """Background work of the platform; ``start`` and ``stop`` on the event loop. A failure is told in the log and by the
    metrics, and tried again at the next turn."""

    def __init__(self, plan: Plan, clock: Clock = system_clock) -> None:
        self.plan = plan
        self._clock = clock
        self._timer = Timer("Backups", self._turn)
        self._looked = False
        self.trouble = ""
        """Why the last backup failed; "" after one that did not."""
        self.made: Micros = 0
        """When the newest backup that is known to be complete was begun; 0: none yet."""

    async def start(self) -> None:
        await self._timer.start()

    async def stop(self) -> None:
        await self._timer.stop()

    async def _turn(self) -> float:
        """Seconds to the next one. The first looks for what there is."""
        every_s = self.plan.every / SECOND
        if self._looked:
            await self.back_up()
            return every_s
        await asyncio.to_thread(self._look)
        self._looked = True
        return min(max(FIRST_S, (self.made + self.plan.every - self._clock()) / SECOND), every_s)

    def _look(self) -> None:
        with contextlib.suppress(AndamanError, OSError):  # the backup itself will say what is wrong
            self.made = newest(self.plan.target)

    async def back_up(self) -> None:
        """One backup now; never raises."""
        plan, begun = self.plan, self._clock()
        arguments = [plan.directory, plan.target, plan.full_every_hours, plan.keep, plan.spare]
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "andaman.maintenance.job", *map(str, arguments),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            self._failed(f"no process could be started: {error}")
            return
        try:
            said, complained = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()  # what it has begun is swept by the next one
            await process.wait()
            raise
        if process.returncode:
            lines = complained.decode("utf-8", "replace").strip().splitlines()
            self._failed(lines[-1] if lines else f"the process ended with {process.returncode}")
            return
        self.trouble, self.made = "", begun
        log.info("backup: %s", said.decode("utf-8", "replace").strip())

    def _failed(self, why: str) -> None:
        self.trouble = why
        wait_min = self.plan.every / MINUTE
        log.error("The backup into %s failed; next try in %.0f min: %s", self.plan.target, wait_min, why)

    def metrics(self) -> Iterable[Family]:
        yield gauge("andaman_backup_trouble", "1 while the last scheduled backup failed.", bool(self.trouble))
        yield gauge(
            "andaman_backup_last_success_timestamp_seconds",
            "When the newest complete backup was begun (Unix time; 0: there is none).",
            self.made / SECOND,
        )


def newest(target: Path) -> Micros:
    """When the newest member of a set was begun; 0 where there is none. Raises BadRequestData where one is damaged."""
    return max((member.made for member in read_set(target)), default=0) if target.is_dir() else 0


def examine_backups(settings: AnySettings, now: Micros | None = None) -> list[Finding]:
    """What the doctor says of scheduled backups; nothing where there are none."""
    now = system_clock() if now is None else now
    try:
        plan = plan_of(settings.site, settings.of(BackupSettings))
        if plan is None:
            return []
        made = newest(plan.target)
        same_disk = made and plan.target.stat().st_dev == plan.directory.stat().st_dev
    except (AndamanError, OSError) as error:
        return [Finding("problem", "backup", getattr(error, "detail", str(error)))]
    if not made:
        text = f"{plan.target} has no backup yet. The running platform makes the first one a moment after its start."
        return [Finding("warning", "backup", text)]
    if now - made > _LATE * plan.every:
        hours = (now - made) / (60 * MINUTE)
        text = (
            f"The newest backup in {plan.target} is of {format_time(made)}, {hours:.1f} hours ago; one is due every "
            f"{plan.every / MINUTE:.0f} minutes. If the platform runs, its log says why (andaman.backup)."
        )
        return [Finding("problem", "backup", text)]
    remark = " It is on the data's own disk: copy it to another machine too." if same_disk else ""
    return [Finding("ok", "backup", f"The newest backup is of {format_time(made)}.{remark}")]
