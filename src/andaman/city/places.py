"""Names that the platform knows of places, to find one on the map: areas, streets, hospitals, schools, villages, stops."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Final

from andaman.broker.api import Broker, Doc, EntityQuery, TypeIs, TypeOr, build
from andaman.city.answers import PlaceFound
from andaman.city.types import ADMINISTRATIVE_AREA, POINT_OF_INTEREST, PUBLIC_TRANSPORT_STOP, ROAD_SEGMENT
from andaman.identity.model import Access
from andaman.kernel.geometry import centre_of
from andaman.kernel.words import Words

TYPES: Final = tuple(
    one.name for one in (ADMINISTRATIVE_AREA, POINT_OF_INTEREST, PUBLIC_TRANSPORT_STOP, ROAD_SEGMENT)
)
_LINES: Final = (ROAD_SEGMENT.name, ADMINISTRATIVE_AREA.name)
"""They have no one point: a person chooses it after the map has moved there."""
_PAGE: Final = 1000
MOST: Final = 20
"""Places in an answer."""
_LEAST: Final = 2
"""Letters of a question."""
_READ_MOST: Final = 50_000
"""Entities that a search reads."""
_BEFORE: Final = ("ตำบล", "อำเภอ", "ถนน", "ต.", "อ.", "ถ.")
"""Words before a name that the data does not have in the name itself."""


async def find_places(broker: Broker, text: str, access: Access, limit: int) -> list[PlaceFound]:
    """Names that begin with the text first, then those that contain it; a street once, however many segments it has."""
    wanted = _bare(text)
    if len(wanted) < _LEAST:
        return []
    best: dict[tuple[str, str], tuple[tuple[int, int, str], PlaceFound]] = {}
    async for doc in _docs(broker, access):
        found = _found(doc)
        if found is None:
            continue
        rank = min((_rank(name, wanted) for name in (found.name.th, found.name.en)), default=9)
        if rank < 9:
            order = (rank, TYPES.index(_type_of(doc)), found.name.th)
            best.setdefault((found.kind, found.name.th), (order, found))
    ordered = sorted(best.values(), key=lambda one: (one[0], one[1].id))
    return [found for _, found in ordered[:limit]]


async def _docs(broker: Broker, access: Access) -> AsyncIterator[Doc]:
    types = TypeOr(tuple(TypeIs(build.iri(name)) for name in TYPES))
    for offset in range(0, _READ_MOST, _PAGE):
        page = await broker.query_async(EntityQuery(types=types, limit=_PAGE, offset=offset), access)
        for doc in page.docs:
            yield doc
        if len(page.docs) < _PAGE:
            return


def _found(doc: Doc) -> PlaceFound | None:
    name = _words(build.value(doc, "name"))
    if name is None:
        return None
    kind = _type_of(doc)
    label = build.value(doc, "labelPoint")  # of an area: its box may have its middle in the sea
    try:
        lon, lat = map(float, label) if label is not None else centre_of(build.value(doc, "location"))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None
    if not (math.isfinite(lon) and math.isfinite(lat)):
        return None
    shown = next((one for one in _shorts(doc) if one != POINT_OF_INTEREST.name), kind)
    return PlaceFound(
        id=doc["id"], name=name, kind=shown, level=_text(build.value(doc, "level")), lon=lon, lat=lat,
        exact=kind not in _LINES,
    )  # fmt: skip


def _shorts(doc: Doc) -> Iterator[str]:
    return (build.short(one) for one in doc["type"])


def _type_of(doc: Doc) -> str:
    mine = set(_shorts(doc))
    return next(name for name in TYPES if name in mine)


def _words(content: object) -> Words | None:
    if isinstance(content, str) and content:
        return Words(content, content)
    texts: Iterable[tuple[str, object]] = content.items() if isinstance(content, dict) else ()
    said = {language: text for language, text in texts if isinstance(text, str) and text}
    if not said:
        return None
    fallback = next(iter(said.values()))
    return Words(said.get("th", fallback), said.get("en", fallback))


def _text(content: object) -> str:
    return content if isinstance(content, str) else ""


def _bare(text: str) -> str:
    """Folded, without blanks and without the words before a name."""
    folded = text.casefold().strip()
    for word in _BEFORE:
        folded = folded.removeprefix(word).strip()
    return "".join(folded.split())


def _rank(name: str, wanted: str) -> int:
    """0: the name itself; 1: it begins so; 2: it contains it; 9: not at all."""
    bare = _bare(name)
    if bare == wanted:
        return 0
    if bare.startswith(wanted):
        return 1
    return 2 if wanted in bare else 9
