"""The answer of a source about the past: read, filtered by the caller's rights, merged with the answers of others (CIM
009 §4.5.5, §5.7.3.4, §5.7.4.4).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.expand_temporal import expand_evolution
from andaman.broker.entity.names import check_time, plain_members
from andaman.broker.model import Doc, Instance
from andaman.broker.query.model import EvolutionQuery
from andaman.identity.model import Access, FullAccess
from andaman.kernel.errors import AndamanError, BadRequestData
from andaman.kernel.time import Micros, parse_time

_KEPT: Final = ("instanceId", "createdAt", "modifiedAt", "deletedAt")
_HEAVY: Final = 200
"""Instances of one entity that are read in a thread rather than on the loop."""


async def read_evolution(payload: Any, context: Context, asked: EvolutionQuery) -> Doc:
    """One entity of an answer. Raises AndamanError for what is no evolution."""
    read = _aggregated if asked.temporal.aggr_methods else _doc
    try:
        heavy = sum(len(one) if isinstance(one, list) else 1 for one in payload.values()) > _HEAVY
        return await asyncio.to_thread(read, payload, context) if heavy else read(payload, context)
    except (AttributeError, TypeError, KeyError, RecursionError) as error:
        raise BadRequestData(
            f"The answer holds something that is not a temporal evolution ({error})"
        ) from None


def _doc(payload: Any, context: Context) -> Doc:
    if isinstance(payload, dict):
        payload.pop("@context", None)
    doc = expand_evolution(payload, context, whole=True)
    for name, value in payload.items():
        raw = value if isinstance(value, list) else [value]
        own = doc.get("scope") if name == "scope" else doc["attrs"].get(_iri(name, context))
        if own is None or len(own) != len(raw):
            continue
        for instance, given in zip(own, raw, strict=True):
            if isinstance(given, dict):
                for member in _KEPT:
                    if isinstance(given.get(member), str):
                        instance[member] = (
                            given[member] if member == "instanceId" else check_time(given[member], member)
                        )
    return doc


def _iri(name: str, context: Context) -> str:
    try:
        return context.iris[name]
    except AndamanError:
        return ""


def _aggregated(payload: Any, context: Context) -> Doc:
    """Rows of aggregates as the source computed them (§4.5.19)."""
    payload = plain_members(payload)
    types = payload["type"] if isinstance(payload["type"], list) else [payload["type"]]
    attrs: dict[str, Any] = {}
    for name, value in payload.items():
        if name in ("id", "type", "scope", "@context") or not isinstance(value, dict):
            continue
        rows = {
            method: [list(row) for row in each if isinstance(row, list) and len(row) == 3]
            for method, each in value.items()
            if isinstance(each, list)
        }
        attrs[context.expand_term(name)] = {"type": str(value.get("type", "Property")), **rows}
    return {
        "id": str(payload["id"]),
        "type": [context.expand_type(str(one)) for one in types],
        "attrs": attrs,
    }


def seen(doc: Doc, access: Access) -> Doc | None:
    if isinstance(access, FullAccess):
        return doc
    scopes = sorted({scope for one in doc.get("scope", ()) for scope in one["value"]})
    if not access.sees(doc["type"], scopes):
        return None
    hidden = access.hidden_attrs(doc["type"], scopes)
    return {**doc, "attrs": {iri: rows for iri, rows in doc["attrs"].items() if iri not in hidden}}


def by_entity(answers: list[list[Doc]], asked: EvolutionQuery) -> dict[str, Doc]:
    """Entities of several answers, or pages, each once."""
    found: dict[str, Doc] = {}
    for docs in answers:
        for doc in docs:
            entity_id = str(doc["id"])
            there = found.get(entity_id)
            found[entity_id] = doc if there is None else merged_evolutions(there, doc, asked)
    return found


def merged_evolutions(mine: Doc, theirs: Doc, asked: EvolutionQuery) -> Doc:
    attrs = dict(mine["attrs"])
    for iri, rows in theirs["attrs"].items():
        there = attrs.get(iri)
        if there is None:
            attrs[iri] = rows
        elif not asked.temporal.aggr_methods:
            attrs[iri] = _series([*there, *rows])
    merged = {**mine, "type": sorted({*mine["type"], *theirs["type"]}), "attrs": attrs}
    if not mine.get("scope") and theirs.get("scope"):
        merged["scope"] = theirs["scope"]
    return merged


def _series(instances: list[Instance]) -> list[Instance]:
    """What two sources observed of the same data set at the same instant is one observation: the one modified last."""
    found: dict[Any, Instance] = {}
    for number, one in enumerate(instances):
        if "observedAt" in one:
            key: Any = (one.get("datasetId"), when(one, "observedAt"))
        else:
            key = one.get("instanceId", number)
        there = found.get(key)
        if there is None or when(one, "modifiedAt") > when(there, "modifiedAt"):
            found[key] = one
    return list(found.values())


def in_order(doc: Doc, asked: EvolutionQuery) -> Doc:
    """Series in order of time, and the last N of all together, not of each source (§5.7.4.4)."""
    query = asked.temporal
    if query.aggr_methods:
        return doc
    attrs = {}
    for iri, rows in doc["attrs"].items():
        kept = sorted(rows, key=lambda one: when(one, query.timeproperty), reverse=query.last_n is not None)
        attrs[iri] = kept if query.last_n is None else kept[: query.last_n]
    return {**doc, "attrs": attrs}


def when(instance: Instance, name: str) -> Micros:
    for member in (name, "observedAt", "deletedAt", "modifiedAt", "createdAt"):
        text = instance.get(member)
        if isinstance(text, str):
            try:
                return parse_time(text)
            except ValueError:
                continue
    return 0
