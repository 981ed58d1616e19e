"""A rule before it is in force: where it would alert now, what becomes of its open alerts, and its probable mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Final

from andaman.broker.api import Broker, Doc, short, value
from andaman.command.answers import PreviewHit, RulePreview
from andaman.command.core import attributes
from andaman.command.problems import BandsBeginElsewhere, LimitsOverlap, NameUnused
from andaman.command.signals.alerts import evidence_json
from andaman.command.signals.definition import Rule
from andaman.command.signals.trial import Trial, first_band_of, overlap_of, trial, types_of
from andaman.command.signals.watch import RuleWatch
from andaman.identity.model import Access
from andaman.kernel.refusals import Refusal
from andaman.kernel.time import Clock

ENTITIES_MAX: Final = 2_000
"""Entities of each type that a preview looks at."""
_LISTED: Final = 50


class Previews:
    def __init__(self, broker: Broker, watch: RuleWatch, clock: Clock) -> None:
        self._broker, self._watch, self._clock = broker, watch, clock

    def preview(self, rule: Rule, enabled: bool, access: Access, tenant: str) -> RulePreview:
        """What all readers of alerts see is judged; ``access`` decides which entities are named. Raises BadRequestData."""
        engine = self._watch.engine(tenant)
        held = engine.alerts_of(rule.id)
        docs, whole = self._present(types_of(rule), tenant)
        tried = trial(rule, docs, held, self._watch.area_of(tenant), self._clock(), whole)
        same = enabled and engine.judges_like(rule)
        others = [hit for hit in tried.hits if hit.entity_id not in held]
        return RulePreview(
            count=len(tried.hits),
            hits=list(islice(self._named(tried, access, tenant), _LISTED)),
            looked=tried.looked,
            whole=tried.whole,
            open=len(held),
            ends=0 if same else len(tried.ends) if enabled else len(held),
            begins=0 if same or not enabled else len(others),
            same=same,
            needs_history=tried.needs_history,
            warnings=[one.problem() for one in self._warnings(rule, tried, tenant)],
        )

    def warnings(self, rule: Rule, tenant: str = "") -> list[Refusal]:
        """Raises BadRequestData."""
        docs, whole = self._present(types_of(rule), tenant)
        tried = trial(rule, docs, (), self._watch.area_of(tenant), self._clock(), whole)
        return list(self._warnings(rule, tried, tenant))

    def _present(self, types: Iterable[str], tenant: str) -> tuple[list[Doc], bool]:
        found: list[Doc] = []
        whole = True
        for kind in sorted(types):
            each = iter(self._broker.iter_entities([kind], self._watch.shown.access(tenant), tenant))
            found += islice(each, ENTITIES_MAX)
            whole = whole and next(each, None) is None
        return found, whole

    def _named(self, tried: Trial, access: Access, tenant: str) -> Iterable[PreviewHit]:
        for hit in tried.hits:
            doc = self._broker.find(hit.entity_id, access, tenant)
            if doc is not None:
                yield PreviewHit(
                    entity=hit.entity_id,
                    name=attributes.names(doc) if value(doc, "name") else None,
                    severity=hit.severity,
                    values=evidence_json(hit.evidence),
                    waits=hit.waits,
                )

    def _warnings(self, rule: Rule, tried: Trial, tenant: str) -> Iterable[Refusal]:
        if (overlap := overlap_of(rule)) is not None:
            yield LimitsOverlap(attribute=short(overlap.attr), low=overlap.low, high=overlap.high)
        if (bands := first_band_of(rule)) is not None:
            yield BandsBeginElsewhere(first=bands[0], limit=bands[1])
        shown = self._broker.types(self._watch.shown.access(tenant), tenant) if tried.unused_types else {}
        present = {kind for kinds in shown for kind in kinds}
        for kind in tried.unused_types:
            yield NameUnused(name=short(kind), similar=_similar(kind, present))
        if tried.unused_attributes:
            known = {attr for doc in self._present(types_of(rule), tenant)[0] for attr in doc["attrs"]}
            for attr in tried.unused_attributes:
                yield NameUnused(name=short(attr), similar=_similar(attr, known))


def _similar(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(short(name), sorted({short(one) for one in known}), 3)
    return ", ".join(found) or "–"
