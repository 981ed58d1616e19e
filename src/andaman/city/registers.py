"""The registers of the city: rows as entities, first filled from the pack, afterwards edited by administrators."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, cast

from andaman.broker.api import (
    DEFAULT_TENANT,
    Broker,
    Doc,
    EntityQuery,
    Event,
    Instance,
    OpKind,
    TypeIs,
    WriteOp,
    build,
)
from andaman.city.answers import RowAnswer
from andaman.city.pack import Pack, base_register
from andaman.city.problems import NoSuchRegister, NoSuchRow
from andaman.city.seeding import BASE, Seed, digest_of_content, fill_in, filled_by
from andaman.definitions.references import check_references
from andaman.form import AnyRow, EntityUnknown, RowRefused
from andaman.identity.model import FULL_ACCESS, Actor
from andaman.kernel.refusals import Refusal
from andaman.kernel.time import Micros, parse_time
from andaman.register import Register, Rows
from andaman.vocabulary import EntityType

log = logging.getLogger("andaman")
_SYSTEM: Final = ("createdAt", "modifiedAt")
_PAGE: Final = 1000


class SeedRows:
    """Registers as the pack has them, without a broker. An unreadable row is an error of the pack: raises RowRefused."""

    def __init__(self, pack: Pack | None = None) -> None:
        self.pack = pack
        self._read: dict[str, dict[str, Any]] = {}

    def rows(self, register: Register[AnyRow]) -> Mapping[str, AnyRow]:
        found = self._read.get(register.name)
        if found is None:
            raw = self.pack.register(register.name) if self.pack else base_register(register.name)
            found = self._read[register.name] = {row.code: row for row in map(register.read, raw)}
        return cast("Mapping[str, AnyRow]", found)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A register in memory. ``faults``: code → (what is stored, the problem)."""

    rows: Mapping[str, Any] = field(default_factory=dict)
    faults: Mapping[str, tuple[dict[str, Any], RowRefused]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _PastRows:
    found: Mapping[str, Mapping[str, Any]]

    def rows(self, register: Register[AnyRow]) -> Mapping[str, AnyRow]:
        return cast("Mapping[str, AnyRow]", self.found.get(register.name, {}))


class Registers:
    """All registers of this platform. ``rows`` is a look into memory; a change is in it before its writer hears of it."""

    def __init__(self, broker: Broker, registers: Sequence[Register[Any]], seeds: SeedRows) -> None:
        self._broker, self._seeds = broker, seeds
        self._by_name = {register.name: register for register in registers}
        self._loaded: dict[str, _Loaded] = {}
        self._by_type = {build.iri(register.entity_type.name): register for register in registers}
        self._lock = asyncio.Lock()
        self._listening = False

    async def start(self) -> None:
        """Bring rows that nobody edited to the pack's content, read all, and follow changes."""
        for register in self._by_name.values():
            await self._seed(register)
            self._load(register)
        if not self._listening:
            self._broker.before_telling(self._see)
        self._listening = True

    async def stop(self) -> None:
        """Nothing is at work."""

    # -- reading --------------------------------------------------------------------------------------------
    def rows(self, register: Register[AnyRow]) -> Mapping[str, AnyRow]:
        return cast("Mapping[str, AnyRow]", self._of(register.name).rows)

    async def at(self, at: Micros, registers: Sequence[Register[Any]]) -> Rows:
        """These registers as they were at a past instant, their rows in today's order. Unreadable rows are left out."""
        found = {}
        for register in registers:
            past = await self._rows_at(at, register)
            order = [*self.rows(register), *past]
            found[register.name] = {code: past[code] for code in dict.fromkeys(order) if code in past}
        return _PastRows(found)

    async def _rows_at(self, at: Micros, register: Register[Any]) -> dict[str, Any]:
        rows: dict[str, Any] = {}
        kind, offset = TypeIs(build.iri(register.entity_type.name)), 0
        while True:
            query = EntityQuery(types=kind, limit=_PAGE, offset=offset)
            docs = cast("list[Doc]", (await self._broker.query_at(at, query, FULL_ACCESS)).docs)
            for doc in docs:
                if code := register.code_of(doc["id"]):
                    with suppress(RowRefused):
                        rows[code] = register.read({"code": code, **stored(register, doc)})
            if len(docs) < _PAGE:
                return rows
            offset += _PAGE

    def list_registers(self) -> list[Register[Any]]:
        return list(self._by_name.values())

    def get(self, name: str) -> Register[Any]:
        """Raises NoSuchRegister."""
        found = self._by_name.get(name)
        if found is None:
            raise NoSuchRegister(id=name)
        return found

    def listed(self, register: Register[Any]) -> list[RowAnswer]:
        """Every row; one with errors is not in use."""
        loaded = self._of(register.name)
        found = [RowAnswer(code=code, row=register.json(row), errors=[]) for code, row in loaded.rows.items()]
        return [*found, *self.set_aside(register)]

    def set_aside(self, register: Register[Any]) -> list[RowAnswer]:
        """Rows that cannot be read, with their errors."""
        faults = self._of(register.name).faults
        return [
            RowAnswer(code=code, row=raw, errors=refused.extra["errors"])
            for code, (raw, refused) in faults.items()
        ]

    def row(self, register: Register[Any], code: str) -> RowAnswer:
        """One of ``listed``. Raises NoSuchRow."""
        for one in self.listed(register):
            if one.code == code:
                return one
        raise NoSuchRow(id=code)

    def written_at(self, register: Register[Any], code: str) -> Micros | None:
        """When the row was last written; None where there is none."""
        return written_at(self._broker.find(register.id_of(code), FULL_ACCESS))

    def check_entities(self, register: Register[AnyRow], row: AnyRow) -> None:
        """Raises RowRefused where a field names an entity that is not there, or is of another type."""
        errors: list[Refusal] = []
        for name, kind, entity_id in register.form.entities_in(register.json(row)):
            doc = self._broker.find(entity_id, FULL_ACCESS)
            if doc is None or build.iri(kind) not in doc["type"]:
                errors.append(EntityUnknown(field=name, value=entity_id[:120]))
        if errors:
            raise RowRefused.of(errors)

    # -- writing --------------------------------------------------------------------------------------------
    async def put(self, register: Register[Any], code: str, raw: Any, actor: Actor) -> RowAnswer:
        """Create or replace a row. Raises RowRefused; then nothing is written."""
        row = register.read({**raw, "code": code} if isinstance(raw, dict) else raw)
        check_references(register.form.codes_in(register.json(row)), lambda name: self._of(name).rows)
        async with self._lock:
            doc = self._doc(register, row)
            await self._broker.must_write([WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc)], _as(actor))
        return self.row(register, code)

    async def delete(self, register: Register[Any], code: str, actor: Actor) -> None:
        """Raises NoSuchRow."""
        self.row(register, code)
        await self._broker.must_write([WriteOp(OpKind.DELETE, register.id_of(code))], _as(actor))

    # -- in memory ------------------------------------------------------------------------------------------
    def _of(self, name: str) -> _Loaded:
        return self._loaded.get(name, _Loaded())

    def _see(self, events: Sequence[Event]) -> None:
        changed = {
            kind
            for event in events
            if event.tenant == DEFAULT_TENANT
            for kind in event.types
            if kind in self._by_type
        }
        for kind in changed:
            try:
                self._load(self._by_type[kind])
            except Exception:  # the rows in use stay; the next change tries again
                log.exception("The register %s could not be read", self._by_type[kind].name)

    def _load(self, register: Register[Any]) -> None:
        rows: dict[str, Any] = {}
        faults: dict[str, tuple[dict[str, Any], RowRefused]] = {}
        before = self._of(register.name)
        for doc in self._broker.iter_entities([build.iri(register.entity_type.name)], FULL_ACCESS):
            if code := register.code_of(doc["id"]):
                raw = {"code": code, **stored(register, doc)}
                try:
                    rows[code] = register.read(raw)
                except RowRefused as refused:
                    faults[code] = (raw, refused)
                    if code not in before.faults:
                        wrong = ", ".join(str(error["detail"]) for error in refused.extra["errors"])
                        log.warning("Register %s: the row %s is set aside: %s", register.name, code, wrong)
        self._loaded[register.name] = _Loaded(rows, faults)

    # -- the seed -------------------------------------------------------------------------------------------
    async def _seed(self, register: Register[Any]) -> None:
        pack = self._seeds.pack
        if pack is None and filled_by(self._broker, register.name) not in (None, BASE):
            return  # started without its pack for once: the rows stay
        rows = self._seeds.rows(register)

        def digest_of(code: str, doc: Doc) -> str:
            return _digest_of(register, code, doc)

        docs = ((code, self._broker.find(register.id_of(code), FULL_ACCESS)) for code in rows)
        older = {code: {digest_of(code, doc)} for code, doc in docs if register.rewritten_before and doc}
        seed = Seed(
            register.name,
            pack.id if pack else BASE,
            {code: digest(register, register.json(row)) for code, row in rows.items()},
            register.id_of,
            lambda code: self._doc(register, rows[code]),
            digest_of,
            older,
        )
        await fill_in(self._broker, seed)

    def _doc(self, register: Register[Any], row: Any) -> Doc:
        """The entity of a row. Attributes of an older form of it that are no field of the register stay."""
        attrs: dict[str, Instance] = {
            name: instance_of(register.entity_type, name, content)
            for name, content in register.json(row).items()
            if name != "code"
        }
        if register.code_attribute:
            attrs[register.code_attribute] = build.prop(row.code)
        own_origin = any(one.name == "origin" for one in register.fields)
        constants = {**({} if own_origin else {"origin": "reported"}), **register.constants}
        for name, text in constants.items():
            attrs.setdefault(name, build.prop(text))
        doc = build.entity(register.id_of(row.code), register.entity_type.name, (register.scope,), **attrs)
        old = self._broker.find(doc["id"], FULL_ACCESS)
        if old is not None:
            own = {build.iri(name) for name in (*(one.name for one in register.fields), *register.retired)}
            rest = {name: bare(many) for name, many in old["attrs"].items() if name not in own}
            doc["attrs"] = {**rest, **doc["attrs"]}
        return doc


def digest(register: Register[Any], raw: Mapping[str, Any]) -> str:
    """Digest of a row as it reads; of the stored text, if it cannot be read."""
    with suppress(RowRefused):
        raw = register.json(register.read(dict(raw)))
    return digest_of_content(raw)


def _digest_of(register: Register[Any], code: str, doc: Doc) -> str:
    """Digest of a stored row. One with retired fields has the digest that its release gave it."""
    raw = {"code": code, **stored(register, doc)}
    older = {name: build.value(doc, name) for name in register.retired}
    older = {name: content for name, content in older.items() if content is not None}
    if not older:
        return digest(register, raw)
    with suppress(RowRefused):
        read = register.json(register.read(raw))
        raw = {name: read.get(name, content) for name, content in raw.items()}
    return digest_of_content(raw | older)


def stored(register: Register[Any], doc: Doc) -> dict[str, Any]:
    """The fields of a row that its entity has."""
    found = {}
    for one in register.fields:
        content = build.value(doc, one.name)
        if one.name != "code" and content is not None:
            found[one.name] = content
    return found


def written_at(doc: Doc | None) -> Micros | None:
    """When an entity was last written."""
    found = doc.get("modifiedAt") if doc is not None else None
    return parse_time(found) if isinstance(found, str) else None


def instance_of(kind: EntityType, name: str, content: Any) -> Instance:
    """The attribute that holds a field, in the form that the entity type declares."""
    attribute = kind.attribute(name)
    match attribute.kind if attribute is not None else "LanguageProperty" if name == "name" else "Property":
        case "LanguageProperty":
            return build.lang(**content)
        case "JsonProperty":
            return build.js(content)
        case "Relationship":
            return build.rel(content)
    return build.prop(content)


def bare(instances: Sequence[Instance]) -> list[Instance]:
    """Instances without the times that the broker gave them."""
    return [
        cast("Instance", {key: content for key, content in instance.items() if key not in _SYSTEM})
        for instance in instances
    ]


def _as(actor: Actor) -> Actor:
    """The room's own right, in the person's name: the door has asked already who may."""
    return Actor(actor.principal, FULL_ACCESS, actor.origin, actor.reason, actor.request_id)
