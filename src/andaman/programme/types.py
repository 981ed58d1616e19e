"""Objectives, deliverables, milestones and their evidence."""

from __future__ import annotations

from typing import Final

from andaman.kernel.words import Words
from andaman.vocabulary import EntityType

OBJECTIVE: Final = EntityType("Objective", Words("วัตถุประสงค์", "Objective"), (), ("programme",))

DELIVERABLE: Final = EntityType("Deliverable", Words("ผลผลิต", "Deliverable"), (), ("programme",))

MILESTONE: Final = EntityType("Milestone", Words("หมุดหมาย", "Milestone"), (), ("programme",))

EVIDENCE_LINK: Final = EntityType("EvidenceLink", Words("หลักฐานความก้าวหน้า", "Evidence"), (), ("programme",))

TYPES: Final = (OBJECTIVE, DELIVERABLE, MILESTONE, EVIDENCE_LINK)
