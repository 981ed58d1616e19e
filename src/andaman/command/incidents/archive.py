"""The list of all incidents, open or ended: filters, order, and the table to download. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from andaman.broker.api import Doc, value
from andaman.command.core import attributes
from andaman.command.core.states import IncidentStatus
from andaman.command.incidents.numbers import matches
from andaman.command.types import INCIDENT
from andaman.kernel.time import Micros, format_time
from andaman.kernel.words import Words

OPEN: Final = "open"
ENDED: Final = "ended"
STATES: Final = (OPEN, ENDED, *(status.value for status in IncidentStatus))
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents. Empty values ask for nothing. ``begin`` ≤ opened < ``end``. ``text``: a number or words of title, place,
    description and outcome, in any language."""

    text: str = ""
    state: str = ""
    kind: str = ""
    begin: Micros | None = None
    end: Micros | None = None


def select(docs: Iterable[Doc], wanted: Wanted) -> list[Doc]:
    """The newest first; those without a readable time of opening last."""
    found = [doc for doc in docs if _is_wanted(doc, wanted)]
    return sorted(found, key=lambda doc: (attributes.time(doc, "openedAt") or 0, doc["id"]), reverse=True)


def _is_wanted(doc: Doc, wanted: Wanted) -> bool:
    status = attributes.text(doc, "incidentStatus")
    if wanted.state in (OPEN, ENDED):
        ended = status in (IncidentStatus.CLOSED, IncidentStatus.CANCELLED)
        if ended is not (wanted.state == ENDED):
            return False
    elif wanted.state and status != wanted.state:
        return False
    if wanted.kind and attributes.text(doc, "incidentType") != wanted.kind:
        return False
    if wanted.begin is not None or wanted.end is not None:
        opened = attributes.time(doc, "openedAt")
        if opened is None or (wanted.begin is not None and opened < wanted.begin):
            return False
        if wanted.end is not None and opened >= wanted.end:
            return False
    return not wanted.text.strip() or _says(doc, wanted.text)


def _says(doc: Doc, text: str) -> bool:
    if matches(attributes.text(doc, "incidentNumber"), text):
        return True
    said = " ".join(_texts(doc)).casefold()
    return all(word in said for word in text.casefold().split())


def _texts(doc: Doc) -> list[str]:
    found = [*attributes.titles(doc).values()]
    for name in ("address", "description", "outcome"):
        content: object = value(doc, name)
        parts = content.values() if isinstance(content, dict) else (content,)
        found += [part for part in parts if isinstance(part, str)]
    return found


# -- as a table -------------------------------------------------------------------------------------------------
_COLUMNS: Final[Sequence[tuple[str, Words]]] = (
    ("number", Words("หมายเลขเหตุ", "Number")),
    ("opened", Words("เปิดเหตุเมื่อ", "Opened")),
    ("ended", Words("สิ้นสุดเมื่อ", "Ended")),
    ("status", Words("สถานะ", "State")),
    ("kind", Words("ประเภทเหตุ", "Kind")),
    ("severity", Words("ความรุนแรง", "Severity")),
    ("title", Words("หัวข้อ", "Title")),
    ("address", Words("จุดเกิดเหตุ (คำบรรยาย)", "Place in words")),
    ("latitude", Words("ละติจูด", "Latitude")),
    ("longitude", Words("ลองจิจูด", "Longitude")),
    ("disposition", Words("ข้อสรุปของเหตุ", "Conclusion")),
    ("outcome", Words("ผลการดำเนินการ", "Outcome")),
    ("origin", Words("ที่มา", "Origin")),
    ("id", Words("รหัสรายการ", "Id")),
)
_CODES: Final = {
    attribute.name: {code.value: code.words for code in attribute.codes}
    for attribute in INCIDENT.attributes
    if attribute.codes
}


def table(docs: Iterable[Doc], kinds: Mapping[str, Words], language: str) -> str:
    """CSV with a byte order mark, so that spreadsheets read Thai; times in UTC (ISO 8601). ``language``: "th" or "en"."""
    out = io.StringIO()
    out.write("\ufeff")
    write = csv.writer(out).writerow
    write([_in(words, language) for _, words in _COLUMNS])
    for doc in docs:
        row = _row(doc, kinds, language)
        write([_safe(row[name]) for name, _ in _COLUMNS])
    return out.getvalue()


def _row(doc: Doc, kinds: Mapping[str, Words], language: str) -> dict[str, str]:
    place, names = attributes.place(doc), attributes.names(doc)
    kind = attributes.text(doc, "incidentType")
    word = kinds.get(kind)
    status = attributes.text(doc, "incidentStatus")
    ended = status in ("closed", "cancelled")
    return {
        "number": attributes.text(doc, "incidentNumber"),
        "opened": _when(doc, "openedAt"),
        "ended": _when(doc, "closedAt") if ended else "",
        "status": _code("incidentStatus", status, language),
        "kind": kind if word is None else _in(word, language),
        "severity": _code("severity", attributes.severity(doc).value, language),
        "title": _in(names, language),
        "address": attributes.text(doc, "address"),
        "latitude": "" if place is None else f"{place[1]:.6f}",
        "longitude": "" if place is None else f"{place[0]:.6f}",
        "disposition": _code("disposition", attributes.text(doc, "disposition"), language) if ended else "",
        "outcome": attributes.text(doc, "outcome"),
        "origin": attributes.text(doc, "origin"),
        "id": doc["id"],
    }


def _when(doc: Doc, name: str) -> str:
    found = attributes.time(doc, name)
    return "" if found is None else format_time(found)


def _code(attribute: str, code: str, language: str) -> str:
    words = _CODES.get(attribute, {}).get(code)
    return code if words is None else _in(words, language)


def _in(words: Words, language: str) -> str:
    return words.th if language == "th" else words.en


def _safe(cell: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
