"""Smart Bus vehicles by their published timetable: computed positions, marked as simulated because no GPS measured
them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from zoneinfo import ZoneInfo

from andaman.broker.api import Doc, Instance, build
from andaman.ingest.model import FeedLink
from andaman.ingest.timetable import Block, Line, Place, blocks, locate_now, read_line
from andaman.kernel.time import BANGKOK, SECOND, Micros, format_time, local_date

STEP_S: Final = 2.0
KEEP_S: Final = 30.0
GROUPS: Final = {"PKSB-1": "main", "PKSB-2": "patong", "PKSB-3": "patong", "PKSB-D": "dragon"}
GROUP_NAMES: Final = {
    "main": {"th": "สมาร์ทบัส สายสนามบิน–ราไวย์", "en": "Smart Bus, Airport–Rawai"},
    "patong": {"th": "สมาร์ทบัส สายป่าตอง", "en": "Smart Bus, Patong line"},
    "dragon": {"th": "สมาร์ทบัส สายมังกร", "en": "Smart Bus, Dragon line"},
}


def lines_of(routes: Iterable[Doc]) -> list[Line]:
    """Lines from PublicTransportRoute entities that carry a timetable."""
    lines = []
    for route in sorted(routes, key=lambda doc: str(doc["id"])):
        timetable = build.value(route, "timetable")
        if timetable:
            code = build.value(route, "shortRouteCode")
            group = GROUPS.get(code, code)
            shape = build.value(route, "location")["coordinates"]
            lines.append(read_line(route["id"], group, shape, timetable, build.value(route, "direction", "")))
    return lines


class SmartBusFeed:
    """Every vehicle every two seconds; only attributes that changed are written.

    At ``speed`` 1 the timetable is that of the wall clock in Asia/Bangkok. At another speed the feed keeps a clock of its
    own that starts now and goes on over restarts; the vehicles then carry ``replayOf`` with that time.
    """

    def __init__(
        self, lines: Iterable[Line], speed: float = 1.0, step_s: float = STEP_S, zone: ZoneInfo = BANGKOK
    ) -> None:
        self.id = "smartbus"
        self.name = {"th": "รถโดยสารสมาร์ทบัส (คำนวณจากตารางเดินรถ)", "en": "Smart Bus (from the timetable)"}
        self.origin = "simulated"
        self.speed = speed
        self._zone = zone
        self._step_s = step_s
        self.expected_s: float | None = max(60.0, 10 * step_s)
        self._blocks = blocks(list(lines))
        self._seen: dict[str, dict[str, Any]] = {}

    @property
    def vehicles(self) -> int:
        return len(self._blocks)

    async def run(self, link: FeedLink) -> None:
        self._seen.clear()
        started, line_time = self._anchor(link)
        kept = link.clock()
        while True:
            now = link.clock()
            shown = now if self.speed == 1.0 else line_time + int(max(0, now - started) * self.speed)
            await link.write(self.docs(now, shown))
            link.ready()
            if self.speed != 1.0 and now - kept >= KEEP_S * SECOND:
                await link.remember({"line_time": shown})
                kept = now
            await link.sleep(self._step_s)

    def _anchor(self, link: FeedLink) -> tuple[Micros, Micros]:
        now = link.clock()
        kept = link.recall().get("line_time", now)
        return now, kept if type(kept) is int else now

    def docs(self, now: Micros, shown: Micros) -> list[Doc]:
        """Fragments with what changed since the last call; ``shown`` is the instant whose timetable is played."""
        local = local_date(shown, self._zone)
        second = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
        found = []
        for block in self._blocks:
            doc = self._doc(block, locate_now(block, second), now, shown)
            if doc is not None:
                found.append(doc)
        return found

    def _doc(self, block: Block, place: Place, now: Micros, shown: Micros) -> Doc | None:
        entity_id = f"urn:ngsi-ld:Vehicle:smartbus-{block.group}-{block.number:02d}"
        lon, lat = place.point
        values: dict[str, Any] = {
            "location": (round(lon, 6), round(lat, 6)),
            "speed": round(place.speed_kmh, 1),
            "bearing": round(place.bearing),
            "serviceStatus": place.status,
            "refRoute": place.line.id,
            "direction": place.line.direction,
            "nextStop": place.next_stop,
            "trip": place.trip.number,
        }
        before = self._seen.get(entity_id)
        changed = {name: value for name, value in values.items() if before is None or before[name] != value}
        self._seen[entity_id] = values
        if not changed:
            return None
        attrs = {name: _instance(name, value, now) for name, value in changed.items()}
        if self.speed != 1.0:
            attrs["replayOf"] = build.prop(format_time(shown))
        if before is None:
            attrs |= _constant(block)
        return build.entity(entity_id, "Vehicle", ("/mobility/bus",), **attrs)


def _constant(block: Block) -> dict[str, Instance]:
    names = GROUP_NAMES.get(block.group, {"th": block.group, "en": block.group})
    return {
        "name": build.lang(th=f"{names['th']} คันที่ {block.number}", en=f"{names['en']}, bus {block.number}"),
        "vehicleType": build.prop("bus"),
        "origin": build.prop("simulated"),
        "source": build.prop("ตารางเดินรถที่เผยแพร่ / published timetable, no GPS"),
        "dataset": build.prop("bus-positions"),
        "agency": build.prop("pksb"),
    }


def _instance(name: str, value: Any, now: Micros) -> Instance:
    if name == "location":
        return build.geo({"type": "Point", "coordinates": list(value)}, now)
    if name == "refRoute":
        return build.rel(value, "PublicTransportRoute")
    if name == "nextStop":
        return build.rel(value, "PublicTransportStop")
    return build.prop(value, now, "KMH" if name == "speed" else None)
