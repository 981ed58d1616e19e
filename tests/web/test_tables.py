"""Each table downloads as CSV: raw values under a header in the language of the page, and nothing that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Platform

pytestmark = pytest.mark.browser

PATHS = ("/data", "/assessment", "/connectivity", "/roadmap", "/training")


def saved(page: Page, button: Any) -> tuple[str, list[list[str]]]:
    """File name and rows of what a button downloads."""
    with page.expect_download() as download:
        button.click()
    text = Path(download.value.path()).read_bytes()
    assert text.startswith(b"\xef\xbb\xbf"), "Excel knows UTF-8 by its byte order mark"
    return download.value.suggested_filename, list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))


@pytest.mark.parametrize("path", PATHS)
def test_each_table_downloads(screens: Any, path: str) -> None:
    page = screens("admin", lang="th").open(path)
    expect(page.locator("main .page")).to_be_visible()
    page.wait_for_timeout(3_000)
    page.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
    tables = page.locator("main table:visible")
    buttons = page.locator("main button:visible").filter(has_text="CSV")
    full = [one for one in tables.all() if one.locator("tbody tr td:not([colspan])").count() > 0]
    assert buttons.count() >= len(full), path
    for button in buttons.all():
        name, (header, *rows) = saved(page, button)
        assert name.endswith(".csv")
        assert len(header) > 1
        assert any(re.search("[ก-๙]", one) for one in header), (path, header)
        assert rows, (path, header)
        assert {len(row) for row in rows} == {len(header)}, (path, header)
        for cell in (cell for row in rows for cell in row):
            assert not re.match(r"[=@\t\r]|[+-](?![\d.])", cell), (path, cell)


def test_a_file_has_raw_values_and_no_formula(screens: Any, platform: Platform) -> None:
    key = "type%3DWeatherObserved%26id%3Durn%3Angsi-ld%3AWeatherObserved%3Acsv%26attribute%3Dprecipitation"
    platform.put_entity(
        {
            "id": "urn:ngsi-ld:WeatherObserved:csv",
            "type": "WeatherObserved",
            "name": {"type": "LanguageProperty", "languageMap": {"th": "=1+1", "en": '=HYPERLINK("x")'}},
            "precipitation": {"type": "Property", "value": -1234.5678, "unitCode": "MMT"},
        }
    )
    for lang, head, name in (("th", "ค่า", "'=1+1"), ("en", "Value", '\'=HYPERLINK("x")')):
        page = screens("admin", lang=lang).open(f"/evidence/entities/{key}")
        _, (header, row) = saved(page, page.locator("main button").filter(has_text="CSV"))
        assert row[header.index(head)] == "-1234.5678"
        assert name in row
