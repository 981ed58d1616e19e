"""The NOTICE file, from the manifest."""

from __future__ import annotations

from typing import Any

HEAD = """Andaman
Copyright 2026 The Andaman authors
Licensed under the Apache License, Version 2.0 (see LICENSE).

The program carries a city pack of Phuket (src/andaman/city/phuket): facts with the sources and licences below. The
licence of each part stays with it. Parts made from OpenStreetMap are a database under the Open Database License 1.0
(https://opendatacommons.org/licenses/odbl/1-0/): whoever publishes a database made from them must offer it under the
same licence and name "© OpenStreetMap contributors" (https://www.openstreetmap.org/copyright). CC BY-IGO and CC BY 4.0
ask for the attribution given here. Drawn zones, scores of models, texts and images of others are not in the pack.

JSON-LD contexts carried by the program (src/andaman/broker/contexts/data):
  smart-data-models.json: contexts of the Smart Data Models program (https://smartdatamodels.org), CC BY 4.0;
  terms of andaman.jsonld point to its IRIs where it has them
  ngsi-ld-core-context-v1.9.jsonld: core @context of ETSI GS CIM 009, published by ETSI

The built screens (andaman/web/static in a wheel) carry, under their own licences: Svelte (MIT), MapLibre GL JS
(BSD-3-Clause), deck.gl and luma.gl (MIT), uPlot (MIT), and the fonts IBM Plex Sans Thai and IBM Plex Mono (SIL Open Font License 1.1,
Copyright IBM Corp., with Reserved Font Name "Plex").
"""


def notice(manifest: dict[str, Any]) -> str:
    """Plain text: one paragraph a part. This file is written by scripts/build_pack.py."""
    lines = [HEAD]
    for part in manifest["parts"]:
        lines += [
            f"{part['title']['en']} ({part['id']})",
            f"  authority: {part['authority']}",
            f"  origin:    {part['origin']}",
            f"  licence:   {part['licence']}",
            f"  date:      {part['date'] or '-'}    values are {part['kind']}",
            f"  credit:    {part['attribution']}",
            "",
        ]
    return "\n".join(lines)


SOURCES_HEAD = """# Data sources of the Phuket pack

Written by `scripts/build_pack.py`; do not edit by hand. Each part of `src/andaman/city/phuket` with who measured or counted,
through whom it came, its licence and date, and what is known to be missing or odd. The same facts stand in the pack's
`manifest.json`, in the entity `urn:ngsi-ld:CityPack:phuket` and, as credits, in `NOTICE`.

Left out on purpose, because it is somebody's work without an open licence, or a model and no measurement: outlines of local
authorities, drawn bus and ferry lines, modelled flights, flood zones, curated black spots, the 250 m grid with its scores,
back-filled rain, averages of weather stations, sky conditions that no station observes, texts and images.

Missing, and therefore unknown or simulated with a label: minor streets, buildings, tsunami zones and shelters, warning
towers, PM2.5 series, official flood and landslide maps, measured tide, registered population below district.
"""


def sources(manifest: dict[str, Any]) -> str:
    """docs/data-sources.md."""
    lines = [SOURCES_HEAD]
    for part in manifest["parts"]:
        files = ", ".join(f"`{file['path']}` ({file['count']:,})" for file in part["files"])
        lines += [
            f"## {part['title']['en']} · {part['title']['th']}",
            f"*{part['id']}*: {files or 'a register of the pack, written by hand'}",
            "",
            f"- authority: {part['authority']}",
            f"- origin: {part['origin']}",
            f"- licence: {part['licence']}",
            f"- date: {part['date'] or 'none'}; values are {part['kind']}",
            *(f"- {note}" for note in part["notes"]),
            "",
        ]
    return "\n".join(lines)
