"""The numbered timeline of an incident: each step writes the next number, so of two steps taken at once one fails. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from andaman.broker.api import Instance, OpKind, WriteOp, entity, prop, rel
from andaman.command.core.entities import change_op, exercise_of, local, scopes_of
from andaman.command.core.entries import Entry
from andaman.command.core.views import Incident
from andaman.command.permissions import ASSIGN_UNIT
from andaman.identity.model import Actor
from andaman.kernel.time import Micros, format_time


def entry_op(
    incident_id: str,
    number: int,
    entry: Entry,
    author: str,
    now: Micros,
    tenant: str,
) -> WriteOp:
    """The numbered timeline entry. Its creation fails where another step was written meanwhile."""
    entry_id = f"urn:ngsi-ld:TimelineEntry:{local(incident_id)}-{number:05d}"
    doc = entity(
        entry_id,
        "TimelineEntry",
        scopes_of("/command/timeline", tenant),
        refIncident=rel(incident_id, "Incident"),
        number=prop(number),
        author=prop(author),
        at=prop(format_time(now)),
        **entry.attrs(),
        **exercise_of(tenant),
    )
    return WriteOp(OpKind.CREATE, entry_id, doc)


def entries(
    incident: Incident,
    steps: Sequence[Entry],
    attrs: Mapping[str, Instance],
    actor: Actor,
    now: Micros,
    tenant: str,
) -> list[WriteOp]:
    """Numbered entries, and the incident's change with the new count. Whatever somebody who may send units does, is the answer
    to a hand-over."""
    count, author = incident.entry_count, actor.principal.name
    if incident.awaits_dispatch and actor.principal.may(ASSIGN_UNIT):
        attrs = {"awaitsDispatch": prop(False, now), **attrs}
    ops = [entry_op(incident.id, count + i, entry, author, now, tenant) for i, entry in enumerate(steps, 1)]
    ops.append(change_op(incident.id, Incident.kind, **attrs, entryCount=prop(count + len(steps))))
    return ops
