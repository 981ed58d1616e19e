"""Rules at work in a running broker. That kills lose and double nothing is in ``test_watch_kill.py``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.entity.build import entity, geo, iri, js, lang, prop, simplify, value
from andaman.broker.service import Broker
from andaman.command.core.reading import read_form
from andaman.command.desk import Desk
from andaman.command.service import CommandService
from andaman.command.signals.commands import DeleteRule, PutRule
from andaman.command.signals.rules import rule_doc
from andaman.command.signals.watch import RuleWatch
from andaman.identity.model import FULL_ACCESS
from andaman.kernel.errors import BadRequestData, Conflict
from tests.command.city import (
    DISPATCHER,
    HandClock,
    acknowledge,
    broker_at,
    close_alert,
    open_incident,
    point,
    put,
)

WET = {
    "select": {"type": "WeatherObserved"},
    "when": {"attr": "precipitation24h", "op": ">=", "value": 35.1},
    "clear": {"attr": "precipitation24h", "op": "<", "value": 30},
    "severity": {"attr": "precipitation24h", "bands": [[35.1, "Moderate"], [90.1, "Severe"]]},
    "headline": {"th": "ฝน {precipitation24h} มม. {name}", "en": "Rain {precipitation24h} mm {name}"},
    "category": "Met",
    "damping": "PT1M",
}
SILENT = {
    "select": {"type": "WeatherObserved"},
    "when": {"attr": "precipitation24h", "silent": "PT10M"},
    "severity": "Minor",
}


def rain(gauge: int, mm: float, at: int) -> Any:
    return entity(
        f"urn:ngsi-ld:WeatherObserved:{gauge}",
        "WeatherObserved",
        name=lang(th=f"สถานี {gauge}", en=f"Gauge {gauge}"),
        location=geo(point(gauge, 0)),
        origin=prop("replayed"),
        replayOf=prop("2026-07-03T02:09:00Z"),
        precipitation24h=prop(mm, at),
    )


async def with_rules(broker: Broker, **rules: dict[str, Any]) -> None:
    docs = [rule_doc(f"urn:ngsi-ld:AlertRule:{k}", {"en": k}, v, True) for k, v in rules.items()]
    await put(broker, *docs)


def alerts(broker: Broker, tenant: str = "") -> list[dict[str, Any]]:
    docs = broker.iter_entities([iri("Alert")], FULL_ACCESS, tenant)
    return sorted((simplify(d) for d in docs), key=lambda a: str(a["id"]))


def watch_of(broker: Broker, clock: HandClock, directory: Path) -> RuleWatch:
    return RuleWatch(broker, Desk(broker, clock).records, clock, directory)


def test_from_observation_to_alert_and_back(tmp_path: Path) -> None:
    """Raised with name, place, ground and origin; worse opens it again; cleared when the rain is over."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            await with_rules(broker, wet=WET)
            watch = watch_of(broker, clock, tmp_path / "command")
            await watch.start()
            await put(broker, rain(1, 40, clock.now))
            await watch.caught_up()
            (alert,) = alerts(broker)
            a = alert["a"]
            assert (a["alertStatus"], a["severity"], a["origin"]) == ("open", "Moderate", "replayed")
            assert a["name"] == {"th": "ฝน 40 มม. สถานี 1", "en": "Rain 40 mm Gauge 1"}
            assert a["location"] == point(1, 0)
            assert a["alertSource"] == "urn:ngsi-ld:WeatherObserved:1"
            assert a["data"][0]["value"] == 40

            desk = Desk(broker, clock)
            await acknowledge(desk, alert["id"], "ทราบแล้ว")
            with pytest.raises(Conflict, match="Nok"):
                await acknowledge(desk, alert["id"])
            clock.advance(60)
            await put(broker, rain(1, 95, clock.now))
            await watch.caught_up()
            assert alerts(broker)[0]["a"]["alertStatus"] == "open"
            assert alerts(broker)[0]["a"]["severity"] == "Severe"
            now = alerts(broker)[0]["a"]
            assert (now["data"][0]["value"], now["firstData"][0]["value"]) == (
                95,
                40,
            )  # what it was raised for stays
            clock.advance(60)
            await put(broker, rain(1, 10, clock.now))
            await watch.caught_up()
            assert alerts(broker)[0]["a"]["alertStatus"] == "cleared"
            await watch.stop()

    asyncio.run(run())


def test_an_edited_rule_keeps_its_alerts_with_what_people_did(tmp_path: Path) -> None:
    """Other texts, and another limit that still holds: the same alert, acknowledged, with its time. A limit that does not
    hold any more ends it, and says that the rule changed."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            await with_rules(broker, wet=WET)
            watch = watch_of(broker, clock, tmp_path / "command")
            await watch.start()
            await put(broker, rain(1, 40, clock.now))
            await watch.caught_up()
            (alert,) = alerts(broker)
            await acknowledge(Desk(broker, clock), alert["id"], "ทราบแล้ว")
            limit = {"attr": "precipitation24h", "op": ">=", "value": 38}
            for changed in (WET | {"instruction": {"en": "Look"}}, WET | {"when": limit}):
                clock.advance(120)
                await with_rules(broker, wet=changed)
                await watch.caught_up()
                (now,) = alerts(broker)
                assert now["id"] == alert["id"]
                assert now["a"]["alertStatus"] == "acknowledged"
                assert now["a"]["dateIssued"] == alert["a"]["dateIssued"]
            await with_rules(broker, wet=WET | {"when": limit | {"value": 60}, "clear": limit | {"op": "<"}})
            await watch.caught_up()
            assert (
                alerts(broker)[0]["a"]["alertStatus"] == "acknowledged"
            )  # not yet below the limit of its end
            await with_rules(
                broker,
                wet=WET | {"when": limit | {"value": 60}, "clear": limit | {"op": "<", "value": 50}},
            )
            await watch.caught_up()
            (now,) = alerts(broker)
            assert (now["a"]["alertStatus"], now["a"]["clearReason"]) == ("cleared", "rule changed")
            await watch.stop()

    asyncio.run(run())


def test_closed_alert_stays_closed_and_a_new_one_comes(tmp_path: Path) -> None:
    """A person's close is final for that alert; the next time is a new alert."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            await with_rules(broker, wet=WET)
            watch = watch_of(broker, clock, tmp_path / "command")
            await watch.start()
            for mm, count in ((40, 1), (10, 1), (50, 2)):
                clock.advance(5)
                await put(broker, rain(1, mm, clock.now))
                await watch.caught_up()
                assert len(alerts(broker)) == count
                if count == 1 and mm == 40:
                    await close_alert(Desk(broker, clock), alerts(broker)[0]["id"], "ทดสอบ")
                    await watch.caught_up()
            assert sorted(a["a"]["alertStatus"] for a in alerts(broker)) == ["closed", "open"]
            await watch.stop()

    asyncio.run(run())


def test_rules_change_while_running(tmp_path: Path) -> None:
    """A new rule sees what is there already; a disabled one clears its alerts; a broken one says why it does not run
    and hurts no other. In every tenant by its own rules."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            service = CommandService(broker, tmp_path / "command", clock)
            await service.start()
            await put(broker, rain(1, 40, clock.now))
            await put(broker, rain(1, 40, clock.now), tenant="exercise-1")
            body = {"name": {"th": "ฝนหนัก", "en": "Wet"}, "definition": WET}
            rule_id = "urn:ngsi-ld:AlertRule:wet"
            await service.rules.handle(read_form(PutRule, body, rule=rule_id), DISPATCHER, "exercise-1")
            await service.watch.caught_up()
            assert alerts(broker) == []
            assert len(alerts(broker, "exercise-1")) == 1
            assert alerts(broker, "exercise-1")[0]["a"]["exercise"] is True
            assert service.rules.get(rule_id, FULL_ACCESS, "exercise-1")["active"] == 1

            await service.rules.handle(
                read_form(PutRule, body | {"enabled": False}, rule=rule_id), DISPATCHER, "exercise-1"
            )
            await service.watch.caught_up()
            assert alerts(broker, "exercise-1")[0]["a"]["alertStatus"] == "cleared"

            broken = rule_doc("urn:ngsi-ld:AlertRule:broken", {"en": "x"}, {"select": {}}, True)
            await put(broker, broken, rule_doc(rule_id, {"en": "Wet"}, WET, True))
            await service.watch.caught_up()
            assert len(alerts(broker)) == 1
            errors = {r["id"]: r["error"] for r in service.rules.all(FULL_ACCESS, "")}
            assert "/severity" in str(errors["urn:ngsi-ld:AlertRule:broken"]) or "/when" in str(
                errors["urn:ngsi-ld:AlertRule:broken"]
            )
            with pytest.raises(BadRequestData) as refused:
                await service.rules.handle(
                    read_form(PutRule, body | {"definition": WET | {"for": "P1M"}}, rule=rule_id),
                    DISPATCHER,
                    "",
                )
            assert refused.value.extra["field"] == "/for"
            await service.rules.handle(DeleteRule(rule=rule_id), DISPATCHER, "")
            await service.watch.caught_up()
            assert alerts(broker)[0]["a"]["alertStatus"] == "cleared"
            await service.stop()

    asyncio.run(run())


def test_incident_from_an_alert(tmp_path: Path) -> None:
    """Opening an incident from an alert acknowledges it and links both."""

    async def run() -> None:
        clock = HandClock()
        async with broker_at(tmp_path, clock) as broker:
            await with_rules(broker, wet=WET)
            watch = watch_of(broker, clock, tmp_path / "command")
            await watch.start()
            await put(broker, rain(1, 40, clock.now))
            await watch.caught_up()
            alert = alerts(broker)[0]["id"]
            incident = await open_incident(Desk(broker, clock), refAlert=alert, incidentType="flood")
            doc = broker.get(alert, FULL_ACCESS)
            assert value(doc, "alertStatus") == "acknowledged"
            assert value(doc, "refIncident") == incident
            made = broker.get(incident, FULL_ACCESS)
            assert value(made, "refAlert") == alert
            # what is not of today stays marked as such
            assert (value(made, "origin"), value(made, "replayOf")) == ("replayed", "2026-07-03T02:09:00Z")
            await watch.stop()

    asyncio.run(run())


def test_definition_is_json(tmp_path: Path) -> None:
    """A rule entity carries its definition as it was given."""
    doc = rule_doc("urn:ngsi-ld:AlertRule:x", {"en": "x"}, WET, True)
    assert doc["attrs"][iri("definition")] == [js(WET)]
