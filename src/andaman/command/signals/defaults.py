"""The rules a Phuket command center begins with. Each names the ground of its thresholds in ``basis``.

Grounds: rain in 24 hours by the classes of the Thai Meteorological Department (heavy 35.1–90.0 mm, very heavy from
90.1 mm; arcims.tmd.go.th/dailydata/DetailDailyRain.html). Wind by the Beaufort scale (WMO No. 306, table 1100). Bus speed by
Ministerial Regulation No. 6 (B.E. 2522) under the Land Traffic Act: 60 km/h inside, 80 km/h outside municipalities. High
tide by the gauge at Ko Taphao Noi: mean high water of springs lies 2.90 m over the lowest astronomical tide (TICON-4).
Durations without a ground are starting values for the duty officers to change.
"""

from __future__ import annotations

from typing import Any, Final

from andaman.kernel.words import LanguageMap

_TMD: Final = {
    "th": "เกณฑ์ปริมาณฝน 24 ชั่วโมง กรมอุตุนิยมวิทยา: ฝนหนัก 35.1–90.0 มม. ฝนหนักมาก ตั้งแต่ 90.1 มม.",
    "en": "TMD classes of 24-hour rain: heavy 35.1–90.0 mm, very heavy from 90.1 mm",
}

DEFAULT_RULES: Final[dict[str, tuple[LanguageMap, dict[str, Any]]]] = {
    "heavy-rain-24h": (
        {"th": "ฝนหนักสะสม 24 ชั่วโมง", "en": "Heavy rain in 24 hours"},
        {
            "select": {"type": "WeatherObserved"},
            "when": {"attr": "precipitation24h", "op": ">=", "value": 35.1},
            "clear": {"attr": "precipitation24h", "op": "<", "value": 30},
            "severity": {"attr": "precipitation24h", "bands": [[35.1, "Moderate"], [90.1, "Severe"], [200, "Extreme"]]},
            "category": "Met",
            "urgency": "Expected",
            "damping": "PT1H",
            "headline": {
                "th": "ฝนสะสม 24 ชั่วโมง {precipitation24h} มม. – {name}",
                "en": "{precipitation24h} mm of rain in 24 hours – {name}",
            },
            "instruction": {
                "th": "เฝ้าระวังน้ำท่วมฉับพลันและดินถล่มในพื้นที่ลาดเชิงเขา แจ้งท้องถิ่นตรวจสอบทางระบายน้ำ",
                "en": "Watch for flash floods and for landslides below slopes; ask the municipalities to check drains",
            },
            "incidentType": "flood",
            "basis": _TMD,
        },
    ),
    "landslide-watch": (
        {"th": "เฝ้าระวังดินถล่ม", "en": "Landslide watch"},
        {
            "select": {"type": "WeatherObserved"},
            "when": {"attr": "precipitation24h", "op": ">=", "value": 90.1},
            "for": "PT30M",
            "clear": {"attr": "precipitation24h", "op": "<", "value": 60},
            "severity": "Severe",
            "category": "Geo",
            "urgency": "Expected",
            "certainty": "Possible",
            "damping": "PT2H",
            "headline": {
                "th": "ฝนหนักมากต่อเนื่อง เสี่ยงดินถล่ม ({precipitation24h} มม.) – {name}",
                "en": "Very heavy rain goes on, slopes may fail ({precipitation24h} mm) – {name}",
            },
            "instruction": {
                "th": "แจ้งเตือนชุมชนใต้แนวลาดชัน เตรียมอพยพ และประสานกรมทรัพยากรธรณี",
                "en": "Warn the villages below slopes, prepare evacuation, call the Department of Mineral Resources",
            },
            "incidentType": "landslide",
            "basis": _TMD,
        },
    ),
    "rain-burst": (
        {"th": "ฝนตกหนักในหนึ่งชั่วโมง", "en": "Burst of rain"},
        {
            "select": {"type": "WeatherObserved"},
            "when": {
                "any": [
                    {"attr": "precipitation1h", "op": ">=", "value": 35.1},
                    {"attr": "precipitation24h", "op": ">=", "value": 35.1, "per": "PT1H"},
                ]
            },
            "severity": "Severe",
            "category": "Met",
            "urgency": "Immediate",
            "expire": "PT3H",
            "headline": {
                "th": "ฝนตกหนักมากในช่วงสั้น – {name}",
                "en": "A burst of rain – {name}",
            },
            "incidentType": "flood",
            "basis": {
                "th": "ปริมาณฝนเท่าเกณฑ์ฝนหนักของทั้งวันตกในหนึ่งชั่วโมง",
                "en": "As much in one hour as TMD calls heavy in a day",
            },
        },
    ),
    "strong-wind": (
        {"th": "ลมแรง", "en": "Strong wind"},
        {
            "select": {"type": "WeatherObserved"},
            "when": {"attr": "windSpeed", "op": ">=", "value": 39},
            "clear": {"attr": "windSpeed", "op": "<", "value": 35},
            "severity": {"attr": "windSpeed", "bands": [[39, "Minor"], [50, "Moderate"], [62, "Severe"], [103, "Extreme"]]},
            "category": "Met",
            "urgency": "Immediate",
            "damping": "PT1H",
            "headline": {"th": "ลมแรง {windSpeed} กม./ชม. – {name}", "en": "Wind of {windSpeed} km/h – {name}"},
            "instruction": {
                "th": "แจ้งเรือเล็กงดออกจากฝั่งและตรวจสอบป้ายโฆษณา",
                "en": "Advise small boats to stay ashore; check hoardings",
            },
            "incidentType": "boatAccident",
            "basis": {
                "th": "มาตราโบฟอร์ต: ระดับ 6 ตั้งแต่ 39 ระดับ 7 ตั้งแต่ 50 ระดับ 8 ตั้งแต่ 62 ระดับ 11 ตั้งแต่ 103 กม./ชม.",
                "en": "Beaufort 6 from 39, 7 from 50, 8 from 62, 11 from 103 km/h",
            },
        },
    ),
    "tide-and-rain": (
        {"th": "น้ำทะเลหนุนสูงขณะฝนตกหนัก", "en": "High tide while it rains hard"},
        {
            "select": {"type": "SeaLevelObserved"},
            "when": {
                "all": [
                    {"attr": "tideLevel", "op": ">=", "value": 2.9},
                    {
                        "exists": {
                            "type": "WeatherObserved",
                            "where": {"attr": "precipitation24h", "op": ">=", "value": 35.1},
                        }
                    },
                ]
            },
            "severity": "Severe",
            "category": "Met",
            "urgency": "Expected",
            "certainty": "Likely",
            "damping": "PT1H",
            "headline": {
                "th": "น้ำทะเลสูง {tideLevel} ม. ขณะฝนตกหนัก การระบายน้ำในเขตเมืองช้าลง",
                "en": "Tide at {tideLevel} m while it rains hard: the town drains slowly",
            },
            "instruction": {
                "th": "ปิดประตูระบายน้ำด้านทะเลและเดินเครื่องสูบน้ำ",
                "en": "Close the sea gates and run the pumps",
            },
            "incidentType": "flood",
            "basis": {
                "th": "ระดับน้ำขึ้นเฉลี่ยช่วงน้ำเกิดที่เกาะตะเภาน้อย 2.90 ม. เหนือระดับน้ำลงต่ำสุด และฝนหนักตามเกณฑ์กรมอุตุนิยมวิทยา",
                "en": "Mean high water of springs at Ko Taphao Noi, 2.90 m over LAT, and heavy rain by TMD's class",
            },
        },
    ),
    "gauge-silent": (
        {"th": "สถานีวัดฝนขาดการส่งข้อมูล", "en": "Rain gauge silent"},
        {
            "select": {"type": "WeatherObserved", "scope": "/hazard/rain"},
            "when": {"attr": "precipitation24h", "silent": "PT3H"},
            "severity": "Minor",
            "category": "Infra",
            "headline": {
                "th": "ไม่ได้รับข้อมูลมา {silentMinutes} นาที – {name}",
                "en": "Nothing heard for {silentMinutes} minutes – {name}",
            },
            "basis": {"th": "สถานีรายงานทุกชั่วโมง ขาดสามครั้งติดต่อกัน", "en": "Hourly reports, three missed in a row"},
        },
    ),
    "bus-speeding": (
        {"th": "รถโดยสารใช้ความเร็วเกินกำหนด", "en": "Bus speeding"},
        {
            "select": {"type": "Vehicle"},
            "when": {"all": [{"attr": "vehicleType", "op": "==", "value": "bus"}, {"attr": "speed", "op": ">", "value": 80}]},
            "for": "PT30S",
            "clear": {"attr": "speed", "op": "<=", "value": 75},
            "severity": {"attr": "speed", "bands": [[80, "Moderate"], [100, "Severe"]]},
            "category": "Transport",
            "urgency": "Immediate",
            "headline": {"th": "รถโดยสารวิ่ง {speed} กม./ชม. – {name}", "en": "Bus at {speed} km/h – {name}"},
            "basis": {
                "th": "กฎกระทรวง ฉบับที่ 6 (พ.ศ. 2522): รถบรรทุกคนโดยสารนอกเขตเทศบาลไม่เกิน 80 กม./ชม.",
                "en": "Ministerial Regulation No. 6 (1979): passenger vehicles at most 80 km/h outside municipalities",
            },
        },
    ),
    "bus-standing": (
        {"th": "รถโดยสารหยุดนิ่งนานผิดปกติ", "en": "Bus standing too long"},
        {
            "select": {"type": "Vehicle"},
            "when": {
                "all": [
                    {"attr": "vehicleType", "op": "==", "value": "bus"},
                    {"attr": "serviceStatus", "op": "==", "value": "onRoute"},
                    {"attr": "speed", "op": "<", "value": 2},
                ]
            },
            "for": "PT15M",
            "severity": "Minor",
            "category": "Transport",
            "headline": {"th": "รถโดยสารหยุดนิ่งเกิน 15 นาที – {name}", "en": "Bus standing for over 15 minutes – {name}"},
            "incidentType": "roadAccident",
        },
    ),
    "vehicle-outside": (
        {"th": "รถออกนอกพื้นที่ให้บริการ", "en": "Vehicle outside its service area"},
        {
            "select": {"type": "Vehicle"},
            "when": {"outside": "urn:ngsi-ld:AdministrativeArea:TH83"},
            "for": "PT3M",
            "clearFor": "PT1M",
            "severity": "Minor",
            "category": "Transport",
            "headline": {"th": "รถออกนอกเขตจังหวัดภูเก็ต – {name}", "en": "Vehicle outside Phuket Province – {name}"},
        },
    ),
    "fatal-accident": (
        {"th": "อุบัติเหตุทางถนนมีผู้เสียชีวิต", "en": "Fatal road accident"},
        {
            "select": {"type": "RoadAccident"},
            "when": {"attr": "deaths", "op": ">=", "value": 1},
            "maxAge": "PT12H",
            "expire": "PT6H",
            "severity": {"attr": "deaths", "bands": [[1, "Severe"], [3, "Extreme"]]},
            "category": "Transport",
            "urgency": "Immediate",
            "headline": {"th": "ผู้เสียชีวิต {deaths} ราย – {name}", "en": "{deaths} dead – {name}"},
            "instruction": {
                "th": "ส่งหน่วยกู้ชีพและตำรวจ แจ้งโรงพยาบาลและกรมทางหลวง",
                "en": "Send ambulance and police; tell the hospital and the Department of Highways",
            },
            "incidentType": "roadAccident",
        },
    ),
    "injury-accident": (
        {"th": "อุบัติเหตุทางถนนมีผู้บาดเจ็บ", "en": "Road accident with injured people"},
        {
            "select": {"type": "RoadAccident"},
            "when": {
                "all": [
                    {"attr": "injured", "op": ">=", "value": 1},
                    {"not": {"attr": "deaths", "op": ">=", "value": 1}},
                ]
            },
            "maxAge": "PT12H",
            "expire": "PT3H",
            "severity": {"attr": "injured", "bands": [[1, "Moderate"], [5, "Severe"]]},
            "category": "Transport",
            "urgency": "Immediate",
            "headline": {"th": "ผู้บาดเจ็บ {injured} ราย – {name}", "en": "{injured} injured – {name}"},
            "incidentType": "roadAccident",
        },
    ),
}  # fmt: skip
