"""The data behind the indicators: entities, series and figures as they were at one moment."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from andaman.assessment.indicators.inputs import Computed
from andaman.broker.api import Doc, value
from andaman.kernel.time import Micros


class Snapshot:
    """A ``Source`` over entities already gathered: ``by_type`` maps a short type to its entities; ``by_hand``: ids of the
    entities that somebody wrote by hand."""

    def __init__(
        self,
        now: Micros,
        by_type: Mapping[str, Sequence[Doc]],
        series: Sequence[Doc],
        figures: Mapping[str, Computed],
        by_hand: Container[str] = (),
    ) -> None:
        self.now = now
        self._by_type = by_type
        self._series = {str(code): doc for doc in series if (code := value(doc, "kpiCode")) is not None}
        self._figures = figures
        self._by_hand = by_hand

    def entities(self, types: Sequence[str]) -> Sequence[Doc]:
        found = {doc["id"]: doc for kind in types for doc in self._by_type.get(kind, ())}
        return [found[key] for key in sorted(found)]

    def series(self, code: str) -> Doc | None:
        return self._series.get(code)

    def computed(self, name: str) -> Computed | None:
        return self._figures.get(name)

    def is_by_hand(self, entity_id: str) -> bool:
        return entity_id in self._by_hand
