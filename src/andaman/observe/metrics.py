"""``GET /metrics``: every room's figures in Prometheus' text form (version 0.0.4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.web import require
from andaman.kernel.metrics import Family, Histogram, Measured
from andaman.kernel.permissions import Permission
from andaman.kernel.words import Words

READ_METRICS: Final = Permission(
    "metrics.read", Words("ดูตัวเลขการทำงานของระบบ", "Read the figures of the platform")
)
log = logging.getLogger("andaman.metrics")
_MEDIA: Final = "text/plain; version=0.0.4; charset=utf-8"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
_PATIENCE_S: Final = 2.0
Late = Callable[[], Awaitable[Iterable[Family]]]
"""Figures that must be asked for elsewhere, such as in a file or another process."""


class Metrics:
    """Collects from rooms. ``late`` sources that fail or take over two seconds are left out of that answer."""

    def __init__(
        self, rooms: Sequence[Measured], late: Sequence[Late] = (), *, loopback: bool = False
    ) -> None:
        """Both lists may still grow while the platform is built."""
        self.rooms, self._late = rooms, late
        self._loopback = loopback

    def door(self) -> BoundDoor:
        """For callers who may read figures, also with a narrowed token (a reader of figures needs no more). With
        ``loopback`` also for every caller on this machine.
        """
        requires, asks = (ANYONE, (READ_METRICS,)) if self._loopback else (READ_METRICS, ())
        entry = DoorEntry("GET", "/metrics", Tenancy.CITY, requires, asks, narrowed=True, cost=Cost.QUESTION)
        return entry.to(self._answer)

    async def _answer(self, request: Request) -> Response:
        # Whether it comes from this machine hangs on the request; all else the entry has asked.
        near = request.client is not None and request.client.host in _LOOPBACK
        if not (self._loopback and near):
            require(request, READ_METRICS)
        return Response(await self.text(), media_type=_MEDIA, headers={"Cache-Control": "no-store"})

    async def text(self) -> bytes:
        return render([family async for family in self._families()])

    async def _families(self) -> AsyncIterator[Family]:
        for room in self.rooms:
            for family in room.metrics():
                yield family
        for found in await asyncio.gather(*(_patiently(ask) for ask in self._late)):
            for family in found:
                yield family


async def _patiently(ask: Late) -> Iterable[Family]:
    try:
        return await asyncio.wait_for(ask(), _PATIENCE_S)
    except Exception as error:
        log.warning("a source of metrics did not answer: %s", error or type(error).__name__)
        return ()


def render(families: Iterable[Family]) -> bytes:
    """The text form, with the process's own figures behind."""
    # Imported at the first question: it costs a megabyte that a platform without Prometheus need not pay.
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
    from prometheus_client.registry import Collector

    def made(name: str, parts: Sequence[Family]) -> Metric:
        first = parts[0]
        values = [value for part in parts for value in part.values]
        labels = sorted(values[0][0]) if values else []
        if first.kind == "histogram":
            histogram = HistogramMetricFamily(name, first.help, labels=labels)
            for told, value in values:
                assert isinstance(value, Histogram)
                histogram.add_metric([told[label] for label in labels], value.buckets(), value.sum)
            return histogram
        kind = CounterMetricFamily if first.kind == "counter" else GaugeMetricFamily
        plain = kind(name, first.help, labels=labels)
        for told, value in values:
            assert not isinstance(value, Histogram)
            plain.add_metric([told[label] for label in labels], value)
        return plain

    by_name: dict[str, list[Family]] = {}
    for family in families:
        by_name.setdefault(family.name, []).append(family)

    class Ours(Collector):
        def collect(self) -> Iterable[Metric]:
            return [made(name, parts) for name, parts in by_name.items()]

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(Ours())
    return generate_latest(registry)
