"""The permitted forms of ids, date-times, scopes and names (CIM 009 §4.6.2, §4.6.3, §4.18, §4.5.1)."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from andaman.broker.contexts.model import is_name
from andaman.kernel.errors import BadRequestData
from andaman.kernel.time import parse_time

_ASCII_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[!#-;=?-\[\]_a-z~]+")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:.")
_UNWANTED: Final = frozenset(' "<>\\^`{|}\x7f')
_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")  # fillers that show as nothing
_URI_MAX: Final = 2048
_SCOPE_MAX: Final = 1024
MAX_SCOPES: Final = 1_000
_ISO_Z: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
                           r"(?:\.\d{1,9})?Z", re.ASCII)  # fmt: skip
_MEMO_MAX: Final = 10_000
_MEMO_LONGEST: Final = 64
_times: set[str] = set()  # that is_stored_time found to be so
_scopes: dict[str, str] = {}  # valid scopes as given → as stored
NULL: Final = "urn:ngsi-ld:null"
"""NGSI-LD Null: "delete this member" in updates and merges; nowhere else allowed."""


def is_uri(text: str) -> bool:
    """True for an absolute URI or IRI without invisible characters; the NGSI-LD Null is none."""
    if len(text) > _URI_MAX or text == NULL:
        return False
    if text.isascii():
        return _ASCII_URI.fullmatch(text) is not None
    return _SCHEME.match(text) is not None and not any(map(_unwanted, text))


def _unwanted(char: str) -> bool:
    if char.isascii():
        return char in _UNWANTED or char < " "
    code = ord(char)
    return (
        unicodedata.category(char)[0] in "ZC"
        or char in _BLANK
        or 0xFE00 <= code <= 0xFE0F
        or 0xE0100 <= code <= 0xE01EF
    )


def check_uri(value: Any, where: str) -> str:
    """``value`` as a URI, or BadRequestData that names ``where``."""
    if not isinstance(value, str) or not is_uri(value):
        raise BadRequestData(f"{where} must be a URI such as urn:ngsi-ld:Vehicle:1", field=where)
    return value


def plain_members(given: dict[str, Any], where: str = "") -> dict[str, Any]:
    """An object of a request with ``id`` and ``type`` where it has JSON-LD's ``@id`` and ``@type`` (§4.4): ``given`` itself
    where it has neither. Raises BadRequestData where both are there and differ."""
    if "@id" not in given and "@type" not in given:
        return given
    made = {name: value for name, value in given.items() if name != "@id" and name != "@type"}
    for name in ("id", "type"):
        if "@" + name in given:
            value = given["@" + name]
            if made.setdefault(name, value) != value:
                field = f"{where}.@{name}" if where else f"@{name}"
                raise BadRequestData(f"{name!r} and '@{name}' are both there and differ", field=field)
    return made


def check_time(value: Any, where: str) -> str:
    """``value`` as a UTC date-time (§4.6.3: ISO 8601, ``Z``), or BadRequestData that names ``where``."""
    text = _utc(value) if isinstance(value, str) and value.isascii() else None
    if text is None:
        raise BadRequestData(f"{where} must be a UTC date-time such as 2026-11-22T07:32:00Z", field=where)
    return text


def is_stored_time(text: str) -> bool:
    """True where ``check_time`` gives back ``text`` itself. Sensors repeat their times: the last ones are known."""
    if text in _times:
        return True
    if not text.isascii() or _utc(text) != text:
        return False
    if len(_times) >= _MEMO_MAX:
        _times.clear()
    if len(text) <= _MEMO_LONGEST:
        _times.add(text)
    return True


def _utc(given: str) -> str | None:
    text = given.replace(",", ".")
    if _ISO_Z.fullmatch(text) and text[8:10] < "29" and text[:4] != "0000":
        return text  # every month has 28 days: no need to ask the calendar
    if text[-1:] == "Z":
        try:
            parse_time(text)
        except ValueError:
            pass
        else:
            return text
    return None


def _is_scope(text: str) -> bool:
    return all(is_name(level) for level in text.removeprefix("/").split("/"))


def check_scopes(value: Any) -> list[str]:
    """``scope`` as a sorted list of scopes with a leading slash (§4.18)."""
    given = value if isinstance(value, list) else [value]
    if len(given) == 1 and isinstance(given[0], str) and (known := _scopes.get(given[0])) is not None:
        return [known]
    if len(given) > MAX_SCOPES:
        raise BadRequestData(f"An entity has at most {MAX_SCOPES} scopes", field="scope")
    scopes: set[str] = set()
    for one in given:
        if not isinstance(one, str) or len(one) > _SCOPE_MAX or not _is_scope(one):
            raise BadRequestData(
                "scope must be a text such as /mobility/bus, or a list of them: levels begin with a letter and "
                "continue with letters, digits and _",
                field="scope",
            )
        scopes.add(one if one[0] == "/" else "/" + one)
    if not scopes:
        raise BadRequestData("scope must not be an empty list", field="scope")
    if len(given) == 1 and len(given[0]) <= _MEMO_LONGEST:
        if len(_scopes) >= _MEMO_MAX:
            _scopes.clear()
        _scopes[given[0]] = next(iter(scopes))
    return sorted(scopes)
