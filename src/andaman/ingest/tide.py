"""The tide at one gauge, computed from its constituents once a minute. Computed, not measured: no surge, no tsunami."""

from __future__ import annotations

from typing import Final

from andaman.broker.api import Doc, build
from andaman.ingest.harmonics import Extreme, Tide
from andaman.ingest.model import FeedLink
from andaman.kernel.time import HOUR, MINUTE, Micros, format_time

STEP_S: Final = 60.0
AHEAD: Final = 30 * HOUR


class TideFeed:
    """Writes ``SeaLevelObserved:<gauge>``: level over chart datum (lowest astronomical tide) and over mean sea level,
    rising or falling, and the next high and low water."""

    def __init__(self, gauge: Doc, step_s: float = STEP_S) -> None:
        """``gauge``: a TidalConstituents entity with ``constituents``, ``datums`` (MSL and LAT in metres) and location."""
        datums = build.value(gauge, "datums")
        self.id = "tide"
        self.name = {"th": "ระดับน้ำทะเล (คำนวณจากองค์ประกอบน้ำ)", "en": "Tide (computed from constituents)"}
        self.origin = "computed"
        self.speed = 1.0
        self.expected_s: float | None = 3 * step_s
        self._step_s = step_s
        self._gauge = gauge
        self._msl_m = float(datums["MSL"]) - float(datums["LAT"])
        self._tide = Tide(build.value(gauge, "constituents"), self._msl_m)
        self._ahead: list[Extreme] = []

    async def run(self, link: FeedLink) -> None:
        while True:
            await link.write([self.doc(link.clock())])
            link.ready()
            await link.sleep(self._step_s)

    def doc(self, now: Micros) -> Doc:
        """The entity at one instant."""
        level, soon = self._tide.levels([now, now + MINUTE])
        high, low = self._next("high", now), self._next("low", now)
        local = self._gauge["id"].rsplit(":", 1)[1]
        return build.entity(
            f"urn:ngsi-ld:SeaLevelObserved:{local}",
            "SeaLevelObserved",
            ("/hazard/sea",),
            name=build.lang(**build.value(self._gauge, "name")),
            location=build.geo(build.value(self._gauge, "location")),
            tideLevel=build.prop(round(float(level), 3), now, "MTR"),
            tideLevelMsl=build.prop(round(float(level) - self._msl_m, 3), now, "MTR"),
            tideState=build.prop("rising" if soon > level else "falling", now),
            nextHighTide=build.prop(_minute(high.at), now),
            nextHighTideLevel=build.prop(round(high.level_m, 2), now, "MTR"),
            nextLowTide=build.prop(_minute(low.at), now),
            nextLowTideLevel=build.prop(round(low.level_m, 2), now, "MTR"),
            origin=build.prop("computed"),
            source=build.prop("TICON-4 (CC BY 4.0), doi:10.17882/109129"),
            dataset=build.prop("sea-level"),
        )

    def _next(self, kind: str, now: Micros) -> Extreme:
        """The next high or low water; the list is made again only when one of them has passed."""
        found = next((e for e in self._ahead if e.kind == kind and e.at > now), None)
        if found is None or found.at - now > AHEAD:
            self._ahead = self._tide.extremes(now, now + AHEAD)
            found = next(e for e in self._ahead if e.kind == kind and e.at > now)
        return found


def _minute(at: Micros) -> str:
    """To the full minute: the prediction is not better than that."""
    return format_time((at + MINUTE // 2) // MINUTE * MINUTE)
