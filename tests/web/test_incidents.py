"""Incidents on the screen: a chosen place, a number to say, corrections, arrivals, closed ones that stay findable, two people
at once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import Platform
from tests.web.test_frame import serious

pytestmark = pytest.mark.browser
SLOW = 20_000
PATONG = {"type": "Point", "coordinates": [98.2965, 7.8963]}


def incident(platform: Platform, title: Any, **more: Any) -> dict[str, Any]:
    body = {"incidentType": "roadAccident", "severity": "Severe", "name": title, "location": PATONG, **more}
    found: dict[str, Any] = platform.api("POST", "/api/command/incidents", body, role="dispatcher")[
        "incident"
    ]
    return found


def dialog(page: Page) -> Locator:
    return page.locator("dialog[open]")


def drawer(page: Page) -> Locator:
    return page.locator("aside.right")


def opened(page: Page, made: dict[str, Any]) -> Locator:
    page.goto(page.url.split("?")[0] + f"?sel={made['id']}")
    expect(drawer(page).locator(".incident")).to_be_visible(timeout=SLOW)
    return drawer(page)


def test_a_new_incident_has_the_place_that_a_person_chose(screens: Any, platform: Platform) -> None:
    """Nothing is chosen before somebody chooses it: by keys on the map, by coordinates, by a name, or the word that nobody
    knows it."""
    page = screens("operator").open("/")
    page.get_by_role("button", name="Report new incident").first.click()
    form = dialog(page)
    form.get_by_label("Headline").fill("Crash near the beach")
    form.get_by_label("Kind of incident").select_option("roadAccident")
    expect(form.get_by_label("Severity")).to_have_value("")
    form.get_by_label("Severity").select_option("Severe")
    form.get_by_role("button", name="Create incident").click()
    expect(form.get_by_role("alert")).to_contain_text("Choose the place")
    expect(form).to_contain_text("No point chosen yet")

    canvas = form.locator("canvas.maplibregl-canvas")
    canvas.focus(timeout=SLOW)
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    expect(form.get_by_role("status").first).to_contain_text("Press Enter to choose it")
    expect(form).not_to_contain_text("Chosen:")
    page.keyboard.press("Enter")
    expect(form).to_contain_text("Chosen:")

    form.get_by_label("The place is not known yet").check()
    expect(form).not_to_contain_text("Chosen:")
    form.get_by_label("The place is not known yet").uncheck()

    search = form.get_by_label("Search for a place")
    search.fill("vachira")
    form.locator("button.hit").first.click(timeout=SLOW)
    expect(form).to_contain_text("Mueang Phuket")
    search.fill("7°53'46.7\"N 98°17'47.4\"E")
    page.keyboard.press("Enter")
    expect(form).to_contain_text("Patong, Kathu District (7.89631, 98.29650)")
    form.get_by_label("Place in words").fill("ต.ราไวย์")
    expect(form).to_contain_text("names another area")
    form.get_by_label("Place in words").fill("Beach road")
    expect(form).not_to_contain_text("names another area")
    form.get_by_role("button", name="Create incident").click()

    panel = drawer(page)
    expect(panel.get_by_role("heading", level=2)).to_contain_text("Crash near the beach", timeout=SLOW)
    expect(panel).to_contain_text("Beach road · Patong, Kathu District")
    expect(panel.locator(".number-said")).to_have_text(re.compile(r"ภก \d\d-\d{5}"))
    made = re.search(r"sel=([^&]+)", page.url.replace("%3A", ":"))
    assert made is not None
    stored = platform.api("GET", f"/api/command/incidents/{made[1]}")["incident"]["a"]
    assert stored["location"]["coordinates"] == pytest.approx([98.2965, 7.896306], abs=1e-5)


def test_a_place_that_nobody_knows_is_said_and_found_later(screens: Any, platform: Platform) -> None:
    """By a correction with a reason; the timeline keeps both values."""
    page = screens("dispatcher").open("/")
    page.get_by_role("button", name="Report new incident").first.click()
    dialog(page).get_by_label("Headline").fill("Caller hung up")
    dialog(page).get_by_label("Kind of incident").select_option("roadAccident")
    dialog(page).get_by_label("Severity").select_option("Severe")
    dialog(page).get_by_label("The place is not known yet").check(timeout=SLOW)
    dialog(page).get_by_role("button", name="Create incident").click()
    panel = drawer(page)
    expect(panel).to_contain_text("The place is not known yet", timeout=SLOW)
    panel.get_by_role("button", name="Nearest free units").click()
    choose = panel.locator(".choose")
    expect(choose).to_contain_text("before the place is known", timeout=SLOW)
    expect(choose.locator("li").first).to_contain_text("time of arrival not known")
    choose.get_by_role("button", name="Assign", exact=True).first.click()
    expect(panel.locator(".units > li").first).to_contain_text("arrival not known", timeout=SLOW)

    panel.get_by_role("button", name="Correct the record").click()
    form = dialog(page)
    form.get_by_label("Search for a place").fill("7.8963, 98.2965", timeout=SLOW)
    page.keyboard.press("Enter")
    form.get_by_label("Severity").select_option("Minor")
    form.get_by_label("Reason for the correction").fill("The caller rang again")
    form.get_by_role("button", name="Save the correction").click()
    expect(panel.locator(".timeline")).to_contain_text(
        "from “place unknown” to “7.89630, 98.29650”", timeout=SLOW
    )
    expect(panel.locator(".timeline")).to_contain_text("The caller rang again")
    expect(panel.locator(".incident > header")).to_contain_text("Minor")
    panel.get_by_role("button", name="Nearest free units").click()
    expect(panel.locator(".choose li").first).to_contain_text("ETA", timeout=SLOW)


def test_arrivals_are_promised_then_facts_and_recalling_asks(screens: Any, platform: Platform) -> None:
    """The clock time of the arrival; from afar a confirmation with the distance; afterwards the fact; recalling asks, and its
    label is not that which closes a dialog."""
    made = incident(platform, {"th": "รถชนทดสอบเวลา", "en": "Crash for arrivals"})
    page = screens("dispatcher").open("/")
    panel = opened(page, made)
    panel.get_by_role("button", name="Nearest free units").click()
    candidate = panel.locator(".choose li").first
    expect(candidate).to_contain_text(re.compile(r"ETA (\d+|under 1) min \(\d\d:\d\d\)"), timeout=SLOW)
    name = candidate.locator("b").first.inner_text()
    candidate.get_by_role("button", name="Assign").click()
    unit = panel.locator(".units > li").filter(has_text=name)
    expect(unit).to_contain_text(re.compile(r"ETA .* min \(\d\d:\d\d\)"), timeout=SLOW)

    unit.get_by_role("button", name="Recall unit").click()
    expect(dialog(page)).to_contain_text("No unit will be on its way")
    dialog(page).get_by_role("button", name="Cancel", exact=True).click()
    expect(unit).not_to_contain_text("Cancelled")
    unit.get_by_role("button", name="Recall unit").click()
    dialog(page).get_by_role("button", name="Confirm").click()
    expect(unit).to_contain_text(re.compile(r"recalled \d\d:\d\d"), timeout=SLOW)
    expect(unit.locator(".badge").last).to_have_text("Recalled")
    expect(panel.locator(".timeline")).to_contain_text(f"{name}: Recalled")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").last.fill("Crash for arrivals")
    page.wait_for_timeout(1500)  # until the server has answered too
    titles = page.locator("#palette-list [role=option]").all_inner_texts()
    assert [one for one in titles if one.startswith("Crash for arrivals")] == ["Crash for arrivals\nIncident"]
    page.keyboard.press("Escape")
    expect(unit).not_to_contain_text("ETA")

    far = platform.api("GET", f"/api/command/incidents/{made['id']}/candidates?limit=50", role="dispatcher")
    distant = max(far, key=lambda one: one["distanceM"])["unit"]
    body = {"unit": distant["id"]}
    platform.api("POST", f"/api/command/incidents/{made['id']}/assignments", body, role="dispatcher")
    row = panel.locator(".units > li").filter(has_text=distant["a"]["name"]["en"])
    row.locator("button[data-step=enRoute]").click(timeout=SLOW)
    row.locator("button[data-step=onScene]").click(timeout=SLOW)
    expect(dialog(page)).to_contain_text("from the place", timeout=SLOW)
    dialog(page).get_by_role("button", name="Confirm").click()
    expect(row).to_contain_text(re.compile(r"reported on scene \d\d:\d\d"), timeout=SLOW)
    expect(row).to_contain_text("km away")
    expect(row).not_to_contain_text("promised")
    expect(panel.locator(".timeline")).to_contain_text(
        re.compile(r"its last position was \d+ m from the place")
    )

    other = screens("operator").open("/")
    expect(opened(other, made).locator(".units > li").first).to_be_visible(timeout=SLOW)
    second = platform.api("GET", f"/api/command/incidents/{made['id']}/candidates", role="dispatcher")[0][
        "unit"
    ]
    platform.api("POST", f"/api/command/incidents/{made['id']}/assignments", {"unit": second["id"]}, role="dispatcher")  # fmt: skip
    seen = drawer(other).locator(".units > li").filter(has_text=second["a"]["name"]["en"])
    expect(seen.get_by_role("button", name="En route")).to_be_visible(timeout=SLOW)
    expect(seen.get_by_role("button", name="Recall unit")).to_have_count(0)


def painted(page: Page) -> None:
    """Wait until the screen shows what the page says: positions are corrected just before a frame is painted."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_nothing_jumps_under_the_pointer_when_a_colleague_sends_a_unit(
    screens: Any, platform: Platform
) -> None:
    """The list keeps its order and its place; a line says who did what, and a button ranks again."""
    made = incident(platform, {"th": "รถชนสองคนสั่งการ", "en": "Crash with two dispatchers"})
    page = screens("dispatcher").open("/")
    panel = opened(page, made)
    panel.get_by_role("button", name="Nearest free units").click()
    row = panel.locator(".choose li").nth(1)
    expect(row).to_contain_text("ETA", timeout=SLOW)
    row.get_by_role("button", name="Assign").hover()
    before = row.bounding_box()
    names = panel.locator(".choose li .row > b").all_inner_texts()
    first = platform.api("GET", f"/api/command/incidents/{made['id']}/candidates", role="dispatcher")[0][
        "unit"
    ]
    platform.api("POST", f"/api/command/incidents/{made['id']}/assignments", {"unit": first["id"]}, role="administrator")  # fmt: skip
    news = panel.locator(".news")
    expect(news).to_contain_text(
        re.compile(rf"sent {re.escape(first['a']['name']['en'])} at \d\d:\d\d"), timeout=SLOW
    )
    expect(panel.locator(".units > li").first).to_be_visible()
    expect(panel.locator(".incident > header")).to_contain_text("Dispatched")
    painted(page)
    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2
    assert panel.locator(".choose li .row > b").all_inner_texts() == names
    expect(panel.locator(".choose li").first.get_by_role("button", name="Taken")).to_be_disabled()
    news.get_by_role("button", name="Update the list").click()
    expect(panel.locator(".choose li").first).not_to_contain_text(first["a"]["name"]["en"], timeout=SLOW)


def test_a_closed_incident_is_found_by_number_and_words(screens: Any, platform: Platform) -> None:
    """In the register and in the palette, with and without spaces; its record has facts and no time to come."""
    made = incident(platform, {"th": "น้ำท่วมซอยสายน้ำเย็น", "en": "Flooded lane Sai Nam Yen"})
    base = f"/api/command/incidents/{made['id']}"
    for step in ("triaged", "closed"):
        platform.api("POST", f"{base}/steps", {"step": step, "outcome": "Water fell"}, role="dispatcher")
    number = made["a"]["incidentNumber"]
    page = screens("operator", lang="th").open("/incidents?state=ended")
    table = page.get_by_role("table")
    expect(table).to_contain_text(number, timeout=SLOW)
    expect(table.locator("tr").filter(has_text=number)).to_contain_text("ปิดแล้ว")
    page.get_by_role("searchbox", name="ค้นหา").fill("สายน้ำเย็น")
    expect(table.locator("tbody tr")).to_have_count(1, timeout=SLOW)
    href = page.get_by_role("link", name="ดาวน์โหลดตาราง").get_attribute("href")
    assert href is not None
    answer = page.request.get(platform.url + href)
    assert answer.headers["content-type"].startswith("text/csv")
    assert number in answer.text()
    assert serious(page) == []

    for asked in (number, number.replace(" ", ""), "สายน้ำเย็น"):
        page.keyboard.press("Control+k")
        page.get_by_role("combobox", name="ค้นหาและสั่งงาน").fill(asked)
        hit = page.locator("#palette-list [role=option]").filter(has_text="สายน้ำเย็น")
        expect(hit).to_have_count(1, timeout=SLOW)
        page.keyboard.press("Escape")
        expect(page.locator("#palette-list")).to_have_count(0)
    table.get_by_role("link").first.click()
    panel = drawer(page)
    expect(panel).to_contain_text("น้ำท่วมซอยสายน้ำเย็น", timeout=SLOW)
    expect(panel).to_contain_text("Water fell")
    expect(panel).not_to_contain_text("ถึงในอีก")


def test_a_title_in_one_language_says_so_to_readers_of_the_other(screens: Any, platform: Platform) -> None:
    made = incident(platform, "รถตกคูน้ำ", address="ต.ป่าตอง อ.กะทู้")
    page = screens("dispatcher", lang="en").open("/")
    panel = opened(page, made)
    heading = panel.get_by_role("heading", level=2)
    expect(heading).to_have_text("รถตกคูน้ำ (in Thai)")
    expect(heading.locator("[lang=th]")).to_have_text("รถตกคูน้ำ")
    expect(panel.locator(".incident > header")).not_to_contain_text("ต.ป่าตอง")
    expect(panel.locator(".incident > header")).to_contain_text("Patong, Kathu District")


def test_a_correction_shows_what_a_colleague_changed_meanwhile(screens: Any, platform: Platform) -> None:
    """Both values before anything is saved; a person decides. A title that was corrected in one language takes the other away."""
    made = incident(platform, {"th": "น้ำท่วมถนน", "en": "Flooded road"})
    page = screens("operator", lang="en").open("/")
    panel = opened(page, made)
    panel.get_by_role("button", name="Correct the record").click()
    form = dialog(page)
    form.get_by_label("Headline (in Thai)").fill("น้ำป่าไหลหลาก")
    expect(form).to_contain_text("belongs to the old one")
    form.get_by_label("Reason for the correction").fill("Second caller")
    path, body = f"/api/command/incidents/{made['id']}/corrections", {"reason": "x", "severity": "Extreme"}
    other = {**body, "name": {"th": "น้ำท่วมหน้าตลาด", "en": "Flood at the market"}}
    platform.api("POST", path, other, role="dispatcher")
    asked = form.get_by_role("alert")
    expect(asked).to_contain_text("became “Flood at the market” while you were writing", timeout=SLOW)
    expect(asked).to_contain_text("Yours is “น้ำป่าไหลหลาก”")
    expect(form.get_by_label("Severity")).to_have_value("Extreme")
    assert serious(page) == []
    form.get_by_role("button", name="Save the correction").click()
    expect(form).to_contain_text("is not stored", timeout=SLOW)
    asked.get_by_role("button", name="Use mine").first.click()
    form.get_by_role("button", name="Save the correction").click()
    expect(form).to_have_count(0, timeout=SLOW)
    expect(panel.get_by_role("heading", level=2)).to_have_text("น้ำป่าไหลหลาก (in Thai)", timeout=SLOW)
    stored = platform.api("GET", f"/api/command/incidents/{made['id']}")["incident"]["a"]
    assert stored["name"] == {"th": "น้ำป่าไหลหลาก"}
    assert stored["severity"] == "Extreme"


def test_a_handover_is_seen_by_the_dispatcher_and_the_operator_knows(
    screens: Any, platform: Platform
) -> None:
    """It is marked and comes first in the queue and in the bar until the dispatcher acts."""
    made = incident(platform, {"th": "ไฟไหม้ร้านอาหาร", "en": "Fire in a restaurant"}, severity="Minor")
    worse = incident(platform, {"th": "เหตุที่ร้ายแรงกว่า", "en": "A worse one"}, severity="Extreme")
    page = screens("dispatcher", lang="en").open("/?queue=incidents")
    expect(page.get_by_text("A worse one", exact=True).first).to_be_visible(timeout=SLOW)
    path = f"/api/command/incidents/{made['id']}/handover"
    platform.api("POST", path, {"text": "Two engines, strong wind"}, role="operator")
    bar = page.get_by_role("link", name=re.compile(r"Waiting for dispatch: \d"))
    expect(bar).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Waiting for dispatch", exact=True).first).to_be_visible()
    queue = page.locator("body").inner_text()
    assert queue.index("Fire in a restaurant") < queue.index("A worse one")
    assert serious(page) == []

    other = screens("operator", lang="en").open("/")
    theirs = opened(other, made)
    expect(theirs).to_contain_text("No dispatcher has confirmed", timeout=SLOW)
    panel = opened(page, made)
    expect(panel).to_contain_text("Two engines, strong wind", timeout=SLOW)
    panel.get_by_role("button", name="I have seen it").click()
    expect(theirs).to_contain_text(re.compile(r"\(dispatcher\) has seen it at \d\d:\d\d:\d\d"), timeout=SLOW)
    expect(panel.locator(".incident > header")).to_contain_text("Waiting for dispatch")
    panel.get_by_role("button", name="Nearest free units").click()
    panel.locator(".choose").get_by_role("button", name="Assign", exact=True).first.click(timeout=SLOW)
    expect(panel.locator(".incident > header")).not_to_contain_text("Waiting for dispatch", timeout=SLOW)
    expect(theirs).to_contain_text("A dispatcher acted at", timeout=SLOW)
    for one in (made, worse):
        step = f"/api/command/incidents/{one['id']}/steps"
        platform.api("POST", step, {"step": "cancelled", "outcome": "test"}, role="dispatcher")


def test_closing_says_what_is_not_done_and_what_it_waits_for(screens: Any, platform: Platform) -> None:
    """The button to close is there from the beginning, and says what it waits for. A tick is taken back; after the end it is
    fixed."""
    made = incident(platform, {"th": "รถชนเพื่อปิดเหตุ", "en": "Crash to be closed"})
    page = screens("dispatcher", lang="en").open("/")
    panel = opened(page, made)
    close = panel.get_by_role("button", name="Close incident")
    expect(close).to_be_disabled(timeout=SLOW)
    expect(close).to_have_accessible_description(re.compile("after “"))
    base = f"/api/command/incidents/{made['id']}"
    unit = platform.api("GET", f"{base}/candidates", role="dispatcher")[0]["unit"]
    platform.api("POST", f"{base}/assignments", {"unit": unit["id"]}, role="dispatcher")
    expect(close).to_have_accessible_description(
        re.compile(f"Waiting for 1: {re.escape(unit['a']['name']['en'])}"), timeout=SLOW
    )
    expect(close).to_be_disabled()
    sent = platform.api("GET", base, role="dispatcher")["assignments"][0]["id"]
    platform.api("POST", f"/api/command/assignments/{sent}/steps", {"step": "cancelled"}, role="dispatcher")

    ticks = panel.locator(".tick input")
    ticks.first.click()
    expect(ticks.first).to_be_checked(timeout=SLOW)
    ticks.nth(1).click()
    expect(ticks.nth(1)).to_be_checked(timeout=SLOW)
    ticks.first.click()
    expect(ticks.first).not_to_be_checked(timeout=SLOW)
    expect(panel.locator(".timeline")).to_contain_text("Check taken back")
    expect(close).to_be_enabled(timeout=SLOW)
    close.click()
    form = dialog(page)
    count = ticks.count()
    expect(form).to_contain_text(f"{count - 1} of {count} items of the checklist are not done")
    assert serious(page) == []
    form.get_by_label("Conclusion").select_option("falseReport")
    form.get_by_label("Outcome").fill("Nobody was there")
    form.get_by_role("button", name="Close incident").click()
    expect(panel).to_contain_text("False report or mistake", timeout=SLOW)
    expect(ticks.first).to_be_disabled()
    expect(ticks.nth(1)).to_be_disabled()
    platform.api("POST", f"{base}/notes", {"text": "The caller rang again"}, role="operator")
    expect(panel.locator(".timeline li").first).to_contain_text("Written after the end", timeout=SLOW)


def test_a_fire_in_the_sea_is_asked_about(screens: Any, platform: Platform) -> None:
    """With the distance to the nearest area. Far away nothing is called sea. A road is found by its number."""
    page = screens("operator", lang="en").open("/")
    page.get_by_role("button", name="Report new incident").first.click()
    form = page.locator("dialog[open]").first
    form.get_by_label("Headline").fill("Boat shed on fire")
    form.get_by_label("Kind of incident").select_option("fire")
    form.get_by_label("Severity").select_option("Severe")
    search = form.get_by_label("Search for a place")
    search.fill("402")
    expect(form.locator("button.hit").first).to_contain_text("Highway 402", timeout=SLOW)
    search.fill("13.7, 100.5")
    page.keyboard.press("Enter")
    expect(form).to_contain_text("outside the known area", timeout=SLOW)
    expect(form).not_to_contain_text("sea")
    search.fill("7.8963, 98.25")
    page.keyboard.press("Enter")
    expect(form).to_contain_text(re.compile(r"in the sea, about [\d.]+ k?m from"), timeout=SLOW)
    assert serious(page) == []
    form.get_by_role("button", name="Create incident").click()
    asked = page.locator("dialog[open]").last
    expect(asked).to_contain_text("Is the incident at sea?", timeout=SLOW)
    asked.get_by_role("button", name="Cancel", exact=True).click()
    expect(form).to_be_visible()
    search.fill("vachira")
    form.locator("button.hit").first.click(timeout=SLOW)
    expect(form.get_by_label("Place in words")).to_have_value(re.compile("vachira", re.I))
    expect(form.locator(".said")).to_contain_text(re.compile("vachira.* · ", re.I))
    form.get_by_role("button", name="Create incident").click()
    expect(drawer(page).locator(".incident > header")).to_contain_text(
        re.compile("vachira", re.I), timeout=SLOW
    )


@pytest.mark.parametrize(
    ("lang", "theme"), [("th", "light"), ("en", "dark"), ("th", "dark"), ("en", "light")]
)
def test_axe_finds_nothing_in_the_dialogs_of_incidents(
    screens: Any, platform: Platform, lang: str, theme: str
) -> None:
    made = incident(platform, {"th": "เหตุสำหรับตรวจ", "en": "Incident to check"})
    page = screens("dispatcher", lang=lang, theme=theme, size=(390, 844)).open("/")
    page.locator(".ops > .tabs button").first.click()  # the lists of work
    page.get_by_role("button", name="แจ้งเหตุใหม่" if lang == "th" else "Report new incident").first.click()
    expect(dialog(page).locator("canvas")).to_be_visible(timeout=SLOW)
    dialog(page).get_by_role("searchbox").fill("ป่าตอง")
    expect(dialog(page).locator("button.hit").first).to_be_visible(timeout=SLOW)
    assert serious(page) == []
    page.keyboard.press("Escape")
    opened(page, made)
    assert serious(page) == []
    name = "แก้ไขข้อมูลเหตุ" if lang == "th" else "Correct the record"
    drawer(page).get_by_role("button", name=name).click()
    expect(dialog(page)).to_be_visible()
    assert serious(page) == []


@pytest.mark.parametrize(
    ("lang", "theme", "shown"), [("th", "light", "1 ธ.ค. 2569"), ("en", "dark", "1 Dec 2026")]
)
def test_days_of_the_register_are_in_the_language_of_the_screen(
    screens: Any, lang: str, theme: str, shown: str
) -> None:
    page = screens("operator", lang=lang, theme=theme).open("/incidents?from=2026-12-01")
    first = page.get_by_role("textbox", name=re.compile("^(ตั้งแต่วันที่|From)$"))
    last = page.get_by_role("textbox", name=re.compile("^(ถึงวันที่|To)$"))
    expect(first).to_have_value(shown, timeout=SLOW)
    expect(last).to_have_attribute("placeholder", re.compile("31/12/2569" if lang == "th" else "31/12/2026"))
    last.fill("2/12/2569")
    last.blur()
    expect(page).to_have_url(re.compile("to=2026-12-02"))
    assert serious(page) == []
