"""Names and content of a mapping file against the rules of every door (``broker/entity/check``)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from andaman.broker.api import (
    CORE_URL,
    Context,
    attribute_iri,
    build,
    build_context,
    bundled_document,
    check_name,
    core_document,
)
from andaman.kernel.errors import BadRequestData

_MEMBERS: Final = frozenset({"id", "type", "scope", "expiresAt", "createdAt", "modifiedAt", "deletedAt"})


@lru_cache(maxsize=1)
def core_context() -> Context:
    """NGSI-LD's core context: names that are written out in full mean themselves."""
    return build_context(None, bundled_document, core_document()["@context"], CORE_URL)


def attribute_name(name: str) -> str:
    """The IRI of an attribute's short name or IRI. Raises BadRequestData where no attribute may be called so."""
    if name in _MEMBERS or name[:1] == "@":
        raise BadRequestData(f"{name!r} is a member of every entity, not an attribute")
    attribute_iri(name, core_context())
    iri = attribute_iri(build.iri(name), core_context())
    check_name(iri)
    return iri


def type_name(name: str) -> str:
    """The IRI of a type's short name or IRI. Raises BadRequestData."""
    core = core_context()
    written = core.iris[name]
    iri = core.iris[written if ":" in name else build.iri(name)]
    check_name(iri, frozenset())
    return iri
