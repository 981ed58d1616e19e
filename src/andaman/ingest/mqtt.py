"""Devices over MQTT. A message is acknowledged (QoS 1) only when its values, or its dead letter, are on disk.

So a kill between receipt and commit loses nothing: the MQTT broker keeps the session and sends the message again. Doubles
and disorder do no harm (``order.plan``).
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from gmqtt import Client
from gmqtt.mqtt.constants import MQTTv50

from andaman.broker.model import Doc
from andaman.ingest.deadletter import DeadLetter, DeadLetterStore
from andaman.ingest.mapping import TopicMap
from andaman.ingest.model import FeedLink
from andaman.ingest.reading import MAX_BYTES, read_message
from andaman.kernel.errors import AndamanError, BadRequestData, Unavailable

log = logging.getLogger(__name__)
BATCH: Final = 500
IN_FLIGHT: Final = 2000
MOST_UNCONFIRMED: Final = 20_000
SESSION_S: Final = 7 * 24 * 3600
CONNECT_S: Final = 15.0
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a packet; the MQTT broker does not send us larger ones."""
_ACCEPTED: Final = 0
_NEVER: Final = -2  # gmqtt takes −1 for ever and 0 for once


@dataclass(frozen=True, slots=True)
class MqttAddress:
    """``mqtt://user:password@host:port`` or ``mqtts://…``; the password may stand in ANDAMAN_MQTT_PASSWORD instead."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> MqttAddress:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            shown = url.rpartition("@")[2]  # without the password that may stand before it
            raise BadRequestData(f"{shown!r} is not an MQTT address such as mqtt://127.0.0.1:1883")
        tls = parts.scheme == "mqtts"
        password = unquote(parts.password) if parts.password else os.environ.get("ANDAMAN_MQTT_PASSWORD")
        username = unquote(parts.username) if parts.username else None
        return cls(parts.hostname, parts.port or (8883 if tls else 1883), tls, username, password)


@dataclass(slots=True)
class _Message:
    topic: str
    payload: bytes
    done: asyncio.Future[int]


class MqttFeed:
    """One connection to an MQTT broker, with a session that lasts while we are away."""

    def __init__(
        self,
        address: MqttAddress,
        mapping: TopicMap,
        letters: DeadLetterStore,
        client_id: str = "andaman",
        feed_id: str = "mqtt",
    ) -> None:
        self.id = feed_id
        self.name = {"th": "อุปกรณ์ตรวจวัด (MQTT)", "en": "Devices (MQTT)"}
        self.origin = "measured"
        self.speed = 1.0
        self._address = address
        self._mapping = mapping
        self._letters = letters
        self._client_id = client_id

    async def run(self, link: FeedLink) -> None:
        """Connect, and take messages until the connection is lost; then raise Unavailable, so that it is made again."""
        queue: asyncio.Queue[_Message] = asyncio.Queue()
        open_: set[asyncio.Future[int]] = set()
        lost = asyncio.Event()
        client = self._client(queue, open_, lost)
        worker = asyncio.create_task(self._work(queue, link))
        waiting = asyncio.create_task(lost.wait())
        try:
            await self._connect(client)
            link.ready()
            await asyncio.wait({worker, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if worker.done():
                worker.result()
            raise Unavailable(f"The connection to {self._address.host}:{self._address.port} was lost")
        finally:
            for task in (worker, waiting):
                task.cancel()
            await asyncio.gather(worker, waiting, return_exceptions=True)
            await self._disconnect(client)
            for done in list(
                open_
            ):  # the socket is closed: this lets the client's tasks end, and acknowledges nothing
                if not done.done():
                    done.set_result(_ACCEPTED)

    def _client(
        self, queue: asyncio.Queue[_Message], open_: set[asyncio.Future[int]], lost: asyncio.Event
    ) -> Any:
        client = Client(
            self._client_id,
            clean_session=False,
            optimistic_acknowledgement=False,
            session_expiry_interval=SESSION_S,
            receive_maximum=IN_FLIGHT,
            maximum_packet_size=LARGEST,
            logger=log,
        )
        client.set_config({"reconnect_retries": _NEVER, "reconnect_delay": 0})  # the manager starts us again
        if self._address.username:
            client.set_auth_credentials(self._address.username, self._address.password)

        async def on_message(_client: Any, topic: str, payload: bytes, qos: int, _properties: Any) -> int:
            if qos == 0 and queue.qsize() > MOST_UNCONFIRMED:
                return _ACCEPTED  # QoS 0 asks for nothing better: a flood must not fill the memory
            done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            open_.add(done)
            done.add_done_callback(open_.discard)
            # a byte more than is read shows that it is too large; the rest need not wait in memory
            queue.put_nowait(_Message(topic, bytes(payload[: MAX_BYTES + 1]), done))
            return await done  # the acknowledgement leaves when this returns

        def on_connect(connected: Any, _flags: Any, _code: Any, _properties: Any) -> None:
            for rule in self._mapping.topics:
                connected.subscribe(rule.filter, qos=rule.qos)

        def on_disconnect(_client: Any, _packet: Any, _error: Any = None) -> None:
            lost.set()

        client.on_message = on_message
        client.on_connect = on_connect
        client.on_disconnect = on_disconnect
        return client

    async def _connect(self, client: Any) -> None:
        address = self._address
        tls: ssl.SSLContext | bool = ssl.create_default_context() if address.tls else False
        try:
            await asyncio.wait_for(
                client.connect(address.host, address.port, ssl=tls, version=MQTTv50), CONNECT_S
            )
        except TimeoutError:
            raise Unavailable(
                f"No answer from {address.host}:{address.port} within {CONNECT_S:.0f} s"
            ) from None
        except OSError as error:
            raise Unavailable(f"{address.host}:{address.port} cannot be reached: {error}") from None

    @staticmethod
    async def _disconnect(client: Any) -> None:
        """Close without ending the session, and without waiting for what will never be acknowledged."""
        try:
            await asyncio.wait_for(client.disconnect(), 2.0)
        except Exception as error:  # the connection is gone already, or was never there
            log.debug("mqtt: closing: %s", error)

    async def _work(self, queue: asyncio.Queue[_Message], link: FeedLink) -> None:
        while True:
            batch = [await queue.get()]
            while len(batch) < BATCH and not queue.empty():
                batch.append(queue.get_nowait())
            await self._take(batch, link)
            for message in batch:
                if not message.done.done():
                    message.done.set_result(_ACCEPTED)

    async def _take(self, batch: Iterable[_Message], link: FeedLink) -> None:
        """Write a batch: first the dead letters, then the values; both are on disk when this returns."""
        now = link.clock()
        docs: list[tuple[_Message, Doc]] = []
        letters: list[DeadLetter] = []
        for message in batch:
            reading = read_message(self._mapping, self.id, message.topic, message.payload, now)
            letters += reading.letters
            if reading.doc is not None:
                docs.append((message, reading.doc))
        if docs:
            letters += await self._write(docs, link)
        if letters:
            await asyncio.to_thread(self._letters.add, letters)

    async def _write(self, docs: list[tuple[_Message, Doc]], link: FeedLink) -> list[DeadLetter]:
        """Write; when the broker refuses the batch, each alone, so that one bad entity stops nobody."""
        try:
            await link.write(doc for _, doc in docs)
        except Unavailable:
            raise  # nothing was taken: no acknowledgement, the messages come again
        except AndamanError:
            refused = []
            for message, doc in docs:
                try:
                    await link.write([doc])
                except Unavailable:
                    raise
                except AndamanError as error:
                    refused.append(
                        DeadLetter(
                            link.clock(), self.id, message.topic, "refused", error.detail, message.payload
                        )
                    )
            return refused
        return []
