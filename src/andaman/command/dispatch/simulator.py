"""Units that drive, for demos and drills: opt-in, and only units whose origin says ``simulated``.

A sent unit turns out after a minute, drives its route at network speed and reports where it is. That it is on scene, and
clear, people say; with ``auto`` the unit says so itself. Afterwards it drives home, free.
"""

from __future__ import annotations

import asyncio
import logging
import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Final

from andaman.broker.api import Broker, WriteOp, geo, prop, value
from andaman.command.core import attributes
from andaman.command.core.attributes import Place
from andaman.command.core.entities import change_op
from andaman.command.core.records import Records
from andaman.command.core.states import AssignmentStatus, UnitStatus
from andaman.command.core.views import Assignment, Incident, Unit
from andaman.command.dispatch.commands import TakeAssignmentStep
from andaman.command.dispatch.ranking import BOAT_KMH, TURNOUT_S
from andaman.command.dispatch.service import Dispatch
from andaman.command.incident_types import goes_by_water
from andaman.identity.model import FULL_ACCESS, Actor, system_actor
from andaman.kernel.errors import AndamanError
from andaman.kernel.geometry import bearing_deg, haversine_m
from andaman.kernel.network import RoadNetwork
from andaman.kernel.time import SECOND, Clock, Micros
from andaman.kernel.work import Every

log = logging.getLogger(__name__)

ON_SCENE_S: Final = 600.0
"""With ``auto``: how long a unit works on scene."""


@dataclass(frozen=True, slots=True)
class Drive:
    """A trip under way: positions and the seconds after the start at which they are reached."""

    line: list[tuple[float, float]]
    times_s: list[float]
    started: Micros
    goal: str  # id of the assignment, or "home"
    to: Place | None = None  # the place of the incident; a correction moves it

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
    network: RoadNetwork, here: Place, place: Place, now: Micros, goal: str, *, by_water: bool = False
) -> Drive | None:
    """By road, or straight over water; None where there is no way."""
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
        self,
        broker: Broker,
        records: Records,
        dispatch: Dispatch,
        clock: Clock,
        *,
        auto: bool = False,
        step_s: float = 2.0,
    ) -> None:
        self._broker, self._records, self._dispatch, self._clock = broker, records, dispatch, clock
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
        for unit in list(self._records.every(Unit, FULL_ACCESS, tenant)):
            if not unit.simulated or unit.place is None:
                continue
            try:
                await self._steer(unit, unit.place, tenant, now)
            except AndamanError as error:  # somebody else moved on first; the next round sees it
                log.info("%s: %s", unit.id, error.detail)
            move = self._move(unit, tenant, now)
            if move is not None:
                moves.append(move)
        if moves:
            await self._broker.write(moves, self._actor, tenant)

    async def _steer(self, unit: Unit, here: Place, tenant: str, now: Micros) -> None:
        """What the crew does next."""
        key, status = (tenant, unit.id), unit.status
        drive = self._drives.get(key)
        if status is UnitStatus.AVAILABLE:
            if drive is not None and drive.goal != "home":
                await self._go_home(unit, here, tenant, now)
            return
        assignment = self._records.find(Assignment, unit.assignment, FULL_ACCESS, tenant)
        if assignment is None:
            return
        if status is UnitStatus.ON_SCENE:
            if drive is None or drive.goal != assignment.id:  # it must drive home from here
                self._drives[key] = Drive([here], [0.0], now, assignment.id)
            if self._auto and _seconds_since(assignment.on_scene_at, now) >= ON_SCENE_S:
                await self._take(assignment, AssignmentStatus.CLEAR, tenant)
            return
        if status is UnitStatus.ASSIGNED and _seconds_since(assignment.assigned_at, now) >= TURNOUT_S:
            await self._take(assignment, AssignmentStatus.EN_ROUTE, tenant)
            status = UnitStatus.EN_ROUTE
        if status is not UnitStatus.EN_ROUTE:
            return
        incident = self._records.find(Incident, assignment.incident, FULL_ACCESS, tenant)
        place = None if incident is None else incident.place
        if place is not None and (drive is None or (drive.goal, drive.to) != (assignment.id, place)):
            planned = await self._plan(unit, here, tenant, place, now, assignment.id)
            if planned is not None:
                self._drives[key] = replace(planned, to=place)
        elif drive is None:
            return
        elif self._auto and drive.goal == assignment.id and drive.arrived(now):
            await self._take(assignment, AssignmentStatus.ON_SCENE, tenant)

    async def _take(self, assignment: Assignment, step: AssignmentStatus, tenant: str) -> None:
        command = TakeAssignmentStep(assignment=assignment.id, step=step, far_confirmed=True)
        await self._dispatch.handle(command, self._actor, tenant)

    async def _go_home(self, unit: Unit, here: Place, tenant: str, now: Micros) -> None:
        self._drives.pop((tenant, unit.id), None)
        station = self._broker.find(unit.home, FULL_ACCESS, tenant)
        home = None if station is None else attributes.place(station)
        if home is not None:
            planned = await self._plan(unit, here, tenant, home, now, "home")
            if planned is not None:
                self._drives[tenant, unit.id] = planned

    async def _plan(
        self, unit: Unit, here: Place, tenant: str, place: Place, now: Micros, goal: str
    ) -> Drive | None:
        network = await self._dispatch.network(tenant)
        by_water = goes_by_water(self._dispatch.registers, unit.type)
        return await asyncio.to_thread(plan_drive, network, here, place, now, goal, by_water=by_water)

    def _move(self, unit: Unit, tenant: str, now: Micros) -> WriteOp | None:
        key = tenant, unit.id
        drive = self._drives.get(key)
        if drive is None:
            return None
        lon, lat, bearing, speed = drive.at(now)
        if drive.arrived(now) and drive.goal == "home":
            del self._drives[key]
        point = {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]}
        if value(unit.doc, "location") == point and value(unit.doc, "speed", 0) == 0:
            return None
        return change_op(
            unit.id,
            Unit.kind,
            location=geo(point, now),
            bearing=prop(round(bearing), now),
            speed=prop(round(speed, 1), now, "KMH"),
        )


def _seconds_since(moment: Micros | None, now: Micros) -> float:
    return 0.0 if moment is None else (now - moment) / SECOND
