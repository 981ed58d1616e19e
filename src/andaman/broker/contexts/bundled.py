"""Contexts that the platform carries: the core context, the city context, the smart data models' term maps."""

from __future__ import annotations

import functools
import re
from importlib.resources import files
from typing import Any, Final

import orjson

_DATA: Final = files("andaman.broker.contexts") / "data"
CORE_PATTERN: Final = re.compile(
    r"https?://(?:uri\.etsi\.org/ngsi-ld/v1|forge\.etsi\.org/.*|.*/ngsi-ld/contexts)"
    r"/ngsi-ld-core-context(?:-v1\.[1-9])?\.jsonld"
)
"""The core context under its public names; older versions are answered with 1.9, which has all their terms."""
CITY_PATH: Final = "/ngsi-ld/contexts/andaman.jsonld"
_MODEL_PATTERN: Final = re.compile(
    r"https?://(?:raw\.githubusercontent\.com/smart-data-models/dataModel\.(?P<a>[\w-]+)/[\w./-]+"
    r"|smart-data-models\.github\.io/(?:dataModel\.|data-models/)?(?P<b>[\w-]+)"
    r"|(?:www\.)?smartdatamodels\.org/dataModel\.(?P<c>[\w-]+))/context\.jsonld"
)


@functools.cache
def core_document() -> dict[str, Any]:
    """ETSI's core context 1.9, without the one scoped context in it (of ``ngsildproof``, which would be fetched)."""
    document: dict[str, Any] = orjson.loads((_DATA / "ngsi-ld-core-context-v1.9.jsonld").read_bytes())
    document["@context"]["ngsildproof"].pop("@context", None)
    return document


@functools.cache
def city_document() -> dict[str, Any]:
    """The city context ``andaman.jsonld``."""
    document: dict[str, Any] = orjson.loads((_DATA / "andaman.jsonld").read_bytes())
    return document


@functools.cache
def _models() -> dict[str, Any]:
    models: dict[str, Any] = orjson.loads((_DATA / "smart-data-models.json").read_bytes())["models"]
    return models


def bundled_document(url: str) -> dict[str, Any] | None:
    """The carried document for a public URL, or None."""
    if CORE_PATTERN.fullmatch(url):
        return core_document()
    if url == CITY_PATH or (url.startswith(("http://", "https://")) and url.endswith(CITY_PATH)):
        return city_document()
    match = _MODEL_PATTERN.fullmatch(url)
    if match is None:
        return None
    model = _models().get(match["a"] or match["b"] or match["c"])
    return None if model is None else {"@context": model["terms"]}


def bundled_urls() -> list[str]:
    """The canonical public URLs of what is carried, the core context first."""
    base = "https://raw.githubusercontent.com/smart-data-models/dataModel."
    core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
    return [core, *(f"{base}{name}/master/context.jsonld" for name in _models())]
