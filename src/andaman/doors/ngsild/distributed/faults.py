"""Reports of a source that did not do as it was asked (CIM 009 §6.3.17): as a problem, and as NGSILD-Warning."""

from __future__ import annotations

from typing import Any, Final

from andaman.broker.registry.model import Registration
from andaman.kernel.errors import NGSI, AndamanError
from andaman.kernel.words import Words


class BadGateway(AndamanError):
    """A source did not do as it was asked (§6.3.17)."""

    status, kind, title = 502, NGSI + "BadGateway", "A context source failed"
    code = "context-source-failed"
    words = Words("แหล่งข้อมูลภายนอกทำงานไม่สำเร็จ", "A context source failed")


class GatewayTimeout(AndamanError):
    status, kind, title = 504, NGSI + "GatewayTimeout", "A context source did not answer in time"
    code = "context-source-timeout"
    words = Words("แหล่งข้อมูลภายนอกไม่ตอบภายในเวลาที่กำหนด", "A context source did not answer in time")


class LoopDetected(AndamanError):
    """The request came by here before (§6.3.17)."""

    status, kind, title = 508, NGSI + "LoopDetected", "The registrations make a loop"
    code = "registration-loop"
    words = Words("การลงทะเบียนแหล่งข้อมูลวนเป็นวงรอบ", "The registrations make a loop")


def failure_of(registration: Registration, reason: str, timed_out: bool) -> AndamanError:
    kind = GatewayTimeout if timed_out else BadGateway
    reason = "it does not answer in time" if timed_out else reason
    return kind(f"Context source {registration.id}: {reason}", registrationId=registration.id)


class ReportedProblem(AndamanError):
    """The problem that a source reported, passed on."""

    code = "context-source-refused"
    words = Words("แหล่งข้อมูลภายนอกไม่รับคำขอ", "A context source refused the request")

    def __init__(self, status: int, kind: str, title: str, detail: str, registration_id: str) -> None:
        super().__init__(detail, registrationId=registration_id)
        self.status, self.kind, self.title = status, kind, title


def reported_by(registration: Registration, status: int, payload: Any) -> AndamanError:
    body = payload if isinstance(payload, dict) else {}
    kind = body.get("type")
    kind = (
        kind[:200]
        if isinstance(kind, str) and kind.startswith(("http", "urn:"))
        else _KINDS.get(status, NGSI + "BadGateway")
    )
    title = body.get("title")
    detail = body.get("detail")
    shown = 400 <= status < 600
    return ReportedProblem(
        status if shown else 502,
        kind,
        title[:200] if isinstance(title, str) else "A context source refused",
        f"Context source {registration.id} answers {status}"
        + (f": {detail[:500]}" if isinstance(detail, str) and status < 500 else ""),
        registration.id,
    )


_KINDS: Final = {
    400: NGSI + "BadRequestData",
    404: NGSI + "ResourceNotFound",
    409: NGSI + "Conflict",
    422: NGSI + "OperationNotSupported",
    508: NGSI + "LoopDetected",
}
