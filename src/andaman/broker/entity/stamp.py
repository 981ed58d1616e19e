"""System times on instances and their sub-attributes: ``createdAt`` stays, ``modifiedAt`` moves (CIM 009 §4.8)."""

from __future__ import annotations

from collections.abc import Sequence

from andaman.broker.model import Instance
from andaman.kernel.time import Micros, format_time

_last: tuple[Micros, str] = (0, format_time(0))


def text_of(now: Micros) -> str:
    """``format_time``, once for the operations of a batch, which share their time."""
    global _last
    last = _last
    if last[0] != now:
        _last = last = (now, format_time(now))
    return last[1]


def stamp_new(instance: Instance, at: str) -> Instance:
    """A copy that begins at ``at``, sub-attributes included."""
    made = {**instance, "createdAt": at, "modifiedAt": at}
    subs = instance.get("attrs")
    if subs is not None:
        made["attrs"] = {iri: [stamp_new(one, at) for one in ones] for iri, ones in subs.items()}
    return made


def stamp_over(instance: Instance, old: Instance, at: str) -> Instance:
    """A copy that takes the place of ``old`` at ``at`` and keeps its ``createdAt``; sub-attributes likewise."""
    made = {**instance, "createdAt": old.get("createdAt", at), "modifiedAt": at}
    subs = instance.get("attrs")
    if subs is not None:
        old_subs = old.get("attrs") or {}
        made["attrs"] = {
            iri: [_stamp_sub(one, old_subs.get(iri), at) for one in ones] for iri, ones in subs.items()
        }
    return made


def _stamp_sub(instance: Instance, old: list[Instance] | None, at: str) -> Instance:
    for one in old or ():
        if one.get("datasetId") == instance.get("datasetId"):
            return stamp_over(instance, one, at)
    return stamp_new(instance, at)


def dataset_index(instances: Sequence[Instance], dataset_id: str | None) -> int:
    """Index of the instance with this ``datasetId`` (None: the default instance), or -1."""
    for index, instance in enumerate(instances):
        if instance.get("datasetId") == dataset_id:
            return index
    return -1


def stamped(instances: list[Instance], old: list[Instance] | None, at: str) -> list[Instance]:
    """The instances with their system times; those with an equal datasetId in ``old`` keep their createdAt."""
    if old is None:
        return [stamp_new(one, at) for one in instances]
    return [
        stamp_over(one, old[index], at)
        if (index := dataset_index(old, one.get("datasetId"))) >= 0
        else stamp_new(one, at)
        for one in instances
    ]


def new_attrs(given: dict[str, list[Instance]], at: str) -> dict[str, list[Instance]]:
    """The attributes of a new entity: ``stamped`` of each, plain instances without its calls."""
    stamp = {"createdAt": at, "modifiedAt": at}
    return {
        iri: [one | stamp]
        if len(instances) == 1 and "attrs" not in (one := instances[0])
        else [stamp_new(one, at) for one in instances]
        for iri, instances in given.items()
    }


def attrs_over(
    given: dict[str, list[Instance]], old: dict[str, list[Instance]], at: str
) -> dict[str, list[Instance]]:
    """The attributes of an entity that replaces one with the attributes ``old``."""
    attrs: dict[str, list[Instance]] = {}
    for iri, instances in given.items():
        there = old.get(iri)
        if there is not None and len(instances) == 1 and len(there) == 1:
            one, was = instances[0], there[0]
            if "attrs" not in one and "datasetId" not in one and "datasetId" not in was:
                attrs[iri] = [{**one, "createdAt": was.get("createdAt", at), "modifiedAt": at}]
                continue
        attrs[iri] = stamped(instances, there, at)
    return attrs
