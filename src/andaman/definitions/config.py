"""All definitions in force as one file, and back: ``andaman config export | import`` and /api/config.

After an export, the loss of everything and an import, the platform has the same definitions in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from andaman.definitions.kinds import DefinitionKind, Document
from andaman.definitions.problems import ConfigNotUnderstood, InUse
from andaman.definitions.references import check_references, said_by
from andaman.definitions.service import WRITTEN, Definitions, Source
from andaman.definitions.versions import digest_of
from andaman.form import Form, RowRefused
from andaman.identity.model import Actor
from andaman.kernel.digests import content_digest
from andaman.kernel.errors import AndamanError
from andaman.kernel.refusals import Refusal
from andaman.kernel.words import Words

FORMAT: Final = 1
Step = Literal["create", "replace", "delete", "draft"]
_FAULTS_MAX: Final = 100
_MEMBERS: Final = frozenset({"format", "definitions"})


@dataclass(frozen=True, slots=True)
class Change:
    """``step``: create, replace, delete, or draft: a second person must approve it. ``before``: the document in force."""

    kind: str
    key: str
    step: Step
    document: Document | None
    before: Document | None = None


@dataclass(slots=True)
class _Faults:
    """Everything that is wrong with a file: places with words."""

    found: list[tuple[str, Words]] = field(default_factory=list)

    def add(self, place: str, th: str, en: str) -> None:
        self.found.append((place, Words(th, en)))

    def refused(self, place: str, form: Form[Any], refused: RowRefused) -> None:
        names = {one.name: one.words for one in form.fields}
        for one in refused.faults:
            name = str(one.params.get("field", ""))
            params = {**one.params, "field": names[name]} if name in names else one.params
            self.found.append((f"{place}/{name}" if name else place, one.words.fill(params)))

    def other(self, place: str, error: AndamanError) -> None:
        words = (
            error.words.fill(error.params)
            if isinstance(error, Refusal)
            else Words(error.detail, error.detail)
        )
        self.found.append((place, words))

    def check(self) -> None:
        """Raises ConfigNotUnderstood."""
        if self.found:
            raise ConfigNotUnderstood.of(self.found[:_FAULTS_MAX])


def exported(definitions: Definitions) -> dict[str, Any]:
    """The file. Kinds and keys are sorted, so that two files can be compared line by line."""
    found = {kind.name: dict(sorted(kind.place.in_force().items())) for kind in definitions.kinds()}
    return {"format": FORMAT, "definitions": dict(sorted(found.items()))}


def token_of(definitions: Definitions, content: Any, *, delete: bool) -> str:
    """A digest of the definitions in force, of the file, and of how it is read. Equal as long as an import does the same."""
    return content_digest([exported(definitions), content, delete])


async def planned(
    definitions: Definitions, content: Any, *, delete: bool = False, review: bool = False
) -> list[Change]:
    """What an import of this file would change. Definitions that the file does not have stay; ``delete``: they are deleted, of
    the kinds that the file names. Raises ConfigNotUnderstood with all faults, and InUse; nothing is written."""
    faults = _Faults()
    named = _named(definitions, content, faults)
    wanted: dict[str, dict[str, Document]] = {}
    for kind, documents in named:
        wanted[kind.name] = {}
        for key, document in documents.items():
            read = _content(kind, key, document, f"definitions/{kind.name}/{key}", faults)
            if read is not None:
                wanted[kind.name][key] = read
    faults.check()
    codes = {kind.name: set(kind.place.in_force()) for kind in definitions.kinds()}
    changes: list[Change] = []
    deletions: list[Change] = []
    for kind, _ in named:
        before = kind.place.in_force()
        for key, document in wanted[kind.name].items():
            if key not in before:
                changes.append(Change(kind.name, key, "create", document))
            elif before[key] != document:
                changes.append(Change(kind.name, key, "replace", document, before[key]))
        if delete:
            gone = before.keys() - wanted[kind.name].keys() - set(kind.place.kept())
            deletions += [Change(kind.name, key, "delete", None, before[key]) for key in sorted(gone)]
            codes[kind.name] -= gone
        codes[kind.name] |= wanted[kind.name].keys()
    await _check_all(definitions, wanted, deletions, codes, faults)
    order = {kind.name: number for number, kind in enumerate(definitions.kinds())}
    changes.sort(key=lambda one: order[one.kind])
    deletions.sort(key=lambda one: -order[one.kind])
    return [_as_draft(definitions, one) if review else one for one in (*changes, *deletions)]


def _as_draft(definitions: Definitions, change: Change) -> Change:
    """The step where a second person reviews the kind."""
    reviewed = definitions.control.needs_review(definitions.kind(change.kind))
    return replace(change, step="draft") if reviewed else change


async def imported(
    definitions: Definitions,
    content: Any,
    actor: Actor,
    *,
    delete: bool = False,
    review: bool = False,
    reason: str = "",
    source: Source = WRITTEN,
) -> list[Change]:
    """Bring the definitions in force to the file; the changes that were made. Everything is checked before the first is
    written. An import that was cut short is finished by another one. ``review``: changes that a second person must approve
    become drafts; without it, none are asked. Raises DefinitionChanged where somebody else changes one of them meanwhile."""
    done = []
    for one in await planned(definitions, content, delete=delete, review=review):
        kind, base = definitions.kind(one.kind), digest_of(one.before)
        if one.step == "draft":
            await definitions.draft(kind, one.key, one.document, actor, reason, base=base, source=source)
        else:
            if definitions.digest_there(kind, one.key) != base and one.before is None:
                base = definitions.digest_there(
                    kind, one.key
                )  # it takes the place of one that cannot be read
            await definitions.put_checked(
                kind, one.key, one.document, actor, reason, base=base, source=source
            )
        done.append(one)
    return done


def _named(
    definitions: Definitions, content: Any, faults: _Faults
) -> list[tuple[DefinitionKind, Mapping[str, Any]]]:
    """The kinds that the file names, in the order in which they are offered: what others refer to comes first."""
    if not isinstance(content, dict) or content.keys() != _MEMBERS:
        faults.add(
            "/",
            "ต้องเป็นออบเจ็กต์ที่มีสมาชิก format และ definitions",
            "it must be an object with the members format and definitions",
        )
        return []
    if content["format"] != FORMAT:
        faults.add("format", f"ระบบรุ่นนี้อ่านรูปแบบ {FORMAT}", f"this release reads format {FORMAT}")
    listed = content["definitions"]
    if not isinstance(listed, dict):
        faults.add(
            "definitions",
            "ต้องเป็นออบเจ็กต์ที่มีสมาชิกของแต่ละประเภท",
            "it must be an object with a member for each kind",
        )
        return []
    known = {kind.name: kind for kind in definitions.kinds()}
    for name, documents in listed.items():
        if name not in known:
            there = ", ".join(known)
            faults.add(
                f"definitions/{name[:80]}",
                f"ไม่มีประเภทนี้ ประเภทที่มีคือ {there}",
                f"there is no such kind; there are {there}",
            )
        elif not isinstance(documents, dict):
            faults.add(
                f"definitions/{name}",
                "ต้องเป็นออบเจ็กต์: รหัส → เนื้อหา",
                "it must be an object: key → definition",
            )
    return [(kind, listed[name]) for name, kind in known.items() if isinstance(listed.get(name), dict)]


def _content(kind: DefinitionKind, key: str, document: Any, place: str, faults: _Faults) -> Document | None:
    if not isinstance(document, dict):
        faults.add(place, "เนื้อหาต้องเป็นออบเจ็กต์", "a definition is an object")
        return None
    try:
        return kind.content_of(key, document)
    except RowRefused as refused:
        faults.refused(place, kind.form, refused)
    return None


async def _check_all(
    definitions: Definitions,
    wanted: Mapping[str, Mapping[str, Document]],
    deletions: list[Change],
    codes: Mapping[str, set[str]],
    faults: _Faults,
) -> None:
    """References, and what each kind checks, against what will be in force."""
    for name, documents in wanted.items():
        kind = definitions.kind(name)
        for key, document in documents.items():
            place = f"definitions/{name}/{key}"
            try:
                check_references(kind.codes_in(document), lambda other: codes.get(other, ()))
                if kind.check is not None:
                    kind.check(kind.row_of(key, document))
            except RowRefused as refused:
                faults.refused(place, kind.form, refused)
            except AndamanError as error:
                faults.other(place, error)
    faults.check()
    users: dict[tuple[str, str], list[Words]] = {(one.kind, one.key): [] for one in deletions}
    for kind in definitions.kinds():
        staying = {
            key: document for key, document in kind.place.in_force().items() if (kind.name, key) not in users
        }
        staying |= wanted.get(kind.name, {})
        for key, document in staying.items():
            for other in {(used, code) for _, used, code in kind.codes_in(document)} & users.keys():
                users[other].append(said_by(kind, kind.title(key, document)))
    for one in deletions:
        found = users[one.kind, one.key] + await definitions.users_outside(one.kind, one.key)
        if found:
            raise InUse(name=definitions.said(definitions.kind(one.kind), one.key), users=found)
