"""Make the JSON-LD contexts that the platform carries with it.

``python scripts/make_context.py``            re-resolves and re-sorts the city context ``andaman.jsonld``:
                                              terms of TERMS and of the file itself (so a term may be added by
                                              hand with any value, or here).
``python scripts/make_context.py --from DIR`` also rebuilds the core context and the smart data models' term maps
                                              from DIR/ngsi-ld and DIR/smart-data-models.

A term gets the core context's IRI, else the IRI of a bundled smart data model (first of PREFERRED that has it),
else ``urn:andaman:ns:<term>``.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "src/andaman/broker/contexts/data"
CORE = DATA / "ngsi-ld-core-context-v1.9.jsonld"
MODELS = DATA / "smart-data-models.json"
CITY = DATA / "andaman.jsonld"
OWN = "urn:andaman:ns:"

PREFERRED = [
    "Transportation", "UrbanMobility", "Alert", "Weather", "Environment", "PointOfInterest",
    "KeyPerformanceIndicator", "Device", "RiskManagement", "Organization",
]  # fmt: skip

# Terms that some smart data model uses for another notion.
OWN_TERMS = {
    "Measure",
    "author",
    "origin",
    "exercise",
    "occurrences",
    "parts",
    "note",
    "trip",
    "partOf",
    "series",
}

TERMS = """
AdministrativeArea Coastline RoadSegment PointOfInterest Hospital Clinic PoliceStation FireStation School
PublicTransportStop PublicTransportRoute Vehicle WeatherObserved SeaLevelObserved RoadAccident TidalConstituents
KeyPerformanceIndicator Device DeviceMeasurement AirQualityObserved TrafficFlowObserved WaterObserved
AlertRule Alert Incident TimelineEntry Assignment EmergencyUnit Exercise
IndicatorValue NetworkSite CoverageRun Measure Portfolio Gap Competency StaffRole SkillGap Course CourseStep
LearningRecord DrillRun Objective Deliverable Milestone EvidenceLink Dataset Agency

name location origin source agency dataset datasetCode description category address status
level code areaKm2 population postalCode roadClass ref laneCount length startNode endNode routeCodes
shortRouteCode routeColor timetable vehicleType speed bearing heading serviceStatus refRoute direction nextStop
windSpeed windDirection precipitation precipitation24h visibility weatherType temperature relativeHumidity
atmosphericPressure dewPoint cloudCover tideLevel tideState nextHighTide nextLowTide
accidentDate deaths injured presumedCause accidentType kpiValue calculationPeriod unit constituents
dateObserved value batteryLevel controlledProperty deviceState pm25 pm10 airQualityIndex waterLevel intensity
occupancy averageVehicleSpeed
enabled definition alertStatus severity urgency certainty alertSource rule dateIssued lastSeen occurrences data
acknowledgedBy acknowledgedAt clearedAt closedAt closedBy closeReason refIncident
incidentType incidentStatus priority reporterName reporterPhone refAlert openedAt outcome
entryType params text author at refUnit assignmentStatus etaSeconds routeLengthM reasonChosen assignedAt enRouteAt
onSceneAt clearAt cancelledAt unitType unitStatus homeStation crew exercise
accuracy providedBy quality

Village Organization Pier CityPack osmWay vehicleCount roadDescription slopeDescription roadSection stopCode
nameDerived callSign agencyCode kpiCode series telephone partOf areaServed labelPoint localCode emergencyNumber note
alternateName operator refStops populationMale populationFemale officialAreaKm2 datums epoch digest parts replayOf
publisher license accrualPeriodicity contactPoint theme keyword accessRights classification selector hiddenAttributes
requiredAttributes
refAccident precipitation1h stationCode trip nextHighTideLevel nextLowTideLevel tideLevelMsl uncertaintyM
"""


def build_from(source: Path) -> None:
    """Rebuild the carried-over contexts from the reference folder."""
    core = json.loads((source / "ngsi-ld/ngsi-ld-core-context-v1.9.jsonld").read_text())
    CORE.write_text(json.dumps(core, indent=1) + "\n")
    folder = source / "smart-data-models"
    commits = {row["dataModel"]: row["commit"] for row in csv.DictReader((folder / "INDEX.csv").open())}
    models: dict[str, Any] = {}
    for path in sorted(folder.glob("*/context.jsonld")):
        model = path.parent.name
        terms = json.loads(path.read_text())["@context"]
        models[model] = {"commit": commits.get(model, ""), "terms": dict(sorted(terms.items()))}
    document = {
        "origin": "https://github.com/smart-data-models, one context per data model repository",
        "licence": "CC BY 4.0",
        "models": models,
    }
    MODELS.write_text(json.dumps(document, indent=0, ensure_ascii=False) + "\n")


def _iri(definition: Any) -> str | None:
    return definition if isinstance(definition, str) else None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--from", dest="source", type=Path, help="folder with ngsi-ld/ and smart-data-models/"
    )
    source = parser.parse_args().source
    DATA.mkdir(parents=True, exist_ok=True)
    if source is not None:
        build_from(source)
    core: dict[str, Any] = json.loads(CORE.read_text())["@context"]
    models: dict[str, Any] = json.loads(MODELS.read_text())["models"]
    order = [*PREFERRED, *(name for name in models if name not in PREFERRED)]
    wanted = set(TERMS.split())
    if CITY.exists():
        wanted |= set(json.loads(CITY.read_text())["@context"])
    city: dict[str, str] = {}
    for term in sorted(wanted):
        if term in core:
            continue  # the core context is always there and cannot be redefined
        if term in OWN_TERMS:
            city[term] = OWN + term
            continue
        found = (_iri(models[name]["terms"].get(term)) for name in order if name in models)
        city[term] = next((iri for iri in found if iri), OWN + term)
    lines = ",\n".join(f'    "{term}": "{iri}"' for term, iri in city.items())
    CITY.write_text('{\n  "@context": {\n' + lines + "\n  }\n}\n")
    own = sum(iri.startswith(OWN) for iri in city.values())
    print(f"{len(city)} terms, {own} of our own → {CITY}")


if __name__ == "__main__":
    main()
