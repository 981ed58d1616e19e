"""Road accidents on national and rural highways, 2019 to 2022."""

from __future__ import annotations

from pathlib import Path

from citypack.common import Part, lang, point, prop, read_csv, urn, utc
from citypack.names import ACCIDENT_EN, ACCIDENT_TH, VEHICLE_EN, VEHICLE_TH

AGENCIES = {"department of highways": "doh", "department of rural roads": "drr"}


def build(root: Path) -> list[Part]:
    part = Part(
        "road-accidents",
        {"th": "อุบัติเหตุบนทางหลวง พ.ศ. 2562–2565", "en": "Road accidents on highways 2019–2022"},
        dataset="road-accidents",
        authority="Ministry of Transport: Department of Highways, Department of Rural Roads",
        origin="MOT open data (Kaggle copy), via mahbubchula/Thai-AccidentIQ-AI (MIT)",
        licence="Thai open government data (copy CC BY-type)",
        date="2019-01-01/2022-12-31",
        kind="reported",
        attribution="กระทรวงคมนาคม (กรมทางหลวง กรมทางหลวงชนบท)",
        notes=[
            "444 accidents with 37 deaths and 245 injured. City streets are absent: these are highways only."
        ],
    )
    for row in sorted(
        read_csv(root / "traffic-safety/phuket_road_accidents_2019_2022.csv"),
        key=lambda r: (r["incident_datetime"], r["acc_code"]),
    ):
        at = utc(row["incident_datetime"])
        vehicle, kind = row["vehicle_type"], row["accident_type"]
        part.entity(
            urn("RoadAccident", f"phuket-{row['acc_code']}"),
            "RoadAccident",
            "/safety/accident",
            name=lang(
                f"{ACCIDENT_TH[kind]} {VEHICLE_TH[vehicle]} สาย {row['route']}",
                f"{ACCIDENT_EN.get(kind, kind.capitalize())}, {VEHICLE_EN.get(vehicle, vehicle)}",
            ),
            accidentDate=prop(at),
            deaths=prop(int(row["number_of_fatalities"]), at),
            injured=prop(int(row["number_of_injuries"]), at),
            vehicleType=prop(vehicle),
            vehicleCount=prop(int(row["number_of_vehicles_involved"])),
            presumedCause=prop(row["presumed_cause"]),
            accidentType=prop(kind),
            weatherType=prop(row["weather_condition"]),
            roadDescription=prop(row["road_description"]),
            slopeDescription=prop(row["slope_description"]),
            roadSection=prop(row["route"]),
            agency=prop(AGENCIES[row["agency"]]),
            location={**point(float(row["longitude"]), float(row["latitude"])), "observedAt": at},
        )
    return [part]
