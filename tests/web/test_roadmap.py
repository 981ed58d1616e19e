"""The roadmap in the browser: a budget that is wrong, a run that is finished and stays, two runs next to one another."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect  # noqa: E402

from .test_frame import serious  # noqa: E402

pytestmark = pytest.mark.browser
SMALL = {
    "samples": 2,
    "exclude": [
        "ambulance-posts", "demand-minibuses", "fire-satellites", "night-lighting", "panwa-link", "public-masts",
        "rain-slope-network", "slope-4029", "water-districts",
    ],
}  # fmt: skip


def computed(platform: Any, **asked: Any) -> str:
    """The id of a run that is complete."""
    platform.api("GET", "/api/roadmap/portfolios", role="analyst")
    answer = httpx.post(
        f"{platform.url}/api/roadmap/portfolio",
        json={**SMALL, **asked},
        headers={"Authorization": f"Bearer {platform.tokens['analyst']}"},
        timeout=180,
    )
    assert answer.status_code == 201, answer.text
    local = str(answer.json()["id"]).rpartition(":")[2]
    for _ in range(900):  # other platforms compute on the same cores
        if platform.api("GET", f"/api/roadmap/portfolio/{local}")["robustness"]["status"] == "done":
            return local
        time.sleep(0.5)
    raise AssertionError(f"run {local} was not finished")


def test_a_wrong_budget_names_its_field(screens: Any) -> None:
    """In the reader's language, at the field, which has the focus; what was typed stays."""
    for lang, field in (("th", "วงเงินห้าปี"), ("en", "budget")):
        page = screens(user="admin", lang=lang).open("/roadmap")
        total = page.locator("main form input").first
        page.locator("main form input").nth(1).fill("150")
        total.fill("-5")
        page.locator("main form button[type=submit]").click()
        said = page.locator("main [role=alert]")
        expect(said).to_contain_text(field, timeout=60_000)
        expect(said).to_contain_text("1000000")
        expect(total).to_have_value("-5")
        expect(total).to_have_attribute("aria-invalid", "true")
        expect(total).to_be_focused()
        assert said.get_attribute("id") in str(total.get_attribute("aria-describedby"))
        expect(page.locator("main form [aria-invalid]")).to_have_count(1)
        assert serious(page) == []
        total.fill("")
        expect(said).to_have_count(0)  # it may no longer be so
        page.locator("main form button[type=submit]").click()
        expect(said).to_contain_text(field, timeout=60_000)


def test_a_number_is_typed_in_thai_digits_too(screens: Any) -> None:
    page = screens(user="admin", lang="th").open("/roadmap")
    total = page.locator("main form input").first
    for typed, shown in (("๖๐๐", "600"), ("12.50", "12.50"), ("หก", "หก")):
        total.fill("")
        total.press_sequentially(typed)
        expect(total).to_have_value(shown)
    page.locator("main form input").nth(1).fill("๑๕๐")
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main [role=alert]")).to_contain_text("วงเงินห้าปี")  # words are refused, not dropped


def test_a_new_budget_has_an_address_and_survives_a_reload(screens: Any) -> None:
    page = screens(user="admin", lang="th", theme="light").open("/roadmap")
    total, yearly = page.locator("main form input").nth(0), page.locator("main form input").nth(1)
    total.fill("300")
    yearly.fill("90")
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/roadmap/*", timeout=200_000)
    expect(page.locator("main")).to_contain_text("300 ล้านบาท ในห้าปี", timeout=60_000)
    expect(page.locator("main [role=progressbar]").first).to_be_visible()
    page.reload()
    expect(page.locator("main")).to_contain_text("300 ล้านบาท ในห้าปี")
    expect(page.locator("main form input").first).to_have_value("300")
    assert serious(page) == []


@pytest.mark.timeout(900)
def test_a_complete_run_shows_its_certainty(screens: Any, platform: Any) -> None:
    """How often it exceeds the budget, intervals, regret, reasons, the value of a life, and how much has a source."""
    run = computed(platform, name="หกร้อย")
    page = screens(user="admin", lang="en").open(f"/roadmap/{run}")
    main = page.locator("main")
    expect(main).to_contain_text("Share of draws over budget, costs independent", timeout=30_000)
    expect(main).to_contain_text("The 80% are claimed for independent costs only.")
    expect(main).to_contain_text("If all costs rise or fall together, the plan spends THB")
    expect(main).to_contain_text("Share of draws over budget if all costs move together")
    expect(main.get_by_role("columnheader", name="The plan loses without it")).to_be_visible()
    expect(main).to_contain_text("the rows do not add up")
    expect(main.get_by_text("pending", exact=True)).to_have_count(0)
    expect(main).to_contain_text("58 of 64")
    expect(main).to_contain_text("Value of a statistical life")
    expect(main).to_contain_text("A year of building costs about")
    regret = main.get_by_role("row").filter(has_text="Regret against perfect foresight")
    expect(regret).to_contain_text("to")
    dispatch = main.get_by_role("row").filter(has_text="It would be in the plan with a further benefit").first
    expect(dispatch).to_be_visible()
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    wide = "[...document.querySelectorAll('main .row > *')].filter((one) => one.getBoundingClientRect().right > innerWidth)"
    assert page.evaluate(f"{wide}.map((one) => one.textContent)") == []


@pytest.mark.timeout(1200)
def test_two_runs_are_compared(screens: Any, platform: Any) -> None:
    computed(platform, name="หกร้อย")
    computed(platform, name="สี่ร้อย", totalMthb=400, yearlyMthb=100)
    screen = screens(user="admin", lang="th", theme="light")
    page = screen.open("/roadmap")
    for name in ("หกร้อย", "สี่ร้อย"):
        page.get_by_role("row").filter(has_text=name).first.get_by_role("checkbox").check(timeout=60_000)
    page.get_by_role("button", name="เปรียบเทียบสองแผน").click()
    page.wait_for_url("**/roadmap/compare?a=*&b=*")
    table = page.get_by_role("table", name="เปรียบเทียบแผน")
    expect(table).to_contain_text("หกร้อย", timeout=30_000)
    expect(table).to_contain_text("สี่ร้อย")
    for costs in ("เมื่อต้นทุนเป็นอิสระต่อกัน", "หากต้นทุนสูงหรือต่ำพร้อมกัน"):
        expect(table.get_by_role("row").filter(has_text=f"โอกาสเกินวงเงิน {costs}")).to_contain_text("%")
    expect(page.locator("main")).to_contain_text("เริ่ม 25")
    expect(page.locator("main")).to_contain_text("แผนที่สองเทียบกับแผนแรก")
    assert serious(page) == []
