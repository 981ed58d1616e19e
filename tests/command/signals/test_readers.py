"""Alerts and proposals are made of what those who read them may see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from andaman.broker.entity.build import iri, lang, prop
from andaman.broker.service import Broker
from andaman.command.desk import Desk
from andaman.command.signals.watch import RuleWatch
from andaman.identity.model import Classification
from andaman.identity.policy import DatasetRule, Policy, PolicyTable
from andaman.identity.result_readers import Readership
from tests.command.city import (
    HandClock,
    broker_at,
    put,
)
from tests.command.signals.test_watch import SILENT, WET, rain, with_rules
from tests.command.signals.test_watch import alerts as alert_docs

_SECURITY, _SECRET, _PERSONAL = (
    Classification.SECURITY,
    Classification.OFFICIAL_SECRET,
    Classification.PERSONAL,
)


def policy() -> Policy:
    return Policy(
        PolicyTable(
            [
                DatasetRule("alerts", frozenset({iri("Alert")}), "", _SECURITY),
                DatasetRule("weather", frozenset({iri("WeatherObserved")}), "", Classification.PUBLIC, "", {iri("owner"): _PERSONAL}),
                DatasetRule("hidden", frozenset({iri("HidX")}), "", _SECRET, "pk-navy"),
                DatasetRule("units", frozenset({iri("EmergencyUnit"), iri("Incident")}), "", _SECURITY),
                DatasetRule("persons", frozenset({iri("Patient")}), "", _PERSONAL),
                DatasetRule("navy", frozenset(), "/navy", _SECRET, "pk-navy"),
            ]
        )
    )  # fmt: skip


def test_no_alert_names_what_not_all_its_readers_see(tmp_path: Path) -> None:
    """By a second type, by scope, personal; raised and silent; a hidden attribute in the text; hidden while the alert stands."""

    async def run() -> None:
        clock, rules = HandClock(), policy()
        async with broker_at(tmp_path, clock) as broker:
            await with_rules(broker, wet={**WET, "headline": {"en": "{owner} has rain"}}, silent=SILENT)
            watch = RuleWatch(
                broker, Desk(broker, clock, Readership(rules)).records, clock, tmp_path / "command"
            )
            rules.on_change(watch.shown.policy_changed)
            await watch.start()
            try:
                docs = [rain(n, 40, clock.now) for n in range(6)]
                docs[1]["type"].append(iri("HidX"))
                docs[2]["type"].append(iri("Patient"))
                docs[3]["scope"] = ["/navy/base"]
                docs[4]["attrs"][iri("owner")] = [prop("Somsri")]
                await put(broker, *docs)
                await watch.caught_up()
                found = alerts(broker)
                assert {a["alertSource"] for a in found} == {docs[n]["id"] for n in (0, 4, 5)}
                assert "Somsri" not in str(found)
                clock.now += 3_600_000_000
                await until(lambda: len(alerts(broker)) > 3)
                await asyncio.sleep(0.7)
                sources = {a["alertSource"] for a in alerts(broker)}
                assert sources == {docs[n]["id"] for n in (0, 4, 5)}, "silence of hidden sensors shows"
                # hidden while it stands: it ends, and says nothing more
                late = rain(5, 95, clock.now)
                late["type"].append(iri("LateX"))
                late["attrs"][iri("name")] = [lang(en="SECRET NAME")]
                await put(broker, late)
                await watch.caught_up()
                before = standing(broker)
                clock.now += 1_000_000
                hide = DatasetRule("late", frozenset({iri("LateX")}), "", _SECRET)
                rules.replace([*rules.table.datasets, hide])
                await until(lambda: late["id"] not in standing(broker))
                assert standing(broker) == before - {late["id"]}
                # shown again: it is raised as if it were new
                rules.replace([one for one in rules.table.datasets if one is not hide])
                await until(lambda: late["id"] in standing(broker))
            finally:
                await watch.stop()

    asyncio.run(run())


def alerts(broker: Broker) -> list[dict[str, Any]]:
    return [one["a"] for one in alert_docs(broker)]


def standing(broker: Broker) -> set[str]:
    return {a["alertSource"] for a in alerts(broker) if a["alertStatus"] == "open" and "wet" in a["rule"]}


async def until(so: Callable[[], bool]) -> None:
    for _ in range(100):
        if so():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to be so")


@pytest.mark.parametrize("hidden_type", [True, False])
def test_what_holds_elsewhere_holds_of_what_they_see(tmp_path: Path, hidden_type: bool) -> None:
    """A hidden entity, or a hidden attribute, makes no ``exists`` true, at once or after the policy changed."""
    tide = {
        "select": {"type": "SeaLevelObserved"},
        "when": {"all": [
            {"attr": "tideLevel", "op": ">=", "value": 2.9},
            {"exists": {"type": "WeatherObserved", "where": {"attr": "precipitation24h", "op": ">=", "value": 35}}},
        ]},
        "severity": "Severe",
    }  # fmt: skip

    async def run() -> None:
        clock, rules = HandClock(), policy()
        if not hidden_type:
            attrs = {iri("precipitation24h"): _SECRET}
            weather = frozenset({iri("WeatherObserved")})
            rules.replace([DatasetRule("weather", weather, "", Classification.PUBLIC, "", attrs)])
        async with broker_at(tmp_path, clock) as broker:
            await with_rules(broker, tide=tide)
            watch = RuleWatch(
                broker, Desk(broker, clock, Readership(rules)).records, clock, tmp_path / "command"
            )
            rules.on_change(watch.shown.policy_changed)
            await watch.start()
            try:
                doc = rain(1, 40, clock.now)
                if hidden_type:
                    doc["type"].append(iri("HidX"))
                sea = {"id": "urn:ngsi-ld:SeaLevelObserved:1", "type": [iri("SeaLevelObserved")],
                       "attrs": {iri("tideLevel"): [prop(3.1)]}}  # fmt: skip
                await put(broker, doc, sea)
                await watch.caught_up()
                assert not alerts(broker)
                before = rules.table.datasets
                rules.replace([])
                await until(lambda: len(alerts(broker)) == 1)
                rules.replace(before)
                await until(lambda: alerts(broker)[0]["alertStatus"] == "cleared")
            finally:
                await watch.stop()

    asyncio.run(run())
