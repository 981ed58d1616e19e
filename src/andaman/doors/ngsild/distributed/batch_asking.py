"""Sends the parts of a batch: each source is asked once, or entity by entity if it takes no batches (CIM 009
§5.6.7.4–5.6.10.4, §5.6.20.4).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import quote

from andaman.broker.registry.model import Registration
from andaman.doors.ngsild.distributed.answered import is_texts, results_of
from andaman.doors.ngsild.distributed.batch_parts import DELETE, MERGING, UPDATE, UPSERT, Kind, Piece, Results
from andaman.doors.ngsild.distributed.bodies import renamed
from andaman.doors.ngsild.distributed.choice import sources_of
from andaman.doors.ngsild.distributed.sources import Outcome, Wire
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import Call
from andaman.kernel.errors import AndamanError, Conflict

_SINGLY: Final = 8  # entities at a time to a source that takes no batches


async def ask_source(
    door: Door,
    call: Call,
    kind: Kind,
    one: Registration,
    pieces: list[Piece],
    options: list[tuple[str, str]],
    results: Results,
) -> None:
    if kind.operation not in one.operations:
        await _singly(door, call, kind, one, pieces, options, results)
        return
    for context in dict.fromkeys(piece.context for piece in pieces):
        group = [piece for piece in pieces if piece.context is context]
        try:
            wire = await sources_of(door).wire(one, context, call)
        except AndamanError as error:
            for piece in group:
                results.fail(piece.entity_id, error)
            continue
        payload = [_payload(piece, wire) for piece in group]
        path = f"/entityOperations/{kind.name}"
        outcome = await sources_of(door).ask(call, one, "POST", path, wire, options, payload)
        _note(outcome, group, results)


def _payload(piece: Piece, wire: Wire) -> Any:
    if wire.recompact and piece.fragment is not None:
        return renamed(piece.payload, piece.context, wire.context, simplified=piece.simplified)
    return piece.payload


def _note(outcome: Outcome, pieces: list[Piece], results: Results) -> None:
    failed: dict[str, AndamanError] = {}
    if outcome.error is not None:
        failed = {piece.entity_id: outcome.error for piece in pieces}
    elif outcome.status == 207:
        failed = _failures_of(outcome, pieces)
    created = set(outcome.payload) if outcome.status == 201 and is_texts(outcome.payload) else set()
    for piece in pieces:
        error = failed.get(piece.entity_id)
        if error is not None:
            results.fail(piece.entity_id, error)
            continue
        results.done[piece.entity_id] = None
        if piece.entity_id in created:
            results.created[piece.entity_id] = None


def _failures_of(outcome: Outcome, pieces: list[Piece]) -> dict[str, AndamanError]:
    """The failures that a 207 reports: entities listed as failed, and those listed nowhere."""
    source = outcome.registration.id
    success, failed = results_of(outcome)
    done = set(success)
    for piece in pieces:
        if piece.entity_id not in done and piece.entity_id not in failed:
            failed[piece.entity_id] = Conflict(
                f"Context source {source} does not say that it did it", registrationId=source
            )
    return failed


async def _singly(
    door: Door,
    call: Call,
    kind: Kind,
    one: Registration,
    pieces: list[Piece],
    options: list[tuple[str, str]],
    results: Results,
) -> None:
    """Entity by entity, a few at a time."""
    slots = asyncio.Semaphore(_SINGLY)

    async def work(piece: Piece) -> None:
        async with slots:
            try:
                wire = await sources_of(door).wire(one, piece.context, call)
            except AndamanError as error:
                results.fail(piece.entity_id, error)
                return
            outcome = await _single(door, call, kind, one, piece, wire, options)
            if outcome.error is not None:
                results.fail(piece.entity_id, outcome.error)
                return
            results.done[piece.entity_id] = None
            if outcome.status == 201:
                results.created[piece.entity_id] = None

    await asyncio.gather(*(work(piece) for piece in pieces))


async def _single(
    door: Door,
    call: Call,
    kind: Kind,
    one: Registration,
    piece: Piece,
    wire: Wire,
    options: list[tuple[str, str]],
) -> Outcome:
    ask = sources_of(door).ask
    path = f"/entities/{quote(piece.entity_id, safe=':')}"
    if kind is DELETE:
        return await ask(call, one, "DELETE", path, wire)
    payload = _payload(piece, wire)
    flags = {flag for name, value in options if name == "options" for flag in value.split(",")}
    if kind is UPDATE:
        if "appendAttrs" in one.operations:
            return await ask(call, one, "POST", f"{path}/attrs/", wire, options, payload)
        return await ask(call, one, "PATCH", f"{path}/attrs/", wire, (), payload)
    if kind is MERGING:
        return await ask(call, one, "PATCH", path, wire, options, payload)
    if kind is UPSERT and "update" in flags and "updateEntity" in one.operations:
        outcome = await ask(call, one, "PATCH", f"{path}/attrs/", wire, (), payload)
        if outcome.status != 404 or "createEntity" not in one.operations:
            return outcome
    if "createEntity" not in one.operations:
        return await ask(call, one, "PUT", path, wire, (), payload)
    outcome = await ask(call, one, "POST", "/entities", wire, (), payload)
    if (
        kind is UPSERT
        and outcome.status == 409
        and "replaceEntity" in one.operations
        and "update" not in flags
    ):
        return await ask(call, one, "PUT", path, wire, (), payload)
    return outcome
