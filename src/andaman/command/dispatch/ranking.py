"""Units ranked for an incident: first by the kind that it needs, then by travel time, with the reason. Pure, over the road
network. Drills are scored by the same rule: what is ranked first is what earns points.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from andaman.broker.api import value
from andaman.command.core.attributes import Place
from andaman.command.core.states import UnitStatus
from andaman.command.core.views import Unit
from andaman.command.dispatch.shore import Shore
from andaman.command.incident_types import INCIDENT_TYPES, UNIT_TYPES, goes_by_water
from andaman.kernel.geometry import haversine_m
from andaman.kernel.network import RoadNetwork
from andaman.register import Rows

TURNOUT_S: Final = 60.0
"""From being sent to rolling: the turnout time NFPA 1710 asks of emergency medical crews."""
BOAT_KMH: Final = 45.0
"""Speed of a rescue boat in open water; boats are ranked in a straight line, because there is no network of the sea
here.
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    unit: Unit
    eta_s: float
    distance_m: float
    route: dict[str, Any] | None  # GeoJSON LineString
    reason: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Needed kinds first, the nearest first of each kind; and who was left out for what reason. ``best_eta_s``: of the
    first. ``unranked``: free units for an incident whose place nobody knows."""

    candidates: list[Candidate]
    skipped: list[dict[str, Any]]
    best_eta_s: float | None
    unranked: list[Unit] = field(default_factory=list)


def needed_kinds(registers: Rows, incident_type: str) -> tuple[str, ...]:
    """The kinds of unit that an incident of this type needs, the most needed first; () where its row names none."""
    kind = registers.rows(INCIDENT_TYPES).get(incident_type)
    return kind.unit_types if kind else ()


def rank(
    network: RoadNetwork,
    place: Place,
    incident_type: str,
    units: Sequence[Unit],
    registers: Rows,
    *,
    shore: Shore,
    unit_type: str = "",
    limit: int = 10,
    chosen: str = "",
) -> Ranking:
    """Free units of the wanted kind, or of the kinds that the incident needs. The unit ``chosen`` is in the list even
    behind the limit, and even if it is of another kind."""
    needed = needed_kinds(registers, incident_type)
    wanted = _wanted(registers, needed, unit_type)
    fit: list[tuple[Unit, Place]] = []
    skipped = []
    for unit in units:
        why = _unfit(unit, wanted if unit.id != chosen else (*wanted, unit.type))
        if why is None and goes_by_water(registers, unit.type) and not shore.reaches(place):
            why = {"why": "notByWater"}
        if why is not None or unit.place is None:
            skipped.append(_left_out(unit, why or {"why": "noPosition"}))
        else:
            fit.append((unit, unit.place))
    sea = {unit.id for unit, _ in fit if goes_by_water(registers, unit.type)}
    found = _by_road(network, place, [f for f in fit if f[0].id not in sea], limit, chosen)
    found += _by_sea(place, [f for f in fit if f[0].id in sea])
    reached = {c.unit.id for c in found}
    skipped += [_left_out(u, {"why": "noRoute"}) for u, _ in fit if u.id not in reached]
    found.sort(key=lambda c: (_kind_rank(needed, c.unit.type), c.eta_s, c.unit.id))
    best: dict[str, float] = {}  # of each kind
    for one in found:
        best.setdefault(one.unit.type, one.eta_s)
    advised = found[0].unit.type if found and not unit_type else ""
    listed = _listed(found, limit)
    out = []
    for i, c in enumerate(found):
        if c.unit.id in listed or c.unit.id == chosen:
            facts = _reason(c, i, needed, best[c.unit.type], c.unit.id in sea)
            if advised:
                facts["advised"] = not needed or c.unit.type == advised
            out.append(Candidate(c.unit, c.eta_s, c.distance_m, c.route, facts))
    return Ranking(out, skipped, found[0].eta_s if found else None)


def without_place(
    incident_type: str, units: Sequence[Unit], registers: Rows, *, unit_type: str = ""
) -> Ranking:
    """Every free unit of the wanted kinds, by kind and name: where nobody knows the place, no drive is known. None is
    left out by a limit, because nobody can say which are the nearest."""
    needed = needed_kinds(registers, incident_type)
    wanted = _wanted(registers, needed, unit_type)
    free: list[Unit] = []
    skipped = []
    for unit in units:
        why = _unfit(unit, wanted)
        if why is None:
            free.append(unit)
        else:
            skipped.append(_left_out(unit, why))
    free.sort(key=lambda one: (_kind_rank(needed, one.type), one.names.th, one.id))
    return Ranking([], skipped, None, free)


def _wanted(registers: Rows, needed: tuple[str, ...], unit_type: str) -> tuple[str, ...]:
    return (unit_type,) if unit_type else needed or tuple(registers.rows(UNIT_TYPES))


def _left_out(unit: Unit, why: dict[str, Any]) -> dict[str, Any]:
    return {"unit": unit.id, "name": value(unit.doc, "name"), **why}


def _kind_rank(needed: Sequence[str], kind: str) -> int:
    """0 for the kind that is needed most. Where the incident names no kinds, all are equal."""
    return needed.index(kind) if kind in needed else len(needed)


def _listed(found: Sequence[Candidate], limit: int) -> set[str]:
    """The first ones up to the limit. Of each kind the nearest is among them while there is room, so that many
    ambulances never hide the only fire engine."""
    nearest: dict[str, str] = {}
    for one in found:
        nearest.setdefault(one.unit.type, one.unit.id)
    heads = list(nearest.values())
    rest = [one.unit.id for one in found if one.unit.id not in heads]
    return {*heads[:limit], *rest[: max(0, limit - len(heads))]}


def _unfit(unit: Unit, wanted: Sequence[str]) -> dict[str, Any] | None:
    if unit.type not in wanted:
        return {"why": "otherType", "unitType": unit.type}
    if unit.status is not UnitStatus.AVAILABLE:
        return {"why": "notFree", "unitStatus": unit.status.value}
    return None


def _by_road(
    network: RoadNetwork,
    place: Place,
    fit: Sequence[tuple[Unit, Place]],
    limit: int,
    chosen: str,
) -> list[Candidate]:
    if not fit or not len(network):
        return []
    origin, *snaps = network.snap([place, *(at for _, at in fit)])
    trips = network.trips(origin, snaps, reverse=True)
    trips = sorted((t for t in trips if t.time_s < float("inf")), key=lambda t: t.time_s)
    out: list[Candidate] = []
    drawn: Counter[str] = Counter()
    for trip in trips:
        unit, at = fit[trip.target]
        drawn[unit.type] += 1
        route = network.route(at, place) if drawn[unit.type] <= limit or unit.id == chosen else None
        if route is None:
            out.append(Candidate(unit, trip.time_s, 0.0, None))
        else:
            out.append(Candidate(unit, trip.time_s, route.distance_m, route.geojson()))
    return out


def _by_sea(place: Place, fit: Sequence[tuple[Unit, Place]]) -> list[Candidate]:
    out = []
    for unit, at in fit:
        distance = haversine_m(at[0], at[1], place[0], place[1])
        line = {"type": "LineString", "coordinates": [list(at), [place[0], place[1]]]}
        out.append(Candidate(unit, distance / (BOAT_KMH / 3.6), distance, line))
    return out


def _reason(c: Candidate, index: int, needed: Sequence[str], best: float, by_sea: bool) -> dict[str, Any]:
    """The facts a dispatcher can check, and one sentence of them in each language. ``bestEtaSeconds``: of the nearest of
    its kind."""
    kind, names = c.unit.type, c.unit.names
    minutes, km = c.eta_s / 60, c.distance_m / 1000
    return {
        "rank": index + 1,
        "etaSeconds": round(c.eta_s, 1),
        "bestEtaSeconds": round(best, 1),
        "distanceM": round(c.distance_m, 1),
        "unitType": kind,
        "typeRank": needed.index(kind) + 1 if kind in needed else None,
        "unitStatus": c.unit.status.value,
        "homeStation": value(c.unit.doc, "homeStation"),
        "agency": value(c.unit.doc, "agency"),
        "method": "straightLine" if by_sea else "roadNetwork",
        "text": {
            "th": f"{names.th} ว่าง ใช้เวลาเดินทาง {minutes:.0f} นาที ({km:.1f} กม. "
            + ("คำนวณเป็นเส้นตรงทางน้ำ)" if by_sea else "ตามโครงข่ายถนน)"),
            "en": f"{names.en} is free; the drive takes {minutes:.0f} min ({km:.1f} km "
            + ("in a straight line over water)" if by_sea else "by road)"),
        },
    }
