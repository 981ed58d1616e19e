"""Frozen views of stored entities of the training. ``of`` never raises: a wrong attribute counts as missing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from andaman.broker.api import Doc, value
from andaman.command.core import attributes
from andaman.kernel.time import Micros
from andaman.training.exercise import tenant_of
from andaman.training.tasks import DISPATCHING


@dataclass(frozen=True, slots=True)
class DrillRun:
    local: str  # the last part of its id
    tenant: str  # of the copy of the city; made from the id, so that no attribute can name the city itself
    scenario: str
    role: str  # that the trainee plays; those of earlier releases were dispatchers
    status: str
    person: str
    trainers: tuple[str, ...]
    started_at: Micros | None
    finished_at: Micros | None
    removed: bool  # the copy of the city is gone
    injected: frozenset[int]  # indices of the injects that were played

    @classmethod
    def of(cls, doc: Doc) -> Self:
        local = doc["id"].rsplit(":", 1)[-1]
        trainers, rows = value(doc, "trainers"), value(doc, "injected")
        indices = (
            [row.get("index") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        )
        return cls(
            local,
            tenant_of(local),
            attributes.text(doc, "scenario"),
            attributes.text(doc, "drillRole", DISPATCHING),
            attributes.text(doc, "drillStatus"),
            attributes.text(doc, "person"),
            tuple(one for one in trainers if isinstance(one, str)) if isinstance(trainers, list) else (),
            attributes.time(doc, "startedAt"),
            attributes.time(doc, "finishedAt"),
            value(doc, "tenantRemovedAt") is not None,
            frozenset(index for index in indices if isinstance(index, int)),
        )
