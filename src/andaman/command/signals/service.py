"""Takes the commands of people on alerts."""

from __future__ import annotations

from typing import assert_never

from andaman.broker.api import WriteOp
from andaman.command.core.records import Records
from andaman.command.core.views import Alert
from andaman.command.signals.alerts import acknowledge, close
from andaman.command.signals.commands import Acknowledge, AlertCommand, CloseAlert
from andaman.identity.model import Actor
from andaman.kernel.time import Micros


class Alerts:
    def __init__(self, records: Records) -> None:
        self._records = records

    async def handle(self, command: AlertCommand, actor: Actor, tenant: str) -> str:
        """Returns the id of the alert. Raises NoSuchRecord, Unreadable, AlertAcknowledged, AlertNotOpen, AlertClosed."""
        person = actor.principal.name

        def decide(now: Micros) -> list[WriteOp]:
            alert = self._records.get(Alert, command.alert, actor.access, tenant)
            match command:
                case Acknowledge():
                    return [acknowledge(alert, person, command.note, now)]
                case CloseAlert():
                    return [close(alert, person, command.reason, now)]
                case _:
                    assert_never(command)

        async with self._records.lock:
            await self._records.commit(decide, actor, tenant)
        return command.alert
