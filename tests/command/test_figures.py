"""Figures of the command center lead to what was measured, the limits, the rule, and the speeds of a way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from andaman.broker.api import DEFAULT_TENANT, Broker, entity, js, lang, rel
from andaman.command.dispatch.ranking import TURNOUT_S
from andaman.command.figures import alert_figures, travel_figures
from andaman.command.service import CommandService
from andaman.command.types import TYPES
from andaman.evidence.model import Asked
from andaman.evidence.problems import FigureNotOfThePast, NoSuchFigure
from andaman.evidence.vocabulary import Vocabulary
from andaman.identity.model import Actor
from andaman.identity.problems import PermissionMissing
from andaman.ingest.types import TYPES as INGESTED
from andaman.kernel.words import Words
from tests.command.city import DISPATCHER, STATION, UNITS, HandClock, broker_at, open_incident, put, roads
from tests.support import principal, run

ALERT = "urn:ngsi-ld:Alert:1"
GAUGE = "urn:ngsi-ld:WeatherObserved:1"


def asked(key: str, actor: Actor = DISPATCHER, at: int | None = None) -> Asked:
    return Asked(key=key, actor=actor, tenant=DEFAULT_TENANT, at=at)


async def raised(broker: Broker, *data: Any) -> None:
    rule = entity("urn:ngsi-ld:AlertRule:wet", "AlertRule", name=lang(th="ฝนหนัก", en="Heavy rain"))
    alert = entity(
        ALERT, "Alert", alertSource=rel(GAUGE), rule=rel(rule["id"], "AlertRule"), data=js(list(data))
    )
    await put(broker, rule, alert)


def test_an_alert_leads_to_its_value_limit_and_rule(tmp_path: Path) -> None:
    async def work() -> None:
        async with broker_at(tmp_path, HandClock()) as broker:
            resolve = alert_figures(broker, Vocabulary([*TYPES, *INGESTED]))
            at = "2026-11-20T07:00:00.000000Z"
            row = {"attribute": "precipitation24h", "observedAt": at, "op": ">="}
            await raised(
                broker,
                {**row, "value": 88.8, "threshold": 35.1},
                {**row, "value": 40, "threshold": [10, 20], "perSeconds": 600},
                {"exists": "Incident"},
                {"attribute": 5},
                "nonsense",
            )
            basis = await resolve(asked(ALERT))
            assert isinstance(basis.entities, tuple)
            assert [(one.id, one.value, one.time) for one in basis.entities] == [
                (GAUGE, 88.8, at),
                (GAUGE, None, at),
            ]
            assert [one.value for one in basis.constants] == [35.1, 10, 20]
            assert basis.constants[0].source == Words("กฎเฝ้าระวัง: ฝนหนัก", "Alert rule: Heavy rain")
            assert basis.constants[0].unit == Words("มม.", "mm")
            assert [one.value for one in basis.details] == [40]
            for key in ("urn:ngsi-ld:Alert:none", "urn:ngsi-ld:AlertRule:wet"):
                with pytest.raises(NoSuchFigure):
                    await resolve(asked(key))

    run(work)


def test_a_travel_time_is_that_of_the_ranking_and_names_its_speeds(tmp_path: Path) -> None:
    async def work() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            await put(broker, STATION, *UNITS, *roads())
            service = CommandService(broker, tmp_path / "command", clock)
            incident = await open_incident(service.desk)
            found = (
                await service.desk.dispatch.candidates(incident, DISPATCHER.access, DEFAULT_TENANT)
            ).candidates
            resolve = travel_figures(service.desk)
            basis = await resolve(asked(f"{incident}~{found[0].unit.id}"))
            assert basis.value == round(TURNOUT_S + found[0].eta_s)
            assert isinstance(basis.entities, tuple)
            assert [one.id for one in basis.entities] == [found[0].unit.id, incident]
            assert 55 in [one.value for one in basis.constants], "the roads are secondary ones"
            for key in (f"{incident}~urn:x:none", f"urn:x:none~{found[0].unit.id}", incident):
                with pytest.raises(NoSuchFigure):
                    await resolve(asked(key))
            with pytest.raises(FigureNotOfThePast):
                await resolve(asked(f"{incident}~{found[0].unit.id}", at=1))
            with pytest.raises(PermissionMissing):
                await resolve(asked(incident, Actor(principal("public", "Public", "public"))))

    run(work)
