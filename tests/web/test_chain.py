"""The screens of the chain: assessment, connectivity, roadmap, training, programme and data."""

from __future__ import annotations

from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect  # noqa: E402

from .test_frame import serious  # noqa: E402

pytestmark = pytest.mark.browser
PAGES = {
    "/assessment": {"th": "การประเมินโครงสร้างพื้นฐานของเมือง", "en": "Infrastructure assessment"},
    "/assessment/indicator/water-loss": {"th": "น้ำสูญเสียในระบบจ่ายน้ำ", "en": "Water supply loss"},
    "/connectivity": {"th": "โครงข่ายไร้สาย", "en": "Connectivity"},
    "/roadmap": {"th": "แผนที่นำทาง", "en": "Roadmap"},
    "/training": {"th": "ทักษะและการฝึกอบรม", "en": "Skills and training"},
    "/programme": {
        "th": "โครงการความช่วยเหลือทางวิชาการเมืองอัจฉริยะภูเก็ต",
        "en": "Phuket Smart City Technical Assistance Package",
    },
    "/data": {"th": "ข้อมูลเมือง", "en": "City data"},
}


@pytest.mark.parametrize(("lang", "theme"), [("th", "dark"), ("en", "light")])
def test_each_page_opens_in_words_and_passes_axe(screens: Any, lang: str, theme: str) -> None:
    screen = screens(lang=lang, theme=theme)
    for path, heading in PAGES.items():
        page = screen.open(path)
        expect(page.locator("h1")).to_have_text(heading[lang], timeout=60_000)
        expect(page.locator(".page .panel, .page article, .page table").first).to_be_visible(timeout=60_000)
        page.wait_for_timeout(500)
        assert serious(page) == [], path
        assert "urn:ngsi-ld" not in page.locator("main").inner_text(), f"a raw id on {path}"


def test_no_page_scrolls_sideways_on_a_phone(screens: Any) -> None:
    screen = screens(lang="th", size=(390, 844))
    for path in PAGES:
        page = screen.open(path)
        expect(page.locator("h1")).to_be_visible()
        page.wait_for_timeout(1500)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_values_of_a_map_differ_by_more_than_their_colour(screens: Any) -> None:
    """Each value of the legend has a pattern of its own; the map draws the same patterns."""
    page = screens(lang="th").open("/assessment")
    expect(page.locator("svg[data-pattern]").first).to_be_visible(timeout=60_000)
    drawn = page.locator("svg[data-pattern]").evaluate_all(
        "all => all.map((one) => [...one.querySelectorAll('rect[x]')].map((r) => `${r.getAttribute('x')} ${r.getAttribute('y')}`).join())"
    )
    assert len(drawn) == 5
    assert len(set(drawn)) == len(drawn)
