"""Monthly series of tourism and of the airport."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from citypack.common import Part, number, read_csv
from citypack.series import Series, sums


def build(root: Path) -> list[Part]:
    return [_tourism(root), _airport(root)]


def _tourism(root: Path) -> Part:
    part = Part(
        "tourism-monthly",
        {"th": "การท่องเที่ยวรายเดือน", "en": "Tourism by month"},
        dataset="statistics",
        authority="Ministry of Tourism and Sports",
        date="2019-01/2023-02",
        kind="reported",
        origin="Kaggle 'Thailand domestic tourism 2019–2023', via nklamann/sql-seal-demo-vault",
        licence="Thai open government data",
        attribution="กระทรวงการท่องเที่ยวและกีฬา",
    )
    add = Series(part).add
    values: dict[str, list[tuple[str, Any]]] = {}
    for row in read_csv(root / "tourism-economy/phuket_tourism_monthly_2019_2023.csv"):
        values.setdefault(row["variable"], []).append((row["date"][:7], number(row["value"])))
    for code, names, unit, key in (
        ("visitors-monthly", ("ผู้เยี่ยมเยือนรายเดือน", "Visitors, monthly"), "person", "no_tourist"),
        (
            "tourism-revenue-monthly",
            ("รายได้จากการท่องเที่ยวรายเดือน", "Tourism revenue, monthly"),
            "MTHB",
            "net_profit",
        ),
    ):
        parts = {"thai": values[f"{key}_thai"], "foreign": values[f"{key}_foreign"]}
        add(code, names, unit, values[f"{key}_all"], step="P1M", by="nationality", parts=parts)
    add(
        "guests-monthly",
        ("ผู้เข้าพักรายเดือน", "Hotel guests, monthly"),
        "person",
        values["no_tourist_occupied"],
        step="P1M",
    )
    add(
        "hotel-occupancy-monthly",
        ("อัตราการเข้าพักรายเดือน", "Hotel occupancy, monthly"),
        "percent",
        values["occupancy_rate"],
        step="P1M",
    )
    return part


def _airport(root: Path) -> Part:
    part = Part(
        "airport-monthly",
        {"th": "ท่าอากาศยานภูเก็ตรายเดือน", "en": "Phuket Airport by month"},
        dataset="statistics",
        authority="Airports of Thailand PLC",
        date="2022-01/2024-12",
        kind="reported",
        origin="AOT statistics via Mathieu1704/phuket-traffic-llm (facts only)",
        licence="published statistics (facts)",
        attribution="บริษัท ท่าอากาศยานไทย จำกัด (มหาชน)",
        notes=["Passengers of 2024 are unknown (the copy repeated 2023)."],
    )
    add = Series(part).add
    rows = read_csv(root / "tourism-economy/hkt_airport_monthly_2022_2024.csv")
    columns = {c: [(r["month"], number(r[c])) for r in rows] for c in rows[0] if c != "month"}
    flights = {
        f"{scope}.{way}": columns[f"{a}_{b}_flights"]
        for a, scope in (("intl", "international"), ("dom", "domestic"))
        for b, way in (("arr", "arriving"), ("dep", "departing"))
    }
    add(
        "airport-flights-monthly",
        ("เที่ยวบินรายเดือน", "Flights, monthly"),
        "flight",
        sums(flights),
        step="P1M",
        by="scope.direction",
        parts=flights,
    )
    people = {"international": columns["intl_pax"], "domestic": columns["dom_pax"]}
    add(
        "airport-passengers-monthly",
        ("ผู้โดยสารรายเดือน", "Airport passengers, monthly"),
        "person",
        sums(people),
        step="P1M",
        by="scope",
        parts=people,
    )
    return part
