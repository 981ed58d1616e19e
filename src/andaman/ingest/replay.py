"""Recorded observations played again against the clock: the true time runs ``speed`` times as fast as ours.

The mapping from the true past to now is explicit: each entity carries ``origin`` "replayed" and ``replayOf`` with the
true time; ``observedAt`` is the time of the replay. After a restart the replay goes on where it stopped.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from andaman.broker.api import Doc
from andaman.ingest.model import FeedLink
from andaman.ingest.stamps import STEP_BACK
from andaman.kernel.time import SECOND, Micros, format_time

LONGEST_WAIT_S: Final = 30.0
BATCH: Final = 200
GAP_S: Final = 60
"""Between the last recording and the first again."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded observation. ``make(now)`` builds its entity with ``observedAt`` = now."""

    at: Micros  # the true time
    make: Callable[[Micros], Doc]


@dataclass(slots=True)
class Tape:
    """The position of the replay: true time ``true_at`` was played at our time ``our_at``; ``next`` is the next
    recording.
    """

    true_at: Micros
    our_at: Micros
    next: int = 0
    round: int = 0

    def true_time(self, now: Micros, speed: float) -> Micros:
        """The recorded time that is "now"; a clock that stepped back does not play anything twice."""
        return self.true_at + int(max(0, now - self.our_at) * speed)


class ReplayFeed:
    """A feed over recordings in order of time; after the last it begins again (``loop``) or ends."""

    def __init__(
        self,
        feed_id: str,
        name: dict[str, str],
        recordings: Sequence[Recording],
        speed: float,
        *,
        loop: bool = True,
        lead_in: int = 0,
        begin: Callable[[Micros], Micros] | None = None,
    ) -> None:
        """``begin``: now → the true time at which the very first start begins; the first recording when left out.
        ``lead_in``: so many recordings before that are played at once, so that no map begins empty."""
        if speed <= 0:
            raise ValueError(f"The speed of a replay is above 0, not {speed}")
        self.id = feed_id
        self.name = name
        self.origin = "replayed"
        self.speed = speed
        self.expected_s: float | None = None
        self._recordings = sorted(recordings, key=lambda recording: recording.at)
        self._times = [recording.at for recording in self._recordings]
        if len(self._times) > 1:
            longest = max(later - earlier for earlier, later in pairwise(self._times))
            self.expected_s = max(longest / speed / SECOND, GAP_S) + 2 * LONGEST_WAIT_S
        self._loop = loop
        self._lead_in = lead_in
        self._begin = begin
        self._tape: Tape | None = None
        self._last: dict[str, Micros] = {}  # entity → the time of its last observation

    def recorded_at(self, now: Micros) -> Micros | None:
        """The instant in the recording that is played now; None before the first start."""
        return None if self._tape is None else self._tape.true_time(now, self.speed)

    async def run(self, link: FeedLink) -> None:
        if not self._recordings:
            return
        tape = self._tape = self._wind(link)
        while True:
            now = link.clock()
            due = bisect_right(self._times, tape.true_time(now, self.speed))
            while tape.next < due:
                batch = self._recordings[tape.next : min(due, tape.next + BATCH)]
                await link.write(await self._made(batch, now, link))
                tape.next += len(batch)
                await self._keep(link, tape)
            link.ready()
            if tape.next >= len(self._recordings):
                if not self._loop:
                    return
                gap = SECOND * GAP_S
                tape = self._tape = Tape(self._times[0] - int(gap * self.speed), now, 0, tape.round + 1)
                await self._keep(link, tape)
            wait_s = (self._times[tape.next] - tape.true_time(now, self.speed)) / self.speed / SECOND
            await link.sleep(min(max(wait_s, 0.05), LONGEST_WAIT_S))
            if wait_s > LONGEST_WAIT_S:
                await self._keep(link, tape)  # time that has passed without an event counts too

    async def _made(self, batch: Sequence[Recording], now: Micros, link: FeedLink) -> list[Doc]:
        """Two recordings of one entity in a batch are two moments in its history: the later one is a microsecond later. One
        that cannot be read stops none of the others."""
        docs = []
        for recording in batch:
            try:
                doc = recording.make(now)
                last = self._last.get(doc["id"], 0)
                if last - STEP_BACK < now <= last:
                    doc = recording.make(last + 1)
                self._last[doc["id"]] = max(now, last + 1) if now > last - STEP_BACK else now
                docs.append(doc)
            except Exception as error:
                await link.reject(f"recording of {format_time(recording.at)}", error)
        return docs

    def _wind(self, link: FeedLink) -> Tape:
        """The tape as remembered, anchored to now: the time during which we did not run is not skipped."""
        memory = link.recall()
        now = link.clock()
        kept = [memory.get(name) for name in ("true_at", "next", "round", "of")]
        if all(type(one) is int for one in kept) and memory["of"] == len(self._recordings):
            return Tape(
                memory["true_at"], now, max(0, min(memory["next"], len(self._recordings))), memory["round"]
            )
        if self._begin is None:
            return Tape(self._times[max(0, min(self._lead_in, len(self._times)) - 1)], now)
        start = self._begin(now)
        return Tape(start, now, max(0, bisect_right(self._times, start) - self._lead_in))

    async def _keep(self, link: FeedLink, tape: Tape) -> None:
        true_at = tape.true_time(link.clock(), self.speed)
        await link.remember(
            {"true_at": true_at, "next": tape.next, "round": tape.round, "of": len(self._recordings)}
        )
