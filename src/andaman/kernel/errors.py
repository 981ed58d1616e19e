"""Typed errors and the one table from error to HTTP status and problem type (RFC 9457; CIM 009 §5.5.2).

A message says what was wrong, where, and what would be right. Raise these; no room makes a response by hand.
"""

from __future__ import annotations

import errno
import sqlite3
from typing import Any, ClassVar, Final

_FULL: Final = ("no space left", "disk quota exceeded", "disk full", "disk is full")
NGSI = "https://uri.etsi.org/ngsi-ld/errors/"


class AndamanError(Exception):
    """Root of every error a caller can cause or must be told of.

    ``detail`` is a full sentence for a person; ``extra`` becomes members of the problem document,
    such as ``field`` (JSON pointer or parameter name) or ``position`` (0-based character offset).
    """

    status: ClassVar[int] = 500
    kind: ClassVar[str] = NGSI + "InternalError"
    title: ClassVar[str] = "Internal error"
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
        """The problem document (application/problem+json)."""
        return {
            "type": self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }


class InvalidRequest(AndamanError):
    """Syntax: the request is not of the form it must have (CIM 009 InvalidRequest)."""

    status, kind, title = 400, NGSI + "InvalidRequest", "The request is not well-formed"


class BadRequestData(AndamanError):
    """Meaning: well-formed, but the content does not fit (CIM 009 BadRequestData)."""

    status, kind, title = 400, NGSI + "BadRequestData", "The content of the request is not valid"


class AlreadyExists(AndamanError):
    status, kind, title = 409, NGSI + "AlreadyExists", "It exists already"


class Conflict(AndamanError):
    """A step that the current state does not allow, such as closing an open dispatch."""

    status, kind, title = 409, NGSI + "Conflict", "The current state does not allow this"


class OperationNotSupported(AndamanError):
    status, kind, title = 422, NGSI + "OperationNotSupported", "The operation is not supported"


class ResourceNotFound(AndamanError):
    status, kind, title = 404, NGSI + "ResourceNotFound", "There is no such resource"


class NoSuchEntity(ResourceNotFound):
    """The entity that was to be changed is not held here (as opposed to a part that it lacks)."""


class NoSuchTenant(AndamanError):
    status, kind, title = 404, NGSI + "NonexistentTenant", "There is no such tenant"


class TooComplexQuery(AndamanError):
    status, kind, title = 403, NGSI + "TooComplexQuery", "The query is too complex"


class TooManyResults(AndamanError):
    status, kind, title = 403, NGSI + "TooManyResults", "The query has too many results"


class LdContextNotAvailable(AndamanError):
    status, kind, title = 504, NGSI + "LdContextNotAvailable", "A JSON-LD context cannot be had"


class NotSignedIn(AndamanError):
    status, kind, title = 401, "urn:andaman:problem:not-signed-in", "Sign in first"


class Forbidden(AndamanError):
    status, kind, title = 403, "urn:andaman:problem:forbidden", "Your role does not allow this"


class TooLarge(AndamanError):
    status, kind, title = 413, "urn:andaman:problem:too-large", "The request is too large"


class UnsupportedMediaType(AndamanError):
    status, kind, title = (
        415,
        "urn:andaman:problem:unsupported-media-type",
        "This media type is not supported",
    )


class NotAcceptable(AndamanError):
    status, kind, title = 406, "urn:andaman:problem:not-acceptable", "No acceptable representation"


class MethodNotAllowed(AndamanError):
    status, kind, title = 405, "urn:andaman:problem:method-not-allowed", "This method is not allowed here"


class UriTooLong(AndamanError):
    status, kind, title = 414, "urn:andaman:problem:uri-too-long", "The address of the request is too long"


class HeadTooLarge(AndamanError):
    status, kind, title = (
        431,
        "urn:andaman:problem:head-too-large",
        "The headers of the request are too large",
    )


class TooSlow(AndamanError):
    """The request did not arrive in time."""

    status, kind, title = 408, "urn:andaman:problem:too-slow", "The request did not arrive in time"


class TooManyRequests(AndamanError):
    status, kind, title = 429, "urn:andaman:problem:too-many-requests", "Too many requests"
    again_s = 5


class Unavailable(AndamanError):
    """The platform cannot take this now (disk full, shutting down); nothing was written."""

    status, kind, title = 503, "urn:andaman:problem:unavailable", "The platform cannot take this now"
    again_s = 5


class StorageFull(Unavailable):
    """The disk takes no more; nothing was written, and reading goes on."""

    status, kind, title = 507, "urn:andaman:problem:storage-full", "The disk is full"
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


def told(error: Exception) -> AndamanError:
    """What a caller is told of an error that nobody foresaw; the log has the rest."""
    if is_full(error):
        return StorageFull("The disk of the data directory is full; nothing was written. Reading goes on")
    return AndamanError("Something went wrong in the platform; the log has the details")
