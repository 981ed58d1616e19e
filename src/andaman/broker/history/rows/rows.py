"""Events ↔ history rows: what happened to one instance of one attribute, as small as it can be.

An instance is split into a *form* (everything that repeats: kind, unit, how its times were written; a dictionary word)
and what varies: times, a number or two, and text only where numbers cannot rebuild the value. ``join`` gives back
exactly what ``split`` was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isfinite, nan
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from andaman.broker.model import Change, Doc, Event, EventKind, Instance
from andaman.kernel.time import Micros, format_time, parse_time

SET, DELETED, MOVED, ADDED, GONE = 0, 1, 2, 3, 4
"""The meaning of a row for its instance. SET: this is its new form. DELETED: it is gone. MOVED: only its place among
the instances changed. ADDED: the temporal API or a change of scope recorded it; GONE: that recorded its end. The last
two belong to no state.
"""
META, BORN, TOUCHED = "", "@born", "@touched"
"""Attribute names of rows about the entity itself: types and scopes; its creation; a change without any other row."""
SCOPE: Final = "@scope"
"""Attribute name of scopes over time (§4.5.6): a Property whose value is the list of scopes."""
NULL: Final = "urn:ngsi-ld:null"

_EXACT = 1 << 53
_FORMS_MAX = 5_000
_REST_MOST: Final = 256
"""Length of a member that a form may contain."""
NUMERIC: Final = frozenset("ifb")
"""Ways to keep a value (see ``Form``) that ``num`` represents completely."""
_VALUE_MEMBER: Final = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "JsonProperty": "json",
    "VocabProperty": "vocab",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
_TIMES: Final = ("observedAt", "createdAt", "modifiedAt")


class Row(NamedTuple):
    """One row; ``entity``, ``attr``, ``dataset``, ``form`` are texts here and numbers in the store.

    ``t``: observedAt where there is one, otherwise ``at``; ``lag``: ``at - t``, so that ``at`` (commit time) is
    ``t + lag``. ``created``: createdAt of the instance. ``num``, ``num2``: NaN where there is none.
    """

    entity: str
    attr: str
    dataset: str
    op: int
    place: int
    t: Micros
    lag: int
    seq: int
    created: Micros
    form: str
    num: float
    num2: float
    body: str


@dataclass(frozen=True, slots=True)
class Form:
    """The repeating part of instances, decoded. ``value``: how the value is kept: i(nt), f(loat), b(ool), p(oint),
    j(son in body), n(o value), r(aw: the whole instance in body)."""

    kind: str
    value: str
    observed: int  # digits of fractions of a second in observedAt; -1: not observed
    created: bool
    modified: bool
    rest: dict[str, Any]


@lru_cache(maxsize=1 << 16)
def _minute(number: int) -> str:
    return format_time(number * 60_000_000)[:17]


def iso(at: Micros, digits: int = 6) -> str:
    """``format_time`` with the wanted number of digits, some times faster."""
    minute, micros = divmod(at, 60_000_000)
    second, micros = divmod(micros, 1_000_000)
    if digits == 0:
        return f"{_minute(minute)}{second:02d}Z"
    return f"{_minute(minute)}{second:02d}.{f'{micros:06d}'[:digits]}Z"


def iso_each(times: npt.NDArray[np.int64], digits: int = 6) -> list[str]:
    """``iso`` of each, some times faster still."""
    unit = "s" if digits == 0 else "ms" if digits == 3 else "us"
    moments = times.astype("M8[us]").astype(f"M8[{unit}]")
    texts: list[str] = np.datetime_as_string(moments, timezone="UTC").tolist()
    return texts if digits in (0, 3, 6) else [f"{text[: 20 + digits]}Z" for text in texts]


@lru_cache(maxsize=1 << 16)
def _minute_at(text: str) -> Micros | None:
    """The moment of ``2026-11-22T07:32:``, None where ``iso`` would write it otherwise."""
    try:
        at = parse_time(text + "00Z")
    except ValueError:
        return None
    return at if _minute(at // 60_000_000) == text else None


def _read_time(text: Any) -> tuple[Micros, int] | None:
    """(µs, digits); digits -1 where ``iso`` would not write it back as it was. None: no time at all."""
    if not isinstance(text, str):
        return None
    base = _minute_at(text[:17])
    second, fraction = text[17:19], text[20:-1]
    if (
        base is not None
        and text[-1] == "Z"
        and second.isdigit()
        and second < "60"
        and text.isascii()
        and (len(text) == 20 or (text[19] == "." and fraction.isdigit() and len(fraction) <= 6))
    ):
        micros = int(second) * 1_000_000
        if fraction:
            micros += int(fraction) * 10 ** (6 - len(fraction))
        return base + micros, len(fraction)
    try:
        return parse_time(text), -1
    except ValueError:
        return None


@lru_cache(maxsize=_FORMS_MAX)
def _form_text(
    kind: str, value: str, observed: int, created: bool, modified: bool, rest: tuple[tuple[str, str], ...]
) -> str:
    return orjson.dumps([kind, value, observed, created, modified, dict(rest)]).decode()


@lru_cache(maxsize=_FORMS_MAX)
def read_form(text: str) -> Form:
    """A form word of a SET or MOVED row."""
    return Form(*orjson.loads(text))


def _value(value: Any) -> tuple[str, float, float, str]:
    """(way, num, num2, body) of a value."""
    if isinstance(value, bool):
        return "b", float(value), nan, ""
    if isinstance(value, int):
        if -_EXACT < value < _EXACT:
            return "i", float(value), nan, ""
    elif isinstance(value, float) and isfinite(value):
        return "f", value, nan, ""
    elif isinstance(value, dict) and len(value) == 2 and value.get("type") == "Point":
        xy = value.get("coordinates")
        if isinstance(xy, list) and len(xy) == 2 and type(xy[0]) is float and type(xy[1]) is float:
            return "p", xy[0], xy[1], ""
    return "j", nan, nan, orjson.dumps(value).decode()


def split(instance: Instance, at: Micros) -> tuple[str, Micros, Micros, float, float, str]:
    """(form, t, created, num, num2, body) of an instance that was committed at ``at``."""
    kind = instance.get("type", "")
    member = _VALUE_MEMBER.get(kind, "value")
    way, num, num2, body = _value(instance[member]) if member in instance else ("n", nan, nan, "")
    t, digits, created = at, -1, at
    exact = True
    rest: list[tuple[str, str]] = []
    for name, value in instance.items():
        if name == member or name == "type" or name == "datasetId":
            continue
        if name == "observedAt":
            read = _read_time(value)
            if read is None:
                exact = False
            else:
                t, digits = read[0], max(read[1], 0)
                exact = exact and read[1] >= 0
        elif name == "createdAt":
            read = _read_time(value)
            exact = exact and read is not None and read[1] == 6
            created = read[0] if read is not None else at
        elif name == "modifiedAt":
            exact = exact and value == iso(at)
        elif isinstance(value, str) and name != "expiresAt" and len(value) <= _REST_MOST:
            rest.append((name, value))
        else:
            exact = False  # also what hardly repeats: words stay in memory
    if not exact or len(rest) > 4:
        text = orjson.dumps(instance).decode()
        return _form_text("", "r", digits, False, False, ()), t, created, num, num2, text
    form = _form_text(
        kind, way, digits, "createdAt" in instance, "modifiedAt" in instance, tuple(sorted(rest))
    )
    return form, t, created, num, num2, body


def join(
    form: Form, dataset: str, t: Micros, lag: int, created: Micros, num: float, num2: float, body: str
) -> Instance:
    """The instance that ``split`` took apart."""
    return made_of(
        form,
        dataset,
        iso(t, form.observed) if form.observed >= 0 else "",
        iso(created) if form.created else "",
        iso(t + lag) if form.modified else "",
        num,
        num2,
        body,
    )


def made_of(
    form: Form, dataset: str, observed: str, created: str, modified: str, num: float, num2: float, body: str
) -> Instance:
    """The same with the times as texts, "" for those that it does not have."""
    if form.value == "r":
        raw: Instance = orjson.loads(body)
        return raw
    made: Instance = {"type": form.kind}
    value = plain(form, num, num2, body)
    if form.value != "n":
        made[_VALUE_MEMBER.get(form.kind, "value")] = value
    made.update(form.rest)
    if dataset:
        made["datasetId"] = dataset
    if observed:
        made["observedAt"] = observed
    if created:
        made["createdAt"] = created
    if modified:
        made["modifiedAt"] = modified
    return made


def bare_form(form: Form) -> Form:
    """The form without the times at which the platform learned of the instance."""
    return replace(form, created=False, modified=False)


def plain(form: Form, num: float, num2: float, body: str) -> Any:
    """The value alone."""
    match form.value:
        case "i":
            return int(num)
        case "f":
            return num
        case "b":
            return bool(num)
        case "p":
            return {"type": "Point", "coordinates": [num, num2]}
        case "j":
            return orjson.loads(body)
        case "r":
            raw = orjson.loads(body)
            return raw.get(_VALUE_MEMBER.get(raw.get("type", ""), "value"))
        case _:
            return None


def rows_of(event: Event) -> Iterator[Row]:
    """The rows of one event; at least one."""
    name, at, seq = event.entity_id, event.at, event.seq
    count = 0
    told = False
    if event.told is not None:
        yield from _temporal_rows(event, event.told)
        return
    if event.kind is EventKind.CREATED:
        yield Row(name, BORN, "", SET, 0, at, 0, seq, at, BORN, nan, nan, "")
        count += 1
    for change in event.changes:
        if change.attr == META:
            told = True
            count += 1
            op, form = (SET, _meta(change.after[0])) if change.after else (DELETED, "")
            yield Row(name, META, "", op, 0, at, 0, seq, at, form, nan, nan, "")
            yield from _scopes(event, change)
            continue
        before = {one.get("datasetId", ""): (place, one) for place, one in enumerate(change.before or ())}
        for place, one in enumerate(change.after or ()):
            dataset = one.get("datasetId", "")
            old = before.pop(dataset, None)
            if old is not None and old[0] == place and old[1] == one:
                continue
            op = MOVED if old is not None and old[1] == one else SET
            # An instance that only moved was committed earlier than ``at``: keep it as it is.
            form, t, created, num, num2, body = split(one, at)
            count += 1
            yield Row(name, change.attr, dataset, op, place, t, at - t, seq, created, form, num, num2, body)
        for dataset, (place, one) in before.items():
            count += 1
            kind = "-" + one.get("type", "Property")
            yield Row(name, change.attr, dataset, DELETED, place, at, 0, seq, at, kind, nan, nan, "")
    if not told and event.kind is EventKind.CREATED:
        members: Doc = {"type": list(event.types)}
        if event.scopes:
            members["scope"] = list(event.scopes)
        yield Row(name, META, "", SET, 0, at, 0, seq, at, _meta(members), nan, nan, "")
    elif not told and event.kind is EventKind.DELETED:
        yield Row(name, META, "", DELETED, 0, at, 0, seq, at, "", nan, nan, "")
    elif not count:
        yield touched(event)


def touched(event: Event) -> Row:
    """The row of a change without any other row."""
    at = event.at
    return Row(event.entity_id, TOUCHED, "", SET, 0, at, 0, event.seq, at, TOUCHED, nan, nan, "")


def _meta(members: Doc) -> str:
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS).decode()


def _temporal_rows(event: Event, told: dict[str, Any]) -> Iterator[Row]:
    """A write of the temporal API: its additions as rows, corrections as a mark only (see ``corrections.py``)."""
    name, at, seq = event.entity_id, event.at, event.seq
    yield Row(name, TOUCHED, "", ADDED, 0, at, 0, seq, at, TOUCHED, nan, nan, "")
    if told["do"] == "end":
        for place, (dataset, kind) in enumerate(told["ends"]):
            yield Row(name, told["attr"], dataset, GONE, place, at, 0, seq, at, "-" + kind, nan, nan, "")
        return
    if told["do"] != "add":
        return
    if "type" in told or "scope" in told:
        members: Doc = {"type": told.get("type", list(event.types))}
        if event.scopes:
            members["scope"] = list(event.scopes)
        yield Row(name, META, "", ADDED, 0, at, 0, seq, at, _meta(members), nan, nan, "")
    for attr, instances in (*told["attrs"].items(), (SCOPE, told.get("scope", ()))):
        for place, one in enumerate(instances):
            yield added(name, attr, one, at, seq, place)


def added(name: str, attr: str, one: Instance, at: Micros, seq: int, place: int) -> Row:
    """The row of an instance that came by the temporal API."""
    form, t, created, num, num2, body = split(one, at)
    if attr == SCOPE and body and (known := read_form(form)).value == "j":
        # Scopes are few and stand for years: as a word of the dictionary they need no text of their own.
        rest = {**known.rest, "value": one["value"]}
        form = orjson.dumps(
            ["Property", "n", known.observed, known.created, known.modified, rest],
            option=orjson.OPT_SORT_KEYS,
        ).decode()
        body = ""
    return Row(
        name, attr, one.get("datasetId", ""), ADDED, place, t, at - t, seq, created, form, num, num2, body
    )


def _scopes(event: Event, change: Change) -> Iterator[Row]:
    """The scope as a Property over time, where it changed; ``observedAt`` is when we learned it (§4.5.6)."""
    before = change.before[0].get("scope") if change.before else None
    after = change.after[0].get("scope") if change.after else None
    at = event.at
    if after and after != before:
        when = iso(at)
        one = {"type": "Property", "value": after, "observedAt": when, "createdAt": when, "modifiedAt": when}
        yield added(event.entity_id, SCOPE, one, at, event.seq, 0)
    elif before and not after:
        yield Row(event.entity_id, SCOPE, "", GONE, 0, at, 0, event.seq, at, "-Property", nan, nan, "")
