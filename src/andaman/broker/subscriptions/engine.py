"""The engine: follows the journal, finds whom an event concerns, composes notifications and hands them to the courier.

Positions are the heart of it. A subscription is *live* when everything up to the engine's own position was looked at for
it. Where its receiver has no room it stops being live and keeps its own position instead; it goes on from there, reading
the journal, when there is room again. ``open`` holds the positions that were matched and are not delivered yet, so
that what is saved is always: everything up to here is settled.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from andaman.broker.model import Doc, Event, EventKind
from andaman.broker.service import Broker
from andaman.broker.subscriptions.catchup import catch_up
from andaman.broker.subscriptions.changes import Fact, concerns
from andaman.broker.subscriptions.delivery import Courier
from andaman.broker.subscriptions.index import SubscriptionIndex
from andaman.broker.subscriptions.message import Message, Outcome
from andaman.broker.subscriptions.model import Owner, Subscription
from andaman.broker.subscriptions.notice import entity_json, envelope, notification_id
from andaman.broker.subscriptions.periodic import matching
from andaman.broker.subscriptions.request_changes import RequestChanges, of_one_request
from andaman.broker.subscriptions.run import Owners, Run, fact_of, number_of, within
from andaman.broker.subscriptions.store import Progress
from andaman.broker.subscriptions.throttle_buffer import ThrottleBuffer
from andaman.broker.subscriptions.wire import Wire
from andaman.identity.model import Access
from andaman.kernel.positions import START, Position
from andaman.kernel.time import MINUTE, SECOND, Clock, Micros
from andaman.kernel.work import Every

log = logging.getLogger(__name__)
TICK_S: Final = 0.05
_READERS: Final = 2  # subscriptions that catch up at the same time
_TIDY: Final = 5 * SECOND
_TURN_S: Final = 0.003  # work between two chances for others
_GONE: Final = 1 << 62
_PER_NOTICE: Final = 1_000  # entities in one periodic notification


class Engine:
    """Matching and sending for all subscriptions; on the event loop's thread."""

    def __init__(self, broker: Broker, courier: Courier, owners: Owners, clock: Clock) -> None:
        self._broker, self._courier, self._owners, self._clock = broker, courier, owners, clock
        self._index: SubscriptionIndex[Run] = SubscriptionIndex()
        self.runs: dict[str, Run] = {}
        self.position = START
        self._held = ThrottleBuffer()
        self._lagging: set[Run] = set()
        self._gathering: dict[Run, None] = {}  # with something to tell once a request's changes are complete
        self._reading: set[Run] = set()
        self._timed: set[Run] = set()  # with an interval or an end
        self._asking: set[Run] = set()  # periodic queries under way
        self._loose: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        self._ticking = Every("The clock of the subscriptions", TICK_S, lambda: self.tick(self._clock()))
        self._checked: Micros = 0
        self._tidied: Micros = 0
        self.withdrawn: Callable[[Run], None] = lambda run: None  # what waited at the courier was taken back
        self.granted: Callable[[Subscription], None] = lambda sub: None  # its owner has rights again, or none
        self.delivered = 0
        self.failed = 0

    # -- life -----------------------------------------------------------------------------------------------
    async def start(self, position: Position) -> None:
        self.position = position
        self._checked = self._clock()
        self._following = asyncio.create_task(self._follow(), name="subscriptions-follow")
        await self._ticking.start()

    async def stop(self) -> None:
        await self._ticking.stop()
        tasks = [*self._loose, *([self._following] if self._following is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._following = None

    def _spawn(self, work: Awaitable[None]) -> None:
        self._loose.add(task := asyncio.ensure_future(work))
        task.add_done_callback(self._loose.discard)

    # -- subscriptions --------------------------------------------------------------------------------------
    def add(self, run: Run) -> None:
        """Begin, or go on from where it was."""
        run.report, run.sending = partial(self._report, run), partial(self._sending, run)
        self._grant(run, within(run.sub, self._owners.access_of(run.sub.owner)))
        self.runs[run.sub.key] = run
        self._enter(run)

    def _grant(self, run: Run, access: Access | None) -> None:
        broker, tenant = self._broker, run.sub.tenant
        run.access, run.sub.baseless = access, access is None
        run.generation += 1  # whoever composes something begins anew

        async def find(entity_id: str) -> Doc | None:
            return None if access is None else broker.find(entity_id, access, tenant)

        def follow(entity_id: str) -> tuple[Doc, frozenset[str]] | None:
            doc = None if access is None else broker.find(entity_id, access, tenant)
            return None if doc is None else (doc, frozenset())

        run.find, run.follow = find, follow

    def _enter(self, run: Run) -> None:
        sub = run.sub
        if sub.expires or sub.interval:
            self._timed.add(run)
        if sub.status(self._clock()) != "active" or sub.interval:
            run.live = True
            return
        self._index.add(sub.tenant, sub.condition, run)
        run.listed = True
        if not run.live:
            self._lagging.add(run)

    def _leave(self, run: Run) -> None:
        sub = run.sub
        if run.listed:
            self._index.remove(sub.tenant, sub.condition, run)
            run.listed = False
        for group in (self._lagging, self._timed):
            group.discard(run)
        run.generation += 1

    def remove(self, run: Run) -> None:
        """End it; nothing that waits is sent any more."""
        self._leave(run)
        self._forget_gathered(run)
        self._held.forget(run)
        run.since = _GONE
        self._courier.drop(run.sub.endpoint, run.sub.tenant, run.sub.key)
        self.runs.pop(run.sub.key, None)

    def exchange(self, run: Run, sub: Subscription) -> None:
        """Its definition changed. What waits is sent as it is, unless it is paused or goes elsewhere now."""
        old = run.sub
        self._leave(run)
        now = self._clock()
        was, active = old.status(now) == "active", sub.status(now) == "active"
        access = within(sub, self._owners.access_of(sub.owner))
        if not active or sub.interval or access is None:
            self._withdraw(run, again=False)
        elif old.endpoint.uri != sub.endpoint.uri or access.key != (run.access and run.access.key):
            self._withdraw(run, again=True)
        if active and not was:
            run.since, run.live = self._broker.seq, True
        if sub.interval and (not was or sub.interval != old.interval):
            run.due = now + sub.interval
        run.sub, run.wire, run.changed = sub, Wire(sub), True
        self._grant(run, access)
        self._enter(run)

    def _forget_gathered(self, run: Run) -> None:
        run.together = None
        self._gathering.pop(run, None)

    def _withdraw(self, run: Run, *, again: bool) -> None:
        """Take back what waits; ``again``: look at those events once more."""
        self._courier.drop(run.sub.endpoint, run.sub.tenant, run.sub.key)
        settled = run.settled
        run.open.clear()
        self._forget_gathered(run)
        self._held.forget(run)
        run.flying = 0
        run.generation += 1
        run.changed = True
        self.withdrawn(run)
        if again and settled is not None:
            run.live, run.position = False, settled
            self._lagging.add(run)
        elif not again:
            run.live = True
            self._lagging.discard(run)

    def rights_changed(self) -> None:
        """Accounts, tokens or the policy changed: notifications that wait under other rights than now are composed
        again.
        """
        self._checked = self._clock()
        known: dict[Owner, Access | None] = {}
        for run in self.runs.values():
            owner = run.sub.owner
            if owner not in known:
                known[owner] = self._owners.access_of(owner)
            self._renew(run, within(run.sub, known[owner]))

    def _renew(self, run: Run, access: Access | None) -> None:
        """These are its owner's rights from now on. Where they are others than before, nothing that was composed under those
        leaves any more: whoever gives a run other rights takes back what waits, in the same step."""
        if (access and access.key) == (run.access and run.access.key):
            return
        had = run.access is not None
        self._grant(run, access)
        if access is None:
            self._withdraw(run, again=False)
        elif run.open or run.flying:
            self._withdraw(run, again=True)
        if had != (access is not None):
            self.granted(run.sub)

    # -- following ------------------------------------------------------------------------------------------
    async def _follow(self) -> None:
        while True:
            try:
                async for events in self._broker.follow_all(self.position):
                    await self._take_all(events)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("Following the journal failed at %d; trying again", self.position)
                await asyncio.sleep(1)
            else:
                return

    async def _take_all(self, events: Sequence[Event]) -> None:
        """Look at events for everybody who is live; others get the loop every few milliseconds."""
        until = time.perf_counter() + _TURN_S
        last = len(events) - 1
        for place, event in enumerate(events):
            candidates = self._index.candidates(event) if event.told is None else ()
            if not candidates and not self._gathering:  # nobody waits for what else the request changed
                self.position = event.seq
                continue
            if place < last:
                more = of_one_request(event, events[place + 1])
            else:  # a slice may end in the middle of what one request changed
                more = bool(event.request) and event.seq < self._broker.seq
            facts: dict[str, Fact | None] = {}
            for run in candidates:
                if run.listed and run.live and event.seq > run.since:
                    self._for(run, event, facts, more)
                    if time.perf_counter() > until:
                        await asyncio.sleep(0)
                        until = time.perf_counter() + _TURN_S
            if not more and self._gathering:
                until = await self._send_all(until)
            self.position = event.seq
            if candidates and time.perf_counter() > until:
                await asyncio.sleep(0)
                until = time.perf_counter() + _TURN_S

    async def _send_all(self, until: float) -> float:
        """The changes of a request are complete: notify everybody who waits for them."""
        for run in list(self._gathering):
            if run.live and not self.send_gathered(run):
                self._stall(run, run.position)
            if time.perf_counter() > until:
                await asyncio.sleep(0)
                until = time.perf_counter() + _TURN_S
        return until

    def _stall(self, run: Run, position: int) -> None:
        """Its receiver has no room: it continues by itself, also with the changes gathered for it."""
        if run.together is not None:
            for seq in run.together.seqs:
                run.open.pop(seq, None)
            position = min(position, run.together.seqs[0] - 1)
            self._forget_gathered(run)
        run.live, run.position, run.changed = False, position, True
        self._lagging.add(run)

    def _for(self, run: Run, event: Event, facts: dict[str, Fact | None], more: bool) -> None:
        try:
            known = event.kind is EventKind.DELETED or event.doc is not None
            run.position = event.seq - 1
            if known and self._consider(run, event, facts, more):
                return
        except Exception:
            log.exception("Subscription %s could not be notified of event %d", run.sub.id, event.seq)
            return
        # Its receiver has no room, or the event came from disk without the entity: it goes on by itself.
        self._stall(run, run.position)

    def _consider(self, run: Run, event: Event, facts: dict[str, Fact | None], more: bool) -> bool:
        """Send the event if it concerns the subscription. ``more``: the same request changed more, it is told together.
        False: no room; the run goes on from ``run.position``, which is where it stands in the journal.
        """
        sub, access = run.sub, run.access
        if access is None or (sub.expires and sub.expires <= self._clock()):
            return True
        key = access.key
        if key in facts:
            fact = facts[key]
        else:
            fact = facts[key] = fact_of(event, access)
        if fact is None or not concerns(sub.condition, fact, run.follow):
            return True
        gathered = run.together
        if sub.throttling and (gathered is None or not of_one_request(gathered.first, event)):
            if not self.send_gathered(run):
                return False
            gathered = None
            if run.flying or run.held or self._clock() < run.next_at:
                return self._held.keep(run, fact)
        content = entity_json(sub, fact, run.find)
        if gathered is None and not more and not sub.throttling:  # nearly all: one entity, told at once
            number = number_of(event, self._broker.position_key)
            return self._send(run, (event.seq,), event.entity_id, [content], number)
        if gathered is not None and not gathered.takes(event, content):
            if sub.throttling:  # one notification in its time
                return self._held.keep(run, fact)
            if not self.send_gathered(run):
                return False
            gathered = None
        if gathered is None:
            gathered = run.together = RequestChanges(event)
            self._gathering[run] = None
        gathered.add(event, content)
        run.open[event.seq] = None
        run.changed = True
        return more or self.send_gathered(run)

    def send_gathered(self, run: Run) -> bool:
        """Send the gathered changes. False: no room; it is looked at again, from ``run.position`` on."""
        gathered, sub = run.together, run.sub
        if gathered is None:
            return True
        run.together = None
        self._gathering.pop(run, None)
        lane, also = sub.key, tuple[str, ...]()
        if sub.throttling:
            run.next_at = self._clock() + sub.throttling
        else:
            lane, *others = gathered.data
            also = tuple(others)
        number = number_of(gathered.first, self._broker.position_key)
        if self._send(run, tuple(gathered.seqs), lane, list(gathered.data.values()), number, also):
            return True
        for seq in gathered.seqs:
            run.open.pop(seq, None)
        run.position = gathered.seqs[0] - 1
        return False

    def _send(
        self,
        run: Run,
        seqs: tuple[int, ...],
        lane: str,
        data: list[bytes],
        number: str,
        also: tuple[str, ...] = (),
    ) -> bool:
        sub = run.sub
        body = envelope(sub, notification_id(sub.key, number), self._clock(), data)
        message = Message(
            sub.key, lane, run.wire.headers, run.wire.body(body), run.report, run.sending, seqs, also
        )
        if not self.hand_over(run, message):
            return False
        for seq in seqs:
            run.open[seq] = None
        return True

    def hand_over(self, run: Run, message: Message) -> bool:
        """Give a message to the courier, which reports to ``run.report``. False: there is no room now."""
        if not self._courier.offer(run.sub.endpoint, run.sub.tenant, message):
            return False
        run.flying += 1
        run.changed = True
        return True

    def _sending(self, run: Run, message: Message) -> None:
        run.sub.counters.sent += 1
        run.sub.counters.last_notification = self._clock()
        run.changed = True

    def _report(self, run: Run, message: Message, outcome: Outcome) -> None:
        counters = run.sub.counters
        run.changed = True
        if outcome is Outcome.DELIVERED:
            counters.last_success = self._clock()
            self.delivered += 1
        else:
            counters.failed += 1
            counters.last_failure = self._clock()
            self.failed += 1
            if outcome is Outcome.FAILED:
                return
        for seq in message.seqs:
            run.open.pop(seq, None)
        run.flying -= 1

    # -- throttling -----------------------------------------------------------------------------------------
    def _release(self, run: Run, now: Micros) -> None:
        facts, sub = list(run.held.values()), run.sub
        data = [entity_json(sub, fact, run.find) for fact in facts]
        seqs = tuple(fact.event.seq for fact in facts)
        last = max((fact.event for fact in facts), key=lambda event: event.seq)
        if self._send(run, seqs, sub.key, data, number_of(last, self._broker.position_key)):
            self._held.forget(run)
            run.next_at = now + sub.throttling

    # -- time -----------------------------------------------------------------------------------------------
    def tick(self, now: Micros) -> None:
        """Everything that depends on time: throttled and periodic notifications, ends, and those who lag."""
        for run in self._held.due(now):
            self._release(run, now)
        for run in list(self._timed):
            if run.sub.expires and run.sub.expires <= now:
                self._leave(run)
                self._withdraw(run, again=False)
            elif run.sub.interval and now >= run.due and run.sub.active and run not in self._asking:
                self._asking.add(run)
                self._spawn(self._period(run))
        for run in self._lagging - self._reading:
            if len(self._reading) >= _READERS:
                break
            if run.sub.throttling and (run.flying or now < run.next_at):
                continue  # it may tell nothing yet
            if self._courier.has_room(run.sub.endpoint, run.sub.tenant):
                self._reading.add(run)
                self._spawn(self._catch_up(run))
        if now - self._checked >= MINUTE:
            self.rights_changed()
        if now - self._tidied >= _TIDY:
            self._tidied = now
            self._courier.tidy()

    async def _period(self, run: Run) -> None:
        """One periodic notification: everything that matches now (§5.8.6). Nothing matches: nothing is sent."""
        sub, due = run.sub, run.due
        try:
            # Asked anew: once an interval it costs nothing.
            self._renew(run, within(sub, self._owners.access_of(sub.owner)))
            access, generation, parts = run.access, run.generation, 0
            if access is not None and not run.flying:
                async for data in matching(self._broker, sub, access, run.find, _PER_NOTICE):
                    if run.generation != generation:
                        return  # deleted, changed or under other rights than what was found
                    self._send(run, (), sub.key, data, f"{due}-{parts}")
                    parts += 1
        except Exception:
            log.exception("The periodic notification of %s failed", sub.id)
        finally:
            self._asking.discard(run)
            if run.sub is sub:
                late = max(0, self._clock() - due)
                run.due = due + sub.interval * (1 + late // sub.interval)
                run.changed = True

    async def _catch_up(self, run: Run) -> None:
        try:
            if await catch_up(self._broker, run, self._consider, self.send_gathered, lambda: self.position):
                self._lagging.discard(run)
        except Exception:
            log.exception("Subscription %s cannot catch up now; it will be tried again", run.sub.id)
            await asyncio.sleep(1)
        finally:
            self._reading.discard(run)

    # -- what is kept ---------------------------------------------------------------------------------------
    def progress(self) -> tuple[int, list[Progress]]:
        """The engine's position, and what changed of the subscriptions since this was asked last."""
        return self.position, list(self._changes())

    def _changes(self) -> Iterator[Progress]:
        for run in self.runs.values():
            if run.changed:
                run.changed = False
                due = run.due if run.sub.interval else run.next_at
                yield run.sub.key, run.settled, replace(run.sub.counters), due

    def waiting(self) -> int:
        """Notifications not yet taken by their receivers."""
        return self._courier.waiting()

    @property
    def lagging(self) -> int:
        """Subscriptions that go on from a position of their own."""
        return len(self._lagging)
