"""The province's own statistics, as one KeyPerformanceIndicator a series.

``series`` is ``{"step": "P1M"|"P1Y", "points": [[period, value], …], "parts": {"by": …, "values": {key: points}}}``;
a period is "2024" or "2024-05"; a value that the office has not published is not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from citypack.common import Part, christian_year, js, lang, number, prop, urn

MONTHS = [
    "มกราคม",
    "กุมภาพันธ์",
    "มีนาคม",
    "เมษายน",
    "พฤษภาคม",
    "มิถุนายน",
    "กรกฎาคม",
    "สิงหาคม",
    "กันยายน",
    "ตุลาคม",
    "พฤศจิกายน",
    "ธันวาคม",
]
NATION = {"ชาวไทย": "thai", "ชาวต่างชาติ": "foreign", "รวม": "total"}
VISIT = {"ผู้เยี่ยมเยือน": "visitors", "นักท่องเที่ยว": "tourists", "นักทัศนาจร": "excursionists"}
Points = list[list[Any]]


def period_end(period: str) -> str:
    """The instant at which the period is over, in UTC: what observedAt of the latest value is."""
    year, month = (int(period[:4]), int(period[5:7])) if "-" in period else (int(period), 12)
    year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    last = {
        1: 31,
        2: 31,
        3: 29 if year % 4 == 0 else 28,
        4: 31,
        5: 30,
        6: 31,
        7: 30,
        8: 31,
        9: 31,
        10: 30,
        11: 31,
        12: 30,
    }
    before = (year - 1, 12) if month == 1 else (year, month - 1)
    return f"{before[0]}-{before[1]:02d}-{last[month]:02d}T17:00:00Z"


class Series:
    """Collects one series after another into a part."""

    def __init__(self, part: Part) -> None:
        self.part = part

    def add(
        self,
        code: str,
        names: tuple[str, str],
        unit: str,
        points: Iterable[tuple[str, Any]],
        *,
        step: str = "P1Y",
        by: str = "",
        parts: dict[str, list[tuple[str, Any]]] | None = None,
        note: str = "",
        source: str = "",
    ) -> None:
        known = sorted([period, value] for period, value in points if value is not None)
        series: dict[str, Any] = {"step": step, "points": known}
        if parts:
            series["parts"] = {
                "by": by,
                "values": {
                    key: sorted([p, v] for p, v in rows if v is not None)
                    for key, rows in sorted(parts.items())
                },
            }
        period, value = known[-1]
        attrs: dict[str, Any] = {"source": {"value": source}} if source else {}
        self.part.entity(
            urn("KeyPerformanceIndicator", f"phuket-{code}"),
            "KeyPerformanceIndicator",
            "/statistics",
            name=lang(*names),
            kpiCode=prop(code),
            kpiValue=prop(value, period_end(period)),
            unit=prop(unit),
            calculationPeriod=js({"period": period, "step": step}),
            series=js(series),
            note=prop(note),
            **attrs,
        )


def build(datasets: dict[str, Any]) -> list[Part]:
    return [_government(datasets)]


def _government(sets: dict[str, Any]) -> Part:
    part = Part(
        "provincial-statistics",
        {"th": "สถิติของจังหวัด", "en": "Provincial statistics"},
        dataset="statistics",
        authority="offices of the province, named on each series",
        licence="Thai open government data",
        origin="phuket.gdcatalog.go.th, 18 datasets, copied 28 July 2026",
        date="2015/2025",
        kind="reported",
        attribution="ระบบบัญชีข้อมูลภาครัฐ จังหวัดภูเก็ต",
        notes=[
            "Buddhist years are converted, commas removed; 'รอประมวลผล' (not processed yet) is absent, not zero."
        ],
    )
    add = Series(part).add

    def org(key: str) -> str:
        return str(sets[key]["org"])

    def rows(key: str) -> list[list[str]]:
        found: list[list[str]] = sets[key]["rows"]
        return found

    def year(text: str) -> str:
        return str(christian_year(text))

    for key, code, names, unit in (
        ("visitors", "visitors", ("ผู้มาเยี่ยมเยือน", "Visitors"), "person"),
        (
            "avg-spend",
            "spend-per-visitor",
            ("ค่าใช้จ่ายเฉลี่ยต่อคนของผู้มาเยี่ยมเยือน", "Average spend per visitor"),
            "THB",
        ),
    ):
        groups: dict[str, list[tuple[str, Any]]] = {}
        for _, y, _, kind, nation, value, *_ in rows(key):
            groups.setdefault(f"{VISIT[kind]}.{NATION[nation]}", []).append((year(y), number(value)))
        add(
            code,
            names,
            unit,
            groups["visitors.total"],
            by="visitorKind.nationality",
            parts=groups,
            source=org(key),
        )
    groups = {}
    for _, y, _, nation, value, *_ in rows("stay-length"):
        groups.setdefault(NATION[nation], []).append((year(y), number(value)))
    add(
        "stay-length",
        ("ระยะเวลาพำนักเฉลี่ยของนักท่องเที่ยว", "Average length of stay"),
        "day",
        groups.pop("total"),
        by="nationality",
        parts=groups,
        source=org("stay-length"),
        note="Years still being processed are absent.",
    )
    for key, code, names, unit in (
        ("occupancy", "hotel-occupancy", ("อัตราการเข้าพัก", "Hotel occupancy"), "percent"),
        ("hotels", "registered-hotels", ("โรงแรมและที่พักที่จดทะเบียน", "Registered hotels and lodgings"), "place"),
        (
            "tourist-hotline",
            "tourist-hotline-1155",
            ("รับแจ้งเหตุผ่านสายด่วน 1155", "Tourist hotline 1155 reports"),
            "report",
        ),
        ("over-60", "population-60-plus", ("ประชากรอายุ 60 ปีขึ้นไป", "Population aged 60 and over"), "person"),
    ):
        add(code, names, unit, [(year(r[1]), number(r[3])) for r in rows(key)], source=org(key))
    groups = {}
    for _, y, _, kind, way, value, *_ in rows("airport-pax"):
        scope = {"ภายในประเทศ": "domestic", "ระหว่างประเทศ": "international", "รวม": "total"}[kind]
        direction = {"เข้า": "arriving", "ออก": "departing", "ผ่าน": "transit", "รวม": "total"}[way]
        groups.setdefault(f"{scope}.{direction}", []).append((year(y), number(value)))
    add(
        "airport-passengers",
        ("ผู้โดยสารท่าอากาศยานภูเก็ต", "Airport passengers"),
        "person",
        groups.get("total.total") or groups["total.arriving"],
        by="scope.direction",
        parts=groups,
        source=org("airport-pax"),
    )
    for kind, code, names in (
        ("ปริมาณน้ำผลิต", "water-produced", ("ปริมาณน้ำผลิต (กปภ.)", "Water produced (PWA)")),
        ("ปริมาณน้ำผลิตจ่าย", "water-supplied", ("ปริมาณน้ำผลิตจ่าย (กปภ.)", "Water supplied (PWA)")),
        ("ปริมาณน้ำจำหน่าย", "water-sold", ("ปริมาณน้ำจำหน่าย (กปภ.)", "Water sold (PWA)")),
    ):
        add(
            code,
            names,
            "m3",
            [(year(r[0]), number(r[4])) for r in rows("water-pwa") if r[3] == kind],
            source=org("water-pwa"),
            note="In 2025 more is reported as supplied than as produced; kept as published.",
        )
    local: dict[str, list[tuple[str, Any]]] = {}
    for r in rows("water-localgov"):
        local.setdefault(r[3], []).append((year(r[0]), number(r[6])))
    add(
        "water-local-capacity",
        ("กำลังผลิตประปาท้องถิ่น", "Local water production rate"),
        "m3/h",
        sums(local),
        by="localAuthority",
        parts=local,
        source=org("water-localgov"),
        note="Mai Khao reports 9,576 m³/h, many times its neighbours: probably another unit. Kept as published.",
    )
    for key, code, names, unit in (
        ("waste-generated", "waste-generated", ("ขยะมูลฝอยที่เกิดขึ้น", "Solid waste generated"), "t"),
        ("waste-disposed", "waste-disposed", ("ขยะมูลฝอยที่กำจัดถูกต้อง", "Solid waste correctly disposed"), "t"),
        (
            "waste-households",
            "waste-households",
            ("ครัวเรือนที่ได้รับการเก็บขนขยะ", "Households with waste collection"),
            "household",
        ),
    ):
        local = {}
        for y, _, _, _, authority, value, *_ in rows(key):
            local.setdefault(authority, []).append((year(y), number(value)))
        total = local.pop("รวม", None) or sums(local)
        add(code, names, unit, total, by="localAuthority", parts=local, source=org(key))
    for key, code, names in (
        ("road-deaths", "road-deaths", ("ผู้เสียชีวิตจากอุบัติเหตุทางถนน", "Road deaths")),
        ("road-injuries", "road-injuries", ("ผู้บาดเจ็บจากอุบัติเหตุทางถนน", "Road injuries")),
    ):
        months = [(f"{year(r[1])}-{_month(r[2]):02d}", number(r[4])) for r in rows(key) if r[2] != "รวม"]
        add(
            f"{code}-monthly",
            (f"{names[0]} รายเดือน", f"{names[1]}, monthly"),
            "person",
            months,
            step="P1M",
            source=org(key),
            note="Registered by the provincial police; hospitals count many more injured.",
        )
        add(
            f"{code}-yearly",
            (f"{names[0]} รายปี", f"{names[1]}, yearly"),
            "person",
            [(year(r[1]), number(r[4])) for r in rows(key) if r[2] == "รวม"],
            source=org(key),
            note="Registered by the provincial police; hospitals count many more injured.",
        )
    for kind, code, names in (
        ("เสียชีวิต", "marine-deaths", ("ผู้เสียชีวิตจากอุบัติเหตุทางทะเล", "Marine accident deaths")),
        ("บาดเจ็บ", "marine-injuries", ("ผู้บาดเจ็บจากอุบัติเหตุทางทะเล", "Marine accident injuries")),
    ):
        local = {}
        for _, y, _, authority, what, value, *_ in rows("marine-accidents"):
            if what == kind:
                local.setdefault(authority, []).append((year(y), number(value)))
        add(
            code,
            names,
            "person",
            sums(local),
            by="localAuthority",
            parts=local,
            source=org("marine-accidents"),
            note="An authority without a row in a year is not counted as zero."
            if code == "marine-deaths"
            else "No injured are published for 2025.",
        )
    for kind, code, names in (
        (
            "ผู้ป่วยนอก",
            "hospital-outpatients",
            ("การใช้บริการผู้ป่วยนอก โรงพยาบาลรัฐ", "Outpatient visits, public hospitals"),
        ),
        ("ผู้ป่วยใน", "hospital-inpatients", ("การใช้บริการผู้ป่วยใน โรงพยาบาลรัฐ", "Inpatients, public hospitals")),
    ):
        add(
            code,
            names,
            "person",
            [(year(r[1]), number(r[4])) for r in rows("hospital-load") if r[3] == kind],
            source=org("hospital-load"),
        )
    return part


def _month(text: str) -> int:
    return MONTHS.index(text.replace("กรกฏาคม", "กรกฎาคม")) + 1  # the register misspells July


def sums(parts: dict[str, list[tuple[str, Any]]]) -> list[tuple[str, Any]]:
    """Totals by period; a period counts with the parts that are known."""
    total: dict[str, Any] = {}
    for rows in parts.values():
        for period, value in rows:
            if value is not None:
                total[period] = total.get(period, 0) + value
    return list(total.items())


def load_datasets(root: Path) -> dict[str, Any]:
    text = (root / "gov-stats/phuket_gdcatalog_18_datasets.json").read_text(encoding="utf-8")
    return {item["key"]: item for item in json.loads(text)["datasets"]}


def population_series(datasets: dict[str, Any], people: dict[str, dict[str, int]]) -> Part:
    """The registered population as a series of one point, by district."""
    part = Part(
        "population",
        {"th": "ประชากรจากการทะเบียน", "en": "Registered population"},
        dataset="statistics",
        authority="Department of Provincial Administration (กรมการปกครอง)",
        licence="Thai open government data",
        origin="phuket.gdcatalog.go.th/dataset/phuket001",
        date="as published 2026-04-17",
        kind="reported",
        attribution="กรมการปกครอง",
        notes=["The extract states no year; it is filed under the year before its publication (2025)."],
    )
    parts = {code: [("2025", counts["total"])] for code, counts in people.items() if code != "TH83"}
    Series(part).add(
        "population",
        ("ประชากรจากการทะเบียน", "Registered population"),
        "person",
        [("2025", people["TH83"]["total"])],
        by="area",
        parts=parts,
        source=datasets["population"]["org"],
    )
    return part
