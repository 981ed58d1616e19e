"""HTTP of the catalogue. Shapes: docs/rooms/catalogue.md."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.broker.api import short
from andaman.catalogue.model import Dataset
from andaman.catalogue.reading import CLASS_NAMES
from andaman.catalogue.service import Catalogue
from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.model import Actor
from andaman.identity.web import actor_of
from andaman.kernel.http import json_response

_LIST: Final = DoorEntry("GET", "/api/catalogue/datasets", Tenancy.CITY, ANYONE, cost=Cost.QUESTION)
_ONE: Final = DoorEntry("GET", "/api/catalogue/datasets/{code}", Tenancy.CITY, ANYONE, cost=Cost.QUESTION)


def routes(catalogue: Catalogue) -> list[BoundDoor]:
    """A dataset is listed for callers who may know of it."""

    async def show(dataset: Dataset, actor: Actor) -> dict[str, Any]:
        return {
            "code": dataset.code,
            "title": dict(dataset.title),
            "description": dict(dataset.description),
            "publisher": dataset.publisher,
            "licence": dataset.licence,
            "classification": CLASS_NAMES[dataset.classification],
            "purpose": dataset.purpose,
            "types": sorted(map(short, dataset.types)),
            "scope": dataset.scope,
            "frequency": dataset.frequency or None,
            "retention": _retention(dataset),
            "contact": dataset.contact,
            "hiddenAttributes": {short(attr): CLASS_NAMES[level] for attr, level in dataset.hidden.items()},
            "requiredAttributes": [short(attr) for attr in dataset.required],
            "readable": catalogue.may_read(dataset, actor.access),
            "quality": await catalogue.quality(dataset, actor.access),
        }

    async def listed(request: Request) -> Response:
        actor = actor_of(request)
        found = catalogue.list_datasets(actor.access)
        return json_response([await show(dataset, actor) for dataset in found])

    async def one(request: Request) -> Response:
        actor = actor_of(request)
        return json_response(
            await show(catalogue.get_dataset(request.path_params["code"], actor.access), actor)
        )

    return [_LIST.to(listed), _ONE.to(one)]


def _retention(dataset: Dataset) -> dict[str, str] | None:
    rule = dataset.retention
    return None if rule is None else {"raw": rule.text, "rollups": "hourly" if rule.rollups else "none"}
