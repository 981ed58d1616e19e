"""The types of entities that feeds and devices observe."""

from __future__ import annotations

from typing import Final

from andaman.common_attributes import BEARING, DIRECTION, REPLAY_OF, SPEED
from andaman.kernel.words import Words
from andaman.units import CEL, DD, GQ, IE, KMH, KMT, MMT, MTR
from andaman.vocabulary import Attribute, Code, EntityType, Layer, Namespace

_VEHICLE_TYPE: Final = Attribute(
    "vehicleType",
    Words("ประเภทรถ", "Vehicle type"),
    codes=(
        Code("bus", Words("รถโดยสาร", "bus")),
        Code("motorcycle", Words("รถจักรยานยนต์", "motorcycle")),
        Code("4-wheel pickup truck", Words("รถกระบะ 4 ล้อ", "4-wheel pickup truck")),
        Code("private/passenger car", Words("รถยนต์นั่งส่วนบุคคล", "private car")),
        Code("large truck with trailer", Words("รถบรรทุกพ่วง", "large truck with trailer")),
        Code("6-wheel truck", Words("รถบรรทุก 6 ล้อ", "6-wheel truck")),
        Code("7-10-wheel truck", Words("รถบรรทุก 7–10 ล้อ", "7–10-wheel truck")),
        Code("van", Words("รถตู้", "van")),
        Code("large passenger vehicle", Words("รถโดยสารขนาดใหญ่", "large passenger vehicle")),
        Code("other", Words("อื่น ๆ", "other")),
    ),
)
_WEATHER_TYPE: Final = Attribute(
    "weatherType",
    Words("ลักษณะอากาศ", "Weather"),
    codes=(
        Code("rainy", Words("ฝนตก", "rainy")),
        Code("clear", Words("แจ่มใส", "clear")),
        Code("natural disaster", Words("ภัยธรรมชาติ", "natural disaster")),
        Code("foggy", Words("มีหมอก", "foggy")),
    ),
)
_TEMPERATURE: Final = Attribute("temperature", Words("อุณหภูมิ", "Temperature"), unit=CEL)
_RELATIVE_HUMIDITY: Final = Attribute("relativeHumidity", Words("ความชื้นสัมพัทธ์", "Relative humidity"))
_PM25: Final = Attribute("pm25", Words("ฝุ่น PM2.5", "PM2.5"), unit=GQ)
_VALUE: Final = Attribute("value", Words("ค่า", "Value"))
_BATTERY_LEVEL: Final = Attribute("batteryLevel", Words("แบตเตอรี่", "Battery"))
_WATER_LEVEL: Final = Attribute("waterLevel", Words("ระดับน้ำ", "Water level"), unit=MTR)
_DATE_OBSERVED: Final = Attribute("dateObserved", Words("ตรวจวัดเมื่อ", "Observed"))
_VEHICLES_LAYER: Final = Layer("vehicles", Words("ยานพาหนะ", "Vehicles"), order=100, moving=True)
_WEATHER_LAYER: Final = Layer("weather", Words("ฝน อากาศ และทะเล", "Rain, weather and sea"), order=80)
_ACCIDENTS_LAYER: Final = Layer("accidents", Words("อุบัติเหตุที่ผ่านมา", "Past road accidents"), order=20, on=False)
_DEVICES_LAYER: Final = Layer("devices", Words("อุปกรณ์ตรวจวัด", "Sensors"), order=90)

VEHICLE: Final = EntityType(
    "Vehicle",
    Words("ยานพาหนะ", "Vehicle"),
    (
        _VEHICLE_TYPE,
        SPEED,
        BEARING,
        Attribute(
            "serviceStatus",
            Words("สถานะการให้บริการ", "Service status"),
            codes=(
                Code("inService", Words("ให้บริการ", "In service")),
                Code("onRoute", Words("กำลังให้บริการ", "On route")),
                Code("parked", Words("จอด", "Parked")),
                Code("atStop", Words("จอดที่ป้าย", "At a stop")),
                Code("outOfService", Words("นอกเวลาให้บริการ", "Out of service")),
            ),
        ),
        Attribute("refRoute", Words("เส้นทาง", "Line"), "Relationship"),
        Attribute("nextStop", Words("ป้ายถัดไป", "Next stop"), "Relationship"),
        DIRECTION,
        Attribute("trip", Words("เที่ยวรถ", "Trip"), namespace=Namespace.OWN),
        Attribute("delay", Words("ล่าช้า", "Delay"), namespace=Namespace.DEFAULT),
        REPLAY_OF,
    ),
    ("bus-positions",),
    ids="urn:ngsi-ld:Vehicle:smartbus-<line>-<nn>",
    note="A licence plate is never published.",
    layer=_VEHICLES_LAYER,
    searched=True,
)

WEATHER_OBSERVED: Final = EntityType(
    "WeatherObserved",
    Words("สภาพอากาศ", "Weather"),
    (
        Attribute("windSpeed", Words("ความเร็วลม", "Wind speed"), unit=KMH),
        Attribute("windDirection", Words("ทิศทางลม", "Wind direction"), unit=DD),
        Attribute("precipitation", Words("ปริมาณฝน", "Rain"), unit=MMT, note="since the last report"),
        Attribute("precipitation1h", Words("ปริมาณฝน 1 ชั่วโมง", "Rain in 1 hour"), unit=MMT),
        Attribute("precipitation24h", Words("ปริมาณฝน 24 ชั่วโมง", "Rain in 24 hours"), unit=MMT),
        Attribute("visibility", Words("ทัศนวิสัย", "Visibility"), unit=KMT),
        _WEATHER_TYPE,
        _TEMPERATURE,
        _RELATIVE_HUMIDITY,
        Attribute("atmosphericPressure", Words("ความกดอากาศ", "Air pressure")),
        _PM25,
        Attribute("stationCode", Words("รหัสสถานี", "Station code")),
        REPLAY_OF,
        Attribute("dewPoint", Words("จุดน้ำค้าง", "Dew point"), unit=CEL),
        Attribute("cloudCover", Words("ปริมาณเมฆ", "Cloud cover")),
    ),
    ("weather",),
    ids="urn:ngsi-ld:WeatherObserved:tmd-<station>, …:rain-TH830x",
    note="Rain gauges by district are of this type and have the district's name.",
    layer=_WEATHER_LAYER,
    icon="drop",
    searched=True,
)

SEA_LEVEL_OBSERVED: Final = EntityType(
    "SeaLevelObserved",
    Words("ระดับน้ำทะเล", "Sea level"),
    (
        Attribute("tideLevel", Words("ระดับน้ำ", "Tide level"), unit=MTR, note="over chart datum"),
        Attribute(
            "tideLevelMsl",
            Words("ระดับน้ำเทียบทะเลปานกลาง", "Level over mean sea"),
            unit=MTR,
            note="over mean sea level",
        ),
        Attribute(
            "tideState",
            Words("น้ำขึ้น/น้ำลง", "Tide"),
            codes=(
                Code("rising", Words("น้ำกำลังขึ้น", "rising")),
                Code("falling", Words("น้ำกำลังลง", "falling")),
            ),
        ),
        Attribute("nextHighTide", Words("น้ำขึ้นสูงสุดครั้งถัดไป", "Next high tide")),
        Attribute("nextLowTide", Words("น้ำลงต่ำสุดครั้งถัดไป", "Next low tide")),
        Attribute("nextHighTideLevel", Words("ระดับน้ำขึ้นสูงสุดครั้งถัดไป", "Next high tide level"), unit=MTR),
        Attribute("nextLowTideLevel", Words("ระดับน้ำลงต่ำสุดครั้งถัดไป", "Next low tide level"), unit=MTR),
        Attribute("uncertaintyM", Words("ความคลาดเคลื่อน", "Uncertainty"), unit=MTR),
    ),
    ("sea-level",),
    ids="urn:ngsi-ld:SeaLevelObserved:ko-taphao-noi",
    layer=_WEATHER_LAYER,
    icon="wave",
    searched=True,
)

ROAD_ACCIDENT: Final = EntityType(
    "RoadAccident",
    Words("อุบัติเหตุทางถนน", "Road accident"),
    (
        Attribute("accidentDate", Words("วันเวลาเกิดเหตุ", "Date of accident")),
        Attribute("deaths", Words("เสียชีวิต", "Deaths"), unit=IE),
        Attribute("injured", Words("บาดเจ็บ", "Injured"), unit=IE),
        _VEHICLE_TYPE,
        Attribute("vehicleCount", Words("จำนวนรถ", "Vehicles")),
        Attribute(
            "presumedCause",
            Words("สาเหตุสันนิษฐาน", "Presumed cause"),
            codes=(
                Code("speeding", Words("ขับรถเร็วเกินอัตรากำหนด", "speeding")),
                Code(
                    "cutting in closely by people/vehicles/animals",
                    Words("คน รถ หรือสัตว์ตัดหน้าระยะกระชั้นชิด", "people, vehicles or animals cutting in"),
                ),
                Code(
                    "driving under the influence of alcohol",
                    Words("เมาสุรา", "driving under the influence of alcohol"),
                ),
                Code("falling asleep", Words("หลับใน", "falling asleep")),
                Code("vehicle equipment failure", Words("อุปกรณ์รถบกพร่อง", "vehicle equipment failure")),
                Code("running red lights/traffic signals", Words("ฝ่าฝืนสัญญาณไฟจราจร", "running red lights")),
                Code("slippery road", Words("ถนนลื่น", "slippery road")),
                Code("overloaded vehicle", Words("บรรทุกเกินอัตรา", "overloaded vehicle")),
                Code(
                    "unfamiliarity with the route/unskilled driving",
                    Words("ไม่ชำนาญทางหรือขับรถไม่ชำนาญ", "unfamiliar with the route or unskilled"),
                ),
                Code("other", Words("อื่น ๆ", "other")),
            ),
        ),
        Attribute(
            "accidentType",
            Words("ลักษณะการเกิดเหตุ", "Kind of accident"),
            codes=(
                Code(
                    "rollover/fallen on straight road", Words("พลิกคว่ำบนทางตรง", "rollover on a straight road")
                ),
                Code("rollover/fallen on curved road", Words("พลิกคว่ำบนทางโค้ง", "rollover on a curve")),
                Code("rear-end collision", Words("ชนท้าย", "rear-end collision")),
                Code(
                    "head-on collision (not overtaking)",
                    Words("ชนประสานงา (ไม่ใช่การแซง)", "head-on collision (not overtaking)"),
                ),
                Code(
                    "collision with obstruction (on road surface)",
                    Words("ชนสิ่งกีดขวางบนผิวจราจร", "collision with an obstruction"),
                ),
                Code("pedestrian collision", Words("ชนคนเดินเท้า", "pedestrian hit")),
                Code("collision at intersection corner", Words("ชนที่มุมทางแยก", "collision at a junction")),
                Code("other", Words("อื่น ๆ", "other")),
            ),
        ),
        _WEATHER_TYPE,
        Attribute("roadSection", Words("ช่วงทางหลวง", "Road section")),
        Attribute(
            "roadDescription",
            Words("ลักษณะทาง", "Road layout"),
            codes=(
                Code("straight road", Words("ทางตรง", "straight road")),
                Code("wide curve", Words("ทางโค้งกว้าง", "wide curve")),
                Code("sharp curve", Words("ทางโค้งหักศอก", "sharp curve")),
                Code(
                    "connecting to public/commercial area",
                    Words("ทางเชื่อมเข้าพื้นที่สาธารณะหรือพาณิชย์", "access to a public or commercial area"),
                ),
                Code("connecting to private area", Words("ทางเชื่อมเข้าพื้นที่ส่วนบุคคล", "access to a private area")),
                Code("connecting to school area", Words("ทางเชื่อมเข้าสถานศึกษา", "access to a school")),
                Code("t-intersection", Words("สามแยกรูปตัวที", "T-junction")),
                Code("y-intersection", Words("สามแยกรูปตัววาย", "Y-junction")),
                Code("other", Words("อื่น ๆ", "other")),
            ),
        ),
        Attribute(
            "slopeDescription",
            Words("ความลาดชัน", "Slope"),
            codes=(
                Code("no slope", Words("ไม่มีความลาดชัน", "no slope")),
                Code("slope area", Words("ทางลาดชัน", "slope")),
                Code("other", Words("อื่น ๆ", "other")),
            ),
        ),
        REPLAY_OF,
        Attribute("refAccident", Words("เลขที่อุบัติเหตุ", "Accident record"), "Relationship"),
    ),
    ("road-accidents",),
    ids="urn:ngsi-ld:RoadAccident:phuket-<code>, …:replay-<code>",
    layer=_ACCIDENTS_LAYER,
    searched=True,
    all_of=(
        "accidentDate",
        "deaths",
        "injured",
    ),
)

DEVICE: Final = EntityType(
    "Device",
    Words("อุปกรณ์", "Device"),
    (
        _VALUE,
        _BATTERY_LEVEL,
        _WATER_LEVEL,
        Attribute("controlledProperty", Words("สิ่งที่ตรวจวัด", "Measured property")),
        Attribute("deviceState", Words("สถานะอุปกรณ์", "Device state")),
    ),
    ("devices",),
    note="Devices that send over MQTT.",
    layer=_DEVICES_LAYER,
    icon="sensor",
    searched=True,
    general=True,
)

DEVICE_MEASUREMENT: Final = EntityType(
    "DeviceMeasurement",
    Words("ค่าจากอุปกรณ์", "Device measurement"),
    (
        _VALUE,
        _BATTERY_LEVEL,
        _WATER_LEVEL,
        _DATE_OBSERVED,
    ),
    ("devices",),
    layer=_DEVICES_LAYER,
    icon="sensor",
    searched=True,
)

AIR_QUALITY_OBSERVED: Final = EntityType(
    "AirQualityObserved",
    Words("คุณภาพอากาศ", "Air quality"),
    (
        _PM25,
        Attribute("pm10", Words("ฝุ่น PM10", "PM10"), unit=GQ),
        Attribute("airQualityIndex", Words("ดัชนีคุณภาพอากาศ", "Air quality index")),
        _TEMPERATURE,
        _RELATIVE_HUMIDITY,
        _DATE_OBSERVED,
    ),
    ("environment",),
)

WATER_OBSERVED: Final = EntityType(
    "WaterObserved",
    Words("คุณภาพและระดับน้ำ", "Water"),
    (
        _WATER_LEVEL,
        _TEMPERATURE,
        _DATE_OBSERVED,
    ),
    ("environment",),
)

TRAFFIC_FLOW_OBSERVED: Final = EntityType(
    "TrafficFlowObserved",
    Words("สภาพจราจร", "Traffic flow"),
    (
        Attribute("intensity", Words("ปริมาณการจราจร", "Vehicles counted")),
        Attribute("occupancy", Words("ความหนาแน่นบนช่องจราจร", "Occupancy")),
        Attribute("averageVehicleSpeed", Words("ความเร็วเฉลี่ย", "Average speed"), unit=KMH),
        _DATE_OBSERVED,
    ),
    ("environment",),
)

TYPES: Final = (
    VEHICLE,
    WEATHER_OBSERVED,
    SEA_LEVEL_OBSERVED,
    ROAD_ACCIDENT,
    DEVICE,
    DEVICE_MEASUREMENT,
    AIR_QUALITY_OBSERVED,
    WATER_OBSERVED,
    TRAFFIC_FLOW_OBSERVED,
)
