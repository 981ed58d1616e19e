"""Typed errors and the one table from error to HTTP status and problem type (RFC 9457; CIM 009 §5.5.2).

A message says what was wrong, where, and what would be right. Raise these; no room makes a response by hand.
A room declares what it refuses to people at screens as subclasses of ``Refusal`` (``kernel/refusals.py``).
"""

from __future__ import annotations

import errno
import sqlite3
from typing import Any, ClassVar, Final, NotRequired, TypedDict

from andaman.kernel.words import Words

_FULL: Final = ("no space left", "disk quota exceeded", "disk full", "disk is full")
NGSI = "https://uri.etsi.org/ngsi-ld/errors/"


class ProblemDocument(TypedDict):
    """The members of every problem document. ``params``: of a refusal, for its words."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    params: NotRequired[dict[str, Any]]


class AndamanError(Exception):
    """Root of every error that a caller can cause or must learn of.

    ``detail`` is a full sentence for a person; ``extra`` becomes members of the problem document,
    such as ``field`` (JSON pointer or parameter name) or ``position`` (0-based character offset).
    Programs and screens tell errors apart by ``code``. ``words`` says in Thai and English what the code means.
    """

    # of the class, unless an error passes on what another system reported
    status: int = 500
    kind: str = NGSI + "InternalError"
    title: str = "Internal error"
    code: ClassVar[str] = "internal-error"
    words: ClassVar[Words] = Words("เกิดข้อผิดพลาดในระบบ", "Something went wrong in the platform")
    again_s: ClassVar[int] = 0
    """What passes by itself is worth another try after so many seconds, unless ``retryAfter`` says it better; 0: it does not."""

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra

    @property
    def retry_after(self) -> str:
        """The value of the header Retry-After (RFC 9110 §10.2.3): seconds; "" for none. Every answer to the error has it."""
        seconds = self.extra.get("retryAfter", self.again_s)
        return str(seconds) if seconds else ""

    def problem(self) -> dict[str, Any]:
        """The problem document (application/problem+json), with members of its own in ``extra``."""
        document = ProblemDocument(
            type=self.kind, title=self.title, status=self.status, detail=self.detail, code=self.code
        )
        return {**document, **self.extra}


class InvalidRequest(AndamanError):
    """Syntax: the request is not of the form it must have (CIM 009 InvalidRequest)."""

    status, kind, title = 400, NGSI + "InvalidRequest", "The request is not well-formed"
    code = "invalid-request"
    words = Words("คำขอไม่อยู่ในรูปแบบที่กำหนด", "The request is not well-formed")


class BadRequestData(AndamanError):
    """Meaning: well-formed, but the content does not fit (CIM 009 BadRequestData)."""

    status, kind, title = 400, NGSI + "BadRequestData", "The content of the request is not valid"
    code = "bad-request-data"
    words = Words("ข้อมูลที่ส่งไม่ถูกต้อง", "The data that was sent is not valid")


class AlreadyExists(AndamanError):
    status, kind, title = 409, NGSI + "AlreadyExists", "It exists already"
    code = "already-exists"
    words = Words("มีรายการนี้อยู่แล้ว", "It exists already")


class Conflict(AndamanError):
    """A step that the current state does not allow, such as closing an open dispatch."""

    status, kind, title = 409, NGSI + "Conflict", "The current state does not allow this"
    code = "conflict"
    words = Words(
        "สถานะปัจจุบันไม่อนุญาตให้ทำขั้นตอนนี้ อาจมีผู้อื่นดำเนินการไปแล้ว",
        "The current state does not allow this; someone else may have acted already",
    )


class OperationNotSupported(AndamanError):
    status, kind, title = 422, NGSI + "OperationNotSupported", "The operation is not supported"
    code = "operation-not-supported"
    words = Words("ระบบไม่รองรับการดำเนินการนี้", "The operation is not supported")


class ResourceNotFound(AndamanError):
    status, kind, title = 404, NGSI + "ResourceNotFound", "There is no such resource"
    code = "resource-not-found"
    words = Words("ไม่พบรายการนี้ หรือไม่มีสิทธิเข้าถึง", "It does not exist, or you may not see it")


class NoSuchEntity(ResourceNotFound):
    """The entity that was to be changed is not held here (as opposed to a part that it lacks)."""


class NoSuchTenant(AndamanError):
    status, kind, title = 404, NGSI + "NonexistentTenant", "There is no such tenant"
    code = "no-such-tenant"
    words = Words("ไม่พบพื้นที่ข้อมูลนี้ หรือไม่มีสิทธิเข้าถึง", "There is no such tenant, or you may not enter it")


class TooComplexQuery(AndamanError):
    status, kind, title = 403, NGSI + "TooComplexQuery", "The query is too complex"
    code = "too-complex-query"
    words = Words("คำค้นซับซ้อนเกินไป", "The query is too complex")


class TooManyResults(AndamanError):
    status, kind, title = 403, NGSI + "TooManyResults", "The query has too many results"
    code = "too-many-results"
    words = Words("ผลลัพธ์มีจำนวนมากเกินไป โปรดจำกัดขอบเขตคำค้น", "The query has too many results")


class LdContextNotAvailable(AndamanError):
    status, kind, title = 504, NGSI + "LdContextNotAvailable", "A JSON-LD context is unavailable"
    code = "ld-context-not-available"
    words = Words("ไม่สามารถเรียกใช้บริบท JSON-LD ได้", "A JSON-LD context is unavailable")


class NotSignedIn(AndamanError):
    status, kind, title = 401, "urn:andaman:problem:not-signed-in", "Sign in first"
    code = "not-signed-in"
    words = Words("โปรดเข้าสู่ระบบก่อน", "Please sign in first")


class Forbidden(AndamanError):
    status, kind, title = 403, "urn:andaman:problem:forbidden", "Your role does not allow this"
    code = "forbidden"
    words = Words("สิทธิของท่านไม่ครอบคลุมการดำเนินการนี้", "Your role does not allow this")


class TooLarge(AndamanError):
    status, kind, title = 413, "urn:andaman:problem:too-large", "The request is too large"
    code = "too-large"
    words = Words("ข้อมูลมีขนาดใหญ่เกินไป", "The request is too large")


class UnsupportedMediaType(AndamanError):
    status, kind, title = (
        415,
        "urn:andaman:problem:unsupported-media-type",
        "This media type is not supported",
    )
    code = "unsupported-media-type"
    words = Words("ระบบไม่รองรับข้อมูลชนิดนี้", "This media type is not supported")


class NotAcceptable(AndamanError):
    status, kind, title = 406, "urn:andaman:problem:not-acceptable", "No acceptable representation"
    code = "not-acceptable"
    words = Words("ระบบไม่มีข้อมูลในรูปแบบที่ขอ", "The platform does not offer the requested format")


class MethodNotAllowed(AndamanError):
    status, kind, title = 405, "urn:andaman:problem:method-not-allowed", "This method is not allowed here"
    code = "method-not-allowed"
    words = Words("ไม่สามารถดำเนินการด้วยวิธีนี้ได้", "This method is not allowed here")


class UriTooLong(AndamanError):
    status, kind, title = 414, "urn:andaman:problem:uri-too-long", "The address of the request is too long"
    code = "uri-too-long"
    words = Words("ที่อยู่ของคำขอยาวเกินไป", "The address of the request is too long")


class HeadTooLarge(AndamanError):
    status, kind, title = (
        431,
        "urn:andaman:problem:head-too-large",
        "The headers of the request are too large",
    )
    code = "head-too-large"
    words = Words("ส่วนหัวของคำขอมีขนาดใหญ่เกินไป", "The headers of the request are too large")


class TooSlow(AndamanError):
    """The request did not arrive in time."""

    status, kind, title = 408, "urn:andaman:problem:too-slow", "The request did not arrive in time"
    code = "too-slow"
    words = Words(
        "ระบบไม่ได้รับคำขอภายในเวลาที่กำหนด โปรดลองใหม่อีกครั้ง",
        "The request did not arrive in time; please try again",
    )


class TooManyRequests(AndamanError):
    status, kind, title = 429, "urn:andaman:problem:too-many-requests", "Too many requests"
    code = "too-many-requests"
    words = Words(
        "มีคำขอมากเกินไป โปรดรอสักครู่แล้วลองใหม่อีกครั้ง", "Too many requests; please wait a moment and try again"
    )
    again_s = 5


class Unavailable(AndamanError):
    """The platform cannot take this now (disk full, shutting down); nothing was written."""

    status, kind, title = 503, "urn:andaman:problem:unavailable", "The platform cannot take this now"
    code = "unavailable"
    words = Words(
        "ระบบยังรับคำสั่งไม่ได้ในขณะนี้ โปรดลองใหม่อีกครั้ง", "The platform cannot take this now; please try again"
    )
    again_s = 5


class StorageFull(Unavailable):
    """The disk takes no more; nothing was written, and reading continues."""

    status, kind, title = 507, "urn:andaman:problem:storage-full", "The disk is full"
    code = "storage-full"
    words = Words("พื้นที่จัดเก็บข้อมูลเต็ม ยังไม่มีการบันทึก", "The disk is full; nothing was written")
    again_s = 60


def is_full(error: BaseException | None) -> bool:
    """Does it come of a disk that takes no more? SQLite and the system say so by a code, DuckDB in words."""
    for _ in range(10):  # an error, what it was raised of, and so on
        if error is None:
            return False
        if isinstance(error, StorageFull):
            return True
        if isinstance(error, sqlite3.Error):
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
                return True
        elif isinstance(error, OSError):
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return True
        elif type(error).__module__.split(".")[0] in ("duckdb", "_duckdb"):
            said = str(error).lower()
            if any(words in said for words in _FULL):
                return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return False


def refusal_of(error: Exception) -> AndamanError:
    """The error that a caller receives for one that nobody foresaw; the log has the rest."""
    if is_full(error):
        return StorageFull("The disk of the data directory is full; nothing was written. Reading continues")
    return AndamanError("Something went wrong in the platform; the log has the details")
