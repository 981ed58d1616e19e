"""Laws of scenarios: their rules can be read by the command room, and their scripts are in order."""

import pytest

from andaman.command.signals.definition import read_rule
from andaman.training.drill import SCENARIOS
from andaman.training.exercise import main_entity
from andaman.training.scenario_rules import RULES


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda s: s.id)
def test_a_scenario_is_complete(scenario):
    for local, name, definition in RULES[scenario.id]:
        rule = read_rule(f"urn:ngsi-ld:AlertRule:{local}", definition, name)
        assert set(name) == set(rule.headline) == {"th", "en"}
    times = [inject.after_s for inject in scenario.injects]
    assert times == sorted(times)
    assert times[-1] < scenario.limit_s
    assert main_entity(scenario, "x").endswith("drill-x-1")
