"""The queries of a snapshot: what they ask, checked at once, and the gathering of what other sources have (CIM 009 §5.2.41,
§5.16.1.4)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar

from andaman.broker.contexts import Context
from andaman.broker.entity.names import plain_members
from andaman.broker.model import Doc
from andaman.broker.query.ast import QExpr
from andaman.broker.query.model import EntityQuery, EvolutionQuery
from andaman.broker.query.parse import parse_q
from andaman.broker.snapshots.content import Content, Found, Local, projected
from andaman.broker.snapshots.model import QUERIES, TEMPORAL_QUERIES
from andaman.doors.ngsild.consumption import Asked
from andaman.doors.ngsild.distributed.choice import chosen
from andaman.doors.ngsild.distributed.evolutions import Everywhere
from andaman.doors.ngsild.distributed.faults import BadGateway
from andaman.doors.ngsild.distributed.reads import MOST, federated, wanted_of
from andaman.doors.ngsild.distributed.sources import Outcome
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Call
from andaman.doors.ngsild.postquery import asked_of
from andaman.doors.ngsild.temporal import check_q
from andaman.doors.ngsild.temporal_params import TEMPORAL, evolution_query, temporal_query_of
from andaman.kernel.errors import AndamanError, BadRequestData, NoSuchTenant, TooManyResults

_T = TypeVar("_T")
_INSTANCES: Final = 10_000  # of one entity in one temporal query
_ALL_INSTANCES: Final = 500_000  # of all temporal queries of a snapshot
_PAGE: Final = 200
_IGNORED: Final = frozenset({"ordering", "lang"})
"""Of a Query: how an answer looks, which a snapshot leaves to the questions that are put to it."""
_NAME: Final = re.compile(r"[^;,|() \t{}]+")
_LISTS: Final = ("attrs", "pick", "omit")
_FIXED: Final = frozenset({"id", "type", "scope", "createdAt", "modifiedAt", "expiresAt", "deletedAt", "*"})


@dataclass(frozen=True, slots=True)
class OfNow:
    """One of snapshotQueries."""

    asked: Asked
    given: Mapping[str, Any]
    csf: QExpr | None
    split: bool

    async def found(self, door: Door, call: Call, context: Context, local: bool) -> Found:
        """What sources have together with the broker; where none is registered for it the broker answers by itself, as of
        the moment of the snapshot."""
        wanted = [] if local else wanted_of(self.asked, self.given, call, self.split)
        if not any(chosen(door, call, one.spec, "queryEntity", "queryBatch") for one in wanted):
            join = self.asked.join
            return Found(Local(self.asked.queries, self.asked.view, 0 if join is None else join.level))
        whole = replace(
            self.asked,
            queries=tuple(replace(one, offset=0, limit=MOST - 1, count=True) for one in self.asked.queries),
        )
        page, more, outcomes = await federated(door, call, whole, wanted, context, self.csf)
        if more:
            raise TooManyResults(f"Over several brokers a query has at most {MOST} entities; narrow it")
        docs = [kept for doc in page.docs if (kept := projected(dict(doc), self.asked.view)) is not None]
        trouble = _trouble(outcomes)
        return Found(None, docs, trouble, trouble is None)


@dataclass(frozen=True, slots=True)
class OfThePast:
    """One of snapshotTemporalQueries."""

    asked: EvolutionQuery
    csf: QExpr | None

    async def found(self, door: Door, call: Call, context: Context, local: bool) -> Found:
        """Every page of it (§5.16.1.4)."""
        there = door.sources is not None and door.sources.registry.of(call.tenant) is not None
        broker: Any = Everywhere(door, call, self.csf) if there and not local else door.broker
        docs: list[Doc] = []
        instances = 0
        while True:
            asked = replace(self.asked, limit=_PAGE, offset=len(docs))
            answer = await broker.evolutions(asked, call.actor.access, call.tenant)
            for one in answer["entities"]:
                if answer.get("range") or one.get("range"):
                    raise TooManyResults(
                        f"{one['id']} has more than {_INSTANCES} instances in this time; narrow the query or use lastN"
                    )
                instances += sum(len(rows) for rows in one["attrs"].values())
                docs.append(_evolution(one))
            if instances > _ALL_INSTANCES:
                raise TooManyResults(
                    f"A query of a snapshot has at most {_ALL_INSTANCES} instances; narrow it or use lastN"
                )
            if not answer["more"] or not answer["entities"]:
                break
        trouble = _trouble(getattr(broker, "outcomes", ()))
        return Found(None, docs, trouble, trouble is None)


def _evolution(one: Doc) -> Doc:
    """As it is written down: ids of instances belong to one store."""
    made: Doc = {"id": one["id"], "type": one["type"], "attrs": {}}
    for iri, rows in one["attrs"].items():
        made["attrs"][iri] = [
            {name: value for name, value in row.items() if name != "instanceId"} for row in rows
        ]
    if one.get("scope"):
        made["scope"] = [
            {name: value for name, value in row.items() if name != "instanceId"} for row in one["scope"]
        ]
    return made


def _trouble(outcomes: Sequence[Outcome]) -> AndamanError | None:
    """Why something may be missing."""
    failed = [one for one in outcomes if one.warning]
    if not failed:
        return None
    first = failed[0].error
    why = first.detail if first is not None else "its answer could not be understood"
    names = ", ".join(dict.fromkeys(one.registration.id for one in failed))
    return BadGateway(f"Not every context source answered ({names[:500]}): {why}")


def compiled(
    door: Door, call: Call, given: Mapping[str, Any], context: Context, local: bool
) -> Callable[[], Awaitable[Content]]:
    """The queries of a snapshot, ready to be asked. Raises BadRequestData where one is not valid, with its ``field``."""
    asked = [
        _named(f"{QUERIES}[{number}]", partial(_of_now, door, one, context, local))
        for number, one in enumerate(given.get(QUERIES, ()))
    ]
    evolutions = [
        _named(f"{TEMPORAL_QUERIES}[{number}]", partial(_of_the_past, door, one, context))
        for number, one in enumerate(given.get(TEMPORAL_QUERIES, ()))
    ]

    async def gather() -> Content:
        return Content(
            [await _guarded(one, door, call, context, local) for one in asked],
            [await _guarded(one, door, call, context, local) for one in evolutions],
        )

    return gather


def _named(where: str, make: Callable[[], _T]) -> _T:
    try:
        return make()
    except AndamanError as error:
        field = error.extra.get("field")
        error.extra["field"] = f"{where}.{field}" if field else where
        error.detail = f"{where}: {error.detail}"
        raise


async def _guarded(one: OfNow | OfThePast, door: Door, call: Call, context: Context, local: bool) -> Found:
    """A query that fails is reported in its details; the others continue."""
    try:
        return await one.found(door, call, context, local)
    except NoSuchTenant:
        return Found()
    except AndamanError as error:
        return Found(trouble=error, whole=False)


def _of_now(door: Door, query: Mapping[str, Any], context: Context, local: bool) -> OfNow:
    plain = {name: value for name, value in query.items() if name not in _IGNORED}
    parameters = {"local": "true"} if local else {}
    asked, given = asked_of(door, plain, parameters, context)
    return OfNow(asked, given, _csf(given, context), query.get("splitEntities") is True)


def _of_the_past(door: Door, query: Mapping[str, Any], context: Context) -> OfThePast:
    part = query.get("temporalQ")
    if not isinstance(part, dict) or part.keys() - TEMPORAL:
        raise BadRequestData(
            f"temporalQ must be an object and may have {', '.join(sorted(TEMPORAL))}", field="temporalQ"
        )
    if "aggrParams" in query or part.keys() & {"aggrMethods", "aggrPeriodDuration"}:
        raise BadRequestData("A snapshot keeps instances, not aggregates of them", field="aggrParams")
    temporal = temporal_query_of(part, False, _INSTANCES)
    if temporal.timerel is None:
        raise BadRequestData("A query of the past needs timerel and timeAt", field="temporalQ.timerel")
    plain = {name: value for name, value in query.items() if name not in _IGNORED}
    asked, given = asked_of(door, plain, {}, context)
    selectors: list[EntityQuery] = []
    for one in asked.queries:
        check_q(one)
        selectors.append(replace(one, limit=_PAGE, offset=0, count=False))
    made = evolution_query(temporal, tuple(selectors), asked.view, ends=False)
    return OfThePast(replace(made, times=True, bare=False), _csf(given, context))


def _csf(given: Mapping[str, Any], context: Context) -> QExpr | None:
    """Which sources may be asked at all (§4.9)."""
    return parse_q(str(given["csf"]), context.expand_term) if "csf" in given else None


# -- names -------------------------------------------------------------------------------------------------------


def expanded(query: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """A query as it is kept: names of types and attributes as IRIs; ``q`` stays as it was given."""
    query = plain_members(dict(query))
    if isinstance(query.get("entities"), list):
        query["entities"] = [
            plain_members(one, "entities") if isinstance(one, dict) else one for one in query["entities"]
        ]
    return _renamed(query, context.expand_type, context.expand_term)


def shortened(query: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """A kept query in the names of a request."""
    return _renamed(query, context.shorts.__getitem__, context.shorts.__getitem__)


def _renamed(
    query: Mapping[str, Any], of_type: Callable[[str], str], of_term: Callable[[str], str]
) -> dict[str, Any]:
    def types(value: Any) -> Any:
        return _NAME.sub(lambda found: _name(found[0], of_type), value) if isinstance(value, str) else value

    out = dict(query)
    if isinstance(out.get("entities"), list):
        out["entities"] = [
            {**one, "type": types(one["type"])} if isinstance(one, dict) and "type" in one else one
            for one in out["entities"]
        ]
    for name in _LISTS:
        value = out.get(name)
        if isinstance(value, list):
            out[name] = [
                _NAME.sub(lambda found: _name(found[0], of_term), one) if isinstance(one, str) else one
                for one in value
            ]
    geo = out.get("geoQ")
    if isinstance(geo, dict) and isinstance(geo.get("geoproperty"), str):
        out["geoQ"] = {**geo, "geoproperty": _name(geo["geoproperty"], of_term)}
    return out


def _name(text: str, rename: Callable[[str], str]) -> str:
    return text if text in _FIXED else rename(text)
