"""The form of a query on its way to a source: narrowed to the registered part, in names the source knows (CIM 009
§4.3.6.1, §5.7.2.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from andaman.broker.query.ast import (
    And,
    Boolean,
    Compare,
    Day,
    DayTime,
    Exists,
    Instant,
    Not,
    Number,
    Or,
    Path,
    Pattern,
    QExpr,
    Range,
    Text,
    TypeExpr,
    TypeIs,
    TypeOr,
    Uri,
    Value,
)
from andaman.broker.query.model import EntityQuery
from andaman.broker.registry.match import Spec, fits, may_have
from andaman.broker.registry.model import EntityInfo, Info
from andaman.doors.ngsild.distributed.sources import Wire
from andaman.kernel.time import format_time

Parameters = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Question:
    """One selector for one source: of these types, with these ids or this pattern, and these attributes."""

    types: str  # type selection in the source's names; "" for none
    ids: tuple[str, ...]
    id_pattern: str
    attrs: tuple[str, ...]

    def parameters(self) -> Parameters:
        found: Parameters = []
        if self.types:
            found.append(("type", self.types))
        if self.ids:
            found.append(("id", ",".join(self.ids)))
        elif self.id_pattern:
            found.append(("idPattern", self.id_pattern))
        if self.attrs:
            found.append(("attrs", ",".join(self.attrs)))
        return found

    def selector(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.types:
            found["type"] = self.types
        if self.ids:
            found["id"] = self.ids[0] if len(self.ids) == 1 else list(self.ids)
        elif self.id_pattern:
            found["idPattern"] = self.id_pattern
        return found


def spec_of(query: EntityQuery, attrs: frozenset[str], datasets: frozenset[str] | None) -> Spec:
    return Spec(query.types, query.ids, query.id_pattern, attrs, datasets or frozenset())


def questions_of(info: Info, spec: Spec, wire: Wire) -> list[Question]:
    """The questions for one registered element; several only where its entities differ in ids."""
    shorts = wire.context.shorts
    names = spec.attrs & info.names if spec.attrs and info.names else spec.attrs or info.names
    attrs = tuple(sorted(shorts[iri] for iri in names))
    if not info.entities:
        types = render_types(spec.types, shorts) if spec.types is not None else ""
        return [Question(types, spec.ids, spec.id_pattern or "", attrs)]
    found: dict[Question, None] = {}
    plain: set[str] = set()
    for one in info.entities:
        if spec.types is not None and one.types and not may_have(spec.types, one.types):
            continue
        types = _types(one, spec.types, shorts)
        ids = tuple(each for each in spec.ids if fits(one, each))
        if spec.ids and not ids:
            continue
        if not ids and one.id is not None:
            ids = (one.id,)
        pattern = spec.id_pattern or one.id_pattern or ""
        if not ids and not pattern and "," not in types and ";" not in types and "|" not in types and types:
            plain.add(types)
            continue
        found[Question(types, ids, "" if ids else pattern, attrs)] = None
    if plain:
        found[Question(",".join(sorted(plain)), (), "", attrs)] = None
    return list(found)


def _types(one: EntityInfo, wanted: TypeExpr | None, shorts: Mapping[str, str]) -> str:
    """Not more types than are registered, not more than are wanted."""
    if wanted is None:
        return ",".join(sorted(shorts[iri] for iri in one.types))
    if one.types and isinstance(wanted, TypeOr) and all(isinstance(part, TypeIs) for part in wanted.parts):
        return ",".join(
            shorts[part.iri] for part in wanted.parts if isinstance(part, TypeIs) and part.iri in one.types
        )
    return render_types(wanted, shorts)


def render_types(expr: TypeExpr, shorts: Mapping[str, str], inner: bool = False) -> str:
    """Type selection (§4.17) as text."""
    if isinstance(expr, TypeIs):
        return shorts[expr.iri]
    sign = "," if isinstance(expr, TypeOr) else ";"
    text = sign.join(render_types(part, shorts, True) for part in expr.parts)
    return f"({text})" if inner else text


def render_q(expr: QExpr, shorts: Mapping[str, str], inner: bool = False) -> str:
    """``q`` (§4.9) as text, in the names of a context."""
    match expr:
        case And(parts):
            text = ";".join(render_q(part, shorts, True) for part in parts)
            return f"({text})" if inner else text
        case Or(parts):
            text = "|".join(render_q(part, shorts, True) for part in parts)
            return f"({text})" if inner else text
        case Not(part):
            return "!" + render_q(part, shorts, True)
        case Exists(path):
            return _path(path, shorts)
        case Compare(path, op, values):
            return _path(path, shorts) + op.value + ",".join(_value(one) for one in values)
        case Pattern(path, regex, negated):
            return _path(path, shorts) + ("!~=" if negated else "~=") + regex


def _path(path: Path, shorts: Mapping[str, str]) -> str:
    names = [shorts[iri] for iri in (path.attr, *path.subs) if iri]
    if path.member:
        names.append(path.member)
    text = ".".join(names) + (f"[{'.'.join(path.keys)}]" if path.keys else "")
    for link in reversed(path.links):
        hint = ",".join(shorts[iri] for iri in link.types)
        text = f"{shorts[link.attr]}{{{hint + ':' if hint else ''}{text}}}"
    return text


def _value(value: Value | Range) -> str:
    match value:
        case Range(low, high):
            return f"{_value(low)}..{_value(high)}"
        case Number(number):
            return str(int(number)) if float(number).is_integer() and abs(number) < 1e15 else repr(number)
        case Text(text, _):
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case Boolean(truth):
            return "true" if truth else "false"
        case Instant(at):
            return format_time(at)
        case DayTime(micros):
            return format_time(micros)[11:]
        case Day(text) | Uri(text):
            return text
