"""The room of the roadmap."""

from __future__ import annotations

from andaman.assessment.service import AssessmentService
from andaman.evidence.service import Evidence
from andaman.roadmap.figures import Figures
from andaman.roadmap.permissions import PERMISSIONS
from andaman.roadmap.routes import routes
from andaman.roadmap.service import RoadmapService
from andaman.roadmap.types import TYPES
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    roadmap = site.services.add(
        RoadmapService(site.services.get(AssessmentService), site.clock, ahead=site.settings.compute_ahead)
    )
    figures, evidence = Figures(roadmap), site.services.get(Evidence)
    evidence.register("portfolio", figures.portfolio)
    evidence.register("measure", figures.measure)
    evidence.register("unit-value", figures.unit_value)
    evidence.register("roadmap-sources", figures.sources)
    evidence.register("gap", figures.gap)
    return Built(doors=routes(roadmap), background=[roadmap])


ROOM = Room("roadmap", build, types=TYPES, permissions=PERMISSIONS)
