"""A simulated staff for demonstrations: every record says that it is simulated. Deterministic."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from andaman.broker.api import Doc, entity, prop
from andaman.kernel.ids import urn
from andaman.kernel.time import DAY, Micros
from andaman.training.framework import MAX_LEVEL, Framework
from andaman.training.types import RECORD_SCOPE

SIGN_INS: Final = "demo-sign-in.json"
"""In the data directory of a demonstration: user name → password."""


def demo_people(directory: Path) -> frozenset[str]:
    """Ids of the accounts of a demonstration that this data directory holds, also when it is served as any other."""
    try:
        kept = json.loads((directory / SIGN_INS).read_text("utf-8"))
    except (OSError, ValueError):
        return frozenset()
    return frozenset(f"user:{name}" for name in kept) if isinstance(kept, dict) else frozenset()


def simulated_staff(
    framework: Framework, people: Mapping[str, int], now: Micros, seed: int = 2026
) -> list[Doc]:
    """Staff members and learning records as of ``now``: some lack proofs, some have lapsed ones. ``people``: role → how many."""
    dice = random.Random(seed)
    days = {code: one.valid_days for code, one in framework.competencies.items()}
    docs: list[Doc] = []
    for role in framework.roles:
        for number in range(1, people.get(role.id, 0) + 1):
            person = f"staff:simulated-{role.id}-{number}"
            key = person.replace(":", "-")
            docs.append(
                entity(
                    urn("StaffMember", key),
                    "StaffMember",
                    scope=RECORD_SCOPE,
                    person=prop(person),
                    staffRole=prop(role.id),
                    origin=prop("simulated"),
                )
            )
            for competency, wanted in role.requires.items():
                if dice.random() < 0.2:
                    continue
                level = max(1, min(MAX_LEVEL, wanted + dice.choice((-1, 0, 0, 0, 1))))
                age = dice.uniform(10, 1.15 * days[competency])
                docs.append(
                    entity(
                        urn("LearningRecord", f"{key}-{competency}"),
                        "LearningRecord",
                        scope=RECORD_SCOPE,
                        person=prop(person),
                        competency=prop(competency),
                        level=prop(level, now - int(age * DAY)),
                        evidence=prop("simulated for the demonstration"),
                        origin=prop("simulated"),
                    )
                )
    return docs
