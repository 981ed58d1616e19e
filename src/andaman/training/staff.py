"""Who holds which role, what they have proven, and the gap between this and the framework."""

from __future__ import annotations

from andaman.broker.api import Broker, Doc, iri, observed
from andaman.command.core import attributes
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.time import Clock
from andaman.register import Rows
from andaman.training.framework import Framework
from andaman.training.skills import GapRow, Member, Record, Standing, proofs_of, skill_gap, standings


class Staff:
    """Reads the records of everybody. Its callers ask for the rights of those who see them."""

    def __init__(self, broker: Broker, registers: Rows, clock: Clock) -> None:
        self._broker, self._registers, self._clock = broker, registers, clock

    def framework(self) -> Framework:
        return Framework.of(self._registers)

    def members(self) -> list[Member]:
        return [
            Member(
                attributes.text(d, "person"),
                attributes.text(d, "staffRole"),
                attributes.text(d, "origin") == "simulated",
                d["id"],
            )
            for d in self._all("StaffMember")
        ]

    def records(self) -> list[Record]:
        return [
            Record(
                attributes.text(d, "person"),
                attributes.text(d, "competency"),
                attributes.count(d, "level"),
                observed(d, "level") or 0,
                attributes.text(d, "evidence"),
                d["id"],
            )
            for d in self._all("LearningRecord")
        ]

    def gap(self) -> list[GapRow]:
        framework = self.framework()
        members, records = self.members(), self.records()
        return skill_gap(framework.roles, framework.competencies, members, records, self._clock())

    def standings(self, role: str, competency: str, wanted: int) -> list[Standing]:
        """Of everybody who holds the role, in this competency at level ``wanted``."""
        now = self._clock()
        proofs = proofs_of(self.records(), self.framework().competencies, now)
        return standings(role, competency, wanted, self.members(), proofs, now)

    def _all(self, kind: str) -> list[Doc]:
        return list(self._broker.iter_entities([iri(kind)], FULL_ACCESS))
