"""Registers as kinds of definitions: the rows are the versions in force."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from andaman.city.permissions import MANAGE_REGISTERS, READ_REGISTERS
from andaman.city.registers import Registers
from andaman.definitions.kinds import DefinitionKind, Document, SetAside
from andaman.identity.model import Actor
from andaman.kernel.time import Micros
from andaman.register import Register


class RegisterPlace:
    """The rows of one register."""

    def __init__(self, registers: Registers, register: Register[Any]) -> None:
        self._registers, self._register = registers, register

    def in_force(self) -> Mapping[str, Document]:
        rows = self._registers.rows(self._register)
        return {code: self._register.form.document(row) for code, row in rows.items()}

    async def put(self, key: str, document: Document, actor: Actor) -> None:
        await self._registers.put(self._register, key, dict(document), actor)

    async def delete(self, key: str, actor: Actor) -> None:
        await self._registers.delete(self._register, key, actor)

    def kept(self) -> Collection[str]:
        return ()

    def set_aside(self) -> Sequence[SetAside]:
        return [
            SetAside(one.code, {name: text for name, text in one.row.items() if name != "code"}, one.errors)
            for one in self._registers.set_aside(self._register)
        ]

    def since(self, key: str) -> Micros | None:
        return self._registers.written_at(self._register, key)


def kind_of(registers: Registers, register: Register[Any]) -> DefinitionKind:
    def check(row: Any) -> None:
        if register.check is not None:
            register.check(row)
        registers.check_entities(register, row)

    return DefinitionKind(
        register.name,
        register.words,
        register.form,
        RegisterPlace(registers, register),
        read=MANAGE_REGISTERS if register.confidential else READ_REGISTERS,
        manage=MANAGE_REGISTERS,
        check=check,
        asks_reason=register.asks_reason,
    )
