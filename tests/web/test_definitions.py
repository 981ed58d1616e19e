"""Laws of the screens of definitions: rows of registers, roles that two people change, and the configuration file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect  # noqa: E402

from tests.web.conftest import PASSWORD, Platform  # noqa: E402
from tests.web.test_frame import serious  # noqa: E402

pytestmark = pytest.mark.browser


def history(page: Page) -> Any:
    """The panel with the versions of the definition in view."""
    return page.locator("section", has=page.get_by_role("heading", name="History and drafts"))


def test_a_row_of_a_register_is_changed_and_goes_back_to_an_earlier_version(
    screens: Any, platform: Platform
) -> None:
    page = screens("admin").open("/definitions")
    page.get_by_role("link", name=re.compile("Kinds of unit")).click()
    page.get_by_role("link", name="Ambulance", exact=True).click()
    page.get_by_role("button", name="Edit", exact=True).click()
    assert serious(page) == []
    page.get_by_label("Name (English)").fill("Ambulance, advanced")
    page.get_by_label("Reason for the change").fill("The ministry's name")
    page.get_by_role("button", name="Save and put into force").click()
    expect(page.get_by_role("status").filter(has_text="in force")).to_be_visible()
    expect(page.get_by_role("heading", name="Ambulance, advanced")).to_be_visible()
    newest = history(page).locator("ol > li").first
    expect(newest).to_contain_text("In force")
    expect(newest).to_contain_text("By Admin Test")
    expect(newest).to_contain_text("The ministry's name")
    newest.locator("summary").click()
    expect(newest.locator("tbody tr")).to_have_count(1)
    expect(newest.locator("td").last).to_contain_text("Ambulance, advanced")
    history(page).get_by_role("button", name=re.compile("Draft this version again")).last.click()
    page.get_by_role("button", name="Save and put into force").click()
    expect(page.get_by_role("heading", name="Ambulance", exact=True)).to_be_visible()
    expect(history(page).locator("ol > li").first).to_contain_text("Back to version")


def test_a_draft_waits_and_a_definition_in_use_is_not_deleted(screens: Any) -> None:
    page = screens("admin").open("/definitions/unit-types/ambulance")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Name (English)").fill("Not yet")
    page.get_by_role("button", name="Save as a draft").click()
    newest = history(page).locator("ol > li").first
    expect(newest).to_contain_text("Draft")
    expect(page.get_by_role("heading", name="Ambulance", exact=True)).to_be_visible()
    newest.get_by_role("button", name="Withdraw").click()
    expect(history(page).locator("ol > li").first).to_contain_text("Withdrawn")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("button", name="Delete this definition").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("Give a reason")).to_be_visible()
    page.get_by_label("Reason for the change").fill("We have none")
    page.get_by_role("button", name="Delete it").click()
    refused = page.locator("form [role=alert]")
    expect(refused).to_contain_text("it is in use by")
    expect(refused).to_contain_text("(Kinds of incident and checklists)")


def test_two_administrators_change_a_role(screens: Any, platform: Platform) -> None:
    second = ("second", "Second Administrator")
    platform.command("user", "add", second[0], "--name", second[1], "--role", "administrator",
                     "--password-stdin", "--data", str(platform.data), text=PASSWORD + "\n")  # fmt: skip
    author = screens("admin").open("/definitions/roles/operator")
    author.get_by_role("button", name="Edit", exact=True).click()
    permissions = author.get_by_role("group", name=re.compile("^Permissions"))
    permissions.get_by_role("searchbox").fill("close alerts")
    closes = permissions.get_by_role("checkbox")
    expect(closes).to_have_count(1)
    closes.uncheck()
    author.get_by_role("button", name="Save and ask for review").click()
    expect(author.get_by_text("Give a reason")).to_be_visible()
    assert serious(author) == []
    author.get_by_label("Reason for the change").fill("Only dispatchers close alerts")
    author.get_by_role("button", name="Save and ask for review").click()
    author.get_by_role("link", name="See the proposal").click()
    expect(author.get_by_text("somebody else must decide")).to_be_visible()
    expect(author.get_by_role("button", name="Approve")).to_have_count(0)

    reviewer = screens("second").open("/approvals")
    reviewer.get_by_role("link", name="Operator", exact=True).click()
    row = reviewer.locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator("td").first).to_contain_text("Removed: ")
    expect(reviewer.get_by_text("Only dispatchers close alerts")).to_be_visible()
    assert serious(reviewer) == []
    reviewer.get_by_role("button", name="Approve").click()
    reviewer.get_by_role("link", name="Open the definition to put it into force").click()
    newest = history(reviewer).locator("ol > li").first
    expect(newest).to_contain_text("Approved by Second Administrator")
    newest.get_by_role("button", name="Put into force").click()
    expect(newest).to_contain_text("In force")
    roles = platform.api("GET", "/api/definitions/roles")["definitions"]
    operator = next(one for one in roles if one["key"] == "operator")["document"]
    assert "alert.close" not in operator["permissions"]


def test_a_proposal_is_rejected_with_a_reason(screens: Any, platform: Platform) -> None:
    made = platform.api(
        "POST",
        "/api/definitions/roles/night-shift/versions",
        {"document": {"words": {"th": "เวรกลางคืน", "en": "Night shift"}, "permissions": ["incident.read"]}, "reason": "Nights", "base": ""},
    )  # fmt: skip
    asked = platform.api("POST", f"/api/definitions/roles/night-shift/versions/{made['number']}/propose")
    page = screens("admin", lang="th").open(f"/approvals/{asked['proposal']}")
    expect(page.get_by_role("heading", name="เวรกลางคืน")).to_be_visible()
    page.get_by_role("button", name="ไม่อนุมัติ…").click()
    page.get_by_label("เหตุผลที่ไม่อนุมัติ").fill("ซ้ำกับบทบาทเดิม")
    page.get_by_role("button", name="ไม่อนุมัติ", exact=True).click()
    expect(page.get_by_text("หมายเหตุ: ซ้ำกับบทบาทเดิม")).to_be_visible()
    page.goto(f"{platform.url}/definitions/roles/night-shift")
    expect(page.get_by_text("ไม่อนุมัติโดย Admin Test: ซ้ำกับบทบาทเดิม")).to_be_visible()


def test_the_configuration_is_downloaded_changed_previewed_and_imported(
    screens: Any, platform: Platform, tmp_path: Path
) -> None:
    page = screens("admin").open("/configuration")
    with page.expect_download() as begun:
        page.get_by_role("link", name=re.compile("Download the file")).click()
    content = json.loads(Path(begun.value.path()).read_text())
    content["definitions"]["unit-types"]["towTruck"]["name"]["en"] = "Recovery vehicle"
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(content))
    page.get_by_label("Configuration file (JSON)").set_input_files(file)
    changes = page.locator("main details")
    expect(changes).to_have_count(1)
    changes.locator("summary").click()
    expect(changes.locator("td").last).to_contain_text("Recovery vehicle")
    assert serious(page) == []
    before = platform.api("GET", "/api/definitions/unit-types")["definitions"]
    assert "Recovery vehicle" not in json.dumps(before)
    expect(page.get_by_role("button", name="Confirm the import (1)")).to_be_disabled()
    page.get_by_label("Reason for the import").fill("Name of the ministry")
    page.get_by_role("button", name="Confirm the import (1)").click()
    expect(page.get_by_role("status").filter(has_text="Changes imported: 1.")).to_be_visible()
    assert "Recovery vehicle" in json.dumps(platform.api("GET", "/api/definitions/unit-types"))
    file.write_text('{"format": 1')
    page.get_by_label("Configuration file (JSON)").set_input_files(file)
    expect(page.get_by_role("alert")).to_contain_text("not valid JSON: line 1")
    content["definitions"]["unit-types"]["towTruck"]["travels"] = "air"
    content["definitions"]["incident-types"]["fire"]["category"] = "songs"
    file.write_text(json.dumps(content))
    page.get_by_label("Configuration file (JSON)").set_input_files(file)
    expect(page.get_by_role("alert")).to_contain_text("The file has 2 faults")
    expect(page.get_by_role("alert")).to_contain_text("definitions/unit-types/towTruck/travels")


def test_an_import_stops_where_somebody_was_faster(screens: Any, platform: Platform, tmp_path: Path) -> None:
    page = screens("admin", lang="th", theme="light").open("/configuration")
    content = platform.api("GET", "/api/config")
    content["definitions"]["unit-types"]["ddpmTeam"]["name"]["en"] = "Aircraft"
    del content["definitions"]["incident-types"]["drowning"]
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(content))
    page.get_by_label("ไฟล์ทะเบียนและกฎ (JSON)").set_input_files(file)
    changes = page.locator("main details")
    expect(changes).to_have_count(1)  # what the file lacks stays
    row = platform.api("GET", "/api/registers/unit-types/rescueBoat")["row"]
    platform.api(
        "PUT", "/api/registers/unit-types/rescueBoat", {**row, "name": {"th": "เรือกู้ภัย ๒", "en": "Boat"}}
    )
    page.get_by_label("เหตุผลในการนำเข้า").fill("ปรับชื่อ")
    page.get_by_role("button", name="ยืนยันการนำเข้า (1 รายการ)").click()
    expect(page.get_by_text("ข้อมูลเปลี่ยนไปหลังจากแสดงรายการ")).to_be_visible()
    expect(changes).to_have_count(2)
    assert serious(page) == []
    assert "Aircraft" not in json.dumps(platform.api("GET", "/api/definitions/unit-types"))
    page.get_by_label("ลบรายการที่ไม่มีในไฟล์ด้วย").check()
    expect(page.get_by_label(re.compile("ยืนยันการลบ 1 รายการ"))).to_be_visible()
    platform.api("PUT", "/api/registers/unit-types/rescueBoat", row)


def test_definitions_work_by_keyboard_on_a_phone_and_in_thai(screens: Any, platform: Platform) -> None:
    page = screens("admin", lang="th", theme="light", size=(390, 844)).open(
        "/definitions/alert-rules/heavy-rain-24h"
    )
    page.get_by_role("button", name="แก้ไข", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="แสดงแบบละเอียด (JSON)").click()
    page.get_by_role("textbox", name="เงื่อนไขและข้อความแจ้งเตือน").fill("{")
    expect(page.get_by_text("ยังไม่ใช่ JSON ที่ถูกต้อง: บรรทัดที่ 1")).to_be_visible()
    assert serious(page) == []
    for path in ("/definitions/alert-rules/heavy-rain-24h", "/definitions/roles/operator", "/approvals"):
        page.goto(platform.url + path)
        expect(page.locator("h1")).to_be_visible()
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_form_gives_back_the_definition_that_it_shows(screens: Any, platform: Platform) -> None:
    """Of every kind: a draft of an unchanged form has the document in force."""
    page = screens("admin").open("/definitions")
    kinds = [one["name"] for one in platform.api("GET", "/api/definitions")]
    assert len(kinds) > 6
    for kind in kinds:
        shown = platform.api("GET", f"/api/definitions/{kind}")["definitions"][0]
        page.goto(f"{platform.url}/definitions/{kind}/{shown['key']}")
        page.get_by_role("button", name="Edit", exact=True).click()
        page.get_by_label("Reason for the change").fill("Nothing")
        page.get_by_role("button", name="Save as a draft").click()
        confirm = page.get_by_role("button", name="I have looked at them")
        said = page.get_by_role("status").filter(has_text="is saved")
        expect(confirm.or_(said)).to_be_visible()
        if confirm.is_visible():  # there is no data in this test's city
            confirm.click()
        expect(page.get_by_role("status").filter(has_text="is saved")).to_be_visible()
        newest = platform.api("GET", f"/api/definitions/{kind}/{shown['key']}/versions")[0]
        assert (newest["state"], newest["document"]) == ("draft", shown["document"]), kind


def test_staff_read_definitions_and_change_none(screens: Any) -> None:
    page = screens("operator").open("/definitions/unit-types/ambulance")
    expect(page.get_by_text("Travels", exact=False).first).to_be_visible()
    expect(history(page)).to_be_visible()
    expect(page.get_by_role("button", name="Edit", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("Draft this version again"))).to_have_count(0)


def test_who_saves_second_sees_what_the_first_changed_and_loses_nothing(
    screens: Any, platform: Platform
) -> None:
    page = screens("admin").open("/definitions/unit-types/policePatrol")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Name (English)").fill("Patrol car")
    row = platform.api("GET", "/api/registers/unit-types/policePatrol")["row"]
    theirs = {**row, "mapSign": "dot"}
    platform.api("PUT", "/api/registers/unit-types/policePatrol?reason=sign", theirs)
    page.get_by_role("button", name="Save and put into force").click()
    refused = page.get_by_role("alert").filter(has_text="changed this at")
    expect(refused).to_contain_text("What changed since you opened the form")
    expect(refused.locator("tbody tr")).to_have_count(2)
    expect(page.get_by_label("Name (English)")).to_have_value("Patrol car")
    assert serious(page) == []
    page.get_by_role("button", name="Take the newest version").click()
    page.get_by_role("button", name="Save and put into force").click()
    expect(page.get_by_role("status").filter(has_text="is in force")).to_be_visible()
    now = platform.api("GET", "/api/registers/unit-types/policePatrol")["row"]
    assert (now["name"]["en"], now["mapSign"]) == ("Patrol car", "dot")


def test_an_own_draft_is_edited_and_leaves_no_rival(screens: Any) -> None:
    page = screens("admin").open("/definitions/unit-types/towTruck")
    page.get_by_role("button", name="Edit", exact=True).click()
    name = page.get_by_label("Name (English)")
    for text, button in (("First draft", "Save as a draft"), ("Second draft", "Save as a draft")):
        name.fill(text)
        page.get_by_role("button", name=button).click()
        newest = history(page).locator("ol > li").first
        expect(newest).to_contain_text("Draft")
        expect(page.get_by_role("status").filter(has_text="is saved")).to_be_focused()
        if text == "First draft":
            newest.get_by_role("button", name=re.compile("^Edit the draft")).click()
            expect(name).to_have_value("First draft")
    before = history(page).locator("ol > li").nth(1)
    expect(before).to_contain_text("Withdrawn")
    expect(before).to_contain_text("Edited as a newer draft")
    assert serious(page) == []
    history(page).locator("ol > li").first.get_by_role("button", name="Withdraw").click()


def test_a_new_definition_needs_a_code_of_its_own(screens: Any) -> None:
    page = screens("admin", lang="th").open("/definitions/unit-types?new=1")
    page.get_by_label("ชื่อ (ภาษาไทย)").fill("รถพยาบาล 2")
    page.get_by_label("ชื่อ (ภาษาอังกฤษ)").fill("Amb2")
    page.get_by_role("button", name="บันทึกและใช้บังคับทันที").click()
    expect(page.get_by_text("โปรดกรอกรหัส")).to_be_visible()
    page.get_by_label(re.compile("^รหัส")).fill("ambulance")
    page.get_by_role("button", name="บันทึกและใช้บังคับทันที").click()
    expect(page.get_by_text("มีรหัส ambulance อยู่แล้ว: รถพยาบาลฉุกเฉิน")).to_be_visible()
    page.get_by_role("link", name="← ", exact=False).or_(
        page.get_by_role("link", name="คำขออนุมัติ")
    ).first.click()
    expect(page.get_by_text("ยังไม่ได้บันทึก ออกจากแบบฟอร์มนี้หรือไม่")).to_be_visible()
    page.get_by_role("button", name="ยกเลิก").last.click()
    expect(page.get_by_label("ชื่อ (ภาษาอังกฤษ)")).to_have_value("Amb2")


@pytest.mark.parametrize(("lang", "theme"), [("th", "dark"), ("en", "light")])
def test_a_wrong_field_is_marked_has_the_focus_and_is_quiet_once_corrected(
    screens: Any, lang: str, theme: str
) -> None:
    words = {
        "th": ("แก้ไข", "บันทึกและใช้บังคับทันที", "โทรศัพท์", "ต้องเป็นหมายเลขที่โทรออกได้", "เพิ่ม", "ต.ป่าตอง"),
        "en": ("Edit", "Save and put into force", "Telephone", "must be a number that can be dialled", "Add", "Patong"),
    }[lang]  # fmt: skip
    page = screens("admin", lang=lang, theme=theme).open("/definitions/agencies/pk-ddpm")
    page.get_by_role("button", name=words[0], exact=True).click()
    number = page.get_by_label(words[2], exact=True)
    number.fill("abc")
    page.get_by_role("button", name=words[1]).click()
    told = page.get_by_role("alert").filter(has_text=words[3])
    expect(told).to_be_visible()
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(number).to_be_focused()
    assert told.get_attribute("id") in str(number.get_attribute("aria-describedby"))
    assert serious(page) == []
    number.fill("1784")
    expect(told).to_have_count(0)
    expect(number).not_to_have_attribute("aria-invalid", "true")
    areas = page.get_by_role("group", name=re.compile("Area served|พื้นที่รับผิดชอบ")).first
    areas.get_by_role("button", name=re.compile(words[4])).click()
    expect(areas.get_by_role("option", name=words[5], exact=True)).to_have_count(1)


def test_what_the_reader_of_rules_refuses_is_said_at_its_field_in_thai(screens: Any) -> None:
    page = screens("admin", lang="th").open("/definitions/alert-rules/strong-wind")
    page.get_by_role("button", name="แก้ไข", exact=True).click()
    limit = page.get_by_label("เตือนเมื่อ: ค่า")
    limit.fill("สามสิบ")
    page.get_by_label("เหตุผลในการแก้ไข").fill("ทดลอง")
    page.get_by_role("button", name="บันทึกเป็นร่าง").click()
    expect(page.get_by_role("alert").filter(has_text="ต้องเป็นตัวเลข")).to_be_visible()
    expect(limit).to_have_attribute("aria-invalid", "true")
    expect(limit).to_be_focused()
    expect(page.get_by_label("ยกเลิกเมื่อ: ค่า")).not_to_have_attribute("aria-invalid", "true")
    limit.fill("")
    limit.press_sequentially("๐.๐๕")  # what a person types stays until it is a number, digit by digit
    expect(limit).to_have_value("0.05")


def test_a_deleted_definition_is_found_and_restored(screens: Any, platform: Platform) -> None:
    page = screens("admin").open("/definitions/incident-types/drowning")
    title = page.locator("main section h2").first.inner_text()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Reason for the change").fill("Merged")
    page.get_by_role("button", name="Delete this definition").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("Deleted by Admin Test").first).to_be_visible()
    page.goto(f"{platform.url}/definitions/incident-types?deleted=1")
    expect(page.get_by_text("Reason: Merged")).to_be_visible()
    assert serious(page) == []
    page.get_by_role("link", name=title).click()
    history(page).get_by_role("button", name=re.compile("^Restore")).first.click()
    page.get_by_role("button", name="Save and put into force").click()
    expect(page.get_by_role("button", name="Edit", exact=True)).to_be_visible()
    keys = {one["key"] for one in platform.api("GET", "/api/definitions/incident-types")["definitions"]}
    assert "drowning" in keys
    page.goto(f"{platform.url}/definitions")
    rows = page.locator("tbody tr").filter(has_text=title)
    expect(rows.nth(1)).to_contain_text("Merged")
    expect(rows.nth(1)).to_contain_text("Admin Test")
    assert serious(page) == []


@pytest.mark.parametrize(
    ("lang", "theme", "size"), [("th", "light", (390, 844)), ("en", "dark", (1440, 900))]
)
def test_the_limits_of_a_rule_are_a_form_with_a_preview(
    screens: Any, platform: Platform, lang: str, theme: str, size: tuple[int, int]
) -> None:
    """It says what would alert, and how many open alerts change; contradicting limits are confirmed first."""
    words = {
        "en": ("Edit", "Alert when: limit", "Clear when: limit", "Try it on present values", "Look at these"),
        "th": ("แก้ไข", "เตือนเมื่อ: ค่า", "ยกเลิกเมื่อ: ค่า", "ทดลองกับค่าปัจจุบัน", "โปรดตรวจสอบก่อนบันทึก"),
    }[lang]
    station = {
        "id": "urn:ngsi-ld:WeatherObserved:preview",
        "type": "WeatherObserved",
        "windSpeed": {"type": "Property", "value": 37},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [98.3, 7.9]}},
    }
    platform.put_entity(station)
    page = screens("admin", lang=lang, theme=theme, size=size).open("/definitions/alert-rules/strong-wind")
    page.get_by_role("button", name=words[0], exact=True).click()
    expect(page.get_by_label(words[1])).to_have_value("39")
    page.get_by_label(words[1]).fill("34")
    page.get_by_role("button", name=words[3]).click()
    tried = page.get_by_role("status").filter(has_text="37")
    expect(tried).to_be_visible()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_label("Reason for the change" if lang == "en" else "เหตุผลในการแก้ไข").fill("x")
    page.get_by_role("button", name="Save as a draft" if lang == "en" else "บันทึกเป็นร่าง").click()
    expect(page.get_by_role("heading", name=words[4])).to_be_visible()


def test_the_palette_finds_definitions(screens: Any) -> None:
    page = screens("admin").open("/approvals")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("heavy rain")
    page.get_by_role("option", name=re.compile("Heavy rain in 24 hours")).click()
    expect(page).to_have_url(re.compile("/definitions/alert-rules/heavy-rain-24h"))
