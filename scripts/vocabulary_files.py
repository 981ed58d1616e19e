"""The files that are made from the entity types of the rooms: the city context and the vocabulary page.

A term of the context gets the IRI of NGSI-LD's core context, else that of a bundled smart data model (the first of PREFERRED
that has it), else ``urn:andaman:ns:<term>``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from andaman.common_attributes import COMMON
from andaman.rooms import ROOMS, TYPES
from andaman.vocabulary import Attribute, EntityType, Namespace, attributes_of, merged

DATA: Final = Path(__file__).resolve().parents[1] / "src/andaman/broker/contexts/data"
OWN: Final = "urn:andaman:ns:"
PREFERRED: Final = (
    "Transportation", "UrbanMobility", "Alert", "Weather", "Environment", "PointOfInterest",
    "KeyPerformanceIndicator", "Device", "RiskManagement", "Organization",
)  # fmt: skip
KEPT_TERMS: Final = (
    "Agency",
    "accessRights",
    "accuracy",
    "heading",
    "keyword",
    "providedBy",
    "quality",
    "theme",
)
"""No type has these. A published context never loses a term: older data may have it."""


def _read(name: str, member: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / name).read_text("utf-8"))[member]
    return found


def terms() -> dict[str, Namespace]:
    """Every short name of the platform, and where its IRI comes from."""
    kept = dict.fromkeys(KEPT_TERMS, Namespace.MODELS)
    attributes = {one.name: one.namespace for one in (*COMMON, *every_attribute())}
    return {**kept, **attributes, **{one.name: one.namespace for one in TYPES}}


def every_attribute() -> list[Attribute]:
    """One declaration for each name, in the order of the rooms, without the common ones."""
    return [merged(rows) for rows in attributes_of(TYPES).values()]


def context_jsonld() -> str:
    """The city context. Terms of the core context are left out: nobody can redefine them."""
    core = _read("ngsi-ld-core-context-v1.9.jsonld", "@context")
    models = _read("smart-data-models.json", "models")
    order = [*PREFERRED, *(name for name in models if name not in PREFERRED)]
    city: dict[str, str] = {}
    for term, namespace in sorted(terms().items()):
        if term in core or namespace is Namespace.DEFAULT:
            continue
        found = (models[name]["terms"].get(term) for name in order if name in models)
        model = next((iri for iri in found if isinstance(iri, str) and iri), None)
        city[term] = OWN + term if namespace is Namespace.OWN or model is None else model
    lines = ",\n".join(f'    "{term}": "{iri}"' for term, iri in city.items())
    return '{\n  "@context": {\n' + lines + "\n  }\n}\n"


_HEAD: Final = """\
# Vocabulary: types and attributes of the city

Made from the `types.py` of each room by `make generated`. Do not edit.

Short names below are terms of the **city context** (`/ngsi-ld/contexts/andaman.jsonld`, source
`src/andaman/broker/contexts/data/andaman.jsonld`). A term that a smart data model has keeps the model's IRI. Our own
terms are below `urn:andaman:ns:`. Names marked ◦ are not in the context: they are names of NGSI-LD's default vocabulary.

Each observed value has `observedAt`. The NGSI-LD **scope** carries the dataset path, e.g. `/mobility/bus`, `/hazard/rain`,
`/safety/accident`, `/command/incident`, `/place/health`, `/exercise/<drill id>`.

## On everything
"""


def vocabulary_md() -> str:
    """docs/vocabulary.md: every type by room, with its attributes, units and codes."""
    parts = [_HEAD, *_table(COMMON)]
    for room in ROOMS:
        if room.types:
            parts.append(f"\n## {room.name}\n")
            parts += [line for one in room.types for line in _type(one)]
    return "".join(parts)


def _type(one: EntityType) -> Iterator[str]:
    mark = " ◦" if one.namespace is Namespace.DEFAULT else ""
    yield f"\n### `{one.name}`{mark}\n{one.words.th} · {one.words.en}. {' '.join(_facts(one))}\n"
    if one.attributes:
        yield "\n"
        yield from _table(one.attributes)


def _facts(one: EntityType) -> Iterator[str]:
    if one.note:
        yield one.note
    if one.ids:
        yield f"Id: `{one.ids}`."
    if one.datasets:
        yield f"Dataset: {', '.join(f'`{code}`' for code in one.datasets)}."
    if one.configures:
        yield "It configures the platform: administrators write it."
    if one.written_by:
        yield f"Written by whoever has the permission `{one.written_by.name}`."
    if one.layer:
        yield f"Layer: `{one.layer.id}`."


def _table(attributes: Iterable[Attribute]) -> Iterator[str]:
    yield "| attribute | kind | Thai | English | unit, codes, remarks |\n|---|---|---|---|---|\n"
    for one in attributes:
        mark = " ◦" if one.namespace is Namespace.DEFAULT else ""
        unit = [f"{one.unit.words.en or one.unit.words.th} ({one.unit.code})"] if one.unit else []
        codes = [", ".join(f"`{code.value}`" for code in one.codes)] if one.codes else []
        register = [f"codes of `{one.register}`"] if one.register else []
        remarks = "; ".join([*unit, *codes, *register, *([one.note] if one.note else [])])
        yield f"| `{one.name}`{mark} | {one.kind} | {one.words.th} | {one.words.en} | {remarks} |\n"
