"""Types and attributes of all sources together (CIM 009 §5.7.5–5.7.11). The handlers of ``discovery`` ask a broker for
its survey; here they get one whose survey also holds the answers of the registered sources.

Who may not see everything is told names only: no counts of sources (they count entities that may be hidden), and
attributes only of types that may be seen and do not hide them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from andaman.broker.contexts import Context
from andaman.broker.query.ast import TypeIs
from andaman.broker.query.survey import AttrSurvey, TypeSurvey
from andaman.broker.registry.match import Spec
from andaman.broker.registry.model import Info, Registration
from andaman.doors.ngsild import discovery
from andaman.doors.ngsild.distributed.choice import chosen, looped, sources_of
from andaman.doors.ngsild.distributed.reads import plain_answer
from andaman.doors.ngsild.distributed.sources import Outcome, Wire, warning_headers
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Answer, Call
from andaman.doors.ngsild.params import flag_of
from andaman.identity.model import Access, FullAccess
from andaman.kernel.errors import AndamanError, NoSuchTenant

Handler = Callable[[Door, Call], Awaitable[Answer]]
Read = Callable[[Any, "Reading"], list[TypeSurvey]]
SOURCES: Final = 500
"""That one request asks."""
_NAMES: Final = 10_000  # read of one list
_KINDS: Final = frozenset(
    {"Property", "Relationship", "GeoProperty", "LanguageProperty", "JsonProperty", "VocabProperty"}
    | {"ListProperty", "ListRelationship"}
)


async def list_types(door: Door, call: Call) -> Answer:
    """GET /types."""
    given = call.parameters(discovery.LIST)
    if flag_of(given, "details"):
        question = Question("retrieveEntityTypeDetails", "/types", (("details", "true"),), _type_details)
    else:
        question = Question("retrieveEntityTypes", "/types", (), _type_list)
    return await _everywhere(door, call, discovery.list_types, question, Spec(), flag_of(given, "local"))


async def retrieve_type(door: Door, call: Call) -> Answer:
    """GET /types/{type}."""
    given = call.parameters(discovery.ONE)
    name = (await door.link_context(call)).expand_type(call.segments[1])
    question = Question("retrieveEntityTypeInfo", f"/types/{quote(name, safe='')}", (), _type_info, name)
    spec = Spec(types=TypeIs(name))
    return await _everywhere(door, call, discovery.retrieve_type, question, spec, flag_of(given, "local"))


async def list_attributes(door: Door, call: Call) -> Answer:
    """GET /attributes."""
    given = call.parameters(discovery.LIST)
    if flag_of(given, "details") or not isinstance(call.actor.access, FullAccess):
        question = Question("retrieveAttrTypeDetails", "/attributes", (("details", "true"),), _attr_details)
    else:
        question = Question("retrieveAttrTypes", "/attributes", (), _attr_list)
    return await _everywhere(door, call, discovery.list_attributes, question, Spec(), flag_of(given, "local"))


async def retrieve_attribute(door: Door, call: Call) -> Answer:
    """GET /attributes/{attribute}."""
    given = call.parameters(discovery.ONE)
    context = await door.link_context(call)
    if discovery.is_member(call.segments[1]):
        return await discovery.retrieve_attribute(door, call)
    iri = context.expand_term(call.segments[1])
    question = Question("retrieveAttrTypeInfo", f"/attributes/{quote(iri, safe='')}", (), _attr_info, iri)
    spec = Spec(attrs=frozenset({iri}))
    return await _everywhere(
        door, call, discovery.retrieve_attribute, question, spec, flag_of(given, "local")
    )


@dataclass(frozen=True, slots=True)
class Question:
    """What sources are asked, names in full so that no @context of theirs can change them, and how answers are read."""

    operation: str
    path: str
    parameters: tuple[tuple[str, str], ...]
    read: Read
    about: str = ""  # the one type or attribute that is asked about


async def _everywhere(
    door: Door, call: Call, handler: Handler, question: Question, spec: Spec, local: bool
) -> Answer:
    if local:
        return await handler(door, call)
    found = _sources(chosen(door, call, spec, question.operation))
    outcomes = looped(door, call, spec, question.operation)
    surveys: list[TypeSurvey] = []
    for outcome, told in await asyncio.gather(
        *(_ask(door, call, question, one, infos) for one, infos in found)
    ):
        outcomes.append(outcome)
        surveys += told
    answer = await plain_answer(handler(door.with_broker(_Surveyed(door.broker, surveys)), call))
    answer.headers = [*answer.headers, *warning_headers(outcomes, door.alias(call.tenant))]
    return answer


def _sources(found: Sequence[tuple[Registration, list[Info]]]) -> list[tuple[Registration, list[Info]]]:
    """Each source once, however often it is registered, with all that is registered of it."""
    by_source: dict[Any, tuple[Registration, list[Info]]] = {}
    for one, infos in found:
        key = (one.endpoint, one.tenant, one.source_info, one.local_only)
        by_source.setdefault(key, (one, []))[1].extend(infos)
    return list(by_source.values())[:SOURCES]


async def _ask(
    door: Door, call: Call, question: Question, one: Registration, infos: list[Info]
) -> tuple[Outcome, list[TypeSurvey]]:
    sources = sources_of(door)
    try:
        wire: Wire = await sources.wire(one, door.contexts.core, call)
    except AndamanError as error:
        return Outcome(one, 0, error=error, warning=199), []
    outcome = await sources.ask(call, one, "GET", question.path, wire, question.parameters)
    if outcome.error is not None or outcome.payload is None:
        return outcome, []
    reading = Reading(wire.context, infos, call.actor.access, question.about)
    try:
        told = question.read(outcome.payload, reading)
    except (KeyError, TypeError, AttributeError, ValueError, AndamanError):
        return replace(outcome, payload=None, warning=111), []
    return replace(outcome, payload=None), told


class _Surveyed:
    """A broker whose types and surveys also hold the answers of sources; all else is the broker's own."""

    def __init__(self, broker: Any, told: list[TypeSurvey]) -> None:
        self._broker, self._told = broker, told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def types(self, access: Access, tenant: str) -> dict[tuple[str, ...], int]:
        try:
            found: dict[tuple[str, ...], int] = dict(self._broker.types(access, tenant))
        except NoSuchTenant:
            if not self._told:
                raise
            found = {}
        for one in self._told:
            found[one.types] = found.get(one.types, 0) + one.count
        return found

    async def survey(
        self,
        access: Access,
        tenant: str,
        *,
        kinds_of: Container[str] | None = (),
        types: Sequence[str] = (),
    ) -> list[TypeSurvey]:
        try:
            own: list[TypeSurvey] = await self._broker.survey(access, tenant, kinds_of=kinds_of, types=types)
        except NoSuchTenant:
            if not self._told:
                raise
            own = []
        return [*own, *self._told]


# -- reading answers ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """The facts that an answer is checked against: the source's names, its registered part, the caller's rights."""

    context: Context
    infos: list[Info]
    access: Access
    about: str

    @property
    def counted(self) -> bool:
        return isinstance(self.access, FullAccess)

    def type_of(self, name: Any) -> str | None:
        """The IRI of a type that is registered and may be seen."""
        iri = self.context.expand_type(_text(name))
        return iri if self._registered(iri) and self.access.sees((iri,), ()) else None

    def types_of(self, names: Any) -> tuple[str, ...]:
        return tuple(iri for name in _list(names) if (iri := self.type_of(name)) is not None)

    def _registered(self, type_iri: str) -> list[Info]:
        return [
            info
            for info in self.infos
            if not info.entities or any(not one.types or type_iri in one.types for one in info.entities)
        ]

    def attr_of(self, name: Any, type_iri: str | None) -> str | None:
        """The IRI of an attribute that is registered (of the type) and that the type does not hide."""
        iri = self.context.expand_term(_text(name))
        infos = self.infos if type_iri is None else self._registered(type_iri)
        if not any(not info.names or iri in info.names for info in infos):
            return None
        hidden = frozenset[str]() if type_iri is None else self.access.hidden_attrs((type_iri,), ())
        return None if iri in hidden else iri

    def count_of(self, value: Any) -> int:
        known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53
        return int(value) if known and self.counted else 0


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 2048:
        raise ValueError("not a name")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > _NAMES:
        raise ValueError("not a list of names")
    return value


def _kinds(value: Any) -> set[str]:
    return {one for one in _list(value) if isinstance(one, str)} & _KINDS


def _type_list(payload: Any, reading: Reading) -> list[TypeSurvey]:
    return [TypeSurvey((iri,), 0) for iri in reading.types_of(payload["typeList"])]


def _type_details(payload: Any, reading: Reading) -> list[TypeSurvey]:
    found = []
    for one in _list(payload):
        iri = reading.type_of(one["typeName"])
        if iri is not None:
            names = _list(one.get("attributeNames", []))
            attrs = {attr for name in names if (attr := reading.attr_of(name, iri)) is not None}
            found.append(TypeSurvey((iri,), 0, {attr: AttrSurvey(0) for attr in attrs}))
    return found


def _type_info(payload: Any, reading: Reading) -> list[TypeSurvey]:
    iri = reading.type_of(payload["typeName"])
    if iri is None or iri != reading.about:
        return []
    found = TypeSurvey((iri,), reading.count_of(payload.get("entityCount")))
    for one in _list(payload.get("attributeDetails", [])):
        attr = reading.attr_of(one["attributeName"], iri)
        if attr is not None:
            found.attrs[attr] = AttrSurvey(0, _kinds(one.get("attributeTypes", [])))
    return [found]


def _attr_list(payload: Any, reading: Reading) -> list[TypeSurvey]:
    names = _list(payload["attributeList"])
    attrs = {attr for name in names if (attr := reading.attr_of(name, None)) is not None}
    return [TypeSurvey((), 0, {attr: AttrSurvey(0) for attr in attrs})]


def _attr_details(payload: Any, reading: Reading) -> list[TypeSurvey]:
    found = []
    for one in _list(payload):
        for iri in reading.types_of(one.get("typeNames", [])):
            attr = reading.attr_of(one["attributeName"], iri)
            if attr is not None:
                found.append(TypeSurvey((iri,), 0, {attr: AttrSurvey(0)}))
    return found


def _attr_info(payload: Any, reading: Reading) -> list[TypeSurvey]:
    types = [
        iri
        for iri in reading.types_of(payload.get("typeNames", []))
        if reading.attr_of(payload["attributeName"], iri) is not None
    ]
    attr = reading.attr_of(payload["attributeName"], None)
    if attr is None or attr != reading.about or not (types or reading.counted):
        return []
    told = AttrSurvey(
        reading.count_of(payload.get("attributeCount")), _kinds(payload.get("attributeTypes", []))
    )
    return [TypeSurvey(tuple(types), 0, {attr: told})]
