"""HTTP of approvals. Shapes: docs/rooms/definitions.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from andaman.approvals.answers import PersonNamed, ProposalAnswer
from andaman.approvals.model import Proposal, State
from andaman.approvals.permissions import READ_PROPOSALS
from andaman.approvals.service import Approvals, Described, Look
from andaman.form import body_text
from andaman.identity.doors import BoundDoor, Cost, DoorEntry, Tenancy
from andaman.identity.permissions import REVIEW_ROLES
from andaman.identity.web import actor_of, credential_of
from andaman.kernel.http import json_response, read_json
from andaman.kernel.refusals import FieldMissing, NotAChoice
from andaman.kernel.time import Clock, format_time

_BODY_MAX: Final = 20_000


def _entry(method: str, path: str) -> DoorEntry:
    body_max = _BODY_MAX if method == "POST" else 0
    return DoorEntry(
        method,
        f"/api/approvals{path}",
        Tenancy.CITY,
        READ_PROPOSALS,
        asks=(REVIEW_ROLES,) if path.endswith(("/approve", "/reject")) else (),
        body_max=body_max,
        cost=Cost.QUESTION,
    )


def routes(approvals: Approvals, clock: Clock) -> list[BoundDoor]:
    door = _Door(approvals, clock)
    return [
        _entry("GET", "").to(door.listed),
        _entry("GET", "/{id}").to(door.one),
        _entry("POST", "/{id}/approve").to(door.approve),
        _entry("POST", "/{id}/reject").to(door.reject),
        _entry("POST", "/{id}/withdraw").to(door.withdraw),
    ]


class _Door:
    def __init__(self, approvals: Approvals, clock: Clock) -> None:
        self._approvals, self._clock = approvals, clock

    async def listed(self, request: Request) -> Response:
        wanted = request.query_params.get("state")
        if wanted is not None and wanted not in set(State):
            raise NotAChoice(field="state", choices=[one.value for one in State])
        found = await self._approvals.list_visible(
            actor_of(request), State(wanted) if wanted is not None else None
        )
        return json_response(await self._answers(found, request))

    async def one(self, request: Request) -> Response:
        found = await self._approvals.get(_id(request), actor_of(request))
        return await self._one(found, request)

    async def approve(self, request: Request) -> Response:
        body = await _body(request)
        digest = body.get("digest")
        if not isinstance(digest, str) or not digest:
            raise FieldMissing(field="digest")
        done = await self._approvals.approve(_id(request), digest, actor_of(request), credential_of(request))
        return await self._one(done, request)

    async def reject(self, request: Request) -> Response:
        note = body_text(await _body(request), "reason")
        if not note:
            raise FieldMissing(field="reason")
        done = await self._approvals.reject(_id(request), note, actor_of(request), credential_of(request))
        return await self._one(done, request)

    async def withdraw(self, request: Request) -> Response:
        return await self._one(await self._approvals.withdraw(_id(request), actor_of(request)), request)

    async def _one(self, proposal: Proposal, request: Request) -> Response:
        return json_response((await self._answers([proposal], request))[0])

    async def _answers(self, proposals: Sequence[Proposal], request: Request) -> list[ProposalAnswer]:
        looks = await self._approvals.look(proposals)
        return [self._answer(one, looks.get(one.id, Look()), request) for one in proposals]

    def _answer(self, proposal: Proposal, look: Look, request: Request) -> ProposalAnswer:
        actor = actor_of(request)
        action = self._approvals.action(proposal.action)
        who = self._approvals.person(actor, credential_of(request))
        decided = proposal.decided_by
        described = action.describe(proposal) if action is not None else Described()
        return ProposalAnswer(
            id=proposal.id,
            action=proposal.action,
            words=action.words if action is not None else None,
            subject=proposal.subject,
            content=proposal.content,
            title=described.title,
            facts=described.facts,
            digest=proposal.digest,
            reason=proposal.reason,
            state=proposal.state_at(self._clock()),
            author=PersonNamed.of(proposal.author),
            at=format_time(proposal.at),
            ends_at=format_time(proposal.ends_at),
            decided_by=PersonNamed.of(decided) if decided is not None else None,
            decided_at=format_time(proposal.decided_at) if proposal.decided_at is not None else None,
            note=proposal.note,
            may_approve=self._approvals.may_approve(proposal, who, actor),
            mine=proposal.author.id == actor.principal.id,
            outdated=look.outdated and proposal.is_open(self._clock()),
            waits=look.waits and proposal.state is State.DONE,
        )


async def _body(request: Request) -> dict[str, Any]:
    body = await read_json(request, _BODY_MAX, empty={})
    return body if isinstance(body, dict) else {}


def _id(request: Request) -> str:
    return str(request.path_params["id"])
