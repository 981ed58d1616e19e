"""The two kinds of figure that every room has: how many entities there are, and one value of one entity."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from andaman.broker.api import (
    Broker,
    Doc,
    EntityQuery,
    Instance,
    ast,
    default_instance,
    iri,
    is_uri,
    parse_geo,
    parse_q,
    parse_scope,
    parse_types,
    plain,
    short,
)
from andaman.evidence.conditions import words_of
from andaman.evidence.model import Basis, Detail, EntityRef, Value
from andaman.evidence.problems import FigureQueryUnclear, NoSuchFigure
from andaman.evidence.rows import shown
from andaman.evidence.vocabulary import Vocabulary
from andaman.identity.model import Access
from andaman.kernel.errors import AndamanError, ResourceNotFound
from andaman.kernel.time import Micros
from andaman.kernel.words import Words

_PARAMETERS: Final = frozenset({"type", "q", "scopeQ", "id", "bbox", "attribute"})
_IDS_MAX: Final = 100
_ITEMS: Final = Words("รายการ", "entities")
_COUNTED: Final = Words(
    "นับรายการทั้งหมดที่ตรงกับเงื่อนไข และท่านมีสิทธิเข้าถึง",
    "Count of all entities that match the condition and that you may see",
)
_KEPT: Final = Words("ค่าที่บันทึกไว้ล่าสุด ไม่มีการคำนวณ", "The value as last recorded; nothing is computed")
_EXPLAINED: Final = {
    "observedAt": Words("เวลาที่ตรวจวัด", "Observed at"),
    "modifiedAt": Words("เวลาที่บันทึก", "Recorded at"),
    "unitCode": Words("รหัสหน่วยวัด", "Code of the unit"),
}
"""Members of an attribute that the page names."""


_CONDITIONS: Final = {
    "scopeQ": Words("ขอบเขต", "Scope"),
    "bbox": Words("พื้นที่ (ลองจิจูดและละติจูด)", "Area (longitudes and latitudes)"),
}


# -- entities ---------------------------------------------------------------------------------------------------
def counted(key: str, vocabulary: Vocabulary) -> Basis:
    """``key``: a query string of NGSI-LD with ``type``, ``q``, ``scopeQ``, ``id``, ``bbox`` (west, south, east, north), and
    ``attribute``, whose values are listed. The value is left to the door, which counts. Raises FigureQueryUnclear."""
    try:
        pairs = parse_qsl(key, keep_blank_values=True, strict_parsing=True, max_num_fields=len(_PARAMETERS))
    except ValueError:
        raise FigureQueryUnclear(reason="it is not a query string") from None
    given = dict(pairs)
    if len(given) < len(pairs) or not given.keys() <= _PARAMETERS:
        raise FigureQueryUnclear(reason=f"it has {', '.join(sorted(_PARAMETERS))}, each once")
    if not given.get("type") and not given.get("id"):
        raise FigureQueryUnclear(reason="type or id is missing")
    ids = tuple(given["id"].split(",")) if given.get("id") else ()
    if len(ids) > _IDS_MAX or not all(map(is_uri, ids)):
        raise FigureQueryUnclear(reason=f"id is a list of up to {_IDS_MAX} URIs")
    if "{" in given.get("q", ""):
        raise FigureQueryUnclear(reason="q does not follow relationships here")
    try:
        query = EntityQuery(
            types=parse_types(given["type"], iri) if given.get("type") else None,
            ids=ids,
            q=parse_q(given["q"], iri) if given.get("q") else None,
            scope=parse_scope(given["scopeQ"]) if given.get("scopeQ") else None,
            geo=_within(given["bbox"]) if given.get("bbox") else None,
        )
    except AndamanError as error:
        raise FigureQueryUnclear(reason=error.detail) from None
    names = [one for one in given.get("type", "").replace("|", ",").split(",") if one]
    listed = [vocabulary.type_words(one) for one in names] or [Words("รายการ", "Entities")]
    title = Words(
        "จำนวน" + " และ".join(one.th for one in listed), f"Count: {', '.join(one.en for one in listed)}"
    )
    conditions = [
        Detail(name=words, value=given[name]) for name, words in _CONDITIONS.items() if given.get(name)
    ]
    if query.q is not None:
        said = words_of(query.q, vocabulary)
        conditions.insert(0, Detail(name=Words("เงื่อนไข", "Condition"), value=said))
    return Basis(
        title=title,
        unit=_ITEMS,
        attribute=given.get("attribute", ""),
        population=Words("รายการที่ท่านมีสิทธิเข้าถึง", "Entities that you may see"),
        formula=_COUNTED,
        details=tuple(conditions),
        entities=query,
    )


def _within(bbox: str) -> ast.GeoQuery:
    """Raises FigureQueryUnclear and BadRequestData."""
    try:
        west, south, east, north = (float(one) for one in bbox.split(","))
    except ValueError:
        raise FigureQueryUnclear(reason="bbox has four numbers: west, south, east, north") from None
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return parse_geo("intersects", "Polygon", [ring])


# -- attribute --------------------------------------------------------------------------------------------------
async def one_value(
    key: str, vocabulary: Vocabulary, broker: Broker, access: Access, tenant: str, at: Micros | None
) -> Basis:
    """``key``: id of an entity, ``~``, short name of an attribute. Raises NoSuchFigure."""
    entity_id, _, name = key.rpartition("~")
    if not is_uri(entity_id) or not name:
        raise NoSuchFigure
    doc = await entity_at(broker, entity_id, access, tenant, at)
    instances = None if doc is None else doc["attrs"].get(iri(name))
    if not instances:
        raise NoSuchFigure
    instance = default_instance(instances)
    found = shown(plain(instance))
    return Basis(
        title=vocabulary.attribute_words(short(iri(name))),
        value=_value(found),
        unit=vocabulary.unit_of(name, instance) if isinstance(found, int | float) else None,
        attribute=name,
        formula=_KEPT,
        details=tuple(_details(instance, vocabulary)),
        entities=(EntityRef(id=entity_id, attribute=name),),
    )


async def entity_at(
    broker: Broker, entity_id: str, access: Access, tenant: str, at: Micros | None
) -> Doc | None:
    """The entity now or at a past instant, as this access sees it."""
    if at is None:
        return broker.find(entity_id, access, tenant)
    try:
        return await broker.get_at(at, entity_id, access, tenant)
    except ResourceNotFound:
        return None


def _details(instance: Instance, vocabulary: Vocabulary) -> list[Detail]:
    """Members and sub-attributes that say how the value came to be."""
    rows = [
        Detail(name=words, value=_value(instance.get(name)))
        for name, words in _EXPLAINED.items()
        if instance.get(name) is not None
    ]
    for name, instances in (instance.get("attrs") or {}).items():
        found = shown(plain(default_instance(instances))) if instances else None
        if found is not None:
            rows.append(Detail(name=vocabulary.attribute_words(short(name)), value=_value(found)))
    return rows


def _value(found: Any) -> Value:
    """A value as one figure."""
    if isinstance(found, bool):
        return Words("ใช่", "Yes") if found else Words("ไม่ใช่", "No")
    if isinstance(found, dict):
        texts = list(found.values())
        return Words(found.get("th") or texts[0], found.get("en") or texts[0])
    if isinstance(found, list):
        return ", ".join(str(one) for one in found)
    return found if isinstance(found, int | float | str) else None
