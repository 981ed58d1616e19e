"""Write the pages that are made from code: docs/settings.md and docs/doors.md."""

from pathlib import Path
from tempfile import TemporaryDirectory

from andaman.app import build
from andaman.identity.doors_page import doors_page
from andaman.identity.roles import shipped_roles
from andaman.rooms import PERMISSIONS
from andaman.settings import load_settings, settings_page

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    (ROOT / "docs/settings.md").write_text(settings_page(), "utf-8")
    with TemporaryDirectory() as directory:
        app = build(load_settings({"data": directory}, environ={}))
        (ROOT / "docs/doors.md").write_text(
            doors_page(app.doors, PERMISSIONS.values(), shipped_roles()), "utf-8"
        )
