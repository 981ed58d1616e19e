"""Laws of every page: no axe violation in either language and theme, Thai throughout on a Thai screen, no name cut in two."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

playwright = pytest.importorskip("playwright.sync_api")
from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Page, expect  # noqa: E402

from tests.web.conftest import PASSWORD, Platform, served  # noqa: E402

pytestmark = pytest.mark.browser
SLOW: Final = 60_000
PAGES: Final = {
    "/": "section.queue li, section.queue .empty",
    "/units": "tr[data-unit]",
    "/data": "dl",
    "/assessment": "summary",
    "/connectivity": "table",
    "/roadmap": "table",
    "/programme": ".panel",
    "/training": ".panel",
    "/definitions": "nav.kinds",
    "/approvals": ".panel",
    "/configuration": ".panel",
}
"""Path → what is there when the page is complete."""
THAI_PERSON: Final = "thai"
INCIDENT: Final = {
    "incidentType": "roadAccident",
    "severity": "Severe",
    "name": {"th": "รถจักรยานยนต์ชนรถตู้ ทางหลวง 402", "en": "Motorcycle hits van on Highway 402"},
    "address": {"th": "หน้าโรงพยาบาลถลาง อ.ถลาง", "en": "Thalang Hospital"},
    "location": {"type": "Point", "coordinates": [98.34, 8.03]},
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A server of its own with feeds: other tests write English names into theirs."""
    for made in served(tmp_path_factory.mktemp("pages"), feeds=True, ahead=True):
        made.command("user", "add", THAI_PERSON, "--name", "ผู้ดูแลระบบ", "--role", "administrator", "--password-stdin",
                     "--data", str(made.data), text=PASSWORD + "\n")  # fmt: skip
        made.api("POST", "/api/command/incidents", INCIDENT)
        yield made


def opened(screen: Any, path: str) -> Page:
    """The page, complete, with everything open that opens."""
    page: Page = screen.open(path)
    expect(page.locator(PAGES[path]).first).to_be_attached(timeout=SLOW)
    with suppress(AssertionError):  # what is being computed shows its progress, and is a page too
        expect(page.locator("main [role=progressbar]")).to_have_count(0, timeout=10_000)
    page.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
    page.wait_for_timeout(400)
    return page


def violations(page: Page) -> list[str]:
    """All that axe finds, of any impact."""
    return [
        f"{v['id']}: {node['target']} {node.get('failureSummary', '')[:160]}"
        for v in Axe().run(page).response["violations"]
        for node in v["nodes"][:3]
    ]


@pytest.mark.parametrize("lang", ["th", "en"])
def test_axe_finds_nothing_on_any_page_in_either_theme(screens: Any, lang: str) -> None:
    screen = screens(THAI_PERSON, lang=lang, theme="dark")
    found = {}
    for path in PAGES:
        page = opened(screen, path)
        for theme in ("dark", "light"):
            page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
            if lines := violations(page):
                found[f"{path} {theme}"] = lines
    assert found == {}


# -- Thai screens -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Allowed:
    """What may be in Latin letters, longest first; and words that no line breaks."""

    latin: re.Pattern[str]
    compounds: tuple[str, ...]


@cache
def allowed() -> Allowed:
    content = tomllib.loads(Path(__file__).with_name("thai_screens.toml").read_text("utf-8"))
    for row in (*content["latin"], *content["compounds"]):
        assert row["because"].strip()
    names = sorted({name for row in content["latin"] for name in row.get("names", ())}, key=len, reverse=True)
    patterns = [pattern for row in content["latin"] for pattern in row.get("patterns", ())]
    either = "|".join([*patterns, *(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])" for name in names)])
    return Allowed(re.compile(either), tuple(word for row in content["compounds"] for word in row["words"]))


TEXTS: Final = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const holder = walk.currentNode.parentElement;
    if (holder.closest('script, style, cite[lang=en]')) continue;
    if (!holder.checkVisibility() && !holder.closest('option, .visually-hidden')) continue;
    if (walk.currentNode.textContent.trim()) found.push(walk.currentNode.textContent.trim());
  }
  for (const name of ['aria-label', 'title', 'placeholder', 'alt'])
    for (const holder of document.querySelectorAll(`[${name}]`)) found.push(holder.getAttribute(name));
  return [...new Set(found)];
}"""
"""Every text of the page; titles of publications are in their own language and marked as such."""
BROKEN: Final = """(names) => {
  const found = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (!node.parentElement.checkVisibility()) continue;
    for (const name of names) {
      for (let at = node.data.indexOf(name); at >= 0; at = node.data.indexOf(name, at + 1)) {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + name.length);
        const lines = new Set([...range.getClientRects()].filter((box) => box.width > 0).map((box) => Math.round(box.top / 8)));
        if (lines.size > 1) found.add(`${name} in: ${node.data.trim().slice(0, 90)}`);
      }
    }
  }
  return [...found];
}"""


def left_over(text: str) -> str:
    """What is in Latin letters although it is on no list."""
    return " ".join(re.findall(r"[A-Za-z][\w./'-]*", allowed().latin.sub(" ", text)))


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("ดาวน์โหลด CSV", ""),
        ("ความจุ 21.1 SINR มัธยฐาน", ""),
        ("deaths / population", "deaths population"),
        ("สถานะ outOfService", "outOfService"),
        ("urn:ngsi-ld:Alert:1", "urn ngsi-ld Alert"),
        ("CSVx", "CSVx"),
    ],
)
def test_what_is_not_on_the_list_is_found(text: str, rest: str) -> None:
    assert left_over(text) == rest


def test_a_thai_screen_is_in_thai_and_breaks_no_name(screens: Any, platform: Platform) -> None:
    areas = platform.api("GET", "/api/state?types=AdministrativeArea")["entities"]
    bare = {re.sub(r"^(ตำบล|อำเภอ|จังหวัด)\s*", "", one["a"]["name"]["th"]) for one in areas}
    names = [*sorted(name for name in bare if len(name) > 3), *allowed().compounds]
    screen = screens(THAI_PERSON, lang="th")
    english: dict[str, str] = {}
    broken: list[str] = []
    for path in PAGES:
        page = opened(screen, path)
        english |= {
            f"{path}: {text[:100]}": rest for text in page.evaluate(TEXTS) if (rest := left_over(text))
        }
        for width, height in ((1440, 900), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(200)
            broken += [f"{path} {width}: {line}" for line in page.evaluate(BROKEN, names)]
        page.set_viewport_size({"width": 1440, "height": 900})
    assert english == {}
    assert broken == []
