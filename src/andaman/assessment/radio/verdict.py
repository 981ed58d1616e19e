"""The conclusion of the 6 GHz comparison: printed only where it holds under both measures and over all ranges.

A case leads at a place when its least share is above the greatest share of the other, by the expected share of people
and by the threshold alike. Otherwise there is no verdict, and the sentence says why: the measures disagree, the ranges
overlap, the threshold does not apply to one of the two, or a case is zero there by its definition and not by a finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from andaman.assessment.constants import words_json
from andaman.kernel.words import Words

PLACES: Final = ("outdoor", "indoor-low-loss", "indoor-high-loss")
RIVALS: Final = ("lower-licence-exempt", "upper-imt")
MEASURES: Final = ("expected", "threshold")
Shares = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any] | None]]]
"""Case → place → measure → {"best", "low", "high"} in percent of people; None where the measure does not apply."""
ZERO_BY_DEFINITION: Final = frozenset({("lower-licence-exempt", "outdoor")})
"""Case and place: the case is indoor Wi-Fi; very-low-power devices outdoors are not modelled."""
PLACE_WORDS: Final = {
    "outdoor": Words("กลางแจ้ง", "Outdoors"),
    "indoor-low-loss": Words("ในอาคารผนังเบา", "In buildings with light walls"),
    "indoor-high-loss": Words("ในอาคารผนังหนาหรือกระจกสะท้อน", "In buildings with heavy walls or coated glass"),
}
NAMES: Final = {
    "lower-today": Words(
        "ย่านล่าง Wi-Fi ในอาคาร ด้วยอุปกรณ์ที่มีในปัจจุบัน", "Lower band, indoor Wi-Fi, devices of today"
    ),
    "lower-licence-exempt": Words(
        "ย่านล่าง 5.925–6.425 กิกะเฮิรตซ์ แบบไม่ต้องรับใบอนุญาต (Wi-Fi ในอาคาร) เมื่อเปลี่ยนอุปกรณ์ครบ",
        "Lower band 5.925–6.425 GHz licence-exempt (indoor Wi-Fi), after renewal of devices",
    ),
    "upper-imt": Words(
        "ย่านบน 6.425–7.125 กิกะเฮิรตซ์ สำหรับโครงข่ายมือถือ (IMT)",
        "Upper band 6.425–7.125 GHz for mobile networks (IMT)",
    ),
    "together": Words("ใช้ทั้งสองย่านร่วมกัน", "Both together"),
}
_SHORT: Final = {
    "lower-licence-exempt": Words("Wi-Fi ย่านล่าง", "Wi-Fi in the lower band"),
    "upper-imt": Words("โครงข่ายมือถือย่านบน", "mobile in the upper band"),
}
_MEASURE_WORDS: Final = {
    "expected": Words("สัดส่วนคาดหมาย", "the expected share"),
    "threshold": Words("เกณฑ์ร้อยละ 90", "the 90 % threshold"),
}
NOTES: Final = {
    "lower-today": Words("สัดส่วนบ้านที่มีอุปกรณ์รองรับเป็นค่าสมมติ", "The share of homes with such devices is assumed."),
    "lower-licence-exempt": Words(
        "สัดส่วนคือสัดส่วนบ้านที่มีสายสัญญาณ ซึ่งเป็นค่าสมมติ ไม่ใช่ผลทางวิทยุ ความเร็วเป็นของคลื่นในแต่ละบ้าน ใช้ได้จริงเท่าที่สายสัญญาณของบ้านรองรับ "
        "ไม่ได้จำลองกลางแจ้ง",
        "The share is that of homes with a fixed line, an assumption and no radio result. The rate is that of the radio link in "
        "each home; the line into the home limits it. Outdoors is not modelled.",
    ),
    "upper-imt": Words(
        "สถานีเป็นค่าสมมติ ปัจจุบันยังไม่มีโครงข่ายในย่านนี้", "Sites are assumed. No network uses the band today."
    ),
    "together": Words(
        "สมมติว่าบ้านที่มีสายสัญญาณกระจายโดยไม่ขึ้นกับสัญญาณมือถือ",
        "Assumes that homes with a line are spread independently of mobile coverage.",
    ),
}


def verdict(place: str, measures: Shares) -> dict[str, Any]:
    """The case that leads at a place under both measures, or None, with the sentence for screens."""
    where = PLACE_WORDS[place]
    if any((case, place) in ZERO_BY_DEFINITION for case in RIVALS):
        text = Words(
            f"{where.th}: ไม่มีข้อสรุป Wi-Fi ย่านล่างในที่นี้หมายถึง Wi-Fi ในอาคารเท่านั้น และไม่ได้จำลองอุปกรณ์กำลังต่ำมากกลางแจ้ง จึงเทียบกันไม่ได้",
            f"{where.en}: no verdict, since Wi-Fi here is indoor by definition; very-low-power devices outdoors are not modelled",
        )
        return _answer(place, None, dict.fromkeys(MEASURES), text)
    leaders = {measure: _leader(place, measure, measures) for measure in MEASURES}
    ahead = {measure: _ahead(place, measure, measures) for measure in MEASURES}
    leader = leaders["expected"] if leaders["expected"] == leaders["threshold"] else None
    if any(measures[case][place][measure] is None for case in RIVALS for measure in MEASURES):
        best = ahead["expected"]
        favours = Words("", "")
        if best is not None:
            favours = Words(
                f" ตาม{_MEASURE_WORDS['expected'].th} {_SHORT[best].th} มากกว่า",
                f"; {_MEASURE_WORDS['expected'].en} favours {_SHORT[best].en}",
            )
        text = Words(
            f"{where.th}: ไม่มีข้อสรุป เกณฑ์ร้อยละ 90 ใช้กับสัดส่วนบ้านที่มีสายสัญญาณไม่ได้{favours.th}",
            f"{where.en}: no verdict, since the 90 % threshold does not apply to a share of homes{favours.en}",
        )
    elif leader is not None:
        text = Words(
            f"{where.th}: {_SHORT[leader].th} ให้บริการคนได้มากกว่า ทั้งสองเกณฑ์และตลอดช่วงค่าทั้งหมด",
            f"{where.en}: {_SHORT[leader].en} serves more people by both measures, over all ranges",
        )
    elif ahead["expected"] != ahead["threshold"]:
        parts = [(_MEASURE_WORDS[m], _SHORT[case]) for m, case in ahead.items() if case is not None]
        thai = " ".join(f"ตาม{m.th} {case.th} ดีกว่า" for m, case in parts)
        english = ", ".join(f"{m.en} favours {case.en}" for m, case in parts)
        text = Words(
            f"{where.th}: ไม่มีข้อสรุป ผลขึ้นกับเกณฑ์ที่ใช้ ({thai})",
            f"{where.en}: no verdict, since the measures disagree ({english})",
        )
    else:
        text = Words(
            f"{where.th}: ไม่มีข้อสรุป ช่วงค่าของสองทางเลือกทับกัน",
            f"{where.en}: no verdict, since the ranges of the two overlap",
        )
    return _answer(place, leader, ahead, text)


def _answer(place: str, leader: str | None, ahead: Mapping[str, str | None], text: Words) -> dict[str, Any]:
    return {
        "place": place,
        "holds": leader is not None,
        "leader": leader,
        "ahead": ahead,
        "text": words_json(text),
    }


def _leader(place: str, measure: str, measures: Shares) -> str | None:
    """The case that leads over all ranges, or None."""
    one, other = (measures[case][place][measure] for case in RIVALS)
    if one is None or other is None:
        return None
    if one["low"] > other["high"]:
        return RIVALS[0]
    return RIVALS[1] if other["low"] > one["high"] else None


def _ahead(place: str, measure: str, measures: Shares) -> str | None:
    """The case with the greater best estimate, or None where they are equal or cannot be compared."""
    one, other = (measures[case][place][measure] for case in RIVALS)
    if one is None or other is None or one["best"] == other["best"]:
        return None
    return RIVALS[int(other["best"] > one["best"])]


def so_what(verdicts: Sequence[Mapping[str, Any]]) -> Words:
    """The meaning for a reader who decides."""
    sure = [(PLACE_WORDS[row["place"]], _SHORT[row["leader"]]) for row in verdicts if row["holds"]]
    undecided = [PLACE_WORDS[row["place"]] for row in verdicts if not row["holds"]]
    thai = [f"{place.th} {case.th} ให้บริการคนได้มากกว่า" for place, case in sure]
    english = [f"{place.en}, {case.en} serves more people." for place, case in sure]
    if undecided:
        thai.append(f"{' และ'.join(place.th for place in undecided)} ตัวเลขนี้ยังตัดสินไม่ได้")
        english.append(
            f"{' and '.join(_lower(place.en, k) for k, place in enumerate(undecided))}, these figures decide nothing."
        )
    return Words(
        " ".join([*thai, "สองย่านเป็นคลื่นคนละช่วง จึงเลือกทั้งสองพร้อมกันได้"]),
        " ".join([*english, "The bands are different spectrum: one choice does not exclude the other."]),
    )


def _lower(text: str, position: int) -> str:
    return text if position == 0 else text[0].lower() + text[1:]
