"""The pack that is carried is the one that the script makes (only where the source data is at hand)."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from andaman.city.pack import load_pack

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT.parent / "shared/data/phuket"


@pytest.mark.skipif(not SOURCES.exists(), reason="the source data is not here")
def test_the_carried_pack_is_what_the_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    import build_pack
    from citypack.common import csv_text, json_lines

    made = {}
    for part in build_pack.parts(SOURCES):
        if part.entities:
            made[f"entities/{part.id}.jsonl.gz"] = json_lines(part.entities)
        for name, (header, rows) in part.tables.items():
            made[f"tables/{name}.csv.gz"] = csv_text(header, rows)
        for name, lines in part.geometry.items():
            made[f"geometry/{name}.jsonl.gz"] = json_lines(lines)
    carried = {
        file["path"]: file["sha256"]
        for part in load_pack("phuket").manifest["parts"]
        for file in part["files"]
    }
    assert {path: hashlib.sha256(text.encode()).hexdigest() for path, text in made.items()} == carried


def test_notice_and_sources_name_every_part() -> None:
    notice = (ROOT / "NOTICE").read_text("utf-8")
    sources = (ROOT / "docs/data-sources.md").read_text("utf-8")
    for part in load_pack("phuket").manifest["parts"]:
        assert f"({part['id']})" in notice
        assert part["licence"] in notice
        assert part["authority"] in sources
        assert part["attribution"] in notice
