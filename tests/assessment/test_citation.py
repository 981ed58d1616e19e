"""Sources: every figure that cites one says how far it was checked, in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from andaman.assessment.citation import CHECK_TEXTS, SEEN_IN, Check, read_check
from andaman.assessment.indicators.evaluation import definitions
from andaman.assessment.radio.link_budget import BANDS, QUANTITIES, Budget, constants_of
from andaman.assessment.radio.policy import RULES, TEXTS, PolicyAssumptions
from andaman.kernel.errors import BadRequestData

SHIPPED = [
    ("andaman.assessment.indicators", "indicators.json"),
    ("andaman.roadmap", "measures.json"),
    ("andaman.roadmap", "values.json"),
]


def cited(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in the data that has a member ``source``."""
    if isinstance(node, dict):
        if "source" in node:
            yield path, node
        for name, child in node.items():
            yield from cited(child, f"{path}/{name}")
    elif isinstance(node, list):
        for k, child in enumerate(node):
            yield from cited(child, f"{path}/{k}")


@pytest.mark.parametrize(("package", "name"), SHIPPED)
def test_every_shipped_source_is_checked_or_marked(package: str, name: str) -> None:
    """A source has a check; one read elsewhere says where; a figure without a source says it is assumed."""
    rows = list(cited(json.loads((files(package) / "data" / name).read_text("utf-8"))))
    assert rows
    for path, row in rows:
        if row["source"] is None:
            assert row.get("check") is None, path
            assert "assum" in row["basis"]["en"], path
            assert "สมมติ" in row["basis"]["th"], path
            continue
        check = Check(row["check"])
        assert (SEEN_IN in row["source"]) == (check is Check.SECONDARY), path
        assert row["source"].startswith("Andaman") == (check is Check.OWN), path


def test_checks_are_told_in_both_languages() -> None:
    assert set(CHECK_TEXTS) == set(Check)
    assert all(set(text) == {"th", "en"} and all(text.values()) for text in CHECK_TEXTS.values())
    shown = [row for one in definitions() for row in (one.target, *one.peers) if row is not None]
    assert len(shown) > 10
    for row in shown:
        assert row["checkText"] == CHECK_TEXTS[Check(row["check"])]


def test_link_budget_and_policy_name_their_checks() -> None:
    """What is assumed says so and is marked as our own; what was read elsewhere says where."""
    shown = {name for band in BANDS.values() for name in Budget().as_json(band)}
    assert set(QUANTITIES) <= shown
    for constant in (one for band in BANDS.values() for one in constants_of(band, Budget())):
        assert constant.source.en.startswith("assumption") == (constant.check is Check.OWN), constant
        assert ("สมมติ" in constant.source.th) or constant.check is not Check.OWN, constant
        assert (SEEN_IN in constant.source.en) == (constant.check is Check.SECONDARY), constant
    assert all(SEEN_IN in rule.en for rule in RULES.values())
    assert set(TEXTS) <= {*PolicyAssumptions.__dataclass_fields__, "extra_loss_db", "location_probability"}
    for name in TEXTS:
        assert "assumption" in TEXTS[name]["en"].lower(), name
        assert "สมมติ" in TEXTS[name]["th"], name


def test_a_source_without_a_check_is_unverified() -> None:
    """An editor's source counts as unverified until somebody says otherwise; an unknown word is refused."""
    assert read_check(None, None, "check") is None
    assert read_check("original", None, "check") is None
    assert read_check(None, "a book", "check") is Check.UNVERIFIED
    assert read_check("secondary", "a book", "check") is Check.SECONDARY
    for wrong in ("sure", 1, ["own"]):
        with pytest.raises(BadRequestData, match="original"):
            read_check(wrong, "a book", "share/check")
