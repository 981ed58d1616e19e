"""What a source told of a write that it did in part: a BatchOperationResult (CIM 009 §5.2.16)."""

from __future__ import annotations

from typing import Any

from andaman.doors.ngsild.distributed.sources import Outcome
from andaman.kernel.errors import AndamanError, Conflict


def results_of(outcome: Outcome) -> tuple[list[str], dict[str, AndamanError]]:
    """(ids that went well, id → what went wrong) of a 207."""
    source = outcome.registration.id
    content = outcome.payload if isinstance(outcome.payload, dict) else {}
    listed = content.get("errors")
    failed: dict[str, AndamanError] = {}
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and isinstance(each.get("entityId"), str):
            problem = each.get("error")
            detail = problem.get("detail") if isinstance(problem, dict) else None
            failed[each["entityId"][:2048]] = Conflict(
                f"Context source {source}: {str(detail or 'it refused')[:300]}", registrationId=source
            )
    success = content.get("success")
    return list(success) if isinstance(success, list) and is_texts(success) else [], failed


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
