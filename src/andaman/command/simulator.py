"""Units that drive, for demos and drills: opt-in, and only units whose origin says ``simulated``.

A sent unit turns out after a minute, drives its route at network speed and reports where it is. That it is on scene, and
clear, people say; with ``auto`` the unit says so itself. Afterwards it drives home, free.
"""

from __future__ import annotations

import asyncio
import logging
import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Final

from andaman.broker.entity.build import geo, iri, prop, value
from andaman.broker.model import Doc, WriteOp
from andaman.broker.service import Broker
from andaman.command.core.entities import change_op
from andaman.command.desk import Desk
from andaman.command.dispatch.ranking import BOAT_KMH
from andaman.command.incident_types import goes_by_water
from andaman.identity.model import FULL_ACCESS, Actor, system_actor
from andaman.kernel.errors import AndamanError
from andaman.kernel.geometry import bearing_deg, centre_of, haversine_m
from andaman.kernel.network import RoadNetwork
from andaman.kernel.time import SECOND, Clock, Micros, parse_time
from andaman.kernel.work import Every

log = logging.getLogger(__name__)

TURNOUT_S: Final = 60.0
"""From being sent to rolling: the turnout time NFPA 1710 asks of emergency medical crews."""
ON_SCENE_S: Final = 600.0
"""With ``auto``: how long a unit works on scene."""


@dataclass(frozen=True, slots=True)
class Drive:
    """A trip under way: positions and the seconds after the start at which they are reached."""

    line: list[tuple[float, float]]
    times_s: list[float]
    started: Micros
    goal: str  # id of the assignment, or "home"

    def at(self, now: Micros) -> tuple[float, float, float, float]:
        """Longitude, latitude, bearing in degrees, speed in km/h (0 once there)."""
        t = (now - self.started) / SECOND
        if t >= self.times_s[-1] or len(self.line) < 2:
            lon, lat = self.line[-1]
            return lon, lat, 0.0, 0.0
        i = max(0, min(bisect_right(self.times_s, t) - 1, len(self.line) - 2))
        (x1, y1), (x2, y2) = self.line[i], self.line[i + 1]
        span = self.times_s[i + 1] - self.times_s[i]
        share = 0.0 if span <= 0 else min(1.0, max(0.0, (t - self.times_s[i]) / span))
        speed = 0.0 if span <= 0 else haversine_m(x1, y1, x2, y2) / span * 3.6
        return x1 + (x2 - x1) * share, y1 + (y2 - y1) * share, bearing_deg(x1, y1, x2, y2), speed

    def arrived(self, now: Micros) -> bool:
        return (now - self.started) / SECOND >= self.times_s[-1]


def plan_drive(
    network: RoadNetwork,
    unit: Doc,
    place: tuple[float, float],
    now: Micros,
    goal: str,
    *,
    by_water: bool = False,
) -> Drive | None:
    """By road, or straight over water; None where there is no way."""
    here = centre_of(value(unit, "location"))
    if by_water or not len(network):
        seconds = haversine_m(*here, *place) / (BOAT_KMH / 3.6)
        return Drive([here, place], [0.0, max(1.0, seconds)], now, goal)
    route = network.route(here, place)
    if route is None or not math.isfinite(route.time_s):
        return None
    return Drive(route.line, route.times_s, now, goal)


class UnitSimulator:
    """A round every ``step_s`` seconds over the active assignments of simulated units, in every tenant."""

    def __init__(
        self, broker: Broker, desk: Desk, clock: Clock, *, auto: bool = False, step_s: float = 2.0
    ) -> None:
        self._broker, self._desk, self._clock = broker, desk, clock
        self._auto = auto
        self._actor: Actor = system_actor("simulator")
        self._drives: dict[tuple[str, str], Drive] = {}
        self._every = Every("The simulated units", step_s, self._step)

    async def start(self) -> None:
        await self._every.start()

    async def stop(self) -> None:
        await self._every.stop()

    async def _step(self) -> None:
        for tenant in self._broker.tenants():
            try:
                await self.round(tenant)
            except Exception:  # the other tenants go on
                log.exception("A round of the simulated units failed in tenant %r", tenant)

    async def round(self, tenant: str) -> None:
        """One look at every simulated unit: begin drives, move, report."""
        now = self._clock()
        moves: list[WriteOp] = []
        for unit in list(self._broker.iter_entities([iri("EmergencyUnit")], FULL_ACCESS, tenant)):
            if value(unit, "origin") != "simulated" or not isinstance(value(unit, "location"), dict):
                continue
            try:
                await self._steer(unit, tenant, now)
            except AndamanError as error:  # somebody else moved on first; the next round sees it
                log.info("%s: %s", unit["id"], error.detail)
            move = self._move(unit, tenant, now)
            if move is not None:
                moves.append(move)
        if moves:
            await self._broker.write(moves, self._actor, tenant)

    async def _steer(self, unit: Doc, tenant: str, now: Micros) -> None:
        """What the crew does next."""
        key, status = (tenant, unit["id"]), value(unit, "unitStatus")
        drive = self._drives.get(key)
        if status == "available":
            if drive is not None and drive.goal != "home":
                await self._go_home(unit, tenant, now)
            return
        assignment = self._broker.find(str(value(unit, "refAssignment", "")), FULL_ACCESS, tenant)
        if assignment is None:
            return
        if status == "onScene":
            if drive is None or drive.goal != assignment["id"]:  # it must drive home from here
                here = centre_of(value(unit, "location"))
                self._drives[key] = Drive([here], [0.0], now, assignment["id"])
            if self._auto and self._since(assignment, "onSceneAt", now) >= ON_SCENE_S:
                await self._desk.assignment_step(assignment["id"], "clear", self._actor, tenant)
            return
        if status == "assigned" and self._since(assignment, "assignedAt", now) >= TURNOUT_S:
            await self._desk.assignment_step(assignment["id"], "enRoute", self._actor, tenant)
            status = "enRoute"
        if status == "enRoute" and (drive is None or drive.goal != assignment["id"]):
            incident = self._broker.find(str(value(assignment, "refIncident")), FULL_ACCESS, tenant)
            if incident is not None:
                place = centre_of(value(incident, "location"))
                planned = await self._plan(unit, tenant, place, now, assignment["id"])
                if planned is not None:
                    self._drives[key] = planned
        elif status == "enRoute" and self._auto and drive is not None and drive.arrived(now):
            await self._desk.assignment_step(assignment["id"], "onScene", self._actor, tenant)

    async def _go_home(self, unit: Doc, tenant: str, now: Micros) -> None:
        self._drives.pop((tenant, unit["id"]), None)
        home = self._broker.find(str(value(unit, "homeStation", "")), FULL_ACCESS, tenant)
        place: Any = value(home, "location") if home is not None else None
        if isinstance(place, dict):
            planned = await self._plan(unit, tenant, centre_of(place), now, "home")
            if planned is not None:
                self._drives[tenant, unit["id"]] = planned

    async def _plan(
        self, unit: Doc, tenant: str, place: tuple[float, float], now: Micros, goal: str
    ) -> Drive | None:
        network = await self._desk.network(tenant)
        by_water = goes_by_water(self._desk.registers, value(unit, "unitType"))
        return await asyncio.to_thread(plan_drive, network, unit, place, now, goal, by_water=by_water)

    def _move(self, unit: Doc, tenant: str, now: Micros) -> WriteOp | None:
        key = tenant, unit["id"]
        drive = self._drives.get(key)
        if drive is None:
            return None
        lon, lat, bearing, speed = drive.at(now)
        if drive.arrived(now) and drive.goal == "home":
            del self._drives[key]
        point = {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]}
        if value(unit, "location") == point and value(unit, "speed", 0) == 0:
            return None
        return change_op(
            unit["id"],
            "EmergencyUnit",
            location=geo(point, now),
            bearing=prop(round(bearing), now),
            speed=prop(round(speed, 1), now, "KMH"),
        )

    def _since(self, assignment: Doc, name: str, now: Micros) -> float:
        text = value(assignment, name)
        return (now - parse_time(text)) / SECOND if isinstance(text, str) else 0.0
