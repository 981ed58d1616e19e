"""Certificates of courses that were completed. Whoever has the id of one may check it, and learns what is on the paper.

The id cannot be guessed (100 random bits, keyed). The record itself is personal data (``types.CERTIFICATE``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from andaman.broker.api import Broker, Doc, OpKind, WriteOp, entity, iri, js, lang, prop, rel, value
from andaman.command.core import attributes
from andaman.command.incidents.numbers import spoken
from andaman.identity.model import FULL_ACCESS, Actor, system_actor
from andaman.kernel.fiscal import fiscal_year
from andaman.kernel.ids import keyed_id, urn
from andaman.kernel.time import DAY, Clock, format_time
from andaman.kernel.words import Words
from andaman.training.course import Course
from andaman.training.problems import NoSuchCertificate
from andaman.training.types import CERTIFICATE, RECORD_SCOPE

PREFIX: Final = "รับรอง"
"""Of its number, which would else be that of an incident."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a person has shown. ``competencies``: name → level. ``tries``: name of the step → (kind of the step, how often it was
    begun or answered until it was passed). ``issuer``: the agency that certifies, if the city has one."""

    percent: float
    competencies: Mapping[Words, int]
    tries: Mapping[Words, tuple[str, int]]
    issuer: Words | None

    def json(self) -> dict[str, Any]:
        return {
            "issuer": None if self.issuer is None else self.issuer.json(),
            "competencies": [{"name": name.json(), "level": n} for name, n in self.competencies.items()],
            "tries": [
                {"step": name.json(), "kind": kind, "number": n} for name, (kind, n) in self.tries.items()
            ],
        }


class Certificates:
    """Issues and checks. ``simulated``: ids of people who are accounts of a demonstration."""

    def __init__(self, broker: Broker, clock: Clock, simulated: Collection[str] = ()) -> None:
        self._broker, self._clock, self.simulated = broker, clock, frozenset(simulated)
        self._actor = system_actor("training")
        self._lock = asyncio.Lock()  # numbers are given one after the other

    def find(self, course: Course, person: str) -> Doc | None:
        """That of this person, if it was issued."""
        return self._read(self._id(course, person))

    def get(self, local: str) -> dict[str, Any]:
        """The content of the paper, and whether it is still valid. Raises NoSuchCertificate."""
        doc = self._read(urn(CERTIFICATE.name, local))
        if doc is None:
            raise NoSuchCertificate
        return self.json(doc)

    async def issue(self, course: Course, actor: Actor, content: Content) -> Doc:
        """The certificate of a person who has passed every step: the one there is, or a new one."""
        person = actor.principal.id
        async with self._lock:
            found = self.find(course, person)
            if found is not None:
                return found
            now = self._clock()
            year = fiscal_year(now)
            doc = entity(
                self._id(course, person),
                CERTIFICATE.name,
                scope=RECORD_SCOPE,
                name=lang(**course.title.json()),
                refCourse=rel(urn("Course", course.id)),
                person=prop(person),
                personName=prop(actor.principal.name),
                certificateNumber=prop(spoken(PREFIX, year, self._count(year) + 1)),
                issuedAt=prop(format_time(now)),
                validUntil=prop(format_time(now + course.valid_days * DAY)),
                percent=prop(content.percent),
                certified=js(content.json()),
                origin=prop("simulated" if person in self.simulated else "measured"),
            )
            await self._broker.must_write([WriteOp(OpKind.CREATE, doc["id"], doc)], self._actor)
        return self._broker.get(doc["id"], FULL_ACCESS)

    def json(self, doc: Doc) -> dict[str, Any]:
        """Certificates of earlier releases have no issuer and no tries."""
        until = attributes.time(doc, "validUntil")
        certified = value(doc, "certified")
        certified = certified if isinstance(certified, dict) else {}
        return {
            "id": doc["id"].rsplit(":", 1)[-1],
            "number": f"{PREFIX} {_bare(doc)}",
            "personName": attributes.text(doc, "personName"),
            "course": attributes.names(doc).json(),
            "issuedAt": value(doc, "issuedAt"),
            "validUntil": value(doc, "validUntil"),
            "percent": attributes.number(doc, "percent"),
            "issuer": certified.get("issuer"),
            "competencies": _rows(certified.get("competencies")),
            "tries": _rows(certified.get("tries")),
            "simulated": attributes.text(doc, "origin") == "simulated",
            "valid": until is not None and until > self._clock(),
        }

    def _count(self, year: int) -> int:
        """How many were issued in a fiscal year."""
        docs = self._broker.iter_entities([iri(CERTIFICATE.name)], FULL_ACCESS)
        return sum(_bare(doc).startswith(f"{year % 100:02}-") for doc in docs)

    def _id(self, course: Course, person: str) -> str:
        return urn(CERTIFICATE.name, keyed_id(self._broker.position_key, CERTIFICATE.name, course.id, person))

    def _read(self, entity_id: str) -> Doc | None:
        doc = self._broker.find(entity_id, FULL_ACCESS)
        return doc if doc is not None and iri(CERTIFICATE.name) in doc["type"] else None


def _rows(kept: Any) -> list[dict[str, Any]]:
    return [row for row in kept if isinstance(row, dict)] if isinstance(kept, list) else []


def _bare(doc: Doc) -> str:
    """Its number without the prefix, as earlier releases kept it."""
    return attributes.text(doc, "certificateNumber").removeprefix(PREFIX).strip()
