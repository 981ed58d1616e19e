"""Contexts that the platform carries: the core context, the city context, the smart data models' term maps."""

from __future__ import annotations

import functools
import re
from importlib.resources import files
from typing import Any, Final

import orjson

from andaman.broker.model import DEFAULT_VOCAB, NGSILD

_CORE_TERMS: Final = 60
_PREFIXES: Final = {"ngsi-ld:": NGSILD, "geojson:": "https://purl.org/geojson/vocab#"}
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
def core_scoped() -> dict[str, Any]:
    """Terms of the core context that have a scoped context, with their complete definitions (``ngsildproof``)."""
    document = orjson.loads((_DATA / "ngsi-ld-core-context-v1.9.jsonld").read_bytes())["@context"]
    return {
        term: value for term, value in document.items() if isinstance(value, dict) and "@context" in value
    }


def is_core(local: dict[str, Any]) -> bool:
    """Is this the inside of a copy of ETSI's core context, of this version or another, from any source?

    By its content: many terms, no other vocabulary than NGSI-LD's, and every term that 1.9 has too means the same there;
    what it has beyond them (1.3 to 1.8 had a few) is NGSI-LD's own.
    """
    if len(local) < _CORE_TERMS or local.get("@vocab") not in (DEFAULT_VOCAB, None):
        return False
    ours = _core_iris()
    for term, value in local.items():
        if term[:1] == "@":
            continue
        iri = _plain_iri(value)
        if iri is None or (ours[term] != iri if term in ours else not iri.startswith((NGSILD, "@"))):
            return False
    return True


@functools.cache
def _core_iris() -> dict[str, str | None]:
    return {term: _plain_iri(value) for term, value in core_document()["@context"].items() if term[0] != "@"}


def _plain_iri(definition: Any) -> str | None:
    iri = definition.get("@id") if isinstance(definition, dict) else definition
    if not isinstance(iri, str):
        return None
    for prefix, base in _PREFIXES.items():
        if iri.startswith(prefix):
            return base + iri[len(prefix) :]
    return iri


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
    """The canonical public URLs of the bundled contexts, the core context first."""
    base = "https://raw.githubusercontent.com/smart-data-models/dataModel."
    core = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.9.jsonld"
    return [core, *(f"{base}{name}/master/context.jsonld" for name in _models())]
