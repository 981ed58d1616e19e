"""Links of documents lead somewhere, and every room's page says what it is for, takes, gives and must never do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "src/andaman/**/README.md", "web/README.md")
    for path in ROOT.glob(pattern)
)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Headings as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.strip().lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_files_and_headings(name: str) -> None:
    page = ROOT / name
    for link in _LINK.findall(prose(page)):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("name", [name for name in PAGES if re.fullmatch(r"src/andaman/.*README\.md", name)])
def test_a_rooms_page_has_its_four_parts(name: str) -> None:
    text = " ".join((ROOT / name).read_text("utf-8").split())
    for part in ("**For** ", "**In:** ", "**Out:** ", "must never"):
        assert part in text, part


FILES = {
    f"/{path.relative_to(ROOT)}"
    for folder in ("src/andaman", "tests", "scripts", "bench", "web/src")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".ts", ".svelte", ".sh", ".css")
}
_FILE = re.compile(r"`([\w./-]+\.(?:py|ts|svelte|sh|css))`")


@pytest.mark.parametrize("name", [name for name in PAGES if not name.startswith("docs/reviews/")])
def test_files_that_a_page_names_exist(name: str) -> None:
    named = _FILE.findall(prose(ROOT / name))
    assert [one for one in named if not any(file.endswith(f"/{one}") for file in FILES)] == []
