"""The room of training and drills."""

from __future__ import annotations

from dataclasses import dataclass

from andaman.broker.api import Broker
from andaman.city.registers import Registers
from andaman.evidence.service import Evidence
from andaman.identity.service import Identity
from andaman.kernel.time import DAY
from andaman.room import Built, Room, Site, setting
from andaman.training.course import COURSES
from andaman.training.demo import demo_people
from andaman.training.figures import KIND, Figures
from andaman.training.framework import COMPETENCIES, STAFF_ROLES
from andaman.training.permissions import PERMISSIONS
from andaman.training.routes import routes
from andaman.training.scenarios import SCENARIOS
from andaman.training.service import TrainingService
from andaman.training.types import TYPES

REGISTERS = (COMPETENCIES, STAFF_ROLES, SCENARIOS, COURSES)


@dataclass(frozen=True)
class TrainingSettings:
    drill_keep_days: int = setting(
        30, "A drill's copy of the city is removed this many days after its end; its score stays.", 1, 3650
    )


def build(site: Site, settings: TrainingSettings) -> Built:
    tenants = site.services.get(Identity).tenants
    keep = settings.drill_keep_days * DAY
    broker, registers = site.services.get(Broker), site.services.get(Registers)
    training = site.services.add(
        TrainingService(broker, site.clock, registers, tenants, keep, demo_people(site.directory))
    )
    site.services.get(Evidence).register(KIND, Figures(training.staff).basis)
    return Built(doors=routes(training), background=[training])


ROOM = Room("training", build, TrainingSettings, types=TYPES, registers=REGISTERS, permissions=PERMISSIONS)
