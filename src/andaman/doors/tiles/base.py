"""The base map's features from the broker's entities (as one may see them) and the pack's waterways."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from andaman.broker.api import Doc, build
from andaman.doors.tiles.tileset import Feature

log = logging.getLogger(__name__)
LAYERS: Final = ("land", "water", "waterway", "district", "road", "district_label")
TYPES: Final = ("AdministrativeArea", "RoadSegment")
_M_PER_DEG: Final = 111_195.0
_WATER_ZOOM: Final = {"river": 9, "canal": 11, "stream": 12}
_ROAD_ZOOM: Final = {"motorway": 5, "trunk": 6, "primary": 7, "secondary": 8, "tertiary": 10}
_LABEL_ZOOM: Final = {"province": (0, 9), "amphoe": (8, 16), "tambon": (10, 16)}


def features(docs: Iterable[Doc], waterways: Iterable[Mapping[str, Any]]) -> list[Feature]:
    """Layers and properties:

    * ``land``: the province's outline
    * ``district``: ``level`` (amphoe, tambon), ``code``, ``th``, ``en``; ``district_label``: the same, one point each
    * ``road``: ``class``, ``ref``, ``th``, ``en``; segments of one road are one feature
    * ``waterway``: ``class``, ``th``, ``en``; ``water`` (ponds and reservoirs): ``th``, ``en``
    """
    area_type, road_type = build.iri(TYPES[0]), build.iri(TYPES[1])
    found: list[Feature] = []
    roads: dict[tuple[tuple[str, str], ...], list[shapely.LineString]] = {}
    for doc in docs:
        try:
            geometry = _geometry(doc)
            if geometry is None:
                continue
            if area_type in doc["type"]:
                found += _area(doc, geometry)
            elif road_type in doc["type"]:
                lines = [part for part in shapely.get_parts(geometry) if isinstance(part, shapely.LineString)]
                roads.setdefault(_road(doc), []).extend(lines)
        except (ValueError, TypeError, KeyError, shapely.errors.ShapelyError) as error:
            log.warning("%s is not on the map: %s", doc["id"], error)  # one odd entity must not empty the map
    for properties, lines in roads.items():
        known = dict(properties)
        if not lines:
            continue
        merged: BaseGeometry = shapely.line_merge(shapely.MultiLineString(lines))
        found.append(Feature("road", merged, known, _ROAD_ZOOM.get(known.get("class", ""), 12)))
    found += [_water(row) for row in waterways]
    return found


def _water(row: Mapping[str, Any]) -> Feature:
    """A line of the pack's waterways, or the area of a pond; small ponds come later."""
    names = {key: row[name] for key, name in (("th", "name_th"), ("en", "name_en")) if row.get(name)}
    if row["class"] == "water":
        pond = shapely.Polygon(row["coordinates"])
        size_m2 = pond.area * _M_PER_DEG**2
        zoom = 8 if size_m2 > 100_000 else 11 if size_m2 > 10_000 else 13
        return Feature("water", pond if pond.is_valid else shapely.make_valid(pond), names, zoom)
    kind = str(row["class"])
    return Feature(
        "waterway",
        shapely.LineString(row["coordinates"]),
        {"class": kind, **names},
        _WATER_ZOOM.get(kind, 13),
    )


def _road(doc: Doc) -> tuple[tuple[str, str], ...]:
    """What segments of one road have in common."""
    key = {"class": build.value(doc, "roadClass", ""), "ref": build.value(doc, "ref", ""), **_names(doc)}
    return tuple(sorted((name, str(value)) for name, value in key.items() if value))


def _area(doc: Doc, geometry: BaseGeometry) -> list[Feature]:
    level = str(build.value(doc, "level", ""))
    properties = {"level": level, "code": str(build.value(doc, "code", "")), **_names(doc)}
    low, high = _LABEL_ZOOM.get(level, (12, 16))
    label = build.value(doc, "labelPoint")
    point = shapely.Point(label) if label else _inside(geometry)
    kind = "land" if level == "province" else "district"
    return [
        Feature(kind, geometry, properties, 0 if level != "tambon" else 8),
        Feature("district_label", point, properties, low, high),
    ]


def _inside(geometry: BaseGeometry) -> BaseGeometry:
    """A point in the largest part, for the name."""
    parts = shapely.get_parts(geometry)
    largest: BaseGeometry = parts[int(shapely.area(parts).argmax())]
    return largest.representative_point()


def _names(doc: Doc) -> dict[str, str]:
    name = build.value(doc, "name")
    return (
        {key: str(text) for key, text in name.items() if key in ("th", "en")}
        if isinstance(name, dict)
        else {}
    )


def _geometry(doc: Doc) -> BaseGeometry | None:
    location = build.value(doc, "location")
    return shape(location) if location else None
