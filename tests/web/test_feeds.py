"""Feeds on the screens: an administrator stops one with a reason, and every screen of the room says so, since when and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect  # noqa: E402

from tests.web.conftest import Platform, served  # noqa: E402
from tests.web.test_frame import serious  # noqa: E402
from tests.web.test_operations import SLOW  # noqa: E402

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A server with the pack's feeds."""
    yield from served(tmp_path_factory.mktemp("feeds"), feeds=True)


def test_a_feed_is_stopped_with_a_reason_and_the_operations_screen_says_so(screens: Any) -> None:
    operator = screens("operator", lang="th")
    page = operator.open("/data")
    rain = page.locator("tr").filter(has_text="ปริมาณฝนรายอำเภอ")
    expect(rain).to_contain_text("ทำงาน", timeout=SLOW)
    expect(page.locator("main").get_by_role("button", name="หยุด")).to_have_count(0)  # operators may not

    admin = screens("admin", lang="th")
    page = admin.open("/data")
    rain = page.locator("tr").filter(has_text="ปริมาณฝนรายอำเภอ")
    rain.get_by_role("button", name="หยุด").click(timeout=SLOW)
    dialog = page.get_by_role("dialog", name="หยุดแหล่งข้อมูล ปริมาณฝนรายอำเภอ")
    reason = dialog.get_by_label("เหตุผล")
    expect(reason).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(rain).to_contain_text("ทำงาน")  # nothing happened
    rain.get_by_role("button", name="หยุด").click()
    dialog.get_by_role("button", name="หยุดแหล่งข้อมูล").click()
    assert reason.evaluate("node => node.validationMessage") == "โปรดกรอกเหตุผล"
    reason.fill("เปลี่ยนเครื่องวัด")
    assert serious(page) == []
    dialog.get_by_role("button", name="หยุดแหล่งข้อมูล").click()
    expect(rain).to_contain_text("Admin Test สั่งหยุดเมื่อ", timeout=SLOW)
    expect(rain).to_contain_text("เปลี่ยนเครื่องวัด")

    page = operator.open("/")
    notice = page.locator("details.notice")
    expect(notice).to_contain_text("แหล่งข้อมูลไม่ส่งค่า 1 แหล่ง", timeout=SLOW)
    expect(notice.locator("summary")).to_contain_text("Admin Test สั่งหยุด: เปลี่ยนเครื่องวัด")
    notice.locator("summary").click()
    expect(notice.locator("li")).to_contain_text("ตั้งแต่")
    expect(notice.locator("li")).to_contain_text("Admin Test สั่งหยุด: เปลี่ยนเครื่องวัด")
    expect(notice.locator("li")).to_contain_text("ค่าที่แสดงเป็นค่าเดิมก่อนหยุด")
    assert serious(page) == []
    public = screens(user=None, lang="th").open("/")
    expect(public.locator("details.notice")).to_contain_text("ปริมาณฝนรายอำเภอ", timeout=SLOW)
    expect(public.locator("details.notice")).not_to_contain_text("Admin Test")  # the public is not told who

    page = admin.open("/data")
    page.locator("tr").filter(has_text="ปริมาณฝนรายอำเภอ").get_by_role("button", name="เริ่ม").click()
    page.get_by_role("dialog").get_by_label("เหตุผล").fill("เปลี่ยนแล้ว")
    page.get_by_role("dialog").get_by_role("button", name="เริ่มแหล่งข้อมูล").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(operator.page.locator("details.notice")).to_have_count(0, timeout=SLOW)


@pytest.mark.parametrize(
    ("lang", "theme", "size"), [("th", "dark", (1440, 900)), ("en", "light", (390, 844))]
)
def test_the_bar_says_that_values_are_replayed_and_of_which_day(
    screens: Any, platform: Platform, lang: str, theme: str, size: tuple[int, int]
) -> None:
    page = screens("dispatcher", lang=lang, theme=theme, size=size).open("/")
    mark = page.locator("header.bar").get_by_role("link", name="ข้อมูลสาธิต" if lang == "th" else "demo data")
    expect(mark).to_be_visible(timeout=SLOW)
    feeds = {one["id"]: one for one in platform.api("GET", "/api/ingest/feeds")}
    assert feeds["smartbus"]["recordedAt"] is None
    year = int(feeds["road-accidents"]["recordedAt"][:4]) + (543 if lang == "th" else 0)
    assert str(year) in str(mark.get_attribute("title"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious(page) == []
    mark.click()
    expect(page.locator("tr").filter(has_text=str(year)).first).to_be_visible(timeout=SLOW)
