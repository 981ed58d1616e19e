"""Laws of the screens in every city: each page opens, and the city's own kinds of incident and unit are offered and edited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from andaman.city.pack import load_pack
from tests.web.conftest import Platform, served
from tests.web.test_frame import serious

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=["minicity", "phuket"])
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A server of its own for each city."""
    yield from served(tmp_path_factory.mktemp(request.param), request.param)


def test_every_page_of_the_navigation_opens(screens: Any, platform: Platform) -> None:
    page = screens("admin").open("/")
    expect(page.locator("section.queue")).to_be_visible()
    paths = [link.get_attribute("href") for link in page.locator("nav.rail a").all()]
    assert {"/definitions", "/approvals", "/configuration"} <= set(paths)
    for path in paths:
        page.goto(platform.url + path)
        expect(page.locator("h1").first).to_be_attached()
        expect(page.get_by_text("Something went wrong")).to_have_count(0)


def test_an_incident_of_the_citys_own_kind_gets_a_unit(screens: Any, platform: Platform) -> None:
    pack = load_pack(platform.pack)
    kinds = {row["code"]: row["name"]["en"] for row in pack.register("incident-types")}
    units = [row["name"]["en"] for row in pack.register("unit-types")]
    page = screens("dispatcher").open("/")
    page.get_by_role("button", name="Report new incident").click()
    dialog = page.get_by_role("dialog", name="Report new incident")
    choices = dialog.get_by_label("Kind").locator("option")
    expect(choices).to_have_text(["Choose the kind", *kinds.values()])
    dialog.get_by_label("Kind").select_option(next(iter(kinds)))
    usual = pack.register("incident-types")[0]["severity"]
    expect(dialog.get_by_label("Severity")).to_have_value("")
    expect(dialog).to_contain_text(f"Usual for this kind: {usual}")
    dialog.get_by_label("Severity").select_option(usual)
    dialog.get_by_label("Headline").fill("Somebody called")
    lon, lat = pack.centre
    dialog.get_by_label("Search for a place").fill(f"{lat}, {lon}")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Create incident").click()
    panel = page.locator("aside.right")
    panel.get_by_role("button", name="Nearest free units").click()
    expect(panel.get_by_label("Kind of unit").locator("option")).to_have_text(
        ["Recommended for this incident", *units]
    )
    panel.locator(".choose").get_by_role("button", name="Assign").first.click()
    expect(panel.locator(".incident > header")).to_contain_text("Dispatched")


def test_a_row_is_edited_in_the_form_and_errors_are_at_their_fields(screens: Any, platform: Platform) -> None:
    page = screens("admin").open("/definitions")
    page.get_by_role("link", name=re.compile("Kinds of incident")).click()
    page.locator("ul.rows a").first.click()
    page.get_by_role("button", name="Edit", exact=True).click()
    assert serious(page) == []
    page.get_by_label("Name (English)").fill("")
    page.get_by_role("button", name="Save and put into force").click()
    expect(page.locator(".wrong .error")).to_have_count(1)
    page.get_by_label("Name (English)").fill("Renamed kind")
    page.get_by_label("Reason for the change").fill("Says it better")
    page.get_by_role("button", name="Save and put into force").click()
    expect(page.get_by_role("heading", name="Renamed kind")).to_be_visible()
    page.get_by_role("link", name="← Kinds of incident").click()
    page.get_by_role("button", name="Create a definition").click()
    page.get_by_label("Code").fill("made-here")
    page.get_by_label("Name (Thai)").fill("สร้างที่นี่")
    page.get_by_label("Name (English)").fill("Created here")
    page.get_by_label("Category").select_option("Other")
    page.get_by_label("Reason for the change").fill("Our own kind")
    page.get_by_role("button", name="Save and put into force").click()
    expect(page.get_by_role("heading", name="Created here")).to_be_visible()
    assert "made-here" in {row["code"] for row in platform.api("GET", "/api/command/incident-types")}
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Reason for the change").fill("A trial")
    page.get_by_role("button", name="Delete this definition").click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator("main")).to_contain_text("Deleted by")
    assert "made-here" not in {row["code"] for row in platform.api("GET", "/api/command/incident-types")}
