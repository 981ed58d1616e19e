"""Purge over several brokers (CIM 009 §5.6.21.4): each source is asked to purge its registered part."""

from __future__ import annotations

import asyncio
from typing import Any

from andaman.broker.contexts import Context
from andaman.broker.query.evaluate import matches_q
from andaman.broker.query.parse import parse_q
from andaman.broker.registry.match import Spec, source_doc
from andaman.broker.registry.model import Info, Registration
from andaman.doors.ngsild import purge
from andaman.doors.ngsild.distributed.answered import results_of
from andaman.doors.ngsild.distributed.asking import Wanted, filters_of
from andaman.doors.ngsild.distributed.choice import check_right, sources_of, without_loop, write_matches
from andaman.doors.ngsild.distributed.legs import batch_error
from andaman.doors.ngsild.distributed.plan import Part
from andaman.doors.ngsild.distributed.questions import questions_of
from andaman.doors.ngsild.distributed.sources import Outcome
from andaman.doors.ngsild.door import Door
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call, json_answer, problem_answer
from andaman.doors.ngsild.params import flag_of, query_of
from andaman.kernel.errors import AndamanError, Conflict


async def purge_entities(door: Door, call: Call) -> Answer:
    """DELETE /entities."""
    given = call.parameters(purge.PURGE_PARAMETERS)
    if flag_of(given, "local"):
        return await purge.purge_entities(door, call)
    context = await door.link_context(call)
    query = query_of(given, context, default_limit=1, max_limit=1)
    csf = parse_q(given["csf"], context.expand_term) if "csf" in given else None
    spec = Spec(query.types, query.ids, query.id_pattern, frozenset(query.attrs))
    matches = [
        (one, infos)
        for one, infos in without_loop(*write_matches(door, call, spec))
        if csf is None or matches_q(csf, source_doc(one))
    ]
    wanted = Wanted(query, spec, given, False, False)
    asked = [(one, infos) for one, infos in matches if one.proxied or "purgeEntity" in one.operations]
    if not asked:
        return await purge.purge_entities(door, call)
    found = await asyncio.gather(*(_ask(door, call, one, infos, wanted, context) for one, infos in asked))
    errors = [error for _, failed in found for error in failed]
    success = [name for done, _ in found for name in done]
    try:
        own, own_errors = await purge.purge(door, call)
    except AndamanError as error:
        return problem_answer(error)
    success, errors = [*own, *success], [*errors, *own_errors]
    if not errors:
        return NO_CONTENT
    # An entity that some part of is left of is told of among the errors only, which name who has it.
    failed_ids = {one["entityId"] for one in errors}
    success = [one for one in dict.fromkeys(success) if one not in failed_ids]
    return json_answer({"success": success, "errors": errors}, 207)


async def _ask(
    door: Door, call: Call, one: Registration, infos: list[Info], wanted: Wanted, context: Context
) -> tuple[list[str], list[dict[str, Any]]]:
    """The ids that one source reports as purged (it need not), and the errors there."""
    if "purgeEntity" not in one.operations:
        return [], [
            batch_error(one.id, Conflict(f"{one.id} does not offer purgeEntity", registrationId=one.id))
        ]
    given = wanted.filters
    types = frozenset(name for info in infos for each in info.entities for name in each.types)
    try:
        check_right(call, Part(one, None, True), types, frozenset())
        wire = await sources_of(door).wire(one, context, call)
    except AndamanError as error:
        return [], [batch_error(one.id, error)]
    outcomes: list[Outcome] = []
    for info in infos:
        for question in questions_of(info, wanted.spec, wire):
            parameters = [pair for pair in question.parameters() if pair[0] != "attrs"]
            parameters += filters_of(wanted, wire).items()
            parameters += [(name, given[name]) for name in ("attrs", "keep", "drop") if name in given]
            if info.names:  # only what is registered may be taken away there
                names = ",".join(sorted(wire.context.shorts[iri] for iri in info.names))
                parameters = [pair for pair in parameters if pair[0] not in ("keep", "drop")]
                parameters.append(("drop", names))
            outcomes.append(await sources_of(door).ask(call, one, "DELETE", "/entities", wire, parameters))
    done: list[str] = []
    errors: list[dict[str, Any]] = []
    for outcome in outcomes:
        if outcome.error is not None:
            if outcome.status != 404:
                errors.append(batch_error(one.id, outcome.error))
        elif outcome.status == 207:
            purged, failed = results_of(outcome)
            done += purged
            errors += [batch_error(name, error) for name, error in failed.items()]
            if not failed:
                errors.append(
                    batch_error(
                        one.id, Conflict(f"Context source {one.id} did it in part", registrationId=one.id)
                    )
                )
    return done, errors
