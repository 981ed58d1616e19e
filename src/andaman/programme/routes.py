"""HTTP of the programme: the release that everybody reads, drafts for staff, and entered acceptances."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from andaman.approvals.answers import PersonNamed
from andaman.approvals.model import Proposal
from andaman.form import body_text
from andaman.identity.doors import ANYONE, BoundDoor, Cost, DoorEntry, Requirement, Tenancy
from andaman.identity.web import actor_of, credential_of
from andaman.kernel import query_params
from andaman.kernel.http import json_response, read_json
from andaman.kernel.permissions import Permission
from andaman.kernel.refusals import FieldMissing, FieldTooLong
from andaman.kernel.time import format_time
from andaman.programme.acceptance import Acceptance
from andaman.programme.answers import Acceptances, AcceptanceWaiting, ProgrammeAnswer, WithdrawalWaiting
from andaman.programme.permissions import APPROVE_ACCEPTANCE, ENTER_ACCEPTANCE, READ_DRAFT, RELEASE
from andaman.programme.release import ReleaseShown, Texts
from andaman.programme.service import ProgrammeService, plan_json
from andaman.programme.withdrawal import Withdrawal

_BODY_MAX: Final = 20_000
_TEXT_MAX: Final = 4_000


def _entry(
    method: str,
    path: str,
    requires: Requirement,
    *asks: Permission,
    audited: str = "",
) -> DoorEntry:
    return DoorEntry(
        method,
        f"/api/programme{path}",
        Tenancy.CITY,
        requires,
        asks=asks,
        body_max=_BODY_MAX if method == "POST" else 0,
        cost=Cost.QUESTION,
        audited=audited,
    )


def routes(service: ProgrammeService) -> list[BoundDoor]:
    door = _Door(service)
    return [
        _entry("GET", "", ANYONE).to(door.released),
        _entry("GET", "/draft", READ_DRAFT).to(door.draft),
        _entry("POST", "/releases", RELEASE, audited="programme.release").to(door.release),
        _entry("GET", "/acceptances", READ_DRAFT, APPROVE_ACCEPTANCE).to(door.acceptances),
        _entry("POST", "/acceptances", ENTER_ACCEPTANCE, audited="programme.enter-acceptance").to(door.enter),
        _entry("POST", "/withdrawals", ENTER_ACCEPTANCE, audited="programme.withdraw-acceptance").to(
            door.withdraw
        ),
    ]


class _Door:
    def __init__(self, service: ProgrammeService) -> None:
        self._service = service

    async def released(self, request: Request) -> Response:
        """The newest release; of a quarter, of an id, or as it was at a past instant."""
        asked = request.query_params
        wanted = query_params.text(asked, "release")
        year, quarter = _quarter(asked)
        at = query_params.time(asked, "at", None)
        every = await self._service.releases()
        if wanted:
            chosen: ReleaseShown | None = await self._service.find_release(wanted)
        else:
            known = [one for one in every if at is None or one.released_at <= format_time(at)]
            fitting = (one for one in known if year is None or (one.year, one.quarter) == (year, quarter))
            chosen = next(fitting, None)
        plan = self._service.plan_now()
        return json_response(
            ProgrammeAnswer(plan=plan_json(plan), release=chosen, releases=[one.head() for one in every])
        )

    async def draft(self, request: Request) -> Response:
        return json_response((await self._service.draft(*_quarter(request.query_params))).figures)

    async def release(self, request: Request) -> Response:
        body = await read_json(request, _BODY_MAX, empty={})
        fields = body if isinstance(body, dict) else {}
        texts = {name: body_text(fields, name).strip() for name in ("note", "problems", "nextSteps")}
        for name, found in texts.items():
            if len(found) > _TEXT_MAX:
                raise FieldTooLong(field=name, limit=_TEXT_MAX)
        whole = {name: str(fields[name]) for name in ("year", "quarter") if fields.get(name) is not None}
        year, quarter = _quarter(whole)
        made = await self._service.release(year, quarter, msgspec.convert(texts, Texts), actor_of(request))
        return json_response(made, 201)

    async def acceptances(self, request: Request) -> Response:
        return json_response(await self._acceptances(request))

    async def enter(self, request: Request) -> Response:
        body = await read_json(request, _BODY_MAX, empty={})
        await self._service.accepted.enter(body, actor_of(request), credential_of(request))
        return json_response(await self._acceptances(request), 201)

    async def withdraw(self, request: Request) -> Response:
        body = await read_json(request, _BODY_MAX, empty={})
        await self._service.accepted.withdraw(body, actor_of(request), credential_of(request))
        return json_response(await self._acceptances(request), 201)

    async def _acceptances(self, request: Request) -> Acceptances:
        actor, accepted = actor_of(request), self._service.accepted
        entries = await accepted.entries()

        def decided_by(one: Proposal) -> dict[str, bool]:
            may = accepted.may_approve(one, actor, credential_of(request))
            return {"may_approve": may, "mine": one.author.id == actor.principal.id}

        return Acceptances(
            counted=list(entries.counted),
            waiting=[_waiting(one, **decided_by(one)) for one in await accepted.waiting(actor)],
            withdrawn=list(entries.withdrawn),
            withdrawals=[
                _waiting_withdrawal(one, **decided_by(one))
                for one in await accepted.waiting_withdrawals(actor)
            ],
        )


def _quarter(asked: Any) -> tuple[int | None, int | None]:
    """Both or neither. Raises FieldMissing and NotAWholeNumber."""
    year = query_params.integer(asked, "year", None, 1, 9999)
    quarter = query_params.integer(asked, "quarter", None, 1, 4)
    if (year is None) != (quarter is None):
        raise FieldMissing(field="year" if year is None else "quarter")
    return year, quarter


def _waiting(one: Proposal, *, may_approve: bool, mine: bool) -> AcceptanceWaiting:
    content = msgspec.convert(one.content, Acceptance)
    return AcceptanceWaiting(
        proposal=one.id,
        digest=one.digest,
        deliverable=content.deliverable,
        share=content.share,
        accepted_on=content.accepted_on,
        document=content.document,
        accepted_by=content.accepted_by,
        entered_by=PersonNamed.of(one.author),
        at=format_time(one.at),
        may_approve=may_approve,
        mine=mine,
    )


def _waiting_withdrawal(one: Proposal, *, may_approve: bool, mine: bool) -> WithdrawalWaiting:
    content = msgspec.convert(one.content, Withdrawal)
    return WithdrawalWaiting(
        proposal=one.id,
        digest=one.digest,
        acceptance=content.acceptance,
        reason=content.reason,
        entered_by=PersonNamed.of(one.author),
        at=format_time(one.at),
        may_approve=may_approve,
        mine=mine,
    )
