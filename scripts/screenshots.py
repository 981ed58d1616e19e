"""Take pictures of the screens of a running platform, for looking at them and for the README.

    python scripts/screenshots.py http://127.0.0.1:8026 --data .demo --pages / /training --out shots

Signs in as the demo administrator (or ``--user``); one file for each page, language, theme and size.
"""

from __future__ import annotations

import argparse
import json
import os
from itertools import product
from pathlib import Path

from playwright.sync_api import sync_playwright

SIZES = {"1440": (1440, 900), "1920": (1920, 1080), "phone": (390, 844)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--data", type=Path, default=Path(".demo"))
    parser.add_argument("--user", default="admin")
    parser.add_argument("--pages", nargs="+", default=["/"])
    parser.add_argument("--langs", nargs="+", default=["th", "en"])
    parser.add_argument("--themes", nargs="+", default=["dark", "light"])
    parser.add_argument("--sizes", nargs="+", default=["1440"], choices=SIZES)
    parser.add_argument("--out", type=Path, default=Path("shots"))
    parser.add_argument("--wait", type=float, default=2.5, help="seconds to let a page settle")
    parser.add_argument("--full", action="store_true", help="the whole page, not the window")
    options = parser.parse_args()
    password = json.loads((options.data / "demo-sign-in.json").read_text("utf-8"))[options.user]
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=os.environ.get("ANDAMAN_CHROMIUM", "/usr/bin/chromium"),
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--use-gl=angle",
                "--use-angle=swiftshader",
                "--enable-unsafe-swiftshader",
            ],
        )
        for lang, theme, size in product(options.langs, options.themes, options.sizes):
            width, height = SIZES[size]
            context = browser.new_context(
                viewport={"width": width, "height": height}, locale="th-TH" if lang == "th" else "en-GB"
            )
            context.add_init_script(
                f"localStorage.setItem('andaman.lang', '{lang}'); localStorage.setItem('andaman.theme', '{theme}')"
            )
            answer = context.request.post(
                f"{options.url}/auth/login", data={"username": options.user, "password": password}
            )
            if not answer.ok:
                raise SystemExit(f"sign-in failed: {answer.text()}")
            page = context.new_page()
            page.on("console", lambda m: print("console:", m.text) if m.type == "error" else None)
            page.on("pageerror", lambda e: print("page error:", e))
            for path in options.pages:
                page.goto(options.url + path)
                page.wait_for_timeout(options.wait * 1000)
                name = (
                    path.strip("/").split("?")[0].replace("/", "-") or "operations"
                ) + f"-{lang}-{theme}-{size}.png"
                page.screenshot(path=options.out / name, full_page=options.full)
                print(options.out / name)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
