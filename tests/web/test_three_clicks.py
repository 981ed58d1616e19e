"""Three clicks from every number to its sources: 20 numbers at random on each page lead to their basis.

``ANDAMAN_SEED`` makes the choice (1); a failure prints it.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import CONTEXT, Platform
from tests.web.test_frame import serious
from tests.web.test_operations import gauge
from tests.web.test_work import incident

pytestmark = pytest.mark.browser

SEED: Final = int(os.environ.get("ANDAMAN_SEED", "1"))
EACH: Final = 20
DEPTH: Final = 3
"""Clicks: to the basis, to a figure that it is made of, and to one of that."""


@dataclass(frozen=True)
class Shown:
    """A page, who opens it, and what is there when it is complete. ``prepare`` makes what it shows, and returns the query;
    ``act`` opens what is closed at first."""

    path: str
    user: str
    ready: str
    act: Callable[[Page], None] = lambda page: None
    prepare: Callable[[Platform], str] = lambda platform: ""
    name: str = ""


def opened(page: Page) -> None:
    """Everything that opens."""
    expect(page.locator("main :is(details, .page, .ops)").first).to_be_attached()
    page.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")


def an_alert(platform: Platform) -> str:
    """Rain above the limit of a rule; the queue shows it."""
    gauge(platform, 30, 88.8)
    return ""


def a_wall(platform: Platform) -> str:
    """The display of the control room."""
    an_alert(platform)
    return "?wall=1"


def first_of(platform: Platform, kind: str) -> str:
    return str(platform.api("GET", f"/ngsi-ld/v1/entities?type={kind}&limit=1", Link=CONTEXT)[0]["id"])


def an_alert_opened(platform: Platform) -> str:
    an_alert(platform)
    q = quote('alertSource=="urn:ngsi-ld:WeatherObserved:browser-30"')
    deadline = time.monotonic() + 20
    while not (found := platform.api("GET", f"/ngsi-ld/v1/entities?type=Alert&q={q}", Link=CONTEXT)):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return f"?sel={found[0]['id']}"


def an_incident_opened(platform: Platform) -> str:
    made = incident(platform, "Three clicks")
    nearest = platform.api("GET", f"/api/command/incidents/{made}/candidates", role="dispatcher")[0]["unit"]
    platform.api(
        "POST", f"/api/command/incidents/{made}/assignments", {"unit": nearest["id"]}, role="dispatcher"
    )
    return f"?sel={made}"


def a_unit_opened(platform: Platform) -> str:
    return f"?sel={first_of(platform, 'EmergencyUnit')}"


def candidates(page: Page) -> None:
    """The units that could be sent."""
    page.locator("aside.right").get_by_role("button", name="หน่วยว่างที่ใกล้ที่สุด").click(timeout=20_000)


def ranked(page: Page) -> None:
    """The critical links, whose study takes longest, and everything that opens."""
    expect(page.locator("main button.road").first).to_be_visible(timeout=240_000)
    opened(page)


PAGES: Final = [
    Shown("/", "dispatcher", "section.queue li", opened, an_alert),
    Shown("/", "dispatcher", "aside.right dl", opened, an_alert_opened, "/ alert"),
    Shown("/", "dispatcher", "aside.right .units b.number", candidates, an_incident_opened, "/ incident"),
    Shown("/", "dispatcher", "aside.right dl", opened, a_unit_opened, "/ unit"),
    Shown("/", "dispatcher", ".lists li", prepare=a_wall, name="/ wall"),
    Shown("/units", "dispatcher", "table"),
    Shown("/data", "admin", "dl"),
    Shown("/definitions", "admin", "nav.kinds"),
    Shown("/approvals", "admin", ".panel"),
    Shown("/configuration", "admin", ".panel"),
    Shown(f"/evidence/entities/{quote('type=Hospital', safe='')}", "dispatcher", "table"),
    Shown("/assessment", "admin", "ul.areas", ranked),
    Shown("/assessment/indicator/road-deaths", "admin", "table", opened),
    Shown("/connectivity", "admin", "table", opened),
    Shown("/roadmap", "admin", "details", opened),
    Shown("/training", "dispatcher", "table", opened),
    Shown("/programme?view=draft", "dispatcher", ".share .big"),
]

NUMBERS: Final = """() => {
  const plain = '[data-figure], [data-plain], time, input, select, textarea, option, a[href^="/evidence/"]';
  const found = [];
  const texts = [];
  for (const part of document.querySelectorAll('main, header.bar .center')) {
    const walk = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) texts.push(walk.currentNode);
  }
  for (const node of texts) {
    const text = node.textContent.trim();
    const holder = node.parentElement;
    if (!/[0-9\\u0e50-\\u0e59]/.test(text) || holder.closest('style, script, .visually-hidden')) continue;
    if (!holder.checkVisibility({ visibilityProperty: true })) continue;
    const figure = holder.closest('[data-figure]');
    const row = holder.closest('[data-plain]') ? null : holder.closest('[data-figure-row]');
    found.push({
      text: text.slice(0, 80),
      where: holder.outerHTML.slice(0, 160),
      figure: figure ? figure.dataset.figure : null,
      row: row ? (row.id ||= `row-${found.length}`) : null,
      plain: holder.closest(plain) !== null,
    });
  }
  return found;
}"""


def basis_of(page: Page, url: str, figure: str) -> dict[str, Any]:
    kind, _, key = figure.partition("/")
    answer = page.request.get(f"{url}/api/evidence/{quote(kind, safe='')}/{quote(key, safe='')}")
    assert answer.ok, f"{figure}: {answer.status} {answer.text()[:300]}"
    found: dict[str, Any] = answer.json()
    return found


def leads_to_a_source(page: Page, url: str, figure: str, clicks: int = DEPTH) -> bool:
    """An entity with its dataset, source or origin, a constant with its source, or the condition of a count of none."""
    basis = basis_of(page, url, figure)
    for side in ("title", "period", "population", "check", "formula", "note"):
        assert basis[side] is None or (basis[side]["th"] and basis[side]["en"]), (figure, side)
    if any(row["dataset"] or row["source"] or row["origin"] for row in basis["entities"]):
        return True
    if any(row["source"] for row in basis["constants"]):
        return True
    if basis["value"] == 0 and basis["formula"] is not None:
        return True
    parts = basis["parts"] if clicks > 1 else []
    return any(leads_to_a_source(page, url, f"{one['kind']}/{one['key']}", clicks - 1) for one in parts)


@pytest.mark.parametrize("shown", PAGES, ids=lambda one: one.name or one.path)
def test_numbers_lead_to_their_sources(screens: Any, platform: Platform, shown: Shown) -> None:
    query = shown.prepare(platform)
    screen = screens(shown.user, lang="th")
    page = screen.open(shown.path + query)
    shown.act(page)
    expect(page.locator(f"main {shown.ready}").first).to_be_visible(timeout=60_000)
    numbers = page.evaluate(NUMBERS)
    loose = [one for one in numbers if not (one["figure"] or one["row"] or one["plain"])]
    assert loose == [], f"{len(loose)} numbers of {len(numbers)} on {shown.path} lead nowhere"
    rng = random.Random(SEED)
    traced = [one for one in numbers if one["figure"] or one["row"]]
    chosen = rng.sample(traced, min(EACH, len(traced)))
    for one in chosen:
        if one["figure"]:
            assert leads_to_a_source(page, screen.url, one["figure"]), f"seed {SEED}: {one}"
    rows = [one["row"] for one in chosen if one["row"] and not one["figure"]]
    if rows:
        page.locator(f"#{rows[0]}").click()
        expect(page.locator("main [data-figure]").first).to_be_visible()


def test_a_basis_is_a_page_of_its_own_in_both_languages(screens: Any) -> None:
    key = quote("type=Hospital&attribute=capacity", safe="")
    for lang, theme, title, download in (
        ("th", "light", "จำนวนโรงพยาบาล", "ดาวน์โหลด CSV"),
        ("en", "dark", "Count: Hospital", "Download CSV"),
    ):
        screen = screens("dispatcher", lang=lang, theme=theme)
        page = screen.open(f"/evidence/entities/{key}")
        expect(page.locator("h1")).to_contain_text(title)
        total = page.request.get(f"{screen.url}/api/evidence/entities/{key}").json()["total"]
        assert total > 3
        expect(page.locator("tbody tr")).to_have_count(total)
        assert serious(page) == []
        with page.expect_download() as saved:
            page.get_by_role("button", name=download).click()
        text = saved.value.path().read_bytes()
        assert text.startswith(b"\xef\xbb\xbf"), "Excel knows UTF-8 by its byte order mark"
        rows = text.decode("utf-8-sig").strip().split("\r\n")
        assert len(rows) == total + 1
        page.locator("tbody a").first.click()
        expect(page.locator("aside.right h2")).to_be_visible()


def test_a_long_list_has_pages_and_a_missing_figure_says_so(screens: Any) -> None:
    screen = screens("dispatcher")
    page = screen.open(f"/evidence/entities/{quote('type=PointOfInterest', safe='')}")
    expect(page.locator("tbody tr")).to_have_count(100)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Entries 101–200 of")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Entries 1–100 of")).to_be_visible()
    screen.open("/evidence/attribute/urn%3Ax%3Anothing~rain")
    expect(page.get_by_role("alert")).to_contain_text("This figure does not exist")
