"""Devices over MQTT. A message is acknowledged (QoS 1) only when its values, or its dead letter, are on disk.

So a kill between receipt and commit loses nothing: the MQTT broker keeps the session and sends the message again. Every
message ends as values, as a dead letter, or as one that had nothing to say; whatever a device sends, the next is taken.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast

from andaman.ingest.client_id import ClientId
from andaman.ingest.deadletter import DeadLetter, DeadLetterStore
from andaman.ingest.link import PLATFORM
from andaman.ingest.model import DeviceLink, FeedLink, Observation, SourceAway
from andaman.ingest.payload import MAX_BYTES
from andaman.ingest.reading import MOST_ITEMS, MOST_MADE, read_message
from andaman.ingest.rules import TopicMap, overlapping
from andaman.ingest.session import Delivery, MqttAddress, Session
from andaman.ingest.topics import covers
from andaman.kernel.time import Micros, format_time
from andaman.kernel.work import end

__all__ = ["MqttAddress", "MqttFeed"]
log = logging.getLogger(__name__)
BATCH: Final = 500
BATCH_BYTES: Final = 4 << 20
"""Of payloads that are written together, about."""
MOST_BYTES: Final = 32 << 20
"""Payloads waiting here; beyond, the socket is not read until there is room, and they wait at the MQTT broker."""
MOST_WAITING: Final = 20_000
_OVERHEAD: Final = 500
"""Bytes of a message in addition to its payload."""
RETRY_S: Final = 300.0
"""Filters that were refused are asked for again so often."""
MOST_TOGETHER: Final = 1000
"""Readings that are in memory as entities; beyond, they are written before the next message is read."""
SHORT_S: Final = 10.0
CUTS: Final = 3
"""So many connections in a row that were cut so soon are not a coincidence."""
FIRST_PAUSE_S: Final = 30.0
LONGEST_S: Final = 3600.0
FORGOTTEN_S: Final = 3600.0
"""Time for which it is shown that the MQTT broker had forgotten our session."""
QUIET_S: Final = 2.0
"""A former session is empty when nothing came of it for so long."""
FORMER_S: Final = 600.0
"""Longest time for it."""


@dataclass(slots=True)
class _Message:
    delivery: Delivery
    session: Session
    topic: str
    payload: bytes  # a byte more than is read shows that it is too large; the rest need not wait in memory
    at: Micros  # of receipt; no two are the same


class MqttFeed:
    """One connection to an MQTT broker, with a session that lasts while we are away."""

    def __init__(
        self,
        address: MqttAddress,
        mapping: TopicMap,
        letters: DeadLetterStore,
        client_id: str | ClientId = "andaman",
        feed_id: str = "mqtt",
        *,
        retry_s: float = RETRY_S,
        expected_s: float | None = None,
    ) -> None:
        self.id = feed_id
        self.name = {"th": "อุปกรณ์ตรวจวัด (MQTT)", "en": "Devices (MQTT)"}
        self.origin = "measured"
        self.speed = 1.0
        self.expected_s = expected_s
        self._address = address
        self._mapping = mapping
        self._wanted = mapping.subscriptions()
        self._identifiers = mapping.identifiers()
        self._known = frozenset(self._identifiers.values())
        self._joined = False  # a filter is subscribed that brings topics which no pattern fits
        self._refused: dict[str, str] = {}  # filters, with the reason
        self._forgotten = ""
        self._forgotten_at = 0.0
        self._has_lists = any(rule.each is not None and rule.time is None for rule in mapping.topics)
        self._letters = letters
        self._client_id = client_id if isinstance(client_id, ClientId) else ClientId(client_id)
        self._former = self._client_id.former
        self._retry_s = retry_s
        self._cut = 0  # connections in a row that the MQTT broker cut within seconds
        self._queue: deque[_Message] = deque()
        self._bytes = 0
        self._came = asyncio.Event()
        self._held: set[Session] = set()

    async def run(self, link: FeedLink) -> None:
        """Connect, and take messages until the connection is lost; then raise SourceAway, so that it is made again."""
        devices = cast("DeviceLink", link)
        self._queue.clear()
        self._bytes, self._came = 0, asyncio.Event()
        session = self._session(self._client_id.text, devices)
        worker = asyncio.create_task(self._work(devices))
        topics: asyncio.Task[None] | None = None
        losing: asyncio.Task[Any] | None = None
        try:
            present = await self._connect(session)
            began = time.monotonic()
            try:
                await self._agree(session, devices, present)
            except SourceAway:
                if session.lost.is_set():
                    raise self._ended(session, time.monotonic() - began) from None
                raise
            link.ready()
            self._report(devices, session)
            topics = asyncio.create_task(self._care(session, devices))
            losing = asyncio.create_task(session.lost.wait())
            await asyncio.wait({worker, losing, topics}, return_when=asyncio.FIRST_COMPLETED)
            for task in (worker, topics):
                if task.done():
                    task.result()
            raise self._ended(session, time.monotonic() - began)
        finally:
            await session.close()
            await end(*(task for task in (worker, topics, losing) if task is not None))
            self._held.clear()

    async def _connect(self, session: Session) -> bool:
        """See ``Session.connect``. An MQTT broker that was away has restarted: nobody took the session over."""
        try:
            return await session.connect()
        except SourceAway:
            if session.away:
                self._cut = 0
            raise

    def _ended(self, session: Session, lasted_s: float) -> SourceAway:
        """Why the connection ended. Many MQTT brokers only hang up when another client connects with our id. Connections
        that are cut within seconds several times, with no sign of a restart in between, may mean that, and two must not
        throw each other out in turn."""
        if lasted_s >= SHORT_S or not session.hung_up:
            self._cut = 0
        if not session.hung_up:
            return session.why()
        self._cut += lasted_s < SHORT_S
        if self._cut < CUTS:
            return session.why()
        pause_s = min(FIRST_PAUSE_S * 2 ** (self._cut - CUTS), LONGEST_S)
        return SourceAway(
            f"{self._address.place} cut the connection within seconds of connecting, {self._cut} times in a row. Perhaps "
            f"another client, such as a copy of this installation, has the same client id {session.client_id!r}: stop it, or "
            f"set another mqtt_client_id. Next attempt in {pause_s:.0f} s",
            pause_s,
        )

    # -- topics
    async def _agree(self, session: Session, link: DeviceLink, present: bool) -> None:
        """Make the session's subscriptions those of the mapping, and note the filters that are refused."""
        memory = link.recall()
        known = memory.get("subscribed") if memory.get("client") == self._name_of(session) else None
        former = [one for one in known if isinstance(one, str)] if isinstance(known, list) else []
        plain = self._mapping.subscriptions()
        if former and not present:
            self._cut = 0  # whoever takes a session over finds it
            if any(plain.values()):
                self._forgot(link)
            former = []
        identifiers = self._identifiers if session.has_identifiers else {}
        self._wanted = plain if identifiers else self._mapping.subscriptions(apart=True)
        self._refused = {}
        if self._wanted != plain:
            log.info(
                "mqtt: %s does not say which subscription brought a message. Patterns that overlap are subscribed as one: %s",
                self._address.place,
                ", ".join(one for one in self._wanted if one not in plain),
            )
        await self._remember(link, session, [*former, *self._wanted])
        refused = await session.subscribe(self._wanted, identifiers)
        if any(
            one not in plain for one in refused
        ):  # a filter that was made up here: then those of the mapping
            self._wanted = {
                **{one: qos for one, qos in self._wanted.items() if one not in refused or one in plain},
                **{one: qos for one, qos in plain.items() if any(covers(wide, one) for wide in refused)},
            }
            refused = await session.subscribe(self._wanted)
        self._joined = any(one not in plain for one in self._wanted)
        self._refused = refused
        gone = [one for one in former if one not in self._wanted]
        if gone:
            log.info("mqtt: no longer in the mapping, unsubscribed: %s", ", ".join(gone))
            await session.unsubscribe(gone)
        await self._remember(link, session, [one for one in self._wanted if one not in refused])

    def _forgot(self, link: DeviceLink) -> None:
        self._forgotten = (
            f"{self._address.place} had forgotten our session at {format_time(link.clock())}: what devices sent while the "
            "platform was not connected is lost, unless they send it again"
        )
        self._forgotten_at = time.monotonic()
        log.warning("mqtt: %s", self._forgotten)

    def _is_copy(self, delivery: Delivery, topic: str) -> bool:
        """Does the same message come by another subscription too (MQTT 5 §3.3.4), or did none of the patterns ask for it?"""
        if self._joined and not any(covers(rule.pattern.bare, topic) for rule in self._mapping.topics):
            return True
        known = self._known.intersection(delivery.identifiers)
        if not known:
            return False
        bringers = self._mapping.bringers(topic, [one for one in self._wanted if one not in self._refused])
        counts = self._identifiers.get(bringers[0]) if bringers else None
        return counts is not None and counts not in known

    def _name_of(self, session: Session) -> str:
        return f"{session.client_id}@{self._address.place}"

    async def _remember(self, link: DeviceLink, session: Session, filters: Sequence[str]) -> None:
        told = {"client": self._name_of(session), "subscribed": sorted(set(filters))}
        memory = link.recall()
        if {key: memory.get(key) for key in told} != told:
            await link.remember({**memory, **told})

    def _report(self, link: DeviceLink, session: Session) -> None:
        refused = self._refused
        told = [self._forgotten] if self._forgotten else []
        if not session.has_identifiers:
            told += [
                f"a message that fits both {a} and {b} may come twice, because {self._address.place} does not say which of them "
                "brought it. Change the patterns so that no topic fits both"
                for a, b in islice(overlapping(one for one in self._wanted if one not in refused), 3)
            ]
        if refused:
            shown = "; ".join(f"{one} ({why})" for one, why in list(refused.items())[:10])
            more = f" and {len(refused) - 10} more" if len(refused) > 10 else ""
            text = f"{self._address.place} refuses the subscription of {shown}{more}"
            log.warning("mqtt: %s; asked again in %.0f s", text, self._retry_s)
            told.append(text)
        link.trouble("; ".join(told), failing=bool(refused) and len(refused) == len(self._wanted))

    async def _care(self, session: Session, link: DeviceLink) -> None:
        """The work to do while messages come: the former session, once, and the filters that were refused."""
        await self._empty_former(link)
        while self._refused or self._forgotten:
            await asyncio.sleep(self._retry_s)
            if time.monotonic() >= self._forgotten_at + FORGOTTEN_S:
                self._forgotten = ""
            if self._refused:
                identifiers = self._identifiers if session.has_identifiers else {}
                again = {one: self._wanted[one] for one in self._refused}
                self._refused = await session.subscribe(again, identifiers)
                await self._remember(link, session, [one for one in self._wanted if one not in self._refused])
            self._report(link, session)
        await asyncio.Event().wait()

    async def _empty_former(self, link: DeviceLink) -> None:
        """What the MQTT broker holds for the id of an earlier version is taken once; then that session ends."""
        former, self._former = self._former, ""
        if not former:
            return
        session = self._session(former, link)
        log.info("mqtt: taking what %s holds for the former client id %r", self._address.place, former)
        try:
            async with asyncio.timeout(FORMER_S):
                if await session.connect():
                    await session.unsubscribe(list(self._mapping.subscriptions()))
                    came = -1
                    while came != session.received or session.taken != came:
                        came = session.received
                        await asyncio.sleep(QUIET_S)
                        if session.lost.is_set():
                            raise session.why()
            await session.close(forget=True)
            await asyncio.to_thread(self._client_id.forget_former)
        except (TimeoutError, SourceAway) as error:
            log.warning(
                "mqtt: not all messages kept for %r arrived (%s); tried again at the next start",
                former,
                error,
            )
        finally:
            await session.close()
            self._held.discard(session)

    # -- messages
    def _session(self, client_id: str, link: DeviceLink) -> Session:
        def receive(delivery: Delivery) -> None:
            topic = (
                delivery.topic
                if isinstance(delivery.topic, str)
                else delivery.topic.decode("utf-8", "replace")
            )
            if (delivery.identifiers or self._joined) and self._is_copy(delivery, topic):
                session.acknowledge(delivery)
                return
            found = self._mapping.find(topic) if self._has_lists else None
            is_list = found is not None and found[0].each is not None and found[0].time is None
            message = _Message(
                delivery, session, topic, bytes(delivery.payload[: MAX_BYTES + 1]), link.stamp(MOST_ITEMS if is_list else 1)
            )  # fmt: skip
            message.delivery = Delivery(
                delivery.topic, b"", delivery.qos, delivery.retained, delivery.number, delivery.broken
            )
            self._queue.append(message)
            self._bytes += len(message.payload) + _OVERHEAD
            self._came.set()
            if self._bytes > MOST_BYTES or len(self._queue) > MOST_WAITING:
                self._held.add(session)
                session.hold(True)

        session = Session(self._address, client_id, receive)
        return session

    async def _work(self, link: DeviceLink) -> None:
        while True:
            if not self._queue:
                self._came.clear()
                await self._came.wait()
            batch: list[_Message] = []
            size = 0
            while self._queue and len(batch) < BATCH and size < BATCH_BYTES:
                batch.append(self._queue.popleft())
                size += len(batch[-1].payload)
            await self._take(batch, link)
            for message in batch:
                self._bytes -= len(message.payload) + _OVERHEAD
                message.session.acknowledge(message.delivery)
            if self._held and self._bytes < MOST_BYTES // 2 and len(self._queue) < MOST_WAITING // 2:
                for session in self._held:
                    session.hold(False)
                self._held.clear()

    async def _take(self, batch: Sequence[_Message], link: DeviceLink) -> None:
        """Write a batch, in parts where its messages become very many readings. It is on disk when this returns.

        Raises what is the platform's fault; nothing of the batch is acknowledged then, and all of it comes again.
        """
        seen: list[tuple[_Message, Observation]] = []
        letters: list[DeadLetter] = []
        ignored = made = 0
        for message in batch:
            if message.delivery.broken or isinstance(message.delivery.topic, bytes):
                letters.append(self._unreadable(message))
                continue
            reading = read_message(
                self._mapping, self.id, message.topic, message.payload, message.at, message.delivery.retained
            )
            letters += reading.letters
            ignored += bool(reading.ignored)
            size = reading.made // max(1, len(reading.docs))
            seen += [
                (message, Observation(doc, reading.received, reading.retained, size)) for doc in reading.docs
            ]
            made += reading.made
            if len(seen) >= MOST_TOGETHER or made >= MOST_MADE:
                await self._write(seen, letters, link)
                seen, letters, made = [], [], 0
        await self._write(seen, letters, link)
        if any(not message.delivery.retained for message in batch):
            link.hearing(ignored)

    async def _write(
        self, seen: Sequence[tuple[_Message, Observation]], letters: list[DeadLetter], link: DeviceLink
    ) -> None:
        """First the values, then the dead letters."""
        written = await link.take([observation for _, observation in seen])
        for place, why in written.refused.items():
            message = seen[place][0]
            letters.append(DeadLetter(message.at, self.id, message.topic, "refused", why, message.payload))
        await self._keep(letters)

    def _unreadable(self, message: _Message) -> DeadLetter:
        broken = message.delivery.broken
        reason, detail = ("bad-packet", broken) if broken else ("bad-encoding", "The topic is not UTF-8")
        return DeadLetter(message.at, self.id, message.topic, reason, detail, message.payload)

    async def _keep(self, letters: Iterable[DeadLetter]) -> None:
        """Put letters aside; one that cannot be kept stops nothing."""
        some = list(letters)
        try:
            await asyncio.to_thread(self._letters.add, some)
        except PLATFORM:
            raise
        except Exception:
            for letter in some:
                log.exception("mqtt: a dead letter of %.200r cannot be kept: %s", letter.topic, letter.reason)
