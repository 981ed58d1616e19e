"""NGSILD-Snapshot: a request is answered from the content of a snapshot instead of from the present state (CIM 009
§5.5.15, §6.3.22).

The content is a broker of its own, so that the handlers are the same: they are handed another door. It knows no other
context sources, so that everything is local.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from weakref import WeakKeyDictionary

from andaman.broker.entity.names import is_uri
from andaman.broker.service import Broker
from andaman.doors.ngsild.door import BASE, Door
from andaman.doors.ngsild.http import Answer, Call
from andaman.doors.ngsild.snapshots import service_of
from andaman.kernel.errors import BadRequestData, OperationNotSupported

Handler = Callable[[Door, Call], Awaitable[Answer]]
HEADER: Final = b"ngsild-snapshot"
_SUBSCRIPTIONS: Final = "subscriptions"
_CONTENT: Final = frozenset(
    {"entities", "entityOperations", "temporal", "types", "attributes", "entityMaps", _SUBSCRIPTIONS}
)
_ELSEWHERE: Final = frozenset({"csourceRegistrations", "csourceSubscriptions"})
_PATH: Final = f"{BASE}/snapshots/"
_doors: WeakKeyDictionary[Broker, Door] = WeakKeyDictionary()


def given_back(call: Call, answer: Answer) -> Answer:
    """Any answer, with the header of its request (§6.3.22)."""
    headers = [*answer.headers, (b"NGSILD-Snapshot", call.headers[HEADER])]
    return Answer(answer.status, answer.body, answer.media, headers)


async def answered(door: Door, call: Call, handler: Handler) -> Answer:
    """The answer of a handler on the snapshot that the request names. Raises ResourceNotFound, Conflict, BadRequestData."""
    head = call.segments[0] if call.segments else ""
    if head in _ELSEWHERE:
        raise OperationNotSupported(
            f"Snapshots have no other sources; leave out NGSILD-Snapshot to use /{head}",
            field="NGSILD-Snapshot",
        )
    if head not in _CONTENT:
        return await handler(door, call)
    name = call.headers[HEADER].decode("latin-1").strip().rpartition(_PATH)[2]
    if not is_uri(name):
        raise BadRequestData("NGSILD-Snapshot must be the id of a snapshot (a URI)", field="NGSILD-Snapshot")
    service = service_of(door)
    async with service.using(name, call.actor, call.tenant) as (one, opened):
        inner = _doors.get(opened.broker)
        if inner is None:
            inner = _doors[opened.broker] = Door(opened.broker, door.contexts, door.options, door.clock)
        if head == _SUBSCRIPTIONS:
            more = call.method == "POST"
            inner.subscriptions = await service.pool.subscriptions(opened, one.key, one.id, more)
        return await handler(inner, call)
