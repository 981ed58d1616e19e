"""Names as offices and road signs write them: Thai names of roads, mended English names, Thai words for codes."""

from __future__ import annotations

import re

# English names as the local authority itself writes them, where the romanised survey name differs.
TAMBON_EN = {"TH830202": "Patong"}
# Other spellings in common use, kept so that a search finds them.
TAMBON_OTHER = {
    "TH830104": ["Rassada"],
    "TH830105": ["Vichit"],
    "TH830202": ["Pa Tong"],
    "TH830301": ["Thepkrasattri"],
    "TH830302": ["Srisoonthorn"],
    "TH830303": ["Cherng Talay", "Cherngtalay"],
    "TH830304": ["Paklok"],
}

# OSM's English name → (mended English, Thai). A road that is missing here has no Thai name in the pack.
ROADS: dict[str, tuple[str, str]] = {
    "Thep Krasattri Road": ("Thep Krasattri Road", "ถนนเทพกระษัตรี"),
    "Chaofah Tawantok Road": ("Chao Fa Tawan Tok Road", "ถนนเจ้าฟ้าตะวันตก"),
    "Wichit Songkhram Road": ("Wichit Songkhram Road", "ถนนวิชิตสงคราม"),
    "Chalermprakiat Ror 9": ("Chaloem Phra Kiat Ro 9 Road", "ถนนเฉลิมพระเกียรติ ร.9"),
    "Yaowarat Road": ("Yaowarat Road", "ถนนเยาวราช"),
    "Yaowarad Road": ("Yaowarat Road", "ถนนเยาวราช"),
    "Phuket Road": ("Phuket Road", "ถนนภูเก็ต"),
    "Phra Phuket Kaeo Road": ("Phra Phuket Kaeo Road", "ถนนพระภูเก็ตแก้ว"),
    "Chao Fa Road": ("Chao Fa Road", "ถนนเจ้าฟ้า"),
    "Chaofa Road": ("Chao Fa Road", "ถนนเจ้าฟ้า"),
    "Sakdidej Road": ("Sakdidet Road", "ถนนศักดิเดช"),
    "Sakdidejana Soi 7": ("Soi Sakdidet 7", "ซอยศักดิเดช 7"),
    "Patak Road": ("Patak Road", "ถนนปฏัก"),
    "Prachanukhro Road": ("Prachanukhro Road", "ถนนประชานุเคราะห์"),
    "Mae Luan Road": ("Mae Luan Road", "ถนนแม่หลวน"),
    "Wiset Road": ("Wiset Road", "ถนนวิเศษ"),
    "Viset Road": ("Wiset Road", "ถนนวิเศษ"),
    "Chao Fa Suan Luang Road": ("Chao Fa Suan Luang Road", "ถนนเจ้าฟ้าสวนหลวง"),
    "Chao Fa Dao Rung Road": ("Chao Fa Dao Rung Road", "ถนนเจ้าฟ้าดาวรุ่ง"),
    "Sirirat Road": ("Sirirat Road", "ถนนสิริราชย์"),
    "Kra Road": ("Kra Road", "ถนนกระ"),
    "Phra Barami Road": ("Phra Barami Road", "ถนนพระบารมี"),
    "Phra Metta Road": ("Phra Metta Road", "ถนนพระเมตตา"),
    "Bangkok Road": ("Krung Thep Road", "ถนนกรุงเทพ"),
    "Surin circle": ("Surin Circle", "วงเวียนสุรินทร์"),
    "Karon Circle": ("Karon Circle", "วงเวียนกะรน"),
    "Kaimook Andaman Cicle": ("Khai Muk Andaman Circle", "วงเวียนไข่มุกอันดามัน"),
    "Khwang Road": ("Khwang Road", "ถนนขวาง"),
    "Darasamut Underpass": ("Darasamut Underpass", "ทางลอดดาราสมุทร"),
    "Samkong Underpass": ("Sam Kong Underpass", "ทางลอดสามกอง"),
    "Chalong Underpass": ("Chalong Underpass", "ทางลอดห้าแยกฉลอง"),
    "Underpass at Phuket Airport Intersection": (
        "Phuket Airport Intersection Underpass",
        "ทางลอดทางแยกเข้าสนามบินภูเก็ต",
    ),
    "Wirat Hongyok Road": ("Wirat Hong Yok Road", "ถนนวิรัชหงษ์หยก"),
    "Srisuntorn Road": ("Si Sunthon Road", "ถนนศรีสุนทร"),
    "Srisoonthorn Rd": ("Si Sunthon Road", "ถนนศรีสุนทร"),
    "Soi Phatthana 3": ("Soi Phatthana 3", "ซอยพัฒนา 3"),
    "Phun Phon Road": ("Phun Phon Road", "ถนนพูนผล"),
    "Rasada Road": ("Ratsada Road", "ถนนรัษฎา"),
    "Thaweewong Road": ("Thawi Wong Road", "ถนนทวีวงศ์"),
    "Kata-Sai Yuan": ("Kata-Sai Yuan Road", "ถนนกะตะ-ไสยวน"),
    "Kata-Sai Yuan Rd.": ("Kata-Sai Yuan Road", "ถนนกะตะ-ไสยวน"),
    "Pasak-Koktanod Road": ("Pa Sak-Khok Tanot Road", "ถนนป่าสัก-โคกโตนด"),
    "Bandon-Koktahnod Road": ("Ban Don-Khok Tanot Road", "ถนนบ้านดอน-โคกโตนด"),
    "Bandon-Cherngtalay Rd.": ("Ban Don-Choeng Thale Road", "ถนนบ้านดอน-เชิงทะเล"),
    "Don Chorm Thao Road": ("Don Chom Thao Road", "ถนนดอนจอมเฒ่า"),
    "Thungkhar Rd": ("Thung Kha Road", "ถนนทุ่งคา"),
    "Nuumtoktonsai Road (Tonsai Waterfall Road)": ("Namtok Ton Sai Road", "ถนนน้ำตกโตนไทร"),
    "Kamala Main Road": ("Kamala Main Road", ""),
    "Yotha Road": ("Yotha Road", ""),
    "Thep Si Sin Road": ("Thep Si Sin Road", ""),
}
_HIGHWAY = re.compile(r"\d{3,4}")
_RURAL = re.compile(r"(ภก|พง)\.(\d{4})")


def road_name(name: str, ref: str) -> tuple[str, str]:
    """(Thai, English) of a road; a road without a name takes that of its number, or none ("", "")."""
    if name in ROADS:
        english, thai = ROADS[name]
        return thai, english
    for text in (name, ref):
        if _HIGHWAY.fullmatch(text):
            return f"ทางหลวงหมายเลข {text}", f"Highway {text}"
        if _RURAL.fullmatch(text):
            code = {"ภก": "Pho Ko", "พง": "Pho Ngo"}[text.split(".")[0]]
            return f"ทางหลวงชนบท {text}", f"Rural Road {code}.{text.split('.')[1]}"
    return "", ("" if name in ("", "Primary", "Secondary") else name)


# Words of the accident register, as the police and the Department of Highways write them in Thai.
VEHICLE_TH = {
    "motorcycle": "รถจักรยานยนต์",
    "private/passenger car": "รถยนต์นั่งส่วนบุคคล",
    "4-wheel pickup truck": "รถกระบะ 4 ล้อ",
    "pedestrian": "คนเดินเท้า",
    "van": "รถตู้",
    "large truck with trailer": "รถพ่วง",
    "6-wheel truck": "รถบรรทุก 6 ล้อ",
    "7-10-wheel truck": "รถบรรทุก 7-10 ล้อ",
    "bicycle": "รถจักรยาน",
    "passenger pickup truck": "รถสองแถว",
    "large passenger vehicle": "รถโดยสารขนาดใหญ่",
    "motorized tricycle": "รถสามล้อเครื่อง",
    "tractor/agricultural vehicle": "รถแทรกเตอร์",
    "other": "รถอื่น ๆ",
}
ACCIDENT_TH = {
    "rollover/fallen on straight road": "พลิกคว่ำบนทางตรง",
    "rollover/fallen on curved road": "พลิกคว่ำบนทางโค้ง",
    "rear-end collision": "ชนท้าย",
    "head-on collision (not overtaking)": "ชนประสานงา",
    "collision with obstruction (on road surface)": "ชนสิ่งกีดขวาง",
    "pedestrian collision": "ชนคนเดินเท้า",
    "collision at intersection corner": "ชนบริเวณทางแยก",
    "other": "อุบัติเหตุอื่น ๆ",
    "side collision": "ชนด้านข้าง",
    "collision during overtaking": "ชนขณะแซง",
}
# The same words for people who read English; the register's own words stay in the attributes.
VEHICLE_EN = {
    "private/passenger car": "car",
    "4-wheel pickup truck": "pickup truck",
    "large truck with trailer": "truck with trailer",
    "large passenger vehicle": "coach",
    "other": "other vehicle",
}
ACCIDENT_EN = {
    "rollover/fallen on straight road": "Rollover on a straight road",
    "rollover/fallen on curved road": "Rollover on a bend",
    "head-on collision (not overtaking)": "Head-on collision",
    "collision with obstruction (on road surface)": "Collision with an obstruction",
    "pedestrian collision": "Pedestrian hit",
    "collision at intersection corner": "Collision at an intersection",
    "other": "Other accident",
}
