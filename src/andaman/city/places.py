"""Names that the platform knows of places, to find one on the map: areas, streets, hospitals, schools, villages, stops."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Final

from andaman.broker.api import Broker, Doc, EntityQuery, TypeIs, TypeOr, build
from andaman.city.answers import PlaceFound
from andaman.city.types import ADMINISTRATIVE_AREA, POINT_OF_INTEREST, PUBLIC_TRANSPORT_STOP, ROAD_SEGMENT
from andaman.identity.model import Access
from andaman.kernel.geometry import Area, centre_of
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
_AREA_WORDS: Final = ("ตำบล", "อำเภอ", "ต.", "อ.")
_ROAD_WORDS: Final = ("ถนน", "ถ.", "ทางหลวงแผ่นดิน", "ทางหลวง", "หมายเลข", "highway", "route")
"""Words before a name that the data does not have in the name itself; the question then means this kind of place."""
_NOT: Final = 9
"""The rank of a name that does not match."""
_Hit = tuple[tuple[bool, int, int, str], PlaceFound]
"""A place with its order: whether the question means another kind, its rank, its type, its name."""


async def find_places(broker: Broker, text: str, access: Access, limit: int) -> list[PlaceFound]:
    """Names that begin with the text first, then those that contain it. A road is found by its number too: that number alone,
    so that 402 is not 4022. It comes once in each sub-district, however many segments it has."""
    wanted = _bare(text)
    if len(wanted) < _LEAST:
        return []
    meant = _kind_meant(text)
    best: dict[tuple[str, str], _Hit] = {}
    roads: list[_Hit] = []
    tambons: list[Doc] = []
    async for doc in _docs(broker, access):
        if build.value(doc, "level") == "tambon":
            tambons.append(doc)
        found = _found(doc)
        if found is None:
            continue
        rank = min(_rank(name, wanted) for name in (found.name.th, found.name.en))
        if wanted in (_bare(ref) for ref in found.ref.split(";")):
            rank = 0
        if rank == _NOT:
            continue
        kind = _type_of(doc)
        hit = (meant not in ("", kind), rank, TYPES.index(kind), found.name.th), found
        if kind == ROAD_SEGMENT.name:
            roads.append(hit)
        else:
            best.setdefault((found.kind, found.name.th), hit)
    hits = [*best.values(), *_by_area(roads, tambons)]
    return [found for _, found in sorted(hits, key=lambda one: (one[0], one[1].id))[:limit]]


def _by_area(roads: Iterable[_Hit], tambons: Iterable[Doc]) -> Iterable[_Hit]:
    """One segment of each road in each sub-district; the best match of them."""
    areas = [area for area in map(_area, tambons) if area is not None]
    found: dict[tuple[str, int], _Hit] = {}
    for hit in sorted(roads, key=lambda one: one[0]):
        place = hit[1]
        at = next((i for i, area in enumerate(areas) if area.contains(place.lon, place.lat)), -1)
        found.setdefault((place.name.th, at), hit)
    return found.values()


def _area(doc: Doc) -> Area | None:
    outline = build.value(doc, "location")
    try:
        return Area(outline) if isinstance(outline, dict) else None
    except ValueError:
        return None


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
        id=doc["id"], name=name, kind=shown, level=_text(build.value(doc, "level")),
        ref=_text(build.value(doc, "ref")) if kind == ROAD_SEGMENT.name else "", lon=lon, lat=lat,
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


def _kind_meant(text: str) -> str:
    """The type that the first word of the question names; "" where it names none."""
    folded = text.casefold().strip()
    if folded.startswith(_AREA_WORDS):
        return ADMINISTRATIVE_AREA.name
    return ROAD_SEGMENT.name if folded.startswith(_ROAD_WORDS) else ""


def _bare(text: str) -> str:
    """Folded, without blanks and without the words before a name; those alone stay."""
    folded = whole = text.casefold().strip()
    for word in (*_AREA_WORDS, *_ROAD_WORDS):
        folded = folded.removeprefix(word).strip()
    return "".join((folded or whole).split())


def _rank(name: str, wanted: str) -> int:
    """0: the name itself; 1: it begins so; 2: it contains it; ``_NOT``: not at all."""
    bare = _bare(name)
    if bare == wanted:
        return 0
    if bare.startswith(wanted):
        return 1
    return 2 if wanted in bare or wanted in "".join(name.casefold().split()) else _NOT
