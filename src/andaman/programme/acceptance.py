"""Work that was accepted before the platform ran: entered by one person, approved by another, always marked as entered.

It has a column of its own and never becomes achieved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from andaman.approvals.answers import Fact
from andaman.broker.api import Doc, entity, prop, value
from andaman.form import FieldNotUnderstood, body_text
from andaman.kernel.answers import Answer
from andaman.kernel.errors import AndamanError
from andaman.kernel.ids import urn
from andaman.kernel.refusals import FieldMissing, FieldTooLong
from andaman.kernel.time import Micros, local_date
from andaman.kernel.words import Words
from andaman.programme.problems import AcceptedTooEarly, AcceptedTooLate, AcceptedTooMuch, NotADate, NotAPart
from andaman.programme.types import ACCEPTANCE

SCOPE: Final = ("/programme/acceptance",)
_LINE_MAX: Final = 300
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the acceptance document says. ``share``: 0 to 1 of the deliverable that it accepts. ``accepted_on``: a date."""

    deliverable: str
    share: float
    accepted_on: str
    document: str
    accepted_by: str


class AcceptanceShown(Answer, frozen=True, kw_only=True):
    """An acceptance that counts. ``entered_by`` and ``approved_by``: names of the two people."""

    id: str
    deliverable: str
    share: float
    accepted_on: str
    document: str
    accepted_by: str
    entered_by: str
    approved_by: str

    def content(self) -> Acceptance:
        names = Acceptance.__struct_fields__
        return Acceptance(**{name: getattr(self, name) for name in names})


def acceptance_of(body: Any, signed: Micros, began: Micros) -> Acceptance:
    """From a request. ``signed``: the programme's agreement; nothing was accepted for it before that day. ``began``: when the
    platform's record begins; later work is evidence of the platform itself. Raises FieldMissing, FieldTooLong,
    FieldNotUnderstood, NotAPart, NotADate, AcceptedTooEarly and AcceptedTooLate."""
    fields = body if isinstance(body, dict) else {}
    texts = {name: body_text(fields, name).strip() for name in _TEXTS}
    for name, found in texts.items():
        if not found:
            raise FieldMissing(field=name)
        if len(found) > _LINE_MAX:
            raise FieldTooLong(field=name, limit=_LINE_MAX)
    share = fields.get("share")
    if share is None:
        raise FieldMissing(field="share")
    if isinstance(share, bool) or not isinstance(share, int | float):
        raise FieldNotUnderstood(field="share", reason="It must be a number")
    if not 0 < share <= 1:
        raise NotAPart(field="share")
    day, earliest, latest = _day(texts["acceptedOn"]), local_date(signed).date(), local_date(began).date()
    if day < earliest:
        raise AcceptedTooEarly(date=earliest.isoformat())
    if day > latest:
        raise AcceptedTooLate(date=latest.isoformat())
    return Acceptance(
        deliverable=texts["deliverable"],
        share=float(share),
        accepted_on=texts["acceptedOn"],
        document=texts["document"],
        accepted_by=texts["acceptedBy"],
    )


_TEXTS: Final = ("deliverable", "acceptedOn", "document", "acceptedBy")


def _day(text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise NotADate(field="acceptedOn")


def check_room(wanted: Acceptance, others: Iterable[Acceptance]) -> None:
    """Raises AcceptedTooMuch where more than the deliverable would be accepted. ``others``: counted or waiting."""
    taken = sum(one.share for one in others if one.deliverable == wanted.deliverable)
    if taken + wanted.share > 1 + 1e-9:
        raise AcceptedTooMuch(left=round(100 * max(0.0, 1 - taken), 2))


def facts_of(content: Acceptance, deliverable: Words) -> tuple[Fact, ...]:
    """Its members in words, for the person who approves it."""

    def text(given: str) -> Words:
        return Words(given, given)

    name = {one.name: one.words for one in ACCEPTANCE.attributes}
    return (
        Fact(name=name["deliverable"], text=deliverable),
        Fact(name=name["acceptedShare"], share=content.share),
        Fact(name=name["acceptedOn"], date=content.accepted_on),
        Fact(name=name["acceptanceDocument"], text=text(content.document)),
        Fact(name=name["acceptedBy"], text=text(content.accepted_by)),
    )


def doc_of(local: str, content: Acceptance, entered_by: str, approved_by: str) -> Doc:
    return entity(
        urn("ProgrammeAcceptance", local),
        "ProgrammeAcceptance",
        scope=SCOPE,
        deliverable=prop(content.deliverable),
        acceptedShare=prop(content.share),
        acceptedOn=prop(content.accepted_on),
        acceptanceDocument=prop(content.document),
        acceptedBy=prop(content.accepted_by),
        enteredBy=prop(entered_by),
        approvedBy=prop(approved_by),
        origin=prop("reported"),
    )


def local_id(entity_id: str) -> str:
    return entity_id.removeprefix(f"urn:ngsi-ld:{ACCEPTANCE.name}:")


def shown(doc: Doc) -> AcceptanceShown | None:
    """An entity as people see it; None for one that is damaged."""
    found = {name: value(doc, attr) for name, attr in _ATTRIBUTES.items()}
    try:
        return msgspec.convert({"id": doc["id"], **found}, AcceptanceShown)
    except (msgspec.ValidationError, AndamanError):
        return None


_ATTRIBUTES: Final[Mapping[str, str]] = {
    "deliverable": "deliverable",
    "share": "acceptedShare",
    "acceptedOn": "acceptedOn",
    "document": "acceptanceDocument",
    "acceptedBy": "acceptedBy",
    "enteredBy": "enteredBy",
    "approvedBy": "approvedBy",
}


def accepted_until(rows: Iterable[AcceptanceShown], at: Micros) -> dict[str, float]:
    """Deliverable → share that was accepted on the day of ``at`` or before. The date of the document counts, not that of its
    entry."""
    day, found = local_date(at).date().isoformat(), dict[str, float]()
    for row in rows:
        if row.accepted_on <= day:
            found[row.deliverable] = min(1.0, found.get(row.deliverable, 0.0) + row.share)
    return found
