"""Partial update (CIM 009 §5.5.8) and merge patch (§5.5.12) of one attribute instance."""

from __future__ import annotations

from typing import Any

from andaman.broker.entity.build import VALUE_MEMBER, short
from andaman.broker.entity.check import MAX_ATTRIBUTES, MAX_INSTANCES, check_members, check_stored_value
from andaman.broker.entity.geometry import check_geometry, looks_like_geometry
from andaman.broker.entity.names import NULL
from andaman.broker.entity.stamp import stamp_new, stamp_over
from andaman.broker.model import Instance, WriteOp
from andaman.kernel.errors import BadRequestData

GONE: Instance = {"": None}
"""In place of an instance: delete the one that is there, of any kind."""


def _kind(iri: str, old: Instance, new: Instance) -> str:
    """The kind both sides agree on. A fragment that says no kind must give what the existing kind may have."""
    kind: str = old["type"]
    given = new.get("type")
    if given is None:
        check_members(kind, new, short(iri))
        if "value" in new and VALUE_MEMBER[kind] != "value":
            raise BadRequestData(
                f"Attribute {iri} is a {kind}: its value is given as {VALUE_MEMBER[kind]!r}", field=iri
            )
    elif given != kind:
        raise BadRequestData(
            f"Attribute {iri} is a {kind}; a {given} cannot be written into it by a partial update or merge",
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
    if "" in new:
        return None
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
    new = _as_kind(iri, new, old, op.lang)
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
    if kind in ("Property", "JsonProperty") and isinstance(new, dict):
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


def _as_kind(iri: str, new: Instance, old: Instance | None, lang: str | None) -> Instance:
    """Give a simplified value (type "") the form of the existing kind, if it has that form (§5.6.17.4, §5.5.4)."""
    if new.get("type") != "":
        return new
    value = new["value"]
    if old is not None:
        kind: str = old["type"]
    else:
        kind = "GeoProperty" if looks_like_geometry(value) else "Property"
    rest = {name: member for name, member in new.items() if name not in ("type", "value", "vocab")}
    if kind == "LanguageProperty":
        if isinstance(value, (str, list)):
            value = {lang or "@none": value}
        texts = value if isinstance(value, dict) else {}
        kept = {tag: text for tag, text in texts.items() if text != NULL}
        # A tag that is deleted is checked too: it stands for a text.
        check_stored_value(kind, dict.fromkeys(texts, "") | kept, short(iri))
        value = {tag: kept.get(tag) for tag in texts}
    elif kind == "GeoProperty":
        value = check_geometry(value, short(iri))
    elif kind == "VocabProperty":
        value = new.get("vocab", ())
        check_stored_value(kind, value, short(iri))
    elif kind != "Property" and not (kind == "JsonProperty" and isinstance(value, (dict, list))):
        check_stored_value(kind, value, short(iri))
    return {**rest, "type": kind, VALUE_MEMBER[kind]: value}


def _added(iri: str, new: Instance, at: str) -> Instance | None:
    """A merged instance that was not there: it needs a kind, and its nulls fall away."""
    clean = _clean(iri, new)
    return None if clean is None else stamp_new(clean, at)


def _clean(iri: str, new: Instance) -> Instance | None:
    """A fragment of an instance as a complete one. None: its value is null. Raises BadRequestData where it is not
    whole.
    """
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
            f"{iri} becomes a complete new instance; the fragment must give its {member}", field=iri
        )
    clean: Instance = {name: value for name, value in new.items() if value is not None and name != "attrs"}
    clean[member] = _merged_value(kind, None, new[member])
    if kind == "LanguageProperty" and not clean[member]:
        return None
    subs = {
        sub: kept
        for sub, ones in (new.get("attrs") or {}).items()
        if ones is not None and (kept := [one for one in (_clean(sub, one) for one in ones) if one])
    }
    if subs:
        clean["attrs"] = subs
    return clean


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
            elif had is None:
                made = _added(iri, one, at)
            elif one.get("type"):
                whole = _clean(iri, one)
                made = None if whole is None else stamp_over(whole, had, at)
            else:
                made = partial_instance(iri, had, one, at)
            if index >= 0:
                kept[index] = made
            else:
                kept.append(made)
        left = [one for one in kept if one is not None]
        if left:
            after[iri] = left
        else:
            after.pop(iri, None)
        if len(left) > max(MAX_INSTANCES, len(existing)):
            raise BadRequestData(f"{short(iri)} has more than {MAX_INSTANCES} instances", field=iri)
    if len(after) > max(MAX_ATTRIBUTES, len(old.get("attrs") or ())):
        raise BadRequestData(f"An attribute has at most {MAX_ATTRIBUTES} sub-attributes")
    return after
