"""The queries for a snapshot's content, and its assembly (CIM 009 §5.16.1.4). Blocks; for worker threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from andaman.broker.entity.represent import View
from andaman.broker.ledger.rights import visible
from andaman.broker.model import Doc, Instance
from andaman.broker.query.evaluate import matches, matches_types
from andaman.broker.query.model import EntityQuery
from andaman.broker.snapshots.consistent_read import Moment
from andaman.broker.snapshots.recorder import Recorder
from andaman.identity.model import Access
from andaman.kernel.errors import AndamanError, Unavailable

_PARTS: Final = frozenset({"id", "type", "scope"})
_LINKS: Final = 10_000  # linked entities that one snapshot takes along


@dataclass(frozen=True, slots=True)
class Local:
    """A query that the broker answers by itself: alternatives, the kept part of each entity, how far links are
    followed.
    """

    queries: tuple[EntityQuery, ...]
    view: View
    links: int = 0


@dataclass(slots=True)
class Found:
    """The result of one query. ``docs``: what was gathered elsewhere; a ``Local`` one is answered while the snapshot is
    made.
    """

    asked: Local | None = None
    docs: Sequence[Doc] = ()
    trouble: AndamanError | None = None
    whole: bool = True  # False: some source did not answer, so that something may be missing
    count: int = 0


@dataclass(slots=True)
class Content:
    """Everything that goes into a snapshot: of entities, and of entities over time."""

    entities: list[Found] = field(default_factory=list)
    evolutions: list[Found] = field(default_factory=list)


class Detail(NamedTuple):
    """ExecutionResultDetails (§5.2.42) of one query."""

    status: Literal["success", "empty", "failure"]
    problem: AndamanError | None = None

    def shown(self) -> dict[str, object]:
        out: dict[str, object] = {"resultStatus": self.status}
        if self.problem is not None:
            out["problemDetails"] = self.problem.problem()
        return out


def detail_of(found: Found) -> Detail:
    if found.count:
        return Detail("success", found.trouble)
    return Detail("empty") if found.trouble is None else Detail("failure", found.trouble)


def status_of(content: Content) -> str:
    """``snapshotStatus`` of executed queries: success if every query has a result and nothing is missing."""
    every = [*content.entities, *content.evolutions]
    details = [detail_of(one) for one in every]
    if any(one.status == "success" for one in details):
        whole = all(one.status == "success" for one in details) and all(one.whole for one in every)
        return "success" if whole else "partial"
    return "empty" if all(one.status == "empty" for one in details) else "failure"


def fill(
    recorder: Recorder,
    content: Content,
    moment: Moment,
    known: Sequence[str],
    after: int,
    access: Access,
    stopped: Callable[[], bool],
) -> None:
    """Write the content: the local entities as of ``moment``, together with the answers of others. Counts in
    ``content``.

    ``known``: ids that the index knew at journal position ``after``. ``access``: filters what others told.
    """
    others: dict[str, Doc] = {}
    for found in content.entities:
        for told in found.docs:
            doc = visible(told, access)
            if doc is not None:
                found.count += 1
                name = str(doc["id"])
                others[name] = united(others[name], doc) if name in others else doc
    local = [(one.asked, one) for one in content.entities if one.asked is not None]
    evolved: dict[str, Doc] = {}
    for found in content.evolutions:
        for one in found.docs:
            found.count += 1
            name = str(one["id"])
            evolved[name] = _joined(evolved[name], one) if name in evolved else one
    written: set[str] = set()
    present: dict[str, Doc] = {}  # entities that come with their past

    def write(name: str, doc: Doc) -> None:
        recorder.entity(doc)
        written.add(name)
        if name in evolved:
            present[name] = doc

    links: dict[str, int] = {}
    for doc in moment.docs(known, after) if local else ():
        if stopped():
            raise Unavailable("The platform stopped while the snapshot was being made; make it again")
        kept = _kept(doc, local, moment, links)
        if kept is None:
            continue
        name = str(doc["id"])
        if name in others:
            others[name] = united(others[name], kept)
        else:
            write(name, kept)
    for name, doc in _linked(moment, links, written | others.keys()):
        write(name, doc)
    for doc in sorted(others.values(), key=lambda one: (one.get("createdAt", ""), one["id"])):
        write(str(doc["id"]), doc)
    for name, one in evolved.items():
        recorder.evolution(_without(one, present.get(name)), present=name in present)


def _without(one: Doc, doc: Doc | None) -> Doc:
    """A past without the values of the entity itself: its present instances are the last ones of its past."""
    if doc is None:
        return one
    attrs = {}
    for iri, rows in one["attrs"].items():
        known = {_point(row) for row in doc["attrs"].get(iri, ())}
        left = [row for row in rows if _point(row) not in known]
        if left:
            attrs[iri] = left
    return {**one, "attrs": attrs}


def _point(row: Instance) -> tuple[Any, ...]:
    return row.get("datasetId"), row.get("observedAt"), row.get("modifiedAt")


def _kept(
    doc: Doc, local: Sequence[tuple[Local, Found]], moment: Moment, links: dict[str, int]
) -> Doc | None:
    """The parts that the matching queries keep of the entity, together."""
    kept: Doc | None = None
    for asked, found in local:
        if not any(
            (query.types is None or matches_types(query.types, doc["type"]))
            and matches(doc, query, follow=moment.follow)
            for query in asked.queries
        ):
            continue
        part = projected(doc, asked.view)
        if part is None:
            continue
        found.count += 1
        kept = part if kept is None else united(kept, part)
        if asked.links:
            for name in targets(part):
                links[name] = max(links.get(name, 0), asked.links)
    return kept


def _linked(moment: Moment, links: Mapping[str, int], there: set[str]) -> list[tuple[str, Doc]]:
    """Entities along Relationships that are not there yet, nearest first (``join`` and ``joinLevel``)."""
    found: dict[str, Doc] = {}
    left = dict(links)
    while left and len(found) < _LINKS:
        further: dict[str, int] = {}
        for name, levels in left.items():
            doc = None if name in found else moment.find(name)
            if doc is None:
                continue
            if name not in there:
                found[name] = doc
            if levels > 1:
                for target in targets(doc):
                    if target not in found:
                        further[target] = max(further.get(target, 0), levels - 1)
        left = further
    return list(found.items())


def targets(doc: Doc) -> list[str]:
    """Ids of the entities that Relationships of this one point to."""
    found: list[str] = []
    for instances in doc["attrs"].values():
        for one in instances:
            value = one.get("object", one.get("objectList"))
            listed = value if isinstance(value, list) else [value]
            for each in listed:
                target = each.get("object") if isinstance(each, dict) else each
                if isinstance(target, str):
                    found.append(target)
    return found


def projected(doc: Doc, view: View) -> Doc | None:
    """The entity with the attributes that a query shows (``attrs``, ``pick``, ``omit``, ``datasetId``).

    ``id``, ``type`` and ``scope`` always stay: rights hang on them. None where ``pick`` leaves nothing at all.
    """
    if not view.projects:
        return doc
    attrs = {
        iri: instances
        for iri, instances in doc["attrs"].items()
        if (view.pick is None or iri in view.pick) and iri not in view.omit
    }
    if view.datasets is not None:
        chosen = view.datasets
        narrowed = {
            iri: [one for one in instances if one.get("datasetId", "@none") in chosen]
            for iri, instances in attrs.items()
        }
        attrs = {iri: instances for iri, instances in narrowed.items() if instances}
    if view.pick is not None and not attrs and not view.pick & _PARTS:
        return None
    return {**doc, "attrs": attrs}


def united(one: Doc, other: Doc) -> Doc:
    """Two views of an entity as of one moment as a single one. Of equal instances the first counts."""
    attrs = dict(one["attrs"])
    for iri, instances in other["attrs"].items():
        attrs[iri] = _instances(attrs[iri], instances) if iri in attrs else instances
    made = {**other, **one, "attrs": attrs}
    made["type"] = sorted({*one["type"], *other["type"]})
    scopes = sorted({*one.get("scope", ()), *other.get("scope", ())})
    if scopes:
        made["scope"] = scopes
    return made


def _instances(mine: list[Instance], theirs: list[Instance]) -> list[Instance]:
    known = {one.get("datasetId") for one in mine}
    return [*mine, *(one for one in theirs if one.get("datasetId") not in known)]


def _joined(one: Doc, other: Doc) -> Doc:
    """Two tellings of one past; equal instances count once."""
    made = {**one, "type": sorted({*one["type"], *other["type"]}), "attrs": dict(one["attrs"])}
    for iri, instances in other["attrs"].items():
        there = made["attrs"].get(iri, [])
        made["attrs"][iri] = [*there, *(each for each in instances if each not in there)]
    if other.get("scope"):
        there = made.get("scope") or []
        made["scope"] = [*there, *(each for each in other["scope"] if each not in there)]
    return made
