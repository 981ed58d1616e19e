"""Law: the platform is for any city. Every pack starts all of it, and its own kinds of incident and unit are at work."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from andaman.broker.entity.build import iri, value
from andaman.catalogue.seed import default_datasets
from andaman.city import pack as packs
from andaman.city.pack import Pack, load_pack
from andaman.command.incident_types import INCIDENT_TYPES, UNIT_TYPES
from andaman.command.service import CommandService
from andaman.identity.model import FULL_ACCESS
from andaman.rooms import TYPES
from tests.support import client, platform, run

CITIES = sorted(one.parent.name for one in Path(packs.__file__).parent.glob("*/manifest.json"))
"""Names of the packs."""


def test_there_is_a_second_city_and_it_says_that_it_is_invented() -> None:
    assert {"phuket", "minicity"} <= set(CITIES)
    pack = load_pack("minicity")
    assert "invented" in pack.name["en"]
    assert "สมมติ" in pack.name["th"]
    for doc in pack.iter_docs():
        assert value(doc, "origin") == "simulated", doc["id"]
        assert "invented" in value(doc, "source")
        assert "invented" in value(doc, "name")["en"], doc["id"]
    for part in pack.manifest["parts"]:
        assert "invented" in part["title"]["en"]
    for name in ("agencies", "unit-types", "incident-types", "alert-rules", "drill-scenarios"):
        for row in pack.register(name):
            assert "invented" in row["name"]["en"]


@pytest.mark.parametrize("city", CITIES)
def test_a_manifest_counts_what_is_there(city: str) -> None:
    pack = load_pack(city)
    folder = Path(packs.__file__).parent / city
    for _, file in pack._files("entities"):
        content = (folder / file["path"]).read_bytes()
        content = gzip.decompress(content) if file["path"].endswith(".gz") else content
        assert len(content.splitlines()) == file["count"], file["path"]


def _place(pack: Pack) -> list[float]:
    """Where the first hospital is: near a road in every city."""
    hospital = next(doc for doc in pack.iter_docs() if iri("Hospital") in doc["type"])
    at: list[float] = value(hospital, "location")["coordinates"]
    return at


@pytest.mark.parametrize("city", CITIES)
def test_the_whole_platform_works_in_every_city(tmp_path: Path, city: str) -> None:
    """Every readable door answers, an incident of the city's own kind is opened, and a unit of its own is sent."""

    async def work() -> None:
        pack = load_pack(city)
        async with platform(tmp_path, pack=city) as app, client(app, "administrator") as http:
            plain = [
                d.entry
                for d in app.doors
                if d.entry.method == "GET" and "{" not in d.entry.path and not d.entry.socket
            ]
            for entry in plain:
                answer = await http.get(entry.path)
                assert answer.status_code < 500, f"{entry.path}: {answer.text[:200]}"
            assert (await http.get("/api/city")).json()["name"] == pack.name

            types = (await http.get("/api/command/incident-types")).json()
            assert [one["code"] for one in types] == [row["code"] for row in pack.register("incident-types")]
            units = (await http.get("/api/command/unit-types")).json()
            assert [one["code"] for one in units] == [row["code"] for row in pack.register("unit-types")]

            rules = (await http.get("/api/command/rules")).json()
            assert {rule["id"]: rule["error"] for rule in rules} == {
                f"urn:ngsi-ld:AlertRule:{row['code']}": None for row in pack.register("alert-rules")
            }

            body = {
                "incidentType": types[0]["code"],
                "severity": types[0]["severity"],
                "location": {"type": "Point", "coordinates": _place(pack)},
            }
            opened = await http.post("/api/command/incidents", json=body)
            assert opened.status_code == 201, opened.text
            incident = opened.json()["incident"]["id"]
            item = types[0]["checklist"][0]
            noted = await http.post(f"/api/command/incidents/{incident}/notes", json={"item": item})
            assert noted.status_code == 200, noted.text
            nearest = (await http.get(f"/api/command/incidents/{incident}/candidates")).json()
            assert nearest[0]["reason"]["unitType"] in types[0]["unitTypes"]
            sent = await http.post(
                f"/api/command/incidents/{incident}/assignments", json={"unit": nearest[0]["unit"]["id"]}
            )
            assert sent.status_code == 201, sent.text
            assert sent.json()["incident"]["a"]["incidentStatus"] == "dispatched"

    run(work)


@pytest.mark.parametrize("city", CITIES)
def test_every_unit_of_a_pack_is_of_a_kind_in_its_register(city: str) -> None:
    pack = load_pack(city)
    kinds = {row["code"] for row in pack.register("unit-types")}
    found = {value(doc, "unitType") for doc in pack.iter_docs() if iri("EmergencyUnit") in doc["type"]}
    assert found <= kinds


def test_a_second_start_of_a_pack_writes_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path, pack="minicity") as app:
            before = app.broker.seq
            rows = app.get(CommandService).desk.registers
            assert len(rows.rows(UNIT_TYPES)) == len(rows.rows(INCIDENT_TYPES)) == 3
        async with platform(tmp_path, pack="minicity") as app:
            written = list(app.broker.iter_entities([iri("RegisterSeed"), iri("CityPack")], FULL_ACCESS))
            assert len(written) >= 3
            assert app.broker.seq == before

    run(work)


def test_no_file_of_a_small_pack_is_out_of_form() -> None:
    folder = Path(packs.__file__).parent / "minicity"
    text = (folder / "manifest.json").read_text("utf-8")
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1) + "\n"


def test_no_agency_of_phuket_is_in_another_city(tmp_path: Path) -> None:
    """Datasets are published by the city's own agencies, and so are the people of its demo."""
    assert {d.publisher for d in default_datasets(TYPES)} == {"city"}
    pack = load_pack("minicity")
    own = {row["code"] for row in pack.register("agencies")}
    seed = default_datasets(TYPES, pack.publishers)
    assert {d.publisher for d in seed} == {"mc-city", "mc-rescue"} == own
    assert {one.agency for one in pack.demo_accounts} <= own
    assert {one.agency for one in packs.base_demo_accounts()} == {""}

    async def work() -> None:
        async with platform(tmp_path, pack="minicity") as app, client(app, "administrator") as http:
            shown = (await http.get("/api/catalogue/datasets")).json()
            assert {row["publisher"] for row in shown} == own

    run(work)


def test_phuket_publishes_as_before() -> None:
    found = {d.code: d.publisher for d in default_datasets(TYPES, load_pack("phuket").publishers)}
    count = Counter(found.values())
    assert count == {"pk-province": 14, "pk-ddpm": 4, "pksb": 2, "tmd": 1, "doh": 1, "depa": 1}
    assert found["incidents"] == "pk-ddpm"
    assert found["programme"] == "depa"
