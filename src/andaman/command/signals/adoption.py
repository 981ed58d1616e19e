"""Rules that begin without a state take over the alerts that stand open, so that none is raised a second time."""

from __future__ import annotations

import logging
from typing import Final

from andaman.broker.entity.build import iri, value
from andaman.broker.model import Doc, WriteOp
from andaman.broker.service import Broker
from andaman.command.core.severity import SEVERITIES
from andaman.command.signals.alerts import withdraw
from andaman.command.signals.engine import RuleEngine
from andaman.command.signals.episode import Episode
from andaman.identity.model import FULL_ACCESS, Actor
from andaman.kernel.time import Micros, parse_time

log = logging.getLogger(__name__)

_ALERT: Final = iri("Alert")
_PAGE: Final = 500


async def adopt(broker: Broker, engine: RuleEngine, actor: Actor, now: Micros, tenant: str) -> None:
    """Open alerts of rules that run become episodes of the engine; the others (rule or source gone, or a second alert of
    the same) are cleared. Raises Unavailable."""
    rules = {rule.id: rule for rule in engine.rules}
    alerts = [doc for doc in broker.iter_entities([_ALERT], FULL_ACCESS, tenant) if _is_open(doc)]
    alerts.sort(key=lambda doc: str(value(doc, "dateIssued")), reverse=True)
    taken: set[tuple[str, str]] = set()
    ops: list[WriteOp] = []
    for alert in alerts:
        rule, source_id = rules.get(str(value(alert, "rule"))), str(value(alert, "alertSource"))
        source = broker.find(source_id, FULL_ACCESS, tenant)
        if rule is None or source is None or set(rule.types).isdisjoint(source["type"]):
            ops.append(withdraw(alert, "rule changed" if rule is None else "entity deleted", now))
        elif (rule.id, source_id) in taken:
            ops.append(withdraw(alert, "superseded", now))
        else:
            taken.add((rule.id, source_id))
            engine.adopt(rule.id, source_id, tuple(source["type"]), _episode(alert, now))
    for start in range(0, len(ops), _PAGE):
        await broker.must_write(ops[start : start + _PAGE], actor, tenant)


def _is_open(alert: Doc) -> bool:
    return value(alert, "alertStatus") in ("open", "acknowledged")


def _episode(alert: Doc, now: Micros) -> Episode:
    severity = str(value(alert, "severity"))
    return Episode(
        active=True,
        alert=alert["id"],
        step=int(value(alert, "signalStep", 0)),
        onset=_time(alert, "onset", now),
        raised_at=_time(alert, "dateIssued", now),
        occurrences=int(value(alert, "occurrences", 1)),
        severity=severity if severity in SEVERITIES else SEVERITIES[0],
        last_seen=_time(alert, "lastSeen", now),
        reported_at=_time(alert, "lastSeen", now),
    )


def _time(alert: Doc, attr: str, now: Micros) -> Micros:
    try:
        return parse_time(str(value(alert, attr)))
    except ValueError:
        return now
