"""The effect of one operation on one entity: the pure heart of every write (CIM 009 §5.5.8, §5.5.11, §5.5.12, §5.6).

``apply`` is called by the writer for each operation in its order. It never changes ``before`` nor the fragment; what
did not change is shared with ``before`` by reference.

Fragments are stored form without system times, with these signs of their own (made by ``expand``):

* ``None`` in place of an attribute's list, of ``scope``, ``expiresAt``, of a sub-attribute's list or of an instance
  member (``observedAt``, ``unitCode`` …): delete it. ``None`` as the value member: delete that instance.
* no ``type`` in an instance: the kind of the existing instance (partial update and merge only).
* ``type`` "" with ``value``: a simplified value, which takes the form of the existing kind (merge only).
* ``urn:ngsi-ld:null`` inside a JSON value: remove that member (merge only, RFC 7396).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from andaman.broker.entity.build import VALUE_MEMBER
from andaman.broker.entity.check import MAX_ATTRIBUTES, MAX_INSTANCES, MAX_TYPES
from andaman.broker.entity.expiry import has_expired, instant, living_attrs
from andaman.broker.entity.hiding import MARKS, mark
from andaman.broker.entity.merge import merge_instance, partial_instance
from andaman.broker.entity.names import MAX_SCOPES
from andaman.broker.entity.stamp import attrs_over, dataset_index, new_attrs, stamp_new, stamp_over, text_of
from andaman.broker.model import Change, Doc, Instance, OpKind, WriteOp, WriteResult
from andaman.kernel.errors import AlreadyExists, BadRequestData, NoSuchEntity, ResourceNotFound
from andaman.kernel.time import Micros

Applied = tuple[Doc | None, list[Change], WriteResult]
_MOST: Final = {"type": MAX_TYPES, "scope": MAX_SCOPES}
_META = ("type", "scope", "expiresAt")


def apply(op: WriteOp, before: Doc | None, now: Micros) -> Applied:
    """The entity after ``op`` (None: deleted), the changes, and the result.

    Nothing to change gives ``before`` itself, no changes and ``changed=False``. Raises AlreadyExists,
    ResourceNotFound or BadRequestData; ``before`` stands then.
    """
    if op.expect_types and (before is None or not any(one in before["type"] for one in op.expect_types)):
        raise NoSuchEntity(f"There is no entity {op.entity_id} of the type asked for")
    applied = _HANDLERS[op.kind](op, before, text_of(now))
    after = applied[0]
    if after is not None and len(after["attrs"]) > MAX_ATTRIBUTES:
        check_number(len(after["attrs"]), 0 if before is None else len(before["attrs"]))
    return applied


def check_number(attributes: int, before: int = 0) -> None:
    """An entity may not grow beyond so many attributes: each of their names is a column in memory."""
    if attributes > max(MAX_ATTRIBUTES, before):
        raise BadRequestData(
            f"An entity has at most {MAX_ATTRIBUTES} attributes; this one would have {attributes}. Values of one kind "
            "can stand together in one attribute (a JSON value, or instances by datasetId)"
        )


def _need(op: WriteOp, before: Doc | None) -> Doc:
    if before is None:
        raise NoSuchEntity(f"There is no entity {op.entity_id}")
    return before


def _meta(doc: Doc | None) -> list[Instance] | None:
    return None if doc is None else [{name: doc[name] for name in _META if name in doc}]


def _is_null(instance: Instance) -> bool:
    kind = instance.get("type")
    return bool(kind) and instance.get(VALUE_MEMBER[str(kind)], "") is None


# -- whole entities ---------------------------------------------------------------------------------------------


def _new_doc(op: WriteOp, before: Doc | None, at: str) -> Doc:
    fragment = op.fragment
    doc: Doc = {"id": op.entity_id, "type": fragment["type"]}
    for name in ("scope", "expiresAt"):
        if fragment.get(name) is not None:
            doc[name] = fragment[name]
    doc["createdAt"] = at if before is None else before["createdAt"]
    doc["modifiedAt"] = at
    given = fragment.get("attrs", {})
    doc["attrs"] = new_attrs(given, at) if before is None else attrs_over(given, before["attrs"], at)
    return doc


def _create(op: WriteOp, before: Doc | None, at: str) -> Applied:
    if before is not None:
        raise AlreadyExists(f"Entity {op.entity_id} exists already")
    return _put_whole(op, None, at)


def _replace(op: WriteOp, before: Doc | None, at: str) -> Applied:
    return _put_whole(op, _need(op, before), at)


def _put_whole(op: WriteOp, before: Doc | None, at: str) -> Applied:
    doc = _new_doc(op, before, at)
    meta = _meta(doc)
    attrs = doc["attrs"]
    if before is None:
        changes = [Change("", None, meta)]
        changes += [Change(iri, None, after) for iri, after in attrs.items()]
    else:
        old_meta, old = _meta(before), before["attrs"]
        # a replacement by the same is a change too
        changes = [Change("", old_meta, meta)] if meta != old_meta or not (attrs or old) else []
        changes += [Change(iri, old.get(iri), after) for iri, after in attrs.items()]
        changes += [Change(iri, gone, None) for iri, gone in old.items() if iri not in attrs]
        mark(before, doc, changes, at)
    return doc, changes, WriteResult(op.kind, op.entity_id, before is None, True, list(attrs))


def _delete(op: WriteOp, before: Doc | None, at: str) -> Applied:
    doc = _need(op, before)
    # The system's times too: nothing else will tell them once the entity is gone, and notifications show them.
    last = {name: doc[name] for name in (*_META, "createdAt", "modifiedAt", MARKS) if name in doc}
    changes = [Change("", [last], None)]
    changes += [Change(iri, gone, None) for iri, gone in doc["attrs"].items()]
    return None, changes, WriteResult(op.kind, op.entity_id, changed=True)


def _expire(op: WriteOp, before: Doc | None, at: str) -> Applied:
    """Remove the parts that have expired by now (§4.22); a missing entity is not an error."""
    now = instant(at)
    if before is None:
        return None, [], WriteResult(op.kind, op.entity_id)
    if has_expired(before, now):
        return _delete(op, before, at)
    edit = _Edit(op, before, at)
    left = living_attrs(before["attrs"], now)
    for iri, instances in before["attrs"].items():
        if left.get(iri) is not instances:
            edit.set_attr(iri, left.get(iri, []))
    return edit.done()


# -- parts of an entity -----------------------------------------------------------------------------------------


class _Edit:
    """The new state while an operation runs; copies on the first write."""

    __slots__ = ("at", "attrs", "before", "changes", "doc", "result")

    def __init__(self, op: WriteOp, before: Doc, at: str) -> None:
        self.before = before
        self.at = at
        self.doc = before
        self.attrs: dict[str, list[Instance]] = before["attrs"]
        self.changes: list[Change] = []
        self.result = WriteResult(op.kind, op.entity_id)

    def set_attr(self, iri: str, after: list[Instance]) -> None:
        """Put or (empty list) remove an attribute."""
        if self.attrs is self.before["attrs"]:
            self.attrs = dict(self.attrs)
        old = self.before["attrs"].get(iri)
        if after:
            if len(after) > MAX_INSTANCES and len(after) > len(old or ()):
                raise BadRequestData(f"{iri} would have more than {MAX_INSTANCES} instances", field=iri)
            self.attrs[iri] = after
        else:
            del self.attrs[iri]
        self.changes.append(Change(iri, old, after or None))
        self.result.updated.append(iri)

    def set_meta(self, name: str, value: Any) -> None:
        """Set or (None) remove type, scope or expiresAt."""
        if value == self.doc.get(name):
            return
        if self.doc is self.before:
            self.doc = dict(self.before)
        if value is None:
            del self.doc[name]
        else:
            self.doc[name] = value

    def done(self) -> Applied:
        """The outcome; ``before`` itself when nothing was touched."""
        meta_changed = self.doc is not self.before
        if not self.changes and not meta_changed:
            return self.before, [], self.result
        if not meta_changed:
            self.doc = dict(self.before)
        else:
            self.changes.insert(0, Change("", _meta(self.before), _meta(self.doc)))
        self.doc["attrs"] = self.attrs
        self.doc["modifiedAt"] = self.at
        mark(self.before, self.doc, self.changes, self.at)
        self.result.changed = True
        return self.doc, self.changes, self.result


def _union(name: str, old: list[str] | None, new: list[str]) -> list[str]:
    if old is None:
        return new
    both = sorted({*old, *new})
    if len(both) > max(_MOST[name], len(old)):
        raise BadRequestData(
            f"An entity has at most {_MOST[name]} of {name}; this one would have {len(both)}", field=name
        )
    return both


def _edit_meta(edit: _Edit, op: WriteOp) -> None:
    fragment = op.fragment
    if len(fragment) == 1 and "attrs" in fragment:
        return
    before = edit.before
    if fragment.get("type"):
        edit.set_meta("type", _union("type", before["type"], fragment["type"]))
    if "expiresAt" in fragment:
        edit.set_meta("expiresAt", fragment["expiresAt"])
    if "scope" not in fragment:
        return
    scope = fragment["scope"]
    if scope is None or op.kind is not OpKind.UPDATE or "scope" in before:
        keep = op.kind is OpKind.APPEND and op.no_overwrite and scope is not None
        edit.set_meta("scope", _union("scope", before.get("scope"), scope) if keep else scope)
    else:
        edit.result.not_updated.append(("scope", "The entity has no scope; append it instead"))


def _append(op: WriteOp, before: Doc | None, at: str) -> Applied:
    doc = _need(op, before)
    edit = _Edit(op, doc, at)
    _edit_meta(edit, op)
    for iri, instances in op.fragment.get("attrs", {}).items():
        old = doc["attrs"].get(iri)
        if old is None:
            edit.set_attr(iri, [stamp_new(one, at) for one in instances])
            continue
        after = list(old)
        touched = False
        for one in instances:
            index = dataset_index(old, one.get("datasetId"))
            if index < 0:
                after.append(stamp_new(one, at))
            elif op.no_overwrite:
                edit.result.not_updated.append((iri, "The attribute exists and must not be overwritten"))
                continue
            else:
                after[index] = stamp_over(one, old[index], at)
            touched = True
        if touched:
            edit.set_attr(iri, after)
    return edit.done()


def _update(op: WriteOp, before: Doc | None, at: str) -> Applied:
    doc = _need(op, before)
    edit = _Edit(op, doc, at)
    _edit_meta(edit, op)
    for iri, instances in op.fragment.get("attrs", {}).items():
        old = doc["attrs"].get(iri)
        if old is None:  # §5.6.2: attributes that are not there yet are added
            fresh = [one for one in instances or () if not _is_null(one)]
            if fresh:
                edit.set_attr(iri, [stamp_new(one, at) for one in fresh])
            else:
                edit.result.not_updated.append((iri, "The entity has no such attribute to delete"))
        elif instances is None:
            edit.set_attr(iri, [])
        elif (
            len(old) == 1
            and len(instances) == 1
            and not _is_null(instances[0])
            and (instances[0].get("datasetId") == old[0].get("datasetId"))
        ):
            edit.set_attr(iri, [stamp_over(instances[0], old[0], at)])
        else:
            _replace_instances(edit, iri, old, instances)
    return edit.done()


def _replace_instances(edit: _Edit, iri: str, old: list[Instance], instances: list[Instance]) -> None:
    """Replace, add or (null) delete instance by instance (§5.5.8: a new datasetId is added)."""
    after: list[Instance | None] = list(old)
    touched = False
    for one in instances:
        index = dataset_index(old, one.get("datasetId"))
        if _is_null(one):
            if index < 0:
                edit.result.not_updated.append((iri, "There is no such instance to delete"))
                continue
            after[index] = None
        elif index < 0:
            after.append(stamp_new(one, edit.at))
        else:
            after[index] = stamp_over(one, old[index], edit.at)
        touched = True
    if touched:
        edit.set_attr(iri, [one for one in after if one is not None])


def _merge(op: WriteOp, before: Doc | None, at: str) -> Applied:
    doc = _need(op, before)
    edit = _Edit(op, doc, at)
    _edit_meta(edit, op)
    for iri, instances in op.fragment.get("attrs", {}).items():
        old = doc["attrs"].get(iri) or []
        if instances is None:
            if old:
                edit.set_attr(iri, [])
            continue
        after: list[Instance | None] = list(old)
        touched = False
        for one in instances:
            index = dataset_index(old, one.get("datasetId"))
            existing = old[index] if index >= 0 else None
            merged = merge_instance(iri, existing, one, at, op)
            if merged is None and existing is None:
                continue
            if existing is None:
                after.append(merged)
            else:
                after[index] = merged
            touched = True
        if touched:
            edit.set_attr(iri, [one for one in after if one is not None])
    return edit.done()


# -- one attribute ----------------------------------------------------------------------------------------------


def _target(op: WriteOp, doc: Doc, dataset_id: str | None) -> tuple[list[Instance], int]:
    old = doc["attrs"].get(op.attr)
    if old is None:
        raise ResourceNotFound(f"Entity {op.entity_id} has no attribute {op.attr}", field=op.attr)
    index = dataset_index(old, dataset_id)
    if index < 0:
        which = f"instance with datasetId {dataset_id}" if dataset_id else "default instance"
        raise ResourceNotFound(f"Attribute {op.attr} of entity {op.entity_id} has no {which}", field=op.attr)
    return old, index


def _fragment_instances(op: WriteOp) -> list[Instance]:
    found: list[Instance] = op.fragment["attrs"][op.attr]
    return found


def _partial_attr(op: WriteOp, before: Doc | None, at: str) -> Applied:
    doc = _need(op, before)
    edit = _Edit(op, doc, at)
    after: list[Instance | None] | None = None
    for one in _fragment_instances(op):
        old, index = _target(op, doc, one.get("datasetId", op.dataset_id))
        after = list(old) if after is None else after
        after[index] = partial_instance(op.attr, old[index], one, at)
    edit.set_attr(op.attr, [one for one in after or () if one is not None])
    return edit.done()


def _replace_attr(op: WriteOp, before: Doc | None, at: str) -> Applied:
    doc = _need(op, before)
    edit = _Edit(op, doc, at)
    after: list[Instance] | None = None
    for one in _fragment_instances(op):
        old, index = _target(op, doc, one.get("datasetId", op.dataset_id))
        after = list(old) if after is None else after
        after[index] = stamp_over(one, old[index], at)
    edit.set_attr(op.attr, after or [])
    return edit.done()


def _delete_attr(op: WriteOp, before: Doc | None, at: str) -> Applied:
    doc = _need(op, before)
    edit = _Edit(op, doc, at)
    if op.attr in ("scope", "expiresAt"):
        if op.attr not in doc:
            raise ResourceNotFound(f"Entity {op.entity_id} has no {op.attr}", field=op.attr)
        edit.set_meta(op.attr, None)
    elif op.delete_all:
        if op.attr not in doc["attrs"]:
            raise ResourceNotFound(f"Entity {op.entity_id} has no attribute {op.attr}", field=op.attr)
        edit.set_attr(op.attr, [])
    else:
        old, index = _target(op, doc, op.dataset_id)
        edit.set_attr(op.attr, old[:index] + old[index + 1 :])
    return edit.done()


def _upsert_replace(op: WriteOp, before: Doc | None, at: str) -> Applied:
    return _put_whole(op, before, at)


def _upsert_update(op: WriteOp, before: Doc | None, at: str) -> Applied:
    return _put_whole(op, None, at) if before is None else _append(op, before, at)


_HANDLERS: dict[OpKind, Callable[[WriteOp, Doc | None, str], Applied]] = {
    OpKind.CREATE: _create,
    OpKind.REPLACE: _replace,
    OpKind.UPSERT_REPLACE: _upsert_replace,
    OpKind.UPSERT_UPDATE: _upsert_update,
    OpKind.APPEND: _append,
    OpKind.UPDATE: _update,
    OpKind.MERGE: _merge,
    OpKind.PARTIAL_ATTR: _partial_attr,
    OpKind.REPLACE_ATTR: _replace_attr,
    OpKind.DELETE_ATTR: _delete_attr,
    OpKind.DELETE: _delete,
    OpKind.EXPIRE: _expire,
}
