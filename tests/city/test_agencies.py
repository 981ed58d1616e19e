"""Laws of the register of agencies: whoever a city names is in it, and releases before lose none."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.entity.build import entity, iri, js, lang, prop, value
from andaman.broker.model import OpKind, WriteOp
from andaman.city import pack as packs
from andaman.city.pack import load_pack
from andaman.identity.model import FULL_ACCESS, system_actor
from tests.support import client, platform, run

CITIES = sorted(one.parent.name for one in Path(packs.__file__).parent.glob("*/manifest.json"))
PATH = "/api/identity/agencies"


@pytest.mark.parametrize("city", CITIES)
def test_every_agency_that_a_pack_names_is_a_row(city: str) -> None:
    """Publishers of datasets, people of the demo, and units."""
    pack = load_pack(city)
    rows = {row["code"]: row for row in pack.register("agencies")}
    named = {*pack.publishers.values(), *(one.agency for one in pack.demo_accounts)}
    named |= {value(doc, "agency") for doc in pack.iter_docs() if iri("EmergencyUnit") in doc["type"]}
    assert named <= rows.keys()
    areas = {doc["id"] for doc in pack.iter_docs() if iri("AdministrativeArea") in doc["type"]}
    assert {area for row in rows.values() for area in row.get("areaServed", ())} <= areas


def test_an_agency_is_created_and_named_by_code(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path, pack="minicity") as app, client(app, "administrator") as http:
            body = {"telephone": "199", "name": {"th": "ก", "en": "A"}, "category": "fire"}
            assert (await http.put("/api/registers/agencies/mc-fire", json=body)).status_code == 200
            new = {"code": "mc-fire", "name": {"th": "ดับเพลิง", "en": "Fire"}}
            assert (await http.post(PATH, json=new)).status_code == 201
            listed = (await http.get(PATH)).json()
            assert [one["code"] for one in listed] == ["mc-city", "mc-fire", "mc-rescue"]
            assert listed[1] == new
            stored = app.broker.get("urn:ngsi-ld:Organization:mc-fire", FULL_ACCESS)
            found = {name: value(stored, name) for name in ("agencyCode", "telephone", "origin", "dataset")}
            assert found == {
                "agencyCode": "mc-fire",
                "telephone": "199",
                "origin": None,
                "dataset": "agencies",
            }
            assert stored["scope"] == ["/agency"]
            assert len((await http.get("/api/definitions/agencies/mc-fire/versions")).json()) == 2
            assert "agency.put" in (await http.get("/api/identity/audit")).text
            for code, name in (("MC Fire", "code-invalid"), ("", "missing")):
                refused = await http.post(PATH, json={**new, "code": code})
                assert refused.status_code == 400
                assert name in refused.json()["code"]
            refused = await http.put("/api/registers/agencies/Mc_Fire", json=body)
            assert [one["code"] for one in refused.json()["errors"]] == ["agency-code-invalid"]

    run(work)


def _as_before(code: str, **more: Any) -> WriteOp:
    """An agency as packs of releases before installed it."""
    row = next(row for row in load_pack("minicity").register("agencies") if row["code"] == code)
    doc = entity(
        f"urn:ngsi-ld:Organization:{code}",
        "Organization",
        ["/agency"],
        name=lang(**row["name"]),
        agencyCode=prop(code),
        category=prop(row["category"]),
        origin=prop(row["origin"]),
        source=prop(row["source"]),
        dataset=prop("agencies"),
        **more,
    )
    return WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc)


@pytest.mark.parametrize("broker_only", [False, True])
def test_agencies_of_a_release_before_become_rows(tmp_path: Path, broker_only: bool) -> None:
    """The pack's stay where they are, and edited ones as they are. Those that only identity.db had are added."""

    async def work() -> None:
        async with platform(tmp_path) as app:
            marker = entity(
                "urn:ngsi-ld:CityPack:minicity",
                "CityPack",
                digest=prop("older"),
                contents=js([f"urn:ngsi-ld:Organization:{code}" for code in ("mc-city", "mc-rescue")]),
            )
            ops = [_as_before("mc-city"), _as_before("mc-rescue", telephone=prop("1669"))]
            ops.append(WriteOp(OpKind.CREATE, marker["id"], marker))
            await app.broker.must_write(ops, system_actor("test"))
        with sqlite3.connect(tmp_path / "identity.db") as db:
            rows = [("mc-rescue", "เก่า", "Old"), ("mc-own", "ของเรา", "Ours")]
            db.executemany("INSERT INTO agency VALUES (?, ?, ?)", rows)
        for _ in range(2):
            async with platform(tmp_path, pack="minicity", broker_only=broker_only) as app:
                async with client(app, "administrator") as http:
                    listed = {one["code"]: one["name"]["en"] for one in (await http.get(PATH)).json()}
                    assert listed == {
                        "mc-city": "Municipality of Mini City (invented)",
                        "mc-own": "Ours",
                        "mc-rescue": "Mini City Rescue Service (invented)",
                    }
                for code, telephone in (("mc-rescue", "1669"), ("mc-city", None)):
                    doc = app.broker.get(f"urn:ngsi-ld:Organization:{code}", FULL_ACCESS)
                    assert value(doc, "telephone") == telephone
        with sqlite3.connect(tmp_path / "identity.db") as db:
            assert db.execute("SELECT count(*) FROM agency").fetchone() == (0,)

    run(work)


AREA = "urn:ngsi-ld:AdministrativeArea:MC01"
USABLE: list[tuple[str, Any, str, Any]] = [
    ("emergencyNumber", "หนึ่งเก้าเก้า", "not-a-telephone-number", "199"),
    ("emergencyNumber", "12", "not-a-telephone-number", "1669"),
    ("telephone", "abc", "not-a-telephone-number", "0 7621 2345 ต่อ 12"),
    ("telephone", "1" * 16, "not-a-telephone-number", "+66 76-212-345 ext. 1"),
    ("localCode", "99999999", "wrong-number-of-digits", "048303020"),
    ("localCode", "๐๔๘๓๐๓๐๒๐", "wrong-number-of-digits", "048303020"),
    ("areaServed", ["ตำบลที่ไม่มีจริง"], "entity-unknown", [AREA]),
    ("areaServed", [AREA, "urn:ngsi-ld:Organization:mc-rescue"], "entity-unknown", [AREA]),
]


def test_what_an_agency_says_of_itself_can_be_used(tmp_path: Path) -> None:
    """Numbers can be dialled, codes are whole, areas exist; and nobody but the writer says where a row comes from."""

    async def work() -> None:
        async with platform(tmp_path, pack="minicity") as app, client(app, "administrator") as http:
            path = "/api/registers/agencies/mc-new"
            for field, wrong, code, right in USABLE:
                body = {"name": {"th": "ก", "en": "A"}, "category": "fire"}
                answer = await http.put(path, json={**body, field: wrong})
                assert answer.status_code == 400, (field, wrong)
                assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [(field, code)]
                answer = await http.put(path, json={**body, field: right})
                assert answer.status_code == 200, answer.text
            stored = app.broker.get("urn:ngsi-ld:Organization:mc-new", FULL_ACCESS)
            assert value(stored, "origin") is None
            answer = await http.put(path, json={**body, "origin": "reported"})
            assert answer.json()["row"]["origin"] == "reported"

    run(work)


def test_a_wrong_number_of_a_release_before_is_read_and_mended_when_it_is_edited(tmp_path: Path) -> None:
    async def work() -> None:
        path = "/api/registers/agencies/mc-rescue"
        async with platform(tmp_path, pack="minicity") as app, client(app, "administrator") as http:
            await app.broker.must_write(
                [_as_before("mc-rescue", telephone=prop("abc"))], system_actor("test")
            )
            row = (await http.get(path)).json()["row"]
            assert row["telephone"] == "abc"
            assert (await http.put(path, json={**row, "category": "health"})).status_code == 400
            assert (await http.put(path, json={**row, "telephone": "199"})).status_code == 200

    run(work)
