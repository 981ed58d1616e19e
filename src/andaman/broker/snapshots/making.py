"""Making the content of a snapshot: where to look is asked on the loop, reading and writing are a worker's (§5.16.1.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from andaman.broker.service import Broker
from andaman.broker.snapshots.consistent_read import Moment, leaf_types
from andaman.broker.snapshots.content import Content, fill
from andaman.broker.snapshots.model import Limits, Snapshot
from andaman.broker.snapshots.recorder import Recorder
from andaman.identity.model import Access, Actor
from andaman.kernel.time import Clock


@dataclass(frozen=True, slots=True)
class Workshop:
    """The tools for it. ``directory``: the city's; ``min_free_bytes``: of the disk, left to the city's writer."""

    broker: Broker
    directory: Path
    limits: Limits
    clock: Clock
    min_free_bytes: int

    async def make(
        self, one: Snapshot, place: Path, content: Content, actor: Actor, stopped: Callable[[], bool]
    ) -> None:
        """The store of a snapshot, complete under its name when it returns; ``content`` then has its counts.

        Raises TooManyResults, StorageFull, Unavailable.
        """
        after, known = self._where(content, actor.access, one.tenant)
        await asyncio.to_thread(self._made, one, place, content, known, after, actor, stopped)

    def _where(self, content: Content, access: Access, tenant: str) -> tuple[int, list[str]]:
        """(position, ids of all that may match, as the index knew them at that position)."""
        position = self.broker.seq
        asked = [
            query for found in content.entities if found.asked is not None for query in found.asked.queries
        ]
        if all(query.ids for query in asked):
            return position, list(dict.fromkeys(name for query in asked for name in query.ids))
        types = leaf_types([query.types for query in asked])
        only = types if types is not None and not any(query.ids for query in asked) else ()
        return position, self.broker.ids(only, access, tenant)

    def _made(
        self,
        one: Snapshot,
        place: Path,
        content: Content,
        known: Sequence[str],
        after: int,
        actor: Actor,
        stopped: Callable[[], bool],
    ) -> None:
        moment = Moment(self.directory, one.tenant, actor.access, self.clock())
        try:
            one.moment, one.position = moment.at, moment.seq
            recorder = Recorder(
                place,
                one.tenant,
                moment.at,
                actor,
                most=self.limits.entities,
                most_bytes=self.limits.bytes_of_one,
                min_free_bytes=self.min_free_bytes,
            )
            try:
                fill(recorder, content, moment, known, after, actor.access, stopped)
                recorder.finish()
            except BaseException:
                recorder.abandon()
                raise
        finally:
            moment.close()
