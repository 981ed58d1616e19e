"""Which representation to answer with (CIM 009 §6.3.4; RFC 9110 §12.5.1)."""

from __future__ import annotations

from typing import Final

from andaman.doors.ngsild.http import GEO_JSON, JSON, LD_JSON
from andaman.kernel.errors import NotAcceptable

_OPTIONS: Final = (JSON, LD_JSON, GEO_JSON)  # the specification's order breaks ties
_memo: dict[tuple[bytes, bool], bytes | None] = {}


def choose_media(accept: bytes | None, geo: bool) -> bytes:
    """The media type for an Accept header; ``geo``: GeoJSON is on offer. Raises NotAcceptable."""
    if accept is None or accept == b"*/*" or accept == JSON:
        return JSON
    key = (accept, geo)
    found = _memo.get(key, b"")
    if found == b"":
        found = _choose(accept, geo)
        if len(_memo) < 1000 and len(accept) < 500:
            _memo[key] = found
    if found is None:
        offer = "application/json, application/ld+json" + (", application/geo+json" if geo else "")
        raise NotAcceptable(f"None of the accepted media types is on offer; there are {offer}")
    return found


def _choose(accept: bytes, geo: bool) -> bytes | None:
    ranges: dict[bytes, float] = {}
    for part in accept.lower().split(b",")[:50]:
        name, *parameters = (piece.strip() for piece in part.split(b";"))
        if name:
            ranges[name] = max(_weight(parameters), ranges.get(name, 0.0))
    best: bytes | None = None
    best_weight = 0.0
    for option in _OPTIONS if geo else _OPTIONS[:2]:
        weight = next((ranges[name] for name in (option, b"application/*", b"*/*") if name in ranges), 0.0)
        if weight > best_weight:
            best, best_weight = option, weight
    return best


def _weight(parameters: list[bytes]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            try:
                weight = float(value)
            except ValueError:
                return 1.0
            return weight if 0.0 <= weight <= 1.0 else 1.0
    return 1.0
