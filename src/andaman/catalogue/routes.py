"""HTTP of the catalogue. Shapes: docs/rooms/catalogue.md."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from andaman.broker.entity.build import short
from andaman.catalogue.model import CLASS_NAMES, Dataset
from andaman.catalogue.service import Catalogue
from andaman.identity.model import Actor
from andaman.identity.web import actor_of
from andaman.kernel.http import json_response


def routes(catalogue: Catalogue) -> list[BaseRoute]:
    """``GET /api/catalogue/datasets`` and ``…/{code}``."""

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

    return [Route("/api/catalogue/datasets", listed), Route("/api/catalogue/datasets/{code}", one)]


def _retention(dataset: Dataset) -> dict[str, str] | None:
    rule = dataset.retention
    return None if rule is None else {"raw": rule.text, "rollups": "hourly" if rule.rollups else "none"}
