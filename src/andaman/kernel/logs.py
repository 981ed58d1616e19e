"""Log lines: text, logfmt or JSON, each with the id of the request it belongs to, and never with a secret."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from contextvars import ContextVar
from typing import Any, Final

from andaman.kernel.errors import is_full
from andaman.kernel.time import format_time

FORMATS: Final = ("text", "logfmt", "json")
ENVIRONMENT: Final = "ANDAMAN_LOG_FORMAT"
"""How a child process learns the form."""
request_id: ContextVar[bytes] = ContextVar("andaman_request_id", default=b"")
"""Id of the request that the running task serves; b"" outside of requests."""

_NOISY: Final = ("httpx", "httpcore", "gmqtt", "websockets", "uvicorn", "asyncio")
_PLAIN: Final = re.compile(r"[^\s\"=\\\x00-\x1f]+")
# Belt and braces: no line is meant to hold any of these.
_SECRETS: Final = re.compile(
    r"(?i)(bearer\s+|andaman_session=|x-csrf-token['\"]?\s*[:=]\s*['\"]?|password['\"]?\s*[:=]\s*['\"]?|(?<=://)[^/\s:@]+:)"
    r"[^\s'\",;@&]+"
)


def without_secrets(text: str) -> str:
    """Tokens, session cookies and passwords struck out."""
    return _SECRETS.sub(r"\1***", text)


class Structured(logging.Formatter):
    """One line a record. Fields given by ``extra={"fields": {…}}`` become members of their own."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": format_time(int(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        rid = request_id.get()
        if rid:
            told["request"] = rid.decode("ascii")
        for name, value in getattr(record, "fields", {}).items():
            told[name] = without_secrets(value) if isinstance(value, str) else value
        if record.exc_info and is_full(record.exc_info[1]):
            told["message"] += (
                ": the disk is full"  # whoever meets it: one line, where it came about is of no help
            )
        elif record.exc_info:
            told["error"] = without_secrets(self.formatException(record.exc_info))
        if self._form == "json":
            return json.dumps(told, ensure_ascii=False, default=str)
        if self._form == "logfmt":
            return " ".join(f"{name}={_logfmt(value)}" for name, value in told.items())
        return _text(told)


def _logfmt(value: Any) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _text(told: dict[str, Any]) -> str:
    error = told.pop("error", "")
    told["message"] = told["message"].replace("\n", "\\n")  # one line a record, whoever wrote the text
    head = " ".join(str(told.pop(name)) for name in ("time", "level", "logger", "message"))
    rest = "".join(f" {name}={_logfmt(value)}" for name, value in told.items())
    return f"{head}{rest}\n{error}" if error else f"{head}{rest}"


def configure(level: str, form: str) -> None:
    """Send every log line of this process to standard error, and let child processes do the same."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Structured(form))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    os.environ[ENVIRONMENT] = form


def configure_child() -> None:
    """The same in a child process."""
    form = os.environ.get(ENVIRONMENT, "text")
    configure("info", form if form in FORMATS else "text")
