"""The policy in an entry's attributes, and the parts of it that cannot be read. Pure.

A mistake closes: names that can be recognised in what is no selector still count, a scope that is none is not looked at where
there are types, and an attribute that is named anywhere in ``hiddenAttributes`` is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from andaman.broker.api import VALUE_MEMBER, Doc, Instance, iri, is_name, plain
from andaman.identity.model import Classification
from andaman.identity.policy import OPERATIONS

CLASS_NAMES: Final[Mapping[Classification, str]] = {
    Classification.PUBLIC: "public",
    Classification.PERSONAL: "personal",
    Classification.SECURITY: "security",
    Classification.OFFICIAL_SECRET: "officialSecret",
}
CLASSES: Final = {name: level for level, name in CLASS_NAMES.items()}
NO_PURPOSE: Final = "(unreadable)"
"""The purpose of personal data whose purpose cannot be read: nobody has it."""
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_LIKE_A_NAME: Final = re.compile(r"[^\W\d][\w.-]*")
_LEVELS: Final = "public, personal, security or officialSecret"
_DEPTH: Final = 8


class Read(NamedTuple):
    """``faults``: sentences that say what is wrong and what would be right, by attribute."""

    types: frozenset[str]  # IRIs
    scope: str
    classification: Classification
    hidden: dict[str, Classification]  # attribute IRI → class
    purpose: str
    publisher: str
    faults: dict[str, str]


def read_policy(doc: Doc) -> Read:
    """Read what decides who sees what. Missing: an official secret, no selector, nothing hidden, OPERATIONS, no publisher."""
    faults: dict[str, str] = {}

    def one(name: str, kinds: Sequence[str], right: str) -> list[Any]:
        """The values of all its instances; there should be one, of one of these kinds and without ``datasetId``."""
        instances: list[Instance] = doc["attrs"].get(iri(name)) or []
        for instance in instances:
            if instance["type"] not in kinds:
                faults[name] = f"{name} is a {' or '.join(kinds)}: {right}"
            if "datasetId" in instance or len(instances) > 1:
                faults[name] = f"{name} is one value without datasetId: {right}"
        return [plain(instance) if instance["type"] in VALUE_MEMBER else None for instance in instances]

    right = 'a JSON object such as {"types": ["Vehicle"], "scope": "/mobility/bus"}'
    types, scope = frozenset[str](), ""
    for value in one("selector", ("JsonProperty", "Property"), right):
        more, within, wrong = _selector(value)
        types, scope = types | more, scope or within
        if wrong:
            faults["selector"] = f"selector is {right}; {wrong}"
    if "selector" in faults and types:
        scope = ""

    levels = one("classification", ("Property", "VocabProperty"), _LEVELS)
    found = {_level(value) for value in levels}
    if levels and (None in found or len(found) > 1):
        faults.setdefault("classification", f"classification is {_LEVELS}")
    classification = found.pop() if len(found) == 1 and "classification" not in faults else None

    right = 'a JSON object of attributes and their class, such as {"speed": "security"}'
    hidden: dict[str, Classification] = {}
    for value in one("hiddenAttributes", ("JsonProperty", "Property"), right):
        told = value if isinstance(value, dict) else dict.fromkeys(_names(value))
        if not isinstance(value, dict):
            faults["hiddenAttributes"] = f"hiddenAttributes is {right}"
        for name, each in told.items():
            level = _level(each)
            if level is None or not _is_right(name):
                faults.setdefault("hiddenAttributes", f"hiddenAttributes is {right}; each class is {_LEVELS}")
            for attr in {name, *_names(name), *(_names(each) if level is None else ())}:
                known = hidden.get(iri(attr), level)
                hidden[iri(attr)] = (
                    level if level is not None and known == level else Classification.OFFICIAL_SECRET
                )
    if "hiddenAttributes" in faults:
        hidden = dict.fromkeys(hidden, Classification.OFFICIAL_SECRET)

    purpose, publisher = OPERATIONS, ""
    for value in one("purpose", ("Property",), f'a text such as "{OPERATIONS}"'):
        purpose = value if isinstance(value, str) else ""
        if not purpose or purpose != purpose.strip():
            faults.setdefault("purpose", f'purpose is a text such as "{OPERATIONS}"')
    for value in one("publisher", ("Property",), "the code of an agency"):
        publisher = value if isinstance(value, str) else ""
        if not isinstance(value, str) or publisher != publisher.strip():
            faults.setdefault("publisher", "publisher is the code of an agency, a text")
    return Read(
        types,
        scope,
        Classification.OFFICIAL_SECRET if classification is None else classification,
        hidden,
        NO_PURPOSE if "purpose" in faults else purpose,
        "" if "publisher" in faults else publisher,
        faults,
    )


def _selector(told: Any) -> tuple[frozenset[str], str, str]:
    """(types, scope, what is wrong or "")."""
    if not isinstance(told, dict):
        return frozenset(map(iri, _names(told))), "", "this is another kind of value"
    types, scope = told.get("types", []), told.get("scope", "")
    wrong = ""
    if not isinstance(types, list) or not all(isinstance(one, str) and _is_right(one) for one in types):
        wrong = "types is a list of names of types"
    if not isinstance(scope, str) or not _is_scope(scope):
        wrong = 'scope is "" or begins with a slash and ends without one, and has no "#" and no "+": all below it is in it anyway'
    unknown = sorted(set(told) - {"types", "scope"})
    if unknown:
        wrong = f"it has the members types and scope only, not {', '.join(unknown[:5])}"
    found = {iri(name) for name in _names(types)}
    for name in unknown:
        found.update(iri(one) for one in _names(told[name]) if not one.startswith("/"))
    if isinstance(scope, str):
        return frozenset(found), scope if _is_scope(scope) else _above(scope), wrong
    below = [_above(one) for one in _texts(scope)]
    return frozenset(found), below[0] if len(set(below)) == 1 else "/" if below else "", wrong


def _is_right(name: str) -> bool:
    """Can a type or an attribute have this name?"""
    return bool(_URI.fullmatch(name)) if ":" in name else is_name(name)


def _is_scope(scope: str) -> bool:
    return scope in ("", "/") or (scope[0] == "/" and all(map(is_name, scope[1:].split("/"))))


def _above(scope: str) -> str:
    """The nearest scope that surely holds all that this one could mean: "/closed" for "closed/#"."""
    parts: list[str] = []
    for part in scope.strip().strip("/").split("/"):
        if not is_name(part):
            break
        parts.append(part)
    return "/" + "/".join(parts) if scope.strip() else ""


def _texts(told: Any, depth: int = 0) -> Iterable[str]:
    if isinstance(told, str):
        yield told
    elif isinstance(told, list | dict) and depth < _DEPTH:
        for one in told if isinstance(told, list) else [*told, *told.values()]:
            yield from _texts(one, depth + 1)


def _names(told: Any) -> list[str]:
    """Everything in it that could be a name of a type or an attribute; several in one text too."""
    return [
        name
        for text in _texts(told)
        for name in {text.strip(), *re.split(r"[\s,;|()]+", text)}
        if _LIKE_A_NAME.fullmatch(name) or _URI.fullmatch(name)
    ]


def _level(told: Any) -> Classification | None:
    return CLASSES.get(told) if isinstance(told, str) else None
