"""All definitions in force as one file, and back: ``andaman config export | import`` and /api/config.

After an export, the loss of everything and an import, the platform has the same definitions in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from andaman.definitions.kinds import DefinitionKind, Document
from andaman.definitions.problems import ConfigNotUnderstood, InUse
from andaman.definitions.references import check_references
from andaman.definitions.service import Definitions
from andaman.form import RowRefused
from andaman.identity.model import Actor

FORMAT: Final = 1
Step = Literal["create", "replace", "delete", "draft"]
_MEMBERS: Final = frozenset({"format", "definitions"})


@dataclass(frozen=True, slots=True)
class Change:
    """``step``: create, replace, delete, or draft: a second person must approve it."""

    kind: str
    key: str
    step: Step
    document: Document | None


def exported(definitions: Definitions) -> dict[str, Any]:
    """The file. Kinds and keys are sorted, so that two files can be compared line by line."""
    found = {kind.name: dict(sorted(kind.place.in_force().items())) for kind in definitions.kinds()}
    return {"format": FORMAT, "definitions": dict(sorted(found.items()))}


def planned(
    definitions: Definitions, content: Any, *, keep: bool = False, review: bool = False
) -> list[Change]:
    """What an import of this file would change. A kind that the file does not name stays as it is; of a kind that it names,
    definitions that it does not have are deleted (``keep``: not). Raises ConfigNotUnderstood with the place of the first
    fault; nothing is written."""
    named = _named(definitions, content)
    wanted = {
        kind.name: {
            key: _content(kind, key, document, f"definitions/{kind.name}/{key}")
            for key, document in documents.items()
        }
        for kind, documents in named
    }
    codes = {kind.name: set(kind.place.in_force()) for kind in definitions.kinds()}
    changes: list[Change] = []
    deletions: list[Change] = []
    for kind, _ in named:
        before = kind.place.in_force()
        for key, document in wanted[kind.name].items():
            if key not in before:
                changes.append(Change(kind.name, key, "create", document))
            elif before[key] != document:
                changes.append(Change(kind.name, key, "replace", document))
        if not keep:
            gone = before.keys() - wanted[kind.name].keys() - set(kind.place.kept())
            deletions += [Change(kind.name, key, "delete", None) for key in sorted(gone)]
            codes[kind.name] -= gone
        codes[kind.name] |= wanted[kind.name].keys()
    _check_all(definitions, wanted, deletions, codes)
    order = {kind.name: number for number, kind in enumerate(definitions.kinds())}
    changes.sort(key=lambda one: order[one.kind])
    deletions.sort(key=lambda one: -order[one.kind])
    return [_as_draft(definitions, one) if review else one for one in (*changes, *deletions)]


def _as_draft(definitions: Definitions, change: Change) -> Change:
    """The step where a second person reviews the kind."""
    reviewed = definitions.kind(change.kind).review is not None
    return replace(change, step="draft") if reviewed else change


async def imported(
    definitions: Definitions,
    content: Any,
    actor: Actor,
    *,
    keep: bool = False,
    review: bool = False,
    reason: str = "",
) -> list[Change]:
    """Bring the definitions in force to the file; the changes that were made. Everything is checked before the first is
    written. An import that was cut short is finished by another one. ``review``: changes that a second person must approve
    become drafts; without it, none are asked."""
    done = []
    for one in planned(definitions, content, keep=keep, review=review):
        kind = definitions.kind(one.kind)
        if one.step == "draft":
            await definitions.draft(kind, one.key, one.document, actor, reason)
        else:
            await definitions.put_checked(kind, one.key, one.document, actor, reason)
        done.append(one)
    return done


def _named(definitions: Definitions, content: Any) -> list[tuple[DefinitionKind, Mapping[str, Any]]]:
    """The kinds that the file names, in the order in which they are offered: what others refer to comes first."""
    if not isinstance(content, dict) or content.keys() != _MEMBERS:
        raise ConfigNotUnderstood(
            place="/", reason="it must be an object with the members format and definitions"
        )
    if content["format"] != FORMAT:
        raise ConfigNotUnderstood(place="format", reason=f"this release reads format {FORMAT}")
    listed = content["definitions"]
    if not isinstance(listed, dict):
        raise ConfigNotUnderstood(
            place="definitions", reason="it must be an object with a member for each kind"
        )
    known = {kind.name: kind for kind in definitions.kinds()}
    for name, documents in listed.items():
        if name not in known:
            raise ConfigNotUnderstood(
                place=f"definitions/{name[:80]}",
                reason=f"there is no such kind; there are {', '.join(known)}",
            )
        if not isinstance(documents, dict):
            raise ConfigNotUnderstood(
                place=f"definitions/{name}", reason="it must be an object: key → definition"
            )
    return [(kind, listed[name]) for name, kind in known.items() if name in listed]


def _content(kind: DefinitionKind, key: str, document: Any, place: str) -> Document:
    if not isinstance(document, dict):
        raise ConfigNotUnderstood(place=place, reason="a definition is an object")
    try:
        return kind.content_of(key, document)
    except RowRefused as refused:
        raise _refused(place, refused) from None


def _check_all(
    definitions: Definitions,
    wanted: Mapping[str, Mapping[str, Document]],
    deletions: list[Change],
    codes: Mapping[str, set[str]],
) -> None:
    """References, and what each kind checks, against what will be in force."""
    for name, documents in wanted.items():
        kind = definitions.kind(name)
        for key, document in documents.items():
            place = f"definitions/{name}/{key}"
            try:
                check_references(kind.form, document, lambda other: codes.get(other, ()))
                if kind.check is not None:
                    kind.check(kind.form.read({**document, "code": key}))
            except RowRefused as refused:
                raise _refused(place, refused) from None
    gone = {(one.kind, one.key) for one in deletions}
    for kind in definitions.kinds():
        staying = {
            key: document for key, document in kind.place.in_force().items() if (kind.name, key) not in gone
        }
        staying |= wanted.get(kind.name, {})
        for key, document in staying.items():
            for _, other, code in kind.form.codes_in(document):
                if (other, code) in gone:
                    raise InUse(id=f"{other}/{code}", user=f"{kind.name}/{key}")


def _refused(place: str, refused: RowRefused) -> ConfigNotUnderstood:
    first = refused.extra["errors"][0]
    field = first.get("params", {}).get("field", "")
    return ConfigNotUnderstood(place=f"{place}/{field}" if field else place, reason=str(first["detail"]))
