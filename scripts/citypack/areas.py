"""Province, districts, sub-districts with outlines, the coast, and the registered population."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import mapping, shape

from citypack.common import Part, geo, lang, number, point, prop, read_features, rel, urn
from citypack.names import TAMBON_EN, TAMBON_OTHER

TOLERANCE_DEG = 0.00015  # about 17 m: under one pixel at zoom 13
DISTRICTS_TH = {"อำเภอเมืองภูเก็ต": "TH8301", "อำเภอกะทู้": "TH8302", "อำเภอถลาง": "TH8303", "รวม": "TH83"}
SEX = {"ชาย": "male", "หญิง": "female", "รวม": "total"}
POPULATION_PUBLISHED = "2026-04-17T00:00:00Z"


def population(dataset: dict[str, Any]) -> dict[str, dict[str, int]]:
    """{area code: {male, female, total}} of the provincial catalogue's register extract."""
    found: dict[str, dict[str, int]] = {}
    for _, district, sex, value, *_ in dataset["rows"]:
        found.setdefault(DISTRICTS_TH[district], {})[SEX[sex]] = int(number(value) or 0)
    return found


def _plain(geometry: Any) -> dict[str, Any]:
    rounded = shapely.set_precision(geometry, 0.00001)
    text: dict[str, Any] = mapping(rounded)
    return {"type": text["type"], "coordinates": _lists(text["coordinates"])}


def _lists(value: Any) -> Any:
    if isinstance(value, (int, float)):
        return round(value, 5)
    return [_lists(item) for item in value]


def build(root: Path, people: dict[str, dict[str, int]]) -> tuple[list[Part], dict[str, Any]]:
    """Parts, and the simplified tambon outlines by code (for naming places)."""
    part = Part(
        "admin-areas",
        {"th": "เขตการปกครอง", "en": "Administrative areas"},
        dataset="admin-areas",
        authority="Royal Thai Survey Department (กรมแผนที่ทหาร), 21 January 2022",
        origin="HDX COD-AB Thailand (OCHA); postal codes: thailand-geography-json (MIT); population: Department of "
        "Provincial Administration through phuket.gdcatalog.go.th",
        licence="CC BY-IGO (outlines); Thai open government data (population)",
        date="2022-01-21 (outlines), 2026-04-17 (population as published)",
        kind="reported",
        attribution="กรมแผนที่ทหาร / HDX COD-AB (CC BY-IGO)",
        notes=[
            f"Outlines are simplified together to {TOLERANCE_DEG} degrees, so that neighbours still share their border.",
            "Areas are those of the survey outlines: 550 km² in all; the official figure is 543 km².",
            "The register counts residents by district only. The extract states no year; men and women of Mueang Phuket "
            "add up to 27 less than the stated total, which is kept as published.",
            "Sub-districts name the local authorities that serve them (names and codes of Nonarkara/phuket-dashboard, "
            "facts only). The series of households by local authority is known below the district in this way.",
        ],
    )
    features = read_features(root / "admin/phuket_tambon.geojson")
    outlines = shapely.coverage_simplify([shape(f["geometry"]) for f in features], TOLERANCE_DEG)
    by_code = {f["properties"]["pcode"]: outline for f, outline in zip(features, outlines, strict=True)}
    authorities = _local_authorities(root)
    for f in features:
        p = f["properties"]
        code = p["pcode"]
        part.entity(
            urn("AdministrativeArea", code),
            "AdministrativeArea",
            "/place/area",
            name=lang(p["name_th"], TAMBON_EN.get(code, p["name_en"])),
            alternateName=prop(TAMBON_OTHER.get(code)),
            level=prop("tambon"),
            code=prop(p["code"]),
            areaKm2=prop(p["area_km2"]),
            postalCode=prop(str(p["postal_code"])),
            localAuthority=prop(authorities[p["code"]]),
            partOf=rel(urn("AdministrativeArea", code[:6])),
            location=geo(_plain(by_code[code])),
            labelPoint=prop([p["label_lon"], p["label_lat"]]),
        )
    for f in read_features(root / "admin/phuket_amphoe.geojson"):
        p = f["properties"]
        code = p["pcode"]
        outline = shapely.union_all([g for c, g in by_code.items() if c.startswith(code)])
        part.entity(
            urn("AdministrativeArea", code),
            "AdministrativeArea",
            "/place/area",
            name=lang(p["name_th"], p["name_en"]),
            level=prop("amphoe"),
            code=prop(p["code"]),
            areaKm2=prop(p["area_km2"]),
            partOf=rel(urn("AdministrativeArea", "TH83")),
            location=geo(_plain(outline)),
            **_people(people, code),
        )
    land = shapely.union_all(list(by_code.values()))
    part.entity(
        urn("AdministrativeArea", "TH83"),
        "AdministrativeArea",
        "/place/area",
        name=lang("ภูเก็ต", "Phuket"),
        level=prop("province"),
        code=prop("83"),
        areaKm2=prop(550.37),
        officialAreaKm2=prop(543.03),
        location=geo(_plain(land)),
        **_people(people, "TH83"),
    )
    coast = Part(
        "coastline",
        {"th": "แนวชายฝั่ง", "en": "Coastline"},
        dataset="admin-areas",
        authority=part.authority,
        origin=part.origin.split(";")[0],
        licence="CC BY-IGO",
        date="2022-01-21",
        kind="reported",
        attribution=part.attribution,
        notes=["The outer edge of the province's land and islands, from the same simplified outlines."],
    )
    rings = [ring.exterior for ring in getattr(land, "geoms", [land])]
    coast.entity(
        urn("Coastline", "phuket"),
        "Coastline",
        "/place/coast",
        name=lang("แนวชายฝั่งจังหวัดภูเก็ต", "Coast of Phuket"),
        location=geo(_plain(shapely.MultiLineString([shapely.LineString(r.coords) for r in rings]))),
    )
    return [part, coast, _villages(root)], by_code


def _local_authorities(root: Path) -> dict[str, list[str]]:
    """{code of a sub-district: names of the local authorities that serve it}; two may share one."""
    found: dict[str, list[str]] = {}
    for f in read_features(root / "admin/phuket-localgov.geojson"):
        for code in f["properties"]["tambonCodes"]:
            found.setdefault(code, []).append(f["properties"]["nameTh"])
    return {code: sorted(names) for code, names in found.items()}


def _people(people: dict[str, dict[str, int]], code: str) -> dict[str, Any]:
    counts = people[code]
    return {
        "population": prop(counts["total"], POPULATION_PUBLISHED),
        "populationMale": prop(counts["male"], POPULATION_PUBLISHED),
        "populationFemale": prop(counts["female"], POPULATION_PUBLISHED),
    }


def _villages(root: Path) -> Part:
    part = Part(
        "villages",
        {"th": "หมู่บ้านและชุมชน", "en": "Villages"},
        dataset="admin-areas",
        authority="Thai government village register 2012",
        origin="prasertcbs/thailand_gis (TH_VILLAGE2012)",
        date="2012",
        kind="reported",
        licence="not stated; names and positions only (facts)",
        attribution="ทะเบียนหมู่บ้าน พ.ศ. 2555",
        notes=["106 points of 2012; newer communities are missing."],
    )
    for index, f in enumerate(read_features(root / "admin/phuket_villages_2012.geojson"), 1):
        p = f["properties"]
        lon, lat = f["geometry"]["coordinates"][:2]
        part.entity(
            urn("PointOfInterest", f"village-{index}"),
            ["PointOfInterest", "Village"],
            "/place/village",
            name=lang(p["name_th"]),
            category=prop("village"),
            location=point(lon, lat),
        )
    return part
