"""The room of the command center: alerts, incidents, dispatch."""

from __future__ import annotations

from dataclasses import dataclass

from andaman.broker.api import Broker
from andaman.city.registers import Registers
from andaman.city.room import City
from andaman.command.figures import alert_figures, travel_figures
from andaman.command.incident_types import REGISTERS
from andaman.command.permissions import PERMISSIONS
from andaman.command.routes import routes
from andaman.command.service import CommandService
from andaman.command.signals.keeping import KIND
from andaman.command.signals.rule_definitions import rule_kind
from andaman.command.types import TYPES
from andaman.command.uses import users_in
from andaman.definitions.service import Definitions
from andaman.evidence.service import Evidence
from andaman.identity.policy import Policy
from andaman.identity.result_readers import Readership
from andaman.room import Built, Room, Site, setting


@dataclass(frozen=True)
class CommandSettings:
    unit_simulator: bool = setting(False, "Move assigned units along their routes (marked as simulated).")


def build(site: Site, settings: CommandSettings) -> Built:
    command = site.services.add(
        CommandService(
            site.services.get(Broker),
            site.directory,
            site.clock,
            simulate=settings.unit_simulator,
            pack=site.services.get(City).pack,
            readers=site.services.get(Readership),
            registers=site.services.get(Registers),
        )
    )
    site.services.get(Policy).on_change(command.policy_changed)
    definitions = site.services.get(Definitions)
    definitions.offer(rule_kind(site.services.get(Broker), command.rules))
    evidence = site.services.get(Evidence)
    evidence.register_wide("alert", alert_figures(site.services.get(Broker), evidence.vocabulary))
    evidence.register_wide("travel", travel_figures(command.desk))
    definitions.add_users(users_in(site.services.get(Broker)))
    return Built(doors=routes(command, definitions), background=[command])


ROOM = Room(
    "command",
    build,
    CommandSettings,
    types=TYPES,
    registers=REGISTERS,
    permissions=PERMISSIONS,
    stores=(KIND,),
)
