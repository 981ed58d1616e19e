"""Laws of changes: nobody overwrites what they have not seen, nothing in use goes, and everything says who, when and why."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from andaman.definitions.service import Definitions
from andaman.definitions.store import KIND as STORE
from andaman.definitions.store import VersionStore
from andaman.definitions.versions import (
    By,
    State,
    Version,
    digest_of,
    enforced,
    next_number,
    reconciled,
    standing_of,
)
from andaman.identity.model import system_actor
from andaman.kernel.tables import Store
from tests.definitions.test_definitions import ROLE, draft, signed_in, step
from tests.support import PASSWORD, client, platform, run


async def listed(http: httpx.AsyncClient, kind: str, key: str) -> dict[str, Any]:
    found = (await http.get(f"/api/definitions/{kind}")).json()["definitions"]
    return next(one for one in found if one["key"] == key)


async def post(http: httpx.AsyncClient, path: str, **body: Any) -> httpx.Response:
    return await http.post(f"/api/definitions/{path}/versions", json={"reason": "why", **body})


def test_a_form_that_is_out_of_date_is_refused_with_what_changed(tmp_path: Path) -> None:
    """Two people open the same definition. The second to save learns who was faster and when, and nothing is written."""

    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            signed_in(app, "anan", "administrator") as anan,
            signed_in(app, "busaba", "administrator") as busaba,
        ):
            for kind, key in (("unit-types", "ambulance"), ("incident-types", "fire")):
                path = f"{kind}/{key}"
                opened = await listed(anan, kind, key)
                hers = {**opened["document"], "name": {"th": "ใหม่", "en": "Hers"}}
                made = await post(busaba, path, document=hers, base=opened["digest"])
                await step(busaba, path, made.json()["number"], "enforce")
                before = (await anan.get(f"/api/definitions/{path}/versions")).json()
                his = {**opened["document"], "name": {"th": "เก่า", "en": "His"}}
                refused = (await post(anan, path, document=his, base=opened["digest"])).json()
                assert refused["code"] == "definition-changed"
                assert refused["params"]["name"]["en"] == "Busaba"
                assert refused["params"]["at"] == before[0]["inForceAt"]
                assert refused["current"] == hers
                assert (await anan.get(f"/api/definitions/{path}/versions")).json() == before
                done = await post(anan, path, document=his, base=refused["digest"])
                assert done.status_code == 201  # having seen it
                assert (await post(anan, path, document=his)).json()["field"] == "base"
            put = "/api/registers/unit-types/towTruck"
            row = (await anan.get(put)).json()["row"]
            assert (await anan.put(f"{put}?base=0", json=row)).json()["code"] == "definition-changed"

    run(work)


def test_a_new_definition_never_takes_the_place_of_another(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, signed_in(app, "anan", "administrator") as anan:
            content = {"name": {"th": "รถพยาบาล 2", "en": "Amb2"}}
            refused = (await post(anan, "unit-types/ambulance", document=content, base="")).json()
            assert (refused["code"], refused["field"]) == ("code-taken", "code")
            assert refused["params"]["name"]["en"] == "Ambulance"
            assert (await listed(anan, "unit-types", "ambulance"))["document"] != content
            assert (await post(anan, "unit-types/amb2", document=content, base="")).status_code == 201

    run(work)


RULE = {
    "name": {"en": "Wet", "th": "ฝน"},
    "enabled": True,
    "definition": {
        "select": {"type": "WeatherObserved"},
        "when": {"attr": "precipitation24h", "op": ">=", "value": 35},
        "severity": "Minor",
        "incidentType": "flood",
    },
}


def test_rules_accounts_and_units_keep_what_they_name(tmp_path: Path) -> None:
    """Also against an import; every user is named."""

    async def work() -> None:
        async with platform(tmp_path, pack="phuket") as app, signed_in(app, "anan", "administrator") as anan:
            actor = system_actor("test")
            await app.identity.ensure_user("dara", PASSWORD, ["operator"], actor, name="Dara")
            await app.identity.update_user("dara", actor, agency="pk-police")
            flood = await post(anan, "incident-types/flood", document=None, base="x")
            assert flood.json()["code"] == "definition-in-use"
            users = [one["en"] for one in flood.json()["params"]["users"]]
            assert "Heavy rain in 24 hours (Alert rules)" in users
            assert "Burst of rain (Alert rules)" in users
            police = (await post(anan, "agencies/pk-police", document=None, base="x")).json()
            assert "the account Dara" in {one["en"] for one in police["params"]["users"]}
            file = (await anan.get("/api/config")).json()
            for kind, key in (("incident-types", "flood"), ("agencies", "pk-police")):
                less = {**file["definitions"][kind]}
                del less[key]
                body = {"format": 1, "definitions": {kind: less}}
                answer = await anan.post("/api/config?try=true&delete=true", json=body)
                assert answer.json()["code"] == "definition-in-use", answer.text
                assert (await anan.post("/api/config?try=true", json=body)).json()["changes"] == []
            wrong = {**RULE, "definition": {**RULE["definition"], "incidentType": "tsunamy"}}
            answer = await post(anan, "alert-rules/wet", document=wrong, base="", confirmed=True)
            assert answer.json()["errors"][0]["code"] == "code-unknown"

    run(work)


def test_a_deleted_definition_is_listed_and_comes_back(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, signed_in(app, "anan", "administrator") as anan:
            before = await listed(anan, "incident-types", "drowning")
            assert (
                await post(anan, "incident-types/drowning", document=None, base="", reason="")
            ).status_code == 400
            gone = await post(
                anan, "incident-types/drowning", document=None, base=before["digest"], reason="merged"
            )
            await step(anan, "incident-types/drowning", gone.json()["number"], "enforce")
            deleted = (await anan.get("/api/definitions/incident-types")).json()["deleted"]
            assert [(one["key"], one["by"]["id"], one["reason"]) for one in deleted] == [
                ("drowning", "user:anan", "merged")
            ]
            assert deleted[0]["document"] == before["document"]
            back = await post(anan, "incident-types/drowning", document=deleted[0]["document"], base="")
            await step(anan, "incident-types/drowning", back.json()["number"], "enforce")
            page = (await anan.get("/api/definitions/incident-types")).json()
            assert page["deleted"] == []
            assert (await listed(anan, "incident-types", "drowning"))["document"] == before["document"]

    run(work)


def test_a_first_look_invents_no_time(tmp_path: Path) -> None:
    """A definition that was there before anybody looked was in force by the time of its entity; since when is not known."""

    async def work() -> None:
        async with platform(tmp_path) as app, signed_in(app, "anan", "administrator") as anan:
            (first,) = (await anan.get("/api/definitions/incident-types/fire/versions")).json()
            assert first["inForceAt"] is None
            written = app.get(Definitions).kind("incident-types").place.since("fire")
            assert written is not None
            assert first["noticedAt"] is not None
            again = (await anan.get("/api/definitions/incident-types/fire/versions")).json()
            assert again == [first]
            assert (await anan.get("/api/definition-changes")).json() == []

    run(work)


def test_the_latest_changes_say_who_when_and_why(tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            signed_in(app, "anan", "administrator") as anan,
            signed_in(app, "busaba", "administrator") as busaba,
            client(app, "operator") as chai,
        ):
            fire = (await listed(anan, "incident-types", "fire"))["document"]
            no_reason = await post(anan, "incident-types/fire", document=fire, base="", reason="")
            assert no_reason.json()["field"] == "reason"
            made = await draft(anan, "incident-types/fire", {**fire, "severity": "Minor"})
            await step(busaba, "incident-types/fire", made["number"], "enforce")
            file = (await anan.get("/api/config")).json()
            file["definitions"]["unit-types"]["towTruck"]["name"]["en"] = "Recovery"
            token = (await anan.post("/api/config?try=true", json=file)).json()["token"]
            url = f"/api/config?token={token}&reason=yearly+review&file=city.json"
            assert (await anan.post(url, json=file)).is_success
            await draft(anan, "roles/shiftLead", ROLE)
            rows = (await anan.get("/api/definition-changes")).json()
            assert [(one["kind"], one["key"]) for one in rows] == [
                ("roles", "shiftLead"), ("unit-types", "towTruck"), ("incident-types", "fire"),
            ]  # fmt: skip
            assert rows[1]["version"]["file"] == "city.json"
            assert len(rows[1]["version"]["fileDigest"]) == 64
            assert rows[1]["version"]["reason"] == "yearly review"
            assert rows[2]["version"]["author"]["id"] == "user:anan"
            assert rows[2]["version"]["enforcedBy"]["name"] == "Busaba"
            only = (await anan.get("/api/definition-changes?kind=incident-types")).json()
            assert [one["key"] for one in only] == ["fire"]
            older = await anan.get(f"/api/definition-changes?before={rows[0]['changedAt']}")
            assert older.json() == rows[1:]
            assert "roles" not in {one["kind"] for one in (await chai.get("/api/definition-changes")).json()}

    run(work)


def test_an_import_does_what_its_preview_said_or_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, signed_in(app, "anan", "administrator") as anan:
            file = (await anan.get("/api/config")).json()
            file["definitions"]["unit-types"]["towTruck"]["name"]["en"] = "Recovery"
            kept = file["definitions"]["incident-types"].pop("drowning")
            would = (await anan.post("/api/config?try=true", json=file)).json()
            assert [one["key"] for one in would["changes"]] == ["towTruck"]  # what the file lacks stays
            row = (await anan.get("/api/registers/unit-types/ambulance")).json()["row"]
            changed = {**row, "name": {"th": "ก", "en": "A"}}
            assert (await anan.put("/api/registers/unit-types/ambulance", json=changed)).is_success
            url = f"/api/config?token={would['token']}&reason=x"
            before = (await anan.get("/api/config")).json()
            assert (await anan.post(url, json=file)).json()["code"] == "config-changed"
            token = (await anan.post("/api/config?try=true", json=file)).json()["token"]
            other = {**file, "definitions": {**file["definitions"], "unit-types": {}}}
            url = f"/api/config?token={token}&reason=x"
            assert (await anan.post(url, json=other)).json()["code"] == "config-changed"
            assert (await anan.post(f"{url}&delete=true", json=file)).json()["code"] == "config-changed"
            assert (await anan.get("/api/config")).json() == before
            delete = (await anan.post("/api/config?try=true&delete=true", json=file)).json()
            assert ("drowning", "delete") in [(one["key"], one["step"]) for one in delete["changes"]]
            assert kept

    run(work)


def test_all_faults_of_a_file_are_said_at_once_in_both_languages(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, signed_in(app, "anan", "administrator") as anan:
            file = (await anan.get("/api/config")).json()
            file["definitions"]["incident-types"]["fire"]["category"] = "songs"
            file["definitions"]["unit-types"]["towTruck"]["travels"] = "air"
            del file["definitions"]["unit-types"]["ambulance"]["name"]
            refused = (await anan.post("/api/config?try=true", json=file)).json()
            assert {one["place"] for one in refused["errors"]} == {
                "definitions/incident-types/fire/category",
                "definitions/unit-types/towTruck/travels",
                "definitions/unit-types/ambulance/name",
            }
            assert all(one["words"]["th"] and one["words"]["en"] for one in refused["errors"])

    run(work)


def test_the_city_sets_which_kinds_need_a_second_person(tmp_path: Path) -> None:
    """Rules may always be sent for review. Once the city says that they must, nobody alone puts one into force. The setting
    itself needs two people, and those of roles cannot be switched off."""

    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            signed_in(app, "anan", "administrator") as anan,
            signed_in(app, "busaba", "administrator") as busaba,
        ):
            made = await post(anan, "alert-rules/wet", document=RULE, base="", confirmed=True)
            assert made.status_code == 201, made.text
            asked = await step(anan, "alert-rules/wet", 1, "propose")
            assert (await step(anan, "alert-rules/wet", 1, "enforce", 409))["code"] == "review-needed"
            url = f"/api/approvals/{asked['proposal']}/approve"
            assert (await anan.post(url, json={"digest": asked["digest"]})).status_code == 403
            done = (await busaba.post(url, json={"digest": asked["digest"]})).json()
            assert (done["state"], done["waits"]) == ("done", True)
            await step(anan, "alert-rules/wet", 1, "enforce")
            assert (await anan.get(f"/api/approvals/{asked['proposal']}")).json()["waits"] is False

            assert (
                await post(anan, "change-control/roles", document={"review": False}, base="")
            ).status_code == 404
            await draft(anan, "change-control/unit-types", {"review": True, "reason": True})
            assert (await step(anan, "change-control/unit-types", 2, "enforce", 409))[
                "code"
            ] == "review-needed"
            asked = await step(anan, "change-control/unit-types", 2, "propose")
            url = f"/api/approvals/{asked['proposal']}/approve"
            await busaba.post(url, json={"digest": asked["digest"]})
            await step(anan, "change-control/unit-types", 2, "enforce")
            row = (await anan.get("/api/registers/unit-types/towTruck")).json()["row"]
            put = await anan.put("/api/registers/unit-types/towTruck", json={**row, "travels": "water"})
            assert put.json()["code"] == "review-needed"
            one = await draft(anan, "unit-types/towTruck", {"name": row["name"]})
            answer = await step(anan, "unit-types/towTruck", one["number"], "enforce", 409)
            assert answer["code"] == "review-needed"
        async with platform(tmp_path) as app:
            definitions = app.get(Definitions)
            assert definitions.control.needs_review(definitions.kind("unit-types"))

    run(work)


def test_a_proposal_that_is_out_of_date_says_so_and_is_not_approved(tmp_path: Path) -> None:
    async def work() -> None:
        async with (
            platform(tmp_path) as app,
            signed_in(app, "anan", "administrator") as anan,
            signed_in(app, "busaba", "administrator") as busaba,
        ):
            asked = []
            for severity in ("Minor", "Severe"):
                fire = (await listed(anan, "incident-types", "fire"))["document"]
                made = await draft(anan, "incident-types/fire", {**fire, "severity": severity})
                asked.append(await step(anan, "incident-types/fire", made["number"], "propose"))
            urls = [f"/api/approvals/{one['proposal']}" for one in asked]
            await busaba.post(f"{urls[0]}/approve", json={"digest": asked[0]["digest"]})
            await step(busaba, "incident-types/fire", 2, "enforce")
            assert (await busaba.get(urls[1])).json()["outdated"] is True
            refused = await busaba.post(f"{urls[1]}/approve", json={"digest": asked[1]["digest"]})
            assert refused.json()["code"] == "proposal-outdated"
            assert (await busaba.get(urls[1])).json()["state"] == "open"

    run(work)


def test_probable_mistakes_in_a_rule_are_confirmed(tmp_path: Path) -> None:
    async def work() -> None:
        async with platform(tmp_path) as app, signed_in(app, "anan", "administrator") as anan:
            refused = await post(anan, "alert-rules/wet", document=RULE, base="")
            assert refused.json()["code"] == "warnings-to-confirm"
            assert refused.json()["warnings"][0]["params"]["name"] == "WeatherObserved"  # there is no station
            done = await post(anan, "alert-rules/wet", document=RULE, base="", confirmed=True)
            assert done.status_code == 201

    run(work)


# -- pure -----------------------------------------------------------------------------------------------------
@given(st.lists(st.tuples(st.sampled_from(["draft", "enforce", "outside"]), st.integers(0, 5)), max_size=20))
@settings(max_examples=200, deadline=None)
def test_each_version_names_the_one_that_it_really_replaced(steps: list[tuple[str, int]]) -> None:
    """Also where drafts come into force out of order."""
    versions: list[Version] = []
    place: dict[str, Any] | None = None
    for at, (what, choice) in enumerate(steps, 1):
        if what == "draft":
            document = {"v": choice}
            versions.append(
                Version(number=next_number(versions), state=State.DRAFT, document=document,
                        digest=digest_of(document), base=digest_of(place), at=at)
            )  # fmt: skip
            continue
        before = standing_of(versions)
        if what == "outside":
            place = {"v": choice}
            versions = reconciled(versions, place, True, at)
        elif any(one.state is State.DRAFT for one in versions):
            drafts = [one for one in versions if one.state is State.DRAFT]
            picked = drafts[choice % len(drafts)]
            versions, place = enforced(versions, picked.number, By("user:a", "A"), at), picked.document
        after = standing_of(versions)
        if after is not None and after != before:
            assert after.replaces == (before.number if before else 0)
            assert after.noticed == (what == "outside")


def test_versions_of_the_release_before_are_read(tmp_path: Path) -> None:
    """A directory without the new column: what was last changed comes first."""
    with sqlite3.connect(tmp_path / STORE.file) as db:
        for statement in STORE.migrations[0].split(";"):  # type: ignore[union-attr]
            db.execute(statement)
        db.execute("PRAGMA user_version=1")
        for number, at, in_force in ((1, 5, 30), (2, 10, "null")):
            state = "inForce" if number == 1 else "draft"
            document = (
                f'{{"number":{number},"state":"{state}","document":{{}},"digest":"d","base":"b","author":"user:a",'
                f'"at":{at},"inForceAt":{in_force}}}'
            )
            db.execute("INSERT INTO version VALUES ('k', 'x', ?, ?, ?)", (number, state, document.encode()))
    db.close()
    store = VersionStore(tmp_path)
    assert [one.number for _, _, one in store.latest(["k"], None, 10)] == [1, 2]
    assert [one.number for _, _, one in store.latest(["k"], 30, 10)] == [2]
    assert isinstance(store.store, Store)
    store.close()
