"""Partial update (CIM 009 §5.5.8) and merge patch (§5.5.12) of one attribute instance."""

from __future__ import annotations

from typing import Any

from andaman.broker.entity.build import VALUE_MEMBER
from andaman.broker.entity.names import NULL
from andaman.broker.entity.stamp import stamp_new, stamp_over
from andaman.broker.model import Instance, WriteOp
from andaman.kernel.errors import BadRequestData


def _kind(iri: str, old: Instance, new: Instance) -> str:
    """The kind both sides agree on."""
    kind: str = old["type"]
    if new.get("type", kind) != kind:
        raise BadRequestData(
            f"Attribute {iri} is a {kind}; a {new['type']} cannot be written into it by a partial update or merge",
            field=iri,
        )
    return kind


def _copy_members(target: Instance, new: Instance) -> None:
    """Set every member of ``new`` but type, value and sub-attributes; ``None`` removes it."""
    for name, value in new.items():
        if name in _OWN_HANDLING:
            continue
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value


_OWN_HANDLING = frozenset({"type", "attrs"})


def partial_instance(iri: str, old: Instance, new: Instance, at: str) -> Instance | None:
    """Members of ``new`` overwrite those of ``old``; the others stay. None: the instance is deleted."""
    member = VALUE_MEMBER[_kind(iri, old, new)]
    if new.get(member, "") is None:
        return None
    after = dict(old)
    _copy_members(after, new)
    after["modifiedAt"] = at
    subs = new.get("attrs")
    if subs:
        after["attrs"] = _sub_attrs(old, subs, at, merge=None)
        if not after["attrs"]:
            del after["attrs"]
    return after


def merge_instance(iri: str, old: Instance | None, new: Instance, at: str, op: WriteOp) -> Instance | None:
    """Merge ``new`` into ``old`` at every depth. None: the instance is deleted (or was never there)."""
    new = _as_kind(new, old, op.lang)
    if old is None:
        return _added(iri, new, at)
    kind = _kind(iri, old, new)
    member = VALUE_MEMBER[kind]
    if new.get(member, "") is None:
        return None
    after = dict(old)
    _copy_members(after, new)
    if member in new:
        after[member] = _merged_value(kind, old.get(member), new[member])
        if kind == "LanguageProperty" and not after[member]:
            return None
    if op.observed_at is not None and "observedAt" in old and "observedAt" not in new:
        after["observedAt"] = op.observed_at
    after["modifiedAt"] = at
    subs = new.get("attrs")
    if subs:
        after["attrs"] = _sub_attrs(old, subs, at, merge=op)
        if not after["attrs"]:
            del after["attrs"]
    return after


def _merged_value(kind: str, old: Any, new: Any) -> Any:
    if kind == "LanguageProperty":
        return {tag: text for tag, text in {**(old or {}), **new}.items() if text is not None}
    if kind == "Property" and isinstance(new, dict):
        return merge_json(old, new)
    return new


def merge_json(old: Any, new: Any) -> Any:
    """RFC 7396 with the NGSI-LD Null in the place of JSON's null."""
    if not isinstance(new, dict):
        return new
    merged = dict(old) if isinstance(old, dict) else {}
    for name, value in new.items():
        if value == NULL:
            merged.pop(name, None)
        else:
            merged[name] = merge_json(merged.get(name), value)
    return merged


def _as_kind(new: Instance, old: Instance | None, lang: str | None) -> Instance:
    """Give a simplified value (type "") the form of the existing kind."""
    if new.get("type") != "":
        return new
    value = new["value"]
    kind = "Property" if old is None else old["type"]
    rest = {name: member for name, member in new.items() if name not in ("type", "value")}
    if kind == "LanguageProperty" and isinstance(value, (str, list)):
        value = {lang or "@none": value}
    return {**rest, "type": kind, VALUE_MEMBER[kind]: _checked(kind, value)}


def _checked(kind: str, value: Any) -> Any:
    """A simplified value must have the shape of the kind that it is merged into."""
    fits = True
    if kind in ("Relationship", "VocabProperty"):
        fits = isinstance(value, str) or (
            isinstance(value, list) and all(isinstance(one, str) for one in value) and bool(value)
        )
    elif kind in ("ListProperty", "ListRelationship"):
        fits = isinstance(value, list)
    elif kind in ("LanguageProperty", "GeoProperty"):
        fits = isinstance(value, dict)
    elif kind == "JsonProperty":
        fits = isinstance(value, (dict, list))
    if not fits:
        raise BadRequestData(f"A simplified value of this form cannot be merged into a {kind}")
    return value


def _added(iri: str, new: Instance, at: str) -> Instance | None:
    """A merged instance that was not there: it needs a kind, and its nulls fall away."""
    kind = new.get("type")
    if not kind:
        raise BadRequestData(
            f"Attribute {iri} does not exist; the fragment must give its type and value", field=iri
        )
    member = VALUE_MEMBER[kind]
    if new.get(member, "") is None:
        return None
    if member not in new:
        raise BadRequestData(
            f"Attribute {iri} does not exist; the fragment must give its {member}", field=iri
        )
    clean: Instance = {name: value for name, value in new.items() if value is not None and name != "attrs"}
    clean[member] = _merged_value(kind, None, new[member])
    if kind == "LanguageProperty" and not clean[member]:
        return None
    subs = {
        sub: kept
        for sub, ones in (new.get("attrs") or {}).items()
        if ones is not None and (kept := [one for one in (_added(sub, one, at) for one in ones) if one])
    }
    stamped = stamp_new(clean, at)
    if subs:
        stamped["attrs"] = subs
    return stamped


def _sub_attrs(old: Instance, subs: dict[str, list[Instance] | None], at: str, merge: WriteOp | None) -> Any:
    """Sub-attributes after a partial update (each replaced, §5.5.8) or a merge (each merged)."""
    after = dict(old.get("attrs") or {})
    for iri, instances in subs.items():
        if instances is None:
            after.pop(iri, None)
            continue
        existing: list[Instance] = after.get(iri, [])
        kept: list[Instance | None] = list(existing)
        for one in instances:
            index = next(
                (i for i, had in enumerate(existing) if had.get("datasetId") == one.get("datasetId")), -1
            )
            had = existing[index] if index >= 0 else None
            made: Instance | None
            if merge is not None:
                made = merge_instance(iri, had, one, at, merge)
            elif one.get(VALUE_MEMBER.get(one.get("type", ""), ""), "") is None:
                made = None
            elif had is None:
                made = _added(iri, one, at)
            else:
                made = stamp_over(one, had, at) if one.get("type") else partial_instance(iri, had, one, at)
            if index >= 0:
                kept[index] = made
            else:
                kept.append(made)
        left = [one for one in kept if one is not None]
        if left:
            after[iri] = left
        else:
            after.pop(iri, None)
    return after
