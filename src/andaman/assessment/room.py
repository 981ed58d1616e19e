"""The room of infrastructure assessment."""

from __future__ import annotations

from andaman.assessment.connectivity import ConnectivityService
from andaman.assessment.figures import Figures
from andaman.assessment.permissions import PERMISSIONS
from andaman.assessment.routes import routes
from andaman.assessment.service import AssessmentService
from andaman.assessment.types import TYPES
from andaman.broker.api import Broker
from andaman.evidence.authors import Authors
from andaman.evidence.service import Evidence
from andaman.identity.policy import Policy
from andaman.identity.result_readers import Readership
from andaman.room import Built, NoSettings, Room, Site


def build(site: Site, settings: NoSettings) -> Built:
    readers = site.services.get(Readership)
    assessment = site.services.add(
        AssessmentService(
            site.services.get(Broker),
            site.clock,
            readers=readers,
            ahead=site.settings.compute_ahead,
            authors=site.services.get(Authors),
        )
    )
    site.services.get(Policy).on_change(assessment.policy_changed)
    connectivity = site.services.add(ConnectivityService(assessment))
    figures, evidence = Figures(assessment, connectivity), site.services.get(Evidence)
    evidence.register("indicator", figures.indicator)
    evidence.register("reach", figures.reach)
    evidence.register("critical-link", figures.critical)
    evidence.register("coverage", figures.coverage)
    evidence.register("policy", figures.policy)
    return Built(doors=routes(assessment, connectivity), background=[assessment])


ROOM = Room("assessment", build, types=TYPES, permissions=PERMISSIONS)
