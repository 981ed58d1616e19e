"""Rebuild the core context and the term maps of the smart data models that the platform carries with it.

python scripts/make_models.py DIR   DIR has ngsi-ld/ and smart-data-models/; then run make generated
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1] / "src/andaman/broker/contexts/data"
CORE = DATA / "ngsi-ld-core-context-v1.9.jsonld"
MODELS = DATA / "smart-data-models.json"


def build_from(source: Path) -> None:
    """Rebuild the carried-over contexts from the reference folder."""
    core = json.loads((source / "ngsi-ld/ngsi-ld-core-context-v1.9.jsonld").read_text())
    CORE.write_text(json.dumps(core, indent=1) + "\n")
    folder = source / "smart-data-models"
    commits = {row["dataModel"]: row["commit"] for row in csv.DictReader((folder / "INDEX.csv").open())}
    models: dict[str, Any] = {}
    for path in sorted(folder.glob("*/context.jsonld")):
        model = path.parent.name
        terms = json.loads(path.read_text())["@context"]
        models[model] = {"commit": commits.get(model, ""), "terms": dict(sorted(terms.items()))}
    document = {
        "origin": "https://github.com/smart-data-models, one context per data model repository",
        "licence": "CC BY 4.0",
        "models": models,
    }
    MODELS.write_text(json.dumps(document, indent=0, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    build_from(Path(sys.argv[1]))
