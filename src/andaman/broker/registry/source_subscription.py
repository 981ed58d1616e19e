"""One subscription on registrations: its watch, made of its stored document, and its view of a registration (CIM 009
§5.11.7, §5.12).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from andaman.broker.contexts import Context, ContextStore
from andaman.broker.query.evaluate import matches_q, matches_scope
from andaman.broker.query.model import TemporalQuery
from andaman.broker.query.parse import parse_q
from andaman.broker.registry.document import shown
from andaman.broker.registry.match import Spec, matches_info, matches_place, matches_time, source_doc
from andaman.broker.registry.model import Document, Registration
from andaman.broker.subscriptions.model import Counters, Owner, Subscription
from andaman.broker.subscriptions.parse import compile_content
from andaman.broker.subscriptions.wire import Wire
from andaman.kernel.errors import AndamanError, BadRequestData
from andaman.kernel.ids import sortable_id, urn
from andaman.kernel.time import Micros, format_time, parse_time

log = logging.getLogger(__name__)
_LD: Final = "application/ld+json"


@dataclass(slots=True, eq=False)
class Watch:
    """One subscription at work."""

    sub: Subscription
    specs: tuple[Spec, ...]
    time: TemporalQuery | None
    csf: Any
    wire: Wire
    told: dict[str, str]
    registrations: dict[str, Registration] = field(default_factory=dict)  # as they were when they were told
    due: int = 0  # of the next periodic notification
    tried: set[int] = field(default_factory=set)
    key: str | None = None  # of the owner's rights under which what waits was composed
    waiting: dict[int, list[tuple[Registration, str | None]]] = field(default_factory=dict)
    """What the courier has, by message; of each registration what ``told`` said of it before."""

    def take_back(self) -> None:
        """The waiting notification is not sent: the state is again as before."""
        for listed in reversed(self.waiting.values()):
            for one, before in listed:
                if before is None:
                    self.told.pop(one.id, None)
                else:
                    self.told[one.id] = before
                    self.registrations.setdefault(one.id, one)
        self.waiting.clear()
        self.tried.clear()

    def matches(self, one: Registration) -> bool:
        condition = self.sub.condition
        return (
            matches_time(one, self.time)
            and any(matches_info(info, spec) for info in one.information for spec in self.specs)
            and (condition.geo is None or matches_place(one, condition.geo))
            and (condition.scope is None or matches_scope(condition.scope, one.scopes))
            and (self.csf is None or matches_q(self.csf, source_doc(one)))
        )

    def relevant(self, one: Registration) -> frozenset[int]:
        return frozenset(
            number
            for number, info in enumerate(one.information)
            if any(matches_info(info, spec) for spec in self.specs)
        )


def compiled(contexts: ContextStore, tenant: str, document: Document) -> Watch:
    content = document["content"]
    context = _local(contexts, document["sources"].get("context"))
    names = _local(contexts, document["sources"].get("q"))
    condition, form, endpoint, times = compile_content(content, names.expand_term, context)
    sub = Subscription(
        tenant,
        document["id"],
        f"{tenant} {document['id']}",
        content,
        document["sources"],
        Owner(*document["owner"]),
        parse_time(document["createdAt"]),
        parse_time(document["modifiedAt"]),
        condition,
        form,
        endpoint,
        context,
        throttling=times["throttling"],
        interval=times["interval"],
        expires=times["expires"],
        active=content.get("isActive", True),
        counters=Counters(),
    )
    attrs = _attributes(content)
    specs = tuple(
        Spec(one.types, tuple(sorted(one.ids)), one.pattern, attrs) for one in condition.selectors
    ) or (Spec(attrs=attrs),)
    csf = parse_q(content["csf"], names.expand_term) if "csf" in content else None
    time = _temporal(content["temporalQ"]) if "temporalQ" in content else None
    return Watch(sub, specs, time, csf, Wire(sub), dict(document.get("told", {})))


def _local(contexts: ContextStore, source: Any) -> Context:
    try:
        return contexts.resolve_local(source)
    except AndamanError as error:
        log.warning("The @context %s is not kept any more: %s", str(source)[:200], error.detail)
        return contexts.core


def stored(watch: Watch) -> Document:
    sub = watch.sub
    return {
        "id": sub.id,
        "content": sub.content,
        "sources": sub.sources,
        "owner": [sub.owner.id, sub.owner.purpose, sub.owner.era],
        "createdAt": format_time(sub.created),
        "modifiedAt": format_time(sub.modified),
        "told": watch.told,
    }


def _attributes(content: Mapping[str, Any]) -> frozenset[str]:
    """§5.12: watched and notified attributes together, if the latter are named."""
    watched = frozenset(content.get("watchedAttributes", ()))
    notified = frozenset(content["notification"].get("attributes", ()))
    return watched | notified


def _temporal(given: Mapping[str, Any]) -> TemporalQuery:
    relation, name = given.get("timerel"), given.get("timeproperty", "observedAt")
    if relation not in ("before", "after", "between"):
        raise BadRequestData("temporalQ.timerel must be before, after or between", field="temporalQ.timerel")
    if name not in ("observedAt", "createdAt", "modifiedAt", "deletedAt"):
        raise BadRequestData("temporalQ.timeproperty is not known", field="temporalQ.timeproperty")
    times = []
    for member in ("timeAt", *(("endTimeAt",) if relation == "between" else ())):
        try:
            times.append(parse_time(str(given.get(member))))
        except ValueError as error:
            raise BadRequestData(str(error), field=f"temporalQ.{member}") from None
    return TemporalQuery(timerel=relation, time_at=times[0], end_time_at=times[-1], timeproperty=name)


def notification(watch: Watch, reason: str, listed: list[Registration], now: Micros) -> bytes:
    """A ContextSourceNotification (§5.3.2)."""
    sub = watch.sub
    content: dict[str, Any] = {
        "id": urn("ContextSourceNotification", sortable_id(now)),
        "type": "ContextSourceNotification",
        "subscriptionId": sub.id,
        "notifiedAt": format_time(now),
        "triggerReason": reason,
        "data": [_shown(watch, one) for one in listed],
    }
    if sub.form.media == _LD:
        content["@context"] = sub.context.member
    return orjson.dumps(content)


def _shown(watch: Watch, one: Registration) -> dict[str, Any]:
    """A registration reduced to the part that concerns the subscriber; never the headers sent along to the source."""
    relevant = watch.relevant(one)
    content = shown(one.document, watch.sub.context, only=relevant or None)
    content.pop("contextSourceInfo", None)
    for info in content["information"]:
        for entity in info.get("entities", ()):
            if isinstance(entity.get("type"), str):
                entity["type"] = [entity["type"]]
    return content
