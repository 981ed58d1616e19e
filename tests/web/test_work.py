"""What people do beside the straight way: look up who changed what, look back into an incident, be refused in Thai, switch the
language in the middle of work; and axe on every state of the operations screen."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect  # noqa: E402

from tests.web.conftest import Platform  # noqa: E402
from tests.web.test_frame import serious  # noqa: E402
from tests.web.test_operations import SLOW, drawer, gauge, row  # noqa: E402

pytestmark = pytest.mark.browser


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def incident(platform: Platform, name: str, severity: str = "Severe") -> str:
    """An incident near the town, opened by the dispatcher."""
    made = platform.api(
        "POST",
        "/api/command/incidents",
        {
            "incidentType": "roadAccident",
            "severity": severity,
            "name": {"th": f"เหตุ {name}", "en": name},
            "location": {"type": "Point", "coordinates": [98.39, 7.88]},
        },
        role="dispatcher",
    )
    return str(made["incident"]["id"])


def test_who_changed_what_is_told(screens: Any, platform: Platform) -> None:
    name = gauge(platform, 20, 66.0)
    page = screens("dispatcher").open("/")
    row(page, name).get_by_role("button", name="Acknowledge").click(timeout=SLOW)
    page.get_by_role("tab", name=re.compile("Acknowledged")).click()
    row(page, name).locator("button.open").click()
    changes = drawer(page).locator("details.changes")
    changes.locator("summary").click()
    first = changes.locator("li").first
    expect(first).to_contain_text("Dispatcher Test", timeout=SLOW)
    expect(first).to_contain_text(re.compile("Alert state.*Open.*Acknowledged"))
    expect(changes.locator("li").last).to_contain_text("Alert rules (platform)")
    expect(changes.locator("li").last).to_contain_text("Created")


def test_the_public_is_not_told_which_officer_acted(screens: Any) -> None:
    page = screens(user=None).open("/?sel=urn:ngsi-ld:PointOfInterest:osm-node-1743126088")
    expect(drawer(page).get_by_role("heading", level=2)).to_be_visible(timeout=SLOW)
    expect(drawer(page).locator("details.changes")).to_have_count(0)


def test_an_incident_is_replayed_as_it_was(screens: Any, platform: Platform) -> None:
    made = incident(platform, "Looked back at")
    notes = f"/api/command/incidents/{made}/notes"
    platform.api("POST", notes, {"text": "Before the moment"}, role="dispatcher")
    moment = now()
    platform.api("POST", notes, {"text": "After the moment"}, role="dispatcher")
    page = screens("dispatcher").open(f"/?sel={made}&at={moment}")
    expect(drawer(page).locator(".timeline")).to_contain_text("Before the moment", timeout=SLOW)
    expect(drawer(page).locator(".timeline")).not_to_contain_text("After the moment")
    expect(drawer(page).locator("button[data-step]")).to_have_count(0)
    page.get_by_role("button", name="Go live").first.click()
    expect(drawer(page).locator(".timeline")).to_contain_text("After the moment", timeout=SLOW)


def test_a_refusal_is_said_in_thai(screens: Any, platform: Platform) -> None:
    made, other = incident(platform, "Wants a unit"), incident(platform, "Was quicker")
    page = screens("dispatcher", lang="th").open(f"/?sel={made}")
    panel = drawer(page)
    panel.get_by_role("button", name="หน่วยว่างที่ใกล้ที่สุด").click(timeout=SLOW)
    expect(panel.locator(".choose li").first).to_contain_text("ถึงใน", timeout=SLOW)
    nearest = platform.api("GET", f"/api/command/incidents/{made}/candidates", role="dispatcher")[0]["unit"][
        "id"
    ]
    platform.api("POST", f"/api/command/incidents/{other}/assignments", {"unit": nearest}, role="dispatcher")
    # The list shows within a moment that the unit is taken; a click in that moment asks for it all the same.
    page.route("**/assignments", lambda route: route.continue_(post_data=json.dumps({"unit": nearest})))
    panel.locator(".choose").get_by_role("button", name="สั่งการหน่วย").first.click()
    alert = panel.get_by_role("alert")
    expect(alert).to_contain_text("จึงไม่ว่าง เลือกหน่วยอื่น", timeout=SLOW)
    said = alert.locator("p").first.inner_text()
    assert not re.search(r"available|assigned|not ", said), said


def test_the_language_changes_and_everything_else_stays(screens: Any) -> None:
    page = screens("operator", lang="en").open(
        "/?sel=urn:ngsi-ld:PointOfInterest:osm-node-1743126088&layers=~schools&map=12.00/7.9000/98.3700"
    )
    expect(drawer(page).get_by_role("heading", level=2)).to_be_visible(timeout=SLOW)
    expect(page.locator("canvas").first).to_be_visible()
    before = page.url
    page.get_by_role("button", name="ภาษาไทย").click()
    expect(drawer(page).get_by_role("button", name="แสดงบนแผนที่")).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    page.wait_for_timeout(1000)
    assert page.url == before
    page.get_by_role("button", name="English").click()
    expect(drawer(page).get_by_role("button", name="Show on the map")).to_be_visible()
    assert page.url == before


def test_alerts_in_one_place_join_and_are_counted(screens: Any, platform: Platform) -> None:
    """Two gauges stand at one place: at this scale their alerts are one mark, whose tip says how many."""
    for number in (21, 22):
        gauge(platform, number, 77.0)
    page = screens("dispatcher").open("/?map=11.00/7.8450/98.3030")
    expect(row(page, "Gauge 22")).to_be_visible(timeout=SLOW)
    canvas = page.locator(".maplibregl-canvas")
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tip = page.locator(".tip")
    for step in range(40):
        page.mouse.move(x + step % 2, y)
        page.wait_for_timeout(250)
        if tip.count() and "Alerts: " in tip.inner_text():
            break
    expect(tip).to_contain_text(re.compile(r"Alerts: ([2-9]|\d\d)"))


def _open_alert(page: Page) -> None:
    page.locator("section.queue button.open").first.click(timeout=SLOW)
    expect(drawer(page).get_by_role("heading", level=2)).to_be_visible()
    drawer(page).locator("details.changes summary").click()
    expect(drawer(page).locator("details.changes li").first).to_be_visible(timeout=SLOW)


def _open_list(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^(List|รายการ)$")).click()
    expect(page.locator("button.item").first).to_be_visible(timeout=SLOW)


def _open_dialog(page: Page) -> None:
    page.locator("section.queue footer button").click(timeout=SLOW)
    expect(page.get_by_role("dialog")).to_be_visible()


def _open_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-list [role=option]").first).to_be_visible()


@pytest.mark.parametrize(("lang", "theme"), [("th", "light"), ("en", "dark")])
def test_axe_finds_nothing_in_any_state_of_operations(
    screens: Any, platform: Platform, lang: str, theme: str
) -> None:
    gauge(platform, 23, 88.0)
    made = incident(platform, "For axe")
    screen = screens("dispatcher", lang=lang, theme=theme)
    states: dict[str, Any] = {
        "/": _open_alert,
        "/?layers=~stops": _open_list,
        "/?layers=~fire": _open_dialog,
        "/?layers=~police": _open_palette,
        f"/?sel={made}": lambda page: expect(drawer(page).locator(".timeline li").first).to_be_visible(
            timeout=SLOW
        ),
        f"/?sel={made}&at={now()}": lambda page: expect(page.locator(".banner.replay")).to_be_visible(),
    }
    for path, prepare in states.items():
        page = screen.open(path)
        expect(page.locator("section.queue")).to_be_visible(timeout=SLOW)
        prepare(page)
        page.wait_for_timeout(400)
        assert serious(page) == [], path


def test_the_document_never_grows_below_the_frame(screens: Any) -> None:
    screen = screens("dispatcher", lang="th")
    for path in ("/", "/assessment", "/connectivity", "/roadmap", "/training", "/programme", "/data"):
        page = screen.open(path)
        expect(page.locator("main h1, main section").first).to_be_attached(timeout=SLOW)
        page.wait_for_timeout(800)
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), path


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_quarterly_page_prints_dark_on_white(screens: Any, theme: str) -> None:
    page = screens("admin", theme=theme).open("/programme")
    panel = page.locator(".panel").first
    expect(panel).to_be_visible(timeout=60_000)
    page.emulate_media(media="print")
    expect(page.locator("header.bar")).to_be_hidden()
    expect(page.get_by_role("button", name="Print")).to_be_hidden()
    assert serious(page) == []
    ground = panel.evaluate("node => getComputedStyle(node).backgroundColor")
    assert min(int(part) for part in re.findall(r"\d+", ground)[:3]) > 240, ground
    page.emulate_media(media="screen")
