"""System times on instances and their sub-attributes: ``createdAt`` stays, ``modifiedAt`` moves (CIM 009 §4.8)."""

from __future__ import annotations

from andaman.broker.model import Instance


def stamp_new(instance: Instance, at: str) -> Instance:
    """A copy that begins at ``at``, sub-attributes included."""
    stamped = {**instance, "createdAt": at, "modifiedAt": at}
    subs = instance.get("attrs")
    if subs is not None:
        stamped["attrs"] = {iri: [stamp_new(one, at) for one in ones] for iri, ones in subs.items()}
    return stamped


def stamp_over(instance: Instance, old: Instance, at: str) -> Instance:
    """A copy that takes the place of ``old`` at ``at`` and keeps its ``createdAt``; sub-attributes likewise."""
    stamped = {**instance, "createdAt": old.get("createdAt", at), "modifiedAt": at}
    subs = instance.get("attrs")
    if subs is not None:
        old_subs = old.get("attrs") or {}
        stamped["attrs"] = {
            iri: [_stamp_sub(one, old_subs.get(iri), at) for one in ones] for iri, ones in subs.items()
        }
    return stamped


def _stamp_sub(instance: Instance, old: list[Instance] | None, at: str) -> Instance:
    for one in old or ():
        if one.get("datasetId") == instance.get("datasetId"):
            return stamp_over(instance, one, at)
    return stamp_new(instance, at)
