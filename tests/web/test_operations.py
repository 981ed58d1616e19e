"""The operations screen on a real server: from a sensor's value to a closed incident, the past, a restart, keys only."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import Platform

pytestmark = pytest.mark.browser
SLOW = 20_000


def gauge(platform: Platform, number: int, rain_mm: float) -> str:
    """A rain gauge above Karon says how much fell in 24 hours; from 35.1 mm on a default rule raises an alert."""
    name = f"Gauge {number}"
    platform.put_entity(
        {
            "id": f"urn:ngsi-ld:WeatherObserved:browser-{number}",
            "type": "WeatherObserved",
            "scope": "/hazard/rain",
            "name": {"type": "LanguageProperty", "languageMap": {"th": f"สถานี {number}", "en": name}},
            "origin": {"type": "Property", "value": "simulated"},
            "source": {"type": "Property", "value": "browser test"},
            "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [98.303, 7.845]}},
            "precipitation24h": {
                "type": "Property",
                "value": rain_mm,
                "unitCode": "MMT",
                "observedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            },
        }
    )
    return name


def row(page: Page, text: str) -> Locator:
    return page.locator("section.queue li").filter(has_text=text).first


def drawer(page: Page) -> Locator:
    return page.locator("aside.right")


def take(page: Page, step: str) -> None:
    """Press the button of a step; steps are found by the status they lead to, so the test holds in any language."""
    drawer(page).locator(f"button[data-step={step}]").first.click()


def test_from_a_value_to_a_closed_incident(screens: Any, platform: Platform) -> None:
    page = screens("dispatcher").open("/")
    expect(page.locator(".state")).to_have_text("Live", timeout=SLOW)
    name = gauge(platform, 1, 120.5)

    alert = row(page, name)
    expect(alert).to_contain_text("Severe", timeout=SLOW)
    expect(alert).to_contain_text("120.5 mm (limit 35.1 mm)")
    expect(alert).to_contain_text("Karon, Mueang Phuket District")
    expect(alert).to_contain_text("Simulated")
    alert.get_by_role("button", name="Acknowledge").click()
    expect(row(page, name)).to_have_count(0)
    page.get_by_role("tab", name=re.compile("Acknowledged")).click()
    row(page, name).get_by_role("button", name="Create incident").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Headline")).to_have_value(re.compile(name))
    dialog.get_by_role("button", name="Create incident").click()

    panel = drawer(page)
    expect(panel.get_by_role("heading", level=2)).to_contain_text(name)
    expect(panel).to_contain_text("New")
    panel.get_by_role("button", name="Nearest free units").click()
    expect(panel.locator(".choose li").first).to_contain_text("ETA", timeout=SLOW)
    panel.locator(".choose").get_by_role("button", name="Assign").first.click()
    expect(panel.locator(".incident > header")).to_contain_text("Dispatched", timeout=SLOW)
    take(page, "enRoute")
    expect(panel.locator(".units li").first).to_contain_text("En route", timeout=SLOW)
    panel.locator(".units").locator("button[data-step=onScene]").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Confirm").click()  # it has not moved
    expect(panel.locator(".incident > header")).to_contain_text("On scene", timeout=SLOW)
    panel.get_by_placeholder("Add note").fill("Two families moved to the school")
    page.keyboard.press("Enter")
    expect(panel.locator(".timeline")).to_contain_text("Two families moved to the school", timeout=SLOW)
    tick = panel.locator(".tick").first
    item = tick.inner_text()
    tick.get_by_role("checkbox").click()
    expect(panel.locator(".timeline")).to_contain_text(f"Checked: {item}", timeout=SLOW)
    expect(tick.get_by_role("checkbox")).to_be_checked()
    take(page, "controlled")
    expect(panel.locator(".incident > header")).to_contain_text("Under control", timeout=SLOW)
    take(page, "clear")
    expect(panel.locator(".units li").first).to_contain_text("Clear", timeout=SLOW)
    take(page, "closed")
    dialog.get_by_label("Conclusion").select_option("real")
    dialog.get_by_label("Outcome").fill("Water fell, road open")
    dialog.get_by_role("button", name="Close incident").click()
    expect(panel.locator(".incident > header")).to_contain_text("Closed", timeout=SLOW)
    expect(panel).to_contain_text("Water fell, road open")
    page.get_by_role("tab", name=re.compile("^Acknowledged")).click()
    expect(row(page, name)).to_contain_text("The incident of this alert is closed", timeout=SLOW)
    expect(row(page, name).get_by_role("button", name="Close alert")).to_be_visible()

    incident = re.search(r"sel=([^&]+)", page.url.replace("%3A", ":"))
    assert incident is not None
    detail = platform.api("GET", f"/api/command/incidents/{incident[1]}", role="dispatcher")
    assert detail["incident"]["a"]["incidentStatus"] == "closed"
    told = [(e["a"]["entryType"], e["a"].get("step")) for e in detail["timeline"]]
    assert told[0] == ("created", "new")
    for step in ("assigned", "enRoute", "onScene", "clear"):
        assert ("assignment", step) in told
    assert told[-1] == ("step", "closed")


def test_the_palette_has_the_actions_of_what_is_selected(screens: Any, platform: Platform) -> None:
    name = gauge(platform, 10, 52.0)
    page = screens("operator").open("/")
    row(page, name).locator("button.open").click(timeout=SLOW)
    expect(drawer(page).get_by_role("heading", level=2)).to_contain_text(name)
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search and commands").fill("acknowledge")
    page.keyboard.press("Enter")
    expect(row(page, name)).to_have_count(0, timeout=SLOW)
    expect(drawer(page)).to_contain_text("acknowledged by Operator Test", timeout=SLOW)
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search and commands").fill("acknowledge")
    expect(page.locator("#palette-list [role=option]")).to_have_count(0)


def test_the_past_is_shown_as_it_was_and_takes_no_commands(screens: Any, platform: Platform) -> None:
    name = gauge(platform, 2, 50.0)
    page = screens("dispatcher").open("/")
    expect(row(page, name)).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(1500)
    before = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    page.wait_for_timeout(1500)
    row(page, name).get_by_role("button", name="Acknowledge").click()
    expect(row(page, name)).to_have_count(0, timeout=SLOW)

    page.goto(page.url.split("?")[0] + f"?at={before}")
    expect(page.locator(".banner.replay")).to_contain_text("You are looking at the past")
    expect(page.locator(".state")).to_have_text("Replay")
    expect(row(page, name)).to_be_visible(timeout=SLOW)
    expect(page.locator("section.queue").get_by_role("button", name="Acknowledge")).to_have_count(0)
    expect(page.get_by_role("button", name="Report new incident")).to_be_disabled()
    page.get_by_role("button", name="Go live").first.click()
    expect(page.locator(".banner.replay")).to_have_count(0)
    expect(row(page, name)).to_have_count(0, timeout=SLOW)


def test_the_scrubber_works_by_keys(screens: Any) -> None:
    page = screens("dispatcher").open("/")
    slider = page.get_by_role("slider", name="Moment shown")
    expect(slider).to_have_attribute("aria-valuetext", "Live", timeout=SLOW)
    slider.focus()
    for _ in range(15):
        page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("[?&]at=20"))
    expect(page.locator(".banner.replay")).to_be_visible()
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    # At 60 times the clock, seconds of the past are soon over: the picture is live again.
    expect(page.locator(".banner.replay")).to_have_count(0, timeout=SLOW)


def test_stale_state_and_events_are_a_fresh_state_after_a_restart(screens: Any, platform: Platform) -> None:
    page = screens("dispatcher").open("/")
    expect(page.locator(".state")).to_have_text("Live", timeout=SLOW)
    first = gauge(platform, 3, 60.0)
    expect(row(page, first)).to_be_visible(timeout=SLOW)
    platform.stop()
    expect(page.locator(".state")).to_contain_text("reconnecting", timeout=SLOW)
    expect(row(page, first)).to_be_visible()  # the old picture stays, marked as old
    expect(page.locator(".banner.lost")).to_be_visible()
    platform.start()
    second = gauge(platform, 4, 70.0)
    expect(page.locator(".state")).to_have_text("Live", timeout=SLOW)
    expect(row(page, second)).to_be_visible(timeout=SLOW)
    third = gauge(platform, 5, 80.0)
    expect(row(page, third)).to_be_visible(timeout=SLOW)
    fresh = screens("dispatcher").open("/")
    expect(row(fresh, third)).to_be_visible(timeout=SLOW)
    heads = "section.queue li .what"
    assert page.locator(heads).all_text_contents() == fresh.locator(heads).all_text_contents()


def test_every_object_is_reachable_by_keys_alone(screens: Any) -> None:
    page = screens("dispatcher").open("/")
    expect(page.locator(".state")).to_have_text("Live", timeout=SLOW)
    button = page.get_by_role("button", name="List", exact=True)
    for _ in range(60):
        if button.evaluate("node => node === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("searchbox", name="Filter the list").focus()
    page.keyboard.type("vachira")
    expect(page.locator("button.item").first).to_contain_text(re.compile("vachira", re.I), timeout=SLOW)
    page.keyboard.press("ArrowDown")
    expect(page.locator("button.item").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(drawer(page).get_by_role("heading", level=2)).to_contain_text(re.compile("vachira", re.I))
    drawer(page).get_by_role("button", name="Show on the map").focus()
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)


def test_a_value_shows_unit_age_source_and_history(screens: Any, platform: Platform) -> None:
    for rain_mm in (1.0, 2.5, 4.0):
        gauge(platform, 6, rain_mm)
    page = screens("operator").open("/?sel=urn:ngsi-ld:WeatherObserved:browser-6")
    panel = drawer(page)
    expect(panel.get_by_role("heading", level=2)).to_have_text("Gauge 6", timeout=SLOW)
    expect(panel).to_contain_text("Simulated")
    expect(panel).to_contain_text("Source: browser test")
    expect(panel.locator("dl").first).to_contain_text("4 mm")
    expect(panel.locator("dl time").first).to_be_visible()
    expect(panel.locator("figure")).to_contain_text("lowest 1 mm · highest 4 mm · latest 4 mm", timeout=SLOW)


def test_an_operator_may_acknowledge_but_not_assign(screens: Any, platform: Platform) -> None:
    name = gauge(platform, 7, 55.0)
    page = screens("operator").open("/")
    row(page, name).get_by_role("button", name="Create incident").click(timeout=SLOW)
    page.get_by_role("dialog").get_by_role("button", name="Create incident").click()
    expect(drawer(page).get_by_role("heading", level=2)).to_contain_text(name, timeout=SLOW)
    expect(drawer(page).get_by_role("button", name="Nearest free units")).to_have_count(0)


def test_the_public_sees_no_alerts_and_is_told_so(screens: Any, platform: Platform) -> None:
    gauge(platform, 8, 45.0)
    page = screens(user=None).open("/")
    expect(page.locator("section.queue")).to_contain_text("You may not see alerts", timeout=SLOW)
    expect(page.locator("section.queue .what")).to_have_count(0)
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_text([re.compile("–you may not see it$")] * 3)  # no right is not zero
    expect(page.locator("section.queue .whence")).to_have_count(0)


def test_on_a_phone_queue_map_and_details_are_tabs(screens: Any, platform: Platform) -> None:
    name = gauge(platform, 9, 65.0)
    page = screens("dispatcher", size=(390, 844)).open("/?queue=open")
    page.get_by_role("button", name=re.compile("^Alerts")).click(timeout=SLOW)
    row(page, name).locator("button.open").click(timeout=SLOW)
    expect(drawer(page).get_by_role("heading", level=2)).to_contain_text(name, timeout=SLOW)
    page.get_by_role("button", name="Map", exact=True).click()
    expect(page.locator("canvas").first).to_be_visible()
    expect(drawer(page)).to_be_hidden()
