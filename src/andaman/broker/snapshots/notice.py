"""Notifies the endpoint of a snapshot that it is ready, was changed, or is gone (CIM 009 §5.16.6, §5.3.4)."""

from __future__ import annotations

import logging
from typing import Final

import orjson

from andaman.broker.outgoing import Header, header_value
from andaman.broker.snapshots.model import PREPARING, Snapshot
from andaman.broker.subscriptions.delivery import Courier
from andaman.broker.subscriptions.message import Message, Outcome
from andaman.broker.subscriptions.mqtt import mqtt_payload
from andaman.kernel.ids import sortable_id, urn
from andaman.kernel.time import MINUTE, Clock

log = logging.getLogger(__name__)
_PATIENCE: Final = 10 * MINUTE


def notify(courier: Courier, one: Snapshot, clock: Clock) -> str:
    """SnapshotNotification, if there is an endpoint; tried again for a while. The id under which it waits, or ""."""
    endpoint = one.endpoint
    if endpoint is None or one.status == PREPARING:
        return ""
    now = clock()
    content = one.notification(urn("SnapshotNotification", sortable_id(now)), now)
    lines = {"Content-Type": "application/json"}
    if one.tenant:
        lines["NGSILD-Tenant"] = one.tenant
    known = {name.lower() for name in lines}
    lines |= {name: text for name, text in endpoint.receiver_info if name.lower() not in known}
    body = orjson.dumps(content)
    headers: tuple[Header, ...] = ()
    if endpoint.is_mqtt:
        body = mqtt_payload(lines, body)
    else:
        headers = tuple(
            (
                name.encode("ascii"),
                text.encode("latin-1") if name.lower() in known else header_value(text, "latin-1"),
            )
            for name, text in lines.items()
        )
    tenant, until = one.tenant, now + _PATIENCE

    def report(message: Message, outcome: Outcome) -> None:
        if outcome is Outcome.FAILED and clock() > until:
            courier.drop(endpoint, tenant, message.owner)

    message = Message(str(content["id"]), one.id, headers, body, report)
    if not courier.offer(endpoint, tenant, message):
        log.warning("A notification of snapshot %s was dropped: its receiver takes none", one.id)
        return ""
    return message.owner
