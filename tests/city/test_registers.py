"""Laws of registers: rows follow the pack until somebody edits them, and nothing that is stored stops a start."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.broker.entity.build import entity, js, lang, prop
from andaman.broker.model import OpKind, WriteOp
from andaman.city import pack as packs
from andaman.city.registers import Registers, SeedRows, digest
from andaman.city.seeding import follow_seed
from andaman.command.incident_types import INCIDENT_TYPES, UNIT_TYPES
from andaman.form import RowRefused
from andaman.identity.model import system_actor
from andaman.rooms import ROOMS
from tests.support import client, platform, run

REGISTERS = [register for room in ROOMS for register in room.registers]
CITIES = sorted(one.parent.name for one in Path(packs.__file__).parent.glob("*/registers"))
codes = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"))


@pytest.mark.parametrize("city", CITIES)
def test_every_row_that_a_pack_brings_is_readable_and_refers_to_rows_that_are_there(city: str) -> None:
    seeds = SeedRows(None if city == "base" else packs.load_pack(city))
    rows = {register.name: seeds.rows(register) for register in REGISTERS}
    for register in REGISTERS:
        for code, row in rows[register.name].items():
            raw = register.json(row)
            assert register.read(raw) == row
            for field, other, named in register.form.codes_in(raw):
                assert named in rows[other], (register.name, code, field)


@given(codes, codes, codes)
def test_an_edited_row_stays_and_an_untouched_one_follows(
    seed: dict[str, str], before: dict[str, str], now: dict[str, str]
) -> None:
    plan = follow_seed(seed, before, now)
    for code in {*seed, *before, *now}:
        untouched = code in before and now.get(code) == before[code]
        fresh = code in seed and code not in before and code not in now
        assert (code in plan.write) == (fresh or (untouched and code in seed and seed[code] != now[code]))
        assert (code in plan.delete) == (untouched and code not in seed)
    after = {code: one for code, one in now.items() if code not in plan.delete}
    after |= {code: seed[code] for code in plan.write}
    again = follow_seed(seed, plan.marker, after)
    assert not again.write
    assert not again.delete


async def _rows(http: Any, name: str) -> dict[str, Any]:
    answer = await http.get(f"/api/registers/{name}")
    assert answer.status_code == 200, answer.text
    return {row["code"]: row for row in answer.json()["rows"]}


def test_upgrade_follows_the_pack_where_nobody_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edited rows stay, deleted ones stay deleted, the others follow the new edition of the pack."""
    brought = packs._register

    async def work() -> None:
        async with platform(tmp_path) as app, client(app, "administrator") as http:
            rows = await _rows(http, "incident-types")
            assert list(rows) == [row["code"] for row in packs.base_register("incident-types")]
            mine = {**rows["fire"]["row"], "name": {"th": "ไฟไหม้", "en": "Our fire"}}
            answer = await http.put("/api/registers/incident-types/fire?reason=why", json=mine)
            assert answer.json()["row"]["name"]["en"] == "Our fire"
            assert (await http.delete("/api/registers/incident-types/flood?reason=why")).status_code == 204
            types = {one["code"]: one for one in (await http.get("/api/command/incident-types")).json()}
            assert types["fire"]["name"]["en"] == "Our fire"
            assert "flood" not in types

        def newer(folder: Any, name: str) -> Any:
            rows = brought(folder, name)
            if rows is None or name != "incident-types":
                return rows
            rows = [{**row, "name": {"th": "ใหม่", "en": f"New {row['code']}"}} for row in rows]
            return [row for row in rows if row["code"] != "medical"] + [{**rows[0], "code": "added"}]

        monkeypatch.setattr(packs, "_register", newer)
        async with platform(tmp_path) as app, client(app, "administrator") as http:
            rows = await _rows(http, "incident-types")
            names = {code: row["row"]["name"]["en"] for code, row in rows.items()}
            assert names["fire"] == "Our fire"
            assert names["other"] == "New other"
            assert "added" in names
            assert not {"flood", "medical"} & names.keys()

    run(work)


def test_an_unreadable_row_is_set_aside_and_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app:
            docs = [
                entity("urn:ngsi-ld:UnitType:broken", "UnitType", name=prop(7), travels=prop("by air")),
                entity("urn:x:other-form", "UnitType", name=lang(th="ก", en="A")),
                entity("urn:ngsi-ld:RegisterSeed:incident-types", "RegisterSeed", digests=js([1])),
            ]
            ops = [WriteOp(OpKind.UPSERT_REPLACE, doc["id"], doc) for doc in docs]
            await app.broker.must_write(ops, system_actor("test"))
            assert "broken" not in app.get(Registers).rows(UNIT_TYPES)
        with caplog.at_level(logging.WARNING):
            async with platform(tmp_path) as app, client(app, "operator") as http:
                rows = await _rows(http, "unit-types")
                assert [error["field"] for error in rows["broken"]["errors"]] == ["name", "travels"]
                page = (await http.get("/api/definitions/unit-types")).json()
                listed = {one["key"]: one for one in page["definitions"]}
                assert listed["broken"]["document"] == {"name": 7, "travels": "by air"}
                assert listed["broken"]["errors"] == rows["broken"]["errors"]
                assert "broken" not in app.get(Registers).rows(UNIT_TYPES)
                assert len(app.get(Registers).rows(INCIDENT_TYPES)) > 5
        assert "the row broken is set aside" in caplog.text

    run(work)


def test_a_form_says_what_is_wrong_field_by_field(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, client(app, "administrator") as http:
            wrong = {
                "name": {"th": "ก", "en": " "},
                "category": "Zoo",
                "unitTypes": ["spaceship"],
                "depth": 3,
            }
            answer = await http.put("/api/registers/incident-types/new?reason=why", json=wrong)
            assert answer.status_code == 400
            errors = {error["field"]: error["code"] for error in answer.json()["errors"]}
            assert errors == {
                "depth": "no-such-field",
                "name": "field-missing",
                "category": "not-a-choice",
            }
            named = {"name": {"th": "ก", "en": "A"}, "category": "Other", "unitTypes": ["spaceship"]}
            answer = await http.put("/api/registers/incident-types/new?reason=why", json=named)
            assert [error["code"] for error in answer.json()["errors"]] == ["code-unknown"]
            assert (
                await http.put("/api/registers/incident-types/a%20b?reason=why", json=named)
            ).status_code == 400
            assert (await http.get("/api/registers/incident-types/new")).status_code == 404
            assert (await http.get("/api/registers/nothing")).status_code == 404
        async with platform(tmp_path) as app, client(app, "dispatcher") as http:
            answer = await http.put(
                "/api/registers/incident-types/new?reason=why", json=named | {"unitTypes": []}
            )
            assert answer.status_code == 403
            assert (await http.delete("/api/registers/incident-types/fire?reason=why")).status_code == 403
            assert (await http.get("/api/registers")).status_code == 200
        async with platform(tmp_path) as app, client(app) as http:
            assert (await http.get("/api/registers/incident-types")).status_code in (401, 403)

    run(work)


def test_started_without_its_pack_the_city_keeps_its_rows(tmp_path: Path) -> None:
    """Only what the registers of the pack bring is compared: the pack's places need not be there."""

    async def work() -> None:
        async with platform(tmp_path) as app:
            seeds = SeedRows(packs.load_pack("phuket"))
            registers = Registers(app.broker, [UNIT_TYPES], seeds)
            await registers.start()
            assert registers.rows(UNIT_TYPES) == seeds.rows(UNIT_TYPES)
            without = Registers(app.broker, [UNIT_TYPES], SeedRows())
            await without.start()
            assert without.rows(UNIT_TYPES) == seeds.rows(UNIT_TYPES)

    run(work)


def test_json_of_a_pack_is_in_one_form() -> None:
    """Files are written as ``json.dumps(rows, ensure_ascii=False, indent=1)`` writes them, so that a change is a small one."""
    for file in Path(packs.__file__).parent.glob("*/registers/*.json"):
        text = file.read_text("utf-8")
        assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1) + "\n", file


def test_a_row_that_cannot_be_read_has_a_digest() -> None:
    with pytest.raises(RowRefused):
        UNIT_TYPES.read({"code": "x"})
    assert digest(UNIT_TYPES, {"code": "x"}) != digest(UNIT_TYPES, {"code": "y"})
