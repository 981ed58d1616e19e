"""Write the pages that are made from code: docs/settings.md."""

from pathlib import Path

from andaman.settings import settings_page

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    (ROOT / "docs/settings.md").write_text(settings_page(), "utf-8")
