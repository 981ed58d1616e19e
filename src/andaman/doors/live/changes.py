"""``GET /api/changes``: who changed one entity, when and how, for the screens of staff. Shapes: docs/api.md."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from andaman.broker.api import Broker, Change, Event, EventKind, Instance, default_instance, plain, short
from andaman.identity.web import actor_of, tenant_of
from andaman.kernel import query_params
from andaman.kernel.errors import BadRequestData, InvalidRequest
from andaman.kernel.http import json_response
from andaman.kernel.positions import seal, unseal
from andaman.kernel.time import format_time

LIMIT_MAX: Final = 100
_VALUE_MAX: Final = 2_000  # bytes; longer values are named, not shown
NameOf = Callable[[str], str]
"""Principal id → the name people know, "" where there is none."""


def changes_handler(broker: Broker, name_of: NameOf) -> Callable[[Request], Any]:
    """The handler. Who did what is for staff: the public may see an entity, but not which officer touched it."""

    async def changes(request: Request) -> Response:
        query = request.query_params
        entity_id, tenant = query.get("id", ""), tenant_of(request)
        if not entity_id:
            raise BadRequestData("id is missing: the id of the entity", field="id")
        found = await broker.trail(
            entity_id,
            actor_of(request).access,
            tenant,
            at=query_params.time(query, "at", None),
            before=_before(broker, tenant, entity_id, query.get("before")),
            limit=query_params.integer(query, "limit", 20, 1, LIMIT_MAX),
        )
        sealed = partial(seal, broker.position_key, _purpose(tenant, entity_id))
        rest = None if found.rest is None else {"position": sealed(found.rest)}
        return json_response(
            {"changes": [_row(event, sealed(event.seq), name_of) for event in found.events], "rest": rest},
            headers={"Cache-Control": "no-store"},
        )

    return changes


def _purpose(tenant: str, entity_id: str) -> str:
    return f"changes\n{tenant}\n{entity_id}"


def _before(broker: Broker, tenant: str, entity_id: str, text: str | None) -> int | None:
    if text is None:
        return None
    position = unseal(broker.position_key, _purpose(tenant, entity_id), text)
    if position is None:
        raise InvalidRequest("before is a position that an answer about this entity gave", field="before")
    return position


def _row(event: Event, position: str, name_of: NameOf) -> dict[str, Any]:
    """One event as a row; the row of a creation or deletion has no single values."""
    told = event.changes if event.kind is EventKind.UPDATED else []
    return {
        "position": position,
        "at": format_time(event.at),
        "kind": event.kind.value,
        "actor": {"id": event.actor, "name": name_of(event.actor)},
        "origin": event.origin,
        "reason": event.reason,
        "changes": [_change(change) for change in told if change.attr],
    }


def _change(change: Change) -> dict[str, Any]:
    now = change.after or change.before or []
    unit = default_instance(now).get("unitCode") if now else None
    row = {"attr": short(change.attr), "before": _value(change.before), "after": _value(change.after)}
    return {**row, "unit": unit} if unit else row


def _value(instances: Sequence[Instance] | None) -> Any:
    if not instances:
        return None
    value = plain(default_instance(instances))
    return value if len(orjson.dumps(value)) <= _VALUE_MAX else None
