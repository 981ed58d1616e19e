"""Query parameters → views and queries (CIM 009 §4.21, §5.7, §6.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from andaman.broker.contexts import Context
from andaman.broker.entity.names import check_uri
from andaman.broker.entity.projection import ENTITY_PARTS, SYSTEM_PARTS, parse_projection
from andaman.broker.entity.represent import PLAIN, Format, View
from andaman.broker.query.ast import And, Not, Or, Path, QExpr
from andaman.broker.query.model import EntityQuery
from andaman.broker.query.parse import parse_geo, parse_q, parse_scope, parse_types
from andaman.broker.query.regex import check_regex
from andaman.doors.ngsild.linked import join_of
from andaman.kernel.errors import BadRequestData, InvalidRequest, TooManyResults
from andaman.kernel.time import Micros, parse_time

VIEW_PARAMETERS: Final = frozenset(
    {"attrs", "pick", "omit", "options", "format", "lang", "datasetId", "join", "joinLevel", "containedBy"}
    | {"geometryProperty", "local", "jsonKeys", "at"}
)
QUERY_PARAMETERS: Final = VIEW_PARAMETERS | frozenset(
    {"id", "type", "idPattern", "q", "georel", "geometry", "coordinates", "geoproperty", "scopeQ", "limit"}
    | {
        "offset",
        "count",
        "expandValues",
        "entityMap",
        "csf",
        "splitEntities",
        "entityMapLifetime",
        "orderBy",
        "collation",
        "orderFrom",
        "orderGeometry",
    }
)
_FORMATS: Final[dict[str, Format]] = {
    "normalized": "normalized",
    "concise": "concise",
    "simplified": "simplified",
    "keyValues": "simplified",
}
_OTHER_OPTIONS: Final = frozenset(
    {"sysAttrs", "count", "temporalValues", "aggregatedValues", "audit", "entityMap"}
)
_LANG: Final = re.compile(r"\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_MAX_OFFSET: Final = 10_000_000


def view_of(given: Mapping[str, str], context: Context) -> View:
    """How to show entities: format, system attributes, languages, projection."""
    if not given:
        return PLAIN
    form, flags = format_of(given)
    pick, omit = _projection(given, context)
    datasets = given.get("datasetId")
    view = View(
        form,
        "sysAttrs" in flags,
        languages(given["lang"]) if "lang" in given else (),
        pick,
        omit,
        None if datasets is None else frozenset(_dataset(one) for one in datasets.split(",")),
        "attrs" in given,
    )
    return PLAIN if view == PLAIN else view  # the plain view has a short way of its own


def format_of(given: Mapping[str, str]) -> tuple[Format, frozenset[str]]:
    """The format (``format`` goes before ``options``) and the other options."""
    form: Format = "normalized"
    flags = set()
    for one in given["options"].split(",") if given.get("options") else ():
        name = one.strip()
        if name in _FORMATS:
            form = _FORMATS[name]
        elif name in _OTHER_OPTIONS:
            flags.add(name)
        else:
            raise InvalidRequest(f"The option {name[:80]!r} is not known", field="options")
    chosen = given.get("format")
    if chosen is not None:
        if chosen in _FORMATS:
            form = _FORMATS[chosen]
        elif chosen in ("temporalValues", "aggregatedValues"):
            flags.add(chosen)
        else:
            raise InvalidRequest(f"The format {chosen[:80]!r} is not known", field="format")
    return form, frozenset(flags)


def languages(text: str) -> tuple[str, ...]:
    """``lang`` as tags in order of preference (§4.15, RFC 9110 §12.5.4)."""
    weighed: list[tuple[float, int, str]] = []
    for index, part in enumerate(text.split(",")[:20]):
        tag, *parameters = (piece.strip() for piece in part.split(";"))
        if _LANG.fullmatch(tag) is None:
            raise BadRequestData(f"lang: {tag[:40]!r} is not a language tag", field="lang")
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter[2:])
                except ValueError:
                    raise BadRequestData("lang: q must be a number between 0 and 1", field="lang") from None
        if weight > 0:
            weighed.append((-weight, index, tag))
    return tuple(tag for _, _, tag in sorted(weighed))


def _dataset(text: str) -> str:
    return text if text == "@none" else check_uri(text, "datasetId")


def _projection(given: Mapping[str, str], context: Context) -> tuple[frozenset[str] | None, frozenset[str]]:
    if "attrs" in given and ("pick" in given or "omit" in given):
        raise BadRequestData("attrs cannot be combined with pick or omit", field="attrs")
    if "attrs" in given:
        return attr_names(given["attrs"], context) | ENTITY_PARTS, frozenset()
    pick = frozenset(parse_projection(given["pick"], "pick", context).names) if "pick" in given else None
    omit: frozenset[str] = frozenset()
    if "omit" in given:
        parsed = parse_projection(given["omit"], "omit", context)
        omit = frozenset(parsed.names - parsed.linked.keys())
    if pick is not None and pick & omit:
        raise BadRequestData("A member is in both pick and omit", field="omit")
    return pick, omit


def attr_names(text: str, context: Context) -> frozenset[str]:
    """``attrs``: a comma-separated list of attribute names."""
    names = text.split(",")
    if not all(names):
        raise BadRequestData("attrs: there is an empty name", field="attrs")
    return frozenset(context.expand_term(name) for name in names)


def moment_of(given: Mapping[str, str], name: str = "at") -> Micros | None:
    """A date-time parameter in µs, or None."""
    text = given.get(name)
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise BadRequestData(str(error), field=name) from None


def number_of(given: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    """A whole-number parameter within bounds."""
    value = given.get(name)
    if value is None:
        return default
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 12) or not low <= int(text) <= high:
        raise BadRequestData(f"{name} must be a whole number from {low} to {high}", field=name)
    return int(text)


def flag_of(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "false")
    if value not in ("true", "false"):
        raise BadRequestData(f"{name} must be true or false", field=name)
    return value == "true"


def query_of(
    given: Mapping[str, str], context: Context, *, default_limit: int, max_limit: int
) -> EntityQuery:
    """An EntityQuery of the parameters of GET /entities. Raises BadRequestData when it is too wide (§5.7.2.4)."""
    expand = context.expand_term
    ids = given.get("id")
    pattern = given.get("idPattern")
    has_geo = any(name in given for name in ("georel", "geometry", "coordinates"))
    query = EntityQuery(
        types=parse_types(given["type"], expand) if "type" in given else None,
        ids=tuple(check_uri(one, "id") for one in ids.split(",")) if ids is not None else (),
        id_pattern=pattern_of(pattern, "idPattern") if pattern is not None and ids is None else None,
        attrs=_query_attrs(given, context),
        q=parse_q(given["q"], expand, expand_values=_words(given)) if "q" in given else None,
        geo=_geo(given, context) if has_geo else None,
        scope=parse_scope(given["scopeQ"]) if "scopeQ" in given else None,
        limit=limit_of(given, default_limit, max_limit),
        offset=number_of(given, "offset", 0, 0, _MAX_OFFSET),
        count=flag_of(given, "count") or "count" in given.get("options", "").split(","),
    )
    if query.limit == 0 and not query.count:
        raise BadRequestData("limit=0 makes sense only with count=true", field="limit")
    _check_csf(given, context)
    if given.get("type") == "*" and given.get("local") == "false":
        raise BadRequestData("type=* is answered locally only; leave out local=false", field="local")
    told = query.q is not None and not _system_only(query.q)
    wide = not (query.types or given.get("type") == "*" or query.attrs or told or query.geo)
    join = join_of(given, context)
    if query.q is not None and _link_depth(query.q) > (0 if join is None else join.level):
        raise BadRequestData(
            "The query goes along more Relationships than join and joinLevel allow", field="q"
        )
    if wide and not flag_of(given, "local"):
        raise BadRequestData(f"The query is too wide: {_narrower(query)}")
    return query


def _narrower(query: EntityQuery) -> str:
    wish = "give at least one of type, attrs, q, georel, or local=true"
    if query.q is None:
        return wish
    return f"the q names only members of the system, such as createdAt, which does not count here (§5.7.2.4); {wish}"


def _paths(expr: QExpr) -> list[Path]:
    if isinstance(expr, (And, Or)):
        return [path for part in expr.parts for path in _paths(part)]
    if isinstance(expr, Not):
        return _paths(expr.part)
    return [expr.path]


def _system_only(expr: QExpr) -> bool:
    return all(not path.attr and not path.links for path in _paths(expr))


def _link_depth(expr: QExpr) -> int:
    return max(len(path.links) for path in _paths(expr))


def _check_csf(given: Mapping[str, str], context: Context) -> None:
    """A context source filter must be well-formed, though there are no other sources to filter yet (§4.9)."""
    if "csf" in given:
        parse_q(given["csf"], context.expand_term)


def pattern_of(text: str, where: str) -> str:
    """A regular expression that can be used, or BadRequestData that says why it cannot."""
    problem = check_regex(text)
    if problem:
        raise BadRequestData(f"{where} is not a regular expression: {problem}", field=where)
    return text


def limit_of(given: Mapping[str, Any], default: int, highest: int) -> int:
    limit = number_of(given, "limit", default, 0, 2**31)
    if limit > highest:
        raise TooManyResults(f"limit is at most {highest}", field="limit")
    return limit


def _query_attrs(given: Mapping[str, str], context: Context) -> tuple[str, ...]:
    names = [name for name in given.get("attrs", "").split(",") if name not in SYSTEM_PARTS | ENTITY_PARTS]
    return tuple(sorted(attr_names(",".join(names), context))) if names and "attrs" in given else ()


def _words(given: Mapping[str, str]) -> frozenset[str]:
    return frozenset(name for name in given.get("expandValues", "").split(",") if name)


def _geo(given: Mapping[str, Any], context: Context) -> Any:
    missing = [name for name in ("georel", "geometry", "coordinates") if name not in given]
    if missing:
        raise BadRequestData(f"A geo query needs {', '.join(missing)} too", field=missing[0])
    coordinates = given["coordinates"]
    if not isinstance(coordinates, (str, list)):
        raise BadRequestData("coordinates must be a list", field="coordinates")
    return parse_geo(
        str(given["georel"]),
        str(given["geometry"]),
        coordinates,
        given.get("geoproperty"),
        context.expand_term,
    )
