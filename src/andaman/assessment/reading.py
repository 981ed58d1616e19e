"""Who may read which results: the classification of the result's entity type decides."""

from __future__ import annotations

from typing import Final

from andaman.assessment.problems import NotAmongYourRights, SignInToSee
from andaman.assessment.records import SCOPE
from andaman.broker.api import iri
from andaman.identity.model import Actor

INDICATOR: Final = (SCOPE + "/indicator", "IndicatorValue", "KeyPerformanceIndicator")
"""Scope and short types of a kind of results, as all of these."""
ACCESS: Final = (SCOPE + "/study", "AccessibilityStudy")
CRITICAL: Final = (SCOPE + "/study", "CriticalityStudy")
SITE: Final = (SCOPE + "/connectivity", "NetworkSite")
RUN: Final = (SCOPE + "/connectivity", "CoverageRun")


def may_see(actor: Actor, scope: str, *kinds: str) -> Actor:
    """The actor, who may see entities of these short types in this scope. Raises SignInToSee or NotAmongYourRights."""
    if actor.access.sees(sorted(iri(kind) for kind in kinds), [scope]):
        return actor
    if not actor.principal.is_staff:
        raise SignInToSee(type=kinds[0])
    raise NotAmongYourRights(type=kinds[0])
