"""The rows that the catalogue's rules drop, listed while the platform runs."""

from __future__ import annotations

from pathlib import Path

import orjson

from andaman.broker.ledger.schema import FILE, connect
from andaman.catalogue.model import DATASET, from_entity
from andaman.kernel.errors import ResourceNotFound
from andaman.kernel.time import Micros, format_time, system_clock


def list_retention(directory: Path, now: Micros | None = None) -> list[str]:
    """A line for each dataset, those with a rule first."""
    if not (directory / FILE).is_file():
        raise ResourceNotFound(f"There is no data in {directory}")
    now = system_clock() if now is None else now
    db = connect(directory)
    try:
        bodies = db.execute("SELECT body FROM entity WHERE tenant='' AND instr(body, ?)", (DATASET.encode(),))
        docs = [orjson.loads(body) for (body,) in bodies]
    finally:
        db.close()
    lines = []
    for dataset in sorted((from_entity(doc) for doc in docs if DATASET in doc["type"]), key=lambda d: d.code):
        rule = dataset.retention
        if rule is None:
            lines.append((1, f"{dataset.code:24} everything is kept"))
        else:
            rest = "hourly rollups stay" if rule.rollups else "no rollups stay"
            told = f"raw values of before {format_time(now - rule.raw)} are dropped ({rule.text}); {rest}"
            lines.append((0, f"{dataset.code:24} {told}"))
    return [line for _, line in sorted(lines)]
