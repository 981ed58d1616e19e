"""Laws of the frame: sign-in, languages, themes, navigation, accessibility, nothing from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.conftest import PASSWORD

pytestmark = pytest.mark.browser


def serious(page: Page) -> list[str]:
    """What axe finds of the grave kinds, as lines that say where."""
    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {node['target']} {node.get('failureSummary', '')[:200]}"
        for v in found
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"][:3]
    ]


def test_sign_in_by_keyboard_and_out_again(screens: Any) -> None:
    screen = screens(user=None)
    page = screen.open("/sign-in?next=%2F%3Flayers%3D~schools")
    page.get_by_label("User name").focus()
    page.keyboard.type("dispatcher")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"layers=(~|%7E)schools"))
    page.locator("details.user summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_password_is_said_in_the_readers_language(screens: Any) -> None:
    page = screens(user=None, lang="th").open("/sign-in")
    page.get_by_label("ชื่อผู้ใช้").fill("dispatcher")
    page.get_by_label("รหัสผ่าน").fill("wrong")
    page.get_by_role("button", name="เข้าสู่ระบบ").click()
    expect(page.get_by_role("alert")).to_have_text("ชื่อผู้ใช้หรือรหัสผ่านไม่ถูกต้อง")


def test_next_never_leads_to_another_site(screens: Any) -> None:
    page = screens(user=None).open("/sign-in?next=https%3A%2F%2Fexample.com")
    page.get_by_label("User name").fill("dispatcher")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("section.queue")).to_be_visible()


def test_language_and_theme_are_kept(screens: Any) -> None:
    screen = screens(lang="en")
    page = screen.open("/sign-in")
    page.evaluate("localStorage.clear()")
    page.get_by_role("button", name="ภาษาไทย").click()
    expect(page.locator("html")).to_have_attribute("lang", "th")
    expect(page.get_by_role("heading", name="เข้าสู่ระบบ")).to_be_visible()
    page.get_by_role("button", name="ใช้หน้าจอสีสว่าง").or_(page.get_by_role("button", name="ใช้หน้าจอสีมืด")).click()
    assert page.evaluate("localStorage.getItem('andaman.lang')") == "th"
    assert page.evaluate("localStorage.getItem('andaman.theme')") in ("dark", "light")


def test_an_unknown_page_says_so_and_leads_back(screens: Any) -> None:
    page = screens().open("/no-such-page")
    expect(page.get_by_text("There is no such page")).to_be_visible()
    page.get_by_role("link", name="Go to operations").click()
    expect(page.locator("section.queue")).to_be_visible()


def test_the_palette_opens_by_keyboard_and_goes_places(screens: Any) -> None:
    page = screens().open("/")
    expect(page.locator("section.queue")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search and commands").fill("patong hospital")
    expect(page.locator("#palette-list [role=option]").first).to_contain_text("Patong Hospital")
    page.keyboard.press("Enter")
    expect(page.locator("aside.right h2")).to_have_text("Patong Hospital")


def test_the_palette_offers_actions_of_all_rooms_on_every_page(screens: Any) -> None:
    page = screens().open("/data")
    expect(page.locator("h1")).to_have_text("City data")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search and commands").fill("new incident")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Report new incident")
    expect(dialog.get_by_label("Kind of incident")).to_have_value("")  # nobody has said what it is
    expect(dialog).to_contain_text("No point chosen yet")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator("section.queue")).to_be_visible()


def groups(page: Page) -> dict[str, list[str]]:
    """Labels of the navigation's groups, each with its links, as they are shown."""
    return {
        part.locator("p").inner_text().replace("\xad", ""): part.get_by_role("link").all_inner_texts()
        for part in page.locator("nav.rail .group").all()
    }


@pytest.mark.parametrize("lang", ["th", "en"])
def test_words_of_the_menu_stay_whole_and_inside_their_box(screens: Any, lang: str) -> None:
    """Also while a page is open and its label is bold."""
    page = screens("admin", lang=lang).open("/data")
    expect(page.locator("nav.rail a[aria-current=page]")).to_be_visible()
    broken = page.evaluate(
        """() => [...document.querySelectorAll('nav.rail a')].flatMap((link) => {
          link.setAttribute('aria-current', 'page');
          const box = link.getBoundingClientRect();
          return [...link.querySelectorAll('.whole')].filter((word) => {
            const lines = word.getClientRects();
            return lines.length > 1 || lines[0].left < box.left + 3 || lines[0].right > box.right - 3;
          }).map((word) => `${word.textContent}: ${word.getBoundingClientRect().width} of ${box.width}`);
        })"""
    )
    assert broken == []


def test_the_navigation_has_groups_and_no_page_that_is_closed_to_the_person(screens: Any) -> None:
    page = screens("dispatcher").open("/data")
    expect(page.locator("nav.rail a[aria-current=page]")).to_have_text("City data")
    staff = groups(page)
    assert list(staff) == ["Now", "City", "Evidence", "Plans", "People", "Settings"]
    assert staff["Evidence"] == ["Assessment", "Connectivity"]
    assert staff["Plans"] == ["Roadmap", "Programme"]
    assert staff["Settings"] == ["Definitions"]

    phone = screens(user=None, lang="th", size=(390, 844)).open("/data")
    expect(phone.locator("nav.rail")).to_be_hidden()
    phone.get_by_role("button", name="เมนู").click()
    expect(phone.get_by_role("list", name="หลักฐาน")).to_be_visible()
    assert list(groups(phone)) == ["ขณะนี้", "เมือง", "หลักฐาน", "แผน"]  # training is for staff


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("lang", ["th", "en"])
def test_axe_finds_nothing_serious(screens: Any, lang: str, theme: str) -> None:
    screen = screens(lang=lang, theme=theme)
    page = screen.open("/sign-in")
    expect(page.locator("form")).to_be_visible()
    assert serious(page) == []
    page = screen.open("/?sel=urn:ngsi-ld:PointOfInterest:osm-node-1743126088")
    expect(page.locator("aside.right h2")).to_be_visible()
    page.locator("details.layers summary").click()
    expect(page.locator("canvas").first).to_be_visible()
    assert serious(page) == []


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080), (390, 844)])
def test_no_page_scrolls_sideways(screens: Any, size: tuple[int, int]) -> None:
    screen = screens(lang="th", size=size)
    for path in ("/", "/sign-in"):
        page = screen.open(path)
        page.wait_for_timeout(800)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
