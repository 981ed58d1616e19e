"""The programme's page: nothing for the public before a release, one figure for everybody after it, and a report to sign."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect  # noqa: E402

from .test_frame import serious  # noqa: E402

pytestmark = pytest.mark.browser
SLOW = 60_000
PROBLEMS = "การเชื่อมต่อข้อมูลยังไม่ครบทุกหน่วยงาน"


def shares(page: Page) -> list[str]:
    expect(page.locator(".share .big").first).to_be_visible(timeout=SLOW)
    return [one.strip() for one in page.locator(".share .big").all_inner_texts()]


def test_staff_read_a_draft_and_the_office_enters_and_releases(screens: Any) -> None:
    """In the order of the work: draft, acceptance by one person and approval by another, release, the public's page."""
    public = screens(None, lang="th", theme="dark").open("/programme")
    expect(public.locator("h1")).to_be_visible(timeout=SLOW)
    if public.get_by_text("ยังไม่เผยแพร่", exact=True).count():
        assert serious(public) == []

    page = screens("programme", lang="th").open("/programme?view=draft")
    assert len(shares(page)) == 3  # other tests work on the same platform, so achieved may be above 0 %
    expect(page.get_by_text("ไตรมาส 1 ปีงบประมาณ พ.ศ. 2570").first).to_be_visible()
    for needed in ("แล้วเสร็จเมื่อเอกสารตรวจรับรวมครบ 100%", "แล้วเสร็จเมื่อหลักฐานที่วัดจากการใช้งานจริงได้"):
        expect(page.get_by_text(needed).first).to_be_visible()
    with page.expect_download() as file:
        page.get_by_role("button", name="CSV").first.click()
    head, *rows = csv.reader(io.StringIO(Path(file.value.path()).read_text("utf-8-sig")))
    targets = {row[head.index("เป้าหมาย")] for row in rows}
    assert {one for one in targets if one}
    assert all(not one or float(one) > 0 for one in targets)
    assert {row[head.index("หน่วย")] for row in rows} <= {"%", "รายการ"}
    page.get_by_role("button", name="บันทึกผลการตรวจรับ").click()
    form = page.get_by_role("dialog")
    form.locator("select").select_option("D1.2")
    form.locator("input[inputmode=decimal]").fill("40")
    day = form.get_by_role("textbox", name="วันที่ตรวจรับ")
    day.fill("31/4/2567")
    form.get_by_label("เลขที่เอกสาร").focus()
    expect(form.get_by_role("alert")).to_contain_text("ต้องเป็นวัน เดือน ปี")
    expect(day).to_have_attribute("aria-invalid", "true")
    day.fill("๒๙/๓/๒๕๖๗")
    form.get_by_label("เลขที่เอกสาร").focus()
    expect(day).to_have_value("29 มี.ค. 2567")
    form.get_by_label("เลขที่เอกสาร").fill("ภก 0017/1234")
    form.get_by_label("ผู้ตรวจรับ").fill("คณะกรรมการตรวจรับพัสดุ")
    assert serious(page) == []
    form.get_by_role("button", name="บันทึกผลการตรวจรับ").click()
    expect(page.get_by_text("ผู้บันทึกอนุมัติรายการของตนไม่ได้")).to_be_visible(timeout=SLOW)

    for lang, theme, words, at_once in (
        ("th", "light", "29 มีนาคม 2567", "การอนุมัติมีผลทันที"),
        ("en", "dark", "29 March 2024", "An approval takes effect at once."),
    ):
        asked = screens("admin", lang=lang, theme=theme).open("/approvals")
        asked.locator("main ul a").filter(has_not_text="programme/").first.click()
        expect(asked.locator("main dl")).to_contain_text(words, timeout=SLOW)
        expect(asked.locator("main dl")).to_contain_text("40%")
        expect(asked.locator("main dl")).to_contain_text("ภก 0017/1234")
        expect(asked.locator("main")).to_contain_text(at_once)
        expect(asked.locator("main pre")).to_have_count(0)
        assert serious(asked) == []
    other = screens("admin", lang="th", theme="dark").open("/programme?view=draft")
    other.get_by_role("button", name="อนุมัติ", exact=True).first.click()
    expect(other.get_by_role("button", name="อนุมัติ", exact=True)).to_have_count(0, timeout=SLOW)
    expect(other.get_by_text("ภก 0017/1234").first).to_be_visible(timeout=SLOW)
    assert serious(other) == []

    page.reload()
    page.get_by_label("ปัญหาและอุปสรรค").fill(PROBLEMS)
    released = page.get_by_text("เผยแพร่เมื่อ").count()
    page.get_by_role("button", name="เผยแพร่รายงาน").click()
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("31 ธ.ค. 2569")  # the quarter runs until then
    expect(asked).to_contain_text("แก้ไขหรือลบไม่ได้")
    expect(page.get_by_text("เผยแพร่เมื่อ")).to_have_count(released)
    assert serious(page) == []
    asked.get_by_role("button", name="เผยแพร่รายงานเบื้องต้น").click()
    expect(page.get_by_text("เผยแพร่เมื่อ").first).to_be_visible(timeout=SLOW)
    for lang, theme in (("th", "light"), ("en", "dark")):
        public = screens(None, lang=lang, theme=theme).open("/programme")
        assert shares(public) == shares(page)
        expect(public.get_by_text(PROBLEMS)).to_be_visible()
        interim = {"th": "รายงานเบื้องต้นเลขที่", "en": "Interim report"}[lang]
        expect(public.locator(".banner")).to_contain_text(interim)
        assert serious(public) == []

    page.goto(page.url.split("?")[0] + "?view=draft")
    page.get_by_role("button", name="ขอถอน").first.click()
    form = page.get_by_role("dialog")
    form.get_by_label("เหตุผลที่ถอน").fill("บันทึกเลขที่เอกสารผิด")
    assert serious(page) == []
    form.get_by_role("button", name="เสนอถอน").click()
    expect(page.get_by_text("การถอนที่รออนุมัติ")).to_be_visible(timeout=SLOW)
    for lang, theme, approve, withdrawn in (
        ("th", "dark", "อนุมัติ", "ผลการตรวจรับที่ถอนแล้ว"),
        ("en", "light", None, "Withdrawn acceptances"),
    ):
        other = screens("admin", lang=lang, theme=theme).open("/programme?view=draft")
        if approve:
            other.get_by_role("button", name=approve, exact=True).first.click()
        expect(other.get_by_role("heading", name=withdrawn)).to_be_visible(timeout=SLOW)
        expect(other.get_by_text("บันทึกเลขที่เอกสารผิด").first).to_be_visible()
        assert serious(other) == []


def test_the_report_prints_on_a4_with_letterhead_and_signatures(screens: Any) -> None:
    page = screens("programme", lang="th", theme="dark").open("/programme?view=draft")
    shares(page)
    expect(page.locator(".letterhead")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".letterhead")).to_be_visible()
    expect(page.locator(".signs > div")).to_have_count(3)
    expect(page.locator("textarea").first).to_be_hidden()
    apart = page.locator(".page .panel").evaluate_all(
        "all => all.filter(one => one.offsetParent && getComputedStyle(one).breakInside !== 'avoid').length"
    )
    assert apart == 0, "a panel may be split between pages"
    rules = page.evaluate(
        "document.adoptedStyleSheets.flatMap(one => [...one.cssRules]).map(one => one.cssText).join(' ')"
    )
    assert "size: a4" in rules.lower()
    assert "counter(page)" in rules
    pdf = page.pdf(prefer_css_page_size=True)
    sizes = {tuple(round(float(one)) for one in box.split()) for box in _boxes(pdf)}
    assert sizes == {(0, 0, 595, 842)}
    assert len(_boxes(pdf)) <= 4


def _boxes(pdf: bytes) -> list[str]:
    return [one.decode() for one in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pdf)]
