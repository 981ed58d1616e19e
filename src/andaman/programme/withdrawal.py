"""An acceptance that was entered by mistake is withdrawn: with a reason, by two people, and both entries stay.

The right one is entered anew. A release that was made before keeps its figures.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from andaman.approvals.answers import Fact
from andaman.approvals.model import Proposal
from andaman.broker.api import Doc, entity, prop, rel
from andaman.form import body_text
from andaman.kernel.ids import urn
from andaman.kernel.refusals import FieldMissing, FieldTooLong
from andaman.kernel.time import format_time
from andaman.kernel.words import Words
from andaman.programme.acceptance import SCOPE, AcceptanceShown
from andaman.programme.types import WITHDRAWAL

_REASON_MAX: Final = 1_000


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """``acceptance``: id of the entity that no longer counts."""

    acceptance: str
    reason: str


class WithdrawnShown(AcceptanceShown, frozen=True, kw_only=True):
    """An acceptance that counted once. ``withdrawn_by`` and ``withdrawal_approved_by``: names of the two people."""

    reason: str
    withdrawn_by: str
    withdrawal_approved_by: str
    withdrawn_at: str


def withdrawal_of(body: Any) -> Withdrawal:
    """From a request. Raises FieldMissing and FieldTooLong."""
    fields = body if isinstance(body, dict) else {}
    entity_id, reason = body_text(fields, "acceptance").strip(), body_text(fields, "reason").strip()
    if not entity_id:
        raise FieldMissing(field="acceptance")
    if not reason:
        raise FieldMissing(field="reason")
    if len(reason) > _REASON_MAX:
        raise FieldTooLong(field="reason", limit=_REASON_MAX)
    return Withdrawal(acceptance=entity_id, reason=reason)


def facts_of(content: Withdrawal) -> tuple[Fact, ...]:
    """The reason, for the person who approves it."""
    name = next(one.words for one in WITHDRAWAL.attributes if one.name == "withdrawalReason")
    return (Fact(name=name, text=Words(content.reason, content.reason)),)


def doc_of(local: str, content: Withdrawal, entered_by: str, approved_by: str) -> Doc:
    return entity(
        urn(WITHDRAWAL.name, local),
        WITHDRAWAL.name,
        scope=SCOPE,
        withdrawnAcceptance=rel(content.acceptance),
        withdrawalReason=prop(content.reason),
        enteredBy=prop(entered_by),
        approvedBy=prop(approved_by),
        origin=prop("reported"),
    )


def local_id(entity_id: str) -> str:
    return entity_id.removeprefix(f"urn:ngsi-ld:{WITHDRAWAL.name}:")


def shown(one: AcceptanceShown, proposal: Proposal) -> WithdrawnShown:
    """``proposal``: the approved one that withdrew it."""
    decided = proposal.decided_by
    return WithdrawnShown(
        **{name: getattr(one, name) for name in AcceptanceShown.__struct_fields__},
        reason=msgspec.convert(proposal.content, Withdrawal).reason,
        withdrawn_by=proposal.author.name or proposal.author.id,
        withdrawal_approved_by="" if decided is None else decided.name or decided.id,
        withdrawn_at=format_time(proposal.at if proposal.decided_at is None else proposal.decided_at),
    )
