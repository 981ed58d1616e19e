"""The position of a bus by its timetable: a pure engine over line geometry, stops and published times.

A trip is known at the stops that have a published time; between them it runs with even acceleration, stands a little at
each stop, and keeps to the shape of its line. Trips are chained to vehicles so that one bus leaves a terminal after it came.
All times are seconds after midnight of the service day in the line's zone; they may pass 86,400.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import atan2, cos, degrees, hypot, radians
from typing import Any, Final

M_PER_DEG: Final = 111_195.0
RAMP_S: Final = 14.0  # from standing to full speed, and back
DWELL_S: Final = 20.0
TOWN_SPEED_MS: Final = 16.0
END_SPEED_MS: Final = 6.0  # 22 km/h, where a trip's last arrival is not published
LAYOVER_S: Final = 240.0  # a bus leaves again four minutes after it came, at the earliest
SAME_PLACE_M: Final = 400.0
PARKED_S: Final = 3 * 3600.0  # a longer pause is not a layover: the bus is out of service

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One direction of a route: shape (lon, lat), metres along it, stops in order with metres, trips by stop in minutes."""

    id: str
    group: str  # lines of one group share their vehicles
    shape: tuple[Point, ...]
    along_m: tuple[float, ...]
    stops: tuple[str, ...]
    stop_m: tuple[float, ...]
    trips: tuple[Trip, ...]
    direction: str

    def point(self, at_m: float) -> tuple[Point, float]:
        """Position and bearing (degrees from north) at so many metres from the start."""
        i = min(max(bisect_right(self.along_m, at_m) - 1, 0), len(self.shape) - 2)
        (x0, y0), (x1, y1) = self.shape[i], self.shape[i + 1]
        length = self.along_m[i + 1] - self.along_m[i]
        share = min(max((at_m - self.along_m[i]) / length, 0.0), 1.0) if length else 0.0
        bearing = degrees(atan2((x1 - x0) * cos(radians(y0)), y1 - y0)) % 360.0
        return (x0 + (x1 - x0) * share, y0 + (y1 - y0) * share), bearing


@dataclass(frozen=True, slots=True)
class Trip:
    """One run: index and departure second of each stop it serves, rising."""

    number: int
    stops: tuple[int, ...]
    leaves_s: tuple[float, ...]
    stop_m: tuple[float, ...]

    @property
    def starts_s(self) -> float:
        return self.leaves_s[0]

    @property
    def ends_s(self) -> float:
        return self.leaves_s[-1]


@dataclass(frozen=True, slots=True)
class Motion:
    """Of a bus at one instant. ``next_stop`` is an index into the line's stops, None at the end."""

    at_m: float
    speed_ms: float
    next_stop: int | None
    standing: bool


def read_line(line_id: str, group: str, shape: Sequence[Sequence[float]], timetable: Mapping[str, Any],
              direction: str) -> Line:  # fmt: skip
    """A line from the pack's ``timetable`` (stops, distanceM, trips in minutes or null) and its LineString."""
    points = tuple((float(p[0]), float(p[1])) for p in shape)
    steps = [
        hypot((x1 - x0) * cos(radians((y0 + y1) / 2)), y1 - y0) * M_PER_DEG
        for (x0, y0), (x1, y1) in pairwise(points)
    ]
    stop_m = [float(d) for d in timetable["distanceM"]]
    scale = sum(steps) / stop_m[-1]  # the simplified shape is a little shorter than the surveyed distances
    along = tuple(accumulate(steps, initial=0.0))
    stop_m = [d * scale for d in stop_m]
    trips = tuple(
        trip
        for number, row in enumerate(timetable["trips"], 1)
        if (trip := read_trip(number, row, stop_m)) is not None
    )
    return Line(line_id, group, points, along, tuple(timetable["stops"]), tuple(stop_m), trips, direction)


def read_trip(number: int, minutes: Sequence[int | None], stop_m: Sequence[float]) -> Trip | None:
    """Times at all stops from the first timed one to the end; untimed stops by distance. None without a timed stop."""
    timed = [(i, m * 60.0) for i, m in enumerate(minutes) if m is not None]
    if not timed:
        return None
    first = timed[0][0]
    leaves: list[float] = []
    for (i, t0), (j, t1) in pairwise(timed):
        span = stop_m[j] - stop_m[i]
        leaves += [t0 + (t1 - t0) * ((stop_m[k] - stop_m[i]) / span if span else 0.0) for k in range(i, j)]
    last, t_last = timed[-1]
    speed = END_SPEED_MS
    if len(timed) > 1 and (taken := t_last - timed[0][1]) > 0:
        speed = max((stop_m[last] - stop_m[first]) / taken, 3.0)
    leaves += [t_last + (stop_m[k] - stop_m[last]) / speed for k in range(last, len(stop_m))]
    for k in range(1, len(leaves)):  # two stops at one place still take a moment
        leaves[k] = max(leaves[k], leaves[k - 1] + 1.0)
    return Trip(number, tuple(range(first, len(stop_m))), tuple(leaves), tuple(stop_m[first:]))


def motion(trip: Trip, at_s: float) -> Motion | None:
    """Where the bus of a trip is; None before it starts and after it ends."""
    if not trip.starts_s - DWELL_S <= at_s <= trip.ends_s:
        return None
    k = bisect_right(trip.leaves_s, at_s)  # the stop it is bound for
    if k == 0:
        return Motion(trip.stop_m[0], 0.0, trip.stops[0], True)
    if k == len(trip.stops):
        return Motion(trip.stop_m[-1], 0.0, None, True)
    gap = trip.leaves_s[k] - trip.leaves_s[k - 1]
    length = trip.stop_m[k] - trip.stop_m[k - 1]
    spare = gap - length / _cruise(length, gap) - RAMP_S  # a bus that is short of time does not linger
    dwell = 0.0 if k == len(trip.stops) - 1 else min(DWELL_S, gap * 0.25, max(spare, 0.0))
    done_m, speed = _run(length, gap - dwell, at_s - trip.leaves_s[k - 1])
    return Motion(
        trip.stop_m[k - 1] + done_m, speed, trip.stops[k], at_s - trip.leaves_s[k - 1] >= gap - dwell
    )


def _cruise(length_m: float, time_s: float) -> float:
    """The speed a bus keeps to on this leg: a town speed, or a little above what the timetable asks for."""
    return max(TOWN_SPEED_MS, 1.1 * length_m / time_s)


def _run(length_m: float, time_s: float, elapsed_s: float) -> tuple[float, float]:
    """Metres and speed after some seconds of a run with even acceleration, cruise and braking (a trapezoid)."""
    if elapsed_s >= time_s:
        return length_m, 0.0
    ramp = min(RAMP_S, time_s / 2, time_s - length_m / _cruise(length_m, time_s))
    top = length_m / (time_s - ramp)
    if elapsed_s < ramp:
        return top * elapsed_s**2 / (2 * ramp), top * elapsed_s / ramp
    left = time_s - elapsed_s
    if left < ramp:
        return length_m - top * left**2 / (2 * ramp), top * left / ramp
    return top * (elapsed_s - ramp / 2), top


@dataclass(frozen=True, slots=True)
class Block:
    """One vehicle's day: its trips in order."""

    group: str
    number: int
    runs: tuple[tuple[Line, Trip], ...]


def blocks(lines: Sequence[Line]) -> list[Block]:
    """Chain trips to as few vehicles as the layover allows (first come, first out); stable for equal timetables."""
    found: list[Block] = []
    for group in dict.fromkeys(line.group for line in lines):
        runs = sorted(
            ((line, trip) for line in lines if line.group == group for trip in line.trips),
            key=lambda run: (run[1].starts_s, run[0].id, run[1].number),
        )
        days: list[list[tuple[Line, Trip]]] = []
        for line, trip in runs:
            start = line.point(trip.stop_m[0])[0]
            free = [
                day
                for day in days
                if day[-1][1].ends_s + LAYOVER_S <= trip.starts_s
                and distance_m(day[-1][0].point(day[-1][1].stop_m[-1])[0], start) <= SAME_PLACE_M
            ]
            if free:
                min(free, key=lambda day: day[-1][1].ends_s).append((line, trip))
            else:
                days.append([(line, trip)])
        found += [Block(group, number, tuple(day)) for number, day in enumerate(days, 1)]
    return found


def distance_m(a: Point, b: Point) -> float:
    return hypot((a[0] - b[0]) * cos(radians(a[1])), a[1] - b[1]) * M_PER_DEG


@dataclass(frozen=True, slots=True)
class Place:
    """The published facts of a vehicle. ``status``: onRoute, parked (layover) or outOfService; line, trip and next stop
    are those of the run it is on, or else of its next run.
    """

    point: Point
    bearing: float
    speed_kmh: float
    status: str
    line: Line
    trip: Trip
    next_stop: str


def locate(block: Block, at_s: float) -> Place:
    """A vehicle at a second of its service day; outside of its trips it is where its last trip ended.

    A service day is as long as its trips: ask with ``at_s`` + 86,400 for what runs on past midnight.
    """
    done: tuple[Line, Trip] | None = None
    ahead = block.runs[0]
    for line, trip in block.runs:
        moving = motion(trip, at_s)
        if moving is not None:
            point, bearing = line.point(moving.at_m)
            stop = line.stops[moving.next_stop if moving.next_stop is not None else trip.stops[-1]]
            return Place(point, bearing, moving.speed_ms * 3.6, "onRoute", line, trip, stop)
        if trip.starts_s > at_s:
            ahead = (line, trip)
            break
        done = (line, trip)
    waits = done is not None and 0.0 < ahead[1].starts_s - done[1].ends_s <= PARKED_S
    stood, last = done or block.runs[-1]
    point, bearing = stood.point(last.stop_m[-1])
    line, trip = ahead
    return Place(
        point, bearing, 0.0, "parked" if waits else "outOfService", line, trip, line.stops[trip.stops[0]]
    )


def locate_now(block: Block, second_of_day: float) -> Place:
    """Like ``locate``, by the clock: yesterday's service that runs on past midnight comes first."""
    late = locate(block, second_of_day + 86_400.0)
    return late if late.status != "outOfService" else locate(block, second_of_day)
