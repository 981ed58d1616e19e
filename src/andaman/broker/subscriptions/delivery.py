"""The courier: takes messages to receivers, in order where order counts, again and again until they are taken.

Each receiver (tenant and address) has queues of its own, bounded in number and bytes: one that is dead, slow or hostile
costs nobody else anything. Within a receiver, messages of one lane (an entity) go one after another; lanes go side by
side. The courier knows nothing about subscriptions: who gives it a message gets it back by ``report``.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from andaman.broker.outgoing import OutgoingClient, Unreachable
from andaman.broker.subscriptions.message import Message, Outcome, Sender
from andaman.broker.subscriptions.model import Endpoint
from andaman.broker.subscriptions.mqtt import MqttSender

log = logging.getLogger(__name__)
LANES: Final = 8
_MAX_ANSWER: Final = 64 * 1024
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 60.0
_IDLE_S: Final = 30.0
_MOMENT_S: Final = 0.1
_AGAIN: Final = frozenset({408, 425, 429})


class HttpSender:
    """POST to one address over the shared client."""

    def __init__(self, client: OutgoingClient, uri: str) -> None:
        self._client, self._uri = client, uri

    async def send(self, message: Message, timeout_s: float) -> bool:
        reply = await self._client.request(
            "POST",
            self._uri,
            headers=message.headers,
            body=message.body,
            timeout_s=timeout_s,
            max_bytes=_MAX_ANSWER,
        )
        if reply.status < 300:
            return True
        if 300 <= reply.status < 500 and reply.status not in _AGAIN:
            return False
        raise Unreachable(f"answered {reply.status}")

    def close(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the courier's memory and connections."""

    messages: int = 512  # per receiver
    bytes: int = 8 << 20  # per receiver
    total_bytes: int = 64 << 20
    under_way: int = 384  # attempts at the same time, over all receivers


class _Receiver:
    """One address of one tenant: its lanes, its state of health."""

    __slots__ = (
        "bytes",
        "count",
        "endpoint",
        "lanes",
        "not_before",
        "sender",
        "sent",
        "tasks",
        "trouble",
        "under_way",
        "used",
        "wait_s",
    )

    def __init__(self, endpoint: Endpoint, sender: Sender) -> None:
        self.endpoint = endpoint
        self.sender = sender
        self.lanes: list[deque[Message]] = [deque() for _ in range(LANES)]
        self.tasks: list[asyncio.Task[None] | None] = [None] * LANES
        self.sent: list[Message | None] = [None] * LANES  # under way
        self.count = 0
        self.bytes = 0
        self.under_way = 0  # attempts
        self.trouble: asyncio.Lock | None = (
            None  # held by the one lane that tries while the receiver is in trouble
        )
        self.not_before = 0.0
        self.wait_s = 0.0  # 0: in health
        self.used = time.monotonic()


def _may_go(receiver: _Receiver, message: Message) -> bool:
    """Is it the first in all of its lanes?"""
    return all(receiver.lanes[number][0] is message for number in message.numbers)


class Courier:
    """All of it lives on the event loop's thread."""

    def __init__(
        self, client: OutgoingClient, *, allow_private: bool = False, limits: Limits | None = None
    ) -> None:
        self._client = client
        self._allow_private = allow_private
        self._limits = limits or Limits()
        self._receivers: dict[tuple[str, str], _Receiver] = {}
        self._total = 0
        self._slots = asyncio.Semaphore(self._limits.under_way)
        self._closed = False

    # -- in -------------------------------------------------------------------------------------------------
    def has_room(self, endpoint: Endpoint, tenant: str) -> bool:
        """Is there room for many more messages to this receiver?"""
        receiver = self._receivers.get((tenant, endpoint.uri))
        limits = self._limits
        if self._total > limits.total_bytes // 2:
            return receiver is None or not receiver.count
        return receiver is None or (
            receiver.count <= limits.messages // 2 and receiver.bytes <= limits.bytes // 2
        )

    def offer(self, endpoint: Endpoint, tenant: str, message: Message) -> bool:
        """Take a message, or say False: there is no room; offer it again later."""
        receiver = self._receiver(endpoint, tenant)
        size, limits = len(message.body), self._limits
        # Who has nothing waiting is not kept waiting by others, up to the double of all room.
        if self._total and self._total + size > 2 * limits.total_bytes:
            return False
        if receiver.count and (
            receiver.count >= limits.messages
            or receiver.bytes + size > limits.bytes
            or self._total + size > limits.total_bytes
        ):
            return False
        if endpoint.is_mqtt:
            message.numbers = (0,)
        elif not message.also:
            message.numbers = (crc32(message.lane.encode()) % LANES,)
        else:
            lanes = (message.lane, *message.also)
            message.numbers = tuple(sorted({crc32(lane.encode()) % LANES for lane in lanes}))
        for number in message.numbers:
            receiver.lanes[number].append(message)
        receiver.count += 1
        receiver.bytes += size
        self._total += size
        self._wake(receiver, message.numbers[0])
        return True

    def _wake(self, receiver: _Receiver, number: int) -> None:
        """Let somebody work on the first message of a lane, if it may go: the first of its lanes does."""
        lane = receiver.lanes[number]
        if not lane or self._closed:
            return
        leader = lane[0].numbers[0]
        if receiver.tasks[leader] is None and _may_go(receiver, lane[0]):
            receiver.tasks[leader] = asyncio.create_task(self._run(receiver, leader))

    def drop(self, endpoint: Endpoint, tenant: str, owner: str) -> None:
        """Forget what waits for this owner. An attempt under way is broken off: what has not left yet does not leave."""
        receiver = self._receivers.get((tenant, endpoint.uri))
        if receiver is None:
            return
        for number, lane in enumerate(receiver.lanes):
            gone = [message for message in lane if message.owner == owner]
            if gone:
                receiver.lanes[number] = deque(message for message in lane if message.owner != owner)
                for message in gone:
                    if number == message.numbers[0]:
                        self._forget(receiver, message)
        for number in range(LANES):
            self._break_off(receiver, number, owner)
        for number in range(LANES):
            self._wake(receiver, number)

    def _break_off(self, receiver: _Receiver, number: int, owner: str) -> None:
        sent, task = receiver.sent[number], receiver.tasks[number]
        if sent is None or task is None or sent.owner != owner or task is asyncio.current_task():
            return
        receiver.sent[number] = None
        task.cancel()
        receiver.tasks[number] = None

    async def settled(self, endpoint: Endpoint, tenant: str) -> None:
        """Wait a moment, at most, until no attempt is under way: a receiver that has just answered finds its answer
        counted."""
        until = time.monotonic() + _MOMENT_S
        while time.monotonic() < until:
            receiver = self._receivers.get((tenant, endpoint.uri))
            if receiver is None or not receiver.under_way:
                return
            await asyncio.sleep(0.002)

    def waiting(self) -> int:
        """Messages not yet taken by their receivers."""
        return sum(receiver.count for receiver in self._receivers.values())

    def _receiver(self, endpoint: Endpoint, tenant: str) -> _Receiver:
        key = (tenant, endpoint.uri)
        receiver = self._receivers.get(key)
        if receiver is None:
            sender: Sender
            if endpoint.is_mqtt:
                sender = MqttSender(endpoint, self._allow_private, self._client.secrets)
            else:
                sender = HttpSender(self._client, endpoint.uri)
            receiver = self._receivers[key] = _Receiver(endpoint, sender)
        elif receiver.endpoint is not endpoint:
            receiver.endpoint = endpoint  # the latest time-out and cooldown count
            if isinstance(receiver.sender, MqttSender):
                receiver.sender.configure(endpoint)
        return receiver

    def _forget(self, receiver: _Receiver, message: Message) -> None:
        receiver.count -= 1
        receiver.bytes -= len(message.body)
        self._total -= len(message.body)

    # -- out ------------------------------------------------------------------------------------------------
    async def _run(self, receiver: _Receiver, number: int) -> None:
        """Empty one lane, then end."""
        try:
            while receiver.lanes[number]:
                message = receiver.lanes[number][0]
                if number != message.numbers[0] or not _may_go(receiver, message):
                    return  # another lane's turn: whoever makes it possible wakes it (below, and _wake)
                if receiver.wait_s:
                    await self._try_in_trouble(receiver, number, message)
                else:
                    await self._attempt(receiver, number, message)
        finally:
            receiver.used = time.monotonic()
            task = asyncio.current_task()
            if receiver.tasks[number] is task:
                receiver.tasks[number] = None
                self._wake(receiver, number)

    async def _try_in_trouble(self, receiver: _Receiver, number: int, message: Message) -> None:
        """While a receiver fails, one lane at a time tries, with growing pauses."""
        if receiver.trouble is None:
            receiver.trouble = asyncio.Lock()
        async with receiver.trouble:
            if not receiver.wait_s:
                return  # another lane got through
            pause = receiver.not_before - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            lane = receiver.lanes[number]
            if lane and lane[0] is message:
                await self._attempt(receiver, number, message)

    async def _attempt(self, receiver: _Receiver, number: int, message: Message) -> None:
        endpoint = receiver.endpoint
        async with self._slots:
            if not receiver.lanes[number] or receiver.lanes[number][0] is not message:
                return  # dropped while it waited for its turn
            message.on_send(message)
            receiver.under_way += 1
            receiver.sent[number] = message
            try:
                taken = await receiver.sender.send(message, endpoint.timeout_s)
            except Unreachable as error:
                self._failed(receiver, error)
                outcome = Outcome.FAILED
            except Exception as error:
                log.exception("Sending to a receiver failed unexpectedly; it will be tried again")
                self._failed(receiver, Unreachable(str(error)))
                outcome = Outcome.FAILED
            else:
                receiver.wait_s = 0.0
                outcome = Outcome.DELIVERED if taken else Outcome.REFUSED
            finally:
                receiver.under_way -= 1
                if receiver.sent[number] is message:
                    receiver.sent[number] = None
        lane = receiver.lanes[number]
        if not lane or lane[0] is not message:
            return  # dropped meanwhile
        if outcome is not Outcome.FAILED:
            for one in message.numbers:
                receiver.lanes[one].popleft()
            self._forget(receiver, message)
            for one in message.numbers:
                if one != number:
                    self._wake(receiver, one)
        message.report(message, outcome)

    def _failed(self, receiver: _Receiver, error: Unreachable) -> None:
        now = time.monotonic()
        if receiver.wait_s and now < receiver.not_before:
            return  # another lane failed a moment ago
        if not receiver.wait_s:
            log.info("A receiver of notifications does not take them: %s", error.reason)
        receiver.wait_s = min(_LONGEST_WAIT_S, receiver.wait_s * 2 or _FIRST_WAIT_S)
        receiver.not_before = now + max(receiver.wait_s, receiver.endpoint.cooldown_s)

    # -- life -----------------------------------------------------------------------------------------------
    def tidy(self) -> None:
        """Forget receivers that nobody sends to, and close connections that idle. Call every few seconds."""
        self._client.tidy()
        old = time.monotonic() - _IDLE_S
        for key, receiver in list(self._receivers.items()):
            if not receiver.count and receiver.used < old and not any(receiver.tasks):
                receiver.sender.close()
                del self._receivers[key]

    async def close(self) -> None:
        """Stop. What was not taken by its receiver is its owner's to offer again."""
        self._closed = True
        tasks = [task for receiver in self._receivers.values() for task in receiver.tasks if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for receiver in self._receivers.values():
            receiver.sender.close()
        self._receivers.clear()
        self._total = 0
