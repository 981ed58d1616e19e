"""Units of measurement by their UN/CEFACT codes, with the signs that people read."""

from __future__ import annotations

from typing import Final

from andaman.kernel.words import Words
from andaman.vocabulary import Unit

KMH: Final = Unit("KMH", Words("กม./ชม.", "km/h"))
KMT: Final = Unit("KMT", Words("กม.", "km"))
MTR: Final = Unit("MTR", Words("ม.", "m"))
MMT: Final = Unit("MMT", Words("มม.", "mm"))
CEL: Final = Unit("CEL", Words("°C", "°C"))
P1: Final = Unit("P1", Words("%", "%"))
SEC: Final = Unit("SEC", Words("วินาที", "s"))
MIN: Final = Unit("MIN", Words("นาที", "min"))
HUR: Final = Unit("HUR", Words("ชม.", "h"))
DD: Final = Unit("DD", Words("°", "°"))
DEG: Final = Unit("DEG", Words("°", "°"))
C62: Final = Unit("C62", Words("", ""))
MTS: Final = Unit("MTS", Words("ม./วินาที", "m/s"))
IE: Final = Unit("IE", Words("ราย", ""))
KMK: Final = Unit("KMK", Words("ตร.กม.", "km²"))
GQ: Final = Unit("GQ", Words("มคก./ลบ.ม.", "µg/m³"))
A97: Final = Unit("A97", Words("เฮกโตปาสคาล", "hPa"))
HPA: Final = Unit("HPA", Words("เฮกโตปาสคาล", "hPa"))
VLT: Final = Unit("VLT", Words("โวลต์", "V"))
THB: Final = Unit("THB", Words("บาท", "THB"))
UNITS: Final = (
    KMH,
    KMT,
    MTR,
    MMT,
    CEL,
    P1,
    SEC,
    MIN,
    HUR,
    DD,
    DEG,
    C62,
    MTS,
    IE,
    KMK,
    GQ,
    A97,
    HPA,
    VLT,
    THB,
)
