"""How the parts of one write went, and the one answer of them all (CIM 009 §5.2.16–5.2.18, §6.3.17)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from andaman.broker.contexts import Context
from andaman.broker.entity.expand import Mode
from andaman.doors.ngsild.distributed.bodies import passed_on
from andaman.doors.ngsild.distributed.choice import check_right, sources_of
from andaman.doors.ngsild.distributed.plan import Part
from andaman.doors.ngsild.distributed.sources import Outcome, Wire
from andaman.doors.ngsild.door import Door, entity_path
from andaman.doors.ngsild.http import NO_CONTENT, Answer, Call, json_answer, problem_answer
from andaman.kernel.errors import AndamanError, Conflict, NoSuchEntity

Handler = Callable[[Door, Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Leg:
    """How one part went: ``attrs`` that it was about (IRIs); ``error`` None: well. ``partly``: what a 207 told of an
    attribute-wise operation, (updated, notUpdated). ``some``: a part of what failed was done."""

    attrs: frozenset[str]
    error: AndamanError | None = None
    partly: tuple[list[str], list[dict[str, Any]]] | None = None
    status: int = 204
    own: bool = False
    some: bool = False

    @property
    def absent(self) -> bool:
        """The broker itself does not hold the entity."""
        return self.own and isinstance(self.error, NoSuchEntity)


@dataclass(frozen=True, slots=True)
class Form:
    """One operation on one entity: its name in registrations, how its body is read, and how partial success is
    reported.
    """

    operation: str
    handler: Handler
    mode: Mode
    by_attribute: bool  # UpdateResult (§5.2.18) instead of BatchOperationResult (§5.2.16)


@dataclass(frozen=True, slots=True)
class Errand:
    """One operation of one request, for any source that has a part in it."""

    door: Door
    call: Call
    form: Form
    context: Context
    types: frozenset[str]

    async def ask(
        self,
        part: Part,
        attrs: frozenset[str],
        path: Callable[[Wire], str],
        payload: Callable[[Wire], Any] = lambda wire: None,
    ) -> Leg:
        """One source does its part, ``attrs``. ``path`` and ``payload``: in the source's own names."""
        one = part.registration
        if not part.supported:
            return Leg(
                attrs, Conflict(f"{one.id} does not offer {self.form.operation}", registrationId=one.id)
            )
        sources = sources_of(self.door)
        try:
            check_right(self.call, part, self.types, attrs)
            wire = await sources.wire(one, self.context, self.call)
        except AndamanError as error:
            return Leg(attrs, error)
        outcome = await sources.ask(
            self.call, one, self.call.method, path(wire), wire, passed_on(self.call), payload(wire)
        )
        return leg_of(outcome, attrs, wire)


async def own_leg(door: Door, call: Call, handler: Handler, attrs: frozenset[str]) -> Leg:
    try:
        answer = await handler(door, call)
    except AndamanError as error:
        return Leg(attrs, error, own=True)
    if answer.status == 207:
        content = orjson.loads(answer.body)
        return Leg(attrs, None, (content.get("updated", []), content.get("notUpdated", [])), 207, own=True)
    return Leg(attrs, status=answer.status, own=True)


def leg_of(outcome: Outcome, attrs: frozenset[str], wire: Wire) -> Leg:
    if outcome.error is not None:
        return Leg(attrs, outcome.error)
    if outcome.status == 207:
        partial = outcome.payload if isinstance(outcome.payload, dict) else {"errors": [{}]}
        if isinstance(partial.get("errors"), list) and partial["errors"]:
            first = partial["errors"][0]
            problem = first.get("error", {}) if isinstance(first, dict) else {}
            detail = problem.get("detail") if isinstance(problem, dict) else None
            return Leg(
                attrs,
                Conflict(
                    f"Context source {outcome.registration.id} did it in part: {str(detail)[:300]}",
                    registrationId=outcome.registration.id,
                ),
                some=bool(partial.get("success")),
            )
        updated = [_expanded(name, wire) for name in partial.get("updated", []) if isinstance(name, str)]
        failed = [
            {
                "attributeName": _expanded(str(one.get("attributeName", "")), wire),
                "reason": str(one.get("reason", ""))[:300],
                "registrationId": outcome.registration.id,
            }
            for one in partial.get("notUpdated", [])
            if isinstance(one, dict)
        ]
        return Leg(attrs, None, (updated, failed), 207)
    return Leg(attrs, status=outcome.status)


def _expanded(name: str, wire: Wire) -> str:
    try:
        return wire.context.expand_term(name)
    except AndamanError:
        return name[:200]


# -- the answer --------------------------------------------------------------------------------------------------


def answer_of(form: Form, entity_id: str, legs: list[Leg]) -> Answer:
    """All well: the operation's own answer. One thing failed and nothing succeeded: its error. Else 207.

    Where sources have all of what was to be written, it is no error that the broker itself does not hold the entity
    (§5.6.2.4, §5.6.4.4, §5.6.17.4: "… and no matching registrations apply"); what no source has is told of as not written.
    """
    legs, left_out = _without_absence(form, legs)
    failed = [leg for leg in legs if leg.error is not None]
    partly = any(leg.partly is not None and leg.partly[1] for leg in legs)
    if not failed and not partly:
        if form.operation == "createEntity":
            return Answer(201, headers=[(b"location", entity_path(entity_id).encode())])
        if left_out and form.operation == "updateEntity":  # the conformance suite's D004_01_inc
            return json_answer(_update_result(legs), 207)
        return NO_CONTENT
    if len(failed) == 1 and len(legs) == 1 and failed[0].error is not None and not failed[0].some:
        return problem_answer(failed[0].error)
    if form.by_attribute:
        return json_answer(_update_result(legs), 207)
    success = [entity_id] if len(failed) < len(legs) or any(leg.some for leg in failed) else []
    errors = [batch_error(entity_id, one.error) for one in failed if one.error is not None]
    for one, leg in zip(errors, failed, strict=True):
        if success and leg.own:  # the others name their registration
            lost = f" (not written: {', '.join(sorted(leg.attrs))})" if leg.absent and leg.attrs else ""
            one["error"]["detail"] = f"In this broker itself: {one['error']['detail']}{lost}"
    return json_answer({"success": success, "errors": errors}, 207)


def _without_absence(form: Form, legs: list[Leg]) -> tuple[list[Leg], bool]:
    """The parts without the broker's own where it was about nothing but what sources have; was it left out?"""
    own = next((leg for leg in legs if leg.absent), None)
    others = [leg for leg in legs if leg is not own]
    if own is None or not others:
        return legs, False
    assert own.error is not None
    if form.operation == "deleteEntity":
        if all(leg.error is not None for leg in others):
            return others, True
        return legs, False  # the suite's D002_02_02_inc wants to be told
    left = own.attrs - frozenset().union(*(leg.attrs for leg in others))
    return ([*others, replace(own, attrs=left)], False) if left else (others, True)


def batch_error(entity_id: str, error: AndamanError) -> dict[str, Any]:
    """One BatchEntityError (§5.2.17)."""
    problem = error.problem()
    source = problem.pop("registrationId", None)
    found: dict[str, Any] = {"entityId": entity_id, "error": problem}
    return {**found, "registrationId": source} if source else found


def _update_result(legs: list[Leg]) -> dict[str, Any]:
    """§5.2.18, by full names."""
    updated: dict[str, None] = {}
    failed: list[dict[str, Any]] = []
    for leg in legs:
        if leg.error is not None:
            source = leg.error.extra.get("registrationId")
            reason = f"In this broker itself: {leg.error.detail}" if leg.own else leg.error.detail
            for iri in sorted(leg.attrs):
                one = {"attributeName": iri, "reason": reason}
                failed.append({**one, "registrationId": source} if source else one)
        elif leg.partly is not None:
            updated.update(dict.fromkeys(leg.partly[0]))
            failed += leg.partly[1]
        else:
            updated.update(dict.fromkeys(sorted(leg.attrs)))
    return {"updated": list(updated), "notUpdated": failed}
