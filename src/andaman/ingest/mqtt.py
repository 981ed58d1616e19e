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
from typing import Any, Final, cast

from andaman.ingest.client_id import ClientId
from andaman.ingest.deadletter import DeadLetter, DeadLetterStore
from andaman.ingest.link import PLATFORM
from andaman.ingest.model import DeviceLink, FeedLink, Observation, SourceAway
from andaman.ingest.payload import MAX_BYTES
from andaman.ingest.reading import MOST_ITEMS, read_message
from andaman.ingest.rules import TopicMap
from andaman.ingest.session import TAKEN_OVER_S, Delivery, MqttAddress, Session
from andaman.kernel.time import Micros

__all__ = ["MqttAddress", "MqttFeed"]
log = logging.getLogger(__name__)
BATCH: Final = 500
BATCH_BYTES: Final = 4 << 20
"""Of payloads that are written together, about."""
MOST_BYTES: Final = 32 << 20
"""Payloads waiting here; beyond, the socket is not read until there is room, and they wait at the MQTT broker."""
MOST_WAITING: Final = 20_000
_OVERHEAD: Final = 500
"""Bytes of a message beside its payload."""
RETRY_S: Final = 300.0
"""Filters that were refused are asked for again so often."""
SHORT_S: Final = 10.0
LONGEST_S: Final = 3600.0
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
    ) -> None:
        self.id = feed_id
        self.name = {"th": "อุปกรณ์ตรวจวัด (MQTT)", "en": "Devices (MQTT)"}
        self.origin = "measured"
        self.speed = 1.0
        self._address = address
        self._mapping = mapping
        self._wanted = mapping.subscriptions()
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
            present = await session.connect()
            refused = await self._agree(session, devices, present)
            link.ready()
            began = time.monotonic()
            self._tell(devices, refused)
            topics = asyncio.create_task(self._care(session, devices, refused))
            losing = asyncio.create_task(session.lost.wait())
            await asyncio.wait({worker, losing, topics}, return_when=asyncio.FIRST_COMPLETED)
            for task in (worker, topics):
                if task.done():
                    task.result()
            raise self._ended(session, time.monotonic() - began)
        finally:
            await session.close()
            tasks = [task for task in (worker, topics, losing) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._held.clear()

    def _ended(self, session: Session, lasted_s: float) -> SourceAway:
        """Why the connection ended. Many MQTT brokers only hang up when another client connects with our id; connections
        that are cut again within seconds mean that, and each side must not throw the other out in turn."""
        if lasted_s >= SHORT_S:
            self._cut = 0
        if not session.hung_up:
            return session.why()
        self._cut += lasted_s < SHORT_S
        if self._cut < 2:
            return session.why()
        pause_s = min(TAKEN_OVER_S * 2 ** (self._cut - 2), LONGEST_S)
        return SourceAway(
            f"{self._address.place} hangs up within seconds, again and again. Another client has our client id "
            f"{session.client_id!r} and has taken over the session, probably: a copy of this installation. Stop it, or give one "
            f"of the two another mqtt_client_id. Next attempt in {pause_s / 60:.0f} minutes",
            pause_s,
        )

    # -- topics
    async def _agree(self, session: Session, link: DeviceLink, present: bool) -> dict[str, str]:
        """Make the session's subscriptions those of the mapping; the filters that were refused, with the reason."""
        memory = link.recall()
        known = memory.get("subscribed") if memory.get("client") == self._name_of(session) else None
        former = [one for one in known if isinstance(one, str)] if isinstance(known, list) and present else []
        await self._remember(link, session, [*former, *self._wanted])
        refused = await session.subscribe(self._wanted)
        gone = [one for one in former if one not in self._wanted]
        if gone:
            log.info("mqtt: no longer in the mapping, unsubscribed: %s", ", ".join(gone))
            await session.unsubscribe(gone)
        await self._remember(link, session, [one for one in self._wanted if one not in refused])
        return refused

    def _name_of(self, session: Session) -> str:
        return f"{session.client_id}@{self._address.place}"

    async def _remember(self, link: DeviceLink, session: Session, filters: Sequence[str]) -> None:
        told = {"client": self._name_of(session), "subscribed": sorted(set(filters))}
        memory = link.recall()
        if {key: memory.get(key) for key in told} != told:
            await link.remember({**memory, **told})

    def _tell(self, link: DeviceLink, refused: dict[str, str]) -> None:
        text = ""
        if refused:
            shown = "; ".join(f"{one} ({why})" for one, why in list(refused.items())[:10])
            more = f" and {len(refused) - 10} more" if len(refused) > 10 else ""
            text = f"{self._address.place} refuses the subscription of {shown}{more}"
            log.warning("mqtt: %s; asked again in %.0f s", text, self._retry_s)
        link.trouble(text, failing=bool(refused) and len(refused) == len(self._wanted))

    async def _care(self, session: Session, link: DeviceLink, refused: dict[str, str]) -> None:
        """What is to be done while messages come: the former session, once, and the filters that were refused."""
        await self._empty_former(link)
        while refused:
            await asyncio.sleep(self._retry_s)
            refused = await session.subscribe({one: self._wanted[one] for one in refused})
            await self._remember(link, session, [one for one in self._wanted if one not in refused])
            self._tell(link, refused)
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
                    await session.unsubscribe(list(self._wanted))
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
                "mqtt: not all of what was held for %r came (%s); tried again at the next start",
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
        """Write a batch: first the values, then the dead letters; both are on disk when this returns.

        Raises what is the platform's fault; nothing of the batch is acknowledged then, and all of it comes again.
        """
        seen: list[tuple[_Message, Observation]] = []
        letters: list[DeadLetter] = []
        ignored = 0
        for message in batch:
            if message.delivery.broken or isinstance(message.delivery.topic, bytes):
                letters.append(self._unreadable(message))
                continue
            reading = read_message(
                self._mapping, self.id, message.topic, message.payload, message.at, message.delivery.retained
            )
            letters += reading.letters
            ignored += bool(reading.ignored)
            seen += [(message, Observation(doc, reading.received, reading.retained)) for doc in reading.docs]
        written = await link.take([observation for _, observation in seen])
        for place, why in written.refused.items():
            message = seen[place][0]
            letters.append(DeadLetter(message.at, self.id, message.topic, "refused", why, message.payload))
        await self._keep(letters)
        if any(not message.delivery.retained for message in batch):
            link.hearing(ignored)

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
