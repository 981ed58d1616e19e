"""Where the agencies of the register come from, piers, and a believable set of units for the demo."""

from __future__ import annotations

from pathlib import Path

from citypack.common import Entity, Part, lang, point, prop, read_features, rel, urn

PIERS = ("Rassada Pier", "Chalong Pier", "Bang Rong Pier")

OSM = "urn:ngsi-ld:PointOfInterest:osm-"
# (type, station, agency, crew, how many, short Thai and English name of the base)
UNITS = [
    ("ambulance", OSM + "way-232078198", "pk-ems", 3, 3, "วชิระ", "Vachira"),
    ("ambulance", OSM + "way-639893301", "pk-ems", 3, 2, "ป่าตอง", "Patong"),
    ("ambulance", OSM + "node-4409757993", "pk-ems", 3, 2, "ถลาง", "Thalang"),
    ("ambulance", OSM + "node-4813165821", "pk-ems", 3, 1, "ฉลอง", "Chalong"),
    ("ambulance", OSM + "way-487935968", "pk-ems", 3, 1, "อบจ.", "PAO"),
    ("ambulance", OSM + "way-1262489352", "pk-ems", 3, 1, "กรุงเทพภูเก็ต", "Bangkok Phuket"),
    ("ambulance", OSM + "way-699477982", "pk-ems", 3, 1, "สิริโรจน์", "Siriroj"),
    ("ambulance", OSM + "node-1743126088", "pk-ems", 3, 1, "มิชชั่น", "Mission"),
    ("ambulance", OSM + "way-243583125", "pk-ems", 2, 1, "กู้ภัยนักท่องเที่ยว", "Tourist Rescue"),
    ("fireEngine", OSM + "node-683890538", "pk-fire", 5, 1, "ป่าตอง", "Patong"),
    ("fireEngine", OSM + "node-4704255992", "pk-fire", 5, 1, "กะรน", "Karon"),
    ("fireEngine", OSM + "node-11000981397", "pk-fire", 5, 1, "ราไวย์", "Rawai"),
    ("fireEngine", OSM + "node-11148514630", "pk-fire", 5, 1, "สาคู", "Sakhu"),
    ("fireEngine", OSM + "way-615085563", "pk-fire", 5, 1, "วิชิต", "Wichit"),
    ("fireEngine", OSM + "way-1081933791", "pk-fire", 5, 2, "เมืองภูเก็ต", "Phuket City"),
    ("fireEngine", OSM + "way-1185931890", "pk-fire", 5, 1, "สุรกุล", "Surakul"),
    ("policePatrol", OSM + "way-1359342882", "pk-police", 2, 2, "เมืองภูเก็ต", "Mueang"),
    ("policePatrol", OSM + "way-616149469", "pk-police", 2, 1, "วิชิต", "Wichit"),
    ("policePatrol", OSM + "node-571502630", "pk-police", 2, 1, "ฉลอง", "Chalong"),
    ("policePatrol", OSM + "node-3891221561", "pk-police", 2, 1, "กะรน", "Karon"),
    ("policePatrol", OSM + "node-663317859", "pk-police", 2, 2, "ป่าตอง", "Patong"),
    ("policePatrol", OSM + "way-260318985", "pk-police", 2, 1, "กมลา", "Kamala"),
    ("policePatrol", OSM + "way-1028561006", "pk-police", 2, 1, "เชิงทะเล", "Choeng Thale"),
    ("policePatrol", OSM + "way-1131097997", "pk-police", 2, 1, "สาคู", "Sakhu"),
    ("policePatrol", OSM + "way-1301020790", "pk-tourist-police", 2, 1, "ท่องเที่ยว", "Tourist"),
    ("rescueBoat", "urn:ngsi-ld:PointOfInterest:pier-chalong-pier", "pk-marine", 4, 2, "ฉลอง", "Chalong"),
    ("rescueBoat", "urn:ngsi-ld:PointOfInterest:pier-rassada-pier", "pk-marine", 4, 1, "รัษฎา", "Rassada"),
    (
        "rescueBoat",
        "urn:ngsi-ld:PointOfInterest:pier-bang-rong-pier",
        "pk-marine",
        4,
        1,
        "บางโรง",
        "Bang Rong",
    ),
    ("ddpmTeam", OSM + "way-1185931890", "pk-ddpm", 6, 1, "สุรกุล", "Surakul"),
    ("ddpmTeam", OSM + "node-683890538", "pk-ddpm", 6, 1, "ป่าตอง", "Patong"),
    ("ddpmTeam", OSM + "node-11148514630", "pk-ddpm", 6, 1, "ถลาง", "Thalang"),
    ("towTruck", OSM + "way-715920780", "pk-highway-police", 2, 1, "ทางหลวง", "Highway"),
]
UNIT_WORDS = {
    "ambulance": ("กู้ชีพ", "Ambulance", "A"),
    "fireEngine": ("รถดับเพลิง", "Engine", "E"),
    "policePatrol": ("สายตรวจ", "Patrol", "P"),
    "rescueBoat": ("เรือกู้ภัย", "Rescue boat", "B"),
    "ddpmTeam": ("ชุด ปภ.", "DDPM team", "D"),
    "towTruck": ("รถยก", "Tow truck", "T"),
}


def build(root: Path) -> list[Part]:
    agencies = Part(
        "agencies",
        {"th": "หน่วยงานและหมายเลขแจ้งเหตุ", "en": "Agencies and emergency lines"},
        dataset="agencies",
        authority="the agencies themselves",
        origin="public emergency numbers; codes of local authorities: Department of "
        "Local Administration through Nonarkara/phuket-dashboard (codes and names only)",
        licence="public facts",
        date="2026",
        kind="reported",
        attribution="หน่วยงานเจ้าของข้อมูล",
        notes=[
            "The code of Mai Khao is missing in the source. Outlines drawn for the authorities are left out."
        ],
    )
    return [agencies, _piers(root)]


def _piers(root: Path) -> Part:
    part = Part(
        "piers",
        {"th": "ท่าเรือ", "en": "Piers"},
        dataset="public-places",
        authority="Phuket Smart Bus data collection",
        origin="Nonarkara/phuket-smart-bus (README: MIT), January 2026",
        licence="facts; collection MIT",
        date="2026-01",
        kind="reported",
        attribution="Nonarkara/phuket-smart-bus (MIT)",
        notes=["Positions of three piers on Phuket's side."],
    )
    seen = set()
    for f in read_features(root / "transit/ferry_stops.geojson"):
        p = f["properties"]
        name = p["stop_name_eng"]
        if name in PIERS and name not in seen:
            seen.add(name)
            part.entity(
                urn("PointOfInterest", "pier-" + name.lower().replace(" ", "-")),
                ["PointOfInterest", "Pier"],
                "/place/pier",
                name=lang(p["stop_name_th"], name),
                category=prop("pier"),
                location=point(p["lon"], p["lat"]),
            )
    return part


def units(stations: dict[str, Entity]) -> Part:
    """``stations``: entities by id; a unit stands where its home station is."""
    part = Part(
        "demo-units",
        {"th": "หน่วยปฏิบัติการ (จำลอง)", "en": "Units (simulated)"},
        dataset="emergency-units",
        authority="none: made for the demo",
        origin="this repository",
        licence="Apache-2.0",
        date="",
        kind="simulated",
        attribution="ข้อมูลจำลอง / simulated",
        notes=[
            "Units are invented; their stations are real. Created once, then theirs is the command center's state."
        ],
    )
    counters: dict[str, int] = {}
    for kind, station, agency, crew, count, thai, english in UNITS:
        word_th, word_en, letter = UNIT_WORDS[kind]
        for number in range(1, count + 1):
            counters[kind] = counters.get(kind, 0) + 1
            sign = f"{letter}-{counters[kind]:02d}"
            suffix = f" {number}" if count > 1 else ""
            part.entity(
                urn("EmergencyUnit", f"{kind}-{counters[kind]:02d}"),
                "EmergencyUnit",
                "/command/unit",
                name=lang(f"{word_th} {thai}{suffix}", f"{word_en} {english}{suffix}"),
                callSign=prop(sign),
                unitType=prop(kind),
                unitStatus=prop("available"),
                homeStation=rel(station),
                crew=prop(crew),
                agency=prop(agency),
                location=dict(stations[station]["location"]),
            )
    return part
