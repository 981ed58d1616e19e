"""The drill on the screens: each role plays its own, a failed one cannot be handed in, and axe finds nothing on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect  # noqa: E402

from andaman.city.registers import SeedRows  # noqa: E402
from andaman.training.course import courses_of  # noqa: E402
from tests.web.conftest import CONTEXT, Platform, served  # noqa: E402
from tests.web.test_frame import serious  # noqa: E402

pytestmark = pytest.mark.browser
SLOW = 60_000
SHIFT = courses_of(SeedRows())["command-center-shift"]
QUIZ = next(step for step in SHIFT.steps if step.kind == "quiz")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The small city: its drill takes 20 s to the main event."""
    yield from served(tmp_path_factory.mktemp("training"), "minicity")


def answer(page: Page, right: bool = True) -> None:
    expect(page.locator("fieldset").first).to_be_visible()
    for question in page.locator("fieldset").all():
        legend = question.locator("legend").inner_text()
        known = next(q for q in QUIZ.questions if q.text.en == legend)
        texts = [one.en for index, one in enumerate(known.choices) if (index == known.right) == right]
        question.get_by_label(texts[0], exact=True).check()
    page.get_by_role("button", name="Send answers").click()


def read(platform: Platform, user: str) -> None:
    """As if the time that both texts take had passed; the second is not confirmed yet."""
    rows = platform.api("GET", "/ngsi-ld/v1/entities?type=Enrolment", Link=CONTEXT)
    mine = next(row for row in rows if row["person"]["value"] == f"user:{user}")
    past = "2026-01-01T00:00:00.000000Z"
    steps = {
        SHIFT.steps[0].id: {"passed": True, "score": None, "at": past},
        SHIFT.steps[1].id: {"passed": False, "score": None, "at": past, "readyAt": past},
    }
    kept = {"id": mine["id"], "type": "Enrolment", "steps": {"type": "JsonProperty", "json": steps}}
    platform.put_entity(kept)


def begin(platform: Platform, page: Page, role: str) -> None:
    """Read, answer, and start the drill in a role."""
    page.get_by_role("button", name="Begin to read").first.click()
    expect(page.get_by_role("button", name="I have read this")).to_be_disabled()
    expect(page.get_by_text("You can confirm it from")).to_be_visible()
    assert serious(page) == []
    read(platform, role.lower())
    page.reload()
    page.get_by_role("button", name="I have read this").click()
    answer(page, right=False)
    expect(page.get_by_role("status").filter(has_text="0% right")).to_be_visible()
    expect(page.get_by_text("tried 1 ×")).to_be_visible()
    assert serious(page) == []
    answer(page)
    page.get_by_role("button", name=f"Start the drill as {role}").click()
    page.get_by_role("link", name="Open the drill's operations room").click(timeout=SLOW)
    expect(page.get_by_text("EXERCISE").first).to_be_visible()
    assert "tenant=exercise-" in page.url


def open_incident(page: Page) -> Any:
    """From the alert of the main event, which is acknowledged by this."""
    alert = page.locator("section.queue li", has_text=re.compile("fell on Main Street")).first
    alert.get_by_role("button", name="Create incident").click(timeout=SLOW)
    page.get_by_role("dialog").get_by_role("button", name="Create incident").click()
    panel = page.locator("aside.right")
    expect(panel.locator(".incident > header")).to_be_visible(timeout=SLOW)
    return panel


def finish(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="Finish and score").click()
    page.get_by_role("dialog", name="Finish and score").get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Debriefing").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Scored").first).to_be_visible(timeout=SLOW)


def test_an_operator_passes_the_drill_of_their_role_and_prints_a_certificate(
    platform: Platform, screens: Any
) -> None:
    screen = screens("operator", lang="en", theme="light")
    page = screen.open("/training")
    begin(platform, page, "Operator")
    panel = open_incident(page)
    expect(panel.get_by_role("button", name="Hand over to a dispatcher")).to_be_visible()
    page.wait_for_timeout(11_000)  # the caller is asked
    panel.locator("input[type=checkbox]").first.click()
    expect(panel.locator("input[type=checkbox]").first).to_be_checked()
    page.wait_for_timeout(5_000)
    panel.get_by_label("What the dispatcher must know").fill("One person, conscious, ankle hurt")
    panel.get_by_role("button", name="Hand over to a dispatcher").click()
    expect(panel.get_by_text(re.compile("Handed over at"))).to_be_visible(timeout=SLOW)
    assert serious(page) == []
    panel.get_by_label("Add note").first.fill("The caller waits in front of the shop")
    panel.get_by_role("button", name="Add note").click()
    expect(panel.locator(".timeline")).to_contain_text("in front of the shop", timeout=SLOW)
    finish(page, f"{screen.url}/training")
    run = page.locator(".run")
    expect(run.get_by_text("Passed", exact=False).first).to_be_visible()
    assert serious(page) == []
    lines = run.locator("li[data-task]")
    expect(lines).to_have_count(7)
    expect(run.locator("li[data-task=hand-over]")).to_contain_text("25 / 25")
    link = run.locator("li[data-task=open] a").first
    assert re.search(r"tenant=exercise-.*at=", link.get_attribute("href") or "")
    history = page.get_by_role("table", name="Drills so far")
    expect(history).to_contain_text("Scored", timeout=SLOW)
    page.get_by_role("button", name="Get the certificate").click(timeout=SLOW)
    page.wait_for_url(re.compile("/training/certificate/"))
    address = page.url.removeprefix(screen.url)
    for lang, theme in (("th", "dark"), ("en", "light")):
        public = screens(None, lang=lang, theme=theme).open(address)
        expect(public.locator("article")).to_contain_text("Operator Test", timeout=SLOW)
        expect(public.locator("article")).to_contain_text(address)
        expect(public.locator("article .shown li").first).to_be_visible()
        expect(public.locator("article")).to_contain_text(
            "ผ่านในครั้งที่ 2" if lang == "th" else "passed at try 2"
        )
        assert serious(public) == []
        public.emulate_media(media="print")
        expect(public.locator("header.bar")).to_be_hidden()
        assert serious(public) == []


def test_a_drill_that_a_dispatcher_clicked_through_fails_in_words(platform: Platform, screens: Any) -> None:
    screen = screens("dispatcher", lang="en", theme="dark")
    page = screen.open("/training")
    begin(platform, page, "Dispatcher")
    panel = open_incident(page)
    panel.get_by_role("button", name=re.compile("free units")).click()
    panel.locator(".choose li").first.get_by_role("button").first.click(timeout=SLOW)
    expect(panel.locator(".incident > header")).to_contain_text("Dispatched", timeout=SLOW)
    finish(page, f"{screen.url}/training")
    run = page.locator(".run")
    expect(run.get_by_text("Critical failure")).to_be_visible()
    expect(run.get_by_text("The trainee reported no fitting unit on scene")).to_be_visible()
    expect(run.locator("li[data-task=choice]")).to_contain_text("20 / 20")
    expect(page.get_by_role("button", name="Use this result for the course")).to_have_count(0)
    assert serious(page) == []
    page.get_by_role("button", name="ภาษาไทย").click()
    expect(run.get_by_text("ผู้ฝึกไม่ได้รายงานว่าหน่วยที่เหมาะสมถึงที่เกิดเหตุ")).to_be_visible()
    assert not re.search(r"policePatrol|ambulance|บันทึกลำดับที่", run.inner_text())
    assert serious(page) == []
