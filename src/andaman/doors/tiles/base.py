"""The base map's features from the broker's entities (as one may see them) and the pack's waterways."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from andaman.broker.entity import build
from andaman.broker.model import Doc
from andaman.doors.tiles.tileset import Feature

log = logging.getLogger(__name__)
LAYERS: Final = ("land", "waterway", "district", "road", "district_label")
TYPES: Final = ("AdministrativeArea", "RoadSegment")
_WATER_ZOOM: Final = {"river": 9, "canal": 11, "stream": 12}
_ROAD_ZOOM: Final = {"motorway": 5, "trunk": 6, "primary": 7, "secondary": 8, "tertiary": 10}
_LABEL_ZOOM: Final = {"province": (0, 9), "amphoe": (8, 16), "tambon": (10, 16)}


def features(docs: Iterable[Doc], waterways: Iterable[Mapping[str, Any]]) -> list[Feature]:
    """Layers and properties:

    * ``land``: the province's outline
    * ``district``: ``level`` (amphoe, tambon), ``code``, ``th``, ``en``; ``district_label``: the same, one point each
    * ``road``: ``class``, ``ref``, ``th``, ``en``; segments of one road are one feature
    * ``waterway``: ``class``, ``th``, ``en``
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
    for row in waterways:
        properties_w = {"class": row["class"], "th": row.get("name_th", ""), "en": row.get("name_en", "")}
        found.append(
            Feature(
                "waterway",
                shapely.LineString(row["coordinates"]),
                {key: value for key, value in properties_w.items() if value},
                _WATER_ZOOM.get(row["class"], 13),
            )
        )
    return found


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
