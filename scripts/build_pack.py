#!/usr/bin/env python3
"""Write the Phuket city pack from a folder of source data: ``scripts/build_pack.py DATA [TARGET]``.

DATA holds the folder ``phuket`` with its sources; TARGET is src/andaman/city/phuket unless given. Equal sources give
equal bytes. NOTICE and docs/data-sources.md are written from the same facts.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from citypack import accidents, agencies, areas, hazards, places, roads, series, tourism, transit
from citypack.common import Part, csv_text, json_lines, write_gz
from citypack.notice import notice, sources

ROOT = Path(__file__).resolve().parent.parent
MAX_FILE = 1_500_000


def parts(root: Path) -> list[Part]:
    """Every part of the pack, in the order in which it is loaded."""
    datasets = series.load_datasets(root)
    people = areas.population(datasets["population"])
    area_parts, outlines = areas.build(root, people)
    names = {
        e["id"].rsplit(":", 1)[1]: (e["name"]["languageMap"]["th"], e["name"]["languageMap"]["en"])
        for e in area_parts[0].entities
    }
    tambon = {code: (*names[code], outline) for code, outline in outlines.items()}
    found = [
        *area_parts,
        *agencies.build(root),
        *roads.build(root),
        *places.build(root, tambon),
        *transit.build(root),
        *accidents.build(root),
        series.population_series(datasets, people),
        *series.build(datasets),
        *tourism.build(root),
        *hazards.build(root),
    ]
    stations = {e["id"]: e for part in found for e in part.entities}
    return [*found, agencies.units(stations)]


def write(found: list[Part], target: Path) -> dict[str, Any]:
    """Write all files and the manifest; returns the manifest."""
    for made in ("entities", "geometry", "tables"):  # registers/ is written by hand
        shutil.rmtree(target / made, ignore_errors=True)
    target.mkdir(parents=True, exist_ok=True)
    listed = []
    for part in found:
        files: list[dict[str, Any]] = []
        if part.entities:
            files.append(
                {
                    "kind": "entities",
                    "count": len(part.entities),
                    "create_only": part.id == "demo-units",
                    **_file(target, f"entities/{part.id}.jsonl.gz", json_lines(part.entities)),
                }
            )
        for name, (header, rows) in part.tables.items():
            files.append(
                {
                    "kind": "table",
                    "name": name,
                    "count": len(rows),
                    **_file(target, f"tables/{name}.csv.gz", csv_text(header, rows)),
                }
            )
        for name, lines in part.geometry.items():
            files.append(
                {
                    "kind": "geometry",
                    "name": name,
                    "count": len(lines),
                    **_file(target, f"geometry/{name}.jsonl.gz", json_lines(lines)),
                }
            )
        listed.append(
            {
                "id": part.id,
                "dataset": part.dataset,
                "title": part.title,
                "authority": part.authority,
                "origin": part.origin,
                "licence": part.licence,
                "attribution": part.attribution,
                "date": part.date,
                "kind": part.kind,
                "notes": part.notes,
                "files": files,
            }
        )
    digest = hashlib.sha256("".join(f["sha256"] for p in listed for f in p["files"]).encode()).hexdigest()
    manifest = {
        "id": "phuket",
        "name": {"th": "จังหวัดภูเก็ต", "en": "Phuket"},
        "code": "TH83",
        "format": 1,
        "digest": digest,
        "centre": [98.34, 7.95],
        "bbox": [98.22, 7.45, 98.52, 8.24],
        "zone": "Asia/Bangkok",
        "view": {"centre": [98.345, 7.955], "zoom": 10.6},
        "parts": listed,
    }
    (target / "manifest.json").write_text(
        json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return manifest


def _file(target: Path, name: str, text: str) -> dict[str, Any]:
    size = write_gz(target / name, text)
    if size > MAX_FILE:
        raise SystemExit(f"{name} has {size} bytes; the limit is {MAX_FILE}")
    return {"path": name, "bytes": size, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def main() -> None:
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "src/andaman/city/phuket"
    found = parts(Path(sys.argv[1]) / "phuket")
    manifest = write(found, target)
    if len(sys.argv) <= 2:
        (ROOT / "NOTICE").write_text(notice(manifest), encoding="utf-8")
        (ROOT / "docs/data-sources.md").write_text(sources(manifest), encoding="utf-8")
    for part in manifest["parts"]:
        for file in part["files"]:
            print(f"{part['id']:24} {file['path']:44} {file['count']:6} rows {file['bytes']:9,} bytes")
    for line in (line for part in found for line in transit.check(part)):
        print("fast:", line)


if __name__ == "__main__":
    main()
