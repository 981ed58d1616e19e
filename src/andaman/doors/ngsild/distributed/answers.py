"""The answer of a source as entities in stored form: checked, limited to the registered parts, filtered by the caller's
rights (CIM 009 §4.3.6.1, §6.3.17).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.expand import WHOLE, expand_entity
from andaman.broker.entity.names import check_time
from andaman.broker.ledger.rights import visible
from andaman.broker.model import Doc
from andaman.broker.registry.match import fits
from andaman.broker.registry.model import Info
from andaman.doors.ngsild.door import Door
from andaman.identity.model import Access
from andaman.kernel.errors import AndamanError, BadRequestData
from andaman.kernel.time import Micros, parse_time

_SLICE: Final = 50
_HEAVY: Final = 200  # attributes, or instances of one: read beside the loop
CONTEXTS: Final = 5
"""@contexts not known here that one answer may name."""
_CONTEXTS_S: Final = 5.0
_TIMES: Final = ("createdAt", "modifiedAt")


async def docs_of(
    door: Door,
    payload: Any,
    context: Context,
    infos: Sequence[Info],
    access: Access,
    now: Micros,
    most: int,
) -> tuple[list[Doc], bool]:
    """Entities of an answer (one, or a list; ``most`` were asked for), and whether something in it was not an entity,
    or too much. Parts that are not registered, have expired or are hidden by ``access`` are left out.
    """
    listed = payload if isinstance(payload, list) else [payload]
    found: list[Doc] = []
    sound = len(listed) <= most
    contexts = _Contexts(door, context)
    for number, one in enumerate(listed[:most], 1):
        if number % _SLICE == 0:
            await asyncio.sleep(0)
        try:
            names = await contexts.of(one)
            doc = await asyncio.to_thread(_doc, one, names) if _is_heavy(one) else _doc(one, names)
        except (AndamanError, RecursionError):
            sound = False
            continue
        if _is_over(doc, now):
            continue
        bounded = bounded_to(doc, infos)
        shown = None if bounded is None else visible(bounded, access)
        if shown is not None:
            found.append(shown)
    return found, sound


def _is_heavy(one: Any) -> bool:
    """Would reading it keep the loop for long?"""
    values = one.values() if isinstance(one, dict) else ()
    return len(values) > _HEAVY or any(isinstance(each, list) and len(each) > _HEAVY for each in values)


class _Contexts:
    """@contexts that the entities of one answer name: a few, and for all of them together no more than a moment."""

    def __init__(self, door: Door, context: Context) -> None:
        self._door, self._context = door, context
        self._left = CONTEXTS
        self._until = time.monotonic() + _CONTEXTS_S

    async def of(self, one: Any) -> Context:
        """The context of an entity; its ``@context`` is taken out. Raises AndamanError."""
        if not isinstance(one, dict) or "@context" not in one:
            return self._context
        source = one.pop("@context")
        if source == self._context.member:
            return self._context
        known = self._door.contexts.cached(source)
        if known is not None:
            return known
        self._left -= 1
        if self._left < 0:
            raise BadRequestData(f"The answer names more than {CONTEXTS} @contexts", field="@context")
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + self._until - time.monotonic()):
                return await self._door.contexts.resolve(source)
        except TimeoutError:
            raise BadRequestData("The @contexts of the answer take too long", field="@context") from None


def _doc(one: Any, context: Context) -> Doc:
    doc = expand_entity(one, context, WHOLE)
    for name in _TIMES:
        if name in one:
            doc[name] = check_time(one[name], name)
    for name, value in one.items():
        given = value if isinstance(value, list) else [value]
        if not given or not isinstance(given[0], dict) or not any(at in given[0] for at in _TIMES):
            continue
        instances = doc["attrs"].get(context.iris[name]) if name not in doc else None
        if instances is None or len(instances) != len(given):
            continue
        doc["attrs"][context.iris[name]] = [
            _timed(own, raw) for own, raw in zip(instances, given, strict=True)
        ]
    return doc


def _timed(instance: dict[str, Any], raw: Any) -> dict[str, Any]:
    """The instance with the system times that the source gave; expansion leaves them out."""
    found = {name: check_time(raw[name], name) for name in _TIMES if isinstance(raw, dict) and name in raw}
    plain = {name: value for name, value in instance.items() if name not in _TIMES}
    return {**plain, **found}


def _is_over(doc: Doc, now: Micros) -> bool:
    until = doc.get("expiresAt")
    return until is not None and parse_time(until) <= now


def bounded_to(doc: Doc, infos: Sequence[Info]) -> Doc | None:
    """Only what one of the registered elements covers; None: nothing of the entity (§4.3.6.1)."""
    own = [
        info
        for info in infos
        if not info.entities
        or any(
            (not one.types or not one.types.isdisjoint(doc["type"]))
            and (one.id is None or fits(one, doc["id"]))
            for one in info.entities
        )
    ]
    if not own:
        return None
    if any(not info.names for info in own):
        return doc
    names = frozenset().union(*(info.names for info in own))
    return {**doc, "attrs": {iri: instances for iri, instances in doc["attrs"].items() if iri in names}}
