"""The room of metrics and of the request log."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp

from andaman.observe.metrics import READ_METRICS, Metrics
from andaman.observe.requests import Requests
from andaman.room import Built, Room, Site, setting


@dataclass(frozen=True)
class ObserveSettings:
    metrics_loopback: bool = setting(
        False,
        "GET /metrics answers clients on this machine without sign-in. Leave it off if a proxy on this machine forwards that path.",
    )
    log_requests: bool = setting(False, "One log line for each request, not for slow ones only.")
    slow_request_ms: int = setting(
        1000, "Requests that take this long or longer get a line in the log; 0: none do.", 0, 3_600_000
    )


def build(site: Site, settings: ObserveSettings) -> Built:
    metrics = site.services.add(Metrics(site.metrics, site.late_metrics, loopback=settings.metrics_loopback))

    def around(app: ASGIApp) -> ASGIApp:
        requests = Requests(app, slow_s=settings.slow_request_ms / 1000, every=settings.log_requests)
        site.metrics.append(requests)
        return requests

    return Built(doors=[metrics.door()], around=around)


ROOM = Room("observe", build, ObserveSettings, permissions=(READ_METRICS,), of_broker=True)
