"""Small things that the ledger's tests share: operations, actors with few rights, and a broker for one test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from andaman.broker.entity.build import entity, iri, prop
from andaman.broker.model import Doc, OpKind, WriteOp
from andaman.broker.service import Broker
from andaman.identity.model import Actor, Principal, system_actor

T = TypeVar("T")
SYSTEM = system_actor("test")
SPEED = iri("speed")
VEHICLE = iri("Vehicle")
START = 1_790_000_000_000_000


class Ticks:
    """A clock that a test moves by hand."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@dataclass(frozen=True)
class Rights:
    """Access that hides some types, scopes and attributes, and writes what it sees."""

    key: str
    hidden_types: frozenset[str] = frozenset()
    hidden_scopes: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    def enters(self, tenant: str) -> bool:
        return True

    def sees(self, types: Sequence[str], scopes: Sequence[str]) -> bool:
        return self.hidden_types.isdisjoint(types) and self.hidden_scopes.isdisjoint(scopes)

    def hidden_attrs(self, types: Sequence[str], scopes: Sequence[str]) -> frozenset[str]:
        return self.hidden

    def may_write(self, types: Sequence[str], scopes: Sequence[str], attrs: Sequence[str]) -> bool:
        return self.sees(types, scopes) and self.hidden.isdisjoint(attrs)


def actor(rights: Rights) -> Actor:
    return Actor(Principal("user:somchai", "Somchai", frozenset({"operator"})), rights)


def urn(number: int | str) -> str:
    return f"urn:ngsi-ld:Vehicle:{number}"


def vehicle(number: int | str, **attrs: Any) -> Doc:
    return entity(urn(number), "Vehicle", **attrs)


def create(number: int | str, **attrs: Any) -> WriteOp:
    return WriteOp(OpKind.CREATE, urn(number), vehicle(number, **attrs))


def put(number: int | str, **attrs: Any) -> WriteOp:
    return WriteOp(OpKind.UPSERT_UPDATE, urn(number), vehicle(number, **attrs))


def set_speed(number: int | str, value: float) -> WriteOp:
    return WriteOp(OpKind.PARTIAL_ATTR, urn(number), {"attrs": {SPEED: [prop(value)]}}, attr=SPEED)


def delete(number: int | str) -> WriteOp:
    return WriteOp(OpKind.DELETE, urn(number))


def with_broker(directory: Path, work: Callable[[Broker], Awaitable[T]], **options: Any) -> T:
    """Run one coroutine with an open broker, and close it. History is off unless asked for."""
    options.setdefault("history", False)

    async def run() -> T:
        broker = Broker.open(directory, **options)
        await broker.start()
        try:
            return await work(broker)
        finally:
            await broker.close()

    return asyncio.run(run())
