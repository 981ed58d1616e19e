"""Kinds of incident a Phuket command center meets: names, CAP category, units to send first, and a short checklist.

The checklists are our own words for common practice; an agency replaces them by its own procedure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from andaman.command.types import UNIT_TYPE
from andaman.kernel.words import Words


@dataclass(frozen=True, slots=True)
class IncidentType:
    code: str
    name: Words
    category: str  # CAP 1.2 category
    unit_types: tuple[str, ...]  # in the order in which they are wanted
    checklist: tuple[Words, ...]

    def json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "name": self.name.json(),
            "category": self.category,
            "unitTypes": list(self.unit_types),
            "checklist": [item.json() for item in self.checklist],
        }


UNIT_TYPES: Final[dict[str, Words]] = {code.value: code.words for code in UNIT_TYPE.codes}

_ALL: Final = (
    IncidentType(
        "roadAccident",
        Words("อุบัติเหตุทางถนน", "Road accident"),
        "Transport",
        ("ambulance", "policePatrol", "towTruck"),
        (
            Words("สอบถามจำนวนผู้บาดเจ็บ ผู้ติดภายใน และการรั่วไหลของเชื้อเพลิง", "Ask for injured, trapped people and leaking fuel"),
            Words("ส่งรถพยาบาลที่ใกล้ที่สุดและรถสายตรวจ", "Send the nearest ambulance and a patrol"),
            Words("กั้นช่องจราจรและแจ้งเส้นทางเลี่ยง", "Close the lane and announce a diversion"),
            Words("แจ้งโรงพยาบาลปลายทาง", "Tell the receiving hospital"),
            Words("เคลื่อนย้ายรถและเปิดการจราจร", "Remove the vehicles and open the road"),
        ),
    ),
    IncidentType(
        "fire",
        Words("เพลิงไหม้", "Fire"),
        "Fire",
        ("fireEngine", "ambulance", "policePatrol"),
        (
            Words("ยืนยันที่ตั้ง ชนิดอาคาร และผู้ติดค้าง", "Confirm the place, the building and who is inside"),
            Words("ส่งรถดับเพลิงอย่างน้อยสองคัน", "Send at least two fire engines"),
            Words("ตัดกระแสไฟฟ้าและก๊าซ", "Have power and gas cut off"),
            Words("อพยพอาคารข้างเคียงด้านใต้ลม", "Clear the neighbouring buildings downwind"),
            Words("เฝ้าระวังการปะทุซ้ำก่อนส่งคืนพื้นที่", "Watch for rekindling before handing the place back"),
        ),
    ),
    IncidentType(
        "flood",
        Words("น้ำท่วมฉับพลัน", "Flash flood"),
        "Met",
        ("ddpmTeam", "rescueBoat", "policePatrol"),
        (
            Words("ตรวจสอบปริมาณฝน ระดับน้ำทะเล และจุดน้ำท่วมขัง", "Check rain, tide and where water stands"),
            Words("ปิดถนนที่น้ำลึกเกิน 30 เซนติเมตร", "Close roads under more than 30 cm of water"),
            Words("ช่วยเหลือผู้ป่วยติดเตียงและผู้สูงอายุก่อน", "Bring out bedridden and old people first"),
            Words("เดินเครื่องสูบน้ำและเปิดประตูระบายน้ำเมื่อน้ำทะเลลง", "Run pumps; open the gates when the tide falls"),
            Words("เปิดศูนย์พักพิงหากน้ำยังเพิ่ม", "Open a shelter if the water still rises"),
        ),
    ),
    IncidentType(
        "landslide",
        Words("ดินโคลนถล่ม", "Landslide"),
        "Geo",
        ("ddpmTeam", "ambulance", "fireEngine"),
        (
            Words("ห้ามเข้าพื้นที่จนกว่าผู้เชี่ยวชาญประเมินความลาดชัน", "Nobody enters before the slope is judged safe"),
            Words("นับผู้สูญหายจากทะเบียนบ้านและโรงแรม", "Count the missing from house and hotel registers"),
            Words("อพยพบ้านเรือนใต้แนวลาดชันเดียวกัน", "Clear the houses below the same slope"),
            Words("จัดสุนัขค้นหาและเครื่องจักรกลหนัก", "Bring search dogs and heavy machines"),
            Words("เฝ้าระวังฝนและการถล่มซ้ำ", "Watch rain and a second slide"),
        ),
    ),
    IncidentType(
        "drowning",
        Words("จมน้ำ", "Drowning"),
        "Rescue",
        ("rescueBoat", "ambulance"),
        (
            Words("ถามจุดที่เห็นครั้งสุดท้ายและทิศทางกระแสน้ำ", "Ask where last seen and where the current sets"),
            Words("แจ้งเจ้าหน้าที่ชายหาดและยกธงแดง", "Alert the lifeguards; red flags up"),
            Words("ส่งเรือกู้ภัยและรถพยาบาลพร้อมกัน", "Send boat and ambulance together"),
            Words("เตรียมช่วยฟื้นคืนชีพและให้ออกซิเจน", "Be ready for resuscitation and oxygen"),
        ),
    ),
    IncidentType(
        "boatAccident",
        Words("อุบัติเหตุทางน้ำ", "Boat accident"),
        "Rescue",
        ("rescueBoat", "ambulance", "policePatrol"),
        (
            Words("ขอชื่อเรือ จำนวนคน และพิกัดล่าสุด", "Get the boat's name, people aboard and last position"),
            Words("แจ้งกรมเจ้าท่า ตำรวจน้ำ และทัพเรือภาคที่ 3", "Tell the Marine Department, marine police and the Third Naval Area"),
            Words("ขอเรือใกล้เคียงเข้าช่วยเหลือ", "Call nearby boats to help"),
            Words("ตรวจรายชื่อผู้โดยสารกับผู้ที่ขึ้นฝั่ง", "Check the passenger list against those ashore"),
        ),
    ),
    IncidentType(
        "crowd",
        Words("ฝูงชนหนาแน่น", "Crowd pressure"),
        "Safety",
        ("policePatrol", "ambulance"),
        (
            Words("หยุดคนเข้าและเปิดทางออกทั้งหมด", "Stop entry and open every exit"),
            Words("จัดเดินทางเดียวและกันทางรถฉุกเฉิน", "Make paths one-way; keep a lane for ambulances"),
            Words("ประกาศด้วยภาษาไทย อังกฤษ และจีน", "Announce in Thai, English and Chinese"),
            Words("ตั้งจุดปฐมพยาบาล", "Set up a first-aid post"),
        ),
    ),
    IncidentType(
        "tsunami",
        Words("สึนามิ", "Tsunami"),
        "Geo",
        ("ddpmTeam", "policePatrol", "rescueBoat"),
        (
            Words("ยืนยันประกาศจากศูนย์เตือนภัยพิบัติแห่งชาติ", "Confirm the bulletin of the National Disaster Warning Center"),
            Words("ขอให้ ปภ. เปิดหอเตือนภัยและส่ง Cell Broadcast", "Ask DDPM for the towers and cell broadcast"),
            Words("อพยพชายหาดฝั่งตะวันตกขึ้นที่สูง", "Clear the western beaches to high ground"),
            Words("สั่งเรือออกสู่ทะเลลึก", "Send boats to deep water"),
            Words("ห้ามกลับจนกว่าจะประกาศยกเลิก", "Nobody returns before the all-clear"),
        ),
    ),
    IncidentType(
        "missingPerson",
        Words("บุคคลสูญหาย", "Missing person"),
        "Rescue",
        ("policePatrol", "rescueBoat"),
        (
            Words("บันทึกรูปพรรณ เวลา และจุดที่พบครั้งสุดท้าย", "Take a description, the time and the place last seen"),
            Words("ตรวจสอบโรงพยาบาล สถานีตำรวจ และด่านตรวจคนเข้าเมือง", "Ask hospitals, police stations and immigration"),
            Words("กำหนดพื้นที่ค้นหาและผู้ควบคุม", "Set the search area and its leader"),
        ),
    ),
    IncidentType(
        "medical",
        Words("เจ็บป่วยฉุกเฉิน", "Medical emergency"),
        "Health",
        ("ambulance",),
        (
            Words("ประเมินสติ การหายใจ และการตกเลือด", "Ask about consciousness, breathing and bleeding"),
            Words("แนะนำการช่วยเหลือเบื้องต้นทางโทรศัพท์", "Guide first aid by telephone"),
            Words("แจ้งโรงพยาบาลปลายทาง", "Tell the receiving hospital"),
        ),
    ),
    IncidentType(
        "hazardousMaterial",
        Words("สารเคมีรั่วไหล", "Hazardous material"),
        "CBRNE",
        ("fireEngine", "ddpmTeam", "ambulance"),
        (
            Words("หาชื่อสารหรือหมายเลข UN จากป้าย", "Find the substance or its UN number on the placard"),
            Words("กั้นเขตอันตรายและเข้าทางเหนือลม", "Cordon off; approach from upwind"),
            Words("อพยพหรือให้อยู่ในอาคารตามชนิดสาร", "Evacuate or keep people indoors, as the substance demands"),
            Words("ล้างตัวผู้สัมผัสก่อนส่งโรงพยาบาล", "Decontaminate people before transport"),
        ),
    ),
    IncidentType(
        "powerFailure",
        Words("ไฟฟ้าขัดข้อง", "Power failure"),
        "Infra",
        ("ddpmTeam", "policePatrol"),
        (
            Words("แจ้งการไฟฟ้าส่วนภูมิภาคและขอเวลาที่คาดว่าจะแก้ไขเสร็จ", "Tell the Provincial Electricity Authority; ask for a time"),
            Words("ตรวจสอบไฟสำรองของโรงพยาบาลและสถานีสูบน้ำ", "Check backup power of hospitals and pumps"),
            Words("จัดเจ้าหน้าที่จราจรประจำสี่แยกที่ไฟดับ", "Put officers on dark junctions"),
        ),
    ),
    IncidentType(
        "waterFailure",
        Words("น้ำประปาขัดข้อง", "Water failure"),
        "Infra",
        ("ddpmTeam",),
        (
            Words("แจ้งการประปาส่วนภูมิภาคและระบุพื้นที่ได้รับผลกระทบ", "Tell the Provincial Waterworks Authority and mark the area"),
            Words("ส่งรถน้ำให้โรงพยาบาลและศูนย์พักพิงก่อน", "Send water lorries to hospitals and shelters first"),
            Words("ประกาศเวลาที่คาดว่าจะจ่ายน้ำได้", "Announce when water is expected back"),
        ),
    ),
    IncidentType(
        "other",
        Words("เหตุอื่น ๆ", "Other"),
        "Other",
        ("policePatrol",),
        (
            Words("ระบุว่าเกิดอะไร ที่ไหน และใครเกี่ยวข้อง", "Settle what, where and who"),
            Words("แจ้งหน่วยงานที่รับผิดชอบ", "Tell the agency in charge"),
        ),
    ),
)  # fmt: skip

INCIDENT_TYPES: Final[dict[str, IncidentType]] = {one.code: one for one in _ALL}
