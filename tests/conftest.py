"""What holds for every test."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests import interpreted

# Laws say what is true, benchmarks how fast: a slow machine makes no test fail.
settings.register_profile("laws", deadline=None)
settings.load_profile("laws")

if os.environ.get("ANDAMAN_INTERPRETED") == "1":
    interpreted.install()


def pytest_configure(config: pytest.Config) -> None:
    """Tests of other code than what stands in the sources would say nothing."""
    from andaman.kernel.compiled import advice, of_this_program

    found = of_this_program()
    if found.stale and os.environ.get("ANDAMAN_INTERPRETED") != "1":
        pytest.exit(advice(found), returncode=2)
