"""Hospitals, clinics, police, fire stations and schools, and the density of other places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shapely.geometry import Point

from citypack.common import Entity, Part, is_thai, lang, point, prop, read_features, urn
from citypack.roads import OSM

# OSM id → (Thai, English) where the official name is known and differs from or completes the map's.
NAMES: dict[str, tuple[str, str]] = {
    "way/232078198": ("โรงพยาบาลวชิระภูเก็ต", "Vachira Phuket Hospital"),
    "way/639893301": ("โรงพยาบาลป่าตอง", "Patong Hospital"),
    "node/4409757993": ("โรงพยาบาลถลาง", "Thalang Hospital"),
    "node/4813165821": ("โรงพยาบาลฉลอง", "Chalong Hospital"),
    "way/487935968": ("โรงพยาบาลองค์การบริหารส่วนจังหวัดภูเก็ต", "Phuket Provincial Hospital"),
    "way/1262489352": ("โรงพยาบาลกรุงเทพภูเก็ต", "Bangkok Hospital Phuket"),
    "way/699477982": ("โรงพยาบาลกรุงเทพสิริโรจน์", "Bangkok Hospital Siriroj"),
    "node/1743126088": ("โรงพยาบาลมิชชั่นภูเก็ต", "Mission Hospital Phuket"),
    "way/485839439": ("โรงพยาบาลดีบุก", "Dibuk Hospital"),
    "node/978712328": ("ไม้ขาว", "Mai Khao"),
    "way/243583125": ("ศูนย์กู้ภัยนักท่องเที่ยวภูเก็ต", "Phuket Tourist Rescue Center"),
    "node/571502630": ("สถานีตำรวจภูธรฉลอง", "Chalong Police Station"),
    "node/663317859": ("สถานีตำรวจภูธรป่าตอง", "Patong Police Station"),
    "node/3891221561": ("สถานีตำรวจภูธรกะรน", "Karon Police Station"),
    "way/260318985": ("สถานีตำรวจภูธรกมลา", "Kamala Police Station"),
    "way/616149469": ("สถานีตำรวจภูธรวิชิต", "Wichit Police Station"),
    "way/1028561006": ("สถานีตำรวจภูธรเชิงทะเล", "Choeng Thale Police Station"),
    "way/1131097997": ("สถานีตำรวจภูธรสาคู", "Sakhu Police Station"),
    "way/1359342882": ("สถานีตำรวจภูธรเมืองภูเก็ต", "Mueang Phuket Police Station"),
    "way/412050373": ("ตำรวจภูธรจังหวัดภูเก็ต", "Phuket Provincial Police"),
    "way/1301020790": ("ตำรวจท่องเที่ยวภูเก็ต", "Phuket Tourist Police"),
    "node/10958548809": ("ตำรวจท่องเที่ยว กะรน", "Tourist Police, Karon"),
    "node/13482935866": ("ตำรวจท่องเที่ยว สนามบินภูเก็ต", "Tourist Police, Phuket Airport"),
    "node/5110388605": ("จุดบริการตำรวจท่องเที่ยว", "Tourist Police Info Point"),
    "way/715920780": ("หน่วยบริการตำรวจทางหลวงภูเก็ต", "Highway Police Service Unit, Phuket"),
    "way/412468548": ("ป้อมตำรวจจราจร กะทู้", "Traffic Police Box, Kathu"),
    "way/414167225": ("ป้อมตำรวจจราจร ทุ่งทอง", "Traffic Police Box, Thung Thong"),
    "way/243583124": ("ศูนย์ควบคุมการเข้าออกเรือ อ่าวฉลอง", "Port Control Center, Chalong Bay"),
    "way/1184502657": ("งานสืบสวนตรวจคนเข้าเมืองภูเก็ต", "Phuket Immigration Investigation"),
    "node/683890538": ("สถานีดับเพลิงเทศบาลเมืองป่าตอง", "Patong Municipality Fire Station"),
    "node/4704255992": ("สถานีดับเพลิงเทศบาลตำบลกะรน", "Karon Fire Station"),
    "way/542782498": ("สถานีดับเพลิงอากาศยาน 1 ท่าอากาศยานภูเก็ต", "Phuket Airport Fire Station 1"),
    "way/542782508": ("สถานีดับเพลิงอากาศยาน 2 ท่าอากาศยานภูเก็ต", "Phuket Airport Fire Station 2"),
    "way/1185931890": (
        "สถานีป้องกันและบรรเทาสาธารณภัย เทศบาลตำบลวิชิต (ศูนย์สุรกุล)",
        "Wichit Municipality Disaster Prevention Station (Surakul)",
    ),
    "way/316508940": ("มหาวิทยาลัยสงขลานครินทร์ วิทยาเขตภูเก็ต", "Prince of Songkla University, Phuket Campus"),
    "way/233461341": ("มหาวิทยาลัยราชภัฏภูเก็ต", "Phuket Rajabhat University"),
    "node/6285754299": ("โรงเรียนสตรีภูเก็ต", "Satree Phuket School"),
    "way/700809247": ("โรงเรียนภูเก็ตวิทยาลัย", "Phuket Wittayalai School"),
}
# Points that are no such place: road checks, gyms, language clubs, an office drawn as a school.
NOT_PLACES = {
    "node/5536777921",
    "node/13737262601",
    "node/13744985301",
    "node/5002993925",
    "node/5380381522",
    "node/5380974121",
    "way/383731718",
    "way/1210776135",
}
# Second drawings of a place that is in the list already (another node inside the same grounds).
DOUBLES = {
    "way/152774700",
    "way/260290992",
    "way/615685358",
    "node/4416086190",
    "node/702197136",
    "way/753633513",
}
HOSPITALS = {
    "way/232078198",
    "way/639893301",
    "node/4409757993",
    "node/4813165821",
    "way/487935968",
    "way/1262489352",
    "way/699477982",
    "node/1743126088",
    "way/485839439",
}
KINDS = {  # OSM amenity → type, category, scope, Thai word, English word
    "hospital": ("Hospital", "hospital", "/place/health", "โรงพยาบาล", "Hospital"),
    "clinic": ("Clinic", "clinic", "/place/health", "สถานพยาบาล", "Clinic"),
    "police": ("PoliceStation", "policeStation", "/place/police", "ที่ทำการตำรวจ", "Police"),
    "fire_station": ("FireStation", "fireStation", "/place/fire", "สถานีดับเพลิง", "Fire station"),
    "school": ("School", "school", "/place/education", "โรงเรียน", "School"),
    "college": ("School", "college", "/place/education", "วิทยาลัย", "College"),
    "university": ("School", "university", "/place/education", "มหาวิทยาลัย", "University"),
}
STATIONS = {  # places of the police that are full stations, not boxes
    "node/571502630",
    "node/663317859",
    "node/3891221561",
    "way/260318985",
    "way/616149469",
    "way/1028561006",
    "way/1131097997",
    "way/1359342882",
    "way/412050373",
}
_GENERIC = {
    "",
    "School",
    "Police",
    "Hospital",
    "Clinic",
    "Fire Station",
    "Traffic police",
    "Traffic Police Box",
}


def build(root: Path, tambon: dict[str, tuple[str, str, Any]]) -> list[Part]:
    """``tambon``: code → (Thai, English, outline); an unnamed place is called by its kind and sub-district."""
    part = Part(
        "osm-places",
        {"th": "สถานที่ราชการและบริการสาธารณะ", "en": "Civic places"},
        dataset="public-places",
        authority="OpenStreetMap contributors",
        origin="OpenStreetMap, retrieved 2026 (200 points, capped)",
        licence="ODbL 1.0 (share-alike)",
        date="2026",
        kind="reported",
        attribution=OSM,
        notes=[
            "The extract was capped at 200 points by its maker: schools are incomplete (about 90), the other kinds "
            "look complete but are not guaranteed.",
            "Points that are no such place and double drawings are left out; clinics drawn as hospitals are clinics here.",
            "A place without a name is called by its kind and sub-district (nameDerived is true). Official names were "
            "added for hospitals and main stations.",
        ],
    )
    for f in sorted(
        read_features(root / "osm/phuket_poi_civic.geojson"), key=lambda f: f["properties"]["id"]
    ):
        _place(part, f, tambon)
    return [part, _density(root)]


def _place(part: Part, feature: dict[str, Any], tambon: dict[str, tuple[str, str, Any]]) -> Entity | None:
    p = feature["properties"]
    osm: str = p["id"]
    if osm in NOT_PLACES or osm in DOUBLES:
        return None
    amenity = p["amenity"]
    if amenity == "hospital" and osm not in HOSPITALS:
        amenity = "clinic"
    kind, category, scope, word_th, word_en = KINDS[amenity]
    if amenity == "police" and osm not in STATIONS:
        category = "policePost" if osm in NAMES else "police"
    if osm == "way/542782498" or osm == "way/542782508":
        category = "airportFireStation"
    lon, lat = feature["geometry"]["coordinates"][:2]
    area = next(
        (names for *names, outline in tambon.values() if outline.buffer(0.003).contains(Point(lon, lat))),
        None,
    )
    thai, english, derived = *NAMES.get(osm, ("", "")), False
    if not thai and not english and p["name"] not in _GENERIC:
        thai = next((text for text in (p["name_th"], p["name"]) if is_thai(text)), "")
        english = "" if is_thai(p["name"]) else p["name"]
    if not thai and not english and area:
        thai, english, derived = f"{word_th} (ต.{area[0]})", f"{word_en} ({area[1]})", True
    return part.entity(
        urn("PointOfInterest", "osm-" + osm.replace("/", "-")),
        ["PointOfInterest", kind],
        scope,
        name=lang(thai, english),
        nameDerived=prop(derived or None),
        category=prop(category),
        telephone=prop(p["phone"].strip() or None),
        location=point(lon, lat),
    )


def _density(root: Path) -> Part:
    part = Part(
        "osm-activity-points",
        {"th": "จุดกิจกรรมของเมือง", "en": "Places of activity"},
        dataset="public-places",
        authority="OpenStreetMap contributors",
        origin="OpenStreetMap extract of 2026, five categories, no names",
        licence="ODbL 1.0 (share-alike)",
        date="2026",
        kind="reported",
        attribution=OSM,
        notes=[
            "A table, not entities: positions of unnamed places by category, a weight for spreading district totals."
        ],
    )
    rows = [
        (
            f["properties"]["category"],
            round(f["geometry"]["coordinates"][0], 5),
            round(f["geometry"]["coordinates"][1], 5),
        )
        for f in read_features(root / "osm/phuket_pois_5category_points.geojson")
    ]
    part.tables["activity_points"] = (("category", "lon", "lat"), sorted(rows))
    return part
