"""One connection to an MQTT broker, over MQTT 5 or else 3.1.1: its answers, its refusals, and the reason for its end."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from gmqtt import Client, Subscription
from gmqtt.mqtt.constants import MQTTv50, MQTTv311
from gmqtt.mqtt.handler import MQTTConnectError
from gmqtt.mqtt.utils import unpack_variable_byte_integer

from andaman.ingest.model import SourceAway
from andaman.ingest.properties import subscription_identifiers
from andaman.ingest.words import CONNECT_WORDS, DISCONNECT_WORDS, REFUSED_WORDS, V5_UNKNOWN
from andaman.kernel.errors import BadRequestData, Unavailable
from andaman.kernel.secrets import Secrets

log = logging.getLogger(__name__)
_quiet = logging.getLogger("andaman.ingest.gmqtt")
_quiet.setLevel(logging.CRITICAL)  # what it has to say is told here, in words
logging.getLogger("gmqtt").setLevel(logging.CRITICAL)
CONNECT_S: Final = 15.0
ANSWER_S: Final = 15.0
IN_FLIGHT: Final = 2000
SESSION_S: Final = 7 * 24 * 3600
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a packet; an MQTT 5 broker does not send us larger ones."""
TAKEN_OVER_S: Final = 300.0
"""Pause when somebody else connects with our client id: the two must not throw each other out in turn."""
_FILTERS: Final = 8
"""In one packet: some brokers take no more."""
_NEVER: Final = -2  # gmqtt takes −1 for ever and 0 for once
_TAKEN_OVER: Final = 0x8E
_UNAVAILABLE: Final = (3, 0x88)
_AT_MOST_ONCE: Final = 0
_DISCONNECT: Final = b"\xe0"


@dataclass(frozen=True, slots=True)
class MqttAddress:
    """``mqtt://user:password@host:port`` or ``mqtts://…``; ANDAMAN_MQTT_PASSWORD may have the password instead. It may be
    ``secret:NAME``."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None = field(repr=False)
    secrets: Secrets | None = field(default=None, repr=False, compare=False)

    @classmethod
    def parse(cls, url: str, secrets: Secrets | None = None) -> MqttAddress:
        shown = url.rpartition("@")[2]  # without the password that may stand before it
        right = "an MQTT address such as mqtt://127.0.0.1:1883"
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise BadRequestData(f"{shown!r} is not {right}: {error}") from None
        if parts.scheme not in ("mqtt", "mqtts") or not host or port == 0:
            raise BadRequestData(f"{shown!r} is not {right}")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise BadRequestData(
                f"{shown!r} has more than host and port; write {right}, topics belong in the mapping"
            )
        tls = parts.scheme == "mqtts"
        password = unquote(parts.password) if parts.password else os.environ.get("ANDAMAN_MQTT_PASSWORD")
        username = unquote(parts.username) if parts.username else None
        return cls(host, port or (8883 if tls else 1883), tls, username, password, secrets)

    def open_password(self) -> str | None:
        """The password as it is sent. Raises SourceAway, with the reason, where it is a secret that cannot be used."""
        if self.password is None or self.secrets is None:
            return self.password
        try:
            return self.secrets.filled(self.password, self.host, self.port)
        except Unavailable as error:
            raise SourceAway(error.detail) from None

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came. ``topic`` is bytes where it is no UTF-8."""

    topic: str | bytes
    payload: bytes
    qos: int
    retained: bool  # kept by the MQTT broker from an earlier time
    number: int = 0  # of the packet; QoS 1
    broken: str = ""  # what is wrong with the packet itself
    identifiers: tuple[int, ...] = ()  # of the subscriptions that brought it, where those have any


Receiver = Callable[[Delivery], None]


class Session:
    """``connect``, then ``subscribe``; messages go to ``receive`` until ``lost`` is set, and ``why`` says what happened. Each is
    acknowledged by ``acknowledge`` and nothing else."""

    def __init__(self, address: MqttAddress, client_id: str, receive: Receiver) -> None:
        self.address = address
        self.client_id = client_id
        self.lost = asyncio.Event()
        self.version = MQTTv50
        self._receive = receive
        self._client: Any = None
        self._said = b""
        self._answers: dict[int, asyncio.Future[Sequence[int]]] = {}
        self._present = False
        self._closed = False
        self._connected = False
        self._refusal = 0
        self.hung_up = False
        """The MQTT broker closed the connection and said nothing: as some do when another client has our id."""
        self.away = False
        """The MQTT broker could not be reached, or said that it is not available."""
        self.received = 0
        self.taken = 0

    @property
    def has_identifiers(self) -> bool:
        """Does the MQTT broker say which subscription brought a message (MQTT 5 §3.2.2.3.12)?"""
        told = getattr(self._client._package_handler, "_connack_properties", {}).get("sub_id_available", [1])
        return bool(self.version == MQTTv50 and told != [0])

    # -- connecting
    async def connect(self) -> bool:
        """True where the MQTT broker had kept our session. Raises SourceAway."""
        refused = await self._try(MQTTv50)
        if refused is not None:
            log.info("mqtt: %s does not take MQTT 5 (%s); trying 3.1.1", self.address.place, refused)
            refused = await self._try(MQTTv311)
        if refused is not None:
            self.away = True
            raise SourceAway(
                f"{self.address.place} closed the connection without an answer; MQTT 5 and MQTT 3.1.1 were tried"
            )
        return self._present

    async def _try(self, version: int) -> str | None:
        """None when connected; a text where another version may do. Raises SourceAway."""
        self.lost, self._said, self.version, self._refusal = asyncio.Event(), b"", version, 0
        self._client = self._make()
        tls: ssl.SSLContext | bool = ssl.create_default_context() if self.address.tls else False
        client = self._client
        connecting = asyncio.create_task(
            client.connect(self.address.host, self.address.port, ssl=tls, version=version)
        )
        losing = asyncio.create_task(self.lost.wait())
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.wait({connecting, losing}, return_when=asyncio.FIRST_COMPLETED)
            if self._refusal:
                return self._refused(self._refusal)
            if connecting.done():
                connecting.result()
                self._connected = True
                return None
            return "it closed the connection"
        except TimeoutError:
            self.away = True
            raise SourceAway(f"No answer from {self.address.place} within {CONNECT_S:.0f} s") from None
        except MQTTConnectError as error:
            return self._refused(int(error._code))
        except OSError as error:
            self.away = True
            raise SourceAway(f"{self.address.place} cannot be reached: {error}") from None
        finally:
            for task in (connecting, losing):
                task.cancel()
            await asyncio.gather(connecting, losing, return_exceptions=True)
            if not self._connected:
                await self._end(client)

    def _refused(self, code: int) -> str:
        """Where another version may do; else raises SourceAway."""
        if self.version == MQTTv50 and code in V5_UNKNOWN:
            return "it refuses the version"
        self.away = code in _UNAVAILABLE
        words = CONNECT_WORDS.get(code, f"code {code}")
        raise SourceAway(f"{self.address.place} refuses the connection: {words}") from None

    def _answered(self, original: Callable[[int, bytes], None], cmd: int, packet: bytes) -> None:
        """A CONNACK packet (MQTT 5 §3.2). The library would go on by itself after a refusal."""
        if len(packet) > 1 and packet[1]:
            self._refusal = packet[1]
            self.lost.set()
        else:
            original(cmd, packet)

    def _make(self) -> Any:
        client = Client(
            self.client_id,
            clean_session=False,
            optimistic_acknowledgement=False,
            session_expiry_interval=SESSION_S,
            receive_maximum=IN_FLIGHT,
            maximum_packet_size=LARGEST,
            logger=_quiet,
        )
        client.set_config({"reconnect_retries": _NEVER, "reconnect_delay": 0})  # the manager starts us again
        if self.address.username:
            client.set_auth_credentials(self.address.username, self.address.open_password())

        def on_connect(_client: Any, present: Any, _code: Any, _properties: Any) -> None:
            self._present = bool(present & 1)

        def on_disconnect(_client: Any, packet: Any, _error: Any = None) -> None:
            if isinstance(packet, bytes) and not self._said:
                self._said = packet or _last_words(client)
            self.hung_up = not self._said and not self._closed and _reader(client).exception() is None
            self.lost.set()

        def answered(_client: Any, number: int, codes: Sequence[int], _properties: Any = None) -> None:
            answer = self._answers.pop(number, None)
            if answer is not None and not answer.done():
                answer.set_result(codes)

        handler = client._package_handler
        handler._handle_publish_packet = self._published
        handler._handle_connack_packet = partial(self._answered, handler._handle_connack_packet)
        client.on_connect = on_connect
        client.on_disconnect = on_disconnect
        client.on_subscribe = answered
        client.on_unsubscribe = answered
        return client

    def _published(self, cmd: int, raw: bytes) -> None:
        """A PUBLISH packet (MQTT 5 §3.3). Taken apart here: the library acknowledges before, or leaves a packet that it
        cannot read without an answer, so that it comes again for ever. Of its properties only the identifiers are for us."""
        if self._closed:
            return  # what was read before the end: it was not acknowledged and comes again
        qos, retained = (cmd & 0x06) >> 1, bool(cmd & 1)
        topic, number, payload, broken = b"", 0, raw, ""
        identifiers: tuple[int, ...] = ()
        try:
            (length,) = struct.unpack_from("!H", raw)
            at = 2 + length
            topic = raw[2:at]
            if qos:
                (number,) = struct.unpack_from("!H", raw, at)
                at += 2
            if self.version == MQTTv50:
                skipped, rest = unpack_variable_byte_integer(raw[at : at + 5])
                at += len(raw[at : at + 5]) - len(rest) + skipped
                if skipped:
                    identifiers = subscription_identifiers(raw[at - skipped : at])
            if at > len(raw):
                raise ValueError("it ends before its payload")
            payload = raw[at:]
        except (struct.error, ValueError, IndexError) as error:
            broken = str(error)
        try:
            name: str | bytes = topic.decode()
        except UnicodeDecodeError:
            name = topic
        self.received += 1
        self._receive(Delivery(name, payload, qos, retained, number, broken, identifiers))

    def acknowledge(self, delivery: Delivery) -> None:
        """The message is on disk: the MQTT broker may forget it. Does nothing once the connection is closed."""
        self.taken += 1
        if delivery.qos == 1 and delivery.number and not (self._closed or self.lost.is_set()):
            self._client._package_handler._send_puback(delivery.number)

    # -- topics
    async def subscribe(
        self, wanted: Mapping[str, int], identifiers: Mapping[str, int] | None = None
    ) -> dict[str, str]:
        """Subscribe to filters with their quality of service; those that are refused, with the reason in words.
        ``identifiers``: of filters whose messages are to say that they brought them; for ``has_identifiers`` only.

        What the broker had kept of earlier messages is sent only where the subscription is a new one (MQTT 5 §3.8.3.1); an
        MQTT 3.1.1 broker sends it each time, marked as retained.
        """
        refused: dict[str, str] = {}
        identifiers = identifiers or {}
        plain = [one for one in wanted if one not in identifiers]
        packets = [plain[start : start + _FILTERS] for start in range(0, len(plain), _FILTERS)]
        packets += [[one] for one in wanted if one in identifiers]  # a packet has one identifier
        for some in packets:
            asked = [
                Subscription(
                    one,
                    qos=wanted[one],
                    retain_handling_options=1 if self.version == MQTTv50 else 0,
                    subscription_identifier=identifiers.get(one),
                )
                for one in some
            ]
            codes = await self._ask(partial(self._client.subscribe, asked))
            for one, code in zip(some, codes, strict=False):
                if code >= 0x80:
                    refused[one] = REFUSED_WORDS.get(code, f"code {code}")
                elif code == _AT_MOST_ONCE and wanted[one]:
                    log.warning(
                        "mqtt: %s grants QoS 0 only for %s: messages under way may be lost",
                        self.address.place,
                        one,
                    )
            for one in some[len(codes) :]:
                refused[one] = "no answer for it"
        return refused

    async def unsubscribe(self, filters: Sequence[str]) -> None:
        for start in range(0, len(filters), _FILTERS):
            some = [
                one.encode() for one in filters[start : start + _FILTERS]
            ]  # the library counts characters
            await self._ask(partial(self._client.unsubscribe, some))

    async def _ask(self, send: Callable[[], int]) -> Sequence[int]:
        """Send, and wait for the codes of the answer. Raises SourceAway."""
        number = send()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        losing: asyncio.Future[Any] = asyncio.create_task(self.lost.wait())
        try:
            await asyncio.wait({answer, losing}, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            losing.cancel()
            self._answers.pop(number, None)
        if answer.done():
            codes: Sequence[int] = answer.result()
            return codes
        if self.lost.is_set():
            raise self.why()
        raise SourceAway(f"{self.address.place} does not answer a subscription within {ANSWER_S:.0f} s")

    # -- the end
    def why(self) -> SourceAway:
        """What ended the connection."""
        code = self._said[0] if self._said else 0
        if code == _TAKEN_OVER:
            return SourceAway(
                f"Another client has connected to {self.address.place} with our client id {self.client_id!r} and has taken "
                "over the session, perhaps a copy of this installation. Stop it, or give one of the two another "
                f"mqtt_client_id. Next attempt in {TAKEN_OVER_S / 60:.0f} minutes",
                TAKEN_OVER_S,
            )
        text = f"The connection to {self.address.place} was lost"
        if code:
            text += f": {DISCONNECT_WORDS.get(code, f'code {code}')}"
        elif self.version != MQTTv50:
            text += f" (over MQTT 3.1.1, which does not say why; does another client use the id {self.client_id!r}?)"
        return SourceAway(text)

    def hold(self, paused: bool) -> None:
        """Stop reading from the socket, or go on: what we cannot take yet waits at the MQTT broker."""
        connection = getattr(self._client, "_connection", None)
        transport = getattr(connection, "_transport", None)
        if transport is None or transport.is_closing():
            return
        if paused:
            transport.pause_reading()
        else:
            transport.resume_reading()

    async def close(self, *, forget: bool = False) -> None:
        """Close; the session lasts, unless ``forget``. Does not wait for what will never be acknowledged."""
        self._closed = True
        if self._client is not None:
            await self._end(
                self._client, {"session_expiry_interval": 0} if forget and self.version == MQTTv50 else {}
            )

    @staticmethod
    async def _end(client: Any, more: Mapping[str, int] | None = None) -> None:
        try:
            await asyncio.wait_for(client.disconnect(**(more or {})), 2.0)
        except Exception as error:  # the connection is gone already, or was never there
            log.debug("mqtt: closing: %s", error)
        transport = getattr(getattr(client, "_connection", None), "_transport", None)
        if transport is not None:
            transport.abort()  # from here on nothing is acknowledged any more


def _reader(client: Any) -> Any:
    connection = client._connection
    return asyncio.StreamReader() if connection is None else connection._protocol._hard_reader


def _last_words(client: Any) -> bytes:
    """The body of a DISCONNECT packet that came together with the end of the connection: the library drops unread bytes then."""
    unread = bytes(_reader(client)._buffer)
    at = unread.find(_DISCONNECT)
    while at >= 0:
        if at + 2 < len(unread) and unread[at + 1] == len(unread) - at - 2:
            return unread[at + 2 :]
        at = unread.find(_DISCONNECT, at + 1)
    return b""
