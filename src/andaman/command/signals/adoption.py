"""Rules that begin without a state take over the alerts that are still open, so that none is raised twice."""

from __future__ import annotations

from typing import Final

from andaman.broker.api import Broker, WriteOp, iri
from andaman.command.core.views import Alert, readable
from andaman.command.signals.alerts import withdraw
from andaman.command.signals.engine import RuleEngine
from andaman.command.signals.episode import Episode
from andaman.identity.model import FULL_ACCESS, Actor
from andaman.kernel.time import Micros

_ALERT: Final = iri("Alert")
_PAGE: Final = 500


async def adopt(broker: Broker, engine: RuleEngine, actor: Actor, now: Micros, tenant: str) -> None:
    """Open alerts of running rules become episodes of the engine. The others (rule or source gone, or a second alert of
    the same) are cleared. Raises Unavailable.
    """
    rules = {rule.id: rule for rule in engine.rules}
    found = readable(Alert, broker.iter_entities([_ALERT], FULL_ACCESS, tenant))
    alerts = [alert for alert in found if alert.status.standing]
    alerts.sort(key=lambda alert: alert.issued or 0, reverse=True)
    taken: set[tuple[str, str]] = set()
    ops: list[WriteOp] = []
    for alert in alerts:
        rule, source = rules.get(alert.rule), broker.find(alert.source, FULL_ACCESS, tenant)
        if rule is None or source is None or set(rule.types).isdisjoint(source["type"]):
            ops.append(withdraw(alert, "rule changed" if rule is None else "entity deleted", now))
        elif (rule.id, alert.source) in taken:
            ops.append(withdraw(alert, "superseded", now))
        else:
            taken.add((rule.id, alert.source))
            engine.adopt(rule.id, alert.source, tuple(source["type"]), _episode(alert, now))
    for start in range(0, len(ops), _PAGE):
        await broker.must_write(ops[start : start + _PAGE], actor, tenant)


def _episode(alert: Alert, now: Micros) -> Episode:
    last_seen = now if alert.last_seen is None else alert.last_seen
    return Episode(
        active=True,
        alert=alert.id,
        step=alert.signal_step,
        onset=now if alert.onset is None else alert.onset,
        raised_at=now if alert.issued is None else alert.issued,
        occurrences=alert.occurrences,
        severity=alert.severity.value,
        last_seen=last_seen,
        reported_at=last_seen,
    )
