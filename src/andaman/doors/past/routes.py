"""``GET /api/history/latest`` and ``GET /api/history/means``. Shapes: docs/api.md."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import orjson
from starlette.requests import Request
from starlette.responses import Response

from andaman.broker.api import NEWEST_MOST, Broker, CityMeans, NewestValues, iri, parse_period
from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.web import actor_of, tenant_of
from andaman.kernel import query_params
from andaman.kernel.errors import AndamanError, BadRequestData
from andaman.kernel.refusals import EndNotAfterBegin
from andaman.kernel.time import SECOND

_NAME_MAX: Final = 2_000
_TYPES_MAX: Final = 100
_OFFSET_MAX: Final = 1 << 31
_NAMES: Final = {"timeAt": "from", "endTimeAt": "to", "aggrPeriodDuration": "period"}
"""Parameters of the temporal API → the same here."""
_NO_STORE: Final = {"Cache-Control": "no-store"}


_LATEST: Final = DoorEntry("GET", "/api/history/latest", Tenancy.BOTH, ANYONE, cost=Cost.QUESTION)
_MEANS: Final = DoorEntry("GET", "/api/history/means", Tenancy.BOTH, ANYONE, cost=Cost.QUESTION)


def routes(broker: Broker) -> list[BoundDoor]:
    """Questions about one attribute of all entities of some types."""

    async def latest(request: Request) -> Response:
        asked = query_params.only(request.query_params.multi_items(), {"type", "attr"}, {"limit", "offset"})
        limit = query_params.integer(asked, "limit", None, 1, NEWEST_MOST)
        found = await broker.newest_values(
            _name(asked["attr"], "attr"),
            _types(asked["type"]),
            actor_of(request).access,
            tenant_of(request),
            limit=limit,
            offset=query_params.integer(asked, "offset", 0, 0, _OFFSET_MAX),
        )
        return await _answer(_values, found)

    async def means(request: Request) -> Response:
        needed = {"type", "attr", "from", "to", "period"}
        asked = query_params.only(request.query_params.multi_items(), needed, {"zone"})
        start, end = query_params.time(asked, "from", 0), query_params.time(asked, "to", 0)
        if start >= end:
            raise EndNotAfterBegin
        zone = asked.get("zone", "UTC")
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise BadRequestData(
                f"The time zone {zone[:40]!r} is not known; use UTC or Asia/Bangkok", field="zone"
            ) from None
        attr, types, tenant = _name(asked["attr"], "attr"), _types(asked["type"]), tenant_of(request)
        access = actor_of(request).access
        try:
            period = parse_period(asked["period"])
            found = await broker.city_means(attr, types, start, end, period, zone, access, tenant)
        except AndamanError as error:
            if (named := error.extra.get("field")) not in _NAMES:
                raise
            ours = _NAMES[named]
            raise type(error)(error.detail.replace(named, ours), **{**error.extra, "field": ours}) from None
        return await _answer(_periods, found)

    return [_LATEST.to(latest), _MEANS.to(means)]


# -- what is asked ----------------------------------------------------------------------------------------------------
def _name(text: str, field: str) -> str:
    """The IRI of a short name of the city's context, or of an IRI."""
    if len(text) > _NAME_MAX or any(char <= " " or char in '<>"{}|\\^`' for char in text) or text[0] == "@":
        raise BadRequestData(f"{field} is a short name such as speed, or an IRI", field=field)
    return iri(text)


def _types(text: str) -> Sequence[str]:
    names = text.split(",")
    if len(names) > _TYPES_MAX or not all(names):
        raise BadRequestData(f"type is a list of up to {_TYPES_MAX} names with commas between", field="type")
    return [_name(name, "type") for name in names]


# -- what is answered -------------------------------------------------------------------------------------------------
async def _answer(shape: Any, found: Any) -> Response:
    """Thousands of rows are written as JSON in a thread, so that the loop stays free."""
    body = await asyncio.to_thread(lambda: orjson.dumps(shape(found)))
    return Response(body, 200, _NO_STORE, "application/json")


def _values(found: NewestValues) -> list[dict[str, Any]]:
    known = np.array([0 if at is None else at for at in found.times], dtype=np.int64)
    texts = _iso(known)
    return [
        {"id": name, "value": value, "observedAt": None if at is None else text}
        for name, value, at, text in zip(found.ids, found.values, found.times, texts, strict=True)
    ]


def _periods(found: CityMeans) -> list[dict[str, Any]]:
    names = ("start", "end", "count", "mean", "min", "max")
    columns = (
        _iso(found.starts),
        _iso(found.ends),
        found.counts.tolist(),
        found.means.tolist(),
        found.least.tolist(),
        found.greatest.tolist(),
    )
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _iso(times: Any) -> list[str]:
    """ISO 8601 in UTC, without fractions where none has any."""
    unit = "us" if (times % SECOND).any() else "s"
    moments = times.astype("M8[us]").astype(f"M8[{unit}]")
    texts: list[str] = np.datetime_as_string(moments, timezone="UTC").tolist()
    return texts
