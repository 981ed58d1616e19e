"""``pick`` and ``omit``: which members to show, of the entity and of those it is linked to (CIM 009 §4.21)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from andaman.broker.contexts import Context
from andaman.kernel.errors import BadRequestData

ENTITY_PARTS: Final = frozenset({"id", "type", "scope"})
SYSTEM_PARTS: Final = frozenset({"createdAt", "modifiedAt", "expiresAt", "deletedAt"})
MAX_LEVEL: Final = 10
_SPECIAL: Final = frozenset(",|{}")


@dataclass(slots=True)
class Projection:
    """Members by IRI (``id``, ``type``, ``scope`` and system times by name); ``linked``: those of linked entities."""

    names: set[str] = field(default_factory=set)
    linked: dict[str, Projection] = field(default_factory=dict)

    def depth(self) -> int:
        """How many Relationships the deepest part follows."""
        return 1 + max(part.depth() for part in self.linked.values()) if self.linked else 0


def parse_projection(text: str, where: str, context: Context) -> Projection:
    """``a,b{c|d{e}}``. Raises BadRequestData with the position."""
    found, end = _members(text, 0, where, context, 0)
    if end != len(text):
        raise _bad(where, "there is a brace too many", end)
    return found


def _members(text: str, at: int, where: str, context: Context, depth: int) -> tuple[Projection, int]:
    if depth > MAX_LEVEL:
        raise _bad(where, f"linked entities are at most {MAX_LEVEL} deep", at)
    found = Projection()
    while True:
        start = at
        while at < len(text) and text[at] not in _SPECIAL:
            at += 1
        name = text[start:at]
        if not name:
            raise _bad(where, "there is an empty name", start)
        key = name if name in ENTITY_PARTS or name in SYSTEM_PARTS else context.expand_term(name)
        if at < len(text) and text[at] == "{":
            if key == name and key in ENTITY_PARTS | SYSTEM_PARTS:
                raise _bad(where, f"{name!r} links to no entity", at)
            found.linked[key], at = _members(text, at + 1, where, context, depth + 1)
            if at >= len(text) or text[at] != "}":
                raise _bad(where, "a brace is not closed", at)
            at += 1
        found.names.add(key)
        if at >= len(text) or text[at] == "}":
            return found, at
        if text[at] == "{":
            raise _bad(where, "there is a brace too many", at)
        at += 1


def _bad(where: str, why: str, at: int) -> BadRequestData:
    return BadRequestData(f"{where}: {why} (at {at})", field=where, position=at)
