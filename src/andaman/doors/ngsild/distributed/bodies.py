"""What a body becomes on its way: the broker's own remainder, a source's part, in the names that the source knows (CIM 009
§4.3.6.6, §5.6.1.4)."""

from __future__ import annotations

from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.names import NULL
from andaman.broker.entity.represent import represent
from andaman.broker.model import Doc
from andaman.doors.ngsild.distributed.sources import Wire
from andaman.doors.ngsild.http import Call, parse_parameters

_MEMBERS: Final = frozenset(
    {"id", "@id", "type", "@type", "scope", "expiresAt", "@context", "createdAt", "modifiedAt"}
)
PARAMETERS: Final = frozenset(
    {"local", "type", "options", "format", "observedAt", "lang", "datasetId", "deleteAll"}
)


def replay(call: Call, raw: bytes) -> Call:
    """The same request with this body, ready to be read (again)."""
    length = str(len(raw)).encode()
    other = object.__new__(Call)
    for name in Call.__slots__:
        setattr(other, name, getattr(call, name))
    other.headers = {**call.headers, b"content-length": length}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    other._receive = receive
    return other


def reduced(payload: Any, attrs: frozenset[str], context: Context) -> dict[str, Any]:
    """A payload with these attributes only; members of the entity itself always travel."""
    iris = context.iris
    return {name: value for name, value in payload.items() if name in _MEMBERS or iris[name] in attrs}


def recompacted(fragment: Doc, attrs: frozenset[str], wire: Wire) -> dict[str, Any]:
    """A fragment in the names of the source's own context (§4.3.6.6 jsonldContext)."""
    shown: dict[str, Any] = {}
    kept = {
        iri: instances
        for iri, instances in fragment["attrs"].items()
        if iri in attrs and instances is not None
    }
    doc = {"id": fragment.get("id", ""), "type": fragment.get("type", [""]), "attrs": kept}
    if fragment.get("scope"):
        doc["scope"] = fragment["scope"]
    shown = represent(doc, wire.context)
    if "type" not in fragment:
        shown.pop("type", None)
    for iri, instances in fragment["attrs"].items():
        if iri in attrs and instances is None:
            shown[wire.context.shorts[iri]] = NULL
    return shown


def passed_on(call: Call) -> list[tuple[str, str]]:
    """Parameters that mean the same at the source."""
    given = parse_parameters(call.query_string, PARAMETERS) if call.query_string else {}
    return [(name, value) for name, value in given.items() if name != "local"]
