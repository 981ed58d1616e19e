"""Notifications over MQTT 3.1.1 and 5.0 (CIM 009 §7.2): one connection to each address, one message at a time.

With QoS 1 and 2 a message counts as taken when the broker has acknowledged it, with QoS 0 when it is written.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import orjson
from gmqtt import Client
from gmqtt.mqtt.constants import MQTTv50, MQTTv311
from gmqtt.storage import PersistentStorage

from andaman.broker.outgoing import Unreachable, filled
from andaman.broker.subscriptions.message import Message
from andaman.broker.subscriptions.model import Endpoint
from andaman.kernel.addresses import allowed_address
from andaman.kernel.secrets import Secrets, reference_in

_quiet = logging.getLogger("andaman.mqtt")
_quiet.setLevel(logging.ERROR)  # the client tells of every reconnection; failures are told by the courier
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_NEVER: Final = 0  # gmqtt's own reconnection stays off: the courier tries again


def mqtt_payload(metadata: dict[str, str], body: bytes) -> bytes:
    """``{"metadata": …, "body": <the notification>}``."""
    return orjson.dumps({"metadata": metadata, "body": orjson.Fragment(body)})


class MqttSender:
    """One address: ``mqtt[s]://[user[:password]@]host[:port]/topic``. The password may be ``secret:NAME``."""

    def __init__(self, endpoint: Endpoint, allow_private: bool, secrets: Secrets | None = None) -> None:
        self._secrets = secrets
        parts = urlsplit(endpoint.uri)
        self._secure = parts.scheme.lower() == "mqtts"
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS["mqtts" if self._secure else "mqtt"]
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._topic = unquote(parts.path[1:])
        self._allow_private = allow_private
        self._client: Any = None
        self._storage = PersistentStorage()
        self._version = MQTTv50
        self._qos = 0
        self._closing: set[asyncio.Task[None]] = set()
        self.configure(endpoint)

    def configure(self, endpoint: Endpoint) -> None:
        """Protocol version and quality of service, as the subscription says now."""
        info = dict(endpoint.notifier_info)
        self._qos = int(info.get("MQTT-QoS", "0"))
        version = MQTTv311 if info.get("MQTT-Version") == "mqtt3.1.1" else MQTTv50
        if version != self._version:
            self._version = version
            self.close()

    async def send(self, message: Message, timeout_s: float) -> bool:
        """Raises Unreachable."""
        try:
            async with asyncio.timeout(timeout_s):
                client = await self._connected()
                client.publish(self._topic, message.body, qos=self._qos)
                if self._qos:
                    await self._acknowledged(client)
        except TimeoutError:
            self.close()
            raise Unreachable(f"{self._host} did not answer within {timeout_s:g} s", timed_out=True) from None
        except (Unreachable, asyncio.CancelledError):
            self.close()
            raise
        except Exception as error:  # gmqtt's errors have no common root
            self.close()
            raise Unreachable(f"{self._host} cannot be reached: {error or type(error).__name__}") from None
        return True

    async def _acknowledged(self, client: Any) -> None:
        """Until the broker has acknowledged the message; Unreachable when the connection ends first."""
        done = asyncio.ensure_future(self._storage.wait_empty())
        lost = asyncio.ensure_future(client._connection_lost.wait())
        try:
            await asyncio.wait({done, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (done, lost):
                task.cancel()
        if not self._storage.is_empty:
            raise Unreachable(f"{self._host} closed the connection before it acknowledged")

    async def _connected(self) -> Any:
        if self._client is not None and self._client.is_connected:
            return self._client
        self.close()
        address = await self._resolve()
        self._storage = PersistentStorage()
        client = Client(
            f"andaman-{os.urandom(6).hex()}",
            clean_session=True,
            persistent_storage=self._storage,
            logger=_quiet,
        )
        client.set_config({"reconnect_retries": _NEVER})
        if self._user is not None:
            client.set_auth_credentials(self._user, self._opened_password())
        tls: ssl.SSLContext | bool = False
        if self._secure:
            tls = await asyncio.to_thread(ssl.create_default_context)
        self._client = client
        # With TLS the certificate vouches for the name; without, the connection goes to the address that was checked.
        await client.connect(
            self._host if self._secure else address, self._port, ssl=tls, version=self._version
        )
        return client

    def _opened_password(self) -> str | None:
        """Raises Unreachable where it is a secret that cannot be sent there."""
        if self._password is None or reference_in(self._password) is None:
            return self._password
        return filled(self._secrets, self._password, self._host, self._port).decode()

    async def _resolve(self) -> str:
        found = await asyncio.get_running_loop().getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            if self._allow_private and address in ("0.0.0.0", "::"):  # noqa: S104 - a way to write loopback
                continue
            if not allowed_address(address, self._allow_private):
                raise Unreachable(
                    f"{self._host} is at a private, loopback or link-local address; nothing is sent there"
                )
        if not addresses:
            raise Unreachable(f"{self._host} has no address")
        return addresses[0]

    def close(self) -> None:
        """Let go of the connection; another is made when needed."""
        client, self._client = self._client, None
        if client is None:
            return

        async def end() -> None:
            try:
                await asyncio.wait_for(client.disconnect(), 2.0)
            except Exception as error:
                _quiet.debug("closing: %s", error)

        task = asyncio.ensure_future(end())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
