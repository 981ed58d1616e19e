"""Laws of the reader of rules: what is wrong is named by its place, with a code that screens have in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from andaman.command.signals import problems
from andaman.command.signals.definition import MAX_CONDITIONS, read_rule

RAIN: dict[str, Any] = {"attr": "precipitation24h", "op": ">=", "value": 35.1}
RULE: dict[str, Any] = {"select": {"type": "WeatherObserved"}, "when": RAIN, "severity": "Minor"}
BANDS: dict[str, Any] = {"attr": "precipitation24h", "bands": [[35, "Minor"], [90, "Severe"]]}
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
EXISTS = {"exists": {"type": "SeaLevelObserved", "where": {"attr": "tideLevel", "op": ">", "value": 3}}}


@pytest.mark.parametrize(
    ("wrong", "place", "code"),
    [
        ([], "/", "rule-part-not-an-object"),
        ({**RULE, "colour": "red"}, "/colour", "rule-part-unknown"),
        ({"select": {"type": "WeatherObserved"}, "when": RAIN}, "/severity", "rule-part-missing"),
        ({**RULE, "headline": {"th": "ฝน", "en": " "}}, "/headline/en", "rule-text-wrong"),
        ({**RULE, "select": {"type": "Weather Observed"}}, "/select/type", "rule-name-wrong"),
        ({**RULE, "select": {"type": []}}, "/select/type", "rule-list-empty"),
        ({**RULE, "when": {**RAIN, "value": "35"}}, "/when/value", "rule-number-wrong"),
        ({**RULE, "when": {**RAIN, "op": "=>"}}, "/when/op", "rule-choice-wrong"),
        ({**RULE, "when": {**RAIN, "op": "between", "value": [9, 3]}}, "/when/value", "rule-bounds-wrong"),
        ({**RULE, "when": {"all": []}}, "/when/all", "rule-list-empty"),
        (
            {**RULE, "when": {"any": [RAIN] * (MAX_CONDITIONS + 1)}},
            f"/when/any/{MAX_CONDITIONS - 1}",
            "rule-too-large",
        ),
        ({**RULE, "when": EXISTS}, "/when", "rule-looks-away"),
        (
            {**RULE, "when": {"exists": {"type": "A", "where": EXISTS}}},
            "/when/exists/where",
            "rule-exists-nested",
        ),
        (
            {**RULE, "when": {"exists": {"type": "A", "where": {"attr": "a", "silent": "PT1H"}}}},
            "/when/exists/where",
            "rule-silence-nested",
        ),
        ({**RULE, "when": {"inside": 7}}, "/when/inside", "rule-area-wrong"),
        ({**RULE, "when": {"inside": {**SQUARE, "coordinates": [[]]}}}, "/when/inside", "rule-area-wrong"),
        ({**RULE, "for": "ten minutes"}, "/for", "rule-duration-wrong"),
        ({**RULE, "for": "P367D"}, "/for", "rule-duration-wrong"),
        ({**RULE, "severity": {**BANDS, "bands": [[1]]}}, "/severity/bands/0", "rule-band-wrong"),
        (
            {**RULE, "severity": {**BANDS, "bands": BANDS["bands"][::-1]}},
            "/severity/bands",
            "rule-bands-rise",
        ),
        ({**RULE, "severity": {**BANDS, "direction": "down"}}, "/severity/bands", "rule-bands-fall"),
    ],
)
def test_a_wrong_part_is_named_by_its_place(wrong: Any, place: str, code: str) -> None:
    read_rule("urn:ngsi-ld:AlertRule:right", RULE)
    with pytest.raises(problems.RuleRefused) as refused:
        read_rule("urn:ngsi-ld:AlertRule:wrong", wrong)
    problem = refused.value.problem()
    assert (problem["field"], problem["code"]) == (place, code)
    assert place in problem["detail"]
    assert "{" not in problem["detail"]
