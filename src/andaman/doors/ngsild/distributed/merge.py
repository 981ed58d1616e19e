"""Parts of one entity from several sources become one entity (CIM 009 §4.5.5). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from andaman.broker.model import Doc, Instance
from andaman.kernel.time import Micros, parse_time

_NEVER: Final = -(1 << 62)


def merge_docs(docs: Sequence[Doc], auxiliary: Sequence[Doc] = ()) -> Doc | None:
    """Of instances with the same datasetId the most recent one counts, by ``observedAt``, else ``modifiedAt``; the
    first one wins a tie. Auxiliary sources only add attributes that nobody else has.
    """
    base: Doc | None = None
    for doc in docs:
        base = _copy(doc) if base is None else _merged(base, doc)
    for doc in auxiliary:
        if base is None:
            base = _copy(doc)
            continue
        for iri, instances in doc["attrs"].items():
            base["attrs"].setdefault(iri, instances)
    return base


def _copy(doc: Doc) -> Doc:
    return {**doc, "attrs": dict(doc["attrs"])}


def _merged(base: Doc, other: Doc) -> Doc:
    base["type"] = sorted({*base["type"], *other["type"]})
    scopes = {*base.get("scope", ()), *other.get("scope", ())}
    if scopes:
        base["scope"] = sorted(scopes)
    for name, choose in (("createdAt", min), ("modifiedAt", max), ("expiresAt", max)):
        times = [doc[name] for doc in (base, other) if name in doc]
        if times:
            base[name] = choose(times, key=_instant)
    for iri, instances in other["attrs"].items():
        there = base["attrs"].get(iri)
        base["attrs"][iri] = instances if there is None else _instances(there, instances)
    return base


def _instances(mine: Iterable[Instance], theirs: Iterable[Instance]) -> list[Instance]:
    found: dict[Any, Instance] = {one.get("datasetId"): one for one in mine}
    for one in theirs:
        there = found.get(one.get("datasetId"))
        if there is None or _age(one) > _age(there):
            found[one.get("datasetId")] = one
    return list(found.values())


def _age(instance: Instance) -> Micros:
    return _instant(instance.get("observedAt") or instance.get("modifiedAt") or "")


def _instant(text: str) -> Micros:
    try:
        return parse_time(text)
    except ValueError:
        return _NEVER


class Union:
    """Entities of many sources by id, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._docs: dict[str, list[Doc]] = {}
        self._auxiliary: dict[str, list[Doc]] = {}

    def add(self, docs: Iterable[Doc], auxiliary: bool = False) -> None:
        into = self._auxiliary if auxiliary else self._docs
        for doc in docs:
            into.setdefault(doc["id"], []).append(doc)

    def merged(self) -> list[Doc]:
        """One entity for each id; what only auxiliary sources know comes last (§4.3.6.2)."""
        ids = dict.fromkeys([*self._docs, *self._auxiliary])
        found = (merge_docs(self._docs.get(one, ()), self._auxiliary.get(one, ())) for one in ids)
        return [doc for doc in found if doc is not None]
