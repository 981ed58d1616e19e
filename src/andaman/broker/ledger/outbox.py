"""Requests on their way to the writer: which go together, who merges them, and when.

The *pen* is the loop's while nothing is with the writer: then it merges a few small requests itself and hands over a finished batch.
Else requests go to the writer's thread as they are. Either way they come into the journal in the order of their calls.
See docs/decisions/0024.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from andaman.broker.ledger.batch import Batch, Request
from andaman.broker.ledger.writer import Writer
from andaman.broker.model import TEMPORAL_OPS

LARGE: Final = 32
"""Operations of a request, above which the writer's thread merges it: the loop has others to serve."""
HERE: Final = 128
"""Operations that the loop merges for one commit."""
_LARGE_BYTES: Final = 64 << 10
_ENOUGH: Final = 24  # requests that are worth a commit in the middle of a turn of the loop
_GATHER_S: Final = 0.002
_LAST: Final = 8  # commits by which it is known how many requests are usual


class Outbox:
    """On the loop's thread; ``applied`` takes a batch that there is nothing to write of."""

    def __init__(self, writer: Writer, applied: Callable[[Batch], None]) -> None:
        self._writer = writer
        self._applied = applied
        self._waiting: deque[Request] = deque()
        self._large = 0  # of those that wait
        self._with_writer = 0  # requests and errands
        self._merged = False  # all that the writer has was merged here
        self._sizes: deque[int] = deque([1], maxlen=_LAST)
        self._usual = 1  # the most of these
        self._gathering: asyncio.TimerHandle | None = None

    @property
    def idle(self) -> bool:
        """Does nothing wait, here or with the writer?"""
        return not self._waiting and not self._with_writer and self._gathering is None

    def put(self, request: Request, loop: asyncio.AbstractEventLoop) -> None:
        """Send it on, with others that come at the same time."""
        if not self._waiting:
            # What arrives in this turn of the loop goes over in one piece …
            loop.call_soon(self.gather, loop)
        self._waiting.append(request)
        if _is_large(request):
            self._large += 1
        elif not self._with_writer and not self._large:
            if len(self._waiting) >= _ENOUGH:
                # … unless it is many, and the writer idle: then disk and loop work at the same time.
                self.flush()
            elif len(self._waiting) == self._usual and self._gathering is not None:
                loop.call_soon(self.flush)

    def errand(self) -> None:
        """The writer got something else to do; ``settled`` ends it."""
        self._with_writer += 1
        self._merged = False

    def settled(self, count: int = 1) -> None:
        """So many requests or errands are done."""
        self._with_writer -= count

    def gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand over what waits, once it is as much as the last commits had, or after a moment.

        Each commit costs as much as the merging of several requests: where these come one by one from many callers, they are
        committed together. One caller after the other never waits: its commits are of one request.
        """
        if not self._waiting:
            return
        if self._with_writer or self._large or len(self._waiting) >= self._usual:
            self.flush()
        elif self._gathering is None:
            self._gathering = loop.call_later(_GATHER_S, self.flush)

    def flush(self) -> None:
        """Hand over what waits now: merged, where it is small and the pen is here; else for the writer to merge."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if not self._waiting:
            return
        if not self._large:
            if self._with_writer:
                if self._merged:
                    return  # the end of that calls again; until then more may come, for one commit together
            elif self._merge():
                return
        self._with_writer += len(self._waiting)
        self._merged = False
        self._writer.put(list(self._waiting))
        self._waiting.clear()
        self._large = 0

    def _merge(self) -> bool:
        """Merge the first of what waits and hand the batch over. False: that is for the writer to do."""
        waiting = self._waiting
        requests: list[Request] = []
        ops = 0
        while waiting and ops + len(waiting[0].ops) <= HERE:
            requests.append(waiting.popleft())
            ops += len(requests[-1].ops)
        batch = self._writer.merge(requests)
        if batch is None:
            waiting.extendleft(reversed(requests))
            return False
        self._with_writer += len(requests)
        self._merged = True
        self._sizes.append(min(len(requests), _ENOUGH))
        self._usual = max(self._sizes)
        if batch.journal:
            self._writer.put(batch)
        else:
            self._applied(batch)
        return True


def _is_large(request: Request) -> bool:
    """Is it for the writer's thread? Writes to the past are: they may read much."""
    ops = request.ops
    return len(ops) > LARGE or request.size > _LARGE_BYTES or any(op.kind in TEMPORAL_OPS for op in ops)
