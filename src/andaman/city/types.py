"""Places, agencies, roads, bus lines and statistics of the city."""

from __future__ import annotations

from typing import Final

from andaman.city.permissions import WRITE_STATISTICS
from andaman.common_attributes import ADDRESS, CALCULATION_PERIOD, CODE, DIRECTION, KPI_VALUE, LEVEL, UNIT
from andaman.kernel.words import Words
from andaman.units import KMK, MTR
from andaman.vocabulary import Attribute, Code, EntityType, Layer, Namespace

_PLACE_CATEGORY: Final = Attribute(
    "category",
    Words("หมวด", "Category"),
    codes=(
        Code("hospital", Words("โรงพยาบาล", "Hospital")),
        Code("clinic", Words("คลินิก", "Clinic")),
        Code("police", Words("สถานีตำรวจ", "Police")),
        Code("policePost", Words("ที่พักสายตรวจ", "Police post")),
        Code("policeStation", Words("สถานีตำรวจ", "Police station")),
        Code("fire_station", Words("สถานีดับเพลิง", "Fire station")),
        Code("fireStation", Words("สถานีดับเพลิง", "Fire station")),
        Code("airportFireStation", Words("สถานีดับเพลิงท่าอากาศยาน", "Airport fire station")),
        Code("school", Words("โรงเรียน", "School")),
        Code("college", Words("วิทยาลัย", "College")),
        Code("university", Words("มหาวิทยาลัย", "University")),
        Code("pier", Words("ท่าเรือ", "Pier")),
        Code("village", Words("หมู่บ้าน", "Village")),
    ),
)
_TELEPHONE: Final = Attribute("telephone", Words("โทรศัพท์", "Telephone"))
_LENGTH: Final = Attribute("length", Words("ความยาว", "Length"), unit=MTR)
_NAME_DERIVED: Final = Attribute(
    "nameDerived",
    Words("ชื่อที่ระบบตั้งให้", "Derived name"),
    note="true where the name is made of kind and tambon",
    hidden=True,
)
_HEALTH_LAYER: Final = Layer("health", Words("โรงพยาบาลและคลินิก", "Hospitals and clinics"), order=70)
_POLICE_LAYER: Final = Layer("police", Words("สถานีตำรวจ", "Police stations"), order=50, on=False)
_FIRE_LAYER: Final = Layer("fire", Words("สถานีดับเพลิง", "Fire stations"), order=60, on=False)
_SCHOOLS_LAYER: Final = Layer("schools", Words("โรงเรียน", "Schools"), order=40, on=False, min_zoom=11)
_STOPS_LAYER: Final = Layer("stops", Words("ป้ายรถโดยสาร", "Bus stops"), order=30, on=False, min_zoom=11.5)
_LINES_LAYER: Final = Layer("lines", Words("เส้นทางรถโดยสาร", "Bus lines"), order=10, on=False)

_PLACE: Final = (_PLACE_CATEGORY, _TELEPHONE, ADDRESS, _NAME_DERIVED)

ADMINISTRATIVE_AREA: Final = EntityType(
    "AdministrativeArea",
    Words("เขตการปกครอง", "Administrative area"),
    (
        Attribute("alternateName", Words("ชื่ออื่น", "Also called")),
        LEVEL,
        CODE,
        Attribute("areaKm2", Words("พื้นที่", "Area"), unit=KMK),
        Attribute("officialAreaKm2", Words("พื้นที่ตามประกาศทางการ", "Official area"), unit=KMK),
        Attribute("population", Words("ประชากร", "Population"), note="province and districts"),
        Attribute("populationMale", Words("ประชากรชาย", "Men")),
        Attribute("populationFemale", Words("ประชากรหญิง", "Women")),
        Attribute("postalCode", Words("รหัสไปรษณีย์", "Postal code")),
        Attribute(
            "localAuthority",
            Words("องค์กรปกครองส่วนท้องถิ่น", "Local authorities"),
            note="names, on sub-districts; as in series by local authority",
        ),
        Attribute("partOf", Words("อยู่ใน", "Part of"), "Relationship", namespace=Namespace.OWN),
        Attribute("labelPoint", Words("ตำแหน่งป้ายชื่อ", "Point of the label"), hidden=True),
    ),
    ("admin-areas",),
    ids="urn:ngsi-ld:AdministrativeArea:TH83…",
    note="Its location is a polygon.",
)

COASTLINE: Final = EntityType(
    "Coastline", Words("แนวชายฝั่ง", "Coastline"), (), ("admin-areas",), ids="urn:ngsi-ld:Coastline:phuket"
)

VILLAGE: Final = EntityType(
    "Village",
    Words("หมู่บ้าน", "Village"),
    (_PLACE_CATEGORY,),
    ("admin-areas",),
    ids="urn:ngsi-ld:PointOfInterest:village-<n>",
)

ORGANIZATION: Final = EntityType(
    "Organization",
    Words("หน่วยงาน", "Organization"),
    (
        Attribute("agencyCode", Words("รหัสหน่วยงาน", "Agency code")),
        Attribute(
            "category",
            Words("หมวด", "Category"),
            codes=(
                Code("police", Words("สถานีตำรวจ", "Police")),
                Code("government", Words("ส่วนราชการ", "Government")),
                Code("disaster", Words("ป้องกันและบรรเทาสาธารณภัย", "Disaster prevention")),
                Code("health", Words("สาธารณสุข", "Health")),
                Code("fire", Words("ดับเพลิง", "Fire service")),
                Code("sea", Words("การเดินเรือและทางทะเล", "Sea")),
                Code("weather", Words("อุตุนิยมวิทยา", "Weather")),
                Code("water", Words("ทรัพยากรน้ำ", "Water")),
                Code("roads", Words("ทางหลวงและถนน", "Roads")),
                Code("utility", Words("สาธารณูปโภค", "Utility")),
                Code("transport", Words("ขนส่ง", "Transport")),
                Code("localAuthority", Words("องค์กรปกครองส่วนท้องถิ่น", "Local authority")),
            ),
        ),
        Attribute("emergencyNumber", Words("หมายเลขฉุกเฉิน", "Emergency number")),
        _TELEPHONE,
        Attribute("localCode", Words("รหัสองค์กรปกครองส่วนท้องถิ่น", "Code of the local authority")),
        Attribute("areaServed", Words("พื้นที่รับผิดชอบ", "Area served"), "Relationship"),
    ),
    ("agencies",),
    ids="urn:ngsi-ld:Organization:<agency code>",
    note="Local authorities have `localCode` and `areaServed`.",
    configures=True,
)

ROAD_SEGMENT: Final = EntityType(
    "RoadSegment",
    Words("ช่วงถนน", "Road segment"),
    (
        Attribute(
            "roadClass",
            Words("ชั้นทาง", "Road class"),
            codes=(
                Code("motorway", Words("ทางหลวงพิเศษ", "Motorway")),
                Code("trunk", Words("ทางหลวงแผ่นดินสายประธาน", "Trunk road")),
                Code("primary", Words("ถนนสายหลัก", "Primary road")),
                Code("secondary", Words("ถนนสายรอง", "Secondary road")),
                Code("tertiary", Words("ถนนสายย่อย", "Tertiary road")),
            ),
        ),
        Attribute("ref", Words("หมายเลขทาง", "Road number")),
        Attribute("laneCount", Words("จำนวนช่องจราจร", "Lanes")),
        _LENGTH,
        Attribute(
            "startNode", Words("จุดต่อต้นทาง", "Start node"), note="integer of the road graph", hidden=True
        ),
        Attribute("endNode", Words("จุดต่อปลายทาง", "End node"), note="integer of the road graph", hidden=True),
        Attribute("osmWay", Words("รหัสเส้นทางใน OpenStreetMap", "OpenStreetMap way"), hidden=True),
    ),
    ("roads",),
    ids="urn:ngsi-ld:RoadSegment:phuket-<n>",
    note="Its location is a line.",
)

POINT_OF_INTEREST: Final = EntityType(
    "PointOfInterest",
    Words("สถานที่", "Place"),
    _PLACE,
    ("public-places",),
    ids="urn:ngsi-ld:PointOfInterest:osm-<kind>-<id>",
    note="Also has a more specific type.",
    general=True,
)

HOSPITAL: Final = EntityType(
    "Hospital",
    Words("โรงพยาบาล", "Hospital"),
    _PLACE,
    ("public-places",),
    layer=_HEALTH_LAYER,
    icon="cross",
    searched=True,
)

CLINIC: Final = EntityType(
    "Clinic",
    Words("คลินิก", "Clinic"),
    _PLACE,
    ("public-places",),
    layer=_HEALTH_LAYER,
    icon="cross",
    searched=True,
)

POLICE_STATION: Final = EntityType(
    "PoliceStation",
    Words("สถานีตำรวจ", "Police station"),
    _PLACE,
    ("public-places",),
    layer=_POLICE_LAYER,
    icon="shield",
    searched=True,
)

FIRE_STATION: Final = EntityType(
    "FireStation",
    Words("สถานีดับเพลิง", "Fire station"),
    _PLACE,
    ("public-places",),
    layer=_FIRE_LAYER,
    icon="flame",
    searched=True,
)

SCHOOL: Final = EntityType(
    "School",
    Words("โรงเรียน", "School"),
    _PLACE,
    ("public-places",),
    layer=_SCHOOLS_LAYER,
    icon="cap",
    searched=True,
)

PIER: Final = EntityType(
    "Pier",
    Words("ท่าเรือ", "Pier"),
    (_PLACE_CATEGORY,),
    ("public-places",),
    ids="urn:ngsi-ld:PointOfInterest:pier-<name>",
)

PUBLIC_TRANSPORT_STOP: Final = EntityType(
    "PublicTransportStop",
    Words("ป้ายรถโดยสาร", "Bus stop"),
    (
        Attribute(
            "routeCodes",
            Words("สายที่จอด", "Lines that stop here"),
            hidden=True,
            last_part_of="PublicTransportRoute",
        ),
        Attribute("stopCode", Words("รหัสป้าย", "Stop code")),
    ),
    ("bus-network",),
    ids="urn:ngsi-ld:PublicTransportStop:pksb-<n>",
    layer=_STOPS_LAYER,
    icon="bus",
    searched=True,
)

PUBLIC_TRANSPORT_ROUTE: Final = EntityType(
    "PublicTransportRoute",
    Words("เส้นทางรถโดยสาร", "Bus line"),
    (
        Attribute("shortRouteCode", Words("สาย", "Line code")),
        Attribute("routeColor", Words("สีประจำเส้นทาง", "Colour of the line"), hidden=True),
        DIRECTION,
        Attribute("operator", Words("ผู้ให้บริการ", "Operator"), "LanguageProperty"),
        _LENGTH,
        Attribute("refStops", Words("ป้ายในเส้นทาง", "Stops of the line"), "Relationship", hidden=True),
        Attribute(
            "timetable",
            Words("ตารางเดินรถ", "Timetable"),
            "JsonProperty",
            note="`stops`, `distanceM`, `trips` in minutes after midnight or null",
            hidden=True,
        ),
    ),
    ("bus-network",),
    ids="urn:ngsi-ld:PublicTransportRoute:pksb-…",
    note="Its location is a line.",
    layer=_LINES_LAYER,
    searched=True,
)

TIDAL_CONSTITUENTS: Final = EntityType(
    "TidalConstituents",
    Words("องค์ประกอบน้ำขึ้นน้ำลง", "Tidal constituents"),
    (
        Attribute(
            "constituents", Words("องค์ประกอบฮาร์มอนิก", "Harmonic constituents"), "JsonProperty", hidden=True
        ),
        Attribute("datums", Words("ระดับอ้างอิง", "Datums"), "JsonProperty", hidden=True),
        Attribute("epoch", Words("ช่วงเวลาของข้อมูล", "Epoch")),
    ),
    ("sea-level",),
    ids="urn:ngsi-ld:TidalConstituents:ko-taphao-noi",
)

KEY_PERFORMANCE_INDICATOR: Final = EntityType(
    "KeyPerformanceIndicator",
    Words("สถิติและตัวชี้วัด", "Key performance indicator"),
    (
        Attribute("kpiCode", Words("รหัสตัวชี้วัด", "Indicator code")),
        KPI_VALUE,
        CALCULATION_PERIOD,
        UNIT,
        Attribute(
            "series",
            Words("อนุกรมเวลา", "Time series"),
            "JsonProperty",
            note="`step`, `points`, `parts`",
            namespace=Namespace.OWN,
            hidden=True,
        ),
        Attribute("note", Words("หมายเหตุ", "Note"), namespace=Namespace.OWN),
    ),
    ("statistics",),
    ids="urn:ngsi-ld:KeyPerformanceIndicator:phuket-<code>",
    note="Monthly visitors, population and the like.",
    written_by=WRITE_STATISTICS,
    general=True,
)

CITY_PACK: Final = EntityType(
    "CityPack",
    Words("ชุดข้อมูลเมือง", "City pack"),
    (
        Attribute("digest", Words("ลายพิมพ์ข้อมูล", "Digest"), hidden=True),
        Attribute(
            "parts",
            Words("ส่วนประกอบและสัญญาอนุญาต", "Parts and licences"),
            "JsonProperty",
            note="sources and licences, or parts of a series",
            namespace=Namespace.OWN,
            hidden=True,
        ),
        Attribute(
            "contents",
            Words("รายการที่มากับชุดข้อมูล", "Contents"),
            "JsonProperty",
            note="ids that came with the pack",
            namespace=Namespace.DEFAULT,
            hidden=True,
        ),
    ),
    (),
    ids="urn:ngsi-ld:CityPack:phuket",
    configures=True,
)

REGISTER_SEED: Final = EntityType(
    "RegisterSeed",
    Words("สถานะการตั้งต้นของทะเบียน", "First filling of a register"),
    (
        Attribute("pack", Words("ชุดข้อมูลเมืองที่ใช้", "City pack"), namespace=Namespace.OWN),
        Attribute(
            "digests",
            Words("ลายพิมพ์ของรายการตั้งต้น", "Digests of the rows"),
            "JsonProperty",
            note="code → digest of the row as it was filled in; it distinguishes edited rows from others",
            namespace=Namespace.OWN,
            hidden=True,
        ),
    ),
    (),
    ids="urn:ngsi-ld:RegisterSeed:<register>",
    namespace=Namespace.OWN,
    configures=True,
)

TYPES: Final = (
    ADMINISTRATIVE_AREA,
    COASTLINE,
    VILLAGE,
    ORGANIZATION,
    ROAD_SEGMENT,
    POINT_OF_INTEREST,
    HOSPITAL,
    CLINIC,
    POLICE_STATION,
    FIRE_STATION,
    SCHOOL,
    PIER,
    PUBLIC_TRANSPORT_STOP,
    PUBLIC_TRANSPORT_ROUTE,
    TIDAL_CONSTITUENTS,
    KEY_PERFORMANCE_INDICATOR,
    CITY_PACK,
    REGISTER_SEED,
)
