"""A source's report of a write that it did in part: a BatchOperationResult (CIM 009 §5.2.16)."""

from __future__ import annotations

from typing import Any

from andaman.broker.registry.model import Registration
from andaman.doors.ngsild.distributed.faults import reported_by
from andaman.doors.ngsild.distributed.sources import Outcome
from andaman.kernel.errors import AndamanError, Conflict


def results_of(outcome: Outcome) -> tuple[list[str], dict[str, AndamanError]]:
    """(ids that went well, id → what went wrong) of a 207."""
    content = outcome.payload if isinstance(outcome.payload, dict) else {}
    listed = content.get("errors")
    failed: dict[str, AndamanError] = {}
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(each.get("entityId"), str):
            problem = each.get("error")
            failed[each["entityId"][:2048]] = _reported(outcome.registration, problem)
    success = content.get("success")
    return list(success) if isinstance(success, list) and is_texts(success) else [], failed


def _reported(registration: Registration, problem: Any) -> AndamanError:
    """The source's own problem where it is one."""
    given = problem if isinstance(problem, dict) else {}
    status = given.get("status")
    if isinstance(status, int) and 400 <= status < 600:
        return reported_by(registration, status, given)
    text = str(given.get("detail") or "it refused")[:300]
    return Conflict(f"Context source {registration.id}: {text}", registrationId=registration.id)


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
