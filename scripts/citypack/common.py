"""What every part of the pack is made with: NGSI-LD concise attributes, deterministic files, clean numbers."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

Entity = dict[str, Any]


@dataclass
class Part:
    """One part of the pack, with all that a reader must know of its origin."""

    id: str
    title: dict[str, str]
    authority: str  # who measured, counted or surveyed
    origin: str  # through whom it came to us
    licence: str
    date: str  # period or date of the facts
    kind: str  # measured, reported, computed, simulated
    notes: list[str] = field(default_factory=list)
    attribution: str = ""
    dataset: str = ""  # code of the catalogue's dataset
    entities: list[Entity] = field(default_factory=list)
    tables: dict[str, tuple[Sequence[str], list[Sequence[Any]]]] = field(default_factory=dict)
    geometry: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def entity(self, entity_id: str, types: str | Sequence[str], scope: str, **attrs: Any) -> Entity:
        """Add an entity of this part; origin, source and dataset are put on it. ``None`` attributes are dropped."""
        doc: Entity = {
            "id": entity_id,
            "type": [types] if isinstance(types, str) else list(types),
            "scope": [scope],
        }
        doc |= {name: value for name, value in attrs.items() if value is not None}
        doc.setdefault("origin", {"value": self.kind})
        doc.setdefault("source", {"value": self.attribution or self.authority})
        doc.setdefault("dataset", {"value": self.dataset})
        self.entities.append(doc)
        return doc


def prop(value: Any, observed_at: str | None = None, unit: str | None = None) -> dict[str, Any] | None:
    """A Property, or None for an unknown value: what is not known is absent, never zero."""
    if value is None or value == "":
        return None
    found: dict[str, Any] = {"value": value}
    if observed_at:
        found["observedAt"] = observed_at
    if unit:
        found["unitCode"] = unit
    return found


def lang(th: str | None = None, en: str | None = None) -> dict[str, Any] | None:
    words = {key: text for key, text in (("en", en), ("th", th)) if text}
    return {"languageMap": words} if words else None


def geo(geometry: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": geometry}


def point(lon: float, lat: float) -> dict[str, Any]:
    return geo({"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]})


def rel(target: str) -> dict[str, Any]:
    return {"object": target}


def js(value: Any) -> dict[str, Any]:
    return {"json": value}


def urn(kind: str, local: str) -> str:
    return f"urn:ngsi-ld:{kind}:{local}"


def number(text: str) -> float | int | None:
    """A number as Thai offices write it ("38,324,038.00"); None where it is not one ("รอประมวลผล")."""
    cleaned = text.replace(",", "").strip()
    try:
        value = float(cleaned)
    except ValueError:
        return None
    return int(value) if value == int(value) else value


def christian_year(text: str) -> int:
    """2568 of the Buddhist era is 2025."""
    year = int(text)
    return year - 543 if year > 2400 else year


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def read_features(path: Path) -> list[dict[str, Any]]:
    features: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["features"]
    return features


def write_gz(path: Path, text: str) -> int:
    """Write gzip without name and time, so that equal content is equal bytes; returns the size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=9) as file:
        file.write(text.encode())
    path.write_bytes(buffer.getvalue())
    return len(buffer.getvalue())


def json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(
        json.dumps(row, ensure_ascii=False, separators=(",", ":"), sort_keys=False) + "\n" for row in rows
    )


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return out.getvalue()


def utc(local: str) -> str:
    """Phuket wall-clock time (UTC+7 all year) as ISO 8601 UTC."""
    moment = datetime.fromisoformat(local.replace(" ", "T")) - timedelta(hours=7)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def is_thai(text: str) -> bool:
    """Has the text a Thai letter?"""
    return any("\u0e00" <= letter <= "\u0e7f" for letter in text)
