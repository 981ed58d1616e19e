"""The shared parts of the command center's entities: names, scopes, changes. Pure."""

from __future__ import annotations

from andaman.broker.api import Instance, OpKind, WriteOp, entity, prop


def local(entity_id: str) -> str:
    """The part of an id behind its type: ``urn:ngsi-ld:Incident:01ab`` → ``01ab``."""
    return entity_id.rsplit(":", 1)[-1]


def exercise_of(tenant: str) -> dict[str, Instance]:
    """Every command entity of a drill's tenant says that it is an exercise."""
    return {"exercise": prop(True)} if tenant.startswith("exercise") else {}


def scopes_of(path: str, tenant: str) -> list[str]:
    """The room's path, and below /exercise/<id> too in a drill's tenant ``exercise-<id>``."""
    drill = tenant.removeprefix("exercise-")
    return [path, f"/exercise/{drill}"] if drill != tenant else [path]


def change_op(entity_id: str, kind: str, **attrs: Instance) -> WriteOp:
    """Set attributes of an entity that exists."""
    return WriteOp(OpKind.APPEND, entity_id, entity(entity_id, kind, (), **attrs))
