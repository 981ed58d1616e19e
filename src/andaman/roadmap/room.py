"""The room of the roadmap."""

from __future__ import annotations

from andaman.assessment.service import AssessmentService
from andaman.roadmap.permissions import PERMISSIONS
from andaman.roadmap.routes import routes
from andaman.roadmap.service import RoadmapService
from andaman.roadmap.types import TYPES
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    roadmap = site.services.add(RoadmapService(site.services.get(AssessmentService), site.clock))
    return Built(doors=routes(roadmap), background=[roadmap])


ROOM = Room("roadmap", build, types=TYPES, permissions=PERMISSIONS)
