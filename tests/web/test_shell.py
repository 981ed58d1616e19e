"""What is always there: figures in the top bar, the account menu, keys of the queue, the wall display, the phone."""

from __future__ import annotations

import re
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect  # noqa: E402

from tests.web.conftest import PASSWORD, Platform  # noqa: E402
from tests.web.test_frame import serious  # noqa: E402
from tests.web.test_operations import SLOW, drawer, gauge, row  # noqa: E402
from tests.web.test_work import incident  # noqa: E402

pytestmark = pytest.mark.browser
OTHER = "tonmai-42-kluai-nam-wa"


def focused(page: Page) -> str:
    """The text of the row of the queue that has the focus."""
    return str(
        page.evaluate("document.activeElement.closest('li')?.querySelector('.what')?.textContent ?? ''")
    )


def test_every_page_shows_open_incidents_and_free_units_to_staff_and_leads_to_them(
    screens: Any, platform: Platform
) -> None:
    incident(platform, "Shown in the bar")
    screen = screens("dispatcher", lang="th")
    for path in ("/data", "/assessment", "/training", "/definitions"):
        page = screen.open(path)
        bar = page.locator("header.bar")
        expect(bar.get_by_role("link", name=re.compile("^เหตุ: .*รุนแรง"))).to_be_visible(timeout=SLOW)
        expect(bar.get_by_role("link", name=re.compile(r"หน่วยว่าง \d+ หน่วย"))).to_be_visible()
        expect(bar.locator(".state")).to_have_text("ปัจจุบัน")
    page.get_by_role("link", name=re.compile("^เหตุ: ")).click()
    expect(page.get_by_role("tab", name=re.compile("^เหตุ"))).to_have_attribute(
        "aria-selected", "true", timeout=SLOW
    )
    expect(row(page, "Shown in the bar")).to_be_visible(timeout=SLOW)
    public = screens(user=None).open("/data")
    expect(public.locator("header.bar .where")).to_have_text("City data")
    expect(public.locator("header.bar .counts, header.bar .units")).to_have_count(0)


def test_without_the_line_no_page_says_that_all_is_quiet(screens: Any, platform: Platform) -> None:
    screen = screens("operator")
    page = screen.open("/data")
    expect(page.locator(".state")).to_have_text("Live", timeout=SLOW)
    platform.stop()
    try:
        expect(page.locator(".state")).to_contain_text("reconnecting", timeout=SLOW)
        expect(page.locator("header.bar .calm")).to_have_count(0)
    finally:
        platform.start()
    expect(page.locator(".state")).to_have_text("Live", timeout=SLOW)


def test_the_account_menu_changes_the_own_password(screens: Any, platform: Platform) -> None:
    platform.command("user", "add", "changer", "--name", "Changer", "--role", "operator", "--password-stdin",
                     "--data", str(platform.data), text=PASSWORD + "\n")  # fmt: skip
    page = screens("changer", lang="th", theme="light").open("/data")
    page.locator("details.user summary").click(timeout=SLOW)
    page.get_by_role("button", name="เปลี่ยนรหัสผ่าน").click()
    expect(page.locator("details.user[open]")).to_have_count(0)
    dialog = page.get_by_role("dialog", name="เปลี่ยนรหัสผ่าน")
    fields = dialog.locator("input[type=password]")
    old, new, again = fields.nth(0), fields.nth(1), fields.nth(2)
    expect(old).to_be_focused()
    submit = dialog.get_by_role("button", name="เปลี่ยนรหัสผ่าน")
    old.fill("wrong")
    new.fill(OTHER)
    again.fill(OTHER + "x")
    submit.click()
    expect(dialog.get_by_role("alert")).to_have_text("รหัสผ่านใหม่ทั้งสองช่องไม่ตรงกัน")
    again.fill(OTHER)
    submit.click()
    expect(dialog.get_by_role("alert")).to_contain_text("รหัสผ่านเดิม", timeout=SLOW)
    assert serious(page) == []
    old.fill(PASSWORD)
    submit.click()
    expect(dialog.get_by_role("status")).to_contain_text("เปลี่ยนรหัสผ่านแล้ว", timeout=SLOW)
    answer = page.request.post(f"{platform.url}/auth/login", data={"username": "changer", "password": OTHER})
    assert answer.ok


def test_the_account_menu_ends_another_session(screens: Any) -> None:
    other = screens("admin")
    page = screens("admin").open("/data")
    page.locator("details.user summary").click(timeout=SLOW)
    page.get_by_role("button", name="Your sessions").click()
    dialog = page.get_by_role("dialog", name="Your sessions")
    expect(dialog.get_by_text("This one")).to_be_visible(timeout=SLOW)
    assert serious(page) == []
    ends = dialog.get_by_role("button", name=re.compile("^End the session"))
    before = ends.count()
    ends.first.click()
    expect(ends).to_have_count(before - 1, timeout=SLOW)
    while ends.count():
        count = ends.count()
        ends.first.click()
        expect(ends).to_have_count(count - 1, timeout=SLOW)
    assert other.context.request.get(f"{other.url}/auth/sessions").status == 401


def test_the_queue_is_worked_by_keys_alone(screens: Any, platform: Platform) -> None:
    for number, rain in ((31, 140.0), (32, 130.0), (33, 120.0)):
        gauge(platform, number, rain)
    page = screens("dispatcher").open("/")
    expect(row(page, "Gauge 33")).to_be_visible(timeout=SLOW)
    expect(page.locator("button.open:focus")).to_be_visible()
    first = focused(page)
    page.keyboard.press("j")
    second = focused(page)
    assert "" not in (first, second)
    assert second != first
    page.keyboard.press("k")
    assert focused(page) == first
    page.keyboard.press("ArrowDown")
    assert focused(page) == second
    page.keyboard.press("a")
    expect(row(page, second)).to_have_count(0, timeout=SLOW)
    expect(page.locator("button.open:focus")).to_be_visible()
    assert focused(page) not in ("", second)  # the next one took its place
    page.keyboard.press("i")
    dialog = page.get_by_role("dialog", name="Create incident")
    expect(dialog.get_by_label("Kind of incident")).to_be_focused()
    page.keyboard.press("j")  # a field has the focus: the key is the field's
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Acknowledge")
    assert serious(page) == []
    keys.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    count = page.locator("section.queue li").count()
    page.locator("section.queue button.open").first.focus()
    page.keyboard.press("a")  # switched off
    page.wait_for_timeout(500)
    assert page.locator("section.queue li").count() == count


def test_the_list_opens_with_the_focus_in_its_filter(screens: Any) -> None:
    page = screens("dispatcher").open("/")
    button = page.get_by_role("button", name="List", exact=True)
    button.focus(timeout=SLOW)
    page.keyboard.press("Enter")
    expect(page.locator("aside.left input[type=search]")).to_be_focused()


def test_a_required_field_is_asked_for_in_the_pages_language(screens: Any) -> None:
    page = screens(user=None, lang="th").open("/sign-in")
    page.get_by_role("button", name="เข้าสู่ระบบ").click()
    assert page.get_by_label("ชื่อผู้ใช้").evaluate("node => node.validationMessage") == "โปรดกรอกชื่อผู้ใช้"


@pytest.mark.parametrize("lang", ["th", "en"])
def test_the_wall_display_has_lists_map_clock_and_nothing_to_press(
    screens: Any, platform: Platform, lang: str
) -> None:
    gauge(platform, 34, 99.0)
    page = screens("dispatcher", lang=lang, size=(1920, 1080)).open("/?wall=1")
    expect(page.locator("aside.left li").first).to_be_visible(timeout=SLOW)
    expect(page.locator("header.bar time.clock")).to_be_visible()
    expect(page.locator(".state")).to_be_visible()
    expect(page.locator("nav.rail")).to_be_hidden()
    expect(page.locator(".scrubber, .over, aside.right")).to_have_count(0)
    shown = [one.inner_text() for one in page.locator("button:visible").all()]
    assert len(shown) == page.locator("aside.left button.open:visible").count(), shown
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert serious(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("nav.rail")).to_be_visible()


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)])
def test_the_wall_shows_the_worst_first_and_no_row_is_cut_off(
    screens: Any, platform: Platform, size: tuple[int, int]
) -> None:
    gauge(platform, 38, 40.0)
    incident(platform, "Worst on the wall", "Extreme")
    for severity in ("Minor", "Severe", "Minor"):
        incident(platform, f"{severity} on the wall", severity)
    page = screens("dispatcher", size=size).open("/?wall=1")
    expect(page.locator("aside.left li").first).to_contain_text("Extreme", timeout=SLOW)
    expect(page.locator("aside.left")).to_contain_text(re.compile(r"\d+ more"))
    page.wait_for_timeout(1000)  # rows grow once what they tell is there
    rows = [one for one in page.locator("aside.left li").all() if one.is_visible()]
    end = page.locator("aside.left ul").bounding_box()
    assert end is not None
    assert len(rows) >= 2
    for one in rows:
        box = one.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= end["y"] + end["height"] + 1.5
    order = ["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
    places = [next(at for at, word in enumerate(order) if word in one.inner_text()) for one in rows]
    assert places == sorted(places)


def test_a_phone_begins_with_the_queue_and_has_search_and_clock(screens: Any, platform: Platform) -> None:
    name = gauge(platform, 35, 97.0)
    page = screens("dispatcher", lang="th", size=(390, 844)).open("/?queue=open")
    expect(row(page, name.replace("Gauge", "สถานี"))).to_be_visible(timeout=SLOW)
    expect(page.locator("header.bar time.clock")).to_be_visible()
    bottom = page.locator("section.scrubber").bounding_box()
    assert bottom is not None
    assert bottom["height"] <= 56
    page.get_by_role("button", name=re.compile("ค้นหาและสั่งงาน")).click()
    expect(page.get_by_role("combobox", name="ค้นหาและสั่งงาน")).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="แผนที่", exact=True).click()
    expect(page.locator("canvas").first).to_be_visible()
    expect(drawer(page)).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("lang", ["th", "en"])
def test_on_a_phone_the_bar_holds_every_count_and_the_line_however_much_is_open(
    screens: Any, platform: Platform, lang: str
) -> None:
    for severity in ("Extreme", "Severe", "Moderate", "Minor", "Unknown"):
        incident(platform, f"{severity} on a phone", severity)
    gauge(platform, 36, 150.0)
    gauge(platform, 37, 40.0)
    page = screens("dispatcher", lang=lang, size=(390, 844)).open("/")
    bar = page.locator("header.bar .center")
    expect(bar.locator(".counts .others:visible").first).to_be_visible(timeout=SLOW)
    cut = bar.evaluate(
        """bar => { const all = bar.getBoundingClientRect();
        return [...bar.querySelectorAll('.counts, .units, .state, .number')].filter((one) => {
            const own = one.getBoundingClientRect();
            return own.width > 0 && (own.right > all.right || own.bottom > all.bottom || own.top < all.top);
        }).map((one) => one.textContent) }"""
    )
    assert cut == []
    expect(bar.locator(".state")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious(page) == []


def test_a_phone_opens_on_the_list_with_the_worst_row(screens: Any, platform: Platform) -> None:
    gauge(platform, 39, 40.0)
    incident(platform, "Worst on a phone", "Extreme")
    page = screens("dispatcher", size=(390, 844)).open("/")
    expect(page.get_by_role("tab", selected=True)).to_have_text(re.compile("^Incidents"), timeout=SLOW)
    expect(page.locator("section.queue li").first).to_contain_text("Extreme")
    page = screens("dispatcher").open("/")
    expect(page.locator("section.queue li").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("tab", selected=True)).to_have_text(re.compile("^Open"))


def test_the_board_shows_every_unit_and_takes_one_off_duty(screens: Any, platform: Platform) -> None:
    made = incident(platform, "For the board")
    nearest = platform.api("GET", f"/api/command/incidents/{made}/candidates", role="dispatcher")[0]["unit"][
        "id"
    ]
    platform.api("POST", f"/api/command/incidents/{made}/assignments", {"unit": nearest}, role="dispatcher")
    screen = screens("dispatcher", lang="th")
    page = screen.open("/units")
    busy = page.locator(f'tr[data-unit="{nearest}"]')
    expect(busy).to_contain_text("สั่งการแล้ว", timeout=SLOW)
    expect(busy).to_contain_text("เมื่อสักครู่")
    expect(busy.get_by_role("link", name="เหตุ For the board")).to_be_visible()
    expect(busy.get_by_role("button")).to_have_count(0)  # its state follows its incident
    assert page.locator("tr[data-unit]").count() == len(
        platform.api("GET", "/api/state?types=EmergencyUnit")["entities"]
    )
    free = page.locator("tr[data-unit]").filter(has_text="ว่าง").first
    name = free.locator("a b").first.inner_text()
    free.get_by_role("button", name=f"งดปฏิบัติงาน: {name}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("เหตุผล")).to_be_focused()
    dialog.get_by_label("เหตุผล").fill("ซ่อมบำรุง")
    assert serious(page) == []
    dialog.get_by_role("button", name="งดปฏิบัติงาน").click()
    off = page.locator("tr[data-unit]").filter(has=page.get_by_text(name, exact=True))
    expect(off).to_contain_text("ซ่อมบำรุง", timeout=SLOW)
    page.get_by_role("group", name="กรองตามสถานะ").get_by_role("button", name=re.compile("งดปฏิบัติงาน")).click()
    expect(page.locator("tr[data-unit]")).to_have_count(1)
    off.get_by_role("button", name=f"กลับมาปฏิบัติงาน: {name}").click()
    expect(page.locator("tr[data-unit]")).to_have_count(0, timeout=SLOW)

    page = screens("operator").open("/units")
    expect(page.locator("tr[data-unit]").first).to_be_visible(timeout=SLOW)
    expect(page.locator("main").get_by_role("button", name=re.compile("^Take out of service"))).to_have_count(
        0
    )
    expect(screens(user=None).open("/units").get_by_text("You may not open this page")).to_be_visible()


def test_the_callers_number_can_be_called(screens: Any, platform: Platform) -> None:
    body = {"incidentType": "roadAccident", "severity": "Minor", "name": {"th": "เหตุ", "en": "Called in"},
            "location": {"type": "Point", "coordinates": [98.39, 7.88]}, "reporterName": "Somchai",
            "reporterPhone": "076-123 456"}  # fmt: skip
    made = platform.api("POST", "/api/command/incidents", body, role="dispatcher")["incident"]["id"]
    page = screens("dispatcher").open(f"/?sel={made}")
    expect(drawer(page).get_by_role("link", name="076-123 456")).to_have_attribute(
        "href", "tel:076123456", timeout=SLOW
    )


def test_i_am_here_shows_where_the_device_is_only_when_it_is_pressed(screens: Any) -> None:
    screen = screens("dispatcher")
    screen.context.grant_permissions(["geolocation"])
    screen.context.set_geolocation({"longitude": 98.3, "latitude": 7.9, "accuracy": 12})
    page = screen.open("/")
    expect(page.locator("canvas").first).to_be_visible(timeout=SLOW)
    expect(page.locator(".here")).to_have_count(0)
    page.evaluate("addEventListener('andaman:here', (event) => (window.heard = event.detail.point))")
    page.get_by_role("button", name="I am here").click()
    expect(page.locator(".here")).to_be_visible(timeout=SLOW)
    assert page.evaluate("window.heard") == [98.3, 7.9]
    screen.context.clear_permissions()
    page.get_by_role("button", name="I am here").click()
    expect(page.get_by_role("alert")).to_contain_text("The device did not allow its position", timeout=SLOW)
