"""A broker with a registry and copies of its subscriptions at one source."""

from __future__ import annotations

from typing import Any

from andaman.broker.exchange.copies import RemoteCopies
from andaman.broker.outgoing import OutgoingClient
from andaman.broker.registry.service import Registry
from tests.broker.subscriptions.world import Receiver, World

CAR = "urn:ngsi-ld:Car:1"


class Federation:
    def __init__(self, w: World, source: Receiver) -> None:
        self.w, self.source = w, source
        self.registry: Registry
        self.remote: RemoteCopies

    async def open(self) -> None:
        self.registry = Registry.open(self.w.directory, self.w.broker)
        await self.registry.start()
        client = OutgoingClient(allow_private=True)
        self.remote = RemoteCopies(self.w.subs, self.registry, self.w.broker, client)
        await self.remote.start()

    async def close(self) -> None:
        await self.remote.stop()
        await self.registry.stop()
        self.registry.close()

    async def register(self, name: str = "1", more: dict[str, Any] | None = None, **members: Any) -> None:
        payload = {
            "id": f"urn:ngsi-ld:ContextSourceRegistration:{name}",
            "type": "ContextSourceRegistration",
            "information": [{"entities": [{"type": "Car"}], **members}],
            "operations": ["federationOps"],
            "endpoint": f"http://127.0.0.1:{self.source.port}",
            **(more or {}),
        }
        await self.registry.register(payload, self.w.contexts.core, "")

    async def asked(self, number: int) -> tuple[str, str, Any]:
        await self.source.until(lambda: len(self.source.requests) >= number)
        return self.source.requests[number - 1]

    async def tell(self, copy: str, **attrs: Any) -> None:
        entity = {"id": CAR, "type": "Car", **{k: {"type": "Property", "value": v} for k, v in attrs.items()}}
        await self.remote.take(
            {"type": "Notification", "subscriptionId": copy, "data": [entity]}, self.w.contexts.core
        )


async def federation(w: World) -> Federation:
    source = Receiver()
    await source.open()
    made = Federation(w, source)
    await made.open()
    return made
