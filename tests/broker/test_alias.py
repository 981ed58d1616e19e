"""The name that a broker has among others (CIM 009 §5.15.1; Via, RFC 9110 §7.6.3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from andaman.broker.registry.service import Registry
from andaman.kernel.errors import AndamanError
from tests.broker.ledger.world import with_broker


def test_a_name_is_made_once_and_a_given_one_goes_before_it(tmp_path: Path) -> None:
    async def work(broker: object) -> None:
        names = []
        for alias in ("", "phuket-1", ""):
            registry = Registry.open(tmp_path / "registry", broker, alias=alias)  # type: ignore[arg-type]
            names.append(registry.alias)
            registry.close()
        assert names[0] == names[2] != names[1] == "phuket-1"
        with pytest.raises(AndamanError, match="source_alias"):
            Registry.open(tmp_path / "registry", broker, alias="a b")  # type: ignore[arg-type]

    (tmp_path / "registry").mkdir()
    with_broker(tmp_path, work)
