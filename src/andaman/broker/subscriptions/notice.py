"""Composing notifications: the envelope (CIM 009 §5.3.1), the entity after a change, and the signs of deletion and of
previous values (§5.8.6)."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final, TypeVar

import orjson

from andaman.broker.contexts.model import Context
from andaman.broker.entity.build import VALUE_MEMBER
from andaman.broker.entity.compat import amended
from andaman.broker.entity.linked import Find, Linker
from andaman.broker.entity.names import NULL
from andaman.broker.entity.represent import (
    View,
    feature,
    feature_collection,
    plain_value,
    represent,
    represent_attribute,
)
from andaman.broker.model import Change, Doc, EventKind, Instance
from andaman.broker.subscriptions.changes import Fact, same_value
from andaman.broker.subscriptions.model import Form, Subscription, Trigger
from andaman.kernel.time import Micros, format_time

GEO_JSON: Final = "application/geo+json"
LD_JSON: Final = "application/ld+json"
_PREVIOUS: Final = {
    "value": "previousValue",
    "object": "previousObject",
    "languageMap": "previousLanguageMap",
    "json": "previousJson",
    "vocab": "previousVocab",
    "valueList": "previousValueList",
    "objectList": "previousObjectList",
}
_T = TypeVar("_T")


def notification_id(key: str, position: int | str) -> str:
    """The same for the same subscription and journal position, so that a repeat is recognized."""
    return f"urn:ngsi-ld:Notification:{key}:{position}"


def link_header(url: str) -> str:
    return f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'


def now(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run what only pretends to wait (reads of current state) to its end, on this thread."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as end:
        found: _T = end.value
        return found


def envelope(
    subscription: Subscription,
    number: str,
    at: Micros,
    data: Iterable[bytes],
    *,
    kind: str = "Notification",
) -> bytes:
    """The notification as JSON. ``data``: entities (or features) as JSON each."""
    head = orjson.dumps(
        {"id": number, "type": kind, "subscriptionId": subscription.id, "notifiedAt": format_time(at)}
    )
    content = b",".join(data)
    if subscription.form.media == GEO_JSON:
        context = b""
        if not prefers_plain(subscription):
            context = b',"@context":' + orjson.dumps(subscription.context.member)
        content = b'{"type":"FeatureCollection","features":[' + content + b"]" + context + b"}"
        return head[:-1] + b',"data":' + content + b"}"
    return head[:-1] + b',"data":[' + content + b"]}"


def prefers_plain(subscription: Subscription) -> bool:
    """GeoJSON without @context: asked for as ``Prefer: body=json`` (§6.3.6), in either list of pairs."""
    pairs = (*subscription.endpoint.receiver_info, *subscription.endpoint.notifier_info)
    return any(
        key.lower() == "prefer" and text.replace(" ", "").lower() == "body=json" for key, text in pairs
    )


def entity_json(subscription: Subscription, fact: Fact, find: Find) -> bytes:
    """The changed entity (with those linked to it, where asked for) as this subscription wants to see it."""
    form, context = subscription.form, subscription.context
    # The same for every subscription with this form; a join asks for current state under the subscriber's own rights.
    key: tuple[Any, ...] = (
        form.view,
        form.media,
        form.version,
        form.show_changes,
        subscription.condition.triggers,
        context,
    )
    if form.join is None:
        if fact.event.kind is EventKind.DELETED:
            key = (*key, subscription.condition.watched)
        known = fact.shown.get(key)
        if known is not None:
            return known
    if fact.event.kind is EventKind.DELETED:
        shown: list[dict[str, Any]] = [_deleted(subscription, fact)]
    else:
        shown = present(form, context, [fact.doc], find)
        _mark(shown[0], fact, form, context)
    made = dumped(shown, fact.doc, form, context)
    if form.join is None:
        fact.shown[key] = made
    return made


def entities_json(subscription: Subscription, docs: Sequence[Doc], find: Find) -> list[bytes]:
    """Entities as they are, for a periodic notification; several at a time only without a join."""
    form, context = subscription.form, subscription.context
    return [dumped(present(form, context, [doc], find), doc, form, context) for doc in docs]


def present(form: Form, context: Context, docs: list[Doc], find: Find) -> list[dict[str, Any]]:
    """Entities in the form asked for; the first is the first of ``docs``."""
    if form.join is None:
        return [represent(doc, context, form.view) for doc in docs]
    return now(Linker(find, context, form.view, form.join).entities(docs)) or [{}]


def dumped(shown: list[dict[str, Any]], doc: Doc, form: Form, context: Context) -> bytes:
    """As JSON, comma-separated; the first of ``shown`` is ``doc``, the others are linked to it."""
    if form.version is not None and form.view.format != "simplified":
        shown = amended(shown, form.version)
    if form.media == GEO_JSON:
        geometry = feature(doc, context, form.view)["geometry"]
        features = []
        for number, one in enumerate(shown):
            properties = {name: value for name, value in one.items() if name != "id"}
            place = geometry if number == 0 else None
            features.append(
                {
                    "id": one.get("id", doc["id"]),
                    "type": "Feature",
                    "geometry": place,
                    "properties": properties,
                }
            )
        return orjson.dumps(feature_collection(features)["features"])[1:-1]
    if form.media == LD_JSON:
        shown = [{**one, "@context": context.member} for one in shown]
    return orjson.dumps(shown[0]) if len(shown) == 1 else orjson.dumps(shown)[1:-1]


# -- deletions and previous values ------------------------------------------------------------------------------


def _shows(view: View, attr: str) -> bool:
    return attr not in view.omit and (view.pick is None or attr in view.pick)


def _chosen(view: View, instances: Iterable[Instance] | None) -> list[Instance]:
    wanted = view.datasets
    return [one for one in instances or () if wanted is None or one.get("datasetId", "@none") in wanted]


def _deleted(subscription: Subscription, fact: Fact) -> dict[str, Any]:
    """A deleted entity: id, type and deletedAt; its attributes only where their deletion was asked for or previous
    values are wanted."""
    form, context, doc = subscription.form, subscription.context, fact.doc
    condition, view = subscription.condition, form.view
    types = [context.shorts[one] for one in doc["type"]]
    out: dict[str, Any] = {"id": doc["id"], "type": types[0] if len(types) == 1 else types}
    for part in ("id", "type"):
        if part in view.omit or (view.pick is not None and part not in view.pick):
            del out[part]
    if view.sys_attrs:
        out.update({name: doc[name] for name in ("createdAt", "modifiedAt", "expiresAt") if name in doc})
    out["deletedAt"] = at = format_time(fact.event.at)
    if not form.show_changes and not condition.triggers & Trigger.ATTRIBUTE_DELETED:
        return out
    for change in fact.event.changes:
        watched = form.show_changes or condition.watched is None or change.attr in condition.watched
        if change.attr and watched and _shows(view, change.attr):
            _mark_attribute(out, change, form, context, at)
    return out


def _mark(out: dict[str, Any], fact: Fact, form: Form, context: Context) -> None:
    """Show the deleted parts, and the values before if asked for."""
    if fact.event.kind is EventKind.CREATED:
        return
    at = ""
    for change in fact.event.changes:
        if not change.attr or not change.before or not _shows(form.view, change.attr):
            continue
        gone = change.after is None or len(change.after) < len(change.before) or _lost(change)
        if gone or form.show_changes:
            at = at or format_time(fact.event.at)
            _mark_attribute(out, change, form, context, at)


def _lost(change: Change) -> bool:
    kept = {one.get("datasetId") for one in change.after or ()}
    return any(one.get("datasetId") not in kept for one in change.before or ())


def _mark_attribute(out: dict[str, Any], change: Change, form: Form, context: Context, at: str) -> None:
    view, name = form.view, context.shorts[change.attr]
    before, after = _chosen(view, change.before), _chosen(view, change.after)
    kept = {one.get("datasetId") for one in after}
    gone = [one for one in before if one.get("datasetId") not in kept]
    if gone and not after and len(change.before or ()) > 1:
        # The attribute as a whole is gone: one sign for all of its instances.
        gone = [{key: value for key, value in gone[0].items() if key != "datasetId"}]
    if gone:
        made = represent_attribute(change.attr, [*after, *map(_sign, gone)], context, view)
        if view.format == "simplified":
            out[name] = made
            return
        out[name] = made = _unlisted(made, change.attr, [*after, *map(_sign, gone)], view)
    elif view.format == "simplified" or name not in out:
        return
    else:
        made = out[name]
    single = not isinstance(made, list) or len(after) + len(gone) == 1
    listed = [made] if single else list(made)
    old = {one.get("datasetId"): one for one in before}
    deleted = gone[0] if not after and len(gone) == 1 else None
    for place, one in enumerate([*after, *gone][: len(listed)]):
        was = deleted if one is deleted else old.get(one.get("datasetId"))
        extra: dict[str, Any] = {}
        if form.show_changes and was is not None and (place >= len(after) or not same_value(was, one)):
            member = VALUE_MEMBER[was["type"]]
            extra[_PREVIOUS[member]] = plain_value(was, context)
        if place >= len(after) and view.sys_attrs:
            extra["deletedAt"] = at
        if extra:
            shown = listed[place]
            listed[place] = {**shown, **extra} if _is_attribute(shown, one) else {"value": shown, **extra}
    out[name] = listed[0] if single else listed


def _is_attribute(shown: Any, instance: Instance) -> bool:
    """Is it an attribute as an object, not a bare value of the concise form?"""
    return isinstance(shown, dict) and (
        VALUE_MEMBER[instance["type"]] in shown or ("type" in shown and "value" in shown)
    )


def _sign(instance: Instance) -> Instance:
    """A deleted instance: its kind, its datasetId, its times, and NGSI-LD Null for a value."""
    kind = instance["type"]
    null: Any = NULL
    if kind == "LanguageProperty":
        null = {"@none": NULL}
    out: Instance = {"type": kind, VALUE_MEMBER[kind]: null}
    if kind == "ListRelationship":
        out[VALUE_MEMBER[kind]] = [NULL]
    for name in ("datasetId", "createdAt", "modifiedAt"):
        if name in instance:
            out[name] = instance[name]
    return out


def _unlisted(made: Any, attr: str, instances: Sequence[Instance], view: View) -> Any:
    """List members of signs hold the Null itself, not a list with it."""
    for shown in made if isinstance(made, list) else [made]:
        if isinstance(shown, dict) and shown.get("objectList") == [{"object": NULL}]:
            shown["objectList"] = NULL
    return made
