"""A row of the list behind a figure: value, time, origin, dataset, source and licence of one entity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from andaman.broker.api import Doc, Instance, default_instance, iri, plain, simplify, value
from andaman.catalogue.model import Dataset
from andaman.evidence.answers import EvidenceDataset, EvidenceEntity, EvidenceHand
from andaman.evidence.model import EntityRef
from andaman.identity.model import Access

_TEXT_MAX: Final = 500
_LIST_MAX: Final = 20


def row_of(
    ref: EntityRef, doc: Doc, access: Access, datasets: Sequence[Dataset], by_hand: EvidenceHand | None = None
) -> EvidenceEntity:
    """``doc``: as this access sees it. ``datasets``: those that it may know of. A value that the figure used is absent
    where the attribute is hidden from this access."""
    live = simplify(doc)
    instance = _instance(doc, ref.attribute)
    hidden = iri(ref.attribute) in access.hidden_attrs(doc["type"], doc.get("scope", ()))
    dataset = dataset_of(doc, datasets)
    return EvidenceEntity(
        id=doc["id"],
        type=live["type"],
        types=live["types"],
        name=_texts(value(doc, "name") or value(doc, "title")),
        attribute=ref.attribute,
        value=None if hidden else shown(_used(ref, instance)),
        unit="" if instance is None else str(instance.get("unitCode", "")),
        time=None if hidden else ref.time or (None if instance is None else instance.get("observedAt")),
        modified_at=live.get("m"),
        origin=_text(doc, "origin"),
        dataset=None if dataset is None else EvidenceDataset(code=dataset.code, title=dict(dataset.title)),
        source=_text(doc, "source"),
        licence=_text(doc, "license") or ("" if dataset is None else dataset.licence),
        note=ref.note,
        by_hand=by_hand,
    )


def dataset_of(doc: Doc, datasets: Sequence[Dataset]) -> Dataset | None:
    """The dataset that the entity names, else the narrowest one that holds it."""
    named = _text(doc, "dataset")
    found = []
    for one in datasets:
        if named and one.code == named:
            return one
        rule = one.rule()
        if rule is not None and rule.selects(doc["type"], doc.get("scope", ())):
            found.append(one)
    return min(found, key=lambda one: (-len(one.scope), len(one.types) or 1_000, one.code), default=None)


def shown(found: Any) -> Any:
    """A value as a table can show it: numbers, short texts, texts by language, short lists of these; else None."""
    if isinstance(found, str):
        return found[:_TEXT_MAX]
    if found is None or isinstance(found, bool | int | float):
        return found
    if isinstance(found, dict):
        return _texts(found)
    if isinstance(found, list) and len(found) <= _LIST_MAX:
        parts = [shown(one) for one in found]
        return None if None in parts else parts
    return None


def _used(ref: EntityRef, instance: Instance | None) -> Any:
    if ref.value is not None or instance is None:
        return ref.value
    return plain(instance)


def _instance(doc: Doc, attribute: str) -> Instance | None:
    instances = doc["attrs"].get(iri(attribute)) if attribute else None
    return default_instance(instances) if instances else None


def _text(doc: Doc, name: str) -> str:
    found = value(doc, name)
    return found[:_TEXT_MAX] if isinstance(found, str) else ""


def _texts(found: Any) -> Any:
    if isinstance(found, str):
        return found[:_TEXT_MAX]
    if isinstance(found, dict) and found and all(isinstance(one, str) for one in found.values()):
        return {str(key)[:20]: one[:_TEXT_MAX] for key, one in list(found.items())[:_LIST_MAX]}
    return None
