"""An entity without attributes that someone may not see: as if these had never been written, its ``modifiedAt`` too. Pure.

``modifiedAt`` of what is left is the latest time at which something of it changed. The instances tell most of it. What they
do not tell is kept in the stored form, under ``MARKS``: ``{"": time, attribute IRI: time}``. "" is the last change of types,
scopes or expiry after the creation; an attribute is there if it changed later than its instances say, because it, or an
instance of it, was removed. An entity of which nothing was removed has no such member.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from andaman.broker.model import Change, Doc, Instance

MARKS: Final = "touched"
_MARKS_MAX: Final = 64
"""Attributes that are gone and still remembered: names that come and go for ever must not make an entity grow. Of more,
the latest are kept."""


def without(doc: Doc, hidden: frozenset[str]) -> Doc:
    """The entity without these attributes; ``doc`` itself if nothing in it mentions them. Never changes ``doc``."""
    if not hidden:
        return doc
    attrs: dict[str, list[Instance]] = doc["attrs"]
    modified = modified_without(doc, hidden)
    marks = doc.get(MARKS)
    bare = hidden.isdisjoint(attrs)
    if bare and modified == doc.get("modifiedAt", "") and (not marks or hidden.isdisjoint(marks)):
        return doc
    shown: Doc = dict(doc)
    if not bare:
        shown["attrs"] = {name: value for name, value in attrs.items() if name not in hidden}
    if modified:
        shown["modifiedAt"] = modified
    if marks:
        kept = {name: at for name, at in marks.items() if name not in hidden}
        if kept:
            shown[MARKS] = kept
        else:
            del shown[MARKS]
    return shown


def modified_without(doc: Doc, hidden: frozenset[str]) -> str:
    """``modifiedAt`` of the entity as those know it who do not see ``hidden``; "" where it has none."""
    last: str = doc.get("modifiedAt", "")
    if not last:
        return ""
    found: str = doc.get("createdAt", last)
    for name, at in (doc.get(MARKS) or {}).items():
        if at > found and name not in hidden:
            found = at
    for name, instances in doc["attrs"].items():
        if found >= last:
            return found
        if name not in hidden:
            for one in instances or ():
                at = one.get("modifiedAt", "")
                if at > found:
                    found = at
    return found


def mark(before: Doc, after: Doc, changes: Sequence[Change], at: str) -> None:
    """Bring the marks of ``after`` up to date with the changes that made it of ``before`` at ``at``.

    ``after`` is a copy of the caller's own. The rule: something is marked if it changed later than its instances say.
    """
    old: dict[str, str] | None = before.get(MARKS)
    if old is None:  # nearly always: attributes that were written, whose instances say so
        for change in changes:
            instances = change.after
            if not instances or instances[-1].get("modifiedAt") is not at or not change.attr:
                break
        else:
            return
    marks = old
    for change in changes:
        name, instances = change.attr, change.after
        told = False
        if name:
            for one in instances or ():
                if one.get("modifiedAt") == at:
                    told = True
                    break
        if told or at == after["createdAt"]:
            if marks is not None and name in marks:
                marks = {one: when for one, when in marks.items() if one != name}
        else:
            marks = {**(marks or {}), name: at}
    if marks is old:
        if old is not None:
            after[MARKS] = old
        return
    put_marks(after, marks or {})


def put_marks(doc: Doc, marks: dict[str, str]) -> None:
    """Set the marks of an entity, in the order of their names; none where there are none."""
    if not marks:
        doc.pop(MARKS, None)
        return
    if len(marks) > _MARKS_MAX:
        latest = sorted(marks, key=lambda name: (marks[name], name))[-_MARKS_MAX:]
        marks = {name: marks[name] for name in latest}
    doc[MARKS] = {name: marks[name] for name in sorted(marks)}
